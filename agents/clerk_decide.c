/* What is to be told, and how it is said. Knows no broker. */
#include "agents/clerk.h"

#include "proto/date.h"
#include "proto/event.h"
#include "proto/leaf.h"
#include "proto/member.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *type, *section;
} notices[CLERK_NOTICE_COUNT] = {
    [CLERK_NOTHING] = {"nothing", "", ""},
    [CLERK_APPROACHING] = {"approaching", "SYS_DEADLINE_APPROACHING", "sysDeadlineApproachingS0"},
    [CLERK_MISSED] = {"missed", "SYS_DEADLINE_MISSED", "sysDeadlineMissedS0"},
    [CLERK_MET] = {"met", "SYS_DEADLINE_MET", "sysDeadlineMetS0"},
    [CLERK_CANCELLED] = {"cancelled", "SYS_DEADLINE_CANCELLED", "sysDeadlineCancelledS0"},
};

const char *
clerk_notice_name(enum clerk_notice notice)
{
    return notices[notice].name;
}

/* ---- reading */

static bool
is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static int32_t
day_of(const json_t *object, const char *key)
{
    int32_t day;

    return date_parse(member_text(object, key), &day) == 0 ? day : DATE_NONE;
}

int
clerk_clock_read(const char *text, struct clerk_clock *ret)
{
    static const char *const states[] = {"runs", "met", "cancelled"};
    json_t *json = json_loads(text, 0, NULL);
    const char *dossier = member_text(json, "dossier"), *agency = member_text(json, "agency");
    const char *holder = member_text(json, "holder");
    struct clerk_clock clock = {
        .clock = clock_by_name(member_text(json, "clock")),
        .start_seq = member_number(json, "startSeq"),
        .item = (unsigned)member_number(json, "item"),
        .notices = (unsigned)member_number(json, "notices"),
        .started = day_of(json, "startedOn"),
        .named = is_true(json, "named") ? day_of(json, "due") : DATE_NONE,
        .ended = day_of(json, "endedOn"),
        .urgent = is_true(json, "urgent"),
        .holder_only = is_true(json, "holderOnly"),
        .end_seq = member_number(json, "endSeq"),
        .told_approaching = is_true(json, "toldApproaching"),
        .told_last = is_true(json, "toldLast"),
        .told_missed = is_true(json, "toldMissed"),
        .told_met = is_true(json, "toldMet"),
        .told_cancelled = is_true(json, "toldCancelled"),
    };
    unsigned state = 0;
    int rc = 0;

    while (state < 3 && strcmp(states[state], member_text(json, "state")) != 0)
        state++;
    if (clock.clock == CLOCK_NONE || (dossier[0] == '\0' && agency[0] == '\0') || clock.start_seq == 0 ||
        clock.started == DATE_NONE || state == 3 || strlen(dossier) >= sizeof clock.dossier ||
        strlen(agency) >= sizeof clock.agency || strlen(holder) >= sizeof clock.holder ||
        (is_true(json, "named") && clock.named == DATE_NONE))
        rc = -EPROTO;
    clock.state = (enum clerk_state)state;
    if (rc == 0) {
        (void)snprintf(clock.dossier, sizeof clock.dossier, "%s", dossier);
        (void)snprintf(clock.holder, sizeof clock.holder, "%s", holder);
        (void)snprintf(clock.agency, sizeof clock.agency, "%s", agency);
        *ret = clock;
    }
    json_decref(json);
    return rc;
}

/* ---- deciding */

static bool
was_told(const struct clerk_clock *clock)
{
    return clock->told_approaching || clock->told_last || clock->told_missed || clock->told_met ||
           clock->told_cancelled;
}

static enum clerk_notice
remind(const struct clerk_clock *clock, const struct deadline_plan *plan, int32_t today, bool *ret_last)
{
    unsigned come = 0;

    while (come < plan->remind_count && plan->reminds[come] <= today)
        come++;
    if (come == 0 || clock->told_last)
        return CLERK_NOTHING;
    *ret_last = come == plan->remind_count;
    return clock->told_approaching && !*ret_last ? CLERK_NOTHING : CLERK_APPROACHING;
}

enum clerk_notice
clerk_decide(const struct clerk_clock *clock, const struct deadline_plan *plan, int32_t today, bool *ret_last)
{
    *ret_last = false;
    if (!plan->on && !was_told(clock))
        return CLERK_NOTHING;
    switch (clock->state) {
    case CLERK_IS_MET: return clock->told_met ? CLERK_NOTHING : CLERK_MET;
    case CLERK_IS_CANCELLED: return clock->told_cancelled ? CLERK_NOTHING : CLERK_CANCELLED;
    case CLERK_RUNS: break;
    }
    if (clock->told_met)
        return CLERK_CANCELLED; /* what met it was taken back */
    if (!plan->on)
        return CLERK_NOTHING;
    if (today <= plan->due)
        return clock->told_missed ? CLERK_NOTHING : remind(clock, plan, today, ret_last);
    return clock->told_missed || clock->holder_only ? CLERK_NOTHING : CLERK_MISSED;
}

/* ---- saying */

/* The same notice has the same id, whenever and by whom it is told. */
static void
event_id(const struct clerk_clock *clock, enum clerk_notice notice, char ret[37])
{
    char said[160];
    uint8_t hash[LEAF_HASH_SIZE];
    int len = snprintf(said, sizeof said, "wici deadline %s %s %" PRIu64 " %u %" PRId32 " %u %s",
                       clock->dossier[0] != '\0' ? clock->dossier : clock->agency, clock_info(clock->clock)->id,
                       clock->start_seq, clock->item, clock->started, clock->notices, clerk_notice_name(notice));

    leaf_sha256(said, (size_t)len, hash);
    hash[6] = (uint8_t)(0x80 | (hash[6] & 0x0f));
    hash[8] = (uint8_t)(0x80 | (hash[8] & 0x3f));
    uuid_format(hash, ret);
}

static void
set_day(json_t *object, const char *key, int32_t day)
{
    char text[DATE_TEXT_SIZE];

    if (day == DATE_NONE)
        return;
    date_format(day, text);
    (void)json_object_set_new(object, key, json_string(text));
}

static void
set_number(json_t *object, const char *key, uint64_t number)
{
    if (number != 0)
        (void)json_object_set_new(object, key, json_integer((json_int_t)number));
}

int
clerk_event(const struct clerk_clock *clock, const struct deadline_plan *plan, enum clerk_notice notice, bool last,
            int32_t today, char **ret)
{
    char id[37], time[TIME_TEXT_SIZE];
    json_t *deadline = json_object(), *event;

    event_id(clock, notice, id);
    time_format(date_end(today - 1), time); /* the day's first moment: the same words for the whole day */
    (void)json_object_set_new(deadline, "clock", json_string(clock_info(clock->clock)->id));
    set_number(deadline, "startSeq", clock->start_seq);
    set_number(deadline, "item", clock->item);
    set_day(deadline, "startedOn", clock->started);
    set_day(deadline, "due", plan->due);
    set_number(deadline, "notice", clock->notices);
    set_number(deadline, "endSeq", clock->end_seq);
    set_day(deadline, "endedOn", clock->ended);
    if (clock->holder_only)
        (void)json_object_set_new(deadline, "holderOnly", json_true());
    if (last)
        (void)json_object_set_new(deadline, "last", json_true());
    event = json_pack("{s:{s:s, s:s, s:s, s:{s:s}}, s:[{s:{s:o}}]}", "header", "eventId", id, "type",
                      notices[notice].type, "occurredAt", time, "actor", "role", "CLERK", "sections",
                      notices[notice].section, "deadline", deadline);
    if (clock->dossier[0] != '\0')
        (void)json_object_set_new(json_object_get(event, "header"), "dossierId", json_string(clock->dossier));
    else
        (void)json_object_set_new(deadline, "agency", json_string(clock->agency));
    *ret = event == NULL ? NULL : json_dumps(event, JSON_COMPACT);
    json_decref(event);
    return *ret == NULL ? -ENOMEM : 0;
}
