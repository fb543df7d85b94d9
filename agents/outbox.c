/*
 * outbox - see outbox.h
 *
 *              take            encode              publish             answer           finish
 *     (none) --------> TAKEN ----------> ENCODED ----------> SENDING ----------> DONE ----------> (none)
 *                        `--- the JSON does not fit ----------------------------^
 *                                           ^---- "later" -----'
 *
 * A job holds only names and an id; contents are read when a step needs them.
 */
#include "agents/outbox.h"

#include "agents/agent_explain.h"
#include "agents/outbox_files.h"
#include "agents/outbox_receipt.h"
#include "proto/errors.h"
#include "wici/v1/event.pb-c.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EVENT_MAX  (256u << 10) /* bytes of an encoded event we may find again */
#define ANSWER_MAX (2u << 20)
#define FILES_MS   (12u * 3600 * 1000) /* files sent longer ago are sent again: the broker keeps them for a day */

enum job_state { JOB_NONE, JOB_TAKEN, JOB_ENCODED, JOB_SENDING, JOB_DONE };

struct job {
    struct outbox *box;
    enum job_state state;
    uint64_t number;
    char name[AGENT_NAME_MAX + 1]; /* the user's file name; "" when the original is gone already */
    char id[40];                   /* the event's id; "" before it is encoded */
    uint64_t retry_ms;             /* not before */
    uint64_t files_ms;             /* when the files beside it were sent; 0: not since the start */
    json_t *answer;                /* as in N.answer */
};

struct look {
    char *name;
    off_t size;
    struct timespec mtime;
    uint64_t since_ms; /* unchanged since */
    bool closed;       /* by its writer, and unchanged since */
};

struct outbox {
    struct outbox_options o;
    struct job *jobs[OUTBOX_JOBS_MAX]; /* the first `count`, in order of their numbers; the client knows addresses */
    size_t count;
    uint64_t next_number;
    uint64_t now_ms;
    struct look looks[OUTBOX_LOOK_MAX];
    size_t look_count;
    size_t rejected;
};

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

/* The name to keep: cut between two characters if too long, in ASCII if it is no UTF-8, and ending in ".json". */
static void
name_keep(const char *name, char ret[AGENT_NAME_MAX + 1])
{
    size_t len = strlen(name);
    json_t *text;

    if (len > AGENT_NAME_MAX) {
        len = AGENT_NAME_MAX - 5;
        while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
            len--;
        memcpy(ret, name, len);
        memcpy(ret + len, ".json", 6);
    } else {
        memcpy(ret, name, len + 1);
    }
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

static bool
name_is_ours(const char *name)
{
    return name[0] != '.' && strlen(name) > 5 && agent_has_suffix(name, ".json") && !agent_has_suffix(name, "~");
}

static bool
name_is_any(const char *name)
{
    return name[0] != '.';
}

/* ---- the outcome */

static bool
is_sent(const json_t *answer)
{
    const char *outcome = json_string_value(json_object_get(answer, "outcome"));

    return outcome != NULL && strcmp(outcome, "sent") == 0;
}

/* A name in the folder under which neither the file nor what goes beside it exists. */
static int
target_choose(int dir, const char *suffix, const char *name, char ret[NAME_MAX + 1])
{
    char side[NAME_MAX + 1], stamp[32];
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
        side_name(ret, suffix, side);
        if (agent_exists(dir, ret) || agent_exists(dir, side))
            continue;
        side_name(ret, ".files", side);
        if (!agent_exists(dir, side))
            return 0;
    }
    return -EEXIST;
}

/* Step 4: the outcome, under the name it will have, is fixed. */
static int
answer_keep(struct job *job, json_t *answer)
{
    const struct agent_dirs *d = job->box->o.dirs;
    bool sent = is_sent(answer);
    char name[NAME_MAX + 1], target[NAME_MAX + 1];
    char *text = NULL;
    int rc = target_choose(sent ? d->sent : d->rejected, sent ? ".receipt.json" : ".txt", job->name, target);

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

    if (agent_explain(why, job->box->o.config->role.polish, &text) == 0)
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
                           (json_int_t)a->seq, "epoch", (json_int_t)job->box->o.who->epoch);
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
    job->retry_ms = job->box->now_ms + OUTBOX_RETRY_MS;
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

/* Puts in what the agent knows and the file leaves out; what the file says is never changed. */
static int
event_fill(const struct outbox *box, json_t *event)
{
    const struct agent_role *role = &box->o.config->role;
    json_t *header = json_object_get(event, "header"), *actor;
    int rc = 0;

    if (!json_is_object(header))
        return 0; /* the encoder says what is wrong with it */
    actor = json_object_get(header, "actor");
    if (actor == NULL) {
        actor = json_object();
        if (json_object_set_new(header, "actor", actor) < 0)
            return -ENOMEM;
    }
    if (!json_is_object(actor))
        return 0;
    if (json_object_get(actor, "agency") == NULL)
        rc |= json_object_set_new(actor, "agency", json_string(box->o.who->agency));
    if (json_object_get(actor, "unit") == NULL)
        rc |= json_object_set_new(actor, "unit", json_string(box->o.who->unit));
    if (json_object_get(actor, "role") == NULL)
        rc |= json_object_set_new(actor, "role", json_string(role->role));
    if (role->profession[0] != '\0' && json_object_get(actor, "profession") == NULL)
        rc |= json_object_set_new(actor, "profession", json_string(role->profession));
    return rc != 0 ? -ENOMEM : 0;
}

/* The id inside encoded bytes, and whether anybody is addressed. -EBADMSG: no event. */
static int
event_facts(const uint8_t *bytes, size_t len, char id[40], bool *ret_addressed)
{
    Wici__V1__EventDocument *event = wici__v1__event_document__unpack(NULL, len, bytes);
    int rc = -EBADMSG;

    if (event != NULL && event->header != NULL && strlen(event->header->event_id) == 36) {
        if (id != NULL)
            memcpy(id, event->header->event_id, 37);
        if (ret_addressed != NULL)
            *ret_addressed = event->header->n_to > 0;
        rc = 0;
    }
    if (event != NULL)
        wici__v1__event_document__free_unpacked(event, NULL);
    return rc;
}

/* Step 2. The event's bytes and id are fixed before anything of it is sent. */
static int
job_encode(struct job *job)
{
    const struct outbox *box = job->box;
    struct agent_refusal why = {0};
    char name[NAME_MAX + 1];
    char *text = NULL, *filled = NULL;
    json_t *event = NULL;
    json_error_t error;
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc;

    original_name(job, name);
    rc = files_take(box->o.dirs, job->name, job->number);
    if (rc == 0)
        rc = agent_read(box->o.dirs->out, name, AGENT_FILE_MAX, &text, &len);
    if (rc == -EFBIG) {
        agent_explain_make(&why, "E_SIZE", "", "Plik jest większy niż 1 MiB.", "The file is larger than 1 MiB.");
        rc = job_reject(job, &why);
        goto out;
    }
    if (rc == -EACCES || rc == -EINVAL || rc == -ELOOP) {
        agent_explain_make(&why, "E_JSON", "", "Agent nie może odczytać tego pliku (brak praw dostępu).",
                           "The agent may not read this file (its permissions).");
        rc = job_reject(job, &why);
        goto out;
    }
    if (rc != 0)
        goto out;
    event = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (event == NULL) {
        agent_explain_syntax(&error, &why);
        rc = job_reject(job, &why);
        goto out;
    }
    rc = event_fill(box, event);
    if (rc == 0)
        rc = files_fill(box->o.dirs, job->number, event, &why);
    if (rc == 0 && (filled = json_dumps(event, JSON_COMPACT)) == NULL)
        rc = -ENOMEM;
    if (rc == 0)
        rc = box->o.link->encode(box->o.link->arg, filled, &bytes, &len, &why);
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
        rc = agent_write(box->o.dirs->out, name, bytes, len);
    }
    if (rc == 0)
        job->state = JOB_ENCODED;
out:
    free(text);
    free(filled);
    free(bytes);
    json_decref(event);
    return rc;
}

/* Sends the files beside the event. 1: they are sent; 0: later, or the event is refused. */
static int
job_files(struct job *job, const uint8_t *bytes, size_t len)
{
    const struct outbox *box = job->box;
    struct agent_refusal why = {0};
    int rc;

    if (job->files_ms != 0 && box->now_ms - job->files_ms < FILES_MS)
        return 1;
    rc = files_send(box->o.dirs, box->o.link, job->number, bytes, len, &why);
    if (rc == 0) {
        job->files_ms = box->now_ms + 1;
        return 1;
    }
    if (rc == -EPROTO && error_client(error_by_name(why.code)) != CLIENT_WAIT)
        return job_reject(job, &why);
    if (rc == -EPROTO)
        agent_log(AGENT_WARN, "outbox: %s: the broker says later: %s", job->id, why.code);
    job->retry_ms = box->now_ms + OUTBOX_RETRY_MS;
    return rc == -EPROTO || rc == -EAGAIN ? 0 : rc;
}

/* Step 3. */
static int
job_publish(struct job *job)
{
    const struct outbox *box = job->box;
    struct agent_refusal why;
    char name[NAME_MAX + 1];
    char *bytes = NULL;
    size_t len = 0;
    int rc;

    event_name(job, name);
    rc = agent_read(box->o.dirs->out, name, EVENT_MAX, &bytes, &len);
    if (rc != 0)
        return rc;
    rc = job_files(job, (const uint8_t *)bytes, len);
    if (rc != 1) {
        free(bytes);
        return rc;
    }
    job->state = JOB_SENDING; /* before: the answer may come from within the call */
    rc = box->o.link->publish(box->o.link->arg, (const uint8_t *)bytes, len, take_answer, job);
    free(bytes);
    if (rc == 0)
        return 0;
    job->state = JOB_ENCODED;
    if (rc == -EMSGSIZE || rc == -EINVAL || rc == -EBADMSG) {
        enum error_code code = rc == -EMSGSIZE ? E_SIZE : E_DECODE;

        agent_explain_make(&why, error_name(code), "", error_text(code, true), error_text(code, false));
        return job_reject(job, &why);
    }
    return 0; /* the client has no room, or no connection: the next round tries again */
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
    rc = agent_read(job->box->o.dirs->out, name, EVENT_MAX, &bytes, &expected.len);
    if (rc != 0 || receipt == NULL)
        goto out;
    side_name(target, ".receipt", side);
    expected.event = (const uint8_t *)bytes;
    expected.side = side;
    expected.epoch = (uint64_t)json_integer_value(json_object_get(job->answer, "epoch"));
    expected.seq = (uint64_t)json_integer_value(json_object_get(job->answer, "seq"));
    rc = receipts_expect(job->box->o.dirs, &expected);
out:
    free(bytes);
    return rc;
}

/* Remembers that somebody is to fetch this event; delivery.c asks about it. */
static int
job_track(const struct job *job, const char *target)
{
    const struct agent_dirs *d = job->box->o.dirs;
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
    track = json_pack("{s:s, s:s, s:I}", "file", target, "delivery", side, "sentAt", (json_int_t)time(NULL));
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
    const struct agent_dirs *d = job->box->o.dirs;
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

/* Step 5. The original moves last of what people see, so that whoever finds it finds its receipt too. */
static int
job_finish(struct job *job)
{
    const struct agent_dirs *d = job->box->o.dirs;
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
        job->box->rejected++;
    return job_clear(job);
}

static int
jobs_run(struct outbox *box)
{
    bool full = false;
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < box->count; i++) {
        struct job *job = box->jobs[i];

        if (job->state == JOB_TAKEN && box->o.who->unit[0] != '\0')
            rc = job_encode(job);
        if (rc == 0 && job->state == JOB_ENCODED && !full && box->now_ms >= job->retry_ms) {
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
            free(box->jobs[i]);
        else
            box->jobs[kept++] = box->jobs[i];
    }
    box->count = kept;
    return rc;
}

/* ---- looking for finished files */

static void
looks_clear(struct outbox *box, size_t from)
{
    for (size_t i = from; i < box->look_count; i++)
        free(box->looks[i].name);
    if (box->look_count > from)
        box->look_count = from;
}

static struct look *
look_find(struct outbox *box, const char *name)
{
    for (size_t i = 0; i < box->look_count; i++)
        if (strcmp(box->looks[i].name, name) == 0)
            return &box->looks[i];
    return NULL;
}

void
outbox_closed(struct outbox *box, const char *name, uint64_t now_ms)
{
    struct look *look = look_find(box, name);
    struct stat st;

    if (!name_is_ours(name) || fstatat(box->o.dirs->outbox, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (look == NULL) {
        if (box->look_count == OUTBOX_LOOK_MAX)
            return; /* it has to wait settle_ms like any other */
        look = &box->looks[box->look_count];
        *look = (struct look){.name = strdup(name), .since_ms = now_ms};
        if (look->name == NULL)
            return;
        box->look_count++;
    }
    if (look->size != st.st_size || look->mtime.tv_sec != st.st_mtim.tv_sec ||
        look->mtime.tv_nsec != st.st_mtim.tv_nsec)
        look->since_ms = now_ms;
    look->size = st.st_size;
    look->mtime = st.st_mtim;
    look->closed = true;
}

/* Carries over what is known of the names that are still there; the table is in the order of the names. */
static int
looks_update(struct outbox *box)
{
    struct agent_list list;
    struct look *fresh;
    size_t count = 0;
    int rc = agent_list(box->o.dirs->outbox, NULL, name_is_ours, OUTBOX_LOOK_MAX, &list);

    if (rc != 0)
        return rc;
    fresh = calloc(OUTBOX_LOOK_MAX, sizeof *fresh);
    if (fresh == NULL) {
        agent_list_free(&list);
        return -ENOMEM;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct look *old = look_find(box, list.names[i]), *now = &fresh[count];
        struct stat st;

        if (fstatat(box->o.dirs->outbox, list.names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (old != NULL && old->size == st.st_size && old->mtime.tv_sec == st.st_mtim.tv_sec &&
            old->mtime.tv_nsec == st.st_mtim.tv_nsec)
            *now = *old;
        else
            *now = (struct look){.since_ms = box->now_ms};
        now->size = st.st_size;
        now->mtime = st.st_mtim;
        now->name = list.names[i];
        list.names[i] = NULL;
        count++;
    }
    looks_clear(box, 0);
    memcpy(box->looks, fresh, count * sizeof *fresh);
    box->look_count = count;
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

enum ready { READY_NO, READY_YES };

static enum ready
look_ready(const struct outbox *box, const struct look *look)
{
    uint64_t unchanged_ms = box->now_ms - look->since_ms;
    char *text = NULL;
    size_t len = 0;
    json_error_t error;
    json_t *event;
    bool open_by_writer = false;
    int fd, rc;

    if (!look->closed && unchanged_ms < box->o.config->settle_ms)
        return READY_NO;
    if (unchanged_ms >= box->o.config->half_ms)
        return READY_YES; /* whatever it is, it gets its answer */
    fd = openat(box->o.dirs->outbox, look->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        open_by_writer = is_open_for_writing(fd);
        close(fd);
    }
    if (open_by_writer)
        return READY_NO;
    rc = agent_read(box->o.dirs->outbox, look->name, AGENT_FILE_MAX, &text, &len);
    if (rc != 0)
        return rc == -EFBIG ? READY_YES : READY_NO;
    event = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (event == NULL && (json_error_code(&error) == json_error_premature_end_of_input ||
                          json_error_code(&error) == json_error_invalid_utf8)) /* or broken off inside a letter */
        return READY_NO;
    json_decref(event);
    return READY_YES;
}

static struct job *
job_add(struct outbox *box, uint64_t number)
{
    struct job *job = calloc(1, sizeof *job);

    assert(box->count < OUTBOX_JOBS_MAX);
    if (job == NULL)
        return NULL;
    *job = (struct job){.box = box, .state = JOB_TAKEN, .number = number};
    box->jobs[box->count++] = job;
    box->next_number = number + 1;
    return job;
}

/* Step 1: out of the users' sight, so that what is sent is what will lie in sent. */
static int
job_take(struct outbox *box, const char *name)
{
    const struct agent_dirs *d = box->o.dirs;
    struct job *job = job_add(box, box->next_number);
    char moved[NAME_MAX + 1];
    int fd, rc;

    if (job == NULL)
        return -ENOMEM;
    name_keep(name, job->name);
    original_name(job, moved);
    fd = openat(d->outbox, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) { /* its writer may not have done so; without read permission it will be refused anyway */
        rc = fsync(fd) < 0 ? -errno : 0;
        close(fd);
        if (rc != 0)
            goto out;
    }
    rc = agent_move(d->outbox, name, d->out, moved);
    if (rc == 0)
        rc = agent_sync(d->out);
    if (rc == 0)
        rc = agent_sync(d->outbox);
out:
    if (rc != 0) {
        box->count--;
        free(job);
    }
    return rc == -ENOENT ? 0 : rc; /* its owner took it back */
}

int
outbox_run(struct outbox *box, uint64_t now_ms)
{
    size_t window = box->o.config->window < OUTBOX_JOBS_MAX ? (size_t)box->o.config->window : OUTBOX_JOBS_MAX;
    size_t taken = 0;
    int rc;

    assert(box != NULL);

    box->now_ms = now_ms;
    rc = jobs_run(box);
    if (rc == 0 && box->count < window)
        rc = looks_update(box);
    for (size_t i = 0; rc == 0 && i < box->look_count && box->o.who->unit[0] != '\0'; i++) {
        if (box->count == window || look_ready(box, &box->looks[i]) == READY_NO)
            break;
        rc = job_take(box, box->looks[i].name);
        if (rc == 0)
            taken = i + 1;
    }
    /* What was taken is no longer there to be looked at. */
    for (size_t i = 0; i < taken; i++)
        free(box->looks[i].name);
    box->look_count -= taken;
    memmove(box->looks, box->looks + taken, box->look_count * sizeof *box->looks);
    if (rc == 0)
        rc = jobs_run(box);
    return rc;
}

/* ---- after a restart */

/* Sorts one file of state/out to its job. Names come in byte order, so those of one number stand together. */
static int
job_recover(struct outbox *box, const char *name)
{
    unsigned long long number = 0;
    const char *rest;
    struct job *job;
    char *text = NULL;
    size_t len;
    int used = 0;

    if (sscanf(name, "%12llu%n", &number, &used) != 1 || used != 12 || (name[12] != '-' && name[12] != '.'))
        return -EBADMSG;
    rest = name + 13;
    job = box->count > 0 ? box->jobs[box->count - 1] : NULL;
    if (job == NULL || job->number != number) {
        if (box->count == OUTBOX_JOBS_MAX)
            return -E2BIG;
        job = job_add(box, number);
        if (job == NULL)
            return -ENOMEM;
    }
    if (strcmp(name + 12, ".files") == 0)
        return 0;
    if (name[12] == '.') {
        int rc = agent_read(box->o.dirs->out, name, ANSWER_MAX, &text, &len);

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

/* What the files of one number say about how far it got. */
static int
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

int
outbox_open(struct outbox **ret, const struct outbox_options *options)
{
    struct outbox *box = calloc(1, sizeof *box);
    struct agent_list list = {0};
    int rc;

    assert(ret != NULL && options != NULL);

    if (box == NULL)
        return -ENOMEM;
    box->o = *options;
    box->next_number = 1;
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
        rc = job_recover(box, list.names[i]);
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
    looks_clear(*box, 0);
    for (size_t i = 0; i < (*box)->count; i++) {
        json_decref((*box)->jobs[i]->answer);
        free((*box)->jobs[i]);
    }
    free(*box);
    *box = NULL;
}

size_t
outbox_under_way(const struct outbox *box)
{
    return box->count;
}

size_t
outbox_waiting(const struct outbox *box)
{
    return box->look_count;
}

size_t
outbox_rejected(const struct outbox *box)
{
    return box->rejected;
}
