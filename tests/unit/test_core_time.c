/*
 * "Unknown" and "not yours" take the same work, not only the same answer (PROTOCOL.md 4, need to know). Work is
 * counted, never timed: relations looked at, and steps of searching a unit's dossiers.
 */
#include "test_core_kit.h"

#include "broker/core/state.h"

static struct work {
    size_t relations, searches, steps;
} work;

bool __real_relation_is_of(const struct directory *directory, const struct dossier *dossier,
                           const struct relation *relation, uint32_t unit);
bool __wrap_relation_is_of(const struct directory *directory, const struct dossier *dossier,
                           const struct relation *relation, uint32_t unit);
bool __real_numbers_has(const struct numbers *numbers, uint32_t number);
bool __wrap_numbers_has(const struct numbers *numbers, uint32_t number);

bool
__wrap_relation_is_of(const struct directory *directory, const struct dossier *dossier, const struct relation *relation,
                      uint32_t unit)
{
    work.relations++;
    return __real_relation_is_of(directory, dossier, relation, unit);
}

/* Its header promises as many steps for a number that is there as for one that is not. */
bool
__wrap_numbers_has(const struct numbers *numbers, uint32_t number)
{
    work.searches++;
    work.steps += numbers->count;
    return __real_numbers_has(numbers, number);
}

static bool
work_is_same(const struct work *a, const struct work *b)
{
    return a->relations == b->relations && a->searches == b->searches && a->steps == b->steps;
}

/* Dossier A of few relations, B of many, both of others than the school; Z there is none. */
static int
setup(void **state)
{
    struct relation_spec spec = {.kind = RELATION_PARTICIPANT, .from_seq = 1};
    struct kit *k;

    if (kit_setup(state) != 0)
        return -1;
    k = *state;
    k->changed = true; /* B is given its many relations by hand */
    (void)kit_open_case(k, "sw", 'A');
    (void)kit_open_case(k, "sw", 'B');
    spec.who = core_unit_by_id(k->core, "fcc");
    for (spec.until_ms = 1; spec.until_ms < 1000; spec.until_ms++)
        assert_int_equal(dossiers_open(&k->core->dossiers, &k->core->directory, 1, &spec), 0);
    (void)kit_open_case(k, "ops:SW", 'C'); /* what the one who asks has of its own */
    return 0;
}

static struct work
refused_in(struct kit *k, const struct kit_line *line)
{
    work = (struct work){.relations = 0};
    kit_refused(k, line, E_DOSSIER, "header.dossierId");
    return work;
}

static void
writing_into_a_dossier_of_others_takes_the_work_of_one_that_is_not_there(void **state)
{
    struct kit *k = *state;
    struct kit_line line = {.unit = "ops:SW", .type = "case.closed", .dossier = 'Z', .sections = "0"};
    struct work absent = refused_in(k, &line), few, many;

    line.dossier = 'A';
    few = refused_in(k, &line);
    line.dossier = 'B';
    many = refused_in(k, &line);
    assert_true(work_is_same(&few, &absent));
    assert_true(work_is_same(&many, &absent));
}

static void
asking_for_a_dossier_of_others_takes_the_work_of_one_that_is_not_there(void **state)
{
    struct kit *k = *state;
    static const char units[][4] = {"ops", "sch", "fa"}; /* one with an office's role, two without */
    struct core_group_member found[4];

    for (size_t u = 0; u < 3; u++) {
        uint32_t unit = core_unit_by_id(k->core, units[u]);
        struct work one[3], group[3];

        for (size_t i = 0; i < 3; i++) {
            uint8_t id[16];

            assert_int_equal(uuid_parse(kit_id("ZAB"[i]), id), 0);
            work = (struct work){.relations = 0};
            assert_int_equal(core_dossier_for(k->core, unit, id), 0);
            one[i] = work;
            work = (struct work){.relations = 0};
            assert_int_equal(core_group(k->core, unit, id, found, 4), 0);
            group[i] = work;
            assert_true(work_is_same(&one[0], &one[i]));
            assert_true(work_is_same(&group[0], &group[i]));
        }
    }
}

static void
who_had_a_relation_knows_the_dossier_also_through_its_office(void **state)
{
    struct kit *k = *state;
    uint8_t id[16];

    assert_int_equal(uuid_parse(kit_id('A'), id), 0);
    assert_int_not_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "sw"), id), 0);
    assert_int_not_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "dir"), id), 0);
    assert_int_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "ous"), id), 0);
    assert_int_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "fa"), id), 0);
}

static void
a_list_of_numbers_is_ascending_and_has_each_once(void **state)
{
    static const uint32_t added[] = {5, 9, 7, 5, 1, 9, 1000, 2, 0, 6};
    struct numbers numbers = {.at = NULL};

    (void)state;
    assert_false(numbers_has(&numbers, 5));
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++) {
        assert_int_equal(numbers_put(&numbers, added[i]), 0);
        for (size_t k = 0; k <= i; k++)
            assert_true(numbers_has(&numbers, added[k]));
    }
    assert_int_equal(numbers.count, 8);
    for (uint32_t i = 1; i < numbers.count; i++)
        assert_true(numbers.at[i - 1] < numbers.at[i]);
    assert_false(numbers_has(&numbers, 3));
    assert_false(numbers_has(&numbers, UINT32_MAX));
    numbers_clear(&numbers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writing_into_a_dossier_of_others_takes_the_work_of_one_that_is_not_there, setup,
                                        kit_teardown),
        cmocka_unit_test_setup_teardown(asking_for_a_dossier_of_others_takes_the_work_of_one_that_is_not_there, setup,
                                        kit_teardown),
        cmocka_unit_test_setup_teardown(who_had_a_relation_knows_the_dossier_also_through_its_office, setup,
                                        kit_teardown),
        cmocka_unit_test(a_list_of_numbers_is_ascending_and_has_each_once),
    };

    return cmocka_run_group_tests_name("core: the same work", tests, NULL, NULL);
}
