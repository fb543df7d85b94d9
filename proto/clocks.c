/* The table of clocks.def, read twice: once for the clocks, once for their events. */
#include "proto/clocks.h"

#include "wici/v1/event.pb-c.h"

#include <assert.h>
#include <string.h>

#define NO_REMIND                                                                                                      \
    {                                                                                                                  \
        .from = REMIND_NOT                                                                                             \
    }
#define REMIND(n, of, which)                                                                                           \
    {                                                                                                                  \
        .from = REMIND_##which, .count = (n), .unit = TERM_##of                                                        \
    }
#define TERM_OF(n, of, to_working)                                                                                     \
    {                                                                                                                  \
        .count = (n), .unit = TERM_##of, .shift = (to_working)                                                         \
    }

static const struct clock_info clocks[CLOCK_COUNT] = {
#define WICI_CLOCK(name, is, n, of, urgent_n, urgent_of, to_working, remind1, remind2, whose, where, polish, english)  \
    [CLOCK_##name] = {.id = #name,                                                                                     \
                      .pl = polish,                                                                                    \
                      .en = english,                                                                                   \
                      .basis = CLOCK_##is,                                                                             \
                      .term = TERM_OF(n, of, to_working),                                                              \
                      .urgent = TERM_OF(urgent_n, urgent_of, to_working),                                              \
                      .reminds = {remind1, remind2},                                                                   \
                      .force = FORCE_##whose,                                                                          \
                      .source = where},
#define WICI_CLOCK_EVENT(clock, deed, type, pl, en)
#include "clocks.def"
#undef WICI_CLOCK_EVENT
#undef WICI_CLOCK
};

static const struct clock_event events[] = {
#define WICI_CLOCK(id, basis, count, unit, urgent_count, urgent_unit, shift, remind1, remind2, force, source, pl, en)
#define WICI_CLOCK_EVENT(of, does, name, polish, english)                                                              \
    {.clock = CLOCK_##of, .deed = CLOCK_##does, .type = WICI__V1__EVENT_TYPE__##name, .pl = polish, .en = english},
#include "clocks.def"
#undef WICI_CLOCK_EVENT
#undef WICI_CLOCK
};

const struct clock_info *
clock_info(enum clock_id id)
{
    assert(id > CLOCK_NONE && id < CLOCK_COUNT);
    return &clocks[id];
}

enum clock_id
clock_by_name(const char *name)
{
    for (unsigned i = CLOCK_NONE + 1; i < CLOCK_COUNT; i++)
        if (strcmp(clocks[i].id, name) == 0)
            return (enum clock_id)i;
    return CLOCK_NONE;
}

const char *
clock_force_name(enum clock_force force)
{
    static const char *const names[] = {"LAW", "LOCAL", "PRACTICE", "PRODUCT"};

    return names[force];
}

static const char *const units[] = {"DAYS", "WORKING_DAYS", "MONTHS"};

const char *
term_unit_name(enum term_unit unit)
{
    return units[unit];
}

bool
term_unit_by_name(const char *name, enum term_unit *ret)
{
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i], name) == 0) {
            *ret = (enum term_unit)i;
            return true;
        }
    return false;
}

const struct clock_event *
clock_event_at(size_t index)
{
    return index < sizeof events / sizeof events[0] ? &events[index] : NULL;
}
