/*
 * session - who is connected, and what each of them reads
 *
 *              Hello                      Hello of the same name elsewhere, key no longer valid, peer gone, silence
 *   (nobody) ---------> session (ready) ---------------------------------------------------------> (nobody)
 *
 * A connection that has not said Hello has no session: it costs nothing. A session belongs to the unit whose key the
 * connection proved; it is found by routing id and checked against that key on every message.
 *
 * A session reads through readers: a STREAM is a subscription, a READ one bounded read. What a reader still has to be
 * given is never queued: it has a position in the log and is served from there (feed.h, deliver.h).
 *
 * Ownership: the table owns sessions, a session owns its readers. Threads: the broker's only.
 */
#ifndef BROKER_SESSION_H
#define BROKER_SESSION_H

#include "broker/feed.h"
#include "broker/front.h"
#include "proto/limits.h"

#include <stdatomic.h>

struct session;

enum reader_kind { READER_STREAM, READER_READ };

/* Where a reader stands with the loop that serves it. */
enum reader_state {
    READER_BUSY,    /* has something to look at: in its unit's queue */
    READER_BLOCKED, /* waits for credit, or for room in the peer's queue */
    READER_OPENING, /* waits for the commit of the mark of its access window */
    READER_LIVE,    /* stands at the head: is served as records are committed */
    READER_ENDED    /* is about to be freed */
};

/* A delivery that was sent and is not yet acknowledged. */
struct credit {
    uint64_t seq;
    uint32_t bytes;
};

/* What was shown since the last access record (access.h). */
struct window {
    bool open;
    uint64_t from_seq, to_seq, events;
    uint64_t opened_seq; /* the log's head then */
    uint64_t opened_ms;  /* boot time */
};

struct reader {
    enum reader_kind kind;
    enum reader_state state;
    struct session *session;
    uint32_t number; /* the client's: of the subscription or request */
    struct feed feed;
    struct reader *next, *prev; /* in the unit's list of the state's kind */
    struct window window;
    uint64_t mark;     /* of the open window, while one is */
    uint64_t accounts; /* READ: access records that it waits for (access_ask) */

    /* Deliveries that are packed and not yet sent, as they stand in the message. */
    uint8_t *out;
    size_t out_len, out_size;
    uint64_t out_first;

    /* STREAM */
    char cursor[ID_LEN_MAX + 1]; /* "": not durable */
    uint8_t *filter_packed;      /* as the client sent it, for the durable cursor */
    size_t filter_len;
    bool cursor_dirty; /* acked moved and is not yet in the store */
    uint64_t acked, sent, announced;
    uint64_t acked_ms; /* wall clock */
    uint32_t window_bytes;
    size_t outstanding;     /* bytes */
    struct credit *credits; /* ring */
    size_t credit_at, credit_count, credit_size;
    size_t out_credits; /* of these, not yet sent */

    /* READ */
    uint64_t to_seq; /* 0: no bound */
    uint32_t type;   /* 0: any */
    uint32_t max_events, events;
    bool with_content;
    char why[REASON_MAX + 1];
};

/* A document whose reading was recorded (document_talk.c). */
struct session_document {
    uint64_t seq; /* 0: none */
    uint8_t digest[32];
};

struct session {
    struct front_route route;
    char key[FRONT_KEY_SIZE];
    char name[ID_LEN_MAX + 1];
    uint32_t unit;
    uint64_t next_number;
    uint64_t heard_ms;  /* boot time */
    uint64_t safe_told; /* how far verified backups go, as the client was told */
    uint64_t probed_ms; /* boot time: when it was last asked for by a message */
    bool gone;          /* to be dropped by the next sessions_sweep */
    bool stuck;         /* its queue was full when last tried */
    struct reader *streams[SUBSCRIPTIONS_PER_SESSION_MAX];
    struct reader *reads[READS_PER_SESSION_MAX];
    struct session_document documents[DOCUMENTS_PER_SESSION_MAX];
    uint32_t document_next;    /* the place that is used next */
    struct session *next;      /* same bucket */
    struct session *unit_next; /* same unit */
};

/* The readers of one unit. */
struct unit_readers {
    struct session *sessions;
    uint32_t session_count;
    struct reader *live;             /* list */
    struct reader *busy, *busy_last; /* queue */
    bool queued;                     /* stands in the queue of units */
    uint32_t fresh;                  /* records of the open batch that its live streams may want */
    uint64_t diverged_ms;            /* boot time: when the operator was last told that it has seen another log */
    atomic_size_t answering; /* bytes of answers on their way to the unit's peers; libzmq's thread counts down */
};

struct sessions;

int sessions_create(struct sessions **ret);
void sessions_destroy(struct sessions **sessions);

/* NULL: this connection has no session, or has one under another key (which is then marked as gone). */
struct session *sessions_find(struct sessions *sessions, const struct front_route *route, const char *key);
/* Whoever uses this routing id now; NULL: nobody. For sending, never for who somebody is. */
struct session *sessions_find_route(struct sessions *sessions, const struct front_route *route);
struct session *sessions_find_name(struct sessions *sessions, uint32_t unit, const char *name);
/* -ENOBUFS: SESSIONS_PER_UNIT_MAX, or SESSIONS_MAX; beyond that each unit still gets one, so that nobody is locked out
 * by others. -ENOMEM */
int sessions_add(struct sessions *sessions, const struct front_route *route, const char *key, uint32_t unit,
                 const char *name, struct session **ret);
/* Frees the session and its readers, which must have been ended (their windows closed). */
void sessions_drop(struct sessions *sessions, struct session *session);
/* Of the unit's sessions that read nothing, the one that was silent for longest; NULL: there is none. */
struct session *sessions_idlest(struct sessions *sessions, uint32_t unit);
uint32_t sessions_count(const struct sessions *sessions);
uint32_t sessions_streams(const struct sessions *sessions);

/* Calls fn for each session; fn may drop the one it is given. Stops at fn's first non-zero. */
int sessions_each(struct sessions *sessions, int (*fn)(void *arg, struct session *session), void *arg);

/* The readers of a unit. -ENOMEM */
int sessions_unit(struct sessions *sessions, uint32_t unit, struct unit_readers **ret);
/* The same, or NULL when the unit has none. */
struct unit_readers *sessions_unit_if(struct sessions *sessions, uint32_t unit);

/* A reader of the session, in no list and state READER_BLOCKED. -ENOBUFS: too many. -EEXIST: the number is in use. */
int reader_add(struct sessions *sessions, struct session *session, enum reader_kind kind, uint32_t number,
               struct reader **ret);
struct reader *reader_find(struct session *session, uint32_t subscription);
/* Takes it out of all lists and frees it. */
void reader_drop(struct sessions *sessions, struct reader *reader);

/* Moves a reader to another state, and into the list that goes with it. */
void reader_move(struct sessions *sessions, struct reader *reader, enum reader_state state);

/* The unit whose turn it is, put at the queue's end; CORE_UNIT_NONE: no reader is busy. */
uint32_t sessions_turn(struct sessions *sessions);
bool sessions_busy(const struct sessions *sessions);

#endif
