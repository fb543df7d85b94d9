/*
 * core - who may write what, and who sees what: pure functions over the log's fold
 *
 *     command --> core_decide(state, command) --> refusal, or records
 *     record  --> core_apply(state, record)   --> the state moves on; never refuses
 *     reader  --> core_view(state, unit, record) --> which parts of it this unit is given
 *
 * The state is the fold of the log's records and of nothing else: after a restart, applying the records in order gives
 * the same state. Nothing here reads a clock, draws a random number, does I/O or logs: position, time and seed come
 * with the command. core_decide never changes the state.
 *
 * What the state holds: the directory (agencies, units, keys), the policy in force, and for each dossier its kind, its
 * relations (who takes part, from and until which seq, about whom), what ties it to other dossiers, and where its
 * referral, case, meetings, plans and consents stand (acts.h, machines.h).
 *
 * Numbers: a unit is named by its index in the directory (enrolment order, from 0), a dossier by its key entry in the
 * store (1 and up). Both are stable for as long as the log lives.
 *
 * Errors: 0, or -ENOMEM (the caller stops: an event that cannot be applied must not be acknowledged).
 * Ownership: what a function borrows or hands out is said beside it. Threads: one thread at a time.
 */
#ifndef CORE_H
#define CORE_H

#include "proto/clocks.h"
#include "proto/date.h" /* DATE_NONE */
#include "proto/errors.h"
#include "proto/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_UNIT_NONE UINT32_MAX

struct core;

int core_create(struct core **ret);
void core_destroy(struct core **core);

/* Each gets what the other held; whoever has a pointer to one keeps it. */
void core_swap(struct core *core, struct core *other);

/* ---- a record, as decided or as read back */

struct core_record {
    uint64_t seq;
    uint64_t ts_ms;
    uint32_t entry;                   /* key entry of its dossier; 0: none */
    const struct event *event;        /* header and sections */
    const Wici__V1__BrokerNote *note; /* NULL: none */
};

/* Takes a committed (or just decided) record into the state. */
int core_apply(struct core *core, const struct core_record *record);
/* Does core_apply look into the sections of such an event (a type's number)? Where not, the event may be given to it
 * without any: a fold need not decode them. */
bool core_apply_reads_sections(uint32_t type);

/* Everything the state holds as bytes, for comparing two states. The caller frees *ret. */
int core_dump(const struct core *core, uint8_t **ret, size_t *ret_len);

/* ---- deciding */

/* What the log already holds about an event that this one names (causation_id, corrects_event_id). */
struct core_named {
    uint64_t seq;
    uint32_t entry;
    uint64_t ts_ms;
    const struct event *event;
    const Wici__V1__BrokerNote *note;
};

struct core_command {
    uint64_t now_ms;      /* the record's time */
    uint64_t seq;         /* the record's number, if it is taken */
    uint32_t unit;        /* whose key the connection proved */
    uint32_t fresh_entry; /* key entry to use if a dossier is opened; 0: none could be had */
    const struct event *event;
    const struct core_named *cause; /* NULL: causation_id is empty, or names nothing in the log */
    const char *missing_document;   /* path of the first document that the event names and that was not sent; NULL */
    const struct core_named *corrected; /* the same for corrects_event_id; of sys.recall_confirmed for its cause's */
};

struct core_decision {
    uint32_t entry;             /* key entry of the record's dossier; 0: none */
    bool opens;                 /* it takes fresh_entry */
    Wici__V1__BrokerNote *note; /* in the arena */
    size_t note_len;            /* of the note when packed; EVENT_NOTE_MAX at most */
};

/*
 * Decides one event, sys.* commands included. The order of the checks is fixed: actor against key, role and type,
 * dossier known to the unit, state. 0: taken, *ret says how. -EACCES: refused, *refusal says why. An event taken must
 * be appended and then applied before the next one is decided.
 */
int core_decide(const struct core *core, const struct core_command *command, struct arena *arena,
                struct core_decision *ret, struct refusal *refusal);

/* ---- the directory */

struct core_unit {
    const char *id, *agency, *name; /* live until the next core_apply */
    uint32_t roles;                 /* bit r: has enum Role r */
    bool suspended;
};

/* The unit whose key this is at that time, Z85 text; CORE_UNIT_NONE: no unit's, suspended, or not valid any more. */
uint32_t core_unit_by_key(const struct core *core, const char *key, uint64_t now_ms);
uint32_t core_unit_by_id(const struct core *core, const char *id);
/* index must be below core_unit_count(). */
void core_unit(const struct core *core, uint32_t unit, struct core_unit *ret);
/* Has it this role? enum Role */
bool core_unit_is(const struct core *core, uint32_t unit, unsigned role);
/* Units' numbers lie below it; some of them stand in for external agencies and are nobody's (core_unit_by_id). */
uint32_t core_unit_count(const struct core *core);
/* Fills a Directory in the arena with everything but persons. -ENOMEM. */
int core_directory(const struct core *core, struct arena *arena, Wici__V1__Directory **ret);
/* The policy in force: version, text, seq of its record. Fills a Policy in the arena. -ENOENT: none yet. */
int core_policy(const struct core *core, struct arena *arena, Wici__V1__Policy **ret);
/* Raised by each record that changes the directory or the policy: a reason to look keys up again. */
uint64_t core_directory_version(const struct core *core);

/* ---- seeing */

/* Why a part is or is not given; core_verdict_text() gives the sentence. */
enum core_verdict {
    CORE_GIVEN_AUTHOR,      /* the unit's own event */
    CORE_GIVEN_FULL,        /* its roles are given this class of this type */
    CORE_GIVEN_NAMED,       /* half: only_for names it */
    CORE_GIVEN_SUBJECT,     /* half: about a person its relation is about */
    CORE_WITHHELD_CLASS,    /* its roles are not given this class of this type */
    CORE_WITHHELD_HALF,     /* half: neither named nor about a person of its relation */
    CORE_WITHHELD_MARK,     /* only_for names others, or not_to names it */
    CORE_WITHHELD_RELATION, /* the relation gives only S0 */
    CORE_WITHHELD_ADDRESS,  /* protected address */
    CORE_WITHHELD_NOTE,     /* the broker's note: holder and author, see core_view */
    CORE_WITHHELD_CONSENT,  /* rests on a consent that was withdrawn or has expired */
    CORE_WITHHELD_DECLARED, /* its agency signed no declaration of cooperation, and no ground is named */
    CORE_NONE               /* of a class as a whole, for explaining: given in full, and none here is for the unit */
};
const char *core_verdict_name(enum core_verdict verdict);
const char *core_verdict_text(enum core_verdict verdict, bool pl);

/* What a unit is given of one record. */
struct core_view {
    bool received;     /* delivered; when false nothing is given, not even the header */
    bool note;         /* the broker's note is given: to the holder, and to the author unless it may name units that the
                          event reached through the one it answers, or because somebody else invited them */
    uint32_t sections; /* bit i: event->sections[i] is given */
    enum core_verdict verdicts[EVENT_SECTIONS_MAX];
};

/*
 * Decides what the unit is given of the record, live or on replay alike: by its roles, its relations to the dossier
 * that cover record->seq, the policy in force and the sections' own marks. A suspended unit is given nothing. Who is
 * given no section has not received the record: only authors and auditors see a header alone.
 * with_content: an auditor who stated a reason; for anyone else it changes nothing.
 */
void core_view(const struct core *core, uint32_t unit, const struct core_record *record, bool with_content,
               struct core_view *ret);

/*
 * The units that may be given something of a record, ascending, without repeats: a superset, for finding live
 * readers; core_view decides. *ret lives until the next call. Auditors are listed with every record; a record that
 * everyone sees (the directory's) sets *ret_everyone instead of listing all. -ENOMEM
 */
int core_audience(struct core *core, const struct core_record *record, const uint32_t **ret, size_t *ret_count,
                  bool *ret_everyone);

/* The key entries whose records may concern the unit, ascending, entry 0 first; *ret_all: every record may (auditors).
 * *ret lives until the next call or core_apply. -ENOMEM */
int core_unit_entries(struct core *core, uint32_t unit, const uint32_t **ret, size_t *ret_count, bool *ret_all);
/* A number that rises with each entry that comes to the unit's list, and when dossiers were forgotten; cheap, to notice
 * that. */
size_t core_unit_entry_count(const struct core *core, uint32_t unit);
/* How often dossiers were forgotten, or the state was swapped for one made anew: what an act or a mark of a dossier is
 * counted by (core_work_at, core_clocks_at) holds in between. */
uint64_t core_folds(const struct core *core);

/* The key entry of a dossier, or 0: unknown, or the unit has (and had) no relation to it. Takes the same time for both.
 */
uint32_t core_dossier_for(const struct core *core, uint32_t unit, const uint8_t dossier_id[16]);
/* The same where the unit was only told something in it (an answer to what it asked, what is taken back): of which
 * records may reach it, as core_unit_entries() has it. It may read there what it was told; it may do nothing there. */
uint32_t core_entry_for(const struct core *core, uint32_t unit, const uint8_t dossier_id[16]);

/* May the unit ask who was shown what of the dossier: an auditor; who holds it, and the office of who holds it? Its key
 * entry, or 0: unknown, or not for this unit. */
uint32_t core_accounts_for(const struct core *core, uint32_t unit, const uint8_t dossier_id[16]);
/* May a record of dossier b (key entries) change what somebody sees of dossier a: the same, linked, or merged? */
bool core_dossiers_tied(const struct core *core, uint32_t a, uint32_t b);

/* One relation of a unit to a record's dossier, for explaining. */
struct core_relation_view {
    const char *kind;             /* "holder", "participant", ... constant */
    uint64_t from_seq, until_seq; /* until 0: still open */
    const char *about[32];        /* persons; live until the next core_apply */
    size_t about_count;
    bool applies; /* it delivers this record */
};
size_t core_relations(const struct core *core, uint32_t unit, const struct core_record *record,
                      struct core_relation_view *ret, size_t max);

/* The dossiers linked with this one that the unit knows, itself first; kinds in ret_link ("" for itself). */
struct core_group_member {
    uint8_t dossier_id[16];
    uint32_t entry;
    const char *kind; /* "REFERRAL", "CASE", "MEETING", "LETTER" */
    const char *link; /* "", "REFERRAL_OF", "MERGED_INTO", "SIBLING", ... */
    uint64_t opened_seq;
};
size_t core_group(const struct core *core, uint32_t unit, const uint8_t dossier_id[16], struct core_group_member *ret,
                  size_t max);

/* ---- erasing (a record of sys.erasure_intended does it) */

/* A dossier as an erasure of it would meet it. */
struct core_erase_member {
    uint8_t dossier_id[16];
    uint32_t entry;
    const char *kind, *link; /* as in core_group_member */
    bool goes;               /* is merged with it, and goes with it; false: is linked otherwise, and stays */
};
/* The dossier, those that go with it, then those that stay. 0: there is none of that id. */
size_t core_erase_group(const struct core *core, const uint8_t dossier_id[16], struct core_erase_member *ret,
                        size_t max);
/*
 * The units that were, or may have been, given something of the record: by its relations and the policies that were in
 * force since it was taken, as if nothing had narrowed the past. Ascending; *ret lives until the next call. -ENOMEM
 */
int core_recipients(struct core *core, const struct core_record *record, const uint32_t **ret, size_t *ret_count);
/* The record of the intent by which that dossier was erased, whoever asks; 0: it was not. */
uint64_t core_erased(const struct core *core, const uint8_t dossier_id[16], bool *ret_done);
/* The erasures that the log knows, in the order of their intents. What it points to lives until the next core_apply. */
struct core_erasure {
    uint64_t seq, ts_ms; /* of the first record of the intent */
    uint64_t done_seq;   /* 0: it is not done */
    const char *reason;
    const uint32_t *entries; /* of the keys */
    size_t count;
    size_t told, destroyed, kept; /* units with a notice; of them, those that said what became of their copies */
};
size_t core_erasure_count(const struct core *core);
void core_erasure(const struct core *core, size_t index, struct core_erasure *ret);
/* The first of them whose intent is that record or a later one; core_erasure_count(): none is. */
size_t core_erasure_from(const struct core *core, uint64_t seq);
/* A unit that was told of one; at: below core_erasure.told, and the units ascend. Lives until the next core_apply. */
struct core_erasure_told {
    uint32_t unit;
    uint64_t seq, ts_ms;                /* of its first notice */
    uint64_t records, from_seq, to_seq; /* that it was, or may have been, given */
    uint64_t said_seq, said_ms;         /* of the record that says what became of its copies; 0: it has not said */
    const char *how;                    /* what became of them, a word of sys.erasure_confirmed; "": it has not said */
    const char *said_on;                /* the day that the unit names; "": it has not said */
    const char *law;                    /* by which it keeps them; "": it keeps none, or has not said */
};
void core_erasure_told(const struct core *core, size_t index, size_t at, struct core_erasure_told *ret);
/* How many of them a unit, or CORE_UNIT_NONE: all units together, were told of and have not answered; *ret_since_ms:
 * when the first of these was ordered, 0: there is none. */
size_t core_erasure_unanswered(const struct core *core, uint32_t unit, uint64_t *ret_since_ms);
/* By what the erased dossier is recognised (sys.erasure_intended), as text. */
#define CORE_MARK_TEXT_SIZE 33u
void core_erased_mark(const uint8_t dossier_id[16], char ret[CORE_MARK_TEXT_SIZE]);
/* The mark that an intent gave to a key entry, 16 bytes, until the next core_apply; NULL: none did. */
const uint8_t *core_erased_entry_mark(const struct core *core, uint32_t entry);
/* Does the log know of that erasure: by the mark, or by the key entry? */
bool core_erasure_is_known(const struct core *core, uint32_t entry, const uint8_t mark[16]);

/* ---- where a referral and a case stand */

struct core_state {
    const char *code, *pl, *en; /* constant; "" for none */
};

/* A part of an application (CUS art. 38), which has a course of its own. */
struct core_part {
    unsigned no;
    struct core_state state;
    uint32_t unit; /* whom it was forwarded to; CORE_UNIT_NONE: with the holder */
};
#define CORE_PARTS_MAX 99u

/*
 * What a unit may know of a course. Who only sent the referral is told the outcome and nothing else; who works on it
 * has the rest, and so has who looks on or takes part, where the policy gives its roles the answers' and interviews'
 * S6; where a case stands between its opening and its end only whom it gives the interviews'. Who has parts of an
 * application is told of these. A unit whose relation has ended is told how it stood then.
 */
struct core_course {
    uint8_t dossier_id[16];
    uint64_t opened_seq, opened_ms;
    bool sent;                  /* the unit is (or was) the referrer; an auditor is told what a referrer is */
    bool received;              /* it was its to answer or to carry on */
    const char *outcome;        /* "RECEIVED", "TAKEN_UP", "DONE", "NOT_TAKEN_UP"; "": not answered */
    struct core_state referral; /* code of a FHIR Task; to a referrer only "entered-in-error" */
    struct core_state kase;     /* of a case */
    uint32_t holder, next_unit; /* CORE_UNIT_NONE: none, or not for this unit */
    bool next_said;             /* an answer named next_unit; else it follows from where the referral stands */
    char next_due[16];          /* "2026-03-01" where an answer named it; "" */
    uint32_t dossier;           /* for core_course_parts() */
    bool whole;                 /* the unit follows the whole, not only parts */
};

/* Of one dossier: 1 and *ret, or 0: unknown, or the unit follows it neither as referrer nor otherwise. */
size_t core_course(const struct core *core, uint32_t unit, const uint8_t dossier_id[16], struct core_course *ret);
/* Somebody who works on a case. All texts live until the next core_apply. */
struct core_worker {
    const char *person, *unit, *role; /* role: "SW" */
    char from[16];                    /* day; "": not said */
    const char *until;                /* day; "": no end */
    bool substitute;                  /* for a time; else the main worker */
    bool today;                       /* the day of the newest record lies in it */
    bool on_duty;                     /* tasks of this role and unit fall to this one today */
};
/* Who works on the case or will, for a unit that follows the whole; what is over is left out. */
size_t core_course_workers(const struct core *core, const struct core_course *course, struct core_worker *ret,
                           size_t max);
/* The parts that the unit may know of, at most CORE_PARTS_MAX, by their number. */
size_t core_course_parts(const struct core *core, uint32_t unit, const struct core_course *course,
                         struct core_part ret[CORE_PARTS_MAX]);
/* The referrals that the unit sent or received, in the order of their dossiers' opening, opened at from_seq or later;
 * *ret_next_seq: from_seq of what was left out, 0: nothing was. Looks at COURSES_LOOKED_AT_MAX dossiers at most. */
size_t core_referrals(const struct core *core, uint32_t unit, uint64_t from_seq, struct core_course *ret, size_t max,
                      uint64_t *ret_next_seq);

/* ---- agencies without the system */

/* The number that stands for an external agency among units, for the unit that serves it; CORE_UNIT_NONE: it serves no
 * such agency. With it core_view() tells what the agency is to be given of a record. */
uint32_t core_served(const struct core *core, uint32_t unit, const char *agency);

/* Where a list goes on; zero: from the beginning, and at its end. */
struct core_due_place {
    uint64_t dossier_seq; /* dossiers opened there or later ... */
    uint64_t after_seq;   /* ... and in that very dossier records after this one */
};
/* The records that are to be printed for the agency and were not delivered yet, dossier by dossier; core_view() says
 * of each whether anything of it is for the agency. *place says where to begin, and then where to go on. */
size_t core_due_outside(const struct core *core, uint32_t stand_in, struct core_due_place *place, uint64_t *ret,
                        size_t max);
/* The id is that of an agency without the system; *ret_day: when the record was handed over to it, 0: on a day that was
 * not said, DATE_NONE: it was not. */
bool core_is_outside(const struct core *core, const char *id, const struct core_record *record, int32_t *ret_day);
/* It is to be printed for the agency, or was; and it was delivered. */
bool core_is_due_or_delivered(const struct core *core, uint32_t stand_in, const struct core_record *record);
bool core_was_delivered(const struct core *core, uint32_t stand_in, const struct core_record *record);

uint32_t core_dossier_count(const struct core *core);

/* ---- deadlines (docs/DEADLINES.md) */

enum core_clock_state { CORE_CLOCK_RUNS, CORE_CLOCK_MET, CORE_CLOCK_CANCELLED };

/*
 * What the deadline watcher told of a clock, and has not taken back since. Of one that runs again after it was told
 * that it is cancelled, and of a named date that was moved, nothing counts as told but its end.
 */
#define CORE_TOLD_APPROACHING 1u
#define CORE_TOLD_LAST        2u /* the last reminder */
#define CORE_TOLD_MISSED      4u
#define CORE_TOLD_MET         8u
#define CORE_TOLD_CANCELLED   16u

struct core_clock {
    const char *agency; /* of a clock of an agency as a whole (D8, D9), and its dossier is none; "": of a dossier. Lives
                           until the next core_apply */
    uint8_t dossier_id[16];
    enum clock_id clock;
    uint64_t start_seq; /* of the record that started it; of an amended one, where it was first said */
    unsigned item;      /* which of several dates of that record, from 1; 0: there is one */
    int32_t started;    /* the day it runs from */
    int32_t due;        /* DATE_NONE: a term, of which nothing was told yet */
    bool named;         /* the event names the due date, and nothing moves it */
    bool urgent;        /* counted with the shorter term */
    bool holder_only;   /* after the loss of a child */
    enum core_clock_state state;
    uint64_t end_seq; /* of the record that met or cancelled it; 0: it runs, or its start was recalled or amended */
    int32_t ended;    /* the day that counts; DATE_NONE */
    uint8_t told;     /* bits, CORE_TOLD_... */
    unsigned notices; /* how many were told: what the next one must say */
    uint32_t holder;  /* the unit that holds the dossier, or has to answer; of an agency's, its organiser of services;
                         CORE_UNIT_NONE, also for who may not know */
    uint32_t unit;    /* on whom it falls: who was asked, and else the holder; of an agency's, its organiser of
                         services; in a list of clocks also who works on the family, where no role of the holder
                         publishes what meets it; CORE_UNIT_NONE */
    bool served;      /* in a list of clocks: unit stands for an agency without the system that the asker serves */
    /* In a list of clocks. Within the unit it falls to the substitute of the day, else to the main worker of a role
     * that does such things; when the unit is suspended, or the day is over, to its head. */
    const char *worker; /* a person of the asker's own agency; NULL. Lives until the next core_apply */
    bool substitute;    /* the worker is */
    bool suspended;     /* the unit is */
    uint32_t head;      /* who stands in for the unit; CORE_UNIT_NONE */
};

/* Where to go on in a list of clocks. */
struct core_clocks_at {
    uint64_t seq;  /* of the dossier's opening; above all of them, an agency, or a dossier of one that is served */
    uint32_t mark; /* within it; does not outlive an erasure (core_folds) */
};

/*
 * The clocks that run, in the order of their dossiers' opening: for a unit those of the dossiers that it holds or has
 * to answer, with an office's role those of its agency, and everywhere those of what it was asked itself: a question, a
 * court's request, a safety concern, a row of agreements. Then those of its agency as a whole, for a director, a head,
 * an organiser of services, and those of what agencies without the system owe, for the unit that serves them. For the
 * deadline watcher (role CLERK) all, and also those that have ended and of which that
 * was not told. *at is where to begin ({0}: at the first) and then where to go on; seq 0: nothing was left out. Looks
 * at CLOCKS_LOOKED_AT_MAX dossiers at most. max > 0.
 */
size_t core_clocks(const struct core *core, uint32_t unit, struct core_clocks_at *at, struct core_clock *ret,
                   size_t max);

/* ---- what waits for a unit without such a deadline */

enum core_work_kind {
    CORE_WORK_QUESTION,   /* info.requested without a date: to be answered */
    CORE_WORK_INVITATION, /* a meeting that it is invited to */
    CORE_WORK_MEETING,    /* a meeting convened in what it holds: to be held, or called off */
    CORE_WORK_RECALL,     /* entered in error: to be confirmed; only where core_must_confirm() says so */
    CORE_WORK_ASSISTANT,  /* an assistant was asked for: the director assigns */
    CORE_WORK_APPROVAL,   /* a plan was agreed: the director approves */
    CORE_WORK_RETURNED,   /* a plan came back: the holder agrees on it anew */
    CORE_WORK_ROW,        /* a row of agreements without a date, until the next meeting */
    CORE_WORK_OUTSIDE,    /* to be printed for an agency without the system that the unit serves */
    CORE_WORK_STEP,       /* announced of it in the answer to a referral whose course it is not told (core_course) */
    CORE_WORK_INTERVIEW,  /* an assistant was assigned before the interview: to be entered */
    CORE_WORK_BASIS,      /* a first contact without consent, order or application: to be entered */
    CORE_WORK_CONSENT     /* an application was forwarded without the applicant's consent: to be said with it */
};

struct core_work {
    uint8_t dossier_id[16];
    enum core_work_kind kind;
    uint64_t seq;    /* of the record that asks; of an amended one, where it was first said */
    int32_t due;     /* the day of a meeting, or of a step; DATE_NONE */
    uint32_t agency; /* whose work it is, or for whom it is to be printed, where the unit serves an agency without the
                        system: what stands for it among units, core_served(); else CORE_UNIT_NONE */
    uint32_t unit;   /* on whom it falls, where the unit is told of another's; CORE_UNIT_NONE: on itself */
    unsigned item;   /* CORE_WORK_ROW: which row of the record, from 1 */
};

/* Where to go on in a list of work. */
struct core_work_at {
    uint64_t seq;    /* of the dossier's opening */
    uint32_t item;   /* within it; what is done and asked meanwhile does not move it; does not outlive an erasure
                        (core_folds) */
    uint32_t served; /* 0: of the unit itself; else of an agency that it serves */
};

/*
 * In the order of their dossiers' opening. *at is where to begin ({0}: at the first) and
 * then where to go on, whatever was applied in between; seq 0: nothing was left out. Looks at WORK_LOOKED_AT_MAX
 * dossiers at most. What the unit may know of it is what it is given of the record seq, or its agency is (core_view):
 * without that it is not to be told. max > 0.
 */
size_t core_work(const struct core *core, uint32_t unit, struct core_work_at *at, struct core_work *ret, size_t max);
/* The recall reached the unit, which may have been given what it recalls, and is the author of neither. */
bool core_must_confirm(const struct core *core, uint32_t unit, const struct core_record *recall,
                       const struct core_record *recalled);
/* The unit has said what it did with its copy of what the recall takes back. */
bool core_has_confirmed(const struct core *core, uint32_t unit, const struct core_record *recall);

#endif
