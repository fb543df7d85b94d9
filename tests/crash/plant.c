/* plant - see plant.h; the linker sends the store's calls of LMDB, and of libsodium's slow memory, to the wraps below
 */
#include "tests/crash/plant.h"

#include "broker/access.h"
#include "broker/backup.h"
#include "broker/cursor.h"
#include "broker/erase_write.h"
#include "store/be.h"
#include "tests/crash/copier.h"
#include "tests/crash/scene.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct plant plants[] = {{"unseen", "log", "recorder"},
                               {"nosync", "log", "opens, acknowledged, records, gapless"},
                               {"datasync", "log", "opens, acknowledged, records, gapless"},
                               {"commitsync", "log", "opens, acknowledged, records, gapless"},
                               {"metasync", "log", "acknowledged, opens"},
                               {"dirsync", "log", "opens"},
                               {"keysync", "log", "opens, records"},
                               {"idput", "log", "opens, ids"},
                               {"tileput", "log", "workload, opens, tree"},
                               {"opensync", "log", "acknowledged"},
                               {"compactsync", "log", "opens, records, tree, documents"},
                               {"early", "log", "acknowledged"},
                               {"copysync", "backup", "backups, dies"},
                               {"copyname", "backup", "backups, safe"},
                               {"safeearly", "backup", "safe"},
                               {"putsync", "restore", "epoch, opens, records, acknowledged, dies"},
                               {"markname", "restore", "marked, restored"},
                               {"kekname", "kek", "keys"},
                               {"awaysync", "kek", "copies"},
                               {"keysover", "kek", "keys, opens"},
                               {"gonesync", "erase", "destroyed, keys, opens"},
                               {"listsync", "erase", "listed, ordered"},
                               {"listname", "erase", "listed, guard"},
                               {"keyfirst", "erase", "holes, records"},
                               {"rowleft", "erase", "holes"},
                               {"signname", "epoch", "opens"},
                               {"cursorsent", "follow", "cursors, follows"},
                               {"cursorlate", "follow", "cursors"},
                               {"besidesync", "beside", "backups, dies, safe"},
                               {"besidesafe", "beside", "safe"},
                               {"besidekeys", "beside", "workload, backups, goes on"},
                               {"markearly", "follow", "accounted"},
                               {"guardsync", "follow", "guard, opens"},
                               {"guardname", "follow", "guard"}};
const size_t plant_count = sizeof plants / sizeof *plants;

unsigned
plant_kind(const char *name)
{
    static const struct {
        const char *name;
        enum disk_kind kind;
    } shown[] = {
        {"metasync", DISK_LOST}, {"keysover", DISK_TORN}, {"commitsync", DISK_REORDERED}, {"dirsync", DISK_NAMES}};

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (strcmp(name, shown[i].name) == 0)
            return shown[i].kind;
    return 0;
}

static bool unseen, nosync, idput, tileput, opensync, keyfirst, rowleft, cursorsent, cursorlate, markearly, besidekeys;
static enum trace_op drop_op;
static const char *drop_suffix, *drop_within; /* NULL: any */
static bool drop_in_commit, committing;

int __real_mdb_env_open(MDB_env *env, const char *path, unsigned int flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned int flags, mdb_mode_t mode);
int __real_mdb_env_get_flags(MDB_env *env, unsigned int *flags);
int __wrap_mdb_env_get_flags(MDB_env *env, unsigned int *flags);
int __real_mdb_env_sync(MDB_env *env, int force);
int __wrap_mdb_env_sync(MDB_env *env, int force);
int __real_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned int flags);
int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned int flags);

/* Past whoever follows the C library's calls. */
static void
file_make_unseen(const char *dir)
{
    char path[400];
    long fd;

    (void)snprintf(path, sizeof path, "%.300s/unseen", dir);
    fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)syscall(SYS_close, (int)fd);
}

int
__wrap_mdb_env_open(MDB_env *env, const char *path, unsigned int flags, mdb_mode_t mode)
{
    if (unseen)
        file_make_unseen(path);
    return __real_mdb_env_open(env, path, flags | (nosync ? MDB_NOSYNC : 0), mode);
}

int
__wrap_mdb_env_get_flags(MDB_env *env, unsigned int *flags)
{
    int rc = __real_mdb_env_get_flags(env, flags);

    if (rc == 0 && nosync)
        *flags &= ~(unsigned)MDB_NOSYNC;
    return rc;
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);

int
__wrap_mdb_txn_commit(MDB_txn *txn)
{
    int rc;

    committing = true;
    rc = __real_mdb_txn_commit(txn);
    committing = false;
    return rc;
}

/* Commits sync inside of LMDB, not through here. */
int
__wrap_mdb_env_sync(MDB_env *env, int force)
{
    return opensync ? 0 : __real_mdb_env_sync(env, force);
}

/* Guarded and locked pages cost more than all else of opening a store; thousands are opened here. The key cache is kept
 * from one to the next, so that its pages are not new to the system each time. */
static struct {
    void *bytes;
    size_t size;
    bool lent;
} cache;

void *__wrap_sodium_malloc(size_t size);
void *__wrap_sodium_allocarray(size_t count, size_t size);
void __wrap_sodium_free(void *at);

void *
__wrap_sodium_malloc(size_t size)
{
    return malloc(size);
}

void *
__wrap_sodium_allocarray(size_t count, size_t size)
{
    if (cache.lent)
        return malloc(count * size);
    if (cache.size != count * size) {
        free(cache.bytes);
        cache.bytes = malloc(count * size);
        cache.size = count * size;
    }
    cache.lent = cache.bytes != NULL;
    return cache.bytes;
}

void
__wrap_sodium_free(void *at)
{
    if (cache.lent && at == cache.bytes)
        cache.lent = false;
    else
        free(at);
}

/* A put of a seq under an event id is one into the id table; one of 8 KiB into the tree. */
int
__wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned int flags)
{
    static unsigned count;

    if (idput && key->mv_size == 16 && data->mv_size == 8 && flags == MDB_NOOVERWRITE && ++count % 16 == 0)
        return 0;
    if (tileput && key->mv_size == 9 && data->mv_size == 8192)
        return 0;
    return __real_mdb_put(txn, dbi, key, data, flags);
}

/* ---- erasures */

__typeof__(erase_intend) __real_erase_intend, __wrap_erase_intend;

int
__wrap_erase_intend(struct broker *b, const struct erase_scan *scan, const struct erase_order *order, uint64_t *ret_seq)
{
    for (size_t i = 0; i < scan->goes && keyfirst; i++)
        if (store_key_erase(b->store, scan->members[i].entry) != 0)
            abort();
    return __real_erase_intend(b, scan, order, ret_seq);
}

__typeof__(store_content_drop) __real_store_content_drop, __wrap_store_content_drop;

int
__wrap_store_content_drop(struct store *st, uint64_t seq)
{
    static unsigned count;

    return rowleft && ++count % 8 == 0 ? 0 : __real_store_content_drop(st, seq);
}

/* ---- subscriptions */

__typeof__(access_count) __real_access_count, __wrap_access_count;

/* An event of a stream is on its way. */
void
__wrap_access_count(struct reader *reader, uint64_t seq)
{
    __real_access_count(reader, seq);
    if (!cursorsent || reader->kind != READER_STREAM)
        return;
    reader->acked = seq;
    cursor_touch(serve_broker(), reader);
}

__typeof__(cursors_write) __real_cursors_write, __wrap_cursors_write;

int
__wrap_cursors_write(struct broker *b)
{
    if (!cursorlate)
        return __real_cursors_write(b);
    b->cursors_due_ms = 0;
    return 0;
}

__typeof__(access_open) __real_access_open, __wrap_access_open;

/* Its reader does not wait for the commit. */
int
__wrap_access_open(struct broker *b, struct reader *reader, uint64_t seq)
{
    int rc = __real_access_open(b, reader, seq);

    if (rc == 0 && markearly)
        reader_move(b->sessions, reader, READER_BUSY);
    return rc;
}

/* ---- backups by a broker */

__typeof__(backups_copying) __real_backups_copying, __wrap_backups_copying;

/* Nobody waits with an erasure until log and key store are copied. */
bool
__wrap_backups_copying(const struct backups *backups)
{
    return !besidekeys && __real_backups_copying(backups);
}

/* The log's word of a backup that is only begun, as broker/backup.c writes it. */
static void
safe_early(const char *label)
{
    struct store *st = serve_broker()->store;
    uint8_t value[16];

    be64_put(value, store_head(st));
    memcpy(value + 8, label, strlen(label));
    if (store_value_put(st, "backup", value, 8 + strlen(label)) != 0)
        abort();
}

/* Directories: the store's files have these names. */
static bool
is_directory(const char *path)
{
    return strstr(path, "data.mdb") == NULL && strcmp(strrchr(path, '/'), "/keys") != 0 && strstr(path, ".tmp") == NULL;
}

static bool
call_is_dropped(const struct trace_call *call)
{
    size_t len = strlen(drop_suffix), path_len = strlen(call->path);

    if (call->op != drop_op || (drop_within != NULL && strstr(call->path, drop_within) == NULL) ||
        (drop_in_commit && !committing))
        return false;
    if (len == 0 && drop_within == NULL)
        return is_directory(call->path);
    return path_len >= len && strcmp(call->path + path_len - len, drop_suffix) == 0;
}

/* The new key store is written over the old one by one write, where it should get that one's name. */
static bool
keys_put_over(const struct trace_call *call)
{
    static uint8_t bytes[1 << 16];
    size_t path_len = strlen(call->path);
    int in, out;
    ssize_t len;

    if (call->op != TRACE_RENAME || path_len < 10 || strcmp(call->path + path_len - 10, "/keys.next") != 0)
        return false;
    in = open(call->path, O_RDONLY | O_CLOEXEC);
    out = open(call->to, O_WRONLY | O_CLOEXEC);
    len = in < 0 ? -1 : read(in, bytes, sizeof bytes);
    if (out < 0 || len <= 0 || pwrite(out, bytes, (size_t)len, 0) != len || fsync(out) != 0 || close(in) != 0 ||
        close(out) != 0 || unlink(call->path) != 0)
        abort();
    return true;
}

bool
plant_set(const char *name)
{
    static const struct {
        const char *name;
        enum trace_op op;
        const char *suffix, *within;
    } drops[] = {{"datasync", TRACE_SYNC, "/data.mdb", NULL},
                 {"commitsync", TRACE_SYNC, "/data.mdb", NULL},
                 {"metasync", TRACE_OPEN, "/data.mdb", NULL},
                 {"dirsync", TRACE_SYNC, "", NULL},
                 {"keysync", TRACE_SYNC, "/keys/keys", NULL},
                 {"compactsync", TRACE_SYNC, "/compact/log/data.mdb", NULL},
                 {"copysync", TRACE_SYNC, "/data.mdb", ".part/"},
                 {"copyname", TRACE_SYNC, "/logs", NULL},
                 {"besidesync", TRACE_SYNC, "/data.mdb", ".part/"},
                 {"putsync", TRACE_SYNC, "/data.mdb", "/log.new/"},
                 {"markname", TRACE_SYNC, "/data", NULL},
                 {"kekname", TRACE_SYNC, "/etc", NULL},
                 {"awaysync", TRACE_SYNC, "", "/away/"},
                 {"gonesync", TRACE_SYNC, "/keys/keys", NULL},
                 {"listsync", TRACE_SYNC, "/ward/guard.erased", NULL},
                 {"listname", TRACE_SYNC, "/ward", NULL},
                 {"signname", TRACE_SYNC, "/etc", NULL},
                 {"guardsync", TRACE_SYNC, "/ward/guard.tmp", NULL},
                 {"guardname", TRACE_SYNC, "/ward", NULL}};

    unseen = strcmp(name, "unseen") == 0;
    nosync = strcmp(name, "nosync") == 0;
    idput = strcmp(name, "idput") == 0;
    tileput = strcmp(name, "tileput") == 0;
    opensync = strcmp(name, "opensync") == 0;
    keyfirst = strcmp(name, "keyfirst") == 0;
    rowleft = strcmp(name, "rowleft") == 0;
    cursorsent = strcmp(name, "cursorsent") == 0;
    cursorlate = strcmp(name, "cursorlate") == 0;
    markearly = strcmp(name, "markearly") == 0;
    besidekeys = strcmp(name, "besidekeys") == 0;
    copier_begins = strcmp(name, "besidesafe") == 0 ? safe_early : NULL;
    script_acks_early = strcmp(name, "early") == 0;
    scene_says_early = strcmp(name, "safeearly") == 0;
    drop_in_commit = strcmp(name, "commitsync") == 0;
    record_drop = strcmp(name, "keysover") == 0 ? keys_put_over : NULL;
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
        if (strcmp(name, drops[i].name) == 0) {
            drop_op = drops[i].op;
            drop_suffix = drops[i].suffix;
            drop_within = drops[i].within;
            record_drop = call_is_dropped;
        }
    return unseen || nosync || idput || tileput || opensync || keyfirst || rowleft || cursorsent || cursorlate ||
           markearly || besidekeys || copier_begins != NULL || script_acks_early || scene_says_early ||
           record_drop != NULL;
}
