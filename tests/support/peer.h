/*
 * peer - one connection that speaks wire.proto frame by frame
 *
 * It knows no more than the protocol: it sends what it is told and hands over what comes. Failures are cmocka's.
 * Ownership: a message handed out lives until peer_free.
 */
#ifndef SUPPORT_PEER_H
#define SUPPORT_PEER_H

#include "proto/event.h"
#include "proto/keyfile.h"
#include "tests/support/daemon.h"

#define PEER_TIMEOUT_MS   30000
#define PEER_SECTIONS_MAX 4

struct peer {
    void *zmq, *socket;
    char agency[ID_LEN_MAX + 1], unit[ID_LEN_MAX + 1];
    Wici__V1__Role role;
    uint64_t next_number;
    bool bare; /* asks for receipts without digests and slots */
};

/* Connects; says nothing. key NULL: without CURVE. */
void peer_connect(struct peer *p, const struct daemon *d, const struct keyfile *key);
/* Connects and says Hello. */
void peer_hello(struct peer *p, const struct daemon *d, const struct keyfile *key, const char *session);
void peer_close(struct peer *p);

void peer_send(struct peer *p, const Wici__V1__ClientMessage *message);
void peer_send_frames(struct peer *p, const char *const *frames, size_t count);

/* The next message, or NULL after timeout_ms. */
Wici__V1__BrokerMessage *peer_receive(struct peer *p, int timeout_ms);
/* The next message that is no Positions, of this kind; fails on any other. */
Wici__V1__BrokerMessage *peer_expect(struct peer *p, Wici__V1__BrokerMessage__MessageCase kind);
/* Expects a Refused with this code; the counts of refusals that a subscription brings before it are passed over. */
void peer_expect_refused(struct peer *p, const char *code);
void peer_free(Wici__V1__BrokerMessage *message);

/* An event in bytes. */
struct peer_event {
    char id[37];
    uint8_t *header, *sections[PEER_SECTIONS_MAX];
    size_t header_len, section_lens[PEER_SECTIONS_MAX], section_count;
};

/* Fills in header.event_id (when empty), occurred_at and actor, and packs. dossier NULL: none. to NULL: nobody. */
void peer_event_make(const struct peer *p, Wici__V1__EventType type, const char *dossier, const char *to,
                     const Wici__V1__Section *const *sections, size_t count, struct peer_event *ret);
void peer_event_free(struct peer_event *event);

/* Sends one Publish with these events and does not wait. */
void peer_publish_later(struct peer *p, const struct peer_event *events, size_t count);
/* Publishes one event and returns the answers' message. */
Wici__V1__BrokerMessage *peer_publish(struct peer *p, const struct peer_event *event);
/* The same; has to be taken. Returns its seq. */
uint64_t peer_publish_taken(struct peer *p, const struct peer_event *event);

/* An info.provided with this text, for `to`, opening the dossier; has to be taken. */
uint64_t peer_letter(struct peer *p, const char *dossier, const char *to, const char *text);
void peer_letter_make(const struct peer *p, const char *dossier, const char *to, const char *text,
                      struct peer_event *ret);
void peer_uuid4(char ret[37]);

/* Commands of an administrator. */
void peer_enrol_agency(struct peer *admin, const char *agency, const char *kind);
void peer_enrol_unit(struct peer *admin, const char *unit, const char *agency, Wici__V1__Role role, const char *key);
void peer_suspend(struct peer *admin, const char *unit);
void peer_suspend_later(struct peer *admin, const char *unit); /* does not wait for the answer */
void peer_key(struct keyfile *ret);

/* Subscribes; expects Subscribed. start: 0 live. Returns from_seq. */
uint64_t peer_subscribe(struct peer *p, uint32_t subscription, const char *cursor, uint64_t start,
                        uint32_t window_bytes);
void peer_ack(struct peer *p, uint32_t subscription, uint64_t seq);

/* Connects with this key (NULL: without CURVE) and waits for how the handshake ends: an event of ZeroMQ's monitor. */
int peer_knock(const struct daemon *d, const struct keyfile *key, const char *server_key);

#endif
