/*
 * door - the broker's front and its ZAP handler (broker/front.h, broker/zap.h), simulated: no sockets, no threads
 *
 * A line is one connection. Messages of a line stay in order, each way; how far they have come is up to the driver:
 *
 *     door_say --> on the way --door_carry--> at the broker --front_receive-->
 *     <--door_hear-- arrived <--door_carry-- on the way <--front_send--
 *
 * front_send says -EAGAIN while as many messages as the line's bound wait for the peer, -EHOSTUNREACH once the line is
 * known to be cut. A cut loses what was on the way, or part of it; what was at the broker is still taken, as with
 * ZeroMQ.
 *
 * The dead broker: after door_die() nothing that the broker does reaches anybody, and nothing reaches it.
 *
 * Ownership: lines belong to the door; a cut line lives until door_sweep(). Threads: one.
 */
#ifndef SIM_DOOR_H
#define SIM_DOOR_H

#include "broker/front.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOOR_SAIDS_MAX 8u

/* A message from a peer, with what the checkers have to know of it. */
struct door_message {
    struct door_message *next;
    uint8_t *bytes;
    size_t len;
    bool bad_frames;
    uint32_t saids[DOOR_SAIDS_MAX]; /* the events in a Publish (saids.h) */
    size_t said_count;
};

struct door_parcel; /* a message to a peer */
struct tally;       /* what the checkers know of a line (tally.h) */

struct door_line {
    struct door_line *next;
    struct front_route route;
    char key[FRONT_KEY_SIZE];
    bool open;                           /* the peer holds it */
    bool known;                          /* the broker's side has it; false: it has noticed the cut */
    size_t bound;                        /* messages waiting for the peer */
    struct door_message *out, **out_end; /* from the peer */
    size_t out_count, out_arrived;
    struct door_parcel *in, **in_end; /* to the peer */
    size_t in_count, in_arrived;
    struct tally *tally;
};

/* What the door tells the checkers: before a message is taken, and before one is handed to the transport. */
struct door_hooks {
    void (*taken)(struct door_line *line, const struct door_message *message);
    void (*sent)(struct door_line *line, const uint8_t *bytes, size_t len);
    void (*point)(const char *where); /* the broker may die here */
};

void door_create(const struct door_hooks *hooks);
void door_destroy(void);

/* NULL: the handshake was refused; or nobody is there. */
struct door_line *door_connect(const char *key, size_t bound);
void door_say(struct door_line *line, const struct door_message *message); /* copies; message->next is not used */
/* NULL: nothing has arrived. The caller frees it. */
uint8_t *door_hear(struct door_line *line, size_t *ret_len);
/* Moves up to count messages of the line one step, each way. */
void door_carry(struct door_line *line, size_t count);
/* The peer's end breaks. The broker notices at once, or when told. Part of what was on the way is lost. */
void door_cut(struct door_line *line, bool noticed);
/* Frees lines that neither side holds. */
void door_sweep(void);
/* Calls fn for each line. */
void door_each(void (*fn)(struct door_line *line));
size_t door_waiting(const struct door_line *line); /* messages for the peer */

void door_die(void);
void door_revive(void); /* another broker is started */
bool door_is_dead(void);

#endif
