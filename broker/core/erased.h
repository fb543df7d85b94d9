/*
 * erased - what the state keeps of dossiers whose content was ordered to be destroyed
 *
 * Of a dossier nothing is kept but a mark, the first 16 bytes of a digest of its id: by it who still has the id is told
 * that there is nothing any more, if a notice went to him, and nobody opens the dossier a second time. The mark comes
 * with the record of the intent (sys.erasure_intended), the units with the notices (sys.erasure_notified), and what
 * became of their copies as they say it (sys.erasure_confirmed).
 *
 * Errors: 0 or -ENOMEM. Threads: one at a time.
 */
#ifndef CORE_ERASED_H
#define CORE_ERASED_H

#include "broker/core/directory.h"
#include "proto/erasedmark.h"

#define ERASED_NONE        UINT32_MAX
#define ERASED_DATE_SIZE   11u
#define ERASED_REASON_SIZE 33u
#define ERASED_DESTROYED   "DESTROYED" /* sys.erasure_confirmed, how */
#define ERASED_KEPT        "KEPT_BY_LAW"

/* A unit with a notice. */
struct erased_told {
    uint32_t unit;
    uint64_t seq, ts_ms;                /* of its first notice */
    uint64_t records, from_seq, to_seq; /* that it was, or may have been, given; over all its notices */
    uint64_t said_seq, said_ms;         /* of the record that says what became of its copies; 0: it has not said */
    char said_on[ERASED_DATE_SIZE];     /* the day that the unit names */
    char *law;                          /* by which it keeps them; NULL: they are destroyed, or it has not said */
};

struct erasure {
    uint64_t seq, ts_ms; /* of the first record of the intent */
    uint64_t done_seq;   /* 0: it is not done */
    char reason[ERASED_REASON_SIZE];
    struct numbers entries;   /* of the keys */
    struct erased_told *told; /* ascending units */
    uint32_t told_count, told_cap;
    uint32_t destroyed, kept; /* of them, those that said so */
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

/* Of a record: its number and time, and what it says. One that names no intent, or no unit that was told, changes
 * nothing; nor does a second word of the same unit. */
int erased_intend(struct erased *erased, uint64_t seq, uint64_t ts_ms, const Wici__V1__SysErasureIntendedS0 *body);
int erased_tell(struct erased *erased, uint64_t seq, uint64_t ts_ms, uint32_t unit,
                const Wici__V1__SysErasureNotifiedS0 *body);
void erased_finish(struct erased *erased, uint64_t seq, const Wici__V1__SysErasureDoneS0 *body);
int erased_confirm(struct erased *erased, uint64_t seq, uint64_t ts_ms, uint32_t unit,
                   const Wici__V1__SysErasureConfirmedS0 *body);

/* The erasure that began with this record; NULL: none did. */
const struct erasure *erased_at(const struct erased *erased, uint64_t seq);
/* What a unit was told of it; NULL: nothing. */
const struct erased_told *erased_told_of(const struct erasure *erasure, uint32_t unit);

/* The mark of a key entry that an intent names; NULL: none. */
const uint8_t *erased_entry_mark(const struct erased *erased, uint32_t entry);
/* Does an intent name that mark, or, where it is not 0, that key entry? */
bool erased_is_known(const struct erased *erased, uint32_t entry, const uint8_t mark[ERASED_MARK_SIZE]);

/* The erasure of the dossier with that id; NULL: it was not erased. */
const struct erasure *erased_find(const struct erased *erased, const uint8_t dossier_id[16]);

#endif
