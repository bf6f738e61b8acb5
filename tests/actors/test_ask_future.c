/* Asking without waiting: a future that ends with the answer, or with why there is none. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>

#include "support/gate.h"
#include "support/told.h"

typedef struct asking {
    tr_pid to;
    double timeout;
    int64_t what;
} asking;

static tr_future *ask(const asking *a)
{
    tr_future *f = NULL;

    ck_assert_int_eq(tr_ask_future(&f, a->to, a->timeout, kit_ask, .a = a->what), 0);
    ck_assert_ptr_nonnull(f);
    return f;
}

/* In a task, or in a foreign thread. */
static int await(tr_future *f)
{
    return tr_loop_current() < 0 ? tr_future_wait(f, KIT_PATIENCE_S) : tr_await(f);
}

/* The answer's a, or the error. */
static int await_answer(tr_future *f)
{
    int rc = await(f);
    const struct kit_value *answer = tr_future_peek(f);

    ck_assert(tr_future_is_done(f));
    ck_assert_int_eq(tr_future_status(f), rc);
    ck_assert_int_eq(rc == 0, answer != NULL);
    if (answer != NULL)
        rc = (int)answer->a;
    tr_future_unref(f);
    return rc;
}

static int ask_and_await(void *arg)
{
    return await_answer(ask(arg));
}

static int ask_from(int loop, asking *a)
{
    return loop < 0 ? ask_and_await(a) : kit_in_task(loop, ask_and_await, a);
}

/* ---- outcomes ---- */

static void expect_told(int64_t what)
{
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, what };

            ck_assert_int_eq(ask_from(from, &a), told_outcome(what));
        }
}

START_TEST(a_future_ends_as_the_request_does)
{
    kit_start(2);
    expect_told(TOLD_ANSWER);
    expect_told(TOLD_ANSWER_TWICE);
    expect_told(TOLD_ANSWER_ERROR);
    expect_told(TOLD_ANSWER_WRONG_TYPE);
    expect_told(TOLD_FAIL);
    expect_told(TOLD_EXIT);
    expect_told(TOLD_UNHANDLED);
    expect_told(TOLD_KEEP_AND_FREE);
    expect_told(TOLD_TAKE_TWICE);
    kit_stop();
}
END_TEST

START_TEST(time_limits_and_the_dead_end_it)
{
    static const double limits[] = { 0.002, 0, -1, -INFINITY };

    kit_start(2);
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            asking a = { .to = kit_spawn(&told_class, NULL, to), .what = TOLD_IGNORE };

            for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                a.timeout = limits[i];
                ck_assert_int_eq(ask_from(from, &a), TR_ETIMEDOUT);
            }
            a.timeout = TR_FOREVER;
            kit_stop_actor(a.to, to);
            ck_assert_int_eq(ask_from(from, &a), TR_EDEAD);
            a.to = TR_PID_NONE;
            ck_assert_int_eq(ask_from(from, &a), TR_EDEAD);
        }
    kit_stop();
}
END_TEST

static int ask_within_deadline(void *arg)
{
    const asking *a = arg;
    tr_future *f = NULL;

    TR_DEADLINE(0.002) {
        f = ask(a);
    }
    return await_answer(f); /* outside */
}

START_TEST(the_callers_deadline_is_the_requests)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_IGNORE };

        ck_assert_int_eq(kit_in_task(0, ask_within_deadline, &a), TR_ETIMEDOUT);
    }
    kit_stop();
}
END_TEST

START_TEST(an_error_that_nobody_looks_at_is_logged)
{
    asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER_ERROR };

    kit_start(2);
    a.to = kit_spawn(&told_class, NULL, 1);
    kit_log_clear();
    tr_future_unref(ask(&a));
    kit_settle(0);
    kit_settle(1);
    kit_stop();
    ck_assert(kit_log_contains("an ask ended with an error that nobody has looked at"));
    kit_start(2);
    kit_log_clear();
    a.to = kit_spawn(&told_class, NULL, 1);
    ck_assert_int_eq(ask_and_await(&a), -EIO);
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked at"));
}
END_TEST

/* ---- places ---- */

static tr_future *from_place;

static void ask_in_callback(void *arg)
{
    from_place = ask(arg);
}

static int ask_in_handler(tr_self *self, void *arg)
{
    (void)self;
    from_place = ask(arg);
    ck_assert_int_eq(tr_await(from_place), TR_EWRONGPLACE);
    return 0;
}

static int await_from_place(void *arg)
{
    (void)arg;
    return await_answer(tr_future_ref(from_place));
}

START_TEST(anybody_may_ask_and_anybody_else_await)
{
    kit_start(2);
    for (int loop = 0; loop < 2; loop++)
        for (int to = 0; to < 2; to++) {
            asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_ANSWER };

            for (int place = 0; place < 3; place++) {
                if (place == 0)
                    kit_on_loop(loop, ask_in_callback, &a);
                else if (place == 1)
                    kit_do(kit_actor(loop), ask_in_handler, &a);
                else
                    from_place = ask(&a);
                ck_assert_int_eq(kit_in_task(0, await_from_place, NULL), 100);
                ck_assert_int_eq(kit_in_task(1, await_from_place, NULL), 100);
                ck_assert_int_eq(await_from_place(NULL), 100);
                tr_future_unref(from_place);
            }
        }
    kit_stop();
}
END_TEST

static tr_inbox *in;

static void tell_end(tr_future *f, int status, void *arg)
{
    const tr_pid *to = arg;
    const struct kit_value *answer = tr_future_peek(f);

    ck_assert_int_eq(tr_send(*to, kit_value, .a = status, .b = answer != NULL ? answer->a : 0), 0);
}

START_TEST(a_continuation_is_called_at_the_end)
{
    tr_pid to;

    kit_start(2);
    in = kit_inbox();
    to = tr_inbox_pid(in);
    for (int told = 0; told < 2; told++)
        for (int loop = 0; loop < 2; loop++) {
            asking a = { kit_spawn(&told_class, NULL, told), TR_FOREVER, TOLD_ANSWER };
            tr_future *f = ask(&a);

            ck_assert_int_eq(tr_future_then(f, TR_LOOP(loop), tell_end, &to), 0);
            tr_future_unref(f);
            ck_assert_int_eq(kit_expect_value(in, 0), 100);
            a.what = TOLD_ANSWER_ERROR;
            f = ask(&a);
            ck_assert_int_eq(await(f), -EIO);
            ck_assert_int_eq(tr_future_then(f, TR_LOOP(loop), tell_end, &to), 0);
            tr_future_unref(f);
            (void)kit_expect_value(in, -EIO);
        }
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

START_TEST(only_the_request_ends_it)
{
    asking a = { .timeout = TR_FOREVER, .what = TOLD_TAKE };
    tr_future *f;
    void *value = &a;

    kit_start(1);
    a.to = kit_spawn(&told_class, NULL, 0);
    f = ask(&a);
    ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_fail(f, -EIO), TR_EINVAL);
    ck_assert_int_eq(tr_future_status(f), TR_EAGAIN);
    ck_assert_ptr_null(tr_future_peek(f));
    ck_assert_int_eq(tr_future_take(f, &value), TR_EAGAIN);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(tr_future_wait(f, 0.001), TR_ETIMEDOUT); /* it goes on */
    told_await_takes(1);
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 9), 0);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    ck_assert_int_eq(tr_future_take(f, &value), 0);
    ck_assert_int_eq(((struct kit_value *)value)->a, 9);
    free(value);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

/* ---- cancelling ---- */

static void occupy_loop(void *arg)
{
    while (kit_counted(arg) == 0)
        sched_yield();
}

/* The loop that serves this thread is busy until it has been cancelled. */
START_TEST(one_that_is_cancelled_before_it_was_asked_is_never_sent)
{
    asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };
    uint32_t go = 0;
    tr_future *f;

    kit_start(1);
    a.to = kit_spawn(&told_class, NULL, 0);
    ck_assert_int_eq(tr_post(TR_LOOP(0), occupy_loop, &go), 0);
    f = ask(&a);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert(!tr_future_is_done(f));
    kit_count(&go);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), TR_ECANCELED);
    ck_assert_int_eq(tr_future_cancel(f), 0);
    tr_future_unref(f);
    kit_stop();
    ck_assert_uint_eq(kit_stats().sent, 0);
}
END_TEST

static int cancel(void *arg)
{
    return tr_future_cancel(arg);
}

/* by: the loop that cancels it, or a foreign thread. */
static void expect_cancelled(int from, int to, int by)
{
    asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_TAKE };
    uint32_t takes = kit_counted(&told_takes);
    tr_future *f;

    if (from < 0) {
        f = ask(&a);
    } else {
        kit_on_loop(from, ask_in_callback, &a);
        f = from_place;
    }
    told_await_takes(takes + 1);
    ck_assert_int_eq(by < 0 ? cancel(f) : kit_in_task(by, cancel, f), 1);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), TR_ECANCELED);
    ck_assert_int_eq(by < 0 ? cancel(f) : kit_in_task(by, cancel, f), 0);
    tr_future_unref(f);
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 1), 0); /* too late */
}

START_TEST(cancelling_gives_an_open_request_up)
{
    kit_start(2);
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++)
            for (int by = -1; by < 2; by++)
                expect_cancelled(from, to, by);
    kit_stop();
    ck_assert_uint_eq(kit_stats().late_replies, 18);
}
END_TEST

START_TEST(cancelling_what_has_ended_changes_nothing)
{
    asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };
    tr_future *f;

    kit_start(2);
    a.to = kit_spawn(&told_class, NULL, 1);
    f = ask(&a);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    ck_assert_int_eq(tr_future_cancel(f), 0);
    ck_assert_int_eq(tr_future_cancel_wait(f), 0);
    ck_assert_int_eq(((struct kit_value *)tr_future_peek(f))->a, 100);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

static int wait_for(void *arg)
{
    tr_future *f = ask(arg);
    int rc = tr_wait_for(f, 0.002);

    ck_assert_int_eq(tr_future_status(f), TR_ECANCELED);
    tr_future_unref(f);
    return rc;
}

START_TEST(who_waits_too_long_gives_the_request_up)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_TAKE };

        ck_assert_int_eq(kit_in_task(0, wait_for, &a), TR_ETIMEDOUT);
        ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 1), 0);
    }
    kit_stop();
    ck_assert_uint_eq(kit_stats().late_replies, 2);
}
END_TEST

static int await_cancelled(void *arg)
{
    int rc;

    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_cancel(s), 1);
        ck_assert_int_eq(tr_await(arg), TR_ECANCELED);
        ck_assert(!tr_future_is_done(arg)); /* it is left alone */
    }
    return 0;
}

START_TEST(who_is_cancelled_leaves_the_future_alone)
{
    asking a = { .timeout = TR_FOREVER, .what = TOLD_TAKE };
    tr_future *f;

    kit_start(2);
    a.to = kit_spawn(&told_class, NULL, 1);
    f = ask(&a);
    ck_assert_int_eq(kit_in_task(0, await_cancelled, f), 0);
    ck_assert_int_eq(kit_in_task(1, await_cancelled, f), 0);
    told_await_takes(1);
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 3), 0);
    ck_assert_int_eq(await_answer(f), 3);
    kit_stop();
}
END_TEST

/* ---- order ---- */

enum { MANY = 1000 };

/* Values and asks are numbered together. */
static int64_t last_number;

static int order_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    const struct kit_ask *asked = tr_as(msg, kit_ask);

    (void)state;
    ck_assert_int_eq(value != NULL ? value->a : asked->a, last_number + 1);
    last_number++;
    return value != NULL ? 0 : tr_reply(self, kit_value, .a = last_number);
}

static const tr_actor_class order_class = { .name = "order", .receive = order_receive };

static int send_and_ask(void *arg)
{
    const tr_pid *to = arg;
    tr_future *f[MANY];

    for (int64_t i = 0; i < MANY; i++) {
        asking a = { *to, TR_FOREVER, 2 * i + 2 };

        ck_assert_int_eq(tr_send(*to, kit_value, .a = 2 * i + 1), 0);
        f[i] = ask(&a);
    }
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(await_answer(f[i]), 2 * i + 2);
    return 0;
}

START_TEST(sends_and_asks_of_one_sender_keep_their_order)
{
    kit_start(2);
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            tr_pid pid = kit_spawn(&order_class, NULL, to);

            last_number = 0;
            ck_assert_int_eq(from < 0 ? send_and_ask(&pid) : kit_in_task(from, send_and_ask, &pid),
                             0);
        }
    kit_stop();
}
END_TEST

static int send_and_ask_at_once(void *arg)
{
    told_asking *a = arg;

    for (int64_t i = 0; i < 100; i++) {
        ck_assert_int_eq(tr_send(a->to, kit_value, .a = 3 * i + 1), 0);
        ck_assert_int_eq(tr_send(a->to, kit_value, .a = 3 * i + 2), 0);
        a->what = 3 * i + 3;
        ck_assert_int_eq(told_ask(a), 0);
        ck_assert_int_eq(a->answer.a, a->what); /* what was sent before was handled before */
    }
    return 0;
}

START_TEST(an_ask_comes_behind_what_was_sent_before)
{
    kit_start(2);
    for (int from = TOLD_FOREIGN; from < TOLD_PLACES_END; from++)
        for (int to = 0; to < 2; to++) {
            told_asking a = { kit_spawn(&order_class, NULL, to), TR_FOREVER, 0, { 0 } };

            last_number = 0;
            ck_assert_int_eq(from == TOLD_FOREIGN ? send_and_ask_at_once(&a)
                                                  : kit_in_task(from, send_and_ask_at_once, &a),
                             0);
        }
    kit_stop();
}
END_TEST

/* ---- shutdown ---- */

START_TEST(a_shutdown_ends_what_is_open)
{
    for (int to = 0; to < 2; to++) {
        asking a = { .timeout = to == 0 ? TR_FOREVER : 1000, .what = TOLD_TAKE };
        tr_future *f[2];

        kit_start(2);
        a.to = kit_spawn(&told_class, NULL, to);
        f[0] = ask(&a);
        kit_on_loop(1, ask_in_callback, &a);
        f[1] = from_place;
        told_await_takes((uint32_t)to * 2 + 2);
        kit_stop();
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(tr_future_status(f[i]), TR_ESHUTDOWN);
            ck_assert_int_eq(tr_future_cancel(f[i]), 0);
            tr_future_unref(f[i]);
        }
    }
}
END_TEST

static uint32_t late_calls;

/* In the last moments of a loop. */
static void ask_at_close(void *arg)
{
    asking *a = arg;
    tr_future *f = (tr_future *)(uintptr_t)1;
    int rc = tr_ask_future(&f, a->to, a->timeout, kit_ask, .a = a->what);

    if (rc == 0) {
        ck_assert_int_eq(tr_future_status(f), TR_ESHUTDOWN);
        tr_future_unref(f);
    } else {
        ck_assert_int_eq(rc, TR_ESHUTDOWN);
        ck_assert_ptr_null(f);
    }
    late_calls++;
}

static void register_close(void *arg)
{
    ck_assert_int_eq(tr_loop_on_close(ask_at_close, arg), 0);
}

START_TEST(after_the_shutdown_nobody_is_asked)
{
    asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };
    tr_future *f = (tr_future *)(uintptr_t)1;

    ck_assert_int_eq(tr_ask_future(&f, a.to, 1, kit_ask, .a = 1), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
    kit_start(1);
    a.to = kit_spawn(&told_class, NULL, 0);
    kit_on_loop(0, register_close, &a);
    kit_stop();
    ck_assert_uint_eq(late_calls, 1);
    f = (tr_future *)(uintptr_t)1;
    ck_assert_int_eq(tr_ask_future(&f, a.to, 1, kit_ask, .a = 1), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
}
END_TEST

KIT_MAIN("ask_future", a_future_ends_as_the_request_does, time_limits_and_the_dead_end_it,
         the_callers_deadline_is_the_requests, an_error_that_nobody_looks_at_is_logged,
         anybody_may_ask_and_anybody_else_await, a_continuation_is_called_at_the_end,
         only_the_request_ends_it, one_that_is_cancelled_before_it_was_asked_is_never_sent,
         cancelling_gives_an_open_request_up, cancelling_what_has_ended_changes_nothing,
         who_waits_too_long_gives_the_request_up, who_is_cancelled_leaves_the_future_alone,
         sends_and_asks_of_one_sender_keep_their_order, an_ask_comes_behind_what_was_sent_before,
         a_shutdown_ends_what_is_open, after_the_shutdown_nobody_is_asked)
