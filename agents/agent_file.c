/*
 * agent_file - see agent_file.h
 *
 * Each function does one step on the disk and then calls agent_step, so that a test can end the program between any
 * two of them.
 */
#include "agents/agent_file.h"
#include "proto/language.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TMP_SUFFIX ".tmp"

void (*agent_step)(void);

static void
step(void)
{
    if (agent_step != NULL)
        agent_step();
}

void
agent_log(enum agent_level level, const char *format, ...)
{
    int saved = errno;
    char line[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, _(format), args);
    va_end(args);
    if (getenv("JOURNAL_STREAM") != NULL) /* systemd's journal takes the level off; people would only wonder */
        fprintf(stderr, "<%d>", (int)level);
    fprintf(stderr, "wici-agent: %s\n", line);
    errno = saved;
}

/* ---- folders */

/* All but the first lie in one that stands before them. */
#define AT(member) offsetof(struct agent_dirs, member)
static const struct {
    size_t at, above;
    const char *name;
} folders[] = {
    {AT(outbox), AT(top), "outbox"},
    {AT(sent), AT(top), "sent"},
    {AT(rejected), AT(top), "rejected"},
    {AT(inbox), AT(top), "inbox"},
    {AT(erased), AT(top), "erased"},
    {AT(state), AT(top), "state"},
    {AT(out), AT(state), "out"},
    {AT(in), AT(state), "in"},
    {AT(history), AT(state), "history"},
    {AT(track), AT(state), "track"},
    {AT(documents), AT(state), "documents"},
    {AT(receipts), AT(state), "receipts"},
    {AT(erasures), AT(state), "erasures"},
};
#define FOLDERS (sizeof folders / sizeof folders[0])

static int *
folder_fd(struct agent_dirs *dirs, size_t at)
{
    return (int *)(void *)((char *)dirs + at);
}

static int
folder_open(int *ret, int at, const char *name, dev_t *dev)
{
    struct stat st;
    int fd;

    if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (*ret >= 0)
        close(*ret);
    *ret = fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (*dev == 0)
        *dev = st.st_dev;
    return st.st_dev == *dev ? 0 : -EXDEV; /* a rename must be able to cross */
}

int
agent_dirs_open(struct agent_dirs *ret, const char *dir)
{
    struct agent_dirs d = AGENT_DIRS_CLOSED;
    dev_t dev = 0;
    int rc;

    assert(ret != NULL && dir != NULL);

    rc = folder_open(&d.top, AT_FDCWD, dir, &dev);
    for (size_t i = 0; rc == 0 && i < FOLDERS; i++)
        rc = folder_open(folder_fd(&d, folders[i].at), *folder_fd(&d, folders[i].above), folders[i].name, &dev);
    if (rc == 0 && mkdirat(d.state, "keep", 0700) < 0 && errno != EEXIST)
        rc = -errno; /* the client's own */
    if (rc != 0) {
        agent_dirs_close(&d);
        return rc;
    }
    *ret = d;
    return 0;
}

/* Is it the folder that is missing, and not the file? Network shares say ESTALE of one that was removed. */
static bool
is_gone(int error)
{
    return error == ENOENT || error == ESTALE;
}

/* Is the open folder the one that has the name? 1; 0; or -errno: the disk does not say. */
static int
folder_is(int fd, int above, const char *name)
{
    struct stat open, named;

    if (fstat(fd, &open) < 0 || fstatat(above, name, &named, 0) < 0)
        return is_gone(errno) ? 0 : -errno;
    return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

int
agent_dirs_renew(struct agent_dirs *dirs)
{
    struct stat st;
    int rc, renewed = 0;

    if (fstat(dirs->top, &st) < 0)
        return -errno;
    rc = folder_is(dirs->state, dirs->top, "state");
    if (rc != 1)
        return rc == 0 ? -EIDRM : rc;
    for (size_t i = 0; rc >= 0 && i < FOLDERS; i++) {
        int above = *folder_fd(dirs, folders[i].above), *fd = folder_fd(dirs, folders[i].at);

        rc = folder_is(*fd, above, folders[i].name);
        if (rc == 0) {
            rc = folder_open(fd, above, folders[i].name, &st.st_dev);
            renewed = 1;
        }
    }
    return rc < 0 ? rc : renewed;
}

int
agent_dirs_lock(struct agent_dirs *dirs)
{
    int fd = openat(dirs->state, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;

        close(fd);
        return rc;
    }
    dirs->lock = fd;
    return 0;
}

static void
fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void
agent_dirs_close(struct agent_dirs *dirs)
{
    for (size_t i = 0; i < FOLDERS; i++)
        fd_close(folder_fd(dirs, folders[i].at));
    fd_close(&dirs->top);
    fd_close(&dirs->lock);
}

/* ---- files */

bool
agent_has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), tail = strlen(suffix);

    return len >= tail && strcasecmp(name + len - tail, suffix) == 0;
}

static int
write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int
agent_stage(int dir, const char *name, const void *data, size_t len)
{
    char tmp[NAME_MAX + 1];
    int fd, rc, n;

    assert(name != NULL && (data != NULL || len == 0));

    n = snprintf(tmp, sizeof tmp, ".%s" TMP_SUFFIX, name);
    if (n < 0 || (size_t)n >= sizeof tmp)
        return -ENAMETOOLONG;
    fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return is_gone(errno) ? -ERESTART : -errno; /* only a folder that was removed is no place for a new file */
    rc = write_all(fd, data, len);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    step();
    if (rc == 0 && renameat(dir, tmp, dir, name) < 0)
        rc = is_gone(errno) ? -ERESTART : -errno;
    if (rc != 0)
        (void)unlinkat(dir, tmp, 0);
    step();
    return rc;
}

int
agent_sync(int dir)
{
    int rc = fsync(dir) < 0 ? -errno : 0;

    step();
    return rc;
}

int
agent_write(int dir, const char *name, const void *data, size_t len)
{
    int rc = agent_stage(dir, name, data, len);

    return rc != 0 ? rc : agent_sync(dir);
}

int
agent_move(int from, const char *name, int to, const char *new_name)
{
    int rc = renameat2(from, name, to, new_name, RENAME_NOREPLACE) < 0 ? -errno : 0;

    /* Some file systems (network shares) lack RENAME_NOREPLACE; only the office's own people could race us here. */
    if (rc == -EINVAL || rc == -ENOSYS) {
        if (agent_exists(to, new_name))
            rc = agent_exists(from, name) ? -EEXIST : -ENOENT;
        else
            rc = renameat(from, name, to, new_name) < 0 ? -errno : 0;
    }
    if (rc == -ESTALE || (rc == -ENOENT && agent_exists(from, name)))
        rc = -ERESTART;
    step();
    return rc;
}

int
agent_remove(int dir, const char *name)
{
    int rc = unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;

    step();
    return rc;
}

bool
agent_exists(int dir, const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int
agent_read(int dir, const char *name, size_t max, char **ret, size_t *ret_len)
{
    struct stat st;
    char *text = NULL;
    size_t len = 0;
    int rc = 0;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        rc = -errno;
    else if (!S_ISREG(st.st_mode))
        rc = -EINVAL;
    else if (st.st_size < 0 || (uint64_t)st.st_size > max)
        rc = -EFBIG;
    if (rc != 0)
        goto out;
    text = malloc((size_t)st.st_size + 1);
    if (text == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    while (len < (size_t)st.st_size) {
        ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = -errno;
            goto out;
        }
        if (n == 0)
            break; /* it shrank: whoever reads it sees the end */
        len += (size_t)n;
    }
    text[len] = '\0';
    *ret = text;
    if (ret_len != NULL)
        *ret_len = len;
    text = NULL;
out:
    free(text);
    close(fd);
    return rc;
}

int
agent_room(int dir)
{
    char *zeros = calloc(1, AGENT_ROOM_MIN);
    int rc = zeros == NULL ? -ENOMEM : agent_stage(dir, "room", zeros, AGENT_ROOM_MIN);

    free(zeros);
    return rc == 0 ? agent_remove(dir, "room") : rc;
}

json_t *
agent_read_json(int dir, const char *name, size_t max)
{
    char *text = NULL;
    json_t *json = NULL;

    if (agent_read(dir, name, max, &text, NULL) == 0)
        json = json_loads(text, 0, NULL);
    free(text);
    return json;
}

json_t *
agent_load_json(const char *text, size_t len, json_error_t *error)
{
    size_t skip = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    return json_loadb(text + skip, len - skip, JSON_REJECT_DUPLICATES, error);
}

/* ---- lists */

static int
list_insert(struct agent_list *list, size_t max, const char *name)
{
    size_t at = list->count;
    char *copy;

    while (at > 0 && strcmp(list->names[at - 1], name) > 0)
        at--;
    if (at == max) {
        list->more = true;
        return 0;
    }
    copy = strdup(name);
    if (copy == NULL)
        return -ENOMEM;
    if (list->count == max) {
        free(list->names[--list->count]);
        list->more = true;
    }
    memmove(list->names + at + 1, list->names + at, (list->count - at) * sizeof *list->names);
    list->names[at] = copy;
    list->count++;
    return 0;
}

bool
agent_name_any(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int
agent_list(int dir, const char *after, agent_accept_fn *accept, size_t max, struct agent_list *ret)
{
    struct agent_list list = {.names = calloc(max, sizeof *list.names)};
    struct dirent *entry;
    DIR *d = NULL;
    int fd = -1, rc = 0;

    assert(accept != NULL && max > 0);

    if (list.names == NULL)
        return -ENOMEM;
    fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        goto out;
    }
    for (errno = 0; rc == 0 && (entry = readdir(d)) != NULL; errno = 0)
        if ((after == NULL || strcmp(entry->d_name, after) > 0) && accept(entry->d_name))
            rc = list_insert(&list, max, entry->d_name);
    if (rc == 0 && errno != 0)
        rc = -errno;
out:
    if (d != NULL)
        closedir(d);
    if (rc != 0)
        agent_list_free(&list);
    else
        *ret = list;
    return rc;
}

void
agent_list_free(struct agent_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct agent_list){0};
}

static bool
is_leftover(const char *name)
{
    return name[0] == '.' && agent_has_suffix(name, TMP_SUFFIX);
}

int
agent_sweep(int dir)
{
    struct agent_list list;
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        rc = agent_list(dir, NULL, is_leftover, 256, &list);
        if (rc != 0)
            return rc;
        for (size_t i = 0; rc == 0 && i < list.count; i++)
            rc = agent_remove(dir, list.names[i]);
        more = list.more;
        agent_list_free(&list);
    }
    return rc;
}
