/* Prints docs/RULES.md: the rules of proto/errors.def and the tables of machines.c. */
#include "broker/core/machines.h"
#include "proto/types.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
    "# Rules\n"
    "\n"
    "Printed by `wici_rules_markdown` from proto/errors.def and broker/core/machines.c: change those. What an event "
    "does to a\n"
    "dossier, and what the broker says of it, beside the rights of docs/DOMAIN.md.\n"
    "\n"
    "**Taken and marked** is the usual answer to what is late, incomplete or out of order: it is a fact. Refused is "
    "only a wrong\n"
    "role, a missing reference or form, and what cannot be. The dates that count are those in the event, not when it "
    "arrived.\n"
    "The letter and number in brackets of a source is the entry of docs/SOURCES.md, which has the words: A entry, B "
    "documents, C\n"
    "duties, MD meetings, E individual plans, G paths.\n"
    "\n"
    "## Rules with a code\n"
    "\n"
    "| rule | code | source | Polish | English |\n"
    "|---|---|---|---|---|\n";

static void
print_rules(void)
{
    for (unsigned i = 1; i < RULE_COUNT; i++) {
        enum rule rule = (enum rule)i;

        printf("| %s | `%s` | %s | %s | %s |\n", rule_id(rule), error_name(rule_code(rule)), rule_source(rule),
               rule_text(rule, true), rule_text(rule, false));
    }
}

static void
print_states(const struct machine *machine, uint32_t from)
{
    uint32_t all = (1u << machine->state_count) - 1;
    bool first = true;

    if ((from & all) == all) {
        printf("any other");
        return;
    }
    for (size_t i = 0; i < machine->state_count; i++)
        if ((from & 1u << i) != 0) {
            printf("%s%s", first ? "" : ", ", machine->states[i].name);
            first = false;
        }
}

static void
print_arrow(const struct machine *machine, const struct arrow *arrow)
{
    const char *text = input_text((enum input)arrow->input, false);

    printf("| ");
    print_states(machine, arrow->from);
    printf(" | `%s`%s%s | %s | ", type_by_number(input_type((enum input)arrow->input))->name,
           text[0] != '\0' ? ": " : "", text, guard_text((enum guard)arrow->guard, false));
    switch (arrow->to) {
    case TO_SAME: printf("the same"); break;
    case TO_BEFORE: printf("the state before"); break;
    case TO_REFUSED: printf("refused"); break;
    default: printf("%s", machine->states[arrow->to].name); break;
    }
    if (arrow->rule == RULE_NONE)
        printf(" | |\n");
    else
        printf(" | %s `%s` |\n", rule_id((enum rule)arrow->rule), error_name(rule_code((enum rule)arrow->rule)));
}

static void
print_machine(const struct machine *machine)
{
    printf("\n### %s (%s)\n\n| state | Polish | English |\n|---|---|---|\n", machine->en, machine->pl);
    for (size_t i = 0; i < machine->state_count; i++)
        printf("| %s | %s | %s |\n", machine->states[i].name, machine->states[i].pl, machine->states[i].en);
    printf("\nOf the arrows of one event the first that fits is taken.\n\n| in | event | when | then | rule "
           "|\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < machine->arrow_count; i++)
        print_arrow(machine, &machine->arrows[i]);
}

int
main(void)
{
    printf("%s", head);
    print_rules();
    printf("\n## What follows what\n\n"
           "Events that a table does not name do not touch its matter. A recalled event (ENTERED_IN_ERROR) counts as "
           "never said, an\n"
           "amended one as said like that from the beginning. Merged dossiers have one course.\n");
    for (unsigned i = 0; i < MACHINE_COUNT; i++)
        print_machine(machine_at((enum machine_kind)i));
    return fflush(stdout) == 0 ? 0 : 1;
}
