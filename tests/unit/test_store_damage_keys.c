/* Damage to the key store, the list of destroyed keys and the finding index; and content that was erased. */
#include "tests/unit/test_damage_kit.h"

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

#define ENTRY 80u /* bytes of one key entry */

/* ---- the key store */

static void
open_refuses_a_key_store_that_is_short_or_gone(void **state)
{
    struct kit *kit = *state;
    char path[PATH_MAX];

    damage_fill(kit, true);
    snprintf(path, sizeof path, "%s/keys", kit->key_dir);
    assert_int_equal(truncate(path, 2 * ENTRY - 1), 0);
    damage_refused(kit, "key store");
    assert_int_equal(truncate(path, ENTRY - 1), 0);
    damage_refused(kit, "key store");
    assert_int_equal(unlink(path), 0);
    damage_refused(kit, "key store");
}

static void
open_refuses_the_key_store_of_another_log(void **state)
{
    struct kit *kit = *state;
    struct kit other;

    store_close(&kit->st); /* empty: no record could tell */
    kit_make(&other, kit->root);
    snprintf(other.dir, sizeof other.dir, "%s/data2", kit->root);
    snprintf(other.key_dir, sizeof other.key_dir, "%s/keys2", kit->root);
    assert_int_equal(kit_create(&other), 0);
    kit->options.key_dir = other.key_dir;
    damage_refused(kit, "another log");
}

static void
a_flipped_byte_of_the_key_store_is_noticed(void **state)
{
    struct kit *kit = *state;

    damage_fill(kit, true);
    for (off_t at = 0; at < 2 * ENTRY; at++) {
        bool unused = (at >= 12 && at < 16) || (at >= 72 && at < 80) || (at >= 80 + 5 && at < 80 + 8);
        int rc;

        damage_flip(kit->key_dir, "keys", at);
        rc = kit_open(kit);
        assert_int_equal(rc == 0, unused);
        assert_true(rc == 0 || rc == -EBADMSG || rc == -EPERM);
        assert_int_equal(*store_open_damage() == '\0', unused);
        store_close(&kit->st);
        damage_flip(kit->key_dir, "keys", at);
    }
    assert_int_equal(kit_open(kit), 0);
}

/* It is no key that was destroyed, but a byte: what the key sealed is there, and must not seem erased. */
static void
an_entry_that_says_it_is_erased_and_has_its_key_is_damage(void **state)
{
    static const uint8_t erased = 2;
    struct kit *kit = *state;
    const char *place = "key entry 1";

    damage_fill(kit, true);
    damage_put(kit->key_dir, "keys", ENTRY + 4, &erased, 1);
    damage_refused(kit, place);
}

/* A record of another number would destroy another dossier's key with the next start. */
static void
a_flipped_byte_of_the_list_of_destroyed_keys_destroys_no_other_key(void **state)
{
    struct kit *kit = *state;
    char path[PATH_MAX];
    uint64_t seq;
    uint32_t entry[3];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/guard.erased", kit->root);
    store_close(&kit->st);
    kit->options.erased_path = path;
    assert_int_equal(kit_open(kit), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(store_key_take(kit->st, &entry[i]), 0);
        assert_int_equal(kit_append(kit, i + 1, entry[i], &seq), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_key_erase(kit->st, entry[1]), 0);
    store_close(&kit->st);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 32 + 32);
    for (off_t at = 0; at < st.st_size; at += at < 100 || at > st.st_size - 8 ? 1 : 50) { /* then there is room */
        if (at >= 12 && at < 16)
            continue; /* zeros that nothing looks at */
        damage_flip(kit->root, "guard.erased", at);
        damage_refused(kit, "list of destroyed keys");
        damage_flip(kit->root, "guard.erased", at);
    }
    assert_int_equal(kit_open(kit), 0);
    assert_false(store_key_is_erased(kit->st, entry[0]));
    assert_true(store_key_is_erased(kit->st, entry[1]));
    assert_false(store_key_is_erased(kit->st, entry[2]));
}

/* Opening reads all of it, and makes a damaged one anew from the log. */
static void
a_damaged_finding_index_is_made_anew_at_the_start(void **state)
{
    struct kit *kit = *state;
    uint8_t key[16] = {0, 0, 0, 1, 0, 0, 0, 1}, chunk[4096], good[KIT_VALUE_MAX];
    uint64_t seqs[RECORDS];
    size_t count = 0, len;

    for (unsigned i = 0; i < 6; i++) {
        if (i == 0)
            damage_fill(kit, true);
        damage_key(key + 8, 125); /* the second chunk */
        len = kit_row_get(kit->dir, "seqs", key, sizeof key, good);
        assert_int_equal(len, 1000);
        memcpy(chunk, good, len);
        if (i == 1)
            damage_key(chunk + 8, 125); /* not ascending */
        if (i == 2)
            chunk[len - 9] ^= 1; /* another record */
        if (i == 3)
            damage_key(chunk, 124); /* not the one its key names */
        kit_row_set(kit->dir, "seqs", key, sizeof key, chunk,
                    i == 0   ? len - 1
                    : i == 4 ? 0
                             : len); /* 4: it is missing */
        if (i == 5) {                /* another dossier's */
            kit_row_set(kit->dir, "seqs", key, sizeof key, NULL, 0);
            key[3] = 2;
            kit_row_set(kit->dir, "seqs", key, sizeof key, good, len);
            key[3] = 1;
        }
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(store_find(kit->st, 1, 1, seqs, RECORDS, &count), 0);
        assert_int_equal(count, RECORDS);
        assert_int_equal(seqs[RECORDS - 1], RECORDS);
        assert_int_equal(store_find_flush(kit->st, true), 0);
        store_close(&kit->st);
    }
}

/* Damage that comes later is noticed by who reads there: LMDB maps the file, so that it sees what the disk says. */
static void
a_finding_index_that_is_damaged_while_it_is_open_is_noticed(void **state)
{
    struct kit *kit = *state;
    uint8_t key[16] = {0, 0, 0, 1, 0, 0, 0, 1}, good[KIT_VALUE_MAX];
    uint64_t seqs[RECORDS];
    size_t count = 0, len;

    damage_fill(kit, true);
    damage_key(key + 8, 125);
    len = kit_row_get(kit->dir, "seqs", key, sizeof key, good);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_find(kit->st, 1, 1, seqs, RECORDS, &count), 0);
    damage_flip(kit->dir, "find/data.mdb", damage_find(kit->dir, "find/data.mdb", good, len) + 8 * 7 + 7);
    assert_int_equal(store_find(kit->st, 1, 1, seqs, RECORDS, &count), -EBADMSG);
    assert_non_null(strstr(store_damage(kit->st), "finding index: entry 1"));
}

static void
a_key_that_does_not_unwrap_does_not_make_records_seem_gone(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = 0;
    uint64_t seq, seqs[4];
    size_t count = 0;

    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(kit_append(kit, 1, entry, &seq), 0);
    for (uint64_t i = 2; i <= RECORDS; i++)
        assert_int_equal(kit_append(kit, i, STORE_CLEAR_ENTRY, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    store_close(&kit->st);
    damage_flip(kit->key_dir, "keys", ENTRY + 40);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_find(kit->st, entry, 1, seqs, 4, &count), -EBADMSG);
    assert_non_null(strstr(store_damage(kit->st), "key entry 1"));
}

static void
torn_entries_nobody_uses_are_made_again(void **state)
{
    struct kit *kit = *state;
    uint8_t torn[100];
    char path[PATH_MAX];
    uint32_t entry = 0;
    uint64_t seq;

    memset(torn, 1, sizeof torn);
    damage_fill(kit, true);
    snprintf(path, sizeof path, "%s/keys", kit->key_dir);
    assert_int_equal(truncate(path, 10 * ENTRY + 17), 0); /* a crash while entries were made */
    damage_put(kit->key_dir, "keys", 5 * ENTRY, torn, sizeof torn);
    assert_int_equal(kit_open(kit), 0);
    for (uint32_t want = 2; want <= 20; want++) {
        assert_int_equal(store_key_take(kit->st, &entry), 0);
        assert_int_equal(entry, want);
        assert_int_equal(kit_append(kit, 1000 + want, entry, &seq), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), RECORDS + 19);
}

static void
an_entry_that_unwraps_is_never_made_again(void **state)
{
    struct kit *kit = *state;
    uint8_t before[3][ENTRY], after[3][ENTRY];
    char path[PATH_MAX];
    uint32_t entry = 0;
    int fd;

    damage_fill(kit, true);
    snprintf(path, sizeof path, "%s/keys", kit->key_dir);
    fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, before, sizeof before, 2 * ENTRY), sizeof before);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(entry, 2);
    assert_int_equal(pread(fd, after, sizeof after, 2 * ENTRY), sizeof after);
    close(fd);
    assert_memory_equal(before, after, sizeof before);
}

static void
the_generation_of_an_entry_is_part_of_its_seal(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = 0;

    damage_fill(kit, true);
    damage_flip(kit->key_dir, "keys", 2 * ENTRY + 3); /* an entry nobody uses: 1 becomes 0 */
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(entry, 2);
    assert_int_equal(store_key_generation(kit->st, entry), 1); /* it did not unwrap and was made again */
}

/* ---- erased content */

/* What an erasure leaves of a key entry. */
static void
entry_erase(struct kit *kit, uint32_t entry, uint32_t generation)
{
    uint8_t bytes[ENTRY] = {0};

    bytes[3] = (uint8_t)generation;
    bytes[4] = 2;
    damage_put(kit->key_dir, "keys", (off_t)entry * ENTRY, bytes, sizeof bytes);
}

static void
a_row_that_is_its_leaf_alone_reads_as_erased(void **state)
{
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX], key[8];
    struct store_slice *slice = NULL;
    struct store_row got;
    struct leaf leaf;
    uint32_t entry = 0;
    uint64_t seqs[4];
    size_t count;
    char find[PATH_MAX];

    damage_fill(kit, true);
    for (uint64_t seq = 2; seq <= RECORDS; seq++) {
        kit_row_get(kit->dir, "ev", key, damage_key(key, seq), row);
        kit_row_set(kit->dir, "ev", key, sizeof key, row, LEAF);
    }
    snprintf(find, sizeof find, "%s/find", kit->dir);
    kit_remove(find);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, OLD, &got), 0);
    assert_true(got.erased);
    assert_int_equal(got.part_count, 0);
    assert_int_equal(got.entry, STORE_NO_ENTRY);
    assert_int_equal(got.leaf.seq, OLD);
    assert_int_equal(store_read_leaf(slice, OLD, &leaf, &entry), 0);
    assert_int_equal(entry, STORE_NO_ENTRY);
    assert_int_equal(leaf.ts_ms, 1000 + OLD);
    store_slice_end(&slice);
    assert_int_equal(store_find(kit->st, 1, 1, seqs, 4, &count), 0);
    assert_int_equal(count, 1); /* the index is rebuilt without them */
}

static void
content_whose_key_is_erased_reads_as_erased(void **state)
{
    struct kit *kit = *state;
    struct store_row got;
    uint32_t entry = 0;
    uint64_t seq, seqs[4];
    size_t count;

    damage_fill(kit, true);
    entry_erase(kit, 1, 2);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(damage_read(kit, OLD, &got), 0);
    assert_true(got.erased);
    assert_int_equal(got.part_count, 0);
    assert_int_equal(got.leaf.seq, OLD);
    assert_int_equal(store_key_generation(kit->st, 1), 2);
    assert_int_equal(store_find(kit->st, 1, 1, seqs, 4, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(kit_append(kit, 1000, 1, &seq), -EINVAL); /* nothing is added to that dossier */
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(entry, 2);
    assert_int_equal(kit_append(kit, 1000, entry, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
}

static void
an_erased_entry_is_not_given_out_again(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = 0;

    damage_fill(kit, true);
    entry_erase(kit, 2, 2);
    entry_erase(kit, 3, 5);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(entry, 4);
    assert_int_equal(store_key_generation(kit->st, 3), 5);
}

static void
an_erased_entry_of_an_older_generation_is_damage(void **state)
{
    struct kit *kit = *state;

    damage_fill(kit, true);
    entry_erase(kit, 1, 1); /* the rows' own generation: no erasure writes that */
    damage_refused(kit, "no such key");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(an_entry_that_says_it_is_erased_and_has_its_key_is_damage),
        KIT_TEST(a_flipped_byte_of_the_list_of_destroyed_keys_destroys_no_other_key),
        KIT_TEST(open_refuses_a_key_store_that_is_short_or_gone),
        KIT_TEST(open_refuses_the_key_store_of_another_log),
        KIT_TEST(a_flipped_byte_of_the_key_store_is_noticed),
        KIT_TEST(a_damaged_finding_index_is_made_anew_at_the_start),
        KIT_TEST(a_finding_index_that_is_damaged_while_it_is_open_is_noticed),
        KIT_TEST(a_key_that_does_not_unwrap_does_not_make_records_seem_gone),
        KIT_TEST(torn_entries_nobody_uses_are_made_again),
        KIT_TEST(an_entry_that_unwraps_is_never_made_again),
        KIT_TEST(the_generation_of_an_entry_is_part_of_its_seal),
        KIT_TEST(a_row_that_is_its_leaf_alone_reads_as_erased),
        KIT_TEST(content_whose_key_is_erased_reads_as_erased),
        KIT_TEST(an_erased_entry_is_not_given_out_again),
        KIT_TEST(an_erased_entry_of_an_older_generation_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
