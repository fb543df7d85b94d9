/*
 * door - see door.h
 */
#include "tests/sim/door.h"

#include "broker/zap.h"
#include "tests/sim/fate.h"
#include "tests/sim/sim.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A message to a peer. The broker's own memory until the broker ends, so that what it counts stays counted. */
struct door_parcel {
    struct door_parcel *next;
    zmq_msg_t message;
};

struct front {
    bool open;
};

struct zap {
    struct zap_key *keys;
    size_t count;
};

static struct {
    struct door_hooks hooks;
    struct door_line *lines;
    uint32_t next_route;
    bool dead;
    struct front *front; /* NULL: nobody is there */
    struct zap *zap;
} door;

/* ---- the driver's side */

void
door_create(const struct door_hooks *hooks)
{
    memset(&door, 0, sizeof door);
    door.hooks = *hooks;
    door.next_route = 1;
}

static void
message_free(struct door_message *message)
{
    free(message->bytes);
    free(message);
}

static void
parcel_free(struct door_parcel *parcel)
{
    (void)zmq_msg_close(&parcel->message);
    free(parcel);
}

/* Keeps the first `kept` of what the peer sent. */
static void
out_cut(struct door_line *line, size_t kept)
{
    struct door_message **at = &line->out;

    for (size_t i = 0; i < kept; i++)
        at = &(*at)->next;
    line->out_end = at;
    for (struct door_message *message = *at, *next; message != NULL; message = next) {
        next = message->next;
        message_free(message);
    }
    *at = NULL;
    line->out_count = kept;
    if (line->out_arrived > kept)
        line->out_arrived = kept;
}

static void
in_cut(struct door_line *line, size_t kept)
{
    struct door_parcel **at = &line->in;

    for (size_t i = 0; i < kept; i++)
        at = &(*at)->next;
    line->in_end = at;
    for (struct door_parcel *parcel = *at, *next; parcel != NULL; parcel = next) {
        next = parcel->next;
        parcel_free(parcel);
    }
    *at = NULL;
    line->in_count = kept;
    if (line->in_arrived > kept)
        line->in_arrived = kept;
}

static void
line_free(struct door_line *line)
{
    out_cut(line, 0);
    in_cut(line, 0);
    tally_destroy(&line->tally);
    free(line);
}

void
door_destroy(void)
{
    while (door.lines != NULL) {
        struct door_line *line = door.lines;

        door.lines = line->next;
        line_free(line);
    }
}

static bool
key_is_let_in(const char *key)
{
    for (size_t i = 0; door.zap != NULL && i < door.zap->count; i++)
        if (strcmp(door.zap->keys[i].key, key) == 0)
            return door.zap->keys[i].until_ms == 0 || door.zap->keys[i].until_ms > fate_wall_ms();
    return false;
}

struct door_line *
door_connect(const char *key, size_t bound)
{
    struct door_line *line;

    if (door.front == NULL || door.dead || !key_is_let_in(key))
        return NULL;
    line = must(calloc(1, sizeof *line));
    line->route.len = 5;
    for (unsigned i = 0; i < 4; i++)
        line->route.id[1 + i] = (uint8_t)(door.next_route >> (24 - 8 * i));
    door.next_route++;
    memcpy(line->key, key, sizeof line->key);
    line->open = line->known = true;
    line->bound = bound;
    line->out_end = &line->out;
    line->in_end = &line->in;
    line->tally = tally_create();
    line->next = door.lines;
    door.lines = line;
    return line;
}

void
door_say(struct door_line *line, const struct door_message *message)
{
    struct door_message *copy = must(malloc(sizeof *copy));

    assert(line->open);
    *copy = *message;
    copy->next = NULL;
    copy->bytes = must(malloc(message->len + 1));
    memcpy(copy->bytes, message->bytes, message->len);
    *line->out_end = copy;
    line->out_end = &copy->next;
    line->out_count++;
}

uint8_t *
door_hear(struct door_line *line, size_t *ret_len)
{
    struct door_parcel *parcel = line->in;
    uint8_t *bytes;

    if (line->in_arrived == 0)
        return NULL;
    *ret_len = zmq_msg_size(&parcel->message);
    bytes = must(malloc(*ret_len + 1));
    memcpy(bytes, zmq_msg_data(&parcel->message), *ret_len);
    line->in = parcel->next;
    if (line->in == NULL)
        line->in_end = &line->in;
    line->in_count--;
    line->in_arrived--;
    parcel_free(parcel);
    return bytes;
}

static void
step(size_t *arrived, size_t all, size_t count)
{
    *arrived = all - *arrived < count ? all : *arrived + count;
}

void
door_carry(struct door_line *line, size_t count)
{
    if (line->known && door.front != NULL)
        step(&line->out_arrived, line->out_count, count);
    if (line->open)
        step(&line->in_arrived, line->in_count, count);
}

void
door_cut(struct door_line *line, bool noticed)
{
    /* What has arrived stays; of the rest the first few may still come. */
    out_cut(line, line->out_arrived + fate_below(line->out_count - line->out_arrived + 1));
    line->out_arrived = line->out_count;
    in_cut(line, 0);
    line->open = false;
    if (noticed)
        line->known = false;
}

void
door_sweep(void)
{
    struct door_line **at = &door.lines;

    while (*at != NULL) {
        struct door_line *line = *at;

        if (!line->open && (!line->known || door.front == NULL) && line->out_count == 0) {
            *at = line->next;
            line_free(line);
        } else {
            at = &line->next;
        }
    }
}

void
door_each(void (*fn)(struct door_line *line))
{
    for (struct door_line *line = door.lines, *next; line != NULL; line = next) {
        next = line->next;
        fn(line);
    }
}

size_t
door_waiting(const struct door_line *line)
{
    return line->in_count;
}

void
door_die(void)
{
    door.dead = true;
}

void
door_revive(void)
{
    door.dead = false;
}

bool
door_is_dead(void)
{
    return door.dead;
}

/* ---- broker/front.h */

int
front_open(struct front **ret, void *zmq, const char *secret_key, const char *public_key, const char *listen)
{
    (void)zmq;
    (void)secret_key;
    (void)public_key;
    (void)listen;
    assert(door.front == NULL);
    *ret = must(calloc(1, sizeof **ret));
    (*ret)->open = true;
    door.front = *ret;
    return 0;
}

/* The broker is gone: what it had taken in is lost, what it had handed over may still arrive, in part. */
static void
line_lose(struct door_line *line)
{
    out_cut(line, 0);
    in_cut(line, line->in_arrived + fate_below(line->in_count - line->in_arrived + 1));
    for (struct door_parcel *parcel = line->in; parcel != NULL; parcel = parcel->next) {
        zmq_msg_t own;

        if (zmq_msg_init_size(&own, zmq_msg_size(&parcel->message)) != 0)
            abort();
        memcpy(zmq_msg_data(&own), zmq_msg_data(&parcel->message), zmq_msg_size(&own));
        (void)zmq_msg_close(&parcel->message);
        parcel->message = own;
    }
    line->known = false;
}

void
front_close(struct front **front)
{
    if (*front == NULL)
        return;
    door_each(line_lose);
    free(*front);
    *front = door.front = NULL;
}

const char *
front_endpoint(const struct front *front)
{
    (void)front;
    return "sim";
}

static size_t
arrived_lines(void)
{
    size_t count = 0;

    for (const struct door_line *line = door.lines; line != NULL && !door.dead; line = line->next)
        count += line->out_arrived > 0;
    return count;
}

bool
front_waiting(struct front *front)
{
    (void)front;
    return arrived_lines() > 0;
}

int
front_receive(struct front *front, struct front_message *ret)
{
    size_t lines = arrived_lines(), skip;
    struct door_message *message;
    struct door_line *line;

    (void)front;
    if (lines == 0)
        return -EAGAIN;
    door.hooks.point("receive");
    if (door.dead)
        return -EAGAIN;
    skip = fate_below(lines); /* lines are taken in any order */
    for (line = door.lines; line->out_arrived == 0 || skip > 0; line = line->next)
        skip -= line->out_arrived > 0;
    message = line->out;
    line->out = message->next;
    if (line->out == NULL)
        line->out_end = &line->out;
    line->out_count--;
    line->out_arrived--;
    ret->route = line->route;
    memcpy(ret->key, line->key, sizeof ret->key);
    ret->bad_frames = message->bad_frames;
    if (zmq_msg_init_size(&ret->payload, message->bad_frames ? 0 : message->len) != 0)
        abort();
    if (!message->bad_frames)
        memcpy(zmq_msg_data(&ret->payload), message->bytes, message->len);
    door.hooks.taken(line, message);
    message_free(message);
    return 0;
}

int
front_send(struct front *front, const struct front_route *route, zmq_msg_t *message)
{
    struct door_line *line = door.lines;
    struct door_parcel *parcel;
    int rc = 0;

    (void)front;
    if (!door.dead)
        door.hooks.point("send");
    while (line != NULL && !front_route_is(&line->route, route))
        line = line->next;
    if (line == NULL || !line->known)
        rc = -EHOSTUNREACH;
    else if (line->in_count >= line->bound)
        rc = -EAGAIN;
    if (rc != 0 || door.dead) {
        (void)zmq_msg_close(message);
        return rc;
    }
    door.hooks.sent(line, zmq_msg_data(message), zmq_msg_size(message));
    if (!line->open) { /* half open: it takes what nobody will get */
        (void)zmq_msg_close(message);
        return 0;
    }
    parcel = must(calloc(1, sizeof *parcel));
    (void)zmq_msg_init(&parcel->message);
    (void)zmq_msg_move(&parcel->message, message);
    *line->in_end = parcel;
    line->in_end = &parcel->next;
    line->in_count++;
    return 0;
}

/* ---- broker/zap.h */

int
zap_start(struct zap **ret, void *zmq)
{
    (void)zmq;
    *ret = door.zap = must(calloc(1, sizeof **ret));
    return 0;
}

void
zap_stop(struct zap **zap)
{
    if (*zap == NULL)
        return;
    free((*zap)->keys);
    free(*zap);
    *zap = door.zap = NULL;
}

int
zap_replace(struct zap *zap, const struct zap_key *keys, size_t count)
{
    free(zap->keys);
    zap->keys = must(malloc((count + 1) * sizeof *keys));
    if (count > 0)
        memcpy(zap->keys, keys, count * sizeof *keys);
    zap->count = count;
    return 0;
}
