/* What is kept of a record for the deadlines, and what may be told of them. */
#include "broker/core/clocks.h"

#include "broker/core/agency_clocks.h"
#include "broker/core/decide.h"
#include "broker/core/parts.h"
#include "proto/date.h"
#include "proto/limits.h"

#include <string.h>

static bool
is_told(const struct core_clock *clock, unsigned what)
{
    return (clock->told & what) != 0;
}

/* ---- what the deadline watcher tells */

static struct mark *
mark_named(const struct marks *marks, const Wici__V1__Deadline *said)
{
    int32_t started = facts_day(said->started_on);

    for (uint16_t i = 0; marks != NULL && i < marks->count; i++) {
        struct mark *mark = &marks->at[i];

        if (mark_sign(mark) == SIGN_START && mark_clock(mark) == clock_by_name(said->clock) &&
            mark->seq == said->start_seq && mark->item == said->item && mark->day == started)
            return mark;
    }
    return NULL;
}

/* Does what is told agree with the state, and is it news? */
static bool
is_news(uint32_t type, const struct core_clock *clock, bool last)
{
    bool runs = clock->state == CORE_CLOCK_RUNS;

    switch (type) {
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
        return runs && !is_told(clock, CORE_TOLD_MISSED | CORE_TOLD_LAST) &&
               (last || !is_told(clock, CORE_TOLD_APPROACHING));
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED:
        return runs && !is_told(clock, CORE_TOLD_MISSED) && !clock->holder_only;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET:
        return clock->state == CORE_CLOCK_MET && !is_told(clock, CORE_TOLD_MET);
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED:
        return (clock->state == CORE_CLOCK_CANCELLED && !is_told(clock, CORE_TOLD_CANCELLED)) ||
               (runs && is_told(clock, CORE_TOLD_MET));
    default: return false;
    }
}

/* The marks of the dossier, or of the agency, that is told of. */
static const struct marks *
marks_told(const struct core *core, uint32_t dossier, const Wici__V1__Deadline *said)
{
    if (said->agency[0] != '\0')
        return agency_clocks_at(core, directory_agency(&core->directory, said->agency));
    return dossier == DOSSIER_NONE ? NULL : &core->dossiers.at[dossier].marks;
}

/* The start of the clock that is told of; NULL: there is none, or none that counts. */
static const struct mark *
find_clock(const struct deciding *d, const Wici__V1__Deadline *said, struct core_clock *ret)
{
    const struct marks *marks = marks_told(d->core, d->dossier, said);
    const struct mark *mark = mark_named(marks, said);
    bool counts;

    if (mark == NULL)
        return NULL;
    if (said->agency[0] == '\0')
        counts = clocks_at(d->core, d->dossier, (uint16_t)(mark - marks->at), ret);
    else
        counts = agency_clocks_of(d->core, directory_agency(&d->core->directory, said->agency),
                                  (uint16_t)(mark - marks->at), ret);
    return counts ? mark : NULL;
}

/* Those whom no relation brings the notice, and who owe what it tells of. */
static int
tell_owing(struct deciding *d, const struct mark *start, const struct core_clock *clock)
{
    uint32_t units[CLOCK_OWING_MAX];
    size_t count = clocks_owing(d->core, d->dossier, start, clock, units);
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        if (units[i] != clock->holder)
            rc = decide_answer_to(d, directory_unit_id(&d->core->directory, units[i]));
    return rc;
}

int
clocks_decide(struct deciding *d)
{
    const Wici__V1__Deadline *said = facts_deadline(d->event);
    const struct mark *start;
    struct core_clock clock;
    int32_t due;

    if (said == NULL)
        return decide_refuse(d, E_SECTION, "sections");
    if (clock_by_name(said->clock) == CLOCK_NONE)
        return decide_refuse_body(d, E_FIELD, 0, "deadline.clock");
    start = find_clock(d, said, &clock);
    if (start == NULL)
        return decide_refuse_body(d, E_UNKNOWN, 0, "deadline.startSeq");
    if (said->notice != clock.notices)
        return decide_refuse_body(d, E_ORDER, 0, "deadline.notice");
    if (clock.notices == MARK_NOTICES_MAX)
        return decide_refuse_body(d, E_LIMIT, 0, "deadline.notice");
    if (!is_news(d->type, &clock, said->last))
        return decide_refuse_body(d, E_ORDER, 0, "deadline.clock");
    if (said->holder_only != clock.holder_only)
        return decide_refuse_body(d, E_FIELD, 0, "deadline.holderOnly");
    if (said->end_seq != clock.end_seq)
        return decide_refuse_body(d, E_FIELD, 0, "deadline.endSeq");
    if (facts_day(said->ended_on) != clock.ended)
        return decide_refuse_body(d, E_FIELD, 0, "deadline.endedOn");
    due = facts_day(said->due);
    if (due < 0 || (clock.named ? due != clock.due : due < clock.started))
        return decide_refuse_body(d, E_FIELD, 0, "deadline.due");
    if (d->type == TYPE(SYS_DEADLINE_MISSED) && due >= date_of_moment(d->command->now_ms))
        return decide_refuse_body(d, E_FIELD, 0, "deadline.due"); /* the day is not over */
    return said->agency[0] == '\0' ? tell_owing(d, start, &clock) : 0;
}

void
clocks_told(struct core *core, const struct core_record *record, uint32_t dossier)
{
    const Wici__V1__Deadline *said = facts_deadline(record->event);
    struct mark *mark = said == NULL ? NULL : mark_named(marks_told(core, dossier, said), said);
    int32_t due;
    unsigned now;

    if (mark == NULL)
        return;
    due = facts_day(said->due);
    if (due != DATE_NONE)
        mark->due = mark_due(due);
    if (mark->notices < MARK_NOTICES_MAX)
        mark->notices++;
    now = mark->told;
    switch (record->event->type->number) {
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
        now = mark_told_of_run(now) | CORE_TOLD_APPROACHING | (said->last ? CORE_TOLD_LAST : 0);
        break;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED: now = mark_told_of_run(now) | CORE_TOLD_MISSED; break;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET: now = (now | CORE_TOLD_MET) & ~CORE_TOLD_CANCELLED; break;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED:
        now &= ~CORE_TOLD_MET;
        if (said->end_seq != 0 || (mark->flags & MARK_RECALLED) != 0)
            now |= CORE_TOLD_CANCELLED; /* else what met it was taken back, and it runs again */
        break;
    default: break;
    }
    mark->told = now & 31u;
}

/* ---- keeping */

void
clocks_note(struct deciding *d)
{
    const char *answer_by = d->type == TYPE(INFO_REQUESTED)
                                ? FACTS_TEXT(d->event, 0, Wici__V1__InfoRequestedS0, answer_by)
                                : "";
    const Wici__V1__InfoProvidedS6 *body;
    bool report = false, court = false;

    if (answer_by[0] != '\0')
        memcpy(&d->note->answer_by, &answer_by, sizeof answer_by); /* borrowed, as all of a note is */
    if (d->type != TYPE(INFO_PROVIDED))
        return;
    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
        report = report || facts_same(body->doc_kind, "REPORT");
    if (!report)
        return;
    for (size_t i = 0; i < d->note->n_resolved_to; i++) {
        uint32_t unit = directory_unit(&d->core->directory, d->note->resolved_to[i]);

        court = court || (unit != DIRECTORY_NONE && (d->core->directory.units[unit].roles & ROLE_BIT(CT)) != 0);
    }
    d->note->report = court;
}

/* Some question with a date is answered by it. */
static bool
was_asked(const struct dossiers *ds, const struct kin *kin, uint32_t key)
{
    for (size_t i = 0; i < kin->count; i++)
        for (uint16_t m = 0; m < ds->at[kin->at[i]].marks.count; m++) {
            const struct mark *mark = &ds->at[kin->at[i]].marks.at[m];

            if (mark_sign(mark) == SIGN_START && mark_clock(mark) == CLOCK_D15 && mark->key == key)
                return true;
        }
    return false;
}

/* An answer to no question with a date starts and ends nothing. */
static size_t
without_strays(const struct dossiers *ds, uint32_t dossier, struct mark *said, size_t count)
{
    struct kin kin;
    size_t kept = 0;

    if (count == 0 || mark_sign(&said[0]) != SIGN_PROVIDED)
        return count;
    clocks_kin(ds, dossier, &kin);
    for (size_t i = 0; i < count; i++)
        if (mark_sign(&said[i]) != SIGN_PROVIDED || was_asked(ds, &kin, said[i].key))
            said[kept++] = said[i];
    return kept;
}

/* Of a part that the holder keeps, and accepts, a plan is still to be made: it ends nothing. */
static size_t
without_own_parts(const struct dossiers *ds, uint32_t dossier, struct mark *said, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (mark_sign(&said[i]) != SIGN_PART_ACCEPTED || parts_is_elsewhere(ds, dossier, said[i].item))
            said[kept++] = said[i];
    return kept;
}

/* Who has a part of the application alone completes that, and the others go on. */
static size_t
without_the_end_of_a_part(const struct dossiers *ds, const struct core_record *record, uint32_t dossier,
                          uint32_t acting, size_t count)
{
    return record->event->type->number == TYPE(REFERRAL_COMPLETED) && parts_only(ds, dossier, acting, record->ts_ms)
               ? 0
               : count;
}

int
clocks_keep(struct core *core, const struct core_record *record, uint32_t dossier, uint32_t acting)
{
    struct dossiers *ds = &core->dossiers;
    const struct event *event = record->event;
    struct mark said[MARKS_PER_EVENT_MAX];
    uint64_t seq = record->seq;
    bool corrects = event->header->corrects_event_id[0] != '\0';
    size_t count;
    int rc = 0;

    if (event->type->number > TYPE_SYS_FIRST)
        return 0;
    if (corrects)
        seq = record->note != NULL ? record->note->corrects_seq : 0;
    if (seq == 0)
        return 0;
    if (facts_is_recall(event)) {
        marks_recall(&ds->at[dossier].marks, seq);
        return 0;
    }
    count = marks_of_event(event, record->note, seq, said);
    count = without_own_parts(ds, dossier, said, count);
    count = without_the_end_of_a_part(ds, record, dossier, acting, count);
    if (corrects)
        return marks_amend(&ds->at[dossier].marks, seq, said, count);
    count = without_strays(ds, dossier, said, count);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = marks_add(&ds->at[dossier].marks, &said[i]);
    return rc;
}
