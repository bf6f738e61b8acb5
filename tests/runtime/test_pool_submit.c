/* Jobs that nobody need wait for: their futures, who drops their arguments, how many may wait. */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "runtime/runtime.h"
#include "support/jobs.h"

/* What a job gets: it counts its runs and its drops. */
typedef struct load {
    uint32_t runs;
    uint32_t drops;
    int result;
    kit_hold *hold; /* NULL: it does not wait */
} load;

static int run_load(void *arg)
{
    load *l = arg;

    (void)tr__add_ordered_u32(&l->runs, 1);
    if (l->hold != NULL)
        (void)kit_held(l->hold);
    return l->result;
}

static void drop_load(void *arg)
{
    load *l = arg;

    (void)tr__add_ordered_u32(&l->drops, 1);
}

/* The worker may be the last to let go of a future that has ended: then it drops the value. */
static void expect_load(load *l, uint32_t runs, uint32_t drops)
{
    while (tr__load_acquire_u32(&l->drops) < drops)
        sched_yield();
    ck_assert_uint_eq(tr__load_acquire_u32(&l->runs), runs);
    ck_assert_uint_eq(tr__load_acquire_u32(&l->drops), drops);
}

static tr_future *submit(tr_pool *pool, load *l)
{
    tr_future *f;

    ck_assert_int_eq(tr_pool_submit(&f, pool, run_load, l, drop_load), 0);
    return f;
}

/* ---- ends ---- */

START_TEST(future_of_a_job_has_its_argument_as_value)
{
    load l = { .result = 3 };
    tr_future *f;

    kit_start(1);
    f = submit(TR_POOL_IO, &l);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 3);
    ck_assert_ptr_eq(tr_future_peek(f), &l);
    expect_load(&l, 1, 0);
    tr_future_unref(f);
    expect_load(&l, 1, 1);
    kit_stop();
}
END_TEST

START_TEST(value_that_is_taken_is_not_dropped)
{
    load l = { .result = 0 };
    tr_future *f;
    void *value;

    kit_start(1);
    f = submit(TR_POOL_IO, &l);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    ck_assert_int_eq(tr_future_take(f, &value), 0);
    ck_assert_ptr_eq(value, &l);
    tr_future_unref(f);
    expect_load(&l, 1, 0);
    kit_stop();
}
END_TEST

START_TEST(argument_of_a_job_that_fails_is_dropped_before_its_future_ends)
{
    load l = { .result = TR_EBUSY };
    tr_future *f;

    kit_start(1);
    f = submit(TR_POOL_IO, &l);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), TR_EBUSY);
    expect_load(&l, 1, 1);
    ck_assert_ptr_null(tr_future_peek(f));
    tr_future_unref(f);
    expect_load(&l, 1, 1);
    kit_stop();
}
END_TEST

START_TEST(job_without_a_future_runs_and_drops_its_argument)
{
    load l = { .result = 0 };

    kit_start(1);
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, run_load, &l, drop_load), 0);
    kit_stop();
    expect_load(&l, 1, 1);
}
END_TEST

START_TEST(error_that_nobody_looks_at_is_logged)
{
    load l = { .result = TR_EBUSY };

    kit_start(1);
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, run_load, &l, drop_load), 0);
    kit_stop();
    expect_load(&l, 1, 1);
    ck_assert(kit_log_contains("job run_load ("));
    ck_assert(kit_log_contains("ended with an error that nobody has looked at: in use (TR_EBUSY)"));
}
END_TEST

START_TEST(future_that_is_given_back_at_once_leaves_the_job_alone)
{
    load loads[100] = { { 0 } };

    kit_start(1);
    for (int i = 0; i < 100; i++)
        tr_future_unref(submit(TR_POOL_IO, &loads[i]));
    kit_stop();
    for (int i = 0; i < 100; i++)
        expect_load(&loads[i], 1, 1);
}
END_TEST

static int null_job(void *arg)
{
    return arg == NULL ? 7 : -1;
}

static void must_not_drop(void *arg)
{
    ck_abort_msg("dropped %p", arg);
}

START_TEST(job_needs_neither_argument_nor_destructor)
{
    load l = { .result = -1 };
    tr_future *f;

    kit_start(1);
    ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_IO, null_job, NULL, must_not_drop), 0);
    ck_assert_int_eq(kit_future_end(f), 7);
    ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_IO, run_load, &l, NULL), 0);
    ck_assert_int_eq(kit_future_end(f), -1);
    ck_assert_int_eq(tr_pool_submit(NULL, NULL, null_job, NULL, must_not_drop), TR_EINVAL);
    kit_stop();
}
END_TEST

START_TEST(argument_that_is_refused_is_dropped)
{
    load l = { .result = 0 };
    tr_future *f = (tr_future *)&l;

    ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_IO, run_load, &l, drop_load), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
    expect_load(&l, 0, 1);
    kit_start(1);
    ck_assert_int_eq(tr_pool_submit(&f, NULL, run_load, &l, drop_load), TR_EINVAL);
    expect_load(&l, 0, 2);
    ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_IO, NULL, &l, drop_load), TR_EINVAL);
    expect_load(&l, 0, 3);
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, NULL, &l, NULL), TR_EINVAL);
    kit_stop();
}
END_TEST

/* ---- who submits, and who waits ---- */

static int submit_and_await(void *arg)
{
    tr_future *f = submit(TR_POOL_IO, arg);
    int rc = tr_await(f);

    tr_future_unref(f);
    return rc;
}

START_TEST(task_awaits_the_future_of_its_job)
{
    load l = { .result = 9 };

    kit_start(2);
    ck_assert_int_eq(kit_task(0, submit_and_await, &l), 9);
    ck_assert_int_eq(kit_task(1, submit_and_await, &l), 9);
    expect_load(&l, 2, 2);
    kit_stop();
}
END_TEST

static int await_future(void *f)
{
    return tr_await(f);
}

START_TEST(task_awaits_the_job_of_a_foreign_thread)
{
    load l = { .result = 9 };
    tr_future *f;

    kit_start(2);
    for (int i = 0; i < 200; i++) {
        f = submit(TR_POOL_IO, &l);
        ck_assert_int_eq(kit_task(i % 2, await_future, f), 9);
        tr_future_unref(f);
    }
    expect_load(&l, 200, 200);
    kit_stop();
}
END_TEST

typedef struct given {
    load *load;
    tr_future *f;
} given;

static void submit_in_callback(void *arg)
{
    given *g = arg;

    g->f = submit(TR_POOL_IO, g->load);
}

static int submit_in_handler(tr_self *self, void *arg)
{
    (void)self;
    submit_in_callback(arg);
    return 0;
}

START_TEST(foreign_thread_waits_for_jobs_of_callbacks_and_handlers)
{
    load l = { .result = 9 };
    given g = { .load = &l };

    kit_start(2);
    kit_on_loop(1, submit_in_callback, &g);
    ck_assert_int_eq(kit_future_end(g.f), 9);
    kit_in_handler(kit_puppet(0), submit_in_handler, &g);
    ck_assert_int_eq(kit_future_end(g.f), 9);
    expect_load(&l, 2, 2);
    kit_stop();
}
END_TEST

/* ---- cancelling ---- */

typedef struct cancelling {
    kit_hold hold;
    tr_pool *pool;
    load first;
    load second;
    tr_future *running;
    tr_future *queued;
} cancelling;

static void begin_cancelling(cancelling *c, int loops)
{
    *c = (cancelling){ .first = { .result = 2 } };
    c->first.hold = &c->hold;
    kit_hold_init(&c->hold);
    kit_start(loops);
    c->pool = kit_pool(1);
    c->running = submit(c->pool, &c->first);
    kit_hold_await(&c->hold, 1);
    c->queued = submit(c->pool, &c->second);
}

static void end_cancelling(cancelling *c)
{
    kit_hold_let_go(&c->hold, 1);
    ck_assert_int_eq(kit_future_end(c->running), 2);
    kit_pool_free(c->pool);
    kit_stop();
    kit_hold_fini(&c->hold);
    expect_load(&c->first, 1, 1);
}

START_TEST(queued_job_is_taken_back_by_a_foreign_thread)
{
    cancelling c;

    begin_cancelling(&c, 1);
    ck_assert_int_eq(tr_future_cancel_wait(c.queued), TR_ECANCELED);
    expect_load(&c.second, 0, 1);
    ck_assert_int_eq(tr_future_cancel(c.queued), 0);
    tr_future_unref(c.queued);
    ck_assert_uint_eq(kit_stats().jobs_cancelled, 1);
    end_cancelling(&c);
    expect_load(&c.second, 0, 1);
}
END_TEST

static void cancel_on_loop(void *f)
{
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(tr_future_status(f), TR_ECANCELED); /* at once, on any loop */
}

START_TEST(queued_job_is_taken_back_by_any_loop)
{
    for (int loop = 0; loop < 2; loop++) {
        cancelling c;

        begin_cancelling(&c, 2);
        kit_on_loop(loop, cancel_on_loop, c.queued);
        tr_future_unref(c.queued);
        end_cancelling(&c);
        expect_load(&c.second, 0, 1);
    }
}
END_TEST

static void cancel_in_vain(void *f)
{
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(tr_future_cancel(f), 1);
}

START_TEST(queued_job_is_taken_back_later_when_the_lock_is_taken)
{
    for (int loop = -1; loop < 2; loop++) {
        cancelling c;

        begin_cancelling(&c, 2);
        ck_assert(tr__pool_lock_soon(c.pool));
        if (loop >= 0)
            kit_on_loop(loop, cancel_in_vain, c.queued);
        else
            cancel_in_vain(c.queued);
        kit_on_loop(0, NULL, NULL);
        kit_on_loop(1, NULL, NULL);
        ck_assert(!tr_future_is_done(c.queued));
        tr__pool_unlock(c.pool);
        ck_assert_int_eq(kit_future_end(c.queued), TR_ECANCELED);
        end_cancelling(&c);
        expect_load(&c.second, 0, 1);
    }
}
END_TEST

START_TEST(queued_job_that_is_cancelled_and_given_back_is_taken_back)
{
    cancelling c;

    begin_cancelling(&c, 1);
    ck_assert_int_eq(tr_future_cancel(c.queued), 1);
    tr_future_unref(c.queued);
    expect_load(&c.second, 0, 1);
    end_cancelling(&c);
    expect_load(&c.second, 0, 1);
}
END_TEST

START_TEST(running_job_is_told_that_it_is_cancelled)
{
    cancelling c;

    begin_cancelling(&c, 1);
    ck_assert_int_eq(tr_future_cancel(c.running), 1);
    kit_on_loop(0, NULL, NULL);
    ck_assert(!tr_future_is_done(c.running));
    tr_future_unref(c.queued);
    end_cancelling(&c);
    ck_assert_uint_eq(c.hold.cancelled, 1);
    expect_load(&c.second, 1, 1);
}
END_TEST

enum { RACES = 3000 };

START_TEST(job_is_dropped_once_whenever_it_is_cancelled)
{
    uint32_t cancelled = 0;
    tr_pool *pool;

    kit_start(2);
    pool = kit_pool(2);
    for (int i = 0; i < RACES; i++) {
        load l = { .result = 0 };
        tr_future *f = submit(pool, &l);
        int rc;

        for (int spin = i % 100; spin > 0; spin--)
            tr__spin_pause();
        rc = tr_future_cancel_wait(f);
        ck_assert(rc == 0 || rc == TR_ECANCELED);
        tr_future_unref(f);
        expect_load(&l, rc == 0, 1);
        cancelled += rc != 0;
    }
    kit_pool_free(pool);
    kit_stop();
    ck_assert_uint_eq(kit_stats().jobs_cancelled, cancelled);
}
END_TEST

/* A task that is cancelled leaves the job that it has submitted alone. */
static int submit_then_wait(void *arg)
{
    given *g = arg;

    g->f = submit(TR_POOL_IO, g->load);
    return tr_await(g->f);
}

START_TEST(job_goes_on_when_the_task_that_awaits_it_is_cancelled)
{
    kit_hold hold;
    load l = { .result = 4, .hold = &hold };
    given g = { .load = &l };
    tr_future *task;

    kit_hold_init(&hold);
    kit_start(1);
    task = kit_task_begin(0, submit_then_wait, &g);
    kit_hold_await(&hold, 1);
    ck_assert_int_eq(tr_future_cancel_wait(task), TR_ECANCELED);
    tr_future_unref(task);
    kit_hold_let_go(&hold, 1);
    ck_assert_int_eq(kit_future_end(g.f), 4);
    ck_assert_uint_eq(hold.cancelled, 0);
    kit_stop();
    kit_hold_fini(&hold);
}
END_TEST

static int submit_when_cancelled(void *arg)
{
    while (tr_yield() == 0)
        ;
    return tr_pool_submit(NULL, TR_POOL_IO, run_load, arg, drop_load);
}

START_TEST(cancelled_task_submits_nothing)
{
    load l = { .result = 0 };
    tr_future *f;

    kit_start(1);
    f = kit_task_begin(0, submit_when_cancelled, &l);
    ck_assert_int_eq(tr_future_cancel_wait(f), TR_ECANCELED);
    tr_future_unref(f);
    expect_load(&l, 0, 1);
    kit_stop();
}
END_TEST

/* ---- a full pool ---- */

typedef struct full {
    kit_hold hold;
    tr_pool *pool;
    load jobs; /* that stand in line */
    load late;
    tr_future *f;
    int rc;
} full;

static void begin_full(full *f)
{
    *f = (full){ .rc = 0 };
    kit_hold_init(&f->hold);
    kit_start(2);
    f->pool = kit_pool(1);
    ck_assert_int_eq(tr_pool_submit(NULL, f->pool, kit_held, &f->hold, NULL), 0);
    kit_hold_await(&f->hold, 1);
    for (int i = 0; i < TR__POOL_BACKLOG; i++)
        ck_assert_int_eq(tr_pool_submit(NULL, f->pool, run_load, &f->jobs, drop_load), 0);
}

static void end_full(full *f)
{
    kit_hold_let_go(&f->hold, 1);
    kit_pool_free(f->pool);
    expect_load(&f->jobs, TR__POOL_BACKLOG, TR__POOL_BACKLOG);
    kit_stop();
    kit_hold_fini(&f->hold);
}

static void submit_late(void *arg)
{
    full *f = arg;

    f->rc = tr_pool_submit(&f->f, f->pool, run_load, &f->late, drop_load);
}

static int submit_late_in_handler(tr_self *self, void *arg)
{
    (void)self;
    submit_late(arg);
    return 0;
}

static int submit_late_as_task(void *arg)
{
    full *f = arg;

    submit_late(arg);
    return f->rc;
}

START_TEST(full_pool_refuses_whoever_can_not_wait)
{
    full f;

    begin_full(&f);
    submit_late(&f);
    ck_assert_int_eq(f.rc, TR_EAGAIN);
    ck_assert_ptr_null(f.f);
    kit_on_loop(0, submit_late, &f);
    ck_assert_int_eq(f.rc, TR_EAGAIN);
    kit_in_handler(kit_puppet(1), submit_late_in_handler, &f);
    ck_assert_int_eq(f.rc, TR_EAGAIN);
    expect_load(&f.late, 0, 3);
    end_full(&f);
    expect_load(&f.late, 0, 3);
}
END_TEST

static tr_future *begin_late_task(full *f, uint32_t length)
{
    tr_future *task = kit_task_begin(1, submit_late_as_task, f);

    while (kit_pool_length(f->pool) != length)
        sched_yield();
    return task;
}

START_TEST(task_awaits_its_turn_in_a_full_pool)
{
    tr_future *task;
    full f;

    begin_full(&f);
    task = begin_late_task(&f, TR__POOL_BACKLOG + 1);
    kit_on_loop(1, NULL, NULL);
    ck_assert(!tr_future_is_done(task));
    kit_hold_let_go(&f.hold, 1);
    ck_assert_int_eq(kit_future_end(task), 0);
    ck_assert_int_eq(kit_future_end(f.f), 0);
    expect_load(&f.late, 1, 1);
    kit_hold_let_go(&f.hold, 1);
    end_full(&f);
}
END_TEST

START_TEST(task_that_awaits_its_turn_can_be_cancelled)
{
    tr_future *task;
    full f;

    begin_full(&f);
    task = begin_late_task(&f, TR__POOL_BACKLOG + 1);
    ck_assert_int_eq(tr_future_cancel_wait(task), TR_ECANCELED);
    tr_future_unref(task);
    ck_assert_ptr_null(f.f);
    expect_load(&f.late, 0, 1);
    ck_assert_uint_eq(kit_pool_length(f.pool), TR__POOL_BACKLOG);
    submit_late(&f);
    ck_assert_int_eq(f.rc, TR_EAGAIN); /* it has left no hole */
    end_full(&f);
    expect_load(&f.late, 0, 2);
    ck_assert_uint_eq(kit_stats().jobs_cancelled, 1);
}
END_TEST

static void be_blocked(void *hold)
{
    (void)kit_held(hold);
}

/* The loop does not get the lock to take the job back, and meanwhile a worker begins it: the turn
 * has come, and counts. */
START_TEST(turn_that_comes_before_the_job_can_be_taken_back_counts)
{
    kit_hold late;
    kit_hold pause;
    tr_future *task;
    full f;

    kit_hold_init(&late);
    kit_hold_init(&pause);
    begin_full(&f);
    f.late.hold = &late;
    task = begin_late_task(&f, TR__POOL_BACKLOG + 1);
    ck_assert(tr__pool_lock_soon(f.pool));
    ck_assert_int_eq(tr_future_cancel(task), 1);
    kit_on_loop(1, NULL, NULL); /* it has tried once, and will again */
    ck_assert_int_eq(tr_post(TR_LOOP(1), be_blocked, &pause), 0);
    kit_hold_await(&pause, 1);
    tr__pool_unlock(f.pool);
    kit_hold_let_go(&f.hold, 1);
    kit_hold_await(&late, 1);
    ck_assert(tr__pool_lock_soon(f.pool));
    kit_hold_let_go(&pause, 1);
    ck_assert_int_eq(kit_future_end(task), 0);
    tr__pool_unlock(f.pool);
    kit_hold_let_go(&late, 1);
    ck_assert_int_eq(kit_future_end(f.f), 0);
    end_full(&f);
    expect_load(&f.late, 1, 1);
    ck_assert_uint_eq(kit_stats().jobs_cancelled, 0);
    kit_hold_fini(&late);
    kit_hold_fini(&pause);
}
END_TEST

static void *free_pool_as_thread(void *pool)
{
    kit_pool_free(pool);
    return NULL;
}

/* Refuses jobs; it goes only when all that it has accepted have ended. */
static pthread_t begin_to_free(full *f)
{
    bool is_closed = false;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, free_pool_as_thread, f->pool), 0);
    while (!is_closed) {
        sched_yield();
        ck_assert(tr__pool_lock_soon(f->pool));
        is_closed = f->pool->is_closed;
        tr__pool_unlock(f->pool);
    }
    return thread;
}

START_TEST(pool_that_is_freed_refuses_also_when_it_is_full)
{
    uint32_t submitted;
    pthread_t thread;
    full f;

    begin_full(&f);
    thread = begin_to_free(&f);
    submitted = tr__load_acquire_u32(&f.pool->submitted);
    ck_assert_int_eq(kit_task(0, submit_late_as_task, &f), TR_ESHUTDOWN);
    ck_assert_ptr_null(f.f);
    ck_assert_uint_eq(tr__load_acquire_u32(&f.pool->submitted), submitted);
    kit_hold_let_go(&f.hold, 1);
    pthread_join(thread, NULL);
    f.pool = NULL;
    end_full(&f);
    expect_load(&f.late, 0, 1);
}
END_TEST

START_TEST(pool_that_is_freed_refuses_everybody_and_counts_none)
{
    uint32_t submitted;
    pthread_t thread;
    full f;

    begin_full(&f);
    kit_hold_let_go(&f.hold, 1);
    while (kit_pool_length(f.pool) != 0)
        sched_yield();
    ck_assert_int_eq(tr_pool_submit(NULL, f.pool, kit_held, &f.hold, NULL), 0);
    kit_hold_await(&f.hold, 1);
    thread = begin_to_free(&f);
    submitted = tr__load_acquire_u32(&f.pool->submitted);
    ck_assert_int_eq(kit_task(0, submit_late_as_task, &f), TR_ESHUTDOWN);
    kit_on_loop(0, submit_late, &f);
    ck_assert_int_eq(f.rc, TR_ESHUTDOWN);
    submit_late(&f);
    ck_assert_int_eq(f.rc, TR_ESHUTDOWN);
    ck_assert_uint_eq(tr__load_acquire_u32(&f.pool->submitted), submitted);
    kit_hold_let_go(&f.hold, 1);
    pthread_join(thread, NULL);
    f.pool = NULL;
    end_full(&f);
    expect_load(&f.late, 0, 3);
}
END_TEST

START_TEST(room_that_is_made_by_taking_back_is_used)
{
    tr_future *queued;
    full f;

    begin_full(&f);
    kit_hold_let_go(&f.hold, 1);
    while (kit_pool_length(f.pool) != 0)
        sched_yield();
    ck_assert_int_eq(tr_pool_submit(NULL, f.pool, kit_held, &f.hold, NULL), 0);
    kit_hold_await(&f.hold, 1);
    queued = submit(f.pool, &f.late);
    for (int i = 1; i < TR__POOL_BACKLOG; i++)
        ck_assert_int_eq(tr_pool_submit(NULL, f.pool, run_load, &f.late, NULL), 0);
    ck_assert_int_eq(tr_pool_submit(NULL, f.pool, run_load, &f.late, NULL), TR_EAGAIN);
    ck_assert_int_eq(tr_future_cancel_wait(queued), TR_ECANCELED);
    tr_future_unref(queued);
    ck_assert_int_eq(tr_pool_submit(NULL, f.pool, run_load, &f.late, NULL), 0);
    ck_assert_int_eq(tr_pool_submit(NULL, f.pool, run_load, &f.late, NULL), TR_EAGAIN);
    end_full(&f);
    expect_load(&f.late, TR__POOL_BACKLOG, 1);
}
END_TEST

KIT_MAIN("runtime/pool_submit", future_of_a_job_has_its_argument_as_value,
         value_that_is_taken_is_not_dropped,
         argument_of_a_job_that_fails_is_dropped_before_its_future_ends,
         job_without_a_future_runs_and_drops_its_argument, error_that_nobody_looks_at_is_logged,
         future_that_is_given_back_at_once_leaves_the_job_alone,
         job_needs_neither_argument_nor_destructor, argument_that_is_refused_is_dropped,
         task_awaits_the_future_of_its_job, task_awaits_the_job_of_a_foreign_thread,
         foreign_thread_waits_for_jobs_of_callbacks_and_handlers,
         queued_job_is_taken_back_by_a_foreign_thread, queued_job_is_taken_back_by_any_loop,
         queued_job_is_taken_back_later_when_the_lock_is_taken,
         queued_job_that_is_cancelled_and_given_back_is_taken_back,
         running_job_is_told_that_it_is_cancelled, job_is_dropped_once_whenever_it_is_cancelled,
         job_goes_on_when_the_task_that_awaits_it_is_cancelled, cancelled_task_submits_nothing,
         full_pool_refuses_whoever_can_not_wait, task_awaits_its_turn_in_a_full_pool,
         task_that_awaits_its_turn_can_be_cancelled,
         turn_that_comes_before_the_job_can_be_taken_back_counts,
         pool_that_is_freed_refuses_also_when_it_is_full,
         pool_that_is_freed_refuses_everybody_and_counts_none,
         room_that_is_made_by_taking_back_is_used)
