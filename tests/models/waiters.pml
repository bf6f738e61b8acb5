/* Those who wait for something of a lock, an event, a queue: served in their order, once each, and
 * untouched when they have gone on.
 *
 * What it models: enter, append, take_off, leave, tr__claim, tr__grant_claimed, tr__wakes_send,
 * wake, run_wake, withdraw, wait_as_task, wait_as_thread (sync/wait_queue.c), by two owners. A
 * semaphore: take, take_or_announce, serve, serve_others, release_to_waiters (sync/semaphore.c),
 * with one line, in which a foreign thread wants two permits and may run out of time, and tasks on
 * loops of their own want one and may be cancelled. And, with CHOICES, two queues of items, of
 * which only the lines of those who get are here (put, get, tr__queue_stand_to_get in
 * sync/queue.c): a thread gets from one, a task from the other, and others choose between both
 * (look, stand, wait, withdraw in sync/select.c).
 *
 * What is abstracted, and why that is sound:
 *   - the lock is a lock, however it is made. What is guarded by it alone is done in one step.
 *   - a loop is in one process with its task, which is all that runs there, but that it may release
 *     something while the task waits (LOCAL). Waking a task is a bit, whether it is posted from
 *     elsewhere or scheduled by its own loop: neither is lost, and the task goes on at any later
 *     time (park.pml, inlet.pml). To wake it twice would fail an assertion.
 *   - the word of the semaphore (`permits` and `awaited`) changes by compare and swap in a loop,
 *     which is one step when it succeeds; under the lock, with `awaited`, nobody else changes it.
 *   - futex: as in future.pml: it compares and sleeps in one step, and its wake may come to memory
 *     that is used for something else, where it wakes somebody who looks again.
 *   - memory: all is under the lock but three words; each hangs on no other (is_claimed, and that
 *     of the semaphore, change by locked instructions; is_woken is a release store, read with
 *     acquire). So it is sequentially consistent here.
 * A waiter's memory is there (`alive`) from when it enters until it goes on; who touches it names
 * the turn of use (`turn`) that it means, for a waiter that comes again has the same memory.
 *
 * Properties: each permit that was released is there or was given to one who has gone on with it;
 * nobody stands first in a line whose want is there; whoever was taken off its line goes on; nobody
 * is touched who has gone on, nor stands in a line then; who is served stands first, and nobody
 * takes a permit while others stand in line; after all `awaited` says whether somebody waits.
 *
 * Bounds: a thread that comes twice, TASKS that come once, and up to 4 permits; or a thread, a task
 * and a choice, or two choices, and RELEASES of each queue; 400,000 to 4 million states. */

/* bounds: TASKS=1,RELEASES=2 TASKS=2,RELEASES=1,LOCAL=0 CHOICES=1 CHOICES=2,RELEASES=2 */
/* broken: CLAIMS_WITHOUT_LOCK LEAVES_BLINDLY FORGETS_THOSE_BEHIND ANNOUNCES_BY_STORE */
/* broken: PASSES_WHO_WAITS SERVES_WHO_FITS READS_LATE WAKES_FIRST GOES_ON_UNWOKEN */
/* broken: CLAIMED_TWICE COUNTS_IN_VAIN STANDS_BLINDLY STAYS_IN_LINE LEAVES_WITHOUT_LOCK */
/* broken: GOES_ON_UNCLAIMED CANCELS_UNCLAIMED */

#if defined(BROKEN_CLAIMED_TWICE) || defined(BROKEN_COUNTS_IN_VAIN) ||                             \
    defined(BROKEN_STANDS_BLINDLY) || defined(BROKEN_STAYS_IN_LINE) ||                             \
    defined(BROKEN_LEAVES_WITHOUT_LOCK) || defined(BROKEN_GOES_ON_UNCLAIMED) ||                    \
    defined(BROKEN_CANCELS_UNCLAIMED)
#define CHOICES 1
#endif
#ifndef CHOICES
#define CHOICES 0
#endif
#ifndef TASKS
#define TASKS 1
#endif
#ifndef RELEASES /* to each line, by one thread; a semaphore has one more, by another */
#if CHOICES
#define RELEASES 1
#else
#define RELEASES 2
#endif
#endif
#ifndef LOCAL
#define LOCAL 1 /* by a task's loop */
#endif

/* Waiters: the thread, then the tasks, then two for each choice. */
#define THREAD 0
#define TASK   1
#define CHOICE 2
#if CHOICES
#define LINES   2
#define WAITERS (CHOICE + 2 * CHOICES)
#define CHOSEN_BY(n) (((n) - CHOICE) / 2)
#define IS_CHOICE(n) ((n) >= CHOICE)
#define WANTED(n)    1
#else
#define LINES   1
#define WAITERS (TASK + TASKS)
#define WANTED(n) ((n) == THREAD -> 2 : 1)
#endif

bit lock[LINES];
chan line[LINES] = [WAITERS] of { byte };
byte permits[LINES];
bit awaited[LINES];

/* Waiters. */
bit alive[WAITERS];
byte turn[WAITERS]; /* of use of its memory */
bit is_waiting[WAITERS];
bit is_woken[WAITERS]; /* a thread: the word; a task: posted, or scheduled */
bit sleeps[WAITERS];   /* in the kernel */
#if CHOICES
bit is_claimed[CHOICES];
byte taken[CHOICES]; /* 1 + waiter */
#endif

byte released[LINES];
byte held[LINES]; /* by those who have gone on with it */

#define TOUCH(n, t) assert(alive[n] && turn[n] == (t))

/* ---- the line ---- */

/* With the lock. */
inline enter(l, n)
{
    assert(!alive[n] && !is_waiting[n]);
    alive[n] = 1;
    turn[n] = (turn[n] + 1) % 3;
    is_waiting[n] = 1;
    is_woken[n] = 0;
    line[l]!n
}

/* Its memory is not there any more. */
inline die(n)
{
    d_step {
        assert(alive[n] && !is_waiting[n]);
        alive[n] = 0
    }
}

inline take_off(l, n)
{
    line[l]??eval(n);
    is_waiting[n] = 0
}

/* `has_left`: it goes on without a grant. */
#if defined(BROKEN_LEAVES_BLINDLY)
inline leave(l, n)
{
    d_step {
        !lock[l] ->
        if
        :: is_waiting[n] -> take_off(l, n)
        :: else
        fi;
        has_left = 1
    }
}
#elif defined(BROKEN_LEAVES_WITHOUT_LOCK)
inline leave(l, n)
{
    d_step {
        !is_waiting[n] || !lock[l] ->
        has_left = is_waiting[n];
        if
        :: has_left -> take_off(l, n)
        :: else
        fi
    }
}
#else
inline leave(l, n)
{
    d_step {
        !lock[l] ->
        has_left = is_waiting[n];
        if
        :: has_left -> take_off(l, n)
        :: else
        fi
    }
}
#endif

/* `is_won`: the caller is the first. */
#ifdef BROKEN_CLAIMED_TWICE
inline claim_choice(c)
{
    is_won = !is_claimed[c];
    is_claimed[c] = 1
}
#else
inline claim_choice(c)
{
    d_step { is_won = !is_claimed[c]; is_claimed[c] = 1 }
}
#endif

/* tr__claim: n, the first of the line, is taken off it. */
inline claim(l, n)
{
    d_step {
        assert(is_waiting[n]);
        assert(line[l]?[eval(n)]);
        TOUCH(n, turn[n]);
        at = turn[n];
        take_off(l, n);
        is_won = 1
    }
#if CHOICES
    if
    :: IS_CHOICE(n) ->
        TOUCH(n, at);
        claim_choice(CHOSEN_BY(n))
    :: else
    fi
#endif
}

/* Granted waiters stand in a list through their own memory, to be woken. */
inline grant_claimed(n)
{
    d_step {
        TOUCH(n, at);
#if CHOICES
        if
        :: IS_CHOICE(n) ->
            assert(taken[CHOSEN_BY(n)] == 0);
            taken[CHOSEN_BY(n)] = n + 1
        :: else
        fi;
#endif
        wakes!n, at
    }
}

/* The futex's wake touches nothing. */
inline wake(n)
{
    if
    :: n == THREAD ->
#ifdef BROKEN_WAKES_FIRST
        sleeps[n] = 0;
        d_step { TOUCH(n, at); is_woken[n] = 1 }
#else
        d_step { TOUCH(n, at); is_woken[n] = 1 }
        sleeps[n] = 0
#endif
    :: else -> d_step { TOUCH(n, at); assert(!is_woken[n]); is_woken[n] = 1 }
    fi
}

inline send_wakes()
{
    do
    :: wakes?first, at ->
        TOUCH(first, at); /* which is next */
        wake(first);
#ifdef BROKEN_READS_LATE
        TOUCH(first, at)
#endif
    :: empty(wakes) -> break
    od;
    first = 0; at = 0
}

/* ---- the owner: a semaphore, or, with CHOICES, queues ---- */

inline acquire_lock(l)
{
    d_step { !lock[l] -> lock[l] = 1 }
}

#ifdef BROKEN_SERVES_WHO_FITS
inline find_first(l)
{
    d_step {
        line[l]?<first>;
        if
        :: WANTED(first) > there && line[l]??[TASK] -> first = TASK
        :: else
        fi
    }
}
#else
inline find_first(l)
{
    line[l]?<first>
}
#endif

/* With the lock, and `there` permits, which nobody else takes now. */
inline serve(l)
{
    do
    :: empty(line[l]) -> break
    :: nempty(line[l]) ->
        find_first(l);
        if
        :: WANTED(first) > there -> break
        :: else ->
            claim(l, first);
            if
            :: is_won ->
                grant_claimed(first);
                there = there - WANTED(first)
            :: else ->
#ifdef BROKEN_COUNTS_IN_VAIN
                there = there - WANTED(first)
#endif
                skip
            fi
        fi
    od;
    first = 0;
    d_step {
        permits[l] = there;
#ifdef BROKEN_PASSES_WHO_WAITS
        awaited[l] = 0;
#else
        awaited[l] = !CHOICES && len(line[l]) > 0;
#endif
        lock[l] = 0;
        there = 0; is_won = 0; at = 0
    }
    send_wakes()
}

/* Take it without the lock: `has`. */
inline take(l, n)
{
    d_step {
        has = !awaited[l] && permits[l] >= WANTED(n);
        if
        :: has ->
            assert(empty(line[l]));
            permits[l] = permits[l] - WANTED(n);
            held[l] = held[l] + WANTED(n)
        :: else
        fi
    }
}

/* With the lock: take it, or stand in line. */
inline take_or_enter(l, n)
{
#ifdef BROKEN_ANNOUNCES_BY_STORE
    acquire_lock(l);
    take(l, n);
    there = permits[l];
    d_step {
        if
        :: !has ->
            permits[l] = there;
            awaited[l] = 1;
            enter(l, n)
        :: else
        fi;
        there = 0;
        lock[l] = 0
    }
#else
    d_step {
        !lock[l] ->
        has = !awaited[l] && permits[l] >= WANTED(n);
        if
        :: has ->
            assert(empty(line[l]));
            permits[l] = permits[l] - WANTED(n);
            held[l] = held[l] + WANTED(n)
        :: else ->
            awaited[l] = !CHOICES;
            enter(l, n)
        fi
    }
#endif
}

inline acquire(l, n)
{
#if !CHOICES
    take(l, n);
#endif
    if
    :: has
    :: else -> take_or_enter(l, n)
    fi
}

/* tr_semaphore_release; or tr_queue_try_put. */
inline release(l)
{
    has = 0;
    do
    :: has -> break
    :: else ->
        d_step {
            if
            :: !CHOICES && !awaited[l] ->
                permits[l]++;
                released[l]++;
                has = 1
            :: else
            fi
        }
        if
        :: has -> break
        :: else
        fi;
#ifndef BROKEN_CLAIMS_WITHOUT_LOCK
        acquire_lock(l);
#endif
        if
        :: CHOICES || awaited[l] ->
            d_step { there = permits[l] + 1; released[l]++; has = 1 }
            serve(l)
        :: else -> lock[l] = 0
        fi
    od;
    has = 0
}

/* Who has left may have stood before others whose permits are there. */
inline serve_others(l)
{
#if !CHOICES && !defined(BROKEN_FORGETS_THOSE_BEHIND)
    acquire_lock(l);
    if
    :: awaited[l] ->
        there = permits[l];
        serve(l)
    :: else -> lock[l] = 0
    fi
#else
    skip
#endif
}

#define LOCALS                                                                                     \
    byte first = 0, at = 0, there = 0;                                                             \
    bit is_won = 0, has = 0, has_left = 0;                                                         \
    chan wakes = [WAITERS] of { byte, byte }

/* ---- those who wait ---- */

inline gone_on_with(l, n)
{
    die(n);
    d_step { held[l] = held[l] + WANTED(n) }
}

/* A foreign thread: wait_as_thread. */
proctype Thread(byte l; byte again)
{
    LOCALS;
    bit is_over = 0;

    do
    :: again == 0 -> break
    :: else ->
        again--;
        acquire(l, THREAD);
        if
        :: has -> has = 0
        :: else ->
            has_left = 0;
            do
            :: is_woken[THREAD] || has_left -> break
            :: else ->
                d_step { sleeps[THREAD] = !is_woken[THREAD] }
end:
                if
                :: !sleeps[THREAD]
                :: !is_over ->
                    is_over = 1;
                    sleeps[THREAD] = 0;
                    leave(l, THREAD);
#ifdef BROKEN_GOES_ON_UNWOKEN
                    if
                    :: !has_left -> break
                    :: else
                    fi
#endif
                fi
            od;
            if
            :: has_left ->
                die(THREAD);
                serve_others(l)
            :: else -> gone_on_with(l, THREAD)
            fi
        fi
    od
}

/* A task, and its loop: wait_as_task, withdraw. */
proctype Task(byte n; byte l; byte again; byte releases)
{
    LOCALS;
    bit is_cancelled = 0;

    do
    :: again == 0 || is_cancelled -> break
    :: else ->
        again--;
        acquire(l, n);
        if
        :: has -> has = 0
        :: else ->
            has_left = 0;
            do
            :: has_left -> break
            :: !has_left ->
end:
                if
                :: is_woken[n] -> break
                :: !is_cancelled -> /* before it is suspended, too */
                    is_cancelled = 1;
                    leave(l, n);
#ifdef BROKEN_GOES_ON_UNWOKEN
                    if
                    :: !has_left -> break
                    :: else
                    fi
#endif
                :: releases > 0 ->
                    releases--;
                    release(l)
                fi
            od;
            if
            :: has_left ->
                die(n);
                serve_others(l)
            :: else ->
                is_woken[n] = 0;
                gone_on_with(l, n)
            fi
        fi
    od
}

#if CHOICES
/* ---- those who choose ---- */

#define PLACE(l) (CHOICE + 2 * c + (l))

/* tr_queue_try_get */
inline try_get(l)
{
    d_step {
        !lock[l] ->
        has = permits[l] > 0;
        if
        :: has ->
            assert(empty(line[l]));
            permits[l]--;
            held[l]++
        :: else
        fi
    }
}

/* tr__queue_stand_to_get: `has`: it could be taken. */
inline stand(l)
{
    d_step {
        !lock[l] ->
#ifdef BROKEN_STANDS_BLINDLY
        has = 0;
#else
        has = permits[l] > 0;
#endif
        if
        :: !has -> enter(l, PLACE(l)); standing++
        :: else
        fi
    }
}

inline leave_lines()
{
#ifndef BROKEN_STAYS_IN_LINE
    leave(0, PLACE(0));
    if
    :: standing > 1 -> leave(1, PLACE(1))
    :: else
    fi;
#endif
    die(PLACE(0));
    if
    :: standing > 1 -> die(PLACE(1))
    :: else
    fi;
    standing = 0
}

/* tr_select_from, of an item of either queue. */
proctype Choice(byte c)
{
    LOCALS;
    bit is_cancelled = 0;
    byte standing = 0;

look:
    if
    :: true
    :: try_get(0);
        if
        :: has -> goto done
        :: else
        fi
    fi;
    try_get(1);
    if
    :: has -> goto done
    :: else
    fi;
    try_get(0);
    if
    :: has -> goto done
    :: else
    fi;
    d_step { is_claimed[c] = 0; taken[c] = 0 }
    stand(0);
    if
    :: has -> /* it stands in no line yet */
        has = 0;
        goto look
    :: else
    fi;
    stand(1);
    if
    :: has -> /* one became ready meanwhile */
        has = 0;
#ifndef BROKEN_GOES_ON_UNCLAIMED
        claim_choice(c);
        if
        :: !is_won -> goto served
        :: else
        fi;
#endif
        leave_lines();
        goto look
    :: else
    fi;
served:
end:
    if
    :: is_woken[PLACE(0)] || is_woken[PLACE(1)]
    :: !is_cancelled ->
        is_cancelled = 1;
#ifdef BROKEN_CANCELS_UNCLAIMED
        is_won = 1;
#else
        claim_choice(c);
#endif
        if
        :: !is_won -> goto served
        :: else
        fi
    fi;
    leave_lines();
    if
    :: taken[c] != 0 ->
        d_step {
            first = taken[c] - 1;
            assert(is_woken[first]);
            is_woken[first] = 0;
            held[(first - CHOICE) % 2]++;
            first = 0
        }
    :: else -> assert(is_cancelled)
    fi;
done:
    skip
}
#endif

/* ---- the others ---- */

proctype Releaser(byte l; byte releases)
{
    LOCALS;

    do
    :: releases == 0 -> break
    :: else ->
        releases--;
        release(l)
    od
}

proctype Judge()
{
    byte i, first = 0;

    timeout ->
    d_step {
        for (i : 0 .. LINES - 1) {
            assert(!lock[i] && permits[i] + held[i] == released[i]);
            assert(awaited[i] == (!CHOICES && len(line[i]) > 0));
            if
            :: line[i]?<first> -> assert(WANTED(first) > permits[i])
            :: empty(line[i])
            fi
        }
        for (i : 0 .. WAITERS - 1) {
            assert(!alive[i] || is_waiting[i])
        }
    }
}

init {
    byte i;

    atomic {
#if CHOICES
#if CHOICES == 1
        run Thread(0, 1);
        run Task(TASK, 1, 1, 0);
#endif
        for (i : 0 .. CHOICES - 1) {
            run Choice(i)
        }
#else
        run Thread(0, 2);
        for (i : 0 .. TASKS - 1) {
            run Task(TASK + i, 0, 1, (i == 0 -> LOCAL : 0))
        }
#endif
        run Releaser(0, RELEASES);
#if CHOICES
        run Releaser(1, RELEASES);
#else
        run Releaser(0, 1);
#endif
        run Judge()
    }
}
