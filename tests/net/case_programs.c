/* Programs, where time is virtual and where it is not. */
#include <errno.h>
#include <sys/wait.h>
#include <troupe/net.h>

#include "sync/cases.h"

CASE(a_program_is_not_for_simulations)
{
    const char *const argv[] = { "true", NULL };
    tr_process_result r;
    tr_process *p;
    int rc = tr_process_spawn(&p, argv, NULL);

    EXPECT(rc == (CASES_SIMULATED ? TR_EWRONGPLACE : 0));
    EXPECT(tr_process_run(&r, argv, NULL) == rc);
    EXPECT(tr_process_free(p) == 0);
    tr_process_result_free(&r);
}

static int converse(void *out)
{
    const char *const argv[] = { "cat", NULL };
    const tr_process_options o = { .in = TR_STDIO_PIPE, .out = TR_STDIO_PIPE };
    tr_process **p = out;
    tr_process_result r;
    char text[4];
    int rc =
        AWAIT(tr_process_run(&r, argv, &(tr_process_options){ .input = "x", .input_bytes = 1 }));

    if (rc == 0)
        EXPECT(r.out_bytes == 1);
    tr_process_result_free(&r);
    if (rc == 0)
        rc = AWAIT(tr_process_spawn(p, argv, &o));
    if (rc == 0)
        rc = AWAIT(tr_write_all(tr_process_stdin(*p), "text", 4));
    if (rc == 0)
        rc = AWAIT(tr_read_exact(tr_process_stdout(*p), text, 4));
    if (rc == 0)
        rc = AWAIT(tr_process_stop(*p, TR_FOREVER));
    return rc == 0 ? AWAIT(tr_process_wait(*p, NULL)) : rc;
}

static int free_it(void *p)
{
    return tr_process_free(p);
}

/* By its loop, which may be the other one. */
static void free_there(void *out, int rc)
{
    tr_process **p = out;
    tr_task *task;

    EXPECT(rc == 0 || rc == TR_ECANCELED || (CASES_SIMULATED && rc == TR_EWRONGPLACE));
    for (int loop = 0; *p != NULL && loop < 2; loop++) {
        EXPECT(tr_task_spawn_on(&task, TR_LOOP(loop), free_it, *p) == 0);
        if (tr_task_wait(task, TR_FOREVER) == 0)
            *p = NULL;
        tr_task_unref(task);
    }
    EXPECT(*p == NULL);
    EXPECT(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD); /* no zombie, either */
}

CASE(cancelled_at_any_await_no_program_is_left)
{
    const attempt steps = { .attempt = converse, .check = free_there };
    tr_process *p = NULL;

    cancel_at_every_await(&steps, &p);
}

CASES("programs", a_program_is_not_for_simulations, cancelled_at_any_await_no_program_is_left)
