/*
 * ledger - what the log must hold: every record that was seen committed, its fold, and who may be shown what of it
 *
 * Follows the store after each commit and keeps every record it saw. Records never change after that, also over a death
 * of the broker: that is what ledger_compare() holds the reopened store against.
 *
 * A state of the log is named by the number of its last record. For each unit and record the ledger knows what
 * core_view() says in the newest state, and the last state in which the unit was given nothing of it: a reader that
 * passes a record without being given it must have been able to pass it in such a state.
 *
 * The ledger keeps what was erased, too, to see that nobody is given it any more. From an intent on it looks whether
 * the other dossiers are what they were; when the broker has folded its state anew, the ledger does, with the same
 * holes.
 *
 * Threads: one. Ownership: what is handed out lives until ledger_clear().
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "broker/record.h"
#include "store/store.h"

struct ledger_record {
    struct record record;
    uint32_t said; /* who published it; SAID_NONE: the broker itself, or init */
    uint8_t hash[LEAF_HASH_SIZE];
};

/* What core_view() said from a state of the log on. */
struct sight_past {
    uint64_t since;
    bool received;
    uint32_t sections;
};

struct sight {
    struct core_view view;
    uint64_t given_in;       /* where the log stood when the unit was first given something of it; 0: it was not */
    uint64_t hidden_until;   /* while view.received: the last state in which it was not; 0: always was */
    struct sight_past *past; /* each change of the view, ascending; the first when the record was there */
    uint32_t past_count, past_size;
};

void ledger_create(void);
void ledger_clear(void);

/* Takes what was committed since the last call; checks numbers, times, leaves and that somebody published it. */
void ledger_follow(struct store *store);
/* The reopened store holds all that was seen committed, unchanged; what was erased as its leaf alone. */
void ledger_compare(struct store *store);
/*
 * An older copy of the log, with its first `head` records, was put back, and goes on as a new epoch: what came after
 * them is in no log any more.
 */
void ledger_put_back(uint64_t head);
uint64_t ledger_epoch(void);
/* Up to where the log of that epoch was the same as this one; 0: it is this one's. */
uint64_t ledger_same_up_to(uint64_t epoch);
/* A state of the broker, none of whose records is uncommitted, is that of the ledger, byte for byte. */
void ledger_compare_core(const struct core *core, const char *when);

uint64_t ledger_head(void);
/* Where the log stood when the last tick had ended. Who is live passes the records of a tick in the states in which
 * each was committed; who catches up, in the newest: from outside the two cannot be told apart. */
uint64_t ledger_base(void);
void ledger_tick(void); /* a tick has ended */
struct core *ledger_core(void);
const struct ledger_record *ledger_at(uint64_t seq); /* 1 to ledger_head() */
const struct sight *ledger_sight(uint32_t unit, uint64_t seq);
/* It was given something of the record. */
void ledger_give(uint32_t unit, uint64_t seq);
/* The intent that names the dossier of this key entry, or of this id; 0: none does. */
uint64_t ledger_erased(uint32_t entry);
uint64_t ledger_erased_dossier(const uint8_t id[16]);
/* Is the dossier one that was erased, or tied to one? */
bool ledger_is_touched(uint32_t entry);
/* The records of an intent's dossiers below number `below`. */
size_t ledger_erased_count(uint64_t intended_seq, uint64_t below);
/* The state becomes the fold of the log with its holes. */
void ledger_fold_anew(void);
/* Could the unit have been given nothing of the record in some state from `since` on? */
bool ledger_was_hidden(uint32_t unit, uint64_t seq, uint64_t since);

#endif
