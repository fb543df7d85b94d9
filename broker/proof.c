/*
 * proof - receipts, consistency and leaves
 *
 * Proofs are made against the newest checkpoint, whose root is compared with the tree's once more: what leaves here
 * holds, or the broker stops.
 */
#include "broker/access.h"
#include "broker/query_answer.h"
#include "proto/tlogproof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES_MAX 512u /* leaf inputs in one answer: half a message at most */

static_assert(LEAVES_MAX * (LEAF_INPUT_MAX + 16u) < WIRE_MESSAGE_MAX, "an answer is one message");

static char *
text_take(struct broker *b, char *text, size_t len)
{
    char *copy = arena_alloc(b->reply_arena, len + 1);

    if (copy != NULL)
        memcpy(copy, text, len + 1);
    free(text);
    return copy;
}

static bool
is_author(const struct broker *b, uint32_t unit, const struct record *record)
{
    struct core_unit u;

    core_unit(b->core, unit, &u);
    return strcmp(record->event.header->actor->unit, u.id) == 0;
}

/* The file, in the arena. */
static int
receipt_text(struct broker *b, const struct record *record, const struct core_view *view, char **ret)
{
    struct tlogproof proof = {.index = record->core.seq - 1};
    struct bytes disclosure;
    uint64_t size;
    char *text;
    size_t len;
    int rc;

    proof.checkpoint = checkpoints_newest(b->checkpoints, &proof.checkpoint_len, &size);
    if ((rc = checkpoints_verify(b->checkpoints)) != 0 ||
        (rc = store_prove_inclusion(b->store, record->core.seq, size, &proof.path)) != 0)
        return rc;
    if (record_delivery(record, view, b->reply_arena, &disclosure) != 0)
        return -ENOBUFS;
    proof.extra = disclosure.data;
    proof.extra_len = disclosure.len;
    rc = tlogproof_format(&proof, &text, &len);
    if (rc != 0)
        return rc;
    *ret = text_take(b, text, len);
    return *ret == NULL ? -ENOBUFS : 0;
}

int
proof_receipt(struct broker *b, const struct session *session, const Wici__V1__ReceiptQuery *asked,
              struct store_slice *slice, Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__ReceiptFile *file = arena_alloc(b->reply_arena, sizeof *file);
    const char *path = asked->seq != 0 ? "query.receipt.seq" : "query.receipt.eventId";
    struct record record;
    struct core_view view;
    uint64_t seq = asked->seq, size;
    size_t len;
    int rc;

    if (file == NULL)
        return -ENOBUFS;
    if ((seq != 0) == (asked->event_id[0] != '\0'))
        return query_refuse(refusal, E_REQUEST, "query.receipt");
    rc = seq == 0 ? query_event(b, session->unit, asked->event_id, slice, &record, &view, refusal, path)
                  : query_record(b, session->unit, seq, slice, &record, &view, refusal, path);
    if (rc != 0)
        return rc;
    seq = record.core.seq;
    (void)checkpoints_newest(b->checkpoints, &len, &size);
    if (seq > size)
        return query_refuse(refusal, E_BUSY, path);
    wici__v1__receipt_file__init(file);
    file->seq = seq;
    rc = receipt_text(b, &record, &view, &file->text);
    if (rc == 0 && !record_is_sys(&record) && !is_author(b, session->unit, &record))
        rc = access_shown(b, session, seq); /* in the commit that the answer waits for */
    if (rc == -ENOSPC)
        return query_refuse(refusal, E_FULL, path);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_RECEIPT;
    result->receipt = file;
    return rc;
}

/* ---- inclusion */

static int
hash_put(struct broker *b, const uint8_t hash[MERKLE_HASH_SIZE], ProtobufCBinaryData *ret)
{
    ret->len = MERKLE_HASH_SIZE;
    ret->data = arena_alloc(b->reply_arena, MERKLE_HASH_SIZE);
    if (ret->data == NULL)
        return -ENOBUFS;
    memcpy(ret->data, hash, MERKLE_HASH_SIZE);
    return 0;
}

static int
inclusion_put(struct broker *b, uint64_t seq, uint64_t size, Wici__V1__Inclusion **ret)
{
    Wici__V1__Inclusion *m = arena_alloc(b->reply_arena, sizeof *m);
    struct merkle_proof proof;
    int rc = store_prove_inclusion(b->store, seq, size, &proof);

    if (rc != 0)
        return rc;
    if (m == NULL)
        return -ENOBUFS;
    wici__v1__inclusion__init(m);
    m->seq = seq;
    m->hashes = arena_alloc(b->reply_arena, (proof.count + 1) * sizeof *m->hashes);
    if (m->hashes == NULL)
        return -ENOBUFS;
    for (; m->n_hashes < proof.count && rc == 0; m->n_hashes++)
        rc = hash_put(b, proof.hash[m->n_hashes], &m->hashes[m->n_hashes]);
    *ret = m;
    return rc;
}

int
proof_inclusion(struct broker *b, const Wici__V1__InclusionQuery *asked, Wici__V1__QueryResult *result,
                struct refusal *refusal)
{
    Wici__V1__InclusionList *list = arena_alloc(b->reply_arena, sizeof *list);
    size_t len;
    int rc;

    if (list == NULL)
        return -ENOBUFS;
    if (asked->n_seqs > INCLUSIONS_MAX)
        return query_refuse(refusal, E_LIMIT, "query.inclusion.seqs");
    wici__v1__inclusion_list__init(list);
    list->note = TEXT(checkpoints_newest(b->checkpoints, &len, &list->size));
    list->proofs = arena_alloc(b->reply_arena, (asked->n_seqs + 1) * sizeof(Wici__V1__Inclusion *));
    if (list->proofs == NULL)
        return -ENOBUFS;
    rc = list->size > 0 ? checkpoints_verify(b->checkpoints) : 0;
    for (size_t i = 0; i < asked->n_seqs && rc == 0; i++)
        if (asked->seqs[i] > 0 && asked->seqs[i] <= list->size)
            rc = inclusion_put(b, asked->seqs[i], list->size, &list->proofs[list->n_proofs++]);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_INCLUSION;
    result->inclusion = list;
    return rc;
}

/* ---- consistency */

static int
root_put(struct broker *b, uint64_t size, ProtobufCBinaryData *ret)
{
    uint8_t root[MERKLE_HASH_SIZE];
    int rc = store_tree_root(b->store, size, root);

    return rc == 0 ? hash_put(b, root, ret) : rc;
}

/* What is kept is handed out as it was signed, or not at all. */
static int
kept_check(struct broker *b, uint64_t size, const char *note, size_t len)
{
    const struct log_keys *keys = checkpoints_keys(b->checkpoints);
    uint8_t root[MERKLE_HASH_SIZE];
    struct note_checkpoint checkpoint;
    uint32_t keys_signed;
    int rc;

    if (note_checkpoint_open(note, len, keys->at, keys->count, &checkpoint, &keys_signed) != 0 ||
        checkpoint.size != size)
        return store_damaged(b->store, size, "the checkpoint that is kept of it is not one that was signed");
    rc = store_tree_root(b->store, size, root);
    if (rc == 0 && memcmp(root, checkpoint.root, sizeof root) != 0)
        rc = store_damaged(b->store, size, "the checkpoint that is kept of it has another root");
    return rc;
}

/* The checkpoint of just this size, where the log keeps one; else "". */
static int
kept_note(struct broker *b, uint64_t size, char **ret)
{
    uint64_t kept;
    const char *note;
    size_t len;
    int rc = size == 0 ? -ENOENT : store_checkpoint_get(b->store, size, &kept, &note, &len);

    if (rc == -ENOENT || (rc == 0 && kept != size))
        return 0;
    if (rc != 0)
        return rc;
    *ret = arena_alloc(b->reply_arena, len + 1);
    if (*ret == NULL)
        return -ENOBUFS;
    memcpy(*ret, note, len);
    (*ret)[len] = '\0';
    return kept_check(b, size, *ret, len);
}

int
proof_consistency(struct broker *b, const Wici__V1__ConsistencyQuery *asked, Wici__V1__QueryResult *result,
                  struct refusal *refusal)
{
    Wici__V1__Consistency *c = arena_alloc(b->reply_arena, sizeof *c);
    ProtobufCBinaryData *hashes = arena_alloc(b->reply_arena, MERKLE_PROOF_MAX * sizeof *hashes);
    struct merkle_proof proof;
    uint64_t newest;
    const char *note;
    size_t len;
    int rc;

    if (c == NULL || hashes == NULL)
        return -ENOBUFS;
    note = checkpoints_newest(b->checkpoints, &len, &newest);
    wici__v1__consistency__init(c);
    c->old_size = asked->old_size;
    c->new_size = asked->new_size == 0 ? newest : asked->new_size;
    if (c->old_size > c->new_size || c->new_size > store_head(b->store))
        return query_refuse(refusal, E_UNKNOWN,
                            c->old_size > c->new_size ? "query.consistency.oldSize" : "query.consistency.newSize");
    if (c->new_size == newest && newest > 0) {
        c->note = TEXT(note);
        rc = checkpoints_verify(b->checkpoints);
    } else {
        rc = kept_note(b, c->new_size, &c->note);
    }
    if (rc != 0)
        return rc;
    rc = store_prove_consistency(b->store, c->old_size, c->new_size, &proof);
    for (size_t i = 0; rc == 0 && i < proof.count; i++)
        rc = hash_put(b, proof.hash[i], &hashes[i]);
    if (rc != 0 || (rc = root_put(b, c->old_size, &c->old_root)) != 0 ||
        (rc = root_put(b, c->new_size, &c->new_root)) != 0)
        return rc;
    c->hashes = hashes;
    c->n_hashes = proof.count;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_CONSISTENCY;
    result->consistency = c;
    return 0;
}

/* ---- leaves */

int
proof_leaves(struct broker *b, uint32_t unit, const Wici__V1__LeavesQuery *asked, struct store_slice *slice,
             Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__Leaves *list = arena_alloc(b->reply_arena, sizeof *list);
    ProtobufCBinaryData *leaves = arena_alloc(b->reply_arena, LEAVES_MAX * sizeof *leaves);
    uint8_t input[LEAF_INPUT_MAX];
    struct leaf leaf;
    uint32_t entry;
    int rc = 0;

    if (list == NULL || leaves == NULL)
        return -ENOBUFS;
    if (!core_unit_is(b->core, unit, WICI__V1__ROLE__AUD))
        return query_refuse(refusal, E_UNKNOWN, "query.leaves");
    if (asked->from_seq == 0)
        return query_refuse(refusal, E_REQUEST, "query.leaves.fromSeq");
    wici__v1__leaves__init(list);
    list->from_seq = asked->from_seq;
    list->leaves = leaves;
    for (uint64_t seq = asked->from_seq; list->n_leaves < LEAVES_MAX && seq <= store_head(b->store); seq++) {
        ProtobufCBinaryData *into = &leaves[list->n_leaves];

        rc = store_read_leaf(slice, seq, &leaf, &entry);
        if (rc != 0)
            return rc;
        into->len = leaf_encode(&leaf, input);
        into->data = arena_alloc(b->reply_arena, into->len);
        if (into->data == NULL)
            return -ENOBUFS;
        memcpy(into->data, input, into->len);
        list->n_leaves++;
    }
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_LEAVES;
    result->leaves = list;
    return 0;
}
