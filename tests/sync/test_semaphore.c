/* Semaphores. */
#include <string.h>

#include "sync/cases.h"

static counter inside;

struct take_args {
    tr_semaphore *from;
    uint64_t n;
    char letter;
};

static int take(void *arg)
{
    const struct take_args *a = arg;
    int rc = tr_semaphore_acquire_many(a->from, a->n, TR_FOREVER);

    if (rc == 0)
        note(a->letter);
    return rc;
}

CASE(a_semaphore_of_zeros_has_no_permit)
{
    tr_semaphore s = { 0 };

    EXPECT(tr_semaphore_permits(&s) == 0);
    EXPECT(tr_semaphore_try_acquire(&s, 1) == TR_EBUSY);
    EXPECT(tr_semaphore_try_acquire(&s, 0) == 0);
    EXPECT(tr_semaphore_release(&s) == 0);
    EXPECT(tr_semaphore_permits(&s) == 1);
    EXPECT(tr_semaphore_acquire(&s) == 0);
    EXPECT(tr_semaphore_permits(&s) == 0);
}

CASE(permits_go_to_whoever_waits_first)
{
    tr_semaphore s = { 0 };
    int rc;

    TR_SCOPE(scope, &rc) {
        tr_go(scope, take, &s, 1, 'a');
        tr_go(scope, take, &s, 1, 'b');
        tr_go(scope, take, &s, 1, 'c');
        let_others_run();
        EXPECT(tr_semaphore_release(&s) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "a") == 0);
        EXPECT(tr_semaphore_release_many(&s, 3) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "abc") == 0);
    EXPECT(tr_semaphore_permits(&s) == 1);
}

CASE(who_wants_many_permits_is_not_passed_by_who_wants_few)
{
    tr_semaphore s = TR_SEMAPHORE_INIT(2);
    int rc;

    TR_SCOPE(scope, &rc) {
        tr_go(scope, take, &s, 3, 'm');
        let_others_run();
        tr_go(scope, take, &s, 1, 'f');
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_semaphore_try_acquire(&s, 1) == TR_EBUSY); /* not before its turn */
        EXPECT(tr_semaphore_release(&s) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "m") == 0);
        EXPECT(tr_semaphore_release(&s) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "mf") == 0);
}

CASE(who_gives_up_lets_those_behind_have_what_is_there)
{
    tr_semaphore s = TR_SEMAPHORE_INIT(2);
    tr_task *greedy;
    int rc;

    TR_SCOPE(scope, &rc) {
        EXPECT(tr_task_spawn(&greedy, take, &(struct take_args){ &s, 3, 'm' }) == 0);
        let_others_run();
        tr_go(scope, take, &s, 1, 'a');
        tr_go(scope, take, &s, 1, 'b');
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_task_wait(greedy, 0) == TR_ETIMEDOUT);
        tr_task_unref(greedy);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "ab") == 0);
}

static int pass_through(void *arg)
{
    tr_semaphore *s = arg;

    for (int i = 0; i < 20; i++) {
        EXPECT(tr_semaphore_acquire(s) == 0);
        count_up(&inside);
        EXPECT(count_of(&inside) <= 2);
        EXPECT(tr_yield() == 0);
        count_down(&inside);
        EXPECT(tr_semaphore_release(s) == 0);
    }
    return 0;
}

static void pass_through_as_thread(void *arg)
{
    tr_semaphore *s = arg;

    for (int i = 0; i < 20; i++) {
        EXPECT(tr_semaphore_acquire(s) == 0);
        count_up(&inside);
        EXPECT(count_of(&inside) <= 2);
        count_down(&inside);
        EXPECT(tr_semaphore_release(s) == 0);
    }
}

CASE(no_more_pass_than_there_are_permits)
{
    tr_semaphore s = TR_SEMAPHORE_INIT(2);
    foreign *thread = foreign_start(pass_through_as_thread, &s);
    int rc;

    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 8; i++)
            EXPECT(tr_scope_spawn_on(scope, TR_LOOP(i % 2), pass_through, &s) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(tr_semaphore_permits(&s) == 2);
}

CASE(waiting_for_permits_ends_with_its_time)
{
    tr_semaphore s = TR_SEMAPHORE_INIT(1);

    EXPECT(tr_semaphore_acquire_many(&s, 2, 0) == TR_ETIMEDOUT);
    EXPECT(tr_semaphore_acquire_many(&s, 2, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_semaphore_acquire_for(&s, 0) == 0);
    EXPECT(tr_semaphore_acquire_for(&s, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_semaphore_permits(&s) == 0);
}

static void wait_in_vain(void *s)
{
    EXPECT(tr_semaphore_acquire_for(s, 0) == TR_ETIMEDOUT);
    EXPECT(tr_semaphore_acquire_for(s, 0.001) == TR_ETIMEDOUT);
}

CASE(a_thread_waits_for_permits_as_long_as_it_wants)
{
    tr_semaphore s = { 0 };

    foreign_end(foreign_start(wait_in_vain, &s));
    EXPECT(tr_semaphore_release(&s) == 0);
    EXPECT(tr_semaphore_permits(&s) == 1);
}

CASE(a_permit_that_was_handed_over_is_not_lost_by_a_cancellation)
{
    tr_semaphore s = { 0 };
    struct take_args args = { &s, 1, 'a' };
    tr_task *waiter;

    EXPECT(tr_task_spawn(&waiter, take, &args) == 0);
    let_others_run();
    EXPECT(tr_semaphore_release(&s) == 0);
    EXPECT(tr_task_cancel(waiter) == 1);
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == 0);
    tr_task_unref(waiter);
    EXPECT(strcmp(notes(), "a") == 0);
    EXPECT(tr_semaphore_permits(&s) == 0);
}

CASE(a_permit_goes_on_to_the_next_when_the_first_is_cancelled)
{
    tr_semaphore s = { 0 };
    struct take_args args = { &s, 1, 'a' };
    tr_task *waiter;
    int rc;

    TR_SCOPE(scope, &rc) {
        EXPECT(tr_task_spawn(&waiter, take, &args) == 0);
        let_others_run();
        tr_go(scope, take, &s, 1, 'b');
        let_others_run();
        EXPECT(tr_task_cancel(waiter) == 1);
        EXPECT(tr_semaphore_release(&s) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(waiter);
    EXPECT(strcmp(notes(), "b") == 0);
}

CASE(there_is_a_most_of_permits)
{
    const uint64_t most = UINT64_C(1) << 62;
    tr_semaphore s = { 0 };

    EXPECT(tr_semaphore_release_many(&s, most) == 0);
    EXPECT(tr_semaphore_release(&s) == TR_ELIMIT);
    EXPECT(tr_semaphore_permits(&s) == most);
    EXPECT(tr_semaphore_release_many(&s, most + 1) == TR_EINVAL);
    EXPECT(tr_semaphore_acquire_many(&s, most, 0) == 0);
    EXPECT(tr_semaphore_acquire_many(&s, most + 1, 0) == TR_EINVAL);
    EXPECT(tr_semaphore_try_acquire(&s, most + 1) == TR_EINVAL);
}

CASE(there_is_a_most_of_permits_also_while_somebody_waits)
{
    const uint64_t most = UINT64_C(1) << 62;
    tr_semaphore s = TR_SEMAPHORE_INIT(1);
    struct take_args args = { &s, most, 'a' };
    tr_task *waiter;

    EXPECT(tr_task_spawn(&waiter, take, &args) == 0);
    let_others_run();
    EXPECT(tr_semaphore_release_many(&s, most) == TR_ELIMIT);
    EXPECT(tr_semaphore_release_many(&s, most - 1) == 0);
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == 0);
    tr_task_unref(waiter);
    EXPECT(tr_semaphore_permits(&s) == 0);
}

CASE(permits_are_had_by_those_who_are_left_when_others_have_given_up)
{
    tr_semaphore s = { 0 };
    struct take_args args[] = { { &s, 1, 'a' }, { &s, 1, 'b' }, { &s, 1, 'c' } };
    tr_task *tasks[3];
    int rc;

    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 3; i++)
            EXPECT(tr_task_spawn(&tasks[i], take, &args[i]) == 0);
        let_others_run();
        tr_go(scope, take, &s, 1, 'd');
        tr_go(scope, take, &s, 1, 'e');
        let_others_run();
        for (int i = 0; i < 3; i++)
            EXPECT(tr_task_cancel(tasks[i]) == 1);
        EXPECT(tr_semaphore_release_many(&s, 2) == 0);
    }
    EXPECT(rc == 0);
    for (int i = 0; i < 3; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == TR_ECANCELED);
        tr_task_unref(tasks[i]);
    }
    EXPECT(strcmp(notes(), "de") == 0);
    EXPECT(tr_semaphore_permits(&s) == 0);
}

CASE(who_comes_later_does_not_pass_who_was_let_go_on_but_has_not_run_yet)
{
    tr_semaphore s = { 0 };
    int rc;

    TR_SCOPE(scope, &rc) {
        tr_go(scope, take, &s, 1, 'a');
        let_others_run();
        EXPECT(tr_semaphore_release(&s) == 0);
        EXPECT(tr_semaphore_try_acquire(&s, 1) == TR_EBUSY);
        tr_go(scope, take, &s, 1, 'b');
        EXPECT(tr_semaphore_acquire_for(&s, 0) == TR_ETIMEDOUT);
        let_others_run();
        EXPECT(strcmp(notes(), "a") == 0);
        EXPECT(tr_semaphore_release(&s) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "ab") == 0);
}

static int take_or_give_up(void *arg)
{
    tr_semaphore *s = arg;
    int rc = tr_semaphore_acquire(s);

    return rc < 0 ? rc : 1;
}

static int cancel_it(void *victim)
{
    int rc = tr_task_cancel(victim);

    return rc < 0 ? rc : 0;
}

/* Each of two who wait is cancelled on the other loop as permits come: none is lost. */
CASE(no_permit_is_lost_where_a_release_and_a_cancellation_meet)
{
    tr_semaphore s = { 0 };
    tr_task *tasks[2];
    uint64_t taken = 0;
    int rc;

    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i), take_or_give_up, &s) == 0);
    let_others_run();
    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 2; i++)
            EXPECT(tr_scope_spawn_on(scope, TR_LOOP(1 - i), cancel_it, tasks[i]) == 0);
        EXPECT(tr_semaphore_release(&s) == 0);
        EXPECT(tr_yield() == 0);
        EXPECT(tr_semaphore_release(&s) == 0);
    }
    EXPECT(rc == 0);
    for (int i = 0; i < 2; i++) {
        rc = tr_task_wait(tasks[i], TR_FOREVER);
        EXPECT(rc == 1 || rc == TR_ECANCELED);
        taken += rc == 1;
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_semaphore_permits(&s) + taken == 2);
}

CASE(an_outer_deadline_is_not_the_waits_own)
{
    tr_semaphore s = { 0 };
    int rc = 0;

    TR_DEADLINE(0.002, &rc) {
        rc = tr_semaphore_acquire_for(&s, 1000);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

CASE(a_task_that_is_cancelled_does_not_even_take_what_is_there)
{
    tr_semaphore s = TR_SEMAPHORE_INIT(2);
    int rc;

    TR_SCOPE(scope, &rc) {
        EXPECT(tr_scope_cancel(scope) == 1);
        EXPECT(tr_semaphore_acquire(&s) == TR_ECANCELED);
        EXPECT(tr_semaphore_try_acquire(&s, 1) == 0); /* this does not wait */
    }
    EXPECT(rc == 0);
    EXPECT(tr_semaphore_permits(&s) == 1);
}

typedef struct visit {
    tr_semaphore s;
    tr_semaphore done;
} visit;

static void use_on_a_loop(void *arg)
{
    tr_semaphore *s = &((visit *)arg)->s;

    EXPECT(tr_semaphore_acquire(s) == TR_EWRONGPLACE);
    EXPECT(tr_semaphore_acquire_for(s, 0) == TR_EWRONGPLACE);
    EXPECT(tr_semaphore_try_acquire(s, 2) == 0);
    EXPECT(tr_semaphore_release_many(s, 5) == 0);
    EXPECT(tr_semaphore_release(&((visit *)arg)->done) == 0);
}

CASE(a_loop_may_try_and_release_but_not_wait)
{
    visit v = { .s = TR_SEMAPHORE_INIT(2) };

    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, &v) == 0);
    EXPECT(tr_semaphore_acquire(&v.done) == 0);
    EXPECT(tr_semaphore_acquire_many(&v.s, 5, 0) == 0);
    EXPECT(tr_semaphore_permits(&v.s) == 0);
}

/* ---- every await ---- */

typedef struct shared {
    tr_semaphore s;
    tr_task *rival;
} shared;

static int take_two(void *arg)
{
    shared *all = arg;
    int rc = AWAIT(tr_semaphore_acquire_many(&all->s, 2, TR_FOREVER));

    if (rc < 0)
        return rc;
    rc = AWAIT(tr_yield());
    EXPECT(tr_semaphore_release_many(&all->s, 2) == 0);
    return rc < 0 ? rc : AWAIT(tr_semaphore_acquire_many(&all->s, 0, TR_FOREVER));
}

static int rival_takes(void *arg)
{
    shared *all = arg;

    for (int i = 0; i < 3; i++) {
        EXPECT(tr_semaphore_acquire(&all->s) == 0);
        EXPECT(tr_yield() == 0);
        EXPECT(tr_semaphore_release(&all->s) == 0);
    }
    return 0;
}

static void start_rival(void *arg)
{
    shared *all = arg;

    EXPECT(tr_task_spawn_on(&all->rival, TR_LOOP(1), rival_takes, arg) == 0);
}

static void expect_all_permits(void *arg, int rc)
{
    shared *all = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(all->rival, TR_FOREVER) == 0);
    tr_task_unref(all->rival);
    EXPECT(tr_semaphore_permits(&all->s) == 2);
}

CASE(permits_survive_a_cancellation_at_every_await)
{
    shared all = { .s = TR_SEMAPHORE_INIT(2) };

    cancel_at_every_await(&(attempt){ start_rival, take_two, expect_all_permits }, &all);
}

CASE(bad_arguments_are_refused)
{
    tr_semaphore s = { 0 };

    EXPECT(tr_semaphore_acquire(NULL) == TR_EINVAL);
    EXPECT(tr_semaphore_acquire_for(&s, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_semaphore_try_acquire(NULL, 1) == TR_EINVAL);
    EXPECT(tr_semaphore_release(NULL) == TR_EINVAL);
    EXPECT(tr_semaphore_permits(NULL) == 0);
}

CASES("semaphore", a_semaphore_of_zeros_has_no_permit, permits_go_to_whoever_waits_first,
      who_wants_many_permits_is_not_passed_by_who_wants_few,
      who_gives_up_lets_those_behind_have_what_is_there, no_more_pass_than_there_are_permits,
      waiting_for_permits_ends_with_its_time, a_thread_waits_for_permits_as_long_as_it_wants,
      a_permit_that_was_handed_over_is_not_lost_by_a_cancellation,
      a_permit_goes_on_to_the_next_when_the_first_is_cancelled, there_is_a_most_of_permits,
      there_is_a_most_of_permits_also_while_somebody_waits,
      permits_survive_a_cancellation_at_every_await, bad_arguments_are_refused,
      permits_are_had_by_those_who_are_left_when_others_have_given_up,
      who_comes_later_does_not_pass_who_was_let_go_on_but_has_not_run_yet,
      no_permit_is_lost_where_a_release_and_a_cancellation_meet,
      an_outer_deadline_is_not_the_waits_own,
      a_task_that_is_cancelled_does_not_even_take_what_is_there,
      a_loop_may_try_and_release_but_not_wait)
