/* Growth is doubling for tables and by an eighth for the relations of one dossier, whose slack would count a million
 * times. */
#include "broker/core/dossier.h"

#include "proto/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64u

int
dossiers_init(struct dossiers *ds)
{
    memset(ds, 0, sizeof *ds);
    ds->about = calloc(1, sizeof *ds->about);
    ds->extras = calloc(1, sizeof *ds->extras);
    if (ds->about == NULL || ds->extras == NULL) {
        dossiers_clear(ds);
        return -ENOMEM;
    }
    ds->about_len = ds->about_cap = 1;
    ds->extra_count = ds->extra_cap = 1;
    return 0;
}

void
dossiers_clear(struct dossiers *ds)
{
    for (uint32_t i = 0; i < ds->count; i++) {
        free(ds->at[i].relations);
        free(ds->at[i].links);
        free(ds->at[i].acts);
        marks_clear(&ds->at[i].marks);
    }
    free(ds->at);
    free(ds->slots);
    free(ds->by_entry);
    free(ds->about);
    free(ds->extras);
    strings_clear(&ds->persons);
    things_clear(&ds->things);
    memset(ds, 0, sizeof *ds);
}

/* ---- finding and adding dossiers */

static uint32_t
slot_of(const struct dossiers *ds, const uint8_t id[16])
{
    uint32_t slot = (uint32_t)hash_bytes(id, 16) & ds->slot_mask;

    /* One that was forgotten keeps its slot, and is nobody's. */
    while (ds->slots[slot] != DOSSIER_NONE &&
           (ds->at[ds->slots[slot]].entry == 0 || memcmp(ds->at[ds->slots[slot]].id, id, 16) != 0))
        slot = (slot + 1) & ds->slot_mask;
    return slot;
}

uint32_t
dossiers_find(const struct dossiers *ds, const uint8_t id[16])
{
    return ds->slot_mask == 0 ? DOSSIER_NONE : ds->slots[slot_of(ds, id)];
}

uint32_t
dossiers_by_entry(const struct dossiers *ds, uint32_t entry)
{
    return entry < ds->entry_cap ? ds->by_entry[entry] : DOSSIER_NONE;
}

static int
slots_grow(struct dossiers *ds)
{
    uint32_t count = ds->slot_mask == 0 ? SLOTS_MIN : (ds->slot_mask + 1) * 2;
    uint32_t *slots = reallocarray(NULL, count, sizeof *slots);

    if (slots == NULL)
        return -ENOMEM;
    memset(slots, 0xff, count * sizeof *slots);
    free(ds->slots);
    ds->slots = slots;
    ds->slot_mask = count - 1;
    for (uint32_t i = 0; i < ds->count; i++)
        if (ds->at[i].entry != 0)
            slots[slot_of(ds, ds->at[i].id)] = i;
    return 0;
}

static int
entries_grow(struct dossiers *ds, uint32_t entry)
{
    uint32_t cap = ds->entry_cap;
    uint32_t *grown;

    if (entry < cap)
        return 0;
    cap = cap * 2 > entry ? cap * 2 : entry + 64;
    grown = reallocarray(ds->by_entry, cap, sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    memset(grown + ds->entry_cap, 0xff, (cap - ds->entry_cap) * sizeof *grown);
    ds->by_entry = grown;
    ds->entry_cap = cap;
    return 0;
}

int
dossiers_add(struct dossiers *ds, const uint8_t id[16], uint32_t entry, enum type_opens kind, uint64_t seq,
             uint64_t ts_ms, uint32_t opener, uint32_t *ret)
{
    struct dossier *dossier;
    void *at = ds->at;
    int rc = 0;

    if (ds->slot_mask == 0 || ds->count >= ds->slot_mask / 2)
        rc = slots_grow(ds);
    if (rc == 0)
        rc = entries_grow(ds, entry);
    if (rc == 0)
        rc = array_grow(&at, &ds->cap, ds->count, sizeof *ds->at);
    if (rc != 0)
        return rc;
    ds->at = at;
    dossier = &ds->at[ds->count];
    *dossier = (struct dossier){.opened_seq = seq,
                                .opened_ms = ts_ms,
                                .entry = entry,
                                .opener = opener,
                                .group_next = ds->count,
                                .kind = (uint8_t)kind};
    memcpy(dossier->id, id, 16);
    ds->slots[slot_of(ds, id)] = ds->count;
    ds->by_entry[entry] = ds->count;
    *ret = ds->count++;
    return 0;
}

/* ---- sets of texts */

int
dossiers_set(struct dossiers *ds, const char *const *texts, size_t count, uint32_t *ret)
{
    uint32_t start = ds->about_len;

    *ret = 0;
    if (count == 0)
        return 0;
    if (ds->about_cap - ds->about_len <= count) {
        uint32_t cap = ds->about_cap * 2 + (uint32_t)count + 16;
        uint32_t *grown = reallocarray(ds->about, cap, sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        ds->about = grown;
        ds->about_cap = cap;
    }
    ds->about[start] = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        int rc = strings_add(&ds->persons, texts[i], &ds->about[start + 1 + i]);

        if (rc != 0)
            return rc;
    }
    ds->about_len = start + 1 + (uint32_t)count;
    *ret = start;
    return 0;
}

int
dossier_list_room(void **list, uint32_t cap, size_t size)
{
    void *grown = cap > UINT16_MAX ? NULL : reallocarray(*list, cap, size);

    if (grown == NULL)
        return -ENOMEM;
    *list = grown;
    return 0;
}

uint32_t
dossiers_known(const struct dossiers *ds)
{
    return ds->count - ds->forgotten;
}

const char *
dossier_kind_name(const struct dossier *dossier)
{
    switch (dossier->kind) {
    case OPENS_REFERRAL: return "REFERRAL";
    case OPENS_CASE: return "CASE";
    case OPENS_MEETING: return "MEETING";
    case OPENS_LETTER: return "LETTER";
    default: return "";
    }
}
