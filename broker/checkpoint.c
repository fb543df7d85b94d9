/* checkpoint - see checkpoint.h */
#include "broker/checkpoint.h"

#include "broker/guard.h"
#include "broker/log.h"
#include "proto/signerfile.h"
#include "proto/file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct checkpoints {
    struct store *store;
    const struct log_keys *keys;
    struct note_signer signer;
    struct guard guard;
    char note[GUARD_SIZE_MAX + 1]; /* the newest published */
    size_t note_len;
    struct note_checkpoint newest; /* size 0: none */
    bool to_keep;                  /* not in the store's batch yet */
    bool guard_failed;             /* logged */
    uint64_t signed_ms;            /* boot time */
};

static int
key_take(struct log_keys *keys, const Wici__V1__SysLogKeyS0 *body, uint64_t seq)
{
    if (keys->count == LOG_KEYS_MAX || strlen(body->endorsed) >= ENDORSE_SIZE_MAX ||
        note_key_parse(body->vkey, strlen(body->vkey), &keys->at[keys->count]) != 0)
        return -EBADMSG;
    memcpy(keys->endorsed[keys->count], body->endorsed, strlen(body->endorsed) + 1);
    keys->seq[keys->count++] = seq;
    return 0;
}

static_assert(LOG_NOTE_SIZE == GUARD_SIZE_MAX + 1, "a record of an epoch carries what the guard holds");

static int
epoch_take(struct log_keys *keys, const Wici__V1__SysEpochS0 *body, uint64_t seq)
{
    uint64_t last = keys->epoch_count == 0 ? 1 : keys->epochs[keys->epoch_count - 1].epoch;

    if (keys->epoch_count == LOG_KEYS_MAX || body->epoch <= last || strlen(body->last_known) > GUARD_SIZE_MAX)
        return -EBADMSG;
    keys->epochs[keys->epoch_count++] = (struct log_epoch){.epoch = body->epoch, .seq = seq};
    memcpy(keys->last_known, body->last_known, strlen(body->last_known) + 1);
    return 0;
}

bool
log_keys_reads(uint32_t type)
{
    return type == WICI__V1__EVENT_TYPE__SYS_LOG_KEY || type == WICI__V1__EVENT_TYPE__SYS_EPOCH;
}

int
log_keys_take(struct log_keys *keys, const struct record *record)
{
    const struct event *event = &record->event;
    int rc = 0;

    if (!log_keys_reads(event->type->number))
        return 0;
    for (size_t i = 0; rc == 0 && i < event->section_count; i++) {
        const Wici__V1__Section *section = event->sections[i].section;

        if (section != NULL && section->body_case == WICI__V1__SECTION__BODY_SYS_LOG_KEY_S0)
            rc = key_take(keys, section->sys_log_key_s0, record->core.seq);
        else if (section != NULL && section->body_case == WICI__V1__SECTION__BODY_SYS_EPOCH_S0)
            rc = epoch_take(keys, section->sys_epoch_s0, record->core.seq);
    }
    return rc;
}

uint64_t
log_keys_same_up_to(const struct log_keys *keys, uint64_t epoch)
{
    for (size_t i = 0; i < keys->epoch_count; i++)
        if (keys->epochs[i].epoch > epoch)
            return keys->epochs[i].seq - 1; /* the first that began after it; the later ones have larger numbers */
    return UINT64_MAX;
}

/* ---- at start */

static int
signer_open(struct checkpoints *c, const char *path)
{
    int rc = signerfile_read(path, &c->signer, NULL);

    if (rc == -EPERM)
        log_error("checkpoint: key file %s: others may read it, or it is no file", path);
    else if (rc == -EBADMSG || rc == -ENOENT)
        log_error("checkpoint: key file %s: it holds no signer key; if that is lost, `wicid init --log-key`", path);
    else if (rc != 0)
        log_error("checkpoint: key file %s: %s", path, strerror(-rc));
    if (rc != 0)
        return rc == -EBADMSG ? -ENOKEY : rc;
    if (c->keys->count == 0 || !note_key_equal(&c->signer.key, &c->keys->at[c->keys->count - 1])) {
        log_error("checkpoint: key file %s: it is not the key that the log announced last; after an interrupted "
                  "rotation, run `wicid init --log-key` once more; if an older copy of the log was restored, `wicid "
                  "init --new-epoch`",
                  path);
        return -ENOKEY;
    }
    /* Whoever gave the file its place may have been killed before that was synced: what was served with it must not
     * need that command after a power cut. Where we may not, the message above says what to do. */
    (void)file_sync_parent(path);
    return 0;
}

/* A guard that cannot be written delays; that somebody else wrote it is the end. */
static int
guard_outcome(struct checkpoints *c, int rc)
{
    if (rc == -ESTALE) {
        log_error("checkpoint: guard %s was changed by somebody else: another broker may sign for this log",
                  c->guard.path);
        return rc;
    }
    if (rc != 0 && !c->guard_failed)
        log_error("checkpoint: guard %s cannot be written, no checkpoint is published: %s", c->guard.path,
                  strerror(-rc));
    c->guard_failed = rc != 0;
    return rc != 0 ? -EAGAIN : 0;
}

static int
guard_put(struct checkpoints *c, const char *note, size_t len)
{
    return guard_outcome(c, guard_replace(&c->guard, note, len));
}

/*
 * From here on the newest checkpoint is shown: the guard has to hold it as long as that. Whoever put it there may have
 * been killed before its directory was synced; or was, and then the power was cut, and the log alone knows of it. Where
 * the guard cannot be written nothing is shown until it can, and that is signed anew.
 */
static int
guard_settle(struct checkpoints *c)
{
    bool held = c->note_len == c->guard.held_len && memcmp(c->note, c->guard.held, c->note_len) == 0;
    int rc = held ? guard_outcome(c, guard_sync(&c->guard)) : guard_put(c, c->note, c->note_len);

    if (rc != -EAGAIN)
        return rc;
    c->newest = (struct note_checkpoint){.size = 0};
    c->note[0] = '\0';
    c->note_len = 0;
    c->to_keep = false;
    return 0;
}

static bool
epoch_is_known(const struct checkpoints *c, const char *origin)
{
    const struct store_identity *identity = store_identity(c->store);
    uint64_t epoch = store_epoch_of(identity, origin);

    return epoch != 0 && epoch <= identity->epoch;
}

/* The log has all that this note says was in it. */
static int
note_check(struct checkpoints *c, const char *note, size_t len, const char *where)
{
    uint8_t root[MERKLE_HASH_SIZE];
    struct note_checkpoint checkpoint;
    uint32_t signers;
    int rc = note_checkpoint_open(note, len, c->keys->at, c->keys->count, &checkpoint, &signers);

    if (rc != 0 || !epoch_is_known(c, checkpoint.origin)) {
        log_error("checkpoint: what %s holds was not signed for this log: the log is an older copy, or another one; "
                  "if an older copy was restored, `wicid init --new-epoch`",
                  where);
        return -ESTALE;
    }
    rc = store_tree_root(c->store, checkpoint.size, root);
    if (rc != 0 && rc != -ENOENT)
        return rc;
    if (rc == -ENOENT || memcmp(root, checkpoint.root, sizeof root) != 0) {
        log_error("checkpoint: the log does not contain the %" PRIu64
                  " records of the checkpoint in %s: it is an older "
                  "copy, or another log (it has %" PRIu64 "); if an older copy was restored, `wicid init --new-epoch`",
                  checkpoint.size, where, store_head(c->store));
        return -ESTALE;
    }
    if (checkpoint.size > c->newest.size) {
        c->newest = checkpoint;
        memcpy(c->note, note, len);
        c->note_len = len;
    }
    return 0;
}

/* settle: the guard is made to hold what is shown from now on. */
static int
past_check(struct checkpoints *c, const char *guard_file, bool settle)
{
    const char *kept = NULL;
    size_t kept_len = 0;
    uint64_t size = 0;
    int rc = store_checkpoint_get(c->store, UINT64_MAX, &size, &kept, &kept_len);

    if (rc == 0)
        rc = kept_len > GUARD_SIZE_MAX ? -EBADMSG : note_check(c, kept, kept_len, "the log itself");
    if (rc != 0 && rc != -ENOENT)
        return rc;
    rc = guard_open(&c->guard, guard_file);
    if (rc == -EBADMSG)
        log_error("checkpoint: guard %s holds no checkpoint", guard_file);
    else if (rc != 0)
        log_error("checkpoint: guard %s: %s; whoever moved it puts it back; if it is lost, `wicid init --new-epoch`",
                  guard_file, strerror(-rc));
    if (rc != 0)
        return rc == -EBADMSG ? -ESTALE : rc;
    if (c->guard.held_len == 0) { /* nothing was signed yet, or the operator vouches for the log */
        rc = settle && c->note_len > 0 ? guard_put(c, c->note, c->note_len) : 0;
        return rc == -EAGAIN ? 0 : rc;
    }
    if (c->keys->epoch_count > 0 && strlen(c->keys->last_known) == c->guard.held_len &&
        memcmp(c->guard.held, c->keys->last_known, c->guard.held_len) == 0)
        return 0; /* the operator knows that the log parted from it: the record of the epoch says so */
    rc = note_check(c, c->guard.held, c->guard.held_len, guard_file);
    c->to_keep = rc == 0 && c->newest.size > size;
    return rc == 0 && settle ? guard_settle(c) : rc;
}

static struct checkpoints *
checkpoints_make(const struct checkpoints_options *options)
{
    struct checkpoints *c = calloc(1, sizeof *c);

    if (c != NULL) {
        c->store = options->store;
        c->keys = options->keys;
    }
    return c;
}

int
checkpoints_compare(const struct checkpoints_options *options)
{
    struct checkpoints *c = checkpoints_make(options);
    int rc = c == NULL ? -ENOMEM : past_check(c, options->guard_file, false);

    checkpoints_close(&c);
    return rc;
}

int
checkpoints_open(struct checkpoints **ret, const struct checkpoints_options *options)
{
    struct checkpoints *c = checkpoints_make(options);
    int rc;

    if (c == NULL)
        return -ENOMEM;
    rc = signer_open(c, options->key_file);
    if (rc == 0)
        rc = past_check(c, options->guard_file, true);
    if (rc == 0) {
        *ret = c;
        c = NULL;
    }
    checkpoints_close(&c);
    return rc;
}

void
checkpoints_close(struct checkpoints **checkpoints)
{
    struct checkpoints *c = *checkpoints;

    *checkpoints = NULL;
    if (c == NULL)
        return;
    note_signer_wipe(&c->signer);
    free(c);
}

/* ---- signing */

static int
note_make(const struct checkpoints *c, const struct note_checkpoint *checkpoint, char **ret, size_t *ret_len)
{
    char text[NOTE_CHECKPOINT_TEXT_SIZE];
    size_t len;
    int rc = note_checkpoint_format(checkpoint, text, &len);

    return rc == 0 ? note_sign(text, len, &c->signer, 1, ret, ret_len) : rc;
}

int
checkpoints_sign(struct checkpoints *c, uint64_t mono_ms, bool last)
{
    struct note_checkpoint checkpoint = {.size = store_head(c->store)};
    char *note = NULL;
    size_t len;
    int rc;

    if (checkpoint.size == c->newest.size)
        return 0;
    if (!last && c->signed_ms != 0 && mono_ms - c->signed_ms < CHECKPOINT_EVERY_MS)
        return 0;
    c->signed_ms = mono_ms;
    static_assert(sizeof checkpoint.origin > STORE_EPOCH_NAME_MAX, "an epoch's name fits");
    store_epoch_name(store_identity(c->store), store_identity(c->store)->epoch, checkpoint.origin);
    rc = store_tree_root(c->store, checkpoint.size, checkpoint.root);
    if (rc == 0)
        rc = note_make(c, &checkpoint, &note, &len);
    if (rc != 0)
        return rc;
    assert(len <= GUARD_SIZE_MAX);
    rc = guard_put(c, note, len);
    if (rc == 0) {
        memcpy(c->note, note, len + 1);
        c->note_len = len;
        c->newest = checkpoint;
        c->to_keep = true;
    }
    free(note);
    return rc == -EAGAIN ? 0 : rc;
}

int
checkpoints_keep(struct checkpoints *c)
{
    int rc;

    if (!c->to_keep)
        return 0;
    rc = store_checkpoint_put(c->store, c->newest.size, c->note, c->note_len);
    if (rc == 0)
        c->to_keep = false; /* a batch that is lost takes the broker with it */
    return rc;
}

const char *
checkpoints_newest(const struct checkpoints *c, size_t *ret_len, uint64_t *ret_size)
{
    *ret_len = c->note_len;
    *ret_size = c->newest.size;
    return c->note;
}

const struct log_keys *
checkpoints_keys(const struct checkpoints *c)
{
    return c->keys;
}

int
checkpoints_verify(struct checkpoints *c)
{
    uint8_t root[MERKLE_HASH_SIZE];
    int rc = store_tree_root(c->store, c->newest.size, root);

    if (rc == 0 && memcmp(root, c->newest.root, sizeof root) != 0) {
        log_error("checkpoint: the tree of %" PRIu64 " records is not the one that was signed", c->newest.size);
        rc = -EBADMSG;
    }
    return rc;
}
