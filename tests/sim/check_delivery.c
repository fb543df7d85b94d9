/*
 * What is shown: deliveries, positions and reads held against the ledger's sight of each unit.
 */
#include "tests/sim/check.h"

#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_GRACE_MS 1500u /* a key that ended by its date is looked for once a second */

uint32_t
check_unit_of(const char *key)
{
    uint32_t unit = core_unit_by_key(ledger_core(), key, fate_wall_ms());

    return unit != CORE_UNIT_NONE ? unit : core_unit_by_key(ledger_core(), key, fate_wall_ms_ago(KEY_GRACE_MS));
}

static const char *
unit_name(uint32_t unit)
{
    struct core_unit u;

    core_unit(ledger_core(), unit, &u);
    return u.id;
}

static bool
is_auditor(uint32_t unit)
{
    struct core_unit u;

    core_unit(ledger_core(), unit, &u);
    return (u.roles >> WICI__V1__ROLE__AUD & 1u) != 0;
}

/* ---- marks */

/* An auditor who stated a reason is given all: the deliveries themselves are checked for that. */
void
check_marks(uint32_t unit, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t index;
    size_t section;

    while (said_find_mark(&at, bytes + len, &index, &section)) {
        const struct said *said = saids_at(saids_at(index)->same_as);
        const struct sight *sight;
        size_t place = 0;
        char mark[SAID_MARK_LEN + 1];

        if (said->seq == 0)
            sim_fail("G6 marks", "%s is told text of event %u, which is not in the log", unit_name(unit), index);
        sight = ledger_sight(unit, said->seq);
        said_mark(index, section, mark);
        while (place < said->section_count &&
               memmem(said->sections[place].data, said->sections[place].len, mark, SAID_MARK_LEN) == NULL)
            place++;
        if (place == said->section_count)
            sim_fail("G6 marks", "%s is told %s, which is in no section of record %" PRIu64, unit_name(unit), mark,
                     said->seq);
        if (!sight->view.received || (sight->view.sections >> place & 1u) == 0)
            sim_fail("G6 marks", "%s is told text of section %zu of record %" PRIu64 ", which is not for it",
                     unit_name(unit), place, said->seq);
    }
}

/* ---- one delivery */

static bool
bytes_are(ProtobufCBinaryData a, struct bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static void
digest_check(const Wici__V1__Delivery *d, const Wici__V1__Disclosed *part)
{
    struct leaf_part whole = {.slot = (uint8_t)part->slot->slot,
                              .section_id = (uint16_t)part->slot->section_id,
                              .len = (uint32_t)part->body.len,
                              .body = part->body.data};
    uint8_t digest[LEAF_HASH_SIZE];

    if (part->slot->salt.len != LEAF_HASH_SIZE || (whole.slot + 1u) * LEAF_HASH_SIZE > d->digests.len)
        sim_fail("G6 sections", "a part of record %" PRIu64 " has no digest", d->seq);
    leaf_section_digest(&whole, part->slot->salt.data, digest);
    if (memcmp(d->digests.data + whole.slot * LEAF_HASH_SIZE, digest, sizeof digest) != 0)
        sim_fail("G6 sections", "a part of record %" PRIu64 " does not fit its digest", d->seq);
}

/* Which sections it holds, as bits of the record's; fails on anything that the record does not hold. */
static uint32_t
parts_of(uint32_t unit, const Wici__V1__Delivery *d, const struct record *record, bool *ret_header, bool *ret_note)
{
    uint32_t sections = 0;

    *ret_header = *ret_note = false;
    for (size_t i = 0; i < d->n_parts; i++) {
        const Wici__V1__Disclosed *part = d->parts[i];
        unsigned cls = part->slot->section_id % 10u;
        size_t at = 0;

        digest_check(d, part);
        if (cls == TYPE_CLASS_HEADER && bytes_are(part->body, record->event.header_bytes)) {
            *ret_header = true;
            continue;
        }
        if (cls == TYPE_CLASS_NOTE && record->note_bytes.data != NULL && bytes_are(part->body, record->note_bytes)) {
            *ret_note = true;
            continue;
        }
        while (at < record->event.section_count &&
               ((sections >> at & 1u) != 0 || record->slots[at] != part->slot->slot ||
                !bytes_are(part->body, record->event.sections[at].bytes)))
            at++;
        if (at == record->event.section_count)
            sim_fail("G6 sections", "%s is given a part (section id %u) that record %" PRIu64 " does not hold",
                     unit_name(unit), part->slot->section_id, d->seq);
        sections |= 1u << at;
    }
    return sections;
}

/* name: the reader's cursor or session. exact: neither more nor less than the view; else no more. */
static void
delivery_check(uint32_t unit, const char *name, const Wici__V1__Delivery *d, const struct core_view *view, bool exact)
{
    const struct record *record = &ledger_at(d->seq)->record;
    bool header, note;
    uint32_t sections = parts_of(unit, d, record, &header, &note);
    bool may_note = view->note && record->note_bytes.data != NULL;

    sim_counts.deliveries++;
    ledger_give(unit, d->seq);
    check_shown_given(unit, name, d->seq, sections);
    if (!view->received)
        sim_fail("G6 sections", "%s is given record %" PRIu64 " (%s), which is not for it", unit_name(unit), d->seq,
                 record->event.type->name);
    if (d->ts_ms != record->core.ts_ms || d->digests.len != (size_t)record->leaf.n * LEAF_HASH_SIZE ||
        memcmp(d->digests.data, record->leaf.digests, d->digests.len) != 0)
        sim_fail("G6 sections", "record %" PRIu64 " is shown with another time or other digests", d->seq);
    if ((sections & ~view->sections) != 0 || (note && !may_note))
        sim_fail("G6 sections", "%s is given sections %x of record %" PRIu64 " (%s), it may see %x%s", unit_name(unit),
                 sections, d->seq, record->event.type->name, view->sections, note && !may_note ? " and no note" : "");
    if (exact && (!header || sections != view->sections || note != may_note))
        sim_fail("G6 sections", "%s is given sections %x of record %" PRIu64 " (%s) and not all of %x", unit_name(unit),
                 sections, d->seq, record->event.type->name, view->sections);
}

/* ---- subscriptions */

/* The subscription stands at `seq` now: what lies between and was not delivered could be passed. */
static void
passed_check(uint32_t unit, const struct tally_sub *sub, uint64_t seq)
{
    for (uint64_t at = sub->told + 1; at <= seq; at++) {
        const struct record *record = &ledger_at(at)->record;

        if (tally_filter_passes(&sub->filter, &record->event) && !ledger_was_hidden(unit, at, sub->told_in))
            sim_fail("G5 gap",
                     "%s, subscription %u%s%s, was told of all up to %" PRIu64 " and then of %" PRIu64
                     "; record %" PRIu64 " (%s) between them is for it",
                     unit_name(unit), sub->number, sub->cursor[0] != '\0' ? ", cursor " : "", sub->cursor, sub->told,
                     seq, at, record->event.type->name);
    }
}

static void
told(struct tally_sub *sub, uint64_t seq)
{
    sub->told = seq;
    sub->told_in = ledger_base();
}

/* Before anything but the registry's records is shown, the mark of the reader's own access window lies in the log: not
 * that of an earlier reader of the same name, whose window waits to be recorded. It begins no later than what is shown.
 */
struct marked {
    const char *name;
    uint64_t from_seq; /* 0: there is no such mark */
};

static int
mark_look(void *arg, const char *name, const uint8_t *value, size_t len)
{
    struct marked *m = arg;

    if (strcmp(name, m->name) != 0 || len < 8)
        return 0;
    for (unsigned i = 0; i < 8; i++)
        m->from_seq = m->from_seq << 8 | value[i];
    return 0;
}

static void
accounted_check(struct door_line *line, uint32_t unit, const struct tally_sub *sub, uint64_t first)
{
    struct session *session = sessions_find_name(sim_broker->sessions, unit, line->tally->session);
    struct reader *reader = session == NULL ? NULL : reader_find(session, sub->number);
    char name[STORE_NAME_MAX + 1];
    struct marked m = {.name = name};

    if (reader == NULL)
        sim_fail("G6 accounted", "%s is shown records by nobody", unit_name(unit));
    (void)snprintf(name, sizeof name, "open:%s:%s:%u:%" PRIu64, unit_name(unit), line->tally->session, sub->number,
                   reader->mark);
    if (store_value_each(sim_broker->store, "open:", mark_look, &m) != 0 || m.from_seq == 0 || m.from_seq > first)
        sim_fail("G6 accounted", "%s is shown record %" PRIu64 " without %s (from %" PRIu64 ")", unit_name(unit), first,
                 name, m.from_seq);
}

void
check_batch(struct door_line *line, uint32_t unit, const Wici__V1__Batch *batch)
{
    struct tally_sub *sub = tally_sub_find(line->tally, batch->subscription);
    uint64_t shown = 0; /* the first that counts */

    if (sub == NULL || !sub->open)
        sim_fail("answers", "%s is sent a batch of subscription %u, which it does not have", unit_name(unit),
                 batch->subscription);
    for (size_t i = 0; i < batch->n_deliveries; i++) {
        const Wici__V1__Delivery *d = batch->deliveries[i];
        size_t size = wici__v1__delivery__get_packed_size(d);

        if (d->seq > ledger_head())
            sim_fail("G1 durable", "record %" PRIu64 " is delivered, the log stands at %" PRIu64, d->seq,
                     ledger_head());
        if (d->seq <= sub->told)
            sim_fail("G5 repeat", "%s, subscription %u, is given %" PRIu64 " and was told of all up to %" PRIu64,
                     unit_name(unit), sub->number, d->seq, sub->told);
        passed_check(unit, sub, d->seq - 1);
        if (!tally_filter_passes(&sub->filter, &ledger_at(d->seq)->record.event))
            sim_fail("G6 sections", "%s is given record %" PRIu64 ", which its filter leaves out", unit_name(unit),
                     d->seq);
        delivery_check(unit, sub->cursor[0] != '\0' ? sub->cursor : line->tally->session, d,
                       &ledger_sight(unit, d->seq)->view, true);
        if (sub->credit_count > 0 && sub->outstanding + size > sub->window)
            sim_fail("G7 bounded", "%s, subscription %u, has %zu bytes outstanding and is given %zu more, of %zu",
                     unit_name(unit), sub->number, sub->outstanding, size, sub->window);
        tally_credit_add(sub, d->seq, size);
        sim_tell("  shows %" PRIu64 " (%zu bytes)", d->seq, size);
        told(sub, d->seq);
        if (shown == 0 && !record_is_sys(&ledger_at(d->seq)->record))
            shown = d->seq;
    }
    if (shown != 0)
        accounted_check(line, unit, sub, shown);
}

void
check_head(const Wici__V1__Position *head)
{
    if (head == NULL || head->epoch != ledger_epoch() || head->seq > ledger_head())
        sim_fail("G3 log", "a head is told that is not the log's");
    if (head->seq > 0 && (head->leaf_hash.len != LEAF_HASH_SIZE ||
                          memcmp(head->leaf_hash.data, ledger_at(head->seq)->hash, LEAF_HASH_SIZE) != 0))
        sim_fail("G3 log", "the hash told with the head %" PRIu64 " is not the record's", head->seq);
}

void
check_positions(struct door_line *line, uint32_t unit, const Wici__V1__Positions *positions)
{
    check_head(positions->head);
    check_safe(positions->safe_up_to);
    for (size_t i = 0; i < positions->n_positions; i++) {
        struct tally_sub *sub = tally_sub_find(line->tally, positions->positions[i]->subscription);
        uint64_t seq = positions->positions[i]->seq;

        if (sub == NULL || !sub->open)
            sim_fail("answers", "%s is told the position of subscription %u, which it does not have", unit_name(unit),
                     positions->positions[i]->subscription);
        if (seq > ledger_head() || seq < sub->told)
            sim_fail("G5 gap", "%s is told position %" PRIu64 " after %" PRIu64 ", the log stands at %" PRIu64,
                     unit_name(unit), seq, sub->told, ledger_head());
        passed_check(unit, sub, seq);
        told(sub, seq);
    }
}

/* ---- bounded reads */

static bool
read_wants(const struct tally_read *read, const struct record *record)
{
    return (read->type == 0 || record->event.type->number == read->type) &&
           tally_filter_passes(&read->filter, &record->event);
}

void
check_read(struct door_line *line, uint32_t unit, const Wici__V1__ReadResult *result)
{
    struct tally_read *read = tally_read_find(line->tally, result->request);
    bool content = read != NULL && read->with_content && is_auditor(unit);
    uint64_t last, done;
    size_t next = 0;

    if (read == NULL)
        sim_fail("answers", "%s is given the result of a read %u that it does not wait for", unit_name(unit),
                 result->request);
    if (result->as_of_seq > ledger_head())
        sim_fail("G1 durable", "a read is answered as of %" PRIu64, result->as_of_seq);
    last = read->to != 0 && read->to < result->as_of_seq ? read->to : result->as_of_seq;
    done = result->more ? result->next_seq - 1 : last;
    for (uint64_t seq = read->from; seq <= done; seq++) {
        const struct record *record = &ledger_at(seq)->record;
        bool given = next < result->n_deliveries && result->deliveries[next]->seq == seq;

        if (given) {
            struct core_view view;

            if (!read_wants(read, record))
                sim_fail("G6 sections", "%s is given record %" PRIu64 ", which it did not ask for", unit_name(unit),
                         seq);
            core_view(ledger_core(), unit, &record->core, content, &view);
            delivery_check(unit, line->tally->session, result->deliveries[next], &view, false);
            next++;
        } else if (read_wants(read, record) && !ledger_was_hidden(unit, seq, read->asked_in)) {
            sim_fail("G6 sections", "%s reads from %" PRIu64 " to %" PRIu64 " and is not given record %" PRIu64,
                     unit_name(unit), read->from, done, seq);
        }
    }
    if (next != result->n_deliveries)
        sim_fail("G6 sections", "%s is given record %" PRIu64 " out of order or beyond what it asked for",
                 unit_name(unit), result->deliveries[next]->seq);
    sim_counts.reads++;
    memset(read, 0, sizeof *read);
}
