/* What verify.h says of documents and uploads. Each test damages one place, or makes rows that agree with themselves
 * and not with the records. */
#include "proto/hex.h"
#include "store/check.h"
#include "tests/unit/test_verify_kit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

    log_holds(l, true, &report);
    assert_int_equal(report.documents, 2);
    assert_int_equal(report.documents_unopened, 0);
    assert_int_equal(report.uploads, 2);
    assert_int_equal(report.uploads_old, 0);
    log_holds(l, false, &report);
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

    log_reopen(l);
    kit_record(&r, ++l->number, l->dossier);
    r.record.ts_ms = 78 + DOCUMENT_KEPT_MS;
    assert_int_equal(store_append(l->kit->st, &r.record, &seq, NULL), 0);
    log_finish(l);
    log_holds(l, true, &report);
    assert_int_equal(report.uploads_old, 2);
}

static void
an_erasure_that_stands_between_any_two_of_its_steps_holds(void **state)
{
    struct log *l = *state;
    struct verify_report report;
    size_t count;

    log_reopen(l);
    assert_int_equal(store_key_erase(l->kit->st, l->dossier), 0); /* the documents' keys are there, and their rows */
    log_finish(l);
    assert_int_equal(log_look(l, true, &report), -ENODATA); /* of the records: there is no intent in this log */
    assert_false(report.missing_document);
    log_holds(l, false, &report);
    assert_int_equal(report.documents, 2);
    log_reopen(l);
    assert_int_equal(store_doc_erase(l->kit->st, l->dossier, &count), 0);
    assert_int_equal(count, 2);
    log_finish(l);
    assert_int_equal(log_look(l, true, &report), -ENODATA);
    assert_int_equal(report.missing, 1);
    assert_int_equal(report.documents, 0);
    log_reopen(l);
    for (uint64_t seq = 1; seq <= l->number; seq++)
        assert_int_equal(store_content_drop(l->kit->st, seq), 0);
    log_finish(l);
    assert_int_equal(log_look(l, false, &report), -ENODATA);
    assert_int_equal(report.missing, 1);
}

/* ---- documents */

static void
a_document_that_is_gone_with_its_key_and_no_erasure_is_content_that_is_missing(void **state)
{
    struct log *l = *state;
    struct verify_report report;
    size_t count;

    log_reopen(l);
    assert_int_equal(store_doc_erase(l->kit->st, l->dossier, &count), 0); /* and the dossier's records stay */
    log_finish(l);
    assert_int_equal(log_look(l, true, &report), -ENODATA);
    assert_int_equal(report.missing, l->named_by);
    assert_true(report.missing_document);
    assert_non_null(strstr(report.what, "a document"));
}

/* Anybody may name what he never sends: the broker takes the event, and warns. Of another size it is another one. */
static void
a_document_that_was_not_sent_is_none_that_is_missing(void **state)
{
    struct log *l = *state;
    struct store_doc never = log_doc_of(l->small, SMALL - 3), other = l->docs[1];
    struct verify_report report;

    other.size++;
    log_reopen(l);
    (void)log_event_warned_add(l, l->number + 1, &never, 1, "W_DOCUMENT");
    (void)log_event_warned_add(l, l->number + 1, &other, 1, "W_DOCUMENT");
    log_finish(l);
    log_holds(l, true, &report);
    assert_int_equal(report.documents, 2);
    log_reopen(l);
    (void)log_event_warned_add(l, l->number + 1, &never, 1,
                               "W_TIME"); /* it says nothing of a document: one is missing */
    log_finish(l);
    assert_int_equal(log_look(l, true, &report), -ENODATA);
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
        log_is_found_both(l, name);
        row[at] ^= 1;
    }
    kit_row_set(l->kit->dir, "doc", key, key_len, NULL, 0);

    key[key_len - 1] ^= 1; /* the same row under another tag */
    kit_row_set(l->kit->dir, "doc", key, key_len, row, len);
    log_is_found_both(l, "has no sense");
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
    log_is_found(l, true, record);
    log_is_found(l, false, "belongs to none");
}

/* The row of the key, changed at a byte, and for who does that on purpose with its sum made anew. */
static void
row_change(const struct log *l, const uint8_t *key, size_t key_len, uint8_t *row, size_t len, size_t at, bool anew)
{
    uint8_t sum[CHECK_SIZE];

    memcpy(sum, row + len - CHECK_SIZE, CHECK_SIZE);
    row[at] ^= (uint8_t)(1u << at % 8);
    if (anew)
        be64_put(row + len - CHECK_SIZE, check_of(key, key_len, row, len - CHECK_SIZE));
    kit_row_set(l->kit->dir, "doc", key, key_len, row, len);
    if (anew)
        memcpy(row + len - CHECK_SIZE, sum, CHECK_SIZE);
    row[at] ^= (uint8_t)(1u << at % 8);
}

/* A chunk that a document has, one that an upload has, and the head of an upload. */
static void
each_byte_of_what_is_sealed_counts_without_keys_too(void **state)
{
    struct log *l = *state;
    uint8_t rows[KIT_VALUE_MAX], keys[3][9];
    size_t key_lens[] = {9, 9, 5};
    char place[64];

    (void)chunk_key(l->docs[0].entry, 0, keys[0]);
    (void)chunk_key(l->docs[1].entry + 2, 0, keys[1]); /* the upload that is whole */
    (void)chunk_key(l->docs[1].entry + 2, 0, keys[2]);
    keys[2][0] = 'u';
    for (size_t i = 0; i < 3; i++) {
        uint32_t entry = l->docs[i == 0 ? 0 : 1].entry + (i == 0 ? 0 : 2);
        const char *what = i == 2 ? "its head" : "chunk 0";
        size_t len = kit_row_get(l->kit->dir, "doc", keys[i], key_lens[i], rows);
        struct verify_report report;

        for (size_t at = 0; at < len; at++) {
            row_change(l, keys[i], key_lens[i], rows, len, at, false);
            (void)snprintf(place, sizeof place, "document %u: %s is not what was written", entry, what);
            log_is_found(l, false, place);
            if (at % 13 != 0)
                continue;
            log_is_found(l, true, place);
            if (at >= len - CHECK_SIZE)
                continue;
            row_change(l, keys[i], key_lens[i], rows, len, at, true);
            (void)snprintf(place, sizeof place, "document %u: %s does not open", entry, what);
            log_is_found(l, true, place);
            log_holds(l, false, &report); /* a sum is no protection against who changes the file */
        }
        kit_row_set(l->kit->dir, "doc", keys[i], key_lens[i], rows, len);
    }
}

/* Nobody tells without keys how much of an upload came: a chunk of any length may be its last. */
static void
a_chunk_of_an_upload_that_was_cut_is_found_without_keys(void **state)
{
    struct log *l = *state;
    uint8_t key[9], row[KIT_VALUE_MAX + 1];
    size_t len = kit_row_get(l->kit->dir, "doc", key, chunk_key(l->docs[1].entry + 2, 0, key), row);
    char place[64];

    row[len] = 0;
    (void)snprintf(place, sizeof place, "document %u: chunk 0 is not ", l->docs[1].entry + 2);
    for (size_t cut = 1; cut <= len + 1; cut++)
        if (cut != len) {
            kit_row_set(l->kit->dir, "doc", key, sizeof key, row, cut);
            log_is_found(l, false, place);
        }
}

/* Each is whole by itself, and lies in the other's place. */
static void
chunks_that_were_changed_round_are_found_without_keys_too(void **state)
{
    struct log *l = *state;
    struct store_doc doc = log_doc_of(l->large, SMALL);
    uint8_t keys[2][9], rows[2][KIT_VALUE_MAX];
    size_t len[2];
    char place[64];

    log_reopen(l);
    log_upload(l, &doc, l->large);
    log_finish(l);
    (void)chunk_key(l->docs[0].entry, 0, keys[0]);
    (void)chunk_key(doc.entry, 0, keys[1]);
    for (unsigned i = 0; i < 2; i++)
        len[i] = kit_row_get(l->kit->dir, "doc", keys[i], sizeof keys[i], rows[i]);
    assert_int_equal(len[0], len[1]);
    for (unsigned i = 0; i < 2; i++)
        kit_row_set(l->kit->dir, "doc", keys[i], sizeof keys[i], rows[1 - i], len[i]);
    (void)snprintf(place, sizeof place, "chunk 0 is not what was written");
    log_is_found_both(l, place);
}

/* The keys of a dossier and its documents are gone, and its rows not yet: what is left is looked at all the same. */
static void
a_chunk_of_an_erased_document_is_looked_at_while_it_is_there(void **state)
{
    struct log *l = *state;
    uint8_t key[9], row[KIT_VALUE_MAX];
    char place[64];
    size_t len;

    log_reopen(l);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(store_key_erase(l->kit->st, l->docs[i].entry), 0);
    assert_int_equal(store_key_erase(l->kit->st, l->dossier), 0);
    log_finish(l);
    len = kit_row_get(l->kit->dir, "doc", key, chunk_key(l->docs[0].entry, 0, key), row);
    row_change(l, key, sizeof key, row, len, len / 2, false);
    (void)snprintf(place, sizeof place, "document %u: chunk 0 is not what was written", l->docs[0].entry);
    log_is_found_both(l, place);
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
    kit_row_set(l->kit->dir, "doc", key, sizeof key, row, len - 1);
    (void)snprintf(place, sizeof place, "document %u: chunk 0", l->docs[0].entry);
    log_is_found_both(l, place);
    kit_row_set(l->kit->dir, "doc", key, sizeof key, row, len);
    (void)chunk_key(l->docs[0].entry, 1, other);
    kit_row_set(l->kit->dir, "doc", other, sizeof other, row, len);
    (void)snprintf(place, sizeof place, "document %u: chunk 1 is there, and belongs to none", l->docs[0].entry);
    log_is_found_both(l, place);
    kit_row_set(l->kit->dir, "doc", other, sizeof other, NULL, 0);
    (void)chunk_key(l->docs[1].entry, 1, key);
    kit_row_set(l->kit->dir, "doc", key, sizeof key, NULL, 0);
    (void)snprintf(place, sizeof place, "document %u: chunk 1 is missing", l->docs[1].entry);
    log_is_found_both(l, place);
}

static void
a_row_that_is_none_of_a_document_s_is_found(void **state)
{
    struct log *l = *state;
    static const uint8_t keys[][9] = {"a1234567", "e1234567", "z1234567", "c12", "u1234567"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        kit_row_set(l->kit->dir, "doc", keys[i], 8, "x", 1);
        log_is_found_both(l, "documents: a row has no sense");
        kit_row_set(l->kit->dir, "doc", keys[i], 8, NULL, 0);
    }
}

static void
a_document_that_no_record_names_is_found(void **state)
{
    struct log *l = *state;
    struct store_doc doc = log_doc_of(l->small, SMALL - 2);
    struct verify_report report;
    char place[64];

    log_reopen(l);
    log_upload(l, &doc, l->small);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, l->dossier), 0);
    log_finish(l);
    (void)snprintf(place, sizeof place, "document %u: no record names it", doc.entry);
    log_is_found(l, true, place);
    log_holds(l, false, &report);
}

/* A record of another program may: the kit's is no event. */
static void
a_document_that_a_record_may_name_is_none(void **state)
{
    struct log *l = *state;
    struct store_doc doc = log_doc_of(l->small, SMALL - 2);
    struct verify_report report;

    log_reopen(l);
    log_upload(l, &doc, l->small);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, l->dossier), 0);
    (void)kit_add(l->kit, ++l->number, l->dossier);
    log_finish(l);
    log_holds(l, true, &report);
    assert_int_equal(report.documents, 3);
}

static void
a_document_of_a_dossier_without_records_is_found(void **state)
{
    struct log *l = *state;
    struct store_doc doc = log_doc_of(l->small, SMALL - 2);
    uint32_t dossier;
    char place[64];

    log_reopen(l);
    assert_int_equal(store_key_take(l->kit->st, &dossier), 0);
    log_upload(l, &doc, l->small);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, dossier), 0);
    log_finish(l);
    (void)snprintf(place, sizeof place, "document %u: no record is of its dossier", doc.entry);
    log_is_found_both(l, place);
}

/* The store is told that the bytes before the last chunk were others: its digest is none of the bytes there are. */
static void
bytes_that_do_not_give_the_digest_are_found(void **state)
{
    struct log *l = *state;
    struct store_doc doc = log_doc_of(l->large, LARGE), lying;
    char place[64];

    log_reopen(l);
    lying = doc;
    digest_begin(&lying.sofar);
    digest_add(&lying.sofar, l->large, 2 * STORE_DOC_CHUNK);
    lying.sofar.h[0] ^= 1;
    digest_end(&lying.sofar, l->large + 2 * STORE_DOC_CHUNK, LARGE - 2 * STORE_DOC_CHUNK, doc.digest);
    assert_int_equal(store_doc_begin(l->kit->st, &doc), 0);
    log_put_next(l, &doc, l->large);
    log_put_next(l, &doc, l->large);
    doc.sofar.h[0] ^= 1;
    log_put_next(l, &doc, l->large);
    (void)log_event_add(l, l->number + 1, &doc, 1);
    assert_int_equal(store_doc_bind(l->kit->st, &doc, l->dossier), 0);
    log_finish(l);
    (void)snprintf(place, sizeof place, "document %u: its bytes do not give its digest", doc.entry);
    log_is_found(l, true, place);
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

    row_change(l, key, key_len, row, len, len / 2, true);
    (void)snprintf(place, sizeof place, "document %u: its head does not open", entry);
    log_is_found(l, true, place);
    kit_row_set(l->kit->dir, "doc", key, key_len, row, len);
    (void)chunk_key(entry, 0, chunk);
    kit_row_set(l->kit->dir, "doc", chunk, sizeof chunk, NULL, 0);
    (void)snprintf(place, sizeof place, "document %u: chunk 0 is missing", entry);
    log_is_found(l, true, place);
    log_is_found(l, false, "belongs to none"); /* what the head says is not known: the one behind it */
}

static void
what_an_upload_says_of_its_bytes_so_far_is_compared(void **state)
{
    struct log *l = *state;
    struct store_doc doc = log_doc_of(l->large, LARGE);
    char place[64];

    log_reopen(l);
    assert_int_equal(store_doc_begin(l->kit->st, &doc), 0);
    doc.sofar.h[3] ^= 8;
    log_put_next(l, &doc, l->large);
    log_finish(l);
    (void)snprintf(place, sizeof place, "document %u: its bytes do not give its digest", doc.entry);
    log_is_found(l, true, place);
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
    log_is_found_both(l, "rows where there should be");
}

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
        LOG_TEST(each_byte_of_what_is_sealed_counts_without_keys_too),
        LOG_TEST(a_chunk_of_an_upload_that_was_cut_is_found_without_keys),
        LOG_TEST(chunks_that_were_changed_round_are_found_without_keys_too),
        LOG_TEST(a_chunk_of_an_erased_document_is_looked_at_while_it_is_there),
        LOG_TEST(chunks_are_there_in_order_whole_and_no_more_than_that),
        LOG_TEST(a_row_that_is_none_of_a_document_s_is_found),
        LOG_TEST(a_document_that_no_record_names_is_found),
        LOG_TEST(a_document_that_a_record_may_name_is_none),
        LOG_TEST(a_document_of_a_dossier_without_records_is_found),
        LOG_TEST(bytes_that_do_not_give_the_digest_are_found),
        LOG_TEST(an_upload_is_opened_and_has_its_chunks),
        LOG_TEST(what_an_upload_says_of_its_bytes_so_far_is_compared),
        LOG_TEST(rows_are_as_many_as_the_state_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
