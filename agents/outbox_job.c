/*
 * outbox_job - see outbox_job.h
 */
#include "agents/outbox_job.h"

#include "agents/agent_explain.h"
#include "agents/outbox_event.h"
#include "agents/outbox_files.h"
#include "agents/outbox_receipt.h"
#include "agents/receipt_file.h"
#include "proto/errors.h"
#include "wici/v1/event.pb-c.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENT_MAX  (256u << 10) /* bytes of an encoded event we may find again */
#define ANSWER_MAX (2u << 20)
#define FILES_MS   (12u * 3600 * 1000) /* files sent longer ago are sent again: the broker keeps them for a day */
#define RETRY_MS   5000u               /* pause after "later, please" */

struct job *
job_new(struct job_shared *shared, uint64_t number)
{
    struct job *job = calloc(1, sizeof *job);

    if (job != NULL)
        *job = (struct job){.shared = shared, .state = JOB_TAKEN, .number = number};
    return job;
}

void
job_free(struct job *job)
{
    json_decref(job->answer);
    free(job);
}

/* ---- names */

static void
original_name(const struct job *job, char ret[NAME_MAX + 1])
{
    (void)snprintf(ret, NAME_MAX + 1, "%012llu-%s", (unsigned long long)job->number, job->name);
}

static void
event_name(const struct job *job, char ret[NAME_MAX + 1])
{
    (void)snprintf(ret, NAME_MAX + 1, "%012llu-%s.ev", (unsigned long long)job->number, job->id);
}

static void
answer_name(const struct job *job, char ret[NAME_MAX + 1])
{
    (void)snprintf(ret, NAME_MAX + 1, "%012llu.answer", (unsigned long long)job->number);
}

/* The name to keep: cut between two characters if too long, in ASCII if it is no UTF-8, and ending in ".json", also
 * where that was in capitals: what goes beside it, and what is looked for beside that, is named after it. */
static void
name_keep(const char *name, char ret[AGENT_NAME_MAX + 1])
{
    size_t len = strlen(name) - strlen(".json");
    json_t *text;

    if (len > AGENT_NAME_MAX - strlen(".json")) {
        len = AGENT_NAME_MAX - strlen(".json");
        while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(ret, name, len);
    memcpy(ret + len, ".json", sizeof ".json");
    text = json_string(ret);
    if (text == NULL)
        for (char *c = ret; *c != '\0'; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '_';
    json_decref(text);
}

/* NAME.json -> NAME.receipt.json, NAME.txt, ... */
static void
side_name(const char *name, const char *suffix, char ret[NAME_MAX + 1])
{
    int stem = (int)strlen(name) - 5; /* every name here ends in ".json" */

    assert(stem >= 0);
    (void)snprintf(ret, NAME_MAX + 1, "%.*s%s", stem, name, suffix);
}

/* ---- the outcome */

static bool
is_sent(const json_t *answer)
{
    const char *outcome = json_string_value(json_object_get(answer, "outcome"));

    return outcome != NULL && strcmp(outcome, "sent") == 0;
}

/* Does anything lie there that goes, now or later, beside a file of that name? */
static bool
has_beside(int dir, bool sent, uint64_t epoch, const char *name)
{
    static const char *const suffixes[] = {".files", ".txt", ".receipt.json", ".receipt", ".delivery.json"};
    size_t count = sent ? sizeof suffixes / sizeof suffixes[0] : 2;
    char side[NAME_MAX + 1];

    for (size_t i = 0; i < count; i++) {
        side_name(name, suffixes[i], side);
        if (agent_exists(dir, side))
            return true;
    }
    return sent && receipt_epoch_before(dir, name, strlen(name) - strlen(".json"), epoch + 1) != 0;
}

/* A name in the folder under which neither the file nor what goes beside it exists. */
static int
target_choose(int dir, bool sent, uint64_t epoch, const char *name, char ret[NAME_MAX + 1])
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm) == NULL || strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm) == 0)
        return -EINVAL;
    for (unsigned attempt = 0; attempt < 10000; attempt++) {
        if (attempt == 0)
            (void)snprintf(ret, NAME_MAX + 1, "%s", name);
        else if (attempt == 1)
            (void)snprintf(ret, NAME_MAX + 1, "%s-%s", stamp, name);
        else
            (void)snprintf(ret, NAME_MAX + 1, "%s-%u-%s", stamp, attempt, name);
        if (!agent_exists(dir, ret) && !has_beside(dir, sent, epoch, ret))
            return 0;
    }
    return -EEXIST;
}

/* Step 4: the outcome, under the name it will have, is fixed. */
static int
answer_keep(struct job *job, json_t *answer)
{
    const struct agent_dirs *d = job->shared->o.dirs;
    bool sent = is_sent(answer);
    char name[NAME_MAX + 1], target[NAME_MAX + 1];
    char *text = NULL;
    int rc = target_choose(sent ? d->sent : d->rejected, sent, job->shared->o.who->epoch, job->name, target);

    if (rc == 0 && json_object_set_new(answer, "name", json_string(target)) < 0)
        rc = -ENOMEM;
    if (rc == 0 && (text = json_dumps(answer, JSON_COMPACT)) == NULL)
        rc = -ENOMEM;
    answer_name(job, name);
    if (rc == 0)
        rc = agent_write(d->out, name, text, strlen(text));
    free(text);
    return rc;
}

/* The outcome "rejected"; NULL: no memory. */
static json_t *
answer_of_refusal(const struct job *job, const struct agent_refusal *why)
{
    json_t *answer = NULL;
    char *text = NULL;

    if (agent_explain(why, job->shared->o.config->role.polish, &text) == 0)
        answer = json_pack("{s:s, s:s}", "outcome", "rejected", "text", text);
    if (answer != NULL)
        agent_log(AGENT_WARN, "outbox: file %llu refused: %s %s", (unsigned long long)job->number, why->code,
                  job->id[0] != '\0' ? job->id : "(not encoded)");
    free(text);
    return answer;
}

static json_t *
answer_of_receipt(const struct job *job, const struct wici_answer *a)
{
    json_t *receipt = json_loads(a->receipt_json != NULL ? a->receipt_json : "{}", 0, NULL);
    json_t *answer = NULL;
    char *text = NULL;

    if (json_is_object(receipt) && json_object_set_new(receipt, "eventId", json_string(job->id)) == 0)
        text = json_dumps(receipt, JSON_INDENT(2));
    if (text != NULL)
        answer = json_pack("{s:s, s:s, s:s, s:I, s:I}", "outcome", "sent", "text", text, "id", job->id, "seq",
                           (json_int_t)a->seq, "epoch", (json_int_t)job->shared->o.who->epoch);
    free(text);
    json_decref(receipt);
    return answer;
}

static void
take_answer(void *arg, const struct wici_answer *a)
{
    struct job *job = arg;
    struct agent_refusal why;

    if (job->state != JOB_SENDING)
        return;
    job->state = JOB_ENCODED;
    job->retry_ms = job->shared->now_ms + RETRY_MS;
    if (a->refusal == NULL) {
        job->answer = answer_of_receipt(job, a);
    } else {
        agent_explain_make(&why, a->refusal->code != NULL ? a->refusal->code : "E_INTERNAL",
                           a->refusal->path != NULL ? a->refusal->path : "",
                           a->refusal->pl != NULL ? a->refusal->pl : "", a->refusal->en != NULL ? a->refusal->en : "");
        if (error_client(error_by_name(why.code)) == CLIENT_WAIT) {
            agent_log(AGENT_WARN, "outbox: %s: the broker says later: %s", job->id, why.code);
            return;
        }
        job->answer = answer_of_refusal(job, &why);
    }
    /* Without memory for the answer the event is simply published again: the broker gives the same one. */
    if (job->answer != NULL)
        job->state = JOB_DONE;
}

/* ---- the steps */

static int
job_reject(struct job *job, const struct agent_refusal *why)
{
    job->answer = answer_of_refusal(job, why);
    if (job->answer == NULL)
        return -ENOMEM;
    job->state = JOB_DONE;
    return 0;
}

int
job_take(struct job *job, const char *name)
{
    const struct agent_dirs *d = job->shared->o.dirs;
    struct agent_refusal why;
    char moved[NAME_MAX + 1];
    int fd, rc;

    name_keep(name, job->name);
    original_name(job, moved);
    fd = openat(d->outbox, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) { /* its writer may not have done so; without read permission it will be refused anyway */
        rc = fsync(fd) < 0 ? -errno : 0;
        close(fd);
        if (rc != 0)
            return rc;
    }
    rc = agent_move(d->outbox, name, d->out, moved);
    if (rc == 0)
        rc = files_take(d, name, job->number, &why); /* under the name as it is: what we keep may be another */
    if (rc == -EPROTO)
        rc = 0; /* said when it is encoded */
    if (rc == 0)
        rc = agent_sync(d->out);
    if (rc == 0)
        rc = agent_sync(d->outbox);
    return rc;
}

int
job_encode(struct job *job)
{
    const struct outbox_options *o = &job->shared->o;
    struct agent_refusal why = {0};
    char name[NAME_MAX + 1];
    char *filled = NULL;
    json_t *event = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc;

    original_name(job, name);
    rc = files_take(o->dirs, job->name, job->number, &why);
    if (rc == 0)
        rc = event_read(o->dirs->out, name, &event, &why);
    if (rc == 0)
        rc = event_fill(o, event);
    if (rc == 0)
        rc = files_fill(o->dirs, job->number, event, &why);
    if (rc == 0 && (filled = json_dumps(event, JSON_COMPACT)) == NULL)
        rc = -ENOMEM;
    if (rc == 0)
        rc = o->link->encode(o->link->arg, filled, &bytes, &len, &why);
    if (rc == -ENOMEM || rc == -E2BIG || rc == -EMSGSIZE) {
        agent_explain_make(&why, "E_SIZE", "", error_text(E_SIZE, true), error_text(E_SIZE, false));
        rc = -EPROTO;
    }
    if (rc == 0)
        rc = event_facts(bytes, len, job->id, NULL);
    if (rc == -EPROTO || rc == -EBADMSG) {
        if (why.code[0] == '\0')
            agent_explain_make(&why, "E_FIELD", "header.eventId", error_text(E_FIELD, true),
                               error_text(E_FIELD, false));
        rc = job_reject(job, &why);
        goto out;
    }
    if (rc == 0) {
        event_name(job, name);
        rc = agent_write(o->dirs->out, name, bytes, len);
    }
    if (rc == 0)
        job->state = JOB_ENCODED;
out:
    free(filled);
    free(bytes);
    json_decref(event);
    return rc;
}

/* Sends the files beside the event. 1: they are sent; 0: later, or the event is refused. */
static int
job_files(struct job *job, const uint8_t *bytes, size_t len)
{
    const struct outbox_options *o = &job->shared->o;
    struct agent_refusal why = {0};
    int rc;

    if (job->files_ms != 0 && job->shared->now_ms - job->files_ms < FILES_MS)
        return 1;
    rc = files_send(o->dirs, o->link, job->number, bytes, len, &why);
    if (rc == 0) {
        job->files_ms = job->shared->now_ms + 1;
        return 1;
    }
    if (rc == -EPROTO && error_client(error_by_name(why.code)) != CLIENT_WAIT)
        return job_reject(job, &why);
    if (rc == -EPROTO)
        agent_log(AGENT_WARN, "outbox: %s: the broker says later: %s", job->id, why.code);
    job->retry_ms = job->shared->now_ms + RETRY_MS;
    return rc == -EPROTO || rc == -EAGAIN ? 0 : rc;
}

int
job_publish(struct job *job)
{
    const struct outbox_options *o = &job->shared->o;
    struct agent_refusal why;
    char name[NAME_MAX + 1];
    char *bytes = NULL;
    size_t len = 0;
    int rc;

    event_name(job, name);
    rc = agent_read(o->dirs->out, name, EVENT_MAX, &bytes, &len);
    if (rc != 0)
        return rc;
    rc = job_files(job, (const uint8_t *)bytes, len);
    if (rc != 1) {
        free(bytes);
        return rc;
    }
    job->state = JOB_SENDING; /* before: the answer may come from within the call */
    rc = o->link->publish(o->link->arg, (const uint8_t *)bytes, len, take_answer, job);
    free(bytes);
    if (rc == 0)
        return 0;
    job->state = JOB_ENCODED;
    if ((rc == -ENOSPC || rc == -EDQUOT) && agent_room(o->dirs->state) != 0)
        return rc; /* the disk, and not the client's own bound */
    if (rc == -EMSGSIZE || rc == -EINVAL || rc == -EBADMSG) {
        enum error_code code = rc == -EMSGSIZE ? E_SIZE : E_DECODE;

        agent_explain_make(&why, error_name(code), "", error_text(code, true), error_text(code, false));
        return job_reject(job, &why);
    }
    return rc == -EAGAIN || rc == -ENOSPC || rc == -EDQUOT ? 0 : rc; /* no room now: the next round tries again */
}

/* Remembers that the proof is to be fetched; outbox_receipt.c does. */
static int
job_proof(const struct job *job, const char *target)
{
    const char *receipt = json_string_value(json_object_get(job->answer, "text"));
    struct receipt_expected expected = {.event_id = job->id, .file = target, .receipt = receipt};
    char name[NAME_MAX + 1], side[NAME_MAX + 1], *bytes = NULL;
    int rc;

    event_name(job, name);
    rc = agent_read(job->shared->o.dirs->out, name, EVENT_MAX, &bytes, &expected.len);
    if (rc != 0 || receipt == NULL)
        goto out;
    side_name(target, ".receipt", side);
    expected.event = (const uint8_t *)bytes;
    expected.side = side;
    expected.epoch = (uint64_t)json_integer_value(json_object_get(job->answer, "epoch"));
    expected.seq = (uint64_t)json_integer_value(json_object_get(job->answer, "seq"));
    rc = receipts_expect(job->shared->o.dirs, &expected);
out:
    free(bytes);
    return rc;
}

/* Remembers that somebody is to fetch this event; outbox_delivery.c asks about it. */
static int
job_track(const struct job *job, const char *target)
{
    const struct agent_dirs *d = job->shared->o.dirs;
    const struct agent_link *link = job->shared->o.link;
    char name[NAME_MAX + 1], side[NAME_MAX + 1];
    char *bytes = NULL, *text = NULL;
    bool addressed = false;
    size_t len;
    json_t *track;
    int rc;

    event_name(job, name);
    rc = agent_read(d->out, name, EVENT_MAX, &bytes, &len);
    if (rc == 0)
        rc = event_facts((const uint8_t *)bytes, len, NULL, &addressed);
    free(bytes);
    if (rc != 0 || !addressed)
        return rc;
    side_name(target, ".delivery.json", side);
    track = json_pack("{s:s, s:s, s:I}", "file", target, "delivery", side, "sentAt",
                      (json_int_t)(link->time_ms(link->arg) / 1000u));
    text = track == NULL ? NULL : json_dumps(track, JSON_COMPACT);
    (void)snprintf(name, sizeof name, "%s.json", job->id);
    rc = text == NULL ? -ENOMEM : agent_write(d->track, name, text, strlen(text));
    free(text);
    json_decref(track);
    return rc;
}

static int
job_clear(struct job *job)
{
    const struct agent_dirs *d = job->shared->o.dirs;
    char name[NAME_MAX + 1];
    int rc = 0;

    /* The answer goes last: as long as it is there, the next start knows that this is finished. */
    if (job->id[0] != '\0') {
        event_name(job, name);
        rc = agent_remove(d->out, name);
        if (rc == 0)
            rc = agent_sync(d->out);
    }
    answer_name(job, name);
    if (rc == 0)
        rc = agent_remove(d->out, name);
    json_decref(job->answer);
    job->answer = NULL;
    job->state = JOB_NONE;
    return rc;
}

/* The original moves last of what people see, so that whoever finds it finds its receipt too. */
int
job_finish(struct job *job)
{
    const struct agent_dirs *d = job->shared->o.dirs;
    bool sent = is_sent(job->answer);
    int dir = sent ? d->sent : d->rejected;
    const char *target = json_string_value(json_object_get(job->answer, "name"));
    const char *text = json_string_value(json_object_get(job->answer, "text"));
    char name[NAME_MAX + 1], side[NAME_MAX + 1];
    int rc = -EEXIST;

    original_name(job, name);
    if (target == NULL) { /* fresh from the broker */
        rc = answer_keep(job, job->answer);
        if (rc != 0)
            return rc;
    } else if (job->name[0] == '\0') {
        return job_clear(job); /* moved before the crash */
    }
    for (unsigned attempt = 0; attempt < 8; attempt++) {
        target = json_string_value(json_object_get(job->answer, "name"));
        if (target == NULL || text == NULL || strlen(target) <= 5)
            return -EBADMSG;
        side_name(target, sent ? ".receipt.json" : ".txt", side);
        rc = sent ? job_track(job, target) : 0;
        if (rc == 0 && sent)
            rc = job_proof(job, target);
        if (rc == 0)
            rc = agent_write(dir, side, text, strlen(text));
        if (rc == 0)
            rc = files_finish(d, job->number, dir, target);
        if (rc == 0)
            rc = agent_move(d->out, name, dir, target);
        if (rc != -EEXIST)
            break;
        /* Somebody put a file of that name there in the meantime. */
        rc = files_return(d, job->number, dir, target);
        if (rc == 0)
            rc = answer_keep(job, job->answer);
        if (rc != 0)
            return rc;
        text = json_string_value(json_object_get(job->answer, "text"));
    }
    if (rc == -ENOENT)
        rc = 0;
    if (rc == 0)
        rc = agent_sync(dir);
    if (rc == 0)
        rc = agent_sync(d->out);
    if (rc != 0)
        return rc;
    if (sent)
        agent_log(AGENT_INFO, "outbox: sent %s seq=%lld", job->id,
                  (long long)json_integer_value(json_object_get(job->answer, "seq")));
    else
        job->shared->rejected++;
    return job_clear(job);
}

/* ---- after a restart */

int
job_number(const char *name, uint64_t *ret)
{
    unsigned long long number = 0;
    int used = 0;

    if (sscanf(name, "%12llu%n", &number, &used) != 1 || used != 12 || (name[12] != '-' && name[12] != '.'))
        return -EBADMSG;
    *ret = number;
    return 0;
}

int
job_recover(struct job *job, const char *name)
{
    const char *rest = name + 13; /* behind the number */
    char *text = NULL;
    size_t len;

    if (strcmp(name + 12, ".files") == 0)
        return 0;
    if (name[12] == '.') {
        int rc = agent_read(job->shared->o.dirs->out, name, ANSWER_MAX, &text, &len);

        if (rc != 0)
            return rc;
        job->answer = json_loadb(text, len, 0, NULL);
        free(text);
        if (!json_is_object(job->answer))
            return -EBADMSG;
    } else if (strlen(rest) == 39 && strcmp(rest + 36, ".ev") == 0) {
        memcpy(job->id, rest, 36);
        job->id[36] = '\0';
    } else if (strlen(rest) <= AGENT_NAME_MAX && strlen(rest) > 5) {
        (void)snprintf(job->name, sizeof job->name, "%s", rest);
    } else {
        return -EBADMSG;
    }
    return 0;
}

int
job_resume(struct job *job)
{
    if (job->answer != NULL)
        job->state = JOB_DONE;
    else if (job->name[0] == '\0')
        return job_clear(job); /* finished: only the removal of the bytes was lost */
    else if (job->id[0] != '\0')
        job->state = JOB_ENCODED;
    return 0;
}
