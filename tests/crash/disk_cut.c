/* disk_cut - the states that a power cut may leave (disk.h gives the model) */
#include "tests/crash/disk_tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUBBISH 0xa5

unsigned disk_kinds = DISK_ALL;

bool
disk_kind_leave(const char *name)
{
    static const struct {
        const char *name;
        enum disk_kind kind;
    } kinds[] = {{"lost", DISK_LOST}, {"torn", DISK_TORN}, {"reordered", DISK_REORDERED}, {"names", DISK_NAMES}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0) {
            disk_kinds &= ~(unsigned)kinds[i].kind;
            return true;
        }
    return false;
}

void
cut_start(struct cut *cut, const struct history *h)
{
    memset(cut, 0, sizeof *cut);
    cut->h = h;
    tree_copy(&cut->durable, &h->first);
    cut->pending = calloc(h->count + 1, sizeof *cut->pending);
    cut->written = calloc(h->count + 1, sizeof *cut->written);
    if (cut->pending == NULL || cut->written == NULL)
        disk_give_up("calloc");
}

void
cut_free(struct cut *cut)
{
    tree_free(&cut->durable);
    free(cut->pending);
    free(cut->written);
    memset(cut, 0, sizeof *cut);
}

static bool
is_of_bytes(const struct disk_event *event)
{
    return event->kind == EVENT_WRITE || event->kind == EVENT_SIZE;
}

/* This event is durable. */
static void
last_note(struct cut *cut, size_t at)
{
    size_t *last = is_of_bytes(&cut->h->events[at]) ? &cut->last_write : &cut->last_name;

    if (*last <= at)
        *last = at + 1;
}

/* All that is pending of this file or directory becomes durable, in order. */
static void
node_sync(struct cut *cut, int node)
{
    size_t kept = 0;

    for (size_t i = 0; i < cut->pending_count; i++) {
        const struct disk_event *event = &cut->h->events[cut->pending[i]];

        if (event->node == node) {
            last_note(cut, cut->pending[i]);
            tree_bytes(&cut->durable, cut->h, event);
            tree_name(&cut->durable, event);
            continue;
        }
        cut->pending[kept] = cut->pending[i];
        cut->written[kept++] = cut->written[i];
    }
    cut->pending_count = kept;
}

void
cut_forward(struct cut *cut, size_t at)
{
    for (; cut->at < at; cut->at++) {
        const struct disk_event *event = &cut->h->events[cut->at];

        switch (event->kind) {
        case EVENT_WRITE:
        case EVENT_SIZE:
        case EVENT_ENTER:
        case EVENT_RENAME:
        case EVENT_LEAVE:
            tree_node(&cut->durable, event);
            cut->pending[cut->pending_count] = cut->at;
            cut->written[cut->pending_count++] = false;
            continue;
        case EVENT_WRITTEN:
            cut->written[cut->pending_count - 1] = true;
            last_note(cut, cut->pending[cut->pending_count - 1]);
            break;
        case EVENT_SYNC: node_sync(cut, event->node); break;
        case EVENT_MARK: break;
        }
        cut->epoch++;
    }
}

/* How a state is chosen: what is kept of each pending change. */
enum taste {
    KEEP_NONE,
    KEEP_ALL,
    KEEP_SOME,         /* each change as a whole, one half */
    KEEP_SECTORS,      /* each sector, one half */
    KEEP_MOST,         /* of each eight changes one is lost */
    KEEP_FEW,          /* of each eight one is kept */
    KEEP_LAST,         /* only the newest: everything is out of order */
    KEEP_FIRST,        /* in order, up to some change, which is torn */
    KEEP_ALL_BUT_TORN, /* all, but one is torn */
    TASTES,
    KEEP_ORDER /* without DISK_REORDERED: writes before some event, which is torn, and names before some other */
};

struct decision {
    struct dice dice;
    enum taste taste;
    size_t chosen;        /* of KEEP_FIRST and KEEP_ALL_BUT_TORN */
    size_t writes, names; /* of KEEP_ORDER: events */
    uint64_t hash;
};

static void
decision_note(struct decision *d, uint64_t value)
{
    d->hash = (d->hash ^ value) * UINT64_C(0x100000001b3);
    d->hash ^= d->hash >> 29;
}

/* Is this event there, or this sector of it? */
static bool
order_is_kept(struct decision *d, const struct cut *cut, size_t at)
{
    if (!is_of_bytes(&cut->h->events[at]))
        return at < d->names;
    return at < d->writes || (at == d->writes && dice_roll(&d->dice, 2) == 0);
}

/* Is this sector of pending change i there? */
static bool
sector_is_kept(struct decision *d, const struct cut *cut, size_t i, bool whole)
{
    switch (d->taste) {
    case KEEP_ORDER: return order_is_kept(d, cut, cut->pending[i]);
    case KEEP_NONE: return false;
    case KEEP_ALL: return true;
    case KEEP_SOME:
    case KEEP_MOST:
    case KEEP_FEW:
    case KEEP_LAST: return whole;
    case KEEP_SECTORS: return dice_roll(&d->dice, 2) == 0;
    case KEEP_FIRST: return i < d->chosen || (i == d->chosen && dice_roll(&d->dice, 2) == 0);
    case KEEP_ALL_BUT_TORN: return i != d->chosen || dice_roll(&d->dice, 2) == 0;
    case TASTES: break;
    }
    abort();
}

static bool
change_is_kept(struct decision *d, size_t i, size_t count)
{
    switch (d->taste) {
    case KEEP_SOME: return dice_roll(&d->dice, 2) == 0;
    case KEEP_MOST: return dice_roll(&d->dice, 8) != 0;
    case KEEP_FEW: return dice_roll(&d->dice, 8) == 0;
    case KEEP_LAST: return i + 1 == count;
    case KEEP_NONE:
    case KEEP_ALL:
    case KEEP_SECTORS:
    case KEEP_FIRST:
    case KEEP_ALL_BUT_TORN:
    case KEEP_ORDER:
    case TASTES: break;
    }
    return false;
}

static void
put_at(int fd, const void *bytes, size_t len, uint64_t at)
{
    if (fd >= 0 && pwrite(fd, bytes, len, (off_t)at) != (ssize_t)len)
        disk_give_up("pwrite");
}

/* Writes those sectors of a pending write that are kept. fd -1: only decides. */
static void
write_make(const struct cut *cut, struct decision *d, size_t i, int fd)
{
    const struct disk_event *event = &cut->h->events[cut->pending[i]];
    const uint8_t *bytes = cut->h->pool + event->data;
    bool whole = cut->written[i] || change_is_kept(d, i, cut->pending_count);
    bool longer = dice_roll(&d->dice, 4) == 0 && d->taste != KEEP_ORDER; /* the file got its length, not its bytes */
    bool kept = false;
    uint64_t at = event->at, end = event->at + event->len;
    struct stat sb;

    if (longer && fd >= 0 && (fstat(fd, &sb) != 0 || ((uint64_t)sb.st_size < end && ftruncate(fd, (off_t)end) != 0)))
        disk_give_up("ftruncate");
    decision_note(d, longer);
    while (at < end) {
        uint64_t stop = (at / DISK_SECTOR + 1) * DISK_SECTOR;

        stop = stop < end ? stop : end;
        if (at == event->at || (disk_kinds & DISK_TORN) != 0)
            kept = cut->written[i] || sector_is_kept(d, cut, i, whole);
        if (kept) {
            decision_note(d, at + 1);
            put_at(fd, bytes + (at - event->at), stop - at, at);
        } else if (longer && at >= cut->durable.nodes[event->node].len && dice_roll(&d->dice, 4) == 0) {
            uint8_t rubbish[DISK_SECTOR];

            memset(rubbish, RUBBISH, sizeof rubbish);
            decision_note(d, 2);
            put_at(fd, rubbish, stop - at, at);
        }
        at = stop;
    }
}

static void
locks_spoil(const struct tree *tree, struct decision *d, const int fds[DISK_NODES_MAX])
{
    bool rubbish = dice_roll(&d->dice, 2) == 0;
    uint8_t bytes[DISK_SECTOR];

    memset(bytes, RUBBISH, sizeof bytes);
    for (int i = 0; i < tree->entry_count && rubbish; i++)
        if (disk_is_lock(tree->entries[i].name))
            for (unsigned at = 0; at < 8192; at += DISK_SECTOR)
                put_at(fds[tree->entries[i].node], bytes, sizeof bytes, at);
}

/* How this state is chosen, as far as disk_kinds leaves a choice. */
static struct decision
decision_make(const struct cut *cut, struct dice dice)
{
    struct decision d = {.dice = dice, .hash = cut->epoch + 1};

    d.taste = (enum taste)dice_roll(&d.dice, TASTES);
    d.chosen = cut->pending_count > 0 ? (size_t)dice_roll(&d.dice, cut->pending_count) : 0;
    if ((disk_kinds & DISK_LOST) == 0) {
        d.taste = KEEP_ALL;
    } else if ((disk_kinds & DISK_REORDERED) == 0) {
        d.taste = KEEP_ORDER;
        d.writes = cut->pending_count > 0 && dice_roll(&d.dice, 4) != 0 ? cut->pending[d.chosen] : cut->at;
        d.names = (size_t)dice_roll(&d.dice, cut->at + 1);
        d.writes = d.writes > cut->last_write ? d.writes : cut->last_write;
        d.names = d.names > cut->last_name ? d.names : cut->last_name;
    }
    return d;
}

uint64_t
cut_make(const struct cut *cut, struct dice dice, const char *dir)
{
    struct decision d = decision_make(cut, dice);
    static struct tree tree; /* the names differ, the bytes are the durable ones' */
    int fds[DISK_NODES_MAX];

    fds_none(fds);
    tree = cut->durable;
    for (size_t i = 0; i < cut->pending_count; i++) {
        const struct disk_event *event = &cut->h->events[cut->pending[i]];

        if (is_of_bytes(event))
            continue;
        if ((disk_kinds & DISK_NAMES) == 0 || sector_is_kept(&d, cut, i, change_is_kept(&d, i, cut->pending_count))) {
            decision_note(&d, ~(uint64_t)i);
            tree_name(&tree, event);
        }
    }
    if (dir != NULL) {
        disk_remove(dir);
        tree_make(&tree, 0, dir, fds);
    }
    for (size_t i = 0; i < cut->pending_count; i++) {
        const struct disk_event *event = &cut->h->events[cut->pending[i]];
        int fd = fds[event->node];

        if (event->kind == EVENT_WRITE) {
            write_make(cut, &d, i, fd);
        } else if (event->kind == EVENT_SIZE && sector_is_kept(&d, cut, i, change_is_kept(&d, i, cut->pending_count))) {
            decision_note(&d, event->at);
            if (fd >= 0 && ftruncate(fd, (off_t)event->at) != 0)
                disk_give_up("ftruncate");
        }
    }
    if (dir != NULL) {
        locks_spoil(&tree, &d, fds);
        fds_close(fds);
    }
    return d.hash;
}
