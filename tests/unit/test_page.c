/* What page.h promises of a copy for a person of the family. */
#include "agents/html.h"
#include "agents/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Agreements: a row for all, one not for osoba-2, one for a provider alone, one not for a school. */
static const char agreements[] =
    "{\"seq\":\"7\",\"tsMs\":\"1774958400000\",\"header\":{\"type\":\"MEETING_AGREEMENTS_ISSUED\",\"eventId\":\"e\","
    "\"to\":[{\"unit\":\"sad-rodzinny\"}],\"actor\":{\"agency\":\"cus\",\"unit\":\"cus-fa\",\"role\":\"FA\","
    "\"onBehalfOf\":"
    "\"osoba-9\"}},\"sections\":["
    "{\"subjects\":[\"osoba-1\"],\"meetingAgreementsIssuedS6\":{\"row\":{\"no\":1,\"action\":\"dla wszystkich\"}}},"
    "{\"notTo\":[\"osoba-2\",\"osoba-3\"],\"meetingAgreementsIssuedS6\":{\"row\":{\"no\":2,\"action\":\"bez osoby\"}}},"
    "{\"onlyFor\":[\"poradnia\"],\"meetingAgreementsIssuedS6\":{\"row\":{\"no\":3,\"action\":\"tylko poradnia\"}}},"
    "{\"notTo\":[\"sp12\"],\"meetingAgreementsIssuedS6\":{\"row\":{\"no\":4,\"action\":\"bez szkoly\"}}}],"
    "\"note\":{\"resolvedTo\":[\"sad-rodzinny\"]},\"withheld\":[{\"slot\":1},{\"slot\":2}],"
    "\"files\":[{\"name\":\"skan.pdf\",\"file\":\"7-1.pdf\"}]}";

static char *
page_of(const char *text, const char *person)
{
    const struct page_options options = {.polish = true, .person = person};
    json_t *event = json_loads(text, 0, NULL);
    char *page = NULL;

    assert_non_null(event);
    assert_int_equal(page_render(event, &options, &page), 0);
    json_decref(event);
    return page;
}

static void
a_copy_for_a_person_has_nothing_that_is_not_for_that_person(void **state)
{
    char *page = page_of(agreements, "osoba-2");

    (void)state;
    assert_non_null(strstr(page, "dla wszystkich"));
    assert_null(strstr(page, "bez osoby"));
    assert_null(strstr(page, "tylko poradnia"));
    assert_non_null(strstr(page, "bez szkoly"));
    free(page);
    page = page_of(agreements, "osoba-1"); /* who is not named */
    assert_non_null(strstr(page, "bez osoby"));
    assert_null(strstr(page, "tylko poradnia"));
    free(page);
}

static void
a_copy_for_a_person_does_not_say_what_it_lacks_nor_where_the_event_went(void **state)
{
    static const char *const silent[] = {"Nie dla",  "Tylko dla", "osoba-2",  "osoba-3", "poradnia",    "sp12",
                                         "sad-rodz", "osoba-9",   "skan.pdf", "7-1.pdf", "Nie otwarto", "brokera"};
    char *page = page_of(agreements, "osoba-2");

    (void)state;
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        assert_null(strstr(page, silent[i]));
    free(page);
}

/* Whoever wrote the marks: what cannot be read as a list keeps the section off the page. */
static void
marks_that_are_no_lists_keep_a_section_from_a_person(void **state)
{
    char *page = page_of(
        "{\"header\":{},\"sections\":[{\"notTo\":\"osoba-2\",\"meetingAgreementsIssuedS6\":{\"row\":{\"action\":"
        "\"tajne\"}}},{\"onlyFor\":\"cus\",\"meetingAgreementsIssuedS6\":{\"row\":{\"action\":\"tajne\"}}}]}",
        "osoba-2");

    (void)state;
    assert_null(strstr(page, "tajne"));
    free(page);
}

static void
the_offices_own_page_has_it_all_with_its_marks(void **state)
{
    static const char *const there[] = {"dla wszystkich", "bez osoby",
                                        "tylko poradnia", "bez szkoly",
                                        "Nie dla:",       "Tylko dla:",
                                        "osoba-3",        "sad-rodzinny",
                                        "skan.pdf",       "Nie otwarto miejsc: 2",
                                        "osoba-9",        "Dopisane przez brokera"};
    char *page = page_of(agreements, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        assert_non_null(strstr(page, there[i]));
    free(page);
}

/* An answer to what a school without the system had written. */
static void
a_letter_says_for_whom_it_is_and_what_it_answers(void **state)
{
    static const char text[] =
        "{\"header\":{\"type\":\"MEETING_CONVENED\",\"eventId\":\"e\",\"causationId\":\"their-letter\",\"actor\":{"
        "\"agency\":\"cus\",\"unit\":\"cus-sw\"}},\"sections\":[{\"meetingConvenedS0\":{\"startsAt\":"
        "\"2026-12-05T09:30:00Z\"}}],\"withheld\":[{\"slot\":1},{\"slot\":2}]}";
    json_t *event = json_loads(text, 0, NULL), *names = json_pack("{s:s}", "sp3", "Szkoła nr 3"),
           *answered = json_loads(
               "{\"header\":{\"type\":\"REFERRAL_SUBMITTED\",\"eventId\":\"their-letter\",\"actor\":{"
               "\"onBehalfOf\":\"sp3\",\"receivedOn\":\"2026-11-03\"}},\"sections\":[{"
               "\"referralSubmittedS6\":{\"paperKind\":\"NEED\"}}]}",
               0, NULL);
    struct page_options options = {.polish = true, .names = names, .addressee = "sp3", .answered = answered};
    char *page = NULL;

    (void)state;
    assert_int_equal(page_render(event, &options, &page), 0);
    assert_non_null(strstr(page, "adresat</th><td>Szkoła nr 3 (sp3)"));
    assert_non_null(strstr(page, "odpowiedź na</th><td>zgłoszenie potrzeby, data wpływu 3.11.2026"));
    assert_non_null(strstr(page, "sob. 5.12.2026, 10:30")); /* a Saturday: worth to be seen */
    assert_null(strstr(page, "their-letter"));
    assert_null(strstr(page, "Nie otwarto"));
    free(page);
    json_decref(answered);
    json_decref(names);
    json_decref(event);
}

static void
a_referral_is_called_what_its_paper_is(void **state)
{
    static const char *const kinds[][2] = {{"INFORMATION", "<h1>informacja o rodzinie</h1>"},
                                           {"APPLICATION", "<h1>wniosek</h1>"},
                                           {"NEED", "<h1>zgłoszenie potrzeby</h1>"},
                                           {"", "<h1>informacja o rodzinie / wniosek / zgłoszenie potrzeby</h1>"}};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char text[200], *page;

        (void)snprintf(text, sizeof text,
                       "{\"header\":{\"type\":\"REFERRAL_SUBMITTED\"},\"sections\":[{\"referralSubmittedS6\":{"
                       "\"paperKind\":\"%s\"}}]}",
                       kinds[i][0]);
        page = page_of(text, NULL);
        assert_non_null(strstr(page, kinds[i][1]));
        free(page);
    }
}

/* The code of a deadline is no number of days. */
static void
a_deadline_that_runs_on_is_called_by_its_name(void **state)
{
    char *page = page_of("{\"header\":{\"type\":\"REFERRAL_FORWARDED\"},\"sections\":[{\"referralForwardedS0\":{"
                         "\"clockCarried\":\"D3\"}}]}",
                         NULL);

    (void)state;
    assert_non_null(strstr(page, "opracowanie i uzgodnienie IPUS"));
    assert_null(strstr(page, "3 dni"));
    free(page);
}

/* Sheets that lie by themselves; nothing of a name can end the style that it stands in. */
static void
every_printed_sheet_has_the_name_of_the_page(void **state)
{
    const struct page_options options = {.polish = true};
    char *page = page_of(agreements, NULL), *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(strstr(page, "@page{@bottom-left{content:\"spis uzgodnień\";"));
    free(page);
    assert_non_null(out);
    html_open(out, &options, "\"}</style>\\");
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "@bottom-left{content:\"\\22 }\\3c /style\\3e \\5c \";"));
    assert_ptr_equal(strstr(text, "</style>"), strstr(text, "</style>\n</head>"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_for_a_person_has_nothing_that_is_not_for_that_person),
        cmocka_unit_test(a_copy_for_a_person_does_not_say_what_it_lacks_nor_where_the_event_went),
        cmocka_unit_test(marks_that_are_no_lists_keep_a_section_from_a_person),
        cmocka_unit_test(the_offices_own_page_has_it_all_with_its_marks),
        cmocka_unit_test(every_printed_sheet_has_the_name_of_the_page),
        cmocka_unit_test(a_letter_says_for_whom_it_is_and_what_it_answers),
        cmocka_unit_test(a_referral_is_called_what_its_paper_is),
        cmocka_unit_test(a_deadline_that_runs_on_is_called_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
