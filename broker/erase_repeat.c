/* erase_repeat - see erase_repeat.h */
#include "broker/erase_repeat.h"
#include "broker/erase_write.h"
#include "broker/fold.h"
#include "broker/log.h"
#include "proto/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEQS_MIN 256u

/* One intent: at most ERASE_DOSSIERS_MAX keys. */
struct repeat {
    struct broker *b;
    struct erase_known known[ERASE_DOSSIERS_MAX];
    bool in_use[ERASE_DOSSIERS_MAX]; /* the key sealed records of this log */
    size_t count;
    uint64_t *seqs; /* ascending */
    size_t seq_count, seq_size;
};

/* One without a mark is a document's, whose rows go with its dossier's. */
static int
key_look(void *arg, uint32_t entry, uint32_t generation, const uint8_t mark[STORE_MARK_SIZE])
{
    static const uint8_t none[STORE_MARK_SIZE];
    struct repeat *r = arg;

    if (r->count == ERASE_DOSSIERS_MAX || memcmp(mark, none, sizeof none) == 0 ||
        core_erasure_is_known(r->b->core, entry, mark))
        return 0;
    r->known[r->count] = (struct erase_known){.entry = entry, .generation = generation};
    r->in_use[r->count] = false;
    hex_format(mark, STORE_MARK_SIZE, r->known[r->count++].mark);
    return 0;
}

static int
seq_add(struct repeat *r, uint64_t seq)
{
    if (r->seq_count == r->seq_size) {
        size_t size = 2 * r->seq_size + SEQS_MIN;
        uint64_t *grown = reallocarray(r->seqs, size, sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        r->seqs = grown;
        r->seq_size = size;
    }
    r->seqs[r->seq_count++] = seq;
    return 0;
}

/* The finding index no longer knows whose they are: each row is looked at, which names its key. */
static int
records_find(struct repeat *r, uint64_t from, uint64_t to)
{
    struct store_slice *slice = NULL;
    struct leaf leaf;
    uint32_t entry;
    int rc = store_slice_begin(r->b->store, &slice);

    for (uint64_t seq = from; seq <= to && rc == 0; seq++) {
        rc = store_read_leaf(slice, seq, &leaf, &entry);
        for (size_t i = 0; i < r->count && rc == 0; i++)
            if (r->known[i].entry == entry) {
                r->in_use[i] = true;
                rc = seq_add(r, seq);
            }
    }
    store_slice_end(&slice);
    return rc;
}

/* A key entry that this log does not use may become that of another dossier, should the list of destroyed keys be lost:
 * no record is to doom it. */
static int
known_find(struct repeat *r)
{
    uint64_t head = store_head(r->b->store);
    int rc = 0;

    for (uint64_t from = 1; from <= head && rc == 0; from += FOLD_SLICE_RECORDS)
        rc = records_find(r, from, from + FOLD_SLICE_RECORDS - 1 < head ? from + FOLD_SLICE_RECORDS - 1 : head);
    for (size_t i = 0; i < r->count; i++)
        if (!r->in_use[i])
            r->known[i].entry = 0;
    return rc;
}

/* To each unit all numbers; they are lent. */
static int
intend(struct repeat *r, struct erase_given *given, uint64_t *ret_seq)
{
    struct erase_scan *scan = calloc(1, sizeof *scan);
    struct erase_order order = {.reason = ERASE_REPEATED, .known = r->known, .known_count = r->count};
    uint32_t units = r->seq_count > 0 ? core_unit_count(r->b->core) : 0;
    int rc;

    if (scan == NULL)
        return -ENOMEM;
    for (uint32_t unit = 0; unit < units; unit++)
        given[unit] = (struct erase_given){.unit = unit, .seqs = r->seqs, .count = r->seq_count};
    scan->seqs = r->seqs;
    scan->count = r->seq_count;
    scan->given = given;
    scan->given_count = units;
    rc = erase_intend(r->b, scan, &order, ret_seq);
    if (rc == 0)
        rc = store_commit(r->b->store);
    free(scan);
    return rc;
}

static int
repeat_some(struct repeat *r)
{
    struct erase_given *given = calloc(core_unit_count(r->b->core) + 1u, sizeof *given);
    uint64_t seq = 0;
    int rc = given == NULL ? -ENOMEM : 0;

    if (rc == 0)
        rc = known_find(r);
    if (rc == 0)
        rc = intend(r, given, &seq);
    if (rc == 0)
        log_warn("erase: the log was put back from a copy that does not know of erasures of %zu dossiers: they are "
                 "repeated (seq=%" PRIu64 ", records=%zu)",
                 r->count, seq, r->seq_count);
    else
        log_error("erase: erasures that the log does not know of cannot be recorded: %s", strerror(-rc));
    free(given);
    return rc;
}

int
erase_repeat(struct broker *b)
{
    struct repeat *r = calloc(1, sizeof *r);
    bool more = true;
    int rc = r == NULL ? -ENOMEM : 0;

    while (rc == 0 && more) {
        r->b = b;
        r->count = r->seq_count = 0;
        rc = store_erased_each(b->store, key_look, r);
        more = rc == 0 && r->count > 0;
        if (more)
            rc = repeat_some(r);
    }
    if (r != NULL)
        free(r->seqs);
    free(r);
    return rc;
}
