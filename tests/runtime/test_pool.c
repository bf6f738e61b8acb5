/* Pools: jobs that tasks and foreign threads wait for, and the threads that run them. */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "runtime/runtime.h"
#include "support/jobs.h"

/* ---- results ---- */

static int return_it(void *result)
{
    return *(int *)result;
}

static int increment(void *arg)
{
    *(int *)arg += 1;
    return tr_loop_current(); /* a job runs on a foreign thread */
}

/* The job's argument is on the task's stack. */
static int run_with_stack(void *unused)
{
    int value = 41;

    (void)unused;
    if (tr_to_thread(increment, &value) != TR_EWRONGPLACE)
        return -1;
    return value;
}

START_TEST(job_of_a_task_may_work_on_its_stack)
{
    kit_start(1);
    ck_assert_int_eq(kit_task(0, run_with_stack, NULL), 42);
    kit_stop();
}
END_TEST

START_TEST(job_of_a_foreign_thread_may_work_on_its_stack)
{
    int value = 1;

    kit_start(1);
    ck_assert_int_eq(tr_to_thread(increment, &value), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_pool_run(TR_POOL_CPU, increment, &value), TR_EWRONGPLACE);
    ck_assert_int_eq(value, 3);
    kit_stop();
}
END_TEST

typedef struct call {
    tr_pool *pool;
    tr_job_fn fn;
    void *arg;
} call;

static int run_call(void *arg)
{
    call *c = arg;

    return tr_pool_run(c->pool, c->fn, c->arg);
}

START_TEST(result_of_a_job_is_returned_whatever_it_is)
{
    static const int results[] = { 0, 1, INT32_MAX, -1, TR_ECANCELED, TR_ESHUTDOWN, INT32_MIN };

    kit_start(2);
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        int result = results[i];
        call c = { TR_POOL_IO, return_it, &result };

        ck_assert_int_eq(tr_pool_run(TR_POOL_IO, return_it, &result), result);
        ck_assert_int_eq(kit_task(1, run_call, &c), result);
    }
    kit_stop();
}
END_TEST

static int expect_no_task(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_yield(), TR_EWRONGPLACE);
    ck_assert(!tr_cancelled());
    return 0;
}

START_TEST(job_is_no_task_and_not_cancelled)
{
    kit_start(1);
    ck_assert_int_eq(tr_to_thread(expect_no_task, NULL), 0);
    ck_assert(!tr_cancelled());
    kit_stop();
}
END_TEST

static int receive_and_await(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    tr_pid out = { (uint64_t)(value != NULL ? value->b : 0) };
    int result = 5;

    (void)state;
    if (value == NULL)
        return TR_UNHANDLED;
    (void)tr_exit(self, 0);
    return tr_send(out, kit_value, .a = tr_to_thread(return_it, &result));
}

static const tr_actor_class awaiting_class = {
    .name = "awaiting",
    .receive = receive_and_await,
    .awaits = true,
};

START_TEST(handler_of_an_actor_that_awaits_may_wait_for_a_job)
{
    tr_inbox *in;
    tr_pid pid;

    kit_start(1);
    in = kit_inbox();
    ck_assert_int_eq(tr_spawn(&pid, &awaiting_class, NULL), 0);
    ck_assert_int_eq(tr_send(pid, kit_value, .b = (int64_t)tr_inbox_pid(in).tr__id), 0);
    (void)kit_expect_value(in, 5);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

/* ---- order ---- */

typedef struct ticket {
    uint32_t *next;
    uint32_t number;
    uint32_t *wrong;
} ticket;

static int check_ticket(void *arg)
{
    ticket *t = arg;

    *t->wrong += (*t->next)++ != t->number; /* nobody else runs at the same time */
    return 0;
}

enum { TICKETS = 5000 };

START_TEST(pool_of_one_thread_keeps_the_order_of_submission)
{
    static ticket tickets[TICKETS];
    uint32_t next = 0;
    uint32_t wrong = 0;
    tr_pool *pool;

    kit_start(1);
    pool = kit_pool(8);
    kit_pool_free(pool);
    pool = kit_pool(1);
    for (uint32_t i = 0; i < TICKETS; i++) {
        tickets[i] = (ticket){ &next, i, &wrong };
        while (tr_pool_submit(NULL, pool, check_ticket, &tickets[i], NULL) == TR_EAGAIN)
            sched_yield(); /* it is full */
    }
    kit_pool_free(pool);
    ck_assert_uint_eq(next, TICKETS);
    ck_assert_uint_eq(wrong, 0);
    kit_stop();
}
END_TEST

/* Tasks of one loop push in the order in which they run. */
typedef struct ticket_call {
    tr_pool *pool;
    ticket ticket;
} ticket_call;

static int run_ticket(void *arg)
{
    ticket_call *c = arg;

    return tr_pool_run(c->pool, check_ticket, &c->ticket);
}

static int run_tickets(void *arg)
{
    static ticket_call calls[TICKETS];
    uint32_t next = 0;
    uint32_t wrong = 0;
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (uint32_t i = 0; i < TICKETS; i++) {
            calls[i] = (ticket_call){ arg, { &next, i, &wrong } };
            (void)tr_scope_spawn(s, run_ticket, &calls[i]);
        }
    }
    ck_assert_uint_eq(next, TICKETS);
    ck_assert_uint_eq(wrong, 0);
    return rc;
}

START_TEST(pool_of_one_thread_runs_the_jobs_of_tasks_in_order)
{
    tr_pool *pool;

    kit_start(1);
    pool = kit_pool(1);
    ck_assert_int_eq(kit_task(0, run_tickets, pool), 0);
    kit_pool_free(pool);
    kit_stop();
}
END_TEST

/* ---- threads ---- */

typedef struct crowd {
    tr_pool *pool;
    kit_hold hold;
    int jobs;
    int rc[100];
} crowd;

static int run_held(void *arg)
{
    crowd *c = arg;

    return tr_pool_run(c->pool, kit_held, &c->hold) == KIT_HELD ? 0 : -1;
}

static int run_crowd(void *arg)
{
    crowd *c = arg;
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < c->jobs; i++)
            (void)tr_scope_spawn(s, run_held, c);
    }
    return rc;
}

static tr_future *begin_crowd(crowd *c, int max, int jobs)
{
    c->pool = kit_pool(max);
    c->jobs = jobs;
    kit_hold_init(&c->hold);
    return kit_task_begin(0, run_crowd, c);
}

static void end_crowd(crowd *c, tr_future *f)
{
    kit_hold_let_go(&c->hold, c->jobs);
    ck_assert_int_eq(kit_future_end(f), 0);
    ck_assert_uint_eq(c->hold.ended, (uint32_t)c->jobs);
    kit_pool_free(c->pool);
    kit_hold_fini(&c->hold);
}

START_TEST(threads_are_started_on_demand_up_to_the_maximum)
{
    crowd c;
    tr_future *f;
    uint32_t before = 0;

    kit_start(1);
    f = begin_crowd(&c, 5, 20);
    kit_hold_await(&c.hold, 5);
    ck_assert_uint_eq(kit_pool_threads(c.pool), 5);
    ck_assert_uint_eq(kit_pool_length(c.pool), 15);
    ck_assert_int_eq(kit_task(0, run_call, &(call){ TR_POOL_IO, kit_count_job, &before }), 0);
    ck_assert_int_ne(sem_trywait(&c.hold.begun), 0); /* no sixth */
    end_crowd(&c, f);
    kit_stop();
}
END_TEST

/* More than one, where one is kept from its core just then. */
START_TEST(jobs_one_after_the_other_need_few_threads)
{
    tr_pool *pool;
    uint32_t runs = 0;

    kit_start_with(&(tr_config){ .loops = 1, .pool_idle_s = KIT_PATIENCE_S });
    pool = kit_pool(100);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(tr_pool_run(pool, kit_count_job, &runs), i);
    ck_assert_uint_lt(kit_pool_threads(pool), 20);
    kit_pool_free(pool);
    kit_stop();
}
END_TEST

START_TEST(threads_end_when_they_have_been_idle)
{
    crowd c;
    tr_future *f;
    uint32_t runs = 0;

    kit_start_with(&(tr_config){ .loops = 1, .pool_idle_s = 0.001 });
    f = begin_crowd(&c, 5, 5);
    kit_hold_await(&c.hold, 5);
    kit_hold_let_go(&c.hold, 5);
    while (kit_pool_threads(c.pool) != 0)
        sched_yield();
    ck_assert_int_eq(tr_pool_run(c.pool, kit_count_job, &runs), 0); /* one is started again */
    end_crowd(&c, f);
    kit_stop();
}
END_TEST

START_TEST(jobs_race_with_threads_that_end)
{
    call c = { NULL, kit_count_job, NULL };
    uint32_t runs = 0;

    kit_start_with(&(tr_config){ .loops = 1, .pool_idle_s = 1e-9, .spin_us = -1 });
    c.pool = kit_pool(2);
    c.arg = &runs;
    for (int i = 0; i < 3000; i++) {
        ck_assert_int_eq(tr_pool_run(c.pool, kit_count_job, &runs), 2 * i);
        ck_assert_int_eq(kit_task(0, run_call, &c), 2 * i + 1);
    }
    kit_pool_free(c.pool);
    kit_stop();
}
END_TEST

static int name_thread(void *name)
{
    return pthread_getname_np(pthread_self(), name, 16);
}

START_TEST(threads_have_the_name_of_their_pool)
{
    char name[16];
    tr_pool *pool;

    kit_start(1);
    ck_assert_int_eq(tr_to_thread(name_thread, name), 0);
    ck_assert_str_eq(name, "tr-io/1");
    ck_assert_int_eq(tr_pool_run(TR_POOL_CPU, name_thread, name), 0);
    ck_assert_str_eq(name, "tr-cpu/1");
    ck_assert_int_eq(tr_pool_new(&pool, "a pool with a name that is too long for anybody", 1), 0);
    ck_assert_int_eq(tr_pool_run(pool, name_thread, name), 0);
    ck_assert_str_eq(name, "tr-a pool wit/1");
    kit_pool_free(pool);
    kit_stop();
}
END_TEST

START_TEST(pool_max_of_the_configuration_bounds_the_io_pool)
{
    tr_future *futures[5];
    kit_hold hold;

    kit_hold_init(&hold);
    kit_start_with(&(tr_config){ .loops = 1, .pool_max = 3 });
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tr_pool_submit(&futures[i], TR_POOL_IO, kit_held, &hold, NULL), 0);
    kit_hold_await(&hold, 3);
    ck_assert_uint_eq(kit_pool_threads(TR_POOL_IO), 3);
    ck_assert_uint_eq(kit_pool_length(TR_POOL_IO), 2);
    kit_hold_let_go(&hold, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(kit_future_end(futures[i]), KIT_HELD);
    kit_stop();
    kit_hold_fini(&hold);
}
END_TEST

/* ---- long jobs and short ones ---- */

enum { LONG_JOBS = 8, SHORT_JOBS = 500 };

static void expect_short_jobs_to_pass(tr_pool *pool)
{
    call c = { pool, kit_count_job, NULL };
    uint32_t runs = 0;

    c.arg = &runs;
    for (int i = 0; i < SHORT_JOBS; i++) {
        ck_assert_int_eq(kit_task(0, run_call, &c), 2 * i);
        ck_assert_int_eq(tr_pool_run(pool, kit_count_job, &runs), 2 * i + 1);
    }
}

START_TEST(long_jobs_never_hide_short_ones)
{
    crowd c;
    tr_future *f;

    kit_start(1);
    f = begin_crowd(&c, LONG_JOBS + 1, LONG_JOBS);
    expect_short_jobs_to_pass(c.pool); /* wherever the long ones have got to */
    kit_hold_await(&c.hold, LONG_JOBS);
    expect_short_jobs_to_pass(c.pool);
    end_crowd(&c, f);
    kit_stop();
}
END_TEST

START_TEST(long_jobs_never_hide_short_ones_where_nobody_spins)
{
    crowd c;
    tr_future *f;

    kit_start_with(&(tr_config){ .loops = 2, .spin_us = -1 });
    f = begin_crowd(&c, LONG_JOBS + 1, LONG_JOBS);
    kit_hold_await(&c.hold, LONG_JOBS);
    expect_short_jobs_to_pass(c.pool);
    end_crowd(&c, f);
    kit_stop();
}
END_TEST

/* One job after the other finds all threads that are awake in long jobs. */
static void hold_one_by_one(crowd *c, bool is_foreign, tr_future **futures)
{
    for (int i = 0; i < LONG_JOBS; i++) {
        if (is_foreign)
            ck_assert_int_eq(tr_pool_submit(&futures[i], c->pool, kit_held, &c->hold, NULL), 0);
        else
            futures[i] = kit_task_begin(0, run_held, c);
        kit_hold_await(&c->hold, 1);
    }
}

static void expect_one_by_one(bool is_foreign)
{
    tr_future *futures[LONG_JOBS];
    crowd c = { .jobs = 0 };

    kit_start(1);
    c.pool = kit_pool(LONG_JOBS);
    kit_hold_init(&c.hold);
    for (int round = 0; round < 20; round++) {
        hold_one_by_one(&c, is_foreign, futures);
        kit_hold_let_go(&c.hold, LONG_JOBS);
        for (int i = 0; i < LONG_JOBS; i++)
            ck_assert_int_ge(kit_future_end(futures[i]), 0);
    }
    kit_pool_free(c.pool);
    kit_hold_fini(&c.hold);
    kit_stop();
}

START_TEST(jobs_of_foreign_threads_are_seen_behind_long_ones)
{
    expect_one_by_one(true);
}
END_TEST

START_TEST(jobs_of_tasks_are_seen_behind_long_ones)
{
    expect_one_by_one(false);
}
END_TEST

/* The lock is held by somebody who was preempted: no loop waits for it, and the job runs later. */
START_TEST(loop_that_does_not_get_the_lock_goes_on)
{
    call c = { NULL, kit_count_job, NULL };
    uint32_t runs = 0;
    tr_future *f;

    kit_start(1);
    c.pool = kit_pool(2);
    c.arg = &runs;
    for (int i = 0; i < 20; i++) {
        ck_assert(tr__pool_lock_soon(c.pool));
        f = kit_task_begin(0, run_call, &c);
        kit_on_loop(0, NULL, NULL);
        kit_on_loop(0, NULL, NULL);
        ck_assert(!tr_future_is_done(f));
        tr__pool_unlock(c.pool);
        ck_assert_int_eq(kit_future_end(f), i);
    }
    kit_pool_free(c.pool);
    kit_stop();
}
END_TEST

/* ---- jobs that give jobs ---- */

typedef struct nest {
    tr_pool *pool;
    uint32_t runs;
    int depth;
} nest;

static int run_nested(void *arg)
{
    nest *n = arg;

    (void)kit_count_job(&n->runs);
    return n->depth-- > 0 ? tr_pool_run(n->pool, run_nested, n) + 1 : 0;
}

START_TEST(job_may_wait_for_a_job_of_its_own_pool)
{
    nest n = { .depth = 10 };

    kit_start(1);
    n.pool = kit_pool(1);
    ck_assert_int_eq(tr_pool_run(n.pool, run_nested, &n), 10);
    ck_assert_uint_eq(n.runs, 11);
    ck_assert_uint_eq(kit_stats().jobs_run, 11);
    kit_pool_free(n.pool);
    kit_stop();
}
END_TEST

static int submit_nested(void *arg)
{
    nest *n = arg;

    (void)kit_count_job(&n->runs);
    return n->depth-- > 0 ? tr_pool_submit(NULL, n->pool, submit_nested, n, NULL) : 0;
}

START_TEST(job_may_submit_to_its_own_pool)
{
    nest n = { .depth = 1000 };

    kit_start(1);
    n.pool = kit_pool(1);
    ck_assert_int_eq(tr_pool_run(n.pool, submit_nested, &n), 0);
    while (tr__load_acquire_u32(&n.runs) < 1001)
        sched_yield();
    kit_pool_free(n.pool);
    kit_stop();
}
END_TEST

static int run_elsewhere(void *arg)
{
    return tr_pool_run(TR_POOL_CPU, kit_count_job, arg);
}

START_TEST(job_may_wait_for_a_job_of_another_pool)
{
    uint32_t runs = 0;

    kit_start(1);
    ck_assert_int_eq(tr_to_thread(run_elsewhere, &runs), 0);
    ck_assert_uint_eq(runs, 1);
    kit_stop();
}
END_TEST

/* ---- figures ---- */

START_TEST(figures_count_the_jobs_of_everybody)
{
    call c = { TR_POOL_IO, kit_count_job, NULL };
    uint32_t runs = 0;
    tr_future *f;

    c.arg = &runs;
    for (int round = 0; round < 2; round++) {
        kit_start(2);
        ck_assert_int_ge(kit_task(0, run_call, &c), 0);
        ck_assert_int_ge(kit_task(1, run_call, &c), 0);
        ck_assert_int_ge(tr_to_thread(kit_count_job, &runs), 0);
        ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_IO, kit_count_job, &runs, NULL), 0);
        ck_assert_int_ge(kit_future_end(f), 0);
        ck_assert_uint_eq(kit_stats().jobs_submitted, 4);
        ck_assert_uint_eq(kit_stats().jobs_run, 4);
        ck_assert_uint_eq(kit_stats().jobs_cancelled, 0);
        kit_stop();
        ck_assert_uint_eq(kit_stats().jobs_run, 4);
    }
}
END_TEST

KIT_MAIN("runtime/pool", job_of_a_task_may_work_on_its_stack,
         job_of_a_foreign_thread_may_work_on_its_stack, result_of_a_job_is_returned_whatever_it_is,
         job_is_no_task_and_not_cancelled, handler_of_an_actor_that_awaits_may_wait_for_a_job,
         pool_of_one_thread_keeps_the_order_of_submission,
         pool_of_one_thread_runs_the_jobs_of_tasks_in_order,
         threads_are_started_on_demand_up_to_the_maximum, jobs_one_after_the_other_need_few_threads,
         threads_end_when_they_have_been_idle, jobs_race_with_threads_that_end,
         threads_have_the_name_of_their_pool, pool_max_of_the_configuration_bounds_the_io_pool,
         long_jobs_never_hide_short_ones, long_jobs_never_hide_short_ones_where_nobody_spins,
         jobs_of_foreign_threads_are_seen_behind_long_ones, jobs_of_tasks_are_seen_behind_long_ones,
         loop_that_does_not_get_the_lock_goes_on, job_may_wait_for_a_job_of_its_own_pool,
         job_may_submit_to_its_own_pool, job_may_wait_for_a_job_of_another_pool,
         figures_count_the_jobs_of_everybody)
