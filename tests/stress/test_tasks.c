/* Very many tasks at once: deep trees, wide ones, and sleepers, all cancelled at once. */
#include "base/atomic.h"
#include "base/sanitize.h"
#include "support/kit.h"

#if defined(__SANITIZE_THREAD__)
enum { MANY = 1000 }; /* it allows few fibers */
#elif defined(__SANITIZE_ADDRESS__) || KIT_EMULATED
enum { MANY = 10000 };
#else
enum { MANY = 100000 };
#endif

static int begun; /* on loop 0 */
static int ended;

/* With the smallest stack there is: a walk that took some for each task would end the process. */
static const tr_task_options on_small_stack = { .stack_bytes = 16 << 10, .name = "small" };

static int cancel_task(void *task)
{
    return tr_task_cancel(task);
}

/* Cancel it, and wait for its end. */
static void cancel_and_wait(tr_task *t)
{
    tr_task *canceller;

    ck_assert_int_eq(tr_task_spawn_with(&canceller, cancel_task, t, &on_small_stack), 0);
    ck_assert_int_eq(tr_task_wait(canceller, TR_FOREVER), 1);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), TR_ECANCELED);
    tr_task_unref(canceller);
    tr_task_unref(t);
    ck_assert_int_eq(ended, begun);
}

static int forever(void *unused)
{
    int rc;

    (void)unused;
    begun++;
    rc = tr_sleep(TR_FOREVER);
    ended++;
    return rc;
}

/* ---- deep ---- */

struct nest_args {
    int left;
};

static int nest(void *arg)
{
    const struct nest_args *a = arg;
    int rc;

    begun++;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(a->left > 0 ? tr_go(s, nest, .left = a->left - 1)
                                     : tr_scope_spawn(s, forever, NULL),
                         0);
    }
    ended++;
    return rc;
}

static int nest_and_cancel(void *unused)
{
    struct nest_args args = { .left = MANY - 1 };
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&t, nest, &args), 0);
    while (begun < MANY + 1)
        ck_assert_int_eq(tr_yield(), 0);
    cancel_and_wait(t);
    ck_assert_int_eq(ended, MANY + 1);
    return 0;
}

START_TEST(deep_tree_is_cancelled_at_once)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, nest_and_cancel, NULL), 0);
    kit_stop();
}
END_TEST

/* A failure at the bottom climbs to the top. */
static int fail_at_the_bottom(void *unused)
{
    (void)unused;
    return TR_EDEAD;
}

static int nest_to_fail(void *arg)
{
    const int left = *(const int *)arg - 1;
    int less = left;
    int rc;

    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, left > 0 ? nest_to_fail : fail_at_the_bottom, &less), 0);
    }
    return rc;
}

START_TEST(failure_climbs_through_a_deep_tree)
{
    int depth = MANY;

    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, nest_to_fail, &depth), TR_EDEAD);
    kit_stop();
}
END_TEST

/* ---- wide ---- */

static int spread(void *unused)
{
    int rc;

    (void)unused;
    begun++;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < MANY; i++)
            ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
    }
    ended++;
    return rc;
}

static int spread_and_cancel(void *unused)
{
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&t, spread, NULL), 0);
    while (begun < MANY + 1)
        ck_assert_int_eq(tr_yield(), 0);
    cancel_and_wait(t);
    return 0;
}

static int spread_and_cancel_unbegun(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < MANY; i++)
            ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
        ck_assert_int_eq(begun, 0);
        ck_assert_int_eq(tr_scope_cancel(s), 1);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(ended, MANY);
    return 0;
}

START_TEST(wide_tree_is_cancelled_at_once)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, spread_and_cancel, NULL), 0);
    kit_stop();
}
END_TEST

START_TEST(wide_tree_that_has_not_begun_is_cancelled_at_once)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, spread_and_cancel_unbegun, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- sleepers ---- */

static uint32_t asleep;

static int sleep_long(void *unused)
{
    (void)unused;
    (void)tr__add_ordered_u32(&asleep, 1); /* ordered: a counter */
    return tr_sleep(3600);
}

static int spawn_sleepers(void *unused)
{
    (void)unused;
    for (int i = 0; i < MANY / 2; i++)
        ck_assert_int_eq(tr_task_spawn(NULL, sleep_long, NULL), 0);
    return 0;
}

START_TEST(very_many_sleepers_end_with_a_shutdown)
{
    for (int guards = -1; guards < 1; guards++) {
        asleep = 0;
        kit_start_with(&(tr_config){ .loops = 2, .stack_guards = guards });
        for (int loop = 0; loop < 2; loop++)
            ck_assert_int_eq(kit_in_task(loop, spawn_sleepers, NULL), 0);
        while (tr__load_acquire_u32(&asleep) < MANY / 2 * 2)
            for (int loop = 0; loop < 2; loop++)
                kit_on_loop(loop, NULL, NULL);
        kit_stop();
    }
}
END_TEST

/* ---- to and fro ---- */

struct branch_args {
    int left;
    int loop;
};

static int branch(void *arg)
{
    const struct branch_args *a = arg;
    int rc;

    (void)tr__add_ordered_u32(&asleep, 1); /* ordered: a counter */
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 2 && a->left > 0; i++)
            if (tr_go_on(s, TR_LOOP((a->loop + i) % 3), branch, .left = a->left - 1,
                         .loop = (a->loop + i) % 3) < 0)
                break;
        rc = tr_sleep(a->left % 2 == 0 ? TR_FOREVER : 0.001);
    }
    return rc;
}

static int branch_and_cancel(void *unused)
{
    struct branch_args args = { .left = 7, .loop = 0 };

    (void)unused;
    for (int round = 0; round < 20; round++) {
        tr_task *t;

        ck_assert_int_eq(tr_task_spawn(&t, branch, &args), 0);
        ck_assert_int_eq(tr_task_wait(t, round * 0.0003), TR_ETIMEDOUT);
        tr_task_unref(t);
    }
    return 0;
}

START_TEST(trees_over_many_loops_are_cancelled_while_they_grow)
{
    kit_start(3);
    ck_assert_int_eq(kit_in_task(0, branch_and_cancel, NULL), 0);
    kit_stop();
}
END_TEST

KIT_MAIN("stress/tasks", deep_tree_is_cancelled_at_once, failure_climbs_through_a_deep_tree,
         wide_tree_is_cancelled_at_once, wide_tree_that_has_not_begun_is_cancelled_at_once,
         very_many_sleepers_end_with_a_shutdown,
         trees_over_many_loops_are_cancelled_while_they_grow)
