#include "test_core_asked_kit.h"

#include "proto/date.h"

#include <stdio.h>
#include <string.h>

int
asked_setup(void **state)
{
    kit_setup(state);
    kit_unit(*state, "clerk", "op", "CLERK");
    return 0;
}

struct kit_record *
asked_say(struct kit *k, const char *unit, const char *type, const char *to, const char *sections, const char *header)
{
    return KIT_SAY(k, unit, type, 'C', to, sections, header, NULL);
}

const char *
asked_clocks_of(struct kit *k, const char *unit)
{
    static char text[512];
    struct core_clock found[WORK_OF_TEST_MAX];
    struct core_clocks_at at = {0};
    size_t count = core_clocks(k->core, kit_index(k, unit), &at, found, WORK_OF_TEST_MAX), len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct core_unit falls, holder = {.id = "-"};

        if (found[i].clock != CLOCK_D12 && found[i].clock != CLOCK_D15 && found[i].clock != CLOCK_D16 &&
            found[i].clock != CLOCK_D18)
            continue;
        core_unit(k->core, found[i].unit, &falls);
        if (found[i].holder != CORE_UNIT_NONE)
            core_unit(k->core, found[i].holder, &holder);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s%s (%s)", len > 0 ? "; " : "",
                                clock_info(found[i].clock)->id, found[i].served ? "/" : "", falls.id, holder.id);
    }
    return text;
}

size_t
asked_work_list(struct kit *k, const char *unit, struct core_work *ret, size_t page)
{
    struct core_work_at at = {0};
    size_t count = 0;

    do {
        assert_true(count + page <= WORK_OF_TEST_MAX);
        count += core_work(k->core, kit_index(k, unit), &at, ret + count, page);
    } while (at.seq != 0);
    return count;
}

const char *
asked_work_of(struct kit *k, const char *unit)
{
    static const char *const kinds[] = {"QUESTION",  "INVITATION", "MEETING", "RECALL",  "ASSISTANT",
                                        "APPROVAL",  "RETURNED",   "ROW",     "OUTSIDE", "STEP",
                                        "INTERVIEW", "BASIS",      "CONSENT"};
    static char text[1024];
    struct core_work found[WORK_OF_TEST_MAX], again[WORK_OF_TEST_MAX];
    size_t count = asked_work_list(k, unit, found, 8), len = 0;
    char day[DATE_TEXT_SIZE];
    struct core_unit other;

    assert_int_equal(asked_work_list(k, unit, again, 1), count); /* page by page the same */
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(again[i].kind, found[i].kind);
        assert_int_equal(again[i].seq, found[i].seq);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %llu", len > 0 ? "; " : "", kinds[found[i].kind],
                                (unsigned long long)found[i].seq);
        if (found[i].due != DATE_NONE) {
            date_format(found[i].due, day);
            len += (size_t)snprintf(text + len, sizeof text - len, " %s", day);
        }
        if (found[i].kind == CORE_WORK_ROW)
            len += (size_t)snprintf(text + len, sizeof text - len, "/%u", found[i].item);
        if (found[i].unit != CORE_UNIT_NONE) {
            core_unit(k->core, found[i].unit, &other);
            len += (size_t)snprintf(text + len, sizeof text - len, " >%s", other.id);
        }
        if (found[i].agency != CORE_UNIT_NONE) {
            core_unit(k->core, found[i].agency, &other);
            len += (size_t)snprintf(text + len, sizeof text - len, " for %s", other.agency);
        }
    }
    return text;
}

void
asked_work_is(struct kit *k, const char *unit, const char *kind, const struct kit_record *record, const char *day)
{
    char text[80];

    (void)snprintf(text, sizeof text, "%s %llu%s%s", kind, (unsigned long long)record->record.seq,
                   day[0] != '\0' ? " " : "", day);
    assert_string_equal(asked_work_of(k, unit), text);
}

struct kit_record *
asked_question(struct kit *k, const char *to, const char *answer_by)
{
    char sections[120];

    (void)snprintf(sections, sizeof sections, "0{'requestedOn':'2026-03-01'%s%s%s} 6",
                   answer_by[0] != '\0' ? ",'answerBy':'" : "", answer_by, answer_by[0] != '\0' ? "'" : "");
    return asked_say(k, "sw", "info.requested", to, sections, NULL);
}

struct kit_record *
asked_convene(struct kit *k, const char *invited)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections,
                   "0{'meetingId':'$m','startsAt':'2026-04-01T23:30:00+02:00','status':'booked','revision':1} "
                   "6{'kind':'CONSULTATION','chairRole':'SW','invited':[%s]}",
                   invited);
    return asked_say(k, "fa", "meeting.convened", "", sections, NULL);
}

struct kit_record *
asked_agree(struct kit *k, const char *rows)
{
    char sections[800];

    (void)snprintf(sections, sizeof sections, "0{'meetingId':'$m'} %s", rows);
    return asked_say(k, "fa", "meeting.agreements_issued", "", sections, NULL);
}

void
asked_meeting(struct kit *k)
{
    kit_active_case(k, 'C');
    asked_convene(k, "{'unit':'sch'},{'unit':'kur'}");
}
