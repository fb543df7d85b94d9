/*
 * policy - the permission matrix and the class ceilings, read from their text
 *
 * The text is data: `wici init` records the default in the log and from then on only what the log holds counts. One
 * line per event type, one column per role, in the notation of the domain documents:
 *
 *     wici-policy 1
 *     version  2026-01
 *     roles    SW INT FA ...
 *     ceiling  S1 Y - Y ...            one line per class S1 to S7: Y full, h half, - withheld
 *     above    IC ipus.*               cells of these roles and types may exceed the ceiling
 *     type     referral.submitted  P01234567 p ...
 *     speciality  neonatologia         a doctor's, whose certificate opens "Za życiem"; with none of these lines: any
 *
 * A cell is P (may publish), p (may publish on the conditions core_decide knows) or neither, then the classes given in
 * full, then after / the classes given by half; - alone is nothing.
 *
 * Ownership: policy_parse makes, policy_destroy frees. Threads: constant after parsing, but for policy_join.
 */
#ifndef POLICY_H
#define POLICY_H

#include "proto/errors.h"
#include "proto/types.h"

#include <stdbool.h>

struct policy;

struct policy_cell {
    bool publish;     /* P or p */
    bool conditional; /* p */
    uint8_t full;     /* bit c: class c */
    uint8_t half;
};

/* -EBADMSG: *refusal is E_POLICY, its path "line 12"; the text must name each type below TYPE_SYS_FIRST and each role
 * from SW to AUD once, and no cell may exceed the ceiling but where `above` says so. -ENOMEM. */
int policy_parse(struct policy **ret, const char *text, size_t len, struct refusal *refusal);
void policy_destroy(struct policy **policy);
/* Adds to each cell what the other one gives; what may be published stays. */
void policy_join(struct policy *policy, const struct policy *other);

const char *policy_version(const struct policy *policy);
/* All-zero cells for types and roles the matrix does not hold. */
struct policy_cell policy_cell(const struct policy *policy, uint32_t type, unsigned role);

/* Does a certificate of a doctor of that speciality count? Upper and lower case are one. */
bool policy_knows_speciality(const struct policy *policy, const char *speciality);

/* The text the program was built with (broker/policy/default.policy). */
extern const char policy_default_text[];
extern const size_t policy_default_len;

#endif
