/* tr_main and tr_run as a whole program, in a process of its own: exit status, the line on stderr,
 * and signals. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/kit.h"

enum { TEXT_BYTES = 1024 };

static char text[TEXT_BYTES];

/* A program: its task, and how it is run. */
typedef struct program {
    tr_task_fn fn;
    int arg;
    const char *name;
    bool is_run;                      /* by tr_run: the result is the status */
    int signals;                      /* of the configuration */
    void (*before)(struct program *); /* in the child */
} program;

static void *run_here(void *arg)
{
    program *p = arg;
    tr_config cfg = { .loops = 2, .signals = p->signals };
    char *argv[] = { (char *)(uintptr_t)p->name, NULL };
    int status;

    /* As a shell starts a program; the test's runner has handlers of its own. */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    if (p->before != NULL)
        p->before(p);
    if (p->is_run)
        status = tr_run(p->fn, &p->arg, &cfg) == p->arg ? 0 : 1;
    else if (p->name != NULL)
        status = tr_main(1, argv, p->fn, &p->arg, &cfg);
    else
        status = tr_main(0, NULL, p->fn, &p->arg, &cfg);
    if (status != 0)
        kit_end_child(status);
    return NULL;
}

static void run_program(void *p)
{
#ifdef __SANITIZE_THREAD__
    pthread_t thread;

    /* TSan holds signals back while a thread sleeps in what it does not know to block; the first
     * thread gets them, and joins. */
    ck_assert_int_eq(pthread_create(&thread, NULL, run_here, p), 0);
    pthread_join(thread, NULL);
#else
    (void)run_here(p);
#endif
}

static int status_of(program *p)
{
    return kit_in_child(run_program, p, text, sizeof(text));
}

static void expect_exit(program p, int status)
{
    int got = status_of(&p);

    ck_assert_msg(WIFEXITED(got) && WEXITSTATUS(got) == status, "ended with %#x: %s", got, text);
}

static void expect_death(program p, int signo)
{
    int got = status_of(&p);

    ck_assert_msg(WIFSIGNALED(got) && WTERMSIG(got) == signo, "ended with %#x: %s", got, text);
}

static int return_it(void *arg)
{
    return *(int *)arg;
}

START_TEST(main_of_a_success_is_0_and_silent)
{
    expect_exit((program){ .fn = return_it, .arg = 0, .name = "a" }, 0);
    ck_assert_str_eq(text, "");
    expect_exit((program){ .fn = return_it, .arg = 42, .name = "a" }, 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(main_of_an_error_is_1_after_a_line_with_the_name_of_the_program)
{
    static const char *const names[][2] = {
        { "/usr/bin/fish", "fish: " },
        { "fish", "fish: " },
        { NULL, "troupe: " },
    };

    for (int i = 0; i < 3; i++) {
        expect_exit((program){ .fn = return_it, .arg = TR_EFULL, .name = names[i][0] }, 1);
        ck_assert_ptr_nonnull(strstr(text, tr_strerror(TR_EFULL)));
        ck_assert_ptr_nonnull(strstr(text, "(TR_EFULL)\n"));
        ck_assert_int_eq(strncmp(text, names[i][1], strlen(names[i][1])), 0);
        ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    }
    expect_exit((program){ .fn = NULL, .name = "a" }, 1);
    ck_assert_ptr_nonnull(strstr(text, "(TR_EINVAL)"));
}
END_TEST

/* ---- signals ---- */

static int kill_at_once(void *signo)
{
    (void)kill(getpid(), *(int *)signo);
    return tr_sleep(KIT_PATIENCE_S);
}

static bool has_disposition(int signo, void (*handler)(int))
{
    struct sigaction now;

    return sigaction(signo, NULL, &now) == 0 && now.sa_handler == handler;
}

/* The task begins before the signals are taken. */
static void await_handlers(void)
{
    while (has_disposition(SIGINT, SIG_DFL) || has_disposition(SIGTERM, SIG_DFL))
        (void)tr_yield();
}

/* Send the process the signal, and go on until it cancels this task. */
static int until_cancelled(void *signo)
{
    await_handlers();
    (void)kill(getpid(), *(int *)signo);
    return tr_sleep(KIT_PATIENCE_S);
}

static int until_cancelled_then_succeed(void *signo)
{
    (void)until_cancelled(signo);
    return 0;
}

static int fail_after_signal(void *signo)
{
    (void)until_cancelled(signo);
    return TR_EFULL;
}

START_TEST(main_cancelled_by_a_signal_ends_by_it)
{
    static const int signals[] = { SIGINT, SIGTERM };

    for (int i = 0; i < 2; i++) {
        expect_death((program){ .fn = until_cancelled, .arg = signals[i], .name = "a" },
                     signals[i]);
        ck_assert_str_eq(text, "");
        expect_death((program){ .fn = fail_after_signal, .arg = signals[i], .name = "a" },
                     signals[i]);
        expect_exit((program){ .fn = until_cancelled_then_succeed, .arg = signals[i], .name = "a" },
                    0);
    }
}
END_TEST

static int run_to_cancelled(void *signo)
{
    int rc = until_cancelled(signo);

    return rc == TR_ECANCELED ? *(int *)signo : rc;
}

START_TEST(run_cancelled_by_a_signal_returns_the_result_of_the_task)
{
    expect_exit((program){ .fn = run_to_cancelled, .arg = SIGINT, .is_run = true }, 0);
    expect_exit((program){ .fn = run_to_cancelled, .arg = SIGTERM, .is_run = true }, 0);
}
END_TEST

/* It does not end by itself: but a second signal comes. */
static int ignore_the_first(void *signo)
{
    (void)until_cancelled(signo);
    (void)kill(getpid(), *(int *)signo == SIGINT ? SIGTERM : SIGINT);
    TR_SHIELD(TR_FOREVER) {
        (void)tr_sleep(KIT_PATIENCE_S);
    }
    return 0;
}

START_TEST(run_is_ended_at_once_by_a_second_signal)
{
    expect_death((program){ .fn = ignore_the_first, .arg = SIGINT, .name = "a" }, SIGTERM);
    expect_death((program){ .fn = ignore_the_first, .arg = SIGTERM, .is_run = true }, SIGINT);
}
END_TEST

static void ignore_it(program *p)
{
    (void)signal(p->arg, SIG_IGN);
}

static int send_ignored(void *signo)
{
    int first = *(int *)signo;

    await_handlers();
    if (!has_disposition(first, SIG_IGN) || kill(getpid(), first) < 0 || tr_sleep(0.001) < 0)
        return TR_EFULL;
    *(int *)signo = first == SIGINT ? SIGTERM : SIGINT; /* the other one is taken, and counts */
    return until_cancelled_then_succeed(signo);
}

START_TEST(signal_that_is_ignored_stays_so)
{
    expect_exit((program){ .fn = send_ignored, .arg = SIGINT, .name = "a", .before = ignore_it },
                0);
    expect_exit((program){ .fn = send_ignored, .arg = SIGTERM, .name = "a", .before = ignore_it },
                0);
}
END_TEST

START_TEST(signals_that_are_left_alone_do_what_they_did)
{
    expect_death((program){ .fn = kill_at_once, .arg = SIGINT, .name = "a", .signals = -1 },
                 SIGINT);
    expect_death((program){ .fn = kill_at_once, .arg = SIGTERM, .is_run = true, .signals = -1 },
                 SIGTERM);
}
END_TEST

static void run_twice(program *p)
{
    int result = p->arg;

    for (int i = 0; i < 2; i++)
        if (tr_run(run_to_cancelled, &result, NULL) != p->arg)
            kit_end_child(3);
    if (!has_disposition(p->arg, SIG_DFL))
        kit_end_child(4);
    (void)raise(p->arg);
}

START_TEST(signals_are_as_before_after_each_run)
{
    expect_death((program){ .fn = return_it, .arg = SIGINT, .before = run_twice }, SIGINT);
    expect_death((program){ .fn = return_it, .arg = SIGTERM, .before = run_twice }, SIGTERM);
}
END_TEST

KIT_MAIN("program", main_of_a_success_is_0_and_silent,
         main_of_an_error_is_1_after_a_line_with_the_name_of_the_program,
         main_cancelled_by_a_signal_ends_by_it,
         run_cancelled_by_a_signal_returns_the_result_of_the_task,
         run_is_ended_at_once_by_a_second_signal, signal_that_is_ignored_stays_so,
         signals_that_are_left_alone_do_what_they_did, signals_are_as_before_after_each_run)
