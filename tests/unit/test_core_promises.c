/*
 * Deciding, in the order of its checks: addresses, answers, corrections, times, warnings, and what strangers learn.
 * Then what the core promises of itself: deciding changes nothing, replaying gives the same state.
 */
#include "test_core_kit.h"

#include "proto/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAPER_OF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"
#define DAY_MS        86400000u

/* ---- addresses and answers */

static void
an_address_leads_to_one_unit(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_agency(k, "big");
    KIT_SAY(k, "adm", "sys.unit_enrolled", 0, "",
            "0{'unitId':'north','agencyId':'big','name':'n','roles':['SW'],'areas':['N','both'],"
            "'key':'northnorthnorthnorthnorthnorthnorthnorth'}",
            NULL, NULL);
    KIT_SAY(k, "adm", "sys.unit_enrolled", 0, "",
            "0{'unitId':'south','agencyId':'big','name':'s','roles':['SW'],'areas':['S','both'],"
            "'key':'southsouthsouthsouthsouthsouthsouthsouth'}",
            NULL, NULL);
    r = kit_referral(k, '1', "agency:cus agency:school agency:big/S");
    assert_int_equal(r->record.note->n_resolved_to, 3);
    assert_string_equal(r->record.note->resolved_to[0], "rec"); /* several units: the reception */
    assert_string_equal(r->record.note->resolved_to[1], "sch"); /* the only one */
    assert_string_equal(r->record.note->resolved_to[2], "south");
    kit_refused(k, &(struct kit_line){"sch", "referral.submitted", '2', "sw agency:big", "0", NULL, NULL}, E_ADDRESS,
                "header.to[1]");
    kit_refused(k, &(struct kit_line){"sch", "referral.submitted", '2', "agency:big/both", "0", NULL, NULL}, E_ADDRESS,
                "header.to[0]");
    kit_refused(k, &(struct kit_line){"sch", "referral.submitted", '2', "agency:big/W", "0", NULL, NULL}, E_ADDRESS,
                "header.to[0]");
    kit_refused(k, &(struct kit_line){"sch", "referral.submitted", '2', "nobody", "0", NULL, NULL}, E_ADDRESS,
                "header.to[0]");
    kit_refused(k, &(struct kit_line){"sch", "referral.submitted", '2', "agency:none", "0", NULL, NULL}, E_ADDRESS,
                "header.to[0]");
}

static void
an_agency_outside_is_named_itself_and_its_serving_unit_gets_no_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'paper','name':'p','kinds':['SCHOOL'],'servedBy':'ops','channel':'PAPER'}", NULL, NULL);
    r = kit_referral(k, '1', "sw agency:paper");
    assert_string_equal(r->record.note->resolved_to[1], "paper");
    assert_string_equal(kit_seen(k, "ops", r), "");
    kit_relations_are(k, "ops", r, "");
    KIT_SAY(k, "ops", "referral.submitted", '2', "sw", "0 1 6", PAPER_OF("paper"), "sw=016 dir=016");
    kit_refused(k, &(struct kit_line){"sw", "referral.submitted", '3', "ops", "0", PAPER_OF("paper"), NULL}, E_BEHALF,
                "header.actor.onBehalfOf");
    kit_refused(k,
                &(struct kit_line){"ops", "referral.submitted", '3', "sw", "0",
                                   "+'onBehalfOf':'paper','channel':'PAPER'", NULL},
                E_BEHALF, "header.actor.receivedOn");
    kit_refused(k, &(struct kit_line){"rec", "referral.submitted", '3', "sw", "0", NULL, NULL}, E_BEHALF,
                "header.actor.onBehalfOf");
    kit_refused(k, &(struct kit_line){"rec", "referral.submitted", '3', "sw", "0", "+'onBehalfOf':'p1'", NULL},
                E_BEHALF, "header.actor.channel");
}

static void
an_answer_reaches_the_addressees_and_author_of_what_it_answers(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked, *answer, *stranger;

    kit_open_case(k, "sw", 'C');
    asked = KIT_SAY(k, "sw", "info.requested", 'C', "sch kur", "0 1@p1 6@p1,p2", NULL, "sch=016 kur=016");
    answer = KIT_SAY(k, "sch", "info.provided", 'C', "", "0 1@p1 6@p2 6@p3", kit_answering(asked), "sw=016 kur=016");
    assert_int_equal(answer->record.note->n_answer_to, 3);
    assert_int_equal(answer->record.note->n_answer_about, 2);
    assert_false(kit_note_seen(k, "sch", answer)); /* it names kur, whom the author need not know */
    assert_true(kit_note_seen(k, "sw", answer));
    /* Naming an event that one may not see, or of another dossier, brings nobody in. */
    stranger = KIT_SAY(k, "sw", "info.requested", 'C', "ops", "0 6", NULL, NULL);
    answer = KIT_SAY(k, "kur", "info.provided", 'C', "sw", "0", kit_answering(stranger), "sw=0");
    assert_int_equal(answer->record.note->n_answer_to, 0);
    answer = KIT_SAY(k, "kur", "info.provided", 'L', "sw", "0", kit_answering(asked), "sw=0");
    assert_int_equal(answer->record.note->n_answer_to, 0);
    answer = KIT_SAY(k, "kur", "info.provided", 'L', "sw", "0", kit_answering(asked), "sw=0");
    assert_int_equal(answer->record.note->n_answer_to, 0);
}

/* ---- corrections, times, warnings */

static void
a_correction_is_the_authors_and_a_recall_the_holders_too(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *plan, *other = kit_open_case(k, "sw", 'D');

    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    plan = KIT_SAY(k, "fa", "case.plan_updated", 'C', "", "0 6", NULL, NULL);
    kit_refused(k,
                &(struct kit_line){"fa", "case.plan_updated", 'C', "", "0 6", kit_correcting(other, "AMENDED"), NULL},
                E_CORRECT, "header.correctsEventId");
    kit_refused(
        k, &(struct kit_line){"fa", "case.assessment_recorded", 'C', "", "0 6", kit_correcting(plan, "AMENDED"), NULL},
        E_CORRECT, "header.correctsEventId");
    kit_refused(k, &(struct kit_line){"sw", "case.opened", 'C', "", "0 6", kit_correcting(other, "AMENDED"), NULL},
                E_CORRECT, "header.correctsEventId");
    kit_refused(k,
                &(struct kit_line){"fa", "case.plan_updated", 'C', "", "0 6",
                                   "'correctsEventId':'01900000-0000-7000-8000-00000000ffff','correction':'AMENDED'",
                                   NULL},
                E_CORRECT, "header.correctsEventId");
    kit_refused(k, &(struct kit_line){"fa", "case.plan_updated", 'C', "", "0 6", "'correction':'AMENDED'", NULL},
                E_CORRECT, "header.correctsEventId");
    KIT_SAY(k, "fa", "case.plan_updated", 'C', "", "0 6", kit_correcting(plan, "AMENDED"), "sw=06 dir=06");
    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'IPUS'}", kit_correcting(c, "AMENDED"), "fa=06 dir=06 ous=0");
    kit_relations_are(k, "sw", c, "holder"); /* still one */
}

static void
what_a_recall_says_itself_counts_for_nothing(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops"), *answer;

    answer = KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'received'}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}",
            kit_correcting(answer, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "sw", r, "pending");
    kit_relations_are(k, "ops", r, "pending office");
}

static const char *
warnings(const struct kit_record *r)
{
    static char text[256];

    text[0] = '\0';
    for (size_t i = 0; i < r->record.note->n_warnings; i++) {
        strcat(strcat(text, i > 0 ? " " : ""), r->record.note->warnings[i]->code);
        strcat(strcat(text, "@"), r->record.note->warnings[i]->path);
    }
    return text;
}

static void
times_ahead_are_refused_and_times_before_the_dossier_are_warned_of(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_open_case(k, "sw", 'C');
    kit_refused(
        k, &(struct kit_line){"sw", "consent.granted", 'C', "", "0", "'occurredAt':'2026-03-01T08:05:00.001Z'", NULL},
        E_TIME, "header.occurredAt");
    r = KIT_SAY(k, "sw", "consent.granted", 'C', "", "0", "'occurredAt':'2026-03-01T08:05:00Z'", NULL);
    assert_string_equal(warnings(r), "");
    r = KIT_SAY(k, "sw", "consent.granted", 'C', "", "0", "'occurredAt':'2026-02-01T08:05:00Z'", NULL);
    assert_string_equal(warnings(r), "W_TIME@header.occurredAt");
    r = KIT_SAY(k, "sw", "consent.granted", 'C', "", "0", "'occurredAt':'2026-02-01T08:05:00Z','lateEntry':true", NULL);
    assert_string_equal(warnings(r), "");
}

static void
the_author_is_warned_of_what_an_addressee_will_not_be_given(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = KIT_SAY(k, "sch", "referral.submitted", 'R', "sw ic", "0 1 6 7", NULL,
                                         "sw=0167 ic=017 dir=0167");

    assert_string_equal(warnings(r), "W_WITHHELD@header.to[1]"); /* IC: S6 by half */
    r = KIT_SAY(k, "sch", "referral.submitted", 'S', "sw ic", "0 1 6=ic 7=sw", NULL, "sw=017 ic=016 dir=01");
    assert_string_equal(warnings(r), ""); /* his own marks he knows */
    assert_true(kit_note_seen(k, "sch", r));
    assert_false(kit_note_seen(k, "sw", r)); /* pending, not yet holder */
    r = KIT_SAY(k, "ops", "case.opened", 'C', "dir", "0 1 7{'addressProtected':true}", NULL, "dir=01");
    assert_string_equal(warnings(r), "W_WITHHELD@header.to[0]"); /* protected by this very event */
}

/* By that warning the log knows that the document is not lost. */
static void
that_a_document_was_not_sent_is_noted_whatever_else_is(void **state)
{
    struct kit *k = *state;
    const Wici__V1__BrokerNote *note;
    char to[256] = "";

    for (unsigned i = 0; i < 16; i++) {
        char unit[8];

        (void)snprintf(unit, sizeof unit, "ic%u", i);
        kit_unit(k, unit, "cus", "IC");
        (void)snprintf(to + strlen(to), sizeof to - strlen(to), "%s%s", i == 0 ? "" : " ", unit);
    }
    k->missing_document = "sections[2].referralSubmittedS6.documents[0]";
    note = KIT_SAY(k, "sch", "referral.submitted", 'R', to, "0 1 6 7", NULL, NULL)->record.note;
    assert_int_equal(note->n_warnings, 16);
    assert_string_equal(note->warnings[0]->code, "W_WITHHELD");
    assert_string_equal(note->warnings[15]->code, "W_DOCUMENT");
    assert_string_equal(note->warnings[15]->path, k->missing_document);
}

/* ---- the order of checks, and what strangers learn */

static void
checks_come_in_their_order(void **state)
{
    struct kit *k = *state;
    struct kit_line line = {"sw:KUR", "case.opened", 'C', "nobody", "0", NULL, NULL};

    kit_refused(k, &line, E_ROLE, "header.actor.role"); /* not a role of the unit, and nobody is addressed */
    line = (struct kit_line){"sch", "case.opened", 'C', "nobody", "0", NULL, NULL};
    kit_refused(k, &line, E_ROLE, "header.actor.role");
    line = (struct kit_line){"sw", "case.closed", 'C', "nobody", "0", NULL, NULL};
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line = (struct kit_line){"sw", "case.opened", 0, "nobody", "0", NULL, NULL};
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line = (struct kit_line){"sw", "case.opened", 'C', "nobody", "0", NULL, NULL};
    kit_refused(k, &line, E_ADDRESS, "header.to[0]");
    k->next_entry = 0;
    kit_refused(k, &line, E_FULL, "");
    k->next_entry = 1;
    kit_open_case(k, "sw", 'C');
    line.to = "";
    kit_refused(k, &line, E_ORDER, "header.dossierId");
    kit_referral(k, 'R', "sw");
    line = (struct kit_line){"sch", "referral.submitted", 'R', "sw", "0", NULL, NULL};
    kit_refused(k, &line, E_ORDER, "header.dossierId");
    KIT_SAY(k, "adm", "sys.unit_suspended", 0, "", "0{'unitId':'sw'}", NULL, NULL);
    kit_refused(k, &(struct kit_line){"sw", "case.closed", 'C', "", "0", NULL, NULL}, E_KEY, "");
}

static void
the_actor_must_be_the_units_own(void **state)
{
    struct kit *k = *state;
    struct kit_record *r = NULL;
    struct refusal refusal = {0};
    struct core_decision decision;
    struct arena *arena;
    struct core_command command = {.now_ms = k->now_ms, .seq = 900, .fresh_entry = 900};

    assert_int_equal(arena_create(&arena, 1u << 16), 0);
    r = KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    command.event = &r->event;
    command.unit = core_unit_by_id(k->core, "fa"); /* of the same agency */
    assert_int_equal(core_decide(k->core, &command, arena, &decision, &refusal), -EACCES);
    assert_int_equal(refusal.code, E_ACTOR);
    assert_string_equal(refusal.path, "header.actor.unit");
    command.unit = core_unit_by_id(k->core, "ops");
    assert_int_equal(core_decide(k->core, &command, arena, &decision, &refusal), -EACCES);
    assert_int_equal(refusal.code, E_ACTOR);
    assert_string_equal(refusal.path, "header.actor.agency");
    arena_destroy(&arena);
}

static void
unknown_and_not_yours_are_one_answer(void **state)
{
    struct kit *k = *state;
    static const char *const types[] = {"case.closed",           "case.linked",     "referral.answered",
                                        "sys.participant_added", "consent.granted", "case.interview_completed"};
    uint8_t id[16];

    kit_open_case(k, "sw", 'C');
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (unsigned unknown = 0; unknown < 2; unknown++)
            kit_refused(k, &(struct kit_line){"ops", types[i], unknown ? 'X' : 'C', "", "0", NULL, NULL}, E_DOSSIER,
                        "header.dossierId");
    for (unsigned unknown = 0; unknown < 2; unknown++) {
        assert_int_equal(uuid_parse(kit_id(unknown ? 'X' : 'C'), id), 0);
        assert_int_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "ops"), id), 0);
    }
    assert_int_equal(uuid_parse(kit_id('C'), id), 0);
    assert_int_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "sw"), id), 1);
    assert_int_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "dir"), id), 1);
    assert_int_equal(core_dossier_count(k->core), 1);
}

/* ---- what the core promises of itself */

static void
busy_day(struct kit *k)
{
    const struct kit_record *asked;

    kit_referral(k, 'R', "sw ops");
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'L', "ops kur", "0 1@p1 5{'orderKind':'SUPERVISION'}", NULL, NULL);
    KIT_SAY(k, "sw", "meeting.convened", 'C', "",
            "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1','p2']}]}", NULL, NULL);
    asked = KIT_SAY(k, "sw", "info.requested", 'C', "kur", "0 1@p1", NULL, NULL);
    KIT_SAY(k, "kur", "info.provided", 'C', "", "0", kit_answering(asked), NULL);
    kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'fcc','about':['p3'],'until':'2026-09-01'}", NULL,
            NULL);
    KIT_SAY(k, "adm", "sys.unit_key_rotated", 0, "",
            "0{'unitId':'sw','key':'swswswswswswswswswswswswswswswswswswswsw'}", NULL, NULL);
    KIT_SAY(k, "adm", "sys.unit_suspended", 0, "", "0{'unitId':'ous'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0", NULL, NULL);
}

static void
same_dump(const struct core *a, const uint8_t *want, size_t want_len)
{
    uint8_t *bytes;
    size_t len;

    assert_int_equal(core_dump(a, &bytes, &len), 0);
    assert_int_equal(len, want_len);
    assert_memory_equal(bytes, want, len);
    free(bytes);
}

static void
deciding_and_seeing_change_nothing(void **state)
{
    struct kit *k = *state;
    struct arena *arena;
    uint8_t *bytes;
    size_t len, taken = 0;

    busy_day(k);
    assert_int_equal(arena_create(&arena, 1u << 18), 0);
    assert_int_equal(core_dump(k->core, &bytes, &len), 0);
    for (size_t i = 0; i < k->count; i++) {
        struct core_command command = {
            .now_ms = k->now_ms, .seq = k->count + 1, .fresh_entry = k->next_entry, .event = &k->records[i].event};
        struct core_decision decision;
        struct refusal refusal;
        struct core_view view;
        const uint32_t *units;
        size_t count;
        bool everyone;

        command.unit = core_unit_by_id(k->core, k->records[i].event.header->actor->unit);
        taken += core_decide(k->core, &command, arena, &decision, &refusal) == 0;
        arena_reset(arena);
        for (uint32_t unit = 0; unit < core_unit_count(k->core); unit++) {
            core_view(k->core, unit, &k->records[i].record, true, &view);
            assert_int_equal(core_unit_entries(k->core, unit, &units, &count, &everyone), 0);
        }
        assert_int_equal(core_audience(k->core, &k->records[i].record, &units, &count, &everyone), 0);
        same_dump(k->core, bytes, len);
    }
    assert_true(taken > 3);
    free(bytes);
    arena_destroy(&arena);
}

static void
replaying_the_records_gives_the_same_state(void **state)
{
    struct kit *k = *state;
    struct core *again;
    uint8_t *bytes;
    size_t len;

    busy_day(k);
    assert_int_equal(core_dump(k->core, &bytes, &len), 0);
    assert_int_equal(core_create(&again), 0);
    for (size_t i = 0; i < k->count; i++)
        assert_int_equal(core_apply(again, &k->records[i].record), 0);
    same_dump(again, bytes, len);
    /* ... and one record less does not. */
    core_destroy(&again);
    assert_int_equal(core_create(&again), 0);
    for (size_t i = 0; i + 1 < k->count; i++)
        assert_int_equal(core_apply(again, &k->records[i].record), 0);
    {
        uint8_t *other;
        size_t other_len;

        assert_int_equal(core_dump(again, &other, &other_len), 0);
        assert_true(other_len != len || memcmp(other, bytes, len) != 0);
        free(other);
    }
    free(bytes);
    core_destroy(&again);
}

static void
the_audience_and_the_list_of_dossiers_miss_nobody(void **state)
{
    struct kit *k = *state;

    kit_agency(k, "audit");
    kit_unit(k, "aud", "audit", "AUD");
    busy_day(k);
    for (size_t i = 0; i < k->count; i++) {
        const struct core_record *record = &k->records[i].record;
        const uint32_t *list;
        size_t count;
        bool everyone, all;

        for (uint32_t unit = 0; unit < core_unit_count(k->core); unit++) {
            struct core_view view;
            bool found = false;

            core_view(k->core, unit, record, false, &view);
            if (!view.received)
                continue;
            assert_int_equal(core_audience(k->core, record, &list, &count, &everyone), 0);
            for (size_t j = 0; j < count; j++) {
                found = found || list[j] == unit;
                assert_true(j == 0 || list[j - 1] < list[j]);
            }
            assert_true(found || everyone);
            found = false;
            assert_int_equal(core_unit_entries(k->core, unit, &list, &count, &all), 0);
            for (size_t j = 0; j < count; j++) {
                found = found || list[j] == record->entry;
                assert_true(j == 0 || list[j - 1] < list[j]);
            }
            assert_true(found || all);
        }
    }
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(an_address_leads_to_one_unit),
        RULE(an_agency_outside_is_named_itself_and_its_serving_unit_gets_no_more),
        RULE(an_answer_reaches_the_addressees_and_author_of_what_it_answers),
        RULE(a_correction_is_the_authors_and_a_recall_the_holders_too),
        RULE(what_a_recall_says_itself_counts_for_nothing),
        RULE(times_ahead_are_refused_and_times_before_the_dossier_are_warned_of),
        RULE(the_author_is_warned_of_what_an_addressee_will_not_be_given),
        RULE(that_a_document_was_not_sent_is_noted_whatever_else_is),
        RULE(checks_come_in_their_order),
        RULE(the_actor_must_be_the_units_own),
        RULE(unknown_and_not_yours_are_one_answer),
        RULE(deciding_and_seeing_change_nothing),
        RULE(replaying_the_records_gives_the_same_state),
        RULE(the_audience_and_the_list_of_dossiers_miss_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
