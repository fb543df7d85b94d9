/* What docs/CLI.md says: the commands of wici against a real broker, in both languages. */
#include "tests/e2e/test_cli_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dossier[37], event_id[37];

static void
texts_come_in_the_language_of_the_locale(void **state)
{
    (void)state;
    wici_check("admin", WORDS("status"), polish, NULL, 0, "dziennik");
    wici_check("admin", WORDS("status"), english, NULL, 0, "records");
    wici_check("admin", WORDS("status"), WORDS("LC_ALL=C", "LANGUAGE=pl"), NULL, 0, "records");
    wici_check("admin", WORDS("status"), WORDS("LC_ALL=", "LC_MESSAGES=", "LANG=C.UTF-8", "LANGUAGE=pl"), NULL, 0,
               "zapisy");
    wici_check("admin", WORDS("types", "case.linked"), polish, NULL, 0, "powiązanie spraw");
    wici_check("admin", WORDS("tail", "--help"), polish, NULL, 0, "NAZWA");
    wici_check("admin", WORDS("tail", "--help"), polish, NULL, 0, "Użycie: wici tail");
}

static void
help_is_in_the_language_of_the_locale_in_every_program(void **state)
{
    char *output;

    (void)state;
    assert_int_equal(program_run("wici-agent", WORDS("--help"), polish, NULL, &output), 0);
    assert_non_null(strstr(output, "Użycie: wici-agent"));
    assert_null(strstr(output, "help list"));
    free(output);
    assert_int_equal(program_run("wici-agent", WORDS("--help"), english, NULL, &output), 0);
    assert_non_null(strstr(output, "Usage: wici-agent"));
    free(output);
    assert_int_equal(program_run("wici-agent", WORDS("--status"), polish, NULL, &output), 2);
    assert_non_null(strstr(output, "-c PLIK"));
    free(output);
}

static void
status_is_for_people_and_its_json_for_programs(void **state)
{
    (void)state;
    wici_check("admin", WORDS("status"), english, NULL, 0, "every commit, before the answer");
    wici_check("admin", WORDS("status"), polish, NULL, 0, "zanim odejdzie odpowiedź");
    wici_check("admin", WORDS("status"), english, NULL, 0, "KiB of at most ");
    wici_check("admin", WORDS("status", "--json"), polish, NULL, 0,
               "\"fsyncPolicy\":\"every commit, before the answer\"");
}

static void
what_is_missing_is_named(void **state)
{
    (void)state;
    wici_check("admin", WORDS("case"), english, NULL, 2, "missing: DOSSIER");
    wici_check("admin", WORDS("case"), polish, NULL, 2, "brakuje: TECZKA");
}

static void
usage_errors_exit_with_2(void **state)
{
    char *output;

    (void)state;
    assert_int_equal(program_run("wici", WORDS("no-such-command"), english, NULL, &output), 2);
    free(output);
    assert_int_equal(program_run("wici", (const char *const[]){NULL}, english, NULL, &output), 2);
    free(output);
    wici_check("admin", WORDS("tail", "--no-such-option"), NULL, NULL, 2, NULL);
    wici_check("admin", WORDS("tail", "--from-seq", "x"), NULL, NULL, 2, NULL);
    wici_check("admin", WORDS("tail", "--live", "--from-seq", "1"), NULL, NULL, 2, NULL);
    wici_check("admin", WORDS("unit", "add"), NULL, NULL, 2, NULL);
    wici_check("admin", WORDS("read", "--type", "no.such"), NULL, NULL, 2, NULL);
    wici_check("admin", WORDS("read", "--since", "yesterday"), NULL, NULL, 2, NULL);
}

static void
a_broker_that_is_not_there_exits_with_4(void **state)
{
    wici_check("admin", WORDS("status", "--endpoint", "tcp://127.0.0.1:1", "--timeout", "0.3"), NULL, NULL, 4,
               "127.0.0.1:1");
    (void)state;
}

static void
settings_come_from_a_file(void **state)
{
    char text[512], path[128], variable[160], *output;

    (void)state;
    snprintf(text, sizeof text, "# ours\nendpoint = %s\nserver_key = %s\nkey_file = ops-sw.key\n", broker.endpoint,
             broker.server_key);
    daemon_write(&broker, "wici.conf", text);
    daemon_write(&broker, "bad.conf", "endpoint = x\ncolour = blue\n");
    snprintf(path, sizeof path, "%s/wici.conf", broker.dir);
    assert_int_equal(program_run("wici", WORDS("-c", path, "status", "--json"), english, NULL, &output), 0);
    free(output);
    snprintf(variable, sizeof variable, "WICI_CONFIG=%s", path);
    assert_int_equal(program_run("wici", WORDS("status"), WORDS(variable, "LC_ALL=C.UTF-8"), NULL, &output), 0);
    free(output);
    snprintf(path, sizeof path, "%s/bad.conf", broker.dir);
    assert_int_equal(program_run("wici", WORDS("status", "-c", path), english, NULL, &output), 2);
    assert_non_null(strstr(output, "bad.conf:2:"));
    free(output);
}

static void
a_key_file_is_never_overwritten(void **state)
{
    char path[128], *first, *second;

    (void)state;
    snprintf(path, sizeof path, "%s/fresh.key", broker.dir);
    first = wici_is("admin", WORDS("key", "generate", path), NULL, NULL, 0, NULL);
    wici_check("admin", WORDS("key", "generate", path), NULL, NULL, 1, "fresh.key");
    second = wici_is("admin", WORDS("key", "show", path), NULL, NULL, 0, NULL);
    assert_string_equal(first, second);
    assert_int_equal(strlen(first), 41);
    free(first);
    free(second);
}

static void
the_directory_shows_what_was_enrolled(void **state)
{
    char *output;
    json_t *json;

    (void)state;
    wici_check("admin",
               WORDS("agency", "external", "sad", "--name", "Sąd Rejonowy", "--kind", "COURT", "--served-by", "ops-sw",
                     "--channel", "PAPER"),
               polish, NULL, 0, "zapisano pod numerem");
    wici_check("admin", WORDS("agency", "add", "sad", "--name", "x", "--kind", "COURT"), NULL, NULL, 3, "E_EXISTS");
    wici_check("sp12", WORDS("agency", "add", "inna", "--name", "x", "--kind", "COURT"), polish, NULL, 3, "E_ROLE");
    wici_check("sp12", WORDS("agency", "list"), NULL, NULL, 0, "Sąd Rejonowy");
    wici_check("sp12", WORDS("unit", "list"), NULL, NULL, 0, "ops-sw");
    output = wici_is("sp12", WORDS("directory", "--json"), NULL, NULL, 0, NULL);
    json = json_loads(output, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "directory"), "units")), 3);
    json_decref(json);
    free(output);
}

static void
templates_pass_when_published(void **state)
{
    char *event = wici_is("sp12", WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw"), NULL,
                          NULL, 0, NULL);
    char *output, *line, *answer;
    json_t *json = json_loads(event, 0, NULL);

    (void)state;
    snprintf(dossier, sizeof dossier, "%s",
             json_string_value(json_object_get(json_object_get(json, "header"), "dossierId")));
    output = wici_is("sp12", WORDS("publish", "--json"), NULL, event, 0, "receipt");
    answer = strchr(output, '{');
    json_decref(json);
    json = json_loads(answer, JSON_DISABLE_EOF_CHECK, NULL);
    snprintf(event_id, sizeof event_id, "%s", json_string_value(json_object_get(json, "eventId")));
    json_decref(json);
    free(output);
    /* Twice in an array, and a broken one: two refused (the dossier exists), one that never left. */
    if (asprintf(&line, "[%s,%s]\n{\"header\":{\"type\":\"CASE_OPENED\"},\"sections\":[{\"nonsense\":1}]}", event,
                 event) < 0)
        abort();
    wici_check("sp12", WORDS("publish"), polish, line, 3, "E_JSON sections[0].nonsense");
    wici_check("sp12", WORDS("publish"), polish, "{", 1, NULL);
    wici_check("sp12", WORDS("template", "no.such"), NULL, NULL, 5, NULL);
    free(line);
    free(event);
}

static void
a_case_is_a_readable_timeline(void **state)
{
    (void)state;
    wici_check("ops-sw", WORDS("case", dossier), polish, NULL, 0, "pedagog, wychowawca");
    wici_check("ops-sw", WORDS("case", dossier), polish, NULL, 0, "S1 Tożsamość");
    wici_check("ops-sw", WORDS("case", dossier), polish, NULL, 0, "od: sp12 (Szkoła nr 12)");
    wici_check("ops-sw", WORDS("case", dossier), polish, NULL, 0, "rodzaj pisma: informacja"); /* the code's label */
    wici_check("ops-sw", WORDS("case", dossier, "--json"), NULL, NULL, 0, "\"members\"");
    wici_check("ops-sw", WORDS("case", "00000000-0000-4000-8000-000000000001"), NULL, NULL, 5, "E_UNKNOWN");
}

/* A text of several lines, with a mark that turns the rest of its line round. */
static void
what_somebody_wrote_cannot_pass_for_a_line_of_ours(void **state)
{
    char *event, *shown;

    (void)state;
    if (asprintf(
            &event,
            "{\"header\":{\"type\":\"INFO_PROVIDED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SCH\"},\"to\":[{"
            "\"unit\":"
            "\"ops-sw\"}]},\"sections\":[{\"infoProvidedS0\":{\"providedOn\":\"2026-03-02\"}},{\"infoProvidedS6\":{"
            "\"docKind\":\"INFORMATION\",\"text\":\"dobrze\\n\\n1.03.2026, 10:00  postanowienie sądu  (zapis 12)\\n"
            "      od: sąd\\n\u202egpj.exe\"}}]}",
            dossier) < 0)
        abort();
    wici_check("sp12", WORDS("publish"), NULL, event, 0, NULL);
    shown = wici_is("ops-sw", WORDS("case", dossier), polish, NULL, 0, "| 1.03.2026, 10:00  postanowienie");
    assert_null(strstr(shown, "\n1.03.2026"));
    assert_null(strstr(shown, "\n      od: sąd"));
    assert_null(strstr(shown, "\u202e"));
    assert_non_null(strstr(shown, "| [U+202E]gpj.exe"));
    free(shown);
    free(event);
}

static void
referrals_tell_what_became_of_them(void **state)
{
    (void)state;
    wici_check("sp12", WORDS("referrals"), polish, NULL, 0, "jeszcze bez odpowiedzi");
    wici_check("sp12", WORDS("referrals", "--json"), NULL, NULL, 0, "\"sent\":true");
    wici_check("ops-sw", WORDS("referrals", "--open"), english, NULL, 0, "requested");
    wici_check("ops-sw", WORDS("referrals", "--json"), NULL, NULL, 0, "\"nextUnit\":\"ops-sw\"");
    wici_check("ops-sw", WORDS("case", dossier), polish, NULL, 0, "następny krok: ops-sw");
    wici_check("admin", WORDS("referrals"), NULL, NULL, 5, NULL);
}

/* The referral of sp12 asks for a family assistant: the interview is due. */
static void
a_work_list_says_what_to_do_next(void **state)
{
    (void)state;
    wici_check("ops-sw", WORDS("worklist"), polish, NULL, 0, "wywiad środowiskowy");
    wici_check("ops-sw", WORDS("worklist"), english, NULL, 0, "community interview");
    wici_check("ops-sw", WORDS("worklist", "--as-of", "2099-01-01"), polish, NULL, 0, "po terminie");
    wici_check("ops-sw", WORDS("worklist", "--json"), NULL, NULL, 0, dossier);
    wici_check("ops-sw", WORDS("worklist", "--tasks", "D19"), polish, NULL, 0, "Czego pilnują inni");
    wici_check("ops-sw", WORDS("worklist", "--tasks", "D1 D20"), english, NULL, 2, "D20");
    wici_check("ops-sw", WORDS("worklist", "--as-of", "soon"), english, NULL, 2, "--as-of");
    wici_check("ops-sw", WORDS("worklist", "--holidays", "/nonexistent"), english, NULL, 2, "/nonexistent");
    wici_check("sp12", WORDS("worklist"), NULL, NULL, 5, NULL); /* the referrer has nothing to do */
}

/* Publishes a question of ops-sw that opens a dossier of its own. */
static void
ask(const char *what, const char *id, bool dated)
{
    char *text = wici_is("ops-sw", WORDS("template", "info.requested", "--role", "SW"), NULL, NULL, 0, NULL);
    json_t *event = json_loads(text, 0, NULL),
           *facts = json_object_get(json_array_get(json_object_get(event, "sections"), 0), "infoRequestedS0");

    assert_non_null(facts);
    (void)json_object_set_new(json_object_get(event, "header"), "to", json_pack("[{s:s}]", what, id));
    if (dated)
        (void)json_object_set_new(facts, "answerBy", json_string("2099-01-02"));
    else
        (void)json_object_del(facts, "answerBy");
    free(text);
    text = json_dumps(event, 0);
    wici_check("ops-sw", WORDS("publish"), NULL, text, 0, NULL);
    json_decref(event);
    free(text);
}

static void
who_is_asked_has_it_on_his_list_and_who_prints_too(void **state)
{
    char *list, *due;

    (void)state;
    ask("unit", "sp12", false);
    ask("unit", "sp12", true);
    ask("agency", "sad", false);
    list = wici_is("sp12", WORDS("worklist"), polish, NULL, 0, "odpowiedź na prośbę o informację (od: ops-sw)");
    assert_non_null(strstr(list, "bez terminu"));
    assert_non_null(strstr(list, "D15"));
    assert_non_null(strstr(list, "2.01.2099"));
    free(list);
    due = wici_is("sp12", WORDS("deadlines"), polish, NULL, 0, "D15 odpowiedź na prośbę o informację");
    assert_null(strstr(due, "bez terminu")); /* deadlines alone */
    free(due);
    wici_check("sp12", WORDS("worklist", "--clocks", "/nowhere"), english, NULL, 2, "/nowhere");
    list = wici_is("ops-sw", WORDS("worklist"), polish, NULL, 0, "(dla: sad)");
    assert_non_null(strstr(list, "do wydruku: wici outside page "));
    free(list);
}

static void
deadlines_tell_what_is_due_and_by_when(void **state)
{
    char holidays[512];

    (void)state;
    (void)snprintf(holidays, sizeof holidays, "%s/agents/holidays.pl", getenv("WICI_SOURCE"));
    wici_check("ops-sw", WORDS("deadlines", "--holidays", holidays), polish, NULL, 0, "odpowiedź dla nadawcy");
    wici_check("ops-sw", WORDS("deadlines", "--holidays", holidays), english, NULL, 0, "D15 answer to who asked");
    wici_check("ops-sw", WORDS("deadlines", "--holidays", holidays, "--json"), NULL, NULL, 0, "\"daysLeft\":");
    wici_check("sp12", WORDS("deadlines", "--holidays", holidays), english, NULL, 5, NULL);
    wici_check("ops-sw", WORDS("deadlines", "--holidays", "/nowhere"), english, NULL, 2, "/nowhere");
    wici_check("ops-sw", WORDS("deadlines", "--clocks", holidays, "--holidays", holidays), english, NULL, 2, ":");
}

/* Enrols a unit of ops with one role, and makes its key. */
static void
enrol(const char *unit, const char *role)
{
    char key[128];

    (void)snprintf(key, sizeof key, "%s/%s.key", broker.dir, unit);
    wici_check("admin", WORDS("key", "generate", key), NULL, NULL, 0, NULL);
    wici_check("admin", WORDS("unit", "add", unit, "--agency", "ops", "--name", unit, "--role", role, "--key", key),
               NULL, NULL, 0, NULL);
}

static void
the_half_yearly_summary_is_printed_and_recorded_when_it_was_presented(void **state)
{
    char *summary;

    (void)state;
    enrol("ops-ous", "OUS");
    summary = wici_is("ops-ous", WORDS("report", "--art46", "--since", "2026-01-01", "--until", "2026-06-30", "--csv"),
                      polish, NULL, 0, "ipus_made,");
    assert_null(strstr(summary, "families"));
    assert_null(strstr(summary, "referrals"));
    free(summary);
    wici_check("ops-ous", WORDS("report", "--art46", "--present", "--since", "2026-01-01", "--until", "2026-06-30"),
               polish, NULL, 1, "organizatora społeczności lokalnej"); /* there is nobody to present it to */
    enrol("ops-dir", "DIR");
    wici_check(
        "ops-ous",
        WORDS("report", "--art46", "--present", "--on", "2026-01-10", "--since", "2025-07-01", "--until", "2025-12-31"),
        polish, NULL, 0, "także poza systemem"); /* there is nobody in the system for the other */
    enrol("ops-osl", "OSL");
    wici_check("ops-ous", WORDS("publish"), polish,
               "{\"header\":{\"type\":\"SYS_REPORT_PRESENTED\",\"actor\":{\"role\":\"OUS\"}},\"sections\":[{"
               "\"sysReportPresentedS0\":{\"kind\":\"ART_46\",\"periodFrom\":\"2026-01-01\",\"periodTo\":"
               "\"2026-06-30\",\"presentedTo\":[\"ops-dir\"],\"presentedOn\":\"2026-07-09\"}}]}",
               0, "termin biegnie dalej. (D8, CUS art. 46 (E9))");
    wici_check("ops-ous", WORDS("report", "--since", "2026-01-01", "--until", "2026-06-30", "--present"), polish, NULL,
               2, "--art46");
    wici_check(
        "ops-ous",
        WORDS("report", "--art46", "--present", "--on", "2026-07-10", "--since", "2026-01-01", "--until", "2026-06-30"),
        polish, NULL, 0, "zapisano pod numerem");
    summary = wici_is("ops-dir", WORDS("read", "--type", "sys.report_presented", "--json"), NULL, NULL, 0,
                      "2026-07-10");
    assert_non_null(strstr(summary, "\"ops-dir\""));
    assert_non_null(strstr(summary, "\"ops-osl\""));
    assert_non_null(strstr(summary, "2026-06-30"));
    free(summary);
    summary = wici_is("ops-ous", WORDS("deadlines", "--as-of", "2026-12-01"), polish, NULL, 0, "D8"); /* the next one */
    assert_non_null(strstr(summary, "10.01.2027"));
    free(summary);
    wici_check("sp12", WORDS("report", "--art46", "--present", "--since", "2026-01-01", "--until", "2026-06-30"), NULL,
               NULL, 1, NULL); /* a school has none of them */
}

/* The referral of sp12 was answered by ops-sw above. */
static void
a_report_counts_by_unit_and_never_by_person(void **state)
{
    char *csv = wici_is("ops-sw", WORDS("report", "--since", "2020-01-01", "--until", "2099-12-31", "--csv"), polish,
                        NULL, 0, "referrals,");

    (void)state;
    assert_non_null(strstr(csv, "zgłoszenia według źródła i wyniku"));
    assert_non_null(strstr(csv, "ops-sw"));
    assert_null(strstr(csv, "osoba"));
    free(csv);
    wici_check("ops-sw", WORDS("report", "--since", "2020-01-01", "--until", "2099-12-31"), polish, NULL, 0,
               "terminy niedotrzymane");
    wici_check("ops-sw", WORDS("report", "--since", "2020-01-01", "--until", "2099-12-31", "--json"), NULL, NULL, 0,
               "\"measure\":\"families_supported\"");
    wici_check("ops-sw", WORDS("report", "--since", "2020-01-01"), english, NULL, 2, "--until");
    wici_check("ops-sw", WORDS("report", "--since", "2020-01-02", "--until", "2020-01-01"), english, NULL, 2,
               "before it begins");
}

#define ALL_YEARS "report", "--since", "2020-01-01", "--until", "2099-12-31"

/* By a double click: what an office's Excel takes for UTF-8, and for columns, in each language. */
static void
a_report_opens_in_excel_and_prints_as_a_page(void **state)
{
    char *text = wici_is("ops-sw", WORDS(ALL_YEARS, "--excel"), polish, NULL, 0, ";ops-sw;");

    (void)state;
    assert_int_equal(strncmp(text,
                             "\xef\xbb\xbf"
                             "co;szczegół;jednostka;gmina;liczba\r\n",
                             38),
                     0);
    assert_null(strstr(text, "zz_supported")); /* words, no codes */
    free(text);
    text = wici_is("ops-sw", WORDS(ALL_YEARS, "--excel"), english, NULL, 0, "\xef\xbb\xbfwhat,detail,unit,");
    assert_null(strchr(text, ';'));
    free(text);
    text = wici_is("ops-sw", WORDS(ALL_YEARS, "--csv"), polish, NULL, 0, "\r\n");
    assert_int_equal(strncmp(text, "measure,nazwa,", 14), 0); /* as it was */
    free(text);
    wici_check("ops-sw", WORDS(ALL_YEARS, "--page"), polish, NULL, 0, "<th>gmina</th><th>liczba</th></tr></thead>");
    wici_check("ops-sw", WORDS(ALL_YEARS, "--page", "--csv"), english, NULL, 2, "only one of");
}

static void
a_report_says_what_a_role_is_not_shown_instead_of_none(void **state)
{
    (void)state;
    wici_check("ops-sw", WORDS(ALL_YEARS, "--csv"), english, NULL, 0, "\"\"Za życiem\"\"\",,,,0\r\n");
    wici_check("sp12", WORDS(ALL_YEARS), english, NULL, 0, "not visible to this role");
    wici_check("sp12", WORDS(ALL_YEARS, "--csv"), english, NULL, 0, "\"\"Za życiem\"\"\",,,,\r\n");
    wici_check("sp12", WORDS(ALL_YEARS, "--json"), english, NULL, 0, "\"count\":null");
    wici_check("sp12", WORDS(ALL_YEARS, "--page"), polish, NULL, 0, "<td>niewidoczne dla tej roli</td>");
}

static void
reading_finds_or_exits_with_5(void **state)
{
    (void)state;
    wici_check("ops-sw", WORDS("read", "--dossier", dossier), NULL, NULL, 0, dossier);
    wici_check("ops-sw", WORDS("read", "--event", event_id, "--json"), NULL, NULL, 0, event_id);
    wici_check("ops-sw", WORDS("read", "--type", "referral.submitted", "--since", "1h", "-v"), polish, NULL, 0,
               "S0 Fakty");
    wici_check("ops-sw", WORDS("read", "--dossier", "00000000-0000-4000-8000-000000000001"), NULL, NULL, 5, NULL);
}

static void
a_cursor_goes_on_where_it_was(void **state)
{
    char *first, *second;

    (void)state;
    first = wici_is("ops-sw", WORDS("tail", "--cursor", "here", "--count", "2", "--json"), NULL, NULL, 0, "\"seq\":1,");
    second = wici_is("ops-sw", WORDS("tail", "--cursor", "here", "--count", "1", "--json"), NULL, NULL, 0,
                     "\"seq\":3,");
    free(first);
    free(second);
    wici_check("ops-sw", WORDS("cursor", "list"), polish, NULL, 0, "here");
    wici_check("ops-sw", WORDS("tail", "--cursor", "here", "--family", "case", "--count", "1", "--timeout", "5"), NULL,
               NULL, 3, "E_CURSOR");
    wici_check("ops-sw", WORDS("cursor", "drop", "here"), NULL, NULL, 0, "here");
    wici_check("ops-sw", WORDS("cursor", "drop", "here"), NULL, NULL, 5, "E_CURSOR");
}

static void
explain_and_fetched_tell_what_the_unit_may_know(void **state)
{
    (void)state;
    wici_check("ops-sw", WORDS("explain", event_id), polish, NULL, 0, "adresat");
    wici_check("ops-sw", WORDS("explain", "999999"), NULL, NULL, 5, "E_UNKNOWN");
    wici_check("sp12", WORDS("fetched", event_id), polish, NULL, 0, "ops-sw");
    wici_check("ops-sw", WORDS("fetched", event_id), NULL, NULL, 5, "E_UNKNOWN");
}

static void
the_policy_is_shown_compared_and_loaded(void **state)
{
    char *policy = wici_is("ops-sw", WORDS("policy", "show"), NULL, NULL, 0, "wici-policy 1"), *version, path[128];

    (void)state;
    snprintf(path, sizeof path, "%s/my.policy", broker.dir);
    daemon_write(&broker, "my.policy", policy);
    wici_check("ops-sw", WORDS("policy", "diff", path), NULL, NULL, 0, NULL);
    version = strstr(policy, "\nversion ");
    assert_non_null(version);
    version[strcspn(version + 1, "\n")] = 'x';
    daemon_write(&broker, "my.policy", policy);
    wici_check("ops-sw", WORDS("policy", "diff", path), NULL, NULL, 1, "+version");
    wici_check("ops-sw", WORDS("policy", "load", path), NULL, NULL, 3, "E_ROLE");
    wici_check("admin", WORDS("policy", "load", path), NULL, NULL, 0, NULL);
    wici_check("ops-sw", WORDS("policy", "diff", path), NULL, NULL, 0, NULL);
    daemon_write(&broker, "my.policy", "version x\nnonsense\n");
    wici_check("admin", WORDS("policy", "load", path), NULL, NULL, 3, "E_POLICY");
    free(policy);
}

static void
a_suspended_unit_is_told_and_comes_back(void **state)
{
    (void)state;
    wici_check("admin", WORDS("unit", "suspend", "sp12", "--reason", "test"), NULL, NULL, 0, NULL);
    wici_check("sp12", WORDS("status"), polish, NULL, 3, "E_KEY");
    wici_check("admin", WORDS("unit", "resume", "sp12"), NULL, NULL, 0, NULL);
    wici_check("sp12", WORDS("status"), NULL, NULL, 0, NULL);
}

static void
an_agency_has_rules_of_its_own(void **state)
{
    (void)state;
    wici_check("admin", WORDS("agency", "set", "ops", "FA_AS_IC", "on", "--from", "2026-01-01"), polish, NULL, 0,
               "ustawienie instytucji");
    wici_check("admin", WORDS("agency", "set", "ops", "FA_AS_IC", "maybe"), NULL, NULL, 2, "on|off");
    wici_check("admin", WORDS("agency", "set", "nobody", "FA_AS_IC", "off"), NULL, NULL, 5, "E_UNKNOWN");
    wici_check("ops-sw", WORDS("agency", "set", "ops", "FA_AS_IC", "off"), NULL, NULL, 3, "E_ROLE");
    wici_check("sp12", WORDS("read", "--type", "sys.setting_registered", "-v"), polish, NULL, 0,
               "asystent rodziny jako koordynator");
}

static void
participants_come_and_leave(void **state)
{
    (void)state;
    wici_check("ops-sw", WORDS("participant", "add", dossier, "sp12"), NULL, NULL, 3, "E_");
    wici_check("ops-sw", WORDS("participant", "add", dossier), NULL, NULL, 2, NULL);
}

static void
bench_measures(void **state)
{
    char *output = wici_is(
        "ops-sw", WORDS("bench", "--events", "50", "--publishers", "2", "--batch", "5", "--subscribers", "1", "--json"),
        NULL, NULL, 0, NULL);
    json_t *json = json_loads(strchr(output, '{'), 0, NULL);

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(json, "published")), 100);
    assert_int_equal(json_integer_value(json_object_get(json, "refused")), 0);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "publishToDeliver"), "count")), 100);
    json_decref(json);
    free(output);
    wici_check("ops-sw", WORDS("bench", "--publishers", "0", "--replays", "1"), polish, NULL, 0, "odtworzono");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_in_the_language_of_the_locale),
        cmocka_unit_test(help_is_in_the_language_of_the_locale_in_every_program),
        cmocka_unit_test(status_is_for_people_and_its_json_for_programs),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(usage_errors_exit_with_2),
        cmocka_unit_test(a_broker_that_is_not_there_exits_with_4),
        cmocka_unit_test(settings_come_from_a_file),
        cmocka_unit_test(a_key_file_is_never_overwritten),
        cmocka_unit_test(the_directory_shows_what_was_enrolled),
        cmocka_unit_test(templates_pass_when_published),
        cmocka_unit_test(a_case_is_a_readable_timeline),
        cmocka_unit_test(what_somebody_wrote_cannot_pass_for_a_line_of_ours),
        cmocka_unit_test(deadlines_tell_what_is_due_and_by_when),
        cmocka_unit_test(referrals_tell_what_became_of_them),
        cmocka_unit_test(a_work_list_says_what_to_do_next),
        cmocka_unit_test(who_is_asked_has_it_on_his_list_and_who_prints_too),
        cmocka_unit_test(a_report_counts_by_unit_and_never_by_person),
        cmocka_unit_test(a_report_opens_in_excel_and_prints_as_a_page),
        cmocka_unit_test(a_report_says_what_a_role_is_not_shown_instead_of_none),
        cmocka_unit_test(the_half_yearly_summary_is_printed_and_recorded_when_it_was_presented),
        cmocka_unit_test(reading_finds_or_exits_with_5),
        cmocka_unit_test(a_cursor_goes_on_where_it_was),
        cmocka_unit_test(explain_and_fetched_tell_what_the_unit_may_know),
        cmocka_unit_test(the_policy_is_shown_compared_and_loaded),
        cmocka_unit_test(a_suspended_unit_is_told_and_comes_back),
        cmocka_unit_test(an_agency_has_rules_of_its_own),
        cmocka_unit_test(participants_come_and_leave),
        cmocka_unit_test(bench_measures),
    };

    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
