/*
 * The rules of relations: what opens each, what ends it, what it covers; one test a rule, the rule in its name.
 * Then what the core promises of itself: deciding changes nothing, replaying gives the same state.
 */
#include "test_core_kit.h"

#include "proto/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAPER_OF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"
#define DAY_MS        86400000u

static int
setup(void **state)
{
    static struct kit kit;

    kit_create(&kit);
    kit_agency(&kit, "cus");
    kit_unit(&kit, "rec", "cus", "INT");
    kit_unit(&kit, "sw", "cus", "SW");
    kit_unit(&kit, "fa", "cus", "FA");
    kit_unit(&kit, "dir", "cus", "DIR");
    kit_unit(&kit, "ic", "cus", "IC");
    kit_unit(&kit, "ous", "cus", "OUS");
    kit_agency(&kit, "school");
    kit_unit(&kit, "sch", "school", "SCH");
    kit_agency(&kit, "court");
    kit_unit(&kit, "ct", "court", "CT");
    kit_agency(&kit, "probation");
    kit_unit(&kit, "kur", "probation", "KUR");
    kit_agency(&kit, "provider");
    kit_unit(&kit, "svc", "provider", "SVC");
    kit_agency(&kit, "gops");
    kit_unit(&kit, "ops", "gops", "SW INT FA DIR");
    kit_agency(&kit, "foster");
    kit_unit(&kit, "fcc", "foster", "FCC");
    *state = &kit;
    return 0;
}

static int
teardown(void **state)
{
    kit_destroy(*state);
    return 0;
}

static void
is(struct kit *k, const char *unit, const struct kit_record *record, const char *relations)
{
    assert_string_equal(kit_relations(k, unit, record), relations);
}

static const struct kit_record *
referral(struct kit *k, char dossier, const char *to)
{
    return KIT_SAY(k, "sch", "referral.submitted", dossier, to, "0 1@p1 6{'service':'OTHER'}", NULL, NULL);
}

static const struct kit_record *
open_case(struct kit *k, const char *unit, char dossier)
{
    return KIT_SAY(k, unit, "case.opened", dossier, "", "0 1 6{'path':'ORDINARY'}", NULL, NULL);
}

static const char *
answering(const struct kit_record *record)
{
    static char header[80];

    strcpy(header, "'causationId':'");
    strcat(strcat(header, kit_event_id(record)), "'");
    return header;
}

static const char *
correcting(const struct kit_record *record, const char *how)
{
    static char header[128];

    strcpy(header, "'correctsEventId':'");
    strcat(strcat(header, kit_event_id(record)), "','correction':'");
    strcat(strcat(header, how), "'");
    return header;
}

/* ---- referrals */

static void
a_referral_makes_its_author_referrer_and_its_addressees_pending_and_their_offices_lookers_on(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw");

    is(k, "sch", r, "referrer");
    is(k, "sw", r, "pending");
    is(k, "dir", r, "office");
    is(k, "fa", r, "");
    is(k, "ous", r, "");
}

static void
a_referral_on_behalf_of_an_enrolled_agency_makes_its_units_referrers(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = KIT_SAY(k, "rec", "referral.submitted", 'R', "sw", "0 1 6{'service':'OTHER'}",
                                         PAPER_OF("school"), NULL);

    is(k, "sch", r, "referrer");
    is(k, "rec", r, "referrer");
}

static void
accepting_makes_the_holder_and_ends_what_was_pending(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw ops");
    const struct kit_record *answer = KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL,
                                              "sch=0 dir=06 ops=06");

    is(k, "sw", r, "holder");
    is(k, "ops", r, "");
    is(k, "dir", r, "office");
    assert_true(kit_note_seen(k, "sw", answer));
    /* What comes after the end is not theirs any more. */
    KIT_SAY(k, "sw", "consent.granted", 'R', "", "0 1 6", NULL, "dir=016");
}

static void
the_next_acceptance_ends_the_holder_before_and_its_office(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'received'}", NULL, "sch=0 dir=06 ops=06");
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, "ops=06 dir=06");
    is(k, "sw", r, "holder"); /* stays until the next accepts */
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, "sch=0 sw=06 dir=06");
    is(k, "ops", r, "office holder");
    is(k, "sw", r, "");
    is(k, "dir", r, "");
}

static void
rejecting_ends_ones_own_pending_only(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'rejected'}", NULL, "sch=0 dir=06 ops=06");
    is(k, "sw", r, "");
    is(k, "dir", r, "");
    is(k, "ops", r, "pending office");
}

static void
an_answer_for_a_part_leaves_the_whole_as_it_is(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted','parts':[{'no':1}]}", NULL, NULL);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'rejected','parts':[{'no':2}]}", NULL, NULL);
    is(k, "sw", r, "pending");
    is(k, "ops", r, "pending office");
}

static void
only_who_holds_or_is_pending_answers_and_forwards(void **state)
{
    struct kit *k = *state;

    referral(k, 'R', "sw");
    kit_refused(k, &(struct kit_line){"sch", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL},
                E_DOSSIER, "header.dossierId");
    kit_refused(
        k, &(struct kit_line){"dir", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, NULL},
        E_DOSSIER, "header.dossierId");
}

static void
forwarding_the_whole_gives_history_and_a_part_only_that_event(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw");

    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'NO'} 6", NULL, "dir=06 ops=06");
    is(k, "ops", r, "");
    assert_string_equal(kit_seen(k, "ops", r), "");
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, "dir=06 ops=06");
    is(k, "ops", r, "pending office");
    assert_string_equal(kit_seen(k, "ops", r), "016");
}

static void
completing_ends_referrers_and_pending(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.completed", 'R', "", "0 6{'status':'failed'}", NULL, "sch=0 dir=06 ops=06");
    is(k, "sch", r, "");
    is(k, "sw", r, "");
    is(k, "ops", r, "");
    is(k, "dir", r, "");
}

/* ---- letters and concerns */

static void
a_letter_makes_its_addressees_pending_and_an_answer_their_holder(void **state)
{
    struct kit *k = *state;
    const struct kit_record *l = KIT_SAY(k, "sch", "case.safety_concern_raised", 'L', "sw", "0 1 5", NULL, NULL);

    is(k, "sw", l, "pending");
    is(k, "dir", l, "office");
    KIT_SAY(k, "sw", "case.safety_concern_answered", 'L', "", "0{'outcome':'TAKEN_UP'}", answering(l), "sch=0 dir=0");
    is(k, "sw", l, "holder");
}

static void
a_concern_not_taken_up_ends_pending(void **state)
{
    struct kit *k = *state;
    const struct kit_record *l = KIT_SAY(k, "sch", "case.safety_concern_raised", 'L', "sw", "0 1 5", NULL, NULL);

    KIT_SAY(k, "sw", "case.safety_concern_answered", 'L', "", "0{'outcome':'NOT_TAKEN_UP'}", NULL, NULL);
    is(k, "sw", l, "");
    is(k, "dir", l, "");
}

static void
providing_information_takes_a_letter_up(void **state)
{
    struct kit *k = *state;
    const struct kit_record *l = KIT_SAY(k, "ops", "info.requested", 'L', "sch", "0 1 6", NULL, NULL);

    is(k, "sch", l, "pending");
    KIT_SAY(k, "sch", "info.provided", 'L', "", "0 1 6", answering(l), "ops=016");
    is(k, "sch", l, "holder");
}

/* ---- cases */

static void
opening_a_case_makes_the_holder_and_its_office(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C');

    is(k, "sw", c, "holder");
    is(k, "dir", c, "office");
    is(k, "ous", c, "");
}

static void
ipus_brings_the_organiser_into_the_office(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = KIT_SAY(k, "ic", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, "dir=06 ous=0");
    const struct kit_record *d = open_case(k, "sw", 'D');

    is(k, "ous", c, "office");
    is(k, "ous", d, "");
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'ic'}", NULL, "ic=0 dir=0");
    KIT_SAY(k, "ic", "ipus.agreed", 'D', "", "0{'ipusId':'$I'}", NULL, "sw=0 dir=0 ous=0");
    is(k, "ous", d, "office");
}

static void
taking_up_a_referral_by_a_link_makes_its_holder(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw ops");
    struct core_group_member group[4];
    uint8_t id[16];

    open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, "dir=0");
    is(k, "sw", r, "holder");
    is(k, "ops", r, "");
    assert_int_equal(uuid_parse(kit_id('C'), id), 0);
    assert_int_equal(core_group(k->core, core_unit_by_id(k->core, "sw"), id, group, 4), 2);
    assert_string_equal(group[0].kind, "CASE");
    assert_string_equal(group[0].link, "");
    assert_string_equal(group[1].kind, "REFERRAL");
    assert_string_equal(group[1].link, "REFERRAL_OF");
    /* The school knows its referral, and not that a case came of it. */
    assert_int_equal(core_group(k->core, core_unit_by_id(k->core, "sch"), id, group, 4), 0);
    assert_int_equal(uuid_parse(kit_id('R'), id), 0);
    assert_int_equal(core_group(k->core, core_unit_by_id(k->core, "sch"), id, group, 4), 1);
}

static void
linking_takes_what_the_kind_of_link_needs(void **state)
{
    struct kit *k = *state;

    open_case(k, "sw", 'C');
    open_case(k, "ops", 'D');
    referral(k, 'R', "ops");
    kit_refused(k,
                &(struct kit_line){"sw", "case.linked", 'C', "", "0{'kind':'SIBLING','otherDossier':'$D'}", NULL, NULL},
                E_DOSSIER, "sections[0].caseLinkedS0.otherDossier");
    kit_refused(k,
                &(struct kit_line){"sw", "case.linked", 'C', "", "0{'kind':'SIBLING','otherDossier':'$X'}", NULL, NULL},
                E_DOSSIER, "sections[0].caseLinkedS0.otherDossier");
    kit_refused(k,
                &(struct kit_line){"sw", "case.linked", 'C', "", "0{'kind':'SIBLING','otherDossier':'$C'}", NULL, NULL},
                E_DOSSIER, "sections[0].caseLinkedS0.otherDossier");
    KIT_SAY(k, "ops", "sys.participant_added", 'D', "", "0{'unit':'sw'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'SIBLING','otherDossier':'$D'}", NULL, "dir=0");
    kit_refused(
        k, &(struct kit_line){"sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL},
        E_DOSSIER, "sections[0].caseLinkedS0.otherDossier");
    kit_refused(
        k, &(struct kit_line){"sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$D'}", NULL, NULL},
        E_DOSSIER, "sections[0].caseLinkedS0.otherDossier");
}

static void
merged_cases_share_relations_from_the_merge_on(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C'), *d, *later;

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    d = open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, "dir=0 kur=0");
    is(k, "kur", d, "participant");
    assert_string_equal(kit_seen(k, "kur", d), "");
    later = KIT_SAY(k, "sw", "case.closed", 'D', "", "0 6{'reason':'MOVED'}", NULL, "dir=06 kur=0");
    is(k, "kur", later, ""); /* ended in both */
    is(k, "kur", c, "");
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'fcc'}", NULL, NULL);
    is(k, "fcc", c, "participant");
    assert_string_equal(kit_seen(k, "fcc", c), "");
}

static void
merging_with_history_shows_the_other_side_and_no_more_of_ones_own(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C'), *d = open_case(k, "sw", 'D');
    char link[160] = "0{'kind':'MERGED_INTO','otherDossier':'$C','historyFrom':'1'}";

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'fcc'}", NULL, NULL);
    kit_refused(k, &(struct kit_line){"sw", "case.linked", 'D', "", link, NULL, NULL}, E_GROUND,
                "sections[0].caseLinkedS0.historyFrom");
    strcat(link, " 6{'ground':{'basis':'STATUTE'}}");
    KIT_SAY(k, "sw", "case.linked", 'D', "", link, NULL, "dir=06 kur=0 fcc=0");
    assert_string_equal(kit_seen(k, "fcc", c), "01");
    assert_string_equal(kit_seen(k, "fcc", d), "");
    assert_string_equal(kit_seen(k, "kur", d), "01"); /* the other case's history, as granted */
    assert_string_equal(kit_seen(k, "kur", c), "");   /* in its own it came later */
}

static void
the_assistants_unit_reads_the_case_from_its_opening(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C');

    assert_string_equal(kit_seen(k, "fa", c), "");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, "sw=0 fa=0");
    is(k, "fa", c, "participant");
    assert_string_equal(kit_seen(k, "fa", c), "016");
    kit_refused(k, &(struct kit_line){"dir", "case.assistant_assigned", 'C', "", "0{'unit':'nobody'}", NULL, NULL},
                E_ADDRESS, "sections[0].caseAssistantAssignedS0.unit");
}

static void
a_substitute_takes_part_until_the_end_of_its_last_day(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "ops", 'C');

    /* 2026-03-01: the clock of the kit. */
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "kur", "case.worker_set", 'C', "", "0{'unit':'kur','kind':'SUBSTITUTE','until':'2026-03-02'}", NULL,
            "ops=0");
    KIT_SAY(k, "ops", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, "kur=0 fcc=0");
    KIT_SAY(k, "ops", "sys.participant_removed", 'C', "", "0{'unit':'kur'}", NULL, "kur=0 fcc=");
    is(k, "kur", c, "");
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'kur','until':'2026-03-02'}", NULL, NULL);
    k->now_ms += DAY_MS + 15 * 3600000u; /* the end of that day, in winter time */
    KIT_SAY(k, "ops", "case.closed", 'C', "", "0", NULL, "kur=0");
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'kur','until':'2026-03-02'}", NULL, NULL);
    k->now_ms += 1;
    KIT_SAY(k, "ops", "case.closed", 'C', "", "0", NULL, "");
    kit_refused(k, &(struct kit_line){"kur", "case.worker_set", 'C', "", "0{'unit':'kur'}", NULL, NULL}, E_DOSSIER,
                "header.dossierId");
}

static void
a_worker_is_set_by_the_own_unit_or_by_the_head_of_the_agency(void **state)
{
    struct kit *k = *state;

    open_case(k, "sw", 'C');
    kit_refused(k, &(struct kit_line){"sw", "case.worker_set", 'C', "", "0{'unit':'fa'}", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"dir", "case.worker_set", 'C', "", "0{'unit':'ops'}", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"dir", "case.worker_set", 'C', "", "0{'unit':'none'}", NULL, NULL}, E_ADDRESS,
                "sections[0].caseWorkerSetS0.unit");
    KIT_SAY(k, "dir", "case.worker_set", 'C', "", "0{'unit':'fa'}", NULL, "sw=0 fa=0");
}

static void
a_participant_is_added_from_now_or_with_a_ground_from_before(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C');

    kit_refused(k, &(struct kit_line){"dir", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"ops", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL},
                E_DOSSIER, "header.dossierId");
    kit_refused(k, &(struct kit_line){"sw", "sys.participant_added", 'C', "", "0{'unit':'none'}", NULL, NULL},
                E_ADDRESS, "sections[0].sysParticipantAddedS0.unit");
    kit_refused(
        k, &(struct kit_line){"sw", "sys.participant_added", 'C', "", "0{'unit':'kur','historyFrom':'1'}", NULL, NULL},
        E_GROUND, "sections[0].sysParticipantAddedS0.historyFrom");
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, "kur=0 dir=0");
    assert_string_equal(kit_seen(k, "kur", c), "");
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur','historyFrom':'1','ground':{'basis':'STATUTE'}}",
            NULL, "kur=0 dir=0");
    assert_string_equal(kit_seen(k, "kur", c), "01");
    KIT_SAY(k, "kur", "sys.participant_removed", 'C', "", "0{'unit':'kur'}", NULL, "sw=0 dir=0");
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0", NULL, "dir=0");
    assert_string_equal(kit_seen(k, "kur", c), "01"); /* ending takes nothing back */
}

static void
closing_ends_participants_but_those_who_monitor(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C');

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'monitoringPlan':{'units':['kur']}}", NULL, "dir=06 kur=0 fcc=0");
    is(k, "kur", c, "participant");
    is(k, "fcc", c, "");
    is(k, "sw", c, "holder");
    is(k, "dir", c, "office");
}

/* ---- meetings */

static void
convening_opens_a_meeting_and_invites_and_a_revision_removes(void **state)
{
    struct kit *k = *state;
    const struct kit_record *m = KIT_SAY(
        k, "sw", "meeting.convened", 'M', "",
        "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']},{'unit':'kur'}]}", NULL,
        "dir=06 sch=0 kur=0");

    is(k, "sw", m, "holder");
    is(k, "sch", m, "invitee");
    KIT_SAY(k, "sw", "meeting.convened", 'M', "", "0{'meetingId':'$2'} 6{'kind':'CONSULTATION'}", NULL, "dir=06");
    KIT_SAY(k, "sw", "meeting.convened", 'M', "",
            "0{'meetingId':'$1','revision':2} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL,
            "dir=06 sch=0 kur=0");
    is(k, "kur", m, "");
    is(k, "sch", m, "invitee");
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "", "0{'meetingId':'$1'} 6@p1 6@p2", NULL, "dir=06 sch=06");
    is(k, "sch", m, "");
    kit_refused(
        k,
        &(struct kit_line){"sw", "meeting.convened", 'M', "",
                           "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch'},{'unit':'none'}]}",
                           NULL, NULL},
        E_ADDRESS, "sections[1].meetingConvenedS6.invited[1].unit");
}

static void
an_invitee_is_given_rows_on_its_own_pupil_only(void **state)
{
    struct kit *k = *state;
    const struct kit_record *a;
    struct core_view view;

    KIT_SAY(k, "sw", "meeting.convened", 'M', "",
            "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL, NULL);
    a = KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "", "0{'meetingId':'$1'} 6@p1 6@p2 6 6@p2,p1", NULL, NULL);
    core_view(k->core, core_unit_by_id(k->core, "sch"), &a->record, false, &view);
    assert_int_equal(view.sections, 1u << 0 | 1u << 1 | 1u << 4);
    assert_int_equal(view.verdicts[1], CORE_GIVEN_SUBJECT);
    assert_int_equal(view.verdicts[2], CORE_WITHHELD_HALF);
}

static void
an_invitation_about_others_replaces_the_one_before(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "sw", "meeting.convened", 'M', "",
            "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL, NULL);
    KIT_SAY(k, "sw", "meeting.convened", 'M', "",
            "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p2']}]}", NULL, NULL);
    KIT_SAY(k, "sw", "meeting.held", 'M', "", "0{'meetingId':'$1'}", NULL, "dir=0 sch=0");
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "", "0{'meetingId':'$1'} 6@p1", NULL, "dir=06 sch=0");
    KIT_SAY(k, "sw", "meeting.convened", 'M', "",
            "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p2']}]}", NULL, NULL);
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "", "0{'meetingId':'$1'} 6@p2", NULL, "dir=06 sch=06");
}

static void
corrected_agreements_reach_those_who_were_addressed(void **state)
{
    struct kit *k = *state;
    const struct kit_record *a;

    KIT_SAY(k, "sw", "meeting.convened", 'M', "",
            "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL, NULL);
    a = KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "sch", "0{'meetingId':'$1'} 6@p1", NULL, "dir=06 sch=06");
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "", "0{'meetingId':'$1'} 6@p1 6@p2", correcting(a, "AMENDED"),
            "dir=06 sch=06");
}

/* ---- IPUS */

static void
rows_make_providers_and_removing_or_concluding_ends_them(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = KIT_SAY(k, "ic", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, NULL);

    KIT_SAY(k, "ic", "ipus.agreed", 'C', "",
            "0{'ipusId':'$I'} 6@p1{'row':{'provider':'provider'}} 6@p1{'row':{'provider':'sch'}}", NULL,
            "dir=06 ous=06 svc=06 sch=06");
    is(k, "svc", c, "provider"); /* of the agency that the row names */
    is(k, "sch", c, "provider");
    kit_refused(k, &(struct kit_line){"svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$J'} 6", NULL, NULL},
                E_ROLE, "header.actor.role");
    KIT_SAY(k, "svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, "ic=06 dir=0 ous=06");
    KIT_SAY(k, "ic", "ipus.updated", 'C', "", "0{'ipusId':'$I'} 6@p1{'row':{'provider':'sch','removed':true}}", NULL,
            "dir=06 ous=06 sch=06");
    is(k, "sch", c, "");
    is(k, "svc", c, "provider");
    KIT_SAY(k, "ic", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6", NULL, "dir=06 ous=06 svc=0");
    is(k, "svc", c, "");
}

/* ---- courts */

static void
a_court_that_orders_is_party_with_those_it_names(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C');

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ct'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'C', "", "0 1 5{'orderKind':'OBLIGE_COOPERATION','probationUnit':'kur'}",
            NULL, "sw=015 dir=01 kur=015");
    is(k, "ct", c, "participant party");
    is(k, "kur", c, "party");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, "sw=0 fa=0 kur=0 ct=0");
    KIT_SAY(k, "ct", "court.order_issued", 'C', "", "0 1 5{'orderKind':'REVOKED'}", NULL, "sw=015 dir=01");
    is(k, "kur", c, "");
    is(k, "ct", c, "participant");
}

static void
a_party_of_an_order_that_does_not_oblige_sees_no_case(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ct", "court.order_issued", 'L', "ops", "0 1 5{'orderKind':'SUPERVISION','probationUnit':'kur'}", NULL,
            "ops=015 kur=015");
    KIT_SAY(k, "ops", "consent.granted", 'L', "", "0 1 6", NULL, "");
    KIT_SAY(k, "ops", "case.closed", 'L', "", "0", NULL, "");
    KIT_SAY(k, "ops:FA", "case.plan_updated", 'L', "", "0 3", NULL, "kur=03");
    KIT_SAY(k, "ops", "placement.changed", 'L', "", "0 1 7", NULL, "kur=017 ct=017");
}

static void
an_order_ends_with_its_last_day(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ct", "court.order_issued", 'L', "ops",
            "0{'validTo':'2026-03-01'} 1 5{'orderKind':'OBLIGE_COOPERATION','probationUnit':'kur'}", NULL,
            "ops=015 kur=015");
    KIT_SAY(k, "ops", "case.closed", 'L', "", "0", NULL, "kur=0 ct=0");
    k->now_ms += DAY_MS;
    KIT_SAY(k, "ops", "case.closed", 'L', "", "0", NULL, "");
}

static void
a_request_for_insight_makes_the_addressed_court_a_party(void **state)
{
    struct kit *k = *state;
    const struct kit_record *l = KIT_SAY(k, "fa", "court.insight_requested", 'L', "ct sw", "0 1 5 6", NULL,
                                         "ct=015 sw=0156 dir=016");

    is(k, "ct", l, "pending party");
    is(k, "sw", l, "pending");
}

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
    r = referral(k, '1', "agency:cus agency:school agency:big/S");
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
    r = referral(k, '1', "sw agency:paper");
    assert_string_equal(r->record.note->resolved_to[1], "paper");
    assert_string_equal(kit_seen(k, "ops", r), "");
    is(k, "ops", r, "");
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

    open_case(k, "sw", 'C');
    asked = KIT_SAY(k, "sw", "info.requested", 'C', "sch kur", "0 1@p1 6@p1,p2", NULL, "sch=016 kur=016");
    answer = KIT_SAY(k, "sch", "info.provided", 'C', "", "0 1@p1 6@p2 6@p3", answering(asked), "sw=016 kur=016");
    assert_int_equal(answer->record.note->n_answer_to, 3);
    assert_int_equal(answer->record.note->n_answer_about, 2);
    /* Naming an event that one may not see, or of another dossier, brings nobody in. */
    stranger = KIT_SAY(k, "sw", "info.requested", 'C', "ops", "0 6", NULL, NULL);
    answer = KIT_SAY(k, "kur", "info.provided", 'C', "sw", "0", answering(stranger), "sw=0");
    assert_int_equal(answer->record.note->n_answer_to, 0);
    answer = KIT_SAY(k, "kur", "info.provided", 'L', "sw", "0", answering(asked), "sw=0");
    assert_int_equal(answer->record.note->n_answer_to, 0);
    answer = KIT_SAY(k, "kur", "info.provided", 'L', "sw", "0", answering(asked), "sw=0");
    assert_int_equal(answer->record.note->n_answer_to, 0);
}

/* ---- corrections, times, warnings */

static void
a_correction_is_the_authors_and_a_recall_the_holders_too(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = open_case(k, "sw", 'C'), *plan, *other = open_case(k, "sw", 'D');

    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    plan = KIT_SAY(k, "fa", "case.plan_updated", 'C', "", "0 6", NULL, NULL);
    kit_refused(k, &(struct kit_line){"fa", "case.plan_updated", 'C', "", "0 6", correcting(other, "AMENDED"), NULL},
                E_CORRECT, "header.correctsEventId");
    kit_refused(k,
                &(struct kit_line){"fa", "case.assessment_recorded", 'C', "", "0 6", correcting(plan, "AMENDED"), NULL},
                E_CORRECT, "header.correctsEventId");
    kit_refused(k, &(struct kit_line){"sw", "case.opened", 'C', "", "0 6", correcting(other, "AMENDED"), NULL},
                E_CORRECT, "header.correctsEventId");
    kit_refused(k,
                &(struct kit_line){"fa", "case.plan_updated", 'C', "", "0 6",
                                   "'correctsEventId':'01900000-0000-7000-8000-00000000ffff','correction':'AMENDED'",
                                   NULL},
                E_CORRECT, "header.correctsEventId");
    kit_refused(k, &(struct kit_line){"fa", "case.plan_updated", 'C', "", "0 6", "'correction':'AMENDED'", NULL},
                E_CORRECT, "header.correctsEventId");
    KIT_SAY(k, "fa", "case.plan_updated", 'C', "", "0 6", correcting(plan, "AMENDED"), "sw=06 dir=06");
    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'IPUS'}", correcting(c, "AMENDED"), "fa=06 dir=06 ous=0");
    is(k, "sw", c, "holder"); /* still one */
}

static void
a_recall_changes_no_relation(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = referral(k, 'R', "sw ops"), *answer;

    answer = KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'received'}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", correcting(answer, "ENTERED_IN_ERROR"),
            NULL);
    is(k, "sw", r, "pending");
    is(k, "ops", r, "pending office");
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

    open_case(k, "sw", 'C');
    kit_refused(k,
                &(struct kit_line){"sw", "case.closed", 'C', "", "0", "'occurredAt':'2026-03-01T08:05:00.001Z'", NULL},
                E_TIME, "header.occurredAt");
    r = KIT_SAY(k, "sw", "case.closed", 'C', "", "0", "'occurredAt':'2026-03-01T08:05:00Z'", NULL);
    assert_string_equal(warnings(r), "");
    r = KIT_SAY(k, "sw", "case.closed", 'C', "", "0", "'occurredAt':'2026-02-01T08:05:00Z'", NULL);
    assert_string_equal(warnings(r), "W_TIME@header.occurredAt");
    r = KIT_SAY(k, "sw", "case.closed", 'C', "", "0", "'occurredAt':'2026-02-01T08:05:00Z','lateEntry':true", NULL);
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
    open_case(k, "sw", 'C');
    line.to = "";
    kit_refused(k, &line, E_ORDER, "header.dossierId");
    referral(k, 'R', "sw");
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

    open_case(k, "sw", 'C');
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

    referral(k, 'R', "sw ops");
    open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'L', "ops kur", "0 1@p1 5{'orderKind':'SUPERVISION'}", NULL, NULL);
    KIT_SAY(k, "sw", "meeting.convened", 'C', "",
            "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1','p2']}]}", NULL, NULL);
    asked = KIT_SAY(k, "sw", "info.requested", 'C', "kur", "0 1@p1", NULL, NULL);
    KIT_SAY(k, "kur", "info.provided", 'C', "", "0", answering(asked), NULL);
    open_case(k, "sw", 'D');
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

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_referral_makes_its_author_referrer_and_its_addressees_pending_and_their_offices_lookers_on),
        RULE(a_referral_on_behalf_of_an_enrolled_agency_makes_its_units_referrers),
        RULE(accepting_makes_the_holder_and_ends_what_was_pending),
        RULE(the_next_acceptance_ends_the_holder_before_and_its_office),
        RULE(rejecting_ends_ones_own_pending_only),
        RULE(an_answer_for_a_part_leaves_the_whole_as_it_is),
        RULE(only_who_holds_or_is_pending_answers_and_forwards),
        RULE(forwarding_the_whole_gives_history_and_a_part_only_that_event),
        RULE(completing_ends_referrers_and_pending),
        RULE(a_letter_makes_its_addressees_pending_and_an_answer_their_holder),
        RULE(a_concern_not_taken_up_ends_pending),
        RULE(providing_information_takes_a_letter_up),
        RULE(opening_a_case_makes_the_holder_and_its_office),
        RULE(ipus_brings_the_organiser_into_the_office),
        RULE(taking_up_a_referral_by_a_link_makes_its_holder),
        RULE(linking_takes_what_the_kind_of_link_needs),
        RULE(merged_cases_share_relations_from_the_merge_on),
        RULE(merging_with_history_shows_the_other_side_and_no_more_of_ones_own),
        RULE(the_assistants_unit_reads_the_case_from_its_opening),
        RULE(a_substitute_takes_part_until_the_end_of_its_last_day),
        RULE(a_worker_is_set_by_the_own_unit_or_by_the_head_of_the_agency),
        RULE(a_participant_is_added_from_now_or_with_a_ground_from_before),
        RULE(closing_ends_participants_but_those_who_monitor),
        RULE(convening_opens_a_meeting_and_invites_and_a_revision_removes),
        RULE(an_invitee_is_given_rows_on_its_own_pupil_only),
        RULE(an_invitation_about_others_replaces_the_one_before),
        RULE(corrected_agreements_reach_those_who_were_addressed),
        RULE(rows_make_providers_and_removing_or_concluding_ends_them),
        RULE(a_court_that_orders_is_party_with_those_it_names),
        RULE(a_party_of_an_order_that_does_not_oblige_sees_no_case),
        RULE(an_order_ends_with_its_last_day),
        RULE(a_request_for_insight_makes_the_addressed_court_a_party),
        RULE(an_address_leads_to_one_unit),
        RULE(an_agency_outside_is_named_itself_and_its_serving_unit_gets_no_more),
        RULE(an_answer_reaches_the_addressees_and_author_of_what_it_answers),
        RULE(a_correction_is_the_authors_and_a_recall_the_holders_too),
        RULE(a_recall_changes_no_relation),
        RULE(times_ahead_are_refused_and_times_before_the_dossier_are_warned_of),
        RULE(the_author_is_warned_of_what_an_addressee_will_not_be_given),
        RULE(checks_come_in_their_order),
        RULE(the_actor_must_be_the_units_own),
        RULE(unknown_and_not_yours_are_one_answer),
        RULE(deciding_and_seeing_change_nothing),
        RULE(replaying_the_records_gives_the_same_state),
        RULE(the_audience_and_the_list_of_dossiers_miss_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
