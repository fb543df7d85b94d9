/*
 * broker - one log, one loop
 *
 * A tick takes a bounded batch of messages, decides and appends their events, commits, answers, and hands out a bounded
 * amount of what was committed. Nothing is answered before the commit; nothing is delivered that is not committed.
 *
 *     receive -> decide, append -> commit -> answer -> sign -> deliver
 *
 * Any failed commit, any damage found, a clock that jumps: the broker latches. From then on nobody is answered, and
 * broker_run returns the error.
 *
 * Errors: 0 or -errno. Threads: one; docs/ARCHITECTURE.md says what runs beside it.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "broker/backup.h"
#include "broker/checkpoint.h"
#include "broker/clock.h"
#include "broker/config.h"
#include "broker/core/core.h"
#include "broker/documents.h"
#include "broker/feed.h"
#include "broker/front.h"
#include "broker/pace.h"
#include "broker/session.h"
#include "broker/zap.h"
#include "store/store.h"

#include <stdbool.h>

#define TICK_MESSAGES_MAX      1024u
#define TICK_EVENTS_LIVE_MAX   256u /* events of one tick for one live unit; or while a reader waits to be served */
#define TICK_BYTES_MAX         (4u << 20) /* of messages taken into one tick, one message more */
#define TICK_READS_MAX         1024u      /* bounded reads answered in one tick: each is a record */
#define TICK_DELIVER_US_MAX    2000u      /* of deliveries; a publish waits no longer for them */
#define TICK_DELIVER_US_MIN    250u       /* of deliveries, whoever waits */
#define CURSOR_DELAY_MS_MAX    200u       /* an acknowledged cursor is durable after that */
#define TIMER_MS               100u       /* how often the clock's work is looked for */
#define MEMORY_EVERY_MS        5000u      /* between two times that freed memory goes back to the system */
#define MEMORY_SESSIONS        16u        /* it does when so many sessions have come or gone */
#define SESSION_SILENCE_MS_MAX (15u * 60 * 1000)
#define SESSION_PROBE_MS       10000u /* a session that was silent for so long is sent the head: is anybody there? */
#define REPLY_ARENA_SIZE       (4u << 20)

/* Who may be interested in a record of the open batch: filled when it is applied, used when it is committed. */
struct interest {
    uint64_t seq;
    uint32_t unit;               /* CORE_UNIT_NONE: everyone who is live */
    const struct record *record; /* kept from when it was applied; NULL: to be read back */
};

struct broker_stats {
    uint64_t commits, last_commit_us, started_ms;
};

struct record;
struct reply;
struct access_over;
struct sequence;
struct refusals;
struct eraser;
struct shown;

struct broker {
    const struct config *config;
    struct clock clock;
    struct store *store;
    struct core *core;
    void *zmq;
    struct zap *zap;
    struct front *front;
    struct sessions *sessions;
    struct sequence *sequence;
    struct refusals *refusals;
    struct documents *documents;
    struct checkpoints *checkpoints;
    struct backups *backups;
    struct log_keys log_keys;
    struct feed_source source;
    struct eraser *eraser;
    struct broker_stats stats;
    uint8_t lists_key[16]; /* random; query_lists_made */
    struct pace pace;
    uint64_t tick_us; /* when the tick began; pace's clock */

    struct arena *message_arena; /* the message being handled */
    struct arena *reply_arena;   /* what is being built to send */
    struct arena *row_arena;     /* one record read back */

    struct unit_readers nobody; /* counts what is on its way to keys that are no unit's any more */
    struct reply *replies;      /* wait for the commit */
    size_t reply_count, reply_size;
    struct interest *interests;
    size_t interest_count, interest_size;
    struct reader **opening; /* wait for the commit of a mark */
    size_t opening_count, opening_size;
    struct access_over *over; /* ring (access.h): windows that are over and not recorded yet */
    size_t over_at, over_count, over_size;
    size_t windows_open;
    uint64_t over_put, over_committed; /* of all that were ever set aside: how many; how many are in a commit */
    uint64_t marks;                    /* number of the next mark */
    struct shown *shown;               /* the question that is being worked on (shown.h), or NULL */

    uint64_t directory_version;   /* as the door knows it */
    uint64_t delivered;           /* the live pass has been up to here */
    uint64_t cursors_due_ms;      /* boot time; 0: no cursor waits */
    uint64_t over_due_ms;         /* the same for access windows that are over */
    uint32_t fresh_most;          /* of units: the most records of the open batch that one live unit may want */
    uint64_t timer_ms, second_ms; /* boot time: when the clock's work was last looked for */
    uint64_t memory_ms;           /* boot time: when memory was last given back */
    uint32_t memory_sessions;     /* how many there were then */
    uint64_t cut_count;           /* of connections, as last told to the operator */
    bool memory_again;            /* it is to be given back once more */
    bool gone;                    /* some session is to be dropped */
    bool latched;                 /* it has ended, or something failed: nothing is written any more */
    bool no_room;                 /* publishes of this tick are answered E_FULL */
    bool counts_left;             /* counted refusals that the last commit had no place for */
};

/* Opens the log, folds it, opens the door. accept_clock: the operator vouches for the clock. */
int broker_open(struct broker **ret, const struct config *config, bool accept_clock);
/* Ends windows, flushes, closes. A broker that latched writes nothing more. */
void broker_close(struct broker **broker);

/* Serves until signal_fd (a signalfd) becomes readable, then ends windows and writes what is open: 0. Anything else: it
 * latched. */
int broker_run(struct broker *broker, int signal_fd);

/* One tick; waits at most timeout_ms for something to do. */
int broker_tick(struct broker *broker, int signal_fd, int timeout_ms, bool *ret_signalled);

#endif
