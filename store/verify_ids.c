/* verify_ids - see verify_ids.h */
#include "store/verify_ids.h"

#include "proto/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define ID_TEXT_SIZE (2u * 16u + 1u)

static bool
bit_of(const struct verify_ids *ids, uint64_t seq)
{
    return (ids->named[seq / 8] >> seq % 8 & 1) != 0;
}

static int
row_take(struct verify_ids *ids, const MDB_val *key, const MDB_val *val)
{
    struct store *st = ids->st;
    char id[ID_TEXT_SIZE];
    uint64_t seq;

    if (key->mv_size != 16 || val->mv_size != 8)
        return damage_set(st, "id table: a row has no sense");
    seq = be64_get(val->mv_data);
    hex_format(key->mv_data, key->mv_size, id);
    if (seq == 0 || seq > st->at.head)
        return damage_set(st, "id table: row %s names record %" PRIu64 ", of %" PRIu64, id, seq, st->at.head);
    if (bit_of(ids, seq))
        return damage_set(st, "id table: row %s names record %" PRIu64 ", and another row does", id, seq);
    ids->named[seq / 8] |= (uint8_t)(1u << seq % 8);
    return 0;
}

int
verify_ids_rows(struct verify_ids *ids, struct store *st, MDB_txn *txn, struct verify_free *pages)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    int rc;

    ids->st = st;
    ids->txn = txn;
    ids->named = calloc(st->at.head / 8 + 1, 1);
    if (ids->named == NULL)
        return -ENOMEM;
    rc = mdb_cursor_open(txn, st->id, &cursor);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_FIRST);
    while (rc == 0) {
        rc = verify_free_row(pages, "id table", &val);
        if (rc == 0)
            rc = row_take(ids, &key, &val);
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        return 0;
    return rc == -EBADMSG ? rc : damage_set(st, "id table: LMDB: %s", mdb_strerror(rc));
}

int
verify_ids_record(struct verify_ids *ids, uint64_t seq, const uint8_t id[16])
{
    struct store *st = ids->st;
    char text[ID_TEXT_SIZE];
    uint64_t found;
    int rc = store_id_find(st, id, &found);

    if (rc == 0 && found == seq)
        return 0;
    hex_format(id, 16, text);
    if (rc == 0)
        return damage_set(st, "id table: row %s names record %" PRIu64 ", it is the id of record %" PRIu64, text, found,
                          seq);
    if (rc == -ENOENT)
        return damage_set(st, "id table: row %s is missing, the id of record %" PRIu64, text, seq);
    return rc;
}

int
verify_ids_end(struct verify_ids *ids)
{
    struct store *st = ids->st;
    uint64_t found = 0;
    int rc;

    for (uint64_t seq = 1; seq <= st->at.head; seq++)
        if (!bit_of(ids, seq))
            return damage_set(st, "id table: no row names record %" PRIu64, seq);
    rc = ids_add_up(st, ids->txn);
    if (rc != 0 || st->at.head == 0)
        return rc;
    rc = store_id_find(st, st->at.id, &found);
    if (rc != 0 || found != st->at.id_seq || st->at.id_count != st->at.head)
        return damage_set(st, "id table: its rows are not those that the state counts");
    return 0;
}

void
verify_ids_free(struct verify_ids *ids)
{
    free(ids->named);
    ids->named = NULL;
}
