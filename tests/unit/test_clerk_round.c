/* What clerk.h says of a round, at a broker that is a few lines of this file: it makes the calls of wici.h. */
#include "agents/clerk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the broker */

#define NOTICES_MAX 8u

static const char *clocks; /* what it answers each question with */
static struct {
    char clock[8];
    wici_answer_fn *fn;
    void *arg;
} notices[NOTICES_MAX];
static size_t sent, answered;

int
wici_query(struct wici *w, const char *request_json, int timeout_ms, char **ret)
{
    (void)w;
    (void)request_json;
    (void)timeout_ms;
    *ret = strdup(clocks);
    return *ret == NULL ? -ENOMEM : 0;
}

int
wici_encode_json(struct wici *w, const char *json, uint8_t **ret, size_t *ret_len, char **ret_error)
{
    (void)w;
    (void)ret_error;
    *ret = (uint8_t *)strdup(json);
    *ret_len = strlen(json);
    return *ret == NULL ? -ENOMEM : 0;
}

int
wici_publish(struct wici *w, const uint8_t *event, size_t len, wici_answer_fn *fn, void *arg)
{
    static const char name[] = "\"clock\":\"";
    const char *clock = strstr((const char *)event, name);

    (void)w;
    (void)len;
    assert_non_null(clock);
    assert_true(sent < NOTICES_MAX);
    clock += strlen(name);
    (void)snprintf(notices[sent].clock, sizeof notices[sent].clock, "%.*s", (int)strcspn(clock, "\""), clock);
    notices[sent].fn = fn;
    notices[sent++].arg = arg;
    return 0;
}

/* One answer: what was told before is no news. */
int
wici_run(struct wici *w, int timeout_ms)
{
    static const struct wici_error no_news = {"E_ORDER", "", "", ""};
    struct wici_answer answer = {.seq = answered + 1};
    size_t i = answered++;

    (void)w;
    (void)timeout_ms;
    assert_true(i < sent);
    for (size_t before = 0; before < i; before++)
        if (strcmp(notices[before].clock, notices[i].clock) == 0)
            answer = (struct wici_answer){.refusal = &no_news};
    notices[i].fn(notices[i].arg, &answer);
    return 0;
}

size_t
wici_pending(const struct wici *w)
{
    (void)w;
    return sent - answered;
}

enum wici_state
wici_state(const struct wici *w)
{
    (void)w;
    return WICI_READY;
}

/* ---- rounds */

#define CLOCK(id, more)                                                                                                \
    "{\"dossier\":\"d0000000-0000-7000-8000-0000000000aa\",\"agency\":\"cus\",\"clock\":\"" id                         \
    "\",\"startSeq\":\"7\",\"startedOn\":\"2026-03-02\",\"state\":\"runs\"" more "}"

static int
round_run(struct clerk_tally *ret)
{
    static const struct calendar calendar = {0};
    int broker;
    struct clerk clerk = {.client = (struct wici *)&broker, .calendar = &calendar};

    sent = answered = 0;
    return clerk_round(&clerk, 20600, ret); /* 2026-05-27 */
}

static void
what_is_to_be_told_is_told(void **state)
{
    struct clerk_tally tally;

    (void)state;
    clocks = "{\"clocks\":{\"clocks\":[" CLOCK("D1", "") "," CLOCK("D2", "") "]}}";
    assert_int_equal(round_run(&tally), 0);
    assert_int_equal(tally.told[CLERK_MISSED], 2);
    assert_int_equal(tally.unread, 0);
}

static void
a_clock_that_is_not_understood_hides_no_other(void **state)
{
    struct clerk_tally tally;

    (void)state;
    clocks = "{\"clocks\":{\"clocks\":[" CLOCK("D1", "") "," CLOCK("D99", "") "," CLOCK(
        "D12", ",\"named\":true") "," CLOCK("D2", "") "]}}";
    assert_int_equal(round_run(&tally), -EBADMSG);
    assert_int_equal(tally.told[CLERK_MISSED], 2);
    assert_int_equal(tally.unread, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_to_be_told_is_told),
        cmocka_unit_test(a_clock_that_is_not_understood_hides_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
