/*
 * subscribe - what comes in, in order and not twice
 *
 * Two positions are kept for each subscription: how far the application is (seen, acked), and how far the broker knows
 * it on this connection (link_seen, link_acked). After a reconnect the broker begins at its cursor, or at seen + 1
 * where there is none; what it repeats is dropped by its seq, and acknowledged as far as the application was done with
 * it.
 */
#include "agents/client.h"

#include "proto/decode.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
strings_free(char **list, size_t count)
{
    for (size_t i = 0; list != NULL && i < count; i++)
        free(list[i]);
    free(list);
}

static int
strings_copy(const char *const *list, char ***ret, size_t *ret_count)
{
    size_t count = 0;

    while (list != NULL && list[count] != NULL)
        count++;
    if (count == 0)
        return 0;
    *ret = calloc(count, sizeof **ret);
    if (*ret == NULL)
        return -ENOMEM;
    for (; *ret_count < count; ++*ret_count) {
        (*ret)[*ret_count] = strdup(list[*ret_count]);
        if ((*ret)[*ret_count] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static void
subscription_free(struct subscription *s)
{
    if (s == NULL)
        return;
    strings_free(s->dossiers, s->dossier_count);
    strings_free(s->families, s->family_count);
    free(s->cursor);
    free(s->from_time);
    free(s);
}

static struct subscription *
subscription_find(struct wici *w, uint32_t id)
{
    struct subscription *s;

    TAILQ_FOREACH(s, &w->subscriptions, link)
    {
        if (s->id == id && !s->ended)
            return s;
    }
    return NULL;
}

void
subscribe_free_all(struct wici *w)
{
    struct subscription *s;

    while ((s = TAILQ_FIRST(&w->subscriptions)) != NULL) {
        TAILQ_REMOVE(&w->subscriptions, s, link);
        subscription_free(s);
    }
}

void
subscribe_sweep(struct wici *w)
{
    struct subscription *s = TAILQ_FIRST(&w->subscriptions);

    while (s != NULL) {
        struct subscription *next = TAILQ_NEXT(s, link);

        if (s->ended) {
            TAILQ_REMOVE(&w->subscriptions, s, link);
            subscription_free(s);
        }
        s = next;
    }
}

static void
subscription_send(struct wici *w, struct subscription *s)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Subscribe subscribe;
    Wici__V1__Filter filter;
    /* A cursor may be unknown again, if the broker died before it reached the disk: it must not begin after something
     * that was not acknowledged. */
    uint64_t resume = s->cursor != NULL ? s->acked : s->seen;

    wici__v1__client_message__init(&message);
    wici__v1__subscribe__init(&subscribe);
    wici__v1__filter__init(&filter);
    filter.dossiers = s->dossiers;
    filter.n_dossiers = s->dossier_count;
    filter.families = s->families;
    filter.n_families = s->family_count;
    subscribe.subscription = s->id;
    if (s->cursor != NULL)
        subscribe.cursor = s->cursor;
    if (s->dossier_count + s->family_count > 0)
        subscribe.filter = &filter;
    if (resume > 0) {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_FROM_SEQ;
        subscribe.from_seq = resume + 1;
    } else if (s->from_time != NULL) {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_FROM_TIME;
        subscribe.from_time = s->from_time;
    } else if (s->live) {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_LIVE;
        subscribe.live = 1;
    } else if (s->from_seq > 0) {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_FROM_SEQ;
        subscribe.from_seq = s->from_seq;
    }
    subscribe.window_bytes = s->window_bytes;
    s->link_seen = s->link_acked = 0;
    s->link_up = false;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    client_send_message(w, &message);
}

void
subscribe_up(struct wici *w)
{
    struct subscription *s;

    TAILQ_FOREACH(s, &w->subscriptions, link)
    {
        if (!s->ended && w->phase == PHASE_UP)
            subscription_send(w, s);
    }
}

static void
batch_close(struct wici *w)
{
    zmq_msg_close(&w->batch);
    zmq_msg_init(&w->batch);
    w->batch_held = false;
}

void
subscribe_down(struct wici *w)
{
    struct subscription *s;

    w->batch_held = false; /* its memory stays: we may be inside a callback that reads it */
    TAILQ_FOREACH(s, &w->subscriptions, link)
    s->link_up = false;
}

void
subscribe_diverged(struct wici *w, uint64_t same_up_to)
{
    struct subscription *s;

    TAILQ_FOREACH(s, &w->subscriptions, link)
    {
        if (s->seen > same_up_to)
            s->seen = same_up_to;
        if (s->acked > same_up_to)
            s->acked = same_up_to;
    }
}

/* Tells the broker what the application is done with, as far as this connection has brought it. */
static void
ack_flush(struct wici *w, struct subscription *s)
{
    uint64_t seq = s->acked < s->link_seen ? s->acked : s->link_seen;
    Wici__V1__ClientMessage message;
    Wici__V1__Ack ack;

    if (w->phase != PHASE_UP || !s->link_up || seq <= s->link_acked)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__ack__init(&ack);
    ack.subscription = s->id;
    ack.seq = seq;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    s->link_acked = seq;
    s->unacked = 0;
    client_send_message(w, &message);
}

int
subscribe_subscribed(struct wici *w, const Wici__V1__Subscribed *subscribed)
{
    struct subscription *s = subscription_find(w, subscribed->subscription);

    if (s == NULL)
        return 0;
    s->link_up = true;
    s->link_seen = s->link_acked = subscribed->from_seq > 0 ? subscribed->from_seq - 1 : 0;
    /* A start that meant "now" is fixed here, so that a reconnect leaves no gap. */
    if (s->seen == 0 && s->cursor == NULL && s->link_seen > 0)
        s->seen = s->acked = s->link_seen;
    if (s->begun_fn != NULL)
        s->begun_fn(s->arg, s->link_seen + 1);
    return 0;
}

int
delivery_open(struct wici *w, const uint8_t *data, size_t len, struct wici_event *ret)
{
    const Wici__V1__Delivery *delivery;
    const struct type_info *type = NULL;
    ProtobufCMessage *message;

    arena_reset(w->arena);
    if (decode_message(&wici__v1__delivery__descriptor, data, len, false, w->arena, &message) != 0)
        return -EBADMSG;
    delivery = (const Wici__V1__Delivery *)message;
    if (delivery->seq == 0)
        return -EBADMSG;
    *ret = (struct wici_event){.seq = delivery->seq,
                               .ts_ms = delivery->ts_ms,
                               .event_id = "",
                               .type = "",
                               .family = "",
                               .dossier_id = "",
                               .delivery = data,
                               .delivery_len = len};
    if (delivery->digests.len / 32 > delivery->n_parts)
        ret->withheld = (unsigned)(delivery->digests.len / 32 - delivery->n_parts);
    for (size_t i = 0; i < delivery->n_parts; i++) {
        const Wici__V1__Disclosed *part = delivery->parts[i];

        if (part->slot != NULL && part->slot->section_id % 10 == TYPE_CLASS_HEADER) {
            const Wici__V1__Header *header;

            if (decode_message(&wici__v1__header__descriptor, part->body.data, part->body.len, false, w->arena,
                               &message) != 0)
                return -EBADMSG;
            header = (const Wici__V1__Header *)message;
            ret->event_id = header->event_id;
            ret->dossier_id = header->dossier_id;
            type = type_by_number((uint32_t)header->type);
        }
    }
    if (type != NULL) {
        ret->type = type->name;
        ret->family = type->family;
    }
    return 0;
}

/* Hands on one delivery. Negative: not taken. */
static int
delivery_handle(struct wici *w, struct subscription *s, const uint8_t *data, size_t len)
{
    struct wici_event event;
    int rc = delivery_open(w, data, len, &event);

    if (rc != 0)
        return rc;
    if (event.seq > s->seen) {
        uint64_t seen = s->seen, link_seen = s->link_seen;

        s->seen = event.seq; /* first, so that fn may acknowledge it */
        if (event.seq > s->link_seen)
            s->link_seen = event.seq;
        rc = s->fn(s->arg, &event);
        w->callers = rc < 0;
        if (rc < 0) {
            s->seen = seen > s->acked ? seen : s->acked;
            s->link_seen = link_seen > s->link_acked ? link_seen : s->link_acked;
            return rc;
        }
        if (s->ack_each)
            s->acked = event.seq;
    } else if (event.seq > s->link_seen) {
        s->link_seen = event.seq;
    }
    return 0;
}

/* Goes on with the batch that is held, as far as the application takes its events. */
int
subscribe_batch(struct wici *w)
{
    struct subscription *s = subscription_find(w, w->batch_subscription);
    int rc = 0;

    while (w->batch_held) {
        struct scan before = w->batch_rest;
        struct scan_field field;

        rc = scan_next(&w->batch_rest, &field);
        if (rc <= 0)
            break;
        if (field.number == 1 && field.wire == SCAN_VARINT) {
            w->batch_subscription = (uint32_t)field.value;
            s = subscription_find(w, w->batch_subscription);
        } else if (field.number == 2 && field.wire == SCAN_BYTES && s != NULL && !s->ended) {
            rc = delivery_handle(w, s, field.data, field.len);
            if (rc == -EBADMSG && !w->callers)
                break;
            if (rc < 0) {
                w->batch_rest = before; /* the same again next time */
                ack_flush(w, s);
                return rc;
            }
        }
    }
    if (s != NULL && !s->ended)
        s->unacked += zmq_msg_size(&w->batch);
    if (w->batch_held)
        batch_close(w);
    if (s != NULL && !s->ended && s->unacked >= (s->window_bytes != 0 ? s->window_bytes : WIRE_WINDOW_MAX) / 4)
        ack_flush(w, s);
    return rc < 0 ? rc : 0;
}

void
subscribe_rest(struct wici *w)
{
    struct subscription *s;

    TAILQ_FOREACH(s, &w->subscriptions, link)
    {
        if (!s->ended && s->unacked > 0)
            ack_flush(w, s);
    }
}

int
subscribe_positions(struct wici *w, const Wici__V1__Positions *positions)
{
    uint64_t head = positions->head != NULL ? positions->head->seq : 0;

    for (size_t i = 0; i < positions->n_positions; i++) {
        const Wici__V1__SubscriptionPosition *position = positions->positions[i];
        struct subscription *s = subscription_find(w, position->subscription);

        if (s == NULL)
            continue;
        if (position->seq > s->link_seen)
            s->link_seen = position->seq;
        if (position->seq > s->seen) {
            /* Everything before was taken, so this much is done as well. */
            if (s->ack_each && s->acked == s->seen)
                s->acked = position->seq;
            s->seen = position->seq;
        }
        if (s->ack_each && s->acked < s->seen && s->seen == s->link_seen)
            s->acked = s->seen;
        ack_flush(w, s);
        if (s->position_fn != NULL)
            s->position_fn(s->arg, position->seq, head);
    }
    return 0;
}

void
subscribe_refused(struct wici *w, uint32_t id, const Wici__V1__Refusal *refusal)
{
    struct subscription *s = subscription_find(w, id);
    enum error_code code = refusal != NULL ? error_by_name(refusal->code) : E_NONE;

    if (s == NULL)
        return;
    if (s->link_up && code == E_REQUEST)
        return; /* an acknowledgement it could not place: the subscription goes on */
    error_set_refusal(&w->error, refusal);
    s->ended = true;
    w->subscription_count--;
    if (s->ended_fn != NULL)
        s->ended_fn(s->arg, &w->error.view);
}

int
wici_subscribe(struct wici *w, const struct wici_subscribe_options *options, wici_event_fn *fn, void *arg,
               uint32_t *ret_id)
{
    struct subscription *s;
    int rc;

    if (fn == NULL)
        return -EINVAL;
    if (w->subscription_count >= SUBSCRIPTIONS_PER_SESSION_MAX)
        return -ENOSPC;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->from_seq = options->from_seq;
    s->live = options->live != 0;
    s->ack_each = options->ack_each != 0;
    s->window_bytes = options->window_bytes;
    s->position_fn = options->position_fn;
    s->begun_fn = options->begun_fn;
    s->ended_fn = options->ended_fn;
    s->fn = fn;
    s->arg = arg;
    rc = strings_copy(options->dossiers, &s->dossiers, &s->dossier_count);
    if (rc == 0)
        rc = strings_copy(options->families, &s->families, &s->family_count);
    if (rc == 0 && options->cursor != NULL && options->cursor[0] != '\0') {
        s->cursor = strdup(options->cursor);
        rc = s->cursor == NULL ? -ENOMEM : 0;
    }
    if (rc == 0 && options->from_time != NULL) {
        s->from_time = strdup(options->from_time);
        rc = s->from_time == NULL ? -ENOMEM : 0;
    }
    if (rc != 0) {
        subscription_free(s);
        return rc;
    }
    s->id = w->next_subscription++;
    TAILQ_INSERT_TAIL(&w->subscriptions, s, link);
    w->subscription_count++;
    if (ret_id != NULL)
        *ret_id = s->id;
    if (w->phase == PHASE_UP) {
        subscription_send(w, s);
        client_wake(w);
    }
    return 0;
}

int
wici_ack(struct wici *w, uint32_t id, uint64_t seq)
{
    struct subscription *s = subscription_find(w, id);

    if (s == NULL)
        return -ENOENT;
    if (seq > s->seen)
        return -EINVAL;
    if (seq <= s->acked)
        return 0;
    s->acked = seq;
    ack_flush(w, s);
    client_wake(w);
    return 0;
}

int
wici_unsubscribe(struct wici *w, uint32_t id)
{
    struct subscription *s = subscription_find(w, id);
    Wici__V1__ClientMessage message;
    Wici__V1__Unsubscribe unsubscribe;

    if (s == NULL)
        return -ENOENT;
    s->ended = true;
    w->subscription_count--;
    if (w->phase == PHASE_UP) {
        wici__v1__client_message__init(&message);
        wici__v1__unsubscribe__init(&unsubscribe);
        unsubscribe.subscription = id;
        message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_UNSUBSCRIBE;
        message.unsubscribe = &unsubscribe;
        client_send_message(w, &message);
    }
    if (!w->busy)
        subscribe_sweep(w);
    return 0;
}
