/*
 * wici.pml - the order of things in wicid: what is written, committed, said, and what a crash leaves of it
 *
 * One publisher with a queue of events (each event is its own id, 1, 2, 3, ...), one subscriber with a durable cursor,
 * and the broker between them. Connections break and are opened again, and what was on an old one may still arrive
 * after the new one's first message; the broker loses its power at any moment and starts again from what is on the disk.
 *
 *     Publisher --to[0,1]--> Broker: RECEIVE -> COMMIT -> TELL --from[2,3]--> Subscriber
 *               <-from[0,1]--                    |         ^
 *                                              disk   replies
 *
 * docs/MODEL.md says which function each inline is, what is left out, and why that is enough.
 *
 * Each PLANT_... is a mistake that the broker could make; with it, spin must find a violation of the property that
 * docs/MODEL.md names.
 */
#include "world.pml"

/* ---- the broker */

inline reply_put(c, m, a, b)
{
    replies!c, m, a, b
}

inline front_send(c, m, a, b)
{
    if
    :: open[c] -> from[c]!m, a, b
    :: else /* lost */
    fi
}

/* What a sender is told of one event. */
inline answer_send(c, e, s)
{
    ANSWERED_AFTER_COMMIT(s);
    SAME_ANSWER(e, s);
    told[e] = s;
    front_send(c, ANSWER, e, s)
}

inline cursor_write()
{
    if
    :: r_state != READER_NONE && r_dirty ->
       CURSOR_NOT_AHEAD(r_acked);
       cursor_now = r_acked;
       r_dirty = false
    :: else
    fi
}

inline talk_end_reader()
{
    cursor_write();
    r_route = NONE;
    r_state = READER_NONE;
    r_pos = 0;
    r_acked = 0;
    r_sent = 0;
    r_announced = 0;
    r_out = 0;
    r_dirty = false;
    r_stuck = false
}

/* A second Hello of the session's name takes it over. The older connection may be the one that is still used: its
 * Hello was overtaken by another that never arrived where it was sent from. */
inline hello_take(c)
{
#ifndef PLANT_TAKEOVER_UNTOLD
    if
    :: p_route != NONE && p_route != c -> reply_put(p_route, TAKEN_OVER, 0, 0)
    :: else
    fi;
#endif
    p_route = c;
    p_number = 1;
    reply_put(c, WELCOME, p_number, 0)
}

inline store_append(e)
{
    i = 1;
    do
    :: i <= next -> ONCE(e, i);
       SESSION_ORDER(e, i);
       i++
    :: else -> break
    od;
    next++;
    row[next] = e;
    id_seq[e] = next
}

inline sequence_take(c, e)
{
    seq = id_seq[e];
#ifdef PLANT_ID_SEES_COMMITTED_ONLY
    if
    :: seq > head -> seq = 0
    :: else
    fi;
#endif
    if
    :: seq == 0 ->
       store_append(e);
       reply_put(c, ANSWER, e, next)
    :: else ->
#ifdef PLANT_REPEAT_ANSWERED_AT_ONCE
       answer_send(c, e, seq)
#elif defined PLANT_REPEAT_GETS_ANOTHER_NUMBER
       reply_put(c, ANSWER, e, next)
#else
       reply_put(c, ANSWER, e, seq)
#endif
    fi
}

inline publish_take(c, number, e)
{
    if
    :: d_step { p_route != c -> skip } /* this connection has no session: E_STATE, which its client will not read */
#ifndef PLANT_NUMBER_UNCHECKED
    :: d_step { p_route == c && number != p_number -> reply_put(c, REFUSED, e, p_number) } /* E_GAP */
#endif
    :: d_step { p_route == c && number == p_number && laters > 0 -> laters--; reply_put(c, REFUSED, e, p_number) }
#ifdef PLANT_NUMBER_UNCHECKED
    :: d_step { p_route == c -> p_number = number + 1; sequence_take(c, e) }
#else
    :: d_step { p_route == c && number == p_number -> p_number++; sequence_take(c, e) }
#endif
    fi
}

/* The cursor is taken over from whoever had it; one that is not known begins where the client says. */
inline subscribe_take(c, start)
{
    d_step {
        if
        :: r_route != NONE && r_route != c -> reply_put(r_route, TAKEN_OVER, 0, 0)
        :: else
        fi;
        talk_end_reader();
        if
        :: cursor_now == NONE -> CURSOR_NOT_AHEAD(start - 1); cursor_now = start - 1
        :: else
        fi;
        r_route = c;
        r_acked = cursor_now;
        r_pos = r_acked;
        r_sent = r_acked;
        r_announced = r_acked;
        r_state = READER_BUSY;
        reply_put(c, SUBSCRIBED, r_pos + 1, 0)
    }
}

inline ack_take(c, s)
{
    d_step {
        if
        :: c == r_route && s > r_acked && (s <= r_sent || s <= r_announced) ->
           r_acked = s;
           r_dirty = true;
           r_out = 0;
           i = s + 1;
           do
           :: i <= r_sent -> r_out = r_out + (visible(row[i]) -> 1 : 0); i++
           :: else -> break
           od;
#ifndef PLANT_CREDIT_DOES_NOT_WAKE
           if
           :: r_state == READER_BLOCKED && !r_stuck -> r_state = READER_BUSY
           :: else
           fi
#endif
        :: else
        fi
    }
}

/* One message of one of the publisher's connections. */
inline talk_take_publisher(c)
{
    took++;
    if
    :: to[c]?HELLO, _, _ -> d_step { hello_take(c) }
    :: to[c]?PUBLISH, x, y -> publish_take(c, x, y)
    fi;
    x = 0;
    y = 0
}

/* One message of one of the subscriber's: its Hello is one with its Subscribe. */
inline talk_take_subscriber(c)
{
    took++;
    if
    :: to[c]?SUBSCRIBE, x, _ -> subscribe_take(c, x)
    :: to[c]?ACK, x, _ -> ack_take(c, x)
    fi;
    x = 0
}

/* A session whose peer is gone, found by sending to it. */
inline talk_sweep()
{
    d_step { talk_end_reader() }
}

/* Clients do what they do while the broker receives: a commit, and what is said after it, look at nothing of theirs but
 * whether the connection stands, and it may as well have broken just before the commit. */
#define quiet (!unread && phase == RECEIVE)

#define has_batch (next > head || cursor_now != cursor_head)
#define position  (r_state == READER_LIVE -> delivered : r_pos)
#define position_due (r_state != READER_NONE && !r_stuck && position > r_announced && position > r_sent)
#define has_work  (took > 0 || has_batch || r_dirty || r_state == READER_BUSY || r_stuck || position_due)

/* Cursors ride in the commit; without one they wait for a while. */
inline broker_timers()
{
    if
    :: d_step { r_dirty -> cursor_write() }
    :: !r_dirty
    :: r_dirty && !has_batch && took > 0 /* later */
    fi
}

/* Written, synced, and only then reported. */
inline store_commit()
{
    d_step {
        head = next;
        cursor_head = cursor_now;
#ifndef PLANT_SYNC_SKIPPED
        synced = head;
        cursor_synced = cursor_head;
#endif
        seq = 0
    }
}

inline reply_flush()
{
    do
    :: len(replies) > 0 ->
       replies?hc, hm, ha, hb;
       if
       :: hm == ANSWER -> answer_send(hc, ha, hb)
       :: else -> front_send(hc, hm, ha, hb)
       fi
    :: else -> break
    od
}

/* Shows one committed record to the reader. It takes it, or stays before it. */
inline stream_show(s)
{
    if
    :: !visible(row[s]) -> r_pos = s
    :: visible(row[s]) && r_out >= CREDIT -> r_pos = s - 1; r_state = READER_BLOCKED
    :: visible(row[s]) && r_out < CREDIT && queue_full ->
       fulls--;
       queue_full = false;
#ifdef PLANT_FULL_QUEUE_SKIPS
       r_pos = s;
#elif defined PLANT_FULL_QUEUE_STARTS_AGAIN
       r_pos = 0;
#else
       r_pos = s - 1;
#endif
       r_state = READER_BLOCKED;
       r_stuck = true
    :: else ->
       DELIVERED_AFTER_COMMIT(s);
       front_send(r_route, BATCH, s, row[s]);
       r_sent = s;
       r_pos = s;
       r_out++;
#ifdef PLANT_CURSOR_MOVES_ON_SEND
       r_acked = s;
       r_dirty = true;
#endif
    fi
}

/* A stream at the head is given what was committed since the last pass. */
inline deliver_live(up_to)
{
    i = delivered + 1;
    do
    :: i <= up_to && r_state == READER_LIVE -> stream_show(i); i++
    :: else -> break
    od;
    delivered = up_to
}

inline session_positions()
{
    if
    :: position_due && !queue_full ->
       r_announced = position;
       front_send(r_route, POSITIONS, r_announced, 0)
    :: position_due && queue_full ->
       fulls--;
       queue_full = false;
#ifdef PLANT_POSITION_COUNTED_UNSENT
       r_announced = position;
#endif
       r_stuck = true
    :: else
    fi
}

#ifdef PLANT_SWITCH_SKIPS_ONE
#define caught_up (r_pos + 1 >= delivered)
#else
#define caught_up (r_pos >= delivered)
#endif

/* A stream that is behind reads the log; at the end of it it is live. */
inline stream_turn()
{
    do
    :: r_state == READER_BUSY && !caught_up -> stream_show(r_pos + 1)
    :: r_state == READER_BUSY && caught_up -> r_state = READER_LIVE; session_positions()
    :: else -> break
    od
}

inline deliver_retry()
{
    if
    :: r_stuck ->
       r_stuck = false;
       if
       :: r_state == READER_BLOCKED -> r_state = READER_BUSY
       :: else
       fi
    :: else
    fi
}

inline memory_lost()
{
    r_dirty = false;
    talk_end_reader();
    p_route = NONE;
    p_number = 0
}

/* The power goes: the disk keeps what was synced. Then recovery. */
inline power_cut()
{
    d_step {
        crashes--;
        do
        :: len(replies) > 0 -> replies?_, _, _, _
        :: else -> break
        od;
        seq = 0;
        do
        :: seq < 4 -> open[seq] = false; drain(to[seq]); drain(from[seq]); seq++
        :: else -> break
        od;
        memory_lost();
        i = synced + 1;
        do
        :: i <= LOG -> row[i] = 0; i++
        :: else -> break
        od;
        next = synced;
        head = synced;
        delivered = synced;
        cursor_now = cursor_synced;
        cursor_head = cursor_synced;
        i = 1;
        do
        :: i <= EVENTS ->
#ifdef PLANT_ID_TABLE_DROPPED
           id_seq[i] = 0;
#else
           if
           :: id_seq[i] > synced -> id_seq[i] = 0
           :: else
           fi;
#endif
           ACKNOWLEDGED_SURVIVES(i);
           i++
        :: else -> break
        od;
        phase = RECEIVE;
        took = 0
    }
}

/* The tick: receive, decide and append; commit; answer; deliver. A crash comes between any two of its steps. */
active proctype Broker()
{
    byte x, y; /* of the message that is looked at */
end:
    do
    :: atomic { !unread && phase == RECEIVE && took < TICK && nempty(to[0]) -> talk_take_publisher(0) }
    :: atomic { !unread && phase == RECEIVE && took < TICK && nempty(to[1]) -> talk_take_publisher(1) }
    :: atomic { !unread && phase == RECEIVE && took < TICK && nempty(to[2]) -> talk_take_subscriber(2) }
    :: atomic { !unread && phase == RECEIVE && took < TICK && nempty(to[3]) -> talk_take_subscriber(3) }
    :: atomic {
           !unread && phase == RECEIVE && r_route != NONE && !open[r_route] ->
           talk_sweep()
       }
    :: atomic {
           !unread && phase == RECEIVE && has_work ->
           broker_timers();
           d_step {
               deliver_retry();
#ifdef PLANT_ANSWERED_BEFORE_COMMIT
               reply_flush();
#endif
#ifdef PLANT_DELIVERED_BEFORE_COMMIT
               deliver_live(next);
#endif
               phase = COMMIT
           }
       }
    :: atomic { !unread && phase == COMMIT -> store_commit(); phase = TELL }
    :: atomic {
           !unread && phase == TELL ->
           if
           :: fulls > 0 && r_state != READER_NONE -> queue_full = true
           :: queue_full = false
           fi;
           d_step {
               reply_flush();
               deliver_live(head);
               stream_turn()
           }
           if
           :: d_step { position_due -> session_positions() }
           :: !position_due
           :: position_due && took > 0 /* told later */
           fi;
           queue_full = false;
           took = 0;
           phase = RECEIVE
       }
    :: atomic { !unread && crashes > 0 -> power_cut() }
    od
}

#include "clients.pml"

/* When nothing more can happen. */
active proctype Judge()
{
    timeout;
    d_step {
        i = 1;
        do
        :: i <= EVENTS -> ALL_ANSWERED(i);
           ACKNOWLEDGED_SURVIVES(i);
           i++
        :: else -> break
        od;
        i = 1;
        do
        :: i <= head -> ALL_DELIVERED(i); i++
        :: else -> break
        od;
        CURSOR_ARRIVES()
    }
}
