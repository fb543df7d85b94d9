/*
 * worklist_ask - what a work list is made of, asked of the broker; see worklist.h
 */
#include "agents/worklist.h"

#include "proto/member.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

    (void)snprintf(ret_next, size, "{\"clocks\":{\"fromSeq\":\"%" PRIu64 "\",\"fromMark\":%" PRIu64 "}}", next,
                   member_number(answer, "nextMark"));
    return next != 0;
}

/* All pages of the list `name` into one array. */
static int
list_ask(worklist_query_fn *query, void *arg, const char *name, page_fn *next, json_t **ret)
{
    char request[128];
    json_t *all = json_array();
    int rc = all == NULL ? -ENOMEM : 1;

    (void)snprintf(request, sizeof request, "{\"%s\":{}}", name);
    while (rc == 1) {
        char *text = NULL;
        json_t *result, *answer;

        rc = query(arg, request, &text);
        if (rc != 0)
            break;
        result = json_loads(text, 0, NULL);
        free(text);
        answer = json_object_get(result, name);
        if (!json_is_object(answer))
            rc = -EBADMSG;
        else if (json_array_extend(all, json_object_get(answer, name)) != 0 && json_object_get(answer, name) != NULL)
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
worklist_ask(worklist_query_fn *query, void *arg, json_t **ret_clocks, json_t **ret_courses)
{
    json_t *clocks, *courses;
    int rc = list_ask(query, arg, "clocks", next_clocks, &clocks);

    if (rc != 0)
        return rc;
    rc = list_ask(query, arg, "courses", next_courses, &courses);
    if (rc != 0) {
        json_decref(clocks);
        return rc;
    }
    *ret_clocks = clocks;
    *ret_courses = courses;
    return 0;
}
