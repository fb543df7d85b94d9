/* Prints docs/DEADLINES.md from proto/clocks.def. */
#include "proto/clocks.h"
#include "proto/types.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
    "# Deadlines\n"
    "\n"
    "Printed by `wici_clocks_markdown` from proto/clocks.def: change that. Every deadline that Wici watches, what "
    "starts "
    "it and\n"
    "what ends it. Why it is so where the sources leave it open: docs/decisions/007-deadlines.md; what they say, in "
    "their words:\n"
    "docs/SOURCES.md.\n"
    "\n"
    "The dates that count are those in the events, days in Poland, not when an event arrived. The day of the event is "
    "not part of\n"
    "the term; months end on the day of the same number, or the month's last (KPA art. 57). **Shift**: an end on a "
    "Saturday or\n"
    "holiday moves to the next working day. **Urgent**: of an event whose priority is not routine. Holidays are "
    "agents/holidays.pl.\n"
    "\n"
    "Whose rule: **LAW**, the act named (a length that the act leaves open is a setting); **LOCAL**, an office's own "
    "rules;\n"
    "**PRACTICE**, the practice of the sources; **PRODUCT**, Wici's default, nobody's rule. It is no legal advice. "
    "Lengths and\n"
    "reminders are the defaults: an agency can set others, or switch a clock off.\n"
    "\n"
    "| id | Polish | English | term | urgent | shift | reminders | whose rule | source |\n"
    "|---|---|---|---|---|---|---|---|---|\n";

static const char middle[] =
    "\n"
    "## What an event does to them\n"
    "\n"
    "**Starts**: the clock runs from that date (where the clock is a date: the due date). **Meets**: what was due is "
    "done, in time or\n"
    "late by the date that counts. **Cancels**: nothing is due any more. **Replaces**: the clock that runs ends "
    "unmet and runs again\n"
    "from the new date. A recall of the event that started a clock cancels it, an amendment that says another date "
    "replaces it; a\n"
    "recall of the event that met it lets it run again. Of a date that an amendment moved, and of a clock that runs "
    "again "
    "after it was\n"
    "told that it is cancelled, people are reminded anew, and told anew that the day was missed. What counts from the "
    "moment of an\n"
    "event (`occurredAt`), as no field of it says the day, goes on counting from that moment when the event is "
    "amended.\n"
    "\n"
    "| clock | deed | event | Polish | English |\n"
    "|---|---|---|---|---|\n";

static void
print_term(const struct term *term)
{
    static const char *const words[] = {"days", "working days", "months"};

    if (term->count == 0)
        return;
    printf("%u %.*s", term->count, (int)strlen(words[term->unit]) - (term->count == 1), words[term->unit]);
}

static void
print_reminds(const struct clock_info *info)
{
    for (unsigned i = 0; i < CLOCK_REMINDS_MAX; i++) {
        const struct remind *remind = &info->reminds[i];

        if (remind->from == REMIND_NOT)
            continue;
        if (i > 0)
            printf("; ");
        if (remind->count == 0) {
            printf("%s", remind->from == REMIND_AFTER ? "at once" : "on the day");
            continue;
        }
        print_term(&(struct term){.count = remind->count, .unit = remind->unit});
        printf(remind->from == REMIND_AFTER ? " after" : " before");
    }
}

static void
print_clock(const struct clock_info *info)
{
    printf("| %s | %s | %s | ", info->id, info->pl, info->en);
    switch (info->basis) {
    case CLOCK_TERM: print_term(&info->term); break;
    case CLOCK_DATE: printf("the date named"); break;
    case CLOCK_CHECK: printf("checked (I16)"); break;
    }
    printf(" | ");
    print_term(&info->urgent);
    printf(" | %s | ", info->term.shift ? "yes" : "no");
    print_reminds(info);
    printf(" | %s | %s |\n", clock_force_name(info->force), info->source);
}

int
main(void)
{
    static const char *const deeds[] = {"starts", "meets", "cancels", "replaces"};
    const struct clock_event *event;

    printf("%s", head);
    for (unsigned i = CLOCK_NONE + 1; i < CLOCK_COUNT; i++)
        print_clock(clock_info((enum clock_id)i));
    printf("%s", middle);
    for (size_t i = 0; (event = clock_event_at(i)) != NULL; i++)
        printf("| %s | %s | `%s` | %s | %s |\n", clock_info(event->clock)->id, deeds[event->deed],
               type_by_number(event->type)->name, event->pl, event->en);
    return fflush(stdout) == 0 ? 0 : 1;
}
