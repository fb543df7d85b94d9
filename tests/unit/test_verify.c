/* What verify.h says: a copy holds, or the first thing that does not fit is named; also where reading it kills. */
#include "store/verify.h"
#include "tests/unit/test_store_kit.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORDS 300u
#define SIGNED  280u /* records in the newest checkpoint */
#define SEEDS   500u /* copies that are damaged */

struct copy {
    struct kit *kit;
    struct note_signer signer;
    struct note_checkpoint newest;
    char data[PATH_MAX];
    uint8_t *good; /* the log's file as it was */
    size_t size;
};

static void
checkpoint_put(struct copy *c, uint64_t size, bool right)
{
    char text[NOTE_CHECKPOINT_TEXT_SIZE], *note;
    size_t len;

    c->newest = (struct note_checkpoint){.origin = KIT_ORIGIN, .size = size};
    assert_int_equal(store_tree_root(c->kit->st, size, c->newest.root), 0);
    if (!right)
        c->newest.root[0] ^= 1;
    assert_int_equal(note_checkpoint_format(&c->newest, text, &len), 0);
    assert_int_equal(note_sign(text, len, &c->signer, 1, &note, &len), 0);
    assert_int_equal(store_checkpoint_put(c->kit->st, size, note, len), 0);
    free(note);
}

static void
file_load(struct copy *c)
{
    struct stat sb;
    int fd;

    snprintf(c->data, sizeof c->data, "%s/log/data.mdb", c->kit->dir);
    fd = open(c->data, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &sb), 0);
    c->size = (size_t)sb.st_size;
    free(c->good);
    c->good = malloc(c->size);
    assert_non_null(c->good);
    assert_int_equal(read(fd, c->good, c->size), c->size);
    close(fd);
}

/* A closed log of records of two dossiers and of none, signed; right: with a checkpoint that fits. */
static int
make(void **state, bool right)
{
    struct copy *c = calloc(1, sizeof *c);
    uint8_t seed[NOTE_SEED_SIZE] = {9};
    uint32_t entries[2];
    uint64_t seq;
    void *kit;

    assert_non_null(c);
    assert_int_equal(kit_setup(&kit), 0);
    c->kit = kit;
    assert_int_equal(note_signer_make(KIT_ORIGIN, seed, &c->signer), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(store_key_take(c->kit->st, &entries[i]), 0);
    for (uint64_t i = 1; i <= RECORDS; i++) {
        assert_int_equal(kit_append(c->kit, i, i % 3 == 0 ? STORE_CLEAR_ENTRY : entries[i % 2], &seq), 0);
        if (i % 70 == 0 || i == SIGNED || i == RECORDS)
            assert_int_equal(store_commit(c->kit->st), 0);
        if (i == SIGNED)
            checkpoint_put(c, SIGNED, right);
    }
    assert_int_equal(store_find_flush(c->kit->st, true), 0);
    store_close(&c->kit->st);
    file_load(c);
    *state = c;
    return 0;
}

static int
setup(void **state)
{
    return make(state, true);
}

static int
setup_wrong(void **state)
{
    return make(state, false);
}

static int
teardown(void **state)
{
    struct copy *c = *state;
    void *kit = c->kit;

    free(c->good);
    free(c);
    return kit_teardown(&kit);
}

static struct verify_options
options_of(const struct copy *c, bool keys)
{
    return (struct verify_options){.dir = c->kit->dir,
                                   .key_dir = keys ? c->kit->key_dir : NULL,
                                   .kek_path = keys ? c->kit->kek : NULL,
                                   .keys = &c->signer.key,
                                   .key_count = 1};
}

static void
seq_key(uint64_t seq, uint8_t ret[8])
{
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t)(seq >> (56 - 8 * i));
}

/* ---- */

static void
a_whole_copy_holds_and_is_not_touched(void **state)
{
    struct copy *c = *state;
    struct verify_options without = options_of(c, false), with = options_of(c, true);
    struct verify_report report;
    uint8_t *before = c->good;

    assert_int_equal(verify_copy(&without, &report), 0);
    assert_int_equal(report.records, RECORDS);
    assert_int_equal(report.signed_size, SIGNED);
    assert_int_equal(report.unopened, RECORDS - RECORDS / 3);
    assert_int_equal(verify_copy(&with, &report), 0);
    assert_int_equal(report.unopened, 0);
    assert_string_equal(report.what, "");
    c->good = NULL;
    file_load(c);
    assert_memory_equal(before, c->good, c->size);
    free(before);
    assert_int_equal(kit_open(c->kit), 0); /* no lock is left */
}

static void
a_known_checkpoint_must_be_contained(void **state)
{
    struct copy *c = *state;
    struct verify_options options = options_of(c, false);
    struct note_checkpoint trusted = c->newest;
    struct verify_report report;

    options.trusted = &trusted;
    assert_int_equal(verify_copy(&options, &report), 0);
    trusted.root[31] ^= 1;
    assert_int_equal(verify_copy(&options, &report), -ESTALE);
    trusted = c->newest;
    trusted.size = RECORDS + 1;
    assert_int_equal(verify_copy(&options, &report), -ESTALE);
}

static void
a_checkpoint_that_was_kept_must_fit(void **state)
{
    struct copy *c = *state;
    struct verify_options options = options_of(c, false);
    struct verify_report report;

    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
    assert_non_null(strstr(report.what, "the first 280 records are not those that were signed"));
}

/* Signs the first `size` records as that epoch, and puts the note into the table as it is: the store keeps only the
 * last of so few records. */
static void
checkpoint_put_raw(struct copy *c, uint64_t size, struct note_signer *signer)
{
    struct note_checkpoint checkpoint = {.size = size};
    char text[NOTE_CHECKPOINT_TEXT_SIZE], log_dir[PATH_MAX], *note;
    uint8_t key_bytes[8];
    MDB_val key = {.mv_size = sizeof key_bytes, .mv_data = key_bytes}, val;
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi cp;
    size_t len;

    assert_int_equal(kit_open(c->kit), 0);
    assert_int_equal(store_tree_root(c->kit->st, size, checkpoint.root), 0);
    store_close(&c->kit->st);
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "%s", signer->key.name);
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
    assert_int_equal(note_sign(text, len, signer, 1, &note, &len), 0);
    for (unsigned i = 0; i < 8; i++)
        key_bytes[i] = (uint8_t)(size >> (56 - 8 * i));
    val = (MDB_val){.mv_size = len, .mv_data = note};
    (void)snprintf(log_dir, sizeof log_dir, "%s/log", c->kit->dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, log_dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "cp", 0, &cp), 0);
    assert_int_equal(mdb_put(txn, cp, &key, &val, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    free(note);
}

static void
epochs_never_fall_from_one_kept_checkpoint_to_the_next(void **state)
{
    struct copy *c = *state;
    struct verify_report report;
    struct verify_options options = options_of(c, false);
    struct note_signer second;
    struct note_key keys[2];
    uint8_t seed[NOTE_SEED_SIZE] = {7};

    assert_int_equal(note_signer_make(KIT_ORIGIN "-e2", seed, &second), 0);
    keys[0] = c->signer.key;
    keys[1] = second.key;
    options.keys = keys;
    options.key_count = 2;
    checkpoint_put_raw(c, 290, &second);
    assert_int_equal(verify_copy(&options, &report), -EBADMSG); /* the log never began that epoch */
    assert_non_null(strstr(report.what, "never began"));
    assert_int_equal(kit_open(c->kit), 0);
    assert_int_equal(store_epoch_begin(c->kit->st, 2), 0);
    assert_int_equal(store_commit(c->kit->st), 0);
    store_close(&c->kit->st);
    assert_int_equal(verify_copy(&options, &report), 0);
    assert_int_equal(report.signed_size, 290);
    checkpoint_put_raw(c, RECORDS, &c->signer); /* the first epoch's key signs what came after */
    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
    assert_non_null(strstr(report.what, "had ended"));
    assert_non_null(strstr(report.what, "300"));
}

static void
a_stranger_s_key_verifies_nothing(void **state)
{
    struct copy *c = *state;
    struct verify_options options = options_of(c, false);
    uint8_t seed[NOTE_SEED_SIZE] = {10};
    struct note_signer stranger;
    struct verify_report report;

    assert_int_equal(note_signer_make(KIT_ORIGIN, seed, &stranger), 0);
    options.keys = &stranger.key;
    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
    assert_non_null(strstr(report.what, "none of the given keys"));
}

static void
content_that_is_missing_is_told_apart(void **state)
{
    struct copy *c = *state;
    struct verify_options options = options_of(c, true);
    struct verify_report report;
    uint8_t row[KIT_VALUE_MAX], key[8];

    seq_key(120, key);
    (void)kit_row_get(c->kit->dir, "ev", key, sizeof key, row);
    kit_row_set(c->kit->dir, "ev", key, sizeof key, row, 33 + 32 * KIT_SLOTS);
    assert_int_equal(verify_copy(&options, &report), -ENODATA);
    assert_int_equal(report.missing, 120);
    seq_key(7, key);
    kit_row_set(c->kit->dir, "ev", key, sizeof key, NULL, 0);
    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
    assert_string_equal(report.what, "record 7 is missing");
}

/* Opens the log again, appends an intent that names [from, to], signs and closes. */
static void
erasure_add(struct copy *c, uint64_t from, uint64_t to)
{
    static uint8_t seed[LEAF_SEED_SIZE] = {77};
    Wici__V1__SysErasureIntendedS0 body;
    Wici__V1__SeqRange range, *ranges[1] = {&range};
    Wici__V1__Section section;
    uint8_t packed[256];
    struct leaf_part part = {.slot = 2, .section_id = WICI__V1__SECTION__BODY_SYS_ERASURE_INTENDED_S0, .body = packed};
    uint8_t id[16];
    struct store_record record = {.leaf_class = LEAF_ERASURE_INTENDED,
                                  .n = 4,
                                  .seed = seed,
                                  .event_id = id,
                                  .entry = STORE_CLEAR_ENTRY,
                                  .parts = &part,
                                  .part_count = 1};
    uint64_t seq;

    wici__v1__sys_erasure_intended_s0__init(&body);
    wici__v1__seq_range__init(&range);
    wici__v1__section__init(&section);
    range.from_seq = from;
    range.to_seq = to;
    body.ranges = ranges;
    body.n_ranges = 1;
    section.body_case = WICI__V1__SECTION__BODY_SYS_ERASURE_INTENDED_S0;
    section.sys_erasure_intended_s0 = &body;
    part.len = (uint32_t)wici__v1__section__get_packed_size(&section);
    assert_true(part.len <= sizeof packed);
    (void)wici__v1__section__pack(&section, packed);
    seed[1]++;
    assert_int_equal(kit_open(c->kit), 0);
    record.ts_ms = store_last_ms(c->kit->st);
    kit_id(store_next(c->kit->st), id);
    assert_int_equal(store_append(c->kit->st, &record, &seq, NULL), 0);
    assert_int_equal(store_commit(c->kit->st), 0);
    checkpoint_put(c, seq, true);
    assert_int_equal(store_commit(c->kit->st), 0);
    store_close(&c->kit->st);
    file_load(c);
}

static void
content_that_an_erasure_names_may_be_gone(void **state)
{
    struct copy *c = *state;
    struct verify_options options = options_of(c, true);
    struct verify_report report;
    uint8_t row[KIT_VALUE_MAX], key[8];
    size_t len;

    seq_key(120, key);
    len = kit_row_get(c->kit->dir, "ev", key, sizeof key, row);
    kit_row_set(c->kit->dir, "ev", key, sizeof key, row, 33 + 32 * KIT_SLOTS);
    erasure_add(c, 121, 130);
    assert_int_equal(verify_copy(&options, &report), -ENODATA); /* that is another one */
    assert_int_equal(report.missing, 120);
    assert_int_equal(report.erased, 1);
    erasure_add(c, 119, 120);
    assert_int_equal(verify_copy(&options, &report), 0);
    assert_int_equal(report.missing, 0);
    assert_int_equal(report.erased, 1);
    kit_row_set(c->kit->dir, "ev", key, sizeof key, row,
                len); /* named, and there: it is not what the erasure promised, but it fits */
    assert_int_equal(verify_copy(&options, &report), 0);
    assert_int_equal(report.erased, 0);
    erasure_add(c, RECORDS + 3, RECORDS + 3); /* names itself */
    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
    assert_non_null(strstr(report.what, "record 303"));
}

static void
each_byte_of_a_record_counts_and_its_number_is_named(void **state)
{
    struct copy *c = *state;
    struct verify_options with = options_of(c, true), without = options_of(c, false);
    struct verify_report report;
    uint8_t row[KIT_VALUE_MAX], key[8];
    size_t len;

    seq_key(41, key);
    len = kit_row_get(c->kit->dir, "ev", key, sizeof key, row);
    for (size_t at = 0; at < len; at += at < 40 ? 1 : 7) {
        int rc;

        row[at] ^= 1;
        kit_row_set(c->kit->dir, "ev", key, sizeof key, row, len);
        row[at] ^= 1;
        rc = verify_copy(&with, &report);
        assert_int_equal(rc, -EBADMSG);
        if (at < 33 + 32 * KIT_SLOTS) /* a leaf may be found by the tile it lies in, and counts without keys too */
            assert_int_equal(verify_copy(&without, &report), -EBADMSG);
        else
            assert_non_null(strstr(report.what, "record 41"));
    }
}

static void
the_tree_and_the_end_of_the_log_count(void **state)
{
    static const uint8_t tile[9] = {0};
    struct copy *c = *state;
    struct verify_options options = options_of(c, false);
    struct verify_report report;
    uint8_t row[KIT_VALUE_MAX], key[8];
    size_t len = kit_row_get(c->kit->dir, "tile", tile, sizeof tile, row);

    for (size_t at = 0; at < len; at += 331) {
        row[at] ^= 1;
        kit_row_set(c->kit->dir, "tile", tile, sizeof tile, row, len);
        assert_int_equal(verify_copy(&options, &report), -EBADMSG);
        assert_non_null(strstr(report.what, "tile 0/0"));
        row[at] ^= 1;
    }
    kit_row_set(c->kit->dir, "tile", tile, sizeof tile, row, len);
    len = kit_row_get(c->kit->dir, "meta", "state", 5, row);
    row[len - 1] ^= 1;
    kit_row_set(c->kit->dir, "meta", "state", 5, row, len);
    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
    row[len - 1] ^= 1;
    kit_row_set(c->kit->dir, "meta", "state", 5, row, len);
    seq_key(RECORDS, key);
    kit_row_set(c->kit->dir, "ev", key, sizeof key, NULL, 0);
    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
    assert_non_null(strstr(report.what, "record 300 is missing"));
}

static void
what_is_no_log_is_said_to_be_none(void **state)
{
    struct copy *c = *state;
    struct verify_options options = options_of(c, false);
    struct verify_report report;

    options.dir = c->kit->root;
    assert_int_equal(verify_copy(&options, &report), -ENOENT);
    options.dir = c->kit->dir;
    assert_int_equal(truncate(c->data, 0), 0);
    assert_int_equal(verify_copy(&options, &report), -EBADMSG);
}

/* ---- damage anywhere */

/* Everything that readers of the log are given: a digest of all rows of its databases. In a child; it may die. */
static void
rows_digest(const struct copy *c, uint8_t ret[LEAF_HASH_SIZE])
{
    static const char *const names[] = {"ev", "tile", "cp", "meta"};
    uint8_t input[2 * LEAF_HASH_SIZE];
    char dir[PATH_MAX];
    MDB_cursor *cursor;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    memset(ret, 0, LEAF_HASH_SIZE);
    snprintf(dir, sizeof dir, "%s/log", c->kit->dir);
    if (mdb_env_create(&env) != 0 || mdb_env_set_maxdbs(env, 16) != 0 ||
        mdb_env_set_mapsize(env, c->size > (16u << 20) ? c->size : 16u << 20) != 0 ||
        mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        MDB_val key, val;

        if (mdb_dbi_open(txn, names[i], 0, &dbi) != 0 || mdb_cursor_open(txn, dbi, &cursor) != 0)
            continue;
        while (mdb_cursor_get(cursor, &key, &val, MDB_NEXT) == 0) {
            memcpy(input, ret, LEAF_HASH_SIZE);
            leaf_sha256(key.mv_data, key.mv_size, input + LEAF_HASH_SIZE);
            leaf_sha256(input, sizeof input, ret);
            memcpy(input, ret, LEAF_HASH_SIZE);
            leaf_sha256(val.mv_data, val.mv_size, input + LEAF_HASH_SIZE);
            leaf_sha256(input, sizeof input, ret);
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

enum outcome { HELD_AND_SAME = 20, HELD_BUT_OTHER, FOUND };

static enum outcome
look(const struct copy *c, const uint8_t digest[LEAF_HASH_SIZE])
{
    struct verify_options options = options_of(c, true);
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        static struct verify_report report;
        uint8_t now[LEAF_HASH_SIZE];

        /* cmocka's own handlers would go on with the tests, here. */
        static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
            (void)signal(signals[i], SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL || verify_copy(&options, &report) != 0)
            _exit(FOUND);
        rows_digest(c, now);
        _exit(memcmp(now, digest, sizeof now) == 0 ? HELD_AND_SAME : HELD_BUT_OTHER);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) < HELD_AND_SAME)
        return FOUND; /* it died of what it read */
    return (enum outcome)WEXITSTATUS(status);
}

static uint64_t
dice(uint64_t *state, uint64_t sides)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (*state >> 33) % sides;
}

static void
damage_anywhere_in_the_file_is_found_or_changes_nothing(void **state)
{
    struct copy *c = *state;
    uint8_t digest[LEAF_HASH_SIZE];
    unsigned found = 0, cut = 0;
    int fd;

    rows_digest(c, digest);
    assert_int_equal(look(c, digest), HELD_AND_SAME);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t rolls = seed * 77;
        enum outcome outcome;

        fd = open(c->data, O_RDWR | O_TRUNC);
        assert_true(fd >= 0);
        if (seed % 10 == 0) { /* its end is gone */
            size_t keep = dice(&rolls, c->size);

            assert_int_equal(write(fd, c->good, keep), keep);
        } else {
            assert_int_equal(write(fd, c->good, c->size), c->size);
            for (uint64_t i = 0; i <= seed % 4; i++) {
                size_t at = dice(&rolls, c->size);
                uint8_t byte = (uint8_t)(c->good[at] ^ (1u + dice(&rolls, 255)));

                assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
            }
        }
        close(fd);
        outcome = look(c, digest);
        if (outcome == HELD_BUT_OTHER)
            fail_msg("seed %llu: other rows, and it holds", (unsigned long long)seed);
        found += outcome == FOUND;
        cut += seed % 10 == 0 && outcome == FOUND;
    }
    print_message("%u of %u damages found, the others changed no row; %u of %u cuts\n", found, SEEDS, cut, SEEDS / 10);
    assert_true(found > SEEDS / 4);
}

#define COPY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        COPY_TEST(a_whole_copy_holds_and_is_not_touched),
        COPY_TEST(a_known_checkpoint_must_be_contained),
        cmocka_unit_test_setup_teardown(a_checkpoint_that_was_kept_must_fit, setup_wrong, teardown),
        COPY_TEST(a_stranger_s_key_verifies_nothing),
        COPY_TEST(content_that_is_missing_is_told_apart),
        COPY_TEST(epochs_never_fall_from_one_kept_checkpoint_to_the_next),
        COPY_TEST(content_that_an_erasure_names_may_be_gone),
        COPY_TEST(each_byte_of_a_record_counts_and_its_number_is_named),
        COPY_TEST(the_tree_and_the_end_of_the_log_count),
        COPY_TEST(what_is_no_log_is_said_to_be_none),
        COPY_TEST(damage_anywhere_in_the_file_is_found_or_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
