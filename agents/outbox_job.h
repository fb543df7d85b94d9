/*
 * outbox_job - one file on its way from outbox to sent or rejected
 *
 *              take            encode              publish             answer           finish
 *     (none) --------> TAKEN ----------> ENCODED ----------> SENDING ----------> DONE ----------> (none)
 *                        `--- the JSON does not fit ----------------------------^
 *                                           ^---- "later" -----'
 *
 * outbox.h says what lies on the disk after each step. Every step is there before the next begins and can be done
 * again; after a crash job_recover() takes what it finds and job_resume() says where to go on. A job holds only names
 * and an id; contents are read when a step needs them.
 *
 * Errors: 0; or -errno when the disk fails: stop. Ownership: job_free() frees a job, whose address must not change: the
 * client's answer comes to it. Threads: one.
 */
#ifndef WICI_OUTBOX_JOB_H
#define WICI_OUTBOX_JOB_H

#include "agents/agent_file.h"
#include "agents/outbox.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum job_state { JOB_NONE, JOB_TAKEN, JOB_ENCODED, JOB_SENDING, JOB_DONE };

/* What all jobs of an outbox share. */
struct job_shared {
    struct outbox_options o;
    uint64_t now_ms;
    size_t rejected;
};

struct job {
    struct job_shared *shared;
    enum job_state state;
    uint64_t number;
    char name[AGENT_NAME_MAX + 1]; /* the user's file name; "" when the original is gone already */
    char id[40];                   /* the event's id; "" before it is encoded */
    uint64_t retry_ms;             /* not before */
    uint64_t files_ms;             /* when the files beside it were sent; 0: not since the start */
    json_t *answer;                /* as in N.answer */
};

/* A job with nothing taken yet. NULL: no memory. */
struct job *job_new(struct job_shared *shared, uint64_t number);
void job_free(struct job *job);

/* Step 1: out of the users' sight, so that what is sent is what will lie in sent. -ENOENT: its owner took it back. */
int job_take(struct job *job, const char *name);
/* Step 2: the event's bytes and id are fixed before anything of it is sent. The broker's unit is known. */
int job_encode(struct job *job);
/* Step 3. Still ENCODED after it: there was no room, or the broker wants it later. Step 4 is the answer, which may come
 * from within the call. */
int job_publish(struct job *job);
/* Step 5: the file and what goes beside it lie in sent or rejected; nothing is left in state/out. */
int job_finish(struct job *job);

/* The number that a file of state/out belongs to. -EBADMSG: it is not the agent's. */
int job_number(const char *name, uint64_t *ret);
/* Takes what one file of its number in state/out says. -EBADMSG: it is not the agent's. */
int job_recover(struct job *job, const char *name);
/* Where it goes on, when all its files are known. */
int job_resume(struct job *job);

#endif
