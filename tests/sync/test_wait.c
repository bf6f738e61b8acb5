/* Waiting for some of several futures, and for each of them as it ends; and what tr_wait_for does
 * with those of other loops. */
#include <string.h>

#include "sync/cases.h"

static void start_all(errand *e, tr_future **fs, int n)
{
    for (int i = 0; i < n; i++)
        fs[i] = start_errand(&e[i], i % 2);
}

/* Let all go, wait until they have ended, and give them back. */
static void end_all(errand *e, tr_future **fs, int n)
{
    for (int i = 0; i < n; i++)
        let_go(&e[i]);
    EXPECT(tr_wait(fs, (size_t)n, TR_ALL_COMPLETED, TR_FOREVER) == n);
    unref_all(fs, n);
}

/* ---- some ---- */

CASE(the_first_end_is_enough)
{
    for (int at = 0; at < 3; at++) {
        errand e[3] = { { .result = 0 }, { .result = 0 }, { .result = 0 } };
        tr_future *fs[3];

        e[at].result = TR_EBUSY; /* a failure is an end, too */
        start_all(e, fs, 3);
        let_go(&e[at]);
        EXPECT(tr_wait(fs, 3, TR_FIRST_COMPLETED, TR_FOREVER) == 1);
        for (int i = 0; i < 3; i++)
            EXPECT(tr_future_is_done(fs[i]) == (i == at));
        EXPECT(tr_wait(fs, 3, TR_FIRST_COMPLETED, TR_FOREVER) == 1); /* at once */
        end_all(e, fs, 3);
    }
}

CASE(all_are_waited_for_whatever_becomes_of_them)
{
    errand e[3] = { { .result = TR_EBUSY }, { .result = 2 }, { .result = 0 } };
    tr_future *fs[3];

    start_all(e, fs, 3);
    EXPECT(tr_future_cancel(fs[2]) == 1);
    let_go(&e[0]);
    let_go(&e[1]);
    EXPECT(tr_wait(fs, 3, TR_ALL_COMPLETED, TR_FOREVER) == 3);
    EXPECT(tr_future_status(fs[0]) == TR_EBUSY && tr_future_status(fs[1]) == 2);
    EXPECT(tr_future_status(fs[2]) == TR_ECANCELED && e[2].was_cut);
    unref_all(fs, 3);
}

CASE(the_first_failure_is_enough_and_successes_are_not)
{
    errand e[4] = { { .result = 1 }, { .result = 0 }, { .result = TR_EPIPE }, { .result = 0 } };
    tr_future *fs[4];

    start_all(e, fs, 4);
    let_go(&e[0]);
    let_go(&e[1]);
    EXPECT(tr_gather(fs, 2, 0) == 0);
    let_go(&e[2]);
    EXPECT(tr_wait(fs, 4, TR_FIRST_FAILED, TR_FOREVER) == 3);
    EXPECT(!tr_future_is_done(fs[3]));
    end_all(e, fs, 4);
}

CASE(without_a_failure_all_are_waited_for)
{
    errand e[2] = { { .result = 1 }, { .result = 0 } };
    tr_future *fs[2];

    start_all(e, fs, 2);
    let_go(&e[0]);
    let_go(&e[1]);
    EXPECT(tr_wait(fs, 2, TR_FIRST_FAILED, TR_FOREVER) == 2);
    unref_all(fs, 2);
}

CASE(one_that_was_cancelled_has_not_failed)
{
    tr_future *fs[2] = { open_future(0), open_future(1) };

    EXPECT(tr_future_cancel(fs[0]) == 1);
    EXPECT(tr_wait(fs, 2, TR_FIRST_FAILED, 0) == TR_ETIMEDOUT);
    EXPECT(tr_post(TR_LOOP(1), fail_future, fs[1]) == 0);
    EXPECT(tr_wait(fs, 2, TR_FIRST_FAILED, TR_FOREVER) == 2);
    unref_all(fs, 2);
}

CASE(none_of_none_is_waited_for)
{
    EXPECT(tr_wait(NULL, 0, TR_FIRST_COMPLETED, TR_FOREVER) == 0);
    EXPECT(tr_wait(NULL, 0, TR_FIRST_FAILED, TR_FOREVER) == 0);
    EXPECT(tr_wait(NULL, 0, TR_ALL_COMPLETED, 0) == 0);
}

CASE(one_that_is_there_twice_counts_twice)
{
    tr_future *f = open_future(1);
    tr_future *fs[3] = { f, open_future(0), f };

    EXPECT(tr_post(TR_LOOP(1), resolve, f) == 0);
    EXPECT(tr_wait(fs, 3, TR_FIRST_FAILED, 0.0) == TR_ETIMEDOUT);
    while (tr_wait(fs, 3, TR_FIRST_COMPLETED, TR_FOREVER) < 2)
        ;
    resolve(fs[1]);
    EXPECT(tr_wait(fs, 3, TR_ALL_COMPLETED, TR_FOREVER) == 3);
    unref_all(fs, 2);
}

CASE(more_than_a_handful_are_waited_for_one_after_the_other)
{
    enum { MANY = 30 };
    errand e[MANY] = { { .result = 0 } };
    tr_future *fs[MANY];
    int left = MANY;

    start_all(e, fs, MANY);
    for (int i = 0; i < MANY; i++)
        let_go(&e[i]);
    while (left > 0) {
        int kept = 0;

        EXPECT(tr_wait(fs, (size_t)left, TR_FIRST_COMPLETED, TR_FOREVER) >= 1);
        for (int i = 0; i < left; i++)
            if (tr_future_is_done(fs[i]))
                tr_future_unref(fs[i]);
            else
                fs[kept++] = fs[i];
        EXPECT(kept < left);
        left = kept;
    }
}

/* ---- time ---- */

CASE(when_the_time_is_over_nothing_was_cancelled)
{
    errand e[3] = { { .result = 0 }, { .result = 0 }, { .result = 0 } };
    tr_future *fs[3];

    start_all(e, fs, 3);
    let_go(&e[0]);
    EXPECT(tr_wait(fs, 1, TR_ALL_COMPLETED, TR_FOREVER) == 1);
    EXPECT(tr_wait(fs, 3, TR_ALL_COMPLETED, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_wait(&fs[1], 2, TR_FIRST_COMPLETED, 0.001) == TR_ETIMEDOUT);
    EXPECT(!tr_future_is_done(fs[1]) && !tr_future_is_done(fs[2]));
    end_all(e, fs, 3);
    EXPECT(e[1].was_done && e[2].was_done);
}

CASE(without_time_it_only_looks)
{
    tr_future *fs[2] = { open_future(0), open_future(1) };

    EXPECT(tr_wait(fs, 2, TR_FIRST_COMPLETED, 0) == TR_ETIMEDOUT);
    EXPECT(tr_wait(fs, 2, TR_FIRST_COMPLETED, -1) == TR_ETIMEDOUT);
    resolve(fs[1]);
    EXPECT(tr_wait(fs, 2, TR_FIRST_COMPLETED, 0) == 1);
    EXPECT(tr_wait(fs, 2, TR_ALL_COMPLETED, -1) == TR_ETIMEDOUT);
    resolve(fs[0]);
    EXPECT(tr_wait(fs, 2, TR_ALL_COMPLETED, -1) == 2);
    unref_all(fs, 2);
}

CASE(a_long_time_is_not_waited_for_to_its_end)
{
    tr_future *f = open_future(1);

    EXPECT(tr_post(TR_LOOP(1), resolve, f) == 0);
    EXPECT(tr_wait(&f, 1, TR_ALL_COMPLETED, 1e6) == 1);
    tr_future_unref(f);
}

CASE(an_outer_deadline_is_not_taken_for_its_own)
{
    tr_future *f = open_future(1);
    int rc = 0;

    TR_DEADLINE(0.001, &rc) {
        rc = tr_wait(&f, 1, TR_ALL_COMPLETED, 1000);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    TR_DEADLINE(1000, &rc) {
        rc = tr_wait(&f, 1, TR_ALL_COMPLETED, 0.001);
        EXPECT(rc == TR_ETIMEDOUT && !tr_cancel_requested());
    }
    resolve(f);
    tr_future_unref(f);
}

/* ---- cancellation ---- */

typedef struct crowd {
    errand e[3];
    tr_future *fs[4];
    tr_wait_when when;
    tr_event is_released;
} crowd;

static int wait_for_all(void *arg)
{
    return tr_wait(arg, 2, TR_ALL_COMPLETED, 1000);
}

CASE(who_is_cancelled_while_he_waits_leaves_all_alone)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e[2] = { { .result = 0 }, { .result = 0 } };
        tr_future *fs[2];
        tr_task *task;

        start_all(e, fs, 2);
        EXPECT(tr_task_spawn_on(&task, TR_LOOP(loop), wait_for_all, fs) == 0);
        let_others_run();
        EXPECT(tr_task_cancel(task) == 1);
        EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
        tr_task_unref(task);
        EXPECT(!tr_future_is_done(fs[0]) && !tr_future_is_done(fs[1]));
        end_all(e, fs, 2);
        EXPECT(e[0].was_done && e[1].was_done);
    }
}

static void release(void *arg)
{
    crowd *c = arg;

    resolve(c->fs[3]);
    for (int i = 2; i >= 0; i--)
        let_go(&c->e[i]);
    EXPECT(tr_event_set(&c->is_released) == 0);
}

static void begin_crowd(void *arg)
{
    crowd *c = arg;

    for (int i = 0; i < 3; i++)
        c->e[i].result = i;
    start_all(c->e, c->fs, 3);
    c->fs[3] = open_future(1);
    c->is_released = (tr_event){ 0 };
    EXPECT(tr_post(TR_LOOP(1), release, c) == 0);
}

static int wait_thrice(void *arg)
{
    crowd *c = arg;

    for (int i = 0; i < 3; i++) {
        int rc = AWAIT(tr_wait(c->fs, 4, c->when, 1000));

        if (rc < 0)
            return rc;
        EXPECT(rc >= 1);
    }
    return 0;
}

static void expect_all_done(void *arg, int rc)
{
    crowd *c = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_wait(c->fs, 4, TR_ALL_COMPLETED, TR_FOREVER) == 4);
    for (int i = 0; i < 3; i++)
        EXPECT(c->e[i].was_done);
    EXPECT(tr_event_wait(&c->is_released) == 0);
    unref_all(c->fs, 4);
}

CASE(whenever_who_waits_is_cancelled_all_goes_on)
{
    static const attempt steps = { begin_crowd, wait_thrice, expect_all_done };
    crowd c;

    for (int when = TR_FIRST_COMPLETED; when <= TR_ALL_COMPLETED; when++) {
        c.when = (tr_wait_when)when;
        cancel_at_every_await(&steps, &c);
    }
}

/* ---- each as it ends ---- */

CASE(each_comes_as_it_ends)
{
    static const int order[] = { 2, 0, 3, 1 };
    tr_future *fs[4];
    int turn = 0;
    int rc = 1;

    for (int i = 0; i < 4; i++)
        fs[i] = open_future(i % 2);
    resolve(fs[order[0]]);
    TR_FOREACH_COMPLETED(&rc, i, fs, 4)
    {
        EXPECT((int)i == order[turn]);
        EXPECT(tr_future_is_done(fs[i]));
        if (++turn < 4)
            resolve(fs[order[turn]]);
    }
    EXPECT(rc == 0 && turn == 4);
    unref_all(fs, 4);
}

CASE(those_that_have_ended_before_come_as_they_stand)
{
    tr_future *fs[3] = { open_future(0), open_future(1), open_future(0) };
    size_t turn = 0;
    int rc;

    for (int i = 2; i >= 0; i--)
        resolve(fs[i]);
    TR_FOREACH_COMPLETED(&rc, i, fs, 3)
    EXPECT(i == turn++);
    EXPECT(rc == 0 && turn == 3);
    unref_all(fs, 3);
}

CASE(failures_come_like_others)
{
    errand e[3] = { { .result = 1 }, { .result = TR_EBUSY }, { .result = 0 } };
    tr_future *fs[3];
    int seen = 0;
    int rc;

    start_all(e, fs, 3);
    EXPECT(tr_future_cancel(fs[2]) == 1);
    let_go(&e[0]);
    let_go(&e[1]);
    TR_FOREACH_COMPLETED(&rc, i, fs, 3)
    {
        EXPECT(tr_future_status(fs[i]) == (i == 2 ? TR_ECANCELED : e[i].result));
        seen++;
    }
    EXPECT(rc == 0 && seen == 3);
    unref_all(fs, 3);
}

CASE(a_loop_that_is_broken_off_leaves_the_rest_alone)
{
    errand e[3] = { { .result = 0 }, { .result = 0 }, { .result = 0 } };
    tr_future *fs[3];
    int turns = 0;
    int rc;

    start_all(e, fs, 3);
    let_go(&e[1]);
    TR_FOREACH_COMPLETED(&rc, i, fs, 3)
    {
        EXPECT(i == 1);
        turns++;
        break;
    }
    EXPECT(rc == 0 && turns == 1);
    EXPECT(!tr_future_is_done(fs[0]) && !tr_future_is_done(fs[2]));
    end_all(e, fs, 3);
    EXPECT(e[0].was_done && e[2].was_done);
}

static int find_failure(void *arg)
{
    tr_future **fs = arg;
    int rc;

    TR_FOREACH_COMPLETED(&rc, i, fs, 6)
    {
        int status = tr_future_status(fs[i]);

        if (status >= 0)
            continue;
        return status;
    }
    return rc;
}

CASE(a_loop_may_be_left_by_return)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e[6] = { { .result = 0 }, { .result = 0 }, { .result = TR_EPIPE } };
        tr_future *fs[6];
        tr_task *task;

        start_all(e, fs, 6); /* more than need no memory */
        EXPECT(tr_task_spawn_on(&task, TR_LOOP(loop), find_failure, fs) == 0);
        let_go(&e[1]);
        let_go(&e[2]);
        EXPECT(tr_task_wait(task, TR_FOREVER) == TR_EPIPE);
        tr_task_unref(task);
        EXPECT(!tr_future_is_done(fs[0]));
        end_all(e, fs, 6);
    }
}

CASE(what_was_seen_may_be_given_back_at_once)
{
    enum { MANY = 12 };
    errand e[MANY] = { { .result = 0 } };
    tr_future *fs[MANY];
    int left = MANY;
    int rc;

    start_all(e, fs, MANY);
    for (int i = 0; i < MANY; i++)
        let_go(&e[i]);
    TR_FOREACH_COMPLETED(&rc, i, fs, MANY)
    {
        tr_future_unref(fs[i]);
        fs[i] = NULL;
        left--;
    }
    EXPECT(rc == 0 && left == 0);
}

CASE(what_ends_while_the_body_awaits_is_not_lost)
{
    tr_future *fs[4];
    int turns = 0;
    int rc;

    for (int i = 0; i < 4; i++)
        fs[i] = open_future(i % 2);
    resolve(fs[0]);
    TR_FOREACH_COMPLETED(&rc, i, fs, 4)
    {
        for (size_t k = 1; k < 4 && i == 0; k++)
            EXPECT(tr_post(TR_LOOP((int)k % 2), resolve, fs[k]) == 0);
        let_others_run();
        turns++;
    }
    EXPECT(rc == 0 && turns == 4);
    unref_all(fs, 4);
}

CASE(loops_stand_within_loops)
{
    tr_future *fs[2] = { open_future(0), open_future(1) };
    int turns = 0;
    int rc;
    int inner;

    EXPECT(tr_post(TR_LOOP(1), resolve, fs[0]) == 0);
    EXPECT(tr_post(TR_LOOP(1), resolve, fs[1]) == 0);
    TR_FOREACH_COMPLETED(&rc, i, fs, 2)
    TR_FOREACH_COMPLETED(&inner, k, fs, 2)
    {
        turns++;
        if (k == i)
            continue;
        break;
    }
    EXPECT(rc == 0 && inner == 0 && turns >= 2 && turns <= 4);
    unref_all(fs, 2);
}

CASE(nothing_has_no_turn)
{
    int rc = 1;

    TR_FOREACH_COMPLETED(&rc, i, NULL, 0)
    EXPECT(i > 0 && !"reached");
    EXPECT(rc == 0);
}

static int see_all(void *arg)
{
    crowd *c = arg;
    int seen = 0;
    int rc;

    await_begins();
    TR_FOREACH_COMPLETED(&rc, i, c->fs, 4)
    {
        EXPECT(tr_future_is_done(c->fs[i]));
        seen++;
        await_begins();
    }
    EXPECT(rc == TR_ECANCELED || seen == 4);
    return rc;
}

CASE(whenever_a_loop_is_cancelled_it_ends_and_all_goes_on)
{
    static const attempt steps = { begin_crowd, see_all, expect_all_done };
    crowd c;

    cancel_at_every_await(&steps, &c);
}

static int see_none(void *arg)
{
    tr_future **fs = arg;
    int rc;

    EXPECT(tr_yield() == TR_ECANCELED);
    TR_FOREACH_COMPLETED(&rc, i, fs, 1)
    EXPECT(i > 0 && !"reached");
    return rc;
}

CASE(who_was_cancelled_before_has_no_turn)
{
    tr_future *f = open_future(0);
    tr_task *task;

    resolve(f);
    EXPECT(tr_task_spawn(&task, see_none, &f) == 0);
    EXPECT(tr_task_cancel(task) == 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(task);
    tr_future_unref(f);
}

/* ---- one, on the other loop ---- */

CASE(a_task_of_the_other_loop_is_waited_for)
{
    errand e = { .result = 6 };
    tr_task *task;

    EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), run_errand, &e) == 0);
    let_go(&e);
    EXPECT(tr_wait_for(tr_task_future(task), 1000) == 6);
    EXPECT(tr_wait_for(tr_task_future(task), -1) == 6);
    tr_task_unref(task);
}

CASE(a_task_of_the_other_loop_has_ended_when_its_time_is_over)
{
    for (int i = 0; i < 2; i++) {
        errand e = { .result = 6 };
        tr_task *task;

        EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), run_errand, &e) == 0);
        EXPECT(tr_wait_for(tr_task_future(task), i == 0 ? 0.001 : 0) == TR_ETIMEDOUT);
        EXPECT(e.was_cut && tr_future_status(tr_task_future(task)) == TR_ECANCELED);
        tr_task_unref(task);
    }
}

static int wait_for_one(void *f)
{
    return tr_wait_for(f, 1000);
}

CASE(who_is_cancelled_while_he_waits_for_one_takes_it_with_him)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e = { .result = 6 };
        tr_future *f = start_errand(&e, 0);
        tr_task *task;

        EXPECT(tr_task_spawn_on(&task, TR_LOOP(loop), wait_for_one, f) == 0);
        let_others_run();
        EXPECT(tr_task_cancel(task) == 1);
        EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
        EXPECT(e.was_cut);
        tr_task_unref(task);
        tr_future_unref(f);
    }
}

struct fleet_args {
    tr_task **tasks;
};

/* Waits for tasks of loop 0 on loop 1, in each way. */
static int fleet(void *arg)
{
    const struct fleet_args *a = arg;
    tr_future *fs[3];
    int seen = 0;
    int rc;

    for (int i = 0; i < 3; i++)
        fs[i] = tr_task_future(a->tasks[i]);
    EXPECT(tr_wait(fs, 3, TR_FIRST_COMPLETED, TR_FOREVER) >= 1);
    TR_FOREACH_COMPLETED(&rc, i, fs, 3)
    seen++;
    EXPECT(rc == 0 && seen == 3);
    EXPECT(tr_gather(fs, 3, TR_GATHER_ALL) == 0);
    EXPECT(tr_any(NULL, fs, 3) == 1);
    return tr_gather(fs, 3, 0);
}

CASE(futures_of_tasks_are_waited_for_on_another_loop)
{
    errand e[3] = { { .result = 1 }, { .result = 1 }, { .result = TR_EBUSY } };
    tr_task *tasks[3];
    int rc;

    for (int i = 0; i < 3; i++)
        EXPECT(tr_task_spawn(&tasks[i], run_errand, &e[i]) == 0);
    TR_SCOPE(s, &rc) {
        tr_go_on(s, TR_LOOP(1), fleet, .tasks = tasks);
        let_others_run();
        for (int i = 0; i < 3; i++)
            let_go(&e[i]);
    }
    EXPECT(rc == TR_EBUSY);
    for (int i = 0; i < 3; i++)
        tr_task_unref(tasks[i]);
}

/* ---- wrong ---- */

static void wait_in_the_wrong_place(void *fs)
{
    tr_future **both = fs;
    int rc = 0;

    EXPECT(tr_wait(fs, 2, TR_ALL_COMPLETED, 0) == TR_EWRONGPLACE);
    EXPECT(tr_wait(NULL, 0, TR_ALL_COMPLETED, 0) == TR_EWRONGPLACE);
    TR_FOREACH_COMPLETED(&rc, i, both, 2)
    EXPECT(i > 2);
    EXPECT(rc == TR_EWRONGPLACE);
}

CASE(only_tasks_wait)
{
    tr_future *fs[2] = { open_future(0), open_future(1) };

    call_elsewhere(wait_in_the_wrong_place, fs);
    resolve(fs[0]);
    resolve(fs[1]);
    unref_all(fs, 2);
}

CASE(bad_arguments_are_refused)
{
    tr_future *fs[2] = { open_future(0), NULL };
    int rc = 0;

    EXPECT(tr_wait(NULL, 1, TR_ALL_COMPLETED, 0) == TR_EINVAL);
    EXPECT(tr_wait(fs, 2, TR_FIRST_COMPLETED, 0) == TR_EINVAL);
    EXPECT(tr_wait(fs, 1, TR_FIRST_COMPLETED, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_wait(fs, 1, (tr_wait_when)3, 0) == TR_EINVAL);
    EXPECT(tr_wait(fs, 1, (tr_wait_when)-1, 0) == TR_EINVAL);
    EXPECT(tr_wait(fs, (size_t)INT32_MAX + 1, TR_ALL_COMPLETED, 0) == TR_EINVAL);
    TR_FOREACH_COMPLETED(&rc, i, fs, 2)
    EXPECT(i > 2);
    EXPECT(rc == TR_EINVAL);
    TR_FOREACH_COMPLETED(NULL, i, (tr_future **)NULL, 1)
    EXPECT(i > 2);
    resolve(fs[0]);
    tr_future_unref(fs[0]);
}

CASES("wait", the_first_end_is_enough, all_are_waited_for_whatever_becomes_of_them,
      the_first_failure_is_enough_and_successes_are_not, without_a_failure_all_are_waited_for,
      one_that_was_cancelled_has_not_failed, none_of_none_is_waited_for,
      one_that_is_there_twice_counts_twice, more_than_a_handful_are_waited_for_one_after_the_other,
      when_the_time_is_over_nothing_was_cancelled, without_time_it_only_looks,
      a_long_time_is_not_waited_for_to_its_end, an_outer_deadline_is_not_taken_for_its_own,
      who_is_cancelled_while_he_waits_leaves_all_alone, whenever_who_waits_is_cancelled_all_goes_on,
      each_comes_as_it_ends, those_that_have_ended_before_come_as_they_stand,
      failures_come_like_others, a_loop_that_is_broken_off_leaves_the_rest_alone,
      a_loop_may_be_left_by_return, what_was_seen_may_be_given_back_at_once,
      what_ends_while_the_body_awaits_is_not_lost, loops_stand_within_loops, nothing_has_no_turn,
      whenever_a_loop_is_cancelled_it_ends_and_all_goes_on, who_was_cancelled_before_has_no_turn,
      a_task_of_the_other_loop_is_waited_for,
      a_task_of_the_other_loop_has_ended_when_its_time_is_over,
      who_is_cancelled_while_he_waits_for_one_takes_it_with_him,
      futures_of_tasks_are_waited_for_on_another_loop, only_tasks_wait, bad_arguments_are_refused)
