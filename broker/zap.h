/*
 * zap - says to libzmq which CURVE keys may connect
 *
 * A thread of its own answers the handshakes, so that a long tick of the broker keeps nobody waiting at the door. It
 * shares one thing with the broker: a sorted set of keys, replaced as a whole.
 *
 * Being let in is not being authorised: a connection outlives its key, so every message is checked again (front.h).
 *
 * Errors: 0 or -errno. Threads: zap_replace may be called while handshakes run.
 */
#ifndef BROKER_ZAP_H
#define BROKER_ZAP_H

#include <stddef.h>
#include <stdint.h>

#define ZAP_DOMAIN   "wici"
#define ZAP_KEY_SIZE 41u

struct zap;

struct zap_key {
    char key[ZAP_KEY_SIZE]; /* Z85 text */
    uint64_t until_ms;      /* 0: no end */
};

/* Starts answering; lets nobody in until zap_replace. To be called before any socket of the context is bound. */
int zap_start(struct zap **ret, void *zmq);
/* Ends the thread. The context must not have been terminated. */
void zap_stop(struct zap **zap);

/* From now on these keys may connect and no others. Copies and sorts them. -ENOMEM: the old set stays. */
int zap_replace(struct zap *zap, const struct zap_key *keys, size_t count);

#endif
