/* test_verify_kit - see test_verify_kit.h */
#include "tests/unit/test_verify_kit.h"

#include "proto/hex.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- records that are events */

uint64_t
log_event_warned_add(struct log *l, uint64_t says_id, const struct store_doc *docs, size_t count, const char *warning)
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

uint64_t
log_event_add(struct log *l, uint64_t says_id, const struct store_doc *docs, size_t count)
{
    return log_event_warned_add(l, says_id, docs, count, NULL);
}

struct store_doc
log_doc_of(const uint8_t *bytes, uint32_t size)
{
    struct store_doc doc = {.size = size, .began_ms = 77, .owner = UNIT};
    struct digest none;

    digest_begin(&none);
    digest_end(&none, bytes, size, doc.digest);
    return doc;
}

void
log_put_next(struct log *l, struct store_doc *doc, const uint8_t *bytes)
{
    size_t left = doc->size - doc->received;

    assert_int_equal(
        store_doc_put(l->kit->st, doc, bytes + doc->received, left < STORE_DOC_CHUNK ? left : STORE_DOC_CHUNK), 0);
}

void
log_upload(struct log *l, struct store_doc *doc, const uint8_t *bytes)
{
    assert_int_equal(store_doc_begin(l->kit->st, doc), 0);
    while (!store_doc_is_whole(doc))
        log_put_next(l, doc, bytes);
}

void
log_finish(struct log *l)
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

int
log_setup(void **state)
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
        (void)log_event_add(l, l->number + 1, NULL, 0);
    l->docs[0] = log_doc_of(l->small, SMALL);
    l->docs[1] = log_doc_of(l->large, LARGE);
    log_upload(l, &l->docs[0], l->small);
    log_upload(l, &l->docs[1], l->large);
    l->named_by = log_event_add(l, l->number + 1, l->docs, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(store_doc_bind(l->kit->st, &l->docs[i], l->dossier), 0);
    (void)log_event_add(l, l->number + 1, l->docs, 1); /* names the small one once more */
    half = log_doc_of(l->large, LARGE);
    assert_int_equal(store_doc_begin(l->kit->st, &half), 0);
    log_put_next(l, &half, l->large);
    log_put_next(l, &half, l->large);
    half = log_doc_of(l->small, SMALL - 1);
    log_upload(l, &half, l->small);
    assert_int_equal(store_cursor_put(l->kit->st, UNIT, "middle", &cursor), 0);
    assert_int_equal(store_value_put(l->kit->st, "where", "here", 4), 0);
    log_finish(l);
    *state = l;
    return 0;
}

int
log_teardown(void **state)
{
    struct log *l = *state;
    void *kit = l->kit;

    free(l->large);
    free(l);
    return kit_teardown(&kit);
}

int
log_look(const struct log *l, bool keys, struct verify_report *report)
{
    struct verify_options options = {.dir = l->kit->dir,
                                     .key_dir = keys ? l->kit->key_dir : NULL,
                                     .kek_path = keys ? l->kit->kek : NULL,
                                     .keys = &l->signer.key,
                                     .key_count = 1};

    return verify_copy(&options, report);
}

void
log_is_found(const struct log *l, bool keys, const char *place)
{
    struct verify_report report;
    int rc = log_look(l, keys, &report);

    if (rc != -EBADMSG || strstr(report.what, place) == NULL)
        fail_msg("%s keys: %d \"%s\", not \"%s\"", keys ? "with" : "without", rc, report.what, place);
}

void
log_is_found_both(const struct log *l, const char *place)
{
    log_is_found(l, true, place);
    log_is_found(l, false, place);
}

void
log_holds(const struct log *l, bool keys, struct verify_report *report)
{
    int rc = log_look(l, keys, report);

    if (rc != 0)
        fail_msg("%s keys: %d \"%s\"", keys ? "with" : "without", rc, report->what);
}

void
log_reopen(struct log *l)
{
    assert_int_equal(kit_open(l->kit), 0);
}
