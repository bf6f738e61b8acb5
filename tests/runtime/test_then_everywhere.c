/* Continuations of futures, and tasks that are submitted from everywhere; both amid a shutdown. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "runtime/runtime.h"
#include "runtime/task.h"
#include "support/actors.h"
#include "support/holder.h"
#include "support/places.h"

/* ---- continuations ---- */

typedef struct called {
    tr_future *f;
    int loop; /* that it is registered for */
    int rc;
    uint32_t calls;
    int where;
    int status;
    bool within; /* the call that registers it, or ends the future, is going on */
} called;

static void note_call(tr_future *f, int status, void *arg)
{
    called *c = arg;

    ck_assert_ptr_eq(f, c->f);
    ck_assert(!c->within || tr_loop_current() != c->loop);
    c->where = tr_loop_current();
    c->status = status;
    kit_count(&c->calls);
}

static void register_it(void *arg)
{
    called *c = arg;

    c->within = kit_counted(&c->calls) == 0 && tr_loop_current() == c->loop;
    c->rc = tr_future_then(c->f, c->loop, note_call, c);
    if (tr_loop_current() == c->loop)
        c->within = false;
}

static void expect_call(const called *c, int status)
{
    while (kit_counted(&c->calls) == 0)
        sched_yield();
    ck_assert_int_eq(c->where, c->loop);
    ck_assert_int_eq(c->status, status);
}

static void make(void *out)
{
    ck_assert_int_eq(tr_future_new(out), 0);
}

static tr_future *made_on(int loop)
{
    tr_future *f;

    kit_on_loop(loop, make, &f);
    return f;
}

static void fail_it(void *f)
{
    ck_assert_int_eq(tr_future_fail(f, -7), 0);
}

START_TEST(continuation_is_called_once_on_its_loop_wherever_the_future_lives)
{
    kit_start(3);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        for (int home = 0; home < 2; home++)
            for (int loop = 0; loop < 3; loop++)
                for (int ended = 0; ended < 2; ended++) {
                    called c = { .f = made_on(home), .loop = TR_LOOP(loop) };

                    if (ended)
                        fail_it(c.f);
                    kit_in_place(place, register_it, &c);
                    ck_assert_int_eq(c.rc, 0);
                    if (!ended)
                        kit_in_place((place + 1) % KIT_PLACES, fail_it, c.f);
                    expect_call(&c, -7);
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
    for (kit_place place = KIT_CALLBACK_0; place < KIT_PLACES; place++) {
        called c = { .f = made_on(0), .loop = TR_LOOP_ANY };

        kit_in_place(place, register_it, &c);
        fail_it(c.f);
        while (kit_counted(&c.calls) == 0)
            sched_yield();
        ck_assert_int_eq(c.where, TR_LOOP((int)place % 2));
        tr_future_unref(c.f);
    }
    kit_stop();
}
END_TEST

START_TEST(continuation_keeps_its_future)
{
    called c = { .f = NULL, .loop = TR_LOOP(1) };
    kit_holder holder;

    kit_start(2);
    c.f = made_on(0);
    kit_hold(&holder, 1);
    register_it(&c);
    ck_assert_int_eq(c.rc, 0);
    fail_it(c.f);
    tr_future_unref(c.f);
    kit_let_go(&holder);
    expect_call(&c, -7);
    kit_stop();
}
END_TEST

enum { MANY = 200 };

START_TEST(continuation_of_what_never_ends_is_told_of_the_shutdown)
{
    static called all[MANY];

    for (int round = 0; round < 10; round++) {
        tr_future *f[2];

        kit_start(3);
        f[0] = made_on(0);
        f[1] = made_on(1);
        for (int i = 0; i < MANY; i++) {
            all[i] = (called){ .f = f[i % 2], .loop = TR_LOOP(i % 3) };
            register_it(&all[i]);
            ck_assert_int_eq(all[i].rc, 0);
        }
        if (round % 2)
            fail_it(f[1]);
        kit_stop();
        for (int i = 0; i < MANY; i++) {
            ck_assert_uint_eq(all[i].calls, 1);
            ck_assert_int_eq(all[i].status, round % 2 && i % 2 ? -7 : TR_ESHUTDOWN);
            ck_assert_int_eq(all[i].where, all[i].loop);
        }
        tr_future_unref(f[0]);
        tr_future_unref(f[1]);
    }
}
END_TEST

START_TEST(continuation_is_refused_without_a_runtime)
{
    called c = { .loop = TR_LOOP_ANY };

    kit_start(1);
    c.f = made_on(0);
    c.loop = TR_LOOP(1);
    register_it(&c);
    ck_assert_int_eq(c.rc, TR_EINVAL);
    kit_stop();
    c.loop = TR_LOOP_ANY;
    register_it(&c);
    ck_assert_int_eq(c.rc, TR_ESHUTDOWN);
    ck_assert_uint_eq(c.calls, 0);
    tr_future_unref(c.f);
}
END_TEST

/* ---- submitting ---- */

typedef struct job {
    tr_future *f;
    int loop;
    int rc;
    int where;
    uint32_t runs;
    bool was_cancelled;
} job;

static int do_job(void *arg)
{
    job *j = arg;

    j->where = tr_loop_current();
    j->was_cancelled = tr_cancel_requested();
    kit_count(&j->runs);
    return 5;
}

static void submit_it(void *arg)
{
    job *j = arg;

    j->rc = tr_submit(&j->f, j->loop, do_job, j);
}

START_TEST(task_is_submitted_from_everywhere_to_everywhere)
{
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        for (int loop = 0; loop <= 2; loop++) {
            job j = { .loop = loop };

            kit_in_place(place, submit_it, &j);
            ck_assert_int_eq(j.rc, 0);
            ck_assert_int_eq(tr_future_wait(j.f, KIT_PATIENCE_S), 5);
            ck_assert_uint_eq(j.runs, 1);
            if (loop != TR_LOOP_ANY)
                ck_assert_int_eq(j.where, loop);
            else if (kit_is_on_loop(place))
                ck_assert_int_eq(j.where, TR_LOOP((int)place % 2));
            ck_assert_int_eq(tr_future_resolve(j.f, NULL, NULL), TR_EINVAL); /* it is the task's */
            ck_assert_int_eq(tr_future_cancel(j.f), 0);
            tr_future_unref(j.f);
        }
    kit_stop();
}
END_TEST

static void *shut_down(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)tr_shutdown(KIT_PATIENCE_S);
}

START_TEST(task_that_was_accepted_before_a_shutdown_runs_cancelled)
{
    static job jobs[MANY];
    kit_holder holder;
    pthread_t thread;
    void *rc;

    kit_start(2);
    kit_hold(&holder, 0);
    for (int i = 0; i < MANY; i++) {
        jobs[i] = (job){ .loop = TR_LOOP(0) };
        submit_it(&jobs[i]);
        ck_assert_int_eq(jobs[i].rc, 0);
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, shut_down, NULL), 0);
    while (tr__runtime_phase() == TR__PHASE_RUN)
        sched_yield();
    kit_let_go(&holder);
    pthread_join(thread, &rc);
    ck_assert_int_eq((intptr_t)rc, 0);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(tr_future_wait(jobs[i].f, KIT_PATIENCE_S), 5);
        ck_assert_uint_eq(jobs[i].runs, 1);
        ck_assert(jobs[i].was_cancelled);
        tr_future_unref(jobs[i].f);
    }
    kit_expect_balance();
}
END_TEST

typedef struct flood {
    uint32_t flowing;
    uint32_t ran;
    uint32_t accepted;
    uint32_t refused_later; /* accepted, and ended with TR_ESHUTDOWN */
} flood;

static int count_run(void *arg)
{
    kit_count(&((flood *)arg)->ran);
    return 5;
}

static void *submit_until_refused(void *arg)
{
    flood *fl = arg;
    tr_future *f;
    int n = 0;

    while (tr_submit(&f, TR_LOOP(n % 2), count_run, fl) == 0) {
        int status = n % 3 ? tr_future_wait(f, KIT_PATIENCE_S) : tr_future_cancel_wait(f);

        ck_assert(status == 5 || status == TR_ESHUTDOWN);
        kit_count(&fl->accepted);
        if (status == TR_ESHUTDOWN)
            kit_count(&fl->refused_later);
        tr_future_unref(f);
        if (++n == 10)
            kit_count(&fl->flowing);
    }
    return NULL;
}

START_TEST(tasks_submitted_amid_a_shutdown_end)
{
    for (int round = 0; round < 30; round++) {
        flood fl = { 0 };
        pthread_t threads[4];

        kit_start(2);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, submit_until_refused, &fl), 0);
        while (kit_counted(&fl.flowing) < 4)
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        ck_assert_uint_eq(fl.ran + fl.refused_later, fl.accepted);
        kit_expect_balance();
    }
}
END_TEST

/* ---- a task that comes when its loop has halted ---- */

typedef struct halted {
    sem_t blocks;
    sem_t goes_on;
} halted;

static void block_loop(tr_future *f, int status, void *arg)
{
    halted *h = arg;

    (void)f;
    ck_assert_int_eq(status, TR_ESHUTDOWN);
    sem_post(&h->blocks);
    while (sem_wait(&h->goes_on) != 0)
        ;
}

static int await_for_long(void *f)
{
    int rc = 0;

    TR_SHIELD(TR_FOREVER) {
        rc = tr_await(f);
    }
    return rc;
}

static void await_reports(uint32_t reports)
{
    for (bool done = false; !done;) {
        tr__gate_lock(&tr__runtime_gate);
        done = tr__runtime.reports == reports;
        tr__gate_unlock(&tr__runtime_gate);
        sched_yield();
    }
}

/* Whoever submits it has found the runtime running, and been slow since. */
START_TEST(task_that_comes_when_its_loop_has_halted_does_not_begin)
{
    pthread_t thread;
    tr_future *f;
    tr_task *late;
    halted h;
    void *rc;

    sem_init(&h.blocks, 0, 0);
    sem_init(&h.goes_on, 0, 0);
    kit_start(2);
    f = made_on(0);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(0), block_loop, &h), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, shut_down, NULL), 0);
    while (sem_wait(&h.blocks) != 0)
        ;
    await_reports(1); /* loop 1 has halted, loop 0 has not */
    late = tr__task_make(await_for_long, f, NULL, 0, "late", 2, 2);
    ck_assert_ptr_nonnull(late);
    late->future.state += TR__FUTURE_ONE;
    ck_assert(tr__task_start(late));
    sem_post(&h.goes_on);
    pthread_join(thread, &rc);
    ck_assert_int_eq((intptr_t)rc, 0);
    ck_assert_int_eq(tr_future_wait(tr_task_future(late), KIT_PATIENCE_S / 10), TR_ESHUTDOWN);
    tr_task_unref(late);
    tr_future_unref(f);
    kit_expect_balance();
    sem_destroy(&h.blocks);
    sem_destroy(&h.goes_on);
}
END_TEST

KIT_MAIN("runtime/then_everywhere",
         continuation_is_called_once_on_its_loop_wherever_the_future_lives,
         continuation_for_any_loop_is_called_on_ones_own, continuation_keeps_its_future,
         continuation_of_what_never_ends_is_told_of_the_shutdown,
         continuation_is_refused_without_a_runtime, task_is_submitted_from_everywhere_to_everywhere,
         task_that_was_accepted_before_a_shutdown_runs_cancelled,
         tasks_submitted_amid_a_shutdown_end,
         task_that_comes_when_its_loop_has_halted_does_not_begin)
