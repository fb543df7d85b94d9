/* What store.h says of erasing: the key first, for good; then the content, while leaves and proofs stay. */
#include "tests/unit/test_store_kit.h"

#include "store/erased.h"
#include "store/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ERASED  1u /* entries of two dossiers */
#define KEPT    2u
#define RECORDS 12u

/* Odd records belong to ERASED, even ones to KEPT. */
static void
fill(struct kit *kit)
{
    uint32_t entry;
    uint64_t seq;

    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(entry, ERASED);
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(entry, KEPT);
    for (uint64_t i = 1; i <= RECORDS; i++)
        assert_int_equal(kit_append(kit, i, i % 2 == 1 ? ERASED : KEPT, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
}

/* Every record of ERASED reads as erased, every other one is whole. */
static void
assert_erased(struct kit *kit)
{
    struct store_slice *slice = NULL;
    struct store_row row;

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (uint64_t seq = 1; seq <= RECORDS; seq++) {
        assert_int_equal(store_read(slice, seq, &row), 0);
        assert_int_equal(row.leaf.seq, seq);
        if (seq % 2 == 0) {
            assert_true(kit_row_is(&row, seq, KEPT));
        } else {
            assert_true(row.erased);
            assert_int_equal(row.part_count, 0);
        }
    }
    store_slice_end(&slice);
}

static void
key_bytes(struct kit *kit, uint32_t entry, uint8_t ret[KEYS_ENTRY_SIZE])
{
    char path[PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof path, "%s/" KEYS_FILE, kit->key_dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, ret, KEYS_ENTRY_SIZE, (off_t)entry * KEYS_ENTRY_SIZE), KEYS_ENTRY_SIZE);
    close(fd);
}

static void
key_bytes_put(struct kit *kit, uint32_t entry, const uint8_t *bytes, size_t len, size_t at)
{
    char path[PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof path, "%s/" KEYS_FILE, kit->key_dir);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, (off_t)(entry * KEYS_ENTRY_SIZE + at)), len);
    close(fd);
}

/* generation 2, state erased, and nothing else */
static void
assert_key_is_gone(struct kit *kit, uint32_t entry)
{
    uint8_t bytes[KEYS_ENTRY_SIZE], want[KEYS_ENTRY_SIZE] = {0, 0, 0, 2, 2};

    key_bytes(kit, entry, bytes);
    assert_memory_equal(bytes, want, sizeof want);
}

static void
an_erased_key_takes_the_content_of_its_dossier_and_of_no_other(void **state)
{
    struct kit *kit = *state;
    uint64_t seq, seqs[4];
    size_t count;

    fill(kit);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_key_is_gone(kit, ERASED);
    assert_erased(kit); /* at once: memory had the key */
    assert_int_equal(kit_append(kit, 100, ERASED, &seq), -EINVAL);
    assert_int_equal(store_find(kit->st, ERASED, 1, seqs, 4, &count), 0);
    assert_int_equal(count, 0);
    kit_reopen(kit);
    assert_erased(kit);
    assert_int_equal(kit_append(kit, 100, KEPT, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
}

static void
erasing_again_changes_nothing(void **state)
{
    struct kit *kit = *state;

    fill(kit);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_key_is_gone(kit, ERASED);
    kit_reopen(kit);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_key_is_gone(kit, ERASED);
    assert_erased(kit);
}

/* A power cut wrote the half with the state, and left wrapped key. */
static void
a_key_that_was_erased_by_half_is_erased_whole(void **state)
{
    static const uint8_t head[16] = {0, 0, 0, 2, 2};
    struct kit *kit = *state;

    fill(kit);
    store_close(&kit->st);
    key_bytes_put(kit, ERASED, head, sizeof head, 0);
    assert_int_equal(kit_open(kit), 0);
    assert_erased(kit);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_key_is_gone(kit, ERASED);
}

/* And the other half: the entry says that it is live, and nothing unwraps. */
static void
a_key_that_lost_its_other_half_is_erased_whole(void **state)
{
    static const uint8_t zero[48] = {0};
    struct kit *kit = *state;

    fill(kit);
    key_bytes_put(kit, ERASED, zero, sizeof zero, 32);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_key_is_gone(kit, ERASED);
    assert_erased(kit);
}

static void
what_no_record_uses_is_not_erased(void **state)
{
    uint8_t before[KEYS_ENTRY_SIZE], after[KEYS_ENTRY_SIZE];
    struct kit *kit = *state;

    fill(kit);
    key_bytes(kit, KEPT + 1, before);
    assert_int_equal(store_key_erase(kit->st, KEPT + 1), -EINVAL);
    assert_int_equal(store_key_erase(kit->st, STORE_CLEAR_ENTRY), -EINVAL);
    assert_int_equal(store_key_erase(kit->st, UINT32_MAX), -EINVAL);
    key_bytes(kit, KEPT + 1, after);
    assert_memory_equal(before, after, sizeof before);
}

static void
dropped_content_leaves_leaf_root_and_proofs(void **state)
{
    uint8_t before[MERKLE_HASH_SIZE], after[MERKLE_HASH_SIZE], id[16];
    struct merkle_proof proof;
    struct kit *kit = *state;
    struct store_row row;
    uint32_t entry = 0;
    uint64_t seq;

    fill(kit);
    assert_int_equal(store_tree_root(kit->st, RECORDS, before), 0);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    for (uint64_t i = 1; i <= RECORDS; i += 2)
        assert_int_equal(store_content_drop(kit->st, i), 0);
    assert_int_equal(kit_append(kit, 100, KEPT, &seq), 0); /* others go on in the same batch */
    assert_int_equal(seq, RECORDS + 1);
    assert_int_equal(store_commit(kit->st), 0);
    for (unsigned i = 0; i < 2; i++) {
        struct store_slice *slice = NULL;

        assert_erased(kit);
        assert_int_equal(store_slice_begin(kit->st, &slice), 0);
        assert_int_equal(store_read(slice, 1, &row), 0);
        assert_int_equal(row.entry, STORE_NO_ENTRY); /* the row does not even name an entry */
        assert_int_equal(store_read_leaf(slice, 2, &row.leaf, &entry), 0);
        assert_int_equal(entry, KEPT);
        store_slice_end(&slice);
        assert_int_equal(store_tree_root(kit->st, RECORDS, after), 0);
        assert_memory_equal(before, after, sizeof before);
        assert_int_equal(store_prove_inclusion(kit->st, 1, RECORDS, &proof), 0);
        kit_id(1, id);
        assert_int_equal(store_id_find(kit->st, id, &seq), 0); /* its id stays known */
        assert_int_equal(seq, 1);
        kit_reopen(kit);
    }
}

static void
content_that_can_be_read_is_not_dropped(void **state)
{
    struct kit *kit = *state;
    uint64_t seq;

    fill(kit);
    assert_int_equal(store_content_drop(kit->st, 1), -EINVAL);
    assert_int_equal(store_content_drop(kit->st, RECORDS + 1), -ENOENT);
    assert_int_equal(store_content_drop(kit->st, 0), -ENOENT);
    assert_false(store_has_batch(kit->st));
    assert_int_equal(kit_append(kit, 100, STORE_CLEAR_ENTRY, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_content_drop(kit->st, seq), -EINVAL); /* of no dossier: nothing erases it */
}

static void
dropping_is_part_of_the_batch_and_may_be_repeated(void **state)
{
    struct kit *kit = *state;
    struct store_slice *slice = NULL;
    struct store_row row;

    fill(kit);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_int_equal(store_content_drop(kit->st, 1), 0);
    store_rollback(kit->st);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, 1, &row), 0);
    assert_int_equal(row.entry, ERASED); /* as it was */
    store_slice_end(&slice);
    assert_int_equal(store_content_drop(kit->st, 1), 0);
    assert_int_equal(store_content_drop(kit->st, 1), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_content_drop(kit->st, 1), 0);
    assert_false(store_has_batch(kit->st));
    assert_erased(kit);
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

/* ---- the list of destroyed keys (erased.h) */

static void
with_list(struct kit *kit, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/guard.erased", kit->root);
    kit->options.erased_path = path;
    kit_reopen(kit);
}

static void
an_older_key_store_that_is_put_back_loses_the_key_again(void **state)
{
    struct kit *kit = *state;
    uint8_t live[2][KEYS_ENTRY_SIZE];
    char path[PATH_MAX];
    struct store_slice *slice = NULL;
    struct store_row row;

    with_list(kit, path);
    fill(kit);
    for (uint32_t entry = ERASED; entry <= KEPT; entry++)
        key_bytes(kit, entry, live[entry - ERASED]);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0); /* may be repeated, and is entered once */
    for (unsigned i = 0; i < 2; i++) {                     /* twice: what is entered stays entered */
        store_close(&kit->st);
        key_bytes_put(kit, ERASED, live[0], KEYS_ENTRY_SIZE, 0);
        assert_int_equal(kit_open(kit), 0);
        assert_erased(kit);
    }
    store_close(&kit->st);
    key_bytes_put(kit, ERASED, live[0], KEYS_ENTRY_SIZE, 0);
    kit->options.erased_path = NULL; /* without the list nobody knows */
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, 1, &row), 0);
    assert_true(kit_row_is(&row, 1, ERASED));
    store_slice_end(&slice);
}

static void
the_list_is_of_one_log_and_half_a_line_of_it_counts_for_nothing(void **state)
{
    struct kit *kit = *state;
    char path[PATH_MAX];
    struct stat sb;
    uint8_t byte;
    int fd;

    with_list(kit, path);
    fill(kit);
    assert_int_equal(access(path, F_OK), -1); /* made by the first one */
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    store_close(&kit->st);
    assert_int_equal(truncate(path, 32 + ERASED_RECORD_SIZE), 0); /* as lists without room were */
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "\0\0\0\2\0", 5), 5); /* the power was cut while KEPT was entered */
    close(fd);
    assert_int_equal(kit_open(kit), 0);
    assert_erased(kit);
    assert_int_equal(store_key_erase(kit->st, KEPT), 0);
    store_close(&kit->st);
    assert_int_equal(stat(path, &sb), 0);
    assert_true(sb.st_size >= 32 + 2 * (off_t)ERASED_RECORD_SIZE);
    assert_int_equal(sb.st_size % (off_t)ERASED_RECORD_SIZE, 0); /* nothing is left of the half one */
    assert_int_equal(kit_open(kit), 0);
    assert_true(store_key_is_erased(kit->st, KEPT));
    store_close(&kit->st);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, 16), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 16), 1); /* the pair's */
    close(fd);
    assert_int_equal(kit_open(kit), -EBADMSG);
    assert_non_null(strstr(store_open_damage(), "list of destroyed keys"));
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    close(fd);
    assert_int_equal(kit_open(kit), -EBADMSG); /* an empty one is none either */
}

/* A file system may leave anything where a file became longer and the power was cut. */
static void
an_entry_does_not_make_the_list_longer_and_a_full_one_is_made_anew(void **state)
{
    static const uint8_t pair[KEYS_PAIR_SIZE] = {7};
    struct kit *kit = *state;
    struct erased *list = NULL;
    char path[PATH_MAX];
    struct stat before, after;
    unsigned longer = 0;

    (void)snprintf(path, PATH_MAX, "%s/list", kit->root);
    for (uint32_t entry = 1; entry <= 600; entry++) {
        if (list == NULL)
            assert_int_equal(erased_open(&list, path, pair), 0);
        assert_int_equal(stat(path, &before), entry == 1 ? -1 : 0);
        assert_int_equal(erased_add(list, entry, 1, NULL), 0);
        assert_int_equal(stat(path, &after), 0);
        if (entry > 1 && after.st_size != before.st_size) {
            assert_int_not_equal(after.st_ino, before.st_ino); /* a file of its own, in the old one's place */
            longer++;
        }
        if (entry % 100 == 0)
            erased_close(&list);
    }
    assert_in_range(longer, 1, 5);
    assert_int_equal(erased_open_copy(&list, path, pair), 0);
    for (uint32_t entry = 1; entry <= 600; entry++)
        assert_true(erased_names(list, entry, 1));
    assert_false(erased_names(list, 601, 1));
    erased_close(&list);
}

/* An older log and an older key store, that ends before an entry that was destroyed since: its number is named in the
 * list, and must not become the key of somebody else, which the next start would destroy. */
static void
an_entry_in_the_list_is_not_made_anew(void **state)
{
    struct kit *kit = *state;
    uint8_t pair[KEYS_PAIR_SIZE];
    struct erased *list = NULL;
    char path[PATH_MAX], keys[PATH_MAX + 8];
    struct store_slice *slice = NULL;
    struct store_row row;
    uint32_t entry = 0;
    uint64_t seq;
    int fd;

    with_list(kit, path);
    fill(kit);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0);
    store_close(&kit->st);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, pair, sizeof pair, 16), sizeof pair);
    close(fd);
    assert_int_equal(erased_open(&list, path, pair), 0);
    assert_int_equal(erased_add(list, KEPT + 1, 1, NULL), 0);
    erased_close(&list);
    (void)snprintf(keys, sizeof keys, "%s/%s", kit->options.key_dir, KEYS_FILE);
    assert_int_equal(truncate(keys, (KEPT + 1) * KEYS_ENTRY_SIZE), 0);

    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(entry, KEPT + 2);
    assert_int_equal(kit_append(kit, 100, entry, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, seq, &row), 0);
    assert_true(kit_row_is(&row, 100, entry));
    store_slice_end(&slice);
}

struct listed {
    uint32_t entry, generation;
    uint8_t mark[STORE_MARK_SIZE];
    unsigned count;
};

static int
listed_take(void *arg, uint32_t entry, uint32_t generation, const uint8_t mark[STORE_MARK_SIZE])
{
    struct listed *listed = arg;

    listed->entry = entry;
    listed->generation = generation;
    memcpy(listed->mark, mark, STORE_MARK_SIZE);
    listed->count++;
    return 0;
}

static void
the_list_tells_what_the_key_was_known_by(void **state)
{
    static const uint8_t none[STORE_MARK_SIZE], mark[STORE_MARK_SIZE] = {1, 2, 3};
    struct kit *kit = *state;
    struct listed listed = {.count = 0};
    char path[PATH_MAX];

    fill(kit);
    assert_int_equal(store_erased_each(kit->st, listed_take, &listed), 0);
    assert_int_equal(listed.count, 0); /* without a list */
    with_list(kit, path);
    assert_int_equal(store_key_erase(kit->st, ERASED), 0); /* a document's is known by nothing */
    assert_int_equal(store_erased_each(kit->st, listed_take, &listed), 0);
    assert_int_equal(listed.count, 1);
    assert_memory_equal(listed.mark, none, sizeof none);
    assert_int_equal(store_key_erase_marked(kit->st, ERASED, mark), 0); /* whoever did it first did not know */
    for (unsigned i = 0; i < 2; i++) {
        listed.count = 0;
        assert_int_equal(store_erased_each(kit->st, listed_take, &listed), 0);
        assert_int_equal(listed.count, 1); /* once */
        assert_int_equal(listed.entry, ERASED);
        assert_int_equal(listed.generation, 1);
        assert_memory_equal(listed.mark, mark, sizeof mark);
        kit_reopen(kit);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(an_erased_key_takes_the_content_of_its_dossier_and_of_no_other),
        KIT_TEST(erasing_again_changes_nothing),
        KIT_TEST(a_key_that_was_erased_by_half_is_erased_whole),
        KIT_TEST(a_key_that_lost_its_other_half_is_erased_whole),
        KIT_TEST(what_no_record_uses_is_not_erased),
        KIT_TEST(dropped_content_leaves_leaf_root_and_proofs),
        KIT_TEST(content_that_can_be_read_is_not_dropped),
        KIT_TEST(dropping_is_part_of_the_batch_and_may_be_repeated),
        cmocka_unit_test_setup_teardown(an_older_key_store_that_is_put_back_loses_the_key_again, kit_setup,
                                        kit_teardown),
        KIT_TEST(an_entry_in_the_list_is_not_made_anew),
        KIT_TEST(the_list_tells_what_the_key_was_known_by),
        KIT_TEST(an_entry_does_not_make_the_list_longer_and_a_full_one_is_made_anew),
        cmocka_unit_test_setup_teardown(the_list_is_of_one_log_and_half_a_line_of_it_counts_for_nothing, kit_setup,
                                        kit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
