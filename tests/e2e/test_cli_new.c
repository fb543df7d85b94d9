/* What docs/CLI.md says of wici new: an event that is asked for, field by field, in both languages. */
#include "tests/e2e/test_cli_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dossier[37], event_id[37]; /* a referral that sp12 has sent to ops-sw */

/* Answers that cannot stand are asked for again. */
static void
new_asks_for_an_event_that_passes_when_published(void **state)
{
    static const char answers[] = "ops-sw\n"
                                  "31.02.2026\n1.03.2026\n\n"                       /* S0 */
                                  "44051401359\n\nJan Przykładowy\n2 9\n\nn\n\n1\n" /* S1, about the first person */
                                  "n\nn\nn\nn\n"                                    /* S2 to S5 */
                                  "4\n1\nasystent rodziny\nSCHOOL\n3\nNie chodzi\\\ndo szkoły.\n1\n" /* S6 */
                                  "n\nt\n";                                                          /* S7, write it */
    char *output, *event;

    (void)state;
    output = wici_is("sp12", WORDS("new", "referral.submitted", "--role", "SCH"), polish, answers, 0,
                     "Tak nie może być");
    assert_non_null(strstr(output, "Podsumowanie"));
    event = strstr(output, "{\n  \"header\""); /* behind the questions, which go to standard error */
    assert_non_null(event);
    assert_non_null(strstr(event, "\"informationReceivedOn\": \"2026-03-01\""));
    assert_non_null(strstr(event, "Nie chodzi\\ndo szkoły."));
    assert_null(strstr(event, "44051401359"));
    wici_check("sp12", WORDS("publish", "--json"), NULL, event, 0, "receipt");
    free(output);
}

/* Of two parts of which one is enough the rarer, an authorisation, is not what Enter chooses. */
static void
new_offers_the_usual_of_two_parts(void **state)
{
    char *output = wici_is("ops-sw", WORDS("new", "consent.granted", "--dossier", dossier, "--role", "SW"), english,
                           "\n\ntoday\n\n\n\n\n\n\n\n1\n\n\ny\n", 0, "consentGrantedS6");

    (void)state;
    assert_null(strstr(output, "consentGrantedS4"));
    free(output);
}

/* The dossier that is handed over exists: no new identifier is made for it. */
static void
new_makes_up_no_reference_to_what_exists(void **state)
{
    (void)state;
    wici_check("sp12", WORDS("new", "referral.submitted", "--to", "ops-sw"), english,
               "today\n\n\n\n\nn\n\n\nn\nn\nn\nn\n1\n5\n7\n5\n\n", 1, "This cannot stand here. Needed: identifier");
}

static void
new_writes_nothing_when_the_answers_end_early(void **state)
{
    char outbox[256];
    const char *words[] = {"new", "referral.submitted", "--outbox", outbox, NULL};

    (void)state;
    snprintf(outbox, sizeof outbox, "%s/outbox", broker.dir);
    assert_int_equal(mkdir(outbox, 0700), 0);
    wici_check("sp12", words, english, "ops-sw\n1.03.2026\n", 1, "nothing was written");
    assert_int_equal(rmdir(outbox), 0);
    wici_check("sp12", WORDS("new", "no.such"), english, "", 5, NULL);
    wici_check("sp12", WORDS("new", "sys.unit_enrolled"), english, "", 2, NULL);
}

/* What is wrong with an option is said before the first question, not behind the last one. */
static void
new_checks_its_options_before_it_asks(void **state)
{
    (void)state;
    wici_check("sp12", WORDS("new", "meeting.held", "--dossier", "12"), english, "", 2, "--dossier needs");
    wici_check("sp12", WORDS("new", "meeting.held", "--dossier", "12"), polish, "", 2, "--dossier wymaga");
    wici_check("sp12", WORDS("new", "meeting.held", "--to", "ops sw"), english, "", 2, "--to needs");
    wici_check("sp12", WORDS("new", "meeting.held", "--to", "ops-sw", "--to", "ośrodek"), polish, "", 2, "--to wymaga");
    wici_check("sp12", WORDS("new", "meeting.held", "--outbox", "a", "--agent", "b"), english, "", 2, "only one");
    wici_check("sp12", WORDS("new", "meeting.held", "--agent", "/nowhere/agent.conf"), english, "", 1, "agent.conf");
    wici_check("sp12", WORDS("new", "meeting.held", "--answers", "no-such-file"), english, "", 2, "no-such-file");
}

/* The event of a file that wici-agent writes: an invitation to a meeting. */
static const char invitation[] =
    "{\"header\": {\"eventId\": \"01890a5d-ac96-774b-bcce-b302099a8057\","
    " \"correlationId\": \"01890a5d-ac96-774b-bcce-b302099a8059\", \"dossierId\": \"%s\"}, \"sections\": ["
    "{\"meetingConvenedS0\": {\"meetingId\": \"01890a5d-ac96-774b-bcce-b302099a805a\"}},"
    "{\"meetingConvenedS1\": {\"persons\": [{\"personRef\": \"os-a\"}, {\"personRef\": \"os-b\"}]}}]}";

static void
invitation_write(const char *name, const char *in_dossier, char ret_path[300])
{
    char text[1000];

    snprintf(text, sizeof text, invitation, in_dossier);
    daemon_write(&broker, name, text);
    snprintf(ret_path, 300, "%s/%s", broker.dir, name);
}

/* The event of the file that `wici new` says it wrote; it must be in dir. */
static json_t *
written_load(const char *output, const char *dir)
{
    const char *at = strstr(output, "Written: ");
    char path[400];
    json_t *event;

    assert_non_null(at);
    at += strlen("Written: ");
    snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "\n"), at);
    assert_memory_equal(path, dir, strlen(dir));
    event = json_load_file(path, 0, NULL);
    assert_non_null(event);
    return event;
}

/* --agent, --answers FILE, --on-behalf, --marks, two rows of a list, and the first part answered anew. */
static void
new_writes_a_letter_of_somebody_else_for_the_agent(void **state)
{
    static const char answers[] = "jan-k\n1\n2.03.2026\n"                                 /* on behalf */
                                  "3.03.2026\n\n\n\n"                                     /* S0 */
                                  "n\n1\n1\n\ny\n2\n\nn\n\n2\nops-sw\nn\npedagog\nn\nn\n" /* S6, about os-b */
                                  "1\n1.03.2026\n\n\n\ny\n";                              /* S0 anew; write it */
    static const char wanted[] =
        "{\"header\": {\"type\": \"MEETING_HELD\", \"dossierId\": \"01890a5d-ac96-774b-bcce-b302099a8058\","
        " \"correlationId\": \"01890a5d-ac96-774b-bcce-b302099a8059\","
        " \"causationId\": \"01890a5d-ac96-774b-bcce-b302099a8057\", \"to\": [{\"unit\": \"sp12\"}],"
        " \"actor\": {\"onBehalfOf\": \"jan-k\", \"channel\": \"PAPER\", \"receivedOn\": \"2026-03-02\"}},"
        " \"sections\": [{\"meetingHeldS0\": {\"meetingId\": \"01890a5d-ac96-774b-bcce-b302099a805a\","
        " \"heldOn\": \"2026-03-01\"}}, {\"meetingHeldS6\": {\"kind\": \"FIRST_CONTACT\","
        " \"attendance\": [{\"role\": \"SW\"}, {\"role\": \"INT\"}]}, \"subjects\": [\"os-b\"],"
        " \"onlyFor\": [\"ops-sw\"], \"notTo\": [\"pedagog\"]}]}";
    char settings[700], conf[300], received[300], outbox[300], *output;
    json_t *event, *want = json_loads(wanted, 0, NULL);

    (void)state;
    snprintf(settings, sizeof settings,
             "endpoint = %s\nserver_key = %s\nkey_file = %s/ops-sw.key\ndir = %s\nrole = %s/agents/roles/ops.role\n",
             broker.endpoint, broker.server_key, broker.dir, broker.dir, getenv("WICI_SOURCE"));
    daemon_write(&broker, "agent.conf", settings);
    snprintf(conf, sizeof conf, "%s/agent.conf", broker.dir);
    snprintf(outbox, sizeof outbox, "%s/outbox/", broker.dir);
    assert_int_equal(mkdir(outbox, 0700), 0);
    invitation_write("received.json", "01890a5d-ac96-774b-bcce-b302099a8058", received);
    output = wici_is(
        "ops-sw",
        WORDS("new", "meeting.held", "--agent", conf, "--answers", received, "--on-behalf", "--marks", "--to", "sp12"),
        english, answers, 0, "(about os-b)");
    event = written_load(output, outbox);
    if (!json_equal(event, want))
        fail_msg("%s", json_dumps(event, JSON_INDENT(2)));
    json_decref(event);
    json_decref(want);
    free(output);
}

static void
new_answers_no_file_that_is_too_large_or_holds_no_event(void **state)
{
    enum { TOO_LARGE = (1 << 20) + 1 };
    char path[300], *text = malloc(TOO_LARGE + 1000);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', TOO_LARGE);
    snprintf(text + TOO_LARGE, 1000, invitation, dossier);
    daemon_write(&broker, "large.json", text);
    daemon_write(&broker, "empty.json", "{}");
    snprintf(path, sizeof path, "%s/large.json", broker.dir);
    wici_check("ops-sw", WORDS("new", "meeting.held", "--answers", path), english, "", 1, "holds no received event");
    snprintf(path, sizeof path, "%s/empty.json", broker.dir);
    wici_check("ops-sw", WORDS("new", "meeting.held", "--answers", path), polish, "", 1, "empty.json");
    free(text);
}

/* What is wrong with the whole is said in the user's language alone; it can be dropped, not written. */
static void
new_refuses_the_whole_in_the_language_of_the_user(void **state)
{
    static const char answers[] = "1.03.2026\n\nn\n1\n1\n\nn\n\n\nn\ny\nn\n";
    const char *const *const languages[] = {english, polish};
    const char *const said[] = {"A field has a value", "Pole ma "}, *const other[] = {"Pole ma ",
                                                                                      "A field has a value"};
    char received[300];

    (void)state;
    invitation_write("spoilt.json", "12", received);
    for (size_t i = 0; i < 2; i++) {
        char *output = wici_is("ops-sw", WORDS("new", "meeting.held", "--role", "SW", "--answers", received),
                               languages[i], answers, 1, "E_FIELD header.dossierId: ");

        assert_non_null(strstr(output, said[i]));
        assert_null(strstr(output, other[i]));
        assert_null(strstr(output, "\"header\""));
        free(output);
    }
}

/* The answered event comes from the broker, by its number; dossier, references and persons are its own. */
static void
an_answer_takes_dossier_references_and_persons_from_what_it_answers(void **state)
{
    char outbox[256], seq[24], *output,
        *record = wici_is("ops-sw", WORDS("read", "--event", event_id, "--content", "--json"), NULL, NULL, 0,
                          "\"seq\"");
    json_t *answered = json_loads(strchr(record, '{'), JSON_DISABLE_EOF_CHECK, NULL), *event;
    const json_t *from = json_object_get(answered, "header"), *header, *part;

    (void)state;
    snprintf(seq, sizeof seq, "%lld", (long long)json_integer_value(json_object_get(answered, "seq")));
    snprintf(outbox, sizeof outbox, "%s/outbox", broker.dir);
    assert_true(mkdir(outbox, 0700) == 0 || errno == EEXIST); /* another test makes it, too */
    output = wici_is("ops-sw", WORDS("new", "referral.answered", "--answers", seq, "--outbox", outbox, "--role", "SW"),
                     english, "2\ntoday\n2\n\n1\ny\n", 0, "Written: ");
    event = written_load(output, outbox);
    header = json_object_get(event, "header");
    assert_string_equal(json_string_value(json_object_get(header, "dossierId")), dossier);
    assert_string_equal(json_string_value(json_object_get(header, "causationId")), event_id);
    assert_null(json_object_get(from, "correlationId"));
    assert_null(json_object_get(header, "correlationId")); /* no thread is made up */
    part = json_array_get(json_object_get(event, "sections"), 1);
    assert_int_equal(json_array_size(json_object_get(part, "subjects")), 1);
    assert_non_null(strstr(record, json_string_value(json_array_get(json_object_get(part, "subjects"), 0))));
    free(output);
    output = json_dumps(event, 0);
    wici_check("ops-sw", WORDS("publish"), english, output, 0, NULL);
    json_decref(event);
    json_decref(answered);
    free(record);
    free(output);
}

/* `wici new` of that type answers a received event of that header and body; what it prints. */
static char *
answer_to(const char *type, const char *header, const char *sections, const char *answers)
{
    char text[1000], path[300];

    snprintf(text, sizeof text,
             "{\"header\": {\"type\": \"%s\", \"eventId\": \"01890a5d-ac96-774b-bcce-b302099a8057\", \"dossierId\": "
             "\"01890a5d-ac96-774b-bcce-b302099a8058\"}, \"sections\": [%s]}",
             header, sections);
    daemon_write(&broker, "answered.json", text);
    snprintf(path, sizeof path, "%s/answered.json", broker.dir);
    return wici_is("ops-sw", WORDS("new", type, "--role", "SW", "--answers", path), polish, answers, 0, "\"header\"");
}

/* Nobody types an identifier of 36 characters that the answered event holds. */
static void
an_answer_names_what_it_answers_without_a_question(void **state)
{
    char *output = answer_to("case.assistant_requested", "CASE_INTERVIEW_COMPLETED",
                             "{\"caseInterviewCompletedS0\": {\"interviewOn\": \"2026-03-01\"}}",
                             "2.03.2026\nanaliza\n\nt\n");

    (void)state;
    assert_non_null(strstr(output, "\"interviewEventId\": \"01890a5d-ac96-774b-bcce-b302099a8057\""));
    free(output);
    output = answer_to("info.provided", "INFO_REQUESTED",
                       "{\"infoRequestedS0\": {\"requestId\": \"01890a5d-ac96-774b-bcce-b302099a805c\"}}",
                       "2.03.2026\nn\nn\nn\nn\nn\n1\nodpowiedź\n\nn\nt\n");
    assert_non_null(strstr(output, "\"requestId\": \"01890a5d-ac96-774b-bcce-b302099a805c\""));
    free(output);
}

/* A first contact that nobody had convened; who can be there are people, and units have names. */
static void
a_meeting_that_nobody_convened_gets_an_identifier(void **state)
{
    char *output = wici_is("ops-sw", WORDS("new", "meeting.held", "--role", "SW", "--dossier", dossier), polish,
                           "\n\n2.03.2026\n\nn\n1\n1\n1\nośrodek\nops-sw\nn\n\nt\n", 0, "\"header\"");

    (void)state;
    assert_non_null(strstr(output, "Spotkanie, które zwołano, ma już identyfikator"));
    assert_non_null(strstr(output, "\"meetingId\": \"0"));
    assert_non_null(strstr(output, "Potrzebne: nazwa skrzynki, np. ops-sw"));
    assert_null(strstr(output, "(CLERK)"));
    assert_non_null(strstr(output, "(AUD)"));
    free(output);
}

/* Each row is a part of its own, for its provider; no reference to an application is made up. */
static void
a_plan_of_two_services_is_asked_for_row_by_row(void **state)
{
    static const char answers[] = "\n\n1\n1.03.2026\n2.03.2026\n2.03.2026\n1.09.2026\n"         /* S0 ... */
                                  "\n01890a5d-ac96-774b-bcce-b302099a8057\n\nJan K\n\n\nn\nn\n" /* ..., S1, no S2, S4 */
                                  "1\na\np1\nporadnia-1\nPoradnia\nwtorki\n\n\n\nporadnia-1\nn\nt\n"
                                  "b\np1\nswietlica-1\nŚwietlica\nśrody\n\n\n\n\nn\nn\nt\n";
    char *output = wici_is("ops-sw", WORDS("new", "ipus.agreed", "--role", "IC", "--dossier", dossier), polish, answers,
                           0, "\"header\"");
    json_t *event = json_loads(strstr(output, "{\n"), JSON_DISABLE_EOF_CHECK, NULL), *sections, *row;

    (void)state;
    assert_non_null(strstr(output, "Potrzebne: identyfikator, 36 znaków"));
    sections = json_object_get(event, "sections");
    assert_int_equal(json_array_size(sections), 4);
    row = json_array_get(sections, 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "onlyFor"), 0)), "poradnia-1");
    row = json_object_get(json_array_get(sections, 3), "ipusAgreedS6");
    assert_int_equal(json_object_size(row), 1); /* the row alone: the rest is said once */
    assert_string_equal(json_string_value(json_object_get(json_object_get(row, "row"), "provider")), "swietlica-1");
    json_decref(event);
    free(output);
}

/* A broker with that referral. */
static int
referral_open(void **state)
{
    char *event, *output;
    json_t *answer;

    (void)suite_open(state);
    event = wici_is("sp12",
                    WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw", "--dossier",
                          "11111111-2222-4333-8444-555555555555"),
                    NULL, NULL, 0, NULL);
    output = wici_is("sp12", WORDS("publish", "--json"), NULL, event, 0, "receipt");
    answer = json_loads(strchr(output, '{'), JSON_DISABLE_EOF_CHECK, NULL);
    snprintf(dossier, sizeof dossier, "11111111-2222-4333-8444-555555555555");
    snprintf(event_id, sizeof event_id, "%s", json_string_value(json_object_get(answer, "eventId")));
    json_decref(answer);
    free(output);
    free(event);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_asks_for_an_event_that_passes_when_published),
        cmocka_unit_test(new_offers_the_usual_of_two_parts),
        cmocka_unit_test(new_makes_up_no_reference_to_what_exists),
        cmocka_unit_test(new_writes_nothing_when_the_answers_end_early),
        cmocka_unit_test(new_checks_its_options_before_it_asks),
        cmocka_unit_test(new_writes_a_letter_of_somebody_else_for_the_agent),
        cmocka_unit_test(new_answers_no_file_that_is_too_large_or_holds_no_event),
        cmocka_unit_test(new_refuses_the_whole_in_the_language_of_the_user),
        cmocka_unit_test(an_answer_takes_dossier_references_and_persons_from_what_it_answers),
        cmocka_unit_test(an_answer_names_what_it_answers_without_a_question),
        cmocka_unit_test(a_meeting_that_nobody_convened_gets_an_identifier),
        cmocka_unit_test(a_plan_of_two_services_is_asked_for_row_by_row),
    };

    return cmocka_run_group_tests(tests, referral_open, suite_close);
}
