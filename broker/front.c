/*
 * front - see front.h
 */
#include "broker/front.h"
#include "broker/log.h"
#include "broker/watch.h"
#include "broker/zap.h"
#include "proto/limits.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Draft in zmq.h, honoured by the library we use: without a ZAP handler nobody gets in. Its effect is checked below. */
#define OPTION_ZAP_ENFORCE_DOMAIN 93

#define FRONT_ENDPOINT_MAX 256u

struct front {
    void *router;
    int fd;              /* of the router: becomes readable when it has taken note of something */
    struct watch *watch; /* NULL: not TCP */
    bool broken;         /* a route was sent and its payload was not: whatever is sent next would go to that peer */
    char endpoint[FRONT_ENDPOINT_MAX];
};

/* libzmq's own codes sit above ZMQ_HAUSNUMERO and mean nothing to strerror; the others are errno's. */
static int
err_from_zmq(int code)
{
    if (code < ZMQ_HAUSNUMERO)
        return code == 0 ? -EIO : -code;
    if (code == ETERM)
        return -ECANCELED;
    if (code == EFSM)
        return -EPROTO;
    return -EIO;
}

static int
option_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0 ? 0 : err_from_zmq(errno);
}

static int
option_text(void *socket, int option, const char *value)
{
    return zmq_setsockopt(socket, option, value, strlen(value)) == 0 ? 0 : err_from_zmq(errno);
}

static int
enforce_domain(void *router)
{
    int value = 0, rc = option_int(router, OPTION_ZAP_ENFORCE_DOMAIN, 1);
    size_t size = sizeof value;

    if (rc != 0)
        return rc;
    if (zmq_getsockopt(router, OPTION_ZAP_ENFORCE_DOMAIN, &value, &size) != 0)
        return err_from_zmq(errno);
    return value == 1 ? 0 : -EACCES;
}

/* All limits, before anything is bound: libzmq takes most of them over at bind time only. */
static int
options_set(void *router, const char *secret_key)
{
    int64_t size_max = WIRE_MESSAGE_MAX;
    int rc;

    if (zmq_setsockopt(router, ZMQ_MAXMSGSIZE, &size_max, sizeof size_max) != 0)
        return err_from_zmq(errno);
    if ((rc = option_int(router, ZMQ_CURVE_SERVER, 1)) != 0 ||
        (rc = option_text(router, ZMQ_CURVE_SECRETKEY, secret_key)) != 0 ||
        (rc = option_text(router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN)) != 0 || (rc = enforce_domain(router)) != 0 ||
        (rc = option_int(router, ZMQ_RCVHWM, FRONT_RCVHWM)) != 0 ||
        (rc = option_int(router, ZMQ_SNDHWM, FRONT_HWM)) != 0 ||
        (rc = option_int(router, ZMQ_HANDSHAKE_IVL, FRONT_HANDSHAKE_MS)) != 0 ||
        (rc = option_int(router, ZMQ_HEARTBEAT_IVL, FRONT_HEARTBEAT_MS)) != 0 ||
        (rc = option_int(router, ZMQ_HEARTBEAT_TIMEOUT, FRONT_HEARTBEAT_TIMEOUT_MS)) != 0 ||
        (rc = option_int(router, ZMQ_BACKLOG, FRONT_BACKLOG)) != 0 ||
        (rc = option_int(router, ZMQ_ROUTER_MANDATORY, 1)) != 0 ||
        (rc = option_int(router, ZMQ_LINGER, FRONT_LINGER_MS)) != 0)
        return rc;
    return 0;
}

/* The port of "tcp://ADDRESS:PORT"; 0: another transport. */
static uint16_t
port_of(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');

    return strncmp(endpoint, "tcp://", 6) != 0 ? 0 : (uint16_t)strtoul(colon + 1, NULL, 10);
}

int
front_open(struct front **ret, void *zmq, const char *secret_key, const char *public_key, const char *listen)
{
    struct front *front;
    size_t size = FRONT_ENDPOINT_MAX, fd_size = sizeof front->fd;
    int rc;

    assert(ret != NULL);
    front = calloc(1, sizeof *front);
    if (front == NULL)
        return -ENOMEM;
    front->router = zmq_socket(zmq, ZMQ_ROUTER);
    if (front->router == NULL) {
        rc = err_from_zmq(errno);
        goto out;
    }
    if ((rc = options_set(front->router, secret_key)) != 0 || (rc = front_check(zmq, front->router, public_key)) != 0)
        goto out;
    if (zmq_bind(front->router, listen) != 0 ||
        zmq_getsockopt(front->router, ZMQ_LAST_ENDPOINT, front->endpoint, &size) != 0 ||
        zmq_getsockopt(front->router, ZMQ_FD, &front->fd, &fd_size) != 0) {
        rc = err_from_zmq(errno);
        goto out;
    }
    if (port_of(front->endpoint) != 0 && (rc = watch_create(&front->watch, port_of(front->endpoint))) != 0)
        goto out;
    *ret = front;
    front = NULL;
out:
    front_close(&front);
    return rc;
}

void
front_close(struct front **front)
{
    if (*front == NULL)
        return;
    watch_destroy(&(*front)->watch);
    if ((*front)->router != NULL)
        (void)zmq_close((*front)->router);
    free(*front);
    *front = NULL;
}

const char *
front_endpoint(const struct front *front)
{
    return front->endpoint;
}

uint64_t
front_cut_count(struct front *front)
{
    return front->watch == NULL ? 0 : watch_cut_count(front->watch);
}

int
front_wait(struct front *front, int fd, int timeout_ms, bool *ret_readable)
{
    struct pollfd fds[2] = {{.fd = front->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    /* libzmq's descriptor tells of changes only: what it has noted already is asked first. zmq_poll would ask twice. */
    if (poll(fds, 2, front_waiting(front) ? 0 : timeout_ms) < 0) {
        *ret_readable = false;
        return errno == EINTR ? 0 : -EIO;
    }
    *ret_readable = fds[1].revents != 0;
    return 0;
}

bool
front_waiting(struct front *front)
{
    int events = 0;
    size_t size = sizeof events;

    return front->broken ||
           (zmq_getsockopt(front->router, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0);
}

/* A signal that somebody else's handler took is no failure. */
static int
frame_receive(zmq_msg_t *frame, void *router)
{
    while (zmq_msg_recv(frame, router, ZMQ_DONTWAIT) < 0)
        if (errno != EINTR)
            return err_from_zmq(errno);
    return 0;
}

/* FNV-1a. */
static uint64_t
route_hash(const struct front_route *route)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < route->len; i++)
        hash = (hash ^ route->id[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Reads the frames after the routing id. Only the first is kept, and only if it is the last. */
static int
payload_receive(struct front *front, struct front_message *message)
{
    void *router = front->router;
    uint64_t who = front->watch == NULL ? 0 : route_hash(&message->route);
    bool first = true;

    for (;;) {
        zmq_msg_t extra, *into = first ? &message->payload : &extra;
        int rc;

        if (!first)
            (void)zmq_msg_init(&extra);
        rc = frame_receive(into, router);
        if (rc != 0) {
            if (!first)
                (void)zmq_msg_close(&extra);
            return rc == -EAGAIN ? -EIO : rc; /* the frames of one message arrive together */
        }
        if (first) {
            /* On the payload frame only: on the routing id's it is missing after a poll. */
            const char *user = zmq_msg_gets(into, "User-Id");

            if (user != NULL && strlen(user) == FRONT_KEY_SIZE - 1)
                memcpy(message->key, user, FRONT_KEY_SIZE);
        }
        if (front->watch != NULL)
            watch_took(front->watch, zmq_msg_get(into, ZMQ_SRCFD), who, zmq_msg_size(into));
        if (!zmq_msg_more(into)) {
            if (!first)
                (void)zmq_msg_close(&extra);
            return 0;
        }
        message->bad_frames = true;
        if (!first)
            (void)zmq_msg_close(&extra);
        first = false;
    }
}

int
front_receive(struct front *front, struct front_message *ret)
{
    zmq_msg_t route;
    int rc;

    if (front->broken)
        return -EIO;
    (void)zmq_msg_init(&route);
    rc = frame_receive(&route, front->router);
    if (rc != 0) {
        (void)zmq_msg_close(&route);
        return rc;
    }
    (void)zmq_msg_init(&ret->payload);
    ret->key[0] = '\0';
    ret->bad_frames = false;
    /* libzmq bounds the routing id that its own clients set, not the one that a peer claims. */
    ret->route.len = zmq_msg_size(&route) > FRONT_ROUTE_MAX ? 0 : (uint8_t)zmq_msg_size(&route);
    memcpy(ret->route.id, zmq_msg_data(&route), ret->route.len);
    if (zmq_msg_more(&route))
        rc = payload_receive(front, ret);
    else
        ret->bad_frames = true;
    (void)zmq_msg_close(&route);
    if (rc != 0)
        (void)zmq_msg_close(&ret->payload);
    return rc;
}

bool
front_route_is(const struct front_route *a, const struct front_route *b)
{
    return a->len == b->len && memcmp(a->id, b->id, a->len) == 0;
}

int
front_send(struct front *front, const struct front_route *route, zmq_msg_t *message)
{
    int rc = 0;

    if (front->broken)
        rc = -EIO;
    else if (zmq_send(front->router, route->id, route->len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        rc = err_from_zmq(errno);
    while (rc == 0 && zmq_msg_send(message, front->router, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        front->broken = true;
        rc = -EIO;
    }
    if (rc != 0)
        (void)zmq_msg_close(message);
    return rc;
}
