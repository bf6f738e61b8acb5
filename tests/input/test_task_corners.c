/* Bad arguments of the functions of tasks, scopes and blocks. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/tasks.h"

struct give_args {
    int result;
};

static int give(void *arg)
{
    return arg != NULL ? ((const struct give_args *)arg)->result : 0;
}

static tr_task *const garbage = (tr_task *)(intptr_t)8;

/* ---- spawning ---- */

static void refuse_options(const tr_task_options *options, size_t size)
{
    tr_task *task = garbage;

    ck_assert_int_eq(tr__task_spawn(&task, give, NULL, "give", options, size), TR_EINVAL);
    ck_assert_ptr_null(task);
    ck_assert_int_eq(tr__task_spawn(NULL, give, NULL, "give", options, size), TR_EINVAL);
}

static int spawn_badly(void *unused)
{
    static const int loops[] = { -1, TR_LOOP(2), INT_MAX, INT_MIN, TR_LOOP(1024) };
    static const size_t sizes[] = { 1,        (16 << 10) - 1,  ((size_t)1 << 30) + 1,
                                    SIZE_MAX, (size_t)1 << 32, ((size_t)1 << 32) + (64 << 10) };
    const tr_task_options fine = { 0 };
    tr_task *task = garbage;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&task, NULL, NULL), TR_EINVAL);
    ck_assert_ptr_null(task);
    ck_assert_int_eq(tr_task_spawn(NULL, NULL, NULL), TR_EINVAL);
    for (int i = 0; i < 5; i++) {
        const tr_task_options options = { .on = loops[i] };

        refuse_options(&options, sizeof(options));
        ck_assert_int_eq(tr_task_spawn_on(&task, loops[i], give, NULL), TR_EINVAL);
    }
    for (int i = 0; i < 6; i++) {
        const tr_task_options options = { .stack_bytes = sizes[i] };

        refuse_options(&options, sizeof(options));
    }
    refuse_options(&fine, 0);
    refuse_options(NULL, 0);
    refuse_options(&fine, sizeof(fine) + 1);
    refuse_options(&fine, SIZE_MAX);
    return 0;
}

START_TEST(spawning_refuses_what_is_no_task_no_loop_and_no_stack)
{
    kit_run_task(2, spawn_badly, NULL);
}
END_TEST

static int spawn_extremely(void *unused)
{
    static const size_t sizes[] = { 16 << 10, (16 << 10) + 1, 1 << 20, (1 << 20) + 4095 };
    const tr_task_options old = { .on = TR_LOOP(1), .stack_bytes = 1 };
    const struct give_args args = { 7 };
    char *name = malloc(1 << 20);
    tr_task *task;

    (void)unused;
    for (int i = 0; i < 4; i++) {
        const tr_task_options options = { .stack_bytes = sizes[i], .name = "" };

        ck_assert_int_eq(tr_task_spawn_with(&task, give, (void *)(uintptr_t)&args, &options), 0);
        ck_assert_str_eq(tr_task_name(task), "");
        ck_assert_int_eq(tr_task_wait(task, TR_FOREVER), 7);
        tr_task_unref(task);
    }
    /* Compiled when there was only the first field. */
    ck_assert_int_eq(tr__task_spawn(&task, give, NULL, "give", &old, sizeof(int)), 0);
    ck_assert_int_eq(tr_task_wait(task, TR_FOREVER), 0);
    tr_task_unref(task);
    ck_assert_ptr_nonnull(name);
    memset(name, 'n', (1 << 20) - 1);
    name[(1 << 20) - 1] = '\0';
    ck_assert_int_eq(tr_task_spawn_with(&task, give, NULL, &(tr_task_options){ .name = name }), 0);
    ck_assert_uint_eq(strlen(tr_task_name(task)), (1 << 20) - 1);
    ck_assert_int_eq(tr_task_set_name(task, name), 0);
    ck_assert_int_eq(tr_task_set_name(task, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_task_set_name(NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_task_set_name(task, tr_task_name(task)), 0);
    free(name);
    ck_assert_int_eq(tr_task_wait(task, TR_FOREVER), 0);
    tr_task_unref(task);
    return 0;
}

START_TEST(spawning_takes_the_extremes_that_are_in_range)
{
    kit_run_task(2, spawn_extremely, NULL);
}
END_TEST

/* ---- null, and places where no task runs ---- */

static void call_without_task(void *is_on_loop)
{
    tr_task *task = garbage;
    int spawned = is_on_loop != NULL ? 0 : TR_EWRONGPLACE;

    ck_assert_int_eq(tr_task_spawn(&task, give, NULL), spawned);
    ck_assert_int_eq(task == NULL, spawned < 0);
    tr_task_detach(task);
    ck_assert_int_eq(tr_task_spawn(&task, NULL, NULL), TR_EINVAL);
    ck_assert_ptr_null(tr_task_ref(NULL));
    ck_assert_ptr_null(tr_task_future(NULL));
    tr_task_unref(NULL);
    tr_task_detach(NULL);
    ck_assert_int_eq(tr_task_wait(NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_task_wait(NULL, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_task_cancel(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_task_set_name(NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_sleep(NAN), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_go((tr_scope *)NULL, give, 1), TR_EINVAL);
    ck_assert_int_eq(tr_go_on((tr_scope *)NULL, 1, give, 1), TR_EINVAL);
    ck_assert_int_eq(tr_scope_spawn((tr_scope *)NULL, give, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_scope_spawn_on((tr_scope *)NULL, 1, give, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_scope_cancel(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_scope_join(NULL), TR_EINVAL);
}

static int call_in_task(void *unused)
{
    ck_assert_int_eq(tr_task_wait(NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_task_cancel(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_sleep(NAN), TR_EINVAL);
    ck_assert_int_eq(tr_sleep(-NAN), TR_EINVAL);
    ck_assert_int_eq(tr_scope_cancel(unused), TR_EINVAL);
    ck_assert_int_eq(tr_scope_join(unused), TR_EINVAL);
    ck_assert_int_eq(tr_go((tr_scope *)unused, give, 1), TR_EINVAL);
    return 0;
}

START_TEST(functions_of_tasks_take_null_wherever_they_are_called)
{
    call_without_task(NULL);
    kit_start(2);
    call_without_task(NULL);
    kit_on_loop(1, call_without_task, garbage);
    ck_assert_int_eq(kit_in_task(0, call_in_task, NULL), 0);
    kit_stop();
    call_without_task(NULL);
}
END_TEST

static int use_itself_badly(void *handle)
{
    tr_task *self = *(tr_task **)handle;

    ck_assert_int_eq(tr_task_wait(self, TR_FOREVER), TR_EDEADLK);
    ck_assert_int_eq(tr_task_wait(self, 0), TR_EDEADLK);
    ck_assert_int_eq(tr_await(tr_task_future(self)), TR_EDEADLK);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_cancel(self), 1);
    ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    ck_assert_int_eq(tr_task_wait(self, TR_FOREVER), TR_EDEADLK);
    return 7;
}

static int spawn_who_waits_for_itself(void *unused)
{
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&t, use_itself_badly, &t), 0);
    ck_assert_int_eq(kit_end_task(t), 7);
    return 0;
}

START_TEST(task_cant_wait_for_itself)
{
    kit_run_task(2, spawn_who_waits_for_itself, NULL);
}
END_TEST

/* ---- scopes and blocks ---- */

static void do_nothing(void *unused)
{
    (void)unused;
}

static int scope_badly(void *unused)
{
    static const int loops[] = { -1, TR_LOOP(2), INT_MAX, INT_MIN };
    int rc;

    (void)unused;
    for (int i = 0; i < 4; i++) {
        TR_SCOPE(s, &rc)
            ck_assert_int_eq(tr_go_on(s, loops[i], give, 1), TR_EINVAL);
        ck_assert_int_eq(rc, TR_EINVAL);
        TR_SCOPE(s, NULL) /* nobody wants to know */
            ck_assert_int_eq(tr_scope_spawn_on(s, loops[i], give, NULL), TR_EINVAL);
    }
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, NULL, NULL), TR_EINVAL);
        ck_assert_int_eq(tr_go(s, give, 1), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, TR_EINVAL);
    return 0;
}

START_TEST(scopes_refuse_what_is_no_task_and_no_loop)
{
    kit_run_task(2, scope_badly, NULL);
}
END_TEST

static int block_badly(void *unused)
{
    static const double past[] = { 0, -0.0, -1, -1e308, -INFINITY, NAN, -NAN };
    static const double future[] = { 1e9, 1e18, 1e308, INFINITY };

    (void)unused;
    TR_DEFER(do_nothing, NULL);
    TR_DEFER(NULL, NULL);
    TR_DEADLINE(NAN, NULL) { /* nobody wants to know */
        ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    }
    for (int i = 0; i < 7; i++) {
        TR_DEADLINE(past[i])
            ck_assert_int_eq(tr_yield(), TR_ECANCELED);
        TR_SHIELD(past[i])
            ck_assert_int_eq(tr_yield(), TR_ECANCELED);
        ck_assert_int_eq(tr_yield(), 0);
    }
    for (int i = 0; i < 4; i++) {
        TR_DEADLINE(future[i]) {
            ck_assert(tr_deadline_left() > 1e8);
            ck_assert_int_eq(tr_yield(), 0);
        }
        TR_SHIELD(future[i])
            ck_assert_int_eq(tr_yield(), 0);
    }
    return 0;
}

START_TEST(times_of_blocks_may_be_anything)
{
    kit_run_task(2, block_badly, NULL);
}
END_TEST

KIT_MAIN("task_corners", spawning_refuses_what_is_no_task_no_loop_and_no_stack,
         spawning_takes_the_extremes_that_are_in_range,
         functions_of_tasks_take_null_wherever_they_are_called, task_cant_wait_for_itself,
         scopes_refuse_what_is_no_task_and_no_loop, times_of_blocks_may_be_anything)
