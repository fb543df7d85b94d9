/* wici outside, wici confirm: an agency on paper is a partner, and what was entered in error is set aside. */
#include "tests/e2e/test_cli_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dossier[37], letter[37];

/* Publishes; the event's id. */
static void
publish(const char *unit, const char *event, char ret_id[37])
{
    char *output = kit_expect(&broker, unit, WORDS("publish", "--json"), NULL, event, 0, "receipt");
    json_t *json = json_loads(strchr(output, '{'), JSON_DISABLE_EOF_CHECK, NULL);

    (void)snprintf(ret_id, 37, "%s", json_string_value(json_object_get(json, "eventId")));
    json_decref(json);
    free(output);
}

static void
ask_the_paper_school(char ret_id[37])
{
    char *event;

    if (asprintf(&event,
                 "{\"header\":{\"type\":\"INFO_REQUESTED\",\"dossierId\":\"%s\",\"to\":[{\"agency\":\"sp3\"}],"
                 "\"actor\":{\"role\":\"SW\"}},\"sections\":[{\"infoRequestedS0\":{\"requestId\":\"%s\","
                 "\"requestedOn\":\"2026-03-01\"}},{\"subjects\":[\"p1\"],\"infoRequestedS6\":{\"question\":\"Czy "
                 "chodzi do szkoły?\"}},{\"infoRequestedS5\":{\"justiceViolence\":\"tajne\"}}]}",
                 dossier, dossier) < 0)
        abort();
    publish("ops-sw", event, ret_id);
    free(event);
}

static void
what_is_due_is_listed_for_the_unit_that_serves_the_agency(void **state)
{
    (void)state;
    wici_check("admin",
               WORDS("agency", "external", "sp3", "--name", "Szkoła Podstawowa nr 3", "--kind", "SCHOOL", "--served-by",
                     "ops-sw", "--channel", "PAPER"),
               NULL, NULL, 0, NULL);
    wici_check("ops-sw", WORDS("outside", "list"), polish, NULL, 5, NULL);
    wici_check("sp12", WORDS("outside", "list"), polish, NULL, 5, NULL);
    ask_the_paper_school(letter);
    wici_check("ops-sw", WORDS("outside", "list"), polish, NULL, 0, "prośba o informację");
    wici_check("ops-sw", WORDS("outside", "list", "--json"), NULL, NULL, 0, letter);
    wici_check("sp12", WORDS("outside", "page", letter), polish, NULL, 2, "nie obsługuje");
}

static void
its_page_is_what_the_agency_may_read(void **state)
{
    char path[300], *page;
    struct stat st;

    (void)state;
    page = kit_expect(&broker, "ops-sw", WORDS("outside", "page", letter), polish, NULL, 0, "Czy chodzi do szkoły?");
    assert_null(strstr(page, "tajne"));
    free(page);
    (void)snprintf(path, sizeof path, "%s/letter.html", broker.dir);
    wici_check("ops-sw", WORDS("outside", "page", letter, "--output", path), polish, NULL, 0, "wici outside done");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    wici_check("ops-sw", WORDS("outside", "page", letter, "--output", path), polish, NULL, 1, "letter.html");
    assert_int_equal(unlink(path), 0);
    wici_check("ops-sw", WORDS("outside", "page", dossier), polish, NULL, 5, "E_UNKNOWN");
    /* Who looks after the broker finds that it was shown, and for whom. */
    wici_check("admin", WORDS("read", "--type", "sys.access_recorded", "--json"), NULL, NULL, 0, "\"why\":\"sp3\"");
}

static void
what_was_handed_over_is_due_no_more(void **state)
{
    (void)state;
    wici_check("ops-sw", WORDS("fetched", letter), polish, NULL, 0, "na papierze");
    wici_check("ops-sw", WORDS("fetched", letter, "--json"), NULL, NULL, 0, "\"outside\":true");
    wici_check("ops-sw", WORDS("outside", "done", letter, "--by", "nowak", "--on", "2026-03-02"), polish, NULL, 0,
               "przekazano instytucji bez systemu");
    wici_check("ops-sw", WORDS("fetched", letter), polish, NULL, 0, "2.03.2026");
    wici_check("ops-sw", WORDS("fetched", letter, "--json"), NULL, NULL, 0, "\"fetched\":true");
    wici_check("ops-sw", WORDS("outside", "done", letter), polish, NULL, 3, "E_EXISTS");
    wici_check("ops-sw", WORDS("outside", "list"), polish, NULL, 5, NULL);
    /* Its answer is still to come, and to be entered. */
    wici_check("ops-sw", WORDS("worklist"), polish, NULL, 0, "odpowiedź na prośbę o informację (w imieniu: sp3)");
    wici_check("ops-sw", WORDS("worklist", "--json"), NULL, NULL, 0, "\"for\":\"sp3\"");
    wici_check("ops-sw", WORDS("outside", "page", letter), polish, NULL, 0,
               "Czy chodzi"); /* once more, if it is lost */
    wici_check("ops-sw", WORDS("read", "--type", "sys.delivered_outside", "--json"), NULL, NULL, 0, "\"sp3\"");
}

static void
a_copy_for_a_person_of_the_family_lacks_what_is_not_for_them(void **state)
{
    char id[37], path[512], *event, *page;

    (void)state;
    if (asprintf(
            &event,
            "{\"header\":{\"type\":\"MEETING_AGREEMENTS_ISSUED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"}},"
            "\"sections\":[{\"meetingAgreementsIssuedS0\":{\"meetingId\":\"%s\"}},{\"meetingAgreementsIssuedS6\":{"
            "\"row\":"
            "{\"no\":1,\"action\":\"Spotkanie za "
            "miesiąc.\"}}},{\"notTo\":[\"p1\"],\"meetingAgreementsIssuedS6\":{\"row\":"
            "{\"no\":2,\"action\":\"Rozmowa z babcią.\"}}}]}",
            dossier, dossier) < 0)
        abort();
    publish("ops-sw", event, id);
    free(event);
    wici_check("ops-sw", WORDS("worklist"), polish, NULL, 0, "uzgodnienie ze spotkania, wiersz 2");
    wici_check("ops-sw", WORDS("deadlines"), polish, NULL, 0, "bez terminu");
    wici_check("sp12", WORDS("deadlines"), polish, NULL, 5, NULL);
    page = kit_expect(&broker, "ops-sw", WORDS("outside", "page", id, "--person", "p1"), polish, NULL, 0,
                      "Spotkanie za miesiąc.");
    assert_null(strstr(page, "Rozmowa z babcią."));
    assert_null(strstr(page, "Nie dla"));
    free(page);
    page = kit_expect(&broker, "ops-sw", WORDS("outside", "page", id, "--person", "p2"), polish, NULL, 0,
                      "Rozmowa z babcią.");
    free(page);
    (void)snprintf(path, sizeof path, "%s/copy.html", broker.dir);
    wici_check("ops-sw", WORDS("outside", "page", id, "--person", "p1", "--output", path), polish, NULL, 0,
               "tylko dla p1");
    wici_check("sp12", WORDS("outside", "page", id, "--person", "p1"), polish, NULL, 5, NULL); /* not its event */
}

static void
a_case_names_who_works_on_it_and_who_stands_in(void **state)
{
    char id[37], *event;

    (void)state;
    for (int substitute = 0; substitute < 2; substitute++) {
        if (asprintf(&event,
                     "{\"header\":{\"type\":\"CASE_WORKER_SET\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"}},"
                     "\"sections\":[{\"caseWorkerSetS0\":{\"role\":\"SW\",\"personRef\":\"%s\",\"unit\":\"ops-sw\","
                     "\"kind\":\"%s\",\"from\":\"2026-03-01\"%s}}]}",
                     dossier, substitute ? "nowak" : "kowal", substitute ? "SUBSTITUTE" : "MAIN",
                     substitute ? ",\"until\":\"2099-12-31\"" : "") < 0)
            abort();
        publish("ops-sw", event, id);
        free(event);
    }
    wici_check("ops-sw", WORDS("case", dossier), polish, NULL, 0, "pracownik socjalny: kowal (ops-sw)");
    wici_check("ops-sw", WORDS("case", dossier), polish, NULL, 0, "zastępstwo od 1.03.2026 do 31.12.2099");
}

static void
a_recall_is_confirmed_by_who_had_a_copy(void **state)
{
    char wrong[37], recall[37], *event;

    (void)state;
    if (asprintf(&event,
                 "{\"header\":{\"type\":\"INFO_REQUESTED\",\"dossierId\":\"%s\",\"to\":[{\"unit\":\"sp12\"}],"
                 "\"actor\":{\"role\":\"SW\"}},\"sections\":[{\"infoRequestedS0\":{\"requestId\":\"%s\","
                 "\"requestedOn\":\"2026-03-01\"}},{\"subjects\":[\"p1\"],\"infoRequestedS6\":{\"question\":\"?\"}}]}",
                 dossier, dossier) < 0)
        abort();
    publish("ops-sw", event, wrong);
    free(event);
    wici_check("sp12", WORDS("confirm", wrong, "destroyed"), polish, NULL, 5, NULL); /* takes nothing back */
    if (asprintf(&event,
                 "{\"header\":{\"type\":\"INFO_REQUESTED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"},"
                 "\"correctsEventId\":\"%s\",\"correction\":\"ENTERED_IN_ERROR\"},\"sections\":[{\"infoRequestedS0\":"
                 "{\"requestId\":\"%s\",\"requestedOn\":\"2026-03-01\"}}]}",
                 dossier, wrong, dossier) < 0)
        abort();
    publish("ops-sw", event, recall);
    free(event);
    wici_check("sp12", WORDS("confirm", recall, "eaten"), polish, NULL, 2, NULL);
    wici_check("sp12", WORDS("worklist"), polish, NULL, 0, recall);
    wici_check("ops-sw", WORDS("fetched", recall, "--json"), NULL, NULL, 0, "\"mustConfirm\":true");
    wici_check("sp12", WORDS("confirm", recall, "destroyed"), polish, NULL, 0, "odłożenie lub zniszczenie");
    wici_check("ops-sw", WORDS("fetched", recall, "--json"), NULL, NULL, 0, "\"confirmed\":true");
    wici_check("ops-sw", WORDS("fetched", recall), polish, NULL, 0, "potwierdzono");
    wici_check("sp12", WORDS("worklist"), polish, NULL, 5, NULL); /* nothing is left to do */
    wici_check("sp12", WORDS("confirm", recall, "destroyed"), polish, NULL, 3, "E_EXISTS");
    wici_check("ops-sw", WORDS("confirm", recall, "set-aside"), polish, NULL, 5, "E_UNKNOWN"); /* its own */
    wici_check("ops-sw", WORDS("read", "--type", "sys.recall_confirmed", "--json"), NULL, NULL, 0, wrong);
}

static int
town_open(void **state)
{
    char id[37], *event;

    (void)suite_open(state);
    (void)snprintf(dossier, sizeof dossier, "11111111-2222-4333-8444-555555555555");
    if (asprintf(
            &event,
            "{\"header\":{\"type\":\"CASE_OPENED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"}},\"sections\":["
            "{\"caseOpenedS0\":{\"openedOn\":\"2026-03-01\",\"proceedingStartedOn\":\"2026-03-01\",\"gmina\":"
            "\"326101\"}},{\"caseOpenedS1\":{\"household\":[{\"personRef\":\"p1\"}]}},{\"caseOpenedS6\":{\"path\":"
            "\"ORDINARY\"}}]}",
            dossier) < 0)
        abort();
    publish("ops-sw", event, id);
    free(event);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_is_listed_for_the_unit_that_serves_the_agency),
        cmocka_unit_test(its_page_is_what_the_agency_may_read),
        cmocka_unit_test(what_was_handed_over_is_due_no_more),
        cmocka_unit_test(a_copy_for_a_person_of_the_family_lacks_what_is_not_for_them),
        cmocka_unit_test(a_case_names_who_works_on_it_and_who_stands_in),
        cmocka_unit_test(a_recall_is_confirmed_by_who_had_a_copy),
    };

    return cmocka_run_group_tests(tests, town_open, suite_close);
}
