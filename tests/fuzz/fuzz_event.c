/*
 * fuzz_event - any bytes as a message, and as an event
 *
 * What the strict decoder takes must be what protobuf-c reads in the same bytes; an event that was taken must also read
 * back from the log, and survive a turn through JSON.
 */
#include "proto/decode.h"
#include "proto/event.h"
#include "proto/json.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const descriptors[] = {
    &wici__v1__client_message__descriptor, &wici__v1__broker_message__descriptor, &wici__v1__event_document__descriptor,
    &wici__v1__section__descriptor,        &wici__v1__header__descriptor,         &wici__v1__broker_note__descriptor,
};

static void
decode_try(struct arena *arena, const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t size)
{
    ProtobufCMessage *strict = NULL, *loose;
    json_t *one, *other;

    if (decode_message(desc, data, size, true, arena, &strict) != 0)
        return;
    loose = protobuf_c_message_unpack(desc, arena_allocator(arena), size, data);
    if (loose == NULL)
        return; /* the arena held one of them; or protobuf-c is the stricter one, as with a field that is missing */
    one = json_from_message(strict);
    other = json_from_message(loose);
    must(one != NULL && other != NULL && json_equal(one, other) == 1);
    json_decref(one);
    json_decref(other);
}

/* As the broker takes an event. */
static void
event_try(struct arena *arena, const uint8_t *data, size_t size)
{
    static struct event event;
    struct bytes sections[EVENT_SECTIONS_MAX];
    struct refusal refusal = {.code = E_NONE};
    ProtobufCMessage *decoded = NULL, *back = NULL;
    const Wici__V1__Event *parts;
    json_t *json;

    if (decode_message(&wici__v1__event__descriptor, data, size, false, arena, &decoded) != 0)
        return;
    parts = (const Wici__V1__Event *)decoded;
    if (parts->n_sections > EVENT_SECTIONS_MAX)
        return;
    for (size_t i = 0; i < parts->n_sections; i++)
        sections[i] = (struct bytes){parts->sections[i].data, parts->sections[i].len};
    if (event_decode(&event, (struct bytes){parts->header.data, parts->header.len}, sections, parts->n_sections, arena,
                     &refusal) != 0) {
        must(refusal.code > E_NONE && refusal.code < ERROR_CODE_COUNT);
        return;
    }
    json = json_from_message(&event.header->base);
    must(json != NULL);
    must(json_to_message(json, event.header->base.descriptor, arena, &back, &refusal) == 0);
    must(protobuf_c_message_get_packed_size(back) <= event.header_bytes.len);
    json_decref(json);
    must(event_decode_stored(&event, event.header_bytes, sections, parts->n_sections, arena) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;

    must(arena != NULL || arena_create(&arena, DECODE_ARENA_SIZE) == 0);
    arena_reset(arena);
    event_try(arena, data, size);
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) {
        arena_reset(arena);
        decode_try(arena, descriptors[i], data, size);
    }
    return 0;
}
