/*
 * feed - which records may concern a unit, from a place in the log on
 *
 * A unit's records are the merged lists of its dossiers. They are gathered a bounded piece at a time: up to
 * FEED_PLAN_MAX sequence numbers, and the horizon up to which they are all. Where a unit has so many dossiers, or is so
 * little behind, that looking up each list costs more than going through the next records, these are gone through
 * instead, FEED_SCAN_MAX at a time. Where only records of reads or of refusals are wanted, the one list that these lie
 * in is looked up, also for who is given the whole log. A feed gives a superset: core_view decides.
 *
 * Errors: 0 or -errno: latch, but for those named beside a function. Ownership: a feed owns its filter and plan.
 * Threads: one at a time.
 */
#ifndef BROKER_FEED_H
#define BROKER_FEED_H

#include "broker/core/core.h"
#include "proto/event.h"
#include "store/store.h"

#define FEED_PLAN_MAX     1024u /* sequence numbers kept for one reader: 8 KiB */
#define FEED_GATHER_MAX   16384u
#define FEED_SCAN_MAX     4096u
#define FEED_FAMILIES_MAX 16u

struct filter {
    uint8_t (*dossiers)[16];
    size_t dossier_count;                    /* 0: all */
    const char *families[FEED_FAMILIES_MAX]; /* the registry's own strings */
    size_t family_count;                     /* 0: all */
};

/* What all feeds share. */
struct feed_source {
    struct store *store;
    struct core *core;
    uint32_t access_entry; /* key entry of the access records; 0: none yet */
    uint64_t *gather;      /* FEED_GATHER_MAX + FEED_PLAN_MAX numbers */
    uint32_t *entries;     /* a copy of the unit's list, grown as needed */
    size_t entries_size;
    uint32_t *scanned; /* FEED_SCAN_MAX entries */
};

struct feed {
    uint32_t unit;
    struct filter filter;
    uint32_t type;  /* of this type only; 0: any */
    uint64_t pos;   /* everything up to here is done with */
    uint64_t *plan; /* NULL: none gathered */
    size_t plan_count, plan_at;
    uint64_t horizon;   /* the plan holds all there is up to here */
    size_t entry_count; /* of the unit, when the plan was made */
};

int feed_source_init(struct feed_source *source, struct store *store, struct core *core);
void feed_source_free(struct feed_source *source);

/* Before a turn: a plan is made anew when the unit has come to know another dossier since. Within a turn it cannot. */
void feed_refresh(struct feed *feed, struct feed_source *source);
/*
 * The next record after feed->pos, at most `head`, that may concern the unit; *ret 0: there is none up to head.
 * -EAGAIN: none in the piece just gathered; pos has moved on, call again.
 */
int feed_next(struct feed *feed, struct feed_source *source, uint64_t head, uint64_t *ret);
/* Gives the plan back. */
void feed_forget(struct feed *feed);
void feed_free(struct feed *feed);

/* Does the event pass the filter? */
bool filter_passes(const struct filter *filter, const struct event *event);
/* Copies and checks what a client sent. -EINVAL: *refusal (E_REQUEST) says which. -ENOMEM */
int filter_take(struct filter *ret, const Wici__V1__Filter *filter, const char *path, struct refusal *refusal);
/* The registry's string for a family, or NULL. */
const char *filter_family(const char *name);
void filter_free(struct filter *filter);

#endif
