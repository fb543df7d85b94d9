/*
 * trace - every call that changes a file, makes it durable, or sends bytes away, seen from outside of the program
 *
 * The file defines the C library's own names (write, fdatasync, rename, send, ...), so that the program's calls and
 * those of its shared libraries come here first: linked into a test program (powercut), or preloaded into any program
 * as it is (libwici_trace.so, trace_lines.c). Each call is then made as a system call.
 *
 * Files are followed from their open() on, when their path begins with trace_root. Not seen: what is written through a
 * shared mapping, and stdio. Whoever relies on having seen all compares the files at the end (record_stop() does).
 *
 * Threads: calls of several threads are reported as they come. Build it without sanitizers.
 */
#ifndef CRASH_TRACE_H
#define CRASH_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum trace_op {
    TRACE_OPEN,
    TRACE_CLOSE,
    TRACE_READ, /* told to `fail` only */
    TRACE_WRITE,
    TRACE_TRUNCATE,
    TRACE_SYNC, /* fsync or fdatasync; msync and sync_file_range promise nothing after a power cut and are not seen */
    TRACE_RENAME,
    TRACE_LINK,
    TRACE_UNLINK,
    TRACE_MKDIR,
    TRACE_SEND, /* on a TCP socket */
    TRACE_RECEIVE
};

#define TRACE_SHORT (-1)

struct trace_call {
    enum trace_op op;
    int fd;           /* -1: the call names a path */
    const char *path; /* as given to open(), for calls with a descriptor too; NULL: a socket */
    const char *to;   /* of rename and link */
    bool dsync;       /* the descriptor writes through: O_DSYNC */
    bool created;     /* an open that makes the file */
    off_t at;         /* of a read or write; the new length of a truncate */
    size_t len;       /* of a read, write, send or receive */
    const struct iovec *iov;
    int iov_count;
};

/* NULL: nothing is traced. */
extern struct trace_sink {
    const char *root; /* "" for all files but /dev, /proc and /sys */
    /* Called before the call is made. True: it is not made, and its caller is told that it was; an open is made all the
     * same, but without O_DSYNC. */
    bool (*before)(const struct trace_call *call);
    /* Called first, for files and TCP sends; may be NULL. Not 0: the call is not made and fails with this errno.
     * TRACE_SHORT: a write takes half of its bytes. */
    int (*fail)(const struct trace_call *call);
    /* Called after a call that succeeded; an open with its descriptor. */
    void (*after)(const struct trace_call *call);
} const *trace_sink;

#endif
