/*
 * member - one member of an object of proto3 JSON, read
 *
 * A broker's answers and events come as JSON in which fields at their default are left out and numbers of 64 bits are
 * texts (proto/json.h). What is missing, or of another kind, reads as the default; object may be NULL.
 *
 * Ownership: a text lives as long as the object. Threads: any.
 */
#ifndef PROTO_MEMBER_H
#define PROTO_MEMBER_H

#include <jansson.h>
#include <stdint.h>

/* "" where there is none. */
const char *member_text(const json_t *object, const char *name);

/* 0 where there is none, where it is negative, and where the text does not begin with a number. */
uint64_t member_number(const json_t *object, const char *name);

#endif
