/* Deadlines and shields: whose timeout it is, what they reach, and waits with a limit. */
#include <math.h>
#include <string.h>

#include "sync/cases.h"

static const double soon = 0.0005; /* seconds; and what never comes about in a case: */
static const double late = 3600;

/* ---- one deadline ---- */

CASE(an_expired_deadline_lasts_until_its_block_ends)
{
    int rc = 0;

    TR_DEADLINE(soon, &rc) {
        rc = tr_sleep(TR_FOREVER);
        EXPECT(rc == TR_ECANCELED);
        EXPECT(tr_cancel_requested() && tr_deadline_left() == 0);
        EXPECT(tr_yield() == TR_ECANCELED);
        EXPECT(tr_sleep(0) == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(!tr_cancel_requested() && isinf(tr_deadline_left()));
    EXPECT(tr_yield() == 0);
}

CASE(no_time_and_no_number_expire_at_once_and_ever_never_does)
{
    static const double none[] = { 0, -0.0, -1, -INFINITY, NAN };
    static const double ample[] = { 1e300, TR_FOREVER };

    for (int i = 0; i < 5; i++) {
        int rc = 0;

        TR_DEADLINE(none[i], &rc) {
            EXPECT(tr_cancel_requested() && tr_deadline_left() == 0);
            rc = tr_yield();
        }
        EXPECT(rc == TR_ETIMEDOUT);
    }
    for (int i = 0; i < 2; i++) {
        int rc = 0;

        TR_DEADLINE(ample[i], &rc) {
            EXPECT(tr_deadline_left() > late);
            rc = tr_sleep(0.0001);
        }
        EXPECT(rc == 0);
    }
}

CASE(only_a_cancelled_result_becomes_a_timeout)
{
    static const int results[] = { 0, 7, TR_EBUSY };
    int rc = 0;

    for (int i = 0; i < 3; i++) {
        TR_DEADLINE(0, &rc) {
            EXPECT(tr_yield() == TR_ECANCELED);
            rc = results[i];
        }
        EXPECT(rc == results[i]);
    }
    TR_DEADLINE(late, &rc) {
        rc = TR_ECANCELED; /* not by this deadline */
    }
    EXPECT(rc == TR_ECANCELED);
}

static int return_within(double seconds)
{
    TR_DEADLINE(seconds) {
        return tr_yield();
    }
    return 1;
}

CASE(a_deadline_that_was_left_in_time_cancels_nothing_later)
{
    int rc = 0;

    EXPECT(return_within(late) == 0);
    EXPECT(return_within(0) == TR_ECANCELED);
    TR_DEADLINE(soon) {
        break;
    }
    TR_DEADLINE(soon, &rc) {
        rc = 3;
    }
    EXPECT(rc == 3 && tr_sleep(2 * soon) == 0);
}

/* ---- whose timeout it is ---- */

/* Blocks around an endless sleep, the outermost first, and what each reports. */
static void nest(const double seconds[3], int results[3])
{
    memset(results, 0, 3 * sizeof(results[0]));
    TR_DEADLINE(seconds[0], &results[0]) {
        TR_DEADLINE(seconds[1], &results[1]) {
            TR_DEADLINE(seconds[2], &results[2]) {
                results[2] = tr_sleep(TR_FOREVER);
            }
            results[1] = results[2] == TR_ECANCELED ? TR_ECANCELED : tr_yield();
        }
        results[0] = results[1] == TR_ECANCELED ? TR_ECANCELED : tr_yield();
    }
    EXPECT(tr_yield() == 0);
}

CASE(the_nearest_deadline_counts_and_is_the_one_that_reports)
{
    for (int nearest = 0; nearest < 3; nearest++) {
        double seconds[3] = { late, late, late };
        int results[3];

        seconds[nearest] = soon;
        nest(seconds, results);
        for (int i = 0; i < 3; i++)
            EXPECT(results[i] == (i < nearest ? 0 : i == nearest ? TR_ETIMEDOUT : TR_ECANCELED));
    }
}

CASE(of_equal_deadlines_the_outermost_reports)
{
    int results[3];

    nest((double[]){ soon, soon, soon }, results);
    EXPECT(results[0] == TR_ETIMEDOUT && results[1] == TR_ECANCELED && results[2] == TR_ECANCELED);
    nest((double[]){ 0, 0, 0 }, results);
    EXPECT(results[0] == TR_ETIMEDOUT && results[1] == TR_ECANCELED && results[2] == TR_ECANCELED);
}

CASE(of_deadlines_that_expire_about_together_one_reports_at_each_depth)
{
    int results[3];

    nest((double[]){ 1.02 * soon, 1.01 * soon, soon }, results);
    for (int i = 1; i < 3; i++)
        EXPECT(results[i] == 0 || results[i] == TR_ETIMEDOUT || results[i - 1] != 0);
    EXPECT(results[2] < 0);
}

CASE(who_tries_again_does_not_mistake_an_outer_timeout_for_an_own)
{
    int outer = 0;
    int tries = 0;

    TR_DEADLINE(5 * soon, &outer) {
        do {
            outer = 0;
            TR_DEADLINE(soon, &outer) {
                outer = tr_sleep(TR_FOREVER);
            }
            tries++;
        } while (outer == TR_ETIMEDOUT);
        EXPECT(outer == TR_ECANCELED);
    }
    EXPECT(outer == TR_ETIMEDOUT && tries <= 6);
}

typedef struct sleeper {
    double seconds; /* of its deadline */
    tr_event begun;
    int rc; /* of its block */
    int after;
} sleeper;

static int sleep_in_a_deadline(void *arg)
{
    sleeper *z = arg;

    z->rc = 0;
    TR_DEADLINE(z->seconds, &z->rc) {
        EXPECT(tr_event_set(&z->begun) == 0);
        z->rc = tr_sleep(TR_FOREVER);
    }
    z->after = tr_yield();
    return 0;
}

CASE(a_cancellation_is_nobodys_timeout)
{
    for (int loop = 0; loop < 2; loop++) {
        sleeper z = { .seconds = late };
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), sleep_in_a_deadline, &z) == 0);
        EXPECT(tr_event_wait(&z.begun) == 0);
        EXPECT(tr_task_cancel(t) == 1);
        EXPECT(tr_task_wait(t, TR_FOREVER) == 0);
        EXPECT(z.rc == TR_ECANCELED && z.after == TR_ECANCELED);
        tr_task_unref(t);
    }
}

CASE(a_cancellation_that_meets_a_timeout_is_not_swallowed)
{
    for (int loop = 0; loop < 2; loop++) {
        sleeper z = { .seconds = soon };
        tr_task *t;
        int was_running;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), sleep_in_a_deadline, &z) == 0);
        EXPECT(tr_event_wait(&z.begun) == 0);
        EXPECT(tr_sleep(soon) == 0);
        was_running = tr_task_cancel(t);
        EXPECT(tr_task_wait(t, TR_FOREVER) == 0);
        EXPECT(z.rc == TR_ETIMEDOUT || z.rc == TR_ECANCELED);
        EXPECT(z.rc == TR_ETIMEDOUT || z.after == TR_ECANCELED);
        EXPECT(was_running == 1 || (z.rc == TR_ETIMEDOUT && z.after == 0));
        tr_task_unref(t);
    }
}

/* ---- shields ---- */

CASE(a_shield_keeps_an_expired_deadline_out)
{
    int rc = 0;

    TR_DEADLINE(soon, &rc) {
        TR_SHIELD(TR_FOREVER) {
            EXPECT(isinf(tr_deadline_left()));
            EXPECT(tr_sleep(2 * soon) == 0 && !tr_cancel_requested());
        }
        EXPECT(tr_cancel_requested());
        rc = tr_yield();
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

CASE(a_shield_has_a_deadline_of_its_own)
{
    static const double none[] = { 0, -1, NAN };

    TR_SHIELD(soon) {
        EXPECT(tr_deadline_left() <= soon);
        EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
        TR_SHIELD(TR_FOREVER) {
            EXPECT(tr_yield() == 0);
        }
        EXPECT(tr_yield() == TR_ECANCELED);
    }
    for (int i = 0; i < 3; i++)
        TR_SHIELD(none[i]) {
            EXPECT(tr_yield() == TR_ECANCELED);
        }
    EXPECT(tr_yield() == 0);
}

CASE(a_deadline_in_a_shield_is_reported_though_the_task_is_cancelled)
{
    int outer = 0;

    TR_DEADLINE(0, &outer) {
        TR_SHIELD(TR_FOREVER) {
            int inner = 0;

            TR_DEADLINE(soon, &inner) {
                inner = tr_sleep(TR_FOREVER);
            }
            EXPECT(inner == TR_ETIMEDOUT && tr_yield() == 0);
        }
        TR_SHIELD(soon) {
            int inner = 0;

            TR_DEADLINE(late, &inner) {
                inner = tr_sleep(TR_FOREVER);
            }
            EXPECT(inner == TR_ECANCELED); /* the shield's */
        }
        outer = tr_yield();
    }
    EXPECT(outer == TR_ETIMEDOUT);
}

CASE(a_shield_within_a_shield_keeps_the_outer_ones_time_out)
{
    TR_SHIELD(soon) {
        TR_SHIELD(TR_FOREVER) {
            EXPECT(tr_sleep(2 * soon) == 0);
        }
        EXPECT(tr_cancel_requested() && tr_yield() == TR_ECANCELED);
    }
    EXPECT(!tr_cancel_requested());
}

/* ---- the time that is left ---- */

CASE(the_time_left_is_that_of_the_nearest_deadline)
{
    EXPECT(isinf(tr_deadline_left()));
    TR_DEADLINE(2 * late) {
        EXPECT(tr_deadline_left() > late && tr_deadline_left() <= 2 * late);
        TR_DEADLINE(late) {
            EXPECT(tr_deadline_left() <= late);
            TR_DEADLINE(2 * late) {
                EXPECT(tr_deadline_left() <= late);
            }
            TR_SHIELD(3 * late) {
                EXPECT(tr_deadline_left() > 2 * late);
                TR_DEADLINE(TR_FOREVER) {
                    EXPECT(tr_deadline_left() <= 3 * late);
                }
            }
            EXPECT(tr_deadline_left() <= late);
        }
        EXPECT(tr_deadline_left() > late);
    }
    EXPECT(isinf(tr_deadline_left()));
}

static void expect_no_deadline(void *unused)
{
    (void)unused;
    EXPECT(isinf(tr_deadline_left()));
    EXPECT(!tr_cancel_requested());
}

CASE(where_no_task_runs_there_is_no_deadline)
{
    int rc = 0;

    TR_DEADLINE(late, &rc) {
        call_elsewhere(expect_no_deadline, NULL);
        call_in_handler(true, expect_no_deadline, NULL);
    }
    EXPECT(rc == 0);
}

/* ---- what children inherit ---- */

struct inherit_args {
    int depth;
    double most; /* what may be left */
    counter *ended;
};

static int inherit(void *arg)
{
    const struct inherit_args *a = arg;
    int own = 0;
    int rc = 0;

    EXPECT(tr_deadline_left() <= a->most);
    TR_SCOPE(s, &rc) {
        if (a->depth > 0)
            (void)tr_go_on(s, TR_LOOP(a->depth % 2), inherit, a->depth - 1, a->most, a->ended);
        EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
        EXPECT(tr_deadline_left() == 0);
    }
    TR_DEADLINE(late, &own) {
        own = tr_yield();
    }
    EXPECT(own == TR_ECANCELED); /* it is an outer one's */
    count_up(a->ended);
    return rc;
}

CASE(children_inherit_the_deadline_on_every_loop)
{
    counter ended = { 0 };
    int rc = 0;

    TR_DEADLINE(4 * soon, &rc) {
        TR_SCOPE(s, &rc) {
            (void)tr_go_on(s, TR_LOOP(0), inherit, 3, 4 * soon, &ended);
            (void)tr_go_on(s, TR_LOOP(1), inherit, 3, 4 * soon, &ended);
        }
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(count_of(&ended) <= 8); /* of a machine that is slow, fewer */
}

struct last_args {
    double seconds;
    bool is_shielded;
    int expected; /* of its sleep */
};

static int last(void *arg)
{
    const struct last_args *a = arg;
    int rc = 1;

    TR_SHIELD(TR_FOREVER) {
        if (a->is_shielded)
            rc = tr_sleep(a->seconds);
    }
    if (!a->is_shielded)
        rc = tr_sleep(a->seconds);
    EXPECT(rc == a->expected);
    return tr_yield();
}

CASE(a_childs_shield_keeps_its_parents_deadline_out)
{
    int rc = 0;

    TR_DEADLINE(10 * soon, &rc) {
        TR_SCOPE(s, &rc) {
            (void)tr_go_on(s, TR_LOOP(0), last, 12 * soon, true, 0);
            (void)tr_go_on(s, TR_LOOP(1), last, 12 * soon, true, 0);
        }
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

CASE(children_of_a_block_in_a_shield_do_not_inherit_what_is_around_it)
{
    int rc = 0;

    TR_DEADLINE(0, &rc) {
        TR_SHIELD(TR_FOREVER) {
            TR_SCOPE(s, &rc) {
                EXPECT(tr_go_on(s, TR_LOOP(0), last, soon, false, 0) == 0);
                EXPECT(tr_go_on(s, TR_LOOP(1), last, soon, false, 0) == 0);
            }
            EXPECT(rc == 0);
        }
        TR_SHIELD(soon) {
            TR_SCOPE(s, &rc) {
                (void)tr_go_on(s, TR_LOOP(1), last, TR_FOREVER, false, TR_ECANCELED);
            }
            EXPECT(rc == TR_ECANCELED);
        }
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

static int have_no_deadline(void *unused)
{
    (void)unused;
    EXPECT(isinf(tr_deadline_left()));
    return tr_sleep(0.0001);
}

CASE(tasks_with_a_handle_inherit_none)
{
    tr_task *tasks[2];
    tr_future *f;

    TR_DEADLINE(0) {
        for (int i = 0; i < 2; i++)
            EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i), have_no_deadline, NULL) == 0);
        EXPECT(tr_submit(&f, TR_LOOP(1), have_no_deadline, NULL) == 0);
    }
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_await(f) == 0);
    tr_future_unref(f);
}

CASE(a_deadline_that_expires_while_a_child_cleans_up_is_not_swallowed)
{
    for (int loop = 0; loop < 2; loop++) {
        int rc = 0;

        TR_DEADLINE(soon, &rc) {
            TR_SCOPE(s, &rc) {
                (void)tr_go_on(s, TR_LOOP(loop), last, 3 * soon, true, 0);
                (void)tr_scope_cancel(s);
            }
            EXPECT(rc == TR_ECANCELED); /* though the block has cancelled itself, too */
        }
        EXPECT(rc == TR_ETIMEDOUT);
    }
}

struct fail_when_cut_args {
    int error;
};

static int fail_when_cut(void *arg)
{
    EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    return ((const struct fail_when_cut_args *)arg)->error;
}

CASE(an_error_outranks_a_timeout)
{
    for (int loop = 0; loop < 2; loop++) {
        bool has_begun = false; /* else the deadline had expired before */
        int rc = 0;

        TR_DEADLINE(10 * soon, &rc) {
            TR_SCOPE(s, &rc) {
                has_begun = tr_go_on(s, TR_LOOP(loop), fail_when_cut, TR_EBUSY) == 0;
            }
        }
        EXPECT(rc == (has_begun ? TR_EBUSY : TR_ETIMEDOUT));
    }
}

/* ---- waits with a limit ---- */

CASE(a_wait_that_is_long_enough_gets_the_result)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e = { .result = 5 };
        tr_future *f = start_errand(&e, loop);

        EXPECT(tr_event_set(&e.go) == 0);
        EXPECT(tr_wait_for(f, late) == 5 && e.was_done);
        EXPECT(tr_wait_for(f, 0) == 5 && tr_wait_for(f, -1) == 5);
        tr_future_unref(f);
    }
}

CASE(a_wait_that_is_too_short_returns_when_its_victim_has_ended)
{
    static const double limits[] = { 0.0005, 1e-9, 0, -1, -INFINITY };

    for (int i = 0; i < 10; i++) {
        errand e = { .result = 5 };
        tr_future *f = start_errand(&e, i % 2);

        EXPECT(tr_wait_for(f, limits[i / 2]) == TR_ETIMEDOUT);
        EXPECT(e.was_cut && tr_future_status(f) == TR_ECANCELED);
        EXPECT(tr_yield() == 0); /* it is the victim that was cancelled */
        tr_future_unref(f);
    }
}

CASE(a_wait_that_is_no_number_leaves_its_victim_alone)
{
    errand e = { .result = 5 };
    tr_future *f = start_errand(&e, 1);

    EXPECT(tr_wait_for(f, NAN) == TR_EINVAL);
    EXPECT(tr_event_set(&e.go) == 0);
    EXPECT(tr_wait_for(f, TR_FOREVER) == 5 && e.was_done);
    tr_future_unref(f);
}

static int end_well_all_the_same(void *unused)
{
    (void)unused;
    EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_sleep(soon) == 0);
    }
    note('e');
    return 6;
}

CASE(it_was_a_timeout_though_the_victim_ends_well)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), end_well_all_the_same, NULL) == 0);
        EXPECT(tr_task_wait(t, soon) == TR_ETIMEDOUT);
        EXPECT(strlen(notes()) == (size_t)loop + 1);
        EXPECT(tr_task_wait(t, 0) == 6);
        tr_task_unref(t);
    }
}

CASE(an_outer_deadline_ends_a_wait_and_its_victim_and_is_not_its_timeout)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e = { .result = 5 };
        tr_future *f = start_errand(&e, loop);
        int rc = 0;

        TR_DEADLINE(soon, &rc) {
            rc = tr_wait_for(f, late);
            EXPECT(rc == TR_ECANCELED && e.was_cut);
            EXPECT(tr_wait_for(f, late) == TR_ECANCELED);
        }
        EXPECT(rc == TR_ETIMEDOUT);
        tr_future_unref(f);
    }
}

typedef struct waiter {
    tr_future *f;
    tr_event begun;
    errand *e;
} waiter;

static int wait_a_long_time(void *arg)
{
    waiter *w = arg;
    int rc;

    EXPECT(tr_event_set(&w->begun) == 0);
    rc = tr_wait_for(w->f, late);
    EXPECT(w->e->was_cut); /* and has ended */
    return rc;
}

CASE(who_is_cancelled_in_a_wait_ends_its_victim)
{
    for (int i = 0; i < 4; i++) {
        errand e = { .result = 5 };
        waiter w = { .f = start_errand(&e, i % 2), .e = &e };
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(i / 2), wait_a_long_time, &w) == 0);
        EXPECT(tr_event_wait(&w.begun) == 0);
        EXPECT(tr_task_cancel(t) == 1);
        EXPECT(tr_task_wait(t, TR_FOREVER) == TR_ECANCELED);
        tr_task_unref(t);
        tr_future_unref(w.f);
    }
}

/* ---- what was delivered stays so ---- */

static int get_soon(void *queue)
{
    int item;
    int rc = 0;

    TR_DEADLINE(soon, &rc) {
        rc = tr_queue_get(queue, &item);
    }
    EXPECT(rc == 0 || rc == TR_ETIMEDOUT);
    return rc == 0 ? 1 : 0;
}

CASE(what_comes_at_the_deadline_is_got_or_left_never_lost)
{
    for (int i = 0; i < 6; i++) {
        tr_queue *q;
        tr_task *t;
        int got;

        EXPECT(tr_queue_new(&q, sizeof(int), 1, NULL) == 0);
        EXPECT(tr_task_spawn_on(&t, TR_LOOP(i % 2), get_soon, q) == 0);
        EXPECT(tr_sleep((0.9 + 0.04 * i) * soon) == 0);
        EXPECT(tr_queue_try_put(q, &i) == 0);
        got = tr_task_wait(t, TR_FOREVER);
        EXPECT(got + (int)tr_queue_count(q) == 1);
        tr_task_unref(t);
        EXPECT(tr_queue_free(q) == 0);
    }
}

static int resolve_soon(void *f)
{
    int rc;

    EXPECT(tr_sleep(soon) == 0);
    rc = tr_future_resolve(f, NULL, NULL);
    EXPECT(rc == 0 || rc == TR_EALREADY);
    return rc == 0 ? 1 : 0;
}

CASE(an_end_at_the_limit_is_the_end_or_a_timeout_for_all)
{
    for (int i = 0; i < 4; i++) {
        tr_future *f = open_future(i / 2);
        tr_task *t;
        int rc;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(i % 2), resolve_soon, f) == 0);
        rc = tr_wait_for(f, soon);
        EXPECT(rc == 0 || rc == TR_ETIMEDOUT);
        EXPECT(tr_future_is_done(f));
        EXPECT(tr_task_wait(t, TR_FOREVER) == (tr_future_status(f) == 0 ? 1 : 0));
        EXPECT(rc != 0 || tr_future_status(f) == 0);
        tr_task_unref(t);
        tr_future_unref(f);
    }
}

/* ---- every await ---- */

typedef struct limits {
    errand e;
    tr_future *f;
} limits;

static void begin_limits(void *arg)
{
    limits *l = arg;

    l->f = start_errand(&l->e, 1);
    EXPECT(tr_event_set(&l->e.go) == 0);
}

static int wait_in_deadlines(void *arg)
{
    const limits *l = arg;
    int rc = 0;

    TR_DEADLINE(late, &rc) {
        rc = AWAIT(tr_sleep(0.0001));
        TR_SHIELD(TR_FOREVER) {
            EXPECT(AWAIT(tr_sleep(0.0001)) == 0);
        }
        if (rc == 0)
            rc = AWAIT(tr_yield());
        if (rc == 0)
            rc = AWAIT(tr_wait_for(l->f, late));
    }
    return rc;
}

static void expect_no_timeout(void *arg, int rc)
{
    limits *l = arg;

    EXPECT(rc == 5 || rc == TR_ECANCELED);
    EXPECT(tr_wait_for(l->f, TR_FOREVER) == 5 || l->e.was_cut);
    tr_future_unref(l->f);
}

CASE(no_cancellation_is_ever_taken_for_a_timeout)
{
    limits l = { .e = { .result = 5 } };

    cancel_at_every_await(&(attempt){ begin_limits, wait_in_deadlines, expect_no_timeout }, &l);
}

CASES("timeout", an_expired_deadline_lasts_until_its_block_ends,
      no_time_and_no_number_expire_at_once_and_ever_never_does,
      only_a_cancelled_result_becomes_a_timeout,
      a_deadline_that_was_left_in_time_cancels_nothing_later,
      the_nearest_deadline_counts_and_is_the_one_that_reports,
      of_equal_deadlines_the_outermost_reports,
      of_deadlines_that_expire_about_together_one_reports_at_each_depth,
      who_tries_again_does_not_mistake_an_outer_timeout_for_an_own,
      a_cancellation_is_nobodys_timeout, a_cancellation_that_meets_a_timeout_is_not_swallowed,
      a_shield_keeps_an_expired_deadline_out, a_shield_has_a_deadline_of_its_own,
      a_deadline_in_a_shield_is_reported_though_the_task_is_cancelled,
      a_shield_within_a_shield_keeps_the_outer_ones_time_out,
      the_time_left_is_that_of_the_nearest_deadline, where_no_task_runs_there_is_no_deadline,
      children_inherit_the_deadline_on_every_loop, a_childs_shield_keeps_its_parents_deadline_out,
      children_of_a_block_in_a_shield_do_not_inherit_what_is_around_it,
      tasks_with_a_handle_inherit_none,
      a_deadline_that_expires_while_a_child_cleans_up_is_not_swallowed, an_error_outranks_a_timeout,
      a_wait_that_is_long_enough_gets_the_result,
      a_wait_that_is_too_short_returns_when_its_victim_has_ended,
      a_wait_that_is_no_number_leaves_its_victim_alone,
      it_was_a_timeout_though_the_victim_ends_well,
      an_outer_deadline_ends_a_wait_and_its_victim_and_is_not_its_timeout,
      who_is_cancelled_in_a_wait_ends_its_victim,
      what_comes_at_the_deadline_is_got_or_left_never_lost,
      an_end_at_the_limit_is_the_end_or_a_timeout_for_all,
      no_cancellation_is_ever_taken_for_a_timeout)
