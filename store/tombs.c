/* tombs - see tombs.h */
#include "store/tombs.h"

#include "proto/types.h"
#include "store/tail.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <stdlib.h>

int
tombs_missing(struct tombs *t, uint64_t seq, bool listed)
{
    if (t->count == t->size) {
        size_t size = t->size == 0 ? 256 : 2 * t->size;
        uint64_t *missing = reallocarray(t->missing, size, sizeof *missing);
        enum tomb *named;

        if (missing == NULL)
            return -ENOMEM;
        t->missing = missing;
        named = reallocarray(t->named, size, sizeof *named);
        if (named == NULL)
            return -ENOMEM;
        t->named = named;
        t->size = size;
    }
    t->missing[t->count] = seq;
    t->named[t->count++] = listed ? TOMB_LIST : TOMB_NONE;
    return 0;
}

static int
ranges_take(struct tombs *t, uint64_t at, const Wici__V1__SysErasureIntendedS0 *body)
{
    for (size_t i = 0; i < body->n_ranges; i++) {
        const Wici__V1__SeqRange *r = body->ranges[i];

        if (r->from_seq == 0 || r->to_seq < r->from_seq || r->to_seq >= at)
            return -EBADMSG;
        for (size_t k = seqs_lower_bound(t->missing, t->count, r->from_seq); k < t->count && t->missing[k] <= r->to_seq;
             k++)
            t->named[k] = TOMB_RECORD;
    }
    return 0;
}

int
tombs_take(struct tombs *t, const struct store_row *row)
{
    int rc = 0;

    if (row->leaf.cls != LEAF_ERASURE_INTENDED)
        return 0;
    for (size_t i = 0; i < row->part_count && rc == 0; i++) {
        const struct leaf_part *part = &row->parts[i];
        Wici__V1__Section *section;

        if (part->section_id != WICI__V1__SECTION__BODY_SYS_ERASURE_INTENDED_S0)
            continue;
        section = wici__v1__section__unpack(NULL, part->len, part->body);
        if (section == NULL || section->body_case != WICI__V1__SECTION__BODY_SYS_ERASURE_INTENDED_S0)
            rc = -EBADMSG;
        else
            rc = ranges_take(t, row->seq, section->sys_erasure_intended_s0);
        if (section != NULL)
            wici__v1__section__free_unpacked(section, NULL);
    }
    return rc;
}

uint64_t
tombs_first(const struct tombs *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->named[i] == TOMB_NONE)
            return t->missing[i];
    return 0;
}

size_t
tombs_listed(const struct tombs *t)
{
    size_t count = 0;

    for (size_t i = 0; i < t->count; i++)
        count += t->named[i] == TOMB_LIST;
    return count;
}

void
tombs_free(struct tombs *t)
{
    free(t->missing);
    free(t->named);
    *t = (struct tombs){.count = 0};
}
