/* Awaiting a future of another loop: the proxy that waits there instead.
 *
 * What it models: proxy, send_proxy, run_enlist, run_leave, on_end, send_back, send_gone, run_back,
 * run_gone, settle_proxy, give_up, await_remote, withdraw_remote, arrive_task, run_begin,
 * arrive_then, tr__thens_shut_down (runtime/await.c); what a loop waits for in phase HALT
 * (has_finished in runtime/loop.c). Fields are named as there. One loop is the home of the future;
 * on another one proxy 0 stands for a task, which may be cancelled at any time, proxy 1 for a
 * continuation, which a shutdown calls early, and proxy 2, if there is one, for a task again.
 *
 * What is abstracted, and why that is sound:
 *   - a turn of a runnable is one step: it touches what is its loop's own, or was handed over by
 *     the post that brought it. Posts are never lost, and may overtake each other (a lane by the
 *     inlet).
 *   - how the future ends is future.pml's: here it ends at any time, and its home hears of it at
 *     once or later; or it never ends.
 *   - the references: the proxy's is a bit; who else has one does not matter.
 *
 * Properties: a task goes on once, with the status or cancelled; a continuation is called once, and
 * hears of a shutdown only if the future has not ended by then; no runnable is posted while it is
 * on its way, nor to a loop that has quit; the proxy is freed, once, and nothing on its way then
 * refers to it; both loops come to their end, even if the future does not.
 *
 * Bounds: PROXIES, one future; 700 and 7,000 states. */

/* bounds: PROXIES=2 PROXIES=3 */
/* broken: NO_GONE FREES_AT_GONE FORGETS_LEAVE TELLS_TWICE STAYS_IN_LIST QUITS_EARLY NO_LAST_LOOK */

#ifndef PROXIES
#define PROXIES 2
#endif
#define IS_THEN(p) ((p) == 1)

typedef proxy {
    /* On their way. */
    bit enlist, back, leave, gone;
    /* The home loop's. */
    bit is_listed;    /* waiter */
    bit was_enlisted;
    bit has_left;
    bit was_sent;
    /* The waiter's loop's. */
    bit gives_up;
    bit is_gone;
    bit is_back;
    bit is_made;
    bit is_freed;
    bit is_waiting;   /* tp->waiting; of a continuation: it is in `thens` */
    byte went_on;     /* how often the task did, or the continuation was called */
};
proxy proxies[PROXIES];
#define P proxies[p]

bit has_ended;
bit home_knows;  /* it has told those in its list */
bit is_halting;  /* phase HALT */
bit has_halted;  /* the waiter's loop has finished it */
bit home_has_quit;
byte count;      /* loop->proxies */

/* Each touch is of a proxy that is there. */
#define TOUCH assert(!P.is_freed)

inline post(runnable, quit)
{
    assert(!runnable && !(quit));
    runnable = 1
}

/* ---- the home loop ---- */

inline send_back()
{
    P.was_sent = 1;
    post(P.back, has_halted)
}

#define run_enlist                                                                                 \
    TOUCH;                                                                                         \
    P.was_enlisted = 1;                                                                            \
    if                                                                                             \
    :: LEFT_BEFORE -> post(P.gone, has_halted)                                                     \
    :: else ->                                                                                     \
        if                                                                                         \
        :: has_ended -> send_back()                                                                \
        :: else -> P.is_listed = 1                                                                 \
        fi                                                                                         \
    fi

#ifdef BROKEN_FORGETS_LEAVE
#define LEFT_BEFORE 0
#else
#define LEFT_BEFORE P.has_left
#endif

#ifdef BROKEN_STAYS_IN_LIST
#define DELIST skip
#else
#define DELIST P.is_listed = 0
#endif

#ifdef BROKEN_NO_GONE
#define MUST_SAY_GONE (P.was_enlisted && !P.was_sent)
#else
#define MUST_SAY_GONE P.was_enlisted
#endif

#define run_leave                                                                                  \
    TOUCH;                                                                                         \
    DELIST;                                                                                        \
    P.has_left = 1;                                                                                \
    if                                                                                             \
    :: MUST_SAY_GONE -> post(P.gone, has_halted)                                                   \
    :: else                                                                                        \
    fi

proctype Home()
{
    byte p;
    bit may_end = 0;

    if
    :: may_end = 1
    :: true /* it never ends */
    fi;
endhome:
    do
    :: may_end && !has_ended -> has_ended = 1
    :: d_step {
            has_ended && !home_knows ->
            home_knows = 1;
            for (p : 0 .. PROXIES - 1) {
                if
                :: P.is_listed ->
                    TOUCH;
                    P.is_listed = 0;
                    send_back()
                :: else
                fi
            }
            p = 0
        }
    :: d_step { proxies[0].enlist -> p = 0; P.enlist = 0; run_enlist; p = 0 }
    :: d_step { proxies[0].leave -> p = 0; P.leave = 0; run_leave; p = 0 }
    :: d_step { proxies[1].enlist -> p = 1; P.enlist = 0; run_enlist; p = 0 }
    :: d_step { proxies[1].leave -> p = 1; P.leave = 0; run_leave; p = 0 }
#if PROXIES > 2
    :: d_step { proxies[2].enlist -> p = 2; P.enlist = 0; run_enlist; p = 0 }
    :: d_step { proxies[2].leave -> p = 2; P.leave = 0; run_leave; p = 0 }
#endif
    :: atomic { has_halted && !home_has_quit -> home_has_quit = 1 }
    od
}

/* ---- the waiter's loop ---- */

inline settle()
{
#ifdef BROKEN_FREES_AT_GONE
    if
    :: P.is_gone || (!P.gives_up && P.is_back) ->
#else
    if
    :: (P.gives_up -> P.is_gone && (P.is_back || !P.was_sent) : P.is_back) ->
#endif
        assert(!P.enlist && !P.leave && !P.back && !P.gone && !P.is_listed);
        P.is_freed = 1;
        count--
    :: else
    fi
}

#ifdef BROKEN_NO_LAST_LOOK
#define HEARS_OF_END(knows_end) (knows_end)
#else
#define HEARS_OF_END(knows_end) ((knows_end) || has_ended)
#endif

/* arrive_task, arrive_then; knows_end: with a status, not with TR_ESHUTDOWN. */
inline arrive(knows_end)
{
    if
    :: IS_THEN(p) || P.is_waiting ->
        assert(!(knows_end) || has_ended);
        assert(HEARS_OF_END(knows_end) == has_ended);
        P.is_waiting = 0;
        P.went_on++
    :: else
    fi
}

inline give_up()
{
    P.gives_up = 1;
    post(P.leave, home_has_quit)
}

#define run_back                                                                                   \
    TOUCH;                                                                                         \
    P.is_back = 1;                                                                                 \
    arrive(1);                                                                                     \
    settle()

#ifdef BROKEN_TELLS_TWICE
#define WAS_TOLD 0
#else
#define WAS_TOLD P.was_sent
#endif

#define run_gone                                                                                   \
    TOUCH;                                                                                         \
    P.is_gone = 1;                                                                                 \
    if                                                                                             \
    :: !WAS_TOLD -> arrive(0)                                                                      \
    :: else                                                                                        \
    fi;                                                                                            \
    settle()

/* await_remote, run_begin */
#define begin                                                                                      \
    P.is_made = 1;                                                                                 \
    P.is_waiting = 1;                                                                              \
    if                                                                                             \
    :: IS_THEN(p) && is_halting -> arrive(0); P.is_freed = 1                                       \
    :: else -> post(P.enlist, home_has_quit); count++                                              \
    fi

/* withdraw_remote: the task goes on at once. */
#define cancel                                                                                     \
    P.is_waiting = 0;                                                                              \
    P.went_on++;                                                                                   \
    give_up()

#ifdef BROKEN_QUITS_EARLY
#define PROXIES_ARE_BACK 1
#else
#define PROXIES_ARE_BACK (count == 0)
#endif

/* Tasks are cancelled when the shutdown begins, and must have ended: no task awaits in HALT. */
#define TASK_IS_DONE(p) (proxies[p].is_made && !proxies[p].is_waiting)

proctype Waiter()
{
    byte p;

endwaiter:
    do
    :: d_step { !proxies[0].is_made -> p = 0; begin; p = 0 }
    :: d_step { !proxies[1].is_made -> p = 1; begin; p = 0 }
    :: d_step { proxies[0].is_waiting -> p = 0; cancel; p = 0 }
    :: d_step { proxies[0].back -> p = 0; P.back = 0; run_back; p = 0 }
    :: d_step { proxies[0].gone -> p = 0; P.gone = 0; run_gone; p = 0 }
    :: d_step { proxies[1].back -> p = 1; P.back = 0; run_back; p = 0 }
    :: d_step { proxies[1].gone -> p = 1; P.gone = 0; run_gone; p = 0 }
#if PROXIES > 2
    :: d_step { !proxies[2].is_made -> p = 2; begin; p = 0 }
    :: d_step { proxies[2].is_waiting -> p = 2; cancel; p = 0 }
    :: d_step { proxies[2].back -> p = 2; P.back = 0; run_back; p = 0 }
    :: d_step { proxies[2].gone -> p = 2; P.gone = 0; run_gone; p = 0 }
#endif
    :: d_step { /* tr__thens_shut_down */
            !is_halting && TASK_IS_DONE(0) && (PROXIES < 3 || TASK_IS_DONE(PROXIES - 1)) ->
            is_halting = 1;
            p = 1;
            if
            :: P.is_waiting -> give_up()
            :: else
            fi;
            p = 0
        }
    :: atomic {
            is_halting && !has_halted && proxies[1].is_made && !proxies[1].is_waiting &&
            PROXIES_ARE_BACK ->
            has_halted = 1
        }
    od
}

proctype Judge()
{
    byte p;

    timeout ->
    d_step {
        assert(home_has_quit && count == 0);
        for (p : 0 .. PROXIES - 1) {
            assert(P.went_on == 1 && P.is_freed)
        }
    }
}

init {
    atomic {
        run Home();
        run Waiter();
        run Judge()
    }
}
