/* What is allowed, but rare: corners where a message could get lost, or be counted twice. */
#include "support/actors.h"

static const tr_actor_class limited_class = {
    .name = "limited",
    .receive = kit_ignore,
    .mailbox_limit = 2,
    .mailbox_bytes = 1000,
};

static int spawn_and_send(tr_self *self, void *arg)
{
    tr_pid pid;

    (void)self;
    ck_assert_int_eq(tr_spawn_async(&pid, &limited_class, NULL, arg), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tr_send(pid, kit_value, .a = i), 0);
    (void)tr_send(pid, kit_value, .a = 2);
    return 0;
}

START_TEST(actor_with_limits_takes_messages_before_its_init_has_run)
{
    tr_spawn_options there = { .on = TR_LOOP(1) };
    tr_stats stats;

    kit_start(2);
    kit_in_handler(kit_puppet(0), spawn_and_send, NULL);
    kit_in_handler(kit_puppet(0), spawn_and_send, &there);
    kit_settle(1);
    kit_stop();
    stats = kit_stats();
    ck_assert_uint_eq(stats.dead_full, 2);
    ck_assert_uint_eq(stats.dead_ended + stats.dead_shutdown, 0);
}
END_TEST

START_TEST(what_a_full_inbox_refuses_is_counted_once)
{
    tr_inbox *in;

    kit_start(1);
    ck_assert_int_eq(tr_inbox_new(&in, 1), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = i), 0);
    kit_settle(0);
    (void)kit_expect_value(in, 0);
    tr_inbox_free(in);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_full, 9);
}
END_TEST

/* What a handler does with a message that it says it does not know. */
static int keep_and_free(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    tr_msg_free(tr_msg_keep(msg));
    return TR_UNHANDLED;
}

static int forward_away(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)tr_forward(msg, TR_PID_NONE);
    return TR_UNHANDLED;
}

static void give_to(tr_receive_fn receive)
{
    const tr_actor_class cls = { .name = "denier", .receive = receive };
    tr_pid pid;

    kit_start(1);
    ck_assert_int_eq(tr_spawn(&pid, &cls, NULL), 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send(pid, kit_large, .a = 1), 0);
    kit_settle(0);
    kit_stop();
}

START_TEST(message_kept_and_called_unhandled_is_counted_once)
{
    give_to(keep_and_free);
}
END_TEST

START_TEST(message_forwarded_and_called_unhandled_is_counted_once)
{
    give_to(forward_away);
}
END_TEST

KIT_MAIN("corners", actor_with_limits_takes_messages_before_its_init_has_run,
         what_a_full_inbox_refuses_is_counted_once,
         message_kept_and_called_unhandled_is_counted_once,
         message_forwarded_and_called_unhandled_is_counted_once)
