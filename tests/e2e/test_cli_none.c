/* Where there is nothing to show, wici says so in a sentence (cli_none), on a log that holds nothing yet. */
#include "tests/e2e/test_cli_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOBODYS "00000000-0000-4000-8000-000000000001"

static void
where_there_is_nothing_a_person_is_told_so(void **state)
{
    const struct {
        const char *unit, *const *words, *en, *pl;
    } asked[] = {
        {"ops-sw", WORDS("worklist"), "Nothing is waiting.", "Nic nie czeka."},
        {"ops-sw", WORDS("deadlines"), "Nothing is due.", "Nie ma żadnych terminów."},
        {"ops-sw", WORDS("referrals"), "No referrals.", "Nie ma zgłoszeń."},
        {"ops-sw", WORDS("read", "--dossier", NOBODYS), "Nothing was found.", "Nic nie znaleziono."},
        {"ops-sw", WORDS("outside", "list"), "Nothing is to be printed and sent.",
         "Nie ma nic do wydrukowania i wysłania."},
        {"ops-sw", WORDS("outside", "page", NOBODYS, "--person", NOBODYS),
         "There is no such event, or not for this unit.", "Nie ma takiego zdarzenia albo nie dla tej jednostki."},
        {"ops-sw", WORDS("confirm", NOBODYS, "destroyed"), "There is no such event for this unit, or it asks for",
         "Nie ma takiego zdarzenia dla tej jednostki albo nie trzeba"},
        {"admin", WORDS("document", "list", "1"), "The record names no document.",
         "Zapis nie wskazuje żadnego dokumentu."},
        {"admin", WORDS("erase", "--status"), "No dossier was erased.", "Żadnej teczki nie usunięto."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        wici_check(asked[i].unit, asked[i].words, english, NULL, 5, asked[i].en);
        wici_check(asked[i].unit, asked[i].words, polish, NULL, 5, asked[i].pl);
    }
}

static void
with_json_the_empty_answer_is_all(void **state)
{
    char *output = wici_is("ops-sw", WORDS("deadlines", "--json"), NULL, NULL, 5, NULL);

    (void)state;
    assert_string_equal(output, "[]\n");
    free(output);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_there_is_nothing_a_person_is_told_so),
        cmocka_unit_test(with_json_the_empty_answer_is_all),
    };

    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
