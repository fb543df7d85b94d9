/*
 * inbox - see inbox.h
 */
#include "agents/inbox.h"

#include "agents/inbox_documents.h"
#include "agents/inbox_erased.h"
#include "agents/inbox_history.h"
#include "agents/inbox_journal.h"
#include "agents/page.h"
#include "proto/event.h"
#include "proto/member.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEM_SIZE   80u /* "000000004711-referral", "-e" and an epoch */
#define SUFFIX_SIZE 32u

struct prepared {
    struct journal_entry entry;
    char stem[STEM_SIZE];
};

struct inbox {
    struct inbox_options o;
    struct journal *journal;
    char *origin; /* NULL: not known yet */
    struct prepared prepared[INBOX_BATCH_MAX];
    size_t count;
    uint64_t seen; /* of the subscription: what may be acknowledged once it is committed */
    uint64_t acked;
    uint64_t filed;
    uint64_t history_to; /* inbox_history(): the subscription brings what comes later */
    int failed;          /* within a read's callback */
    bool wanted;         /* an event named documents */
    bool erasures;       /* a notice of erasure came */
};

/* ---- the two files of an event */

/* After the log went back to an older copy its numbers come again: they must not hide the earlier files. */
static void
suffix_make(const struct inbox *box, char ret[SUFFIX_SIZE])
{
    uint64_t first, epoch = journal_epoch(box->journal, &first);

    ret[0] = '\0';
    if (epoch != first)
        (void)snprintf(ret, SUFFIX_SIZE, "-e%" PRIu64, epoch);
}

static int
stem_make(const struct inbox *box, uint64_t seq, const char *family, char ret[STEM_SIZE])
{
    char suffix[SUFFIX_SIZE];

    suffix_make(box, suffix);
    return snprintf(ret, STEM_SIZE, "%012" PRIu64 "-%.30s%s", seq, *family != '\0' ? family : "event", suffix) <
                   (int)STEM_SIZE
               ? 0
               : -ENAMETOOLONG;
}

static void
file_name(const char *stem, const char *suffix, char ret[STEM_SIZE + 8])
{
    (void)snprintf(ret, STEM_SIZE + 8, "%s%s", stem, suffix);
}

/* Step 1. The stem is a key of what is in state/in: SEQ comes first in it. */
static int
event_prepare(struct inbox *box, const struct wici_event *event, const json_t *json, const struct journal_entry *entry)
{
    const struct agent_role *role = &box->o.config->role;
    struct page_options page = {.header = role->page_header,
                                .footer = role->page_footer,
                                .names = box->o.names != NULL ? *box->o.names : NULL,
                                .polish = role->polish};
    struct prepared *p = &box->prepared[box->count];
    char name[STEM_SIZE + 8];
    char *html = NULL, *text = json_dumps(json, JSON_INDENT(2));
    int rc = text == NULL ? -ENOMEM : stem_make(box, event->seq, event->family, p->stem);

    if (rc == 0)
        rc = page_render(json, &page, &html);
    if (rc == 0) {
        file_name(p->stem, ".html", name);
        rc = agent_stage(box->o.dirs->in, name, html, strlen(html));
    }
    if (rc == 0) {
        file_name(p->stem, ".json", name);
        rc = agent_stage(box->o.dirs->in, name, text, strlen(text));
    }
    if (rc == 0) {
        p->entry = *entry;
        box->count++;
    }
    free(html);
    free(text);
    return rc;
}

/* Step 3 of one file. Somebody else's file of that name is never replaced. */
static int
file_deliver(const struct agent_dirs *d, const char *stem, const char *suffix)
{
    char from[STEM_SIZE + 8], to[STEM_SIZE + 16];
    int rc;

    file_name(stem, suffix, from);
    memcpy(to, from, sizeof from);
    rc = agent_move(d->in, from, d->inbox, to);
    for (unsigned i = 2; rc == -EEXIST && i < 100; i++) {
        (void)snprintf(to, sizeof to, "%s-%u%s", stem, i, suffix);
        rc = agent_move(d->in, from, d->inbox, to);
    }
    return rc == -ENOENT ? 0 : rc;
}

static int
files_deliver(const struct agent_dirs *d, const char *stem)
{
    int rc = file_deliver(d, stem, ".html");

    return rc != 0 ? rc : file_deliver(d, stem, ".json");
}

static int
prepared_commit(struct inbox *box)
{
    struct journal_entry entries[INBOX_BATCH_MAX];
    int rc;

    if (box->count == 0)
        return 0;
    for (size_t i = 0; i < box->count; i++)
        entries[i] = box->prepared[i].entry;
    rc = agent_sync(box->o.dirs->in);
    if (rc == 0)
        rc = journal_add(box->journal, entries, box->count);
    for (size_t i = 0; rc == 0 && i < box->count; i++)
        rc = files_deliver(box->o.dirs, box->prepared[i].stem);
    if (rc == 0)
        rc = agent_sync(box->o.dirs->inbox);
    if (rc == 0)
        rc = agent_sync(box->o.dirs->in);
    if (rc != 0)
        return rc;
    box->filed += box->count;
    box->count = 0;
    return 0;
}

int
inbox_commit(struct inbox *box)
{
    int rc = prepared_commit(box);

    if (rc != 0 || box->seen <= box->acked)
        return rc;
    /* A lost connection only means that the broker sends it again, to be passed over by its number. */
    if (box->o.link->ack(box->o.link->arg, box->seen) == 0)
        box->acked = box->seen;
    return 0;
}

void
inbox_position(struct inbox *box, uint64_t seq)
{
    if (seq > box->seen)
        box->seen = seq;
}

/* ---- which events, and what they ask for */

static bool
is_wanted(const struct inbox *box, const struct wici_event *event, const json_t *json)
{
    const struct agent_role *role = &box->o.config->role;
    const char *unit = member_text(json_object_get(json_object_get(json, "header"), "actor"), "unit");

    if (erased_is_notice(event, json, box->o.who->unit))
        return true;
    if (!role->own && strcmp(unit, box->o.who->unit) == 0)
        return false;
    for (size_t i = 0; role->family[i] != NULL; i++)
        if (strcmp(role->family[i], event->family) == 0)
            return true;
    /* Of the broker's own records those about a family's dossier concern everybody who is told of them; those about
     * registry and policy are for who asks for them. */
    if (strcmp(event->family, "sys") == 0)
        return event->dossier_id[0] != '\0';
    return role->family[0] == NULL;
}

/* Durable before the event is acknowledged, as history_note(). */
static int
documents_note(struct inbox *box, const struct wici_event *event, json_t *json)
{
    char stem[STEM_SIZE];
    struct documents_from from = {.dirs = box->o.dirs, .stem = stem, .now_ms = box->o.link->time_ms(box->o.link->arg)};
    bool any = false;
    int rc = stem_make(box, event->seq, event->family, stem);

    if (rc == 0)
        rc = documents_want(&from, json, &any);
    box->wanted = box->wanted || any;
    return rc;
}

/* Durable before the event is acknowledged, as history_note(). */
static int
erasure_note(struct inbox *box, const struct wici_event *event, const json_t *json)
{
    uint64_t first, epoch = journal_epoch(box->journal, &first);
    char suffix[SUFFIX_SIZE];

    if (!erased_is_notice(event, json, box->o.who->unit))
        return 0;
    suffix_make(box, suffix);
    box->erasures = true;
    return erased_note(box->o.dirs, event, json, suffix, epoch == first + 1);
}

static int
event_take(struct inbox *box, const struct wici_event *event)
{
    struct journal_entry entry = {.seq = event->seq};
    char *text = NULL;
    json_t *json = NULL;
    int rc;

    if (event->event_id[0] != '\0' && uuid_parse(event->event_id, entry.id) != 0)
        return -EBADMSG;
    for (size_t i = 0; i < box->count; i++)
        if (box->prepared[i].entry.seq == event->seq)
            return 0;
    rc = journal_has(box->journal, &entry);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (box->count == INBOX_BATCH_MAX) {
        rc = prepared_commit(box);
        if (rc != 0)
            return rc;
    }
    rc = box->o.link->event_json(event, &text);
    if (rc == 0 && (json = json_loads(text, 0, NULL)) == NULL)
        rc = -EBADMSG;
    if (rc == 0)
        rc = history_note(box->o.dirs, box->o.who->unit, event, json);
    if (rc == 0)
        rc = erasure_note(box, event, json);
    if (rc == 0 && is_wanted(box, event, json)) {
        rc = documents_note(box, event, json);
        if (rc == 0)
            rc = event_prepare(box, event, json, &entry);
    }
    json_decref(json);
    free(text);
    return rc;
}

int
inbox_take(void *arg, const struct wici_event *event)
{
    struct inbox *box = arg;
    int rc = event_take(box, event);

    if (rc == 0)
        inbox_position(box, event->seq);
    else if (box->failed == 0)
        box->failed = rc;
    return rc;
}

/* ---- earlier events */

static int
take_history(void *arg, const struct wici_event *event)
{
    struct inbox *box = arg;
    int rc = event->seq < box->history_to ? event_take(box, event) : 0;

    if (rc != 0 && box->failed == 0)
        box->failed = rc;
    return rc;
}

int
inbox_history(struct inbox *box)
{
    struct history history;
    char request[200];
    int rc = history_next(box->o.dirs, box->o.link, &history);

    if (rc != 1)
        return rc;
    box->history_to = history.to + 1;
    (void)snprintf(request, sizeof request,
                   "{\"dossier\":\"%s\",\"fromSeq\":\"%" PRIu64 "\",\"toSeq\":\"%" PRIu64 "\"}", history.dossier,
                   history.from, history.to);
    rc = box->o.link->read(box->o.link->arg, request, take_history, box);
    if (box->failed != 0)
        return box->failed;
    if (rc != 0)
        return -EAGAIN;
    rc = inbox_commit(box);
    if (rc == 0)
        rc = history_done(box->o.dirs, &history);
    return rc == 0 ? 1 : rc;
}

/* ---- after a restart */

static bool
is_prepared(const char *name)
{
    return name[0] != '.';
}

/* One file of state/in: taken and not moved yet, or not taken. */
static int
file_recover(struct inbox *box, const char *name)
{
    const char *dot = strrchr(name, '.');
    struct journal_entry entry = {0};
    char stem[STEM_SIZE];

    if (dot == NULL || (size_t)(dot - name) >= STEM_SIZE || sscanf(name, "%12" SCNu64 "-", &entry.seq) != 1)
        return agent_remove(box->o.dirs->in, name);
    memcpy(stem, name, (size_t)(dot - name));
    stem[dot - name] = '\0';
    /* A new epoch is begun only with nothing prepared, so the seq alone says it. */
    if (journal_has(box->journal, &entry) != 1)
        return agent_remove(box->o.dirs->in, name);
    return files_deliver(box->o.dirs, stem);
}

static int
inbox_recover(struct inbox *box)
{
    struct agent_list list;
    bool more = true;
    int rc = agent_sweep(box->o.dirs->in);

    while (rc == 0 && more) {
        rc = agent_list(box->o.dirs->in, NULL, is_prepared, (size_t)INBOX_BATCH_MAX * 2, &list);
        if (rc != 0)
            break;
        for (size_t i = 0; rc == 0 && i < list.count; i++)
            rc = file_recover(box, list.names[i]);
        more = list.more;
        agent_list_free(&list);
    }
    if (rc == 0)
        rc = agent_sync(box->o.dirs->inbox);
    if (rc == 0)
        rc = agent_sync(box->o.dirs->in);
    return rc;
}

int
inbox_open(struct inbox **ret, const struct inbox_options *options)
{
    struct inbox *box = calloc(1, sizeof *box);
    int rc;

    assert(ret != NULL && options != NULL);

    if (box == NULL)
        return -ENOMEM;
    box->o = *options;
    rc = agent_sweep(options->dirs->state);
    if (rc == 0)
        rc = agent_sweep(options->dirs->history);
    if (rc == 0)
        rc = agent_sweep(options->dirs->erasures);
    if (rc == 0)
        rc = journal_open(&box->journal, options->dirs->state);
    if (rc == 0)
        rc = inbox_recover(box);
    if (rc == 0)
        rc = documents_recover(options->dirs);
    if (rc == 0) {
        rc = agent_read(options->dirs->state, "origin", 512, &box->origin, NULL);
        if (rc == -ENOENT)
            rc = 0;
    }
    if (rc != 0)
        inbox_close(&box);
    else
        *ret = box;
    return rc;
}

void
inbox_close(struct inbox **box)
{
    if (*box == NULL)
        return;
    journal_close(&(*box)->journal);
    free((*box)->origin);
    free(*box);
    *box = NULL;
}

int
inbox_set_log(struct inbox *box, const char *origin, uint64_t epoch)
{
    int rc = 0;

    if (box->origin == NULL) {
        box->origin = strdup(origin);
        if (box->origin == NULL)
            return -ENOMEM;
        rc = agent_write(box->o.dirs->state, "origin", origin, strlen(origin));
    } else if (strcmp(box->origin, origin) != 0) {
        return -ESTALE;
    }
    if (rc != 0 || epoch == journal_epoch(box->journal, NULL))
        return rc;
    rc = prepared_commit(box);
    if (rc == 0)
        rc = journal_set_epoch(box->journal, epoch);
    if (rc == 0)
        box->seen = box->acked = 0; /* its numbers are another log's */
    return rc;
}

uint64_t
inbox_epoch(const struct inbox *box)
{
    return journal_epoch(box->journal, NULL);
}

bool
inbox_wanted(struct inbox *box)
{
    bool wanted = box->wanted;

    box->wanted = false;
    return wanted;
}

bool
inbox_erasures(struct inbox *box)
{
    bool erasures = box->erasures;

    box->erasures = false;
    return erasures;
}

uint64_t
inbox_filed(const struct inbox *box)
{
    return box->filed;
}
