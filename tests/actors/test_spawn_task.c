/* Spawning from tasks: on another loop it is awaited, and init has run when the task goes on. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "support/told.h"

/* ---- actors whose init does as the arguments say ---- */

typedef struct starting {
    int result;         /* of init */
    const uint32_t *go; /* init waits for it; NULL */
    uint32_t inits;
    int loop;
    bool exits;
} starting;

static int start_init(tr_self *self, void *state, const void *args)
{
    starting *s = (starting *)(uintptr_t)args; /* the spawner's own: it waits */

    (void)state;
    s->loop = tr_loop_current();
    kit_count(&s->inits);
    while (s->go != NULL && kit_counted(s->go) == 0)
        sched_yield();
    if (s->exits)
        ck_assert_int_eq(tr_exit(self, 0), 0);
    return s->result;
}

static const tr_actor_class start_class = {
    .name = "starting",
    .init = start_init,
    .receive = told_receive,
};

typedef struct spawning {
    starting start;
    int on;
    tr_pid pid;
} spawning;

static int spawn(void *arg)
{
    spawning *s = arg;

    s->pid = (tr_pid){ 1 };
    return tr_spawn_with(&s->pid, &start_class, &s->start, &(tr_spawn_options){ .on = s->on });
}

static void expect_alive(tr_pid pid)
{
    struct kit_value answer;

    ck_assert_int_eq(tr_ask(&answer, pid, TR_FOREVER, kit_ask, .a = TOLD_ANSWER), 0);
}

START_TEST(init_has_run_when_the_task_goes_on)
{
    kit_start(3);
    for (int from = 0; from < 3; from++)
        for (int on = 0; on < 3; on++) {
            spawning s = { .on = TR_LOOP(on) };

            ck_assert_int_eq(kit_in_task(from, spawn, &s), 0);
            ck_assert_uint_eq(s.start.inits, 1);
            ck_assert_int_eq(s.start.loop, TR_LOOP(on));
            expect_alive(s.pid);
        }
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, 9);
}
END_TEST

START_TEST(near_is_the_tasks_own_loop)
{
    spawning s = { .on = TR_LOOP_ANY };

    kit_start(3);
    ck_assert_int_eq(kit_in_task(2, spawn, &s), 0);
    ck_assert_int_eq(s.start.loop, TR_LOOP(2));
    kit_stop();
}
END_TEST

START_TEST(what_init_refuses_is_returned)
{
    kit_start(2);
    kit_log_clear();
    for (int on = 0; on < 2; on++) {
        spawning s = { .on = TR_LOOP(on), .start.result = -EIO };

        ck_assert_int_eq(kit_in_task(0, spawn, &s), -EIO);
        ck_assert(tr_pid_is_none(s.pid));
        s.start.result = 7; /* no error: no result either */
        ck_assert_int_eq(kit_in_task(0, spawn, &s), 0);
        expect_alive(s.pid);
    }
    ck_assert(!kit_log_contains("refused to start")); /* the spawner knows */
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, 2);
}
END_TEST

START_TEST(an_actor_may_stay_for_its_init_only)
{
    kit_start(2);
    for (int on = 0; on < 2; on++) {
        spawning s = { .on = TR_LOOP(on), .start.exits = true };

        ck_assert_int_eq(kit_in_task(0, spawn, &s), 0);
        ck_assert_int_eq(tr_ask(NULL, s.pid, TR_FOREVER, kit_ask, .a = TOLD_ANSWER), TR_EDEAD);
    }
    kit_stop();
}
END_TEST

static int spawn_badly(void *arg)
{
    spawning *s = arg;

    s->on = TR_LOOP(2);
    ck_assert_int_eq(spawn(s), TR_EINVAL);
    ck_assert(tr_pid_is_none(s->pid));
    s->on = -1;
    ck_assert_int_eq(spawn(s), TR_EINVAL);
    ck_assert(tr_pid_is_none(s->pid));
    return 0;
}

START_TEST(there_must_be_such_a_loop)
{
    spawning s = { .on = 0 };

    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_badly, &s), 0);
    kit_stop();
    ck_assert_uint_eq(s.start.inits, 0);
}
END_TEST

/* ---- meanwhile ---- */

static int count_yields(void *arg)
{
    uint32_t *counts = arg;

    while (tr_yield() == 0)
        kit_count(counts);
    return 0;
}

static int spawn_among_others(void *arg)
{
    static uint32_t yields;
    uint32_t go = 0;
    spawning s = { .on = TR_LOOP(1), .start.go = &go };
    tr_task *other;
    tr_task *spawner;

    (void)arg;
    ck_assert_int_eq(tr_task_spawn(&other, count_yields, &yields), 0);
    ck_assert_int_eq(tr_task_spawn(&spawner, spawn, &s), 0);
    while (kit_counted(&s.start.inits) == 0 || kit_counted(&yields) < 10)
        ck_assert_int_eq(tr_yield(), 0);
    ck_assert(!tr_future_is_done(tr_task_future(spawner)));
    ck_assert(tr_pid_is_none(s.pid)); /* until init has succeeded */
    kit_count(&go);
    ck_assert_int_eq(tr_task_wait(spawner, TR_FOREVER), 0);
    ck_assert_int_eq(tr_task_cancel(other), 1);
    ck_assert_int_eq(tr_task_wait(other, TR_FOREVER), 0);
    tr_task_unref(other);
    tr_task_unref(spawner);
    return 0;
}

START_TEST(other_tasks_run_while_one_spawns)
{
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_among_others, NULL), 0);
    kit_stop();
}
END_TEST

static int spawn_when_cancelled(void *arg)
{
    spawning *s = arg;
    int rc;

    TR_SCOPE(scope, &rc) {
        ck_assert_int_eq(tr_scope_cancel(scope), 1);
        ck_assert_int_eq(spawn(s), TR_ECANCELED);
        ck_assert(tr_pid_is_none(s->pid));
        TR_SHIELD(TR_FOREVER) {
            ck_assert_int_eq(spawn(s), 0);
        }
    }
    return 0;
}

START_TEST(who_is_cancelled_spawns_nothing_elsewhere)
{
    spawning s = { .on = TR_LOOP(1) };

    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_when_cancelled, &s), 0);
    kit_stop();
    ck_assert_uint_eq(s.start.inits, 1);
    ck_assert_uint_eq(kit_stats().spawned, 1);
}
END_TEST

static int spawn_and_yield(void *arg)
{
    int rc = spawn(arg);

    ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    return rc;
}

/* What began can't be taken back. */
START_TEST(a_spawn_that_has_begun_is_not_interrupted)
{
    uint32_t go = 0;
    spawning s = { .on = TR_LOOP(1), .start.go = &go };
    tr_future *f;

    kit_start(2);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), spawn_and_yield, &s), 0);
    while (kit_counted(&s.start.inits) == 0)
        sched_yield();
    ck_assert_int_eq(tr_future_cancel(f), 1);
    kit_settle(0);
    ck_assert(!tr_future_is_done(f));
    kit_count(&go);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    expect_alive(s.pid);
    kit_stop();
}
END_TEST

static int spawn_within_deadline(void *arg)
{
    int rc = 0;

    TR_DEADLINE(0.001, &rc) {
        rc = spawn(arg);
        ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    }
    return rc;
}

START_TEST(a_deadline_does_not_interrupt_a_spawn)
{
    spawning s = { .on = TR_LOOP(1) };

    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_within_deadline, &s), 0);
    expect_alive(s.pid);
    kit_stop();
}
END_TEST

/* ---- shutdown ---- */

static void occupy_loop(void *arg)
{
    uint32_t *counts = arg; /* it is busy; it may go on */

    kit_count(&counts[0]);
    while (kit_counted(&counts[1]) == 0)
        sched_yield();
}

static int spawn_and_tell(void *arg)
{
    spawning *s = arg;

    kit_count(&s->start.inits); /* it is about to */
    return spawn(s);
}

static void *shut_down(void *arg)
{
    *(int *)arg = tr_shutdown(KIT_PATIENCE_S);
    return NULL;
}

static void do_nothing(void *arg)
{
    (void)arg;
}

START_TEST(a_shutdown_refuses_a_start_that_is_on_its_way)
{
    uint32_t counts[2] = { 0, 0 };
    spawning s = { .on = TR_LOOP(1) };
    int stopped = -1;
    pthread_t thread;
    tr_future *f;

    kit_start(2);
    ck_assert_int_eq(tr_post(TR_LOOP(1), occupy_loop, counts), 0);
    while (kit_counted(&counts[0]) == 0)
        sched_yield();
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), spawn_and_tell, &s), 0);
    while (kit_counted(&s.start.inits) == 0)
        sched_yield();
    kit_settle(0); /* it waits */
    ck_assert_int_eq(pthread_create(&thread, NULL, shut_down, &stopped), 0);
    while (tr_post(TR_LOOP(0), do_nothing, NULL) == 0)
        sched_yield(); /* until the shutdown has begun */
    kit_count(&counts[1]);
    pthread_join(thread, NULL);
    ck_assert_int_eq(stopped, 0);
    /* Where it landed just before the loop heard of the shutdown, it has started. */
    if (tr_future_status(f) != 0) {
        ck_assert_int_eq(tr_future_status(f), TR_ESHUTDOWN);
        ck_assert(tr_pid_is_none(s.pid));
    }
    tr_future_unref(f);
    kit_expect_balance();
}
END_TEST

static int spawn_in_shutdown(void *arg)
{
    spawning *s = arg;

    kit_count(&s->start.inits);
    ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    for (s->on = TR_LOOP_ANY; s->on <= TR_LOOP(1); s->on++) {
        TR_SHIELD(TR_FOREVER) {
            ck_assert_int_eq(spawn(s), TR_ESHUTDOWN);
        }
        ck_assert(tr_pid_is_none(s->pid));
    }
    return 0;
}

START_TEST(in_a_shutdown_nothing_is_spawned)
{
    spawning s = { .on = 0 };

    kit_start(2);
    ck_assert_int_eq(tr_submit(NULL, TR_LOOP(0), spawn_in_shutdown, &s), 0);
    while (kit_counted(&s.start.inits) == 0)
        sched_yield();
    kit_stop();
    ck_assert_uint_eq(s.start.inits, 1);
}
END_TEST

/* ---- many ---- */

static uint32_t seen_on[3];

static int spread_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)state;
    (void)args;
    kit_count(&seen_on[tr_loop_current() - 1]);
    return 0;
}

static const tr_actor_class spread_class = {
    .name = "spread",
    .init = spread_init,
    .receive = told_receive,
    .awaits = true,
    .mailbox_limit = 10,
};

static int spawn_spread(void *arg)
{
    (void)arg;
    for (int i = 0; i < 30; i++) {
        tr_pid pid;

        ck_assert_int_eq(tr_spawn_with(&pid, &spread_class, NULL,
                                       &(tr_spawn_options){ .place = TR_PLACE_SPREAD }),
                         0);
    }
    return 0;
}

START_TEST(spread_takes_the_loops_in_turn)
{
    kit_start(3);
    for (int from = 0; from < 3; from++)
        ck_assert_int_eq(kit_in_task(from, spawn_spread, NULL), 0);
    for (int loop = 0; loop < 3; loop++)
        ck_assert_uint_eq(kit_counted(&seen_on[loop]), 30);
    kit_stop();
}
END_TEST

enum { SPAWNERS = 200 };

static int spawn_and_stop(void *arg)
{
    spawning s = { .on = TR_LOOP_ANY };

    (void)arg;
    for (int i = 0; i < 10; i++) {
        s.on = TR_LOOP(i % 3);
        ck_assert_int_eq(spawn(&s), 0);
        ck_assert_int_eq(tr_ask(NULL, s.pid, TR_FOREVER, kit_ask, .a = TOLD_ANSWER), 0);
        ck_assert_int_eq(tr_stop(s.pid), 0);
    }
    return 0;
}

START_TEST(many_tasks_spawn_at_the_same_time)
{
    static tr_future *f[SPAWNERS];

    kit_start(3);
    for (int i = 0; i < SPAWNERS; i++)
        ck_assert_int_eq(tr_submit(&f[i], TR_LOOP(i % 3), spawn_and_stop, NULL), 0);
    for (int i = 0; i < SPAWNERS; i++) {
        ck_assert_int_eq(tr_future_wait(f[i], KIT_PATIENCE_S), 0);
        tr_future_unref(f[i]);
    }
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, SPAWNERS * 10);
}
END_TEST

/* A handler that awaits is as good as a task. */
static int spawn_in_handler(tr_self *self, void *arg)
{
    spawning *s = arg;

    ck_assert_int_eq(spawn(s), 0);
    return tr_exit(self, 0); /* it is its handler still */
}

START_TEST(a_handler_that_awaits_may_spawn_elsewhere)
{
    static const tr_actor_class cls = {
        .name = "awaiting",
        .receive = kit_act_or_unhandled,
        .awaits = true,
    };
    spawning s = { .on = TR_LOOP(1) };

    kit_start(2);
    kit_do(kit_spawn(&cls, NULL, 0), spawn_in_handler, &s);
    expect_alive(s.pid);
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, 2);
}
END_TEST

KIT_MAIN("spawn_task", init_has_run_when_the_task_goes_on, near_is_the_tasks_own_loop,
         what_init_refuses_is_returned, an_actor_may_stay_for_its_init_only,
         there_must_be_such_a_loop, other_tasks_run_while_one_spawns,
         who_is_cancelled_spawns_nothing_elsewhere, a_spawn_that_has_begun_is_not_interrupted,
         a_deadline_does_not_interrupt_a_spawn, a_shutdown_refuses_a_start_that_is_on_its_way,
         in_a_shutdown_nothing_is_spawned, spread_takes_the_loops_in_turn,
         many_tasks_spawn_at_the_same_time, a_handler_that_awaits_may_spawn_elsewhere)
