/*
 * types_table - the data behind types.h, which gen_types.py writes at build time
 *
 * Messages are in ascending order of short name, types in ascending order of number.
 */
#ifndef WICI_TYPES_TABLE_H
#define WICI_TYPES_TABLE_H

#include "types.h"

extern const struct message_info types_messages[];
extern const size_t types_messages_count;
extern const struct message_info *const types_header; /* the two that every event has */
extern const struct message_info *const types_section;
extern const struct type_info types_types[];
extern const size_t types_types_count;

#endif
