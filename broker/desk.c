/* desk - see desk.h */
#include "broker/desk.h"
#include "broker/broker.h"
#include "broker/fold.h"
#include "broker/log.h"
#include "proto/signerfile.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

static int
key_take(void *arg, const struct record *record)
{
    struct desk *desk = arg;

    return log_keys_take(&desk->log_keys, record);
}

int
desk_open(struct desk *desk, const struct config *config)
{
    struct store_options options = config_store(config);
    struct clock clock = {.started = false};
    uint32_t access_entry = 0;
    int rc = store_open(&desk->store, &options);

    if (rc != 0) {
        log_error("init: the log in %s cannot be opened: %s", config->data_dir, store_why(rc, store_open_damage()));
        return rc;
    }
    (void)clock_look(&clock);
    desk->now_ms = clock.now_ms;
    if ((rc = core_create(&desk->core)) != 0 ||
        (rc = broker_fold(desk->store, desk->core, &access_entry, &desk->log_keys)) != 0 ||
        (rc = sequence_create(&desk->sequence, desk->store, desk->core, NULL, key_take, desk)) != 0)
        log_error("init: the log in %s cannot be read: %s", config->data_dir, strerror(-rc));
    return rc;
}

void
desk_close(struct desk *desk)
{
    sequence_destroy(&desk->sequence);
    core_destroy(&desk->core);
    store_close(&desk->store);
}

int
desk_signer(const char *path, const char *name, const struct note_key *after, struct note_signer *ret)
{
    uint8_t seed[NOTE_SEED_SIZE];
    int rc;

    randombytes_buf(seed, sizeof seed);
    rc = note_signer_make(name, seed, ret);
    sodium_memzero(seed, sizeof seed);
    return rc == 0 ? signerfile_write(path, ret, after) : rc;
}

int
desk_log_key(struct desk *desk, const struct note_key *key, const struct note_key *replaces, const char *endorsed)
{
    char vkey[NOTE_KEY_TEXT_SIZE], old[NOTE_KEY_TEXT_SIZE];
    Wici__V1__SysLogKeyS0 body;
    Wici__V1__Section section;

    wici__v1__sys_log_key_s0__init(&body);
    wici__v1__section__init(&section);
    note_key_format(key, vkey);
    body.vkey = vkey;
    body.endorsed = TEXT(endorsed);
    if (replaces != NULL) {
        note_key_format(replaces, old);
        body.replaces = old;
    }
    section.body_case = WICI__V1__SECTION__BODY_SYS_LOG_KEY_S0;
    section.sys_log_key_s0 = &body;
    return sequence_own(desk->sequence, &section, STORE_CLEAR_ENTRY, desk->now_ms);
}
