/* erase_write - see erase_write.h */
#include "broker/erase_write.h"
#include "broker/query.h"
#include "broker/sequence.h"
#include "proto/date.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_BYTES  24u   /* of a range in a record */
#define RECORD_BYTES 2048u /* of such a record beside its ranges and keys */
#define KEY_BYTES    64u
/* ---- the order */

/* Is it one of the reasons that the registry has? */
static bool
reason_is_known(const char *reason)
{
    const struct message_info *body = type_by_number(WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED)->body[0];
    size_t len = strlen(reason);

    for (unsigned i = 0; i < body->desc->n_fields; i++) {
        const char *at = body->fields[i].codes;

        if (strcmp(body->desc->fields[i].name, "reason") != 0)
            continue;
        for (; at != NULL && *at != '\0' && len > 0; at += strcspn(at, " "), at += *at == ' ')
            if (strncmp(at, reason, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
                return true;
    }
    return false;
}

int
erase_order_take(struct erase_order *ret, const Wici__V1__EraseQuery *asked, const char *unit, struct refusal *refusal)
{
    *ret = (struct erase_order){.known = NULL};
    if (strlen(asked->reason) >= sizeof ret->reason || !reason_is_known(asked->reason) ||
        strcmp(asked->reason, ERASE_REPEATED) == 0)
        return query_refuse(refusal, E_REQUEST, "query.erase.reason");
    if (strlen(asked->order_sha256) != 64 || strspn(asked->order_sha256, "0123456789abcdef") != 64)
        return query_refuse(refusal, E_REQUEST, "query.erase.orderSha256");
    if (asked->backups_clear_by[0] != '\0' && !date_is_valid(asked->backups_clear_by, strlen(asked->backups_clear_by)))
        return query_refuse(refusal, E_REQUEST, "query.erase.backupsClearBy");
    (void)snprintf(ret->reason, sizeof ret->reason, "%s", asked->reason);
    (void)snprintf(ret->sha256, sizeof ret->sha256, "%s", asked->order_sha256);
    (void)snprintf(ret->clear_by, sizeof ret->clear_by, "%s", asked->backups_clear_by);
    (void)snprintf(ret->unit, sizeof ret->unit, "%s", unit);
    return 0;
}

/* ---- ranges */

/* The next ranges of these numbers, at most ERASE_RANGES_MAX; moves *at behind them. In the reply arena; NULL: full. */
static Wici__V1__SeqRange **
ranges_next(struct arena *arena, const uint64_t *seqs, size_t count, size_t *at, size_t *ret_count)
{
    Wici__V1__SeqRange **list = arena_alloc(arena, ERASE_RANGES_MAX * sizeof *list);
    size_t ranges = 0;

    while (list != NULL && *at < count) {
        Wici__V1__SeqRange *last = ranges > 0 ? list[ranges - 1] : NULL;

        if (last != NULL && seqs[*at] == last->to_seq + 1) {
            last->to_seq = seqs[(*at)++];
            continue;
        }
        if (ranges == ERASE_RANGES_MAX)
            break;
        last = arena_alloc(arena, sizeof *last);
        if (last == NULL)
            return NULL;
        wici__v1__seq_range__init(last);
        last->from_seq = last->to_seq = seqs[(*at)++];
        list[ranges++] = last;
    }
    *ret_count = ranges;
    return list;
}

static size_t
parts_of(size_t ranges)
{
    return ranges == 0 ? 1 : (ranges + ERASE_RANGES_MAX - 1) / ERASE_RANGES_MAX;
}

/* ---- the intent */

/* What is known of them lives longer than the packing. */
static int
known_fill(struct broker *b, const struct erase_order *order, Wici__V1__SysErasureIntendedS0 *body)
{
    body->keys = arena_alloc(b->reply_arena, order->known_count * sizeof(Wici__V1__ErasedKey *));
    for (size_t i = 0; i < order->known_count && body->keys != NULL; i++) {
        Wici__V1__ErasedKey *key = arena_alloc(b->reply_arena, sizeof *key);

        if (key == NULL)
            return -ENOMEM;
        wici__v1__erased_key__init(key);
        key->entry = order->known[i].entry;
        key->generation = order->known[i].generation;
        key->mark = TEXT(order->known[i].mark);
        body->keys[body->n_keys++] = key;
    }
    return body->keys == NULL ? -ENOMEM : 0;
}

static int
keys_fill(struct broker *b, const struct erase_scan *s, const struct erase_order *order,
          Wici__V1__SysErasureIntendedS0 *body)
{
    if (order->known != NULL)
        return known_fill(b, order, body);
    body->keys = arena_alloc(b->reply_arena, s->goes * sizeof(Wici__V1__ErasedKey *));
    for (size_t i = 0; i < s->goes && body->keys != NULL; i++) {
        Wici__V1__ErasedKey *key = arena_alloc(b->reply_arena, sizeof *key);
        char *mark = arena_alloc(b->reply_arena, CORE_MARK_TEXT_SIZE);

        if (key == NULL || mark == NULL)
            return -ENOMEM;
        wici__v1__erased_key__init(key);
        core_erased_mark(s->members[i].dossier_id, mark);
        key->entry = s->members[i].entry;
        key->generation = store_key_generation(b->store, key->entry);
        key->mark = mark;
        body->keys[body->n_keys++] = key;
    }
    return body->keys == NULL ? -ENOMEM : 0;
}

static int
intent_write(struct broker *b, const struct erase_scan *s, const struct erase_order *order)
{
    uint32_t parts = (uint32_t)parts_of(erase_ranges_count(s->seqs, s->count));
    size_t at = 0;
    int rc = 0;

    for (uint32_t part = 1; part <= parts && rc == 0; part++) {
        Wici__V1__SysErasureIntendedS0 body;
        Wici__V1__Section section;

        arena_reset(b->reply_arena);
        wici__v1__sys_erasure_intended_s0__init(&body);
        wici__v1__section__init(&section);
        body.reason = TEXT(order->reason);
        body.order_sha256 = TEXT(order->sha256);
        body.ordered_by = TEXT(order->unit);
        body.backups_clear_by = TEXT(order->clear_by);
        body.part = part;
        body.parts = parts;
        body.recipients = (uint32_t)s->given_count;
        body.ranges = ranges_next(b->reply_arena, s->seqs, s->count, &at, &body.n_ranges);
        if (body.ranges == NULL)
            return -ENOMEM;
        if (part == 1)
            rc = keys_fill(b, s, order, &body);
        section.body_case = WICI__V1__SECTION__BODY_SYS_ERASURE_INTENDED_S0;
        section.sys_erasure_intended_s0 = &body;
        if (rc == 0)
            rc = sequence_own(b->sequence, &section, STORE_CLEAR_ENTRY, b->clock.now_ms);
    }
    assert(rc != 0 || at == s->count);
    return rc;
}

static int
notices_write(struct broker *b, const struct erase_given *given, const char *reason, uint64_t intended_seq)
{
    size_t at = 0;
    int rc = 0;

    while (at < given->count && rc == 0) {
        Wici__V1__SysErasureNotifiedS0 body;
        Wici__V1__Section section;
        struct core_unit unit;

        arena_reset(b->reply_arena);
        core_unit(b->core, given->unit, &unit);
        wici__v1__sys_erasure_notified_s0__init(&body);
        wici__v1__section__init(&section);
        body.intended_seq = intended_seq;
        body.unit = TEXT(unit.id);
        body.reason = TEXT(reason);
        body.ranges = ranges_next(b->reply_arena, given->seqs, given->count, &at, &body.n_ranges);
        if (body.ranges == NULL)
            return -ENOMEM;
        section.body_case = WICI__V1__SECTION__BODY_SYS_ERASURE_NOTIFIED_S0;
        section.sys_erasure_notified_s0 = &body;
        rc = sequence_own(b->sequence, &section, STORE_CLEAR_ENTRY, b->clock.now_ms);
    }
    return rc;
}

int
erase_intend(struct broker *b, const struct erase_scan *s, const struct erase_order *order, uint64_t *ret_seq)
{
    size_t ranges = erase_ranges_count(s->seqs, s->count), records = parts_of(ranges);
    uint64_t intended_seq = store_next(b->store);
    int rc;

    assert(!store_has_batch(b->store));
    for (size_t i = 0; i < s->given_count; i++) {
        size_t more = erase_ranges_count(s->given[i].seqs, s->given[i].count);

        ranges += more;
        records += parts_of(more);
    }
    if (records > ERASE_RECORDS_MAX)
        return -ENOBUFS;
    rc = store_room_own(b->store, records,
                        ranges * RANGE_BYTES + records * RECORD_BYTES + (s->goes + order->known_count) * KEY_BYTES);
    if (rc == 0)
        rc = intent_write(b, s, order);
    for (size_t i = 0; i < s->given_count && rc == 0; i++)
        rc = notices_write(b, &s->given[i], order->reason, intended_seq);
    if (rc == 0)
        *ret_seq = intended_seq;
    return rc == -ENOSPC && store_has_batch(b->store) ? -EIO : rc;
}

/* ---- read back */

bool
erase_find(const struct broker *b, uint64_t intended_seq, struct core_erasure *ret)
{
    for (size_t i = core_erasure_count(b->core); i > 0; i--) {
        core_erasure(b->core, i - 1, ret);
        if (ret->seq == intended_seq)
            return true;
    }
    return false;
}

/* The body of one of the intent's records; it lives in the row arena. */
static int
intent_read(struct broker *b, uint64_t seq, const Wici__V1__SysErasureIntendedS0 **ret)
{
    struct store_slice *slice = NULL;
    struct store_row row;
    struct record record;
    int rc = store_slice_begin(b->store, &slice);

    *ret = NULL;
    if (rc == 0)
        rc = store_read(slice, seq, &row);
    arena_reset(b->row_arena);
    if (rc == 0)
        rc = record_load(&record, &row, b->row_arena, true);
    store_slice_end(&slice);
    for (size_t i = 0; rc == 0 && i < record.event.section_count; i++)
        if (record.event.sections[i].section->body_case == WICI__V1__SECTION__BODY_SYS_ERASURE_INTENDED_S0)
            *ret = record.event.sections[i].section->sys_erasure_intended_s0;
    return rc == 0 && *ret == NULL ? -EBADMSG : rc;
}

/* A broken record must not make us take memory without end. */
static int
ranges_expand(const Wici__V1__SysErasureIntendedS0 *body, uint64_t head, uint64_t **seqs, size_t *count)
{
    size_t more = 0, at = *count;
    uint64_t *grown;

    for (size_t i = 0; i < body->n_ranges; i++) {
        const Wici__V1__SeqRange *r = body->ranges[i];

        if (r->from_seq == 0 || r->to_seq < r->from_seq || r->to_seq > head)
            return -EBADMSG;
        more += r->to_seq - r->from_seq + 1;
    }
    grown = reallocarray(*seqs, *count + more + 1, sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < body->n_ranges; i++)
        for (uint64_t seq = body->ranges[i]->from_seq; seq <= body->ranges[i]->to_seq; seq++)
            grown[at++] = seq;
    *seqs = grown;
    *count = at;
    return 0;
}

int
erase_rows(struct broker *b, uint64_t intended_seq, uint64_t **ret, size_t *ret_count)
{
    const Wici__V1__SysErasureIntendedS0 *body;
    uint64_t *seqs = NULL;
    size_t count = 0;
    uint32_t parts = 1;
    int rc = 0;

    for (uint32_t part = 0; part < parts && rc == 0; part++) {
        rc = intent_read(b, intended_seq + part, &body);
        if (rc == 0 && (body->part != part + 1 || body->parts == 0 || body->parts > ERASE_RECORDS_MAX))
            rc = -EBADMSG;
        if (rc == 0) {
            parts = body->parts;
            rc = ranges_expand(body, intended_seq, &seqs, &count);
        }
    }
    if (rc != 0) {
        free(seqs);
        return rc;
    }
    *ret = seqs;
    *ret_count = count;
    return 0;
}

/* ---- done */

int
erase_room_done(struct broker *b)
{
    return store_room_own(b->store, 1, RECORD_BYTES + ERASE_DOSSIERS_MAX * KEY_BYTES);
}

int
erase_done(struct broker *b, uint64_t intended_seq, size_t records)
{
    const Wici__V1__SysErasureIntendedS0 *intent;
    Wici__V1__SysErasureDoneS0 body;
    Wici__V1__Section section;
    int rc = intent_read(b, intended_seq, &intent);

    if (rc != 0)
        return rc;
    wici__v1__sys_erasure_done_s0__init(&body);
    wici__v1__section__init(&section);
    body.intended_seq = intended_seq;
    body.reason = intent->reason;
    body.order_sha256 = intent->order_sha256;
    body.keys = intent->keys;
    body.n_keys = intent->n_keys;
    body.records = records;
    body.backups_clear_by = intent->backups_clear_by;
    section.body_case = WICI__V1__SECTION__BODY_SYS_ERASURE_DONE_S0;
    section.sys_erasure_done_s0 = &body;
    return sequence_own(b->sequence, &section, STORE_CLEAR_ENTRY, b->clock.now_ms);
}

/* ---- the answer */

static int
dossiers_fill(struct arena *arena, const struct erase_scan *s, Wici__V1__Erasure *ret)
{
    ret->dossiers = arena_alloc(arena, (s->member_count + 1) * sizeof(Wici__V1__ErasureDossier *));
    for (size_t i = 0; i < s->member_count && ret->dossiers != NULL; i++) {
        Wici__V1__ErasureDossier *d = arena_alloc(arena, sizeof *d);
        char *id = arena_alloc(arena, 37);

        if (d == NULL || id == NULL)
            return -ENOBUFS;
        wici__v1__erasure_dossier__init(d);
        uuid_format(s->members[i].dossier_id, id);
        d->dossier = id;
        d->kind = TEXT(s->members[i].kind);
        d->link = TEXT(s->members[i].link);
        d->goes = s->members[i].goes;
        ret->dossiers[ret->n_dossiers++] = d;
    }
    return ret->dossiers == NULL ? -ENOBUFS : 0;
}

int
erase_found(struct broker *b, const struct erase_scan *s, Wici__V1__Erasure **ret)
{
    struct arena *arena = b->reply_arena;
    Wici__V1__Erasure *erasure = arena_alloc(arena, sizeof *erasure);

    if (erasure == NULL)
        return -ENOBUFS;
    wici__v1__erasure__init(erasure);
    erasure->records = s->count;
    erasure->documents = s->documents;
    erasure->from_seq = s->first_seq;
    erasure->to_seq = s->last_seq;
    erasure->recipients = arena_alloc(arena, (s->given_count + 1) * sizeof(Wici__V1__ErasureRecipient *));
    if (erasure->recipients == NULL || dossiers_fill(arena, s, erasure) != 0)
        return -ENOBUFS;
    for (size_t i = 0; i < s->given_count; i++) {
        Wici__V1__ErasureRecipient *r = arena_alloc(arena, sizeof *r);
        const struct erase_given *given = &s->given[i];
        struct core_unit unit;

        if (r == NULL)
            return -ENOBUFS;
        core_unit(b->core, given->unit, &unit);
        wici__v1__erasure_recipient__init(r);
        r->unit = TEXT(unit.id);
        r->records = given->count;
        r->from_seq = given->seqs[0];
        r->to_seq = given->seqs[given->count - 1];
        erasure->recipients[erasure->n_recipients++] = r;
    }
    *ret = erasure;
    return 0;
}
