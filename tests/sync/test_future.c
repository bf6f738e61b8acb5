/* Futures: one end for all who wait, wherever they are and wherever it comes from; a value has one
 * owner. */
#include <math.h>
#include <string.h>

#include "sync/cases.h"

/* A value: counts how often it was dropped. */
static void drop(void *value)
{
    count_up(value);
}

/* ---- ends ---- */

typedef enum kind { VALUE, ERROR, CANCELLED, KINDS } kind;

typedef struct ending {
    tr_future *f;
    kind how;
    counter *value;
    int rc;
} ending;

static void end_it(void *arg)
{
    ending *e = arg;

    if (e->how == VALUE)
        e->rc = tr_future_resolve(e->f, e->value, drop);
    else if (e->how == ERROR)
        e->rc = tr_future_fail(e->f, TR_EBUSY);
    else
        e->rc = tr_future_cancel(e->f);
}

static int status_of(kind how)
{
    return how == VALUE ? 0 : how == ERROR ? TR_EBUSY : TR_ECANCELED;
}

typedef struct waiting {
    tr_future *f;
    int rc;
    int after; /* of the next await */
} waiting;

static int wait_for_it(void *arg)
{
    waiting *w = arg;

    w->rc = tr_await(w->f);
    w->after = tr_yield();
    return 0;
}

static void expect_end(tr_future *f, kind how, const counter *value)
{
    void *taken = &taken;

    EXPECT(tr_future_is_done(f) && tr_future_status(f) == status_of(how));
    EXPECT(tr_await(f) == status_of(how));
    EXPECT(tr_future_peek(f) == (how == VALUE ? value : NULL));
    EXPECT(tr_future_take(f, &taken) == status_of(how));
    EXPECT(taken == (how == VALUE ? value : NULL));
    EXPECT(count_of(value) == 0);
}

/* Awaited on both loops; it ends there and in that way. */
static void end_one(int home, where there, kind how)
{
    counter value = { 0 };
    ending e = { .f = open_future(home), .how = how, .value = &value };
    waiting waits[2];
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 2; i++) {
            waits[i] = (waiting){ .f = e.f, .rc = 1 };
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i), wait_for_it, &waits[i]) == 0);
        }
        EXPECT(tr_future_status(e.f) == TR_EAGAIN && !tr_future_is_done(e.f));
        in_place(there, end_it, &e);
        EXPECT(e.rc == (how == CANCELLED ? 1 : 0));
    }
    for (int i = 0; i < 2; i++)
        EXPECT(waits[i].rc == status_of(how) && waits[i].after == 0);
    expect_end(e.f, how, &value);
    tr_future_unref(e.f);
}

CASE(a_future_ends_from_every_place_wherever_it_lives)
{
    for (int home = 0; home < 2; home++)
        for (where there = OWN_LOOP; there < PLACES; there++)
            for (kind how = VALUE; how < KINDS; how++)
                end_one(home, there, how);
}

CASE(the_first_end_counts_and_the_others_are_refused)
{
    for (kind first = VALUE; first < KINDS; first++) {
        counter kept = { 0 };
        counter refused = { 0 };
        ending e = { .f = open_future(1), .how = first, .value = &kept };

        end_it(&e);
        EXPECT(tr_await(e.f) == status_of(first));
        EXPECT(tr_future_resolve(e.f, &refused, drop) == TR_EALREADY);
        EXPECT(count_of(&refused) == 1); /* at once */
        EXPECT(tr_future_fail(e.f, TR_EPIPE) == TR_EALREADY);
        EXPECT(tr_future_cancel(e.f) == 0);
        EXPECT(tr_future_status(e.f) == status_of(first));
        tr_future_unref(e.f);
        EXPECT(count_of(&kept) == (first == VALUE ? 1 : 0) && count_of(&refused) == 1);
    }
}

CASE(of_ends_from_everywhere_one_counts)
{
    for (int home = 0; home < 2; home++) {
        tr_future *f = open_future(home);
        counter values[4] = { { 0 } };
        ending ends[4];
        posted_call posted = { .fn = end_it, .arg = &ends[0] };
        foreign *threads[2];
        int winners = 0;

        for (int i = 0; i < 4; i++)
            ends[i] = (ending){ .f = f, .value = &values[i] };
        EXPECT(tr_post(TR_LOOP(1), call_posted, &posted) == 0);
        for (int i = 0; i < 2; i++)
            threads[i] = foreign_start(end_it, &ends[1 + i]);
        end_it(&ends[3]);
        EXPECT(tr_await(f) == 0);
        for (int i = 0; i < 2; i++)
            foreign_end(threads[i]);
        EXPECT(tr_event_wait(&posted.done) == 0);
        for (int i = 0; i < 4; i++) {
            bool won = ends[i].rc == 0;

            EXPECT(won || ends[i].rc == TR_EALREADY);
            EXPECT(count_of(&values[i]) == (won ? 0 : 1));
            EXPECT(!won || tr_future_peek(f) == &values[i]);
            winners += won;
        }
        EXPECT(winners == 1);
        tr_future_unref(f);
        for (int i = 0; i < 4; i++)
            EXPECT(count_of(&values[i]) == 1);
    }
}

CASE(an_end_and_a_cancellation_agree_on_who_was_first)
{
    for (int home = 0; home < 2; home++) {
        counter value = { 0 };
        ending e = { .f = open_future(home), .value = &value };
        foreign *thread = foreign_start(end_it, &e);
        int rc;

        (void)tr_future_cancel(e.f);
        rc = tr_await(e.f);
        foreign_end(thread);
        EXPECT(rc == (e.rc == 0 ? 0 : TR_ECANCELED));
        EXPECT(tr_future_status(e.f) == rc);
        tr_future_unref(e.f);
        EXPECT(count_of(&value) == 1);
    }
}

/* ---- values ---- */

typedef struct taking {
    tr_future *f;
    void *value;
    int rc;
} taking;

static void take_it(void *arg)
{
    taking *t = arg;

    t->rc = tr_future_take(t->f, &t->value);
}

CASE(of_many_who_take_one_gets_the_value)
{
    counter value = { 0 };
    tr_future *f = open_future(1);
    taking takes[3] = { { f, NULL, 0 }, { f, NULL, 0 }, { f, NULL, 0 } };
    posted_call posted = { .fn = take_it, .arg = &takes[0] };
    foreign *thread;
    int winners = 0;

    take_it(&takes[1]);
    EXPECT(takes[1].rc == TR_EAGAIN && takes[1].value == NULL && tr_future_peek(f) == NULL);
    EXPECT(tr_future_resolve(f, &value, drop) == 0);
    EXPECT(tr_await(f) == 0);
    EXPECT(tr_post(TR_LOOP(1), call_posted, &posted) == 0);
    thread = foreign_start(take_it, &takes[2]);
    take_it(&takes[1]);
    foreign_end(thread);
    EXPECT(tr_event_wait(&posted.done) == 0);
    for (int i = 0; i < 3; i++) {
        EXPECT(takes[i].rc == 0 || (takes[i].rc == TR_EALREADY && takes[i].value == NULL));
        winners += takes[i].rc == 0 && takes[i].value == &value;
    }
    EXPECT(winners == 1 && tr_future_peek(f) == NULL);
    EXPECT(tr_await(f) == 0); /* it has ended well all the same */
    tr_future_unref(f);
    EXPECT(count_of(&value) == 0);
}

CASE(a_future_without_a_value_has_none_to_take)
{
    counter value = { 0 };
    void *taken = &value;
    tr_future *f = open_future(0);

    EXPECT(tr_future_resolve(f, NULL, drop) == 0);
    EXPECT(tr_await(f) == 0 && tr_future_peek(f) == NULL);
    EXPECT(tr_future_take(f, &taken) == TR_EALREADY && taken == NULL);
    tr_future_unref(f);
    f = open_future(1);
    EXPECT(tr_future_resolve(f, &value, NULL) == 0); /* it stays its owner's */
    EXPECT(tr_await(f) == 0 && tr_future_peek(f) == &value);
    tr_future_unref(f);
    EXPECT(count_of(&value) == 0);
}

static void give_back(void *f)
{
    tr_future_unref(f);
}

CASE(a_value_is_dropped_with_the_last_reference_wherever_that_goes)
{
    for (where there = OWN_LOOP; there < PLACES; there++)
        for (int home = 0; home < 2; home++) {
            counter value = { 0 };
            tr_future *f = open_future(home);

            EXPECT(tr_future_ref(f) == f);
            EXPECT(tr_future_resolve(f, &value, drop) == 0);
            EXPECT(tr_await(f) == 0);
            in_place(there, give_back, f);
            EXPECT(count_of(&value) == 0);
            in_place(there, give_back, f);
            EXPECT(count_of(&value) == 1);
        }
}

CASE(what_is_somebody_elses_to_resolve_is_refused)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e = { .result = 5 };
        tr_future *f = start_errand(&e, loop);
        counter value = { 0 };

        EXPECT(tr_future_resolve(f, &value, drop) == TR_EINVAL && count_of(&value) == 1);
        EXPECT(tr_future_fail(f, TR_EBUSY) == TR_EINVAL);
        EXPECT(tr_event_set(&e.go) == 0);
        EXPECT(tr_await(f) == 5 && e.was_done);
        tr_future_unref(f);
    }
}

CASE(what_is_no_error_cannot_be_one)
{
    tr_future *f = open_future(0);

    EXPECT(tr_future_fail(f, 0) == TR_EINVAL && tr_future_fail(f, 3) == TR_EINVAL);
    EXPECT(tr_future_status(f) == TR_EAGAIN);
    EXPECT(tr_future_take(f, NULL) == TR_EINVAL);
    EXPECT(tr_future_cancel(f) == 1 && tr_await(f) == TR_ECANCELED);
    tr_future_unref(f);
    EXPECT(tr_await(NULL) == TR_EINVAL && !tr_future_is_done(NULL));
}

/* ---- many who wait ---- */

CASE(one_end_wakes_all_who_wait_on_every_loop)
{
    for (int home = 0; home < 2; home++) {
        tr_future *f = open_future(home);
        waiting waits[30];
        int rc;

        TR_SCOPE(s, &rc) {
            for (int i = 0; i < 30; i++) {
                waits[i] = (waiting){ .f = f, .rc = 1 };
                EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), wait_for_it, &waits[i]) == 0);
            }
            let_others_run();
            EXPECT(tr_future_fail(f, TR_EBUSY) == 0);
        }
        for (int i = 0; i < 30; i++)
            EXPECT(waits[i].rc == TR_EBUSY && waits[i].after == 0);
        tr_future_unref(f);
    }
}

struct await_and_note_args {
    tr_future *f;
    char letter;
};

static int await_and_note(void *arg)
{
    const struct await_and_note_args *a = arg;

    EXPECT(tr_await(a->f) == 0);
    note(a->letter);
    return 0;
}

CASE(those_who_wait_go_on_in_order_and_after_the_end)
{
    tr_future *f = open_future(0);
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, await_and_note, f, 'a');
        tr_go(s, await_and_note, f, 'b');
        tr_go(s, await_and_note, f, 'c');
        let_others_run();
        EXPECT(tr_future_resolve(f, NULL, NULL) == 0);
        note('r'); /* they go on later, never within */
    }
    EXPECT(rc == 0 && strcmp(notes(), "rabc") == 0);
    tr_future_unref(f);
}

CASE(who_is_cancelled_leaves_the_future_and_the_others_alone)
{
    for (int i = 0; i < 4; i++) {
        tr_future *f = open_future(i % 2);
        waiting waits[5];
        tr_task *tasks[5];

        for (int k = 0; k < 5; k++) {
            waits[k] = (waiting){ .f = f, .rc = 1 };
            EXPECT(tr_task_spawn_on(&tasks[k], TR_LOOP(i / 2), wait_for_it, &waits[k]) == 0);
        }
        let_others_run();
        for (int k = 1; k < 5; k += 2)
            EXPECT(tr_task_cancel(tasks[k]) == 1);
        EXPECT(tr_task_wait(tasks[1], TR_FOREVER) == 0 && waits[1].rc == TR_ECANCELED);
        EXPECT(!tr_future_is_done(f));
        EXPECT(tr_future_resolve(f, NULL, NULL) == 0);
        for (int k = 0; k < 5; k++) {
            EXPECT(tr_task_wait(tasks[k], TR_FOREVER) == 0);
            EXPECT(k % 2 == 1 || (waits[k].rc == 0 && waits[k].after == 0));
            EXPECT(k % 2 == 0 || waits[k].after == TR_ECANCELED);
            tr_task_unref(tasks[k]);
        }
        tr_future_unref(f);
    }
}

CASE(an_end_that_was_delivered_counts_though_the_task_is_cancelled)
{
    waiting w = { .f = open_future(0), .rc = 1 };
    tr_task *t;

    EXPECT(tr_task_spawn(&t, wait_for_it, &w) == 0);
    let_others_run();
    EXPECT(tr_future_resolve(w.f, NULL, NULL) == 0);
    EXPECT(tr_task_cancel(t) == 1);
    EXPECT(tr_task_wait(t, TR_FOREVER) == 0);
    EXPECT(w.rc == 0 && w.after == TR_ECANCELED);
    tr_task_unref(t);
    tr_future_unref(w.f);
}

CASE(an_end_that_meets_a_cancellation_swallows_none)
{
    for (int i = 0; i < 8; i++) {
        waiting w = { .f = open_future(i % 2), .rc = 1 };
        ending e = { .f = w.f, .how = ERROR };
        foreign *thread;
        tr_task *t;
        int was_running;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(i / 2 % 2), wait_for_it, &w) == 0);
        if (i / 4 == 0)
            let_others_run();
        thread = foreign_start(end_it, &e);
        was_running = tr_task_cancel(t);
        EXPECT(tr_task_wait(t, TR_FOREVER) == 0);
        foreign_end(thread);
        EXPECT(e.rc == 0 && tr_await(w.f) == TR_EBUSY);
        EXPECT(w.rc == TR_EBUSY || w.rc == TR_ECANCELED);
        EXPECT(w.rc == TR_EBUSY || w.after == TR_ECANCELED);
        EXPECT(was_running == 1 || (w.rc == TR_EBUSY && w.after == 0));
        tr_task_unref(t);
        tr_future_unref(w.f);
    }
}

CASE(a_future_that_has_ended_is_an_await_as_any_other)
{
    for (int home = 0; home < 2; home++) {
        tr_future *f = open_future(home);

        EXPECT(tr_future_resolve(f, NULL, NULL) == 0);
        EXPECT(tr_await(f) == 0);
        TR_DEADLINE(0) {
            EXPECT(tr_await(f) == TR_ECANCELED);
            TR_SHIELD(TR_FOREVER) {
                EXPECT(tr_await(f) == 0);
            }
        }
        tr_future_unref(f);
    }
}

struct pass_args {
    tr_future *from;
    tr_future *to;
};

static int pass(void *arg)
{
    const struct pass_args *a = arg;

    EXPECT(tr_await(a->from) == 0);
    EXPECT(tr_future_resolve(a->to, NULL, NULL) == 0);
    tr_future_unref(a->from);
    tr_future_unref(a->to);
    return 0;
}

CASE(ends_are_passed_on_from_loop_to_loop)
{
    tr_future *first = open_future(0);
    tr_future *last = first;
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 20; i++) {
            tr_future *next = open_future(i / 2 % 2);

            EXPECT(tr_go_on(s, TR_LOOP(i % 2), pass, last, tr_future_ref(next)) == 0);
            last = next;
        }
        EXPECT(tr_future_resolve(first, NULL, NULL) == 0);
        EXPECT(tr_await(last) == 0);
    }
    EXPECT(rc == 0);
    tr_future_unref(last);
}

/* ---- threads that block ---- */

typedef struct blocked {
    tr_future *f;
    tr_event begun;
    double timeout;
    int rc;
} blocked;

static void block(void *arg)
{
    blocked *b = arg;

    EXPECT(tr_event_set(&b->begun) == 0);
    b->rc = tr_future_wait(b->f, b->timeout);
}

static void cancel_and_block(void *arg)
{
    blocked *b = arg;

    b->rc = tr_future_cancel_wait(b->f);
}

CASE(a_thread_blocks_until_the_end)
{
    for (int home = 0; home < 2; home++) {
        blocked b[2] = { { .timeout = TR_FOREVER }, { .timeout = 3600 } };
        tr_future *f = open_future(home);
        foreign *threads[2];

        for (int i = 0; i < 2; i++) {
            b[i].f = f;
            threads[i] = foreign_start(block, &b[i]);
            EXPECT(tr_event_wait(&b[i].begun) == 0);
        }
        EXPECT(tr_future_fail(f, TR_EBUSY) == 0);
        for (int i = 0; i < 2; i++) {
            foreign_end(threads[i]);
            EXPECT(b[i].rc == TR_EBUSY);
        }
        tr_future_unref(f);
    }
}

CASE(a_thread_that_waits_in_vain_leaves_the_future_alone)
{
    static const double limits[] = { 0.0005, 0, -1 };
    tr_future *f = open_future(1);
    blocked b = { .f = f, .timeout = NAN };

    foreign_end(foreign_start(block, &b));
    EXPECT(b.rc == TR_EINVAL);
    for (int i = 0; i < 3; i++) {
        b = (blocked){ .f = f, .timeout = limits[i] };
        foreign_end(foreign_start(block, &b));
        EXPECT(b.rc == TR_ETIMEDOUT);
    }
    EXPECT(tr_future_resolve(f, NULL, NULL) == 0);
    EXPECT(tr_await(f) == 0);
    b = (blocked){ .f = f };
    foreign_end(foreign_start(block, &b));
    EXPECT(b.rc == 0);
    tr_future_unref(f);
}

CASE(a_thread_that_cancels_blocks_until_the_task_has_ended)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e = { .result = 5 };
        blocked b = { .f = start_errand(&e, loop) };

        foreign_end(foreign_start(cancel_and_block, &b));
        EXPECT(b.rc == TR_ECANCELED && e.was_cut);
        tr_future_unref(b.f);
    }
}

/* ---- where nobody awaits ---- */

static void never_called(void *unused)
{
    (void)unused;
    EXPECT(!"nobody has waited");
}

static void await_in_vain(void *f)
{
    EXPECT(tr_await(f) == TR_EWRONGPLACE);
    EXPECT(tr_wait_for(f, 1) == TR_EWRONGPLACE);
    EXPECT(tr_await_or(f, never_called, NULL) == TR_EWRONGPLACE);
}

static void await_in_a_handler(void *f)
{
    EXPECT(tr_await(f) == 0);
    EXPECT(tr_future_wait(f, 0) == TR_EWRONGPLACE);
    EXPECT(tr_future_cancel_wait(f) == TR_EWRONGPLACE);
}

static int await_oneself(void *task)
{
    EXPECT(tr_await(tr_task_future(*(tr_task **)task)) == TR_EDEADLK);
    EXPECT(tr_task_wait(*(tr_task **)task, 1) == TR_EDEADLK);
    return tr_yield();
}

CASE(who_may_not_wait_is_refused)
{
    tr_future *f = open_future(0);
    tr_task *t;

    call_elsewhere(await_in_vain, f);
    EXPECT(tr_future_resolve(f, NULL, NULL) == 0);
    call_in_handler(true, await_in_a_handler, f);
    EXPECT(tr_future_wait(f, 0) == TR_EWRONGPLACE);
    tr_future_unref(f);
    EXPECT(tr_task_spawn(&t, await_oneself, &t) == 0);
    EXPECT(tr_task_wait(t, TR_FOREVER) == 0);
    tr_task_unref(t);
}

/* ---- every await ---- */

enum { SERIES = 4 };

typedef struct series {
    tr_future *futures[SERIES];
    tr_task *resolver;
} series;

static int resolve_each(void *arg)
{
    const series *x = arg;

    for (int i = 0; i < SERIES; i++) {
        EXPECT(tr_sleep(0.0001) == 0);
        EXPECT(tr_future_resolve(x->futures[i], NULL, NULL) == 0);
    }
    return 0;
}

static void begin_series(void *arg)
{
    series *x = arg;

    for (int i = 0; i < SERIES; i++)
        x->futures[i] = open_future(i % 2);
    EXPECT(tr_task_spawn_on(&x->resolver, TR_LOOP(1), resolve_each, x) == 0);
}

static int await_each(void *arg)
{
    const series *x = arg;
    int rc = 0;

    for (int i = 0; i < SERIES && rc == 0; i++)
        rc = AWAIT(tr_await(x->futures[i]));
    return rc;
}

static void end_series(void *arg, int rc)
{
    series *x = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(x->resolver, TR_FOREVER) == 0);
    tr_task_unref(x->resolver);
    for (int i = 0; i < SERIES; i++) {
        EXPECT(tr_await(x->futures[i]) == 0);
        tr_future_unref(x->futures[i]);
    }
}

CASE(no_cancellation_of_who_awaits_touches_a_future)
{
    series x;

    cancel_at_every_await(&(attempt){ begin_series, await_each, end_series }, &x);
}

CASES("future", a_future_ends_from_every_place_wherever_it_lives,
      the_first_end_counts_and_the_others_are_refused, of_ends_from_everywhere_one_counts,
      an_end_and_a_cancellation_agree_on_who_was_first, of_many_who_take_one_gets_the_value,
      a_future_without_a_value_has_none_to_take,
      a_value_is_dropped_with_the_last_reference_wherever_that_goes,
      what_is_somebody_elses_to_resolve_is_refused, what_is_no_error_cannot_be_one,
      one_end_wakes_all_who_wait_on_every_loop, those_who_wait_go_on_in_order_and_after_the_end,
      who_is_cancelled_leaves_the_future_and_the_others_alone,
      an_end_that_was_delivered_counts_though_the_task_is_cancelled,
      an_end_that_meets_a_cancellation_swallows_none,
      a_future_that_has_ended_is_an_await_as_any_other, ends_are_passed_on_from_loop_to_loop,
      a_thread_blocks_until_the_end, a_thread_that_waits_in_vain_leaves_the_future_alone,
      a_thread_that_cancels_blocks_until_the_task_has_ended, who_may_not_wait_is_refused,
      no_cancellation_of_who_awaits_touches_a_future)
