/* compact - see compact.h */
#include "broker/compact.h"

#include "broker/broker.h"
#include "broker/fold.h"
#include "broker/kek.h"
#include "broker/log.h"
#include "broker/restore.h"
#include "proto/language.h"
#include "store/compact.h"
#include "proto/file.h"
#include "store/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024.0 * 1024.0)

struct compaction {
    const struct config *config;
    struct store *store;
    struct core *core;
    struct log_keys keys;
    struct compact_report report;
    struct verify_report verified;
};

/* ---- the log as it is */

static int
log_open(struct compaction *c)
{
    struct store_options options = config_store(c->config);
    uint32_t access_entry = 0;
    int rc = restore_refuses(c->config);

    if (rc != 0)
        return rc;
    rc = store_open(&c->store, &options);
    switch (rc) {
    case 0: break;
    case -EBUSY: log_error("compact: a process has %s open: stop wicid first", c->config->data_dir); return rc;
    case -ENOENT: log_error("compact: there is no log in %s", c->config->data_dir); return rc;
    case -EPERM: kek_refused_log(c->config); return rc;
    default:
        log_error("compact: the log in %s cannot be opened: %s", c->config->data_dir,
                  store_why(rc, store_open_damage()));
        return rc;
    }
    if ((rc = core_create(&c->core)) != 0 || (rc = broker_fold(c->store, c->core, &access_entry, &c->keys)) != 0)
        log_error("compact: the log in %s cannot be read: %s", c->config->data_dir, strerror(-rc));
    return rc;
}

/* What an erasure has not taken away yet would come along. */
static int
erasures_check(const struct compaction *c)
{
    for (size_t i = 0; i < core_erasure_count(c->core); i++) {
        struct core_erasure erasure;

        core_erasure(c->core, i, &erasure);
        if (erasure.done_seq != 0)
            continue;
        log_error("compact: the erasure intended by record %" PRIu64
                  " is not done: start wicid, wait until its log says "
                  "that it is done, stop it, and try again",
                  erasure.seq);
        return -EINPROGRESS;
    }
    return 0;
}

/* ---- the new file */

static void
failure_log(const struct compaction *c, int rc)
{
    const struct compact_report *r = &c->report;

    if (rc == -EBUSY)
        log_error("compact: another process reads the log, perhaps a backup: try again when it has ended");
    else if (rc == -ENOSPC)
        log_error("compact: there is no room in %s for a second file: it takes up to %.0f MiB, and %.0f MiB are free",
                  c->config->data_dir, (double)r->bytes_needed / MIB, (double)r->bytes_free / MIB);
    else
        log_error("compact: the new file cannot be made: %s", store_why(rc, store_damage(c->store)));
}

static int
file_verify(struct compaction *c)
{
    char dir[PATH_MAX];
    struct verify_options options = {.dir = dir,
                                     .key_dir = c->config->key_dir,
                                     .kek_path = c->config->kek_file,
                                     .erased_path = c->config->erased_file,
                                     .keys = c->keys.at,
                                     .key_count = c->keys.count};
    uint8_t root[MERKLE_HASH_SIZE];
    uint64_t head = store_head(c->store);
    int rc = file_path(dir, c->config->data_dir, COMPACT_DIR);

    if (rc == 0)
        rc = store_tree_root(c->store, head, root);
    if (rc == 0)
        rc = verify_copy(&options, &c->verified);
    if (rc == 0 && (c->verified.records != head || memcmp(c->verified.root, root, sizeof root) != 0))
        rc = -EBADMSG;
    if (rc == 0 && c->verified.listed > 0) { /* their rows are not rewritten yet */
        log_error("compact: the log was put back from an older copy and does not know of %" PRIu64 " records that were "
                  "erased since: start wicid, wait until its log says that it is done, stop it, and try again",
                  c->verified.listed);
        return -EINPROGRESS;
    }
    if (rc == -ENODATA && c->verified.missing_document)
        log_error("compact: a document that record %" PRIu64 " names is missing, and no record says that it was "
                  "erased: look into the log with wici verify",
                  c->verified.missing);
    else if (rc == -ENODATA)
        log_error("compact: the content of record %" PRIu64 " is missing, and no record says that it was erased: look "
                  "into the log with wici verify",
                  c->verified.missing);
    else if (rc != 0)
        log_error("compact: the new file does not hold, so the log stays as it is: %s",
                  store_why(rc, c->verified.what));
    return rc;
}

static int
file_make(struct compaction *c)
{
    int rc = compact_make(c->store, c->config->data_dir, &c->report);

    if (rc != 0) {
        failure_log(c, rc);
        return rc;
    }
    log_info("compact: %" PRIu64 " rows copied and compared; verifying", c->report.rows);
    return file_verify(c);
}

static int
file_place(struct compaction *c)
{
    int rc = compact_place(c->store, c->config->data_dir);

    if (rc != 0) {
        log_error("compact: the new file could not take its place for certain: %s; do the same once more",
                  strerror(-rc));
        return rc;
    }
    (void)printf(_("The log in %s is in a fresh file: %" PRIu64 " records, verified; %.1f MiB instead of %.1f MiB.\n"
                   "What was erased is not in it. Backups that were made before, and the disk's free blocks, can still "
                   "hold its ciphertext: `wicid kek rotate` makes it useless there.\n"),
                 c->config->data_dir, c->verified.records, (double)c->report.bytes_after / MIB,
                 (double)c->report.bytes_before / MIB);
    return 0;
}

int
compact_run(const struct config *config)
{
    struct compaction *c = calloc(1, sizeof *c);
    int rc;

    if (c == NULL) {
        log_error("compact: %s", strerror(ENOMEM));
        return -ENOMEM;
    }
    c->config = config;
    rc = log_open(c);
    if (rc == 0)
        rc = erasures_check(c);
    if (rc == 0) {
        rc = file_make(c);
        if (rc == 0)
            rc = file_place(c);
        else
            (void)compact_remove(config->data_dir); /* what stays is removed when the log is opened */
    }
    core_destroy(&c->core);
    store_close(&c->store);
    free(c);
    return rc;
}
