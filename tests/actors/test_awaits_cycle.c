/* Asks in a circle: on one loop they are found out, and nothing else is taken for one. */
#include "support/gate.h"
#include "support/told.h"

/* ---- links: each asks the next one, and passes its answer on ---- */

TR_MESSAGE(link_to)
{
    tr_pid next;
    double timeout;
    bool replies_first;
};

typedef struct link_state {
    struct link_to to;
} link_state;

static int pass_on(tr_self *self, const link_state *s, const struct kit_ask *asked)
{
    struct kit_value answer;
    int64_t a = asked->a;
    int rc;

    if (tr_pid_is_none(s->to.next) || a == 0)
        return tr_reply(self, kit_value, .a = a);
    if (s->to.replies_first)
        ck_assert_int_eq(tr_reply(self, kit_value, .a = a), 0);
    rc = tr_ask(&answer, s->to.next, s->to.timeout, kit_ask, .a = a - 1);
    if (s->to.replies_first)
        ck_assert_int_eq(rc, 0);
    return rc < 0 ? tr_reply_error(self, rc) : tr_reply(self, kit_value, .a = answer.a);
}

static int link_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct link_to *to = tr_as(msg, link_to);
    const struct kit_ask *asked = tr_as(msg, kit_ask);
    link_state *s = state;

    if (to != NULL)
        s->to = *to;
    else if (asked != NULL)
        return pass_on(self, s, asked);
    return to != NULL ? 0 : kit_act_or_unhandled(self, state, msg);
}

static const tr_actor_class link_class = {
    .name = "link",
    .state_size = sizeof(link_state),
    .receive = link_receive,
    .awaits = true,
};

static void connect(tr_pid from, tr_pid to, double timeout)
{
    ck_assert_int_eq(tr_send(from, link_to, .next = to, .timeout = timeout), 0);
}

/* Ask the first of a chain; it answers, or fails. */
static int ask(tr_pid first)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, first, TR_FOREVER, kit_ask, .a = 100);

    return rc < 0 ? rc : (int)answer.a;
}

/* ---- circles ---- */

enum { LONGEST = 40 };

/* A circle of that many on one loop. */
static void expect_deadlock(int length)
{
    tr_pid pids[LONGEST];

    kit_start(2);
    kit_log_clear();
    for (int i = 0; i < length; i++)
        pids[i] = kit_spawn(&link_class, NULL, 0);
    for (int i = 0; i < length; i++)
        connect(pids[i], pids[(i + 1) % length], TR_FOREVER);
    ck_assert_int_eq(ask(pids[0]), TR_EDEADLK);
    ck_assert(kit_log_contains("an ask would wait for ever: "));
    ck_assert(kit_log_contains(" (link) -> "));
    /* Nobody is stuck: the circle is as it was. */
    kit_log_clear();
    ck_assert_int_eq(ask(pids[length / 2]), TR_EDEADLK);
    ck_assert(kit_log_contains("an ask would wait for ever: "));
    kit_stop();
}

START_TEST(an_actor_that_asks_itself_would_wait_for_ever)
{
    expect_deadlock(1);
}
END_TEST

START_TEST(two_that_ask_each_other_would_wait_for_ever)
{
    expect_deadlock(2);
}
END_TEST

START_TEST(circles_may_be_larger)
{
    expect_deadlock(3);
    expect_deadlock(LONGEST); /* longer than the log's line */
}
END_TEST

START_TEST(a_circle_over_two_loops_is_ended_by_the_time_limit)
{
    tr_pid here;
    tr_pid there;

    kit_start(2);
    here = kit_spawn(&link_class, NULL, 0);
    there = kit_spawn(&link_class, NULL, 1);
    connect(here, there, TR_FOREVER);
    connect(there, here, 0.003);
    ck_assert_int_eq(ask(here), TR_ETIMEDOUT);
    kit_settle(0); /* it comes to the other's ask, which has expired */
    kit_stop();
    /* It was not handled in time: nobody could. */
    ck_assert_uint_ge(kit_stats().late_replies + kit_stats().expired, 1);
}
END_TEST

static int ask_itself(tr_self *self, void *arg)
{
    struct kit_value answer = { .a = 5 };

    (void)arg;
    ck_assert_int_eq(tr_ask(&answer, tr_self_pid(self), TR_FOREVER, kit_ask, .a = 1), TR_EDEADLK);
    ck_assert_int_eq(answer.a, 0);
    ck_assert_int_eq(tr_ask(NULL, tr_self_pid(self), 0, kit_ask, .a = 1), TR_EDEADLK);
    return 0;
}

START_TEST(what_would_wait_for_ever_is_not_even_sent)
{
    kit_start(1);
    kit_do(kit_spawn(&link_class, NULL, 0), ask_itself, NULL);
    kit_stop();
    ck_assert_uint_eq(kit_stats().sent, 1); /* the act */
}
END_TEST

/* ---- what is no circle ---- */

START_TEST(a_chain_is_no_circle)
{
    tr_pid pids[LONGEST];

    kit_start(1);
    for (int i = 0; i < LONGEST; i++)
        pids[i] = kit_spawn(&link_class, NULL, 0);
    for (int i = 0; i + 1 < LONGEST; i++)
        connect(pids[i], pids[i + 1], TR_FOREVER);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ask(pids[0]), 100 - LONGEST + 1);
    kit_stop();
}
END_TEST

/* Two who ask a third one at the same time. */
START_TEST(two_ways_to_one_are_no_circle)
{
    tr_pid pids[3];
    tr_future *f[2];

    kit_start(1);
    for (int i = 0; i < 3; i++)
        pids[i] = kit_spawn(&link_class, NULL, 0);
    connect(pids[0], pids[2], TR_FOREVER);
    connect(pids[1], pids[2], TR_FOREVER);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tr_ask_future(&f[i], pids[i], TR_FOREVER, kit_ask, .a = 100), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tr_future_wait(f[i], KIT_PATIENCE_S), 0);
        ck_assert_int_eq(((struct kit_value *)tr_future_peek(f[i]))->a, 99);
        tr_future_unref(f[i]);
    }
    kit_stop();
}
END_TEST

/* The other one has been answered, and waits no more, though it has not gone on yet. */
START_TEST(who_was_answered_may_be_asked)
{
    tr_pid first;
    tr_pid second;

    kit_start(1);
    kit_log_clear();
    first = kit_spawn(&link_class, NULL, 0);
    second = kit_spawn(&link_class, NULL, 0);
    connect(first, second, TR_FOREVER);
    ck_assert_int_eq(
        tr_send(second, link_to, .next = first, .timeout = TR_FOREVER, .replies_first = true), 0);
    /* first asks second with 1: second answers that, then asks first with 0, who answers. */
    ck_assert_int_eq(tr_ask(NULL, first, TR_FOREVER, kit_ask, .a = 2), 0);
    kit_settle(0);
    ck_assert(!kit_log_contains("an ask would wait for ever: "));
    kit_stop();
}
END_TEST

/* ---- who gave up is not waited for ---- */

static int ask_whom_arg_names(tr_self *self, void *arg)
{
    const tr_pid *to = arg;

    (void)self;
    return tr_ask(NULL, *to, 0.001, kit_ask, .a = 0) == TR_ETIMEDOUT ? 0 : -1;
}

static kit_gate gate;

static int wait_at_gate(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    return kit_gate_pass(&gate);
}

START_TEST(who_has_given_up_may_be_asked)
{
    tr_pid slow;
    tr_pid first;

    kit_start(1);
    kit_gate_init(&gate);
    slow = kit_spawn(&link_class, NULL, 0);
    first = kit_spawn(&link_class, NULL, 0);
    kit_tell(slow, wait_at_gate, NULL);
    kit_gate_await(&gate, 1);
    kit_do(first, ask_whom_arg_names, &slow);
    connect(slow, first, TR_FOREVER);
    kit_gate_open(&gate);
    ck_assert_int_eq(tr_ask(NULL, slow, TR_FOREVER, kit_ask, .a = 2), 0);
    kit_stop();
    kit_gate_fini(&gate);
}
END_TEST

/* A task of the handler's asks: the handler does not wait for that, as far as is known. */
static int ask_from_child(void *arg)
{
    return tr_ask(NULL, *(const tr_pid *)arg, TR_FOREVER, kit_ask, .a = 0);
}

static int ask_itself_in_a_task(tr_self *self, void *arg)
{
    tr_pid *me = arg;
    tr_task *task;

    *me = tr_self_pid(self);
    ck_assert_int_eq(tr_task_spawn(&task, ask_from_child, me), 0);
    ck_assert_int_eq(tr_yield(), 0);
    tr_task_detach(task); /* it is answered when this handler has returned */
    return 0;
}

START_TEST(a_task_may_ask_the_actor_that_began_it)
{
    tr_pid me;

    kit_start(1);
    kit_do(kit_spawn(&link_class, NULL, 0), ask_itself_in_a_task, &me);
    kit_settle(0);
    kit_settle(0);
    kit_stop();
}
END_TEST

/* ---- in a stop function ---- */

static tr_pid other;
static int stop_result;

static void asking_stop(tr_self *self, void *state, int reason)
{
    (void)state;
    (void)reason;
    ck_assert_int_eq(tr_ask(NULL, tr_self_pid(self), 1, kit_ask, .a = 0), TR_EDEADLK);
    stop_result = tr_ask(NULL, other, TR_FOREVER, kit_ask, .a = 2);
}

START_TEST(a_stop_function_may_be_part_of_a_circle)
{
    static const tr_actor_class cls = {
        .name = "asking in stop",
        .receive = link_receive,
        .state_size = sizeof(link_state),
        .stop = asking_stop,
        .awaits = true,
    };
    tr_pid pid;

    kit_start(1);
    pid = kit_spawn(&cls, NULL, 0);
    other = kit_spawn(&link_class, NULL, 0);
    connect(other, pid, TR_FOREVER);
    kit_stop_actor(pid, 0);
    kit_stop();
    ck_assert_int_eq(stop_result, TR_EDEADLK); /* other's, which it passed on */
}
END_TEST

static tr_pid pair[2];
static int pair_results[2];

static void pair_stop(tr_self *self, void *state, int reason)
{
    int i = tr_pid_eq(tr_self_pid(self), pair[1]);

    (void)state;
    ck_assert_int_eq(reason, TR_ESHUTDOWN);
    pair_results[i] = tr_ask(NULL, pair[1 - i], TR_FOREVER, kit_ask, .a = 0);
}

/* On one loop the circle is found out; else stop_timeout ends it, or the other's end. */
START_TEST(stop_functions_that_ask_each_other_come_to_an_end)
{
    static const tr_actor_class cls = {
        .name = "asking in stop",
        .receive = kit_act_or_unhandled,
        .stop = pair_stop,
        .awaits = true,
        .stop_timeout = 0.01,
    };

    for (int loop = 0; loop < 2; loop++) {
        kit_start(2);
        pair[0] = kit_spawn(&cls, NULL, 0);
        pair[1] = kit_spawn(&cls, NULL, loop);
        kit_stop();
        for (int i = 0; i < 2; i++) {
            int rc = pair_results[i];

            ck_assert_msg(rc == TR_EDEADLK || rc == TR_ESHUTDOWN || rc == TR_EDEAD ||
                              rc == TR_EUNHANDLED || rc == TR_ECANCELED,
                          "asking gave %d", rc);
        }
    }
}
END_TEST

KIT_MAIN("awaits_cycle", an_actor_that_asks_itself_would_wait_for_ever,
         two_that_ask_each_other_would_wait_for_ever, circles_may_be_larger,
         a_circle_over_two_loops_is_ended_by_the_time_limit,
         what_would_wait_for_ever_is_not_even_sent, a_chain_is_no_circle,
         two_ways_to_one_are_no_circle, who_was_answered_may_be_asked,
         who_has_given_up_may_be_asked, a_task_may_ask_the_actor_that_began_it,
         a_stop_function_may_be_part_of_a_circle, stop_functions_that_ask_each_other_come_to_an_end)
