/*
 * addressed - for how long who was addressed is an addressee
 *
 * A unit may write in a dossier while anything stands there, or in one merged with it, that addresses it. Its relation
 * of the dossier's own counts the records that do (relation.left), however many they are; what an amendment adds is an
 * act (ACT_CODE_ADDRESSED), as amendments leave acts anyhow. Whom a record addressed that is recalled is in the
 * recall's note (first_to). In whatever order they are recalled, the last of them ends the relation.
 *
 * Errors: 0 or -ENOMEM. Threads: one at a time.
 */
#ifndef CORE_ADDRESSED_H
#define CORE_ADDRESSED_H

#include "broker/core/state.h"

/* Whom the record addresses; called when its addressees' relations were opened. -ENOMEM */
int addressed_keep(struct core *core, const struct core_record *record, uint32_t dossier);
/* What the recall takes back; called once for what it recalls. */
void addressed_recall(struct core *core, const struct core_record *recall, uint32_t dossier);
/* Something in the dossier's group that was not recalled addresses the unit. */
bool addressed_still(const struct dossiers *dossiers, uint32_t dossier, uint32_t unit);
/* Ends at seq the relation of those, in the dossier's group, whom nothing addresses any more. */
void addressed_end(struct dossiers *dossiers, uint32_t dossier, uint64_t seq);

#endif
