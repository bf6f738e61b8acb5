/* Futures on foreign threads that wait, and handles that outlive the runtime they came from. */
#include <math.h>
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "runtime/runtime.h"
#include "support/kit.h"

static tr_future *make(void)
{
    tr_future *f;

    ck_assert_int_eq(tr_future_new(&f), 0);
    return f;
}

static int give_back(void *arg)
{
    return *(int *)arg;
}

static int fails = TR_EFULL;
static int seven = 7;

static tr_future *submit(int loop, int *result)
{
    tr_future *f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(loop), give_back, result), 0);
    return f;
}

/* ---- waiting ---- */

START_TEST(wait_has_a_time_limit_and_goes_on_after_it)
{
    tr_future *f;

    kit_start(1);
    f = make();
    ck_assert_int_eq(tr_future_wait(f, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, -1), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, -TR_FOREVER), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, 1e-9), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, 0.002), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), 0);
    ck_assert_int_eq(tr_future_wait(f, 0), 0);
    ck_assert_int_eq(tr_future_wait(f, -1), 0);
    ck_assert_int_eq(tr_future_wait(f, TR_FOREVER), 0);
    ck_assert_int_eq(tr_future_wait(f, NAN), TR_EINVAL);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

static void wait_on_loop(void *arg)
{
    ck_assert_int_eq(tr_future_wait(arg, 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_future_cancel_wait(arg), TR_EWRONGPLACE);
    ck_assert(!tr_future_is_done(arg));
}

START_TEST(wait_on_a_loop_is_refused)
{
    tr_future *f;

    kit_start(2);
    f = make();
    kit_on_loop(0, wait_on_loop, f);
    kit_on_loop(1, wait_on_loop, f);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

START_TEST(cancel_wait_gives_how_it_has_ended)
{
    tr_future *f;

    kit_start(2);
    f = make();
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_ECANCELED);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_ECANCELED);
    tr_future_unref(f);
    f = submit(1, &seven); /* it never awaits, so nothing cancels it */
    ck_assert_int_eq(tr_future_cancel_wait(f), 7);
    tr_future_unref(f);
    f = submit(1, &fails);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_EFULL);
    tr_future_unref(f);
    ck_assert_int_eq(tr_future_cancel_wait(NULL), TR_EINVAL);
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

enum { SLEEPERS = 12, ROUNDS = 40 };

typedef struct crowd {
    tr_future *f;
    uint32_t arrived;
    uint32_t right;
} crowd;

static void *sleep_on(void *arg)
{
    crowd *c = arg;

    (void)tr__add_ordered_u32(&c->arrived, 1); /* ordered: a counter */
    if (tr_future_wait(c->f, KIT_PATIENCE_S) == TR_EFULL)
        (void)tr__add_ordered_u32(&c->right, 1); /* ordered: a counter */
    return NULL;
}

static void fail_it(void *f)
{
    ck_assert_int_eq(tr_future_fail(f, TR_EFULL), 0);
}

START_TEST(wait_of_many_threads_ends_with_one_end)
{
    kit_start(2);
    for (int i = 0; i < ROUNDS; i++) {
        crowd c = { .f = make() };
        pthread_t threads[SLEEPERS];

        for (int k = 0; k < SLEEPERS; k++)
            ck_assert_int_eq(pthread_create(&threads[k], NULL, sleep_on, &c), 0);
        /* Some sleep, some are about to. acquire: a counter */
        while (tr__load_acquire_u32(&c.arrived) < SLEEPERS - (uint32_t)(i % 4))
            sched_yield();
        if (i % 3 == 0)
            fail_it(c.f);
        else
            kit_on_loop(i % 2, fail_it, c.f);
        for (int k = 0; k < SLEEPERS; k++)
            pthread_join(threads[k], NULL);
        ck_assert_uint_eq(c.right, SLEEPERS);
        tr_future_unref(c.f);
    }
    kit_stop();
}
END_TEST

/* ---- errors that nobody has looked at ---- */

START_TEST(error_nobody_looked_at_is_logged_once)
{
    static const char *const text = "a future ended with an error that nobody has looked at";
    tr_future *f;

    kit_start(1);
    f = tr_future_ref(make());
    fail_it(f);
    ck_assert(tr_future_is_done(f)); /* that is no look at the error */
    ck_assert_ptr_null(tr_future_peek(f));
    tr_future_unref(f);
    ck_assert(!kit_log_contains(text));
    tr_future_unref(f);
    ck_assert(kit_log_contains(text));
    ck_assert(kit_log_contains("TR_EFULL"));
    kit_log_clear();
    for (int i = 0; i < 5; i++) { /* each of these looks at it, or it is no failure */
        void *value;

        f = make();
        if (i == 0)
            (void)tr_future_cancel(f);
        else
            fail_it(f);
        if (i == 1)
            (void)tr_future_status(f);
        else if (i == 2)
            (void)tr_future_take(f, &value);
        else if (i == 3)
            (void)tr_future_wait(f, 0);
        else if (i == 4)
            (void)tr_future_cancel_wait(f);
        tr_future_unref(f);
    }
    ck_assert(!kit_log_contains("nobody has looked"));
    tr_future_unref(submit(0, &fails));
    kit_stop();
    ck_assert(kit_log_contains("task 'give_back' ended with an error that nobody has looked at"));
}
END_TEST

/* ---- handles that outlive ---- */

typedef struct maker {
    tr_future *open;
    tr_task *task;
} maker;

static void make_on_loop(void *arg)
{
    maker *m = arg;

    m->open = make();
    ck_assert_int_eq(tr_task_spawn(&m->task, give_back, &seven), 0);
}

static void use_later(void *arg)
{
    maker *m = arg;

    ck_assert_int_eq(tr_future_status(tr_task_future(m->task)), 7);
    ck_assert_int_eq(tr_future_cancel(tr_task_future(m->task)), 0);
    tr_task_unref(m->task);
    ck_assert_int_eq(tr_future_status(m->open), TR_EAGAIN);
    ck_assert_int_eq(tr_future_resolve(m->open, &seven, NULL), 0);
    ck_assert_ptr_eq(tr_future_peek(m->open), &seven);
    tr_future_unref(m->open);
}

static void *use_on_thread(void *m)
{
    use_later(m);
    return NULL;
}

START_TEST(handle_of_a_loop_outlives_a_shutdown_and_a_restart)
{
    for (int i = 0; i < 5; i++) {
        maker m = { .open = NULL };
        pthread_t thread;

        kit_start(3);
        kit_on_loop(2, make_on_loop, &m);
        kit_stop();
        if (i == 0) {
            use_later(&m);
            continue;
        }
        kit_start(i < 4 ? i : 3);
        if (i == 1) {
            ck_assert_int_eq(pthread_create(&thread, NULL, use_on_thread, &m), 0);
            pthread_join(thread, NULL);
        } else if (i == 2) {
            use_later(&m);
        } else {
            kit_on_loop(i - 3, use_later, &m); /* not its home, nor another */
        }
        kit_stop();
    }
}
END_TEST

static int await_it(void *f)
{
    return tr_await(f);
}

START_TEST(handle_of_a_loop_that_is_no_more_cannot_be_awaited)
{
    maker m = { .open = NULL };

    kit_start(3);
    kit_on_loop(2, make_on_loop, &m);
    kit_stop();
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, await_it, tr_task_future(m.task)), 7);
    ck_assert_int_eq(kit_in_task(0, await_it, m.open), TR_ESHUTDOWN);
    kit_stop();
    tr_task_unref(m.task);
    tr_future_unref(m.open);
}
END_TEST

KIT_MAIN("handle", wait_has_a_time_limit_and_goes_on_after_it, wait_on_a_loop_is_refused,
         cancel_wait_gives_how_it_has_ended, wait_of_many_threads_ends_with_one_end,
         error_nobody_looked_at_is_logged_once, handle_of_a_loop_outlives_a_shutdown_and_a_restart,
         handle_of_a_loop_that_is_no_more_cannot_be_awaited)
