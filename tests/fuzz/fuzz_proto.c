/*
 * fuzz_proto - any bytes at all, as an event and as JSON
 *
 * With clang and -DWICI_FUZZ=ON this is a libFuzzer target: fuzz_proto CORPUS_DIR. Otherwise fuzz_replay.c gives it the
 * corpus and what becomes of that by a fixed series of small changes.
 */
#include "proto/decode.h"
#include "proto/event.h"
#include "proto/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool fact)
{
    if (!fact)
        abort();
}

/* As the broker takes an event; what it took must also read back, and survive a turn through JSON. */
static void
event_try(struct arena *arena, const uint8_t *data, size_t size)
{
    static struct event event;
    Wici__V1__Event *parts = wici__v1__event__unpack(arena_allocator(arena), size, data);
    struct bytes sections[EVENT_SECTIONS_MAX];
    struct refusal refusal = {.code = E_NONE};
    ProtobufCMessage *back = NULL;
    json_t *json;

    if (parts == NULL || parts->n_sections > EVENT_SECTIONS_MAX)
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

static void
json_try(struct arena *arena, const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    ProtobufCMessage *message = NULL;
    struct refusal refusal = {.code = E_NONE};
    json_t *back;

    if (json != NULL && json_to_message(json, desc, arena, &message, &refusal) == 0) {
        back = json_from_message(message);
        must(back != NULL);
        json_decref(back);
    }
    json_decref(json);
}

/* The bytes of a message as JSON text, which is where the changes to the corpus start from. What the broker's decoder
 * takes, protobuf-c takes. */
static void
message_try(struct arena *arena, const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t size)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(desc, arena_allocator(arena), size, data), *decoded;
    bool taken = decode_message(desc, data, size, false, arena, &decoded) == 0;
    json_t *json = message == NULL ? NULL : json_from_message(message); /* NULL too where a text is not UTF-8 */

    must(message != NULL || !taken);
    json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;

    must(arena != NULL || arena_create(&arena, DECODE_ARENA_SIZE) == 0);
    arena_reset(arena);
    event_try(arena, data, size);
    arena_reset(arena);
    json_try(arena, &wici__v1__event_document__descriptor, data, size);
    arena_reset(arena);
    json_try(arena, &wici__v1__client_message__descriptor, data, size);
    arena_reset(arena);
    message_try(arena, &wici__v1__event_document__descriptor, data, size);
    arena_reset(arena);
    message_try(arena, &wici__v1__broker_message__descriptor, data, size);
    return 0;
}
