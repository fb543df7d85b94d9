/*
 * rules - what the procedure looks for in the state, for deciding and for telling
 *
 * Questions only: nothing fails and nothing is changed. Threads: one at a time.
 */
#ifndef CORE_RULES_H
#define CORE_RULES_H

#include "broker/core/groups.h"

/* The thing with that id in the dossier, one merged with it, or one tied to it by REFERRAL_OF; THING_NONE. */
uint32_t rules_thing(const struct dossiers *dossiers, uint32_t dossier, enum machine_kind machine,
                     const uint8_t ref[16]);
/* The dossier in which sections, said in this one, rest on that consent of another dossier is known there (or does not
 * count: they are one); *ret_known: how many such dossiers the other knows. */
bool rules_rests_known(const struct dossiers *dossiers, uint32_t dossier, uint32_t consent, size_t *ret_known);
/* A unit other than this one holds the dossier or has to answer it. */
bool rules_others(const struct dossiers *dossiers, uint32_t dossier, uint32_t unit, uint64_t now_ms);
/* A consent, an order or an application that a first contact on that day could rest on. */
bool rules_basis(const struct dossiers *dossiers, uint32_t dossier, int32_t day);
/* The first 64 bits of a digest written in hexadecimal. */
uint64_t rules_document(const char *sha256);

#endif
