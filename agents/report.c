/*
 * report - see report.h
 *
 * Two steps. report_add() keeps of each event the few facts that count (struct fact), and voids or replaces the facts
 * of an event that is recalled or amended. report_rows() folds the facts into cases, and counts.
 */
#include "agents/report.h"

#include "proto/date.h"
#include "proto/member.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is counted */

enum measure {
    FAMILIES_SUPPORTED,
    FAMILIES_TAKEN_UP,
    FAMILIES_ENDED,
    ZZ_SUPPORTED,
    ZZ_THREATENED_PREGNANCY,
    IPUS_MADE,
    IPUS_UPDATED,
    IPUS_CONCLUDED,
    IPUS_RUNNING,
    MEETINGS_HELD,
    OPINIONS_DELIVERED,
    REFERRALS,
    DEADLINES_KEPT,
    DEADLINES_LATE,
    DEADLINES_MISSED,
    MEASURE_COUNT
};

static const struct {
    const char *name, *pl, *en;
} measures[MEASURE_COUNT] = {
    {"families_supported", "rodziny z asystentem w okresie", "families with an assistant in the period"},
    {"families_taken_up", "rodziny, którym przydzielono asystenta", "families given an assistant"},
    {"families_ended", "rodziny, z którymi zakończono pracę", "families with which the work ended"},
    {"zz_supported", "rodziny „Za życiem”", "families under \"Za życiem\""},
    {"zz_threatened_pregnancy", "w tym powikłana ciąża", "of these a complicated pregnancy"},
    {"ipus_made", "IPUS opracowane", "IPUS made"},
    {"ipus_updated", "IPUS zaktualizowane", "IPUS updated"},
    {"ipus_concluded", "IPUS podsumowane", "IPUS concluded"},
    {"ipus_running", "IPUS trwające ostatniego dnia", "IPUS running on the last day"},
    {"meetings_held", "spotkania", "meetings"},
    {"opinions_delivered", "opinie dla sądu", "opinions to the court"},
    {"referrals", "zgłoszenia według źródła i wyniku", "referrals by source and outcome"},
    {"deadlines_kept", "terminy dotrzymane", "deadlines kept"},
    {"deadlines_late", "terminy dotrzymane z opóźnieniem", "deadlines met late"},
    {"deadlines_missed", "terminy niedotrzymane", "deadlines missed"},
};

/* ---- facts */

enum fact_kind {
    FACT_REFERRAL, /* word: source; other: addressed unit; tag: entitlement */
    FACT_OUTCOME,  /* word: TAKEN_UP, NOT_TAKEN_UP, DONE */
    FACT_CASE,     /* word: gmina; tag: entitlement */
    FACT_ASSIGNED, /* other: the assistant's unit */
    FACT_PLAN,     /* tag: entitlement */
    FACT_CLOSED,
    FACT_LINK, /* word: kind; other: dossier */
    FACT_IPUS, /* other: IPUS id; until: end of the period */
    FACT_IPUS_UPDATED,
    FACT_IPUS_CONCLUDED,
    FACT_MEETING,
    FACT_OPINION,
    FACT_DEADLINE_MISSED, /* word: clock; other: what tells it from others; day: due */
    FACT_DEADLINE_MET,    /* until: the day that counts */
    FACT_DEADLINE_CANCELLED,
};

struct fact {
    enum fact_kind kind;
    bool void_;
    int32_t day, until;
    char id[40], dossier[40], other[84];
    char *unit;
    char word[24], tag[24];
};

/* Which member of which section holds what; "" where there is none. */
static const struct {
    const char *type;
    enum fact_kind kind;
    const char *section, *day, *until, *word, *other;
} sources[] = {
    {"REFERRAL_SUBMITTED", FACT_REFERRAL, "referralSubmittedS0", "informationReceivedOn", "", "", ""},
    {"REFERRAL_ANSWERED", FACT_OUTCOME, "referralAnsweredS0", "answeredOn", "", "outcome", ""},
    {"REFERRAL_COMPLETED", FACT_OUTCOME, "referralCompletedS0", "completedOn", "", "outcome", ""},
    {"CASE_OPENED", FACT_CASE, "caseOpenedS0", "openedOn", "", "gmina", ""},
    {"CASE_ASSISTANT_ASSIGNED", FACT_ASSIGNED, "caseAssistantAssignedS0", "assignedOn", "", "", "unit"},
    {"CASE_PLAN_UPDATED", FACT_PLAN, "casePlanUpdatedS0", "", "", "", ""},
    {"CASE_CLOSED", FACT_CLOSED, "caseClosedS0", "closedOn", "", "", ""},
    {"CASE_LINKED", FACT_LINK, "caseLinkedS0", "", "", "kind", "otherDossier"},
    {"IPUS_AGREED", FACT_IPUS, "ipusAgreedS0", "agreedOn", "periodTo", "", "ipusId"},
    {"IPUS_UPDATED", FACT_IPUS_UPDATED, "ipusUpdatedS0", "agreedOn", "periodTo", "", "ipusId"},
    {"IPUS_CONCLUDED", FACT_IPUS_CONCLUDED, "ipusConcludedS0", "endedOn", "", "", "ipusId"},
    {"MEETING_HELD", FACT_MEETING, "meetingHeldS0", "heldOn", "", "", ""},
    {"COURT_OPINION_DELIVERED", FACT_OPINION, "courtOpinionDeliveredS0", "deliveredOn", "", "", ""},
    {"SYS_DEADLINE_MISSED", FACT_DEADLINE_MISSED, "sysDeadlineMissedS0", "due", "", "clock", ""},
    {"SYS_DEADLINE_MET", FACT_DEADLINE_MET, "sysDeadlineMetS0", "due", "endedOn", "clock", ""},
    {"SYS_DEADLINE_CANCELLED", FACT_DEADLINE_CANCELLED, "sysDeadlineCancelledS0", "due", "", "clock", ""},
};

struct report {
    int32_t since, until;
    struct fact *facts;
    size_t count, size;
    void *by_id; /* tsearch tree of struct named */
};

struct named {
    char id[40];
    size_t fact;
};

static int
named_compare(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->id, ((const struct named *)b)->id);
}

int
report_create(struct report **ret, int32_t since, int32_t until)
{
    struct report *r = calloc(1, sizeof *r);

    assert(ret != NULL && since <= until);

    if (r == NULL)
        return -ENOMEM;
    r->since = since;
    r->until = until;
    *ret = r;
    return 0;
}

bool
report_row_is_art46(const json_t *row)
{
    static const char *const clocks[] = {"D3", "D6", "D7", "D8", "D9"};
    const char *measure = member_text(row, "measure"), *detail = member_text(row, "detail");

    if (strncmp(measure, "deadlines_", strlen("deadlines_")) != 0)
        return strncmp(measure, "ipus_", strlen("ipus_")) == 0;
    if (detail[0] == '\0') /* there were none at all */
        return true;
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++)
        if (strcmp(clocks[i], detail) == 0)
            return true;
    return false;
}

void
report_free(struct report **report)
{
    struct report *r = *report;

    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        free(r->facts[i].unit);
    tdestroy(r->by_id, free);
    free(r->facts);
    free(r);
    *report = NULL;
}

/* ---- reading an event */

/* The body of the event's section of that name; NULL: it has none, or was not given it. */
static const json_t *
body_of(const json_t *event, const char *name)
{
    const json_t *section, *body;
    size_t i;

    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        body = json_object_get(section, name);
        if (body != NULL)
            return body;
    }
    return NULL;
}

static void
copy(char *ret, size_t size, const char *text)
{
    (void)snprintf(ret, size, "%s", text);
}

static int32_t
day_of(const json_t *body, const char *name)
{
    int32_t day;

    return name[0] != '\0' && date_parse(member_text(body, name), &day) == 0 ? day : INT32_MIN;
}

/* What tells a clock from others: its start, and which date of that. */
static void
deadline_key(const json_t *deadline, const char *dossier, char *ret, size_t size)
{
    const json_t *seq = json_object_get(deadline, "startSeq");
    long long number = json_is_string(seq) ? strtoll(json_string_value(seq), NULL, 10) : json_integer_value(seq);

    (void)snprintf(ret, size, "%s %s %lld %lld", member_text(deadline, "clock"), dossier, number,
                   (long long)json_integer_value(json_object_get(deadline, "item")));
}

static const char *
entitlement_of(const json_t *event)
{
    static const char *const sections[] = {"caseOpenedS4", "casePlanUpdatedS4", "referralSubmittedS4"};

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const json_t *body = body_of(event, sections[i]);

        if (body != NULL)
            return member_text(body, "entitlement");
    }
    return "";
}

/* False: an event that does not count. -ENOMEM shows as unit NULL. */
static bool
fact_read(const json_t *event, struct fact *ret)
{
    const json_t *header = json_object_get(event, "header"), *body;
    const char *type = member_text(header, "type");
    size_t i = 0;

    while (i < sizeof sources / sizeof sources[0] && strcmp(sources[i].type, type) != 0)
        i++;
    if (i == sizeof sources / sizeof sources[0])
        return false;
    body = body_of(event, sources[i].section);
    *ret = (struct fact){.kind = sources[i].kind};
    copy(ret->id, sizeof ret->id, member_text(header, "eventId"));
    copy(ret->dossier, sizeof ret->dossier, member_text(header, "dossierId"));
    if (ret->kind >= FACT_DEADLINE_MISSED) {
        body = json_object_get(body, "deadline");
        deadline_key(body, ret->dossier, ret->other, sizeof ret->other);
    } else if (sources[i].other[0] != '\0') {
        copy(ret->other, sizeof ret->other, member_text(body, sources[i].other));
    } else if (ret->kind == FACT_REFERRAL) {
        copy(ret->other, sizeof ret->other, member_text(json_array_get(json_object_get(header, "to"), 0), "unit"));
        copy(ret->word, sizeof ret->word, member_text(body_of(event, "referralSubmittedS6"), "sourceKind"));
    }
    if (sources[i].word[0] != '\0')
        copy(ret->word, sizeof ret->word, member_text(body, sources[i].word));
    ret->day = day_of(body, sources[i].day);
    ret->until = day_of(body, sources[i].until);
    copy(ret->tag, sizeof ret->tag, entitlement_of(event));
    ret->unit = strdup(member_text(json_object_get(header, "actor"), "unit"));
    return true;
}

static struct fact *
fact_find(const struct report *r, const char *id)
{
    struct named key;
    struct named *const *found;

    copy(key.id, sizeof key.id, id);
    found = tfind(&key, &r->by_id, named_compare);
    return found == NULL ? NULL : &r->facts[(*found)->fact];
}

static int
fact_name(struct report *r, const char *id, size_t at)
{
    struct named *named = malloc(sizeof *named), **found;

    if (named == NULL)
        return -ENOMEM;
    copy(named->id, sizeof named->id, id);
    named->fact = at;
    found = tsearch(named, &r->by_id, named_compare);
    if (found == NULL || *found != named)
        free(named);
    return found == NULL ? -ENOMEM : 0;
}

/* Takes the fact over, its unit too, also where it fails. */
static int
fact_keep(struct report *r, const struct fact *fact)
{
    if (r->count == r->size) {
        size_t size = r->size == 0 ? 256 : 2 * r->size;
        struct fact *facts = realloc(r->facts, size * sizeof facts[0]);

        if (facts == NULL) {
            free(fact->unit);
            return -ENOMEM;
        }
        r->facts = facts;
        r->size = size;
    }
    r->facts[r->count] = *fact;
    r->count++;
    return fact_name(r, fact->id, r->count - 1);
}

int
report_add(struct report *report, const json_t *event)
{
    const json_t *header = json_object_get(event, "header");
    const char *corrects = member_text(header, "correctsEventId");
    struct fact *old = corrects[0] != '\0' ? fact_find(report, corrects) : NULL, fact;

    if (strcmp(member_text(header, "correction"), "ENTERED_IN_ERROR") == 0) {
        if (old != NULL)
            old->void_ = true;
        return 0;
    }
    if (!fact_read(event, &fact))
        return 0;
    if (fact.unit == NULL)
        return -ENOMEM;
    if (old != NULL && old->kind == fact.kind) {
        /* The amended event stays where it was, and is found by its new id, too. */
        bool was_void = old->void_;

        free(old->unit);
        *old = fact;
        old->void_ = was_void;
        return fact_name(report, fact.id, (size_t)(old - report->facts));
    }
    if (report->count >= REPORT_EVENTS_MAX) {
        free(fact.unit);
        return -E2BIG;
    }
    return fact_keep(report, &fact);
}

/* ---- cases */

/* What is known of one dossier; JSON objects serve as maps from dossier to such an object. */
struct fold {
    const struct report *r;
    json_t *cases;     /* dossier -> {"gmina","unit","assigned","closed","entitlement"} */
    json_t *into;      /* dossier -> the one it was merged into */
    json_t *referrals; /* dossier -> {"source","unit","day","outcome","entitlement"} */
    json_t *plans;     /* IPUS id -> {"from","to","ended","unit","dossier"} */
    json_t *deadlines; /* key -> {"clock","due","state","day","unit","dossier"} */
    json_t *counts;    /* "measure\tdetail\tunit\tgmina" -> number */
    bool failed;       /* no memory */
};

/* The dossier that a merged one counts as. */
static const char *
group_of(const struct fold *f, const char *dossier)
{
    for (unsigned steps = 0; steps < 64; steps++) {
        const char *next = json_string_value(json_object_get(f->into, dossier));

        if (next == NULL)
            break;
        dossier = next;
    }
    return dossier;
}

static json_t *
member(struct fold *f, json_t *map, const char *key)
{
    json_t *found = json_object_get(map, key);

    if (found == NULL) {
        found = json_object();
        if (found == NULL || json_object_set_new(map, key, found) != 0) {
            f->failed = true;
            return NULL;
        }
    }
    return found;
}

static void
put_text(struct fold *f, json_t *object, const char *name, const char *text)
{
    if (object != NULL && text[0] != '\0' && json_object_set_new(object, name, json_string(text)) != 0)
        f->failed = true;
}

static void
put_day(struct fold *f, json_t *object, const char *name, int32_t day)
{
    if (object != NULL && day != INT32_MIN && json_object_set_new(object, name, json_integer(day)) != 0)
        f->failed = true;
}

static int32_t
get_day(const json_t *object, const char *name, int32_t otherwise)
{
    const json_t *value = json_object_get(object, name);

    return value == NULL ? otherwise : (int32_t)json_integer_value(value);
}

static bool
is_within(const struct fold *f, int32_t day)
{
    return day >= f->r->since && day <= f->r->until;
}

static void
count_one(struct fold *f, enum measure measure, const char *detail, const char *unit, const char *gmina)
{
    char key[256];
    json_int_t before;

    (void)snprintf(key, sizeof key, "%02d\t%s\t%s\t%s", (int)measure, detail, unit, gmina);
    before = json_integer_value(json_object_get(f->counts, key));
    if (json_object_set_new(f->counts, key, json_integer(before + 1)) != 0)
        f->failed = true;
}

static const char *
gmina_of(const struct fold *f, const char *dossier)
{
    return member_text(json_object_get(f->cases, group_of(f, dossier)), "gmina");
}

/* Which dossiers are one case. */
static void
fold_links(struct fold *f)
{
    for (size_t i = 0; i < f->r->count; i++) {
        const struct fact *fact = &f->r->facts[i];

        if (!fact->void_ && fact->kind == FACT_LINK && strcmp(fact->word, "MERGED_INTO") == 0 &&
            strcmp(group_of(f, fact->other), fact->dossier) != 0)
            put_text(f, f->into, fact->dossier, fact->other);
    }
}

static void
fold_case(struct fold *f, const struct fact *fact)
{
    json_t *kase = member(f, f->cases, group_of(f, fact->dossier));

    switch (fact->kind) {
    case FACT_CASE: put_text(f, kase, "gmina", fact->word); break;
    case FACT_ASSIGNED:
        put_text(f, kase, "unit", fact->other);
        if (json_object_get(kase, "assigned") == NULL)
            put_day(f, kase, "assigned", fact->day);
        break;
    case FACT_CLOSED: put_day(f, kase, "closed", fact->day); break;
    case FACT_LINK:
        if (strcmp(fact->word, "REFERRAL_OF") == 0)
            put_text(f, kase, "referral", fact->other);
        break;
    case FACT_PLAN:
    case FACT_REFERRAL:
    case FACT_OUTCOME:
    case FACT_IPUS:
    case FACT_IPUS_UPDATED:
    case FACT_IPUS_CONCLUDED:
    case FACT_MEETING:
    case FACT_OPINION:
    case FACT_DEADLINE_MISSED:
    case FACT_DEADLINE_MET:
    case FACT_DEADLINE_CANCELLED: break;
    }
    put_text(f, kase, "entitlement", fact->tag);
}

static void
fold_deadline(struct fold *f, const struct fact *fact)
{
    json_t *deadline = member(f, f->deadlines, fact->other);

    put_text(f, deadline, "clock", fact->word);
    put_text(f, deadline, "unit", fact->unit);
    put_text(f, deadline, "dossier", fact->dossier);
    put_day(f, deadline, "due", fact->day);
    put_text(f, deadline, "state",
             fact->kind == FACT_DEADLINE_MISSED ? "missed"
             : fact->kind == FACT_DEADLINE_MET  ? "met"
                                                : "cancelled");
    put_day(f, deadline, "day", fact->until);
}

static void
fold_fact(struct fold *f, const struct fact *fact)
{
    json_t *object;

    switch (fact->kind) {
    case FACT_REFERRAL:
        object = member(f, f->referrals, fact->dossier);
        put_text(f, object, "source", fact->word);
        put_text(f, object, "unit", fact->other);
        put_text(f, object, "entitlement", fact->tag);
        put_day(f, object, "day", fact->day);
        break;
    case FACT_OUTCOME: put_text(f, member(f, f->referrals, fact->dossier), "outcome", fact->word); break;
    case FACT_CASE:
    case FACT_ASSIGNED:
    case FACT_PLAN:
    case FACT_CLOSED:
    case FACT_LINK: fold_case(f, fact); break;
    case FACT_IPUS:
    case FACT_IPUS_UPDATED:
        object = member(f, f->plans, fact->other);
        put_text(f, object, "unit", fact->unit);
        put_text(f, object, "dossier", fact->dossier);
        put_day(f, object, "to", fact->until);
        if (fact->kind == FACT_IPUS)
            put_day(f, object, "from", fact->day);
        if (is_within(f, fact->day))
            count_one(f, fact->kind == FACT_IPUS ? IPUS_MADE : IPUS_UPDATED, "", fact->unit,
                      gmina_of(f, fact->dossier));
        break;
    case FACT_IPUS_CONCLUDED:
        put_day(f, member(f, f->plans, fact->other), "ended", fact->day);
        if (is_within(f, fact->day))
            count_one(f, IPUS_CONCLUDED, "", fact->unit, gmina_of(f, fact->dossier));
        break;
    case FACT_MEETING:
    case FACT_OPINION:
        if (is_within(f, fact->day))
            count_one(f, fact->kind == FACT_MEETING ? MEETINGS_HELD : OPINIONS_DELIVERED, "", fact->unit,
                      gmina_of(f, fact->dossier));
        break;
    case FACT_DEADLINE_MISSED:
    case FACT_DEADLINE_MET:
    case FACT_DEADLINE_CANCELLED: fold_deadline(f, fact); break;
    }
}

/* The path of the case: as it says itself, or the referral that it took up. */
static const char *
case_entitlement(const struct fold *f, const json_t *kase)
{
    const char *own = member_text(kase, "entitlement");

    return own[0] != '\0' ? own
                          : member_text(json_object_get(f->referrals, member_text(kase, "referral")), "entitlement");
}

static void
count_case(struct fold *f, const json_t *kase)
{
    int32_t assigned = get_day(kase, "assigned", INT32_MAX), closed = get_day(kase, "closed", INT32_MAX);
    const char *unit = member_text(kase, "unit"), *gmina = member_text(kase, "gmina"),
               *path = case_entitlement(f, kase);

    if (assigned > f->r->until || closed < f->r->since)
        return;
    count_one(f, FAMILIES_SUPPORTED, "", unit, gmina);
    if (is_within(f, assigned))
        count_one(f, FAMILIES_TAKEN_UP, "", unit, gmina);
    if (is_within(f, closed))
        count_one(f, FAMILIES_ENDED, "", unit, gmina);
    if (path[0] != '\0')
        count_one(f, ZZ_SUPPORTED, "", unit, gmina);
    if (strcmp(path, "COMPLICATED_PREGNANCY") == 0)
        count_one(f, ZZ_THREATENED_PREGNANCY, "", unit, gmina);
}

static void
count_deadline(struct fold *f, const json_t *deadline)
{
    const char *state = member_text(deadline, "state"), *gmina = gmina_of(f, member_text(deadline, "dossier"));
    int32_t due = get_day(deadline, "due", INT32_MIN), day = get_day(deadline, "day", INT32_MAX);
    enum measure measure = strcmp(state, "missed") == 0 ? DEADLINES_MISSED
                           : day <= due                 ? DEADLINES_KEPT
                                                        : DEADLINES_LATE;

    if (is_within(f, due) && strcmp(state, "cancelled") != 0)
        count_one(f, measure, member_text(deadline, "clock"), "", gmina);
}

static void
count_all(struct fold *f)
{
    const char *key;
    json_t *object;

    json_object_foreach(f->cases, key, object) count_case(f, object);
    json_object_foreach(f->plans, key, object)
    {
        if (get_day(object, "from", INT32_MAX) <= f->r->until && get_day(object, "to", INT32_MIN) >= f->r->until &&
            get_day(object, "ended", INT32_MAX) > f->r->until)
            count_one(f, IPUS_RUNNING, "", member_text(object, "unit"), gmina_of(f, member_text(object, "dossier")));
    }
    json_object_foreach(f->referrals, key, object)
    {
        char detail[64];

        (void)snprintf(detail, sizeof detail, "%s %s", member_text(object, "source"), member_text(object, "outcome"));
        if (is_within(f, get_day(object, "day", INT32_MIN)))
            count_one(f, REFERRALS, detail, member_text(object, "unit"), "");
    }
    json_object_foreach(f->deadlines, key, object) count_deadline(f, object);
}

/* ---- rows */

static json_t *
row_make(unsigned measure, const char *detail, const char *unit, const char *gmina, json_int_t count)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "measure", measures[measure].name, "pl",
                     measures[measure].pl, "en", measures[measure].en, "detail", detail, "unit", unit, "gmina", gmina,
                     "count", count);
}

static int
key_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A row out of "07\tdetail\tunit\tgmina". */
static json_t *
row_of(const struct fold *f, const char *key)
{
    char copy_[256], *rest = copy_, *part[4] = {0};

    copy(copy_, sizeof copy_, key);
    for (size_t i = 0; i < 4; i++)
        part[i] = strsep(&rest, "\t");
    return row_make((unsigned)strtoul(part[0], NULL, 10), part[1], part[2], part[3],
                    json_integer_value(json_object_get(f->counts, key)));
}

static int
rows_make(const struct fold *f, json_t *rows)
{
    size_t count = json_object_size(f->counts), at = 0, i = 0;
    const char **keys = calloc(count + 1, sizeof keys[0]), *key;
    json_t *value;
    int rc = keys == NULL ? -ENOMEM : 0;

    if (rc == 0) {
        json_object_foreach(f->counts, key, value) keys[i++] = key;
        qsort(keys, count, sizeof keys[0], key_compare);
    }
    for (unsigned m = 0; rc == 0 && m < MEASURE_COUNT; m++) {
        bool any = false;

        for (; rc == 0 && at < count && strtoul(keys[at], NULL, 10) == m; at++, any = true)
            rc = json_array_append_new(rows, row_of(f, keys[at])) != 0 ? -ENOMEM : 0;
        if (rc == 0 && !any)
            rc = json_array_append_new(rows, row_make(m, "", "", "", 0)) != 0 ? -ENOMEM : 0;
    }
    free(keys);
    return rc;
}

int
report_rows(const struct report *report, json_t **ret)
{
    struct fold f = {.r = report};
    json_t **maps[] = {&f.cases, &f.into, &f.referrals, &f.plans, &f.deadlines, &f.counts};
    json_t *rows = json_array();
    int rc;

    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        *maps[i] = json_object();
        f.failed = f.failed || *maps[i] == NULL;
    }
    f.failed = f.failed || rows == NULL;
    if (!f.failed)
        fold_links(&f);
    /* Cases first: where an event of a case counts depends on its municipality. */
    for (size_t i = 0; !f.failed && i < report->count; i++)
        if (!report->facts[i].void_ && report->facts[i].kind == FACT_CASE)
            fold_case(&f, &report->facts[i]);
    for (size_t i = 0; !f.failed && i < report->count; i++)
        if (!report->facts[i].void_)
            fold_fact(&f, &report->facts[i]);
    if (!f.failed)
        count_all(&f);
    rc = f.failed ? -ENOMEM : rows_make(&f, rows);
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        json_decref(*maps[i]);
    if (rc != 0) {
        json_decref(rows);
        return rc;
    }
    *ret = rows;
    return 0;
}
