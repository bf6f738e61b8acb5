/* Wait groups. */
#include <string.h>

#include "sync/cases.h"

static int wait_and_note(void *g)
{
    int rc = tr_wait_group_wait(g);

    note(rc == 0 ? 'w' : '-');
    return rc;
}

CASE(a_group_of_zeros_is_done)
{
    tr_wait_group g = { 0 };

    EXPECT(tr_wait_group_count(&g) == 0);
    EXPECT(tr_wait_group_wait(&g) == 0);
    EXPECT(tr_wait_group_wait_for(&g, 0) == 0);
    EXPECT(tr_wait_group_add(&g, 0) == 0);
    EXPECT(tr_wait_group_wait_for(&g, 0) == 0);
}

CASE(all_who_wait_go_on_when_the_last_is_done)
{
    tr_wait_group g = { 0 };
    int rc;

    EXPECT(tr_wait_group_add(&g, 2) == 0);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++)
            EXPECT(tr_scope_spawn(s, wait_and_note, &g) == 0);
        let_others_run();
        EXPECT(tr_wait_group_done(&g) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_wait_group_count(&g) == 1);
        EXPECT(tr_wait_group_done(&g) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "www") == 0);
    EXPECT(tr_wait_group_count(&g) == 0);
}

CASE(more_may_be_added_while_somebody_waits)
{
    tr_wait_group g = { 0 };
    int rc;

    EXPECT(tr_wait_group_add(&g, 1) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, wait_and_note, &g) == 0);
        let_others_run();
        EXPECT(tr_wait_group_add(&g, 2) == 0);
        EXPECT(tr_wait_group_done(&g) == 0);
        EXPECT(tr_wait_group_done(&g) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_wait_group_add(&g, -1) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "w") == 0);
}

CASE(those_who_were_let_go_on_do_so_though_it_begins_anew)
{
    tr_wait_group g = { 0 };
    int rc;

    EXPECT(tr_wait_group_add(&g, 1) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, wait_and_note, &g) == 0);
        let_others_run();
        EXPECT(tr_wait_group_done(&g) == 0);
        EXPECT(tr_wait_group_add(&g, 1) == 0); /* the other has not run yet */
        EXPECT(tr_wait_group_wait_for(&g, 0.001) == TR_ETIMEDOUT);
        EXPECT(strcmp(notes(), "w") == 0);
        EXPECT(tr_wait_group_done(&g) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(tr_wait_group_wait(&g) == 0);
}

CASE(below_zero_is_refused_and_changes_nothing)
{
    tr_wait_group g = { 0 };
    int rc;

    EXPECT(tr_wait_group_done(&g) == TR_EINVAL);
    EXPECT(tr_wait_group_add(&g, 2) == 0);
    EXPECT(tr_wait_group_add(&g, -3) == TR_EINVAL);
    EXPECT(tr_wait_group_count(&g) == 2);
    TR_SCOPE(s, &rc) { /* also while somebody waits */
        EXPECT(tr_scope_spawn(s, wait_and_note, &g) == 0);
        let_others_run();
        EXPECT(tr_wait_group_add(&g, -3) == TR_EINVAL);
        let_others_run();
        EXPECT(tr_wait_group_count(&g) == 2);
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_wait_group_add(&g, -2) == 0);
    }
    EXPECT(rc == 0);
}

CASE(there_is_a_most)
{
    const int64_t most = INT64_C(1) << 62;
    tr_wait_group g = { 0 };

    EXPECT(tr_wait_group_add(&g, most) == 0);
    EXPECT(tr_wait_group_add(&g, 1) == TR_ELIMIT);
    EXPECT(tr_wait_group_wait_for(&g, 0) == TR_ETIMEDOUT);
    EXPECT(tr_wait_group_wait_for(&g, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_wait_group_add(&g, most) == TR_ELIMIT);
    EXPECT(tr_wait_group_add(&g, INT64_MAX) == TR_EINVAL);
    EXPECT(tr_wait_group_add(&g, INT64_MIN) == TR_EINVAL);
    EXPECT(tr_wait_group_add(&g, -most) == 0);
    EXPECT(tr_wait_group_wait_for(&g, 0) == 0);
}

/* ---- between loops and threads ---- */

typedef struct crowd {
    tr_wait_group g;
    counter done;
} crowd;

static int work(void *arg)
{
    crowd *c = arg;

    EXPECT(tr_yield() == 0);
    count_up(&c->done);
    return tr_wait_group_done(&c->g);
}

static void work_as_thread(void *arg)
{
    crowd *c = arg;

    count_up(&c->done);
    EXPECT(tr_wait_group_done(&c->g) == 0);
}

CASE(tasks_of_all_loops_and_threads_are_waited_for)
{
    crowd c = { .done = { 0 } };
    foreign *thread;
    int rc;

    EXPECT(tr_wait_group_add(&c.g, 7) == 0);
    thread = foreign_start(work_as_thread, &c);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 6; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), work, &c) == 0);
        EXPECT(tr_wait_group_wait(&c.g) == 0);
        EXPECT(count_of(&c.done) == 7);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
}

static void work_on_a_loop(void *g)
{
    EXPECT(tr_wait_group_done(g) == 0);
}

/* Its memory is used anew at once: nobody may look at it any more. */
static void wait_on_this_stack(bool with_time)
{
    tr_wait_group g = { 0 };

    EXPECT(tr_wait_group_add(&g, 2) == 0);
    for (int i = 0; i < 2; i++)
        EXPECT(tr_post(TR_LOOP(i), work_on_a_loop, &g) == 0);
    if (with_time)
        while (tr_wait_group_wait_for(&g, 0) != 0)
            EXPECT(tr_sleep(0.00001) == 0);
    EXPECT(tr_wait_group_wait(&g) == 0);
    memset(&g, 0xa5, sizeof(g));
}

CASE(a_group_may_be_gone_when_it_was_waited_for)
{
    for (int i = 0; i < 4; i++)
        wait_on_this_stack(i % 2);
}

static void wait_as_thread(void *arg)
{
    crowd *c = arg;

    EXPECT(tr_wait_group_wait_for(&c->g, 0) == TR_ETIMEDOUT);
    EXPECT(tr_wait_group_wait_for(&c->g, 0.001) == TR_ETIMEDOUT);
    count_up(&c->done);
    EXPECT(tr_wait_group_wait(&c->g) == 0);
}

CASE(a_thread_waits_as_long_as_it_wants)
{
    crowd c = { .done = { 0 } };
    foreign *thread;

    EXPECT(tr_wait_group_add(&c.g, 1) == 0);
    thread = foreign_start(wait_as_thread, &c);
    while (count_of(&c.done) == 0)
        EXPECT(tr_sleep(0.001) == 0);
    EXPECT(tr_wait_group_done(&c.g) == 0);
    foreign_end(thread);
}

/* ---- cancellation ---- */

CASE(one_who_is_cancelled_leaves_the_others_waiting)
{
    tr_wait_group g = { 0 };
    tr_task *first;
    int rc;

    EXPECT(tr_wait_group_add(&g, 1) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_task_spawn(&first, wait_and_note, &g) == 0);
        EXPECT(tr_scope_spawn(s, wait_and_note, &g) == 0);
        let_others_run();
        EXPECT(tr_task_wait(first, 0) == TR_ETIMEDOUT);
        tr_task_unref(first);
        EXPECT(strcmp(notes(), "-") == 0);
        EXPECT(tr_wait_group_done(&g) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "-w") == 0);
}

CASE(one_who_was_let_go_on_has_waited_though_it_is_cancelled_then)
{
    tr_wait_group g = { 0 };
    tr_task *waiter;

    EXPECT(tr_wait_group_add(&g, 1) == 0);
    EXPECT(tr_task_spawn(&waiter, wait_and_note, &g) == 0);
    let_others_run();
    EXPECT(tr_wait_group_done(&g) == 0);
    EXPECT(tr_task_cancel(waiter) == 1); /* it has not run yet */
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == 0);
    tr_task_unref(waiter);
    EXPECT(strcmp(notes(), "w") == 0);
}

typedef struct relay {
    tr_wait_group g;
    tr_task *other;
} relay;

static int wait_twice(void *arg)
{
    relay *r = arg;
    int rc = AWAIT(tr_wait_group_wait(&r->g));

    return rc < 0 ? rc : AWAIT(tr_wait_group_wait_for(&r->g, 1000));
}

static int finish_both(void *arg)
{
    relay *r = arg;

    EXPECT(tr_wait_group_done(&r->g) == 0);
    EXPECT(tr_yield() == 0);
    return tr_wait_group_done(&r->g);
}

static void start_other(void *arg)
{
    relay *r = arg;

    EXPECT(tr_wait_group_add(&r->g, 2) == 0);
    EXPECT(tr_task_spawn_on(&r->other, TR_LOOP(1), finish_both, r) == 0);
}

static void expect_finished(void *arg, int rc)
{
    relay *r = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(r->other, TR_FOREVER) == 0);
    tr_task_unref(r->other);
    EXPECT(tr_wait_group_wait_for(&r->g, 0) == 0);
}

CASE(a_group_survives_a_cancellation_at_every_await)
{
    relay r = { .other = NULL };

    cancel_at_every_await(&(attempt){ start_other, wait_twice, expect_finished }, &r);
}

/* ---- wrong ---- */

static void use_on_a_loop(void *g)
{
    EXPECT(tr_wait_group_wait(g) == TR_EWRONGPLACE);
    EXPECT(tr_wait_group_wait_for(g, 0) == TR_EWRONGPLACE);
    EXPECT(tr_wait_group_add(g, 1) == 0);
    EXPECT(tr_wait_group_add(g, -2) == 0);
}

CASE(a_loop_may_count_but_not_wait)
{
    tr_wait_group g = { 0 };

    EXPECT(tr_wait_group_add(&g, 1) == 0);
    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, &g) == 0);
    EXPECT(tr_wait_group_wait(&g) == 0);
}

CASE(bad_arguments_are_refused)
{
    tr_wait_group g = { 0 };

    EXPECT(tr_wait_group_add(NULL, 1) == TR_EINVAL);
    EXPECT(tr_wait_group_done(NULL) == TR_EINVAL);
    EXPECT(tr_wait_group_wait(NULL) == TR_EINVAL);
    EXPECT(tr_wait_group_wait_for(&g, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_wait_group_count(NULL) == 0);
}

CASES("wait_group", a_group_of_zeros_is_done, all_who_wait_go_on_when_the_last_is_done,
      more_may_be_added_while_somebody_waits, those_who_were_let_go_on_do_so_though_it_begins_anew,
      below_zero_is_refused_and_changes_nothing, there_is_a_most,
      tasks_of_all_loops_and_threads_are_waited_for, a_group_may_be_gone_when_it_was_waited_for,
      a_thread_waits_as_long_as_it_wants, one_who_is_cancelled_leaves_the_others_waiting,
      one_who_was_let_go_on_has_waited_though_it_is_cancelled_then,
      a_group_survives_a_cancellation_at_every_await, a_loop_may_count_but_not_wait,
      bad_arguments_are_refused)
