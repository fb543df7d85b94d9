/*
 * Erasures: what an intent in the log says is what it should say, what it names is gone, and nothing else is.
 */
#include "tests/sim/check.h"

#include "store/doc.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERASURES_MAX 64u
#define ENTRIES_MAX  64u
#define ASKED_MAX    256u
#define TOLD_MAX     64u
#define SEQS_MAX     65536u

struct erasure {
    uint64_t seq, done; /* of the intent, and of the record that it is done; 0: it is not */
    uint32_t entries[ENTRIES_MAX];
    uint8_t ids[ENTRIES_MAX][16]; /* of the dossiers */
    size_t count;
    char strange[ENTRIES_MAX][CORE_MARK_TEXT_SIZE]; /* marks of dossiers that this log does not have */
    size_t strange_count;
    bool told[TOLD_MAX]; /* units */
};

static struct {
    struct erasure at[ERASURES_MAX];
    size_t count;
    uint8_t asked[ASKED_MAX][16]; /* dossiers that somebody ordered to be erased */
    size_t asked_count, turn;
    bool named[SEQS_MAX + 1]; /* by the ranges of one record */
} erased;

void
check_erased_clear(void)
{
    memset(&erased, 0, sizeof erased);
}

size_t
check_erased_count(void)
{
    return erased.count;
}

void
check_erased_put_back(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < erased.count; i++)
        if (erased.at[i].seq <= ledger_head()) {
            if (erased.at[i].done > ledger_head())
                erased.at[i].done = 0;
            erased.at[kept++] = erased.at[i];
        }
    memset(&erased.at[kept], 0, (erased.count - kept) * sizeof erased.at[0]);
    erased.count = kept;
}

static struct erasure *
erasure_find(uint64_t intended_seq)
{
    for (size_t i = 0; i < erased.count; i++)
        if (erased.at[i].seq == intended_seq)
            return &erased.at[i];
    return NULL;
}

static void
ranges_name(Wici__V1__SeqRange *const *ranges, size_t count, uint64_t below)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i]->from_seq == 0 || ranges[i]->to_seq < ranges[i]->from_seq || ranges[i]->to_seq >= below)
            sim_fail("erased", "a range from %" PRIu64 " to %" PRIu64 " is none", ranges[i]->from_seq,
                     ranges[i]->to_seq);
        for (uint64_t seq = ranges[i]->from_seq; seq <= ranges[i]->to_seq; seq++)
            erased.named[seq] = true;
    }
}

/* ---- the records of an erasure */

static void
dossier_add(struct erasure *e, uint32_t entry)
{
    if (e->count == ENTRIES_MAX)
        abort();
    for (uint64_t seq = 1; seq < e->seq; seq++)
        if (ledger_at(seq)->record.core.entry == entry)
            memcpy(e->ids[e->count], ledger_at(seq)->record.event.dossier_id, 16);
    e->entries[e->count++] = entry;
}

static void
strange_add(struct erasure *e, const char *mark)
{
    if (e->strange_count == ENTRIES_MAX)
        abort();
    (void)snprintf(e->strange[e->strange_count++], sizeof e->strange[0], "%s", mark);
}

/* The erasure of the dossier, whether or not this log has it; NULL: there is none. */
static const struct erasure *
erasure_of(const uint8_t id[16])
{
    const struct erasure *known = erasure_find(ledger_erased_dossier(id));
    char mark[CORE_MARK_TEXT_SIZE];

    core_erased_mark(id, mark);
    for (size_t i = 0; known == NULL && i < erased.count; i++)
        for (size_t k = 0; k < erased.at[i].strange_count; k++)
            if (strcmp(erased.at[i].strange[k], mark) == 0)
                return &erased.at[i];
    return known;
}

static bool
is_asked(const uint8_t id[16])
{
    for (size_t i = 0; i < erased.asked_count; i++)
        if (memcmp(id, erased.asked[i], 16) == 0)
            return true;
    return false;
}

/* At least one of the dossiers that go was asked for. */
static void
asked_check(const struct erasure *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (is_asked(e->ids[i]))
            return;
    sim_fail("erased", "record %" PRIu64 " intends what nobody has ordered", e->seq);
}

/* The first of its records: the others and the notices follow in the same commit. */
static void
intent_check(uint64_t seq)
{
    const Wici__V1__SysErasureIntendedS0 *body =
        ledger_at(seq)->record.event.sections[0].section->sys_erasure_intended_s0;
    struct erasure *e;
    uint32_t parts = body->parts;
    bool repeated = strcmp(body->reason, "REPEATED") == 0;

    if (body->part != 1)
        return;
    if (repeated && !check_is_put_back())
        sim_fail("erased", "record %" PRIu64 " repeats an erasure, and no log was put back", seq);
    if (erased.count == ERASURES_MAX || seq > SEQS_MAX)
        abort();
    e = &erased.at[erased.count++];
    e->seq = seq;
    for (size_t i = 0; i < body->n_keys; i++) {
        char mark[CORE_MARK_TEXT_SIZE];

        if (repeated && body->keys[i]->entry == 0) {
            strange_add(e, body->keys[i]->mark);
            continue;
        }
        dossier_add(e, body->keys[i]->entry);
        core_erased_mark(e->ids[e->count - 1], mark);
        if (strcmp(mark, body->keys[i]->mark) != 0)
            sim_fail("erased", "record %" PRIu64 " has another mark for key entry %u", seq, body->keys[i]->entry);
    }
    if (!repeated)
        asked_check(e);
    memset(erased.named, 0, sizeof erased.named);
    for (uint32_t part = 0; part < parts; part++) {
        body = ledger_at(seq + part)->record.event.sections[0].section->sys_erasure_intended_s0;
        ranges_name(body->ranges, body->n_ranges, seq);
    }
    for (uint64_t at = 1; at < seq; at++)
        if (erased.named[at] != (ledger_erased(ledger_at(at)->record.core.entry) == seq))
            sim_fail("erased", "record %" PRIu64 " names record %" PRIu64 ", or does not, and it is not so", seq, at);
    check_documents_erase(seq);
    sim_counts.erasures++;
    sim_counts.erased += e->count;
    for (size_t i = 0; i < e->count; i++)
        sim_tell("the dossier with key entry %u is to be erased%s", e->entries[i],
                 is_asked(e->ids[i]) ? "" : ", with the one it was merged with");
}

/* Each unit that was given something is told of it; it may be told of more, but of no other records. */
static void
notices_check(const struct erasure *e)
{
    for (uint32_t unit = 0; unit < core_unit_count(ledger_core()) && unit < TOLD_MAX; unit++) {
        struct core_unit u;

        core_unit(ledger_core(), unit, &u);
        memset(erased.named, 0, sizeof erased.named);
        for (uint64_t seq = e->seq + 1; seq <= ledger_head(); seq++) {
            const struct event *event = &ledger_at(seq)->record.event;
            const Wici__V1__SysErasureNotifiedS0 *body;

            if (event->type->number != WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED)
                continue;
            body = event->sections[0].section->sys_erasure_notified_s0;
            if (body->intended_seq == e->seq && strcmp(body->unit, u.id) == 0)
                ranges_name(body->ranges, body->n_ranges, e->seq);
        }
        for (uint64_t seq = 1; seq < e->seq; seq++) {
            bool of_it = ledger_erased(ledger_at(seq)->record.core.entry) == e->seq;

            if (erased.named[seq] && !of_it)
                sim_fail("erased", "%s is told of an erasure of record %" PRIu64 ", which was not erased", u.id, seq);
            if (of_it && ledger_sight(unit, seq)->given_in != 0 && !erased.named[seq])
                sim_fail("erased", "%s was given record %" PRIu64 ", which is erased, and is not told so", u.id, seq);
        }
    }
}

static void
told_take(const struct event *event)
{
    const Wici__V1__SysErasureNotifiedS0 *body = event->sections[0].section->sys_erasure_notified_s0;
    uint32_t unit = core_unit_by_id(ledger_core(), body->unit);
    struct erasure *e = erasure_find(body->intended_seq);

    if (e == NULL || unit == CORE_UNIT_NONE || unit >= TOLD_MAX)
        sim_fail("erased", "%s is told of an erasure that there is not", body->unit);
    e->told[unit] = true;
}

/* ---- what is left */

static int
cursor_look(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    const struct erasure *e = arg;
    char id[37];

    for (size_t i = 0; i < e->count; i++) {
        uuid_format(e->ids[i], id);
        if (cursor->filter_len > 0 && memmem(cursor->filter, cursor->filter_len, id, strlen(id)) != NULL)
            sim_fail("erased", "the filter of %s/%s names a dossier that was erased", unit, name);
    }
    return 0;
}

static void
keys_check(struct store *store, const struct erasure *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (!store_key_is_erased(store, e->entries[i]))
            sim_fail("erased", "key entry %u is there, record %" PRIu64 " has doomed it", e->entries[i], e->seq);
}

void
check_erased_keys(struct store *store)
{
    for (size_t i = 0; i < erased.count; i++)
        keys_check(store, &erased.at[i]);
}

/* Without content; and rewritten, once the erasure is done. */
static void
row_check(struct store *store, const struct erasure *e, uint64_t seq)
{
    struct store_slice *slice = NULL;
    struct store_row row;

    if (store_slice_begin(store, &slice) != 0)
        abort();
    if (store_read(slice, seq, &row) != 0)
        sim_fail("G3 log", "erased record %" PRIu64 " is not there", seq);
    if (!row.erased || row.part_count > 0 || (e->done != 0 && row.entry != STORE_NO_ENTRY))
        sim_fail("erased", "record %" PRIu64 " has its content, record %" PRIu64 " has doomed it", seq, e->seq);
    store_slice_end(&slice);
}

static void
rows_check(struct store *store, const struct erasure *e)
{
    for (uint64_t seq = 1; seq < e->seq; seq++)
        if (ledger_erased(ledger_at(seq)->record.core.entry) == e->seq)
            row_check(store, e, seq);
}

static void
done_check(struct store *store, struct erasure *e)
{
    keys_check(store, e);
    rows_check(store, e);
    check_documents_erased(store, e->seq);
    for (size_t i = 0; i < e->count; i++) {
        size_t count = 0;
        uint64_t seq;

        if (store_find(store, e->entries[i], 1, &seq, 1, &count) != 0 || count > 0)
            sim_fail("erased", "the finding index knows records of key entry %u, which was erased", e->entries[i]);
    }
    (void)store_cursor_each(store, NULL, cursor_look, e);
}

static void
done_take(struct store *store, const struct record *record)
{
    const Wici__V1__SysErasureDoneS0 *body = record->event.sections[0].section->sys_erasure_done_s0;
    struct erasure *e = erasure_find(body->intended_seq);

    if (e == NULL || e->done != 0 || body->records != ledger_erased_count(e->seq, e->seq))
        sim_fail("erased", "record %" PRIu64 " says that an erasure is done, with %" PRIu64 " records",
                 record->core.seq, body->records);
    e->done = record->core.seq;
    done_check(store, e);
}

void
check_erased_committed(struct store *store, uint64_t before)
{
    size_t known = erased.count;

    for (uint64_t seq = before + 1; seq <= ledger_head(); seq++) {
        const struct record *record = &ledger_at(seq)->record;

        if (record->event.type->number == WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED)
            intent_check(seq);
        if (record->event.type->number == WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED)
            told_take(&record->event);
        if (record->event.type->number == WICI__V1__EVENT_TYPE__SYS_ERASURE_DONE)
            done_take(store, record);
    }
    for (; known < erased.count; known++)
        notices_check(&erased.at[known]);
}

void
check_erased_tick(struct store *store)
{
    const struct erasure *e = erased.count == 0 ? NULL : &erased.at[erased.turn++ % erased.count];

    if (e == NULL)
        return;
    check_erased_keys(store);
    if (e->done == 0)
        rows_check(store, e);
}

void
check_erased_reopened(struct store *store)
{
    for (size_t i = 0; i < erased.count; i++) {
        keys_check(store, &erased.at[i]);
        rows_check(store, &erased.at[i]);
        if (erased.at[i].done != 0)
            done_check(store, &erased.at[i]);
    }
}

void
check_erased_end(void)
{
    for (size_t i = 0; i < erased.count; i++)
        if (erased.at[i].done == 0)
            sim_fail("G4 progress", "the erasure that record %" PRIu64 " intended is not done", erased.at[i].seq);
}

/* ---- messages */

void
check_erase_asked(struct door_line *line, const Wici__V1__Query *query)
{
    bool preview = query->what_case == WICI__V1__QUERY__WHAT_ERASE_PREVIEW;
    char **ids = preview ? query->erase_preview->dossiers : query->erase->dossiers;
    size_t count = preview ? query->erase_preview->n_dossiers : query->erase->n_dossiers;

    line->tally->erase = (struct tally_erase){.request = query->request, .preview = preview, .asked_in = ledger_head()};
    for (size_t i = 0; i < count && !preview; i++) {
        if (erased.asked_count == ASKED_MAX)
            abort();
        if (uuid_parse(ids[i], erased.asked[erased.asked_count]) == 0)
            erased.asked_count++;
    }
}

/* The records that go, as the answer names their dossiers, below this number. */
static size_t
records_of(const Wici__V1__Erasure *erasure, uint64_t below)
{
    size_t count = 0;

    for (uint64_t seq = 1; seq < below; seq++)
        for (size_t i = 0; i < erasure->n_dossiers; i++) {
            uint8_t id[16];

            if (erasure->dossiers[i]->goes && uuid_parse(erasure->dossiers[i]->dossier, id) == 0 &&
                ledger_at(seq)->record.core.entry != 0 && memcmp(ledger_at(seq)->record.event.dossier_id, id, 16) == 0)
                count++;
        }
    return count;
}

/* No answer to a question knows of what was erased. */
void
check_answer_erased(uint32_t unit, const Wici__V1__QueryResult *result)
{
    uint64_t seq = result->result_case == WICI__V1__QUERY_RESULT__RESULT_EXPLANATION ? result->explanation->seq
                   : result->result_case == WICI__V1__QUERY_RESULT__RESULT_FETCHED   ? result->fetched->seq
                                                                                     : 0;
    struct core_unit u;

    core_unit(ledger_core(), unit, &u);
    if (seq != 0 && seq <= ledger_head() && ledger_erased(ledger_at(seq)->record.core.entry) != 0)
        sim_fail("erased", "%s has an answer about record %" PRIu64 ", whose dossier was erased", u.id, seq);
    for (size_t i = 0; result->result_case == WICI__V1__QUERY_RESULT__RESULT_GROUP && i < result->group->n_members;
         i++) {
        uint8_t id[16];

        if (uuid_parse(result->group->members[i]->dossier, id) == 0 && ledger_erased_dossier(id) != 0)
            sim_fail("erased", "%s is told of a dossier that was erased", u.id);
    }
}

void
check_erase_answered(struct door_line *line, uint32_t unit, const Wici__V1__QueryResult *result)
{
    struct tally_erase *ask = &line->tally->erase;
    const struct erasure *e;

    if (result->result_case != WICI__V1__QUERY_RESULT__RESULT_ERASE &&
        result->result_case != WICI__V1__QUERY_RESULT__RESULT_ERASE_PREVIEW)
        return;
    if (ask->request == 0 || ask->request != result->request ||
        ask->preview != (result->result_case == WICI__V1__QUERY_RESULT__RESULT_ERASE_PREVIEW))
        sim_fail("answers", "an erasure is told that nobody has asked for");
    if (!core_unit_is(ledger_core(), unit, WICI__V1__ROLE__ADM))
        sim_fail("erased", "who is no administrator is told of an erasure");
    e = result->erase->intended_seq == 0 ? NULL : erasure_find(result->erase->intended_seq);
    if (ask->preview && !result->erase->before) {
        if (e != NULL || result->erase->done || result->erase->records < records_of(result->erase, ask->asked_in + 1) ||
            result->erase->records > records_of(result->erase, ledger_head() + 1))
            sim_fail("erased", "a preview tells of %" PRIu64 " records", result->erase->records);
    } else if (e == NULL || (result->erase->done && e->done == 0) ||
               (!result->erase->before &&
                (!result->erase->done || result->erase->records != ledger_erased_count(e->seq, e->seq)))) {
        sim_fail("erased", "an erasure is said to be intended by record %" PRIu64 ", done %d, %" PRIu64 " records",
                 result->erase->intended_seq, result->erase->done, result->erase->records);
    }
    ask->request = 0;
}

void
check_erased_refusal(uint32_t unit, const struct said *said, const Wici__V1__Refusal *refusal)
{
    bool told_code = strcmp(refusal->code, error_name(E_ERASED)) == 0;
    Wici__V1__Header *header;
    const struct erasure *e = NULL;
    uint8_t id[16];

    if (unit == CORE_UNIT_NONE || strcmp(refusal->path, "header.dossierId") != 0 ||
        (!told_code && strcmp(refusal->code, error_name(E_DOSSIER)) != 0))
        return;
    header = wici__v1__header__unpack(NULL, said->header.len, said->header.data);
    if (header != NULL && uuid_parse(header->dossier_id, id) == 0)
        e = erasure_of(id);
    wici__v1__header__free_unpacked(header, NULL);
    if (told_code != (e != NULL && e->told[unit]))
        sim_fail("erased", "a unit that was%s told of an erasure is refused %s for its dossier",
                 e != NULL && e->told[unit] ? "" : " not", refusal->code);
}
