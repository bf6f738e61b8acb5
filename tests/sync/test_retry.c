/* Retrying. */
#include <math.h>
#include <time.h>

#include "sync/cases.h"

static const tr_retry_policy quick = { .first_delay = 1e-4, .longest_delay = 1e-3 };

typedef struct service {
    int fails;  /* so many times */
    int error;  /* how */
    int result; /* then */
    int calls;
    tr_task *cancels; /* by the first call */
} service;

static int call_service(void *arg)
{
    service *s = arg;

    s->calls++;
    if (s->cancels != NULL)
        (void)tr_task_cancel(s->cancels);
    return s->calls <= s->fails ? s->error : s->result;
}

CASE(what_succeeds_is_called_once)
{
    service s = { .result = 3 };

    EXPECT(tr_retry(call_service, &s, NULL) == 3);
    EXPECT(s.calls == 1);
}

CASE(what_fails_is_called_until_it_succeeds)
{
    service s = { .fails = 3, .error = TR_EAGAIN, .result = 7 };

    EXPECT(tr_retry(call_service, &s, &quick) == 7);
    EXPECT(s.calls == 4);
}

CASE(after_the_last_attempt_its_error_is_returned)
{
    service s = { .fails = 100, .error = TR_EAGAIN };

    EXPECT(tr_retry(call_service, &s, &quick) == TR_EAGAIN);
    EXPECT(s.calls == 5);
}

CASE(so_many_attempts_are_made_as_are_asked_for)
{
    for (int attempts = 1; attempts <= 8; attempts++) {
        tr_retry_policy p = quick;
        service s = { .fails = 100, .error = TR_EBUSY };

        p.attempts = attempts;
        EXPECT(tr_retry(call_service, &s, &p) == TR_EBUSY);
        EXPECT(s.calls == attempts);
    }
}

CASE(without_a_limit_it_goes_on)
{
    tr_retry_policy p = quick;
    service s = { .fails = 20, .error = TR_EBUSY };

    p.attempts = -1;
    EXPECT(tr_retry(call_service, &s, &p) == 0);
    EXPECT(s.calls == 21);
}

CASE(cancelled_is_never_retried)
{
    service s = { .fails = 100, .error = TR_ECANCELED };

    EXPECT(tr_retry(call_service, &s, &quick) == TR_ECANCELED);
    EXPECT(s.calls == 1);
}

static bool is_again(int error, void *arg)
{
    note('?');
    EXPECT(((service *)arg)->error == error);
    return error == TR_EAGAIN;
}

CASE(only_what_is_transient_is_retried)
{
    tr_retry_policy p = quick;
    service again = { .fails = 2, .error = TR_EAGAIN };
    service invalid = { .fails = 2, .error = TR_EINVAL };
    service cancelled = { .fails = 2, .error = TR_ECANCELED };

    p.is_transient = is_again;
    EXPECT(tr_retry(call_service, &again, &p) == 0 && again.calls == 3);
    EXPECT(tr_retry(call_service, &invalid, &p) == TR_EINVAL && invalid.calls == 1);
    EXPECT(tr_retry(call_service, &cancelled, &p) == TR_ECANCELED && cancelled.calls == 1);
    EXPECT(notes()[3] == '\0'); /* it is not asked about a cancellation */
}

/* ---- delays: an attempt can't come earlier than they say ---- */

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds_of(const tr_retry_policy *p)
{
    service s = { .fails = 100, .error = TR_EAGAIN };
    double begun = now();

    EXPECT(tr_retry(call_service, &s, p) == TR_EAGAIN);
    EXPECT(s.calls == p->attempts);
    return now() - begun;
}

CASE(delays_grow_by_the_factor)
{
    const tr_retry_policy p = { .attempts = 4, .first_delay = 1e-3, .factor = 3, .jitter = -1 };

    EXPECT(seconds_of(&p) >= 1e-3 * (1 + 3 + 9));
}

CASE(delays_double_if_nothing_is_said)
{
    const tr_retry_policy p = { .attempts = 4, .first_delay = 1e-3, .jitter = -1 };

    EXPECT(seconds_of(&p) >= 1e-3 * (1 + 2 + 4));
}

CASE(the_longest_delay_is_not_exceeded)
{
    const tr_retry_policy p = {
        .attempts = 30, .first_delay = 1e-4, .factor = 1e9, .longest_delay = 2e-4, .jitter = -1
    };

    EXPECT(seconds_of(&p) >= 1e-4 + 28 * 2e-4); /* and it ends */
}

CASE(a_factor_of_one_keeps_them_as_they_are)
{
    const tr_retry_policy p = { .attempts = 6, .first_delay = 1e-3, .factor = 1, .jitter = -1 };

    EXPECT(seconds_of(&p) >= 5e-3);
}

CASE(a_part_of_a_delay_is_left_to_chance)
{
    const tr_retry_policy p = { .attempts = 6, .first_delay = 1e-3, .factor = 1, .jitter = 0.5 };

    EXPECT(seconds_of(&p) >= 2.5e-3);
}

/* ---- cancellation and deadlines ---- */

CASE(an_outer_deadline_ends_it)
{
    const tr_retry_policy p = { .attempts = -1, .first_delay = 1e-4, .longest_delay = 1e-3 };
    service s = { .fails = 1 << 30, .error = TR_EAGAIN };
    int rc = 0;

    TR_DEADLINE(0.01, &rc) {
        rc = tr_retry(call_service, &s, &p);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT && s.calls >= 1);
}

static int wait_in_vain(void *calls)
{
    int rc = 0;

    ++*(int *)calls;
    TR_DEADLINE(1e-4, &rc) {
        rc = tr_sleep(1000);
    }
    return rc;
}

CASE(a_deadline_within_bounds_each_attempt_and_is_retried)
{
    int calls = 0;

    EXPECT(tr_retry(wait_in_vain, &calls, &quick) == TR_ETIMEDOUT);
    EXPECT(calls == 5);
}

static int retry_for_long(void *arg)
{
    return tr_retry(
        call_service, arg,
        &(tr_retry_policy){ .first_delay = 1000, .jitter = -1, .longest_delay = TR_FOREVER });
}

CASE(who_is_cancelled_between_attempts_goes_on_at_once)
{
    service s = { .fails = 100, .error = TR_EAGAIN };
    tr_task *task;

    EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), retry_for_long, &s) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(task) == 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
    EXPECT(s.calls <= 1);
    tr_task_unref(task);
}

CASE(who_was_cancelled_before_does_not_call_at_all)
{
    service s = { .fails = 100, .error = TR_EAGAIN };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, retry_for_long, &s) == 0);
    EXPECT(tr_task_cancel(task) == 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
    EXPECT(s.calls == 0);
    tr_task_unref(task);
}

static int retry_when_cancelled_within(void *arg)
{
    return tr_retry(call_service, arg, &quick);
}

CASE(an_error_of_who_was_cancelled_meanwhile_is_not_retried)
{
    service s = { .fails = 100, .error = TR_EAGAIN };

    EXPECT(tr_task_spawn(&s.cancels, retry_when_cancelled_within, &s) == 0);
    EXPECT(tr_task_wait(s.cancels, TR_FOREVER) == TR_ECANCELED);
    EXPECT(s.calls == 1);
    tr_task_unref(s.cancels);
}

CASE(a_success_stays_one_though_its_caller_was_cancelled_meanwhile)
{
    service s = { .result = 4 };

    EXPECT(tr_task_spawn(&s.cancels, retry_when_cancelled_within, &s) == 0);
    EXPECT(tr_task_wait(s.cancels, TR_FOREVER) == 4);
    tr_task_unref(s.cancels);
}

static int sleep_and_fail(void *calls)
{
    int rc = AWAIT(tr_sleep(1e-4));

    ++*(int *)calls;
    return rc < 0 ? rc : TR_EAGAIN;
}

static int retry_sleeping(void *calls)
{
    *(int *)calls = 0;
    return tr_retry(sleep_and_fail, calls, &quick);
}

static void expect_sound(void *calls, int rc)
{
    EXPECT(rc == TR_ECANCELED || (rc == TR_EAGAIN && *(int *)calls == 5));
}

CASE(whichever_attempt_is_cancelled_it_is_the_last)
{
    int calls;

    cancel_at_every_await(&(attempt){ NULL, retry_sleeping, expect_sound }, &calls);
}

/* ---- wrong ---- */

static void retry_in_the_wrong_place(void *arg)
{
    EXPECT(tr_retry(call_service, arg, &quick) == TR_EWRONGPLACE);
}

CASE(only_tasks_retry)
{
    service s = { .result = 0 };

    call_elsewhere(retry_in_the_wrong_place, &s);
    EXPECT(s.calls == 0);
}

CASE(bad_arguments_are_refused)
{
    const tr_retry_policy bad[] = {
        { .first_delay = -1 },    { .first_delay = NAN }, { .factor = 0.5 },
        { .factor = -2 },         { .factor = NAN },      { .longest_delay = -1 },
        { .longest_delay = NAN }, { .jitter = 1.5 },      { .jitter = NAN },
    };
    service s = { .result = 0 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT(tr_retry(call_service, &s, &bad[i]) == TR_EINVAL);
    EXPECT(tr_retry(NULL, &s, NULL) == TR_EINVAL);
    EXPECT(tr__retry(call_service, &s, NULL, 0) == TR_EINVAL);
    EXPECT(tr__retry(call_service, &s, NULL, sizeof(tr_retry_policy) + 1) == TR_EINVAL);
    EXPECT(s.calls == 0);
}

CASES("retry", what_succeeds_is_called_once, what_fails_is_called_until_it_succeeds,
      after_the_last_attempt_its_error_is_returned, so_many_attempts_are_made_as_are_asked_for,
      without_a_limit_it_goes_on, cancelled_is_never_retried, only_what_is_transient_is_retried,
      delays_grow_by_the_factor, delays_double_if_nothing_is_said,
      the_longest_delay_is_not_exceeded, a_factor_of_one_keeps_them_as_they_are,
      a_part_of_a_delay_is_left_to_chance, an_outer_deadline_ends_it,
      a_deadline_within_bounds_each_attempt_and_is_retried,
      who_is_cancelled_between_attempts_goes_on_at_once,
      who_was_cancelled_before_does_not_call_at_all,
      an_error_of_who_was_cancelled_meanwhile_is_not_retried,
      a_success_stays_one_though_its_caller_was_cancelled_meanwhile,
      whichever_attempt_is_cancelled_it_is_the_last, only_tasks_retry, bad_arguments_are_refused)
