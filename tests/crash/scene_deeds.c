/* scene_deeds - what the scenes with a whole broker share: deeds, and what must be there of them (scene.h) */
#include "tests/crash/scene.h"

#include "broker/erase.h"
#include "store/be.h"
#include "tests/crash/deeds_check.h"
#include "tests/crash/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SETTLE_MAX 2000u /* ticks */
#define DEED_MS    700u  /* between two: sometimes a checkpoint is signed, sometimes not */

/* ---- doing it */

static void
acknowledged(uint64_t k)
{
    struct store *st = serve_broker()->store;
    uint8_t root[LEAF_HASH_SIZE] = {0};

    disk_mark(MARK_ACKED, k);
    if (store_tree_root(st, store_head(st), root) != 0)
        return;
    disk_mark(MARK_ROOT, be64_get(root));
    disk_mark(MARK_HEAD, store_head(st));
}

static int
checkpoint_ask(void)
{
    uint64_t size = 0;
    int rc = deed_checkpoint(&size);

    if (rc == 0)
        disk_mark(MARK_SIGNED, size);
    return rc;
}

/* Deed k's change is the k-th: most deeds have none. */
static int
log_key_change(const struct place *place, uint64_t k, uint64_t ms)
{
    int rc;

    disk_mark(MARK_KEY_BEGUN, k);
    rc = serve_log_key(place, ms);
    if (rc == 0)
        disk_mark(MARK_KEY, k);
    return rc;
}

static int
start_again(const struct deeds *deeds, const struct place *place, uint64_t k)
{
    uint64_t ms = serve_broker()->clock.mono_ms;
    int rc = 0;

    follow_end();
    serve_close();
    if (deeds->at[k].compact)
        rc = serve_compact(place, ms);
    if (rc == 0 && deeds->at[k].log_key)
        rc = log_key_change(place, k, ms);
    return rc == 0 ? serve_open(place, ms) : rc;
}

int
scene_deeds_run(const struct deeds *deeds, const struct place *place, uint64_t from, uint64_t to)
{
    int rc = 0;

    for (uint64_t k = from; rc == 0 && k <= to; k++) {
        const struct deed *deed = &deeds->at[k];

        if (deeds->copied && deed->copies)
            rc = scene_backup_begin(place);
        disk_mark(MARK_BEGUN, k);
        follow_before(deeds, k);
        if (rc == 0)
            rc = deed_do(deeds, k, false);
        if (rc == 0)
            acknowledged(k);
        if (rc == 0 && deeds->followed)
            rc = follow_deed(deeds, k);
        if (rc == 0 && deeds->copied)
            rc = scene_backup_look();
        if (rc == 0 && deed->kind == DEED_ERASE)
            gone_keys_mark(place);
        serve_pass(DEED_MS);
        if (rc == 0)
            rc = checkpoint_ask();
        if (rc == 0 && deed->restart)
            rc = start_again(deeds, place, k);
    }
    return rc;
}

/* ---- checking what a cut left */

bool
scene_goes_wrong(struct finding *ret, const char *checker, int rc)
{
    const char *damage = serve_broker() != NULL ? store_damage(serve_broker()->store) : store_open_damage();

    return found_wrong(ret, checker, "%s %s %s", strerror(-rc), damage, deed_answer());
}

/* The recovery finishes what was begun. */
static bool
settle(struct finding *ret)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && erase_is_due(serve_broker()); i++)
        rc = i == SETTLE_MAX ? -ETIMEDOUT : serve_tick();
    return rc == 0 || scene_goes_wrong(ret, "finished", rc);
}

/* What was done is not done twice. */
static bool
again_check(const struct deeds *deeds, uint64_t step, struct finding *ret)
{
    uint64_t head = store_head(serve_broker()->store);
    int rc = 0;

    if (step > 0 && (deeds->at[step].kind == DEED_ERASE || !deed_is_gone(deeds, step, step)))
        rc = deed_do(deeds, step, true);
    if (rc != 0)
        return scene_goes_wrong(ret, "once", rc);
    return store_head(serve_broker()->store) == head ||
           found_wrong(ret, "once", "deed %" PRIu64 " is there twice", step);
}

/* `more` deeds; when it is not one, at least an event and an erasure. */
static uint64_t
deeds_more(const struct deeds *deeds, uint64_t step, unsigned more)
{
    bool event = more < 2, erasure = more < 2 || deeds->followed;
    uint64_t to = step;

    while (to < DEEDS_MAX && (to < step + more || !event || !erasure)) {
        to++;
        event = event || deed_is_event(&deeds->at[to]);
        erasure = erasure || !deed_is_event(&deeds->at[to]);
    }
    return to;
}

bool
scene_deeds_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
                  uint64_t *ret_step, struct finding *ret)
{
    const struct deeds *deeds = &plan->deeds;
    uint64_t to;
    int rc;

    if (!deeds_found(deeds, bounds, ret_step, ret) || !deeds_root(bounds, ret))
        return false;
    disk_mark(MARK_BEGUN, *ret_step);
    acknowledged(*ret_step);
    to = deeds_more(deeds, *ret_step, more);
    rc = checkpoint_ask();
    if (rc != 0)
        return scene_goes_wrong(ret, "goes on", rc);
    if (!settle(ret) || !deeds_check(deeds, place, *ret_step, ret) || !again_check(deeds, *ret_step, ret))
        return false;
    gone_keys_mark(place);
    rc = scene_deeds_run(deeds, place, *ret_step + 1, to);
    if (rc != 0)
        return scene_goes_wrong(ret, "goes on", rc);
    return more < 2 || (deeds_check(deeds, place, to, ret) && deeds_traces(deeds, place, to, ret));
}

int
scene_serve_open(const struct place *place, const struct bounds *bounds)
{
    int rc = serve_open(place, SCENE_LATER_MS);

    if (rc == -ENOKEY && bounds->keys_begun > bounds->keys) {
        /* The same command ends it, as wicid says. */
        rc = log_key_change(place, bounds->keys_begun, SCENE_LATER_MS);
        rc = rc == 0 ? serve_open(place, SCENE_LATER_MS) : -EKEYREJECTED;
    }
    if (rc == 0)
        disk_mark(MARK_KEY, bounds->keys_begun); /* with which key it served once, it serves again */
    return rc;
}
