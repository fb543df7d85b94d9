/* What docs/CLI.md and docs/AUDIT.md say of wici audit: what was refused, and who was shown what, as auditors find it.
 */
#include "tests/e2e/test_cli_kit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODYS "0000000000000000000000000000000000000000000000000000000000000000" /* a digest that is no document's */

static char dossier[37], event_id[37];

static const char *
text_at(const json_t *json, const char *list, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(json_object_get(json, list), index), key));

    return text == NULL ? "" : text;
}

static long long
number_at(const json_t *json, const char *list, size_t index, const char *key)
{
    const json_t *value = json_object_get(json_array_get(json_object_get(json, list), index), key);

    return json_is_string(value) ? atoll(json_string_value(value)) : json_integer_value(value);
}

/* The seq of a published event's answer, which it frees. */
static uint64_t
receipt_seq(json_t *answer)
{
    const json_t *receipt = json_object_get(answer, "receipt"), *seq = json_object_get(receipt, "seq");
    uint64_t ret = json_is_string(seq) ? strtoull(json_string_value(seq), NULL, 10) : (uint64_t)json_integer_value(seq);

    assert_true(ret > 0);
    json_decref(answer);
    return ret;
}

/* A referral from sp12 to ops-sw, which opens the dossier; its seq. */
static uint64_t
referral_publish(void)
{
    char *output, *event = wici_is("sp12", WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw"),
                                   NULL, NULL, 0, NULL);
    json_t *json = json_loads(event, 0, NULL);

    assert_non_null(json);
    snprintf(dossier, sizeof dossier, "%s",
             json_string_value(json_object_get(json_object_get(json, "header"), "dossierId")));
    json_decref(json);
    output = wici_is("sp12", WORDS("publish", "--json"), NULL, event, 0, NULL);
    json = json_loads(output, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(json);
    snprintf(event_id, sizeof event_id, "%s", json_string_value(json_object_get(json, "eventId")));
    free(output);
    free(event);
    return receipt_seq(json);
}

/* It was the wrong addressee: sp12 takes the referral back; the seq of that. */
static uint64_t
referral_recall(void)
{
    char *output, *event = wici_is("sp12", WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw"),
                                   NULL, NULL, 0, NULL);
    json_t *json = json_loads(event, 0, NULL), *header = json_object_get(json, "header");

    json_object_set_new(header, "dossierId", json_string(dossier));
    json_object_set_new(header, "correctsEventId", json_string(event_id));
    json_object_set_new(header, "correction", json_string("ENTERED_IN_ERROR"));
    while (json_array_size(json_object_get(json, "sections")) > 1)
        json_array_remove(json_object_get(json, "sections"), 1);
    free(event);
    event = json_dumps(json, 0);
    json_decref(json);
    output = wici_is("sp12", WORDS("publish", "--json"), NULL, event, 0, NULL);
    json = json_loads(output, JSON_DISABLE_EOF_CHECK, NULL);
    free(output);
    free(event);
    return receipt_seq(json);
}

/* Three refusals of one code: one is recorded at once, the others with the broker's end. */
static void
refusals_are_counted_by_institution_and_code(void **state)
{
    json_t *json;

    (void)state;
    wici_check("audyt", WORDS("audit", "refusals"), NULL, NULL, 5, "No such refusal is on record.");
    for (int i = 0; i < 3; i++) {
        char *event = wici_is("sp12", WORDS("template", "court.order_issued", "--role", "CT", "--to", "ops-sw"), NULL,
                              NULL, 0, NULL);

        wici_check("sp12", WORDS("publish"), NULL, event, 3, "E_ROLE");
        free(event);
    }
    assert_int_equal(daemon_stop(&broker, SIGTERM), 0);
    daemon_start(&broker);
    json = wici_json("audyt", WORDS("audit", "refusals", "--json"));
    assert_true(json_is_true(json_object_get(json, "countsAreLowerBounds")));
    assert_int_equal(json_array_size(json_object_get(json, "records")), 2);
    assert_int_equal(json_array_size(json_object_get(json, "totals")), 1);
    assert_string_equal(text_at(json, "totals", 0, "agency"), "sp12-school");
    assert_string_equal(text_at(json, "totals", 0, "code"), "E_ROLE");
    assert_int_equal(number_at(json, "totals", 0, "count"), 3);
    json_decref(json);
    wici_check("audyt", WORDS("audit", "refusals"), NULL, NULL, 0, "lower bounds");
    wici_check("audyt", WORDS("audit", "refusals"), polish, NULL, 0, "dolną granicą");
    wici_check("audyt", WORDS("audit", "refusals", "--agency", "sp12-school", "--csv"), NULL, NULL, 0,
               "seq,time,agency,code,count\r\n");
    wici_check("audyt", WORDS("audit", "refusals", "--agency", "ops"), NULL, NULL, 5, NULL);
    wici_check("audyt", WORDS("audit", "refusals", "--agency", "nobody"), NULL, NULL, 5,
               "not in the directory: nobody");
    wici_check("audyt", WORDS("audit", "refusals", "--until", "2020-01-01"), polish, NULL, 5,
               "Nie zapisano takiej odmowy.");
    wici_check("sp12", WORDS("audit", "refusals"), NULL, NULL, 0, "E_ROLE"); /* its own */
    wici_check("ops-sw", WORDS("audit", "refusals"), NULL, NULL, 5, NULL);   /* not the others' */
}

/* What no event was: a question about nothing, a document that is none, a wrong message; each code with its meaning. */
static void
refused_questions_and_documents_are_counted_too(void **state)
{
    json_t *json;
    size_t asked = 0, i;
    const json_t *total;

    (void)state;
    for (unsigned n = 0; n < 2; n++)
        wici_check("sp12", WORDS("explain", "018f0000-0000-7000-8000-000000000001"), NULL, NULL, 5, NULL);
    wici_check("sp12", WORDS("document", "get", "1", NOBODYS, "-"), NULL, NULL, 5, NULL);
    wici_check("sp12", WORDS("cursor", "drop", "none"), NULL, NULL, 5, NULL);
    assert_int_equal(daemon_stop(&broker, SIGTERM), 0);
    daemon_start(&broker);
    json = wici_json("audyt", WORDS("audit", "refusals", "--agency", "sp12-school", "--json"));
    json_array_foreach(json_object_get(json, "totals"), i, total)
    {
        bool unknown = strcmp(text_at(json, "totals", i, "code"), "E_UNKNOWN") == 0;

        asked += unknown || strcmp(text_at(json, "totals", i, "code"), "E_CURSOR") == 0;
        if (unknown)
            assert_int_equal(number_at(json, "totals", i, "count"), 3);
    }
    assert_int_equal(asked, 2);
    json_decref(json);
    wici_check("audyt", WORDS("audit", "refusals"), NULL, NULL, 0, "Unknown, or not for this unit.");
    wici_check("audyt", WORDS("audit", "refusals"), polish, NULL, 0, "Nieznane albo nie dla tej jednostki.");
}

static void
reads_tell_who_was_shown_how_much_and_why(void **state)
{
    json_t *json;

    (void)state;
    referral_publish();
    wici_check("ops-sw", WORDS("read", "--dossier", dossier), NULL, NULL, 0, "sp12");
    wici_check("audyt", WORDS("read", "--dossier", dossier, "--reason", "=skarga, 12/2026", "--content"), NULL, NULL, 0,
               "sp12");
    json = wici_json("audyt", WORDS("audit", "reads", "--unit", "ops-sw", "--json"));
    assert_int_equal(json_array_size(json_object_get(json, "reads")), 1);
    assert_int_equal(number_at(json, "reads", 0, "events"), 1);
    assert_string_equal(text_at(json, "reads", 0, "why"), "");
    json_decref(json);
    json = wici_json("audyt", WORDS("audit", "reads", "--agency", "nadzor", "--since", "1h", "--json"));
    assert_int_equal(json_array_size(json_object_get(json, "reads")), 1);
    assert_string_equal(text_at(json, "reads", 0, "why"), "=skarga, 12/2026");
    json_decref(json);
    wici_check("audyt", WORDS("audit", "reads"), NULL, NULL, 0, "ops-sw");
    wici_check("audyt", WORDS("audit", "reads"), polish, NULL, 0, "zapisy od-do");
    /* A table calculator must not take a reason for a formula. */
    wici_check("audyt", WORDS("audit", "reads", "--csv"), NULL, NULL, 0, ",\"'=skarga, 12/2026\",0,,\r\n");
    wici_check("audyt", WORDS("audit", "reads", "--until", "2020-01-01"), NULL, NULL, 5, "No such read is on record.");
    wici_check("ops-sw", WORDS("audit", "reads"), NULL, NULL, 5, "auditors and administrators only");
}

/* "S0 S6" of what a unit was shown of a record by its n-th read that named the dossier, from 0; "-": nothing, or no
 * such read. */
static const char *
classes_shown(const json_t *shown, const char *unit, size_t n, uint64_t seq)
{
    static char text[64];
    const json_t *read, *one, *cls;
    size_t i, k, c;

    json_array_foreach(json_object_get(shown, "reads"), i, read)
    {
        if (strcmp(json_string_value(json_object_get(read, "unit")), unit) != 0 ||
            json_array_size(json_object_get(read, "shown")) == 0 || n-- > 0)
            continue;
        json_array_foreach(json_object_get(read, "shown"), k, one)
        {
            if (strtoull(json_string_value(json_object_get(one, "seq")), NULL, 10) != seq)
                continue;
            text[0] = '\0';
            json_array_foreach(json_object_get(one, "classes"), c, cls)
                snprintf(text + strlen(text), sizeof text - strlen(text), "%sS%d", c > 0 ? " " : "",
                         (int)json_integer_value(cls));
            return text;
        }
        return "-";
    }
    return "-";
}

static json_t *
shown_json(const char *unit)
{
    return wici_json(unit, WORDS("audit", "reads", "--dossier", dossier, "--json"));
}

/* What was withdrawn since was shown then; what is seen today says nothing about it. */
static void
what_was_shown_is_told_as_it_stood_then(void **state)
{
    uint64_t referral = referral_publish(), recall;
    json_t *json;

    (void)state;
    wici_check("ops-sw", WORDS("read", "--dossier", dossier), NULL, NULL, 0, NULL);
    wici_check("audyt", WORDS("read", "--dossier", dossier), NULL, NULL, 0, NULL);
    wici_check("audyt", WORDS("read", "--dossier", dossier, "--reason", "skarga 13"), NULL, NULL, 0, NULL);
    recall = referral_recall();
    wici_check("ops-sw", WORDS("read", "--dossier", dossier), NULL, NULL, 0, NULL);
    json = shown_json("audyt");
    assert_string_equal(classes_shown(json, "ops-sw", 0, referral), "S0 S1 S6");
    assert_string_equal(classes_shown(json, "ops-sw", 1, referral), "-"); /* closed by then */
    assert_string_equal(classes_shown(json, "ops-sw", 1, recall), "S0");
    assert_string_equal(classes_shown(json, "audyt", 0, referral), "S0");
    assert_string_equal(classes_shown(json, "audyt", 1, referral), "S0 S1 S6");
    assert_string_equal(classes_shown(json, "sp12", 0, referral), "-");
    json_decref(json);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier), NULL, NULL, 0, "S0 S1 S6");
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier), polish, NULL, 0, "skarga 13");
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--csv"), NULL, NULL, 0,
               "REFERRAL_SUBMITTED,S0 S1 S6,");
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--unit", "sp12"), NULL, NULL, 5,
               "Nothing of the dossier was shown.");
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--until", "2020-01-01"), NULL, NULL, 5, NULL);
}

/* How many reads of events, and how many events, an answer about the dossier has, narrowed by these words; all reads
 * and questions are of this unit. */
static void
narrowed_is(const char *const *words, const char *unit, size_t reads, size_t events)
{
    json_t *json = wici_json("audyt", words), *read;
    size_t i, given = 0;

    json_array_foreach(json_object_get(json, "reads"), i, read)
    {
        assert_string_equal(json_string_value(json_object_get(read, "unit")), unit);
        given += json_array_size(json_object_get(read, "shown")) > 0;
    }
    assert_int_equal(given, reads);
    assert_int_equal(json_array_size(json_object_get(json, "events")), events);
    json_decref(json);
}

static void
a_dossiers_reads_are_narrowed_by_institution_unit_and_time_together(void **state)
{
    (void)state;
    (void)referral_publish();
    wici_check("ops-sw", WORDS("read", "--dossier", dossier), NULL, NULL, 0, NULL);
    (void)referral_recall();
    wici_check("audyt", WORDS("read", "--dossier", dossier), NULL, NULL, 0, NULL);
    narrowed_is(WORDS("audit", "reads", "--json", "--dossier", dossier, "--agency", "ops"), "ops-sw", 1, 1);
    narrowed_is(WORDS("audit", "reads", "--json", "--dossier", dossier, "--agency", "nadzor", "--since", "1h"), "audyt",
                1, 2);
    narrowed_is(WORDS("audit", "reads", "--json", "--dossier", dossier, "--unit", "ops-sw", "--agency", "ops",
                      "--since", "1h", "--until", "2100-01-01"),
                "ops-sw", 1, 1);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--unit", "ops-sw", "--agency", "nadzor"), NULL,
               NULL, 5, NULL);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--agency", "ops", "--until", "2020-01-01"), NULL,
               NULL, 5, NULL);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--agency", "ops", "--since", "2100-01-01"), NULL,
               NULL, 5, NULL);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--agency", "nobody"), NULL, NULL, 5,
               "not in the directory: nobody");
}

/* A read of another dossier, or of other types, was shown nothing of this one, though its stretch of the log holds it.
 */
static void
who_asked_for_something_else_was_shown_nothing_of_it(void **state)
{
    uint64_t first = referral_publish(), second;
    char other[37];
    json_t *json;

    (void)state;
    memcpy(other, dossier, sizeof other);
    second = referral_publish();
    (void)referral_recall(); /* of the second, around which a read of the first would not reach */
    wici_check("ops-sw", WORDS("read", "--dossier", other), NULL, NULL, 0, NULL);
    wici_check("ops-sw", WORDS("read", "--type", "case.opened"), NULL, NULL, 5, NULL);
    wici_check("ops-sw", WORDS("read", "--family", "referral"), NULL, NULL, 0, NULL);
    json = shown_json("audyt");
    assert_string_equal(classes_shown(json, "ops-sw", 0, first), "-");  /* the other's events are not told at all */
    assert_string_equal(classes_shown(json, "ops-sw", 0, second), "-"); /* the one read of the family: it was closed */
    assert_string_equal(classes_shown(json, "ops-sw", 1, second), "-");
    json_decref(json);
    memcpy(dossier, other, sizeof other);
    json = shown_json("audyt");
    assert_string_equal(classes_shown(json, "ops-sw", 0, first), "S0 S1 S6");
    assert_string_equal(classes_shown(json, "ops-sw", 1, first), "S0 S1 S6");
    assert_string_equal(classes_shown(json, "ops-sw", 2, first), "-");
    json_decref(json);
}

static int
on_event(void *arg, const struct wici_event *event)
{
    uint64_t *last = arg;

    *last = event->seq;
    return 0;
}

/* A subscription's record follows within a minute: until then the answer names what it has been given, as a read under
 * way. The same is told when the record is there. */
static void
a_read_that_is_still_going_on_is_told(void **state)
{
    struct wici_options options = kit_options(&broker, "ops-sw");
    struct wici_subscribe_options subscribe = {.ack_each = 1};
    struct wici *w = NULL;
    uint64_t last = 0, referral;
    uint32_t id;
    json_t *json;

    (void)state;
    assert_int_equal(wici_open(&w, &options), 0);
    assert_int_equal(wici_subscribe(w, &subscribe, on_event, &last, &id), 0);
    referral = referral_publish();
    for (int i = 0; i < 200 && last < referral; i++)
        (void)wici_run(w, 100);
    assert_int_equal(last, referral);
    json = shown_json("audyt");
    assert_string_equal(classes_shown(json, "ops-sw", 0, referral), "S0 S1 S6");
    assert_null(json_object_get(json_array_get(json_object_get(json, "reads"), 0), "record"));
    json_decref(json);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier), NULL, NULL, 0, "still reading");
    /* Within that minute it is taken back: the reader was shown it, and no more than that is known of when. */
    (void)referral_recall();
    json = shown_json("audyt");
    assert_string_equal(classes_shown(json, "ops-sw", 0, referral), "S0 S1 S6");
    json_decref(json);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier), NULL, NULL, 0, "at most: rights changed");
    wici_close(&w);
    assert_int_equal(daemon_stop(&broker, SIGTERM), 0);
    daemon_start(&broker);
    json = shown_json("audyt");
    assert_string_equal(classes_shown(json, "ops-sw", 0, referral), "S0 S1 S6");
    assert_non_null(json_object_get(json_array_get(json_object_get(json, "reads"), 0), "record"));
    json_decref(json);
}

/* An auditor's looking leaves a trace, whatever it looks at; another unit's questions about where it stands do not. */
static void
an_auditors_questions_are_recorded(void **state)
{
    uint64_t referral = referral_publish();
    json_t *json, *read;
    size_t i, told = 0;

    (void)state;
    wici_check("ops-sw", WORDS("case", dossier), NULL, NULL, 0, NULL);
    wici_check("audyt", WORDS("case", dossier), NULL, NULL, 0, NULL);
    wici_check("audyt", WORDS("explain", event_id), NULL, NULL, 0, NULL);
    wici_check("audyt", WORDS("audit", "reads", "--dossier", dossier, "--reason", "wniosek 4"), NULL, NULL, 0, NULL);
    json = shown_json("audyt");
    json_array_foreach(json_object_get(json, "reads"), i, read)
    {
        const char *question = json_string_value(json_object_get(read, "question"));

        if (question == NULL)
            continue;
        assert_string_equal(json_string_value(json_object_get(read, "unit")), "audyt");
        if (strcmp(question, "group") == 0)
            told |= 1;
        if (strcmp(question, "courses") == 0)
            told |= 2;
        if (strcmp(question, "explain") == 0)
            told |= 4;
        if (strcmp(question, "shown") == 0) {
            assert_string_equal(json_string_value(json_object_get(read, "why")), "wniosek 4");
            told |= 8;
        }
    }
    assert_int_equal(told, 15);
    assert_string_equal(classes_shown(json, "audyt", 0, referral), "S0");
    json_decref(json);
}

/* Who holds the dossier may ask, about what it may see itself; auditors' reasons are not for it. Nobody else may. */
static void
who_holds_the_dossier_may_ask_what_others_were_shown(void **state)
{
    char *event = wici_is("ops-sw", WORDS("template", "case.opened", "--role", "SW"), NULL, NULL, 0, NULL);
    json_t *json = json_loads(event, 0, NULL);

    (void)state;
    snprintf(dossier, sizeof dossier, "%s",
             json_string_value(json_object_get(json_object_get(json, "header"), "dossierId")));
    json_decref(json);
    wici_check("ops-sw", WORDS("publish"), NULL, event, 0, NULL);
    free(event);
    wici_check("ops-sw", WORDS("audit", "reads", "--dossier", dossier), NULL, NULL, 5, NULL);
    wici_check("audyt", WORDS("read", "--dossier", dossier, "--reason", "skarga 14"), NULL, NULL, 0, NULL);
    wici_check("ops-sw", WORDS("audit", "reads", "--dossier", dossier), NULL, NULL, 0, "audyt");
    event = wici_is("ops-sw", WORDS("audit", "reads", "--dossier", dossier, "--json"), NULL, NULL, 0, "S");
    assert_null(strstr(event, "skarga"));
    free(event);
    wici_check("sp12", WORDS("audit", "reads", "--dossier", dossier), NULL, NULL, 5, "E_UNKNOWN");
    wici_check("admin", WORDS("audit", "reads", "--dossier", dossier), NULL, NULL, 5, "E_UNKNOWN");
    wici_check("audyt", WORDS("audit", "reads", "--dossier", "01890a5d-ac96-774b-bcce-b302099a8057"), NULL, NULL, 5,
               "E_UNKNOWN");
}

/* A record of a read outlives an erasure: the dossier's id must not stand in it. */
static void
no_record_of_a_read_names_a_dossier_by_its_id(void **state)
{
    json_t *json = wici_json("audyt", WORDS("audit", "reads", "--json")), *read;
    size_t i, named = 0;

    (void)state;
    json_array_foreach(json_object_get(json, "reads"), i, read)
    {
        assert_null(json_object_get(read, "dossier"));
        named += json_object_get(read, "dossierEntry") != NULL;
    }
    assert_true(named > 0);
    json_decref(json);
}

static void
the_command_line_is_checked(void **state)
{
    (void)state;
    wici_check("audyt", WORDS("audit"), NULL, NULL, 2, "missing: refusals|reads");
    wici_check("audyt", WORDS("audit", "writes"), NULL, NULL, 2, "say: refusals|reads");
    wici_check("audyt", WORDS("audit", "reads", "--csv", "--json"), NULL, NULL, 2, "only one of");
    wici_check("audyt", WORDS("audit", "reads", "--since", "yesterday"), NULL, NULL, 2, "not a time");
    wici_check("audyt", WORDS("audit", "refusals", "--unit", "sp12"), polish, NULL, 2, "--agency");
    wici_check("audyt", WORDS("audit", "refusals", "--dossier", "x"), NULL, NULL, 2, "--dossier is for reads");
    wici_check("audyt", WORDS("audit", "reads", "--reason", "x"), NULL, NULL, 2, "--dossier");
    wici_check("audyt", WORDS("audit", "reads", "--dossier", "12"), NULL, NULL, 3, "E_REQUEST");
}

static int
town_open(void **state)
{
    char key[128];

    (void)suite_open(state);
    snprintf(key, sizeof key, "%s/audyt.key", broker.dir);
    wici_check("admin", WORDS("key", "generate", key), NULL, NULL, 0, NULL);
    wici_check("admin", WORDS("agency", "add", "nadzor", "--name", "Nadzór", "--kind", "AUDIT"), NULL, NULL, 0, NULL);
    wici_check("admin",
               WORDS("unit", "add", "audyt", "--agency", "nadzor", "--name", "Audyt", "--role", "AUD", "--key", key),
               NULL, NULL, 0, NULL);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_counted_by_institution_and_code),
        cmocka_unit_test(refused_questions_and_documents_are_counted_too),
        cmocka_unit_test(reads_tell_who_was_shown_how_much_and_why),
        cmocka_unit_test(what_was_shown_is_told_as_it_stood_then),
        cmocka_unit_test(a_dossiers_reads_are_narrowed_by_institution_unit_and_time_together),
        cmocka_unit_test(who_asked_for_something_else_was_shown_nothing_of_it),
        cmocka_unit_test(a_read_that_is_still_going_on_is_told),
        cmocka_unit_test(an_auditors_questions_are_recorded),
        cmocka_unit_test(who_holds_the_dossier_may_ask_what_others_were_shown),
        cmocka_unit_test(no_record_of_a_read_names_a_dossier_by_its_id),
        cmocka_unit_test(the_command_line_is_checked),
    };

    return cmocka_run_group_tests(tests, town_open, suite_close);
}
