/* The rules of relations: what opens each, what ends it, what it covers; one test a rule, the rule in its name. */
#include "test_core_kit.h"

#include "proto/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAPER_OF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"
#define DAY_MS        86400000u

/* ---- referrals */

static void
a_referral_makes_its_author_referrer_and_its_addressees_pending_and_their_offices_lookers_on(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw");

    kit_relations_are(k, "sch", r, "referrer");
    kit_relations_are(k, "sw", r, "pending");
    kit_relations_are(k, "dir", r, "office");
    kit_relations_are(k, "fa", r, "");
    kit_relations_are(k, "ous", r, "");
}

static void
a_referral_on_behalf_of_an_enrolled_agency_makes_its_units_referrers(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = KIT_SAY(k, "rec", "referral.submitted", 'R', "sw", "0 1 6{'service':'OTHER'}",
                                         PAPER_OF("school"), NULL);

    kit_relations_are(k, "sch", r, "referrer");
    kit_relations_are(k, "rec", r, "referrer");
}

static void
an_answer_that_names_the_referral_tells_its_author_the_outcome_only(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = KIT_SAY(k, "ops", "referral.submitted", 'R', "sw", "0 1@p1 6@p1{'service':'OTHER'}",
                                         NULL, "sw=016 dir=016");
    const struct kit_record *on;

    kit_agency(k, "gmina");
    kit_unit(k, "mun", "gmina", "MUN");
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6@p1{'status':'received'}", kit_answering(r), "ops=0 dir=06");
    /* Who sent it on is no referrer, and hears what is said to that. */
    on = KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'mun','whole':'YES'} 6@p1", NULL, "mun=06 dir=06");
    KIT_SAY(k, "mun", "referral.answered", 'R', "", "0 6{'status':'accepted'}", kit_answering(on), "sw=06 ops=0");
}

static void
a_referral_or_letter_without_addressee_is_for_the_unit_that_enters_it(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "");
    const struct kit_record *l = KIT_SAY(k, "ops", "info.requested", 'L', "", "0 6", NULL, "");

    kit_relations_are(k, "sch", r, "referrer pending");
    kit_relations_are(k, "ops", l, "pending office");
    assert_string_equal(r->record.note->warnings[0]->code, "W_NO_ADDRESSEE");
    assert_int_equal(
        KIT_SAY(k, "sch", "referral.submitted", 'S', "ops", "0 1@p1 6", NULL, "ops=016")->record.note->n_warnings, 0);
}

static void
accepting_makes_the_holder_and_ends_what_was_pending(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops");
    const struct kit_record *answer = KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL,
                                              "sch=0 dir=06 ops=06");

    kit_relations_are(k, "sw", r, "holder");
    kit_relations_are(k, "ops", r, "");
    kit_relations_are(k, "dir", r, "office");
    assert_true(kit_note_seen(k, "sw", answer));
    /* What comes after the end is not theirs any more. */
    KIT_SAY(k, "sw", "consent.granted", 'R', "", "0 1 6", NULL, "dir=016");
}

static void
the_next_acceptance_ends_the_holder_before_and_its_office(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'received'}", NULL, "sch=0 dir=06 ops=06");
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, "ops=06 dir=06");
    kit_relations_are(k, "sw", r, "holder"); /* stays until the next accepts */
    /* another agency's answer goes to those it answers, not to the director of their agency */
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, "sch=0 sw=06");
    kit_relations_are(k, "ops", r, "office holder");
    kit_relations_are(k, "sw", r, "");
    kit_relations_are(k, "dir", r, "");
}

static void
handing_over_inside_the_agency_takes_effect_when_the_other_unit_accepts(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C');
    char body[200];
    const struct kit_record *ask;

    (void)snprintf(body, sizeof body,
                   "0 1@p1 6{'service':'HAND_OVER','handOver':{'fromDossier':'%s','historyFrom':%u},"
                   "'ground':{'basis':'STATUTE'}}",
                   kit_id('C'), (unsigned)c->record.seq);
    ask = KIT_SAY(k, "sw", "referral.submitted", 'C', "ic", body, NULL, "ic=01 dir=016");
    kit_relations_are(k, "ic", c, "pending"); /* the history it was given */
    kit_relations_are(k, "sw", ask, "holder");
    KIT_SAY(k, "ic", "referral.answered", 'C', "", "0 6{'status':'accepted'}", NULL, "sw=06 dir=06");
    KIT_SAY(k, "ic", "consent.granted", 'C', "", "0 1@p1 6", NULL, NULL);
    kit_relations_are(k, "sw", &k->records[k->count - 1], "");
    kit_relations_are(k, "ic", &k->records[k->count - 1], "holder");
}

static void
only_the_holder_hands_over_and_only_inside_the_agency(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C');
    const struct kit_record *ask = KIT_SAY(k, "sw", "referral.submitted", 'C', "ops", "0 1@p1 6{'service':'HAND_OVER'}",
                                           NULL, NULL);

    kit_relations_are(k, "ops", ask, "");
    kit_relations_are(k, "ops", c, "");
    ask = KIT_SAY(k, "dir", "referral.submitted", 'C', "ic", "0 1@p1 6{'service':'HAND_OVER'}", NULL, NULL);
    kit_relations_are(k, "ic", ask, "");
}

static void
rejecting_ends_ones_own_pending_only(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'rejected'}", NULL, "sch=0 dir=06 ops=06");
    kit_relations_are(k, "sw", r, "");
    kit_relations_are(k, "dir", r, "");
    kit_relations_are(k, "ops", r, "pending office");
}

static void
an_answer_for_a_part_leaves_the_whole_as_it_is(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted','parts':[{'no':1}]}", NULL, NULL);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'rejected','parts':[{'no':2}]}", NULL, NULL);
    kit_relations_are(k, "sw", r, "pending");
    kit_relations_are(k, "ops", r, "pending office");
}

static void
only_who_holds_or_is_pending_answers_and_forwards(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
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
    const struct kit_record *r = kit_referral(k, 'R', "sw");

    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'NO'} 6", NULL, "dir=06 ops=06");
    kit_relations_are(k, "ops", r, "");
    assert_string_equal(kit_seen(k, "ops", r), "");
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, "dir=06 ops=06");
    kit_relations_are(k, "ops", r, "pending office");
    assert_string_equal(kit_seen(k, "ops", r), "016");
}

static void
completing_ends_referrers_and_pending(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops");

    KIT_SAY(k, "sw", "referral.completed", 'R', "", "0 6{'status':'failed'}", NULL, "sch=0 dir=06 ops=06");
    kit_relations_are(k, "sch", r, "");
    kit_relations_are(k, "sw", r, "");
    kit_relations_are(k, "ops", r, "");
    kit_relations_are(k, "dir", r, "");
}

/* ---- letters and concerns */

static void
a_letter_makes_its_addressees_pending_and_an_answer_their_holder(void **state)
{
    struct kit *k = *state;
    const struct kit_record *l = KIT_SAY(k, "sch", "case.safety_concern_raised", 'L', "sw", "0 1 5", NULL, NULL);

    kit_relations_are(k, "sw", l, "pending");
    kit_relations_are(k, "dir", l, "office");
    KIT_SAY(k, "sw", "case.safety_concern_answered", 'L', "", "0{'outcome':'TAKEN_UP'}", kit_answering(l),
            "sch=0 dir=0");
    kit_relations_are(k, "sw", l, "holder");
}

static void
a_concern_not_taken_up_ends_pending(void **state)
{
    struct kit *k = *state;
    const struct kit_record *l = KIT_SAY(k, "sch", "case.safety_concern_raised", 'L', "sw", "0 1 5", NULL, NULL);

    KIT_SAY(k, "sw", "case.safety_concern_answered", 'L', "", "0{'outcome':'NOT_TAKEN_UP'}", NULL, NULL);
    kit_relations_are(k, "sw", l, "");
    kit_relations_are(k, "dir", l, "");
}

static void
providing_information_takes_a_letter_up(void **state)
{
    struct kit *k = *state;
    const struct kit_record *l = KIT_SAY(k, "ops", "info.requested", 'L', "sch", "0 1 6", NULL, NULL);

    kit_relations_are(k, "sch", l, "pending");
    KIT_SAY(k, "sch", "info.provided", 'L', "", "0 1 6", kit_answering(l), "ops=016");
    kit_relations_are(k, "sch", l, "holder");
}

/* ---- cases */

static void
opening_a_case_makes_the_holder_and_its_office(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C');

    kit_relations_are(k, "sw", c, "holder");
    kit_relations_are(k, "dir", c, "office");
    kit_relations_are(k, "ous", c, "");
}

static void
ipus_brings_the_organiser_into_the_office(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = KIT_SAY(k, "ic", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, "dir=06 ous=0");
    const struct kit_record *d = kit_open_case(k, "sw", 'D');

    kit_relations_are(k, "ous", c, "office");
    kit_relations_are(k, "ous", d, "");
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'ic'}", NULL, "ic=0 dir=0");
    KIT_SAY(k, "ic", "ipus.agreed", 'D', "", "0{'ipusId':'$I','version':1} 6=ic{'row':{'provider':'svc'}}", NULL,
            "sw=0 dir=0 ous=0 svc=0");
    kit_relations_are(k, "ous", d, "office");
}

static void
taking_up_a_referral_by_a_link_makes_its_holder(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops");
    struct core_group_member group[4];
    uint8_t id[16];

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, "dir=0");
    kit_relations_are(k, "sw", r, "holder");
    kit_relations_are(k, "ops", r, "");
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

    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "ops", 'D');
    kit_referral(k, 'R', "ops");
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
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *d, *later;

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    d = kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, "dir=0 kur=0");
    kit_relations_are(k, "kur", d, "participant");
    assert_string_equal(kit_seen(k, "kur", d), "");
    later = KIT_SAY(k, "sw", "case.closed", 'D', "", "0 6{'reason':'MOVED'}", NULL, "dir=06 kur=0");
    kit_relations_are(k, "kur", later, ""); /* ended in both */
    kit_relations_are(k, "kur", c, "");
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'fcc'}", NULL, NULL);
    kit_relations_are(k, "fcc", c, "participant");
    assert_string_equal(kit_seen(k, "fcc", c), "");
}

static void
merging_with_history_shows_the_other_side_and_no_more_of_ones_own(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *d = kit_open_case(k, "sw", 'D');
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
    const struct kit_record *c = kit_open_case(k, "sw", 'C');

    assert_string_equal(kit_seen(k, "fa", c), "");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", "sw=0 fa=0");
    kit_relations_are(k, "fa", c, "participant");
    assert_string_equal(kit_seen(k, "fa", c), "016");
    kit_refused(k, &(struct kit_line){"dir", "case.assistant_assigned", 'C', "", "0{'unit':'nobody'}", NULL, NULL},
                E_ADDRESS, "sections[0].caseAssistantAssignedS0.unit");
}

static void
a_substitute_takes_part_until_the_end_of_its_last_day(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "ops", 'C');

    /* 2026-03-01: the clock of the kit. */
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "kur", "case.worker_set", 'C', "", "0{'unit':'kur','kind':'SUBSTITUTE','until':'2026-03-02'}", NULL,
            "ops=0");
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, "kur=0 fcc=0");
    KIT_SAY(k, "ops", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, "kur=0 fcc=0");
    KIT_SAY(k, "ops", "sys.participant_removed", 'C', "", "0{'unit':'kur'}", NULL, "kur=0 fcc=");
    kit_relations_are(k, "kur", c, "");
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'kur','until':'2026-03-02'}", NULL, NULL);
    k->now_ms += DAY_MS + 15 * 3600000u - 1; /* the last moment of that day in Poland */
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

    kit_open_case(k, "sw", 'C');
    kit_refused(k, &(struct kit_line){"sw", "case.worker_set", 'C', "", "0{'unit':'fa'}", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"dir", "case.worker_set", 'C', "", "0{'unit':'ops'}", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"dir", "case.worker_set", 'C', "", "0{'unit':'none'}", NULL, NULL}, E_ADDRESS,
                "sections[0].caseWorkerSetS0.unit");
    KIT_SAY(k, "dir", "case.worker_set", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", "sw=0 fa=0");
}

static void
who_takes_no_part_cannot_be_removed_and_is_told_nothing(void **state)
{
    const struct kit_line removal = {"sw", "sys.participant_removed", 'C', "", "0{'unit':'kur'}", NULL, NULL};
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    kit_refused(k, &removal, E_ORDER, "sections[0].sysParticipantRemovedS0.unit");
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, "kur=0 dir=0");
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'kur'}", NULL, "kur=0 dir=0");
    kit_refused(k, &removal, E_ORDER, "sections[0].sysParticipantRemovedS0.unit");
}

static void
a_participant_is_added_from_now_or_with_a_ground_from_before(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C');

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
    const struct kit_record *c = kit_open_case(k, "sw", 'C');

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'monitoringPlan':{'units':['kur']}}", NULL, "dir=06 kur=0 fcc=0");
    kit_relations_are(k, "kur", c, "participant");
    kit_relations_are(k, "fcc", c, "");
    kit_relations_are(k, "sw", c, "holder");
    kit_relations_are(k, "dir", c, "office");
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

    kit_relations_are(k, "sw", m, "holder");
    kit_relations_are(k, "sch", m, "invitee");
    KIT_SAY(k, "sw", "meeting.convened", 'M', "", "0{'meetingId':'$2'} 6{'kind':'CONSULTATION'}", NULL, "dir=06");
    KIT_SAY(k, "sw", "meeting.convened", 'M', "",
            "0{'meetingId':'$1','revision':2} 6{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL,
            "dir=06 sch=0 kur=0");
    kit_relations_are(k, "kur", m, "");
    kit_relations_are(k, "sch", m, "invitee");
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "", "0{'meetingId':'$1'} 6@p1 6@p2", NULL, "dir=06 sch=06");
    kit_relations_are(k, "sch", m, "");
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
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'M', "", "0{'meetingId':'$1'} 6@p1 6@p2",
            kit_correcting(a, "AMENDED"), "dir=06 sch=06");
}

/* ---- IPUS */

static void
rows_make_providers_and_removing_or_concluding_ends_them(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = KIT_SAY(k, "ic", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, NULL);

    KIT_SAY(k, "ic", "ipus.agreed", 'C', "",
            "0{'ipusId':'$I','version':1} 6@p1{'row':{'provider':'provider'}} 6@p1{'row':{'provider':'sch'}}", NULL,
            "dir=06 ous=06 svc=06 sch=06");
    kit_relations_are(k, "svc", c, "provider"); /* of the agency that the row names */
    kit_relations_are(k, "sch", c, "provider");
    kit_refused(k, &(struct kit_line){"svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$J'} 6", NULL, NULL},
                E_ROLE, "header.actor.role");
    KIT_SAY(k, "svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, "ic=06 dir=0 ous=06");
    KIT_SAY(k, "ic", "ipus.updated", 'C', "",
            "0{'ipusId':'$I','version':2} 6@p1{'row':{'provider':'sch','removed':true}}", NULL, "dir=06 ous=06 sch=06");
    kit_relations_are(k, "sch", c, "");
    kit_relations_are(k, "svc", c, "provider");
    KIT_SAY(k, "ic", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6{'description':'x'}", NULL, "dir=06 ous=06 svc=0");
    kit_relations_are(k, "svc", c, "");
}

/* ---- courts */

static void
a_court_that_orders_is_party_with_those_it_names(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C');

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ct'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'C', "", "0 1 5{'orderKind':'OBLIGE_COOPERATION','probationUnit':'kur'}",
            NULL, "sw=015 dir=01 kur=015");
    kit_relations_are(k, "ct", c, "participant party");
    kit_relations_are(k, "kur", c, "party");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", "sw=0 fa=0 kur=0 ct=0");
    KIT_SAY(k, "ct", "court.order_issued", 'C', "", "0 1 5{'orderKind':'REVOKED'}", NULL, "sw=015 dir=01");
    kit_relations_are(k, "kur", c, "");
    kit_relations_are(k, "ct", c, "participant");
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

    kit_relations_are(k, "ct", l, "pending party");
    kit_relations_are(k, "sw", l, "pending");
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_referral_makes_its_author_referrer_and_its_addressees_pending_and_their_offices_lookers_on),
        RULE(a_referral_on_behalf_of_an_enrolled_agency_makes_its_units_referrers),
        RULE(an_answer_that_names_the_referral_tells_its_author_the_outcome_only),
        RULE(a_referral_or_letter_without_addressee_is_for_the_unit_that_enters_it),
        RULE(accepting_makes_the_holder_and_ends_what_was_pending),
        RULE(the_next_acceptance_ends_the_holder_before_and_its_office),
        RULE(handing_over_inside_the_agency_takes_effect_when_the_other_unit_accepts),
        RULE(only_the_holder_hands_over_and_only_inside_the_agency),
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
        RULE(who_takes_no_part_cannot_be_removed_and_is_told_nothing),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
