/*
 * rotate - a new key for the log, and a new epoch: what init.h says of both
 *
 * Either way the old key, where it is there, vouches for the new one (endorse.h), in the record that announces it: who
 * trusts the one can follow. And either way the new key stands in a file beside the old one until its record is on
 * disk; then it takes the old one's place. So after an interruption there are either both, and the log names the newer
 * one, or the log never heard of it.
 *
 * The guard is not written here. It still holds the checkpoint of the earlier epoch, and the record of the new one
 * carries just that: so the broker knows at its start that the operator has seen it, and replaces it when it signs
 * next.
 */
#include "broker/desk.h"
#include "broker/guard.h"
#include "broker/init.h"
#include "broker/log.h"
#include "broker/restore.h"
#include "proto/file.h"
#include "proto/language.h"
#include "proto/signerfile.h"
#include "store/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
key_is(const struct note_key *a, const struct note_key *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->public_key, b->public_key, sizeof a->public_key) == 0;
}

/* A log that has a key, opened; and where the next one is written. */
static int
rotation_open(struct desk *desk, const struct config *config, char aside[PATH_MAX])
{
    int rc;

    if (snprintf(aside, PATH_MAX, "%s.next", config->checkpoint_key) >= PATH_MAX)
        return -ENAMETOOLONG;
    rc = desk_open(desk, config);
    if (rc == 0 && desk->log_keys.count == 0)
        rc = -ENOENT; /* an init that was interrupted */
    return rc;
}

static const struct note_key *
key_last(const struct desk *desk)
{
    return &desk->log_keys.at[desk->log_keys.count - 1];
}

/* Was the last command interrupted after its records were committed? */
static bool
rotation_is_begun(const struct desk *desk, const char *aside, struct note_signer *fresh)
{
    return signerfile_read(aside, fresh) == 0 && key_is(&fresh->key, key_last(desk));
}

/* The key that signed until now vouches for the next one, where it is at hand; also one of a branch that was lost. */
static int
endorse(const struct config *config, const struct note_key *key, char ret[ENDORSE_SIZE_MAX])
{
    struct note_signer old = {.key.name = ""};
    int rc = signerfile_read(config->checkpoint_key, &old);

    ret[0] = '\0';
    if (rc != 0) {
        log_warn("init: %s cannot be read: no key vouches for the new one, and agents that were told one (log_key) "
                 "have to be told the new one",
                 config->checkpoint_key);
        return 0;
    }
    rc = endorse_make(&old, key, ret);
    note_signer_wipe(&old);
    return rc;
}

/* Makes the key of that epoch aside and appends its record. */
static int
rotation_begin(struct desk *desk, const struct config *config, const char *aside, uint64_t epoch,
               struct note_signer *fresh)
{
    char name[STORE_EPOCH_NAME_MAX], endorsed[ENDORSE_SIZE_MAX];
    int rc;

    if (desk->log_keys.count == LOG_KEYS_MAX)
        return -ENOSPC;
    if (unlink(aside) != 0 && errno != ENOENT)
        return -errno;
    store_epoch_name(store_identity(desk->store), epoch, name);
    rc = desk_signer(aside, name, fresh);
    if (rc == 0)
        rc = endorse(config, &fresh->key, endorsed);
    return rc == 0 ? desk_log_key(desk, &fresh->key, key_last(desk), endorsed) : rc;
}

static int
rotation_finish(const struct config *config, const char *aside)
{
    if (rename(aside, config->checkpoint_key) != 0)
        return -errno;
    return file_sync_parent(config->checkpoint_key);
}

static void
key_print(const struct note_key *key)
{
    char vkey[NOTE_KEY_TEXT_SIZE];

    note_key_format(key, vkey);
    (void)printf(_("Verifier key (for auditors, beside the earlier ones): %s\n"), vkey);
}

/* A log older than its key file: what the key signed since is all that tells of the records that are gone, and a new
 * epoch needs it. A key that cannot be read is lost, and may be replaced. */
static int
older_log_check(const struct desk *desk, const struct config *config)
{
    struct note_signer signer = {.key.name = ""};
    bool other = signerfile_read(config->checkpoint_key, &signer) == 0 && !key_is(&signer.key, key_last(desk));

    note_signer_wipe(&signer);
    if (!other)
        return 0;
    log_error("init: the key in %s is not the one that the log announced last, and is not replaced: if an older copy "
              "of the log was restored, `wicid init --new-epoch`; else put back the log's key",
              config->checkpoint_key);
    return -ESTALE;
}

int
init_log_key(const struct config *config)
{
    struct desk desk = {.store = NULL};
    struct note_signer fresh = {.key.name = ""};
    char aside[PATH_MAX];
    int rc = restore_refuses(config);

    if (rc == 0)
        rc = rotation_open(&desk, config, aside);
    if (rc == 0 && !rotation_is_begun(&desk, aside, &fresh)) {
        rc = older_log_check(&desk, config);
        if (rc != 0)
            goto out;
        rc = rotation_begin(&desk, config, aside, store_identity(desk.store)->epoch, &fresh);
        if (rc == 0)
            rc = store_commit(desk.store);
    }
    if (rc == 0)
        rc = rotation_finish(config, aside);
    if (rc == 0) {
        (void)printf(_("The log's new key is in the file %s. The change is recorded in the log.\n"),
                     config->checkpoint_key);
        key_print(&fresh.key);
    } else if (desk.store != NULL) {
        log_error("init: the key in %s cannot be replaced: %s", config->checkpoint_key,
                  store_why(rc, store_damage(desk.store)));
    }
out:
    note_signer_wipe(&fresh);
    desk_close(&desk);
    return rc;
}

/* ---- a new epoch */

/* What is known of the earlier epoch. */
struct past {
    char note[GUARD_SIZE_MAX + 1]; /* "": nothing was signed */
    struct note_checkpoint checkpoint;
    uint64_t epoch; /* the last that it, or the key that signs, is of; 0: none */
    bool held;      /* the log contains it */
    bool told;      /* the log's own epoch began behind it, and has signed nothing since */
};

/* The guard's checkpoint, else the newest that the log itself kept. */
static int
past_note(const struct desk *desk, const struct config *config, char ret[GUARD_SIZE_MAX + 1])
{
    struct guard guard;
    const char *kept = NULL;
    size_t len = 0;
    uint64_t size;
    int rc = guard_open(&guard, config->guard_file);

    if (rc == -ENOENT) /* lost with the log: an empty one, and what the log knows */
        rc = guard_create(config->guard_file);
    if (rc != 0)
        return rc;
    memcpy(ret, guard.held, guard.held_len);
    ret[guard.held_len] = '\0';
    if (guard.held_len > 0)
        return 0;
    rc = store_checkpoint_get(desk->store, UINT64_MAX, &size, &kept, &len);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0 && len > GUARD_SIZE_MAX)
        rc = -EBADMSG;
    if (rc == 0) {
        memcpy(ret, kept, len);
        ret[len] = '\0';
    }
    return rc;
}

/* Is it signed for this log: by a key that the log knows, or by the one in the key file, which may be younger? */
static int
past_check(const struct desk *desk, const struct config *config, struct past *past)
{
    struct note_key keys[NOTE_KEYS_MAX];
    struct note_signer signer = {.key.name = ""};
    size_t count = desk->log_keys.count;
    uint32_t signed_by;
    int rc = signerfile_read(config->checkpoint_key, &signer);
    bool known = rc != 0;

    memcpy(keys, desk->log_keys.at, count * sizeof keys[0]);
    for (size_t i = 0; i < count; i++)
        known = known || key_is(&keys[i], &signer.key);
    if (!known) {
        if (count == NOTE_KEYS_MAX)
            count--; /* the oldest key signed nothing that is the newest */
        memmove(keys + 1, keys, count * sizeof keys[0]);
        keys[0] = signer.key;
        count++;
    }
    note_signer_wipe(&signer);
    rc = note_checkpoint_open(past->note, strlen(past->note), keys, count, &past->checkpoint, &signed_by);
    if (rc == 0)
        past->epoch = store_epoch_of(store_identity(desk->store), past->checkpoint.origin);
    if (rc == 0 && past->epoch == 0)
        rc = -EBADMSG;
    if (rc != 0)
        log_error("init: what the guard %s holds was not signed for this log, as far as its keys tell: put back the "
                  "right guard or the right %s",
                  config->guard_file, config->checkpoint_key);
    return rc;
}

/* A key that signs for a later epoch than anything else here knows of: its log is lost, and its name is taken. */
static void
past_key(const struct desk *desk, const struct config *config, struct past *past)
{
    struct note_signer signer = {.key.name = ""};
    uint64_t epoch = 0;

    if (signerfile_read(config->checkpoint_key, &signer) == 0)
        epoch = store_epoch_of(store_identity(desk->store), signer.key.name);
    if (epoch > past->epoch)
        past->epoch = epoch;
    note_signer_wipe(&signer);
}

static int
past_read(struct desk *desk, const struct config *config, struct past *past)
{
    uint8_t root[MERKLE_HASH_SIZE];
    int rc = past_note(desk, config, past->note);

    if (rc != 0) {
        log_error("init: the guard %s cannot be read: %s", config->guard_file, strerror(-rc));
        return rc;
    }
    past->told = desk->log_keys.epoch_count > 0 && strcmp(past->note, desk->log_keys.last_known) == 0;
    if (past->note[0] != '\0' && !past->told && (rc = past_check(desk, config, past)) != 0)
        return rc;
    past_key(desk, config, past);
    if (past->note[0] == '\0' || past->told)
        return 0;
    rc = store_tree_root(desk->store, past->checkpoint.size, root);
    past->held = rc == 0 && memcmp(root, past->checkpoint.root, sizeof root) == 0;
    return rc == -ENOENT ? 0 : rc;
}

static int
epoch_write(struct desk *desk, uint64_t epoch, char *last_known)
{
    char name[STORE_EPOCH_NAME_MAX];
    Wici__V1__SysEpochS0 body;
    Wici__V1__Section section;

    store_epoch_name(store_identity(desk->store), epoch, name);
    wici__v1__sys_epoch_s0__init(&body);
    wici__v1__section__init(&section);
    body.epoch = epoch;
    body.origin = name;
    body.last_known = last_known;
    section.body_case = WICI__V1__SECTION__BODY_SYS_EPOCH_S0;
    section.sys_epoch_s0 = &body;
    return sequence_own(desk->sequence, &section, STORE_CLEAR_ENTRY, desk->now_ms);
}

/* One commit: the record of the epoch, that of its key, and the number of the epoch. */
static int
epoch_begin(struct desk *desk, const struct config *config, const char *aside, struct past *past,
            struct note_signer *fresh)
{
    uint64_t last = store_identity(desk->store)->epoch;
    uint64_t epoch = (past->epoch > last ? past->epoch : last) + 1;
    int rc = epoch_write(desk, epoch, past->note);

    if (rc == 0)
        rc = rotation_begin(desk, config, aside, epoch, fresh);
    if (rc == 0)
        rc = store_epoch_begin(desk->store, epoch);
    return rc == 0 ? store_commit(desk->store) : rc;
}

static void
epoch_print(const struct desk *desk, const struct past *past)
{
    uint64_t from = store_head(desk->store) - 1; /* the last two records: the epoch, and its key */

    (void)printf(_("The log goes on as epoch %" PRIu64 " from record %" PRIu64 ". The change is recorded in it.\n"),
                 store_identity(desk->store)->epoch, from);
    if (past->checkpoint.size >= from)
        (void)printf(_("At least %" PRIu64 " records of the earlier epoch are not in it. Agents that still have their "
                       "events send them again by themselves.\n"),
                     past->checkpoint.size - from + 1);
}

int
init_new_epoch(const struct config *config)
{
    struct desk desk = {.store = NULL};
    struct note_signer fresh = {.key.name = ""};
    struct past past = {.epoch = 0};
    char aside[PATH_MAX];
    int rc = rotation_open(&desk, config, aside);
    bool begun = rc == 0 && rotation_is_begun(&desk, aside, &fresh);

    if (rc == 0 && !begun)
        rc = past_read(&desk, config, &past);
    if (rc == 0 && !begun && (past.held || past.told) && restore_mark_find(config->data_dir) != 0) {
        if (past.told)
            log_error("init: the log goes on as epoch %" PRIu64 " already: it needs no other one; start wicid",
                      store_identity(desk.store)->epoch);
        else
            log_error("init: the log holds all that was signed: it needs no new epoch");
        rc = -EEXIST;
        goto out;
    }
    if (rc == 0 && !begun)
        rc = epoch_begin(&desk, config, aside, &past, &fresh);
    if (rc == 0) /* before the key's turn: as long as the key waits, the same command comes by here again */
        rc = restore_mark_remove(config->data_dir);
    if (rc == 0)
        rc = rotation_finish(config, aside);
    if (rc == 0) {
        epoch_print(&desk, &past);
        key_print(&fresh.key);
    } else if (desk.store != NULL) {
        log_error("init: the new epoch cannot begin: %s", store_why(rc, store_damage(desk.store)));
    }
out:
    note_signer_wipe(&fresh);
    desk_close(&desk);
    return rc;
}
