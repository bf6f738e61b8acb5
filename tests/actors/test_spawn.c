/* Spawning, at once and later: arguments and state, and what is refused. */
#include <string.h>

#include "base/atomic.h"
#include "support/actors.h"

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
    .stop = kit_note_stop,
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
    ck_assert_uint_eq(kit_stops(), 301);
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
    ck_assert_uint_eq(kit_stops(), 100);
}
END_TEST

static const void *pointer_seen;
static void *state_seen = &state_seen;

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
    ck_assert_int_eq(tr_spawn(&pid, &pointer_class, &state_seen), 0);
    ck_assert(pointer_seen == &state_seen);
    ck_assert_ptr_null(state_seen); /* state_size is 0 */
    ck_assert_int_eq(tr_spawn_async(&pid, &pointer_class, &state_seen, NULL), TR_EINVAL);
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

KIT_MAIN("spawn", args_are_copied_and_state_is_zeroed, spawning_later_copies_args_at_once,
         a_foreign_thread_may_spawn_later, without_args_size_init_gets_the_pointer,
         without_init_args_begin_the_state, state_may_be_large, bad_arguments_are_refused,
         without_a_runtime_nothing_is_spawned)
