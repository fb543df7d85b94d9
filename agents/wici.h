/*
 * wici - the client library: publish case events, subscribe to them, read the log
 *
 * A client holds one session with a broker (docs/PROTOCOL.md). It connects, reconnects with growing pauses, keeps every
 * event it was given until the broker has answered, and sends it again after a reconnect; the broker recognises a
 * repeat by the event's id. What a subscription delivers comes at least once and in order; an application that stores
 * the sequence number of what it has done, in the same step, has it exactly once.
 *
 *     struct wici *w = NULL;
 *     struct wici_options o = {.endpoints = "tcp://127.0.0.1:5599", .server_key = "...", .key_file = "sch.key"};
 *     char *receipt = NULL;
 *
 *     if (wici_open(&w, &o) == 0 && wici_publish_json(w, text, 5000, &receipt) == 0)
 *         puts(receipt);
 *     free(receipt);
 *     wici_close(&w);
 *
 * Errors: every int is 0, or a negative errno. Common ones: -ETIMEDOUT the broker did not answer in time (an event
 * stays queued and will still be sent); -ENOMEM; -EINVAL the call's own arguments; -EPROTO the broker refused, and
 * wici_error() tells code, path and sentence. Others are named beside the function.
 *
 * Ownership: strings and bytes passed in are copied. What a callback is given lives until it returns. Strings
 * handed out in `char **` are the caller's to free().
 *
 * Threads: a client belongs to one thread at a time; any number of clients may exist. Call wici_run() often: nothing is
 * received, and nothing but acknowledgements is sent, outside wici_run() and the calls that wait.
 *
 * Callbacks run inside wici_run() and the calls that wait. They may publish, acknowledge, subscribe and unsubscribe;
 * the calls that wait (and wici_run) return -EDEADLK there, and wici_close() must not be called there.
 */
#ifndef WICI_H
#define WICI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WICI_EXPORT __attribute__((visibility("default")))

struct wici;
struct wici_answer;

struct wici_options {
    const char *endpoints;  /* one or more, separated by spaces or commas; tried in turn */
    const char *server_key; /* the broker's public key, 40 characters (Z85) */
    const char *key_file;   /* the unit's key pair, as `wici key generate` writes it; nobody else may read it */
    const char *session;    /* name of this session among those of the unit; NULL: "main" */
    const char *software;   /* for the operator's log; NULL: "libwici" and its version */
    const char *keep_dir;   /* an existing directory of its own for each client: see below; NULL: none */
    unsigned window;        /* publishes (messages) under way at once, 1 to 1024; 0: 64 */
    unsigned reconnect_min_ms, reconnect_max_ms;                  /* pauses between attempts; 0: 100 and 30000 */
    void (*kept_fn)(void *arg, const struct wici_answer *answer); /* answers to what was sent again from keep_dir */
    void *kept_arg;
    /* non-zero: receipt_json is always "{}", which saves both sides time where only seq matters: digests and slots are
     * not sent. An event that is published again without it is answered with its receipt in full. */
    int bare_answers;
    /* Called at each Welcome, before anything else that comes on that connection is handed out or answered; a client
     * also connects again inside one call, when wici_state never seems to leave READY. wici_error is E_LOG_DIVERGED
     * there if the broker was restored from an older copy. A negative value is passed on, as from a wici_event_fn. */
    int (*ready_fn)(void *arg);
    void *ready_arg;
};

/*
 * keep_dir: each event is written there, and fsynced, before it is sent for the first time. It stays until the broker
 * says that a verified backup holds it, so that a broker restored from an older copy can be given it again: the client
 * does so by itself when it meets a new epoch. After a restart of the program, wici_open sends again what had no
 * answer yet. At most WICI_KEEP_MAX events are kept; beyond that the oldest answered ones make room, and when all of
 * them still wait for an answer wici_publish returns -ENOSPC.
 */
#define WICI_KEEP_MAX 65536u

/*
 * Makes a client and begins to connect; it returns before the connection stands.
 *   -EINVAL  an option is missing or malformed
 *   -ENOENT, -EPERM, -EBADMSG  key_file: not there; readable by others; not a key pair
 *   -EBUSY   keep_dir is in use by another client
 */
WICI_EXPORT int wici_open(struct wici **ret, const struct wici_options *options);
/* Closes without waiting; events not answered yet stay in keep_dir, if there is one, and are lost to the client
 * otherwise. */
WICI_EXPORT void wici_close(struct wici **w);

/*
 * Sends, receives and calls back. Returns 0 as soon as something happened, or after timeout_ms (0: only what is ready
 * now; -1: no limit). A negative value that a wici_event_fn returned is passed on; -EINTR: a signal came.
 */
WICI_EXPORT int wici_run(struct wici *w, int timeout_ms);
/* For poll() and epoll: becomes readable when wici_run has work to do. Call wici_run(w, 0) then, and once before the
 * first wait. */
WICI_EXPORT int wici_fd(const struct wici *w);

/* CONNECTING and REFUSED both keep trying, with growing pauses; REFUSED: the broker answered, and said no. A session
 * that another connection took over is taken back, after a pause that doubles each time until it was kept for as long
 * as reconnect_max_ms. */
enum wici_state { WICI_CONNECTING, WICI_READY, WICI_REFUSED };
WICI_EXPORT enum wici_state wici_state(const struct wici *w);
/* -ETIMEDOUT; -EACCES: the broker does not accept the key or the session (wici_error). */
WICI_EXPORT int wici_wait_ready(struct wici *w, int timeout_ms);

/* The last refusal, or NULL; E_LOG_DIVERGED while READY: the broker was restored from an older copy (ready_fn tells it
 * surely, before another refusal takes its place). Lives until the next call. path: the JSON path of the field it is
 * about, or "". */
struct wici_error {
    const char *code, *path, *pl, *en;
};
WICI_EXPORT const struct wici_error *wici_error(const struct wici *w);

/* What the broker said in its Welcome, as JSON (proto3 JSON of Welcome). -ENOTCONN before it did. */
WICI_EXPORT int wici_welcome_json(const struct wici *w, char **ret);
/* Milliseconds since 1970, by this computer's clock; by the broker's where the two were more than a minute apart at the
 * last Welcome. What wici_encode_json fills in is of this time. w may be NULL: this computer's. */
WICI_EXPORT uint64_t wici_time_ms(const struct wici *w);
/* The highest seq that a verified backup holds, as last heard. */
WICI_EXPORT uint64_t wici_safe_up_to(const struct wici *w);
/* After a sys.erasure_notified: keep_dir lets go of our events that the log held under these numbers, so that a
 * restored broker is not given them again. 0; or -errno of the disk: call it once more. */
WICI_EXPORT int wici_forget(struct wici *w, uint64_t from_seq, uint64_t to_seq);
/* Calls fn for the id of each event in keep_dir, oldest first. In ready_fn, at a new epoch, these are all that are sent
 * again. */
WICI_EXPORT void wici_kept(const struct wici *w, void (*fn)(void *arg, const char *event_id), void *arg);

/* ---- publishing */

/* Turns an event in JSON (proto3 JSON of EventDocument) into the bytes that are published. Fills in what is left out:
 * header.eventId, header.occurredAt, header.actor.agency and .unit (once connected). -EPROTO: the JSON does not fit,
 * or a field is wrong (wici_error). w may be NULL: then nothing is filled in but eventId and occurredAt, and
 * *ret_error (may be NULL) gets a text with code, path and both sentences. */
WICI_EXPORT int wici_encode_json(struct wici *w, const char *json, uint8_t **ret, size_t *ret_len, char **ret_error);

/* One event's answer: exactly one of receipt and refusal is set. */
struct wici_answer {
    const char *event_id;
    uint64_t seq; /* 0: refused */
    uint64_t ts_ms;
    int repeated;             /* the log had it already */
    const char *receipt_json; /* proto3 JSON of Receipt */
    const struct wici_error *refusal;
};
typedef void wici_answer_fn(void *arg, const struct wici_answer *answer);

/* Queues one encoded event (bytes of an EventDocument); fn (may be NULL) is called once, when it is answered.
 *   -EAGAIN    the window is full: wici_run() until answers came
 *   -EBADMSG   not an event, or it has no id
 *   -EMSGSIZE  larger than one event, or one message, may be
 *   -ENOSPC    keep_dir is full of events that wait for an answer */
WICI_EXPORT int wici_publish(struct wici *w, const uint8_t *event, size_t len, wici_answer_fn *fn, void *arg);
/* Several events in one message (1 to 64), answered one by one. */
WICI_EXPORT int wici_publish_many(struct wici *w, const uint8_t *const *events, const size_t *lens, size_t count,
                                  wici_answer_fn *fn, void *arg);
/* Events queued or under way, and those of keep_dir that are to be sent again. */
WICI_EXPORT size_t wici_pending(const struct wici *w);
/* Encodes, publishes and waits for the answer. *ret_receipt (may be NULL): proto3 JSON of Receipt. After -ETIMEDOUT the
 * event is still queued: run on, or ask again with the same header.eventId. */
WICI_EXPORT int wici_publish_json(struct wici *w, const char *json, int timeout_ms, char **ret_receipt);

/* ---- documents */

/*
 * Sends a document that an event is to name, whole: before the event, which has to follow within a day. What an earlier
 * call had sent of it, of this program or another of the unit, is not sent again. timeout_ms is for each piece of 256
 * KiB. *ret_sha256 (may be NULL) gets the digest by which the event names it, 64 hexadecimal digits.
 *   -EMSGSIZE  empty, or more than 10 MiB
 *   -EPROTO    refused, see wici_error(): E_DOCUMENT_QUOTA and E_FULL mean later
 *   -EAGAIN    it does not go on: another program of the unit is sending something else as the same document
 */
WICI_EXPORT int wici_document_put(struct wici *w, const uint8_t *bytes, size_t len, int timeout_ms,
                                  char ret_sha256[65]);
/*
 * The document of that digest (64 hexadecimal digits), which a section of the record names that the unit is given; *ret
 * is the caller's to free(). reason: an auditor says why; else NULL.
 *   -EINVAL   not a digest
 *   -EPROTO   refused: E_UNKNOWN, or E_NO_DOCUMENT: its author has not sent it
 *   -EBADMSG  the bytes that came are another document's
 */
WICI_EXPORT int wici_document_get(struct wici *w, uint64_t seq, const char *sha256, const char *reason, int timeout_ms,
                                  uint8_t **ret, size_t *ret_len);

/* ---- subscriptions and reads */

/* One delivered event, cut to what this unit may see. */
struct wici_event {
    uint64_t seq, ts_ms;
    const char *event_id;    /* "" when the header is not given */
    const char *type;        /* "referral.submitted" */
    const char *family;      /* "referral" */
    const char *dossier_id;  /* "" for none */
    const uint8_t *delivery; /* bytes of the Delivery message */
    size_t delivery_len;
    unsigned withheld; /* slots of the leaf that were not opened */
};
/* 0: taken. Negative: not now; wici_run returns it, and the next wici_run brings the same event again. */
typedef int wici_event_fn(void *arg, const struct wici_event *event);

struct wici_subscribe_options {
    const char *cursor;          /* durable name; NULL: none */
    const char *const *dossiers; /* NULL-terminated, or NULL */
    const char *const *families; /* NULL-terminated, or NULL */
    uint64_t from_seq;           /* where it begins if the cursor is new; 0: at the first event */
    const char *from_time;       /* RFC 3339, or NULL */
    int live;                    /* only what is committed from now on */
    uint32_t window_bytes;       /* 0: the largest */
    int ack_each;                /* acknowledge each event when fn returned 0; otherwise call wici_ack */
    void (*position_fn)(void *arg, uint64_t seq, uint64_t head); /* nothing up to seq was left out; may be NULL */
    /* On each connection, before anything else of the subscription: it brings what is at from_seq or later. A cursor
     * that another program moved shows here. May be NULL. */
    void (*begun_fn)(void *arg, uint64_t from_seq);
    void (*ended_fn)(void *arg, const struct wici_error *why); /* the broker ended it; may be NULL */
};
/*
 * Subscribes, and again after each reconnect: a durable cursor from where the broker has it, any other from where this
 * client was. No event reaches fn twice. *ret_id (may be NULL) names the subscription. -ENOSPC: 16 are open already.
 * When the broker ends it (ended_fn), it is gone: subscribe anew.
 */
WICI_EXPORT int wici_subscribe(struct wici *w, const struct wici_subscribe_options *options, wici_event_fn *fn,
                               void *arg, uint32_t *ret_id);
/* Everything up to seq took effect: moves the cursor, and lets the broker send more. -ENOENT: no such subscription;
 * -EINVAL: beyond what was delivered. */
WICI_EXPORT int wici_ack(struct wici *w, uint32_t id, uint64_t seq);
/* Ends it; a durable cursor stays. -ENOENT */
WICI_EXPORT int wici_unsubscribe(struct wici *w, uint32_t id);

/* A bounded read; request is proto3 JSON of Read (without "request"). Calls fn for each event, page after page, and
 * returns its first negative value. timeout_ms is for each page. -EPROTO: refused, see wici_error(). */
WICI_EXPORT int wici_read(struct wici *w, const char *request_json, int timeout_ms, wici_event_fn *fn, void *arg);

/* The delivered event as JSON: {"seq","tsMs","header":{...},"sections":[...],"note":{...},"withheld":[{"slot"}...]};
 * fields that this program does not know are left out. -EBADMSG: no broker sends that. -ENOMEM */
WICI_EXPORT int wici_event_json(const struct wici_event *event, char **ret);

/* Any other question; request is proto3 JSON of Query (without "request"), *ret that of QueryResult. -EPROTO: refused,
 * see wici_error(); -ESTALE: E_LIST_CHANGED, so that a list is asked for anew from its beginning. */
WICI_EXPORT int wici_query(struct wici *w, const char *request_json, int timeout_ms, char **ret);

#ifdef __cplusplus
}
#endif

#endif
