/*
 * sim - see sim.h: the driver
 */
#include "tests/sim/sim.h"

#include "broker/init.h"
#include "broker/log.h"
#include "broker/shown.h"
#include "proto/keyfile.h"
#include "store/fault.h"
#include "tests/sim/backup.h"
#include "tests/sim/check.h"
#include "tests/sim/client.h"
#include "tests/sim/door.h"
#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/make.h"
#include "tests/sim/papers.h"
#include "tests/sim/saids.h"
#include "tests/sim/seams.h"
#include "tests/sim/town.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS_MIN     1500u
#define STEPS_MORE    4000u
#define FINISH_ROUNDS 4000u
#define ORIGIN        "wici.example/sim"
#define FILES_EACH    4u /* runs: reading all files is dear */
#define PATH_SIZE     512u
#define DAY_MS        86400000u
#define STEPS_MS_MAX  900000u /* that the clock may have been set back since an upload began */
#define ASKED_MAX     30u     /* documents that each asks for at the end */

struct broker *sim_broker;
struct sim_counts sim_counts;
bool sim_verbose;

static struct {
    uint64_t seed, digest;
    const char *plant;
    struct config config;
    unsigned death_in; /* places passed until the broker dies; 0: it lives */
    bool death_rare;   /* rare places alone count */
    bool calm;         /* nothing breaks any more */
    bool clock_jumped;
    bool starting;
} run;

void *
must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void
sim_fail(const char *checker, const char *fmt, ...)
{
    va_list args;

    (void)fflush(stdout);
    (void)fprintf(stderr, "FAILED: %s: ", checker);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fprintf(stderr, " (seed %" PRIu64 ", step %" PRIu64 ")\nagain: simulate --seed %" PRIu64 "%s%s --verbose\n",
                  run.seed, sim_counts.steps, run.seed, run.plant != NULL ? " --plant " : "",
                  run.plant != NULL ? run.plant : "");
    _exit(1);
}

void
sim_digest(const void *data, size_t len)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < len; i++)
        run.digest = (run.digest ^ at[i]) * 1099511628211u;
}

void
sim_tell(const char *fmt, ...)
{
    va_list args;

    if (!sim_verbose)
        return;
    (void)printf("%6" PRIu64 " %8" PRIu64 " ms  ", sim_counts.steps, fate_boot_ms());
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)printf("\n");
}

static void
point(const char *where, bool rare)
{
    if (run.death_in == 0 || (run.death_rare && !rare) || (sim_broker == NULL && !run.starting) || --run.death_in > 0)
        return;
    sim_tell("the broker dies at \"%s\"", where);
    sim_counts.deaths++;
    door_die();
}

void
sim_point(const char *where)
{
    point(where, false);
}

void
sim_point_rare(const char *where)
{
    point(where, true);
}

/* ---- the broker */

static void
broker_start(void)
{
    struct broker *broker = NULL;
    int rc;

    door_revive();
    run.starting = true;
    store_find_small = shown_small = true; /* else no run would be long enough for their pieces */
    /* A log that is ahead of the clock, as after a step back, takes the operator's word each time. */
    rc = broker_open(&broker, &run.config,
                     run.clock_jumped ||
                         (ledger_head() > 0 && ledger_at(ledger_head())->record.core.ts_ms > fate_wall_ms()));
    run.starting = false;
    if (rc == 0 && !door_is_dead()) {
        run.clock_jumped = false;
        sim_broker = broker;
        check_reopened();
        sim_tell("the broker serves, the log stands at %" PRIu64, ledger_head());
        return;
    }
    if (rc == 0) { /* it died while it started */
        broker->latched = true;
        broker_close(&broker);
        return;
    }
    if (!door_is_dead() && !seams_commit_failed())
        sim_fail("G10 opens", "the broker does not start: %s %s", strerror(-rc), store_open_damage());
}

/* Its process is gone: nothing that it had open is written. */
static void
broker_vanish(void)
{
    sim_broker->latched = true;
    broker_close(&sim_broker);
    run.death_in = 0;
}

static void
broker_stop(void)
{
    sim_tell("the broker is told to end");
    broker_close(&sim_broker);
    if (!door_is_dead() && !seams_commit_failed())
        check_refused_ended();
}

static void
tick(void)
{
    bool signalled = false;
    int rc;

    if (sim_broker == NULL)
        return;
    sim_counts.ticks++;
    rc = broker_tick(sim_broker, -1, 0, &signalled);
    if (rc == 0 && !door_is_dead()) {
        check_tick();
        return;
    }
    if (!door_is_dead() && rc != -ETIME && !seams_commit_failed())
        sim_fail("G10 latch", "the broker stops: %s %s", strerror(-rc), store_damage(sim_broker->store));
    sim_tell("the broker is gone: %s", door_is_dead() ? "died" : strerror(-rc));
    broker_vanish();
}

/* ---- the beginning */

static char *
path_in(const char *dir, const char *name)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return must(strdup(path));
}

static void
config_make(const char *dir)
{
    if (config_init(&run.config) != 0)
        abort();
    free(run.config.data_dir);
    free(run.config.key_dir);
    free(run.config.kek_file);
    free(run.config.curve_key);
    free(run.config.checkpoint_key);
    free(run.config.guard_file);
    free(run.config.erased_file);
    run.config.data_dir = path_in(dir, "data");
    run.config.key_dir = path_in(dir, "keys");
    run.config.kek_file = path_in(dir, "kek");
    run.config.curve_key = path_in(dir, "curve.key");
    run.config.checkpoint_key = path_in(dir, "checkpoint.key");
    run.config.guard_file = path_in(dir, "guard");
    run.config.erased_file = path_in(dir, "guard.erased");
    free(run.config.backup_dir);
    free(run.config.backup_key_dir);
    run.config.backup_dir = path_in(dir, "backup");
    run.config.backup_key_dir = path_in(dir, "backup-keys");
    run.config.data_size_max = 1u << 30;
}

static void
empty(const char *dir)
{
    char command[4 * PATH_SIZE + 64];

    (void)snprintf(command, sizeof command, "rm -rf '%s' && mkdir -m 700 '%s' '%s/backup' '%s/backup-keys'", dir, dir,
                   dir, dir);
    if (system(command) != 0)
        abort();
}

/* init tells its operator what to do next: not here. */
static void
log_init_quietly(const char *dir)
{
    char *admin_key = path_in(dir, "admin.key");
    struct init_options options = {.origin = ORIGIN,
                                   .agency = "op",
                                   .agency_name = "op",
                                   .agency_kind = "OPS",
                                   .unit = "adm",
                                   .admin_key = admin_key};
    int out = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), rc;
    struct keyfile key;

    (void)fflush(stdout);
    (void)dup2(nowhere, STDOUT_FILENO);
    rc = init_run(&run.config, &options);
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)close(out);
    (void)close(nowhere);
    if (rc != 0 || keyfile_read(admin_key, &key) != 0)
        abort();
    town_start(key.public_key);
    free(admin_key);
}

static void
carry_line(struct door_line *line)
{
    door_carry(line, SIZE_MAX);
}

static void
round_of_all(void)
{
    door_each(carry_line);
    tick();
    door_each(carry_line);
    for (size_t i = 0; i < clients_count(); i++)
        for (unsigned k = 0; k < 50; k++)
            client_hear(client_at(i));
    door_sweep();
}

/* The administrator enrols the town, undisturbed. */
static void
enrol_town(void)
{
    struct client *admin = client_at(0);

    for (size_t i = 1; i < town_agency_count(); i++)
        if (!town_agency(i)->late)
            client_publish(admin, make_enrol_agency(town_agency(i)));
    for (size_t i = 1; i < town_unit_count(); i++)
        if (!town_unit(i)->late)
            client_publish(admin, make_enrol_unit(town_unit(i)));
    for (unsigned i = 0; i < 200 && admin->answered < admin->queue_len; i++) {
        client_finish(admin, 0);
        round_of_all();
        fate_pass(1000);
    }
    if (admin->answered < admin->queue_len)
        sim_fail("G4 progress", "the town is not enrolled");
}

/* ---- what happens */

static void
administrate(void)
{
    struct client *admin = client_at(0);
    struct town_unit *unit = town_unit(1 + fate_below(town_unit_count() - 1));

    if (admin->queue_len - admin->answered > 3)
        return;
    switch (fate_below(7)) {
    case 6: client_publish(admin, make_policy()); break;
    case 0:
    case 1: client_publish(admin, make_suspend(unit, true)); break;
    case 2: client_publish(admin, make_suspend(unit, false)); break;
    case 3: client_publish(admin, make_rotate(unit, fate_once_in(2) ? 0 : 10000)); break;
    default:
        for (size_t i = 0; i < town_agency_count(); i++)
            if (town_agency(i)->late && fate_once_in(2))
                client_publish(admin, make_enrol_agency(town_agency(i)));
        if (unit->late)
            client_publish(admin, make_enrol_unit(unit));
        break;
    }
}

static void
line_mishap(struct door_line *line)
{
    if (!line->open && line->known && fate_once_in(3))
        line->known = false; /* the broker's side notices */
}

/* The machine is lost, whatever it was at. */
static void
disks_lost(void)
{
    if (backup_count() == 0)
        return;
    door_die();
    if (sim_broker != NULL)
        broker_vanish();
    door_revive(); /* what the operator does is no dead broker's */
    backup_put_back(fate_once_in(2));
}

static void
mishap(void)
{
    struct client *c = client_at(fate_below(clients_count()));

    switch (fate_below(15)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (c->line != NULL) {
            sim_counts.cuts++;
            client_cut(c, fate_once_in(2));
        }
        break;
    case 4:
    case 5:
        if (run.death_in != 0 && !run.death_rare)
            break;
        run.death_rare = fate_once_in(3);
        run.death_in = 1 + (unsigned)fate_below(run.death_rare ? 8 : 40);
        break;
    case 6:
        if (sim_broker != NULL && fate_once_in(4))
            broker_stop();
        break;
    case 7:
        if (fate_once_in(6))
            seams_fail_commit();
        break;
    case 8:
        if (fate_once_in(4)) { /* a day, or less of it */
            fate_pass(1000u * (fate_once_in(2) ? DAY_MS + fate_below(60000) : fate_below(DAY_MS)));
            break;
        }
        fate_pass(1000u * fate_below(fate_once_in(8) ? 1000000 : 70000));
        break; /* a minute; or a quarter of an hour */
    case 9:
        if (fate_once_in(40)) {
            fate_wall_step(fate_once_in(2) ? 90000 : -90000);
            run.clock_jumped = true;
        } else if (fate_once_in(4)) {
            fate_wall_step((int64_t)fate_below(20000) - 10000);
        }
        break;
    case 10: client_erase(fate_once_in(8) ? c : client_at(0)); break;
    case 11: client_backup(fate_once_in(12) ? c : client_at(0)); break;
    case 12:
        if (fate_once_in(2))
            disks_lost();
        break;
    default: administrate(); break;
    }
}

static void
line_carry_some(struct door_line *line)
{
    if (fate_once_in(3))
        door_carry(line, 1 + fate_below(6));
}

static void
step(void)
{
    struct client *c = client_at(fate_below(clients_count()));

    sim_counts.steps++;
    fate_pass(fate_below(2000));
    switch (fate_below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5: client_act(c); break;
    case 6:
    case 7:
    case 8:
        for (size_t i = 0; i < clients_count(); i++)
            if (fate_once_in(client_at(i)->temper == TEMPER_LATE ? 12 : 2))
                client_hear(client_at(i));
        break;
    case 9:
    case 10: door_each(line_carry_some); break;
    case 11:
    case 12:
    case 13: tick(); break;
    case 14: fate_pass(1000u * fate_below(fate_once_in(4) ? 1500 : 120)); break;
    default:
        if (fate_once_in(6))
            mishap();
        door_each(line_mishap);
        break;
    }
    if (backup_is_under_way() && fate_once_in(12))
        backup_step();
    if (backup_is_under_way() && fate_once_in(24))
        client_erase(client_at(0)); /* which has to wait */
    if (sim_broker == NULL && fate_once_in(20))
        broker_start();
    door_sweep();
}

/* ---- the end */

static bool
is_served(const struct client *c)
{
    return !c->twin && c->temper != TEMPER_STUCK &&
           (check_unit_of(c->unit->key) != CORE_UNIT_NONE || check_unit_of(c->unit->old_key) != CORE_UNIT_NONE);
}

static void
round_of_the_end(uint64_t head)
{
    if (sim_broker == NULL)
        broker_start();
    backup_step();
    for (size_t i = 0; i < clients_count(); i++)
        client_finish(client_at(i), head);
    round_of_all();
    fate_pass(20000);
}

/* Everything calms down; whoever may be served is, and is told of all up to the number returned. */
static uint64_t
finish(void)
{
    const char *why = "";
    struct client *waiting = NULL;
    uint64_t head = 0;

    run.death_in = 0;
    run.calm = true;
    for (unsigned round = 0; round < FINISH_ROUNDS; round++) {
        round_of_the_end(head);
        if (round == 50)
            head = ledger_head();
        waiting = NULL;
        for (size_t i = 0; i < clients_count() && waiting == NULL && round > 50; i++)
            if (is_served(client_at(i)) && !client_is_done(client_at(i), head, &why))
                waiting = client_at(i);
        if (round > 50 && waiting == NULL)
            return head;
    }
    sim_fail("G4 progress", "%s/%s %s", waiting->unit->id, waiting->session, why);
}

/* The next document that the client may see, as far as it asked for them; false: it has asked for all. */
static bool
document_ask(struct client *c, size_t number)
{
    uint32_t unit = core_unit_by_id(ledger_core(), c->unit->id);
    uint8_t digest[DIGEST_SIZE];
    uint64_t seq;

    if (!is_served(c) || !c->ready || unit == CORE_UNIT_NONE || number == ASKED_MAX ||
        !check_documents_seen(unit, number, &seq, digest))
        return false;
    client_document_ask(c, seq, digest, 0);
    return true;
}

/* Everybody is given the documents that are for it; and what no event named is gone after its day. */
static void
finish_documents(void)
{
    size_t number = 0;
    unsigned round = 0;

    for (bool more = true; more; number++) {
        more = false;
        for (size_t i = 0; i < clients_count(); i++)
            more = document_ask(client_at(i), number) || more;
        for (round = 0; round < FINISH_ROUNDS && clients_wait_for_documents(); round++)
            round_of_the_end(0);
        if (round == FINISH_ROUNDS)
            sim_fail("G4 progress", "somebody has no answer to a DocumentGet");
    }
    fate_pass(1000u * ((uint64_t)DAY_MS + STEPS_MS_MAX));
    for (round = 0; round < FINISH_ROUNDS && check_documents_waiting() > 0; round++)
        round_of_the_end(0);
    if (check_documents_waiting() > 0)
        sim_fail("sweep", "%zu uploads are there after their day", check_documents_waiting());
}

/* An auditor asks of each dossier who was shown what; others may ask on. */
static void
finish_shown(void)
{
    struct client *auditor = NULL;
    const char *why = "";
    unsigned round = 0;

    for (size_t i = 0; i < clients_count(); i++)
        if (strcmp(client_at(i)->unit->roles, "AUD") == 0 && is_served(client_at(i)) && client_at(i)->ready)
            auditor = client_at(i);
    for (size_t i = 0; auditor != NULL && i < make_dossier_count(); i++) {
        client_shown_ask(auditor, make_dossier_at(i));
        for (round = 0; round < FINISH_ROUNDS && !client_is_done(auditor, 0, &why); round++)
            round_of_the_end(0);
        if (round == FINISH_ROUNDS)
            sim_fail("G4 progress", "the auditor is not told who was shown what");
    }
}

uint64_t
sim_run(const struct sim_options *options, const char *dir)
{
    static const struct door_hooks hooks = {.taken = check_taken, .sent = check_sent, .point = sim_point};
    uint64_t steps;

    memset(&run, 0, sizeof run);
    run.seed = options->seed;
    run.plant = options->plant;
    run.digest = 14695981039346656037u;
    sim_verbose = options->verbose;
    sim_counts.steps = 0;
    log_init((enum log_level)(options->verbose ? LOG_WARN : 0));
    fate_start(options->seed);
    empty(dir);
    config_make(dir);
    check_create();
    door_create(&hooks);
    log_init_quietly(dir);
    make_start();
    clients_create();
    backup_start(&run.config);
    broker_start();
    enrol_town();
    steps = options->steps != 0 ? options->steps : STEPS_MIN + fate_below(STEPS_MORE);
    while (sim_counts.steps < steps)
        step();
    clients_check_complete(finish());
    finish_documents();
    finish_shown();
    check_erased_end();
    broker_stop();
    broker_start();
    broker_stop();
    backup_verify_all();
    if (run.seed % FILES_EACH == 0)
        check_files(dir);
    door_destroy();
    clients_clear();
    check_clear();
    saids_clear();
    backup_clear();
    papers_clear();
    config_free(&run.config);
    return run.digest;
}
