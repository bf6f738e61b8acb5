/* A future: it ends once, all who wait are told, its value has one end, and so has its memory.
 *
 * What it models: tr__future_end, tr__future_publish, publish_here, publish_afar, let_go,
 * set_unless, tell, run_wake, tr__future_enlist, tr__future_delist, tr_future_ref, tr_future_unref,
 * free_future, tr_future_wait (sleep_for), tr_future_cancel (cancel_open), tr_future_take
 * (runtime/future.h, future.c); await_local and withdraw_local (runtime/await.c). On the home loop
 * two tasks await it, one of which may give up; a foreign thread sleeps for it; and it is ended by
 * some of: two threads elsewhere, one of which cancels it, and the home loop. With HELD it is a
 * task's or a job's, whose only end is the holder's: there is nothing to claim, and no reference of
 * the holder's.
 *
 * What is abstracted, and why that is sound:
 *   - the list of waiters is a bit for each; it is the home loop's alone, and the same to all.
 *   - posting is a bit: it is never lost, and reaches the home loop at any later time (park.pml,
 *     inlet.pml). A post that comes twice would fail an assertion.
 *   - futex: its wait compares and sleeps in one step, as the kernel does; its wake may come to
 *     memory that has been freed, which wakes nobody who minds.
 *   - a home loop that has quit, and proxies, are await.pml's.
 * Memory is TSO (memory.inc).
 *
 * Properties: whoever sees ENDED sees the status and the value of the one who ended it; a waiter is
 * told once, unless it gave up; the sleeper wakes; each value is taken or dropped once; nobody
 * touches it when it is freed, and it is freed once, at last.
 *
 * Bounds: 2 waiters, 0 or 1 sleeper, up to 2 who end it: 40,000 to 5.9 million
 * states. */

/* bounds: AFAR=2,HERE=0,SLEEPS=0 AFAR=1,HERE=1 AFAR=1,HERE=0,HELD=1 AFAR=0,HERE=1,HELD=1 */
/* bounds: AFAR=0,HERE=1 */
/* broken: NO_CLAIM NO_FENCE WAITED_BY_STORE SLEEPERS_BY_STORE NO_SECOND_LOOK NO_REF_FOR_WAKE */
/* broken: LETS_GO_FIRST TAKES_LIST_LATE */

#if defined(BROKEN_LETS_GO_FIRST)
#define AFAR 1
#define HERE 0
#define HELD 1
#elif defined(BROKEN_TAKES_LIST_LATE)
#define AFAR 0
#define HERE 1
#define HELD 1
#endif
#ifndef AFAR
#define AFAR 2 /* how many end it elsewhere */
#endif
#ifndef HERE
#define HERE 0 /* whether the home loop does */
#endif
#ifndef HELD
#define HELD 0
#endif
#ifndef SLEEPS
#define SLEEPS 1 /* whether a thread sleeps for it */
#endif

#define HOME    0
#define SLEEPER 1
#define ENDER   2
#define THREADS (ENDER + 2)

/* Variables. */
#define STATE  0
#define STATUS 1
#define VALUE  2
#define VARS   3
#define BUFFER 3
#include "memory.inc"

#define CLAIMED  1
#define ENDED    2
#define WAITED   4
#define SLEEPERS 8
#define HELD_BIT 16
#define ONE      32

#define ENDS_AT_HOME (AFAR == 0)

bit is_freed;
bit wake;           /* posted, and not run yet */
bit was_woken;      /* it has been posted: only once */
bit sleeps;         /* the sleeper, in the kernel */
bit waiting[2];     /* waiters in the list */
byte told[2];
byte ended_by;      /* whose status and value it has: 1 + thread; 0: nobody's */
bit had_value[THREADS];
byte ends[THREADS]; /* of the value that each thread had: dropped or taken */

#define TOUCH assert(!is_freed)

/* ---- memory ---- */

inline free_future()
{
    d_step {
        assert(!is_freed && !wake && !waiting[0] && !waiting[1]);
        is_freed = 1;
        if
        :: mem[VALUE] != 0 -> ends[mem[VALUE] - 1]++
        :: else
        fi
    }
}

#define IS_LAST(before) ((before) / ONE == 1 && !((before) & HELD_BIT))

inline unref()
{
    TOUCH;
    LOAD(STATE, before);
    if
    :: IS_LAST(before) -> free_future()
    :: else ->
        ADD(STATE, -ONE, before);
        if
        :: IS_LAST(before) -> free_future()
        :: else
        fi
    fi;
    before = 0
}

/* ---- ending ---- */

/* The state before is left in `before`. */
inline set_unless(bits, already)
{
    swapped = 0;
    do
    :: swapped -> break
    :: else ->
        TOUCH;
        LOAD(STATE, before);
        if
        :: before & (already) -> break
        :: else -> CAS(STATE, before, before | (bits), swapped)
        fi
    od;
    swapped = 0
}

inline futex_wake()
{
    sleeps = 0
}

inline tell(i)
{
    if
    :: list[i] -> list[i] = 0; told[i]++
    :: else
    fi
}

#ifdef BROKEN_NO_FENCE
/* An add that is seen before what it publishes: another order of memory. */
inline add_ended(amount)
{
    d_step { before = mem[STATE]; mem[STATE] = mem[STATE] + amount }
}
#else
#define add_ended(amount) ADD(STATE, amount, before)
#endif

inline let_go(what)
{
    TOUCH;
    ADD(STATE, -(what), before);
    if
    :: (before - (what)) / ONE == 0 && !((before - (what)) & HELD_BIT) -> free_future()
    :: else
    fi
}

inline publish_afar(held)
{
#ifdef BROKEN_LETS_GO_FIRST
    add_ended(ENDED - held);
#else
    add_ended(ENDED);
#endif
    if
    :: before & SLEEPERS -> futex_wake()
    :: else
    fi;
    if
    :: before & WAITED ->
#ifndef BROKEN_NO_REF_FOR_WAKE
        TOUCH;
        ADD(STATE, ONE, swapped);
#endif
        atomic {
            assert(!was_woken);
            was_woken = 1;
            wake = 1
        }
    :: else
    fi;
    if
    :: held != 0 ->
#ifdef BROKEN_LETS_GO_FIRST
        if
        :: before / ONE == 0 -> free_future()
        :: else
        fi
#else
        let_go(held)
#endif
    :: else
    fi
}

inline publish_here(held)
{
#ifndef BROKEN_TAKES_LIST_LATE
    d_step {
        list[0] = waiting[0]; list[1] = waiting[1];
        waiting[0] = 0; waiting[1] = 0
    }
#endif
    add_ended(ENDED - held);
    if
    :: before & SLEEPERS -> futex_wake()
    :: else
    fi;
    if
    :: held != 0 && before / ONE == 0 -> free_future()
    :: else
    fi;
#ifdef BROKEN_TAKES_LIST_LATE
    TOUCH;
    d_step {
        list[0] = waiting[0]; list[1] = waiting[1];
        waiting[0] = 0; waiting[1] = 0
    }
#endif
    tell(0);
    tell(1)
}

/* tr__future_publish: the status is who ends it, the value likewise, unless it is a cancellation.
 */
inline publish(is_here, value)
{
    TOUCH;
    LOAD(STATE, before);
    held = before & HELD_BIT;
    ended_by = self + 1;
    STORE_RELAXED(STATUS, self + 1);
    STORE_RELAXED(VALUE, value);
    if
    :: before / ONE == 0 && !waiting[0] && !waiting[1] ->
        DRAINED; /* it is this thread's alone, and its own loads see its stores */
        free_future()
    :: else ->
        if
        :: is_here -> publish_here(held)
        :: else -> publish_afar(held)
        fi
    fi;
    held = 0; before = 0
}

inline drop(value)
{
    if
    :: value != 0 -> ends[value - 1]++
    :: else
    fi
}

/* tr__future_end, or, where there is only one who does, tr__future_publish. */
inline end_it(is_here, value)
{
    if
    :: value != 0 -> had_value[self] = 1
    :: else
    fi;
#if HELD
    publish(is_here, value);
#else
#ifdef BROKEN_NO_CLAIM
    LOAD(STATE, before);
    before = (before & ENDED -> CLAIMED : 0);
#else
    set_unless(CLAIMED, CLAIMED);
#endif
    if
    :: before & CLAIMED -> drop(value)
    :: else -> publish(is_here, value)
    fi;
    before = 0
#endif
}

proctype Ender(byte self; byte value)
{
    byte before = 0, held = 0;
    byte swapped = 0;
    bit list[2];

    end_it(0, value);
#if !HELD
    unref()
#endif
}

/* ---- looking ---- */

/* What who has seen ENDED finds; and, perhaps, it takes the value. */
inline look()
{
    TOUCH;
    LOAD(STATUS, before);
    assert(before != 0 && before == ended_by);
    if
    :: true
    :: true ->
        EXCHANGE(VALUE, 0, before);
        if
        :: before != 0 ->
            assert(before == ended_by);
            ends[before - 1]++
        :: else
        fi
    fi;
    before = 0
}

proctype Sleeper()
{
    byte self = SLEEPER, before = 0;
    byte swapped = 0;

    /* tr_future_wait, without a limit */
    LOAD(STATE, before);
    do
    :: before & ENDED -> break
    :: else ->
#ifdef BROKEN_SLEEPERS_BY_STORE
        LOAD(STATE, before);
        STORE_RELAXED(STATE, before | SLEEPERS);
        DRAINED;
#else
        set_unless(SLEEPERS, ENDED | SLEEPERS);
#endif
        if
        :: before & ENDED -> break
        :: else ->
            d_step { /* the kernel compares, and lets it sleep */
                sleeps = (mem[STATE] == (before | SLEEPERS));
                before = 0
            }
            !sleeps
        fi
    od;
    look();
    unref()
}

/* ---- the home loop ---- */

/* await_local: it stands in the list afterwards, or has looked. */
inline await(i)
{
    TOUCH;
    LOAD(STATE, before);
    if
    :: before & ENDED -> look()
    :: else ->
#if ENDS_AT_HOME
        LOAD(STATE, before);
#elif defined(BROKEN_WAITED_BY_STORE)
        LOAD(STATE, before);
        STORE_RELAXED(STATE, before | WAITED);
        DRAINED;
#elif defined(BROKEN_NO_SECOND_LOOK)
        set_unless(WAITED, WAITED);
        before = 0;
#else
        set_unless(WAITED, ENDED | WAITED);
#endif
        if
        :: before & ENDED -> look()
        :: else -> waiting[i] = 1
        fi
    fi;
    before = 0;
    phase[i] = 1
}

proctype Home()
{
    byte self = HOME, before = 0, held = 0;
    byte swapped = 0, phase[2];
    bit list[2], has_ended = 0;

endhome:
    do
    :: phase[0] == 0 -> await(0)
    :: phase[0] == 0 -> phase[0] = 1 /* it does not want to know any more */
    :: phase[1] == 0 -> await(1)
    :: phase[1] == 1 && waiting[1] -> /* withdraw_local */
        TOUCH;
        waiting[1] = 0
    :: atomic { wake -> wake = 0 } /* run_wake */
        TOUCH;
        d_step {
            list[0] = waiting[0]; list[1] = waiting[1];
            waiting[0] = 0; waiting[1] = 0
        }
        tell(0);
        tell(1);
        unref()
    :: phase[0] == 1 && !waiting[0] ->
        if
        :: told[0] != 0 -> look()
        :: else
        fi;
        phase[0] = 2;
        unref()
    :: phase[1] == 1 && !waiting[1] ->
        if
        :: told[1] != 0 -> look()
        :: else
        fi;
        phase[1] = 2;
        unref()
#if HERE
    :: !has_ended ->
        has_ended = 1;
        end_it(1, self + 1);
#if !HELD
        unref()
#endif
#endif
    od
}

proctype Judge()
{
    byte i;

    timeout ->
    d_step {
        assert(is_freed && !sleeps && ended_by != 0);
        for (i : 0 .. 1) {
            assert(told[i] <= 1)
        }
        for (i : 0 .. THREADS - 1) {
            assert(ends[i] == had_value[i])
        }
    }
}

init {
    byte i;

    atomic {
        mem[STATE] = HELD * HELD_BIT + (2 + SLEEPS + (1 - HELD) * (AFAR + HERE)) * ONE;
        for (i : 0 .. THREADS - 1) {
            run Memory(i)
        }
        run Home();
#if SLEEPS
        run Sleeper();
#endif
#if AFAR > 0
        run Ender(ENDER, ENDER + 1);
#endif
#if AFAR > 1
        run Ender(ENDER + 1, 0); /* cancel_open */
#endif
        run Judge()
    }
}
