/* Tasks that await futures: at home and from other loops, and cancelled before, at the same moment,
 * and afterwards. */
#include <pthread.h>
#include <sched.h>

#include "base/seam.h"
#include "runtime/runtime.h"
#include "runtime/task.h"
#include "support/actors.h"
#include "support/futures.h"
#include "support/holder.h"
#include "support/places.h"

/* A task that awaits, and then awaits once more, which shows whether it is cancelled by then. */
typedef struct waiter {
    tr_future *f;    /* what it awaits */
    tr_future *task; /* itself */
    int loop;
    uint32_t begun;
    int rc;
    int next_rc;
    bool by_inlet; /* it fails to get memory for its way to loop 0 */
} waiter;

/* Runs as soon as the waiter waits. */
static int note_waiting(void *arg)
{
    waiter *w = arg;

    if (w->by_inlet)
        ck_assert(tr__fault_disarm());
    kit_count(&w->begun);
    return 0;
}

static int await_twice(void *arg)
{
    waiter *w = arg;

    if (tr_task_spawn(NULL, note_waiting, w) < 0)
        kit_count(&w->begun); /* a shutdown has begun */
    if (w->by_inlet) {
        kit_fill_lane(0);
        tr__fault_arm(2, false); /* the proxy, then the lane */
    }
    w->rc = tr_await(w->f);
    w->next_rc = tr_yield();
    while (kit_counted(&w->begun) == 0)
        tr__task_pause(tr__task_here());
    return 0;
}

static void begin(waiter *w, tr_future *f, int loop)
{
    w->f = f;
    w->loop = loop;
    ck_assert_int_eq(tr_submit(&w->task, TR_LOOP(loop), await_twice, w), 0);
}

/* Begin, and wait until it waits. */
static void begin_waiting(waiter *w, tr_future *f, int loop)
{
    begin(w, f, loop);
    while (kit_counted(&w->begun) == 0)
        sched_yield();
}

static void expect(waiter *w, int rc, int next_rc)
{
    ck_assert_int_eq(tr_future_wait(w->task, KIT_PATIENCE_S), 0);
    tr_future_unref(w->task);
    ck_assert_int_eq(w->rc, rc);
    ck_assert_int_eq(w->next_rc, next_rc);
}

/* Wait until all that is on its way between two loops has come. */
static void settle_both(void)
{
    for (int i = 0; i < 12; i++)
        kit_on_loop(i / 2 % 2, NULL, NULL); /* what had landed runs between the two */
}

static uint64_t proxies;

static void add_proxies(void *unused)
{
    (void)unused;
    proxies += tr__loop_here()->proxies;
}

/* No proxy of a future's is left on its way. */
static void expect_no_proxies(void)
{
    settle_both();
    proxies = 0;
    for (int i = 0; i < tr_loop_count(); i++)
        kit_on_loop(i, add_proxies, NULL);
    ck_assert_uint_eq(proxies, 0);
}

/* ---- ends ---- */

START_TEST(await_of_what_has_ended_returns_at_once)
{
    kit_start(2);
    for (int home = 0; home < 2; home++)
        for (int loop = 0; loop < 2; loop++) {
            tr_future *f = kit_future_on(home);
            waiter w = { .begun = 0 };

            kit_fail_it(f);
            begin(&w, f, loop);
            expect(&w, KIT_FAILURE, 0);
            tr_future_unref(f);
        }
    kit_stop();
}
END_TEST

START_TEST(await_ends_wherever_the_future_lives_and_is_ended)
{
    kit_start(3);
    for (int home = 0; home < 3; home++)
        for (int loop = 0; loop < 2; loop++)
            for (kit_place place = 0; place < KIT_PLACES; place++) {
                tr_future *f = kit_future_on(home);
                waiter w = { .begun = 0 };

                begin_waiting(&w, f, loop);
                kit_in_place(place, kit_fail_it, f);
                expect(&w, KIT_FAILURE, 0);
                tr_future_unref(f);
            }
    expect_no_proxies();
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

START_TEST(await_of_a_cancelled_future_is_told_so)
{
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        tr_future *f = kit_future_on(0);
        waiter w = { .begun = 0 };

        begin_waiting(&w, f, loop);
        kit_cancel_it(f);
        expect(&w, TR_ECANCELED, 0); /* the future was, not the task */
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

static void *block_for_it(void *f)
{
    return (void *)(intptr_t)tr_future_wait(f, KIT_PATIENCE_S);
}

START_TEST(end_reaches_many_tasks_on_many_loops_and_many_threads)
{
    enum { WAITERS = 60, THREADS = 4, LOOPS = 3 };

    kit_start(LOOPS);
    for (kit_place place = 0; place < KIT_PLACES; place++) {
        static waiter waiters[WAITERS];
        pthread_t threads[THREADS];
        tr_future *f = kit_future_on((int)place % LOOPS);

        for (int i = 0; i < WAITERS; i++) {
            waiters[i] = (waiter){ .begun = 0 };
            begin(&waiters[i], f, i % LOOPS);
        }
        for (int i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, block_for_it, f), 0);
        if (place % 2 == 0) /* else amid their beginning */
            for (int i = 0; i < WAITERS; i++)
                while (kit_counted(&waiters[i].begun) == 0)
                    sched_yield();
        kit_in_place(place, kit_fail_it, f);
        for (int i = 0; i < WAITERS; i++)
            expect(&waiters[i], KIT_FAILURE, 0);
        for (int i = 0; i < THREADS; i++) {
            void *rc;

            pthread_join(threads[i], &rc);
            ck_assert_int_eq((intptr_t)rc, KIT_FAILURE);
        }
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

/* ---- cancelled waiters ---- */

START_TEST(waiter_that_was_cancelled_before_leaves_the_future_alone)
{
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        tr_future *f = kit_future_on(0);
        waiter w = { .begun = 0 };
        kit_holder holder;

        kit_hold(&holder, loop);
        begin(&w, f, loop);
        kit_cancel_it(w.task);
        kit_let_go(&holder);
        expect(&w, TR_ECANCELED, TR_ECANCELED);
        ck_assert(!tr_future_is_done(f));
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

START_TEST(waiter_that_is_cancelled_goes_on_and_leaves_the_others)
{
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        for (int loop = 0; loop < 2; loop++) {
            tr_future *f = kit_future_on(0);
            waiter stays = { .begun = 0 };
            waiter goes = { .begun = 0 };

            begin_waiting(&stays, f, 1 - loop);
            begin_waiting(&goes, f, loop);
            kit_in_place(place, kit_cancel_it, goes.task);
            expect(&goes, TR_ECANCELED, TR_ECANCELED);
            ck_assert(!tr_future_is_done(f));
            kit_fail_it(f);
            expect(&stays, KIT_FAILURE, 0);
            tr_future_unref(f);
        }
    expect_no_proxies();
    kit_stop();
}
END_TEST

typedef struct moment {
    tr_future *f;
    waiter *w;
    bool end_first;
} moment;

/* Both within one activation of the waiter's loop, which is the future's home. */
static void end_and_cancel(void *arg)
{
    const moment *m = arg;

    if (!m->end_first)
        kit_cancel_it(m->w->task);
    kit_fail_it(m->f);
    if (m->end_first)
        kit_cancel_it(m->w->task);
}

START_TEST(what_was_handed_over_wins_over_being_cancelled)
{
    kit_start(1);
    for (int end_first = 0; end_first < 2; end_first++) {
        tr_future *f = kit_future_on(0);
        waiter w = { .begun = 0 };

        begin_waiting(&w, f, 0);
        kit_on_loop(0, end_and_cancel, &(moment){ f, &w, end_first });
        expect(&w, end_first ? KIT_FAILURE : TR_ECANCELED, TR_ECANCELED);
        ck_assert_int_eq(tr_future_status(f), KIT_FAILURE);
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

/* ---- the protocol of proxies: the future lives on loop 0, the waiter on loop 1 ---- */

static tr_future *remote_future(waiter *w, bool is_enlisted)
{
    tr_future *f = kit_future_on(0);

    *w = (waiter){ .by_inlet = w->by_inlet };
    if (is_enlisted) {
        begin_waiting(w, f, 1);
        settle_both();
    }
    return f;
}

START_TEST(remote_waiter_gives_up_before_the_home_knows_it)
{
    kit_start(2);
    for (int by_inlet = 0; by_inlet < 2; by_inlet++) {
        waiter w = { .by_inlet = by_inlet };
        tr_future *f = remote_future(&w, false);
        kit_holder home;

        kit_hold(&home, 0);
        begin_waiting(&w, f, 1);
        kit_cancel_it(w.task);                  /* by_inlet: leave overtakes enlist */
        expect(&w, TR_ECANCELED, TR_ECANCELED); /* without the home */
        kit_let_go(&home);
        expect_no_proxies();
        kit_resolve_it(f);
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

START_TEST(remote_waiter_gives_up_and_the_future_ends_before_the_home_knows_it)
{
    kit_start(2);
    for (int by_inlet = 0; by_inlet < 2; by_inlet++) {
        waiter w = { .by_inlet = by_inlet };
        tr_future *f = remote_future(&w, false);
        kit_holder home;

        kit_hold(&home, 0);
        begin_waiting(&w, f, 1);
        kit_held_do(&home, kit_resolve_it, f); /* no waiter is there */
        kit_cancel_it(w.task);
        expect(&w, TR_ECANCELED, TR_ECANCELED);
        kit_let_go(&home);
        expect_no_proxies();
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

START_TEST(remote_waiter_hears_of_an_end_that_came_before_the_home_knew_it)
{
    kit_start(2);
    for (int by_inlet = 0; by_inlet < 2; by_inlet++) {
        waiter w = { .by_inlet = by_inlet };
        tr_future *f = remote_future(&w, false);
        kit_holder home;

        kit_hold(&home, 0);
        begin_waiting(&w, f, 1);
        kit_held_do(&home, kit_fail_it, f);
        kit_let_go(&home);
        expect(&w, KIT_FAILURE, 0);
        expect_no_proxies();
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

/* The home's way to loop 1 fails: what it sends next takes the inlet. */
static void resolve_by_inlet(void *f)
{
    kit_fill_lane(1);
    tr__fault_arm(1, false);
    kit_resolve_it(f);
    ck_assert(tr__fault_disarm());
}

/* back is on its way while the waiter gives up; gone comes behind it, or before. */
static void cross(bool gone_first)
{
    waiter w = { .by_inlet = false };
    tr_future *f = remote_future(&w, true);
    kit_holder home;
    kit_holder away;

    kit_hold(&home, 0);
    kit_hold(&away, 1);
    kit_held_do(&home, gone_first ? resolve_by_inlet : kit_resolve_it, f);
    kit_held_do(&away, kit_cancel_it, w.task); /* back has not landed, and leave is sent */
    kit_let_go(&home);
    kit_on_loop(0, NULL, NULL);
    kit_on_loop(0, NULL, NULL); /* gone is sent */
    kit_let_go(&away);
    expect(&w, TR_ECANCELED, TR_ECANCELED);
    expect_no_proxies();
    ck_assert_int_eq(tr_future_status(f), 0);
    tr_future_unref(f);
}

START_TEST(remote_waiter_gives_up_while_word_of_the_end_is_on_its_way)
{
    kit_start(2);
    cross(false);
    cross(true);
    kit_stop();
}
END_TEST

/* The way back fails to get memory: the word comes all the same. */
START_TEST(remote_waiter_hears_of_the_end_without_memory)
{
    waiter w = { .by_inlet = false };
    kit_holder home;
    tr_future *f;

    kit_start(2);
    f = remote_future(&w, true);
    kit_hold(&home, 0);
    kit_held_do(&home, resolve_by_inlet, f);
    kit_let_go(&home);
    expect(&w, 0, 0);
    expect_no_proxies();
    tr_future_unref(f);
    kit_stop();
}
END_TEST

static void cancel_by_inlet(void *task)
{
    kit_fill_lane(0);
    tr__fault_arm(1, false);
    kit_cancel_it(task);
    ck_assert(tr__fault_disarm());
}

START_TEST(remote_waiter_gives_up_without_memory)
{
    for (int is_enlisted = 0; is_enlisted < 2; is_enlisted++) {
        waiter w = { .by_inlet = false };
        kit_holder home;
        kit_holder away;
        tr_future *f;

        kit_start(2);
        f = remote_future(&w, is_enlisted);
        kit_hold(&home, 0);
        if (!is_enlisted)
            begin_waiting(&w, f, 1);
        kit_hold(&away, 1);
        kit_held_do(&away, cancel_by_inlet, w.task);
        kit_let_go(&away);
        expect(&w, TR_ECANCELED, TR_ECANCELED);
        kit_let_go(&home);
        expect_no_proxies();
        tr_future_unref(f);
        kit_stop();
    }
}
END_TEST

/* The last reference goes while the proxy is on its way: it has one of its own. */
START_TEST(future_lives_as_long_as_a_proxy_needs_it)
{
    waiter w = { .by_inlet = false };
    kit_holder home;
    tr_future *f;

    kit_start(2);
    f = remote_future(&w, true);
    kit_hold(&home, 0);
    kit_cancel_it(w.task);
    expect(&w, TR_ECANCELED, TR_ECANCELED);
    tr_future_unref(f);
    kit_let_go(&home);
    expect_no_proxies();
    kit_stop();
}
END_TEST

static int await_without_memory(void *arg)
{
    waiter *w = arg;

    tr__fault_arm(1, false);
    w->rc = tr_await(w->f);
    ck_assert(tr__fault_disarm());
    return 0;
}

START_TEST(await_from_another_loop_without_memory_says_so)
{
    waiter w = { .begun = 0 };

    kit_start(2);
    w.f = kit_future_on(0);
    ck_assert_int_eq(kit_in_task(1, await_without_memory, &w), 0);
    ck_assert_int_eq(w.rc, TR_ENOMEM);
    ck_assert(!tr_future_is_done(w.f));
    tr_future_unref(w.f);
    kit_stop();
}
END_TEST

/* ---- shutdown ---- */

START_TEST(shutdown_cancels_who_awaits)
{
    enum { WAITERS = 12 };

    for (int round = 0; round < 20; round++) {
        waiter waiters[WAITERS];
        tr_future *f;

        kit_start(3);
        f = kit_future_on(0);
        for (int i = 0; i < WAITERS; i++) {
            waiters[i] = (waiter){ .begun = 0 };
            begin(&waiters[i], f, i % 3);
        }
        if (round % 2 == 0)
            for (int i = 0; i < WAITERS; i++)
                while (kit_counted(&waiters[i].begun) == 0)
                    sched_yield();
        kit_stop();
        for (int i = 0; i < WAITERS; i++)
            expect(&waiters[i], TR_ECANCELED, TR_ECANCELED);
        kit_resolve_it(f); /* its home is gone, and so are who waited */
        tr_future_unref(f);
    }
}
END_TEST

/* ---- futures of an earlier run ---- */

START_TEST(future_of_an_earlier_run_can_be_awaited)
{
    tr_future *f[2];
    waiter w[2] = { { .begun = 0 }, { .begun = 0 } };

    kit_start(2);
    f[0] = kit_future_on(0);
    f[1] = kit_future_on(1);
    begin_waiting(&w[0], f[1], 0);
    kit_stop();
    expect(&w[0], TR_ECANCELED, TR_ECANCELED);
    kit_start(2);
    for (int i = 0; i < 2; i++) {
        w[i] = (waiter){ .begun = 0 };
        begin_waiting(&w[i], f[i], 0);
        kit_fail_it(f[i]);
        expect(&w[i], KIT_FAILURE, 0);
        tr_future_unref(f[i]);
    }
    kit_stop();
}
END_TEST

START_TEST(future_of_a_loop_that_is_no_more_is_refused_until_it_has_ended)
{
    waiter w = { .begun = 0 };
    tr_future *f;

    kit_start(4);
    f = kit_future_on(3);
    begin_waiting(&w, f, 3);
    kit_stop();
    expect(&w, TR_ECANCELED, TR_ECANCELED);
    kit_start(1);
    w = (waiter){ .begun = 0 };
    begin(&w, f, 0);
    expect(&w, TR_ESHUTDOWN, 0);
    kit_in_place(KIT_CALLBACK_0, kit_fail_it, f);
    begin(&w, f, 0);
    expect(&w, KIT_FAILURE, 0);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

/* ---- the wrong place ---- */

static void on_cancel(void *arg)
{
    kit_count(arg);
}

static void await_everything(void *f)
{
    uint32_t calls = 0;

    ck_assert_int_eq(tr_await(f), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_await_or(f, on_cancel, &calls), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_wait_for(f, 0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_wait_for(f, 1), TR_EWRONGPLACE);
    ck_assert_uint_eq(calls, 0);
    ck_assert(!tr_future_is_done(f));
}

START_TEST(await_is_for_tasks)
{
    static const kit_place places[] = { KIT_HERE, KIT_CALLBACK_0, KIT_CALLBACK_1, KIT_HANDLER_0 };
    tr_future *f;

    kit_start(2);
    f = kit_future_on(0);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        kit_in_place(places[i], await_everything, f);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

KIT_MAIN("runtime/await", await_of_what_has_ended_returns_at_once,
         await_ends_wherever_the_future_lives_and_is_ended, await_of_a_cancelled_future_is_told_so,
         end_reaches_many_tasks_on_many_loops_and_many_threads,
         waiter_that_was_cancelled_before_leaves_the_future_alone,
         waiter_that_is_cancelled_goes_on_and_leaves_the_others,
         what_was_handed_over_wins_over_being_cancelled,
         remote_waiter_gives_up_before_the_home_knows_it,
         remote_waiter_gives_up_and_the_future_ends_before_the_home_knows_it,
         remote_waiter_hears_of_an_end_that_came_before_the_home_knew_it,
         remote_waiter_gives_up_while_word_of_the_end_is_on_its_way,
         remote_waiter_hears_of_the_end_without_memory, remote_waiter_gives_up_without_memory,
         future_lives_as_long_as_a_proxy_needs_it, await_from_another_loop_without_memory_says_so,
         shutdown_cancels_who_awaits, future_of_an_earlier_run_can_be_awaited,
         future_of_a_loop_that_is_no_more_is_refused_until_it_has_ended, await_is_for_tasks)
