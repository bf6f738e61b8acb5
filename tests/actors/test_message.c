/* Messages in hand: the macros that declare them, reading, taking, making, keeping, freeing. */
#include <string.h>

#include "support/actors.h"

TR_MESSAGE(one_byte)
{
    char text[1];
};
TR_MESSAGE(nothing){};
TR_QUERY(a_query, kit_value);

START_TEST(a_message_is_read_as_its_own_type_only)
{
    tr_msg *msg = tr_msg_new(kit_value, .a = 1, .b = 2);

    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(tr_as(msg, kit_value)->a, 1);
    ck_assert_int_eq(tr_as(msg, kit_value)->b, 2);
    ck_assert(tr_is(msg, kit_value));
    ck_assert_ptr_null(tr_as(msg, kit_large));
    ck_assert_ptr_null(tr_as(msg, one_byte));
    ck_assert(!tr_is(msg, kit_notice));
    ck_assert_str_eq(tr_msg_name(msg), "kit_value");
    ck_assert_uint_eq(tr_msg_tag(msg), 0);
    ck_assert(tr_asker_is_none(tr_msg_take_asker(msg)));
    tr_msg_free(msg);
}
END_TEST

START_TEST(fields_left_out_are_zero)
{
    tr_msg *msg = tr_msg_new(kit_value);

    ck_assert_int_eq(tr_as(msg, kit_value)->a, 0);
    ck_assert_int_eq(tr_as(msg, kit_value)->b, 0);
    tr_msg_free(msg);
}
END_TEST

START_TEST(a_message_may_have_no_payload)
{
    tr_msg *notice = tr_msg_new(kit_notice);
    tr_msg *query = tr_msg_new(a_query);
    tr_msg *empty = tr_msg_new(nothing);

    ck_assert(tr_is(notice, kit_notice));
    ck_assert(tr_is(query, a_query));
    ck_assert(tr_is(empty, nothing));
    ck_assert(!tr_is(notice, a_query));
    tr_msg_free(notice);
    tr_msg_free(query);
    tr_msg_free(empty);
}
END_TEST

START_TEST(names_are_for_people)
{
    tr_msg *msg = tr_msg_new(tr_request_failed, .tag = 1);

    ck_assert_str_eq(tr_msg_name(msg), "troupe.request_failed/1");
    ck_assert_str_eq(tr_msg_name(NULL), "?");
    ck_assert_uint_eq(tr_msg_tag(NULL), 0);
    tr_msg_free(msg);
}
END_TEST

START_TEST(what_a_freed_message_owns_is_dropped_once)
{
    uint32_t drops = 0;

    tr_msg_free(tr_msg_new(kit_owned, .drops = &drops));
    tr_msg_free(tr_msg_new(kit_owned_large, .drops = &drops));
    ck_assert_uint_eq(kit_counted(&drops), 2);
    tr_msg_free(NULL);
}
END_TEST

START_TEST(what_is_taken_is_not_dropped)
{
    uint32_t drops = 0;
    tr_msg *msg = tr_msg_new(kit_owned_large, .a = 5, .drops = &drops);
    struct kit_owned_large *taken;

    ck_assert_ptr_null(tr_take(msg, kit_owned));
    taken = tr_take(msg, kit_owned_large);
    ck_assert_int_eq(taken->a, 5);
    ck_assert_ptr_null(tr_take(msg, kit_owned_large)); /* it was taken before */
    ck_assert_ptr_null(tr_take(NULL, kit_owned));
    tr_msg_free(msg);
    ck_assert_uint_eq(kit_counted(&drops), 0);
}
END_TEST

START_TEST(what_owns_nothing_cannot_be_taken)
{
    tr_msg *msg = tr_msg_new(kit_value, .a = 5);

    ck_assert_ptr_null(tr_take(msg, kit_value));
    ck_assert_int_eq(tr_as(msg, kit_value)->a, 5);
    tr_msg_free(msg);
}
END_TEST

START_TEST(keeping_does_nothing_where_nothing_was_lent)
{
    tr_msg *msg = tr_msg_new(kit_value, .a = 5);

    ck_assert_ptr_null(tr_msg_keep(NULL));
    ck_assert(tr_msg_keep(msg) == msg);
    tr_msg_free(msg);
}
END_TEST

static void make_message(void *ctx, int n)
{
    uint32_t drops = 0;
    tr_msg *msg = tr_msg_new(kit_owned, .drops = &drops);

    (void)ctx;
    (void)n;
    ck_assert_uint_eq(kit_counted(&drops), msg == NULL);
    tr_msg_free(msg);
    ck_assert_uint_eq(kit_counted(&drops), 1);
}

START_TEST(without_memory_what_it_owns_is_dropped)
{
    ck_assert_int_ge(kit_for_every_fault(make_message, NULL), 1);
}
END_TEST

/* ---- in a handler ---- */

static tr_msg *kept;
static uint32_t handler_drops;

enum { KEEP = 1, KEEP_AND_REFUSE, FREE_LENT, SEND_LENT, KEEP_AND_FREE, TAKE, KEEP_AND_FAIL };

static int handle_owned(tr_self *self, tr_msg *msg, int64_t what)
{
    switch (what) {
    case KEEP:
    case KEEP_AND_FAIL:
    case KEEP_AND_REFUSE:
        kept = tr_msg_keep(msg);
        ck_assert(kept == msg);
        ck_assert(tr_msg_keep(msg) == msg);
        ck_assert_int_eq(tr_as(msg, kit_owned)->a, what);
        return what == KEEP ? 0 : (what == KEEP_AND_FAIL ? -EIO : TR_UNHANDLED);
    case FREE_LENT:
        tr_msg_free(msg);
        return 0;
    case SEND_LENT:
        ck_assert_int_eq(tr_send_msg(tr_self_pid(self), msg), TR_EINVAL);
        ck_assert_int_eq(tr_try_send_msg(tr_self_pid(self), msg), TR_EINVAL);
        return 0;
    case KEEP_AND_FREE:
        tr_msg_free(tr_msg_keep(msg));
        return 0;
    default:
        ck_assert_int_eq(tr_take(msg, kit_owned)->a, TAKE);
        return 0;
    }
}

static int hold_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_owned *owned = tr_as(msg, kit_owned);

    return owned != NULL ? handle_owned(self, msg, owned->a)
                         : kit_act_or_unhandled(self, state, msg);
}

static const tr_actor_class hold_class = { .name = "hold", .receive = hold_receive };

static tr_pid hold(int64_t what)
{
    tr_pid pid;

    kit_watch_dead_letters();
    kit_start(2);
    pid = kit_spawn(&hold_class, NULL, 1);
    ck_assert_int_eq(tr_send(pid, kit_owned, .a = what, .drops = &handler_drops), 0);
    kit_settle(1);
    return pid;
}

static void expect_drops_in_handler(int64_t what, uint32_t expected)
{
    (void)hold(what);
    ck_assert_uint_eq(kit_counted(&handler_drops), expected);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&handler_drops), expected);
    ck_assert_int_eq(kit_dead(0), 0);
}

START_TEST(a_lent_message_cannot_be_freed)
{
    expect_drops_in_handler(FREE_LENT, 1);
}
END_TEST

START_TEST(a_lent_message_cannot_be_sent)
{
    expect_drops_in_handler(SEND_LENT, 1);
}
END_TEST

START_TEST(a_kept_message_may_be_freed_in_its_handler)
{
    expect_drops_in_handler(KEEP_AND_FREE, 1);
}
END_TEST

START_TEST(what_a_handler_has_taken_is_not_dropped)
{
    expect_drops_in_handler(TAKE, 0);
}
END_TEST

static int free_kept(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    tr_msg_free(kept);
    return 0;
}

static int send_kept(tr_self *self, void *arg)
{
    (void)self;
    return tr_send_msg(*(tr_pid *)arg, kept);
}

START_TEST(a_kept_message_may_be_freed_in_another_handler)
{
    tr_pid pid = hold(KEEP);

    ck_assert_uint_eq(kit_counted(&handler_drops), 0);
    kit_do(pid, free_kept, NULL);
    ck_assert_uint_eq(kit_counted(&handler_drops), 1);
    kit_stop();
}
END_TEST

START_TEST(a_kept_message_may_be_sent_from_another_handler)
{
    tr_pid pid = hold(KEEP);
    tr_pid to = kit_spawn(&kit_collector_class, NULL, 0);

    kit_do(pid, send_kept, &to);
    kit_settle(1);
    kit_settle(0);
    ck_assert_int_eq(kit_seen(0), KEEP);
    ck_assert_uint_eq(kit_counted(&handler_drops), 1);
    kit_stop();
}
END_TEST

START_TEST(a_kept_message_may_be_freed_on_a_foreign_thread)
{
    (void)hold(KEEP);
    tr_msg_free(kept);
    ck_assert_uint_eq(kit_counted(&handler_drops), 1);
    /* Its block is used again. */
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(tr_send(kit_spawn(&kit_collector_class, NULL, i % 2), kit_value), 0);
    kit_stop();
}
END_TEST

START_TEST(a_kept_message_may_be_sent_by_a_foreign_thread)
{
    (void)hold(KEEP);
    ck_assert_int_eq(tr_send_msg(kit_spawn(&kit_collector_class, NULL, 0), kept), 0);
    kit_settle(0);
    ck_assert_int_eq(kit_seen(0), KEEP);
    kit_stop();
}
END_TEST

START_TEST(a_message_kept_by_a_failing_handler_stays_kept)
{
    (void)hold(KEEP_AND_FAIL);
    ck_assert_uint_eq(kit_counted(&handler_drops), 0);
    tr_msg_free(kept);
    kit_stop();
}
END_TEST

START_TEST(a_message_kept_by_a_refusing_handler_stays_kept)
{
    (void)hold(KEEP_AND_REFUSE);
    ck_assert_uint_eq(kit_counted(&handler_drops), 0);
    tr_msg_free(kept);
    kit_stop(); /* the ledger balances */
    ck_assert_int_eq(kit_dead(0), 0);
}
END_TEST

static int make_and_free(tr_self *self, void *arg)
{
    tr_msg *msg = tr_msg_new(kit_owned_large, .a = 1, .drops = arg);
    tr_msg *other = tr_msg_new(kit_owned, .a = 2, .drops = arg);

    tr_msg_free(msg);
    return tr_send_msg(tr_self_pid(self), other);
}

START_TEST(a_handler_may_make_messages)
{
    uint32_t drops = 0;

    kit_start(1);
    kit_do(kit_spawn(&kit_collector_class, NULL, 0), make_and_free, &drops);
    kit_settle(0);
    ck_assert_int_eq(kit_seen(0), 2);
    ck_assert_uint_eq(kit_counted(&drops), 2);
    kit_stop();
}
END_TEST

KIT_MAIN("message", a_message_is_read_as_its_own_type_only, fields_left_out_are_zero,
         a_message_may_have_no_payload, names_are_for_people,
         what_a_freed_message_owns_is_dropped_once, what_is_taken_is_not_dropped,
         what_owns_nothing_cannot_be_taken, keeping_does_nothing_where_nothing_was_lent,
         without_memory_what_it_owns_is_dropped, a_lent_message_cannot_be_freed,
         a_lent_message_cannot_be_sent, a_kept_message_may_be_freed_in_its_handler,
         what_a_handler_has_taken_is_not_dropped, a_kept_message_may_be_freed_in_another_handler,
         a_kept_message_may_be_sent_from_another_handler,
         a_kept_message_may_be_freed_on_a_foreign_thread,
         a_kept_message_may_be_sent_by_a_foreign_thread,
         a_message_kept_by_a_failing_handler_stays_kept,
         a_message_kept_by_a_refusing_handler_stays_kept, a_handler_may_make_messages)
