/*
 * talk - one message of a peer, and what is said to it (docs/PROTOCOL.md)
 *
 * Who speaks is asked anew for every message, from the key that the message itself carries: a connection outlives its
 * key. Everything said here is queued, and leaves after the tick's commit.
 *
 * Errors: 0 or -errno: latch. What a peer does wrong is answered, and is no error. Threads: the broker's only.
 */
#ifndef BROKER_TALK_H
#define BROKER_TALK_H

#include "broker/broker.h"

int talk_take(struct broker *b, const struct front_message *message);
/* May this stand as a reason for reading: a line that is not blank, at most REASON_MAX long? */
bool reason_is_valid(const char *reason);

/* ---- talk_session.c */

/* Ends a reader: its access window is set aside to be recorded, its cursor stays. */
int talk_end_reader(struct broker *b, struct reader *reader);
/* Ends a session and all it reads. */
int talk_end_session(struct broker *b, struct session *session);
/* Ends the sessions that are gone, silent, or whose key is no longer valid. */
int talk_sweep(struct broker *b, bool keys);
/* The names clients choose: 1 to 64 of a-z A-Z 0-9 . _ - and no run of eleven digits, which could be a person's. */
bool session_name_is_valid(const char *name);

/* ---- messages, one function each; talk_take() has looked at who speaks */

int hello_take(struct broker *b, const struct front_message *from, uint32_t unit, const Wici__V1__Hello *hello);
/* talk_read.c */
int subscribe_take(struct broker *b, struct session *session, const Wici__V1__Subscribe *subscribe);
int ack_take(struct broker *b, struct session *session, const Wici__V1__Ack *ack);
int unsubscribe_take(struct broker *b, struct session *session, const Wici__V1__Unsubscribe *unsubscribe);
int read_take(struct broker *b, struct session *session, const Wici__V1__Read *read);
/* document_talk.c */
int document_put_take(struct broker *b, struct session *session, const Wici__V1__DocumentPut *put);
int document_get_take(struct broker *b, struct session *session, const Wici__V1__DocumentGet *get);

#endif
