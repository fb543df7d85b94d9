/*
 * outbox_files - the files that lie beside an event in outbox, and travel with it
 *
 *     outbox/NAME.files/ --> state/out/N.files/ --> (each uploaded) --> sent/NAME.files/ or rejected/NAME.files/
 *
 * The folder is put there before NAME.json. A document of the event that has a "name" and no "sha256" takes digest and
 * size (and, where it has none, the media type) from the file of that name. Each file is sent before the event; one
 * that the event does not name is not sent: the event is refused, as somebody meant to send something else.
 *
 * Errors: 0; -EPROTO and *why: the event is to be refused, or, when the broker says so, sent later; -EAGAIN: not now;
 * else -errno: the disk fails, stop. Threads: one.
 */
#ifndef WICI_OUTBOX_FILES_H
#define WICI_OUTBOX_FILES_H

#include "agents/agent_file.h"
#include "agents/agent_link.h"

#include <jansson.h>

#define FILES_MAX 256u /* files of one event */

/* Takes the folder of NAME.json out of outbox, if there is one; may be repeated. -EPROTO: it may not be moved. */
int files_take(const struct agent_dirs *dirs, const char *name, uint64_t number, struct agent_refusal *why);
/* Fills in what the event leaves to the files. */
int files_fill(const struct agent_dirs *dirs, uint64_t number, json_t *event, struct agent_refusal *why);
/* Sends them. event: its bytes (EventDocument). */
int files_send(const struct agent_dirs *dirs, const struct agent_link *link, uint64_t number, const uint8_t *event,
               size_t len, struct agent_refusal *why);
/* Moves the folder beside `target` ("NAME.json") in that folder, if there is one; may be repeated. */
int files_finish(const struct agent_dirs *dirs, uint64_t number, int dir, const char *target);

/* Takes it back, when the event could not be moved beside it. */
int files_return(const struct agent_dirs *dirs, uint64_t number, int dir, const char *target);

#endif
