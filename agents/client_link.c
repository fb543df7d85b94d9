/*
 * client_link - one connection at a time (client.h has the picture)
 *
 * libzmq does not reconnect by itself here (ZMQ_RECONNECT_IVL -1): its monitor tells us that a connection ended or
 * that the broker refused the key, and the next attempt uses a new socket. Whatever was under way is sent again by its
 * owner (publish.c, subscribe.c, request.c) after the next WELCOME.
 */
#include "agents/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>

int
client_err_from_zmq(int err)
{
    switch (err) {
    case ETERM: return -ESHUTDOWN;
    case EFSM: return -EPROTO;
    case ENOCOMPATPROTO: return -EPROTONOSUPPORT;
    case EMTHREAD: return -EAGAIN;
    default: return err > 0 && err < ZMQ_HAUSNUMERO ? -err : -EIO;
    }
}

int64_t
client_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- what makes wici_fd readable */

void
client_timer_set(struct wici *w, int64_t next_ms)
{
    struct itimerspec spec = {0};

    if (next_ms == w->timer_ms)
        return; /* setting a timer costs more than all else that sending a message takes */
    w->timer_ms = next_ms;
    if (next_ms == 0)
        spec.it_value.tv_nsec = 1;
    else if (next_ms != INT64_MAX) {
        spec.it_value.tv_sec = (time_t)(next_ms / 1000);
        spec.it_value.tv_nsec = (long)(next_ms % 1000) * 1000000 + 1;
    }
    (void)timerfd_settime(w->timer_fd, next_ms == 0 ? 0 : TFD_TIMER_ABSTIME, &spec, NULL);
}

void
client_wake(struct wici *w)
{
    if (!w->busy)
        client_timer_set(w, 0);
}

/* ---- opening and losing a connection */

static int64_t
pause_draw(const struct wici *w, int64_t least)
{
    /* One round through the endpoints counts as one attempt; half of the pause is drawn, so that all the clients of a
     * broker that was restarted do not come back in the same instant. */
    unsigned round = w->endpoint_count > 0 ? w->failures / (unsigned)w->endpoint_count : 0;
    int64_t pause = w->pause_min_ms;
    uint32_t random = 0;

    while (round-- > 0 && pause < w->pause_max_ms)
        pause *= 2;
    if (pause > w->pause_max_ms)
        pause = w->pause_max_ms;
    if (pause < least)
        pause = least;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = (uint32_t)client_now_ms() * 2654435761u;
    return pause / 2 + (int64_t)(random % (uint32_t)(pause / 2 + 1));
}

void
client_pause(struct wici *w, int64_t least)
{
    w->next_ms = client_now_ms() + pause_draw(w, least);
}

void
client_disconnect(struct wici *w)
{
    if (w->socket == NULL)
        return;
    if (w->socket_fd >= 0)
        (void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->socket_fd, NULL);
    if (w->monitor_fd >= 0)
        (void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->monitor_fd, NULL);
    w->socket_fd = w->monitor_fd = -1;
    (void)zmq_socket_monitor(w->socket, NULL, 0);
    if (w->monitor != NULL)
        zmq_close(w->monitor);
    zmq_close(w->socket);
    w->monitor = NULL;
    w->socket = NULL;
}

void
client_lose(struct wici *w, int64_t pause_ms)
{
    if (w->phase == PHASE_DOWN)
        return;
    client_disconnect(w);
    if (w->phase == PHASE_OPENING) {
        w->endpoint = (w->endpoint + 1) % w->endpoint_count;
        w->failures++;
    } else {
        publish_down(w);
        subscribe_down(w);
        w->request.sent = false;
        if (w->state == WICI_READY)
            w->state = WICI_CONNECTING;
    }
    w->phase = PHASE_DOWN;
    client_pause(w, pause_ms);
}

void
client_send(struct wici *w, const void *data, size_t len)
{
    if (w->socket == NULL)
        return;
    while (zmq_send(w->socket, data, len, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        client_lose(w, 0); /* no limit is set on what may wait, so this is a connection that ended */
        break;
    }
    client_wake(w); /* sending may have taken note of what came in, and with it what made wici_fd readable */
}

void
client_send_message(struct wici *w, const Wici__V1__ClientMessage *message)
{
    size_t len = wici__v1__client_message__get_packed_size(message);
    uint8_t *data = malloc(len + 1);

    if (data == NULL) {
        client_lose(w, 0); /* what it was part of is done again */
        return;
    }
    wici__v1__client_message__pack(message, data);
    client_send(w, data, len);
    free(data);
}

static void
hello_send(struct wici *w)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;
    Wici__V1__Position known;

    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    wici__v1__position__init(&known);
    hello.protocol = 1;
    hello.session = w->session;
    hello.software = w->software;
    if (w->known) {
        known.epoch = w->epoch;
        known.seq = w->head;
        known.leaf_hash.data = w->head_hash;
        known.leaf_hash.len = w->head == 0 ? 0 : sizeof w->head_hash;
        hello.known = &known;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    client_send_message(w, &message);
}

static int
option_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int
fd_watch(struct wici *w, void *socket, int *ret_fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    size_t size = sizeof *ret_fd;
    int fd;

    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
        return client_err_from_zmq(errno);
    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

int
client_connect(struct wici *w)
{
    static unsigned serial; /* names of monitors are per context, so a race costs nothing */
    char name[64];
    int64_t size_max = CLIENT_MESSAGE_MAX;
    int rc;

    assert(w->phase == PHASE_DOWN);
    assert(w->socket == NULL);
    w->socket = zmq_socket(w->ctx, ZMQ_DEALER);
    w->monitor = zmq_socket(w->ctx, ZMQ_PAIR);
    snprintf(name, sizeof name, "inproc://monitor-%p-%u", (void *)w, __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    if (w->socket == NULL || w->monitor == NULL || option_int(w->socket, ZMQ_LINGER, 0) != 0 ||
        option_int(w->monitor, ZMQ_LINGER, 0) != 0 || option_int(w->socket, ZMQ_RECONNECT_IVL, -1) != 0 ||
        option_int(w->socket, ZMQ_SNDHWM, 0) != 0 || option_int(w->socket, ZMQ_RCVHWM, 0) != 0 ||
        zmq_setsockopt(w->socket, ZMQ_MAXMSGSIZE, &size_max, sizeof size_max) != 0 ||
        option_int(w->socket, ZMQ_HEARTBEAT_IVL, CLIENT_HEARTBEAT_MS) != 0 ||
        option_int(w->socket, ZMQ_HEARTBEAT_TIMEOUT, CLIENT_HEARTBEAT_LOST_MS) != 0 ||
        option_int(w->socket, ZMQ_IPV6, 1) != 0 ||
        zmq_setsockopt(w->socket, ZMQ_CURVE_SERVERKEY, w->server_key, 41) != 0 ||
        zmq_setsockopt(w->socket, ZMQ_CURVE_PUBLICKEY, w->public_key, 41) != 0 ||
        zmq_setsockopt(w->socket, ZMQ_CURVE_SECRETKEY, w->secret_key, 41) != 0 ||
        zmq_socket_monitor(w->socket, name, ZMQ_EVENT_ALL) != 0 || zmq_connect(w->monitor, name) != 0 ||
        zmq_connect(w->socket, w->endpoints[w->endpoint]) != 0) {
        rc = client_err_from_zmq(errno);
        goto out;
    }
    rc = fd_watch(w, w->socket, &w->socket_fd);
    if (rc == 0)
        rc = fd_watch(w, w->monitor, &w->monitor_fd);
    if (rc != 0)
        goto out;
    w->phase = PHASE_OPENING;
    w->monitor_due = true;
    w->next_ms = client_now_ms() + CLIENT_OPENING_MS;
    w->diverged = false;
    hello_send(w);
out:
    if (rc != 0)
        client_disconnect(w);
    return rc;
}

/* What libzmq tells about the connection: 16 bits of event, 32 of value, then a frame with the address. */
size_t
client_monitor(struct wici *w)
{
    size_t done = 0;

    while (w->monitor != NULL) {
        uint8_t frame[6];
        char address[256];
        uint16_t event;
        int32_t value;

        if (zmq_recv(w->monitor, frame, sizeof frame, ZMQ_DONTWAIT) != (int)sizeof frame)
            break;
        (void)zmq_recv(w->monitor, address, sizeof address, ZMQ_DONTWAIT);
        memcpy(&event, frame, sizeof event);
        memcpy(&value, frame + 2, sizeof value);
        switch (event) {
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            w->state = WICI_REFUSED;
            error_set_code(&w->error, E_KEY, "");
            client_lose(w, CLIENT_REFUSED_MS);
            done++;
            break;
        case ZMQ_EVENT_DISCONNECTED:
        case ZMQ_EVENT_CLOSED:
        case ZMQ_EVENT_CONNECT_RETRIED:
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            client_lose(w, 0);
            done++;
            break;
        default: break;
        }
    }
    return done;
}
