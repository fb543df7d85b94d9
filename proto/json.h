/*
 * json - proto3 JSON of any message of ours
 *
 * Follows the JSON mapping of protobuf 3, as Python's google.protobuf.json_format writes and reads it: lowerCamelCase
 * names (the original names are read too), enums by name (numbers are read too), 64-bit integers as strings, bytes as
 * base64, fields at their default left out, null as "left out".
 *
 * Threads: any, each with its own arena.
 */
#ifndef WICI_JSON_H
#define WICI_JSON_H

#include "arena.h"
#include "errors.h"

#include <jansson.h>

/* NULL: no memory. The caller owns the result (json_decref). */
json_t *json_from_message(const ProtobufCMessage *message);

/*
 * Builds a message of type desc in the arena. -EBADMSG with *refusal: E_JSON and the path of the value that does not
 * fit; unknown names are refused (an adapter's typing error must not vanish). -ENOMEM: the arena is used up.
 */
int json_to_message(const json_t *json, const ProtobufCMessageDescriptor *desc, struct arena *arena,
                    ProtobufCMessage **ret, struct refusal *refusal);

#endif
