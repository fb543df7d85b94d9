/*
 * plants - see plants.h
 */
#include "tests/sim/plants.h"

#include "broker/access.h"
#include "broker/backup.h"
#include "broker/checkpoint.h"
#include "broker/core/relations.h"
#include "broker/core/state.h"
#include "broker/cursor.h"
#include "broker/deliver.h"
#include "broker/documents.h"
#include "broker/erase.h"
#include "broker/erase_repeat.h"
#include "broker/refusals.h"
#include "broker/reply.h"
#include "broker/shown_job.h"
#include "broker/talk.h"
#include "store/doc.h"
#include "store/erased.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct plant plants[] = {
    {"answer_early", "G1 durable", "answers leave before the commit"},
    {"commit_skipped", "G1 durable", "a commit that is none"},
    {"repeat_uncommitted", "G1 durable", "a repeat is answered while the first waits for its commit"},
    {"id_not_entered", "G2 once", "some ids are not entered in the table"},
    {"resent_out_of_order", "G3 order", "a publisher sends again in another order"},
    {"cursor_on_send", "G4 cursor", "a cursor moves when something is sent"},
    {"cursor_late", "G4 cursor", "acknowledged cursors are not written"},
    {"inbox_forgets", "G4 complete", "a subscriber loses what it acknowledges"},
    {"never_again", "G4 progress", "a peer whose queue was full is never tried again"},
    {"live_gap", "G5 gap", "some records are not noted for those who are live"},
    {"sent_twice", "G5 repeat", "a stream goes back to before what was sent"},
    {"replay_to_strangers", "G6 marks", "relations are not asked for on replay"},
    {"section_mask", "G6 sections", "the mask of sections is one short"},
    {"relation_never_ends", "G6 sections", "what ends a relation does nothing"},
    {"core_gives_more", "G6 oracle", "the core itself gives a section too much"},
    {"barred_served", "G6 barred", "sessions whose key has ended go on"},
    {"mark_not_kept", "G6 accounted", "nothing marks that a read is under way"},
    {"mark_of_another", "G6 accounted", "a reader relies on the mark of an earlier one of its name"},
    {"read_cut_short", "G6 told", "some of what a window has shown is not counted in it"},
    {"interrupted_not_recorded", "G6 told", "after a death nothing says that somebody may have been shown something"},
    {"page_passes_one", "G6 told", "who asks for the next page is not told the first read of it"},
    {"told_as_of_now", "G6 told", "who was shown what is worked out from today's state"},
    {"told_too_much", "G6 told", "a read is said to have shown sections that it did not"},
    {"document_not_bound", "G1 document", "an event is taken, its document is not given to its dossier"},
    {"document_to_strangers", "G6 document", "a document is given to whom no section is shown that names it"},
    {"reading_not_recorded", "G6 accounted", "a document is read, and that is not written down"},
    {"document_swept_early", "sweep", "an upload is destroyed before its day is over"},
    {"document_swept_bound", "G1 document", "a document of a dossier is destroyed with the uploads"},
    {"key_left", "erased", "the key of an erased dossier stays"},
    {"content_left", "erased", "some rows keep their sealed content, and the erasure is done"},
    {"document_left", "erased", "the documents of an erased dossier stay"},
    {"recipient_forgotten", "erased", "one of those who were given something is not told"},
    {"not_folded_anew", "fold", "the state in use stays after an erasure"},
    {"erasure_given_up", "G4 progress", "after a restart an erasure does not go on"},
    {"safe_too_early", "backup", "all that is in the log is said to be in a backup"},
    {"copied_meanwhile", "backup", "keys are destroyed between the copy of the log and that of its keys"},
    {"erasures_not_repeated", "restored",
     "a log that was put back does not look for erasures that it does not know of"},
    {"list_not_repeated", "erased", "a key store that was put back has the keys that were destroyed since"},
    {"diverged_untold", "restored", "who has seen what the log lacks is not told so"},
    {"same_too_far", "restored", "the log is said to be the same as before one record too far"},
    {"text_in_clear", "sealed", "the newest text of a dossier is kept beside its record, under no key"},
    {"credit_ignored", "G7 bounded", "nobody looks at the window"},
    {"pace_untold", "pace", "nobody says that somebody publishes"},
    {"turn_in_a_pause", "pace", "those who catch up have their turns in pauses, too"},
    {"pause_of_nobody", "pace", "those who catch up pause when nobody publishes"},
    {"answer_lost", "answers", "an answer is dropped"},
    {"refusal_not_counted", "counted", "a refusal is told and not noted"},
    {"counts_dropped", "counted", "a broker that ends does not write what it counted"},
    {"not_folded", "fold", "one type of record does not change the state"},
    {"decide_changes", "pure", "deciding changes the state"},
    {NULL, NULL, NULL},
};

static const char *planted;

const struct plant *
plant_at(size_t index)
{
    return plants[index].name == NULL ? NULL : &plants[index];
}

int
plant_choose(const char *name)
{
    planted = name;
    for (size_t i = 0; name != NULL; i++) {
        if (plants[i].name == NULL)
            return -ENOENT;
        if (strcmp(plants[i].name, name) == 0)
            return 0;
    }
    return 0;
}

bool
plant_is(const char *name)
{
    return planted != NULL && strcmp(planted, name) == 0;
}

/* ---- the core */

__typeof__(core_apply) __real_core_apply, __wrap_core_apply;

int
__wrap_core_apply(struct core *core, const struct core_record *record)
{
    if (plant_is("not_folded") && sim_broker != NULL && core == sim_broker->core &&
        record->event->type->number == WICI__V1__EVENT_TYPE__SYS_AGENCY_ENROLLED)
        return 0;
    return __real_core_apply(core, record);
}

__typeof__(dossiers_end) __real_dossiers_end, __wrap_dossiers_end;

void
__wrap_dossiers_end(struct dossiers *ds, uint32_t dossier, enum relation_kind kind, uint32_t who, const uint8_t *ref,
                    uint64_t seq)
{
    if (!plant_is("relation_never_ends") || sim_broker == NULL || ds != &sim_broker->core->dossiers)
        __real_dossiers_end(ds, dossier, kind, who, ref, seq);
}

static bool replaying, reading_document;

__typeof__(feed_next) __real_feed_next, __wrap_feed_next;

int
__wrap_feed_next(struct feed *feed, struct feed_source *source, uint64_t head, uint64_t *ret)
{
    int rc = __real_feed_next(feed, source, head, ret);

    replaying = rc == 0 && *ret != 0;
    return rc;
}

__typeof__(core_view) __real_core_view, __wrap_core_view;

void
__wrap_core_view(const struct core *core, uint32_t unit, const struct core_record *record, bool with_content,
                 struct core_view *ret)
{
    bool again = sim_broker != NULL && sim_broker->shown != NULL && core == sim_broker->shown->core;

    __real_core_view(again && plant_is("told_as_of_now") ? sim_broker->core : core, unit, record, with_content, ret);
    if (again && plant_is("told_too_much") && ret->received)
        ret->sections = (uint32_t)((UINT64_C(1) << record->event->section_count) - 1);
    if (plant_is("core_gives_more") && ret->received) /* live, on replay and in every fold alike */
        ret->sections |= 1u;
    if (sim_broker == NULL || core != sim_broker->core)
        return;
    if (plant_is("replay_to_strangers") && replaying && record->event->section_count > 2) {
        ret->received = true;
        ret->sections = (uint32_t)((UINT64_C(1) << record->event->section_count) - 1);
    }
    if (reading_document) {
        ret->received = true;
        ret->sections = (uint32_t)((UINT64_C(1) << record->event->section_count) - 1);
    }
    if (plant_is("section_mask") && (ret->sections & (ret->sections - 1)) != 0)
        ret->sections &= ret->sections - 1;
    replaying = false;
}

/* ---- answers and deliveries */

static bool repeat_now;

/* A repeat of an event of the open batch. */
__typeof__(store_id_find) __real_store_id_find, __wrap_store_id_find;

int
__wrap_store_id_find(struct store *st, const uint8_t event_id[16], uint64_t *ret_seq)
{
    int rc = __real_store_id_find(st, event_id, ret_seq);

    if (rc == 0 && *ret_seq > store_head(st))
        repeat_now = true;
    return rc;
}

__typeof__(reply_put_for) __real_reply_put_for, __wrap_reply_put_for;

void
__wrap_reply_put_for(struct broker *b, const struct session *session, zmq_msg_t *message)
{
    bool now = repeat_now;

    repeat_now = false;
    if (plant_is("answer_lost") && b->stats.commits % 16 == 0)
        (void)zmq_msg_close(message);
    else if (plant_is("repeat_uncommitted") && now)
        (void)front_send(b->front, &session->route, message);
    else
        __real_reply_put_for(b, session, message);
}

__typeof__(front_send) __real_front_send, __wrap_front_send;

int
__wrap_front_send(struct front *front, const struct front_route *route, zmq_msg_t *message)
{
    int rc = __real_front_send(front, route, message);
    struct session *session = rc == 0 && sim_broker != NULL ? sessions_find_route(sim_broker->sessions, route) : NULL;

    for (size_t i = 0; session != NULL && i < SUBSCRIPTIONS_PER_SESSION_MAX; i++) {
        struct reader *r = session->streams[i];

        if (r == NULL || r->out_credits == 0)
            continue;
        if (plant_is("cursor_on_send")) {
            r->acked = r->credits[(r->credit_at + r->credit_count - 1) % r->credit_size].seq;
            cursor_touch(sim_broker, r);
        }
        if (plant_is("sent_twice")) {
            r->feed.pos = r->out_first - 1;
            feed_forget(&r->feed);
        }
    }
    return rc;
}

__typeof__(cursors_write) __real_cursors_write, __wrap_cursors_write;

int
__wrap_cursors_write(struct broker *b)
{
    if (!plant_is("cursor_late"))
        return __real_cursors_write(b);
    b->cursors_due_ms = 0;
    return 0;
}

__typeof__(deliver_note) __real_deliver_note, __wrap_deliver_note;

int
__wrap_deliver_note(void *arg, const struct record *record)
{
    return plant_is("live_gap") && record->core.seq % 8 == 0 ? 0 : __real_deliver_note(arg, record);
}

__typeof__(deliver_retry) __real_deliver_retry, __wrap_deliver_retry;

int
__wrap_deliver_retry(struct broker *b)
{
    return plant_is("never_again") ? 0 : __real_deliver_retry(b);
}

__typeof__(reader_move) __real_reader_move, __wrap_reader_move;

void
__wrap_reader_move(struct sessions *sessions, struct reader *reader, enum reader_state state)
{
    if (plant_is("credit_ignored") && reader->credit_count > 0)
        reader->window_bytes = UINT32_MAX;
    __real_reader_move(sessions, reader, state);
}

__typeof__(pace_publish) __real_pace_publish, __wrap_pace_publish;

void
__wrap_pace_publish(struct pace *pace, uint64_t now_us)
{
    if (!plant_is("pace_untold"))
        __real_pace_publish(pace, now_us);
}

__typeof__(pace_left_us) __real_pace_left_us, __wrap_pace_left_us;

uint64_t
__wrap_pace_left_us(const struct pace *pace, uint64_t now_us)
{
    if (plant_is("pause_of_nobody"))
        return now_us < pace->until_us ? pace->until_us - now_us : 0;
    return plant_is("turn_in_a_pause") ? 0 : __real_pace_left_us(pace, now_us);
}

struct marks_found {
    const char *prefix;
    unsigned count;
};

static int
mark_found(void *arg, const char *name, const uint8_t *value, size_t len)
{
    struct marks_found *m = arg;

    (void)value;
    (void)len;
    m->count += strncmp(name, m->prefix, strlen(m->prefix)) == 0;
    return 0;
}

__typeof__(access_open) __real_access_open, __wrap_access_open;

int
__wrap_access_open(struct broker *b, struct reader *reader, uint64_t seq)
{
    int rc = __real_access_open(b, reader, seq);
    char prefix[STORE_NAME_MAX + 1], name[STORE_NAME_MAX + 1];
    struct marks_found m = {.prefix = prefix};
    struct core_unit unit;

    if (rc != 0 || (!plant_is("mark_not_kept") && !plant_is("mark_of_another")))
        return rc;
    core_unit(b->core, reader->feed.unit, &unit);
    (void)snprintf(prefix, sizeof prefix, "open:%s:%s:%u:", unit.id, reader->session->name, reader->number);
    (void)snprintf(name, sizeof name, "open:%s:%s:%u:%" PRIu64, unit.id, reader->session->name, reader->number,
                   reader->mark);
    if (plant_is("mark_of_another"))
        (void)store_value_each(b->store, "open:", mark_found, &m);
    if (plant_is("mark_not_kept") || m.count > 1)
        (void)store_value_drop(b->store, name);
    return rc;
}

__typeof__(access_write) __real_access_write, __wrap_access_write;

/* Not the bug, but what lets it show: windows that are over wait, as they do where thousands end at once. */
int
__wrap_access_write(struct broker *b)
{
    static unsigned calls;

    return plant_is("mark_of_another") && calls++ % 8 != 0 ? 0 : __real_access_write(b);
}

__typeof__(access_count) __real_access_count, __wrap_access_count;

void
__wrap_access_count(struct reader *reader, uint64_t seq)
{
    if (plant_is("read_cut_short") && reader->window.events > 0 && seq % 2 == 0)
        return;
    __real_access_count(reader, seq);
}

__typeof__(access_recover) __real_access_recover, __wrap_access_recover;

int
__wrap_access_recover(struct broker *b)
{
    return plant_is("interrupted_not_recorded") ? 0 : __real_access_recover(b);
}

__typeof__(shown_begin) __real_shown_begin, __wrap_shown_begin;

int
__wrap_shown_begin(struct broker *b, const struct session *session, uint32_t request, const Wici__V1__ShownQuery *asked,
                   struct refusal *refusal)
{
    Wici__V1__ShownQuery next = *asked;

    if (plant_is("page_passes_one") && next.from_record != 0)
        next.from_record++;
    return __real_shown_begin(b, session, request, &next, refusal);
}

__typeof__(talk_sweep) __real_talk_sweep, __wrap_talk_sweep;

int
__wrap_talk_sweep(struct broker *b, bool keys)
{
    return __real_talk_sweep(b, keys && !plant_is("barred_served"));
}

/* ---- documents */

__typeof__(documents_bind) __real_documents_bind, __wrap_documents_bind;

int
__wrap_documents_bind(struct documents *documents, uint32_t unit, uint32_t dossier, const struct event *event)
{
    return plant_is("document_not_bound") ? 0 : __real_documents_bind(documents, unit, dossier, event);
}

__typeof__(document_get_take) __real_document_get_take, __wrap_document_get_take;

int
__wrap_document_get_take(struct broker *b, struct session *session, const Wici__V1__DocumentGet *get)
{
    int rc;

    reading_document = plant_is("document_to_strangers");
    rc = __real_document_get_take(b, session, get);
    reading_document = false;
    return rc;
}

__typeof__(access_document) __real_access_document, __wrap_access_document;

int
__wrap_access_document(struct broker *b, const struct session *session, uint32_t entry, uint64_t seq, uint32_t number,
                       const char *why)
{
    if (plant_is("reading_not_recorded"))
        return 0;
    return __real_access_document(b, session, entry, seq, number, why);
}

__typeof__(documents_sweep) __real_documents_sweep, __wrap_documents_sweep;

int
__wrap_documents_sweep(struct documents *documents, uint64_t now_ms, uint64_t mono_ms)
{
    static uint64_t calls;
    size_t count = 0;
    int rc = 0;

    if (plant_is("document_swept_early"))
        now_ms += DOCUMENT_KEPT_MS / 2;
    if (plant_is("document_swept_bound") && sim_broker != NULL && ++calls % 64 == 0)
        for (uint32_t entry = 1; entry < 64 && rc == 0 && count == 0; entry++)
            rc = store_doc_erase(sim_broker->store, entry, &count);
    return rc != 0 ? rc : __real_documents_sweep(documents, now_ms, mono_ms);
}

/* ---- erasures */

__typeof__(core_recipients) __real_core_recipients, __wrap_core_recipients;

int
__wrap_core_recipients(struct core *core, const struct core_record *record, const uint32_t **ret, size_t *ret_count)
{
    int rc = __real_core_recipients(core, record, ret, ret_count);

    if (plant_is("recipient_forgotten") && rc == 0 && *ret_count > 0)
        --*ret_count;
    return rc;
}

static bool giving_up;

__typeof__(erase_open) __real_erase_open, __wrap_erase_open;

int
__wrap_erase_open(struct broker *b)
{
    int rc;

    giving_up = plant_is("erasure_given_up");
    rc = __real_erase_open(b);
    giving_up = false;
    return rc;
}

__typeof__(core_erasure) __real_core_erasure, __wrap_core_erasure;

void
__wrap_core_erasure(const struct core *core, size_t index, struct core_erasure *ret)
{
    __real_core_erasure(core, index, ret);
    if (giving_up)
        ret->done_seq = ret->seq + 1;
}

/* ---- backups, and logs that were put back */

__typeof__(backups_safe_up_to) __real_backups_safe_up_to, __wrap_backups_safe_up_to;

uint64_t
__wrap_backups_safe_up_to(const struct backups *backups)
{
    uint64_t safe_up_to = __real_backups_safe_up_to(backups);

    return plant_is("safe_too_early") && safe_up_to > 0 ? store_head(sim_broker->store) : safe_up_to;
}

__typeof__(backups_copying) __real_backups_copying, __wrap_backups_copying;

bool
__wrap_backups_copying(const struct backups *backups)
{
    return !plant_is("copied_meanwhile") && __real_backups_copying(backups);
}

__typeof__(erase_repeat) __real_erase_repeat, __wrap_erase_repeat;

int
__wrap_erase_repeat(struct broker *b)
{
    return plant_is("erasures_not_repeated") ? 0 : __real_erase_repeat(b);
}

__typeof__(erased_repeat) __real_erased_repeat, __wrap_erased_repeat;

int
__wrap_erased_repeat(const struct erased *erased, struct keys *keys)
{
    return plant_is("list_not_repeated") ? 0 : __real_erased_repeat(erased, keys);
}

__typeof__(reply_refused) __real_reply_refused, __wrap_reply_refused;

void
__wrap_reply_refused(struct broker *b, const struct front_route *route, uint32_t unit, const struct refusal *refusal,
                     uint32_t subscription, uint32_t request)
{
    if (!plant_is("diverged_untold") || refusal->code != E_LOG_DIVERGED)
        __real_reply_refused(b, route, unit, refusal, subscription, request);
}

__typeof__(refusals_note) __real_refusals_note, __wrap_refusals_note;

void
__wrap_refusals_note(struct refusals *refusals, const char *agency, enum error_code code)
{
    if (!plant_is("refusal_not_counted"))
        __real_refusals_note(refusals, agency, code);
}

__typeof__(refusals_flush) __real_refusals_flush, __wrap_refusals_flush;

int
__wrap_refusals_flush(struct refusals *refusals, uint64_t now_ms, uint64_t mono_ms, bool all, bool *ret_more)
{
    *ret_more = false;
    return all && plant_is("counts_dropped") ? 0 : __real_refusals_flush(refusals, now_ms, mono_ms, all, ret_more);
}

__typeof__(log_keys_same_up_to) __real_log_keys_same_up_to, __wrap_log_keys_same_up_to;

uint64_t
__wrap_log_keys_same_up_to(const struct log_keys *keys, uint64_t epoch)
{
    uint64_t seq = __real_log_keys_same_up_to(keys, epoch);

    return plant_is("same_too_far") && seq != UINT64_MAX ? seq + 1 : seq;
}
