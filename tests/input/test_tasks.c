/* Tasks, scopes and blocks: bad arguments, and wrong places and times. */
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/kit.h"

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int forever(void *unused)
{
    (void)unused;
    return tr_sleep(TR_FOREVER);
}

struct nothing_args {
    int unused;
};

/* ---- bad arguments ---- */

static void refuse_options(tr_task_options options)
{
    tr_task *t = (tr_task *)(uintptr_t)1;

    ck_assert_int_eq(tr_task_spawn_with(&t, nothing, NULL, &options), TR_EINVAL);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(tr_task_spawn_with(NULL, nothing, NULL, &options), TR_EINVAL);
}

static int spawn_badly(void *unused)
{
    const tr_task_options good = { .stack_bytes = 16 << 10 };
    tr_task *t = (tr_task *)(uintptr_t)1;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&t, NULL, NULL), TR_EINVAL);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(tr_task_spawn(NULL, NULL, NULL), TR_EINVAL);
    t = (tr_task *)(uintptr_t)1;
    ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(2), nothing, NULL), TR_EINVAL);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(tr_task_spawn_on(&t, -1, nothing, NULL), TR_EINVAL);
    refuse_options((tr_task_options){ .on = INT_MAX });
    refuse_options((tr_task_options){ .on = INT_MIN });
    refuse_options((tr_task_options){ .on = 3 });
    refuse_options((tr_task_options){ .stack_bytes = 1 });
    refuse_options((tr_task_options){ .stack_bytes = (16 << 10) - 1 });
    refuse_options((tr_task_options){ .stack_bytes = ((size_t)1 << 30) + 1 });
    refuse_options((tr_task_options){ .stack_bytes = SIZE_MAX });
    refuse_options((tr_task_options){ .stack_bytes = (size_t)1 << 32 });
    ck_assert_int_eq(tr__task_spawn(&t, nothing, NULL, "x", &good, 0), TR_EINVAL);
    ck_assert_int_eq(tr__task_spawn(&t, nothing, NULL, "x", &good, sizeof(good) + 1), TR_EINVAL);
    ck_assert_int_eq(tr__task_spawn(&t, nothing, NULL, "x", &good, SIZE_MAX), TR_EINVAL);
    ck_assert_ptr_null(t);
    /* An older program's shorter options. */
    ck_assert_int_eq(tr__task_spawn(&t, nothing, NULL, "x", &good, sizeof(int)), 0);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), 0);
    tr_task_unref(t);
    return 0;
}

static int use_handles_badly(void *handle)
{
    tr_task *self;

    ck_assert_ptr_null(tr_task_ref(NULL));
    tr_task_unref(NULL);
    tr_task_detach(NULL);
    ck_assert_ptr_null(tr_task_future(NULL));
    ck_assert_int_eq(tr_task_wait(NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_task_cancel(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_task_set_name(NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_sleep(NAN), TR_EINVAL);
    ck_assert_int_eq(tr_task_spawn(&self, forever, NULL), 0);
    ck_assert_int_eq(tr_task_wait(self, NAN), TR_EINVAL);
    ck_assert(!tr_future_is_done(tr_task_future(self))); /* it was left alone */
    ck_assert_int_eq(tr_task_wait(self, 0), TR_ETIMEDOUT);
    tr_task_unref(self);
    /* Itself. */
    self = *(tr_task **)handle;
    ck_assert_int_eq(tr_task_wait(self, TR_FOREVER), TR_EDEADLK);
    ck_assert_int_eq(tr_task_wait(self, 0), TR_EDEADLK);
    ck_assert_int_eq(tr_await(tr_task_future(self)), TR_EDEADLK);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_cancel(self), 1);
    ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    ck_assert_int_eq(tr_task_wait(self, TR_FOREVER), TR_EDEADLK);
    return 7;
}

static int use_scopes_badly(void *unused)
{
    int rc;

    (void)unused;
    ck_assert_int_eq(tr_go((tr_scope *)NULL, nothing), TR_EINVAL);
    ck_assert_int_eq(tr_scope_spawn((tr_scope *)NULL, nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_scope_cancel(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_scope_join(NULL), TR_EINVAL);
    TR_SCOPE(s, NULL) {
        ck_assert_int_eq(tr_go_on(s, TR_LOOP(2), nothing), TR_EINVAL);
    }
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_go_on(s, INT_MIN, nothing), TR_EINVAL);
    }
    ck_assert_int_eq(rc, TR_EINVAL);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn_on(s, -1, nothing, NULL), TR_EINVAL);
    }
    ck_assert_int_eq(rc, TR_EINVAL);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, NULL, NULL), TR_EINVAL);
    }
    ck_assert_int_eq(rc, TR_EINVAL);
    TR_DEADLINE(NAN, NULL) {
        ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    }
    TR_SHIELD(-NAN) {
        ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    }
    {
        TR_DEFER(NULL, NULL);
    }
    return 0;
}

static int do_all_badly(void *unused)
{
    tr_task *t;

    (void)spawn_badly(unused);
    (void)use_scopes_badly(unused);
    ck_assert_int_eq(tr_task_spawn(&t, use_handles_badly, &t), 0);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), 7);
    tr_task_unref(t);
    return 0;
}

START_TEST(tasks_and_blocks_refuse_bad_arguments)
{
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, do_all_badly, NULL), 0);
    kit_stop();
}
END_TEST

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
    return tr_task_spawn((tr_task **)handle, forever, NULL);
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

KIT_MAIN("input/tasks", tasks_and_blocks_refuse_bad_arguments,
         awaits_are_refused_where_no_task_runs, tasks_are_spawned_on_loops_while_the_runtime_runs,
         child_of_fork_has_no_tasks)
