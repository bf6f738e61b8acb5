/* Futures, continuations, submitted tasks and whole runs while memory and system calls fail, one
 * after the other: each call says so or has done all of it, and nothing hangs. */
#include <sched.h>
#include <signal.h>

#include "base/seam.h"
#include "support/actors.h"
#include "support/tasks.h"

static uint32_t drops;
static int value;

static void drop_value(void *unused)
{
    (void)unused;
    kit_count(&drops);
}

static bool is_sound(int rc)
{
    return rc == 0 || rc == TR_ENOMEM;
}

/* ---- on a foreign thread ---- */

static void attempt_future(void *ctx, int n)
{
    uint32_t before = kit_counted(&drops);
    tr_future *f;
    int rc = tr_future_new(&f);

    (void)ctx;
    (void)n;
    ck_assert(is_sound(rc));
    ck_assert((f != NULL) == (rc == 0));
    if (rc < 0)
        return;
    ck_assert_int_eq(tr_future_resolve(f, &value, drop_value), 0);
    ck_assert_int_eq(tr_future_resolve(f, &value, drop_value), TR_EALREADY);
    ck_assert_int_eq(tr_future_wait(f, TR_FOREVER), 0);
    tr_future_unref(f);
    ck_assert_uint_eq(kit_counted(&drops), before + 2);
}

START_TEST(future_is_made_or_not_and_ends_without_memory)
{
    kit_start(2);
    ck_assert_int_ge(kit_for_every_fault(attempt_future, NULL), 1);
    kit_stop();
}
END_TEST

/* The stack that the task finds none for is its end, too. */
static void attempt_submit(void *loop, int n)
{
    int result = n;
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP((int)(intptr_t)loop), kit_give, &result);

    ck_assert(is_sound(rc));
    ck_assert((f != NULL) == (rc == 0));
    if (rc < 0)
        return;
    rc = tr_future_wait(f, KIT_PATIENCE_S);
    ck_assert(rc == n || rc == TR_ENOMEM);
    tr_future_unref(f);
}

START_TEST(submitted_task_runs_or_says_why_not)
{
    for (intptr_t loop = 0; loop < 2; loop++) {
        kit_start(2);
        ck_assert_int_ge(kit_for_every_fault(attempt_submit, (void *)loop), 2);
        kit_stop();
    }
}
END_TEST

/* ---- continuations ---- */

static void count_call(tr_future *f, int status, void *calls)
{
    (void)f;
    ck_assert_int_eq(status, 0);
    kit_count(calls);
}

typedef struct thens {
    tr_future *f;
    uint32_t accepted;
    uint32_t calls;
} thens;

static void register_all(void *arg)
{
    thens *t = arg;

    for (int loop = 0; loop <= 3; loop++) {
        int rc = tr_future_then(t->f, loop, count_call, &t->calls);

        ck_assert(is_sound(rc));
        t->accepted += rc == 0;
    }
}

static void begin_thens(void *arg)
{
    thens *t = arg;

    *t = (thens){ .f = NULL };
    ck_assert_int_eq(tr_future_new(&t->f), 0);
}

static void attempt_thens(void *arg)
{
    register_all(arg);
}

static void attempt_thens_on_loop(void *arg)
{
    thens *t = arg;

    /* Where the call itself finds no memory there is nothing to try. */
    (void)tr_post(TR_LOOP(1), register_all, t);
    (void)tr_future_resolve(t->f, NULL, NULL);
}

static void check_thens(void *arg, bool struck)
{
    thens *t = arg;

    (void)struck;
    for (int i = 0; i < 3; i++)
        kit_on_loop(i, NULL, NULL);            /* what was registered there has been */
    (void)tr_future_resolve(t->f, NULL, NULL); /* it may have ended */
    while (kit_counted(&t->calls) < t->accepted)
        sched_yield();
    for (int i = 0; i < 6; i++)
        kit_on_loop(i % 3, NULL, NULL);
    ck_assert_uint_eq(kit_counted(&t->calls), t->accepted);
    tr_future_unref(t->f);
}

START_TEST(continuation_is_called_once_or_refused)
{
    static const kit_faulty from_thread = { begin_thens, attempt_thens, check_thens };
    static const kit_faulty from_loop = { begin_thens, attempt_thens_on_loop, check_thens };

    for (int lasting = 0; lasting < 2; lasting++) {
        thens t;

        kit_start(3);
        ck_assert_int_ge(kit_for_every_fault_of(&from_thread, &t, lasting), 4);
        ck_assert_int_ge(kit_for_every_fault_of(&from_loop, &t, lasting), 1);
        kit_stop();
    }
}
END_TEST

/* ---- awaiting ---- */

typedef struct waits {
    tr_future *f[2]; /* one at home on each loop */
    tr_future *tasks[2];
    uint32_t begun[2];
} waits;

static void make(void *out)
{
    ck_assert_int_eq(tr_future_new(out), 0);
}

static int await_first(void *arg)
{
    waits *w = arg;

    kit_count(&w->begun[tr_loop_current() - TR_LOOP(0)]);
    return tr_await(w->f[0]);
}

static void begin_waits(void *arg)
{
    waits *w = arg;

    *w = (waits){ .begun = { 0 } };
    for (int i = 0; i < 2; i++)
        kit_on_loop(i, make, &w->f[i]);
}

static void attempt_waits(void *arg)
{
    waits *w = arg;

    for (int i = 0; i < 2; i++)
        ck_assert(is_sound(tr_submit(&w->tasks[i], TR_LOOP(i), await_first, w)));
    for (int i = 0; i < 2; i++)
        while (w->tasks[i] != NULL && kit_counted(&w->begun[i]) == 0 &&
               !tr_future_is_done(w->tasks[i]))
            sched_yield();
    ck_assert_int_eq(tr_future_resolve(w->f[0], &value, drop_value), 0);
    for (int i = 0; i < 2; i++)
        if (w->tasks[i] != NULL)
            ck_assert(is_sound(tr_future_wait(w->tasks[i], KIT_PATIENCE_S)));
}

static void check_waits(void *arg, bool struck)
{
    waits *w = arg;

    (void)struck;
    for (int i = 0; i < 2; i++) {
        tr_future_unref(w->tasks[i]);
        tr_future_unref(w->f[i]);
    }
}

START_TEST(await_without_memory_ends_or_says_so)
{
    static const kit_faulty steps = { begin_waits, attempt_waits, check_waits };

    for (int lasting = 0; lasting < 2; lasting++) {
        waits w;

        kit_start(2);
        drops = 0;
        ck_assert_int_ge(kit_for_every_fault_of(&steps, &w, lasting), 2);
        kit_stop();
        ck_assert_uint_ge(kit_counted(&drops), 2);
    }
}
END_TEST

/* ---- whole runs ---- */

static int note_run(void *runs)
{
    kit_count(runs);
    return 5;
}

static void attempt_run(void *ctx, int n)
{
    tr_config config = { .loops = 2, .signals = ctx != NULL ? 0 : -1 };
    struct sigaction before;
    struct sigaction after;
    uint32_t runs = 0;
    int rc;

    (void)n;
    ck_assert_int_eq(sigaction(SIGTERM, NULL, &before), 0);
    rc = tr_run(note_run, &runs, &config);
    ck_assert_msg(rc == 5 || rc == TR_ENOMEM || rc == TR_EAGAIN || rc == -EMFILE, "%s",
                  tr_err_name(rc));
    ck_assert_uint_eq(runs, rc == 5);
    ck_assert_int_eq(tr_loop_count(), 0);
    ck_assert_int_eq(sigaction(SIGTERM, NULL, &after), 0);
    ck_assert(before.sa_handler == after.sa_handler);
}

START_TEST(run_gives_the_result_or_says_why_it_did_not_run)
{
    ck_assert_int_ge(kit_for_every_fault(attempt_run, NULL), 10);
    ck_assert_int_ge(kit_for_every_fault(attempt_run, &value), 12); /* with signals */
}
END_TEST

KIT_MAIN("faults/await", future_is_made_or_not_and_ends_without_memory,
         submitted_task_runs_or_says_why_not, continuation_is_called_once_or_refused,
         await_without_memory_ends_or_says_so, run_gives_the_result_or_says_why_it_did_not_run)
