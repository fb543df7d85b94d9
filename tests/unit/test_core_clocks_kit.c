#include "test_core_clocks_kit.h"

#include "proto/date.h"

#include <stdio.h>
#include <string.h>

int
clocks_setup(void **state)
{
    struct kit *k;

    kit_setup(state);
    k = *state;
    kit_unit(k, "clerk", "op", "CLERK");
    kit_unit(k, "clerk2", "op", "CLERK");
    return 0;
}

struct core_clock found[CLOCKS_OF_TEST_MAX];

size_t
all_clocks(struct kit *k, const char *unit)
{
    struct core_clocks_at at = {0};
    size_t count = core_clocks(k->core, core_unit_by_id(k->core, unit), &at, found, CLOCKS_OF_TEST_MAX);

    assert_int_equal(at.seq, 0);
    return count;
}

size_t
clocks(struct kit *k, const char *unit)
{
    size_t count = all_clocks(k, unit);

    while (count > 0 && found[count - 1].agency[0] != '\0') /* those of agencies stand behind the others */
        count--;
    return count;
}

const char *
day_text(int32_t day)
{
    static char text[4][DATE_TEXT_SIZE];
    static unsigned turn;
    char *ret = text[turn++ % 4];

    if (day == DATE_NONE)
        return "-";
    date_format(day, ret);
    return ret;
}

const char *
clock_is(struct kit *k, char dossier, const char *id)
{
    static char text[2048];
    uint8_t of[16];
    size_t count = clocks(k, "clerk"), len = 0;

    assert_int_equal(uuid_parse(kit_id(dossier), of), 0);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct core_clock *c = &found[i];

        if (memcmp(c->dossier_id, of, sizeof of) != 0 || c->clock != clock_by_name(id))
            continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", len > 0 ? "; " : "");
        switch (c->state) {
        case CORE_CLOCK_RUNS:
            len += (size_t)snprintf(text + len, sizeof text - len, "from %s", day_text(c->started));
            break;
        case CORE_CLOCK_MET:
            len += (size_t)snprintf(text + len, sizeof text - len, "met %s", day_text(c->ended));
            break;
        case CORE_CLOCK_CANCELLED: len += (size_t)snprintf(text + len, sizeof text - len, "cancelled"); break;
        }
        if (c->state == CORE_CLOCK_RUNS && c->due != DATE_NONE)
            len += (size_t)snprintf(text + len, sizeof text - len, " due %s", day_text(c->due));
        if (c->urgent)
            len += (size_t)snprintf(text + len, sizeof text - len, " urgent");
    }
    return text;
}

struct kit_record *
say(struct kit *k, const char *unit, const char *type, char dossier, const char *to, const char *sections,
    const char *header)
{
    return KIT_SAY(k, unit, type, dossier, to, sections, header, NULL);
}

struct kit_record *
referral(struct kit *k)
{
    return say(k, "sch", "referral.submitted", 'R', "sw", FA_REFERRAL,
               "+'onBehalfOf':'p1','channel':'PAPER',"
               "'receivedOn':'2026-01-07'");
}

struct kit_record *
open_case(struct kit *k, char dossier)
{
    return say(k, "sw", "case.opened", dossier, "", "0{'proceedingStartedOn':'2026-01-08'} 1 6{'path':'ORDINARY'}",
               NULL);
}

void
take_up(struct kit *k, char dossier)
{
    say(k, "sw", "case.linked", dossier, "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL);
}

struct kit_record *
interview(struct kit *k, char dossier)
{
    return say(k, "sw", "case.interview_completed", dossier, "",
               "0{'interviewOn':'2026-01-16'} 6{'conclusion':'ASSISTANT_NEEDED'}", NULL);
}

struct kit_record *
assign(struct kit *k, char dossier, const char *day)
{
    char sections[80];

    (void)snprintf(sections, sizeof sections, "0{'unit':'fa','assignedOn':'%s'}", day);
    return say(k, "dir", "case.assistant_assigned", dossier, "", sections, "'lateEntry':true");
}

struct kit_record *
meeting(struct kit *k, char dossier, const char *unit, char id, const char *day, const char *kind)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections,
                   "0{'meetingId':'$%c','heldOn':'%s'} 6{'kind':'%s','attendance':[{'role':'SW','signed':true},"
                   "{'role':'FA','signed':true}]}",
                   id, day, kind);
    return say(k, unit, "meeting.held", dossier, "", sections, NULL);
}

struct kit_record *
close_case(struct kit *k, char dossier, const char *day, const char *s6)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections, "0{'closedOn':'%s'} 6{%s}", day, s6);
    return say(k, "sw", "case.closed", dossier, "", sections, NULL);
}

struct kit_record *
assess(struct kit *k, char dossier, const char *until, const char *s6)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections, "0{'periodTo':'%s'} 6{%s}", until, s6);
    return say(k, "fa", "case.assessment_recorded", dossier, "", sections, NULL);
}
