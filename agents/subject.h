/*
 * subject - the account of a dossier, for a person who asks what is held about him (GDPR art. 15): its words and its
 * page
 *
 * `wici subject` puts it together (agents/cli/subject.h says what it holds) and prints it as text; the page is the same
 * account in the frame of html.h. Both take headings and sentences from here.
 *
 * Threads: any.
 */
#ifndef WICI_SUBJECT_H
#define WICI_SUBJECT_H

#include "agents/html.h"

#include <jansson.h>
#include <stdbool.h>

enum subject_heading {
    SUBJECT_TITLE,
    SUBJECT_STANDS,
    SUBJECT_KINDS,
    SUBJECT_SOURCES,
    SUBJECT_EVENTS,
    SUBJECT_DOCUMENTS,
    SUBJECT_RECIPIENTS,
    SUBJECT_DEADLINES,
    SUBJECT_LINKED,
    SUBJECT_ERASED,
    SUBJECT_LEFT_OUT,
};

const char *subject_heading(enum subject_heading heading, bool pl);
/* What is not in an account, and why: the sentence of a code of "leftOut". The code itself where it is not known. */
const char *subject_note(const char *code, bool pl);
/* What was told instead of events, by the word in the record of it; the word itself where it is not known. */
const char *subject_question(const char *question, bool pl);
/* The same of a row of "recipients", or of a read, with the number of the document where it has one. */
#define SUBJECT_TOLD_SIZE 160u
void subject_told(const json_t *row, bool pl, char ret[SUBJECT_TOLD_SIZE]);
/* What a row of "recipients" says beside the rest; "" when there is nothing. */
const char *subject_remark(const json_t *recipient, bool pl);

/* The whole account as a page to print. -ENOMEM. */
int subject_page(const json_t *subject, const struct page_options *options, char **ret);

#endif
