/*
 * client - what the institutions' programs do, as docs/PROTOCOL.md tells them to; each with a temper of its own
 *
 * A client keeps what it published until it is answered and sends it again after a reconnect, in the old order; it
 * keeps what its durable subscriptions took. Tempers: one acknowledges at once, one late, one never, one does not even
 * read.
 *
 * Threads: one. Ownership: clients and inboxes belong to this module until clients_clear().
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "tests/sim/door.h"
#include "proto/leaf.h"
#include "tests/sim/papers.h"
#include "tests/sim/town.h"

#define CLIENT_SUBS_MAX    3u
#define CLIENT_FLIGHTS_MAX 3u

enum temper { TEMPER_EAGER, TEMPER_LATE, TEMPER_NO_ACK, TEMPER_STUCK };

/* A durable subscription of a unit, whichever client uses it now; or one that ends with its session (cursor ""). */
struct inbox {
    struct inbox *next;
    const struct town_unit *unit;
    char cursor[16];
    char dossier[37], family[16]; /* the filter; "": none */
    uint64_t start;               /* 0: live */
    uint32_t window;
    uint64_t first; /* from_seq when it first began; 0: has not */
    uint8_t *taken; /* taken[seq] */
    size_t taken_size;
};

struct client_sub {
    struct inbox *inbox;
    uint32_t number; /* 0: not asked for on this line */
    bool open;
    uint64_t to_ack, acked;
};

/* A document on its way to the broker. */
struct client_upload {
    uint32_t paper;    /* PAPER_NONE: none is */
    uint32_t request;  /* a DocumentPut without an answer; 0: there is none */
    uint32_t received; /* as the broker said last */
};

/* Who was shown what of a dossier. */
struct client_shown {
    char dossier[37];     /* "": it asks about none */
    uint32_t request;     /* a page without an answer; 0: there is none */
    uint64_t from_record; /* of the next page */
    uint64_t since_ms;    /* 0: from the beginning */
};

struct client {
    uint32_t index;
    struct town_unit *unit;
    char session[16];
    enum temper temper;
    bool publishes;
    bool twin; /* takes another's session or cursor over; rests when things calm down */
    struct door_line *line;
    bool ready;
    uint64_t next_number;
    uint32_t *queue; /* events in the order of their sending */
    uint64_t *seqs;  /* what each was told to be in the log; 0: it has no answer, or was refused */
    size_t queue_len, queue_size, answered, sent;
    struct {
        uint64_t number;
        size_t first, count;
    } flights[CLIENT_FLIGHTS_MAX];
    size_t flight_count;
    struct client_sub subs[CLIENT_SUBS_MAX];
    size_t sub_count;
    uint32_t next_sub, next_request;
    size_t reads_open;
    struct client_upload upload;
    uint32_t document_get; /* a DocumentGet without an answer; 0: there is none */
    uint32_t erase; /* an order to erase, or a look at what one would meet, without an answer; 0: there is none */
    struct client_shown shown;
    bool hoards;     /* begins uploads of the largest size and sends nothing of them */
    unsigned waited; /* rounds of the end without an answer: who is suspended meanwhile is not told */
    bool keeps;      /* what it published, until a backup has it */
    size_t safe;     /* so much of the queue is: it was refused, or a backup has it */
    uint64_t epoch;  /* of what it knows; 0: nothing */
    uint64_t known_seq;
    uint8_t known_hash[LEAF_HASH_SIZE];
};

void clients_create(void);
void clients_clear(void);
size_t clients_count(void);
struct client *client_at(size_t index);

/* Enters an event to be published, behind those that wait. */
void client_publish(struct client *c, uint32_t said);
/* Takes one message that has arrived, if there is one and the temper reads. */
void client_hear(struct client *c);
/* One drawn deed: connect, publish, subscribe, acknowledge, read, ask, misbehave. */
void client_act(struct client *c);
/* The administrator (or somebody else) asks for a backup. */
void client_backup(struct client *c);
/* The log ends at `head`, and something else will stand behind it. */
void clients_put_back(uint64_t head);
/* Asks for an erasure, as an administrator does (or somebody else), or what it would meet. */
void client_erase(struct client *c);
/* The deeds that bring everything to its end, and nothing new, until all up to seq is told. Who waits for long connects
 * anew; but who has a session must not have to wait. */
void client_finish(struct client *c, uint64_t seq);
void client_cut(struct client *c, bool noticed);
/* Nothing waits for an answer, and all its subscriptions stand at or beyond seq. */
bool client_is_done(const struct client *c, uint64_t seq, const char **ret_why);

/* ---- between the files of the module */

void client_connect(struct client *c);
void client_say(struct client *c, const Wici__V1__ClientMessage *message);
void client_publish_next(struct client *c);
void client_subscribe(struct client *c, struct client_sub *sub);
void client_acknowledge(struct client *c, struct client_sub *sub);
void inbox_take(struct inbox *inbox, uint64_t seq);

/* In client_papers.c. One drawn deed with documents: a piece of one is sent, or one is asked for. */
void client_document_act(struct client *c);
/* Asks for a piece of a document that the record names. */
void client_document_ask(struct client *c, uint64_t seq, const uint8_t digest[DIGEST_SIZE], uint32_t offset);
void client_document_told(struct client *c, const Wici__V1__DocumentState *state);
/* Has somebody no answer to what it asked for? */
bool clients_wait_for_documents(void);
void client_document_refused(struct client *c, const Wici__V1__Refused *refused);

/* In client_shown.c. Asks who was shown what of some dossier, or for the next page of it. */
void client_shown_act(struct client *c);
/* Of this dossier, from the first page on. */
void client_shown_ask(struct client *c, const char *dossier);
void client_shown_told(struct client *c, const Wici__V1__ShownList *list);
void client_shown_refused(struct client *c, const char *code);
/* Goes on with what it asked about, to its last page. */
void client_shown_finish(struct client *c);

/* At the end: each inbox took all up to head that it could always see. */
void clients_check_complete(uint64_t head);

#endif
