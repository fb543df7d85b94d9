/*
 * script - what a program does with a store, drawn from a seed, and what must be there afterwards
 *
 * A script is a row of steps; step k is one commit: records (of new dossiers, known ones and none), cursors, values,
 * among them "step" = k, so that a store that opens tells which commit it stands at. Everything about step k and record
 * n follows from the seed, so that the checker knows what each must be without having seen the run.
 *
 * The checkers, by the name they give in their finding:
 *
 *     opens          store_open() succeeds; before store_create() has returned there may be no log instead
 *     acknowledged   the store stands at no commit before the last one that was reported as written
 *     invented       nor at one that was never begun
 *     gapless        as many records as that commit made, numbered from 1, none behind the last
 *     records        each is the one that was sent, of its dossier
 *     digests        the leaf of each fits its content computed anew; the head's leaf hash too
 *     tree           its root is that of the definition over these leaves; proofs from it hold
 *     checkpoints    the newest one is the one that commit left
 *     ids            each record's id leads to it; ids of no record, or of one rolled back, to nothing
 *     cursors        each is where that commit left it, and not ahead of the log
 *     values         each is as that commit left it
 *     documents      uploads and documents of dossiers are as that commit left them, each chunk with its bytes; the key
 * of one that the next step destroys may be gone found          the finding index tells exactly each dossier's records
 *     goes on        further steps commit, at least one record among them, with the next numbers
 *     left over      after a crash in store_create(), making the log again works, at most after removing the key store
 *
 * Threads: one. Randomness of libsodium is replaced by the seed (script_randomness), so that a seed replays exactly.
 */
#ifndef CRASH_SCRIPT_H
#define CRASH_SCRIPT_H

#include "proto/note.h"
#include "store/store.h"
#include "tests/crash/disk.h"

#define SCRIPT_ORIGIN      "crash.example/log"
#define SCRIPT_STEPS_MAX   40u
#define SCRIPT_RECORDS_MAX 2000u
#define SCRIPT_CURSORS     3u
#define SCRIPT_VALUES      3u
#define SCRIPT_DOCS        2u

enum script_mark {
    MARK_CREATED, /* store_create returned 0 */
    MARK_BEGUN,   /* the commit of step k is about to be made */
    MARK_ACKED,   /* step k was reported as written; or a store that was opened stands there */
    /* of the scenes about copies (scene.h) */
    MARK_BACKUP,   /* backup number k was reported as whole */
    MARK_SAFE,     /* the log's word that k records are in a backup was reported as written */
    MARK_RESTORED, /* a backup was put in place of the log */
    MARK_EPOCH,    /* the commit that begins epoch k was reported as written */
    MARK_ROTATED,  /* rotation k of the key-encryption key was reported as done */
    /* of the scene with a broker */
    MARK_ROOT,      /* the first bytes, as a number, of the root over the records ... */
    MARK_HEAD,      /* ... so many, that were there when something was acknowledged */
    MARK_KEY_BEGUN, /* the k-th change of the log's key is about to be made */
    MARK_KEY,       /* it was reported as made */
    MARK_SIGNED,    /* a checkpoint of k records was shown to somebody */
    MARK_GONE,      /* key entry k is destroyed: an erasure was acknowledged */
    MARK_GIVEN,     /* record k left for the reader */
    MARK_TAKEN,     /* the reader acknowledges up to record k */
    MARK_CURSOR     /* its cursor is on disk at record k */
};

struct step {
    unsigned ghosts;   /* records that are rolled back before the others are appended */
    bool room;         /* the map grows */
    bool flush;        /* the finding index takes in all after it, and not a piece at most */
    bool reopen;       /* the store is closed and opened after it */
    bool compact;      /* ... with its log in a fresh file */
    unsigned destroys; /* this document, and what its dossier has beside it; SCRIPT_DOCS: none */
};

enum model_doc_state { DOC_NONE, DOC_UPLOAD, DOC_WHOLE, DOC_BOUND };

struct model_doc {
    enum model_doc_state state;
    uint32_t entry, size, received, dossier;
    uint64_t number; /* its content follows from it */
};

/* What a store that stands at a step holds. */
struct model {
    uint64_t head;
    uint32_t entries;
    uint64_t cursors[SCRIPT_CURSORS]; /* 0: not there */
    size_t values[SCRIPT_VALUES];     /* length; 0: not there */
    uint64_t checkpoint;              /* size of the newest; 0: none */
    struct model_doc docs[SCRIPT_DOCS];
};

struct script {
    uint64_t seed;
    struct step steps[SCRIPT_STEPS_MAX + 1];
    struct model after[SCRIPT_STEPS_MAX + 1]; /* [0]: an empty log */
    uint32_t entry_of[SCRIPT_RECORDS_MAX + 1];
    uint32_t len_of[SCRIPT_RECORDS_MAX + 1];
    bool signs; /* its checkpoints are signed notes, not only bytes: for copies, which are verified */
    bool is_doc[SCRIPT_RECORDS_MAX + SCRIPT_STEPS_MAX * SCRIPT_DOCS + 1]; /* this key entry is a document's */
};

/* A store in a directory: each of its parts in a directory of its own, so that no sync does another's work. */
struct place {
    char dir[256], data[300], keys[300], kek[300], key_file[320];
    char backup_logs[300], backup_keys[300], away[300]; /* of the scenes about copies */
    struct store_options options;
};

/* What may be found. */
#define BOUNDS_KEYS 256u
struct bounds {
    bool created;
    uint64_t acked, begun;
    unsigned backups; /* bit k: number k was reported as whole */
    uint64_t safe, epoch, rotations;
    bool restored;
    uint64_t head, root, keys_begun, keys, checkpoint;
    uint64_t given, taken, cursor;
    bool gone[BOUNDS_KEYS];
};

#define FINDING_SIZE 256
struct finding {
    const char *checker; /* NULL: none */
    char what[FINDING_SIZE];
};

void script_make(struct script *script, uint64_t seed);
void script_randomness(uint64_t seed);
void place_make(struct place *place, const char *dir);
int place_prepare(const struct place *place); /* the directories that an operator makes */

/* A new log. 0, or the store's error. */
int script_create(const struct place *place);
/* Opens the store and does the steps `from` to `to`, with marks; closes it. */
int script_run(const struct script *script, const struct place *place, uint64_t from, uint64_t to);

/*
 * Opens what a crash left and puts all checkers to it, then does `more` further steps, or as many as it takes for one
 * more record, with marks; 0: none. *ret_step is the step it was found at. False: see *ret.
 */
bool script_check(const struct script *script, const struct place *place, const struct bounds *bounds, unsigned more,
                  uint64_t *ret_step, struct finding *ret);

/* The key that a script signs with. */
const struct note_signer *script_signer(void);

/* The root over the first n records of the script. */
void script_root(const struct script *script, uint64_t n, uint8_t ret[LEAF_HASH_SIZE]);
/* The root over n leaf hashes, by the definition taken literally. */
void script_tree_hash(const uint8_t (*leaf)[LEAF_HASH_SIZE], uint64_t n, uint8_t ret[LEAF_HASH_SIZE]);

/* ---- shared by script.c, script_doc.c and the scenes */

struct dice dice_of(const struct script *script, uint64_t kind, uint64_t number);
void script_bytes(struct dice *dice, uint8_t *to, size_t len);
/* Returns false. */
bool found_wrong(struct finding *finding, const char *checker, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void script_doc_make(struct script *script, uint64_t k);
int script_doc_destroy(const struct script *script, struct store *st, uint64_t k); /* before the step's batch */
int script_doc_run(const struct script *script, struct store *st, uint64_t k);
bool script_doc_check(const struct script *script, struct store *st, uint64_t step, struct finding *ret);

/* A bug that tests plant: step k is marked as acknowledged before its commit. */
extern bool script_acks_early;
/* How often a log could be made again only after the key store was removed. */
extern uint64_t script_left_over;

#endif
