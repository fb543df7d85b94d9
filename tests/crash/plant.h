/*
 * plant - bugs that the power-cut test must find
 *
 *     name       what is wrong                                                          found by (script.h)
 *     unseen     a file is made by a call that the recorder does not follow                recorder
 *     nosync     LMDB is opened with MDB_NOSYNC, and the store does not see the flag    opens, acknowledged, records...
 *     datasync   the log's fdatasync returns and does nothing                           opens, records, acknowledged...
 *     commitsync a commit does not sync its pages before its meta page                  opens, records... (REORDERED)
 *     metasync   the log's meta page is written without O_DSYNC                         acknowledged, opens (LOST)
 *     dirsync    no directory is ever synced                                            opens (NAMES)
 *     keysync    the key store's fdatasync returns and does nothing                     opens, records
 *     idput      one put into the id table in 16 is left out                            opens (its own count), ids
 *     tileput    the put of a full tile of the tree is left out                         workload, opens (its own count)
 *     compactsync no sync of the log's fresh file (compact.h)                          opens, records
 *     opensync   store_open() does not sync the log that a killed process left             acknowledged
 *     early      a step is acknowledged before its commit                               acknowledged
 *
 *
 *     in the other scenes (scene.h)
 *     copysync   the copied log of a backup is not synced                                  backups, dies
 *     copyname   the backup's name is not synced                                           backups, safe
 *     safeearly  the log says that records are in a backup before it is made               safe
 *     putsync    the log that is put in place of a lost one is not synced                  opens, records...
 *     markname   neither the mark's name nor that log's is synced                          marked, restored
 *     kekname    the names beside the key-encryption key are not synced                    keys
 *     awaysync   the copies of a new key and key store are not synced                      copies
 *     keysover   the new key store is written over the old one                             keys, opens (TORN)
 *     gonesync   the key store's fdatasync returns and does nothing when keys are destroyed   destroyed, keys
 *     listsync   the list of destroyed keys is not synced                                  listed
 *     listname   neither that list's name nor the guard's is                               listed
 *     keyfirst   a dossier's key is destroyed before the order is committed                holes
 *     signname   the name of the log's new key is not synced                               opens
 *     rowleft    one row in 8 of an erased dossier keeps its content                       holes
 *     besidesync the copied log of a broker's backup is not synced, and it is told as safe    backups, dies, safe
 *     besidesafe a broker's log says that records are in a backup when that begins            safe
 *     besidekeys an erasure destroys keys while log and key store are copied    workload, backups, goes on
 *     cursorsent a durable cursor moves when something is sent                             cursors, follows
 *     cursorlate acknowledged cursors are not written with the commit                      cursors
 *     markearly  a reader is given something before the mark that says so is committed    accounted
 *     guardsync  the guard's next file is not synced                                       guard, opens
 *     guardname  the guard's name is not synced                                            guard
 *
 * What a cut does (disk.h) stands behind a bug that this kind alone shows: it is found when cuts do nothing else, and
 * is not when they do all else. So each kind is known to be explored, and to be needed.
 *
 * What is missing in order of the real broker's calls, tests/crash/test_order.c plants and finds by itself.
 */
#ifndef CRASH_PLANT_H
#define CRASH_PLANT_H

#include "tests/crash/disk.h"

#include <stdbool.h>
#include <stddef.h>

struct plant {
    const char *name;
    const char *scene;    /* in which it is looked for (scene.h) */
    const char *checkers; /* those that may find it first, in words with spaces */
};

extern const struct plant plants[];
extern const size_t plant_count;

/* What cuts do (disk.h) that alone shows this bug; 0: several kinds do. */
unsigned plant_kind(const char *name);

/* From now on the bug is there. False: no bug has that name. */
bool plant_set(const char *name);

#endif
