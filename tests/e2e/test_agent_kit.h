/*
 * test_agent_kit - an agent's folders, and a broker made of two files, for the tests of wici-agent's file handling
 *
 * The broker keeps the ids it took in DIR/broker.log and the cursor in DIR/broker.cursor, so that it outlives a process
 * that is killed; and the digests of documents in DIR/broker.docs. It refuses an event whose header has priority
 * "stat", and says "later" once to "asap".
 */
#ifndef TEST_AGENT_KIT_H
#define TEST_AGENT_KIT_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"
#include "agents/inbox.h"
#include "agents/inbox_place.h"
#include "agents/outbox.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define KIT_DOSSIER "01900000-0000-7000-8000-00000000d055"

struct kit_event {
    uint64_t seq;
    const char *type, *family, *dossier, *unit; /* unit: the author's */
    const char *name; /* a person's name in its S1 section, NULL: none; of a sys.erasure_notified its unit and ranges,
                         "sp3 3-4 7-7" */
    uint64_t history_from; /* sys.participant_added about our unit; of a notice of erasure 1: it is REPEATED. Of a
                              referral.submitted: a hand-over of the dossier `name`; of case.linked: merged with `name`,
                              with that history; without: it took `name` up. Of referral.answered `name` is the status,
                              of referral.forwarded the unit. */
    unsigned log;          /* which log's event it is: its id depends on it */
    unsigned documents;    /* documents that it names: "document 1", "document 2" */
};

struct kit_answer {
    wici_answer_fn *fn;
    void *arg;
    char id[40];
    bool refused, later;
};

struct kit {
    char dir[64];
    struct agent_dirs dirs;
    struct agent_config config;
    struct agent_who who;
    struct agent_link link;
    json_t *names;
    struct kit_answer answers[64];
    size_t answer_count;
    bool later_said;
    const struct kit_event *events; /* what the subscription brings; ends with seq 0 */
    const struct kit_event *past;   /* what a read brings */
    char asked[256];                /* the last read's request */
    const char *group;              /* what a question for merged dossiers is answered with */
    bool offline;
    struct place *place;     /* where the acknowledged place is noted first, of filter and epoch 1; NULL: nowhere */
    uint64_t time_ms;        /* by the broker's clock; 0: the computer's */
    bool unknown;            /* queries are refused: nothing is known of that event ... */
    bool under_way;          /* ... but some of ours has no answer yet, after the broker was restored */
    unsigned put_later;      /* how many documents are refused with "later" */
    const char *get_code;    /* what documents are refused with; NULL: they are given */
    char order[16];          /* what came: d a document, u an event */
    char put[80], named[80]; /* digest of the last document that came; that the last event named */
    char forgot[80];         /* ranges that kept events were let go of: "3-4 7-7 " */
};

int kit_setup(void **state);
int kit_teardown(void **state);
void kit_put(const struct kit *kit, const char *path, const char *text);
bool kit_has(const struct kit *kit, const char *path);
/* The caller frees it; fails the test when there is no such file. */
char *kit_text(const struct kit *kit, const char *path);
/* Files in a folder, hidden ones too. */
unsigned kit_count(const struct kit *kit, const char *folder);
/* How far the broker was told that the subscription came. */
uint64_t kit_cursor(const struct kit *kit);
/* Events the broker has taken. */
unsigned kit_log_count(const struct kit *kit);

/* An event in JSON; priority "routine", "stat" (refused) or "asap" (once later). */
const char *kit_json(const char *priority);

/* Answers what was published; returns how many. */
size_t kit_answer(struct kit *kit);
/* Delivers what lies behind the cursor, as a broker does after a reconnect. */
int kit_deliver(struct kit *kit, struct inbox *inbox);
struct outbox *kit_outbox(struct kit *kit);
struct inbox *kit_inbox(struct kit *kit);

/* Rounds of outbox, 2.5 s each, until nothing is under way any more; at least half a minute. */
void kit_settle(struct kit *kit, struct outbox *box, uint64_t *now);

/*
 * Runs child in a process of its own, with the folders that another kit made in dir, and kills it with SIGKILL at its
 * nth step on the disk; 0: never. Whether it ended by itself.
 */
typedef void kit_child_fn(struct kit *kit);
bool kit_run_until_crash(kit_child_fn *child, const char *dir, unsigned nth);
/* Moves everything out of inbox, as a user does; what comes a second time has nowhere to go. Each event has its page.
 */
void kit_tidy_up(const struct kit *kit, int user);

#endif
