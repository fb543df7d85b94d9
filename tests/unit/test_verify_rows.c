/* What verify.h says of what lies beside the records: event ids, documents, uploads, cursors, values. Each test damages
 * one place, or makes rows that agree with themselves and not with the records. */
#include "proto/hex.h"
#include "store/doc.h"
#include "store/verify.h"
#include "tests/unit/test_store_kit.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define UNIT  "sw"
#define SMALL 500u /* a document of one chunk that the kit can read */
#define LARGE (2u * STORE_DOC_CHUNK + 9u)

struct log {
    struct kit *kit;
    struct note_signer signer;
    uint32_t dossier; /* its key entry */
    uint8_t small[SMALL], *large;
    struct store_doc docs[2]; /* bound: the small one, the large one */
    uint64_t named_by;        /* the record that names both */
    uint64_t number;          /* of the last record */
};

/* ---- records that are events */

/* Appends record `number`, an event with the id that it says; with documents, one section that names them; with a
 * warning, a note of the broker's that has it. */
static uint64_t
event_warned_add(struct log *l, uint64_t says_id, const struct store_doc *docs, size_t count, const char *warning)
{
    uint64_t number = ++l->number, seq = 0;
    char id_text[37], hex[33], digests[2][2 * DIGEST_SIZE + 1], media[] = "application/pdf", agency[] = "ops",
                                                                unit[] = UNIT;
    Wici__V1__Header header = WICI__V1__HEADER__INIT;
    Wici__V1__Actor actor = WICI__V1__ACTOR__INIT;
    Wici__V1__Section section = WICI__V1__SECTION__INIT;
    Wici__V1__InfoProvidedS6 body = WICI__V1__INFO_PROVIDED_S6__INIT;
    Wici__V1__Document documents[2], *list[2];
    Wici__V1__BrokerNote note = WICI__V1__BROKER_NOTE__INIT;
    Wici__V1__Warning warned = WICI__V1__WARNING__INIT, *warnings[] = {&warned};
    uint8_t header_bytes[256], section_bytes[1024], note_bytes[64], id[16];
    struct kit_record r;

    kit_record(&r, number, l->dossier);
    kit_id(says_id, id);
    hex_format(id, sizeof id, hex);
    (void)snprintf(id_text, sizeof id_text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    header.event_id = id_text;
    header.type = WICI__V1__EVENT_TYPE__INFO_PROVIDED;
    header.actor = &actor;
    actor.agency = agency;
    actor.unit = unit;
    section.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    section.info_provided_s6 = &body;
    for (size_t i = 0; i < count; i++) {
        wici__v1__document__init(&documents[i]);
        hex_format(docs[i].digest, DIGEST_SIZE, digests[i]);
        documents[i].sha256 = digests[i];
        documents[i].size = docs[i].size;
        documents[i].media_type = media;
        list[i] = &documents[i];
    }
    body.documents = list;
    body.n_documents = count;
    assert_true(wici__v1__header__get_packed_size(&header) <= sizeof header_bytes);
    assert_true(wici__v1__section__get_packed_size(&section) <= sizeof section_bytes);
    r.parts[0] = (struct leaf_part){.slot = 0,
                                    .section_id = 10 * WICI__V1__EVENT_TYPE__INFO_PROVIDED + 8,
                                    .len = (uint32_t)wici__v1__header__pack(&header, header_bytes),
                                    .body = header_bytes};
    r.parts[2] = (struct leaf_part){.slot = 2,
                                    .section_id = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6,
                                    .len = (uint32_t)wici__v1__section__pack(&section, section_bytes),
                                    .body = section_bytes};
    if (warning != NULL) {
        warned.code = (char *)(uintptr_t)warning; /* packing only reads it */
        note.warnings = warnings;
        note.n_warnings = 1;
        assert_true(wici__v1__broker_note__get_packed_size(&note) <= sizeof note_bytes);
        r.parts[1] = (struct leaf_part){.slot = 1,
                                        .section_id = 10 * WICI__V1__EVENT_TYPE__INFO_PROVIDED + 9,
                                        .len = (uint32_t)wici__v1__broker_note__pack(&note, note_bytes),
                                        .body = note_bytes};
    }
    assert_int_equal(store_append(l->kit->st, &r.record, &seq, NULL), 0);
    return seq;
}

static uint64_t
event_add(struct log *l, uint64_t says_id, const struct store_doc *docs, size_t count)
{
    return event_warned_add(l, says_id, docs, count, NULL);
}

static struct store_doc
doc_of(const uint8_t *bytes, uint32_t size)
{
    struct store_doc doc = {.size = size, .began_ms = 77, .owner = UNIT};
    struct digest none;

    digest_begin(&none);
    digest_end(&none, bytes, size, doc.digest);
    return doc;
}

static void
put_next(struct log *l, struct store_doc *doc, const uint8_t *bytes)
{
    size_t left = doc->size - doc->received;

    assert_int_equal(
        store_doc_put(l->kit->st, doc, bytes + doc->received, left < STORE_DOC_CHUNK ? left : STORE_DOC_CHUNK), 0);
}

static void
upload(struct log *l, struct store_doc *doc, const uint8_t *bytes)
{
    assert_int_equal(store_doc_begin(l->kit->st, doc), 0);
    while (!store_doc_is_whole(doc))
        put_next(l, doc, bytes);
}

/* Signs what the log holds, and closes it. */
static void
finish(struct log *l)
{
    struct note_checkpoint checkpoint = {.origin = KIT_ORIGIN};
    char text[NOTE_CHECKPOINT_TEXT_SIZE], *note;
    size_t len;

    assert_int_equal(store_commit(l->kit->st), 0);
    checkpoint.size = store_head(l->kit->st);
    assert_int_equal(store_tree_root(l->kit->st, checkpoint.size, checkpoint.root), 0);
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
    assert_int_equal(note_sign(text, len, &l->signer, 1, &note, &len), 0);
    assert_int_equal(store_checkpoint_put(l->kit->st, checkpoint.size, note, len), 0);
    assert_int_equal(store_commit(l->kit->st), 0);
    free(note);
    store_close(&l->kit->st);
}

/* A closed, signed log: a dossier with two documents that one record names, an upload with two chunks of three, one
 * that is whole, a cursor and a value. */
static int
setup(void **state)
{
    struct log *l = calloc(1, sizeof *l);
    struct store_doc half;
    uint8_t seed[NOTE_SEED_SIZE] = {9};
    struct store_cursor cursor = {.seq = 3, .acked_ms = 5};
    void *kit;

    assert_non_null(l);
    assert_int_equal(kit_setup(&kit), 0);
    l->kit = kit;
    l->large = malloc(LARGE);
    assert_non_null(l->large);
    memset(l->small, 's', sizeof l->small);
    for (size_t i = 0; i < LARGE; i++)
        l->large[i] = (uint8_t)(i * 7 >> 3);
    assert_int_equal(note_signer_make(KIT_ORIGIN, seed, &l->signer), 0);
    assert_int_equal(store_key_take(l->kit->st, &l->dossier), 0);
    for (unsigned i = 0; i < 3; i++)
        (void)event_add(l, l->number + 1, NULL, 0);
    l->docs[0] = doc_of(l->small, SMALL);
    l->docs[1] = doc_of(l->large, LARGE);
    upload(l, &l->docs[0], l->small);
    upload(l, &l->docs[1], l->large);
    l->named_by = event_add(l, l->number + 1, l->docs, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(store_doc_bind(l->kit->st, &l->docs[i], l->dossier), 0);
    (void)event_add(l, l->number + 1, l->docs, 1); /* names the small one once more */
    half = doc_of(l->large, LARGE);
    assert_int_equal(store_doc_begin(l->kit->st, &half), 0);
    put_next(l, &half, l->large);
    put_next(l, &half, l->large);
    half = doc_of(l->small, SMALL - 1);
    upload(l, &half, l->small);
    assert_int_equal(store_cursor_put(l->kit->st, UNIT, "middle", &cursor), 0);
    assert_int_equal(store_value_put(l->kit->st, "where", "here", 4), 0);
    finish(l);
    *state = l;
    return 0;
}

static int
teardown(void **state)
{
    struct log *l = *state;
    void *kit = l->kit;

    free(l->large);
    free(l);
    return kit_teardown(&kit);
}

static int
look(const struct log *l, bool keys, struct verify_report *report)
{
    struct verify_options options = {.dir = l->kit->dir,
                                     .key_dir = keys ? l->kit->key_dir : NULL,
                                     .kek_path = keys ? l->kit->kek : NULL,
                                     .keys = &l->signer.key,
                                     .key_count = 1};

    return verify_copy(&options, report);
}

/* It is found, with keys or without them, and what is said names the place. */
static void
is_found(const struct log *l, bool keys, const char *place)
{
    struct verify_report report;
    int rc = look(l, keys, &report);

    if (rc != -EBADMSG || strstr(report.what, place) == NULL)
        fail_msg("%s keys: %d \"%s\", not \"%s\"", keys ? "with" : "without", rc, report.what, place);
}

static void
is_found_both(const struct log *l, const char *place)
{
    is_found(l, true, place);
    is_found(l, false, place);
}

static void
holds(const struct log *l, bool keys, struct verify_report *report)
{
    int rc = look(l, keys, report);

    if (rc != 0)
        fail_msg("%s keys: %d \"%s\"", keys ? "with" : "without", rc, report->what);
}

static void
reopen(struct log *l)
{
    assert_int_equal(kit_open(l->kit), 0);
}

static size_t
chunk_key(uint32_t entry, uint32_t chunk, uint8_t ret[9])
{
    ret[0] = 'c';
    for (unsigned i = 0; i < 4; i++) {
        ret[1 + i] = (uint8_t)(entry >> (24 - 8 * i));
        ret[5 + i] = (uint8_t)(chunk >> (24 - 8 * i));
    }
    return 9;
}

/* ---- what holds */

static void
a_log_with_documents_uploads_and_cursors_holds(void **state)
{
    struct log *l = *state;
    struct verify_report report;

    holds(l, true, &report);
    assert_int_equal(report.documents, 2);
    assert_int_equal(report.documents_unopened, 0);
    assert_int_equal(report.uploads, 2);
    assert_int_equal(report.uploads_old, 0);
    holds(l, false, &report);
    assert_int_equal(report.documents, 2);
    assert_int_equal(report.documents_unopened, 2);
    assert_int_equal(report.uploads, 2);
}

static void
an_upload_that_waited_for_more_than_a_day_is_counted(void **state)
{
    struct log *l = *state;
    struct verify_report report;
    struct kit_record r;
    uint64_t seq;

    reopen(l);
    kit_record(&r, ++l->number, l->dossier);
    r.record.ts_ms = 78 + DOCUMENT_KEPT_MS;
    assert_int_equal(store_append(l->kit->st, &r.record, &seq, NULL), 0);
    finish(l);
    holds(l, true, &report);
    assert_int_equal(report.uploads_old, 2);
}

static void
an_erasure_that_stands_between_any_two_of_its_steps_holds(void **state)
{
    struct log *l = *state;
    struct verify_report report;
    size_t count;

    reopen(l);
    assert_int_equal(store_key_erase(l->kit->st, l->dossier), 0); /* the documents' keys are there, and their rows */
    finish(l);
    assert_int_equal(look(l, true, &report), -ENODATA); /* of the records: there is no intent in this log */
    assert_false(report.missing_document);
    holds(l, false, &report);
    assert_int_equal(report.documents, 2);
    reopen(l);
    assert_int_equal(store_doc_erase(l->kit->st, l->dossier, &count), 0);
    assert_int_equal(count, 2);
    finish(l);
    assert_int_equal(look(l, true, &report), -ENODATA);
    assert_int_equal(report.missing, 1);
    assert_int_equal(report.documents, 0);
    reopen(l);
    for (uint64_t seq = 1; seq <= l->number; seq++)
        assert_int_equal(store_content_drop(l->kit->st, seq), 0);
    finish(l);
    assert_int_equal(look(l, false, &report), -ENODATA);
    assert_int_equal(report.missing, 1);
}

/* ---- documents */

static void
a_document_that_is_gone_with_its_key_and_no_erasure_is_content_that_is_missing(void **state)
{
    struct log *l = *state;
    struct verify_report report;
    size_t count;

    reopen(l);
    assert_int_equal(store_doc_erase(l->kit->st, l->dossier, &count), 0); /* and the dossier's records stay */
    finish(l);
    assert_int_equal(look(l, true, &report), -ENODATA);
    assert_int_equal(report.missing, l->named_by);
    assert_true(report.missing_document);
    assert_non_null(strstr(report.what, "a document"));
}

/* Anybody may name what he never sends: the broker takes the event, and warns. Of another size it is another one. */
static void
a_document_that_was_not_sent_is_none_that_is_missing(void **state)
{
    struct log *l = *state;
    struct store_doc never = doc_of(l->small, SMALL - 3), other = l->docs[1];
    struct verify_report report;

    other.size++;
    reopen(l);
    (void)event_warned_add(l, l->number + 1, &never, 1, "W_DOCUMENT");
    (void)event_warned_add(l, l->number + 1, &other, 1, "W_DOCUMENT");
    finish(l);
    holds(l, true, &report);
    assert_int_equal(report.documents, 2);
    reopen(l);
    (void)event_warned_add(l, l->number + 1, &never, 1, "W_TIME"); /* it says nothing of a document: one is missing */
    finish(l);
    assert_int_equal(look(l, true, &report), -ENODATA);
    assert_true(report.missing_document);
    assert_int_equal(report.missing, l->number);
}

static void
each_byte_of_a_document_s_row_counts(void **state)
{
    struct log *l = *state;
    uint8_t key[64], row[KIT_VALUE_MAX];
    size_t key_len = kit_key_first(l->kit->dir, "doc", 'd', key);
    size_t len = kit_row_get(l->kit->dir, "doc", key, key_len, row);
    char name[2 * sizeof key + 1];

    hex_format(key, key_len, name);
    for (size_t at = 0; at < len; at++) {
        row[at] ^= 1;
        kit_row_set(l->kit->dir, "doc", key, key_len, row, len);
        is_found_both(l, name);
        row[at] ^= 1;
    }
    kit_row_set(l->kit->dir, "doc", key, key_len, NULL, 0);

    key[key_len - 1] ^= 1; /* the same row under another tag */
    kit_row_set(l->kit->dir, "doc", key, key_len, row, len);
    is_found_both(l, "has no sense");
}

static void
a_document_s_row_that_is_gone_is_found_by_the_record_or_by_its_chunks(void **state)
{
    struct log *l = *state;
    uint8_t key[64];
    size_t len = kit_key_first(l->kit->dir, "doc", 'd', key);
    char record[64];

    kit_row_set(l->kit->dir, "doc", key, len, NULL, 0);
    (void)snprintf(record, sizeof record, "record %llu: a document", (unsigned long long)l->named_by);
    is_found(l, true, record);
    is_found(l, false, "belongs to none");
}

static void
chunks_are_there_in_order_whole_and_no_more_than_that(void **state)
{
    struct log *l = *state;
    uint8_t key[9], row[KIT_VALUE_MAX], other[9];
    size_t len;
    char place[64];

    (void)chunk_key(l->docs[0].entry, 0, key);
    len = kit_row_get(l->kit->dir, "doc", key, sizeof key, row);
    for (size_t at = 0; at < len; at += 13) {
        row[at] ^= 1;
        kit_row_set(l->kit->dir, "doc", key, sizeof key, row, len);
        (void)snprintf(place, sizeof place, "document %u: chunk 0 does not open", l->docs[0].entry);
        is_found(l, true, place);
        row[at] ^= 1;
    }
    kit_row_set(l->kit->dir, "doc", key, sizeof key, row, len - 1);
    (void)snprintf(place, sizeof place, "document %u: chunk 0", l->docs[0].entry);
    is_found_both(l, place);
    kit_row_set(l->kit->dir, "doc", key, sizeof key, row, len);
    (void)chunk_key(l->docs[0].entry, 1, other);
    kit_row_set(l->kit->dir, "doc", other, sizeof other, row, len);
    (void)snprintf(place, sizeof place, "document %u: chunk 1 is there, and belongs to none", l->docs[0].entry);
    is_found_both(l, place);
    kit_row_set(l->kit->dir, "doc", other, sizeof other, NULL, 0);
    (void)chunk_key(l->docs[1].entry, 1, key);
    kit_row_set(l->kit->dir, "doc", key, sizeof key, NULL, 0);
    (void)snprintf(place, sizeof place, "document %u: chunk 1 is missing", l->docs[1].entry);
    is_found_both(l, place);
}

static void
a_row_that_is_none_of_a_document_s_is_found(void **state)
{
    struct log *l = *state;
    static const uint8_t keys[][9] = {"a1234567", "e1234567", "z1234567", "c12", "u1234567"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        kit_row_set(l->kit->dir, "doc", keys[i], 8, "x", 1);
        is_found_both(l, "documents: a row has no sense");
        kit_row_set(l->kit->dir, "doc", keys[i], 8, NULL, 0);
    }
}

static void
a_document_that_no_record_names_is_found(void **state)
{
    struct log *l = *state;
    struct store_doc doc = doc_of(l->small, SMALL - 2);
    struct verify_report report;
    char place[64];

    reopen(l);
    upload(l, &doc, l->small);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, l->dossier), 0);
    finish(l);
    (void)snprintf(place, sizeof place, "document %u: no record names it", doc.entry);
    is_found(l, true, place);
    holds(l, false, &report);
}

/* A record of another program may: the kit's is no event. */
static void
a_document_that_a_record_may_name_is_none(void **state)
{
    struct log *l = *state;
    struct store_doc doc = doc_of(l->small, SMALL - 2);
    struct verify_report report;

    reopen(l);
    upload(l, &doc, l->small);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, l->dossier), 0);
    (void)kit_add(l->kit, ++l->number, l->dossier);
    finish(l);
    holds(l, true, &report);
    assert_int_equal(report.documents, 3);
}

static void
a_document_of_a_dossier_without_records_is_found(void **state)
{
    struct log *l = *state;
    struct store_doc doc = doc_of(l->small, SMALL - 2);
    uint32_t dossier;
    char place[64];

    reopen(l);
    assert_int_equal(store_key_take(l->kit->st, &dossier), 0);
    upload(l, &doc, l->small);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, dossier), 0);
    finish(l);
    (void)snprintf(place, sizeof place, "document %u: no record is of its dossier", doc.entry);
    is_found_both(l, place);
}

/* The store is told that the bytes before the last chunk were others: its digest is none of the bytes there are. */
static void
bytes_that_do_not_give_the_digest_are_found(void **state)
{
    struct log *l = *state;
    struct store_doc doc = doc_of(l->large, LARGE), lying;
    char place[64];

    reopen(l);
    lying = doc;
    digest_begin(&lying.sofar);
    digest_add(&lying.sofar, l->large, 2 * STORE_DOC_CHUNK);
    lying.sofar.h[0] ^= 1;
    digest_end(&lying.sofar, l->large + 2 * STORE_DOC_CHUNK, LARGE - 2 * STORE_DOC_CHUNK, doc.digest);
    assert_int_equal(store_doc_begin(l->kit->st, &doc), 0);
    put_next(l, &doc, l->large);
    put_next(l, &doc, l->large);
    doc.sofar.h[0] ^= 1;
    put_next(l, &doc, l->large);
    (void)event_add(l, l->number + 1, &doc, 1);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, l->dossier), 0);
    finish(l);
    (void)snprintf(place, sizeof place, "document %u: its bytes do not give its digest", doc.entry);
    is_found(l, true, place);
}

/* ---- uploads */

static void
an_upload_is_opened_and_has_its_chunks(void **state)
{
    struct log *l = *state;
    uint8_t key[64], row[KIT_VALUE_MAX], chunk[9];
    size_t key_len = kit_key_first(l->kit->dir, "doc", 'u', key);
    size_t len = kit_row_get(l->kit->dir, "doc", key, key_len, row);
    uint32_t entry = l->docs[1].entry + 1;
    char place[64];

    for (size_t at = 0; at < len; at += 5) {
        row[at] ^= 1;
        kit_row_set(l->kit->dir, "doc", key, key_len, row, len);
        (void)snprintf(place, sizeof place, "document %u: its head does not open", entry);
        is_found(l, true, place);
        row[at] ^= 1;
    }
    kit_row_set(l->kit->dir, "doc", key, key_len, row, len);
    (void)chunk_key(entry, 0, chunk);
    kit_row_set(l->kit->dir, "doc", chunk, sizeof chunk, NULL, 0);
    (void)snprintf(place, sizeof place, "document %u: chunk 0 is missing", entry);
    is_found(l, true, place);
    is_found(l, false, "belongs to none"); /* what the head says is not known: the one behind it */
}

static void
what_an_upload_says_of_its_bytes_so_far_is_compared(void **state)
{
    struct log *l = *state;
    struct store_doc doc = doc_of(l->large, LARGE);
    char place[64];

    reopen(l);
    assert_int_equal(store_doc_begin(l->kit->st, &doc), 0);
    doc.sofar.h[3] ^= 8;
    put_next(l, &doc, l->large);
    finish(l);
    (void)snprintf(place, sizeof place, "document %u: its bytes do not give its digest", doc.entry);
    is_found(l, true, place);
}

static void
rows_are_as_many_as_the_state_counts(void **state)
{
    struct log *l = *state;
    uint8_t key[64], chunk[9];
    size_t len = kit_key_first(l->kit->dir, "doc", 'u', key);
    uint32_t entry = l->docs[1].entry + 1;

    kit_row_set(l->kit->dir, "doc", key, len, NULL, 0); /* a whole upload: nothing else knows of it */
    for (uint32_t i = 0; i < 2; i++) {
        (void)chunk_key(entry, i, chunk);
        kit_row_set(l->kit->dir, "doc", chunk, sizeof chunk, NULL, 0);
    }
    is_found_both(l, "rows where there should be");
}

/* ---- event ids */

static void
each_byte_of_an_id_s_row_counts(void **state)
{
    struct log *l = *state;
    uint8_t id[16], row[KIT_VALUE_MAX];
    size_t len;

    kit_id(2, id);
    len = kit_row_get(l->kit->dir, "id", id, sizeof id, row);
    for (size_t at = 0; at < len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            row[at] ^= (uint8_t)(1u << bit);
            kit_row_set(l->kit->dir, "id", id, sizeof id, row, len);
            is_found_both(l, "id table: ");
            row[at] ^= (uint8_t)(1u << bit);
        }
    kit_row_set(l->kit->dir, "id", id, sizeof id, NULL, 0);
    is_found(l, true, "id table: row 00000000000000020000000000000077 is missing, the id of record 2");
    is_found(l, false, "id table: no row names record 2");
    id[15] ^= 1;
    kit_row_set(l->kit->dir, "id", id, sizeof id, row, len);
    is_found(l, true, "the id of record 2");
    is_found(l, false, "id table: a row is not one that was entered");
}

static void
ids_that_were_changed_round_are_found(void **state)
{
    struct log *l = *state;
    uint8_t ids[2][16], rows[2][KIT_VALUE_MAX];

    for (unsigned i = 0; i < 2; i++) {
        kit_id(1 + i, ids[i]);
        assert_int_equal(kit_row_get(l->kit->dir, "id", ids[i], sizeof ids[i], rows[i]), 8);
    }
    for (unsigned i = 0; i < 2; i++)
        kit_row_set(l->kit->dir, "id", ids[i], sizeof ids[i], rows[1 - i], 8);
    is_found(l, true, "names record 2, it is the id of record 1");
    is_found(l, false, "id table: a row is not one that was entered");
    kit_row_set(l->kit->dir, "id", ids[0], sizeof ids[0], rows[0], 8);
    is_found_both(l, "names record 1, and another row does");
}

static void
a_record_that_says_another_id_than_it_was_entered_under_is_found(void **state)
{
    struct log *l = *state;
    struct verify_report report;

    reopen(l);
    (void)event_add(l, 4711, NULL, 0);
    finish(l);
    is_found(l, true, "is missing, the id of record 6");
    holds(l, false, &report); /* what it says is sealed */
}

static void
a_record_that_no_row_names_is_found(void **state)
{
    struct log *l = *state;
    struct kit_record r;
    uint64_t seq;

    reopen(l);
    kit_record(&r, ++l->number, l->dossier);
    r.record.event_id = NULL;
    assert_int_equal(store_append(l->kit->st, &r.record, &seq, NULL), 0);
    finish(l);
    is_found_both(l, "id table: no row names record 6");
}

/* ---- cursors, values, tiles */

static void
each_byte_of_cursors_and_values_counts(void **state)
{
    static const struct {
        const char *db, *key, *place;
        size_t key_len;
    } rows[] = {{"cur", UNIT "\0middle", "cursors: row 1 has no sense", 9},
                {"val", "where", "values: row 1 has no sense", 5}};
    struct log *l = *state;
    uint8_t row[KIT_VALUE_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = kit_row_get(l->kit->dir, rows[i].db, rows[i].key, rows[i].key_len, row);

        assert_true(len > 8);
        for (size_t at = 0; at < len; at++) {
            row[at] ^= 1;
            kit_row_set(l->kit->dir, rows[i].db, rows[i].key, rows[i].key_len, row, len);
            is_found_both(l, rows[i].place);
            row[at] ^= 1;
        }
        kit_row_set(l->kit->dir, rows[i].db, rows[i].key, rows[i].key_len, row, len);
    }
}

static void
a_cursor_behind_the_last_record_is_found(void **state)
{
    struct log *l = *state;
    struct store_cursor cursor = {.seq = 5};
    struct verify_report report;

    reopen(l);
    assert_int_equal(store_cursor_put(l->kit->st, UNIT, "last", &cursor), 0);
    finish(l);
    holds(l, true, &report);
    reopen(l);
    cursor.seq = 6;
    assert_int_equal(store_cursor_put(l->kit->st, UNIT, "last", &cursor), 0);
    finish(l);
    is_found_both(l, "cursors: row 1 stands behind record 5, the last");
}

static void
a_tile_that_the_tree_does_not_have_is_found(void **state)
{
    static const uint8_t key[9] = {0, 0, 0, 0, 0, 0, 0, 0, 7}, tile[8192];
    struct log *l = *state;

    kit_row_set(l->kit->dir, "tile", key, sizeof key, tile, sizeof tile);
    is_found_both(l, "the tree: 1 tiles where there should be 0");
}

/* Where in the file the newest piece of LMDB's list of free pages lies, and how many numbers it holds. */
static off_t
free_list_find(const struct log *l, size_t *ret_count)
{
    char dir[PATH_MAX];
    MDB_cursor *cursor;
    MDB_val key, val;
    MDB_env *env;
    MDB_txn *txn;
    MDB_stat stat;
    size_t page;
    off_t at;

    (void)snprintf(dir, sizeof dir, "%s/log", l->kit->dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_mapsize(env, l->kit->options.map_size_max), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK, 0600), 0);
    assert_int_equal(mdb_env_stat(env, &stat), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_cursor_open(txn, 0, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &val, MDB_LAST), 0);
    memcpy(ret_count, val.mv_data, sizeof *ret_count);
    at = (off_t)((uintptr_t)val.mv_data % stat.ms_psize);
    memcpy(&page, (const uint8_t *)val.mv_data - at, sizeof page);
    at += (off_t)(page * stat.ms_psize);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return at;
}

static void
bit_flip(const struct log *l, off_t at, unsigned bit)
{
    char path[PATH_MAX];
    uint8_t byte;
    int fd;

    (void)snprintf(path, sizeof path, "%s/log/data.mdb", l->kit->dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1u << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void
damage_to_the_list_of_free_pages_is_found(void **state)
{
    struct log *l = *state;
    size_t count = 0;
    off_t at = free_list_find(l, &count);
    struct verify_report report;

    assert_true(count > 0);
    for (size_t byte = 0; byte < (1 + count) * sizeof(size_t); byte++)
        for (unsigned bit = 0; bit < 8; bit++) {
            int rc;

            bit_flip(l, at + (off_t)byte, bit);
            rc = look(l, false, &report);
            if (rc != -EBADMSG)
                fail_msg("byte %zu of %zu numbers, bit %u: %d", byte, count, bit, rc);
            bit_flip(l, at + (off_t)byte, bit);
        }
    holds(l, false, &report);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_log_with_documents_uploads_and_cursors_holds),
        LOG_TEST(an_upload_that_waited_for_more_than_a_day_is_counted),
        LOG_TEST(an_erasure_that_stands_between_any_two_of_its_steps_holds),
        LOG_TEST(a_document_that_is_gone_with_its_key_and_no_erasure_is_content_that_is_missing),
        LOG_TEST(a_document_that_was_not_sent_is_none_that_is_missing),
        LOG_TEST(each_byte_of_a_document_s_row_counts),
        LOG_TEST(a_document_s_row_that_is_gone_is_found_by_the_record_or_by_its_chunks),
        LOG_TEST(chunks_are_there_in_order_whole_and_no_more_than_that),
        LOG_TEST(a_row_that_is_none_of_a_document_s_is_found),
        LOG_TEST(a_document_that_no_record_names_is_found),
        LOG_TEST(a_document_that_a_record_may_name_is_none),
        LOG_TEST(a_document_of_a_dossier_without_records_is_found),
        LOG_TEST(bytes_that_do_not_give_the_digest_are_found),
        LOG_TEST(an_upload_is_opened_and_has_its_chunks),
        LOG_TEST(what_an_upload_says_of_its_bytes_so_far_is_compared),
        LOG_TEST(rows_are_as_many_as_the_state_counts),
        LOG_TEST(each_byte_of_an_id_s_row_counts),
        LOG_TEST(ids_that_were_changed_round_are_found),
        LOG_TEST(a_record_that_says_another_id_than_it_was_entered_under_is_found),
        LOG_TEST(a_record_that_no_row_names_is_found),
        LOG_TEST(each_byte_of_cursors_and_values_counts),
        LOG_TEST(a_cursor_behind_the_last_record_is_found),
        LOG_TEST(a_tile_that_the_tree_does_not_have_is_found),
        LOG_TEST(damage_to_the_list_of_free_pages_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
