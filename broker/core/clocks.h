/*
 * clocks - which deadlines run in a dossier, which were met, and what was told of them
 *
 * Worked out from the marks of the dossier and its family when it is asked: the dossiers merged with it, and those tied
 * to it by REFERRAL_OF (with what is merged with them). A clock belongs to the dossier whose record started it. What
 * ends it is the first record that meets, cancels or replaces it; met on which day is what that record says. Those of
 * agencies as a whole are agency_clocks.h; what is told of them is told as of the others.
 *
 * Pure; threads as core.h.
 */
#ifndef CORE_CLOCKS_H
#define CORE_CLOCKS_H

#include "broker/core/deciding.h"
#include "proto/limits.h"

/* Takes over what a record says, or corrects. acting: who says it (outside_acting). -ENOMEM */
int clocks_keep(struct core *core, const struct core_record *record, uint32_t dossier, uint32_t acting);
/* Takes over what the deadline watcher told; of an agency: dossier is not looked at. */
void clocks_told(struct core *core, const struct core_record *record, uint32_t dossier);

/* The dossiers in which the deadlines of one are looked for; the rest of a larger family is not looked at. */
struct kin {
    uint32_t at[CLOCK_FAMILY_MAX];
    size_t count;
    uint32_t says; /* acts and marks in them */
};
void clocks_kin(const struct dossiers *dossiers, uint32_t dossier, struct kin *ret);

/* The clock that a mark of the dossier, whose kin it is, starts; false: it starts none, or one that does not count. */
bool clocks_of(const struct core *core, const struct kin *kin, uint32_t dossier, const struct mark *start,
               struct core_clock *ret);
/* The same of one mark, by its number. */
bool clocks_at(const struct core *core, uint32_t dossier, uint16_t mark, struct core_clock *ret);

/*
 * The units that what is told of the clock goes to besides the holder and his office: those that were asked for what is
 * due, and who takes part and is to do it. After a loss nobody. At most CLOCK_OWING_MAX; returns how many.
 */
#define CLOCK_OWING_MAX (NOTE_LIST_MAX + 1u) /* as many as an event can be addressed to, and one who takes part */
size_t clocks_owing(const struct core *core, uint32_t dossier, const struct mark *start, const struct core_clock *clock,
                    uint32_t ret[CLOCK_OWING_MAX]);

/* A sys.deadline_*: there is such a clock, and this may be told of it now; whom it goes to, into the note. 0, -EACCES
 * (the refusal says why) */
int clocks_decide(struct deciding *d);
/* What an event asks for that the fold cannot read back without its sections: into the note. */
void clocks_note(struct deciding *d);

#endif
