/*
 * receipt_file - what lies beside a sent event, and what it says
 *
 *     sent/NAME.receipt.json  the broker's first answer: the record's number, digests, slots and salts
 *     sent/NAME.receipt       the proof of that record
 *     sent/NAME.receipt-e2    the log came back from an older copy, as its epoch 2, without that record: the proof of
 *                             the record that the event became when it was sent again
 *
 * Of several the one of the latest epoch is that of the living log; each that is earlier proves what a lost branch had
 * promised. None is ever replaced. NAME is the event's file without ".json".
 *
 * Errors: 0 or -errno. Ownership: what receipt_open() gives is the caller's to receipt_free(). Threads: any.
 */
#ifndef WICI_RECEIPT_FILE_H
#define WICI_RECEIPT_FILE_H

#include "agents/agent_file.h"
#include "proto/disclosure.h"

#define RECEIPT_FILE_SIZE 256u /* of a name */

/* A proof taken apart. Its signature and path are not checked: witness_receipt() does. */
struct receipt_proof {
    struct leaf leaf;
    uint64_t epoch; /* of the checkpoint in it */
    Wici__V1__Delivery *delivery;
};

/* -EBADMSG: it is no receipt. */
int receipt_open(const char *text, struct receipt_proof *ret);
/* The same of a file. -ENOENT */
int receipt_open_file(int dir, const char *name, struct receipt_proof *ret);
void receipt_free(struct receipt_proof *proof);

/* NAME.receipt-eN; for epoch 1 NAME.receipt. stem_len: of NAME. */
void receipt_name(const char *stem, size_t stem_len, uint64_t epoch, char ret[RECEIPT_FILE_SIZE]);
/* The epoch that the name of a later proof says, and the length of NAME in it; 0: it is not one's. */
uint64_t receipt_name_epoch(const char *name, size_t *ret_stem_len);
/* The latest epoch before `epoch` of which the folder has a later proof of NAME; 0: none. */
uint64_t receipt_epoch_before(int dir, const char *stem, size_t stem_len, uint64_t epoch);

/* May what lies in the folder as `file` be this event? No: the answer beside it names another one; people moved ours
 * away, and its name was used again. */
bool receipt_may_be_of(int dir, const char *file, const char *event_id);

#endif
