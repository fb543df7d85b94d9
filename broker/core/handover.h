/*
 * handover - who holds a dossier asks another unit to carry on: referral.submitted(HAND_OVER) in a dossier of its own
 *
 * The referral names the dossier that is handed over and from which record on its history is given, on a ground. When
 * the other unit accepts, it is given that history, up to the acceptance. Inside one agency it then holds the dossier;
 * of another agency it opens one of its own (case.linked CONTINUED_FROM) and the old holder keeps his. A recall of the
 * referral or of the acceptance takes the history back. That the asker still holds is asked when it is accepted.
 *
 * Errors: 0 or -ENOMEM. Threads: one at a time.
 */
#ifndef CORE_HANDOVER_H
#define CORE_HANDOVER_H

#include "broker/core/state.h"

/* A referral.submitted in the dossier: keeps in mind what it hands over, if anything. */
int handover_asked(struct core *core, const struct core_record *record, uint32_t dossier);
/* The unit accepted the referral at seq. *ret: the dossier that it holds from now on; DOSSIER_NONE: none. */
int handover_accepted(struct core *core, uint32_t dossier, uint32_t unit, uint64_t seq, uint32_t *ret);
/* What was said at seq in the dossier is recalled at now_seq. */
int handover_recalled(struct core *core, uint32_t dossier, uint64_t seq, uint64_t now_seq);

#endif
