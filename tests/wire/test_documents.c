/* Documents on the wire (docs/PROTOCOL.md 3.11): chunks, resuming, who is given what, quotas, the day. */
#include "tests/wire/inside.h"

#include "broker/documents.h"
#include "proto/document.h"

#define DAY_MS   (24ll * 3600 * 1000)
#define ODD_SIZE (2 * DOCUMENT_CHUNK_SIZE + 777)

struct file {
    uint8_t *bytes, digest[DIGEST_SIZE];
    uint32_t size;
    char text[DOCUMENT_DIGEST_TEXT_SIZE];
};

static struct file
file_make(unsigned number, uint32_t size)
{
    struct file f = {.bytes = malloc(size), .size = size};
    struct digest none;

    assert_non_null(f.bytes);
    for (uint32_t i = 0; i < size; i++)
        f.bytes[i] = (uint8_t)((i >> 4) * (2 * number + 1) + number);
    digest_begin(&none);
    digest_end(&none, f.bytes, size, f.digest);
    document_digest_format(f.digest, f.text);
    return f;
}

/* ---- messages */

/* The next message that is no Positions. */
static Wici__V1__BrokerMessage *
next_answer(struct peer *p)
{
    for (;;) {
        Wici__V1__BrokerMessage *answer = peer_receive(p, PEER_TIMEOUT_MS);

        assert_non_null(answer);
        if (answer->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS)
            return answer;
        peer_free(answer);
    }
}

static Wici__V1__BrokerMessage *
answer_to(struct peer *p, Wici__V1__ClientMessage *message)
{
    peer_send(p, message);
    return next_answer(p);
}

static Wici__V1__BrokerMessage *
put(struct peer *p, const struct file *f, uint32_t offset, size_t len)
{
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentPut body;

    wici__v1__client_message__init(&message);
    wici__v1__document_put__init(&body);
    body.request = 5;
    body.sha256 = (ProtobufCBinaryData){.len = sizeof f->digest, .data = (uint8_t *)(uintptr_t)f->digest};
    body.size = f->size;
    body.offset = offset;
    body.data = (ProtobufCBinaryData){.len = len, .data = f->bytes + offset};
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT;
    message.document_put = &body;
    return answer_to(p, &message);
}

/* How much is there. */
static uint32_t
put_taken(struct peer *p, const struct file *f, uint32_t offset, size_t len)
{
    Wici__V1__BrokerMessage *answer = put(p, f, offset, len);
    uint32_t received;

    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_STATE);
    assert_int_equal(answer->document_state->request, 5);
    assert_int_equal(answer->document_state->size, f->size);
    received = answer->document_state->received;
    peer_free(answer);
    return received;
}

static void
assert_refused(Wici__V1__BrokerMessage *answer, const char *code, const char *path)
{
    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
    assert_string_equal(answer->refused->refusal->code, code);
    assert_string_equal(answer->refused->refusal->path, path);
    assert_true(answer->refused->request != 0);
    peer_free(answer);
}

static void
upload(struct peer *p, const struct file *f)
{
    uint32_t at = put_taken(p, f, 0, 0);

    while (at < f->size) {
        uint32_t left = f->size - at, next;

        next = put_taken(p, f, at, left < DOCUMENT_CHUNK_SIZE ? left : DOCUMENT_CHUNK_SIZE);
        assert_true(next > at);
        at = next;
    }
}

static void
get_later(struct peer *p, uint64_t seq, const struct file *f, uint32_t offset, const char *reason)
{
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentGet body;

    wici__v1__client_message__init(&message);
    wici__v1__document_get__init(&body);
    body.request = 6;
    body.seq = seq;
    body.sha256 = (ProtobufCBinaryData){.len = sizeof f->digest, .data = (uint8_t *)(uintptr_t)f->digest};
    body.offset = offset;
    body.reason = TEXT(reason);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET;
    message.document_get = &body;
    peer_send(p, &message);
}

static Wici__V1__BrokerMessage *
get(struct peer *p, uint64_t seq, const struct file *f, uint32_t offset, const char *reason)
{
    get_later(p, seq, f, offset, reason);
    return next_answer(p);
}

static void
assert_given(struct peer *p, uint64_t seq, const struct file *f, const char *reason)
{
    for (uint32_t at = 0; at < f->size;) {
        Wici__V1__BrokerMessage *answer = get(p, seq, f, at, reason);

        assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_PART);
        assert_int_equal(answer->document_part->request, 6);
        assert_int_equal(answer->document_part->size, f->size);
        assert_int_equal(answer->document_part->offset, at);
        assert_true(answer->document_part->data.len > 0 && answer->document_part->data.len <= f->size - at);
        assert_memory_equal(answer->document_part->data.data, f->bytes + at, answer->document_part->data.len);
        at += (uint32_t)answer->document_part->data.len;
        peer_free(answer);
    }
}

/* A letter that names the first file in S6, which is only for `to`, and the second in S5, which a school is not given.
 */
static void
letter_make(const struct peer *p, const char *dossier, const char *to, const struct file *shown,
            const struct file *withheld, struct peer_event *ret)
{
    Wici__V1__Document documents[2], *lists[2][1] = {{&documents[0]}, {&documents[1]}};
    const struct file *files[2] = {shown, withheld};
    Wici__V1__InfoProvidedS0 what;
    Wici__V1__InfoProvidedS6 note;
    Wici__V1__InfoProvidedS5 justice;
    Wici__V1__Section s0, s6, s5;
    const Wici__V1__Section *sections[] = {&s0, &s6, &s5};
    char *only_for[] = {TEXT(to)};

    for (unsigned i = 0; i < 2; i++) {
        wici__v1__document__init(&documents[i]);
        if (files[i] == NULL)
            continue;
        documents[i].sha256 = TEXT(files[i]->text);
        documents[i].size = files[i]->size;
        documents[i].media_type = TEXT("application/pdf");
    }
    wici__v1__info_provided_s0__init(&what);
    wici__v1__info_provided_s6__init(&note);
    wici__v1__info_provided_s5__init(&justice);
    wici__v1__section__init(&s0);
    wici__v1__section__init(&s6);
    wici__v1__section__init(&s5);
    what.provided_on = TEXT("2026-03-02");
    note.doc_kind = TEXT("INFORMATION");
    note.text = TEXT("w zalaczeniu");
    note.documents = lists[0];
    note.n_documents = shown != NULL;
    justice.justice_violence = TEXT("x");
    justice.documents = lists[1];
    justice.n_documents = withheld != NULL;
    s0.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S0;
    s0.info_provided_s0 = &what;
    s6.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    s6.info_provided_s6 = &note;
    s6.only_for = only_for;
    s6.n_only_for = 1;
    s5.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S5;
    s5.info_provided_s5 = &justice;
    peer_event_make(p, WICI__V1__EVENT_TYPE__INFO_PROVIDED, dossier, to, sections, 3, ret);
}

/* Publishes it; the path of a W_DOCUMENT, "" for none. */
static uint64_t
publish(struct peer *p, const struct peer_event *event, char ret_path[128])
{
    Wici__V1__BrokerMessage *message = peer_publish(p, event);
    const Wici__V1__Receipt *receipt;
    uint64_t seq;

    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    receipt = message->answers->answers[0]->receipt;
    ret_path[0] = '\0';
    for (size_t i = 0; i < receipt->n_warnings; i++)
        if (strcmp(receipt->warnings[i]->code, "W_DOCUMENT") == 0)
            (void)snprintf(ret_path, 128, "%s", receipt->warnings[i]->path);
    seq = receipt->seq;
    peer_free(message);
    return seq;
}

static uint64_t
letter(struct peer *p, const char *dossier, const char *to, const struct file *shown, const struct file *withheld,
       char ret_path[128])
{
    struct peer_event event;
    uint64_t seq;

    letter_make(p, dossier, to, shown, withheld, &event);
    seq = publish(p, &event, ret_path);
    peer_event_free(&event);
    return seq;
}

/* How many reads of this unit were recorded that begin and end with the record. */
static size_t
reads_of(struct town *t, const char *unit, uint64_t seq)
{
    Wici__V1__BrokerMessage *message;
    struct peer auditor;
    size_t count = 0;

    peer_hello(&auditor, &t->daemon, &t->auditor, "count");
    message = town_read(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, seq);
    assert_false(message->read_result->more);
    for (size_t i = 0; i < message->read_result->n_deliveries; i++) {
        Wici__V1__Section *s0 = town_s0(message->read_result->deliveries[i]);
        const Wici__V1__SysAccessRecordedS0 *access = s0->sys_access_recorded_s0;

        count += strcmp(access->unit, unit) == 0 && access->from_seq == seq && access->to_seq == seq;
        wici__v1__section__free_unpacked(s0, NULL);
    }
    peer_free(message);
    peer_close(&auditor);
    return count;
}

/* ---- */

static void
a_document_goes_to_who_is_given_a_section_that_names_it(void **state)
{
    struct town *t = inside_town(*state);
    struct file shown = file_make(1, ODD_SIZE), withheld = file_make(2, 1), other = file_make(3, 5);
    struct peer sw, sw2, school, auditor;
    char dossier[37], path[128];
    uint64_t seq, plain;

    peer_hello(&sw, &t->daemon, &t->sw, "a");
    peer_hello(&sw2, &t->daemon, &t->sw2, "a");
    peer_hello(&school, &t->daemon, &t->school, "a");
    peer_hello(&auditor, &t->daemon, &t->auditor, "a");
    upload(&sw, &shown);
    upload(&sw, &withheld);
    upload(&sw, &other);
    peer_uuid4(dossier);
    seq = letter(&sw, dossier, "sp12-ped", &shown, &withheld, path);
    assert_string_equal(path, "");
    plain = letter(&sw, dossier, "sp12-ped", NULL, NULL, path);

    assert_given(&sw, seq, &shown, "");
    assert_given(&sw, seq, &withheld, "");
    assert_int_equal(reads_of(t, "ops-sw", seq), 0); /* its own */
    assert_given(&school, seq, &shown, "");
    assert_int_equal(reads_of(t, "sp12-ped", seq), 1);
    assert_given(&school, seq, &shown, "");
    assert_int_equal(reads_of(t, "sp12-ped", seq), 2);

    /* Withheld, not named, named nowhere, not yours, not there: nothing tells them apart. */
    assert_refused(get(&school, seq, &withheld, 0, ""), "E_UNKNOWN", "documentGet.sha256");
    assert_refused(get(&school, seq, &other, 0, ""), "E_UNKNOWN", "documentGet.sha256");
    assert_refused(get(&school, plain, &shown, 0, ""), "E_UNKNOWN", "documentGet.sha256");
    assert_refused(get(&sw2, seq, &shown, 0, ""), "E_UNKNOWN", "documentGet.seq");
    assert_refused(get(&sw2, seq + 1000, &shown, 0, ""), "E_UNKNOWN", "documentGet.seq");
    assert_refused(get(&sw2, 0, &shown, 0, ""), "E_UNKNOWN", "documentGet.seq");

    /* An auditor, who says why. */
    assert_refused(get(&auditor, seq, &shown, 0, ""), "E_UNKNOWN", "documentGet.sha256");
    assert_refused(get(&auditor, seq, &shown, 0, "   "), "E_REASON", "documentGet.reason");
    assert_given(&auditor, seq, &withheld, "kontrola 7/2026");
    assert_int_equal(reads_of(t, "audyt", seq), 1);
    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&school);
    peer_close(&auditor);
    free(shown.bytes);
    free(withheld.bytes);
    free(other.bytes);
}

/* Who knows a digest and names it in an event of its own is given nothing of another's document. */
static void
a_digest_alone_shows_nothing(void **state)
{
    struct town *t = inside_town(*state);
    struct file secret = file_make(4, 300);
    struct peer sw, school;
    char dossier[37], path[128];
    uint64_t seq, mine;

    peer_hello(&sw, &t->daemon, &t->sw, "b");
    peer_hello(&school, &t->daemon, &t->school, "b");
    upload(&sw, &secret);
    assert_int_equal(put_taken(&school, &secret, 0, 0), 0); /* nor is it told that somebody uploads the same */
    peer_uuid4(dossier);
    seq = letter(&sw, dossier, "sp12-ped", NULL, &secret, path);
    assert_string_equal(path, "");
    mine = letter(&school, dossier, "ops-sw", &secret, NULL, path);
    assert_string_equal(path, "sections[1].infoProvidedS6.documents[0]");
    assert_refused(get(&school, mine, &secret, 0, ""), "E_NO_DOCUMENT", "documentGet.sha256");
    assert_refused(get(&sw, mine, &secret, 0, ""), "E_NO_DOCUMENT", "documentGet.sha256");
    assert_refused(get(&school, seq, &secret, 0, ""), "E_UNKNOWN", "documentGet.sha256");
    assert_given(&sw, seq, &secret, "");
    peer_close(&sw);
    peer_close(&school);
    free(secret.bytes);
}

/* The event comes first: it is taken, with a warning; sent again after the document it has it. */
static void
a_document_that_comes_late_is_bound_by_sending_the_event_again(void **state)
{
    struct town *t = inside_town(*state);
    struct file late = file_make(5, 5000);
    struct peer sw, school;
    struct peer_event event;
    char dossier[37], path[128];
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "c");
    peer_hello(&school, &t->daemon, &t->school, "c");
    peer_uuid4(dossier);
    letter_make(&sw, dossier, "sp12-ped", &late, NULL, &event);
    seq = publish(&sw, &event, path);
    assert_string_equal(path, "sections[1].infoProvidedS6.documents[0]");
    assert_refused(get(&school, seq, &late, 0, ""), "E_NO_DOCUMENT", "documentGet.sha256");
    upload(&sw, &late);
    assert_refused(get(&school, seq, &late, 0, ""), "E_NO_DOCUMENT", "documentGet.sha256");
    assert_int_equal(publish(&sw, &event, path), seq);
    assert_given(&school, seq, &late, "");
    peer_event_free(&event);
    peer_close(&sw);
    peer_close(&school);
    free(late.bytes);
}

/* A size that is not the file's is not the file. */
static void
a_document_of_another_size_is_not_the_one_named(void **state)
{
    struct town *t = inside_town(*state);
    struct file file = file_make(6, 500), lie = file;
    struct peer sw;
    char dossier[37], path[128];
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "size");
    upload(&sw, &file);
    peer_uuid4(dossier);
    lie.size = 501;
    seq = letter(&sw, dossier, "ops-sw2", &lie, NULL, path);
    assert_string_equal(path, "sections[1].infoProvidedS6.documents[0]");
    assert_refused(get(&sw, seq, &file, 0, ""), "E_NO_DOCUMENT", "documentGet.sha256");
    assert_refused(put(&sw, &lie, 0, 0), "E_REQUEST", "documentPut.size");
    peer_close(&sw);
    free(file.bytes);
}

static void
an_upload_goes_on_after_a_restart_where_it_was(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    struct file file = file_make(7, ODD_SIZE);
    struct peer sw;
    char dossier[37], path[128];
    uint64_t seq;

    for (uint32_t at = 0; at < file.size; at += DOCUMENT_CHUNK_SIZE) {
        uint32_t left = file.size - at;

        peer_hello(&sw, &t->daemon, &t->sw, "resume");
        assert_int_equal(put_taken(&sw, &file, 0, 0), at);
        assert_int_equal(put_taken(&sw, &file, at, left < DOCUMENT_CHUNK_SIZE ? left : DOCUMENT_CHUNK_SIZE),
                         left < DOCUMENT_CHUNK_SIZE ? file.size : at + DOCUMENT_CHUNK_SIZE);
        peer_close(&sw);
        assert_int_equal(inside_stop(inside), 0);
        assert_int_equal(inside_start(inside, false), 0);
    }
    peer_hello(&sw, &t->daemon, &t->sw, "resume");
    assert_int_equal(put_taken(&sw, &file, 0, 0), file.size);
    peer_uuid4(dossier);
    seq = letter(&sw, dossier, "ops-sw2", &file, NULL, path);
    assert_string_equal(path, "");
    assert_given(&sw, seq, &file, "");
    peer_close(&sw);
    free(file.bytes);
}

/* Bytes that stand elsewhere are not taken; the answer says where it goes on. */
static void
only_the_next_bytes_are_taken(void **state)
{
    struct town *t = inside_town(*state);
    struct file file = file_make(8, ODD_SIZE);
    struct peer sw;

    peer_hello(&sw, &t->daemon, &t->sw, "next");
    assert_int_equal(put_taken(&sw, &file, DOCUMENT_CHUNK_SIZE, DOCUMENT_CHUNK_SIZE), 0);
    assert_int_equal(put_taken(&sw, &file, 0, DOCUMENT_CHUNK_SIZE), DOCUMENT_CHUNK_SIZE);
    assert_int_equal(put_taken(&sw, &file, 0, DOCUMENT_CHUNK_SIZE), DOCUMENT_CHUNK_SIZE); /* a lost answer */
    assert_int_equal(put_taken(&sw, &file, 2 * DOCUMENT_CHUNK_SIZE, 777), DOCUMENT_CHUNK_SIZE);
    assert_refused(put(&sw, &file, DOCUMENT_CHUNK_SIZE, 100), "E_REQUEST", "documentPut.data");
    assert_int_equal(put_taken(&sw, &file, DOCUMENT_CHUNK_SIZE, DOCUMENT_CHUNK_SIZE), 2 * DOCUMENT_CHUNK_SIZE);
    assert_int_equal(put_taken(&sw, &file, 2 * DOCUMENT_CHUNK_SIZE, 777), file.size);
    assert_int_equal(put_taken(&sw, &file, 0, DOCUMENT_CHUNK_SIZE), file.size);
    peer_close(&sw);
    free(file.bytes);
}

static void
another_digest_is_refused_and_all_of_it_given_up(void **state)
{
    struct town *t = inside_town(*state);
    struct file file = file_make(9, DOCUMENT_CHUNK_SIZE + 10), wrong = file;
    struct peer sw;
    char dossier[37], path[128];

    peer_hello(&sw, &t->daemon, &t->sw, "digest");
    wrong.digest[0] ^= 1;
    assert_int_equal(put_taken(&sw, &wrong, 0, DOCUMENT_CHUNK_SIZE), DOCUMENT_CHUNK_SIZE);
    assert_refused(put(&sw, &wrong, DOCUMENT_CHUNK_SIZE, 10), "E_DOCUMENT", "documentPut.sha256");
    assert_int_equal(put_taken(&sw, &wrong, 0, 0), 0);
    peer_uuid4(dossier);
    document_digest_format(wrong.digest, wrong.text);
    (void)letter(&sw, dossier, "ops-sw2", &wrong, NULL, path);
    assert_string_not_equal(path, "");
    peer_close(&sw);
    free(file.bytes);
}

static void
what_has_no_sense_is_refused(void **state)
{
    struct town *t = inside_town(*state);
    struct file file = file_make(10, 100), bad = file;
    struct peer sw;
    char dossier[37], path[128];
    uint64_t seq;
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentPut body;
    Wici__V1__DocumentGet ask;

    peer_hello(&sw, &t->daemon, &t->sw, "sense");
    bad.size = 0;
    assert_refused(put(&sw, &bad, 0, 0), "E_REQUEST", "documentPut.size");
    bad.size = DOCUMENT_SIZE_MAX + 1;
    assert_refused(put(&sw, &bad, 0, 0), "E_SIZE", "documentPut.size");
    bad = file_make(11, DOCUMENT_CHUNK_SIZE + 1);
    assert_refused(put(&sw, &bad, 0, DOCUMENT_CHUNK_SIZE + 1), "E_SIZE", "documentPut.data");
    free(bad.bytes);

    wici__v1__client_message__init(&message);
    wici__v1__document_put__init(&body);
    body.request = 3;
    body.size = 10;
    body.sha256 = (ProtobufCBinaryData){.len = 31, .data = file.digest};
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT;
    message.document_put = &body;
    assert_refused(answer_to(&sw, &message), "E_REQUEST", "documentPut.sha256");
    wici__v1__document_get__init(&ask);
    ask.request = 3;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET;
    message.document_get = &ask;
    assert_refused(answer_to(&sw, &message), "E_REQUEST", "documentGet.sha256");

    upload(&sw, &file);
    peer_uuid4(dossier);
    seq = letter(&sw, dossier, "ops-sw2", &file, NULL, path);
    assert_refused(get(&sw, seq, &file, 1, ""), "E_REQUEST", "documentGet.offset");
    assert_refused(get(&sw, seq, &file, DOCUMENT_CHUNK_SIZE, ""), "E_REQUEST", "documentGet.offset");
    assert_given(&sw, seq, &file, "");
    peer_close(&sw);
    free(file.bytes);
}

/* A day, and it is gone; what an event names stays. Each is asked for by an upload that begins anew. */
static void
an_upload_without_an_event_is_dropped_after_a_day(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    struct file named = file_make(12, 1000), whole = file_make(13, ODD_SIZE), half = file_make(14, ODD_SIZE);
    struct peer sw;
    char dossier[37], path[128];
    uint32_t left = 1;
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "day");
    upload(&sw, &named);
    peer_uuid4(dossier);
    seq = letter(&sw, dossier, "ops-sw2", &named, NULL, path);
    upload(&sw, &whole);
    assert_int_equal(put_taken(&sw, &half, 0, DOCUMENT_CHUNK_SIZE), DOCUMENT_CHUNK_SIZE);
    inside_pass(DAY_MS - 60000);
    assert_int_equal(put_taken(&sw, &whole, 0, 0), whole.size);
    assert_int_equal(put_taken(&sw, &half, 0, 0), DOCUMENT_CHUNK_SIZE);
    inside_pass(60000 + 1000);
    for (unsigned i = 0; i < 1000 && left > 0; i++) { /* it goes in the background, one after the other */
        left = put_taken(&sw, &half, 0, 0);
        inside_pass(DOCUMENT_SWEEP_MS);
    }
    assert_int_equal(left, 0);
    assert_int_equal(put_taken(&sw, &whole, 0, 0), 0);
    assert_given(&sw, seq, &named, "");
    assert_int_equal(inside_stop(inside), 0);
    assert_int_equal(inside_start(inside, true), 0);
    peer_close(&sw);
    peer_hello(&sw, &t->daemon, &t->sw, "day");
    assert_int_equal(put_taken(&sw, &whole, 0, 0), 0);
    assert_given(&sw, seq, &named, "");
    peer_close(&sw);
    free(named.bytes);
    free(whole.bytes);
    free(half.bytes);
}

/* One agency has as much waiting as may; another one's documents and its own events go on. */
static void
a_full_quota_costs_nobody_else_anything(void **state)
{
    struct town *t = inside_town(*state);
    struct file large = file_make(15, 1), small = file_make(16, 400), mine = file_make(17, ODD_SIZE);
    uint32_t fit = DOCUMENTS_WAITING_BYTES_MAX / DOCUMENT_SIZE_MAX;
    struct peer sw, sw2, school;
    char dossier[37], path[128];
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "quota");
    peer_hello(&sw2, &t->daemon, &t->sw2, "quota");
    peer_hello(&school, &t->daemon, &t->school, "quota");
    upload(&sw, &small);
    large.size = DOCUMENT_SIZE_MAX; /* announced sizes count: nothing of them need come */
    for (uint32_t i = 0; i < fit; i++) {
        large.digest[0] = (uint8_t)i;
        assert_int_equal(put_taken(&sw, &large, 0, 0), 0);
    }
    large.digest[0] = (uint8_t)fit;
    assert_refused(put(&sw, &large, 0, 0), "E_DOCUMENT_QUOTA", "documentPut.size");
    assert_refused(put(&sw2, &large, 0, 0), "E_DOCUMENT_QUOTA", "documentPut.size"); /* of the same agency */
    upload(&school, &mine);
    peer_uuid4(dossier);
    seq = letter(&school, dossier, "ops-sw", &mine, NULL, path);
    assert_string_equal(path, "");
    assert_given(&sw, seq, &mine, "");
    (void)letter(&sw, dossier, "sp12-ped", &small, NULL, path); /* what is named waits no longer */
    assert_string_equal(path, "");
    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&school);
    free(large.bytes);
    free(small.bytes);
    free(mine.bytes);
}

static void
the_number_of_uploads_that_wait_is_bounded_too(void **state)
{
    struct town *t = inside_town(*state);
    struct file tiny = file_make(18, 1);
    struct peer sw, school;

    peer_hello(&sw, &t->daemon, &t->sw, "number");
    peer_hello(&school, &t->daemon, &t->school, "number");
    for (uint32_t i = 0; i < DOCUMENTS_WAITING_MAX; i++) {
        tiny.digest[0] = (uint8_t)i;
        tiny.digest[1] = (uint8_t)(i >> 8);
        tiny.digest[2] = 1;
        assert_int_equal(put_taken(&sw, &tiny, 0, 0), 0);
    }
    tiny.digest[2] = 2;
    assert_refused(put(&sw, &tiny, 0, 0), "E_DOCUMENT_QUOTA", "documentPut.size");
    assert_int_equal(put_taken(&school, &tiny, 0, 0), 0);
    peer_close(&sw);
    peer_close(&school);
    free(tiny.bytes);
}

/* Much more than a tick takes, and all of it is taken. */
static void
a_large_document_and_events_beside_it(void **state)
{
    struct town *t = inside_town(*state);
    struct file file = file_make(19, DOCUMENT_SIZE_MAX);
    struct peer sw, school;
    char dossier[37], path[128];
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "large");
    peer_hello(&school, &t->daemon, &t->school, "large");
    upload(&sw, &file);
    peer_uuid4(dossier);
    seq = letter(&sw, dossier, "sp12-ped", &file, NULL, path);
    assert_string_equal(path, "");
    assert_given(&school, seq, &file, "");
    peer_close(&sw);
    peer_close(&school);
    free(file.bytes);
}

/* Events fill the log, then what is read of it; a document is refused all along, and not shown when it is not recorded.
 */
static void
a_full_log_takes_no_document_and_shows_none_unrecorded(void **state)
{
    struct inside *inside;
    struct file file = file_make(20, 1000), other = file_make(21, 100000);
    Wici__V1__BrokerMessage *answer;
    struct peer sw, school;
    struct town *t;
    char dossier[37], path[128], text[30001];
    bool full = false;
    unsigned reads = 0;
    uint64_t seq;

    (void)state;
    inside_create(&inside, "data.size_max = 16M\n");
    t = inside_town(inside);
    peer_hello(&sw, &t->daemon, &t->sw, "full");
    peer_hello(&school, &t->daemon, &t->school, "full");
    upload(&sw, &file);
    peer_uuid4(dossier);
    seq = letter(&sw, dossier, "sp12-ped", &file, NULL, path);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (unsigned i = 0; i < 2000 && !full; i++) {
        struct peer_event event;

        peer_letter_make(&sw, dossier, "sp12-ped", text, &event);
        peer_publish_later(&sw, &event, 1);
        peer_event_free(&event);
        answer = peer_receive(&sw, PEER_TIMEOUT_MS);
        full = answer->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
        if (full)
            assert_string_equal(answer->refused->refusal->code, "E_FULL");
        peer_free(answer);
    }
    assert_true(full);
    assert_refused(put(&sw, &other, 0, 0), "E_FULL", "");
    for (full = false; !full && reads < 40000; reads += 100) {
        for (unsigned i = 0; i < 100; i++)
            get_later(&school, seq, &file, 0, "");
        for (unsigned i = 0; i < 100; i++) {
            answer = next_answer(&school);
            full = answer->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
            if (full)
                assert_refused(answer, "E_FULL", "documentGet.seq");
            else
                peer_free(answer);
        }
    }
    assert_true(full);
    assert_given(&sw, seq, &file, ""); /* its own needs no record */
    assert_int_equal(inside_stop(inside), 0);
    assert_int_equal(inside_start(inside, false), 0);
    peer_close(&sw);
    peer_close(&school);
    inside_destroy(&inside);
    free(file.bytes);
    free(other.bytes);
}

#define INSIDE_TEST(name) cmocka_unit_test_setup_teardown(name, inside_setup, inside_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        INSIDE_TEST(a_document_goes_to_who_is_given_a_section_that_names_it),
        INSIDE_TEST(a_digest_alone_shows_nothing),
        INSIDE_TEST(a_document_that_comes_late_is_bound_by_sending_the_event_again),
        INSIDE_TEST(a_document_of_another_size_is_not_the_one_named),
        INSIDE_TEST(an_upload_goes_on_after_a_restart_where_it_was),
        INSIDE_TEST(only_the_next_bytes_are_taken),
        INSIDE_TEST(another_digest_is_refused_and_all_of_it_given_up),
        INSIDE_TEST(what_has_no_sense_is_refused),
        INSIDE_TEST(an_upload_without_an_event_is_dropped_after_a_day),
        INSIDE_TEST(a_full_quota_costs_nobody_else_anything),
        INSIDE_TEST(the_number_of_uploads_that_wait_is_bounded_too),
        INSIDE_TEST(a_large_document_and_events_beside_it),
        cmocka_unit_test(a_full_log_takes_no_document_and_shows_none_unrecorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
