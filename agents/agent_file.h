/*
 * agent_file - files that survive kill -9 and power cuts, and the folders of one agent
 *
 * A file made here is complete or not there: it is written under a name that begins with '.', synchronised, renamed,
 * and its folder synchronised. A file moved here never replaces another.
 *
 *     DIR/outbox    what the office wants to send          DIR/state/out      what is being sent
 *     DIR/sent      what the log holds, and receipts       DIR/state/in       what is being put into inbox
 *     DIR/rejected  what was refused, and why              DIR/state/history  earlier events still to be read
 *     DIR/inbox     what was received                      DIR/state/track    sent events not yet fetched by all
 *     DIR/erased    copies of what was erased since        DIR/state/erasures  notices of erasure to be carried out
 *                                                          DIR/state/documents  files of events, not in inbox yet
 *                                                          DIR/state/receipts sent events without their proof
 *
 * Errors: 0 or -errno; -ERESTART: a folder that a file was to come into was removed, so agent_dirs_renew() and begin
 * anew. Ownership: strings handed out are the caller's to free().
 * Threads: one at a time.
 */
#ifndef WICI_AGENT_FILE_H
#define WICI_AGENT_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_NAME_MAX 180u         /* bytes of a file name we keep; longer ones are cut */
#define AGENT_FILE_MAX (1u << 20)   /* bytes of a file in outbox */
#define AGENT_ROOM_MIN (256u << 10) /* bytes that have to fit on the disk for the agent to begin, after it was full */

struct agent_dirs {
    int top, outbox, sent, rejected, inbox, erased, state, out, in, history, track, documents, receipts,
        erasures; /* open folders; -1 closed */
    int lock;
};
#define AGENT_DIRS_CLOSED ((struct agent_dirs){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1})

/* Opens the folders, making those that are missing. -EXDEV: they lie on different file systems. */
int agent_dirs_open(struct agent_dirs *ret, const char *dir);
/* People tidy up: a folder that was removed is made again, and where another one has its name, that one is opened. 1:
 * so it was, and what was begun with the earlier ones has to begin anew; 0: all are as they were. -EIDRM: `state`
 * itself is gone. */
int agent_dirs_renew(struct agent_dirs *dirs);
/* One agent per folder. -EBUSY: another one runs. */
int agent_dirs_lock(struct agent_dirs *dirs);
void agent_dirs_close(struct agent_dirs *dirs);

/* Tests crash the program here: called after each step that changes the disk. NULL: nothing. */
extern void (*agent_step)(void);

/* Puts the bytes into dir/name, replacing it; without agent_sync() the name may be lost in a power cut. */
int agent_stage(int dir, const char *name, const void *data, size_t len);
int agent_sync(int dir);
/* Both of the above. */
int agent_write(int dir, const char *name, const void *data, size_t len);
/* -EEXIST: there is a file of that name already. -ENOENT: nothing to move. Not synchronised. */
int agent_move(int from, const char *name, int to, const char *new_name);
/* A missing file is no error. Not synchronised. */
int agent_remove(int dir, const char *name);
bool agent_exists(int dir, const char *name);
/* A regular file, whole, with a 0 byte behind it. -EFBIG: more than max bytes; -EINVAL: no regular file. */
int agent_read(int dir, const char *name, size_t max, char **ret, size_t *ret_len);
/* The same for a note of the agent's own, in JSON; NULL: it cannot be read, or is no JSON. The caller owns it. */
json_t *agent_read_json(int dir, const char *name, size_t max);
/* What people wrote, as JSON in which nothing stands twice; NULL: *error says why. The mark that some editors put
 * before UTF-8 is passed over. */
json_t *agent_load_json(const char *text, size_t len, json_error_t *error);
/* Is there room on the disk, by writing as much as AGENT_ROOM_MIN? 0, -ENOSPC, -EDQUOT, ... */
int agent_room(int dir);
/* Removes what a crash left half-written. */
int agent_sweep(int dir);

/* The first max names behind `after` (NULL: from the first on) that accept() likes, in byte order. */
struct agent_list {
    char **names;
    size_t count;
    bool more;
};
typedef bool agent_accept_fn(const char *name);
bool agent_name_any(const char *name); /* but "." and ".." */
int agent_list(int dir, const char *after, agent_accept_fn *accept, size_t max, struct agent_list *ret);
void agent_list_free(struct agent_list *list);

bool agent_has_suffix(const char *name, const char *suffix);

/* One line to stderr for something the operator may act on, in his language; never with a file name or a person's data.
 */
enum agent_level { AGENT_ERROR = 3, AGENT_WARN = 4, AGENT_INFO = 6 };
void agent_log(enum agent_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
