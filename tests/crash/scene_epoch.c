/* scene_epoch - an older copy of a broker's log was put back, and a new epoch begins (scene.h) */
#include "tests/crash/scene.h"

#include "tests/crash/deeds_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define PAST_DEEDS 4u
#define LOST_DEEDS 3u
#define EPOCH      2u /* the second */

static int
epoch_begin(const struct place *place, uint64_t ms)
{
    int rc = serve_new_epoch(place, ms);

    if (rc == 0)
        disk_mark(MARK_EPOCH, EPOCH);
    return rc;
}

/* Deeds and their end; a broker that ends signs all that there is. */
static int
serve_deeds(const struct plan *plan, const struct place *place, uint64_t ms, uint64_t from, uint64_t to)
{
    int rc = serve_open(place, ms);

    if (rc == 0)
        rc = scene_deeds_run(&plan->deeds, place, from, to);
    serve_close();
    return rc;
}

/* What is lost has no erasure: the list of destroyed keys, which stays, would bring it about once more. */
static int
epoch_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    struct history copy;
    uint64_t lost;
    int rc = place_prepare(place);

    deeds_make(&plan->deeds, plan->seed);
    plan->first = 1 + dice_roll(dice, PAST_DEEDS);
    while (!deed_is_event(&plan->deeds.at[plan->first + 1]))
        plan->first++;
    lost = plan->first + 1;
    for (unsigned i = 1; i < LOST_DEEDS && deed_is_event(&plan->deeds.at[lost + 1]); i++)
        lost++;
    plan->last = plan->first + 1 + dice_roll(dice, 3);
    if (rc == 0)
        rc = serve_make(place);
    if (rc == 0)
        rc = serve_deeds(plan, place, 60000, 1, plan->first);
    if (rc != 0)
        return rc;
    history_read(&copy, place->data);
    rc = serve_deeds(plan, place, 90000, plan->first + 1, lost);
    disk_remove(place->data);
    history_make(&copy, place->data);
    history_free(&copy);
    return rc == 0 && !gone_keys_remember(place) ? -EIO : rc;
}

static int
epoch_act(const struct plan *plan, const struct place *place)
{
    int rc = epoch_begin(place, 120000);

    return rc == 0 ? serve_deeds(plan, place, 130000, plan->first + 1, plan->last) : rc;
}

/* Until the epoch has begun the guard, or the key that signs, keeps the broker from starting. */
static bool
epoch_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
            uint64_t *ret_step, struct finding *ret)
{
    bool good = gone_keys_check(place, bounds, ret) && guard_check(place, bounds, ret);
    int rc;

    if (!good)
        return false;
    rc = scene_serve_open(place, bounds);
    if ((rc == -ESTALE || rc == -ENOKEY) && bounds->epoch < EPOCH) {
        rc = epoch_begin(place, SCENE_LATER_MS);
        if (rc != 0)
            return scene_goes_wrong(ret, "epoch", rc);
        rc = serve_open(place, SCENE_LATER_MS);
    }
    if (rc != 0)
        return scene_goes_wrong(ret, "opens", rc);
    disk_mark(MARK_EPOCH, EPOCH);
    good = store_identity(serve_broker()->store)->epoch == EPOCH
               ? scene_deeds_check(plan, place, bounds, more, ret_step, ret)
               : found_wrong(ret, "epoch", "an older copy is served as of epoch %" PRIu64,
                             store_identity(serve_broker()->store)->epoch);
    serve_end(good && more < 2);
    return good;
}

const struct scene scene_epoch = {
    .name = "epoch", .number = 5, .prepare = epoch_prepare, .act = epoch_act, .check = epoch_check};
