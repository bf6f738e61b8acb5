/* Slow steps, planted: each lasts until it has been reported, and is named with its place. */
#include <ev.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "support/debug.h"

/* Where all steps of this file are. */
#define HERE "observe/test_slow.c"

/* ---- what runs ---- */

static int calls;

static int crunch(void *report)
{
    kit_step_until_logged(report);
    return 0;
}

/* Something comes behind the step: else the compiler jumps there, and nobody calls it. */
static void crunch_in_callback(void *report)
{
    kit_step_until_logged(report);
    calls++;
}

static int crunch_in_handler(tr_self *self, void *report)
{
    (void)self;
    kit_step_until_logged(report);
    return 0;
}

START_TEST(task_that_computes_is_named_with_its_place)
{
    kit_start_debug(1);
    ck_assert_int_eq(kit_in_task(0, crunch, "loop 0: task 'fn' has run for "), 0);
    kit_expect_line("loop 0: task 'fn' has run for ", "crunch (" HERE);
    kit_stop();
}
END_TEST

START_TEST(handler_that_computes_is_named_with_its_actor)
{
    tr_pid puppet;

    kit_start_debug(2);
    puppet = kit_puppet(1);
    kit_in_handler(puppet, crunch_in_handler, "(puppet) has run for ");
    kit_expect_line("loop 1: actor <", "crunch_in_handler (" HERE);
    kit_stop();
}
END_TEST

START_TEST(call_that_was_posted_is_named_as_a_callback)
{
    kit_start_debug(1);
    kit_on_loop(0, crunch_in_callback, "loop 0: a callback has run for ");
    kit_expect_line("a callback has run for ", "crunch_in_callback (" HERE);
    kit_stop();
}
END_TEST

/* ---- a guest, whose callback runs while its loop is parked ---- */

typedef struct guest {
    ev_timer timer;
    tr_future *over;
} guest;

static void on_guest(struct ev_loop *ev, ev_timer *timer, int events)
{
    guest *g = (guest *)timer;

    (void)events;
    kit_step_until_logged("a callback has run for ");
    ev_timer_stop(ev, timer);
    ck_assert_int_eq(tr_future_resolve(g->over, NULL, NULL), 0);
}

static void start_guest(void *arg)
{
    guest *g = arg;
    struct ev_loop *ev = tr_loop_ev(TR_LOOP_ANY);

    ck_assert_int_eq(tr_future_new(&g->over), 0);
    ev_timer_init(&g->timer, on_guest, 0.001, 0.);
    ev_timer_start(ev, &g->timer);
}

START_TEST(callback_of_a_guest_is_seen_also_while_its_loop_is_parked)
{
    static guest g;

    kit_start_debug(1);
    kit_on_loop(0, start_guest, &g);
    ck_assert_int_eq(tr_future_wait(g.over, KIT_PATIENCE_S), 0);
    kit_expect_line("a callback has run for ", "on_guest (" HERE);
    tr_future_unref(g.over);
    kit_stop();
}
END_TEST

/* ---- more of one step, and of several ---- */

static int crunch_for_two_reports(void *unused)
{
    int before = kit_log_count("task 'fn' has run for ");

    (void)unused;
    while (kit_log_count("task 'fn' has run for ") < before + 2)
        ;
    return 0;
}

/* On a busy machine, that the thread waits for a core may be said instead, and there are only so
 * many reports a second: then the next step's end is looked for. */
START_TEST(step_that_goes_on_is_reported_again_and_its_end_is)
{
    kit_start_debug(1);
    do
        ck_assert_int_eq(kit_in_task(0, crunch_for_two_reports, NULL), 0);
    while (!kit_log_contains("loop 0: it goes on, after "));
    kit_stop();
}
END_TEST

static int crunch_twice(void *unused)
{
    (void)unused;
    kit_step_until_logged("task 'fn' has run for ");
    ck_assert_int_eq(tr_yield(), 0);
    kit_log_clear();
    kit_step_until_logged("task 'fn' has run for ");
    return 0;
}

START_TEST(second_slow_step_of_a_task_is_reported_too)
{
    kit_start_debug(1);
    ck_assert_int_eq(kit_in_task(0, crunch_twice, NULL), 0);
    kit_stop();
}
END_TEST

static int set_name_and_crunch(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_task_set_name(NULL, "renamed"), 0);
    kit_step_until_logged("task 'renamed' has run for ");
    return 0;
}

START_TEST(task_is_named_as_it_is_called_now)
{
    kit_start_debug(1);
    ck_assert_int_eq(kit_in_task(0, set_name_and_crunch, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- a call that blocks, and is not one that is known ---- */

typedef struct stuck {
    sem_t go;
} stuck;

static int wait_for_it(void *arg)
{
    stuck *s = arg;
    int rc = sem_wait(&s->go);

    calls++;
    return rc;
}

START_TEST(slow_step_in_a_call_that_blocks_is_named_by_the_call_and_not_interrupted)
{
    tr_future *f;
    stuck s;

    kit_start_debug(1);
    sem_init(&s.go, 0, 0);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), wait_for_it, &s), 0);
    kit_await_log("task 'wait_for_it' has been in sem_wait() for ");
    sem_post(&s.go);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    kit_expect_line("has been in sem_wait() for ", "wait_for_it (" HERE);
    tr_future_unref(f);
    sem_destroy(&s.go);
    kit_stop();
}
END_TEST

/* ---- the signal ---- */

static int crunch_in_silence(void *unused)
{
    sigset_t all;
    sigset_t before;

    (void)unused;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    kit_step_until_logged("its thread does not answer to signal ");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return 0;
}

START_TEST(thread_that_blocks_signals_is_reported_without_its_place)
{
    kit_start_debug(1);
    ck_assert_int_eq(kit_in_task(0, crunch_in_silence, NULL), 0);
    kit_stop();
}
END_TEST

static void ignore(int signo)
{
    (void)signo;
}

static bool is_taken(int signo)
{
    struct sigaction now;

    ck_assert_int_eq(sigaction(signo, NULL, &now), 0);
    return (now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_DFL;
}

static int taken_signals(void)
{
    int count = 0;

    for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
        count += is_taken(signo);
    return count;
}

START_TEST(signal_is_one_that_nobody_has_and_is_given_back)
{
    int before = taken_signals();
    int signo = SIGRTMAX;

    while (signal(signo, ignore) == SIG_ERR) /* a tool has it for itself */
        signo--;
    ck_assert_int_eq(taken_signals(), before + 1);
    kit_start_debug(1);
    ck_assert_int_eq(taken_signals(), before + 2);
    ck_assert_int_eq(kit_in_task(0, crunch, " has run for "), 0);
    kit_stop();
    ck_assert_int_eq(taken_signals(), before + 1);
    signal(signo, SIG_DFL);
}
END_TEST

START_TEST(slow_step_is_reported_also_when_no_signal_is_free)
{
    for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
        if (!is_taken(signo))
            signal(signo, ignore);
    kit_start_debug(1);
    kit_await_log("debug mode: no real-time signal is free");
    ck_assert_int_eq(kit_in_task(0, crunch, "something has run for "), 0);
    kit_stop();
}
END_TEST

KIT_MAIN("observe/slow", task_that_computes_is_named_with_its_place,
         handler_that_computes_is_named_with_its_actor, call_that_was_posted_is_named_as_a_callback,
         callback_of_a_guest_is_seen_also_while_its_loop_is_parked,
         step_that_goes_on_is_reported_again_and_its_end_is,
         second_slow_step_of_a_task_is_reported_too, task_is_named_as_it_is_called_now,
         slow_step_in_a_call_that_blocks_is_named_by_the_call_and_not_interrupted,
         thread_that_blocks_signals_is_reported_without_its_place,
         signal_is_one_that_nobody_has_and_is_given_back,
         slow_step_is_reported_also_when_no_signal_is_free)
