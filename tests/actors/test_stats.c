/* The ledger: every figure, while running and after a shutdown. */
#include "support/actors.h"

START_TEST(the_ledger_may_be_read_at_any_time)
{
    tr_stats stats = { .sent = 9 };

    ck_assert_int_eq(tr_stats_get(&stats), 0);
    ck_assert_uint_eq(stats.sent, 0);
    ck_assert_int_eq(tr_stats_get(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_stats_get_sized(&stats, 0), TR_EINVAL);
    ck_assert_int_eq(tr_stats_get_sized(&stats, sizeof(stats) + 1), TR_EINVAL);
}
END_TEST

START_TEST(a_smaller_ledger_of_an_older_program_is_filled)
{
    tr_stats stats = { .handled = 123 };

    kit_start(1);
    ck_assert_int_eq(tr_send(kit_spawn(&kit_collector_class, NULL, 0), kit_value), 0);
    kit_settle(0);
    ck_assert_int_eq(tr_stats_get_sized(&stats, sizeof(stats.sent)), 0);
    ck_assert_uint_ge(stats.sent, 1);
    ck_assert_uint_eq(stats.handled, 123);
    kit_stop();
}
END_TEST

START_TEST(each_figure_counts_its_own)
{
    tr_pid deaf;
    tr_pid dead;

    kit_start(2);
    deaf = kit_actor(1);
    dead = kit_actor(1);
    kit_stop_actor(dead, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_send(deaf, kit_value), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tr_send(dead, kit_value), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tr_send(kit_spawn(&kit_collector_class, NULL, 0), kit_value), 0);
    kit_settle(1);
    kit_settle(0);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_unhandled, 3);
    ck_assert_uint_eq(kit_stats().dead_ended, 4);
    ck_assert_uint_eq(kit_stats().sent, 18);
    ck_assert_uint_eq(kit_stats().handled, 11);
    ck_assert_uint_eq(kit_stats().spawned, 13); /* a settling takes two, and two messages */
}
END_TEST

START_TEST(a_new_run_begins_a_new_ledger)
{
    kit_start(1);
    ck_assert_int_eq(tr_send(kit_spawn(&kit_collector_class, NULL, 0), kit_value), 0);
    kit_stop();
    ck_assert_uint_eq(kit_stats().sent, 1);
    kit_start(1);
    ck_assert_uint_eq(kit_stats().sent, 0);
    kit_stop();
}
END_TEST

KIT_MAIN("stats", the_ledger_may_be_read_at_any_time,
         a_smaller_ledger_of_an_older_program_is_filled, each_figure_counts_its_own,
         a_new_run_begins_a_new_ledger)
