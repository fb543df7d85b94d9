/*
 * shown - who was shown what of a dossier, as the broker answers it, asked page after page and printed
 *
 * Ownership: JSON handed out is the caller's. Errors: exit codes; what went wrong is said.
 */
#ifndef WICI_SHOWN_H
#define WICI_SHOWN_H

#include "agents/cli/cli.h"

/* What to ask for; texts may be NULL. */
struct shown_request {
    const char *dossier, *since, *until; /* times in RFC 3339 */
    const char *reason;                  /* recorded with the answer */
};

/* *ret: {"dossier","asOfSeq","afterErasure","events":[...],"reads":[...]}, the parts of a ShownList. The work takes the
 * broker as long as a start: unless --timeout says otherwise it is waited for ten minutes, also while it works for
 * somebody else. */
int shown_ask(struct cli *cli, const struct shown_request *request, json_t **ret);
/* Keeps only the reads of this agency, or unit (NULL: any). directory: of the broker. */
void shown_narrow(json_t *shown, const json_t *directory, const char *agency, const char *unit);
/* A line for each read and event. */
void shown_print(const struct cli *cli, const json_t *shown, const json_t *directory);
void shown_csv(const json_t *shown, const json_t *directory);

/* The agency of a unit of the directory; "": not in it. */
const char *unit_agency(const json_t *directory, const char *unit);

#endif
