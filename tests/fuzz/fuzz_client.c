/*
 * fuzz_client - any messages of a broker to libwici
 *
 * A client that has published, subscribed and asked is given whatever a broker
 * might say: the input is a series of doses, each a message. The client's own
 * functions are called below its socket, which this one does not have; that is
 * why its source is taken in here.
 *
 * Whatever the broker says: each subscription is given what rises, nothing
 * twice; the publish is answered once, or still waits; what the client counts
 * is what its lists hold; the invariants of agents/client.h are kept.
 */
#include "agents/client.c"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static struct wici *client;
static uint8_t no_socket[4096]; /* in the place of one; libzmq sees that it is
                                   none, and closes nothing */

static uint64_t given[2]; /* highest seq that each subscription took */
static unsigned told;     /* answers to the publish */

static int
event_taken(void *arg, const struct wici_event *event)
{
    uint64_t *last = arg;
    char *text = NULL;

    must(event->seq > *last);
    must(event->event_id != NULL && event->type != NULL && event->family != NULL && event->dossier_id != NULL);
    if (wici_event_json(event, &text) == 0)
        must(text != NULL);
    free(text);
    if (event->seq % 7 == 3)
        return -EAGAIN; /* not now: the same one comes again */
    *last = event->seq;
    return 0;
}

static void
answered(void *arg, const struct wici_answer *answer)
{
    (void)arg;
    must(++told == 1);
    must((answer->receipt_json != NULL) != (answer->refusal != NULL));
}

static void
client_make(void)
{
    static const char event[] = "{\"header\":{\"type\":\"INFO_PROVIDED\",\"dossierId\":"
                                "\"11111111-2222-4333-8444-555555555555\",\"actor\":{\"agency\":\"ops\","
                                "\"unit\":"
                                "\"ops-sw\",\"role\":\"SW\"}},\"sections\":[{\"infoProvidedS0\":{"
                                "\"providedOn\":"
                                "\"2026-03-02\"}},{\"infoProvidedS6\":{\"docKind\":\"INFORMATION\","
                                "\"text\":\"x\"}}]}";
    struct wici_subscribe_options durable = {.cursor = "inbox"}, live = {.live = 1, .ack_each = 1};
    uint8_t *bytes = NULL;
    size_t len = 0;

    must(wici_encode_json(NULL, event, &bytes, &len, NULL) == 0);
    must(wici_publish(client, bytes, len, answered, NULL) == 0);
    free(bytes);
    must(wici_subscribe(client, &durable, event_taken, &given[0], NULL) == 0);
    must(wici_subscribe(client, &live, event_taken, &given[1], NULL) == 0);
}

int __wrap_zmq_send(void *socket, const void *data, size_t len, int flags);
int __wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags);

/* What the client says goes nowhere. */
int
__wrap_zmq_send(void *socket, const void *data, size_t len, int flags)
{
    (void)socket;
    (void)data;
    (void)flags;
    must(len <= WIRE_MESSAGE_MAX);
    return (int)len;
}

int
__wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    int len = (int)zmq_msg_size(message);

    (void)socket;
    (void)flags;
    must(len <= (int)WIRE_MESSAGE_MAX);
    (void)zmq_msg_close(message);
    (void)zmq_msg_init(message);
    return len;
}

/* After each message. */
static void
client_check(void)
{
    const struct publish_list *lists[] = {&client->again, &client->queue};
    size_t publishes[2] = {0, 0}, events = 0, flying = 0, subscriptions = 0;
    const struct subscription *s;

    for (size_t i = 0; i < 2; i++) {
        const struct publish *p;

        TAILQ_FOREACH(p, lists[i], link)
        {
            publishes[i]++;
            events += p->count;
            flying += p->number != 0;
        }
    }
    must(client->again_count == publishes[0] && client->publish_count == publishes[0] + publishes[1]);
    must(client->event_count == events && events + told == 1); /* answered, or it waits */
    must(client->in_flight == flying && flying <= client->window);
    must(client->phase == PHASE_UP || flying == 0);
    must((client->phase == PHASE_UP) == (client->state == WICI_READY));
    TAILQ_FOREACH(s, &client->subscriptions, link)
    {
        subscriptions++;
        must(s->acked <= s->seen && s->link_acked <= s->link_seen);
    }
    must(client->subscription_count == subscriptions);
    if (client->diverged) /* another log: what comes has been given of an earlier
                           one */
        given[0] = given[1] = 0;
}

/* As wici_close and wici_open would. */
static void
client_reset(void)
{
    client_lose(client, 0);
    publish_free_all(client);
    subscribe_free_all(client);
    request_free(client);
    client->known = client->diverged = client->rewind = client->batch_held = false;
    client->safe_up_to = client->epoch = client->head = 0;
    client->subscription_count = 0;
    client->next_subscription = 1;
    client->error.set = false;
    given[0] = given[1] = 0;
    told = 0;
    (void)zmq_msg_close(&client->batch);
    (void)zmq_msg_init(&client->batch);
}

static void
client_open(void)
{
    char path[] = "/tmp/wici-fuzz-key-XXXXXX";
    struct keyfile key;
    struct wici_options options = {.endpoints = "tcp://127.0.0.1:1", .key_file = path};
    int fd = mkstemp(path);

    must(fd >= 0 && unlink(path) == 0 && close(fd) == 0);
    must(zmq_curve_keypair(key.public_key, key.secret_key) == 0);
    must(keyfile_write(path, &key, "fuzz") == 0);
    options.server_key = key.public_key;
    must(wici_open(&client, &options) == 0);
    (void)unlink(path);
    client_reset();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dose dose;

    if (client == NULL)
        client_open();
    client_make();
    while (dose_next(&data, &size, &dose)) {
        zmq_msg_t frame;
        size_t done = 0;

        if (client->phase == PHASE_DOWN)
            client->phase = PHASE_OPENING; /* as if the next socket were open */
        client->socket = no_socket;
        must(zmq_msg_init_size(&frame, dose.len) == 0);
        if (dose.len > 0)
            memcpy(zmq_msg_data(&frame), dose.data, dose.len);
        (void)message_handle(client, &frame);
        (void)zmq_msg_close(&frame);
        if (client->batch_held)
            (void)subscribe_batch(client);
        if (client->phase == PHASE_UP)
            (void)publish_pump(client, &done);
        subscribe_sweep(client);
        client_check();
    }
    client_reset();
    return 0;
}
