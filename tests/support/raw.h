/*
 * raw - the bytes of a connection, below ZeroMQ: for those who speak something else, nothing, or what others said
 *
 * Failures are cmocka's. Threads: a relay has one of its own, which ends with raw_relay_close.
 */
#ifndef SUPPORT_RAW_H
#define SUPPORT_RAW_H

#include "tests/support/daemon.h"

#include <stdint.h>

/* A TCP connection to the daemon; its descriptor, which the caller closes. */
int raw_connect(const struct daemon *d);
/* The same with segments and a receive buffer as small as the kernel allows: what is not read from it does not wait in
 * the kernel, but in the daemon. */
int raw_connect_narrow(const struct daemon *d);
/* Sends as much as the other side takes: it may close at any time. Returns whether all of it went. */
bool raw_send(int fd, const void *data, size_t len);
/* Reads and drops what comes until the other side has closed; false after timeout_ms. */
bool raw_closes(int fd, int timeout_ms);
/* A greeting of ZMTP 3.0 as a client: 64 bytes. */
#define RAW_GREETING 64u
void raw_greeting(uint8_t ret[RAW_GREETING], const char *mechanism);

/* Stands between one client and the daemon, and keeps what the client says. */
struct raw_relay;
struct raw_relay *raw_relay_open(const struct daemon *d);
/* Where the client has to connect to. */
const char *raw_relay_endpoint(const struct raw_relay *relay);
/* Ends it; *ret is what the client said, which the caller frees. */
void raw_relay_close(struct raw_relay **relay, uint8_t **ret, size_t *ret_len);

#endif
