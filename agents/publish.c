/*
 * publish - the queue of publishes, and their numbers
 *
 * Messages go out in order and carry the session's numbers; each is answered once, in the same order, on the same
 * connection. When the broker does not take one (E_BUSY, E_FULL, E_GAP), it does not take those behind it either: the
 * client stops sending, waits until every message in flight has had its answer, and then goes back to the number the
 * broker names. After a reconnect everything that had no answer is sent again; the broker knows what it has by the
 * events' ids.
 */
#include "agents/client.h"

#include "proto/decode.h"
#include "proto/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PUBLISH_HEAD_MAX (3u * SCAN_TAG_MAX)
#define PUBLISH_WAIT_MS  1000 /* after E_BUSY and E_FULL without a time */

static void
publish_free(struct publish *p)
{
    if (p == NULL)
        return;
    free(p->body);
    free(p);
}

static void
publish_remove(struct wici *w, struct publish_list *list, struct publish *p)
{
    TAILQ_REMOVE(list, p, link);
    assert(w->publish_count > 0);
    w->publish_count--;
    w->event_count -= p->count;
    if (list == &w->again)
        w->again_count--;
    if (p->number != 0)
        w->in_flight--;
}

void
publish_free_all(struct wici *w)
{
    struct publish_list *lists[] = {&w->again, &w->queue};

    for (size_t i = 0; i < 2; i++) {
        struct publish *p;

        while ((p = TAILQ_FIRST(lists[i])) != NULL) {
            publish_remove(w, lists[i], p);
            publish_free(p);
        }
    }
}

void
publish_down(struct wici *w)
{
    struct publish_list *lists[] = {&w->again, &w->queue};

    for (size_t i = 0; i < 2; i++) {
        struct publish *p;

        TAILQ_FOREACH(p, lists[i], link)
        p->number = 0;
    }
    w->in_flight = 0;
    w->rewind = false;
    w->publish_ms = 0;
}

void
publish_up(struct wici *w, uint64_t next_number)
{
    assert(w->in_flight == 0);
    w->next_number = next_number;
}

void
publish_safe(struct wici *w)
{
    if (w->keep != NULL)
        (void)keep_safe(w->keep, w->safe_up_to); /* a file that cannot be removed now is tried again after a restart */
}

/* ---- making one */

/* The event's id, out of its header. */
static int
event_id_read(const uint8_t *event, size_t len, char ret[37])
{
    struct scan_field header, id;
    uint8_t raw[16];
    int rc = scan_find(event, len, 1, &header);

    if (rc > 0)
        rc = scan_find(header.data, header.len, 1, &id);
    if (rc <= 0 || id.len != 36)
        return -EBADMSG;
    memcpy(ret, id.data, 36);
    ret[36] = '\0';
    return uuid_parse(ret, raw) != 0 ? -EBADMSG : 0;
}

static int
publish_create(struct publish **ret, const uint8_t *const *events, const size_t *lens, size_t count, bool bare)
{
    struct publish *p;
    size_t size = SCAN_TAG_MAX; /* the flag behind the events */
    int rc;

    if (count == 0 || count > WIRE_PUBLISH_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (lens[i] > KEEP_EVENT_MAX)
            return -EMSGSIZE;
        size += lens[i] + SCAN_TAG_MAX;
    }
    if (size + PUBLISH_HEAD_MAX > WIRE_MESSAGE_MAX)
        return -EMSGSIZE;
    p = calloc(1, sizeof *p + count * sizeof p->ids[0]);
    if (p == NULL)
        return -ENOMEM;
    p->count = count;
    p->body = malloc(size);
    if (p->body == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        rc = event_id_read(events[i], lens[i], p->ids[i]);
        if (rc != 0)
            goto out;
        p->body_len += scan_put_tag(p->body + p->body_len, 2, SCAN_BYTES, lens[i]);
        memcpy(p->body + p->body_len, events[i], lens[i]);
        p->body_len += lens[i];
    }
    if (bare)
        p->body_len += scan_put_tag(p->body + p->body_len, 3, SCAN_VARINT, 1);
    rc = 0;
    *ret = p;
    p = NULL;
out:
    publish_free(p);
    return rc;
}

static int
publish_keep(struct wici *w, struct publish *p, const uint8_t *const *events, const size_t *lens)
{
    struct keep_event kept[WIRE_PUBLISH_MAX];

    for (size_t i = 0; i < p->count; i++) {
        memcpy(kept[i].id, p->ids[i], sizeof kept[i].id);
        kept[i].data = events[i];
        kept[i].len = lens[i];
    }
    return keep_add(w->keep, kept, p->count, p->kept);
}

int
wici_publish_many(struct wici *w, const uint8_t *const *events, const size_t *lens, size_t count, wici_answer_fn *fn,
                  void *arg)
{
    struct publish *p = NULL;
    int rc;

    if (w->publish_count - w->again_count >= w->window)
        return -EAGAIN;
    rc = publish_create(&p, events, lens, count, w->bare_answers);
    if (rc == 0 && w->keep != NULL)
        rc = publish_keep(w, p, events, lens);
    if (rc != 0) {
        publish_free(p);
        return rc;
    }
    p->fn = fn;
    p->arg = arg;
    TAILQ_INSERT_TAIL(&w->queue, p, link);
    w->publish_count++;
    w->event_count += count;
    client_wake(w);
    return 0;
}

int
wici_publish(struct wici *w, const uint8_t *event, size_t len, wici_answer_fn *fn, void *arg)
{
    return wici_publish_many(w, &event, &len, 1, fn, arg);
}

size_t
wici_pending(const struct wici *w)
{
    return w->event_count + (w->keep != NULL ? keep_due(w->keep) : 0);
}

/* ---- sending */

static int
publish_send(struct wici *w, struct publish *p)
{
    uint8_t head[PUBLISH_HEAD_MAX], number[SCAN_TAG_MAX];
    size_t number_len = scan_put_tag(number, 1, SCAN_VARINT, w->next_number);
    size_t head_len = scan_put_tag(head, 2, SCAN_BYTES, number_len + p->body_len);
    zmq_msg_t frame;
    uint8_t *to;

    memcpy(head + head_len, number, number_len);
    head_len += number_len;
    if (zmq_msg_init_size(&frame, head_len + p->body_len) != 0)
        return -ENOMEM;
    to = zmq_msg_data(&frame);
    memcpy(to, head, head_len);
    memcpy(to + head_len, p->body, p->body_len);
    if (zmq_msg_send(&frame, w->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        if (errno != EINTR)
            client_lose(w, 0);
        return 0;
    }
    p->number = w->next_number++;
    w->in_flight++;
    return 0;
}

/* Loads what keep_dir wants to be sent again, a window at a time. */
static int
again_load(struct wici *w)
{
    while (w->again_count < w->window && keep_has_due(w->keep)) {
        struct publish *p = NULL;
        uint8_t *event = NULL;
        const uint8_t *view;
        uint64_t number;
        char id[37];
        size_t len;
        int rc = keep_next_due(w->keep, &number, id, &event, &len);

        if (rc == -ENOENT)
            return 0;
        if (rc != 0)
            return rc;
        view = event;
        rc = publish_create(&p, &view, &len, 1, w->bare_answers);
        free(event);
        if (rc != 0)
            return rc;
        p->kept[0] = number;
        p->fn = w->kept_fn;
        p->arg = w->kept_arg;
        TAILQ_INSERT_TAIL(&w->again, p, link);
        w->again_count++;
        w->publish_count++;
        w->event_count++;
    }
    return 0;
}

/* Messages go out in the order of the list, so those that have not gone yet stand at its end. */
static int
list_pump(struct wici *w, struct publish_list *list, size_t *ret_done)
{
    struct publish *p = TAILQ_LAST(list, publish_list), *first = NULL;

    for (; p != NULL && p->number == 0; p = TAILQ_PREV(p, publish_list, link))
        first = p;
    for (p = first; p != NULL && w->phase == PHASE_UP && w->in_flight < w->window; p = TAILQ_NEXT(p, link)) {
        int rc = publish_send(w, p);

        if (rc != 0)
            return rc;
        if (p->number == 0)
            break;
        ++*ret_done;
    }
    return 0;
}

int
publish_pump(struct wici *w, size_t *ret_done)
{
    int rc = 0;

    if (w->phase != PHASE_UP || w->rewind || client_now_ms() < w->publish_ms)
        return 0;
    if (w->keep != NULL)
        rc = again_load(w);
    if (rc == 0)
        rc = list_pump(w, &w->again, ret_done);
    if (rc == 0 && (w->keep == NULL || !keep_has_due(w->keep)) && w->phase == PHASE_UP)
        rc = list_pump(w, &w->queue, ret_done);
    return rc;
}

int64_t
publish_next_ms(const struct wici *w)
{
    bool waits = w->phase == PHASE_UP && w->publish_count > w->in_flight && !w->rewind && w->publish_ms > 0;

    return waits ? w->publish_ms : INT64_MAX;
}

/* ---- answers */

static struct publish *
publish_find(struct wici *w, uint64_t number, struct publish_list **ret_list)
{
    struct publish_list *lists[] = {&w->again, &w->queue};

    for (size_t i = 0; i < 2; i++) {
        struct publish *p;

        TAILQ_FOREACH(p, lists[i], link)
        {
            if (p->number == number) {
                *ret_list = lists[i];
                return p;
            }
        }
    }
    return NULL;
}

/* Nothing is in flight any more: go back and send again, if something was not taken. */
static void
rewind_check(struct wici *w)
{
    if (w->rewind && w->in_flight == 0)
        w->rewind = false;
}

static void
answer_receipt(struct wici *w, const struct publish *p, size_t i, const Wici__V1__Receipt *receipt)
{
    struct wici_answer answer = {.event_id = p->ids[i],
                                 .seq = receipt->seq,
                                 .ts_ms = receipt->ts_ms,
                                 .repeated = receipt->repeated,
                                 .receipt_json = "{}"};
    char *text = NULL;

    if (w->keep != NULL && p->kept[i] != 0 && receipt->seq != 0)
        (void)keep_answered(w->keep, p->kept[i], receipt->seq); /* if not noted, it is sent once more: harmless */
    if (p->fn == NULL)
        return;
    if (!w->bare_answers) {
        json_t *json = json_from_message(&receipt->base);

        text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
        json_decref(json);
        if (text != NULL)
            answer.receipt_json = text; /* without memory for it, the answer itself still counts */
    }
    p->fn(p->arg, &answer);
    free(text);
}

static void
answer_refusal(struct wici *w, const struct publish *p, size_t i, const Wici__V1__Refusal *refusal)
{
    struct wici_answer answer = {.event_id = p->ids[i], .refusal = &w->error.view};

    error_set_refusal(&w->error, refusal);
    if (w->keep != NULL && p->kept[i] != 0)
        (void)keep_drop(w->keep, p->kept[i]);
    if (p->fn != NULL)
        p->fn(p->arg, &answer);
}

int
publish_answers(struct wici *w, const uint8_t *data, size_t len)
{
    struct publish_list *list;
    struct publish *p;
    const Wici__V1__Answers *answers;
    ProtobufCMessage *message;

    arena_reset(w->arena);
    if (decode_message(&wici__v1__answers__descriptor, data, len, false, w->arena, &message) != 0)
        return -EBADMSG;
    answers = (const Wici__V1__Answers *)message;
    p = publish_find(w, answers->number, &list);
    if (answers->number == 0 || p == NULL || answers->n_answers != p->count)
        return -EBADMSG;
    publish_remove(w, list, p);
    for (size_t i = 0; i < p->count; i++) {
        const Wici__V1__Answer *answer = answers->answers[i];

        if (answer->outcome_case == WICI__V1__ANSWER__OUTCOME_RECEIPT)
            answer_receipt(w, p, i, answer->receipt);
        else
            answer_refusal(w, p, i, answer->outcome_case == WICI__V1__ANSWER__OUTCOME_REFUSAL ? answer->refusal : NULL);
    }
    publish_free(p);
    rewind_check(w);
    return 0;
}

bool
publish_refused(struct wici *w, const Wici__V1__Refused *refused)
{
    enum error_code code = refused->refusal != NULL ? error_by_name(refused->refusal->code) : E_NONE;
    struct publish_list *list;
    struct publish *p = publish_find(w, refused->number, &list);

    if (p == NULL)
        return false;
    w->rewind = true;
    if (refused->next_number != 0 && refused->next_number <= INT64_MAX)
        w->next_number = refused->next_number;
    if (code != E_NONE && error_client(code) == CLIENT_WAIT) {
        int64_t pause = refused->retry_ms != 0 ? (int64_t)refused->retry_ms : (code == E_GAP ? 0 : PUBLISH_WAIT_MS);
        int64_t at = client_now_ms() + pause;

        if (at > w->publish_ms)
            w->publish_ms = at;
        p->number = 0;
        w->in_flight--;
        rewind_check(w);
        return false;
    }
    publish_remove(w, list, p);
    for (size_t i = 0; i < p->count; i++)
        answer_refusal(w, p, i, refused->refusal);
    publish_free(p);
    rewind_check(w);
    return true;
}
