/* wici subject: what docs/CLI.md promises to a person who asks what is held about him, and to whom it is refused. */
#include "tests/e2e/test_cli_kit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dossier[37];

#define REQUEST      "wniosek 4/2026"
#define REASON       "RODO/GDPR art. 15: " REQUEST
#define SUBJECT(...) ((const char *const[]){"subject", dossier, "--request", REQUEST, __VA_ARGS__})

static void
check(const char *unit, const char *const *words, const char *const *env, int code, const char *want)
{
    free(kit_expect(&broker, unit, words, env, NULL, code, want));
}

static const char *
text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text == NULL ? "" : text;
}

/* The first element of the list whose member is this text; NULL: none. */
static const json_t *
find(const json_t *json, const char *list, const char *key, const char *text)
{
    const json_t *element;
    size_t i;

    json_array_foreach(json_object_get(json, list), i,
                       element) if (strcmp(text_of(element, key), text) == 0) return element;
    return NULL;
}

static void
file_put(const char *name, const char *bytes, char ret_path[160])
{
    FILE *file;

    (void)snprintf(ret_path, 160, "%s/%s", broker.dir, name);
    file = fopen(ret_path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, strlen(bytes), file), strlen(bytes));
    (void)fclose(file);
}

static char *
file_get(const char *dir, const char *name)
{
    char path[256], *text = calloc(1, 1u << 20);
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "rbe");
    if (file == NULL)
        fail_msg("%s is not there", path);
    assert_true(fread(text, 1, (1u << 20) - 1, file) > 0);
    (void)fclose(file);
    return text;
}

/* A referral of the school's: its S1 is about person-2, its S6 names a document, which the school sends. */
static void
referral_publish(void)
{
    char path[160], *reference,
        *event = kit_expect(&broker, "sp12", WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw"),
                            NULL, NULL, 0, NULL);
    json_t *json = json_loads(event, 0, NULL), *section;
    size_t i;

    free(event);
    assert_non_null(json);
    (void)snprintf(dossier, sizeof dossier, "%s", text_of(json_object_get(json, "header"), "dossierId"));
    file_put("opinia.pdf", "%PDF-1.4 opinia", path);
    reference = kit_expect(&broker, "sp12", WORDS("document", "put", path), NULL, NULL, 0, NULL);
    json_array_foreach(json_object_get(json, "sections"), i, section)
    {
        json_t *s6 = json_object_get(section, "referralSubmittedS6");

        if (json_object_get(section, "referralSubmittedS1") != NULL)
            json_object_set_new(section, "subjects", json_pack("[s]", "person-2"));
        if (s6 != NULL)
            json_object_set_new(section, "notTo", json_pack("[s]", "person-3"));
        if (s6 != NULL)
            json_object_set_new(s6, "documents", json_pack("[o]", json_loads(reference, 0, NULL)));
    }
    free(reference);
    event = json_dumps(json, 0);
    json_decref(json);
    free(kit_expect(&broker, "sp12", WORDS("publish"), NULL, event, 0, NULL));
    free(event);
}

static void
an_account_holds_events_documents_recipients_and_what_is_not_in_it(void **state)
{
    const json_t *row;
    json_t *json;

    (void)state;
    referral_publish();
    check("ops-sw", WORDS("read", "--dossier", dossier), NULL, 0, NULL);
    check("ops-sw", WORDS("read", "--dossier", dossier), NULL, 0, NULL);
    json = wici_json("audyt", SUBJECT("--json", NULL));
    assert_string_equal(text_of(json, "dossier"), dossier);
    assert_string_equal(text_of(json, "reason"), REASON);
    assert_int_equal(json_array_size(json_object_get(json, "events")), 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(json, "events"), 0), "sections")),
                     3);
    row = find(json, "recipients", "unit", "ops-sw");
    assert_non_null(row);
    assert_string_equal(text_of(row, "classes"), "S0 S1 S6");
    assert_string_equal(text_of(row, "type"), "REFERRAL_SUBMITTED");
    assert_int_equal(json_integer_value(json_object_get(row, "times")), 2); /* two reads, one row */
    row = find(json, "sources", "unit", "sp12");
    assert_non_null(row);
    assert_string_equal(text_of(row, "agency"), "sp12-school");
    row = find(json, "documents", "name", "opinia.pdf");
    assert_non_null(row);
    assert_int_equal(json_integer_value(json_object_get(row, "class")), 6);
    assert_int_equal(json_array_size(json_object_get(json, "kinds")), 3);
    assert_non_null(find(json, "leftOut", "code", "DOCUMENT_BYTES"));
    assert_non_null(find(json, "leftOut", "code", "COPIES"));
    assert_null(find(json, "leftOut", "code", "WITHHELD")); /* an auditor is given all parts */
    json_decref(json);
    check("audyt", SUBJECT(NULL), NULL, 0, "S1 Identity (about person-2)");
    check("audyt", SUBJECT(NULL), NULL, 0, "What is not in here, and why");
    check("audyt", SUBJECT(NULL), polish, 0, "Komu je pokazano");
}

/* The log says that the dossier was read for a person's request, and for whose. */
static void
it_is_recorded_that_it_was_made(void **state)
{
    json_t *json;
    const json_t *read;
    size_t i, events = 0, questions = 0, where = 0;

    (void)state;
    json = wici_json("audyt", WORDS("audit", "reads", "--unit", "audyt", "--json"));
    json_array_foreach(json_object_get(json, "reads"), i, read)
    {
        if (strcmp(text_of(read, "why"), REASON) != 0)
            continue;
        if (strcmp(text_of(read, "question"), "shown") == 0)
            questions++;
        else if (text_of(read, "question")[0] != '\0')
            where++;
        else
            events++;
    }
    assert_int_equal(questions, 4); /* the accounts above */
    assert_int_equal(events, 4);
    assert_int_equal(where, 8); /* of each what is linked, and where it stands */
    json_decref(json);
    json = wici_json("audyt", SUBJECT("--json", NULL));
    read = find(json, "recipients", "why", REASON); /* later accounts tell of it */
    assert_non_null(read);
    assert_string_equal(text_of(read, "unit"), "audyt");
    json_decref(json);
}

static void
who_does_not_hold_the_dossier_gets_none(void **state)
{
    char *event;

    (void)state;
    check("sp12", SUBJECT(NULL), NULL, 5, "E_UNKNOWN"); /* it wrote it; it does not account for it */
    check("admin", SUBJECT(NULL), NULL, 5, "E_UNKNOWN");
    check("audyt", WORDS("subject", "01890a5d-ac96-774b-bcce-b302099a8057", "--request", REQUEST), NULL, 5,
          "E_UNKNOWN");
    check("audyt", WORDS("subject", "12", "--request", REQUEST), NULL, 3, "E_REQUEST");
    event = kit_expect(&broker, "audyt", WORDS("audit", "reads", "--unit", "sp12", "--json"), NULL, NULL, 5, NULL);
    free(event); /* nothing was read */
}

static void
the_request_is_named(void **state)
{
    char text[220];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check("audyt", WORDS("subject", dossier), NULL, 2, "--request");
    check("audyt", WORDS("subject", dossier, "--request", "  "), NULL, 2, "--request");
    check("audyt", WORDS("subject", dossier, "--request", text), polish, 2, "najwyżej 181 bajtów");
    check("audyt", WORDS("subject"), NULL, 2, "DOSSIER");
}

static void
parts_about_others_only_may_be_left_out(void **state)
{
    json_t *json = wici_json("audyt", SUBJECT("--person", "person-2", "--json", NULL));

    (void)state;
    assert_null(find(json, "leftOut", "code", "OTHER_PERSONS"));
    assert_null(find(json, "leftOut", "code", "REVIEW"));
    json_decref(json);
    json = wici_json("audyt", SUBJECT("--person", "person-1", "--json", NULL));
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(json, "events"), 0), "sections")),
                     2);
    assert_int_equal(json_integer_value(json_object_get(find(json, "leftOut", "code", "OTHER_PERSONS"), "count")), 1);
    assert_string_equal(text_of(json, "person"), "person-1");
    json_decref(json);
}

/* The unit fetches the referral's document. */
static char *
document_fetch(const char *unit)
{
    json_t *json = wici_json("audyt", SUBJECT("--json", NULL));
    const json_t *document = find(json, "documents", "name", "opinia.pdf");
    char seq[24], path[200];

    assert_non_null(document);
    (void)snprintf(seq, sizeof seq, "%lld", (long long)json_integer_value(json_object_get(document, "seq")));
    (void)snprintf(path, sizeof path, "%s/fetched-%s", broker.dir, unit);
    json_decref(json);
    return kit_expect(&broker, unit, WORDS("document", "get", seq, "1", path), NULL, NULL, 0, NULL);
}

/* Neither a part that is not for the person nor a document in it, nor a word of either, is in what the person gets. */
static void
what_is_kept_from_the_person_is_not_in_his_account(void **state)
{
    static const char *const files[] = {"account.json", "index.html"};
    char dir[160], *text;
    const json_t *row;
    json_t *json;

    (void)state;
    (void)snprintf(dir, sizeof dir, "%s/zestawienie-3", broker.dir);
    free(document_fetch("ops-sw"));
    json = wici_json("audyt", SUBJECT("--json", NULL));
    row = find(json, "recipients", "question", "document");
    assert_non_null(row);
    assert_int_equal(json_integer_value(json_object_get(row, "document")), 1);
    assert_int_equal(json_integer_value(json_object_get(row, "seq")),
                     json_integer_value(json_object_get(find(json, "documents", "name", "opinia.pdf"), "seq")));
    json_decref(json);
    check("audyt", SUBJECT("--person", "person-3", "--output", dir, NULL), NULL, 0, "person-3 (not_to)");
    for (size_t i = 0; i < 2; i++) {
        text = file_get(dir, files[i]);
        assert_null(strstr(text, "not_to"));
        assert_null(strstr(text, "notTo"));
        assert_null(strstr(text, "opinia"));
        assert_null(strstr(text, "S0 S1 S6")); /* what others were shown */
        assert_non_null(strstr(text, "S0 S1"));
        free(text);
    }
    text = file_get(dir, "account.json");
    json = json_loads(text, 0, NULL);
    free(text);
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(json, "events"), 0), "sections")),
                     1);
    assert_int_equal(json_array_size(json_object_get(json, "documents")), 0);
    assert_null(find(json, "recipients", "question", "document"));
    assert_int_equal(json_integer_value(json_object_get(find(json, "leftOut", "code", "OTHER_PERSONS"), "count")), 1);
    json_decref(json);
}

static void
a_folder_holds_a_page_the_same_as_json_and_the_documents(void **state)
{
    char dir[160], page[256], *text;
    const char *name;
    json_t *json;
    struct stat st;

    (void)state;
    (void)snprintf(dir, sizeof dir, "%s/zestawienie", broker.dir);
    check("audyt", SUBJECT("--output", dir, NULL), polish, 0, "index.html");
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    (void)snprintf(page, sizeof page, "%s/index.html", dir);
    assert_int_equal(stat(page, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    text = file_get(dir, "account.json");
    json = json_loads(text, 0, NULL);
    assert_non_null(json);
    free(text);
    name = text_of(find(json, "documents", "name", "opinia.pdf"), "file");
    text = file_get(dir, name);
    assert_string_equal(text, "%PDF-1.4 opinia");
    free(text);
    text = file_get(dir, "index.html");
    assert_non_null(strstr(text, "Co dziennik zawiera o teczce"));
    assert_non_null(strstr(text, dossier));
    assert_non_null(strstr(text, "S0 S1 S6"));
    assert_non_null(strstr(text, "Czego tu nie ma"));
    assert_non_null(strstr(text, name));
    assert_null(strstr(text, "<script"));
    free(text);
    json_decref(json);
    check("audyt", SUBJECT("--output", dir, NULL), NULL, 1, "zestawienie"); /* nothing is replaced */
}

/* Who holds a dossier accounts for it as far as it may see; auditors' reasons are not for it. */
static void
who_holds_a_dossier_accounts_for_it(void **state)
{
    char *event = kit_expect(&broker, "ops-sw", WORDS("template", "case.opened", "--role", "SW"), NULL, NULL, 0, NULL),
         *text;
    json_t *json = json_loads(event, 0, NULL);

    (void)state;
    (void)snprintf(dossier, sizeof dossier, "%s", text_of(json_object_get(json, "header"), "dossierId"));
    json_decref(json);
    free(kit_expect(&broker, "ops-sw", WORDS("publish"), NULL, event, 0, NULL));
    free(event);
    check("audyt", WORDS("read", "--dossier", dossier, "--reason", "skarga 15"), NULL, 0, NULL);
    text = kit_expect(&broker, "ops-sw", SUBJECT("--json", NULL), NULL, NULL, 0, "CASE_OPENED");
    assert_null(strstr(text, "skarga"));
    json = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(find(json, "recipients", "unit", "audyt"));
    assert_non_null(find(json, "leftOut", "code", "WITHHELD"));
    assert_non_null(find(json, "leftOut", "code", "AUDITORS_REASONS"));
    assert_non_null(json_object_get(json_array_get(json_object_get(json, "members"), 0), "course"));
    json_decref(json);
    check("sp12", SUBJECT(NULL), NULL, 5, "E_UNKNOWN");
}

static void
of_an_erased_dossier_the_erasure_is_told(void **state)
{
    char order[160];
    const json_t *erased, *recipient;
    json_t *json;

    (void)state;
    referral_publish();
    check("ops-sw", WORDS("read", "--dossier", dossier), NULL, 0, NULL);
    file_put("order.pdf", "Postanowienie", order);
    check("admin",
          WORDS("erase", dossier, "--reason", "GDPR_17", "--order", order, "--clear-by", "2027-01-31", "--yes"), NULL,
          0, NULL);
    json = wici_json("audyt", SUBJECT("--json", NULL));
    erased = json_object_get(json, "erased");
    assert_string_equal(text_of(erased, "reason"), "GDPR_17");
    assert_string_equal(text_of(erased, "backupsClearBy"), "2027-01-31");
    assert_true(json_is_true(json_object_get(erased, "done")));
    assert_int_equal(json_array_size(json_object_get(erased, "ranges")), 1);
    recipient = find(erased, "recipients", "unit", "ops-sw");
    assert_non_null(recipient);
    assert_int_equal(json_array_size(json_object_get(recipient, "ranges")), 1);
    assert_null(json_object_get(json, "events"));
    assert_null(json_object_get(json, "reason")); /* nothing is recorded of it, and that is not claimed */
    assert_non_null(find(json, "leftOut", "code", "ERASED_CONTENT"));
    json_decref(json);
    check("audyt", SUBJECT(NULL), NULL, 0, "31");
    check("audyt", SUBJECT(NULL), polish, 0, "zniszczono ją na polecenie");
    check("ops-sw", SUBJECT(NULL), NULL, 5, "E_UNKNOWN");
}

static int
town_open(void **state)
{
    char key[128];

    (void)suite_open(state);
    (void)snprintf(key, sizeof key, "%s/audyt.key", broker.dir);
    check("admin", WORDS("key", "generate", key), NULL, 0, NULL);
    check("admin", WORDS("agency", "add", "nadzor", "--name", "Nadzór <A&B>", "--kind", "AUDIT"), NULL, 0, NULL);
    check("admin",
          WORDS("unit", "add", "audyt", "--agency", "nadzor", "--name", "Audyt", "--role", "AUD", "--key", key), NULL,
          0, NULL);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_holds_events_documents_recipients_and_what_is_not_in_it),
        cmocka_unit_test(it_is_recorded_that_it_was_made),
        cmocka_unit_test(who_does_not_hold_the_dossier_gets_none),
        cmocka_unit_test(the_request_is_named),
        cmocka_unit_test(parts_about_others_only_may_be_left_out),
        cmocka_unit_test(what_is_kept_from_the_person_is_not_in_his_account),
        cmocka_unit_test(a_folder_holds_a_page_the_same_as_json_and_the_documents),
        cmocka_unit_test(who_holds_a_dossier_accounts_for_it),
        cmocka_unit_test(of_an_erased_dossier_the_erasure_is_told),
    };

    return cmocka_run_group_tests(tests, town_open, suite_close);
}
