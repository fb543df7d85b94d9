/*
 * client_papers - what clients do with documents (client.h)
 *
 * A document is sent as docs/PROTOCOL.md 3.11 says, piece by piece from where the broker says; now and then from
 * elsewhere, or with other bytes than were announced. An event that was taken before its document had come is sent
 * once more when it has.
 */
#include "tests/sim/client.h"

#include "proto/document.h"
#include "store/doc.h"
#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/make.h"
#include "tests/sim/saids.h"

#include <string.h>

#define BYTES(constant) ((uint8_t *)(uintptr_t)(constant))
#define HOARDED_AT_ONCE 8u
#define LOOKED_BACK_AT  20u /* events that may wait for a document */

/* ---- sending */

static void
put_say(struct client *c, Wici__V1__DocumentPut *put)
{
    Wici__V1__ClientMessage message;

    wici__v1__client_message__init(&message);
    put->request = ++c->next_request;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT;
    message.document_put = put;
    client_say(c, &message);
}

/* Of the largest size, and nothing of it: so an agency reaches what may wait. */
static void
hoard(struct client *c)
{
    uint8_t digest[DIGEST_SIZE];
    Wici__V1__DocumentPut put;

    for (size_t i = 0; i < sizeof digest; i++)
        digest[i] = (uint8_t)fate_draw();
    wici__v1__document_put__init(&put);
    put.sha256 = (ProtobufCBinaryData){.len = sizeof digest, .data = digest};
    put.size = STORE_DOC_SIZE_MAX;
    put_say(c, &put);
}

static void
upload_go(struct client *c)
{
    static uint8_t other[STORE_DOC_CHUNK];
    struct client_upload *up = &c->upload;
    const struct paper *paper;
    Wici__V1__DocumentPut put;
    uint32_t left;

    if (up->paper == PAPER_NONE) {
        up->paper = papers_count() > 0 && fate_once_in(3) ? (uint32_t)fate_below(papers_count()) : papers_make();
        up->received = 0;
        papers_sent_by(up->paper, c->unit);
    }
    paper = papers_at(up->paper);
    left = paper->size - up->received;
    wici__v1__document_put__init(&put);
    put.sha256 = (ProtobufCBinaryData){.len = DIGEST_SIZE, .data = BYTES(paper->digest)};
    put.size = paper->size;
    put.offset = fate_once_in(15) ? 0 : up->received;
    put.data = (ProtobufCBinaryData){.len = left < STORE_DOC_CHUNK ? left : STORE_DOC_CHUNK,
                                     .data = paper->bytes + up->received};
    if (fate_once_in(20))
        put.data.data = other;
    if (fate_once_in(8))
        put.data.len = 0; /* only asks how far it has come */
    put_say(c, &put);
    up->request = put.request;
}

/* What was taken too early for its document goes once more: then it is its dossier's. */
static void
again_with(struct client *c, const struct paper *paper)
{
    char digest[DOCUMENT_DIGEST_TEXT_SIZE];
    size_t first = c->answered > LOOKED_BACK_AT ? c->answered - LOOKED_BACK_AT : 0;

    document_digest_format(paper->digest, digest);
    for (size_t i = first; i < c->answered; i++) {
        const struct said *said = saids_at(c->queue[i]);
        bool names = false;

        for (size_t s = 0; s < said->section_count; s++)
            names = names || memmem(said->sections[s].data, said->sections[s].len, digest, strlen(digest)) != NULL;
        if (names && saids_at(said->same_as)->seq != 0 && !fate_once_in(3)) {
            client_publish(c, make_copy(c->queue[i], c->unit));
            return;
        }
    }
}

void
client_document_told(struct client *c, const Wici__V1__DocumentState *state)
{
    struct client_upload *up = &c->upload;

    if (state->request != up->request)
        return;
    up->request = 0;
    up->received = state->received;
    if (state->received < state->size)
        return;
    if (c->publishes)
        again_with(c, papers_at(up->paper));
    up->paper = PAPER_NONE;
}

void
client_document_refused(struct client *c, const Wici__V1__Refused *refused)
{
    if (refused->request == c->document_get) {
        c->document_get = 0;
        return;
    }
    c->upload.request = 0;
    c->upload.received = 0; /* whatever it was: the next answer says where it stands */
    if (strcmp(refused->refusal->code, error_name(E_DOCUMENT)) != 0)
        c->upload.paper = PAPER_NONE;
}

/* ---- asking */

void
client_document_ask(struct client *c, uint64_t seq, const uint8_t digest[DIGEST_SIZE], uint32_t offset)
{
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentGet get;

    wici__v1__client_message__init(&message);
    wici__v1__document_get__init(&get);
    get.request = c->document_get = ++c->next_request;
    get.seq = seq;
    get.sha256 = (ProtobufCBinaryData){.len = DIGEST_SIZE, .data = BYTES(digest)};
    get.offset = offset;
    if (fate_once_in(3))
        get.reason = TEXT("kontrola");
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET;
    message.document_get = &get;
    client_say(c, &message);
}

bool
clients_wait_for_documents(void)
{
    for (size_t i = 0; i < clients_count(); i++)
        if (client_at(i)->document_get != 0 && client_at(i)->temper != TEMPER_STUCK && !client_at(i)->twin)
            return true;
    return false;
}

/* A document of a record that was looked at by chance: whoever asks may be anybody. */
static void
ask_for_some(struct client *c)
{
    uint64_t head = ledger_head(), from = head > 0 ? fate_below(head) : 0;

    for (uint64_t i = 0; i < head; i++) {
        uint64_t seq = 1 + (from + i) % head;
        struct document_walk walk = {.section = 0};
        uint32_t paper;

        if (!document_next(&ledger_at(seq)->record.event, &walk))
            continue;
        while (fate_once_in(2) && document_next(&ledger_at(seq)->record.event, &walk)) {
        }
        paper = papers_find(walk.digest);
        if (paper == PAPER_NONE && !fate_once_in(8))
            continue;
        client_document_ask(c, fate_once_in(12) ? 1 + fate_below(head) : seq, walk.digest,
                            paper == PAPER_NONE
                                ? 0
                                : (uint32_t)fate_below(1 + papers_at(paper)->size / STORE_DOC_CHUNK + fate_once_in(9)) *
                                      STORE_DOC_CHUNK);
        return;
    }
}

void
client_document_act(struct client *c)
{
    if (c->hoards) {
        for (unsigned i = 0; i < HOARDED_AT_ONCE; i++)
            hoard(c);
    } else if (fate_once_in(2)) {
        if (c->document_get == 0)
            ask_for_some(c);
    } else if (c->upload.request == 0 && c->publishes) {
        upload_go(c);
    }
}
