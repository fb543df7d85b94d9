/*
 * Documents: what has been sent of them is there, each goes to the dossier of its event and through its sections to
 * whom they are shown, and what no event names is gone after its day.
 *
 * After each commit the uploads in the store are listed and held against those of the commit before: what was begun
 * was announced, what grew was sent, what is gone was given to a dossier or had its day. What was given to a dossier
 * is looked for there from then on.
 */
#include "tests/sim/check.h"

#include "broker/documents.h"
#include "proto/document.h"
#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/papers.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define UPLOADS_MAX   2048u
#define BOUND_MAX     4096u
#define AGAIN_MAX     1024u
#define BEGUN_LATE_MS 5000u /* of an upload: before the commit that begins it */

/* A document of a dossier. */
struct bound {
    uint32_t dossier; /* key entry */
    bool erased;      /* with it */
    struct store_doc doc;
};

static struct {
    struct store_doc was[UPLOADS_MAX], now[UPLOADS_MAX]; /* as committed before, and now */
    size_t was_count, now_count;
    struct bound bound[BOUND_MAX];
    size_t bound_count, turn; /* which is looked at after the next commit */
    struct store_doc swept[UPLOADS_MAX];
    size_t swept_count;
    uint64_t again[AGAIN_MAX]; /* records whose events were sent again since */
    size_t again_count;
    uint8_t chunk[STORE_DOC_CHUNK];
} docs;

void
check_documents_clear(void)
{
    memset(&docs, 0, sizeof docs);
}

struct check_documents_shot {
    size_t upload_count, bound_count;
    struct store_doc uploads[UPLOADS_MAX];
};

struct check_documents_shot *
check_documents_shot(void)
{
    struct check_documents_shot *shot = must(calloc(1, sizeof *shot));

    shot->upload_count = docs.was_count;
    shot->bound_count = docs.bound_count;
    memcpy(shot->uploads, docs.was, docs.was_count * sizeof docs.was[0]);
    return shot;
}

void
check_documents_put_back(const struct check_documents_shot *shot)
{
    docs.was_count = docs.now_count = shot->upload_count;
    memcpy(docs.was, shot->uploads, shot->upload_count * sizeof docs.was[0]);
    memcpy(docs.now, shot->uploads, shot->upload_count * sizeof docs.was[0]);
    docs.bound_count = shot->bound_count;
    for (size_t i = 0; i < docs.bound_count; i++)
        docs.bound[i].erased = ledger_erased(docs.bound[i].dossier) != 0;
    docs.again_count = 0;
}

static bool
is_of(const struct store_doc *doc, const char *owner, const uint8_t digest[DIGEST_SIZE])
{
    return strcmp(doc->owner, owner) == 0 && memcmp(doc->digest, digest, DIGEST_SIZE) == 0;
}

static const struct store_doc *
by_name(const struct store_doc *list, size_t count, const char *owner, const uint8_t digest[DIGEST_SIZE])
{
    for (size_t i = 0; i < count; i++)
        if (is_of(&list[i], owner, digest))
            return &list[i];
    return NULL;
}

static const struct store_doc *
by_entry(const struct store_doc *list, size_t count, uint32_t entry)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].entry == entry)
            return &list[i];
    return NULL;
}

static const struct bound *
bound_find(uint32_t dossier, const char *owner, const uint8_t digest[DIGEST_SIZE])
{
    for (size_t i = 0; i < docs.bound_count; i++)
        if ((dossier == 0 || (docs.bound[i].dossier == dossier && !docs.bound[i].erased)) &&
            is_of(&docs.bound[i].doc, owner, digest))
            return &docs.bound[i];
    return NULL;
}

/* ---- what the store holds */

/* All of it, as it was written. */
static void
bytes_check(struct store *store, const struct store_doc *doc, const char *what)
{
    uint32_t paper = papers_find(doc->digest);
    size_t len = 0;

    if (paper == PAPER_NONE)
        sim_fail("G1 document", "%s of %s (%u bytes) is whole, and nobody has such a document", what, doc->owner,
                 doc->size);
    for (uint32_t at = 0; at < doc->size; at += (uint32_t)len) {
        int rc = store_doc_read(store, doc, at / STORE_DOC_CHUNK, docs.chunk, &len);

        if (rc != 0 || !paper_has(paper, at, docs.chunk, len))
            sim_fail("G1 document", "%s of %s (document %u, %u bytes) is not what was sent, from byte %u on: %s", what,
                     doc->owner, paper, doc->size, at, strerror(-rc));
    }
}

static int
upload_take(void *arg, const struct store_doc *doc)
{
    (void)arg;
    if (docs.now_count == UPLOADS_MAX)
        abort();
    docs.now[docs.now_count++] = *doc;
    return 0;
}

static void
uploads_list(struct store *store)
{
    docs.now_count = 0;
    if (store_doc_each(store, upload_take, NULL) != 0)
        sim_fail("G1 document", "the uploads cannot be listed: %s", store_damage(store));
}

/* What an agency's units have sent for later stays within its bound. */
static void
quota_sum(const char *agency, size_t *ret_count, uint64_t *ret_bytes)
{
    *ret_count = 0;
    *ret_bytes = 0;
    for (size_t i = 0; i < docs.now_count; i++) {
        uint32_t unit = core_unit_by_id(ledger_core(), docs.now[i].owner);
        struct core_unit u;

        if (unit == CORE_UNIT_NONE)
            continue;
        core_unit(ledger_core(), unit, &u);
        if (strcmp(u.agency, agency) != 0)
            continue;
        ++*ret_count;
        *ret_bytes += docs.now[i].size;
    }
}

/* ---- a commit */

static void
bound_add(struct store *store, uint32_t dossier, const struct store_doc *doc)
{
    if (bound_find(dossier, doc->owner, doc->digest) != NULL)
        return;
    if (docs.bound_count == BOUND_MAX)
        abort();
    docs.bound[docs.bound_count++] = (struct bound){.dossier = dossier, .doc = *doc};
    bytes_check(store, doc, "a document");
    sim_counts.bound++;
    sim_tell("document %u of %s is the dossier's with key entry %u", papers_find(doc->digest), doc->owner, dossier);
}

static bool
warns_of_document(const struct record *record)
{
    const Wici__V1__BrokerNote *note = record->core.note;

    for (size_t i = 0; note != NULL && i < note->n_warnings; i++)
        if (strcmp(note->warnings[i]->code, error_name(W_DOCUMENT)) == 0)
            return true;
    return false;
}

uint32_t
check_documents_again(uint64_t seq, uint32_t unit)
{
    const struct record *record = &ledger_at(seq)->record;
    const char *owner = record->event.header->actor->unit;
    struct document_walk walk = {.section = 0};
    bool known = false;

    for (size_t i = 0; i < docs.again_count; i++)
        known = known || docs.again[i] == seq;
    if (docs.again_count == AGAIN_MAX)
        abort();
    if (!known)
        docs.again[docs.again_count++] = seq;
    while (record->core.entry != 0 && core_unit_by_id(ledger_core(), owner) == unit &&
           document_next(&record->event, &walk)) {
        const struct store_doc *upload = by_name(docs.now, docs.now_count, owner, walk.digest);

        if (upload != NULL && store_doc_is_whole(upload) && upload->size == walk.document->size &&
            bound_find(record->core.entry, owner, walk.digest) == NULL)
            return upload->entry;
    }
    return 0;
}

void
check_documents_owed(uint64_t seq, uint32_t entry)
{
    const struct store_doc *upload = entry == 0 ? NULL : by_entry(docs.now, docs.now_count, entry);

    if (upload != NULL && bound_find(ledger_at(seq)->record.core.entry, upload->owner, upload->digest) == NULL)
        sim_fail("G1 document", "the event of record %" PRIu64 " was sent again by %s, and its document still waits",
                 seq, upload->owner);
}

/* Is it a dossier's now? */
static bool
bound_look(struct store *store, const struct store_doc *upload)
{
    for (size_t i = 0; i < docs.bound_count; i++)
        if (docs.bound[i].doc.entry == upload->entry)
            return true;
    for (uint64_t seq = ledger_head(); seq > 0; seq--) {
        const struct record *record = &ledger_at(seq)->record;
        struct document_walk walk = {.section = 0};
        struct store_doc found;

        if (record->core.entry == 0 || strcmp(record->event.header->actor->unit, upload->owner) != 0)
            continue;
        while (document_next(&record->event, &walk)) {
            if (memcmp(walk.digest, upload->digest, DIGEST_SIZE) != 0 ||
                store_doc_find(store, record->core.entry, upload->owner, walk.digest, &found) != 0 ||
                found.entry != upload->entry)
                continue;
            bound_add(store, record->core.entry, &found);
            return true;
        }
    }
    return false;
}

/* What its event names and was there is its dossier's, with the commit of the event. again: the event was sent again,
 * which may have been refused. */
static void
record_bind(struct store *store, const struct record *record, bool again)
{
    const char *owner = record->event.header->actor->unit;
    struct document_walk walk = {.section = 0};

    while (record->core.entry != 0 && document_next(&record->event, &walk)) {
        const struct store_doc *upload = by_name(docs.was, docs.was_count, owner, walk.digest);
        bool sent = upload != NULL && store_doc_is_whole(upload) && upload->size == walk.document->size &&
                    !bound_look(store, upload); /* another event of the same commit may have come before */
        struct store_doc found = {.size = 0};

        if (store_doc_find(store, record->core.entry, owner, walk.digest, &found) == 0)
            bound_add(store, record->core.entry, &found);
        if (found.size != walk.document->size && (sent || !warns_of_document(record)) && !again)
            sim_fail("G1 document",
                     "record %" PRIu64 " names document %u of %s, %u bytes%s; its dossier has %u bytes of it",
                     record->core.seq, papers_find(walk.digest), owner, walk.document->size,
                     sent ? ", which were all sent" : "", found.size);
    }
}

/* By the clock of now, or by that of the broker that died while it swept, before somebody set it back. */
static bool
had_its_day(const struct store_doc *upload)
{
    uint64_t wall = fate_wall_ms_highest();

    return wall >= upload->began_ms && wall - upload->began_ms >= DOCUMENT_KEPT_MS;
}

static void
gone_check(struct store *store, const struct store_doc *upload)
{
    if (bound_look(store, upload))
        return;
    if (upload->size != 0 && !had_its_day(upload))
        sim_fail("sweep", "an upload of %s (%u of %u bytes) is gone after %" PRIu64 " s", upload->owner,
                 upload->received, upload->size, (fate_wall_ms() - upload->began_ms) / 1000u);
    sim_tell("an upload of %s (%u of %u bytes) had its day", upload->owner, upload->received, upload->size);
    sim_counts.swept++;
    if (docs.swept_count < UPLOADS_MAX)
        docs.swept[docs.swept_count++] = *upload;
}

/* Somebody has sent other bytes than belong to that digest: then it begins anew. */
static bool
is_spoilt(const uint8_t digest[DIGEST_SIZE])
{
    uint32_t paper = papers_find(digest);

    return paper != PAPER_NONE && papers_at(paper)->spoilt;
}

static void
upload_check(struct store *store, const struct store_doc *upload)
{
    const struct store_doc *before = by_entry(docs.was, docs.was_count, upload->entry);

    if (upload->size == 0) {
        if (before != NULL && before->size != 0 && !had_its_day(before) && !check_is_put_back())
            sim_fail("sweep", "the key of an upload of %s is gone before its day is over", before->owner);
        return;
    }
    if (before == NULL) {
        if (core_unit_by_id(ledger_core(), upload->owner) == CORE_UNIT_NONE ||
            upload->began_ms > fate_wall_ms_highest() || fate_wall_ms() > upload->began_ms + BEGUN_LATE_MS)
            sim_fail("sweep", "an upload of %s is said to have begun at %" PRIu64 ", now is %" PRIu64, upload->owner,
                     upload->began_ms, fate_wall_ms());
    } else if (!is_of(upload, before->owner, before->digest) || upload->size != before->size ||
               upload->began_ms != before->began_ms ||
               (upload->received < before->received && !is_spoilt(upload->digest))) {
        sim_fail("G1 document", "an upload of %s (%u of %u bytes) is another one: of %s, %u of %u", before->owner,
                 before->received, before->size, upload->owner, upload->received, upload->size);
    }
    if (store_doc_is_whole(upload) && (before == NULL || !store_doc_is_whole(before)))
        bytes_check(store, upload, "an upload");
}

static void
bound_check(struct store *store, const struct bound *b)
{
    struct store_doc found;

    if (store_doc_find(store, b->dossier, b->doc.owner, b->doc.digest, &found) != 0 || found.size != b->doc.size)
        sim_fail("G1 document", "document %u of %s is not its dossier's any more", papers_find(b->doc.digest),
                 b->doc.owner);
}

void
check_documents_committed(struct store *store, uint64_t before)
{
    if (check_is_put_back()) /* keys that were destroyed since are missing, and what to make of it is told at the end */
        return;
    uploads_list(store);
    for (uint64_t seq = before + 1; seq <= ledger_head(); seq++)
        record_bind(store, &ledger_at(seq)->record, false);
    for (; docs.again_count > 0; docs.again_count--)
        record_bind(store, &ledger_at(docs.again[docs.again_count - 1])->record, true);
    for (size_t i = 0; i < docs.was_count; i++)
        if (by_entry(docs.now, docs.now_count, docs.was[i].entry) == NULL)
            gone_check(store, &docs.was[i]);
    for (size_t i = 0; i < docs.now_count; i++)
        upload_check(store, &docs.now[i]);
    if (docs.bound_count > 0 && !docs.bound[++docs.turn % docs.bound_count].erased)
        bound_check(store, &docs.bound[docs.turn % docs.bound_count]);
    for (size_t i = 0; i < town_agency_count(); i++) {
        uint64_t bytes;
        size_t count;

        quota_sum(town_agency(i)->id, &count, &bytes);
        if (count > DOCUMENTS_WAITING_MAX || bytes > DOCUMENTS_WAITING_BYTES_MAX)
            sim_fail("G7 bounded", "%zu uploads of %s wait, with %" PRIu64 " bytes", count, town_agency(i)->id, bytes);
    }
    memcpy(docs.was, docs.now, docs.now_count * sizeof docs.now[0]);
    docs.was_count = docs.now_count;
}

/* ---- after a restart */

static void
bound_compare(struct store *store)
{
    for (size_t i = 0; i < docs.bound_count; i++) {
        const struct bound *b = &docs.bound[i];
        size_t count = 0, known = 0;

        if (b->erased)
            continue;
        bound_check(store, b);
        bytes_check(store, &b->doc, "a document");
        for (size_t k = 0; k < docs.bound_count; k++)
            known += docs.bound[k].dossier == b->dossier;
        if (store_doc_count(store, b->dossier, &count) != 0 || count != known)
            sim_fail("G1 document", "the dossier with key entry %u has %zu documents, %zu were given to it", b->dossier,
                     count, known);
    }
}

void
check_documents_reopened(struct store *store)
{
    uploads_list(store);
    for (size_t i = 0; i < docs.was_count; i++)
        if (by_entry(docs.now, docs.now_count, docs.was[i].entry) == NULL &&
            !(check_is_put_back() && store_key_is_erased(store, docs.was[i].entry)))
            sim_fail("G1 document", "after a restart an upload of %s is not there", docs.was[i].owner);
    for (size_t i = 0; i < docs.now_count; i++) {
        const struct store_doc *now = &docs.now[i], *was = by_entry(docs.was, docs.was_count, now->entry);

        if (was == NULL || (now->size != 0 && now->received != was->received))
            sim_fail("G1 document", "after a restart %u bytes of an upload of %s are there, committed were %u",
                     now->received, now->owner, was == NULL ? 0 : was->received);
        upload_check(store, now);
        if (now->size != 0 && store_doc_is_whole(now))
            bytes_check(store, now, "an upload");
    }
    memcpy(docs.was, docs.now, docs.now_count * sizeof docs.now[0]);
    docs.was_count = docs.now_count;
    bound_compare(store);
}

void
check_documents_erase(uint64_t intended_seq)
{
    for (size_t i = 0; i < docs.bound_count; i++)
        docs.bound[i].erased = docs.bound[i].erased || ledger_erased(docs.bound[i].dossier) == intended_seq;
}

void
check_documents_erased(struct store *store, uint64_t intended_seq)
{
    for (size_t i = 0; i < docs.bound_count; i++) {
        const struct bound *b = &docs.bound[i];
        size_t count = 0, len;

        if (ledger_erased(b->dossier) != intended_seq)
            continue;
        if (!store_key_is_erased(store, b->doc.entry) || store_doc_count(store, b->dossier, &count) != 0 || count > 0 ||
            store_doc_read(store, &b->doc, 0, docs.chunk, &len) != -ENOENT)
            sim_fail("erased", "document %u of %s is there after the erasure that record %" PRIu64 " intended",
                     papers_find(b->doc.digest), b->doc.owner, intended_seq);
    }
}

size_t
check_documents_waiting(void)
{
    return docs.now_count;
}

/* A document of a dossier that the unit may see: the number-th there is, 0 the first. */
bool
check_documents_seen(uint32_t unit, size_t number, uint64_t *ret_seq, uint8_t ret_digest[DIGEST_SIZE])
{
    for (uint64_t seq = 1; seq <= ledger_head(); seq++) {
        const struct record *record = &ledger_at(seq)->record;
        const struct core_view *view = &ledger_sight(unit, seq)->view;
        struct document_walk walk = {.section = 0};

        while (view->received && document_next(&record->event, &walk)) {
            if ((view->sections >> walk.section & 1u) == 0 ||
                bound_find(record->core.entry, record->event.header->actor->unit, walk.digest) == NULL || number-- > 0)
                continue;
            *ret_seq = seq;
            memcpy(ret_digest, walk.digest, DIGEST_SIZE);
            return true;
        }
    }
    return false;
}

/* ---- messages */

void
check_document_put(struct door_line *line, const Wici__V1__DocumentPut *put)
{
    uint32_t unit = check_unit_of(line->key), paper;
    struct tally_document *ask;
    struct core_unit u;

    if (put->sha256.len != DIGEST_SIZE)
        return;
    ask = tally_document_add(line->tally, put->request);
    ask->put = true;
    memcpy(ask->digest, put->sha256.data, DIGEST_SIZE);
    ask->size = put->size;
    if (unit != CORE_UNIT_NONE) {
        core_unit(ledger_core(), unit, &u);
        quota_sum(u.agency, &ask->waiting, &ask->waiting_bytes);
    }
    paper = papers_find(put->sha256.data);
    if (paper != PAPER_NONE && !paper_has(paper, put->offset, put->data.data, put->data.len))
        papers_at(paper)->spoilt = true;
}

static bool
view_names(const struct core *core, uint32_t unit, const struct tally_document *ask)
{
    const struct record *record = &ledger_at(ask->seq)->record;
    struct document_walk walk = {.section = 0};
    struct core_view view;

    core_view(core, unit, &record->core, ask->content && core_unit_is(core, unit, WICI__V1__ROLE__AUD), &view);
    while (view.received && document_next(&record->event, &walk))
        if ((view.sections >> walk.section & 1u) != 0 && memcmp(walk.digest, ask->digest, DIGEST_SIZE) == 0)
            return true;
    return false;
}

/* What the asker may see is looked up in the state in which it is answered: what was taken before in the same tick
 * counts, what is taken after it does not. */
void
check_document_get(struct door_line *line, const Wici__V1__DocumentGet *get)
{
    uint32_t unit = check_unit_of(line->key);
    struct tally_document *ask;

    if (get->sha256.len != DIGEST_SIZE)
        return;
    ask = tally_document_add(line->tally, get->request);
    memcpy(ask->digest, get->sha256.data, DIGEST_SIZE);
    ask->offset = get->offset;
    ask->seq = get->seq;
    ask->content = get->reason[0] != '\0';
    ask->asked_in = ledger_head();
    if (unit == CORE_UNIT_NONE || get->seq == 0 || get->seq > ledger_head())
        return;
    ask->for_it = view_names(sim_broker->core, unit, ask);
    ask->there = bound_find(ledger_at(get->seq)->record.core.entry,
                            ledger_at(get->seq)->record.event.header->actor->unit, ask->digest) != NULL;
}

void
check_document_state(struct door_line *line, uint32_t unit, const Wici__V1__DocumentState *state)
{
    struct tally_document *ask = tally_document_find(line->tally, state->request);
    const struct store_doc *upload;
    struct core_unit u;

    if (ask == NULL || !ask->put || state->size != ask->size)
        sim_fail("answers", "a DocumentState answers nothing that was asked, request %u", state->request);
    core_unit(ledger_core(), unit, &u);
    upload = by_name(docs.now, docs.now_count, u.id, ask->digest);
    if ((upload == NULL || upload->received < state->received) && bound_find(0, u.id, ask->digest) == NULL &&
        by_name(docs.swept, docs.swept_count, u.id, ask->digest) == NULL && !is_spoilt(ask->digest))
        sim_fail("G1 document", "%s is told that %u bytes of its document are there: committed are %u", u.id,
                 state->received, upload == NULL ? 0 : upload->received);
    sim_counts.pieces++;
    tally_document_end(line->tally, ask);
}

/* That it is shown is written down before: when it begins, in this session. */
static bool
is_recorded(const char *unit, const struct tally_document *ask)
{
    for (uint64_t seq = ledger_head(); seq > (ask->offset == 0 ? ask->asked_in : 0); seq--) {
        const struct event *event = &ledger_at(seq)->record.event;
        const Wici__V1__SysAccessRecordedS0 *body;

        if (event->type->number != WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED)
            continue;
        body = event->sections[0].section->sys_access_recorded_s0;
        if (strcmp(body->question, "document") == 0 && body->from_seq == ask->seq && strcmp(body->unit, unit) == 0)
            return true;
    }
    return false;
}

void
check_document_part(struct door_line *line, uint32_t unit, const Wici__V1__DocumentPart *part)
{
    struct tally_document *ask = tally_document_find(line->tally, part->request);
    const struct record *record;
    const char *author;
    struct core_unit u;
    uint32_t paper;

    core_unit(ledger_core(), unit, &u);
    if (ask == NULL || ask->put || part->offset != ask->offset)
        sim_fail("answers", "%s is sent a piece of a document that it did not ask for", u.id);
    if (ask->seq == 0 || ask->seq > ledger_head() || (!ask->for_it && !view_names(ledger_core(), unit, ask)))
        sim_fail("G6 document", "%s is given a document through record %" PRIu64 ", no section of which names it to it",
                 u.id, ask->seq);
    record = &ledger_at(ask->seq)->record;
    if (ledger_erased(record->core.entry) != 0)
        sim_fail("erased", "%s is given a document of record %" PRIu64 ", whose dossier was erased", u.id, ask->seq);
    ledger_give(unit, ask->seq);
    author = record->event.header->actor->unit;
    paper = papers_find(ask->digest);
    if (bound_find(record->core.entry, author, ask->digest) == NULL || paper == PAPER_NONE ||
        part->size != papers_at(paper)->size || !paper_has(paper, part->offset, part->data.data, part->data.len) ||
        (part->data.len != STORE_DOC_CHUNK && part->offset + part->data.len != part->size))
        sim_fail("G6 document", "%s is given what is not the document that %s sent with record %" PRIu64, u.id, author,
                 ask->seq);
    if (strcmp(author, u.id) != 0 && !is_recorded(u.id, ask))
        sim_fail("G6 accounted", "%s is given a document of record %" PRIu64 ", and that is not written down", u.id,
                 ask->seq);
    sim_counts.parts++;
    tally_document_end(line->tally, ask);
}

static struct {
    const char *agency;
    size_t count;
    uint64_t bytes;
} asked;

static void
asked_add(struct door_line *line)
{
    uint32_t unit = check_unit_of(line->key);
    struct core_unit u;

    if (unit == CORE_UNIT_NONE)
        return;
    core_unit(ledger_core(), unit, &u);
    for (const struct tally_document *ask = line->tally->documents; ask != NULL; ask = ask->next) {
        asked.count += ask->put && strcmp(u.agency, asked.agency) == 0;
        asked.bytes += ask->put && strcmp(u.agency, asked.agency) == 0 ? ask->size : 0;
    }
}

/* As much waits as may: when it was asked, or now, with all that was asked for and not answered. */
static void
quota_check(const struct core_unit *u, const struct tally_document *ask)
{
    uint64_t bytes = 0;
    size_t count = 0;

    quota_sum(u->agency, &count, &bytes);
    count = count > ask->waiting ? count : ask->waiting;
    bytes = bytes > ask->waiting_bytes ? bytes : ask->waiting_bytes;
    asked.agency = u->agency;
    asked.count = 0;
    asked.bytes = 0;
    door_each(asked_add);
    if (count + asked.count <= DOCUMENTS_WAITING_MAX && bytes + asked.bytes <= DOCUMENTS_WAITING_BYTES_MAX)
        sim_fail("G7 bounded", "%s may send more: of %s wait %zu uploads, with %" PRIu64 " bytes", u->id, u->agency,
                 count, bytes);
}

void
check_document_refused(struct door_line *line, uint32_t unit, struct tally_document *ask, const char *code)
{
    bool unknown = strcmp(code, error_name(E_UNKNOWN)) == 0, none = strcmp(code, error_name(E_NO_DOCUMENT)) == 0;
    struct core_unit u;

    if (unit != CORE_UNIT_NONE) {
        core_unit(ledger_core(), unit, &u);
        if (!ask->put && ask->for_it && (unknown || (none && ask->there)) &&
            ledger_erased(ledger_at(ask->seq)->record.core.entry) == 0)
            sim_fail("G6 document", "%s may be given a document through record %" PRIu64 " and is refused %s", u.id,
                     ask->seq, code);
        if (ask->put && strcmp(code, error_name(E_DOCUMENT_QUOTA)) == 0)
            quota_check(&u, ask);
    }
    tally_document_end(line->tally, ask);
}

/* Text of a document leaves in a DocumentPart only. */
void
check_document_marks(const uint8_t *bytes, size_t len)
{
    uint32_t paper = papers_marked(bytes, len);

    if (paper != PAPER_NONE)
        sim_fail("G6 marks", "a message tells text of document %u", paper);
}
