/* Nobody stops the others' writing in a dossier (broker/core/limits.c). */
#include "test_core_kit.h"

#include "broker/core/state.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static void
fill_acts(struct kit *k, struct dossier *dossier, uint16_t count)
{
    struct act *acts = reallocarray(dossier->acts, count, sizeof *acts);

    k->changed = true;
    assert_non_null(acts);
    for (dossier->acts = acts; dossier->act_count < count; dossier->act_count++)
        acts[dossier->act_count] = (struct act){.code = ACT_CODE_RECALL, .day = DATE_NONE};
    dossier->act_cap = count;
}

static void
who_takes_part_cannot_stop_the_holders_writing(void **state)
{
    struct kit *k = *state;
    const struct kit_line part = {.unit = "fcc", .type = "placement.changed", .dossier = 'C', .sections = "0 1"};
    const struct kit_line close = {.unit = "sw", .type = "case.closed", .dossier = 'C', .sections = "0 6"};

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    fill_acts(k, &k->core->dossiers.at[0], ACTS_PER_DOSSIER_MAX - ACTS_PER_DOSSIER_MAX / DOSSIER_RESERVE);
    kit_refused(k, &part, E_LIMIT, "header.dossierId");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    kit_say(k, &close);
}

static void
one_unit_cannot_stop_the_others_writing(void **state)
{
    struct kit *k = *state;
    struct kit_line line = {.type = "placement.changed", .dossier = 'C', .sections = "0 1 3{'kind':'MOVED'}"};
    struct refusal refusal = {0};
    unsigned taken = 0;

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ct'}", NULL, NULL);
    line.unit = "fcc";
    k->changed = true;
    while (taken < 64 && kit_try(k, &line, &refusal) != NULL) {
        dossiers_count_left(&k->core->dossiers, 0, core_unit_by_id(k->core, "fcc"), 64); /* as 64 more of them */
        taken++;
    }
    assert_int_equal(refusal.code, E_LIMIT);
    assert_true(taken > 8 && taken < 64);
    line.unit = "ct";
    kit_say(k, &line);
    line.unit = "sw";
    kit_say(k, &line);
}

/* A case takes over what is said in a letter that it took up, and has to have room for it. */
static void
a_letter_cannot_fill_the_case_that_took_it_up(void **state)
{
    struct kit *k = *state;
    const struct kit_line order = {
        .unit = "ct", .type = "court.order_issued", .dossier = 'L', .sections = "0 1 5{'orderKind':'REVOKED'}"};
    struct kit_line link = {
        .unit = "sw", .type = "case.linked", .dossier = 'C', .sections = "0{'kind':'REFERRAL_OF','otherDossier':'$M'}"};

    KIT_SAY(k, "ct", "court.order_issued", 'L', "sw", "0 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'M', "sw", "0 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    kit_say(k, &order);
    fill_acts(k, &k->core->dossiers.at[1], ACTS_PER_DOSSIER_MAX - 4);
    kit_refused(k, &link, E_LIMIT, "header.dossierId"); /* what lies there and what lies here */
    fill_acts(k, &k->core->dossiers.at[2], ACTS_PER_DOSSIER_MAX);
    kit_refused(k, &order, E_LIMIT, "header.dossierId");
}

/* As many in each as in one alone would be: together they would take that many times as long to work out. */
static void
merged_dossiers_have_a_bound_together(void **state)
{
    struct kit *k = *state;
    const struct kit_line part = {.unit = "fcc", .type = "placement.changed", .dossier = 'C', .sections = "0 1"};
    const struct kit_line recorded = {
        .unit = "sw", .type = "case.interview_completed", .dossier = 'D', .sections = "0 6{'conclusion':'NO_NEED'}"};
    const struct kit_line merge = {
        .unit = "sw", .type = "case.linked", .dossier = 'C', .sections = "0{'kind':'MERGED_INTO','otherDossier':'$F'}"};

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'D', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'E', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'F', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$E'}", NULL, NULL);
    fill_acts(k, &k->core->dossiers.at[0], 1000);
    fill_acts(k, &k->core->dossiers.at[1], 2572);
    fill_acts(k, &k->core->dossiers.at[2], 2572);
    kit_refused(k, &part, E_LIMIT, "header.dossierId"); /* a quarter is its holder's */
    kit_say(k, &recorded);
    fill_acts(k, &k->core->dossiers.at[2], 3000);
    fill_acts(k, &k->core->dossiers.at[3], 1700);
    kit_refused(k, &merge, E_LIMIT, "header.dossierId");
    fill_acts(k, &k->core->dossiers.at[0], 3000);
    kit_refused(k, &recorded, E_LIMIT, "header.dossierId");
}

/* A dossier that nobody said anything of; opened after all others. */
static uint32_t
dossier_make(struct kit *k, uint32_t number)
{
    uint8_t id[16] = {0};
    uint32_t made;

    memcpy(id, &number, sizeof number);
    assert_int_equal(dossiers_add(&k->core->dossiers, id, 100 + number, OPENS_CASE, 1, 1, 0, &made), 0);
    k->changed = true;
    return made;
}

static void
a_dossier_is_tied_to_so_many(void **state)
{
    struct kit *k = *state;
    const struct kit_line one_more = {
        .unit = "sw", .type = "case.linked", .dossier = 'C', .sections = "0{'kind':'MERGED_INTO','otherDossier':'$E'}"};

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'D', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'E', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    for (uint32_t i = 1; i < LINKS_PER_DOSSIER_MAX; i++)
        assert_int_equal(dossiers_link(&k->core->dossiers, 0, dossier_make(k, i), LINK_REFERRAL_OF), 0);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    kit_refused(k, &one_more, E_LIMIT, "sections[0].caseLinkedS0.otherDossier");
}

static void
a_group_has_a_bound(void **state)
{
    struct kit *k = *state;
    const struct kit_line merge = {
        .unit = "sw", .type = "case.linked", .dossier = 'C', .sections = "0{'kind':'MERGED_INTO','otherDossier':'$D'}"};

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'D', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    for (uint32_t i = 1; i < GROUP_DOSSIERS_MAX; i++) {
        uint32_t other = dossier_make(k, i);

        assert_int_equal(dossiers_merge(&k->core->dossiers, &k->core->directory, 0, other, 1), 0);
    }
    kit_refused(k, &merge, E_LIMIT, "sections[0].caseLinkedS0.otherDossier");
}

static void
fill_relations(struct kit *k, uint32_t dossier, uint16_t count)
{
    const struct relation ended = {.kind = RELATION_PARTICIPANT, .from_seq = 1, .until_seq = 1};
    struct dossier *d = &k->core->dossiers.at[dossier];

    k->changed = true;
    d->relations = reallocarray(d->relations, count, sizeof *d->relations);
    assert_non_null(d->relations);
    for (d->relation_cap = count; d->relation_count < count; d->relation_count++)
        d->relations[d->relation_count] = ended;
}

/* Each gets the others': what they may have together grows faster than they do. */
static void
merging_ends_before_relations_are_too_many(void **state)
{
    struct kit *k = *state;
    const struct kit_line merge = {
        .unit = "sw", .type = "case.linked", .dossier = 'D', .sections = "0{'kind':'MERGED_INTO','otherDossier':'$F'}"};

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'D', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'F', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    fill_relations(k, 1, 4000);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    fill_relations(k, 0, 200);
    kit_refused(k, &merge, E_LIMIT, "header.dossierId");
}

/* ---- questions: an answer ends where looking for it takes too long, and the next one goes on there */

static void
an_answer_about_deadlines_takes_no_longer_than_its_bound(void **state)
{
    static struct core_clock clocks[3000];
    static bool told[3000];
    struct kit *k = *state;
    struct core_clocks_at at = {0};
    size_t pages = 0, count = 0;

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    fill_acts(k, &k->core->dossiers.at[0], 2000);
    for (uint32_t i = 0; i < 3000; i++) {
        struct mark mark = mark_start(1000 + i, CLOCK_D12, 20000, 1 + i);

        assert_int_equal(marks_add(&k->core->dossiers.at[0].marks, &mark), 0);
    }
    do {
        size_t found = core_clocks(k->core, kit_index(k, "sw"), &at, clocks, 3000);

        assert_true(found > 0 && found * 3000 < 2 * LOOKED_AT_STEPS_MAX);
        for (size_t i = 0; i < found; i++)
            if (clocks[i].start_seq >= 1000) {
                assert_false(told[clocks[i].start_seq - 1000]);
                told[clocks[i].start_seq - 1000] = true;
                count++;
            }
        pages++;
    } while (at.seq != 0);
    assert_int_equal(count, 3000);
    assert_true(pages > 1);
}

static void
an_answer_about_tasks_takes_no_longer_than_its_bound(void **state)
{
    static struct core_work work[WORK_MAX];
    struct kit *k = *state;
    struct core_work_at at = {0};
    struct act *acts;
    size_t pages = 0, count = 0;

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "meeting.convened", 'C', "",
            "0{'meetingId':'$1','status':'booked','revision':1} 6{'invited':[{'unit':'sch'}]}", NULL, NULL);
    fill_acts(k, &k->core->dossiers.at[0], 4000);
    acts = k->core->dossiers.at[0].acts; /* each is a recall that waits for the unit, but for what was taken back */
    for (uint32_t i = 0; i < k->core->dossiers.at[0].act_count; i++)
        if (acts[i].code == ACT_CODE_RECALL)
            acts[i].number = 1;
    do {
        count += core_work(k->core, kit_index(k, "sw"), &at, work, WORK_MAX);
        pages++;
    } while (at.seq != 0);
    assert_true(count >= 3990 && pages >= count / WORK_MAX);
    at = (struct core_work_at){0};
    count = core_work(k->core, kit_index(k, "sch"), &at, work, WORK_MAX);
    assert_true(count > 0 && at.seq != 0);
    for (uint32_t i = 0; i < k->core->dossiers.at[0].act_count; i++)
        if (acts[i].code == ACT_CODE_RECALL)
            acts[i] = (struct act){.input = IN_CONVENED, .thing = 1, .day = DATE_NONE};
    at = (struct core_work_at){0};
    (void)core_work(k->core, kit_index(k, "sch"), &at, work, WORK_MAX);
    assert_true(at.seq != 0); /* little was found, and it ended all the same */
}

#define LIMIT(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LIMIT(who_takes_part_cannot_stop_the_holders_writing),
        LIMIT(one_unit_cannot_stop_the_others_writing),
        LIMIT(a_letter_cannot_fill_the_case_that_took_it_up),
        LIMIT(merged_dossiers_have_a_bound_together),
        LIMIT(a_dossier_is_tied_to_so_many),
        LIMIT(a_group_has_a_bound),
        LIMIT(merging_ends_before_relations_are_too_many),
        LIMIT(an_answer_about_deadlines_takes_no_longer_than_its_bound),
        LIMIT(an_answer_about_tasks_takes_no_longer_than_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
