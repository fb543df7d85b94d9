/*
 * client - what comes in, and the loop (client.h has the picture)
 */
#include "agents/client.h"

#include "proto/keyfile.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* ---- what comes in */

static void
safe_up_to_set(struct wici *w, uint64_t safe_up_to)
{
    if (safe_up_to > w->safe_up_to) {
        w->safe_up_to = safe_up_to;
        publish_safe(w);
    }
}

static void
head_set(struct wici *w, const Wici__V1__Position *head)
{
    if (head == NULL || (head->seq != 0 && head->leaf_hash.len != sizeof w->head_hash))
        return;
    w->known = true;
    w->epoch = head->epoch;
    w->head = head->seq;
    if (head->seq != 0)
        memcpy(w->head_hash, head->leaf_hash.data, sizeof w->head_hash);
}

static int
on_welcome(struct wici *w, const Wici__V1__Welcome *welcome, const uint8_t *data, size_t len)
{
    uint64_t epoch = welcome->head != NULL ? welcome->head->epoch : 0;
    bool new_epoch = w->known && epoch != w->epoch;
    uint8_t *copy;
    int rc = 0;

    if (w->phase != PHASE_OPENING)
        return 0;
    if (welcome->next_number == 0 || welcome->next_number > INT64_MAX)
        return -EBADMSG; /* 0 is what is not under way: it would be sent again and again */
    copy = malloc(len + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, data, len);
    free(w->welcome);
    w->welcome = copy;
    w->welcome_len = len;
    w->broker_at_ms = client_boot_ms();
    if (time_parse(welcome->time, &w->broker_ms) != 0)
        w->broker_ms = 0;
    snprintf(w->agency, sizeof w->agency, "%s", welcome->agency);
    snprintf(w->unit, sizeof w->unit, "%s", welcome->unit);

    if (w->diverged) /* what a backup holds is the same in both logs, unless the broker knows better */
        subscribe_diverged(w, welcome->same_up_to != 0 ? welcome->same_up_to : w->safe_up_to);
    if (new_epoch)
        w->safe_up_to = 0;
    if (w->keep != NULL && epoch != 0) {
        rc = keep_epoch(w->keep, epoch);
        if (rc < 0)
            return rc;
    }
    head_set(w, welcome->head);
    safe_up_to_set(w, welcome->safe_up_to);

    w->phase = PHASE_UP;
    w->state = WICI_READY;
    w->failures = 0;
    w->up_ms = client_now_ms();
    if (new_epoch && !w->diverged) /* it was restored, and holds all that we were told of: the application hears of it
                                      all the same */
        error_set_code(&w->error, E_LOG_DIVERGED, "hello.known");
    else if (!w->diverged)
        w->error.set = false;
    publish_up(w, welcome->next_number);
    if (w->phase == PHASE_UP)
        subscribe_up(w);
    if (w->phase == PHASE_UP)
        request_up(w);
    rc = w->ready_fn != NULL ? w->ready_fn(w->ready_arg) : 0;
    w->callers = rc < 0;
    return rc;
}

/*
 * Once, it was most likely an old connection of our own whose Hello came late: that is soon mended. Two programs that
 * use one session would take it from each other for ever, so each lets the other be for longer and longer.
 */
static int64_t
taken_over_pause(struct wici *w)
{
    int64_t pause = w->pause_min_ms;

    if (w->phase == PHASE_UP && client_now_ms() - w->up_ms > w->pause_max_ms)
        w->takeovers = 0;
    for (unsigned i = 0; i < w->takeovers && pause < w->pause_max_ms; i++)
        pause *= 2;
    if (pause < w->pause_max_ms)
        w->takeovers++;
    else
        pause = w->pause_max_ms;
    return pause;
}

static void
on_refused(struct wici *w, const Wici__V1__Refused *refused)
{
    enum error_code code = refused->refusal != NULL ? error_by_name(refused->refusal->code) : E_NONE;

    if (refused->subscription != 0) {
        subscribe_refused(w, refused->subscription, refused->refusal);
        return;
    }
    if (code == E_LOG_DIVERGED) {
        w->diverged = true;
        error_set_refusal(&w->error, refused->refusal);
        return;
    }
    if (refused->request != 0) {
        if (request_refused(w, refused->request))
            error_set_refusal(&w->error, refused->refusal);
        return;
    }
    if (refused->number != 0 && code != E_KEY && code != E_STATE && code != E_TAKEN_OVER) {
        if (publish_refused(w, refused))
            error_set_refusal(&w->error, refused->refusal);
        return;
    }
    /* About the session as a whole. E_STATE: the broker forgot us, a new Hello mends it. */
    if (code == E_STATE && w->phase == PHASE_UP) {
        client_lose(w, 0);
        return;
    }
    error_set_refusal(&w->error, refused->refusal);
    w->state = WICI_REFUSED;
    client_lose(w, code == E_TAKEN_OVER ? taken_over_pause(w) : CLIENT_REFUSED_MS);
}

/* Answers, batches and results are walked through as bytes; the others are small, and unpacked. */
static int
message_handle(struct wici *w, zmq_msg_t *frame)
{
    const uint8_t *data = zmq_msg_data(frame);
    struct scan scan = scan_begin(data, zmq_msg_size(frame));
    struct scan_field field = {0};
    Wici__V1__BrokerMessage *message;
    size_t offset;
    int rc = scan_next(&scan, &field);

    if (rc <= 0 || field.wire != SCAN_BYTES)
        return -EBADMSG;
    switch (field.number) {
    case 2: return w->phase == PHASE_UP ? publish_answers(w, field.data, field.len) : 0;
    case 5:
        if (w->phase != PHASE_UP)
            return 0;
        offset = (size_t)(field.data - data);
        zmq_msg_move(&w->batch, frame); /* a small frame's bytes lie in the zmq_msg_t itself, and move with it */
        w->batch_held = true;
        w->batch_rest = scan_begin((const uint8_t *)zmq_msg_data(&w->batch) + offset, field.len);
        w->batch_subscription = 0;
        return subscribe_batch(w);
    case 7:
    case 8:
    case 9:
    case 10: return w->phase == PHASE_UP ? request_result(w, field.data, field.len) : 0;
    default: break;
    }
    arena_reset(w->arena);
    message = wici__v1__broker_message__unpack(arena_allocator(w->arena), zmq_msg_size(frame), data);
    if (message == NULL)
        return -EBADMSG;
    switch (message->message_case) {
    case WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME: return on_welcome(w, message->welcome, field.data, field.len);
    case WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED: on_refused(w, message->refused); return 0;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED: return subscribe_subscribed(w, message->subscribed);
    case WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS:
        head_set(w, message->positions->head);
        safe_up_to_set(w, message->positions->safe_up_to);
        return subscribe_positions(w, message->positions);
    case WICI__V1__BROKER_MESSAGE__MESSAGE__NOT_SET:
    case WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS:
    case WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH:
    case WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT:
    case WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT:
    case WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_STATE:
    case WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_PART:
    case _WICI__V1__BROKER_MESSAGE__MESSAGE__CASE_IS_INT_SIZE: return 0;
    }
    return 0; /* of a newer broker */
}

/* What no broker says means to start over; what a callback returned is its caller's, whatever it is. */
static int
lost_if_bad(struct wici *w, int rc)
{
    bool callers = w->callers;

    w->callers = false;
    if (rc != -EBADMSG || callers)
        return rc;
    client_lose(w, CLIENT_REFUSED_MS);
    return 0;
}

/* One round: everything that is ready now, up to a bound. *ret_done counts what happened. */
static int
client_step(struct wici *w, size_t *ret_done)
{
    size_t done = 0;
    int rc = 0;

    if (w->batch_held) {
        rc = lost_if_bad(w, subscribe_batch(w));
        done++;
    }
    if (w->phase == PHASE_DOWN && client_now_ms() >= w->next_ms) {
        rc = rc != 0 ? rc : client_connect(w);
        if (rc == -EINVAL || rc == -ENOMEM)
            goto out;
        if (rc != 0) {
            client_pause(w, w->pause_min_ms);
            rc = 0;
        }
    }
    for (unsigned i = 0; rc == 0 && i < CLIENT_STEP_MAX && w->socket != NULL && !w->batch_held; i++) {
        zmq_msg_t frame;

        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, w->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            break;
        }
        rc = lost_if_bad(w, message_handle(w, &frame));
        zmq_msg_close(&frame);
        done++;
    }
    subscribe_rest(w);
    /* Only after what was received: a last refusal tells more than the end of the connection. */
    if (rc == 0 && w->monitor_due) {
        w->monitor_due = false;
        done += client_monitor(w);
    }
    if (w->phase == PHASE_OPENING && client_now_ms() >= w->next_ms) {
        client_lose(w, 0);
        done++;
    }
    if (rc == 0)
        rc = publish_pump(w, &done);
    subscribe_sweep(w);
out:
    *ret_done += done;
    return rc;
}

static int64_t
next_timer_ms(const struct wici *w)
{
    int64_t next = w->phase == PHASE_UP ? INT64_MAX : w->next_ms;
    int64_t publish = publish_next_ms(w);

    return publish < next ? publish : next;
}

/* libzmq's descriptor tells of changes only: any call that uses a socket may take note of a message without giving it.
 */
static bool
input_waits(void *socket)
{
    int events = 0;
    size_t size = sizeof events;

    return socket != NULL && zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

/* For those who wait outside: at once when work is left over. */
static void
timer_arm(struct wici *w, bool at_once)
{
    if (!at_once) {
        w->monitor_due = w->monitor_due || input_waits(w->monitor);
        at_once = w->monitor_due || input_waits(w->socket);
    }
    client_timer_set(w, at_once ? 0 : next_timer_ms(w));
}

/*
 * Waits until a socket has something, or until the deadline. 1: it may have; 0: nothing came. zmq_poll would ask the
 * kernel three times and each socket twice. It need not: client_step has received until there was nothing left, and
 * drained the monitor when it was due, so that whatever came since makes their descriptors readable.
 */
static int
client_poll(struct wici *w, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = w->socket_fd, .events = POLLIN}, {.fd = w->monitor_fd, .events = POLLIN}};
    int64_t until = next_timer_ms(w), wait;
    int count;

    if (deadline < until)
        until = deadline;
    wait = until == INT64_MAX ? -1 : until - client_now_ms();
    if (wait < 0 && until != INT64_MAX)
        wait = 0;
    if (wait > 60000)
        wait = 60000;
    count = poll(fds, w->socket == NULL ? 0 : 2, (int)wait);
    if (count < 0)
        return -errno;
    w->monitor_due = w->monitor_due || fds[1].revents != 0;
    return count > 0;
}

static int
client_run(struct wici *w, int64_t deadline)
{
    size_t done = 0;
    int rc;

    w->busy = true;
    for (;;) {
        rc = client_step(w, &done);
        if (rc != 0 || done > 0)
            break;
        rc = client_poll(w, deadline);
        if (rc < 0 || (rc == 0 && client_now_ms() >= deadline))
            break;
    }
    w->busy = false;
    timer_arm(w, done > 0 || w->batch_held);
    return rc;
}

static int64_t
deadline_after(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : client_now_ms() + timeout_ms;
}

int
wici_run(struct wici *w, int timeout_ms)
{
    if (w->busy)
        return -EDEADLK;
    return client_run(w, deadline_after(timeout_ms));
}

int
client_wait(struct wici *w, const bool *done, int timeout_ms)
{
    int64_t deadline = deadline_after(timeout_ms);

    if (w->busy)
        return -EDEADLK;
    for (;;) {
        int rc;

        if (*done)
            return 0;
        if (w->state == WICI_REFUSED)
            return -EACCES;
        if (client_now_ms() >= deadline)
            return -ETIMEDOUT;
        rc = client_run(w, deadline);
        if (rc != 0)
            return rc;
    }
}

int
wici_wait_ready(struct wici *w, int timeout_ms)
{
    int64_t deadline = deadline_after(timeout_ms);

    if (w->busy)
        return -EDEADLK;
    while (w->state != WICI_READY) {
        int rc;

        if (w->state == WICI_REFUSED && w->phase == PHASE_DOWN)
            return -EACCES;
        if (client_now_ms() >= deadline)
            return -ETIMEDOUT;
        rc = client_run(w, deadline);
        if (rc != 0)
            return rc;
    }
    return 0;
}

enum wici_state
wici_state(const struct wici *w)
{
    return w->state;
}

int
wici_fd(const struct wici *w)
{
    return w->epoll_fd;
}

uint64_t
wici_safe_up_to(const struct wici *w)
{
    return w->safe_up_to;
}

int
wici_forget(struct wici *w, uint64_t from_seq, uint64_t to_seq)
{
    return w->keep == NULL ? 0 : keep_forget(w->keep, from_seq, to_seq);
}

void
wici_kept(const struct wici *w, void (*fn)(void *arg, const char *event_id), void *arg)
{
    if (w->keep != NULL)
        keep_each(w->keep, fn, arg);
}

/* ---- making one */

static int
endpoints_split(struct wici *w, const char *text)
{
    char *copy = strdup(text), *save = NULL;
    int rc = 0;

    if (copy == NULL)
        return -ENOMEM;
    for (char *word = strtok_r(copy, " ,\t\n", &save); word != NULL; word = strtok_r(NULL, " ,\t\n", &save)) {
        if (w->endpoint_count == CLIENT_ENDPOINTS_MAX ||
            (strncmp(word, "tcp://", 6) != 0 && strncmp(word, "ipc://", 6) != 0)) {
            rc = -EINVAL;
            break;
        }
        w->endpoints[w->endpoint_count] = strdup(word);
        if (w->endpoints[w->endpoint_count] == NULL) {
            rc = -ENOMEM;
            break;
        }
        w->endpoint_count++;
    }
    if (rc == 0 && w->endpoint_count == 0)
        rc = -EINVAL;
    free(copy);
    return rc;
}

static int
options_take(struct wici *w, const struct wici_options *o)
{
    struct keyfile key;
    int rc;

    if (o->endpoints == NULL || o->server_key == NULL || o->key_file == NULL || !keyfile_is_key(o->server_key) ||
        o->window > CLIENT_WINDOW_MAX)
        return -EINVAL;
    rc = endpoints_split(w, o->endpoints);
    if (rc != 0)
        return rc;
    memcpy(w->server_key, o->server_key, sizeof w->server_key);
    rc = keyfile_read(o->key_file, &key);
    if (rc != 0)
        return rc;
    memcpy(w->public_key, key.public_key, sizeof w->public_key);
    memcpy(w->secret_key, key.secret_key, sizeof w->secret_key);
    keyfile_wipe(&key);
    w->session = strdup(o->session != NULL ? o->session : "main");
    w->software = strdup(o->software != NULL ? o->software : "libwici " WICI_VERSION);
    if (w->session == NULL || w->software == NULL)
        return -ENOMEM;
    w->window = o->window != 0 ? o->window : CLIENT_WINDOW_DEFAULT;
    w->pause_min_ms = o->reconnect_min_ms != 0 ? o->reconnect_min_ms : 100;
    w->pause_max_ms = o->reconnect_max_ms != 0 ? o->reconnect_max_ms : 30000;
    if (w->pause_max_ms < w->pause_min_ms)
        return -EINVAL;
    w->kept_fn = o->kept_fn;
    w->kept_arg = o->kept_arg;
    w->ready_fn = o->ready_fn;
    w->ready_arg = o->ready_arg;
    w->bare_answers = o->bare_answers != 0;
    return o->keep_dir != NULL ? keep_open(&w->keep, o->keep_dir, WICI_KEEP_MAX) : 0;
}

int
wici_open(struct wici **ret, const struct wici_options *options)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct wici *w;
    int rc;

    assert(ret != NULL);
    assert(options != NULL);
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    w->epoll_fd = w->timer_fd = w->socket_fd = w->monitor_fd = -1;
    TAILQ_INIT(&w->again);
    TAILQ_INIT(&w->queue);
    TAILQ_INIT(&w->subscriptions);
    zmq_msg_init(&w->batch);
    w->next_subscription = w->next_request = 1;
    rc = options_take(w, options);
    if (rc == 0)
        rc = arena_create(&w->arena, DECODE_ARENA_SIZE);
    if (rc != 0)
        goto out;
    w->ctx = zmq_ctx_new();
    if (w->ctx == NULL) {
        rc = client_err_from_zmq(errno);
        goto out;
    }
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    w->timer_ms = INT64_MAX;
    if (w->epoll_fd < 0 || w->timer_fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->timer_fd, &event) != 0) {
        rc = -errno;
        goto out;
    }
    rc = client_connect(w);
    if (rc != 0)
        goto out;
    *ret = w;
    w = NULL;
out:
    wici_close(&w);
    return rc;
}

void
wici_close(struct wici **client)
{
    struct wici *w = *client;

    if (w == NULL)
        return;
    assert(!w->busy);
    client_disconnect(w);
    publish_free_all(w);
    subscribe_free_all(w);
    request_free(w);
    zmq_msg_close(&w->batch);
    if (w->ctx != NULL)
        zmq_ctx_term(w->ctx);
    if (w->epoll_fd >= 0)
        close(w->epoll_fd);
    if (w->timer_fd >= 0)
        close(w->timer_fd);
    if (w->keep != NULL)
        keep_close(&w->keep);
    arena_destroy(&w->arena);
    arena_destroy(&w->encode_arena);
    for (size_t i = 0; i < w->endpoint_count; i++)
        free(w->endpoints[i]);
    free(w->session);
    free(w->software);
    free(w->welcome);
    explicit_bzero(w->secret_key, sizeof w->secret_key);
    free(w);
    *client = NULL;
}
