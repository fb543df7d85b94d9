/*
 * course - where a referral stands, for the lists of work
 */
#ifndef CORE_COURSE_H
#define CORE_COURSE_H

#include "broker/core/state.h"

/* The fact of the answer that says whose turn it is, as the records up to `end` have it, until that unit took the step
 * or another answer took its place (ACT_CODE_NEXT); NULL: none does, or the referral is not under way. */
const struct act *course_announced(const struct core *core, const struct dossier *dossier, uint64_t end);
/* The unit is told whose turn it is with the course of the referral (core_course), now. */
bool course_is_told(const struct core *core, uint32_t unit, const struct dossier *dossier);

#endif
