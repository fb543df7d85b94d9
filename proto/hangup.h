/*
 * hangup - SIGHUP, which many programs take for "read your settings again"
 *
 * Ours read them at their start. Unhandled it would end them, and systemd takes such an end for one that was asked for:
 * nobody would start them again. So it is ignored, but where the standard input is a terminal: closing that ends what
 * was started in it.
 *
 * Errors: none. Threads: before there are others.
 */
#ifndef WICI_HANGUP_H
#define WICI_HANGUP_H

void hangup_ignore(void);

#endif
