/*
 * shown_job - what the files of shown.h share: the question that is being worked on
 *
 * Errors: 0 or -errno; anything but what is named beside a function: latch. Ownership: the job owns its lists, its core
 * and its arena; shown_drop() frees them.
 */
#ifndef BROKER_SHOWN_JOB_H
#define BROKER_SHOWN_JOB_H

#include "broker/piece.h"
#include "broker/shown.h"

enum shown_stage { SHOWN_WAITING, SHOWN_GATHERING, SHOWN_FOLDING, SHOWN_LOOKING, SHOWN_ASKING };

/* An event of the dossier. */
struct shown_event {
    uint64_t seq, ts_ms;
    uint32_t type;         /* 0: not folded yet, or erased */
    uint8_t asker_classes; /* that the asker may see, as of now */
    bool asker_sees;
};

/* What one read was given of one event. */
struct shown_pair {
    uint8_t classes;
    bool looked, given, changed;
};

struct shown_read {
    uint64_t record, ts_ms; /* 0: still going on */
    uint64_t opened_seq, as_of_seq;
    uint32_t unit;
    bool auditor, content, possibly, narrowed;
    struct access_asked asked;
    char cursor[ID_LEN_MAX + 1], why[REASON_MAX + 1], question[ID_LEN_MAX + 1];
    uint64_t of_seq, told_seq; /* of a question: the dossier's record that it is about, and as the asker may be told */
    uint32_t document, told_document; /* of that record's documents, from 1; and as the asker counts them */
    size_t event_first, event_count;  /* of the dossier, in its stretch */
    size_t pair_first;                /* as many */
};

struct shown {
    struct front_route route;
    char key[FRONT_KEY_SIZE], session[ID_LEN_MAX + 1];
    uint32_t unit, request;
    bool auditor;
    uint32_t entry;
    uint8_t dossier[16];
    char why[REASON_MAX + 1];

    enum shown_stage stage;
    uint64_t accounts;                  /* records of reads that it waits for (access_ask) */
    uint64_t from_record, until_record; /* until 0: no bound */
    uint64_t head;                      /* as of which it is told */
    uint64_t next_record;               /* what did not fit any more begins here; 0: all did */

    struct shown_event *events;
    size_t event_count, event_size, event_folded;
    struct shown_read *reads;
    size_t read_count;
    struct shown_pair *pairs;
    size_t pair_count, pair_size;

    struct core *core; /* as it stood after record `pos` */
    struct arena *arena;
    uint64_t pos, last;
    uint64_t *moments; /* ascending: when a read began or ended */
    size_t moment_count, moment_at;
    size_t at; /* the event that is looked at */
};

/* ---- shown_reads.c */

/* The dossier's events. -ENOBUFS: more than SHOWN_EVENTS_MAX. */
int shown_events_gather(struct broker *b, struct shown *s);
/* A piece of the reads that may have been given some of them. When all are there, or as many as one answer tells, the
 * next stage begins; until then it is called again. */
int shown_reads_gather(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece);

/* ---- shown.c */

/* Reads one record of the dossier back. -ENOENT: erased. */
int shown_load(struct broker *b, struct store_slice *slice, uint64_t seq, struct record *ret);
/* The classes of the event's sections that the view gives. */
uint8_t shown_classes(const struct core_view *view, const struct event *event);

/* ---- shown_ask.c */

/* A piece of finding out what of all this the asker may be told; *ret_done: that was the last one. */
int shown_ask(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece, bool *ret_done);

/* ---- shown_answer.c */

/* Answers the session that asked, and records that. */
int shown_answer(struct broker *b, struct session *session, struct shown *s);

#endif
