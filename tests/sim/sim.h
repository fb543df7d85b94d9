/*
 * sim - one run of the whole broker under a seed (docs/TESTING.md)
 *
 * The production broker and store, with door.h in the place of the sockets and fate.h in that of clocks and chance. A
 * driver draws what institutions, network, disk and machine do; the checkers of check.h look at each message that the
 * broker takes or hands over, and at the log after each commit.
 *
 * Everything in a process belongs to the one run that it makes at a time.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "broker/broker.h"
#include "tests/sim/tally.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_options {
    uint64_t seed;
    uint64_t steps;    /* 0: drawn */
    const char *plant; /* NULL: none */
    bool verbose;
};

struct sim_counts {
    uint64_t steps, ticks, records, receipts, refusals, repeats, deliveries, reads, deaths, cuts;
    uint64_t pieces, bound, parts, swept; /* of documents: taken; given to dossiers, to clients; that had their day */
    uint64_t erasures, erased;            /* intended; dossiers that go with them */
    uint64_t copies, restorations, diverged, back; /* whole; of who was told; events that publishers had kept */
    uint64_t pages, shown;                         /* of who was shown what; what was given, looked for in them */
};

/* The broker that runs now; NULL: it is down. */
extern struct broker *sim_broker;
extern struct sim_counts sim_counts;
extern bool sim_verbose;

/* Makes the run in directory dir, which is emptied before. Returns a digest of all that was said: the same for the same
 * seed. Ends the process by sim_fail() when a checker fails. */
uint64_t sim_run(const struct sim_options *options, const char *dir);

/* A promise is broken: says which, the seed, and the command that does it again; ends the process with status 1. */
void sim_fail(const char *checker, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
/* Adds to the digest. */
void sim_digest(const void *data, size_t len);
/* A line of the story, when it is asked for. */
void sim_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The broker may die here; `where` names the place. Some deaths are drawn among the rare places alone: those of
 * documents and of keys. */
void sim_point(const char *where);
void sim_point_rare(const char *where);

/* Aborts on NULL: the simulation itself is not short of memory. */
void *must(void *memory);

#endif
