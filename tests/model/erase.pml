/*
 * erase.pml - the order of things in an erasure: intent, list, key, rows, and what a restored copy leaves of it
 *
 * One dossier with one record, whose content is sealed under the dossier's key; its publisher sends it when it likes,
 * and once more after a restoration. An administrator orders the erasure. The log is copied, with its key store, at any
 * moment; the broker loses its power between any two steps, and its disks may be lost with it: then the newest copy of
 * the log is put back, with the key store that is there or that of the copy. The list of destroyed keys lies elsewhere
 * and stays.
 *
 *     order_take -> intent_append -> commit -> key_list -> key_destroy -> content_drop -> done_append -> commit -> order_answer
 *
 * docs/MODEL.md says which function each inline is. Each PLANT_... is a mistake that has to violate the property named
 * there.
 */
#ifndef CRASHES
#define CRASHES 2 /* power cuts */
#endif
#ifndef RESTORES
#define RESTORES 2 /* times that the disks are lost */
#endif
#ifndef COPIES
#define COPIES 2 /* backups begun */
#endif
#ifndef LOOKS
#define LOOKS 2 /* times that somebody asks for the event */
#endif

mtype:content = { NONE, SEALED, LEAF };     /* of the record: not there, there, its leaf alone */
mtype:key = { UNMADE, THERE, DESTROYED };
mtype:stage = { IDLE, SCAN, KEYS, ROWS, TELL };
mtype:power = { OFF, LISTED, FINISHED, UP }; /* how far a start has come */
mtype:copy = { NO_COPY, LOG_COPIED, WHOLE };

/* ---- the disks */

mtype:content record = NONE;
bool intent, done; /* records of the erasure */
mtype:key key = UNMADE;
bool listed;       /* the list of destroyed keys names it; synced before anything else is done */

/* ---- the open batch: what a commit makes of the above; and the broker's memory */

mtype:content record_now = NONE;
bool intent_now, done_now;
mtype:power power = UP;
mtype:stage stage = IDLE;
bool asked;      /* the administrator waits for an answer */
bool answer_due; /* it leaves behind the commit */

/* ---- the newest whole copy, and one under way */

mtype:copy copying = NO_COPY;
mtype:content part_record, copy_record;
bool part_intent, part_done, copy_intent, copy_done, copy_there;
bool copy_listed;  /* of a list that lay with the key store */
mtype:key copy_key;

/* ---- what the properties are about */

bool gone; /* an order has destroyed the key, or its administrator was told that all is gone */
bool ordered, calm;
byte crashes = CRASHES, restores = RESTORES, copies = COPIES, looks = LOOKS;

hidden byte INTENT_FIRST, NOT_SHOWN, NOT_TAKEN, HOLE_NAMED, DONE_IS_DONE, TOLD_WHEN_DONE, COPY_WHOLE, FINISHES;

#define INTENT_FIRST() assert(INTENT_FIRST || intent)
#define NOT_SHOWN() assert(NOT_SHOWN || (!gone && !intent))
#define NOT_TAKEN() assert(NOT_TAKEN || (!gone && !intent))
#define HOLE_NAMED() assert(HOLE_NAMED || record != SEALED || key == THERE || intent)
#define DONE_IS_DONE() assert(DONE_IS_DONE || (record_now != SEALED && key != THERE))
#define TOLD_WHEN_DONE() assert(TOLD_WHEN_DONE || done)
#define COPY_WHOLE() assert(COPY_WHOLE || part_record != SEALED || part_intent || key == THERE)
#define FINISHES() assert(FINISHES || !intent || done)

#define knows (intent_now) /* the state has forgotten the dossier */

/* The mistakes that are a step taken too early, or left out. */
#ifdef PLANT_COPIED_MEANWHILE
#define may_intend true
#else
#define may_intend (copying != LOG_COPIED)
#endif
#ifdef PLANT_KEY_NOT_LISTED
#define may_destroy true
#else
#define may_destroy (listed)
#endif
#ifdef PLANT_DONE_BEFORE_ROWS
#define may_end true
#else
#define may_end (record_now != SEALED)
#endif
#ifdef PLANT_UNUSED_NOT_REPEATED
#define may_repeat (record != NONE)
#else
#define may_repeat true
#endif
#ifdef PLANT_TOLD_BEFORE_DONE
#define may_tell true
#else
#define may_tell (clean)
#endif

/* ---- the broker's loop: each commits what it appended before it does anything else */

inline erasure_commit()
{
    if
    :: done_now && !done -> DONE_IS_DONE()
    :: else
    fi;
    record = record_now;
    intent = intent_now;
    done = done_now
}

/* The key entry is synced before the commit that uses it. Once the state has forgotten the dossier: E_ERASED. */
inline event_take()
{
    NOT_TAKEN();
    key = THERE;
    record_now = SEALED
}

inline event_show()
{
    looks--;
    NOT_SHOWN()
}

inline order_take()
{
    ordered = true;
    asked = true;
    stage = SCAN
}

inline intent_append()
{
    intent_now = true;
    stage = KEYS
}

inline key_list()
{
#ifndef PLANT_KEY_NOT_LISTED
    listed = true
#else
    skip
#endif
}

inline key_destroy()
{
    INTENT_FIRST();
    key = DESTROYED;
    gone = true
}

inline content_drop()
{
    record_now = (record_now == SEALED -> LEAF : record_now)
}

inline done_append()
{
    done_now = true;
    answer_due = asked;
    stage = IDLE
}

inline order_answer()
{
    TOLD_WHEN_DONE();
    gone = true;
    asked = false;
    answer_due = false
}

/* ---- the copy: a process of its own, which dies with the broker */

inline log_copy()
{
    copies--;
    part_record = record;
    part_intent = intent;
    part_done = done;
    copying = LOG_COPIED
}

inline keys_copy()
{
    COPY_WHOLE();
    copy_record = part_record;
    copy_intent = part_intent;
    copy_done = part_done;
    copy_key = key;
    copy_listed = listed;
    copy_there = true;
    copying = WHOLE
}

/* ---- power, disks, and the start */

inline power_lost()
{
    power = OFF;
    record_now = record;
    intent_now = intent;
    done_now = done;
    stage = IDLE;
    asked = false;
    answer_due = false;
    copying = NO_COPY
}

/* The copy's keys are put there only where the key store is lost, too. */
inline copy_put()
{
    record = copy_record;
    intent = copy_intent;
    done = copy_done;
    record_now = record;
    intent_now = intent;
    done_now = done;
    if
    :: true
    :: key = copy_key;
#ifdef PLANT_LIST_PUT_BACK
       listed = copy_listed
#endif
    fi
}

/* The list first, before anything is read. */
inline list_repeat()
{
    key = (listed && key == THERE -> DESTROYED : key);
    power = LISTED
}

inline keys_finish()
{
#ifndef PLANT_KEYS_LEFT_AT_START
    if
    :: intent && key == THERE ->
       listed = true;
       key = DESTROYED;
       gone = true
    :: else
    fi;
#endif
    power = FINISHED
}

/* What the log does not know of, as it was put back, is recorded, and goes to its end. */
inline erasure_repeat()
{
    if
    :: listed && !intent && may_repeat ->
       intent_now = true;
       intent = true
    :: else
    fi
}

inline erasure_go_on()
{
#ifndef PLANT_NOT_GONE_ON
    stage = (intent && !done -> ROWS : IDLE);
#endif
    HOLE_NAMED();
    power = UP
}

#define serving (power == UP)
#define clean (record_now == record && intent_now == intent && done_now == done) /* no batch is open */

active proctype Erasing()
{
    do
    /* What is served. */
    :: d_step { serving && clean && stage != KEYS && record_now == NONE && !knows -> event_take() }
    :: d_step { serving && !clean && stage != KEYS -> erasure_commit() }
    :: d_step { serving && stage != KEYS && looks > 0 && record == SEALED && key == THERE && !knows -> event_show() }
    /* The erasure. */
    :: d_step { serving && clean && stage == IDLE && !ordered && record != NONE && !knows -> order_take() }
#ifdef PLANT_KEY_BEFORE_INTENT
    :: d_step { serving && clean && stage == SCAN && may_intend -> stage = KEYS }
    :: d_step { serving && stage == KEYS && !listed -> key_list() }
    :: d_step { serving && stage == KEYS && listed -> key_destroy(); intent_append(); erasure_commit(); stage = ROWS }
#else
    :: d_step { serving && clean && stage == SCAN && may_intend -> intent_append(); erasure_commit() }
#ifdef PLANT_LISTED_AFTERWARDS
    :: d_step { serving && stage == KEYS && key == THERE -> key_destroy() }
    :: d_step { serving && stage == KEYS && key != THERE -> key_list(); stage = ROWS }
#else
    :: d_step { serving && stage == KEYS && !may_destroy -> key_list() }
    :: d_step { serving && stage == KEYS && may_destroy -> key_destroy(); stage = ROWS }
#endif
#endif
    :: d_step { serving && clean && stage == ROWS && record_now == SEALED -> content_drop() }
    :: d_step { serving && clean && stage == ROWS && may_end -> done_append() }
    :: d_step { serving && answer_due && may_tell -> order_answer() }
    /* What goes wrong, or is done beside it. */
    :: d_step { !calm && serving && copies > 0 && copying != LOG_COPIED && stage != SCAN && stage != KEYS -> log_copy() }
    :: d_step { serving && copying == LOG_COPIED -> keys_copy() }
    :: d_step { !calm && power != OFF && crashes > 0 -> crashes--; power_lost() }
    :: atomic { !calm && power == OFF && copy_there && restores > 0 -> restores--; copy_put() }
    :: d_step { !calm -> calm = true }
    /* The start. */
    :: d_step { power == OFF -> list_repeat() }
    :: d_step { power == LISTED -> keys_finish() }
#ifdef PLANT_SERVES_BEFORE_REPEATING
    :: d_step { power == FINISHED -> erasure_go_on() }
    :: d_step { serving && clean && listed && !intent && stage == IDLE -> erasure_repeat(); stage = ROWS }
#else
    :: d_step { power == FINISHED -> erasure_repeat(); erasure_go_on() }
#endif
    :: calm && serving && clean && stage == IDLE && !answer_due -> break
    od;
    FINISHES()
}
