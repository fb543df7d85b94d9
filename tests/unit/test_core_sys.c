/* The commands that change the directory and the policy, what the directory then says, and the conditions behind p. */
#include "test_core_kit.h"

#include "broker/core/policy.h"
#include "broker/core/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define KEY_C "cccccccccccccccccccccccccccccccccccccccc"

static int
setup(void **state)
{
    static struct kit kit;

    kit_create(&kit);
    kit_agency(&kit, "cus");
    kit_unit(&kit, "sw", "cus", "SW");
    kit_unit(&kit, "dir", "cus", "DIR");
    kit_unit(&kit, "fa", "cus", "FA");
    kit_unit(&kit, "ic", "cus", "IC");
    kit_unit(&kit, "ous", "cus", "OUS");
    kit_agency(&kit, "foster");
    kit_unit(&kit, "fcc", "foster", "FCC");
    kit_agency(&kit, "team");
    kit_unit(&kit, "idt", "team", "IDT");
    kit_unit(&kit, "rec", "team", "INT");
    kit_agency(&kit, "audit");
    kit_unit(&kit, "aud", "audit", "AUD");
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
refused(struct kit *k, const char *unit, const char *type, const char *body, enum error_code code, const char *path)
{
    const struct kit_line line = {.unit = unit, .type = type, .sections = body};

    kit_refused(k, &line, code, path);
}

static void
said(struct kit *k, const char *unit, const char *type, const char *body)
{
    KIT_SAY(k, unit, type, 0, "", body, NULL, NULL);
}

static void
only_administrators_enrol_suspend_and_load(void **state)
{
    static const char *const types[] = {"sys.agency_enrolled",  "sys.external_enrolled", "sys.unit_enrolled",
                                        "sys.unit_suspended",   "sys.unit_resumed",      "sys.policy_loaded",
                                        "sys.unit_key_rotated", "sys.person_registered"};
    struct kit *k = *state;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        refused(k, "sw", types[i], "0", E_ROLE, "header.actor.role");
        refused(k, "sw:ADM", types[i], "0", E_ROLE, "header.actor.role");
    }
    refused(k, "adm", "sys.event_rejected", "0", E_ROLE, "header.actor.role");
    refused(k, "adm", "sys.access_recorded", "0", E_ROLE, "header.actor.role");
    refused(k, "adm", "sys.unit_suspended", "0{'unitId':'sw'} 0{'unitId':'dir'}", E_SECTION, "sections");
}

static void
ids_are_enrolled_once_in_one_name_space(void **state)
{
    struct kit *k = *state;

    refused(k, "adm", "sys.agency_enrolled", "0{'agencyId':'cus'}", E_EXISTS,
            "sections[0].sysAgencyEnrolledS0.agencyId");
    refused(k, "adm", "sys.agency_enrolled", "0{'agencyId':'sw'}", E_EXISTS,
            "sections[0].sysAgencyEnrolledS0.agencyId");
    refused(k, "adm", "sys.agency_enrolled", "0{'agencyId':'broker'}", E_EXISTS,
            "sections[0].sysAgencyEnrolledS0.agencyId");
    refused(k, "adm", "sys.external_enrolled", "0{'agencyId':'cus','servedBy':'sw'}", E_EXISTS,
            "sections[0].sysExternalEnrolledS0.agencyId");
    refused(k, "adm", "sys.external_enrolled", "0{'agencyId':'new','servedBy':'cus'}", E_UNKNOWN,
            "sections[0].sysExternalEnrolledS0.servedBy");
    said(k, "adm", "sys.external_enrolled", "0{'agencyId':'paper','name':'p','servedBy':'sw'}");
    refused(k, "adm", "sys.unit_enrolled", "0{'unitId':'cus','agencyId':'cus','key':'" KEY_A "'}", E_EXISTS,
            "sections[0].sysUnitEnrolledS0.unitId");
    refused(k, "adm", "sys.unit_enrolled", "0{'unitId':'new','agencyId':'none','key':'" KEY_A "'}", E_UNKNOWN,
            "sections[0].sysUnitEnrolledS0.agencyId");
    refused(k, "adm", "sys.unit_enrolled", "0{'unitId':'new','agencyId':'paper','key':'" KEY_A "'}", E_UNKNOWN,
            "sections[0].sysUnitEnrolledS0.agencyId");
    refused(k, "adm", "sys.unit_enrolled", "0{'unitId':'new','agencyId':'cus','key':'" KEY_A "','roles':['BRK']}",
            E_FIELD, "sections[0].sysUnitEnrolledS0.roles");
    refused(k, "adm", "sys.unit_enrolled", "0{'unitId':'new','agencyId':'cus','key':'" KEY_A "','parent':'none'}",
            E_UNKNOWN, "sections[0].sysUnitEnrolledS0.parent");
    said(k, "adm", "sys.unit_enrolled",
         "0{'unitId':'new','agencyId':'cus','name':'n','key':'" KEY_A "','parent':'sw','roles':['SW']}");
    refused(k, "adm", "sys.unit_enrolled", "0{'unitId':'newer','agencyId':'cus','key':'" KEY_A "'}", E_EXISTS,
            "sections[0].sysUnitEnrolledS0.key");
}

static void
a_rotated_key_takes_over_and_the_old_one_ends_when_said(void **state)
{
    struct kit *k = *state;
    uint32_t sw = core_unit_by_id(k->core, "sw");
    uint64_t version = core_directory_version(k->core);

    said(k, "sw", "sys.unit_key_rotated", "0{'unitId':'sw','key':'" KEY_A "','oldUntil':'2026-03-02T08:00:00Z'}");
    assert_true(core_directory_version(k->core) > version);
    assert_int_equal(core_unit_by_key(k->core, KEY_A, k->now_ms), sw);
    assert_int_equal(core_unit_by_key(k->core, "swkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", k->now_ms), sw);
    assert_int_equal(core_unit_by_key(k->core, "swkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", k->now_ms + 86400000 - 1),
                     sw);
    assert_int_equal(core_unit_by_key(k->core, "swkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", k->now_ms + 86400000),
                     CORE_UNIT_NONE);
    said(k, "adm", "sys.unit_key_rotated", "0{'unitId':'sw','key':'" KEY_B "'}"); /* at once */
    assert_int_equal(core_unit_by_key(k->core, KEY_A, k->now_ms), CORE_UNIT_NONE);
    assert_int_equal(core_unit_by_key(k->core, KEY_B, k->now_ms), sw);
    refused(k, "adm", "sys.unit_key_rotated", "0{'unitId':'sw','key':'" KEY_A "'}", E_EXISTS,
            "sections[0].sysUnitKeyRotatedS0.key"); /* a key that ended does not come back */
    refused(k, "adm", "sys.unit_key_rotated", "0{'unitId':'none','key':'" KEY_C "'}", E_UNKNOWN,
            "sections[0].sysUnitKeyRotatedS0.unitId");
    refused(k, "dir", "sys.unit_key_rotated", "0{'unitId':'sw','key':'" KEY_C "'}", E_ROLE, "header.actor.role");
}

static void
a_unit_has_four_valid_keys_at_most(void **state)
{
    struct kit *k = *state;
    char body[256];

    for (unsigned i = 0; i <= KEYS_PER_UNIT_MAX; i++) {
        snprintf(body, sizeof body, "0{'unitId':'sw','key':'%040u','oldUntil':'2026-06-02T08:00:00Z'}", i);
        if (i + 1 < KEYS_PER_UNIT_MAX)
            said(k, "sw", "sys.unit_key_rotated", body);
        else
            refused(k, "sw", "sys.unit_key_rotated", body, E_LIMIT, "sections[0].sysUnitKeyRotatedS0.key");
    }
    k->now_ms += 100 * 86400000ull; /* the older ones have ended */
    said(k, "sw", "sys.unit_key_rotated", body);
    assert_int_equal(core_unit_by_key(k->core, "0000000000000000000000000000000000000004", k->now_ms),
                     core_unit_by_id(k->core, "sw"));
}

static void
a_suspended_unit_has_no_key_until_it_is_resumed(void **state)
{
    struct kit *k = *state;
    const char *key = "swkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
    const struct kit_record *r = KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL,
                                         "dir=06 aud=0");
    struct core_unit unit;

    said(k, "adm", "sys.unit_suspended", "0{'unitId':'sw'}");
    assert_int_equal(core_unit_by_key(k->core, key, k->now_ms), CORE_UNIT_NONE);
    core_unit(k->core, core_unit_by_id(k->core, "sw"), &unit);
    assert_true(unit.suspended);
    assert_string_equal(kit_seen(k, "sw", r), ""); /* not even its own */
    said(k, "adm", "sys.unit_resumed", "0{'unitId':'sw'}");
    assert_int_equal(core_unit_by_key(k->core, key, k->now_ms), core_unit_by_id(k->core, "sw"));
    assert_string_equal(kit_seen(k, "sw", r), "06");
    refused(k, "adm", "sys.unit_suspended", "0{'unitId':'none'}", E_UNKNOWN, "sections[0].sysUnitSuspendedS0.unitId");
    refused(k, "adm", "sys.unit_resumed", "0{'unitId':'cus'}", E_UNKNOWN, "sections[0].sysUnitResumedS0.unitId");
}

static void
the_last_active_administrator_is_not_suspended(void **state)
{
    struct kit *k = *state;

    refused(k, "adm", "sys.unit_suspended", "0{'unitId':'adm'}", E_ORDER, "sections[0].sysUnitSuspendedS0.unitId");
    kit_unit(k, "adm2", "op", "ADM");
    said(k, "adm", "sys.unit_suspended", "0{'unitId':'adm2'}");
    refused(k, "adm", "sys.unit_suspended", "0{'unitId':'adm'}", E_ORDER, "sections[0].sysUnitSuspendedS0.unitId");
    said(k, "adm", "sys.unit_resumed", "0{'unitId':'adm2'}");
    said(k, "adm2", "sys.unit_suspended", "0{'unitId':'adm'}");
}

static void
people_are_registered_by_administrators_and_heads_of_the_agency(void **state)
{
    struct kit *k = *state;

    said(k, "dir", "sys.person_registered", "0{'personRef':'w1','unit':'sw'}");
    said(k, "adm", "sys.person_registered", "0{'personRef':'w2','unit':'fcc'}");
    refused(k, "dir", "sys.person_registered", "0{'personRef':'w2','unit':'fcc'}", E_ROLE, "header.actor.role");
    refused(k, "adm", "sys.person_registered", "0{'personRef':'w2','unit':'none'}", E_UNKNOWN,
            "sections[0].sysPersonRegisteredS0.unit");
}

static void
a_policy_counts_from_its_record_on(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = KIT_SAY(k, "sw", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'}", NULL,
                                         "dir=016 aud=0");
    Wici__V1__Policy *policy;
    Wici__V1__Directory *directory;
    struct arena *arena;
    struct refusal refusal = {0};
    struct core_record record;
    struct event event = k->records[0].event; /* the policy that was loaded first */
    Wici__V1__SysPolicyLoadedS0 body = *event.sections[0].section->sys_policy_loaded_s0;
    struct core_decision decision;
    struct core_command command = {.now_ms = k->now_ms, .seq = k->count + 1, .event = &event};
    char *text = strdup(policy_default_text), *at;

    assert_int_equal(arena_create(&arena, 1u << 18), 0);
    command.unit = core_unit_by_id(k->core, "adm");
    at = strstr(text, "P01367/45  01367/45"); /* case.opened, DIR */
    memcpy(at, "P067      ", 10);
    at = strstr(text, "2026-01");
    memcpy(at, "2026-02", 7);
    body.text = text;
    body.version = at;
    event.sections[0].body = &body.base;

    /* The version beside the text must be the text's own. */
    assert_int_equal(core_decide(k->core, &command, arena, &decision, &refusal), -EACCES);
    assert_int_equal(refusal.code, E_POLICY);
    assert_string_equal(refusal.path, "sections[0].sysPolicyLoadedS0.version");
    body.version = strdup("2026-02");
    assert_int_equal(core_decide(k->core, &command, arena, &decision, &refusal), 0);
    record = (struct core_record){.seq = command.seq, .ts_ms = k->now_ms, .event = &event};
    kit_apply(k, &record);
    assert_string_equal(kit_seen(k, "dir", r), "06"); /* on replay too */
    assert_int_equal(core_policy(k->core, arena, &policy), 0);
    assert_string_equal(policy->version, "2026-02");
    assert_string_equal(policy->text, text);
    assert_int_equal(policy->seq, command.seq);
    assert_int_equal(core_directory(k->core, arena, &directory), 0);
    assert_int_equal(directory->n_units, core_unit_count(k->core));

    memcpy(strstr(text, "roles "), "rules ", 6);
    assert_int_equal(core_decide(k->core, &command, arena, &decision, &refusal), -EACCES);
    assert_int_equal(refusal.code, E_POLICY);
    assert_string_equal(refusal.path, "line 14");
    free(text);
    free(body.version);
    arena_destroy(&arena);
}

static void
the_directory_lists_agencies_units_and_keys(void **state)
{
    struct kit *k = *state;
    Wici__V1__Directory *directory;
    struct arena *arena;

    assert_int_equal(arena_create(&arena, 1u << 18), 0);
    said(k, "adm", "sys.external_enrolled",
         "0{'agencyId':'paper','name':'p','kinds':['SCHOOL'],'servedBy':'sw','channel':'PAPER'}");
    said(k, "sw", "sys.unit_key_rotated", "0{'unitId':'sw','key':'" KEY_A "','oldUntil':'2026-03-02T08:00:00Z'}");
    assert_int_equal(core_directory(k->core, arena, &directory), 0);
    assert_int_equal(directory->n_agencies, 6);
    assert_string_equal(directory->agencies[5]->id, "paper");
    assert_true(directory->agencies[5]->external);
    assert_string_equal(directory->agencies[5]->served_by, "sw");
    assert_string_equal(directory->units[1]->id, "sw");
    assert_string_equal(directory->units[1]->agency, "cus");
    assert_int_equal(directory->units[1]->n_roles, 1);
    assert_int_equal(directory->units[1]->n_keys, 2);
    assert_string_equal(directory->units[1]->keys[0]->until, "2026-03-02T08:00:00.000Z");
    assert_string_equal(directory->units[1]->keys[1]->key, KEY_A);
    assert_string_equal(directory->units[1]->keys[1]->until, "");
    arena_destroy(&arena);
}

static void
registers_are_for_everyone_and_refusals_for_those_who_look_after_the_broker(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = KIT_SAY(k, "adm", "sys.unit_suspended", 0, "", "0{'unitId':'fa'}", NULL,
                                         "sw=0 dir=0 ic=0 ous=0 fcc=0 idt=0 rec=0 aud=0");
    struct kit_record made = *r;
    Wici__V1__SysEventRejectedS0 body;
    char agency[] = "foster";

    /* The broker's own records are not decided. */
    wici__v1__sys_event_rejected_s0__init(&body);
    body.agency = agency;
    made.event.type = type_by_name("sys.event_rejected");
    made.event.sections[0].id = section_id(TYPE(SYS_EVENT_REJECTED), 0);
    made.event.sections[0].body = &body.base;
    made.record.event = &made.event;
    assert_string_equal(kit_seen(k, "fcc", &made), "0");
    assert_string_equal(kit_seen(k, "aud", &made), "0");
    assert_string_equal(kit_seen(k, "adm", &made), "0");
    assert_string_equal(kit_seen(k, "sw", &made), "");
}

/* ---- the conditions behind p, met and not */

static void
conditions_let_through_what_meets_them(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *unit, *type, *sections;
        bool met;
    } lines[] = {
        {"fa", "case.opened", "0 4{'entitlement':'PREGNANCY'} 6{'path':'ORDINARY'}", true},
        {"fa", "case.opened", "0 4 6{'path':'ORDINARY'}", false},
        {"ic", "case.opened", "0 6{'path':'IPUS'}", true},
        {"ic", "case.opened", "0 6{'path':'BOTH'}", false},
        {"ic", "meeting.convened", "0 6{'kind':'IPUS_TALK'}", true},
        {"ic", "meeting.convened", "0 6 6{'kind':'CONSULTATION'}", true},
        {"ic", "meeting.convened", "0 6{'kind':'IPUS_TALK'} 6{'kind':'CHILD_REVIEW'}", false},
        {"ic", "meeting.convened", "0 6{'kind':'FIRST_CONTACT'}", false},
        {"ic", "meeting.convened", "0 6{'kind':'IPUS'}", false},
        {"ous", "meeting.convened", "0 6{'kind':'IPUS_COORDINATORS'}", true},
        {"ous", "meeting.convened", "0 6{'kind':'IPUS_TALK'}", false},
        {"idt", "meeting.convened", "0 6{'kind':'DIAGNOSTIC_GROUP'}", true},
        {"idt", "meeting.convened", "0 6{'kind':'CHILD_REVIEW'}", false},
        {"fcc", "meeting.convened", "0 6{'kind':'CHILD_REVIEW'}", true},
        {"fcc", "meeting.convened", "0 6{'kind':'IPUS_COORDINATORS'}", false},
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const struct kit_line line = {
            .unit = lines[i].unit, .type = lines[i].type, .dossier = (char)('A' + i), .sections = lines[i].sections};

        if (lines[i].met)
            kit_say(k, &line);
        else
            kit_refused(k, &line, E_ROLE, "header.actor.role");
    }
}

static void
conditions_on_the_dossier_look_at_the_dossier(void **state)
{
    struct kit *k = *state;
    const struct kit_line close_ordinary = {.unit = "ic", .type = "case.closed", .dossier = 'C', .sections = "0"};
    const struct kit_line held = {.unit = "fcc", .type = "meeting.agreements_issued", .dossier = 'C', .sections = "0"};

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ic'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    kit_refused(k, &close_ordinary, E_ROLE, "header.actor.role");
    KIT_SAY(k, "ic", "case.opened", 'D', "", "0 6{'path':'IPUS'}", NULL, NULL);
    KIT_SAY(k, "ic", "case.closed", 'D', "", "0", NULL, NULL);
    kit_refused(k, &held, E_ROLE, "header.actor.role"); /* it did not convene */
    KIT_SAY(k, "fcc", "meeting.convened", 'C', "", "0{'meetingId':'$1'} 6{'kind':'CHILD_REVIEW'}", NULL, NULL);
    kit_say(k, &held);
    KIT_SAY(k, "fcc", "case.plan_updated", 'C', "", "0 6{'planKind':'CHILD_AID_PLAN'}", NULL, NULL);
    {
        const struct kit_line plan = {
            .unit = "fcc", .type = "case.plan_updated", .dossier = 'C', .sections = "0 6{'planKind':'WORK_PLAN'}"};

        kit_refused(k, &plan, E_ROLE, "header.actor.role");
    }
}

static void
reception_completes_only_what_was_cancelled(void **state)
{
    struct kit *k = *state;
    const char *paper = "+'onBehalfOf':'p1','channel':'PAPER','receivedOn':'2026-02-27'";
    const struct kit_line done = {.unit = "rec",
                                  .type = "referral.completed",
                                  .dossier = 'R',
                                  .sections = "0 6{'status':'completed'}",
                                  .header = paper};

    KIT_SAY(k, "rec", "referral.submitted", 'R', "sw", "0 6", paper, NULL);
    kit_refused(k, &done, E_ROLE, "header.actor.role");
    KIT_SAY(k, "rec", "referral.completed", 'R', "", "0 6{'status':'cancelled'}", paper, NULL);
}

/* ---- bounds and size */

static void
a_dossier_with_too_many_relations_takes_no_more(void **state)
{
    struct kit *k = *state;
    struct relation_spec spec = {.kind = RELATION_PARTICIPANT, .from_seq = 1};
    const struct kit_line close = {.unit = "sw", .type = "case.closed", .dossier = 'C', .sections = "0"};
    const struct kit_line invite = {
        .unit = "sw", .type = "sys.participant_added", .dossier = 'C', .sections = "0{'unit':'fcc'}"};

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    k->changed = true;
    spec.who = core_unit_by_id(k->core, "fcc");
    while (k->core->dossiers.at[0].relation_count < RELATIONS_PER_DOSSIER_MAX - 16) {
        spec.until_ms++;
        assert_int_equal(dossiers_open(&k->core->dossiers, &k->core->directory, 0, &spec), 0);
    }
    kit_say(k, &invite);
    while (k->core->dossiers.at[0].relation_count < RELATIONS_PER_DOSSIER_MAX) {
        spec.until_ms++;
        assert_int_equal(dossiers_open(&k->core->dossiers, &k->core->directory, 0, &spec), 0);
    }
    kit_refused(k, &invite, E_LIMIT, "header.dossierId");
    kit_refused(k, &close, E_LIMIT, "header.dossierId");
}

static void
a_dossier_with_too_many_acts_takes_no_more(void **state)
{
    struct kit *k = *state;
    const struct kit_line close = {.unit = "sw", .type = "case.closed", .dossier = 'C', .sections = "0"};
    struct dossier *dossier;
    struct act *acts;

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    k->changed = true;
    dossier = &k->core->dossiers.at[0];
    assert_true(dossier->act_count > 0);
    acts = reallocarray(dossier->acts, ACTS_PER_DOSSIER_MAX, sizeof *acts);
    assert_non_null(acts);
    while (dossier->act_count < ACTS_PER_DOSSIER_MAX)
        acts[dossier->act_count++] = acts[0];
    dossier->acts = acts;
    dossier->act_cap = ACTS_PER_DOSSIER_MAX;
    kit_refused(k, &close, E_LIMIT, "header.dossierId");
}

/* What may be told of its deadlines is still told. */
static void
a_dossier_with_too_many_marks_takes_no_more(void **state)
{
    struct kit *k = *state;
    const struct kit_line close = {.unit = "sw", .type = "case.closed", .dossier = 'C', .sections = "0"};
    struct dossier *dossier;
    struct mark mark;
    char notice[200];

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0{'proceedingStartedOn':'2026-01-08'} 6{'path':'ORDINARY'}", NULL, NULL);
    kit_unit(k, "clerk", "op", "CLERK");
    k->changed = true;
    dossier = &k->core->dossiers.at[0];
    assert_int_equal(dossier->marks.count, 1);
    mark = (struct mark){.seq = 1, .says = SIGN_REPORT};
    while (dossier->marks.count + MARKS_PER_EVENT_MAX <= MARKS_PER_DOSSIER_MAX)
        assert_int_equal(marks_add(&dossier->marks, &mark), 0);
    kit_refused(k, &close, E_LIMIT, "header.dossierId");
    (void)snprintf(notice, sizeof notice,
                   "0{'deadline':{'clock':'D2','startSeq':'%llu','startedOn':'2026-01-08','due':'2026-02-09'}}",
                   (unsigned long long)dossier->marks.at[0].seq);
    KIT_SAY(k, "clerk", "sys.deadline_approaching", 'C', "", notice, NULL, NULL);
}

static size_t
state_bytes(const struct core *core)
{
    const struct dossiers *ds = &core->dossiers;
    size_t bytes = ds->cap * sizeof *ds->at + (ds->slot_mask + 1) * sizeof *ds->slots +
                   ds->entry_cap * sizeof *ds->by_entry + ds->about_cap * sizeof *ds->about +
                   ds->extra_cap * sizeof *ds->extras + ds->persons.text_cap +
                   ds->persons.cap * sizeof *ds->persons.start +
                   (ds->persons.slot_mask + 1) * sizeof *ds->persons.slots;

    for (uint32_t i = 0; i < ds->count; i++)
        bytes += ds->at[i].relation_cap * sizeof *ds->at[i].relations + ds->at[i].link_cap * sizeof *ds->at[i].links +
                 ds->at[i].act_cap * sizeof *ds->at[i].acts + ds->at[i].marks.cap * sizeof *ds->at[i].marks.at;
    for (uint32_t i = 0; i < core->directory.unit_count; i++)
        bytes += core->directory.units[i].entries.cap * sizeof(uint32_t);
    for (uint32_t i = 0; i < core->directory.agency_count; i++)
        bytes += core->directory.agencies[i].entries.cap * sizeof(uint32_t);
    return bytes;
}

static void
an_ordinary_dossier_costs_at_most_512_bytes(void **state)
{
    struct kit *k = *state;
    struct kit_record *first;
    uint32_t entry = 1000;
    size_t before, each;
    const size_t families = 3000;

    /* A referral, taken up as a case with an assistant: two dossiers and six events a family. */
    first = KIT_SAY(k, "rec", "referral.submitted", 'R', "sw",
                    "0{'informationReceivedOn':'2026-02-27'} 1@p1 6{'service':'FAMILY_ASSISTANT'}",
                    "+'onBehalfOf':'p1','channel':'PAPER','receivedOn':'2026-02-27'", NULL);
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0{'answeredOn':'2026-03-01'} 6{'status':'received'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.opened", 'C', "", "0{'proceedingStartedOn':'2026-03-01'} 1@p1 6{'path':'ORDINARY'}", NULL,
            NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'SIBLING','otherDossier':'$R'}", NULL, NULL);
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "fa", "0{'unit':'fa','assignedOn':'2026-03-01'}",
            "'lateEntry':true", NULL);
    KIT_SAY(k, "fa", "case.plan_updated", 'C', "sw", "0 6", NULL, NULL);
    before = state_bytes(k->core);
    for (size_t i = 0; i < families; i++, entry += 2)
        for (size_t j = 0; first + j < &k->records[k->count]; j++) {
            struct event event = first[j].event;
            struct core_record record = first[j].record;

            record.seq += (i + 1) * 6;
            record.entry = entry + (j >= 2);
            record.event = &event;
            memcpy(event.dossier_id, &record.entry, sizeof record.entry);
            kit_apply(k, &record);
        }
    each = (state_bytes(k->core) - before) / (2 * families);
    printf("state per ordinary dossier: %zu bytes\n", each);
    assert_true(each > 100);
    assert_true(each <= 512);
}

/* Else who takes part could mark anybody's event, of any dossier, as entered in error. */
static void
a_command_corrects_nothing(void **state)
{
    struct kit *k = *state;
    struct kit_record *opened = KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    struct kit_line line = {
        .unit = "sw", .type = "sys.participant_added", .dossier = 'C', .sections = "0{'unit':'fcc'}"};

    line.header = kit_correcting(opened, "ENTERED_IN_ERROR");
    kit_refused(k, &line, E_CORRECT, "header.correctsEventId");
    line.header = "'correction':'AMENDED'";
    kit_refused(k, &line, E_CORRECT, "header.correction");
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
}

#define COMMAND(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        COMMAND(only_administrators_enrol_suspend_and_load),
        COMMAND(ids_are_enrolled_once_in_one_name_space),
        COMMAND(a_rotated_key_takes_over_and_the_old_one_ends_when_said),
        COMMAND(a_unit_has_four_valid_keys_at_most),
        COMMAND(a_suspended_unit_has_no_key_until_it_is_resumed),
        COMMAND(the_last_active_administrator_is_not_suspended),
        COMMAND(people_are_registered_by_administrators_and_heads_of_the_agency),
        COMMAND(a_policy_counts_from_its_record_on),
        COMMAND(the_directory_lists_agencies_units_and_keys),
        COMMAND(registers_are_for_everyone_and_refusals_for_those_who_look_after_the_broker),
        COMMAND(conditions_let_through_what_meets_them),
        COMMAND(conditions_on_the_dossier_look_at_the_dossier),
        COMMAND(reception_completes_only_what_was_cancelled),
        COMMAND(a_dossier_with_too_many_relations_takes_no_more),
        COMMAND(a_dossier_with_too_many_acts_takes_no_more),
        COMMAND(a_dossier_with_too_many_marks_takes_no_more),
        COMMAND(a_command_corrects_nothing),
        COMMAND(an_ordinary_dossier_costs_at_most_512_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
