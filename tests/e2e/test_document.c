/* `wici document`, and libwici's documents, against a running broker. */
#include "tests/e2e/test_lib_kit.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SIZE       (600u << 10) /* three pieces */
#define WAIT_MS    20000

static struct daemon d;
static const char *const polish[] = {"LC_ALL=pl_PL.UTF-8", NULL};

static int
setup(void **state)
{
    (void)state;
    kit_open(&d);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    (void)daemon_stop(&d, 15);
    daemon_destroy(&d);
    return 0;
}

static void
path_of(const char *name, char ret[160])
{
    (void)snprintf(ret, 160, "%s/%s", d.dir, name);
}

static void
file_put(const char *name, const char *bytes, size_t len)
{
    char path[160];
    FILE *file;

    path_of(name, path);
    file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
}

/* Publishes a referral of the school's whose S6 names this document; returns its seq as text. */
static char *
referral_publish(const char *reference)
{
    char *output = kit_expect(&d, "sp12", WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw"),
                              NULL, NULL, 0, NULL);
    json_t *event = json_loads(output, 0, NULL), *section, *receipt;
    char *text, *answer, *seq;
    size_t i;

    free(output);
    assert_non_null(event);
    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        json_t *s6 = json_object_get(section, "referralSubmittedS6");

        if (s6 != NULL)
            json_object_set_new(s6, "documents", json_pack("[o]", json_loads(reference, 0, NULL)));
    }
    text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    output = kit_expect(&d, "sp12", WORDS("publish", "--json"), NULL, text, 0, "receipt");
    free(text);
    answer = strchr(output, '{');
    receipt = json_loads(answer, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(receipt);
    assert_null(strstr(output, "W_DOCUMENT"));
    free(output);
    seq = strdup(json_string_value(json_object_get(json_object_get(receipt, "receipt"), "seq")));
    json_decref(receipt);
    return seq;
}

static void
a_file_goes_with_an_event_and_is_fetched_by_who_is_given_it(void **state)
{
    char path[160], copy[160], large[160], *output, *reference, *seq, *bytes = malloc(SIZE), *got = malloc(SIZE + 1);
    struct stat st;
    FILE *file;

    (void)state;
    assert_true(bytes != NULL && got != NULL);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * i >> 7);
    file_put("skan.pdf", bytes, SIZE);
    file_put("empty.pdf", "", 0);
    path_of("skan.pdf", path);
    path_of("copy.pdf", copy);
    output = kit_expect(&d, "sp12", WORDS("document", "describe", path), NULL, NULL, 0, "application/pdf");
    assert_non_null(strstr(output, "\"size\":614400"));
    reference = kit_expect(&d, "sp12", WORDS("document", "put", path), NULL, NULL, 0, "skan.pdf");
    assert_string_equal(output, reference);
    free(output);
    seq = referral_publish(reference);
    free(reference);

    free(kit_expect(&d, "ops-sw", WORDS("document", "list", seq), NULL, NULL, 0, "skan.pdf"));
    free(kit_expect(&d, "ops-sw", WORDS("document", "list", seq), polish, NULL, 0, "rodzaj pliku"));
    free(kit_expect(&d, "ops-sw", WORDS("document", "get", seq, "1", copy), NULL, NULL, 0, NULL));
    file = fopen(copy, "rbe");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, SIZE + 1, file), SIZE);
    (void)fclose(file);
    assert_memory_equal(got, bytes, SIZE);
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    free(kit_expect(&d, "ops-sw", WORDS("document", "get", seq, "1", copy), NULL, NULL, 1, "copy.pdf")); /* it exists */
    free(kit_expect(&d, "ops-sw", WORDS("document", "get", seq, "2", "-"), NULL, NULL, 5, "names no document 2"));
    free(
        kit_expect(&d, "ops-sw", WORDS("document", "get", "4000", "1", "-"), NULL, NULL, 5, "there is no such record"));
    free(kit_expect(&d, "ops-sw", WORDS("document", "get", seq, "x", "-"), NULL, NULL, 2, "neither a number nor"));
    free(kit_expect(&d, "ops-sw", WORDS("document", "list", "x"), NULL, NULL, 2, "not a number of a record"));
    free(kit_expect(&d, "ops-sw", WORDS("document", "nonsense", "x"), NULL, NULL, 2, "describe FILE"));
    path_of("empty.pdf", large);
    free(kit_expect(&d, "sp12", WORDS("document", "put", large), NULL, NULL, 1, "is empty"));
    path_of("none.pdf", large);
    free(kit_expect(&d, "sp12", WORDS("document", "put", large), NULL, NULL, 1, "none.pdf"));
    free(seq);
    free(bytes);
    free(got);
}

static void
one_over_ten_mib_is_refused_before_it_is_sent(void **state)
{
    struct wici_options options = kit_options(&d, "sp12");
    char path[160], *bytes = calloc(1, (10u << 20) + 1), digest[65];
    struct wici *w = NULL;

    (void)state;
    assert_non_null(bytes);
    file_put("large.bin", bytes, (10u << 20) + 1);
    path_of("large.bin", path);
    free(kit_expect(&d, "sp12", WORDS("document", "put", path), NULL, NULL, 1, "larger than 10 MiB"));
    assert_int_equal(wici_open(&w, &options), 0);
    assert_int_equal(wici_document_put(w, (uint8_t *)bytes, (10u << 20) + 1, WAIT_MS, digest), -EMSGSIZE);
    assert_int_equal(wici_document_put(w, (uint8_t *)bytes, 0, WAIT_MS, digest), -EMSGSIZE);
    wici_close(&w);
    free(bytes);
}

/* What was sent of it stays sent, also when the broker dies; and what nobody names is nobody's to get. */
static void
libwici_goes_on_where_it_was(void **state)
{
    struct wici_options options = kit_options(&d, "sp12");
    uint8_t *bytes = malloc(SIZE), *got = NULL;
    char digest[65], again[65];
    struct wici *w = NULL;
    size_t len;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'w', SIZE);
    assert_int_equal(wici_open(&w, &options), 0);
    assert_int_equal(wici_document_put(w, bytes, SIZE, WAIT_MS, digest), 0);
    kit_restart(&d);
    assert_int_equal(wici_document_put(w, bytes, SIZE, WAIT_MS, again), 0); /* a question, and its answer */
    assert_string_equal(digest, again);
    assert_int_equal(wici_document_get(w, 1, digest, NULL, WAIT_MS, &got, &len), -EPROTO);
    assert_string_equal(wici_error(w)->code, "E_UNKNOWN");
    assert_int_equal(wici_document_get(w, 1, "x", NULL, WAIT_MS, &got, &len), -EINVAL);
    assert_null(got);
    wici_close(&w);
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_goes_with_an_event_and_is_fetched_by_who_is_given_it),
        cmocka_unit_test(one_over_ten_mib_is_refused_before_it_is_sent),
        cmocka_unit_test(libwici_goes_on_where_it_was),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
