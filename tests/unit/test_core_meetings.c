/*
 * Meetings: who is given which part of what is said of them. Histories drawn at random - convened, put off, called off,
 * held, agreed, said otherwise, taken back, in cases and in meetings of their own - are compared, for every unit and
 * every section, with the rule as docs/DOMAIN.md says it, stated here anew and looking at nothing but the events:
 * live, when each is said, and later, when they are read again from a state folded from the start.
 *
 * What it guards: nobody is given another's rows, nor the protocol who may not.
 */
#include "test_core_kit.h"
#include "test_core_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS    12u
#define STEPS    220u
#define MEETINGS 3u /* of each dossier */

static const struct {
    const char *id, *agency, *roles;
} units[] = {
    {"rec", "cus", "INT"},
    {"sw", "cus", "SW"},
    {"fa", "cus", "FA"},
    {"dir", "cus", "DIR"},
    {"ic", "cus", "IC"},
    {"ous", "cus", "OUS"},
    {"sch", "school", "SCH"},
    {"sch2", "school", "SCH"},
    {"ct", "court", "CT"},
    {"kur", "probation", "KUR"},
    {"svc", "provider", "SVC"},
    {"fcc", "foster", "FCC"},
    {"ops", "gops", "SW INT FA DIR"},
    {"aud", "audit", "AUD"},
};
#define UNITS (sizeof units / sizeof *units)

static uint64_t chance;

static unsigned
draw(unsigned below)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)(chance % below);
}

/* ---- the rule, from the events alone; "now" is how many of them there are yet */

static bool
in_list(char *const *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], id) == 0)
            return true;
    return false;
}

static bool
has_role(size_t unit, const char *role)
{
    const char *at = strstr(units[unit].roles, role);
    size_t len = strlen(role);

    return at != NULL && (at == units[unit].roles || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' ');
}

static const struct event *
said(const struct kit *k, size_t at)
{
    return &k->records[at].event;
}

static bool
is_recall(const struct event *e)
{
    return strcmp(e->header->correction, "ENTERED_IN_ERROR") == 0;
}

static const char *
meeting_of(const struct event *e)
{
    switch (e->type->number) {
    case WICI__V1__EVENT_TYPE__MEETING_CONVENED:
        return ((const Wici__V1__MeetingConvenedS0 *)event_body(e, 0))->meeting_id;
    case WICI__V1__EVENT_TYPE__MEETING_HELD: return ((const Wici__V1__MeetingHeldS0 *)event_body(e, 0))->meeting_id;
    case WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED:
        return ((const Wici__V1__MeetingAgreementsIssuedS0 *)event_body(e, 0))->meeting_id;
    default: return NULL;
    }
}

/* What of the events is asked for again and again, found once for each: looking is most of the test's time. */
static struct {
    size_t corrects,
        first;         /* the record that it corrects, and where that was first said; itself when it corrects none */
    size_t taken_back; /* of what was first said here: by which record first; SIZE_MAX: by none */
    size_t author, opening; /* a unit; the first record of the dossier */
    char meeting[37];
} facts[KIT_RECORDS_MAX];

static size_t
find_unit(const char *id)
{
    size_t unit = 0;

    while (unit < UNITS && strcmp(units[unit].id, id) != 0)
        unit++;
    return unit;
}

static void
note_facts(const struct kit *k, size_t at)
{
    const Wici__V1__Header *header = said(k, at)->header;
    const char *meeting = meeting_of(said(k, at));

    facts[at].corrects = facts[at].first = facts[at].opening = at;
    facts[at].taken_back = SIZE_MAX;
    facts[at].author = find_unit(header->actor->unit);
    (void)snprintf(facts[at].meeting, sizeof facts[at].meeting, "%s", meeting != NULL ? meeting : "");
    for (size_t i = at; i-- > 0;) {
        if (strcmp(said(k, i)->header->dossier_id, header->dossier_id) == 0)
            facts[at].opening = i;
        if (strcmp(said(k, i)->header->event_id, header->corrects_event_id) == 0) {
            facts[at].corrects = i;
            facts[at].first = facts[i].first;
        }
    }
    if (is_recall(said(k, at)) && facts[facts[at].first].taken_back == SIZE_MAX)
        facts[facts[at].first].taken_back = at;
}

/* The first of the `now` events that takes back what was said there, or said otherwise; `now`: none does. Saying it
 * otherwise does not save it. */
static size_t
taken_back_by(size_t at, size_t now)
{
    size_t by = facts[facts[at].first].taken_back;

    return by < now ? by : now;
}

static bool
is_taken_back(size_t at, size_t now)
{
    return taken_back_by(at, now) < now;
}

static bool
same_meeting(size_t a, size_t b)
{
    return facts[a].opening == facts[b].opening && facts[a].meeting[0] != '\0' &&
           strcmp(facts[a].meeting, facts[b].meeting) == 0;
}

/* The event invites the unit, about that person among others (NULL: about anybody or nobody). */
static bool
invites(const struct event *e, const char *unit, const char *person)
{
    if (e->type->number != WICI__V1__EVENT_TYPE__MEETING_CONVENED || is_recall(e))
        return false;
    for (size_t s = 0; s < e->section_count; s++) {
        const Wici__V1__MeetingConvenedS6 *body = e->sections[s].section->meeting_convened_s6;

        for (size_t i = 0; e->sections[s].cls == 6 && i < body->n_invited; i++)
            if (strcmp(body->invited[i]->unit, unit) == 0 &&
                (person == NULL || in_list(body->invited[i]->about, body->invited[i]->n_about, person)))
                return true;
    }
    return false;
}

/* It puts an end to the invitations of its meeting: another round of them, or the agreements. */
static bool
ends_invitations(const struct event *e)
{
    return !is_recall(e) && (e->type->number == WICI__V1__EVENT_TYPE__MEETING_CONVENED ||
                             e->type->number == WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED);
}

/* Does the invitation said at `by` hold when record `at` is said, as it is seen now? Who is left out of the next round
 * is still told of that. */
static bool
holds(const struct kit *k, size_t by, size_t at, size_t now)
{
    if (by > at || is_taken_back(by, at))
        return false;
    for (size_t i = by + 1; i < at; i++) {
        size_t recall = taken_back_by(i, now);

        if (!same_meeting(i, by) || !ends_invitations(said(k, i)))
            continue;
        /* What ended it in error did not end it, if there was something left to go on then. */
        if (recall == now || is_taken_back(by, recall + 1))
            return false;
    }
    return true;
}

/* ... and who was invited when something was said is given it also as it is said otherwise, or taken back. */
static bool
still_invited(const struct kit *k, size_t by, size_t at, size_t now)
{
    return holds(k, by, at, now) || holds(k, by, facts[at].first, now);
}

struct reading {
    bool any;
    bool invited, addressed, answered, leads, looks_on;
};

static struct reading reading_of(const struct kit *k, size_t unit, size_t at, size_t now);

static bool section_is_given(const struct kit *k, size_t unit, size_t at, size_t s, size_t now);

static bool
is_given_something(const struct kit *k, size_t unit, size_t at, size_t now)
{
    for (size_t s = 0; s < said(k, at)->section_count; s++)
        if (section_is_given(k, unit, at, s, now))
            return true;
    return false;
}

/* What corrects an event goes to whom that was addressed; a recall also to each who was given it. */
static bool
is_answered(const struct kit *k, size_t unit, size_t at)
{
    size_t what = facts[at].corrects;

    if (what == at)
        return false;
    if (is_given_something(k, facts[at].author, what, at)) {
        for (size_t i = 0; i < said(k, what)->header->n_to; i++)
            if (strcmp(said(k, what)->header->to[i]->unit, units[unit].id) == 0)
                return true;
        if (is_answered(k, unit, what))
            return true;
    }
    return is_recall(said(k, at)) && !has_role(unit, "AUD") && is_given_something(k, unit, what, at);
}

/* Who opened the dossier leads it, and the directors of its agency look on. */
static struct reading
reading_of(const struct kit *k, size_t unit, size_t at, size_t now)
{
    const struct event *e = said(k, at);
    struct reading r = {.any = false};
    size_t opener = facts[facts[at].opening].author;

    r.leads = opener == unit;
    r.looks_on = strcmp(units[opener].agency, units[unit].agency) == 0 && has_role(unit, "DIR");
    for (size_t i = 0; i < e->header->n_to; i++)
        r.addressed = r.addressed || strcmp(e->header->to[i]->unit, units[unit].id) == 0;
    r.answered = is_answered(k, unit, at);
    for (size_t by = 0; by <= at && !r.invited; by++)
        r.invited = same_meeting(by, at) && invites(said(k, by), units[unit].id, NULL) && still_invited(k, by, at, now);
    r.any = r.invited || r.addressed || r.answered || r.leads || r.looks_on;
    return r;
}

/* Is the section about a person whom it concerns the reader to know of? */
static bool
is_about_his(const struct kit *k, const struct reading *r, size_t unit, size_t at, size_t s, size_t now)
{
    const Wici__V1__Section *section = said(k, at)->sections[s].section;
    size_t what = facts[at].corrects;

    if (section->n_subjects > 0 && r->addressed)
        return true;
    for (size_t i = 0; i < section->n_subjects; i++) {
        for (size_t j = 0; r->answered && j < said(k, what)->section_count; j++) {
            const Wici__V1__Section *other = said(k, what)->sections[j].section;

            if (in_list(other->subjects, other->n_subjects, section->subjects[i]))
                return true;
        }
        for (size_t by = 0; by <= at; by++)
            if (same_meeting(by, at) && invites(said(k, by), units[unit].id, section->subjects[i]) &&
                still_invited(k, by, at, now))
                return true;
    }
    return false;
}

static bool
is_marked(char *const *marks, size_t count, size_t unit)
{
    return in_list(marks, count, units[unit].id) || in_list(marks, count, units[unit].agency);
}

/* The matrix's word for it: 2 full, 1 half, 0 nothing. */
static unsigned
right_to(size_t unit, const char *type, unsigned cls)
{
    static const char *const roles[MATRIX_ROLES] = {"SW",  "INT", "FA",  "DIR", "HEAD", "IC",  "OUS",
                                                    "OSL", "MUN", "CT",  "KUR", "SCH",  "FCC", "CCF",
                                                    "POL", "HLT", "SVC", "IDT", "AUD"};
    unsigned best = 0;

    for (size_t t = 0; t < MATRIX_TYPES; t++)
        for (size_t role = 0; strcmp(matrix[t].type, type) == 0 && role < MATRIX_ROLES; role++) {
            if (!has_role(unit, roles[role]))
                continue;
            if ((matrix[t].cells[role].full >> cls & 1u) != 0)
                best = 2;
            else if ((matrix[t].cells[role].half >> cls & 1u) != 0 && best == 0)
                best = 1;
        }
    return best;
}

static bool
section_is_given(const struct kit *k, size_t unit, size_t at, size_t s, size_t now)
{
    const struct event *e = said(k, at);
    const Wici__V1__Section *section = e->sections[s].section;
    struct reading r;
    unsigned right;

    if (strcmp(e->header->actor->unit, units[unit].id) == 0)
        return true;
    if (has_role(unit, "AUD"))
        return e->sections[s].cls == 0;
    if (!is_recall(e) && is_taken_back(at, now))
        return false;
    r = reading_of(k, unit, at, now);
    if (!r.any || is_marked(section->not_to, section->n_not_to, unit))
        return false;
    if (section->n_only_for > 0 && !is_marked(section->only_for, section->n_only_for, unit))
        return false;
    right = right_to(unit, e->type->name, e->sections[s].cls);
    if (right != 1)
        return right == 2;
    return section->n_only_for > 0 || is_about_his(k, &r, unit, at, s, now);
}

/* ---- what the core gives */

static struct tally {
    unsigned taken, refused, taken_back, rows, rows_given, protocols_kept, revisions;
} tally;

static void
what_is_given_is_the_rule(const struct kit *k, struct core *core, size_t at, const char *when)
{
    const struct event *e = said(k, at);
    const uint32_t *audience;
    size_t count;
    bool everyone;

    if (meeting_of(e) == NULL)
        return;
    assert_int_equal(core_audience(core, &k->records[at].record, &audience, &count, &everyone), 0);
    for (size_t unit = 0; unit < UNITS; unit++) {
        uint32_t index = core_unit_by_id(core, units[unit].id);
        struct core_view view;
        bool found = everyone;

        core_view(core, index, &k->records[at].record, false, &view);
        for (size_t s = 0; s < e->section_count; s++) {
            bool given = view.received && (view.sections >> s & 1u) != 0;

            if (given != section_is_given(k, unit, at, s, k->count))
                fail_msg("%s: section %zu (S%u) of %s %zu, meeting %s: %s is%s given it", when, s, e->sections[s].cls,
                         e->type->name, at + 1, meeting_of(e), units[unit].id, given ? "" : " not");
        }
        for (size_t i = 0; i < count; i++)
            found = found || audience[i] == index;
        if (view.received && !found)
            fail_msg("%s: %s is given %zu and would not be found", when, units[unit].id, at + 1);
    }
}

static void
read_again_from_the_start_it_is_the_rule(const struct kit *k)
{
    struct core *again;

    assert_int_equal(core_create(&again), 0);
    for (size_t i = 0; i < k->count; i++)
        assert_int_equal(core_apply(again, &k->records[i].record), 0);
    for (size_t i = 0; i < k->count; i++)
        what_is_given_is_the_rule(k, again, i, "read again");
    core_destroy(&again);
}

static void
count(const struct kit *k, size_t at)
{
    const struct event *e = said(k, at);

    tally.taken_back += is_recall(e);
    tally.revisions += e->type->number == WICI__V1__EVENT_TYPE__MEETING_CONVENED && !is_recall(e);
    for (size_t s = 0; s < e->section_count; s++)
        for (size_t unit = 0; unit < UNITS && e->sections[s].cls == 6; unit++) {
            bool given = section_is_given(k, unit, at, s, k->count);

            if (e->type->number == WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED) {
                tally.rows++;
                tally.rows_given += given;
            }
            tally.protocols_kept += e->type->number == WICI__V1__EVENT_TYPE__MEETING_HELD && !given &&
                                    reading_of(k, unit, at, k->count).invited;
        }
}

/* ---- the histories */

/* A case of the social worker's, one of another office's; meetings of their own of both and of an assistant's. */
static const char dossiers[] = "CDMN";

static void
begin(struct kit *k)
{
    kit_create(k);
    kit_enrol_town(k);
    kit_unit(k, "sch2", "school", "SCH");
    kit_agency(k, "audit");
    kit_unit(k, "aud", "audit", "AUD");
    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "ops", 'D');
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ic'}", NULL, NULL);
    KIT_SAY(k, "ops", "sys.participant_added", 'D', "", "0{'unit':'sw'}", NULL, NULL);
    KIT_SAY(k, "ops", "sys.participant_added", 'D', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "meeting.convened", 'M', "", "0{'meetingId':'$0'} 6{'kind':'CONSULTATION'}", NULL, NULL);
    KIT_SAY(k, "fa", "meeting.convened", 'N', "", "0{'meetingId':'$0'} 6{'kind':'CONSULTATION'}", NULL, NULL);
}

struct words {
    char at[1500];
    size_t len;
};

static void __attribute__((format(printf, 2, 3))) put(struct words *words, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(words->at + words->len, sizeof words->at - words->len, fmt, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof words->at - words->len);
    words->len += (size_t)len;
}

static const char *
somebody(void)
{
    size_t unit = draw(UNITS);

    return draw(4) == 0 ? units[unit].agency : units[unit].id;
}

/* The marks of one section: whom it is about, for whom alone, for whom not. */
static void
put_marks(struct words *words)
{
    unsigned persons = draw(3);

    if (persons > 0)
        put(words, "@p%u", 1 + draw(4));
    if (persons > 1)
        put(words, ",p%u", 1 + draw(4));
    if (draw(5) == 0) {
        put(words, "=%s", somebody());
        if (draw(2) == 0)
            put(words, ",%s", somebody());
    }
    if (draw(6) == 0)
        put(words, "!%s", somebody());
}

static void
put_invited(struct words *words)
{
    put(words, "{'kind':'CONSULTATION','invited':[");
    for (unsigned i = 0, invited = draw(5); i < invited; i++) {
        put(words, "%s{'unit':'%s','about':[", i > 0 ? "," : "", units[draw(UNITS)].id);
        for (unsigned j = 0, persons = draw(3); j < persons; j++)
            put(words, "%s'p%u'", j > 0 ? "," : "", 1 + draw(4));
        put(words, "]}");
    }
    put(words, "]}");
}

static void
put_sections(struct words *words, const char *type, char meeting)
{
    put(words, "0{'meetingId':'$%c'", meeting);
    if (strcmp(type, "meeting.convened") == 0)
        put(words, ",'revision':%u,'status':'%s'", 1 + draw(4), draw(5) == 0 ? "cancelled" : "booked");
    put(words, "}");
    if (draw(3) == 0) {
        put(words, " 1");
        put_marks(words);
    }
    for (unsigned i = 0, more = 1 + draw(4); i < more; i++) {
        put(words, " 6");
        put_marks(words);
        if (strcmp(type, "meeting.convened") == 0 && i == 0)
            put_invited(words);
        if (strcmp(type, "meeting.agreements_issued") == 0 && draw(4) > 0)
            put(words, "{'row':{'no':%u}}", i + 1);
        if (strcmp(type, "meeting.held") == 0)
            put(words, "{'protocol':'x'}");
    }
}

static const struct kit_record *
attempt(struct kit *k, const struct kit_line *line)
{
    struct refusal refusal;
    const struct kit_record *r = kit_try(k, line, &refusal);

    tally.taken += r != NULL;
    tally.refused += r == NULL;
    return r;
}

static const struct kit_record *
correct(struct kit *k)
{
    static struct words words;
    size_t at = draw((unsigned)k->count);
    bool recall = draw(2) == 0;
    const struct event *e = said(k, at);
    const char *unit = draw(4) > 0 ? e->header->actor->unit : draw(2) == 0 ? "sw" : "ops";
    struct kit_line line = {.type = e->type->name, .dossier = (char)e->dossier_id[15], .to = ""};

    if (meeting_of(e) == NULL)
        return NULL;
    words.len = 0;
    line.unit = unit;
    line.header = kit_correcting(&k->records[at], recall ? "ENTERED_IN_ERROR" : "AMENDED");
    if (recall)
        put(&words, "0");
    else
        put_sections(&words, e->type->name,
                     draw(6) == 0 ? (char)('1' + draw(MEETINGS)) : meeting_of(said(k, facts[at].first))[35]);
    line.sections = words.at;
    return attempt(k, &line);
}

static const struct kit_record *
step(struct kit *k)
{
    static const char *const types[] = {"meeting.convened", "meeting.convened", "meeting.held",
                                        "meeting.agreements_issued"};
    static const char *const authors[] = {"sw", "fa", "ops", "ic"};
    static struct words words;
    struct kit_line line = {.type = types[draw(4)], .dossier = dossiers[draw(4)], .to = "", .sections = words.at};

    k->now_ms += draw(3600000);
    if (draw(5) == 0)
        return correct(k);
    line.unit = draw(3) > 0 ? (line.dossier == 'D' ? "ops" : line.dossier == 'N' ? "fa" : "sw") : authors[draw(4)];
    if (draw(6) == 0)
        line.to = units[draw(UNITS)].id;
    words.len = 0;
    put_sections(&words, line.type, (char)('1' + draw(MEETINGS)));
    return attempt(k, &line);
}

static void
nobody_is_given_anothers_rows_nor_the_protocol_who_may_not(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static struct kit k;

        chance = seed * 0x9e3779b97f4a7c15u;
        begin(&k);
        for (size_t i = 0; i < k.count; i++)
            note_facts(&k, i);
        for (unsigned i = 0; i < STEPS; i++) {
            const struct kit_record *r = step(&k);

            if (r != NULL) {
                note_facts(&k, k.count - 1);
                what_is_given_is_the_rule(&k, k.core, k.count - 1, "live");
                count(&k, k.count - 1);
            }
            if (i % 110 == 109)
                read_again_from_the_start_it_is_the_rule(&k);
        }
        kit_destroy(&k);
    }
    print_message("%u taken, %u refused, %u taken back, %u rounds of invitations, %u of %u rows given, %u times an "
                  "invited unit without the protocol\n",
                  tally.taken, tally.refused, tally.taken_back, tally.revisions, tally.rows_given, tally.rows,
                  tally.protocols_kept);
    assert_true(tally.taken > 1000 && tally.refused > 100 && tally.taken_back > 100);
    assert_true(tally.rows_given > 500 && tally.protocols_kept > 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_given_anothers_rows_nor_the_protocol_who_may_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
