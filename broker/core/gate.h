/*
 * gate - what stops being given: records that were entered in error, sections whose consent does not hold any more
 *
 * The past is never narrowed but by these two, by the recall of what opened a history (relation_take_back), and by
 * erasure. All count alike for what is delivered live, on replay and by reads; the author keeps what he wrote.
 *
 * Questions only: nothing fails and nothing is changed. Threads: one at a time.
 */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include "broker/core/state.h"

/* The record was recalled: it is closed to all but its author and auditors. */
bool gate_closed(const struct core_record *record, const struct dossier *dossier);
/* What was first said there was recalled. */
bool gate_recalled(const struct dossier *dossier, uint64_t seq);
enum gate_stop {
    STOPS_NOTHING,
    STOPS_NAMED, /* S6 names another ground, too: only the sections that name consent as theirs */
    STOPS_ALL    /* S0 is all that is given */
};

/* S6 that names consent as its ground. */
bool gate_names_consent(const struct event *event, size_t section);
/* The event names a ground in some S6, or a consent in its header. */
bool gate_names_ground(const struct event *event);
/*
 * Its sections rest on a consent that was withdrawn or refused, or has expired: which are given no more. The consent is
 * looked for where the dossier is tied now, and else where it was found when the record came: a tie that is taken back
 * brings nothing back. One that was entered in another dossier, which was erased, holds no more.
 */
enum gate_stop gate_stopped(const struct core *core, const struct core_record *record, const struct dossier *dossier);
/* The consent that the event names was entered in another dossier than this (DOSSIER_NONE: one that it opens). */
bool gate_is_elsewhere(const struct core *core, const struct event *event, uint32_t dossier);

#endif
