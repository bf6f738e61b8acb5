/* Spawning: where, with what arguments, and what init may do; at once and later. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/atomic.h"
#include "support/actors.h"

/* Written by several loops. */
static uint32_t stops;
static uint32_t last_reason;

static void note_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    kit_count(&stops);
    /* relaxed: read when all have stopped. */
    tr__store_relaxed_u32(&last_reason, (uint32_t)reason);
}

/* ---- arguments and state ---- */

typedef struct args {
    int64_t numbers[8];
    int result;
} args;

typedef struct state {
    args seen;
    int loop;
    char rest[64];
} state;

static state *last_state; /* written by several loops */

static int is_zero(const void *at, size_t bytes)
{
    const char *byte = at;

    while (bytes > 0 && byte[bytes - 1] == 0)
        bytes--;
    return bytes == 0;
}

static int copy_init(tr_self *self, void *at, const void *arguments)
{
    state *s = at;

    (void)self;
    ck_assert(is_zero(s, sizeof(*s)));
    if (arguments != NULL)
        s->seen = *(const args *)arguments;
    s->loop = tr_loop_current();
    memset(s->rest, 0xff, sizeof(s->rest));
    tr__store_release_ptr(&last_state, s); /* release: the state is filled */
    return s->seen.result;
}

static const tr_actor_class copy_class = {
    .name = "copy",
    .state_size = sizeof(state),
    .args_size = sizeof(args),
    .init = copy_init,
    .receive = kit_collect,
    .stop = note_stop,
};

START_TEST(args_are_copied_and_state_is_zeroed)
{
    args a = { .numbers = { 1, 2, 3 } };
    tr_pid pid;

    kit_start(2);
    for (int i = 0; i < 300; i++) {
        ck_assert_int_eq(
            tr_spawn_with(&pid, &copy_class, &a, &(tr_spawn_options){ .on = TR_LOOP(i % 2) }), 0);
        ck_assert_int_eq(last_state->loop, TR_LOOP(i % 2));
        ck_assert_int_eq(last_state->seen.numbers[2], 3);
        kit_stop_actor(pid, i % 2);
    }
    ck_assert_int_eq(tr_spawn(&pid, &copy_class, NULL), 0);
    ck_assert_int_eq(last_state->seen.numbers[2], 0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&stops), 301);
}
END_TEST

static int spawn_async_from_stack(tr_self *self, void *arg)
{
    args a = { .numbers = { 0, 0, 9 } };
    int loop = *(int *)arg;
    tr_pid pid;

    (void)self;
    ck_assert_int_eq(
        tr_spawn_async(&pid, &copy_class, &a, &(tr_spawn_options){ .on = TR_LOOP(loop) }), 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .a = loop), 0);
    memset(&a, 0xee, sizeof(a));
    return 0;
}

START_TEST(spawning_later_copies_args_at_once)
{
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        kit_do(kit_actor(0), spawn_async_from_stack, &loop);
        kit_settle(0);
        kit_settle(loop);
        ck_assert_int_eq(last_state->seen.numbers[2], 9);
        ck_assert_int_eq(last_state->loop, TR_LOOP(loop));
        ck_assert_int_eq(kit_seen(loop), loop);
    }
    kit_stop();
}
END_TEST

START_TEST(a_foreign_thread_may_spawn_later)
{
    args a = { .numbers = { 0, 0, 9 } };
    tr_pid pid;

    kit_start(1);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(
            tr_spawn_async(&pid, &copy_class, &a, &(tr_spawn_options){ .place = TR_PLACE_SPREAD }),
            0);
        ck_assert(!tr_pid_is_none(pid));
        ck_assert_int_eq(tr_send(pid, kit_value, .a = i), 0);
    }
    kit_settle(0);
    ck_assert_int_eq(kit_seen_count(), 100);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&stops), 100);
}
END_TEST

static const void *pointer_seen;
static void *state_seen = &stops;

static int pointer_init(tr_self *self, void *at, const void *arguments)
{
    (void)self;
    state_seen = at;
    pointer_seen = arguments;
    return 0;
}

static const tr_actor_class pointer_class = {
    .name = "pointer",
    .init = pointer_init,
    .receive = kit_collect,
};

START_TEST(without_args_size_init_gets_the_pointer)
{
    tr_pid pid = { 1 };

    kit_start(1);
    ck_assert_int_eq(tr_spawn(&pid, &pointer_class, &stops), 0);
    ck_assert(pointer_seen == &stops);
    ck_assert_ptr_null(state_seen); /* state_size is 0 */
    ck_assert_int_eq(tr_spawn_async(&pid, &pointer_class, &stops, NULL), TR_EINVAL);
    ck_assert(tr_pid_is_none(pid));
    ck_assert_int_eq(tr_spawn_async(&pid, &pointer_class, NULL, NULL), 0);
    kit_stop();
}
END_TEST

static int plain_receive(tr_self *self, void *at, tr_msg *msg)
{
    const int64_t *numbers = at;

    return tr_is(msg, kit_notice) ? tr_send(tr_self_pid(self), kit_value, .a = numbers[1])
                                  : kit_collect(self, at, msg);
}

static const tr_actor_class plain_class = {
    .name = "plain",
    .state_size = 32,
    .args_size = 16,
    .receive = plain_receive,
};

START_TEST(without_init_args_begin_the_state)
{
    int64_t numbers[2] = { 5, 6 };
    tr_pid pid;

    kit_start(1);
    ck_assert_int_eq(tr_spawn(&pid, &plain_class, numbers), 0);
    ck_assert_int_eq(tr_send(pid, kit_notice), 0);
    kit_settle(0);
    ck_assert_int_eq(kit_seen(0), 6);
    ck_assert_int_eq(tr_spawn(&pid, &plain_class, NULL), 0);
    kit_stop();
}
END_TEST

enum { LARGE = 100000 };

static int large_init(tr_self *self, void *at, const void *arguments)
{
    (void)self;
    (void)arguments;
    ck_assert(is_zero(at, LARGE));
    memset(at, 0xff, LARGE);
    return 0;
}

static const tr_actor_class large_class = {
    .name = "large",
    .state_size = LARGE,
    .init = large_init,
    .receive = kit_collect,
};

START_TEST(state_may_be_large)
{
    kit_start(1);
    for (int i = 0; i < 20; i++)
        kit_stop_actor(kit_spawn(&large_class, NULL, 0), 0);
    (void)kit_spawn(&large_class, NULL, 0);
    kit_stop();
}
END_TEST

/* ---- bad arguments ---- */

static void expect_invalid(tr_actor_class cls, tr_spawn_options options)
{
    tr_pid pid = { 1 };

    ck_assert_int_eq(tr_spawn_with(&pid, &cls, NULL, &options), TR_EINVAL);
    ck_assert(tr_pid_is_none(pid));
    pid.tr__id = 1;
    ck_assert_int_eq(tr_spawn_async(&pid, &cls, NULL, &options), TR_EINVAL);
    ck_assert(tr_pid_is_none(pid));
}

static void spawn_invalid(void *arg)
{
    static const tr_spawn_options any = { 0 };
    static const tr_actor_class good = { .name = "good", .receive = kit_collect };
    tr_actor_class cls = { .name = "x", .receive = kit_collect };
    tr_pid pid;

    (void)arg;
    expect_invalid((tr_actor_class){ .receive = kit_collect }, any);
    expect_invalid((tr_actor_class){ .name = "x" }, any);
    cls.args_size = 65537;
    cls.state_size = 65537;
    expect_invalid(cls, any);
    cls.args_size = 16;
    cls.state_size = 8; /* too small for them, and there is no init */
    expect_invalid(cls, any);
    cls = (tr_actor_class){ .name = "x", .receive = kit_collect, .state_size = SIZE_MAX };
    expect_invalid(cls, any);
    cls = (tr_actor_class){ .name = "x", .receive = kit_collect, .mailbox_limit = 16000001 };
    expect_invalid(cls, any);
    cls = (tr_actor_class){ .name = "x", .receive = kit_collect, .on_full = (tr_full_policy)5 };
    expect_invalid(cls, any);
    cls.on_full = (tr_full_policy)-1;
    expect_invalid(cls, any);
    expect_invalid(good, (tr_spawn_options){ .on = -1 });
    expect_invalid(good, (tr_spawn_options){ .on = 3 });
    expect_invalid(good, (tr_spawn_options){ .place = (tr_place)3 });
    expect_invalid(good, (tr_spawn_options){ .place = (tr_place)-1 });
    ck_assert_int_eq(tr_spawn(NULL, &good, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_spawn_async(NULL, &good, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_spawn(&pid, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_spawn_sized(&pid, &good, 8, NULL, NULL, sizeof(any)), TR_EINVAL);
    ck_assert_int_eq(tr_spawn_sized(&pid, &good, sizeof(good), NULL, NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr_spawn_sized(&pid, &good, sizeof(good), NULL, &any, sizeof(any) + 1),
                     TR_EINVAL);
}

START_TEST(bad_arguments_are_refused)
{
    kit_start(2);
    spawn_invalid(NULL);
    kit_on_loop(0, spawn_invalid, NULL);
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, 0);
}
END_TEST

START_TEST(without_a_runtime_nothing_is_spawned)
{
    tr_pid pid = { 1 };

    ck_assert_int_eq(tr_spawn(&pid, &pointer_class, NULL), TR_ESHUTDOWN);
    ck_assert(tr_pid_is_none(pid));
    kit_start(1);
    kit_stop();
    pid.tr__id = 1;
    ck_assert_int_eq(tr_spawn(&pid, &pointer_class, NULL), TR_ESHUTDOWN);
    ck_assert(tr_pid_is_none(pid));
    ck_assert_int_eq(tr_spawn_async(&pid, &pointer_class, NULL, NULL), TR_ESHUTDOWN);
}
END_TEST

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

/* ---- refusing ---- */

static int spawn_refused(tr_self *self, void *arg)
{
    args a = { .result = -EPERM };
    tr_pid pid = { 1 };

    (void)self;
    (void)arg;
    ck_assert_int_eq(tr_spawn(&pid, &copy_class, &a), -EPERM);
    ck_assert(tr_pid_is_none(pid));
    return 0;
}

START_TEST(init_may_refuse)
{
    args a = { .result = -EPERM };
    tr_pid pid = { 1 };

    kit_start(2);
    kit_do(kit_actor(0), spawn_refused, NULL);
    for (int loop = 0; loop < 2; loop++) {
        pid.tr__id = 1;
        ck_assert_int_eq(
            tr_spawn_with(&pid, &copy_class, &a, &(tr_spawn_options){ .on = TR_LOOP(loop) }),
            -EPERM);
        ck_assert(tr_pid_is_none(pid));
    }
    kit_stop();
    ck_assert_uint_eq(kit_counted(&stops), 0);
    ck_assert_uint_eq(kit_stats().spawned, 1);
    ck_assert(!kit_log_contains("refused"));
}
END_TEST

START_TEST(a_refusal_that_nobody_waits_for_is_logged)
{
    args a = { .result = -EPERM };
    tr_pid pid;

    kit_watch_dead_letters();
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        ck_assert_int_eq(
            tr_spawn_async(&pid, &copy_class, &a, &(tr_spawn_options){ .on = TR_LOOP(loop) }), 0);
        ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
        kit_settle(loop);
    }
    ck_assert(kit_log_contains("(copy) refused to start: Operation not permitted"));
    ck_assert_int_eq(kit_dead(TR_EDEAD), 2);
    ck_assert(tr_pid_eq(kit_last_letter().to, pid));
    kit_stop();
    ck_assert_uint_eq(kit_counted(&stops), 0);
}
END_TEST

static int send_and_refuse(tr_self *self, void *at, const void *arguments)
{
    (void)at;
    ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send(*(const tr_pid *)arguments, kit_value, .a = 2), 0);
    ck_assert_int_eq(tr_send_after(self, 1, 0, kit_value, .a = 3), 0);
    return -EPERM;
}

static const tr_actor_class send_and_refuse_class = {
    .name = "send_and_refuse",
    .args_size = sizeof(tr_pid),
    .init = send_and_refuse,
    .receive = kit_collect,
    .stop = note_stop,
};

START_TEST(what_a_refusing_init_sent_to_itself_becomes_a_dead_letter)
{
    tr_pid other;
    tr_pid pid;

    kit_watch_dead_letters();
    kit_start(1);
    other = kit_spawn(&kit_collector_class, NULL, 0);
    ck_assert_int_eq(tr_spawn(&pid, &send_and_refuse_class, &other), -EPERM);
    kit_settle(0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 1);
    ck_assert_int_eq(kit_seen_count(), 1);
    ck_assert_int_eq(kit_seen(0), 2);
    kit_stop();
}
END_TEST

/* ---- what init may do ---- */

static int busy_init(tr_self *self, void *at, const void *arguments)
{
    tr_pid me = tr_self_pid(self);

    (void)at;
    (void)arguments;
    ck_assert(!tr_pid_is_none(me));
    for (int64_t i = 0; i < 5; i++)
        ck_assert_int_eq(tr_send(me, kit_value, .a = i), 0);
    ck_assert(tr_asker_is_none(tr_take_asker(self)));
    ck_assert_int_eq(tr_reply(self, kit_value, .a = 1), 0);
    return 0;
}

static const tr_actor_class busy_class = {
    .name = "busy",
    .init = busy_init,
    .receive = kit_collect,
};

START_TEST(init_may_send_to_itself)
{
    kit_start(2);
    (void)kit_spawn(&busy_class, NULL, 1);
    kit_settle(1);
    ck_assert_int_eq(kit_seen_count(), 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(kit_seen(i), i);
    kit_stop();
}
END_TEST

static int exit_init(tr_self *self, void *at, const void *arguments)
{
    (void)at;
    ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = 1), 0);
    return tr_exit(self, *(const int *)arguments);
}

static const tr_actor_class exit_class = {
    .name = "exit",
    .args_size = sizeof(int),
    .init = exit_init,
    .receive = kit_collect,
    .stop = note_stop,
};

START_TEST(an_actor_may_stay_for_its_init_only)
{
    tr_pid pid;

    kit_watch_dead_letters();
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        ck_assert_int_eq(tr_spawn_with(&pid, &exit_class, &(int){ -3 },
                                       &(tr_spawn_options){ .on = TR_LOOP(loop) }),
                         0);
        ck_assert(!tr_pid_is_none(pid));
        ck_assert_int_eq((int)last_reason, -3);
    }
    kit_stop();
    ck_assert_uint_eq(kit_counted(&stops), 2);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 2);
    ck_assert_uint_eq(kit_stats().spawned, 2);
}
END_TEST

static int become_init(tr_self *self, void *at, const void *arguments)
{
    (void)at;
    (void)arguments;
    return tr_become(self, kit_collect);
}

static int never(tr_self *self, void *at, tr_msg *msg)
{
    (void)self;
    (void)at;
    ck_abort_msg("received %s", tr_msg_name(msg));
    return 0;
}

static const tr_actor_class become_class = {
    .name = "become",
    .init = become_init,
    .receive = never,
};

START_TEST(init_may_become)
{
    kit_start(1);
    ck_assert_int_eq(tr_send(kit_spawn(&become_class, NULL, 0), kit_value, .a = 8), 0);
    kit_settle(0);
    ck_assert_int_eq(kit_seen(0), 8);
    kit_stop();
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

KIT_MAIN("spawn", args_are_copied_and_state_is_zeroed, spawning_later_copies_args_at_once,
         a_foreign_thread_may_spawn_later, without_args_size_init_gets_the_pointer,
         without_init_args_begin_the_state, state_may_be_large, bad_arguments_are_refused,
         without_a_runtime_nothing_is_spawned, on_a_loop_only_near_actors_are_spawned_at_once,
         spread_takes_the_loops_in_turn, near_a_foreign_thread_is_the_loop_that_serves_it,
         init_may_refuse, a_refusal_that_nobody_waits_for_is_logged,
         what_a_refusing_init_sent_to_itself_becomes_a_dead_letter, init_may_send_to_itself,
         an_actor_may_stay_for_its_init_only, init_may_become, a_loop_callback_may_spawn,
         foreign_threads_may_spawn_at_the_same_time, thousands_come_and_go_on_different_loops)
