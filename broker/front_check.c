/*
 * front_check - before the door opens, two knocks that must stay outside
 *
 * A CURVE server without a working ZAP handler accepts any client key, silently. So, before the broker binds its
 * endpoint, the same socket is bound to a loopback port and knocked at: with a random key, and without CURVE.
 */
#include "broker/front.h"
#include "broker/log.h"
#include "proto/language.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CHECK_TIMEOUT_MS 60000 /* a machine may be busy when it starts */
#define CHECK_EVENTS                                                                                                   \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

static int64_t
now_ms(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * How the handshake ended, or 0 when it did not in time. A connection that broke, or took too long on a busy machine,
 * proves nothing: libzmq knocks again by itself, until it is let in or told no.
 */
static unsigned
event_wait(void *monitor)
{
    int64_t until = now_ms() + CHECK_TIMEOUT_MS;

    for (;;) {
        zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
        int64_t left = until - now_ms();
        uint8_t frame[256];
        uint16_t event;
        int len;

        if (left <= 0 || (zmq_poll(&item, 1, (long)left) < 0 && errno != EINTR))
            return 0;
        if (item.revents == 0)
            continue;
        len = zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT);
        if (len < (int)sizeof event)
            return 0;
        memcpy(&event, frame, sizeof event);
        (void)zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT); /* the endpoint's name */
        return event;
    }
}

/* Knocks once. 0: it stayed outside. -EACCES: it got in, or nothing was heard. */
static int
knock(void *zmq, const char *endpoint, const char *server_key, bool curve)
{
    char monitor_name[64], public_key[FRONT_KEY_SIZE], secret_key[FRONT_KEY_SIZE];
    void *client = zmq_socket(zmq, ZMQ_DEALER), *monitor = zmq_socket(zmq, ZMQ_PAIR);
    int linger = 0, rc = -EACCES;
    unsigned event;

    (void)snprintf(monitor_name, sizeof monitor_name, "inproc://wici.check.%d", (int)curve);
    if (client == NULL || monitor == NULL || zmq_setsockopt(client, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_setsockopt(monitor, ZMQ_LINGER, &linger, sizeof linger) != 0)
        goto out;
    if (curve && (zmq_curve_keypair(public_key, secret_key) != 0 ||
                  zmq_setsockopt(client, ZMQ_CURVE_SERVERKEY, server_key, strlen(server_key)) != 0 ||
                  zmq_setsockopt(client, ZMQ_CURVE_PUBLICKEY, public_key, strlen(public_key)) != 0 ||
                  zmq_setsockopt(client, ZMQ_CURVE_SECRETKEY, secret_key, strlen(secret_key)) != 0))
        goto out;
    if (zmq_socket_monitor(client, monitor_name, CHECK_EVENTS) != 0 || zmq_connect(monitor, monitor_name) != 0 ||
        zmq_connect(client, endpoint) != 0)
        goto out;
    event = event_wait(monitor);
    if (event != 0 && event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        rc = 0;
    else
        log_error("front: self-test: %s %s",
                  curve ? _("a connection with a random key") : _("a connection without CURVE"),
                  event == 0 ? _("was not refused in time") : _("got in"));
out:
    explicit_bzero(secret_key, sizeof secret_key);
    if (client != NULL) {
        /* Before its reader goes: an event without a reader would hold up libzmq's I/O thread, and every connection. */
        (void)zmq_socket_monitor(client, NULL, 0);
        (void)zmq_close(client);
    }
    if (monitor != NULL)
        (void)zmq_close(monitor);
    return rc;
}

int
front_check(void *zmq, void *router, const char *public_key)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    int rc;

    if (zmq_bind(router, "tcp://127.0.0.1:*") != 0 || zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        return -EIO;
    rc = knock(zmq, endpoint, public_key, true);
    if (rc == 0)
        rc = knock(zmq, endpoint, public_key, false);
    if (zmq_unbind(router, endpoint) != 0 && rc == 0)
        rc = -EIO;
    return rc;
}
