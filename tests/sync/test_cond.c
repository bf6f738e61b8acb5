/* Conditions. */
#include <string.h>

#include "sync/cases.h"

static tr_mutex lock;
static tr_cond changed;

struct wait_and_note_args {
    char letter;
};

static int wait_and_note(void *arg)
{
    const struct wait_and_note_args *a = arg;
    int rc = tr_lock(&lock);

    if (rc < 0)
        return rc;
    rc = tr_cond_wait(&changed, &lock);
    EXPECT(tr_try_lock(&lock) == TR_EDEADLK); /* it has it in any case */
    note(rc == 0 ? a->letter : '-');
    EXPECT(tr_unlock(&lock) == 0);
    return rc;
}

static void notify(size_t n)
{
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_cond_notify(&changed, n) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

static void expect_free(void)
{
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(who_waits_has_given_the_mutex_back)
{
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, wait_and_note, 'a');
        let_others_run();
        expect_free();
        EXPECT(strcmp(notes(), "") == 0);
        notify(1);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "a") == 0);
    expect_free();
}

CASE(those_go_on_who_have_waited_longest)
{
    int rc;

    TR_SCOPE(s, &rc) {
        for (char letter = 'a'; letter <= 'f'; letter++) {
            tr_go(s, wait_and_note, letter);
            let_others_run();
        }
        notify(1);
        let_others_run();
        EXPECT(strcmp(notes(), "a") == 0);
        notify(2);
        let_others_run();
        EXPECT(strcmp(notes(), "abc") == 0);
        EXPECT(tr_cond_notify_all(&changed) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "abcdef") == 0);
    }
    EXPECT(rc == 0);
}

CASE(a_notification_that_nobody_waits_for_is_not_kept)
{
    int rc;

    EXPECT(tr_cond_notify(&changed, 1) == 0);
    EXPECT(tr_cond_notify_all(&changed) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, wait_and_note, 'a');
        let_others_run();
        EXPECT(tr_cond_notify(&changed, 0) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_cond_notify(&changed, 7) == 0); /* more than there are */
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "a") == 0);
}

CASE(one_who_is_notified_goes_on_when_the_mutex_is_free)
{
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, wait_and_note, 'a');
        tr_go(s, wait_and_note, 'b');
        let_others_run();
        EXPECT(tr_lock(&lock) == 0);
        EXPECT(tr_cond_notify_all(&changed) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        note('m');
        EXPECT(tr_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "mab") == 0);
}

/* ---- time ---- */

CASE(waiting_ends_with_its_time_and_with_the_mutex)
{
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_cond_wait_for(&changed, &lock, 0) == TR_ETIMEDOUT);
    EXPECT(tr_try_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_cond_wait_for(&changed, &lock, -1) == TR_ETIMEDOUT);
    EXPECT(tr_cond_wait_for(&changed, &lock, 0.002) == TR_ETIMEDOUT);
    EXPECT(tr_try_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_unlock(&lock) == 0);
}

static int wait_a_moment(void *arg)
{
    int *rc = arg;

    EXPECT(tr_lock(&lock) == 0);
    note('w');
    *rc = tr_cond_wait_for(&changed, &lock, 0.001);
    EXPECT(tr_unlock(&lock) == 0);
    return 0;
}

CASE(one_who_is_late_waits_for_the_mutex_nevertheless)
{
    int rc, result = 1;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, wait_a_moment, &result) == 0);
        let_others_run();
        EXPECT(tr_lock(&lock) == 0);
        EXPECT(tr_sleep(0.01) == 0);
        EXPECT(result == 1); /* its time is over, and it has no mutex */
        EXPECT(tr_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(result == TR_ETIMEDOUT);
    expect_free();
}

CASE(an_outer_deadline_is_not_the_waits_own)
{
    int rc = 0;

    EXPECT(tr_lock(&lock) == 0);
    TR_DEADLINE(0.002, &rc) {
        rc = tr_cond_wait_for(&changed, &lock, 1000);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(tr_unlock(&lock) == 0);
}

/* ---- cancellation ---- */

CASE(one_who_is_cancelled_has_the_mutex_and_takes_no_notification)
{
    struct wait_and_note_args args = { 'a' };
    tr_task *first;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_task_spawn(&first, wait_and_note, &args) == 0);
        let_others_run();
        tr_go(s, wait_and_note, 'b');
        let_others_run();
        EXPECT(tr_task_cancel(first) == 1);
        EXPECT(tr_cond_notify(&changed, 1) == 0); /* 'b' gets it */
    }
    EXPECT(rc == 0);
    EXPECT(tr_task_wait(first, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(first);
    EXPECT(strchr(notes(), 'b') != NULL && strchr(notes(), '-') != NULL);
    expect_free();
}

CASE(one_who_is_cancelled_waits_for_the_mutex_though_it_is_contested)
{
    struct wait_and_note_args args = { 'a' };
    tr_task *waiter;

    EXPECT(tr_task_spawn(&waiter, wait_and_note, &args) == 0);
    let_others_run();
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_task_cancel(waiter) == 1);
    let_others_run();
    EXPECT(tr_task_cancel(waiter) == 1); /* once more changes nothing */
    let_others_run();
    EXPECT(strcmp(notes(), "") == 0);
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(waiter);
    EXPECT(strcmp(notes(), "-") == 0);
    expect_free();
}

static int wait_then_yield(void *arg)
{
    int *rc = arg;

    EXPECT(tr_lock(&lock) == 0);
    *rc = tr_cond_wait(&changed, &lock);
    EXPECT(tr_unlock(&lock) == 0);
    return tr_yield();
}

CASE(a_notification_stands_though_the_task_is_cancelled_then)
{
    tr_task *waiter;
    int rc = 1;

    EXPECT(tr_task_spawn(&waiter, wait_then_yield, &rc) == 0);
    let_others_run();
    notify(1);
    EXPECT(tr_task_cancel(waiter) == 1); /* it has not run yet */
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(waiter);
    EXPECT(rc == 0);
}

CASE(a_notification_stands_though_the_task_is_cancelled_while_it_waits_for_the_mutex)
{
    tr_task *waiter;
    int rc = 1;

    EXPECT(tr_task_spawn(&waiter, wait_then_yield, &rc) == 0);
    let_others_run();
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_cond_notify(&changed, 1) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(waiter) == 1);
    let_others_run();
    EXPECT(rc == 1);
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(waiter);
    EXPECT(rc == 0);
    expect_free();
}

CASE(a_task_that_is_cancelled_keeps_the_mutex)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_lock(&lock) == 0);
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_cond_wait(&changed, &lock) == TR_ECANCELED);
        EXPECT(tr_try_lock(&lock) == TR_EDEADLK);
        EXPECT(tr_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
}

/* ---- between loops and threads: a place for one thing ---- */

typedef struct place {
    tr_mutex lock;
    tr_cond changed;
    bool is_full;
    int sum;
    int taken;
} place;

static bool is_full(void *arg)
{
    return ((place *)arg)->is_full;
}

static bool is_empty(void *arg)
{
    return !is_full(arg);
}

static int put(void *arg)
{
    place *p = arg;

    for (int i = 0; i < 10; i++) {
        EXPECT(tr_lock(&p->lock) == 0);
        while (p->is_full)
            EXPECT(tr_cond_wait(&p->changed, &p->lock) == 0);
        p->is_full = true;
        p->sum++;
        EXPECT(tr_cond_notify_all(&p->changed) == 0);
        EXPECT(tr_unlock(&p->lock) == 0);
    }
    return 0;
}

static int take(void *arg)
{
    place *p = arg;

    for (int i = 0; i < 10; i++) {
        EXPECT(tr_lock(&p->lock) == 0);
        EXPECT(tr_cond_wait_until(&p->changed, &p->lock, is_full, p, TR_FOREVER) == 0);
        p->is_full = false;
        p->taken++;
        EXPECT(tr_cond_notify_all(&p->changed) == 0);
        EXPECT(tr_unlock(&p->lock) == 0);
    }
    return 0;
}

static void take_as_thread(void *arg)
{
    EXPECT(take(arg) == 0);
}

static void put_as_thread(void *arg)
{
    EXPECT(put(arg) == 0);
}

CASE(things_are_handed_over_between_all_loops_and_threads)
{
    place p = { .is_full = false };
    foreign *threads[] = { foreign_start(take_as_thread, &p), foreign_start(put_as_thread, &p) };
    int rc;

    TR_SCOPE(s, &rc) {
        for (int loop = 0; loop < 2; loop++) {
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(loop), put, &p) == 0);
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(loop), take, &p) == 0);
        }
    }
    foreign_end(threads[0]);
    foreign_end(threads[1]);
    EXPECT(rc == 0);
    EXPECT(!p.is_full && p.sum == 30 && p.taken == 30);
}

static void wait_in_vain(void *arg)
{
    (void)arg;
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_cond_wait_for(&changed, &lock, 0) == TR_ETIMEDOUT);
    EXPECT(tr_cond_wait_for(&changed, &lock, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_unlock(&lock) == 0);
    EXPECT(tr_cond_wait(&changed, &lock) == TR_EPERM);
}

CASE(a_thread_waits_as_long_as_it_wants)
{
    foreign_end(foreign_start(wait_in_vain, NULL));
    expect_free();
}

/* ---- until something holds ---- */

CASE(what_holds_at_once_is_not_waited_for)
{
    place p = { .is_full = true };

    EXPECT(tr_lock(&p.lock) == 0);
    EXPECT(tr_cond_wait_until(&p.changed, &p.lock, is_full, &p, 0) == 0);
    EXPECT(tr_cond_wait_until(&p.changed, &p.lock, is_empty, &p, 0) == TR_ETIMEDOUT);
    EXPECT(tr_cond_wait_until(&p.changed, &p.lock, is_empty, &p, 0.002) == TR_ETIMEDOUT);
    EXPECT(tr_unlock(&p.lock) == 0);
}

static int notify_often(void *arg)
{
    place *p = arg;

    for (int i = 0; i < 5; i++) {
        EXPECT(tr_cond_notify_all(&p->changed) == 0);
        EXPECT(tr_yield() == 0);
    }
    EXPECT(tr_lock(&p->lock) == 0);
    note('f');
    p->is_full = true;
    EXPECT(tr_cond_notify(&p->changed, 1) == 0);
    return tr_unlock(&p->lock);
}

CASE(a_notification_is_not_enough_where_something_must_hold)
{
    place p = { .is_full = false };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, notify_often, &p) == 0);
        EXPECT(tr_lock(&p.lock) == 0);
        EXPECT(tr_cond_wait_until(&p.changed, &p.lock, is_full, &p, 1000) == 0);
        note('w');
        EXPECT(tr_unlock(&p.lock) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "fw") == 0);
}

static int notify_for_ever(void *arg)
{
    for (;;) {
        int rc = tr_sleep(0.001);

        if (rc < 0)
            return rc;
        EXPECT(tr_cond_notify_all(arg) == 0);
    }
}

CASE(the_time_is_for_all_notifications_together)
{
    place p = { .is_full = false };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, notify_for_ever, &p.changed) == 0);
        EXPECT(tr_lock(&p.lock) == 0);
        EXPECT(tr_cond_wait_until(&p.changed, &p.lock, is_full, &p, 0.02) == TR_ETIMEDOUT);
        EXPECT(tr_unlock(&p.lock) == 0);
        EXPECT(tr_scope_cancel(s) == 1);
    }
    EXPECT(rc == 0);
}

CASE(a_cancellation_ends_the_wait_for_what_holds)
{
    place p = { .is_full = true };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_lock(&p.lock) == 0);
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_cond_wait_until(&p.changed, &p.lock, is_full, &p, 1) == TR_ECANCELED);
        EXPECT(tr_unlock(&p.lock) == 0);
    }
    EXPECT(rc == 0);
}

/* ---- every await ---- */

typedef struct relay {
    place place;
    tr_task *other;
} relay;

static int take_once(void *arg)
{
    place *p = &((relay *)arg)->place;
    int rc = AWAIT(tr_lock(&p->lock));

    if (rc < 0)
        return rc;
    while (rc == 0 && !p->is_full)
        rc = AWAIT(tr_cond_wait(&p->changed, &p->lock));
    EXPECT(tr_try_lock(&p->lock) == TR_EDEADLK);
    if (rc == 0) {
        p->is_full = false;
        p->taken++;
    }
    EXPECT(tr_unlock(&p->lock) == 0);
    return rc < 0 ? rc : AWAIT(tr_yield());
}

static int put_one(void *arg)
{
    place *p = &((relay *)arg)->place;

    EXPECT(tr_lock(&p->lock) == 0);
    p->is_full = true;
    EXPECT(tr_cond_notify(&p->changed, 1) == 0);
    EXPECT(tr_unlock(&p->lock) == 0);
    return 0;
}

static void start_other(void *arg)
{
    relay *r = arg;

    r->place = (place){ .is_full = false };
    EXPECT(tr_task_spawn_on(&r->other, TR_LOOP(1), put_one, r) == 0);
}

static void expect_taken_or_cancelled(void *arg, int rc)
{
    relay *r = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(r->other, TR_FOREVER) == 0);
    tr_task_unref(r->other);
    EXPECT(rc < 0 || r->place.taken == 1);
    EXPECT(r->place.is_full == (r->place.taken == 0));
    EXPECT(tr_try_lock(&r->place.lock) == 0);
    EXPECT(tr_unlock(&r->place.lock) == 0);
}

CASE(a_condition_survives_a_cancellation_at_every_await)
{
    relay r = { .other = NULL };

    cancel_at_every_await(&(attempt){ start_other, take_once, expect_taken_or_cancelled }, &r);
}

/* One of two who wait is cancelled as one is notified: somebody must get it. */
static int take_one(void *arg)
{
    place *p = arg;
    int rc = tr_lock(&p->lock);

    if (rc < 0)
        return rc;
    while (rc == 0 && !p->is_full)
        rc = tr_cond_wait(&p->changed, &p->lock);
    if (rc == 0) {
        p->is_full = false;
        p->taken++;
    }
    EXPECT(tr_unlock(&p->lock) == 0);
    return rc;
}

static void put_one_as_thread(void *arg)
{
    place *p = arg;

    EXPECT(tr_lock(&p->lock) == 0);
    p->is_full = true;
    EXPECT(tr_unlock(&p->lock) == 0);
    EXPECT(tr_cond_notify(&p->changed, 1) == 0); /* without it will do */
}

CASE(one_who_is_cancelled_never_eats_a_notification)
{
    place p = { .is_full = false };
    tr_task *first, *second;
    foreign *thread;
    int rc;

    EXPECT(tr_task_spawn_on(&first, TR_LOOP(1), take_one, &p) == 0);
    EXPECT(tr_task_spawn(&second, take_one, &p) == 0);
    let_others_run();
    thread = foreign_start(put_one_as_thread, &p);
    EXPECT(tr_task_cancel(first) >= 0);
    rc = tr_task_wait(first, TR_FOREVER);
    EXPECT(rc == 0 || rc == TR_ECANCELED);
    foreign_end(thread);
    if (rc == TR_ECANCELED)
        EXPECT(tr_task_wait(second, TR_FOREVER) == 0);
    else
        EXPECT(tr_task_wait(second, 0) == TR_ETIMEDOUT);
    tr_task_unref(first);
    tr_task_unref(second);
    EXPECT(p.taken == 1 && !p.is_full);
}

/* ---- wrong ---- */

CASE(who_does_not_have_the_mutex_may_not_wait)
{
    tr_task *holder;

    EXPECT(tr_cond_wait(&changed, &lock) == TR_EPERM);
    EXPECT(tr_cond_wait_for(&changed, &lock, 1) == TR_EPERM);
    EXPECT(tr_task_spawn(&holder, wait_and_note, &(struct wait_and_note_args){ 'a' }) == 0);
    let_others_run();
    EXPECT(tr_cond_wait(&changed, &lock) == TR_EPERM);
    notify(1);
    EXPECT(tr_task_wait(holder, TR_FOREVER) == 0);
    tr_task_unref(holder);
}

static void use_on_a_loop(void *arg)
{
    EXPECT(tr_try_lock(&lock) == 0);
    EXPECT(tr_cond_wait(&changed, &lock) == TR_EWRONGPLACE);
    EXPECT(tr_cond_wait_until(&changed, &lock, is_full, arg, 0) == TR_EWRONGPLACE);
    EXPECT(tr_cond_notify_all(&changed) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(a_loop_may_notify_but_not_wait)
{
    place p = { .is_full = true };

    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_post(TR_LOOP(0), use_on_a_loop, &p) == 0);
    EXPECT(tr_cond_wait(&changed, &lock) == 0);
    EXPECT(tr_unlock(&lock) == 0);
}

CASE(bad_arguments_are_refused)
{
    EXPECT(tr_lock(&lock) == 0);
    EXPECT(tr_cond_wait(NULL, &lock) == TR_EINVAL);
    EXPECT(tr_cond_wait(&changed, NULL) == TR_EINVAL);
    EXPECT(tr_cond_wait_for(&changed, &lock, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_cond_wait_until(&changed, &lock, NULL, NULL, 1) == TR_EINVAL);
    EXPECT(tr_cond_notify(NULL, 1) == TR_EINVAL);
    EXPECT(tr_cond_notify_all(NULL) == TR_EINVAL);
    EXPECT(tr_unlock(&lock) == 0);
}

CASES("cond", who_waits_has_given_the_mutex_back, those_go_on_who_have_waited_longest,
      a_notification_that_nobody_waits_for_is_not_kept,
      one_who_is_notified_goes_on_when_the_mutex_is_free,
      waiting_ends_with_its_time_and_with_the_mutex,
      one_who_is_late_waits_for_the_mutex_nevertheless, an_outer_deadline_is_not_the_waits_own,
      one_who_is_cancelled_has_the_mutex_and_takes_no_notification,
      one_who_is_cancelled_waits_for_the_mutex_though_it_is_contested,
      a_notification_stands_though_the_task_is_cancelled_then,
      a_notification_stands_though_the_task_is_cancelled_while_it_waits_for_the_mutex,
      a_task_that_is_cancelled_keeps_the_mutex,
      things_are_handed_over_between_all_loops_and_threads, a_thread_waits_as_long_as_it_wants,
      what_holds_at_once_is_not_waited_for, a_notification_is_not_enough_where_something_must_hold,
      the_time_is_for_all_notifications_together, a_cancellation_ends_the_wait_for_what_holds,
      a_condition_survives_a_cancellation_at_every_await,
      one_who_is_cancelled_never_eats_a_notification, who_does_not_have_the_mutex_may_not_wait,
      a_loop_may_notify_but_not_wait, bad_arguments_are_refused)
