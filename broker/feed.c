/*
 * feed - see feed.h
 *
 * Gathering: each of the unit's entries gives its next records (store_find). All are put into one buffer; when it
 * fills up it is sorted and cut to what one plan holds, and the last number kept becomes the horizon, beyond which
 * later entries need not look. An entry that gave as many as it was asked for may hold more: its last number bounds
 * the horizon too. The more entries, the fewer numbers each is asked for. So whatever lies at or below the horizon was
 * seen.
 *
 * Scanning: the entries of the next records are read in order and looked up among the unit's; the horizon is the last
 * that was read, or the last that one plan holds.
 */
#include "broker/feed.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEED_GATHER_WANTED 4096u /* numbers, of all of a unit's entries together */
#define FEED_ASK_MIN       64u   /* of one entry: looking it up costs about as much as that many numbers */
#define FEED_SCAN_COST     12u   /* records gone through for what it costs to look one entry's list up */

int
feed_source_init(struct feed_source *source, struct store *store, struct core *core)
{
    *source = (struct feed_source){.store = store, .core = core};
    source->gather = malloc((FEED_GATHER_MAX + FEED_PLAN_MAX) * sizeof *source->gather);
    source->scanned = malloc(FEED_SCAN_MAX * sizeof *source->scanned);
    return source->gather == NULL || source->scanned == NULL ? -ENOMEM : 0;
}

void
feed_source_free(struct feed_source *source)
{
    free(source->gather);
    free(source->entries);
    free(source->scanned);
    *source = (struct feed_source){.store = NULL};
}

static int
seq_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int
entry_add(struct feed_source *source, size_t *count, uint32_t entry)
{
    if (*count == source->entries_size) {
        size_t size = source->entries_size == 0 ? 64 : 2 * source->entries_size;
        uint32_t *grown = realloc(source->entries, size * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        source->entries = grown;
        source->entries_size = size;
    }
    source->entries[(*count)++] = entry;
    return 0;
}

static int
entry_compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Do all records of the type lie in one list? *ret: its entry; STORE_NO_ENTRY: there is none yet. */
static bool
type_has_list(const struct feed_source *source, uint32_t type, uint32_t *ret)
{
    if (type == WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED)
        *ret = source->access_entry != 0 ? source->access_entry : STORE_NO_ENTRY;
    else if (type == WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED)
        *ret = STORE_CLEAR_ENTRY;
    else
        return false;
    return true;
}

/* The entries to look at now, into source->entries, ascending. */
static int
entries_list(const struct feed *feed, struct feed_source *source, size_t *ret_count, bool *ret_all)
{
    const uint32_t *list = NULL;
    size_t known = 0, count = 0;
    struct core_unit unit;
    uint32_t only;
    int rc = 0;

    *ret_all = false;
    if (feed->filter.dossier_count > 0) {
        for (size_t i = 0; i < feed->filter.dossier_count && rc == 0; i++) {
            uint32_t entry = core_entry_for(source->core, feed->unit, feed->filter.dossiers[i]);

            if (entry != 0)
                rc = entry_add(source, &count, entry);
        }
        if (rc == 0 && count > 1)
            qsort(source->entries, count, sizeof *source->entries, entry_compare);
        *ret_count = count;
        return rc;
    }
    if (type_has_list(source, feed->type, &only)) {
        if (only != STORE_NO_ENTRY)
            rc = entry_add(source, &count, only);
        *ret_count = count;
        return rc;
    }
    rc = core_unit_entries(source->core, feed->unit, &list, &known, ret_all);
    for (size_t i = 0; i < known && rc == 0 && !*ret_all; i++)
        rc = entry_add(source, &count, list[i]);
    core_unit(source->core, feed->unit, &unit);
    if (rc == 0 && !*ret_all && source->access_entry != 0 && (unit.roles >> WICI__V1__ROLE__ADM & 1u) != 0) {
        rc = entry_add(source, &count, source->access_entry);
        for (size_t i = count - 1; rc == 0 && i > 0 && source->entries[i - 1] > source->entries[i]; i--) {
            source->entries[i] = source->entries[i - 1];
            source->entries[i - 1] = source->access_entry;
        }
    }
    *ret_count = count;
    return rc;
}

/* Sorts the buffer and keeps what one plan holds; lowers the horizon when something was cut off. */
static size_t
gather_cut(uint64_t *gather, size_t count, uint64_t *horizon)
{
    qsort(gather, count, sizeof *gather, seq_compare);
    while (count > 0 && gather[count - 1] > *horizon)
        count--;
    if (count > FEED_PLAN_MAX) {
        count = FEED_PLAN_MAX;
        *horizon = gather[count - 1];
    }
    return count;
}

/* Looks the list of each entry up. */
static int
gather_lists(struct feed *feed, struct feed_source *source, size_t entries, uint64_t *horizon, size_t *ret_count)
{
    uint64_t *gather = source->gather;
    size_t count = 0, ask = FEED_PLAN_MAX;

    /* Of many entries less each: what is gathered beyond one plan was found and sorted for nothing. */
    if (entries * FEED_ASK_MIN > FEED_GATHER_WANTED)
        ask = FEED_ASK_MIN;
    else if (entries > FEED_GATHER_WANTED / FEED_PLAN_MAX)
        ask = FEED_GATHER_WANTED / entries;
    for (size_t i = 0; i < entries; i++) {
        size_t found = 0;
        int rc;

        if (count > FEED_GATHER_MAX - 1)
            count = gather_cut(gather, count, horizon);
        rc = store_find(source->store, source->entries[i], feed->pos + 1, gather + count, ask, &found);
        if (rc != 0)
            return rc;
        if (found == ask && gather[count + found - 1] < *horizon)
            *horizon = gather[count + found - 1];
        count += found;
    }
    *ret_count = gather_cut(gather, count, horizon);
    return 0;
}

/* Goes through the next records. */
static int
gather_scan(struct feed *feed, struct feed_source *source, size_t entries, uint64_t *horizon, size_t *ret_count)
{
    size_t max = *horizon - feed->pos < FEED_SCAN_MAX ? (size_t)(*horizon - feed->pos) : FEED_SCAN_MAX, read = 0,
           count = 0;
    struct store_slice *slice = NULL;
    int rc = store_slice_begin(source->store, &slice);

    if (rc == 0)
        rc = store_read_entries(slice, feed->pos + 1, source->scanned, max, &read);
    store_slice_end(&slice);
    if (rc != 0)
        return rc;
    *horizon = feed->pos + read;
    for (size_t i = 0; i < read && count < FEED_PLAN_MAX; i++) {
        if (bsearch(&source->scanned[i], source->entries, entries, sizeof *source->entries, entry_compare) == NULL)
            continue;
        source->gather[count++] = feed->pos + 1 + i;
        if (count == FEED_PLAN_MAX)
            *horizon = feed->pos + 1 + i;
    }
    *ret_count = count;
    return 0;
}

/* Would the look-ups cost more than going through the records that are behind, or as many as hold one plan? The unit's
 * dossiers are taken to be as lively as the others. */
static bool
scan_is_cheaper(const struct feed *feed, const struct feed_source *source, size_t entries, uint64_t head)
{
    uint64_t records = (uint64_t)FEED_PLAN_MAX * (core_dossier_count(source->core) + 1) / (entries + 1);

    if (head - feed->pos < records)
        records = head - feed->pos;
    return records < (uint64_t)entries * FEED_SCAN_COST;
}

static int
plan_make(struct feed *feed, struct feed_source *source, uint64_t head)
{
    uint64_t horizon = head;
    size_t entries, count = 0;
    bool all = false;
    int rc = entries_list(feed, source, &entries, &all);

    if (rc != 0)
        return rc;
    if (all) { /* this unit's list is the log */
        for (uint64_t seq = feed->pos + 1; seq <= head && count < FEED_PLAN_MAX; seq++)
            source->gather[count++] = seq;
        if (count > 0)
            horizon = source->gather[count - 1];
    } else if (scan_is_cheaper(feed, source, entries, head)) {
        rc = gather_scan(feed, source, entries, &horizon, &count);
    } else {
        rc = gather_lists(feed, source, entries, &horizon, &count);
    }
    if (rc != 0)
        return rc;
    if (count > 0) {
        if (feed->plan == NULL)
            feed->plan = malloc(FEED_PLAN_MAX * sizeof *feed->plan);
        if (feed->plan == NULL)
            return -ENOMEM;
        memcpy(feed->plan, source->gather, count * sizeof *feed->plan);
    }
    feed->plan_count = count;
    feed->plan_at = 0;
    feed->horizon = horizon;
    feed->entry_count = core_unit_entry_count(source->core, feed->unit);
    return 0;
}

/* A dossier that the unit came to know meanwhile is not in the plan, and may go back to before the plan's end. */
void
feed_refresh(struct feed *feed, struct feed_source *source)
{
    if (feed->plan != NULL && core_unit_entry_count(source->core, feed->unit) != feed->entry_count)
        feed_forget(feed);
}

int
feed_next(struct feed *feed, struct feed_source *source, uint64_t head, uint64_t *ret)
{
    int rc;

    *ret = 0;
    while (feed->plan != NULL && feed->plan_at < feed->plan_count && feed->plan[feed->plan_at] <= feed->pos)
        feed->plan_at++;
    if (feed->plan == NULL || feed->plan_at == feed->plan_count) {
        if (feed->plan != NULL && feed->pos < feed->horizon)
            feed->pos = feed->horizon; /* the rest of the piece held nothing more */
        if (feed->pos >= head) {
            feed_forget(feed);
            return 0;
        }
        rc = plan_make(feed, source, head);
        if (rc != 0)
            return rc;
        if (feed->plan_count == 0) {
            feed->pos = feed->horizon;
            feed_forget(feed);
            return feed->pos < head ? -EAGAIN : 0;
        }
    }
    *ret = feed->plan[feed->plan_at];
    return 0;
}

void
feed_forget(struct feed *feed)
{
    free(feed->plan);
    feed->plan = NULL;
    feed->plan_count = feed->plan_at = 0;
    feed->horizon = 0;
}

void
feed_free(struct feed *feed)
{
    feed_forget(feed);
    filter_free(&feed->filter);
}

bool
filter_passes(const struct filter *filter, const struct event *event)
{
    bool passes = filter->family_count == 0;

    for (size_t i = 0; i < filter->family_count && !passes; i++)
        passes = strcmp(filter->families[i], event->type->family) == 0;
    if (!passes || filter->dossier_count == 0)
        return passes;
    if (!event->has_dossier)
        return false;
    for (size_t i = 0; i < filter->dossier_count; i++)
        if (memcmp(filter->dossiers[i], event->dossier_id, 16) == 0)
            return true;
    return false;
}

const char *
filter_family(const char *name)
{
    for (size_t i = 0; type_at(i) != NULL; i++)
        if (strcmp(type_at(i)->family, name) == 0)
            return type_at(i)->family;
    return NULL;
}

static int
filter_refuse(struct refusal *refusal, enum error_code code, const char *path, const char *field, size_t index)
{
    refusal->code = code;
    refusal->rule = RULE_NONE;
    (void)snprintf(refusal->path, sizeof refusal->path, "%s.%s[%zu]", path, field, index);
    return -EINVAL;
}

int
filter_take(struct filter *ret, const Wici__V1__Filter *filter, const char *path, struct refusal *refusal)
{
    struct filter f = {.dossiers = NULL};
    int rc = 0;

    if (filter == NULL)
        goto out;
    if (filter->n_dossiers > WIRE_FILTER_MAX) {
        rc = filter_refuse(refusal, E_LIMIT, path, "dossiers", WIRE_FILTER_MAX);
        goto out;
    }
    if (filter->n_families > FEED_FAMILIES_MAX) {
        rc = filter_refuse(refusal, E_LIMIT, path, "families", FEED_FAMILIES_MAX);
        goto out;
    }
    for (size_t i = 0; i < filter->n_families && rc == 0; i++) {
        f.families[i] = filter_family(filter->families[i]);
        if (f.families[i] == NULL)
            rc = filter_refuse(refusal, E_REQUEST, path, "families", i);
    }
    f.family_count = filter->n_families;
    if (filter->n_dossiers > 0) {
        f.dossiers = calloc(filter->n_dossiers, sizeof *f.dossiers);
        if (f.dossiers == NULL)
            rc = -ENOMEM;
    }
    for (size_t i = 0; i < filter->n_dossiers && rc == 0; i++)
        if (uuid_parse(filter->dossiers[i], f.dossiers[i]) != 0)
            rc = filter_refuse(refusal, E_REQUEST, path, "dossiers", i);
    f.dossier_count = filter->n_dossiers;
out:
    if (rc == 0) {
        *ret = f;
        return 0;
    }
    filter_free(&f);
    return rc;
}

void
filter_free(struct filter *filter)
{
    free(filter->dossiers);
    *filter = (struct filter){.dossiers = NULL};
}
