/*
 * new_outbox - where `wici new` leaves the event: the outbox of wici-agent, any folder, or standard output
 *
 * A file appears in the folder whole or not at all. Its name says when it was made and of which type it is, never whom
 * it is about.
 */
#ifndef WICI_NEW_OUTBOX_H
#define WICI_NEW_OUTBOX_H

#include "agents/cli/cli.h"

/*
 * The folder of --outbox ('o'), or that of the settings of --agent ('A'); malloc'd, the caller frees it. NULL: neither
 * was given, the event goes to standard output. Both: exits with CLI_USAGE. -EINVAL: said what is wrong with the
 * settings; -ENOMEM.
 */
int outbox_find(const struct cli_args *args, char **ret);

/* Writes the event and, into a folder, says where. -errno: nothing was left there. */
int outbox_write(const json_t *event, const char *type, const char *outbox);

#endif
