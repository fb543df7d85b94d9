/*
 * world.pml - bounds, state and network of the model (wici.pml), and its properties
 *
 * The bounds keep the whole state space small enough to be searched; tests/model/check.py runs it under several sets of
 * them. Budgets count down what goes wrong: a run in which everything happens is one of many.
 */
#ifndef EVENTS
#define EVENTS 3 /* of the publisher */
#endif
#ifndef CRASHES
#define CRASHES 1 /* power cuts of the broker */
#endif
#ifndef CUTS_P
#define CUTS_P 1 /* connections of the publisher that break */
#endif
#ifndef CUTS_S
#define CUTS_S 1 /* and of the subscriber */
#endif
#ifndef LATERS
#define LATERS 1 /* publishes refused with E_BUSY or E_FULL */
#endif
#ifndef REPEATS
#define REPEATS 1 /* events that it sends once more before they are answered */
#endif
#ifndef FULLS
#define FULLS 1 /* times that the subscriber's queue is found full */
#endif
#ifndef FORGETS
#define FORGETS 1 /* answers the publisher had, and lost by being killed */
#endif

#define LOG    (EVENTS + 2) /* records: more than a right broker writes */
#define TICK   2            /* messages taken into one tick */
#define WINDOW 2            /* publishes under way */
#define CREDIT 1            /* deliveries under way: the second has to wait for the acknowledgement of the first */
#define NONE   15           /* no route, no cursor */

#define visible(e) ((e) != 2) /* the subscriber is given nothing of event 2, and passes it */

mtype = { HELLO, PUBLISH, SUBSCRIBE, ACK, WELCOME, ANSWER, REFUSED, SUBSCRIBED, BATCH, POSITIONS, TAKEN_OVER };
mtype:phase = { RECEIVE, COMMIT, TELL };
mtype:reader = { READER_NONE, READER_BUSY, READER_BLOCKED, READER_LIVE };

/* ---- the network: two connections of each client, used in turn; 0 and 1 the publisher's, 2 and 3 the subscriber's */

chan to[4] = [2] of { mtype, byte, byte };
chan from[4] = [4] of { mtype, byte, byte };
bool open[4]; /* the client's end; what is sent to a closed one is lost */

/* A client reads what came before anything else happens. Nothing is lost by that: a message that was never read is one
 * that was sent after the connection broke. */
#define unread (len(from[0]) + len(from[1]) + len(from[2]) + len(from[3]) > 0)

/* ---- the store */

byte row[LOG + 1]; /* by seq; 0: none */
byte next;          /* last seq appended: the open batch ends there */
byte head;          /* last seq that store_commit reported as written */
byte synced;        /* last seq that a power cut leaves: head, or there is a mistake */
byte id_seq[EVENTS + 1];
byte cursor_now = NONE;    /* as the open batch has it */
byte cursor_head = NONE;   /* as committed */
byte cursor_synced = NONE; /* as a power cut leaves it */

/* ---- the broker's memory: a crash forgets it */

mtype:phase phase = RECEIVE;
byte took;            /* messages in this tick */
chan replies = [4] of { byte, mtype, byte, byte }; /* they wait for the commit; first the route */
byte p_route = NONE, p_number; /* the publisher's session, and the number it has to send next */
byte r_route = NONE;           /* the subscriber's session */
mtype:reader r_state = READER_NONE;
byte r_pos, r_acked, r_sent, r_announced, r_out;
bool r_dirty; /* the cursor moved and is not in the store yet */
bool r_stuck; /* the peer's queue was full */
bool queue_full; /* is, in this pass */
byte delivered;

/* ---- what the properties are about */

byte told[EVENTS + 1]; /* the seq that the publisher was told for an event; 0: nothing */
byte got[LOG + 1];     /* the event that took effect at the subscriber, by seq */
byte said;             /* the highest seq the subscriber acknowledged */

/* Budgets */
byte crashes = CRASHES, cuts_p = CUTS_P, cuts_s = CUTS_S, laters = LATERS, repeats = REPEATS, fulls = FULLS;
byte forgets = FORGETS;

/* Room to count in: no part of any state, so it says nothing outside of one d_step. */
hidden byte i, seq;
hidden mtype hm;
hidden byte ha, hb, hc;

/* The properties. Each has a name that is 0, so that spin says it when the property is violated. */
hidden byte ANSWERED_AFTER_COMMIT, SAME_ANSWER, ACKNOWLEDGED_SURVIVES, ONCE, SESSION_ORDER, CURSOR_NOT_AHEAD;
hidden byte DELIVERED_AFTER_COMMIT, NO_GAP, NO_REPEAT, ALL_ANSWERED, ALL_DELIVERED, CURSOR_ARRIVES;

#define ANSWERED_AFTER_COMMIT(s) assert(ANSWERED_AFTER_COMMIT || (s) <= head)
#define SAME_ANSWER(e, s) assert(SAME_ANSWER || told[e] == 0 || told[e] == (s))
#define ACKNOWLEDGED_SURVIVES(e) assert(ACKNOWLEDGED_SURVIVES || told[e] == 0 || row[told[e]] == (e))
#define ONCE(e, s) assert(ONCE || row[s] != (e))
#define SESSION_ORDER(e, s) assert(SESSION_ORDER || row[s] < (e))
#define CURSOR_NOT_AHEAD(s) assert(CURSOR_NOT_AHEAD || (s) <= said)
#define DELIVERED_AFTER_COMMIT(s) assert(DELIVERED_AFTER_COMMIT || (s) <= head)
#define NO_GAP(s) assert(NO_GAP || !visible(row[s]))
#define NO_REPEAT(s, before) assert(NO_REPEAT || (s) > (before))
#define ALL_ANSWERED(e) assert(ALL_ANSWERED || told[e] != 0)
#define ALL_DELIVERED(s) assert(ALL_DELIVERED || !visible(row[s]) || got[s] == row[s])
#define CURSOR_ARRIVES() assert(CURSOR_ARRIVES || cursor_synced == head)

inline drain(c)
{
    do
    :: len(c) > 0 -> c?_, _, _
    :: else -> break
    od;
    i = 0
}

/* The client's socket is closed: what came for it is lost; of what it sent, the first so many messages arrive. */
inline connection_cut(c)
{
    d_step {
        open[c] = false;
        drain(from[c])
    }
    if
    :: skip
    :: d_step { len(to[c]) > 0 -> drain(to[c]) }
    :: d_step {
           len(to[c]) > 1 -> to[c]?hm, ha, hb;
           drain(to[c]);
           to[c]!hm, ha, hb
       }
    fi
}

/* The number of a connection is used again when the broker has nothing to do with the earlier one any more: in truth
 * no two connections have the same route. */
#define fresh(c) (r_route != (c) && !replies??[eval(c), _, _, _])

/* A new socket, with nothing of the old one's queue; what it says first is the caller's. */
inline connection_open(c, m, a)
{
    d_step {
        drain(to[c]);
        if
        :: p_route == c -> p_route = NONE; p_number = 0
        :: else
        fi;
        open[c] = true;
        to[c]!m, a, 0
    }
}
