/*
 * witness - does the broker give us one log, and of it what is really there?
 *
 * Three checks, each at its own price:
 *
 *   each event      the bytes of each part give the digest in its slot, and so the leaf hash of the record: at once,
 *                   before the event is put into the folder (some microseconds)
 *   soon after      the leaf is in the tree that the log's key has signed: 64 events with one question, when the
 *                   checkpoint that covers them is there (a second later)
 *   each checkpoint its signature; and it contains the last one that we know, which state/checkpoint keeps, so that a
 *                   log that was put back, changed or forked is noticed, also after a restart. While nothing comes,
 *                   each WITNESS_IDLE_MS
 *
 * What does not hold is caught: state/alarm.json says what, where and when, state/alarm.note keeps the checkpoint that
 * contradicts, the operator is told, and the agent stops, and does not start again, until a person has looked and
 * removed state/alarm.json. Nothing is mended.
 *
 * The log's verifier keys are the ones of the configuration (log_key). Without these the first ones that the broker
 * names are kept in state/log.keys and told to the operator, who compares them; later ones are then taken from the
 * broker, and told, if the log still contains what we know. A new epoch (docs/AUDIT.md) that does not contain it is
 * told and followed.
 *
 * With log_key nothing is taken from the broker but what is proven: a key that a trusted one vouches for (endorse.h) is
 * followed, and told, so that it can be put into the configuration; a signature by any other key is caught.
 *
 * Events not proven yet are kept in state/unproven over a restart (not over a power failure).
 *
 * Errors: 0; -ENOTRECOVERABLE: caught, told and noted, stop; -EBADMSG: one of the files above is damaged, told, stop;
 * else -errno when the disk fails. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_WITNESS_H
#define WICI_WITNESS_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"

#define WITNESS_PENDING_MAX 65536u  /* events not proven yet; beyond it further ones are not checked, which is told */
#define WITNESS_SOON_MS     1500u   /* from one question to the next, while events wait */
#define WITNESS_IDLE_MS     300000u /* the same while none do */

struct witness;

struct witness_options {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    const struct agent_config *config;
};

/* -ENOTRECOVERABLE: an earlier run caught something, and nobody has looked yet; it is told again. */
int witness_open(struct witness **ret, const struct witness_options *options);
void witness_close(struct witness **witness);

/* An event that was delivered, before it is taken. */
int witness_event(struct witness *witness, const struct wici_event *event);
/* A step at now_ms of a steady clock, on a connection that is ready. */
int witness_run(struct witness *witness, uint64_t now_ms);
/* The epoch of the log that the connection leads to, as the broker says: what is taken from now on is of it. What is of
 * an earlier epoch than a signed checkpoint may be lost, which is told, and is no lie. */
void witness_epoch(struct witness *witness, uint64_t epoch);
/* A new connection: what is known is compared at once. */
void witness_hurry(struct witness *witness);
/* Events that wait for their proof. */
size_t witness_waiting(const struct witness *witness);

/* Something else that cannot be, about a record: told and noted like the rest. -ENOTRECOVERABLE; or
 * -errno of the disk: not noted. */
int witness_caught(struct witness *witness, const char *what, uint64_t seq);

/*
 * Checks a receipt (docs/AUDIT.md) of our own event: that it is of record seq (0: any), whose digests are these (n
 * times 32 bytes, as the answer to our publish told), and in the log that we know. -EAGAIN: there is no answer now.
 */
int witness_receipt(struct witness *witness, const char *text, uint64_t seq, const uint8_t *digests, size_t len);

#endif
