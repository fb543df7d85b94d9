/*
 * front - the door: one ROUTER socket, CURVE only, bounded before it opens
 *
 * What comes in is a stranger's until its key is known: libzmq proves the key at the handshake (zap.h says which), and
 * each message carries it (`key`). Which unit that is, now, is for the caller to ask. A routing id is chosen by the
 * peer: it says where an answer goes, never who somebody is.
 *
 * One message is one frame. Others are read to their end and reported as bad_frames, so that their sender can be told.
 * What arrives and is not taken yet is bounded too: watch.h.
 *
 * Errors: 0 or -errno, libzmq's own codes mapped. Threads: the broker's only.
 */
#ifndef BROKER_FRONT_H
#define BROKER_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#define FRONT_ROUTE_MAX            255u
#define FRONT_KEY_SIZE             41u
#define FRONT_HWM                  20000 /* messages waiting for, or from, one peer; credit ends well below */
#define FRONT_RCVHWM               1000  /* never small: libzmq aborts on heartbeats with a tiny one */
#define FRONT_HANDSHAKE_MS         5000
#define FRONT_HEARTBEAT_MS         15000
#define FRONT_HEARTBEAT_TIMEOUT_MS 90000 /* far above the longest stall of a disk */
#define FRONT_BACKLOG              1024
#define FRONT_LINGER_MS            2000 /* for the last answers, at the end */

struct front;

struct front_route {
    uint8_t len;
    uint8_t id[FRONT_ROUTE_MAX];
};

bool front_route_is(const struct front_route *a, const struct front_route *b);

struct front_message {
    struct front_route route; /* len 0: the peer named itself with more than FRONT_ROUTE_MAX bytes, nobody to answer */
    char key[FRONT_KEY_SIZE]; /* Z85 text; "" when there is none: refuse */
    bool bad_frames;          /* not exactly one frame: payload is empty */
    zmq_msg_t payload;        /* always initialised; the caller closes it */
};

/*
 * Opens the socket, proves to itself that strangers stay out, then binds the endpoint.
 *   -EACCES  the self-test failed: a random key, or a connection without CURVE, got in
 */
int front_open(struct front **ret, void *zmq, const char *secret_key, const char *public_key, const char *listen);
/* Waits at most FRONT_LINGER_MS for answers that are still to be sent. */
void front_close(struct front **front);

/* The endpoint as it was bound: "tcp://127.0.0.1:40123". */
const char *front_endpoint(const struct front *front);

/* How many connections were cut off because they sent too much that was not taken yet. */
uint64_t front_cut_count(struct front *front);

/* Waits until there is something to receive or fd becomes readable, at most timeout_ms. *ret_readable tells of the fd.
 * -EIO */
int front_wait(struct front *front, int fd, int timeout_ms, bool *ret_readable);
/* Is there something to receive? */
bool front_waiting(struct front *front);

/* Takes one message. -EAGAIN: there is none. -EIO: nothing can be sent any more (front_send): stop. */
int front_receive(struct front *front, struct front_message *ret);

/*
 * Sends and takes the message over; closes it on failure. -EHOSTUNREACH: the peer is gone. -EAGAIN: its queue is full.
 * -EIO: the message's route went out and the message did not. What is sent next would reach that peer, whoever it is
 * for: nothing is sent any more, and front_receive says so.
 */
int front_send(struct front *front, const struct front_route *route, zmq_msg_t *message);

/* In front_check.c: true when the door of this socket lets no stranger in. Binds and unbinds a loopback port. */
int front_check(void *zmq, void *router, const char *public_key);

#endif
