/* The rows of meta: what the log is, and where it stands. And what is wrong with it, should something be. */
#include "store/internal.h"

#include "store/be.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- damage */

static store_words_fn *speaks;

void
store_speak(store_words_fn *words)
{
    speaks = words;
}

const char *
damage_word(const char *text)
{
    return speaks != NULL ? speaks(text) : text;
}

int
damage_set(struct store *st, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(st->damage, sizeof st->damage, damage_word(fmt), args);
    va_end(args);
    return -EBADMSG;
}

const char *
store_damage(const struct store *st)
{
    return st->damage;
}

const char *
store_why(int rc, const char *damage)
{
    return damage[0] != '\0' ? damage : strerror(-rc);
}

int
store_damaged(struct store *st, uint64_t seq, const char *what)
{
    return damage_set(st, "record %" PRIu64 ": %s", seq, damage_word(what));
}

/* ---- rows */

#define STATE_SUM (STATE_HEAD - CHECK_SIZE) /* where the sum of the state row lies */

static const char state_name[] = "state", identity_name[] = "identity";

void
state_encode(const struct store_mark *mark, uint8_t ret[STATE_HEAD])
{
    be64_put(ret, mark->head);
    be64_put(ret + 8, mark->last_ms);
    be64_put(ret + 16, mark->id_count);
    be64_put(ret + 24, mark->id_seq);
    memcpy(ret + 32, mark->id, 16);
    be32_put(ret + 48, mark->keys_used);
    be32_put(ret + 52, mark->doc_rows);
    memcpy(ret + 56, mark->hash, LEAF_HASH_SIZE);
    be64_put(ret + 88, mark->id_sum);
    be64_put(ret + STATE_SUM, check_of(state_name, sizeof state_name, ret, STATE_SUM));
    static_assert(88 + 8 == STATE_SUM && STATE_SUM + CHECK_SIZE == STATE_HEAD, "the state row");
}

static int
meta_get(struct store *st, MDB_txn *txn, const char *name, MDB_val *ret)
{
    char bytes[16];
    MDB_val key = {.mv_size = strlen(name), .mv_data = bytes};

    assert(key.mv_size <= sizeof bytes);
    memcpy(bytes, name, key.mv_size);
    return mdb_get(txn, st->meta, &key, ret) == 0 ? 0 : damage_set(st, "meta: %s is missing", name);
}

/* The frontier points into the map. */
int
state_load(struct store *st, MDB_txn *txn, const uint8_t **ret_frontier, size_t *ret_len)
{
    const uint8_t *bytes;
    MDB_val val;
    int rc = meta_get(st, txn, "state", &val);

    if (rc != 0)
        return rc;
    bytes = val.mv_data;
    if (val.mv_size < STATE_HEAD || val.mv_size > STATE_MAX ||
        be64_get(bytes + STATE_SUM) != check_of(state_name, sizeof state_name, bytes, STATE_SUM))
        return damage_set(st, "meta: state has no sense");
    *ret_frontier = bytes + STATE_HEAD;
    *ret_len = val.mv_size - STATE_HEAD;
    st->at.head = be64_get(bytes);
    st->at.last_ms = be64_get(bytes + 8);
    st->at.id_count = be64_get(bytes + 16);
    st->at.id_seq = be64_get(bytes + 24);
    memcpy(st->at.id, bytes + 32, 16);
    st->at.keys_used = be32_get(bytes + 48);
    st->at.doc_rows = be32_get(bytes + 52);
    memcpy(st->at.hash, bytes + 56, LEAF_HASH_SIZE);
    st->at.id_sum = be64_get(bytes + 88);
    st->at.keys_taken = st->at.keys_used;
    st->now = st->at;
    return 0;
}

static uint64_t
identity_sum(const uint8_t *bytes, size_t origin_len)
{
    return check_of(bytes, IDENTITY_HEAD - CHECK_SIZE, bytes + IDENTITY_HEAD, origin_len);
}

int
identity_load(struct store *st, MDB_txn *txn)
{
    const uint8_t *bytes;
    MDB_val val;
    size_t len;
    int rc = meta_get(st, txn, "identity", &val);

    if (rc != 0)
        return rc;
    bytes = val.mv_data;
    len = val.mv_size - IDENTITY_HEAD;
    if (val.mv_size < 4 || be32_get(bytes) != STORE_VERSION)
        return damage_set(st, "the log is of another version of the format (this program reads version %u)",
                          STORE_VERSION);
    if (val.mv_size <= IDENTITY_HEAD || len >= STORE_ORIGIN_MAX ||
        be64_get(bytes + IDENTITY_HEAD - CHECK_SIZE) != identity_sum(bytes, len))
        return damage_set(st, "meta: identity has no sense");
    st->identity.epoch = be64_get(bytes + 4);
    st->identity.created_ms = be64_get(bytes + 12);
    memcpy(st->pair, bytes + 20, KEYS_PAIR_SIZE);
    memcpy(st->identity.origin, bytes + IDENTITY_HEAD, len);
    st->identity.origin[len] = '\0';
    return 0;
}

size_t
identity_encode(const struct store_identity *identity, const uint8_t pair[KEYS_PAIR_SIZE],
                uint8_t ret[IDENTITY_HEAD + STORE_ORIGIN_MAX])
{
    size_t len = strlen(identity->origin);

    be32_put(ret, STORE_VERSION);
    be64_put(ret + 4, identity->epoch);
    be64_put(ret + 12, identity->created_ms);
    memcpy(ret + 20, pair, KEYS_PAIR_SIZE);
    memcpy(ret + IDENTITY_HEAD, identity->origin, len);
    be64_put(ret + IDENTITY_HEAD - CHECK_SIZE, identity_sum(ret, len));
    return IDENTITY_HEAD + len;
}

int
meta_put_first(MDB_txn *txn, MDB_dbi meta, const struct store_identity *identity, const uint8_t pair[KEYS_PAIR_SIZE])
{
    const struct store_mark empty = {0};
    uint8_t state[STATE_HEAD], bytes[IDENTITY_HEAD + STORE_ORIGIN_MAX];
    char name[sizeof identity_name];
    MDB_val key = {.mv_size = sizeof identity_name - 1, .mv_data = memcpy(name, identity_name, sizeof identity_name)};
    MDB_val val = {.mv_size = identity_encode(identity, pair, bytes), .mv_data = bytes};
    int rc;

    rc = mdb_put(txn, meta, &key, &val, 0);
    if (rc != 0)
        return rc;
    state_encode(&empty, state);
    key = (MDB_val){.mv_size = sizeof state_name - 1, .mv_data = memcpy(name, state_name, sizeof state_name)};
    val = (MDB_val){.mv_size = sizeof state, .mv_data = state};
    return mdb_put(txn, meta, &key, &val, 0);
}
