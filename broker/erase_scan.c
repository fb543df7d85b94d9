/* erase_scan - see erase_scan.h */
#include "broker/erase_scan.h"
#include "broker/record.h"
#include "store/doc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
lists_free(struct erase_scan *s)
{
    for (size_t i = 0; i < s->given_count; i++)
        free(s->given[i].seqs);
    free(s->given);
    free(s->seqs);
    s->given = NULL;
    s->seqs = NULL;
    s->given_count = s->given_size = s->given_total = 0;
    s->count = s->size = 0;
}

void
erase_scan_free(struct erase_scan *s)
{
    lists_free(s);
    memset(s, 0, sizeof *s); /* ids too */
}

/* ---- which dossiers */

static bool
member_is_known(const struct erase_scan *s, uint32_t entry)
{
    for (size_t i = 0; i < s->member_count; i++)
        if (s->members[i].entry == entry)
            return true;
    return false;
}

/* Those of one asked dossier, those that go or those that stay, as long as they are not there. */
static int
members_add(struct broker *b, struct erase_scan *s, const uint8_t id[16], bool goes)
{
    struct core_erase_member *found = malloc((ERASE_DOSSIERS_MAX + 1) * sizeof *found);
    size_t count;
    int rc = 0;

    if (found == NULL)
        return -ENOMEM;
    count = core_erase_group(b->core, id, found, ERASE_DOSSIERS_MAX + 1);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (found[i].goes != goes || member_is_known(s, found[i].entry))
            continue;
        if (s->member_count < ERASE_DOSSIERS_MAX)
            s->members[s->member_count++] = found[i];
        else
            rc = -ENOBUFS;
    }
    free(found);
    return rc;
}

static int
members_find(struct broker *b, struct erase_scan *s)
{
    int rc = 0;

    s->member_count = 0;
    for (size_t i = 0; i < s->asked_count && rc == 0; i++)
        rc = members_add(b, s, s->asked[i], true);
    s->goes = s->member_count;
    for (size_t i = 0; i < s->asked_count && rc == 0; i++)
        rc = members_add(b, s, s->asked[i], false);
    return rc == 0 && s->goes == 0 ? -ENOENT : rc;
}

int
erase_scan_begin(struct broker *b, struct erase_scan *s)
{
    lists_free(s);
    s->member_at = 0;
    s->pos = 0;
    s->head = store_head(b->store);
    s->directory_version = core_directory_version(b->core);
    return members_find(b, s);
}

/* ---- whose records, and who was given them */

static int
seq_add(uint64_t **seqs, size_t *count, size_t *size, uint64_t seq)
{
    if (*count == *size) {
        size_t grown_size = *size == 0 ? 64 : 2 * *size;
        uint64_t *grown = reallocarray(*seqs, grown_size, sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        *seqs = grown;
        *size = grown_size;
    }
    (*seqs)[(*count)++] = seq;
    return 0;
}

/* The list of a unit, made when there is none; in its place. */
static int
given_of(struct erase_scan *s, uint32_t unit, struct erase_given **ret)
{
    size_t low = 0, high = s->given_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->given[middle].unit < unit)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == s->given_count || s->given[low].unit != unit) {
        if (s->given_count == s->given_size) {
            size_t size = s->given_size == 0 ? 16 : 2 * s->given_size;
            struct erase_given *grown = reallocarray(s->given, size, sizeof *grown);

            if (grown == NULL)
                return -ENOMEM;
            s->given = grown;
            s->given_size = size;
        }
        memmove(&s->given[low + 1], &s->given[low], (s->given_count - low) * sizeof *s->given);
        s->given[low] = (struct erase_given){.unit = unit};
        s->given_count++;
    }
    *ret = &s->given[low];
    return 0;
}

static int
record_look(struct broker *b, struct erase_scan *s, struct store_slice *slice, uint64_t seq)
{
    struct store_row row;
    struct record record;
    const uint32_t *units;
    size_t count = 0;
    int rc = store_read(slice, seq, &row);

    if (rc != 0)
        return rc == -ENOENT ? -EBADMSG : rc;
    arena_reset(b->row_arena);
    rc = record_load(&record, &row, b->row_arena, false);
    if (rc == 0)
        rc = core_recipients(b->core, &record.core, &units, &count);
    if (rc == 0)
        rc = seq_add(&s->seqs, &s->count, &s->size, seq);
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct erase_given *given = NULL;

        if (s->given_total++ == ERASE_GIVEN_MAX)
            return -ENOBUFS;
        rc = given_of(s, units[i], &given);
        if (rc == 0)
            rc = seq_add(&given->seqs, &given->count, &given->size, seq);
    }
    return rc;
}

/* ---- is it complete */

static int
seq_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Nothing came to these dossiers while they were gone through, and they are still the same ones. */
static int
is_unchanged(struct broker *b, struct erase_scan *s, bool *ret)
{
    struct erase_scan *now = calloc(1, sizeof *now);
    uint64_t seq;
    size_t count = 0;
    int rc;

    if (now == NULL)
        return -ENOMEM;
    memcpy(now->asked, s->asked, sizeof now->asked);
    now->asked_count = s->asked_count;
    rc = members_find(b, now);
    *ret = rc == 0 && now->member_count == s->member_count && now->goes == s->goes &&
           core_directory_version(b->core) == s->directory_version;
    for (size_t i = 0; i < s->goes && rc == 0 && *ret; i++) {
        *ret = member_is_known(s, now->members[i].entry);
        rc = store_find(b->store, s->members[i].entry, s->head + 1, &seq, 1, &count);
        *ret = *ret && count == 0;
    }
    free(now);
    return rc;
}

static int
scan_end(struct broker *b, struct erase_scan *s, bool *ret_complete)
{
    int rc = is_unchanged(b, s, ret_complete);

    if (rc != 0)
        return rc;
    if (!*ret_complete)
        return ++s->passes == ERASE_PASSES_MAX ? -EBUSY : erase_scan_begin(b, s);
    qsort(s->seqs, s->count, sizeof *s->seqs, seq_compare);
    s->first_seq = s->count > 0 ? s->seqs[0] : 0;
    s->last_seq = s->count > 0 ? s->seqs[s->count - 1] : 0;
    s->documents = 0;
    for (size_t i = 0; i < s->goes && rc == 0; i++) {
        size_t count = 0;

        rc = store_doc_count(b->store, s->members[i].entry, &count);
        s->documents += count;
    }
    for (size_t i = 0; i < s->given_count; i++)
        qsort(s->given[i].seqs, s->given[i].count, sizeof *s->given[i].seqs, seq_compare);
    return rc;
}

int
erase_scan_some(struct broker *b, struct erase_scan *s, bool *ret_complete)
{
    uint64_t seqs[ERASE_STEP_RECORDS];
    struct store_slice *slice = NULL;
    size_t count = 0;
    int rc = 0;

    *ret_complete = false;
    if (s->member_at == s->goes)
        return scan_end(b, s, ret_complete);
    rc = store_find(b->store, s->members[s->member_at].entry, s->pos + 1, seqs, ERASE_STEP_RECORDS, &count);
    if (rc == 0)
        rc = store_slice_begin(b->store, &slice);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = record_look(b, s, slice, seqs[i]);
    store_slice_end(&slice);
    if (rc != 0)
        return rc;
    if (count > 0)
        s->pos = seqs[count - 1];
    if (count < ERASE_STEP_RECORDS) {
        s->member_at++;
        s->pos = 0;
    }
    return 0;
}

size_t
erase_ranges_count(const uint64_t *seqs, size_t count)
{
    size_t ranges = 0;

    for (size_t i = 0; i < count; i++)
        ranges += i == 0 || seqs[i] != seqs[i - 1] + 1;
    return ranges;
}
