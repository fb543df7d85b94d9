/*
 * The rules of an individual plan (IPUS) and of the registers that they ask for: for each a history that keeps it and
 * one that breaks it, with the reaction of the register.
 */
#include "test_core_procedure_kit.h"

#include <stdio.h>

static void
i16_an_ipus_lasts_three_to_twelve_months_both_days_included(void **state)
{
    static const struct {
        const char *body;
        bool holds;
    } cases[] = {
        {PLAN("1", "1", "2026-01-01", "2026-03-31"), true},  {PLAN("2", "1", "2026-01-01", "2026-03-30"), false},
        {PLAN("3", "1", "2026-03-01", "2027-02-28"), true},  {PLAN("4", "1", "2026-03-01", "2027-03-01"), false},
        {PLAN("5", "1", "2024-02-29", "2025-02-27"), true},  {PLAN("6", "1", "2024-02-29", "2025-02-28"), false},
        {PLAN("7", "1", "2026-11-30", "2027-02-27"), true},  {PLAN("8", "1", "2026-11-30", "2027-02-26"), false},
        {PLAN("9", "1", "2026-06-01", "2026-05-31"), false}, {PLAN("a", "1", "2026-01-15", "2026-09-14"), true},
        {PLAN("b", "1", "2027-03-01", "2028-02-29"), true},  {PLAN("c", "1", "2027-03-01", "2028-03-01"), false},
        {PLAN("d", "1", "2027-12-31", "2028-03-30"), true},  {PLAN("e", "1", "2027-12-31", "2028-03-29"), false},
        {PLAN("f", "1", "2027-11-30", "2028-02-28"), true},  {PLAN("0", "1", "2027-11-30", "2028-02-27"), false},
    };
    struct kit *k = *state;

    open_ipus(k, 'C');
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (cases[i].holds)
            KIT_SAY(k, "ic", "ipus.agreed", 'C', "", cases[i].body, NULL, NULL);
        else
            KIT_REFUSED_BY(k, RULE_I16, "ic", "ipus.agreed", 'C', "", cases[i].body, NULL, NULL);
}

/* A case that begins with a plan of services has that path beside whatever is brought in later. */
static void
an_ipus_goes_on_when_another_path_is_brought_into_its_case(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), "+'personRef':'ic-1'", NULL);
    KIT_SAY(k, "ic", "sys.participant_added", 'C', "", "0{'unit':'sw'}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ASSESSED);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), "+'personRef':'ic-1'",
               NULL);
}

static void
a_child_in_care_is_known_from_the_opening_of_an_ipus_case_too(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ic", "case.opened", 'C', "", "0 3{'childrenInCare':[{'personRef':'p2'}]} 6{'path':'IPUS'}", NULL, NULL);
    KIT_SAY(k, "ic", "sys.participant_added", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    KIT_MARKED(k, "W_ORDER W_CONSULT", "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
    KIT_MARKED(k, "W_ORDER", "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'},{'role':'FCC'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
}

static void
i18_an_ipus_names_a_service(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_REFUSED_BY(k, RULE_I18, "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'YES'}",
                   NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'YES'," ROW "}", NULL,
            NULL);
    KIT_MARKED(k, "W_TOO_MANY_SERVICES", "ic", "ipus.updated", 'C', "",
               "0{'ipusId':'$I','version':2} 6{" ROW "} 6{" ROW "} 6{" ROW "} 6{" ROW "} 6{" ROW "}", NULL, NULL);
}

static void
i19_the_applicant_agrees(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_REFUSED_BY(k, RULE_I19, "ic", "ipus.agreed", 'C', "",
                   "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'NO'," ROW "}", NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'YES'," ROW "}", NULL,
            NULL);
    KIT_REFUSED_BY(k, RULE_I19, "ic", "ipus.updated", 'C', "", "0{'ipusId':'$I','version':2} 6{'applicantAgreed':'NO'}",
                   NULL, NULL);
}

static void
i20_versions_follow_one_another_and_the_coordinator_stays(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.agreed", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.updated", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), "+'personRef':'ic-1'", NULL);
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), "+'personRef':'ic-1'",
               NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ic-2','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
    KIT_MARKED(k, "W_OTHER_IC", "ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-03-01", "2026-08-31"),
               "+'personRef':'ic-2'", NULL);
    KIT_SAY(k, "ic", "case.worker_set", 'C', "", "0{'role':'IC','personRef':'ic-2','unit':'ic','kind':'MAIN'}", NULL,
            NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "4", "2026-03-01", "2026-08-31"), "+'personRef':'ic-2'",
               NULL);
}

static void
i21_an_update_does_not_go_beyond_a_year_from_the_beginning(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-06-01", "2027-02-28"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I21, "ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-06-01", "2027-03-01"), NULL, NULL);
}

static void
i22_a_conclusion_has_a_description_and_comes_after_the_end(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I22, "ic", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6{'resultCode':'PROGRESS'}", NULL,
                   NULL);
    KIT_MARKED(k, "W_TALK_EARLY", "ic", "ipus.concluded", 'C', "",
               "0{'ipusId':'$I','endedOn':'2026-08-31','summaryTalkOn':'2026-08-30'} 6{'description':'x'}", NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("J", "1", "2026-09-01", "2026-12-31"), NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.concluded", 'C', "",
               "0{'ipusId':'$J','endedOn':'2026-12-31','summaryTalkOn':'2026-12-31'} 6{" DOCUMENT(SHA) "}", NULL, NULL);
}

static void
i42_a_service_is_performed_after_the_plan_was_approved(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, "W_NOT_APPROVED", "ic", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
    KIT_MARKED(k, OK, "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'RETURNED'}", NULL,
               NULL);
    KIT_MARKED(k, "W_NOT_APPROVED", "ic", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, "W_ORDER", "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'APPROVED'}",
               NULL, NULL);
    KIT_MARKED(k, OK, "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':2} 6{'decision':'APPROVED'}", NULL,
               NULL);
    KIT_MARKED(k, OK, "ic", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
}

static void
i42_an_organiser_approves_with_a_registered_authorisation(void **state)
{
    struct kit *k = *state;
    static const char approve[] = "0{'ipusId':'$I','version':1,'decidedOn':'2026-03-10'} 6{'decision':'APPROVED'}";

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I42, "ous", "ipus.approved", 'C', "", approve, NULL, NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ous-1','kind':'IPUS_APPROVER','from':'2026-03-01','to':'2026-03-09'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I42, "ous", "ipus.approved", 'C', "", approve, NULL, NULL); /* not any more */
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ous-1','kind':'IPUS_APPROVER','from':'2026-03-01'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I42, "ous", "ipus.approved", 'C', "", approve, "+'personRef':'ous-2'", NULL);
    KIT_MARKED(k, OK, "ous", "ipus.approved", 'C', "", approve, NULL, NULL);
}

#define AGREED(id, programme, provider, day)                                                                           \
    "0{'ipusId':'$" id "','version':1,'agreedOn':'" day "'} 6{'row':{'programmeId':'" programme                        \
    "','provider':'" provider "'}}"

static void
i18_services_come_from_a_registered_programme(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("1", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_MARKED(k, "W_PROGRAMME", "ic", "ipus.agreed", 'C', "", AGREED("2", "h", "svc", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "ous", "sys.programme_registered", 0, "",
            "0{'programmeId':'g','gmina':'326101','from':'2020-01-01','to':'2026-03-01'}", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("3", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_MARKED(k, "W_PROGRAMME", "ic", "ipus.agreed", 'C', "", AGREED("4", "g", "svc", "2026-03-02"), NULL, NULL);
}

static void
i18_a_programme_is_one_of_the_agencys_municipality(void **state)
{
    struct kit *k = *state;

    register_ipus(k);
    KIT_SAY(k, "adm", "sys.agency_enrolled", 0, "",
            "0{'agencyId':'cusb','name':'b','kinds':['CUS'],'gmina':['020101']}", NULL, NULL);
    kit_unit(k, "icb", "cusb", "IC DIR");
    KIT_SAY(k, "icb:DIR", "sys.qualification_registered", 0, "",
            "0{'personRef':'icb-1','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
    KIT_SAY(k, "icb:IC", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, NULL);
    KIT_MARKED(k, "W_PROGRAMME", "icb:IC", "ipus.agreed", 'C', "", AGREED("1", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "adm", "sys.programme_registered", 0, "", "0{'programmeId':'h','gmina':'020101','from':'2020-01-01'}",
            NULL, NULL);
    KIT_MARKED(k, OK, "icb:IC", "ipus.agreed", 'C', "", AGREED("2", "h", "svc", "2026-03-01"), NULL, NULL);
}

static void
i23_the_coordinator_is_qualified_in_its_agency(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("1", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_MARKED(k, "W_QUALIFICATION", "ic", "ipus.agreed", 'C', "", AGREED("2", "g", "svc", "2019-12-31"), NULL, NULL);
    KIT_MARKED(k, "W_QUALIFICATION", "ic", "ipus.agreed", 'C', "", AGREED("3", "g", "svc", "2026-03-01"),
               "+'personRef':'ic-2'", NULL);
    KIT_SAY(k, "ops:DIR", "sys.qualification_registered", 0, "",
            "0{'personRef':'ic-2','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
    KIT_MARKED(k, "W_QUALIFICATION", "ic", "ipus.agreed", 'C', "", AGREED("4", "g", "svc", "2026-03-01"),
               "+'personRef':'ic-2'", NULL);
}

static void
i33_a_volunteer_has_a_complete_file(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_MARKED(k, "W_VOLUNTEER", "ic", "ipus.agreed", 'C', "", AGREED("1", "g", "vol-7", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "dir", "sys.volunteer_file_registered", 0, "",
            "0{'volunteerRef':'vol-7','complete':false,'from':'2026-01-01'}", NULL, NULL);
    KIT_MARKED(k, "W_VOLUNTEER", "ic", "ipus.agreed", 'C', "", AGREED("2", "g", "vol-7", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "dir", "sys.volunteer_file_registered", 0, "",
            "0{'volunteerRef':'vol-7','complete':true,'from':'2026-01-01'}", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("3", "g", "vol-7", "2026-03-01"), NULL, NULL);
}

static void
i29_where_declarations_are_in_use_an_addressee_without_one_is_marked(void **state)
{
    struct kit *k = *state;

    KIT_MARKED(k, OK, "sw", "info.requested", '1', "sch", "0 6", NULL, NULL); /* not in use */
    KIT_SAY(k, "dir", "sys.declaration_registered", 0, "",
            "0{'agencies':['cus','gops'],'signedOn':'2026-01-01','validTo':'2026-03-01'}", NULL, NULL);
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.requested", '2', "ops sch", "0 6", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "info.requested", '3', "ops fa", "0 6", NULL, NULL);
    KIT_MARKED(k, OK, "sch", "info.requested", '4', "ops", "0 6", NULL, NULL); /* the school works without */
    KIT_SAY(k, "adm", "sys.agency_enrolled", 0, "", "0{'agencyId':'sad','name':'s','kinds':['COURT']}", NULL, NULL);
    kit_unit(k, "sad-1", "sad", "CT");
    KIT_MARKED(k, OK, "sw", "info.requested", '5', "sad-1", "0 6", NULL, NULL); /* statutory */
    k->now_ms += 86400000;
    KIT_MARKED(k, OK, "sw", "info.requested", '6', "sch", "0 6", NULL, NULL); /* the own one has ended */
}

#define QUESTION "0 6@p1"
#define NAMED    "0 6@p1{'ground':{'basis':'STATUTE','legalBasis':'UPS'}}"

static void
seen_are(struct kit *k, const struct kit_record *record, const char *classes)
{
    assert_string_equal(kit_seen(k, "sch", record), classes);
}

static void
declare(struct kit *k, const char *agencies, const char *until)
{
    char body[200];

    (void)snprintf(body, sizeof body, "0{'agencies':[%s],'signedOn':'2026-01-01','validTo':'%s'}", agencies, until);
    KIT_SAY(k, "dir", "sys.declaration_registered", 0, "", body, NULL, NULL);
}

/* What came is given as it was when it came, whatever is signed or ends afterwards. */
static void
i29_who_signed_no_declaration_is_given_s0_until_the_ground_is_named(void **state)
{
    struct kit *k = *state;
    const struct kit_record *first, *named, *signed_for;
    struct core_view view;

    declare(k, "'cus','gops'", "2026-03-02");
    first = KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.requested", 'L', "ops sch", QUESTION, NULL, "ops=06 sch=0");
    core_view(k->core, kit_index(k, "sch"), &first->record, false, &view);
    assert_int_equal(view.verdicts[1], CORE_WITHHELD_DECLARED);
    named = KIT_MARKED(k, OK, "sw", "info.requested", 'L', "ops sch", NAMED, kit_correcting(first, "AMENDED"),
                       "ops=06 sch=06");
    seen_are(k, first, "0");
    declare(k, "'cus','school'", "2026-03-02");
    seen_are(k, first, "0");
    signed_for = KIT_MARKED(k, OK, "sw", "info.requested", 'M', "sch", QUESTION, NULL, "sch=06");
    k->now_ms += 10 * UINT64_C(86400000); /* all have ended */
    KIT_MARKED(k, OK, "sw", "info.requested", 'N', "sch", QUESTION, NULL, "sch=06");
    seen_are(k, first, "0");
    seen_are(k, named, "06");
    seen_are(k, signed_for, "06");
}

static void
i29_counts_for_who_is_invited_and_who_is_answered_and_on_paper(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked;

    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'nursery','name':'N','kinds':['SCHOOL'],'servedBy':'sw','channel':'PAPER'}", NULL, NULL);
    kit_active_case(k, 'C');
    asked = KIT_SAY(k, "sch", "info.requested", 'Q', "sw", QUESTION, NULL, "sw=06");
    declare(k, "'cus'", "2027-01-01");
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "meeting.convened", 'C', "",
               "0{'meetingId':'$m'} 6@p1{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL,
               "sch=0 dir=06");
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "meeting.held", 'C', "",
               "0{'meetingId':'$m'} 6@p1{'kind':'CONSULTATION','attendance':[{'role':'SW','signed':true}]}", NULL,
               "sch=0 dir=06");
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "meeting.agreements_issued", 'C', "",
               "0{'meetingId':'$m'} 6@p1{'row':{'no':1,'action':'x'}}", NULL, "sch=0 dir=06");
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.provided", 'Q', "", QUESTION, kit_answering(asked), "sch=0");
    asked = KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.requested", 'P', "agency:nursery", QUESTION, NULL, NULL);
    assert_string_equal(kit_seen(k, "nursery", asked), "0");
}

static bool
author_has_note(struct kit *k, const char *unit, const struct kit_record *r)
{
    struct core_view view;

    core_view(k->core, kit_index(k, unit), &r->record, false, &view);
    return view.note;
}

/* Whom somebody else invited or asked is not the author's to know. */
static void
i29_is_told_to_an_author_of_those_that_he_knows_and_to_the_holder_of_all(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_active_case(k, 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ops'}", NULL, NULL);
    declare(k, "'cus','gops'", "2027-01-01");
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "meeting.convened", 'C', "",
               "0{'meetingId':'$m'} 6@p1{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL,
               "sch=0 dir=06");
    r = KIT_MARKED(k, "W_NO_DECLARATION", "sw", "meeting.held", 'C', "",
                   "0{'meetingId':'$m'} 6@p1{'kind':'CONSULTATION','attendance':[{'role':'SW','signed':true}]}", NULL,
                   "sch=0 dir=06");
    assert_true(author_has_note(k, "sw", r));
    r = KIT_MARKED(k, OK, "ops", "meeting.agreements_issued", 'C', "",
                   "0{'meetingId':'$m'} 6@p1{'row':{'no':1,'action':'x'}}", NULL, "sch=0 sw=06 dir=06");
    assert_false(author_has_note(k, "ops", r));
    assert_true(author_has_note(k, "sw", r));
    /* Nor does the note's absence tell: where nobody was invited it is missing too. He is told of whom he names. */
    r = KIT_MARKED(k, "W_ORDER", "ops", "meeting.agreements_issued", 'C', "",
                   "0{'meetingId':'$n'} 6@p1{'row':{'no':1,'action':'x'}}", NULL, "sw=06 dir=06");
    assert_false(author_has_note(k, "ops", r));
    r = KIT_MARKED(k, "W_NO_DECLARATION", "ops", "meeting.convened", 'C', "",
                   "0{'meetingId':'$n'} 6@p1{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL,
                   "sch=0 sw=06 dir=06");
    assert_false(author_has_note(k, "ops", r));
    KIT_MARKED(k, "W_NO_DECLARATION W_NO_DECLARATION", "ops", "meeting.convened", 'C', "sch",
               "0{'meetingId':'$n'} 6@p1{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}",
               kit_correcting(r, "AMENDED"), "sch=0 sw=06 dir=06");
}

/* What was addressed in the first version only is told too: the author did that. */
static void
i29_is_told_of_whom_the_first_version_of_what_is_corrected_addressed(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    declare(k, "'cus','gops'", "2027-01-01");
    r = KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.requested", 'L', "ops sch", QUESTION, NULL, "ops=06 sch=0");
    r = KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.requested", 'L', "ops", QUESTION, kit_correcting(r, "AMENDED"),
                   "ops=06 sch=0");
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.requested", 'L', "ops", QUESTION, kit_correcting(r, "AMENDED"),
               "ops=06 sch=0");
}

#define LISTED 32u /* addressees, and as many invited: max_count in event.proto and meeting.proto */

/* Units of agencies without a declaration, one each; their ids in a list. */
static void
strangers_enrol(struct kit *k, char letter, const char *before, const char *behind, char ret[2000])
{
    size_t len = 0;

    for (unsigned i = 0; i < LISTED; i++) {
        char agency[16], unit[16];

        (void)snprintf(agency, sizeof agency, "%c%u", letter, i);
        (void)snprintf(unit, sizeof unit, "%c%u-u", letter, i);
        kit_agency(k, agency);
        kit_unit(k, unit, agency, "SW");
        len += (size_t)snprintf(ret + len, 2000 - len, "%s%s%s", before, unit, i + 1 < LISTED ? behind : "");
    }
}

/* Addressed, invited, and told because the first version addressed them. */
static void
i29_more_agencies_than_a_note_names_are_refused_and_not_left_out(void **state)
{
    static char to[2000], invited[2000], body[4000];
    struct kit *k = *state;
    const struct kit_record *first;

    kit_active_case(k, 'C');
    declare(k, "'cus'", "2027-01-01");
    strangers_enrol(k, 'a', "", " ", to);
    strangers_enrol(k, 'b', "{'about':['p1'],'unit':'", "'},", invited);
    (void)snprintf(body, sizeof body, "0{'meetingId':'$m'} 6@p1{'kind':'CONSULTATION','invited':[%s'}]}", invited);
    KIT_SAY(k, "sw", "meeting.convened", 'C', to, body, NULL, NULL);
    first = KIT_MARKED(k, "W_NO_DECLARATION", "sw", "meeting.convened", 'C', "sch",
                       "0{'meetingId':'$n'} 6@p1{'kind':'CONSULTATION','invited':[]}", NULL, NULL);
    (void)snprintf(body, sizeof body, "0{'meetingId':'$n'} 6@p1{'kind':'CONSULTATION','invited':[%s'}]}", invited);
    kit_refused(k, &(struct kit_line){"sw", "meeting.convened", 'C', to, body, kit_correcting(first, "AMENDED"), NULL},
                E_LIMIT, "header.to");
}

/* It has its place by an act of its own, or is told by law. */
static void
i29_does_not_touch_who_has_a_place_in_the_dossier_nor_what_is_told_by_law(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    declare(k, "'cus'", "2027-01-01");
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "placement.changed", 'C', "fcc", "0 1@p1 3@p1", NULL, "fcc=013 dir=013");
    KIT_MARKED(k, OK, "sw", "referral.submitted", 'R', "ops", "0 1@p1 6@p1{'service':'OTHER'}", NULL, "ops=016");
    KIT_MARKED(k, OK, "sw", "case.safety_concern_raised", 'L', "sch", "0 1@p1 5 6@p1", NULL, "sch=016");
}

static void
registers_are_kept_by_those_who_answer_for_them_and_workers_files_by_their_agency(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_refused(k,
                &(struct kit_line){"sch", "sys.declaration_registered", 0, "", "0{'agencies':['school']}", NULL, NULL},
                E_ROLE, "header.actor.role");
    kit_refused(
        k,
        &(struct kit_line){"dir", "sys.declaration_registered", 0, "", "0{'agencies':['school','gops']}", NULL, NULL},
        E_ROLE, "header.actor.role");
    kit_refused(
        k, &(struct kit_line){"dir", "sys.declaration_registered", 0, "", "0{'agencies':['cus','nobody']}", NULL, NULL},
        E_UNKNOWN, "sections[0].sysDeclarationRegisteredS0.agencies[1]");
    kit_refused(k, &(struct kit_line){"dir", "sys.programme_registered", 0, "", "0", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"ous", "sys.qualification_registered", 0, "", "0", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"sw", "sys.volunteer_file_registered", 0, "", "0", NULL, NULL}, E_ROLE,
                "header.actor.role");
    r = KIT_SAY(k, "dir", "sys.volunteer_file_registered", 0, "", "0{'volunteerRef':'v','from':'2026-01-01'}", NULL,
                NULL);
    assert_string_equal(kit_seen(k, "sw", r), "0");
    assert_string_equal(kit_seen(k, "ops", r), "");
    assert_string_equal(kit_seen(k, "adm", r), "0");
    r = KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
                "0{'personRef':'p','kind':'IPUS_APPROVER','from':'2026-01-01'}", NULL, NULL);
    assert_string_equal(kit_seen(k, "ic", r), "0");
    assert_string_equal(kit_seen(k, "sch", r), "");
    r = KIT_SAY(k, "dir", "sys.declaration_registered", 0, "", "0{'agencies':['cus'],'signedOn':'2026-01-01'}", NULL,
                NULL);
    assert_string_equal(kit_seen(k, "sch", r), "0");
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(i16_an_ipus_lasts_three_to_twelve_months_both_days_included),
        RULE(an_ipus_goes_on_when_another_path_is_brought_into_its_case),
        RULE(a_child_in_care_is_known_from_the_opening_of_an_ipus_case_too),
        RULE(i18_an_ipus_names_a_service),
        RULE(i19_the_applicant_agrees),
        RULE(i20_versions_follow_one_another_and_the_coordinator_stays),
        RULE(i21_an_update_does_not_go_beyond_a_year_from_the_beginning),
        RULE(i22_a_conclusion_has_a_description_and_comes_after_the_end),
        RULE(i42_a_service_is_performed_after_the_plan_was_approved),
        RULE(i42_an_organiser_approves_with_a_registered_authorisation),
        RULE(i18_services_come_from_a_registered_programme),
        RULE(i18_a_programme_is_one_of_the_agencys_municipality),
        RULE(i23_the_coordinator_is_qualified_in_its_agency),
        RULE(i33_a_volunteer_has_a_complete_file),
        RULE(i29_where_declarations_are_in_use_an_addressee_without_one_is_marked),
        RULE(i29_who_signed_no_declaration_is_given_s0_until_the_ground_is_named),
        RULE(i29_is_told_of_whom_the_first_version_of_what_is_corrected_addressed),
        RULE(i29_more_agencies_than_a_note_names_are_refused_and_not_left_out),
        RULE(i29_is_told_to_an_author_of_those_that_he_knows_and_to_the_holder_of_all),
        RULE(i29_counts_for_who_is_invited_and_who_is_answered_and_on_paper),
        RULE(i29_does_not_touch_who_has_a_place_in_the_dossier_nor_what_is_told_by_law),
        RULE(registers_are_kept_by_those_who_answer_for_them_and_workers_files_by_their_agency),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
