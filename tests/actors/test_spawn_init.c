/* What an init may do: refuse, send, end its actor, become another, and spawn in the middle of the
 * handler that spawned it. */
#include "support/actors.h"

/* ---- refusing ---- */

static int refuse(tr_self *self, void *at, const void *result)
{
    (void)self;
    (void)at;
    return *(const int *)result;
}

static const tr_actor_class refusing_class = {
    .name = "refusing",
    .args_size = sizeof(int),
    .init = refuse,
    .receive = kit_never,
    .stop = kit_note_stop,
};

static int spawn_refused(tr_self *self, void *arg)
{
    int result = -EPERM;
    tr_pid pid = { 1 };

    (void)self;
    (void)arg;
    ck_assert_int_eq(tr_spawn(&pid, &refusing_class, &result), -EPERM);
    ck_assert(tr_pid_is_none(pid));
    return 0;
}

START_TEST(init_may_refuse)
{
    int result = -EPERM;
    tr_pid pid = { 1 };

    kit_start(2);
    kit_do(kit_actor(0), spawn_refused, NULL);
    for (int loop = 0; loop < 2; loop++) {
        pid.tr__id = 1;
        ck_assert_int_eq(tr_spawn_with(&pid, &refusing_class, &result,
                                       &(tr_spawn_options){ .on = TR_LOOP(loop) }),
                         -EPERM);
        ck_assert(tr_pid_is_none(pid));
    }
    kit_stop();
    ck_assert_uint_eq(kit_stops(), 0);
    ck_assert_uint_eq(kit_stats().spawned, 1);
    ck_assert(!kit_log_contains("refused"));
}
END_TEST

START_TEST(a_refusal_that_nobody_waits_for_is_logged)
{
    int result = -EPERM;
    tr_pid pid;

    kit_watch_dead_letters();
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        ck_assert_int_eq(tr_spawn_async(&pid, &refusing_class, &result,
                                        &(tr_spawn_options){ .on = TR_LOOP(loop) }),
                         0);
        ck_assert_int_eq(tr_send(pid, kit_value, .a = 1), 0);
        kit_settle(loop);
    }
    ck_assert(kit_log_contains("(refusing) refused to start: not permitted to the caller"));
    ck_assert_int_eq(kit_dead(TR_EDEAD), 2);
    ck_assert(tr_pid_eq(kit_last_letter().to, pid));
    kit_stop();
    ck_assert_uint_eq(kit_stops(), 0);
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
    .stop = kit_note_stop,
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
    .stop = kit_note_stop,
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
        ck_assert_int_eq(kit_stop_reason(), -3);
    }
    kit_stop();
    ck_assert_uint_eq(kit_stops(), 2);
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

static const tr_actor_class become_class = {
    .name = "become",
    .init = become_init,
    .receive = kit_never,
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

/* ---- within another one's functions ---- */

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
    .stop = kit_note_stop,
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
    ck_assert_int_eq(tr_become(self, kit_never), 0);
    ck_assert_int_eq(tr_exit(self, -77), 0);
    return 0;
}

static const tr_actor_class outer_class = {
    .name = "outer",
    .receive = spawn_inner,
    .stop = kit_note_stop,
};

START_TEST(an_inner_init_may_stop_the_outer_actor)
{
    uint32_t drops = 0;
    tr_pid outer;

    kit_start(1);
    outer = kit_spawn(&outer_class, NULL, 0);
    ck_assert_int_eq(tr_send(outer, kit_owned, .drops = &drops), 0);
    kit_settle(0);
    ck_assert_uint_eq(kit_stops(), 1);
    ck_assert_int_eq(kit_stop_reason(), TR_ESTOPPED);
    ck_assert_uint_eq(kit_counted(&drops), 1);
    kit_stop();
    ck_assert_uint_eq(kit_stops(), 2);
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
    .stop = kit_note_stop,
};

START_TEST(inits_may_nest)
{
    tr_pid pid;

    kit_start(1);
    ck_assert_int_eq(tr_spawn(&pid, &deep_class, &(int){ DEPTH }), 0);
    kit_settle(0);
    ck_assert_int_eq(deep_inits, DEPTH + 1);
    ck_assert_uint_eq(kit_stops(), DEPTH / 2 + 1);
    ck_assert_int_eq(kit_seen_count(), DEPTH / 2);
    kit_stop();
}
END_TEST

KIT_MAIN("spawn_init", init_may_refuse, a_refusal_that_nobody_waits_for_is_logged,
         what_a_refusing_init_sent_to_itself_becomes_a_dead_letter, init_may_send_to_itself,
         an_actor_may_stay_for_its_init_only, init_may_become,
         an_inner_init_may_stop_the_outer_actor, inits_may_nest)
