/* What store/store.h says, in its order: create, open, write, commit, ids, cursors, values, read. */
#include "store/fault.h"
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

static uint64_t
append(struct kit *kit, uint64_t number, uint32_t entry)
{
    uint64_t seq = 0;

    assert_int_equal(kit_append(kit, number, entry, &seq), 0);
    return seq;
}

static uint32_t
take(struct kit *kit)
{
    uint32_t entry = 0;

    assert_int_equal(store_key_take(kit->st, &entry), 0);
    return entry;
}

static void
assert_row(struct kit *kit, uint64_t seq, uint64_t number, uint32_t entry)
{
    struct store_slice *slice = NULL;
    struct store_row row;

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, seq, &row), 0);
    assert_int_equal(row.seq, seq);
    assert_true(kit_row_is(&row, number, entry));
    store_slice_end(&slice);
    assert_null(slice);
}

/* ---- create and open */

static void
create_touches_nothing_where_a_log_or_a_key_store_is(void **state)
{
    struct kit *kit = *state;
    struct kit other;
    char log[PATH_MAX];

    append(kit, 1, take(kit));
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
    uint32_t entry = take(kit);
    uint64_t next = 1;

    for (unsigned round = 0; round < 5; round++) {
        for (unsigned batch = 0; batch < 3; batch++) {
            for (unsigned i = 0; i <= round * 7; i++) {
                assert_int_equal(store_next(kit->st), next);
                assert_int_equal(append(kit, next, entry), next);
                next++;
            }
            assert_int_equal(store_commit(kit->st), 0);
        }
        kit_reopen(kit);
        assert_int_equal(store_head(kit->st), next - 1);
        assert_int_equal(store_last_ms(kit->st), 1000 + next - 1);
    }
    for (uint64_t seq = 1; seq < next; seq++)
        assert_row(kit, seq, seq, entry);
}

static void
only_committed_records_survive_a_reopen(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = take(kit);
    uint8_t id[16];
    uint64_t seq;

    append(kit, 1, entry);
    assert_true(store_has_batch(kit->st));
    assert_int_equal(store_commit(kit->st), 0);
    assert_false(store_has_batch(kit->st));
    append(kit, 2, entry);
    assert_int_equal(store_head(kit->st), 1);
    assert_int_equal(store_next(kit->st), 3);

    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 1);
    assert_int_equal(store_next(kit->st), 2);
    kit_id(2, id);
    assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    assert_int_equal(append(kit, 3, entry), 2);
}

static void
rollback_gives_numbers_ids_and_key_entries_again(void **state)
{
    struct kit *kit = *state;
    uint32_t first = take(kit), second;
    uint8_t id[16];
    uint64_t seq, found[4];
    size_t count;

    append(kit, 1, first);
    assert_int_equal(store_commit(kit->st), 0);
    second = take(kit);
    assert_int_not_equal(second, first);
    append(kit, 2, second);
    append(kit, 3, first);
    store_rollback(kit->st);

    assert_false(store_has_batch(kit->st));
    assert_int_equal(store_next(kit->st), 2);
    assert_int_equal(store_last_ms(kit->st), 1001);
    kit_id(2, id);
    assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    assert_int_equal(take(kit), second);
    assert_int_equal(append(kit, 4, second), 2);
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

    append(kit, 1, STORE_CLEAR_ENTRY);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(kit_append(kit, 1, STORE_CLEAR_ENTRY, &seq), -EEXIST);
    assert_false(store_has_batch(kit->st)); /* nothing was written */
    append(kit, 2, STORE_CLEAR_ENTRY);
    kit_record(&r, 2, STORE_CLEAR_ENTRY);
    assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), -EEXIST); /* of the batch too */
    assert_int_equal(seq, 99);
    assert_int_equal(append(kit, 3, STORE_CLEAR_ENTRY), 3);
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

    append(kit, 10, STORE_CLEAR_ENTRY);
    assert_int_equal(kit_append(kit, 9, STORE_CLEAR_ENTRY, &seq), -EINVAL);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(kit_append(kit, 9, STORE_CLEAR_ENTRY, &seq), -EINVAL);
    assert_int_equal(append(kit, 11, STORE_CLEAR_ENTRY), 2);
}

static void
append_refuses_a_key_entry_nobody_took(void **state)
{
    struct kit *kit = *state;
    uint64_t seq;

    assert_int_equal(kit_append(kit, 1, 1, &seq), -EINVAL);
    assert_int_equal(take(kit), 1);
    assert_int_equal(kit_append(kit, 1, 2, &seq), -EINVAL);
    assert_int_equal(kit_append(kit, 1, 1, &seq), 0);
}

static void
append_refuses_more_than_a_batch(void **state)
{
    struct kit *kit = *state;
    uint64_t seq;

    for (uint64_t i = 1; i <= STORE_BATCH_MAX; i++)
        append(kit, i, STORE_CLEAR_ENTRY);
    assert_int_equal(kit_append(kit, STORE_BATCH_MAX + 1, STORE_CLEAR_ENTRY, &seq), -ENOBUFS);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(append(kit, STORE_BATCH_MAX + 1, STORE_CLEAR_ENTRY), STORE_BATCH_MAX + 1);
}

static void
a_record_may_be_as_large_as_promised_and_no_larger(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = take(kit);
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
    uint32_t entry = take(kit);
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
    uint32_t entry = take(kit);
    uint8_t input[33 + 32 * KIT_SLOTS], hash[32], got[32];
    struct store_slice *slice = NULL;
    struct leaf leaf, stored;
    struct kit_record r;
    uint64_t seq;
    uint32_t stored_entry;

    append(kit, 1, entry);
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
    uint32_t entry = take(kit), other;
    uint64_t seq;
    uint8_t id[16];

    append(kit, 1, entry);
    assert_int_equal(store_commit(kit->st), 0);
    append(kit, 2, entry);
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
    assert_row(kit, 1, 1, entry); /* reading goes on */

    kit_reopen(kit);
    assert_int_equal(store_head(kit->st), 1);
    assert_int_equal(append(kit, 3, entry), 2);
    assert_int_equal(store_commit(kit->st), 0);
}

static void
a_disk_that_takes_no_more_latches(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = take(kit);
    struct rlimit old, tight;
    uint64_t seq = 0;
    int rc = 0;

    append(kit, 1, entry);
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
    assert_row(kit, seq, seq, entry);
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
    append(kit, ++number, STORE_CLEAR_ENTRY); /* for the broker's own there is room still, in an open batch too */
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
    append(kit, ++number, STORE_CLEAR_ENTRY);
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

/* ---- key entries */

static void
an_entry_without_a_committed_record_is_free_after_a_restart(void **state)
{
    struct kit *kit = *state;
    uint32_t first = take(kit), second = take(kit), third = take(kit);

    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    assert_int_equal(third, 3);
    append(kit, 1, second);
    assert_int_equal(store_commit(kit->st), 0);
    append(kit, 2, third);
    kit_reopen(kit);
    assert_int_equal(take(kit), third); /* first is below a used one and stays unused */
    assert_int_equal(store_key_generation(kit->st, third), 1);
    assert_int_equal(store_key_generation(kit->st, STORE_CLEAR_ENTRY), 0);
}

static void
entries_go_on_beyond_what_is_made_at_a_time(void **state)
{
    struct kit *kit = *state;
    uint64_t seq = 0;

    for (uint32_t want = 1; want <= 2 * STORE_KEY_ENTRIES_STEP + 5; want++) {
        assert_int_equal(take(kit), want);
        if (want % 100 == 0)
            seq = append(kit, want, want);
    }
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    for (uint64_t i = 1; i <= seq; i++)
        assert_row(kit, i, i * 100, (uint32_t)i * 100);
    assert_int_equal(take(kit), 2001);
}

static void
no_content_and_no_key_lies_in_any_file(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = take(kit);
    uint8_t kek[32];
    int fd = open(kit->kek, O_RDONLY);

    assert_int_equal(read(fd, kek, sizeof kek), sizeof kek);
    close(fd);
    for (uint64_t i = 1; i <= 200; i++)
        append(kit, i, i % 2 == 0 ? entry : take(kit));
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    store_close(&kit->st);
    assert_int_equal(kit_grep(kit->root, KIT_MARKER, strlen(KIT_MARKER)), 0);
    assert_int_equal(kit_grep(kit->root, "header of", strlen("header of")), 0);
    assert_int_equal(kit_grep(kit->dir, kek, sizeof kek), 0);
    assert_int_equal(kit_grep(kit->key_dir, kek, sizeof kek), 0);

    assert_int_equal(kit_open(kit), 0);
    append(kit, 300, STORE_CLEAR_ENTRY); /* the search does find what is there */
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(kit_grep(kit->dir, KIT_MARKER, strlen(KIT_MARKER)), 1);
}

/* ---- event ids */

static void
the_id_table_sees_the_open_batch(void **state)
{
    struct kit *kit = *state;
    uint8_t id[16];
    uint64_t seq = 0;

    kit_id(1, id);
    assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    append(kit, 1, STORE_CLEAR_ENTRY);
    assert_int_equal(store_id_find(kit->st, id, &seq), 0);
    assert_int_equal(seq, 1);
    assert_int_equal(store_commit(kit->st), 0);
    append(kit, 2, STORE_CLEAR_ENTRY);
    assert_int_equal(store_id_find(kit->st, id, &seq), 0);
    assert_int_equal(seq, 1);
}

static void
read_pending_reads_the_batch_and_the_log(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = take(kit);
    struct store_slice *slice = NULL;
    struct store_row row;

    append(kit, 1, entry);
    assert_int_equal(store_commit(kit->st), 0);
    append(kit, 2, STORE_CLEAR_ENTRY);
    append(kit, 3, entry);
    assert_int_equal(store_read_pending(kit->st, 1, &row), 0);
    assert_true(kit_row_is(&row, 1, entry));
    assert_int_equal(store_read_pending(kit->st, 2, &row), 0);
    assert_true(kit_row_is(&row, 2, STORE_CLEAR_ENTRY));
    assert_int_equal(store_read_pending(kit->st, 3, &row), 0);
    assert_true(kit_row_is(&row, 3, entry));
    assert_int_equal(store_read_pending(kit->st, 4, &row), -ENOENT);
    assert_int_equal(store_read_pending(kit->st, 0, &row), -ENOENT);

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, 2, &row), -ENOENT); /* a slice does not see it */
    store_slice_end(&slice);
    store_rollback(kit->st);
    assert_int_equal(store_read_pending(kit->st, 2, &row), -ENOENT);
    assert_int_equal(store_read_pending(kit->st, 1, &row), 0);
    assert_true(kit_row_is(&row, 1, entry));
}

/* ---- cursors and values */

static void
cursors_move_in_the_commit(void **state)
{
    struct kit *kit = *state;
    struct store_cursor cursor = {.seq = 5, .acked_ms = 6, .filter = (const uint8_t *)"filter", .filter_len = 6};

    assert_int_equal(store_cursor_put(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(store_commit(kit->st), 0);
    cursor.seq = 9;
    assert_int_equal(store_cursor_put(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(cursor.seq, 9); /* as the batch has it */
    kit_reopen(kit);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(cursor.seq, 5);
    assert_int_equal(cursor.acked_ms, 6);
    assert_int_equal(cursor.filter_len, 6);
    assert_memory_equal(cursor.filter, "filter", 6);
    assert_int_equal(store_cursor_get(kit->st, "unit", "nam", &cursor), -ENOENT);
    assert_int_equal(store_cursor_get(kit->st, "uni", "tname", &cursor), -ENOENT);

    assert_int_equal(store_cursor_drop(kit->st, "unit", "other"), -ENOENT);
    assert_false(store_has_batch(kit->st));
    assert_int_equal(store_cursor_drop(kit->st, "unit", "name"), 0);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), -ENOENT);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), -ENOENT);
}

struct seen {
    char text[512];
    int stop_at, count;
};

static int
see_cursor(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof seen->text - len, "%s/%s=%llu ", unit, name, (unsigned long long)cursor->seq);
    return ++seen->count == seen->stop_at ? 42 : 0;
}

static int
see_value(void *arg, const char *name, const uint8_t *value, size_t value_len)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof seen->text - len, "%s=%.*s ", name, (int)value_len, (const char *)value);
    return ++seen->count == seen->stop_at ? 42 : 0;
}

static void
cursors_are_listed_by_unit(void **state)
{
    static const char *const names[][2] = {{"b", "1"}, {"a", "2"}, {"a", "1"}, {"ab", "1"}, {"a", ""}};
    struct kit *kit = *state;
    struct seen seen = {.text = ""};

    for (unsigned i = 0; i < 5; i++) {
        struct store_cursor cursor = {.seq = i};

        assert_int_equal(store_cursor_put(kit->st, names[i][0], names[i][1], &cursor), 0);
    }
    assert_int_equal(store_cursor_each(kit->st, NULL, see_cursor, &seen), 0); /* sees the batch */
    assert_string_equal(seen.text, "a/=4 a/1=2 a/2=1 ab/1=3 b/1=0 ");
    assert_int_equal(store_commit(kit->st), 0);
    seen = (struct seen){.text = ""};
    assert_int_equal(store_cursor_each(kit->st, "a", see_cursor, &seen), 0);
    assert_string_equal(seen.text, "a/=4 a/1=2 a/2=1 ");
    seen = (struct seen){.stop_at = 2};
    assert_int_equal(store_cursor_each(kit->st, NULL, see_cursor, &seen), 42);
    assert_int_equal(seen.count, 2);
    seen = (struct seen){.text = ""};
    assert_int_equal(store_cursor_each(kit->st, "c", see_cursor, &seen), 0);
    assert_int_equal(seen.count, 0);
}

static void
cursors_and_values_have_bounds(void **state)
{
    struct kit *kit = *state;
    char name[STORE_NAME_MAX + 2];
    uint8_t *filter = calloc(1, STORE_VALUE_MAX + 1);
    struct store_cursor cursor = {.filter = filter, .filter_len = STORE_VALUE_MAX + 1};

    assert_non_null(filter);
    memset(name, 'n', sizeof name);
    name[STORE_NAME_MAX] = '\0';
    assert_int_equal(store_cursor_put(kit->st, "unit", "name", &cursor), -EMSGSIZE);
    cursor.filter_len--;
    assert_int_equal(store_cursor_put(kit->st, "u", name, &cursor), -EINVAL);
    assert_int_equal(store_cursor_put(kit->st, "u", name + 1, &cursor), 0);
    assert_int_equal(store_cursor_get(kit->st, "u", name + 1, &cursor), 0);
    assert_int_equal(cursor.filter_len, STORE_VALUE_MAX);
    assert_int_equal(store_value_put(kit->st, "v", filter, STORE_VALUE_MAX + 1), -EMSGSIZE);
    assert_int_equal(store_value_put(kit->st, "v", filter, STORE_VALUE_MAX), 0);
    assert_int_equal(store_value_put(kit->st, name, filter, 1), 0);
    assert_int_equal(store_value_put(kit->st, "", filter, 1), -EINVAL);
    name[STORE_NAME_MAX] = 'n';
    name[STORE_NAME_MAX + 1] = '\0';
    assert_int_equal(store_value_put(kit->st, name, filter, 1), -EINVAL);
    assert_int_equal(store_commit(kit->st), 0);
    free(filter);
}

static void
values_are_listed_by_prefix(void **state)
{
    struct kit *kit = *state;
    struct seen seen = {.text = ""};

    assert_int_equal(store_value_put(kit->st, "session/b", "2", 1), 0);
    assert_int_equal(store_value_put(kit->st, "session/a", "1", 1), 0);
    assert_int_equal(store_value_put(kit->st, "tick", "", 0), 0);
    assert_int_equal(store_value_put(kit->st, "session/a", "one", 3), 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_value_each(kit->st, "session/", see_value, &seen), 0);
    assert_string_equal(seen.text, "session/a=one session/b=2 ");
    assert_int_equal(store_value_drop(kit->st, "session/a"), 0);
    assert_int_equal(store_value_drop(kit->st, "session/zzz"), 0);
    seen = (struct seen){.text = ""};
    assert_int_equal(store_value_each(kit->st, "", see_value, &seen), 0);
    assert_string_equal(seen.text, "session/b=2 tick= ");
    seen = (struct seen){.stop_at = 1};
    assert_int_equal(store_value_each(kit->st, "", see_value, &seen), 42);
}

/* ---- slices */

static void
a_slice_is_a_view_of_one_moment(void **state)
{
    struct kit *kit = *state;
    struct store_slice *before = NULL, *after = NULL;
    struct store_row row;
    uint64_t seq = 0;

    append(kit, 1, STORE_CLEAR_ENTRY);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &before), 0);
    append(kit, 2, STORE_CLEAR_ENTRY);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &after), 0);
    assert_int_equal(store_read(before, 2, &row), -ENOENT);
    assert_int_equal(store_read(before, 1, &row), 0);
    assert_int_equal(store_read(before, 2, &row), -ENOENT);
    assert_int_equal(store_read(after, 2, &row), 0);
    assert_int_equal(store_read(after, 0, &row), -ENOENT);
    assert_int_equal(store_find_time(before, UINT64_MAX, &seq), 0);
    assert_int_equal(seq, 2);
    store_slice_end(&after);
    store_slice_end(&before);
    assert_int_equal(store_slice_begin(kit->st, &before), 0);
    assert_int_equal(store_read(before, 2, &row), 0);
    store_slice_end(&before);
}

static void
records_are_read_in_any_order(void **state)
{
    struct kit *kit = *state;
    uint32_t entries[3] = {STORE_CLEAR_ENTRY, take(kit), take(kit)};
    struct store_slice *slice = NULL;
    struct store_row row;

    for (uint64_t i = 1; i <= 300; i++)
        append(kit, i, entries[i % 3]);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (uint64_t i = 1; i <= 300; i++) {
        assert_int_equal(store_read(slice, i, &row), 0);
        assert_true(kit_row_is(&row, i, entries[i % 3]));
    }
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t seq = 1 + i * 37 % 300;

        assert_int_equal(store_read(slice, seq, &row), 0);
        assert_true(kit_row_is(&row, seq, entries[seq % 3]));
    }
    store_slice_end(&slice);
}

static void
the_entries_of_many_records_are_read_at_once(void **state)
{
    struct kit *kit = *state;
    struct store_slice *slice = NULL;
    uint32_t entries[10], a = take(kit), b = take(kit);
    size_t count = 7;

    append(kit, 1, a);
    append(kit, 2, STORE_CLEAR_ENTRY);
    append(kit, 3, b);
    append(kit, 4, a);
    assert_int_equal(store_commit(kit->st), 0);
    append(kit, 5, b); /* not committed */
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read_entries(slice, 2, entries, 2, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(entries[0], STORE_CLEAR_ENTRY);
    assert_int_equal(entries[1], b);
    assert_int_equal(store_read_entries(slice, 1, entries, 10, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(entries[0], a);
    assert_int_equal(entries[3], a);
    assert_int_equal(store_read_entries(slice, 5, entries, 10, &count), 0);
    assert_int_equal(count, 0);
    store_slice_end(&slice);
}

/* More of them than the cache of keys begins with. */
static void
records_of_thousands_of_dossiers_are_read_in_any_order(void **state)
{
    enum { DOSSIERS = 2500, STRIDE = 1501 };
    struct kit *kit = *state;
    struct store_slice *slice = NULL;
    struct store_row row;

    for (unsigned i = 1; i <= DOSSIERS; i++)
        append(kit, i, take(kit));
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (unsigned i = 0; i < 2 * DOSSIERS; i++) {
        unsigned seq = i * STRIDE % DOSSIERS + 1;

        assert_int_equal(store_read(slice, seq, &row), 0);
        assert_true(kit_row_is(&row, seq, seq));
    }
    store_slice_end(&slice);
}

static void
time_is_found_by_its_first_record(void **state)
{
    static const uint64_t times[] = {10, 10, 20, 30, 30, 30, 40};
    static const uint64_t probes[][2] = {{0, 1},  {10, 1}, {11, 3}, {20, 3}, {21, 4},
                                         {30, 4}, {31, 7}, {40, 7}, {41, 8}};
    struct kit *kit = *state;
    struct store_slice *slice = NULL;
    struct kit_record r;
    uint64_t seq = 0;

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_find_time(slice, 0, &seq), 0);
    assert_int_equal(seq, 1); /* an empty log */
    store_slice_end(&slice);
    for (unsigned i = 0; i < 7; i++) {
        kit_record(&r, i, STORE_CLEAR_ENTRY);
        r.record.ts_ms = times[i];
        assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (unsigned i = 0; i < sizeof probes / sizeof *probes; i++) {
        assert_int_equal(store_find_time(slice, probes[i][0], &seq), 0);
        assert_int_equal(seq, probes[i][1]);
    }
    store_slice_end(&slice);
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

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
        KIT_TEST(append_refuses_more_than_a_batch),
        KIT_TEST(a_record_may_be_as_large_as_promised_and_no_larger),
        KIT_TEST(a_record_may_have_empty_parts_or_none),
        KIT_TEST(the_leaf_is_the_one_of_the_format),
        KIT_TEST(a_failed_commit_latches_and_nothing_of_it_counts),
        KIT_TEST(a_disk_that_takes_no_more_latches),
        KIT_TEST(a_full_log_says_so_and_stays_readable),
        KIT_TEST(an_append_beyond_the_map_drops_the_batch_and_latches),
        KIT_TEST(the_map_grows_up_to_its_bound),
        KIT_TEST(an_entry_without_a_committed_record_is_free_after_a_restart),
        KIT_TEST(entries_go_on_beyond_what_is_made_at_a_time),
        KIT_TEST(no_content_and_no_key_lies_in_any_file),
        KIT_TEST(the_id_table_sees_the_open_batch),
        KIT_TEST(read_pending_reads_the_batch_and_the_log),
        KIT_TEST(cursors_move_in_the_commit),
        KIT_TEST(cursors_are_listed_by_unit),
        KIT_TEST(cursors_and_values_have_bounds),
        KIT_TEST(values_are_listed_by_prefix),
        KIT_TEST(a_slice_is_a_view_of_one_moment),
        KIT_TEST(records_are_read_in_any_order),
        KIT_TEST(the_entries_of_many_records_are_read_at_once),
        KIT_TEST(records_of_thousands_of_dossiers_are_read_in_any_order),
        KIT_TEST(time_is_found_by_its_first_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
