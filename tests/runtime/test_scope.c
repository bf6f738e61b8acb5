/* Scopes: failures, cancellation, joining, who may spawn, children on other loops. */
#include <stdint.h>

#include "base/atomic.h"
#include "support/tasks.h"

static int ended; /* children of the loop that the test runs on */

/* ---- children ---- */

static int give(void *result)
{
    ended++;
    return *(const int *)result;
}

static int forever(void *result)
{
    int rc = tr_sleep(TR_FOREVER);

    ended++;
    ck_assert_int_eq(rc, TR_ECANCELED);
    return result != NULL ? *(const int *)result : rc;
}

static int fail_later(void *result)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_yield(), 0);
    return give(result);
}

static int clean_up(void *unused)
{
    int rc = tr_sleep(TR_FOREVER);

    (void)unused;
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_sleep(0.001), 0);
    }
    ended++;
    return rc;
}

static int zero = 0;
static int dead = TR_EDEAD;
static int full = TR_EFULL;
static int seven = 7;

/* ---- failures ---- */

static int first_failure(void *unused)
{
    int rc = 1;
    int inner = 1;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
        ck_assert_int_eq(tr_scope_spawn(s, forever, &full), 0); /* fails, but not first */
        ck_assert_int_eq(tr_scope_spawn(s, fail_later, &dead), 0);
        ck_assert_int_eq(tr_scope_spawn(s, clean_up, NULL), 0);
        inner = tr_sleep(TR_FOREVER);
        ck_assert(tr_cancel_requested());
    }
    ck_assert_int_eq(inner, TR_ECANCELED); /* the body, too */
    ck_assert_int_eq(rc, TR_EDEAD);
    ck_assert_int_eq(ended, 4);
    ck_assert(!tr_cancel_requested());
    ck_assert_int_eq(tr_yield(), 0); /* outside of it, all is well */
    return 0;
}

START_TEST(first_failure_cancels_siblings_and_body)
{
    kit_run_task(1, first_failure, NULL);
    ck_assert(!kit_log_contains("nobody has looked at"));
}
END_TEST

static int no_failures(void *unused)
{
    int rc = 1;

    (void)unused;
    TR_SCOPE(s, &rc) {
    }
    ck_assert_int_eq(rc, 0);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, give, &zero), 0);
        ck_assert_int_eq(tr_scope_spawn(s, give, &seven), 0);
    }
    ck_assert_int_eq(rc, 0); /* what is above 0 is no failure, and no result */
    TR_SCOPE(s, &rc) {
        static int cancelled = TR_ECANCELED;

        ck_assert_int_eq(tr_scope_spawn(s, give, &cancelled), 0);
        ck_assert_int_eq(tr_scope_spawn(s, fail_later, &zero), 0);
        ck_assert_int_eq(tr_sleep(0.001), 0); /* a cancelled child cancels nobody */
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(ended, 4);
    TR_SCOPE(s, NULL) {
        ck_assert_int_eq(tr_scope_spawn(s, give, &dead), 0);
    }
    return 0;
}

START_TEST(cancelled_child_is_no_failure)
{
    kit_run_task(1, no_failures, NULL);
}
END_TEST

static int failed_spawn(void *unused)
{
    int rc = 1;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
        ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(99), forever, NULL), TR_EINVAL);
        ck_assert_int_eq(tr_yield(), TR_ECANCELED);
        ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, TR_EINVAL);
    ck_assert_int_eq(ended, 1);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, NULL, NULL), TR_EINVAL);
    }
    ck_assert_int_eq(rc, TR_EINVAL);
    return 0;
}

START_TEST(failed_spawn_counts_as_a_failure)
{
    kit_run_task(1, failed_spawn, NULL);
}
END_TEST

/* ---- cancellation from outside ---- */

typedef struct outer_case {
    int result; /* of the child when it is cancelled */
    int rc;     /* of the scope */
    int after;  /* of the next await behind it */
} outer_case;

static int scope_within(void *arg)
{
    outer_case *c = arg;

    TR_SCOPE(s, &c->rc) {
        ck_assert_int_eq(tr_scope_spawn(s, forever, &c->result), 0);
        ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    }
    c->after = tr_yield();
    return c->rc;
}

static int cancel_from_outside(void *unused)
{
    outer_case cases[] = { { .result = TR_ECANCELED }, { .result = TR_EDEAD }, { .result = 0 } };

    (void)unused;
    for (int i = 0; i < 3; i++) {
        tr_task *t;

        ck_assert_int_eq(tr_task_spawn(&t, scope_within, &cases[i]), 0);
        ck_assert_int_eq(tr_yield(), 0);
        ck_assert_int_eq(tr_yield(), 0);
        ck_assert_int_eq(tr_task_cancel(t), 1);
        (void)tr_task_wait(t, TR_FOREVER);
        tr_task_unref(t);
        ck_assert_int_eq(cases[i].after, TR_ECANCELED); /* it is not swallowed */
    }
    ck_assert_int_eq(cases[0].rc, TR_ECANCELED);
    ck_assert_int_eq(cases[1].rc, TR_EDEAD); /* errors outrank cancellation */
    ck_assert_int_eq(cases[2].rc, TR_ECANCELED);
    return 0;
}

START_TEST(outer_cancellation_is_not_swallowed_and_errors_outrank_it)
{
    kit_run_task(1, cancel_from_outside, NULL);
}
END_TEST

static int cancel_by_child(void *scope)
{
    ck_assert_int_eq(tr_scope_cancel(scope), 1);
    ck_assert_int_eq(tr_scope_cancel(scope), 0);
    ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    ended++;
    return 0;
}

static int cancel_scopes(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) /* by its body */
    {
        ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
        ck_assert_int_eq(tr_scope_cancel(s), 1);
        ck_assert_int_eq(tr_scope_cancel(s), 0);
        ck_assert_int_eq(tr_yield(), TR_ECANCELED);
        ck_assert_int_eq(tr_scope_spawn(s, give, &zero), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, 0); /* that alone is no failure, nor is the refusal */
    ck_assert_int_eq(ended, 1);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
        ck_assert_int_eq(tr_scope_spawn(s, cancel_by_child, s), 0);
        ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(ended, 3);
    ck_assert_int_eq(tr_yield(), 0);
    return 0;
}

static int cancel_by_stranger(void *scope)
{
    ck_assert_int_eq(tr_scope_cancel(scope), 1);
    return 0;
}

static int cancel_scopes_from_elsewhere(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_task_spawn(NULL, cancel_by_stranger, s), 0);
        ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, 0);
    return 0;
}

typedef struct scope_place {
    tr_scope *s;
    uint32_t is_there;
} scope_place;

static int show_scope(void *arg)
{
    scope_place *place = arg;
    int rc;

    TR_SCOPE(s, &rc) {
        place->s = s;
        tr__store_release_u32(&place->is_there, 1);
        ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    }
    return rc;
}

static void cancel_in_callback(void *scope)
{
    ck_assert_int_eq(tr_scope_cancel(scope), 1);
}

static void cancel_on_another_loop(void *scope)
{
    ck_assert_int_eq(tr_scope_cancel(scope), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_scope_join(scope), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_scope_spawn((tr_scope *)scope, give, &zero), TR_EWRONGPLACE);
}

START_TEST(scope_is_cancelled_from_its_body_its_children_and_its_loop)
{
    scope_place place = { .is_there = 0 };
    tr_future *f;

    kit_run_task(1, cancel_scopes_from_elsewhere, NULL);
    kit_run_task(1, cancel_scopes, NULL);
    kit_start(2);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), show_scope, &place), 0);
    while (tr__load_acquire_u32(&place.is_there) == 0)
        kit_on_loop(0, NULL, NULL);
    ck_assert_int_eq(tr_scope_cancel(place.s), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_scope_join(place.s), TR_EWRONGPLACE);
    kit_on_loop(0, cancel_in_callback, place.s);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

START_TEST(scope_is_no_business_of_other_loops)
{
    scope_place place = { .is_there = 0 };
    tr_future *f;

    kit_start(2);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), show_scope, &place), 0);
    while (tr__load_acquire_u32(&place.is_there) == 0)
        kit_on_loop(0, NULL, NULL);
    kit_on_loop(1, cancel_on_another_loop, place.s);
    kit_on_loop(0, cancel_in_callback, place.s);
    (void)tr_future_wait(f, KIT_PATIENCE_S);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

/* ---- joining ---- */

static int join_early(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, fail_later, &zero), 0);
        ck_assert_int_eq(tr_scope_join(s), 0);
        ck_assert_int_eq(ended, 1);
        ck_assert_int_eq(tr_scope_join(s), 0); /* again */
        ck_assert_int_eq(tr_yield(), 0);       /* the body goes on */
        ck_assert_int_eq(tr_scope_spawn(s, give, &zero), TR_EALREADY);
        ck_assert_int_eq(tr_scope_join(s), TR_EALREADY);
    }
    ck_assert_int_eq(rc, TR_EALREADY);
    ck_assert_int_eq(ended, 1);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
        ck_assert_int_eq(tr_scope_spawn(s, fail_later, &dead), 0);
        ck_assert_int_eq(tr_scope_join(s), TR_EDEAD);
    }
    ck_assert_int_eq(rc, TR_EDEAD);
    ck_assert_int_eq(ended, 3);
    return 0;
}

START_TEST(scope_can_be_joined_early)
{
    kit_run_task(1, join_early, NULL);
}
END_TEST

static int join_a_parents(void *scope)
{
    ck_assert_int_eq(tr_scope_join(scope), TR_EWRONGPLACE);
    return 0;
}

static int join_by_child(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, join_a_parents, s), 0);
    }
    return rc;
}

START_TEST(child_cant_join_its_scope)
{
    kit_run_task(1, join_by_child, NULL);
}
END_TEST

static int join_within_deadline(void *unused)
{
    int rc = 1;
    int inner = 0;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, clean_up, NULL), 0);
        TR_DEADLINE(0.001, &inner) {
            inner = tr_scope_join(s);
        }
    }
    ck_assert_int_eq(inner, TR_ECANCELED); /* with the scope, which is around it */
    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(rc, 0); /* the scope was cancelled by its body */
    return 0;
}

START_TEST(deadline_around_a_join_cancels_the_children)
{
    kit_run_task(1, join_within_deadline, NULL);
}
END_TEST

/* ---- children that spawn ---- */

struct multiply_args {
    tr_scope *s;
    int left;
};

static int multiply(void *arg)
{
    const struct multiply_args *a = arg;

    ended++;
    for (int i = 0; i < 2 && a->left > 0; i++)
        ck_assert_int_eq(tr_go(a->s, multiply, .s = a->s, .left = a->left - 1), 0);
    return 0;
}

static int spawn_siblings(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_go(s, multiply, .s = s, .left = 9), 0);
        while (ended < 1023)
            ck_assert_int_eq(tr_yield(), 0);
    }
    return rc;
}

static int spawn_too_late(void *scope)
{
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_scope_spawn((tr_scope *)scope, give, &zero), TR_EALREADY);
    return 0;
}

static int spawn_into_closing(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, spawn_too_late, s), 0);
    }
    ck_assert_int_eq(rc, TR_EALREADY);
    return 0;
}

START_TEST(children_spawn_siblings_until_the_scope_closes)
{
    kit_run_task(1, spawn_into_closing, NULL);
    kit_run_task(1, spawn_siblings, NULL);
}
END_TEST

/* ---- nested scopes ---- */

static int fail_deep(void *left)
{
    int rc;
    int less = *(int *)left - 1;

    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, forever, NULL), 0);
        ck_assert_int_eq(less > 0 ? tr_scope_spawn(s, fail_deep, &less)
                                  : tr_scope_spawn(s, fail_later, &dead),
                         0);
    }
    return rc;
}

static int fail_from_below(void *unused)
{
    int depth = 50;

    (void)unused;
    ck_assert_int_eq(fail_deep(&depth), TR_EDEAD);
    ck_assert_int_eq(ended, 51);
    return 0;
}

START_TEST(failure_climbs_through_nested_scopes)
{
    kit_run_task(1, fail_from_below, NULL);
}
END_TEST

static int inner_failure(void *unused)
{
    int outer = 1;
    int inner = 1;

    (void)unused;
    TR_SCOPE(a, &outer) {
        ck_assert_int_eq(tr_scope_spawn(a, fail_later, &zero), 0);
        TR_SCOPE(b, &inner) {
            ck_assert_int_eq(tr_scope_spawn(b, give, &dead), 0);
            ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
        }
        ck_assert_int_eq(inner, TR_EDEAD);
        ck_assert_int_eq(tr_yield(), 0); /* the outer one has not failed */
        TR_SCOPE(b, &inner) {
            ck_assert_int_eq(tr_scope_spawn(b, forever, NULL), 0);
            ck_assert_int_eq(tr_scope_spawn(a, give, &full), 0); /* into the outer one */
            ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
        }
        ck_assert_int_eq(inner, TR_ECANCELED);
    }
    ck_assert_int_eq(outer, TR_EFULL);
    return 0;
}

START_TEST(inner_failure_stays_inside_and_outer_failure_comes_in)
{
    kit_run_task(1, inner_failure, NULL);
}
END_TEST

/* ---- children on other loops ---- */

typedef struct afar {
    int loop; /* where it was, at last */
    int result;
    int after; /* of an await */
} afar;

static int give_afar(void *arg)
{
    afar *a = arg;

    a->loop = tr_loop_current();
    return a->result;
}

static int forever_afar(void *arg)
{
    afar *a = arg;

    a->loop = tr_loop_current();
    a->after = tr_sleep(TR_FOREVER);
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_sleep(0.001), 0);
    }
    a->loop = -1;
    return a->result;
}

static int all_is_well_afar(void *unused)
{
    afar children[30] = { 0 };
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 30; i++)
            ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i % 3), give_afar, &children[i]), 0);
    }
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(children[i].loop, TR_LOOP(i % 3));
    return rc;
}

static int failure_afar(void *unused)
{
    afar bad = { .result = TR_EDEAD };
    afar others[9] = { 0 };
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 9; i++)
            ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i % 3), forever_afar, &others[i]), 0);
        ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), give_afar, &bad), 0);
        ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, TR_EDEAD);
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(others[i].after, TR_ECANCELED);
        ck_assert_int_eq(others[i].loop, -1); /* it was waited for */
    }
    return 0;
}

static int cancelled_afar(void *unused)
{
    afar others[9] = { 0 };
    int rc = 1;

    (void)unused;
    for (int i = 0; i < 9; i++)
        others[i].result = i % 2 == 0 ? TR_ECANCELED : 0;
    TR_DEADLINE(0.002) {
        TR_SCOPE(s, &rc) {
            for (int i = 0; i < 9; i++)
                ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i % 3), forever_afar, &others[i]), 0);
        }
    }
    ck_assert_int_eq(rc, TR_ECANCELED);
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(others[i].loop, -1);
    return 0;
}

static int cancel_before_it_begins(void *unused)
{
    afar child = { .result = TR_ECANCELED };
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), forever_afar, &child), 0);
        ck_assert_int_eq(tr_scope_cancel(s), 1);
        ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), forever_afar, &child), TR_ECANCELED);
    }
    ck_assert_int_eq(child.after, TR_ECANCELED);
    ck_assert_int_eq(child.loop, -1);
    ck_assert_int_eq(rc, 0);
    return 0;
}

START_TEST(children_on_other_loops_end_well_fail_and_are_cancelled)
{
    for (int round = 0; round < 20; round++) {
        kit_run_task(3, all_is_well_afar, NULL);
        kit_run_task(3, failure_afar, NULL);
        kit_run_task(3, cancelled_afar, NULL);
        kit_run_task(3, cancel_before_it_begins, NULL);
    }
}
END_TEST

KIT_MAIN("runtime/scope", first_failure_cancels_siblings_and_body, cancelled_child_is_no_failure,
         failed_spawn_counts_as_a_failure,
         outer_cancellation_is_not_swallowed_and_errors_outrank_it,
         scope_is_cancelled_from_its_body_its_children_and_its_loop,
         scope_is_no_business_of_other_loops, scope_can_be_joined_early, child_cant_join_its_scope,
         deadline_around_a_join_cancels_the_children,
         children_spawn_siblings_until_the_scope_closes, failure_climbs_through_nested_scopes,
         inner_failure_stays_inside_and_outer_failure_comes_in,
         children_on_other_loops_end_well_fail_and_are_cancelled)
