/* The end of actors that await: by themselves, on request, and in a shutdown, while a handler is
 * suspended or not; and stop functions that await. */
#include <errno.h>

#include "support/gate.h"
#include "support/reports.h"
#include "support/told.h"

static kit_gate gate;

/* What reports are of: their a. */
enum { AWAIT = 1, STOP, STOPPED_AWAIT, ANSWERED };

static void report(int64_t a, int64_t b)
{
    (void)kit_report(a, b); /* in a shutdown nobody may be left */
}

/* ---- actors whose stop function tells why ---- */

static void tell_reason(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    report(STOP, reason);
}

/* Waits at the gate for each ask; does each kit_act. */
static int wait_receive(tr_self *self, void *state, tr_msg *msg)
{
    int rc;

    if (!tr_is(msg, kit_ask))
        return kit_act_or_unhandled(self, state, msg);
    rc = kit_gate_pass(&gate);
    report(AWAIT, rc);
    return rc < 0 ? rc : tr_reply(self, kit_value, .a = 1);
}

static const tr_actor_class wait_class = {
    .name = "waiting",
    .receive = wait_receive,
    .stop = tell_reason,
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

/* Shut down first: the inbox is read afterwards, and then freed. */
static void shut_down(void)
{
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    kit_expect_balance();
    kit_gate_fini(&gate);
}

static int ask(void *arg)
{
    struct kit_value answer;

    return tr_ask(&answer, *(const tr_pid *)arg, TR_FOREVER, kit_ask, .a = 1);
}

static tr_future *ask_from(int loop, tr_pid *to)
{
    tr_future *f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(loop), ask, to), 0);
    return f;
}

static void expect_end(tr_future *f, int rc)
{
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), rc);
    tr_future_unref(f);
}

/* ---- by itself ---- */

static int yield_and_exit(tr_self *self, void *arg)
{
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_exit(self, *(int *)arg), 0);
    ck_assert_int_eq(tr_exit(self, -EPERM), 0); /* the first one counts */
    ck_assert_int_eq(tr_yield(), 0);            /* its handler goes on */
    return 0;
}

static int yield_and_fail(tr_self *self, void *arg)
{
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_fail(self, *(int *)arg), 0);
    return tr_yield();
}

static int yield_and_return(tr_self *self, void *arg)
{
    (void)self;
    ck_assert_int_eq(tr_yield(), 0);
    return *(int *)arg;
}

static void expect_own_end(kit_act_fn fn, int reason)
{
    tr_pid pid;

    begin(1);
    pid = kit_spawn(&wait_class, NULL, 0);
    kit_do(pid, fn, &reason);
    ck_assert_int_eq(kit_expect_report(STOP), reason);
    ck_assert_int_eq(ask(&pid), TR_EDEAD);
    end();
}

START_TEST(a_handler_may_end_its_actor_after_an_await)
{
    expect_own_end(yield_and_exit, 0);
    expect_own_end(yield_and_exit, -EIO);
    expect_own_end(yield_and_fail, -EIO);
    expect_own_end(yield_and_return, -EIO);
}
END_TEST

static int failing_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    ck_assert_int_eq(tr_yield(), 0);
    return -EIO;
}

START_TEST(the_asker_of_a_handler_that_fails_after_an_await_is_told)
{
    static const tr_actor_class cls = {
        .name = "failing",
        .receive = failing_receive,
        .stop = tell_reason,
        .awaits = true,
    };

    for (int loop = 0; loop < 2; loop++) {
        tr_pid pid;

        begin(2);
        pid = kit_spawn(&cls, NULL, loop);
        expect_end(ask_from(0, &pid), TR_EDEAD);
        ck_assert_int_eq(kit_expect_report(STOP), -EIO);
        end();
    }
}
END_TEST

/* ---- on request, while it is suspended ---- */

typedef int (*end_fn)(tr_pid pid);

static void expect_interrupted(int loop, end_fn request, int reason)
{
    tr_future *asker;
    tr_future *behind;
    tr_pid pid;

    begin(2);
    pid = kit_spawn(&wait_class, NULL, loop);
    asker = ask_from(0, &pid);
    kit_gate_await(&gate, 1);
    behind = ask_from(0, &pid);
    kit_settle(0);
    kit_settle(loop);
    ck_assert_int_eq(request(pid), 0);
    ck_assert_int_eq(kit_expect_report(AWAIT), TR_ECANCELED);
    ck_assert_int_eq(kit_expect_report(STOP), reason);
    expect_end(asker, TR_EDEAD);
    expect_end(behind, TR_EDEAD);
    ck_assert_uint_eq(kit_counted(&gate.arrived), 1);
    end();
}

static int stop_and_kill(tr_pid pid)
{
    int rc = tr_stop(pid);

    return rc < 0 ? rc : tr_kill(pid);
}

static int kill_and_stop(tr_pid pid)
{
    int rc = tr_kill(pid);

    (void)tr_stop(pid); /* it may have ended meanwhile */
    return rc;
}

static int stop_twice(tr_pid pid)
{
    int rc = tr_stop(pid);

    return rc < 0 ? rc : tr_stop(pid);
}

START_TEST(a_stop_interrupts_a_handler_that_awaits)
{
    expect_interrupted(0, tr_stop, TR_ESTOPPED);
    expect_interrupted(1, tr_stop, TR_ESTOPPED);
    expect_interrupted(0, stop_twice, TR_ESTOPPED);
}
END_TEST

START_TEST(a_kill_interrupts_a_handler_that_awaits)
{
    expect_interrupted(0, tr_kill, TR_EKILLED);
    expect_interrupted(1, tr_kill, TR_EKILLED);
    expect_interrupted(1, kill_and_stop, TR_EKILLED);
}
END_TEST

static int stop_other(void *arg)
{
    return stop_and_kill(*(const tr_pid *)arg); /* on its own loop: nothing runs in between */
}

START_TEST(a_kill_outranks_a_stop)
{
    tr_future *asker;
    tr_pid pid;

    begin(1);
    pid = kit_spawn(&wait_class, NULL, 0);
    asker = ask_from(0, &pid);
    kit_gate_await(&gate, 1);
    kit_settle(0);
    ck_assert_int_eq(kit_in_task(0, stop_other, &pid), 0);
    ck_assert_int_eq(kit_expect_report(AWAIT), TR_ECANCELED);
    ck_assert_int_eq(kit_expect_report(STOP), TR_EKILLED);
    expect_end(asker, TR_EDEAD);
    end();
}
END_TEST

START_TEST(an_idle_one_is_stopped_at_once)
{
    begin(2);
    for (int loop = 0; loop < 2; loop++) {
        ck_assert_int_eq(tr_stop(kit_spawn(&wait_class, NULL, loop)), 0);
        ck_assert_int_eq(kit_expect_report(STOP), TR_ESTOPPED);
        ck_assert_int_eq(tr_kill(kit_spawn(&wait_class, NULL, loop)), 0);
        ck_assert_int_eq(kit_expect_report(STOP), TR_EKILLED);
    }
    end();
}
END_TEST

static int stop_itself(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_stop(tr_self_pid(self)), 0);
    return 0;
}

START_TEST(one_may_stop_itself)
{
    begin(1);
    kit_do(kit_spawn(&wait_class, NULL, 0), stop_itself, NULL);
    ck_assert_int_eq(kit_expect_report(STOP), TR_ESTOPPED);
    end();
}
END_TEST

/* Finishes what it does, in a shield, and answers. */
static int finish_in_shield(tr_self *self, void *state, tr_msg *msg)
{
    int rc = 0;

    (void)state;
    (void)msg;
    TR_SHIELD(TR_FOREVER) {
        rc = kit_gate_pass(&gate);
    }
    report(AWAIT, rc);
    rc = tr_yield();
    report(AWAIT, rc);
    return tr_reply(self, kit_value, .a = 1);
}

static const tr_actor_class shield_class = {
    .name = "shielded",
    .receive = finish_in_shield,
    .stop = tell_reason,
    .awaits = true,
};

START_TEST(a_handler_that_is_stopped_may_still_answer)
{
    tr_future *asker;
    tr_pid pid;

    begin(2);
    pid = kit_spawn(&shield_class, NULL, 0);
    asker = ask_from(1, &pid);
    kit_gate_await(&gate, 1);
    kit_settle(0);
    ck_assert_int_eq(tr_stop(pid), 0);
    kit_settle(0);
    kit_gate_open(&gate);
    ck_assert_int_eq(kit_expect_report(AWAIT), 0);
    ck_assert_int_eq(kit_expect_report(AWAIT), TR_ECANCELED);
    ck_assert_int_eq(kit_expect_report(STOP), TR_ESTOPPED);
    expect_end(asker, 0);
    end();
}
END_TEST

/* Cleans up, and returns without an answer. */
static int return_when_stopped(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    report(AWAIT, kit_gate_pass(&gate));
    return 0;
}

START_TEST(the_asker_of_one_that_was_stopped_is_told_whatever_its_handler_returns)
{
    static const tr_actor_class cls = {
        .name = "returning",
        .receive = return_when_stopped,
        .stop = tell_reason,
        .awaits = true,
    };

    for (int loop = 0; loop < 2; loop++) {
        tr_future *asker;
        tr_pid pid;

        begin(2);
        pid = kit_spawn(&cls, NULL, loop);
        asker = ask_from(0, &pid);
        kit_gate_await(&gate, 1);
        kit_settle(loop);
        ck_assert_int_eq(tr_stop(pid), 0);
        ck_assert_int_eq(kit_expect_report(AWAIT), TR_ECANCELED);
        ck_assert_int_eq(kit_expect_report(STOP), TR_ESTOPPED);
        expect_end(asker, TR_EDEAD);
        end();
    }
}
END_TEST

static int exit_and_wait(tr_self *self, void *arg)
{
    int rc;

    (void)arg;
    ck_assert_int_eq(tr_exit(self, -EPERM), 0);
    rc = kit_gate_pass(&gate);
    report(AWAIT, rc);
    return rc;
}

static void expect_reason_after_exit(end_fn request, int reason)
{
    tr_pid pid;

    begin(1);
    pid = kit_spawn(&wait_class, NULL, 0);
    kit_tell(pid, exit_and_wait, NULL);
    kit_gate_await(&gate, 1);
    kit_settle(0);
    ck_assert_int_eq(request(pid), 0);
    ck_assert_int_eq(kit_expect_report(AWAIT), TR_ECANCELED);
    ck_assert_int_eq(kit_expect_report(STOP), reason);
    end();
}

START_TEST(the_first_reason_counts)
{
    expect_reason_after_exit(tr_stop, -EPERM);
    expect_reason_after_exit(tr_kill, TR_EKILLED);
}
END_TEST

/* ---- stop functions that await ---- */

static double stop_waits_s;
static double stop_has_s; /* at its beginning */
static int from_stop;

static void waiting_stop(tr_self *self, void *state, int reason)
{
    int rc;

    (void)state;
    ck_assert(!tr_cancel_requested()); /* it is shielded, */
    stop_has_s = tr_deadline_left();   /* for a time */
    from_stop = tr_sleep(0.0005);
    ck_assert(!tr_pid_is_none(tr_self_pid(self)));
    rc = stop_waits_s > 0 ? tr_sleep(stop_waits_s) : kit_gate_pass(&gate);
    report(STOPPED_AWAIT, rc);
    report(STOP, reason);
}

#define WAITING_STOP(limit_s)                                                                      \
    {                                                                                              \
        .name = "waiting in stop", .receive = wait_receive, .stop = waiting_stop, .awaits = true,  \
        .stop_timeout = (limit_s)                                                                  \
    }

static int exit_now(tr_self *self, void *arg)
{
    (void)arg;
    return tr_exit(self, 0);
}

START_TEST(a_stop_function_may_await)
{
    static const tr_actor_class cls = WAITING_STOP(KIT_PATIENCE_S);
    tr_future *asker;
    tr_pid pid;

    begin(1);
    /* An idle one. */
    pid = kit_spawn(&cls, NULL, 0);
    ck_assert_int_eq(tr_stop(pid), 0);
    kit_gate_await(&gate, 1);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0); /* a dead letter */
    ck_assert_int_eq(tr_stop(pid), 0);                    /* it is at it */
    ck_assert_int_eq(tr_kill(pid), 0);
    kit_settle(0);
    kit_gate_open(&gate);
    ck_assert_int_eq(kit_expect_report(STOPPED_AWAIT), 0);
    ck_assert_int_eq(kit_expect_report(STOP), TR_ESTOPPED);
    /* One that ends by itself, and one that was interrupted. */
    pid = kit_spawn(&cls, NULL, 0);
    kit_do(pid, exit_now, NULL);
    ck_assert_int_eq(kit_expect_report(STOPPED_AWAIT), 0);
    ck_assert_int_eq(kit_expect_report(STOP), 0);
    kit_gate_fini(&gate);
    kit_gate_init(&gate);
    pid = kit_spawn(&cls, NULL, 0);
    asker = ask_from(0, &pid);
    kit_gate_await(&gate, 1);
    kit_settle(0);
    ck_assert_int_eq(tr_kill(pid), 0);
    ck_assert_int_eq(kit_expect_report(AWAIT), TR_ECANCELED);
    kit_gate_open(&gate);
    ck_assert_int_eq(kit_expect_report(STOPPED_AWAIT), 0);
    ck_assert_int_eq(kit_expect_report(STOP), TR_EKILLED);
    expect_end(asker, TR_EDEAD);
    ck_assert_int_eq(from_stop, 0);
    ck_assert(stop_has_s > 5 && stop_has_s <= KIT_PATIENCE_S);
    end();
}
END_TEST

START_TEST(a_stop_function_awaits_for_stop_timeout_at_most)
{
    static const tr_actor_class cls = WAITING_STOP(0.003);

    begin(1);
    for (int i = 0; i < 2; i++) {
        tr_pid pid = kit_spawn(&cls, NULL, 0);

        stop_waits_s = 1000;
        if (i == 0)
            ck_assert_int_eq(tr_stop(pid), 0);
        else
            kit_do(pid, exit_now, NULL);
        ck_assert_int_eq(kit_expect_report(STOPPED_AWAIT), TR_ECANCELED);
        ck_assert_int_eq(kit_expect_report(STOP), i == 0 ? TR_ESTOPPED : 0);
    }
    end();
}
END_TEST

static int exit_in_init(tr_self *self, void *state, const void *args)
{
    (void)state;
    (void)args;
    return tr_exit(self, -EIO);
}

static void refused_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    ck_assert_int_eq(tr_sleep(0), TR_EWRONGPLACE);
    report(STOP, reason);
}

static int spawn_in_task(void *arg)
{
    tr_pid pid;
    int rc = tr_spawn(&pid, arg, NULL);

    ck_assert_int_eq(tr_yield(), 0); /* the task itself may */
    return rc;
}

/* It has not come to a stack of its own. */
START_TEST(the_stop_function_of_one_that_stayed_for_its_init_may_not_await)
{
    static tr_actor_class cls = {
        .name = "brief",
        .init = exit_in_init,
        .receive = kit_act_or_unhandled,
        .stop = refused_stop,
        .awaits = true,
    };

    begin(2);
    (void)kit_spawn(&cls, NULL, 0);
    ck_assert_int_eq(kit_expect_report(STOP), -EIO);
    ck_assert_int_eq(kit_in_task(1, spawn_in_task, &cls), 0);
    ck_assert_int_eq(kit_expect_report(STOP), -EIO);
    end();
}
END_TEST

/* Asks somebody else, answers its own asker, and sends to itself, which nobody reads. */
static tr_asker pending;
static tr_pid helper;

static void answering_stop(tr_self *self, void *state, int reason)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, helper, 1000, kit_ask, .a = TOLD_ANSWER);

    (void)state;
    (void)tr_send(tr_self_pid(self), kit_value, .a = 1);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(tr_answer(pending, kit_value, .a = answer.a), 0);
    report(STOP, reason);
}

static int take_pending(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    pending = tr_take_asker(self);
    (void)tr_yield();
    return tr_exit(self, 0);
}

START_TEST(a_stop_function_may_ask_and_answer)
{
    static const tr_actor_class cls = {
        .name = "answering in stop",
        .receive = take_pending,
        .stop = answering_stop,
        .awaits = true,
    };

    for (int loop = 0; loop < 2; loop++) {
        tr_pid pid;

        begin(2);
        helper = kit_spawn(&told_class, NULL, 1);
        pid = kit_spawn(&cls, NULL, loop);
        expect_end(ask_from(0, &pid), 0);
        ck_assert_int_eq(kit_expect_report(STOP), 0);
        end();
        ck_assert_uint_eq(kit_stats().dead_ended, 1);
    }
}
END_TEST

/* ---- shutdown ---- */

START_TEST(a_shutdown_interrupts_what_is_suspended)
{
    enum { SOME = 100 };
    tr_pid pids[SOME];
    tr_msg *msg;

    begin(2);
    for (int i = 0; i < SOME; i++) {
        pids[i] = kit_spawn(&wait_class, NULL, i % 2);
        ck_assert_int_eq(tr_send(pids[i], kit_ask, .a = 1), 0);
        ck_assert_int_eq(tr_send(pids[i], kit_ask, .a = 2), 0);
    }
    kit_gate_await(&gate, SOME);
    shut_down();
    for (int i = 0; i < 2 * SOME; i++) {
        const struct kit_value *told;

        ck_assert_int_eq(tr_inbox_receive(kit_reports, &msg, KIT_PATIENCE_S), 0);
        told = tr_as(msg, kit_value);
        ck_assert_int_eq(told->b, told->a == AWAIT ? TR_ECANCELED : TR_ESHUTDOWN);
    }
    kit_reports_end();
    ck_assert_uint_eq(kit_stats().dead_shutdown, SOME);
}
END_TEST

static int wait_a_little(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    TR_SHIELD(TR_FOREVER) {
        kit_count(&gate.arrived);
        report(AWAIT, tr_sleep(0.02));
    }
    return 0;
}

START_TEST(a_shutdown_waits_for_a_shield)
{
    begin(2);
    for (int loop = 0; loop < 2; loop++)
        kit_tell(kit_spawn(&wait_class, NULL, loop), wait_a_little, NULL);
    kit_gate_await(&gate, 2);
    shut_down();
    for (int i = 0; i < 2; i++) {
        /* In any order. */
        tr_msg *first = kit_next(kit_reports);

        ck_assert_int_le(tr_as(first, kit_value)->b, 0);
        ck_assert_int_le(tr_as(kit_next(kit_reports), kit_value)->b, 0);
    }
    kit_reports_end();
}
END_TEST

static int wait_in_shield(tr_self *self, void *arg)
{
    int rc = 0;

    (void)self;
    (void)arg;
    TR_SHIELD(TR_FOREVER) {
        rc = kit_gate_pass(&gate);
    }
    return rc;
}

START_TEST(a_shutdown_that_ran_out_of_time_may_be_taken_up_again)
{
    begin(2);
    kit_tell(kit_spawn(&wait_class, NULL, 1), wait_in_shield, NULL);
    kit_gate_await(&gate, 1);
    kit_log_clear();
    ck_assert_int_eq(tr_shutdown(0.02), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("shutdown: loop 1 has not finished phase 'halt' in time"));
    kit_gate_open(&gate);
    shut_down();
    kit_reports_end();
}
END_TEST

static int sleep_for_ever(void *arg)
{
    kit_count(arg);
    return tr_sleep(TR_FOREVER);
}

/* A child on this loop, and one on another. */
static int have_children(tr_self *self, void *arg)
{
    int rc;

    (void)self;
    (void)arg;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, sleep_for_ever, &gate.arrived), 0);
        ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), sleep_for_ever, &gate.arrived), 0);
    }
    report(AWAIT, rc);
    return rc;
}

START_TEST(a_shutdown_ends_the_children_of_a_handler)
{
    for (int loop = 0; loop < 2; loop++) {
        begin(2);
        kit_tell(kit_spawn(&wait_class, NULL, loop), have_children, NULL);
        kit_gate_await(&gate, 2);
        shut_down();
        ck_assert_int_eq(kit_expect_report(AWAIT), TR_ECANCELED);
        ck_assert_int_eq(kit_expect_report(STOP), TR_ESHUTDOWN);
        kit_reports_end();
    }
}
END_TEST

START_TEST(a_shutdown_waits_for_stop_functions)
{
    static const tr_actor_class brief = WAITING_STOP(0);
    static const tr_actor_class cut = WAITING_STOP(0.002);

    begin(2);
    stop_waits_s = 0.01;
    (void)kit_spawn(&brief, NULL, 0);
    shut_down();
    ck_assert(stop_has_s > 0 && stop_has_s <= 5); /* the default */
    ck_assert_int_eq(kit_expect_report(STOPPED_AWAIT), 0);
    ck_assert_int_eq(kit_expect_report(STOP), TR_ESHUTDOWN);
    kit_reports_end();
    begin(2);
    stop_waits_s = 1000;
    (void)kit_spawn(&cut, NULL, 1);
    shut_down();
    ck_assert_int_eq(kit_expect_report(STOPPED_AWAIT), TR_ECANCELED);
    ck_assert_int_eq(kit_expect_report(STOP), TR_ESHUTDOWN);
    kit_reports_end();
}
END_TEST

KIT_MAIN("awaits_end", a_handler_may_end_its_actor_after_an_await,
         the_asker_of_a_handler_that_fails_after_an_await_is_told,
         a_stop_interrupts_a_handler_that_awaits, a_kill_interrupts_a_handler_that_awaits,
         a_kill_outranks_a_stop, an_idle_one_is_stopped_at_once, one_may_stop_itself,
         a_handler_that_is_stopped_may_still_answer,
         the_asker_of_one_that_was_stopped_is_told_whatever_its_handler_returns,
         the_first_reason_counts, a_stop_function_may_await,
         the_stop_function_of_one_that_stayed_for_its_init_may_not_await,
         a_stop_function_awaits_for_stop_timeout_at_most, a_stop_function_may_ask_and_answer,
         a_shutdown_interrupts_what_is_suspended, a_shutdown_waits_for_a_shield,
         a_shutdown_that_ran_out_of_time_may_be_taken_up_again,
         a_shutdown_ends_the_children_of_a_handler, a_shutdown_waits_for_stop_functions)
