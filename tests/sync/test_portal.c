/* The portal: threads that call tasks, and wait for them. */
#include <math.h>

#include "sync/cases.h"

/* What a task is given, on its caller's stack. */
typedef struct parcel {
    int loop;   /* where it ran */
    int result; /* that it is to return */
    double seconds;
    bool was_cut;
    bool has_ended;
} parcel;

static int deliver(void *arg)
{
    parcel *p = arg;
    int rc = tr_sleep(p->seconds);

    p->loop = tr_loop_current();
    if (rc < 0) {
        TR_SHIELD(TR_FOREVER) {
            EXPECT(tr_sleep(0.0001) == 0); /* it takes its time */
        }
        p->was_cut = true;
    }
    p->has_ended = true;
    return rc < 0 ? rc : p->result;
}

static void call_each_loop(void *unused)
{
    static const int results[] = { 0, 5, TR_EBUSY, TR_ECANCELED };

    (void)unused;
    for (int loop = 0; loop < 2; loop++)
        for (int i = 0; i < 4; i++) {
            parcel p = { .result = results[i] };

            EXPECT(tr_call_from_thread(TR_LOOP(loop), TR_FOREVER, deliver, &p) == results[i]);
            EXPECT(p.has_ended && p.loop == TR_LOOP(loop));
        }
}

static int call_each_loop_as_job(void *unused)
{
    call_each_loop(unused);
    return 0;
}

CASE(a_thread_calls_a_task_and_has_its_result)
{
    foreign_end(foreign_start(call_each_loop, NULL));
}

CASE(a_job_calls_a_task_and_has_its_result)
{
    EXPECT(tr_to_thread(call_each_loop_as_job, NULL) == 0);
    EXPECT(tr_pool_run(TR_POOL_CPU, call_each_loop_as_job, NULL) == 0);
}

static void call_any_loop(void *unused)
{
    parcel p = { .result = 3 };

    (void)unused;
    EXPECT(tr_call_from_thread(TR_LOOP_ANY, 1000, deliver, &p) == 3);
    EXPECT(p.loop == TR_LOOP(0) || p.loop == TR_LOOP(1));
}

CASE(a_thread_may_leave_the_choice_of_the_loop)
{
    foreign_end(foreign_start(call_any_loop, NULL));
}

static void call_in_vain(void *unused)
{
    static const double timeouts[] = { 0.001, 0, -1, -INFINITY };

    (void)unused;
    for (int i = 0; i < 4; i++) {
        parcel p = { .seconds = TR_FOREVER };

        EXPECT(tr_call_from_thread(TR_LOOP(i % 2), timeouts[i], deliver, &p) == TR_ETIMEDOUT);
        EXPECT(p.was_cut && p.has_ended); /* nobody uses p any more */
    }
}

static int call_in_vain_as_job(void *unused)
{
    call_in_vain(unused);
    return 0;
}

CASE(a_task_that_takes_too_long_is_cancelled_and_has_ended)
{
    foreign_end(foreign_start(call_in_vain, NULL));
    EXPECT(tr_to_thread(call_in_vain_as_job, NULL) == 0);
}

/* ---- from a job that is cancelled ---- */

typedef struct call {
    tr_event begun;
    tr_event go;
    parcel parcel;
    int rc;
} call;

static int call_for_ever(void *arg)
{
    call *c = arg;

    EXPECT(tr_event_set(&c->begun) == 0);
    c->rc = tr_call_from_thread(TR_LOOP(1), TR_FOREVER, deliver, &c->parcel);
    return c->rc;
}

static int run_call(void *c)
{
    return tr_to_thread(call_for_ever, c);
}

CASE(cancelling_a_job_cancels_the_task_that_it_has_called)
{
    for (int i = 0; i < 6; i++) {
        call c = { .parcel = { .seconds = TR_FOREVER } };
        tr_task *task;

        EXPECT(tr_task_spawn_on(&task, TR_LOOP(i % 2), run_call, &c) == 0);
        EXPECT(tr_event_wait(&c.begun) == 0);
        if (i >= 2)
            let_others_run();
        EXPECT(tr_task_cancel(task) == 1);
        EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED && c.rc == TR_ECANCELED);
        EXPECT(c.parcel.was_cut || !c.parcel.has_ended); /* or it was never called */
        tr_task_unref(task);
    }
}

CASE(so_does_cancelling_its_future)
{
    call c = { .parcel = { .seconds = TR_FOREVER } };
    tr_future *f;

    EXPECT(tr_pool_submit(&f, TR_POOL_CPU, call_for_ever, &c, NULL) == 0);
    EXPECT(tr_event_wait(&c.begun) == 0);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    tr_future_unref(f);
}

CASE(a_deadline_reaches_through_job_and_portal)
{
    call c = { .parcel = { .seconds = TR_FOREVER } };
    int rc = 0;

    TR_DEADLINE(0.001, &rc) {
        rc = run_call(&c);
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

static int call_when_cancelled(void *arg)
{
    call *c = arg;

    EXPECT(tr_event_set(&c->begun) == 0);
    EXPECT(tr_event_wait(&c->go) == 0);
    EXPECT(tr_cancelled());
    return call_for_ever(c);
}

CASE(a_job_that_is_cancelled_calls_nobody)
{
    call c = { .rc = 0 };
    tr_future *f;

    EXPECT(tr_pool_submit(&f, TR_POOL_CPU, call_when_cancelled, &c, NULL) == 0);
    EXPECT(tr_event_wait(&c.begun) == 0);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_event_set(&c.go) == 0);
    EXPECT(tr_await(f) == TR_ECANCELED && !c.parcel.has_ended);
    tr_future_unref(f);
}

static int run_call_awaited(void *arg)
{
    return AWAIT(run_call(arg));
}

static void begin_call(void *arg)
{
    *(call *)arg = (call){ .parcel = { .result = 4 } };
}

static void expect_end(void *arg, int rc)
{
    const call *c = arg;

    EXPECT(rc == 4 || rc == TR_ECANCELED);
    if (rc == 4)
        EXPECT(c->parcel.has_ended && !c->parcel.was_cut);
}

CASE(whenever_its_job_is_cancelled_the_task_has_ended)
{
    static const attempt steps = { begin_call, run_call_awaited, expect_end };
    call c;

    cancel_at_every_await(&steps, &c);
}

/* ---- there and back ---- */

static int go_back(void *depth);

static int go_there(void *depth)
{
    return tr_call_from_thread(TR_LOOP(*(int *)depth % 2), TR_FOREVER, go_back, depth);
}

static int go_back(void *depth)
{
    return --*(int *)depth > 0 ? tr_to_thread(go_there, depth) : 9;
}

CASE(jobs_and_tasks_call_each_other_in_turn)
{
    int depth = 8;

    EXPECT(tr_to_thread(go_there, &depth) == 9 && depth == 0);
}

enum { CALLERS = 4, CALLS = 10 };

static void call_many(void *sum)
{
    for (int i = 0; i < CALLS; i++) {
        parcel p = { .result = i };

        EXPECT(tr_call_from_thread(TR_LOOP(i % 2), TR_FOREVER, deliver, &p) == i);
        count_up(sum);
    }
}

CASE(many_threads_call_at_the_same_time)
{
    foreign *threads[CALLERS];
    counter sum = { 0 };

    for (int i = 0; i < CALLERS; i++)
        threads[i] = foreign_start(call_many, &sum);
    for (int i = 0; i < CALLERS; i++)
        foreign_end(threads[i]);
    EXPECT(count_of(&sum) == CALLERS * CALLS);
}

/* ---- wrong ---- */

static int never_called(void *unused)
{
    (void)unused;
    EXPECT(false);
    return 0;
}

static void call_from_a_loop(void *unused)
{
    (void)unused;
    EXPECT(tr_call_from_thread(TR_LOOP(0), 1, never_called, NULL) == TR_EWRONGPLACE);
}

CASE(loops_have_no_portal)
{
    call_from_a_loop(NULL); /* in a task */
    call_in_handler(false, call_from_a_loop, NULL);
    call_in_handler(true, call_from_a_loop, NULL);
    in_place(OTHER_LOOP, call_from_a_loop, NULL);
}

static void call_badly(void *unused)
{
    tr_task_fn none = NULL;

    (void)unused;
    EXPECT(tr_call_from_thread(TR_LOOP(0), NAN, never_called, NULL) == TR_EINVAL);
    EXPECT(tr_call_from_thread(TR_LOOP(0), 1, none, NULL) == TR_EINVAL);
    EXPECT(tr_call_from_thread(TR_LOOP(2), 1, never_called, NULL) == TR_EINVAL);
    EXPECT(tr_call_from_thread(-1, 1, never_called, NULL) == TR_EINVAL);
}

CASE(bad_arguments_are_refused)
{
    foreign_end(foreign_start(call_badly, NULL));
}

CASES("portal", a_thread_calls_a_task_and_has_its_result, a_job_calls_a_task_and_has_its_result,
      a_thread_may_leave_the_choice_of_the_loop,
      a_task_that_takes_too_long_is_cancelled_and_has_ended,
      cancelling_a_job_cancels_the_task_that_it_has_called, so_does_cancelling_its_future,
      a_deadline_reaches_through_job_and_portal, a_job_that_is_cancelled_calls_nobody,
      whenever_its_job_is_cancelled_the_task_has_ended, jobs_and_tasks_call_each_other_in_turn,
      many_threads_call_at_the_same_time, loops_have_no_portal, bad_arguments_are_refused)
