/* Waiting for tasks, with a time limit or without, from tasks and from foreign threads. */
#include <limits.h>
#include <math.h>

#include "support/actors.h"
#include "support/tasks.h"

/* ---- in tasks; arg is the loop where the other one runs ---- */

static int wait_for_result(void *loop)
{
    static int results[] = {
        0, 7, -7, TR_ECANCELED, TR_ETIMEDOUT, TR_EDEAD, INT_MAX, INT_MIN,
    };

    for (int i = 0; i < 8; i++) {
        tr_task *task = kit_spawn_task(*(int *)loop, kit_give, &results[i]);

        ck_assert_int_eq(tr_task_wait(task, i % 2 != 0 ? TR_FOREVER : KIT_PATIENCE_S), results[i]);
        ck_assert_int_eq(tr_task_wait(task, 0), results[i]); /* it has ended */
        ck_assert_int_eq(tr_task_wait(task, -INFINITY), results[i]);
        ck_assert_int_eq(tr_task_wait(task, NAN), TR_EINVAL);
        ck_assert_int_eq(tr_await(tr_task_future(task)), results[i]);
        ck_assert_int_eq(tr_task_cancel(task), 0);
        ck_assert_int_eq(tr_future_status(tr_task_future(task)), results[i]);
        tr_task_unref(task);
    }
    return 0;
}

static int wait_too_short(void *loop)
{
    const double limits[] = { 0.001, 0, -1, -INFINITY };

    for (int i = 0; i < 4; i++)
        for (int result = -1; result < 2; result++) {
            kit_stubborn s = { .result = result };
            tr_task *task = kit_spawn_task(*(int *)loop, kit_hold_out, &s);

            ck_assert_int_eq(tr_task_wait(task, limits[i]), TR_ETIMEDOUT);
            ck_assert_uint_eq(kit_counted(&s.ended), 1); /* really */
            ck_assert_int_eq(tr_task_wait(task, 0), result);
            ck_assert(!tr_cancel_requested());
            tr_task_unref(task);
        }
    return 0;
}

static int wait_nan(void *loop)
{
    kit_stubborn s = { .result = 3 };
    tr_task *task = kit_spawn_task(*(int *)loop, kit_hold_out, &s);

    ck_assert_int_eq(tr_task_wait(task, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_task_wait(NULL, 1), TR_EINVAL);
    while (kit_counted(&s.begun) == 0)
        ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_cancel(task), 1); /* NaN has not cancelled it */
    ck_assert_int_eq(tr_task_wait(task, TR_FOREVER), 3);
    tr_task_unref(task);
    return 0;
}

typedef struct waiting {
    int loop;
    double limit;
    kit_stubborn victim;
} waiting;

static int wait_and_be_cancelled(void *arg)
{
    waiting *w = arg;
    tr_task *task = kit_spawn_task(w->loop, kit_hold_out, &w->victim);
    int rc;

    rc = tr_task_wait(task, w->limit);
    ck_assert_uint_eq(kit_counted(&w->victim.ended), 1);
    ck_assert_int_eq(tr_task_wait(task, 1), TR_ECANCELED);
    TR_SHIELD(TR_FOREVER)
        ck_assert_int_eq(tr_task_wait(task, 1), 8);
    tr_task_unref(task);
    return rc;
}

static int cancel_waiter(void *loop)
{
    for (int i = 0; i < 2; i++) {
        waiting w = { .loop = *(int *)loop, .victim = { .result = 8 } };
        tr_task *waiter;

        w.limit = i == 0 ? TR_FOREVER : KIT_PATIENCE_S;
        waiter = kit_spawn_task(TR_LOOP_ANY, wait_and_be_cancelled, &w);
        while (kit_counted(&w.victim.begun) == 0)
            ck_assert_int_eq(tr_yield(), 0);
        ck_assert_int_eq(tr_task_cancel(waiter), 1);
        ck_assert_int_eq(kit_end_task(waiter), TR_ECANCELED);
    }
    return 0;
}

static int wait_in_deadline(void *loop)
{
    kit_stubborn s = { .result = 4 };
    tr_task *task = kit_spawn_task(*(int *)loop, kit_hold_out, &s);
    int rc;

    TR_DEADLINE(0.001, &rc) {
        rc = tr_task_wait(task, KIT_PATIENCE_S);
        ck_assert_int_eq(rc, TR_ECANCELED); /* not its own time limit */
        ck_assert_uint_eq(kit_counted(&s.ended), 1);
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    tr_task_unref(task);
    return 0;
}

static void in_task(tr_task_fn fn)
{
    kit_start(2);
    for (int here = 0; here < 2; here++)
        for (int there = 0; there < 2; there++) {
            int loop = TR_LOOP(there);

            ck_assert_int_eq(kit_in_task(here, fn, &loop), 0);
        }
    kit_stop();
}

START_TEST(waiting_gives_the_tasks_result)
{
    in_task(wait_for_result);
    ck_assert(!kit_log_contains("nobody has looked at"));
}
END_TEST

START_TEST(a_wait_that_runs_out_of_time_cancels_and_returns_when_the_task_ended)
{
    in_task(wait_too_short);
}
END_TEST

START_TEST(a_wait_for_no_time_changes_nothing)
{
    in_task(wait_nan);
}
END_TEST

START_TEST(a_waiter_that_is_cancelled_cancels_what_it_waits_for)
{
    in_task(cancel_waiter);
}
END_TEST

START_TEST(an_outer_deadline_is_not_mistaken_for_the_waits_own)
{
    in_task(wait_in_deadline);
}
END_TEST

/* ---- foreign threads ---- */

typedef struct offer {
    kit_stubborn s;
    int result;
    tr_task *tasks[4];
} offer;

static int offer_tasks(void *arg)
{
    offer *o = arg;

    o->tasks[0] = kit_spawn_task(TR_LOOP_ANY, kit_give, &o->result);
    o->tasks[1] = kit_spawn_task(TR_LOOP_ANY, kit_hold_out, &o->s);
    o->tasks[2] = kit_spawn_task(TR_LOOP(1), kit_hold_out, &o->s);
    o->tasks[3] = kit_spawn_task(TR_LOOP(1), kit_forever, NULL);
    return 0;
}

START_TEST(a_foreign_thread_waits_for_a_task_as_a_task_does)
{
    offer o = { .s = { .result = 6 }, .result = -3 };

    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, offer_tasks, &o), 0);
    ck_assert_int_eq(tr_task_wait(o.tasks[1], NAN), TR_EINVAL);
    ck_assert_int_eq(tr_task_wait(o.tasks[0], TR_FOREVER), -3);
    ck_assert_int_eq(tr_task_wait(o.tasks[0], 0), -3);
    ck_assert_int_eq(tr_task_wait(o.tasks[1], 0.001), TR_ETIMEDOUT);
    ck_assert_uint_eq(kit_counted(&o.s.ended), 1);
    ck_assert_int_eq(tr_task_wait(o.tasks[1], -1), 6);
    ck_assert_int_eq(tr_task_wait(o.tasks[2], 0), TR_ETIMEDOUT);
    ck_assert_uint_eq(kit_counted(&o.s.ended), 2);
    ck_assert_int_eq(tr_task_cancel(o.tasks[3]), 1);
    ck_assert_int_eq(tr_task_wait(o.tasks[3], TR_FOREVER), TR_ECANCELED);
    for (int i = 0; i < 4; i++)
        tr_task_unref(o.tasks[i]);
    kit_stop();
}
END_TEST

static void wait_in_callback(void *arg)
{
    offer *o = arg;

    ck_assert_int_eq(tr_task_wait(o->tasks[1], 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_task_wait(o->tasks[1], 0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_task_cancel(o->tasks[1]), 1);
    ck_assert_int_eq(tr_task_cancel(o->tasks[1]), 1); /* it still runs */
    ck_assert_int_eq(tr_task_cancel(o->tasks[2]), 1);
    ck_assert_int_eq(tr_task_cancel(o->tasks[3]), 1);
}

START_TEST(a_loop_callback_may_cancel_but_not_wait)
{
    offer o = { .s = { .result = 6 } };

    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, offer_tasks, &o), 0);
    kit_on_loop(0, wait_in_callback, &o);
    for (int i = 0; i < 4; i++) {
        static const int results[] = { 0, 6, 6, TR_ECANCELED };

        ck_assert_int_eq(tr_task_wait(o.tasks[i], KIT_PATIENCE_S), results[i]);
        tr_task_unref(o.tasks[i]);
    }
    kit_stop();
}
END_TEST

KIT_MAIN("runtime/wait", waiting_gives_the_tasks_result,
         a_wait_that_runs_out_of_time_cancels_and_returns_when_the_task_ended,
         a_wait_for_no_time_changes_nothing, a_waiter_that_is_cancelled_cancels_what_it_waits_for,
         an_outer_deadline_is_not_mistaken_for_the_waits_own,
         a_foreign_thread_waits_for_a_task_as_a_task_does, a_loop_callback_may_cancel_but_not_wait)
