/*
 * subject - all that this unit may tell about a dossier, gathered for a person's request under GDPR art. 15
 *
 * The broker has the last word on who may ask: who was shown what is told to auditors and to those who hold the
 * dossier, and that question comes first. All reads carry the reason, so that the log says for what they were made.
 *
 * The account is one object:
 *   dossier, log, asOfSeq, made (RFC 3339), unit, agency, reason, person (where it was narrowed to one)
 *   erased      of an erased dossier: {intendedSeq, ts, reason, orderSha256, orderedBy, backupsClearBy, done, ranges,
 *               recipients: [{unit, agency, ranges}]}; there is no more of it then, and no reason: records of
 *               erasures lie in clear, and that they are read is not written down
 *   members     the dossier itself and those linked with it: {dossier, kind, link, openedSeq}, the first with `course`
 *   kinds       [{class, parts}]; sources: [{unit, agency, events}]
 *   events      as wici_event_json() has them, in the order of the log, up to asOfSeq
 *   documents   [{seq, class, name, mediaType, size, sha256}], with `file` where it was written out
 *   recipients  a row for each unit, event and reason: {unit, agency, seq, type, classes, why, first, last, times,
 *               atMost, reading}; or with `question` instead of type and classes, seq where it was about a record, and
 *               `document`: which of those that the record names in this account, from 1
 *   deadlines   [{clock, pl, en, startedOn, due, state, endedOn}]
 *   leftOut     [{code, count}]: what is not in it, see agents/subject.h; count only where there is one
 *
 * Errors: exit codes; what went wrong is said. Ownership: the JSON handed out is the caller's.
 */
#ifndef WICI_CLI_SUBJECT_H
#define WICI_CLI_SUBJECT_H

#include "agents/cli/cli.h"

struct subject_request {
    const char *dossier;
    const char *reason; /* goes with every read */
    const char
        *person; /* only what is about this one, or about nobody in particular, and not kept from him; NULL: all */
};

/* Connects and asks. *ret_directory (of the broker) for names. CLI_NOT_FOUND: no such dossier, or not this unit's to
 * tell of. */
int subject_gather(struct cli *cli, const struct subject_request *request, json_t **ret, json_t **ret_directory);
/* Adds "documents"; dir NULL: says only that their bytes are not in it. Otherwise writes each into a new file of dir.
 */
int subject_documents(struct cli *cli, json_t *subject, const char *dir);

#endif
