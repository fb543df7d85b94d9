/*
 * test_damage_kit - damage, done to the files of a closed store
 */
#ifndef TEST_DAMAGE_KIT_H
#define TEST_DAMAGE_KIT_H

#include "tests/unit/test_store_kit.h"

#include <sys/types.h>

#define RECORDS 300u /* more than are looked at when opening */
#define OLD     3u   /* a record that is not */
#define LEAF    (33u + 32u * KIT_SLOTS)

/* A number as the store's keys have it; returns its size. */
size_t damage_key(uint8_t ret[8], uint64_t v);
/* Where these bytes begin in the file, for the last time: pages that LMDB gave up lie before, mostly. */
off_t damage_find(const char *dir, const char *name, const uint8_t *bytes, size_t len);
/* Flips a bit there. */
void damage_flip(const char *dir, const char *name, off_t at);
void damage_put(const char *dir, const char *name, off_t at, const void *bytes, size_t len);

/* A closed log of RECORDS records of one dossier, or of none. */
void damage_fill(struct kit *kit, bool sealed);
int damage_read(struct kit *kit, uint64_t seq, struct store_row *row);
/* It does not open, and what is said names the place. */
void damage_refused(struct kit *kit, const char *place);

#endif
