/*
 * erasures - what became of the copies of who was told of an erasure, as the broker answers it, asked page after page
 * and printed
 *
 * For administrators and auditors. Ownership: JSON handed out is the caller's. Errors: exit codes; what went wrong is
 * said.
 */
#ifndef WICI_ERASURES_H
#define WICI_ERASURES_H

#include "agents/cli/cli.h"

/* *ret: an ErasureState of wire.proto with all its recipients: the erasure of that dossier, or the one that the record
 * of this number ordered. CLI_NOT_FOUND: there is none. */
int erasures_one(struct cli *cli, const char *dossier_or_seq, json_t **ret);
/* *ret: an array of all erasures, without recipients. */
int erasures_all(struct cli *cli, json_t **ret);

/* The order, how many have answered, and a line for each unit, who has not answered first. */
void erasures_print_one(const struct cli *cli, const json_t *erasure);
/* A line for each. */
void erasures_print_all(const struct cli *cli, const json_t *erasures);

#endif
