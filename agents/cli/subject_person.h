/*
 * subject_person - an account (subject.h) for one person of the family: what is not about him, or not to come to him,
 * is taken out
 *
 * A part that names him in not_to may be what somebody told of him, in fear of him. So of it the account has nothing:
 * not the part, not the documents that it names, not its class among what was shown to others, and no document that
 * somebody read and that may be one of them. Parts about others only are counted instead.
 */
#ifndef WICI_CLI_SUBJECT_PERSON_H
#define WICI_CLI_SUBJECT_PERSON_H

#include <jansson.h>
#include <stdint.h>

/* events: as the account has them; shown: the list of shown_ask() for the same dossier. Returns how many parts about
 * others only were taken out of the events; *ret_kept_back: how many that are not to come to him. */
uint64_t subject_person_narrow(json_t *events, json_t *shown, const char *person, uint64_t *ret_kept_back);

#endif
