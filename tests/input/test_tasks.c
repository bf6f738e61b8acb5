/* Tasks, scopes and blocks in wrong places, and at wrong times. */
#include <math.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/tasks.h"

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

struct nothing_args {
    int unused;
};

/* ---- wrong places ---- */

static void await_here(void *task)
{
    ck_assert_int_eq(tr_sleep(0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_sleep(1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_yield(), TR_EWRONGPLACE);
    ck_assert(!tr_cancel_requested());
    ck_assert(isinf(tr_deadline_left()));
    ck_assert_str_eq(tr_task_name(NULL), "");
    ck_assert_int_eq(tr_task_set_name(NULL, "x"), TR_EWRONGPLACE);
    if (task != NULL && tr_loop_current() != TR_EWRONGPLACE)
        ck_assert_int_eq(tr_task_wait(task, 1), TR_EWRONGPLACE);
    if (task != NULL && tr_loop_current() != TR_LOOP(0))
        ck_assert_int_eq(tr_task_set_name(task, "x"), TR_EWRONGPLACE);
}

static void use_blocks_here(void *unused)
{
    int rc = 1;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_go(s, nothing), TR_EWRONGPLACE);
        ck_assert_int_eq(tr_scope_spawn(s, nothing, NULL), TR_EWRONGPLACE);
        ck_assert_int_eq(tr_scope_spawn(s, NULL, NULL), TR_EWRONGPLACE);
        ck_assert_int_eq(tr_scope_cancel(s), TR_EWRONGPLACE);
        ck_assert_int_eq(tr_scope_join(s), TR_EWRONGPLACE);
    }
    ck_assert_int_eq(rc, TR_EWRONGPLACE);
    TR_DEADLINE(0, &rc) {
        TR_SHIELD(0) {
            await_here(NULL);
        }
    }
}

static int use_in_handler(tr_self *self, void *task)
{
    (void)self;
    await_here(task);
    use_blocks_here(NULL);
    return 0;
}

static int spawn_forever(void *handle)
{
    return tr_task_spawn((tr_task **)handle, kit_forever, NULL);
}

START_TEST(awaits_are_refused_where_no_task_runs)
{
    tr_task *t = NULL;

    await_here(NULL);
    use_blocks_here(NULL);
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_forever, &t), 0);
    await_here(t);
    use_blocks_here(NULL);
    for (int loop = 0; loop < 2; loop++) {
        kit_on_loop(loop, await_here, t);
        kit_on_loop(loop, use_blocks_here, NULL);
        kit_in_handler(kit_puppet(loop), use_in_handler, t);
    }
    ck_assert(!tr_future_is_done(tr_task_future(t)));
    tr_task_unref(t);
    kit_stop();
    await_here(NULL);
    use_blocks_here(NULL);
}
END_TEST

/* ---- wrong times ---- */

static void spawn_in_vain(int wanted)
{
    tr_task *t = (tr_task *)(uintptr_t)1;

    ck_assert_int_eq(tr_task_spawn(&t, nothing, NULL), wanted);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(tr_task_spawn(NULL, nothing, NULL), wanted);
    ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(0), nothing, NULL), wanted);
}

static void spawn_at_close(void *unused)
{
    (void)unused;
    spawn_in_vain(TR_ESHUTDOWN);
}

static void register_close(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_loop_on_close(spawn_at_close, NULL), 0);
}

static void spawn_in_callback(void *unused)
{
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&t, nothing, NULL), 0);
    tr_task_detach(t);
}

static int spawn_in_handler(tr_self *self, void *unused)
{
    (void)self;
    spawn_in_callback(unused);
    return 0;
}

START_TEST(tasks_are_spawned_on_loops_while_the_runtime_runs)
{
    spawn_in_vain(TR_EWRONGPLACE);
    kit_start(2);
    spawn_in_vain(TR_EWRONGPLACE);
    kit_on_loop(1, spawn_in_callback, NULL);
    kit_in_handler(kit_puppet(1), spawn_in_handler, NULL);
    kit_on_loop(1, register_close, NULL);
    kit_stop();
    spawn_in_vain(TR_EWRONGPLACE);
    ck_assert_uint_eq(kit_stats().tasks_spawned, 2);
}
END_TEST

START_TEST(child_of_fork_has_no_tasks)
{
    tr_task *t = NULL;
    int status;
    pid_t child;

    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_forever, &t), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        spawn_in_vain(TR_EWRONGPLACE);
        await_here(NULL);
        ck_assert_int_eq(tr_task_wait(t, NAN), TR_EINVAL);
        kit_end_child(7);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    tr_task_unref(t);
    kit_stop();
}
END_TEST

KIT_MAIN("input/tasks", awaits_are_refused_where_no_task_runs,
         tasks_are_spawned_on_loops_while_the_runtime_runs, child_of_fork_has_no_tasks)
