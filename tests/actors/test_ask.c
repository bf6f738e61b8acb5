/* Asking from tasks and from foreign threads: an ask ends once, with the answer or with why there
 * is none, wherever the one who is asked lives. */
#include <errno.h>
#include <math.h>
#include <pthread.h>

#include "support/told.h"

/* Ask one of that class, on each loop, from everywhere. */
static void expect_rc_everywhere(const tr_actor_class *cls, double timeout, int64_t what, int rc)
{
    for (int from = TOLD_FOREIGN; from < TOLD_PLACES_END; from++)
        for (int to = 0; to < 2; to++) {
            told_asking a = { .to = kit_spawn(cls, NULL, to), .timeout = timeout, .what = what };

            ck_assert_int_eq(told_ask_from(from, &a), rc);
        }
}

static void expect_told(int64_t what)
{
    int64_t outcome = told_outcome(what);

    kit_start(2);
    for (int from = TOLD_FOREIGN; from < TOLD_PLACES_END; from++)
        for (int to = 0; to < 2; to++) {
            told_asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, what, { 0 } };

            ck_assert_int_eq(told_ask_from(from, &a), outcome < 0 ? outcome : 0);
            if (outcome > 0)
                ck_assert_int_eq(a.answer.a, outcome);
        }
    kit_stop();
}

START_TEST(an_answer_is_what_the_ask_returns)
{
    expect_told(TOLD_ANSWER);
}
END_TEST

START_TEST(only_the_first_answer_counts)
{
    expect_told(TOLD_ANSWER_TWICE);
    expect_told(TOLD_TAKE_TWICE);
}
END_TEST

START_TEST(a_replied_error_is_the_result)
{
    expect_told(TOLD_ANSWER_ERROR);
}
END_TEST

START_TEST(an_answer_of_another_type_is_refused_to_both)
{
    expect_told(TOLD_ANSWER_WRONG_TYPE);
}
END_TEST

START_TEST(the_asker_of_a_handler_that_ends_its_actor_is_told)
{
    expect_told(TOLD_FAIL);
    expect_told(TOLD_EXIT);
    expect_told(TOLD_EXIT_AND_DEAD_SEND);
}
END_TEST

START_TEST(what_is_not_handled_is_not_answered)
{
    expect_told(TOLD_UNHANDLED);
    expect_told(TOLD_KEEP_AND_FREE);
}
END_TEST

START_TEST(other_results_of_the_handler_do_not_matter)
{
    expect_told(TOLD_BAD_ERROR);
    expect_told(TOLD_DEAD_SEND);
}
END_TEST

/* ---- what is asked ---- */

static int ask_query(void *arg)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, *(const tr_pid *)arg, 30, told_query);

    ck_assert_int_eq(answer.a, 500);
    return rc;
}

START_TEST(a_query_needs_no_payload)
{
    tr_pid told;

    kit_start(2);
    told = kit_spawn(&told_class, NULL, 1);
    ck_assert_int_eq(ask_query(&told), 0);
    ck_assert_int_eq(kit_in_task(0, ask_query, &told), 0);
    ck_assert_int_eq(kit_in_task(1, ask_query, &told), 0);
    kit_stop();
}
END_TEST

TR_REQUEST(large_ask, kit_large)
{
    char text[300];
    int64_t a;
};
TR_REQUEST(notice_ask, kit_notice)
{
    int64_t a;
};

static int sizes_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct large_ask *asked = tr_as(msg, large_ask);

    (void)state;
    if (asked != NULL)
        return tr_reply(self, kit_large, .a = asked->a, .text = "as large");
    return tr_is(msg, notice_ask) ? tr_reply(self, kit_notice) : TR_UNHANDLED;
}

static const tr_actor_class sizes_class = { .name = "sizes", .receive = sizes_receive };

static int ask_sizes(void *arg)
{
    const tr_pid *to = arg;
    struct kit_large large;
    struct kit_notice notice;

    ck_assert_int_eq(tr_ask(&large, *to, 30, large_ask, .a = 7, .text = "large"), 0);
    ck_assert_int_eq(large.a, 7);
    ck_assert_str_eq(large.text, "as large");
    return tr_ask(&notice, *to, 30, notice_ask, .a = 1);
}

START_TEST(payloads_may_have_any_size)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        tr_pid pid = kit_spawn(&sizes_class, NULL, to);

        ck_assert_int_eq(ask_sizes(&pid), 0);
        ck_assert_int_eq(kit_in_task(0, ask_sizes, &pid), 0);
    }
    kit_stop();
}
END_TEST

static int acknowledge(void *arg)
{
    const told_asking *a = arg;

    return tr_ask(NULL, a->to, a->timeout, kit_ask, .a = a->what);
}

START_TEST(null_asks_for_an_acknowledgement)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        told_asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_ANSWER, { 0 } };

        ck_assert_int_eq(acknowledge(&a), 0);
        ck_assert_int_eq(kit_in_task(0, acknowledge, &a), 0);
        a.what = TOLD_ANSWER_ERROR;
        ck_assert_int_eq(acknowledge(&a), -EIO);
        ck_assert_int_eq(kit_in_task(0, acknowledge, &a), -EIO);
    }
    kit_stop();
}
END_TEST

static int answer_from_inbox(tr_inbox *in, double patience)
{
    tr_msg *msg;
    int rc = tr_inbox_receive(in, &msg, patience);

    ck_assert_int_eq(rc, 0);
    ck_assert(tr_is(msg, kit_ask));
    return tr_answer(tr_msg_take_asker(msg), kit_value, .a = 61);
}

START_TEST(an_inbox_can_be_asked)
{
    told_asking a = { .timeout = TR_FOREVER, .what = 1 };
    tr_inbox *in;
    tr_future *f;

    kit_start(2);
    in = kit_inbox();
    a.to = tr_inbox_pid(in);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(1), told_ask, &a), 0);
    ck_assert_int_eq(answer_from_inbox(in, KIT_PATIENCE_S), 0);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    ck_assert_int_eq(a.answer.a, 61);
    tr_future_unref(f);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

/* ---- nobody is there ---- */

START_TEST(the_dead_do_not_answer)
{
    kit_start(2);
    for (int from = TOLD_FOREIGN; from < TOLD_PLACES_END; from++)
        for (int to = 0; to < 2; to++) {
            told_asking a = { kit_actor(to), TR_FOREVER, TOLD_ANSWER, { 0 } };

            kit_stop_actor(a.to, to);
            ck_assert_int_eq(told_ask_from(from, &a), TR_EDEAD);
            a.to = TR_PID_NONE;
            ck_assert_int_eq(told_ask_from(from, &a), TR_EDEAD);
        }
    kit_stop();
}
END_TEST

START_TEST(who_ends_with_asks_in_its_mailbox_does_not_answer)
{
    for (int from = 0; from < 2; from++) {
        told_asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };
        uint32_t go = 0;
        tr_future *f;

        kit_start(2);
        a.to = kit_spawn(&told_class, NULL, 1);
        kit_tell(a.to, told_occupy, &go);
        ck_assert_int_eq(tr_submit(&f, TR_LOOP(from), told_ask, &a), 0);
        ck_assert_int_eq(tr_stop(a.to), 0);
        kit_count(&go);
        /* It was handled before the stop came, or else it was not. */
        if (tr_future_wait(f, KIT_PATIENCE_S) != 0)
            ck_assert_int_eq(tr_future_status(f), TR_EDEAD);
        tr_future_unref(f);
        kit_stop();
    }
}
END_TEST

/* Asks, and is stopped in the same breath. */
static int ask_whom_is_stopped(void *arg)
{
    told_asking *a = arg;

    ck_assert_int_eq(tr_stop(a->to), 0); /* a stop overtakes what is queued */
    return told_ask(a);
}

START_TEST(a_stop_overtakes_an_ask)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        told_asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_ANSWER, { 0 } };

        ck_assert_int_eq(kit_in_task(0, ask_whom_is_stopped, &a), TR_EDEAD);
    }
    kit_stop();
}
END_TEST

/* ---- full mailboxes ---- */

static uint32_t feeding_ends;

/* Keeps a message in its own mailbox all the time, until that is dropped. */
static int crowded_receive(tr_self *self, void *state, tr_msg *msg)
{
    if (tr_is(msg, kit_notice))
        return kit_counted(&feeding_ends) == 0 ? tr_send(tr_self_pid(self), kit_notice) : 0;
    return told_receive(self, state, msg);
}

#define CROWDED(policy)                                                                            \
    {                                                                                              \
        .name = "crowded", .receive = crowded_receive, .mailbox_limit = 1, .on_full = (policy)     \
    }

static int feed(tr_self *self, void *arg)
{
    (void)arg;
    return tr_send(tr_self_pid(self), kit_notice);
}

/* Ask a full one on each loop, from everywhere; they must get that many dead letters. */
static void expect_full(const tr_actor_class *cls, int rc, int letters)
{
    kit_watch_dead_letters();
    kit_start(2);
    for (int from = TOLD_FOREIGN; from < TOLD_PLACES_END; from++)
        for (int to = 0; to < 2; to++) {
            told_asking a = { kit_spawn(cls, NULL, to), TR_FOREVER, TOLD_ANSWER, { 0 } };

            kit_do(a.to, feed, NULL);
            ck_assert_int_eq(told_ask_from(from, &a), rc);
        }
    kit_count(&feeding_ends);
    kit_stop();
    ck_assert_int_eq(kit_dead(TR_EFULL), letters);
}

START_TEST(a_full_mailbox_may_reject)
{
    static const tr_actor_class cls = CROWDED(TR_FULL_REJECT);

    expect_full(&cls, TR_EFULL, 6);
}
END_TEST

START_TEST(a_full_mailbox_may_drop_the_new_one)
{
    static const tr_actor_class cls = CROWDED(TR_FULL_DROP_NEW);

    expect_full(&cls, TR_EFULL, 6);
}
END_TEST

START_TEST(a_full_mailbox_may_drop_the_old_one)
{
    static const tr_actor_class cls = CROWDED(TR_FULL_DROP_OLD);

    expect_full(&cls, 0, 6); /* the notices */
}
END_TEST

START_TEST(a_full_mailbox_may_end_its_actor)
{
    static const tr_actor_class cls = CROWDED(TR_FULL_STOP);

    expect_full(&cls, TR_EFULL, 6);
}
END_TEST

/* The first asks, then the second: the one who is asked comes behind both. */
static int ask_two_at_once(void *arg)
{
    told_asking first = *(const told_asking *)arg;
    told_asking second = first;
    tr_task *tasks[2];

    ck_assert_int_eq(tr_task_spawn(&tasks[0], told_ask, &first), 0);
    ck_assert_int_eq(tr_task_spawn(&tasks[1], told_ask, &second), 0);
    ck_assert_int_eq(tr_task_wait(tasks[0], TR_FOREVER), TR_EFULL);
    ck_assert_int_eq(tr_task_wait(tasks[1], TR_FOREVER), 0);
    ck_assert_int_eq(second.answer.a, told_outcome(second.what));
    tr_task_unref(tasks[0]);
    tr_task_unref(tasks[1]);
    return 0;
}

START_TEST(an_ask_that_is_dropped_for_a_newer_one_fails)
{
    static const tr_actor_class cls = {
        .name = "forgetful",
        .receive = told_receive,
        .mailbox_limit = 1,
        .on_full = TR_FULL_DROP_OLD,
    };
    told_asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };

    kit_start(1);
    a.to = kit_spawn(&cls, NULL, 0);
    ck_assert_int_eq(kit_in_task(0, ask_two_at_once, &a), 0);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_full, 1);
}
END_TEST

/* ---- time ---- */

static int do_nothing(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

START_TEST(an_ask_that_is_not_answered_times_out)
{
    static const double limits[] = { 0.002, 0, -1, -INFINITY };

    kit_start(2);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        expect_rc_everywhere(&told_class, limits[i], TOLD_IGNORE, TR_ETIMEDOUT);
    kit_stop();
}
END_TEST

START_TEST(a_late_answer_is_counted_and_goes_nowhere)
{
    uint64_t late;
    uint64_t expired;

    kit_start(2);
    told_taken = (tr_asker){ .tr__ref = 0 };
    expect_rc_everywhere(&told_class, 0.002, TOLD_TAKE, TR_ETIMEDOUT);
    kit_settle(0);
    kit_settle(1);
    if (!tr_asker_is_none(told_taken)) {
        ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 1), 0);
        ck_assert_int_eq(tr_answer_error(told_taken, -EIO), 0); /* nobody hears of it */
    }
    kit_stop();
    late = kit_stats().late_replies;
    expired = kit_stats().expired;
    /* They expired before they were handled, or the last one's answer was late. */
    ck_assert(late == 1 || (late == 0 && expired > 0));
}
END_TEST

/* Be busy until the asker has been told; then for so many activations that the loop looks at the
 * clock. */
static void expect_expired(int from, int to)
{
    told_asking a = { kit_spawn(&told_class, NULL, to), 0.001, TOLD_ANSWER, { 0 } };
    uint32_t go = 0;

    kit_tell(a.to, told_occupy, &go);
    for (int i = 0; i < 200; i++)
        kit_tell(a.to, do_nothing, NULL);
    kit_settle(0); /* they are on their way: no task's ask overtakes them */
    ck_assert_int_eq(told_ask_from(from, &a), TR_ETIMEDOUT);
    kit_count(&go);
    kit_do(a.to, do_nothing, NULL); /* behind it in the mailbox */
}

START_TEST(an_expired_ask_is_skipped_and_counted)
{
    kit_watch_dead_letters();
    kit_start_with(&(tr_config){ .loops = 2, .budget_msgs = 1 });
    expect_expired(TOLD_FOREIGN, 1); /* foreign threads are served by loop 0 */
    expect_expired(0, 1);
    kit_stop();
    ck_assert_uint_eq(kit_stats().expired, 2);
    ck_assert_uint_eq(kit_stats().late_replies, 0);
    ck_assert_int_eq(kit_dead(TR_ETIMEDOUT), 2);
}
END_TEST

static int ask_within_deadline(void *arg)
{
    told_asking *a = arg;
    int inner = 0;
    int rc = 0;

    TR_DEADLINE(0.002, &rc) {
        inner = told_ask(a);
        rc = inner;
    }
    ck_assert_int_eq(inner, TR_ECANCELED);
    return rc;
}

START_TEST(a_deadline_around_the_ask_is_not_the_asks_own)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        told_asking a = { kit_spawn(&told_class, NULL, to), TR_FOREVER, TOLD_IGNORE, { 0 } };

        ck_assert_int_eq(kit_in_task(0, ask_within_deadline, &a), TR_ETIMEDOUT);
        a.timeout = 1000;
        ck_assert_int_eq(kit_in_task(0, ask_within_deadline, &a), TR_ETIMEDOUT);
    }
    kit_stop();
}
END_TEST

static int ask_within_long_deadline(void *arg)
{
    int rc = 0;

    TR_DEADLINE(1000, &rc) {
        rc = told_ask(arg);
    }
    return rc;
}

START_TEST(a_nearer_limit_of_the_ask_is_its_own)
{
    kit_start(2);
    for (int to = 0; to < 2; to++) {
        told_asking a = { kit_spawn(&told_class, NULL, to), 0.002, TOLD_IGNORE, { 0 } };

        ck_assert_int_eq(kit_in_task(0, ask_within_long_deadline, &a), TR_ETIMEDOUT);
        a.what = TOLD_ANSWER;
        a.timeout = TR_FOREVER;
        ck_assert_int_eq(kit_in_task(0, ask_within_long_deadline, &a), 0);
    }
    kit_stop();
}
END_TEST

START_TEST(the_callers_deadline_is_the_requests)
{
    told_asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };
    uint32_t go = 0;

    kit_start_with(&(tr_config){ .loops = 2, .budget_msgs = 1 });
    a.to = kit_spawn(&told_class, NULL, 1);
    kit_tell(a.to, told_occupy, &go);
    for (int i = 0; i < 200; i++)
        kit_tell(a.to, do_nothing, NULL);
    kit_settle(0); /* they are on their way: no task's ask overtakes them */
    ck_assert_int_eq(kit_in_task(0, ask_within_deadline, &a), TR_ETIMEDOUT);
    kit_count(&go);
    kit_do(a.to, do_nothing, NULL);
    kit_stop();
    ck_assert_uint_eq(kit_stats().expired, 1);
    ck_assert_uint_eq(kit_stats().late_replies, 0);
}
END_TEST

/* ---- cancellation ---- */

static int ask_when_cancelled(void *arg)
{
    uint64_t before = kit_stats().sent;
    int rc = 0;

    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_cancel(s), 1);
        rc = told_ask(arg);
        ck_assert_int_eq(rc, TR_ECANCELED);
        ck_assert_uint_eq(kit_stats().sent, before);
        TR_SHIELD(TR_FOREVER) {
            ck_assert_int_eq(told_ask(arg), 0);
        }
    }
    return rc;
}

START_TEST(who_is_cancelled_asks_only_in_a_shield)
{
    told_asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };

    kit_start(1);
    a.to = kit_spawn(&told_class, NULL, 0);
    ck_assert_int_eq(kit_in_task(0, ask_when_cancelled, &a), 0);
    kit_stop();
    ck_assert_uint_eq(kit_stats().late_replies, 0);
}
END_TEST

START_TEST(an_ask_that_is_cancelled_is_given_up)
{
    for (int to = 0; to < 2; to++) {
        told_asking a = { .timeout = to == 0 ? TR_FOREVER : 1000, .what = TOLD_TAKE };
        tr_future *f;

        kit_start(2);
        a.to = kit_spawn(&told_class, NULL, to);
        ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), told_ask, &a), 0);
        told_await_takes((uint32_t)to + 1);
        ck_assert_int_eq(tr_future_cancel(f), 1);
        ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), TR_ECANCELED);
        tr_future_unref(f);
        ck_assert_int_eq(tr_answer(told_taken, kit_value, .a = 5), 0);
        kit_stop();
        ck_assert_uint_eq(kit_stats().late_replies, 1);
    }
}
END_TEST

/* Whom the handler below cancels. */
static tr_task *victim;

static int cancelling_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_ask *asked = tr_as(msg, kit_ask);
    bool answers_first = asked != NULL && asked->a == 1;

    (void)state;
    if (asked == NULL)
        return TR_UNHANDLED;
    if (answers_first)
        ck_assert_int_eq(tr_reply(self, kit_value, .a = 9), 0);
    ck_assert_int_eq(tr_task_cancel(victim), 1);
    return answers_first ? 0 : tr_reply(self, kit_value, .a = 9);
}

static const tr_actor_class cancelling_class = {
    .name = "cancelling",
    .receive = cancelling_receive,
};

static int ask_and_yield(void *arg)
{
    int rc = told_ask(arg);

    ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    return rc;
}

static int be_cancelled_by_the_other(void *arg)
{
    int rc;

    ck_assert_int_eq(tr_task_spawn(&victim, ask_and_yield, arg), 0);
    rc = tr_await(tr_task_future(victim));
    tr_task_unref(victim);
    return rc;
}

START_TEST(an_answer_that_came_first_is_not_lost)
{
    told_asking a = { .timeout = TR_FOREVER, .what = 1 };

    kit_start(1);
    a.to = kit_spawn(&cancelling_class, NULL, 0);
    ck_assert_int_eq(kit_in_task(0, be_cancelled_by_the_other, &a), 0);
    ck_assert_int_eq(a.answer.a, 9);
    a.what = 2; /* the other way round */
    ck_assert_int_eq(kit_in_task(0, be_cancelled_by_the_other, &a), TR_ECANCELED);
    ck_assert_int_eq(a.answer.a, 0);
    kit_stop();
    ck_assert_uint_eq(kit_stats().late_replies, 1);
}
END_TEST

/* ---- shutdown ---- */

static int ask_in_shield(void *arg)
{
    int rc = 0;

    TR_SHIELD(TR_FOREVER) {
        rc = told_ask(arg);
    }
    return rc;
}

START_TEST(a_shutdown_cancels_tasks_that_ask)
{
    told_asking a = { .timeout = TR_FOREVER, .what = TOLD_TAKE };
    tr_future *f;

    kit_start(2);
    a.to = kit_spawn(&told_class, NULL, 1);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), told_ask, &a), 0);
    told_await_takes(1);
    kit_stop();
    ck_assert_int_eq(tr_future_status(f), TR_ECANCELED);
    tr_future_unref(f);
}
END_TEST

/* Actors outlive tasks: one that is shielded may still ask. */
START_TEST(a_shutdown_waits_for_an_ask_in_a_shield)
{
    told_asking a = { .timeout = 0.05, .what = TOLD_TAKE };
    tr_future *f;

    kit_start(2);
    a.to = kit_spawn(&told_class, NULL, 1);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), ask_in_shield, &a), 0);
    told_await_takes(1);
    kit_stop();
    ck_assert_int_eq(tr_future_status(f), TR_ETIMEDOUT);
    tr_future_unref(f);
}
END_TEST

typedef struct foreign_ask {
    told_asking a;
    int rc;
} foreign_ask;

static void *ask_in_thread(void *arg)
{
    foreign_ask *f = arg;

    f->rc = told_ask(&f->a);
    return NULL;
}

START_TEST(a_shutdown_ends_a_foreign_threads_ask)
{
    for (int to = 0; to < 2; to++) {
        foreign_ask f = { .a = { .timeout = TR_FOREVER, .what = TOLD_TAKE } };
        pthread_t thread;

        kit_start(2);
        f.a.to = kit_spawn(&told_class, NULL, to);
        ck_assert_int_eq(pthread_create(&thread, NULL, ask_in_thread, &f), 0);
        told_await_takes((uint32_t)to + 1);
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        pthread_join(thread, NULL);
        ck_assert_int_eq(f.rc, TR_ESHUTDOWN);
        kit_expect_balance();
    }
}
END_TEST

START_TEST(without_a_runtime_nobody_is_asked)
{
    told_asking a = { .timeout = TR_FOREVER, .what = TOLD_ANSWER };

    ck_assert_int_eq(told_ask(&a), TR_ESHUTDOWN);
    kit_start(1);
    kit_stop();
    ck_assert_int_eq(told_ask(&a), TR_ESHUTDOWN);
    ck_assert_int_eq(acknowledge(&a), TR_ESHUTDOWN);
}
END_TEST

KIT_MAIN("ask", an_answer_is_what_the_ask_returns, only_the_first_answer_counts,
         a_replied_error_is_the_result, an_answer_of_another_type_is_refused_to_both,
         the_asker_of_a_handler_that_ends_its_actor_is_told, what_is_not_handled_is_not_answered,
         other_results_of_the_handler_do_not_matter, a_query_needs_no_payload,
         payloads_may_have_any_size, null_asks_for_an_acknowledgement, an_inbox_can_be_asked,
         the_dead_do_not_answer, who_ends_with_asks_in_its_mailbox_does_not_answer,
         a_stop_overtakes_an_ask, a_full_mailbox_may_reject, a_full_mailbox_may_drop_the_new_one,
         a_full_mailbox_may_drop_the_old_one, a_full_mailbox_may_end_its_actor,
         an_ask_that_is_dropped_for_a_newer_one_fails, an_ask_that_is_not_answered_times_out,
         a_late_answer_is_counted_and_goes_nowhere, an_expired_ask_is_skipped_and_counted,
         a_deadline_around_the_ask_is_not_the_asks_own, a_nearer_limit_of_the_ask_is_its_own,
         the_callers_deadline_is_the_requests, who_is_cancelled_asks_only_in_a_shield,
         an_ask_that_is_cancelled_is_given_up, an_answer_that_came_first_is_not_lost,
         a_shutdown_cancels_tasks_that_ask, a_shutdown_waits_for_an_ask_in_a_shield,
         a_shutdown_ends_a_foreign_threads_ask, without_a_runtime_nobody_is_asked)
