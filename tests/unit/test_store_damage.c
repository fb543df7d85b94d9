/* Damage, done to the files of a closed store: it is noticed, named, and never served. And erased content. */
#include "tests/unit/test_store_kit.h"

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

#define RECORDS 300u /* more than are looked at when opening */
#define OLD     3u   /* a record that is not */
#define LEAF    (33u + 32u * KIT_SLOTS)
#define ENTRY   80u /* bytes of one key entry */
#define TILE    8192u
#define STATE   104u /* bytes of the state row before the frontier */

/* ---- doing damage */

static size_t
be64_key(uint8_t ret[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t)(v >> (56 - 8 * i));
    return 8;
}

/* Where these bytes begin in the file, for the last time: pages that LMDB gave up lie before, mostly. */
static off_t
file_find(const char *dir, const char *name, const uint8_t *bytes, size_t len)
{
    char path[PATH_MAX];
    struct stat st;
    uint8_t *all;
    off_t found = -1;
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &st), 0);
    all = malloc((size_t)st.st_size);
    assert_non_null(all);
    assert_int_equal(pread(fd, all, (size_t)st.st_size, 0), st.st_size);
    for (off_t at = 0; at + (off_t)len <= st.st_size; at++)
        if (memcmp(all + at, bytes, len) == 0)
            found = at;
    free(all);
    close(fd);
    assert_true(found >= 0);
    return found;
}

static void
file_flip(const char *dir, const char *name, off_t at)
{
    char path[PATH_MAX];
    uint8_t byte;
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void
file_put(const char *dir, const char *name, off_t at, const void *bytes, size_t len)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

/* A closed log of RECORDS records of one dossier, or of none. */
static void
fill(struct kit *kit, bool sealed)
{
    uint32_t entry = STORE_CLEAR_ENTRY;
    uint64_t seq;

    if (sealed)
        assert_int_equal(store_key_take(kit->st, &entry), 0);
    for (uint64_t i = 1; i <= RECORDS; i++)
        assert_int_equal(kit_append(kit, i, entry, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_find_flush(kit->st, true), 0); /* else opening reads all records to feed it */
    store_close(&kit->st);
}

static int
read_one(struct kit *kit, uint64_t seq, struct store_row *row)
{
    struct store_slice *slice = NULL;
    int rc;

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    rc = store_read(slice, seq, row);
    store_slice_end(&slice);
    return rc;
}

static void
assert_open_refuses(struct kit *kit, const char *place)
{
    assert_int_equal(kit_open(kit), -EBADMSG);
    assert_null(kit->st);
    assert_non_null(strstr(store_open_damage(), place));
}

/* ---- rows */

#define HEAD 12u /* of a row, behind its leaf: entry, generation and their sum */

/* Class and time among them, which no digest covers: of a sealed row the seal does, of one in clear the tree. */
static void
each_byte_of_a_row_counts(struct kit *kit, bool sealed)
{
    uint8_t row[KIT_VALUE_MAX], key[8];
    struct store_row got;
    size_t len;

    fill(kit, sealed);
    len = kit_row_get(kit->dir, "ev", key, be64_key(key, OLD), row);
    for (size_t at = 0; at < len; at += at < 40 || (at >= LEAF && at < LEAF + HEAD + 1) ? 1 : 3) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
        row[at] ^= 1;
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(read_one(kit, OLD, &got), -EBADMSG);
        assert_non_null(strstr(store_damage(kit->st), "record 3"));
        assert_int_equal(read_one(kit, OLD + 1, &got), 0);
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

    fill(kit, sealed);
    len = kit_row_get(kit->dir, "ev", key, be64_key(key, OLD), row);
    for (size_t keep = 1; keep<len; keep += keep> LEAF && keep < LEAF + HEAD + 1 ? 1 : 7) {
        if (keep == LEAF)
            continue; /* that is an erased record */
        kit_row_set(kit->dir, "ev", key, sizeof key, row, keep);
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(read_one(kit, OLD, &got), -EBADMSG);
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

    fill(kit, true);
    kit_row_get(kit->dir, "ev", key, be64_key(key, OLD), row);
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
        assert_int_equal(read_one(kit, OLD, &got), whole ? 0 : -EBADMSG);
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
    fill(kit, true);
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
    fill(kit, true);
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
    fill(kit, false);
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

    fill(kit, true);
    len = kit_row_get(kit->dir, "ev", key, be64_key(key, RECORDS), row);
    for (size_t at = 0; at < len; at += at < LEAF + 12 ? 1 : 5) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
        row[at] ^= 1;
        assert_open_refuses(kit, "record 300");
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

    fill(kit, true);
    for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++) {
        size_t len = kit_row_get(kit->dir, "ev", key, be64_key(key, seqs[i]), row);

        kit_row_set(kit->dir, "ev", key, sizeof key, NULL, 0);
        assert_open_refuses(kit, "299 records");
        kit_row_set(kit->dir, "ev", key, sizeof key, row, len);
    }
    assert_int_equal(kit_open(kit), 0);
}

static void
open_compares_the_id_table_with_the_records(void **state)
{
    struct kit *kit = *state;
    uint8_t id[16], value[8];

    fill(kit, true);
    kit_id(5, id);
    kit_row_set(kit->dir, "id", id, sizeof id, NULL, 0);
    assert_open_refuses(kit, "id table");
    be64_key(value, 5);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value);
    kit_id(RECORDS, id);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value); /* the newest id names another record */
    assert_open_refuses(kit, "id table");
    be64_key(value, RECORDS + 1);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value);
    assert_open_refuses(kit, "id table");
    be64_key(value, RECORDS);
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

    fill(kit, true);
    kit_id(OLD, id);
    memcpy(other, id, sizeof other);
    other[15] ^= 1;
    kit_row_set(kit->dir, "id", id, sizeof id, NULL, 0);
    kit_row_set(kit->dir, "id", other, sizeof other, seq, sizeof seq);
    assert_open_refuses(kit, "id table: a row is not one that was entered");
    kit_row_set(kit->dir, "id", other, sizeof other, NULL, 0);
    be64_key(value, OLD + 1);
    kit_row_set(kit->dir, "id", id, sizeof id, value, sizeof value);
    assert_open_refuses(kit, "id table: a row is not one that was entered");
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

    fill(kit, true);
    for (size_t i = 0; i < 2; i++) {
        size_t len = kit_row_get(kit->dir, "meta", names[i], strlen(names[i]), row);

        for (size_t at = 0; at < len; at += 5) {
            row[at] ^= 1;
            kit_row_set(kit->dir, "meta", names[i], strlen(names[i]), row, len);
            row[at] ^= 1;
            assert_open_refuses(kit, "");
        }
        kit_row_set(kit->dir, "meta", names[i], strlen(names[i]), row, len);
    }
    assert_int_equal(kit_open(kit), 0);
}

static void
open_refuses_a_log_without_its_state(void **state)
{
    struct kit *kit = *state;

    fill(kit, false);
    kit_row_set(kit->dir, "meta", "state", 5, NULL, 0);
    assert_open_refuses(kit, "state");
}

static void
open_refuses_a_log_of_another_version(void **state)
{
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX];
    size_t len;

    fill(kit, false);
    len = kit_row_get(kit->dir, "meta", "identity", 8, row);
    for (uint8_t version = 0; version < 6; version++) {
        row[3] = version;
        kit_row_set(kit->dir, "meta", "identity", 8, row, len);
        if (version != 4)
            assert_open_refuses(kit, "another version of the format");
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
    fill(kit, false);
    len = kit_row_get(kit->dir, "doc", key, sizeof key, row);
    kit_row_set(kit->dir, "doc", key, sizeof key, NULL, 0);
    assert_open_refuses(kit, "documents: 0 rows where there should be 1");
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

/* Each bit of an upload's head is sealed. */
static void
a_changed_head_of_an_upload_does_not_open(void **state)
{
    struct store_doc doc = {.size = 10, .owner = "u"};
    uint8_t key[5] = {'u', 0, 0, 0, 1}, row[KIT_VALUE_MAX];
    struct kit *kit = *state;
    size_t len;

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    fill(kit, false);
    len = kit_row_get(kit->dir, "doc", key, sizeof key, row);
    for (size_t at = 0; at < len; at += 11) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "doc", key, sizeof key, row, len);
        row[at] ^= 1;
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(store_doc_each(kit->st, nothing, NULL), -EBADMSG);
        assert_string_equal(store_damage(kit->st), "document 1: its head does not open");
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

    fill(kit, true);
    assert_int_equal(kit_row_get(kit->dir, "tile", tile_key, sizeof tile_key, tile), TILE);
    for (size_t at = (RECORDS - 256) * 32; at < TILE; at += 97) {
        tile[at] ^= 1;
        kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
        assert_open_refuses(kit, "tile 0/0");
        tile[at] ^= 1;
    }
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE - 1);
    assert_open_refuses(kit, "tile 0/0");
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, NULL, 0);
    assert_open_refuses(kit, "0 tiles where there should be 1");
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
    assert_int_equal(kit_open(kit), 0);
}

static void
open_compares_the_tree_with_what_was_committed(void **state)
{
    struct kit *kit = *state;
    uint8_t tile[KIT_VALUE_MAX], row[KIT_VALUE_MAX];
    size_t len;

    fill(kit, true);
    assert_int_equal(kit_row_get(kit->dir, "tile", tile_key, sizeof tile_key, tile), TILE);
    for (size_t at = 0; at < (RECORDS - 256) * 32; at += 97) { /* records that opening does not look at */
        tile[at] ^= 1;
        kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
        assert_open_refuses(kit, "tree");
        tile[at] ^= 1;
    }
    kit_row_set(kit->dir, "tile", tile_key, sizeof tile_key, tile, TILE);
    len = kit_row_get(kit->dir, "meta", "state", 5, row);
    assert_int_equal(len, STATE + 4 * 32); /* 300 is 256 + 32 + 8 + 4 */
    for (size_t at = STATE; at < len; at += 7) {
        row[at] ^= 1;
        kit_row_set(kit->dir, "meta", "state", 5, row, len);
        assert_open_refuses(kit, "tree");
        row[at] ^= 1;
    }
    kit_row_set(kit->dir, "meta", "state", 5, row, len - 32);
    assert_open_refuses(kit, "tree");
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

    fill(kit, true);
    len = kit_row_get(kit->dir, "ev", key, be64_key(key, OLD), row);
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
        assert_open_refuses(kit, "log:");
    }
    free(body);
}

static void
open_refuses_a_file_that_is_not_lmdbs(void **state)
{
    struct kit *kit = *state;
    uint8_t garbage[8192];

    memset(garbage, 0x5a, sizeof garbage);
    fill(kit, false);
    file_put(kit->dir, "log/data.mdb", 0, garbage, sizeof garbage);
    assert_open_refuses(kit, "log:");
}

/* ---- the key store */

static void
open_refuses_a_key_store_that_is_short_or_gone(void **state)
{
    struct kit *kit = *state;
    char path[PATH_MAX];

    fill(kit, true);
    snprintf(path, sizeof path, "%s/keys", kit->key_dir);
    assert_int_equal(truncate(path, 2 * ENTRY - 1), 0);
    assert_open_refuses(kit, "key store");
    assert_int_equal(truncate(path, ENTRY - 1), 0);
    assert_open_refuses(kit, "key store");
    assert_int_equal(unlink(path), 0);
    assert_open_refuses(kit, "key store");
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
    assert_open_refuses(kit, "another log");
}

static void
a_flipped_byte_of_the_key_store_is_noticed(void **state)
{
    struct kit *kit = *state;

    fill(kit, true);
    for (off_t at = 0; at < 2 * ENTRY; at++) {
        bool unused = (at >= 12 && at < 16) || (at >= 72 && at < 80) || (at >= 80 + 5 && at < 80 + 8);
        int rc;

        file_flip(kit->key_dir, "keys", at);
        rc = kit_open(kit);
        assert_int_equal(rc == 0, unused);
        assert_true(rc == 0 || rc == -EBADMSG || rc == -EPERM);
        assert_int_equal(*store_open_damage() == '\0', unused);
        store_close(&kit->st);
        file_flip(kit->key_dir, "keys", at);
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

    fill(kit, true);
    file_put(kit->key_dir, "keys", ENTRY + 4, &erased, 1);
    assert_open_refuses(kit, place);
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
    assert_int_equal(st.st_size, 32 + 32);
    for (off_t at = 0; at < st.st_size; at++) {
        if (at >= 12 && at < 16)
            continue; /* zeros that nothing looks at */
        file_flip(kit->root, "guard.erased", at);
        assert_open_refuses(kit, "list of destroyed keys");
        file_flip(kit->root, "guard.erased", at);
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
            fill(kit, true);
        be64_key(key + 8, 125); /* the second chunk */
        len = kit_row_get(kit->dir, "seqs", key, sizeof key, good);
        assert_int_equal(len, 1000);
        memcpy(chunk, good, len);
        if (i == 1)
            be64_key(chunk + 8, 125); /* not ascending */
        if (i == 2)
            chunk[len - 9] ^= 1; /* another record */
        if (i == 3)
            be64_key(chunk, 124); /* not the one its key names */
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

    fill(kit, true);
    be64_key(key + 8, 125);
    len = kit_row_get(kit->dir, "seqs", key, sizeof key, good);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_find(kit->st, 1, 1, seqs, RECORDS, &count), 0);
    file_flip(kit->dir, "find/data.mdb", file_find(kit->dir, "find/data.mdb", good, len) + 8 * 7 + 7);
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
    file_flip(kit->key_dir, "keys", ENTRY + 40);
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
    fill(kit, true);
    snprintf(path, sizeof path, "%s/keys", kit->key_dir);
    assert_int_equal(truncate(path, 10 * ENTRY + 17), 0); /* a crash while entries were made */
    file_put(kit->key_dir, "keys", 5 * ENTRY, torn, sizeof torn);
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

    fill(kit, true);
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

    fill(kit, true);
    file_flip(kit->key_dir, "keys", 2 * ENTRY + 3); /* an entry nobody uses: 1 becomes 0 */
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
    file_put(kit->key_dir, "keys", (off_t)entry * ENTRY, bytes, sizeof bytes);
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

    fill(kit, true);
    for (uint64_t seq = 2; seq <= RECORDS; seq++) {
        kit_row_get(kit->dir, "ev", key, be64_key(key, seq), row);
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

    fill(kit, true);
    entry_erase(kit, 1, 2);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(read_one(kit, OLD, &got), 0);
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

    fill(kit, true);
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

    fill(kit, true);
    entry_erase(kit, 1, 1); /* the rows' own generation: no erasure writes that */
    assert_open_refuses(kit, "no such key");
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
        KIT_TEST(an_entry_that_says_it_is_erased_and_has_its_key_is_damage),
        KIT_TEST(a_flipped_byte_of_the_list_of_destroyed_keys_destroys_no_other_key),
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
