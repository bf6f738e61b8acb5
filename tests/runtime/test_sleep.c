/* Sleeping and yielding; and tasks that await on and on although they are cancelled. */
#include <math.h>
#include <stdlib.h>

#include "base/seam.h"
#include "support/actors.h"
#include "support/tasks.h"

/* ---- sleep ---- */

static int sleep_for(void *seconds)
{
    double s = *(double *)seconds;
    uint64_t before = tr__now_ns();

    ck_assert_int_eq(tr_sleep(s), 0);
    ck_assert_uint_ge(tr__now_ns() - before, (uint64_t)(s * 1e9));
    return 0;
}

START_TEST(sleep_never_ends_early)
{
    double times[] = { 1e-9, 1e-6, 0.00005, 0.0001, 0.00015, 0.001, 0.00333, 0.01, 0.05 };

    kit_start(1);
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 5; k++)
            ck_assert_int_eq(kit_in_task(0, sleep_for, &times[i]), 0);
    kit_stop();
}
END_TEST

enum { SLEEPERS = 200 };

static uint64_t due_ns[SLEEPERS]; /* not before */
static int woken[SLEEPERS];
static int woken_count;

static int sleep_by_number(void *number)
{
    int n = (int)(intptr_t)number;
    double seconds = 0.005 + 0.0005 * n;

    due_ns[n] = tr__now_ns() + (uint64_t)(seconds * 1e9);
    ck_assert_int_eq(tr_sleep(seconds), 0);
    woken[woken_count++] = n;
    return 0;
}

static int sleep_many(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc)
        for (int i = 0; i < SLEEPERS; i++) /* 77 and 200 have no common factor */
            (void)tr_scope_spawn(s, sleep_by_number, (void *)(intptr_t)(i * 77 % SLEEPERS));
    return rc;
}

START_TEST(sleepers_wake_in_the_order_of_their_times)
{
    const uint64_t resolution_ns = 150000;

    kit_run_task(1, sleep_many, NULL);
    ck_assert_int_eq(woken_count, SLEEPERS);
    for (int i = 1; i < SLEEPERS; i++)
        ck_assert_uint_ge(due_ns[woken[i]] + resolution_ns, due_ns[woken[i - 1]]);
}
END_TEST

static int sleep_for_no_time(void *unused)
{
    const double times[] = { 0, -0.0, -1, -INFINITY };
    int turns = 0;
    tr_task *other;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&other, kit_count_turns, &turns), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(turns, i);
        ck_assert_int_eq(tr_sleep(times[i]), 0);
    }
    ck_assert_int_eq(tr_sleep(NAN), TR_EINVAL);
    ck_assert_int_eq(tr_sleep(-NAN), TR_EINVAL);
    ck_assert_int_eq(turns, 4);
    ck_assert_int_eq(tr_task_wait(other, 0), TR_ETIMEDOUT);
    tr_task_unref(other);
    TR_DEADLINE(0) {
        ck_assert_int_eq(tr_sleep(0), TR_ECANCELED);
        ck_assert_int_eq(tr_sleep(NAN), TR_EINVAL);
    }
    return 0;
}

START_TEST(sleep_for_no_time_yields_once_and_not_a_number_is_refused)
{
    kit_run_task(1, sleep_for_no_time, NULL);
    ck_assert_int_eq(tr_sleep(1), TR_EWRONGPLACE);
}
END_TEST

static int sleep_long(void *seconds)
{
    return tr_sleep(*(double *)seconds);
}

static int cancel_sleeper(void *seconds)
{
    tr_task *sleeper;

    ck_assert_int_eq(tr_task_spawn(&sleeper, sleep_long, seconds), 0);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_cancel(sleeper), 1);
    ck_assert_int_eq(tr_task_wait(sleeper, TR_FOREVER), TR_ECANCELED);
    tr_task_unref(sleeper);
    return 0;
}

START_TEST(sleep_for_ever_ends_when_it_is_cancelled)
{
    double times[] = { INFINITY, 1e300, 1e15, 1e9, 60 };

    kit_start(1);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(kit_in_task(0, cancel_sleeper, &times[i]), 0);
    kit_stop();
}
END_TEST

/* ---- yield ---- */

enum { ROUNDS = 1000, YIELDERS = 3 };

static int done[YIELDERS];
static int handled;

/* An actor that sends itself a message each time. */
static int go_round(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    return ++handled < ROUNDS ? tr_send(tr_self_pid(self), kit_notice) : 0;
}

static const tr_actor_class round_class = { .name = "round", .receive = go_round };

static int yield_on(void *number)
{
    int *mine = number;

    while (*mine < ROUNDS) {
        ++*mine;
        for (int i = 0; i < YIELDERS; i++)
            ck_assert_int_le(abs(done[i] - *mine), 1);
        ck_assert_int_eq(tr_yield(), 0);
    }
    return 0;
}

static int yield_among_actors(void *unused)
{
    tr_pid pid;
    int rc;

    (void)unused;
    ck_assert_int_eq(tr_spawn(&pid, &round_class, NULL), 0);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < YIELDERS; i++)
            (void)tr_scope_spawn(s, yield_on, &done[i]);
        ck_assert_int_eq(tr_send(pid, kit_notice), 0);
    }
    /* The actor was not starved: it took a turn (or more) each time the tasks took one. */
    ck_assert_int_ge(handled, ROUNDS - 2);
    return rc;
}

START_TEST(tasks_that_yield_and_actors_take_turns)
{
    kit_run_task(1, yield_among_actors, NULL);
}
END_TEST

/* ---- tasks that do not see that they are cancelled ---- */

typedef struct spinner {
    int spins;
    int turns_of_other;
} spinner;

static int spin(void *arg)
{
    spinner *s = arg;

    for (int i = 0; i < s->spins; i++)
        switch (i % 4) {
        case 0:
            ck_assert_int_eq(tr_sleep(1), TR_ECANCELED);
            break;
        case 1:
            ck_assert_int_eq(tr_yield(), TR_ECANCELED);
            break;
        case 2:
            ck_assert_int_eq(tr_sleep(0), TR_ECANCELED);
            break;
        default:
            ck_assert_int_eq(tr_ask(NULL, TR_PID_NONE, 1, kit_ask, .a = 1), TR_ECANCELED);
        }
    return 0;
}

static int spin_beside_another(void *arg)
{
    spinner *s = arg;
    tr_task *spinning;
    tr_task *other;

    ck_assert_int_eq(tr_task_spawn(&spinning, spin, s), 0);
    ck_assert_int_eq(tr_task_cancel(spinning), 1);
    ck_assert_int_eq(tr_task_spawn(&other, kit_count_turns, &s->turns_of_other), 0);
    ck_assert_int_eq(tr_task_wait(spinning, TR_FOREVER), 0);
    ck_assert_int_eq(tr_task_wait(other, 0), TR_ETIMEDOUT);
    tr_task_unref(spinning);
    tr_task_unref(other);
    return 0;
}

START_TEST(a_task_that_awaits_on_although_it_is_cancelled_is_made_to_yield_and_named)
{
    spinner few = { .spins = 999 };
    spinner many = { .spins = 10500 };

    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, spin_beside_another, &few), 0);
    ck_assert(!kit_log_contains("task 'spin' is cancelled"));
    ck_assert_int_eq(kit_in_task(0, spin_beside_another, &many), 0);
    ck_assert(kit_log_contains("task 'spin' is cancelled, and has awaited 1000 times all the same: "
                               "it should clean up and return"));
    kit_stop();
    ck_assert_int_le(few.turns_of_other, 2); /* after the spinner had ended */
    ck_assert_int_ge(many.turns_of_other, 9);
}
END_TEST

KIT_MAIN("runtime/sleep", sleep_never_ends_early, sleepers_wake_in_the_order_of_their_times,
         sleep_for_no_time_yields_once_and_not_a_number_is_refused,
         sleep_for_ever_ends_when_it_is_cancelled, tasks_that_yield_and_actors_take_turns,
         a_task_that_awaits_on_although_it_is_cancelled_is_made_to_yield_and_named)
