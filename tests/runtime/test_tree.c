/* Trees of tasks that are deep, or on other loops, and end all at once. The wide ones are in
 * stress/tasks. */
#include "base/sanitize.h"
#include "support/tasks.h"

#ifdef TR__TSAN
enum { DEPTH = 1000 }; /* TSan has few fibers */
#elif defined(TR__ASAN)
enum { DEPTH = 5000 }; /* ASan maps memory for the locals of each */
#else
enum { DEPTH = 10000 };
#endif

static int in_task(tr_task_fn fn, void *arg)
{
    int rc;

    kit_start_with(&(tr_config){ .loops = 2, .stack_guards = -1 });
    rc = kit_in_task(0, fn, arg);
    kit_stop();
    return rc;
}

/* ---- deep ---- */

static int deepest;
static int ended;

static int descend(void *arg)
{
    int *levels = arg;
    int rc = 0;
    int slept = 0;

    TR_SCOPE(s, &rc) {
        deepest++;
        if (--*levels > 0)
            (void)tr_scope_spawn(s, descend, arg);
        slept = tr_sleep(TR_FOREVER);
    }
    ck_assert_int_eq(slept, TR_ECANCELED);
    ck_assert_int_eq(rc, TR_ECANCELED);
    ended++;
    return rc;
}

static int cancel_deep(void *unused)
{
    int levels = DEPTH;
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        (void)tr_scope_spawn(s, descend, &levels);
        while (deepest < DEPTH)
            ck_assert_int_eq(tr_yield(), 0);
        ck_assert_int_eq(tr_scope_cancel(s), 1);
    }
    ck_assert_int_eq(ended, DEPTH);
    return rc;
}

START_TEST(a_deep_tree_is_cancelled_from_its_root)
{
    ck_assert_int_eq(in_task(cancel_deep, NULL), 0);
}
END_TEST

static int fail_at_the_bottom(void *arg)
{
    int *levels = arg;
    int rc = 0;

    if (--*levels == 0)
        return -77;
    TR_SCOPE(s, &rc) {
        (void)tr_scope_spawn(s, fail_at_the_bottom, arg);
        ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    }
    return rc;
}

START_TEST(a_failure_at_the_bottom_of_a_deep_tree_comes_to_its_root)
{
    int levels = DEPTH;

    ck_assert_int_eq(in_task(fail_at_the_bottom, &levels), -77);
}
END_TEST

/* ---- on other loops ---- */

static int cancel_wide_there(void *unused)
{
    int rc;

    (void)unused;
    for (int round = 0; round < 10; round++)
        TR_SCOPE(s, &rc) {
            for (int i = 0; i < 500; i++)
                ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), kit_forever, NULL), 0);
            if (round % 2 != 0)
                ck_assert_int_eq(tr_sleep(0.001), 0); /* some have begun */
            ck_assert_int_eq(tr_scope_cancel(s), 1);
        }
    return rc;
}

START_TEST(many_children_on_another_loop_are_cancelled_at_once)
{
    ck_assert_int_eq(in_task(cancel_wide_there, NULL), 0);
}
END_TEST

static int scope_there(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc)
        (void)tr_scope_spawn_on(s, TR_LOOP(1), kit_forever, NULL);
    return rc;
}

static int lose_no_deadline(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        int rc = 0;

        TR_DEADLINE(0.0003, &rc) {
            TR_SCOPE(s, &rc)
                (void)tr_scope_spawn_on(s, TR_LOOP(1), kit_forever, NULL);
        }
        ck_assert_int_eq(rc, TR_ETIMEDOUT);
        TR_DEADLINE(0.0003, &rc) {
            TR_DEADLINE(60, &rc) {
                TR_SCOPE(outer, &rc)
                    (void)tr_scope_spawn(outer, scope_there, NULL);
            }
            ck_assert_int_eq(rc, TR_ECANCELED);
        }
        ck_assert_int_eq(rc, TR_ETIMEDOUT);
    }
    return 0;
}

START_TEST(a_deadline_is_not_lost_when_it_comes_first_on_another_loop)
{
    ck_assert_int_eq(in_task(lose_no_deadline, NULL), 0);
}
END_TEST

KIT_MAIN("runtime/tree", a_deep_tree_is_cancelled_from_its_root,
         a_failure_at_the_bottom_of_a_deep_tree_comes_to_its_root,
         many_children_on_another_loop_are_cancelled_at_once,
         a_deadline_is_not_lost_when_it_comes_first_on_another_loop)
