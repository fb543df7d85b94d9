/*
 * fill - bodies and sections filled at random from the registry (proto/types.h)
 *
 * What must be there is, other fields now and then. Units, persons, dossiers and references that a body names are those
 * of the town and of the dossiers in use, documents nearly always such as somebody uploads. The first text of a section
 * holds its mark (saids.h).
 *
 * Ownership: all of it lives until the next fill_begin(). Threads: one.
 */
#ifndef SIM_FILL_H
#define SIM_FILL_H

#include "proto/event.h"
#include "tests/sim/town.h"

/* Begins an event that will have this number, in this dossier ("": none), of this unit (NULL: a command). */
void fill_begin(uint32_t index, const char *dossier, const struct town_unit *unit);
/* The event being made ties its dossier to this one, merged with it as a rule. */
void fill_tie(const char *dossier);
struct arena *fill_arena(void);
void *fill_room(size_t size);
char *fill_text(const char *text);

/* Sections for an event of the type; returns how many. */
size_t fill_sections(const struct type_info *type, struct bytes *ret);
/* An empty section of the class; returns its body. */
ProtobufCMessage *fill_section(Wici__V1__Section *section, const struct type_info *type, unsigned cls);
struct bytes fill_pack(const ProtobufCMessage *message);

char *fill_unit(void); /* or an agency */
char *fill_day(void);  /* yesterday, or until the day after tomorrow */
bool fill_is_among(const char *word, const char *words);

#endif
