/*
 * outbox_look - see outbox_look.h
 */
#include "agents/outbox_look.h"

#include "agents/agent_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct look {
    char *name;
    off_t size;
    struct timespec mtime;
    uint64_t since_ms; /* unchanged since */
    bool closed;       /* by its writer, and unchanged since */
};

struct looks {
    int dir;
    const struct agent_config *config;
    struct look at[OUTBOX_LOOK_MAX]; /* in the order of the names */
    size_t count;
    bool news;        /* a file came or was finished since the folder was looked through */
    uint64_t next_ms; /* when it is looked through without that */
};

int
looks_open(struct looks **ret, int dir, const struct agent_config *config)
{
    struct looks *looks = calloc(1, sizeof *looks);

    if (looks == NULL)
        return -ENOMEM;
    looks->dir = dir;
    looks->config = config;
    *ret = looks;
    return 0;
}

static bool
name_is_ours(const char *name)
{
    return name[0] != '.' && strlen(name) > 5 && agent_has_suffix(name, ".json") && !agent_has_suffix(name, "~");
}

static void
looks_clear(struct looks *looks)
{
    for (size_t i = 0; i < looks->count; i++)
        free(looks->at[i].name);
    looks->count = 0;
}

void
looks_close(struct looks **looks)
{
    if (*looks == NULL)
        return;
    looks_clear(*looks);
    free(*looks);
    *looks = NULL;
}

static struct look *
look_find(struct looks *looks, const char *name)
{
    for (size_t i = 0; i < looks->count; i++)
        if (strcmp(looks->at[i].name, name) == 0)
            return &looks->at[i];
    return NULL;
}

void
looks_closed(struct looks *looks, const char *name, uint64_t now_ms)
{
    struct look *look = look_find(looks, name);
    struct stat st;

    looks->news = true;
    if (!name_is_ours(name) || fstatat(looks->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (look == NULL) {
        if (looks->count == OUTBOX_LOOK_MAX)
            return; /* it has to wait settle_ms like any other */
        look = &looks->at[looks->count];
        *look = (struct look){.name = strdup(name), .since_ms = now_ms};
        if (look->name == NULL)
            return;
        looks->count++;
    }
    if (look->size != st.st_size || look->mtime.tv_sec != st.st_mtim.tv_sec ||
        look->mtime.tv_nsec != st.st_mtim.tv_nsec)
        look->since_ms = now_ms;
    look->size = st.st_size;
    look->mtime = st.st_mtim;
    look->closed = true;
}

/* What the file is like now; one that has changed is not finished. False: it is gone, or no file. */
static bool
look_refresh(const struct looks *looks, struct look *look, uint64_t now_ms)
{
    struct stat st;

    if (fstatat(looks->dir, look->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return false;
    if (look->size != st.st_size || look->mtime.tv_sec != st.st_mtim.tv_sec ||
        look->mtime.tv_nsec != st.st_mtim.tv_nsec) {
        look->since_ms = now_ms;
        look->closed = false;
    }
    look->size = st.st_size;
    look->mtime = st.st_mtim;
    return true;
}

/* Carries over what is known of the names that are still there. */
int
looks_update(struct looks *looks, uint64_t now_ms)
{
    struct agent_list list;
    struct look *fresh;
    size_t count = 0;
    int rc;

    if (looks->count > 0 && !looks->news && now_ms < looks->next_ms)
        return 0; /* thousands may lie there, and each that was taken would have all of them listed again */
    looks->news = false;
    looks->next_ms = now_ms + looks->config->poll_ms;
    rc = agent_list(looks->dir, NULL, name_is_ours, OUTBOX_LOOK_MAX, &list);
    if (rc != 0)
        return rc;
    fresh = calloc(OUTBOX_LOOK_MAX, sizeof *fresh);
    if (fresh == NULL) {
        agent_list_free(&list);
        return -ENOMEM;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct look *old = look_find(looks, list.names[i]), *now = &fresh[count];

        *now = old != NULL ? *old : (struct look){.since_ms = now_ms};
        now->name = list.names[i];
        if (!look_refresh(looks, now, now_ms))
            continue;
        list.names[i] = NULL;
        count++;
    }
    looks_clear(looks);
    memcpy(looks->at, fresh, count * sizeof *fresh);
    looks->count = count;
    free(fresh);
    agent_list_free(&list);
    return 0;
}

/* Somebody has it open for writing. Only a hint: not every file system knows. */
static bool
is_open_for_writing(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
        return false;
    }
    return errno == EAGAIN;
}

static bool
is_finished(const struct looks *looks, const struct look *look, uint64_t now_ms)
{
    uint64_t unchanged_ms = now_ms - look->since_ms;
    char *text = NULL;
    size_t len = 0;
    json_error_t error;
    json_t *event;
    bool open_by_writer = false;
    int fd, rc;

    if (!look->closed && unchanged_ms < looks->config->settle_ms)
        return false;
    if (unchanged_ms >= looks->config->half_ms)
        return true; /* whatever it is, it gets its answer */
    fd = openat(looks->dir, look->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        open_by_writer = is_open_for_writing(fd);
        close(fd);
    }
    if (open_by_writer)
        return false;
    rc = agent_read(looks->dir, look->name, AGENT_FILE_MAX, &text, &len);
    if (rc != 0)
        return rc == -EFBIG;
    event = agent_load_json(text, len, &error);
    free(text);
    if (event == NULL && (json_error_code(&error) == json_error_premature_end_of_input ||
                          json_error_code(&error) == json_error_invalid_utf8)) /* or broken off inside a letter */
        return false;
    json_decref(event);
    return true;
}

size_t
looks_count(const struct looks *looks)
{
    return looks->count;
}

void
looks_drop(struct looks *looks)
{
    assert(looks->count > 0);
    free(looks->at[0].name);
    looks->count--;
    memmove(looks->at, looks->at + 1, looks->count * sizeof looks->at[0]);
}

const char *
looks_ready(struct looks *looks, uint64_t now_ms)
{
    while (looks->count > 0 && !look_refresh(looks, &looks->at[0], now_ms))
        looks_drop(looks); /* its owner took it back */
    return looks->count > 0 && is_finished(looks, &looks->at[0], now_ms) ? looks->at[0].name : NULL;
}
