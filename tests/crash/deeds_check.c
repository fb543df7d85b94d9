/* deeds_check - see deeds_check.h: the records, and what is beside them */
#include "tests/crash/deeds_check.h"

#include "broker/fold.h"
#include "broker/record.h"
#include "proto/hex.h"
#include "store/be.h"
#include "store/doc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REASON "COURT_ORDER"

struct look {
    const struct deeds *deeds;
    struct broker *b;
    uint64_t step;
    struct finding *finding;

    uint64_t seqs[DEEDS_MAX + 1];        /* of the deeds that are events */
    uint32_t entries[DOSSIERS_MAX];      /* of the dossiers that are there */
    uint64_t of[SCRIPT_RECORDS_MAX + 1]; /* the deed of each record; 0: it is the broker's own, or the registry's */
    uint8_t hashes[SCRIPT_RECORDS_MAX][LEAF_HASH_SIZE];
};

/* ---- which deeds are there */

static bool
is_there(const struct deeds *deeds, struct broker *b, uint64_t k)
{
    uint8_t id[16];
    uint64_t seq;
    bool done;

    if (deed_is_event(&deeds->at[k])) {
        deed_event_id(deeds, k, id);
        return store_id_find(b->store, id, &seq) == 0;
    }
    deed_dossier_id(deeds, deeds->at[k].dossier, id);
    return core_erased(b->core, id, &done) != 0;
}

/* It lives in the row arena. */
const Wici__V1__Section *
deeds_section(struct broker *b, uint64_t seq)
{
    struct store_slice *slice = NULL;
    struct store_row row;
    struct record record;
    int rc = store_slice_begin(b->store, &slice);

    if (rc == 0)
        rc = store_read(slice, seq, &row);
    arena_reset(b->row_arena);
    if (rc == 0)
        rc = record_load(&record, &row, b->row_arena, true);
    store_slice_end(&slice);
    return rc == 0 && record.event.section_count == 1 ? record.event.sections[0].section : NULL;
}

bool
deeds_found(const struct deeds *deeds, const struct bounds *bounds, uint64_t *ret_step, struct finding *ret)
{
    struct broker *b = serve_broker();
    uint64_t step = 0;

    for (uint64_t k = 1; k <= DEEDS_MAX; k++) {
        if (!is_there(deeds, b, k))
            continue;
        if (k != step + 1)
            return found_wrong(ret, "deeds", "deed %" PRIu64 " is there, and %" PRIu64 " is not", k, k - 1);
        step = k;
    }
    if (step < bounds->acked)
        return found_wrong(ret, "acknowledged", "the last deed is %" PRIu64 ", acknowledged %" PRIu64, step,
                           bounds->acked);
    if (step > bounds->begun)
        return found_wrong(ret, "invented", "the last deed is %" PRIu64 ", begun %" PRIu64, step, bounds->begun);
    *ret_step = step;
    return true;
}

bool
deeds_root(const struct bounds *bounds, struct finding *ret)
{
    struct store *st = serve_broker()->store;
    uint8_t root[LEAF_HASH_SIZE];

    if (store_head(st) < bounds->head)
        return found_wrong(ret, "root", "%" PRIu64 " records, %" PRIu64 " when something was acknowledged",
                           store_head(st), bounds->head);
    if (bounds->head > 0 && (store_tree_root(st, bounds->head, root) != 0 || be64_get(root) != bounds->root))
        return found_wrong(ret, "root", "the first %" PRIu64 " records are others than acknowledged: %s", bounds->head,
                           store_damage(st));
    return true;
}

/* ---- records */

static bool
part_is(const struct store_row *row, const ProtobufCBinaryData *want)
{
    for (size_t i = 0; i < row->part_count; i++)
        if (row->parts[i].len == want->len && memcmp(row->parts[i].body, want->data, want->len) == 0)
            return true;
    return false;
}

static bool
check_content(struct look *l, const struct store_row *row)
{
    struct leaf leaf = {.cls = row->leaf.cls, .n = row->leaf.n, .seq = row->seq, .ts_ms = row->leaf.ts_ms};
    uint64_t k = l->of[row->seq];
    const struct deed *deed = &l->deeds->at[k];
    const Wici__V1__Event *event;

    leaf_fill(&leaf, row->seed, row->parts, row->part_count);
    if (memcmp(leaf.digests, row->leaf.digests, leaf.n * (size_t)LEAF_HASH_SIZE) != 0)
        return found_wrong(l->finding, "digests", "record %" PRIu64 " does not fit its leaf", row->seq);
    if (k == 0)
        return true;
    event = deed_event(l->deeds, k);
    if (!part_is(row, &event->header))
        return found_wrong(l->finding, "records", "deed %" PRIu64 " has another header", k);
    for (size_t i = 0; i < event->n_sections; i++)
        if (!part_is(row, &event->sections[i]))
            return found_wrong(l->finding, "records", "deed %" PRIu64 " has another section %zu", k, i);
    if (l->entries[deed->dossier] == 0)
        l->entries[deed->dossier] = row->entry;
    return row->entry == l->entries[deed->dossier] ||
           found_wrong(l->finding, "records", "deed %" PRIu64 " has another dossier's key", k);
}

static bool
check_row(struct look *l, const struct store_row *row, uint64_t seq)
{
    uint64_t k = l->of[seq];
    uint8_t input[LEAF_INPUT_MAX];

    if (row->seq != seq || row->leaf.seq != seq)
        return found_wrong(l->finding, "gapless", "record %" PRIu64 " says it is %" PRIu64, seq, row->seq);
    leaf_hash(input, leaf_encode(&row->leaf, input), l->hashes[seq - 1]);
    if (row->erased != (k != 0 && deed_is_gone(l->deeds, k, l->step)))
        return found_wrong(l->finding, "holes", "record %" PRIu64 ", of deed %" PRIu64 ", is %serased", seq, k,
                           row->erased ? "" : "not ");
    if (row->erased && row->entry != STORE_NO_ENTRY)
        return found_wrong(l->finding, "holes", "record %" PRIu64 " is erased, and its row is as it was", seq);
    return row->erased || check_content(l, row);
}

static bool
check_records(struct look *l)
{
    uint64_t head = store_head(l->b->store);
    struct store_slice *slice = NULL;
    struct store_row row;
    bool good = true;
    int rc = store_slice_begin(l->b->store, &slice);

    if (rc != 0 || head > SCRIPT_RECORDS_MAX)
        return found_wrong(l->finding, "records", "of %" PRIu64 " no slice: %s", head, strerror(-rc));
    for (uint64_t seq = 1; good && seq <= head; seq++) {
        rc = store_read(slice, seq, &row);
        good = rc == 0 ? check_row(l, &row, seq)
                       : found_wrong(l->finding, "records", "record %" PRIu64 ": %s %s", seq, strerror(-rc),
                                     store_damage(l->b->store));
    }
    if (good && store_read(slice, head + 1, &row) != -ENOENT)
        good = found_wrong(l->finding, "gapless", "there is a record behind the last");
    store_slice_end(&slice);
    return good;
}

static bool
check_tree(struct look *l)
{
    uint64_t head = store_head(l->b->store);
    uint8_t root[LEAF_HASH_SIZE], want[LEAF_HASH_SIZE], last[LEAF_HASH_SIZE];
    int rc = store_tree_root(l->b->store, head, root);

    script_tree_hash((const uint8_t(*)[LEAF_HASH_SIZE])l->hashes, head, want);
    store_head_hash(l->b->store, last);
    if (rc != 0 || memcmp(root, want, sizeof root) != 0)
        return found_wrong(l->finding, "tree", "the root of %" PRIu64 " records is another one: %s", head,
                           strerror(-rc));
    return memcmp(last, l->hashes[head - 1], sizeof last) == 0 ||
           found_wrong(l->finding, "digests", "the head's leaf hash is another one");
}

/* The ids of deeds that are there lead to one record each, those of the others to none. */
static bool
check_ids(struct look *l)
{
    for (uint64_t k = 1; k <= DEEDS_MAX; k++) {
        uint8_t id[16];
        int rc;

        if (!deed_is_event(&l->deeds->at[k]))
            continue;
        deed_event_id(l->deeds, k, id);
        rc = store_id_find(l->b->store, id, &l->seqs[k]);
        if (k > l->step && rc == -ENOENT)
            continue;
        if (rc != 0 || k > l->step || l->seqs[k] == 0 || l->seqs[k] > store_head(l->b->store) || l->of[l->seqs[k]] != 0)
            return found_wrong(l->finding, "ids", "that of deed %" PRIu64 " leads to record %" PRIu64 ": %s", k,
                               l->seqs[k], strerror(-rc));
        l->of[l->seqs[k]] = k;
    }
    return true;
}

/* ---- beside them */

static bool
check_found(struct look *l)
{
    uint64_t seqs[DEEDS_MAX + 1];

    for (unsigned d = 0; d < DOSSIERS_MAX; d++) {
        size_t count = 0, at = 0;
        int rc = l->entries[d] == 0
                     ? 0
                     : store_find(l->b->store, l->entries[d], 1, seqs, sizeof seqs / sizeof *seqs, &count);

        if (rc != 0)
            return found_wrong(l->finding, "found", "dossier %u: %s", d, strerror(-rc));
        for (uint64_t k = 1; k <= l->step && l->entries[d] != 0; k++)
            if (deed_is_event(&l->deeds->at[k]) && l->deeds->at[k].dossier == d &&
                (at == count || seqs[at++] != l->seqs[k]))
                return found_wrong(l->finding, "found", "dossier %u: deed %" PRIu64 " is missing", d, k);
        if (at != count)
            return found_wrong(l->finding, "found", "dossier %u: %zu too many", d, count - at);
    }
    return true;
}

static bool
check_document(struct look *l, uint64_t k)
{
    static uint8_t opened[STORE_DOC_CHUNK];
    uint32_t entry = l->entries[l->deeds->at[k].dossier], size = l->deeds->at[k].len, at = 0;
    uint8_t digest[DIGEST_SIZE];
    const uint8_t *want = deed_document(l->deeds, k, digest);
    struct store_doc doc;
    size_t len = 0;
    int rc = store_doc_find(l->b->store, entry, serve_unit_id(SERVE_SENDER), digest, &doc);

    for (uint32_t chunk = 0; rc == 0 && at < size; chunk++, at += (uint32_t)len) {
        rc = store_doc_read(l->b->store, &doc, chunk, opened, &len);
        if (rc == 0 && (len == 0 || len > size - at || memcmp(opened, want + at, len) != 0))
            return found_wrong(l->finding, "documents", "that of deed %" PRIu64 " has other bytes", k);
    }
    return rc == 0 || found_wrong(l->finding, "documents", "that of deed %" PRIu64 ": %s %s", k, strerror(-rc),
                                  store_damage(l->b->store));
}

static bool
check_documents(struct look *l)
{
    for (uint64_t k = 1; k <= l->step; k++)
        if (l->deeds->at[k].kind == DEED_PAPER && !deed_is_gone(l->deeds, k, l->step) && !check_document(l, k))
            return false;
    return true;
}

/* ---- erasures */

/* The dossier with this mark; DOSSIERS_MAX: none. */
static unsigned
dossier_of(const struct look *l, const char *mark)
{
    char want[CORE_MARK_TEXT_SIZE];
    uint8_t id[16];

    for (unsigned d = 0; d < DOSSIERS_MAX; d++) {
        deed_dossier_id(l->deeds, d, id);
        core_erased_mark(id, want);
        if (strcmp(want, mark) == 0)
            return d;
    }
    return DOSSIERS_MAX;
}

/* What was ordered, as it was ordered, and of nothing else; and it is done. */
static bool
check_erasure(struct look *l, const struct core_erasure *erasure, uint64_t *gone)
{
    const Wici__V1__Section *section = deeds_section(l->b, erasure->seq);
    const Wici__V1__SysErasureIntendedS0 *intent;
    uint64_t told = 0;

    if (erasure->done_seq == 0)
        return found_wrong(l->finding, "ordered", "the erasure of record %" PRIu64 " is not done", erasure->seq);
    if (section == NULL || section->body_case != WICI__V1__SECTION__BODY_SYS_ERASURE_INTENDED_S0)
        return found_wrong(l->finding, "ordered", "record %" PRIu64 " is no intent", erasure->seq);
    intent = section->sys_erasure_intended_s0;
    if (strcmp(intent->reason, REASON) != 0)
        return found_wrong(l->finding, "ordered", "an erasure that nobody ordered so: %s", intent->reason);
    for (size_t i = 0; i < intent->n_keys; i++) {
        unsigned d = dossier_of(l, intent->keys[i]->mark);

        if (d == DOSSIERS_MAX || (l->deeds->at[l->step].gone >> d & 1) == 0 || (*gone >> d & 1) != 0)
            return found_wrong(l->finding, "ordered", "key entry %" PRIu32 " was not to be destroyed",
                               intent->keys[i]->entry);
        if (!store_key_is_erased(l->b->store, intent->keys[i]->entry))
            return found_wrong(l->finding, "keys", "that of dossier %u is there", d);
        *gone |= UINT64_C(1) << d;
    }
    told = intent->recipients;
    for (uint64_t i = 1; i <= told; i++) {
        section = deeds_section(l->b, erasure->seq + i);
        if (section == NULL || section->body_case != WICI__V1__SECTION__BODY_SYS_ERASURE_NOTIFIED_S0 ||
            section->sys_erasure_notified_s0->intended_seq != erasure->seq)
            return found_wrong(l->finding, "ordered", "record %" PRIu64 " tells no recipient", erasure->seq + i);
    }
    return told > 0 || found_wrong(l->finding, "ordered", "nobody is told of an erasure");
}

static bool
check_erasures(struct look *l)
{
    uint64_t gone = 0;

    for (size_t i = 0; i < core_erasure_count(l->b->core); i++) {
        struct core_erasure erasure;

        core_erasure(l->b->core, i, &erasure);
        if (!check_erasure(l, &erasure, &gone))
            return false;
        for (size_t e = 0; e < erasure.count; e++) {
            uint64_t seq;
            size_t count = 1;

            if (store_doc_count(l->b->store, erasure.entries[e], &count) != 0 || count != 0)
                return found_wrong(l->finding, "documents", "%zu rows are left of an erased dossier", count);
            if (store_find(l->b->store, erasure.entries[e], 1, &seq, 1, &count) != 0 || count != 0)
                return found_wrong(l->finding, "found", "the index knows an erased dossier");
        }
    }
    return gone == l->deeds->at[l->step].gone ||
           found_wrong(l->finding, "ordered", "dossiers %" PRIx64 " are erased, not %" PRIx64, gone,
                       l->deeds->at[l->step].gone);
}

/* The state in use, byte for byte, is the fold of the log with its holes. */
static bool
check_fold(struct look *l)
{
    struct core *folded = NULL;
    uint8_t *live_bytes = NULL, *folded_bytes = NULL;
    size_t live_len = 0, folded_len = 0;
    struct fold fold = {.store = NULL};
    int rc = core_create(&folded);
    bool good;

    if (rc == 0)
        rc = fold_open(&fold, l->b->store, folded, NULL);
    while (rc == 0 && fold.seq < store_head(l->b->store))
        rc = fold_some(&fold, FOLD_SLICE_RECORDS);
    fold_close(&fold);
    if (rc == 0)
        rc = core_dump(l->b->core, &live_bytes, &live_len);
    if (rc == 0)
        rc = core_dump(folded, &folded_bytes, &folded_len);
    good = rc == 0 && live_len == folded_len && memcmp(live_bytes, folded_bytes, live_len) == 0;
    free(live_bytes);
    free(folded_bytes);
    core_destroy(&folded);
    return good || found_wrong(l->finding, "fold", "the state in use is not the log's: %s", strerror(-rc));
}

bool
deeds_check(const struct deeds *deeds, const struct place *place, uint64_t step, struct finding *ret)
{
    static struct look l;

    memset(&l, 0, sizeof l);
    l.deeds = deeds;
    l.b = serve_broker();
    l.step = step;
    l.finding = ret;
    return check_ids(&l) && check_records(&l) && check_tree(&l) && check_found(&l) && check_documents(&l) &&
           check_erasures(&l) && check_fold(&l) && gone_keys_are(deeds, place, step, ret);
}
