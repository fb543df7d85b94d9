/*
 * serve - see serve.h; and broker/front.h and broker/zap.h, without sockets and handshakes
 */
#include "tests/crash/serve.h"

#include "broker/compact.h"
#include "broker/init.h"
#include "broker/log.h"
#include "broker/zap.h"
#include "proto/keyfile.h"
#include "store/fault.h"
#include "tests/crash/copier.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEXT(constant) ((char *)(uintptr_t)(constant)) /* packing only reads them */
#define TICKS_MAX      5000u                           /* until an answer comes */
#define TICK_MS        3u
#define DATA_SIZE_MAX  (UINT64_C(1) << 30)

struct front {
    bool open;
};

struct zap {
    bool open;
};

static const struct {
    const char *id, *agency, *kind, *key;
    Wici__V1__Role role;
} units[SERVE_UNITS] = {{"adm", "op", "OPS", "", WICI__V1__ROLE__ADM},
                        {"sw", "mops", "OPS", "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd", WICI__V1__ROLE__SW},
                        {"sw2", "cus", "CUS", "eeeeeeeeeeffffffffffgggggggggghhhhhhhhhh", WICI__V1__ROLE__SW}};

static struct {
    struct config config;
    struct broker *broker;
    char admin_key[FRONT_KEY_SIZE];
    uint64_t next_number[SERVE_UNITS]; /* of the session's next Publish; 0: there is no session */

    /* what was said and not taken, and the answer to it */
    enum serve_unit unit;
    uint8_t *said;
    size_t said_len;
    Wici__V1__BrokerMessage *answer;
    serve_heard_fn *heard;

    uint64_t boot_us;
} serve;

const char *
serve_unit_id(enum serve_unit unit)
{
    return units[unit].id;
}

const char *
serve_unit_agency(enum serve_unit unit)
{
    return units[unit].agency;
}

Wici__V1__Role
serve_unit_role(enum serve_unit unit)
{
    return units[unit].role;
}

/* ---- time */

__typeof__(clock_gettime) __real_clock_gettime, __wrap_clock_gettime;

/* The broker measures how long its pieces take: each look takes a microsecond. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    uint64_t us = serve.boot_us;

    if (serve.boot_us == 0)
        return __real_clock_gettime(clock, ret);
    serve.boot_us++;
    if (clock == CLOCK_REALTIME)
        us += SERVE_BEGAN_MS * 1000;
    ret->tv_sec = (time_t)(us / 1000000);
    ret->tv_nsec = (long)(us % 1000000) * 1000;
    return 0;
}

void
serve_pass(uint64_t ms)
{
    serve.boot_us += ms * 1000;
}

/* ---- the thread that reads ahead of the fold */

__typeof__(pthread_create) __real_pthread_create, __wrap_pthread_create;
__typeof__(pthread_join) __real_pthread_join, __wrap_pthread_join;

/* Done at once: such a log fits the batches that it fills (ahead.c), so that it never waits for who empties them. */
int
__wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    (void)attr;
    memset(ret, 0, sizeof *ret);
    (void)run(arg);
    return 0;
}

int
__wrap_pthread_join(pthread_t thread, void **ret)
{
    (void)thread;
    (void)ret;
    return 0;
}

/* ---- broker/front.h */

int
front_open(struct front **ret, void *zmq, const char *secret_key, const char *public_key, const char *listen)
{
    (void)zmq;
    (void)secret_key;
    (void)public_key;
    (void)listen;
    *ret = calloc(1, sizeof **ret);
    return *ret == NULL ? -ENOMEM : 0;
}

void
front_close(struct front **front)
{
    free(*front);
    *front = NULL;
}

const char *
front_endpoint(const struct front *front)
{
    (void)front;
    return "serve";
}

bool
front_waiting(struct front *front)
{
    (void)front;
    return serve.said != NULL;
}

int
front_receive(struct front *front, struct front_message *ret)
{
    (void)front;
    if (serve.said == NULL)
        return -EAGAIN;
    *ret = (struct front_message){.route = {.len = 1, .id = {(uint8_t)serve.unit}}};
    (void)snprintf(ret->key, sizeof ret->key, "%s",
                   serve.unit == SERVE_ADMIN ? serve.admin_key : units[serve.unit].key);
    if (zmq_msg_init_size(&ret->payload, serve.said_len) != 0)
        abort();
    memcpy(zmq_msg_data(&ret->payload), serve.said, serve.said_len);
    free(serve.said);
    serve.said = NULL;
    return 0;
}

/* An answer is kept; deliveries and positions are not, which come by themselves. */
int
front_send(struct front *front, const struct front_route *route, zmq_msg_t *message)
{
    Wici__V1__BrokerMessage *told = wici__v1__broker_message__unpack(NULL, zmq_msg_size(message),
                                                                     zmq_msg_data(message));

    (void)front;
    if (told == NULL)
        abort();
    (void)zmq_msg_close(message);
    if (told->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH && serve.heard != NULL)
        serve.heard((enum serve_unit)route->id[0], told);
    if (told->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH ||
        told->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS || route->id[0] != serve.unit) {
        wici__v1__broker_message__free_unpacked(told, NULL);
        return 0;
    }
    if (serve.answer != NULL)
        wici__v1__broker_message__free_unpacked(serve.answer, NULL);
    serve.answer = told;
    return 0;
}

/* ---- broker/zap.h */

int
zap_start(struct zap **ret, void *zmq)
{
    (void)zmq;
    *ret = calloc(1, sizeof **ret);
    return *ret == NULL ? -ENOMEM : 0;
}

void
zap_stop(struct zap **zap)
{
    free(*zap);
    *zap = NULL;
}

int
zap_replace(struct zap *zap, const struct zap_key *keys, size_t count)
{
    (void)zap;
    (void)keys;
    (void)count;
    return 0;
}

/* ---- the broker */

void
serve_guard_path(const struct place *place, char ret[400])
{
    (void)snprintf(ret, 400, "%s/ward/guard", place->dir);
}

void
serve_erased_path(const struct place *place, char ret[400])
{
    (void)snprintf(ret, 400, "%s/ward/guard.erased", place->dir);
}

static void
path_set(char **at, const struct place *place, const char *name)
{
    free(*at);
    if (asprintf(at, "%s/%s", place->dir, name) < 0)
        abort();
}

static void
config_set(const struct place *place)
{
    struct config *config = &serve.config;

    if (config->listen == NULL && config_init(config) != 0)
        abort();
    path_set(&config->data_dir, place, "var/data");
    path_set(&config->key_dir, place, "vault/keys");
    path_set(&config->kek_file, place, "etc/kek");
    path_set(&config->curve_key, place, "etc/curve.key");
    path_set(&config->checkpoint_key, place, "etc/checkpoint.key");
    path_set(&config->guard_file, place, "ward/guard");
    path_set(&config->erased_file, place, "ward/guard.erased");
    path_set(&config->backup_dir, place, "logs");
    path_set(&config->backup_key_dir, place, "safe");
    config->data_size_max = DATA_SIZE_MAX;
    log_init(0);
    store_find_small = store_list_small = true; /* their growth, too, is what a power cut may meet */
}

struct broker *
serve_broker(void)
{
    return serve.broker;
}

int
serve_open(const struct place *place, uint64_t ms)
{
    config_set(place);
    memset(serve.next_number, 0, sizeof serve.next_number);
    serve.boot_us = (ms + 1) * 1000;
    copier_start(place->dir, ms);
    return broker_open(&serve.broker, &serve.config, false);
}

/* Nobody hears what it says at its end. */
void
serve_close(void)
{
    broker_close(&serve.broker);
    serve.boot_us = 0;
    free(serve.said);
    serve.said = NULL;
    if (serve.answer != NULL)
        wici__v1__broker_message__free_unpacked(serve.answer, NULL);
    serve.answer = NULL;
}

void
serve_end(bool cleanly)
{
    if (!cleanly && serve.broker != NULL)
        serve.broker->latched = true;
    serve_close();
}

/* What they tell their operator: not here. Returns what quiet_end() takes. */
static int
quiet_begin(void)
{
    int out = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)fflush(stdout);
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)close(nowhere);
    return out;
}

static void
quiet_end(int out)
{
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)close(out);
}

/* A command that ends by itself. */
static int
command_run(const struct place *place, uint64_t ms, int (*run)(const struct config *))
{
    int out = quiet_begin(), rc;

    config_set(place);
    serve.boot_us = (ms + 1) * 1000;
    rc = run(&serve.config);
    serve.boot_us = 0;
    quiet_end(out);
    return rc;
}

int
serve_compact(const struct place *place, uint64_t ms)
{
    return command_run(place, ms, compact_run);
}

int
serve_log_key(const struct place *place, uint64_t ms)
{
    return command_run(place, ms, init_log_key);
}

int
serve_new_epoch(const struct place *place, uint64_t ms)
{
    return command_run(place, ms, init_new_epoch);
}

int
serve_tick(void)
{
    bool signalled = false;

    serve_pass(TICK_MS);
    copier_step();
    return broker_tick(serve.broker, -1, 0, &signalled);
}

/* ---- speaking with it */

void
serve_listen(serve_heard_fn *heard)
{
    serve.heard = heard;
}

/* Until it is answered, or taken. */
static int
say(enum serve_unit unit, const Wici__V1__ClientMessage *message, bool answered)
{
    int rc = 0;

    if (serve.answer != NULL)
        wici__v1__broker_message__free_unpacked(serve.answer, NULL);
    serve.answer = NULL;
    serve.unit = unit;
    serve.said_len = wici__v1__client_message__get_packed_size(message);
    serve.said = malloc(serve.said_len);
    if (serve.said == NULL)
        return -ENOMEM;
    (void)wici__v1__client_message__pack(message, serve.said);
    for (unsigned i = 0; rc == 0 && (answered ? serve.answer == NULL : serve.said != NULL); i++)
        rc = i == TICKS_MAX ? -ETIMEDOUT : serve_tick();
    if (rc != 0 || serve.answer == NULL)
        return rc;
    return serve.answer->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED ? -EACCES : 0;
}

static int
session_begin(enum serve_unit unit)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;
    int rc;

    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    hello.session = TEXT("one");
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    rc = say(unit, &message, true);
    if (rc == 0)
        serve.next_number[unit] = serve.answer->welcome->next_number;
    return rc;
}

int
serve_ask(enum serve_unit unit, const Wici__V1__ClientMessage *message, const Wici__V1__BrokerMessage **ret)
{
    int rc = serve.next_number[unit] == 0 ? session_begin(unit) : 0;

    if (rc == 0)
        rc = say(unit, message, true);
    if (rc == 0 || rc == -EACCES)
        *ret = serve.answer;
    return rc;
}

int
serve_tell(enum serve_unit unit, const Wici__V1__ClientMessage *message)
{
    int rc = serve.next_number[unit] == 0 ? session_begin(unit) : 0;

    return rc == 0 ? say(unit, message, false) : rc;
}

int
serve_publish(enum serve_unit unit, const Wici__V1__Event *event, const Wici__V1__Answer **ret)
{
    Wici__V1__Event copy = *event, *list[] = {&copy};
    const Wici__V1__BrokerMessage *told;
    Wici__V1__ClientMessage message;
    Wici__V1__Publish publish;
    int rc = serve.next_number[unit] == 0 ? session_begin(unit) : 0;

    if (rc != 0)
        return rc;
    wici__v1__client_message__init(&message);
    wici__v1__publish__init(&publish);
    publish.number = serve.next_number[unit]++;
    publish.events = list;
    publish.n_events = 1;
    publish.bare = true;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_PUBLISH;
    message.publish = &publish;
    rc = serve_ask(unit, &message, &told);
    if (rc != 0)
        return rc;
    *ret = told->answers->answers[0];
    return (*ret)->outcome_case == WICI__V1__ANSWER__OUTCOME_RECEIPT ? 0 : -EACCES;
}

/* ---- making the log */

static int
init_quietly(const struct place *place)
{
    char admin_key[400];
    struct init_options options = {.origin = SCRIPT_ORIGIN,
                                   .agency = units[SERVE_ADMIN].agency,
                                   .agency_name = units[SERVE_ADMIN].agency,
                                   .agency_kind = units[SERVE_ADMIN].kind,
                                   .unit = units[SERVE_ADMIN].id,
                                   .admin_key = admin_key};
    int out = quiet_begin(), rc;
    struct keyfile key;

    (void)snprintf(admin_key, sizeof admin_key, "%s/etc/admin.key", place->dir);
    rc = init_run(&serve.config, &options);
    quiet_end(out);
    if (rc == 0)
        rc = keyfile_read(admin_key, &key);
    if (rc != 0)
        return rc;
    (void)snprintf(serve.admin_key, sizeof serve.admin_key, "%s", key.public_key);
    keyfile_wipe(&key);
    return 0;
}

/* What the administrator commands: a section of the registry. */
static int
command(Wici__V1__EventType type, Wici__V1__Section *section, uint64_t number)
{
    Wici__V1__Event event;
    Wici__V1__Header header;
    Wici__V1__Actor actor;
    const Wici__V1__Answer *answer;
    ProtobufCBinaryData part;
    uint8_t bytes[2][1024], id[16], random[10] = {0};
    char id_text[37], time_text[TIME_TEXT_SIZE];

    random[0] = (uint8_t)number;
    uuid7_make(SERVE_BEGAN_MS, random, id);
    uuid_format(id, id_text);
    time_format(SERVE_BEGAN_MS, time_text);
    wici__v1__event__init(&event);
    wici__v1__header__init(&header);
    wici__v1__actor__init(&actor);
    actor.agency = TEXT(units[SERVE_ADMIN].agency);
    actor.unit = TEXT(units[SERVE_ADMIN].id);
    actor.role = units[SERVE_ADMIN].role;
    header.event_id = id_text;
    header.type = type;
    header.schema_version = 1;
    header.occurred_at = time_text;
    header.actor = &actor;
    event.header = (ProtobufCBinaryData){.len = wici__v1__header__pack(&header, bytes[0]), .data = bytes[0]};
    part = (ProtobufCBinaryData){.len = wici__v1__section__pack(section, bytes[1]), .data = bytes[1]};
    event.sections = &part;
    event.n_sections = 1;
    return serve_publish(SERVE_ADMIN, &event, &answer);
}

static int
enrol(enum serve_unit unit)
{
    Wici__V1__SysAgencyEnrolledS0 agency;
    Wici__V1__SysUnitEnrolledS0 body;
    Wici__V1__Section section;
    Wici__V1__Role role = units[unit].role;
    char *kind = TEXT(units[unit].kind);
    int rc;

    wici__v1__section__init(&section);
    wici__v1__sys_agency_enrolled_s0__init(&agency);
    agency.agency_id = agency.name = TEXT(units[unit].agency);
    agency.kinds = &kind;
    agency.n_kinds = 1;
    section.body_case = WICI__V1__SECTION__BODY_SYS_AGENCY_ENROLLED_S0;
    section.sys_agency_enrolled_s0 = &agency;
    rc = command(WICI__V1__EVENT_TYPE__SYS_AGENCY_ENROLLED, &section, 2 * unit);
    if (rc != 0)
        return rc;
    wici__v1__section__init(&section);
    wici__v1__sys_unit_enrolled_s0__init(&body);
    body.unit_id = body.name = TEXT(units[unit].id);
    body.agency_id = TEXT(units[unit].agency);
    body.key = TEXT(units[unit].key);
    body.roles = &role;
    body.n_roles = 1;
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_ENROLLED_S0;
    section.sys_unit_enrolled_s0 = &body;
    return command(WICI__V1__EVENT_TYPE__SYS_UNIT_ENROLLED, &section, 2 * unit + 1);
}

int
serve_make(const struct place *place)
{
    char ward[400];
    int rc = 0;

    (void)snprintf(ward, sizeof ward, "%s/ward", place->dir);
    if (mkdir(ward, 0700) != 0)
        return -errno;
    config_set(place);
    serve.boot_us = 1000;
    rc = init_quietly(place);
    if (rc == 0)
        rc = serve_open(place, 1000);
    for (enum serve_unit unit = SERVE_SENDER; rc == 0 && unit < SERVE_UNITS; unit++)
        rc = enrol(unit);
    serve_close();
    return rc;
}
