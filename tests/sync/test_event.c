/* Events. */
#include <string.h>

#include "sync/cases.h"

struct await_args {
    tr_event *event;
    counter *done;
};

static int await(void *arg)
{
    const struct await_args *a = arg;
    int rc = tr_event_wait(a->event);

    if (rc == 0)
        count_up(a->done);
    return rc;
}

CASE(an_event_of_zeros_has_not_happened)
{
    tr_event e = { 0 };

    EXPECT(!tr_event_is_set(&e));
    EXPECT(tr_event_wait_for(&e, 0) == TR_ETIMEDOUT);
    EXPECT(tr_event_set(&e) == 0);
    EXPECT(tr_event_is_set(&e));
    EXPECT(tr_event_set(&e) == 0); /* once more is the same */
    EXPECT(tr_event_wait(&e) == 0);
    EXPECT(tr_event_wait_for(&e, 0) == 0);
    EXPECT(tr_event_clear(&e) == 0);
    EXPECT(!tr_event_is_set(&e));
    EXPECT(tr_event_wait_for(&e, 0.001) == TR_ETIMEDOUT);
}

static void await_as_thread(void *arg)
{
    EXPECT(await(arg) == 0);
}

CASE(all_who_wait_go_on_when_it_happens)
{
    tr_event e = { 0 };
    counter done = { 0 };
    struct await_args args = { &e, &done };
    foreign *thread = foreign_start(await_as_thread, &args);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 6; i++)
            EXPECT(tr_go_on(s, TR_LOOP(i % 2), await, &e, &done) == 0);
        let_others_run();
        EXPECT(count_of(&done) == 0);
        EXPECT(tr_event_set(&e) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(count_of(&done) == 7);
}

CASE(those_who_were_let_go_on_do_so_though_it_is_cleared_at_once)
{
    tr_event e = { 0 };
    counter done = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, await, &e, &done);
        tr_go(s, await, &e, &done);
        let_others_run();
        EXPECT(tr_event_set(&e) == 0);
        EXPECT(tr_event_clear(&e) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(count_of(&done) == 2);
    EXPECT(!tr_event_is_set(&e));
}

static void set_as_thread(void *e)
{
    EXPECT(tr_event_set(e) == 0);
}

CASE(a_thread_may_set_it)
{
    tr_event e = { 0 };
    foreign *thread = foreign_start(set_as_thread, &e);

    EXPECT(tr_event_wait(&e) == 0);
    foreign_end(thread);
}

static void wait_in_vain(void *e)
{
    EXPECT(tr_event_wait_for(e, 0) == TR_ETIMEDOUT);
    EXPECT(tr_event_wait_for(e, 0.001) == TR_ETIMEDOUT);
}

CASE(a_thread_waits_as_long_as_it_wants)
{
    tr_event e = { 0 };

    foreign_end(foreign_start(wait_in_vain, &e));
}

static void set_on_a_loop(void *e)
{
    EXPECT(tr_event_wait_for(e, 0) == TR_EWRONGPLACE);
    EXPECT(!tr_event_is_set(e));
    EXPECT(tr_event_set(e) == 0);
}

CASE(a_loop_may_set_it_but_not_wait)
{
    tr_event e = { 0 };

    EXPECT(tr_post(TR_LOOP(1), set_on_a_loop, &e) == 0);
    EXPECT(tr_event_wait(&e) == 0);
}

static void set_on_the_other_loop(void *e)
{
    EXPECT(tr_event_set(e) == 0);
}

/* Its memory is used anew at once: nobody may look at it any more. */
static void wait_on_this_stack(int round)
{
    tr_event e = { 0 };

    EXPECT(tr_post(TR_LOOP(1), set_on_the_other_loop, &e) == 0);
    for (int i = 0; i < round; i++)
        EXPECT(tr_yield() == 0);
    EXPECT(tr_event_wait(&e) == 0);
    memset(&e, 0xa5, sizeof(e));
}

CASE(an_event_may_be_gone_when_it_was_waited_for)
{
    for (int round = 0; round < 100; round++)
        wait_on_this_stack(round);
}

CASE(one_who_is_cancelled_leaves_the_others_waiting)
{
    tr_event e = { 0 };
    counter done = { 0 };
    struct await_args args = { &e, &done };
    tr_task *first;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_task_spawn(&first, await, &args) == 0);
        tr_go(s, await, &e, &done);
        tr_go(s, await, &e, &done);
        let_others_run();
        EXPECT(tr_task_wait(first, 0) == TR_ETIMEDOUT);
        tr_task_unref(first);
        EXPECT(count_of(&done) == 0);
        EXPECT(tr_event_set(&e) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(count_of(&done) == 2);
}

CASE(one_who_was_let_go_on_has_waited_though_it_is_cancelled_then)
{
    tr_event e = { 0 };
    counter done = { 0 };
    struct await_args args = { &e, &done };
    tr_task *waiter;

    EXPECT(tr_task_spawn(&waiter, await, &args) == 0);
    let_others_run();
    EXPECT(tr_event_set(&e) == 0);
    EXPECT(tr_task_cancel(waiter) == 1); /* it has not run yet */
    EXPECT(tr_task_wait(waiter, TR_FOREVER) == 0);
    tr_task_unref(waiter);
    EXPECT(count_of(&done) == 1);
}

CASE(a_task_that_is_cancelled_does_not_wait_for_what_has_happened_either)
{
    tr_event e = { 0 };
    int rc;

    EXPECT(tr_event_set(&e) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_event_wait(&e) == TR_ECANCELED);
        EXPECT(tr_event_is_set(&e));
    }
    EXPECT(rc == 0);
}

CASE(an_outer_deadline_is_not_the_waits_own)
{
    tr_event e = { 0 };
    int rc = 0;

    TR_DEADLINE(0.002, &rc) {
        rc = tr_event_wait_for(&e, 1000);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

/* Late or not, each has an answer, and the event is set. */
static int wait_a_moment(void *arg)
{
    const struct await_args *a = arg;
    int rc = tr_event_wait_for(a->event, 0.001);

    EXPECT(rc == 0 || rc == TR_ETIMEDOUT);
    count_up(a->done);
    return 0;
}

static void set_after_a_moment(void *e)
{
    tr_event never = { 0 };

    EXPECT(tr_event_wait_for(&never, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_event_set(e) == 0);
}

CASE(an_event_and_the_end_of_the_time_may_meet)
{
    tr_event e = { 0 };
    counter done = { 0 };
    struct await_args args = { &e, &done };
    foreign *thread = foreign_start(set_after_a_moment, &e);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 6; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), wait_a_moment, &args) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(count_of(&done) == 6);
    EXPECT(tr_event_is_set(&e));
}

/* ---- every await ---- */

typedef struct relay {
    tr_event forth;
    tr_event back;
    tr_task *other;
} relay;

static int wait_forth_and_back(void *arg)
{
    relay *r = arg;
    int rc;

    EXPECT(tr_event_set(&r->forth) == 0);
    rc = AWAIT(tr_event_wait(&r->back));
    return rc < 0 ? rc : AWAIT(tr_event_wait_for(&r->back, 1000));
}

static int answer(void *arg)
{
    relay *r = arg;
    int rc = tr_event_wait(&r->forth);

    return rc < 0 ? rc : tr_event_set(&r->back);
}

static void start_other(void *arg)
{
    relay *r = arg;

    EXPECT(tr_event_clear(&r->forth) == 0 && tr_event_clear(&r->back) == 0);
    EXPECT(tr_task_spawn_on(&r->other, TR_LOOP(1), answer, r) == 0);
}

static void expect_answered(void *arg, int rc)
{
    relay *r = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(r->other, TR_FOREVER) == 0);
    tr_task_unref(r->other);
    EXPECT(tr_event_is_set(&r->back));
}

CASE(events_survive_a_cancellation_at_every_await)
{
    relay r = { .other = NULL };

    cancel_at_every_await(&(attempt){ start_other, wait_forth_and_back, expect_answered }, &r);
}

CASE(bad_arguments_are_refused)
{
    tr_event e = { 0 };

    EXPECT(tr_event_set(NULL) == TR_EINVAL);
    EXPECT(tr_event_clear(NULL) == TR_EINVAL);
    EXPECT(tr_event_wait(NULL) == TR_EINVAL);
    EXPECT(tr_event_wait_for(&e, __builtin_nan("")) == TR_EINVAL);
    EXPECT(!tr_event_is_set(NULL));
}

CASES("event", an_event_of_zeros_has_not_happened, all_who_wait_go_on_when_it_happens,
      those_who_were_let_go_on_do_so_though_it_is_cleared_at_once, a_thread_may_set_it,
      a_thread_waits_as_long_as_it_wants, a_loop_may_set_it_but_not_wait,
      events_survive_a_cancellation_at_every_await, bad_arguments_are_refused,
      an_event_may_be_gone_when_it_was_waited_for, one_who_is_cancelled_leaves_the_others_waiting,
      one_who_was_let_go_on_has_waited_though_it_is_cancelled_then,
      a_task_that_is_cancelled_does_not_wait_for_what_has_happened_either,
      an_outer_deadline_is_not_the_waits_own, an_event_and_the_end_of_the_time_may_meet)
