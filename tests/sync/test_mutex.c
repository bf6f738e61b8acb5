/* Mutexes. */
#include <string.h>

#include "sync/cases.h"

static tr_mutex lock;
static counter inside;

/* Nobody else may be inside. */
static void be_inside(void)
{
    count_up(&inside);
    EXPECT(count_of(&inside) == 1);
}

static void be_outside(void)
{
    EXPECT(count_of(&inside) == 1);
    count_down(&inside);
}

struct lock_and_note_args {
    char letter;
};

static int lock_and_note(void *arg)
{
    const struct lock_and_note_args *a = arg;
    int rc = tr_lock(&lock);

    if (rc < 0)
        return rc;
    be_inside();
    note(a->letter);
    EXPECT(tr_yield() == 0);
    be_outside();
    return tr_unlock(&lock);
}

CASE(a_mutex_of_zeros_is_free)
{
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(a_mutex_is_given_to_whoever_waits_first)
{
    int rc;

    EXPECT(tr_lock(&lock) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, lock_and_note, 'a');
        tr_go(s, lock_and_note, 'b');
        tr_go(s, lock_and_note, 'c');
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_unlock(&lock) == 0);
        EXPECT(tr_try_lock(&lock) == TR_EBUSY); /* it has been handed over already */
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "abc") == 0);
}

static int lock_often(void *arg)
{
    int *sum = arg;

    for (int i = 0; i < 50; i++) {
        EXPECT(tr_lock(&lock) == 0);
        be_inside();
        ++*sum;
        if (i % 7 == 0)
            EXPECT(tr_yield() == 0);
        be_outside();
        EXPECT(tr_unlock(&lock) == 0);
    }
    return 0;
}

static void lock_often_as_thread(void *sum)
{
    for (int i = 0; i < 50; i++) {
        EXPECT(tr_lock(&lock) == 0);
        be_inside();
        ++*(int *)sum;
        be_outside();
        EXPECT(tr_unlock(&lock) == 0);
    }
}

CASE(a_mutex_excludes_tasks_of_all_loops_and_threads)
{
    foreign *thread;
    int sum = 0;
    int rc;

    thread = foreign_start(lock_often_as_thread, &sum);
    TR_SCOPE(s, &rc) {
        for (int loop = 0; loop < 2; loop++)
            for (int i = 0; i < 3; i++)
                EXPECT(tr_scope_spawn_on(s, TR_LOOP(loop), lock_often, &sum) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(sum == 50 * 7);
}

CASE(a_second_lock_of_the_same_task_is_a_deadlock)
{
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_lock_for(&lock, 1) == TR_EDEADLK);
    EXPECT(tr_try_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_unlock(&lock) == 0);
}

static int unlock(void *arg)
{
    (void)arg;
    return tr_unlock(&lock);
}

CASE(only_who_holds_a_mutex_may_give_it_back)
{
    tr_task *other;

    EXPECT(tr_unlock(&lock) == TR_EPERM);
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_task_spawn(&other, unlock, NULL) == 0);
    EXPECT(tr_task_wait(other, TR_FOREVER) == TR_EPERM);
    tr_task_unref(other);
    EXPECT(tr_unlock(&lock) == 0);
}

static int hold_for_ever(void *arg)
{
    int rc;

    (void)arg;
    EXPECT(tr_lock(&lock) == 0);
    rc = tr_sleep(TR_FOREVER);
    EXPECT(tr_unlock(&lock) == 0);
    return rc;
}

CASE(waiting_for_a_mutex_ends_with_its_time)
{
    tr_task *holder;

    EXPECT(tr_task_spawn(&holder, hold_for_ever, NULL) == 0);
    let_others_run();
    EXPECT(tr_lock_for(&lock, 0) == TR_ETIMEDOUT);
    EXPECT(tr_lock_for(&lock, -1) == TR_ETIMEDOUT);
    EXPECT(tr_lock_for(&lock, 0.002) == TR_ETIMEDOUT);
    EXPECT(tr_task_cancel(holder) == 1);
    EXPECT(tr_lock_for(&lock, 1000) == 0);
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_task_wait(holder, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(holder);
}

static void wait_in_vain(void *arg)
{
    (void)arg;
    EXPECT(tr_lock_for(&lock, 0) == TR_ETIMEDOUT);
    EXPECT(tr_lock_for(&lock, 0.002) == TR_ETIMEDOUT);
}

CASE(a_thread_waits_for_a_mutex_as_long_as_it_wants)
{
    EXPECT(tr_lock(&lock) == 0);
    foreign_end(foreign_start(wait_in_vain, NULL));
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(an_outer_deadline_is_not_the_locks_own)
{
    tr_task *holder;
    int rc = 0;

    EXPECT(tr_task_spawn(&holder, hold_for_ever, NULL) == 0);
    let_others_run();
    TR_DEADLINE(0.002, &rc) {
        rc = tr_lock_for(&lock, 1000);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(tr_task_wait(holder, 0) == TR_ETIMEDOUT);
    tr_task_unref(holder);
}

CASE(one_who_is_cancelled_leaves_the_line)
{
    tr_task *middle;
    int rc;

    EXPECT(tr_lock(&lock) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, lock_and_note, 'a');
        let_others_run();
        EXPECT(tr_task_spawn(&middle, lock_and_note, &(struct lock_and_note_args){ 'b' }) == 0);
        let_others_run();
        tr_go(s, lock_and_note, 'c');
        let_others_run();
        EXPECT(tr_task_wait(middle, 0) == TR_ETIMEDOUT);
        tr_task_unref(middle);
        EXPECT(tr_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "ac") == 0);
}

CASE(a_task_that_is_cancelled_does_not_even_take_a_free_mutex)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_lock(&lock) == TR_ECANCELED);
        EXPECT(tr_try_lock(&lock) == 0); /* this does not wait */
        EXPECT(tr_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
}

static int note_lock(void *arg)
{
    int rc = tr_lock(&lock);

    *(int *)arg = rc;
    if (rc == 0) {
        EXPECT(tr_yield() == TR_ECANCELED); /* here it shows */
        EXPECT(tr_unlock(&lock) == 0);
    }
    return rc;
}

CASE(what_was_handed_over_stays_so_though_the_task_is_cancelled)
{
    tr_task *waiter;
    int rc = 1;

    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_task_spawn(&waiter, note_lock, &rc) == 0);
    let_others_run();
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_task_cancel(waiter) == 1); /* it has not run yet */
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == 0);
    EXPECT(rc == 0);
    tr_task_unref(waiter);
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(a_mutex_is_free_when_all_who_waited_have_given_up)
{
    struct lock_and_note_args args = { 'x' };
    tr_task *tasks[3];

    EXPECT(tr_lock(&lock) == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i % 2), lock_and_note, &args) == 0);
    let_others_run();
    for (int i = 0; i < 3; i++) {
        EXPECT(tr_task_wait(tasks[i], 0) == TR_ETIMEDOUT);
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(strcmp(notes(), "") == 0);
}

/* Cancelled or not, it gives back what it has got. */
static int lock_and_yield(void *arg)
{
    int rc = tr_lock(&lock);

    (void)arg;
    if (rc < 0)
        return rc;
    be_inside();
    rc = tr_yield();
    be_outside();
    EXPECT(tr_unlock(&lock) == 0);
    return rc;
}

static int cancel_it(void *victim)
{
    return tr_task_cancel(victim);
}

/* The first is cancelled on one loop as the mutex is given back on the other: it has it and passes
 * it on, or the second has it at once. */
CASE(a_mutex_is_not_lost_where_giving_it_back_and_a_cancellation_meet)
{
    struct lock_and_note_args args = { 'b' };
    tr_task *first, *second;
    int rc, ended;

    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_task_spawn_on(&first, TR_LOOP(1), lock_and_yield, NULL) == 0);
    let_others_run();
    EXPECT(tr_task_spawn(&second, lock_and_note, &args) == 0);
    let_others_run();
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(1), cancel_it, first) == 0);
        EXPECT(tr_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(tr_task_wait(second, TR_FOREVER) == 0);
    ended = tr_task_wait(first, TR_FOREVER);
    EXPECT(ended == 0 || ended == TR_ECANCELED);
    tr_task_unref(first);
    tr_task_unref(second);
    EXPECT(strcmp(notes(), "b") == 0);
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

typedef struct relay_of_threads {
    tr_event has_it;
    tr_event may_go;
} relay_of_threads;

static void hold_as_thread(void *arg)
{
    relay_of_threads *r = arg;

    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_event_set(&r->has_it) == 0);
    EXPECT(tr_event_wait(&r->may_go) == 0);
    note('t');
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(a_thread_hands_a_mutex_over_to_tasks_in_their_order)
{
    relay_of_threads r = { .has_it = { { 0 } } };
    foreign *thread = foreign_start(hold_as_thread, &r);
    int rc;

    EXPECT(tr_event_wait(&r.has_it) == 0);
    EXPECT(tr_try_lock(&lock) == TR_EBUSY);
    EXPECT(tr_unlock(&lock) == TR_EPERM);
    TR_SCOPE(s, &rc) {
        for (char letter = 'a'; letter <= 'c'; letter++) {
            tr_go(s, lock_and_note, letter);
            let_others_run();
        }
        EXPECT(tr_event_set(&r.may_go) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "tabc") == 0);
}

/* ---- blocks ---- */

static int return_from_a_block(int result)
{
    int rc;

    TR_LOCKED(&rc, &lock)
    {
        be_inside();
        be_outside();
        return result;
    }
    return rc;
}

CASE(a_block_gives_the_mutex_back_whichever_way_it_is_left)
{
    int rc = 1;
    int runs = 0;

    TR_LOCKED(&rc, &lock)
    {
        runs++;
        EXPECT(tr_try_lock(&lock) == TR_EDEADLK);
    }
    EXPECT(rc == 0 && runs == 1);
    TR_LOCKED(&rc, &lock)
    {
        break;
    }
    EXPECT(return_from_a_block(7) == 7);
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(a_block_without_the_mutex_does_not_run)
{
    int rc = 1;
    int cancelled;

    TR_SCOPE(s, &cancelled) {
        EXPECT(tr_scope_cancel(s) == 1);
        TR_LOCKED(&rc, &lock)
        {
            EXPECT(!"this must not run");
        }
        EXPECT(rc == TR_ECANCELED);
    }
    TR_LOCKED(&rc, NULL)
    {
        EXPECT(!"this must not run");
    }
    EXPECT(rc == TR_EINVAL);
}

CASE(a_mutex_may_be_held_until_the_end_of_the_enclosing_block)
{
    int rc = 1;

    {
        TR_LOCK_HERE(&lock, &rc);
        EXPECT(rc == 0);
        EXPECT(tr_try_lock(&lock) == TR_EDEADLK);
    }
    EXPECT(tr_try_lock(&lock) == 0);
    {
        TR_LOCK_HERE(&lock, &rc);
        EXPECT(rc == TR_EDEADLK);
    }
    EXPECT(tr_try_lock(&lock) == TR_EDEADLK); /* what the block did not take it did not give back */
    EXPECT(tr_unlock(&lock) == 0);
}

/* ---- every await ---- */

static int lock_twice(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        int rc = AWAIT(tr_lock(&lock));

        if (rc < 0)
            return rc;
        be_inside();
        rc = AWAIT(tr_yield());
        be_outside();
        EXPECT(tr_unlock(&lock) == 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static tr_task *rival;

static int rival_task(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        EXPECT(tr_lock(&lock) == 0);
        be_inside();
        EXPECT(tr_yield() == 0);
        be_outside();
        EXPECT(tr_unlock(&lock) == 0);
    }
    return 0;
}

static void start_rival(void *arg)
{
    EXPECT(tr_task_spawn_on(&rival, TR_LOOP(1), rival_task, arg) == 0);
}

static void expect_free(void *arg, int rc)
{
    (void)arg;
    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(rival, TR_FOREVER) == 0);
    tr_task_unref(rival);
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(a_mutex_survives_a_cancellation_at_every_await)
{
    cancel_at_every_await(&(attempt){ start_rival, lock_twice, expect_free }, NULL);
}

/* ---- wrong ---- */

static void lock_on_a_loop(void *arg)
{
    EXPECT(tr_lock(&lock) == TR_EWRONGPLACE);
    EXPECT(tr_lock_for(&lock, 0) == TR_EWRONGPLACE);
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_event_set(arg) == 0);
}

CASE(a_loop_may_try_but_not_wait)
{
    tr_event done = { 0 };

    EXPECT(tr_post(TR_LOOP(1), lock_on_a_loop, &done) == 0);
    EXPECT(tr_event_wait(&done) == 0);
}

CASE(bad_arguments_are_refused)
{
    EXPECT(tr_lock(NULL) == TR_EINVAL);
    EXPECT(tr_lock_for(NULL, 1) == TR_EINVAL);
    EXPECT(tr_lock_for(&lock, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_try_lock(NULL) == TR_EINVAL);
    EXPECT(tr_unlock(NULL) == TR_EINVAL);
}

CASES("mutex", a_mutex_of_zeros_is_free, a_mutex_is_given_to_whoever_waits_first,
      a_mutex_excludes_tasks_of_all_loops_and_threads, a_second_lock_of_the_same_task_is_a_deadlock,
      only_who_holds_a_mutex_may_give_it_back, waiting_for_a_mutex_ends_with_its_time,
      a_thread_waits_for_a_mutex_as_long_as_it_wants, an_outer_deadline_is_not_the_locks_own,
      one_who_is_cancelled_leaves_the_line,
      a_task_that_is_cancelled_does_not_even_take_a_free_mutex,
      what_was_handed_over_stays_so_though_the_task_is_cancelled,
      a_block_gives_the_mutex_back_whichever_way_it_is_left, a_block_without_the_mutex_does_not_run,
      a_mutex_may_be_held_until_the_end_of_the_enclosing_block,
      a_mutex_survives_a_cancellation_at_every_await, a_loop_may_try_but_not_wait,
      bad_arguments_are_refused, a_mutex_is_free_when_all_who_waited_have_given_up,
      a_mutex_is_not_lost_where_giving_it_back_and_a_cancellation_meet,
      a_thread_hands_a_mutex_over_to_tasks_in_their_order)
