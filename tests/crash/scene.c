/* scene - the table of scenes, that of an ordinary log, and what the others begin with (scene.h) */
#include "tests/crash/scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Every fourth log has a past. */
static int
log_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    int rc = place_prepare(place);

    plan->first = dice_roll(dice, 4) == 0 ? 4 + dice_roll(dice, 12) : 0;
    plan->last = plan->first + 1 + dice_roll(dice, 7);
    if (rc == 0 && plan->first > 0 && (rc = script_create(place)) == 0)
        rc = script_run(&plan->script, place, 1, plan->first);
    return rc;
}

static int
log_act(const struct plan *plan, const struct place *place)
{
    int rc = plan->first == 0 ? script_create(place) : 0;

    return rc == 0 ? script_run(&plan->script, place, plan->first + 1, plan->last) : rc;
}

static bool
log_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
          uint64_t *ret_step, struct finding *ret)
{
    return script_check(&plan->script, place, bounds, more, ret_step, ret);
}

static const struct scene scene_log = {
    .name = "log", .number = 0, .prepare = log_prepare, .act = log_act, .check = log_check};

/* By seed. */
static const struct scene *const scenes[] = {
    &scene_log, &scene_follow, &scene_erase, &scene_backup,  &scene_log, &scene_log, &scene_erase,  &scene_kek,
    &scene_log, &scene_log,    &scene_epoch, &scene_restore, &scene_log, &scene_log, &scene_beside, &scene_log,
    &scene_log, &scene_log,    &scene_erase, &scene_kek,     &scene_log, &scene_log, &scene_log,    &scene_restore};
static const size_t scene_count = sizeof scenes / sizeof *scenes;

const struct scene *
scene_find(uint64_t seed, const char *name)
{
    if (name == NULL)
        return scenes[seed % scene_count];
    for (size_t i = 0; i < scene_count; i++)
        if (strcmp(scenes[i]->name, name) == 0)
            return scenes[i];
    return NULL;
}

const char *
scene_name(unsigned number)
{
    for (size_t i = 0; i < scene_count; i++)
        if (scenes[i]->number == number)
            return scenes[i]->name;
    abort();
}

/* ---- what the scenes about copies begin with */

int
scene_past(struct plan *plan, const struct place *place, uint64_t least)
{
    const char *const dirs[] = {place->backup_logs, place->backup_keys, place->away};
    struct model *after = plan->script.after;
    int rc = place_prepare(place);

    plan->script.signs = true;
    for (unsigned k = 1; k <= SCRIPT_STEPS_MAX; k++)
        after[k].checkpoint = after[k - 1].head;
    plan->first = least;
    while (after[plan->first].checkpoint == 0)
        plan->first++;
    for (size_t i = 0; rc == 0 && i < sizeof dirs / sizeof *dirs; i++)
        if (mkdir(dirs[i], 0700) != 0)
            rc = -errno;
    if (rc == 0)
        rc = script_create(place);
    return rc == 0 ? script_run(&plan->script, place, 1, plan->first) : rc;
}

bool
scene_is_there(const char *dir, const char *name)
{
    char path[400];
    struct stat sb;

    (void)snprintf(path, sizeof path, "%.300s/%.60s", dir, name);
    return lstat(path, &sb) == 0;
}
