/*
 * Erasing a dossier in a kit, as the broker records it, and the state that a log with holes gives.
 */
#ifndef TEST_CORE_ERASE_KIT_H
#define TEST_CORE_ERASE_KIT_H

#include "test_core_kit.h"

/*
 * The intent to erase the dossier and those merged with it, and a notice to each of the units told. Fills ret with what
 * core_erase_group() said before, at most max; returns how many that were. The dossier must be known.
 */
size_t kit_erase(struct kit *k, const uint8_t dossier_id[16], const char *const *told, size_t told_count,
                 struct core_erase_member *ret, size_t max);
/* That key entry goes. */
bool kit_goes(const struct core_erase_member *members, size_t count, uint32_t entry);
/* The fold of the records, those left out that are gone: gone[i] is of records[i]. The caller destroys it. */
struct core *kit_fold_but(const struct kit *k, const bool *gone);

#endif
