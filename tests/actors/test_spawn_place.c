/* Spawning: on which loop, and from where. */
#include <pthread.h>
#include <sched.h>

#include "support/actors.h"

/* ---- places ---- */

static int loop_seen;

static int loop_init(tr_self *self, void *at, const void *arguments)
{
    (void)self;
    (void)at;
    (void)arguments;
    loop_seen = tr_loop_current();
    return 0;
}

static const tr_actor_class loop_class = {
    .name = "loop",
    .init = loop_init,
    .receive = kit_collect,
};

static int spawn_places(tr_self *self, void *arg)
{
    tr_spawn_options spread = { .place = TR_PLACE_SPREAD };
    tr_spawn_options other = { .on = TR_LOOP(0) };
    tr_spawn_options own = { .on = TR_LOOP(1), .place = TR_PLACE_SPREAD };
    tr_spawn_options near = { .place = TR_PLACE_NEAR };
    tr_pid pid = { 1 };

    (void)self;
    (void)arg;
    ck_assert_int_eq(tr_spawn(&pid, &loop_class, NULL), 0);
    ck_assert_int_eq(loop_seen, TR_LOOP(1));
    ck_assert_int_eq(tr_spawn_with(&pid, &loop_class, NULL, &near), 0);
    ck_assert_int_eq(tr_spawn_with(&pid, &loop_class, NULL, &own), 0);
    ck_assert_int_eq(loop_seen, TR_LOOP(1));
    ck_assert_int_eq(tr_spawn_with(&pid, &loop_class, NULL, &other), TR_EWRONGPLACE);
    ck_assert(tr_pid_is_none(pid));
    ck_assert_int_eq(tr_spawn_with(&pid, &loop_class, NULL, &spread), TR_EWRONGPLACE);
    return 0;
}

START_TEST(on_a_loop_only_near_actors_are_spawned_at_once)
{
    kit_start(3);
    kit_do(kit_actor(1), spawn_places, NULL);
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, 4);
}
END_TEST

static uint32_t seen_on[3];

static int spread_init(tr_self *self, void *at, const void *arguments)
{
    (void)self;
    (void)at;
    (void)arguments;
    kit_count(&seen_on[tr_loop_current() - 1]);
    return 0;
}

static const tr_actor_class spread_class = {
    .name = "spread",
    .init = spread_init,
    .receive = kit_collect,
};

static int spawn_spread(tr_self *self, void *arg)
{
    tr_pid pid;

    (void)self;
    (void)arg;
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(tr_spawn_async(&pid, &spread_class, NULL,
                                        &(tr_spawn_options){ .place = TR_PLACE_SPREAD }),
                         0);
    return 0;
}

START_TEST(spread_takes_the_loops_in_turn)
{
    tr_pid pid;

    kit_start(3);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(tr_spawn_with(&pid, &spread_class, NULL,
                                       &(tr_spawn_options){ .place = TR_PLACE_SPREAD }),
                         0);
    kit_do(kit_actor(1), spawn_spread, NULL);
    for (int loop = 0; loop < 3; loop++)
        while (kit_counted(&seen_on[loop]) < 20)
            sched_yield(); /* on the way: a shutdown would refuse them */
    kit_stop();
    for (int loop = 0; loop < 3; loop++)
        ck_assert_uint_eq(seen_on[loop], 20);
}
END_TEST

static void *spawn_near(void *arg)
{
    tr_pid pid;

    (void)arg;
    ck_assert_int_eq(tr_spawn(&pid, &spread_class, NULL), 0);
    return NULL;
}

START_TEST(near_a_foreign_thread_is_the_loop_that_serves_it)
{
    kit_start(3);
    for (int i = 0; i < 6; i++) {
        pthread_t thread;

        ck_assert_int_eq(pthread_create(&thread, NULL, spawn_near, NULL), 0);
        pthread_join(thread, NULL);
    }
    kit_stop();
    for (int loop = 0; loop < 3; loop++)
        ck_assert_uint_eq(seen_on[loop], 2); /* threads are served in turn */
}
END_TEST

/* ---- in a loop's callbacks, and by many ---- */

static void spawn_in_callback(void *arg)
{
    ck_assert_int_eq(tr_spawn(arg, &kit_collector_class, NULL), 0);
    ck_assert_int_eq(tr_send(*(tr_pid *)arg, kit_value, .a = 4), 0);
}

START_TEST(a_loop_callback_may_spawn)
{
    tr_pid pid;

    kit_start(2);
    kit_on_loop(1, spawn_in_callback, &pid);
    kit_settle(1);
    ck_assert_int_eq(kit_seen(0), 4);
    kit_stop();
}
END_TEST

enum { THREADS = 4, EACH = 300 };

static void *spawn_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        tr_pid pid;

        if (tr_spawn_with(&pid, &spread_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i % 3) }) <
            0)
            ck_abort_msg("a spawn failed");
        if (tr_stop(pid) < 0)
            ck_abort_msg("a stop failed");
    }
    return NULL;
}

START_TEST(foreign_threads_may_spawn_at_the_same_time)
{
    pthread_t threads[THREADS];

    kit_start(3);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, spawn_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, THREADS * EACH);
}
END_TEST

static int spawn_thousands(tr_self *self, void *arg)
{
    tr_pid *pids = arg;

    (void)self;
    for (int i = 0; i < 5000; i++)
        if (tr_spawn(&pids[i], &kit_collector_class, NULL) < 0)
            ck_abort_msg("a spawn failed");
    return 0;
}

static int stop_thousands(tr_self *self, void *arg)
{
    const tr_pid *pids = arg;

    (void)self;
    for (int i = 0; i < 5000; i++)
        if (tr_stop(pids[i]) < 0)
            ck_abort_msg("a stop failed");
    return 0;
}

START_TEST(thousands_come_and_go_on_different_loops)
{
    static tr_pid pids[5000];

    kit_start(2);
    for (int round = 0; round < 4; round++) {
        kit_do(kit_actor(round % 2), spawn_thousands, pids);
        kit_do(kit_actor(round / 2), stop_thousands, pids);
        kit_settle(round / 2);
        kit_settle(round % 2);
    }
    kit_stop();
    ck_assert_uint_ge(kit_stats().spawned, 20000);
}
END_TEST

KIT_MAIN("spawn_place", on_a_loop_only_near_actors_are_spawned_at_once,
         spread_takes_the_loops_in_turn, near_a_foreign_thread_is_the_loop_that_serves_it,
         a_loop_callback_may_spawn, foreign_threads_may_spawn_at_the_same_time,
         thousands_come_and_go_on_different_loops)
