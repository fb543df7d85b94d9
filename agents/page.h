/*
 * page - a received event as a page to read and to print
 *
 * One HTML file with everything in it: no script, nothing fetched from elsewhere. Labels come from the registry of
 * event types; every value out of the event is escaped.
 *
 * Threads: any.
 */
#ifndef WICI_PAGE_H
#define WICI_PAGE_H

#include <jansson.h>
#include <stdbool.h>

struct page_options {
    const char *header, *footer; /* lines of the office's own; may be empty */
    const json_t *names;         /* {"unit or agency id": "name"}; NULL: ids only */
    bool polish;                 /* else English */
};

/* event: what wici_event_json() made. -EBADMSG: no event; -ENOMEM. */
int page_render(const json_t *event, const struct page_options *options, char **ret);

#endif
