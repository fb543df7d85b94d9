/* What event.h says of decoding and judging an event, and of its slots. */
#include "proto/event.h"
#include "proto/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list)  (sizeof(list) / sizeof(list)[0])
#define BYTES_MAX    (160u << 10)
#define SECTIONS_MAX (EVENT_SECTIONS_MAX + 8u)
#define FLIPS        20000u

/* A referral with what most rows below need: all formats but KEY, GMINA and lists of numbers are in it. */
static const char referral[] =
    "{'header':{'eventId':'019c9f6a-5e00-7abc-9def-0123456789ab','type':'REFERRAL_SUBMITTED','schemaVersion':1,"
    "'dossierId':'0f8fad5b-d9cb-469f-a165-70867728950e','occurredAt':'2026-03-01T08:30:00.125+01:00',"
    "'lateEntry':true,'enteredBecause':'PAPER','priority':'urgent',"
    "'actor':{'agency':'school-3','unit':'school-3.main','role':'SCH','profession':'pedagog','personRef':'p-1',"
    "'channel':'PAPER','receivedOn':'2026-02-28'},'to':[{'unit':'ops-kos-1'},{'agency':'ops-2','area':'rejon 4'}]},"
    "'sections':[{'subjects':['child-1'],'onlyFor':['u-1'],'referralSubmittedS0':"
    "{'referralId':'0f8fad5b-d9cb-469f-a165-70867728950e','informationReceivedOn':'2026-02-27'}},"
    "{'referralSubmittedS1':{'persons':[{'personRef':'child-1','name':'Zażółć Gęślą'}],'documents':[{'sha256':"
    "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef','size':10,'mediaType':'application/pdf'}]}},"
    "{'referralSubmittedS6':{'paperKind':'INFORMATION','service':'OTHER','sourceKind':'SCHOOL',"
    "'parts':[{'no':1,'text':'x'}],'reasonText':'raz\\n\\tdwa'}}]}";

static const char answer[] =
    "{'header':{'eventId':'019c9f6a-5e00-7abc-9def-0123456789ab','type':'REFERRAL_ANSWERED',"
    "'dossierId':'0f8fad5b-d9cb-469f-a165-70867728950e','occurredAt':'2026-03-01T08:30:00Z',"
    "'actor':{'agency':'ops-1','unit':'ops-1.main','role':'SW'}},"
    "'sections':[{'referralAnsweredS0':{'referralId':'0f8fad5b-d9cb-469f-a165-70867728950e','outcome':'TAKEN_UP',"
    "'answeredOn':'2026-03-01'}},{'referralAnsweredS6':{'status':'accepted'}}]}";

static const char consent[] =
    "{'header':{'eventId':'019c9f6a-5e00-7abc-9def-0123456789ab','type':'CONSENT_GRANTED',"
    "'dossierId':'0f8fad5b-d9cb-469f-a165-70867728950e','occurredAt':'2026-03-01T08:30:00Z',"
    "'actor':{'agency':'ops-1','unit':'ops-1.main','role':'SW'}},"
    "'sections':[{'consentGrantedS0':{'consentId':'0f8fad5b-d9cb-469f-a165-70867728950e','givenOn':'2026-03-01'}},"
    "{'consentGrantedS1':{'givenBy':{'personRef':'p-1'}}},"
    "{'consentGrantedS4':{'zzAuthorisation':{'scopeAgencies':['sch-1']}}},{'consentGrantedS6':{'kind':'OTHER'}}]}";

static const char unit_enrolled[] =
    "{'header':{'eventId':'019c9f6a-5e00-7abc-9def-0123456789ab','type':'SYS_UNIT_ENROLLED',"
    "'occurredAt':'2026-03-01T08:30:00Z','actor':{'agency':'wici','unit':'wici','role':'ADM'}},"
    "'sections':[{'sysUnitEnrolledS0':{'unitId':'u-1','agencyId':'a-1','name':'Jednostka','roles':['SW','INT'],"
    "'areas':['4'],'gmina':['1465011'],'key':'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'}}]}";

/* The bytes of one event, as a publisher sends them. */
struct parts {
    struct arena *arena;
    uint8_t *mem;
    size_t used;
    struct bytes header, sections[SECTIONS_MAX];
    size_t count;
    struct event event;
    struct refusal refusal;
};

static int
setup(void **state)
{
    struct parts *parts = calloc(1, sizeof *parts);

    assert_non_null(parts);
    parts->mem = malloc(BYTES_MAX);
    assert_non_null(parts->mem);
    *state = parts;
    return arena_create(&parts->arena, DECODE_ARENA_SIZE);
}

static int
teardown(void **state)
{
    struct parts *parts = *state;

    arena_destroy(&parts->arena);
    free(parts->mem);
    free(parts);
    return 0;
}

static json_t *
json_read(const char *text)
{
    char *quoted = strdup(text);
    json_t *json;

    assert_non_null(quoted);
    for (char *at = quoted; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    json = json_loads(quoted, JSON_DECODE_ANY, NULL);
    if (json == NULL)
        fail_msg("not JSON: %s", quoted);
    free(quoted);
    return json;
}

/* Puts a value (JSON text; NULL takes it away) where a path of the kind that refusals have leads: "a.b[2].c". */
static void
json_put(json_t *root, const char *path, const char *text)
{
    json_t *at = root;

    for (;;) {
        char name[64];
        bool index = *path == '[';
        size_t len;

        path += *path == '.' || index;
        len = strcspn(path, ".[]");
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        path += len + (index ? 1 : 0);
        if (*path != '\0') {
            at = index ? json_array_get(at, strtoul(name, NULL, 10)) : json_object_get(at, name);
            assert_non_null(at);
        } else if (index) {
            assert_int_equal(json_array_set_new(at, strtoul(name, NULL, 10), json_read(text)), 0);
            return;
        } else {
            assert_int_equal(text == NULL ? json_object_del(at, name) : json_object_set_new(at, name, json_read(text)),
                             0);
            return;
        }
    }
}

static struct bytes
pack(struct parts *parts, const ProtobufCMessage *message)
{
    struct bytes bytes = {parts->mem + parts->used, protobuf_c_message_get_packed_size(message)};

    assert_true(parts->used + bytes.len <= BYTES_MAX);
    protobuf_c_message_pack(message, parts->mem + parts->used);
    parts->used += bytes.len;
    return bytes;
}

/* Takes the reference. */
static void
build(struct parts *parts, json_t *json)
{
    ProtobufCMessage *message = NULL;
    const Wici__V1__EventDocument *document;

    arena_reset(parts->arena);
    if (json_to_message(json, &wici__v1__event_document__descriptor, parts->arena, &message, &parts->refusal) != 0)
        fail_msg("%s %s", error_name(parts->refusal.code), parts->refusal.path);
    json_decref(json);
    document = (const Wici__V1__EventDocument *)message;
    parts->used = 0;
    parts->header = document->header == NULL ? (struct bytes){parts->mem, 0} : pack(parts, &document->header->base);
    parts->count = document->n_sections;
    assert_true(parts->count <= SECTIONS_MAX);
    for (size_t i = 0; i < parts->count; i++)
        parts->sections[i] = pack(parts, &document->sections[i]->base);
}

static int
decode(struct parts *parts)
{
    arena_reset(parts->arena);
    memset(&parts->refusal, 0, sizeof parts->refusal);
    return event_decode(&parts->event, parts->header, parts->sections, parts->count, parts->arena, &parts->refusal);
}

static void
assert_taken(struct parts *parts)
{
    if (decode(parts) != 0)
        fail_msg("refused: %s %s", error_name(parts->refusal.code), parts->refusal.path);
}

static void
assert_refused(struct parts *parts, enum error_code code, const char *path)
{
    assert_int_equal(decode(parts), -EBADMSG);
    assert_string_equal(error_name(parts->refusal.code), error_name(code));
    assert_string_equal(parts->refusal.path, path);
}

/* ---- what is right */

static void
a_valid_event_comes_out_as_a_view_of_its_bytes(void **state)
{
    const uint8_t dossier[16] = {0x0f, 0x8f, 0xad, 0x5b, 0xd9, 0xcb, 0x46, 0x9f,
                                 0xa1, 0x65, 0x70, 0x86, 0x77, 0x28, 0x95, 0x0e};
    struct parts *parts = *state;
    const struct event *event = &parts->event;
    const Wici__V1__ReferralSubmittedS6 *s6;

    build(parts, json_read(referral));
    assert_taken(parts);
    assert_string_equal(event->type->name, "referral.submitted");
    assert_ptr_equal(event->header_bytes.data, parts->header.data);
    assert_int_equal(event->event_id_ms, UINT64_C(0x019c9f6a5e00));
    assert_true(event->has_dossier);
    assert_memory_equal(event->dossier_id, dossier, 16);
    assert_int_equal(event->occurred_ms, UINT64_C(1772350200125));
    assert_int_equal(event->section_count, 3);
    assert_int_equal(event->sections[2].id, 1016);
    assert_int_equal(event->sections[2].cls, 6);
    assert_ptr_equal(event->sections[2].bytes.data, parts->sections[2].data);
    s6 = (const Wici__V1__ReferralSubmittedS6 *)event_body(event, 6);
    assert_non_null(s6);
    assert_string_equal(s6->reason_text, "raz\n\tdwa");
    assert_null(event_body(event, 5));
    build(parts, json_read(unit_enrolled));
    assert_taken(parts);
    assert_false(event->has_dossier);
    assert_memory_equal(event->dossier_id, (uint8_t[16]){0}, 16);
}

static void
of_consents_s4_or_s6_is_enough(void **state)
{
    static const struct {
        bool s4, s6;
    } rows[] = {{true, true}, {true, false}, {false, true}, {false, false}};
    struct parts *parts = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *json = json_read(consent);

        if (!rows[i].s6)
            json_array_remove(json_object_get(json, "sections"), 3);
        if (!rows[i].s4)
            json_array_remove(json_object_get(json, "sections"), 2);
        build(parts, json);
        if (rows[i].s4 || rows[i].s6)
            assert_taken(parts);
        else
            assert_refused(parts, E_SECTION, "sections.consentGrantedS4");
    }
}

static void
what_was_entered_in_error_needs_s0_only(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read(answer);

    json_put(json, "header.correction", "'ENTERED_IN_ERROR'");
    json_put(json, "header.correctsEventId", "'019c9f6a-5e00-7abc-9def-0123456789ac'");
    json_array_remove(json_object_get(json, "sections"), 1);
    build(parts, json_incref(json));
    assert_taken(parts);
    json_put(json, "header.correction", "'AMENDED'");
    build(parts, json_incref(json));
    assert_refused(parts, E_SECTION, "sections.referralAnsweredS6");
    json_put(json, "header.correction", "'ENTERED_IN_ERROR'");
    json_array_clear(json_object_get(json, "sections"));
    build(parts, json);
    assert_refused(parts, E_SECTION, "sections.referralAnsweredS0");
}

static void
a_mandatory_field_may_stand_in_any_section_of_its_class(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read(answer);

    json_array_insert_new(json_object_get(json, "sections"), 1, json_read("{'referralAnsweredS6':{'reasonText':'x'}}"));
    build(parts, json);
    assert_taken(parts);
    assert_int_equal(parts->event.section_count, 3);
}

/* ---- what is refused */

#define S0   "sections[0].referralSubmittedS0."
#define S1   "sections[1].referralSubmittedS1."
#define DOC  S1 "documents[0]."
#define S6   "sections[2].referralSubmittedS6."
#define UNIT "sections[0].sysUnitEnrolledS0."
#define A65  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"

static void
each_wrong_field_is_named(void **state)
{
    static const struct {
        const char *base, *path, *value;
        enum error_code code;
    } rows[] = {
        {referral, "header.eventId", NULL, E_ID},
        {referral, "header.eventId", "'x'", E_ID},
        {referral, "header.eventId", "'0f8fad5b-d9cb-469f-a165-70867728950e'", E_ID}, /* version 4 */
        {referral, "header.eventId", "'019C9F6A-5E00-7ABC-9DEF-0123456789AB'", E_ID},
        {referral, "header.eventId", "'019c9f6a-5e00-7abc-cdef-0123456789ab'", E_ID}, /* another variant */
        {referral, "header.type", NULL, E_TYPE},
        {referral, "header.type", "999", E_TYPE},
        {referral, "header.type", "-1", E_TYPE},
        {referral, "header.schemaVersion", "1001", E_FIELD},
        {referral, "header.dossierId", NULL, E_FIELD},
        {referral, "header.dossierId", "'case-1'", E_FIELD},
        {referral, "header.dossierId", "'00000000-0000-0000-0000-000000000000'", E_FIELD},
        {referral, "header.dossierId", "'0f8fad5b-d9cb-169f-a165-70867728950e'", E_FIELD}, /* version 1 */
        {referral, "header.occurredAt", NULL, E_FIELD},
        {referral, "header.occurredAt", "'2026-03-01T08:30:00'", E_FIELD},
        {referral, "header.occurredAt", "'2026-02-29T08:30:00Z'", E_FIELD},
        {referral, "header.enteredBecause", "'PAPE'", E_FIELD},
        {referral, "header.enteredBecause", "'PAPERS'", E_FIELD},
        {referral, "header.enteredBecause", "'paper'", E_FIELD},
        {referral, "header.enteredBecause", "'OUTAGE PAPER'", E_FIELD}, /* two codes that stand side by side */
        {referral, "header.enteredBecause", "' PAPER'", E_FIELD},
        {referral, "header.enteredBecause", "' '", E_FIELD},
        {referral, "header.priority", "'Urgent'", E_FIELD},
        {referral, "header.actor", NULL, E_FIELD},
        {referral, "header.actor.agency", NULL, E_FIELD},
        {referral, "header.actor.agency", "'a b'", E_FIELD},
        {referral, "header.actor.agency", "'szkoła'", E_FIELD},
        {referral, "header.actor.agency", A65, E_FIELD},
        {referral, "header.actor.agency", "'12345678901'", E_PERSONAL_DATA},
        {referral, "header.actor.unit", NULL, E_FIELD},
        {referral, "header.actor.unit", "'u.90010112345.x'", E_PERSONAL_DATA},
        {referral, "header.actor.role", NULL, E_FIELD},
        {referral, "header.actor.role", "99", E_FIELD},
        {referral, "header.actor.profession",
         "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'", E_FIELD}, /* 81 */
        {referral, "header.actor.profession", "'a\\nb'", E_FIELD},
        {referral, "header.actor.profession", "'a\\u007fb'", E_FIELD},
        {referral, "header.actor.profession", "'a\\u0085b'", E_FIELD},
        {referral, "header.actor.profession", "'pedagog 80010112345'", E_PERSONAL_DATA},
        {referral, "header.actor.channel", "'FAX'", E_FIELD},
        {referral, "header.actor.receivedOn", "'2026-02-29'", E_FIELD},
        {referral, "header.actor.receivedOn", "'2026-02-28T00:00:00Z'", E_FIELD},
        {referral, "header.to[0]", "{}", E_FIELD},
        {referral, "header.to[1]", "{'unit':'u','agency':'a'}", E_FIELD},
        {referral, "header.to[1].agency", "'80010112345'", E_PERSONAL_DATA},
        {referral, "header.to[1].area", "'rejon 80010112345'", E_PERSONAL_DATA},
        {referral, "header.causationId", "'x'", E_FIELD},
        {referral, "header.correction", "'UNDONE'", E_FIELD},
        {referral, "sections[0].subjects[0]", "'80010112345'", E_PERSONAL_DATA},
        {referral, "sections[0].subjects[0]", "'5a1e0c52-7f3b-4c11-8a52-080010112345-x'", E_PERSONAL_DATA},
        {referral, "sections[0].subjects[0]", "''", E_FIELD},
        {referral, "sections[0].onlyFor[0]", "'b c'", E_FIELD},
        {referral, S0 "referralId", NULL, E_FIELD},
        {referral, S0 "referralId", "''", E_FIELD},
        {referral, S0 "referralId", "'0f8fad5b-d9cb-469f-a165-70867728950'", E_FIELD},
        {referral, S0 "informationReceivedOn", "'27.02.2026'", E_FIELD},
        {referral, S1 "persons", NULL, E_FIELD},
        {referral, S1 "persons[0].personRef", NULL, E_FIELD},
        {referral, S1 "persons[0].birthDate", "'2026-04-31'", E_FIELD},
        {referral, S1 "persons[0].name", "'a\\tb'", E_FIELD},
        {referral, DOC "sha256", NULL, E_FIELD},
        {referral, DOC "sha256", "'0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef'", E_FIELD},
        {referral, DOC "sha256", "'0123456789abcdef'", E_FIELD},
        {referral, DOC "size", "0", E_FIELD},
        {referral, DOC "size", "10485761", E_FIELD},
        {referral, DOC "mediaType", "'pdf'", E_FIELD},
        {referral, DOC "mediaType", "'application/'", E_FIELD},
        {referral, DOC "mediaType", "'/pdf'", E_FIELD},
        {referral, DOC "mediaType", "'application/pdf; q=1'", E_FIELD},
        {referral, S6 "paperKind", NULL, E_FIELD},
        {referral, S6 "parts[0].no", NULL, E_FIELD},
        {referral, S6 "parts[0].no", "100", E_FIELD},
        {referral, S6 "reasonText", "'a\\rb'", E_FIELD},
        {referral, S6 "reasonText", "'a\\u0007b'", E_FIELD},
        {unit_enrolled, UNIT "roles", NULL, E_FIELD},
        {unit_enrolled, UNIT "roles[1]", "0", E_FIELD},
        {unit_enrolled, UNIT "roles[1]", "23", E_FIELD},
        {unit_enrolled, UNIT "gmina[0]", "'14650'", E_FIELD},
        {unit_enrolled, UNIT "gmina[0]", "'14650112'", E_FIELD},
        {unit_enrolled, UNIT "gmina[0]", "'146501x'", E_FIELD},
        {unit_enrolled, UNIT "key", "'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf'", E_FIELD},
        {unit_enrolled, UNIT "key", "'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf~'", E_FIELD},
        {unit_enrolled, UNIT "parent", "'90010112345'", E_PERSONAL_DATA},
    };
    struct parts *parts = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *json = json_read(rows[i].base);
        int rc;

        json_put(json, rows[i].path, rows[i].value);
        build(parts, json);
        rc = decode(parts);
        if (rc != -EBADMSG || parts->refusal.code != rows[i].code || strcmp(parts->refusal.path, rows[i].path) != 0)
            fail_msg("%s = %s: %d %s \"%s\"", rows[i].path, rows[i].value == NULL ? "nothing" : rows[i].value, rc,
                     error_name(parts->refusal.code), parts->refusal.path);
    }
}

static void
a_header_of_no_bytes_names_the_first_thing_it_lacks(void **state)
{
    struct parts *parts = *state;

    parts->header = (struct bytes){NULL, 0}; /* as protobuf-c decodes an empty field */
    parts->count = 0;
    assert_refused(parts, E_TYPE, "header.type");
}

/* They count over all sections of a class, which one Section cannot show. */
static void
a_section_checked_alone_need_not_hold_the_mandatory_fields_of_its_body(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read("{'sysUnitEnrolledS0':{}}");
    ProtobufCMessage *section = NULL;

    arena_reset(parts->arena);
    assert_int_equal(json_to_message(json, &wici__v1__section__descriptor, parts->arena, &section, &parts->refusal), 0);
    assert_int_equal(event_check_message(section, "", &parts->refusal), 0);
    json_put(json, "sysUnitEnrolledS0.unitId", "'a b'");
    assert_int_equal(json_to_message(json, &wici__v1__section__descriptor, parts->arena, &section, &parts->refusal), 0);
    assert_int_equal(event_check_message(section, "", &parts->refusal), -EBADMSG);
    assert_string_equal(parts->refusal.path, "sysUnitEnrolledS0.unitId");
    json_decref(json);
}

static void
a_correction_and_what_it_corrects_go_together(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read(answer);

    json_put(json, "header.correction", "'AMENDED'");
    build(parts, json);
    assert_refused(parts, E_FIELD, "header.correctsEventId");
    json = json_read(answer);
    json_put(json, "header.correctsEventId", "'019c9f6a-5e00-7abc-9def-0123456789ac'");
    build(parts, json);
    assert_refused(parts, E_FIELD, "header.correction");
}

static void
lists_and_texts_have_their_largest_size(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read(referral);
    json_t *subjects = json_object_get(json_array_get(json_object_get(json, "sections"), 0), "subjects");
    char text[16384 + 4];

    for (unsigned i = 0; i < 31; i++)
        json_array_append_new(subjects, json_string("s"));
    memset(text, 'x', sizeof text);
    text[0] = text[16385] = '"';
    text[16386] = '\0';
    json_put(json, S6 "reasonText", text);
    build(parts, json_incref(json));
    assert_taken(parts);
    json_array_append_new(subjects, json_string("s"));
    build(parts, json_incref(json));
    assert_refused(parts, E_FIELD, "sections[0].subjects");
    json_array_remove(subjects, 0);
    text[16385] = 'x';
    text[16386] = '"';
    text[16387] = '\0';
    json_put(json, S6 "reasonText", text);
    build(parts, json);
    assert_refused(parts, E_FIELD, S6 "reasonText");
}

static void
an_event_or_header_that_is_too_large_says_so(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read(referral);
    json_t *to = json_object_get(json_object_get(json, "header"), "to");
    json_t *sections = json_object_get(json, "sections");
    char text[16001];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (unsigned i = 0; i < 7; i++)
        json_array_append_new(sections, json_pack("{s:{s:s}}", "referralSubmittedS2", "livingConditions", text));
    build(parts, json_incref(json));
    assert_taken(parts);
    json_array_append_new(sections, json_pack("{s:{s:s}}", "referralSubmittedS2", "livingConditions", text));
    json_array_append_new(sections, json_pack("{s:{s:s}}", "referralSubmittedS2", "livingConditions", text));
    build(parts, json);
    assert_refused(parts, E_SIZE, "");
    json = json_read(referral);
    to = json_object_get(json_object_get(json, "header"), "to");
    for (unsigned i = 0; i < 30; i++)
        json_array_append_new(
            to, json_pack("{s:s+}", "agency", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
    build(parts, json_incref(json));
    assert_taken(parts);
    json_array_append_new(to, json_pack("{s:s}", "agency", "a"));
    build(parts, json_incref(json));
    assert_refused(parts, E_FIELD, "header.to");
    for (unsigned i = 0; i < 40; i++)
        json_array_append_new(
            to, json_pack("{s:s+}", "agency", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
    build(parts, json);
    assert_refused(parts, E_SIZE, "header");
}

static void
sections_must_be_those_of_the_type(void **state)
{
    static const struct {
        const char *base, *section, *path;
    } rows[] = {
        {answer, "{'referralSubmittedS6':{'paperKind':'INFORMATION'}}", "sections[2]"}, /* another type's */
        {answer, "{'caseOpenedS0':{}}", "sections[2]"},
        {answer, "{'subjects':['p-1']}", "sections[2]"}, /* no body at all */
        {unit_enrolled, "{'sysUnitResumedS0':{'unitId':'u-1'}}", "sections[1]"},
    };
    struct parts *parts = *state;
    json_t *json = json_read(answer);

    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *changed = json_read(rows[i].base);

        json_array_append_new(json_object_get(changed, "sections"), json_read(rows[i].section));
        build(parts, changed);
        assert_refused(parts, E_SECTION, rows[i].path);
    }
    json_array_remove(json_object_get(json, "sections"), 1);
    build(parts, json_incref(json));
    assert_refused(parts, E_SECTION, "sections.referralAnsweredS6");
    json_array_clear(json_object_get(json, "sections"));
    build(parts, json);
    assert_refused(parts, E_SECTION, "sections.referralAnsweredS0");
    build(parts, json_read(answer));
    parts->sections[1].len = 0;
    assert_refused(parts, E_SECTION, "sections[1]");
}

static void
sections_must_fit_into_the_slots(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read(answer); /* 8 slots: header, note, S0, S6 and four more */
    json_t *sections = json_object_get(json, "sections");

    for (unsigned i = 0; i < 4; i++)
        json_array_append_new(sections, json_read("{'referralAnsweredS6':{'reasonText':'x'}}"));
    build(parts, json_incref(json));
    assert_taken(parts);
    json_array_append_new(sections, json_read("{'referralAnsweredS6':{'reasonText':'x'}}"));
    build(parts, json_incref(json));
    assert_refused(parts, E_SECTION, "sections");
    while (json_array_size(sections) <= EVENT_SECTIONS_MAX)
        json_array_append_new(sections, json_read("{'referralAnsweredS6':{'reasonText':'x'}}"));
    build(parts, json);
    assert_refused(parts, E_SECTION, "sections");
}

/* Appends bytes to the header (index -1) or a section and expects the answer. */
static void
assert_appended(struct parts *parts, int index, const char *bytes, size_t len, enum error_code code, const char *path)
{
    struct bytes *part = index < 0 ? &parts->header : &parts->sections[index];
    uint8_t *longer;

    build(parts, json_read(referral));
    longer = malloc(part->len + len);
    assert_non_null(longer);
    memcpy(longer, part->data, part->len);
    memcpy(longer + part->len, bytes, len);
    *part = (struct bytes){longer, part->len + len};
    if (code == E_NONE)
        assert_taken(parts);
    else
        assert_refused(parts, code, path);
    free(longer);
}

static void
what_decoding_would_hide_is_refused(void **state)
{
    struct parts *parts = *state;

    /* a field that this broker does not know: kept, since digests cover the bytes */
    assert_appended(parts, -1, "\xf8\x07\x01", 3, E_NONE, "");
    assert_appended(parts, -1, "\xfa\x07\x02\x00\xff", 5, E_NONE, "");
    /* a NUL inside a string (consent_ref = 13) */
    assert_appended(parts, -1,
                    "\x6a\x03"
                    "a\0b",
                    5, E_DECODE, "header");
    /* a singular field twice: type, actor, and a body */
    assert_appended(parts, -1, "\x10\x65", 2, E_DECODE, "header");
    assert_appended(parts, -1, "\x4a\x00", 2, E_DECODE, "header");
    assert_appended(parts, 0, "\x92\x3f\x00", 3, E_DECODE, "sections[0]");
    /* another body beside the first */
    assert_appended(parts, 2, "\x92\x3f\x00", 3, E_DECODE, "sections[2]");
    /* field number 0, a number beyond protobuf's, a group, wire types 6 and 7 */
    assert_appended(parts, -1, "\x80\x00\x00", 3, E_DECODE, "header");
    assert_appended(parts, -1, "\xf8\xff\xff\xff\x7f\x00", 6, E_DECODE, "header");
    assert_appended(parts, -1, "\xfb\x07\xfc\x07", 4, E_DECODE, "header");
    assert_appended(parts, -1, "\xfe\x07", 2, E_DECODE, "header");
    /* a known field in the wrong wire type (consent_ref as a number), a length beyond the end, a number cut off */
    assert_appended(parts, -1, "\x68\x01", 2, E_DECODE, "header");
    assert_appended(parts, -1,
                    "\x6a\x7f"
                    "a",
                    3, E_DECODE, "header");
    assert_appended(parts, -1, "\x6a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, E_DECODE, "header");
    assert_appended(parts, -1, "\xf8\x07\x80", 3, E_DECODE, "header");
    assert_appended(parts, -1, "\xf8\x07\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 13, E_DECODE, "header");
    assert_appended(parts, 1,
                    "\x0a\x02"
                    "a\0",
                    4, E_DECODE, "sections[1]");
}

static void
text_that_is_not_utf_8_is_refused(void **state)
{
    static const char *const bad[] = {"\xff",
                                      "\xc0\xaf",
                                      "\xc3",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf0\x80\x80\xaf",
                                      "\x80",
                                      "a\xe2\x82",
                                      "\xf8\x88\x80\x80\x80"};
    struct parts *parts = *state;

    for (size_t i = 0; i < COUNT(bad); i++) {
        Wici__V1__Header *header;

        build(parts, json_read(answer));
        header = wici__v1__header__unpack(NULL, parts->header.len, parts->header.data);
        assert_non_null(header);
        assert_ptr_equal(header->actor->profession, protobuf_c_empty_string);
        header->actor->profession = strdup(bad[i]);
        parts->header = pack(parts, &header->base);
        wici__v1__header__free_unpacked(header, NULL);
        assert_refused(parts, E_FIELD, "header.actor.profession");
    }
}

/* ---- damage */

/* Decodes one part in memory of exactly its size, so that a read past its end is seen. */
static int
decode_exact(struct parts *parts, size_t index, const uint8_t *data, size_t len)
{
    struct bytes *part = index == 0 ? &parts->header : &parts->sections[index - 1];
    struct bytes held = *part;
    uint8_t *exact = malloc(len + 1);
    struct refusal refusal;
    int rc;

    assert_non_null(exact);
    if (len > 0)
        memcpy(exact + 1, data, len);
    *part = (struct bytes){exact + 1, len};
    rc = decode(parts);
    if (rc != 0) {
        assert_int_equal(rc, -EBADMSG);
        assert_true(parts->refusal.code > E_NONE && parts->refusal.code < ERROR_CODE_COUNT);
        assert_non_null(memchr(parts->refusal.path, 0, sizeof refusal.path));
    }
    arena_reset(parts->arena);
    event_decode_stored(&parts->event, parts->header, parts->sections, parts->count, parts->arena);
    *part = held;
    free(exact);
    return rc;
}

static void
no_prefix_of_an_event_does_harm(void **state)
{
    struct parts *parts = *state;

    build(parts, json_read(referral));
    for (size_t part = 0; part <= parts->count; part++) {
        struct bytes whole = part == 0 ? parts->header : parts->sections[part - 1];
        size_t taken = 0;

        for (size_t len = 0; len < whole.len; len++)
            taken += decode_exact(parts, part, whole.data, len) == 0;
        assert_true(taken < whole.len / 4); /* only where optional fields end */
        assert_int_equal(decode_exact(parts, part, whole.data, whole.len), 0);
    }
}

static void
no_flipped_byte_does_harm(void **state)
{
    static const char *const bases[] = {referral, answer, consent, unit_enrolled};
    struct parts *parts = *state;
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15); /* fixed: a failure comes back */
    unsigned refused = 0;

    for (unsigned i = 0; i < FLIPS; i++) {
        uint8_t damaged[4096];
        struct bytes whole;
        size_t part;

        if (i % (FLIPS / COUNT(bases)) == 0)
            build(parts, json_read(bases[i / (FLIPS / COUNT(bases))]));
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        part = (random >> 33) % (parts->count + 1);
        whole = part == 0 ? parts->header : parts->sections[part - 1];
        assert_true(whole.len > 0 && whole.len <= sizeof damaged);
        memcpy(damaged, whole.data, whole.len);
        for (unsigned flips = 1 + i % 3; flips > 0; flips--) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            damaged[(random >> 33) % whole.len] ^= (uint8_t)(1u << ((random >> 24) & 7));
        }
        refused += decode_exact(parts, part, damaged, whole.len) != 0;
    }
    assert_true(refused > FLIPS / 4 && refused < FLIPS);
}

static void
a_stored_event_is_decoded_but_not_judged(void **state)
{
    struct parts *parts = *state;
    json_t *json = json_read(answer);

    json_put(json, "sections[1].referralAnsweredS6.status", "'no-longer-a-code'");
    build(parts, json);
    assert_refused(parts, E_FIELD, "sections[1].referralAnsweredS6.status");
    arena_reset(parts->arena);
    assert_int_equal(event_decode_stored(&parts->event, parts->header, parts->sections, parts->count, parts->arena), 0);
    assert_int_equal(parts->event.section_count, 2);
    assert_string_equal(((const Wici__V1__ReferralAnsweredS6 *)event_body(&parts->event, 6))->status,
                        "no-longer-a-code");
    arena_reset(parts->arena);
    parts->sections[1].len = 0; /* a section without a body */
    assert_int_equal(event_decode_stored(&parts->event, parts->header, parts->sections, parts->count, parts->arena),
                     -EBADMSG);
}

/* ---- slots */

static void
the_first_section_of_a_class_has_its_fixed_slot(void **state)
{
    const uint16_t ids[] = {1016, 1010, 1011};
    const uint8_t seed[32] = {1}, other[32] = {2};
    const struct type_info *type = type_by_name("referral.submitted");
    uint8_t slots[3], again[3];

    (void)state;
    assert_int_equal(event_slots(type, ids, 3, seed, slots), 0);
    assert_int_equal(slots[0], type->slot[6]);
    assert_int_equal(slots[1], type->slot[0]);
    assert_int_equal(slots[2], type->slot[1]);
    assert_int_equal(event_slots(type, ids, 3, other, again), 0);
    assert_memory_equal(slots, again, 3);
}

static void
the_others_take_distinct_tail_slots_in_an_order_drawn_from_the_seed(void **state)
{
    const struct type_info *type = type_by_name("referral.submitted"); /* 32 slots: 10 fixed, 22 in the tail */
    uint16_t ids[24];
    uint8_t seed[32] = {0}, slots[24], again[24], before[24] = {0};
    unsigned first_seen = 0, changed = 0;

    (void)state;
    for (unsigned i = 0; i < 23; i++)
        ids[i] = 1016;
    for (unsigned round = 0; round < 200; round++) {
        uint32_t used = 0;

        seed[0] = (uint8_t)round;
        assert_int_equal(event_slots(type, ids, 23, seed, slots), 0);
        assert_int_equal(event_slots(type, ids, 23, seed, again), 0);
        assert_memory_equal(slots, again, 23);
        assert_int_equal(slots[0], type->slot[6]);
        for (unsigned i = 0; i < 23; i++) {
            assert_true(slots[i] >= 2 && slots[i] < type->slots);
            assert_true(i == 0 || slots[i] >= 10);
            assert_true((used & (1u << slots[i])) == 0);
            used |= 1u << slots[i];
        }
        changed += memcmp(slots, before, 23) != 0;
        memcpy(before, slots, 23);
        first_seen |= 1u << slots[1];
    }
    assert_int_equal(changed, 200);
    assert_int_equal(first_seen, 0xfffffc00u); /* in 200 draws each tail slot came first */
    ids[23] = 1016;
    assert_int_equal(event_slots(type, ids, 24, seed, slots), -E2BIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_valid_event_comes_out_as_a_view_of_its_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(of_consents_s4_or_s6_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_entered_in_error_needs_s0_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mandatory_field_may_stand_in_any_section_of_its_class, setup, teardown),
        cmocka_unit_test_setup_teardown(each_wrong_field_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_header_of_no_bytes_names_the_first_thing_it_lacks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_section_checked_alone_need_not_hold_the_mandatory_fields_of_its_body, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_correction_and_what_it_corrects_go_together, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_and_texts_have_their_largest_size, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_or_header_that_is_too_large_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(sections_must_be_those_of_the_type, setup, teardown),
        cmocka_unit_test_setup_teardown(sections_must_fit_into_the_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(what_decoding_would_hide_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(text_that_is_not_utf_8_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(no_prefix_of_an_event_does_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(no_flipped_byte_does_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stored_event_is_decoded_but_not_judged, setup, teardown),
        cmocka_unit_test(the_first_section_of_a_class_has_its_fixed_slot),
        cmocka_unit_test(the_others_take_distinct_tail_slots_in_an_order_drawn_from_the_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
