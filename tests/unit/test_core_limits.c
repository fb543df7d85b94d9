/* Nobody stops the others' writing in a dossier (broker/core/limits.c). */
#include "test_core_kit.h"

#include "broker/core/state.h"
#include "proto/limits.h"

#include <stdlib.h>

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

#define LIMIT(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LIMIT(who_takes_part_cannot_stop_the_holders_writing),
        LIMIT(one_unit_cannot_stop_the_others_writing),
        LIMIT(a_letter_cannot_fill_the_case_that_took_it_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
