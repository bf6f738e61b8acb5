/* Inboxes of tasks: a mailbox with a pid, which a task awaits. */
#include <math.h>

#include "support/tasks.h"
#include "support/actors.h"

static int64_t receive(tr_inbox *in)
{
    return tr_as(kit_next(in), kit_value)->a;
}

/* ---- receiving ---- */

static int echo(tr_self *self, void *arg)
{
    (void)self;
    return tr_send(*(const tr_pid *)arg, kit_value, .a = 5);
}

static int receive_from_actors(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_pid me = tr_inbox_pid(in);

    (void)arg;
    for (int loop = 0; loop < 2; loop++) {
        tr_pid pid = kit_actor(loop);

        kit_tell(pid, echo, &me);
        ck_assert_int_eq(receive(in), 5); /* awaited */
        ck_assert_int_eq(tr_stop(pid), 0);
    }
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tr_send(me, kit_value, .a = i), 0);
    kit_let_others_run();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(receive(in), i); /* at hand */
    tr_inbox_free(in);
    return 0;
}

START_TEST(a_task_receives_what_actors_send_in_order)
{
    kit_run_task(2, receive_from_actors, NULL);
}
END_TEST

static int receive_from_thread(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_msg *msg;

    ck_assert_int_eq(
        tr_send(*(const tr_pid *)arg, kit_value, .b = (int64_t)tr_inbox_pid(in).tr__id), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), 0);
        ck_assert_int_eq(tr_as(msg, kit_large)->a, i);
    }
    tr_inbox_free(in);
    return 0;
}

START_TEST(a_task_receives_what_a_foreign_thread_sends)
{
    tr_inbox *in;
    tr_pid mine;
    tr_pid its;
    tr_future *f;

    kit_start(2);
    in = kit_inbox();
    mine = tr_inbox_pid(in);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(1), receive_from_thread, &mine), 0);
    its.tr__id = (uint64_t)kit_expect_value(in, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(tr_send(its, kit_large, .a = i), 0);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

static int keep_and_send_on(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_inbox *other = kit_inbox();
    tr_msg *kept;

    (void)arg;
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 2), 0);
    kept = kit_next(in);
    ck_assert_int_eq(tr_send_msg(tr_inbox_pid(other), kept), TR_EINVAL); /* only lent */
    tr_msg_free(kept);                                                   /* left alone */
    ck_assert_ptr_eq(tr_msg_keep(kept), kept);
    ck_assert_int_eq(receive(in), 2);
    ck_assert_int_eq(tr_as(kept, kit_value)->a, 1);
    ck_assert_int_eq(tr_send_msg(tr_inbox_pid(other), kept), 0);
    ck_assert_int_eq(receive(other), 1);
    tr_inbox_free(in);
    tr_inbox_free(other);
    return 0;
}

START_TEST(a_received_message_may_be_kept)
{
    kit_run_task(2, keep_and_send_on, NULL);
}
END_TEST

static int keep_beyond_the_end(void *arg)
{
    uint32_t *drops = arg;
    tr_inbox *in = kit_inbox();
    tr_msg *kept;

    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = 1, .drops = drops), 0);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = 2, .drops = drops), 0);
    kept = tr_msg_keep(kit_next(in));
    ck_assert_int_eq(tr_as(kit_next(in), kit_owned)->a, 2); /* lent */
    ck_assert_uint_eq(kit_counted(drops), 0);
    tr_inbox_free(in);
    kit_let_others_run();
    ck_assert_uint_eq(kit_counted(drops), 1);
    ck_assert_int_eq(tr_as(kept, kit_owned)->a, 1);
    tr_msg_free(kept);
    ck_assert_uint_eq(kit_counted(drops), 2);
    return 0;
}

START_TEST(a_kept_message_outlives_the_inbox)
{
    uint32_t drops = 0;

    kit_run_task(2, keep_beyond_the_end, &drops);
    ck_assert_uint_eq(kit_counted(&drops), 2);
}
END_TEST

static int receive_owned(void *arg)
{
    uint32_t *drops = arg;
    tr_inbox *in = kit_inbox_of(1);
    tr_msg *msg;

    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .drops = drops), 0);
    (void)kit_next(in);
    ck_assert_uint_eq(kit_counted(drops), 0);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), TR_ETIMEDOUT);
    ck_assert_uint_eq(kit_counted(drops), 1); /* what was lent is gone with the next receive */
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned_large, .drops = drops), 0);
    kit_let_others_run();
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .drops = drops), 0); /* too many */
    kit_let_others_run();
    ck_assert_uint_eq(kit_counted(drops), 2);
    kit_count(tr_take(kit_next(in), kit_owned_large)->drops);
    tr_inbox_free(in);
    kit_let_others_run();
    ck_assert_uint_eq(kit_counted(drops), 3);
    return 0;
}

START_TEST(what_a_message_owns_is_dropped_once)
{
    uint32_t drops = 0;

    kit_run_task(2, receive_owned, &drops);
    ck_assert_uint_eq(kit_counted(&drops), 3);
}
END_TEST

static int fill(void *arg)
{
    tr_inbox *in = kit_inbox_of(2);
    tr_msg *msg;

    (void)arg;
    for (int i = 1; i <= 4; i++)
        ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = i), 0);
    kit_let_others_run();
    ck_assert_int_eq(tr_ask(NULL, tr_inbox_pid(in), TR_FOREVER, kit_ask, .a = 1), TR_EFULL);
    ck_assert_int_eq(receive(in), 1);
    ck_assert_int_eq(receive(in), 2);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 5), 0);
    ck_assert_int_eq(receive(in), 5);
    tr_inbox_free(in);
    return 0;
}

START_TEST(what_comes_beyond_the_limit_is_a_dead_letter)
{
    kit_watch_dead_letters();
    kit_run_task(2, fill, NULL);
    ck_assert_int_eq(kit_dead(TR_EFULL), 3);
    ck_assert_int_eq(kit_dead(0), 3);
}
END_TEST

/* ---- time ---- */

static int time_out(void *arg)
{
    static const double limits[] = { 0, -1, -INFINITY, 0.0001, 0.003 };
    tr_inbox *in = kit_inbox();
    tr_msg *msg = (tr_msg *)(uintptr_t)1;

    (void)arg;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        ck_assert_int_eq(tr_inbox_receive(in, &msg, limits[i]), TR_ETIMEDOUT);
        ck_assert_ptr_null(msg);
    }
    ck_assert_int_eq(tr_inbox_receive(in, &msg, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(in, NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(NULL, &msg, 1), TR_EINVAL);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 3), 0);
    ck_assert_int_eq(receive(in), 3);
    tr_inbox_free(in);
    return 0;
}

START_TEST(a_receive_may_time_out)
{
    kit_run_task(2, time_out, NULL);
}
END_TEST

typedef struct receiver {
    tr_inbox *in;
    double timeout;
    int64_t a;
    tr_task *task;
} receiver;

static int receive_one(void *arg)
{
    receiver *r = arg;
    tr_msg *msg;
    int rc = tr_inbox_receive(r->in, &msg, r->timeout);

    ck_assert(rc == 0 || msg == NULL);
    r->a = rc == 0 ? tr_as(msg, kit_value)->a : 0;
    return rc;
}

static void begin_receiver(receiver *r)
{
    ck_assert_int_eq(tr_task_spawn(&r->task, receive_one, r), 0);
    kit_let_others_run();
}

static int end_receiver(receiver *r)
{
    int rc = tr_task_wait(r->task, TR_FOREVER);

    tr_task_unref(r->task);
    return rc;
}

/* What comes is taken by somebody else each time, before the one that waited has gone on. */
static int steal(void *arg)
{
    receiver r = { .in = kit_inbox(), .timeout = 0.01 };

    (void)arg;
    begin_receiver(&r);
    for (int i = 0; i < 200 && !tr_future_is_done(tr_task_future(r.task)); i++) {
        receiver thief = { .in = r.in };

        ck_assert_int_eq(tr_sleep(0.005), 0);
        ck_assert_int_lt(i, 199);
        ck_assert_int_eq(tr_send(tr_inbox_pid(r.in), kit_value, .a = 1), 0);
        ck_assert_int_eq(tr_yield(), 0); /* the receiver is about to go on, behind this task */
        (void)receive_one(&thief);
    }
    ck_assert(r.a == 1 || r.a == 0);
    (void)end_receiver(&r);
    tr_inbox_free(r.in);
    return 0;
}

START_TEST(the_time_limit_holds_also_if_others_take_what_comes)
{
    kit_run_task(2, steal, NULL);
}
END_TEST

/* ---- cancellation ---- */

static int cancelled_before(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_msg *msg;
    int rc;

    (void)arg;
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 3), 0);
    kit_let_others_run();
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_cancel(s), 1);
        ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), TR_ECANCELED);
        ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), TR_ECANCELED);
        ck_assert_ptr_null(msg);
        TR_SHIELD(TR_FOREVER) {
            ck_assert_int_eq(receive(in), 3); /* nothing was lost */
        }
    }
    tr_inbox_free(in);
    return 0;
}

START_TEST(who_is_cancelled_receives_nothing)
{
    kit_run_task(2, cancelled_before, NULL);
}
END_TEST

static int cancelled_meanwhile(void *arg)
{
    receiver r = { .in = kit_inbox() };

    (void)arg;
    for (int i = 0; i < 2; i++) {
        r.timeout = i == 0 ? TR_FOREVER : 1000;
        begin_receiver(&r);
        ck_assert_int_eq(tr_task_cancel(r.task), 1);
        ck_assert_int_eq(end_receiver(&r), TR_ECANCELED);
        ck_assert_int_eq(tr_send(tr_inbox_pid(r.in), kit_value, .a = i), 0);
        ck_assert_int_eq(receive(r.in), i); /* nobody waits any more: it is free for another */
    }
    tr_inbox_free(r.in);
    return 0;
}

START_TEST(a_receive_may_be_cancelled)
{
    kit_run_task(2, cancelled_meanwhile, NULL);
}
END_TEST

static int within_deadline(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_msg *msg;
    int rc = 0;

    (void)arg;
    TR_DEADLINE(0.002, &rc) {
        rc = tr_inbox_receive(in, &msg, TR_FOREVER);
        ck_assert_int_eq(rc, TR_ECANCELED);
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    tr_inbox_free(in);
    return 0;
}

START_TEST(a_deadline_ends_a_receive)
{
    kit_run_task(2, within_deadline, NULL);
}
END_TEST

/* The inbox's actor comes first, then this handler: the receiver has been woken, and not run. */
static int cancel_victim(tr_self *self, void *arg)
{
    (void)self;
    ck_assert_int_eq(tr_task_cancel(arg), 1);
    return 0;
}

static int receive_then_yield(void *arg)
{
    int rc = receive_one(arg);

    ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    return rc;
}

static int delivered_before(void *arg)
{
    receiver r = { .in = kit_inbox(), .timeout = TR_FOREVER };
    tr_pid pid;

    (void)arg;
    ck_assert_int_eq(tr_spawn(&pid, &kit_act_class, NULL), 0);
    ck_assert_int_eq(tr_task_spawn(&r.task, receive_then_yield, &r), 0);
    kit_let_others_run();
    ck_assert_int_eq(tr_send(tr_inbox_pid(r.in), kit_value, .a = 4), 0);
    kit_tell(pid, cancel_victim, r.task);
    ck_assert_int_eq(end_receiver(&r), 0);
    ck_assert_int_eq(r.a, 4);
    tr_inbox_free(r.in);
    return 0;
}

START_TEST(a_message_that_came_before_the_cancellation_is_received)
{
    kit_run_task(2, delivered_before, NULL);
}
END_TEST

/* It was woken for a message that another one took, and was cancelled then: it must not wait on. */
static int cancelled_and_robbed(void *arg)
{
    receiver r = { .in = kit_inbox(), .timeout = TR_FOREVER };
    receiver thief = { .in = r.in };

    (void)arg;
    begin_receiver(&r);
    ck_assert_int_eq(tr_send(tr_inbox_pid(r.in), kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_yield(), 0); /* the receiver is about to go on, behind this task */
    ck_assert_int_eq(receive_one(&thief), 0);
    ck_assert_int_eq(tr_task_cancel(r.task), 1);
    ck_assert_int_eq(end_receiver(&r), TR_ECANCELED);
    tr_inbox_free(r.in);
    return 0;
}

START_TEST(who_was_robbed_and_cancelled_does_not_wait_on)
{
    kit_run_task(2, cancelled_and_robbed, NULL);
}
END_TEST

/* ---- several ---- */

static int two_receivers(void *arg)
{
    receiver first = { .in = kit_inbox(), .timeout = TR_FOREVER };
    receiver second = first;

    (void)arg;
    begin_receiver(&first);
    ck_assert_int_eq(receive_one(&second), TR_EBUSY);
    second.timeout = 0;
    ck_assert_int_eq(receive_one(&second), TR_EBUSY);
    ck_assert_int_eq(tr_send(tr_inbox_pid(first.in), kit_value, .a = 8), 0);
    ck_assert_int_eq(end_receiver(&first), 0);
    ck_assert_int_eq(first.a, 8);
    ck_assert_int_eq(receive_one(&second), TR_ETIMEDOUT); /* its turn now */
    tr_inbox_free(first.in);
    return 0;
}

START_TEST(one_task_waits_at_a_time)
{
    kit_run_task(2, two_receivers, NULL);
}
END_TEST

enum { INBOXES = 1000 };

static int receive_in_turn(void *arg)
{
    static tr_inbox *in[INBOXES];

    (void)arg;
    for (int i = 0; i < INBOXES; i++)
        in[i] = kit_inbox_of(1);
    for (int i = 0; i < INBOXES; i++)
        ck_assert_int_eq(tr_send(tr_inbox_pid(in[i]), kit_value, .a = i), 0);
    for (int i = INBOXES - 1; i >= 0; i--) {
        ck_assert_int_eq(receive(in[i]), i);
        tr_inbox_free(in[i]);
    }
    return 0;
}

START_TEST(a_task_may_have_many)
{
    kit_run_task(2, receive_in_turn, NULL);
}
END_TEST

/* A handler that awaits is as good as a task. */
static int receive_in_handler(tr_self *self, void *arg)
{
    tr_inbox *in = kit_inbox();

    (void)arg;
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 6), 0);
    ck_assert_int_eq(receive(in), 6);
    ck_assert_int_eq(tr_send_after(self, 0, 1, kit_notice), 0); /* it is itself still */
    tr_inbox_free(in);
    return 0;
}

START_TEST(a_handler_that_awaits_may_have_one)
{
    static const tr_actor_class cls = {
        .name = "awaiting",
        .receive = kit_act_or_unhandled,
        .awaits = true,
    };

    kit_start(1);
    kit_do(kit_spawn(&cls, NULL, 0), receive_in_handler, NULL);
    kit_stop();
}
END_TEST

KIT_MAIN("inbox_task", a_task_receives_what_actors_send_in_order,
         a_task_receives_what_a_foreign_thread_sends, a_received_message_may_be_kept,
         a_kept_message_outlives_the_inbox, what_a_message_owns_is_dropped_once,
         what_comes_beyond_the_limit_is_a_dead_letter, a_receive_may_time_out,
         the_time_limit_holds_also_if_others_take_what_comes, who_is_cancelled_receives_nothing,
         a_receive_may_be_cancelled, a_deadline_ends_a_receive,
         a_message_that_came_before_the_cancellation_is_received,
         who_was_robbed_and_cancelled_does_not_wait_on, one_task_waits_at_a_time,
         a_task_may_have_many, a_handler_that_awaits_may_have_one)
