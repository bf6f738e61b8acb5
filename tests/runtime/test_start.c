/* Starting: its users, its configuration, forks, and every way in which it can fail. */
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/seam.h"
#include "runtime/runtime.h"
#include "runtime/topology.h"
#include "support/kit.h"

enum { TEXT_BYTES = 4096 };

static void do_nothing(void *unused)
{
    (void)unused;
}

static void stop_now(void)
{
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

/* ---- users ---- */

START_TEST(start_counts_its_users)
{
    kit_start(2);
    ck_assert_int_eq(tr_start(NULL), 0);
    ck_assert_int_eq(tr_start(&(tr_config){ .loops = 7 }), 0);
    ck_assert_int_eq(tr_loop_count(), 2); /* it keeps the configuration it has */
    stop_now();
    stop_now();
    ck_assert_int_eq(tr_post(TR_LOOP(0), do_nothing, NULL), 0);
    kit_stop();
    ck_assert_int_eq(tr_loop_count(), 0);
    ck_assert_int_eq(tr_shutdown(1), TR_ESHUTDOWN);
}
END_TEST

START_TEST(runtime_that_was_never_started_says_so)
{
    ck_assert_int_eq(tr_loop_count(), 0);
    ck_assert_int_eq(tr_loop_current(), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_shutdown(1), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_post(TR_LOOP(0), do_nothing, NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr__runtime_check(), TR_ESHUTDOWN);
    ck_assert_uint_eq(tr__runtime_entry(), 0);
}
END_TEST

static void start_and_stop_here(void *arg)
{
    int *results = arg;

    results[0] = tr_start(NULL);
    results[1] = tr_shutdown(1);
}

START_TEST(start_and_shutdown_are_refused_on_a_loop)
{
    int results[2] = { 0, 0 };

    kit_start(1);
    kit_on_loop(0, start_and_stop_here, results);
    ck_assert_int_eq(results[0], TR_EWRONGPLACE);
    ck_assert_int_eq(results[1], TR_EWRONGPLACE);
    kit_stop();
}
END_TEST

static void *start_and_stop_often(void *unused)
{
    for (int i = 0; i < 50; i++) {
        int rc = tr_start(&(tr_config){ .loops = 1 });

        if (rc == 0)
            rc = tr_shutdown(KIT_PATIENCE_S);
        if (rc < 0 && rc != TR_ESHUTDOWN && rc != TR_EBUSY)
            return unused;
    }
    return NULL;
}

START_TEST(start_and_shutdown_of_many_threads_agree)
{
    pthread_t threads[4];
    int wrong = 1;

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, start_and_stop_often, &wrong), 0);
    for (int i = 0; i < 4; i++) {
        void *result;

        pthread_join(threads[i], &result);
        ck_assert_ptr_null(result);
    }
    /* Who was told EBUSY has not given back its start. */
    while (tr_shutdown(KIT_PATIENCE_S) == 0)
        ;
    ck_assert_int_eq(tr_loop_count(), 0);
}
END_TEST

/* ---- configuration ---- */

static void expect_refused(tr_config config)
{
    ck_assert_int_eq(tr_start(&config), TR_EINVAL);
    ck_assert_int_eq(tr_loop_count(), 0);
}

START_TEST(start_refuses_fields_out_of_range)
{
    expect_refused((tr_config){ .loops = -1 });
    expect_refused((tr_config){ .loops = TR__LOOPS_MAX + 1 });
    expect_refused((tr_config){ .budget_msgs = -1 });
    expect_refused((tr_config){ .shutdown_s = -0.5 });
    expect_refused((tr_config){ .shutdown_s = NAN });
}
END_TEST

START_TEST(start_knows_configurations_of_older_programs)
{
    tr_config config = { .loops = 3, .budget_msgs = -1 };

    ck_assert_int_eq(tr_start_sized(&config, 0), TR_EINVAL);
    ck_assert_int_eq(tr_start_sized(&config, sizeof(config) + 1), TR_EINVAL);
    ck_assert_int_eq(tr_start_sized(&config, sizeof(config)), TR_EINVAL);
    ck_assert_int_eq(tr_start_sized(&config, offsetof(tr_config, budget_msgs)), 0);
    ck_assert_int_eq(tr_loop_count(), 3);
    stop_now();
    ck_assert_int_eq(tr_start_sized(NULL, sizeof(config)), 0);
    stop_now();
}
END_TEST

START_TEST(start_takes_the_configuration_it_is_given)
{
    kit_start_with(
        &(tr_config){ .loops = 1, .budget_msgs = 5, .spin_us = 7, .shutdown_s = INFINITY });
    ck_assert_int_eq(tr__runtime.config.budget_msgs, 5);
    ck_assert_uint_eq(tr__runtime.loops[0]->budget, 5);
    ck_assert_uint_eq(tr__runtime.loops[0]->spin_ns, 7000);
    ck_assert(isinf(tr__runtime.config.shutdown_s));
    kit_stop();
}
END_TEST

START_TEST(start_makes_no_loop_spin_where_there_are_more_than_cores)
{
    kit_start_with(&(tr_config){ .loops = tr__topology_cores() + 1, .spin_us = 1000 });
    for (int i = 0; i < tr_loop_count(); i++)
        ck_assert_uint_eq(tr__runtime.loops[i]->spin_ns, 0);
    kit_stop();
}
END_TEST

START_TEST(start_can_make_a_thousand_loops)
{
    kit_start(TR__LOOPS_MAX);
    ck_assert_int_eq(tr_loop_count(), TR__LOOPS_MAX);
    kit_on_loop(TR__LOOPS_MAX - 1, NULL, NULL);
    kit_stop();
}
END_TEST

/* What a start makes of the environment, in a process of its own. */
typedef struct expectation {
    const char *variable;
    const char *value;
    tr_config given;
    int rc;
    tr_config expected;    /* 0: the default */
    const char *complaint; /* NULL: none */
} expectation;

static void start_as_the_environment_says(void *arg)
{
    const expectation *e = arg;
    const tr_config *got = &tr__runtime.config;
    int cores = tr__topology_cores();

    setenv(e->variable, e->value, 1);
    ck_assert_int_eq(tr_start(&e->given), e->rc);
    if (e->rc < 0)
        return;
    ck_assert_int_eq(got->loops, e->expected.loops != 0 ? e->expected.loops : cores);
    ck_assert_int_eq(tr_loop_count(), got->loops);
    ck_assert_int_eq(got->budget_msgs,
                     e->expected.budget_msgs != 0 ? e->expected.budget_msgs : 65536);
    if (got->loops <= cores && cores > 1)
        ck_assert_int_eq(got->spin_us, e->expected.spin_us != 0 ? e->expected.spin_us : 50);
    ck_assert(got->shutdown_s == (e->expected.shutdown_s != 0 ? e->expected.shutdown_s : 10));
    stop_now();
}

static void expect_start(expectation e)
{
    char text[TEXT_BYTES];
    int status = kit_in_child(start_as_the_environment_says, &e, text, sizeof(text));

    ck_assert_msg(status == 0, "%s=%s: %s", e.variable, e.value, text);
    if (e.complaint != NULL)
        ck_assert_ptr_nonnull(strstr(text, e.complaint));
    else
        ck_assert_str_eq(text, "");
}

START_TEST(start_reads_the_environment)
{
    expect_start((expectation){ "TROUPE_LOOPS", "3", .expected = { .loops = 3 } });
    expect_start((expectation){ "TROUPE_BUDGET", "77", .expected = { .budget_msgs = 77 } });
    expect_start((expectation){ "TROUPE_SPIN_US", "9", .given = { .loops = 1 },
                                .expected = { .loops = 1, .spin_us = 9 } });
    expect_start((expectation){ "TROUPE_SPIN_US", "-1", .given = { .loops = 1 },
                                .expected = { .loops = 1, .spin_us = -1 } });
    expect_start((expectation){ "TROUPE_SHUTDOWN_S", "0.25", .expected = { .shutdown_s = 0.25 } });
}
END_TEST

START_TEST(start_prefers_what_the_program_says_to_the_environment)
{
    expect_start(
        (expectation){ "TROUPE_LOOPS", "3", .given = { .loops = 2 }, .expected = { .loops = 2 } });
    expect_start((expectation){ "TROUPE_SHUTDOWN_S", "3", .given = { .shutdown_s = 4 },
                                .expected = { .shutdown_s = 4 } });
}
END_TEST

START_TEST(start_takes_the_default_where_the_environment_says_nothing)
{
    expect_start((expectation){ "TROUPE_LOOPS", "", .rc = 0 });
    expect_start((expectation){ "TROUPE_LOOPS", "0", .rc = 0 });
    expect_start((expectation){ "TROUPE_SHUTDOWN_S", "-5", .rc = 0 });
    expect_start((expectation){ "TROUPE_SHUTDOWN_S", "0", .rc = 0 });
}
END_TEST

START_TEST(start_complains_of_nonsense_in_the_environment_and_ignores_it)
{
    expect_start(
        (expectation){ "TROUPE_LOOPS", "many", .complaint = "TROUPE_LOOPS=many is not a number" });
    expect_start(
        (expectation){ "TROUPE_LOOPS", "3x", .complaint = "TROUPE_LOOPS=3x is not a number" });
    expect_start((expectation){ "TROUPE_BUDGET", "inf", .complaint = "is not a number" });
    expect_start((expectation){ "TROUPE_BUDGET", "1e30", .complaint = "out of range" });
    expect_start((expectation){ "TROUPE_BUDGET", "-1e30", .complaint = "out of range" });
    expect_start((expectation){ "TROUPE_SHUTDOWN_S", "nan", .complaint = "is not a number" });
}
END_TEST

START_TEST(start_refuses_an_environment_out_of_range)
{
    expect_start((expectation){ "TROUPE_LOOPS", "2000", .rc = TR_EINVAL });
    expect_start((expectation){ "TROUPE_LOOPS", "-2", .rc = TR_EINVAL });
    expect_start((expectation){ "TROUPE_BUDGET", "-2", .rc = TR_EINVAL });
}
END_TEST

/* ---- forks ---- */

static void note_signal(void *arg, int signo)
{
    (void)arg;
    (void)signo;
}

static void be_forked_while_it_runs(void *unused)
{
    tr_inbox *in;

    (void)unused;
    ck_assert_int_eq(tr_start(NULL), TR_EFORKED);
    ck_assert_int_eq(tr_shutdown(1), TR_EFORKED);
    ck_assert_int_eq(tr_post(TR_LOOP(0), do_nothing, NULL), TR_EFORKED);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, note_signal, NULL), TR_EFORKED);
    ck_assert_int_eq(tr_inbox_new(&in, 0), TR_EFORKED);
    ck_assert_ptr_null(in);
}

static void be_forked_after_it_stopped(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_shutdown(1), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_start(&(tr_config){ .loops = 2 }), 0);
    stop_now();
}

START_TEST(child_of_fork_is_refused_while_the_parent_goes_on)
{
    char text[TEXT_BYTES];

    kit_start(2);
    ck_assert_int_eq(kit_in_child(be_forked_while_it_runs, NULL, text, sizeof(text)), 0);
    kit_on_loop(1, NULL, NULL);
    kit_stop();
}
END_TEST

START_TEST(child_of_fork_may_start_what_was_stopped)
{
    char text[TEXT_BYTES];

    kit_start(1);
    kit_stop();
    ck_assert_int_eq(kit_in_child(be_forked_after_it_stopped, NULL, text, sizeof(text)), 0);
}
END_TEST

/* ---- failing ---- */

typedef struct ground {
    int descriptors;
    int threads;
    bool is_lasting;
} ground;

static ground ground_now(bool is_lasting)
{
    return (ground){ kit_open_descriptors(), kit_threads(), is_lasting };
}

static void expect_ground(const ground *g)
{
    ck_assert_int_eq(kit_open_descriptors(), g->descriptors);
    while (kit_threads() != g->threads) /* joined, and about to leave the list */
        sched_yield();
    ck_assert_int_eq(tr_loop_count(), 0);
}

static void try_start(void *ctx, int n)
{
    const ground *g = ctx;
    int rc;

    if (g->is_lasting)
        tr__fault_arm((uint64_t)n, true);
    rc = tr_start(&(tr_config){ .loops = 3 });
    ck_assert(rc == 0 || rc == TR_ENOMEM || rc == TR_EAGAIN || rc == -EMFILE);
    if (rc == 0)
        stop_now();
    else
        ck_assert_int_eq(tr_shutdown(1), TR_ESHUTDOWN);
    expect_ground(g);
    if (g->is_lasting)
        return;
    /* The one fault is over: nothing stands in the way any more. */
    ck_assert(rc == 0 || tr_start(&(tr_config){ .loops = 3 }) == 0);
    if (rc < 0)
        stop_now();
    expect_ground(g);
}

START_TEST(start_that_fails_anywhere_leaves_nothing_and_can_be_repeated)
{
    ground g = ground_now(false);

    ck_assert_int_gt(kit_for_every_fault(try_start, &g), 20);
}
END_TEST

START_TEST(start_that_fails_for_good_leaves_nothing)
{
    ground g = ground_now(true);

    ck_assert_int_gt(kit_for_every_fault(try_start, &g), 20);
    ck_assert_int_eq(tr_start(&(tr_config){ .loops = 3 }), 0);
    stop_now();
}
END_TEST

static void start_with_few_descriptors(void *unused)
{
    struct rlimit all;
    int refused = 0;

    (void)unused;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    for (rlim_t most = 0; most < 40; most++) {
        struct rlimit few = { most, all.rlim_max };
        int rc;

        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        rc = tr_start(&(tr_config){ .loops = 3 });
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
        ck_assert_msg(rc == 0 || rc == -EMFILE, "%s", tr_strerror(rc));
        refused += rc < 0;
        if (rc == 0)
            stop_now();
    }
    ck_assert_int_gt(refused, 5);
    ck_assert_int_lt(refused, 40);
}

START_TEST(start_without_descriptors_says_so)
{
    char text[TEXT_BYTES];

    ck_assert_int_eq(kit_in_child(start_with_few_descriptors, NULL, text, sizeof(text)), 0);
}
END_TEST

/* A start that fails lets go of the gate while it waits for the threads that it has started:
 * another thread's shutdown must not take its loops away then. */
static int threads_started;
static int meddled_rc[2];

typedef struct loop_thread {
    void *(*entry)(void *);
    void *arg;
} loop_thread;

static void *run_and_meddle(void *arg)
{
    loop_thread *t = arg;

    (void)t->entry(t->arg);
    meddled_rc[0] = tr_shutdown(1);
    meddled_rc[1] = tr_start(NULL);
    return NULL;
}

static uint64_t any_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t any_dice(void)
{
    return 4;
}

static int start_one_thread_only(pthread_t *out, void *(*entry)(void *), void *arg)
{
    static loop_thread first;

    if (threads_started++ > 0)
        return TR_EAGAIN;
    first = (loop_thread){ entry, arg };
    return pthread_create(out, NULL, run_and_meddle, &first) == 0 ? 0 : TR_EAGAIN;
}

START_TEST(start_that_fails_is_not_disturbed_by_a_shutdown)
{
    const tr__seam seam = {
        .alloc = malloc,
        .free = free,
        .now_ns = any_time,
        .dice = any_dice,
        .thread_start = start_one_thread_only,
    };
    ground g = ground_now(false);

    tr__seam_set(&seam);
    ck_assert_int_eq(tr_start(&(tr_config){ .loops = 3 }), TR_EAGAIN);
    tr__seam_set(NULL);
    ck_assert_int_eq(meddled_rc[0], TR_ESHUTDOWN);
    ck_assert_int_eq(meddled_rc[1], TR_ESHUTDOWN);
    expect_ground(&g);
    ck_assert_int_eq(tr_start(&(tr_config){ .loops = 3 }), 0);
    stop_now();
}
END_TEST

START_TEST(runtime_grows_by_nothing_over_a_thousand_starts)
{
    ground g = ground_now(false);

    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(tr_start(&(tr_config){ .loops = 2 }), 0);
        stop_now();
    }
    expect_ground(&g);
}
END_TEST

KIT_MAIN("runtime/start", start_counts_its_users, runtime_that_was_never_started_says_so,
         start_and_shutdown_are_refused_on_a_loop, start_and_shutdown_of_many_threads_agree,
         start_refuses_fields_out_of_range, start_knows_configurations_of_older_programs,
         start_takes_the_configuration_it_is_given,
         start_makes_no_loop_spin_where_there_are_more_than_cores, start_can_make_a_thousand_loops,
         start_reads_the_environment, start_prefers_what_the_program_says_to_the_environment,
         start_takes_the_default_where_the_environment_says_nothing,
         start_complains_of_nonsense_in_the_environment_and_ignores_it,
         start_refuses_an_environment_out_of_range,
         child_of_fork_is_refused_while_the_parent_goes_on,
         child_of_fork_may_start_what_was_stopped,
         start_that_fails_anywhere_leaves_nothing_and_can_be_repeated,
         start_that_fails_for_good_leaves_nothing, start_without_descriptors_says_so,
         start_that_fails_is_not_disturbed_by_a_shutdown,
         runtime_grows_by_nothing_over_a_thousand_starts)
