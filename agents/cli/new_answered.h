/*
 * new_answered - the event that `wici new --answers` answers
 */
#ifndef WICI_NEW_ANSWERED_H
#define WICI_NEW_ANSWERED_H

#include "agents/cli/cli.h"

/*
 * what: a file of inbox; or a number or an id, then it is read from the broker. CLI_OK and *ret, the caller's
 * (json_decref); or the exit code, having said why. Exits with CLI_USAGE when it is none of these.
 */
int answered_load(struct cli *cli, const char *what, json_t **ret);

/*
 * What a new event takes from it: dossier, correlation and cause into the header; its references, and its own id where
 * the new event names it, into known (values of fields by their JSON name); its persons into persons.
 */
void answered_take(const json_t *event, json_t *header, json_t *known, json_t *persons);

#endif
