/*
 * report_fold - facts become cases, plans, referrals and deadlines, and these are counted; see report.h
 */
#include "agents/report_facts.h"
#include "agents/report_services.h"

#include "proto/member.h"

#include <errno.h>
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
    IPUS_SERVICES,
    IPUS_RESULTS,
    IPUS_COORDINATORS,
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
    {"ipus_services", "usługi IPUS według stanu ostatniego dnia", "services of IPUS by their status on the last day"},
    {"ipus_results", "wyniki podsumowanych IPUS", "results of the IPUS concluded"},
    {"ipus_coordinators", "spotkania koordynatorów IPUS", "meetings of the IPUS coordinators"},
    {"meetings_held", "spotkania", "meetings"},
    {"opinions_delivered", "opinie dla sądu", "opinions to the court"},
    {"referrals", "zgłoszenia według źródła i wyniku", "referrals by source and outcome"},
    {"deadlines_kept", "terminy dotrzymane", "deadlines kept"},
    {"deadlines_late", "terminy dotrzymane z opóźnieniem", "deadlines met late"},
    {"deadlines_missed", "terminy niedotrzymane", "deadlines missed"},
};

/* ---- cases */

/* What is known of one dossier; JSON objects serve as maps from dossier to such an object. */
struct fold {
    const struct report *r;
    json_t *cases;     /* dossier -> {"gmina","holder","unit","since","assigned","closed","entitlement","referral"} */
    json_t *into;      /* dossier -> the one it was merged into */
    json_t *taken;     /* a referral's dossier -> the case that took it up */
    json_t *referrals; /* dossier -> {"source","unit","answered","day","outcome","entitlement"} */
    json_t *plans;     /* IPUS id -> {"from","to","ended","unit","dossier"} */
    json_t *services;  /* as report_services.h has them */
    json_t *deadlines; /* key -> {"clock","due","state","day","dossier"} */
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

/* What is known of the case that the dossier is, or that took it up; NULL: nothing. */
static const json_t *
case_of(const struct fold *f, const char *dossier)
{
    const char *taken = json_string_value(json_object_get(f->taken, dossier));

    return json_object_get(f->cases, group_of(f, taken != NULL ? taken : dossier));
}

static const char *
gmina_of(const struct fold *f, const char *dossier)
{
    return member_text(case_of(f, dossier), "gmina");
}

/* The first of the two that is known: who was sent a referral, "unit", or who answered it last, "answered". */
static const char *
referral_unit(const json_t *referral, const char *first, const char *second)
{
    const char *unit = member_text(referral, first);

    return unit[0] != '\0' ? unit : member_text(referral, second);
}

/* Who holds the dossier, as far as this unit was told. */
static const char *
holder_of(const struct fold *f, const char *dossier)
{
    const json_t *referral = json_object_get(f->referrals, dossier);

    return referral != NULL ? referral_unit(referral, "answered", "unit") : member_text(case_of(f, dossier), "holder");
}

/* Which dossiers are one case, and which referrals it took up. */
static void
fold_links(struct fold *f)
{
    for (size_t i = 0; i < f->r->count; i++) {
        const struct fact *fact = &f->r->facts[i];

        if (!fact->void_ && fact->kind == FACT_LINK && strcmp(fact->word, "MERGED_INTO") == 0 &&
            strcmp(group_of(f, fact->other), fact->dossier) != 0)
            put_text(f, f->into, fact->dossier, fact->other);
        if (!fact->void_ && fact->kind == FACT_LINK && strcmp(fact->word, "REFERRAL_OF") == 0)
            put_text(f, f->taken, fact->other, fact->dossier);
    }
}

/* The unit is that of the newest assignment of the period, or before it; the work begins with the first. */
static void
fold_assigned(struct fold *f, json_t *kase, const struct fact *fact)
{
    if (fact->day <= f->r->until && fact->day >= get_day(kase, "since", INT32_MIN)) {
        put_text(f, kase, "unit", fact->other);
        put_day(f, kase, "since", fact->day);
    }
    if (fact->day < get_day(kase, "assigned", INT32_MAX))
        put_day(f, kase, "assigned", fact->day);
}

static void
fold_case(struct fold *f, const struct fact *fact)
{
    json_t *kase = member(f, f->cases, group_of(f, fact->dossier));
    const json_t *referral;

    switch (fact->kind) {
    case FACT_CASE:
        put_text(f, kase, "gmina", fact->word);
        put_text(f, kase, "holder", fact->unit);
        break;
    case FACT_ASSIGNED: fold_assigned(f, kase, fact); break;
    case FACT_CLOSED: put_day(f, kase, "closed", fact->day); break;
    case FACT_LINK: /* of several referrals the one that says more of the path */
        referral = json_object_get(f->referrals, fact->other);
        if (strcmp(fact->word, "REFERRAL_OF") == 0 &&
            (json_object_get(kase, "referral") == NULL || member_text(referral, "entitlement")[0] != '\0'))
            put_text(f, kase, "referral", fact->other);
        break;
    case FACT_PLAN:
    case FACT_REFERRAL:
    case FACT_OUTCOME:
    case FACT_IPUS:
    case FACT_IPUS_UPDATED:
    case FACT_IPUS_CONCLUDED:
    case FACT_SERVICE:
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
    put_text(f, deadline, "dossier", fact->dossier);
    put_day(f, deadline, "due", fact->day);
    put_text(f, deadline, "state",
             fact->kind == FACT_DEADLINE_MISSED ? "missed"
             : fact->kind == FACT_DEADLINE_MET  ? "met"
                                                : "cancelled");
    put_day(f, deadline, "day", fact->until);
}

static void
fold_plan(struct fold *f, const struct fact *fact)
{
    json_t *plan = member(f, f->plans, fact->other);
    const char *gmina = gmina_of(f, fact->dossier);
    int rc = 0;

    put_text(f, plan, "dossier", fact->dossier);
    if (fact->kind == FACT_SERVICE) {
        if (fact->day <= f->r->until)
            rc = services_report(f->services, fact->other, fact->rows, fact->word, fact->unit, fact->day);
    } else if (fact->kind == FACT_IPUS_CONCLUDED) {
        put_day(f, plan, "ended", fact->day);
        if (is_within(f, fact->day)) {
            count_one(f, IPUS_CONCLUDED, "", fact->unit, gmina);
            count_one(f, IPUS_RESULTS, fact->word, fact->unit, gmina);
        }
    } else {
        put_text(f, plan, "unit", fact->unit);
        put_day(f, plan, "to", fact->until);
        if (fact->kind == FACT_IPUS)
            put_day(f, plan, "from", fact->day);
        if (fact->day <= f->r->until)
            rc = services_agree(f->services, fact->other, fact->rows);
        if (is_within(f, fact->day))
            count_one(f, fact->kind == FACT_IPUS ? IPUS_MADE : IPUS_UPDATED, "", fact->unit, gmina);
    }
    f->failed = f->failed || rc != 0;
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
    case FACT_OUTCOME:
        object = member(f, f->referrals, fact->dossier);
        put_text(f, object, "answered", fact->unit);
        if (fact->day <= f->r->until)
            put_text(f, object, "outcome", fact->word);
        break;
    case FACT_CASE:
    case FACT_ASSIGNED:
    case FACT_PLAN:
    case FACT_CLOSED:
    case FACT_LINK: fold_case(f, fact); break;
    case FACT_IPUS:
    case FACT_IPUS_UPDATED:
    case FACT_IPUS_CONCLUDED:
    case FACT_SERVICE: fold_plan(f, fact); break;
    case FACT_MEETING:
    case FACT_OPINION:
        if (is_within(f, fact->day) && strcmp(fact->word, "IPUS_COORDINATORS") == 0)
            count_one(f, IPUS_COORDINATORS, "", fact->unit, "");
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
    if (f->r->path_hidden)
        return;
    if (path[0] != '\0')
        count_one(f, ZZ_SUPPORTED, "", unit, gmina);
    if (strcmp(path, "COMPLICATED_PREGNANCY") == 0)
        count_one(f, ZZ_THREATENED_PREGNANCY, "", unit, gmina);
}

static void
count_deadline(struct fold *f, const json_t *deadline)
{
    const char *state = member_text(deadline, "state"), *dossier = member_text(deadline, "dossier");
    int32_t due = get_day(deadline, "due", INT32_MIN), day = get_day(deadline, "day", INT32_MAX);
    bool missed = strcmp(state, "missed") == 0 || day > f->r->until; /* on the period's last day */
    enum measure measure = missed ? DEADLINES_MISSED : day <= due ? DEADLINES_KEPT : DEADLINES_LATE;

    if (is_within(f, due) && strcmp(state, "cancelled") != 0)
        count_one(f, measure, member_text(deadline, "clock"), holder_of(f, dossier), gmina_of(f, dossier));
}

/* Of a plan that ran in the period; one of which the unit was given the reports alone counts when one came in it. */
static void
count_service(struct fold *f, const json_t *service)
{
    const json_t *plan = json_object_get(f->plans, member_text(service, "plan"));
    bool known = json_object_get(plan, "from") != NULL;
    bool ran = get_day(plan, "from", INT32_MAX) <= f->r->until && get_day(plan, "to", INT32_MAX) >= f->r->since &&
               get_day(plan, "ended", INT32_MAX) >= f->r->since;

    if (known ? ran : get_day(service, "day", INT32_MIN) >= f->r->since)
        count_one(f, IPUS_SERVICES, services_status(service), member_text(service, "unit"),
                  gmina_of(f, member_text(plan, "dossier")));
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
            count_one(f, REFERRALS, detail, referral_unit(object, "unit", "answered"), gmina_of(f, key));
    }
    json_object_foreach(f->services, key, object) count_service(f, object);
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

    (void)snprintf(copy_, sizeof copy_, "%s", key);
    for (size_t i = 0; i < 4; i++)
        part[i] = strsep(&rest, "\t");
    return row_make((unsigned)strtoul(part[0], NULL, 10), part[1], part[2], part[3],
                    json_integer_value(json_object_get(f->counts, key)));
}

static bool
is_art46(unsigned measure, const char *clock)
{
    static const char *const clocks[] = {"D3", "D6", "D7", "D8", "D9"};

    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++)
        if (measure >= DEADLINES_KEPT && strcmp(clocks[i], clock) == 0)
            return true;
    return measure < DEADLINES_KEPT && strncmp(measures[measure].name, "ipus_", strlen("ipus_")) == 0;
}

static bool
is_hidden(const struct fold *f, unsigned measure)
{
    return f->r->path_hidden && (measure == ZZ_SUPPORTED || measure == ZZ_THREATENED_PREGNANCY);
}

/* Of art. 46 or all: the measure's rows, from the sorted keys[*at] on; where there are none, one of zero. */
static int
measure_rows(const struct fold *f, unsigned measure, bool art46, const char **keys, size_t count, size_t *at,
             json_t *rows)
{
    bool any = false, wanted = !art46 || measure >= DEADLINES_KEPT || is_art46(measure, "");
    int rc = 0;

    for (; rc == 0 && *at < count && strtoul(keys[*at], NULL, 10) == measure; ++*at) {
        json_t *row = row_of(f, keys[*at]);

        if (row == NULL)
            return -ENOMEM;
        if (!art46 || is_art46(measure, member_text(row, "detail"))) {
            rc = json_array_append(rows, row) != 0 ? -ENOMEM : 0;
            any = true;
        }
        json_decref(row);
    }
    if (rc == 0 && wanted && !any) {
        json_t *row = row_make(measure, "", "", "", 0);

        if (row == NULL || (is_hidden(f, measure) && json_object_set_new(row, "count", json_null()) != 0)) {
            json_decref(row);
            return -ENOMEM;
        }
        rc = json_array_append_new(rows, row) != 0 ? -ENOMEM : 0;
    }
    return rc;
}

static int
rows_make(const struct fold *f, bool art46, json_t *rows)
{
    size_t count = json_object_size(f->counts), at = 0, i = 0;
    const char **keys = calloc(count + 1, sizeof keys[0]), *key;
    json_t *value;
    int rc = keys == NULL ? -ENOMEM : 0;

    if (rc == 0) {
        json_object_foreach(f->counts, key, value) keys[i++] = key;
        qsort(keys, count, sizeof keys[0], key_compare);
    }
    for (unsigned m = 0; rc == 0 && m < MEASURE_COUNT; m++)
        rc = measure_rows(f, m, art46, keys, count, &at, rows);
    free(keys);
    return rc;
}

static int
rows_of(const struct report *report, bool art46, json_t **ret)
{
    struct fold f = {.r = report};
    json_t **maps[] = {&f.cases, &f.into, &f.taken, &f.referrals, &f.plans, &f.services, &f.deadlines, &f.counts};
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
    rc = f.failed ? -ENOMEM : rows_make(&f, art46, rows);
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        json_decref(*maps[i]);
    if (rc != 0) {
        json_decref(rows);
        return rc;
    }
    *ret = rows;
    return 0;
}

int
report_rows(const struct report *report, json_t **ret)
{
    return rows_of(report, false, ret);
}

int
report_rows_art46(const struct report *report, json_t **ret)
{
    return rows_of(report, true, ret);
}
