/*
 * seams - see seams.h
 */
#include "tests/sim/seams.h"

#include "broker/core/state.h"
#include "broker/deliver.h"
#include "broker/reply.h"
#include "broker/sequence.h"
#include "store/doc.h"
#include "store/erased.h"
#include "store/fault.h"
#include "store/keys.h"
#include "tests/sim/check.h"
#include "tests/sim/door.h"
#include "tests/sim/fate.h"
#include "tests/sim/plants.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PURE_EACH 8u /* decisions: comparing states is dear */

static bool commit_failed;

static int
commit_fails(void)
{
    store_commit_fault = NULL;
    commit_failed = true;
    return -EIO;
}

void
seams_fail_commit(void)
{
    commit_failed = false;
    store_commit_fault = commit_fails;
}

bool
seams_commit_failed(void)
{
    return commit_failed;
}

/* ---- the store */

__typeof__(store_commit) __real_store_commit, __wrap_store_commit;

int
__wrap_store_commit(struct store *st)
{
    bool batch = store_has_batch(st);
    int rc;

    sim_point("commit");
    if (door_is_dead())
        return -EIO;
    if (batch && sim_broker != NULL && plant_is("answer_early"))
        reply_flush(sim_broker);
    if (batch && sim_broker != NULL && plant_is("commit_skipped") && store_next(st) % 5 == 0)
        return 0;
    rc = __real_store_commit(st);
    if (rc == 0 && batch)
        check_committed(st);
    if (rc == 0)
        sim_point("committed");
    return rc;
}

__typeof__(store_append) __real_store_append, __wrap_store_append;

int
__wrap_store_append(struct store *st, const struct store_record *record, uint64_t *ret_seq, struct leaf *leaf)
{
    struct store_record changed = *record;

    sim_point("append");
    if (sim_broker != NULL && plant_is("id_not_entered") && record->seed[0] % 8 == 0)
        changed.event_id = NULL;
    if (sim_broker != NULL && plant_is("text_in_clear") && record->entry != STORE_CLEAR_ENTRY &&
        record->part_count > 2 && record->parts[2].len < 256)
        (void)store_value_put(st, "newest", record->parts[2].body, record->parts[2].len);
    return __real_store_append(st, &changed, ret_seq, leaf);
}

__typeof__(store_find_flush) __real_store_find_flush, __wrap_store_find_flush;

int
__wrap_store_find_flush(struct store *st, bool all)
{
    if (door_is_dead())
        return 0;
    return __real_store_find_flush(st, all);
}

/* ---- documents */

__typeof__(store_doc_begin) __real_store_doc_begin, __wrap_store_doc_begin;

int
__wrap_store_doc_begin(struct store *st, struct store_doc *doc)
{
    sim_point_rare("upload begins");
    return __real_store_doc_begin(st, doc);
}

__typeof__(store_doc_put) __real_store_doc_put, __wrap_store_doc_put;

int
__wrap_store_doc_put(struct store *st, struct store_doc *doc, const void *bytes, size_t len)
{
    int rc;

    sim_point_rare("piece of a document");
    rc = __real_store_doc_put(st, doc, bytes, len);
    sim_point_rare("piece of a document was put");
    return rc;
}

__typeof__(store_doc_bind) __real_store_doc_bind, __wrap_store_doc_bind;

int
__wrap_store_doc_bind(struct store *st, const struct store_doc *doc, uint32_t dossier)
{
    int rc;

    sim_point_rare("document to its dossier");
    rc = __real_store_doc_bind(st, doc, dossier);
    sim_point_rare("document is its dossier's");
    return rc;
}

/* ---- keys: what a dead broker does to them would stay */

__typeof__(erased_add) __real_erased_add, __wrap_erased_add;

int
__wrap_erased_add(struct erased *erased, uint32_t entry, uint32_t generation, const uint8_t *mark)
{
    int rc;

    sim_point_rare("key is to be destroyed");
    rc = door_is_dead() ? -EIO : __real_erased_add(erased, entry, generation, mark);
    if (rc == 0)
        check_listed(mark);
    return rc;
}

__typeof__(keys_erase) __real_keys_erase, __wrap_keys_erase;

int
__wrap_keys_erase(struct keys *keys, uint32_t entry)
{
    int rc;

    sim_point_rare("key is entered as destroyed");
    rc = door_is_dead() ? -EIO : __real_keys_erase(keys, entry);
    sim_point_rare("key is destroyed");
    return rc;
}

/* ---- erasures */

__typeof__(store_key_erase_marked) __real_store_key_erase_marked, __wrap_store_key_erase_marked;

int
__wrap_store_key_erase_marked(struct store *st, uint32_t entry, const uint8_t *mark)
{
    int rc;

    if (plant_is("key_left") && sim_broker != NULL)
        return 0;
    sim_point_rare("key of a dossier");
    rc = door_is_dead() ? -EIO : __real_store_key_erase_marked(st, entry, mark);
    sim_point_rare("key of a dossier is destroyed");
    return rc;
}

__typeof__(store_doc_erase) __real_store_doc_erase, __wrap_store_doc_erase;

int
__wrap_store_doc_erase(struct store *st, uint32_t dossier, size_t *ret_count)
{
    int rc;

    if (plant_is("document_left")) {
        *ret_count = 0;
        return 0;
    }
    sim_point_rare("documents of a dossier");
    rc = door_is_dead() ? -EIO : __real_store_doc_erase(st, dossier, ret_count);
    sim_point_rare("documents of a dossier are destroyed");
    return rc;
}

__typeof__(store_content_drop) __real_store_content_drop, __wrap_store_content_drop;

int
__wrap_store_content_drop(struct store *st, uint64_t seq)
{
    if (plant_is("content_left") && seq % 2 == 0)
        return 0;
    sim_point_rare("content of a record");
    return door_is_dead() ? -EIO : __real_store_content_drop(st, seq);
}

__typeof__(store_find_drop) __real_store_find_drop, __wrap_store_find_drop;

int
__wrap_store_find_drop(struct store *st, uint32_t entry)
{
    int rc;

    sim_point_rare("index of a dossier");
    rc = door_is_dead() ? -EIO : __real_store_find_drop(st, entry);
    sim_point_rare("index of a dossier is gone");
    return rc;
}

__typeof__(core_swap) __real_core_swap, __wrap_core_swap;

void
__wrap_core_swap(struct core *core, struct core *other)
{
    if (!plant_is("not_folded_anew") || sim_broker == NULL || core != sim_broker->core)
        __real_core_swap(core, other);
    if (sim_broker != NULL && core == sim_broker->core)
        check_folded_anew();
}

/* ---- the sequencer */

__typeof__(sequence_take) __real_sequence_take, __wrap_sequence_take;

/* Notes what was refused, whether or not anybody is told: sent again it may be taken, behind what came after it. */
int
__wrap_sequence_take(struct sequence *sequence, uint32_t unit, const Wici__V1__Event *event, uint64_t now_ms, bool bare,
                     struct arena *reply, struct answer *ret)
{
    struct bytes header = {.data = event->header.data, .len = event->header.len}, sections[EVENT_SECTIONS_MAX];
    int rc = __real_sequence_take(sequence, unit, event, now_ms, bare, reply, ret);
    uint8_t id[16];

    if (sim_broker != NULL)
        check_pace_published();
    if (rc != 0 || ret->refusal.code == E_NONE || event->n_sections > EVENT_SECTIONS_MAX ||
        uuid_parse(ret->event_id, id) != 0)
        return rc;
    for (size_t i = 0; i < event->n_sections; i++)
        sections[i] = (struct bytes){.data = event->sections[i].data, .len = event->sections[i].len};
    for (uint32_t said = saids_by_id(id); said != SAID_NONE; said = saids_next_same_id(said))
        if (said_has_bytes(saids_at(said), header, sections, event->n_sections))
            saids_at(saids_at(said)->same_as)->refused++;
    return 0;
}

/* ---- turns of those who are behind */

__typeof__(deliver_serve) __real_deliver_serve, __wrap_deliver_serve;

int
__wrap_deliver_serve(struct broker *b, uint64_t least_us, uint64_t most_us)
{
    int rc;

    check_pace_turn();
    rc = __real_deliver_serve(b, least_us, most_us);
    check_pace_turn_over();
    return rc;
}

/* ---- the core */

__typeof__(core_decide) __real_core_decide, __wrap_core_decide;

int
__wrap_core_decide(const struct core *core, const struct core_command *command, struct arena *arena,
                   struct core_decision *ret, struct refusal *refusal)
{
    uint8_t *before = NULL, *after = NULL;
    size_t before_len = 0, after_len = 0;
    bool look = command->event->event_id[15] % PURE_EACH == 0;
    int rc;

    if (look && core_dump(core, &before, &before_len) != 0)
        abort();
    rc = __real_core_decide(core, command, arena, ret, refusal);
    if (look && plant_is("decide_changes"))
        ((struct core *)(uintptr_t)core)->directory.version++;
    if (look && core_dump(core, &after, &after_len) != 0)
        abort();
    if (before_len != after_len || (look && memcmp(before, after, before_len) != 0))
        sim_fail("pure", "deciding %s changed the state", command->event->type->name);
    free(before);
    free(after);
    return rc;
}
