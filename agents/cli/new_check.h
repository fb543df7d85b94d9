/*
 * new_check - would the broker take what `wici new` made?
 */
#ifndef WICI_NEW_CHECK_H
#define WICI_NEW_CHECK_H

#include "agents/cli/cli.h"

/* The checks of one event. What the agent fills in later is filled in for them only. False: it said what is wrong. */
bool event_passes(const struct cli *cli, const json_t *header_made, const json_t *sections);

#endif
