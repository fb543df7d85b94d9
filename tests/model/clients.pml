/*
 * clients.pml - one publisher and one subscriber, as libwici behaves (wici.pml)
 *
 * Both open a new connection when one breaks, with nothing of the old one's queue. The publisher sends everything again
 * that had no answer, in order. The subscriber goes on from its durable cursor; what took effect survives it.
 */

/* A new connection: who one is, and from where. */
inline client_open_p()
{
    c = 1 - c;
    up = false;
    flying = 0;
    rewind = false;
    number = 0;
    send = first;
    connection_open(c, HELLO, 0)
}

/* The broker names the number that it expects. */
inline publish_up()
{
    from[c]?WELCOME, number, _;
    up = true
}

#define may_send (open[c] && up && !rewind && flying < WINDOW && nfull(to[c]))

inline publish_send()
{
    to[c]!PUBLISH, number, send;
    number++;
    send++;
    flying++
}

/* It was killed before it had noted an answer. */
inline publish_forget()
{
    forgets--;
    first--;
    send = first;
    up = false;
    flying = 0;
    rewind = false
}

/* An impatient client: the same once more. */
inline publish_repeat()
{
    repeats--;
    to[c]!PUBLISH, number, send - 1;
    number++;
    flying++
}

inline rewind_check()
{
    if
    :: rewind && flying == 0 -> rewind = false; send = first
    :: else
    fi
}

inline publish_answers()
{
    d_step {
        from[c]?ANSWER, ha, hb;
        first = (ha == first -> first + 1 : first);
        flying--;
        rewind_check()
    }
}

/* Not taken, and neither will be what is behind it: wait for all answers, then send again from the number named. */
inline publish_refused()
{
    d_step {
        from[c]?REFUSED, ha, number;
        rewind = true;
        flying--;
        rewind_check()
    }
}

inline client_open_s()
{
    c = 5 - c;
    up = false;
    link = 0;
    acked = 0;
    connection_open(c, SUBSCRIBE, taken + 1)
}

/* Everything between two places was not for this subscriber. */
inline gap_check(before, after)
{
    NO_REPEAT(after, before);
    i = before + 1;
    do
    :: i < after -> NO_GAP(i); i++
    :: else -> break
    od
}

inline subscribe_subscribed()
{
    d_step {
        from[c]?SUBSCRIBED, ha, _;
        link = ha - 1;
        acked = link;
        up = true
    }
}

/* Takes effect once, then is acknowledged; what comes again is dropped by its seq. */
inline subscribe_batch()
{
    d_step {
        from[c]?BATCH, ha, hb;
        gap_check(link, ha);
        link = ha;
        if
        :: ha > taken -> taken = ha; got[ha] = hb
        :: else
        fi
    }
}

inline subscribe_positions()
{
    d_step {
        from[c]?POSITIONS, ha, _;
        gap_check(link, ha + 1);
        link = ha;
        if
        :: ha > taken -> taken = ha
        :: else
        fi
    }
}

inline ack_flush()
{
    d_step {
        acked = link;
        if
        :: acked > said -> said = acked
        :: else
        fi;
        to[c]!ACK, acked, 0
    }
}

active proctype Publisher()
{
    byte c = 1, first = 1, send = 1, flying = 0, number = 0;
    bool up = false, rewind = false;
end:
    do
    :: atomic { quiet && !open[c] && first <= EVENTS && fresh(1 - c) -> client_open_p() }
    :: atomic { open[c] && from[c]?[WELCOME, _, _] -> publish_up() }
    :: atomic { quiet && may_send && send <= EVENTS -> publish_send() }
    :: atomic { quiet && may_send && repeats > 0 && flying > 0 && send > first -> publish_repeat() }
    :: atomic { open[c] && from[c]?[ANSWER, _, _] -> publish_answers() }
    :: atomic { open[c] && from[c]?[REFUSED, _, _] -> publish_refused() }
    :: atomic { open[c] && from[c]?[TAKEN_OVER, _, _] -> connection_cut(c) }
    :: atomic { quiet && open[c] && cuts_p > 0 -> cuts_p--; connection_cut(c) }
    :: atomic { quiet && !open[c] && forgets > 0 && first > 1 -> publish_forget() }
    od
}

active proctype Subscriber()
{
    byte c = 3, taken = 0, link = 0, acked = 0;
    bool up = false;
end:
    do
    :: atomic { quiet && !open[c] && fresh(5 - c) -> client_open_s() }
    :: atomic { open[c] && from[c]?[SUBSCRIBED, _, _] -> subscribe_subscribed() }
    :: atomic { open[c] && from[c]?[BATCH, _, _] -> subscribe_batch() }
    :: atomic { open[c] && from[c]?[POSITIONS, _, _] -> subscribe_positions() }
    :: atomic { open[c] && up && acked < link && quiet && nfull(to[c]) -> ack_flush() }
    :: atomic { open[c] && from[c]?[TAKEN_OVER, _, _] -> connection_cut(c) }
    :: atomic { quiet && open[c] && cuts_s > 0 -> cuts_s--; connection_cut(c) }
    od
}

