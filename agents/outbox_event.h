/*
 * outbox_event - what is in a file of outbox
 *
 * Errors: 0 or -errno. Threads: any.
 */
#ifndef WICI_OUTBOX_EVENT_H
#define WICI_OUTBOX_EVENT_H

#include "agents/agent_file.h"
#include "agents/outbox.h"

/* The file as JSON, which the caller owns. -EPROTO: *why says what is wrong with it. */
int event_read(int dir, const char *name, json_t **ret, struct agent_refusal *why);
/* Puts in what the agent knows and the file leaves out; what the file says is never changed. */
int event_fill(const struct outbox_options *o, json_t *event);
/* The id inside encoded bytes, and whether anybody is addressed; each may be NULL. -EBADMSG: no event. */
int event_facts(const uint8_t *bytes, size_t len, char id[40], bool *ret_addressed);

#endif
