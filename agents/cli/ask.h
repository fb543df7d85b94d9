/*
 * ask - the dialogue of `wici new`: the fields of an event's sections, one question after another
 *
 * Questions go to standard output, answers come from standard input, a line each; a text goes on after a line that ends
 * with '\'. An answer is checked at once, and asked for again with a sentence that says what may stand there. Mandatory
 * fields come first; of the others the person chooses those he wants to fill in.
 *
 * Errors: 0; -ENODATA: the input ended before the answers did; -ENOMEM. Nothing is kept of a section not finished.
 * Ownership: struct ask borrows what it points to; JSON handed out is the caller's.
 */
#ifndef WICI_ASK_H
#define WICI_ASK_H

#include "agents/cli/cli.h"

#include "proto/arena.h"
#include "proto/types.h"

struct ask {
    const struct cli *cli;
    struct arena *arena;
    int32_t today;
    const json_t *known; /* object: values of fields by their JSON name, taken without asking; may be NULL */
    json_t *persons;     /* array of {personRef, name}: those met so far */
    const struct message_info *begins; /* the body whose mandatory UUIDs may be new ones; NULL: none */
    bool renew;                        /* and are made without asking */
    const struct message_info *again;  /* a body whose mandatory fields an earlier part holds: not asked for; NULL */
};

/* A line, without white space at its ends; malloc'd. */
int ask_line(const char *prompt, char **ret);
/* Enter means `otherwise`. */
int ask_yes_no(const char *question, bool otherwise, bool *ret);
/* The body of a section, or any message: an object. */
int ask_message(struct ask *ask, const struct message_info *message, json_t **ret);
/* One field of a message, or all elements of a repeated one; optional: Enter gives *ret = NULL. */
int ask_field(struct ask *ask, const struct message_info *message, unsigned place, bool optional, json_t **ret);
/* Numbers of known persons: an array of their references, empty when nobody is named. */
int ask_persons(struct ask *ask, const char *question, json_t **ret);

#endif
