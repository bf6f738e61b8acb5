/* Deadlines and shields: the nearest counts, who reports it, what children inherit, what a shield
 * keeps out. */
#include <math.h>

#include "support/jobs.h"
#include "support/tasks.h"

/* ---- deadlines ---- */

static int expire(void *unused)
{
    int rc = 0;

    (void)unused;
    TR_DEADLINE(0.001, &rc) {
        ck_assert(!tr_cancel_requested());
        rc = tr_sleep(TR_FOREVER);
        ck_assert_int_eq(rc, TR_ECANCELED); /* inside, it shows as that */
        ck_assert(tr_cancel_requested());
        ck_assert(tr_deadline_left() == 0);
        ck_assert_int_eq(tr_yield(), TR_ECANCELED); /* and for good */
        ck_assert_int_eq(tr_sleep(0), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    ck_assert(!tr_cancel_requested());
    ck_assert_int_eq(tr_yield(), 0);
    return 0;
}

START_TEST(expired_deadline_is_a_timeout_for_who_set_it_alone)
{
    kit_run_task(1, expire, NULL);
}
END_TEST

static int keep_other_results(void *unused)
{
    static const int results[] = { 0, 7, TR_EDEAD, TR_ETIMEDOUT };
    int rc;

    (void)unused;
    for (int i = 0; i < 4; i++) {
        TR_DEADLINE(0.0001, &rc) {
            ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
            rc = results[i];
        }
        ck_assert_int_eq(rc, results[i]);
    }
    TR_DEADLINE(60, &rc) {
        rc = TR_ECANCELED; /* not for this deadline's sake */
    }
    ck_assert_int_eq(rc, TR_ECANCELED);
    return 0;
}

START_TEST(deadline_turns_nothing_but_cancelled_into_a_timeout)
{
    kit_run_task(1, keep_other_results, NULL);
}
END_TEST

static int expire_at_once(void *unused)
{
    static const double times[] = { 0, -0.0, -1, -INFINITY, NAN };
    int rc;

    (void)unused;
    for (int i = 0; i < 5; i++) {
        TR_DEADLINE(times[i], &rc) {
            ck_assert(tr_cancel_requested());
            ck_assert(tr_deadline_left() == 0);
            rc = tr_sleep(1);
        }
        ck_assert_int_eq(rc, TR_ETIMEDOUT);
    }
    TR_DEADLINE(1e300, &rc) {
        rc = tr_yield();
    }
    ck_assert_int_eq(rc, 0);
    TR_DEADLINE(TR_FOREVER, &rc) {
        ck_assert(isinf(tr_deadline_left()));
        rc = tr_yield();
    }
    ck_assert_int_eq(rc, 0);
    return 0;
}

START_TEST(deadline_of_no_time_and_of_no_number_expires_at_once)
{
    kit_run_task(1, expire_at_once, NULL);
}
END_TEST

static int nest(double outer_s, double middle_s, double inner_s, int *outer, int *middle)
{
    int inner = 0;

    *outer = 0;
    *middle = 0;
    TR_DEADLINE(outer_s, outer) {
        TR_DEADLINE(middle_s, middle) {
            TR_DEADLINE(inner_s, &inner) {
                inner = tr_sleep(TR_FOREVER);
            }
            *middle = inner == TR_ECANCELED ? inner : tr_sleep(0);
        }
        *outer = *middle == TR_ECANCELED ? *middle : tr_sleep(0);
    }
    return inner;
}

static int nearest_counts(void *unused)
{
    int outer;
    int middle;

    (void)unused;
    ck_assert_int_eq(nest(60, 60, 0.001, &outer, &middle), TR_ETIMEDOUT);
    ck_assert_int_eq(middle, 0);
    ck_assert_int_eq(outer, 0);
    ck_assert_int_eq(nest(60, 0.001, 60, &outer, &middle), TR_ECANCELED);
    ck_assert_int_eq(middle, TR_ETIMEDOUT);
    ck_assert_int_eq(outer, 0);
    ck_assert_int_eq(nest(0.001, 60, 60, &outer, &middle), TR_ECANCELED);
    ck_assert_int_eq(middle, TR_ECANCELED);
    ck_assert_int_eq(outer, TR_ETIMEDOUT);
    ck_assert_int_eq(nest(0, 0, 0, &outer, &middle), TR_ECANCELED); /* the outermost was first */
    ck_assert_int_eq(middle, TR_ECANCELED);
    ck_assert_int_eq(outer, TR_ETIMEDOUT);
    return 0;
}

START_TEST(nearest_deadline_counts_and_the_one_that_set_it_reports)
{
    kit_run_task(1, nearest_counts, NULL);
}
END_TEST

static int look_at_clock(void *unused)
{
    (void)unused;
    ck_assert(isinf(tr_deadline_left()));
    TR_DEADLINE(3600) {
        double left = tr_deadline_left();

        ck_assert(left > 0 && left <= 3600);
        TR_DEADLINE(7200) {
            ck_assert(tr_deadline_left() <= left); /* the nearest */
        }
        TR_DEADLINE(60) {
            ck_assert(tr_deadline_left() <= 60);
            TR_SHIELD(TR_FOREVER) {
                ck_assert(isinf(tr_deadline_left()));
                TR_DEADLINE(7200) {
                    ck_assert(tr_deadline_left() > 3600);
                }
            }
            TR_SHIELD(7200) {
                ck_assert(tr_deadline_left() > 3600);
            }
        }
        ck_assert(tr_deadline_left() > 60);
    }
    ck_assert(isinf(tr_deadline_left()));
    return 0;
}

START_TEST(deadline_left_is_the_nearest_ones)
{
    ck_assert(isinf(tr_deadline_left()));
    kit_run_task(1, look_at_clock, NULL);
}
END_TEST

/* Awaits that never suspend the task for long do not keep its deadline away. */
static int yield_until_cancelled(void *unused)
{
    int rc = 0;

    (void)unused;
    TR_DEADLINE(0.002, &rc) {
        while (rc == 0)
            rc = tr_yield();
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    return 0;
}

START_TEST(deadline_reaches_a_task_that_only_yields)
{
    kit_run_task(1, yield_until_cancelled, NULL);
}
END_TEST

/* ---- what children inherit ---- */

typedef struct heir {
    double left;
    int rc;
    int own;
} heir;

static int inherit(void *arg)
{
    heir *h = arg;

    h->left = tr_deadline_left();
    h->rc = tr_sleep(TR_FOREVER);
    TR_DEADLINE(60, &h->own) {
        h->own = tr_yield();
    }
    return h->rc;
}

static int inherit_on_each_loop(void *unused)
{
    heir heirs[3];
    int rc = 0;

    (void)unused;
    TR_DEADLINE(0.005, &rc) {
        TR_SCOPE(s, &rc) {
            for (int i = 0; i < 3; i++)
                ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i), inherit, &heirs[i]), 0);
        }
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    for (int i = 0; i < 3; i++) {
        ck_assert(heirs[i].left <= 0.005);
        ck_assert_int_eq(heirs[i].rc, TR_ECANCELED);
        ck_assert_int_eq(heirs[i].own, TR_ECANCELED); /* an outer one's */
    }
    return 0;
}

START_TEST(children_inherit_the_deadline_on_every_loop)
{
    for (int round = 0; round < 20; round++)
        kit_run_task(3, inherit_on_each_loop, NULL);
}
END_TEST

/* ---- a loop that is late ---- */

/* A child on loop 1, which the time cancels while loop 0 is blocked: there the end of the child is
 * known before the timer fires, and must count as what it is. */
typedef struct late {
    sem_t begun;
    sem_t ended;
} late;

static int be_cancelled_in_time(void *arg)
{
    late *l = arg;
    int rc;

    sem_post(&l->begun);
    rc = tr_sleep(TR_FOREVER);
    sem_post(&l->ended);
    return rc;
}

static int join_child(void *arg)
{
    int rc = 0;

    TR_SCOPE(s, &rc) {
        (void)tr_scope_spawn_on(s, TR_LOOP(1), be_cancelled_in_time, arg);
    }
    return rc;
}

static int join_under_a_deadline(void *arg)
{
    int rc = 0;

    TR_DEADLINE(0.02, &rc) {
        rc = join_child(arg);
    }
    return rc;
}

static int join_under_a_shield(void *arg)
{
    int rc = 0;

    TR_SHIELD(0.02) {
        rc = join_child(arg);
    }
    ck_assert_int_eq(tr_yield(), 0);
    return rc;
}

static int join_under_a_parent(void *arg)
{
    int rc = 0;

    TR_DEADLINE(0.02, &rc) {
        TR_SCOPE(s, &rc) {
            (void)tr_scope_spawn(s, join_child, arg);
        }
    }
    return rc;
}

static void block(void *hold)
{
    (void)kit_held(hold);
}

static void await_semaphore(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ; /* a signal came */
}

static int join_late(tr_task_fn join)
{
    tr_future *f;
    kit_hold hold;
    late l;
    int rc;

    kit_hold_init(&hold);
    sem_init(&l.begun, 0, 0);
    sem_init(&l.ended, 0, 0);
    kit_start(2);
    f = kit_task_begin(0, join, &l);
    await_semaphore(&l.begun);
    ck_assert_int_eq(tr_post(TR_LOOP(0), block, &hold), 0);
    kit_hold_await(&hold, 1);
    await_semaphore(&l.ended);
    kit_on_loop(1, NULL, NULL); /* now its end is on its way */
    kit_hold_let_go(&hold, 1);
    rc = kit_future_end(f);
    kit_stop();
    sem_destroy(&l.begun);
    sem_destroy(&l.ended);
    kit_hold_fini(&hold);
    return rc;
}

START_TEST(time_that_has_passed_counts_before_its_timer_fires)
{
    ck_assert_int_eq(join_late(join_under_a_deadline), TR_ETIMEDOUT);
    ck_assert_int_eq(join_late(join_under_a_shield), TR_ECANCELED);
    ck_assert_int_eq(join_late(join_under_a_parent), TR_ETIMEDOUT);
}
END_TEST

static int spawn_without_inheriting(void *unused)
{
    heir h;
    tr_task *t;

    (void)unused;
    TR_DEADLINE(0) {
        ck_assert_int_eq(tr_task_spawn(&t, inherit, &h), 0);
    }
    ck_assert_int_eq(tr_task_wait(t, 0.001), TR_ETIMEDOUT);
    ck_assert(isinf(h.left));
    tr_task_unref(t);
    return 0;
}

START_TEST(task_with_a_handle_inherits_none)
{
    kit_run_task(1, spawn_without_inheriting, NULL);
}
END_TEST

/* ---- shields ---- */

static int shield_in_cancelled(void *unused)
{
    int rc = 0;
    int inner = 1;

    (void)unused;
    TR_DEADLINE(0, &rc) {
        rc = tr_yield();
        TR_SHIELD(TR_FOREVER) {
            ck_assert(!tr_cancel_requested());
            ck_assert_int_eq(tr_sleep(0.001), 0);
            TR_SHIELD(0) {
                ck_assert_int_eq(tr_yield(), TR_ECANCELED); /* its own time has passed */
                TR_SHIELD(TR_FOREVER) {
                    ck_assert_int_eq(tr_yield(), 0);
                }
                ck_assert_int_eq(tr_yield(), TR_ECANCELED);
            }
            ck_assert_int_eq(tr_yield(), 0);
            TR_DEADLINE(0.001, &inner) {
                inner = tr_sleep(TR_FOREVER);
            }
            ck_assert_int_eq(inner, TR_ETIMEDOUT);
        }
        ck_assert_int_eq(tr_yield(), TR_ECANCELED); /* as before */
        TR_SHIELD(0.001) {
            ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
        }
        TR_SHIELD(NAN) {
            ck_assert_int_eq(tr_yield(), TR_ECANCELED);
        }
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    return 0;
}

START_TEST(shield_lets_nothing_in_but_its_own_time)
{
    kit_run_task(1, shield_in_cancelled, NULL);
}
END_TEST

static int sleep_a_little(void *unused)
{
    (void)unused;
    return tr_sleep(0.001);
}

static int sleep_in_shield(void *result)
{
    TR_SHIELD(TR_FOREVER) {
        *(int *)result = tr_sleep(0.002); /* the cancellation comes meanwhile */
    }
    return tr_yield();
}

static int cancel_shielded(void *unused)
{
    int result = 1;
    int rc = 1;
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&t, sleep_in_shield, &result), 0);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_cancel(t), 1);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), TR_ECANCELED);
    ck_assert_int_eq(result, 0);
    tr_task_unref(t);
    /* A scope in a shield, in what is cancelled, with children here and elsewhere. */
    TR_DEADLINE(0) {
        TR_SHIELD(TR_FOREVER) {
            TR_SCOPE(s, &rc) {
                ck_assert_int_eq(tr_scope_spawn(s, sleep_a_little, NULL), 0);
                ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), sleep_a_little, NULL), 0);
            }
            ck_assert_int_eq(rc, 0);
        }
        TR_SCOPE(s, &rc) {
            ck_assert_int_eq(tr_scope_spawn(s, sleep_a_little, NULL), TR_ECANCELED);
            TR_SHIELD(TR_FOREVER) {
                /* the child would stand outside of the shield */
                ck_assert_int_eq(tr_scope_spawn(s, sleep_a_little, NULL), TR_ECANCELED);
            }
        }
        ck_assert_int_eq(rc, TR_ECANCELED);
    }
    return 0;
}

START_TEST(shield_covers_waits_and_scopes_within)
{
    kit_run_task(2, cancel_shielded, NULL);
}
END_TEST

KIT_MAIN("runtime/deadline", expired_deadline_is_a_timeout_for_who_set_it_alone,
         deadline_turns_nothing_but_cancelled_into_a_timeout,
         deadline_of_no_time_and_of_no_number_expires_at_once,
         nearest_deadline_counts_and_the_one_that_set_it_reports, deadline_left_is_the_nearest_ones,
         deadline_reaches_a_task_that_only_yields, children_inherit_the_deadline_on_every_loop,
         time_that_has_passed_counts_before_its_timer_fires, task_with_a_handle_inherits_none,
         shield_lets_nothing_in_but_its_own_time, shield_covers_waits_and_scopes_within)
