/*
 * call - the calls that wait for the broker: one event published, a bounded read, a query
 *
 * They run the loop until their answer has come; everything else that comes meanwhile is handled as ever.
 */
#include "agents/client.h"

#include "proto/errors.h"
#include "proto/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- one event, and wait */

struct one {
    bool done;
    bool taken;
    bool gone; /* the caller does not wait any more: the last answer frees this */
    char *receipt;
    int rc;
};

static void
one_answered(void *arg, const struct wici_answer *answer)
{
    struct one *one = arg;

    if (one->gone) {
        free(one);
        return;
    }
    one->done = true;
    one->taken = answer->seq != 0;
    if (one->taken) {
        one->receipt = strdup(answer->receipt_json);
        one->rc = one->receipt == NULL ? -ENOMEM : 0;
    }
}

int
wici_publish_json(struct wici *w, const char *json, int timeout_ms, char **ret_receipt)
{
    uint8_t *event = NULL;
    struct one *one = NULL;
    size_t len;
    int rc;

    if (w->busy)
        return -EDEADLK;
    if (w->phase != PHASE_UP) {
        /* The agency and the unit are known once connected. */
        rc = wici_wait_ready(w, timeout_ms);
        if (rc != 0)
            return rc;
    }
    rc = wici_encode_json(w, json, &event, &len, NULL);
    if (rc != 0)
        return rc;
    one = calloc(1, sizeof *one);
    rc = one == NULL ? -ENOMEM : wici_publish(w, event, len, one_answered, one);
    if (rc != 0)
        goto out;
    rc = client_wait(w, &one->done, timeout_ms);
    if (!one->done) {
        one->gone = true;
        one = NULL;
        goto out;
    }
    rc = !one->taken ? -EPROTO : one->rc;
    if (rc == 0 && ret_receipt != NULL) {
        *ret_receipt = one->receipt;
        one->receipt = NULL;
    }
out:
    if (one != NULL)
        free(one->receipt);
    free(one);
    free(event);
    return rc;
}

/* ---- reads and queries */

int
call_do(struct wici *w, Wici__V1__ClientMessage *message, int timeout_ms)
{
    int rc;

    w->request.len = wici__v1__client_message__get_packed_size(message);
    if (w->request.len > WIRE_MESSAGE_MAX)
        return -EMSGSIZE;
    w->request.message = malloc(w->request.len + 1);
    if (w->request.message == NULL)
        return -ENOMEM;
    wici__v1__client_message__pack(message, w->request.message);
    w->error.set = w->state == WICI_REFUSED && w->error.set;
    request_up(w);
    rc = client_wait(w, &w->request.done, timeout_ms);
    if (rc == 0 && w->request.refused)
        rc = -EPROTO;
    return rc;
}

/* A request's JSON as a message in the arena. */
static int
request_parse(struct wici *w, const char *text, const ProtobufCMessageDescriptor *desc, struct arena *arena,
              ProtobufCMessage **ret)
{
    struct refusal refusal = {.code = E_NONE};
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    int rc;

    if (json == NULL) {
        char path[32];

        snprintf(path, sizeof path, "line %d", error.line);
        error_set_code(&w->error, E_JSON, path);
        return -EPROTO;
    }
    rc = json_to_message(json, desc, arena, ret, &refusal);
    json_decref(json);
    if (rc == -EBADMSG) {
        error_set_code(&w->error, refusal.code, refusal.path);
        rc = -EPROTO;
    }
    return rc;
}

/* Hands on one page. */
static int
page_handle(struct wici *w, wici_event_fn *fn, void *arg, uint64_t *ret_next)
{
    struct scan scan = scan_begin(w->request.result, w->request.result_len);
    struct scan_field field;
    uint64_t next = 0;
    bool more = false;
    int rc;

    while ((rc = scan_next(&scan, &field)) > 0) {
        if (field.number == 2 && field.wire == SCAN_BYTES) {
            struct wici_event event;

            rc = delivery_open(w, field.data, field.len, &event);
            if (rc == 0) {
                w->busy = true; /* a callback like any other */
                rc = fn(arg, &event);
                w->busy = false;
            }
            if (rc < 0)
                return rc;
        } else if (field.number == 3 && field.wire == SCAN_VARINT) {
            more = field.value != 0;
        } else if (field.number == 4 && field.wire == SCAN_VARINT) {
            next = field.value;
        }
    }
    if (rc == 0)
        *ret_next = more ? next : 0;
    return rc;
}

int
wici_read(struct wici *w, const char *request_json, int timeout_ms, wici_event_fn *fn, void *arg)
{
    struct arena *arena = NULL;
    ProtobufCMessage *parsed;
    Wici__V1__ClientMessage message;
    Wici__V1__Read *request;
    uint64_t next = 0;
    int rc;

    if (w->busy)
        return -EDEADLK;
    rc = arena_create(&arena, WIRE_MESSAGE_MAX);
    if (rc == 0)
        rc = request_parse(w, request_json, &wici__v1__read__descriptor, arena, &parsed);
    if (rc != 0)
        goto out;
    wici__v1__client_message__init(&message);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = request = (Wici__V1__Read *)parsed;
    do {
        w->request.id = request->request = w->next_request++;
        rc = call_do(w, &message, timeout_ms);
        if (rc == 0)
            rc = page_handle(w, fn, arg, &next);
        request_free(w);
        if (next != 0 && next <= request->from_seq)
            rc = rc != 0 ? rc : -EPROTO; /* no progress: not what a broker says */
        request->from_seq = next;
    } while (rc == 0 && next != 0);
out:
    arena_destroy(&arena);
    return rc;
}

int
wici_query(struct wici *w, const char *request_json, int timeout_ms, char **ret)
{
    struct arena *arena = NULL;
    ProtobufCMessage *parsed;
    Wici__V1__QueryResult *result = NULL;
    Wici__V1__ClientMessage message;
    json_t *json = NULL;
    int rc;

    if (w->busy)
        return -EDEADLK;
    rc = arena_create(&arena, WIRE_MESSAGE_MAX);
    if (rc == 0)
        rc = request_parse(w, request_json, &wici__v1__query__descriptor, arena, &parsed);
    if (rc != 0)
        goto out;
    wici__v1__client_message__init(&message);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = (Wici__V1__Query *)parsed;
    w->request.id = message.query->request = w->next_request++;
    rc = call_do(w, &message, timeout_ms);
    if (rc == -EPROTO && wici_error(w) != NULL && strcmp(wici_error(w)->code, error_name(E_LIST_CHANGED)) == 0)
        rc = -ESTALE;
    if (rc != 0)
        goto out;
    result = wici__v1__query_result__unpack(NULL, w->request.result_len, w->request.result);
    if (result == NULL) {
        rc = -EBADMSG;
        goto out;
    }
    json = json_from_message(&result->base);
    if (json != NULL)
        json_object_del(json, "request");
    *ret = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    rc = *ret == NULL ? -ENOMEM : 0;
out:
    json_decref(json);
    wici__v1__query_result__free_unpacked(result, NULL);
    request_free(w);
    arena_destroy(&arena);
    return rc;
}
