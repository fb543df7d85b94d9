/*
 * epoch - the names and the number of the log's branches
 *
 * The number stands in meta "identity", which is written once by store_create and again only here.
 */
#include "store/internal.h"

#include "store/be.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void
store_epoch_name(const struct store_identity *identity, uint64_t epoch, char ret[STORE_EPOCH_NAME_MAX])
{
    int len = epoch <= 1 ? snprintf(ret, STORE_EPOCH_NAME_MAX, "%s", identity->origin)
                         : snprintf(ret, STORE_EPOCH_NAME_MAX, "%s-e%" PRIu64, identity->origin, epoch);

    assert(len > 0 && (size_t)len < STORE_EPOCH_NAME_MAX);
}

uint64_t
store_epoch_of(const struct store_identity *identity, const char *name)
{
    size_t len = strlen(identity->origin);
    char same[STORE_EPOCH_NAME_MAX];
    uint64_t epoch;

    if (strcmp(name, identity->origin) == 0)
        return 1;
    if (strncmp(name, identity->origin, len) != 0 || sscanf(name + len, "-e%20" SCNu64, &epoch) != 1 || epoch <= 1)
        return 0;
    store_epoch_name(identity, epoch, same);
    return strcmp(name, same) == 0 ? epoch : 0; /* one spelling */
}

int
store_epoch_begin(struct store *st, uint64_t epoch)
{
    uint8_t bytes[IDENTITY_HEAD + STORE_ORIGIN_MAX];
    char name[] = "identity";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val val = {.mv_data = bytes};
    struct store_identity identity = st->identity;
    bool opened;
    int rc;

    if (epoch <= identity.epoch)
        return -EINVAL;
    rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc;
    identity.epoch = epoch;
    val.mv_size = identity_encode(&identity, st->pair, bytes);
    rc = mdb_put(st->txn, st->meta, &key, &val, 0);
    if (rc != 0)
        return batch_fail(st, err_from_lmdb(rc));
    st->epoch_next = epoch;
    return 0;
}
