/* Settings of agencies (sys.setting_registered), and their reports (sys.report_presented): who registers them, and what
 * they change. */
#include "test_core_kit.h"

#include <stdio.h>

#define ON(agency, setting)  "0{'agency':'" agency "','setting':'" setting "','on':true,'from':'2026-01-01'}"
#define OFF(agency, setting) "0{'agency':'" agency "','setting':'" setting "','from':'2026-01-01'}"
#define PLAN                 "0{'ipusId':'$I','version':1} 1 6{'row':{'serviceRef':'a','provider':'svc','schedule':'x','place':'y'}}"

static const struct kit_line plan = {.unit = "fa", .type = "ipus.agreed", .dossier = 'C', .sections = PLAN};

static void
assistant_in(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
}

static void
an_assistant_is_no_coordinator_unless_his_agency_has_it_so(void **state)
{
    struct kit *k = *state;

    assistant_in(k);
    kit_refused(k, &plan, E_ROLE, "header.actor.role");
    KIT_SAY(k, "adm", "sys.setting_registered", 0, "", ON("gops", "FA_AS_IC"), NULL, NULL); /* another's */
    kit_refused(k, &plan, E_ROLE, "header.actor.role");
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "", ON("cus", "FA_AS_IC"), NULL, NULL);
    kit_say(k, &plan);
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "", OFF("cus", "FA_AS_IC"), NULL, NULL);
    kit_refused(k, &(struct kit_line){"fa", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL}, E_ROLE,
                "header.actor.role");
}

static void
a_setting_holds_on_its_days(void **state)
{
    struct kit *k = *state; /* it is 2026-03-01 */

    assistant_in(k);
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "",
            "0{'agency':'cus','setting':'FA_AS_IC','on':true,'from':'2026-03-02'}", NULL, NULL);
    kit_refused(k, &plan, E_ROLE, "header.actor.role");
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "",
            "0{'agency':'cus','setting':'FA_AS_IC','on':true,'from':'2026-01-01','to':'2026-02-28'}", NULL, NULL);
    kit_refused(k, &plan, E_ROLE, "header.actor.role");
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "",
            "0{'agency':'cus','setting':'FA_AS_IC','on':true,'from':'2026-03-01','to':'2026-03-01'}", NULL, NULL);
    kit_say(k, &plan);
}

static void
it_is_the_directors_of_that_agency_and_the_administrators_to_register(void **state)
{
    struct kit *k = *state;
    struct kit_line line = {.unit = "dir", .type = "sys.setting_registered", .sections = ON("school", "FA_AS_IC")};

    kit_refused(k, &line, E_ROLE, "header.actor.role");
    line.unit = "sw";
    line.sections = ON("cus", "FA_AS_IC");
    kit_refused(k, &line, E_ROLE, "header.actor.role");
    line.unit = "adm";
    line.sections = ON("nobody", "FA_AS_IC");
    kit_refused(k, &line, E_UNKNOWN, "sections[0].sysSettingRegisteredS0.agency");
    line.sections = ON("cus", "FA_AS_IC");
    line.expect = "rec=0 sw=0 fa=0 dir=0 ic=0 ous=0 sch=0 ct=0 kur=0 svc=0 ops=0 fcc=0"; /* known to all agencies */
    kit_say(k, &line);
}

static void
a_request_for_insight_is_marked_or_where_the_agency_has_it_so_refused(void **state)
{
    struct kit *k = *state;

    KIT_MARKED(k, "W_INSIGHT_BY_FA", "fa", "court.insight_requested", 'L', "ct", "0 1 5 6", NULL, NULL);
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "", ON("cus", "INSIGHT_NOT_BY_FA"), NULL, NULL);
    kit_refused(k, &(struct kit_line){"fa", "court.insight_requested", 'M', "ct", "0 1 5 6", NULL, NULL},
                E_ROLE_INSIGHT, "header.actor.role");
    KIT_MARKED(k, "W_INSIGHT_BY_FA", "ic", "court.insight_requested", 'M', "ct", "0 1 5 6", NULL,
               NULL); /* marked only */
    KIT_MARKED(k, "W_INSIGHT_BY_FA", "ops:FA", "court.insight_requested", 'N', "ct", "0 1 5 6", NULL, NULL);
}

/* sys.report_presented */
static void
a_report_is_the_organisers_to_units_of_his_own_agency(void **state)
{
#define REPORT(from, to, whom)                                                                                         \
    "0{'kind':'ART_46','periodFrom':'" from "','periodTo':'" to "','presentedTo':[" whom "],'presentedOn':'2026-02-"   \
    "01'}"
    struct kit *k = *state;
    struct kit_line line = {
        .unit = "ous", .type = "sys.report_presented", .sections = REPORT("2025-07-01", "2025-12-31", "'dir','ops'")};

    kit_refused(k, &line, E_ADDRESS, "sections[0].sysReportPresentedS0.presentedTo[1]");
    line.sections = REPORT("2025-07-01", "2025-06-30", "'dir'");
    kit_refused(k, &line, E_FIELD, "sections[0].sysReportPresentedS0.periodTo");
    line.sections = REPORT("2025-07-01", "2025-12-31", "'dir','ous'");
    line.unit = "ic";
    kit_refused(k, &line, E_ROLE, "header.actor.role");
    line.unit = "ous";
    kit_say(k, &line);
}

#define SETTING(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SETTING(an_assistant_is_no_coordinator_unless_his_agency_has_it_so),
        SETTING(a_setting_holds_on_its_days),
        SETTING(it_is_the_directors_of_that_agency_and_the_administrators_to_register),
        SETTING(a_report_is_the_organisers_to_units_of_his_own_agency),
        SETTING(a_request_for_insight_is_marked_or_where_the_agency_has_it_so_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
