/* Signals as streams while memory fails: what they did before is restored. */
#include <signal.h>
#include <troupe/net.h>
#include <unistd.h>

#include "base/seam.h"
#include "support/tasks.h"

static void nothing(int signo)
{
    (void)signo;
}

static bool is_own(int signo)
{
    struct sigaction now;

    ck_assert_int_eq(sigaction(signo, NULL, &now), 0);
    return now.sa_handler == nothing;
}

static int listen_for_one(void *unused)
{
    tr_stream *signals;
    int signo;
    int rc = tr_signals(&signals, SIGUSR2, SIGUSR1, 0);

    (void)unused;
    if (rc < 0) {
        ck_assert_ptr_null(signals);
        return rc;
    }
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    rc = tr_stream_next(signals, &signo);
    if (rc == 1)
        ck_assert_int_eq(signo, SIGUSR1);
    ck_assert_int_eq(tr_stream_free(signals), 0);
    return rc < 0 ? rc : 0;
}

static void attempt(void *unused, int n)
{
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP(n % 2), listen_for_one, NULL);

    (void)unused;
    if (rc == 0) {
        rc = tr_future_wait(f, KIT_PATIENCE_S);
        tr_future_unref(f);
    }
    ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "gave %d", rc);
    ck_assert(is_own(SIGUSR1) && is_own(SIGUSR2));
}

START_TEST(what_fails_leaves_signals_as_they_were)
{
    ck_assert(signal(SIGUSR1, nothing) != SIG_ERR && signal(SIGUSR2, nothing) != SIG_ERR);
    kit_start(2);
    ck_assert_int_ge(kit_for_every_fault(attempt, NULL), 5);
    kit_stop();
}
END_TEST

static void free_it(void *out)
{
    ck_assert_int_eq(tr_stream_free(*(tr_stream **)out), 0);
}

START_TEST(a_stream_may_outlive_the_runtime)
{
    tr_stream *signals;
    int signo;

    ck_assert(signal(SIGUSR1, nothing) != SIG_ERR);
    ck_assert_int_eq(tr_signals(&signals, SIGUSR1, 0), TR_ESHUTDOWN);
    kit_start(2);
    ck_assert_int_eq(tr_signals(&signals, SIGUSR1, 0), 0);
    ck_assert(!is_own(SIGUSR1));
    kit_stop();
    ck_assert(is_own(SIGUSR1));
    ck_assert_int_lt(tr_stream_next(signals, &signo), 0);
    ck_assert_int_eq(tr_stream_free(signals), 0);
    kit_start(2);
    ck_assert_int_eq(tr_signals(&signals, SIGUSR1, 0), 0);
    kit_stop();
    kit_start(2); /* loops of another run */
    kit_on_loop(1, free_it, &signals);
    kit_stop();
    ck_assert(is_own(SIGUSR1));
}
END_TEST

static void listen_in_child(void *out)
{
    tr_stream *signals = (void *)1;

    if (tr_signals(&signals, SIGUSR1, 0) != TR_EFORKED || signals != NULL)
        kit_end_child(1);
    if (tr_stream_free(*(tr_stream **)out) != 0) /* its parent's: nothing is asked of any loop */
        kit_end_child(2);
}

START_TEST(a_process_that_was_forked_has_no_signals)
{
    tr_stream *signals;
    char text[256];

    kit_start(1);
    ck_assert_int_eq(tr_signals(&signals, SIGUSR1, 0), 0);
    ck_assert_int_eq(kit_in_child(listen_in_child, &signals, text, sizeof(text)), 0);
    ck_assert_int_eq(tr_stream_free(signals), 0);
    kit_stop();
}
END_TEST

KIT_MAIN("net/signals_faults", a_process_that_was_forked_has_no_signals,
         what_fails_leaves_signals_as_they_were, a_stream_may_outlive_the_runtime)
