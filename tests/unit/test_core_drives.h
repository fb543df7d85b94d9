/*
 * drives - how each input of the machines (broker/core/machines.h) is said by real events
 *
 * A drive is an input and the event that says it, with what goes before it where the event needs that. A world is where
 * one machine is driven: the dossier D, what was said in it at first, and where the machine stands then. Everything in
 * D is said by one unit with all the roles it takes, "all", who leads it: what is refused is refused by the procedure.
 * Where another has to be asked, it is "two".
 *
 * Guards are bits, as in machines.h. Some a drive brings with it (said late, of the next version), others hold from one
 * drive on and until another ends them (a court obliged the family). Beside them are a few bits of our own, on which it
 * depends whether an event can be said at all. The search of test_core_arrows.c adds them up; none is read from the
 * core.
 */
#ifndef TEST_CORE_DRIVES_H
#define TEST_CORE_DRIVES_H

#include "test_core_kit.h"

#include "broker/core/machines.h"

#define DRIVE_STEPS  2u
#define WORLD_STEPS  3u
#define WORLD_INPUTS 3u

/* Our own bits. */
#define HAS_DOSSIER (1u << 20) /* D is there */
#define HAS_CASE    (1u << 21) /* ... and has a case */
#define HOLDS       (1u << 22) /* "all" holds D */
#define MAY_ANSWER  (1u << 23) /* ... or has to answer */
#define COOPERATES  (1u << 24) /* the consent is one to cooperate */
#define RAISED      (1u << 25) /* there is the concern, or the question, that is looked at */
#define ASKED       (1u << 26)
#define WITH_TWO    (1u << 27) /* the part was forwarded to "two" */
#define PLANNED     (1u << 28) /* there is the plan */
static_assert(GUARD_COUNT <= 20, "guards and our own bits are apart");

/* where: D, or K: a dossier that no event was in. In texts ~D ~K are these; ~m ~i ~z the meeting, plan and consent; ~d
 * today, ~f a hundred days on, ~g two hundred; ~n the next number of a version or revision, ~v the last, ~x neither; ~c
 * ~q ~s the ids of the event that raised the concern, asked the question, submitted the referral. */
struct drive_step {
    const char *unit, *type;
    char where;
    const char *to, *sections, *header;
};

struct drive {
    enum input input; /* IN_NONE: takes back what submitted the referral */
    uint32_t brings;  /* guards that hold for it */
    uint32_t needs, lacks;
    uint32_t sets, clears; /* when it is taken */
    bool leaves_nothing;   /* such events are many, and leave no act: no row for it may move the machine */
    bool unasked;          /* said elsewhere, and passed on: the machine moves, and is not asked before */
    struct drive_step steps[DRIVE_STEPS]; /* the last says it */
};

extern const struct drive drives[];
extern const size_t drive_count;

struct world {
    const char *name;
    enum machine_kind machine;
    uint8_t start; /* the machine's state after the first steps */
    uint32_t holds;
    struct drive_step steps[WORLD_STEPS];
    enum input only[WORLD_INPUTS];  /* these inputs and no others; none: all */
    enum input never[WORLD_INPUTS]; /* refused with E_ORDER before a machine is asked */
    /* At the end the last of the first steps is taken back: the state is worked out again without it. */
    bool taken_back;
};

extern const struct world worlds[];
extern const size_t world_count;

bool world_takes(const struct world *world, enum input input);
bool world_never_takes(const struct world *world, enum input input);

/* D of one world, with what was said in it. */
struct driven {
    struct kit *kit;
    const struct world *world;
    unsigned family, fresh;
    uint32_t version, revision; /* the last ones, of the plan and of the meeting */
    char concern[37], question[37], submitted[37];
    char last[37]; /* the last of the world's first steps */
};

/* Makes D as the world has it; fails the test where that is refused. */
void driven_begin(struct driven *driven, struct kit *kit, const struct world *world, unsigned family);
/* Says the drive. NULL with *refusal filled: its last step was refused. Fails the test where one before it is. */
const struct kit_record *driven_say(struct driven *driven, const struct drive *drive, struct refusal *refusal);
/* Takes back the last of the world's first steps. */
void driven_take_back(struct driven *driven);
/* Where a machine stands in D. */
uint8_t driven_state(const struct driven *driven, enum machine_kind machine);
/* The units that drives speak as. */
void driven_enrol(struct kit *kit);

#endif
