/*
 * Work lists over histories drawn at random (test_worklist_happenings.h). At any moment each unit's list, made as
 * wici-agent makes it, next steps that answers to referrals announced included, must be the one that a replay of the
 * records from the start gives, where dossiers that were erased are holes; and nobody may be told of work whose record
 * he is not given, or of what was erased.
 */
#include "agents/worklist.h"
#include "test_core_erase_kit.h"
#include "test_worklist_happenings.h"

#include "proto/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 4u
#define STEPS 1600u
#define PAGE  7u /* small, so that lists go over pages */

static struct calendar calendar;

/* ---- lists, as the broker tells what they are made of and wici-agent makes them */

static const char *
unit_id(const struct core *core, uint32_t unit)
{
    struct core_unit u;

    if (unit == CORE_UNIT_NONE)
        return "";
    core_unit(core, unit, &u);
    return u.id;
}

static json_t *
dossier_json(const uint8_t id[16])
{
    char text[37];

    uuid_format(id, text);
    return json_string(text);
}

static json_t *
day_json(int32_t day)
{
    char text[DATE_TEXT_SIZE] = "";

    if (day != DATE_NONE)
        date_format(day, text);
    return json_string(text);
}

static json_t *
clocks_json(const struct core *core, uint32_t unit)
{
    struct core_clock found[PAGE];
    struct core_clocks_at at = {0};
    json_t *all = json_array();

    do {
        size_t count = core_clocks(core, unit, &at, found, PAGE);

        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(
                all, json_pack("{s:o, s:s, s:I, s:i, s:o, s:o, s:b, s:b, s:s, s:s, s:s, s:s}", "dossier",
                               dossier_json(found[i].dossier_id), "clock", clock_info(found[i].clock)->id, "startSeq",
                               (json_int_t)found[i].start_seq, "item", (int)found[i].item, "startedOn",
                               day_json(found[i].started), "due", day_json(found[i].due), "named", (int)found[i].named,
                               "served", (int)found[i].served, "holder", unit_id(core, found[i].holder), "unit",
                               unit_id(core, found[i].unit), "head", unit_id(core, found[i].head), "worker",
                               found[i].worker != NULL ? found[i].worker : ""));
    } while (at.seq != 0);
    return all;
}

static const char *
kind_word(enum core_work_kind kind)
{
    static const char *const words[] = {"QUESTION",  "INVITATION", "MEETING", "RECALL",  "ASSISTANT",
                                        "APPROVAL",  "RETURNED",   "ROW",     "OUTSIDE", "STEP",
                                        "INTERVIEW", "BASIS",      "CONSENT"};

    return words[kind];
}

/* What the broker would leave out (query_work.c): a recall that is not the unit's to confirm, a record it is not given.
 */
static bool
is_told(const struct kit *k, const struct core *core, uint32_t unit, const struct core_work *work)
{
    const struct core_record *record = &k->records[work->seq - 1].record;
    struct core_view view;

    if (work->kind == CORE_WORK_RECALL &&
        !core_must_confirm(core, unit, record, &k->records[record->note->corrects_seq - 1].record))
        return false;
    core_view(core, work->agency != CORE_UNIT_NONE ? work->agency : unit, record, false, &view);
    for (size_t i = 0; i < record->event->section_count && work->kind == CORE_WORK_STEP; i++)
        if (record->event->sections[i].cls == 6 && (view.sections & 1u << i) != 0)
            return true;
    return view.received && work->kind != CORE_WORK_STEP;
}

static json_t *
work_json(const struct kit *k, const struct core *core, uint32_t unit)
{
    struct core_work found[PAGE];
    struct core_work_at at = {0};
    json_t *all = json_array();

    do {
        size_t count = core_work(core, unit, &at, found, PAGE);

        for (size_t i = 0; i < count; i++)
            if (is_told(k, core, unit, &found[i]))
                (void)json_array_append_new(all, json_pack("{s:o, s:s, s:I, s:o, s:I, s:s, s:s, s:i}", "dossier",
                                                           dossier_json(found[i].dossier_id), "kind",
                                                           kind_word(found[i].kind), "seq", (json_int_t)found[i].seq,
                                                           "due", day_json(found[i].due), "tsMs",
                                                           (json_int_t)k->records[found[i].seq - 1].record.ts_ms,
                                                           "agency", unit_id(core, found[i].agency), "fallsTo",
                                                           unit_id(core, found[i].unit), "item", (int)found[i].item));
    } while (at.seq != 0);
    return all;
}

static json_t *
courses_json(const struct core *core, uint32_t unit)
{
    struct core_course found[PAGE];
    uint64_t next = 0;
    json_t *all = json_array();

    do {
        size_t count = core_referrals(core, unit, next, found, PAGE, &next);

        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(all,
                                        json_pack("{s:o, s:I, s:s, s:s}", "dossier", dossier_json(found[i].dossier_id),
                                                  "openedSeq", (json_int_t)found[i].opened_seq, "nextUnit",
                                                  unit_id(core, found[i].next_unit), "nextDue", found[i].next_due));
    } while (next != 0);
    return all;
}

static json_t *
list_of(const struct kit *k, const struct core *core, const char *unit)
{
    uint32_t index = core_unit_by_id(core, unit);
    struct worklist_answers answers = {
        .clocks = clocks_json(core, index), .courses = courses_json(core, index), .work = work_json(k, core, index)};
    struct worklist_options options = {.unit = unit, .rules = "", .calendar = &calendar};
    json_t *list = NULL;

    assert_int_equal(date_parse("2026-03-25", &options.today), 0);
    assert_int_equal(worklist_make(&options, &answers, &list), 0);
    worklist_answers_free(&answers);
    return list;
}

/* ---- what must hold */

static struct {
    bool gone[KIT_RECORDS_MAX]; /* the record went with its dossier */
    unsigned erased, tasks, next_steps;
} past;

static bool
same_lists(const struct kit *k, const struct core *a, const struct core *b)
{
    bool same = true;

    for (size_t i = 0; i < EVERYONE; i++) {
        json_t *x = list_of(k, a, everyone[i]), *y = list_of(k, b, everyone[i]), *task;
        size_t at;

        same = same && json_equal(x, y) != 0;
        json_array_foreach(json_object_get(x, "tasks"), at, task)
        {
            past.tasks++;
            past.next_steps += strcmp(json_string_value(json_object_get(task, "kind")), "NEXT_STEP") == 0;
        }
        json_decref(x);
        json_decref(y);
    }
    return same;
}

/* No list has a task in a dossier that was erased. */
static void
nobody_has_work_in_what_is_gone(const struct kit *k)
{
    for (size_t i = 0; i < EVERYONE; i++) {
        json_t *list = list_of(k, k->core, everyone[i]), *task;
        size_t at;

        json_array_foreach(json_object_get(list, "tasks"), at, task)
        {
            uint8_t id[16];
            bool done;

            if (uuid_parse(json_string_value(json_object_get(task, "dossier")), id) == 0)
                assert_int_equal(core_erased(k->core, id, &done), 0);
        }
        json_decref(list);
    }
}

/* As the broker does it: the intent; then the log has holes, and the state is made anew from it. */
static void
erase(struct kit *k)
{
    static struct core_erase_member members[64];
    const char *const told[] = {"sw"};
    char letter = (char)(1 + draw(FAMILIES) + (draw(2) == 0 ? 40 : 0));
    struct core *holes;
    uint8_t id[16];
    size_t count;

    assert_int_equal(uuid_parse(kit_id(letter), id), 0);
    if (core_erase_group(k->core, id, members, 1) == 0)
        return;
    count = kit_erase(k, id, told, 1, members, sizeof members / sizeof *members);
    for (size_t i = 0; i < k->count; i++)
        past.gone[i] = past.gone[i] || kit_goes(members, count, k->records[i].record.entry);
    nobody_has_work_in_what_is_gone(k);
    holes = kit_fold_but(k, past.gone);
    core_swap(k->core, holes);
    core_destroy(&holes);
    holes = kit_fold_but(k, past.gone);
    core_swap(k->folded, holes);
    core_destroy(&holes);
    nobody_has_work_in_what_is_gone(k);
    past.erased++;
}

/* Who only was asked is given the record that asks; so nobody learns of a family by his work list. */
static void
nobody_is_told_more_than_he_was_given(const struct kit *k)
{
    for (size_t u = 0; u < EVERYONE; u++) {
        uint32_t unit = kit_index(k, everyone[u]);
        struct core_clock found[PAGE];
        struct core_clocks_at at = {0};

        do {
            size_t count = core_clocks(k->core, unit, &at, found, PAGE);

            for (size_t i = 0; i < count; i++) {
                struct core_view view;

                if (found[i].holder != CORE_UNIT_NONE)
                    continue; /* holds it, or is told by office or part */
                /* Of an agency that it serves it is told what that one is told. */
                core_view(k->core, found[i].served ? found[i].unit : unit, &k->records[found[i].start_seq - 1].record,
                          false, &view);
                assert_true(view.received);
                assert_true(found[i].served || found[i].unit == unit);
            }
        } while (at.seq != 0);
    }
}

static void
town(struct kit *k)
{
    kit_create(k);
    kit_enrol_town(k);
    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'paper','name':'P','kinds':['SCHOOL'],'servedBy':'rec','channel':'PAPER'}", NULL, NULL);
    for (char family = 1; family <= (char)FAMILIES; family++)
        KIT_SAY(k, draw(2) == 0 ? "sw" : "ops:SW", "case.opened", family, "",
                "0{'openedOn':'2026-03-01','proceedingStartedOn':'2026-03-01'} 1@p1 6{'path':'ORDINARY'}", NULL, NULL);
}

static void
whatever_is_asked_a_replay_gives_every_unit_the_same_list(void **state)
{
    size_t taken = 0;

    (void)state;
    past.tasks = past.next_steps = past.erased = 0;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct kit *k = calloc(1, sizeof *k);
        struct core *again;

        assert_non_null(k);
        chance = seed * 0x9e3779b97f4a7c15u;
        memset(past.gone, 0, sizeof past.gone);
        town(k);
        for (unsigned i = 0; i < STEPS; i++) {
            taken += happens(k);
            if (i % 400 == 399)
                erase(k);
            if (i % 50 != 49)
                continue;
            assert_true(same_lists(k, k->core, k->folded)); /* as it is applied live, without its sections */
            nobody_is_told_more_than_he_was_given(k);
        }
        again = kit_fold_but(k, past.gone);
        assert_true(same_lists(k, k->core, again));
        core_destroy(&again);
        kit_destroy(k);
        free(k);
    }
    print_message("%zu events taken, %u tasks compared, %u of them next steps; %u erased\n", taken, past.tasks,
                  past.next_steps, past.erased);
    assert_true(taken > 100 * SEEDS); /* most that is drawn comes at a wrong time, and is refused */
    assert_true(past.tasks > 1000 && past.next_steps > 100 && past.erased > 2 * SEEDS);
}

/* ---- a checker that could not tell would say the same of a replay that is wrong */

static struct kit *
planted_town(void)
{
    struct kit *k = calloc(1, sizeof *k);

    assert_non_null(k);
    chance = 7;
    memset(past.gone, 0, sizeof past.gone);
    town(k);
    KIT_SAY(k, "sw", "case.opened", 90, "", "0{'openedOn':'2026-03-01'} 1@p1 6{'path':'ORDINARY'}", NULL, NULL);
    return k;
}

/* The lists of a replay that lost that record are told from those of the whole. */
static void
is_told_apart_without(struct kit *k, const struct kit_record *lost)
{
    struct core *again = kit_fold_but(k, past.gone);

    assert_true(same_lists(k, k->core, again));
    core_destroy(&again);
    past.gone[lost->record.seq - 1] = true;
    again = kit_fold_but(k, past.gone);
    assert_false(same_lists(k, k->core, again));
    core_destroy(&again);
    kit_destroy(k);
    free(k);
}

static void
a_replay_that_lost_a_record_that_asks_is_told_apart(void **state)
{
    struct kit *k = planted_town();

    (void)state;
    is_told_apart_without(k,
                          KIT_SAY(k, "sw", "info.requested", 90, "sch", "0{'requestedOn':'2026-03-01'} 6", NULL, NULL));
}

static const struct kit_record *
announced(struct kit *k)
{
    KIT_SAY(k, "sch", "referral.submitted", 91, "sw", "0 1@p1 6{'service':'OTHER'}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.answered", 91, "", "0 6{'status':'accepted'}", NULL, NULL);
    return KIT_SAY(k, "sw", "referral.answered", 91, "",
                   "0 6{'status':'accepted','nextAction':{'unit':'sw','due':'2026-03-27'}}", NULL, NULL);
}

static void
a_replay_that_lost_the_answer_that_announced_a_step_is_told_apart(void **state)
{
    struct kit *k = planted_town();

    (void)state;
    is_told_apart_without(k, announced(k));
}

static void
a_replay_that_lost_the_step_is_told_apart(void **state)
{
    struct kit *k = planted_town();

    (void)state;
    (void)announced(k);
    KIT_SAY(k, "sw", "case.linked", 90, "",
            "0{'kind':'REFERRAL_OF','otherDossier':'d0000000-0000-7000-8000-00000000005b'} 6", NULL, NULL);
    is_told_apart_without(k, KIT_SAY(k, "sw", "case.interview_completed", 90, "",
                                     "0{'interviewOn':'2026-03-26'} 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL));
}

/* A rebuild that reads what was erased gives work that nobody has any more. */
static void
a_rebuild_without_its_holes_is_told_apart(void **state)
{
    static struct core_erase_member members[64];
    static const char *const told[] = {"sw"};
    struct kit *k = planted_town();
    struct core *again;
    uint8_t id[16];
    size_t count;

    (void)state;
    (void)announced(k);
    assert_int_equal(uuid_parse(kit_id(91), id), 0);
    count = kit_erase(k, id, told, 1, members, sizeof members / sizeof *members);
    k->count -= 2; /* a rebuild that does not see that it was erased */
    again = kit_fold_but(k, past.gone);
    k->count += 2;
    assert_int_equal(count, 1);
    assert_false(same_lists(k, k->core, again));
    core_destroy(&again);
    kit_destroy(k);
    free(k);
}

static int
setup(void **state)
{
    static const char holidays[] = "easter +1\nfixed 05-01\n";
    unsigned line;

    (void)state;
    return calendar_parse(&calendar, holidays, sizeof holidays - 1, &line);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_asked_a_replay_gives_every_unit_the_same_list),
        cmocka_unit_test(a_replay_that_lost_a_record_that_asks_is_told_apart),
        cmocka_unit_test(a_replay_that_lost_the_answer_that_announced_a_step_is_told_apart),
        cmocka_unit_test(a_replay_that_lost_the_step_is_told_apart),
        cmocka_unit_test(a_rebuild_without_its_holes_is_told_apart),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
