/* disk - trees of files, and the recorder (disk.h gives the model) */
#include "tests/crash/disk_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool (*record_drop)(const struct trace_call *call);

void
disk_give_up(const char *what)
{
    perror(what);
    abort();
}

static void *
grow(void *at, size_t *cap, size_t need, size_t size)
{
    if (need > *cap) {
        *cap = need * 2 + 64;
        at = realloc(at, *cap * size);
        if (at == NULL)
            disk_give_up("realloc");
    }
    return at;
}

uint64_t
dice_roll(struct dice *dice, uint64_t sides)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % sides;
}

/* ---- trees */

bool
disk_is_lock(const char *name)
{
    return strcmp(name, "lock.mdb") == 0;
}

static struct entry *
entry_find(struct tree *tree, int dir, const char *name)
{
    for (int i = 0; i < tree->entry_count; i++)
        if (tree->entries[i].dir == dir && strcmp(tree->entries[i].name, name) == 0)
            return &tree->entries[i];
    return NULL;
}

static void
entry_put(struct tree *tree, int dir, const char *name, int node)
{
    struct entry *entry = entry_find(tree, dir, name);

    if (entry == NULL) {
        if (tree->entry_count == DISK_NODES_MAX)
            disk_give_up("too many names");
        entry = &tree->entries[tree->entry_count++];
        entry->dir = dir;
        (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    }
    entry->node = node;
}

/* Returns the node that had the name; -1: none had. */
static int
entry_drop(struct tree *tree, int dir, const char *name)
{
    struct entry *entry = entry_find(tree, dir, name);
    int node = -1;

    if (entry != NULL) {
        node = entry->node;
        *entry = tree->entries[--tree->entry_count];
    }
    return node;
}

static void
node_size(struct node *node, size_t len)
{
    node->bytes = grow(node->bytes, &node->cap, len, 1);
    if (len > node->len)
        memset(node->bytes + node->len, 0, len - node->len);
    node->len = len;
}

static void
node_write(struct node *node, size_t at, const uint8_t *bytes, size_t len)
{
    if (at + len > node->len)
        node_size(node, at + len);
    memcpy(node->bytes + at, bytes, len);
}

void
tree_free(struct tree *tree)
{
    for (int i = 0; i < DISK_NODES_MAX; i++)
        free(tree->nodes[i].bytes);
    memset(tree, 0, sizeof *tree);
}

void
tree_copy(struct tree *to, const struct tree *from)
{
    *to = *from;
    for (int i = 0; i < from->node_count; i++) {
        struct node *node = &to->nodes[i];

        *node = (struct node){.dir = from->nodes[i].dir};
        if (from->nodes[i].len > 0)
            node_write(node, 0, from->nodes[i].bytes, from->nodes[i].len);
    }
}

/* The file that another name led to already; -1: none. */
static int
inode_find(const struct tree *tree, ino_t inode)
{
    for (int i = 0; i < tree->node_count; i++)
        if (!tree->nodes[i].dir && tree->nodes[i].inode == inode)
            return i;
    return -1;
}

static void
tree_read(struct tree *tree, int dir, const char *path)
{
    struct dirent *one;
    DIR *list = opendir(path);

    if (list == NULL)
        disk_give_up(path);
    while ((one = readdir(list)) != NULL) {
        char below[PATH_MAX];
        struct node *node;
        struct stat sb;
        int twin;

        if (strcmp(one->d_name, ".") == 0 || strcmp(one->d_name, "..") == 0)
            continue;
        if (snprintf(below, sizeof below, "%s/%s", path, one->d_name) >= (int)sizeof below || stat(below, &sb) != 0 ||
            tree->node_count == DISK_NODES_MAX)
            disk_give_up(one->d_name);
        if (!S_ISDIR(sb.st_mode) && sb.st_nlink > 1 && (twin = inode_find(tree, sb.st_ino)) >= 0) {
            entry_put(tree, dir, one->d_name, twin);
            continue;
        }
        node = &tree->nodes[tree->node_count];
        node->dir = S_ISDIR(sb.st_mode);
        node->inode = sb.st_ino;
        entry_put(tree, dir, one->d_name, tree->node_count++);
        if (node->dir) {
            tree_read(tree, tree->node_count - 1, below);
        } else {
            int fd = open(below, O_RDONLY | O_CLOEXEC);

            node_size(node, (size_t)sb.st_size);
            if (fd < 0 || read(fd, node->bytes, node->len) != (ssize_t)node->len)
                disk_give_up(below);
            close(fd);
        }
    }
    closedir(list);
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag;
    return ftw->level > 0 ? remove(path) : 0;
}

void
disk_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    (void)rmdir(dir);
}

static void
node_link(int fd, const char *path)
{
    char open_file[40];

    (void)snprintf(open_file, sizeof open_file, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, open_file, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
        disk_give_up(path);
}

/* Makes the names and the bytes of a directory; fds gets an open descriptor for each file made. */
void
tree_make(struct tree *tree, int dir, const char *path, int fds[DISK_NODES_MAX])
{
    if (mkdir(path, 0700) != 0)
        disk_give_up(path);
    for (int i = 0; i < tree->entry_count; i++) {
        const struct entry *entry = &tree->entries[i];
        const struct node *node = &tree->nodes[entry->node];
        char below[PATH_MAX];

        if (entry->dir != dir)
            continue;
        (void)snprintf(below, sizeof below, "%.3000s/%s", path, entry->name);
        if (node->dir) {
            tree_make(tree, entry->node, below, fds);
            continue;
        }
        if (fds[entry->node] >= 0) { /* it has two names */
            node_link(fds[entry->node], below);
            continue;
        }
        fds[entry->node] = open(below, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fds[entry->node] < 0 || write(fds[entry->node], node->bytes, node->len) != (ssize_t)node->len)
            disk_give_up(below);
    }
}

/* ---- events */

/* Applies a change of names. What it needs may be missing: then it does nothing. */
void
tree_name(struct tree *tree, const struct disk_event *event)
{
    int node;

    switch (event->kind) {
    case EVENT_ENTER: entry_put(tree, event->node, event->name, event->target); break;
    case EVENT_LEAVE: (void)entry_drop(tree, event->node, event->name); break;
    case EVENT_RENAME:
        node = entry_drop(tree, event->node, event->name);
        if (node >= 0)
            entry_put(tree, event->to_node, event->to_name, node);
        break;
    case EVENT_WRITE:
    case EVENT_WRITTEN:
    case EVENT_SIZE:
    case EVENT_SYNC:
    case EVENT_MARK: break;
    }
}

void
tree_bytes(struct tree *tree, const struct history *h, const struct disk_event *event)
{
    if (event->kind == EVENT_WRITE)
        node_write(&tree->nodes[event->node], event->at, h->pool + event->data, event->len);
    if (event->kind == EVENT_SIZE)
        node_size(&tree->nodes[event->node], event->at);
}

/* A node that came into being in this history is empty at first. */
void
tree_node(struct tree *tree, const struct disk_event *event)
{
    if (event->kind != EVENT_ENTER || event->target < tree->node_count)
        return;
    tree->nodes[event->target] = (struct node){.dir = event->at != 0};
    tree->node_count = event->target + 1;
}

void
history_read(struct history *h, const char *dir)
{
    memset(h, 0, sizeof *h);
    h->first.nodes[0].dir = true;
    h->first.node_count = 1;
    tree_read(&h->first, 0, dir);
    h->node_count = h->first.node_count;
}

void
history_copy(struct history *to, const struct history *from, size_t count)
{
    memset(to, 0, sizeof *to);
    tree_copy(&to->first, &from->first);
    to->events = grow(NULL, &to->cap, count + 1, sizeof *to->events);
    memcpy(to->events, from->events, count * sizeof *to->events);
    to->count = count;
    to->pool = grow(NULL, &to->pool_cap, from->pool_len + 1, 1);
    memcpy(to->pool, from->pool, from->pool_len);
    to->pool_len = from->pool_len;
    to->node_count = to->first.node_count;
    for (size_t i = 0; i < count; i++)
        if (to->events[i].kind == EVENT_ENTER && to->events[i].target >= to->node_count)
            to->node_count = to->events[i].target + 1;
}

void
history_free(struct history *h)
{
    tree_free(&h->first);
    free(h->events);
    free(h->pool);
    memset(h, 0, sizeof *h);
}

/* The tree after all events, nothing lost. */
static void
history_tree(const struct history *h, struct tree *ret)
{
    tree_copy(ret, &h->first);
    for (size_t i = 0; i < h->count; i++) {
        tree_node(ret, &h->events[i]);
        tree_name(ret, &h->events[i]);
        tree_bytes(ret, h, &h->events[i]);
    }
}

void
fds_close(const int fds[DISK_NODES_MAX])
{
    for (int i = 0; i < DISK_NODES_MAX; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

void
fds_none(int fds[DISK_NODES_MAX])
{
    for (int i = 0; i < DISK_NODES_MAX; i++)
        fds[i] = -1;
}

void
history_make(const struct history *h, const char *dir)
{
    struct tree tree;
    int fds[DISK_NODES_MAX];

    fds_none(fds);
    history_tree(h, &tree);
    disk_remove(dir);
    tree_make(&tree, 0, dir, fds);
    fds_close(fds);
    tree_free(&tree);
}

/* ---- the recorder */

static struct {
    struct history *h;
    struct tree names; /* entries only */
    char dir[PATH_MAX];
    int nodes[2 * DISK_FDS_MAX]; /* of descriptors */
    bool missed;                 /* something that the model does not know */
} recorder;

static struct disk_event *
event_add(enum event_kind kind, int node)
{
    struct history *h = recorder.h;

    h->events = grow(h->events, &h->cap, h->count + 1, sizeof *h->events);
    h->events[h->count] = (struct disk_event){.kind = kind, .node = node};
    return &h->events[h->count++];
}

/* The directory a path lies in, and its last part. A path outside, or through a missing directory, is -1. */
static int
path_split(const char *path, char ret_name[DISK_NAME_MAX])
{
    const char *at = path + strlen(recorder.dir);
    int dir = 0;

    if (strncmp(path, recorder.dir, strlen(recorder.dir)) != 0 || *at != '/')
        return -1;
    for (;;) {
        struct entry *entry;
        size_t len;

        while (*at == '/')
            at++;
        len = strcspn(at, "/");
        if (len >= DISK_NAME_MAX)
            return -1;
        memcpy(ret_name, at, len);
        ret_name[len] = '\0';
        at += len;
        if (*at == '\0')
            return dir;
        entry = entry_find(&recorder.names, dir, ret_name);
        if (entry == NULL)
            return -1;
        dir = entry->node;
    }
}

static int
path_node(const char *path)
{
    char name[DISK_NAME_MAX];
    struct entry *entry;
    int dir;

    if (strcmp(path, recorder.dir) == 0)
        return 0;
    dir = path_split(path, name);
    entry = dir < 0 ? NULL : entry_find(&recorder.names, dir, name);
    return entry == NULL ? -1 : entry->node;
}

static void
name_enter(const char *path, int node, bool dir)
{
    char name[DISK_NAME_MAX];
    int parent = path_split(path, name);
    struct disk_event *event;

    if (parent < 0 || recorder.h->node_count >= DISK_NODES_MAX) {
        recorder.missed = true;
        return;
    }
    if (node < 0)
        node = recorder.h->node_count++;
    event = event_add(EVENT_ENTER, parent);
    event->target = node;
    event->at = dir;
    memcpy(event->name, name, sizeof name);
    entry_put(&recorder.names, parent, name, node);
}

static void
record_write(const struct trace_call *call)
{
    struct history *h = recorder.h;
    struct disk_event *event = event_add(EVENT_WRITE, recorder.nodes[call->fd]);

    event->at = (uint64_t)call->at;
    event->len = call->len;
    event->data = h->pool_len;
    h->pool = grow(h->pool, &h->pool_cap, h->pool_len + call->len, 1);
    for (int i = 0; i < call->iov_count; i++) {
        memcpy(h->pool + h->pool_len, call->iov[i].iov_base, call->iov[i].iov_len);
        h->pool_len += call->iov[i].iov_len;
    }
}

/* A write is under way from here on; the other calls count when they have ended. */
static bool
record_before(const struct trace_call *call)
{
    if (record_drop != NULL && record_drop(call))
        return true;
    if (call->op == TRACE_WRITE)
        record_write(call);
    return false;
}

static void
record_after(const struct trace_call *call)
{
    char name[DISK_NAME_MAX], to_name[DISK_NAME_MAX];
    struct disk_event *event;
    int dir, to_dir;

    switch (call->op) {
    case TRACE_OPEN:
        if (call->created)
            name_enter(call->path, -1, false);
        recorder.nodes[call->fd] = path_node(call->path);
        recorder.missed |= recorder.nodes[call->fd] < 0;
        break;
    case TRACE_WRITE:
        event = &recorder.h->events[recorder.h->count - 1];
        recorder.missed |= event->kind != EVENT_WRITE || event->len != call->len; /* a short write: not on our disks */
        if (call->dsync)
            event_add(EVENT_WRITTEN, event->node);
        break;
    case TRACE_TRUNCATE: event_add(EVENT_SIZE, recorder.nodes[call->fd])->at = (uint64_t)call->at; break;
    case TRACE_SYNC: event_add(EVENT_SYNC, recorder.nodes[call->fd]); break;
    case TRACE_MKDIR: name_enter(call->path, -1, true); break;
    case TRACE_LINK: name_enter(call->to, path_node(call->path), false); break;
    case TRACE_UNLINK:
        dir = path_split(call->path, name);
        recorder.missed |= dir < 0;
        event = event_add(EVENT_LEAVE, dir);
        memcpy(event->name, name, sizeof name);
        tree_name(&recorder.names, event);
        break;
    case TRACE_RENAME:
        dir = path_split(call->path, name);
        to_dir = path_split(call->to, to_name);
        recorder.missed |= dir < 0 || to_dir < 0;
        if (dir != to_dir) { /* the model: two changes, each durable with its own directory */
            name_enter(call->to, path_node(call->path), false);
            event = event_add(EVENT_LEAVE, dir);
            memcpy(event->name, name, sizeof name);
            tree_name(&recorder.names, event);
            break;
        }
        event = event_add(EVENT_RENAME, dir);
        event->to_node = to_dir;
        memcpy(event->name, name, sizeof name);
        memcpy(event->to_name, to_name, sizeof to_name);
        tree_name(&recorder.names, event);
        break;
    case TRACE_CLOSE:
    case TRACE_READ:
    case TRACE_SEND:
    case TRACE_RECEIVE: break;
    }
}

void
record_start(struct history *h, const char *dir)
{
    static struct trace_sink sink = {.before = record_before, .after = record_after};

    recorder.h = h;
    recorder.missed = false;
    (void)snprintf(recorder.dir, sizeof recorder.dir, "%s", dir);
    memset(&recorder.names, 0, sizeof recorder.names);
    memcpy(recorder.names.entries, h->first.entries, sizeof h->first.entries);
    recorder.names.entry_count = h->first.entry_count;
    for (size_t i = 0; i < h->count; i++)
        tree_name(&recorder.names, &h->events[i]);
    sink.root = recorder.dir;
    trace_sink = &sink;
}

bool
record_stop(void)
{
    static struct tree seen, there;
    bool same;

    trace_sink = NULL;
    history_tree(recorder.h, &seen);
    there.nodes[0].dir = true;
    there.node_count = 1;
    tree_read(&there, 0, recorder.dir);

    /* Names are compared from the top, so that nodes may be numbered otherwise. */
    int twin[DISK_NODES_MAX] = {0};

    same = seen.entry_count == there.entry_count;
    for (int i = 0; i < there.entry_count && same; i++) {
        const struct entry *entry = &there.entries[i]; /* tree_read: a directory stands before what is in it */
        const struct entry *mine = entry_find(&seen, twin[entry->dir], entry->name);
        const struct node *a = &there.nodes[entry->node], *b;

        same = mine != NULL;
        if (!same)
            break;
        twin[entry->node] = mine->node;
        b = &seen.nodes[mine->node];
        same = a->dir == b->dir && (a->dir || disk_is_lock(entry->name) ||
                                    (a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0)));
    }
    tree_free(&seen);
    tree_free(&there);
    recorder.h = NULL;
    return same && !recorder.missed;
}

void
disk_mark(int mark, uint64_t value)
{
    struct disk_event *event;

    if (trace_sink == NULL || recorder.h == NULL)
        return;
    event = event_add(EVENT_MARK, 0);
    event->mark = mark;
    event->at = value;
}
