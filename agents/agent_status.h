/*
 * agent_status - what `wici-agent --status` shows: out of the folders alone, whether or not the agent runs
 *
 * Errors: 0 or -errno. Threads: one.
 */
#ifndef WICI_AGENT_STATUS_H
#define WICI_AGENT_STATUS_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"

#include <stdio.h>

#define STATUS_ROWS_MAX 200u /* sent events shown; the newest */

int agent_status_print(const struct agent_dirs *dirs, const struct agent_config *config, FILE *out);

/* Notes the connection's state for it: "ready", "connecting", "refused" or "deaf" (connected, and nothing is received),
 * and the refusal's code; clock_off_s: by how much the computer's clock is fast, 0 if it is well. */
int agent_status_note(const struct agent_dirs *dirs, const char *state, const char *code, int64_t clock_off_s);

#endif
