/* Barriers. */
#include <string.h>

#include "sync/cases.h"

struct meet_args {
    tr_barrier *b;
    int *place; /* what it returned */
};

static int meet(void *arg)
{
    const struct meet_args *a = arg;

    *a->place = tr_barrier_wait(a->b);
    return *a->place;
}

CASE(all_go_on_when_the_last_has_come)
{
    tr_barrier b = TR_BARRIER_INIT(3);
    int places[] = { -1, -1 };
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, meet, &b, &places[0]);
        tr_go(s, meet, &b, &places[1]);
        let_others_run();
        EXPECT(tr_barrier_waiting(&b) == 2);
        EXPECT(places[0] == -1 && places[1] == -1);
        EXPECT(tr_barrier_wait(&b) == 2);
        EXPECT(tr_barrier_waiting(&b) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(places[0] == 0 && places[1] == 1);
}

CASE(one_party_alone_does_not_wait)
{
    tr_barrier b = TR_BARRIER_INIT(1);

    for (int i = 0; i < 3; i++)
        EXPECT(tr_barrier_wait_for(&b, 0) == 0);
}

static int meet_often(void *arg)
{
    tr_barrier *b = arg;
    int sum = 0;

    for (int i = 0; i < 5; i++) {
        int place = tr_barrier_wait(b);

        EXPECT(place >= 0 && place < 3);
        sum += place;
    }
    return sum;
}

CASE(it_serves_again_and_again_also_those_who_hurry)
{
    tr_barrier b = TR_BARRIER_INIT(3);
    tr_task *tasks[3];
    int sum = 0;

    for (int i = 0; i < 3; i++)
        EXPECT(tr_task_spawn(&tasks[i], meet_often, &b) == 0);
    for (int i = 0; i < 3; i++) {
        int rc = tr_task_wait(tasks[i], TR_FOREVER);

        EXPECT(rc >= 0);
        sum += rc;
        tr_task_unref(tasks[i]);
    }
    EXPECT(sum == 5 * (0 + 1 + 2)); /* each place once a round */
    EXPECT(tr_barrier_waiting(&b) == 0);
}

CASE(who_comes_too_many_waits_for_the_next_round)
{
    tr_barrier b = TR_BARRIER_INIT(2);
    int places[] = { -1, -1, -1 };
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++)
            tr_go(s, meet, &b, &places[i]);
        let_others_run();
        EXPECT(places[0] == 0 && places[1] == 1 && places[2] == -1);
        EXPECT(tr_barrier_waiting(&b) == 1);
        EXPECT(tr_barrier_wait(&b) == 1);
    }
    EXPECT(rc == 0);
    EXPECT(places[2] == 0);
}

/* ---- between loops and threads ---- */

typedef struct rounds {
    tr_barrier b;
    counter arrived;
} rounds;

enum { PARTIES = 5, ROUNDS = 6 };

static int go_round(void *arg)
{
    rounds *r = arg;

    for (uint32_t i = 1; i <= ROUNDS; i++) {
        count_up(&r->arrived);
        EXPECT(tr_barrier_wait(&r->b) >= 0);
        EXPECT(count_of(&r->arrived) >= i * PARTIES); /* all have come */
        EXPECT(tr_barrier_wait(&r->b) >= 0);
        EXPECT(count_of(&r->arrived) <= (i + 1) * PARTIES);
    }
    return 0;
}

static void go_round_as_thread(void *r)
{
    EXPECT(go_round(r) == 0);
}

CASE(tasks_of_all_loops_and_threads_go_round_together)
{
    rounds r = { .b = TR_BARRIER_INIT(PARTIES) };
    foreign *thread = foreign_start(go_round_as_thread, &r);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < PARTIES - 1; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), go_round, &r) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(count_of(&r.arrived) == PARTIES * ROUNDS);
}

static void wait_in_vain(void *b)
{
    EXPECT(tr_barrier_wait_for(b, 0) == TR_ETIMEDOUT);
    EXPECT(tr_barrier_wait_for(b, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_barrier_waiting(b) == 0);
}

CASE(a_thread_waits_as_long_as_it_wants)
{
    tr_barrier b = TR_BARRIER_INIT(2);

    foreign_end(foreign_start(wait_in_vain, &b));
}

/* ---- those who leave ---- */

CASE(who_is_late_is_not_counted)
{
    tr_barrier b = TR_BARRIER_INIT(2);
    int place = -1;
    int rc;

    EXPECT(tr_barrier_wait_for(&b, 0) == TR_ETIMEDOUT);
    EXPECT(tr_barrier_wait_for(&b, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_barrier_waiting(&b) == 0 && !tr_barrier_is_broken(&b));
    TR_SCOPE(s, &rc) {
        tr_go(s, meet, &b, &place);
        let_others_run();
        EXPECT(place == -1);
        EXPECT(tr_barrier_wait_for(&b, 0) == 1);
    }
    EXPECT(rc == 0);
    EXPECT(place == 0);
}

CASE(who_is_cancelled_leaves_and_those_behind_move_up)
{
    tr_barrier b = TR_BARRIER_INIT(3);
    int places[] = { -1, -1 };
    struct meet_args args = { &b, &places[0] };
    tr_task *first;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_task_spawn(&first, meet, &args) == 0);
        let_others_run();
        tr_go(s, meet, &b, &places[1]);
        let_others_run();
        EXPECT(tr_task_wait(first, 0) == TR_ETIMEDOUT);
        tr_task_unref(first);
        EXPECT(tr_barrier_waiting(&b) == 1 && !tr_barrier_is_broken(&b));
        tr_go(s, meet, &b, &places[0]);
        let_others_run();
        EXPECT(tr_barrier_wait(&b) == 2);
    }
    EXPECT(rc == 0);
    EXPECT(places[1] == 0 && places[0] == 1);
}

static int meet_then_yield(void *arg)
{
    int rc = meet(arg);

    return rc < 0 ? rc : tr_yield();
}

CASE(who_was_let_go_has_passed_though_it_is_cancelled_then)
{
    tr_barrier b = TR_BARRIER_INIT(2);
    int place = -1;
    struct meet_args args = { &b, &place };
    tr_task *other;

    EXPECT(tr_task_spawn(&other, meet_then_yield, &args) == 0);
    let_others_run();
    EXPECT(tr_barrier_wait(&b) == 1);
    EXPECT(tr_task_cancel(other) == 1); /* it has not run yet */
    EXPECT(tr_task_wait(other, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(other);
    EXPECT(place == 0);
}

CASE(who_is_cancelled_does_not_even_come)
{
    tr_barrier b = TR_BARRIER_INIT(1);
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_barrier_wait(&b) == TR_ECANCELED);
    }
    EXPECT(rc == 0);
}

/* ---- reset and abort ---- */

static int meet_in_vain(void *arg)
{
    EXPECT(tr_barrier_wait(arg) == TR_EBROKEN);
    note('b');
    return 0;
}

static void meet_in_vain_as_thread(void *b)
{
    EXPECT(meet_in_vain(b) == 0);
}

CASE(a_reset_sends_those_away_who_wait_and_it_serves_on)
{
    tr_barrier b = TR_BARRIER_INIT(3);
    int places[] = { -1, -1 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, meet_in_vain, &b) == 0);
        EXPECT(tr_scope_spawn(s, meet_in_vain, &b) == 0);
        let_others_run();
        EXPECT(tr_barrier_reset(&b) == 0);
        EXPECT(!tr_barrier_is_broken(&b) && tr_barrier_waiting(&b) == 0);
        tr_go(s, meet, &b, &places[0]);
        tr_go(s, meet, &b, &places[1]);
        let_others_run();
        EXPECT(strcmp(notes(), "bb") == 0);
        EXPECT(tr_barrier_wait(&b) == 2);
    }
    EXPECT(rc == 0);
    EXPECT(places[0] == 0 && places[1] == 1);
}

CASE(a_reset_of_an_empty_barrier_changes_nothing)
{
    tr_barrier b = TR_BARRIER_INIT(1);

    EXPECT(tr_barrier_reset(&b) == 0);
    EXPECT(tr_barrier_wait(&b) == 0);
}

CASE(a_reset_does_not_touch_those_who_have_been_let_go)
{
    tr_barrier b = TR_BARRIER_INIT(2);
    int place = -1;
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, meet, &b, &place);
        let_others_run();
        EXPECT(tr_barrier_wait(&b) == 1);
        EXPECT(tr_barrier_reset(&b) == 0); /* the other has not run yet */
    }
    EXPECT(rc == 0);
    EXPECT(place == 0);
}

CASE(an_aborted_barrier_sends_all_away_until_it_is_reset)
{
    tr_barrier b = TR_BARRIER_INIT(2);
    int place = -1;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, meet_in_vain, &b) == 0);
        let_others_run();
        EXPECT(tr_barrier_abort(&b) == 0);
        EXPECT(tr_barrier_is_broken(&b));
        EXPECT(tr_barrier_wait(&b) == TR_EBROKEN);
        EXPECT(tr_barrier_wait_for(&b, 0) == TR_EBROKEN);
        EXPECT(tr_barrier_abort(&b) == 0); /* once more is the same */
        EXPECT(tr_barrier_reset(&b) == 0);
        EXPECT(!tr_barrier_is_broken(&b));
        tr_go(s, meet, &b, &place);
        let_others_run();
        EXPECT(tr_barrier_wait(&b) == 1);
    }
    EXPECT(rc == 0);
    EXPECT(place == 0);
    EXPECT(strcmp(notes(), "b") == 0);
}

CASE(an_abort_reaches_all_loops_and_threads)
{
    tr_barrier b = TR_BARRIER_INIT(100);
    foreign *thread = foreign_start(meet_in_vain_as_thread, &b);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), meet_in_vain, &b) == 0);
        let_others_run();
        EXPECT(tr_barrier_abort(&b) == 0); /* some have not come yet */
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "bbbbb") == 0);
    EXPECT(strcmp(tr_err_name(TR_EBROKEN), "TR_EBROKEN") == 0);
}

/* ---- every await ---- */

typedef struct relay {
    tr_barrier b;
    tr_task *other;
} relay;

static int meet_twice(void *arg)
{
    relay *r = arg;
    int rc = AWAIT(tr_barrier_wait(&r->b));

    if (rc >= 0)
        rc = AWAIT(tr_barrier_wait_for(&r->b, 1000));
    return rc < 0 ? rc : AWAIT(tr_yield());
}

static int meet_until_broken(void *arg)
{
    relay *r = arg;
    int rc;

    while ((rc = tr_barrier_wait(&r->b)) >= 0)
        ;
    return rc;
}

static void start_other(void *arg)
{
    relay *r = arg;

    EXPECT(tr_barrier_reset(&r->b) == 0);
    EXPECT(tr_task_spawn_on(&r->other, TR_LOOP(1), meet_until_broken, r) == 0);
}

static void expect_usable(void *arg, int rc)
{
    relay *r = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_barrier_wait(&r->b) >= 0); /* with the other one */
    EXPECT(tr_barrier_abort(&r->b) == 0);
    EXPECT(tr_task_wait(r->other, TR_FOREVER) == TR_EBROKEN);
    tr_task_unref(r->other);
    EXPECT(tr_barrier_waiting(&r->b) == 0);
}

CASE(a_barrier_survives_a_cancellation_at_every_await)
{
    relay r = { .b = TR_BARRIER_INIT(2) };

    cancel_at_every_await(&(attempt){ start_other, meet_twice, expect_usable }, &r);
}

/* ---- wrong ---- */

static void use_on_a_loop(void *b)
{
    EXPECT(tr_barrier_wait(b) == TR_EWRONGPLACE);
    EXPECT(tr_barrier_wait_for(b, 0) == TR_EWRONGPLACE);
    EXPECT(tr_barrier_waiting(b) <= 1);
    EXPECT(tr_barrier_abort(b) == 0);
}

CASE(a_loop_may_abort_but_not_wait)
{
    tr_barrier b = TR_BARRIER_INIT(2);

    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, &b) == 0);
    EXPECT(tr_barrier_wait(&b) == TR_EBROKEN);
}

CASE(bad_arguments_are_refused)
{
    tr_barrier b = { 0 };
    tr_barrier huge = TR_BARRIER_INIT(UINT64_C(1) << 31);

    EXPECT(tr_barrier_wait(&b) == TR_EINVAL);
    EXPECT(tr_barrier_wait(&huge) == TR_EINVAL);
    EXPECT(tr_barrier_wait(NULL) == TR_EINVAL);
    EXPECT(tr_barrier_wait_for(&b, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_barrier_reset(NULL) == TR_EINVAL);
    EXPECT(tr_barrier_abort(NULL) == TR_EINVAL);
    EXPECT(tr_barrier_waiting(NULL) == 0);
    EXPECT(!tr_barrier_is_broken(NULL));
}

CASES("barrier", all_go_on_when_the_last_has_come, one_party_alone_does_not_wait,
      it_serves_again_and_again_also_those_who_hurry, who_comes_too_many_waits_for_the_next_round,
      tasks_of_all_loops_and_threads_go_round_together, a_thread_waits_as_long_as_it_wants,
      who_is_late_is_not_counted, who_is_cancelled_leaves_and_those_behind_move_up,
      who_was_let_go_has_passed_though_it_is_cancelled_then, who_is_cancelled_does_not_even_come,
      a_reset_sends_those_away_who_wait_and_it_serves_on,
      a_reset_of_an_empty_barrier_changes_nothing,
      a_reset_does_not_touch_those_who_have_been_let_go,
      an_aborted_barrier_sends_all_away_until_it_is_reset, an_abort_reaches_all_loops_and_threads,
      a_barrier_survives_a_cancellation_at_every_await, a_loop_may_abort_but_not_wait,
      bad_arguments_are_refused)
