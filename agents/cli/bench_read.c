/* bench_read - the live subscribers and replays of `wici bench`, see bench.h */
#include "agents/cli/bench.h"

#include <errno.h>
#include <stdlib.h>

static int
on_delivery(void *arg, const struct wici_event *event)
{
    struct worker *me = arg;
    struct bench *b = me->bench;
    unsigned index;
    uint32_t number;

    me->seen++;
    atomic_store(&me->position, event->seq);
    if (!bench_event_is_ours(b, event->event_id, &index, &number))
        return 0;
    return times_add(&me->deliveries, (bench_now_ns() - atomic_load(&b->workers[index].sent_ns[number])) / 1000);
}

static void
on_live_position(void *arg, uint64_t seq, uint64_t head)
{
    struct worker *me = arg;

    (void)head;
    if (seq > atomic_load(&me->position))
        atomic_store(&me->position, seq);
}

void *
bench_subscriber_run(void *arg)
{
    struct worker *me = arg;
    struct bench *b = me->bench;
    struct wici_subscribe_options options = {.live = 1, .ack_each = 1, .position_fn = on_live_position};
    int rc = worker_connect(me, "s");

    if (rc == 0)
        rc = wici_subscribe(me->w, &options, on_delivery, me, NULL);
    if (rc == 0)
        worker_ready(me);
    while (rc == 0 && !atomic_load(&b->stop))
        rc = wici_run(me->w, 20);
    if (rc != 0)
        (void)worker_fail(me, rc);
    wici_close(&me->w);
    return NULL;
}

static int
on_replayed(void *arg, const struct wici_event *event)
{
    struct worker *me = arg;

    me->seen++;
    if (event->seq >= me->until_seq)
        me->until_seq = 0; /* done */
    return 0;
}

static void
on_position(void *arg, uint64_t seq, uint64_t head)
{
    struct worker *me = arg;

    (void)head;
    if (seq >= me->until_seq)
        me->until_seq = 0; /* done: the last records were not for us */
}

static int
head_read(struct worker *me)
{
    char *text = NULL;
    json_t *welcome;
    int rc = wici_welcome_json(me->w, &text);

    if (rc != 0)
        return rc;
    welcome = json_loads(text, 0, NULL);
    me->until_seq = member_number(json_object_get(welcome, "head"), "seq");
    json_decref(welcome);
    free(text);
    return 0;
}

void *
bench_replay_run(void *arg)
{
    struct worker *me = arg;
    struct bench *b = me->bench;
    struct wici_subscribe_options options = {.from_seq = 1, .ack_each = 1, .position_fn = on_position};
    uint64_t begin = 0;
    int rc = worker_connect(me, "r");

    if (rc == 0)
        rc = head_read(me);
    if (rc == 0) {
        worker_ready(me);
        begin = bench_now_ns();
        rc = wici_subscribe(me->w, &options, on_replayed, me, NULL);
    }
    while (rc == 0 && me->until_seq != 0 && !atomic_load(&b->stop))
        rc = wici_run(me->w, 100);
    if (rc != 0)
        (void)worker_fail(me, rc);
    else
        me->seconds = (double)(bench_now_ns() - begin) / 1e9;
    wici_close(&me->w);
    return NULL;
}
