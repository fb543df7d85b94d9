/*
 * reply - what is said to peers: packed, and kept until the commit
 *
 * Nothing is sent before what it tells of is on disk. What leaves at last goes to the key that asked, as long as that
 * is still a unit's. What a unit's clients have asked for and do not read is bounded.
 *
 * Errors: none; a peer that cannot be told something it waits for loses its session. Ownership: messages are copied,
 * but for what reply_put_for() takes over. Threads: the broker's only.
 */
#ifndef BROKER_REPLY_H
#define BROKER_REPLY_H

#include "broker/broker.h"
#include "proto/errors.h"

#define REPLIES_UNIT_MAX    (32u << 20) /* bytes of answers that one unit's peers have not taken from us yet */
#define REPLY_RETRY_MS      1000u
#define REPLY_FULL_RETRY_MS 5000u /* ... of what a full log refuses */

/* A reply that waits for the commit. */
struct reply {
    struct front_route route;
    char key[FRONT_KEY_SIZE]; /* that asked; "": a refusal that may be told to anybody */
    zmq_msg_t message;
};

/*
 * Packs a message and queues it until the commit. Whatever the reason, a message that cannot be queued drops the peer's
 * session: it must not wait for an answer that never comes. What is queued is counted with the unit that asked
 * (CORE_UNIT_NONE: a key that is no unit's any more) until it has left. A unit whose peers do not read is refused what
 * is large beyond REPLIES_UNIT_MAX, and told nothing more, not even that, beyond twice as much.
 */
void reply_queue(struct broker *b, const struct front_route *route, uint32_t unit, Wici__V1__BrokerMessage *message);
/* The same for answers that may be large: asked for only when reply_is_full() says no. */
void reply_queue_for(struct broker *b, const struct session *session, Wici__V1__BrokerMessage *message);
/* The same for a message that is packed; takes it over. */
void reply_put_for(struct broker *b, const struct session *session, zmq_msg_t *message);
/* Has this unit more answers on their way than it may? Then what asks for more is refused with E_BUSY. */
bool reply_is_full(const struct broker *b, const struct session *session);
/* Sends what was queued, but nothing to who asked with a key that is no unit's any more. Only after store_commit
 * returned 0. */
void reply_flush(struct broker *b);
/* Forgets what was queued; at the end. */
void reply_drop_all(struct broker *b);

/* ---- refusals: each that a unit is told is noted, to be recorded by agency and code (refusals.h) */

/* Notes what is said otherwise than below: in the answer to an event, or after the unit's key has ended. */
void reply_note(struct broker *b, uint32_t unit, enum error_code code);
/*
 * Queues this Refused with the refusal in it; all else in it is the caller's. Not noted are what says that a session or
 * subscription is another connection's now, since nothing was refused, and what is said to no unit.
 */
void reply_refused_as(struct broker *b, const struct front_route *route, uint32_t unit, const struct refusal *refusal,
                      Wici__V1__Refused *refused);
/* The same with the number of what it answers: a subscription, or a request; 0: neither. */
void reply_refused(struct broker *b, const struct front_route *route, uint32_t unit, const struct refusal *refusal,
                   uint32_t subscription, uint32_t request);
/* The same for a request that may be made again after retry_ms; 0: not by waiting. */
void reply_refused_for_now(struct broker *b, const struct session *session, const struct refusal *refusal,
                           uint32_t request, uint32_t retry_ms);
/* The same to a peer without a session, as long as its key is a unit's. Not noted: so a client learns that its session
 * has ended. */
void reply_refused_stranger(struct broker *b, const struct front_message *to, uint32_t unit,
                            const struct refusal *refusal, uint32_t subscription, uint32_t request);
/* As a field of a message; borrows the refusal. */
void refusal_fill(Wici__V1__Refusal *ret, const struct refusal *refusal);
/* ---- */

/* The log's newest committed place, in the arena. NULL: the arena is used up. */
Wici__V1__Position *reply_head(struct broker *b, struct arena *arena);

#endif
