/*
 * disk - what happened to a directory, and what a power cut may leave of it
 *
 *     record_start ... calls of the program, disk_mark ... record_stop     -> struct history
 *     cut_start, cut_forward (to a moment), cut_make (one of its states)   -> a directory to recover
 *
 * The model is stricter than any file system we know:
 *   - A write counts from the end of a sync of its file that began after it, or, through an O_DSYNC descriptor, from
 * its own end. Until then each of its 512-byte sectors is there or not, on its own; sectors do not change halfway.
 *   - A file may be longer than what of it was written, with zeros or rubbish in the gaps.
 *   - A name (made, linked, renamed, removed) counts from the end of a sync of its directory. Until then each change of
 *     a name is there or not, on its own. Syncing a file does not sync its name. From one directory to another a file
 * gets its new name and loses its old one, each on its own. Lock files (lock.mdb) are shared memory: their bytes are
 * not followed, and after a cut they are zeros or rubbish.
 *
 * What a cut does is of four kinds. Tests of the test leave one out, to see which kind it is that shows a bug:
 *   - LOST: what was not synced is not there. Without it all is there that was written, as after a kill.
 *   - TORN: a write may be there in part. Without it each is there as a whole, or not at all.
 *   - REORDERED: what is there says nothing about what was written before it. Without it writes reach the disk in the
 *     order in which they were made, in all files: with one that is there all earlier ones are. So do names.
 *   - NAMES: a name may be missing. Without it each counts at once.
 *
 * Errors: what cannot go on ends the process (these are tests). Threads: one.
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include "tests/crash/trace.h"

#include <stdint.h>

#define DISK_NODES_MAX 256
#define DISK_NAME_MAX  24
#define DISK_SECTOR    512u
#define DISK_FDS_MAX   1024 /* descriptors of this process; from there on another's may be told of */

enum disk_kind { DISK_LOST = 1, DISK_TORN = 2, DISK_REORDERED = 4, DISK_NAMES = 8, DISK_ALL = 15 };

/* What cuts do; DISK_ALL but in tests of the test. */
extern unsigned disk_kinds;
/* Leaves out a kind: "lost", "torn", "reordered", "names". False: none is called that. */
bool disk_kind_leave(const char *name);

struct node {
    bool dir;
    ino_t inode; /* when it was read; 0: it came into being later */
    uint8_t *bytes;
    size_t len, cap;
};

struct entry {
    int dir, node;
    char name[DISK_NAME_MAX];
};

/* A tree of files; node 0 is the directory itself. */
struct tree {
    struct node nodes[DISK_NODES_MAX];
    struct entry entries[DISK_NODES_MAX];
    int node_count, entry_count;
};

enum event_kind {
    EVENT_WRITE,
    EVENT_WRITTEN, /* the write before it, which went through O_DSYNC, has ended */
    EVENT_SIZE,
    EVENT_SYNC,
    EVENT_ENTER,  /* name -> node */
    EVENT_RENAME, /* name -> to_name in another or the same directory */
    EVENT_LEAVE,
    EVENT_MARK
};

struct disk_event {
    enum event_kind kind;
    int node; /* the file, or the directory of the name */
    int to_node;
    int target; /* the node entered */
    char name[DISK_NAME_MAX], to_name[DISK_NAME_MAX];
    uint64_t at; /* offset, size; of a mark its value */
    size_t len, data;
    int mark;
};

struct history {
    struct tree first; /* all of it durable */
    struct disk_event *events;
    size_t count, cap;
    uint8_t *pool;
    size_t pool_len, pool_cap;
    int node_count;
};

/* A seeded source of decisions. */
struct dice {
    uint64_t state;
};
uint64_t dice_roll(struct dice *dice, uint64_t sides); /* 0 to sides - 1 */

void disk_remove(const char *dir); /* rm -rf */
/* Begins a history with what lies in dir. */
void history_read(struct history *h, const char *dir);
/* A copy of the first `count` events: a process that was killed there, its writes still in the page cache. */
void history_copy(struct history *to, const struct history *from, size_t count);
void history_free(struct history *h);
/* Makes dir as the running system sees it after all events: nothing is lost. */
void history_make(const struct history *h, const char *dir);

/* Follows what happens below dir and appends it to the history. */
void record_start(struct history *h, const char *dir);
/* Ends that. Compares the files with the history: false when something went past the recorder. */
bool record_stop(void);
/* Notes a moment; does nothing when nothing is recorded. */
void disk_mark(int mark, uint64_t value);

/* Calls that are to be left out; NULL: none. */
extern bool (*record_drop)(const struct trace_call *call);

/* A walk through the history. */
struct cut {
    const struct history *h;
    struct tree durable;
    size_t *pending; /* events that are not durable as a whole, in order */
    bool *written;   /* beside each: an O_DSYNC write that has ended */
    size_t pending_count, at;
    size_t last_write, last_name; /* behind the last event of each sort that is durable */
    uint64_t epoch;               /* raised by what makes something durable, and by marks */
};

void cut_start(struct cut *cut, const struct history *h);
void cut_forward(struct cut *cut, size_t at); /* events before `at` have happened */
/* Makes dir one of the states; returns a hash of what was decided. With dir NULL it only decides. */
uint64_t cut_make(const struct cut *cut, struct dice dice, const char *dir);
void cut_free(struct cut *cut);

#endif
