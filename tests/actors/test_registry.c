/* Actors found by name. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/cleanup.h>

#include "support/actors.h"
#include "support/jobs.h"

static void expect_name(const char *name, tr_pid pid)
{
    ck_assert(tr_pid_eq(tr_whereis(name), pid));
}

static tr_pid spawn_named(const char *name, int loop)
{
    const tr_spawn_options options = { .on = TR_LOOP(loop), .name = name };
    tr_pid pid;

    ck_assert_int_eq(tr_spawn_with(&pid, &kit_act_class, NULL, &options), 0);
    return pid;
}

START_TEST(an_actor_is_found_by_its_name_until_it_has_ended)
{
    tr_pid pid;

    kit_start(2);
    expect_name("someone", TR_PID_NONE);
    pid = spawn_named("someone", 1);
    expect_name("someone", pid);
    expect_name("someon", TR_PID_NONE);
    expect_name("someone ", TR_PID_NONE);
    kit_stop_actor(pid, 1);
    expect_name("someone", TR_PID_NONE);
    pid = spawn_named("someone", 0);
    expect_name("someone", pid);
    kit_stop();
}
END_TEST

START_TEST(a_name_belongs_to_one_actor)
{
    const tr_spawn_options options = { .on = TR_LOOP(0), .name = "the one" };
    tr_pid pid, other;

    kit_start(2);
    pid = spawn_named("the one", 1);
    other = kit_actor(1);
    ck_assert_int_eq(tr_register(other, "the one"), TR_EEXIST);
    ck_assert_int_eq(tr_register(pid, "the one"), TR_EEXIST);
    ck_assert_int_eq(tr_spawn_with(&other, &kit_act_class, NULL, &options), TR_EEXIST);
    ck_assert(tr_pid_is_none(other));
    ck_assert_int_eq(tr_spawn_async(&other, &kit_act_class, NULL, &options), TR_EEXIST);
    ck_assert(tr_pid_is_none(other));
    expect_name("the one", pid);
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, 2);
    ck_assert_uint_eq(kit_stats().ended, 2);
}
END_TEST

/* ---- init ---- */

static struct {
    bool was_found;
    int result;
} seen;

static int look_init(tr_self *self, void *state, const void *args)
{
    (void)state;
    (void)args;
    seen.was_found = tr_pid_eq(tr_whereis("looking"), tr_self_pid(self));
    return seen.result;
}

static const tr_actor_class looking_class = {
    .name = "looking",
    .init = look_init,
    .receive = kit_ignore,
};

static int spawn_looking(void *on)
{
    const tr_spawn_options options = { .on = *(const int *)on, .name = "looking" };
    tr_pid pid;

    seen.was_found = false;
    return tr_spawn_with(&pid, &looking_class, NULL, &options);
}

START_TEST(it_has_its_name_before_its_init_and_not_when_that_refuses)
{
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        int on = TR_LOOP(loop);

        seen.result = TR_EBUSY;
        ck_assert_int_eq(kit_task(0, spawn_looking, &on), TR_EBUSY);
        ck_assert(seen.was_found);
        expect_name("looking", TR_PID_NONE);
        ck_assert_int_eq(spawn_looking(&on), TR_EBUSY); /* by a foreign thread */
        ck_assert(seen.was_found);
        expect_name("looking", TR_PID_NONE);
        seen.result = 0;
        ck_assert_int_eq(kit_task(0, spawn_looking, &on), 0);
        ck_assert(seen.was_found);
        kit_stop_actor(tr_whereis("looking"), loop);
    }
    kit_stop();
}
END_TEST

/* ---- several names ---- */

START_TEST(it_may_have_several_and_lose_them)
{
    tr_pid pid;

    kit_start(2);
    pid = spawn_named("a", 1);
    ck_assert_int_eq(tr_register(pid, "b"), 0);
    ck_assert_int_eq(tr_register(pid, "c"), 0);
    expect_name("a", pid);
    expect_name("b", pid);
    expect_name("c", pid);
    ck_assert_int_eq(tr_unregister("b"), 0);
    ck_assert_int_eq(tr_unregister("b"), TR_ENONAME);
    expect_name("b", TR_PID_NONE);
    expect_name("a", pid);
    ck_assert_int_eq(tr_register(pid, "b"), 0);
    kit_stop_actor(pid, 1);
    expect_name("a", TR_PID_NONE);
    expect_name("b", TR_PID_NONE);
    expect_name("c", TR_PID_NONE);
    ck_assert_int_eq(tr_register(pid, "d"), TR_EDEAD);
    expect_name("d", TR_PID_NONE);
    kit_stop();
}
END_TEST

/* ---- from everywhere ---- */

static int name_itself(tr_self *self, void *name)
{
    ck_assert_int_eq(tr_register(tr_self_pid(self), name), 0);
    expect_name(name, tr_self_pid(self));
    return 0;
}

static int name_another(tr_self *self, void *pid)
{
    (void)self;
    ck_assert_int_eq(tr_register(*(tr_pid *)pid, "far"), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_unregister("it"), TR_EWRONGPLACE);
    return 0;
}

static int name_from_task(void *pid)
{
    int rc = tr_register(*(tr_pid *)pid, "by a task");

    return rc < 0 ? rc : tr_unregister("by a task");
}

static int name_when_cancelled(void *pid)
{
    int rc = 0;

    TR_DEADLINE(0, &rc) {
        rc = tr_register(*(tr_pid *)pid, "too late");
    }
    return rc;
}

START_TEST(handlers_name_their_neighbours_and_tasks_everybody)
{
    tr_pid pid, other;

    kit_start(2);
    pid = kit_actor(1);
    other = kit_actor(0);
    ck_assert_int_eq(kit_do(pid, name_itself, (void *)(uintptr_t) "it"), 0);
    expect_name("it", pid);
    ck_assert_int_eq(kit_do(other, name_another, &pid), 0);
    ck_assert_int_eq(kit_task(0, name_from_task, &pid), 0);
    ck_assert_int_eq(kit_task(1, name_from_task, &pid), 0);
    ck_assert_int_eq(kit_task(0, name_when_cancelled, &pid), TR_ETIMEDOUT);
    expect_name("too late", TR_PID_NONE);
    kit_stop();
}
END_TEST

START_TEST(an_inbox_may_have_a_name)
{
    tr_inbox *in;

    kit_start(1);
    ck_assert_int_eq(tr_inbox_new(&in, 0), 0);
    ck_assert_int_eq(tr_register(tr_inbox_pid(in), "inbox"), 0);
    expect_name("inbox", tr_inbox_pid(in));
    tr_inbox_free(in);
    kit_settle(0);
    expect_name("inbox", TR_PID_NONE);
    kit_stop();
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
    char text[TR_NAME_MOST + 2];
    tr_spawn_options options = { .name = text };
    tr_pid pid;

    memset(text, 'x', sizeof(text) - 1);
    text[TR_NAME_MOST + 1] = 0;
    kit_start(1);
    pid = kit_actor(0);
    ck_assert_int_eq(tr_register(pid, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_register(pid, ""), TR_EINVAL);
    ck_assert_int_eq(tr_register(pid, text), TR_EINVAL);
    ck_assert_int_eq(tr_register(TR_PID_NONE, "a"), TR_EDEAD);
    ck_assert_int_eq(tr_unregister(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_spawn_with(&pid, &kit_act_class, NULL, &options), TR_EINVAL);
    expect_name(NULL, TR_PID_NONE);
    expect_name("", TR_PID_NONE);
    expect_name(text, TR_PID_NONE);
    kit_stop();
    expect_name("a", TR_PID_NONE); /* nothing runs */
    ck_assert_int_eq(tr_register((tr_pid){ 1 }, "a"), TR_ESHUTDOWN);
}
END_TEST

START_TEST(names_of_all_lengths_are_told_apart)
{
    static tr_pid pids[TR_NAME_MOST + 1];
    char text[TR_NAME_MOST + 1] = "";

    kit_start(1);
    for (size_t bytes = 1; bytes <= TR_NAME_MOST; bytes++) {
        text[bytes - 1] = 'a';
        text[bytes] = 0;
        pids[bytes] = spawn_named(text, 0);
    }
    for (size_t bytes = TR_NAME_MOST; bytes > 0; bytes--) {
        expect_name(text, pids[bytes]);
        text[bytes - 1] = 'b';
        expect_name(text, TR_PID_NONE);
        text[bytes - 1] = 0;
    }
    kit_stop();
}
END_TEST

/* ---- many, and at the same time ---- */

enum { MANY = 20000 };

START_TEST(many_names_come_and_go)
{
    static tr_pid pids[MANY];
    char text[32];

    kit_start(2);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(text, sizeof(text), "account/%d", i);
            pids[i] = spawn_named(text, i % 2);
        }
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(text, sizeof(text), "account/%d", i);
            expect_name(text, pids[i]);
            ck_assert_int_eq(tr_stop(pids[i]), 0);
        }
        kit_settle(0);
        kit_settle(1);
    }
    expect_name("account/7", TR_PID_NONE);
    kit_stop();
}
END_TEST

static struct {
    tr_pid pids[2]; /* of "even" and "odd" */
    uint32_t is_over;
} watched;

/* Whoever is found has, or had, this name. */
static int watch(void *unused)
{
    (void)unused;
    while (kit_counted(&watched.is_over) == 0) {
        for (int i = 0; i < 1000; i++) {
            tr_pid even = tr_whereis("even");
            tr_pid odd = tr_whereis("odd");

            ck_assert(tr_pid_is_none(even) || tr_pid_eq(even, watched.pids[0]));
            ck_assert(tr_pid_is_none(odd) || tr_pid_eq(odd, watched.pids[1]));
        }
        (void)tr_yield(); /* nobody cancels it */
    }
    return 0;
}

START_TEST(who_looks_while_names_change_finds_nobody_else)
{
    tr_future *watcher;

    kit_start(2);
    watched.is_over = 0;
    watched.pids[0] = kit_actor(0);
    watched.pids[1] = kit_actor(0);
    watcher = kit_task_begin(1, watch, NULL);
    for (int i = 0; i < 2000; i++) {
        ck_assert_int_eq(tr_register(watched.pids[0], "even"), 0);
        ck_assert_int_eq(tr_unregister("even"), 0);
        ck_assert_int_eq(tr_register(watched.pids[1], "odd"), 0);
        ck_assert_int_eq(tr_unregister("odd"), 0);
    }
    kit_count(&watched.is_over);
    ck_assert_int_eq(kit_future_end(watcher), 0);
    kit_stop();
}
END_TEST

/* ---- where memory runs out ---- */

static int fault_result;

static void spawn_faulty(void *loop)
{
    const tr_spawn_options options = { .on = TR_LOOP(*(const int *)loop), .name = "faulty" };
    tr_pid pid;

    fault_result = tr_spawn_with(&pid, &kit_act_class, NULL, &options);
    if (fault_result == 0)
        fault_result = tr_register(pid, "alias");
}

static void check_faulty(void *loop, bool struck)
{
    tr_pid pid = tr_whereis("faulty");

    ck_assert(struck || fault_result == 0);
    if (!tr_pid_is_none(pid)) {
        ck_assert(fault_result == 0 || tr_pid_is_none(tr_whereis("alias")));
        kit_stop_actor(pid, *(const int *)loop);
    }
    expect_name("faulty", TR_PID_NONE);
    expect_name("alias", TR_PID_NONE);
}

START_TEST(without_memory_nobody_has_the_name)
{
    const kit_faulty steps = { NULL, spawn_faulty, check_faulty };

    for (int loop = 0; loop < 2; loop++) {
        kit_start(2);
        ck_assert_int_gt(kit_for_every_fault_of(&steps, &loop, false), 3);
        kit_stop();
    }
}
END_TEST

KIT_MAIN("actors/registry", an_actor_is_found_by_its_name_until_it_has_ended,
         a_name_belongs_to_one_actor, it_has_its_name_before_its_init_and_not_when_that_refuses,
         it_may_have_several_and_lose_them, handlers_name_their_neighbours_and_tasks_everybody,
         an_inbox_may_have_a_name, what_is_no_name_is_refused, names_of_all_lengths_are_told_apart,
         many_names_come_and_go, who_looks_while_names_change_finds_nobody_else,
         without_memory_nobody_has_the_name)
