/*
 * agent_explain - why a file was refused, for the person who wrote it
 *
 * Out of a refusal's code and path and the registry of fields: what is wrong, where it stands, what is allowed there,
 * and what to do; in Polish and in English. It quotes names of fields and words the registry allows, never a value out
 * of the file.
 *
 * Threads: any.
 */
#ifndef WICI_AGENT_EXPLAIN_H
#define WICI_AGENT_EXPLAIN_H

#include "agents/agent_link.h"

#include <jansson.h>

/* The text of rejected/NAME.txt, UTF-8 whatever the refusal's path is; polish says which language stands first.
 * -ENOMEM */
int agent_explain(const struct agent_refusal *why, bool polish, char **ret);

/* What Jansson said of a file that is no JSON, as a refusal. */
void agent_explain_syntax(const json_error_t *error, struct agent_refusal *ret);
/* A refusal of our own, made from both sentences. */
void agent_explain_make(struct agent_refusal *ret, const char *code, const char *path, const char *pl, const char *en);

#endif
