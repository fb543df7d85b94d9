/*
 * erase_repeat - erasures that the log does not know of, as it was put back from an older copy
 *
 * Which keys were destroyed is kept apart from the log (store/erased.h), and a store that is opened has destroyed them
 * once more. Where no intent in the log names such a key, nobody could tell its records from records that were lost. So
 * before anything is served a sys.erasure_intended with the reason REPEATED is recorded, with the keys, their marks and
 * the records that they sealed. Order and administrator are those of the branch that was lost, and not known here. Whom
 * the records were given to is not known either, since nobody can read them any more: every unit is notified of them.
 * Rows, documents and the record that it is done follow as after any intent (erase.h).
 *
 * A dossier that this log never had is named by its mark alone: its publisher may have kept events of it, and would
 * send them again.
 *
 * Errors: 0 or -errno, logged: the broker does not start. Threads: the broker's only.
 */
#ifndef BROKER_ERASE_REPEAT_H
#define BROKER_ERASE_REPEAT_H

#include "broker/broker.h"

int erase_repeat(struct broker *b);

#endif
