/*
 * witness - see witness.h
 */
#include "agents/witness.h"

#include "agents/known.h"
#include "agents/unproven.h"
#include "proto/disclosure.h"
#include "proto/limits.h"
#include "proto/member.h"
#include "proto/tlogproof.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define STEP_QUESTIONS 8u       /* in one go */
#define STALE_MS       600000u  /* events wait for their proof for so long: told */
#define TELL_MS        3600000u /* ... and again */

struct witness {
    struct known known;
    struct unproven pending;
    uint64_t epoch;    /* of the log that is connected; 0: none was yet */
    uint64_t asked_ms; /* 0: ask at once */
    uint64_t waits_ms, told_ms;
};

int
witness_caught(struct witness *w, const char *what, uint64_t seq)
{
    return known_caught(&w->known, what, seq, NULL, 0);
}

/* ---- what is delivered */

/* The epoch of what is delivered now. What the broker says of it is not signed: it may be later than that of the
 * checkpoint that we know, and not earlier. */
static uint64_t
epoch_now(const struct witness *w)
{
    size_t len;
    uint64_t known = w->known.has_checkpoint ? known_epoch_of(w->known.checkpoint.origin, &len) : 1;

    return w->epoch > known ? w->epoch : known;
}

int
witness_event(struct witness *w, const struct wici_event *event)
{
    Wici__V1__Delivery *delivery = NULL;
    struct leaf leaf;
    uint8_t hash[LEAF_HASH_SIZE];
    int rc = disclosure_open(event->delivery, event->delivery_len, &leaf, &delivery);

    if (delivery != NULL)
        wici__v1__delivery__free_unpacked(delivery, NULL);
    if (rc == -ENOMEM)
        return rc;
    if (rc != 0 || leaf.seq != event->seq)
        return known_caught(&w->known, "content", event->seq, NULL, 0);
    disclosure_leaf_hash(&leaf, hash);
    return unproven_add(&w->pending, leaf.seq, epoch_now(w), hash);
}

/* ---- questions */

/* Is this event proven by the answer? 0; 1: it is not in the checkpoint yet; -EBADMSG */
static int
pending_check(const struct unproven_event *p, const json_t *proofs, const struct note_checkpoint *checkpoint)
{
    const json_t *answer;
    size_t i;

    if (p->seq > checkpoint->size)
        return 1;
    json_array_foreach(proofs, i, answer)
    {
        struct merkle_proof proof;

        if (member_number(answer, "seq") != p->seq)
            continue;
        if (known_hashes_take(json_object_get(answer, "hashes"), &proof) != 0)
            return -EBADMSG;
        return merkle_inclusion_check(p->seq - 1, checkpoint->size, p->leaf, &proof, checkpoint->root);
    }
    return -EBADMSG; /* it has to be there */
}

/* It is told once: what is settled must not stop the next run again. First the alarm: what is dropped before that is
 * written would be forgotten by a crash. */
static int
unproven_caught(struct witness *w, size_t index, const char *note)
{
    uint64_t seq = w->pending.at[index].seq;
    int rc;

    rc = known_caught(&w->known, "inclusion", seq, note, strlen(note));
    if (rc != -ENOTRECOVERABLE)
        return rc;
    unproven_drop(&w->pending, index, 1);
    (void)unproven_write(&w->pending);
    return rc;
}

/* Asks for the first events that wait; keeps those that are not signed yet. *ret_more: it helps to ask again. */
static int
pending_ask(struct witness *w, bool *ret_more)
{
    size_t count = w->pending.count < INCLUSIONS_MAX ? w->pending.count : INCLUSIONS_MAX, kept = 0, lost = 0, len;
    json_t *seqs = json_array(), *answer = NULL;
    struct note_checkpoint checkpoint;
    const char *note;
    int rc;

    *ret_more = false;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(seqs, json_integer((json_int_t)w->pending.at[i].seq));
    rc = known_ask(&w->known, json_pack("{s:{s:o}}", "inclusion", "seqs", seqs), "inclusion", &answer);
    if (rc != 0)
        return rc;
    note = json_string_value(json_object_get(answer, "note"));
    if (note == NULL || note[0] == '\0')
        rc = -EAGAIN; /* nothing was signed yet */
    if (rc == 0)
        rc = known_take(&w->known, note, strlen(note), &checkpoint);
    for (size_t i = 0; i < count && rc == 0; i++) {
        int checked = pending_check(&w->pending.at[i], json_object_get(answer, "proofs"), &checkpoint);

        if (checked == -EBADMSG && w->pending.at[i].epoch < known_epoch_of(checkpoint.origin, &len))
            lost++;
        else if (checked == -EBADMSG)
            rc = unproven_caught(w, i, note);
        else if (checked == 1)
            w->pending.at[kept++] = w->pending.at[i];
    }
    json_decref(answer);
    if (rc != 0)
        return rc;
    unproven_drop(&w->pending, kept, count - kept);
    if (lost > 0)
        agent_log(AGENT_WARN, "%zu events that were received before the log was restored are not in it any more", lost);
    *ret_more = kept == 0 && w->pending.count > 0;
    return 0;
}

/* A broker that proves nothing tells no lie, but is not to be believed either. */
static void
stale_tell(struct witness *w, size_t before, uint64_t now_ms)
{
    if (w->pending.count == 0 || w->pending.count < before || w->waits_ms == 0)
        w->waits_ms = now_ms;
    if (w->pending.count == 0 || now_ms - w->waits_ms < STALE_MS || (w->told_ms != 0 && now_ms - w->told_ms < TELL_MS))
        return;
    w->told_ms = now_ms;
    agent_log(AGENT_WARN, "the broker has not proven for ten minutes that what it delivered is in the log (%zu events)",
              w->pending.count);
}

int
witness_run(struct witness *w, uint64_t now_ms)
{
    size_t before = w->pending.count;
    bool more = true, any = false;
    int rc = 0;

    if (w->asked_ms != 0 && now_ms - w->asked_ms < (w->pending.count > 0 ? WITNESS_SOON_MS : WITNESS_IDLE_MS))
        return 0;
    w->asked_ms = now_ms;
    for (unsigned i = 0; i < STEP_QUESTIONS && more && rc == 0; i++) {
        any = any || w->pending.count > 0; /* also those that came while the last question waited for its answer */
        rc = pending_ask(w, &more);
    }
    if (rc == 0 && w->pending.count == 0 && any)
        rc = unproven_write(&w->pending);
    stale_tell(w, before, now_ms);
    return rc == -EAGAIN ? 0 : rc;
}

void
witness_epoch(struct witness *w, uint64_t epoch)
{
    w->epoch = epoch;
}

void
witness_hurry(struct witness *w)
{
    w->asked_ms = 0;
}

size_t
witness_waiting(const struct witness *w)
{
    return w->pending.count;
}

int
witness_receipt(struct witness *w, const char *text, uint64_t seq, const uint8_t *digests, size_t len)
{
    size_t size = strlen(text);
    uint8_t *extra = malloc(size + 1), hash[LEAF_HASH_SIZE];
    Wici__V1__Delivery *delivery = NULL;
    struct note_checkpoint checkpoint;
    struct tlogproof proof;
    struct leaf leaf;
    uint32_t by;
    int rc;

    if (extra == NULL)
        return -ENOMEM;
    rc = tlogproof_parse(text, size, extra, size, &proof);
    if (rc == 0)
        rc = disclosure_open(proof.extra, proof.extra_len, &leaf, &delivery);
    if (rc == -ENOMEM)
        goto out;
    if (rc != 0 || proof.index != leaf.seq - 1 ||
        (seq != 0 &&
         (leaf.seq != seq || len != (size_t)leaf.n * LEAF_HASH_SIZE || memcmp(leaf.digests, digests, len) != 0))) {
        rc = known_caught(&w->known, "receipt", seq, NULL, 0);
        goto out;
    }
    rc = known_take(&w->known, proof.checkpoint, proof.checkpoint_len, &checkpoint);
    if (rc != 0)
        goto out;
    disclosure_leaf_hash(&leaf, hash);
    rc = tlogproof_verify(&proof, hash, w->known.keys, w->known.key_count, &checkpoint, &by);
    if (rc == -EBADMSG)
        rc = known_caught(&w->known, "receipt", seq, proof.checkpoint, proof.checkpoint_len);
out:
    if (delivery != NULL)
        wici__v1__delivery__free_unpacked(delivery, NULL);
    free(extra);
    return rc;
}

/* ---- opening and closing */

int
witness_open(struct witness **ret, const struct witness_options *options)
{
    struct witness *w = calloc(1, sizeof *w);
    int rc = w == NULL ? -ENOMEM : 0;

    assert(ret != NULL && options != NULL);
    if (rc != 0)
        return rc;
    w->pending.fd = -1;
    rc = known_open(&w->known, options->dirs, options->link, options->config);
    if (rc == 0)
        rc = unproven_load(&w->pending, options->dirs->state);
    if (rc == 0) {
        *ret = w;
        return 0;
    }
    witness_close(&w);
    return rc;
}

void
witness_close(struct witness **witness)
{
    struct witness *w = *witness;

    if (w == NULL)
        return;
    unproven_close(&w->pending);
    free(w);
    *witness = NULL;
}
