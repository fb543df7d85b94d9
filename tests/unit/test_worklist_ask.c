/* A work list is asked for page by page: what worklist_ask() of worklist.h promises. */
#include "agents/worklist.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A broker that makes its list of work anew so often, always between the first page and the second. */
struct moving {
    unsigned changes, asked, first_pages;
};

static int
moving_query(void *arg, const char *request, char **ret)
{
    struct moving *m = arg;
    json_t *asked = json_loads(request, 0, NULL), *work = json_object_get(asked, "work");
    bool going_on = json_object_get(work, "fromItem") != NULL;
    int rc = 0;

    *ret = NULL;
    if (work == NULL) {
        *ret = strdup(json_object_get(asked, "clocks") != NULL ? "{\"clocks\":{}}" : "{\"courses\":{}}");
    } else if (!going_on) {
        m->first_pages++;
        *ret = strdup(
            "{\"work\":{\"items\":[1,2],\"nextSeq\":\"7\",\"nextItem\":3,\"nextMade\":\"18446744073709551615\"}}");
    } else if (m->changes > 0) {
        m->changes--;
        rc = -ESTALE;
    } else {
        assert_string_equal(json_string_value(json_object_get(work, "fromSeq")), "7");
        assert_int_equal(json_integer_value(json_object_get(work, "fromItem")), 3);
        assert_string_equal(json_string_value(json_object_get(work, "fromMade")), "18446744073709551615");
        *ret = strdup("{\"work\":{\"items\":[3]}}");
    }
    m->asked++;
    json_decref(asked);
    return rc;
}

static void
a_list_that_is_made_anew_between_two_pages_is_asked_for_from_its_beginning(void **state)
{
    struct moving calm = {.changes = 2}, restless = {.changes = 1000};
    struct worklist_answers answers;
    char *text;

    (void)state;
    assert_int_equal(worklist_ask(moving_query, &calm, &answers), 0);
    assert_int_equal(calm.first_pages, 3);
    text = json_dumps(answers.work, JSON_COMPACT);
    assert_string_equal(text, "[1,2,3]");
    free(text);
    worklist_answers_free(&answers);
    assert_int_equal(worklist_ask(moving_query, &restless, &answers), -ESTALE); /* not for ever */
    assert_true(restless.asked < 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_is_made_anew_between_two_pages_is_asked_for_from_its_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
