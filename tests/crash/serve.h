/*
 * serve - a whole broker on the files of a place, without sockets: for scenes about what only a broker does (scene.h)
 *
 *     serve_make                            the log with its first records, as `wicid init` makes it
 *     serve_open ... serve_ask ... serve_close    the broker of production, from its start to its end
 *
 * Everything but the sockets is production's (broker.h): its loop, core and store. Sockets, handshakes and clocks are
 * here: a few units, each with one session; time stands still but for what is asked of it, so that all follows from the
 * seed.
 *
 * Errors: 0 or -errno, those of broker.h. Threads: one; what the broker has another read, ahead of its fold, is read
 * before it.
 */
#ifndef CRASH_SERVE_H
#define CRASH_SERVE_H

#include "broker/broker.h"
#include "tests/crash/script.h"

/* The units: the operator's administrator, and two offices that write to each other. */
enum serve_unit { SERVE_ADMIN, SERVE_SENDER, SERVE_READER, SERVE_UNITS };
const char *serve_unit_id(enum serve_unit unit);
const char *serve_unit_agency(enum serve_unit unit);
Wici__V1__Role serve_unit_role(enum serve_unit unit);

#define SERVE_BEGAN_MS UINT64_C(1772445600000) /* the first log began then: events may be dated from it on */

/* Where the broker keeps the guard; the list of destroyed keys lies beside it. */
void serve_guard_path(const struct place *place, char ret[400]);
void serve_erased_path(const struct place *place, char ret[400]);

/* Makes the log and enrols the units; place_prepare() was called. Nobody serves it afterwards. */
int serve_make(const struct place *place);

/* The clock starts `ms` after SERVE_BEGAN_MS. What fails is in store_open_damage(), where it is the store. */
int serve_open(const struct place *place, uint64_t ms);
/* The open one; NULL: none is. */
struct broker *serve_broker(void);
/* As at a SIGTERM: what is open is written. */
void serve_close(void);
/* Like that; else as if the process were gone: what is open is not written. */
void serve_end(bool cleanly);
/* `wicid compact`, `wicid init --log-key` and `wicid init --new-epoch`, while nobody serves; at that time. */
int serve_compact(const struct place *place, uint64_t ms);
int serve_log_key(const struct place *place, uint64_t ms);
int serve_new_epoch(const struct place *place, uint64_t ms);

/* Time goes by. */
void serve_pass(uint64_t ms);
/* One tick. */
int serve_tick(void);

/*
 * Sends it as the unit says it and lets the broker tick until it is answered; a session begins where there is none.
 * *ret lives until the next call.
 *   -EACCES     refused: *ret says why
 *   -ETIMEDOUT  no answer comes
 */
int serve_ask(enum serve_unit unit, const Wici__V1__ClientMessage *message, const Wici__V1__BrokerMessage **ret);
/* Sends what has no answer; the broker has taken it when this returns. -EACCES: it is refused all the same. */
int serve_tell(enum serve_unit unit, const Wici__V1__ClientMessage *message);
/* From now on `heard` is called with each batch of deliveries as it leaves; NULL: nobody listens. */
typedef void serve_heard_fn(enum serve_unit unit, const Wici__V1__BrokerMessage *message);
void serve_listen(serve_heard_fn *heard);
/* Publishes one event, with the session's next number. As serve_ask(); -EACCES: the event is refused too. */
int serve_publish(enum serve_unit unit, const Wici__V1__Event *event, const Wici__V1__Answer **ret);

#endif
