/*
 * report - see report.h
 *
 * Two steps. report_add() keeps of each event the few facts that count (struct fact), and voids or replaces the facts
 * of an event that is recalled or amended. report_rows() folds the facts into cases, and counts: report_fold.c.
 */
#include "agents/report.h"
#include "agents/report_facts.h"
#include "agents/report_services.h"

#include "proto/date.h"
#include "proto/event.h"
#include "proto/member.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    {"IPUS_SERVICE_REPORTED", FACT_SERVICE, "ipusServiceReportedS0", "", "", "", "ipusId"},
    {"MEETING_HELD", FACT_MEETING, "meetingHeldS0", "heldOn", "", "", ""},
    {"COURT_OPINION_DELIVERED", FACT_OPINION, "courtOpinionDeliveredS0", "deliveredOn", "", "", ""},
    {"SYS_DEADLINE_MISSED", FACT_DEADLINE_MISSED, "sysDeadlineMissedS0", "due", "", "clock", ""},
    {"SYS_DEADLINE_MET", FACT_DEADLINE_MET, "sysDeadlineMetS0", "due", "endedOn", "clock", ""},
    {"SYS_DEADLINE_CANCELLED", FACT_DEADLINE_CANCELLED, "sysDeadlineCancelledS0", "due", "", "clock", ""},
};

struct named {
    char id[40];
    size_t fact;
};

static void
fact_free(struct fact *fact)
{
    free(fact->unit);
    free(fact->rows);
}

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

void
report_hide_path(struct report *report)
{
    report->path_hidden = true;
}

void
report_free(struct report **report)
{
    struct report *r = *report;

    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        fact_free(&r->facts[i]);
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

/* What tells a clock from others: its start, from which day (an amendment may move it), and which date of that. */
static void
deadline_key(const json_t *deadline, const char *dossier, char *ret, size_t size)
{
    const json_t *seq = json_object_get(deadline, "startSeq");
    long long number = json_is_string(seq) ? strtoll(json_string_value(seq), NULL, 10) : json_integer_value(seq);

    (void)snprintf(ret, size, "%s %s %lld %lld %s", member_text(deadline, "clock"), dossier, number,
                   (long long)json_integer_value(json_object_get(deadline, "item")),
                   member_text(deadline, "startedOn"));
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

/* The rest of what is said of plans and meetings. -ENOMEM */
static int
fact_read_plan(const json_t *event, const json_t *body, struct fact *ret)
{
    uint64_t ms;

    switch (ret->kind) {
    case FACT_IPUS:
    case FACT_IPUS_UPDATED: return services_rows(event, &ret->rows);
    case FACT_IPUS_CONCLUDED:
        copy(ret->word, sizeof ret->word, member_text(body_of(event, "ipusConcludedS6"), "resultCode"));
        return 0;
    case FACT_MEETING:
        copy(ret->word, sizeof ret->word, member_text(body_of(event, "meetingHeldS6"), "kind"));
        return 0;
    case FACT_SERVICE:
        copy(ret->word, sizeof ret->word, member_text(body_of(event, "ipusServiceReportedS6"), "status"));
        if (time_parse(member_text(json_object_get(event, "header"), "occurredAt"), &ms) == 0)
            ret->day = date_of_moment(ms);
        ret->rows = strdup(member_text(body, "serviceRef"));
        return ret->rows == NULL ? -ENOMEM : 0;
    case FACT_REFERRAL:
    case FACT_OUTCOME:
    case FACT_CASE:
    case FACT_ASSIGNED:
    case FACT_PLAN:
    case FACT_CLOSED:
    case FACT_LINK:
    case FACT_OPINION:
    case FACT_DEADLINE_MISSED:
    case FACT_DEADLINE_MET:
    case FACT_DEADLINE_CANCELLED: break;
    }
    return 0;
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
    if (fact_read_plan(event, body, ret) == 0)
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

/* Takes the fact over, and what it points to; *taken says whether it did. */
static int
fact_keep(struct report *r, const struct fact *fact, bool *taken)
{
    if (r->count == r->size) {
        size_t size = r->size == 0 ? 256 : 2 * r->size;
        struct fact *facts = realloc(r->facts, size * sizeof facts[0]);

        if (facts == NULL)
            return -ENOMEM;
        r->facts = facts;
        r->size = size;
    }
    r->facts[r->count] = *fact;
    r->count++;
    *taken = true;
    return fact_name(r, fact->id, r->count - 1);
}

int
report_add(struct report *report, const json_t *event)
{
    const json_t *header = json_object_get(event, "header");
    const char *corrects = member_text(header, "correctsEventId");
    struct fact *old = corrects[0] != '\0' ? fact_find(report, corrects) : NULL, fact;
    bool taken = false;
    int rc;

    if (strcmp(member_text(header, "correction"), "ENTERED_IN_ERROR") == 0) {
        if (old != NULL)
            old->void_ = true;
        return 0;
    }
    if (!fact_read(event, &fact))
        return 0;
    if (fact.unit == NULL) {
        fact_free(&fact);
        return -ENOMEM;
    }
    if (old != NULL && old->kind == fact.kind) {
        /* The amended event stays where it was, and is found by its new id, too. */
        bool was_void = old->void_;

        fact_free(old);
        *old = fact;
        old->void_ = was_void;
        return fact_name(report, fact.id, (size_t)(old - report->facts));
    }
    rc = report->count >= REPORT_EVENTS_MAX ? -E2BIG : fact_keep(report, &fact, &taken);
    if (!taken)
        fact_free(&fact);
    return rc;
}
