/*
 * json_tool - the JSON mapping and the registry's judgement, on standard input and output
 *
 *     json_tool to-json MESSAGE    protobuf bytes in, JSON out
 *     json_tool to-bytes MESSAGE   JSON in, protobuf bytes out
 *     json_tool check              bytes of an EventDocument in
 *
 * MESSAGE is the short name of any message that events or the wire are made of. Exit status 1: refused, and standard
 * error says "CODE path"; 2: used wrongly.
 */
#include "proto/event.h"
#include "proto/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (4u << 20)

static uint8_t input[INPUT_MAX];

static const ProtobufCMessageDescriptor *
message_find(const ProtobufCMessageDescriptor *desc, const char *name)
{
    const ProtobufCMessageDescriptor *found = strcmp(desc->short_name, name) == 0 ? desc : NULL;

    for (unsigned i = 0; found == NULL && i < desc->n_fields; i++)
        if (desc->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            found = message_find(desc->fields[i].descriptor, name);
    return found;
}

static const ProtobufCMessageDescriptor *
message_by_name(const char *name)
{
    const ProtobufCMessageDescriptor *roots[] = {
        &wici__v1__event_document__descriptor, &wici__v1__client_message__descriptor,
        &wici__v1__broker_message__descriptor, &wici__v1__broker_note__descriptor};
    const ProtobufCMessageDescriptor *found = NULL;

    for (size_t i = 0; found == NULL && i < sizeof roots / sizeof roots[0]; i++)
        found = message_find(roots[i], name);
    return found;
}

static int
refused(const struct refusal *refusal)
{
    fprintf(stderr, "%s %s\n", error_name(refusal->code), refusal->path);
    return 1;
}

static int
to_json(const ProtobufCMessageDescriptor *desc, struct bytes bytes, struct arena *arena)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(desc, arena_allocator(arena), bytes.len, bytes.data);
    struct refusal refusal = {.code = E_DECODE};
    json_t *json;
    int rc = 1;

    if (message == NULL)
        return refused(&refusal);
    json = json_from_message(message);
    if (json != NULL && json_dumpf(json, stdout, JSON_INDENT(2)) == 0)
        rc = 0;
    json_decref(json);
    return rc;
}

static int
to_bytes(const ProtobufCMessageDescriptor *desc, struct bytes bytes, struct arena *arena)
{
    json_t *json = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    struct refusal refusal = {.code = E_JSON};
    ProtobufCMessage *message = NULL;
    uint8_t *packed = NULL;
    size_t len;
    int rc = 1;

    if (json == NULL || json_to_message(json, desc, arena, &message, &refusal) != 0) {
        refused(&refusal);
        goto out;
    }
    len = protobuf_c_message_get_packed_size(message);
    packed = malloc(len + 1);
    if (packed == NULL)
        goto out;
    protobuf_c_message_pack(message, packed);
    if (fwrite(packed, 1, len, stdout) == len)
        rc = 0;
out:
    free(packed);
    json_decref(json);
    return rc;
}

/* An EventDocument and an Event are the same bytes: as an Event, its parts stay as they were written. */
static int
check(struct bytes bytes, struct arena *arena)
{
    static struct event event;
    Wici__V1__Event *parts = wici__v1__event__unpack(arena_allocator(arena), bytes.len, bytes.data);
    struct bytes sections[EVENT_SECTIONS_MAX + 1];
    struct refusal refusal = {.code = E_DECODE};
    size_t count;

    if (parts == NULL)
        return refused(&refusal);
    count = parts->n_sections <= EVENT_SECTIONS_MAX ? parts->n_sections : EVENT_SECTIONS_MAX + 1;
    for (size_t i = 0; i < count; i++)
        sections[i] = (struct bytes){parts->sections[i].data, parts->sections[i].len};
    if (event_decode(&event, (struct bytes){parts->header.data, parts->header.len}, sections, count, arena, &refusal))
        return refused(&refusal);
    return 0;
}

int
main(int argc, char **argv)
{
    struct bytes bytes = {input, fread(input, 1, sizeof input, stdin)};
    const ProtobufCMessageDescriptor *desc = argc == 3 ? message_by_name(argv[2]) : NULL;
    struct arena *arena = NULL;
    int rc = 2;

    if (arena_create(&arena, DECODE_ARENA_SIZE) != 0)
        return 1;
    if (argc == 2 && strcmp(argv[1], "check") == 0)
        rc = check(bytes, arena);
    else if (desc != NULL && strcmp(argv[1], "to-json") == 0)
        rc = to_json(desc, bytes, arena);
    else if (desc != NULL && strcmp(argv[1], "to-bytes") == 0)
        rc = to_bytes(desc, bytes, arena);
    else
        fprintf(stderr, "usage: json_tool to-json|to-bytes MESSAGE, or json_tool check\n");
    arena_destroy(&arena);
    return rc;
}
