/* kek - see kek.h */
#include "broker/kek.h"

#include "broker/log.h"
#include "proto/language.h"
#include "store/kek.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void
failure_log(const struct config *config, const struct kek_options *o, int rc, uint32_t entry)
{
    switch (rc) {
    case -EINVAL: return; /* said by whoever took the words */
    case -ENOENT: log_error("kek: a folder that was named, or the log in %s, is not there", config->data_dir); return;
    case -EBUSY: log_error("kek: a process has %s open: stop wicid first", config->data_dir); return;
    case -EPERM: log_error("kek: %s can be read by others, or is not the key of this log", config->kek_file); return;
    case -EEXIST:
        log_error("kek: %s or %s/keys is there already and holds something else: name other places", o->kek_copy,
                  o->copy_dir);
        return;
    case -EBADMSG:
        log_error("kek: the key store is damaged, or belongs to another log, or its copy does not hold what it should "
                  "(entry %" PRIu32 "): nothing was replaced",
                  entry);
        return;
    default: log_error("kek: the key cannot be replaced: %s; once more goes on", strerror(-rc)); return;
    }
}

/* A copy on the same file system is lost with what it is a copy of. */
static void
places_look(const struct config *config, const struct kek_options *o)
{
    struct stat keys, copy, kek, kek_copy;

    if (stat(config->key_dir, &keys) == 0 && stat(o->copy_dir, &copy) == 0 && keys.st_dev == copy.st_dev)
        log_warn("kek: %s lies on the file system of %s: carry the copy away", o->copy_dir, config->key_dir);
    if (stat(config->kek_file, &kek) == 0 && stat(o->kek_copy, &kek_copy) == 0 && kek.st_dev == kek_copy.st_dev)
        log_warn("kek: %s lies on the file system of %s: carry the copy away", o->kek_copy, config->kek_file);
}

int
kek_run(const struct config *config, const char *copy_dir, const char *kek_copy)
{
    struct kek_options options = {.store = config_store(config), .copy_dir = copy_dir, .kek_copy = kek_copy};
    enum kek_outcome outcome = KEK_ROTATED;
    uint32_t entry = 0;
    int rc = kek_rotate(&options, &outcome, &entry);

    if (rc != 0) {
        failure_log(config, &options, rc, entry);
        return rc;
    }
    if (outcome == KEK_FINISHED) {
        (void)printf(
            _("A change of the key that had been interrupted is finished: %s is the new key, and the old one is "
              "destroyed.\n"),
            config->kek_file);
        return 0;
    }
    places_look(config, &options);
    (void)printf(
        _("%s is a new key, and the old one is destroyed here. Copies, read back and compared: the key in %s, the "
          "key store in %s.\n"
          "The key stores of earlier backups cannot be opened with it; their logs can, with the new key store. Now "
          "destroy every other copy of the old key, and make a backup.\n"),
        config->kek_file, kek_copy, copy_dir);
    return 0;
}

void
kek_refused_log(const struct config *config)
{
    if (kek_is_half_rotated(config->kek_file))
        log_error("store: %s does not open the key store: a change of the key was interrupted: `wicid kek rotate` "
                  "finishes it",
                  config->kek_file);
    else
        log_error("store: %s can be read by others, or is not the key of this log", config->kek_file);
}

void
kek_look(const struct config *config)
{
    if (kek_old_is_left(config->kek_file))
        log_warn("kek: %s.old, the old key, is still there: a change of the key was interrupted: `wicid kek rotate` "
                 "destroys it",
                 config->kek_file);
}
