/* Futures: their end, their value, looking at them, and blocking for them. */
#include <math.h>
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "runtime/future.h"
#include "support/actors.h"
#include "support/places.h"
#include "support/tasks.h"

static uint32_t drops;

static void drop_value(void *value)
{
    ck_assert_ptr_nonnull(value);
    kit_count(&drops);
}

static int values[8];

static void make(void *out)
{
    ck_assert_int_eq(tr_future_new(out), 0);
}

static tr_future *made_in(kit_place place)
{
    tr_future *f = NULL;

    kit_in_place(place, make, &f);
    ck_assert_ptr_nonnull(f);
    return f;
}

static tr_future *made(void)
{
    return made_in(KIT_HERE);
}

static void give_back(void *f)
{
    tr_future_unref(f);
}

/* ---- ends ---- */

typedef enum ending { RESOLVE, RESOLVE_NOTHING, FAIL, CANCEL, ENDINGS } ending;

typedef struct end_call {
    tr_future *f;
    ending how;
    int rc;
} end_call;

static void end_it(void *arg)
{
    end_call *call = arg;

    if (call->how == RESOLVE)
        call->rc = tr_future_resolve(call->f, values, drop_value);
    else if (call->how == RESOLVE_NOTHING)
        call->rc = tr_future_resolve(call->f, NULL, drop_value);
    else if (call->how == FAIL)
        call->rc = tr_future_fail(call->f, -7);
    else
        call->rc = tr_future_cancel(call->f);
}

static int end_in(kit_place place, tr_future *f, ending how)
{
    end_call call = { .f = f, .how = how };

    kit_in_place(place, end_it, &call);
    return call.rc;
}

static int status_of(ending how)
{
    return how == FAIL ? -7 : how == CANCEL ? TR_ECANCELED : 0;
}

static void expect_open(tr_future *f)
{
    void *value = values;

    ck_assert(!tr_future_is_done(f));
    ck_assert_int_eq(tr_future_status(f), TR_EAGAIN);
    ck_assert_ptr_null(tr_future_peek(f));
    ck_assert_int_eq(tr_future_take(f, &value), TR_EAGAIN);
    ck_assert_ptr_null(value);
}

static void expect_ended(tr_future *f, ending how)
{
    ck_assert(tr_future_is_done(f));
    ck_assert_int_eq(tr_future_status(f), status_of(how));
    ck_assert_ptr_eq(tr_future_peek(f), how == RESOLVE ? values : NULL);
}

START_TEST(future_ends_from_every_place_wherever_it_was_made)
{
    kit_start(2);
    for (kit_place home = 0; home < KIT_PLACES; home++)
        for (kit_place place = 0; place < KIT_PLACES; place++)
            for (ending how = 0; how < ENDINGS; how++) {
                tr_future *f = made_in(home);

                drops = 0;
                expect_open(f);
                ck_assert_int_eq(end_in(place, f, how), how == CANCEL);
                expect_ended(f, how);
                ck_assert_uint_eq(drops, 0);
                kit_in_place(place, give_back, f);
                ck_assert_uint_eq(drops, how == RESOLVE);
            }
    kit_stop();
    ck_assert(!kit_log_contains("ended with an error"));
}
END_TEST

/* What a second end of a future is told. */
static int refusal_of(ending how)
{
    return how == CANCEL ? 0 : TR_EALREADY;
}

START_TEST(later_end_is_refused_and_its_value_dropped_at_once)
{
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        for (ending first = 0; first < ENDINGS; first++)
            for (ending second = 0; second < ENDINGS; second++) {
                tr_future *f = made();

                drops = 0;
                ck_assert_int_eq(end_in(KIT_HERE, f, first), first == CANCEL);
                ck_assert_int_eq(end_in(place, f, second), refusal_of(second));
                ck_assert_uint_eq(drops, second == RESOLVE);
                expect_ended(f, first);
                tr_future_unref(f);
                ck_assert_uint_eq(drops, (first == RESOLVE) + (second == RESOLVE));
            }
    kit_stop();
}
END_TEST

START_TEST(future_that_never_ends_is_freed_in_silence)
{
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        kit_in_place(place, give_back, made_in(place));
    tr_future_unref(NULL);
    ck_assert_ptr_null(tr_future_ref(NULL));
    kit_stop();
    ck_assert(!kit_log_contains("future"));
}
END_TEST

/* ---- ends at the same moment ---- */

enum { ENDERS = 4, RACES = 2000 };

typedef struct race {
    pthread_barrier_t line;
    tr_future *f;
    uint32_t accepted;
} race;

static void *race_to_end(void *arg)
{
    race *r = arg;

    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait(&r->line);
        if (tr_future_resolve(r->f, values, drop_value) == 0)
            kit_count(&r->accepted);
        pthread_barrier_wait(&r->line);
    }
    return NULL;
}

START_TEST(of_many_ends_at_one_moment_one_counts)
{
    race r = { .accepted = 0 };
    pthread_t threads[ENDERS];

    kit_start(1);
    drops = 0;
    pthread_barrier_init(&r.line, NULL, ENDERS + 1);
    for (int i = 0; i < ENDERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race_to_end, &r), 0);
    for (uint32_t i = 0; i < RACES; i++) {
        r.f = made();
        pthread_barrier_wait(&r.line);
        pthread_barrier_wait(&r.line);
        ck_assert_uint_eq(r.accepted, i + 1);
        ck_assert_int_eq(tr_future_status(r.f), 0);
        tr_future_unref(r.f);
        ck_assert_uint_eq(drops, (i + 1) * ENDERS);
    }
    for (int i = 0; i < ENDERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&r.line);
    kit_stop();
}
END_TEST

/* ---- the value ---- */

typedef struct take_call {
    tr_future *f;
    void *value;
    int rc;
} take_call;

static void take_it(void *arg)
{
    take_call *call = arg;

    call->rc = tr_future_take(call->f, &call->value);
}

START_TEST(value_that_is_taken_is_not_dropped)
{
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++) {
        take_call call = { .f = made() };

        drops = 0;
        ck_assert_int_eq(tr_future_resolve(call.f, &values[1], drop_value), 0);
        kit_in_place(place, take_it, &call);
        ck_assert_int_eq(call.rc, 0);
        ck_assert_ptr_eq(call.value, &values[1]);
        ck_assert_ptr_null(tr_future_peek(call.f));
        ck_assert_int_eq(tr_future_status(call.f), 0);
        kit_in_place(place, take_it, &call);
        ck_assert_int_eq(call.rc, TR_EALREADY);
        ck_assert_ptr_null(call.value);
        tr_future_unref(call.f);
        ck_assert_uint_eq(drops, 0);
    }
    kit_stop();
}
END_TEST

START_TEST(error_has_no_value_to_take)
{
    void *value = values;
    tr_future *f;

    kit_start(1);
    f = made();
    ck_assert_int_eq(tr_future_fail(f, -7), 0);
    ck_assert_int_eq(tr_future_take(f, &value), -7);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(tr_future_take(f, &value), -7);
    ck_assert_ptr_null(tr_future_peek(f));
    tr_future_unref(f);
    kit_stop();
}
END_TEST

START_TEST(value_without_a_destructor_stays_its_owners)
{
    tr_future *f;

    kit_start(1);
    f = made();
    ck_assert_int_eq(tr_future_resolve(f, values, NULL), 0);
    ck_assert_int_eq(tr_future_resolve(f, &values[1], NULL), TR_EALREADY);
    ck_assert_ptr_eq(tr_future_peek(f), values);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

static void *race_to_take(void *arg)
{
    race *r = arg;
    void *value;

    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait(&r->line);
        if (tr_future_take(r->f, &value) == 0) {
            ck_assert_ptr_eq(value, values);
            kit_count(&r->accepted);
        }
        tr_future_unref(r->f);
        pthread_barrier_wait(&r->line);
    }
    return NULL;
}

START_TEST(of_many_who_take_one_gets_the_value)
{
    race r = { .accepted = 0 };
    pthread_t threads[ENDERS];

    kit_start(1);
    drops = 0;
    pthread_barrier_init(&r.line, NULL, ENDERS + 1);
    for (int i = 0; i < ENDERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race_to_take, &r), 0);
    for (uint32_t i = 0; i < RACES; i++) {
        r.f = made();
        ck_assert_int_eq(tr_future_resolve(r.f, values, drop_value), 0);
        for (int n = 1; n < ENDERS; n++)
            ck_assert_ptr_eq(tr_future_ref(r.f), r.f);
        pthread_barrier_wait(&r.line);
        pthread_barrier_wait(&r.line);
        ck_assert_uint_eq(r.accepted, i + 1);
    }
    for (int i = 0; i < ENDERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&r.line);
    ck_assert_uint_eq(drops, 0);
    kit_stop();
}
END_TEST

/* ---- errors that nobody looks at ---- */

static void fail_and_drop(void *arg)
{
    tr_future *f = made();

    (void)arg;
    ck_assert_int_eq(tr_future_fail(f, TR_EDEAD), 0);
    tr_future_ref(f);
    tr_future_unref(f);
    ck_assert(!kit_log_contains("nobody has looked"));
    tr_future_unref(f);
}

START_TEST(error_that_nobody_has_looked_at_is_logged_once)
{
    static int result = TR_EFULL;
    tr_future *f;

    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++) {
        kit_log_clear();
        kit_in_place(place, fail_and_drop, NULL);
        ck_assert(kit_log_contains("a future ended with an error that nobody has looked at"));
        ck_assert(kit_log_contains("TR_EDEAD"));
    }
    kit_log_clear();
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), kit_give, &result), 0);
    tr_future_unref(f);
    kit_stop();
    ck_assert(kit_log_contains("task 'kit_give' ended with an error that nobody has looked at"));
}
END_TEST

static void look_by_status(void *f)
{
    ck_assert_int_eq(tr_future_status(f), -7);
}

static void look_by_take(void *f)
{
    void *value;

    ck_assert_int_eq(tr_future_take(f, &value), -7);
}

static void look_by_wait(void *f)
{
    ck_assert_int_eq(tr_future_wait(f, 0), -7);
}

static void look_by_cancel_wait(void *f)
{
    ck_assert_int_eq(tr_future_cancel_wait(f), -7);
}

static int await_it(void *f)
{
    return tr_await(f);
}

static void look_by_await(void *f)
{
    ck_assert_int_eq(kit_in_task(0, await_it, f), -7);
}

START_TEST(error_that_was_looked_at_is_not_logged)
{
    static void (*const looks[])(void *f) = { look_by_status, look_by_take, look_by_wait,
                                              look_by_cancel_wait, look_by_await };

    kit_start(1);
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        tr_future *f = made();

        ck_assert_int_eq(tr_future_fail(f, -7), 0);
        (void)tr_future_is_done(f); /* that is no look at the error */
        looks[i](f);
        tr_future_unref(f);
    }
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

START_TEST(cancelled_future_is_not_logged)
{
    tr_future *f;

    kit_start(1);
    f = made();
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(tr_future_cancel(f), 0);
    tr_future_unref(f);
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

/* ---- blocking ---- */

START_TEST(wait_with_no_time_looks_only)
{
    tr_future *f;

    kit_start(1);
    f = made();
    ck_assert_int_eq(tr_future_wait(f, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, -1), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, -TR_FOREVER), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_future_wait(f, 1e-9), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_wait(f, 0.01), TR_ETIMEDOUT);
    ck_assert(!tr_future_is_done(f)); /* it goes on */
    ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), 0);
    ck_assert_int_eq(tr_future_wait(f, 0), 0);
    ck_assert_int_eq(tr_future_wait(f, -1), 0);
    ck_assert_int_eq(tr_future_wait(f, 1e300), 0);
    ck_assert_int_eq(tr_future_wait(f, TR_FOREVER), 0);
    ck_assert_int_eq(tr_future_wait(f, NAN), TR_EINVAL);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

static void wait_on_loop(void *f)
{
    ck_assert_int_eq(tr_future_wait(f, 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_EWRONGPLACE);
}

START_TEST(wait_blocks_no_loop)
{
    tr_future *f;

    kit_start(2);
    f = made();
    for (kit_place place = KIT_CALLBACK_0; place < KIT_PLACES; place++)
        kit_in_place(place, wait_on_loop, f);
    ck_assert(!tr_future_is_done(f));
    tr_future_unref(f);
    kit_stop();
}
END_TEST

typedef struct sleepers {
    tr_future *f;
    uint32_t begun;
    uint32_t woken;
    double timeout;
} sleepers;

static void *sleep_for_it(void *arg)
{
    sleepers *s = arg;

    kit_count(&s->begun);
    if (tr_future_wait(s->f, s->timeout) == -7)
        kit_count(&s->woken);
    return NULL;
}

/* Wait until somebody sleeps on it. */
static void await_sleeper(tr_future *f)
{
    while (!(tr__load_acquire_u32(&f->state) & TR__FUTURE_SLEEPERS))
        sched_yield();
}

START_TEST(end_wakes_all_who_block)
{
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++) {
        sleepers s = { .f = made_in(place), .timeout = place % 2 ? TR_FOREVER : KIT_PATIENCE_S };
        pthread_t threads[5];

        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, sleep_for_it, &s), 0);
        while (kit_counted(&s.begun) < 5)
            sched_yield();
        await_sleeper(s.f);
        ck_assert_int_eq(end_in((place + 3) % KIT_PLACES, s.f, FAIL), 0);
        for (int i = 0; i < 5; i++)
            pthread_join(threads[i], NULL);
        ck_assert_uint_eq(s.woken, 5);
        tr_future_unref(s.f);
    }
    kit_stop();
}
END_TEST

/* References come and go while somebody sleeps: the word that he sleeps on changes. */
START_TEST(sleeper_does_not_mind_references)
{
    sleepers s = { .timeout = TR_FOREVER };
    pthread_t thread;

    kit_start(1);
    s.f = made();
    ck_assert_int_eq(pthread_create(&thread, NULL, sleep_for_it, &s), 0);
    await_sleeper(s.f);
    for (int i = 0; i < 1000; i++)
        tr_future_unref(tr_future_ref(s.f));
    ck_assert_int_eq(tr_future_fail(s.f, -7), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(s.woken, 1);
    tr_future_unref(s.f);
    kit_stop();
}
END_TEST

START_TEST(cancel_wait_returns_how_it_ended)
{
    static int results[] = { 7, TR_EFULL };
    tr_future *f;

    kit_start(1);
    f = made();
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_ECANCELED);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_ECANCELED);
    ck_assert_int_eq(tr_future_status(f), TR_ECANCELED);
    tr_future_unref(f);
    for (int i = 0; i < 2; i++) { /* a task that never awaits: nothing cancels it */
        ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), kit_give, &results[i]), 0);
        ck_assert_int_eq(tr_future_cancel_wait(f), results[i]);
        tr_future_unref(f);
    }
    f = made();
    ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), 0);
    ck_assert_int_eq(tr_future_cancel_wait(f), 0);
    tr_future_unref(f);
    ck_assert_int_eq(tr_future_cancel_wait(NULL), TR_EINVAL);
    kit_stop();
}
END_TEST

START_TEST(future_of_no_runtime_is_refused)
{
    tr_future *f = (tr_future *)(uintptr_t)1;

    ck_assert_int_eq(tr_future_new(&f), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
    kit_start(1);
    ck_assert_int_eq(tr_future_new(NULL), TR_EINVAL);
    kit_stop();
    ck_assert_int_eq(tr_future_new(&f), TR_ESHUTDOWN);
}
END_TEST

KIT_MAIN("runtime/future", future_ends_from_every_place_wherever_it_was_made,
         later_end_is_refused_and_its_value_dropped_at_once,
         future_that_never_ends_is_freed_in_silence, of_many_ends_at_one_moment_one_counts,
         value_that_is_taken_is_not_dropped, error_has_no_value_to_take,
         value_without_a_destructor_stays_its_owners, of_many_who_take_one_gets_the_value,
         error_that_nobody_has_looked_at_is_logged_once, error_that_was_looked_at_is_not_logged,
         cancelled_future_is_not_logged, wait_with_no_time_looks_only, wait_blocks_no_loop,
         end_wakes_all_who_block, sleeper_does_not_mind_references,
         cancel_wait_returns_how_it_ended, future_of_no_runtime_is_refused)
