/*
 * page - a received event as a page to read and to print
 *
 * In the frame of html.h. Labels come from the registry of event types; every value out of the event is escaped.
 *
 * A copy for a person (page_options.person) has no section whose not_to names that person, and none that is only for
 * some institutions; it does not say to whom the event went, for whom sections are or are not, nor what the broker
 * added, nor that anything was left out.
 *
 * A letter for an agency without the system (page_options.addressee) says for whom it is, and of which of its own
 * letters it is the answer, instead of an event's number; it says nothing of parts that were left out: the agency's
 * page has what the agency is given.
 *
 * Threads: any.
 */
#ifndef WICI_PAGE_H
#define WICI_PAGE_H

#include "agents/html.h"

#include <jansson.h>

/* event: what wici_event_json() made. -EBADMSG: no event; -ENOMEM. */
int page_render(const json_t *event, const struct page_options *options, char **ret);
/* The same event as a part of a page that html_open() began: under a heading of its own. */
void page_event(FILE *out, const struct page_options *options, const json_t *event);

#endif
