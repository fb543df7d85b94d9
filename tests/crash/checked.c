/*
 * checked - wicid, which looks at what it holds before it closes: the program wicid_checked
 *
 * It is wicid's main() with two functions of the broker wrapped by the linker. When the broker ended on its signal, and
 * before it is closed,
 *
 *   - the state in use is byte for byte the state that a fold of the whole log gives
 *   - of an erasure that is done nothing is left: keys destroyed, no row of a record or document, nothing in the index
 *   - no chunk of a document is without the row that names it, and no document is one of a dossier whose key is gone
 *     and whose erasure is done
 *
 * What does not hold is said, and the exit code is WRONG. Not looked at when the broker latched. No call fails in the
 * looking (fault.c): it is no part of what is tried.
 */
#include "broker/broker.h"
#include "broker/erase.h"
#include "broker/erase_write.h"
#include "broker/fold.h"
#include "store/be.h"
#include "store/doc.h"
#include "store/internal.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRONG 98

int __real_broker_run(struct broker *b, int signal_fd);
int __wrap_broker_run(struct broker *b, int signal_fd);
void __real_broker_close(struct broker **broker);
void __wrap_broker_close(struct broker **broker);

static bool ended_well;

static void
holds(bool it, const char *what, uint64_t which)
{
    if (it)
        return;
    (void)fprintf(stderr, "wicid_checked: not as promised: %s (%" PRIu64 ")\n", what, which);
    _exit(WRONG);
}

static void
faults_hold(bool hold)
{
    void (*fault_hold)(bool) = (void (*)(bool))(uintptr_t)dlsym(RTLD_DEFAULT, "fault_hold");

    if (fault_hold != NULL)
        fault_hold(hold);
}

/* ---- the state */

static void
state_check(struct broker *b)
{
    struct core *folded = NULL;
    uint8_t *live_bytes = NULL, *folded_bytes = NULL;
    size_t live_len = 0, folded_len = 0;
    struct fold fold;
    int rc = core_create(&folded);

    if (rc == 0)
        rc = fold_open(&fold, b->store, folded, NULL);
    while (rc == 0 && fold.seq < store_head(b->store))
        rc = fold_some(&fold, FOLD_SLICE_RECORDS);
    fold_close(&fold);
    if (rc == 0)
        rc = core_dump(b->core, &live_bytes, &live_len);
    if (rc == 0)
        rc = core_dump(folded, &folded_bytes, &folded_len);
    holds(rc == 0, "the log can be folded", (uint64_t)-rc);
    holds(live_len == folded_len && memcmp(live_bytes, folded_bytes, live_len) == 0, "the live state is the log's fold",
          store_head(b->store));
    free(live_bytes);
    free(folded_bytes);
    core_destroy(&folded);
}

/* ---- erasures */

static void
rows_check(struct broker *b, uint64_t intended_seq)
{
    struct store_slice *slice = NULL;
    struct store_row row;
    uint64_t *seqs = NULL;
    size_t count = 0;

    holds(erase_rows(b, intended_seq, &seqs, &count) == 0, "what an erasure names can be read", intended_seq);
    holds(store_slice_begin(b->store, &slice) == 0, "the log can be read", 0);
    for (size_t i = 0; i < count; i++)
        holds(store_read(slice, seqs[i], &row) == 0 && row.erased && row.entry == STORE_NO_ENTRY,
              "an erased record is its leaf alone", seqs[i]);
    store_slice_end(&slice);
    free(seqs);
}

static void
erasure_check(struct broker *b, const struct core_erasure *erasure)
{
    for (size_t i = 0; i < erasure->count; i++) {
        uint32_t entry = erasure->entries[i];
        uint64_t seq;
        size_t count = 1;

        if (entry == STORE_CLEAR_ENTRY) /* of a log that was put back: a dossier that it never had */
            continue;
        holds(store_key_is_erased(b->store, entry), "an erased dossier's key is destroyed", entry);
        if (erasure->done_seq == 0)
            continue;
        holds(store_doc_count(b->store, entry, &count) == 0 && count == 0, "it has no row of a document", entry);
        for (uint32_t generation = 1; generation <= store_key_generation(b->store, entry); generation++) {
            count = 1;
            holds(find_list(b->store->find, entry, generation, 1, store_head(b->store), &seq, 1, &count) == 0 &&
                      count == 0,
                  "the index names no record of it", entry);
        }
    }
    if (erasure->done_seq != 0)
        rows_check(b, erasure->seq);
}

/* ---- documents */

struct rows {
    uint32_t *named; /* key entries of uploads and documents */
    size_t count, size;
};

static void
named_add(struct rows *rows, uint32_t entry)
{
    if (rows->count == rows->size) {
        rows->size = rows->size == 0 ? 64 : 2 * rows->size;
        rows->named = reallocarray(rows->named, rows->size, sizeof *rows->named);
        holds(rows->named != NULL, "there is memory", rows->size);
    }
    rows->named[rows->count++] = entry;
}

static bool
is_named(const struct rows *rows, uint32_t entry)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->named[i] == entry)
            return true;
    return false;
}

/* Twice through the rows: those that name a document sort behind its chunks. */
static void
documents_check(struct broker *b)
{
    struct rows rows = {.count = 0};
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key, val;

    holds(view_begin(b->store, &txn) == 0 && mdb_cursor_open(txn, b->store->doc, &cursor) == 0, "documents can be read",
          0);
    for (unsigned pass = 0; pass < 2; pass++)
        for (int rc = mdb_cursor_get(cursor, &key, &val, MDB_FIRST); rc == 0;
             rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
            const uint8_t *bytes = key.mv_data;
            uint32_t entry = be32_get(bytes + 1);

            if (pass == 0 && bytes[0] == 'u')
                named_add(&rows, entry);
            else if (pass == 0 && bytes[0] == 'd')
                named_add(&rows, be32_get(val.mv_data));
            else if (pass == 1 && bytes[0] == 'c')
                holds(is_named(&rows, entry), "a document's chunk has a row that names it", entry);
        }
    mdb_cursor_close(cursor);
    view_end(b->store);
    free(rows.named);
}

/* ---- */

int
__wrap_broker_run(struct broker *b, int signal_fd)
{
    int rc = __real_broker_run(b, signal_fd);

    ended_well = rc == 0;
    return rc;
}

void
__wrap_broker_close(struct broker **broker)
{
    struct broker *b = *broker;

    faults_hold(true);
    while (ended_well && erase_is_due(b))
        holds(erase_step(b) == 0, "an erasure goes on", 0);
    if (ended_well && !store_has_batch(b->store)) {
        state_check(b);
        documents_check(b);
        for (size_t i = 0; i < core_erasure_count(b->core); i++) {
            struct core_erasure erasure;

            core_erasure(b->core, i, &erasure);
            erasure_check(b, &erasure);
        }
    }
    faults_hold(false);
    __real_broker_close(broker);
}
