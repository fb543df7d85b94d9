/* deeds - see deeds.h */
#include "tests/crash/deeds.h"

#include "proto/document.h"
#include "store/doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX      5u /* dossiers at once */
#define TEXT_MAX      6000u
#define LINK_TEXT_MAX 3000u
#define PART_MAX      (TEXT_MAX + 1024u)
#define LARGE_ONE_IN  12u /* documents of two chunks */
#define ORDER_SHA256  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DAY           "2026-03-02"

/* ---- drawing them */

enum dice_kind { DICE_DEED, DICE_DOSSIER, DICE_ID, DICE_TEXT, DICE_DOCUMENT };

static struct dice
dice_for(uint64_t seed, enum dice_kind kind, uint64_t number)
{
    struct dice dice = {.state = seed * UINT64_C(0xd1342543de82ef95) + kind * UINT64_C(0x2545f4914f6cdd1d)};

    (void)dice_roll(&dice, 2);
    dice.state ^= number * UINT64_C(0x9fb21c651e98df25);
    return dice;
}

/* The dossiers while deeds are drawn. */
struct town {
    unsigned count;
    bool is_case[DOSSIERS_MAX];
    unsigned tied[DOSSIERS_MAX]; /* DOSSIERS_MAX: with none */
    uint64_t gone;
    bool followed;
};

static bool
is_open(const struct town *town, unsigned i)
{
    return (town->gone >> i & 1) == 0;
}

/* Nothing is said in cases that became one: what may be is no matter of this test. */
static bool
may_be_written_to(const struct town *town, unsigned i)
{
    return is_open(town, i) && town->tied[i] == DOSSIERS_MAX;
}

static unsigned
count_of(const struct town *town, bool (*is)(const struct town *, unsigned))
{
    unsigned count = 0;

    for (unsigned i = 0; i < town->count; i++)
        count += is(town, i);
    return count;
}

/* One of those, of which there are some. */
static unsigned
pick(const struct town *town, struct dice *dice, bool (*is)(const struct town *, unsigned))
{
    uint64_t skip = dice_roll(dice, count_of(town, is));
    unsigned i = 0;

    for (; !is(town, i) || skip > 0; i++)
        skip -= is(town, i);
    return i;
}

static bool
may_be_merged(const struct town *town, unsigned i)
{
    return may_be_written_to(town, i) && town->is_case[i];
}

static void
open_one(struct town *town, struct deed *deed, bool is_case)
{
    deed->dossier = town->count++;
    town->is_case[deed->dossier] = is_case;
    town->tied[deed->dossier] = DOSSIERS_MAX;
    if (is_case)
        deed->kind = DEED_CASE;
}

static void
erase_one(struct town *town, struct deed *deed, struct dice *dice)
{
    deed->kind = DEED_ERASE;
    deed->dossier = pick(town, dice, is_open);
    town->gone |= UINT64_C(1) << deed->dossier;
    if (town->tied[deed->dossier] != DOSSIERS_MAX)
        town->gone |= UINT64_C(1) << town->tied[deed->dossier];
}

static void
merge_two(struct town *town, struct deed *deed, struct dice *dice)
{
    deed->kind = DEED_MERGE;
    deed->len %= LINK_TEXT_MAX;
    deed->dossier = pick(town, dice, may_be_merged);
    do
        deed->other = pick(town, dice, may_be_merged);
    while (deed->other == deed->dossier);
    town->tied[deed->dossier] = deed->other;
    town->tied[deed->other] = deed->dossier;
}

/* While a reader follows: what it says itself is of a dossier of its own. */
static void
say_one(struct town *town, struct deed *deed, struct dice *dice)
{
    deed->acks = dice_roll(dice, 2) == 0;
    if (dice_roll(dice, 4) == 0) {
        deed->kind = DEED_LETTER;
        deed->author = SERVE_READER;
        open_one(town, deed, false);
        town->tied[deed->dossier] = deed->dossier;
    } else if (count_of(town, may_be_written_to) == 0 || dice_roll(dice, 4) == 0) {
        open_one(town, deed, false);
    } else {
        deed->dossier = pick(town, dice, may_be_written_to);
    }
}

static void
deed_draw(struct town *town, struct deed *deed, struct dice *dice)
{
    uint64_t kind = dice_roll(dice, 12);
    unsigned open = count_of(town, is_open);

    deed->kind = kind < 6 ? DEED_LETTER : DEED_PAPER;
    deed->author = SERVE_SENDER;
    deed->len = 1 + (uint32_t)dice_roll(dice, dice_roll(dice, 4) == 0 ? TEXT_MAX : 300);
    deed->restart = dice_roll(dice, 6) == 0;
    deed->compact = deed->restart && dice_roll(dice, 3) == 0;
    deed->log_key = deed->restart && dice_roll(dice, 3) == 0;
    deed->copies = deed->len % 2 == 0;
    if (town->followed)
        say_one(town, deed, dice);
    else if (kind < 3 && open >= 2)
        erase_one(town, deed, dice);
    else if (kind < 5 && count_of(town, may_be_merged) >= 2)
        merge_two(town, deed, dice);
    else if (count_of(town, may_be_written_to) == 0 || (kind % 2 == 0 && open < OPEN_MAX))
        open_one(town, deed, kind % 4 == 0);
    else
        deed->dossier = pick(town, dice, may_be_written_to);
    if (deed->kind == DEED_PAPER && dice_roll(dice, LARGE_ONE_IN) == 0)
        deed->len += STORE_DOC_CHUNK;
    deed->gone = town->gone;
}

static void
draw_all(struct deeds *deeds, uint64_t seed, bool followed)
{
    struct town town = {.followed = followed};

    memset(deeds, 0, sizeof *deeds);
    deeds->seed = seed;
    deeds->followed = followed;
    for (uint64_t k = 1; k <= DEEDS_MAX; k++) {
        struct dice dice = dice_for(seed, DICE_DEED, k);

        deed_draw(&town, &deeds->at[k], &dice);
    }
}

void
deeds_make(struct deeds *deeds, uint64_t seed)
{
    draw_all(deeds, seed, false);
}

void
deeds_make_followed(struct deeds *deeds, uint64_t seed)
{
    draw_all(deeds, seed, true);
}

void
deed_dossier_id(const struct deeds *deeds, unsigned dossier, uint8_t ret[16])
{
    struct dice dice = dice_for(deeds->seed, DICE_DOSSIER, dossier);

    script_bytes(&dice, ret, 16);
    ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40);
    ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}

static uint64_t
deed_ms(uint64_t k)
{
    return SERVE_BEGAN_MS + 1000 * k;
}

void
deed_event_id(const struct deeds *deeds, uint64_t k, uint8_t ret[16])
{
    struct dice dice = dice_for(deeds->seed, DICE_ID, k);
    uint8_t random[10];

    script_bytes(&dice, random, sizeof random);
    uuid7_make(deed_ms(k), random, ret);
}

/* ---- what is sent */

static uint8_t header_bytes[1024], section_bytes[DEED_SECTIONS][PART_MAX], document[STORE_DOC_CHUNK + TEXT_MAX];
static char text[TEXT_MAX + 64];

/* Letters, and the mark before them. */
static char *
text_draw(const struct deeds *deeds, uint64_t k)
{
    struct dice dice = dice_for(deeds->seed, DICE_TEXT, k);
    size_t len = strlen(DEEDS_MARK), more = deeds->at[k].len % TEXT_MAX;

    memcpy(text, DEEDS_MARK, len);
    for (size_t i = 0; i < more; i++)
        text[len + i] = (char)('a' + dice_roll(&dice, 26));
    text[len + more] = '\0';
    return text;
}

const uint8_t *
deed_document(const struct deeds *deeds, uint64_t k, uint8_t ret_digest[DIGEST_SIZE])
{
    struct dice dice = dice_for(deeds->seed, DICE_DOCUMENT, k);
    size_t len = deeds->at[k].len, mark = strlen(DEEDS_MARK);
    struct digest digest;

    script_bytes(&dice, document, len);
    if (len > mark)
        memcpy(document, DEEDS_MARK, mark);
    digest_begin(&digest);
    digest_end(&digest, document, len, ret_digest);
    return document;
}

static void
letter_fill(const struct deeds *deeds, uint64_t k, ProtobufCBinaryData *parts)
{
    Wici__V1__InfoProvidedS0 what;
    Wici__V1__InfoProvidedS6 body;
    Wici__V1__Document paper, *papers[] = {&paper};
    Wici__V1__Section section;
    char digest_text[DOCUMENT_DIGEST_TEXT_SIZE];
    uint8_t digest[DIGEST_SIZE];

    wici__v1__info_provided_s0__init(&what);
    what.provided_on = TEXT(DAY);
    wici__v1__section__init(&section);
    section.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S0;
    section.info_provided_s0 = &what;
    parts[0].len = wici__v1__section__pack(&section, parts[0].data);
    wici__v1__info_provided_s6__init(&body);
    body.doc_kind = TEXT("INFORMATION");
    body.text = text_draw(deeds, k);
    if (deeds->at[k].kind == DEED_PAPER) {
        (void)deed_document(deeds, k, digest);
        document_digest_format(digest, digest_text);
        wici__v1__document__init(&paper);
        paper.sha256 = digest_text;
        paper.size = deeds->at[k].len;
        paper.media_type = TEXT("application/pdf");
        body.documents = papers;
        body.n_documents = 1;
    }
    section.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    section.info_provided_s6 = &body;
    parts[1].len = wici__v1__section__pack(&section, parts[1].data);
}

static void
case_fill(ProtobufCBinaryData *parts)
{
    Wici__V1__CaseOpenedS0 facts;
    Wici__V1__CaseOpenedS1 who;
    Wici__V1__CaseOpenedS6 notes;
    Wici__V1__Person person, *household[] = {&person};
    Wici__V1__Section section;

    wici__v1__section__init(&section);
    wici__v1__case_opened_s0__init(&facts);
    facts.opened_on = facts.proceeding_started_on = TEXT(DAY);
    facts.gmina = TEXT("1465011");
    section.body_case = WICI__V1__SECTION__BODY_CASE_OPENED_S0;
    section.case_opened_s0 = &facts;
    parts[0].len = wici__v1__section__pack(&section, parts[0].data);
    wici__v1__case_opened_s1__init(&who);
    wici__v1__person__init(&person);
    person.person_ref = TEXT(DEEDS_MARK);
    who.household = household;
    who.n_household = 1;
    section.body_case = WICI__V1__SECTION__BODY_CASE_OPENED_S1;
    section.case_opened_s1 = &who;
    parts[1].len = wici__v1__section__pack(&section, parts[1].data);
    wici__v1__case_opened_s6__init(&notes);
    notes.path = TEXT("ORDINARY");
    section.body_case = WICI__V1__SECTION__BODY_CASE_OPENED_S6;
    section.case_opened_s6 = &notes;
    parts[2].len = wici__v1__section__pack(&section, parts[2].data);
}

static void
merge_fill(const struct deeds *deeds, uint64_t k, ProtobufCBinaryData *parts)
{
    Wici__V1__CaseLinkedS0 what;
    Wici__V1__CaseLinkedS6 notes;
    Wici__V1__Section section;
    uint8_t id[16];
    char other[37];

    deed_dossier_id(deeds, deeds->at[k].other, id);
    uuid_format(id, other);
    wici__v1__section__init(&section);
    wici__v1__case_linked_s0__init(&what);
    what.kind = TEXT("MERGED_INTO");
    what.other_dossier = other;
    section.body_case = WICI__V1__SECTION__BODY_CASE_LINKED_S0;
    section.case_linked_s0 = &what;
    parts[0].len = wici__v1__section__pack(&section, parts[0].data);
    wici__v1__case_linked_s6__init(&notes);
    notes.reason = text_draw(deeds, k);
    section.body_case = WICI__V1__SECTION__BODY_CASE_LINKED_S6;
    section.case_linked_s6 = &notes;
    parts[1].len = wici__v1__section__pack(&section, parts[1].data);
}

static size_t
header_fill(const struct deeds *deeds, uint64_t k, Wici__V1__EventType type)
{
    Wici__V1__Header header;
    Wici__V1__Actor actor;
    Wici__V1__Address to, *addresses[] = {&to};
    char id_text[37], dossier_text[37], time_text[TIME_TEXT_SIZE];
    enum serve_unit author = deeds->at[k].author;
    uint8_t id[16];

    wici__v1__header__init(&header);
    wici__v1__actor__init(&actor);
    wici__v1__address__init(&to);
    deed_event_id(deeds, k, id);
    uuid_format(id, id_text);
    deed_dossier_id(deeds, deeds->at[k].dossier, id);
    uuid_format(id, dossier_text);
    time_format(deed_ms(k), time_text);
    actor.agency = TEXT(serve_unit_agency(author));
    actor.unit = TEXT(serve_unit_id(author));
    actor.role = serve_unit_role(author);
    to.unit = TEXT(serve_unit_id(author == SERVE_SENDER ? SERVE_READER : SERVE_SENDER));
    header.event_id = id_text;
    header.type = type;
    header.schema_version = 1;
    header.occurred_at = time_text;
    header.dossier_id = dossier_text;
    header.actor = &actor;
    header.to = addresses;
    header.n_to = type == WICI__V1__EVENT_TYPE__INFO_PROVIDED;
    return wici__v1__header__pack(&header, header_bytes);
}

const Wici__V1__Event *
deed_event(const struct deeds *deeds, uint64_t k)
{
    static ProtobufCBinaryData parts[DEED_SECTIONS];
    static Wici__V1__Event event;
    Wici__V1__EventType type = WICI__V1__EVENT_TYPE__INFO_PROVIDED;

    for (size_t i = 0; i < DEED_SECTIONS; i++)
        parts[i].data = section_bytes[i];
    wici__v1__event__init(&event);
    event.sections = parts;
    switch (deeds->at[k].kind) {
    case DEED_LETTER:
    case DEED_PAPER:
        letter_fill(deeds, k, parts);
        event.n_sections = 2;
        break;
    case DEED_CASE:
        case_fill(parts);
        type = WICI__V1__EVENT_TYPE__CASE_OPENED;
        event.n_sections = 3;
        break;
    case DEED_MERGE:
        merge_fill(deeds, k, parts);
        type = WICI__V1__EVENT_TYPE__CASE_LINKED;
        event.n_sections = 2;
        break;
    case DEED_ERASE: abort();
    }
    event.header = (ProtobufCBinaryData){.len = header_fill(deeds, k, type), .data = header_bytes};
    return &event;
}

/* ---- doing them */

static char answer_said[160];

const char *
deed_answer(void)
{
    return answer_said;
}

static int
not_expected(const char *what, const Wici__V1__Refusal *refusal)
{
    (void)snprintf(answer_said, sizeof answer_said, "%s: %s %s", what, refusal == NULL ? "" : refusal->code,
                   refusal == NULL ? "" : refusal->path);
    return -EPROTO;
}

static int
asked(int rc, const char *what, const Wici__V1__BrokerMessage *told)
{
    return rc == -EACCES ? not_expected(what, told->refused->refusal) : rc;
}

/* Goes on where the broker says. */
static int
document_send(const struct deeds *deeds, uint64_t k)
{
    const Wici__V1__BrokerMessage *told;
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentPut put;
    uint8_t digest[DIGEST_SIZE];
    const uint8_t *bytes = deed_document(deeds, k, digest);
    uint32_t size = deeds->at[k].len, received = 0;
    int rc = 0;

    wici__v1__client_message__init(&message);
    wici__v1__document_put__init(&put);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT;
    message.document_put = &put;
    put.request = (uint32_t)k;
    put.sha256 = (ProtobufCBinaryData){.len = sizeof digest, .data = digest};
    put.size = size;
    /* The first one only asks. */
    for (unsigned i = 0; rc == 0 && (i == 0 || received < size); i++) {
        uint32_t left = size - received < STORE_DOC_CHUNK ? size - received : STORE_DOC_CHUNK;

        put.offset = received;
        put.data = (ProtobufCBinaryData){.len = i == 0 ? 0 : left, .data = (uint8_t *)(uintptr_t)bytes + received};
        rc = asked(serve_ask(SERVE_SENDER, &message, &told), "a document", told);
        if (rc == 0)
            received = told->document_state->received;
        if (rc == 0 && i > 2 + size / STORE_DOC_CHUNK)
            rc = not_expected("a document does not come to its end", NULL);
    }
    return rc;
}

int
deed_checkpoint(uint64_t *ret_size)
{
    Wici__V1__CheckpointQuery checkpoint;
    const Wici__V1__BrokerMessage *told;
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    int rc;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__checkpoint_query__init(&checkpoint);
    query.request = 1;
    query.what_case = WICI__V1__QUERY__WHAT_CHECKPOINT;
    query.checkpoint = &checkpoint;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    rc = asked(serve_ask(SERVE_READER, &message, &told), "a question for the checkpoint", told);
    if (rc == 0)
        *ret_size = told->query_result->checkpoint->size;
    return rc;
}

static int
event_send(const struct deeds *deeds, uint64_t k, bool twice)
{
    const Wici__V1__Answer *answer = NULL;
    int rc = serve_publish(deeds->at[k].author, deed_event(deeds, k), &answer);

    if (rc == -EACCES)
        return not_expected("an event", answer == NULL ? NULL : answer->refusal);
    if (rc == 0 && answer->receipt->repeated != twice)
        return not_expected(twice ? "an event that was there is taken anew" : "an event was there already", NULL);
    return rc;
}

static int
erase_send(const struct deeds *deeds, uint64_t k, bool twice)
{
    const Wici__V1__BrokerMessage *told;
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__EraseQuery erase;
    uint8_t id[16];
    char id_text[37], *ids[] = {id_text};
    int rc;

    deed_dossier_id(deeds, deeds->at[k].dossier, id);
    uuid_format(id, id_text);
    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__erase_query__init(&erase);
    erase.dossiers = ids;
    erase.n_dossiers = 1;
    erase.reason = TEXT("COURT_ORDER");
    erase.order_sha256 = TEXT(ORDER_SHA256);
    query.request = (uint32_t)k;
    query.what_case = WICI__V1__QUERY__WHAT_ERASE;
    query.erase = &erase;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    rc = asked(serve_ask(SERVE_ADMIN, &message, &told), "an order", told);
    if (rc == 0 && (!told->query_result->erase->done || told->query_result->erase->before != twice))
        return not_expected("an order is answered otherwise", NULL);
    return rc;
}

int
deed_do(const struct deeds *deeds, uint64_t k, bool twice)
{
    int rc = 0;

    answer_said[0] = '\0';
    if (deeds->at[k].kind == DEED_ERASE)
        return erase_send(deeds, k, twice);
    if (deeds->at[k].kind == DEED_PAPER && !twice)
        rc = document_send(deeds, k);
    return rc == 0 ? event_send(deeds, k, twice) : rc;
}
