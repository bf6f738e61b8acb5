/* Simulations themselves: that they are repeatable, that time is virtual, and that they find what
 * is wrong. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <troupe/check.h>

#include "sim/scenarios.h"

/* Run in a child: what it leaves in the process does not reach the next run. */
static tr_sim_figures figures_of(void (*fn)(void *arg), const tr_sim_options *options)
{
    tr_sim_figures figures = { .seed = 0 };
    int ends[2], status;
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (tr_sim_run(fn, NULL, options, &figures) != 0)
            _exit(2);
        _exit(write(ends[1], &figures, sizeof(figures)) == sizeof(figures) ? 0 : 3);
    }
    (void)close(ends[1]);
    ck_assert_int_eq(read(ends[0], &figures, sizeof(figures)), sizeof(figures));
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    return figures;
}

/* The same, for one that is to end badly: how, and what it wrote to stderr. */
static int end_of(void (*fn)(void *arg), uint64_t seeds, const tr_sim_options *options, char *said,
                  size_t bytes)
{
    int ends[2], status;
    size_t length = 0;
    ssize_t n;
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[1]);
        _exit(seeds == 0 ? tr_sim_run(fn, NULL, options, NULL)
                         : tr_sim_explore(fn, NULL, seeds, options));
    }
    (void)close(ends[1]);
    while ((n = read(ends[0], said + length, bytes - 1 - length)) > 0)
        length += (size_t)n;
    said[length] = '\0';
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- repeatable ---- */

START_TEST(the_same_seed_leaves_the_same_trace)
{
    const scenario *s = &scenarios[_i];

    for (uint64_t seed = 1; seed <= 5; seed++) {
        const tr_sim_options options = { .seed = seed, .late = 0.1, .stall = 0.02 };
        tr_sim_figures first = figures_of(s->fn, &options);
        tr_sim_figures second = figures_of(s->fn, &options);

        ck_assert_uint_eq(first.trace, second.trace);
        ck_assert_uint_eq(first.steps, second.steps);
        ck_assert_double_eq(first.seconds, second.seconds);
    }
}
END_TEST

/* Not the first time, when types get their numbers. */
START_TEST(the_same_seed_leaves_the_same_trace_again_in_one_process)
{
    const tr_sim_options options = { .seed = 7, .preempt = 0.1 };
    tr_sim_figures first = { .seed = 0 }, later;

    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(tr_sim_run(scenarios[_i].fn, NULL, &options, &later), 0);
        if (i == 1)
            first = later;
        ck_assert(i == 0 || later.trace == first.trace);
    }
}
END_TEST

START_TEST(another_seed_leaves_another_trace)
{
    tr_sim_figures first = figures_of(scenarios[0].fn, &(tr_sim_options){ .seed = 1 });
    tr_sim_figures second = figures_of(scenarios[0].fn, &(tr_sim_options){ .seed = 2 });

    ck_assert_uint_ne(first.trace, second.trace);
}
END_TEST

START_TEST(the_environment_may_give_the_seed)
{
    tr_sim_figures wanted = figures_of(scenarios[0].fn, &(tr_sim_options){ .seed = 77 });

    ck_assert_int_eq(setenv("TROUPE_SEED", "77", 1), 0);
    ck_assert_uint_eq(figures_of(scenarios[0].fn, NULL).trace, wanted.trace);
    ck_assert_int_eq(unsetenv("TROUPE_SEED"), 0);
}
END_TEST

/* ---- time ---- */

static int sleep_an_hour(void *arg)
{
    (void)arg;
    for (int i = 0; i < 60; i++)
        (void)tr_sleep(60); /* nobody cancels it */
    return 0;
}

static void run_an_hour(void *arg)
{
    (void)arg;
    EXPECT(tr_run(sleep_an_hour, NULL, &(tr_config){ .loops = 2, .signals = -1 }) == 0);
    EXPECT(tr_sim_now() >= 3600 && tr_sim_now() < 3601);
}

START_TEST(an_hour_of_timeouts_takes_few_steps)
{
    tr_sim_figures figures = figures_of(run_an_hour, &(tr_sim_options){ .seed = 1 });

    ck_assert_double_ge(figures.seconds, 3600);
    ck_assert_uint_lt(figures.steps, 1000 * 1000);
}
END_TEST

static void ask_outside(void *arg)
{
    (void)arg;
    EXPECT(tr_sim_is_on());
}

START_TEST(nothing_is_simulated_outside_of_a_run)
{
    ck_assert(!tr_sim_is_on());
    ck_assert_double_eq(tr_sim_now(), 0);
    ck_assert_uint_eq(tr_sim_random(), 0);
    ck_assert_int_eq(tr_start(NULL), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_sim_run(ask_outside, NULL, NULL, NULL), 0);
    ck_assert(!tr_sim_is_on());
}
END_TEST

/* ---- what ends badly ---- */

static tr_future *never;

static int await_never(void *arg)
{
    (void)arg;
    return tr_future_new(&never) < 0 ? TR_ENOMEM : tr_await(never);
}

static void hang(void *arg)
{
    (void)arg;
    (void)tr_run(await_never, NULL, &(tr_config){ .loops = 1, .signals = -1 });
}

START_TEST(a_hang_is_named_with_all_who_wait)
{
    char said[16384];
    int status = end_of(hang, 0, &(tr_sim_options){ .seed = 5 }, said, sizeof(said));

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, "it hangs: all threads wait"));
    ck_assert_ptr_nonnull(strstr(said, "troupe/0"));
    ck_assert_ptr_nonnull(strstr(said, "waits for descriptors"));
    ck_assert_ptr_nonnull(strstr(said, "TROUPE_SEED=5"));
}
END_TEST

static int spin_for_ever(void *arg)
{
    (void)arg;
    while (tr_yield() == 0)
        ;
    return 0;
}

static void never_end(void *arg)
{
    (void)arg;
    (void)tr_run(spin_for_ever, NULL, &(tr_config){ .loops = 1, .signals = -1 });
}

START_TEST(a_run_without_an_end_is_ended)
{
    const tr_sim_options options = { .seed = 1, .step_limit = 100000 };
    char said[16384];

    ck_assert(WIFSIGNALED(end_of(never_end, 0, &options, said, sizeof(said))));
    ck_assert_ptr_nonnull(strstr(said, "it does not end"));
}
END_TEST

/* A loop that never waits does not keep another one from being woken. */
static void set_flag(void *flag)
{
    (void)__atomic_store_n((int *)flag, 1, __ATOMIC_SEQ_CST);
}

static int yield_until_set(void *flag)
{
    int rc = tr_sleep(1); /* the other loop is asleep now */

    if (rc == 0)
        rc = tr_post(TR_LOOP(1), set_flag, flag);
    while (rc == 0 && __atomic_load_n((int *)flag, __ATOMIC_SEQ_CST) == 0)
        rc = tr_yield();
    return rc;
}

static void wake_while_busy(void *arg)
{
    int flag = 0;

    (void)arg;
    ck_assert_int_eq(tr_run(yield_until_set, &flag, &(tr_config){ .loops = 2, .signals = -1 }), 0);
}

START_TEST(a_loop_is_woken_though_another_one_never_waits)
{
    const tr_sim_options options = { .seed = 1, .preempt = 0.01, .step_limit = 1000000 };

    ck_assert_int_eq(tr_sim_explore(wake_while_busy, NULL, 20, &options), 0);
}
END_TEST

static void leave_running(void *arg)
{
    (void)arg;
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
}

START_TEST(threads_that_are_left_behind_are_named)
{
    char said[16384];

    ck_assert(
        WIFSIGNALED(end_of(leave_running, 0, &(tr_sim_options){ .seed = 1 }, said, sizeof(said))));
    ck_assert_ptr_nonnull(strstr(said, "threads are left behind"));
    ck_assert_ptr_nonnull(strstr(said, "troupe/0"));
}
END_TEST

static void forget_a_future(void *arg)
{
    tr_future *f;

    (void)arg;
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    EXPECT(tr_future_new(&f) == 0);
    EXPECT(tr_shutdown(10) == 0);
}

static void forget_a_descriptor(void *arg)
{
    (void)arg;
    EXPECT(dup(STDOUT_FILENO) >= 0);
}

START_TEST(what_was_not_given_back_is_named)
{
    char said[16384];

    ck_assert(WIFSIGNALED(end_of(forget_a_future, 0, NULL, said, sizeof(said))));
    ck_assert_ptr_nonnull(strstr(said, "memory is left: a future"));
    ck_assert(WIFSIGNALED(end_of(forget_a_descriptor, 0, NULL, said, sizeof(said))));
    ck_assert_ptr_nonnull(strstr(said, "open descriptors"));
}
END_TEST

/* ---- expectations ---- */

static void expect_in_time(void *arg)
{
    tr_inbox *in;

    (void)arg;
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    EXPECT(tr_inbox_new(&in, 0) == 0);
    EXPECT(tr_send(tr_inbox_pid(in), number, .value = 7) == 0);
    EXPECT(tr_sim_expect(in, 1, number)->value == 7);
    tr_sim_expect_nothing(in, 3600);
    EXPECT(tr_sim_now() >= 3600);
    tr_inbox_free(in);
    EXPECT(tr_shutdown(10) == 0);
}

static void expect_too_much(void *arg)
{
    tr_inbox *in;

    (void)arg;
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    EXPECT(tr_inbox_new(&in, 0) == 0);
    (void)tr_sim_expect(in, 5, number); /* ends the process */
}

static void expect_another(void *arg)
{
    tr_inbox *in;

    (void)arg;
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    EXPECT(tr_inbox_new(&in, 0) == 0);
    EXPECT(tr_send(tr_inbox_pid(in), number, .value = 7) == 0);
    (void)tr_sim_expect(in, 5, question); /* ends the process */
}

static void expect_silence(void *arg)
{
    tr_inbox *in;

    (void)arg;
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    EXPECT(tr_inbox_new(&in, 0) == 0);
    EXPECT(tr_send(tr_inbox_pid(in), number, .value = 7) == 0);
    tr_sim_expect_nothing(in, 5); /* ends the process */
}

START_TEST(what_is_expected_in_time_comes)
{
    ck_assert_int_eq(tr_sim_run(expect_in_time, NULL, NULL, NULL), 0);
}
END_TEST

START_TEST(what_does_not_come_as_expected_is_named)
{
    char said[16384];

    ck_assert(WIFSIGNALED(end_of(expect_too_much, 0, NULL, said, sizeof(said))));
    ck_assert_ptr_nonnull(strstr(said, "number was expected within 5 s, and nothing came"));
    ck_assert(WIFSIGNALED(end_of(expect_another, 0, NULL, said, sizeof(said))));
    ck_assert_ptr_nonnull(strstr(said, "question was expected, and number came"));
    ck_assert(WIFSIGNALED(end_of(expect_silence, 0, NULL, said, sizeof(said))));
    ck_assert_ptr_nonnull(strstr(said, "nothing was expected, and number came"));
}
END_TEST

/* Two threads add to a number in two steps each: one of them may be lost. */
static int number_of_all;

static void *add(void *arg)
{
    int seen = number_of_all;

    (void)arg;
    (void)tr_sim_now(); /* a step: another thread may go on here */
    number_of_all = seen + 1;
    return NULL;
}

static void add_together(void *arg)
{
    tr_sim_thread *threads[4];

    (void)arg;
    number_of_all = 0;
    for (int i = 0; i < 4; i++)
        EXPECT(tr_sim_thread_start(&threads[i], "adds", add, NULL) == 0);
    for (int i = 0; i < 4; i++)
        (void)tr_sim_thread_join(threads[i]);
    EXPECT(number_of_all == 4);
}

START_TEST(a_race_is_found_and_shown_with_the_fewest_preemptions)
{
    const tr_sim_options options = { .seed = 1, .preempt = 0.2 };
    char said[32768];
    int status = end_of(add_together, 1000, &options, said, sizeof(said));

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    ck_assert_ptr_nonnull(strstr(said, "number_of_all == 4"));
    ck_assert_ptr_nonnull(strstr(said, "it fails with 1 of its "));
    ck_assert_ptr_nonnull(strstr(said, "goes on, by preemption"));
}
END_TEST

START_TEST(without_preemptions_the_race_is_not_met)
{
    const tr_sim_options options = { .seed = 1, .preempt = -1 };
    char said[4096];

    ck_assert_int_eq(end_of(add_together, 50, &options, said, sizeof(said)), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

/* ---- faults ---- */

static void start_and_stop(void *arg)
{
    (void)arg;
    if (tr_start(&(tr_config){ .loops = 2 }) == 0)
        EXPECT(tr_shutdown(10) == 0);
}

START_TEST(each_call_of_a_start_may_fail)
{
    uint64_t at = 1;

    for (;; at++) {
        tr_sim_figures f =
            figures_of(start_and_stop, &(tr_sim_options){ .seed = 3, .fail_at = at });

        ck_assert_uint_le(f.faults, 1);
        if (f.faults == 0)
            break;
    }
    ck_assert_uint_gt(at, 20);
}
END_TEST

/* ---- many seeds ---- */

/* Of all processes: the runs, and the processes that had any. */
static struct {
    atomic_int runs, processes;
} * counted;
static int runs_here;

static void count_run(void *arg)
{
    (void)arg;
    counted->runs++;
    counted->processes += runs_here++ == 0;
}

static int count_seeds(uint64_t seeds, int together)
{
    const tr_sim_options options = { .seed = 1, .together = together };

    counted =
        mmap(NULL, sizeof(*counted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(counted != MAP_FAILED);
    ck_assert_int_eq(tr_sim_explore(count_run, NULL, seeds, &options), 0);
    return counted->runs;
}

START_TEST(seeds_run_in_processes_of_their_own_or_together)
{
    ck_assert_int_eq(count_seeds(20, 0), 20);
    ck_assert_int_eq(counted->processes, 20);
    ck_assert_int_eq(count_seeds(20, 3), 20);
    ck_assert_int_ge(counted->processes, 7);
    ck_assert_int_eq(count_seeds(200, 200), 200); /* no more than there are cores for */
    ck_assert_int_ge(counted->processes, sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1);
    ck_assert_int_le(counted->processes, 64);
}
END_TEST

START_TEST(the_environment_may_say_how_many_seeds)
{
    ck_assert_int_eq(setenv("TROUPE_SEEDS", "33", 1), 0);
    ck_assert_int_eq(count_seeds(2, 5), 33);
    ck_assert_int_eq(setenv("TROUPE_SEED", "5", 1), 0); /* from there on, in this process */
    ck_assert_int_eq(count_seeds(2, 5), 33);
    ck_assert_int_eq(runs_here, 33);
    ck_assert_int_eq(setenv("TROUPE_SEED", "", 1), 0);
    ck_assert_int_eq(setenv("TROUPE_SEEDS", "many", 1), 0);
    ck_assert_int_eq(count_seeds(2, 5), 2);
}
END_TEST

static void fail_the_third_time(void *arg)
{
    (void)arg;
    EXPECT(++runs_here < 3);
}

START_TEST(a_seed_that_fails_after_others_says_so)
{
    const tr_sim_options options = { .seed = 11, .together = 5 };
    char said[16384];

    /* So many, that on any machine some come third. */
    ck_assert_int_eq(WEXITSTATUS(end_of(fail_the_third_time, 200, &options, said, sizeof(said))),
                     1);
    ck_assert_ptr_nonnull(strstr(said, "alone it does not fail"));
    ck_assert_ptr_nonnull(strstr(said, " TROUPE_SEEDS=3\n"));
}
END_TEST

START_TEST(bad_options_are_refused)
{
    static const tr_sim_options bad[] = {
        { .preempt = 1.5 },     { .late = -1 },          { .stall = 2 },
        { .fail_memory = 1.1 }, { .fail_thread = -0.1 }, { .fail_call = __builtin_nan("") },
        { .time_limit = -1 },   { .cores = -1 },         { .together = -1 },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(tr_sim_run(ask_outside, NULL, &bad[i], NULL), TR_EINVAL);
        ck_assert_int_eq(tr_sim_explore(ask_outside, NULL, 1, &bad[i]), TR_EINVAL);
    }
    ck_assert_int_eq(tr_sim_run(NULL, NULL, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_sim_explore(NULL, NULL, 1, NULL), TR_EINVAL);
}
END_TEST

static void run_within(void *arg)
{
    tr_sim_thread *thread;

    (void)arg;
    EXPECT(tr_sim_run(ask_outside, NULL, NULL, NULL) == TR_EBUSY);
    EXPECT(tr_sim_explore(ask_outside, NULL, 1, NULL) == TR_EBUSY);
    EXPECT(tr_sim_thread_start(NULL, "x", add, NULL) == TR_EINVAL);
    EXPECT(tr_sim_thread_start(&thread, "x", NULL, NULL) == TR_EINVAL);
}

START_TEST(one_simulation_at_a_time)
{
    tr_sim_thread *thread;

    ck_assert_int_eq(tr_sim_run(run_within, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tr_sim_thread_start(&thread, "x", add, NULL), TR_EWRONGPLACE);
    ck_assert_ptr_null(thread);
}
END_TEST

static void drop_line(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

int main(void)
{
    Suite *suite = suite_create("sim/sim");
    TCase *tests = tcase_create("sim");
    SRunner *runner;
    int failed;

    tr_log_set(drop_line, NULL);
    (void)unsetenv("TROUPE_SEEDS"); /* they count how many are run */
    tcase_set_timeout(tests, 0);    /* ctest guards against hangs */
    tcase_add_loop_test(tests, the_same_seed_leaves_the_same_trace, 0, (int)scenario_count);
    tcase_add_loop_test(tests, the_same_seed_leaves_the_same_trace_again_in_one_process, 0,
                        (int)scenario_count);
    tcase_add_test(tests, another_seed_leaves_another_trace);
    tcase_add_test(tests, the_environment_may_give_the_seed);
    tcase_add_test(tests, an_hour_of_timeouts_takes_few_steps);
    tcase_add_test(tests, nothing_is_simulated_outside_of_a_run);
    tcase_add_test(tests, a_hang_is_named_with_all_who_wait);
    tcase_add_test(tests, a_run_without_an_end_is_ended);
    tcase_add_test(tests, a_loop_is_woken_though_another_one_never_waits);
    tcase_add_test(tests, threads_that_are_left_behind_are_named);
    tcase_add_test(tests, what_was_not_given_back_is_named);
    tcase_add_test(tests, what_is_expected_in_time_comes);
    tcase_add_test(tests, what_does_not_come_as_expected_is_named);
    tcase_add_test(tests, a_race_is_found_and_shown_with_the_fewest_preemptions);
    tcase_add_test(tests, without_preemptions_the_race_is_not_met);
    tcase_add_test(tests, each_call_of_a_start_may_fail);
    tcase_add_test(tests, seeds_run_in_processes_of_their_own_or_together);
    tcase_add_test(tests, the_environment_may_say_how_many_seeds);
    tcase_add_test(tests, a_seed_that_fails_after_others_says_so);
    tcase_add_test(tests, bad_options_are_refused);
    tcase_add_test(tests, one_simulation_at_a_time);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
