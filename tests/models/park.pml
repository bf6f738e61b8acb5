/* Park and wake: no wake-up is lost, and no signal meets a closed descriptor.
 *
 * What it models: tr__port_fall_asleep, tr__port_wake_up, tr__port_wake, tr__port_ring,
 * tr__port_settle, push_and_ring (runtime/port.h, port.c); the loop's turn: land, has_arrivals,
 * poll_io, park, follow_phase, and tr__loop_main (runtime/loop.c); tr__loop_publish;
 * enter_phase (runtime/stop.c). One loop is the owner of the port; another one brings parcels by a
 * lane, one foreign thread letters, one runnables, and at last the stopping thread a new phase.
 *
 * What is abstracted, and why that is sound:
 *   - lanes and inlets are counters: what is in them is lane.pml's and inlet.pml's matter. A push
 *     to an inlet is one locked step; `first` is what TR__PUSH_FIRST says.
 *   - the descriptor is a bit outside of memory, for the kernel orders it; blocking is waiting for
 *     the bit. Timers and I/O, which only end a sleep early, are one wake-up out of nowhere.
 *   - the loop never spins: spinning is turning, and turning is here.
 *   - the phases before the last one are gone: the stopping thread waits until the lane's parcels
 *     have landed, which the phases see to; or until all has, so that only the wake-up of what came
 *     last can bring the end about.
 * Memory is TSO (memory.inc): `sleep` is only safe because of the fences.
 *
 * Properties: all that was brought is landed, or was refused by an inlet that had closed; the loop
 * ends (a lost wake-up is a deadlock: an invalid end state); nobody signals a closed descriptor.
 *
 * Bounds: PARCELS by the lane, LETTERS by one thread and RUNS by another, one early wake-up:
 * 3.4 and 5.6 million states. */

/* broken: NO_FENCE_SLEEPER NO_FENCE_LANE NO_FENCE_PHASE NO_RECHECK FORGETS_RUNS FORGETS_PHASE */
/* broken: SLEEPS_OVER_SIGNAL NO_WAKING NO_SETTLE SLEEPS_IN_QUIT */
/* bounds: PARCELS=2,LETTERS=1,RUNS=1 PARCELS=1,LETTERS=2,RUNS=1 */

#ifndef PARCELS
#define PARCELS 2
#endif
#ifndef LETTERS
#define LETTERS 2
#endif
#ifndef RUNS
#define RUNS 1
#endif

#define OWNER   0
#define LANE    1
#define LETTER  2
#define RUN     3
#define STOPPER 4
#define THREADS 5

/* Variables. */
#define SLEEP 0 /* port->sleep */
#define TAIL  1 /* of the lane: how many parcels are published */
#define INLET 2 /* port->inlet: how many letters are in it */
#define RUNQ  3 /* port->runs: how many runnables */
#define PHASE 4 /* tr__runtime.phase: 0 RUN, 1 QUIT */
#define VARS  5
#define BUFFER 2
#include "memory.inc"

#define AWAKE  0
#define ASLEEP 1
#define WAKING 2
#define CLOSED 99

bit signal;     /* the event descriptor */
bit is_closed;  /* it */
byte landed[4]; /* by who brought it */
byte refused[4];

/* ---- who brings work ---- */

inline port_wake()
{
#ifdef BROKEN_NO_WAKING
    CAS(SLEEP, ASLEEP, AWAKE, won);
#else
    CAS(SLEEP, ASLEEP, WAKING, won);
#endif
    if
    :: won ->
        atomic {
            assert(!is_closed);
            signal = 1
        }
#ifndef BROKEN_NO_WAKING
        STORE_RELEASE(SLEEP, AWAKE)
#endif
    :: else
    fi
}

inline port_ring()
{
    LOAD(SLEEP, state);
    if
    :: state == ASLEEP -> port_wake()
    :: else
    fi;
    state = 0
}

/* tr__loop_publish, after each activation. */
proctype Lane()
{
    byte self = LANE, staged = 0, state = 0;
    bit won;

    do
    :: staged < PARCELS ->
        staged++;
        STORE_RELEASE(TAIL, staged);
#ifndef BROKEN_NO_FENCE_LANE
        FENCE_FULL;
#endif
        port_ring()
    :: else -> break
    od
}

/* push_and_ring */
proctype Foreign(byte self; byte inlet; byte count)
{
    byte pushed = 0, state = 0;
    bit first, closed, won;

    do
    :: pushed < count ->
        d_step {
            DRAINED ->
            closed = (mem[inlet] == CLOSED);
            first = (mem[inlet] == 0);
            if
            :: closed -> refused[self]++
            :: else -> mem[inlet]++
            fi;
            pushed++
        }
        if
        :: first && !closed -> port_ring()
        :: else
        fi
    :: else -> break
    od
}

/* enter_phase */
proctype Stopper()
{
    byte self = STOPPER, state = 0;
    bit won;

    landed[LANE] == PARCELS;
    if
    :: true
    :: true -> landed[LETTER] == LETTERS && landed[RUN] == RUNS
    fi;
    STORE_RELEASE(PHASE, 1);
#ifndef BROKEN_NO_FENCE_PHASE
    FENCE_FULL;
#endif
    port_ring()
}

/* ---- the loop ---- */

inline take(inlet, instead, who)
{
    EXCHANGE(inlet, instead, count);
    d_step { landed[who] = landed[who] + count; count = 0 }
}

inline land()
{
    LOAD(TAIL, count);
    d_step { landed[LANE] = count; count = 0 }
    LOAD(INLET, count);
    if
    :: count != 0 -> take(INLET, 0, LETTER)
    :: else
    fi;
    LOAD(RUNQ, count);
    if
    :: count != 0 -> take(RUNQ, 0, RUN)
    :: else
    fi
}

/* has_arrivals, and the look at the phase. */
inline look_once_more()
{
    found = 0;
#ifndef BROKEN_NO_RECHECK
    LOAD(INLET, count);
    found = (count != 0);
#ifndef BROKEN_FORGETS_RUNS
    LOAD(RUNQ, count);
    found = found || (count != 0);
#endif
    LOAD(TAIL, count);
    found = found || (count != landed[LANE]);
#ifndef BROKEN_FORGETS_PHASE
    LOAD(PHASE, count);
    found = found || (count != phase);
#endif
    count = 0;
#endif
}

proctype Owner()
{
    byte self = OWNER, count = 0;
    byte phase = 0; /* loop->phase */
    bit found, done, early = 0;

turn:
    LOAD(PHASE, count);
    if
    :: count == 1 -> goto quit
    :: else
    fi;
    land();
    /* follow_phase, which looks again */
    LOAD(PHASE, count);
    if
    :: count != 0 -> LOAD(PHASE, phase)
    :: else
    fi;
    count = 0;
#ifndef BROKEN_SLEEPS_IN_QUIT
    if
    :: phase == 1 -> goto turn
    :: else
    fi;
#endif
    signal = 0; /* poll_io */
    /* park */
#ifdef BROKEN_NO_FENCE_SLEEPER
    LOAD(SLEEP, count);
    if
    :: count == AWAKE -> STORE_RELAXED(SLEEP, ASLEEP)
    :: else -> goto turn
    fi;
#else
#ifdef BROKEN_SLEEPS_OVER_SIGNAL
    EXCHANGE(SLEEP, ASLEEP, count);
#else
    CAS(SLEEP, AWAKE, ASLEEP, done);
    if
    :: !done -> goto turn
    :: else
    fi;
#endif
#endif
    look_once_more();
    if
    :: found
    :: else ->
        if
        :: atomic { signal -> signal = 0 }
        :: early == 0 -> early = 1
        fi
    fi;
    CAS(SLEEP, ASLEEP, AWAKE, done); /* tr__port_wake_up */
    goto turn;

quit:
    /* Letters are closed earlier (close_inlet), which is no different for who brings them. */
    take(INLET, CLOSED, LETTER);
    take(RUNQ, CLOSED, RUN);
#ifndef BROKEN_NO_SETTLE
    do
    :: LOAD(SLEEP, count);
        if
        :: count == AWAKE -> break
        :: else
        fi
    od;
#endif
    is_closed = 1
}

proctype Judge()
{
    timeout ->
    assert(landed[LANE] == PARCELS);
    assert(landed[LETTER] + refused[LETTER] == LETTERS);
    assert(landed[RUN] + refused[RUN] == RUNS)
}

init {
    atomic {
        run Memory(OWNER);
        run Memory(LANE);
        run Memory(LETTER);
        run Memory(RUN);
        run Memory(STOPPER);
        run Owner();
        run Lane();
        run Foreign(LETTER, INLET, LETTERS);
        run Foreign(RUN, RUNQ, RUNS);
        run Stopper();
        run Judge()
    }
}
