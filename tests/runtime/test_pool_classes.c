/* Pools of several classes, each with its threads: what blocks in one never holds up another. And
 * the ends of programs whose jobs are stuck. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/runtime.h"
#include "support/jobs.h"

/* ---- starving ---- */

/* All threads that a pool may have are stuck, and more jobs stand in line. */
enum { QUEUED = 20 };

typedef struct jam {
    tr_pool *pool;
    kit_hold hold;
    int jobs;
    tr_future *futures[64 + QUEUED];
} jam;

static void begin_jam(jam *j, tr_pool *pool, int max)
{
    j->pool = pool;
    j->jobs = max + QUEUED;
    kit_hold_init(&j->hold);
    for (int i = 0; i < j->jobs; i++)
        ck_assert_int_eq(tr_pool_submit(&j->futures[i], pool, kit_held, &j->hold, NULL), 0);
    kit_hold_await(&j->hold, max);
}

static void end_jam(jam *j)
{
    kit_hold_let_go(&j->hold, j->jobs);
    for (int i = 0; i < j->jobs; i++)
        ck_assert_int_eq(kit_future_end(j->futures[i]), KIT_HELD);
    kit_hold_fini(&j->hold);
}

static int run_one(void *pool)
{
    uint32_t runs = 0;

    return tr_pool_run(pool, kit_count_job, &runs);
}

/* By tasks of both loops, and by a thread. */
static void expect_to_pass(tr_pool *pool)
{
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(kit_task(i % 2, run_one, pool), 0);
        ck_assert_int_eq(run_one(pool), 0);
    }
}

static int read_a_file(void *unused)
{
    char byte;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, &byte, 1);

    (void)unused;
    (void)close(fd);
    return n == 1 && byte == 0x7f ? 0 : -1;
}

START_TEST(jobs_of_one_class_never_starve_those_of_another)
{
    tr_pool *const pools[] = { TR_POOL_IO, TR_POOL_CPU, TR_POOL_DNS };
    const int most[] = { 3, 2, 4 };

    kit_start_with(&(tr_config){ .loops = 2, .pool_max = 3, .pool_cpu_max = 2, .pool_dns_max = 4 });
    for (int stuck = 0; stuck < 3; stuck++) {
        jam j;

        begin_jam(&j, pools[stuck], most[stuck]);
        for (int i = 0; i < 3; i++)
            if (i != stuck)
                expect_to_pass(pools[i]);
        if (stuck != 0)
            ck_assert_int_eq(tr_to_thread(read_a_file, NULL), 0);
        end_jam(&j);
    }
    kit_stop();
}
END_TEST

START_TEST(jobs_of_a_pool_of_ones_own_starve_nobody)
{
    tr_pool *own;
    jam j;

    kit_start(2);
    own = kit_pool(2);
    begin_jam(&j, own, 2);
    expect_to_pass(TR_POOL_IO);
    expect_to_pass(TR_POOL_CPU);
    expect_to_pass(TR_POOL_DNS);
    end_jam(&j);
    kit_pool_free(own);
    kit_stop();
}
END_TEST

/* Two classes are full at the same time: the third does its work. */
START_TEST(two_classes_full_of_stuck_jobs_leave_the_third_alone)
{
    jam dns;
    jam cpu;

    kit_start_with(&(tr_config){ .loops = 2, .pool_cpu_max = 1, .pool_dns_max = 1 });
    begin_jam(&dns, TR_POOL_DNS, 1);
    begin_jam(&cpu, TR_POOL_CPU, 1);
    expect_to_pass(TR_POOL_IO);
    end_jam(&dns);
    end_jam(&cpu);
    kit_stop();
}
END_TEST

static int await_jobs_of_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(run_one(TR_POOL_IO), 0);
        ck_assert_int_eq(run_one(TR_POOL_CPU), 0);
        ck_assert_int_eq(run_one(TR_POOL_DNS), 0);
    }
    return 0;
}

START_TEST(one_task_uses_all_classes)
{
    kit_start(1);
    ck_assert_int_eq(kit_task(0, await_jobs_of_all, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- how many threads ---- */

START_TEST(classes_have_as_many_threads_as_they_were_given)
{
    kit_start_with(&(tr_config){ .loops = 1, .pool_max = 5, .pool_cpu_max = 6, .pool_dns_max = 7 });
    ck_assert_uint_eq(TR_POOL_IO->max, 5);
    ck_assert_uint_eq(TR_POOL_CPU->max, 6);
    ck_assert_uint_eq(TR_POOL_DNS->max, 7);
    kit_stop();
}
END_TEST

START_TEST(classes_have_as_many_threads_as_the_environment_says)
{
    ck_assert_int_eq(setenv("TROUPE_POOL_CPU_MAX", "3", 1), 0);
    ck_assert_int_eq(setenv("TROUPE_POOL_DNS_MAX", "4", 1), 0);
    kit_start_with(&(tr_config){ .loops = 1, .pool_dns_max = 5 });
    ck_assert_uint_eq(TR_POOL_CPU->max, 3);
    ck_assert_uint_eq(TR_POOL_DNS->max, 5); /* a field wins */
    kit_stop();
}
END_TEST

START_TEST(classes_of_absurd_sizes_are_refused)
{
    static const int absurd[] = { -1, TR__POOL_MAX_MOST + 1, INT32_MIN, INT32_MAX };

    for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
        ck_assert_int_eq(tr_start(&(tr_config){ .pool_cpu_max = absurd[i] }), TR_EINVAL);
        ck_assert_int_eq(tr_start(&(tr_config){ .pool_dns_max = absurd[i] }), TR_EINVAL);
    }
}
END_TEST

/* ---- how nice they are ---- */

static int niceness(void *unused)
{
    (void)unused;
    return 100 + getpriority(PRIO_PROCESS, 0); /* of this thread */
}

static int niceness_of(tr_pool *pool)
{
    return tr_pool_run(pool, niceness, NULL);
}

START_TEST(who_computes_is_nicer_than_the_loops)
{
    int usual = niceness(NULL);

    kit_start(1);
    ck_assert_int_gt(niceness_of(TR_POOL_CPU), usual);
    ck_assert_int_eq(niceness_of(TR_POOL_IO), usual);
    ck_assert_int_eq(niceness_of(TR_POOL_DNS), usual);
    kit_stop();
}
END_TEST

START_TEST(those_who_compute_are_as_nice_as_is_said)
{
    int usual = niceness(NULL);

    kit_start_with(&(tr_config){ .loops = 1, .pool_cpu_nice = 3 });
    ck_assert_int_eq(niceness_of(TR_POOL_CPU), usual + 3);
    kit_stop();
    kit_start_with(&(tr_config){ .loops = 1, .pool_cpu_nice = -1 });
    ck_assert_int_eq(niceness_of(TR_POOL_CPU), usual);
    kit_stop();
    ck_assert_int_eq(setenv("TROUPE_POOL_CPU_NICE", "2", 1), 0);
    kit_start(1);
    ck_assert_int_eq(niceness_of(TR_POOL_CPU), usual + 2);
    kit_stop();
    ck_assert_int_eq(tr_start(&(tr_config){ .pool_cpu_nice = 20 }), TR_EINVAL);
}
END_TEST

static int ask_another_pool(void *unused)
{
    (void)unused;
    return niceness_of(TR_POOL_IO);
}

/* The thread that its job needs is started by somebody else. */
START_TEST(who_is_nice_makes_no_other_pool_nice)
{
    int usual = niceness(NULL);

    kit_start(1);
    ck_assert_int_eq(tr_pool_run(TR_POOL_CPU, ask_another_pool, NULL), usual);
    kit_stop();
}
END_TEST

/* ---- the signal ---- */

static void on_signal(int signo)
{
    (void)signo;
}

static void on_signal_with_info(int signo, siginfo_t *info, void *machine)
{
    (void)signo;
    (void)info;
    (void)machine;
}

static int never_called(void *unused)
{
    (void)unused;
    ck_abort_msg("it must not run");
}

static void expect_busy(void)
{
    const tr_job_options options = { .interrupt = true };
    uint32_t drops = 0;

    ck_assert_int_eq(tr_pool_run_with(TR_POOL_IO, never_called, NULL, &options), TR_EBUSY);
    ck_assert_int_eq(
        tr_pool_submit_with(NULL, TR_POOL_IO, never_called, &drops, kit_count_drop, &options),
        TR_EBUSY);
    ck_assert_uint_eq(drops, 1);
}

START_TEST(program_that_handles_the_signal_itself_keeps_it)
{
    const struct sigaction plain = { .sa_handler = on_signal };
    const struct sigaction with_info = { .sa_sigaction = on_signal_with_info,
                                         .sa_flags = SA_SIGINFO };
    struct sigaction now;

    kit_start(1);
    ck_assert_int_eq(sigaction(SIGURG, &plain, NULL), 0);
    expect_busy();
    ck_assert_int_eq(sigaction(SIGURG, &with_info, NULL), 0);
    expect_busy();
    ck_assert_int_eq(sigaction(SIGURG, NULL, &now), 0);
    ck_assert(now.sa_sigaction == on_signal_with_info);
    kit_stop();
}
END_TEST

START_TEST(signal_that_is_ignored_is_taken)
{
    const tr_job_options options = { .interrupt = true };
    uint32_t runs = 0;

    kit_start(1);
    (void)signal(SIGURG, SIG_IGN);
    ck_assert_int_eq(tr_pool_run_with(TR_POOL_IO, kit_count_job, &runs, &options), 0);
    ck_assert_int_eq(tr_pool_run_with(TR_POOL_IO, kit_count_job, &runs, &options), 1);
    kit_stop();
}
END_TEST

/* ---- a shutdown that finds jobs stuck ---- */

typedef struct stuck {
    int pipe[2];
    sem_t begun;
} stuck;

static int read_for_ever(void *arg)
{
    stuck *s = arg;
    char byte;
    ssize_t n;

    sem_post(&s->begun);
    do
        n = read(s->pipe[0], &byte, 1);
    while (n < 0 && errno == EINTR && !tr_cancelled());
    return n == 1 ? byte : -errno;
}

static void begin_stuck(stuck *s)
{
    ck_assert_int_eq(pipe2(s->pipe, O_CLOEXEC), 0);
    sem_init(&s->begun, 0, 0);
}

static void await_begun(stuck *s)
{
    while (sem_wait(&s->begun) != 0)
        ; /* a signal came */
}

static void end_stuck(stuck *s)
{
    (void)close(s->pipe[0]);
    (void)close(s->pipe[1]);
    sem_destroy(&s->begun);
}

START_TEST(shutdown_with_stuck_jobs_ends_in_time_and_lists_them)
{
    stuck s;

    begin_stuck(&s);
    kit_start(2);
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, read_for_ever, &s, NULL), 0);
    ck_assert_int_eq(tr_pool_submit_with(NULL, TR_POOL_DNS, read_for_ever, &s, NULL,
                                         &(tr_job_options){ .name = "resolve example.org" }),
                     0);
    await_begun(&s);
    await_begun(&s);
    while (!kit_log_contains("job resolve example.org (0x")) /* up to the phase of the pools */
        ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("shutdown: pool 'io': 1 jobs run, and 0 wait"));
    ck_assert(kit_log_contains("shutdown: pool 'io': job read_for_ever (0x"));
    ck_assert(kit_log_contains("shutdown: pool 'dns': 1 jobs run, and 0 wait"));
    ck_assert_int_eq(write(s.pipe[1], "!!", 2), 2);
    kit_stop();
    end_stuck(&s);
}
END_TEST

static int await_interruptible(void *arg)
{
    return tr_pool_run_with(TR_POOL_IO, read_for_ever, arg, &(tr_job_options){ .interrupt = true });
}

START_TEST(shutdown_interrupts_the_jobs_of_tasks_that_allow_it)
{
    tr_future *task;
    stuck s;

    begin_stuck(&s);
    kit_start(2);
    task = kit_task_begin(1, await_interruptible, &s);
    await_begun(&s);
    kit_stop();
    ck_assert_int_eq(kit_future_end(task), -EINTR);
    end_stuck(&s);
}
END_TEST

KIT_MAIN("runtime/pool_classes", jobs_of_one_class_never_starve_those_of_another,
         jobs_of_a_pool_of_ones_own_starve_nobody,
         two_classes_full_of_stuck_jobs_leave_the_third_alone, one_task_uses_all_classes,
         classes_have_as_many_threads_as_they_were_given,
         classes_have_as_many_threads_as_the_environment_says, classes_of_absurd_sizes_are_refused,
         who_computes_is_nicer_than_the_loops, those_who_compute_are_as_nice_as_is_said,
         who_is_nice_makes_no_other_pool_nice, program_that_handles_the_signal_itself_keeps_it,
         signal_that_is_ignored_is_taken, shutdown_with_stuck_jobs_ends_in_time_and_lists_them,
         shutdown_interrupts_the_jobs_of_tasks_that_allow_it)
