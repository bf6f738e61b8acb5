/* Continuations: what is called when a future has ended. */
#include <sched.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/runtime.h"
#include "support/kit.h"

enum { LOOPS = 3 };

static uint32_t load(const uint32_t *counter)
{
    return tr__load_acquire_u32(counter); /* acquire: a counter */
}

typedef struct called {
    uint32_t calls;
    tr_future *f;
    int status;
    int where;
} called;

static void note(tr_future *f, int status, void *arg)
{
    called *c = arg;

    c->f = f;
    c->status = status;
    c->where = tr_loop_current();
    (void)tr__add_ordered_u32(&c->calls, 1); /* ordered: a counter */
}

static void wait_for_call(const called *c)
{
    while (load(&c->calls) == 0)
        sched_yield();
    ck_assert_uint_eq(load(&c->calls), 1);
}

static void make_here(void *out)
{
    ck_assert_int_eq(tr_future_new(out), 0);
}

static tr_future *make_on(int loop)
{
    tr_future *f;

    kit_on_loop(loop, make_here, &f);
    return f;
}

static void end_it(void *f)
{
    ck_assert_int_eq(tr_future_fail(f, TR_EFULL), 0);
}

START_TEST(then_is_called_on_the_loop_that_was_named_with_how_it_has_ended)
{
    kit_start(LOOPS);
    for (int i = 0; i < 2 * LOOPS * LOOPS; i++) {
        tr_future *f = make_on(i % LOOPS);
        called c = { .calls = 0 };
        bool is_early = i < LOOPS * LOOPS;

        if (is_early)
            end_it(f);
        ck_assert_int_eq(tr_future_then(f, TR_LOOP(i / LOOPS % LOOPS), note, &c), 0);
        if (!is_early)
            kit_on_loop(i / 2 % LOOPS, end_it, f);
        tr_future_unref(f); /* a continuation has its own reference */
        wait_for_call(&c);
        ck_assert_ptr_eq(c.f, f);
        ck_assert_int_eq(c.status, TR_EFULL);
        ck_assert_int_eq(c.where, TR_LOOP(i / LOOPS % LOOPS));
    }
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

/* ---- from loops ---- */

typedef struct own {
    tr_future *f;
    called c;
} own;

static void then_on_own_loop(void *arg)
{
    own *o = arg;

    ck_assert_int_eq(tr_future_new(&o->f), 0);
    ck_assert_int_eq(tr_future_resolve(o->f, NULL, NULL), 0);
    ck_assert_int_eq(tr_future_then(o->f, TR_LOOP_ANY, note, &o->c), 0);
    ck_assert_uint_eq(o->c.calls, 0); /* later, never within */
}

START_TEST(then_of_an_ended_future_is_called_later_on_ones_own_loop)
{
    kit_start(LOOPS);
    for (int i = 0; i < LOOPS; i++) {
        own o = { .f = NULL };

        kit_on_loop(i, then_on_own_loop, &o);
        wait_for_call(&o.c);
        ck_assert_int_eq(o.c.status, 0);
        ck_assert_int_eq(o.c.where, TR_LOOP(i));
        tr_future_unref(o.f);
    }
    kit_stop();
}
END_TEST

START_TEST(then_of_a_foreign_thread_to_any_loop_is_always_on_the_same)
{
    int where = 0;

    kit_start(LOOPS);
    for (int i = 0; i < 2 * LOOPS; i++) {
        tr_future *f = make_on(i % LOOPS);
        called c = { .calls = 0 };

        ck_assert_int_eq(tr_future_then(f, TR_LOOP_ANY, note, &c), 0);
        end_it(f);
        wait_for_call(&c);
        if (i == 0)
            where = c.where;
        ck_assert_int_eq(c.where, where);
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

static int chain_left;

static void chain(tr_future *f, int status, void *arg)
{
    ck_assert_int_eq(status, TR_EFULL);
    ck_assert_int_eq(tr_await(f), TR_EWRONGPLACE); /* a callback must not block */
    if (--chain_left > 0)
        ck_assert_int_eq(
            tr_future_then(f, TR_LOOP(chain_left % LOOPS), chain_left > 1 ? chain : note, arg), 0);
}

START_TEST(then_may_ask_for_the_next)
{
    tr_future *f;
    called c = { .calls = 0 };

    kit_start(LOOPS);
    f = make_on(0);
    chain_left = 100;
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(1), chain, &c), 0);
    end_it(f);
    wait_for_call(&c);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

/* ---- shutdowns ---- */

START_TEST(then_of_one_that_never_ends_is_called_once_at_the_shutdown)
{
    static called c[LOOPS][LOOPS];
    tr_future *f[LOOPS];

    kit_start(LOOPS);
    for (int i = 0; i < LOOPS; i++) {
        f[i] = make_on(i);
        for (int k = 0; k < LOOPS; k++)
            ck_assert_int_eq(tr_future_then(f[i], TR_LOOP(k), note, &c[i][k]), 0);
    }
    kit_stop();
    for (int i = 0; i < LOOPS; i++) {
        for (int k = 0; k < LOOPS; k++) {
            ck_assert_uint_eq(c[i][k].calls, 1);
            ck_assert_int_eq(c[i][k].status, TR_ESHUTDOWN);
            ck_assert_int_eq(c[i][k].where, TR_LOOP(k));
        }
        ck_assert(!tr_future_is_done(f[i]));
        end_it(f[i]);
        ck_assert_int_eq(tr_future_status(f[i]), TR_EFULL);
        tr_future_unref(f[i]);
    }
}
END_TEST

static called from_close;
static called from_end;
static tr_future *never;

static void then_at_close(void *unused)
{
    int rc = tr_future_then(never, TR_LOOP_ANY, note, &from_close);

    (void)unused;
    if (rc == 0)
        return;
    ck_assert_int_eq(rc, TR_ESHUTDOWN);
    note(never, rc, &from_close); /* refused is as good */
}

static void close_later(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_loop_on_close(then_at_close, NULL), 0);
}

static void then_again(tr_future *f, int status, void *arg)
{
    ck_assert_int_eq(status, TR_ESHUTDOWN);
    if (tr_future_then(f, TR_LOOP(0), note, arg) < 0)
        note(f, TR_ESHUTDOWN, arg);
}

START_TEST(then_asked_for_while_the_runtime_stops_is_called_once)
{
    kit_start(2);
    never = make_on(0);
    kit_on_loop(1, close_later, NULL);
    ck_assert_int_eq(tr_future_then(never, TR_LOOP(1), then_again, &from_end), 0);
    kit_stop();
    ck_assert_uint_eq(from_close.calls, 1);
    ck_assert_int_eq(from_close.status, TR_ESHUTDOWN);
    ck_assert_uint_eq(from_end.calls, 1);
    ck_assert_int_eq(from_end.status, TR_ESHUTDOWN);
    tr_future_unref(never);
}
END_TEST

/* A guest of loop 0 holds it open until loop 1 has quit. */
static void then_on_the_other(void *c)
{
    /* acquire: pairs with the exchange that closes it. */
    while (tr__load_acquire_ptr(&tr__ports[1].runs.top) != TR__INLET_CLOSED)
        sched_yield();
    ck_assert_int_eq(tr_future_then(never, TR_LOOP(1), note, c), TR_ESHUTDOWN);
}

static void ask_the_other_later(void *c)
{
    ck_assert_int_eq(tr_loop_on_close(then_on_the_other, c), 0);
}

START_TEST(then_on_a_loop_that_has_quit_is_refused_and_never_called)
{
    called c = { .calls = 0 };

    kit_start(2);
    never = make_on(0);
    kit_on_loop(0, ask_the_other_later, &c);
    kit_stop();
    ck_assert_uint_eq(c.calls, 0);
    end_it(never);
    tr_future_unref(never);
    ck_assert_uint_eq(c.calls, 0);
}
END_TEST

START_TEST(then_without_memory_is_refused_and_never_called)
{
    called c = { .calls = 0 };
    tr_future *f;

    kit_start(1);
    f = make_on(0);
    tr__fault_arm(1, true);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(0), note, &c), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
    end_it(f);
    kit_stop();
    ck_assert_uint_eq(c.calls, 0);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(0), note, &c), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_future_then(NULL, TR_LOOP(0), note, &c), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(0), NULL, &c), TR_EINVAL);
    tr_future_unref(f);
}
END_TEST

KIT_MAIN("then", then_is_called_on_the_loop_that_was_named_with_how_it_has_ended,
         then_of_an_ended_future_is_called_later_on_ones_own_loop,
         then_of_a_foreign_thread_to_any_loop_is_always_on_the_same, then_may_ask_for_the_next,
         then_of_one_that_never_ends_is_called_once_at_the_shutdown,
         then_asked_for_while_the_runtime_stops_is_called_once,
         then_on_a_loop_that_has_quit_is_refused_and_never_called,
         then_without_memory_is_refused_and_never_called)
