/*
 * Every cell of the permission matrix, by every relation, mark and person: what core_view gives, held against the
 * domain's tables written out here. Then every cell's P, p and nothing, with a relation and without.
 *
 * A unit with exactly one role has exactly one relation to the dossier. The oracle knows nothing of the core's code.
 */
#include "test_core_kit.h"

#include "broker/core/state.h"
#include "test_core_matrix.h"
#include "test_core_oracle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQ     1000u
#define NOW     1772352000000u
#define MEETING "d0000000-0000-7000-8000-000000000001"

/* ---- the oracle */

enum section_mark {
    MARK_NONE,
    FOR_UNIT,
    FOR_AGENCY,
    FOR_OTHER,
    NOT_UNIT,
    NOT_AGENCY,
    ABOUT_OURS,
    ABOUT_OTHERS,
    FOR_OTHER_ABOUT_OURS,
    MARK_COUNT
};

static bool
oracle_knows_persons(enum how how, enum section_mark mark)
{
    if (mark == ABOUT_OTHERS)
        return how == BY_ADDRESS;
    return mark == ABOUT_OURS && (how == BY_ADDRESS || how == BY_ANSWER || how == BY_PARTICIPANT || how == BY_INVITEE ||
                                  how == BY_PROVIDER || how == BY_PARTY || how == BY_PARTY_NOT_OBLIGED);
}

static bool
oracle_gives(const struct matrix_cell *cell, enum how how, const char *type, const char *role, unsigned cls,
             enum section_mark mark, bool protected)
{
    bool delivers = oracle_delivers(how, type, role);

    if (how == BY_AUTHOR)
        return true;
    if (!delivers && strcmp(role, "AUD") != 0)
        return false;
    if (mark == FOR_OTHER || mark == NOT_UNIT || mark == NOT_AGENCY || mark == FOR_OTHER_ABOUT_OURS)
        return false;
    if (how == BY_REFERRER && delivers && cls != 0)
        return false;
    if (protected && cls == 7 && !is_one_of(role, "SW FCC CT KUR"))
        return false;
    if ((cell->full & 1u << cls) != 0)
        return true;
    if ((cell->half & 1u << cls) == 0)
        return false;
    return mark == FOR_UNIT || mark == FOR_AGENCY || (delivers && oracle_knows_persons(how, mark));
}

/* ---- an institution for every role, a dossier for every relation of it */

struct world {
    struct core *core;
    uint32_t units[MATRIX_ROLES]; /* unit index by role, less 1 */
    uint32_t dossiers[MATRIX_ROLES][HOW_COUNT];
};

struct built {
    struct event event;
    Wici__V1__Header header;
    Wici__V1__Actor actor;
    Wici__V1__Section sections[TYPE_CLASSES];
    Wici__V1__ServiceRow row;
    ProtobufCMessage *bodies[TYPE_CLASSES];
    Wici__V1__BrokerNote note;
};

static void
agency_and_unit(struct core *core, const char *unit, const char *agency, Wici__V1__Role role)
{
    Wici__V1__SysAgencyEnrolledS0 a;
    Wici__V1__SysUnitEnrolledS0 u;
    char key[41];
    char *texts[3];

    wici__v1__sys_agency_enrolled_s0__init(&a);
    wici__v1__sys_unit_enrolled_s0__init(&u);
    snprintf(key, sizeof key, "%-40s", unit);
    texts[0] = strdup(unit);
    texts[1] = strdup(agency);
    texts[2] = strdup(key);
    a.agency_id = a.name = texts[1];
    u.unit_id = u.name = texts[0];
    u.agency_id = texts[1];
    u.key = texts[2];
    u.roles = &role;
    u.n_roles = 1;
    assert_int_equal(directory_add_agency(&core->directory, &a), 0);
    assert_int_equal(directory_add_unit(&core->directory, &u), 0);
    for (size_t i = 0; i < 3; i++)
        free(texts[i]);
}

static void
relate(struct world *w, size_t role, enum how how)
{
    static const struct {
        enum relation_kind kind;
        bool about, ref;
        uint8_t flags;
    } specs[HOW_COUNT] = {
        [BY_HOLDER] = {RELATION_HOLDER, false, false, 0},
        [BY_PENDING] = {RELATION_PENDING, false, false, 0},
        [BY_OFFICE] = {RELATION_OFFICE, false, false, 0},
        [BY_PARTICIPANT] = {RELATION_PARTICIPANT, true, false, 0},
        [BY_REFERRER] = {RELATION_REFERRER, false, false, 0},
        [BY_INVITEE] = {RELATION_INVITEE, true, true, 0},
        [BY_PROVIDER] = {RELATION_PROVIDER, true, true, 0},
        [BY_PARTY] = {RELATION_PARTY, true, false, RELATION_OBLIGES},
        [BY_PARTY_NOT_OBLIGED] = {RELATION_PARTY, true, false, 0},
    };
    static const char *const ours[] = {"p1"};
    struct core *core = w->core;
    uint32_t *dossier = &w->dossiers[role][how];
    uint8_t id[16] = {0}, ref[16];
    struct relation_spec spec = {
        .kind = specs[how].kind, .who = w->units[role], .from_seq = 1, .flags = specs[how].flags};

    assert_int_equal(uuid_parse(MEETING, ref), 0);
    id[0] = (uint8_t)role;
    id[1] = (uint8_t)how;
    assert_int_equal(dossiers_add(&core->dossiers, id, (uint32_t)(role * HOW_COUNT + how + 1), OPENS_LETTER, 1, NOW,
                                  DIRECTORY_NONE, dossier),
                     0);
    core->dossiers.at[*dossier].flags = DOSSIER_IPUS; /* so that an OUS is of the office */
    if (how <= BY_ANSWER)
        return;
    if (how == BY_OFFICE)
        spec.who = core->directory.units[w->units[role]].agency;
    if (specs[how].about) {
        spec.about = ours;
        spec.about_count = 1;
    }
    if (specs[how].ref)
        spec.ref = ref;
    assert_int_equal(dossiers_open(&core->dossiers, &core->directory, *dossier, &spec), 0);
}

static int
world_create(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct refusal refusal;

    assert_non_null(w);
    assert_int_equal(core_create(&w->core), 0);
    assert_int_equal(policy_parse(&w->core->policy, policy_default_text, policy_default_len, &refusal), 0);
    agency_and_unit(w->core, "x", "xx", WICI__V1__ROLE__SW);
    agency_and_unit(w->core, "y", "yy", WICI__V1__ROLE__SW);
    for (size_t role = 0; role < MATRIX_ROLES; role++) {
        char unit[16], agency[16];

        snprintf(unit, sizeof unit, "u%zu", role);
        snprintf(agency, sizeof agency, "a%zu", role);
        agency_and_unit(w->core, unit, agency, (Wici__V1__Role)(role + 1));
        w->units[role] = core_unit_by_id(w->core, unit);
        for (unsigned how = 0; how < HOW_COUNT; how++)
            relate(w, role, (enum how)how);
    }
    *state = w;
    return 0;
}

static int
world_destroy(void **state)
{
    struct world *w = *state;

    core_destroy(&w->core);
    free(w);
    return 0;
}

/* ---- an event with a section of each class */

static void
set_text(ProtobufCMessage *body, const char *field, const char *text)
{
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(body->descriptor, field);

    if (f != NULL)
        memcpy((char *)body + f->offset, &text, sizeof text);
}

static void
build(struct built *b, const struct type_info *type, const char *unit)
{
    memset(b, 0, sizeof *b);
    wici__v1__header__init(&b->header);
    wici__v1__actor__init(&b->actor);
    wici__v1__broker_note__init(&b->note);
    wici__v1__service_row__init(&b->row);
    b->header.actor = &b->actor;
    b->event.type = type;
    b->event.header = &b->header;
    b->event.has_dossier = true;
    set_text(&b->row.base, "provider", unit);
    for (uint8_t cls = 0; cls < TYPE_CLASSES; cls++) {
        struct event_section *s;
        const ProtobufCFieldDescriptor *row;
        const Wici__V1__ServiceRow *own_row = &b->row;

        if (type->body[cls] == NULL)
            continue;
        b->bodies[cls] = calloc(1, type->body[cls]->desc->sizeof_message);
        assert_non_null(b->bodies[cls]);
        protobuf_c_message_init(type->body[cls]->desc, b->bodies[cls]);
        set_text(b->bodies[cls], "meeting_id", MEETING);
        set_text(b->bodies[cls], "ipus_id", MEETING);
        set_text(b->bodies[cls], "probation_unit", unit);
        row = protobuf_c_message_descriptor_get_field_by_name(type->body[cls]->desc, "row");
        if (row != NULL && row->descriptor == &wici__v1__service_row__descriptor)
            memcpy((char *)b->bodies[cls] + row->offset, &own_row, sizeof own_row);
        wici__v1__section__init(&b->sections[cls]);
        s = &b->event.sections[b->event.section_count++];
        s->section = &b->sections[cls];
        s->body = b->bodies[cls];
        s->cls = cls;
        s->id = section_id(type->number, cls);
    }
}

static void
unbuild(struct built *b)
{
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++)
        free(b->bodies[cls]);
}

static void
put_marks(struct built *b, enum section_mark mark, char *unit[1], char *agency[1])
{
    static char yy[] = "yy", p1[] = "p1", p9[] = "p9";
    static char *other[] = {yy}, *ours[] = {p1}, *others[] = {p9};

    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        Wici__V1__Section *s = &b->sections[cls];

        s->n_only_for = mark == FOR_UNIT || mark == FOR_AGENCY || mark == FOR_OTHER || mark == FOR_OTHER_ABOUT_OURS;
        s->only_for = mark == FOR_UNIT ? unit : mark == FOR_AGENCY ? agency : other;
        s->n_not_to = mark == NOT_UNIT || mark == NOT_AGENCY;
        s->not_to = mark == NOT_UNIT ? unit : agency;
        s->n_subjects = mark == ABOUT_OURS || mark == ABOUT_OTHERS || mark == FOR_OTHER_ABOUT_OURS;
        s->subjects = mark == ABOUT_OTHERS ? others : ours;
    }
}

static void
each_cell_gives_what_the_matrix_and_the_relations_say(void **state)
{
    static char x[] = "x", xx[] = "xx", p1[] = "p1";
    static char *about[] = {p1};
    struct world *w = *state;
    size_t compared = 0;

    for (size_t i = 0; i < MATRIX_TYPES; i++)
        for (size_t role = 0; role < MATRIX_ROLES; role++) {
            char unit[16], agency[16];
            char *units[] = {unit}, *agencies[] = {agency};
            struct built b;

            snprintf(unit, sizeof unit, "u%zu", role);
            snprintf(agency, sizeof agency, "a%zu", role);
            build(&b, type_by_name(matrix[i].type), unit);
            for (unsigned how = 0; how < HOW_COUNT; how++)
                for (unsigned mark = 0; mark < MARK_COUNT; mark++)
                    for (unsigned protected = 0; protected < 2; protected ++) {
                        struct dossier *dossier = &w->core->dossiers.at[w->dossiers[role][how]];
                        struct core_record record = {
                            .seq = SEQ, .ts_ms = NOW, .entry = dossier->entry, .event = &b.event, .note = &b.note};
                        struct core_view view;
                        bool any = false;

                        dossier->flags = DOSSIER_IPUS;
                        if (protected)
                            dossier->flags |= DOSSIER_ADDRESS_PROTECTED;
                        put_marks(&b, (enum section_mark)mark, units, agencies);
                        b.actor.unit = how == BY_AUTHOR ? unit : x;
                        b.actor.agency = how == BY_AUTHOR ? agency : xx;
                        b.note.resolved_to = units;
                        b.note.n_resolved_to = how == BY_ADDRESS;
                        b.note.answer_to = units;
                        b.note.n_answer_to = how == BY_ANSWER;
                        b.note.answer_about = about;
                        b.note.n_answer_about = how == BY_ANSWER;
                        core_view(w->core, w->units[role], &record, false, &view);
                        for (size_t s = 0; s < b.event.section_count; s++) {
                            unsigned cls = b.event.sections[s].cls;
                            bool want = oracle_gives(&matrix[i].cells[role], (enum how)how, matrix[i].type,
                                                     role_words[role], cls, (enum section_mark)mark, protected);

                            any = any || want;
                            compared++;
                            if (want != ((view.sections & 1u << s) != 0))
                                fail_msg("%s to %s, relation %u, class %u, mark %u, protected %u: %s", matrix[i].type,
                                         role_words[role], how, cls, mark, protected, want ? "withheld" : "given");
                            assert_int_equal(want, view.verdicts[s] <= CORE_GIVEN_SUBJECT);
                        }
                        assert_int_equal(view.received, any || strcmp(role_words[role], "AUD") == 0);
                        assert_int_equal(view.note, how == BY_AUTHOR || (how == BY_HOLDER && view.received));
                    }
            unbuild(&b);
        }
    assert_true(compared > 300000);
}

static void
an_interval_delivers_from_its_first_to_its_last_record(void **state)
{
    static char x[] = "x", xx[] = "xx";
    struct world *w = *state;
    struct dossier *dossier = &w->core->dossiers.at[w->dossiers[0][BY_HOLDER]];
    struct built b;
    struct core_view view;

    build(&b, type_by_name("case.opened"), "u0");
    b.actor.unit = x;
    b.actor.agency = xx;
    dossier->flags = 0;
    dossier->relations[0].from_seq = 10;
    dossier->relations[0].until_seq = 20;
    for (uint64_t seq = 8; seq <= 22; seq++) {
        struct core_record record = {
            .seq = seq, .ts_ms = NOW, .entry = dossier->entry, .event = &b.event, .note = &b.note};

        core_view(w->core, w->units[0], &record, false, &view);
        assert_int_equal(view.received, seq >= 10 && seq <= 20);
    }
    dossier->relations[0].from_seq = 1;
    dossier->relations[0].until_seq = 0;
    unbuild(&b);
}

static void
an_auditor_with_a_reason_is_given_all_and_a_suspended_unit_nothing(void **state)
{
    static char x[] = "x", xx[] = "xx";
    struct world *w = *state;
    struct built b;
    struct core_view view;
    struct core_record record = {.seq = SEQ, .ts_ms = NOW, .entry = 1, .event = &b.event, .note = &b.note};

    build(&b, type_by_name("info.provided"), "u18");
    b.actor.unit = x;
    b.actor.agency = xx;
    core_view(w->core, w->units[18], &record, true, &view);
    assert_int_equal(view.sections, (1u << b.event.section_count) - 1);
    assert_false(view.note);
    core_view(w->core, w->units[0], &record, true, &view);
    assert_false(view.received); /* with_content is the auditor's */
    directory_suspend(&w->core->directory, w->units[18], true);
    core_view(w->core, w->units[18], &record, true, &view);
    assert_false(view.received);
    assert_int_equal(view.sections, 0);
    directory_suspend(&w->core->directory, w->units[18], false);
    unbuild(&b);
}

static void
a_section_the_registry_does_not_know_is_nobodys_but_the_authors(void **state)
{
    static char x[] = "x", xx[] = "xx";
    struct world *w = *state;
    struct built b;
    struct core_view view;
    struct core_record record = {.seq = SEQ, .ts_ms = NOW, .event = &b.event, .note = &b.note};

    record.entry = w->core->dossiers.at[w->dossiers[0][BY_HOLDER]].entry;
    build(&b, type_by_name("case.closed"), "u0");
    b.actor.unit = x;
    b.actor.agency = xx;
    b.event.sections[1].id = section_id(TYPE(CASE_CLOSED), 5);
    core_view(w->core, w->units[0], &record, false, &view);
    assert_int_equal(view.sections, 1);
    b.event.sections[1].id = section_id(TYPE(CASE_CLOSED), 6);
    core_view(w->core, w->units[0], &record, false, &view);
    assert_int_equal(view.sections, 3);
    unbuild(&b);
}

/* ---- publishing */

/* What an event with empty bodies meets, where the matrix says p: the condition's refusal, or none. */
static enum error_code
oracle_condition(const char *type, const char *role)
{
    static const char *const freely[] = {
        "FA referral.submitted referral.completed case.safety_concern_raised court.insight_requested",
        "SW court.opinion_delivered", "DIR court.opinion_delivered", "IC court.insight_requested",
        "OSL consent.granted consent.withdrawn referral.forwarded", "MUN consent.granted consent.withdrawn case.linked",
        "FCC case.linked", "SVC referral.forwarded", "FA case.linked",
        /* the holder agrees its meeting's outcome */
        "IC meeting.agreements_issued", "OUS meeting.agreements_issued", "FCC meeting.agreements_issued",
        "CCF meeting.agreements_issued", "IDT meeting.agreements_issued"};

    if (strcmp(role, "INT") == 0 || (strcmp(role, "SW") == 0 && is_one_of(type, "court.order_issued "
                                                                                "court.opinion_requested")))
        return E_BEHALF;
    if (strcmp(type, "referral.answered") == 0)
        return E_NONE;
    for (size_t i = 0; i < sizeof freely / sizeof freely[0]; i++) {
        size_t len = strlen(role);

        if (strncmp(freely[i], role, len) == 0 && freely[i][len] == ' ' && is_one_of(type, freely[i] + len + 1))
            return E_NONE;
    }
    return E_ROLE;
}

static enum error_code
publish(struct world *w, struct arena *arena, const struct type_info *type, size_t role, uint32_t dossier, char *path)
{
    static char empty[] = "";
    struct built b;
    struct core_decision decision;
    struct refusal refusal = {0};
    struct core_command command = {
        .now_ms = NOW, .seq = SEQ, .unit = w->units[role], .fresh_entry = 4000, .event = &b.event};
    char unit[16], agency[16];
    int rc;

    snprintf(unit, sizeof unit, "u%zu", role);
    snprintf(agency, sizeof agency, "a%zu", role);
    build(&b, type, empty);
    b.actor.unit = unit;
    b.actor.agency = agency;
    b.actor.role = (Wici__V1__Role)(role + 1);
    b.event.occurred_ms = b.event.event_id_ms = NOW;
    memset(b.event.dossier_id, 0xee, 16);
    if (dossier != DOSSIER_NONE)
        memcpy(b.event.dossier_id, w->core->dossiers.at[dossier].id, 16);
    rc = core_decide(w->core, &command, arena, &decision, &refusal);
    assert_true(rc == 0 || rc == -EACCES);
    snprintf(path, ERROR_PATH_MAX, "%s", refusal.path);
    unbuild(&b);
    arena_reset(arena);
    return rc == 0 ? E_NONE : refusal.code;
}

static void
each_cell_lets_publish_what_the_matrix_says(void **state)
{
    struct world *w = *state;
    struct arena *arena;
    char path[ERROR_PATH_MAX];

    assert_int_equal(arena_create(&arena, 1u << 18), 0);
    for (size_t i = 0; i < MATRIX_TYPES; i++)
        for (size_t role = 0; role < MATRIX_ROLES; role++) {
            const struct type_info *type = type_by_name(matrix[i].type);
            char cell = matrix[i].cells[role].publish;
            enum error_code held = publish(w, arena, type, role, w->dossiers[role][BY_HOLDER], path);
            bool by_dossier = held == E_DOSSIER && strcmp(path, "header.dossierId") == 0;
            enum error_code foreign = publish(w, arena, type, role, w->dossiers[role][BY_NOTHING], path);
            enum error_code unknown = publish(w, arena, type, role, DOSSIER_NONE, path);
            enum error_code condition = cell == 'p' ? oracle_condition(matrix[i].type, role_words[role]) : E_NONE;

            if (cell == '-')
                condition = E_ROLE;
            if (condition != E_NONE ? held != condition : held == E_ROLE || held == E_BEHALF || by_dossier)
                fail_msg("%s by %s, a holder: %s", matrix[i].type, role_words[role], error_name(held));
            /* Conditions on what the unit is in the dossier wait for the dossier to be known. */
            if (condition == E_ROLE && cell == 'p' && (foreign == E_DOSSIER) &&
                is_one_of(matrix[i].type, "case.closed ipus.service_reported case.linked"))
                condition = E_NONE;
            if (foreign != (condition != E_NONE ? condition : E_DOSSIER))
                fail_msg("%s by %s, a stranger: %s", matrix[i].type, role_words[role], error_name(foreign));
            if (type->opens == OPENS_NOTHING && unknown != foreign)
                fail_msg("%s by %s, unknown: %s", matrix[i].type, role_words[role], error_name(unknown));
            /* An opinion answers a court that asked, so that none can be a dossier's first event. */
            if (is_one_of(matrix[i].type, "court.opinion_delivered") && condition == E_NONE) {
                assert_int_equal(unknown, E_NO_REQUEST);
                continue;
            }
            if (type->opens != OPENS_NOTHING && condition == E_NONE && unknown != E_NONE)
                fail_msg("%s by %s, opening: %s", matrix[i].type, role_words[role], error_name(unknown));
        }
    arena_destroy(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_gives_what_the_matrix_and_the_relations_say),
        cmocka_unit_test(an_interval_delivers_from_its_first_to_its_last_record),
        cmocka_unit_test(an_auditor_with_a_reason_is_given_all_and_a_suspended_unit_nothing),
        cmocka_unit_test(a_section_the_registry_does_not_know_is_nobodys_but_the_authors),
        cmocka_unit_test(each_cell_lets_publish_what_the_matrix_says),
    };

    return cmocka_run_group_tests(tests, world_create, world_destroy);
}
