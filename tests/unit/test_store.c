/* What store/store.h says of making, opening and writing a log: create, open, append, commit, the leaf. */
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

/* ---- create and open */

static void
create_touches_nothing_where_a_log_or_a_key_store_is(void **state)
{
    struct kit *kit = *state;
    struct kit other;
    char log[PATH_MAX];

    kit_add(kit, 1, kit_take(kit));
    assert_int_equal(store_commit(kit->st), 0);
    store_close(&kit->st);
    assert_int_equal(kit_create(kit), -EEXIST);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_head(kit->st), 1);

    kit_make(&other, kit->root);
    snprintf(other.dir, sizeof other.dir, "%s/elsewhere", kit->root);
    assert_int_equal(kit_create(&other), -EEXIST); /* kit's key store */
    snprintf(log, sizeof log, "%s/log", other.dir);
    assert_int_equal(access(log, F_OK), -1);
}

static void
create_makes_files_only_their_owner_can_read(void **state)
{
    static const char *const paths[] = {"kek", "keys/keys", "data/log/data.mdb", "data/lock"};
    struct kit *kit = *state;
    struct stat sb;
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(path, sizeof path, "%s/%s", kit->root, paths[i]);
        assert_int_equal(stat(path, &sb), 0);
        assert_int_equal(sb.st_mode & 0777, 0600);
    }
}

static void
create_uses_the_key_encryption_key_there_is(void **state)
{
    struct kit *kit = *state;
    struct kit other;

    kit_make(&other, kit->root);
    snprintf(other.dir, sizeof other.dir, "%s/data2", kit->root);
    snprintf(other.key_dir, sizeof other.key_dir, "%s/keys2", kit->root);
    assert_int_equal(kit_create(&other), 0);
    assert_int_equal(kit_open(&other), 0);
    store_close(&other.st);
    kit_reopen(kit);
}

static void
identity_is_what_create_was_given(void **state)
{
    struct kit *kit = *state;

    kit_reopen(kit);
    assert_string_equal(store_identity(kit->st)->origin, KIT_ORIGIN);
    assert_int_equal(store_identity(kit->st)->epoch, 1);
    assert_int_equal(store_identity(kit->st)->created_ms, 77);
}

static void
open_without_a_log_says_so(void **state)
{
    struct kit *kit = *state;
    struct kit other;

    kit_make(&other, kit->root);
    snprintf(other.dir, sizeof other.dir, "%s/nothing", kit->root);
    assert_int_equal(kit_open(&other), -ENOENT);
    assert_null(other.st);
}

static void
open_refuses_a_second_opener(void **state)
{
    struct kit *kit = *state;
    struct kit second;

    kit_make(&second, kit->root);
    assert_int_equal(kit_open(&second), -EBUSY);
    store_close(&kit->st);
    assert_int_equal(kit_open(&second), 0);
    store_close(&second.st);
}

static void
open_refuses_another_key_encryption_key(void **state)
{
    struct kit *kit = *state;
    uint8_t kek[32];
    int fd;

    store_close(&kit->st);
    fd = open(kit->kek, O_RDWR);
    assert_int_equal(pread(fd, kek, sizeof kek, 0), sizeof kek);
    kek[31] ^= 1;
    assert_int_equal(pwrite(fd, kek, sizeof kek, 0), sizeof kek);
    assert_int_equal(kit_open(kit), -EPERM);
    assert_string_not_equal(store_open_damage(), "");
    kek[31] ^= 1;
    assert_int_equal(pwrite(fd, kek, sizeof kek, 0), sizeof kek);
    close(fd);
    assert_int_equal(kit_open(kit), 0);
    assert_string_equal(store_open_damage(), "");
}

/* What a program that speaks to its readers gives to store_speak(). */
static const char *
in_polish(const char *text)
{
    if (strcmp(text, "record %" PRIu64 ": %s") == 0)
        return "zapis %" PRIu64 ": %s";
    return strcmp(text, "it is torn") == 0 ? "jest podarty" : text;
}

static void
damage_is_told_in_the_words_that_the_program_gave_and_else_in_english(void **state)
{
    struct kit *kit = *state;

    assert_string_equal(store_why(-ENOSPC, store_damage(kit->st)), strerror(ENOSPC));
    assert_int_equal(store_damaged(kit->st, 3, "it is torn"), -EBADMSG);
    assert_string_equal(store_damage(kit->st), "record 3: it is torn");
    assert_string_equal(store_why(-EBADMSG, store_damage(kit->st)), "record 3: it is torn");
    store_speak(in_polish);
    assert_int_equal(store_damaged(kit->st, 4, "it is torn"), -EBADMSG);
    assert_string_equal(store_damage(kit->st), "zapis 4: jest podarty");
    store_speak(NULL);
    assert_int_equal(store_damaged(kit->st, 5, "it is torn"), -EBADMSG);
    assert_string_equal(store_damage(kit->st), "record 5: it is torn");
}

static void
open_refuses_a_key_encryption_key_others_can_read(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0601};
    struct kit *kit = *state;

    store_close(&kit->st);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(kit->kek, modes[i]), 0);
        assert_int_equal(kit_open(kit), -EPERM);
    }
    assert_int_equal(chmod(kit->kek, 0400), 0);
    assert_int_equal(kit_open(kit), 0);
}

static void
open_refuses_a_key_encryption_key_of_another_size(void **state)
{
    struct kit *kit = *state;

    store_close(&kit->st);
    assert_int_equal(truncate(kit->kek, 31), 0);
    assert_int_equal(kit_open(kit), -EPERM);
    assert_int_equal(truncate(kit->kek, 33), 0);
    assert_int_equal(kit_open(kit), -EPERM);
    assert_int_equal(unlink(kit->kek), 0);
    assert_int_equal(kit_open(kit), -EPERM);
}

/* ---- append and commit */

static void
sequence_numbers_have_no_gaps_over_batches_and_reopening(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    uint64_t next = 1;

    for (unsigned round = 0; round < 5; round++) {
        for (unsigned batch = 0; batch < 3; batch++) {
            for (unsigned i = 0; i <= round * 7; i++) {
                assert_int_equal(store_next(kit->st), next);
                assert_int_equal(kit_add(kit, next, entry), next);
                next++;
            }
            assert_int_equal(store_commit(kit->st), 0);
        }
        kit_reopen(kit);
        assert_int_equal(store_head(kit->st), next - 1);
        assert_int_equal(store_last_ms(kit->st), 1000 + next - 1);
    }
    for (uint64_t seq = 1; seq < next; seq++)
        kit_assert_row(kit, seq, seq, entry);
}

static void
only_committed_records_survive_a_reopen(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    uint8_t id[16];
    uint64_t seq;

    kit_add(kit, 1, entry);
    assert_true(store_has_batch(kit->st));
    assert_int_equal(store_commit(kit->st), 0);
    assert_false(store_has_batch(kit->st));
    kit_add(kit, 2, entry);
    assert_int_equal(store_head(kit->st), 1);
    assert_int_equal(store_next(kit->st), 3);

    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 1);
    assert_int_equal(store_next(kit->st), 2);
    kit_id(2, id);
    assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    assert_int_equal(kit_add(kit, 3, entry), 2);
}

static void
rollback_gives_numbers_ids_and_key_entries_again(void **state)
{
    struct kit *kit = *state;
    uint32_t first = kit_take(kit), second;
    uint8_t id[16];
    uint64_t seq, found[4];
    size_t count;

    kit_add(kit, 1, first);
    assert_int_equal(store_commit(kit->st), 0);
    second = kit_take(kit);
    assert_int_not_equal(second, first);
    kit_add(kit, 2, second);
    kit_add(kit, 3, first);
    store_rollback(kit->st);

    assert_false(store_has_batch(kit->st));
    assert_int_equal(store_next(kit->st), 2);
    assert_int_equal(store_last_ms(kit->st), 1001);
    kit_id(2, id);
    assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    assert_int_equal(kit_take(kit), second);
    assert_int_equal(kit_add(kit, 4, second), 2);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_find(kit->st, first, 1, found, 4, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(store_find(kit->st, second, 1, found, 4, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(found[0], 2);
}

static void
append_refuses_a_known_id_and_goes_on(void **state)
{
    struct kit *kit = *state;
    struct kit_record r;
    uint64_t seq = 99;

    kit_add(kit, 1, STORE_CLEAR_ENTRY);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(kit_append(kit, 1, STORE_CLEAR_ENTRY, &seq), -EEXIST);
    assert_false(store_has_batch(kit->st)); /* nothing was written */
    kit_add(kit, 2, STORE_CLEAR_ENTRY);
    kit_record(&r, 2, STORE_CLEAR_ENTRY);
    assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), -EEXIST); /* of the batch too */
    assert_int_equal(seq, 99);
    assert_int_equal(kit_add(kit, 3, STORE_CLEAR_ENTRY), 3);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 3);
}

static void
records_without_an_id_are_not_in_the_id_table(void **state)
{
    struct kit *kit = *state;
    struct kit_record r;
    uint64_t seq;

    for (unsigned i = 0; i < 2; i++) {
        kit_record(&r, 5, STORE_CLEAR_ENTRY);
        r.record.event_id = NULL;
        assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_id_find(kit->st, r.id, &seq), -ENOENT);
    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 2);
}

static void
append_refuses_time_that_goes_back(void **state)
{
    struct kit *kit = *state;
    uint64_t seq;

    kit_add(kit, 10, STORE_CLEAR_ENTRY);
    assert_int_equal(kit_append(kit, 9, STORE_CLEAR_ENTRY, &seq), -EINVAL);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(kit_append(kit, 9, STORE_CLEAR_ENTRY, &seq), -EINVAL);
    assert_int_equal(kit_add(kit, 11, STORE_CLEAR_ENTRY), 2);
}

static void
append_refuses_a_key_entry_nobody_took(void **state)
{
    struct kit *kit = *state;
    uint64_t seq;

    assert_int_equal(kit_append(kit, 1, 1, &seq), -EINVAL);
    assert_int_equal(kit_take(kit), 1);
    assert_int_equal(kit_append(kit, 1, 2, &seq), -EINVAL);
    assert_int_equal(kit_append(kit, 1, 1, &seq), 0);
}

static void
append_refuses_more_than_a_batch(void **state)
{
    struct kit *kit = *state;
    uint64_t seq;

    for (uint64_t i = 1; i <= STORE_BATCH_MAX; i++)
        kit_add(kit, i, STORE_CLEAR_ENTRY);
    assert_int_equal(kit_append(kit, STORE_BATCH_MAX + 1, STORE_CLEAR_ENTRY, &seq), -ENOBUFS);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(kit_add(kit, STORE_BATCH_MAX + 1, STORE_CLEAR_ENTRY), STORE_BATCH_MAX + 1);
}

static void
a_record_may_be_as_large_as_promised_and_no_larger(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    uint8_t *body = malloc(STORE_RECORD_MAX);
    struct store_slice *slice = NULL;
    struct store_row row;
    struct kit_record r;
    uint64_t seq;

    assert_non_null(body);
    randombytes_buf(body, STORE_RECORD_MAX);
    kit_record(&r, 1, entry);
    r.record.part_count = 2;
    r.record.n = LEAF_SLOTS_MAX;
    r.parts[1].slot = LEAF_SLOTS_MAX - 1;
    r.parts[1].body = body;
    r.parts[1].len = STORE_RECORD_MAX - r.parts[0].len + 1;
    assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), -EMSGSIZE);
    r.parts[1].len--;
    assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, seq, &row), 0);
    assert_int_equal(row.parts[1].len, r.parts[1].len);
    assert_memory_equal(row.parts[1].body, body, r.parts[1].len);
    store_slice_end(&slice);
    free(body);
}

static void
a_record_may_have_empty_parts_or_none(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    struct store_slice *slice = NULL;
    struct store_row row;
    struct kit_record r;
    uint64_t seq;

    kit_record(&r, 1, entry);
    r.parts[0].len = 0;
    r.parts[0].body = NULL;
    r.record.part_count = 1;
    assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
    kit_record(&r, 2, entry);
    r.record.part_count = 0;
    r.record.parts = NULL;
    r.record.n = 1;
    assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, 1, &row), 0);
    assert_int_equal(row.part_count, 1);
    assert_int_equal(row.parts[0].len, 0);
    assert_int_equal(store_read(slice, 2, &row), 0);
    assert_int_equal(row.part_count, 0);
    assert_int_equal(row.leaf.n, 1);
    store_slice_end(&slice);
}

/* ---- the leaf, against SHA-256 by hand */

static void
sha256(uint8_t ret[32], const char *label, size_t label_len, const uint8_t *a, size_t a_len, const uint8_t *b,
       size_t b_len)
{
    crypto_hash_sha256_state sha;

    crypto_hash_sha256_init(&sha);
    crypto_hash_sha256_update(&sha, (const uint8_t *)label, label_len);
    crypto_hash_sha256_update(&sha, a, a_len);
    crypto_hash_sha256_update(&sha, b, b_len);
    crypto_hash_sha256_final(&sha, ret);
}

static void
be_put(uint8_t *at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static void
expect_digest(uint8_t ret[32], const struct kit_record *r, uint8_t slot)
{
    const struct leaf_part *part = NULL;
    uint8_t head[1 + 2 + 32 + 4];

    for (size_t i = 0; i < r->record.part_count; i++)
        if (r->parts[i].slot == slot)
            part = &r->parts[i];
    if (part == NULL) {
        sha256(ret, "wici-decoy-v1", 14, r->seed, 32, &slot, 1);
        return;
    }
    head[0] = slot;
    be_put(head + 1, part->section_id, 2);
    sha256(head + 3, "wici-salt-v1", 13, r->seed, 32, &slot, 1);
    be_put(head + 35, part->len, 4);
    sha256(ret, "wici-section-v1", 16, head, sizeof head, part->body, part->len);
}

static void
the_leaf_is_the_one_of_the_format(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    uint8_t input[33 + 32 * KIT_SLOTS], hash[32], got[32];
    struct store_slice *slice = NULL;
    struct leaf leaf, stored;
    struct kit_record r;
    uint64_t seq;
    uint32_t stored_entry;

    kit_add(kit, 1, entry);
    kit_record(&r, 2, entry);
    r.record.leaf_class = LEAF_ERASURE_DONE;
    assert_int_equal(store_append(kit->st, &r.record, &seq, &leaf), 0);
    assert_int_equal(store_commit(kit->st), 0);

    memcpy(input, "wici-event-v1", 14);
    input[14] = 1;
    input[15] = LEAF_ERASURE_DONE;
    be_put(input + 16, 2, 8);
    be_put(input + 24, 1002, 8);
    input[32] = KIT_SLOTS;
    for (uint8_t slot = 0; slot < KIT_SLOTS; slot++) {
        expect_digest(input + 33 + 32 * slot, &r, slot);
        assert_memory_equal(leaf.digests[slot], input + 33 + 32 * slot, 32);
    }
    sha256(hash, "", 1, input, sizeof input, NULL, 0);
    store_head_hash(kit->st, got);
    assert_memory_equal(got, hash, 32);

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read_leaf(slice, 2, &stored, &stored_entry), 0);
    store_slice_end(&slice);
    assert_int_equal(stored_entry, entry);
    assert_int_equal(stored.cls, LEAF_ERASURE_DONE);
    assert_memory_equal(stored.digests, leaf.digests, 32 * KIT_SLOTS);
    kit_reopen(kit);
    store_head_hash(kit->st, got);
    assert_memory_equal(got, hash, 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(create_touches_nothing_where_a_log_or_a_key_store_is),
        KIT_TEST(create_makes_files_only_their_owner_can_read),
        KIT_TEST(create_uses_the_key_encryption_key_there_is),
        KIT_TEST(identity_is_what_create_was_given),
        KIT_TEST(open_without_a_log_says_so),
        KIT_TEST(open_refuses_a_second_opener),
        KIT_TEST(open_refuses_another_key_encryption_key),
        KIT_TEST(open_refuses_a_key_encryption_key_others_can_read),
        KIT_TEST(open_refuses_a_key_encryption_key_of_another_size),
        KIT_TEST(sequence_numbers_have_no_gaps_over_batches_and_reopening),
        KIT_TEST(only_committed_records_survive_a_reopen),
        KIT_TEST(rollback_gives_numbers_ids_and_key_entries_again),
        KIT_TEST(append_refuses_a_known_id_and_goes_on),
        KIT_TEST(records_without_an_id_are_not_in_the_id_table),
        KIT_TEST(append_refuses_time_that_goes_back),
        KIT_TEST(append_refuses_a_key_entry_nobody_took),
        KIT_TEST(damage_is_told_in_the_words_that_the_program_gave_and_else_in_english),
        KIT_TEST(append_refuses_more_than_a_batch),
        KIT_TEST(a_record_may_be_as_large_as_promised_and_no_larger),
        KIT_TEST(a_record_may_have_empty_parts_or_none),
        KIT_TEST(the_leaf_is_the_one_of_the_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
