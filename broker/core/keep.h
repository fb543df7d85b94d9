/*
 * keep - what a record leaves for the procedure to remember: the applying side of decide_rules.c
 */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "broker/core/state.h"

/* Before the record's relations are changed. actor: its unit, or the external agency that this acts for; DIRECTORY_NONE
 * when that is unknown. -ENOMEM */
int keep_acts(struct core *core, const struct core_record *record, uint32_t dossier, uint32_t actor);

#endif
