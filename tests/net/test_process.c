/* Programs: how they begin, what they say, and how they end. Nothing of them is left. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <troupe/net.h>
#include <unistd.h>

#include "base/seam.h"
#include "support/tasks.h"

#define SH(text)                                                                                   \
    (const char *const[])                                                                          \
    {                                                                                              \
        "sh", "-c", (text), NULL                                                                   \
    }

/* No child of this process is left, whether it runs or is a zombie. */
static void expect_no_child(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static void run_in_task(int (*body)(void *))
{
    kit_run_task(1, body, NULL);
    expect_no_child();
}

#define IN_TASK(name)                                                                              \
    static int name##_body(void *unused);                                                          \
    START_TEST(name)                                                                               \
    {                                                                                              \
        run_in_task(name##_body);                                                                  \
    }                                                                                              \
    END_TEST                                                                                       \
    static int name##_body(void *unused TR__UNUSED_VARIABLE)

static void expect_output(const char *const *argv, const tr_process_options *o, const char *text)
{
    tr_process_result r;

    ck_assert_int_eq(tr_process_run(&r, argv, o), 0);
    ck_assert_int_eq(r.status, 0);
    ck_assert_str_eq(r.out, text);
    ck_assert_uint_eq(r.out_bytes, strlen(text));
    tr_process_result_free(&r);
}

/* ---- running to the end ---- */

IN_TASK(what_a_program_says_is_collected)
{
    tr_process_result r;

    ck_assert_int_eq(tr_process_run(&r, SH("echo out; echo err >&2; exit 3"), NULL), 0);
    ck_assert_int_eq(r.status, 3);
    ck_assert_str_eq(r.out, "out\n");
    ck_assert_str_eq(r.err, "err\n");
    tr_process_result_free(&r);
    ck_assert_ptr_null(r.out);
    tr_process_result_free(&r);
    tr_process_result_free(NULL);
    return 0;
}

IN_TASK(a_program_that_says_nothing_has_empty_texts)
{
    tr_process_result r;

    ck_assert_int_eq(tr_process_run(&r, SH("exec cat"), NULL), 0); /* it reads the end at once */
    ck_assert_str_eq(r.out, "");
    ck_assert_str_eq(r.err, "");
    tr_process_result_free(&r);
    return 0;
}

IN_TASK(a_signal_that_ends_it_is_its_status)
{
    tr_process_result r;

    ck_assert_int_eq(tr_process_run(&r, SH("kill -9 $$"), NULL), 0);
    ck_assert_int_eq(r.status, -SIGKILL);
    tr_process_result_free(&r);
    return 0;
}

IN_TASK(input_larger_than_a_pipe_goes_through)
{
    enum { BYTES = 3000000 };
    char *input = malloc(BYTES);
    tr_process_options o = { .input = input, .input_bytes = BYTES };
    tr_process_result r;

    ck_assert_ptr_nonnull(input);
    memset(input, 'x', BYTES);
    ck_assert_int_eq(tr_process_run(&r, SH("cat"), &o), 0);
    ck_assert_uint_eq(r.out_bytes, BYTES);
    ck_assert_int_eq(memcmp(r.out, input, BYTES), 0);
    tr_process_result_free(&r);
    free(input);
    return 0;
}

IN_TASK(a_program_need_not_read_its_input)
{
    enum { BYTES = 1000000 };
    char *input = calloc(1, BYTES);
    tr_process_options o = { .input = input, .input_bytes = BYTES };

    expect_output(SH("echo no"), &o, "no\n");
    free(input);
    return 0;
}

IN_TASK(complaints_go_where_output_goes)
{
    expect_output(SH("echo a; echo b >&2; echo c"), &(tr_process_options){ .err = TR_STDIO_OUT },
                  "a\nb\nc\n");
    return 0;
}

IN_TASK(a_program_that_says_too_much_is_killed)
{
    tr_process_options o = { .most = 1000 };
    tr_process_result r;

    ck_assert_int_eq(tr_process_run(&r, SH("while :; do echo more; done"), &o), TR_ETOOLARGE);
    ck_assert_ptr_null(r.out);
    o.most = 5;
    expect_output(SH("echo abcd"), &o, "abcd\n");
    ck_assert_int_eq(tr_process_run(&r, SH("echo abcde"), &o), TR_ETOOLARGE);
    return 0;
}

IN_TASK(a_deadline_kills_it)
{
    tr_process_result r;
    int rc = 1;

    TR_DEADLINE(0.01, &rc) {
        rc = tr_process_run(&r, SH("exec sleep 1000"), NULL);
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    ck_assert_ptr_null(r.out);
    expect_no_child();
    return 0;
}

/* ---- what it begins with ---- */

IN_TASK(a_program_that_is_not_there_is_an_error_of_the_start)
{
    const char *const nowhere[] = { "troupe-no-such-program", NULL };
    const char *const no_path[] = { "/nonexistent/program", NULL };
    const char *const no_program[] = { "/etc/passwd", NULL };
    tr_process *p = (void *)1;

    ck_assert_int_eq(tr_process_spawn(&p, nowhere, NULL), TR_ENOENT);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(tr_process_spawn(&p, no_path, NULL), TR_ENOENT);
    ck_assert_int_eq(tr_process_spawn(&p, no_program, NULL), -EACCES);
    ck_assert_int_eq(tr_process_spawn(&p, SH(":"), &(tr_process_options){ .cwd = "/nonexistent" }),
                     TR_ENOENT);
    ck_assert_int_eq(tr_process_spawn(&p, SH(":"), &(tr_process_options){ .cwd = "/etc/passwd" }),
                     -ENOTDIR);
    ck_assert_int_eq(
        tr_process_spawn(&p, SH(":"), &(tr_process_options){ .out = TR_STDIO_FD(1000) }), -EBADF);
    expect_no_child();
    return 0;
}

IN_TASK(it_begins_in_its_directory_with_its_environment)
{
    const char *const env[] = { "GREETING=hello", NULL };

    expect_output(SH("pwd; echo $GREETING"), &(tr_process_options){ .cwd = "/etc", .env = env },
                  "/etc\nhello\n");
    return 0;
}

IN_TASK(it_has_no_descriptors_but_its_own)
{
    int plain = dup(0); /* not closed on exec */

    ck_assert_int_ge(plain, 3);
    expect_output(SH("ls /proc/self/fd | wc -l"), NULL, "4\n"); /* ls has opened the directory */
    close(plain);
    return 0;
}

IN_TASK(descriptors_are_placed_in_any_order)
{
    int ends[2];
    char text[16] = "";
    tr_process *p;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(tr_process_spawn(&p, SH("echo one; echo two >&2"),
                                      &(tr_process_options){ .in = TR_STDIO_NULL,
                                                             .out = TR_STDIO_FD(ends[1]),
                                                             .err = TR_STDIO_OUT }),
                     0);
    ck_assert_int_eq(tr_process_wait(p, NULL), 0);
    ck_assert_int_eq(read(ends[0], text, sizeof(text)), 8);
    ck_assert_str_eq(text, "one\ntwo\n");
    ck_assert_int_eq(tr_process_free(p), 0);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* 2 as output, and 1 for complaints: neither may be lost while the other is placed. */
IN_TASK(standard_descriptors_are_exchanged)
{
    int ends[2];
    int before[2] = { dup(1), dup(2) };
    char text[16] = "";
    tr_process *p;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], 2), 2);
    ck_assert_int_eq(
        tr_process_spawn(&p, SH("echo out"),
                         &(tr_process_options){ .out = TR_STDIO_FD(2), .err = TR_STDIO_FD(1) }),
        0);
    ck_assert_int_eq(dup2(before[1], 2), 2);
    ck_assert_int_eq(tr_process_wait(p, NULL), 0);
    ck_assert_int_eq(read(ends[0], text, sizeof(text)), 4);
    ck_assert_str_eq(text, "out\n");
    ck_assert_int_eq(tr_process_free(p), 0);
    for (int i = 0; i < 2; i++) {
        close(before[i]);
        close(ends[i]);
    }
    return 0;
}

IN_TASK(it_ignores_and_blocks_no_signals)
{
    struct sigaction ignored = { .sa_handler = SIG_IGN };
    struct sigaction before;

    ck_assert_int_eq(sigaction(SIGPIPE, &ignored, &before), 0);
    expect_output(SH("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '0\\t\\n'"), NULL,
                  "SigBlk:SigIgn:");
    ck_assert_int_eq(sigaction(SIGPIPE, &before, NULL), 0);
    return 0;
}

IN_TASK(it_may_have_a_session_of_its_own)
{
    expect_output(SH("read a b c d e session rest </proc/$$/stat; [ $session = $$ ] && echo own"),
                  &(tr_process_options){ .new_session = true }, "own\n");
    return 0;
}

IN_TASK(it_may_run_as_somebody_else)
{
    tr_process_options o = { .uid = 65534, .gid = 65533 };
    tr_process_result r;

    if (geteuid() == 0)
        expect_output(SH("id -u; id -g; id -G"), &o, "65534\n65533\n65533\n");
    else
        ck_assert_int_eq(tr_process_run(&r, SH(":"), &o), TR_EPERM);
    o.gid = 0;
    ck_assert_int_eq(tr_process_run(&r, SH(":"), &o), TR_EINVAL);
    return 0;
}

/* ---- conversation, and the end ---- */

IN_TASK(a_conversation_goes_through_pipes)
{
    tr_process *p;
    const char *line;
    int status = 1;

    ck_assert_int_eq(
        tr_process_spawn(&p, SH("while read word; do echo \"<$word>\"; done; exit 7"),
                         &(tr_process_options){ .in = TR_STDIO_PIPE, .out = TR_STDIO_PIPE }),
        0);
    ck_assert_ptr_null(tr_process_stderr(p));
    ck_assert_int_gt(tr_process_pid(p), 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_write_all(tr_process_stdin(p), "word\n", 5), 0);
        ck_assert_int_eq(tr_read_until(tr_process_stdout(p), &line, "\n", 100), 7);
        ck_assert_int_eq(memcmp(line, "<word>\n", 7), 0);
    }
    ck_assert_int_eq(tr_close_write(tr_process_stdin(p)), 0);
    ck_assert_int_eq(tr_read_until(tr_process_stdout(p), &line, "\n", 100), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tr_process_wait(p, &status), 0);
        ck_assert_int_eq(status, 7);
    }
    ck_assert_int_eq(tr_process_kill(p, SIGTERM), TR_EALREADY);
    ck_assert_int_eq(tr_process_stop(p, 1), 0);
    ck_assert_int_eq(tr_process_free(p), 0);
    return 0;
}

struct wait_for_args {
    tr_process *p;
    int *status;
};

static int wait_for(void *arg)
{
    const struct wait_for_args *a = arg;

    return tr_process_wait(a->p, a->status);
}

IN_TASK(several_tasks_wait_for_one)
{
    int statuses[3] = { 0 };
    tr_process *p;
    int rc = 1;

    ck_assert_int_eq(tr_process_spawn(&p, SH("exec sleep 1000"), NULL), 0);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(tr_go(s, wait_for, .p = p, .status = &statuses[i]), 0);
        kit_let_others_run();
        TR_DEADLINE(0.001, &rc) {
            rc = tr_process_wait(p, NULL);
        }
        ck_assert_int_eq(rc, TR_ETIMEDOUT);
        ck_assert_int_eq(tr_process_kill(p, 0), 0);
        ck_assert_int_eq(tr_process_kill(p, 1000), TR_EINVAL);
        ck_assert_int_eq(tr_process_kill(p, SIGUSR1), 0);
    }
    ck_assert_int_eq(rc, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(statuses[i], -SIGUSR1);
    expect_no_child();
    ck_assert_int_eq(tr_process_free(p), 0);
    return 0;
}

IN_TASK(one_that_is_freed_is_killed_and_its_waiters_go_on)
{
    int status = 0;
    tr_process *p;
    int rc = 1;

    ck_assert_int_eq(tr_process_spawn(&p, SH("exec sleep 1000"), NULL), 0);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_go(s, wait_for, .p = p, .status = &status), 0);
        kit_let_others_run();
        ck_assert_int_eq(tr_process_free(p), 0);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(status, -SIGKILL);
    expect_no_child();
    return 0;
}

IN_TASK(one_that_obeys_is_stopped_within_the_grace)
{
    const char *line;
    tr_process *p;
    int status;

    ck_assert_int_eq(
        tr_process_spawn(&p, SH("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"),
                         &(tr_process_options){ .out = TR_STDIO_PIPE }),
        0);
    ck_assert_int_eq(tr_read_until(tr_process_stdout(p), &line, "\n", 100), 6);
    ck_assert_int_eq(tr_process_stop(p, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_process_stop(p, TR_FOREVER), 0);
    ck_assert_int_eq(tr_process_wait(p, &status), 0);
    ck_assert_int_eq(status, 5);
    ck_assert_int_eq(tr_process_free(p), 0);
    return 0;
}

static void start_stubborn(tr_process **p)
{
    const char *line;

    ck_assert_int_eq(tr_process_spawn(p,
                                      SH("trap '' TERM; echo ready; while :; do sleep 0.01; done"),
                                      &(tr_process_options){ .out = TR_STDIO_PIPE }),
                     0);
    ck_assert_int_eq(tr_read_until(tr_process_stdout(*p), &line, "\n", 100), 6);
}

IN_TASK(one_that_does_not_is_killed_after_it)
{
    tr_process *p;
    int status;

    start_stubborn(&p);
    ck_assert_int_eq(tr_process_stop(p, 0.02), 0);
    ck_assert_int_eq(tr_process_wait(p, &status), 0);
    ck_assert_int_eq(status, -SIGKILL);
    ck_assert_int_eq(tr_process_free(p), 0);
    return 0;
}

static int stop_it(void *p)
{
    return tr_process_stop(p, TR_FOREVER);
}

IN_TASK(a_stop_that_is_cancelled_grants_no_more)
{
    tr_process *p;
    tr_task *stopper;
    int status;

    start_stubborn(&p);
    ck_assert_int_eq(tr_task_spawn(&stopper, stop_it, p), 0);
    kit_let_others_run();
    (void)tr_task_cancel(stopper);
    ck_assert_int_eq(kit_end_task(stopper), 0);
    ck_assert_int_eq(tr_process_wait(p, &status), 0);
    ck_assert_int_eq(status, -SIGKILL);
    ck_assert_int_eq(tr_process_free(p), 0);
    return 0;
}

static tr_process *left;

IN_TASK(what_is_left_to_a_pipe_is_not_waited_for)
{
    char *bytes = calloc(1, 200000);
    tr_process *p;

    ck_assert_int_eq(
        tr_process_spawn(&p, SH("sleep 0.05 & :"),
                         &(tr_process_options){ .in = TR_STDIO_PIPE, .out = TR_STDIO_PIPE }),
        0);
    ck_assert_int_eq(tr_io_set_water(tr_process_stdin(p), 1000000, 0), 0);
    ck_assert_int_eq(tr_write(tr_process_stdin(p), bytes, 200000), 0);
    ck_assert_int_eq(tr_process_free(p), 0);
    free(bytes);
    return 0;
}

static int leave_it(void *unused)
{
    (void)unused;
    return tr_process_spawn(&left, SH("exec sleep 1000"),
                            &(tr_process_options){ .out = TR_STDIO_PIPE });
}

START_TEST(one_that_is_left_ends_with_its_loop)
{
    kit_run_task(1, leave_it, NULL);
    expect_no_child();
    ck_assert_int_eq(tr_process_kill(left, SIGTERM), TR_EALREADY);
    ck_assert_int_eq(tr_process_free(left), 0);
}
END_TEST

/* ---- the program's own children ---- */

static volatile sig_atomic_t ended;

static void count_end(int signo)
{
    (void)signo;
    ended++;
}

static int run_one(void *unused)
{
    (void)unused;
    expect_output(SH("echo out"), NULL, "out\n");
    return 0;
}

START_TEST(children_of_the_programs_own_are_its_own)
{
    struct sigaction own = { .sa_handler = count_end };
    struct sigaction now;
    pid_t child;
    int status;

    ck_assert_int_eq(sigaction(SIGCHLD, &own, NULL), 0);
    child = fork();
    if (child == 0)
        _exit(9);
    kit_run_task(1, run_one, NULL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    ck_assert_int_eq(sigaction(SIGCHLD, NULL, &now), 0);
    ck_assert(now.sa_handler == count_end);
    ck_assert_int_gt(ended, 0);
}
END_TEST

static int expect_unknown_end(void *unused)
{
    tr_process *p;
    int status = 1;

    (void)unused;
    ck_assert_int_eq(tr_process_spawn(&p, SH("exit 3"), NULL), 0);
    ck_assert_int_eq(tr_process_wait(p, &status), -ECHILD);
    ck_assert_int_eq(status, 0);
    return tr_process_free(p);
}

START_TEST(a_program_that_ignores_its_children_hears_nothing_of_them)
{
    struct sigaction ignored = { .sa_handler = SIG_IGN };

    ck_assert_int_eq(sigaction(SIGCHLD, &ignored, NULL), 0);
    run_in_task(expect_unknown_end);
}
END_TEST

/* ---- refused ---- */

static void call_misplaced(void *p)
{
    tr_process_result r;
    tr_process *none = (void *)1;

    ck_assert_int_eq(tr_process_spawn(&none, SH(":"), NULL), TR_EWRONGPLACE);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(tr_process_run(&r, SH(":"), NULL), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_process_wait(p, NULL), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_process_stop(p, 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_process_free(p), TR_EWRONGPLACE);
}

static void call_from_afar(void *p)
{
    call_misplaced(p);
    ck_assert_int_eq(tr_process_kill(p, SIGKILL), TR_EWRONGPLACE);
}

static int end_it(void *unused)
{
    int rc = leave_it(unused);

    return rc == 0 ? tr_process_stop(left, 0) : rc;
}

static void free_it(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_process_free(left), 0);
}

START_TEST(one_that_has_ended_is_freed_by_its_own_loop)
{
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, end_it, NULL), 0);
    call_from_afar(left);
    kit_on_loop(1, call_from_afar, left);
    kit_on_loop(0, free_it, NULL);
    kit_stop();
    expect_no_child();
}
END_TEST

START_TEST(processes_belong_to_tasks_of_their_loop)
{
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, leave_it, NULL), 0);
    call_from_afar(left);
    kit_on_loop(0, call_misplaced, left);
    kit_on_loop(1, call_from_afar, left);
    kit_stop();
    ck_assert_int_eq(tr_process_free(left), 0);
    expect_no_child();
}
END_TEST

IN_TASK(bad_arguments_are_refused)
{
    const char *const nothing[] = { NULL };
    const char *const no_name[] = { "", NULL };
    const tr_process_options bad[] = {
        { .in = TR_STDIO_OUT }, { .out = TR_STDIO_OUT }, { .err = -4 }, { .uid = 1 }, { .gid = 1 }
    };
    tr_process_result r;
    tr_process *p;

    ck_assert_int_eq(tr_process_spawn(NULL, SH(":"), NULL), TR_EINVAL);
    ck_assert_int_eq(tr_process_spawn(&p, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_process_spawn(&p, nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_process_spawn(&p, no_name, NULL), TR_EINVAL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(tr_process_spawn(&p, SH(":"), &bad[i]), TR_EINVAL);
    ck_assert_int_eq(tr_process_run(NULL, SH(":"), NULL), TR_EINVAL);
    ck_assert_int_eq(tr_process_run(&r, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_process_run(&r, SH(":"), &(tr_process_options){ .in = TR_STDIO_PIPE }),
                     TR_EINVAL);
    ck_assert_int_eq(tr_process_run(&r, SH(":"), &(tr_process_options){ .input_bytes = 1 }),
                     TR_EINVAL);
    ck_assert_int_eq(tr_process_wait(NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_process_kill(NULL, SIGTERM), TR_EINVAL);
    ck_assert_int_eq(tr_process_stop(NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_process_free(NULL), 0);
    ck_assert_ptr_null(tr_process_stdin(NULL));
    ck_assert_ptr_null(tr_process_stdout(NULL));
    ck_assert_ptr_null(tr_process_stderr(NULL));
    ck_assert_int_eq(tr_process_pid(NULL), 0);
    return 0;
}

/* ---- faults ---- */

static bool is_expected(int rc)
{
    return rc == 0 || rc == TR_ENOMEM || rc == TR_EAGAIN || rc == TR_EMFILE ||
           rc == TR_ECONNRESET || rc == -EIO;
}

static int run_in_vain(void *unused)
{
    tr_process_options o = { .input = "text", .input_bytes = 4 };
    tr_process_result r;
    int rc = tr_process_run(&r, SH("cat; echo err >&2"), &o);

    (void)unused;
    if (rc == 0) {
        ck_assert_str_eq(r.out, "text");
        ck_assert_str_eq(r.err, "err\n");
    }
    tr_process_result_free(&r);
    return rc;
}

static int kill_in_vain(void *unused)
{
    tr_process *p;
    int rc = tr_process_spawn(&p, SH("exec sleep 1000"), NULL);

    (void)unused;
    if (rc < 0)
        return rc;
    rc = tr_process_stop(p, TR_FOREVER);
    if (rc == TR_EPERM)
        rc = tr_process_stop(p, TR_FOREVER);
    ck_assert_int_eq(rc, 0);
    return tr_process_free(p);
}

static void attempt(void *program, int n)
{
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP_ANY, *(tr_task_fn *)program, NULL);

    (void)n;
    if (rc == 0) {
        rc = tr_future_wait(f, KIT_PATIENCE_S);
        tr_future_unref(f);
    }
    ck_assert_msg(is_expected(rc), "gave %d", rc);
}

START_TEST(whatever_fails_leaves_nothing)
{
    tr_task_fn programs[] = { run_in_vain, kill_in_vain };

    for (size_t i = 0; i < 2; i++) {
        kit_start(1);
        ck_assert_int_ge(kit_for_every_fault(attempt, &programs[i]), 4);
        kit_stop();
        expect_no_child();
    }
}
END_TEST

KIT_MAIN("net/process", what_a_program_says_is_collected,
         a_program_that_says_nothing_has_empty_texts, a_signal_that_ends_it_is_its_status,
         input_larger_than_a_pipe_goes_through, a_program_need_not_read_its_input,
         complaints_go_where_output_goes, a_program_that_says_too_much_is_killed,
         a_deadline_kills_it, a_program_that_is_not_there_is_an_error_of_the_start,
         it_begins_in_its_directory_with_its_environment, it_has_no_descriptors_but_its_own,
         descriptors_are_placed_in_any_order, standard_descriptors_are_exchanged,
         it_ignores_and_blocks_no_signals, it_may_have_a_session_of_its_own,
         it_may_run_as_somebody_else, a_conversation_goes_through_pipes, several_tasks_wait_for_one,
         one_that_is_freed_is_killed_and_its_waiters_go_on,
         one_that_obeys_is_stopped_within_the_grace, one_that_does_not_is_killed_after_it,
         a_stop_that_is_cancelled_grants_no_more, what_is_left_to_a_pipe_is_not_waited_for,
         one_that_is_left_ends_with_its_loop, children_of_the_programs_own_are_its_own,
         a_program_that_ignores_its_children_hears_nothing_of_them,
         one_that_has_ended_is_freed_by_its_own_loop, processes_belong_to_tasks_of_their_loop,
         bad_arguments_are_refused, whatever_fails_leaves_nothing)
