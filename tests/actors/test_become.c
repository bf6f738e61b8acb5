/* Other behaviours: from the very next message on, and back. */
#include "support/actors.h"

static int64_t order[32];
static int count;

static int second(tr_self *self, void *state, tr_msg *msg);

static int first(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    if (value == NULL)
        return kit_act_or_unhandled(self, state, msg);
    order[count++] = 100 + value->a;
    return value->b ? tr_become(self, second) : 0;
}

static int second(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    if (value == NULL)
        return kit_act_or_unhandled(self, state, msg);
    order[count++] = 200 + value->a;
    return value->b ? tr_become(self, value->b > 1 ? first : NULL) : 0;
}

static const tr_actor_class plain_class = { .name = "plain", .receive = first };
static const tr_actor_class limited_class = {
    .name = "limited",
    .receive = first,
    .mailbox_limit = 100,
};

static int send_batch(tr_self *self, void *arg)
{
    /* b: whether to change. */
    static const int64_t changes[] = { 0, 1, 0, 1, 0, 1, 2, 0, 1, 1 };

    (void)self;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tr_send(*(tr_pid *)arg, kit_value, .a = i, .b = changes[i]), 0);
    return 0;
}

static void expect_turns(const tr_actor_class *cls)
{
    static const int64_t expected[] = { 100, 101, 202, 203, 104, 105, 206, 107, 108, 209 };
    tr_pid pid;

    kit_start(1);
    pid = kit_spawn(cls, NULL, 0);
    kit_do(kit_actor(0), send_batch, &pid);
    do
        kit_settle(0);
    while (count < 10);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(order[i], expected[i]);
    kit_stop();
}

START_TEST(a_behaviour_begins_with_the_very_next_message)
{
    expect_turns(&plain_class);
}
END_TEST

START_TEST(a_behaviour_begins_with_the_next_message_of_a_limited_mailbox)
{
    expect_turns(&limited_class);
}
END_TEST

static int become_nothing(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_become(self, NULL), 0);
    ck_assert_int_eq(tr_become(NULL, second), TR_EWRONGPLACE);
    return 0;
}

START_TEST(the_class_s_own_behaviour_needs_no_turn)
{
    kit_start(1);
    kit_do(kit_spawn(&plain_class, NULL, 0), become_nothing, NULL);
    ck_assert_int_eq(tr_become(NULL, second), TR_EWRONGPLACE);
    kit_stop();
}
END_TEST

static int become_and_exit(tr_self *self, void *arg)
{
    ck_assert_int_eq(tr_become(self, second), 0);
    ck_assert_int_eq(tr_stop(tr_self_pid(self)), 0);
    return *(int *)arg;
}

START_TEST(an_actor_may_turn_and_end_at_once)
{
    kit_start(1);
    kit_do(kit_spawn(&plain_class, NULL, 0), become_and_exit, &(int){ 0 });
    kit_do(kit_spawn(&plain_class, NULL, 0), become_and_exit, &(int){ -5 });
    kit_stop();
    ck_assert_uint_eq(kit_stats().ended, 2);
}
END_TEST

KIT_MAIN("become", a_behaviour_begins_with_the_very_next_message,
         a_behaviour_begins_with_the_next_message_of_a_limited_mailbox,
         the_class_s_own_behaviour_needs_no_turn, an_actor_may_turn_and_end_at_once)
