/* A round: pages of clocks in, notices out. Answers come through the client's loop. */
#include "agents/clerk.h"

#include "proto/member.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS     30000
#define ANSWER_MS  30000
#define PASSES_MAX 8u /* a clock may have more than one thing to tell: that it was missed, and met */
#define PAGE       500
#define ANEW_MAX   16u /* an erasure moves the places that pages go on at */

struct round {
    struct clerk *clerk;
    int32_t today;
};

struct page {
    uint64_t from_seq, from_mark, made;
};

/* A notice under way. The clerk keeps them all: an answer may come after the round that sent it. */
struct clerk_pending {
    LIST_ENTRY(clerk_pending) link;
    struct clerk *clerk;
    enum clerk_notice notice;
    struct clerk_clock clock;
};

static void
answered(void *arg, const struct wici_answer *answer)
{
    struct clerk_pending *pending = arg;
    struct clerk *clerk = pending->clerk;

    if (answer->seq != 0) {
        clerk->tally.told[pending->notice]++;
        if (clerk->told_fn != NULL)
            clerk->told_fn(clerk->told_arg, pending->notice, &pending->clock, answer->seq);
    } else {
        clerk->tally.refused++;
        (void)snprintf(clerk->tally.refusal, sizeof clerk->tally.refusal, "%s %s", answer->refusal->code,
                       answer->refusal->path);
    }
    LIST_REMOVE(pending, link);
    free(pending);
}

static int
publish(struct round *round, const struct clerk_clock *clock, const struct deadline_plan *plan,
        enum clerk_notice notice, bool last)
{
    struct wici *client = round->clerk->client;
    struct clerk_pending *pending = calloc(1, sizeof *pending);
    char *text = NULL;
    uint8_t *event = NULL;
    size_t len = 0;
    int rc = pending == NULL ? -ENOMEM : clerk_event(clock, plan, notice, last, round->today, &text);

    if (rc == 0)
        rc = wici_encode_json(client, text, &event, &len, NULL);
    if (rc == 0) {
        *pending = (struct clerk_pending){.clerk = round->clerk, .notice = notice, .clock = *clock};
        while ((rc = wici_publish(client, event, len, answered, pending)) == -EAGAIN) {
            size_t before = wici_pending(client);

            rc = wici_run(client, ANSWER_MS);
            if (rc == 0 && wici_pending(client) == before && wici_state(client) != WICI_READY)
                rc = -ENOTCONN;
            if (rc != 0)
                break;
        }
    }
    if (rc == 0)
        LIST_INSERT_HEAD(&round->clerk->pending, pending, link);
    else
        free(pending);
    free(event);
    free(text);
    return rc;
}

static int
look_at(struct round *round, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    struct clerk_clock clock;
    struct deadline_plan plan;
    enum clerk_notice notice;
    bool last;
    int rc = text == NULL ? -ENOMEM : clerk_clock_read(text, &clock);

    free(text);
    if (rc == -EPROTO) { /* one that cannot be read hides no other */
        round->clerk->tally.unread++;
        return 0;
    }
    if (rc != 0)
        return rc;
    deadline_plan(round->clerk->settings, round->clerk->calendar,
                  &(struct deadline){.clock = clock.clock,
                                     .agency = clock.agency,
                                     .started = clock.started,
                                     .named = clock.named,
                                     .urgent = clock.urgent},
                  &plan);
    notice = clerk_decide(&clock, &plan, round->today, &last);
    return notice == CLERK_NOTHING ? 0 : publish(round, &clock, &plan, notice, last);
}

static int
ask(struct round *round, const struct page *page, json_t **ret)
{
    char question[192], *answer = NULL;
    int rc;

    (void)snprintf(question, sizeof question,
                   "{\"clocks\":{\"fromSeq\":\"%" PRIu64 "\",\"fromMark\":%" PRIu64 ",\"fromMade\":\"%" PRIu64
                   "\",\"max\":%d}}",
                   page->from_seq, page->from_mark, page->made, PAGE);
    rc = wici_query(round->clerk->client, question, ASK_MS, &answer);

    if (rc == 0) {
        *ret = json_loads(answer, 0, NULL);
        if (*ret == NULL)
            rc = -EPROTO;
    }
    free(answer);
    return rc;
}

/* Until every notice that was sent has its answer; what was not sent, or got none, is told by the next round. */
static int
settle(struct round *round)
{
    struct wici *client = round->clerk->client;

    while (wici_pending(client) > 0) {
        size_t before = wici_pending(client);
        int rc = wici_run(client, ANSWER_MS);

        if (rc != 0 && rc != -EINTR)
            return rc;
        if (rc == 0 && wici_pending(client) == before && wici_state(client) != WICI_READY)
            return -ENOTCONN;
    }
    return 0;
}

static int
pass(struct round *round)
{
    struct page page = {0};
    unsigned anew = 0;
    int rc = 0;

    do {
        json_t *result = NULL, *clocks, *clock;
        size_t i;

        rc = ask(round, &page, &result);
        if (rc == -ESTALE && anew++ < ANEW_MAX) { /* what was told by then is told: from the beginning, once that is */
            page = (struct page){0};
            rc = settle(round);
            if (rc == 0)
                rc = ask(round, &page, &result);
        }
        if (rc != 0)
            break;
        clocks = json_object_get(result, "clocks");
        json_array_foreach(json_object_get(clocks, "clocks"), i, clock)
        {
            rc = look_at(round, clock);
            if (rc != 0)
                break;
        }
        page.from_seq = member_number(clocks, "nextSeq");
        page.from_mark = member_number(clocks, "nextMark");
        page.made = member_number(clocks, "nextMade");
        json_decref(result);
    } while (rc == 0 && page.from_seq != 0);
    if (rc == 0)
        rc = settle(round);
    return rc;
}

static unsigned long
told(const struct clerk *clerk)
{
    unsigned long sum = 0;

    for (unsigned i = 0; i < CLERK_NOTICE_COUNT; i++)
        sum += clerk->tally.told[i];
    return sum;
}

int
clerk_round(struct clerk *clerk, int32_t today, struct clerk_tally *ret)
{
    struct round round = {.clerk = clerk, .today = today};
    int rc;

    assert(clerk->client != NULL);
    assert(clerk->calendar != NULL);
    clerk->tally = (struct clerk_tally){0};
    rc = settle(&round); /* what the round before left */
    for (unsigned i = 0; i < PASSES_MAX && rc == 0; i++) {
        unsigned long before = told(clerk);

        clerk->tally.unread = 0;
        rc = pass(&round);
        if (told(clerk) == before)
            break;
    }
    *ret = clerk->tally;
    return rc == 0 && ret->unread > 0 ? -EBADMSG : rc;
}

void
clerk_forget(struct clerk *clerk)
{
    struct clerk_pending *pending;

    while ((pending = LIST_FIRST(&clerk->pending)) != NULL) {
        LIST_REMOVE(pending, link);
        free(pending);
    }
}
