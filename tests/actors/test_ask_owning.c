/* Asks and answers that own something: each is dropped exactly once, or is the asker's, whichever
 * way the ask ends. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "support/told.h"

/* A request that owns something; its answer, kit_owned, does, too. */
static void drop_request(void *payload);
typedef struct kit_owned tr_answer_of_own_ask;
TR__DESCRIBE(own_ask, __LINE__, "own_ask", &tr_type_kit_owned, drop_request);
struct own_ask {
    int64_t what;
    uint32_t *drops;
    uint32_t *answer_drops;
};

static void drop_request(void *payload)
{
    kit_count(((struct own_ask *)payload)->drops);
}

/* ---- who is asked ---- */

enum { ANSWER, ANSWER_TWICE, ERROR, WRONG_TYPE, IGNORE, FAIL, UNHANDLED, TAKE_AWAY, KEEP, LATER };

static uint32_t *later_drops;

static int answer(tr_self *self, const struct own_ask *asked)
{
    return tr_reply(self, kit_owned, .a = 3, .drops = asked->answer_drops);
}

static int answer_late(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    return tr_answer(told_taken, kit_owned, .drops = later_drops);
}

static int own_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct own_ask *asked = tr_as(msg, own_ask);

    if (asked == NULL)
        return kit_act_or_unhandled(self, state, msg);
    switch (asked->what) {
    case ANSWER_TWICE:
        ck_assert_int_eq(answer(self, asked), 0);
        return answer(self, asked); /* nobody asks any more */
    case ERROR:
        return tr_reply_error(self, -EIO);
    case WRONG_TYPE:
        ck_assert_int_eq(tr_reply(self, kit_owned_large, .drops = asked->answer_drops), TR_EPROTO);
        return 0;
    case IGNORE:
        return 0;
    case FAIL:
        return -EIO;
    case UNHANDLED:
        return TR_UNHANDLED;
    case TAKE_AWAY:
        (void)answer(self, asked);
        kit_count(tr_take(msg, own_ask)->drops); /* it is ours to drop */
        return 0;
    case KEEP:
        (void)answer(self, asked);
        tr_msg_free(tr_msg_keep(msg));
        return 0;
    case LATER:
        later_drops = asked->answer_drops;
        told_taken = tr_take_asker(self);
        kit_count(&told_takes);
        return 0;
    default:
        return answer(self, asked);
    }
}

static const tr_actor_class own_class = { .name = "own", .receive = own_receive };

/* ---- who asks ---- */

typedef struct asking {
    tr_pid to;
    double timeout;
    int64_t what;
    bool wants_nothing; /* out is NULL */
    struct kit_owned answer;
    uint32_t drops;
    uint32_t answer_drops;
} asking;

static int ask(void *arg)
{
    asking *a = arg;

    return tr_ask(a->wants_nothing ? NULL : &a->answer, a->to, a->timeout, own_ask, .what = a->what,
                  .drops = &a->drops, .answer_drops = &a->answer_drops);
}

/* From a task of that loop, or a foreign thread (below 0). */
static int ask_from(int from, asking *a)
{
    return from < 0 ? ask(a) : kit_in_task(from, ask, a);
}

/* Ask one who does that; answers: how many of them must have been dropped in the end. */
static void expect(int64_t what, bool wants_nothing, int rc, uint32_t answers)
{
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            asking a = { .what = what, .timeout = TR_FOREVER, .wants_nothing = wants_nothing };

            kit_start(2);
            a.to = kit_spawn(&own_class, NULL, to);
            ck_assert_int_eq(ask_from(from, &a), rc);
            kit_stop();
            ck_assert_uint_eq(kit_counted(&a.drops), 1);
            ck_assert_uint_eq(kit_counted(&a.answer_drops), answers);
            if (rc == 0 && !wants_nothing)
                ck_assert_ptr_eq(a.answer.drops, &a.answer_drops); /* it is ours */
        }
}

START_TEST(an_answer_that_is_wanted_is_the_askers)
{
    expect(ANSWER, false, 0, 0);
    expect(TAKE_AWAY, false, 0, 0);
    expect(KEEP, false, 0, 0);
}
END_TEST

START_TEST(an_answer_that_is_not_wanted_is_dropped)
{
    expect(ANSWER, true, 0, 1);
    expect(TAKE_AWAY, true, 0, 1);
}
END_TEST

START_TEST(a_second_answer_is_dropped)
{
    expect(ANSWER_TWICE, false, 0, 1);
    expect(ANSWER_TWICE, true, 0, 2);
}
END_TEST

START_TEST(an_answer_of_another_type_is_dropped)
{
    expect(WRONG_TYPE, false, TR_EPROTO, 1);
}
END_TEST

START_TEST(a_request_is_dropped_once_where_there_is_no_answer)
{
    expect(ERROR, false, -EIO, 0);
    expect(FAIL, false, TR_EDEAD, 0);
    expect(UNHANDLED, false, TR_EUNHANDLED, 0);
}
END_TEST

START_TEST(a_request_to_the_dead_is_dropped)
{
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            asking a = { .timeout = TR_FOREVER };

            kit_start(2);
            a.to = kit_actor(to);
            kit_stop_actor(a.to, to);
            ck_assert_int_eq(ask_from(from, &a), TR_EDEAD);
            a.to = TR_PID_NONE;
            ck_assert_int_eq(ask_from(from, &a), TR_EDEAD);
            kit_stop();
            ck_assert_uint_eq(kit_counted(&a.drops), 2);
        }
}
END_TEST

START_TEST(a_request_that_times_out_is_dropped)
{
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            asking a = { .what = IGNORE, .timeout = 0.001 };

            kit_start(2);
            a.to = kit_spawn(&own_class, NULL, to);
            ck_assert_int_eq(ask_from(from, &a), TR_ETIMEDOUT);
            a.timeout = 0;
            ck_assert_int_eq(ask_from(from, &a), TR_ETIMEDOUT);
            kit_stop();
            ck_assert_uint_eq(kit_counted(&a.drops), 2);
        }
}
END_TEST

/* An answer that comes when the asker has been cancelled. */
static void expect_late_answer_dropped(int to)
{
    asking a = { .what = LATER, .timeout = TR_FOREVER };
    uint32_t takes = kit_counted(&told_takes);
    tr_future *f;

    kit_start(2);
    a.to = kit_spawn(&own_class, NULL, to);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), ask, &a), 0);
    told_await_takes(takes + 1);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_ECANCELED);
    tr_future_unref(f);
    kit_do(a.to, answer_late, NULL); /* from where it was asked */
    ck_assert_int_eq(tr_answer(told_taken, kit_owned, .drops = later_drops), 0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&a.drops), 1);
    ck_assert_uint_eq(kit_counted(&a.answer_drops), 2);
    ck_assert_uint_eq(kit_stats().late_replies, 2);
}

START_TEST(an_answer_to_who_was_cancelled_is_dropped)
{
    expect_late_answer_dropped(0);
    expect_late_answer_dropped(1);
}
END_TEST

static int ask_badly(void *arg)
{
    asking *a = arg;
    tr_future *f = (tr_future *)(uintptr_t)1;

    ck_assert_int_eq(tr_ask(&a->answer, a->to, NAN, own_ask, .drops = &a->drops), TR_EINVAL);
    ck_assert_int_eq(tr_ask_future(&f, a->to, NAN, own_ask, .drops = &a->drops), TR_EINVAL);
    ck_assert_ptr_null(f);
    ck_assert_int_eq(tr_ask_future(NULL, a->to, 1, own_ask, .drops = &a->drops), TR_EINVAL);
    return 0;
}

static int ask_when_cancelled(void *arg)
{
    asking *a = arg;
    int rc;

    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_cancel(s), 1);
        ck_assert_int_eq(ask(a), TR_ECANCELED);
    }
    return rc;
}

static void ask_in_callback(void *arg)
{
    ck_assert_int_eq(ask(arg), TR_EWRONGPLACE);
}

START_TEST(what_is_not_even_sent_is_dropped)
{
    asking a = { .timeout = TR_FOREVER };

    ck_assert_int_eq(ask(&a), TR_ESHUTDOWN);
    ck_assert_uint_eq(kit_counted(&a.drops), 1);
    kit_start(1);
    a.to = kit_spawn(&own_class, NULL, 0);
    ck_assert_int_eq(ask_badly(&a), 0);
    ck_assert_uint_eq(kit_counted(&a.drops), 4);
    ck_assert_int_eq(kit_in_task(0, ask_badly, &a), 0);
    ck_assert_uint_eq(kit_counted(&a.drops), 7);
    ck_assert_int_eq(kit_in_task(0, ask_when_cancelled, &a), 0);
    ck_assert_uint_eq(kit_counted(&a.drops), 8);
    kit_on_loop(0, ask_in_callback, &a);
    ck_assert_uint_eq(kit_counted(&a.drops), 9);
    kit_stop();
    ck_assert_uint_eq(kit_stats().sent, 0);
}
END_TEST

/* ---- futures ---- */

static tr_future *ask_future(asking *a)
{
    tr_future *f;

    ck_assert_int_eq(tr_ask_future(&f, a->to, a->timeout, own_ask, .what = a->what,
                                   .drops = &a->drops, .answer_drops = &a->answer_drops),
                     0);
    return f;
}

static int await(tr_future *f)
{
    return tr_loop_current() < 0 ? tr_future_wait(f, KIT_PATIENCE_S) : tr_await(f);
}

static int take_answer(void *arg)
{
    asking *a = arg;
    tr_future *f = ask_future(a);
    int rc = await(f);
    struct kit_owned *mine = tr_future_peek(f);
    void *value;

    ck_assert_int_eq(tr_future_take(f, &value), 0);
    ck_assert_ptr_eq(value, mine);
    ck_assert_ptr_eq(mine->drops, &a->answer_drops);
    ck_assert_int_eq(tr_future_take(f, &value), TR_EALREADY);
    ck_assert_ptr_null(value);
    ck_assert_ptr_null(tr_future_peek(f));
    tr_future_unref(f);
    ck_assert_int_eq(mine->a, 3);
    free(mine);
    return rc;
}

static int leave_answer(void *arg)
{
    tr_future *f = ask_future(arg);
    int rc = await(f);

    tr_future_unref(f);
    return rc;
}

static int look_at_nothing(void *arg)
{
    tr_future_unref(ask_future(arg));
    return 0;
}

static int cancel_at_once(void *arg)
{
    tr_future *f = ask_future(arg);

    (void)tr_future_cancel(f);
    tr_future_unref(f);
    return 0;
}

typedef int (*future_fn)(void *arg);

/* Do that from everywhere; answers: dropped at least and at most. */
static void expect_future(future_fn fn, int64_t what, int rc, uint32_t least, uint32_t most)
{
    for (int from = -1; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            asking a = { .what = what, .timeout = TR_FOREVER };

            kit_start(2);
            a.to = kit_spawn(&own_class, NULL, to);
            ck_assert_int_eq(from < 0 ? fn(&a) : kit_in_task(from, fn, &a), rc);
            kit_settle(0); /* what a foreign thread has asked was taken in */
            kit_settle(1);
            kit_stop();
            ck_assert_uint_eq(kit_counted(&a.drops), 1);
            ck_assert_uint_ge(kit_counted(&a.answer_drops), least);
            ck_assert_uint_le(kit_counted(&a.answer_drops), most);
        }
}

START_TEST(an_answer_that_is_taken_is_the_takers)
{
    expect_future(take_answer, ANSWER, 0, 0, 0);
    expect_future(take_answer, ANSWER_TWICE, 0, 1, 1);
}
END_TEST

START_TEST(an_answer_that_is_left_is_dropped_with_its_future)
{
    expect_future(leave_answer, ANSWER, 0, 1, 1);
    expect_future(leave_answer, ANSWER_TWICE, 0, 2, 2);
    expect_future(leave_answer, WRONG_TYPE, TR_EPROTO, 1, 1);
    expect_future(leave_answer, ERROR, -EIO, 0, 0);
}
END_TEST

START_TEST(an_answer_that_nobody_waits_for_is_dropped)
{
    expect_future(look_at_nothing, ANSWER, 0, 1, 1);
    expect_future(look_at_nothing, FAIL, 0, 0, 0);
}
END_TEST

START_TEST(an_answer_that_was_called_off_is_dropped)
{
    expect_future(cancel_at_once, ANSWER, 0, 0, 1); /* 0: it was never asked */
    expect_future(cancel_at_once, IGNORE, 0, 0, 0);
}
END_TEST

START_TEST(a_future_may_be_freed_after_the_runtime)
{
    asking a = { .what = ANSWER, .timeout = TR_FOREVER };
    tr_future *f;

    kit_start(2);
    a.to = kit_spawn(&own_class, NULL, 1);
    f = ask_future(&a);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&a.answer_drops), 0);
    ck_assert_ptr_nonnull(tr_future_peek(f));
    tr_future_unref(f);
    ck_assert_uint_eq(kit_counted(&a.answer_drops), 1);
}
END_TEST

START_TEST(a_shutdown_drops_what_is_on_its_way)
{
    for (int to = 0; to < 2; to++) {
        asking a = { .what = LATER, .timeout = TR_FOREVER };
        tr_future *f;

        kit_start(2);
        a.to = kit_spawn(&own_class, NULL, to);
        f = ask_future(&a);
        told_await_takes((uint32_t)to + 1);
        kit_stop();
        ck_assert_int_eq(tr_future_status(f), TR_ESHUTDOWN);
        tr_future_unref(f);
        ck_assert_int_eq(tr_answer(told_taken, kit_owned, .drops = later_drops), TR_ESHUTDOWN);
        ck_assert_uint_eq(kit_counted(&a.drops), 1);
        ck_assert_uint_eq(kit_counted(&a.answer_drops), 1);
    }
}
END_TEST

/* ---- where it is dropped, nothing may await ---- */

/* Tries to. */
TR_MESSAGE_OWNING(nosy, nosy_drop)
{
    int64_t a;
};
static void drop_nosy_ask(void *payload);
typedef struct nosy tr_answer_of_nosy_ask;
TR__DESCRIBE(nosy_ask, __LINE__, "nosy_ask", &tr_type_nosy, drop_nosy_ask);
struct nosy_ask {
    int64_t a;
};

static uint32_t refusals;

void nosy_drop(struct nosy *payload)
{
    (void)payload;
    ck_assert_int_eq(tr_yield(), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_ask(NULL, TR_PID_NONE, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
    kit_count(&refusals);
}

static void drop_nosy_ask(void *payload)
{
    nosy_drop(payload);
}

/* Answers twice: the second is late. */
static int nosy_receive(tr_self *self, void *state, tr_msg *msg)
{
    tr_asker who = tr_take_asker(self);

    (void)state;
    ck_assert(tr_is(msg, nosy_ask));
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_answer(who, nosy, .a = 1), 0);
    ck_assert_int_eq(tr_answer(who, nosy, .a = 2), 0);
    return tr_yield(); /* the handler may await again */
}

static const tr_actor_class nosy_class = {
    .name = "nosy",
    .receive = nosy_receive,
    .awaits = true,
};

static int ask_nosily(void *arg)
{
    const tr_pid *to = arg;
    tr_future *f;

    ck_assert_int_eq(tr_ask(NULL, *to, NAN, nosy_ask), TR_EINVAL);
    ck_assert_uint_eq(kit_counted(&refusals), 1); /* it was refused */
    ck_assert_int_eq(tr_ask(NULL, *to, TR_FOREVER, nosy_ask), 0);
    ck_assert_int_eq(tr_ask_future(&f, *to, TR_FOREVER, nosy_ask), 0);
    ck_assert_int_eq(tr_await(f), 0);
    tr_future_unref(f);
    ck_assert_int_eq(tr_ask_future(&f, *to, TR_FOREVER, nosy_ask), 0);
    tr_future_unref(f);
    return tr_ask(NULL, *to, TR_FOREVER, nosy_ask); /* behind that one */
}

START_TEST(what_drops_may_not_await)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_pid pid;

        refusals = 0;
        kit_start(2);
        pid = kit_spawn(&nosy_class, NULL, loop);
        ck_assert_int_eq(kit_in_task(0, ask_nosily, &pid), 0);
        kit_stop();
        /* One refused; four asks with two answers each. */
        ck_assert_uint_eq(kit_counted(&refusals), 1 + 4 * 3);
    }
}
END_TEST

KIT_MAIN("ask_owning", an_answer_that_is_wanted_is_the_askers,
         an_answer_that_is_not_wanted_is_dropped, a_second_answer_is_dropped,
         an_answer_of_another_type_is_dropped, a_request_is_dropped_once_where_there_is_no_answer,
         a_request_to_the_dead_is_dropped, a_request_that_times_out_is_dropped,
         an_answer_to_who_was_cancelled_is_dropped, what_is_not_even_sent_is_dropped,
         an_answer_that_is_taken_is_the_takers, an_answer_that_is_left_is_dropped_with_its_future,
         an_answer_that_nobody_waits_for_is_dropped, an_answer_that_was_called_off_is_dropped,
         a_future_may_be_freed_after_the_runtime, a_shutdown_drops_what_is_on_its_way,
         what_drops_may_not_await)
