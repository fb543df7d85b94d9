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
 * next. Until then a log that is lost again may know neither of the key that signed the guard's checkpoint nor of the
 * newest one: so the newest one's file names that key (signerfile.h).
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
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One command under way. */
struct rotation {
    const struct config *config;
    struct desk desk;
    char aside[PATH_MAX];     /* where the next key waits */
    struct note_signer old;   /* in the key's place; no name: it is lost */
    struct note_key after;    /* that signed what the guard held when the old one was made; no name: nothing, or lost */
    struct note_signer fresh; /* aside; no name: none waits there */
    struct note_key fresh_after;
};

static bool
key_have(const struct note_key *key)
{
    return key->name[0] != '\0';
}

/* A key that is lost, its file gone or damaged, may be replaced; one that cannot be read for now may not. */
static int
key_read(const char *path, struct note_signer *ret, struct note_key *ret_after)
{
    int rc = signerfile_read(path, ret, ret_after);

    if (rc == 0)
        return 0;
    *ret = (struct note_signer){.key.name = ""};
    *ret_after = (struct note_key){.name = ""};
    if (rc == -ENOENT || rc == -EBADMSG)
        return 0;
    log_error("init: key file %s: %s", path, rc == -EPERM ? _("others may read it, or it is no file") : strerror(-rc));
    return rc;
}

/* A log that has a key, opened, and the keys. */
static int
rotation_open(struct rotation *r, const struct config *config)
{
    int rc;

    *r = (struct rotation){.config = config};
    if (snprintf(r->aside, sizeof r->aside, "%s.next", config->checkpoint_key) >= (int)sizeof r->aside)
        return -ENAMETOOLONG;
    rc = desk_open(&r->desk, config);
    if (rc == 0 && r->desk.log_keys.count == 0)
        rc = -ENOENT; /* an init that was interrupted */
    if (rc == 0)
        rc = key_read(config->checkpoint_key, &r->old, &r->after);
    return rc == 0 ? key_read(r->aside, &r->fresh, &r->fresh_after) : rc;
}

static void
rotation_close(struct rotation *r)
{
    note_signer_wipe(&r->old);
    note_signer_wipe(&r->fresh);
    desk_close(&r->desk);
}

static const struct note_key *
key_last(const struct rotation *r)
{
    return &r->desk.log_keys.at[r->desk.log_keys.count - 1];
}

static bool
key_is_announced(const struct rotation *r, const struct note_key *key)
{
    for (size_t i = 0; i < r->desk.log_keys.count; i++)
        if (note_key_equal(&r->desk.log_keys.at[i], key))
            return true;
    return false;
}

/* Was the last command interrupted after its records were committed? */
static bool
rotation_is_begun(const struct rotation *r)
{
    return key_have(&r->fresh.key) && note_key_equal(&r->fresh.key, key_last(r));
}

/* Which key of this log signed the note: one that the log announced, or that a key file tells of. -EBADMSG: none */
static int
note_signed_by(const struct rotation *r, const char *note, struct note_checkpoint *ret, struct note_key *ret_by)
{
    const struct note_key told[] = {r->old.key, r->after, r->fresh.key, r->fresh_after};
    const struct log_keys *announced = &r->desk.log_keys;
    uint32_t signed_by;

    if (note_checkpoint_open(note, strlen(note), announced->at, announced->count, ret, &signed_by) == 0) {
        *ret_by = announced->at[__builtin_ctz(signed_by)];
        return 0;
    }
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (key_have(&told[i]) && note_checkpoint_open(note, strlen(note), &told[i], 1, ret, &signed_by) == 0) {
            *ret_by = told[i];
            return 0;
        }
    return -EBADMSG;
}

/* The key that signed until now vouches for the next one, where it is at hand; also one of a branch that was lost. */
static int
endorse(const struct rotation *r, char ret[ENDORSE_SIZE_MAX])
{
    ret[0] = '\0';
    if (!key_have(&r->old.key))
        log_warn("init: %s holds no key: none vouches for the new one, and agents that were told one (log_key) have to "
                 "be told the new one",
                 r->config->checkpoint_key);
    else if (!key_is_announced(r, &r->old.key))
        log_warn("init: this log never heard of the key that vouches for the new one: agents that follow an older one "
                 "(log_key) have to be told the new one");
    return key_have(&r->old.key) ? endorse_make(&r->old, &r->fresh.key, ret) : 0;
}

/* Makes the key of that epoch aside and appends its record. after: that signed what the guard holds; no name: nothing
 * is held. */
static int
rotation_begin(struct rotation *r, uint64_t epoch, const struct note_key *after)
{
    char name[STORE_EPOCH_NAME_MAX], endorsed[ENDORSE_SIZE_MAX];
    int rc;

    if (r->desk.log_keys.count == LOG_KEYS_MAX) {
        log_error("init: a log announces at most %u keys, and this one did", LOG_KEYS_MAX);
        return -ENOSPC;
    }
    if (unlink(r->aside) != 0 && errno != ENOENT)
        return -errno;
    store_epoch_name(store_identity(r->desk.store), epoch, name);
    rc = desk_signer(r->aside, name, key_have(after) ? after : NULL, &r->fresh);
    if (rc != 0)
        log_error("init: the key file %s cannot be made: %s", r->aside, strerror(-rc));
    if (rc == 0)
        rc = endorse(r, endorsed);
    return rc == 0 ? desk_log_key(&r->desk, &r->fresh.key, key_last(r), endorsed) : rc;
}

/* A file that root makes belongs to whom that one belongs; where that one is lost, to root. */
static int
owner_give(const char *path, const char *like)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : file_owner_keep(fd, like);

    if (fd < 0)
        return rc;
    close(fd);
    if (rc == -ENOENT && geteuid() == 0)
        log_warn("init: the key file %s belongs to root: give it to the account that wicid runs under", like);
    return rc == -ENOENT ? 0 : rc;
}

static int
rotation_finish(const struct rotation *r)
{
    int rc = owner_give(r->aside, r->config->checkpoint_key);

    if (rc == 0 && rename(r->aside, r->config->checkpoint_key) != 0)
        rc = -errno;
    return rc == 0 ? file_sync_parent(r->config->checkpoint_key) : rc;
}

/* The key that waits takes its place, and is the one in it from here on. */
static int
waiting_key_place(struct rotation *r)
{
    int rc = rotation_finish(r);

    if (rc == 0) {
        r->old = r->fresh;
        r->after = r->fresh_after;
    }
    return rc;
}

static void
key_print(const struct note_key *key)
{
    char vkey[NOTE_KEY_TEXT_SIZE];

    note_key_format(key, vkey);
    (void)printf(_("Verifier key (for auditors, beside the earlier ones): %s\n"), vkey);
}

/* The key of another log is not to be lost here. */
static int
old_key_check(const struct rotation *r)
{
    if (!key_have(&r->old.key) || store_epoch_of(store_identity(r->desk.store), r->old.key.name) != 0)
        return 0;
    log_error("init: the key in %s is another log's: put back the key of this one, or move that one away",
              r->config->checkpoint_key);
    return -EBADMSG;
}

/* Is the key one of this log's that it never announced? Then an older copy was put back. */
static bool
old_key_is_lost_branchs(const struct rotation *r)
{
    return key_have(&r->old.key) && !key_is_announced(r, &r->old.key);
}

/* A log older than its key file, or than the guard: what was signed since is all that tells of the records that are
 * gone, and a new epoch needs it. */
static int
older_log_check(const struct rotation *r)
{
    struct checkpoints_options options = {
        .store = r->desk.store, .keys = &r->desk.log_keys, .guard_file = r->config->guard_file};

    if (!old_key_is_lost_branchs(r))
        return checkpoints_compare(&options);
    log_error(
        "init: the key in %s is none that the log announced, and is not replaced: an older copy of the log was put "
        "back: `wicid init --new-epoch`",
        r->config->checkpoint_key);
    return -ESTALE;
}

static int
guard_read(const struct rotation *r, char ret[GUARD_SIZE_MAX + 1])
{
    struct guard guard;
    int rc = guard_open(&guard, r->config->guard_file);

    if (rc != 0) {
        log_error("init: the guard %s cannot be read: %s", r->config->guard_file, strerror(-rc));
        return rc;
    }
    memcpy(ret, guard.held, guard.held_len);
    ret[guard.held_len] = '\0';
    return 0;
}

static int
log_key_change(struct rotation *r)
{
    struct note_checkpoint checkpoint;
    struct note_key by = {.name = ""};
    char note[GUARD_SIZE_MAX + 1];
    int rc;

    if (rotation_is_begun(r))
        return rotation_finish(r);
    rc = old_key_check(r);
    if (rc == 0)
        rc = older_log_check(r);
    if (rc == 0)
        rc = guard_read(r, note);
    if (rc == 0 && note_signed_by(r, note, &checkpoint, &by) != 0)
        by.name[0] = '\0'; /* nothing is held; or what the log's epoch began behind, by a key that is lost */
    if (rc == 0)
        rc = rotation_begin(r, store_identity(r->desk.store)->epoch, &by);
    if (rc == 0)
        rc = store_commit(r->desk.store);
    return rc == 0 ? rotation_finish(r) : rc;
}

int
init_log_key(const struct config *config)
{
    struct rotation r = {.config = NULL};
    int rc = restore_refuses(config);

    if (rc == 0)
        rc = rotation_open(&r, config);
    if (rc == 0)
        rc = log_key_change(&r);
    if (rc == 0) {
        (void)printf(_("The log's new key is in the file %s. The change is recorded in the log.\n"),
                     config->checkpoint_key);
        key_print(&r.fresh.key);
    } else if (r.desk.store != NULL) {
        log_error("init: the key in %s cannot be replaced: %s", config->checkpoint_key,
                  store_why(rc, store_damage(r.desk.store)));
    }
    rotation_close(&r);
    return rc;
}

/* ---- a new epoch */

/* What is known of the earlier epoch. */
struct past {
    char note[GUARD_SIZE_MAX + 1]; /* "": nothing was signed */
    struct note_checkpoint checkpoint;
    struct note_key by; /* that signed it */
    uint64_t epoch;     /* the last that it, or the key that signs, is of; 0: none */
    bool unguarded;     /* the guard is lost */
    bool held;          /* the log contains it */
    bool told;          /* the log's own epoch began behind it, and has signed nothing since */
};

/* The guard's checkpoint, else the newest that the log itself kept. */
static int
past_note(const struct rotation *r, struct past *past)
{
    char *ret = past->note;
    const char *kept = NULL;
    size_t len = 0;
    uint64_t size;
    int rc = 0;

    past->unguarded = access(r->config->guard_file, F_OK) != 0 && errno == ENOENT;
    if (!past->unguarded)
        rc = guard_read(r, ret);
    if (rc != 0 || ret[0] != '\0')
        return rc;
    rc = store_checkpoint_get(r->desk.store, UINT64_MAX, &size, &kept, &len);
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

/* Is it signed for this log? */
static int
past_check(struct rotation *r, struct past *past)
{
    int rc = note_signed_by(r, past->note, &past->checkpoint, &past->by);

    if (rc == 0)
        past->epoch = store_epoch_of(store_identity(r->desk.store), past->checkpoint.origin);
    if (rc == 0 && past->epoch == 0)
        rc = -EBADMSG;
    if (rc == 0 && note_key_equal(&past->by, &r->fresh.key))
        return waiting_key_place(r); /* it had its place, and a power cut took that back: it is not to be lost now */
    if (rc == 0 || past->told)
        return 0;
    log_error("init: what the guard %s holds was not signed for this log, as far as its keys tell: put back the right "
              "guard or the right %s",
              r->config->guard_file, r->config->checkpoint_key);
    return rc;
}

/* A key that signs for a later epoch than anything else here knows of: its log is lost, and its name is taken. One that
 * waits for its place has signed nothing. */
static void
past_key(const struct rotation *r, struct past *past)
{
    const struct note_key *key = &r->old.key;
    uint64_t epoch = key_have(key) ? store_epoch_of(store_identity(r->desk.store), key->name) : 0;

    if (epoch > past->epoch)
        past->epoch = epoch;
}

static int
past_read(struct rotation *r, struct past *past)
{
    const struct log_keys *keys = &r->desk.log_keys;
    uint8_t root[MERKLE_HASH_SIZE];
    int rc = past_note(r, past);

    if (rc != 0)
        return rc;
    past->told = keys->epoch_count > 0 && strcmp(past->note, keys->last_known) == 0;
    if (past->note[0] != '\0' && (rc = past_check(r, past)) != 0)
        return rc;
    past_key(r, past);
    if (past->note[0] == '\0' || past->told)
        return 0;
    rc = store_tree_root(r->desk.store, past->checkpoint.size, root);
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

/* A lost one: an empty one is in its place, and the record of the epoch has what the log knows. */
static int
guard_have(const struct rotation *r)
{
    int rc = guard_create(r->config->guard_file);

    if (rc == 0)
        rc = file_owner_inherit(r->config->guard_file);
    if (rc == 0 || rc == -EEXIST)
        return 0;
    log_error("init: the guard %s cannot be made: %s", r->config->guard_file, strerror(-rc));
    return rc;
}

/* One commit: the record of the epoch, that of its key, and the number of the epoch. */
static int
epoch_begin(struct rotation *r, struct past *past)
{
    uint64_t last = store_identity(r->desk.store)->epoch;
    uint64_t epoch = (past->epoch > last ? past->epoch : last) + 1;
    int rc = guard_have(r);

    if (rc == 0)
        rc = epoch_write(&r->desk, epoch, past->note);
    if (rc == 0)
        rc = rotation_begin(r, epoch, &past->by);
    if (rc == 0)
        rc = store_epoch_begin(r->desk.store, epoch);
    return rc == 0 ? store_commit(r->desk.store) : rc;
}

static void
epoch_print(const struct desk *desk, const struct past *past)
{
    uint64_t from = desk->log_keys.epochs[desk->log_keys.epoch_count - 1].seq;

    (void)printf(_("The log goes on as epoch %" PRIu64 " from record %" PRIu64 ". The change is recorded in it.\n"),
                 store_identity(desk->store)->epoch, from);
    if (past->checkpoint.size >= from)
        (void)printf(_("At least %" PRIu64 " records of the earlier epoch are not in it. Agents that still have their "
                       "events send them again by themselves.\n"),
                     past->checkpoint.size - from + 1);
}

/* Is the key that the log announced last that of an epoch: was it announced in one commit with it? */
static bool
key_is_of_epoch(const struct log_keys *keys)
{
    return keys->epoch_count > 0 && keys->epochs[keys->epoch_count - 1].seq + 1 == keys->seq[keys->count - 1];
}

/* A log that is whole, and that wicid did not restore, needs none; if the guard and the key say so. -EEXIST: logged. */
static int
past_is_needed(const struct rotation *r, const struct past *past)
{
    uint64_t epoch = store_identity(r->desk.store)->epoch;

    if (restore_mark_find(r->config->data_dir) == 0 || past->unguarded || old_key_is_lost_branchs(r) ||
        (!past->held && !past->told))
        return 0;
    if (!key_have(&r->old.key) || !note_key_equal(&r->old.key, key_last(r)))
        log_error("init: the log needs no new epoch (it is of epoch %" PRIu64
                  "), but a new key in place of the last one: "
                  "`wicid init --log-key`",
                  epoch);
    else if (past->told)
        log_error("init: the log goes on as epoch %" PRIu64 " already: it needs no other one; start wicid", epoch);
    else
        log_error("init: the log holds all that was signed (epoch %" PRIu64 "): it needs no new epoch; start wicid",
                  epoch);
    return -EEXIST;
}

static int
epoch_change(struct rotation *r, struct past *past)
{
    bool begun = rotation_is_begun(r);
    int rc = 0;

    if (begun && !key_is_of_epoch(&r->desk.log_keys)) { /* `wicid init --log-key`, interrupted: that is done first */
        rc = waiting_key_place(r);
        if (rc != 0)
            return rc;
        key_print(&r->fresh.key);
        begun = false;
    }
    if (!begun && ((rc = old_key_check(r)) != 0 || (rc = past_read(r, past)) != 0 ||
                   (rc = past_is_needed(r, past)) != 0 || (rc = epoch_begin(r, past)) != 0))
        return rc;
    rc = restore_mark_remove(r->config->data_dir); /* before the key's turn: as long as it waits, this comes again */
    return rc == 0 ? rotation_finish(r) : rc;
}

int
init_new_epoch(const struct config *config)
{
    struct rotation r;
    struct past past = {.epoch = 0};
    int rc = rotation_open(&r, config);

    if (rc == 0)
        rc = epoch_change(&r, &past);
    if (rc == 0) {
        epoch_print(&r.desk, &past);
        key_print(&r.fresh.key);
    } else if (rc != -EEXIST && r.desk.store != NULL) {
        log_error("init: the new epoch cannot begin: %s", store_why(rc, store_damage(r.desk.store)));
    }
    rotation_close(&r);
    return rc;
}
