/* Agencies without the system (broker/core/outside.h): what is due to them, cut as for them, until it was delivered. */
#include "test_core_kit.h"

#include <stdio.h>
#include <string.h>

#define BEHALF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"

static int
setup(void **state)
{
    struct kit *k;

    kit_setup(state);
    k = *state;
    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'paper','name':'p','kinds':['SCHOOL'],'servedBy':'ops','channel':'PAPER'}", NULL, NULL);
    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'psych','name':'p','kinds':['COUNSELLING'],'servedBy':'sw','channel':'EPUAP'}", NULL, NULL);
    return 0;
}

/* "3 5": the records due to the agency, as the unit that serves it is told. */
static const char *
due(struct kit *k, const char *agency)
{
    static char text[256];
    struct core_due_place place = {0};
    uint32_t unit = core_unit_by_id(k->core, strcmp(agency, "paper") == 0 ? "ops" : "sw");
    uint32_t stand_in = core_served(k->core, unit, agency);
    uint64_t seqs[2];
    size_t len = 0;

    assert_int_equal(stand_in, kit_index(k, agency));
    text[0] = '\0';
    do {
        size_t count = core_due_outside(k->core, stand_in, &place, seqs, 2);

        for (size_t i = 0; i < count; i++)
            if (kit_seen(k, agency, &k->records[seqs[i] - 1])[0] != '\0')
                len += (size_t)snprintf(text + len, sizeof text - len, "%s%u", len > 0 ? " " : "", (unsigned)seqs[i]);
    } while (place.dossier_seq != 0);
    return text;
}

static const char *
list(const struct kit_record *a, const struct kit_record *b)
{
    static char text[32];

    (void)snprintf(text, sizeof text, b != NULL ? "%u %u" : "%u", (unsigned)a->record.seq,
                   b != NULL ? (unsigned)b->record.seq : 0);
    return text;
}

static struct kit_line
delivery(const char *unit, const char *agency, const struct kit_record *r)
{
    static char body[200];

    (void)snprintf(body, sizeof body,
                   "0{'event':'%s','agency':'%s','channel':'PAPER','deliveredOn':'2026-03-02','by':'x-1'}",
                   kit_event_id(r), agency);
    return (struct kit_line){.unit = unit,
                             .type = "sys.delivered_outside",
                             .dossier = (char)r->event.dossier_id[15],
                             .sections = body,
                             .header = kit_answering(r)};
}

static void
deliver(struct kit *k, const char *unit, const char *agency, const struct kit_record *r)
{
    struct kit_line line = delivery(unit, agency, r);

    kit_say(k, &line);
}

static void
what_is_addressed_to_it_is_cut_as_for_one_of_its_kind_and_its_server_gets_no_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked, *other;

    kit_open_case(k, "sw", 'C');
    asked = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 1@p1 3 4@p1 5 6@p1", NULL, "paper=0146");
    other = KIT_SAY(k, "sw", "placement.changed", 'C', "sch", "0 1@p1", NULL, "sch=01 dir=01");
    assert_string_equal(due(k, "paper"), list(asked, NULL));
    assert_string_equal(due(k, "psych"), "");
    assert_string_equal(kit_seen(k, "ops", asked), "");
    assert_string_equal(kit_seen(k, "paper", other), "");
    /* What it is not given is told to the author. */
    asked = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 5", NULL, NULL);
    assert_string_equal(asked->record.note->warnings[0]->code, "W_WITHHELD");
}

static void
what_was_delivered_is_due_no_more_and_said_once_by_who_serves_it(void **state)
{
    struct kit *k = *state;
    const struct kit_record *first, *second;
    struct kit_line line;

    kit_open_case(k, "sw", 'C');
    first = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 6@p1", NULL, NULL);
    second = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 6@p1", NULL, NULL);
    assert_string_equal(due(k, "paper"), list(first, second));
    line = delivery("sw", "paper", first); /* another's to deliver */
    kit_refused(k, &line, E_ROLE, "header.actor.role");
    line = delivery("ops", "school", first); /* which has the system */
    kit_refused(k, &line, E_ROLE, "header.actor.role");
    line = delivery("ops", "paper", first);
    line.expect = "sw=0"; /* the holder, whose letter it is too */
    kit_say(k, &line);
    line.expect = NULL;
    assert_string_equal(due(k, "paper"), list(second, NULL));
    kit_refused(k, &line, E_EXISTS, "sections[0].sysDeliveredOutsideS0.event");
    line = delivery("ops", "paper", second);
    line.header = NULL;
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line.header = kit_answering(first);
    kit_refused(k, &line, E_UNKNOWN, "sections[0].sysDeliveredOutsideS0.event");
}

static void
a_dossier_in_which_the_agency_has_no_part_is_unknown_to_who_serves_it(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C');
    struct kit_line line = delivery("ops", "paper", c);

    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'paper'}", NULL, NULL);
    kit_refused(k, &line, E_UNKNOWN, "header.causationId"); /* from now on; that was before */
}

static void
it_takes_part_like_any_other(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *r;

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'paper','about':['p1']}", NULL, NULL);
    r = KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1@p1 3@p2", NULL, "dir=013 paper=01");
    assert_string_equal(due(k, "paper"), list(r, NULL));
    deliver(k, "ops", "paper", r);
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'paper'}", NULL, NULL);
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1@p1", NULL, "dir=01");
    assert_string_equal(due(k, "paper"), "");
    r = KIT_SAY(k, "sw", "meeting.convened", 'C', "",
                "0{'meetingId':'$1'} 1@p1 6@p1{'kind':'CONSULTATION','invited':[{'unit':'paper','about':['p1']}]}",
                NULL, "dir=016 paper=016");
    assert_string_equal(due(k, "paper"), list(r, NULL));
    deliver(k, "ops", "paper", r);
    /* A row of a plan for a counselling centre without the system: that row, and no other. */
    KIT_SAY(k, "ic", "case.opened", 'D', "", "0 1 6{'path':'IPUS'}", NULL, NULL);
    r = KIT_SAY(k, "ic", "ipus.agreed", 'D', "",
                "0{'ipusId':'$I','version':1} 1 6=psych{'row':{'serviceRef':'a','provider':'psych'}} "
                "6=svc{'row':{'serviceRef':'b','provider':'svc'}}",
                NULL, "dir=01 ous=01 psych=06 svc=06");
    assert_string_equal(due(k, "psych"), list(r, NULL));
    kit_relations_are(k, "paper", c, "invitee");
}

static void
its_letters_are_published_by_who_serves_it_and_count_as_its_own(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;
    struct kit_line line = {.unit = "ops",
                            .type = "referral.answered",
                            .dossier = 'R',
                            .sections = "0{'outcome':'TAKEN_UP'} 6{'status':'accepted'}"};

    r = KIT_SAY(k, "sch", "referral.submitted", 'R', "agency:psych", "0 1@p1 6@p1", NULL, "psych=016");
    kit_relations_are(k, "psych", r, "pending");
    kit_refused(k, &line, E_DOSSIER, "header.dossierId"); /* another's */
    line.header = BEHALF("psych");
    kit_refused(k, &line, E_BEHALF, "header.actor.onBehalfOf");
    line.unit = "sw";
    line.expect = "sch=0 psych=0";
    kit_say(k, &line);
    kit_relations_are(k, "psych", r, "holder");
    kit_relations_are(k, "sw", r, "");
    assert_string_equal(due(k, "psych"), list(r, NULL)); /* not its own letter */
    line.header = NULL;
    line.sections = "0 6{'status':'rejected'}";
    kit_refused(k, &line, E_DOSSIER, "header.dossierId"); /* without saying of whom */
    assert_string_equal(kit_seen(k, "sw", r), "");
}

static void
a_recall_is_due_on_paper_when_the_letter_was(void **state)
{
    struct kit *k = *state;
    const struct kit_record *early, *late, *recall;
    struct kit_line line;
    char body[128], header[200];

    kit_open_case(k, "sw", 'C');
    early = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 6@p1", NULL, NULL);
    late = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 6@p1", NULL, NULL);
    deliver(k, "ops", "paper", late);
    recall = KIT_SAY(k, "sw", "info.requested", 'C', "", "0", kit_correcting(early, "ENTERED_IN_ERROR"), "paper=0");
    assert_string_equal(due(k, "paper"), ""); /* neither the letter nor its recall */
    deliver(k, "ops", "paper", early);        /* it had been sent after all */
    assert_string_equal(due(k, "paper"), list(recall, NULL));
    deliver(k, "ops", "paper", recall);
    recall = KIT_SAY(k, "sw", "info.requested", 'C', "", "0", kit_correcting(late, "ENTERED_IN_ERROR"), "paper=0");
    assert_string_equal(due(k, "paper"), list(recall, NULL));
    /* And what the agency did with its copy is confirmed for it. */
    (void)snprintf(body, sizeof body, "0{'recalledEvent':'%s','how':'DESTROYED','confirmedOn':'2026-03-04'}",
                   kit_event_id(late));
    line = (struct kit_line){.unit = "ops",
                             .type = "sys.recall_confirmed",
                             .dossier = 'C',
                             .sections = body,
                             .header = kit_answering(recall)};
    kit_refused(k, &line, E_UNKNOWN, "header.causationId"); /* the server has no copy of its own */
    (void)snprintf(header, sizeof header, "%s|%s", BEHALF("paper"), kit_answering(recall));
    line.header = header;
    line.expect = "sw=0";
    kit_say(k, &line);
}

/* Two dossiers, the older one's letter the newer: whatever a page ends with. */
static void
a_list_in_pages_leaves_out_nothing_that_is_due(void **state)
{
    struct kit *k = *state;
    const struct kit_record *d, *c;
    char both[64];

    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "sw", 'D');
    d = KIT_SAY(k, "sw", "info.requested", 'D', "agency:paper", "0 1@p1 6@p1", NULL, NULL);
    c = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 1@p1 6@p1", NULL, NULL);
    (void)snprintf(both, sizeof both, "%s", list(c, d));
    assert_string_equal(due(k, "paper"), both);
    c = KIT_SAY(k, "sw", "info.requested", 'C', "agency:paper", "0 1@p1 6@p1", NULL, NULL);
    (void)snprintf(both, sizeof both, "%u %u %u", (unsigned)d->record.seq + 1, (unsigned)c->record.seq,
                   (unsigned)d->record.seq);
    assert_string_equal(due(k, "paper"), both); /* two in a page: D's is asked for behind a later one of C */
}

static void
an_agency_that_no_role_fits_is_given_nothing(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'inspector','name':'i','kinds':['AUDIT'],'servedBy':'ops'}", NULL, NULL);
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "info.requested", 'C', "agency:inspector", "0 6@p1", NULL, "");
}

static void
stand_ins_are_no_units(void **state)
{
    struct kit *k = *state;
    struct arena *arena;
    Wici__V1__Directory *directory;

    assert_int_equal(core_unit_by_id(k->core, "paper"), CORE_UNIT_NONE);
    assert_int_equal(arena_create(&arena, 1u << 17), 0);
    assert_int_equal(core_directory(k->core, arena, &directory), 0);
    for (size_t i = 0; i < directory->n_units; i++)
        assert_string_not_equal(directory->units[i]->id, "paper");
    arena_destroy(&arena);
    assert_int_equal(core_served(k->core, core_unit_by_id(k->core, "sw"), "paper"), CORE_UNIT_NONE);
    assert_int_equal(core_served(k->core, core_unit_by_id(k->core, "sw"), "school"), CORE_UNIT_NONE);
    assert_int_equal(core_served(k->core, core_unit_by_id(k->core, "sw"), "nobody"), CORE_UNIT_NONE);
}

static void
whose_system_it_is_speaks_for_itself_but_for_paper_that_a_reception_enters(void **state)
{
    struct kit *k = *state;
    const struct kit_line as_school = {"fa", "info.provided", 'I', "sw", "0 6", BEHALF("school"), NULL};
    const struct kit_line as_court = {"sch", "court.insight_requested", 'J', "sw", "0 1 5", BEHALF("court"), NULL};
    const struct kit_line as_school_by_sw = {"sw", "referral.submitted", 'K', "sw", "0 1 6", BEHALF("school"), NULL};
    const struct kit_record *r;

    kit_refused(k, &as_school, E_BEHALF, "header.actor.onBehalfOf");
    kit_refused(k, &as_court, E_BEHALF, "header.actor.onBehalfOf");
    kit_refused(k, &as_school_by_sw, E_BEHALF, "header.actor.onBehalfOf");
    r = KIT_SAY(k, "rec", "referral.submitted", 'R', "sw", "0 1 6", BEHALF("school"), NULL);
    kit_relations_are(k, "sch", r, "referrer");
    r = KIT_SAY(k, "sw", "court.order_issued", 'L', "sw", "0 1 5{'orderKind':'OBLIGE_COOPERATION'}", BEHALF("court"),
                NULL);
    kit_relations_are(k, "ct", r, "party");
    KIT_SAY(k, "fa", "info.provided", 'M', "sw", "0 6", BEHALF("osoba-1"), NULL); /* a person */
    KIT_SAY(k, "fa", "info.provided", 'N', "sw", "0 6", BEHALF("cus"), NULL);     /* its own */
}

static void
a_withdrawal_is_due_on_paper_to_whom_sections_were(void **state)
{
    struct kit *k = *state;
    const struct kit_record *shared, *withdrawn;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "consent.granted", 'C', "",
            "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'DATA_SHARING'}", NULL, NULL);
    shared = KIT_SAY(k, "sw", "info.provided", 'C', "agency:psych", "0 1@p1 6@p1",
                     "'consentRef':'d0000000-0000-7000-8000-000000000063'", "psych=016");
    withdrawn = KIT_SAY(k, "sw", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-05'} 1 6",
                        NULL, "psych=0 dir=016");
    assert_string_equal(due(k, "psych"), list(shared, withdrawn));
    assert_string_equal(kit_seen(k, "psych", shared), "0");
}

#define OUTSIDE(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OUTSIDE(what_is_addressed_to_it_is_cut_as_for_one_of_its_kind_and_its_server_gets_no_more),
        OUTSIDE(what_was_delivered_is_due_no_more_and_said_once_by_who_serves_it),
        OUTSIDE(a_dossier_in_which_the_agency_has_no_part_is_unknown_to_who_serves_it),
        OUTSIDE(it_takes_part_like_any_other),
        OUTSIDE(its_letters_are_published_by_who_serves_it_and_count_as_its_own),
        OUTSIDE(whose_system_it_is_speaks_for_itself_but_for_paper_that_a_reception_enters),
        OUTSIDE(a_withdrawal_is_due_on_paper_to_whom_sections_were),
        OUTSIDE(a_recall_is_due_on_paper_when_the_letter_was),
        OUTSIDE(a_list_in_pages_leaves_out_nothing_that_is_due),
        OUTSIDE(an_agency_that_no_role_fits_is_given_nothing),
        OUTSIDE(stand_ins_are_no_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
