/* Dead letters: what the hook is told, what the log says, and what the ledger counts. */
#include "support/actors.h"

START_TEST(the_hook_is_set_while_the_runtime_is_stopped_only)
{
    kit_watch_dead_letters();
    kit_start(1);
    ck_assert_int_eq(tr_on_dead_letter(NULL, NULL), TR_EBUSY);
    ck_assert_int_eq(tr_send(TR_PID_NONE, kit_value, .a = 1), 0);
    kit_settle(0);
    kit_stop();
    ck_assert_int_eq(kit_dead(0), 1);
    ck_assert_int_eq(tr_on_dead_letter(NULL, NULL), 0);
    kit_start(1);
    ck_assert_int_eq(tr_send(TR_PID_NONE, kit_value, .a = 1), 0);
    kit_settle(0);
    kit_stop();
    ck_assert_int_eq(kit_dead(0), 1);
}
END_TEST

static int send_to(tr_self *self, void *arg)
{
    (void)self;
    return tr_send(*(tr_pid *)arg, kit_value, .a = 77);
}

START_TEST(a_letter_tells_from_whom_to_whom_and_what)
{
    tr_pid dead;
    tr_pid sender;
    kit_letter letter;

    kit_watch_dead_letters();
    kit_start(1);
    dead = kit_actor(0);
    sender = kit_actor(0);
    kit_stop_actor(dead, 0);
    kit_do(sender, send_to, &dead);
    letter = kit_last_letter();
    ck_assert(tr_pid_eq(letter.to, dead));
    ck_assert(tr_pid_eq(letter.from, sender));
    ck_assert_str_eq(letter.type, "kit_value");
    ck_assert_int_eq(letter.reason, TR_EDEAD);
    ck_assert(letter.has_msg);
    ck_assert_int_eq(letter.value, 77);
    ck_assert_int_eq(tr_send(dead, kit_value, .a = 78), 0);
    kit_settle(0);
    letter = kit_last_letter();
    ck_assert(tr_pid_is_none(letter.from)); /* a foreign thread */
    ck_assert_int_eq(letter.value, 78);
    kit_stop();
}
END_TEST

static int send_and_exit(tr_self *self, void *arg)
{
    ck_assert_int_eq(tr_send(*(tr_pid *)arg, kit_value, .a = 79), 0);
    return tr_exit(self, 0);
}

static int send_and_stop_both(tr_self *self, void *arg)
{
    const tr_pid *pids = arg;

    (void)self;
    kit_tell(pids[0], send_and_exit, (void *)(uintptr_t)&pids[1]);
    return 0;
}

/* Refuses each value. */
static const tr_actor_class deaf_class = { .name = "deaf", .receive = kit_act_or_unhandled };

START_TEST(the_sender_is_none_when_it_has_ended)
{
    tr_pid pids[2];

    kit_watch_dead_letters();
    kit_start(1);
    pids[0] = kit_actor(0);
    pids[1] = kit_spawn(&deaf_class, NULL, 0);
    kit_do(kit_actor(0), send_and_stop_both, pids);
    while (kit_dead(TR_EUNHANDLED) == 0)
        kit_settle(0);
    ck_assert(tr_pid_is_none(kit_last_letter().from));
    ck_assert_int_eq(kit_last_letter().value, 79);
    kit_stop();
}
END_TEST

START_TEST(without_a_hook_the_log_has_a_line_at_each_doubling)
{
    tr_pid dead;
    tr_pid sender;

    kit_start(1);
    dead = kit_actor(0);
    sender = kit_actor(0);
    kit_stop_actor(dead, 0);
    for (int i = 1; i <= 8; i++) {
        kit_log_clear();
        kit_do(sender, send_to, &dead);
        ck_assert(kit_log_contains("kit_value") == ((i & (i - 1)) == 0));
    }
    ck_assert(kit_log_contains("8 dead letter(s) so far because the actor has ended"));
    kit_stop();
}
END_TEST

static uint32_t told;
static tr_pid grave;

static void send_in_hook(void *ctx, const tr_dead_letter *letter)
{
    const struct kit_value *value = tr_as(letter->msg, kit_value);

    ck_assert(ctx == &told);
    kit_count(&told);
    if (value->a > 0)
        (void)tr_send(grave, kit_value, .a = value->a - 1); /* one more letter */
}

START_TEST(a_hook_may_send)
{
    ck_assert_int_eq(tr_on_dead_letter(send_in_hook, &told), 0);
    kit_start(2);
    grave = kit_actor(0);
    kit_stop_actor(grave, 0);
    ck_assert_int_eq(tr_send(grave, kit_value, .a = 10), 0);
    kit_settle(0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&told), 11);
    ck_assert_uint_eq(kit_stats().dead_ended, 11);
}
END_TEST

KIT_MAIN("dead_letter", the_hook_is_set_while_the_runtime_is_stopped_only,
         a_letter_tells_from_whom_to_whom_and_what, the_sender_is_none_when_it_has_ended,
         without_a_hook_the_log_has_a_line_at_each_doubling, a_hook_may_send)
