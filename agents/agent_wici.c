/*
 * agent_wici - see agent_wici.h
 */
#include "agents/agent_wici.h"

#include "agents/agent_explain.h"
#include "agents/outbox_receipt.h"

#include "proto/member.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS    15000 /* how long one question may take */
#define READ_MS   60000 /* ... and one history */
#define NAMES_MAX (4u << 20)

#define CURSOR_SIZE 80u /* "agent", "-", a mark, "-" and eight digits: the configuration bounds the first */

/* Tells one choice of families from another. */
static uint32_t
filter_sum(const struct agent_config *config)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; config->role.family[i] != NULL; i++)
        for (const char *c = config->role.family[i];; c++) {
            hash = (hash ^ (unsigned char)*c) * 16777619u;
            if (*c == '\0')
                break;
        }
    return hash;
}

/* ---- the table */

/* What the broker said. */
static void
why_fill(const struct agent_wici *a, struct agent_refusal *why)
{
    const struct wici_error *e = wici_error(a->client);

    if (e != NULL)
        agent_explain_make(why, e->code, e->path != NULL ? e->path : "", e->pl != NULL ? e->pl : "",
                           e->en != NULL ? e->en : "");
}

static int
link_encode(void *arg, const char *json, uint8_t **ret, size_t *ret_len, struct agent_refusal *why)
{
    struct agent_wici *a = arg;
    int rc = wici_encode_json(a->client, json, ret, ret_len, NULL);

    if (rc == -EPROTO)
        why_fill(a, why);
    return rc;
}

static int
link_publish(void *arg, const uint8_t *event, size_t len, wici_answer_fn *fn, void *fn_arg)
{
    struct agent_wici *a = arg;

    return wici_publish(a->client, event, len, fn, fn_arg);
}

static int
link_ack(void *arg, uint64_t seq)
{
    struct agent_wici *a = arg;

    if (a->subscription == 0)
        return -ENOTCONN;
    a->failed = place_note(a->place, filter_sum(a->config), a->who->epoch, seq); /* the broker is never ahead of it */
    return a->failed != 0 ? a->failed : wici_ack(a->client, a->subscription, seq);
}

/* What a read brings is checked like what a subscription brings. */
struct checked {
    struct agent_wici *a;
    wici_event_fn *fn;
    void *arg;
};

static int
read_event(void *arg, const struct wici_event *event)
{
    struct checked *checked = arg;
    int rc = witness_event(checked->a->witness, event);

    if (rc != 0)
        checked->a->failed = rc;
    return rc != 0 ? rc : checked->fn(checked->arg, event);
}

static int
link_read(void *arg, const char *request, wici_event_fn *fn, void *fn_arg)
{
    struct agent_wici *a = arg;

    struct checked checked = {.a = a, .fn = fn, .arg = fn_arg};

    return wici_state(a->client) == WICI_READY ? wici_read(a->client, request, READ_MS, read_event, &checked)
                                               : -ENOTCONN;
}

/* The client asks again on a new connection. That may lead to an older copy of the log, in a new epoch, while what is
 * asked about was of the lost one: then there is no answer, and who asks begins anew. */
static int
link_query(void *arg, const char *request, char **ret)
{
    struct agent_wici *a = arg;
    uint64_t connections = a->connections;
    char *answer = NULL;
    int rc;

    if (wici_state(a->client) != WICI_READY)
        return -ENOTCONN;
    a->asked_settled = wici_pending(a->client) == 0;
    rc = wici_query(a->client, request, ASK_MS, &answer);
    if (rc == 0 && a->connections == connections) {
        *ret = answer;
        return 0;
    }
    free(answer);
    return a->connections != connections ? -ENOTCONN : rc;
}

static int
link_put(void *arg, const uint8_t *bytes, size_t len, struct agent_refusal *why)
{
    struct agent_wici *a = arg;
    int rc = wici_state(a->client) == WICI_READY ? wici_document_put(a->client, bytes, len, ASK_MS, NULL) : -ENOTCONN;

    if (rc == -EPROTO)
        why_fill(a, why);
    return rc;
}

static int
link_get(void *arg, uint64_t seq, const char *sha256, uint8_t **ret, size_t *ret_len, struct agent_refusal *why)
{
    struct agent_wici *a = arg;
    int rc = wici_state(a->client) == WICI_READY ? wici_document_get(a->client, seq, sha256, NULL, ASK_MS, ret, ret_len)
                                                 : -ENOTCONN;

    if (rc == -EPROTO)
        why_fill(a, why);
    return rc;
}

static int
link_forget(void *arg, uint64_t from_seq, uint64_t to_seq)
{
    struct agent_wici *a = arg;

    return wici_forget(a->client, from_seq, to_seq);
}

static uint64_t
link_time_ms(void *arg)
{
    struct agent_wici *a = arg;

    return wici_time_ms(a->client);
}

static bool
link_unknown(void *arg)
{
    struct agent_wici *a = arg;
    const struct wici_error *e = wici_error(a->client);

    return e != NULL && strcmp(e->code, "E_UNKNOWN") == 0 && a->asked_settled;
}

/* ---- whose connection it is */

static int
who_write(const struct agent_wici *a)
{
    json_t *json = json_pack("{s:s, s:s}", "agency", a->who->agency, "unit", a->who->unit);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    int rc = text == NULL ? -ENOMEM : agent_write(a->dirs->state, "who.json", text, strlen(text));

    free(text);
    json_decref(json);
    return rc;
}

static void
who_read(struct agent_who *who, const struct agent_dirs *dirs)
{
    json_t *json = agent_read_json(dirs->state, "who.json", 4096);
    const char *agency, *unit;

    agency = json_string_value(json_object_get(json, "agency"));
    unit = json_string_value(json_object_get(json, "unit"));
    if (agency != NULL && unit != NULL) {
        (void)snprintf(who->agency, sizeof who->agency, "%s", agency);
        (void)snprintf(who->unit, sizeof who->unit, "%s", unit);
    }
    json_decref(json);
}

/* ---- a log that came back from an older copy */

struct kept {
    struct receipts_id *ids;
    size_t count, size;
    bool failed;
};

static void
kept_add(void *arg, const char *event_id)
{
    struct kept *kept = arg;

    if (kept->count == kept->size) {
        size_t size = kept->size == 0 ? 64 : kept->size * 2;
        struct receipts_id *grown = realloc(kept->ids, size * sizeof *grown);

        kept->failed = kept->failed || grown == NULL;
        if (grown == NULL)
            return;
        kept->ids = grown;
        kept->size = size;
    }
    (void)snprintf(kept->ids[kept->count++].text, sizeof kept->ids->text, "%s", event_id);
}

/* The receipts of what is sent again now are to be looked at. Before inbox_set_log() notes the epoch: until then this
 * is done again. */
static int
again_note(const struct agent_wici *a)
{
    uint64_t before = inbox_epoch(a->inbox);
    struct kept kept = {0};
    int rc = 0;

    if (before == 0 || a->who->epoch == 0 || before == a->who->epoch)
        return 0;
    wici_kept(a->client, kept_add, &kept);
    rc = kept.failed ? -ENOMEM : receipts_again(a->dirs, before, kept.ids, kept.count);
    free(kept.ids);
    return rc;
}

/* The answer to an event that the client sent again by itself. */
static void
take_kept(void *arg, const struct wici_answer *answer)
{
    struct agent_wici *a = arg;
    struct agent_refusal why = {0};
    char *text = NULL;
    int rc;

    if (answer->refusal == NULL)
        return; /* its receipt tells */
    why_fill(a, &why);
    agent_log(AGENT_WARN, "outbox: sent again, and refused: %s %s", why.code, answer->event_id);
    rc = agent_explain(&why, a->config->role.polish, &text);
    if (rc == 0)
        rc = receipts_refused(a->dirs, answer->event_id, text);
    if (rc != 0 && a->failed == 0)
        a->failed = rc;
    free(text);
}

/* Which log this connection leads to, and as whom: before anything it brings is taken, or answered. */
static int
welcome_check(void *arg)
{
    struct agent_wici *a = arg;
    const struct wici_error *error = wici_error(a->client);
    char *text = NULL;
    json_t *json = NULL;
    const char *origin, *agency, *unit;
    int rc = wici_welcome_json(a->client, &text);

    if (rc == 0 && (json = json_loads(text, 0, NULL)) == NULL)
        rc = -EBADMSG;
    free(text);
    if (rc != 0)
        return rc;
    a->connections++;
    a->caught_up = false;
    a->diverged = a->diverged || (error != NULL && strcmp(error->code, "E_LOG_DIVERGED") == 0);
    origin = json_string_value(json_object_get(json, "origin"));
    agency = json_string_value(json_object_get(json, "agency"));
    unit = json_string_value(json_object_get(json, "unit"));
    if (agency == NULL || unit == NULL)
        rc = -EBADMSG;
    else if (a->who->unit[0] == '\0') {
        (void)snprintf(a->who->agency, sizeof a->who->agency, "%s", agency);
        (void)snprintf(a->who->unit, sizeof a->who->unit, "%s", unit);
        rc = who_write(a);
    } else if (strcmp(a->who->unit, unit) != 0 || strcmp(a->who->agency, agency) != 0) {
        rc = -EPERM;
    }
    if (rc == 0) {
        a->who->epoch = member_number(json_object_get(json, "head"), "epoch");
        witness_epoch(a->witness, a->who->epoch);
    }
    if (rc == 0)
        rc = again_note(a);
    if (rc == 0)
        rc = inbox_set_log(a->inbox, origin != NULL ? origin : "",
                           member_number(json_object_get(json, "head"), "epoch"));
    if (rc != 0)
        a->failed = rc;
    json_decref(json);
    return rc;
}

/* ---- the subscription */

static int
take_event(void *arg, const struct wici_event *event)
{
    struct agent_wici *a = arg;
    int rc = a->failed; /* it is another log's, or another's connection */

    if (rc == 0)
        rc = witness_event(a->witness, event);
    if (rc == 0)
        rc = inbox_take(a->inbox, event);
    if (rc != 0 && a->failed == 0)
        a->failed = rc;
    return rc;
}

static void
take_position(void *arg, uint64_t seq, uint64_t head)
{
    struct agent_wici *a = arg;

    if (a->failed != 0)
        return;
    a->head = head;
    a->caught_up = seq >= head;
    inbox_position(a->inbox, seq);
}

static void
take_end(void *arg, const struct wici_error *why)
{
    struct agent_wici *a = arg;

    (void)snprintf(a->ended, sizeof a->ended, "%s", why != NULL && why->code != NULL ? why->code : "unknown");
    a->subscription = 0;
}

/* Only this folder moves its cursor. One that stands further than the place was moved by somebody else, or the folder
 * is an older copy: what came since is not here. */
static void
take_begun(void *arg, uint64_t from_seq)
{
    struct agent_wici *a = arg;
    uint32_t filter = filter_sum(a->config);

    if (a->failed != 0)
        return;
    if (!place_is_known(a->place, filter, a->who->epoch)) {
        a->failed = place_note(a->place, filter, a->who->epoch, from_seq - 1);
    } else if (from_seq - 1 > a->place->seq) {
        (void)wici_unsubscribe(a->client, a->subscription);
        a->subscription = 0;
        a->ahead = true;
        agent_log(AGENT_WARN,
                  "the broker was told further than this folder came (it is an older copy, the power failed, "
                  "or another program read with its cursor): what came since is asked for again");
    }
}

/* A durable cursor has one filter for ever; another choice of families therefore has another cursor. mark: the
 * folder's; "": the cursor that folders had in common before they had marks. */
static void
cursor_name(const struct agent_config *config, const char *mark, char ret[CURSOR_SIZE])
{
    int len = snprintf(ret, CURSOR_SIZE, "%s%s%s", config->cursor, mark[0] != '\0' ? "-" : "", mark);

    assert(len > 0 && len < (int)CURSOR_SIZE);

    if (config->role.family[0] != NULL)
        (void)snprintf(ret + len, CURSOR_SIZE - (size_t)len, "-%08x", (unsigned)filter_sum(config));
}

/* Where the common cursor stands; untouched when there is none. */
static void
common_find(const struct agent_wici *a, const json_t *result, uint64_t *ret_from)
{
    const json_t *cursor;
    char name[CURSOR_SIZE];
    size_t i;

    cursor_name(a->config, "", name);
    json_array_foreach(json_object_get(json_object_get(result, "cursors"), "cursors"), i, cursor)
    {
        if (strcmp(member_text(cursor, "unit"), a->who->unit) == 0 && strcmp(member_text(cursor, "cursor"), name) == 0)
            *ret_from = member_number(cursor, "seq") + 1;
    }
}

/* Where a cursor begins that the broker does not have yet; 0: at the first record. -ENOTCONN, ...: ask again. */
static int
start_find(struct agent_wici *a, uint64_t *ret_from)
{
    char *text = NULL;
    json_t *result;
    int rc;

    *ret_from = 0;
    if (place_is_known(a->place, filter_sum(a->config), a->who->epoch)) {
        *ret_from = a->place->seq + 1;
        return 0;
    }
    if (!a->place->common || a->place->epoch != 0)
        return 0;
    rc = link_query(a, "{\"cursors\":{}}", &text);
    if (rc != 0)
        return rc == -EPROTO ? 0 : rc; /* too many to be told: all comes again, and is passed over */
    result = json_loads(text, 0, NULL);
    common_find(a, result, ret_from);
    json_decref(result);
    free(text);
    return 0;
}

/* Takes the cursor away that is ahead of this folder. -EPROTO: refused, and `ended` says why. */
static int
cursor_drop(struct agent_wici *a, const char *name)
{
    char request[CURSOR_SIZE + 64], *text = NULL;
    const struct wici_error *e;
    int rc;

    (void)snprintf(request, sizeof request, "{\"cursorDrop\":{\"cursor\":\"%s\"}}", name);
    rc = link_query(a, request, &text);
    free(text);
    e = wici_error(a->client);
    if (rc == -EPROTO && e != NULL && strcmp(e->code, "E_CURSOR") == 0)
        rc = 0; /* it is gone */
    else if (rc == -EPROTO)
        (void)snprintf(a->ended, sizeof a->ended, "%s", e != NULL ? e->code : "unknown");
    return rc;
}

int
agent_wici_subscribe(struct agent_wici *a)
{
    const struct agent_config *config = a->config;
    const char *families[AGENT_FAMILIES_MAX + 2] = {NULL};
    struct wici_subscribe_options o = {.position_fn = take_position, .begun_fn = take_begun, .ended_fn = take_end};
    char cursor[CURSOR_SIZE];
    bool sys = false;
    size_t count = 0;
    int rc = 0;

    for (; config->role.family[count] != NULL; count++) {
        families[count] = config->role.family[count];
        sys = sys || strcmp(families[count], "sys") == 0;
    }
    if (count > 0 && !sys)
        families[count] = "sys"; /* says what history is open to us */
    cursor_name(config, a->place->mark, cursor);
    o.cursor = cursor;
    o.families = count > 0 ? families : NULL;
    if (a->ahead)
        rc = cursor_drop(a, cursor);
    if (rc == 0)
        rc = start_find(a, &o.from_seq);
    if (rc != 0)
        return rc == -ENOMEM ? rc : 0;
    a->ahead = false;
    return wici_subscribe(a->client, &o, take_event, a, &a->subscription);
}

/* ---- opening and greeting */

static json_t *
names_of(const json_t *directory)
{
    static const char *const lists[] = {"agencies", "units"};
    json_t *names = json_object(), *entry;
    size_t i;

    for (size_t l = 0; names != NULL && l < 2; l++)
        json_array_foreach(json_object_get(directory, lists[l]), i, entry)
        {
            const char *id = json_string_value(json_object_get(entry, "id"));
            json_t *name = json_object_get(entry, "name");

            if (id != NULL && json_is_string(name))
                (void)json_object_set(names, id, name);
        }
    return names;
}

static int
names_fetch(struct agent_wici *a)
{
    char *text = NULL, *kept = NULL;
    json_t *result, *names;
    int rc = link_query(a, "{\"directory\":{}}", &text);

    if (rc != 0)
        return 0; /* pages show ids until the next connection */
    result = json_loads(text, 0, NULL);
    names = names_of(json_object_get(result, "directory"));
    json_decref(result);
    free(text);
    if (names == NULL)
        return -ENOMEM;
    if (!json_equal(names, a->names)) {
        kept = json_dumps(names, JSON_COMPACT | JSON_SORT_KEYS);
        rc = kept == NULL ? -ENOMEM : agent_write(a->dirs->state, "names.json", kept, strlen(kept));
        free(kept);
    }
    json_decref(a->names);
    a->names = names;
    return rc;
}

int
agent_wici_greet(struct agent_wici *a)
{
    return names_fetch(a);
}

int
agent_wici_open(struct agent_wici *ret, const struct agent_config *config, const struct agent_dirs *dirs,
                struct agent_who *who)
{
    char *keep = NULL, session[CURSOR_SIZE];
    struct wici_options o = {
        .endpoints = config->endpoint,
        .server_key = config->server_key,
        .key_file = config->key_file,
        .session = session,
        .software = "wici-agent " WICI_VERSION,
        .window = (unsigned)config->window,
        .kept_fn = take_kept,
        .kept_arg = ret,
        .ready_fn = welcome_check,
        .ready_arg = ret,
    };
    int rc;

    assert(ret != NULL && config != NULL);

    *ret = (struct agent_wici){
        .who = who, .dirs = dirs, .config = config, .witness = ret->witness, .place = ret->place};
    (void)snprintf(session, sizeof session, "%s-%s", config->session, ret->place->mark);
    if (asprintf(&keep, "%s/state/keep", config->dir) < 0)
        return -ENOMEM;
    o.keep_dir = keep;
    who_read(who, dirs);
    ret->names = agent_read_json(dirs->state, "names.json", NAMES_MAX);
    rc = wici_open(&ret->client, &o);
    free(keep);
    ret->link = (struct agent_link){.arg = ret,
                                    .encode = link_encode,
                                    .publish = link_publish,
                                    .ack = link_ack,
                                    .read = link_read,
                                    .query = link_query,
                                    .put = link_put,
                                    .get = link_get,
                                    .forget = link_forget,
                                    .unknown = link_unknown,
                                    .time_ms = link_time_ms,
                                    .event_json = wici_event_json};
    return rc;
}

int64_t
agent_wici_clock_off_s(const struct agent_wici *a)
{
    int64_t here_s = (int64_t)(wici_time_ms(NULL) / 1000u), there_s = (int64_t)(wici_time_ms(a->client) / 1000u);

    return here_s - there_s > 1 || there_s - here_s > 1 ? here_s - there_s : 0;
}

void
agent_wici_close(struct agent_wici *a)
{
    wici_close(&a->client);
    json_decref(a->names);
    a->names = NULL;
}
