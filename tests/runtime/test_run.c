/* Programs: tr_run, tr_main, and the signals that cancel them, each in a process of its own. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/actors.h"
#include "support/places.h"

/* ---- tr_run ---- */

typedef struct seen {
    int result;
    int calls;
    int loop;
    int loops;
} seen;

static int note_and_return(void *arg)
{
    seen *s = arg;

    s->calls++;
    s->loop = tr_loop_current();
    s->loops = tr_loop_count();
    return s->result;
}

START_TEST(run_passes_the_result_on_time_and_again)
{
    static const int results[] = { 0, 1, INT32_MAX, -1, TR_EDEAD, TR_ECANCELED, TR_ESHUTDOWN };

    for (size_t i = 0; i < 3 * sizeof(results) / sizeof(results[0]); i++) {
        seen s = { .result = results[i % 7] };
        tr_config config = { .loops = 1 + (int)i % 4 };

        ck_assert_int_eq(tr_run(note_and_return, &s, &config), s.result);
        ck_assert_int_eq(s.calls, 1);
        ck_assert_int_eq(s.loop, TR_LOOP(0));
        ck_assert_int_eq(s.loops, config.loops);
        ck_assert_int_eq(tr_loop_count(), 0);
        kit_expect_balance();
    }
    ck_assert_int_eq(tr_run(note_and_return, &(seen){ .result = 3 }, NULL), 3);
}
END_TEST

static void expect_one_run(void)
{
    seen s = { .result = 4 };

    ck_assert_int_eq(tr_run(note_and_return, &s, &(tr_config){ .loops = 4 }), 4);
    ck_assert_int_eq(s.loops, 2); /* a running runtime keeps what it has */
}

START_TEST(run_beside_a_start_leaves_the_runtime_running)
{
    kit_start(2);
    expect_one_run();
    expect_one_run();
    ck_assert_int_eq(tr_loop_count(), 2);
    kit_on_loop(1, NULL, NULL);
    kit_stop();
}
END_TEST

static void *run_often(void *result)
{
    for (int i = 0; i < 50; i++) {
        seen s = { .result = (int)(intptr_t)result };
        int rc = tr_run(note_and_return, &s, &(tr_config){ .loops = 2 });

        /* In between it stops now and then. */
        ck_assert(rc == s.result || rc == TR_ESHUTDOWN || rc == TR_EBUSY);
        ck_assert_int_eq(s.calls, rc == s.result);
    }
    return NULL;
}

START_TEST(runs_of_two_threads_do_not_mix)
{
    pthread_t threads[2];

    kit_start(2);
    for (int keeps_running = 1; keeps_running >= 0; keeps_running--) {
        for (intptr_t i = 0; i < 2; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, (void *)(i + 1)), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        if (keeps_running)
            kit_stop();
    }
    ck_assert_int_eq(tr_loop_count(), 0);
}
END_TEST

static void run_here(void *wanted)
{
    seen s = { .calls = 0 };

    ck_assert_int_eq(tr_run(note_and_return, &s, NULL), (int)(intptr_t)wanted);
    ck_assert_int_eq(s.calls, 0);
}

START_TEST(run_on_a_loop_is_refused)
{
    kit_start(2);
    for (kit_place place = KIT_CALLBACK_0; place < KIT_PLACES; place++)
        kit_in_place(place, run_here, (void *)(intptr_t)TR_EWRONGPLACE);
    kit_stop();
}
END_TEST

START_TEST(run_in_a_child_of_fork_is_refused)
{
    char text[512];

    kit_start(2);
    ck_assert_int_eq(kit_in_child(run_here, (void *)(intptr_t)TR_EFORKED, text, sizeof(text)), 0);
    kit_stop();
}
END_TEST

START_TEST(run_with_a_bad_configuration_is_refused)
{
    seen s = { .calls = 0 };
    int *loops = malloc(sizeof(*loops)); /* an older program's whole configuration */

    ck_assert_int_eq(tr_run(note_and_return, &s, &(tr_config){ .loops = -1 }), TR_EINVAL);
    ck_assert_int_eq(tr_run(NULL, &s, NULL), TR_EINVAL);
    ck_assert_int_eq(tr__run(note_and_return, &s, "f", NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr__run(note_and_return, &s, "f", NULL, sizeof(tr_config) + 1), TR_EINVAL);
    ck_assert_int_eq(s.calls, 0);
    *loops = 1;
    ck_assert_int_eq(
        tr__run(note_and_return, &s, "f", (const tr_config *)(const void *)loops, sizeof(*loops)),
        0);
    ck_assert_int_eq(s.loops, 1);
    free(loops);
}
END_TEST

static int sleep_until_cancelled(void *arg)
{
    int rc = tr_sleep(TR_FOREVER);

    ck_assert_int_eq(rc, TR_ECANCELED);
    kit_count(arg);
    return rc;
}

static int leave_others(void *ends)
{
    ck_assert_int_eq(tr_task_spawn(NULL, sleep_until_cancelled, ends), 0);
    ck_assert_int_eq(tr_task_spawn_on(NULL, TR_LOOP(1), sleep_until_cancelled, ends), 0);
    return 5;
}

START_TEST(run_ends_the_tasks_that_are_left)
{
    uint32_t ends = 0;

    ck_assert_int_eq(tr_run(leave_others, &ends, &(tr_config){ .loops = 2 }), 5);
    ck_assert_uint_eq(kit_counted(&ends), 2);
    kit_expect_balance();
}
END_TEST

static tr_future *let_go;

static int outlast(void *unused)
{
    (void)unused;
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_await(let_go), 0);
    }
    return 0;
}

static int leave_a_stubborn_one(void *result)
{
    ck_assert_int_eq(tr_future_new(&let_go), 0);
    ck_assert_int_eq(tr_task_spawn(NULL, outlast, NULL), 0);
    return *(int *)result;
}

START_TEST(run_says_what_does_not_end_in_time_unless_the_task_has_failed)
{
    tr_config config = { .loops = 1, .shutdown_s = 0.05 };
    int results[] = { 5, -6 };

    tr_log_set(NULL, NULL);
    setenv("TROUPE_LOG", "off", 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tr_run(leave_a_stubborn_one, &results[i], &config),
                         i == 0 ? TR_ETIMEDOUT : -6);
        ck_assert_int_eq(tr_future_resolve(let_go, NULL, NULL), 0);
        tr_future_unref(let_go);
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        kit_expect_balance();
    }
}
END_TEST

/* ---- tr_main: its status, and what it says ---- */

static int give_back(void *result)
{
    return *(int *)result;
}

typedef struct program {
    int argc;
    const char *path;
    int result;
} program;

static void be_program(void *arg)
{
    program *p = arg;
    char *argv[] = { (char *)(uintptr_t)p->path, NULL };

    tr_log_set(NULL, NULL);
    kit_end_child(tr_main(p->argc, p->argc >= 0 ? argv : NULL, give_back, &p->result,
                          &(tr_config){ .loops = 1 }));
}

START_TEST(main_turns_success_into_0_and_says_nothing)
{
    char text[512];

    for (int i = 0; i < 3; i++) {
        program p = { .argc = 1, .path = "/usr/bin/app", .result = i * 256 };

        ck_assert_int_eq(kit_in_child(be_program, &p, text, sizeof(text)), 0);
        ck_assert_str_eq(text, "");
    }
}
END_TEST

START_TEST(main_turns_an_error_into_1_and_a_line)
{
    static const struct {
        program p;
        const char *line;
    } cases[] = {
        { { 1, "/usr/bin/app", TR_EDEAD }, "app: the actor has ended, or never was (TR_EDEAD)\n" },
        { { 1, "app", TR_ECANCELED }, "app: cancelled (TR_ECANCELED)\n" }, /* by no signal */
        { { 0, NULL, TR_EINVAL }, "troupe: an argument is invalid (TR_EINVAL)\n" },
        { { 1, NULL, TR_EINVAL }, "troupe: an argument is invalid (TR_EINVAL)\n" },
        { { -1, NULL, TR_EINVAL }, "troupe: an argument is invalid (TR_EINVAL)\n" },
        { { 1, "/", TR_EINVAL }, ": an argument is invalid (TR_EINVAL)\n" },
    };
    char text[512];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        program p = cases[i].p;
        int status = kit_in_child(be_program, &p, text, sizeof(text));

        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 1);
        ck_assert_str_eq(text, cases[i].line);
    }
}
END_TEST

/* ---- signals ---- */

typedef struct signalled {
    int first;  /* that the task sends to its own process */
    int second; /* 0: none */
    int result; /* of the task once it is cancelled; 0: TR_ECANCELED */
    int config_signals;
    bool is_ignored; /* SIGINT is, before */
} signalled;

#ifdef __SANITIZE_THREAD__
static void *raise_it(void *arg)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL); /* loops' threads block them */
    ck_assert_int_eq(raise((int)(intptr_t)arg), 0);
    return NULL;
}

/* TSan puts the handler off until the thread's next call that it knows, and the main thread makes
 * none: it sleeps. */
static void send_signal(int signo)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, raise_it, (void *)(intptr_t)signo), 0);
    pthread_join(thread, NULL);
}
#else
static void send_signal(int signo)
{
    ck_assert_int_eq(kill(getpid(), signo), 0); /* it interrupts the main thread */
}
#endif

static struct sigaction now(int signo)
{
    struct sigaction action;

    ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
    return action;
}

static int be_signalled(void *arg)
{
    const signalled *s = arg;
    int rc;

    if (s->is_ignored)
        ck_assert(now(SIGINT).sa_handler == SIG_IGN);
    send_signal(s->first);
    rc = tr_sleep(KIT_PATIENCE_S);
    ck_assert_int_eq(rc, TR_ECANCELED);
    if (s->second != 0) {
        TR_SHIELD(TR_FOREVER) {
            send_signal(s->second);
            (void)tr_sleep(KIT_PATIENCE_S);
        }
        return -1;
    }
    return s->result != 0 ? s->result : rc;
}

static void be_signalled_program(void *arg)
{
    const signalled *s = arg;
    char *argv[] = { (char *)(uintptr_t) "app", NULL };

    if (s->is_ignored)
        (void)signal(SIGINT, SIG_IGN);
    kit_end_child(tr_main(1, argv, be_signalled, arg,
                          &(tr_config){ .loops = 2, .signals = s->config_signals }));
}

static int run_signalled(signalled s, char *text, size_t text_bytes)
{
    return kit_in_child(be_signalled_program, &s, text, text_bytes);
}

START_TEST(signal_cancels_the_task_and_the_process_dies_by_it)
{
    static const int signals[] = { SIGINT, SIGTERM };
    char text[512];

    for (int i = 0; i < 2; i++) {
        int status = run_signalled((signalled){ .first = signals[i] }, text, sizeof(text));

        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), signals[i]);
        ck_assert_str_eq(text, "");
        /* Another error than that of being cancelled counts as little. */
        status =
            run_signalled((signalled){ .first = signals[i], .result = -5 }, text, sizeof(text));
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), signals[i]);
    }
}
END_TEST

START_TEST(task_that_ends_well_after_a_signal_is_a_success)
{
    char text[512];

    ck_assert_int_eq(
        run_signalled((signalled){ .first = SIGTERM, .result = 7 }, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(second_signal_ends_the_process_at_once)
{
    static const int signals[] = { SIGINT, SIGTERM };
    char text[512];

    for (int first = 0; first < 2; first++)
        for (int second = 0; second < 2; second++) {
            int status =
                run_signalled((signalled){ .first = signals[first], .second = signals[second] },
                              text, sizeof(text));

            ck_assert(WIFSIGNALED(status));
            ck_assert_int_eq(WTERMSIG(status), signals[second]);
        }
}
END_TEST

/* It sends itself a SIGINT in vain first: were that not ignored, SIGTERM would be the second. */
static int be_interrupted_in_vain(void *arg)
{
    send_signal(SIGINT);
    return be_signalled(arg);
}

static void be_background_job(void *arg)
{
    char *argv[] = { (char *)(uintptr_t) "app", NULL };

    (void)signal(SIGINT, SIG_IGN);
    kit_end_child(tr_main(1, argv, be_interrupted_in_vain, arg, &(tr_config){ .loops = 1 }));
}

START_TEST(signal_that_the_parent_ignores_stays_ignored)
{
    signalled s = { .first = SIGTERM, .result = 7, .is_ignored = true };
    char text[512];

    ck_assert_int_eq(kit_in_child(be_background_job, &s, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(program_that_wants_no_signals_dies_by_the_first)
{
    signalled s = { .first = SIGTERM, .result = 7, .config_signals = -1 };
    char text[512];
    int status = run_signalled(s, text, sizeof(text));

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

static volatile sig_atomic_t own_calls;

static void own_handler(int signo)
{
    (void)signo;
    own_calls++;
}

static int expect_own_handler(void *unused)
{
    (void)unused;
    ck_assert(now(SIGTERM).sa_handler == own_handler);
    return 0;
}

static int wait_for_cancel(void *unused)
{
    (void)unused;
    ck_assert(now(SIGTERM).sa_handler != own_handler);
    send_signal(SIGTERM);
    return tr_sleep(KIT_PATIENCE_S);
}

static void run_with_own_handler(void *keeps_running)
{
    struct sigaction own = { .sa_handler = own_handler };
    tr_config without = { .loops = 2, .signals = -1 };
    tr_config with = { .loops = 2 };

    ck_assert_int_eq(sigaction(SIGTERM, &own, NULL), 0);
    if (keeps_running != NULL)
        ck_assert_int_eq(tr_start(&with), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_run(expect_own_handler, NULL, &without), 0);
        own_calls = 0;
        ck_assert_int_eq(tr_run(wait_for_cancel, NULL, &with), TR_ECANCELED);
        ck_assert_int_eq(own_calls, 0);
        ck_assert(now(SIGTERM).sa_handler == own_handler); /* as before */
        ck_assert(now(SIGINT).sa_handler == SIG_DFL);
        ck_assert_int_eq(raise(SIGTERM), 0);
        ck_assert_int_eq(own_calls, 1);
        /* The one that cancelled the last one is forgotten. */
        ck_assert_int_eq(tr_run(note_and_return, &(seen){ .result = 3 }, &with), 3);
    }
    if (keeps_running != NULL)
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

START_TEST(signals_do_what_they_did_before_once_a_run_is_over)
{
    char text[512];
    int status;

    for (uintptr_t keeps_running = 0; keeps_running < 2; keeps_running++) {
        status = kit_in_child(run_with_own_handler, (void *)keeps_running, text, sizeof(text));
        ck_assert_msg(status == 0, "%x: %s", (unsigned)status, text);
    }
}
END_TEST

/* Output that stands in a buffer is written although the process dies by a signal. */
static void print_and_be_signalled(void *arg)
{
    static char buffer[256];

    setvbuf(stderr, buffer, _IOFBF, sizeof(buffer));
    (void)fputs("not lost", stderr);
    be_signalled_program(arg);
}

START_TEST(what_was_printed_before_a_death_by_signal_is_not_lost)
{
    signalled s = { .first = SIGINT };
    char text[512];

    ck_assert(WIFSIGNALED(kit_in_child(print_and_be_signalled, &s, text, sizeof(text))));
    ck_assert_str_eq(text, "not lost");
}
END_TEST

KIT_MAIN("runtime/run", run_passes_the_result_on_time_and_again,
         run_beside_a_start_leaves_the_runtime_running, runs_of_two_threads_do_not_mix,
         run_on_a_loop_is_refused, run_in_a_child_of_fork_is_refused,
         run_with_a_bad_configuration_is_refused, run_ends_the_tasks_that_are_left,
         run_says_what_does_not_end_in_time_unless_the_task_has_failed,
         main_turns_success_into_0_and_says_nothing, main_turns_an_error_into_1_and_a_line,
         signal_cancels_the_task_and_the_process_dies_by_it,
         task_that_ends_well_after_a_signal_is_a_success, second_signal_ends_the_process_at_once,
         signal_that_the_parent_ignores_stays_ignored,
         program_that_wants_no_signals_dies_by_the_first,
         signals_do_what_they_did_before_once_a_run_is_over,
         what_was_printed_before_a_death_by_signal_is_not_lost)
