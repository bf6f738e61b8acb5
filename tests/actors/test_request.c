/* Requests: each is followed by exactly one answer or failure, whichever way the other side
 * takes. */
#include <math.h>

#include "support/asker.h"

TR_REQUEST(own_ask, kit_owned)
{
    int64_t a;
};

/* Ask one of the told on that loop, and expect the outcome. */
static void expect_outcome(int asker_loop, int told_loop, int64_t what, int64_t outcome)
{
    tr_pid asker = asker_begin(asker_loop, 0);
    asker_call a = { kit_spawn(&told_class, NULL, told_loop), TR_FOREVER, 77, what };

    kit_do(asker, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(77), outcome);
    asker_end();
}

static void expect_outcome_everywhere(int64_t what, int64_t outcome)
{
    expect_outcome(0, 0, what, outcome);
    expect_outcome(0, 1, what, outcome);
}

START_TEST(an_answer_comes_with_the_tag)
{
    expect_outcome_everywhere(TOLD_ANSWER, 100);
}
END_TEST

START_TEST(only_the_first_answer_counts)
{
    expect_outcome_everywhere(TOLD_ANSWER_TWICE, 101);
}
END_TEST

START_TEST(an_error_comes_as_request_failed)
{
    expect_outcome_everywhere(TOLD_ANSWER_ERROR, -EIO);
}
END_TEST

START_TEST(an_answer_of_another_type_is_refused_to_both)
{
    expect_outcome_everywhere(TOLD_ANSWER_WRONG_TYPE, TR_EPROTO);
}
END_TEST

START_TEST(the_asker_of_a_failing_handler_is_told)
{
    expect_outcome_everywhere(TOLD_FAIL, TR_EDEAD);
}
END_TEST

START_TEST(the_asker_of_one_that_exits_is_told)
{
    expect_outcome_everywhere(TOLD_EXIT, TR_EDEAD);
}
END_TEST

START_TEST(the_asker_of_one_that_exits_after_a_failed_send_is_told)
{
    expect_outcome_everywhere(TOLD_EXIT_AND_DEAD_SEND, TR_EDEAD);
}
END_TEST

START_TEST(the_asker_of_an_unhandled_message_is_told)
{
    expect_outcome_everywhere(TOLD_UNHANDLED, TR_EUNHANDLED);
}
END_TEST

START_TEST(a_kept_ask_that_is_freed_fails)
{
    expect_outcome_everywhere(TOLD_KEEP_AND_FREE, TR_EUNHANDLED);
}
END_TEST

START_TEST(an_asker_is_taken_once)
{
    expect_outcome_everywhere(TOLD_TAKE_TWICE, 200);
}
END_TEST

START_TEST(an_error_must_be_negative)
{
    expect_outcome_everywhere(TOLD_BAD_ERROR, 300);
}
END_TEST

START_TEST(a_failed_send_after_the_answer_changes_nothing)
{
    expect_outcome_everywhere(TOLD_DEAD_SEND, 400);
}
END_TEST

static int ask_without_payload(tr_self *self, void *arg)
{
    return tr_request(self, *(const tr_pid *)arg, 30, 0, told_query);
}

START_TEST(a_query_needs_no_payload)
{
    tr_pid asker = asker_begin(0, 0);
    tr_pid told = kit_spawn(&told_class, NULL, 1);

    kit_do(asker, ask_without_payload, &told);
    ck_assert_int_eq(kit_expect_report(0), 500);
    asker_end();
}
END_TEST

/* ---- time ---- */

static void expect_timeout(int told_loop, double timeout)
{
    tr_pid asker = asker_begin(0, 0);
    asker_call a = { kit_spawn(&told_class, NULL, told_loop), timeout, 5, TOLD_IGNORE };

    kit_do(asker, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(5), TR_ETIMEDOUT);
    asker_end();
}

START_TEST(a_request_that_is_not_answered_times_out)
{
    expect_timeout(0, 0.002);
    expect_timeout(1, 0.002);
}
END_TEST

START_TEST(a_limit_of_zero_has_passed_already)
{
    expect_timeout(0, 0);
    expect_timeout(1, -1);
    expect_timeout(0, -INFINITY);
}
END_TEST

START_TEST(a_late_answer_is_counted_and_goes_nowhere)
{
    tr_pid asker = asker_begin(0, 0);
    asker_call a = { kit_spawn(&told_class, NULL, 1), 0.002, 5, TOLD_TAKE };
    tr_asker none = { .tr__ref = 0 };

    kit_do(asker, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(5), TR_ETIMEDOUT);
    kit_settle(1);
    if (!tr_asker_is_none(told_taken)) {
        ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 1), 0);
        ck_assert_int_eq(tr_answer_error(told_taken, -EIO), 0);
    }
    ck_assert_int_eq(tr_answer(none, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_answer_error(none, -EIO), 0);
    asker_end();
    /* It expired before it was handled, or its answer came too late. */
    ck_assert_uint_eq(kit_stats().late_replies + kit_stats().expired, 1);
}
END_TEST

static int do_nothing(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

START_TEST(an_expired_request_is_skipped_and_counted)
{
    tr_pid asker = asker_begin(0, 1);
    asker_call a = { kit_spawn(&told_class, NULL, 1), 0.001, 9, TOLD_ANSWER };
    uint32_t go = 0;

    /* The other side is busy until the asker has been told; and then for so many activations that
     * its loop looks at the clock. */
    kit_tell(a.to, told_occupy, &go);
    for (int i = 0; i < 200; i++)
        kit_tell(a.to, do_nothing, NULL);
    kit_do(asker, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(9), TR_ETIMEDOUT);
    kit_count(&go);
    kit_do(a.to, do_nothing, NULL); /* behind it in the mailbox */
    asker_end();
    ck_assert_uint_eq(kit_stats().expired, 1);
    ck_assert_uint_eq(kit_stats().late_replies, 0);
    ck_assert_int_eq(kit_dead(TR_ETIMEDOUT), 1);
}
END_TEST

static int bad_requests(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_request(self, tr_self_pid(self), NAN, 1, kit_ask, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_request(NULL, tr_self_pid(self), 1, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_reply(NULL, kit_value, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_reply_error(NULL, -1), TR_EWRONGPLACE);
    ck_assert(tr_asker_is_none(tr_take_asker(NULL)));
    ck_assert(tr_asker_is_none(tr_take_asker(self)));
    ck_assert(tr_asker_is_none(tr_msg_take_asker(NULL)));
    /* Nobody asked. */
    ck_assert_int_eq(tr_reply(self, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_reply_error(self, -1), 0);
    return 0;
}

START_TEST(bad_requests_send_nothing)
{
    tr_pid asker = asker_begin(0, 0);
    tr_asker nobody = { .tr__ref = 0 };
    uint64_t sent;

    kit_do(asker, bad_requests, NULL);
    ck_assert_int_eq(tr_answer_error(nobody, 0), TR_EINVAL);
    ck_assert_int_eq(tr_reply_error(NULL, -1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_request(NULL, asker, 1, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
    asker_end();
    sent = kit_stats().sent;
    ck_assert_uint_eq(sent, 1); /* the act */
}
END_TEST

static int reply_owned_out_of_place(tr_self *self, void *arg)
{
    uint32_t *drops = arg;

    (void)self;
    ck_assert_int_eq(tr_reply(NULL, kit_owned, .drops = drops), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_reply(self, kit_owned, .drops = drops), 0);
    return 0;
}

START_TEST(an_owning_answer_is_dropped_where_it_goes_nowhere)
{
    uint32_t drops = 0;
    tr_asker wrong = { .tr__pid = { 1 }, .tr__answer = 0xfffff };

    kit_start(1);
    kit_do(kit_actor(0), reply_owned_out_of_place, &drops);
    ck_assert_uint_eq(kit_counted(&drops), 2);
    ck_assert_int_eq(tr_answer(wrong, kit_owned, .drops = &drops), TR_EPROTO);
    ck_assert_uint_eq(kit_counted(&drops), 3);
    kit_stop();
}
END_TEST

/* ---- owning answers ---- */

static uint32_t own_drops;

static int own_receive(tr_self *self, void *state, tr_msg *msg)
{
    if (tr_is(msg, own_ask)) {
        told_taken = tr_take_asker(self);
        ck_assert_int_eq(tr_answer(told_taken, kit_owned, .a = 1, .drops = &own_drops), 0);
        return tr_answer(told_taken, kit_owned, .a = 2, .drops = &own_drops);
    }
    return kit_act_or_unhandled(self, state, msg);
}

static const tr_actor_class own_class = { .name = "own", .receive = own_receive };

static int ask_owned(tr_self *self, void *arg)
{
    return tr_request(self, *(const tr_pid *)arg, TR_FOREVER, 3, own_ask, .a = 1);
}

START_TEST(owning_answers_are_dropped_once_also_when_late)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_pid asker = asker_begin(0, 0);
        tr_pid own = kit_spawn(&own_class, NULL, loop);

        own_drops = 0;
        kit_do(asker, ask_owned, &own);
        ck_assert_int_eq(kit_expect_report(3), 1);
        asker_end();
        ck_assert_uint_eq(kit_counted(&own_drops), 2);
        ck_assert_uint_eq(kit_stats().late_replies, 1);
    }
}
END_TEST

/* ---- dead targets ---- */

static void expect_dead(int asker_loop, int target_loop)
{
    tr_pid asker = asker_begin(asker_loop, 0);
    asker_call a = { kit_actor(target_loop), TR_FOREVER, 8, 0 };

    kit_stop_actor(a.to, target_loop);
    kit_do(asker, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(8), TR_EDEAD);
    a.to = TR_PID_NONE;
    kit_do(asker, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(8), TR_EDEAD);
    asker_end();
}

START_TEST(a_dead_target_fails_the_request)
{
    expect_dead(0, 0);
    expect_dead(0, 1);
}
END_TEST

static const tr_actor_class tiny_class = {
    .name = "tiny",
    .receive = told_receive,
    .mailbox_limit = 1,
};

static int ask_three_times(tr_self *self, void *arg)
{
    asker_call *a = arg;

    for (int i = 0; i < 3; i++) {
        a->tag++;
        ck_assert_int_eq(asker_request(self, a), 0);
    }
    return 0;
}

START_TEST(a_full_target_fails_the_request)
{
    tr_pid asker = asker_begin(0, 0);
    asker_call a = { kit_spawn(&tiny_class, NULL, 0), TR_FOREVER, 0, TOLD_ANSWER };

    kit_do(asker, ask_three_times, &a);
    ck_assert_int_eq(kit_expect_report(2), TR_EFULL);
    ck_assert_int_eq(kit_expect_report(3), TR_EFULL);
    ck_assert_int_eq(kit_expect_report(1), 100);
    asker_end();
}
END_TEST

static int ask_and_stop_target(tr_self *self, void *arg)
{
    asker_call *a = arg;

    ck_assert_int_eq(ask_three_times(self, a), 0);
    return tr_stop(a->to);
}

START_TEST(asks_queued_where_an_actor_ends_fail)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_pid asker = asker_begin(0, 0);
        asker_call a = { kit_spawn(&told_class, NULL, loop), TR_FOREVER, 0, TOLD_IGNORE };
        uint32_t go = 0;

        if (loop == 1)
            kit_tell(a.to, told_occupy, &go);
        kit_do(asker, ask_and_stop_target, &a);
        kit_settle(0);
        kit_count(&go);
        for (int64_t tag = 1; tag <= 3; tag++)
            ck_assert_int_eq(kit_expect_report(tag), TR_EDEAD);
        asker_end();
    }
}
END_TEST

/* ---- itself, and many ---- */

static int self_receive(tr_self *self, void *state, tr_msg *msg)
{
    return tr_is(msg, kit_ask) ? tr_reply(self, kit_value, .a = 1000)
                               : asker_receive(self, state, msg);
}

static const tr_actor_class self_class = { .name = "self", .receive = self_receive };

START_TEST(an_actor_may_ask_itself)
{
    asker_call a = { .timeout = TR_FOREVER, .tag = 4 };

    (void)asker_begin(0, 0);
    a.to = kit_spawn(&self_class, NULL, 0);
    kit_do(a.to, asker_request, &a);
    ck_assert_int_eq(kit_expect_report(4), 1000);
    asker_end();
}
END_TEST

enum { MANY = 5000 };

static uint64_t tags_seen;
static uint64_t answers_seen;

static int many_receive(tr_self *self, void *state, tr_msg *msg)
{
    if (!tr_is(msg, kit_value))
        return asker_receive(self, state, msg);
    tags_seen += tr_msg_tag(msg);
    return ++answers_seen == MANY ? kit_report(1, (int64_t)tags_seen) : 0;
}

static const tr_actor_class many_class = { .name = "many", .receive = many_receive };

static int ask_many(tr_self *self, void *arg)
{
    asker_call *a = arg;

    for (uint64_t tag = 1; tag <= MANY; tag++)
        if (tr_request(self, a->to, tag % 2 ? TR_FOREVER : 50, tag, kit_ask, .a = TOLD_ANSWER) < 0)
            ck_abort_msg("no request");
    return 0;
}

START_TEST(thousands_may_be_outstanding)
{
    for (int loop = 0; loop < 2; loop++) {
        asker_call a;
        tr_pid asker;

        (void)asker_begin(0, 0);
        tags_seen = 0;
        answers_seen = 0;
        asker = kit_spawn(&many_class, NULL, 0);
        a.to = kit_spawn(&told_class, NULL, loop);
        kit_do(asker, ask_many, &a);
        ck_assert_int_eq(kit_expect_report(1), (int64_t)MANY * (MANY + 1) / 2);
        asker_end();
    }
}
END_TEST

/* Reports when all that the asker sent before its end has been handled. */
static int told_to_report_receive(tr_self *self, void *state, tr_msg *msg)
{
    return tr_is(msg, kit_value) ? kit_report(1, 0) : told_receive(self, state, msg);
}

static const tr_actor_class told_to_report_class = { .name = "told to report",
                                                     .receive = told_to_report_receive };

static int ask_many_and_exit(tr_self *self, void *arg)
{
    const asker_call *a = arg;

    (void)ask_many(self, arg);
    ck_assert_int_eq(tr_send(a->to, kit_value, .a = 1), 0);
    return tr_exit(self, 0);
}

START_TEST(an_asker_may_end_with_requests_outstanding)
{
    for (int loop = 0; loop < 2; loop++) {
        asker_call a;
        tr_pid asker = asker_begin(0, 0);

        a.to = kit_spawn(&told_to_report_class, NULL, loop);
        kit_do(asker, ask_many_and_exit, &a);
        (void)kit_expect_report(1);
        asker_end();
        ck_assert_uint_eq(kit_stats().late_replies, MANY);
    }
}
END_TEST

static int ask_many_that_are_ignored(tr_self *self, void *arg)
{
    asker_call *a = arg;

    for (uint64_t tag = 1; tag <= 100; tag++)
        ck_assert_int_eq(
            tr_request(self, a->to, tag % 2 ? TR_FOREVER : 1e9, tag, kit_ask, .a = TOLD_IGNORE), 0);
    return 0;
}

START_TEST(a_shutdown_ends_what_is_outstanding)
{
    asker_call a;
    tr_pid asker = asker_begin(0, 0);

    a.to = kit_spawn(&told_class, NULL, 1);
    kit_do(asker, ask_many_that_are_ignored, &a);
    kit_settle(0);
    kit_settle(1);
    asker_end();
}
END_TEST

KIT_MAIN("request", an_answer_comes_with_the_tag, only_the_first_answer_counts,
         an_error_comes_as_request_failed, an_answer_of_another_type_is_refused_to_both,
         the_asker_of_a_failing_handler_is_told, the_asker_of_one_that_exits_is_told,
         the_asker_of_one_that_exits_after_a_failed_send_is_told,
         the_asker_of_an_unhandled_message_is_told, a_kept_ask_that_is_freed_fails,
         an_asker_is_taken_once, an_error_must_be_negative,
         a_failed_send_after_the_answer_changes_nothing, a_query_needs_no_payload,
         a_request_that_is_not_answered_times_out, a_limit_of_zero_has_passed_already,
         a_late_answer_is_counted_and_goes_nowhere, an_expired_request_is_skipped_and_counted,
         bad_requests_send_nothing, an_owning_answer_is_dropped_where_it_goes_nowhere,
         owning_answers_are_dropped_once_also_when_late, a_dead_target_fails_the_request,
         a_full_target_fails_the_request, asks_queued_where_an_actor_ends_fail,
         an_actor_may_ask_itself, thousands_may_be_outstanding,
         an_asker_may_end_with_requests_outstanding, a_shutdown_ends_what_is_outstanding)
