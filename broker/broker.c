/*
 * broker - see broker.h; broker_tick is the product
 */
#include "broker/broker.h"
#include "broker/access.h"
#include "broker/cursor.h"
#include "broker/deliver.h"
#include "broker/erase.h"
#include "broker/fold.h"
#include "broker/kek.h"
#include "broker/log.h"
#include "broker/refusals.h"
#include "broker/reply.h"
#include "broker/restore.h"
#include "broker/sequence.h"
#include "broker/shown.h"
#include "broker/talk.h"
#include "proto/keyfile.h"
#include "proto/language.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ZMQ_SOCKETS_MAX 65536

/* Records and bytes that one tick may add: asked for before anything is decided. A small log that cannot promise a
 * whole tick may still promise one message. */
#define ROOM_TICK_RECORDS    (PUBLISHES_WAITING_MAX + 2u * TICK_MESSAGES_MAX)
#define ROOM_DOCUMENTS       ((uint64_t)2 << 20) /* pages that rows of documents touch */
#define ROOM_TICK_BYTES      ((uint64_t)TICK_BYTES_MAX + WIRE_MESSAGE_MAX + ROOM_DOCUMENTS)
#define ROOM_MESSAGE_RECORDS (2u * WIRE_PUBLISH_MAX)
#define ROOM_MESSAGE_BYTES   ((uint64_t)WIRE_MESSAGE_MAX + ROOM_DOCUMENTS / 4)

/* What lies between two commits is of one tick: what it takes, and then of the broker's own records no more than these;
 * or what the deliveries record, before the next begins. Whatever is over waits for the next tick (docs/LIMITS.md). */
static_assert(PUBLISHES_WAITING_MAX + WIRE_PUBLISH_MAX + ACCESS_TICK_MAX + REFUSALS_TICK_MAX <= STORE_BATCH_MAX,
              "what one tick takes and records fits one batch of the store");
static_assert(TICK_READS_MAX + 1 + REFUSALS_TICK_MAX <= STORE_BATCH_MAX, "so does what the deliveries record");

/* ---- opening and closing */

static int
store_open_logged(struct broker *b)
{
    struct store_options options = config_store(b->config);
    int rc = store_open(&b->store, &options);

    if (rc == -ENOENT)
        log_error("store: there is no log in %s: make one with `wicid init`", options.dir);
    else if (rc == -EBUSY)
        log_error("store: another process has %s open", options.dir);
    else if (rc == -EPERM)
        kek_refused_log(b->config);
    else if (rc != 0)
        log_error("store: %s cannot be opened: %s", options.dir, store_why(rc, store_open_damage()));
    return rc;
}

static int
checkpoints_open_logged(struct broker *b)
{
    struct checkpoints_options options = {.store = b->store,
                                          .keys = &b->log_keys,
                                          .key_file = b->config->checkpoint_key,
                                          .guard_file = b->config->guard_file};

    return checkpoints_open(&b->checkpoints, &options);
}

static int
state_open(struct broker *b, bool accept_clock)
{
    int rc = restore_refuses(b->config);

    kek_look(b->config);
    if (rc != 0 || (rc = store_open_logged(b)) != 0)
        return rc;
    (void)clock_look(&b->clock);
    rc = clock_check_start(&b->clock, store_last_ms(b->store));
    if (rc != 0 && !accept_clock) {
        log_error("clock: it stands before the log's last record, or more than 30 days after it; if it is right, "
                  "start once with --accept-clock");
        return rc;
    }
    if ((rc = core_create(&b->core)) != 0 || (rc = feed_source_init(&b->source, b->store, b->core)) != 0 ||
        (rc = broker_fold(b->store, b->core, &b->source.access_entry, &b->log_keys)) != 0 ||
        (rc = checkpoints_open_logged(b)) != 0 ||
        (rc = backups_create(&b->backups, b->config, b->store, b->checkpoints)) != 0 ||
        (rc = documents_create(&b->documents, b->store, b->core)) != 0 ||
        (rc = sequence_create(&b->sequence, b->store, b->core, b->documents, deliver_note, b)) != 0 ||
        (rc = refusals_create(&b->refusals, b->store, b->sequence)) != 0 || (rc = sessions_create(&b->sessions)) != 0 ||
        (rc = arena_create(&b->message_arena, DECODE_ARENA_SIZE)) != 0 ||
        (rc = arena_create(&b->reply_arena, REPLY_ARENA_SIZE)) != 0 ||
        (rc = arena_create(&b->row_arena, DECODE_ARENA_SIZE)) != 0 || (rc = access_recover(b)) != 0 ||
        (rc = erase_open(b)) != 0)
        return rc;
    b->delivered = store_head(b->store);
    b->stats.started_ms = b->clock.now_ms;
    crypto_shorthash_keygen(b->lists_key);
    return 0;
}

/* The door knows the keys of the directory as it stands. */
static int
keys_replace(struct broker *b)
{
    Wici__V1__Directory *directory = NULL;
    struct zap_key *keys;
    size_t count = 0, size = 0;
    int rc;

    arena_reset(b->reply_arena);
    rc = core_directory(b->core, b->reply_arena, &directory);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < directory->n_units; i++)
        size += directory->units[i]->n_keys;
    keys = calloc(size + 1, sizeof *keys);
    if (keys == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < directory->n_units; i++) {
        const Wici__V1__DirectoryUnit *unit = directory->units[i];

        for (size_t k = 0; k < unit->n_keys && !unit->suspended; k++) {
            if (strlen(unit->keys[k]->key) != ZAP_KEY_SIZE - 1)
                continue;
            memcpy(keys[count].key, unit->keys[k]->key, ZAP_KEY_SIZE);
            if (unit->keys[k]->until[0] != '\0' && time_parse(unit->keys[k]->until, &keys[count].until_ms) != 0)
                continue;
            count++;
        }
    }
    rc = zap_replace(b->zap, keys, count);
    free(keys);
    b->directory_version = core_directory_version(b->core);
    return rc;
}

static int
door_open(struct broker *b)
{
    struct keyfile key;
    int rc = keyfile_read(b->config->curve_key, &key);

    if (rc != 0) {
        log_error("front: key file %s: %s", b->config->curve_key,
                  rc == -EPERM     ? _("others may read it, or it is no file")
                  : rc == -EBADMSG ? _("it does not hold a key pair")
                                   : strerror(-rc));
        return rc;
    }
    b->zmq = zmq_ctx_new();
    if (b->zmq == NULL || zmq_ctx_set(b->zmq, ZMQ_MAX_SOCKETS, ZMQ_SOCKETS_MAX) != 0) {
        rc = -ENOMEM;
        goto out;
    }
    if ((rc = zap_start(&b->zap, b->zmq)) != 0 || (rc = keys_replace(b)) != 0)
        goto out;
    rc = front_open(&b->front, b->zmq, key.secret_key, key.public_key, b->config->listen);
    if (rc == -EACCES)
        log_error("front: the door does not keep strangers out: not starting");
    else if (rc != 0)
        log_error("front: cannot listen on %s: %s", b->config->listen, strerror(-rc));
out:
    keyfile_wipe(&key);
    return rc;
}

int
broker_open(struct broker **ret, const struct config *config, bool accept_clock)
{
    struct broker *b = calloc(1, sizeof *b);
    int rc;

    assert(ret != NULL);
    if (b == NULL)
        return -ENOMEM;
    b->config = config;
    if ((rc = state_open(b, accept_clock)) != 0 || (rc = door_open(b)) != 0)
        goto out;
    *ret = b;
    b = NULL;
out:
    if (b != NULL)
        b->latched = true; /* nothing was served: nothing is to be written */
    broker_close(&b);
    return rc;
}

static int
session_end(void *arg, struct session *session)
{
    return talk_end_session(arg, session);
}

/* What was taken was committed and answered by the last tick; what is open is recorded now. */
static int
broker_finish(struct broker *b)
{
    bool more = true;
    int rc = sessions_each(b->sessions, session_end, b);

    while (rc == 0 && (more || b->over_count > 0)) {
        if ((rc = store_commit(b->store)) != 0 || (rc = access_room(b)) != 0 || (rc = access_write(b)) != 0 ||
            (rc = refusals_flush(b->refusals, b->clock.now_ms, b->clock.mono_ms, true, &more)) != 0)
            return rc;
        rc = store_commit(b->store);
    }
    if (rc != 0)
        return rc;
    reply_flush(b);
    if ((rc = checkpoints_sign(b->checkpoints, b->clock.mono_ms, true)) != 0 ||
        (rc = checkpoints_keep(b->checkpoints)) != 0 || (rc = store_commit(b->store)) != 0)
        return rc;
    return store_find_flush(b->store, true);
}

void
broker_close(struct broker **broker)
{
    struct broker *b = *broker;

    if (b == NULL)
        return;
    if (!b->latched && broker_finish(b) != 0)
        log_error("broker: the end could not be recorded: %s", store_damage(b->store));
    shown_drop(b);
    reply_drop_all(b);
    front_close(&b->front);
    zap_stop(&b->zap);
    if (b->zmq != NULL)
        (void)zmq_ctx_term(b->zmq);
    sessions_destroy(&b->sessions);
    refusals_destroy(&b->refusals);
    backups_destroy(&b->backups);
    checkpoints_close(&b->checkpoints);
    erase_close(b);
    sequence_destroy(&b->sequence);
    documents_destroy(&b->documents);
    feed_source_free(&b->source);
    core_destroy(&b->core);
    store_close(&b->store);
    arena_destroy(&b->message_arena);
    arena_destroy(&b->reply_arena);
    arena_destroy(&b->row_arena);
    free(b->replies);
    free(b->interests);
    free(b->opening);
    free(b->over);
    free(b);
    *broker = NULL;
}

/* ---- the tick */

static uint64_t
now_us(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* How many messages this tick may take; what the log can certainly hold of them. */
static int
room_ask(struct broker *b, unsigned *ret_messages)
{
    int rc = store_room(b->store, ROOM_TICK_RECORDS, ROOM_TICK_BYTES);

    *ret_messages = TICK_MESSAGES_MAX;
    b->no_room = false;
    if (rc != -ENOSPC)
        return rc;
    *ret_messages = 1;
    rc = store_room(b->store, ROOM_MESSAGE_RECORDS, ROOM_MESSAGE_BYTES);
    if (rc != -ENOSPC)
        return rc;
    *ret_messages = TICK_MESSAGES_MAX; /* all can be refused at once, and the others do not write events */
    b->no_room = true;
    return 0;
}

/* Publishers wait for the next tick when they have had this one's share: less of it when somebody waits to be served.
 */
static bool
tick_is_full(const struct broker *b, uint64_t events)
{
    if (documents_tick_is_full(b->documents))
        return true;
    if (events >= PUBLISHES_WAITING_MAX || b->fresh_most >= TICK_EVENTS_LIVE_MAX)
        return true;
    return events >= TICK_EVENTS_LIVE_MAX && sessions_busy(b->sessions);
}

/* Takes a bounded batch of messages; decides, appends, queues answers. */
static int
broker_receive(struct broker *b)
{
    uint64_t first = store_next(b->store);
    size_t bytes = 0;
    unsigned max;
    int rc;

    if (!front_waiting(b->front))
        return 0;
    documents_tick(b->documents);
    rc = room_ask(b, &max);
    for (unsigned i = 0; rc == 0 && i < max; i++) {
        struct front_message message;

        if (bytes >= TICK_BYTES_MAX || tick_is_full(b, store_next(b->store) - first))
            break;
        rc = front_receive(b->front, &message);
        if (rc == -EAGAIN)
            return 0;
        if (rc != 0)
            return rc;
        bytes += zmq_msg_size(&message.payload);
        rc = talk_take(b, &message);
        (void)zmq_msg_close(&message.payload);
    }
    return rc;
}

/* What the clock brings: counts, windows, cursors, silence. */
static int
session_due(void *arg, struct session *session)
{
    struct broker *b = arg;

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        if (session->streams[i] != NULL && access_is_due(b, session->streams[i]))
            access_close(b, session->streams[i]);
    return 0;
}

static void
cut_tell(struct broker *b)
{
    uint64_t count = front_cut_count(b->front);

    if (count != b->cut_count)
        log_warn("front: %" PRIu64 " connections sent more than may wait for us and were cut off",
                 count - b->cut_count);
    b->cut_count = count;
}

/*
 * A handshake leaves behind memory that the allocator keeps for more of its kind. After many of them it goes back to
 * the system, and once more when no more come: what the last ones left.
 */
static void
memory_return(struct broker *b)
{
    uint32_t count = sessions_count(b->sessions), before = b->memory_sessions;
    bool changed = (count > before ? count - before : before - count) >= MEMORY_SESSIONS;

    if ((!changed && !b->memory_again) || b->clock.mono_ms - b->memory_ms < MEMORY_EVERY_MS)
        return;
    b->memory_again = changed;
    b->memory_sessions = count;
    b->memory_ms = b->clock.mono_ms;
    (void)malloc_trim(0); /* with a thousand connections 7 ms */
}

static int
broker_second(struct broker *b)
{
    int rc;

    if (b->clock.mono_ms - b->timer_ms < TIMER_MS)
        return 0;
    b->timer_ms = b->clock.mono_ms;
    if ((rc = backups_look(b->backups, b->clock.now_ms, b->clock.mono_ms, erase_holds(b))) != 0 ||
        (rc = deliver_retry(b)) != 0 || b->clock.mono_ms - b->second_ms < POSITIONS_EVERY_MS)
        return rc;
    b->second_ms = b->clock.mono_ms;
    b->counts_left = true;
    cut_tell(b);
    memory_return(b);
    if ((rc = talk_sweep(b, true)) != 0 || (rc = sessions_each(b->sessions, session_due, b)) != 0)
        return rc;
    return deliver_positions(b);
}

/* What was refused is recorded in the commit that its answer waits for. */
static int
counts_write(struct broker *b)
{
    if (!b->counts_left && !refusals_are_new(b->refusals))
        return 0;
    return refusals_flush(b->refusals, b->clock.now_ms, b->clock.mono_ms, false, &b->counts_left);
}

static int
broker_timers(struct broker *b)
{
    int rc = broker_second(b);

    if (rc == 0 && b->cursors_due_ms != 0 && (store_has_batch(b->store) || b->clock.mono_ms >= b->cursors_due_ms))
        rc = cursors_write(b);
    if (rc == 0)
        rc = counts_write(b);
    if (rc == 0 && access_has_due(b))
        rc = access_write(b);
    return rc;
}

static int
broker_commit(struct broker *b)
{
    uint64_t started_us;
    int rc;

    if (!store_has_batch(b->store)) {
        rc = store_commit(b->store); /* a store that latched has no batch, and says so: nothing of it is answered */
        if (rc == 0)
            access_committed(b);
        return rc;
    }
    rc = checkpoints_keep(b->checkpoints);
    if (rc != 0)
        return rc;
    started_us = now_us();
    rc = store_commit(b->store);
    if (rc != 0)
        return rc;
    b->stats.last_commit_us = now_us() - started_us;
    b->stats.commits++;
    access_committed(b);
    return 0;
}

/* After a commit that changed the directory: who may no longer connect is out before anything more is said. */
static int
broker_guard(struct broker *b)
{
    int rc = 0;

    if (core_directory_version(b->core) != b->directory_version) {
        rc = keys_replace(b);
        if (rc == 0)
            rc = talk_sweep(b, true);
    } else if (b->gone) {
        rc = talk_sweep(b, false);
    }
    return rc;
}

static int
timeout_until(const struct broker *b, int timeout_ms)
{
    int most_ms = (int)TIMER_MS;

    if (store_has_batch(b->store) || b->reply_count > 0 || b->gone || b->counts_left || access_has_due(b) ||
        b->shown != NULL || erase_is_due(b))
        return 0;
    if (sessions_busy(b->sessions))
        most_ms = (int)((pace_left_us(&b->pace, now_us()) + 999) / 1000);
    return timeout_ms < most_ms ? timeout_ms : most_ms;
}

/* While somebody waits, deliveries get as much time as the tick has taken for what was sent: about half of all. While
 * somebody publishes they get little and then a pause; but a tick that took longer than a pause was one. */
static int
broker_serve(struct broker *b)
{
    uint64_t begun_us = now_us(), least_us = begun_us - b->tick_us, most_us = TICK_DELIVER_US_MAX, ended_us;
    bool paced = pace_is_on(&b->pace, b->tick_us);
    int rc;

    if (pace_left_us(&b->pace, begun_us) > 0)
        return 0;
    if (paced)
        least_us -= least_us < PACE_US_MAX ? least_us : PACE_US_MAX;
    if (least_us < TICK_DELIVER_US_MIN)
        least_us = TICK_DELIVER_US_MIN;
    if (paced && least_us < most_us)
        most_us = least_us;
    rc = deliver_serve(b, least_us, most_us);
    ended_us = now_us();
    pace_served(&b->pace, ended_us - begun_us, ended_us);
    return rc;
}

static int
broker_deliver(struct broker *b)
{
    int rc = deliver_live(b);

    if (rc == 0)
        rc = broker_serve(b);
    if (rc == 0)
        rc = shown_turn(b);
    return rc != 0 ? rc : counts_write(b);
}

/* One tick: what a sender is told is written, is written. */
int
broker_tick(struct broker *b, int signal_fd, int timeout_ms, bool *ret_signalled)
{
    int rc;

    *ret_signalled = false;
    if ((rc = front_wait(b->front, signal_fd, timeout_until(b, timeout_ms), ret_signalled)) != 0)
        return rc;
    b->tick_us = now_us();
    /* First the clock, by which keys end; then what the last deliveries recorded. */
    if ((rc = clock_look(&b->clock)) != 0 || (rc = broker_commit(b)) != 0 || *ret_signalled)
        return rc;
    reply_flush(b);
    /* A commit of its own, so that the log may grow before what comes next. */
    if ((rc = documents_sweep(b->documents, b->clock.now_ms, b->clock.mono_ms)) != 0 || (rc = broker_commit(b)) != 0)
        return rc;
    if ((rc = erase_step(b)) != 0 || (rc = access_room(b)) != 0 || (rc = broker_receive(b)) != 0)
        return rc;
    if ((rc = broker_timers(b)) != 0 || (rc = broker_commit(b)) != 0 || (rc = broker_guard(b)) != 0)
        return rc;
    reply_flush(b);
    if ((rc = checkpoints_sign(b->checkpoints, b->clock.mono_ms, false)) != 0 || (rc = broker_deliver(b)) != 0)
        return rc;
    return store_find_flush(b->store, false);
}

int
broker_run(struct broker *b, int signal_fd)
{
    bool signalled = false;
    int rc = 0;

    while (rc == 0 && !signalled)
        rc = broker_tick(b, signal_fd, (int)TIMER_MS, &signalled);
    if (rc == 0)
        rc = broker_finish(b);
    b->latched = true; /* it has ended; or nobody is told OK, now or later */
    if (rc == 0)
        return 0;
    if (rc == -ESTALE)
        log_error("broker: stopping, nothing more is acknowledged (seq=%" PRIu64 ")", store_head(b->store));
    else if (rc == -ETIME)
        log_error("clock: it jumped by more than a minute against the time since boot: stopping");
    else
        log_error("broker: stopping, nothing more is acknowledged: %s (seq=%" PRIu64 ")",
                  store_why(rc, store_damage(b->store)), store_head(b->store));
    return rc;
}
