/* Inboxes of tasks: asking and being asked, their end, and where they may be used. */
#include <errno.h>
#include <math.h>

#include "support/gate.h"
#include "support/tasks.h"
#include "support/told.h"

/* ---- asking ---- */

/* What comes must be that answer, or that failure. */
static void expect_outcome(tr_inbox *in, uint64_t tag, int64_t outcome)
{
    tr_msg *msg = kit_next(in);

    ck_assert_uint_eq(tr_msg_tag(msg), tag);
    if (outcome > 0) {
        ck_assert(tr_is(msg, kit_value));
        ck_assert_int_eq(tr_as(msg, kit_value)->a, outcome);
    } else {
        ck_assert(tr_is(msg, tr_request_failed));
        ck_assert_uint_eq(tr_as(msg, tr_request_failed)->tag, tag);
        ck_assert_int_eq(tr_as(msg, tr_request_failed)->error, outcome);
    }
}

static void request(tr_inbox *in, tr_pid to, double timeout, uint64_t tag, int64_t what)
{
    ck_assert_int_eq(tr_inbox_request(in, to, timeout, tag, kit_ask, .a = what), 0);
}

static int request_all(void *arg)
{
    static const int64_t whats[] = { TOLD_ANSWER,    TOLD_ANSWER_TWICE, TOLD_ANSWER_ERROR,
                                     TOLD_FAIL,      TOLD_EXIT,         TOLD_ANSWER_WRONG_TYPE,
                                     TOLD_UNHANDLED, TOLD_TAKE_TWICE,   TOLD_KEEP_AND_FREE };
    tr_inbox *in = kit_inbox();

    (void)arg;
    for (int loop = 0; loop < 2; loop++) {
        for (uint64_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
            request(in, kit_spawn(&told_class, NULL, loop), TR_FOREVER, i, whats[i]);
            expect_outcome(in, i, told_outcome(whats[i]));
        }
        request(in, kit_spawn(&told_class, NULL, loop), 0.001, 99, TOLD_IGNORE);
        expect_outcome(in, 99, TR_ETIMEDOUT);
    }
    request(in, TR_PID_NONE, TR_FOREVER, 98, TOLD_ANSWER);
    expect_outcome(in, 98, TR_EDEAD);
    tr_inbox_free(in);
    return 0;
}

START_TEST(each_request_of_an_inbox_has_one_outcome)
{
    kit_run_task(2, request_all, NULL);
}
END_TEST

static int request_many(void *arg)
{
    enum { MANY = 1000 };
    static bool seen[MANY];
    tr_inbox *in = kit_inbox();
    tr_pid told[2] = { kit_spawn(&told_class, NULL, 0), kit_spawn(&told_class, NULL, 1) };

    (void)arg;
    for (uint64_t i = 0; i < MANY; i++)
        request(in, told[i % 2], i % 3 ? TR_FOREVER : 1000, i, TOLD_ANSWER);
    for (int i = 0; i < MANY; i++) {
        uint64_t tag = tr_msg_tag(kit_next(in));

        ck_assert_uint_lt(tag, MANY);
        ck_assert(!seen[tag]);
        seen[tag] = true;
    }
    tr_inbox_free(in);
    return 0;
}

START_TEST(many_requests_may_be_open)
{
    kit_run_task(2, request_many, NULL);
}
END_TEST

static int free_with_open_requests(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_pid told = kit_spawn(&told_class, NULL, 1);

    (void)arg;
    request(in, told, TR_FOREVER, 1, TOLD_ANSWER);
    request(in, told, 1000, 2, TOLD_IGNORE);
    tr_inbox_free(in);
    kit_let_others_run();
    return 0;
}

START_TEST(an_inbox_may_end_with_requests_open)
{
    kit_run_task(2, free_with_open_requests, NULL);
    ck_assert_uint_eq(kit_stats().late_replies, 1);
}
END_TEST

static int request_when_closed(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_msg *msg;

    (void)arg;
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, NAN, 1, kit_ask, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_request(NULL, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_EINVAL);
    /* An actor can't tell it from another one, and may stop it. */
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 1), 0);
    kit_let_others_run();
    ck_assert_int_eq(tr_stop(tr_inbox_pid(in)), 0);
    kit_let_others_run();
    ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), TR_ESHUTDOWN);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 1), TR_EDEAD);
    tr_inbox_free(in);
    return 0;
}

START_TEST(an_inbox_that_was_stopped_is_closed)
{
    kit_run_task(2, request_when_closed, NULL);
}
END_TEST

/* ---- being asked ---- */

static int ask(void *arg)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, *(const tr_pid *)arg, TR_FOREVER, kit_ask, .a = TOLD_ANSWER);

    return rc < 0 ? rc : (int)answer.a;
}

/* Deal with an ask in the n-th way; what the asker hears. */
static int deal_with(tr_msg *msg, int n, tr_pid told)
{
    tr_asker who;

    ck_assert(tr_is(msg, kit_ask));
    switch (n) {
    case 0:
        ck_assert_int_eq(tr_answer(tr_msg_take_asker(msg), kit_value, .a = 7), 0);
        return 7;
    case 1:
        ck_assert_int_eq(tr_answer_error(tr_msg_take_asker(msg), -EIO), 0);
        return -EIO;
    case 2:
        ck_assert_int_eq(tr_forward(msg, told), 0);
        return (int)told_outcome(TOLD_ANSWER);
    case 3:
        tr_msg_free(tr_msg_keep(msg));
        return TR_EUNHANDLED;
    case 4:
        ck_assert_int_eq(tr_answer(tr_msg_take_asker(msg), kit_large, .a = 7), TR_EPROTO);
        return TR_EPROTO;
    default:
        who = tr_msg_take_asker(msg);
        ck_assert(tr_asker_is_none(tr_msg_take_asker(msg)));
        ck_assert_int_eq(tr_sleep(0.001), 0); /* the message is lent still */
        ck_assert_int_eq(tr_answer(who, kit_value, .a = 8), 0);
        ck_assert_int_eq(tr_answer(who, kit_value, .a = 9), 0);
        return 8;
    }
}

static int be_asked(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_pid me = tr_inbox_pid(in);
    tr_pid told = kit_spawn(&told_class, NULL, 1);

    (void)arg;
    for (int i = 0; i < 12; i++) {
        tr_future *f;
        int outcome;

        ck_assert_int_eq(tr_submit(&f, TR_LOOP(i % 2), ask, &me), 0);
        outcome = deal_with(kit_next(in), i / 2, told);
        ck_assert_int_eq(tr_await(f), outcome);
        tr_future_unref(f);
    }
    tr_inbox_free(in);
    return 0;
}

START_TEST(asks_of_an_inbox_may_be_dealt_with_in_any_way)
{
    kit_run_task(2, be_asked, NULL);
    ck_assert_uint_eq(kit_stats().late_replies, 2);
}
END_TEST

/* ---- its end ---- */

/* Two messages that own something wait in it, an ask, and one is lent. */
static int free_with_messages(void *arg)
{
    uint32_t *drops = arg;
    tr_inbox *in = kit_inbox();
    tr_pid me = tr_inbox_pid(in);
    tr_future *f;

    ck_assert_int_eq(tr_send(me, kit_owned, .drops = drops), 0);
    ck_assert_int_eq(tr_send(me, kit_owned_large, .drops = drops), 0);
    ck_assert_int_eq(tr_send(me, kit_owned, .drops = drops), 0);
    (void)kit_next(in);
    kit_let_others_run();
    ck_assert_int_eq(tr_ask_future(&f, me, TR_FOREVER, kit_ask, .a = 1), 0);
    kit_let_others_run();
    tr_inbox_free(in);
    ck_assert_int_eq(tr_await(f), TR_EDEAD);
    tr_future_unref(f);
    ck_assert_uint_eq(kit_counted(drops), 3);
    ck_assert_int_eq(tr_send(me, kit_owned, .drops = drops), TR_EDEAD);
    tr_inbox_free(NULL);
    return 0;
}

START_TEST(what_an_inbox_holds_at_its_end_becomes_dead_letters)
{
    uint32_t drops = 0;

    kit_watch_dead_letters();
    kit_run_task(2, free_with_messages, &drops);
    ck_assert_uint_eq(kit_counted(&drops), 4);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 4);
}
END_TEST

static tr_inbox *kept_inbox;

static int leave_inbox(void *arg)
{
    uint32_t *drops = arg;

    kept_inbox = kit_inbox();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_send(tr_inbox_pid(kept_inbox), kit_owned, .drops = drops), 0);
    (void)kit_next(kept_inbox); /* lent */
    kit_let_others_run();
    return 0;
}

static int free_inbox(void *arg)
{
    (void)arg;
    tr_inbox_free(kept_inbox);
    return 0;
}

START_TEST(an_inbox_may_be_freed_after_its_task)
{
    uint32_t drops = 0;

    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, leave_inbox, &drops), 0);
    ck_assert_int_eq(kit_in_task(0, free_inbox, NULL), 0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&drops), 3);
}
END_TEST

START_TEST(an_inbox_may_be_freed_after_the_runtime_has_stopped)
{
    uint32_t drops = 0;
    tr_msg *msg;

    kit_watch_dead_letters();
    kit_run_task(2, leave_inbox, &drops);
    ck_assert_uint_eq(kit_counted(&drops), 3);
    ck_assert_int_eq(kit_dead(TR_ESHUTDOWN), 2);
    ck_assert(!tr_pid_is_none(tr_inbox_pid(kept_inbox)));
    ck_assert_int_eq(tr_inbox_receive(kept_inbox, &msg, 1), TR_EWRONGPLACE);
    tr_inbox_free(kept_inbox);
    kit_expect_balance();
}
END_TEST

START_TEST(an_inbox_may_be_freed_in_a_later_run)
{
    uint32_t drops = 0;

    kit_run_task(2, leave_inbox, &drops);
    kit_run_task(2, free_inbox, NULL);
    ck_assert_uint_eq(kit_counted(&drops), 3);
}
END_TEST

typedef struct receiver {
    tr_inbox *in;
    tr_task *task;
} receiver;

static int receive_for_ever(void *arg)
{
    tr_msg *msg;

    return tr_inbox_receive(((receiver *)arg)->in, &msg, TR_FOREVER);
}

static int free_while_awaited(void *arg)
{
    receiver r = { .in = kit_inbox() };

    (void)arg;
    ck_assert_int_eq(tr_task_spawn(&r.task, receive_for_ever, &r), 0);
    kit_let_others_run();
    tr_inbox_free(r.in);
    ck_assert_int_eq(tr_task_wait(r.task, TR_FOREVER), TR_ESHUTDOWN);
    tr_task_unref(r.task);
    return 0;
}

START_TEST(who_waits_for_an_inbox_that_is_freed_is_told)
{
    kit_run_task(2, free_while_awaited, NULL);
}
END_TEST

/* ---- shutdown ---- */

static kit_gate gate;
static int shutdown_result;

static int wait_in_it(void *arg)
{
    bool is_shielded = *(const bool *)arg;
    tr_inbox *in = kit_inbox();
    tr_msg *msg;

    kit_count(&gate.arrived);
    if (is_shielded) {
        TR_SHIELD(TR_FOREVER) {
            shutdown_result = tr_inbox_receive(in, &msg, 0.02);
        }
    } else {
        shutdown_result = tr_inbox_receive(in, &msg, TR_FOREVER);
    }
    tr_inbox_free(in);
    return 0;
}

static void expect_at_shutdown(bool is_shielded, int rc)
{
    gate.arrived = 0;
    kit_start(2);
    ck_assert_int_eq(tr_submit(NULL, TR_LOOP(1), wait_in_it, &is_shielded), 0);
    kit_gate_await(&gate, 1);
    kit_stop();
    ck_assert_int_eq(shutdown_result, rc);
}

START_TEST(a_shutdown_ends_a_receive)
{
    expect_at_shutdown(false, TR_ECANCELED);
    expect_at_shutdown(true, TR_ETIMEDOUT);
}
END_TEST

static int wait_in_handler(tr_self *self, void *arg)
{
    (void)self;
    (void)wait_in_it(arg);
    return 0;
}

START_TEST(a_shutdown_ends_a_receive_of_a_handlers)
{
    static const tr_actor_class cls = {
        .name = "awaiting",
        .receive = kit_act_or_unhandled,
        .awaits = true,
    };
    bool is_shielded = false;

    kit_start(2);
    kit_tell(kit_spawn(&cls, NULL, 1), wait_in_handler, &is_shielded);
    kit_gate_await(&gate, 1);
    kit_stop();
    ck_assert_int_eq(shutdown_result, TR_ECANCELED);
}
END_TEST

static int make_in_shutdown(void *arg)
{
    tr_inbox *in = (tr_inbox *)(uintptr_t)1;

    kit_count(&gate.arrived);
    ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    *(int *)arg = tr_inbox_new(&in, 0);
    ck_assert_ptr_null(in);
    return 0;
}

START_TEST(in_a_shutdown_no_inbox_is_made)
{
    int rc = 0;

    kit_start(1);
    ck_assert_int_eq(tr_submit(NULL, TR_LOOP(0), make_in_shutdown, &rc), 0);
    kit_gate_await(&gate, 1);
    kit_stop();
    ck_assert_int_eq(rc, TR_ESHUTDOWN);
}
END_TEST

/* ---- where it may be used ---- */

static void use_elsewhere(void *arg)
{
    tr_inbox *in = arg;
    tr_msg *msg = (tr_msg *)(uintptr_t)1;

    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), TR_EWRONGPLACE);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_fd(in), TR_EWRONGPLACE);
    ck_assert(!tr_pid_is_none(tr_inbox_pid(in)));
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_notice), 0);
}

static void use_on_other_loop(void *arg)
{
    use_elsewhere(arg);
    ck_assert_int_eq(tr_inbox_request(arg, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
}

static int use_in_handler(tr_self *self, void *arg)
{
    (void)self;
    use_elsewhere(arg);
    return 0;
}

static int use_in_task(void *arg)
{
    use_on_other_loop(arg);
    return 0;
}

/* A loop callback of the same loop may ask on its behalf. */
static void request_here(void *arg)
{
    ck_assert_int_eq(tr_inbox_request(arg, TR_PID_NONE, TR_FOREVER, 4, kit_ask, .a = 1), 0);
}

static int await_five_notices(void *arg)
{
    int notices = 0;
    int failures = 0;

    (void)arg;
    kept_inbox = kit_inbox();
    kit_count(&gate.arrived);
    while (notices < 5 || failures < 1) {
        tr_msg *msg = kit_next(kept_inbox);

        notices += tr_is(msg, kit_notice);
        failures += tr_is(msg, tr_request_failed);
    }
    tr_inbox_free(kept_inbox);
    return 0;
}

START_TEST(only_tasks_of_its_loop_may_receive)
{
    tr_future *f;

    kit_start(2);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), await_five_notices, NULL), 0);
    kit_gate_await(&gate, 1);
    use_on_other_loop(kept_inbox);
    kit_on_loop(0, use_elsewhere, kept_inbox);
    kit_on_loop(1, use_on_other_loop, kept_inbox);
    kit_do(kit_actor(0), use_in_handler, kept_inbox);
    ck_assert_int_eq(kit_in_task(1, use_in_task, kept_inbox), 0);
    kit_on_loop(0, request_here, kept_inbox);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

/* A foreign thread's, in a task. */
static int use_foreign(void *arg)
{
    tr_msg *msg;

    ck_assert_int_eq(tr_inbox_receive(arg, &msg, 0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_inbox_request(arg, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_ge(tr_inbox_fd(arg), 0);
    return 0;
}

START_TEST(a_foreign_threads_inbox_is_not_for_tasks)
{
    tr_inbox *in;

    kit_start(1);
    in = kit_inbox();
    ck_assert_int_eq(kit_in_task(0, use_foreign, in), 0);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

KIT_MAIN("inbox_task_ends", each_request_of_an_inbox_has_one_outcome, many_requests_may_be_open,
         an_inbox_may_end_with_requests_open, an_inbox_that_was_stopped_is_closed,
         asks_of_an_inbox_may_be_dealt_with_in_any_way,
         what_an_inbox_holds_at_its_end_becomes_dead_letters, an_inbox_may_be_freed_after_its_task,
         an_inbox_may_be_freed_after_the_runtime_has_stopped, an_inbox_may_be_freed_in_a_later_run,
         who_waits_for_an_inbox_that_is_freed_is_told, a_shutdown_ends_a_receive,
         a_shutdown_ends_a_receive_of_a_handlers, in_a_shutdown_no_inbox_is_made,
         only_tasks_of_its_loop_may_receive, a_foreign_threads_inbox_is_not_for_tasks)
