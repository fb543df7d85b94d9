/* What was entered in error: whom the recall reaches, who confirms it, and what it undoes. */
#include "test_core_kit.h"

#include "proto/limits.h"

#include <stdio.h>
#include <string.h>

/* "0{...}" of a confirmation. */
static const char *
confirming(const struct kit_record *recalled)
{
    static char body[128];

    (void)snprintf(body, sizeof body, "0{'recalledEvent':'%s','how':'DESTROYED','confirmedOn':'2026-03-04'}",
                   kit_event_id(recalled));
    return body;
}

static struct kit_line
confirmation(const char *unit, const struct kit_record *recall, const struct kit_record *recalled)
{
    return (struct kit_line){.unit = unit,
                             .type = "sys.recall_confirmed",
                             .dossier = 'C',
                             .sections = confirming(recalled),
                             .header = kit_answering(recall)};
}

static const struct kit_record *
placement(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    return KIT_SAY(k, "fcc", "placement.changed", 'C', "sch", "0 1@p1 3@p1", NULL, NULL);
}

static const struct kit_record *
recall_of(struct kit *k, const char *unit, const struct kit_record *recalled)
{
    return KIT_SAY(k, unit, "placement.changed", 'C', "", "0", kit_correcting(recalled, "ENTERED_IN_ERROR"), NULL);
}

/* ---- confirming */

static void
a_recall_is_confirmed_by_each_unit_it_reached_and_its_holder_and_authors_are_told(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong = placement(k), *recall = recall_of(k, "sw", wrong);
    struct kit_line line = confirmation("sch", recall, wrong);

    kit_expect(k, recall, "sch=0 dir=0 fcc=0");
    line.expect = "sw=0 fcc=0"; /* the holder, who recalled it, and whose event it was */
    kit_say(k, &line);
    line = confirmation("dir", recall, wrong);
    line.expect = "sw=0 fcc=0";
    kit_say(k, &line);
}

static void
a_recall_is_confirmed_after_one_has_left_the_dossier(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong, *recall;
    struct kit_line line;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    wrong = KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1@p1 3@p1", NULL, "dir=013 fcc=013");
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    recall = recall_of(k, "sw", wrong);
    kit_expect(k, recall, "dir=0 fcc=0");
    line = confirmation("fcc", recall, wrong);
    line.expect = "sw=0";
    kit_say(k, &line);
}

static void
a_unit_confirms_once_and_names_what_was_recalled(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong = placement(k), *recall = recall_of(k, "fcc", wrong);
    struct kit_line line = confirmation("sch", recall, wrong);

    line.sections = confirming(recall);
    kit_refused(k, &line, E_UNKNOWN, "sections[0].sysRecallConfirmedS0.recalledEvent");
    line.sections = confirming(wrong);
    kit_say(k, &line);
    kit_refused(k, &line, E_EXISTS, "sections[0].sysRecallConfirmedS0.recalledEvent");
}

static void
who_was_not_given_it_has_nothing_to_confirm(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong = placement(k), *recall = recall_of(k, "sw", wrong);
    struct kit_line line;

    KIT_SAY(
        k, "adm", "sys.unit_enrolled", 0, "",
        "0{'unitId':'aud','agencyId':'op','name':'a','roles':['AUD'],'key':'auditauditauditauditauditauditauditaudit'}",
        NULL, NULL);
    line = confirmation("ops", recall, wrong);
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line = confirmation("aud", recall, wrong); /* sees that it happened, and has no copy */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line = confirmation("sw", recall, wrong); /* recalled it */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line = confirmation("fcc", recall, wrong); /* whose event it was: it keeps it */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line = confirmation("sch", wrong, wrong); /* no recall */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line.header = NULL;
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
}

/* ---- reaching many */

static void
a_recall_reaches_more_units_than_a_list_of_the_note_holds(void **state)
{
    struct kit *k = *state;
    struct kit_line recall = {.unit = "sw", .type = "case.interview_completed", .dossier = 'C', .sections = "0"}, line;
    const struct kit_record *interview, *said;
    char unit[16], body[48];

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    for (unsigned i = 0; i < NOTE_LIST_MAX + 20; i++) {
        (void)snprintf(unit, sizeof unit, "fa-%u", i);
        (void)snprintf(body, sizeof body, "0{'unit':'%s'}", unit);
        kit_unit(k, unit, "cus", "FA");
        KIT_SAY(k, "sw", "sys.participant_added", 'C', "", body, NULL, NULL);
    }
    interview = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0", NULL, NULL);
    for (unsigned i = 0; i < NOTE_LIST_MAX + 20; i++) { /* no relation brings them the recall any more */
        (void)snprintf(body, sizeof body, "0{'unit':'fa-%u'}", i);
        KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", body, NULL, NULL);
    }
    recall.header = kit_correcting(interview, "ENTERED_IN_ERROR");
    said = kit_say(k, &recall);
    for (unsigned i = 0; i < NOTE_LIST_MAX + 20; i++) {
        const uint32_t *audience;
        size_t count, found = 0;
        bool everyone;

        (void)snprintf(unit, sizeof unit, "fa-%u", i);
        assert_string_equal(kit_seen(k, unit, said), "0");
        assert_int_equal(core_audience(k->core, &said->record, &audience, &count, &everyone), 0);
        for (size_t j = 0; j < count; j++)
            found += audience[j] == core_unit_by_id(k->core, unit);
        assert_int_equal(found, 1);
    }
    assert_string_equal(kit_seen(k, "ops", said), "");
    assert_string_equal(kit_seen(k, "fa", said), "");
    /* And the last of them confirms. */
    line = confirmation(unit, said, interview);
    line.expect = "sw=0";
    kit_say(k, &line);
}

#define RECALL(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RECALL(a_recall_is_confirmed_by_each_unit_it_reached_and_its_holder_and_authors_are_told),
        RECALL(a_recall_is_confirmed_after_one_has_left_the_dossier),
        RECALL(a_unit_confirms_once_and_names_what_was_recalled),
        RECALL(who_was_not_given_it_has_nothing_to_confirm),
        RECALL(a_recall_reaches_more_units_than_a_list_of_the_note_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
