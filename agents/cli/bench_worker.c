/* bench_worker - what all workers do; see bench.h */
#include "agents/cli/bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t
bench_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int
worker_connect(struct worker *me, const char *name)
{
    const struct bench *b = me->bench;
    char session[48];
    struct wici_options options = {.endpoints = b->cli->endpoints,
                                   .server_key = b->cli->server_key,
                                   .key_file = b->cli->key_file,
                                   .session = session,
                                   .software = "wici bench",
                                   .window = b->window,
                                   .bare_answers = 1};
    int rc;

    snprintf(session, sizeof session, "bench-%s-%u", name, me->index);
    rc = wici_open(&me->w, &options);
    return rc == 0 ? wici_wait_ready(me->w, b->cli->timeout_ms) : rc;
}

int
worker_fail(struct worker *me, int rc)
{
    const struct wici_error *e = me->w != NULL && (rc == -EPROTO || rc == -EACCES) ? wici_error(me->w) : NULL;

    me->rc = rc;
    if (e != NULL)
        snprintf(me->error, sizeof me->error, "%s %s: %.200s", e->code, e->path, me->bench->cli->pl ? e->pl : e->en);
    else
        snprintf(me->error, sizeof me->error, "%s", strerror(-rc));
    atomic_store(&me->bench->stop, true);
    return rc;
}

void
worker_ready(struct worker *me)
{
    atomic_fetch_add(&me->bench->ready, 1);
    while (!atomic_load(&me->bench->go) && !atomic_load(&me->bench->stop))
        (void)wici_run(me->w, 5);
}
