/*
 * worklist - what an office has to do next, and by when
 *
 * Put together from what the broker answers: the deadlines that run in the dossiers this unit holds or has to answer,
 * and of what it was asked elsewhere (query "clocks"), what waits for it without such a deadline (query "work"), and
 * whose turn it is in the referrals that it got (query "courses"). The broker knows when a term began and not how long
 * it is; where the deadline watcher has not told the date yet, it is worked out here, with the lengths of
 * docs/DEADLINES.md or the office's own, and the calendar of holidays. `wici deadlines` prints the same.
 *
 * A work list is JSON (docs/AGENT.md has its members), sorted by due date, the overdue first:
 *
 *     {"unit", "asOf", "tasks": [...], "others": [...]}
 *
 * "tasks" is the unit's own work; "others" what runs in the same dossiers, for which somebody else has to act. What has
 * no date stands behind what is due today.
 *
 * Pure but for memory. Errors: -ENOMEM; -EBADMSG: not an answer of the broker. Ownership: what is handed out is the
 * caller's. Threads: any.
 */
#ifndef WICI_WORKLIST_H
#define WICI_WORKLIST_H

#include "agents/calendar.h"
#include "agents/deadlines.h"
#include "agents/html.h"

#include <jansson.h>

struct worklist_options {
    const char *unit;                         /* whose list */
    const char *rules;                        /* names of clocks that are this office's work ("D1 D2"); empty: all */
    const struct calendar *calendar;          /* holidays */
    const struct deadline_settings *settings; /* the office's own lengths and switches; NULL: none */
    int32_t today;                            /* the day in Poland */
};

/* Arrays of the answers' members, all pages joined. */
struct worklist_answers {
    json_t *clocks, *courses, *work;
};
void worklist_answers_free(struct worklist_answers *answers);

int worklist_make(const struct worklist_options *options, const struct worklist_answers *answers, json_t **ret);

/* Asks the broker for all of them, page by page. query: as in agent_link.h; its error is handed on, but that a list
 * whose places moved (-ESTALE) is asked for anew; -ESTALE where that never ends. */
typedef int worklist_query_fn(void *arg, const char *request, char **ret);
int worklist_ask(worklist_query_fn *query, void *arg, struct worklist_answers *ret);
/* The deadlines alone, in the same way. */
int worklist_ask_clocks(worklist_query_fn *query, void *arg, json_t **ret);

/* False: a word in rules is no clock's name; *ret_word is that word (in rules), *ret_len its length. */
bool worklist_rules_check(const char *rules, const char **ret_word, size_t *ret_len);

/* Ours and others' in one, sorted; only those that `of` says yes to. */
typedef bool worklist_pick_fn(const json_t *task, const void *arg);
int worklist_join(const json_t *list, worklist_pick_fn *of, const void *arg, json_t **ret);

/* "3 dni po terminie", "dziś", "jutro", "za 12 dni"; of a task without a date how long it waits: "od 3 dni". */
#define WORKLIST_LEFT_SIZE 64u
void worklist_left(const json_t *task, bool polish, char ret[WORKLIST_LEFT_SIZE]);
/* When it is due, "wt. 7.04.2026"; "bez terminu". */
void worklist_due(const json_t *task, bool polish, char ret[WORKLIST_LEFT_SIZE]);
/* What has to be done, in words; with `names` (html.h) also who asks for it, or for whom it is. The caller's to free.
 * NULL: no memory. */
char *worklist_title(const json_t *task, const json_t *names, bool polish);
/* The dossier's id; of what an agency as a whole has to do, the agency's. Borrowed from the task. */
const char *worklist_place(const json_t *task);
/* The labels of the events that close it, joined by " / "; the caller's to free. NULL: no memory. */
char *worklist_closed_by(const json_t *task, bool polish);

/* The page to read and print. files: {"seq": "inbox/000000004711-referral.html"} of pages that are there; may be NULL.
 */
int worklist_page(const json_t *list, const json_t *files, const struct page_options *options, char **ret);

#endif
