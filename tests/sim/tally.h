/*
 * tally - what the checkers know of one line: the session on it, what it published, what it subscribed to and asked for
 *
 * Filled from what passes through the door (check.c), never from the broker's own tables.
 */
#ifndef SIM_TALLY_H
#define SIM_TALLY_H

#include "proto/digest.h"
#include "proto/event.h"

#include <stdbool.h>
#include <stdint.h>

#define TALLY_NAMES_MAX 4u
#define TALLY_SUBS_MAX  SUBSCRIPTIONS_PER_SESSION_MAX
#define TALLY_READS_MAX READS_PER_SESSION_MAX

struct tally_filter {
    uint8_t dossiers[TALLY_NAMES_MAX][16];
    size_t dossier_count;
    char families[TALLY_NAMES_MAX][16];
    size_t family_count;
};

struct tally_credit {
    uint64_t seq;
    size_t bytes;
};

struct tally_sub {
    uint32_t number; /* 0: free */
    bool open;       /* Subscribed was sent, and nothing that ended it */
    char cursor[ID_LEN_MAX + 1];
    struct tally_filter filter;
    uint64_t start;   /* asked for; 0: live */
    uint64_t told;    /* it was told of everything up to here */
    uint64_t told_in; /* a state of the log not after that (ledger_base) */
    uint64_t acked;
    size_t window, outstanding;
    struct tally_credit *credits; /* given and not acknowledged */
    size_t credit_count, credit_size;
};

struct tally_read {
    bool used;
    uint32_t request;
    struct tally_filter filter;
    uint64_t from, to; /* to 0: the head */
    uint32_t type, max;
    bool with_content;
    uint64_t asked_in; /* the state of the log */
};

/* A DocumentPut or a DocumentGet. */
struct tally_document {
    struct tally_document *next;
    uint32_t request;
    bool put;
    uint8_t digest[DIGEST_SIZE];
    uint32_t size;  /* put: announced */
    size_t waiting; /* put: uploads of its agency when it was taken, and their bytes */
    uint64_t waiting_bytes;
    uint32_t offset;    /* get */
    uint64_t seq;       /* get: the record through which */
    bool for_it, there; /* get: its section was for the unit when it asked; its bytes had come */
    bool content;       /* get: an auditor stated why */
    uint64_t asked_in;  /* the state of the log */
};

/* An order to erase, or a look at what one would meet. */
struct tally_erase {
    uint32_t request; /* 0: none */
    bool preview;
    uint64_t asked_in;
};

/* Who was shown what of a dossier: a page of it. */
struct tally_shown {
    uint32_t request; /* 0: none */
    uint64_t asked_in, from_record, since_ms;
};

struct tally_publish {
    struct tally_publish *next;
    uint64_t number;
    bool bare;
    uint32_t *saids, *owed; /* events; what check_documents_again() said of each */
    size_t count;
    uint64_t acked[TALLY_SUBS_MAX]; /* of each subscription when the broker took the Publish */
};

struct tally {
    bool welcomed;
    uint64_t knew_epoch;          /* as it said with Hello; 0: none */
    bool diverged, diverged_told; /* the position that it knew is not in the log */
    char session[ID_LEN_MAX + 1];
    struct tally_sub subs[TALLY_SUBS_MAX];
    struct tally_read reads[TALLY_READS_MAX];
    struct tally_publish *publishes;  /* taken and not answered */
    struct tally_document *documents; /* likewise */
    struct tally_erase erase;
    struct tally_shown shown;
};

struct tally *tally_create(void);
void tally_destroy(struct tally **tally);
/* Everything on it has ended. */
void tally_reset(struct tally *tally);

struct tally_sub *tally_sub_find(struct tally *tally, uint32_t number);
/* NULL: all are in use. */
struct tally_sub *tally_sub_add(struct tally *tally, uint32_t number);
void tally_sub_end(struct tally_sub *sub);
void tally_credit_add(struct tally_sub *sub, uint64_t seq, size_t bytes);
void tally_credit_ack(struct tally_sub *sub, uint64_t seq);
struct tally_read *tally_read_find(struct tally *tally, uint32_t request);

/* A new one, all zero but for its number. */
struct tally_document *tally_document_add(struct tally *tally, uint32_t request);
struct tally_document *tally_document_find(struct tally *tally, uint32_t request);
void tally_document_end(struct tally *tally, struct tally_document *document);

void tally_filter_take(struct tally_filter *ret, char *const *dossiers, size_t dossier_count, char *const *families,
                       size_t family_count);
bool tally_filter_passes(const struct tally_filter *filter, const struct event *event);

#endif
