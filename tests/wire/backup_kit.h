/* backup_kit - backups of a town's broker, for the tests of backups and of what is restored from them */
#ifndef WIRE_BACKUP_KIT_H
#define WIRE_BACKUP_KIT_H

#include "tests/wire/kit.h"

#include <unistd.h>

/* Asks; label "" for how the last one is. The caller frees it. */
static inline Wici__V1__BrokerMessage *
backup_ask_any(struct peer *p, const char *label, Wici__V1__BrokerMessage__MessageCase kind)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__BackupQuery what;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__backup_query__init(&what);
    what.label = (char *)(uintptr_t)label;
    query.request = 9;
    query.what_case = WICI__V1__QUERY__WHAT_BACKUP;
    query.backup = &what;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_send(p, &message);
    return peer_expect(p, kind);
}

static inline Wici__V1__BrokerMessage *
backup_ask(struct peer *p, const char *label)
{
    return backup_ask_any(p, label, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
}

static inline bool
backup_is_under_way(const Wici__V1__Backup *b)
{
    return strcmp(b->state, "DONE") != 0 && strcmp(b->state, "FAILED") != 0;
}

/* Waits for the end of the one that this answer is about. The caller frees what is returned. */
static inline Wici__V1__BrokerMessage *
backup_wait(struct peer *admin, Wici__V1__BrokerMessage *m)
{
    for (unsigned i = 0; backup_is_under_way(m->query_result->backup); i++) {
        assert_true(i < PEER_TIMEOUT_MS / 20);
        peer_free(m);
        (void)usleep(20000); /* between two questions, not instead of one */
        m = backup_ask(admin, "");
    }
    return m;
}

/* Begins one and waits for its end. The caller frees it. */
static inline Wici__V1__BrokerMessage *
backup_ended(struct peer *admin, const char *label)
{
    Wici__V1__BrokerMessage *m = backup_wait(admin, backup_ask(admin, label));

    assert_string_equal(m->query_result->backup->label, label);
    return m;
}

/* The number of records in it. */
static inline uint64_t
backup_done(struct peer *admin, const char *label)
{
    Wici__V1__BrokerMessage *m = backup_ended(admin, label);
    uint64_t records = m->query_result->backup->records;

    assert_string_equal(m->query_result->backup->state, "DONE");
    assert_true(m->query_result->backup->safe_up_to >= records);
    peer_free(m);
    return records;
}

static inline void
town_shell(const struct town *t, const char *command)
{
    char text[512];

    (void)snprintf(text, sizeof text, "cd %s && %s", t->daemon.dir, command);
    assert_int_equal(system(text), 0);
}

/* Backs up into the folders of the settings, which are made; the number of records. */
static inline uint64_t
town_backup(struct town *t, const char *label)
{
    struct peer admin;
    uint64_t records;

    town_shell(t, "mkdir -p backup backup-keys");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    records = backup_done(&admin, label);
    peer_close(&admin);
    return records;
}

#endif
