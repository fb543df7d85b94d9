/*
 * curve - a client of CURVE written from ZeroMQ's RFCs 23 and 26, on a bare TCP connection
 *
 * It has a key like any client, and says what libzmq's own would never say. Failures are cmocka's.
 */
#ifndef SUPPORT_CURVE_H
#define SUPPORT_CURVE_H

#include "tests/support/daemon.h"

#include <stdint.h>

#define CURVE_MORE    1u /* a frame's flags: the message goes on; */
#define CURVE_COMMAND 2u /* it is a command of ZMTP */

struct curve {
    int fd;
    uint64_t nonce;
    uint8_t shared[32]; /* of both short-term keys */
};

/* One property of the metadata; returns how many bytes of `ret` it took. */
size_t curve_property(uint8_t *ret, const char *name, const void *value, size_t len);

/* Connects and shakes hands with this metadata. False: the broker closed, or said no. */
bool curve_open(struct curve *ret, const struct daemon *d, const struct keyfile *key, const uint8_t *metadata,
                size_t len);
/* The same over raw_connect_narrow, for who does not read. */
bool curve_open_narrow(struct curve *ret, const struct daemon *d, const struct keyfile *key, const uint8_t *metadata,
                       size_t len);
/* Sends one frame, encrypted. False: the broker has closed. */
bool curve_send(struct curve *curve, uint8_t flags, const void *data, size_t len);
/* Takes the next frame that is no command; the caller frees *ret. False: the broker has closed, or says nothing. */
bool curve_receive(struct curve *curve, uint8_t **ret, size_t *ret_len);
void curve_close(struct curve *curve);

#endif
