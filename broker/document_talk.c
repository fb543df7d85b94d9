/*
 * document_talk - documents on the wire (docs/PROTOCOL.md 3.11)
 *
 * A put says where its bytes stand in the file. Bytes that stand elsewhere than where the upload goes on are not taken,
 * and the answer says where that is: so a client that died, or lost an answer, asks with no bytes and goes on.
 *
 * A get names the record through which the asker may see the document. Of what was withheld, of what is not named there
 * and of what does not exist it is told the same.
 */
#include "broker/access.h"
#include "broker/documents.h"
#include "broker/query.h"
#include "broker/reply.h"
#include "broker/talk.h"
#include "proto/document.h"

#include <errno.h>
#include <string.h>

#define QUOTA_RETRY_MS 60000u

/* ---- put */

static int
put_check(const Wici__V1__DocumentPut *put, struct refusal *refusal)
{
    if (put->sha256.len != DIGEST_SIZE)
        return query_refuse(refusal, E_REQUEST, "documentPut.sha256");
    if (put->size == 0)
        return query_refuse(refusal, E_REQUEST, "documentPut.size");
    if (put->size > DOCUMENT_SIZE_MAX)
        return query_refuse(refusal, E_SIZE, "documentPut.size");
    if (put->data.len > DOCUMENT_CHUNK_SIZE)
        return query_refuse(refusal, E_SIZE, "documentPut.data");
    return 0;
}

/* The upload that it belongs to, begun when there is none. */
static int
put_upload(struct broker *b, const struct session *session, const Wici__V1__DocumentPut *put, struct store_doc **ret,
           struct refusal *refusal)
{
    struct store_doc *doc = documents_find(b->documents, session->unit, put->sha256.data);
    int rc = 0;

    if (doc != NULL && doc->size != put->size)
        return query_refuse(refusal, E_REQUEST, "documentPut.size");
    if (doc == NULL)
        rc = documents_begin(b->documents, session->unit, put->sha256.data, put->size, b->clock.now_ms, &doc);
    if (rc == -EDQUOT)
        return query_refuse(refusal, E_DOCUMENT_QUOTA, "documentPut.size");
    if (rc == -ENOSPC)
        return query_refuse(refusal, E_FULL, "");
    *ret = doc;
    return rc;
}

/* The bytes that it brings, when they are the next ones. */
static int
put_chunk(struct broker *b, struct store_doc *doc, const Wici__V1__DocumentPut *put, struct refusal *refusal)
{
    int rc;

    if (put->data.len == 0 || put->offset != doc->received || store_doc_is_whole(doc))
        return 0;
    rc = documents_chunk(b->documents, doc, put->data.data, put->data.len);
    if (rc == -EINVAL)
        return query_refuse(refusal, E_REQUEST, "documentPut.data");
    if (rc == -EILSEQ)
        return query_refuse(refusal, E_DOCUMENT, "documentPut.sha256");
    if (rc == -ENOSPC)
        return query_refuse(refusal, E_FULL, "");
    return rc;
}

int
document_put_take(struct broker *b, struct session *session, const Wici__V1__DocumentPut *put)
{
    struct refusal refusal = {.code = E_NONE};
    Wici__V1__BrokerMessage message;
    Wici__V1__DocumentState state;
    struct store_doc *doc = NULL;
    int rc = put_check(put, &refusal);

    if (rc == 0 && b->no_room)
        rc = query_refuse(&refusal, E_FULL, "");
    if (rc == 0)
        rc = put_upload(b, session, put, &doc, &refusal);
    if (rc == 0)
        rc = put_chunk(b, doc, put, &refusal);
    if (rc == -EACCES) {
        reply_refused_for_now(b, session, &refusal, put->request,
                              refusal.code == E_FULL             ? REPLY_FULL_RETRY_MS
                              : refusal.code == E_DOCUMENT_QUOTA ? QUOTA_RETRY_MS
                                                                 : 0);
        return 0;
    }
    if (rc != 0)
        return rc;
    wici__v1__broker_message__init(&message);
    wici__v1__document_state__init(&state);
    state.request = put->request;
    state.size = doc->size;
    state.received = doc->received;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_STATE;
    message.document_state = &state;
    reply_queue(b, &session->route, session->unit, &message);
    return 0;
}

/* ---- get */

/* Which of the record's documents it is, from 1: the first that a section which the view gives names so; 0: none. */
static uint32_t
number_of(const struct record *record, const struct core_view *view, const uint8_t digest[DIGEST_SIZE])
{
    struct document_walk walk = {.section = 0};

    for (uint32_t number = 1; document_next(&record->event, &walk); number++)
        if ((view->sections >> walk.section & 1u) != 0 && memcmp(walk.digest, digest, DIGEST_SIZE) == 0)
            return number;
    return 0;
}

/* What is read: a document, which of its record's, whose dossier, and whether the asker sent it. */
struct reading {
    struct store_doc doc;
    uint32_t number, dossier;
    bool own;
};

/* The document that the asker may be given. */
static int
get_find(struct broker *b, const struct session *session, const Wici__V1__DocumentGet *get, struct reading *ret,
         struct refusal *refusal)
{
    struct store_slice *slice = NULL;
    struct record record;
    struct core_view view;
    struct core_unit unit;
    int rc = store_slice_begin(b->store, &slice);

    if (rc != 0)
        return rc;
    rc = query_record(b, session->unit, get->seq, slice, &record, &view, refusal, "documentGet.seq");
    store_slice_end(&slice); /* the record is a copy */
    if (rc != 0)
        return rc;
    if (get->reason[0] != '\0')
        core_view(b->core, session->unit, &record.core, true, &view);
    ret->number = number_of(&record, &view, get->sha256.data);
    if (ret->number == 0)
        return query_refuse(refusal, E_UNKNOWN, "documentGet.sha256");
    core_unit(b->core, session->unit, &unit);
    ret->own = strcmp(record.event.header->actor->unit, unit.id) == 0;
    ret->dossier = record.core.entry;
    rc = record.core.entry == STORE_CLEAR_ENTRY
             ? -ENOENT
             : store_doc_find(b->store, record.core.entry, record.event.header->actor->unit, get->sha256.data,
                              &ret->doc);
    return rc == -ENOENT ? query_refuse(refusal, E_NO_DOCUMENT, "documentGet.sha256") : rc;
}

/* The place of a reading that was recorded for this session; NULL: none was. */
static struct session_document *
reading_find(struct session *session, const Wici__V1__DocumentGet *get)
{
    for (unsigned i = 0; i < DOCUMENTS_PER_SESSION_MAX; i++)
        if (session->documents[i].seq == get->seq &&
            memcmp(session->documents[i].digest, get->sha256.data, DIGEST_SIZE) == 0)
            return &session->documents[i];
    return NULL;
}

/* Records the reading, once for each time that the document is read from its beginning. */
static int
reading_record(struct broker *b, struct session *session, const Wici__V1__DocumentGet *get,
               const struct reading *reading)
{
    struct session_document *at = reading_find(session, get);
    int rc;

    if (at != NULL && get->offset != 0)
        return 0;
    rc = access_document(b, session, reading->dossier, get->seq, reading->number, get->reason);
    if (rc != 0 || at != NULL)
        return rc;
    at = &session->documents[session->document_next++ % DOCUMENTS_PER_SESSION_MAX];
    at->seq = get->seq;
    memcpy(at->digest, get->sha256.data, DIGEST_SIZE);
    return 0;
}

static int
get_check(const Wici__V1__DocumentGet *get, struct refusal *refusal)
{
    if (get->sha256.len != DIGEST_SIZE)
        return query_refuse(refusal, E_REQUEST, "documentGet.sha256");
    if (get->offset % DOCUMENT_CHUNK_SIZE != 0)
        return query_refuse(refusal, E_REQUEST, "documentGet.offset");
    if (get->reason[0] != '\0' && !reason_is_valid(get->reason))
        return query_refuse(refusal, E_REASON, "documentGet.reason");
    return 0;
}

/* Opens the chunk into the buffer, when its reading is recorded or will be with the commit that the answer waits for.
 */
static int
get_chunk(struct broker *b, struct session *session, const Wici__V1__DocumentGet *get, const struct reading *reading,
          size_t *ret_len, struct refusal *refusal)
{
    uint8_t *buffer = documents_buffer(b->documents);
    int rc = store_doc_read(b->store, &reading->doc, get->offset / DOCUMENT_CHUNK_SIZE, buffer, ret_len);

    if (rc == -ENOENT)
        return query_refuse(refusal, get->offset < reading->doc.size ? E_NO_DOCUMENT : E_REQUEST,
                            get->offset < reading->doc.size ? "documentGet.sha256" : "documentGet.offset");
    if (rc != 0)
        return rc;
    documents_count(b->documents, *ret_len);
    if (!reading->own)
        rc = reading_record(b, session, get, reading);
    return rc == -ENOSPC ? query_refuse(refusal, E_FULL, "documentGet.seq") : rc;
}

int
document_get_take(struct broker *b, struct session *session, const Wici__V1__DocumentGet *get)
{
    struct refusal refusal = {.code = E_NONE};
    Wici__V1__BrokerMessage message;
    Wici__V1__DocumentPart part;
    struct reading reading = {.own = false};
    size_t len = 0;
    int rc = get_check(get, &refusal);

    if (rc == 0)
        rc = get_find(b, session, get, &reading, &refusal);
    if (rc == 0)
        rc = get_chunk(b, session, get, &reading, &len, &refusal);
    if (rc == -EACCES) {
        reply_refused_for_now(b, session, &refusal, get->request, refusal.code == E_FULL ? REPLY_FULL_RETRY_MS : 0);
        return 0;
    }
    if (rc != 0)
        return rc;
    wici__v1__broker_message__init(&message);
    wici__v1__document_part__init(&part);
    part.request = get->request;
    part.size = reading.doc.size;
    part.offset = get->offset;
    part.data = (ProtobufCBinaryData){.len = len, .data = documents_buffer(b->documents)};
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_PART;
    message.document_part = &part;
    reply_queue_for(b, session, &message);
    return 0;
}
