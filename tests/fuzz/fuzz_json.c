/*
 * fuzz_json - any bytes as the JSON of a message
 *
 * What was read must be written again, and read again as the same.
 */
#include "proto/event.h"
#include "proto/json.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

static void
json_try(struct arena *arena, const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL), *back = NULL, *again = NULL;
    ProtobufCMessage *message = NULL, *other = NULL;
    struct refusal refusal = {.code = E_NONE};
    int rc = json == NULL ? -1 : json_to_message(json, desc, arena, &message, &refusal);

    if (rc == 0) {
        back = json_from_message(message);
        must(back != NULL);
        rc = json_to_message(back, desc, arena, &other, &refusal);
        must(rc == 0 || rc == -ENOMEM);
        again = rc == 0 ? json_from_message(other) : NULL;
        must(again == NULL || json_equal(back, again) == 1);
    } else if (rc == -EBADMSG) {
        must(refusal.code == E_JSON);
        must(memchr(refusal.path, '\0', sizeof refusal.path) != NULL);
    }
    json_decref(again);
    json_decref(back);
    json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const descriptors[] = {
        &wici__v1__event_document__descriptor, &wici__v1__client_message__descriptor, &wici__v1__read__descriptor,
        &wici__v1__query__descriptor};
    static struct arena *arena;

    must(arena != NULL || arena_create(&arena, DECODE_ARENA_SIZE) == 0);
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) {
        arena_reset(arena);
        json_try(arena, descriptors[i], data, size);
    }
    return 0;
}
