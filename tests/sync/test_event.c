/* Events. */
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
      events_survive_a_cancellation_at_every_await, bad_arguments_are_refused)
