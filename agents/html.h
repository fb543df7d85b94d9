/*
 * html - the frame of the pages that an office reads and prints
 *
 * A page is one file with everything in it: no script, nothing fetched from elsewhere, and a policy in its head that
 * says so to the browser. Every text goes through html_text(), which escapes it, and names what would turn it round
 * (words_turn) instead of writing it.
 *
 * Errors: none; what cannot be written shows when the stream is closed. Threads: any, one at a time for each stream.
 */
#ifndef WICI_HTML_H
#define WICI_HTML_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What all pages of an office have in common. */
struct page_options {
    const char *header, *footer; /* lines of the office's own; may be NULL or empty */
    const json_t *names;         /* {"unit or agency id": "name"}; NULL: ids only */
    bool polish;                 /* else English */
    const char *person;          /* of one event: a copy for this person of the family (page.h); NULL: for the office */
    const char *addressee;       /* of one event: a letter for this agency (page.h); NULL: none */
    const json_t *answered;      /* of such a letter: the event that it answers, which that agency sent; NULL: none */
};

/* The head of a page, its office's line, and its title, which stands on every printed sheet too. html_close: the
 * office's last line, and the end. */
void html_open(FILE *out, const struct page_options *options, const char *title);
void html_close(FILE *out, const struct page_options *options);

void html_text(FILE *out, const char *text);
/* "Szkoła Podstawowa nr 3 (sp3-pedagog)" where the directory knows a name that is not the id itself. */
void html_named(FILE *out, const struct page_options *options, const char *id);
/* What stands behind a readable text, kept small: a code, the exact time. */
void html_exact(FILE *out, const char *text);
/* <p class="small">TEXT</p>, with a line's end; nothing for NULL and "". */
void html_small(FILE *out, const char *text);

#endif
