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

#endif
