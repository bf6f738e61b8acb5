/* How actors end: by tr_exit, tr_fail and failing handlers, stopped and killed from everywhere, and
 * by a shutdown; what stop sees; what becomes of what was queued. */
#include "support/actors.h"

#include <pthread.h>

static int stop_calls;
static int stop_reason;
static int init_calls;

static int note_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)args;
    init_calls++;
    *(int *)state = 42;
    return 0;
}

static void note_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    ck_assert_int_eq(*(int *)state, 42);
    stop_calls++;
    stop_reason = reason;
}

static const tr_actor_class noting_class = {
    .name = "noting",
    .state_size = sizeof(int),
    .init = note_init,
    .receive = kit_collect,
    .stop = note_stop,
};

static void expect_ended(int reason)
{
    kit_settle(0);
    ck_assert_int_eq(stop_calls, 1);
    ck_assert_int_eq(stop_reason, reason);
}

/* ---- by itself ---- */

static int exit_with(tr_self *self, void *arg)
{
    return tr_exit(self, *(const int *)arg);
}

static int fail_with(tr_self *self, void *arg)
{
    return tr_fail(self, *(const int *)arg);
}

static int return_code(tr_self *self, void *arg)
{
    (void)self;
    return *(const int *)arg;
}

static void expect_end_by(kit_act_fn fn, int reason)
{
    kit_start(1);
    kit_do(kit_spawn(&noting_class, NULL, 0), fn, &reason);
    expect_ended(reason);
    kit_stop();
    ck_assert_int_eq(stop_calls, 1);
}

START_TEST(exit_ends_in_good_order)
{
    expect_end_by(exit_with, 0);
    ck_assert(!kit_log_contains("failed"));
}
END_TEST

START_TEST(exit_with_a_negative_reason_is_a_failure)
{
    expect_end_by(exit_with, -5);
}
END_TEST

START_TEST(fail_ends_with_its_error)
{
    expect_end_by(fail_with, -EIO);
}
END_TEST

START_TEST(a_failing_handler_ends_its_actor_and_is_logged)
{
    expect_end_by(return_code, -EIO);
    ck_assert(kit_log_contains("(noting) failed: the device has failed to read or write"));
}
END_TEST

START_TEST(fail_is_logged_as_a_failing_handler_is)
{
    expect_end_by(fail_with, -EIO);
    ck_assert(kit_log_contains("(noting) failed: the device has failed to read or write"));
}
END_TEST

static void expect_lives_on(int rc)
{
    tr_pid pid;

    kit_start(1);
    pid = kit_spawn(&noting_class, NULL, 0);
    kit_do(pid, return_code, &rc);
    kit_settle(0);
    ck_assert_int_eq(stop_calls, 0);
    kit_do(pid, return_code, &(int){ 0 });
    kit_stop();
    ck_assert_int_eq(stop_reason, TR_ESHUTDOWN);
    ck_assert_int_eq(stop_calls, 1);
}

START_TEST(a_positive_result_is_handled)
{
    expect_lives_on(7);
}
END_TEST

START_TEST(a_send_to_a_dead_actor_does_not_fail_the_handler)
{
    expect_lives_on(TR_EDEAD);
}
END_TEST

START_TEST(a_send_to_a_full_mailbox_does_not_fail_the_handler)
{
    expect_lives_on(TR_EFULL);
}
END_TEST

START_TEST(an_unhandled_message_does_not_fail_the_handler)
{
    kit_watch_dead_letters();
    expect_lives_on(TR_UNHANDLED);
    ck_assert_int_eq(kit_dead(TR_EUNHANDLED), 1);
    ck_assert_uint_eq(kit_stats().dead_unhandled, 1);
}
END_TEST

static int exit_twice(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_exit(self, -7), 0);
    ck_assert_int_eq(tr_exit(self, -8), 0);
    ck_assert_int_eq(tr_fail(self, -9), 0);
    return -10;
}

START_TEST(the_first_reason_counts)
{
    kit_start(1);
    kit_do(kit_spawn(&noting_class, NULL, 0), exit_twice, NULL);
    expect_ended(-7);
    kit_stop();
}
END_TEST

static int misuse_exit(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_exit(self, 1), TR_EINVAL);
    ck_assert_int_eq(tr_fail(self, 0), TR_EINVAL);
    ck_assert_int_eq(tr_fail(self, 1), TR_EINVAL);
    ck_assert_int_eq(tr_exit(NULL, 0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_fail(NULL, -1), TR_EWRONGPLACE);
    return 0;
}

static void exit_in_callback(void *self)
{
    ck_assert_int_eq(tr_exit(self, 0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_fail(self, -1), TR_EWRONGPLACE);
}

static int take_self(tr_self *self, void *arg)
{
    *(tr_self **)arg = self;
    return 0;
}

START_TEST(exit_is_refused_out_of_place)
{
    tr_self *self;
    tr_pid pid;

    kit_start(1);
    pid = kit_spawn(&noting_class, NULL, 0);
    kit_do(pid, misuse_exit, NULL);
    kit_do(pid, take_self, &self);
    kit_settle(0);
    kit_on_loop(0, exit_in_callback, self);
    exit_in_callback(self);
    kit_settle(0);
    ck_assert_int_eq(stop_calls, 0);
    kit_stop();
}
END_TEST

typedef struct batch {
    tr_pid to;
    int reason;
    uint32_t drops;
} batch;

static int queue_behind_exit(tr_self *self, void *arg)
{
    batch *b = arg;

    (void)self;
    for (int64_t i = 0; i < 3; i++)
        ck_assert_int_eq(tr_send(b->to, kit_value, .a = i), 0);
    kit_tell(b->to, exit_with, &b->reason);
    for (int64_t i = 3; i < 8; i++)
        ck_assert_int_eq(tr_send(b->to, kit_owned, .a = i, .drops = &b->drops), 0);
    return 0;
}

START_TEST(what_is_queued_behind_an_exit_becomes_dead_letters)
{
    batch b = { .reason = -3 };

    kit_watch_dead_letters();
    kit_start(1);
    b.to = kit_spawn(&noting_class, NULL, 0);
    kit_do(kit_actor(0), queue_behind_exit, &b);
    expect_ended(-3);
    ck_assert_int_eq(kit_seen_count(), 3);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 5);
    ck_assert_uint_eq(kit_counted(&b.drops), 5);
    ck_assert_int_eq(kit_last_letter().value, 7);
    ck_assert(tr_pid_eq(kit_last_letter().to, b.to));
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_ended, 5);
}
END_TEST

/* ---- stop and kill ---- */

typedef struct request_to_end {
    tr_pid to;
    int stops;
    int kills;
    bool kill_first;
    int messages;
} request_to_end;

static int queue_then_end(tr_self *self, void *arg)
{
    request_to_end *r = arg;

    (void)self;
    for (int i = 0; i < r->messages; i++)
        ck_assert_int_eq(tr_send(r->to, kit_value, .a = i), 0);
    for (int i = 0; i < r->kills && r->kill_first; i++)
        ck_assert_int_eq(tr_kill(r->to), 0);
    for (int i = 0; i < r->stops; i++)
        ck_assert_int_eq(tr_stop(r->to), 0);
    for (int i = 0; i < r->kills && !r->kill_first; i++)
        ck_assert_int_eq(tr_kill(r->to), 0);
    return 0;
}

static void end_from(int loop, request_to_end r)
{
    kit_watch_dead_letters();
    kit_start(2);
    r.to = kit_spawn(&noting_class, NULL, 0);
    if (loop >= 0)
        kit_do(kit_actor(loop), queue_then_end, &r);
    else
        (void)queue_then_end(NULL, &r);
    if (loop == 1)
        kit_settle(1);
    kit_settle(0);
}

START_TEST(a_stop_overtakes_queued_messages)
{
    end_from(0, (request_to_end){ .stops = 1, .messages = 10 });
    expect_ended(TR_ESTOPPED);
    ck_assert_int_eq(kit_seen_count(), 0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 10);
    kit_stop();
}
END_TEST

START_TEST(a_kill_overtakes_queued_messages)
{
    end_from(0, (request_to_end){ .kills = 1, .messages = 10 });
    expect_ended(TR_EKILLED);
    ck_assert_int_eq(kit_seen_count(), 0);
    kit_stop();
}
END_TEST

START_TEST(a_kill_outranks_an_earlier_stop)
{
    end_from(0, (request_to_end){ .stops = 2, .kills = 2, .messages = 1 });
    expect_ended(TR_EKILLED);
    kit_stop();
}
END_TEST

START_TEST(a_kill_outranks_a_later_stop)
{
    end_from(0, (request_to_end){ .stops = 1, .kills = 1, .kill_first = true });
    expect_ended(TR_EKILLED);
    kit_stop();
}
END_TEST

START_TEST(an_idle_actor_is_stopped)
{
    end_from(0, (request_to_end){ .stops = 1 });
    expect_ended(TR_ESTOPPED);
    kit_stop();
}
END_TEST

START_TEST(an_actor_is_stopped_from_another_loop)
{
    end_from(1, (request_to_end){ .stops = 1, .messages = 10 });
    expect_ended(TR_ESTOPPED);
    ck_assert_int_eq(kit_seen_count() + kit_dead(TR_EDEAD), 10);
    kit_stop();
}
END_TEST

START_TEST(an_actor_is_killed_from_another_loop)
{
    end_from(1, (request_to_end){ .kills = 1 });
    expect_ended(TR_EKILLED);
    kit_stop();
}
END_TEST

START_TEST(an_actor_is_stopped_from_a_foreign_thread)
{
    end_from(-1, (request_to_end){ .stops = 1, .messages = 10 });
    expect_ended(TR_ESTOPPED);
    ck_assert_int_eq(kit_seen_count() + kit_dead(TR_EDEAD), 10);
    kit_stop();
}
END_TEST

START_TEST(an_actor_is_killed_from_a_foreign_thread)
{
    end_from(-1, (request_to_end){ .kills = 1 });
    expect_ended(TR_EKILLED);
    kit_stop();
}
END_TEST

static int end_dead(tr_self *self, void *arg)
{
    const tr_pid *dead = arg;

    (void)self;
    ck_assert_int_eq(tr_stop(*dead), TR_EDEAD);
    ck_assert_int_eq(tr_kill(*dead), TR_EDEAD);
    ck_assert_int_eq(tr_stop(TR_PID_NONE), TR_EDEAD);
    return 0;
}

static int end_dead_elsewhere(tr_self *self, void *arg)
{
    const tr_pid *dead = arg;

    (void)self;
    ck_assert_int_eq(tr_stop(*dead), 0);
    ck_assert_int_eq(tr_kill(*dead), 0);
    return 0;
}

START_TEST(stopping_the_dead_is_told_on_its_loop_only)
{
    tr_pid dead;

    ck_assert_int_eq(tr_stop(TR_PID_NONE), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_kill(TR_PID_NONE), TR_ESHUTDOWN);
    kit_start(2);
    dead = kit_spawn(&noting_class, NULL, 0);
    kit_stop_actor(dead, 0);
    kit_do(kit_actor(0), end_dead, &dead);
    kit_do(kit_actor(1), end_dead_elsewhere, &dead);
    ck_assert_int_eq(tr_stop(dead), 0);
    ck_assert_int_eq(tr_kill(TR_PID_NONE), 0);
    kit_settle(0);
    kit_settle(1);
    ck_assert_int_eq(stop_calls, 1);
    kit_stop();
    ck_assert_int_eq(tr_stop(dead), TR_ESHUTDOWN);
}
END_TEST

static int stop_itself(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_stop(tr_self_pid(self)), 0);
    ck_assert_int_eq(tr_exit(self, -4), 0);
    return 0;
}

static int kill_itself(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_exit(self, -4), 0);
    ck_assert_int_eq(tr_kill(tr_self_pid(self)), 0);
    ck_assert_int_eq(tr_stop(tr_self_pid(self)), 0);
    return 0;
}

START_TEST(an_actor_may_stop_itself)
{
    kit_start(1);
    kit_do(kit_spawn(&noting_class, NULL, 0), stop_itself, NULL);
    expect_ended(TR_ESTOPPED);
    ck_assert(!kit_log_contains("failed"));
    kit_stop();
}
END_TEST

START_TEST(an_actor_may_kill_itself)
{
    kit_start(1);
    kit_do(kit_spawn(&noting_class, NULL, 0), kill_itself, NULL);
    expect_ended(TR_EKILLED);
    kit_stop();
}
END_TEST

/* ---- what stop may do ---- */

static tr_pid survivor;
static uint32_t stop_drops;

static void busy_stop(tr_self *self, void *state, int reason)
{
    tr_pid me = tr_self_pid(self);
    tr_pid late;

    (void)state;
    (void)reason;
    /* To others it is sent, to itself it becomes a dead letter. */
    ck_assert_int_eq(tr_send(survivor, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send(me, kit_owned, .a = 2, .drops = &stop_drops), 0);
    ck_assert_int_eq(tr_exit(self, 0), 0);
    ck_assert_int_eq(tr_kill(me), 0);
    ck_assert_int_eq(tr_become(self, kit_collect), 0);
    ck_assert_int_eq(tr_send_after(self, 0.001, 1, kit_value, .a = 3), 0);
    ck_assert_int_eq(tr_request(self, survivor, TR_FOREVER, 1, kit_ask, .a = 4), 0);
    ck_assert_int_eq(tr_request(self, me, TR_FOREVER, 1, kit_ask, .a = 5), 0);
    ck_assert_int_eq(tr_spawn(&late, &noting_class, NULL), 0);
    ck_assert_int_eq(tr_stop(late), 0);
    stop_calls++;
}

static const tr_actor_class busy_stop_class = {
    .name = "busy_stop",
    .receive = kit_collect,
    .stop = busy_stop,
};

START_TEST(stop_may_send_ask_and_spawn)
{
    kit_watch_dead_letters();
    kit_start(1);
    survivor = kit_spawn(&kit_collector_class, NULL, 0);
    kit_stop_actor(kit_spawn(&busy_stop_class, NULL, 0), 0);
    kit_settle(0);
    ck_assert_int_eq(stop_calls, 2); /* its own, and the late one's */
    ck_assert_int_eq(kit_seen_count(), 1);
    ck_assert_uint_eq(kit_counted(&stop_drops), 1);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 2);
    ck_assert_int_eq(kit_dead(TR_EUNHANDLED), 1);
    kit_stop();
}
END_TEST

/* ---- a shutdown ---- */

static void spawn_in_stop(tr_self *self, void *state, int reason)
{
    tr_pid out = { 1 };

    (void)self;
    (void)state;
    ck_assert_int_eq(reason, TR_ESHUTDOWN);
    ck_assert_int_eq(tr_spawn(&out, &noting_class, NULL), TR_ESHUTDOWN);
    ck_assert(tr_pid_is_none(out));
    ck_assert_int_eq(tr_spawn_async(&out, &noting_class, NULL, NULL), TR_ESHUTDOWN);
}

static const tr_actor_class last_class = {
    .name = "last",
    .receive = kit_collect,
    .stop = spawn_in_stop,
};

START_TEST(a_shutdown_stops_every_actor)
{
    kit_start(2);
    for (int i = 0; i < 100; i++)
        (void)kit_spawn(&noting_class, NULL, 0);
    (void)kit_spawn(&last_class, NULL, 1);
    kit_stop();
    ck_assert_int_eq(stop_calls, 100);
    ck_assert_int_eq(stop_reason, TR_ESHUTDOWN);
    ck_assert_uint_eq(kit_stats().ended, 101);
}
END_TEST

/* Two that send to each other for ever. */
static int play(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    (void)state;
    if (value == NULL)
        return kit_act_or_unhandled(self, state, msg);
    return tr_send((tr_pid){ (uint64_t)value->a }, kit_value, .a = value->b, .b = value->a);
}

static const tr_actor_class player_class = { .name = "player", .receive = play };

START_TEST(a_shutdown_ends_those_that_are_never_idle)
{
    kit_watch_dead_letters();
    kit_start(2);
    for (int i = 0; i < 8; i++) {
        tr_pid one = kit_spawn(&player_class, NULL, 0);
        tr_pid other = kit_spawn(&player_class, NULL, i % 2);

        ck_assert_int_eq(
            tr_send(one, kit_value, .a = (int64_t)other.tr__id, .b = (int64_t)one.tr__id), 0);
    }
    kit_settle(0);
    kit_stop();
    ck_assert_int_ge(kit_dead(0), 1);
}
END_TEST

static int spawn_async_many(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    for (int i = 0; i < 50; i++) {
        tr_pid pid;
        int rc =
            tr_spawn_async(&pid, &noting_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i % 2) });

        ck_assert(rc == 0 || rc == TR_ESHUTDOWN);
        (void)tr_send(pid, kit_value, .a = i); /* may be a dead letter */
    }
    return 0;
}

START_TEST(a_shutdown_meets_actors_that_have_not_begun)
{
    kit_start(2);
    kit_tell(kit_actor(0), spawn_async_many, NULL);
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    kit_expect_balance();
    ck_assert_int_eq(init_calls, stop_calls);
}
END_TEST

/* ---- before it has begun ---- */

static int spawn_async_and_end(tr_self *self, void *arg)
{
    tr_pid pid;

    (void)self;
    ck_assert_int_eq(tr_spawn_async(&pid, &noting_class, NULL, arg), 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_kill(pid), 0);
    return 0;
}

START_TEST(an_actor_killed_before_its_init_never_was)
{
    tr_spawn_options elsewhere = { .on = TR_LOOP(1) };

    kit_watch_dead_letters();
    kit_start(2);
    kit_do(kit_actor(0), spawn_async_and_end, NULL);
    kit_settle(0);
    ck_assert_int_eq(init_calls, 0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 1);
    kit_do(kit_actor(0), spawn_async_and_end, &elsewhere);
    kit_settle(0);
    kit_settle(1);
    ck_assert_int_eq(init_calls, stop_calls);
    kit_stop();
}
END_TEST

KIT_MAIN("exit", exit_ends_in_good_order, exit_with_a_negative_reason_is_a_failure,
         fail_ends_with_its_error, a_failing_handler_ends_its_actor_and_is_logged,
         fail_is_logged_as_a_failing_handler_is, a_positive_result_is_handled,
         a_send_to_a_dead_actor_does_not_fail_the_handler,
         a_send_to_a_full_mailbox_does_not_fail_the_handler,
         an_unhandled_message_does_not_fail_the_handler, the_first_reason_counts,
         exit_is_refused_out_of_place, what_is_queued_behind_an_exit_becomes_dead_letters,
         a_stop_overtakes_queued_messages, a_kill_overtakes_queued_messages,
         a_kill_outranks_an_earlier_stop, a_kill_outranks_a_later_stop, an_idle_actor_is_stopped,
         an_actor_is_stopped_from_another_loop, an_actor_is_killed_from_another_loop,
         an_actor_is_stopped_from_a_foreign_thread, an_actor_is_killed_from_a_foreign_thread,
         stopping_the_dead_is_told_on_its_loop_only, an_actor_may_stop_itself,
         an_actor_may_kill_itself, stop_may_send_ask_and_spawn, a_shutdown_stops_every_actor,
         a_shutdown_ends_those_that_are_never_idle, a_shutdown_meets_actors_that_have_not_begun,
         an_actor_killed_before_its_init_never_was)
