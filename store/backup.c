/*
 * backup - see backup.h
 *
 * The order is the promise: log, then keys; sync, verify, describe, sync; name the keys, sync, name the log, sync.
 */
#include "store/backup.h"

#include "proto/event.h"
#include "proto/strict.h"
#include "store/env.h"
#include "proto/file.h"
#include "store/internal.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART ".part"

bool
backup_label_is_valid(const char *label)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(label);

    if (len == 0 || len > BACKUP_LABEL_MAX || label[0] == '.' || strspn(label, letters) != len)
        return false;
    return len < sizeof PART - 1 || strcmp(label + len - (sizeof PART - 1), PART) != 0;
}

/* ---- the places */

struct place {
    char part[PATH_MAX], name[PATH_MAX]; /* TO/LABEL.part, TO/LABEL */
};

struct backup {
    const struct backup_options *options;
    struct backup_report *report;
    struct place log, keys;
    uint64_t time_ms;
};

static int __attribute__((format(printf, 2, 3))) path_put(char ret[PATH_MAX], const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(ret, PATH_MAX, format, args);
    va_end(args);
    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int
file_remove(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int rc = file_path(path, dir, name);

    if (rc != 0)
        return rc;
    return unlink(path) != 0 && errno != ENOENT ? -errno : 0;
}

/* Removes what an attempt may have left in TO/LABEL.part, and nothing else: a directory with more in it stays. */
static int
part_remove(const struct place *place)
{
    char inner[PATH_MAX];
    int rc = path_put(inner, "%s/log", place->part);

    if (rc == 0 && (rc = file_remove(inner, "data.mdb")) == -ENOTDIR)
        rc = 0;
    if (rc == 0 && rmdir(inner) != 0 && errno != ENOENT)
        rc = -errno;
    if (rc != 0 || (rc = file_remove(place->part, KEYS_FILE)) != 0 ||
        (rc = file_remove(place->part, BACKUP_FILE)) != 0 ||
        (rc = file_remove(place->part, BACKUP_FILE ".tmp")) != 0) /* file_create's, of a moment */
        return rc;
    return rmdir(place->part) != 0 && errno != ENOENT ? -errno : 0;
}

/* A fresh TO/LABEL.part. */
static int
place_open(struct place *place, const char *to, const char *label)
{
    struct stat sb;
    int rc;

    if (stat(to, &sb) != 0)
        return -errno;
    if ((rc = path_put(place->part, "%s/%s" PART, to, label)) != 0 ||
        (rc = path_put(place->name, "%s/%s", to, label)) != 0)
        return rc;
    if (lstat(place->name, &sb) == 0)
        return -EEXIST;
    if (errno != ENOENT)
        return -errno;
    rc = part_remove(place);
    return rc == 0 ? file_make_dir(place->part) : rc;
}

static int
places_open(struct backup *b)
{
    const struct backup_options *o = b->options;
    struct stat log, keys;
    char inner[PATH_MAX];
    int rc;

    if (stat(o->log_to, &log) != 0 || stat(o->keys_to, &keys) != 0)
        return -errno;
    if (!backup_label_is_valid(o->label) || (log.st_dev == keys.st_dev && log.st_ino == keys.st_ino))
        return -EINVAL;
    if ((rc = place_open(&b->log, o->log_to, o->label)) != 0 || (rc = place_open(&b->keys, o->keys_to, o->label)) != 0)
        return rc;
    rc = path_put(inner, "%s/log", b->log.part);
    return rc == 0 ? file_make_dir(inner) : rc;
}

/* ---- copying */

static int
log_copy(struct backup *b)
{
    const struct store_options *from = &b->options->store;
    char log_dir[PATH_MAX], path[PATH_MAX];
    MDB_env *env = NULL;
    int fd = -1, rc;

    if ((rc = file_path(log_dir, from->dir, "log")) != 0 || (rc = path_put(path, "%s/log/data.mdb", b->log.part)) != 0)
        return rc;
    if ((rc = mdb_env_create(&env)) != 0 || (rc = mdb_env_set_mapsize(env, from->map_size_max)) != 0 ||
        (rc = mdb_env_open(env, log_dir, MDB_RDONLY | MDB_NOTLS, 0600)) != 0) {
        rc = err_from_lmdb(rc);
        goto out;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        rc = -errno;
        goto out;
    }
    rc = err_from_lmdb(mdb_env_copyfd2(env, fd, MDB_CP_COMPACT));
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
out:
    if (fd >= 0 && close(fd) != 0 && rc == 0)
        rc = -errno;
    if (env != NULL)
        mdb_env_close(env);
    return rc;
}

static int
keys_copy(struct backup *b)
{
    char from[PATH_MAX], to[PATH_MAX];
    int rc;

    if ((rc = file_path(from, b->options->store.key_dir, KEYS_FILE)) != 0 ||
        (rc = file_path(to, b->keys.part, KEYS_FILE)) != 0)
        return rc;
    return file_copy(from, to);
}

/* ---- what it is */

static int
what_format(const struct backup *b, char ret[BACKUP_TEXT_MAX], size_t *ret_len)
{
    const struct verify_report *v = &b->report->verify;
    char root[STRICT_BASE64_LEN(MERKLE_HASH_SIZE) + 1] = "", time[TIME_TEXT_SIZE], vkey[NOTE_KEY_TEXT_SIZE];
    int len;

    strict_base64_encode(v->root, sizeof v->root, root);
    time_format(b->time_ms, time);
    len = snprintf(ret, BACKUP_TEXT_MAX,
                   "wici-backup 1\norigin %s\nepoch %" PRIu64 "\nrecords %" PRIu64 "\nroot %s\ntime %s\n",
                   v->identity.origin, v->identity.epoch, v->records, root, time);
    for (size_t i = 0; i < b->options->key_count && len >= 0 && (size_t)len < BACKUP_TEXT_MAX; i++) {
        note_key_format(&b->options->keys[i], vkey);
        len += snprintf(ret + len, BACKUP_TEXT_MAX - (size_t)len, "vkey %s\n", vkey);
    }
    assert(len > 0 && (size_t)len < BACKUP_TEXT_MAX);
    *ret_len = (size_t)len;
    return 0;
}

static int
what_write(const struct place *place, const char *text, size_t len)
{
    char path[PATH_MAX];
    int rc = file_path(path, place->part, BACKUP_FILE);

    return rc == 0 ? file_create(path, text, len) : rc;
}

/* The value of the line "word value". */
static int
value_next(const char **at, const char *end, const char *word, struct strict_line *ret)
{
    int rc = strict_line_next(at, end, ret);

    if (rc == 0 && (!strict_line_skip(ret, word) || !strict_line_skip(ret, " ")))
        rc = -EBADMSG;
    return rc;
}

static int
number_next(const char **at, const char *end, const char *word, uint64_t *ret)
{
    struct strict_line line;
    int rc = value_next(at, end, word, &line);

    return rc == 0 ? strict_decimal_parse(line.text, line.len, ret) : rc;
}

static int
text_next(const char **at, const char *end, const char *word, char *ret, size_t size)
{
    struct strict_line line;
    int rc = value_next(at, end, word, &line);

    if (rc == 0 && (line.len == 0 || line.len >= size))
        rc = -EBADMSG;
    if (rc == 0) {
        memcpy(ret, line.text, line.len);
        ret[line.len] = '\0';
    }
    return rc;
}

static int
keys_parse(const char *at, const char *end, struct backup_what *what)
{
    struct strict_line line;
    int rc = 0;

    while (rc == 0 && at < end) {
        rc = value_next(&at, end, "vkey", &line);
        if (rc == 0)
            rc = what->key_count == NOTE_KEYS_MAX ? -EBADMSG
                                                  : note_key_parse(line.text, line.len, &what->keys[what->key_count]);
        for (size_t i = 0; rc == 0 && i < what->key_count; i++)
            if (memcmp(&what->keys[i], &what->keys[what->key_count], sizeof what->keys[i]) == 0)
                rc = -EBADMSG;
        what->key_count++;
    }
    return rc == 0 && what->key_count == 0 ? -EBADMSG : rc;
}

static int
what_parse(const char *text, size_t len, struct backup_what *what)
{
    const char *at = text, *end = text + len;
    char version[8], root[STRICT_BASE64_LEN(MERKLE_HASH_SIZE) + 1], time[TIME_TEXT_SIZE];
    size_t root_len = 0;
    int rc;

    if ((rc = text_next(&at, end, "wici-backup", version, sizeof version)) != 0 ||
        (rc = text_next(&at, end, "origin", what->origin, sizeof what->origin)) != 0 ||
        (rc = number_next(&at, end, "epoch", &what->epoch)) != 0 ||
        (rc = number_next(&at, end, "records", &what->records)) != 0 ||
        (rc = text_next(&at, end, "root", root, sizeof root)) != 0 ||
        (rc = text_next(&at, end, "time", time, sizeof time)) != 0 || (rc = keys_parse(at, end, what)) != 0 ||
        (rc = strict_base64_decode(root, strlen(root), what->root, sizeof what->root, &root_len)) != 0)
        return rc;
    if (strcmp(version, "1") != 0 || root_len != sizeof what->root || time_parse(time, &what->time_ms) != 0)
        return -EBADMSG;
    return 0;
}

int
backup_read(const char *dir, struct backup_what *ret)
{
    char path[PATH_MAX], *text = malloc(BACKUP_TEXT_MAX);
    struct backup_what what = {.key_count = 0};
    size_t len = 0;
    int fd = -1, rc = file_path(path, dir, BACKUP_FILE);

    if (text == NULL)
        return -ENOMEM;
    if (rc == 0 && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        rc = -errno;
    if (rc == 0)
        rc = file_read_at(fd, text, BACKUP_TEXT_MAX, 0, &len);
    if (rc == 0)
        rc = len == BACKUP_TEXT_MAX ? -EBADMSG : what_parse(text, len, &what);
    if (rc == 0)
        *ret = what;
    if (fd >= 0)
        close(fd);
    free(text);
    return rc;
}

/* ---- */

static int
copy_verify(struct backup *b)
{
    struct verify_options options = {.dir = b->log.part,
                                     .key_dir = b->keys.part,
                                     .kek_path = b->options->store.kek_path,
                                     .keys = b->options->keys,
                                     .key_count = b->options->key_count};

    return verify_copy(&options, &b->report->verify);
}

static int
part_describe(struct backup *b)
{
    char text[BACKUP_TEXT_MAX], inner[PATH_MAX];
    size_t len = 0;
    int rc = what_format(b, text, &len);

    if (rc != 0 || (rc = what_write(&b->keys, text, len)) != 0 || (rc = what_write(&b->log, text, len)) != 0 ||
        (rc = path_put(inner, "%s/log", b->log.part)) != 0 || (rc = file_sync_dir(inner)) != 0 ||
        (rc = file_sync_dir(b->log.part)) != 0)
        return rc;
    return file_sync_dir(b->keys.part);
}

/* RENAME_NOREPLACE is not needed: a directory never takes the place of one that is not empty. */
static int
part_name(const struct place *place, const char *to)
{
    if (rename(place->part, place->name) != 0)
        return errno == ENOTEMPTY ? -EEXIST : -errno;
    return file_sync_dir(to);
}

static void
phase_set(struct backup *b, enum backup_phase phase)
{
    atomic_store(&b->report->phase, (uint32_t)phase);
}

static int
parts_make(struct backup *b)
{
    int rc;

    phase_set(b, BACKUP_COPYING);
    if ((rc = log_copy(b)) != 0 || (rc = keys_copy(b)) != 0)
        return rc;
    phase_set(b, BACKUP_VERIFYING);
    rc = copy_verify(b);
    return rc == 0 ? part_describe(b) : rc;
}

int
backup_make(const struct backup_options *options, struct backup_report *report)
{
    struct backup b = {.options = options, .report = report};
    struct timespec now = {0};
    int rc;

    assert(options->key_count >= 1 && options->key_count <= NOTE_KEYS_MAX);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    b.time_ms = (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
    rc = places_open(&b);
    if (rc == 0)
        rc = parts_make(&b);
    if (rc == 0)
        rc = part_name(&b.keys, options->keys_to);
    if (rc == 0)
        rc = part_name(&b.log, options->log_to);
    if (rc == 0) {
        phase_set(&b, BACKUP_NAMED);
        return 0;
    }
    /* What already has its name is whole and stays. */
    if (b.log.part[0] != '\0')
        (void)part_remove(&b.log);
    if (b.keys.part[0] != '\0')
        (void)part_remove(&b.keys);
    return rc;
}
