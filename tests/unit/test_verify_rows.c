/* What verify.h says of what lies beside the records: event ids, cursors, values, tiles and the list of free pages.
 * Each test damages one place, or makes rows that agree with themselves and not with the records. test_verify_docs.c
 * has documents. */
#include "tests/unit/test_verify_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- event ids */

static void
each_byte_of_an_id_s_row_counts(void **state)
{
    struct log *l = *state;
    uint8_t id[16], row[KIT_VALUE_MAX];
    size_t len;

    kit_id(2, id);
    len = kit_row_get(l->kit->dir, "id", id, sizeof id, row);
    for (size_t at = 0; at < len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            row[at] ^= (uint8_t)(1u << bit);
            kit_row_set(l->kit->dir, "id", id, sizeof id, row, len);
            log_is_found_both(l, "id table: ");
            row[at] ^= (uint8_t)(1u << bit);
        }
    kit_row_set(l->kit->dir, "id", id, sizeof id, NULL, 0);
    log_is_found(l, true, "id table: row 00000000000000020000000000000077 is missing, the id of record 2");
    log_is_found(l, false, "id table: no row names record 2");
    id[15] ^= 1;
    kit_row_set(l->kit->dir, "id", id, sizeof id, row, len);
    log_is_found(l, true, "the id of record 2");
    log_is_found(l, false, "id table: a row is not one that was entered");
}

static void
ids_that_were_changed_round_are_found(void **state)
{
    struct log *l = *state;
    uint8_t ids[2][16], rows[2][KIT_VALUE_MAX];

    for (unsigned i = 0; i < 2; i++) {
        kit_id(1 + i, ids[i]);
        assert_int_equal(kit_row_get(l->kit->dir, "id", ids[i], sizeof ids[i], rows[i]), 8);
    }
    for (unsigned i = 0; i < 2; i++)
        kit_row_set(l->kit->dir, "id", ids[i], sizeof ids[i], rows[1 - i], 8);
    log_is_found(l, true, "names record 2, it is the id of record 1");
    log_is_found(l, false, "id table: a row is not one that was entered");
    kit_row_set(l->kit->dir, "id", ids[0], sizeof ids[0], rows[0], 8);
    log_is_found_both(l, "names record 1, and another row does");
}

static void
a_record_that_says_another_id_than_it_was_entered_under_is_found(void **state)
{
    struct log *l = *state;
    struct verify_report report;

    log_reopen(l);
    (void)log_event_add(l, 4711, NULL, 0);
    log_finish(l);
    log_is_found(l, true, "is missing, the id of record 6");
    log_holds(l, false, &report); /* what it says is sealed */
}

static void
a_record_that_no_row_names_is_found(void **state)
{
    struct log *l = *state;
    struct kit_record r;
    uint64_t seq;

    log_reopen(l);
    kit_record(&r, ++l->number, l->dossier);
    r.record.event_id = NULL;
    assert_int_equal(store_append(l->kit->st, &r.record, &seq, NULL), 0);
    log_finish(l);
    log_is_found_both(l, "id table: no row names record 6");
}

/* ---- cursors, values, tiles */

static void
each_byte_of_cursors_and_values_counts(void **state)
{
    static const struct {
        const char *db, *key, *place;
        size_t key_len;
    } rows[] = {{"cur", UNIT "\0middle", "cursors: row 1 has no sense", 9},
                {"val", "where", "values: row 1 has no sense", 5}};
    struct log *l = *state;
    uint8_t row[KIT_VALUE_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = kit_row_get(l->kit->dir, rows[i].db, rows[i].key, rows[i].key_len, row);

        assert_true(len > 8);
        for (size_t at = 0; at < len; at++) {
            row[at] ^= 1;
            kit_row_set(l->kit->dir, rows[i].db, rows[i].key, rows[i].key_len, row, len);
            log_is_found_both(l, rows[i].place);
            row[at] ^= 1;
        }
        kit_row_set(l->kit->dir, rows[i].db, rows[i].key, rows[i].key_len, row, len);
    }
}

static void
a_cursor_behind_the_last_record_is_found(void **state)
{
    struct log *l = *state;
    struct store_cursor cursor = {.seq = 5};
    struct verify_report report;

    log_reopen(l);
    assert_int_equal(store_cursor_put(l->kit->st, UNIT, "last", &cursor), 0);
    log_finish(l);
    log_holds(l, true, &report);
    log_reopen(l);
    cursor.seq = 6;
    assert_int_equal(store_cursor_put(l->kit->st, UNIT, "last", &cursor), 0);
    log_finish(l);
    log_is_found_both(l, "cursors: row 1 stands behind record 5, the last");
}

static void
a_tile_that_the_tree_does_not_have_is_found(void **state)
{
    static const uint8_t key[9] = {0, 0, 0, 0, 0, 0, 0, 0, 7}, tile[8192];
    struct log *l = *state;

    kit_row_set(l->kit->dir, "tile", key, sizeof key, tile, sizeof tile);
    log_is_found_both(l, "the tree: 1 tiles where there should be 0");
}

/* Where in the file the newest piece of LMDB's list of free pages lies, and how many numbers it holds. */
static off_t
free_list_find(const struct log *l, size_t *ret_count)
{
    char dir[PATH_MAX];
    MDB_cursor *cursor;
    MDB_val key, val;
    MDB_env *env;
    MDB_txn *txn;
    MDB_stat stat;
    size_t page;
    off_t at;

    (void)snprintf(dir, sizeof dir, "%s/log", l->kit->dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_mapsize(env, l->kit->options.map_size_max), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK, 0600), 0);
    assert_int_equal(mdb_env_stat(env, &stat), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_cursor_open(txn, 0, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &val, MDB_LAST), 0);
    memcpy(ret_count, val.mv_data, sizeof *ret_count);
    at = (off_t)((uintptr_t)val.mv_data % stat.ms_psize);
    memcpy(&page, (const uint8_t *)val.mv_data - at, sizeof page);
    at += (off_t)(page * stat.ms_psize);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return at;
}

static void
bit_flip(const struct log *l, off_t at, unsigned bit)
{
    char path[PATH_MAX];
    uint8_t byte;
    int fd;

    (void)snprintf(path, sizeof path, "%s/log/data.mdb", l->kit->dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1u << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void
damage_to_the_list_of_free_pages_is_found(void **state)
{
    struct log *l = *state;
    size_t count = 0;
    off_t at = free_list_find(l, &count);
    struct verify_report report;

    assert_true(count > 0);
    for (size_t byte = 0; byte < (1 + count) * sizeof(size_t); byte++)
        for (unsigned bit = 0; bit < 8; bit++) {
            int rc;

            bit_flip(l, at + (off_t)byte, bit);
            rc = log_look(l, false, &report);
            if (rc != -EBADMSG)
                fail_msg("byte %zu of %zu numbers, bit %u: %d", byte, count, bit, rc);
            bit_flip(l, at + (off_t)byte, bit);
        }
    log_holds(l, false, &report);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(each_byte_of_an_id_s_row_counts),
        LOG_TEST(ids_that_were_changed_round_are_found),
        LOG_TEST(a_record_that_says_another_id_than_it_was_entered_under_is_found),
        LOG_TEST(a_record_that_no_row_names_is_found),
        LOG_TEST(each_byte_of_cursors_and_values_counts),
        LOG_TEST(a_cursor_behind_the_last_record_is_found),
        LOG_TEST(a_tile_that_the_tree_does_not_have_is_found),
        LOG_TEST(damage_to_the_list_of_free_pages_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
