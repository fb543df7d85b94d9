/* What store/store.h says of a disk that fails, and of a log that is full. */
#include "store/fault.h"
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <sodium.h>

/* ---- failing */

static int
fail_commit(void)
{
    return -ENOSPC;
}

static void
a_failed_commit_latches_and_nothing_of_it_counts(void **state)
{
    struct kit *kit = *state;
    struct store_cursor cursor = {.seq = 1};
    uint32_t entry = kit_take(kit), other;
    uint64_t seq;
    uint8_t id[16];

    kit_add(kit, 1, entry);
    assert_int_equal(store_commit(kit->st), 0);
    kit_add(kit, 2, entry);
    store_commit_fault = fail_commit;
    assert_int_equal(store_commit(kit->st), -EIO);
    store_commit_fault = NULL;

    assert_int_equal(store_head(kit->st), 1);
    assert_false(store_has_batch(kit->st));
    assert_string_not_equal(store_damage(kit->st), "");
    assert_int_equal(kit_append(kit, 3, entry, &seq), -EIO);
    assert_int_equal(store_commit(kit->st), -EIO);
    assert_int_equal(store_room(kit->st, 1, 1), -EIO);
    assert_int_equal(store_key_take(kit->st, &other), -EIO);
    assert_int_equal(store_cursor_put(kit->st, "u", "c", &cursor), -EIO);
    assert_int_equal(store_value_put(kit->st, "v", "", 0), -EIO);
    assert_int_equal(store_find_flush(kit->st, true), -EIO);
    kit_id(2, id);
    assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    kit_assert_row(kit, 1, 1, entry); /* reading goes on */

    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 1);
    assert_int_equal(kit_add(kit, 3, entry), 2);
    assert_int_equal(store_commit(kit->st), 0);
}

static void
a_disk_that_takes_no_more_latches(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    struct rlimit old, tight;
    uint64_t seq = 0;
    int rc = 0;

    kit_add(kit, 1, entry);
    assert_int_equal(store_commit(kit->st), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){.rlim_cur = 256 << 10, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    for (uint64_t n = 2; rc == 0; n++) {
        rc = kit_append(kit, n, entry, &seq);
        if (rc == 0)
            rc = store_commit(kit->st);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, -EIO);
    seq = store_head(kit->st);
    assert_true(seq > 1);
    assert_int_equal(store_commit(kit->st), -EIO);
    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), seq);
    kit_assert_row(kit, seq, seq, entry);
}

/* ---- room */

static void
a_full_log_says_so_and_stays_readable(void **state)
{
    struct kit *kit = *state;
    struct store_cursor cursor = {.seq = 7};
    uint64_t number = 0, seq;
    uint8_t body[4000] = {0};
    struct kit_record r;
    int rc;

    kit->options.map_size_max = STORE_MAP_MIN;
    kit_reopen(kit);
    assert_int_equal(store_bytes_max(kit->st), STORE_MAP_MIN);
    while ((rc = store_room(kit->st, 50, 50 * sizeof body)) == 0) {
        for (unsigned i = 0; i < 50; i++) {
            kit_record(&r, ++number, STORE_CLEAR_ENTRY);
            randombytes_buf(r.id, sizeof r.id); /* at worst, ids come in no order */
            r.parts[2].body = body;
            r.parts[2].len = sizeof body;
            assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
        }
        assert_int_equal(store_commit(kit->st), 0);
    }
    assert_int_equal(rc, -ENOSPC);
    assert_true(store_bytes(kit->st) > STORE_MAP_MIN / 2); /* it was not refused out of hand */
    assert_true(store_bytes(kit->st) <= STORE_MAP_MIN / 100 * STORE_MAP_USABLE_PCT);
    kit_add(kit, ++number, STORE_CLEAR_ENTRY); /* for the broker's own there is room still, in an open batch too */
    assert_int_equal(store_room_own(kit->st, 1, sizeof body), 0);
    assert_int_equal(store_room(kit->st, 50, 50 * sizeof body), -ENOSPC);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_cursor_put(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), number);
    assert_int_equal(store_room(kit->st, 50, 50 * sizeof body), -ENOSPC);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), 0);
}

static void
an_append_beyond_the_map_drops_the_batch_and_latches(void **state)
{
    struct kit *kit = *state;
    uint8_t *body = calloc(1, STORE_RECORD_MAX / 2);
    struct kit_record r;
    uint64_t seq, number = 0;
    int rc = 0;

    assert_non_null(body);
    kit->options.map_size_max = STORE_MAP_MIN;
    kit_reopen(kit);
    kit_add(kit, ++number, STORE_CLEAR_ENTRY);
    assert_int_equal(store_commit(kit->st), 0);
    while (rc == 0) {
        kit_record(&r, ++number, STORE_CLEAR_ENTRY);
        r.parts[2].body = body;
        r.parts[2].len = STORE_RECORD_MAX / 2;
        rc = store_append(kit->st, &r.record, &seq, NULL);
    }
    assert_int_equal(rc, -ENOSPC);
    assert_false(store_has_batch(kit->st));
    assert_int_equal(store_next(kit->st), 2);
    assert_int_equal(kit_append(kit, ++number, STORE_CLEAR_ENTRY, &seq), -EIO);
    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 1);
    free(body);
}

static void
the_map_grows_up_to_its_bound(void **state)
{
    struct kit *kit = *state;
    uint8_t *body = calloc(1, 100000);
    struct store_slice *slice = NULL;
    struct store_row row;
    struct kit_record r;
    uint64_t seq = 0;

    assert_non_null(body);
    kit->options.map_size_max = 5 * STORE_MAP_MIN; /* no power of two: the last step is a shorter one */
    kit_reopen(kit);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0); /* a kept slice must live through it */
    store_slice_end(&slice);
    for (uint64_t number = 1; number <= 400; number++) {
        kit_record(&r, number, STORE_CLEAR_ENTRY);
        r.parts[2].body = body;
        r.parts[2].len = 100000;
        assert_int_equal(store_room(kit->st, 1, 100000), 0);
        assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
        assert_int_equal(store_commit(kit->st), 0);
    }
    assert_true(store_bytes(kit->st) > 2 * STORE_MAP_MIN);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (seq = 1; seq <= 400; seq++)
        assert_int_equal(store_read(slice, seq, &row), 0);
    store_slice_end(&slice);
    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 400);
    free(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_failed_commit_latches_and_nothing_of_it_counts),
        KIT_TEST(a_disk_that_takes_no_more_latches),
        KIT_TEST(a_full_log_says_so_and_stays_readable),
        KIT_TEST(an_append_beyond_the_map_drops_the_batch_and_latches),
        KIT_TEST(the_map_grows_up_to_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
