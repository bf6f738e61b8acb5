/* Circuit breakers. */
#include <math.h>

#include "sync/cases.h"

/* Long enough for a case not to see its end; short enough to wait for. */
enum { LONG = 1000 };
static const double brief = 2e-3;

static int give(void *result)
{
    note('c');
    return *(int *)result;
}

static int call_with(tr_breaker *b, int result)
{
    return tr_breaker_call(b, give, &result);
}

static size_t calls(void)
{
    size_t n = 0;

    while (notes()[n] != '\0')
        n++;
    return n;
}

static void fail_times(tr_breaker *b, int times)
{
    for (int i = 0; i < times; i++)
        EXPECT(call_with(b, TR_EBUSY) == TR_EBUSY);
}

static void wait_until_half_open(tr_breaker *b)
{
    while (tr_breaker_state(b) == TR_BREAKER_OPEN)
        EXPECT(tr_sleep(b->open_for) == 0);
    EXPECT(tr_breaker_state(b) == TR_BREAKER_HALF_OPEN);
}

/* ---- closed ---- */

CASE(one_of_zeros_lets_all_through)
{
    tr_breaker b = { 0 };

    for (int i = 0; i < 10; i++)
        EXPECT(call_with(&b, i) == i);
    EXPECT(calls() == 10 && tr_breaker_state(&b) == TR_BREAKER_CLOSED);
}

CASE(five_failures_in_a_row_open_it)
{
    tr_breaker b = { 0 };

    fail_times(&b, 4);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
    fail_times(&b, 1);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_OPEN);
    for (int i = 0; i < 3; i++)
        EXPECT(call_with(&b, 0) == TR_EOPEN);
    EXPECT(calls() == 5); /* the others were not called */
}

CASE(a_success_between_begins_the_count_anew)
{
    tr_breaker b = { 0 };

    fail_times(&b, 4);
    EXPECT(call_with(&b, 0) == 0);
    fail_times(&b, 4);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
    fail_times(&b, 1);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_OPEN);
}

CASE(so_many_failures_are_needed_as_are_asked_for)
{
    for (unsigned n = 1; n <= 7; n++) {
        tr_breaker b = { .failures = n };

        fail_times(&b, (int)n);
        EXPECT(call_with(&b, 0) == TR_EOPEN);
    }
}

CASE(a_cancellation_counts_as_neither)
{
    tr_breaker b = { .failures = 2 };

    fail_times(&b, 1);
    for (int i = 0; i < 5; i++)
        EXPECT(call_with(&b, TR_ECANCELED) == TR_ECANCELED);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
    fail_times(&b, 1); /* the second one */
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_OPEN);
}

static bool is_theirs(int error)
{
    EXPECT(error < 0 && error != TR_ECANCELED);
    return error != TR_EINVAL;
}

CASE(errors_of_the_caller_are_no_failures)
{
    tr_breaker b = { .failures = 2, .is_failure = is_theirs };

    fail_times(&b, 1);
    EXPECT(call_with(&b, TR_EINVAL) == TR_EINVAL); /* it has answered */
    EXPECT(call_with(&b, TR_ECANCELED) == TR_ECANCELED);
    fail_times(&b, 1);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
    fail_times(&b, 1);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_OPEN);
}

/* ---- half-open ---- */

static tr_breaker opened(unsigned trials)
{
    return (tr_breaker){ .failures = 1, .trials = trials, .open_for = brief };
}

static void open_it(tr_breaker *b)
{
    fail_times(b, 1);
    wait_until_half_open(b);
}

CASE(a_trial_that_succeeds_closes_it)
{
    tr_breaker b = opened(0);

    open_it(&b);
    EXPECT(call_with(&b, 3) == 3);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
    EXPECT(call_with(&b, 4) == 4);
}

CASE(a_trial_that_fails_opens_it_again)
{
    tr_breaker b = opened(0);

    open_it(&b);
    b.open_for = LONG;
    fail_times(&b, 1);
    EXPECT(call_with(&b, 0) == TR_EOPEN);
    EXPECT(calls() == 2);
}

CASE(while_one_tries_others_are_refused)
{
    tr_breaker b = opened(0);
    int pass;

    open_it(&b);
    pass = tr_breaker_enter(&b);
    EXPECT(pass >= 0);
    EXPECT(call_with(&b, 0) == TR_EOPEN);
    EXPECT(tr_breaker_leave(&b, pass, 0) == 0);
    EXPECT(call_with(&b, 0) == 0);
}

CASE(a_trial_that_is_cancelled_leaves_its_place_to_another)
{
    tr_breaker b = opened(0);

    open_it(&b);
    EXPECT(call_with(&b, TR_ECANCELED) == TR_ECANCELED);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_HALF_OPEN);
    EXPECT(call_with(&b, 0) == 0);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
}

CASE(all_trials_have_to_succeed)
{
    tr_breaker b = opened(3);
    int passes[3];

    open_it(&b);
    for (int i = 0; i < 3; i++) {
        passes[i] = tr_breaker_enter(&b);
        EXPECT(passes[i] >= 0);
    }
    EXPECT(tr_breaker_enter(&b) == TR_EOPEN);
    for (int i = 0; i < 3; i++) {
        EXPECT(tr_breaker_state(&b) == TR_BREAKER_HALF_OPEN);
        EXPECT(tr_breaker_leave(&b, passes[i], 0) == 0);
    }
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
}

CASE(one_trial_of_several_that_fails_opens_it_and_the_others_do_not_matter)
{
    tr_breaker b = opened(2);
    int one;
    int other;

    open_it(&b);
    b.open_for = LONG;
    one = tr_breaker_enter(&b);
    other = tr_breaker_enter(&b);
    EXPECT(one >= 0 && other >= 0);
    EXPECT(tr_breaker_leave(&b, one, TR_EPIPE) == 0);
    EXPECT(tr_breaker_leave(&b, other, 0) == 0);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_OPEN);
}

CASE(what_was_begun_before_it_opened_does_not_close_it)
{
    tr_breaker b = opened(0);
    int early = tr_breaker_enter(&b);
    int failing = tr_breaker_enter(&b);
    int trial;

    EXPECT(early >= 0 && failing >= 0);
    open_it(&b);
    trial = tr_breaker_enter(&b);
    EXPECT(trial >= 0);
    EXPECT(tr_breaker_leave(&b, early, 0) == 0);
    EXPECT(tr_breaker_leave(&b, failing, TR_EBUSY) == 0);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_HALF_OPEN);
    EXPECT(tr_breaker_leave(&b, trial, 0) == 0);
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
}

CASE(it_opens_and_closes_again_and_again)
{
    tr_breaker b = opened(0);

    for (int i = 0; i < 5; i++) {
        open_it(&b);
        EXPECT(call_with(&b, 0) == 0);
        EXPECT(tr_breaker_state(&b) == TR_BREAKER_CLOSED);
    }
}

/* ---- with others ---- */

static int wait_and_give(void *result)
{
    int rc = AWAIT(tr_sleep(1e-4));

    return rc < 0 ? rc : *(int *)result;
}

typedef struct shared {
    tr_breaker b;
    int result;
    counter refused;
    counter called;
} shared;

static int call_shared(void *arg)
{
    shared *s = arg;

    return tr_breaker_call(&s->b, wait_and_give, &s->result);
}

static void begin_shared(void *arg)
{
    shared *s = arg;

    s->b = (tr_breaker){ .failures = 1, .open_for = brief };
    s->result = 0;
    open_it(&s->b);
}

static void expect_usable(void *arg, int rc)
{
    shared *s = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_breaker_state(&s->b) == (rc == 0 ? TR_BREAKER_CLOSED : TR_BREAKER_HALF_OPEN));
    EXPECT(call_with(&s->b, 0) == 0);
}

CASE(whenever_a_trial_is_cancelled_another_can_be_made)
{
    shared s;

    cancel_at_every_await(&(attempt){ begin_shared, call_shared, expect_usable }, &s);
}

static void fail_once(void *b)
{
    int result = TR_EBUSY;

    EXPECT(tr_breaker_call(b, give, &result) == TR_EBUSY);
}

CASE(it_counts_what_fails_anywhere)
{
    tr_breaker b = { .failures = 6, .open_for = LONG };

    call_elsewhere(fail_once, &b); /* in a handler, on a loop, and in a foreign thread */
    call_elsewhere(fail_once, &b);
    EXPECT(call_with(&b, 0) == TR_EOPEN);
}

static int call_often(void *arg)
{
    shared *s = arg;

    for (int i = 0; i < 50; i++) {
        int pass = tr_breaker_enter(&s->b);

        if (pass == TR_EOPEN) {
            count_up(&s->refused);
        } else {
            EXPECT(pass >= 0);
            count_up(&s->called);
            EXPECT(tr_breaker_leave(&s->b, pass, i % 4 == 3 ? 0 : TR_EBUSY) == 0);
        }
        EXPECT(tr_yield() == 0);
    }
    return 0;
}

static void call_often_as_thread(void *arg)
{
    shared *s = arg;

    for (int i = 0; i < 50; i++) {
        int pass = tr_breaker_enter(&s->b);

        if (pass >= 0)
            EXPECT(tr_breaker_leave(&s->b, pass, TR_EBUSY) == 0);
    }
}

CASE(all_loops_and_threads_share_one)
{
    shared s = { .b = { .failures = 2, .trials = 2, .open_for = 1e-4 } };
    foreign *thread = foreign_start(call_often_as_thread, &s);
    int rc;

    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_scope_spawn_on(scope, TR_LOOP(i % 2), call_often, &s) == 0);
    }
    EXPECT(rc == 0);
    foreign_end(thread);
    EXPECT(count_of(&s.called) + count_of(&s.refused) == 4 * 50);
}

/* ---- wrong ---- */

CASE(bad_arguments_are_refused)
{
    tr_breaker b = { 0 };
    tr_breaker never = { .open_for = NAN };
    tr_breaker past = { .open_for = -1 };
    int result = 0;
    int pass;

    EXPECT(tr_breaker_call(NULL, give, &result) == TR_EINVAL);
    EXPECT(tr_breaker_call(&b, NULL, &result) == TR_EINVAL);
    EXPECT(tr_breaker_call(&never, give, &result) == TR_EINVAL);
    EXPECT(tr_breaker_call(&past, give, &result) == TR_EINVAL);
    EXPECT(tr_breaker_enter(NULL) == TR_EINVAL);
    EXPECT(tr_breaker_state(NULL) == TR_EINVAL);
    EXPECT(tr_breaker_leave(NULL, 0, 0) == TR_EINVAL);
    EXPECT(tr_breaker_leave(&b, TR_EOPEN, 0) == TR_EINVAL);
    EXPECT(calls() == 0);
    b = opened(2);
    open_it(&b);
    pass = tr_breaker_enter(&b);
    EXPECT(tr_breaker_leave(&b, pass, 0) == 0);
    EXPECT(tr_breaker_leave(&b, pass, 0) == TR_EINVAL); /* nobody is inside */
    EXPECT(tr_breaker_state(&b) == TR_BREAKER_HALF_OPEN);
}

CASES("breaker", one_of_zeros_lets_all_through, five_failures_in_a_row_open_it,
      a_success_between_begins_the_count_anew, so_many_failures_are_needed_as_are_asked_for,
      a_cancellation_counts_as_neither, errors_of_the_caller_are_no_failures,
      a_trial_that_succeeds_closes_it, a_trial_that_fails_opens_it_again,
      while_one_tries_others_are_refused, a_trial_that_is_cancelled_leaves_its_place_to_another,
      all_trials_have_to_succeed,
      one_trial_of_several_that_fails_opens_it_and_the_others_do_not_matter,
      what_was_begun_before_it_opened_does_not_close_it, it_opens_and_closes_again_and_again,
      whenever_a_trial_is_cancelled_another_can_be_made, it_counts_what_fails_anywhere,
      all_loops_and_threads_share_one, bad_arguments_are_refused)
