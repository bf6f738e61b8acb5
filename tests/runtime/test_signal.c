/* Signals of the process as calls on loop 0. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/signal.h"
#include "support/kit.h"

typedef struct heard {
    uint32_t calls;
    uint32_t signo; /* both: a later call may come while they are looked at */
    uint32_t where;
} heard;

static void hear(void *arg, int signo)
{
    heard *h = arg;

    tr__store_relaxed_u32(&h->signo, (uint32_t)signo); /* relaxed: the add publishes it */
    tr__store_relaxed_u32(&h->where, (uint32_t)tr_loop_current()); /* relaxed: likewise */
    (void)tr__add_ordered_u32(&h->calls, 1);
}

static void wait_for_calls(const heard *h, uint32_t calls)
{
    while (tr__load_acquire_u32(&h->calls) < calls)
        sched_yield();
}

/* ---- what the signals did before ---- */

static volatile sig_atomic_t own_calls;

static void own_handler(int signo)
{
    (void)signo;
    own_calls++;
}

static void set_own(int signo)
{
    struct sigaction own = { .sa_handler = own_handler };

    ck_assert_int_eq(sigaction(signo, &own, NULL), 0);
}

static void expect_own(int signo)
{
    sig_atomic_t before = own_calls;
    struct sigaction now;

    ck_assert_int_eq(sigaction(signo, NULL, &now), 0);
    ck_assert(now.sa_handler == own_handler);
    ck_assert_int_eq(raise(signo), 0);
    ck_assert_int_eq(own_calls, before + 1);
}

START_TEST(signal_is_called_on_loop_0)
{
    heard h = { .calls = 0 };

    kit_start(3);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &h), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    wait_for_calls(&h, 1);
    ck_assert_uint_eq(tr__load_relaxed_u32(&h.signo), SIGUSR1);    /* relaxed: see hear */
    ck_assert_uint_eq(tr__load_relaxed_u32(&h.where), TR_LOOP(0)); /* relaxed: likewise */
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    wait_for_calls(&h, 2);
    for (uint32_t i = 3; i < 300; i++) {
        ck_assert_int_eq(raise(SIGUSR1), 0);
        wait_for_calls(&h, i);
    }
    ck_assert_uint_eq(h.calls, 299);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), 0);
    kit_stop();
}
END_TEST

START_TEST(signals_do_not_mix)
{
    heard one = { .calls = 0 };
    heard two = { .calls = 0 };

    kit_start(1);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &one), 0);
    ck_assert_int_eq(tr_on_signal(SIGTERM, hear, &two), 0);
    ck_assert_int_eq(raise(SIGTERM), 0);
    wait_for_calls(&two, 1);
    ck_assert_uint_eq(one.calls, 0);
    ck_assert_uint_eq(tr__load_relaxed_u32(&two.signo), SIGTERM); /* relaxed: likewise */
    kit_stop();
}
END_TEST

START_TEST(signal_does_what_it_did_before_once_it_is_given_up)
{
    heard h = { .calls = 0 };

    set_own(SIGUSR1);
    kit_start(1);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), 0); /* nothing to give up */
    expect_own(SIGUSR1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &h), 0);
        ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), 0);
        expect_own(SIGUSR1);
    }
    kit_stop();
    ck_assert_uint_eq(h.calls, 0);
}
END_TEST

START_TEST(signals_do_what_they_did_before_once_the_runtime_stops)
{
    heard h = { .calls = 0 };

    set_own(SIGUSR1);
    set_own(SIGUSR2);
    for (int i = 0; i < 3; i++) {
        kit_start(2);
        ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &h), 0);
        ck_assert_int_eq(tr_on_signal(SIGUSR2, hear, &h), 0);
        ck_assert_int_eq(raise(SIGUSR2), 0);
        wait_for_calls(&h, (uint32_t)i + 1);
        kit_stop();
        expect_own(SIGUSR1);
        expect_own(SIGUSR2);
    }
}
END_TEST

START_TEST(signal_watched_anew_calls_the_latest_and_remembers_the_first)
{
    heard old = { .calls = 0 };
    heard new = { .calls = 0 };

    set_own(SIGUSR1);
    kit_start(1);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &old), 0);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &new), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    wait_for_calls(&new, 1);
    ck_assert_uint_eq(old.calls, 0);
    kit_stop();
    expect_own(SIGUSR1);
}
END_TEST

static void *raise_often(void *is_over)
{
    while (tr__load_acquire_u32(is_over) == 0)
        ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    return NULL;
}

/* By default SIGUSR1 ends the process: there must be no moment between two watchers. */
START_TEST(signal_watched_anew_is_caught_meanwhile)
{
    heard h = { .calls = 0 };
    uint32_t is_over = 0;
    pthread_t raiser;

    kit_start(1);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &h), 0);
    ck_assert_int_eq(pthread_create(&raiser, NULL, raise_often, &is_over), 0);
    wait_for_calls(&h, 1);
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &h), 0);
    tr__store_release_u32(&is_over, 1);
    pthread_join(raiser, NULL);
    kit_stop();
}
END_TEST

/* ---- listeners ---- */

typedef struct ear {
    tr__signal_listener listener;
    heard h;
} ear;

static void listen_to(tr__signal_listener *listener, int signo)
{
    hear(&TR__CONTAINER_OF(listener, ear, listener)->h, signo);
}

static void begin_listening(void *arg)
{
    ear *e = arg;

    e->listener.fn = listen_to;
    ck_assert_int_eq(tr__signal_listen(SIGUSR1, &e->listener), 0);
}

static void end_listening(void *arg)
{
    ear *e = arg;

    tr__signal_unlisten(SIGUSR1, &e->listener);
    tr__signal_unlisten(SIGUSR1, &e->listener); /* it does not listen any more: nothing happens */
}

START_TEST(signal_is_heard_by_each_listener_until_the_last_one_goes)
{
    ear ears[2] = { 0 };
    heard h = { .calls = 0 };

    set_own(SIGUSR1);
    kit_start(1);
    for (int i = 0; i < 2; i++)
        kit_on_loop(0, begin_listening, &ears[i]);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &h), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    wait_for_calls(&h, 1); /* it is called last */
    kit_on_loop(0, end_listening, &ears[0]);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    wait_for_calls(&h, 2);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    wait_for_calls(&ears[1].h, 3);
    kit_on_loop(0, end_listening, &ears[1]);
    expect_own(SIGUSR1);
    kit_stop();
    ck_assert_uint_eq(ears[0].h.calls, 1);
    ck_assert_uint_eq(h.calls, 2);
}
END_TEST

START_TEST(signal_is_not_heard_any_more_once_the_runtime_stops)
{
    ear e = { .h = { .calls = 0 } };

    set_own(SIGUSR1);
    kit_start(1);
    kit_on_loop(0, begin_listening, &e);
    kit_stop();
    expect_own(SIGUSR1);
    kit_start(1);
    kit_on_loop(0, end_listening, &e); /* of an earlier run */
    kit_on_loop(0, begin_listening, &e);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    wait_for_calls(&e.h, 1);
    kit_stop();
}
END_TEST

static void listen_to_what_can_not_be_caught(void *arg)
{
    ck_assert_int_eq(tr__signal_listen(SIGKILL, arg), TR_EINVAL);
    tr__signal_unlisten(SIGKILL, arg);
}

START_TEST(listeners_are_refused_what_can_not_be_caught)
{
    ear e = { .h = { .calls = 0 } };

    kit_start(1);
    kit_on_loop(0, listen_to_what_can_not_be_caught, &e.listener);
    kit_stop();
}
END_TEST

/* ---- on loops ---- */

static void give_up(void *arg, int signo)
{
    heard *h = arg;

    ck_assert_int_eq(tr_on_signal(signo, NULL, NULL), 0);
    (void)tr__add_ordered_u32(&h->calls, 1);
}

START_TEST(signal_may_be_given_up_in_its_own_call)
{
    heard h = { .calls = 0 };

    set_own(SIGUSR1);
    kit_start(1);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, give_up, &h), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    wait_for_calls(&h, 1);
    expect_own(SIGUSR1);
    kit_stop();
}
END_TEST

static void watch_here(void *arg)
{
    *(int *)arg = tr_on_signal(SIGUSR2, hear, arg);
}

START_TEST(signals_are_for_loop_0_and_foreign_threads)
{
    int rc = 1;

    kit_start(2);
    kit_on_loop(1, watch_here, &rc);
    ck_assert_int_eq(rc, TR_EWRONGPLACE);
    kit_on_loop(0, watch_here, &rc);
    ck_assert_int_eq(rc, 0);
    kit_stop();
}
END_TEST

/* ---- refused ---- */

START_TEST(signals_that_can_not_be_caught_are_refused)
{
    const int invalid[] = { 0, -1, INT32_MIN, NSIG, NSIG + 1, INT32_MAX, SIGKILL, SIGSTOP, 32, 33 };

    kit_start(1);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        ck_assert_int_eq(tr_on_signal(invalid[i], hear, NULL), TR_EINVAL);
        ck_assert_int_eq(tr_on_signal(invalid[i], NULL, NULL), TR_EINVAL);
    }
    kit_stop();
}
END_TEST

START_TEST(signals_need_a_running_runtime)
{
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, NULL), TR_ESHUTDOWN);
    kit_start(1);
    kit_stop();
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), TR_ESHUTDOWN);
}
END_TEST

static void try_to_watch(void *ctx, int n)
{
    int rc = tr_on_signal(SIGUSR1, hear, ctx);

    (void)n;
    ck_assert(rc == 0 || rc == TR_ENOMEM);
}

START_TEST(signal_without_memory_stays_as_it_was)
{
    heard h = { .calls = 0 };

    set_own(SIGUSR1);
    kit_start(1);
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, hear, &h), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
    expect_own(SIGUSR1);
    /* The letter to loop 0, what it calls at its end, and the watch. */
    ck_assert_int_eq(kit_for_every_fault(try_to_watch, &h), 3);
    kit_stop();
    expect_own(SIGUSR1);
}
END_TEST

static void close_late(void *arg)
{
    *(int *)arg = tr_on_signal(SIGUSR1, hear, NULL);
}

static void register_late(void *arg)
{
    ck_assert_int_eq(tr_loop_on_close(close_late, arg), 0);
}

START_TEST(signals_are_refused_while_loop_0_closes)
{
    int rc = 1;

    set_own(SIGUSR1);
    kit_start(1);
    kit_on_loop(0, register_late, &rc);
    kit_stop();
    ck_assert_int_eq(rc, TR_ESHUTDOWN);
    expect_own(SIGUSR1);
}
END_TEST

KIT_MAIN("runtime/signal", signal_is_called_on_loop_0, signals_do_not_mix,
         signal_does_what_it_did_before_once_it_is_given_up,
         signals_do_what_they_did_before_once_the_runtime_stops,
         signal_watched_anew_calls_the_latest_and_remembers_the_first,
         signal_watched_anew_is_caught_meanwhile,
         signal_is_heard_by_each_listener_until_the_last_one_goes,
         signal_is_not_heard_any_more_once_the_runtime_stops,
         listeners_are_refused_what_can_not_be_caught, signal_may_be_given_up_in_its_own_call,
         signals_are_for_loop_0_and_foreign_threads, signals_that_can_not_be_caught_are_refused,
         signals_need_a_running_runtime, signal_without_memory_stays_as_it_was,
         signals_are_refused_while_loop_0_closes)
