/*
 * Conditions of the matrix that look at the dossier or at whose paper it is (broker/core/conditions.c): each as it is
 * met and as it is not. Those that the event alone decides are in unit.core_cells; the assistant's own family and the
 * opinion for the court in unit.core_invariants.
 */
#include "test_core_kit.h"

#define BEHALF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"
#define ORDER       "0 1 5{'orderKind':'OBLIGE_COOPERATION'}"
#define SIBLING     "0{'kind':'SIBLING','otherDossier':'$D'}"
#define CLOSE       "0 6{'reason':'NO_NEED'}"

static void
a_coordinator_opens_and_ends_a_case_of_services_alone(void **state)
{
    struct kit *k = *state;
    const struct kit_line close = {"ic", "case.closed", 'C', "", CLOSE, NULL, NULL};

    kit_refused(k, &(struct kit_line){"ic", "case.opened", 'C', "", "0 6{'path':'BOTH'}", NULL, NULL}, E_ROLE,
                "header.actor.role");
    /* Under "Za życiem" an assistant comes: that is a social worker's to open. */
    kit_refused(
        k,
        &(struct kit_line){"ic", "case.opened", 'C', "", "0 4{'entitlement':'PREGNANCY'} 6{'path':'IPUS'}", NULL, NULL},
        E_ROLE, "header.actor.role");
    KIT_SAY(k, "ic", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, NULL);
    kit_say(k, &close);
    kit_say(k, &close); /* marked, as for everybody */

    /* Of interview and request he is not told: they change nothing. Once an assistant is there, others end it. */
    for (char dossier = 'D'; dossier <= 'E'; dossier++) {
        KIT_SAY(k, "ic", "case.opened", dossier, "", "0 6{'path':'IPUS'}", NULL, NULL);
        KIT_SAY(k, "ic", "sys.participant_added", dossier, "", "0{'unit':'sw'}", NULL, NULL);
        KIT_SAY(k, "sw", "case.interview_completed", dossier, "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
        KIT_SAY(k, "sw", "case.assistant_requested", dossier, "", "0 6", NULL, NULL);
    }
    KIT_SAY(k, "ic", "case.closed", 'D', "", CLOSE, NULL, NULL);
    KIT_SAY(k, "dir", "case.assistant_assigned", 'E', "", "0{'unit':'fa'}", NULL, NULL);
    kit_refused(k, &(struct kit_line){"ic", "case.closed", 'E', "", CLOSE, NULL, NULL}, E_ROLE, "header.actor.role");
    KIT_SAY(k, "sw", "case.closed", 'E', "", CLOSE, NULL, NULL);
}

static void
who_links_a_dossier_leads_it_or_his_office_does(void **state)
{
    struct kit *k = *state;
    const struct kit_line by_participant = {"ops:SW", "case.linked", 'C', "", SIBLING, NULL, NULL};

    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ops'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'ops'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ic'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'ic'}", NULL, NULL);
    kit_refused(k, &by_participant, E_ROLE, "header.actor.role");
    kit_refused(k, &(struct kit_line){"ops:DIR", "case.linked", 'C', "", SIBLING, NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"ic", "case.linked", 'C', "", SIBLING, NULL, NULL}, E_ROLE, "header.actor.role");
    KIT_SAY(k, "dir", "case.linked", 'C', "", SIBLING, NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", SIBLING, NULL, NULL);
    /* Of what it has still to answer, too; and of what nobody leads any more. */
    KIT_SAY(k, "sw", "info.requested", 'L', "ops", "0 6", NULL, NULL);
    KIT_SAY(k, "ops:SW", "case.linked", 'L', "", "0{'kind':'SIBLING','otherDossier':'$C'}", NULL, NULL);
    kit_referral(k, 'R', "sw");
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'rejected'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'R', "", SIBLING, NULL, NULL);
}

static void
a_courts_paper_is_a_courts(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'far-court','name':'x','kinds':['COURT'],'servedBy':'rec','channel':'PAPER'}", NULL, NULL);
    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'far-school','name':'x','kinds':['SCHOOL'],'servedBy':'rec','channel':'PAPER'}", NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        const char *type = i == 0 ? "court.order_issued" : "court.opinion_requested";
        const char *sections = i == 0 ? ORDER : "0 1 5";

        kit_refused(k, &(struct kit_line){"rec", type, 'L', "sw", sections, BEHALF("far-school"), NULL}, E_BEHALF,
                    "header.actor.onBehalfOf");
        kit_refused(k, &(struct kit_line){"rec", type, 'L', "sw", sections, BEHALF("school"), NULL}, E_BEHALF,
                    "header.actor.onBehalfOf");
        kit_refused(k, &(struct kit_line){"sw", type, 'L', "sw", sections, BEHALF("school"), NULL}, E_BEHALF,
                    "header.actor.onBehalfOf");
        kit_refused(k, &(struct kit_line){"sw", type, 'L', "sw", sections, BEHALF("cus"), NULL}, E_BEHALF,
                    "header.actor.onBehalfOf");
    }
    KIT_SAY(k, "rec", "court.order_issued", 'L', "sw", ORDER, BEHALF("far-court"), NULL);
    KIT_SAY(k, "rec", "court.order_issued", 'M', "sw", ORDER, BEHALF("court"), NULL);
    KIT_SAY(k, "sw", "court.opinion_requested", 'N', "sw", "0 1 5", BEHALF("court"), NULL);
}

#define CONDITION(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CONDITION(a_coordinator_opens_and_ends_a_case_of_services_alone),
        CONDITION(who_links_a_dossier_leads_it_or_his_office_does),
        CONDITION(a_courts_paper_is_a_courts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
