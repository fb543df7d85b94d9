/* See agency_clocks.h. An agency has a handful of these a year: everything is looked for from the start. */
#include "broker/core/agency_clocks.h"

#include "broker/core/facts.h"
#include "proto/date.h"
#include "proto/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
agency_clocks_clear(struct agency_clocks *clocks)
{
    for (uint32_t i = 0; i < clocks->count; i++)
        marks_clear(&clocks->at[i]);
    free(clocks->at);
    *clocks = (struct agency_clocks){0};
}

const struct marks *
agency_clocks_at(const struct core *core, uint32_t agency)
{
    return agency < core->agency_clocks.count ? &core->agency_clocks.at[agency] : NULL;
}

/* ---- what a record says */

bool
agency_clocks_presented(const struct directory *directory, uint32_t agency, const Wici__V1__SysReportPresentedS0 *body)
{
    const struct numbers *units = &directory->agencies[agency].units;
    uint32_t asked = ROLE_BIT(DIR) | ROLE_BIT(OSL), have = 0, told = 0;

    for (uint32_t i = 0; i < units->count; i++)
        have |= directory->units[units->at[i]].roles;
    for (size_t i = 0; i < body->n_presented_to; i++) {
        uint32_t unit = directory_unit(directory, body->presented_to[i]);

        told |= unit == DIRECTORY_NONE ? 0 : directory->units[unit].roles;
    }
    return (asked & have & ~told) == 0;
}

/* The clock that the event starts, and from which day. */
static enum clock_id
started_by(const struct directory *directory, const struct event *event, uint32_t agency, int32_t *ret_day)
{
    const Wici__V1__SysReportPresentedS0 *report;
    size_t at = 0;

    *ret_day = DATE_NONE;
    if (event->type->number == TYPE(MEETING_HELD)) {
        *ret_day = facts_day(FACTS_TEXT(event, 0, Wici__V1__MeetingHeldS0, held_on));
        return facts_same(FACTS_TEXT(event, 6, Wici__V1__MeetingHeldS6, kind), "IPUS_COORDINATORS") ? CLOCK_D9
                                                                                                    : CLOCK_NONE;
    }
    if (event->type->number != TYPE(SYS_REPORT_PRESENTED) || (report = facts_next(event, 0, &at)) == NULL ||
        !facts_same(report->kind, "ART_46") || !agency_clocks_presented(directory, agency, report))
        return CLOCK_NONE;
    *ret_day = facts_day(report->presented_on);
    return CLOCK_D8;
}

static size_t
mark_of(const struct core *core, const struct core_record *record, uint64_t seq, uint32_t agency, struct mark *ret)
{
    int32_t day;
    enum clock_id clock = started_by(&core->directory, record->event, agency, &day);

    if (clock == CLOCK_NONE || day == DATE_NONE)
        return 0;
    *ret = mark_start(seq, clock, day, record->entry);
    return 1;
}

bool
agency_clocks_full(const struct core *core, const struct event *event, uint32_t agency)
{
    const struct marks *marks = agency_clocks_at(core, agency);
    int32_t day;

    return marks != NULL && marks->count >= AGENCY_CLOCKS_MAX &&
           started_by(&core->directory, event, agency, &day) != CLOCK_NONE;
}

static int
make_room(struct agency_clocks *clocks, uint32_t agency)
{
    struct marks *grown;

    if (agency < clocks->count)
        return 0;
    grown = reallocarray(clocks->at, agency + 1u, sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    memset(grown + clocks->count, 0, (agency + 1u - clocks->count) * sizeof *grown);
    clocks->at = grown;
    clocks->count = agency + 1;
    return 0;
}

int
agency_clocks_enrolled(struct core *core, uint32_t unit, const struct core_record *record)
{
    const struct directory *directory = &core->directory;
    uint32_t agency = directory->units[unit].agency;
    const struct numbers *units = &directory->agencies[agency].units;
    struct marks *marks;
    int rc;

    if ((directory->units[unit].roles & ROLE_BIT(OUS)) == 0)
        return 0;
    for (uint32_t i = 0; i < units->count; i++)
        if (units->at[i] != unit && (directory->units[units->at[i]].roles & ROLE_BIT(OUS)) != 0)
            return 0;
    rc = make_room(&core->agency_clocks, agency);
    if (rc != 0)
        return rc;
    marks = &core->agency_clocks.at[agency];
    for (unsigned i = 0; i < 2 && rc == 0; i++) {
        struct mark mark = mark_start(record->seq, i == 0 ? CLOCK_D8 : CLOCK_D9, date_of_moment(record->ts_ms), 0);

        mark.flags = MARK_FIRST;
        rc = marks_add(marks, &mark);
    }
    return rc;
}

/* Whose list has what that record said; else that of who says it now. */
static uint32_t
agency_of(const struct core *core, uint64_t seq, uint32_t author)
{
    for (uint32_t i = 0; i < core->agency_clocks.count; i++)
        for (uint16_t m = 0; m < core->agency_clocks.at[i].count; m++)
            if (core->agency_clocks.at[i].at[m].seq == seq)
                return i;
    return author;
}

int
agency_clocks_keep(struct core *core, const struct core_record *record)
{
    const struct event *event = record->event;
    uint32_t unit = directory_unit(&core->directory, event->header->actor->unit);
    bool corrects = event->header->corrects_event_id[0] != '\0';
    uint64_t seq = !corrects ? record->seq : record->note != NULL ? record->note->corrects_seq : 0;
    struct mark said;
    uint32_t agency;
    size_t count;

    if ((event->type->number != TYPE(MEETING_HELD) && event->type->number != TYPE(SYS_REPORT_PRESENTED)) ||
        unit == DIRECTORY_NONE || seq == 0)
        return 0;
    agency = core->directory.units[unit].agency;
    if (corrects)
        agency = agency_of(core, seq, agency);
    count = facts_is_recall(event) ? 0 : mark_of(core, record, seq, agency, &said);
    if (agency >= core->agency_clocks.count && count == 0)
        return 0;
    if (make_room(&core->agency_clocks, agency) != 0)
        return -ENOMEM;
    if (corrects)
        return marks_amend(&core->agency_clocks.at[agency], seq, &said, count);
    return count == 0 ? 0 : marks_add(&core->agency_clocks.at[agency], &said);
}

void
agency_clocks_forget(struct agency_clocks *clocks, uint32_t entry)
{
    for (uint32_t i = 0; i < clocks->count; i++) {
        struct marks *marks = &clocks->at[i];
        uint16_t kept = 0;

        for (uint16_t m = 0; m < marks->count; m++)
            if (marks->at[m].key != entry)
                marks->at[kept++] = marks->at[m];
        marks->count = kept;
    }
}

/* ---- the clock */

static bool
is_done(const struct mark *mark, const struct mark *start)
{
    return mark->says == start->says && (mark->flags & (MARK_RECALLED | MARK_FIRST)) == 0;
}

/* What was done by the day that an agency's first clock runs from: that one starts the first. The first recorded, or
 * NULL. */
static const struct mark *
before_first(const struct marks *marks, const struct mark *start)
{
    for (uint16_t i = 0; (start->flags & MARK_FIRST) != 0 && i < marks->count; i++)
        if (is_done(&marks->at[i], start) && marks->at[i].day <= start->day)
            return &marks->at[i];
    return NULL;
}

/* The next of the kind. */
static const struct mark *
next_of(const struct marks *marks, const struct mark *start)
{
    const struct mark *best = NULL;

    for (uint16_t i = 0; i < marks->count; i++) {
        const struct mark *mark = &marks->at[i];

        if (is_done(mark, start) && mark_comes_after(mark, start) && (best == NULL || mark_comes_after(best, mark)))
            best = mark;
    }
    return best;
}

/* Whose it is to do: the first of the agency's organisers. */
static uint32_t
organiser_of(const struct directory *directory, uint32_t agency)
{
    const struct numbers *units = &directory->agencies[agency].units;

    for (uint32_t i = 0; i < units->count; i++)
        if ((directory->units[units->at[i]].roles & ROLE_BIT(OUS)) != 0 && !directory->units[units->at[i]].suspended)
            return units->at[i];
    return CORE_UNIT_NONE;
}

bool
agency_clocks_of(const struct core *core, uint32_t agency, uint16_t at, struct core_clock *ret)
{
    const struct marks *marks = &core->agency_clocks.at[agency];
    const struct mark *start = &marks->at[at], *next = next_of(marks, start), *before = before_first(marks, start);

    assert(at < marks->count);
    *ret = (struct core_clock){.agency = directory_agency_id(&core->directory, agency),
                               .clock = (enum clock_id)mark_clock(start),
                               .start_seq = start->seq,
                               .started = start->day,
                               .due = start->due == 0 ? DATE_NONE : start->due,
                               .ended = DATE_NONE,
                               .told = start->told,
                               .notices = start->notices,
                               .holder = organiser_of(&core->directory, agency)};
    ret->unit = ret->holder;
    if ((start->flags & MARK_RECALLED) != 0) {
        ret->state = CORE_CLOCK_CANCELLED;
    } else if (before != NULL) {
        ret->state = CORE_CLOCK_CANCELLED;
        ret->end_seq = before->seq;
    } else if (next != NULL) {
        ret->state = CORE_CLOCK_MET;
        ret->end_seq = next->seq;
        ret->ended = next->day;
    } else {
        ret->told = (uint8_t)mark_told_of_run(ret->told);
    }
    return before == NULL || start->told != 0;
}

bool
agency_clocks_known(const struct directory *directory, uint32_t unit, uint32_t agency)
{
    const struct unit *u = &directory->units[unit];

    return u->agency == agency && (u->roles & (ROLE_BIT(DIR) | ROLE_BIT(HEAD) | ROLE_BIT(OUS))) != 0;
}
