/*
 * ledger - see ledger.h
 */
#include "tests/sim/ledger.h"

#include "tests/sim/check.h"
#include "tests/sim/oracle.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE   (2u << 20) /* of memory for records; each has to fit into one */
#define CHUNKS_MAX   512u
#define UNITS_SEEN   64u
#define ORACLE_EACH  16u /* of the records looked at again */
#define CLIENTS_SEEN 64u
#define ENTRIES_SEEN 4096u
#define MEMBERS_MAX  256u
#define EPOCHS_MAX   64u

static struct {
    struct arena *chunks[CHUNKS_MAX];
    size_t chunk_count;
    struct ledger_record **at; /* at[seq - 1] */
    struct sight *sights[UNITS_SEEN];
    uint64_t head, base, size;
    struct core *core;
    uint32_t last_of[CLIENTS_SEEN]; /* of each publisher: how many of its events are done with */
    uint32_t group[ENTRIES_SEEN];   /* entries that were linked share a number */
    uint64_t erased[ENTRIES_SEEN];  /* the intent that names the entry */
    bool erasing;                   /* looking again for no other reason than an erasure */
    uint64_t ends[EPOCHS_MAX];      /* of the epochs before this one: the last record that is in this log, too */
    size_t epoch;                   /* how many */
    bool anew;                      /* ... in a state that was made anew, with the same number as before */
} ledger;

static void
sights_drop(void)
{
    for (size_t i = 0; i < UNITS_SEEN; i++) {
        for (uint64_t k = 0; ledger.sights[i] != NULL && k < ledger.head; k++)
            free(ledger.sights[i][k].past);
        free(ledger.sights[i]);
        ledger.sights[i] = NULL;
    }
}

static void
state_begin(void)
{
    if (core_create(&ledger.core) != 0)
        abort();
    for (uint32_t i = 0; i < ENTRIES_SEEN; i++)
        ledger.group[i] = i;
    memset(ledger.erased, 0, sizeof ledger.erased);
    memset(ledger.last_of, 0, sizeof ledger.last_of);
}

void
ledger_create(void)
{
    memset(&ledger, 0, sizeof ledger);
    state_begin();
}

void
ledger_clear(void)
{
    core_destroy(&ledger.core);
    sights_drop();
    for (uint64_t i = 0; i < ledger.head; i++)
        free(ledger.at[i]);
    free(ledger.at);
    for (size_t i = 0; i < ledger.chunk_count; i++)
        arena_destroy(&ledger.chunks[i]);
    memset(&ledger, 0, sizeof ledger);
}

uint64_t
ledger_head(void)
{
    return ledger.head;
}

uint64_t
ledger_base(void)
{
    return ledger.base;
}

void
ledger_tick(void)
{
    ledger.base = ledger.head;
}

struct core *
ledger_core(void)
{
    return ledger.core;
}

const struct ledger_record *
ledger_at(uint64_t seq)
{
    return ledger.at[seq - 1];
}

const struct sight *
ledger_sight(uint32_t unit, uint64_t seq)
{
    return &ledger.sights[unit][seq - 1];
}

bool
ledger_was_hidden(uint32_t unit, uint64_t seq, uint64_t since)
{
    const struct sight *sight = ledger_sight(unit, seq);

    return !sight->view.received || (sight->hidden_until != 0 && sight->hidden_until >= since);
}

/* ---- who may be shown what */

static const struct record *
record_with_id(const char *id)
{
    uint8_t bytes[16];

    if (uuid_parse(id, bytes) != 0)
        return NULL;
    for (uint64_t i = 0; i < ledger.head; i++)
        if (memcmp(ledger.at[i]->record.event.event_id, bytes, sizeof bytes) == 0)
            return &ledger.at[i]->record;
    return NULL;
}

/* What was said first: the record itself, or what it corrects, and what that corrects. */
static const struct record *
said_first(const struct record *record)
{
    const struct record *corrected = record_with_id(record->event.header->corrects_event_id);

    return corrected == NULL ? record : said_first(corrected);
}

/* It, or what it amends, was entered in error. What tells so is not closed itself. */
static bool
is_closed(const struct record *record)
{
    if (strcmp(record->event.header->correction, "ENTERED_IN_ERROR") == 0)
        return false;
    for (uint64_t i = 0; i < ledger.head; i++) {
        const struct record *other = &ledger.at[i]->record;

        if (strcmp(other->event.header->correction, "ENTERED_IN_ERROR") == 0 && said_first(other) == said_first(record))
            return true;
    }
    return false;
}

/* The core against the tables. */
static void
oracle_check(uint32_t unit, const struct record *record, const struct core_view *view)
{
    struct oracle_view wanted;
    struct core_unit u;

    oracle_look(ledger.core, unit, &record->core, is_closed(record), &wanted);
    if (view->received == wanted.received && view->sections == wanted.sections && view->note == wanted.note)
        return;
    core_unit(ledger.core, unit, &u);
    sim_fail("G6 oracle",
             "the core gives %s of record %" PRIu64 " (%s): received %d, sections %x, note %d; the tables: %d, %x, %d",
             u.id, record->core.seq, record->event.type->name, view->received, view->sections, view->note,
             wanted.received, wanted.sections, wanted.note);
}

/* Whoever asks, and for whatever reason. */
static void
erased_check(uint32_t unit, const struct record *record)
{
    struct core_view view;
    struct core_unit u;

    core_view(ledger.core, unit, &record->core, true, &view);
    core_unit(ledger.core, unit, &u);
    if (view.received || view.sections != 0 || view.note)
        sim_fail("erased", "the core gives %s of record %" PRIu64 " (%s), whose dossier was erased", u.id,
                 record->core.seq, record->event.type->name);
}

bool
ledger_is_touched(uint32_t entry)
{
    for (uint32_t e = 0; e < ENTRIES_SEEN; e++)
        if (ledger.erased[e] != 0 && ledger.group[e] == ledger.group[entry])
            return true;
    return false;
}

static void
untouched_check(uint32_t unit, const struct record *record, const struct core_view *was, const struct core_view *now)
{
    struct core_unit u;

    if ((was->received == now->received && was->sections == now->sections && was->note == now->note) ||
        ledger_is_touched(record->core.entry))
        return;
    core_unit(ledger.core, unit, &u);
    sim_fail("erased",
             "an erasure of others changes what %s is given of record %" PRIu64 " (%s): received %d, sections %x; "
             "before %d, %x",
             u.id, record->core.seq, record->event.type->name, now->received, now->sections, was->received,
             was->sections);
}

static void
past_add(struct sight *sight)
{
    struct sight_past *last = sight->past_count == 0 ? NULL : &sight->past[sight->past_count - 1];

    if (last != NULL && last->received == sight->view.received && last->sections == sight->view.sections)
        return;
    if (sight->past_count == sight->past_size) {
        sight->past_size = 2 * sight->past_size + 1;
        sight->past = must(realloc(sight->past, sight->past_size * sizeof *sight->past));
    }
    sight->past[sight->past_count++] = (struct sight_past){
        .since = ledger.head, .received = sight->view.received, .sections = sight->view.sections};
}

static void
look(uint32_t unit, uint64_t seq)
{
    struct sight *sight = &ledger.sights[unit][seq - 1];
    struct core_view was = sight->view;
    bool was_hidden = !was.received;

    core_view(ledger.core, unit, &ledger.at[seq - 1]->record.core, false, &sight->view);
    past_add(sight);
    if (ledger.erasing && (ledger.anew || seq != ledger.head))
        untouched_check(unit, &ledger.at[seq - 1]->record, &was, &sight->view);
    if (ledger.erased[ledger.at[seq - 1]->record.core.entry] != 0)
        erased_check(unit, &ledger.at[seq - 1]->record);
    else if (seq == ledger.head || (seq + unit) % ORACLE_EACH == ledger.head % ORACLE_EACH)
        oracle_check(unit, &ledger.at[seq - 1]->record, &sight->view);
    if (was_hidden && sight->view.received && (ledger.anew || seq != ledger.head))
        sight->hidden_until = ledger.anew ? ledger.head : ledger.head - 1;
}

static void
look_all(bool every, uint32_t group)
{
    uint32_t units = core_unit_count(ledger.core);

    if (units > UNITS_SEEN)
        abort();
    for (uint32_t unit = 0; unit < units; unit++) {
        if (ledger.sights[unit] == NULL) { /* enrolled just now: until then it was given nothing */
            ledger.sights[unit] = must(calloc(ledger.size, sizeof(struct sight)));
            every = true;
        }
        for (uint64_t seq = 1; seq <= ledger.head; seq++) {
            uint32_t entry = ledger.at[seq - 1]->record.core.entry;

            if (every || seq == ledger.head || (group != 0 && ledger.group[entry] == group))
                look(unit, seq);
        }
    }
}

static uint32_t
entry_of_dossier(const uint8_t id[16])
{
    for (uint64_t i = 0; i < ledger.head; i++) {
        const struct record *record = &ledger.at[i]->record;

        if (record->core.entry != 0 && memcmp(record->event.dossier_id, id, 16) == 0)
            return record->core.entry;
    }
    return 0;
}

/* What links two dossiers may change what is seen in either. */
static void
groups_join(const struct record *record)
{
    for (size_t i = 0; i < record->event.section_count; i++) {
        const Wici__V1__Section *section = record->event.sections[i].section;
        uint32_t from, to = ledger.group[record->core.entry];
        uint8_t id[16];

        if (section->body_case != WICI__V1__SECTION__BODY_CASE_LINKED_S0 ||
            uuid_parse(section->case_linked_s0->other_dossier, id) != 0 || entry_of_dossier(id) == 0)
            continue;
        from = ledger.group[entry_of_dossier(id)];
        for (uint32_t e = 0; e < ENTRIES_SEEN; e++)
            if (ledger.group[e] == from)
                ledger.group[e] = to;
    }
}

static bool
changes_everything(uint32_t type)
{
    return type > TYPE_SYS_FIRST && type != WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_ADDED &&
           type != WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_REMOVED && type != WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED &&
           type != WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED && type != WICI__V1__EVENT_TYPE__SYS_UNIT_KEY_ROTATED;
}

/* ---- erasures */

uint64_t
ledger_erased(uint32_t entry)
{
    return entry < ENTRIES_SEEN ? ledger.erased[entry] : 0;
}

uint64_t
ledger_erased_dossier(const uint8_t id[16])
{
    return ledger_erased(entry_of_dossier(id));
}

size_t
ledger_erased_count(uint64_t intended_seq, uint64_t below)
{
    size_t count = 0;

    for (uint64_t i = 0; i < ledger.head && i + 1 < below; i++)
        count += ledger.erased[ledger.at[i]->record.core.entry] == intended_seq;
    return count;
}

void
ledger_give(uint32_t unit, uint64_t seq)
{
    struct sight *sight = &ledger.sights[unit][seq - 1];

    if (sight->given_in == 0)
        sight->given_in = ledger.head;
}

/* What is to go, as the record says; those that were merged with it are to go too. */
static void
intent_take(const struct record *record)
{
    const Wici__V1__SysErasureIntendedS0 *body = record->event.sections[0].section->sys_erasure_intended_s0;

    bool repeated = strcmp(body->reason, "REPEATED") == 0;

    for (size_t i = 0; i < body->n_keys; i++) {
        if (repeated && body->keys[i]->entry == 0) /* of a dossier that this log does not have */
            continue;
        if (body->keys[i]->entry == 0 || body->keys[i]->entry >= ENTRIES_SEEN)
            sim_fail("erased", "record %" PRIu64 " names key entry %u", record->core.seq, body->keys[i]->entry);
        ledger.erased[body->keys[i]->entry] = record->core.seq;
    }
    for (uint64_t i = 0; i < ledger.head && !repeated; i++) {
        const struct record *other = &ledger.at[i]->record;
        struct core_erase_member members[MEMBERS_MAX];
        size_t count;

        if (other->core.entry == 0 || ledger.erased[other->core.entry] != record->core.seq)
            continue;
        count = core_erase_group(ledger.core, other->event.dossier_id, members, MEMBERS_MAX);
        for (size_t k = 0; k < count; k++)
            if (members[k].goes && ledger.erased[members[k].entry] == 0)
                sim_fail("erased", "of merged dossiers that with key entry %u goes and %u stays", other->core.entry,
                         members[k].entry);
    }
}

void
ledger_fold_anew(void)
{
    struct core *anew = NULL;

    if (core_create(&anew) != 0)
        abort();
    for (uint64_t i = 0; i < ledger.head; i++)
        if (ledger.erased[ledger.at[i]->record.core.entry] == 0 && core_apply(anew, &ledger.at[i]->record.core) != 0)
            abort();
    core_swap(ledger.core, anew);
    core_destroy(&anew);
    ledger.erasing = ledger.anew = true;
    look_all(true, 0);
    ledger.erasing = ledger.anew = false;
}

/* ---- following */

static uint32_t
published_as(const struct record *record)
{
    struct bytes sections[EVENT_SECTIONS_MAX];
    uint32_t said = saids_by_id(record->event.event_id);

    for (size_t i = 0; i < record->event.section_count; i++)
        sections[i] = record->event.sections[i].bytes;
    while (said != SAID_NONE &&
           !said_has_bytes(saids_at(said), record->event.header_bytes, sections, record->event.section_count))
        said = saids_next_same_id(said);
    if (said != SAID_NONE)
        return saids_at(said)->same_as;
    if (strcmp(record->event.header->actor->agency, "broker") != 0)
        sim_fail("G3 log", "record %" PRIu64 " (%s) is an event that nobody published", record->core.seq,
                 record->event.type->name);
    return SAID_NONE;
}

/* Who publishes in a row stands in the log in that row; but for what was refused first and taken when sent again. */
static void
order_check(const struct said *said, uint32_t index)
{
    uint32_t *last;

    if (said->client == SAID_NONE || said->refused > 0 || said->let_go)
        return;
    if (said->client >= CLIENTS_SEEN)
        abort();
    last = &ledger.last_of[said->client];
    if (said->ordinal + 1 <= *last)
        sim_fail("G3 order", "event %u is the %u-th of its publisher and stands in the log behind the %u-th", index,
                 said->ordinal + 1, *last);
    *last = said->ordinal + 1;
}

static void
room_make(void)
{
    if (ledger.head < ledger.size)
        return;
    ledger.size = ledger.size == 0 ? 1024 : 2 * ledger.size;
    ledger.at = must(realloc(ledger.at, ledger.size * sizeof *ledger.at));
    for (size_t i = 0; i < UNITS_SEEN; i++) {
        if (ledger.sights[i] == NULL)
            continue;
        ledger.sights[i] = must(realloc(ledger.sights[i], ledger.size * sizeof(struct sight)));
        memset(ledger.sights[i] + ledger.head, 0, (ledger.size - ledger.head) * sizeof(struct sight));
    }
}

static int
load(struct ledger_record *ret, const struct store_row *row)
{
    int rc = -ENOMEM;

    if (ledger.chunk_count > 0)
        rc = record_load(&ret->record, row, ledger.chunks[ledger.chunk_count - 1], true);
    if (rc != -ENOMEM)
        return rc;
    if (ledger.chunk_count == CHUNKS_MAX || arena_create(&ledger.chunks[ledger.chunk_count++], CHUNK_SIZE) != 0)
        abort();
    return record_load(&ret->record, row, ledger.chunks[ledger.chunk_count - 1], true);
}

/* A record becomes the last one. */
static void
enter(struct ledger_record *r)
{
    uint64_t seq = r->record.core.seq;
    uint32_t entry = r->record.core.entry;

    if (r->said != SAID_NONE) {
        struct said *said = saids_at(r->said);

        if (said->seq != 0)
            sim_fail("G2 once", "event %u is in the log twice: %" PRIu64 " and %" PRIu64, r->said, said->seq, seq);
        said->seq = seq;
        said->in_clear = said->in_clear || entry == 0;
        order_check(said, r->said);
    }
    if (entry >= ENTRIES_SEEN)
        abort();
    if (entry != 0 && (ledger.erased[entry] != 0 || ledger_erased_dossier(r->record.event.dossier_id) != 0))
        sim_fail("erased", "record %" PRIu64 " (%s) is in a dossier that was erased", seq, r->record.event.type->name);
    room_make();
    if (r->record.event.type->number == WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED)
        intent_take(&r->record);
    ledger.at[ledger.head++] = r;
    if (core_apply(ledger.core, &r->record.core) != 0)
        abort();
    if (r->record.event.type->number == WICI__V1__EVENT_TYPE__CASE_LINKED)
        groups_join(&r->record);
    ledger.erasing = r->record.event.type->number == WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED;
    look_all(changes_everything(r->record.event.type->number), ledger.group[entry]);
    ledger.erasing = false;
}

static void
take(const struct store_row *row, uint64_t seq)
{
    struct ledger_record *r = must(calloc(1, sizeof *r));
    uint8_t input[LEAF_INPUT_MAX];

    if (row->seq != seq || row->leaf.seq != seq)
        sim_fail("G3 log", "where record %" PRIu64 " should be stands %" PRIu64, seq, row->leaf.seq);
    if (load(r, row) != 0)
        sim_fail("G3 log", "record %" PRIu64 " does not decode", seq);
    if (seq > 1 && r->record.core.ts_ms < ledger_at(seq - 1)->record.core.ts_ms)
        sim_fail("G3 log", "record %" PRIu64 " is older than the one before it", seq);
    leaf_hash(input, leaf_encode(&row->leaf, input), r->hash);
    r->said = published_as(&r->record);
    sim_tell("record %" PRIu64 ": %s by %s in %.8s, key entry %u", seq, r->record.event.type->name,
             r->record.event.header->actor->unit, r->record.event.header->dossier_id, r->record.core.entry);
    if (r->record.core.entry != 0 && check_is_listed(r->record.event.dossier_id))
        sim_fail("erased", "record %" PRIu64 " (%s) is in a dossier that was erased in a log before this one", seq,
                 r->record.event.type->name);
    if (r->said != SAID_NONE && saids_at(r->said)->lost) {
        saids_at(r->said)->lost = false;
        sim_counts.back++;
    }
    enter(r);
}

/* ---- a copy that was put back */

/* What was given of the records that stay, by unit and record: who was given it has it. But for what is lost: what lies
 * there may have opened a record of before to a unit, and no log knows of that any more. */
static void
given_note(uint64_t head, uint64_t *ret)
{
    for (size_t unit = 0; unit < UNITS_SEEN; unit++)
        for (uint64_t i = 0; i < head; i++)
            if (ledger.sights[unit] != NULL && ledger.sights[unit][i].given_in <= head)
                ret[unit * head + i] = ledger.sights[unit][i].given_in;
}

void
ledger_put_back(uint64_t head)
{
    struct ledger_record **all = ledger.at;
    uint64_t count = ledger.head;
    uint64_t *given = must(calloc(UNITS_SEEN * head, sizeof *given));

    given_note(head, given);
    sights_drop();
    core_destroy(&ledger.core);
    saids_part(head);
    ledger.at = NULL;
    ledger.head = ledger.size = 0;
    state_begin();
    for (uint64_t i = 0; i < head; i++)
        enter(all[i]);
    for (size_t unit = 0; unit < UNITS_SEEN; unit++)
        for (uint64_t i = 0; ledger.sights[unit] != NULL && i < head; i++)
            ledger.sights[unit][i].given_in = given[unit * head + i];
    for (uint64_t i = head; i < count; i++)
        free(all[i]);
    free(all);
    free(given);
    ledger.base = head;
    if (ledger.epoch == EPOCHS_MAX)
        abort();
    for (size_t i = 0; i < ledger.epoch; i++)
        ledger.ends[i] = ledger.ends[i] < head ? ledger.ends[i] : head;
    ledger.ends[ledger.epoch++] = head;
}

uint64_t
ledger_epoch(void)
{
    return ledger.epoch + 1;
}

uint64_t
ledger_same_up_to(uint64_t epoch)
{
    return epoch > ledger.epoch ? 0 : ledger.ends[epoch - 1];
}

void
ledger_follow(struct store *store)
{
    uint64_t head = store_head(store);
    struct store_slice *slice = NULL;
    struct store_row row;
    uint8_t hash[LEAF_HASH_SIZE];

    if (head < ledger.head)
        sim_fail("G3 log", "the log stands at %" PRIu64 ", it stood at %" PRIu64, head, ledger.head);
    if (head == ledger.head)
        return;
    if (store_slice_begin(store, &slice) != 0)
        abort();
    for (uint64_t seq = ledger.head + 1; seq <= head; seq++) {
        if (store_read(slice, seq, &row) != 0)
            sim_fail("G3 log", "record %" PRIu64 " of %" PRIu64 " is not there: %s", seq, head, store_damage(store));
        take(&row, seq);
    }
    if (store_read(slice, head + 1, &row) != -ENOENT)
        sim_fail("G3 log", "there is a record beyond the head, %" PRIu64, head);
    store_slice_end(&slice);
    store_head_hash(store, hash);
    if (memcmp(hash, ledger_at(head)->hash, sizeof hash) != 0)
        sim_fail("G3 log", "the head's hash at %" PRIu64 " is another record's", head);
}

void
ledger_compare(struct store *store)
{
    struct store_slice *slice = NULL;
    struct store_row row;

    if (store_head(store) < ledger.head)
        sim_fail("G1 durable", "after a restart the log ends at %" PRIu64 ", %" PRIu64 " were committed",
                 store_head(store), ledger.head);
    if (store_slice_begin(store, &slice) != 0)
        abort();
    for (uint64_t seq = 1; seq <= ledger.head; seq++) {
        const struct ledger_record *r = ledger_at(seq);
        uint8_t input[LEAF_INPUT_MAX], hash[LEAF_HASH_SIZE];
        uint64_t found = 0;

        if (store_read(slice, seq, &row) != 0)
            sim_fail("G1 durable", "after a restart record %" PRIu64 " is not there", seq);
        leaf_hash(input, leaf_encode(&row.leaf, input), hash);
        if (memcmp(hash, r->hash, sizeof hash) != 0)
            sim_fail("G1 durable", "after a restart record %" PRIu64 " is another one", seq);
        if (row.erased != (ledger.erased[r->record.core.entry] != 0))
            sim_fail(row.erased ? "G1 durable" : "erased", "after a restart record %" PRIu64 " can%s be read", seq,
                     row.erased ? "not" : "");
        if (store_id_find(store, r->record.event.event_id, &found) != 0 || found != seq)
            sim_fail("G2 once", "after a restart the id of record %" PRIu64 " leads to %" PRIu64, seq, found);
    }
    store_slice_end(&slice);
}

void
ledger_compare_core(const struct core *core, const char *when)
{
    uint8_t *a = NULL, *b = NULL;
    size_t a_len = 0, b_len = 0;

    if (core_dump(core, &a, &a_len) != 0 || core_dump(ledger.core, &b, &b_len) != 0)
        abort();
    if (a_len != b_len || memcmp(a, b, a_len) != 0)
        sim_fail("fold", "%s the state differs from the fold of the log at %" PRIu64, when, ledger.head);
    free(a);
    free(b);
}
