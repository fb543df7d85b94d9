/*
 * report_facts - what a report keeps of each event, between report.c, which reads events, and report_fold.c, which
 * folds the facts into cases and counts
 */
#ifndef WICI_REPORT_FACTS_H
#define WICI_REPORT_FACTS_H

#include "agents/report.h"

#include <stddef.h>

enum fact_kind {
    FACT_REFERRAL, /* word: source; other: addressed unit; tag: entitlement */
    FACT_OUTCOME,  /* word: TAKEN_UP, NOT_TAKEN_UP, DONE */
    FACT_CASE,     /* word: gmina; tag: entitlement */
    FACT_ASSIGNED, /* other: the assistant's unit */
    FACT_PLAN,     /* tag: entitlement */
    FACT_CLOSED,
    FACT_LINK, /* word: kind; other: dossier */
    FACT_IPUS, /* other: IPUS id; until: end of the period; rows */
    FACT_IPUS_UPDATED,
    FACT_IPUS_CONCLUDED, /* word: the result */
    FACT_SERVICE,        /* other: IPUS id; word: status; rows: the service */
    FACT_MEETING,        /* word: its kind */
    FACT_OPINION,
    FACT_DEADLINE_MISSED, /* word: clock; other: what tells it from others; day: due */
    FACT_DEADLINE_MET,    /* until: the day that counts */
    FACT_DEADLINE_CANCELLED,
};

struct fact {
    enum fact_kind kind;
    bool void_;
    int32_t day, until;
    char id[40], dossier[40], other[84];
    char *unit, *rows; /* rows: as services_rows() has them; NULL: none */
    char word[32], tag[24];
};

struct report {
    int32_t since, until;
    bool path_hidden; /* what says that a family is under "Za życiem" is not given to the unit */
    struct fact *facts;
    size_t count, size;
    void *by_id; /* tsearch tree of struct named */
};

#endif
