/*
 * Backups, and what is put back from one: the log is what it was when it was copied, goes on as a new epoch, and knows
 * of every erasure before it is served; who has seen what is lost is told so.
 */
#include "tests/sim/check.h"

#include "proto/hex.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MARKS_MAX 512u

struct check_shot {
    uint64_t head;
    struct check_cursors_shot *cursors;
    struct check_documents_shot *documents;
};

static struct {
    uint64_t whole;                            /* records in the largest whole copy: no log says that more are safe */
    uint8_t marks[MARKS_MAX][STORE_MARK_SIZE]; /* in the list of destroyed keys, which nothing takes back */
    size_t mark_count;
    bool put_back; /* and not served since */
} backups;

void
check_backup_clear(void)
{
    memset(&backups, 0, sizeof backups);
}

struct check_shot *
check_shot_take(void)
{
    struct check_shot *shot = must(calloc(1, sizeof *shot));

    shot->head = ledger_head();
    shot->cursors = check_cursors_shot();
    shot->documents = check_documents_shot();
    return shot;
}

void
check_shot_free(struct check_shot **shot)
{
    if (*shot == NULL)
        return;
    free((*shot)->cursors);
    free((*shot)->documents);
    free(*shot);
    *shot = NULL;
}

uint64_t
check_shot_head(const struct check_shot *shot)
{
    return shot->head;
}

void
check_backup_whole(uint64_t records)
{
    if (records > backups.whole)
        backups.whole = records;
}

void
check_safe(uint64_t safe_up_to)
{
    if (safe_up_to > backups.whole)
        sim_fail("backup", "records up to %" PRIu64 " are said to be safe; the largest copy has %" PRIu64, safe_up_to,
                 backups.whole);
}

/* ---- the list of destroyed keys */

void
check_listed(const uint8_t *mark)
{
    if (mark == NULL)
        return;
    for (size_t i = 0; i < backups.mark_count; i++)
        if (memcmp(backups.marks[i], mark, STORE_MARK_SIZE) == 0)
            return;
    if (backups.mark_count == MARKS_MAX)
        abort();
    memcpy(backups.marks[backups.mark_count++], mark, STORE_MARK_SIZE);
}

bool
check_is_listed(const uint8_t dossier[16])
{
    char wanted[CORE_MARK_TEXT_SIZE];
    uint8_t mark[STORE_MARK_SIZE];

    core_erased_mark(dossier, wanted);
    if (hex_parse(wanted, mark, sizeof mark) != 0)
        abort();
    for (size_t i = 0; i < backups.mark_count; i++)
        if (memcmp(backups.marks[i], mark, sizeof mark) == 0)
            return true;
    return false;
}

/* ---- a restoration */

/* What it says on an old connection is no session's any more. */
static void
line_part(struct door_line *line)
{
    tally_reset(line->tally);
}

void
check_put_back(const struct check_shot *shot)
{
    door_each(line_part);
    ledger_put_back(shot->head);
    check_cursors_put_back(shot->cursors);
    check_documents_put_back(shot->documents);
    check_erased_put_back();
    check_shown_clear();
    backups.put_back = true;
}

bool
check_is_put_back(void)
{
    return backups.put_back;
}

/* Before anything is served. */
void
check_backup_reopened(void)
{
    if (!backups.put_back)
        return;
    for (size_t i = 0; i < backups.mark_count; i++)
        if (!core_erasure_is_known(sim_broker->core, 0, backups.marks[i]))
            sim_fail("restored", "a log that was put back is served, and does not know of one of the erasures before");
    backups.put_back = false;
}

/* ---- who is told */

/* Has it seen a log that this is not? */
void
check_hello(struct tally *tally, const Wici__V1__Hello *hello)
{
    const Wici__V1__Position *known = hello->known;

    tally->knew_epoch = known == NULL ? 0 : known->epoch;
    tally->diverged = known != NULL && known->seq > 0 &&
                      (known->seq > ledger_head() || known->leaf_hash.len != LEAF_HASH_SIZE ||
                       memcmp(known->leaf_hash.data, ledger_at(known->seq)->hash, LEAF_HASH_SIZE) != 0);
    tally->diverged_told = false;
}

void
check_diverged(struct tally *tally)
{
    if (!tally->diverged)
        sim_fail("G1 durable", "the log is said to have parted from what was told of it");
    tally->diverged_told = true;
    sim_counts.diverged++;
}

void
check_welcome(struct tally *tally, const Wici__V1__Welcome *welcome)
{
    uint64_t same_up_to = tally->knew_epoch == 0 ? 0 : ledger_same_up_to(tally->knew_epoch);

    if (tally->diverged && !tally->diverged_told)
        sim_fail("restored", "who has seen what is not in this log is welcomed, and not told so");
    if (welcome->same_up_to != same_up_to)
        sim_fail("restored",
                 "a client of epoch %" PRIu64 " is told that the logs are the same up to %" PRIu64
                 ", and they are up to %" PRIu64,
                 tally->knew_epoch, welcome->same_up_to, same_up_to);
    check_head(welcome->head);
    check_safe(welcome->safe_up_to);
}
