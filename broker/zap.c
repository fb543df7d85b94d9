/*
 * zap - see zap.h, and ZeroMQ RFC 27
 */
#include "broker/zap.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define ZAP_ENDPOINT  "inproc://zeromq.zap.01"
#define ZAP_STOP      "inproc://wici.zap.stop"
#define ZAP_FRAMES    7u /* version, request id, domain, address, identity, mechanism, client key */
#define ZAP_FRAME_MAX 256u

struct zap {
    void *handler, *stop_in, *stop_out;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    struct zap_key *keys; /* sorted by key */
    size_t count;
};

struct frame {
    char data[ZAP_FRAME_MAX];
    size_t len;
};

static bool
frame_is(const struct frame *frame, const char *text)
{
    return frame->len == strlen(text) && memcmp(frame->data, text, frame->len) == 0;
}

static int
key_compare(const void *a, const void *b)
{
    const struct zap_key *x = a, *y = b;

    return strcmp(x->key, y->key);
}

static bool
key_is_known(struct zap *zap, const char *key)
{
    struct timespec now = {0};
    struct zap_key wanted = {.until_ms = 0};
    const struct zap_key *found;
    bool known;

    memcpy(wanted.key, key, ZAP_KEY_SIZE);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)pthread_mutex_lock(&zap->lock);
    found = zap->count == 0 ? NULL : bsearch(&wanted, zap->keys, zap->count, sizeof wanted, key_compare);
    known = found != NULL &&
            (found->until_ms == 0 || found->until_ms > (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
    (void)pthread_mutex_unlock(&zap->lock);
    return known;
}

/* Copies one frame; a longer one is cut, and keeps a length that fits nothing we accept. */
static bool
frame_read(void *socket, struct frame *ret, bool *ret_more)
{
    zmq_msg_t message;
    bool read = true;

    (void)zmq_msg_init(&message);
    while (read && zmq_msg_recv(&message, socket, 0) < 0)
        read = errno == EINTR;
    if (read) {
        ret->len = zmq_msg_size(&message) > sizeof ret->data ? 0 : zmq_msg_size(&message);
        memcpy(ret->data, zmq_msg_data(&message), ret->len);
        *ret_more = zmq_msg_more(&message) != 0;
    }
    (void)zmq_msg_close(&message);
    return read;
}

/* One request, all frames read. Returns the number of frames, or 0 when nothing could be read. */
static size_t
request_read(void *socket, struct frame frames[ZAP_FRAMES])
{
    size_t count = 0;
    bool more = true;

    while (more) {
        struct frame dropped;

        if (!frame_read(socket, count < ZAP_FRAMES ? &frames[count] : &dropped, &more))
            return 0;
        count++;
    }
    return count;
}

static void
reply_send(void *socket, const struct frame *request_id, const char *code, const char *text, const char *user)
{
    (void)zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(socket, request_id->data, request_id->len, ZMQ_SNDMORE);
    (void)zmq_send(socket, code, strlen(code), ZMQ_SNDMORE);
    (void)zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    (void)zmq_send(socket, user, strlen(user), ZMQ_SNDMORE);
    (void)zmq_send(socket, "", 0, 0); /* no metadata */
}

static void
request_answer(struct zap *zap)
{
    struct frame frames[ZAP_FRAMES] = {{.len = 0}};
    char key[ZAP_KEY_SIZE] = "";
    size_t count = request_read(zap->handler, frames);

    if (count == 0)
        return;
    if (count == ZAP_FRAMES && frame_is(&frames[0], "1.0") && frame_is(&frames[2], ZAP_DOMAIN) &&
        frame_is(&frames[5], "CURVE") && frames[6].len == 32 &&
        zmq_z85_encode(key, (const uint8_t *)frames[6].data, 32) != NULL && key_is_known(zap, key))
        reply_send(zap->handler, &frames[1], "200", "OK", key);
    else
        reply_send(zap->handler, &frames[1], "400", "not enrolled", "");
}

static void *
zap_run(void *arg)
{
    struct zap *zap = arg;

    for (;;) {
        zmq_pollitem_t items[2] = {{.socket = zap->handler, .events = ZMQ_POLLIN},
                                   {.socket = zap->stop_out, .events = ZMQ_POLLIN}};

        if (zmq_poll(items, 2, -1) < 0 && errno != EINTR)
            break;
        if (items[1].revents != 0)
            break;
        if (items[0].revents != 0)
            request_answer(zap);
    }
    (void)zmq_close(zap->handler);
    (void)zmq_close(zap->stop_out);
    return NULL;
}

int
zap_start(struct zap **ret, void *zmq)
{
    struct zap *zap;
    int rc = 0;

    assert(ret != NULL);
    zap = calloc(1, sizeof *zap);
    if (zap == NULL)
        return -ENOMEM;
    (void)pthread_mutex_init(&zap->lock, NULL);
    zap->handler = zmq_socket(zmq, ZMQ_REP);
    zap->stop_in = zmq_socket(zmq, ZMQ_PAIR);
    zap->stop_out = zmq_socket(zmq, ZMQ_PAIR);
    if (zap->handler == NULL || zap->stop_in == NULL || zap->stop_out == NULL ||
        zmq_bind(zap->handler, ZAP_ENDPOINT) != 0 || zmq_bind(zap->stop_in, ZAP_STOP) != 0 ||
        zmq_connect(zap->stop_out, ZAP_STOP) != 0) {
        rc = errno < ZMQ_HAUSNUMERO ? -errno : -EIO;
        goto out;
    }
    rc = -pthread_create(&zap->thread, NULL, zap_run, zap);
    if (rc != 0)
        goto out;
    zap->running = true;
    *ret = zap;
    zap = NULL;
out:
    zap_stop(&zap);
    return rc;
}

void
zap_stop(struct zap **zap)
{
    struct zap *z = *zap;

    if (z == NULL)
        return;
    if (z->running) { /* the thread closes the two sockets it uses */
        (void)zmq_send(z->stop_in, "", 0, 0);
        (void)pthread_join(z->thread, NULL);
    } else {
        if (z->handler != NULL)
            (void)zmq_close(z->handler);
        if (z->stop_out != NULL)
            (void)zmq_close(z->stop_out);
    }
    if (z->stop_in != NULL)
        (void)zmq_close(z->stop_in);
    (void)pthread_mutex_destroy(&z->lock);
    free(z->keys);
    free(z);
    *zap = NULL;
}

int
zap_replace(struct zap *zap, const struct zap_key *keys, size_t count)
{
    struct zap_key *fresh = NULL, *old;

    if (count > 0) {
        fresh = malloc(count * sizeof *fresh);
        if (fresh == NULL)
            return -ENOMEM;
        memcpy(fresh, keys, count * sizeof *fresh);
        qsort(fresh, count, sizeof *fresh, key_compare);
    }
    (void)pthread_mutex_lock(&zap->lock);
    old = zap->keys;
    zap->keys = fresh;
    zap->count = count;
    (void)pthread_mutex_unlock(&zap->lock);
    free(old);
    return 0;
}
