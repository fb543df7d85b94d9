/* scene_erase - dossiers are erased by a whole broker, among events that are published (scene.h) */
#include "tests/crash/scene.h"

#include "tests/crash/deeds_check.h"

#include <errno.h>
#include <stdio.h>

#define PAST_DEEDS  6u
#define DEEDS_LEAST 2u

static int
erase_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    int rc = place_prepare(place);

    deeds_make(&plan->deeds, plan->seed);
    plan->first = 1 + dice_roll(dice, PAST_DEEDS);
    if (rc == 0)
        rc = serve_make(place);
    if (rc == 0)
        rc = serve_open(place, 60000);
    if (rc == 0)
        rc = scene_deeds_run(&plan->deeds, place, 1, plan->first);
    serve_close();
    if (rc == 0 && !gone_keys_remember(place))
        rc = -EIO;

    /* At least one erasure, and something after it. */
    plan->last = plan->first + DEEDS_LEAST + dice_roll(dice, 3);
    while (plan->last < DEEDS_MAX && plan->deeds.at[plan->last - 1].gone == plan->deeds.at[plan->first].gone)
        plan->last++;
    return rc;
}

static int
erase_act(const struct plan *plan, const struct place *place)
{
    int rc = serve_open(place, 120000);

    if (rc == 0)
        rc = scene_deeds_run(&plan->deeds, place, plan->first + 1, plan->last);
    serve_end(plan->seed % 2 == 0);
    return rc;
}

static bool
erase_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
            uint64_t *ret_step, struct finding *ret)
{
    bool good = gone_keys_check(place, bounds, ret) && guard_check(place, bounds, ret);
    int rc;

    if (!good)
        return false;
    rc = scene_serve_open(place, bounds);
    good = rc == 0 ? scene_deeds_check(plan, place, bounds, more, ret_step, ret) : scene_goes_wrong(ret, "opens", rc);
    serve_end(good && more < 2);
    return good;
}

const struct scene scene_erase = {
    .name = "erase", .number = 4, .prepare = erase_prepare, .act = erase_act, .check = erase_check};
