/*
 * backup - copies of the log and its key store, made beside everything else, and what is put back from them
 *
 * The broker starts the process that copies (broker/backup.h); here that is a child of the simulation, which runs the
 * production code and waits at each step until the driver lets it go on: before the log is copied, behind that, and
 * when the key store was copied too. While it takes a step nothing else happens, so that a run is the same each time.
 *
 * Threads: one.
 */
#ifndef SIM_BACKUP_H
#define SIM_BACKUP_H

#include "broker/config.h"

#include <stdbool.h>
#include <stddef.h>

void backup_start(const struct config *config);
void backup_clear(void);

/* The label of the next one; lives until the next call. */
const char *backup_label_next(void);
/* The copy under way, if there is one, takes its next step. */
void backup_step(void);
/* Is one under way? */
bool backup_is_under_way(void);
/* Whole copies. */
size_t backup_count(void);
/*
 * The disks are lost, and one of the copies is put back, as an operator does it, up to the new epoch; the broker is
 * down. keys_lost: the key store with them; else it stays, and is used.
 */
void backup_put_back(bool keys_lost);
/* At the end, the broker being down: each copy can be put back now. */
void backup_verify_all(void);

#endif
