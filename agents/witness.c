/*
 * witness - see witness.h
 */
#include "agents/witness.h"

#include "agents/unproven.h"
#include "proto/disclosure.h"
#include "proto/endorse.h"
#include "proto/limits.h"
#include "proto/member.h"
#include "proto/note.h"
#include "proto/strict.h"
#include "proto/tlogproof.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KNOWN_FILE     "checkpoint"
#define KEYS_FILE      "log.keys"
#define STEP_QUESTIONS 8u       /* in one go */
#define STALE_MS       600000u  /* events wait for their proof for so long: told */
#define TELL_MS        3600000u /* ... and again */
#define NOTE_FILE_MAX  NOTE_SIZE_MAX

struct witness {
    struct witness_options o;
    struct note_key keys[NOTE_KEYS_MAX];
    size_t key_count;
    bool keys_fixed; /* by the configuration */
    struct note_checkpoint known;
    bool has_known;
    struct unproven pending;
    uint64_t epoch;    /* of the log that is connected; 0: none was yet */
    uint64_t asked_ms; /* 0: ask at once */
    uint64_t waits_ms, told_ms;
};

/* ---- what is caught */

/* Tells and notes it. note (may be NULL): the signed checkpoint that contradicts. */
static int
caught(struct witness *w, const char *what, uint64_t seq, const char *note, size_t note_len)
{
    json_t *json = json_pack("{s:s, s:I, s:I}", "what", what, "record", (json_int_t)seq, "at", (json_int_t)time(NULL));
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));

    agent_log(AGENT_ERROR, "the broker's log does not hold: %s (record %" PRIu64 ")", what, seq);
    agent_log(AGENT_ERROR,
              "stopped; call the administrator (state/alarm.json says what; remove it when that is settled)");
    if (note != NULL)
        (void)agent_write(w->o.dirs->state, "alarm.note", note, note_len);
    if (text != NULL)
        (void)agent_write(w->o.dirs->state, WITNESS_ALARM_FILE, text, strlen(text));
    free(text);
    json_decref(json);
    return -ENOTRECOVERABLE;
}

int
witness_caught(struct witness *w, const char *what, uint64_t seq)
{
    return caught(w, what, seq, NULL, 0);
}

/* ---- keys */

/* Takes the verifier keys of a text, one a word. -EBADMSG */
static int
keys_parse(const char *text, struct note_key *ret, size_t *ret_count)
{
    *ret_count = 0;
    while (*(text += strspn(text, " \t\r\n")) != '\0') {
        size_t len = strcspn(text, " \t\r\n");

        if (*ret_count == NOTE_KEYS_MAX || note_key_parse(text, len, &ret[*ret_count]) != 0)
            return -EBADMSG;
        ++*ret_count;
        text += len;
    }
    return 0;
}

static int
keys_load(struct witness *w)
{
    char *text = NULL;
    int rc = 0;

    if (w->o.config->log_key[0] != '\0') {
        w->keys_fixed = true;
        return keys_parse(w->o.config->log_key, w->keys, &w->key_count);
    }
    if (agent_read(w->o.dirs->state, KEYS_FILE, NOTE_KEYS_MAX * NOTE_KEY_TEXT_SIZE, &text, NULL) == 0)
        rc = keys_parse(text, w->keys, &w->key_count);
    free(text);
    return rc;
}

static int
keys_write(struct witness *w)
{
    char text[NOTE_KEYS_MAX * (NOTE_KEY_TEXT_SIZE + 1)];
    size_t len = 0;

    for (size_t i = 0; i < w->key_count; i++) {
        note_key_format(&w->keys[i], text + len);
        len += strlen(text + len);
        text[len++] = '\n';
    }
    return agent_write(w->o.dirs->state, KEYS_FILE, text, len);
}

/* Asks. -EAGAIN: no answer now. */
static int
ask(struct witness *w, json_t *request, const char *result, json_t **ret)
{
    char *asked = request == NULL ? NULL : json_dumps(request, JSON_COMPACT), *answer = NULL;
    json_t *all;
    int rc = asked == NULL ? -ENOMEM : w->o.link->query(w->o.link->arg, asked, &answer);

    free(asked);
    json_decref(request);
    if (rc != 0)
        return rc == -ENOMEM ? rc : -EAGAIN;
    all = json_loads(answer, 0, NULL);
    free(answer);
    *ret = json_incref(json_object_get(all, result));
    json_decref(all);
    return *ret == NULL ? -EAGAIN : 0;
}

/* The keys that the log has announced, in that order. */
struct announced {
    struct note_key keys[NOTE_KEYS_MAX];
    char endorsed[NOTE_KEYS_MAX][ENDORSE_SIZE_MAX]; /* "": no key vouches for it */
    size_t count;
};

static int
keys_ask(struct witness *w, struct announced *ret)
{
    json_t *checkpoint = NULL, *key;
    size_t i;
    int rc = ask(w, json_pack("{s:{}}", "checkpoint"), "checkpoint", &checkpoint);

    if (rc != 0)
        return rc;
    ret->count = 0;
    json_array_foreach(json_object_get(checkpoint, "keys"), i, key)
    {
        const char *vkey = json_string_value(json_object_get(key, "vkey"));
        const char *endorsed = json_string_value(json_object_get(key, "endorsed"));

        if (vkey == NULL || ret->count == NOTE_KEYS_MAX ||
            note_key_parse(vkey, strlen(vkey), &ret->keys[ret->count]) != 0)
            continue;
        if (endorsed == NULL || strlen(endorsed) >= ENDORSE_SIZE_MAX)
            endorsed = "";
        memcpy(ret->endorsed[ret->count++], endorsed, strlen(endorsed) + 1);
    }
    json_decref(checkpoint);
    return ret->count == 0 ? -EAGAIN : 0;
}

static bool
key_is_trusted(const struct witness *w, const struct note_key *key)
{
    for (size_t i = 0; i < w->key_count; i++)
        if (strcmp(w->keys[i].name, key->name) == 0 &&
            memcmp(w->keys[i].public_key, key->public_key, sizeof key->public_key) == 0)
            return true;
    return false;
}

/* Takes those that a trusted one vouches for. */
static void
keys_follow(struct witness *w, const struct announced *announced)
{
    char text[NOTE_KEY_TEXT_SIZE];

    for (size_t i = 0; i < announced->count && w->key_count < NOTE_KEYS_MAX; i++) {
        const struct note_key *key = &announced->keys[i];

        if (key_is_trusted(w, key) || endorse_check(announced->endorsed[i], key, w->keys, w->key_count) != 0)
            continue;
        w->keys[w->key_count++] = *key;
        note_key_format(key, text);
        agent_log(AGENT_WARN, "the log has a new key, and one that log_key names vouches for it: add it to log_key: %s",
                  text);
    }
}

/* Takes them over and says which. */
static int
keys_take(struct witness *w, const struct note_key *keys, size_t count)
{
    bool first = w->key_count == 0;
    char text[NOTE_KEY_TEXT_SIZE];

    memcpy(w->keys, keys, count * sizeof *keys);
    w->key_count = count;
    note_key_format(&keys[count - 1], text);
    if (first)
        agent_log(AGENT_INFO, "the log is signed by %s: compare it with what the administrator gave you", text);
    else
        agent_log(AGENT_WARN, "the log is signed by a new key now, %s: compare it with what the administrator says",
                  text);
    return keys_write(w);
}

/* ---- the checkpoint that we know */

/* "wici.example/log-e2": 2; without "-eN": 1. *ret_len: of the name before it. */
static unsigned long
epoch_of(const char *origin, size_t *ret_len)
{
    const char *at = strrchr(origin, '-');
    char *end;
    unsigned long epoch = at != NULL && at[1] == 'e' && at[2] >= '1' && at[2] <= '9' ? strtoul(at + 2, &end, 10) : 0;

    if (epoch == 0 || *end != '\0') {
        *ret_len = strlen(origin);
        return 1;
    }
    *ret_len = (size_t)(at - origin);
    return epoch;
}

static int
known_load(struct witness *w)
{
    char *text = NULL;
    struct note note;
    size_t len;
    int rc = agent_read(w->o.dirs->state, KNOWN_FILE, NOTE_FILE_MAX, &text, &len);

    if (rc == 0)
        rc = note_parse(text, len, &note);
    if (rc == 0)
        rc = note_checkpoint_parse(note.text, note.text_len, &w->known);
    free(text);
    w->has_known = rc == 0;
    return rc == -ENOENT ? 0 : rc;
}

/* The epoch of what is delivered now. What the broker says of it is not signed: it may be later than that of the
 * checkpoint that we know, and not earlier. */
static uint64_t
epoch_now(const struct witness *w)
{
    size_t len;
    uint64_t known = w->has_known ? epoch_of(w->known.origin, &len) : 1;

    return w->epoch > known ? w->epoch : known;
}

static int
known_take(struct witness *w, const struct note_checkpoint *checkpoint, const char *note, size_t len)
{
    w->known = *checkpoint;
    w->has_known = true;
    return agent_write(w->o.dirs->state, KNOWN_FILE, note, len);
}

static int
hashes_take(const json_t *hashes, struct merkle_proof *ret)
{
    const json_t *hash;
    size_t i;

    *ret = (struct merkle_proof){.count = 0};
    json_array_foreach(hashes, i, hash)
    {
        const char *base64 = json_string_value(hash);
        uint8_t bytes[MERKLE_HASH_SIZE];
        size_t len;

        if (base64 == NULL || strict_base64_decode(base64, strlen(base64), bytes, sizeof bytes, &len) != 0 ||
            merkle_proof_add(ret, bytes, len) != 0)
            return -EBADMSG;
    }
    return 0;
}

/* Does this checkpoint contain what we know? 0, -EBADMSG: no; -EAGAIN: there is no answer now. */
static int
known_is_in(struct witness *w, const struct note_checkpoint *checkpoint)
{
    const struct note_checkpoint *known = &w->known;
    struct merkle_proof proof;
    json_t *answer = NULL;
    int rc;

    if (!w->has_known || known->size == 0)
        return 0;
    if (checkpoint->size < known->size)
        return -EBADMSG;
    if (checkpoint->size == known->size)
        return memcmp(checkpoint->root, known->root, sizeof known->root) == 0 ? 0 : -EBADMSG;
    rc = ask(w,
             json_pack("{s:{s:I,s:I}}", "consistency", "oldSize", (json_int_t)known->size, "newSize",
                       (json_int_t)checkpoint->size),
             "consistency", &answer);
    if (rc != 0)
        return rc;
    rc = hashes_take(json_object_get(answer, "hashes"), &proof);
    if (rc == 0)
        rc = merkle_consistency_check(known->size, checkpoint->size, known->root, checkpoint->root, &proof);
    json_decref(answer);
    return rc;
}

/* An older copy took the log's place, by the administrator's command, and does not hold all that we know. */
static int
epoch_follow(struct witness *w, const struct note_checkpoint *checkpoint)
{
    char name[64], *old = NULL;
    size_t len, old_len;
    int rc = agent_read(w->o.dirs->state, KNOWN_FILE, NOTE_FILE_MAX, &old, &len);

    agent_log(AGENT_WARN,
              "the log goes on as %s from an older copy: records of %s up to %" PRIu64
              " may be missing; the proof that they were there is kept",
              checkpoint->origin, w->known.origin, w->known.size);
    (void)snprintf(name, sizeof name, KNOWN_FILE ".e%lu", epoch_of(w->known.origin, &old_len));
    if (rc == 0)
        rc = agent_write(w->o.dirs->state, name, old, len);
    free(old);
    return rc == -ENOENT ? 0 : rc;
}

/* The checkpoint says another name than the one we know. 0: it is to be followed. */
static int
epoch_check(struct witness *w, const struct note_checkpoint *checkpoint, const char *note, size_t len)
{
    size_t known_len, len_now;
    unsigned long known = epoch_of(w->known.origin, &known_len), now = epoch_of(checkpoint->origin, &len_now);
    int rc;

    if (known_len != len_now || memcmp(w->known.origin, checkpoint->origin, len_now) != 0)
        return caught(w, "another log", checkpoint->size, note, len);
    if (now <= known)
        return caught(w, "rollback", checkpoint->size, note, len);
    rc = known_is_in(w, checkpoint);
    return rc == -EBADMSG ? epoch_follow(w, checkpoint) : rc;
}

/*
 * A key that we do not know signed it: what the broker says of its keys is asked. ret->count 0: nothing is to be taken
 * over. -ENOKEY: nothing makes it a key of this log.
 */
static int
note_open_announced(struct witness *w, const char *note, size_t len, struct note_checkpoint *ret,
                    struct announced *announced)
{
    uint32_t by;
    int rc = keys_ask(w, announced);

    if (rc != 0)
        return rc;
    if (!w->keys_fixed)
        return note_checkpoint_open(note, len, announced->keys, announced->count, ret, &by);
    keys_follow(w, announced);
    announced->count = 0;
    return note_checkpoint_open(note, len, w->keys, w->key_count, ret, &by);
}

/* It is signed: what we know must be in it. Then it is what we know. */
static int
note_compare(struct witness *w, const char *note, size_t len, const struct note_checkpoint *checkpoint,
             const struct announced *announced)
{
    bool same_name = !w->has_known || strcmp(checkpoint->origin, w->known.origin) == 0;
    int rc;

    if (!same_name)
        rc = epoch_check(w, checkpoint, note, len);
    else if ((rc = known_is_in(w, checkpoint)) == -EBADMSG)
        return caught(w, checkpoint->size < w->known.size ? "rollback" : "fork", checkpoint->size, note, len);
    if (rc == 0 && announced->count > 0)
        rc = keys_take(w, announced->keys, announced->count);
    if (rc == 0 && (!w->has_known || checkpoint->size != w->known.size || !same_name))
        rc = known_take(w, checkpoint, note, len);
    return rc;
}

/* A checkpoint that the broker gave: its signature, and what we know must be in it. Then it is what we know. */
static int
note_take(struct witness *w, const char *note, size_t len, struct note_checkpoint *ret)
{
    struct announced *announced = calloc(1, sizeof *announced);
    uint32_t by;
    int rc = announced == NULL   ? -ENOMEM
             : w->key_count == 0 ? -ENOKEY
                                 : note_checkpoint_open(note, len, w->keys, w->key_count, ret, &by);

    if (rc == -ENOKEY)
        rc = note_open_announced(w, note, len, ret, announced);
    if (rc == -ENOKEY && w->keys_fixed)
        rc = caught(w, "key", 0, note, len);
    else if (rc == 0)
        rc = note_compare(w, note, len, ret, announced);
    else if (rc != -EAGAIN && rc != -ENOMEM)
        rc = caught(w, "signature", 0, note, len);
    free(announced);
    return rc;
}

/* ---- what is delivered */

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
        return caught(w, "content", event->seq, NULL, 0);
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
        if (hashes_take(json_object_get(answer, "hashes"), &proof) != 0)
            return -EBADMSG;
        return merkle_inclusion_check(p->seq - 1, checkpoint->size, p->leaf, &proof, checkpoint->root);
    }
    return -EBADMSG; /* it has to be there */
}

/* It is told once: what is settled must not stop the next run again. */
static int
unproven_caught(struct witness *w, size_t index, const char *note)
{
    uint64_t seq = w->pending.at[index].seq;

    unproven_drop(&w->pending, index, 1);
    (void)unproven_write(&w->pending);
    return caught(w, "inclusion", seq, note, strlen(note));
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
    rc = ask(w, json_pack("{s:{s:o}}", "inclusion", "seqs", seqs), "inclusion", &answer);
    if (rc != 0)
        return rc;
    note = json_string_value(json_object_get(answer, "note"));
    if (note == NULL || note[0] == '\0')
        rc = -EAGAIN; /* nothing was signed yet */
    if (rc == 0)
        rc = note_take(w, note, strlen(note), &checkpoint);
    for (size_t i = 0; i < count && rc == 0; i++) {
        int checked = pending_check(&w->pending.at[i], json_object_get(answer, "proofs"), &checkpoint);

        if (checked == -EBADMSG && w->pending.at[i].epoch < epoch_of(checkpoint.origin, &len))
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
    bool more = true;
    int rc = 0;

    if (w->asked_ms != 0 && now_ms - w->asked_ms < (w->pending.count > 0 ? WITNESS_SOON_MS : WITNESS_IDLE_MS))
        return 0;
    w->asked_ms = now_ms;
    for (unsigned i = 0; i < STEP_QUESTIONS && more && rc == 0; i++)
        rc = pending_ask(w, &more);
    if (rc == 0 && w->pending.count == 0 && before > 0)
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
        rc = caught(w, "receipt", seq, NULL, 0);
        goto out;
    }
    rc = note_take(w, proof.checkpoint, proof.checkpoint_len, &checkpoint);
    if (rc != 0)
        goto out;
    disclosure_leaf_hash(&leaf, hash);
    rc = tlogproof_verify(&proof, hash, w->keys, w->key_count, &checkpoint, &by);
    if (rc == -EBADMSG)
        rc = caught(w, "receipt", seq, proof.checkpoint, proof.checkpoint_len);
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
    w->o = *options;
    w->pending.fd = -1;
    if (agent_exists(options->dirs->state, WITNESS_ALARM_FILE)) {
        agent_log(AGENT_ERROR, "the broker was caught earlier: state/alarm.json says with what. Remove it when that is "
                               "settled with the administrator");
        rc = -ENOTRECOVERABLE;
    }
    if (rc == 0)
        rc = keys_load(w);
    if (rc == -EBADMSG)
        agent_log(AGENT_ERROR, "log_key, or state/log.keys: not a verifier key");
    if (rc == 0 && (rc = known_load(w)) == -EBADMSG)
        agent_log(AGENT_ERROR,
                  "state/checkpoint is damaged: it cannot be seen any more whether the log holds what it held. "
                  "Put it back, or remove it when the administrator says that the log is whole");
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
