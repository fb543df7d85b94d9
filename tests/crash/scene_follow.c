/* scene_follow - a reader follows a broker by a durable cursor while others publish (scene.h) */
#include "tests/crash/scene.h"

#include "tests/crash/deeds_check.h"
#include "tests/crash/follow.h"

#include <errno.h>

#define PAST_DEEDS  4u
#define DEEDS_LEAST 3u

static int
follow_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    int rc = place_prepare(place);

    deeds_make_followed(&plan->deeds, plan->seed);
    plan->first = 1 + dice_roll(dice, PAST_DEEDS);
    plan->last = plan->first + DEEDS_LEAST + dice_roll(dice, 5);
    if (rc == 0)
        rc = serve_make(place);
    if (rc == 0)
        rc = serve_open(place, 60000);
    if (rc == 0)
        rc = scene_deeds_run(&plan->deeds, place, 1, plan->first);
    follow_bounds(&plan->past);
    follow_end();
    serve_close();
    return rc == 0 && !gone_keys_remember(place) ? -EIO : rc;
}

static int
follow_act(const struct plan *plan, const struct place *place)
{
    int rc = serve_open(place, 120000);

    if (rc == 0)
        rc = scene_deeds_run(&plan->deeds, place, plan->first + 1, plan->last);
    follow_end();
    serve_end(plan->seed % 2 == 0);
    return rc;
}

static bool
follow_scene_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
                   uint64_t *ret_step, struct finding *ret)
{
    bool good = guard_check(place, bounds, ret);
    int rc;

    if (!good)
        return false;
    rc = scene_serve_open(place, bounds);
    good = rc == 0
               ? follow_check(&plan->deeds, bounds, ret) && scene_deeds_check(plan, place, bounds, more, ret_step, ret)
               : scene_goes_wrong(ret, "opens", rc);
    follow_end();
    serve_end(good && more < 2);
    return good;
}

const struct scene scene_follow = {
    .name = "follow", .number = 6, .prepare = follow_prepare, .act = follow_act, .check = follow_scene_check};
