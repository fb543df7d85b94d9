/*
 * errors - the one list of refusals and warnings
 *
 * errors.def holds, for each code: the sentence a person reads, in Polish and in English, and what a client does
 * about it. docs/PROTOCOL.md lists the same codes, and a test compares the two. Threads: any.
 */
#ifndef WICI_ERRORS_H
#define WICI_ERRORS_H

#include <stdbool.h>

enum error_code {
    E_NONE,
#define WICI_ERROR(name, client, pl, en) name,
#include "errors.def"
#undef WICI_ERROR
    ERROR_CODE_COUNT
};

/*
 * The rules behind them: several may have one code, and a code need not have any. A constant ends in W where the same
 * rule also has a milder reaction.
 */
enum rule {
    RULE_NONE,
#define WICI_ERROR(name, client, pl, en)
#define WICI_RULE(name, id, code, source, pl, en) RULE_##name,
#include "errors.def"
#undef WICI_RULE
#undef WICI_ERROR
    RULE_COUNT
};

/* What a client does about a refusal. */
enum error_client {
    CLIENT_FIX,   /* mend the message: sending it again as it is gives the same answer */
    CLIENT_WAIT,  /* send it again later, unchanged */
    CLIENT_HELLO, /* say Hello again on a new connection */
    CLIENT_ASK,   /* a person has to look: an administrator, or the partner */
    CLIENT_NOTE   /* a warning: the event was taken */
};

/* "E_ROLE"; for E_NONE "OK". */
const char *error_name(enum error_code code);
const char *error_text(enum error_code code, bool pl);
enum error_client error_client(enum error_code code);
/* E_NONE: no such code. */
enum error_code error_by_name(const char *name);

/* "I16"; "" for RULE_NONE. */
const char *rule_id(enum rule rule);
enum error_code rule_code(enum rule rule);
/* "CUS art. 40 (E2)": the act, or whose practice, and the entry of docs/RULES.md; "" when the rule is Wici's own. */
const char *rule_source(enum rule rule);
/* The rule's own sentence, or its code's. */
const char *rule_text(enum rule rule, bool pl);
/* The rule that a refusal or warning with this code comes from when nothing else is said; RULE_NONE: several, or none.
 */
enum rule rule_of_code(enum error_code code);
/* The rule with this id and code; RULE_NONE: none. */
enum rule rule_by_id(const char *id, enum error_code code);

/* A refusal and where in the message its cause stands; the path is empty when it is the whole message. */
#define ERROR_PATH_MAX 200u
struct refusal {
    enum error_code code;
    enum rule rule; /* RULE_NONE: the code says it all */
    char path[ERROR_PATH_MAX];
};
/* A refusal that no rule of its own gives; a longer path is cut. */
void refusal_set(struct refusal *ret, enum error_code code, const char *path);

#endif
