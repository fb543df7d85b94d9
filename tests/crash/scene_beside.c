/* scene_beside - backups are made by a whole broker, beside events and erasures (scene.h) */
#include "tests/crash/scene.h"

#include "broker/backup.h"
#include "tests/crash/deeds_check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define PAST_DEEDS  6u
#define DEEDS_LEAST 3u
#define TICKS_MAX   3000u /* of a backup */

/* The backup holds the first records of this log. */
static bool
is_of_the_log(const struct plan *plan, const struct verify_report *report)
{
    struct store *st = serve_broker()->store;
    uint8_t root[LEAF_HASH_SIZE];

    (void)plan;
    return report->records <= store_head(st) && store_tree_root(st, report->records, root) == 0 &&
           memcmp(root, report->root, sizeof root) == 0;
}

static bool
copies_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    uint64_t records[SCENE_LABELS];

    for (unsigned i = 0; i < SCENE_LABELS; i++)
        if (!scene_backup_check(plan, place, bounds, i, is_of_the_log, &records[i], ret))
            return false;
    return scene_safe_check(serve_broker()->store, bounds, records, ret);
}

/* ---- making them */

static bool
label_is_free(const struct place *place, unsigned number)
{
    char name[SCENE_LABEL_SIZE];

    scene_label(number, name);
    return !scene_is_there(place->backup_logs, name) && !scene_is_there(place->backup_keys, name);
}

static bool
is_under_way(void)
{
    struct backup_view view;

    backups_view(serve_broker()->backups, &view);
    return strcmp(view.word, "NONE") != 0 && strcmp(view.word, "DONE") != 0 && strcmp(view.word, "FAILED") != 0;
}

int
scene_backup_begin(const struct place *place)
{
    const Wici__V1__BrokerMessage *told;
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__BackupQuery backup;
    unsigned number = 0;
    char name[SCENE_LABEL_SIZE];
    int rc;

    while (number < SCENE_LABELS && !label_is_free(place, number))
        number++;
    if (number == SCENE_LABELS || is_under_way())
        return 0;
    scene_label(number, name);
    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__backup_query__init(&backup);
    backup.label = name;
    query.request = 1;
    query.what_case = WICI__V1__QUERY__WHAT_BACKUP;
    query.backup = &backup;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    rc = serve_ask(SERVE_ADMIN, &message, &told);
    return rc == -EACCES ? -EPROTO : rc;
}

static unsigned
number_of(const char *label)
{
    return (unsigned)(label[1] - '0');
}

/* What it has come to is marked: nobody is told of it before. -EPROTO: it failed. */
int
scene_backup_look(void)
{
    struct backup_view view;
    uint64_t safe = backups_safe_up_to(serve_broker()->backups);

    backups_view(serve_broker()->backups, &view);
    if (safe > 0)
        disk_mark(MARK_SAFE, safe);
    if (strcmp(view.word, "DONE") == 0)
        disk_mark(MARK_BACKUP, number_of(view.label));
    return strcmp(view.word, "FAILED") == 0 ? -EPROTO : 0;
}

int
scene_backup_await(void)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && is_under_way(); i++)
        rc = i == TICKS_MAX ? -ETIMEDOUT : serve_tick();
    return rc == 0 ? scene_backup_look() : rc;
}

static void
backup_past(struct bounds *ret)
{
    struct backup_view view;

    ret->safe = backups_safe_up_to(serve_broker()->backups);
    backups_view(serve_broker()->backups, &view);
    if (strcmp(view.word, "DONE") == 0)
        ret->backups = 1u << number_of(view.label);
}

/* ---- the scene */

static int
beside_prepare(struct plan *plan, const struct place *place, struct dice *dice)
{
    int rc = place_prepare(place);

    deeds_make(&plan->deeds, plan->seed);
    plan->deeds.copied = true;
    plan->first = 1 + dice_roll(dice, PAST_DEEDS);
    plan->last = plan->first + DEEDS_LEAST + dice_roll(dice, 4);
    if (rc == 0 && (mkdir(place->backup_logs, 0700) != 0 || mkdir(place->backup_keys, 0700) != 0))
        rc = -errno;
    if (rc == 0)
        rc = serve_make(place);
    if (rc == 0)
        rc = serve_open(place, 60000);
    if (rc == 0)
        rc = scene_deeds_run(&plan->deeds, place, 1, plan->first);
    if (rc == 0)
        backup_past(&plan->past);
    serve_close();
    return rc == 0 && !gone_keys_remember(place) ? -EIO : rc;
}

/* The last one comes to its end, or is broken off. */
static int
beside_act(const struct plan *plan, const struct place *place)
{
    int rc = serve_open(place, 120000);

    if (rc == 0)
        rc = scene_deeds_run(&plan->deeds, place, plan->first + 1, plan->last);
    if (rc == 0 && plan->seed % 3 != 0)
        rc = scene_backup_await();
    serve_end(plan->seed % 2 == 0);
    return rc;
}

/* What an operator does next. */
static bool
next_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    int rc = scene_backup_await();

    if (rc == 0)
        rc = scene_backup_begin(place);
    if (rc == 0)
        rc = scene_backup_await();
    return rc == 0 ? copies_check(plan, place, bounds, ret) : scene_goes_wrong(ret, "backups", rc);
}

static bool
beside_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
             uint64_t *ret_step, struct finding *ret)
{
    bool good = gone_keys_check(place, bounds, ret) && guard_check(place, bounds, ret);
    int rc;

    if (!good)
        return false;
    rc = scene_serve_open(place, bounds);
    good = rc == 0 ? copies_check(plan, place, bounds, ret) &&
                         scene_deeds_check(plan, place, bounds, more, ret_step, ret) &&
                         (more < 2 || next_check(plan, place, bounds, ret))
                   : scene_goes_wrong(ret, "opens", rc);
    serve_end(good && more < 2);
    return good;
}

const struct scene scene_beside = {
    .name = "beside", .number = 7, .prepare = beside_prepare, .act = beside_act, .check = beside_check};
