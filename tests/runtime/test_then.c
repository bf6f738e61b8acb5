/* Continuations: what is called when a future has ended, wherever it lives and whoever asks for it;
 * also amid a shutdown. */
#include <sched.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/runtime.h"
#include "support/actors.h"
#include "support/futures.h"
#include "support/holder.h"
#include "support/places.h"

enum { LOOPS = 3, MANY = 200 };

typedef struct called {
    tr_future *f;
    int loop; /* that it is registered for */
    int rc;
    uint32_t calls;
    int where;
    int status;
    int within; /* the loop where the call that registers it is going on; 0: none */
} called;

static void note_call(tr_future *f, int status, void *arg)
{
    called *c = arg;

    ck_assert_ptr_eq(f, c->f);
    ck_assert_int_ne(tr_loop_current(), c->within); /* later, never within */
    c->where = tr_loop_current();
    c->status = status;
    kit_count(&c->calls);
}

static void register_it(void *arg)
{
    called *c = arg;
    int here = tr_loop_current();
    bool is_own = here > 0 && (c->loop == here || c->loop == TR_LOOP_ANY);

    if (is_own)
        c->within = here;
    c->rc = tr_future_then(c->f, c->loop, note_call, c);
    if (is_own)
        c->within = 0;
}

static void await_call(const called *c)
{
    while (kit_counted(&c->calls) == 0)
        sched_yield();
}

static void expect_call(const called *c, int status)
{
    await_call(c);
    ck_assert_int_eq(c->where, c->loop);
    ck_assert_int_eq(c->status, status);
}

START_TEST(continuation_is_called_once_on_its_loop_wherever_the_future_lives)
{
    kit_start(LOOPS);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        for (int home = 0; home < 2; home++)
            for (int loop = 0; loop < LOOPS; loop++)
                for (int ended = 0; ended < 2; ended++) {
                    called c = { .f = kit_future_on(home), .loop = TR_LOOP(loop) };

                    if (ended)
                        kit_fail_it(c.f);
                    kit_in_place(place, register_it, &c);
                    ck_assert_int_eq(c.rc, 0);
                    if (!ended)
                        kit_in_place((place + 1) % KIT_PLACES, kit_fail_it, c.f);
                    expect_call(&c, KIT_FAILURE);
                    kit_on_loop(loop, NULL, NULL);
                    ck_assert_uint_eq(kit_counted(&c.calls), 1);
                    tr_future_unref(c.f);
                }
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

START_TEST(continuation_for_any_loop_is_called_on_ones_own)
{
    kit_start(2);
    for (kit_place place = KIT_CALLBACK_0; place < KIT_PLACES; place++)
        for (int ended = 0; ended < 2; ended++) {
            called c = { .f = kit_future_on(0), .loop = TR_LOOP_ANY };

            if (ended)
                kit_fail_it(c.f);
            kit_in_place(place, register_it, &c);
            if (!ended)
                kit_fail_it(c.f);
            await_call(&c);
            ck_assert_int_eq(c.where, TR_LOOP((int)place % 2));
            ck_assert_int_eq(c.status, KIT_FAILURE);
            tr_future_unref(c.f);
        }
    kit_stop();
}
END_TEST

START_TEST(continuation_of_a_foreign_threads_for_any_loop_is_always_on_the_same)
{
    int where = 0;

    kit_start(LOOPS);
    for (int i = 0; i < 2 * LOOPS; i++) {
        called c = { .f = kit_future_on(i % LOOPS), .loop = TR_LOOP_ANY };

        register_it(&c);
        kit_fail_it(c.f);
        await_call(&c);
        if (i == 0)
            where = c.where;
        ck_assert_int_eq(c.where, where);
        tr_future_unref(c.f);
    }
    kit_stop();
}
END_TEST

START_TEST(continuation_keeps_its_future)
{
    called c = { .loop = TR_LOOP(1) };
    kit_holder holder;

    kit_start(2);
    c.f = kit_future_on(0);
    kit_hold(&holder, 1);
    register_it(&c);
    ck_assert_int_eq(c.rc, 0);
    kit_fail_it(c.f);
    tr_future_unref(c.f);
    kit_let_go(&holder);
    expect_call(&c, KIT_FAILURE);
    kit_stop();
}
END_TEST

static int chain_left;

static void chain(tr_future *f, int status, void *arg)
{
    called *c = arg;

    ck_assert_int_eq(status, KIT_FAILURE);
    ck_assert_int_eq(tr_await(f), TR_EWRONGPLACE); /* a callback must not block */
    c->loop = TR_LOOP(--chain_left % LOOPS);
    ck_assert_int_eq(tr_future_then(f, c->loop, chain_left > 0 ? chain : note_call, c), 0);
}

START_TEST(continuation_may_ask_for_the_next)
{
    called c = { .calls = 0 };

    kit_start(LOOPS);
    c.f = kit_future_on(0);
    chain_left = 100;
    ck_assert_int_eq(tr_future_then(c.f, TR_LOOP(1), chain, &c), 0);
    kit_fail_it(c.f);
    expect_call(&c, KIT_FAILURE);
    tr_future_unref(c.f);
    kit_stop();
}
END_TEST

/* ---- shutdowns ---- */

/* Each of them, on each loop, also from each other's. */
static void register_many(called *all, tr_future *const *f)
{
    for (int i = 0; i < MANY; i++) {
        all[i] = (called){ .f = f[i / LOOPS % LOOPS], .loop = TR_LOOP(i % LOOPS) };
        register_it(&all[i]);
        ck_assert_int_eq(all[i].rc, 0);
    }
}

START_TEST(continuation_of_what_never_ends_is_told_of_the_shutdown)
{
    static called all[MANY];

    for (int round = 0; round < 10; round++) {
        tr_future *f[LOOPS];

        kit_start(LOOPS);
        for (int i = 0; i < LOOPS; i++)
            f[i] = kit_future_on(i);
        register_many(all, f);
        if (round % 2)
            kit_fail_it(f[1]);
        kit_stop();
        for (int i = 0; i < MANY; i++) {
            ck_assert_uint_eq(all[i].calls, 1);
            ck_assert_int_eq(all[i].status,
                             round % 2 && all[i].f == f[1] ? KIT_FAILURE : TR_ESHUTDOWN);
            ck_assert_int_eq(all[i].where, all[i].loop);
        }
        ck_assert(!tr_future_is_done(f[0]));
        kit_fail_it(f[0]); /* its home is gone, and nobody is called */
        ck_assert_int_eq(tr_future_status(f[0]), KIT_FAILURE);
        for (int i = 0; i < LOOPS; i++)
            tr_future_unref(f[i]);
        for (int i = 0; i < MANY; i++)
            ck_assert_uint_eq(all[i].calls, 1);
    }
}
END_TEST

static called from_close;
static called from_end;

static void register_at_close(void *unused)
{
    (void)unused;
    register_it(&from_close);
    if (from_close.rc == 0)
        return;
    ck_assert_int_eq(from_close.rc, TR_ESHUTDOWN);
    note_call(from_close.f, from_close.rc, &from_close); /* refused is as good */
}

static void close_later(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_loop_on_close(register_at_close, NULL), 0);
}

static void register_again(tr_future *f, int status, void *arg)
{
    ck_assert_int_eq(status, TR_ESHUTDOWN);
    if (tr_future_then(f, TR_LOOP(0), note_call, arg) < 0)
        note_call(f, TR_ESHUTDOWN, arg);
}

START_TEST(continuation_asked_for_while_the_runtime_stops_is_called_once)
{
    kit_start(2);
    from_close.f = from_end.f = kit_future_on(0);
    kit_on_loop(1, close_later, NULL);
    ck_assert_int_eq(tr_future_then(from_end.f, TR_LOOP(1), register_again, &from_end), 0);
    kit_stop();
    ck_assert_uint_eq(from_close.calls, 1);
    ck_assert_int_eq(from_close.status, TR_ESHUTDOWN);
    ck_assert_uint_eq(from_end.calls, 1);
    ck_assert_int_eq(from_end.status, TR_ESHUTDOWN);
    tr_future_unref(from_end.f);
}
END_TEST

/* A guest of loop 0 holds it open until loop 1 has quit. */
static void register_on_the_other(void *arg)
{
    called *c = arg;

    /* acquire: pairs with the exchange that closes it. */
    while (tr__load_acquire_ptr(&tr__ports[1].runs.top) != TR__INLET_CLOSED)
        sched_yield();
    register_it(c);
    ck_assert_int_eq(c->rc, TR_ESHUTDOWN);
}

static void ask_the_other_later(void *c)
{
    ck_assert_int_eq(tr_loop_on_close(register_on_the_other, c), 0);
}

START_TEST(continuation_on_a_loop_that_has_quit_is_refused_and_never_called)
{
    called c = { .loop = TR_LOOP(1) };

    kit_start(2);
    c.f = kit_future_on(0);
    kit_on_loop(0, ask_the_other_later, &c);
    kit_stop();
    kit_fail_it(c.f);
    ck_assert_uint_eq(c.calls, 0);
    tr_future_unref(c.f);
}
END_TEST

/* ---- refused ---- */

static void expect_refusal(called *c, int loop, int rc)
{
    c->loop = loop;
    register_it(c);
    ck_assert_int_eq(c->rc, rc);
}

START_TEST(continuation_that_is_refused_is_never_called)
{
    called c = { .calls = 0 };

    kit_start(1);
    c.f = kit_future_on(0);
    expect_refusal(&c, TR_LOOP(1), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(NULL, TR_LOOP(0), note_call, &c), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(c.f, TR_LOOP(0), NULL, &c), TR_EINVAL);
    tr__fault_arm(1, true);
    expect_refusal(&c, TR_LOOP(0), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
    kit_fail_it(c.f);
    kit_stop();
    expect_refusal(&c, TR_LOOP_ANY, TR_ESHUTDOWN);
    expect_refusal(&c, TR_LOOP(0), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_future_then(NULL, TR_LOOP(0), note_call, &c), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(c.f, TR_LOOP(0), NULL, &c), TR_EINVAL);
    ck_assert_uint_eq(c.calls, 0);
    tr_future_unref(c.f);
}
END_TEST

KIT_MAIN("runtime/then", continuation_is_called_once_on_its_loop_wherever_the_future_lives,
         continuation_for_any_loop_is_called_on_ones_own,
         continuation_of_a_foreign_threads_for_any_loop_is_always_on_the_same,
         continuation_keeps_its_future, continuation_may_ask_for_the_next,
         continuation_of_what_never_ends_is_told_of_the_shutdown,
         continuation_asked_for_while_the_runtime_stops_is_called_once,
         continuation_on_a_loop_that_has_quit_is_refused_and_never_called,
         continuation_that_is_refused_is_never_called)
