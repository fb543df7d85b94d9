/* Events go through JSON, bytes and the decoder, so that the core sees them as it does in the broker. */
#include "test_core_kit.h"

#include "broker/core/policy.h"
#include "proto/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  32768u
#define ARENA_MAX (1u << 17)

/* ---- text */

struct text {
    char at[TEXT_MAX];
    size_t len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text->at + text->len, sizeof text->at - text->len, fmt, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof text->at - text->len);
    text->len += (size_t)len;
}

const char *
kit_id(char letter)
{
    static char ring[8][37];
    static unsigned next;
    char *id = ring[next++ % 8];

    snprintf(id, sizeof ring[0], "d0000000-0000-7000-8000-0000000000%02x", (unsigned char)letter);
    return id;
}

const char *
kit_event_id(const struct kit_record *record)
{
    static char id[37];

    uuid_format(record->event.event_id, id);
    return id;
}

/* "a,b" as JSON strings; stops at the first of " @=!{" or the end. */
static const char *
add_names(struct text *text, const char *key, const char *at)
{
    size_t len = strcspn(at, " @=!{"), done = 0;

    add(text, "'%s':[", key);
    while (done < len) {
        size_t name = strcspn(at + done, ", @=!{");

        add(text, "%s'%.*s'", done > 0 ? "," : "", (int)name, at + done);
        done += name + (at[done + name] == ',');
    }
    add(text, "],");
    return at + len;
}

static const char *
body_end(const char *at)
{
    int depth = 0;

    do {
        depth += (*at == '{') - (*at == '}');
        at++;
    } while (depth > 0 && *at != '\0');
    return at;
}

/* The JSON name of a section: caseLinkedS0. */
static void
add_section_name(struct text *text, const struct type_info *type, char cls)
{
    bool upper = false;

    add(text, "'");
    for (const char *at = type->enum_name; *at != '\0'; at++) {
        if (*at == '_') {
            upper = true;
            continue;
        }
        add(text, "%c", upper || *at < 'A' || *at > 'Z' ? *at : *at - 'A' + 'a');
        upper = false;
    }
    add(text, "S%c':", cls);
}

/* One section of the notation as JSON; returns what follows it. */
static const char *
add_section(struct text *text, const struct type_info *type, const char *at)
{
    char cls = *at++;

    assert_true(cls >= '0' && cls <= '7');
    add(text, "{");
    while (*at == '@' || *at == '=' || *at == '!') {
        const char *key = *at == '@' ? "subjects" : *at == '=' ? "onlyFor" : "notTo";

        at = add_names(text, key, at + 1);
    }
    add_section_name(text, type, cls);
    if (*at == '{') {
        const char *end = body_end(at);

        for (; at < end; at++)
            if (*at == '$')
                add(text, "%s", kit_id(*++at));
            else
                add(text, "%c", *at);
        add(text, "}");
        return end;
    }
    add(text, "{}}");
    return at;
}

/* ---- JSON to bytes */

static struct bytes
pack(struct arena *arena, struct text *text, const ProtobufCMessageDescriptor *desc)
{
    ProtobufCMessage *message = NULL;
    struct refusal refusal = {0};
    json_error_t error;
    json_t *json;
    struct bytes ret;
    uint8_t *bytes;

    for (size_t i = 0; i < text->len; i++)
        if (text->at[i] == '\'')
            text->at[i] = '"';
    json = json_loads(text->at, 0, &error);
    if (json == NULL)
        fail_msg("%s: %s", error.text, text->at);
    if (json_to_message(json, desc, arena, &message, &refusal) != 0)
        fail_msg("%s at %s: %s", error_name(refusal.code), refusal.path, text->at);
    json_decref(json);
    ret.len = protobuf_c_message_get_packed_size(message);
    bytes = arena_alloc(arena, ret.len + 1);
    assert_non_null(bytes);
    protobuf_c_message_pack(message, bytes);
    ret.data = bytes;
    text->len = 0;
    return ret;
}

static void
add_addresses(struct text *text, const char *to)
{
    const char *at = to;

    add(text, "'to':[");
    while (*at != '\0') {
        size_t len = strcspn(at, " ");
        size_t slash = strcspn(at, "/ ");

        if (strncmp(at, "agency:", 7) == 0 && slash < len)
            add(text, "%s{'agency':'%.*s','area':'%.*s'}", at > to ? "," : "", (int)slash - 7, at + 7,
                (int)(len - slash - 1), at + slash + 1);
        else if (strncmp(at, "agency:", 7) == 0)
            add(text, "%s{'agency':'%.*s'}", at > to ? "," : "", (int)len - 7, at + 7);
        else
            add(text, "%s{'unit':'%.*s'}", at > to ? "," : "", (int)len, at);
        at += len + (at[len] == ' ');
    }
    add(text, "]");
}

static const char *
first_role(uint32_t roles)
{
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if ((roles & 1u << role) != 0)
            return role_name(role);
    return "SW";
}

/* Makes the line an event in a record of its own, not yet decided. Returns its author. */
static uint32_t
make(struct kit *kit, const struct kit_line *line, struct kit_record *r)
{
    static struct text text;
    const struct type_info *type = type_by_name(line->type);
    struct bytes header, sections[EVENT_SECTIONS_MAX];
    char unit_id[ID_LEN_MAX + 1], time[TIME_TEXT_SIZE];
    const char *more = line->header != NULL ? line->header : "";
    size_t colon = strcspn(line->unit, ":"), count = 0, actor_len = 0;
    struct core_unit unit = {.agency = "op"};
    uint32_t index;

    assert_non_null(type);
    assert_int_equal(arena_create(&r->arena, ARENA_MAX), 0);
    snprintf(unit_id, sizeof unit_id, "%.*s", (int)colon, line->unit);
    index = core_unit_by_id(kit->core, unit_id);
    if (index != CORE_UNIT_NONE)
        core_unit(kit->core, index, &unit);
    time_format(kit->now_ms, time);
    text.len = 0;
    add(&text, "{'eventId':'01900000-0000-%c000-8000-%012zx','type':'%s','occurredAt':'%s',",
        strncmp(line->type, "sys.deadline", 12) == 0 ? '8' : '7', kit->count + 1, type->enum_name, time);
    if (line->dossier != 0)
        add(&text, "'dossierId':'%s',", kit_id(line->dossier));
    if (more[0] == '+')
        actor_len = strcspn(more, "|");
    add(&text, "'actor':{'agency':'%s','unit':'%s','personRef':'%s-1','role':'%s'%s%.*s},", unit.agency, unit_id,
        unit_id, line->unit[colon] == ':' ? line->unit + colon + 1 : first_role(unit.roles), actor_len > 0 ? "," : "",
        actor_len > 0 ? (int)actor_len - 1 : 0, more + 1);
    add_addresses(&text, line->to != NULL ? line->to : "");
    more += actor_len + (more[actor_len] == '|');
    if (more[0] != '\0')
        add(&text, ",%s", more);
    add(&text, "}");
    header = pack(r->arena, &text, &wici__v1__header__descriptor);
    for (const char *at = line->sections; *at != '\0';) {
        at = add_section(&text, type, at);
        at += *at == ' ';
        sections[count++] = pack(r->arena, &text, &wici__v1__section__descriptor);
    }
    assert_int_equal(event_decode_stored(&r->event, header, sections, count, r->arena), 0);
    return index;
}

/* ---- the core */

void
kit_apply(struct kit *kit, const struct core_record *record)
{
    struct core_record folded = *record;
    struct event event = *record->event;

    assert_int_equal(core_apply(kit->core, record), 0);
    if (!core_apply_reads_sections(event.type->number)) {
        folded.event = &event;
        event.section_count = 0;
    }
    assert_int_equal(core_apply(kit->folded, &folded), 0);
}

/* What was folded is what was lived. */
static void
folded_is_the_same(const struct kit *kit)
{
    uint8_t *live = NULL, *folded = NULL;
    size_t live_len = 0, folded_len = 0;

    if (kit->changed)
        return;
    assert_int_equal(core_dump(kit->core, &live, &live_len), 0);
    assert_int_equal(core_dump(kit->folded, &folded, &folded_len), 0);
    assert_int_equal(folded_len, live_len);
    assert_memory_equal(folded, live, live_len);
    free(live);
    free(folded);
}

static void
take(struct kit *kit, struct kit_record *r, uint32_t entry, const Wici__V1__BrokerNote *note)
{
    r->record = (struct core_record){
        .seq = ++kit->count, .ts_ms = kit->now_ms, .entry = entry, .event = &r->event, .note = note};
    kit_apply(kit, &r->record);
}

static const struct core_named *
named(struct kit *kit, const char *id, struct core_named *ret)
{
    for (size_t i = 0; i < kit->count && id[0] != '\0'; i++) {
        const struct core_record *record = &kit->records[i].record;

        if (strcmp(kit_event_id(&kit->records[i]), id) != 0)
            continue;
        *ret = (struct core_named){.seq = record->seq,
                                   .entry = record->entry,
                                   .ts_ms = record->ts_ms,
                                   .event = record->event,
                                   .note = record->note};
        return ret;
    }
    return NULL;
}

int
kit_decode(struct kit *kit, const struct kit_line *line, struct refusal *refusal)
{
    struct kit_record *r = &kit->records[kit->count];
    struct bytes sections[EVENT_SECTIONS_MAX];
    struct event event;
    int rc;

    (void)make(kit, line, r);
    for (size_t i = 0; i < r->event.section_count; i++)
        sections[i] = r->event.sections[i].bytes;
    rc = event_decode(&event, r->event.header_bytes, sections, r->event.section_count, r->arena, refusal);
    arena_destroy(&r->arena);
    return rc;
}

struct kit_record *
kit_try(struct kit *kit, const struct kit_line *line, struct refusal *refusal)
{
    struct kit_record *r = &kit->records[kit->count];
    struct core_decision decision = {0};
    struct core_named cause, corrected;
    struct core_command command = {.now_ms = kit->now_ms,
                                   .seq = kit->count + 1,
                                   .fresh_entry = kit->next_entry,
                                   .missing_document = kit->missing_document};
    int rc;

    assert_true(kit->count < KIT_RECORDS_MAX);
    command.unit = make(kit, line, r);
    command.event = &r->event;
    command.cause = named(kit, r->event.header->causation_id, &cause);
    command.corrected = named(kit, r->event.header->corrects_event_id, &corrected);
    if (strcmp(line->type, "sys.recall_confirmed") == 0 && command.cause != NULL)
        command.corrected = named(kit, command.cause->event->header->corrects_event_id, &corrected);
    rc = core_decide(kit->core, &command, r->arena, &decision, refusal);
    if (rc != 0) {
        assert_int_equal(rc, -EACCES);
        arena_destroy(&r->arena);
        return NULL;
    }
    if (decision.opens)
        kit->next_entry++;
    take(kit, r, decision.entry, decision.note);
    return r;
}

struct kit_record *
kit_say(struct kit *kit, const struct kit_line *line)
{
    struct refusal refusal = {0};
    struct kit_record *r = kit_try(kit, line, &refusal);

    if (r == NULL)
        fail_msg("%s by %s: %s at '%s'", line->type, line->unit, error_name(refusal.code), refusal.path);
    if (line->expect != NULL)
        kit_expect(kit, r, line->expect);
    return r;
}

void
kit_refused(struct kit *kit, const struct kit_line *line, enum error_code code, const char *path)
{
    struct refusal refusal = {0};

    if (kit_try(kit, line, &refusal) != NULL)
        fail_msg("%s by %s was taken", line->type, line->unit);
    assert_string_equal(error_name(refusal.code), error_name(code));
    assert_string_equal(refusal.path, path);
}

void
kit_refused_by(struct kit *kit, const struct kit_line *line, enum rule rule)
{
    struct refusal refusal = {0};

    if (kit_try(kit, line, &refusal) != NULL)
        fail_msg("%s by %s was taken", line->type, line->unit);
    assert_string_equal(rule_id(refusal.rule), rule_id(rule));
    assert_string_equal(error_name(refusal.code), error_name(rule_code(rule)));
}

static bool
has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

struct kit_record *
kit_marked(struct kit *kit, const struct kit_line *line, const char *warnings)
{
    struct kit_record *r = kit_say(kit, line);
    const Wici__V1__BrokerNote *note = r->record.note;
    char got[512] = "";
    size_t expected = 0, count = 0;

    for (const char *at = warnings; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
        expected++;
    for (size_t i = 0; i < note->n_warnings; i++) {
        if (strcmp(note->warnings[i]->code, "W_WITHHELD") == 0)
            continue; /* about the reader, not about the procedure */
        count++;
        strcat(strcat(got, got[0] != '\0' ? " " : ""), note->warnings[i]->code);
        /* Every warning says which rule it is, and the rule has that code. */
        if (strcmp(note->warnings[i]->code, "W_NO_ADDRESSEE") != 0)
            assert_int_not_equal(rule_by_id(note->warnings[i]->rule, error_by_name(note->warnings[i]->code)),
                                 RULE_NONE);
    }
    for (size_t i = 0; i < note->n_warnings; i++)
        if (strcmp(note->warnings[i]->code, "W_WITHHELD") != 0 && !has_word(warnings, note->warnings[i]->code))
            fail_msg("%s by %s: warnings '%s', not '%s'", line->type, line->unit, got, warnings);
    if (count != expected)
        fail_msg("%s by %s: warnings '%s', not '%s'", line->type, line->unit, got, warnings);
    return r;
}

const struct kit_record *
kit_own(struct kit *kit, const char *type, const char *sections)
{
    struct kit_record *r = &kit->records[kit->count];
    const struct kit_line line = {.unit = "adm:ADM", .type = type, .sections = sections};

    make(kit, &line, r);
    take(kit, r, 0, NULL);
    return r;
}

void
kit_policy(struct kit *kit, const char *text)
{
    struct kit_record *r = &kit->records[kit->count];
    const struct kit_line line = {.unit = "adm:ADM", .type = "sys.policy_loaded", .sections = "0"};
    Wici__V1__SysPolicyLoadedS0 *body;

    make(kit, &line, r);
    body = r->event.sections[0].section->sys_policy_loaded_s0;
    body->text = arena_alloc(r->arena, strlen(text) + 1);
    assert_non_null(body->text);
    memcpy(body->text, text, strlen(text) + 1);
    take(kit, r, 0, NULL);
}

static const char *
key_text(const char *unit)
{
    static char key[41];
    size_t len = strlen(unit);

    for (size_t i = 0; i < 40; i++)
        key[i] = i < len ? unit[i] : 'k';
    return key;
}

static void __attribute__((format(printf, 3, 4))) body_text(char *ret, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(ret, size, fmt, args);
    va_end(args);
}

void
kit_create(struct kit *kit)
{
    char body[256];

    memset(kit, 0, sizeof *kit);
    kit->next_entry = 1;
    kit->now_ms = 1772352000000; /* 2026-03-01 */
    assert_int_equal(core_create(&kit->core), 0);
    assert_int_equal(core_create(&kit->folded), 0);
    kit_policy(kit, policy_default_text);
    (void)kit_own(kit, "sys.agency_enrolled", "0{'agencyId':'op','name':'op','kinds':['AUDIT']}");
    body_text(body, sizeof body, "0{'unitId':'adm','agencyId':'op','name':'adm','roles':['ADM'],'key':'%s'}",
              key_text("adm"));
    (void)kit_own(kit, "sys.unit_enrolled", body);
}

void
kit_destroy(struct kit *kit)
{
    folded_is_the_same(kit);
    core_destroy(&kit->core);
    core_destroy(&kit->folded);
    for (size_t i = 0; i < kit->count; i++)
        arena_destroy(&kit->records[i].arena);
}

void
kit_agency(struct kit *kit, const char *agency)
{
    char body[256];

    body_text(body, sizeof body, "0{'agencyId':'%s','name':'%s','kinds':['OPS']}", agency, agency);
    KIT_SAY(kit, "adm", "sys.agency_enrolled", 0, "", body, NULL, NULL);
}

void
kit_unit(struct kit *kit, const char *unit, const char *agency, const char *roles)
{
    char body[512], list[128];
    size_t len = 0;

    for (const char *at = roles; *at != '\0';) {
        size_t word = strcspn(at, " ");

        len += (size_t)snprintf(list + len, sizeof list - len, "%s'%.*s'", at > roles ? "," : "", (int)word, at);
        at += word + (at[word] == ' ');
    }
    body_text(body, sizeof body, "0{'unitId':'%s','agencyId':'%s','name':'%s','roles':[%s],'key':'%s'}", unit, agency,
              unit, list, key_text(unit));
    KIT_SAY(kit, "adm", "sys.unit_enrolled", 0, "", body, NULL, NULL);
}

void
kit_enrol_town(struct kit *kit)
{
    kit_agency(kit, "cus");
    kit_unit(kit, "rec", "cus", "INT");
    kit_unit(kit, "sw", "cus", "SW");
    kit_unit(kit, "fa", "cus", "FA");
    kit_unit(kit, "dir", "cus", "DIR");
    kit_unit(kit, "ic", "cus", "IC");
    kit_unit(kit, "ous", "cus", "OUS");
    kit_agency(kit, "school");
    kit_unit(kit, "sch", "school", "SCH");
    kit_agency(kit, "court");
    kit_unit(kit, "ct", "court", "CT");
    kit_agency(kit, "probation");
    kit_unit(kit, "kur", "probation", "KUR");
    kit_agency(kit, "provider");
    kit_unit(kit, "svc", "provider", "SVC");
    kit_agency(kit, "gops");
    kit_unit(kit, "ops", "gops", "SW INT FA DIR");
    kit_agency(kit, "foster");
    kit_unit(kit, "fcc", "foster", "FCC");
}

/* ---- what is seen */

uint32_t
kit_index(const struct kit *kit, const char *id)
{
    uint32_t found = core_unit_by_id(kit->core, id);

    for (uint32_t i = 0; found == CORE_UNIT_NONE && i < core_unit_count(kit->core); i++) {
        struct core_unit unit;

        core_unit(kit->core, i, &unit);
        if (strcmp(unit.id, id) == 0)
            found = i;
    }
    return found;
}

/* Who is given a record finds it: live, when he catches up, and when he asks for its dossier. */
static bool
is_found(struct kit *kit, uint32_t unit, const struct kit_record *record)
{
    const uint32_t *list;
    size_t count;
    bool all, live, later, asked;

    assert_int_equal(core_audience(kit->core, &record->record, &list, &count, &all), 0);
    live = all;
    for (size_t i = 0; i < count; i++)
        live = live || list[i] == unit;
    assert_int_equal(core_unit_entries(kit->core, unit, &list, &count, &all), 0);
    later = all;
    for (size_t i = 0; i < count; i++)
        later = later || list[i] == record->record.entry;
    asked = !record->event.has_dossier || record->record.entry == 0 || all ||
            core_entry_for(kit->core, unit, record->event.dossier_id) == record->record.entry;
    if (!live || !later || !asked)
        print_error("%s (seq %llu): found%s%s%s\n", record->event.type->name, (unsigned long long)record->record.seq,
                    live ? " live" : "", later ? " later" : "", asked ? " by its dossier" : "");
    return live && later && asked;
}

static struct core_view
view(struct kit *kit, const char *unit, const struct kit_record *record)
{
    uint32_t index = kit_index(kit, unit);
    struct core_view ret;

    assert_true(index != CORE_UNIT_NONE);
    core_view(kit->core, index, &record->record, false, &ret);
    if (ret.received)
        assert_true(is_found(kit, index, record));
    return ret;
}

const char *
kit_seen(struct kit *kit, const char *unit, const struct kit_record *record)
{
    static char classes[TYPE_CLASSES + 1];
    struct core_view v = view(kit, unit, record);
    size_t len = 0;

    if (!v.received)
        return "";
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++)
        for (size_t i = 0; i < record->event.section_count; i++)
            if (record->event.sections[i].cls == cls && (v.sections & 1u << i) != 0) {
                classes[len++] = (char)('0' + cls);
                break;
            }
    classes[len] = '\0';
    return len > 0 ? classes : "-";
}

bool
kit_note_seen(struct kit *kit, const char *unit, const struct kit_record *record)
{
    return view(kit, unit, record).note;
}

static void
expected_of(const char *expect, const char *unit, char ret[16])
{
    size_t len = strlen(unit);

    ret[0] = '\0';
    for (const char *at = expect; *at != '\0';) {
        size_t word = strcspn(at, " ");

        if (word > len && strncmp(at, unit, len) == 0 && at[len] == '=')
            snprintf(ret, 16, "%.*s", (int)(word - len - 1), at + len + 1);
        at += word + (at[word] == ' ');
    }
}

void
kit_expect(struct kit *kit, const struct kit_record *record, const char *expect)
{
    for (uint32_t i = 0; i < core_unit_count(kit->core); i++) {
        struct core_unit unit;
        char want[16];
        const char *seen;

        core_unit(kit->core, i, &unit);
        if (strcmp(unit.id, record->event.header->actor->unit) == 0)
            continue; /* the author has his own */
        expected_of(expect, unit.id, want);
        seen = kit_seen(kit, unit.id, record);
        if (strcmp(seen, want) != 0)
            fail_msg("%s by %s (seq %llu): %s is given '%s', not '%s'", record->event.type->name,
                     record->event.header->actor->unit, (unsigned long long)record->record.seq, unit.id, seen, want);
    }
}

const char *
kit_relations(struct kit *kit, const char *unit, const struct kit_record *record)
{
    static char text[512];
    struct core_relation_view relations[64];
    uint32_t index = kit_index(kit, unit);
    size_t count, len = 0;

    assert_true(index != CORE_UNIT_NONE);
    count = core_relations(kit->core, index, &record->record, relations, 64);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if (relations[i].until_seq == 0 && strcmp(relations[i].kind, "author") != 0 &&
            strcmp(relations[i].kind, "addressee") != 0)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? " " : "", relations[i].kind);
    return text;
}

/* ---- steps that many tests begin with */

int
kit_setup(void **state)
{
    static struct kit kit;

    kit_create(&kit);
    kit_enrol_town(&kit);
    *state = &kit;
    return 0;
}

int
kit_teardown(void **state)
{
    kit_destroy(*state);
    return 0;
}

void
kit_relations_are(struct kit *k, const char *unit, const struct kit_record *record, const char *relations)
{
    assert_string_equal(kit_relations(k, unit, record), relations);
}

const struct kit_record *
kit_referral(struct kit *k, char dossier, const char *to)
{
    return KIT_SAY(k, "sch", "referral.submitted", dossier, to, "0 1@p1 6{'service':'OTHER'}", NULL, NULL);
}

const struct kit_record *
kit_open_case(struct kit *k, const char *unit, char dossier)
{
    return KIT_SAY(k, unit, "case.opened", dossier, "", "0 1 6{'path':'ORDINARY'}", NULL, NULL);
}

const struct kit_record *
kit_active_case(struct kit *k, char dossier)
{
    const struct kit_record *opened = kit_open_case(k, "sw", dossier);

    KIT_MARKED(k, "", "sw", "case.interview_completed", dossier, "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL,
               NULL);
    KIT_MARKED(k, "", "sw", "case.assistant_requested", dossier, "", "0 6", NULL, NULL);
    KIT_MARKED(k, "", "dir", "case.assistant_assigned", dossier, "", "0{'unit':'fa'}", NULL, NULL);
    KIT_MARKED(k, "", "fa", "consent.granted", dossier, "",
               "0{'consentId':'$c','givenOn':'2026-03-10'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    KIT_MARKED(k, "", "fa", "meeting.held", dossier, "",
               "0{'meetingId':'$f','heldOn':'2026-03-10'} 6{'kind':'FIRST_CONTACT','chairRole':'FA','attendance':"
               "[{'role':'SW','signed':true},{'role':'FA','signed':true}]}",
               NULL, NULL);
    return opened;
}

const char *
kit_answering(const struct kit_record *record)
{
    static char header[80];

    strcpy(header, "'causationId':'");
    strcat(strcat(header, kit_event_id(record)), "'");
    return header;
}

const char *
kit_correcting(const struct kit_record *record, const char *how)
{
    static char header[128];

    strcpy(header, "'correctsEventId':'");
    strcat(strcat(header, kit_event_id(record)), "','correction':'");
    strcat(strcat(header, how), "'");
    return header;
}
