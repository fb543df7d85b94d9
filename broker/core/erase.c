/* What an erasure of a dossier would meet: who goes with it, who was given what. Changes nothing. */
#include "broker/core/view.h"

#include <assert.h>
#include <string.h>

static void
member_add(const struct core *core, uint32_t dossier, const char *link, bool goes, struct core_erase_member *ret,
           size_t max, size_t *count)
{
    const struct dossier *d = &core->dossiers.at[dossier];

    for (size_t i = 0; i < *count; i++)
        if (ret[i].entry == d->entry)
            return;
    if (*count == max)
        return;
    ret[*count] = (struct core_erase_member){
        .entry = d->entry, .kind = dossier_kind_name(d), .link = link, .goes = goes};
    memcpy(ret[*count].dossier_id, d->id, 16);
    (*count)++;
}

size_t
core_erase_group(const struct core *core, const uint8_t dossier_id[16], struct core_erase_member *ret, size_t max)
{
    const struct dossiers *ds = &core->dossiers;
    uint32_t dossier = dossiers_find(ds, dossier_id), member;
    size_t count = 0;

    if (dossier == DOSSIER_NONE)
        return 0;
    member_add(core, dossier, "", true, ret, max, &count);
    for (member = ds->at[dossier].group_next; member != dossier; member = ds->at[member].group_next)
        member_add(core, member, link_name(LINK_MERGED_INTO), true, ret, max, &count);
    do {
        for (uint32_t i = 0; i < ds->at[member].link_count; i++)
            member_add(core, ds->at[member].links[i].other, link_name((enum link_kind)ds->at[member].links[i].kind),
                       false, ret, max, &count);
        member = ds->at[member].group_next;
    } while (member != dossier);
    return count;
}

int
core_recipients(struct core *core, const struct core_record *record, const uint32_t **ret, size_t *ret_count)
{
    const uint32_t *units;
    size_t count, kept = 0;
    bool everyone;
    int rc = core_audience(core, record, &units, &count, &everyone);

    if (rc != 0)
        return rc;
    assert(units == core->scratch.at);
    for (size_t i = 0; i < count; i++)
        if (view_ever_received(core, units[i], record))
            core->scratch.at[kept++] = units[i];
    core->scratch.count = (uint32_t)kept;
    *ret = core->scratch.at;
    *ret_count = kept;
    return 0;
}

uint64_t
core_erased(const struct core *core, const uint8_t dossier_id[16], bool *ret_done)
{
    const struct erasure *erasure = erased_find(&core->erased, dossier_id);

    if (erasure == NULL)
        return 0;
    *ret_done = erasure->done_seq != 0;
    return erasure->seq;
}

size_t
core_erasure_count(const struct core *core)
{
    return core->erased.count;
}

void
core_erasure(const struct core *core, size_t index, struct core_erasure *ret)
{
    const struct erasure *erasure = &core->erased.at[index];

    assert(index < core->erased.count);
    *ret = (struct core_erasure){.seq = erasure->seq,
                                 .ts_ms = erasure->ts_ms,
                                 .done_seq = erasure->done_seq,
                                 .reason = erasure->reason,
                                 .entries = erasure->entries.at,
                                 .count = erasure->entries.count,
                                 .told = erasure->told_count,
                                 .destroyed = erasure->destroyed,
                                 .kept = erasure->kept};
}

size_t
core_erasure_from(const struct core *core, uint64_t seq)
{
    size_t low = 0, high = core->erased.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (core->erased.at[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void
core_erasure_told(const struct core *core, size_t index, size_t at, struct core_erasure_told *ret)
{
    const struct erasure *erasure = &core->erased.at[index];
    const struct erased_told *told = &erasure->told[at];

    assert(index < core->erased.count);
    assert(at < erasure->told_count);
    *ret = (struct core_erasure_told){.unit = told->unit,
                                      .seq = told->seq,
                                      .ts_ms = told->ts_ms,
                                      .records = told->records,
                                      .from_seq = told->from_seq,
                                      .to_seq = told->to_seq,
                                      .said_seq = told->said_seq,
                                      .said_ms = told->said_ms,
                                      .how = told->said_seq == 0 ? ""
                                             : told->law == NULL ? ERASED_DESTROYED
                                                                 : ERASED_KEPT,
                                      .said_on = told->said_on,
                                      .law = told->law == NULL ? "" : told->law};
}

size_t
core_erasure_unanswered(const struct core *core, uint32_t unit, uint64_t *ret_since_ms)
{
    size_t count = 0;

    *ret_since_ms = 0;
    for (uint32_t i = 0; i < core->erased.count; i++) {
        const struct erasure *erasure = &core->erased.at[i];
        const struct erased_told *told = unit == CORE_UNIT_NONE ? NULL : erased_told_of(erasure, unit);
        size_t more = unit == CORE_UNIT_NONE ? erasure->told_count - erasure->destroyed - erasure->kept
                                             : told != NULL && told->said_seq == 0;

        if (more > 0 && count == 0)
            *ret_since_ms = erasure->ts_ms;
        count += more;
    }
    return count;
}

void
core_erased_mark(const uint8_t dossier_id[16], char ret[CORE_MARK_TEXT_SIZE])
{
    static_assert(CORE_MARK_TEXT_SIZE == ERASED_MARK_TEXT_SIZE, "one text");
    erased_mark_text(dossier_id, ret);
}

const uint8_t *
core_erased_entry_mark(const struct core *core, uint32_t entry)
{
    return erased_entry_mark(&core->erased, entry);
}

bool
core_erasure_is_known(const struct core *core, uint32_t entry, const uint8_t mark[16])
{
    return erased_is_known(&core->erased, entry, mark);
}
