/*
 * outbox_odd - what lies in outbox and is not sent, told to the people who put it there
 *
 * A link, a folder, a name that ends in ".json.txt": nothing here is passed over in silence. What has stayed as it is
 * for half_ms is listed in outbox/NIE-WYSLANO.txt, each with what to do, in Polish and in English; the file is renewed
 * when the list changes and goes when there is nothing to tell. The log says once that there is something, without
 * names. Nothing is moved: a program may be about to rename what it has written.
 *
 * Names that begin with a dot or end in "~" are the system's or an editor's, and not told; nor are the files that
 * Windows leaves in folders, nor the folder of files of an event that is still waiting.
 *
 * Errors: 0 or -errno of the disk. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_OUTBOX_ODD_H
#define WICI_OUTBOX_ODD_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"

#define OUTBOX_ODD_FILE "NIE-WYSLANO.txt"
#define OUTBOX_ODD_MAX  50u /* things listed; of more, how many */

struct odd;

int odd_open(struct odd **ret, const struct agent_dirs *dirs, const struct agent_config *config);
void odd_close(struct odd **odd);

/* Looks the folder through, at most once in poll_ms of a steady clock. */
int odd_run(struct odd *odd, uint64_t now_ms);

#endif
