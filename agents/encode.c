/* encode - events, receipts and deliveries as JSON, and back */
#include "agents/client.h"

#include "proto/decode.h"
#include "proto/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t
clock_ms(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

uint64_t
client_boot_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}

uint64_t
wici_time_ms(const struct wici *w)
{
    uint64_t wall = clock_ms(CLOCK_REALTIME), broker;

    if (w == NULL || w->broker_ms == 0)
        return wall;
    broker = w->broker_ms + (client_boot_ms() - w->broker_at_ms);
    return (wall > broker ? wall - broker : broker - wall) > CLIENT_CLOCK_OFF_MS ? broker : wall;
}

static int
uuid7_draw(const struct wici *w, char ret[37])
{
    uint8_t random[10], id[16];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -EIO;
    uuid7_make(wici_time_ms(w), random, id);
    uuid_format(id, ret);
    return 0;
}

static bool
json_is_blank(const json_t *value)
{
    return value == NULL || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

/* Fills in what the sender left out. Names may be spelt either way, as proto3 JSON allows. */
static int
header_fill(const struct wici *w, json_t *header)
{
    json_t *actor = json_object_get(header, "actor");
    char text[TIME_TEXT_SIZE > 37 ? TIME_TEXT_SIZE : 37];

    if (json_is_blank(json_object_get(header, "eventId")) && json_is_blank(json_object_get(header, "event_id"))) {
        int rc = uuid7_draw(w, text);

        if (rc != 0)
            return rc;
        json_object_del(header, "event_id");
        if (json_object_set_new(header, "eventId", json_string(text)) != 0)
            return -ENOMEM;
    }
    if (json_is_blank(json_object_get(header, "occurredAt")) && json_is_blank(json_object_get(header, "occurred_at"))) {
        time_format(wici_time_ms(w), text);
        json_object_del(header, "occurred_at");
        if (json_object_set_new(header, "occurredAt", json_string(text)) != 0)
            return -ENOMEM;
    }
    if (w == NULL || w->welcome == NULL)
        return 0;
    if (actor == NULL) {
        actor = json_object();
        if (json_object_set_new(header, "actor", actor) != 0)
            return -ENOMEM;
    }
    if (!json_is_object(actor))
        return 0; /* json_to_message says what is wrong */
    if (json_is_blank(json_object_get(actor, "agency")) &&
        json_object_set_new(actor, "agency", json_string(w->agency)) != 0)
        return -ENOMEM;
    if (json_is_blank(json_object_get(actor, "unit")) && json_object_set_new(actor, "unit", json_string(w->unit)) != 0)
        return -ENOMEM;
    return 0;
}

/* Checks the bytes that will be published as the broker will: the same code, before the journey. */
static int
event_check(const uint8_t *data, size_t len, struct arena *arena, struct refusal *refusal)
{
    struct bytes sections[EVENT_SECTIONS_MAX];
    struct event event;
    Wici__V1__Event *wire = wici__v1__event__unpack(arena_allocator(arena), len, data);

    if (wire == NULL)
        return -ENOMEM;
    if (wire->n_sections > EVENT_SECTIONS_MAX) {
        *refusal = (struct refusal){.code = E_SECTION, .path = "sections"};
        return -EBADMSG;
    }
    for (size_t i = 0; i < wire->n_sections; i++)
        sections[i] = (struct bytes){.data = wire->sections[i].data, .len = wire->sections[i].len};
    return event_decode(&event, (struct bytes){.data = wire->header.data, .len = wire->header.len}, sections,
                        wire->n_sections, arena, refusal);
}

static int
json_encode(struct wici *w, json_t *json, struct arena *arena, uint8_t **ret, size_t *ret_len, struct refusal *refusal)
{
    ProtobufCMessage *document;
    json_t *header = json_object_get(json, "header");
    uint8_t *data;
    size_t len;
    int rc;

    if (json_is_object(header)) {
        rc = header_fill(w, header);
        if (rc != 0)
            return rc;
    }
    rc = json_to_message(json, &wici__v1__event_document__descriptor, arena, &document, refusal);
    if (rc != 0)
        return rc;
    len = protobuf_c_message_get_packed_size(document);
    if (len > KEEP_EVENT_MAX) {
        *refusal = (struct refusal){.code = E_SIZE};
        return -EBADMSG;
    }
    data = malloc(len + 1);
    if (data == NULL)
        return -ENOMEM;
    protobuf_c_message_pack(document, data);
    rc = event_check(data, len, arena, refusal);
    if (rc != 0) {
        free(data);
        return rc;
    }
    *ret = data;
    *ret_len = len;
    return 0;
}

int
wici_encode_json(struct wici *w, const char *text, uint8_t **ret, size_t *ret_len, char **ret_error)
{
    struct refusal refusal = {.code = E_NONE};
    struct arena *arena = w != NULL ? w->encode_arena : NULL;
    json_error_t error;
    json_t *json = NULL;
    int rc = 0;

    if (arena == NULL) {
        rc = arena_create(&arena, DECODE_ARENA_SIZE);
        if (rc != 0)
            return rc;
        if (w != NULL)
            w->encode_arena = arena;
    }
    arena_reset(arena);
    json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        refusal.code = E_JSON;
        snprintf(refusal.path, sizeof refusal.path, "line %d", error.line);
        rc = -EBADMSG;
    } else {
        rc = json_encode(w, json, arena, ret, ret_len, &refusal);
    }
    if (rc == -EBADMSG) {
        rc = -EPROTO;
        if (w != NULL)
            error_set_code(&w->error, refusal.code, refusal.path);
        if (ret_error != NULL && asprintf(ret_error, "%s %s: %s / %s", error_name(refusal.code), refusal.path,
                                          error_text(refusal.code, true), error_text(refusal.code, false)) < 0) {
            *ret_error = NULL;
            rc = -ENOMEM;
        }
    }
    json_decref(json);
    if (w == NULL)
        arena_destroy(&arena);
    return rc;
}

static int
json_take(json_t *json, char **ret)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (text == NULL)
        return -ENOMEM;
    *ret = text;
    return 0;
}

int
wici_welcome_json(const struct wici *w, char **ret)
{
    Wici__V1__Welcome *welcome;
    int rc;

    if (w->welcome == NULL)
        return -ENOTCONN;
    welcome = wici__v1__welcome__unpack(NULL, w->welcome_len, w->welcome);
    if (welcome == NULL)
        return -ENOMEM;
    rc = json_take(json_from_message(&welcome->base), ret);
    wici__v1__welcome__free_unpacked(welcome, NULL);
    return rc;
}

/* ---- a delivery */

/* As strictly as the broker decoded it, and as cheaply: protobuf-c keeps each field that it does not know, and an
 * author may have put in as many as there is room for. */
static int
part_json(const Wici__V1__Disclosed *part, struct arena *arena, json_t **ret)
{
    const ProtobufCMessageDescriptor *desc;
    ProtobufCMessage *message;
    int rc;

    switch (part->slot->section_id % 10) {
    case TYPE_CLASS_HEADER: desc = &wici__v1__header__descriptor; break;
    case TYPE_CLASS_NOTE: desc = &wici__v1__broker_note__descriptor; break;
    default: desc = &wici__v1__section__descriptor; break;
    }
    arena_reset(arena); /* each part has the room that it had at the broker */
    rc = decode_message(desc, part->body.data, part->body.len, true, arena, &message);
    if (rc != 0)
        return rc;
    *ret = json_from_message(message);
    return *ret == NULL ? -ENOMEM : 0;
}

static int
part_add(json_t *json, json_t *sections, const Wici__V1__Disclosed *part, struct arena *arena)
{
    json_t *value = NULL;
    int rc = part_json(part, arena, &value);

    if (rc != 0)
        return rc;
    if (part->slot->section_id % 10 == TYPE_CLASS_HEADER)
        rc = json_object_set_new(json, "header", value);
    else if (part->slot->section_id % 10 == TYPE_CLASS_NOTE)
        rc = json_object_set_new(json, "note", value);
    else
        rc = json_array_append_new(sections, value);
    return rc == 0 ? 0 : -ENOMEM;
}

static int
delivery_json(const Wici__V1__Delivery *delivery, struct arena *arena, json_t **ret)
{
    json_t *json = json_pack("{s:I,s:I}", "seq", (json_int_t)delivery->seq, "tsMs", (json_int_t)delivery->ts_ms);
    json_t *sections = json_array(), *withheld = json_array();
    uint32_t open = 0;
    int rc = json == NULL || sections == NULL || withheld == NULL ? -ENOMEM : 0;

    for (size_t i = 0; rc == 0 && i < delivery->n_parts; i++) {
        const Wici__V1__Disclosed *part = delivery->parts[i];

        if (part->slot == NULL || part->slot->slot >= EVENT_SLOTS_MAX)
            continue;
        open |= 1u << part->slot->slot;
        rc = part_add(json, sections, part, arena);
    }
    for (unsigned slot = 0; rc == 0 && slot < delivery->digests.len / 32 && slot < EVENT_SLOTS_MAX; slot++)
        if ((open & 1u << slot) == 0 && json_array_append_new(withheld, json_pack("{s:i}", "slot", (int)slot)) != 0)
            rc = -ENOMEM;
    if (rc == 0 &&
        (json_object_set(json, "sections", sections) != 0 || json_object_set(json, "withheld", withheld) != 0))
        rc = -ENOMEM;
    json_decref(sections);
    json_decref(withheld);
    if (rc == 0)
        *ret = json;
    else
        json_decref(json);
    return rc;
}

int
wici_event_json(const struct wici_event *event, char **ret)
{
    struct arena *outer = NULL, *arena = NULL;
    ProtobufCMessage *delivery = NULL;
    json_t *json = NULL;
    int rc = arena_create(&outer, DECODE_ARENA_SIZE);

    if (rc == 0)
        rc = arena_create(&arena, DECODE_ARENA_SIZE);
    if (rc == 0)
        rc = decode_message(&wici__v1__delivery__descriptor, event->delivery, event->delivery_len, true, outer,
                            &delivery);
    if (rc == 0)
        rc = delivery_json((const Wici__V1__Delivery *)delivery, arena, &json);
    if (rc == 0)
        rc = json_take(json, ret);
    arena_destroy(&arena);
    arena_destroy(&outer);
    return rc;
}
