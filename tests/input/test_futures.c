/* Bad input for futures, submitted tasks and runs: NULL, numbers out of range, times that are none,
 * the wrong place, and without a runtime. */
#include <limits.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/actors.h"
#include "support/places.h"

static uint32_t drops;
static int value;

static void drop_value(void *unused)
{
    (void)unused;
    kit_count(&drops);
}

static int succeed(void *unused)
{
    (void)unused;
    return 0;
}

static void on_end(tr_future *f, int status, void *arg)
{
    (void)f;
    (void)status;
    (void)arg;
}

static void on_cancel(void *arg)
{
    kit_count(arg);
}

/* From any place: what refuses NULL everywhere. */
static void call_with_null(void *unused)
{
    uint32_t before = kit_counted(&drops);
    void *taken = &value;

    (void)unused;
    tr_future_unref(NULL);
    ck_assert_ptr_null(tr_future_ref(NULL));
    ck_assert_int_eq(tr_future_resolve(NULL, &value, drop_value), TR_EINVAL);
    ck_assert_int_eq(tr_future_resolve(NULL, &value, NULL), TR_EINVAL);
    ck_assert_uint_eq(kit_counted(&drops), before + 1);
    ck_assert_int_eq(tr_future_fail(NULL, -1), TR_EINVAL);
    ck_assert_int_eq(tr_future_cancel(NULL), TR_EINVAL);
    ck_assert(!tr_future_is_done(NULL));
    ck_assert_int_eq(tr_future_status(NULL), TR_EINVAL);
    ck_assert_ptr_null(tr_future_peek(NULL));
    ck_assert_int_eq(tr_future_take(NULL, &taken), TR_EINVAL);
    ck_assert_ptr_null(taken);
    ck_assert_int_eq(tr_future_take(NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(NULL, TR_LOOP_ANY, on_end, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_new(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_await(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_await_or(NULL, on_cancel, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_await_or(NULL, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_wait_for(NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_wait_for(NULL, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_future_wait(NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr_future_cancel_wait(NULL),
                     tr_loop_current() > 0 ? TR_EWRONGPLACE : TR_EINVAL);
}

START_TEST(functions_of_futures_refuse_null_everywhere)
{
    call_with_null(NULL);
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        kit_in_place(place, call_with_null, NULL);
    kit_stop();
    call_with_null(NULL);
}
END_TEST

static void call_with_bad_values(void *arg)
{
    tr_future *f = arg;
    tr_future *none = f;

    ck_assert_int_eq(tr_future_fail(f, 0), TR_EINVAL);
    ck_assert_int_eq(tr_future_fail(f, 1), TR_EINVAL);
    ck_assert_int_eq(tr_future_fail(f, INT_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_future_take(f, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_wait_for(f, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_await_or(f, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP_ANY, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, -1, on_end, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, INT_MIN, on_end, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(2), on_end, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, INT_MAX, on_end, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_submit(&none, -1, succeed, NULL), TR_EINVAL);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(tr_submit(&none, TR_LOOP(2), succeed, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_submit(&none, INT_MAX, succeed, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_submit(&none, TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_submit(NULL, INT_MIN, succeed, NULL), TR_EINVAL);
    ck_assert(!tr_future_is_done(f));
}

START_TEST(bad_values_are_refused_everywhere)
{
    tr_future *f;

    kit_start(2);
    ck_assert_int_eq(tr_future_new(&f), 0);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        kit_in_place(place, call_with_bad_values, f);
    ck_assert_int_eq(tr_future_wait(f, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_future_fail(f, INT_MIN), 0);
    ck_assert_int_eq(tr_future_status(f), INT_MIN);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

START_TEST(future_of_a_task_is_not_anybodys_to_end)
{
    tr_future *f;

    kit_start(1);
    drops = 0;
    ck_assert_int_eq(tr_submit(&f, TR_LOOP_ANY, succeed, NULL), 0);
    ck_assert_int_eq(tr_future_resolve(f, &value, drop_value), TR_EINVAL);
    ck_assert_int_eq(tr_future_fail(f, -1), TR_EINVAL);
    ck_assert_uint_eq(kit_counted(&drops), 1);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

static void block_on_loop(void *f)
{
    ck_assert_int_eq(tr_future_wait(f, TR_FOREVER), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_run(succeed, NULL, NULL), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_run(NULL, NULL, NULL), TR_EINVAL);
}

static void await_nowhere(void *f)
{
    uint32_t calls = 0;

    ck_assert_int_eq(tr_await(f), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_await_or(f, on_cancel, &calls), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_wait_for(f, 0), TR_EWRONGPLACE);
    ck_assert_uint_eq(calls, 0);
}

START_TEST(what_blocks_is_refused_on_a_loop_and_what_awaits_elsewhere)
{
    tr_future *f;

    kit_start(2);
    ck_assert_int_eq(tr_future_new(&f), 0);
    for (kit_place place = 0; place < KIT_PLACES; place++) {
        if (kit_is_on_loop(place))
            kit_in_place(place, block_on_loop, f);
        if (place != KIT_TASK_0 && place != KIT_TASK_1)
            kit_in_place(place, await_nowhere, f);
    }
    ck_assert(!tr_future_is_done(f));
    tr_future_unref(f);
    kit_stop();
}
END_TEST

static void call_without_runtime(tr_future *f, int wanted)
{
    tr_future *none = f;

    ck_assert_int_eq(tr_future_new(&none), wanted);
    ck_assert_ptr_null(none);
    none = f;
    ck_assert_int_eq(tr_submit(&none, TR_LOOP_ANY, succeed, NULL), wanted);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(tr_submit(NULL, TR_LOOP(0), succeed, NULL), wanted);
    if (f != NULL)
        ck_assert_int_eq(tr_future_then(f, TR_LOOP_ANY, on_end, NULL), wanted);
}

START_TEST(without_a_runtime_nothing_new_begins)
{
    tr_future *f;
    int status;
    pid_t child;

    call_without_runtime(NULL, TR_ESHUTDOWN);
    kit_start(2);
    ck_assert_int_eq(tr_future_new(&f), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        call_without_runtime(f, TR_EFORKED);
        ck_assert_int_eq(tr_run(succeed, NULL, NULL), TR_EFORKED);
        kit_end_child(7);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    kit_stop();
    call_without_runtime(f, TR_ESHUTDOWN);
    ck_assert_int_eq(tr_future_wait(f, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_ECANCELED);
    tr_future_unref(f);
}
END_TEST

START_TEST(main_and_run_refuse_what_makes_no_sense)
{
    char *argv[] = { NULL };
    tr_config config = { .loops = -1 };

    ck_assert_int_eq(tr_run(NULL, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_run(succeed, NULL, &config), TR_EINVAL);
    ck_assert_int_eq(tr__run(succeed, NULL, "f", &config, 0), TR_EINVAL);
    ck_assert_int_eq(tr__run(succeed, NULL, "f", &config, SIZE_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_main(0, argv, NULL, NULL, NULL), 1);
    ck_assert_int_eq(tr_main(INT_MIN, NULL, succeed, NULL, &config), 1);
    ck_assert_int_eq(tr_main(1, argv, succeed, NULL, &config), 1);
    ck_assert_int_eq(tr_loop_count(), 0);
}
END_TEST

KIT_MAIN("input/futures", functions_of_futures_refuse_null_everywhere,
         bad_values_are_refused_everywhere, future_of_a_task_is_not_anybodys_to_end,
         what_blocks_is_refused_on_a_loop_and_what_awaits_elsewhere,
         without_a_runtime_nothing_new_begins, main_and_run_refuse_what_makes_no_sense)
