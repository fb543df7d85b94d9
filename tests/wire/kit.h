/*
 * kit - the small town of the wire tests: an administrator, two social workers, a school, an auditor
 */
#ifndef WIRE_KIT_H
#define WIRE_KIT_H

#include "tests/support/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs wicid with these words; what it wrote to both outputs is in out, an array. */
#define RUN(out, ...) daemon_run((const char *const[]){__VA_ARGS__, NULL}, out, sizeof out)

struct town {
    struct daemon daemon;
    struct keyfile sw, sw2, school, auditor;
};

/* What a program wrote has these words in it. */
static inline void
assert_says(const char *out, const char *what)
{
    if (strstr(out, what) == NULL)
        fail_msg("expected \"%s\" in: %s", what, out);
}

/* Enrols everybody, at a broker that runs. */
static inline void
town_fill(struct town *t)
{
    struct peer admin;

    peer_key(&t->sw);
    peer_key(&t->sw2);
    peer_key(&t->school);
    peer_key(&t->auditor);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "setup");
    peer_enrol_agency(&admin, "sp12", "SCHOOL");
    peer_enrol_agency(&admin, "nadzor", "AUDIT");
    peer_enrol_unit(&admin, "ops-sw", "ops", WICI__V1__ROLE__SW, t->sw.public_key);
    peer_enrol_unit(&admin, "ops-sw2", "ops", WICI__V1__ROLE__SW, t->sw2.public_key);
    peer_enrol_unit(&admin, "sp12-ped", "sp12", WICI__V1__ROLE__SCH, t->school.public_key);
    peer_enrol_unit(&admin, "audyt", "nadzor", WICI__V1__ROLE__AUD, t->auditor.public_key);
    peer_close(&admin);
}

/* A letter of ops-sw to sp12-ped, in a dossier of its own; its number. */
static inline uint64_t
town_letter(struct town *t)
{
    char dossier[37];
    struct peer sw;
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    peer_uuid4(dossier);
    seq = peer_letter(&sw, dossier, "sp12-ped", "Zaświadczenie.");
    peer_close(&sw);
    return seq;
}

/* A new log, a running broker, everybody enrolled. */
static inline int
town_setup(void **state)
{
    struct town *t = calloc(1, sizeof *t);

    assert_non_null(t);
    daemon_create(&t->daemon, NULL);
    daemon_start(&t->daemon);
    town_fill(t);
    *state = t;
    return 0;
}

static inline int
town_teardown(void **state)
{
    struct town *t = *state;

    daemon_destroy(&t->daemon);
    free(t);
    return 0;
}

/* A bounded read of everything of one type from a seq on; the caller frees the message. */
static inline Wici__V1__BrokerMessage *
town_read(struct peer *p, Wici__V1__EventType type, uint64_t from_seq)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Read read;

    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    read.request = 7;
    read.type = type;
    read.from_seq = from_seq;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    peer_send(p, &message);
    return peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT);
}

/* The S0 of a delivery as a decoded Section; the caller frees it. NULL: not given. */
static inline Wici__V1__Section *
town_s0(const Wici__V1__Delivery *delivery)
{
    for (size_t i = 0; i < delivery->n_parts; i++)
        if (delivery->parts[i]->slot->section_id % 10 == 0)
            return wici__v1__section__unpack(NULL, delivery->parts[i]->body.len, delivery->parts[i]->body.data);
    return NULL;
}

#endif
