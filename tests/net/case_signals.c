/* Signals as streams. */
#include <pthread.h>
#include <signal.h>
#include <troupe/net.h>

#include "sync/cases.h"

static void nothing(int signo)
{
    (void)signo;
}

/* So that a signal that nobody listens to does no harm, and is seen to be restored. */
static void set_own(int signo)
{
    EXPECT(signal(signo, nothing) != SIG_ERR);
}

static bool is_own(int signo)
{
    struct sigaction now;

    EXPECT(sigaction(signo, NULL, &now) == 0);
    return now.sa_handler == nothing;
}

static void raise_here(void *signo)
{
    sigset_t all;

    EXPECT(sigfillset(&all) == 0);
    EXPECT(pthread_sigmask(SIG_UNBLOCK, &all, NULL) == 0);
    EXPECT(raise(*(int *)signo) == 0);
}

/* In a thread that takes it at once: those of loops block signals, and TSan holds back what a
 * thread gets that sleeps in the kernel. */
static int send_signal(int signo)
{
    if (tr_loop_current() < 0)
        raise_here(&signo);
    else
        TR_SHIELD(TR_FOREVER) {
            foreign_end(foreign_start(raise_here, &signo));
        }
    return 0;
}

static int next(tr_stream *signals)
{
    int signo = 0;

    EXPECT(tr_stream_next(signals, &signo) == 1);
    return signo;
}

CASE(a_signal_is_an_item)
{
    tr_stream *signals;

    set_own(SIGUSR1);
    EXPECT(tr_signals(&signals, SIGUSR1, SIGUSR2, 0) == 0);
    EXPECT(!is_own(SIGUSR1));
    EXPECT(send_signal(SIGUSR2) == 0); /* before anybody asks */
    EXPECT(next(signals) == SIGUSR2);
    EXPECT(send_signal(SIGUSR1) == 0);
    EXPECT(next(signals) == SIGUSR1);
    EXPECT(tr_stream_free(signals) == 0);
    EXPECT(is_own(SIGUSR1));
}

CASE(each_listener_hears_of_it)
{
    tr_stream *one, *other;

    set_own(SIGUSR1);
    EXPECT(tr_signals(&one, SIGUSR1, 0) == 0);
    EXPECT(tr_signals(&other, SIGUSR1, SIGUSR1, SIGUSR2, 0) == 0);
    EXPECT(send_signal(SIGUSR1) == 0);
    EXPECT(next(one) == SIGUSR1);
    EXPECT(next(other) == SIGUSR1);
    EXPECT(tr_stream_free(one) == 0);
    EXPECT(!is_own(SIGUSR1));
    EXPECT(send_signal(SIGUSR1) == 0);
    EXPECT(next(other) == SIGUSR1);
    EXPECT(tr_stream_close(other) == 0);
    EXPECT(is_own(SIGUSR1));
    EXPECT(tr_stream_free(other) == 0);
}

static void be_called(void *called, int signo)
{
    EXPECT(signo == SIGUSR1);
    EXPECT(tr_event_set(called) == 0);
}

CASE(a_callback_hears_of_it_too)
{
    tr_event called = { 0 };
    tr_stream *signals;

    set_own(SIGUSR1);
    EXPECT(tr_on_signal(SIGUSR1, be_called, &called) == 0);
    EXPECT(tr_signals(&signals, SIGUSR1, 0) == 0);
    EXPECT(send_signal(SIGUSR1) == 0);
    EXPECT(tr_event_wait(&called) == 0);
    EXPECT(next(signals) == SIGUSR1);
    EXPECT(tr_stream_free(signals) == 0);
    EXPECT(!is_own(SIGUSR1));
    EXPECT(tr_on_signal(SIGUSR1, NULL, NULL) == 0);
    EXPECT(is_own(SIGUSR1));
}

CASE(one_that_comes_often_may_come_once)
{
    tr_stream *signals;
    int came = 0;
    int signo;

    EXPECT(tr_signals(&signals, SIGUSR1, 0) == 0);
    for (int i = 0; i < 10; i++) {
        EXPECT(send_signal(SIGUSR1) == 0);
        let_others_run();
    }
    while (tr_stream_next_for(signals, &signo, 0.01) == 1)
        came++;
    EXPECT(came >= 1 && came < 10); /* nobody asked while they came */
    EXPECT(tr_stream_free(signals) == 0);
}

CASE(signals_are_a_case_among_others)
{
    tr_event stop = { 0 };
    tr_stream *signals;
    int which, signo = 0;

    EXPECT(tr_signals(&signals, SIGUSR1, 0) == 0);
    EXPECT(tr_select(&which, tr_case_next(signals, &signo), tr_case_sleep(0.001)) == 0);
    EXPECT(which == 1);
    EXPECT(send_signal(SIGUSR1) == 0);
    EXPECT(tr_select(&which, tr_case_next(signals, &signo), tr_case_event(&stop)) == 0);
    EXPECT(which == 0 && signo == SIGUSR1);
    EXPECT(tr_stream_free(signals) == 0);
}

/* ---- everywhere ---- */

static int listen_for_one(void *unused)
{
    tr_stream *signals tr_cleanup_stream = NULL;

    (void)unused;
    EXPECT(tr_signals(&signals, SIGUSR1, 0) == 0);
    EXPECT(send_signal(SIGUSR1) == 0);
    EXPECT(next(signals) == SIGUSR1);
    return 0;
}

static void listen_in_thread(void *unused)
{
    (void)listen_for_one(unused);
}

CASE(any_loop_and_any_thread_may_listen)
{
    tr_task *task;

    set_own(SIGUSR1);
    for (int i = 0; i < 3; i++) {
        EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), listen_for_one, NULL) == 0);
        EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
        tr_task_unref(task);
        EXPECT(is_own(SIGUSR1));
    }
    foreign_end(foreign_start(listen_in_thread, NULL));
    EXPECT(is_own(SIGUSR1));
}

static void be_refused(void *unused)
{
    tr_stream *signals = (void *)1;

    (void)unused;
    EXPECT(tr_signals(&signals, SIGUSR1, 0) == TR_EWRONGPLACE && signals == NULL);
}

static void free_it(void *signals)
{
    EXPECT(tr_stream_free(signals) == 0);
}

CASE(handlers_of_other_loops_may_not_listen_but_free)
{
    tr_stream *signals;

    set_own(SIGUSR1);
    call_in_handler(false, be_refused, NULL);
    in_place(OTHER_LOOP, be_refused, NULL);
    EXPECT(tr_signals(&signals, SIGUSR1, 0) == 0);
    in_place(OTHER_LOOP, free_it, signals);
    while (!is_own(SIGUSR1)) /* soon, by this loop */
        EXPECT(tr_yield() == 0);
}

CASE(signals_that_can_not_be_caught_are_refused)
{
    tr_stream *signals = (void *)1;

    set_own(SIGUSR1);
    EXPECT(tr_signals(NULL, SIGUSR1, 0) == TR_EINVAL);
    EXPECT(tr_signals(&signals, 0) == TR_EINVAL && signals == NULL);
    EXPECT(tr_signals(&signals, -1, 0) == TR_EINVAL);
    EXPECT(tr_signals(&signals, 65, 0) == TR_EINVAL);
    EXPECT(tr_signals(&signals, SIGUSR1, SIGSTOP, 0) == TR_EINVAL);
    EXPECT(tr_signals(&signals, SIGUSR1, SIGKILL, 0) == TR_EINVAL && signals == NULL);
    EXPECT(is_own(SIGUSR1));
}

/* ---- cancellation, and the end ---- */

static int listen_and_take(void *out)
{
    tr_stream **signals = out;
    int signo;
    int rc = AWAIT(tr_signals(signals, SIGUSR1, 0));

    if (rc == 0) {
        EXPECT(send_signal(SIGUSR1) == 0);
        rc = AWAIT(tr_stream_next(*signals, &signo));
    }
    return rc;
}

static void expect_restored(void *out, int rc)
{
    tr_stream **signals = out;

    EXPECT(rc == 1 || rc == TR_ECANCELED);
    EXPECT(tr_stream_free(*signals) == 0);
    *signals = NULL;
    EXPECT(is_own(SIGUSR1));
}

CASE(cancelled_at_any_await_nothing_is_left)
{
    const attempt steps = { .attempt = listen_and_take, .check = expect_restored };
    tr_stream *signals = NULL;

    set_own(SIGUSR1);
    cancel_at_every_await(&steps, &signals);
}

CASES("signals", a_signal_is_an_item, each_listener_hears_of_it, a_callback_hears_of_it_too,
      one_that_comes_often_may_come_once, signals_are_a_case_among_others,
      any_loop_and_any_thread_may_listen, handlers_of_other_loops_may_not_listen_but_free,
      signals_that_can_not_be_caught_are_refused, cancelled_at_any_await_nothing_is_left)
