/*
 * nodump - no core dump of a process that has people's data in its memory
 *
 * A core dump is a file with all that the process held, in a folder that nobody thinks of. It is forbidden by the limit
 * (RLIMIT_CORE, the hard one too), which the process's children inherit; and, as a program that the system hands dumps
 * to is started whatever the limit says, by PR_SET_DUMPABLE. That also keeps other processes of the same user from
 * reading the memory; the system's administrator still can. A program that is started anew calls this anew.
 *
 * Built with ASan the second is left out, as its search for leaks traces its own process; and with TSan, where tests
 * that read a broker's memory run as any user.
 *
 * Errors: 0 or -errno. Threads: before there are others.
 */
#ifndef WICI_NODUMP_H
#define WICI_NODUMP_H

int nodump_set(void);

#endif
