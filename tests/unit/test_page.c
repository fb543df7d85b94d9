/* What page.h promises of a copy for a person of the family. */
#include "agents/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_for_a_person_has_nothing_that_is_not_for_that_person),
        cmocka_unit_test(a_copy_for_a_person_does_not_say_what_it_lacks_nor_where_the_event_went),
        cmocka_unit_test(marks_that_are_no_lists_keep_a_section_from_a_person),
        cmocka_unit_test(the_offices_own_page_has_it_all_with_its_marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
