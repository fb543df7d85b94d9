/*
 * The state machines against a statement of their own: every state, with every input, under every set of guards.
 *
 * What the statement does not allow must be marked or refused; what is marked must not move the state, except where the
 * second list says that it does. The statement is written from docs/DOMAIN.md and shares nothing with the tables.
 */
#include "broker/core/machines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum outcome { WELL, MARKED, REFUSED };

/* from and inputs: words; guards: words, ! before one that must not hold; to: a state, "same" or "before". */
struct line {
    const char *from, *inputs, *guards, *to;
    enum outcome outcome;
};

#define R_ENDED "completed failed cancelled rejected entered-in-error"
#define R_OPEN  "requested received accepted in-progress on-hold"

static const struct line referral[] = {
    {"- " R_ENDED, "SUBMITTED", "", "requested", WELL},
    {"requested received", "RECEIVED", "", "received", WELL},
    {"accepted in-progress on-hold", "RECEIVED", "OTHERS", "same", WELL},
    {"requested received", "ACCEPTED", "", "accepted", WELL},
    {"accepted in-progress", "ACCEPTED", "", "same", WELL},
    {"on-hold", "ACCEPTED", "UNTAKEN", "accepted", WELL},
    {"on-hold", "ACCEPTED", "!UNTAKEN", "before", WELL},
    {R_OPEN, "REJECTED", "OTHERS", "same", WELL},
    {"requested received", "REJECTED", "!OTHERS", "rejected", WELL},
    {"accepted in-progress", "ON_HOLD", "", "on-hold", WELL},
    {"requested received", "ON_HOLD", "", "on-hold", MARKED},
    {R_OPEN, "FORWARDED PART_FORWARDED", "", "same", WELL},
    {"accepted in-progress", "COMPLETED", "", "completed", WELL},
    {"accepted in-progress", "FAILED", "", "failed", WELL},
    {"requested received on-hold", "COMPLETED", "", "completed", MARKED},
    {"requested received on-hold", "FAILED", "", "failed", MARKED},
    {R_OPEN, "CANCELLED", "", "cancelled", WELL},
    {R_OPEN, "TAKEN_UP", "", "in-progress", WELL},
    {"-", "TAKEN_UP", "", "same", WELL},
    /* what has ended does not go on */
    {R_ENDED, "RECEIVED ACCEPTED REJECTED ON_HOLD FORWARDED PART_FORWARDED", "", "same", REFUSED},
};

#define C_OPEN    "OPENED ASSESSED OTHER_SUPPORT REQUESTED ASSIGNED ACTIVE SUSPENDED IPUS_ONLY"
#define C_ALL     C_OPEN " MONITORED CLOSED"
#define C_EARLY   "OPENED ASSESSED OTHER_SUPPORT IPUS_ONLY"
#define INTERVIEW "INTERVIEW_NEEDED INTERVIEW_OTHER INTERVIEW_NO_NEED"

static const struct line kase[] = {
    {"-", "CASE_OPENED", "", "OPENED", WELL},
    {"-", "CASE_OPENED_IPUS", "ZZ", "OPENED", WELL}, /* one with an application under Za zyciem */
    {"-", "CASE_OPENED_IPUS", "!ZZ", "IPUS_ONLY", WELL},
    {C_ALL, "CASE_OPENED CASE_OPENED_IPUS", "", "same", WELL},
    /* no interview under Za zyciem: a case that was led elsewhere by one, or that is only a plan, is not under it */
    {"- OPENED REQUESTED ASSIGNED ACTIVE SUSPENDED MONITORED CLOSED", INTERVIEW, "ZZ", "same", REFUSED},
    {C_EARLY, "INTERVIEW_NEEDED INTERVIEW_NO_NEED", "", "ASSESSED", WELL},
    {C_EARLY, "INTERVIEW_OTHER", "", "OTHER_SUPPORT", WELL},
    {"REQUESTED ASSIGNED ACTIVE SUSPENDED", INTERVIEW, "!ZZ", "same", WELL}, /* a later one */
    {"ASSESSED", "REQUESTED", "NEEDED", "REQUESTED", WELL},
    {"ASSESSED OTHER_SUPPORT", "REQUESTED", "", "REQUESTED", MARKED},
    {"OPENED IPUS_ONLY", "REQUESTED", "", "REQUESTED", MARKED},
    {"MONITORED CLOSED", "REQUESTED ASSIGNED", "!LATE", "same", REFUSED},
    /* interview, request, assignment; or Za zyciem, an order, a late entry */
    {"REQUESTED", "ASSIGNED", "", "ASSIGNED", WELL},
    {"OPENED", "ASSIGNED", "ZZ", "ASSIGNED", WELL},
    {"OPENED", "ASSIGNED", "!ZZ ORDER", "ASSIGNED", MARKED},
    {"OPENED", "ASSIGNED", "!ZZ LATE", "ASSIGNED", MARKED},
    {"OPENED", "ASSIGNED", "!ZZ !ORDER !LATE", "same", REFUSED},
    {"ASSESSED OTHER_SUPPORT IPUS_ONLY", "ASSIGNED", "ORDER", "ASSIGNED", MARKED},
    {"ASSESSED OTHER_SUPPORT IPUS_ONLY", "ASSIGNED", "LATE", "ASSIGNED", MARKED},
    {"ASSESSED OTHER_SUPPORT IPUS_ONLY", "ASSIGNED", "!ORDER !LATE", "same", REFUSED},
    {"-", "ASSIGNED", "!LATE", "same", REFUSED},
    {"ACTIVE SUSPENDED", "ASSIGNED", "", "same", WELL}, /* another assistant */
    {"ASSIGNED", "HELD_FIRST_CONTACT", "", "ACTIVE", WELL},
    {"ACTIVE", "WORK_PLAN PERIODIC IPUS_AGREED IPUS_UPDATED", "", "same", WELL},
    {"- IPUS_ONLY", "IPUS_AGREED IPUS_UPDATED", "", "same", WELL},
    {C_OPEN, "IPUS_AGREED IPUS_UPDATED", "BOTH", "same", WELL},
    {"ASSIGNED ACTIVE", "COOPERATION_WITHDRAWN", "!ORDER", "SUSPENDED", WELL},
    {"ASSIGNED ACTIVE", "COOPERATION_WITHDRAWN", "ORDER", "same", WELL},
    {"SUSPENDED", "COOPERATION_GRANTED ORDER_ISSUED", "", "before", WELL},
    /* consents and orders are welcome at any time */
    {"- OPENED ASSESSED OTHER_SUPPORT REQUESTED SUSPENDED IPUS_ONLY MONITORED CLOSED", "COOPERATION_WITHDRAWN", "",
     "same", WELL},
    {"- OPENED ASSESSED OTHER_SUPPORT REQUESTED ASSIGNED ACTIVE IPUS_ONLY MONITORED CLOSED",
     "COOPERATION_GRANTED ORDER_ISSUED", "", "same", WELL},
    {"IPUS_ONLY", "ZZ_APPLIED", "", "OPENED", WELL},
    {"ASSESSED OTHER_SUPPORT", "ZZ_APPLIED", "", "REQUESTED", WELL}, /* the family's own application */
    {"- OPENED REQUESTED ASSIGNED ACTIVE SUSPENDED MONITORED CLOSED", "ZZ_APPLIED", "", "same", WELL},
    {C_OPEN " MONITORED", "CLOSED", "", "CLOSED", WELL},
    {C_OPEN, "CLOSED_MONITORED", "", "MONITORED", WELL},
    {"MONITORED", "CLOSED_MONITORED", "", "same", WELL},
    {"MONITORED", "POST_CLOSURE", "PLAN_DONE", "CLOSED", WELL},
    {"MONITORED", "POST_CLOSURE", "!PLAN_DONE", "same", WELL},
};

static const struct line ipus[] = {
    {"-", "IPUS_AGREED", "NEXT", "AGREED", WELL},
    {"-", "IPUS_AGREED", "!NEXT", "same", REFUSED},
    {"AGREED APPROVED CONCLUDED", "IPUS_AGREED", "", "same", REFUSED},
    {"AGREED APPROVED", "IPUS_UPDATED", "NEXT", "AGREED", WELL},
    {"- AGREED APPROVED CONCLUDED", "IPUS_UPDATED", "!NEXT", "same", REFUSED},
    {"-", "IPUS_UPDATED", "NEXT", "same", REFUSED},
    {"AGREED", "IPUS_APPROVED", "CURRENT", "APPROVED", WELL},
    {"AGREED", "IPUS_RETURNED", "CURRENT", "AGREED", WELL},
    {"APPROVED", "IPUS_REPORTED", "", "same", WELL},
    {"AGREED APPROVED", "IPUS_CONCLUDED", "", "CONCLUDED", WELL},
};

static const struct line meeting[] = {
    {"-", "CONVENED", "", "booked", WELL},
    {"booked", "CONVENED", "NEXT", "booked", WELL},
    {"cancelled", "CONVENED", "", "booked", MARKED},
    {"- booked", "CALLED_OFF", "", "cancelled", WELL},
    {"- booked", "HELD HELD_FIRST_CONTACT", "", "held", WELL},
    {"cancelled", "HELD HELD_FIRST_CONTACT", "", "held", MARKED},
    {"held issued", "AGREEMENTS", "", "issued", WELL},
};

static const struct line consent[] = {
    {"- active withdrawn refused", "CONSENT_GRANTED COOPERATION_GRANTED", "", "active", WELL},
    {"active", "CONSENT_WITHDRAWN COOPERATION_WITHDRAWN", "", "withdrawn", WELL},
    {"-", "CONSENT_WITHDRAWN COOPERATION_WITHDRAWN", "", "withdrawn", MARKED}, /* a withdrawal is never lost */
    {"-", "CONSENT_REFUSED", "", "refused", WELL},
    {"active", "CONSENT_REFUSED", "", "withdrawn", MARKED},
};

static const struct line concern[] = {
    {"-", "CONCERN_RAISED", "", "raised", WELL},
    {"raised answered", "CONCERN_ANSWERED", "", "answered", WELL},
};

static const struct line info[] = {
    {"-", "INFO_REQUESTED", "", "requested", WELL},
    {"-", "INFO_PROVIDED", "", "same", WELL}, /* what is sent on one's own initiative */
    {"requested provided", "INFO_PROVIDED", "", "provided", WELL},
};

#define P_OPEN "requested received accepted on-hold"

static const struct line part[] = {
    {"-", "PART_NAMED", "", "requested", WELL},
    {"- " P_OPEN " rejected", "PART_FORWARDED", "", "requested", WELL},
    {"- requested received", "PART_RECEIVED", "", "received", WELL},
    {"- requested received accepted on-hold", "PART_ACCEPTED", "", "accepted", WELL},
    {"- requested received", "PART_REJECTED", "", "rejected", WELL},
    {"accepted", "PART_ON_HOLD", "", "on-hold", WELL},
    {"- requested received", "PART_ON_HOLD", "", "on-hold", MARKED},
    {"accepted", "PART_COMPLETED", "", "completed", WELL},
    {"accepted", "PART_FAILED", "", "failed", WELL},
    {"- requested received on-hold", "PART_COMPLETED", "", "completed", MARKED},
    {"- requested received on-hold", "PART_FAILED", "", "failed", MARKED},
    {"- " P_OPEN, "PART_CANCELLED", "", "cancelled", WELL},
    /* what has ended does not go on; what one refused another may take */
    {"completed failed cancelled", "PART_FORWARDED", "", "same", REFUSED},
    {"completed failed cancelled rejected", "PART_RECEIVED PART_ACCEPTED PART_REJECTED PART_ON_HOLD", "", "same",
     REFUSED},
};

#define STATEMENT(of)                                                                                                  \
    {                                                                                                                  \
        of, sizeof of / sizeof of[0]                                                                                   \
    }
static const struct {
    const struct line *lines;
    size_t count;
} statements[MACHINE_COUNT] = {
    [MACHINE_REFERRAL] = STATEMENT(referral), [MACHINE_CASE] = STATEMENT(kase),
    [MACHINE_IPUS] = STATEMENT(ipus),         [MACHINE_MEETING] = STATEMENT(meeting),
    [MACHINE_CONSENT] = STATEMENT(consent),   [MACHINE_CONCERN] = STATEMENT(concern),
    [MACHINE_INFO] = STATEMENT(info),         [MACHINE_PART] = STATEMENT(part),
};

static const char *const guard_names[GUARD_COUNT] = {"",
#define X(name, pl, en) #name,
                                                     GUARDS(X)
#undef X
};

static bool
has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; len > 0 && (at = strstr(at, word)) != NULL; at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static bool
guards_fit(const char *words, uint32_t guards)
{
    for (unsigned guard = 1; guard < GUARD_COUNT; guard++) {
        char not [32];

        (void)snprintf(not, sizeof not, "!%s", guard_names[guard]);
        if (has_word(words, guard_names[guard]) && (guards & 1u << guard) == 0)
            return false;
        if (has_word(words, not ) && (guards & 1u << guard) != 0)
            return false;
    }
    return true;
}

static const struct line *
said(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards)
{
    for (size_t i = 0; i < statements[kind].count; i++) {
        const struct line *line = &statements[kind].lines[i];

        if (has_word(line->from, machine_at(kind)->states[state].name) && has_word(line->inputs, input_name(input)) &&
            guards_fit(line->guards, guards))
            return line;
    }
    return NULL;
}

static enum outcome
outcome_of(const struct arrow *arrow)
{
    return arrow->to == TO_REFUSED ? REFUSED : arrow->rule == RULE_NONE ? WELL : MARKED;
}

/* What it begins has the event's own id: nothing can have begun it before. */
static bool
only_begins(enum input input)
{
    return input == IN_CONCERN_RAISED || input == IN_INFO_REQUESTED;
}

static void
arrow_is_as_said(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards, const struct line *line)
{
    const struct machine *machine = machine_at(kind);
    const struct arrow *arrow = machine_find(kind, state, input, guards);
    uint8_t before = (uint8_t)(machine->state_count - 1), to, kept = before;
    const char *expected = line != NULL ? line->to : "same";

    if (line == NULL && only_begins(input)) {
        assert_null(arrow);
        return;
    }
    assert_non_null(arrow); /* an input that a machine looks at is looked at in every state */
    to = machine_take(arrow, state, &kept);
    if (outcome_of(arrow) != (line != NULL ? line->outcome : MARKED))
        fail_msg("%s: %s in %s (guards %x): outcome %d", machine->name, input_name(input), machine->states[state].name,
                 guards, outcome_of(arrow));
    if (strcmp(expected, "same") == 0)
        assert_int_equal(to, state);
    else if (strcmp(expected, "before") == 0)
        assert_int_equal(to, before);
    else
        assert_string_equal(machine->states[to].name, expected);
    if (arrow->rule != RULE_NONE)
        assert_int_equal(error_client(rule_code((enum rule)arrow->rule)) == CLIENT_NOTE, outcome_of(arrow) == MARKED);
}

/* Which inputs a machine looks at: those that its statement names. */
static bool
is_input_of(enum machine_kind kind, enum input input)
{
    for (size_t i = 0; i < statements[kind].count; i++)
        if (has_word(statements[kind].lines[i].inputs, input_name(input)))
            return true;
    return false;
}

static void
every_arrow_and_every_forbidden_one_is_as_the_domain_says(void **state)
{
    size_t looked = 0;

    (void)state;
    /* Guards that no arrow of the machine asks for make no difference. */
    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++)
        for (unsigned input = 1; input < INPUT_COUNT; input++) {
            bool known = is_input_of((enum machine_kind)kind, (enum input)input);
            uint32_t asked = 0;

            for (size_t i = 0; i < machine_at((enum machine_kind)kind)->arrow_count; i++)
                asked |= machine_at((enum machine_kind)kind)->arrows[i].guard == GUARD_NONE
                             ? 0
                             : 1u << machine_at((enum machine_kind)kind)->arrows[i].guard;

            for (uint8_t from = 0; from < machine_at((enum machine_kind)kind)->state_count; from++)
                for (uint32_t guards = 0; guards < 1u << GUARD_COUNT; guards += 2) {
                    if ((guards & ~asked) != 0)
                        continue;
                    if (!known) {
                        assert_null(machine_find((enum machine_kind)kind, from, (enum input)input, guards));
                        continue;
                    }
                    arrow_is_as_said((enum machine_kind)kind, from, (enum input)input, guards,
                                     said((enum machine_kind)kind, from, (enum input)input, guards));
                    looked++;
                }
        }
    printf("%zu arrows looked at\n", looked);
    assert_true(looked > 10000);
}

static void
every_state_can_be_reached_and_every_line_of_the_statement_counts(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++) {
        const struct machine *machine = machine_at((enum machine_kind)kind);
        uint32_t reached = 1;

        for (size_t round = 0; round < machine->state_count; round++)
            for (size_t i = 0; i < machine->arrow_count; i++)
                if ((machine->arrows[i].from & reached) != 0 && machine->arrows[i].to < machine->state_count)
                    reached |= 1u << machine->arrows[i].to;
        if (kind == MACHINE_REFERRAL)
            reached |= 1u << REFERRAL_ENTERED_IN_ERROR; /* by a recall */
        assert_int_equal(reached, (1u << machine->state_count) - 1);
        for (size_t i = 0; i < statements[kind].count; i++) {
            bool used = false;

            for (unsigned input = 1; input < INPUT_COUNT && !used; input++)
                for (uint8_t from = 0; from < machine->state_count && !used; from++)
                    for (uint32_t guards = 0; guards < 1u << GUARD_COUNT && !used; guards += 2)
                        used = has_word(statements[kind].lines[i].inputs, input_name((enum input)input)) &&
                               said((enum machine_kind)kind, from, (enum input)input, guards) ==
                                   &statements[kind].lines[i];
            assert_true(used);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_arrow_and_every_forbidden_one_is_as_the_domain_says),
        cmocka_unit_test(every_state_can_be_reached_and_every_line_of_the_statement_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
