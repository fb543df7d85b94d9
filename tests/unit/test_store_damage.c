/* Damage to rows, the tree and whole files of a closed store: it is noticed, named, and never served. */
#include "tests/unit/test_damage_kit.h"

#include "store/check.h"
#include "store/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#define TILE  8192u
#define STATE 104u /* bytes of the state row before the frontier */

/* ---- rows */

#define HEAD 12u /* of a row, behind its leaf: entry, generation and their sum */

/* Class and time among them, which no digest covers: of a sealed row the seal does, of one in clear the tree. */
static void
each_byte_of_a_row_counts(struct kit *kit, bool sealed)
{
    uint8_t row[KIT_VALUE_MAX], key[8];
    struct store_row got;
    size_t len;

    damage_fill(kit, sealed);
    len = kit_row_get(kit->dir, "ev", key, damage_key(key, OLD), row);
    for (size_t at = 0; at < len; at += at < 40 || (at >= LEAF && at < LEAF + HEAD + 1) ? 1 : 3) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
        row[at] ^= 1;
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(damage_read(kit, OLD, &got), -EBADMSG);
        assert_non_null(strstr(store_damage(kit->st), "record 3"));
        assert_int_equal(damage_read(kit, OLD + 1, &got), 0);
        store_close(&kit->st);
    }
}

static void
a_flipped_byte_of_a_sealed_row_is_noticed(void **state)
{
    each_byte_of_a_row_counts(*state, true);
}

static void
a_flipped_byte_of_a_clear_row_is_noticed(void **state)
{
    each_byte_of_a_row_counts(*state, false);
}

static void
each_cut_of_a_row_is_noticed(struct kit *kit, bool sealed)
{
    uint8_t row[KIT_VALUE_MAX], key[8];
    struct store_row got;
    size_t len;

    damage_fill(kit, sealed);
    len = kit_row_get(kit->dir, "ev", key, damage_key(key, OLD), row);
    for (size_t keep = 1; keep<len; keep += keep> LEAF && keep < LEAF + HEAD + 1 ? 1 : 7) {
        if (keep == LEAF)
            continue; /* that is an erased record */
        kit_row_set(kit->dir, "ev", key, sizeof key, row, keep);
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(damage_read(kit, OLD, &got), -EBADMSG);
        store_close(&kit->st);
    }
}

static void
a_sealed_row_cut_short_is_noticed(void **state)
{
    each_cut_of_a_row_is_noticed(*state, true);
}

static void
a_clear_row_cut_short_is_noticed(void **state)
{
    each_cut_of_a_row_is_noticed(*state, false); /* down to nothing behind its entry */
}

/* What is left of an erased record, and what is read of a leaf alone, is what the tree holds. */
static void
a_flipped_byte_of_a_leaf_that_nothing_seals_is_noticed(void **state)
{
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX], key[8];
    struct store_slice *slice = NULL;
    struct store_row got;
    struct leaf leaf;
    uint32_t entry;
    uint64_t seq;

    damage_fill(kit, true);
    kit_row_get(kit->dir, "ev", key, damage_key(key, OLD), row);
    for (size_t at = 0; at <= LEAF; at += at == 32 ? 11 : 1) {
        bool whole = at == LEAF; /* as it is */

        if (!whole)
            row[at] ^= 1;
        kit_row_set(kit->dir, "ev", key, sizeof key, row, LEAF);
        if (!whole)
            row[at] ^= 1;
        if (at == 32)
            continue; /* its length follows from that one */
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(damage_read(kit, OLD, &got), whole ? 0 : -EBADMSG);
        assert_int_equal(store_slice_begin(kit->st, &slice), 0);
        assert_int_equal(store_read_leaf(slice, OLD, &leaf, &entry), whole ? 0 : -EBADMSG);
        store_slice_end(&slice);
        store_close(&kit->st);
    }
    row[31] ^= 1; /* a search by time looks at times only */
    kit_row_set(kit->dir, "ev", key, sizeof key, row, LEAF);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_find_time(slice, 1000 + OLD, &seq), -EBADMSG);
    store_slice_end(&slice);
    assert_non_null(strstr(store_damage(kit->st), "record 3: the tree holds another one"));
}

/* ---- rows that are no records */

static int
each_cursor(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    (void)unit;
    (void)name;
    *(uint64_t *)arg += cursor->seq;
    return 0;
}

static int
each_value(void *arg, const char *name, const uint8_t *value, size_t len)
{
    (void)name;
    (void)value;
    *(uint64_t *)arg += len;
    return 0;
}

/* A cursor that stood further on would have its events left out; nobody else knows where it stood. */
static void
a_flipped_byte_of_a_cursor_is_noticed(void **state)
{
    struct store_cursor cursor = {.seq = 7, .acked_ms = 1700, .filter = (const uint8_t *)"filter", .filter_len = 6},
                        got;
    char key[] = "unit\0main";
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX];
    uint64_t sum = 0;
    size_t len;

    assert_int_equal(store_cursor_put(kit->st, "unit", "main", &cursor), 0);
    damage_fill(kit, true);
    len = kit_row_get(kit->dir, "cur", key, sizeof key - 1, row);
    for (size_t at = 0; at < len; at++) {
        row[at] ^= 4;
        kit_row_set(kit->dir, "cur", key, sizeof key - 1, row, len);
        row[at] ^= 4;
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(store_cursor_get(kit->st, "unit", "main", &got), -EBADMSG);
        assert_int_equal(store_cursor_each(kit->st, NULL, each_cursor, &sum), -EBADMSG);
        assert_string_equal(store_damage(kit->st), "cursors: a row has no sense");
        store_close(&kit->st);
    }
    kit_row_set(kit->dir, "cur", key, sizeof key - 1, row, len - 1);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_cursor_get(kit->st, "unit", "main", &got), -EBADMSG);
    store_close(&kit->st);
    key[3] = 'u'; /* under another name it is another's */
    kit_row_set(kit->dir, "cur", key, sizeof key - 1, row, len);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_cursor_get(kit->st, "uniu", "main", &got), -EBADMSG);
}

static void
a_flipped_byte_of_a_named_value_is_noticed(void **state)
{
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX];
    uint64_t sum = 0;
    size_t len;

    assert_int_equal(store_value_put(kit->st, "name", "value", 5), 0);
    damage_fill(kit, true);
    len = kit_row_get(kit->dir, "val", "name", 4, row);
    for (size_t at = 0; at < len; at++) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "val", "name", 4, row, len);
        row[at] ^= 1;
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(store_value_each(kit->st, "", each_value, &sum), -EBADMSG);
        store_close(&kit->st);
    }
    kit_row_set(kit->dir, "val", "name", 4, row, len);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_value_each(kit->st, "", each_value, &sum), 0);
    assert_int_equal(sum, 5);
}

/* An erasure destroys the key that the row of a document names: it must be that document's. */
static void
a_flipped_byte_of_a_documents_row_is_noticed(void **state)
{
    struct store_doc doc = {.size = 4, .owner = "u"}, found;
    struct kit *kit = *state;
    uint8_t key[64], row[KIT_VALUE_MAX];
    struct digest none;
    uint32_t dossier = 0;
    size_t len, key_len, count = 0;

    digest_begin(&none);
    digest_end(&none, "scan", 4, doc.digest);
    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    assert_int_equal(store_doc_put(kit->st, &doc, "scan", 4), 0);
    assert_int_equal(store_key_take(kit->st, &dossier), 0);
    assert_int_equal(store_doc_bind(kit->st, &doc, dossier), 0);
    damage_fill(kit, false);
    key_len = kit_key_first(kit->dir, "doc", 'd', key);
    len = kit_row_get(kit->dir, "doc", key, key_len, row);
    assert_int_equal(len, 16);
    for (size_t at = 0; at < len; at++) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "doc", key, key_len, row, len);
        row[at] ^= 1;
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(store_doc_find(kit->st, dossier, "u", doc.digest, &found), -EBADMSG);
        assert_string_equal(store_damage(kit->st), "documents: a row has no sense");
        assert_int_equal(store_doc_erase(kit->st, dossier, &count), -EBADMSG);
        assert_false(store_key_is_erased(kit->st, 1));
        store_close(&kit->st);
    }
    kit_row_set(kit->dir, "doc", key, key_len, row, len);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_doc_find(kit->st, dossier, "u", doc.digest, &found), 0);
}

static void
open_checks_the_newest_records_whole(void **state)
{
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX], key[8];
    size_t len;

    damage_fill(kit, true);
    len = kit_row_get(kit->dir, "ev", key, damage_key(key, RECORDS), row);
    for (size_t at = 0; at < len; at += at < LEAF + 12 ? 1 : 5) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
        row[at] ^= 1;
        damage_refused(kit, "record 300");
    }
    kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
    assert_int_equal(kit_open(kit), 0);
}

static void
open_refuses_missing_records(void **state)
{
    static const uint64_t seqs[] = {1, OLD, RECORDS - 1, RECORDS};
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX], key[8];

    damage_fill(kit, true);
    for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++) {
        size_t len = kit_row_get(kit->dir, "ev", key, damage_key(key, seqs[i]), row);

        kit_row_set(kit->dir, "ev", key, sizeof key, NULL, 0);
        damage_refused(kit, "299 records");
        kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
    }
    assert_int_equal(kit_open(kit), 0);
}

static void
open_compares_the_id_table_with_the_records(void **state)
{
    struct kit *kit = *state;
    uint8_t id[16], value[8];

    damage_fill(kit, true);
    kit_id(5, id);
    kit_row_set(kit->dir, "id", id, sizeof id, NULL, 0);
    damage_refused(kit, "id table");
    damage_key(value, 5);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value);
    kit_id(RECORDS, id);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value); /* the newest id names another record */
    damage_refused(kit, "id table");
    damage_key(value, RECORDS + 1);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value);
    damage_refused(kit, "id table");
    damage_key(value, RECORDS);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value);
    assert_int_equal(kit_open(kit), 0);
}

/* Also of old records: an event that comes again would get a second number. */
static void
open_adds_up_the_id_table(void **state)
{
    static const uint8_t seq[8] = {0, 0, 0, 0, 0, 0, 0, OLD};
    struct kit *kit = *state;
    uint8_t id[16], other[16], value[8];

    damage_fill(kit, true);
    kit_id(OLD, id);
    memcpy(other, id, sizeof other);
    other[15] ^= 1;
    kit_row_set(kit->dir, "id", id, sizeof id, NULL, 0);
    kit_row_set(kit->dir, "id", other, sizeof other, seq, sizeof seq);
    damage_refused(kit, "id table: a row is not one that was entered");
    kit_row_set(kit->dir, "id", other, sizeof other, NULL, 0);
    damage_key(value, OLD + 1);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value);
    damage_refused(kit, "id table: a row is not one that was entered");
    kit_row_set(kit->dir, "id", id, sizeof id, seq, sizeof seq);
    assert_int_equal(kit_open(kit), 0);
}

/* A log that forgot how many keys it uses would give one out twice; one of another name is another log. */
static void
a_flipped_byte_of_meta_is_noticed(void **state)
{
    static const char *const names[] = {"state", "identity"};
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX];

    damage_fill(kit, true);
    for (size_t i = 0; i < 2; i++) {
        size_t len = kit_row_get(kit->dir, "meta", names[i], strlen(names[i]), row);

        for (size_t at = 0; at < len; at += 5) {
            row[at] ^= 1;
            kit_row_set(kit->dir, "meta", names[i], strlen(names[i]), row, len);
            row[at] ^= 1;
            damage_refused(kit, "");
        }
        kit_row_set(kit->dir, "meta", names[i], strlen(names[i]), row, len);
    }
    assert_int_equal(kit_open(kit), 0);
}

static void
open_refuses_a_log_without_its_state(void **state)
{
    struct kit *kit = *state;

    damage_fill(kit, false);
    kit_row_set(kit->dir, "meta", "state", 5, NULL, 0);
    damage_refused(kit, "state");
}

static void
open_refuses_a_log_of_another_version(void **state)
{
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX];
    size_t len;

    damage_fill(kit, false);
    len = kit_row_get(kit->dir, "meta", "identity", 8, row);
    for (uint8_t version = 0; version < 8; version++) {
        row[3] = version;
        kit_row_set(kit->dir, "meta", "identity", 8, row, len);
        if (version != 5)
            damage_refused(kit, "another version of the format");
        else
            kit_reopen(kit);
        store_close(&kit->st);
    }
}

static void
open_counts_the_rows_of_documents(void **state)
{
    struct store_doc doc = {.size = 10, .owner = "u"};
    uint8_t key[5] = {'u', 0, 0, 0, 1}, row[KIT_VALUE_MAX];
    struct kit *kit = *state;
    size_t len;

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    assert_int_equal(doc.entry, 1);
    damage_fill(kit, false);
    len = kit_row_get(kit->dir, "doc", key, sizeof key, row);
    kit_row_set(kit->dir, "doc", key, sizeof key, NULL, 0);
    damage_refused(kit, "documents: 0 rows where there should be 1");
    kit_row_set(kit->dir, "doc", key, sizeof key, row, len);
    assert_int_equal(kit_open(kit), 0);
}

static int
nothing(void *arg, const struct store_doc *doc)
{
    (void)arg;
    (void)doc;
    return 0;
}

/* Each bit of an upload's head is summed; and sealed, for who makes the sum anew. */
static void
a_changed_head_of_an_upload_does_not_open(void **state)
{
    struct store_doc doc = {.size = 10, .owner = "u"};
    uint8_t key[5] = {'u', 0, 0, 0, 1}, row[KIT_VALUE_MAX];
    struct kit *kit = *state;
    size_t len;

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    damage_fill(kit, false);
    len = kit_row_get(kit->dir, "doc", key, sizeof key, row);
    for (size_t at = 0; at < len; at += 11)
        for (unsigned anew = 0; anew < 2 && at + anew * CHECK_SIZE < len; anew++) {
            row[at] ^= 1;
            if (anew != 0)
                be64_put(row + len - CHECK_SIZE, check_of(key, sizeof key, row, len - CHECK_SIZE));
            kit_row_set(kit->dir, "doc", key, sizeof key, row, len);
            row[at] ^= 1;
            assert_int_equal(kit_open(kit), 0);
            assert_int_equal(store_doc_each(kit->st, nothing, NULL), -EBADMSG);
            assert_string_equal(store_damage(kit->st), anew != 0 ? "document 1: its head does not open"
                                                                 : "document 1: its head is not what was written");
            store_close(&kit->st);
        }
}

/* ---- the tree */

static const uint8_t tile_key[9] = {0}; /* the first tile: records 1 to 256 */

static void
open_compares_the_newest_records_with_the_tree(void **state)
{
    struct kit *kit = *state;
    uint8_t tile[KIT_VALUE_MAX];

    damage_fill(kit, true);
    assert_int_equal(kit_row_get(kit->dir, "tile", tile_key, sizeof tile_key, tile), TILE);
    for (size_t at = (RECORDS - 256) * 32; at < TILE; at += 97) {
        tile[at] ^= 1;
        kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
        damage_refused(kit, "tile 0/0");
        tile[at] ^= 1;
    }
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE - 1);
    damage_refused(kit, "tile 0/0");
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, NULL, 0);
    damage_refused(kit, "0 tiles where there should be 1");
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
    assert_int_equal(kit_open(kit), 0);
}

static void
open_compares_the_tree_with_what_was_committed(void **state)
{
    struct kit *kit = *state;
    uint8_t tile[KIT_VALUE_MAX], row[KIT_VALUE_MAX];
    size_t len;

    damage_fill(kit, true);
    assert_int_equal(kit_row_get(kit->dir, "tile", tile_key, sizeof tile_key, tile), TILE);
    for (size_t at = 0; at < (RECORDS - 256) * 32; at += 97) { /* records that opening does not look at */
        tile[at] ^= 1;
        kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
        damage_refused(kit, "tree");
        tile[at] ^= 1;
    }
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
    len = kit_row_get(kit->dir, "meta", "state", 5, row);
    assert_int_equal(len, STATE + 4 * 32); /* 300 is 256 + 32 + 8 + 4 */
    for (size_t at = STATE; at < len; at += 7) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "meta", "state", 5, row, len);
        damage_refused(kit, "tree");
        row[at] ^= 1;
    }
    kit_row_set(kit->dir, "meta", "state", 5, row, len - 32);
    damage_refused(kit, "tree");
    kit_row_set(kit->dir, "meta", "state", 5, row, len);
    assert_int_equal(kit_open(kit), 0);
}

static void
a_record_that_the_tree_does_not_hold_is_not_proven(void **state)
{
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX], key[8], root[LEAF_HASH_SIZE];
    struct merkle_proof proof;
    size_t len;

    damage_fill(kit, true);
    len = kit_row_get(kit->dir, "ev", key, damage_key(key, OLD), row);
    row[31] ^= 1; /* its time */
    kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_prove_inclusion(kit->st, OLD + 1, RECORDS, &proof), 0);
    assert_int_equal(store_prove_inclusion(kit->st, OLD, RECORDS, &proof), -EBADMSG);
    assert_non_null(strstr(store_damage(kit->st), "record 3: the tree holds another one"));
    assert_int_equal(store_tree_root(kit->st, RECORDS, root), 0);
}

/* ---- files */

static void
open_refuses_a_file_that_lost_its_end(void **state)
{
    static const off_t kept[] = {3 << 20, 1 << 20, 8192, 4096, 100, 0};
    struct kit *kit = *state;
    uint8_t *body = calloc(1, 100000);
    struct kit_record r;
    char path[PATH_MAX];
    uint64_t seq;

    assert_non_null(body);
    for (uint64_t i = 1; i <= 50; i++) {
        kit_record(&r, i, STORE_CLEAR_ENTRY);
        r.parts[2].body = body;
        r.parts[2].len = 100000;
        assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
    store_close(&kit->st);
    snprintf(path, sizeof path, "%s/log/data.mdb", kit->dir);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        assert_int_equal(truncate(path, kept[i]), 0);
        damage_refused(kit, "log:");
    }
    free(body);
}

static void
open_refuses_a_file_that_is_not_lmdbs(void **state)
{
    struct kit *kit = *state;
    uint8_t garbage[8192];

    memset(garbage, 0x5a, sizeof garbage);
    damage_fill(kit, false);
    damage_put(kit->dir, "log/data.mdb", 0, garbage, sizeof garbage);
    damage_refused(kit, "log:");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_flipped_byte_of_a_sealed_row_is_noticed),
        KIT_TEST(a_flipped_byte_of_a_clear_row_is_noticed),
        KIT_TEST(a_sealed_row_cut_short_is_noticed),
        KIT_TEST(a_clear_row_cut_short_is_noticed),
        KIT_TEST(a_flipped_byte_of_a_leaf_that_nothing_seals_is_noticed),
        KIT_TEST(a_flipped_byte_of_a_cursor_is_noticed),
        KIT_TEST(a_flipped_byte_of_a_named_value_is_noticed),
        KIT_TEST(a_flipped_byte_of_a_documents_row_is_noticed),
        KIT_TEST(open_checks_the_newest_records_whole),
        KIT_TEST(open_refuses_missing_records),
        KIT_TEST(open_compares_the_id_table_with_the_records),
        KIT_TEST(open_adds_up_the_id_table),
        KIT_TEST(a_flipped_byte_of_meta_is_noticed),
        KIT_TEST(open_refuses_a_log_without_its_state),
        KIT_TEST(open_refuses_a_log_of_another_version),
        KIT_TEST(open_counts_the_rows_of_documents),
        KIT_TEST(a_changed_head_of_an_upload_does_not_open),
        KIT_TEST(open_compares_the_newest_records_with_the_tree),
        KIT_TEST(open_compares_the_tree_with_what_was_committed),
        KIT_TEST(a_record_that_the_tree_does_not_hold_is_not_proven),
        KIT_TEST(open_refuses_a_file_that_lost_its_end),
        KIT_TEST(open_refuses_a_file_that_is_not_lmdbs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
