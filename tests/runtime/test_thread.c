/* Threads of the library's, gates, deadlines and handovers. */
#include <math.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

#include "base/seam.h"
#include "runtime/thread.h"
#include "support/kit.h"

/* ---- threads ---- */

typedef struct inspection {
    sigset_t blocked;
    char name[16];
} inspection;

static void *inspect(void *arg)
{
    inspection *i = arg;

    pthread_sigmask(SIG_SETMASK, NULL, &i->blocked);
    return NULL;
}

static void expect_mask_unchanged(const sigset_t *before)
{
    sigset_t now;

    pthread_sigmask(SIG_SETMASK, NULL, &now);
    for (int signo = 1; signo < NSIG; signo++)
        ck_assert_int_eq(sigismember(&now, signo), sigismember(before, signo));
}

START_TEST(thread_leaves_the_signals_of_the_process_to_others)
{
    const int others[] = { SIGUSR1, SIGUSR2, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGPIPE };
    const int its_own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
    inspection i;
    sigset_t before;
    pthread_t thread;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(tr__thread_new(&thread, "inspected", inspect, &i), 0);
    pthread_join(thread, NULL);
    for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
        ck_assert_int_eq(sigismember(&i.blocked, others[k]), 1);
    for (size_t k = 0; k < sizeof(its_own) / sizeof(its_own[0]); k++)
        ck_assert_int_eq(sigismember(&i.blocked, its_own[k]), 0);
    expect_mask_unchanged(&before);
}
END_TEST

static void *wait_for_permission(void *arg)
{
    while (sem_wait(arg) != 0)
        ;
    return NULL;
}

START_TEST(thread_has_the_name_it_was_given)
{
    char name[16];
    pthread_t thread;
    sem_t permission;

    sem_init(&permission, 0, 0);
    ck_assert_int_eq(tr__thread_new(&thread, "troupe/17", wait_for_permission, &permission), 0);
    ck_assert_int_eq(pthread_getname_np(thread, name, sizeof(name)), 0);
    ck_assert_str_eq(name, "troupe/17");
    sem_post(&permission);
    pthread_join(thread, NULL);
    sem_destroy(&permission);
}
END_TEST

START_TEST(thread_that_can_not_be_started_changes_nothing)
{
    sigset_t before;
    pthread_t thread;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr__thread_new(&thread, "never", inspect, NULL), TR_EAGAIN);
    ck_assert(tr__fault_disarm());
    expect_mask_unchanged(&before);
}
END_TEST

/* ---- deadlines ---- */

START_TEST(deadline_of_no_time_is_now)
{
    ck_assert_uint_eq(tr__deadline_ns(1000, 0), 1000);
    ck_assert_uint_eq(tr__deadline_ns(1000, -0.0), 1000);
    ck_assert_uint_eq(tr__deadline_ns(1000, -5), 1000);
    ck_assert_uint_eq(tr__deadline_ns(1000, -INFINITY), 1000);
}
END_TEST

START_TEST(deadline_is_in_nanoseconds)
{
    ck_assert_uint_eq(tr__deadline_ns(1000, 1), UINT64_C(1000001000));
    ck_assert_uint_eq(tr__deadline_ns(1000, 0.25), UINT64_C(250001000));
    ck_assert_uint_eq(tr__deadline_ns(0, 1e9), UINT64_C(1000000000000000000));
}
END_TEST

START_TEST(deadline_that_is_too_far_away_is_never)
{
    ck_assert_uint_eq(tr__deadline_ns(1000, INFINITY), UINT64_MAX);
    ck_assert_uint_eq(tr__deadline_ns(1000, TR_FOREVER), UINT64_MAX);
    ck_assert_uint_eq(tr__deadline_ns(1000, 1e300), UINT64_MAX);
    ck_assert_uint_eq(tr__deadline_ns(1000, 1e10), UINT64_MAX);
    ck_assert_uint_lt(tr__deadline_ns(UINT64_MAX / 4, 9.2e9), UINT64_MAX);
    ck_assert_uint_gt(tr__deadline_ns(UINT64_MAX / 4, 9.2e9), UINT64_MAX / 2);
}
END_TEST

/* ---- gates ---- */

START_TEST(gate_whose_deadline_has_passed_does_not_wait)
{
    tr__gate gate;

    tr__gate_init(&gate);
    tr__gate_lock(&gate);
    ck_assert(!tr__gate_wait(&gate, 0));
    ck_assert(!tr__gate_wait(&gate, tr__now_ns()));
    tr__gate_unlock(&gate);
    tr__gate_fini(&gate);
}
END_TEST

START_TEST(gate_gives_up_after_its_deadline_and_not_before)
{
    uint64_t deadline_ns = tr__deadline_ns(tr__now_ns(), 0.002);
    tr__gate gate;

    tr__gate_init(&gate);
    tr__gate_lock(&gate);
    while (tr__gate_wait(&gate, deadline_ns))
        ; /* without an announcement: it may */
    ck_assert_uint_ge(tr__now_ns(), deadline_ns);
    tr__gate_unlock(&gate);
    tr__gate_fini(&gate);
}
END_TEST

typedef struct meeting {
    tr__gate gate;
    bool is_open;
} meeting;

static void *open_gate(void *arg)
{
    meeting *m = arg;

    tr__gate_lock(&m->gate);
    m->is_open = true;
    tr__gate_announce(&m->gate);
    tr__gate_unlock(&m->gate);
    return NULL;
}

static void meet(uint64_t deadline_ns)
{
    meeting m = { .is_open = false };
    pthread_t thread;

    tr__gate_init(&m.gate);
    tr__gate_lock(&m.gate);
    ck_assert_int_eq(pthread_create(&thread, NULL, open_gate, &m), 0);
    while (!m.is_open)
        ck_assert(tr__gate_wait(&m.gate, deadline_ns) || m.is_open);
    tr__gate_unlock(&m.gate);
    pthread_join(thread, NULL);
    tr__gate_fini(&m.gate);
}

START_TEST(gate_announcement_ends_the_wait)
{
    for (int i = 0; i < 200; i++) {
        meet(UINT64_MAX);
        meet(tr__deadline_ns(tr__now_ns(), KIT_PATIENCE_S));
    }
}
END_TEST

/* ---- handovers ---- */

static void *hand_over(void *arg)
{
    tr__handover_complete(arg, -42);
    return NULL;
}

START_TEST(handover_gives_the_result_of_another_thread)
{
    for (int i = 0; i < 500; i++) {
        tr__handover handover;
        pthread_t thread;

        tr__handover_init(&handover);
        ck_assert_int_eq(pthread_create(&thread, NULL, hand_over, &handover), 0);
        if (i % 2 == 0)
            pthread_join(thread, NULL); /* the result is there before anybody waits */
        ck_assert_int_eq(tr__handover_await(&handover), -42);
        if (i % 2 != 0)
            pthread_join(thread, NULL);
    }
}
END_TEST

KIT_MAIN("runtime/thread", thread_leaves_the_signals_of_the_process_to_others,
         thread_has_the_name_it_was_given, thread_that_can_not_be_started_changes_nothing,
         deadline_of_no_time_is_now, deadline_is_in_nanoseconds,
         deadline_that_is_too_far_away_is_never, gate_whose_deadline_has_passed_does_not_wait,
         gate_gives_up_after_its_deadline_and_not_before, gate_announcement_ends_the_wait,
         handover_gives_the_result_of_another_thread)
