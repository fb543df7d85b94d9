/* test_store_kit - a store in a directory of its own (the header says more) */
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <ftw.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

void
kit_remove(const char *root)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
kit_make(struct kit *kit, const char *root)
{
    snprintf(kit->root, sizeof kit->root, "%s", root);
    snprintf(kit->dir, sizeof kit->dir, "%s/data", kit->root);
    snprintf(kit->key_dir, sizeof kit->key_dir, "%s/keys", kit->root);
    snprintf(kit->kek, sizeof kit->kek, "%s/kek", kit->root);
    kit->options = (struct store_options){
        .dir = kit->dir, .key_dir = kit->key_dir, .kek_path = kit->kek, .map_size_max = UINT64_C(1) << 30};
    kit->st = NULL;
    return sodium_init() < 0 ? -EIO : 0;
}

int
kit_create(struct kit *kit)
{
    struct store_identity identity = {.origin = KIT_ORIGIN, .epoch = 1, .created_ms = 77};

    return store_create(&kit->options, &identity);
}

int
kit_open(struct kit *kit)
{
    return store_open(&kit->st, &kit->options);
}

void
kit_reopen(struct kit *kit)
{
    store_close(&kit->st);
    assert_int_equal(kit_open(kit), 0);
}

int
kit_setup(void **state)
{
    char root[] = "/tmp/wici-store-XXXXXX";
    struct kit *kit = calloc(1, sizeof *kit);

    if (kit == NULL || mkdtemp(root) == NULL || kit_make(kit, root) != 0 || kit_create(kit) != 0 ||
        kit_open(kit) != 0) {
        free(kit);
        return -1;
    }
    *state = kit;
    return 0;
}

int
kit_teardown(void **state)
{
    struct kit *kit = *state;

    store_close(&kit->st);
    kit_remove(kit->root);
    free(kit);
    return 0;
}

void
kit_id(uint64_t number, uint8_t ret[16])
{
    memset(ret, 0, 16);
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t)(number >> (56 - 8 * i)); /* ascending, as the time in a UUIDv7 is */
    ret[15] = 0x77;
}

void
kit_seed(uint64_t number, uint8_t ret[LEAF_SEED_SIZE])
{
    crypto_generichash(ret, LEAF_SEED_SIZE, (const uint8_t *)&number, sizeof number, NULL, 0);
}

void
kit_record(struct kit_record *ret, uint64_t number, uint32_t entry)
{
    static const char *const words[KIT_PARTS] = {"header", "note", KIT_MARKER};
    static const uint16_t section_ids[KIT_PARTS] = {0, 1, 0x1234};

    memset(ret, 0, sizeof *ret);
    kit_id(number, ret->id);
    kit_seed(number, ret->seed);
    for (unsigned i = 0; i < KIT_PARTS; i++) {
        int len = snprintf(ret->bodies[i], sizeof ret->bodies[i], "%s of %llu", words[i], (unsigned long long)number);

        ret->parts[i] = (struct leaf_part){.slot = (uint8_t)i,
                                           .section_id = section_ids[i],
                                           .len = (uint32_t)len,
                                           .body = (const uint8_t *)ret->bodies[i]};
    }
    ret->record = (struct store_record){.leaf_class = LEAF_EVENT,
                                        .n = KIT_SLOTS,
                                        .ts_ms = 1000 + number,
                                        .seed = ret->seed,
                                        .event_id = ret->id,
                                        .entry = entry,
                                        .parts = ret->parts,
                                        .part_count = KIT_PARTS};
}

int
kit_append(struct kit *kit, uint64_t number, uint32_t entry, uint64_t *ret_seq)
{
    struct kit_record r;

    kit_record(&r, number, entry);
    return store_append(kit->st, &r.record, ret_seq, NULL);
}

bool
kit_row_is(const struct store_row *row, uint64_t number, uint32_t entry)
{
    struct kit_record want;

    kit_record(&want, number, entry);
    if (row->erased || row->entry != entry || row->part_count != KIT_PARTS || row->leaf.n != KIT_SLOTS ||
        row->leaf.seq != row->seq || row->leaf.ts_ms != want.record.ts_ms ||
        memcmp(row->seed, want.seed, LEAF_SEED_SIZE) != 0)
        return false;
    for (size_t i = 0; i < KIT_PARTS; i++) {
        const struct leaf_part *a = &row->parts[i], *b = &want.parts[i];

        if (a->slot != b->slot || a->section_id != b->section_id || a->len != b->len ||
            memcmp(a->body, b->body, a->len) != 0)
            return false;
    }
    return true;
}

uint64_t
kit_add(struct kit *kit, uint64_t number, uint32_t entry)
{
    uint64_t seq = 0;

    assert_int_equal(kit_append(kit, number, entry, &seq), 0);
    return seq;
}

uint32_t
kit_take(struct kit *kit)
{
    uint32_t entry = 0;

    assert_int_equal(store_key_take(kit->st, &entry), 0);
    return entry;
}

void
kit_assert_row(struct kit *kit, uint64_t seq, uint64_t number, uint32_t entry)
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

/* nftw has no argument for its callback. */
static struct {
    const void *bytes;
    size_t len, count;
} grep;

static int
grep_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    size_t size = (size_t)sb->st_size;
    FILE *file;
    char *all, *at;

    (void)ftw;
    if (flag != FTW_F || size == 0)
        return 0;
    file = fopen(path, "rb");
    all = malloc(size);
    if (file == NULL || all == NULL || fread(all, 1, size, file) != size) {
        free(all);
        return -1;
    }
    fclose(file);
    for (at = all; (at = memmem(at, size - (size_t)(at - all), grep.bytes, grep.len)) != NULL; at++)
        grep.count++;
    free(all);
    return 0;
}

size_t
kit_grep(const char *dir, const void *bytes, size_t len)
{
    grep.bytes = bytes;
    grep.len = len;
    grep.count = 0;
    assert_int_equal(nftw(dir, grep_one, 16, FTW_PHYS), 0);
    return grep.count;
}

/* ---- rows of a closed log */

void
kit_row_set(const char *root, const char *db, const void *key_bytes, size_t key_len, const void *value, size_t len)
{
    uint8_t name[64], bytes[KIT_VALUE_MAX];
    MDB_val key = {.mv_size = key_len, .mv_data = name};
    MDB_val val = {.mv_size = len, .mv_data = bytes};
    char dir[PATH_MAX];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    memcpy(name, key_bytes, key_len);
    if (len > 0)
        memcpy(bytes, value, len);
    snprintf(dir, sizeof dir, "%s/%s", root, strcmp(db, "seqs") == 0 ? "find" : "log");
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, 0, &dbi), 0);
    assert_int_equal(len > 0 ? mdb_put(txn, dbi, &key, &val, 0) : mdb_del(txn, dbi, &key, NULL), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

size_t
kit_row_get(const char *root, const char *db, const void *key_bytes, size_t key_len, uint8_t ret[KIT_VALUE_MAX])
{
    uint8_t name[64];
    MDB_val key = {.mv_size = key_len, .mv_data = name};
    MDB_val val;
    char dir[PATH_MAX];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    memcpy(name, key_bytes, key_len);
    snprintf(dir, sizeof dir, "%s/%s", root, strcmp(db, "seqs") == 0 ? "find" : "log");
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &key, &val), 0);
    assert_true(val.mv_size <= KIT_VALUE_MAX);
    memcpy(ret, val.mv_data, val.mv_size);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return val.mv_size;
}

size_t
kit_key_first(const char *root, const char *db, char first, uint8_t ret[64])
{
    MDB_val key = {.mv_size = 1, .mv_data = &first}, val;
    MDB_cursor *cursor;
    char dir[PATH_MAX];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    size_t len;

    snprintf(dir, sizeof dir, "%s/log", root);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, 0, &dbi), 0);
    assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE), 0);
    assert_true(key.mv_size <= 64);
    memcpy(ret, key.mv_data, len = key.mv_size);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return len;
}
