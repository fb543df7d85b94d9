/* What agent_work.h promises: the two files of the work list, and when they are made anew. */
#include "agents/agent_work.h"
#include "tests/e2e/test_agent_kit.h"

#include "proto/date.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY 20544 /* 2026-04-01 */

/* What the broker answers; NULL: it refuses. */
static const char *clocks = "";
static const char *waiting = "{\"work\":{}}";
static unsigned asked;
static int failing;

static int
fake_query(void *arg, const char *request, char **ret)
{
    (void)arg;
    asked++;
    if (failing != 0)
        return failing;
    if (strstr(request, "courses") != NULL)
        *ret = strdup("{\"courses\":{}}");
    else if (strstr(request, "work") != NULL)
        *ret = strdup(strstr(request, "\"fromSeq\":\"9\",\"fromItem\":1,\"fromServed\":3") == NULL ? waiting
                                                                                                   : "{\"work\":{}}");
    else if (strstr(request, "fromSeq") == NULL)
        *ret = strdup(clocks);
    else /* the second page */
        *ret = strdup(
            strstr(request, "\"fromSeq\":\"5\",\"fromMark\":2") == NULL
                ? "{}"
                : "{\"clocks\":{\"clocks\":[{\"dossier\":\"" KIT_DOSSIER
                  "\",\"clock\":\"D2\",\"startSeq\":\"4\",\"startedOn\":\"2026-03-03\",\"holder\":\"me\"}]}}");
    return *ret == NULL ? -ENOMEM : 0;
}

#define D1                                                                                                             \
    "{\"clocks\":{\"clocks\":[{\"dossier\":\"" KIT_DOSSIER                                                             \
    "\",\"clock\":\"D1\",\"startSeq\":\"3\",\"startedOn\":\"2026-03-23\",\"holder\":\"me\"}]"

static void
work_open(struct kit *kit, struct agent_work *work)
{
    char error[OPTIONS_ERROR_MAX];

    (void)snprintf(kit->who.unit, sizeof kit->who.unit, "me");
    kit->link.query = fake_query;
    asked = 0;
    failing = 0;
    *work = (struct agent_work){
        .dirs = &kit->dirs, .link = &kit->link, .config = &kit->config, .who = &kit->who, .names = &kit->names};
    assert_int_equal(agent_work_open(work, error), 0);
    assert_null(work->settings.at); /* none: nothing to close */
}

static json_t *
list_read(const struct kit *kit)
{
    char *text = kit_text(kit, "worklist.json");
    json_t *list = json_loads(text, 0, NULL);

    free(text);
    assert_non_null(list);
    return list;
}

static void
the_list_is_there_as_data_and_as_a_page(void **state)
{
    struct kit *kit = *state;
    struct agent_work work;
    json_t *list;
    char *page;

    work_open(kit, &work);
    kit_put(kit, "inbox/000000000003-referral.html", "<html>");
    clocks = D1 "}}";
    assert_int_equal(agent_work_run(&work, 1000, DAY, 0), 0);
    list = list_read(kit);
    assert_string_equal(json_string_value(json_object_get(list, "asOf")), "2026-04-01");
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    json_decref(list);
    page = kit_text(kit, "worklist.html");
    assert_non_null(strstr(page, "<a href=\"inbox/000000000003-referral.html\">" KIT_DOSSIER "</a>"));
    free(page);
}

static void
an_answer_in_pages_is_put_together(void **state)
{
    struct kit *kit = *state;
    struct agent_work work;
    json_t *list;

    work_open(kit, &work);
    clocks = D1 ",\"nextSeq\":\"5\",\"nextMark\":2}}";
    assert_int_equal(agent_work_run(&work, 1000, DAY, 0), 0);
    assert_int_equal(asked, 4);
    list = list_read(kit);
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 2);
    json_decref(list);
}

static void
it_is_made_anew_after_news_with_the_day_and_now_and_then(void **state)
{
    struct kit *kit = *state;
    struct agent_work work;
    uint64_t now = 1000;

    work_open(kit, &work);
    clocks = D1 "}}";
    assert_int_equal(agent_work_run(&work, now, DAY, 0), 0);
    assert_int_equal(asked, 3);
    now += WORK_PAUSE_S * 1000;
    assert_int_equal(agent_work_run(&work, now, DAY, 0), 0);
    assert_int_equal(asked, 3); /* nothing new */
    assert_int_equal(agent_work_run(&work, now, DAY, 1), 0);
    assert_int_equal(asked, 6);
    assert_int_equal(agent_work_run(&work, now + 1, DAY, 2), 0);
    assert_int_equal(asked, 6); /* not at every event */
    now += WORK_PAUSE_S * 1000;
    assert_int_equal(agent_work_run(&work, now, DAY, 2), 0);
    assert_int_equal(asked, 9);
    now += WORK_PAUSE_S * 1000;
    assert_int_equal(agent_work_run(&work, now, DAY + 1, 2), 0);
    assert_int_equal(asked, 12);
    now += WORK_ROUND_S * 1000;
    assert_int_equal(agent_work_run(&work, now, DAY + 1, 2), 0);
    assert_int_equal(asked, 15);
}

static void
without_an_answer_the_last_list_stays(void **state)
{
    static const int errors[] = {-ENOTCONN, -ETIMEDOUT, -EPROTO};
    struct kit *kit = *state;
    struct agent_work work;
    char *before, *after;

    work_open(kit, &work);
    clocks = D1 "}}";
    assert_int_equal(agent_work_run(&work, 1000, DAY, 0), 0);
    before = kit_text(kit, "worklist.json");
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        failing = errors[i];
        assert_int_equal(agent_work_run(&work, 1000 + (i + 1) * WORK_ROUND_S * 1000, DAY, 0), 0);
        after = kit_text(kit, "worklist.json");
        assert_string_equal(after, before);
        free(after);
    }
    failing = 0;
    clocks = "{\"clocks\":{\"clocks\":[{\"clock\":\"D1\"}]}}"; /* no date: not an answer to build on */
    assert_int_equal(agent_work_run(&work, 9 * WORK_ROUND_S * 1000, DAY, 0), 0);
    after = kit_text(kit, "worklist.json");
    assert_string_equal(after, before);
    free(after);
    free(before);
}

static void
work_without_a_deadline_is_asked_for_page_by_page(void **state)
{
    struct kit *kit = *state;
    struct agent_work w;
    json_t *list;
    char *page;

    work_open(kit, &w);
    kit_put(kit, "inbox/000000000017-info.html", "<html>");
    clocks = "{\"clocks\":{}}";
    waiting = "{\"work\":{\"items\":[{\"dossier\":\"" KIT_DOSSIER "\",\"kind\":\"QUESTION\",\"seq\":\"17\",\"eventId\":"
              "\"" KIT_DOSSIER "\",\"type\":\"INFO_REQUESTED\",\"unit\":\"ops\",\"tsMs\":\"1774958400000\"}],"
              "\"nextSeq\":\"9\",\"nextItem\":1,\"nextServed\":3}}";
    assert_int_equal(agent_work_run(&w, 1000, DAY, 0), 0);
    waiting = "{\"work\":{}}";
    assert_int_equal(asked, 4);
    list = list_read(kit);
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    json_decref(list);
    page = kit_text(kit, "worklist.html");
    assert_non_null(strstr(page, "<a href=\"inbox/000000000017-info.html\">")); /* the question itself */
    free(page);
}

static void
the_offices_own_lengths_count_on_its_list(void **state)
{
    struct kit *kit = *state;
    struct agent_work w;
    char error[OPTIONS_ERROR_MAX], path[128];
    json_t *list;

    work_open(kit, &w);
    kit_put(kit, "clocks", "D1 term 2 DAYS\n");
    (void)snprintf(path, sizeof path, "%s/clocks", kit->dir);
    kit->config.clocks = path;
    assert_int_equal(agent_work_open(&w, error), 0);
    clocks = D1 "}}";
    assert_int_equal(agent_work_run(&w, 1000, DAY, 0), 0);
    list = list_read(kit);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(list, "tasks"), 0), "due")),
                        "2026-03-25");
    json_decref(list);
    agent_work_close(&w);
    kit_put(kit, "clocks", "D1 length 2\n");
    assert_int_equal(agent_work_open(&w, error), -EINVAL);
    assert_non_null(strstr(error, "clocks:1: "));
}

static void
a_wrong_file_of_holidays_is_named_with_its_line(void **state)
{
    struct kit *kit = *state;
    struct agent_work work;
    char error[OPTIONS_ERROR_MAX], path[128];

    work_open(kit, &work);
    kit_put(kit, "holidays", "fixed 01-01\nfixed 13-01\n");
    (void)snprintf(path, sizeof path, "%s/holidays", kit->dir);
    kit->config.holidays = path;
    assert_int_equal(agent_work_open(&work, error), -EINVAL);
    assert_non_null(strstr(error, "holidays:2: "));
    (void)snprintf(path, sizeof path, "%s/none", kit->dir);
    assert_int_equal(agent_work_open(&work, error), -ENOENT);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        T(the_list_is_there_as_data_and_as_a_page),
        T(an_answer_in_pages_is_put_together),
        T(it_is_made_anew_after_news_with_the_day_and_now_and_then),
        T(without_an_answer_the_last_list_stays),
        T(work_without_a_deadline_is_asked_for_page_by_page),
        T(the_offices_own_lengths_count_on_its_list),
        T(a_wrong_file_of_holidays_is_named_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
