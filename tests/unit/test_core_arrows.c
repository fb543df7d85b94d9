/*
 * Every arrow of every machine, and every one that is not there, by real events: for each state, each input and each
 * set of guards that a history can lead to, the shortest way there is looked for in the tables, said to the core event
 * by event, and then the input is offered. What the table allows is taken without a mark; what it marks is taken with
 * that rule's warning; what it forbids is refused by that rule; and the machine stands where the table says.
 *
 * The core decides by the tables too (test_core_machines.c holds them against a statement of their own): that it does
 * so for each row shows in the second test, where each row is changed behind this program's back and must be missed.
 */
#include "test_core_ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX 8192u
#define ROWS_MAX  128u

static bool
is_rule_of_arrows(enum rule rule)
{
    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++)
        for (size_t i = 0; i < machine_at((enum machine_kind)kind)->arrow_count; i++)
            if (machine_at((enum machine_kind)kind)->arrows[i].rule == rule)
                return rule != RULE_NONE;
    return false;
}

/* ---- a row that is changed behind our back */

static struct {
    const struct arrow *row;
    struct arrow by;
} plant;

const struct arrow *__real_machine_find(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards);
const struct arrow *__wrap_machine_find(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards);

const struct arrow *
__wrap_machine_find(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards)
{
    const struct arrow *row = __real_machine_find(kind, state, input, guards);

    return row != NULL && row == plant.row ? &plant.by : row;
}

/* ---- what is to come of it */

struct verdict {
    bool refused, masked; /* masked: another machine spoke first, and the row in question was not heard */
    enum rule refusal;
    enum rule warned[3];
    size_t warned_count;
};

static void
judge(struct verdict *v, const struct arrow *row, bool in_question)
{
    if (row == NULL || v->refused) {
        v->masked = v->masked || (in_question && row != NULL);
        return;
    }
    if (row->to == TO_REFUSED) {
        v->masked = v->masked || !in_question;
        v->refused = true;
        v->refusal = (enum rule)row->rule;
        return;
    }
    if (row->rule == RULE_NONE)
        return;
    /* A warning is given once for each rule. */
    for (size_t i = 0; i < v->warned_count; i++)
        if (v->warned[i] == (enum rule)row->rule) {
            v->masked = v->masked || in_question;
            return;
        }
    v->warned[v->warned_count++] = (enum rule)row->rule;
}

/* The machine in question stands where the way led; where the others stand is asked of the core. */
static struct verdict
expect(const struct driven *driven, const struct search *s, const struct node *at, const struct drive *drive)
{
    struct verdict v = {0};

    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++) {
        enum machine_kind machine = (enum machine_kind)kind;
        bool own = machine == s->world->machine;

        judge(&v,
              ways_first_fit(machine, own ? at->state : driven_state(driven, machine), drive->input,
                             ways_hold(s, at, drive)),
              own);
    }
    return v;
}

static char wrong[400]; /* "": all as expected */

static void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (wrong[0] == '\0')
        (void)vsnprintf(wrong, sizeof wrong, fmt, args);
    va_end(args);
}

static void
look_at_answer(const struct verdict *v, const struct kit_record *record, const struct refusal *refusal)
{
    size_t heard = 0;

    if (record == NULL) {
        if (!v->refused)
            complain("refused with %s %s at '%s'", error_name(refusal->code), rule_id(refusal->rule), refusal->path);
        else if (refusal->rule != v->refusal || refusal->code != rule_code(v->refusal))
            complain("refused by %s %s, not %s", rule_id(refusal->rule), error_name(refusal->code),
                     rule_id(v->refusal));
        return;
    }
    if (v->refused) {
        complain("taken, not refused by %s", rule_id(v->refusal));
        return;
    }
    for (size_t i = 0; i < record->record.note->n_warnings; i++) {
        const Wici__V1__Warning *w = record->record.note->warnings[i];
        enum rule rule = rule_by_id(w->rule, error_by_name(w->code));

        if (!is_rule_of_arrows(rule))
            continue;
        if (heard == v->warned_count || v->warned[heard] != rule)
            complain("marked by %s", w->rule);
        else
            heard++;
    }
    if (heard < v->warned_count)
        complain("not marked by %s", rule_id(v->warned[heard]));
}

/* ---- one cell: a way, and what is offered at its end */

struct cell {
    const struct search *search;
    uint16_t node, drive;
};

static struct kit *kit;
static unsigned families;

static struct kit *
fresh_kit(void)
{
    if (kit != NULL && kit->count + 64 < KIT_RECORDS_MAX)
        return kit;
    if (kit != NULL)
        kit_destroy(kit);
    else
        kit = calloc(1, sizeof *kit);
    assert_non_null(kit);
    kit_create(kit);
    driven_enrol(kit);
    return kit;
}

static void
drop_kit(void)
{
    if (kit != NULL)
        kit_destroy(kit);
    free(kit);
    kit = NULL;
}

static const char *
name_of(const struct search *s, uint8_t state)
{
    return machine_at(s->world->machine)->states[state].name;
}

static void
go_to(struct driven *driven, const struct search *s, const struct node *to)
{
    struct refusal refusal;
    uint8_t state;

    if (to->depth == 0)
        return;
    go_to(driven, s, &s->nodes[to->parent]);
    if (driven_say(driven, &drives[to->drive], &refusal) == NULL)
        complain("on the way %s is refused: %s %s at '%s'", input_name(drives[to->drive].input),
                 error_name(refusal.code), rule_id(refusal.rule), refusal.path);
    state = driven_state(driven, s->world->machine);
    if (!s->world->taken_back && state != to->state)
        complain("on the way %s leads to %s, not %s", input_name(drives[to->drive].input), name_of(s, state),
                 name_of(s, to->state));
}

/* Fills `wrong`; the plan is in force from the end of the way on. Returns whether the row was heard. */
static bool
run(const struct cell *cell, const struct arrow *row, const struct arrow *by)
{
    const struct search *s = cell->search;
    const struct node *at = &s->nodes[cell->node];
    const struct drive *drive = &drives[cell->drive];
    struct driven driven;
    struct verdict v;
    struct node next = *at;
    const struct kit_record *record;
    struct refusal refusal;
    uint8_t state;

    wrong[0] = '\0';
    driven_begin(&driven, fresh_kit(), s->world, families++);
    go_to(&driven, s, at);
    v = expect(&driven, s, at, drive);
    if (by != NULL) {
        plant.row = row;
        plant.by = *by;
    }
    record = driven_say(&driven, drive, &refusal);
    if (!s->world->taken_back)
        look_at_answer(&v, record, &refusal);
    else if (record == NULL)
        complain("refused");
    if (record != NULL)
        (void)ways_follow(s, at, drive, &next);
    if (s->world->taken_back)
        driven_take_back(&driven);
    state = driven_state(&driven, s->world->machine);
    plant.row = NULL;
    kit->changed = kit->changed || by != NULL;
    if (state != next.state)
        complain("leads to %s, not %s", name_of(s, state), name_of(s, next.state));
    return !v.masked;
}

/* The row by which the cell is decided. */
static const struct arrow *
row_of_cell(const struct cell *cell)
{
    const struct node *at = &cell->search->nodes[cell->node];
    const struct drive *drive = &drives[cell->drive];

    return ways_first_fit(cell->search->world->machine, at->state, drive->input, ways_hold(cell->search, at, drive));
}

/* ---- all of them */

static struct search *searches;
static struct cell cells[CELLS_MAX];
static size_t cell_total;
static bool heard[MACHINE_COUNT][ROWS_MAX][16]; /* each row in each state that it stands for */

static size_t
row_of(enum machine_kind kind, const struct arrow *row)
{
    size_t at = (size_t)(row - machine_at(kind)->arrows);

    assert_true(at < machine_at(kind)->arrow_count && at < ROWS_MAX);
    return at;
}

/* What takes the submission back is for the ways alone; a part is named by a referral, which is said to that machine
 * too. */
static bool
is_offered(const struct search *s, const struct drive *drive)
{
    return drive->input != IN_NONE && (drive->input != IN_PART_NAMED || s->world->machine != MACHINE_REFERRAL);
}

/* Each drive in each state, under each set of the guards that it depends on. */
static void
lay_out(const struct search *s)
{
    size_t first = cell_total;

    for (size_t d = 0; d < drive_count; d++) {
        uint32_t asked = ways_names(s->world->machine, drives[d].input)
                             ? ways_guards(s->world->machine, drives[d].input)
                             : 0;

        for (size_t n = 0; n < s->count && is_offered(s, &drives[d]); n++) {
            const struct node *node = &s->nodes[n];
            bool known = !ways_can_say(s, node, &drives[d]);

            for (size_t c = first; c < cell_total && !known; c++) {
                const struct node *other = &s->nodes[cells[c].node];

                known = cells[c].drive == d && other->state == node->state && other->before == node->before &&
                        (other->bits & asked) == (node->bits & asked);
            }
            if (known)
                continue;
            assert_true(cell_total < CELLS_MAX);
            cells[cell_total++] = (struct cell){.search = s, .node = (uint16_t)n, .drive = (uint16_t)d};
        }
    }
}

static void
lay_out_all(void)
{
    searches = calloc(world_count, sizeof *searches);
    assert_non_null(searches);
    for (size_t w = 0; w < world_count; w++) {
        ways_search(&searches[w], &worlds[w]);
        lay_out(&searches[w]);
    }
}

static struct tally {
    unsigned allowed, marked, refused, nothing;
} tally[MACHINE_COUNT];

static void
count(enum machine_kind kind, const struct arrow *row)
{
    struct tally *t = &tally[kind];

    (*(row == NULL              ? &t->nothing
       : row->to == TO_REFUSED  ? &t->refused
       : row->rule != RULE_NONE ? &t->marked
                                : &t->allowed))++;
}

static void
what_the_tables_say_comes_of_each_event_in_each_state(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (size_t c = 0; c < cell_total; c++) {
        const struct search *s = cells[c].search;
        const struct node *at = &s->nodes[cells[c].node];
        const struct drive *drive = &drives[cells[c].drive];
        const struct arrow *row = row_of_cell(&cells[c]);
        bool was_heard = run(&cells[c], NULL, NULL);

        if (wrong[0] != '\0' && failed++ < 40)
            print_error("%s: %s in %s (%x): %s\n", s->world->name, input_name(drive->input), name_of(s, at->state),
                        ways_hold(s, at, drive), wrong);
        count(s->world->machine, row);
        if (row != NULL && was_heard)
            heard[s->world->machine][row_of(s->world->machine, row)][at->state] = true;
    }
    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++)
        print_message(
            "%-8s %2zu states, %2zu rows: %4u taken as allowed, %3u taken and marked, %3u refused, %4u events "
            "that it does not look at\n",
            machine_at((enum machine_kind)kind)->name, machine_at((enum machine_kind)kind)->state_count,
            machine_at((enum machine_kind)kind)->arrow_count, tally[kind].allowed, tally[kind].marked,
            tally[kind].refused, tally[kind].nothing);
    assert_int_equal(failed, 0);
}

/* Some set of guards makes it the first that fits in that state. */
static bool
can_be_first(enum machine_kind kind, const struct arrow *row, uint8_t state)
{
    uint32_t asked = ways_guards(kind, (enum input)row->input), guards = asked;

    for (;; guards = (guards - 1) & asked) {
        if (ways_first_fit(kind, state, (enum input)row->input, guards) == row)
            return true;
        if (guards == 0)
            return false;
    }
}

static void
every_row_is_driven_in_every_state_it_stands_for(void **state)
{
    unsigned driven = 0, failed = 0;

    (void)state;
    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++) {
        const struct machine *machine = machine_at((enum machine_kind)kind);

        for (size_t i = 0; i < machine->arrow_count; i++)
            for (uint8_t from = 0; from < machine->state_count; from++) {
                const struct arrow *row = &machine->arrows[i];

                if (!can_be_first((enum machine_kind)kind, row, from))
                    continue;
                driven += heard[kind][i][from];
                if (!heard[kind][i][from]) {
                    print_error("%s: row %zu, %s in %s, guard '%s' is not driven\n", machine->name, i,
                                input_name((enum input)row->input), machine->states[from].name,
                                guard_text((enum guard)row->guard, false));
                    failed++;
                }
            }
    }
    print_message("%u rows in their states are driven\n", driven);
    assert_int_equal(failed, 0);
}

/* ---- what is planted */

/* The machine has a row for the input, and no drive says that: the first such input; IN_NONE. */
static enum input
without_drive(const struct machine *machine)
{
    for (size_t i = 0; i < machine->arrow_count; i++) {
        bool said = false;

        for (size_t d = 0; d < drive_count; d++)
            said = said || drives[d].input == machine->arrows[i].input;
        if (!said)
            return (enum input)machine->arrows[i].input;
    }
    return IN_NONE;
}

static void
a_new_row_needs_a_drive(void **state)
{
    static const struct arrow row = {.from = 1, .input = INPUT_COUNT, .to = TO_SAME};
    const struct machine machine = {.name = "planted", .arrows = &row, .arrow_count = 1};

    (void)state;
    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++)
        assert_int_equal(without_drive(machine_at((enum machine_kind)kind)), IN_NONE);
    assert_int_equal(without_drive(&machine), INPUT_COUNT);
}

/* In the cell the machine is asked before the event is taken, and may refuse it or mark it. */
static bool
is_asked(const struct cell *cell)
{
    return !cell->search->world->taken_back && !drives[cell->drive].unasked;
}

/* How a row is changed: it leads to another state than the cell expects; it forbids what it allowed, or the other way
 * round; another rule speaks, or none. False: the change makes no difference in the cell. */
enum change { ELSEWHERE, TURNED_ROUND, OTHER_RULE, CHANGE_COUNT };

static bool
change(const struct cell *cell, const struct arrow *row, enum change how, struct arrow *ret)
{
    struct node next;

    *ret = *row;
    if (how != ELSEWHERE && !is_asked(cell))
        return false;
    switch (how) {
    case ELSEWHERE:
        (void)ways_follow(cell->search, &cell->search->nodes[cell->node], &drives[cell->drive], &next);
        ret->to = next.state == 1 ? 2 : 1;
        ret->rule = row->to == TO_REFUSED ? (uint8_t)RULE_NONE : row->rule;
        return !drives[cell->drive].leaves_nothing;
    case TURNED_ROUND:
        ret->to = row->to == TO_REFUSED ? TO_SAME : TO_REFUSED;
        ret->rule = row->to == TO_REFUSED ? RULE_NONE : RULE_T1;
        return true;
    case OTHER_RULE:
        ret->rule = row->rule == RULE_NONE ? RULE_T6W : row->to == TO_REFUSED ? RULE_I35 : RULE_NONE;
        return true;
    case CHANGE_COUNT: break;
    }
    return false;
}

/* A cell that the row decides goes wrong when the row is changed; *ret_possible: there is one where it would matter. */
static bool
is_missed(enum machine_kind kind, const struct arrow *row, enum change how, bool *ret_possible)
{
    struct arrow by;

    *ret_possible = false;
    for (size_t c = 0; c < cell_total; c++) {
        if (cells[c].search->world->machine != kind || row_of_cell(&cells[c]) != row ||
            !change(&cells[c], row, how, &by))
            continue;
        *ret_possible = true;
        (void)run(&cells[c], row, &by);
        if (wrong[0] != '\0')
            return true;
    }
    return false;
}

static void
each_row_is_missed_when_it_is_changed_behind_our_back(void **state)
{
    unsigned rows = 0, changes = 0, without = 0;

    (void)state;
    for (unsigned kind = 0; kind < MACHINE_COUNT; kind++) {
        const struct machine *machine = machine_at((enum machine_kind)kind);

        for (size_t i = 0; i < machine->arrow_count; i++, rows++)
            for (unsigned how = 0; how < CHANGE_COUNT; how++) {
                const struct arrow *row = &machine->arrows[i];
                bool possible, missed = is_missed((enum machine_kind)kind, row, (enum change)how, &possible);

                if (possible && !missed)
                    fail_msg("%s: row %zu, %s: change %u was not seen", machine->name, i,
                             input_name((enum input)row->input), how);
                changes += missed;
                without += !possible;
            }
    }
    print_message("%u rows changed in %u ways, each seen; %u changes would make no difference\n", rows, changes,
                  without);
    assert_true(rows > 0 && without < rows / 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_tables_say_comes_of_each_event_in_each_state),
        cmocka_unit_test(every_row_is_driven_in_every_state_it_stands_for),
        cmocka_unit_test(a_new_row_needs_a_drive),
        cmocka_unit_test(each_row_is_missed_when_it_is_changed_behind_our_back),
    };
    int rc;

    lay_out_all();
    print_message("%zu cells\n", cell_total);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    drop_kit();
    free(searches);
    return rc;
}
