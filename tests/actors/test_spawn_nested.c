/* Spawning within another actor's functions: the inner one's init runs in the middle of the outer
 * one's handler. */
#include "base/atomic.h"
#include "support/actors.h"

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

static int never(tr_self *self, void *at, tr_msg *msg)
{
    (void)self;
    (void)at;
    ck_abort_msg("received %s", tr_msg_name(msg));
    return 0;
}

typedef struct nest {
    tr_self *outer;
    tr_msg *msg;
} nest;

static tr_pid inner_pid;

static int nested_init(tr_self *self, void *at, const void *arguments)
{
    const nest *n = arguments;

    (void)at;
    /* The outer one's calls are not for here, though its stop is. */
    ck_assert_int_eq(tr_exit(n->outer, -1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_become(n->outer, kit_collect), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_send_after(n->outer, 1, 0, kit_value, .a = 1), TR_EWRONGPLACE);
    tr_msg_free(n->msg); /* lent to the outer one: left alone */
    ck_assert_int_eq(tr_send_msg(tr_self_pid(self), n->msg), TR_EINVAL);
    inner_pid = tr_self_pid(self);
    return tr_stop(tr_self_pid(n->outer));
}

static const tr_actor_class nested_class = {
    .name = "nested",
    .init = nested_init,
    .receive = kit_collect,
    .stop = note_stop,
};

static int spawn_inner(tr_self *self, void *at, tr_msg *msg)
{
    nest n = { self, msg };
    tr_pid pid;

    if (!tr_is(msg, kit_owned))
        return kit_collect(self, at, msg);
    ck_assert_int_eq(tr_spawn(&pid, &nested_class, &n), 0);
    ck_assert(tr_pid_eq(pid, inner_pid));
    /* The frame is this one's again. */
    ck_assert_int_eq(tr_become(self, never), 0);
    ck_assert_int_eq(tr_exit(self, -77), 0);
    return 0;
}

static const tr_actor_class outer_class = {
    .name = "outer",
    .receive = spawn_inner,
    .stop = note_stop,
};

START_TEST(an_inner_init_may_stop_the_outer_actor)
{
    uint32_t drops = 0;
    tr_pid outer;

    kit_start(1);
    outer = kit_spawn(&outer_class, NULL, 0);
    ck_assert_int_eq(tr_send(outer, kit_owned, .drops = &drops), 0);
    kit_settle(0);
    ck_assert_uint_eq(kit_counted(&stops), 1);
    ck_assert_int_eq((int)last_reason, TR_ESTOPPED);
    ck_assert_uint_eq(kit_counted(&drops), 1);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&stops), 2);
}
END_TEST

enum { DEPTH = 50 };

static const tr_actor_class deep_class;
static int deep_inits;

static int deep_init(tr_self *self, void *at, const void *arguments)
{
    int depth = *(const int *)arguments;
    tr_pid pid;

    (void)at;
    deep_inits++;
    if (depth > 0)
        ck_assert_int_eq(tr_spawn(&pid, &deep_class, &(int){ depth - 1 }), 0);
    ck_assert_int_eq(tr_send(tr_self_pid(self), kit_value, .a = depth), 0);
    return depth % 2 ? 0 : tr_exit(self, 0);
}

static const tr_actor_class deep_class = {
    .name = "deep",
    .args_size = sizeof(int),
    .init = deep_init,
    .receive = kit_collect,
    .stop = note_stop,
};

START_TEST(inits_may_nest)
{
    tr_pid pid;

    kit_start(1);
    ck_assert_int_eq(tr_spawn(&pid, &deep_class, &(int){ DEPTH }), 0);
    kit_settle(0);
    ck_assert_int_eq(deep_inits, DEPTH + 1);
    ck_assert_uint_eq(kit_counted(&stops), DEPTH / 2 + 1);
    ck_assert_int_eq(kit_seen_count(), DEPTH / 2);
    kit_stop();
}
END_TEST

KIT_MAIN("spawn_nested", an_inner_init_may_stop_the_outer_actor, inits_may_nest)
