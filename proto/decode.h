/*
 * decode - the bytes of a message into protobuf-c's structure, strictly and in one pass
 *
 * Takes what protobuf_c_message_unpack takes, and refuses what hides something from who reads the result: a NUL inside
 * a string, a second value of a field that may have one, a field number that other decoders do not take, messages
 * nested deeper than EVENT_DEPTH_MAX. Fields that the descriptor does not know are passed over.
 *
 * Ownership: the result lies in the arena, but for fields of type bytes, which point into the bytes that were decoded:
 * both must outlive it. It is never freed by protobuf-c. Threads: any, each with its own arena.
 */
#ifndef WICI_DECODE_H
#define WICI_DECODE_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * text: strings must be UTF-8, too; for messages whose fields are not checked one by one (event.h).
 *   -EBADMSG  these bytes are no such message
 *   -ENOMEM   the arena is used up
 */
int decode_message(const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len, bool text,
                   struct arena *arena, ProtobufCMessage **ret);

#endif
