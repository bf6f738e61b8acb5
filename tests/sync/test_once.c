/* What is done once. */
#include <string.h>

#include "sync/cases.h"

typedef struct job {
    tr_once once;
    counter runs;
    int result;
    int failures; /* so many times it fails before */
    double seconds;
    int value; /* written by it, read without a lock when it is done */
} job;

static int do_it(void *arg)
{
    job *j = arg;
    int rc = j->seconds > 0 ? tr_sleep(j->seconds) : 0;

    count_up(&j->runs);
    if (rc < 0)
        return rc;
    if (j->failures > 0) {
        j->failures--;
        return TR_EAGAIN;
    }
    j->value++;
    return j->result;
}

static int need(void *arg)
{
    job *j = arg;
    int rc = tr_once_run(&j->once, do_it, j);

    if (rc == 0)
        EXPECT(j->value == 1);
    return rc;
}

CASE(it_runs_once)
{
    job j = { .result = 0 };

    EXPECT(!tr_once_is_done(&j.once));
    EXPECT(need(&j) == 0);
    EXPECT(tr_once_is_done(&j.once));
    EXPECT(need(&j) == 0);
    EXPECT(tr_once_run_for(&j.once, do_it, &j, 0) == 0);
    EXPECT(count_of(&j.runs) == 1);
}

CASE(any_success_is_success)
{
    job j = { .result = 7 };

    EXPECT(need(&j) == 0);
    EXPECT(need(&j) == 0);
    EXPECT(count_of(&j.runs) == 1);
}

static void need_as_thread(void *j)
{
    EXPECT(need(j) == 0);
}

CASE(all_who_need_it_meanwhile_wait_until_it_has_ended)
{
    job j = { .seconds = 0.001 };
    foreign *thread;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, need, &j) == 0);
        let_others_run(); /* a thread can't sleep by tr_sleep */
        thread = foreign_start(need_as_thread, &j);
        for (int i = 0; i < 6; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), need, &j) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(count_of(&j.runs) == 1);
}

CASE(threads_and_loops_may_race_for_it)
{
    job j = { .seconds = 0 };
    foreign *threads[] = { foreign_start(need_as_thread, &j), foreign_start(need_as_thread, &j) };
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), need, &j) == 0);
    }
    foreign_end(threads[0]);
    foreign_end(threads[1]);
    EXPECT(rc == 0);
    EXPECT(count_of(&j.runs) == 1);
}

/* ---- failures ---- */

CASE(who_ran_it_gets_its_error_and_the_next_tries_again)
{
    job j = { .failures = 2 };

    EXPECT(need(&j) == TR_EAGAIN);
    EXPECT(!tr_once_is_done(&j.once));
    EXPECT(need(&j) == TR_EAGAIN);
    EXPECT(need(&j) == 0);
    EXPECT(need(&j) == 0);
    EXPECT(count_of(&j.runs) == 3);
}

CASE(those_who_wait_have_their_turns_until_one_succeeds)
{
    job j = { .failures = 2, .seconds = 0.001 };
    tr_task *tasks[5];

    for (int i = 0; i < 5; i++) {
        EXPECT(tr_task_spawn(&tasks[i], need, &j) == 0);
        let_others_run();
    }
    for (int i = 0; i < 5; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == (i < 2 ? TR_EAGAIN : 0));
        tr_task_unref(tasks[i]);
    }
    EXPECT(count_of(&j.runs) == 3);
}

static int fail_for(void *arg)
{
    (void)arg;
    (void)tr_sleep(0.002);
    note('f');
    return TR_EPROTO;
}

static int need_failing(void *once)
{
    return tr_once_run(once, fail_for, NULL);
}

CASE(the_next_runs_its_own_function)
{
    job j = { .result = 0 };
    tr_task *first;

    EXPECT(tr_task_spawn(&first, need_failing, &j.once) == 0);
    let_others_run();
    EXPECT(need(&j) == 0);
    EXPECT(tr_task_wait(first, TR_FOREVER) == TR_EPROTO);
    tr_task_unref(first);
    EXPECT(strcmp(notes(), "f") == 0);
    EXPECT(count_of(&j.runs) == 1);
}

/* ---- cancellation and time ---- */

CASE(one_who_is_cancelled_while_it_runs_it_passes_the_turn_on)
{
    job j = { .seconds = 0.001 };
    tr_task *first;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_task_spawn(&first, need, &j) == 0);
        let_others_run();
        EXPECT(tr_scope_spawn(s, need, &j) == 0);
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(1), need, &j) == 0);
        EXPECT(tr_task_cancel(first) >= 0);
    }
    EXPECT(rc == 0);
    rc = tr_task_wait(first, TR_FOREVER);
    EXPECT(rc == TR_ECANCELED || rc == 0);
    EXPECT(count_of(&j.runs) == (rc == 0 ? 1 : 2));
    tr_task_unref(first);
}

CASE(one_who_is_cancelled_while_it_waits_leaves_the_rest_alone)
{
    job j = { .seconds = 0.01 };
    tr_task *waiter;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, need, &j) == 0);
        let_others_run();
        EXPECT(tr_task_spawn(&waiter, need, &j) == 0);
        let_others_run();
        EXPECT(tr_scope_spawn(s, need, &j) == 0);
        EXPECT(tr_task_wait(waiter, 0) == TR_ETIMEDOUT);
        tr_task_unref(waiter);
    }
    EXPECT(rc == 0);
    EXPECT(count_of(&j.runs) == 1);
}

CASE(one_who_is_cancelled_does_not_begin_but_may_have_what_is_done)
{
    job j = { .result = 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(need(&j) == TR_ECANCELED);
    }
    EXPECT(count_of(&j.runs) == 0);
    EXPECT(need(&j) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(need(&j) == 0);
    }
    EXPECT(rc == 0);
}

static void wait_in_vain(void *arg)
{
    job *j = arg;

    EXPECT(tr_once_run_for(&j->once, do_it, j, 0) == TR_ETIMEDOUT);
    EXPECT(tr_once_run_for(&j->once, do_it, j, 0.001) == TR_ETIMEDOUT);
}

CASE(waiting_for_anothers_run_ends_with_its_time)
{
    job j = { .seconds = TR_FOREVER };
    tr_task *runner;

    EXPECT(tr_task_spawn(&runner, need, &j) == 0);
    let_others_run();
    wait_in_vain(&j);
    foreign_end(foreign_start(wait_in_vain, &j));
    EXPECT(tr_task_wait(runner, 0) == TR_ETIMEDOUT);
    tr_task_unref(runner);
    EXPECT(!tr_once_is_done(&j.once));
    j.seconds = 0;
    EXPECT(need(&j) == 0);
}

typedef struct relay {
    job job;
    tr_task *other;
} relay;

static int do_it_with_awaits(void *arg)
{
    relay *r = arg;
    int rc = AWAIT(tr_yield());

    if (rc == 0)
        rc = AWAIT(tr_yield());
    if (rc == 0)
        r->job.value++;
    return rc;
}

static int need_with_awaits(void *arg)
{
    relay *r = arg;
    int rc = AWAIT(tr_once_run(&r->job.once, do_it_with_awaits, r));

    return rc < 0 ? rc : AWAIT(tr_yield());
}

static int need_beside(void *arg)
{
    return need(&((relay *)arg)->job);
}

static void start_other(void *arg)
{
    relay *r = arg;

    r->job = (job){ .result = 0 };
    EXPECT(tr_task_spawn_on(&r->other, TR_LOOP(1), need_beside, r) == 0);
}

static void expect_done(void *arg, int rc)
{
    relay *r = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(r->other, TR_FOREVER) == 0);
    tr_task_unref(r->other);
    EXPECT(tr_once_is_done(&r->job.once) && r->job.value == 1);
}

CASE(it_survives_a_cancellation_at_every_await)
{
    relay r = { .other = NULL };

    cancel_at_every_await(&(attempt){ start_other, need_with_awaits, expect_done }, &r);
}

/* ---- wrong ---- */

static int call_itself(void *arg)
{
    job *j = arg;

    EXPECT(tr_once_run(&j->once, do_it, j) == TR_EDEADLK);
    EXPECT(tr_once_run_for(&j->once, do_it, j, 0) == TR_EDEADLK);
    return do_it(arg);
}

static void call_itself_as_thread(void *arg)
{
    job *j = arg;

    EXPECT(tr_once_run(&j->once, call_itself, j) == 0);
}

CASE(it_does_not_wait_for_itself)
{
    job a = { .result = 0 };
    job b = { .result = 0 };

    EXPECT(tr_once_run(&a.once, call_itself, &a) == 0);
    EXPECT(count_of(&a.runs) == 1);
    foreign_end(foreign_start(call_itself_as_thread, &b));
    EXPECT(count_of(&b.runs) == 1);
}

typedef struct attempt_on_a_loop {
    job job;
    tr_event done;
} attempt_on_a_loop;

static int need_and_call_itself(void *arg)
{
    job *j = arg;

    return tr_once_run(&j->once, call_itself, j);
}

CASE(whose_turn_it_is_changes_with_the_turn)
{
    job j = { .failures = 1, .seconds = 0.001 };
    tr_task *first, *second;

    EXPECT(tr_task_spawn(&first, need, &j) == 0);
    let_others_run();
    EXPECT(tr_task_spawn(&second, need_and_call_itself, &j) == 0);
    EXPECT(tr_task_wait(first, TR_FOREVER) == TR_EAGAIN);
    EXPECT(tr_task_wait(second, TR_FOREVER) == 0);
    tr_task_unref(first);
    tr_task_unref(second);
    EXPECT(count_of(&j.runs) == 2);
}

static void run_on_a_loop(void *arg)
{
    attempt_on_a_loop *a = arg;

    EXPECT(need(&a->job) == 0);
    EXPECT(tr_event_set(&a->done) == 0);
}

CASE(a_loop_may_run_it)
{
    attempt_on_a_loop a = { .job.result = 0 };

    EXPECT(tr_post(TR_LOOP(1), run_on_a_loop, &a) == 0);
    EXPECT(tr_event_wait(&a.done) == 0);
    EXPECT(need(&a.job) == 0);
    EXPECT(count_of(&a.job.runs) == 1);
}

static void run_in_vain_on_a_loop(void *arg)
{
    attempt_on_a_loop *a = arg;
    job *j = &a->job;

    EXPECT(tr_once_run(&j->once, do_it, j) == TR_EWRONGPLACE);
    EXPECT(tr_once_run_for(&j->once, do_it, j, 0) == TR_EWRONGPLACE);
    EXPECT(tr_event_set(&a->done) == 0);
}

CASE(a_loop_does_not_wait_for_it)
{
    attempt_on_a_loop a = { .job.seconds = TR_FOREVER };
    tr_task *runner;

    EXPECT(tr_task_spawn(&runner, need, &a.job) == 0);
    let_others_run();
    EXPECT(tr_post(TR_LOOP(1), run_in_vain_on_a_loop, &a) == 0);
    EXPECT(tr_event_wait(&a.done) == 0);
    EXPECT(tr_task_wait(runner, 0) == TR_ETIMEDOUT);
    tr_task_unref(runner);
}

CASE(bad_arguments_are_refused)
{
    job j = { .result = 0 };

    EXPECT(tr_once_run(NULL, do_it, &j) == TR_EINVAL);
    EXPECT(tr_once_run(&j.once, NULL, &j) == TR_EINVAL);
    EXPECT(tr_once_run_for(&j.once, do_it, &j, __builtin_nan("")) == TR_EINVAL);
    EXPECT(!tr_once_is_done(NULL));
    EXPECT(count_of(&j.runs) == 0);
}

CASES("once", it_runs_once, any_success_is_success,
      all_who_need_it_meanwhile_wait_until_it_has_ended, threads_and_loops_may_race_for_it,
      who_ran_it_gets_its_error_and_the_next_tries_again,
      those_who_wait_have_their_turns_until_one_succeeds, the_next_runs_its_own_function,
      one_who_is_cancelled_while_it_runs_it_passes_the_turn_on,
      one_who_is_cancelled_while_it_waits_leaves_the_rest_alone,
      one_who_is_cancelled_does_not_begin_but_may_have_what_is_done,
      waiting_for_anothers_run_ends_with_its_time, it_survives_a_cancellation_at_every_await,
      it_does_not_wait_for_itself, whose_turn_it_is_changes_with_the_turn, a_loop_may_run_it,
      a_loop_does_not_wait_for_it, bad_arguments_are_refused)
