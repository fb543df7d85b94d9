/* A work list is asked for page by page: what worklist_ask() and worklist_ask_clocks() of worklist.h promise. */
#include "agents/worklist.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A list of two pages, and the question for the second of them. */
struct paged {
    const char *name, *first, *second, *going_on;
};

#define MADE "18446744073709551615"

static const struct paged work = {
    "work",
    "{\"work\":{\"items\":[1,2],\"nextSeq\":\"7\",\"nextItem\":3,\"nextServed\":4,\"nextMade\":\"" MADE "\"}}",
    "{\"work\":{\"items\":[3]}}",
    "{\"work\":{\"fromItem\":3,\"fromMade\":\"" MADE "\",\"fromSeq\":\"7\",\"fromServed\":4}}",
};
static const struct paged clocks = {
    "clocks",
    "{\"clocks\":{\"clocks\":[1,2],\"nextSeq\":\"7\",\"nextMark\":3,\"nextMade\":\"" MADE "\"}}",
    "{\"clocks\":{\"clocks\":[3]}}",
    "{\"clocks\":{\"fromMade\":\"" MADE "\",\"fromMark\":3,\"fromSeq\":\"7\"}}",
};

/* A broker that makes that list anew so often, always between the first page and the second. Other lists are empty. */
struct moving {
    const struct paged *list;
    unsigned changes, asked, first_pages;
};

static int
moving_query(void *arg, const char *request, char **ret)
{
    struct moving *m = arg;
    json_t *asked = json_loads(request, 0, NULL), *of = json_object_get(asked, m->list->name);
    char *sorted = json_dumps(asked, JSON_COMPACT | JSON_SORT_KEYS), empty[60];
    int rc = 0;

    assert_non_null(sorted);
    *ret = NULL;
    m->asked++;
    if (of == NULL) {
        snprintf(empty, sizeof empty, "{\"%s\":{}}", json_object_iter_key(json_object_iter(asked)));
        *ret = strdup(empty);
    } else if (json_object_size(of) == 0) {
        m->first_pages++;
        *ret = strdup(m->list->first);
    } else if (m->changes > 0) {
        m->changes--;
        rc = -ESTALE;
    } else {
        assert_string_equal(sorted, m->list->going_on);
        *ret = strdup(m->list->second);
    }
    free(sorted);
    json_decref(asked);
    return rc;
}

static void
assert_is_123(json_t *list)
{
    char *text = json_dumps(list, JSON_COMPACT);

    assert_string_equal(text, "[1,2,3]");
    free(text);
}

static void
a_list_that_is_made_anew_between_two_pages_is_asked_for_from_its_beginning(void **state)
{
    static const struct paged *const lists[] = {&work, &clocks};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct moving calm = {.list = lists[i], .changes = 2}, restless = {.list = lists[i], .changes = 1000};
        struct worklist_answers answers;

        assert_int_equal(worklist_ask(moving_query, &calm, &answers), 0);
        assert_int_equal(calm.first_pages, 3);
        assert_is_123(i == 0 ? answers.work : answers.clocks);
        worklist_answers_free(&answers);
        assert_int_equal(worklist_ask(moving_query, &restless, &answers), -ESTALE); /* not for ever */
        assert_true(restless.asked < 100);
    }
}

static void
deadlines_alone_are_asked_for_in_the_same_way(void **state)
{
    struct moving calm = {.list = &clocks, .changes = 2};
    json_t *all = NULL;

    (void)state;
    assert_int_equal(worklist_ask_clocks(moving_query, &calm, &all), 0);
    assert_int_equal(calm.asked, 6); /* two pages, three times; no other list */
    assert_is_123(all);
    json_decref(all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_is_made_anew_between_two_pages_is_asked_for_from_its_beginning),
        cmocka_unit_test(deadlines_alone_are_asked_for_in_the_same_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
