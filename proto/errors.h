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

/* A refusal and where in the message its cause stands; the path is empty when it is the whole message. */
#define ERROR_PATH_MAX 200u
struct refusal {
    enum error_code code;
    char path[ERROR_PATH_MAX];
};

#endif
