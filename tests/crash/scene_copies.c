/* scene_copies - backups made, and one put in place of a lost log (scene.h) */
#include "tests/crash/scene.h"

#include "store/be.h"
#include "store/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAFE_NAME  "backup" /* as broker/backup.c keeps it: u64 records, the label */
#define PATH_SIZE  400u
#define PAST_STEPS 6u

struct label {
    char name[SCENE_LABEL_SIZE], part[12];
};

void
scene_label(unsigned number, char ret[SCENE_LABEL_SIZE])
{
    (void)snprintf(ret, SCENE_LABEL_SIZE, "b%u", number % SCENE_LABELS);
}

static struct label
label_of(unsigned number)
{
    struct label ret;

    scene_label(number, ret.name);
    (void)snprintf(ret.part, sizeof ret.part, "%.4s.part", ret.name);
    return ret;
}

static void
path_join(char ret[PATH_SIZE], const char *dir, const char *name)
{
    (void)snprintf(ret, PATH_SIZE, "%.300s/%.60s", dir, name);
}

/* ---- making one */

static int
safe_put(const struct place *place, uint64_t records, const char *label)
{
    uint8_t value[16];
    struct store *st = NULL;
    int rc = store_open(&st, &place->options);

    be64_put(value, records);
    memcpy(value + 8, label, strlen(label));
    if (rc == 0 && (rc = store_value_put(st, SAFE_NAME, value, 8 + strlen(label))) == 0)
        rc = store_commit(st);
    if (rc == 0)
        disk_mark(MARK_SAFE, records);
    store_close(&st);
    return rc;
}

bool scene_says_early;

/* The planted bug. */
static int
safe_early(const struct place *place, const char *label)
{
    struct store *st = NULL;
    uint64_t records = 0;
    int rc = store_open(&st, &place->options);

    if (rc == 0)
        records = store_head(st);
    store_close(&st);
    return rc == 0 ? safe_put(place, records, label) : rc;
}

/* What broker/backup.c does: the backup, and only then the commit that says so. */
static int
backup_run(const struct place *place, unsigned number)
{
    static struct backup_report report;
    struct label label = label_of(number);
    struct backup_options options = {.store = place->options,
                                     .log_to = place->backup_logs,
                                     .keys_to = place->backup_keys,
                                     .label = label.name,
                                     .keys = &script_signer()->key,
                                     .key_count = 1};
    int rc;

    if (scene_says_early && (rc = safe_early(place, label.name)) != 0)
        return rc;
    memset(&report, 0, sizeof report);
    rc = backup_make(&options, &report);
    if (rc != 0)
        return rc;
    disk_mark(MARK_BACKUP, number);
    return safe_put(place, report.verify.records, label.name);
}

/* ---- looking at one */

/* -ENOENT: restore refuses it, it is no backup. Else what verifying it with its keys gives. */
static int
backup_look(const struct place *place, const char *log, const char *keys, struct verify_report *report)
{
    static struct backup_what what;
    char from[PATH_SIZE], keys_from[PATH_SIZE], nowhere[PATH_SIZE];
    struct restore_options options = {.store = place->options, .from = from, .keys_from = keys_from};
    int rc;

    path_join(from, place->backup_logs, log);
    path_join(keys_from, place->backup_keys, keys);
    path_join(nowhere, place->dir, "nowhere");
    options.store.dir = options.store.key_dir = nowhere;
    memset(report, 0, sizeof *report);
    rc = restore_check(&options, &what);
    return rc == 0 ? restore_verify(&options, &what, report) : rc;
}

static bool
holds_the_first(const struct plan *plan, const struct verify_report *report)
{
    uint8_t root[LEAF_HASH_SIZE];

    script_root(&plan->script, report->records, root);
    return memcmp(root, report->root, sizeof root) == 0;
}

bool
scene_backup_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned number,
                   scene_holds_fn *holds, uint64_t *ret_records, struct finding *ret)
{
    static struct verify_report report;
    struct label label = label_of(number);
    int rc;

    *ret_records = 0;
    if (scene_is_there(place->backup_logs, label.name)) {
        rc = backup_look(place, label.name, label.name, &report);
        if (rc != 0 || !holds(plan, &report))
            return found_wrong(ret, "backups", "%s has its name and is not whole: %s %s", label.name, strerror(-rc),
                               report.what);
        *ret_records = report.records;
    } else if ((bounds->backups & 1u << number) != 0) {
        return found_wrong(ret, "backups", "%s was reported as whole and is not there", label.name);
    }
    if (!scene_is_there(place->backup_logs, label.part))
        return true;
    /* Its keys may have their name already. */
    rc = backup_look(place, label.part, scene_is_there(place->backup_keys, label.name) ? label.name : label.part,
                     &report);
    if (rc == 0 && !holds(plan, &report))
        return found_wrong(ret, "unfinished", "%s verifies and is not of this log", label.part);
    return true;
}

static bool
backup_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned number,
             uint64_t *ret_records, struct finding *ret)
{
    return scene_backup_check(plan, place, bounds, number, holds_the_first, ret_records, ret);
}

struct safe {
    uint64_t records;
    char label[8];
};

static int
safe_take(void *arg, const char *name, const uint8_t *value, size_t len)
{
    struct safe *safe = arg;

    if (strcmp(name, SAFE_NAME) != 0 || len < 8 || len - 8 >= sizeof safe->label)
        return -EBADMSG;
    safe->records = be64_get(value);
    memcpy(safe->label, value + 8, len - 8);
    return 0;
}

bool
scene_safe_check(struct store *st, const struct bounds *bounds, const uint64_t records[SCENE_LABELS],
                 struct finding *ret)
{
    struct safe safe = {.records = 0};
    int rc = store_value_each(st, SAFE_NAME, safe_take, &safe);

    if (rc != 0)
        return found_wrong(ret, "safe", "it cannot be read: %s", strerror(-rc));
    if (safe.records < bounds->safe)
        return found_wrong(ret, "safe", "%" PRIu64 " records, it was reported of %" PRIu64, safe.records, bounds->safe);
    disk_mark(MARK_SAFE, safe.records);
    for (unsigned i = 0; i < SCENE_LABELS; i++)
        if (strcmp(label_of(i).name, safe.label) == 0 && records[i] >= safe.records)
            return true;
    return safe.records == 0 || found_wrong(ret, "safe",
                                            "%" PRIu64 " records are said to be in %s, which has not so "
                                            "many",
                                            safe.records, safe.label);
}

static bool
safe_check(const struct place *place, const struct bounds *bounds, const uint64_t records[SCENE_LABELS],
           struct finding *ret)
{
    struct store *st = NULL;
    int rc = store_open(&st, &place->options);
    bool good = rc == 0 ? scene_safe_check(st, bounds, records, ret)
                        : found_wrong(ret, "safe", "it cannot be read: %s", strerror(-rc));

    store_close(&st);
    return good;
}

/* What an operator does next: an unfinished label again, or a new one. */
static bool
next_backup_check(const struct plan *plan, const struct place *place, struct finding *ret)
{
    struct bounds bounds = {.backups = 0};
    uint64_t records;

    for (unsigned i = 0; i < SCENE_LABELS; i++) {
        struct label label = label_of(i);
        bool named = scene_is_there(place->backup_logs, label.name) || scene_is_there(place->backup_keys, label.name);
        int rc = backup_run(place, i);

        if (named && rc != -EEXIST)
            return found_wrong(ret, "backups", "%s is there, and is made once more: %s", label.name, strerror(-rc));
        if (named)
            continue;
        if (rc != 0)
            return found_wrong(ret, "backups", "the next one, %s: %s", label.name, strerror(-rc));
        bounds.backups = 1u << i;
        return backup_check(plan, place, &bounds, i, &records, ret);
    }
    return true;
}

/* ---- scene backup */

static int
backup_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    int rc = scene_past(plan, place, 1 + dice_roll(dice, PAST_STEPS));

    plan->last = plan->first + 2 + dice_roll(dice, 4);
    return rc;
}

static int
backup_act(const struct plan *plan, const struct place *place)
{
    unsigned number = 0;
    int rc = 0;

    for (uint64_t k = plan->first; k <= plan->last && rc == 0; k++) {
        if (k > plan->first)
            rc = script_run(&plan->script, place, k, k);
        if (rc == 0 && (k - plan->first) % 2 == 0)
            rc = backup_run(place, number++);
    }
    return rc;
}

static bool
backup_scene_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
                   uint64_t *ret_step, struct finding *ret)
{
    uint64_t records[SCENE_LABELS];

    if (!script_check(&plan->script, place, bounds, more, ret_step, ret))
        return false;
    for (unsigned i = 0; i < SCENE_LABELS; i++)
        if (!backup_check(plan, place, bounds, i, &records[i], ret))
            return false;
    return safe_check(place, bounds, records, ret) && (more < 2 || next_backup_check(plan, place, ret));
}

const struct scene scene_backup = {
    .name = "backup", .number = 1, .prepare = backup_prepare, .act = backup_act, .check = backup_scene_check};

/* ---- scene restore */

#define RESTORED_EPOCH 2u

static int
restore_run(const struct place *place)
{
    static struct backup_what what;
    static struct verify_report report;
    char from[PATH_SIZE], keys_from[PATH_SIZE];
    struct restore_options options = {.store = place->options, .from = from, .keys_from = keys_from};
    int rc;

    path_join(from, place->backup_logs, label_of(0).name);
    path_join(keys_from, place->backup_keys, label_of(0).name);
    if ((rc = restore_check(&options, &what)) != 0 || (rc = restore_verify(&options, &what, &report)) != 0 ||
        (rc = restore_put(&options)) != 0)
        return rc;
    disk_mark(MARK_RESTORED, 1);
    return 0;
}

/* What `wicid init --new-epoch` does with the store: the commit, then the mark goes. */
static int
epoch_begin(const struct place *place, uint64_t *ret_before)
{
    struct store *st = NULL;
    int rc = store_open(&st, &place->options);

    if (rc == 0)
        *ret_before = store_identity(st)->epoch;
    if (rc == 0 && *ret_before < RESTORED_EPOCH && (rc = store_epoch_begin(st, RESTORED_EPOCH)) == 0)
        rc = store_commit(st);
    if (rc == 0)
        disk_mark(MARK_EPOCH, RESTORED_EPOCH);
    store_close(&st);
    return rc == 0 ? restore_mark_remove(place->data) : rc;
}

/* With the key store that stays go the keys that the lost steps destroyed: there are none. */
static uint64_t
lost_until(const struct plan *plan, uint64_t last)
{
    uint64_t k = plan->first;

    while (k < last && plan->script.steps[k + 1].destroys == SCRIPT_DOCS)
        k++;
    return k;
}

static int
restore_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    char path[PATH_SIZE];
    int rc = scene_past(plan, place, 1 + dice_roll(dice, PAST_STEPS));

    plan->last = plan->first + 1 + dice_roll(dice, 2);
    if (rc == 0)
        rc = backup_run(place, 0);
    if (rc == 0)
        rc = script_run(&plan->script, place, plan->first + 1, lost_until(plan, plan->last + dice_roll(dice, 3)));
    if (rc != 0)
        return rc;
    path_join(path, place->data, "log");
    disk_remove(dice_roll(dice, 2) == 0 ? path : place->data); /* its finding index may be left, and knows of more */
    if (dice_roll(dice, 3) != 0)
        disk_remove(place->keys);
    return 0;
}

static int
restore_act(const struct plan *plan, const struct place *place)
{
    uint64_t before;
    int rc = restore_run(place);

    if (rc == 0)
        rc = epoch_begin(place, &before);
    return rc == 0 ? script_run(&plan->script, place, plan->first + 1, plan->last) : rc;
}

static bool
restored_check(const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    bool there = scene_is_there(place->data, "log"), marked = restore_mark_find(place->data) == 0;
    uint64_t before = 0;
    int rc;

    if (!there && bounds->restored)
        return found_wrong(ret, "restored", "the log that was put back is gone");
    rc = restore_run(place);
    if (rc != (there ? -EEXIST : 0))
        return found_wrong(ret, "restored", "the same call, with a log %s: %s", there ? "there" : "lost",
                           strerror(-rc));
    if (!there && restore_mark_find(place->data) != 0)
        return found_wrong(ret, "marked", "it is put there without a mark");
    rc = epoch_begin(place, &before);
    if (rc != 0)
        return found_wrong(ret, "epoch", "it cannot begin: %s %s", strerror(-rc), store_open_damage());
    if (there && !marked && before < RESTORED_EPOCH)
        return found_wrong(ret, "marked", "a log that was put back has no mark, and no epoch began");
    if (before < bounds->epoch)
        return found_wrong(ret, "epoch", "it is of epoch %" PRIu64 ", of %" PRIu64 " was reported", before,
                           bounds->epoch);
    return restore_mark_find(place->data) != 0 || found_wrong(ret, "marked", "the mark does not go");
}

static bool
restore_scene_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
                    uint64_t *ret_step, struct finding *ret)
{
    uint64_t records;

    return restored_check(place, bounds, ret) && script_check(&plan->script, place, bounds, more, ret_step, ret) &&
           backup_check(plan, place, &(struct bounds){.backups = 1}, 0, &records, ret);
}

const struct scene scene_restore = {
    .name = "restore", .number = 2, .prepare = restore_prepare, .act = restore_act, .check = restore_scene_check};
