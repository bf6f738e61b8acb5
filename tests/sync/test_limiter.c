/* Limiters. Time is only ever known to have passed, never not to have: where nothing may come back
 * meanwhile, a token takes an hour. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "sync/cases.h"

#define HOURLY (1.0 / 3600)

static double now(void)
{
    struct timespec t;

    EXPECT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct take_args {
    tr_limiter *l;
    uint64_t n;
    char letter;
};

static int take(void *arg)
{
    const struct take_args *a = arg;
    int rc = tr_limiter_acquire_many(a->l, a->n, TR_FOREVER);

    note(rc == 0 ? a->letter : '-');
    return rc;
}

static void expect_about(double tokens, double expected)
{
    EXPECT(tokens >= expected && tokens < expected + 0.5);
}

CASE(a_new_bucket_is_full)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 3);
    double wait = -1;

    EXPECT(tr_limiter_tokens(&l) == 3);
    EXPECT(tr_limiter_acquire(&l) == 0);
    EXPECT(tr_limiter_acquire_for(&l, 0) == 0);
    EXPECT(tr_limiter_try_acquire(&l, 1, &wait) == 0);
    EXPECT(wait == 0);
    expect_about(tr_limiter_tokens(&l), 0);
    EXPECT(tr_limiter_try_acquire(&l, 1, &wait) == TR_EBUSY);
    EXPECT(wait > 1800 && wait <= 3600);
    EXPECT(tr_limiter_try_acquire(&l, 3, &wait) == TR_EBUSY);
    EXPECT(wait > 3 * 1800 && wait <= 3 * 3600);
}

CASE(it_is_filled_as_time_passes_and_not_beyond_its_size)
{
    tr_limiter l = TR_LIMITER_INIT(1000, 4);

    EXPECT(tr_limiter_acquire_many(&l, 4, 0) == 0);
    EXPECT(tr_sleep(0.01) == 0);
    EXPECT(tr_limiter_tokens(&l) == 4);
    EXPECT(tr_limiter_try_acquire(&l, 4, NULL) == 0);
}

CASE(who_waits_goes_on_when_the_tokens_are_there)
{
    tr_limiter l = TR_LIMITER_INIT(1000, 2);
    double began = now();

    for (int i = 0; i < 8; i++)
        EXPECT(tr_limiter_acquire(&l) == 0);
    EXPECT(now() - began > 0.0059); /* 2 were there, 6 came each after a millisecond */
    EXPECT(tr_limiter_acquire_many(&l, 2, 1000) == 0);
    EXPECT(now() - began > 0.0079);
}

CASE(no_tokens_are_always_there)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 1);

    EXPECT(tr_limiter_acquire(&l) == 0);
    EXPECT(tr_limiter_acquire_many(&l, 0, TR_FOREVER) == 0);
    EXPECT(tr_limiter_try_acquire(&l, 0, NULL) == 0);
}

/* ---- the line ---- */

CASE(tokens_go_to_whoever_came_first)
{
    tr_limiter l = TR_LIMITER_INIT(1000, 1);
    int rc;

    EXPECT(tr_limiter_acquire(&l) == 0);
    TR_SCOPE(s, &rc) {
        for (char letter = 'a'; letter <= 'f'; letter++)
            tr_go(s, take, &l, 1, letter);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "abcdef") == 0);
}

CASE(who_wants_many_tokens_is_not_passed_by_who_wants_few)
{
    tr_limiter l = TR_LIMITER_INIT(1000, 5);
    int rc;

    EXPECT(tr_limiter_acquire_many(&l, 3, 0) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, take, &l, 5, 'm');
        let_others_run();
        tr_go(s, take, &l, 0, 'n'); /* this one has to wait its turn, too */
        tr_go(s, take, &l, 1, 'f');
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "mnf") == 0);
}

CASE(nobody_takes_what_another_one_waits_for)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 10);
    struct take_args args = { &l, 10, 'm' };
    tr_task *first;
    double wait = 0;

    EXPECT(tr_limiter_acquire(&l) == 0);
    EXPECT(tr_task_spawn(&first, take, &args) == 0);
    let_others_run();
    EXPECT(tr_limiter_try_acquire(&l, 1, &wait) == TR_EBUSY); /* though there are 9 */
    EXPECT(wait > 1.5 * 3600 && wait <= 2 * 3600.0);
    EXPECT(tr_limiter_acquire_for(&l, 0) == TR_ETIMEDOUT);
    EXPECT(tr_limiter_acquire_for(&l, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_task_wait(first, 0) == TR_ETIMEDOUT);
    tr_task_unref(first);
    EXPECT(tr_limiter_try_acquire(&l, 9, NULL) == 0);
}

CASE(one_who_is_cancelled_at_the_head_lets_those_behind_go)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 10);
    struct take_args args = { &l, 10, 'm' };
    tr_task *first;
    int rc;

    EXPECT(tr_limiter_acquire(&l) == 0);
    EXPECT(tr_task_spawn(&first, take, &args) == 0);
    let_others_run();
    TR_SCOPE(s, &rc) {
        tr_go(s, take, &l, 4, 'a');
        tr_go(s, take, &l, 5, 'b');
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_task_wait(first, 0) == TR_ETIMEDOUT);
        tr_task_unref(first);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "-ab") == 0);
    expect_about(tr_limiter_tokens(&l), 0);
}

CASE(nobody_passes_one_whose_turn_has_come_by_anothers_end)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 10);
    struct take_args args[] = { { &l, 10, 'a' }, { &l, 10, 'b' } };
    tr_task *tasks[2];

    EXPECT(tr_limiter_acquire(&l) == 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_task_spawn(&tasks[i], take, &args[i]) == 0);
        let_others_run();
    }
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_limiter_try_acquire(&l, 1, NULL) == TR_EBUSY); /* though there are 9 */
        EXPECT(tr_limiter_acquire_for(&l, 0.001) == TR_ETIMEDOUT);
        EXPECT(tr_task_wait(tasks[i], 0) == TR_ETIMEDOUT);
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_limiter_try_acquire(&l, 9, NULL) == 0);
}

CASE(one_who_is_late_at_the_head_lets_those_behind_go)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 10);
    int rc;

    EXPECT(tr_limiter_acquire(&l) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, take, &l, 0, '0'); /* it begins when the head has the turn */
        tr_go(s, take, &l, 9, 'a');
        EXPECT(tr_limiter_acquire_many(&l, 10, 0.002) == TR_ETIMEDOUT);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "0a") == 0);
}

CASE(one_who_is_cancelled_further_back_leaves_the_line)
{
    tr_limiter l = TR_LIMITER_INIT(200, 1);
    struct take_args args = { &l, 1, 'b' };
    tr_task *middle;
    int rc, ended;

    EXPECT(tr_limiter_acquire(&l) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, take, &l, 1, 'a');
        let_others_run();
        EXPECT(tr_task_spawn(&middle, take, &args) == 0);
        let_others_run();
        tr_go(s, take, &l, 1, 'c');
        let_others_run();
        ended = tr_task_wait(middle, 0);
        EXPECT(ended == TR_ETIMEDOUT || ended == 0);
        tr_task_unref(middle);
    }
    EXPECT(rc == 0);
    EXPECT(strchr(notes(), 'c') > strchr(notes(), 'a'));
}

CASE(an_outer_deadline_is_not_the_waits_own)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 1);
    int rc = 0;

    EXPECT(tr_limiter_acquire(&l) == 0);
    TR_DEADLINE(0.002, &rc) {
        rc = tr_limiter_acquire_for(&l, 1000);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

CASE(one_who_is_late_or_cancelled_has_taken_nothing)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 4);
    int rc;

    EXPECT(tr_limiter_acquire_many(&l, 2, 0) == 0);
    EXPECT(tr_limiter_acquire_many(&l, 3, 0) == TR_ETIMEDOUT);
    EXPECT(tr_limiter_acquire_many(&l, 3, 0.001) == TR_ETIMEDOUT);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_limiter_acquire(&l) == TR_ECANCELED);
        EXPECT(tr_limiter_try_acquire(&l, 0, NULL) == 0); /* this does not wait */
    }
    EXPECT(rc == 0);
    expect_about(tr_limiter_tokens(&l), 2);
}

/* ---- between loops and threads ---- */

enum { TAKES = 6 };

static int take_often(void *l)
{
    for (int i = 0; i < TAKES; i++)
        EXPECT(tr_limiter_acquire(l) == 0);
    return 0;
}

static void take_often_as_thread(void *l)
{
    EXPECT(take_often(l) == 0);
}

CASE(the_rate_holds_for_all_loops_and_threads_together)
{
    tr_limiter l = TR_LIMITER_INIT(2000, 4);
    double began = now();
    foreign *thread = foreign_start(take_often_as_thread, &l);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), take_often, &l) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(now() - began > (5 * TAKES - 4) / 2000.0 - 0.0001);
}

static void wait_in_vain(void *l)
{
    double wait = 0;

    EXPECT(tr_limiter_acquire_for(l, 0) == TR_ETIMEDOUT);
    EXPECT(tr_limiter_acquire_for(l, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_limiter_try_acquire(l, 1, &wait) == TR_EBUSY && wait > 1800);
}

CASE(a_thread_waits_as_long_as_it_wants)
{
    tr_limiter l = TR_LIMITER_INIT(HOURLY, 1);

    EXPECT(tr_limiter_acquire(&l) == 0);
    foreign_end(foreign_start(wait_in_vain, &l));
}

/* ---- every await ---- */

typedef struct shared {
    tr_limiter l;
    tr_task *rival;
} shared;

static int take_twice(void *arg)
{
    shared *all = arg;
    int rc = AWAIT(tr_limiter_acquire_many(&all->l, 2, TR_FOREVER));

    return rc < 0 ? rc : AWAIT(tr_limiter_acquire_for(&all->l, 1000));
}

static int rival_takes(void *arg)
{
    shared *all = arg;

    for (int i = 0; i < 2; i++)
        EXPECT(tr_limiter_acquire(&all->l) == 0);
    return 0;
}

static void start_rival(void *arg)
{
    shared *all = arg;

    EXPECT(tr_task_spawn_on(&all->rival, TR_LOOP(1), rival_takes, arg) == 0);
}

static void expect_usable(void *arg, int rc)
{
    shared *all = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(all->rival, TR_FOREVER) == 0);
    tr_task_unref(all->rival);
    EXPECT(tr_limiter_acquire(&all->l) == 0); /* nobody has the turn any more */
}

CASE(a_limiter_survives_a_cancellation_at_every_await)
{
    shared all = { .l = TR_LIMITER_INIT(5000, 2) };

    cancel_at_every_await(&(attempt){ start_rival, take_twice, expect_usable }, &all);
}

static int take_then_yield(void *arg)
{
    int rc = take(arg);

    return rc < 0 ? rc : tr_yield();
}

/* Cancelled while it has the turn, is about to have it, or has its tokens: the rest go on. */
CASE(a_turn_is_never_lost)
{
    tr_limiter l = TR_LIMITER_INIT(5000, 1);
    struct take_args args[] = { { &l, 1, 'a' }, { &l, 1, 'b' }, { &l, 1, 'c' }, { &l, 1, 'd' } };
    tr_task *tasks[4];

    EXPECT(tr_limiter_acquire(&l) == 0);
    for (int i = 0; i < 4; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i % 2), take_then_yield, &args[i]) == 0);
    EXPECT(tr_sleep(0.0003) == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(tr_task_cancel(tasks[i]) >= 0);
    for (int i = 0; i < 4; i++) {
        int rc = tr_task_wait(tasks[i], TR_FOREVER);

        EXPECT(rc == 0 || (i < 3 && rc == TR_ECANCELED));
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_limiter_acquire(&l) == 0);
}

/* ---- wrong ---- */

static void use_on_a_loop(void *done)
{
    static tr_limiter l = TR_LIMITER_INIT(HOURLY, 1);

    EXPECT(tr_limiter_acquire(&l) == TR_EWRONGPLACE);
    EXPECT(tr_limiter_acquire_for(&l, 0) == TR_EWRONGPLACE);
    EXPECT(tr_limiter_try_acquire(&l, 0, NULL) == 0);
    EXPECT(tr_event_set(done) == 0);
}

CASE(a_loop_may_try_but_not_wait)
{
    tr_event done = { 0 };

    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, &done) == 0);
    EXPECT(tr_event_wait(&done) == 0);
}

CASE(extreme_figures_do_no_harm)
{
    tr_limiter slow = TR_LIMITER_INIT(1e-300, 1);
    tr_limiter fast = TR_LIMITER_INIT(1e300, 1e300);
    double wait = 0;

    EXPECT(tr_limiter_acquire(&slow) == 0);
    EXPECT(tr_limiter_try_acquire(&slow, 1, &wait) == TR_EBUSY);
    EXPECT(wait > 1e200);
    EXPECT(tr_limiter_acquire_for(&slow, 0.001) == TR_ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        EXPECT(tr_limiter_acquire_many(&fast, UINT64_MAX, 0) == 0);
}

CASE(bad_arguments_are_refused)
{
    const double bad[][2] = {
        { 0, 1 },   { -1, 1 },  { 1, 0 },        { 1, 0.5 },
        { NAN, 1 }, { 1, NAN }, { INFINITY, 1 }, { 1, INFINITY },
    };
    tr_limiter l = TR_LIMITER_INIT(1000, 2);
    tr_limiter zeros = { 0 };
    double wait = 7;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tr_limiter other = TR_LIMITER_INIT(bad[i][0], bad[i][1]);

        EXPECT(tr_limiter_acquire(&other) == TR_EINVAL);
        EXPECT(tr_limiter_try_acquire(&other, 1, NULL) == TR_EINVAL);
        EXPECT(tr_limiter_tokens(&other) == 0);
    }
    EXPECT(tr_limiter_acquire(&zeros) == TR_EINVAL);
    EXPECT(tr_limiter_acquire(NULL) == TR_EINVAL);
    EXPECT(tr_limiter_acquire_many(&l, 3, TR_FOREVER) == TR_EINVAL); /* never there */
    EXPECT(tr_limiter_acquire_for(&l, NAN) == TR_EINVAL);
    EXPECT(tr_limiter_try_acquire(NULL, 1, &wait) == TR_EINVAL);
    EXPECT(wait == 0);
    EXPECT(tr_limiter_try_acquire(&l, 3, NULL) == TR_EINVAL);
    EXPECT(tr_limiter_tokens(NULL) == 0);
    EXPECT(tr_limiter_tokens(&l) == 2);
}

CASES("limiter", a_new_bucket_is_full, it_is_filled_as_time_passes_and_not_beyond_its_size,
      who_waits_goes_on_when_the_tokens_are_there, no_tokens_are_always_there,
      tokens_go_to_whoever_came_first, who_wants_many_tokens_is_not_passed_by_who_wants_few,
      nobody_takes_what_another_one_waits_for,
      one_who_is_cancelled_at_the_head_lets_those_behind_go,
      nobody_passes_one_whose_turn_has_come_by_anothers_end,
      one_who_is_late_at_the_head_lets_those_behind_go,
      one_who_is_cancelled_further_back_leaves_the_line, an_outer_deadline_is_not_the_waits_own,
      one_who_is_late_or_cancelled_has_taken_nothing,
      the_rate_holds_for_all_loops_and_threads_together, a_thread_waits_as_long_as_it_wants,
      a_limiter_survives_a_cancellation_at_every_await, a_turn_is_never_lost,
      a_loop_may_try_but_not_wait, extreme_figures_do_no_harm, bad_arguments_are_refused)
