/* Rows that a thread reads ahead: all of them, in order, each as store_read gives it, until one is damaged. */
#include "broker/ahead.h"
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS 1000u /* more than any two batches hold */
#define ERASED  500u
#define DAMAGED 700u

static uint32_t
log_fill(struct kit *kit)
{
    uint32_t kept = kit_take(kit), gone = kit_take(kit);

    for (uint64_t number = 1; number <= RECORDS; number++)
        kit_add(kit, number, number == ERASED ? gone : kept);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_key_erase(kit->st, gone), 0);
    return kept;
}

static void
row_damage(struct kit *kit, uint64_t seq)
{
    uint8_t key[8] = {0}, row[KIT_VALUE_MAX];
    size_t len;

    key[6] = (uint8_t)(seq >> 8);
    key[7] = (uint8_t)seq;
    store_close(&kit->st);
    len = kit_row_get(kit->dir, "ev", key, sizeof key, row);
    row[len - 1] ^= 1;
    kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
    assert_int_equal(kit_open(kit), 0);
}

static void
rows_come_in_order_and_erased_ones_say_so(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = log_fill(kit);
    struct ahead *ahead = NULL;
    const struct store_row *row;

    assert_int_equal(ahead_open(&ahead, kit->st), 0);
    for (uint64_t seq = 1; seq <= RECORDS; seq++) {
        assert_int_equal(ahead_next(ahead, &row), 0);
        assert_int_equal(row->seq, seq);
        assert_int_equal(row->erased, seq == ERASED);
        if (seq != ERASED)
            assert_true(kit_row_is(row, seq, entry));
    }
    ahead_close(&ahead);
    assert_null(ahead);
}

static void
a_damaged_row_ends_it_behind_the_whole_ones(void **state)
{
    struct kit *kit = *state;
    struct ahead *ahead = NULL;
    const struct store_row *row;

    log_fill(kit);
    row_damage(kit, DAMAGED);
    assert_int_equal(ahead_open(&ahead, kit->st), 0);
    for (uint64_t seq = 1; seq < DAMAGED; seq++)
        assert_int_equal(ahead_next(ahead, &row), 0);
    assert_int_equal(ahead_next(ahead, &row), -EBADMSG);
    assert_int_equal(ahead_next(ahead, &row), -EBADMSG);
    ahead_close(&ahead);
    assert_non_null(strstr(store_damage(kit->st), "record 700"));
}

static void
it_may_be_closed_wherever_it_is(void **state)
{
    struct kit *kit = *state;
    const struct store_row *row;

    log_fill(kit);
    for (unsigned read = 0; read < RECORDS; read += 50) {
        struct ahead *ahead = NULL;

        assert_int_equal(ahead_open(&ahead, kit->st), 0);
        for (unsigned i = 0; i < read; i++)
            assert_int_equal(ahead_next(ahead, &row), 0);
        ahead_close(&ahead);
    }
}

static void
an_empty_log_has_nothing_to_read(void **state)
{
    struct kit *kit = *state;
    struct ahead *ahead = NULL;

    assert_int_equal(ahead_open(&ahead, kit->st), 0);
    ahead_close(&ahead);
    ahead_close(&ahead);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(rows_come_in_order_and_erased_ones_say_so),
        KIT_TEST(a_damaged_row_ends_it_behind_the_whole_ones),
        KIT_TEST(it_may_be_closed_wherever_it_is),
        KIT_TEST(an_empty_log_has_nothing_to_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
