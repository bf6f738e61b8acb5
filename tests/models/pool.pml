/* The pool's wake-up: no job is left behind while all workers sleep, and none waits for jobs that
 * block, as long as another worker can be had.
 *
 * What it models: tr__pool_push, follow_up, call_for (runtime/pool.c); tr__pool_lock_soon,
 * tr__pool_is_empty, gather_from, tr__pool_take, tr__pool_unlink (pool_line.c); worker_main, run,
 * pass_nudge_on, rest, sleep_until_called, end, tr__worker_call, call_up, start, expect_one
 * (pool_worker.c); tr__keeper_engage, run_engage, nudge, needs_keeper, resign, look_at
 * (pool_keeper.c). Fields are named as in runtime/pool.h. LOOPS loops push and may keep time; so
 * many foreign threads push. The first BLOCKERS jobs block until all the others are over.
 *
 * What is abstracted, and why that is sound:
 *   - inlet and line are queues of numbers (inlet.pml); each lock, unlock and push drains the store
 *     buffer, as locked instructions do. Which worker sleeps longest does not matter: any is
 *     called.
 *   - a futex is waiting for is_called: it compares and sleeps in one step.
 *   - time: patience is over whenever nothing was taken since the last look. A keeper looks at any
 *     time; but when a look has changed nothing, the next comes when one would change something: so
 *     a keeper that only turns is a deadlock, and is found.
 *   - a worker that sleeps has a time limit or has none; without one, nothing but a call wakes it.
 *   - starting a thread fails once, if FAILS. Closing a pool, taking back, priorities and
 *     interruptions are not here.
 * Memory is TSO (memory.inc).
 *
 * Properties: all jobs get over (a job left behind is a deadlock), or are their pusher's again;
 * then there is no keeper, and nobody is awake. Under the lock: awake = threads - length of idle;
 * coming + running <= awake; threads <= max. One loop keeps, and `engage` is posted once at a time.
 *
 * Bounds: LOOPS and FOREIGN threads, their jobs, MAX workers; 40,000 to 1.7 million states. */

/* bounds: MAX=1,BLOCKERS=0,FAILS=1,LIMITS=1 FOREIGN=0,LOOP_JOBS=2,FAILS=1,LIMITS=1 */
/* bounds: FOREIGN_JOBS=1,FAILS=1,LIMITS=1 LOOPS=2,FOREIGN=0,FAILS=1,LIMITS=1 */
/* bounds: FOREIGN_JOBS=2 */
/* bounds: MAX=3,BLOCKERS=2,FOREIGN=0,LOOP_JOBS=3 */
/* broken: NO_FENCE_WORKER NO_RECHECK_WORKER NO_FENCE_KEEPER NO_RECHECK_KEEPER NO_KEEPER */
/* broken: COUNTS_LATE FORGETS_AWAKE */

#if defined(BROKEN_NO_FENCE_WORKER) || defined(BROKEN_NO_RECHECK_WORKER)
#define MAX 1
#define BLOCKERS 0
#endif
#ifndef MAX
#define MAX 2
#endif
#ifndef BLOCKERS
#define BLOCKERS 1
#endif
#ifndef LOOPS
#define LOOPS 1
#endif
#ifndef FOREIGN
#define FOREIGN 1
#endif
#ifndef LOOP_JOBS
#define LOOP_JOBS 1 /* of each of them */
#endif
#ifndef FOREIGN_JOBS
#if MAX > 1
#define FOREIGN_JOBS 2
#else
#define FOREIGN_JOBS 1
#endif
#endif
#define JOBS (LOOPS * LOOP_JOBS + FOREIGN * FOREIGN_JOBS)
#ifndef FAILS
#define FAILS 0 /* whether a thread may not be started */
#endif
#ifndef LIMITS
#define LIMITS 0 /* whether sleeps may have a time limit */
#endif

/* Threads: loops, foreign ones, workers. */
#define WORKER(w) (LOOPS + FOREIGN + (w))
#define THREADS WORKER(MAX)
#define IS_LOOP (self < LOOPS)
/* Its number. */
#define LOOP_SERVING(thread) ((thread) < LOOPS) * (thread) + 1

/* Variables. */
#define AWAKE  0
#define KEEPER 1 /* number of the loop, from 1 */
#define LENGTH 2
#define TAKEN  3
#define VARS   4
#define BUFFER 4
#include "memory.inc"

chan inlet = [JOBS] of { byte };
chan line = [JOBS] of { byte };

/* Under the lock. */
bit is_locked;
byte threads;
byte running;
byte coming;
bit is_hungry;
bit idle[MAX]; /* in the list of those who sleep */
bit is_started[MAX];
bit is_called[MAX];
byte sleepers; /* length of idle */

/* The keeper's. */
bit engage;  /* posted */
bit kept[LOOPS];
byte seen;
bit has_seen; /* seen_ns != 0 */

byte pushed;
byte left = JOBS - BLOCKERS; /* jobs that do not block, and are not over */
byte over;
bit has_failed = 1 - FAILS;

/* ---- the lock ---- */

inline lock()
{
    d_step { DRAINED && !is_locked -> is_locked = 1 }
}

inline unlock()
{
    d_step {
        DRAINED ->
        assert(threads <= MAX && mem[AWAKE] == threads - sleepers);
        assert(coming + running <= mem[AWAKE]);
        is_locked = 0
    }
}

/* A loop gives up when another one has it. */
inline lock_soon(has_it)
{
    if
    :: d_step { DRAINED && !is_locked -> is_locked = 1; has_it = 1 }
    :: d_step { IS_LOOP && is_locked -> has_it = 0 }
    fi
}

/* ---- the line ---- */

/* value is whether it is empty. */
inline is_empty()
{
    value = (len(inlet) == 0); /* only locked instructions change it */
    if
    :: value -> LOAD(LENGTH, value); value = (value == 0)
    :: else
    fi
}

inline gather()
{
    if
    :: (len(inlet) > 0) ->
        LOAD(LENGTH, value);
#ifndef BROKEN_COUNTS_LATE
        STORE_RELAXED(LENGTH, value + 1);
#endif
        d_step {
            DRAINED ->
            do
            :: inlet?job -> line!job; value++
            :: (len(inlet) == 0) -> break
            od;
            job = 0
        }
        STORE_RELAXED(LENGTH, value);
        value = 0
    :: else
    fi
}

inline count_out()
{
    LOAD(LENGTH, value);
    STORE_RELAXED(LENGTH, value - 1);
    LOAD(TAKEN, value);
    STORE_RELAXED(TAKEN, value + 1);
    value = 0
}

/* ---- calling workers ---- */

inline expect_one()
{
    LOAD(AWAKE, value);
#ifndef BROKEN_FORGETS_AWAKE
    STORE_RELAXED(AWAKE, value + 1);
#endif
    value = 0;
    coming++
}

#define CALLED 0
#define ALREADY 1
#define LIMIT 2
#define AGAIN 3

/* tr__worker_call: rc is CALLED, ... */
inline worker_call(rc)
{
    is_empty();
    if
    :: value -> value = 0; rc = ALREADY
    :: else ->
        value = 0;
        if
        :: sleepers > 0 ->
            d_step { /* call_up */
                i = 0;
                do
                :: !idle[i] -> i++
                :: else -> break
                od;
                idle[i] = 0;
                sleepers--;
                is_called[i] = 1;
                i = 0
            }
            expect_one();
            rc = CALLED
        :: sleepers == 0 && threads >= MAX -> rc = LIMIT
        :: sleepers == 0 && threads < MAX && !has_failed -> has_failed = 1; rc = AGAIN
        :: sleepers == 0 && threads < MAX ->
            d_step { /* start */
                i = 0;
                do
                :: is_started[i] -> i++
                :: else -> break
                od;
                is_started[i] = 1;
                threads++;
                i = 0
            }
            expect_one();
            rc = CALLED
        fi
    fi
}

/* ---- pushing ---- */

/* It is the job that was pushed last by this one; others may have been since. */
inline unlink(number)
{
    gather();
    if
    :: line??[eval(number)] ->
        line??eval(number);
        count_out();
        d_step { /* it is the pusher's again: as if it were over */
            over++;
            if
            :: number >= BLOCKERS -> left--
            :: else
            fi
        }
        rc = AGAIN
    :: else -> rc = ALREADY
    fi
}

inline keep()
{
    assert(!kept[self]);
    has_seen = 0;
    kept[self] = 1
}

inline keeper_engage()
{
#ifdef BROKEN_NO_KEEPER
    skip
#else
    LOAD(KEEPER, value);
    if
    :: value == 0 ->
        CAS(KEEPER, 0, LOOP_SERVING(self), value);
        if
        :: value && IS_LOOP -> keep()
        :: value && !IS_LOOP ->
            assert(!engage);
            engage = 1
        :: else
        fi
    :: else
    fi;
    value = 0
#endif
}

inline call_for()
{
    lock_soon(value);
    if
    :: value ->
        LOAD(AWAKE, value);
        if
        :: value == 0 -> worker_call(rc)
        :: else -> rc = ALREADY
        fi;
        if
        :: rc == AGAIN -> unlink(number)
        :: else
        fi;
        unlock()
    :: else -> rc = ALREADY
    fi;
    value = 0
}

/* tr__pool_push, follow_up */
inline push()
{
    d_step {
        DRAINED ->
        number = pushed;
        inlet!number;
        pushed++
    }
    LOAD(AWAKE, value);
    if
    :: value == MAX
    :: else ->
        rc = ALREADY;
        if
        :: value == 0 -> call_for()
        :: else ->
            LOAD(KEEPER, value);
            if
            :: value != 0 -> rc = CALLED
            :: else
            fi
        fi;
        if
        :: rc == ALREADY || rc == LIMIT -> keeper_engage()
        :: else
        fi
    fi;
    rc = 0; value = 0; number = 0
}

proctype Foreign(byte self)
{
    byte value = 0, rc = 0, job = 0, i = 0, number = 0, count = 0;

    do
    :: count < FOREIGN_JOBS -> count++; push()
    :: else -> break
    od
}

/* ---- keeping time ---- */

#define NEEDS_KEEPER (mem[AWAKE] != MAX && ((len(inlet) > 0) || mem[LENGTH] != 0))
#define WOULD_DO_SOMETHING                                                                         \
    (!NEEDS_KEEPER || !has_seen || mem[TAKEN] != seen || (!is_locked && coming == 0))

/* value is whether it does. */
inline needs_keeper()
{
    LOAD(AWAKE, value);
    if
    :: value != MAX -> is_empty(); value = !value
    :: else -> value = 0
    fi
}

inline resign()
{
    kept[self] = 0;
    STORE_RELEASE(KEEPER, 0);
#ifndef BROKEN_NO_FENCE_KEEPER
    FENCE_FULL;
#endif
#ifndef BROKEN_NO_RECHECK_KEEPER
    needs_keeper();
    if
    :: value -> keeper_engage()
    :: else
    fi
#endif
}

inline nudge()
{
    lock_soon(value);
    if
    :: value ->
        is_hungry = 1;
        if
        :: coming == 0 -> worker_call(rc)
        :: else
        fi;
        unlock();
        value = 1
    :: else
    fi;
    rc = 0
}

/* look_at; has_waited is whether it changed nothing. */
inline look_at()
{
    LOAD(TAKEN, number);
    has_waited = 0;
    needs_keeper();
    if
    :: !value -> resign()
    :: value && (!has_seen || number != seen) ->
        seen = number;
        has_seen = 1
    :: value && has_seen && number == seen ->
        has_waited = (coming != 0);
        nudge()
    fi;
    value = 0; number = 0
}

proctype Loop(byte self)
{
    byte value = 0, rc = 0, job = 0, i = 0, number = 0, count = 0;
    bit has_waited = 0;

endloop:
    do
    :: count < LOOP_JOBS -> count++; push()
    :: atomic { self == 0 && engage -> engage = 0; keep() } /* run_engage */
    :: kept[self] && (!has_waited || WOULD_DO_SOMETHING) -> look_at()
    od
}

/* ---- workers ---- */

proctype Worker(byte self; byte w)
{
    byte value = 0, rc = 0, job = 0, i = 0;
    bit has_limit = 0;

endworker:
    is_started[w];
    lock();
    coming--;
look:
    /* tr__pool_take */
    if
    :: (len(line) == 0) -> gather()
    :: else
    fi;
    if
    :: (len(line) == 0) -> is_hungry = 0
    :: (len(line) > 0) ->
        line?job;
        count_out();
        /* run */
        if
        :: is_hungry && coming == 0 ->
            is_empty();
            if
            :: value -> value = 0
            :: else -> value = 0; worker_call(rc); rc = 0
            fi
        :: else
        fi;
        running++;
        unlock();
        job >= BLOCKERS || left == 0;
        d_step {
            over++;
            if
            :: job >= BLOCKERS -> left--
            :: else
            fi;
            job = 0
        }
        lock();
        running--;
        is_hungry = 0;
        goto look
    fi;
    /* rest */
    unlock();
    lock();
    is_empty();
    if
    :: !value -> goto look
    :: else -> value = 0
    fi;
    /* sleep_until_called */
    d_step { is_called[w] = 0; idle[w] = 1; sleepers++ }
    LOAD(AWAKE, value);
    STORE_RELAXED(AWAKE, value - 1);
    value = 0;
#ifndef BROKEN_NO_FENCE_WORKER
    FENCE_FULL;
#endif
#ifndef BROKEN_NO_RECHECK_WORKER
    if
    :: (len(inlet) > 0) ->
        d_step { idle[w] = 0; sleepers-- }
        LOAD(AWAKE, value);
        STORE_RELAXED(AWAKE, value + 1);
        value = 0;
        goto look
    :: else
    fi;
#endif
    unlock();
#if LIMITS
    if
    :: has_limit = 0
    :: has_limit = 1
    fi;
#endif
endsleep:
    if
    :: is_called[w]
    :: has_limit
    fi;
    has_limit = 0;
    lock();
    if
    :: is_called[w] ->
        coming--;
        goto look
    :: else -> d_step { idle[w] = 0; sleepers-- }
    fi;
    is_empty();
    if
    :: !value ->
        LOAD(AWAKE, value);
        STORE_RELAXED(AWAKE, value + 1);
        value = 0;
        goto look
    :: else -> value = 0
    fi;
    /* end */
    d_step { threads--; is_started[w] = 0 }
    unlock();
    goto endworker
}

proctype Judge()
{
    byte i;

    timeout ->
    d_step {
        assert(pushed == JOBS && over == JOBS && (len(inlet) == 0) && (len(line) == 0));
        assert(mem[KEEPER] == 0 && !engage && mem[AWAKE] == 0 && mem[LENGTH] == 0);
        assert(threads == sleepers && coming == 0 && running == 0 && !is_locked);
        for (i : 0 .. LOOPS - 1) {
            assert(!kept[i])
        }
    }
}

init {
    byte i;

    atomic {
        for (i : 0 .. THREADS - 1) {
            run Memory(i)
        }
        for (i : 0 .. LOOPS - 1) {
            run Loop(i)
        }
#if FOREIGN > 0
        for (i : LOOPS .. LOOPS + FOREIGN - 1) {
            run Foreign(i)
        }
#endif
        for (i : 0 .. MAX - 1) {
            run Worker(WORKER(i), i)
        }
        run Judge()
    }
}
