/*
 * scene - what a workload of the power-cut test does, and how a state that a cut left of it is checked
 *
 * A scene is one thing that is done with a log. What lies before it is made first and not recorded; then it is recorded
 * and cut (powercut.c). Checking a state is what an operator does after a power cut, with the calls of production, and
 * is recorded and cut itself.
 *
 *     log      steps of a script (script.h), on a new log or on one with a past
 *     backup   steps, and after some of them a backup (store/backup.h), whose size the log then keeps
 *     restore  a log is lost, with its key store or without, after more was done than its backup holds; it is restored
 *              (store/restore.h), a new epoch begins, and its mark is taken away, as `wicid init --new-epoch` does
 *     kek      another key-encryption key, and after more steps perhaps one more (store/kek.h)
 *     erase    a whole broker (serve.h) to which events are published, with documents and in merged cases, and by which
 *              dossiers are erased (broker/erase.h) one after the other; it ends and starts, its log is compacted and
 *              gets another key. What lies there after a cut is opened by the broker's own start, which finishes what
 *              was begun
 *     beside   the same, beside which backups are made (broker/backup.h), by a process that takes turns with the broker
 *              (copier.h)
 *     follow   a broker with a reader that follows by a durable cursor, while others publish; nothing is erased
 *     epoch    an older copy of a broker's log was put back, while the guard knows of more: a new epoch begins
 *              (broker/rotate.c), and what was lost is done once more
 *
 * The checkers, beside those of script.h, which are put to each state of each scene once it is recovered:
 *
 *     backups    what has a backup's name has its keys, verifies, and holds the first records of the script; what was
 *                reported as whole is there; the same label is refused, the next one is made
 *     unfinished what has no backup's name is refused by restore, or is whole
 *     safe       the log says of no more records that they are in a backup than one of its name holds
 *     restored   there is no log, and the same call puts it there; or it is the backup's, and is not overwritten
 *     marked     a log that was put back lies there with its mark, until an epoch began
 *     epoch      it begins once; in the scene of that name, nothing is served before it
 *     keys       the key-encryption key opens the key store, or the same command ends it; who was told that it is done
 *                finds nothing left of the old one
 *     copies     a new key in use has both its copies, and with these the log opens
 *
 * Those of the scenes erase and epoch, which have no script but deeds (deeds.h); acknowledged, invented, gapless,
 * digests, tree, ids, found and goes on mean the same as there:
 *
 *     destroyed  before anything is started: the keys that an acknowledged erasure destroyed are marked and zeroed
 *     listed     ... and in the list of destroyed keys; later that list and the key store name the same ones
 *     guard      ... and the guard holds a checkpoint no older than the last one that was shown to anybody
 *     opens      the broker starts; where the log's key was being changed, after the same command at the latest
 *     deeds      no deed is there without the one before it
 *     root       the records that were there at the last acknowledgement are the same, byte for byte
 *     finished   an erasure that was begun comes to its end
 *     records    each deed's record has its header and sections, and the key of its dossier
 *     holes      records of erased dossiers are their leaf alone, and no others are
 *     ordered    each erasure in the log is one that was ordered, with its reason, its dossiers, those merged with them
 *                and no others, and tells its recipients; each is done
 *     documents  each is there with its bytes, where its dossier is; of erased dossiers no row is
 *     keys       those of the erased dossiers and of their documents are destroyed, and zeroed, and no others
 *     fold       the state in use is, byte for byte, the fold of the log with its holes
 *     once       a deed that is done once more is not there twice, and its sender is told that it was done
 *     traces     no file holds a text in clear, a dossier's id or the wrapped key of an erased dossier
 *
 * The scene beside has those of erase, and backups, unfinished and safe. And the scene follow:
 *
 *     cursors    the cursor is not ahead of what its reader acknowledged, and not behind what an event that this reader
 *                published later has said to be on disk, nor behind where it was found once
 *     accounted  of each record that left for the reader a record of the log says so, once the broker has started
 *     follows    from its cursor on the reader is given each record, once, in order
 *
 * Another scene: a file with its three functions, a line in scenes[] (scene.c), marks of its own in script.h, plants in
 * plant.h. Threads: one.
 */
#ifndef CRASH_SCENE_H
#define CRASH_SCENE_H

#include "store/verify.h"
#include "tests/crash/deeds.h"
#include "tests/crash/script.h"

struct scene;

/* A workload; everything in it follows from the seed. */
struct plan {
    const struct scene *scene;
    struct script script;
    uint64_t seed;
    uint64_t first, last; /* steps done before the recording, and by its end */
    uint8_t kek[32];      /* kek: the key before it */
    bool twice;           /* kek: there is a second one */
    struct deeds deeds;   /* of the scenes with a broker: what first and last count */
    struct bounds past;   /* what is known before the recording, beside first */
};

#define SCENES_MAX 9u

struct scene {
    const char *name;
    unsigned number; /* below SCENES_MAX, each its own */
    /* Makes what lies before it, and sets first and last. 0 or -errno. */
    int (*prepare)(struct plan *plan, const struct place *place, struct dice *dice);
    /* Does it; this is recorded. 0 or -errno. */
    int (*act)(const struct plan *plan, const struct place *place);
    /* See script_check(). */
    bool (*check)(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
                  uint64_t *ret_step, struct finding *ret);
};

/* The scene of this seed; name not NULL: that one, NULL when there is none. */
const struct scene *scene_find(uint64_t seed, const char *name);
const char *scene_name(unsigned number);

/* A bug that tests plant: the log says that a backup holds records before it does. */
extern bool scene_says_early;

extern const struct scene scene_backup, scene_restore, scene_kek, scene_erase, scene_epoch, scene_follow, scene_beside;

/* ---- shared by the scenes with a broker */

#define SCENE_LATER_MS (UINT64_C(1800) * 1000) /* what a cut left is opened so long after the log began */

/* Deeds `from` to `to` with the broker that is open, with marks, and what comes after each. */
int scene_deeds_run(const struct deeds *deeds, const struct place *place, uint64_t from, uint64_t to);
/* Starts it on what a cut left; where the log's key was being changed the same command may be needed first. */
int scene_serve_open(const struct place *place, const struct bounds *bounds);
/* Puts the checkers to the broker that is open, and goes on. As script_check(). */
bool scene_deeds_check(const struct plan *plan, const struct place *place, const struct bounds *bounds, unsigned more,
                       uint64_t *ret_step, struct finding *ret);
/* Says what went wrong there. Returns false. */
bool scene_goes_wrong(struct finding *ret, const char *checker, int rc);

/* ---- backups by a broker: scene_beside.c */

/* One of the first free label begins, if none is under way; it comes to its end. -EPROTO: it failed. */
int scene_backup_begin(const struct place *place);
int scene_backup_await(void);
/* Marks what the last one has come to. -EPROTO: it failed. */
int scene_backup_look(void);

/* ---- shared by the scenes about copies */

#define SCENE_LABELS     10u
#define SCENE_LABEL_SIZE 4u
void scene_label(unsigned number, char ret[SCENE_LABEL_SIZE]);

/* Are what the backup holds the first records of the log? */
typedef bool scene_holds_fn(const struct plan *plan, const struct verify_report *report);
/* The checkers "backups" and "unfinished", for the backup of that number; *ret_records: how many it has, 0: it is
 * none. */
bool scene_backup_check(const struct plan *plan, const struct place *place, const struct bounds *bounds,
                        unsigned number, scene_holds_fn *holds, uint64_t *ret_records, struct finding *ret);
/* The checker "safe"; the backups have so many records. */
bool scene_safe_check(struct store *st, const struct bounds *bounds, const uint64_t records[SCENE_LABELS],
                      struct finding *ret);

/* A log with signed checkpoints, as copies need them, that stands at step plan->first, `least` or a little more; and
 * room for copies. 0 or -errno. */
int scene_past(struct plan *plan, const struct place *place, uint64_t least);
bool scene_is_there(const char *dir, const char *name);

#endif
