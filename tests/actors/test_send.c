/* Sending: payloads of all sizes by all ways, messages in hand, and every refusal. */
#include <string.h>

#include "support/actors.h"

/* ---- sizes ---- */

#define SIZES(X) X(1) X(8) X(15) X(16) X(17) X(48) X(100) X(4000) X(5000) X(100000)

#define DECLARE(size)                                                                              \
    TR_MESSAGE(sized_##size)                                                                       \
    {                                                                                              \
        unsigned char bytes[size];                                                                 \
    };
SIZES(DECLARE)

TR_MESSAGE(sized_0){};

static int arrived;

static void check_bytes(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != (unsigned char)(i * 7 + size))
            ck_abort_msg("byte %zu of %zu is wrong", i, size);
    arrived++;
}

static int sized_receive(tr_self *self, void *state, tr_msg *msg)
{
#define CHECK(size)                                                                                \
    if (tr_is(msg, sized_##size)) {                                                                \
        check_bytes(tr_as(msg, sized_##size)->bytes, size);                                        \
        return 0;                                                                                  \
    }
    SIZES(CHECK)
    if (tr_is(msg, sized_0)) {
        arrived++;
        return 0;
    }
    return kit_act_or_unhandled(self, state, msg);
}

static const tr_actor_class sized_class = { .name = "sized", .receive = sized_receive };

static void fill(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 7 + size);
}

enum { SENDS_OF_ALL_SIZES = 11 };

static int send_all_sizes(tr_self *self, void *arg)
{
    tr_pid to = *(const tr_pid *)arg;

    (void)self;
#define SEND(size)                                                                                 \
    {                                                                                              \
        static _Thread_local struct sized_##size value;                                            \
                                                                                                   \
        fill(value.bytes, size);                                                                   \
        ck_assert_int_eq(tr_send_value(to, sized_##size, &value), 0);                              \
        memset(&value, 0, sizeof(value));                                                          \
    }
    SIZES(SEND)
    ck_assert_int_eq(tr_send(to, sized_0), 0);
    return 0;
}

static void expect_all_sizes(int from, int to_loop)
{
    tr_pid to;

    kit_start(2);
    to = kit_spawn(&sized_class, NULL, to_loop);
    if (from >= 0)
        kit_do(kit_actor(from), send_all_sizes, &to);
    else
        (void)send_all_sizes(NULL, &to);
    if (from >= 0)
        kit_settle(from);
    kit_settle(to_loop);
    ck_assert_int_eq(arrived, SENDS_OF_ALL_SIZES);
    kit_stop();
}

START_TEST(all_sizes_arrive_on_the_same_loop)
{
    expect_all_sizes(0, 0);
}
END_TEST

START_TEST(all_sizes_arrive_on_another_loop)
{
    expect_all_sizes(0, 1);
}
END_TEST

START_TEST(all_sizes_arrive_from_a_foreign_thread)
{
    expect_all_sizes(-1, 0);
}
END_TEST

START_TEST(all_sizes_arrive_from_a_foreign_thread_by_way_of_another_loop)
{
    expect_all_sizes(-1, 1);
}
END_TEST

static void send_from_callback(void *arg)
{
    (void)send_all_sizes(NULL, arg);
}

START_TEST(all_sizes_arrive_from_a_loop_callback)
{
    tr_pid to;

    kit_start(2);
    to = kit_spawn(&sized_class, NULL, 1);
    kit_on_loop(0, send_from_callback, &to);
    kit_on_loop(1, send_from_callback, &to);
    kit_settle(0);
    kit_settle(1);
    ck_assert_int_eq(arrived, 2 * SENDS_OF_ALL_SIZES);
    kit_stop();
}
END_TEST

/* ---- the dead ---- */

typedef struct dead_case {
    tr_pid to;
    uint32_t drops;
    int small;
    int large;
    int in_hand;
    int tried;
    int forwarded;
} dead_case;

static int send_to_dead(tr_self *self, void *arg)
{
    dead_case *c = arg;
    tr_msg *msg = tr_msg_new(kit_owned, .a = 4, .drops = &c->drops);

    (void)self;
    c->small = tr_send(c->to, kit_owned, .a = 1, .drops = &c->drops);
    c->large = tr_send(c->to, kit_owned_large, .a = 2, .drops = &c->drops);
    c->in_hand = tr_send_msg(c->to, tr_msg_new(kit_owned, .a = 3, .drops = &c->drops));
    c->tried = tr_try_send_msg(c->to, msg);
    if (c->tried < 0) {
        ck_assert_int_eq(tr_as(msg, kit_owned)->a, 4); /* it stays with the caller */
        tr_msg_free(msg);
    }
    c->forwarded = tr_forward(tr_msg_new(kit_owned, .a = 5, .drops = &c->drops), c->to);
    return 0;
}

static dead_case send_to_dead_from(int from, bool never_lived)
{
    dead_case c = { .drops = 0 };

    kit_watch_dead_letters();
    kit_start(2);
    c.to = TR_PID_NONE;
    if (!never_lived) {
        c.to = kit_actor(0);
        kit_stop_actor(c.to, 0);
    }
    if (from >= 0)
        kit_do(kit_actor(from), send_to_dead, &c);
    else
        (void)send_to_dead(NULL, &c);
    kit_settle(1);
    kit_settle(0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&c.drops), 5);
    return c;
}

START_TEST(the_dead_are_known_on_their_own_loop)
{
    dead_case c = send_to_dead_from(0, false);

    ck_assert_int_eq(c.small, TR_EDEAD);
    ck_assert_int_eq(c.large, TR_EDEAD);
    ck_assert_int_eq(c.in_hand, TR_EDEAD);
    ck_assert_int_eq(c.tried, TR_EDEAD);
    ck_assert_int_eq(c.forwarded, TR_EDEAD);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 4); /* not what tr_try_send_msg left */
    ck_assert_uint_eq(kit_stats().returned, 1);
}
END_TEST

START_TEST(the_dead_of_another_loop_are_found_out_later)
{
    for (int from = -1; from < 2; from += 2) {
        dead_case c = send_to_dead_from(from, false);

        ck_assert_int_eq(c.small, 0);
        ck_assert_int_eq(c.large, 0);
        ck_assert_int_eq(c.in_hand, 0);
        ck_assert_int_eq(c.tried, 0);
        ck_assert_int_eq(c.forwarded, 0);
        ck_assert_uint_eq(kit_stats().dead_ended, 5);
    }
    ck_assert_int_eq(kit_dead(TR_EDEAD), 10);
}
END_TEST

START_TEST(nobody_is_known_on_every_loop)
{
    dead_case c = send_to_dead_from(1, true);

    ck_assert_int_eq(c.small, TR_EDEAD);
    ck_assert_int_eq(c.large, TR_EDEAD);
    ck_assert_int_eq(c.tried, TR_EDEAD);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 4);
}
END_TEST

START_TEST(nobody_is_found_out_later_from_a_foreign_thread)
{
    dead_case c = send_to_dead_from(-1, true);

    ck_assert_int_eq(c.small, 0);
    ck_assert_int_eq(c.tried, 0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 5);
}
END_TEST

START_TEST(without_a_runtime_sends_are_refused)
{
    dead_case c = { .drops = 0 };

    kit_watch_dead_letters();
    for (int round = 0; round < 2; round++) {
        c.drops = 0;
        (void)send_to_dead(NULL, &c);
        ck_assert_int_eq(c.small, TR_ESHUTDOWN);
        ck_assert_int_eq(c.large, TR_ESHUTDOWN);
        ck_assert_int_eq(c.in_hand, TR_ESHUTDOWN);
        ck_assert_int_eq(c.tried, TR_ESHUTDOWN);
        ck_assert_int_eq(c.forwarded, TR_ESHUTDOWN);
        ck_assert_uint_eq(kit_counted(&c.drops), 5);
        ck_assert_int_eq(kit_dead(TR_ESHUTDOWN), 4 * (round + 1));
        if (round == 0) {
            kit_start(1);
            c.to = kit_actor(0);
            kit_stop();
        }
    }
}
END_TEST

START_TEST(null_is_no_message)
{
    ck_assert_int_eq(tr_send_msg(TR_PID_NONE, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_try_send_msg(TR_PID_NONE, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_forward(NULL, TR_PID_NONE), TR_EINVAL);
}
END_TEST

/* ---- messages in hand, to the living ---- */

static int send_in_hand(tr_self *self, void *arg)
{
    dead_case *c = arg;

    (void)self;
    ck_assert_int_eq(tr_send_msg(c->to, tr_msg_new(kit_owned, .a = 0, .drops = &c->drops)), 0);
    ck_assert_int_eq(tr_try_send_msg(c->to, tr_msg_new(kit_owned, .a = 1, .drops = &c->drops)), 0);
    ck_assert_int_eq(tr_forward(tr_msg_new(kit_owned, .a = 2, .drops = &c->drops), c->to), 0);
    ck_assert_int_eq(tr_send_msg(c->to, tr_msg_new(kit_owned_large, .a = 3, .drops = &c->drops)),
                     0);
    return 0;
}

START_TEST(messages_in_hand_arrive)
{
    for (int from = -1; from < 2; from++) {
        dead_case c = { .drops = 0 };
        int before = kit_seen_count();

        kit_start(2);
        c.to = kit_spawn(&kit_collector_class, NULL, 0);
        if (from >= 0)
            kit_do(kit_actor(from), send_in_hand, &c);
        else
            (void)send_in_hand(NULL, &c);
        kit_settle(1);
        kit_settle(0);
        kit_stop();
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(kit_seen(before + i), i);
        ck_assert_uint_eq(kit_counted(&c.drops), 4);
    }
}
END_TEST

static const tr_actor_class full_class = {
    .name = "full",
    .receive = kit_collect,
    .mailbox_limit = 1,
};

static int try_until_full(tr_self *self, void *arg)
{
    dead_case *c = arg;
    tr_msg *msg = tr_msg_new(kit_owned_large, .a = 1, .drops = &c->drops);

    (void)self;
    ck_assert_int_eq(tr_send(c->to, kit_value, .a = 0), 0);
    ck_assert_int_eq(tr_try_send_msg(c->to, msg), TR_EFULL);
    ck_assert_int_eq(tr_as(msg, kit_owned_large)->a, 1);
    ck_assert_int_eq(tr_send_msg(c->to, msg), TR_EFULL);
    return 0;
}

START_TEST(a_try_leaves_the_message_where_the_mailbox_is_full)
{
    dead_case c = { .drops = 0 };

    kit_watch_dead_letters();
    kit_start(1);
    c.to = kit_spawn(&full_class, NULL, 0);
    kit_do(kit_actor(0), try_until_full, &c);
    kit_stop();
    ck_assert_int_eq(kit_dead(TR_EFULL), 1);
    ck_assert_uint_eq(kit_stats().returned, 1);
    ck_assert_uint_eq(kit_counted(&c.drops), 1);
}
END_TEST

/* ---- forwarding ---- */

static int pass_on(tr_self *self, void *state, tr_msg *msg)
{
    if (tr_is(msg, kit_act))
        return kit_act_or_unhandled(self, state, msg);
    return tr_forward(msg, *(const tr_pid *)state);
}

static const tr_actor_class hop_class = {
    .name = "hop",
    .state_size = sizeof(tr_pid),
    .args_size = sizeof(tr_pid),
    .receive = pass_on,
};

START_TEST(what_is_forwarded_is_dropped_once_where_it_ends)
{
    uint32_t drops = 0;
    tr_pid to;

    kit_start(3);
    to = kit_spawn(&kit_collector_class, NULL, 0);
    for (int i = 0; i < 12; i++)
        to = kit_spawn(&hop_class, &to, i % 3);
    ck_assert_int_eq(tr_send(to, kit_owned, .a = 1, .drops = &drops), 0);
    ck_assert_int_eq(tr_send(to, kit_owned_large, .a = 2, .drops = &drops), 0);
    while (kit_seen_count() < 2)
        kit_settle(0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&drops), 2);
    ck_assert_int_eq(kit_seen(0), 1);
    ck_assert_int_eq(kit_seen(1), 2);
}
END_TEST

static void send_faulty(void *ctx)
{
    dead_case *c = ctx;
    tr_msg *msg = tr_msg_new(kit_owned, .drops = &c->drops);
    int rc;

    rc = tr_send(c->to, kit_owned, .drops = &c->drops);
    ck_assert(rc == 0 || rc == TR_ENOMEM);
    rc = tr_send(c->to, kit_owned_large, .drops = &c->drops);
    ck_assert(rc == 0 || rc == TR_ENOMEM);
    if (msg == NULL)
        return;
    rc = tr_try_send_msg(c->to, msg);
    if (rc < 0)
        tr_msg_free(msg);
}

static void send_faulty_in_order(void *ctx, int n)
{
    (void)n;
    send_faulty(ctx);
}

START_TEST(without_memory_sends_fail_and_drop_once)
{
    dead_case c = { .drops = 0 };
    int failures;

    kit_start(1);
    c.to = kit_spawn(&kit_collector_class, NULL, 0);
    failures = kit_for_every_fault(send_faulty_in_order, &c);
    ck_assert_int_ge(failures, 3);
    kit_settle(0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&c.drops), 3 * ((uint32_t)failures + 1));
}
END_TEST

KIT_MAIN("send", all_sizes_arrive_on_the_same_loop, all_sizes_arrive_on_another_loop,
         all_sizes_arrive_from_a_foreign_thread,
         all_sizes_arrive_from_a_foreign_thread_by_way_of_another_loop,
         all_sizes_arrive_from_a_loop_callback, the_dead_are_known_on_their_own_loop,
         the_dead_of_another_loop_are_found_out_later, nobody_is_known_on_every_loop,
         nobody_is_found_out_later_from_a_foreign_thread, without_a_runtime_sends_are_refused,
         null_is_no_message, messages_in_hand_arrive,
         a_try_leaves_the_message_where_the_mailbox_is_full,
         what_is_forwarded_is_dropped_once_where_it_ends, without_memory_sends_fail_and_drop_once)
