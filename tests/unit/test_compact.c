/*
 * What compact.h says, in its order: a fresh file with the same rows and without what was erased; and when it does not
 * come to that, a log that is as it was. statvfs and posix_fadvise are wrapped: the disk can be small, and what it
 * gives back another thing than what was written.
 */
#include "tests/unit/test_store_kit.h"

#include "store/compact.h"
#include "store/doc.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define GONE    1u /* entries of two dossiers */
#define KEPT    2u
#define RECORDS 600u
#define DOC     70000u

int __real_statvfs(const char *path, struct statvfs *ret);
int __wrap_statvfs(const char *path, struct statvfs *ret);
int __real_posix_fadvise(int fd, off_t at, off_t len, int advice);
int __wrap_posix_fadvise(int fd, off_t at, off_t len, int advice);

static uint64_t blocks_free;   /* 0: as it is */
static const uint8_t *spoiled; /* bytes of which one is changed in the file */
static size_t spoiled_len;

int
__wrap_statvfs(const char *path, struct statvfs *ret)
{
    int rc = __real_statvfs(path, ret);

    if (blocks_free != 0)
        ret->f_bavail = blocks_free;
    return rc;
}

int
__wrap_posix_fadvise(int fd, off_t at, off_t len, int advice)
{
    struct stat sb;
    uint8_t *bytes, *found;

    if (spoiled != NULL) {
        assert_int_equal(fstat(fd, &sb), 0);
        bytes = mmap(NULL, (size_t)sb.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(bytes != MAP_FAILED);
        found = memmem(bytes, (size_t)sb.st_size, spoiled, spoiled_len);
        assert_non_null(found);
        found[spoiled_len / 2] ^= 1;
        assert_int_equal(munmap(bytes, (size_t)sb.st_size), 0);
    }
    return __real_posix_fadvise(fd, at, len, advice);
}

/* ---- a log to be compacted */

static void
document_add(struct kit *kit, uint32_t dossier)
{
    static uint8_t bytes[DOC];
    struct store_doc doc = {.size = DOC, .owner = "sw", .began_ms = 1000};
    struct digest none;

    memset(bytes, (int)('0' + dossier), sizeof bytes);
    digest_begin(&none);
    digest_end(&none, bytes, sizeof bytes, doc.digest);
    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    assert_int_equal(store_doc_put(kit->st, &doc, bytes, sizeof bytes), 0);
    assert_int_equal(store_doc_bind(kit->st, &doc, dossier), 0);
    assert_int_equal(store_commit(kit->st), 0);
}

/* Odd records are of GONE, even ones of KEPT; a document each, a cursor, a value, a checkpoint. */
static void
fill(struct kit *kit)
{
    struct store_cursor cursor = {.seq = 3, .acked_ms = 5, .filter = (const uint8_t *)"filter", .filter_len = 6};
    uint64_t seq;

    assert_int_equal(kit_take(kit), GONE);
    assert_int_equal(kit_take(kit), KEPT);
    for (uint64_t i = 1; i <= RECORDS; i++)
        assert_int_equal(kit_append(kit, i, i % 2 == 1 ? GONE : KEPT, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    document_add(kit, GONE);
    document_add(kit, KEPT);
    assert_int_equal(store_cursor_put(kit->st, "sw", "inbox", &cursor), 0);
    assert_int_equal(store_value_put(kit->st, "name", "value", 5), 0);
    assert_int_equal(store_checkpoint_put(kit->st, RECORDS, "a note", 6), 0);
    assert_int_equal(store_commit(kit->st), 0);
}

struct sealed {
    uint8_t bytes[512];
    size_t len;
};

/* What lies sealed in a record's row. */
static struct sealed
sealed_of(struct kit *kit, uint64_t seq)
{
    struct sealed ret;
    struct row row;
    MDB_txn *txn;

    assert_int_equal(view_begin(kit->st, &txn), 0);
    assert_int_equal(row_get(kit->st, txn, seq, &row), 0);
    assert_true(!row.erased && row.blob_len <= sizeof ret.bytes);
    memcpy(ret.bytes, row.blob, row.blob_len);
    ret.len = row.blob_len;
    view_end(kit->st);
    return ret;
}

/* And in the first chunk of the document with this key entry. */
static struct sealed
chunk_of(struct kit *kit, uint32_t entry)
{
    uint8_t name[9] = {'c', 0, 0, 0, (uint8_t)entry};
    MDB_val key = {.mv_size = sizeof name, .mv_data = name}, val;
    struct sealed ret = {.len = sizeof ret.bytes};
    MDB_txn *txn;

    assert_int_equal(view_begin(kit->st, &txn), 0);
    assert_int_equal(mdb_get(txn, kit->st->doc, &key, &val), 0);
    assert_true(val.mv_size > 1000 + sizeof ret.bytes);
    memcpy(ret.bytes, (const uint8_t *)val.mv_data + 1000, sizeof ret.bytes);
    view_end(kit->st);
    return ret;
}

static void
erase(struct kit *kit)
{
    size_t count;

    assert_int_equal(store_key_erase(kit->st, GONE), 0);
    assert_int_equal(store_doc_erase(kit->st, GONE, &count), 0);
    assert_int_equal(count, 1);
    for (uint64_t seq = 1; seq <= RECORDS; seq += 2)
        assert_int_equal(store_content_drop(kit->st, seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
}

static void
assert_all_there(struct kit *kit)
{
    struct store_cursor cursor;
    struct store_slice *slice = NULL;
    struct store_row row;
    struct merkle_proof proof;
    uint8_t id[16];
    uint64_t seq, size;
    const char *note;
    size_t len, count;

    assert_int_equal(store_head(kit->st), RECORDS);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (seq = 1; seq <= RECORDS; seq++) {
        uint64_t found;

        assert_int_equal(store_read(slice, seq, &row), 0);
        assert_true(seq % 2 == 1 ? row.erased : kit_row_is(&row, seq, KEPT));
        kit_id(seq, id);
        assert_int_equal(store_id_find(kit->st, id, &found), 0);
        assert_int_equal(found, seq);
    }
    store_slice_end(&slice);
    assert_int_equal(store_prove_inclusion(kit->st, 7, RECORDS, &proof), 0);
    assert_int_equal(store_cursor_get(kit->st, "sw", "inbox", &cursor), 0);
    assert_int_equal(cursor.seq, 3);
    assert_memory_equal(cursor.filter, "filter", 6);
    assert_int_equal(store_checkpoint_get(kit->st, RECORDS, &size, &note, &len), 0);
    assert_memory_equal(note, "a note", 6);
    assert_int_equal(store_doc_count(kit->st, KEPT, &count), 0);
    assert_int_equal(count, 1);
}

static bool
is_there(const struct kit *kit, const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", kit->dir, name);
    return access(path, F_OK) == 0;
}

/* ---- */

static void
a_fresh_file_has_the_same_rows_and_nothing_of_what_was_erased(void **state)
{
    struct kit *kit = *state;
    struct sealed gone, kept, chunk, kept_chunk;
    struct compact_report report;
    uint8_t before[MERKLE_HASH_SIZE], after[MERKLE_HASH_SIZE];
    uint64_t seq;

    fill(kit);
    gone = sealed_of(kit, 301);
    kept = sealed_of(kit, 302);
    chunk = chunk_of(kit, KEPT + 1);
    kept_chunk = chunk_of(kit, KEPT + 2);
    erase(kit);
    assert_int_equal(store_tree_root(kit->st, RECORDS, before), 0);
    assert_true(kit_grep(kit->dir, gone.bytes, gone.len) > 0); /* pages that were given up */
    assert_true(kit_grep(kit->dir, chunk.bytes, chunk.len) > 0);
    assert_int_equal(compact_make(kit->st, kit->dir, &report), 0);
    assert_true(report.bytes_after < report.bytes_before);
    assert_true(report.bytes_after <= report.bytes_needed);
    assert_true(report.rows > 2 * RECORDS);
    assert_all_there(kit); /* the store goes on as it is */
    assert_int_equal(compact_place(kit->st, kit->dir), 0);
    assert_int_equal(kit_grep(kit->dir, gone.bytes, gone.len), 0);
    assert_int_equal(kit_grep(kit->dir, chunk.bytes, chunk.len), 0);
    assert_int_equal(kit_grep(kit->dir, kept.bytes, kept.len), 1);
    assert_int_equal(kit_grep(kit->dir, kept_chunk.bytes, kept_chunk.len), 1);
    assert_false(is_there(kit, COMPACT_DIR));
    assert_int_equal(kit_append(kit, RECORDS + 1, KEPT, &seq), -EIO); /* into a file that has no name */
    kit_reopen(kit);
    assert_all_there(kit);
    assert_int_equal(store_tree_root(kit->st, RECORDS, after), 0);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(kit_add(kit, RECORDS + 1, KEPT), RECORDS + 1);
}

static void
what_an_attempt_left_is_removed_when_the_log_is_opened(void **state)
{
    struct kit *kit = *state;
    struct compact_report report;

    fill(kit);
    erase(kit);
    assert_int_equal(compact_make(kit->st, kit->dir, &report), 0);
    assert_true(is_there(kit, COMPACT_DIR "/log/data.mdb"));
    kit_reopen(kit);
    assert_false(is_there(kit, COMPACT_DIR));
    assert_all_there(kit);
    assert_int_equal(compact_remove(kit->dir), 0); /* there is none */
    assert_int_equal(compact_make(kit->st, kit->dir, &report), 0);
    assert_int_equal(compact_make(kit->st, kit->dir, &report), 0); /* over what is there */
    assert_int_equal(compact_remove(kit->dir), 0);
    assert_false(is_there(kit, COMPACT_DIR));
}

static void
what_is_not_ours_in_its_place_is_not_removed(void **state)
{
    struct kit *kit = *state;
    char path[PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof path, "%s/" COMPACT_DIR, kit->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/" COMPACT_DIR "/letter", kit->dir);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(compact_remove(kit->dir), -ENOTEMPTY);
    store_close(&kit->st);
    assert_int_equal(store_open(&kit->st, &kit->options), -ENOTEMPTY);
    assert_non_null(strstr(store_open_damage(), COMPACT_DIR));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_open(&kit->st, &kit->options), 0);
}

/* A process that holds a view of the log, as one that makes a backup does. */
static pid_t
reader_start(const struct kit *kit)
{
    char log_dir[PATH_MAX], ready;
    int ends[2];
    pid_t child;

    (void)snprintf(log_dir, sizeof log_dir, "%s/log", kit->dir);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        MDB_env *env = NULL;
        MDB_txn *txn = NULL;
        bool ok = mdb_env_create(&env) == 0 && mdb_env_open(env, log_dir, MDB_RDONLY | MDB_NOTLS, 0600) == 0 &&
                  mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0;

        ready = ok ? 'y' : 'n';
        if (write(ends[1], &ready, 1) == 1)
            (void)pause();
        _exit(1);
    }
    assert_true(child > 0);
    close(ends[1]);
    assert_int_equal(read(ends[0], &ready, 1), 1);
    assert_int_equal(ready, 'y');
    close(ends[0]);
    return child;
}

static void
while_another_process_reads_the_log_nothing_is_done(void **state)
{
    struct kit *kit = *state;
    struct compact_report report;
    pid_t child;

    fill(kit);
    child = reader_start(kit);
    assert_int_equal(compact_make(kit->st, kit->dir, &report), -EBUSY);
    assert_false(is_there(kit, COMPACT_DIR));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(compact_make(kit->st, kit->dir, &report), 0);
}

static void
without_room_for_a_second_file_nothing_is_made(void **state)
{
    struct kit *kit = *state;
    struct compact_report report;

    fill(kit);
    erase(kit);
    blocks_free = 3;
    assert_int_equal(compact_make(kit->st, kit->dir, &report), -ENOSPC);
    blocks_free = 0;
    assert_true(report.bytes_free < report.bytes_needed);
    assert_false(is_there(kit, COMPACT_DIR));
    assert_all_there(kit);
}

static void
a_new_file_that_reads_back_otherwise_is_none(void **state)
{
    struct kit *kit = *state;
    struct compact_report report;
    struct sealed kept;

    fill(kit);
    kept = sealed_of(kit, 302);
    erase(kit);
    spoiled = kept.bytes;
    spoiled_len = kept.len;
    assert_int_equal(compact_make(kit->st, kit->dir, &report), -EBADMSG);
    spoiled = NULL;
    assert_non_null(strstr(store_damage(kit->st), "database ev"));
    kit_reopen(kit);
    assert_all_there(kit);
}

static void
a_database_that_is_not_known_is_not_lost(void **state)
{
    struct kit *kit = *state;
    struct compact_report report;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;

    fill(kit);
    assert_int_equal(mdb_txn_begin(kit->st->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "later", MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    assert_int_equal(compact_make(kit->st, kit->dir, &report), -EBADMSG);
    assert_non_null(strstr(store_damage(kit->st), "other databases"));
    assert_false(is_there(kit, COMPACT_DIR));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_fresh_file_has_the_same_rows_and_nothing_of_what_was_erased),
        KIT_TEST(what_an_attempt_left_is_removed_when_the_log_is_opened),
        KIT_TEST(what_is_not_ours_in_its_place_is_not_removed),
        KIT_TEST(while_another_process_reads_the_log_nothing_is_done),
        KIT_TEST(without_room_for_a_second_file_nothing_is_made),
        KIT_TEST(a_new_file_that_reads_back_otherwise_is_none),
        KIT_TEST(a_database_that_is_not_known_is_not_lost),
    };

    return cmocka_run_group_tests_name("store: compact", tests, NULL, NULL);
}
