/* What store/doc.h says: uploads in chunks, bound to a dossier, found by owner and digest, destroyed with their key. */
#include "tests/unit/test_store_kit.h"

#include "store/doc.h"
#include "store/fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHUNKS   (STORE_DOC_SIZE_MAX / STORE_DOC_CHUNK)
#define ODD_SIZE (2 * STORE_DOC_CHUNK + 1234)

static uint8_t buf[STORE_DOC_CHUNK];

/* The bytes of file `number`, with a text in each KiB that must not be found anywhere. */
static uint8_t *
file_make(unsigned number, size_t size)
{
    uint8_t *bytes = malloc(size);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * (number * 2 + 1) >> 3);
    for (size_t i = 0; i + sizeof KIT_MARKER <= size; i += 1024)
        memcpy(bytes + i, KIT_MARKER, sizeof KIT_MARKER);
    return bytes;
}

static struct store_doc
doc_of(const uint8_t *bytes, size_t size, const char *owner)
{
    struct store_doc doc = {.size = (uint32_t)size, .began_ms = 77};
    struct digest none;

    digest_begin(&none);
    digest_end(&none, bytes, size, doc.digest);
    (void)snprintf(doc.owner, sizeof doc.owner, "%s", owner);
    return doc;
}

static int
put_next(struct kit *kit, struct store_doc *doc, const uint8_t *bytes)
{
    size_t left = doc->size - doc->received;

    return store_doc_put(kit->st, doc, bytes + doc->received, left < STORE_DOC_CHUNK ? left : STORE_DOC_CHUNK);
}

/* Whole, and committed. */
static struct store_doc
upload(struct kit *kit, const uint8_t *bytes, size_t size, const char *owner)
{
    struct store_doc doc = doc_of(bytes, size, owner);

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    while (!store_doc_is_whole(&doc)) {
        assert_int_equal(put_next(kit, &doc, bytes), 0);
        assert_int_equal(store_commit(kit->st), 0);
    }
    return doc;
}

static uint32_t
dossier(struct kit *kit, uint64_t number)
{
    uint32_t entry;
    uint64_t seq;

    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(kit_append(kit, number, entry, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    return entry;
}

static void
assert_reads(struct kit *kit, const struct store_doc *doc, const uint8_t *bytes, size_t size)
{
    size_t len = 0, at = 0;
    uint32_t chunk = 0;

    for (; at < size; at += len) {
        assert_int_equal(store_doc_read(kit->st, doc, chunk++, buf, &len), 0);
        assert_true(len > 0 && len <= size - at);
        assert_memory_equal(buf, bytes + at, len);
    }
    assert_int_equal(store_doc_read(kit->st, doc, chunk, buf, &len), -ENOENT);
}

struct seen {
    size_t count;
    struct store_doc last;
};

static int
see(void *arg, const struct store_doc *doc)
{
    struct seen *seen = arg;

    seen->count++;
    seen->last = *doc;
    return 0;
}

static struct seen
uploads(struct kit *kit)
{
    struct seen seen = {.count = 0};

    assert_int_equal(store_doc_each(kit->st, see, &seen), 0);
    return seen;
}

static void
a_whole_document_is_bound_found_and_read(void **state)
{
    static const size_t sizes[] = {1, STORE_DOC_CHUNK - 1, STORE_DOC_CHUNK, STORE_DOC_CHUNK + 1, STORE_DOC_SIZE_MAX};
    struct kit *kit = *state;
    uint32_t entry = dossier(kit, 1);

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *bytes = file_make(i, sizes[i]);
        struct store_doc doc = upload(kit, bytes, sizes[i], "ops.wola/fa"), found;

        assert_reads(kit, &doc, bytes, sizes[i]);
        assert_int_equal(store_doc_find(kit->st, entry, doc.owner, doc.digest, &found), -ENOENT);
        assert_int_equal(store_doc_bind(kit->st, &doc, entry), 0);
        assert_int_equal(store_doc_find(kit->st, entry, doc.owner, doc.digest, &found), 0); /* of the open batch */
        assert_int_equal(store_commit(kit->st), 0);
        kit_reopen(kit);
        assert_int_equal(store_doc_find(kit->st, entry, doc.owner, doc.digest, &found), 0);
        assert_int_equal(found.size, sizes[i]);
        assert_string_equal(found.owner, doc.owner);
        assert_reads(kit, &found, bytes, sizes[i]);
        assert_int_equal(uploads(kit).count, 0);
        free(bytes);
    }
}

static void
an_upload_goes_on_where_it_was_committed(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(3, STORE_DOC_SIZE_MAX);
    struct store_doc doc = doc_of(bytes, STORE_DOC_SIZE_MAX, "u");
    struct seen seen;

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    assert_int_equal(store_commit(kit->st), 0);
    for (unsigned i = 0; i < CHUNKS; i++) {
        kit_reopen(kit);
        seen = uploads(kit);
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.last.received, i * STORE_DOC_CHUNK);
        assert_int_equal(seen.last.began_ms, 77);
        assert_int_equal(seen.last.entry, doc.entry);
        assert_memory_equal(seen.last.digest, doc.digest, DIGEST_SIZE);
        assert_string_equal(seen.last.owner, "u");
        doc = seen.last;
        assert_int_equal(put_next(kit, &doc, bytes), 0);
        store_rollback(kit->st); /* as if it had died now */
        doc = seen.last;
        assert_int_equal(uploads(kit).last.received, i * STORE_DOC_CHUNK);
        assert_int_equal(put_next(kit, &doc, bytes), 0);
        assert_int_equal(store_commit(kit->st), 0);
    }
    assert_true(store_doc_is_whole(&doc));
    kit_reopen(kit);
    assert_reads(kit, &doc, bytes, STORE_DOC_SIZE_MAX);
    free(bytes);
}

static void
an_entry_that_an_upload_took_is_not_given_out_again(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(1, 10);
    struct store_doc doc = doc_of(bytes, 10, "u");
    uint32_t entry;

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_true(entry > doc.entry);
    free(bytes);
}

static void
bytes_with_another_digest_are_given_up(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(5, ODD_SIZE), *other = file_make(6, ODD_SIZE);
    struct store_doc doc = doc_of(bytes, ODD_SIZE, "u");
    size_t len;

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    assert_int_equal(put_next(kit, &doc, bytes), 0);
    assert_int_equal(put_next(kit, &doc, other), 0);
    assert_int_equal(put_next(kit, &doc, bytes), -EILSEQ);
    assert_string_equal(store_damage(kit->st), "");
    assert_int_equal(doc.received, 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    doc = uploads(kit).last;
    assert_int_equal(doc.received, 0);
    assert_int_equal(store_doc_read(kit->st, &doc, 0, buf, &len), -ENOENT);
    assert_int_equal(store_doc_bind(kit->st, &doc, 1), -EINVAL);
    for (unsigned i = 0; i < 3; i++) /* and the right ones are still welcome */
        assert_int_equal(put_next(kit, &doc, bytes), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_reads(kit, &doc, bytes, ODD_SIZE);
    free(bytes);
    free(other);
}

static void
what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(5, ODD_SIZE);
    struct store_doc doc = doc_of(bytes, ODD_SIZE, "u"), bad = doc;
    uint32_t entry = dossier(kit, 1);

    bad.size = 0;
    assert_int_equal(store_doc_begin(kit->st, &bad), -EINVAL);
    bad.size = STORE_DOC_SIZE_MAX + 1;
    assert_int_equal(store_doc_begin(kit->st, &bad), -EINVAL);
    bad = doc;
    bad.owner[0] = '\0';
    assert_int_equal(store_doc_begin(kit->st, &bad), -EINVAL);
    assert_false(store_has_batch(kit->st));

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    assert_int_equal(store_doc_put(kit->st, &doc, bytes, 0), -EINVAL);
    assert_int_equal(store_doc_put(kit->st, &doc, bytes, STORE_DOC_CHUNK - 1), -EINVAL);
    assert_int_equal(store_doc_put(kit->st, &doc, bytes, STORE_DOC_CHUNK + 1), -EINVAL);
    assert_int_equal(doc.received, 0);
    assert_int_equal(store_doc_bind(kit->st, &doc, entry), -EINVAL); /* not whole */
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(put_next(kit, &doc, bytes), 0);
    assert_int_equal(store_doc_put(kit->st, &doc, bytes, 1), -EINVAL); /* whole */
    assert_int_equal(store_commit(kit->st), 0);
    assert_reads(kit, &doc, bytes, ODD_SIZE);
    free(bytes);
}

/* The same file of two owners, in two dossiers: nobody's document stands in for another's. */
static void
owners_and_dossiers_do_not_learn_of_each_other(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(9, 100);
    uint32_t one = dossier(kit, 1), two = dossier(kit, 2);
    struct store_doc mine = upload(kit, bytes, 100, "a"), yours = upload(kit, bytes, 100, "b"), found;

    assert_int_not_equal(mine.entry, yours.entry);
    assert_int_equal(store_doc_bind(kit->st, &mine, one), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_doc_find(kit->st, one, "b", mine.digest, &found), -ENOENT);
    assert_int_equal(store_doc_find(kit->st, two, "a", mine.digest, &found), -ENOENT);
    assert_int_equal(store_doc_bind(kit->st, &yours, one), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_doc_find(kit->st, one, "b", mine.digest, &found), 0);
    assert_int_equal(found.entry, yours.entry);
    assert_int_equal(store_doc_find(kit->st, one, "a", mine.digest, &found), 0);
    assert_int_equal(found.entry, mine.entry);

    mine = upload(kit, bytes, 100, "a");
    assert_int_equal(store_doc_bind(kit->st, &mine, one), -EEXIST);
    assert_false(store_has_batch(kit->st));
    assert_int_equal(uploads(kit).count, 1);
    free(bytes);
}

static void
nothing_of_it_lies_in_clear(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(2, ODD_SIZE);
    struct store_doc doc = upload(kit, bytes, ODD_SIZE, "an-owner-of-a-document");
    uint32_t entry = dossier(kit, 1);

    assert_int_equal(store_doc_bind(kit->st, &doc, entry), 0);
    assert_int_equal(store_commit(kit->st), 0);
    upload(kit, bytes, ODD_SIZE, "an-owner-of-a-document");
    store_close(&kit->st);
    assert_int_equal(kit_grep(kit->root, KIT_MARKER, sizeof KIT_MARKER - 1), 0);
    assert_int_equal(kit_grep(kit->root, doc.digest, DIGEST_SIZE), 0);
    assert_int_equal(kit_grep(kit->root, doc.owner, strlen(doc.owner)), 0);
    free(bytes);
}

static void
a_dropped_upload_is_gone_with_its_key(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(2, ODD_SIZE);
    struct store_doc doc = upload(kit, bytes, ODD_SIZE, "a"), other = upload(kit, bytes, ODD_SIZE, "b");
    struct seen seen;
    size_t len;

    assert_int_equal(store_doc_drop(kit->st, &doc), 0);
    store_rollback(kit->st); /* it died between the key and the rows */
    assert_int_equal(store_doc_read(kit->st, &doc, 0, buf, &len), -ENOENT);
    assert_int_equal(store_doc_bind(kit->st, &doc, 1), -EINVAL);
    kit_reopen(kit);
    seen = uploads(kit);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.last.entry, other.entry);
    assert_int_equal(store_doc_drop(kit->st, &(struct store_doc){.entry = doc.entry}), 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    seen = uploads(kit);
    assert_int_equal(seen.count, 1);
    assert_reads(kit, &seen.last, bytes, ODD_SIZE);
    free(bytes);
}

static void
an_upload_whose_key_is_gone_is_told_apart(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(2, 10);
    struct store_doc doc = upload(kit, bytes, 10, "a");
    struct seen seen;

    assert_int_equal(store_key_erase(kit->st, doc.entry), 0);
    seen = uploads(kit);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.size, 0);
    assert_int_equal(seen.last.entry, doc.entry);
    assert_int_equal(seen.last.owner[0], '\0');
    free(bytes);
}

static void
a_dossiers_documents_are_erased_and_no_others(void **state)
{
    struct kit *kit = *state;
    uint32_t one = dossier(kit, 1), two = dossier(kit, 2);
    uint8_t *bytes = file_make(4, ODD_SIZE);
    struct store_doc mine[3], kept, found;
    const char *owners[] = {"a", "b", "c"};
    size_t count, len;

    for (unsigned i = 0; i < 3; i++) {
        mine[i] = upload(kit, bytes, ODD_SIZE, owners[i]);
        assert_int_equal(store_doc_bind(kit->st, &mine[i], one), 0);
    }
    kept = upload(kit, bytes, ODD_SIZE, "a");
    assert_int_equal(store_doc_bind(kit->st, &kept, two), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_doc_count(kit->st, one, &count), 0);
    assert_int_equal(count, 3);

    assert_int_equal(store_key_erase(kit->st, one), 0); /* the dossier's own key goes first */
    assert_int_equal(store_doc_find(kit->st, one, "a", kept.digest, &found), -ENOENT);
    for (unsigned i = 0; i < 2; i++) { /* once more after a crash between keys and rows */
        assert_int_equal(store_doc_erase(kit->st, one, &count), 0);
        assert_int_equal(count, 3);
        if (i == 0)
            store_rollback(kit->st);
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(store_doc_read(kit->st, &mine[k], 0, buf, &len), -ENOENT);
    }
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_doc_erase(kit->st, one, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_doc_find(kit->st, two, "a", kept.digest, &found), 0);
    assert_reads(kit, &found, bytes, ODD_SIZE);
    free(bytes);
}

static void
many_documents_are_erased_a_bounded_number_at_a_time(void **state)
{
    struct kit *kit = *state;
    uint32_t one = dossier(kit, 1);
    size_t count, all = STORE_DOC_ERASE_MAX + 5;

    for (unsigned i = 0; i < all; i++) {
        uint8_t *bytes = file_make(i, 40 + i);
        struct store_doc doc = upload(kit, bytes, 40 + i, "a");

        assert_int_equal(store_doc_bind(kit->st, &doc, one), 0);
        free(bytes);
    }
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_doc_erase(kit->st, one, &count), 0);
    assert_int_equal(count, STORE_DOC_ERASE_MAX);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_doc_erase(kit->st, one, &count), 0);
    assert_int_equal(count, 5);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_doc_count(kit->st, one, &count), 0);
    assert_int_equal(count, 0);
}

/* A chunk in the place of another, and one under another digest, do not open. */
static void
no_chunk_stands_in_for_another(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(7, ODD_SIZE);
    struct store_doc doc = upload(kit, bytes, ODD_SIZE, "a"), wrong = doc;
    size_t len;

    wrong.digest[3] ^= 1;
    assert_int_equal(store_doc_read(kit->st, &wrong, 0, buf, &len), -EBADMSG);
    assert_string_not_equal(store_damage(kit->st), "");
    wrong = doc;
    wrong.size++;
    assert_int_equal(store_doc_read(kit->st, &wrong, 0, buf, &len), -EBADMSG);
    free(bytes);
}

/* Events find room when documents do not any more, and documents are refused before anything is written. */
static void
documents_stop_before_events(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(7, STORE_DOC_CHUNK);
    uint32_t entry = 0;
    uint64_t seq = 0;
    unsigned count = 0;
    int rc;

    store_close(&kit->st);
    kit->options.map_size_max = STORE_MAP_MIN;
    assert_int_equal(kit_open(kit), 0);
    while ((rc = store_room_doc(kit->st, STORE_DOC_CHUNK)) == 0) {
        struct store_doc doc = upload(kit, bytes, STORE_DOC_CHUNK, "a");

        assert_true(store_doc_is_whole(&doc));
        count++;
        assert_true(count < 100);
    }
    assert_int_equal(rc, -ENOSPC);
    assert_true(count > 20);
    assert_int_equal(store_room(kit->st, 10, 10000), 0);
    assert_int_equal(store_key_take(kit->st, &entry), 0);
    assert_int_equal(kit_append(kit, 1, entry, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    free(bytes);
}

static int
no_commit(void)
{
    return -EIO;
}

static void
a_failed_commit_latches_for_documents_too(void **state)
{
    struct kit *kit = *state;
    uint8_t *bytes = file_make(7, 10);
    struct store_doc doc = doc_of(bytes, 10, "a");

    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    store_commit_fault = no_commit;
    assert_int_equal(store_commit(kit->st), -EIO);
    store_commit_fault = NULL;
    assert_int_equal(store_doc_begin(kit->st, &doc), -EIO);
    assert_int_equal(store_doc_put(kit->st, &doc, bytes, 10), -EIO);
    kit_reopen(kit);
    assert_int_equal(uploads(kit).count, 0);
    free(bytes);
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_whole_document_is_bound_found_and_read),
        KIT_TEST(an_upload_goes_on_where_it_was_committed),
        KIT_TEST(an_entry_that_an_upload_took_is_not_given_out_again),
        KIT_TEST(bytes_with_another_digest_are_given_up),
        KIT_TEST(what_does_not_fit_is_refused_and_changes_nothing),
        KIT_TEST(owners_and_dossiers_do_not_learn_of_each_other),
        KIT_TEST(nothing_of_it_lies_in_clear),
        KIT_TEST(a_dropped_upload_is_gone_with_its_key),
        KIT_TEST(an_upload_whose_key_is_gone_is_told_apart),
        KIT_TEST(a_dossiers_documents_are_erased_and_no_others),
        KIT_TEST(many_documents_are_erased_a_bounded_number_at_a_time),
        KIT_TEST(no_chunk_stands_in_for_another),
        KIT_TEST(documents_stop_before_events),
        KIT_TEST(a_failed_commit_latches_for_documents_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
