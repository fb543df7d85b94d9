/*
 * sequence - gives each event its place: position, time and seed are drawn here and nowhere else
 *
 * The one way into the log. An event of a publisher is looked up by its id (a repeat gets its first answer again),
 * decided by the core, appended and applied; the broker's own records are appended and applied. The caller commits.
 *
 * Errors: 0 or -errno. Anything but what is named beside a function means that log and state may have parted: latch.
 * Threads: the broker's only.
 */
#ifndef BROKER_SEQUENCE_H
#define BROKER_SEQUENCE_H

#include "broker/core/core.h"
#include "broker/documents.h"
#include "broker/record.h"
#include "store/store.h"

#define SEQUENCE_KEEP_MAX (8u << 20) /* bytes of memory that kept records may take */

struct sequence;

/* Called for each record appended and applied, while its event lives. */
typedef int sequence_fn(void *arg, const struct record *record);

/* documents: what waits to be named by events; NULL: nothing does. */
int sequence_create(struct sequence **ret, struct store *store, struct core *core, struct documents *documents,
                    sequence_fn *appended, void *arg);
void sequence_destroy(struct sequence **sequence);

/* What became of one event. */
struct answer {
    char event_id[37];      /* "" when it cannot be made out */
    struct bytes receipt;   /* a Receipt, packed; data NULL: refused */
    struct refusal refusal; /* code E_NONE: taken */
};

/*
 * Takes one event of a unit and fills its answer, whose receipt lives in `reply` as long as that arena is not reset.
 * now_ms: the wall clock. bare: a receipt without digests and slots. Always gives an answer unless it returns an error.
 */
int sequence_take(struct sequence *sequence, uint32_t unit, const Wici__V1__Event *event, uint64_t now_ms, bool bare,
                  struct arena *reply, struct answer *ret);

/*
 * Appends a record of the broker's own (sys.event_rejected and the like): `body` is a Section with its oneof set, as
 * actor "broker". entry: STORE_CLEAR_ENTRY or a key entry that is no dossier's.
 */
int sequence_own(struct sequence *sequence, Wici__V1__Section *body, uint32_t entry, uint64_t now_ms);

/*
 * For a sequence_fn: keeps the record it was called with until sequence_release(), so that nobody need read it back.
 * NULL: there is no room for it now.
 */
const struct record *sequence_keep(struct sequence *sequence);
/* All that was kept is gone. */
void sequence_release(struct sequence *sequence);

/* Puts the key entry taken from the store for a purpose of the broker's own. -ENOSPC: none to be had. */
int sequence_entry(struct sequence *sequence, uint32_t *ret_entry);

#endif
