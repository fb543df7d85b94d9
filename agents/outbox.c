/*
 * outbox - see outbox.h
 */
#include "agents/outbox.h"

#include "agents/outbox_job.h"
#include "agents/outbox_look.h"
#include "agents/outbox_odd.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct outbox {
    struct odd *odd;
    struct job_shared shared;
    struct job *jobs[OUTBOX_JOBS_MAX]; /* the first `count`, in order of their numbers */
    size_t count;
    uint64_t next_number;
    bool barred; /* files may not be moved out of outbox: told */
    struct looks *looks;
};

/* ---- the jobs */

static struct job *
job_add(struct outbox *box, uint64_t number)
{
    struct job *job = job_new(&box->shared, number);

    assert(box->count < OUTBOX_JOBS_MAX);
    if (job == NULL)
        return NULL;
    box->jobs[box->count++] = job;
    box->next_number = number + 1;
    return job;
}

static int
take(struct outbox *box, const char *name)
{
    struct job *job = job_add(box, box->next_number);
    int rc = job == NULL ? -ENOMEM : job_take(job, name);

    if (rc != 0 && job != NULL) {
        box->count--;
        job_free(job);
    }
    return rc == -ENOENT ? 0 : rc; /* its owner took it back */
}

static int
jobs_run(struct outbox *box)
{
    bool full = false;
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < box->count; i++) {
        struct job *job = box->jobs[i];

        if (job->state == JOB_TAKEN && box->shared.o.who->unit[0] != '\0')
            rc = job_encode(job);
        if (rc == 0 && job->state == JOB_ENCODED && !full && box->shared.now_ms >= job->retry_ms) {
            rc = job_publish(job);
            full = job->state == JOB_ENCODED; /* keep the order: nothing overtakes one that did not fit */
        } else if (job->state == JOB_ENCODED) {
            full = true;
        }
        if (rc == 0 && job->state == JOB_DONE)
            rc = job_finish(job);
    }
    for (size_t i = 0; i < box->count; i++) {
        if (box->jobs[i]->state == JOB_NONE)
            job_free(box->jobs[i]);
        else
            box->jobs[kept++] = box->jobs[i];
    }
    box->count = kept;
    return rc;
}

int
outbox_run(struct outbox *box, uint64_t now_ms)
{
    const struct outbox_options *o = &box->shared.o;
    size_t window = o->config->window < OUTBOX_JOBS_MAX ? (size_t)o->config->window : OUTBOX_JOBS_MAX;
    const char *name;
    int rc;

    box->shared.now_ms = now_ms;
    rc = jobs_run(box);
    if (rc == 0 && box->count < window)
        rc = looks_update(box->looks, now_ms);
    while (rc == 0 && box->count < window && o->who->unit[0] != '\0' &&
           (name = looks_ready(box->looks, now_ms)) != NULL) {
        rc = take(box, name);
        if (rc == -EACCES || rc == -EPERM) {
            rc = 0;
            if (!box->barred)
                agent_log(AGENT_ERROR,
                          "outbox: the agent's account may not take files out of this folder; nothing of it is "
                          "sent until it may");
            box->barred = true;
            break;
        }
        box->barred = false;
        if (rc == 0)
            looks_drop(box->looks);
    }
    if (rc == 0)
        rc = jobs_run(box);
    return rc == 0 ? odd_run(box->odd, now_ms) : rc;
}

/* ---- after a restart */

/* Sorts one file of state/out to its job. Names come in byte order, so those of one number stand together. */
static int
file_recover(struct outbox *box, const char *name)
{
    struct job *job = box->count > 0 ? box->jobs[box->count - 1] : NULL;
    uint64_t number = 0;
    int rc = job_number(name, &number);

    if (rc != 0)
        return rc;
    if (job == NULL || job->number != number) {
        if (box->count == OUTBOX_JOBS_MAX)
            return -E2BIG;
        job = job_add(box, number);
        if (job == NULL)
            return -ENOMEM;
    }
    return job_recover(job, name);
}

static bool
name_is_any(const char *name)
{
    return name[0] != '.';
}

int
outbox_open(struct outbox **ret, const struct outbox_options *options)
{
    struct outbox *box = calloc(1, sizeof *box);
    struct agent_list list = {0};
    int rc;

    assert(ret != NULL && options != NULL);

    if (box == NULL)
        return -ENOMEM;
    box->shared.o = *options;
    box->next_number = 1;
    rc = looks_open(&box->looks, options->dirs->outbox, options->config);
    if (rc == 0)
        rc = odd_open(&box->odd, options->dirs, options->config);
    if (rc == 0)
        rc = agent_sweep(options->dirs->out);
    if (rc == 0)
        rc = agent_sweep(options->dirs->sent);
    if (rc == 0)
        rc = agent_sweep(options->dirs->rejected);
    if (rc == 0)
        rc = agent_sweep(options->dirs->track);
    if (rc == 0)
        rc = agent_sweep(options->dirs->receipts);
    if (rc == 0)
        rc = agent_list(options->dirs->out, NULL, name_is_any, (size_t)OUTBOX_JOBS_MAX * 4, &list);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        rc = file_recover(box, list.names[i]);
        if (rc == -EBADMSG || rc == -E2BIG)
            agent_log(AGENT_ERROR, "state/out holds a file that is not the agent's: move it away");
    }
    for (size_t i = 0; rc == 0 && i < box->count; i++)
        rc = job_resume(box->jobs[i]);
    agent_list_free(&list);
    if (rc != 0)
        outbox_close(&box);
    else
        *ret = box;
    return rc;
}

void
outbox_close(struct outbox **box)
{
    if (*box == NULL)
        return;
    looks_close(&(*box)->looks);
    odd_close(&(*box)->odd);
    for (size_t i = 0; i < (*box)->count; i++)
        job_free((*box)->jobs[i]);
    free(*box);
    *box = NULL;
}

void
outbox_closed(struct outbox *box, const char *name, uint64_t now_ms)
{
    looks_closed(box->looks, name, now_ms);
}

size_t
outbox_under_way(const struct outbox *box)
{
    return box->count;
}

size_t
outbox_waiting(const struct outbox *box)
{
    return looks_count(box->looks);
}

size_t
outbox_rejected(const struct outbox *box)
{
    return box->shared.rejected;
}
