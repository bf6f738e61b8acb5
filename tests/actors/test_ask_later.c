/* Asks that are answered later, from anywhere, or by somebody else; and their place among what the
 * asker has sent. */
#include <errno.h>

#include "support/told.h"

/* ---- answered later, or by somebody else ---- */

static int answer_taken(void *arg)
{
    int error = *(const int *)arg;

    if (error < 0)
        return tr_answer_error(told_taken, error);
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = error), 0);
    return tr_answer(told_taken, kit_value, .a = -1); /* too late */
}

static void answer_in_callback(void *arg)
{
    ck_assert_int_eq(answer_taken(arg), 0);
}

/* by: a task or a callback of that loop, or a foreign thread. */
static void expect_answer_later(int from, int to, int by, int what)
{
    told_asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_TAKE, { 0 } };
    uint32_t takes = kit_counted(&told_takes);
    tr_future *f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(from), told_ask, &a), 0);
    told_await_takes(takes + 1);
    if (by == TOLD_FOREIGN)
        ck_assert_int_eq(answer_taken(&what), 0);
    else if (to == 0)
        kit_on_loop(by, answer_in_callback, &what);
    else
        ck_assert_int_eq(kit_in_task(by, answer_taken, &what), 0);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), what < 0 ? what : 0);
    ck_assert_int_eq(a.answer.a, what < 0 ? 0 : what);
    tr_future_unref(f);
}

START_TEST(an_answer_may_come_later_from_anywhere)
{
    kit_start(2);
    for (int from = 0; from < 2; from++)
        for (int to = 0; to < 2; to++)
            for (int by = TOLD_FOREIGN; by < 2; by++) {
                expect_answer_later(from, to, by, 77);
                expect_answer_later(from, to, by, -EIO);
            }
    kit_stop();
    ck_assert_uint_eq(kit_stats().late_replies, 12);
}
END_TEST

/* Who stands behind the asks of a loop's tasks is no actor, whatever a forger sends there. */
static int send_to_asker(void *arg)
{
    const tr_pid *asker = arg;

    ck_assert_int_eq(tr_send(*asker, kit_notice), 0);
    ck_assert_int_eq(tr_send(*asker, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_ask(NULL, *asker, TR_FOREVER, kit_ask, .a = 1), TR_EUNHANDLED);
    ck_assert_int_eq(tr_stop(*asker), 0);
    ck_assert_int_eq(tr_kill(*asker), 0);
    return tr_ask(NULL, *asker, TR_FOREVER, kit_ask, .a = 1);
}

START_TEST(the_asker_of_tasks_is_no_actor)
{
    told_asking a = { .timeout = TR_FOREVER, .what = TOLD_TAKE };
    tr_future *f;

    kit_start(2);
    a.to = kit_spawn(&told_class, NULL, 1);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), told_ask, &a), 0);
    told_await_takes(1);
    for (int loop = 0; loop < 2; loop++)
        ck_assert_int_eq(kit_in_task(loop, send_to_asker, &told_taken.tr__pid), TR_EUNHANDLED);
    ck_assert_int_eq(send_to_asker(&told_taken.tr__pid), TR_EUNHANDLED);
    ck_assert(!tr_future_is_done(f));
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 5), 0);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    ck_assert_int_eq(a.answer.a, 5);
    tr_future_unref(f);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_unhandled, 12);
}
END_TEST

START_TEST(an_ask_may_be_handed_on)
{
    kit_start(2);
    for (int from = TOLD_FOREIGN; from < TOLD_PLACES_END; from++)
        for (int to = 0; to < 2; to++) {
            tr_pid told = kit_spawn(&told_class, NULL, to);
            tr_pid hop = kit_spawn(&kit_forwarder_class, &told, 1);
            told_asking a = {
                kit_spawn(&kit_forwarder_class, &hop, 0), TR_FOREVER, TOLD_ANSWER, { 0 }
            };

            ck_assert_int_eq(told_ask_from(from, &a), 0);
            ck_assert_int_eq(a.answer.a, told_outcome(TOLD_ANSWER));
            a.what = TOLD_UNHANDLED;
            ck_assert_int_eq(told_ask_from(from, &a), TR_EUNHANDLED);
            kit_stop_actor(told, to);
            ck_assert_int_eq(told_ask_from(from, &a), TR_EDEAD);
        }
    kit_stop();
}
END_TEST

/* ---- of actors that have not started yet ---- */

static int refusing_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)state;
    (void)args;
    return -EIO;
}

/* Spawn it on that loop for later, and ask at once. */
static int ask_before_it_starts(void *arg)
{
    static const tr_actor_class classes[] = {
        { .name = "plain", .receive = told_receive },
        { .name = "awaiting", .receive = told_receive, .awaits = true, .mailbox_limit = 1 },
        { .name = "refusing", .receive = told_receive, .init = refusing_init },
        { .name = "refusing", .receive = told_receive, .init = refusing_init, .awaits = true },
    };
    int loop = *(const int *)arg;

    for (int i = 0; i < 4; i++) {
        told_asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };

        ck_assert_int_eq(
            tr_spawn_async(&a.to, &classes[i], NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }),
            0);
        ck_assert_int_eq(told_ask(&a), i < 2 ? 0 : TR_EDEAD);
    }
    return 0;
}

START_TEST(one_may_be_asked_before_it_has_started)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        ck_assert_int_eq(ask_before_it_starts(&to), 0);
        for (int from = 0; from < 2; from++)
            ck_assert_int_eq(kit_in_task(from, ask_before_it_starts, &to), 0);
    }
    kit_stop();
}
END_TEST

KIT_MAIN("ask_later", an_answer_may_come_later_from_anywhere, the_asker_of_tasks_is_no_actor,
         an_ask_may_be_handed_on, one_may_be_asked_before_it_has_started)
