/*
 * apply - what a record changes (core_apply in core.h). Never refuses: core_decide did, and what is in the log already
 * must always be taken.
 *
 * s is the record's seq, a its author: every interval that opens here begins at s unless the event says otherwise, and
 * every one that ends still covers s, so that those concerned read the event that ends it.
 *
 * Errors: 0 or -ENOMEM. Threads: one at a time.
 */
#ifndef CORE_APPLY_H
#define CORE_APPLY_H

#include "broker/core/state.h"

struct change {
    struct core *core;
    const struct core_record *record;
    const struct event *event;
    uint32_t dossier;
    uint32_t actor;  /* unit, or DIRECTORY_NONE */
    uint32_t acting; /* whom it acts for: itself, or an external agency that it serves */
    uint64_t seq;
    uint64_t first_seq; /* of a correction: of what it corrects; else 0. A recall of that undoes this too */
    bool opened;        /* this record opened the dossier */
};

/* A relation of the unit that begins here; from_opening: reaches back to the dossier's beginning. Nobody: nothing. */
int apply_open_plain(const struct change *c, uint32_t dossier, enum relation_kind kind, uint32_t who,
                     bool from_opening);
/* Those to whom the event is addressed, as the decision resolved them. */
size_t apply_addressed_count(const struct change *c);
uint32_t apply_addressed_unit(const struct change *c, size_t index);
/* Who is to answer a letter waits. */
int apply_open_pending(const struct change *c);

/* What the event's type changes. */
int apply_type(const struct change *c);

#endif
