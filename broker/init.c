/*
 * init - see init.h
 */
#include "broker/init.h"
#include "broker/clock.h"
#include "broker/core/policy.h"
#include "broker/desk.h"
#include "broker/guard.h"
#include "broker/log.h"
#include "broker/restore.h"
#include "proto/keyfile.h"
#include "proto/language.h"
#include "proto/signerfile.h"
#include "proto/file.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

/* The key pair in the file; made when there is no file. */
static int
key_have(const char *path, const char *comment, struct keyfile *ret)
{
    int rc = keyfile_read(path, ret);

    if (rc != -ENOENT)
        return rc;
    if (zmq_curve_keypair(ret->public_key, ret->secret_key) != 0)
        return -EIO;
    return keyfile_write(path, ret, comment);
}

static int
agency_write(struct desk *desk, const struct init_options *o)
{
    Wici__V1__SysAgencyEnrolledS0 body;
    Wici__V1__Section section;
    char *kinds[] = {TEXT(o->agency_kind)};

    wici__v1__sys_agency_enrolled_s0__init(&body);
    wici__v1__section__init(&section);
    body.agency_id = TEXT(o->agency);
    body.name = TEXT(o->agency_name);
    body.kinds = kinds;
    body.n_kinds = 1;
    section.body_case = WICI__V1__SECTION__BODY_SYS_AGENCY_ENROLLED_S0;
    section.sys_agency_enrolled_s0 = &body;
    return sequence_own(desk->sequence, &section, STORE_CLEAR_ENTRY, desk->now_ms);
}

static int
unit_write(struct desk *desk, const struct init_options *o, const char *key)
{
    Wici__V1__SysUnitEnrolledS0 body;
    Wici__V1__Section section;
    Wici__V1__Role roles[] = {WICI__V1__ROLE__ADM};

    wici__v1__sys_unit_enrolled_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit_id = TEXT(o->unit);
    body.agency_id = TEXT(o->agency);
    body.name = TEXT("Administrator");
    body.roles = roles;
    body.n_roles = 1;
    body.key = TEXT(key);
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_ENROLLED_S0;
    section.sys_unit_enrolled_s0 = &body;
    return sequence_own(desk->sequence, &section, STORE_CLEAR_ENTRY, desk->now_ms);
}

static int
policy_write(struct desk *desk)
{
    Wici__V1__SysPolicyLoadedS0 body;
    Wici__V1__Section section;
    struct policy *policy = NULL;
    struct refusal refusal;
    char *text;
    int rc = policy_parse(&policy, policy_default_text, policy_default_len, &refusal);

    if (rc != 0) {
        log_error("init: the default policy is damaged at %s", refusal.path);
        return rc;
    }
    text = strndup(policy_default_text, policy_default_len);
    if (text == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    wici__v1__sys_policy_loaded_s0__init(&body);
    wici__v1__section__init(&section);
    body.version = TEXT(policy_version(policy));
    body.text = text;
    section.body_case = WICI__V1__SECTION__BODY_SYS_POLICY_LOADED_S0;
    section.sys_policy_loaded_s0 = &body;
    rc = sequence_own(desk->sequence, &section, STORE_CLEAR_ENTRY, desk->now_ms);
out:
    free(text);
    policy_destroy(&policy);
    return rc;
}

/* The signer key in the file; made when there is no file. */
static int
signer_have(const struct config *config, const char *origin, struct note_signer *ret)
{
    int rc = signerfile_read(config->checkpoint_key, ret, NULL);

    if (rc == -ENOENT)
        rc = desk_signer(config->checkpoint_key, origin, NULL, ret);
    if (rc == 0 && strcmp(ret->key.name, origin) != 0)
        rc = -EBADMSG;
    if (rc == -EINVAL)
        log_error("init: a log's name has no spaces and no plus in it: %s", origin);
    else if (rc == -EBADMSG)
        log_error("init: key file %s holds no signer key of this log", config->checkpoint_key);
    else if (rc != 0)
        log_error("init: key file %s: %s", config->checkpoint_key, strerror(-rc));
    return rc;
}

static int
guard_have(const struct config *config)
{
    int rc = guard_create(config->guard_file);

    if (rc == -EEXIST)
        log_error("init: the guard %s holds the checkpoint of a log already", config->guard_file);
    else if (rc != 0)
        log_error("init: the guard %s cannot be made: %s", config->guard_file, strerror(-rc));
    return rc;
}

static int
log_make(const struct config *config, const char *origin)
{
    struct store_options options = config_store(config);
    struct store_identity identity = {.epoch = 1};
    struct clock clock = {.started = false};
    int rc;

    if (origin[0] == '\0' || strlen(origin) >= sizeof identity.origin)
        return -EINVAL;
    (void)clock_look(&clock);
    identity.created_ms = clock.now_ms;
    memcpy(identity.origin, origin, strlen(origin) + 1);
    if ((rc = config_directories(config)) != 0)
        return rc;
    rc = store_create(&options, &identity);
    return rc == -EEXIST ? 0 : rc; /* perhaps an init that was interrupted: whether it has records is asked next */
}

/* The same rules as for any id that is published later. */
static int
options_check(const struct init_options *o)
{
    Wici__V1__Actor actor;
    Wici__V1__SysAgencyEnrolledS0 agency;
    char *kinds[] = {TEXT(o->agency_kind)};
    struct refusal refusal = {.path = ""};
    int rc;

    wici__v1__actor__init(&actor);
    actor.agency = TEXT(o->agency);
    actor.unit = TEXT(o->unit);
    actor.role = WICI__V1__ROLE__ADM;
    wici__v1__sys_agency_enrolled_s0__init(&agency);
    agency.agency_id = TEXT(o->agency);
    agency.name = TEXT(o->agency_name);
    agency.kinds = kinds;
    agency.n_kinds = 1;
    rc = event_check_message(&actor.base, "", &refusal);
    if (rc == 0)
        rc = event_check_message(&agency.base, "", &refusal);
    if (rc == 0 && strcmp(o->unit, o->agency) != 0 && strcmp(o->unit, "broker") != 0 &&
        strcmp(o->agency, "broker") != 0)
        return 0;
    log_error(
        "init: --agency and --unit are 1 to 64 letters, digits, . _ - and not the same; --agency-name is a line of "
        "text, --agency-kind a known word (wrong: %s)",
        refusal.path[0] != '\0' ? refusal.path : "--unit");
    return -EINVAL;
}

static void
next_steps_print(const struct config *config, const struct init_options *o, const struct keyfile *broker,
                 const struct note_key *log_key)
{
    char vkey[NOTE_KEY_TEXT_SIZE];

    note_key_format(log_key, vkey);
    (void)printf(_("The log %s is ready in %s.\n"
                   "The broker's public key (for everybody who connects): %s\n"
                   "The administrator's key (%s) is in the file %s: keep it safe.\n"
                   "The key-encryption key is in %s: keep a copy of it on another medium.\n"
                   "The log's verifier key (for auditors): %s\n"
                   "Next: start wicid -c FILE, then enrol agencies and units with the command wici.\n"),
                 o->origin, config->data_dir, broker->public_key, o->unit, o->admin_key, config->kek_file, vkey);
}

int
init_run(const struct config *config, const struct init_options *o)
{
    struct desk desk = {.store = NULL};
    struct keyfile broker = {.public_key = ""}, admin = {.public_key = ""};
    struct note_signer signer = {.key.name = ""};
    int rc = options_check(o);

    if (rc != 0 || (rc = restore_refuses(config)) != 0)
        return rc;
    rc = log_make(config, o->origin);
    if (rc != 0) {
        log_error("init: the log in %s cannot be made: %s", config->data_dir, strerror(-rc));
        return rc;
    }
    rc = desk_open(&desk, config);
    if (rc == 0 && store_head(desk.store) > 0) {
        log_error("init: the log in %s has records already", config->data_dir);
        rc = -EEXIST;
    }
    if (rc == 0 && strcmp(store_identity(desk.store)->origin, o->origin) != 0) {
        log_error("init: the log in %s has another name: %s", config->data_dir, store_identity(desk.store)->origin);
        rc = -EEXIST;
    }
    if (rc != 0)
        goto out;
    if ((rc = key_have(config->curve_key, "wicid", &broker)) != 0 ||
        (rc = key_have(o->admin_key, o->unit, &admin)) != 0) {
        log_error("init: key file %s: %s", broker.public_key[0] == '\0' ? config->curve_key : o->admin_key,
                  strerror(-rc));
        goto out;
    }
    if ((rc = signer_have(config, o->origin, &signer)) != 0 || (rc = guard_have(config)) != 0)
        goto out;
    if ((rc = agency_write(&desk, o)) != 0 || (rc = unit_write(&desk, o, admin.public_key)) != 0 ||
        (rc = policy_write(&desk)) != 0 || (rc = desk_log_key(&desk, &signer.key, NULL, "")) != 0 ||
        (rc = store_commit(desk.store)) != 0) {
        log_error("init: the first records cannot be written: %s", store_why(rc, store_damage(desk.store)));
        goto out;
    }
    next_steps_print(config, o, &broker, &signer.key);
out:
    note_signer_wipe(&signer);
    keyfile_wipe(&broker);
    keyfile_wipe(&admin);
    desk_close(&desk);
    return rc;
}

static int
rotation_write(struct desk *desk, const char *unit, const char *key)
{
    Wici__V1__SysUnitKeyRotatedS0 body;
    Wici__V1__Section section;
    char until[TIME_TEXT_SIZE];

    time_format(desk->now_ms, until); /* the lost key ends now */
    wici__v1__sys_unit_key_rotated_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit_id = TEXT(unit);
    body.key = TEXT(key);
    body.old_until = until;
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_KEY_ROTATED_S0;
    section.sys_unit_key_rotated_s0 = &body;
    return sequence_own(desk->sequence, &section, STORE_CLEAR_ENTRY, desk->now_ms);
}

static int
resumption_write(struct desk *desk, const char *unit)
{
    Wici__V1__SysUnitResumedS0 body;
    Wici__V1__Section section;

    wici__v1__sys_unit_resumed_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit_id = TEXT(unit);
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_RESUMED_S0;
    section.sys_unit_resumed_s0 = &body;
    return sequence_own(desk->sequence, &section, STORE_CLEAR_ENTRY, desk->now_ms);
}

int
init_recover(const struct config *config, const struct init_options *o)
{
    struct desk desk = {.store = NULL};
    struct keyfile admin = {.public_key = ""};
    struct core_unit unit = {.id = NULL};
    uint32_t index;
    int rc = restore_refuses(config);

    if (rc == 0)
        rc = desk_open(&desk, config);

    if (rc != 0)
        goto out;
    index = core_unit_by_id(desk.core, o->unit);
    if (index != CORE_UNIT_NONE)
        core_unit(desk.core, index, &unit);
    if (unit.id == NULL || (unit.roles >> WICI__V1__ROLE__ADM & 1u) == 0) {
        log_error("init: the log knows no administrator %s", o->unit);
        rc = -ENOENT;
        goto out;
    }
    if (zmq_curve_keypair(admin.public_key, admin.secret_key) != 0) {
        rc = -EIO;
        goto out;
    }
    rc = keyfile_write(o->admin_key, &admin, o->unit);
    if (rc != 0) {
        log_error("init: key file %s: %s", o->admin_key, strerror(-rc));
        goto out;
    }
    if ((unit.suspended && (rc = resumption_write(&desk, o->unit)) != 0) ||
        (rc = rotation_write(&desk, o->unit, admin.public_key)) != 0 || (rc = store_commit(desk.store)) != 0) {
        log_error("init: the record cannot be written: %s", store_why(rc, store_damage(desk.store)));
        (void)unlink(o->admin_key);
        goto out;
    }
    (void)printf(_("The new key of the administrator %s is in the file %s. The change is recorded in the log.\n"),
                 o->unit, o->admin_key);
out:
    keyfile_wipe(&admin);
    desk_close(&desk);
    return rc;
}
