/*
 * worklist_ask - what a work list is made of, asked of the broker; see worklist.h
 */
#include "agents/worklist.h"

#include "proto/member.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* An erasure moves the places that pages go on at: so often the list is begun anew. */
#define ANEW_MAX 16u

/* Adds a page of an answer to all, and writes the request for the next one. 1: there is one; 0: that was the last. */
typedef int page_fn(const json_t *answer, char *ret_next, size_t size);

static int
next_courses(const json_t *answer, char *ret_next, size_t size)
{
    uint64_t next = member_number(answer, "nextSeq");

    (void)snprintf(ret_next, size, "{\"courses\":{\"fromSeq\":\"%" PRIu64 "\"}}", next);
    return next != 0;
}

static int
next_clocks(const json_t *answer, char *ret_next, size_t size)
{
    uint64_t next = member_number(answer, "nextSeq");

    (void)snprintf(ret_next, size,
                   "{\"clocks\":{\"fromSeq\":\"%" PRIu64 "\",\"fromMark\":%" PRIu64 ",\"fromMade\":\"%" PRIu64 "\"}}",
                   next, member_number(answer, "nextMark"), member_number(answer, "nextMade"));
    return next != 0;
}

static int
next_work(const json_t *answer, char *ret_next, size_t size)
{
    uint64_t next = member_number(answer, "nextSeq");

    (void)snprintf(ret_next, size,
                   "{\"work\":{\"fromSeq\":\"%" PRIu64 "\",\"fromItem\":%" PRIu64 ",\"fromServed\":%" PRIu64
                   ",\"fromMade\":\"%" PRIu64 "\"}}",
                   next, member_number(answer, "nextItem"), member_number(answer, "nextServed"),
                   member_number(answer, "nextMade"));
    return next != 0;
}

/* All pages of the answers `name`, whose elements are in `items`, into one array. */
static int
list_ask(worklist_query_fn *query, void *arg, const char *name, const char *items, page_fn *next, json_t **ret)
{
    char request[192];
    json_t *all = json_array();
    int rc = all == NULL ? -ENOMEM : 1;
    unsigned anew = 0;

    (void)snprintf(request, sizeof request, "{\"%s\":{}}", name);
    while (rc == 1) {
        char *text = NULL;
        json_t *result, *answer;

        rc = query(arg, request, &text);
        if (rc == -ESTALE && anew++ < ANEW_MAX) {
            (void)snprintf(request, sizeof request, "{\"%s\":{}}", name);
            json_array_clear(all);
            rc = 1;
            continue;
        }
        if (rc != 0)
            break;
        result = json_loads(text, 0, NULL);
        free(text);
        answer = json_object_get(result, name);
        if (!json_is_object(answer))
            rc = -EBADMSG;
        else if (json_array_extend(all, json_object_get(answer, items)) != 0 && json_object_get(answer, items) != NULL)
            rc = -ENOMEM;
        else
            rc = next(answer, request, sizeof request);
        json_decref(result);
    }
    if (rc != 0)
        json_decref(all);
    else
        *ret = all;
    return rc;
}

int
worklist_ask_clocks(worklist_query_fn *query, void *arg, json_t **ret)
{
    return list_ask(query, arg, "clocks", "clocks", next_clocks, ret);
}

int
worklist_ask(worklist_query_fn *query, void *arg, struct worklist_answers *ret)
{
    struct worklist_answers answers = {0};
    int rc = worklist_ask_clocks(query, arg, &answers.clocks);

    if (rc == 0)
        rc = list_ask(query, arg, "courses", "courses", next_courses, &answers.courses);
    if (rc == 0)
        rc = list_ask(query, arg, "work", "items", next_work, &answers.work);
    if (rc != 0)
        worklist_answers_free(&answers);
    else
        *ret = answers;
    return rc;
}
