/*
 * restore_kit - for tests that put an older copy of a log back
 */
#ifndef WIRE_RESTORE_KIT_H
#define WIRE_RESTORE_KIT_H

#include "proto/endorse.h"
#include "tests/wire/backup_kit.h"

/* A word of the command line: a path in the town's folder. */
static inline const char *
at(const struct town *t, const char *name, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", t->daemon.dir, name);
    return path;
}

static inline void
assert_refuses_to_start(struct town *t, const char *why)
{
    char out[8192];

    assert_int_equal(RUN(out, "-c", t->daemon.config), 1);
    assert_says(out, why);
}

static inline void
new_epoch(struct town *t, const char *name)
{
    char out[8192];

    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 0);
    assert_says(out, name);
}

/* Who was told the key of before can follow. */
static inline void
assert_new_key_is_endorsed(struct town *t)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__CheckpointQuery what;
    Wici__V1__BrokerMessage *m;
    Wici__V1__LogKey **keys;
    struct note_key old, fresh;
    struct peer admin;
    size_t count;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__checkpoint_query__init(&what);
    query.what_case = WICI__V1__QUERY__WHAT_CHECKPOINT;
    query.checkpoint = &what;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "keys");
    peer_send(&admin, &message);
    m = peer_expect(&admin, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    count = m->query_result->checkpoint->n_keys;
    keys = m->query_result->checkpoint->keys;
    assert_true(count >= 2);
    assert_int_equal(note_key_parse(keys[count - 2]->vkey, strlen(keys[count - 2]->vkey), &old), 0);
    assert_int_equal(note_key_parse(keys[count - 1]->vkey, strlen(keys[count - 1]->vkey), &fresh), 0);
    assert_int_equal(endorse_check(keys[count - 1]->endorsed, &fresh, &old, 1), 0);
    assert_string_equal(keys[0]->endorsed, "");
    peer_free(m);
    peer_close(&admin);
}

#endif
