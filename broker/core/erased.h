/*
 * erased - what the state keeps of dossiers whose content was ordered to be destroyed
 *
 * Of a dossier nothing is kept but a mark, the first 16 bytes of a digest of its id: by it who still has the id is told
 * that there is nothing any more, if a notice went to him, and nobody opens the dossier a second time. The mark comes
 * with the record of the intent (sys.erasure_intended), the units with the notices (sys.erasure_notified).
 *
 * Errors: 0 or -ENOMEM. Threads: one at a time.
 */
#ifndef CORE_ERASED_H
#define CORE_ERASED_H

#include "broker/core/directory.h"
#include "proto/erasedmark.h"

#define ERASED_NONE UINT32_MAX

struct erasure {
    uint64_t seq; /* of the first record of the intent */
    bool done;
    struct numbers entries;   /* of the keys */
    struct numbers told;      /* units, ascending */
    struct numbers confirmed; /* of them, those that said what became of their copies */
};

struct erased_mark {
    uint8_t mark[ERASED_MARK_SIZE];
    uint32_t erasure, entry; /* of the key; 0: this log has none */
};

struct erased {
    struct erasure *at;
    uint32_t count, cap;
    struct erased_mark *marks; /* ascending */
    uint32_t mark_count, mark_cap;
};

void erased_clear(struct erased *erased);

int erased_intend(struct erased *erased, uint64_t seq, const Wici__V1__SysErasureIntendedS0 *body);
int erased_tell(struct erased *erased, uint64_t seq, uint32_t unit);
void erased_finish(struct erased *erased, uint64_t seq);
int erased_confirm(struct erased *erased, uint64_t seq, uint32_t unit);

/* The erasure that began with this record; NULL: none did. */
const struct erasure *erased_at(const struct erased *erased, uint64_t seq);

/* The mark of a key entry that an intent names; NULL: none. */
const uint8_t *erased_entry_mark(const struct erased *erased, uint32_t entry);
/* Does an intent name that mark, or, where it is not 0, that key entry? */
bool erased_is_known(const struct erased *erased, uint32_t entry, const uint8_t mark[ERASED_MARK_SIZE]);

/* The erasure of the dossier with that id; NULL: it was not erased. */
const struct erasure *erased_find(const struct erased *erased, const uint8_t dossier_id[16]);

#endif
