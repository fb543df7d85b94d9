/* scene_kek - another key-encryption key, once or twice (scene.h) */
#include "tests/crash/scene.h"

#include "store/kek.h"
#include "store/keys_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATIONS      8u /* copies 1 to 8 */
#define PAST_STEPS     6u
#define COPY_PATH_SIZE 420

/* The copies of one rotation. */
struct copies {
    char keys[400], kek[400];
};

static struct copies
copies_of(const struct place *place, unsigned number)
{
    struct copies ret;

    (void)snprintf(ret.keys, sizeof ret.keys, "%.300s/keys%u", place->away, number);
    (void)snprintf(ret.kek, sizeof ret.kek, "%.300s/kek%u", place->away, number);
    return ret;
}

static bool
kek_read(const char *path, uint8_t ret[32])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && read(fd, ret, 32) == 32;

    if (fd >= 0)
        close(fd);
    return good;
}

static bool
is_same_kek(const char *a, const char *b)
{
    uint8_t x[32], y[32];

    return kek_read(a, x) && kek_read(b, y) && memcmp(x, y, sizeof x) == 0;
}

static int
rotate(const struct place *place, unsigned number, enum kek_outcome *ret)
{
    struct copies copies = copies_of(place, number);
    struct kek_options options = {.store = place->options, .copy_dir = copies.keys, .kek_copy = copies.kek};
    uint32_t entry = 0;
    int rc = kek_rotate(&options, ret, &entry);

    if (rc == 0)
        disk_mark(MARK_ROTATED, number);
    return rc;
}

/* ---- what a cut left */

/* The last rotation that made a copy of its key; 0: none did. */
static unsigned
last_begun(const struct place *place)
{
    unsigned number = ROTATIONS;

    while (number > 0 && access(copies_of(place, number).kek, F_OK) != 0)
        number--;
    return number;
}

/* The rotation whose key is in use; 0: that of before. */
static bool
in_use(const struct plan *plan, const struct place *place, unsigned *ret, struct finding *finding)
{
    uint8_t kek[32];

    if (!kek_read(place->kek, kek))
        return found_wrong(finding, "keys", "there is no key");
    *ret = 0;
    if (memcmp(kek, plan->kek, sizeof kek) == 0)
        return true;
    for (*ret = ROTATIONS; *ret > 0; --*ret)
        if (is_same_kek(place->kek, copies_of(place, *ret).kek))
            return true;
    return found_wrong(finding, "copies", "a key is in use of which there is no copy");
}

static bool
opens(const struct place *place, int *ret_rc)
{
    struct store *st = NULL;

    *ret_rc = store_open(&st, &place->options);
    store_close(&st);
    return *ret_rc == 0;
}

/* Afterwards the key store opens, and no old key is left. */
static bool
rotation_end(const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    bool half = kek_is_half_rotated(place->kek), left = kek_old_is_left(place->kek);
    unsigned begun = last_begun(place);
    enum kek_outcome outcome = KEK_ROTATED;
    int opened, rc;

    if (left && begun == bounds->rotations)
        return found_wrong(ret, "keys", "rotation %u was reported as done, and the old key is left", begun);
    if (opens(place, &opened) && !left)
        return true;
    if (opened != 0 && (opened != -EPERM || !half))
        return found_wrong(ret, "keys", "the key store does not open: %s %s", strerror(-opened), store_open_damage());
    rc = rotate(place, begun, &outcome);
    if (rc != 0 || outcome != KEK_FINISHED)
        return found_wrong(ret, "keys", "the same command does not end what was begun: %s", strerror(-rc));
    if (kek_old_is_left(place->kek)) /* KEK.next may be left: of the rotation after it, of which nothing is in use */
        return found_wrong(ret, "keys", "it ended, and the old key is left");
    return opens(place, &opened) ||
           found_wrong(ret, "keys", "it ended, and the key store does not open: %s", strerror(-opened));
}

/* How many entries the copy of the key store has room for. */
static bool
copy_entries(const struct copies *copies, uint32_t *ret, struct finding *finding)
{
    char path[COPY_PATH_SIZE];
    struct stat sb;

    (void)snprintf(path, sizeof path, "%s/" KEYS_FILE, copies->keys);
    if (stat(path, &sb) != 0 || sb.st_size < KEYS_ENTRY_SIZE)
        return found_wrong(finding, "copies", "the key store's copy: %s", strerror(errno));
    *ret = (uint32_t)(sb.st_size / KEYS_ENTRY_SIZE - 1);
    return true;
}

/* With the copies of the key in use the log opens, and all checkers are content. A log that took its first key only
 * after the rotation uses one that they cannot hold; what was there before the first rotation they hold always. */
static bool
copies_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    struct bounds any = {.created = true, .acked = bounds->acked, .begun = SCRIPT_STEPS_MAX};
    const struct model *after = plan->script.after;
    struct place other = *place;
    struct copies copies;
    uint32_t held = 0;
    unsigned number;
    uint64_t step;

    if (!in_use(plan, place, &number, ret))
        return false;
    if (number < bounds->rotations)
        return found_wrong(ret, "keys", "the key of rotation %u is in use, %" PRIu64 " was reported as done", number,
                           bounds->rotations);
    if (number == 0)
        return true;
    copies = copies_of(place, number);
    if (!copy_entries(&copies, &held, ret))
        return false;
    if (held < after[plan->first].entries)
        return found_wrong(ret, "copies", "%" PRIu32 " keys in the copy, %" PRIu32 " were in use before it", held,
                           after[plan->first].entries);
    if (held < after[SCRIPT_STEPS_MAX].entries) {
        if (!script_check(&plan->script, place, &any, 0, &step, ret))
            return false;
        if (held < after[step].entries)
            return true;
    }
    other.options.key_dir = copies.keys;
    other.options.kek_path = copies.kek;
    if (script_check(&plan->script, &other, &any, 0, &step, ret))
        return true;
    ret->checker = "copies";
    return false;
}

/* The next command of an operator: the one that was interrupted before anything was replaced, or a new one. */
static bool
next_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    unsigned begun = last_begun(place), used;
    enum kek_outcome outcome = KEK_FINISHED;
    int rc = -EEXIST;

    if (!in_use(plan, place, &used, ret))
        return false;
    if (begun > used)
        rc = rotate(place, begun, &outcome);
    if (rc == -EEXIST && begun < ROTATIONS) /* since then the key store went on: other places have to be named */
        rc = rotate(place, begun + 1, &outcome);
    if (rc != 0 || outcome != KEK_ROTATED)
        return found_wrong(ret, "keys", "the next rotation: %s", strerror(-rc));
    return copies_check(plan, place, bounds, ret);
}

/* ---- the scene */

static int
kek_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    int rc = scene_past(plan, place, 1 + dice_roll(dice, PAST_STEPS));

    plan->last = plan->first + 1 + dice_roll(dice, 2);
    plan->twice = dice_roll(dice, 2) == 0;
    return rc == 0 && !kek_read(place->kek, plan->kek) ? -EIO : rc;
}

static int
kek_act(const struct plan *plan, const struct place *place)
{
    enum kek_outcome outcome;
    int rc = rotate(place, 1, &outcome);

    if (rc == 0)
        rc = script_run(&plan->script, place, plan->first + 1, plan->last);
    return rc == 0 && plan->twice ? rotate(place, 2, &outcome) : rc;
}

static bool
kek_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
          uint64_t *ret_step, struct finding *ret)
{
    return rotation_end(place, bounds, ret) && copies_check(plan, place, bounds, ret) &&
           script_check(&plan->script, place, bounds, more, ret_step, ret) &&
           (more < 2 || next_check(plan, place, bounds, ret));
}

const struct scene scene_kek = {.name = "kek", .number = 3, .prepare = kek_prepare, .act = kek_act, .check = kek_check};
