/* deeds_files - see deeds_check.h: what lies in the files, read without the broker's code */
#include "tests/crash/deeds_check.h"

#include "store/be.h"
#include "store/keys_entry.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_FILE_MAX (KEYS_ENTRY_SIZE * 8192u)
#define LIST_HEADER   32u /* of the list of destroyed keys (store/erased.h) */
#define LIST_RECORD   32u
#define SEALED_SIZE   (KEYS_ENTRY_SIZE - AT_SEALED)
#define NEEDLES_MAX   (BOUNDS_KEYS + 2 * DOSSIERS_MAX + 1)
#define NEEDLE_SIZE   48u

/* 0 where there is no such file, or a larger one. */
static size_t
file_take(const char *path, uint8_t *ret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = 1;

    if (fd < 0)
        return 0;
    while (len < size && (got = read(fd, ret + len, size - len)) > 0)
        len += (size_t)got;
    (void)close(fd);
    return got != 0 ? 0 : len;
}

/* ---- keys that erasures destroyed */

struct keys_file {
    uint8_t bytes[KEYS_FILE_MAX];
    size_t len;
};

static struct keys_file made;

static void
keys_take(const struct place *place, struct keys_file *ret)
{
    ret->len = file_take(place->key_file, ret->bytes, sizeof ret->bytes);
}

static const uint8_t *
entry_in(const struct keys_file *keys, uint32_t entry)
{
    return (entry + UINT64_C(1)) * KEYS_ENTRY_SIZE <= keys->len ? keys->bytes + (size_t)entry * KEYS_ENTRY_SIZE : NULL;
}

static bool
is_erased(const struct keys_file *keys, uint32_t entry)
{
    const uint8_t *bytes = entry_in(keys, entry);

    return bytes != NULL && bytes[AT_STATE] == STATE_ERASED;
}

/* Marked, and nothing left of it. */
static bool
is_destroyed(const struct keys_file *keys, uint32_t entry)
{
    static const uint8_t nothing[KEYS_ENTRY_SIZE];

    return is_erased(keys, entry) &&
           memcmp(entry_in(keys, entry) + AT_STATE + 1, nothing, KEYS_ENTRY_SIZE - AT_STATE - 1) == 0;
}

bool
gone_keys_remember(const struct place *place)
{
    keys_take(place, &made);
    return entry_in(&made, BOUNDS_KEYS - 1) != NULL;
}

void
gone_keys_mark(const struct place *place)
{
    static struct keys_file keys;

    keys_take(place, &keys);
    for (uint32_t entry = 1; entry < BOUNDS_KEYS; entry++)
        if (is_erased(&keys, entry))
            disk_mark(MARK_GONE, entry);
}

struct list {
    uint8_t bytes[LIST_HEADER + LIST_RECORD * 1024];
    size_t len;
};

static void
list_take(const struct place *place, struct list *ret)
{
    char path[400];

    serve_erased_path(place, path);
    ret->len = file_take(path, ret->bytes, sizeof ret->bytes);
}

static bool
list_names(const struct list *list, uint32_t entry)
{
    for (size_t at = LIST_HEADER; at + LIST_RECORD <= list->len; at += LIST_RECORD)
        if (be32_get(list->bytes + at) == entry)
            return true;
    return false;
}

bool
gone_keys_check(const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    static struct keys_file keys;
    static struct list list;

    keys_take(place, &keys);
    list_take(place, &list);
    for (uint32_t entry = 1; entry < BOUNDS_KEYS; entry++) {
        if (!bounds->gone[entry])
            continue;
        if (!is_destroyed(&keys, entry))
            return found_wrong(ret, "destroyed", "key entry %" PRIu32 " is on the disk again", entry);
        if (!list_names(&list, entry))
            return found_wrong(ret, "listed", "key entry %" PRIu32 " is not in the list any more", entry);
    }
    return true;
}

/* The number of records stands in the second line. */
bool
guard_check(const struct place *place, const struct bounds *bounds, struct finding *ret)
{
    char path[400], note[4096];
    const char *line;
    uint64_t held;
    size_t len;

    serve_guard_path(place, path);
    len = file_take(path, (uint8_t *)note, sizeof note - 1);
    note[len] = '\0';
    line = strchr(note, '\n');
    held = line == NULL ? 0 : strtoull(line, NULL, 10);
    return held >= bounds->checkpoint ||
           found_wrong(ret, "guard", "a checkpoint of %" PRIu64 " records was shown, the guard has one of %" PRIu64,
                       bounds->checkpoint, held);
}

/* How many keys the dossiers that are erased up to `step` had, with those of their documents. */
static size_t
keys_of(const struct deeds *deeds, uint64_t step)
{
    size_t count = (size_t)__builtin_popcountll(deeds->at[step].gone);

    for (uint64_t k = 1; k <= step; k++)
        count += deeds->at[k].kind == DEED_PAPER && deed_is_gone(deeds, k, step);
    return count;
}

bool
gone_keys_are(const struct deeds *deeds, const struct place *place, uint64_t step, struct finding *ret)
{
    static struct keys_file keys;
    static struct list list;
    size_t count = 0, want = keys_of(deeds, step);

    keys_take(place, &keys);
    list_take(place, &list);
    for (uint32_t entry = 1; entry_in(&keys, entry) != NULL; entry++) {
        bool destroyed = is_erased(&keys, entry);

        if (destroyed && !is_destroyed(&keys, entry))
            return found_wrong(ret, "keys", "of key entry %" PRIu32 " something is left", entry);
        if (destroyed != list_names(&list, entry))
            return found_wrong(ret, "listed", "key entry %" PRIu32 " is %sdestroyed and %slisted", entry,
                               destroyed ? "" : "not ", destroyed ? "not " : "");
        count += destroyed;
    }
    return count == want || found_wrong(ret, "keys", "%zu are destroyed, not %zu", count, want);
}

/* ---- traces */

static struct {
    uint8_t bytes[NEEDLES_MAX][NEEDLE_SIZE];
    size_t lens[NEEDLES_MAX], count;
    int found; /* -1: none */
    char where[200];
} needles;

static void
needle_add(const void *bytes, size_t len)
{
    memcpy(needles.bytes[needles.count], bytes, len);
    needles.lens[needles.count++] = len;
}

/* What was copied before an erasure has what it erased, and its keys, until the operator destroys the copy. */
static bool
is_backup(const char *path)
{
    const char *name = strrchr(path, '/');

    return name != NULL && (strcmp(name, "/logs") == 0 || strcmp(name, "/safe") == 0);
}

static int
file_search(const char *path, const struct stat *sb, int kind, struct FTW *at)
{
    static uint8_t *bytes;
    static size_t size;
    size_t len;

    (void)at;
    if (kind == FTW_D && is_backup(path))
        return FTW_SKIP_SUBTREE;
    if (kind != FTW_F || strcmp(strrchr(path, '/'), "/lock.mdb") == 0) /* closing it would end this process's locks */
        return FTW_CONTINUE;
    if (size <= (size_t)sb->st_size) {
        size = 2 * (size_t)sb->st_size + 1;
        free(bytes);
        bytes = malloc(size);
        if (bytes == NULL)
            abort();
    }
    len = file_take(path, bytes, size);
    for (size_t i = 0; i < needles.count; i++)
        if (memmem(bytes, len, needles.bytes[i], needles.lens[i]) != NULL) {
            (void)snprintf(needles.where, sizeof needles.where, "%s", strrchr(path, '/'));
            needles.found = (int)i;
            return FTW_STOP;
        }
    return FTW_CONTINUE;
}

bool
deeds_traces(const struct deeds *deeds, const struct place *place, uint64_t step, struct finding *ret)
{
    static struct keys_file keys;
    int rc;

    keys_take(place, &keys);
    needles.count = 0;
    needle_add(DEEDS_MARK, strlen(DEEDS_MARK));
    for (unsigned d = 0; d < DOSSIERS_MAX; d++) {
        uint8_t id[16];
        char id_text[37];

        if ((deeds->at[step].gone >> d & 1) == 0)
            continue;
        deed_dossier_id(deeds, d, id);
        uuid_format(id, id_text);
        needle_add(id, sizeof id);
        needle_add(id_text, strlen(id_text));
    }
    for (uint32_t entry = 1; entry < BOUNDS_KEYS; entry++)
        if (is_erased(&keys, entry) && !is_erased(&made, entry))
            needle_add(entry_in(&made, entry) + AT_SEALED, SEALED_SIZE);
    needles.found = -1;
    rc = nftw(place->dir, file_search, 16, FTW_PHYS | FTW_ACTIONRETVAL);
    return rc == 0 || found_wrong(ret, "traces", "%s holds %s", needles.where,
                                  needles.found < 0    ? "what cannot be read"
                                  : needles.found == 0 ? "a text"
                                                       : "a dossier's id, or a key that was destroyed");
}
