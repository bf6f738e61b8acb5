/* Requests that are answered later, from elsewhere, and by whom they were forwarded to. */
#include "support/asker.h"

/* ---- answering from elsewhere ---- */

static void expect_answer_from_here(int asker_loop, int told_loop, bool error)
{
    tr_pid asker = asker_begin(asker_loop, 0);
    asker_call a = { kit_spawn(&told_class, NULL, told_loop), TR_FOREVER, 6, TOLD_TAKE };

    kit_do(asker, asker_request, &a);
    kit_settle(asker_loop);
    kit_settle(told_loop);
    if (error) {
        ck_assert_int_eq(tr_answer_error(told_taken, -ENOENT), 0);
        ck_assert_int_eq(kit_expect_report(6), -ENOENT);
    } else {
        ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 321), 0);
        ck_assert_int_eq(kit_expect_report(6), 321);
    }
    asker_end();
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 322), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_answer_error(told_taken, -1), TR_ESHUTDOWN);
}

START_TEST(a_foreign_thread_may_answer_later)
{
    expect_answer_from_here(0, 0, false);
    expect_answer_from_here(0, 1, false);
    expect_answer_from_here(1, 0, true);
}
END_TEST

static void answer_wrongly(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_answer(told_taken, kit_large, .a = 1), TR_EPROTO);
}

START_TEST(a_wrong_answer_from_elsewhere_is_told_to_both)
{
    for (int loop = -1; loop < 2; loop++) {
        tr_pid asker = asker_begin(0, 0);
        asker_call a = { kit_spawn(&told_class, NULL, 0), TR_FOREVER, 6, TOLD_TAKE };

        kit_do(asker, asker_request, &a);
        kit_settle(0);
        if (loop < 0)
            answer_wrongly(NULL);
        else
            kit_on_loop(loop, answer_wrongly, NULL);
        ck_assert_int_eq(kit_expect_report(6), TR_EPROTO);
        asker_end();
    }
}
END_TEST

static void answer_here(void *arg)
{
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = *(int *)arg), 0);
    ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 0), 0);
}

START_TEST(a_loop_callback_may_answer_later)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_pid asker = asker_begin(0, 0);
        asker_call a = { kit_spawn(&told_class, NULL, 0), TR_FOREVER, 6, TOLD_TAKE };

        kit_do(asker, asker_request, &a);
        kit_settle(0);
        kit_on_loop(loop, answer_here, &(int){ 55 });
        ck_assert_int_eq(kit_expect_report(6), 55);
        asker_end();
        ck_assert_uint_eq(kit_stats().late_replies, 1);
    }
}
END_TEST

static void expect_answer_to_the_dead(int asker_loop)
{
    tr_pid asker = asker_begin(asker_loop, 0);
    asker_call a = { kit_spawn(&told_class, NULL, 0), TR_FOREVER, 6, TOLD_TAKE };

    kit_do(asker, asker_request, &a);
    kit_settle(asker_loop);
    kit_settle(0);
    kit_stop_actor(asker, asker_loop);
    kit_on_loop(0, answer_here, &(int){ 55 });
    kit_settle(0);
    kit_settle(asker_loop);
    asker_end();
    ck_assert_uint_eq(kit_stats().late_replies, 2);
}

START_TEST(answers_to_the_dead_are_late)
{
    expect_answer_to_the_dead(0);
    expect_answer_to_the_dead(1);
}
END_TEST

START_TEST(errors_to_the_dead_go_nowhere)
{
    tr_pid asker = asker_begin(0, 0);
    asker_call a = { kit_spawn(&told_class, NULL, 0), TR_FOREVER, 6, TOLD_TAKE };

    kit_do(asker, asker_request, &a);
    kit_settle(0);
    kit_stop_actor(asker, 0);
    ck_assert_int_eq(tr_answer_error(told_taken, -1), 0);
    kit_settle(0);
    asker_end();
}
END_TEST

/* ---- forwarding ---- */

static void expect_forwarded(int hop_loop, int told_loop, int64_t what, int64_t outcome)
{
    tr_pid asker = asker_begin(0, 0);
    tr_pid told = kit_spawn(&told_class, NULL, told_loop);
    tr_pid hop = kit_spawn(&kit_forwarder_class, &told, hop_loop);
    asker_call a = { kit_spawn(&kit_forwarder_class, &hop, 0), TR_FOREVER, 12, what };

    kit_do(asker, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(12), outcome);
    asker_end();
}

START_TEST(forwarding_keeps_the_asker)
{
    expect_forwarded(0, 0, TOLD_ANSWER, 100);
    expect_forwarded(1, 0, TOLD_ANSWER, 100);
    expect_forwarded(1, 1, TOLD_UNHANDLED, TR_EUNHANDLED);
}
END_TEST

START_TEST(forwarding_to_the_dead_fails_the_asker)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_pid asker = asker_begin(0, 0);
        tr_pid dead = kit_actor(loop);
        asker_call a = { kit_spawn(&kit_forwarder_class, &dead, 0), TR_FOREVER, 12, TOLD_ANSWER };

        kit_stop_actor(dead, loop);
        kit_do(asker, asker_request, &a);
        ck_assert_int_eq(kit_expect_report(12), TR_EDEAD);
        asker_end();
    }
}
END_TEST

KIT_MAIN("request_later", a_foreign_thread_may_answer_later,
         a_wrong_answer_from_elsewhere_is_told_to_both, a_loop_callback_may_answer_later,
         answers_to_the_dead_are_late, errors_to_the_dead_go_nowhere, forwarding_keeps_the_asker,
         forwarding_to_the_dead_fails_the_asker)
