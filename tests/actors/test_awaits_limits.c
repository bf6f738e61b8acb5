/* The mailbox of an actor that awaits: the message that is being handled counts, and each policy
 * holds while its handler is suspended. */
#include <sched.h>
#include <string.h>

#include "support/gate.h"
#include "support/told.h"

static kit_gate gate;

/* Waits at the gate with the first message; keeps the values, answers asks, does acts. */
static bool has_waited;

static int limited_receive(tr_self *self, void *state, tr_msg *msg)
{
    if (!has_waited) {
        int rc = kit_gate_pass(&gate);

        has_waited = true;
        if (rc < 0)
            return rc;
    }
    return tr_is(msg, kit_ask) ? tr_reply(self, kit_value, .a = 1) : kit_collect(self, state, msg);
}

static int stop_reason;

static void note_reason(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    stop_reason = reason;
}

#define LIMITED(limit, policy)                                                                     \
    {                                                                                              \
        .name = "limited", .receive = limited_receive, .stop = note_reason, .awaits = true,        \
        .mailbox_limit = (limit), .on_full = (policy)                                              \
    }

static tr_pid begin(const tr_actor_class *cls)
{
    tr_pid pid;

    kit_watch_dead_letters();
    kit_start(2);
    kit_gate_init(&gate);
    pid = kit_spawn(cls, NULL, 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
    kit_gate_await(&gate, 1);
    kit_settle(0);
    return pid;
}

typedef struct sending {
    tr_pid to;
    int rc[4];
} sending;

/* Send 2, 3 and so on, on its own loop, where a full mailbox is known at once. */
static int send_some(void *arg)
{
    sending *s = arg;

    for (int i = 0; i < 4; i++)
        s->rc[i] = tr_send(s->to, kit_value, .a = i + 2);
    return 0;
}

/* Wait until it has seen as many as there are in that string. */
static void await_seen(const char *wanted)
{
    while (kit_seen_count() < (int)strlen(wanted))
        sched_yield();
    kit_settle(0);
}

/* The end of a test: it has seen these, one a digit. */
static void expect_seen(const char *wanted)
{
    await_seen(wanted);
    kit_stop();
    kit_gate_fini(&gate);
    ck_assert_int_eq(kit_seen_count(), (int)strlen(wanted));
    for (int i = 0; wanted[i] != '\0'; i++)
        ck_assert_int_eq(kit_seen(i), wanted[i] - '0');
}

START_TEST(the_message_that_is_handled_counts)
{
    static const tr_actor_class cls = LIMITED(3, TR_FULL_REJECT);
    sending s = { .to = begin(&cls) };

    ck_assert_int_eq(kit_in_task(0, send_some, &s), 0);
    ck_assert_int_eq(s.rc[0], 0);
    ck_assert_int_eq(s.rc[1], 0);
    ck_assert_int_eq(s.rc[2], TR_EFULL);
    ck_assert_int_eq(s.rc[3], TR_EFULL);
    kit_gate_open(&gate);
    expect_seen("123");
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
}
END_TEST

static int ask_full(void *arg)
{
    return tr_ask(NULL, *(const tr_pid *)arg, TR_FOREVER, kit_ask, .a = 1);
}

START_TEST(one_message_may_be_the_limit)
{
    static const tr_actor_class cls = LIMITED(1, TR_FULL_REJECT);
    sending s = { .to = begin(&cls) };

    ck_assert_int_eq(kit_in_task(0, send_some, &s), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(s.rc[i], TR_EFULL);
    ck_assert_int_eq(kit_in_task(0, ask_full, &s.to), TR_EFULL);
    ck_assert_int_eq(kit_in_task(1, ask_full, &s.to), TR_EFULL);
    ck_assert_int_eq(ask_full(&s.to), TR_EFULL);
    kit_gate_open(&gate);
    await_seen("1");
    ck_assert_int_eq(ask_full(&s.to), 0); /* there is room again */
    expect_seen("1");
}
END_TEST

START_TEST(new_messages_may_be_dropped)
{
    static const tr_actor_class cls = LIMITED(3, TR_FULL_DROP_NEW);
    sending s = { .to = begin(&cls) };

    ck_assert_int_eq(kit_in_task(0, send_some, &s), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(s.rc[i], 0);
    kit_gate_open(&gate);
    expect_seen("123");
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
}
END_TEST

START_TEST(old_messages_may_be_dropped_but_for_the_one_that_is_handled)
{
    static const tr_actor_class cls = LIMITED(3, TR_FULL_DROP_OLD);
    sending s = { .to = begin(&cls) };

    ck_assert_int_eq(kit_in_task(0, send_some, &s), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(s.rc[i], 0);
    kit_gate_open(&gate);
    expect_seen("145");
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
}
END_TEST

START_TEST(where_nothing_else_can_be_dropped_the_new_one_is_refused)
{
    static const tr_actor_class cls = LIMITED(1, TR_FULL_DROP_OLD);
    sending s = { .to = begin(&cls) };

    ck_assert_int_eq(kit_in_task(0, send_some, &s), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(s.rc[i], TR_EFULL);
    kit_gate_open(&gate);
    expect_seen("1");
}
END_TEST

START_TEST(a_full_mailbox_may_end_an_actor_that_is_suspended)
{
    static const tr_actor_class cls = LIMITED(3, TR_FULL_STOP);
    sending s = { .to = begin(&cls) };

    ck_assert_int_eq(kit_in_task(0, send_some, &s), 0);
    ck_assert_int_eq(s.rc[0], 0);
    ck_assert_int_eq(s.rc[1], 0);
    ck_assert_int_eq(s.rc[2], TR_EFULL);
    kit_settle(0);
    expect_seen("");
    ck_assert_int_eq(stop_reason, TR_EFULL);
    /* 4 and 5, which found it full, and what was queued. */
    ck_assert_int_eq(kit_dead(0), 4);
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
}
END_TEST

/* ---- bytes ---- */

START_TEST(bytes_are_free_again_as_soon_as_their_message_is_handled)
{
    static const tr_actor_class cls = {
        .name = "limited",
        .receive = limited_receive,
        .awaits = true,
        .mailbox_bytes = 96, /* three small ones */
    };
    sending s = { .to = begin(&cls) };

    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(kit_in_task(0, send_some, &s), 0);
        ck_assert_int_eq(s.rc[2], 0);
        ck_assert_int_eq(s.rc[3], TR_EFULL);
        if (round == 0)
            kit_gate_open(&gate);
        while (kit_seen_count() < 1 + (round + 1) * 3)
            sched_yield();
        kit_settle(0);
    }
    kit_stop();
    kit_gate_fini(&gate);
}
END_TEST

/* ---- to itself, and control traffic ---- */

static int fill_itself(tr_self *self, void *arg)
{
    tr_pid me = tr_self_pid(self);

    (void)arg;
    ck_assert_int_eq(tr_send(me, kit_value, .a = 8), 0);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_send(me, kit_value, .a = 9), 0);
    ck_assert_int_eq(tr_send(me, kit_value, .a = 0), TR_EFULL);
    /* What it is to get itself always gets in. */
    ck_assert_int_eq(tr_send_after(self, 0, 1, kit_value, .a = 7), 0);
    return tr_sleep(0.001);
}

START_TEST(a_handler_may_fill_its_own_mailbox)
{
    static const tr_actor_class cls = LIMITED(3, TR_FULL_REJECT);
    tr_pid pid = begin(&cls);

    kit_gate_open(&gate);
    kit_do(pid, fill_itself, NULL);
    expect_seen("1897");
}
END_TEST

static int stop_itself_by_overflow(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_yield(), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = 8), 0);
    ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = 8), TR_EFULL);
    return 0;
}

START_TEST(a_handler_may_end_its_actor_by_filling_its_mailbox)
{
    static const tr_actor_class cls = LIMITED(3, TR_FULL_STOP);
    tr_pid pid = begin(&cls);

    kit_gate_open(&gate);
    kit_do(pid, stop_itself_by_overflow, NULL);
    kit_settle(0);
    ck_assert_int_eq(ask_full(&pid), TR_EDEAD);
    expect_seen("1");
    ck_assert_int_eq(stop_reason, TR_EFULL);
}
END_TEST

/* An asker's answer gets into a full mailbox, and is handled when the handler has returned. */
static int request_and_fill(tr_self *self, void *arg)
{
    ck_assert_int_eq(
        tr_request(self, *(const tr_pid *)arg, TR_FOREVER, 3, kit_ask, .a = TOLD_ANSWER), 0);
    ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = 5), 0);
    ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = 6), 0);
    ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = 7), TR_EFULL);
    return tr_sleep(0.001);
}

START_TEST(answers_get_into_a_full_mailbox)
{
    static const tr_actor_class cls = LIMITED(3, TR_FULL_REJECT);
    tr_pid told;
    tr_pid pid = begin(&cls);

    told = kit_spawn(&told_class, NULL, 0);
    kit_gate_open(&gate);
    kit_do(pid, request_and_fill, &told);
    while (kit_seen_count() < 4)
        sched_yield();
    kit_stop();
    kit_gate_fini(&gate);
    ck_assert_int_eq(kit_seen_count(), 4);
    ck_assert_int_eq(kit_seen(3), told_outcome(TOLD_ANSWER));
}
END_TEST

KIT_MAIN("awaits_limits", the_message_that_is_handled_counts, one_message_may_be_the_limit,
         new_messages_may_be_dropped, old_messages_may_be_dropped_but_for_the_one_that_is_handled,
         where_nothing_else_can_be_dropped_the_new_one_is_refused,
         a_full_mailbox_may_end_an_actor_that_is_suspended,
         bytes_are_free_again_as_soon_as_their_message_is_handled,
         a_handler_may_fill_its_own_mailbox, a_handler_may_end_its_actor_by_filling_its_mailbox,
         answers_get_into_a_full_mailbox)
