/* Futures, submitted tasks and continuations while memory runs out. */
#include <sched.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "support/kit.h"

static uint32_t drops;
static uint32_t calls;

static void count_drop(void *value)
{
    (void)value;
    (void)tr__add_ordered_u32(&drops, 1); /* ordered: a counter */
}

static void note(tr_future *f, int status, void *arg)
{
    (void)f;
    (void)status;
    (void)arg;
    (void)tr__add_ordered_u32(&calls, 1); /* ordered: a counter */
}

static int await_it(void *f)
{
    return tr_await(f);
}

static void expect_done(int rc)
{
    ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "gave %d", rc);
}

/* Each of these happens, or gives TR_ENOMEM and leaves nothing behind. */
static void try_all(void *unused, int n)
{
    tr_future *tasks[2] = { NULL, NULL };
    tr_future *f;
    uint32_t accepted = 0;
    int rc = tr_future_new(&f);

    (void)unused;
    (void)n;
    expect_done(rc);
    ck_assert_int_eq(f != NULL, rc == 0);
    if (rc < 0)
        return;
    calls = drops = 0;
    for (int i = 0; i < 2; i++) {
        rc = tr_future_then(f, TR_LOOP(i), note, NULL);
        expect_done(rc);
        accepted += rc == 0;
        rc = tr_submit(&tasks[i], TR_LOOP(i), await_it, f);
        expect_done(rc);
        ck_assert_int_eq(tasks[i] != NULL, rc == 0);
    }
    ck_assert_int_eq(tr_future_resolve(f, &drops, count_drop), 0); /* it needs no memory */
    for (int i = 0; i < 2; i++) {
        if (tasks[i] != NULL)
            expect_done(tr_future_wait(tasks[i], KIT_PATIENCE_S));
        tr_future_unref(tasks[i]);
    }
    /* acquire: a counter */
    while (tr__load_acquire_u32(&calls) < accepted)
        sched_yield();
    tr_future_unref(f);
}

static void try_all_anew(void *unused, int n)
{
    int rc = tr_start(&(tr_config){ .loops = 2 });

    if (rc < 0)
        return;
    try_all(unused, n);
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    ck_assert_uint_le(drops, 1);
    kit_expect_balance();
}

START_TEST(futures_fail_whole_when_one_allocation_fails)
{
    kit_start(2);
    ck_assert_int_gt(kit_for_every_fault(try_all, NULL), 4);
    kit_stop();
}
END_TEST

START_TEST(futures_fail_whole_in_a_new_runtime)
{
    kit_start(2);
    kit_stop();
    ck_assert_int_gt(kit_for_every_fault(try_all_anew, NULL), 10);
}
END_TEST

static void wait_for_all(void *result)
{
    *(int *)result = tr_run(await_it, NULL, &(tr_config){ .loops = 2 });
}

static void check_run(void *result, bool struck)
{
    int rc = *(int *)result;

    if (!struck)
        ck_assert_int_eq(rc, TR_EINVAL); /* of the task */
    ck_assert_int_lt(rc, 0);
    ck_assert_int_eq(tr_loop_count(), 0);
}

START_TEST(run_fails_whole_when_an_allocation_fails)
{
    const kit_faulty steps = { .attempt = wait_for_all, .check = check_run };
    int result;

    kit_start(1);
    kit_stop();
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &result, false), 10);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &result, true), 10);
}
END_TEST

KIT_MAIN("future", futures_fail_whole_when_one_allocation_fails,
         futures_fail_whole_in_a_new_runtime, run_fails_whole_when_an_allocation_fails)
