/* Actors that await: one message at a time, in order, and what a handler may do after an await is
 * what it may do before. */
#include <errno.h>

#include "runtime/loop.h"
#include "support/gate.h"
#include "support/reports.h"
#include "support/told.h"

/* ---- actors that await ---- */

static kit_gate gate;

/* Does each kit_act, which may await; tells of each kit_value, which passes the gate; answers each
 * ask with its a, behind the gate. */
static int await_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    const struct kit_ask *asked = tr_as(msg, kit_ask);
    int rc;

    if (value == NULL && asked == NULL)
        return kit_act_or_unhandled(self, state, msg);
    rc = kit_gate_pass(&gate);
    if (rc < 0)
        return rc;
    return value != NULL ? kit_report(value->a, value->b)
                         : tr_reply(self, kit_value, .a = asked->a);
}

static const tr_actor_class await_class = {
    .name = "awaiting",
    .receive = await_receive,
    .awaits = true,
};

static void begin(int loops)
{
    kit_watch_dead_letters();
    kit_start(loops);
    kit_gate_init(&gate);
    kit_reports_begin();
}

static void end(void)
{
    kit_reports_end();
    kit_stop();
    kit_gate_fini(&gate);
}

/* Let all that is runnable run before the handler goes on: others use the frame meanwhile. */
static void let_others_run(void)
{
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_sleep(0.0002), 0);
}

/* Busy neighbours, which send and fail while others are suspended. */
static int make_noise(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_reply(self, kit_value, .a = -1), 0);
    return tr_send_after(self, 0.0001, 1, kit_act, .fn = make_noise);
}

static void make_neighbours_noisy(int loop)
{
    for (int i = 0; i < 3; i++)
        kit_do(kit_spawn(i == 0 ? &await_class : &kit_act_class, NULL, loop), make_noise, NULL);
}

/* ---- one at a time ---- */

START_TEST(messages_wait_while_the_handler_is_suspended)
{
    tr_pid pid;

    begin(2);
    pid = kit_spawn(&await_class, NULL, 0);
    for (int64_t a = 1; a <= 100; a++)
        ck_assert_int_eq(tr_send(pid, kit_value, .a = a), 0);
    kit_gate_await(&gate, 1);
    kit_settle(0); /* others are served meanwhile */
    ck_assert_uint_eq(kit_counted(&gate.arrived), 1);
    kit_gate_open(&gate);
    for (int64_t a = 1; a <= 100; a++)
        (void)kit_expect_report(a);
    end();
}
END_TEST

static int inside;
static int64_t last_of[2];

static int order_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    (void)self;
    (void)state;
    ck_assert_int_eq(++inside, 1);
    ck_assert_int_eq(last_of[value->b] + 1, value->a);
    if (value->a % 7 == 0)
        ck_assert_int_eq(tr_sleep(0.0001), 0);
    else if (value->a % 3 != 0)
        ck_assert_int_eq(tr_yield(), 0);
    last_of[value->b] = value->a;
    inside--;
    return value->a == 1000 ? kit_report(value->b, value->a) : 0;
}

static const tr_actor_class order_class = {
    .name = "order",
    .receive = order_receive,
    .awaits = true,
};

static int send_many(void *arg)
{
    const tr_pid *to = arg;

    for (int64_t a = 1; a <= 1000; a++) {
        ck_assert_int_eq(tr_send(*to, kit_value, .a = a, .b = tr_loop_current() > 0), 0);
        if (a % 10 == 0)
            ck_assert_int_eq(tr_yield(), 0);
    }
    return 0;
}

START_TEST(one_message_is_handled_at_a_time_in_the_order_sent)
{
    tr_pid pid;

    begin(2);
    pid = kit_spawn(&order_class, NULL, 0);
    for (int64_t a = 1; a <= 500; a++)
        ck_assert_int_eq(tr_send(pid, kit_value, .a = a), 0);
    ck_assert_int_eq(kit_in_task(1, send_many, &pid), 0);
    for (int64_t a = 501; a <= 1000; a++)
        ck_assert_int_eq(tr_send(pid, kit_value, .a = a), 0);
    ck_assert_int_eq(tr_as(kit_next(kit_reports), kit_value)->b, 1000);
    ck_assert_int_eq(tr_as(kit_next(kit_reports), kit_value)->b, 1000);
    end();
}
END_TEST

START_TEST(a_budget_of_one_changes_nothing)
{
    tr_pid pid;

    kit_start_with(&(tr_config){ .loops = 1, .budget_msgs = 1 });
    kit_gate_init(&gate);
    kit_reports_begin();
    pid = kit_spawn(&await_class, NULL, 0);
    for (int64_t a = 1; a <= 10; a++)
        ck_assert_int_eq(tr_send(pid, kit_value, .a = a), 0);
    kit_gate_await(&gate, 1);
    kit_gate_open(&gate);
    for (int64_t a = 1; a <= 10; a++)
        (void)kit_expect_report(a);
    end();
}
END_TEST

static int do_nothing(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

START_TEST(a_handler_need_not_await)
{
    tr_pid pid;

    begin(1);
    pid = kit_spawn(&await_class, NULL, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(tr_send(pid, kit_act, .fn = do_nothing), 0);
    kit_do(pid, do_nothing, NULL);
    ck_assert_int_eq(tr_send(pid, kit_large, .a = 1), 0);
    kit_do(pid, do_nothing, NULL);
    end();
    ck_assert_int_eq(kit_dead(TR_EUNHANDLED), 1);
}
END_TEST

/* ---- answers ---- */

static int ask(void *arg)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, *(const tr_pid *)arg, TR_FOREVER, kit_ask, .a = 77);

    ck_assert_int_eq(answer.a, rc == 0 ? 77 : 0);
    return rc;
}

START_TEST(a_reply_after_an_await_reaches_its_asker)
{
    tr_pid pid;
    tr_future *askers[3];

    begin(2);
    pid = kit_spawn(&await_class, NULL, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_submit(&askers[i], TR_LOOP(i % 2), ask, &pid), 0);
    kit_gate_await(&gate, 1);
    kit_settle(0);
    kit_gate_open(&gate);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_future_wait(askers[i], KIT_PATIENCE_S), 0);
        tr_future_unref(askers[i]);
    }
    ck_assert_int_eq(ask(&pid), 0); /* from here */
    end();
}
END_TEST

static tr_pid told;

static int forward_late(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    let_others_run();
    return tr_forward(msg, told);
}

static int keep_late(tr_self *self, void *state, tr_msg *msg)
{
    tr_msg *kept;

    (void)state;
    let_others_run();
    kept = tr_msg_keep(msg);
    ck_assert_ptr_eq(kept, msg);
    let_others_run();
    ck_assert(tr_asker_is_none(tr_take_asker(self))); /* it went with the message */
    return tr_forward(kept, told);
}

static int take_late(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_ask *asked = tr_as(msg, kit_ask);
    tr_asker who;

    (void)state;
    let_others_run();
    who = tr_take_asker(self);
    ck_assert(!tr_asker_is_none(who));
    let_others_run();
    return tr_answer(who, kit_value, .a = asked->a);
}

static int error_late(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    let_others_run();
    return tr_reply_error(self, -EIO);
}

static int answer_told(void *arg)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, *(const tr_pid *)arg, TR_FOREVER, kit_ask, .a = TOLD_ANSWER);

    return rc < 0 ? rc : (int)answer.a;
}

static void expect_late(tr_receive_fn receive, int outcome)
{
    tr_actor_class cls = { .name = "late", .awaits = true, .receive = receive };
    tr_pid pid;

    begin(2);
    make_neighbours_noisy(0);
    told = kit_spawn(&told_class, NULL, 1);
    pid = kit_spawn(&cls, NULL, 0);
    ck_assert_int_eq(answer_told(&pid), outcome);
    ck_assert_int_eq(kit_in_task(0, answer_told, &pid), outcome);
    ck_assert_int_eq(kit_in_task(1, answer_told, &pid), outcome);
    end();
}

START_TEST(a_message_may_be_handed_on_after_an_await)
{
    expect_late(forward_late, 100);
    expect_late(keep_late, 100);
}
END_TEST

START_TEST(an_asker_may_be_taken_after_an_await)
{
    expect_late(take_late, TOLD_ANSWER);
    expect_late(error_late, -EIO);
}
END_TEST

START_TEST(an_ask_that_expires_while_it_waits_is_skipped)
{
    tr_pid pid;

    begin(2);
    pid = kit_spawn(&await_class, NULL, 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
    kit_gate_await(&gate, 1);
    ck_assert_int_eq(tr_ask(NULL, pid, 0.001, kit_ask, .a = 2), TR_ETIMEDOUT);
    kit_gate_open(&gate);
    (void)kit_expect_report(1);
    kit_do(pid, do_nothing, NULL); /* behind it in the mailbox */
    end();
    ck_assert_uint_eq(kit_counted(&gate.arrived), 1);
    ck_assert_uint_eq(kit_stats().expired, 1);
    ck_assert_uint_eq(kit_stats().late_replies, 0);
}
END_TEST

/* Asks somebody else with the time that its own block leaves. */
static int ask_within_deadline(tr_self *self, void *state, tr_msg *msg)
{
    int rc = 0;

    (void)state;
    if (!tr_is(msg, kit_ask))
        return kit_act_or_unhandled(self, state, msg);
    TR_DEADLINE(0.002, &rc) {
        rc = tr_ask(NULL, told, TR_FOREVER, kit_ask, .a = TOLD_IGNORE);
        ck_assert_int_eq(rc, TR_ECANCELED);
    }
    return tr_reply_error(self, rc);
}

START_TEST(a_handler_may_limit_an_ask_by_a_deadline)
{
    tr_actor_class cls = { .name = "limited", .awaits = true, .receive = ask_within_deadline };

    for (int loop = 0; loop < 2; loop++) {
        tr_pid pid;

        begin(2);
        told = kit_spawn(&told_class, NULL, loop);
        pid = kit_spawn(&cls, NULL, 0);
        ck_assert_int_eq(answer_told(&pid), TR_ETIMEDOUT);
        kit_do(pid, do_nothing, NULL); /* it goes on */
        end();
    }
}
END_TEST

/* ---- who it is ---- */

typedef struct identity {
    tr_pid pid;
    tr_pid dead;
} identity;

static int check_identity(tr_self *self, void *arg)
{
    const identity *id = arg;

    for (int i = 0; i < 10; i++) {
        ck_assert(tr_pid_eq(tr_self_pid(self), id->pid));
        ck_assert_int_eq(tr_send(id->dead, kit_value, .a = i), TR_EDEAD);
        ck_assert(tr_pid_eq(kit_last_letter().from, id->pid)); /* the sender */
        ck_assert(!tr_pid_is_none(id->pid));
        let_others_run();
    }
    return 0;
}

START_TEST(a_handler_knows_itself_after_others_have_run)
{
    identity id;

    begin(1);
    make_neighbours_noisy(0);
    id.dead = kit_actor(0);
    kit_stop_actor(id.dead, 0);
    id.pid = kit_spawn(&await_class, NULL, 0);
    kit_do(id.pid, check_identity, &id);
    end();
}
END_TEST

static int call_as_other(tr_self *self, void *arg)
{
    tr_self *other = arg;

    ck_assert_ptr_ne(self, other);
    let_others_run();
    ck_assert_int_eq(tr_reply(other, kit_value, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_exit(other, 0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_become(other, NULL), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_timer_cancel(other, 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_timer_cancel(self, 1), 0);
    return 0;
}

typedef struct self_of {
    tr_self *self;
} self_of;

static int lend_self_and_wait(tr_self *self, void *arg)
{
    ((self_of *)arg)->self = self;
    return kit_gate_pass(&gate);
}

START_TEST(a_suspended_handlers_self_is_its_own)
{
    self_of lent;
    tr_pid pid;

    begin(1);
    pid = kit_spawn(&await_class, NULL, 0);
    kit_tell(pid, lend_self_and_wait, &lent);
    kit_gate_await(&gate, 1);
    kit_settle(0);
    kit_do(kit_spawn(&await_class, NULL, 0), call_as_other, lent.self);
    kit_do(kit_actor(0), do_nothing, NULL);
    kit_gate_open(&gate);
    kit_do(pid, do_nothing, NULL);
    end();
}
END_TEST

/* A task of the handler's is no handler. */
static int call_as_child(void *arg)
{
    tr_self *self = arg;

    ck_assert_int_eq(tr_reply(self, kit_value, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_exit(self, 0), TR_EWRONGPLACE);
    return tr_sleep(0.0001);
}

static int have_children(tr_self *self, void *arg)
{
    tr_task *task;
    int rc;

    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, call_as_child, self), 0);
        ck_assert_int_eq(tr_scope_spawn(s, call_as_child, self), 0);
        let_others_run();
    }
    ck_assert_int_eq(rc, 0);
    TR_DEADLINE(0.001, &rc) {
        rc = tr_sleep(TR_FOREVER);
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    ck_assert_int_eq(tr_task_spawn(&task, call_as_child, self), 0);
    ck_assert_int_eq(tr_task_wait(task, TR_FOREVER), 0);
    tr_task_unref(task);
    (void)arg;
    return tr_exit(self, 0); /* it is its handler still */
}

START_TEST(a_handler_may_have_scopes_deadlines_and_tasks)
{
    begin(1);
    make_neighbours_noisy(0);
    kit_do(kit_spawn(&await_class, NULL, 0), have_children, NULL);
    kit_settle(0);
    end();
}
END_TEST

/* ---- an actor's own affairs, late ---- */

static int other_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    if (value == NULL)
        return kit_act_or_unhandled(self, state, msg);
    let_others_run();
    return kit_report(1000 + value->a, 0);
}

static int become_late(tr_self *self, void *arg)
{
    (void)arg;
    let_others_run();
    ck_assert_int_eq(tr_become(self, other_receive), 0);
    ck_assert_int_eq(tr_yield(), 0); /* no message is handled meanwhile */
    return 0;
}

static int become_itself_late(tr_self *self, void *arg)
{
    (void)arg;
    let_others_run();
    return tr_become(self, NULL);
}

START_TEST(another_behaviour_holds_from_the_next_message_on)
{
    tr_pid pid;

    begin(1);
    pid = kit_spawn(&await_class, NULL, 0);
    kit_tell(pid, become_late, NULL);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 2), 0);
    kit_tell(pid, become_itself_late, NULL);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 3), 0);
    (void)kit_expect_report(1001);
    (void)kit_expect_report(1002);
    kit_gate_open(&gate);
    (void)kit_expect_report(3);
    end();
}
END_TEST

static int start_timers_late(tr_self *self, void *arg)
{
    (void)arg;
    let_others_run();
    ck_assert_int_eq(tr_send_after(self, 0.001, 1, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send_after(self, 0.0001, 2, kit_value, .a = 2), 0);
    ck_assert_int_eq(tr_send_after(self, 0.0001, 0, kit_value, .a = 3), 0);
    ck_assert_int_eq(tr_sleep(0.002), 0); /* they are due: it waits in the mailbox */
    ck_assert_int_eq(tr_timer_cancel(self, 2), 1);
    ck_assert_int_eq(tr_timer_cancel(self, 2), 0);
    return 0;
}

START_TEST(timers_may_be_started_and_cancelled_after_an_await)
{
    begin(1);
    kit_gate_open(&gate);
    kit_tell(kit_spawn(&await_class, NULL, 0), start_timers_late, NULL);
    (void)kit_expect_report(3);
    (void)kit_expect_report(1);
    end();
    ck_assert_uint_eq(kit_stats().returned, 1);
}
END_TEST

static uint32_t ticks;

/* Handles the message of a repeating timer for so long that it is due again. */
static int tick(tr_self *self, void *arg)
{
    uint32_t *last = arg;

    ck_assert_int_eq(tr_sleep(0.0005), 0);
    if (++ticks < *last)
        return 0;
    ck_assert_int_eq(tr_timer_cancel(self, 9), 1);
    ck_assert_int_eq(tr_sleep(0.0005), 0);
    return kit_report(9, ticks);
}

static int start_ticking(tr_self *self, void *arg)
{
    return tr_send_every(self, 0.0002, 9, kit_act, .fn = tick, .arg = arg);
}

START_TEST(a_repeating_timer_may_be_cancelled_while_its_message_is_handled)
{
    uint32_t last = 5;
    tr_pid pid;

    begin(1);
    pid = kit_spawn(&await_class, NULL, 0);
    kit_tell(pid, start_ticking, &last);
    ck_assert_int_eq(kit_expect_report(9), 5);
    kit_do(pid, do_nothing, NULL);
    end();
}
END_TEST

/* ---- what starts within its handler ---- */

static int awaiting_init(tr_self *self, void *state, const void *args)
{
    struct kit_value answer;
    tr_inbox *none = NULL;

    (void)self;
    (void)state;
    (void)args;
    ck_assert_int_eq(tr_sleep(0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_yield(), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_await(gate.opened), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_ask(&answer, TR_PID_NONE, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_inbox_new(&none, 0), TR_EWRONGPLACE);
    return 0;
}

static const tr_actor_class init_class = {
    .name = "init",
    .init = awaiting_init,
    .receive = await_receive,
    .awaits = true,
};

static int spawn_in_handler(tr_self *self, void *arg)
{
    tr_pid pid;

    (void)self;
    (void)arg;
    let_others_run();
    ck_assert_int_eq(tr_spawn(&pid, &init_class, NULL), 0);
    let_others_run(); /* it may await again */
    ck_assert_int_eq(
        tr_spawn_with(&pid, &init_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(1) }), 0);
    return tr_stop(pid);
}

static int spawn_in_task(void *arg)
{
    (void)arg;
    return spawn_in_handler(NULL, NULL);
}

START_TEST(init_may_not_await)
{
    begin(2);
    (void)kit_spawn(&init_class, NULL, 0);
    kit_do(kit_spawn(&await_class, NULL, 0), spawn_in_handler, NULL);
    ck_assert_int_eq(kit_in_task(0, spawn_in_task, NULL), 0);
    end();
}
END_TEST

/* ---- stacks ---- */

static void count_free_stacks(void *arg)
{
    *(size_t *)arg = tr__loop_here()->stacks.free_count;
}

START_TEST(an_idle_one_keeps_no_stack)
{
    size_t free_stacks = 99;
    tr_pid pid;

    begin(1);
    kit_on_loop(0, count_free_stacks, &free_stacks);
    ck_assert_uint_eq(free_stacks, 0);
    for (int i = 0; i < 20; i++)
        kit_do(kit_spawn(&await_class, NULL, 0), do_nothing, NULL);
    kit_settle(0);
    kit_on_loop(0, count_free_stacks, &free_stacks);
    ck_assert_uint_eq(free_stacks, 1); /* one after the other had it */
    pid = kit_spawn(&await_class, NULL, 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
    kit_gate_await(&gate, 1);
    kit_on_loop(0, count_free_stacks, &free_stacks);
    ck_assert_uint_eq(free_stacks, 0); /* it is suspended */
    kit_gate_open(&gate);
    (void)kit_expect_report(1);
    kit_settle(0);
    kit_on_loop(0, count_free_stacks, &free_stacks);
    ck_assert_uint_eq(free_stacks, 1);
    end();
}
END_TEST

KIT_MAIN("awaits", messages_wait_while_the_handler_is_suspended,
         one_message_is_handled_at_a_time_in_the_order_sent, a_budget_of_one_changes_nothing,
         a_handler_need_not_await, a_reply_after_an_await_reaches_its_asker,
         a_message_may_be_handed_on_after_an_await, an_asker_may_be_taken_after_an_await,
         an_ask_that_expires_while_it_waits_is_skipped, a_handler_may_limit_an_ask_by_a_deadline,
         a_handler_knows_itself_after_others_have_run, a_suspended_handlers_self_is_its_own,
         a_handler_may_have_scopes_deadlines_and_tasks,
         another_behaviour_holds_from_the_next_message_on,
         timers_may_be_started_and_cancelled_after_an_await,
         a_repeating_timer_may_be_cancelled_while_its_message_is_handled, init_may_not_await,
         an_idle_one_keeps_no_stack)
