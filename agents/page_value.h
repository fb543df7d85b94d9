/*
 * page_value - how a page (page.h) writes values: text, names, dates, codes, and messages as tables of label and value
 *
 * The fields of a message come in the registry's order; a field the registry does not know (the partner's software is
 * newer) is shown under its own name, after the others. Every text is escaped.
 *
 * Threads: any, one at a time for each page.
 */
#ifndef WICI_PAGE_VALUE_H
#define WICI_PAGE_VALUE_H

#include "agents/html.h"

#include "proto/types.h"

struct page {
    FILE *out;
    const struct page_options *o;
    unsigned heading; /* of the parts of an event: 2, or 3 where the event has one of its own */
};

/* The one of the page's language. */
const char *page_say(const struct page *p, const char *pl, const char *en);

void page_text(const struct page *p, const char *text);
/* What the directory calls that id, or the id. */
void page_named(const struct page *p, const char *id);
/* A code, or an exact time, kept small behind what people read. */
void page_exact(const struct page *p, const char *text);
/* "23.11.2026, 15:13", and the exact time in UTC. */
void page_time(const struct page *p, const char *rfc3339);
void page_date(const struct page *p, const char *date);
/* The label of a word, with the word itself. */
void page_code(const struct page *p, const char *word);
/* An object as a table. info NULL: the registry does not know what it is. depth: 0, or how deep it lies in others. */
void page_message(const struct page *p, const json_t *object, const struct message_info *info, int depth);

/* A row of a table: what is between open and close is its value. */
void page_row_open(const struct page *p, const char *label);
void page_row_close(const struct page *p);
/* Nothing where value is NULL or "". */
void page_row(const struct page *p, const char *label, const char *value);
/* As page_row, the value written by put. */
void page_row_of(const struct page *p, const char *label, const char *value,
                 void (*put)(const struct page *p, const char *value));

#endif
