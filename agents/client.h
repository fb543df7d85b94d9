/*
 * client - what the parts of libwici share
 *
 *     call.c         the calls that wait                document.c     documents, piece by piece
 *     client.c       open, close; the loop
 *     publish.c      the queue of publishes             subscribe.c    subscriptions and acknowledgements
 *     request.c      the question under way             client_link.c  one connection: open, HELLO, lose it
 *     encode.c       events and answers as JSON         keep.c         events kept on disk
 *     client_error.c what wici_error() tells            scan.c         walking through protobuf bytes
 *
 * Each knows those below it. But for one circle: a connection that is lost (client_link.c) takes down what was sent on
 * it (publish.c, subscribe.c), and these find that out when they send.
 *
 *              open a socket              WELCOME
 *     DOWN ------------------> OPENING ------------> UP
 *      ^                          |  refused, lost,   |
 *      `--------------------------+---  silent  ------'   each time with a new socket: a DEALER's old queue is never
 *                                                         trusted to tell what the broker has seen
 *
 * Invariants: (1) a socket is open exactly while the phase is not DOWN. (2) Nothing is in flight unless UP.
 * (3) `state` is WICI_READY exactly while UP.
 *
 * Each part has X_up() for a WELCOME and X_down() for a connection that is lost: what had no answer is sent again.
 *
 * Errors: 0 or -errno: the client cannot go on, unless it is said otherwise; -EPROTO or -EBADMSG: the broker's message
 * makes no sense, the connection is dropped. Ownership: all of it is the client's; what is handed to a callback lives
 * until it returns. Threads: the client's one at a time.
 */
#ifndef WICI_CLIENT_H
#define WICI_CLIENT_H

#include "agents/keep.h"
#include "agents/scan.h"
#include "agents/wici.h"
#include "proto/arena.h"
#include "proto/errors.h"
#include "proto/event.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <sys/queue.h>
#include <zmq.h>

#define CLIENT_ENDPOINTS_MAX     16u
#define CLIENT_WINDOW_MAX        1024u
#define CLIENT_WINDOW_DEFAULT    64u
#define CLIENT_OPENING_MS        10000 /* from the socket to WELCOME; then the next endpoint is tried */
#define CLIENT_HEARTBEAT_MS      5000
#define CLIENT_HEARTBEAT_LOST_MS 60000      /* far above the worst stall of an fsync */
#define CLIENT_MESSAGE_MAX       (64 << 20) /* of the broker, whose key we know: a large directory is one message */
#define CLIENT_STEP_MAX          256u       /* messages taken in one step */
#define CLIENT_REFUSED_MS        1000       /* least pause after the broker said no */
#define CLIENT_CLOCK_OFF_MS      60000u     /* this computer's clock is wrong from there on */

enum phase { PHASE_DOWN, PHASE_OPENING, PHASE_UP };

/* One Publish message: its events, and who is told. */
struct publish {
    TAILQ_ENTRY(publish) link;
    uint64_t number; /* on this connection; 0: not in flight */
    size_t count;    /* events */
    uint8_t *body;   /* the events as fields of Publish, ready to send */
    size_t body_len;
    wici_answer_fn *fn;
    void *arg;
    uint64_t kept[WIRE_PUBLISH_MAX]; /* their numbers in keep_dir; 0: not kept */
    char ids[][37];
};
TAILQ_HEAD(publish_list, publish);

struct subscription {
    TAILQ_ENTRY(subscription) link;
    uint32_t id;
    char *cursor;
    char **dossiers, **families;
    size_t dossier_count, family_count;
    uint64_t from_seq;
    char *from_time;
    bool live, ack_each, ended;
    uint32_t window_bytes;
    wici_event_fn *fn;
    void *arg;
    void (*position_fn)(void *, uint64_t, uint64_t);
    void (*begun_fn)(void *, uint64_t);
    void (*ended_fn)(void *, const struct wici_error *);
    uint64_t seen;      /* highest seq given to fn, or announced by a position */
    uint64_t acked;     /* highest seq the application is done with */
    uint64_t link_seen; /* the same two as the broker knows them on this connection */
    uint64_t link_acked;
    size_t unacked; /* bytes that came since the last acknowledgement went out */
    bool link_up;   /* Subscribed came */
};
TAILQ_HEAD(subscription_list, subscription);

/* One request under way: the calls that make one wait for it. */
struct request {
    uint32_t id;      /* 0: none */
    uint8_t *message; /* ClientMessage, ready to send again after a reconnect */
    size_t len;
    bool sent, done, refused;
    uint8_t *result; /* ReadResult, QueryResult, DocumentState or DocumentPart */
    size_t result_len;
};

struct error_buffer {
    bool set;
    char code[48], path[ERROR_PATH_MAX], pl[512], en[512];
    struct wici_error view;
};

struct wici {
    /* fixed at open */
    char *endpoints[CLIENT_ENDPOINTS_MAX];
    size_t endpoint_count;
    char server_key[41], public_key[41], secret_key[41];
    char *session, *software;
    unsigned window;
    int64_t pause_min_ms, pause_max_ms;
    wici_answer_fn *kept_fn;
    void *kept_arg;
    int (*ready_fn)(void *arg);
    void *ready_arg;
    bool bare_answers;

    /* the connection */
    void *ctx, *socket, *monitor;
    int epoll_fd, timer_fd, socket_fd, monitor_fd;
    bool monitor_due; /* the monitor may have something to tell */
    int64_t timer_ms; /* what timer_fd is set to: 0 at once (it stays readable), INT64_MAX never */
    enum phase phase;
    enum wici_state state;
    size_t endpoint;            /* in use, or tried next */
    unsigned failures;          /* since the last WELCOME */
    unsigned takeovers;         /* in a row: by others, of a session that had not been ours for long */
    int64_t up_ms;              /* when the last WELCOME came */
    int64_t next_ms;            /* DOWN: when to try again; OPENING: when to give up */
    bool busy;                  /* inside the loop: callbacks may not enter it again */
    bool callers;               /* the negative value under way is a callback's: it is passed on, whatever it is */
    struct arena *arena;        /* for one message */
    struct arena *encode_arena; /* for wici_encode_json, which callbacks may call; made when first needed */
    uint8_t *welcome;           /* the last Welcome's bytes */
    uint64_t broker_ms;         /* its time; 0: none yet */
    uint64_t broker_at_ms;      /* ... and when it came, by a clock that nobody sets */
    size_t welcome_len;
    char agency[ID_LEN_MAX + 1], unit[ID_LEN_MAX + 1];
    struct error_buffer error;

    /* the log as last heard of */
    bool known;
    uint64_t epoch, head;
    uint8_t head_hash[32];
    uint64_t safe_up_to;
    bool diverged; /* E_LOG_DIVERGED came on this connection */

    /* publishing: `again` (from keep_dir) goes out before `queue` */
    struct publish_list again, queue;
    size_t publish_count, again_count, event_count, in_flight;
    uint64_t next_number;
    bool rewind;        /* something was not taken: wait for all answers, then send again from next_number */
    int64_t publish_ms; /* not before */
    struct keep *keep;

    /* subscriptions */
    struct subscription_list subscriptions;
    size_t subscription_count;
    uint32_t next_subscription;
    zmq_msg_t batch; /* a batch whose events are not all taken yet */
    bool batch_held;
    struct scan batch_rest;
    uint32_t batch_subscription;

    struct request request;
    uint32_t next_request;
};

/* ---- client_link.c: the connection */

/* libzmq's own codes as -errno. */
int client_err_from_zmq(int err);
/* CLOCK_MONOTONIC in milliseconds. */
int64_t client_now_ms(void);

/* Opens the next socket and says HELLO on it; libzmq holds it back until the handshake is done. */
int client_connect(struct wici *w);
void client_disconnect(struct wici *w);
/* When to try again: after at least that long, and longer with each attempt that failed. */
void client_pause(struct wici *w, int64_t least);
/* Takes what libzmq tells about the connection; how much that was. */
size_t client_monitor(struct wici *w);

/* Sends one message on the connection that is open; one that cannot be sent means a lost connection, and is sent again
 * by its owner after the next WELCOME. */
void client_send(struct wici *w, const void *data, size_t len);
void client_send_message(struct wici *w, const Wici__V1__ClientMessage *message);
/* Drops the connection; the next is tried after a pause of at least pause_ms. */
void client_lose(struct wici *w, int64_t pause_ms);

/* When wici_fd() becomes readable by itself: 0 at once, INT64_MAX never; of client_now_ms(). */
void client_timer_set(struct wici *w, int64_t next_ms);
/* At once: there is something to send. */
void client_wake(struct wici *w);

/* ---- encode.c */

/* Milliseconds by a clock that goes on while the computer sleeps, and that nobody sets. */
uint64_t client_boot_ms(void);

/* ---- client_error.c */

void error_set_code(struct error_buffer *e, enum error_code code, const char *path);
void error_set_refusal(struct error_buffer *e, const Wici__V1__Refusal *refusal);

/* ---- client.c: the loop */

/* Runs until *done, or the time is over. 0, -ETIMEDOUT, -EACCES (refused by the broker), -EDEADLK, -EINTR, ... */
int client_wait(struct wici *w, const bool *done, int timeout_ms);

/* ---- publish.c */

/* All that has no answer goes out again, numbered from next_number. */
void publish_up(struct wici *w, uint64_t next_number);
void publish_down(struct wici *w);
/* Sends what may be sent now; *ret_done counts it. */
int publish_pump(struct wici *w, size_t *ret_done);
/* An Answers came: each event's receipt or refusal is told. -EBADMSG: it answers nothing that was sent. */
int publish_answers(struct wici *w, const uint8_t *data, size_t len);
/* A Publish was not looked at. True: for good, and its events' refusal is what wici_error() tells; false: it goes out
 * again. */
bool publish_refused(struct wici *w, const Wici__V1__Refused *refused);
/* When publish_pump() has something to do; INT64_MAX: when something comes. */
int64_t publish_next_ms(const struct wici *w);
/* A verified backup holds all up to w->safe_up_to: what keep_dir has of it is let go. */
void publish_safe(struct wici *w);
void publish_free_all(struct wici *w);

/* ---- subscribe.c */

void subscribe_up(struct wici *w);
/* What is left of a batch comes again. */
void subscribe_down(struct wici *w);
/* The log is another one from same_up_to on: what was seen beyond it says nothing about this log. */
void subscribe_diverged(struct wici *w, uint64_t same_up_to);
int subscribe_subscribed(struct wici *w, const Wici__V1__Subscribed *subscribed);
/* Goes on with the batch that is held. What was taken is acknowledged after the last of several batches, or when a
 * quarter of the window is: one acknowledgement costs the broker as much for many events as for one. */
int subscribe_batch(struct wici *w);
/* Nothing more has come for now: acknowledges what was taken. */
void subscribe_rest(struct wici *w);
int subscribe_positions(struct wici *w, const Wici__V1__Positions *positions);
/* The subscription has ended, or never began; its ended_fn is told. */
void subscribe_refused(struct wici *w, uint32_t id, const Wici__V1__Refusal *refusal);
/* Frees what ended: not at once, since it may have ended inside its own callback. */
void subscribe_sweep(struct wici *w);
void subscribe_free_all(struct wici *w);
/* Reads one Delivery; *ret lives as long as its bytes and until the arena is reset. -EBADMSG */
int delivery_open(struct wici *w, const uint8_t *data, size_t len, struct wici_event *ret);

/* ---- request.c */

void request_up(struct wici *w);
/* A result came; one of a request that was given up is passed over. */
int request_result(struct wici *w, const uint8_t *data, size_t len);
/* False: that request is not under way. */
bool request_refused(struct wici *w, uint32_t id);
void request_free(struct wici *w);

/* ---- call.c */

/* Asks, and waits: w->request.id is set. The result stays in w->request until request_free(). -EPROTO: refused. */
int call_do(struct wici *w, Wici__V1__ClientMessage *message, int timeout_ms);

#endif
