/* Pids: comparing, hashing, printing; stale ones, also after a restart. */
#include <stdio.h>
#include <string.h>

#include "actors/home.h"
#include "support/actors.h"

START_TEST(pids_are_compared_hashed_and_printed)
{
    tr_pid a = { UINT64_C(0x300000005) };
    tr_pid b = { UINT64_C(0x500000005) };
    char text[32];

    ck_assert(tr_pid_eq(a, a));
    ck_assert(!tr_pid_eq(a, b));
    ck_assert(tr_pid_is_none(TR_PID_NONE));
    ck_assert(!tr_pid_is_none(a));
    ck_assert_uint_eq(tr_pid_hash(a), tr_pid_hash(a));
    ck_assert_uint_ne(tr_pid_hash(a), tr_pid_hash(b));
    (void)snprintf(text, sizeof(text), TR_PID_FMT, TR_PID_ARG(a));
    ck_assert_str_eq(text, "<5.3>");
    ck_assert(tr_pid_is_none(tr_self_pid(NULL)));
}
END_TEST

START_TEST(hashes_of_neighbours_spread)
{
    int buckets[64] = { 0 };

    for (uint64_t i = 1; i <= 6400; i++)
        buckets[tr_pid_hash((tr_pid){ UINT64_C(1) << 32 | i }) % 64]++;
    for (int i = 0; i < 64; i++)
        ck_assert_int_lt(buckets[i], 200);
}
END_TEST

static int send_stale(tr_self *self, void *arg)
{
    (void)self;
    return tr_send(*(tr_pid *)arg, kit_value, .a = 1);
}

START_TEST(a_stale_pid_never_names_the_next_actor_of_its_slot)
{
    tr_pid stale[50];
    tr_pid driver;

    kit_start(1);
    driver = kit_actor(0);
    for (int i = 0; i < 50; i++) {
        stale[i] = kit_spawn(&kit_collector_class, NULL, 0);
        for (int j = 0; j < i; j++)
            ck_assert(!tr_pid_eq(stale[i], stale[j]));
        if (i < 49)
            kit_stop_actor(stale[i], 0);
    }
    for (int i = 0; i < 49; i++)
        ck_assert_int_eq(kit_do(driver, send_stale, &stale[i]), TR_EDEAD);
    ck_assert_int_eq(kit_do(driver, send_stale, &stale[49]), 0);
    kit_settle(0);
    ck_assert_int_eq(kit_seen_count(), 1);
    kit_stop();
}
END_TEST

START_TEST(a_pid_of_an_earlier_run_is_stale)
{
    tr_pid old[20];

    for (int run = 0; run < 20; run++) {
        kit_start(1);
        old[run] = kit_spawn(&kit_collector_class, NULL, 0);
        for (int i = 0; i < run; i++) {
            ck_assert(!tr_pid_eq(old[run], old[i]));
            ck_assert_int_eq(tr_send(old[i], kit_value, .a = 1), 0);
        }
        kit_stop();
        ck_assert_uint_eq(kit_stats().dead_ended, (uint64_t)run);
    }
    ck_assert_int_eq(kit_seen_count(), 0);
}
END_TEST

START_TEST(a_forged_pid_names_nobody)
{
    tr_pid pid;

    kit_start(1);
    pid = kit_spawn(&kit_collector_class, NULL, 0);
    pid.tr__id += UINT64_C(2) << 32;
    ck_assert_int_eq(kit_do(kit_actor(0), send_stale, &pid), TR_EDEAD);
    pid.tr__id = UINT64_MAX;
    ck_assert_int_eq(kit_do(kit_actor(0), send_stale, &pid), TR_EDEAD);
    kit_stop();
}
END_TEST

/* Near the end of its generations. */
static int grow_old(tr_self *self, void *arg)
{
    (void)arg;
    self->generation = UINT32_MAX - 4;
    return tr_exit(self, 0);
}

START_TEST(a_slot_without_generations_left_is_retired_for_ever)
{
    for (int run = 0; run < 3; run++) {
        tr_pid pid;

        kit_start(1);
        pid = kit_actor(0);
        kit_do(pid, grow_old, NULL);
        kit_settle(0);
        for (int i = 0; i < 10; i++)
            ck_assert_uint_ne((uint32_t)kit_actor(0).tr__id, (uint32_t)pid.tr__id);
        kit_stop();
    }
}
END_TEST

KIT_MAIN("pid", pids_are_compared_hashed_and_printed, hashes_of_neighbours_spread,
         a_stale_pid_never_names_the_next_actor_of_its_slot, a_pid_of_an_earlier_run_is_stale,
         a_forged_pid_names_nobody, a_slot_without_generations_left_is_retired_for_ever)
