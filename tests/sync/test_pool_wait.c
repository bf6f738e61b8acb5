/* Jobs that wait for other jobs: what would never come is told, and what may not is named. */
#include <string.h>

#include "sync/cases.h"

static tr_pool *pool_of(int max)
{
    tr_pool *pool;

    EXPECT(tr_pool_new(&pool, "cases", max) == 0);
    return pool;
}

static void await_end(tr_future *f, int rc)
{
    EXPECT(tr_await(f) == rc);
    tr_future_unref(f);
}

/* ---- what the log has said ---- */

static counter deadlocks;
static counter suspicions;

static void read_log(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    if (strncmp(line, "deadlock: pool 'cases': job ", 28) == 0)
        count_up(&deadlocks);
    if (strstr(line, "have jobs that wait") != NULL)
        count_up(&suspicions);
}

static void begin_reading(void)
{
    deadlocks = (counter){ 0 };
    suspicions = (counter){ 0 };
    tr_log_set(read_log, NULL);
}

static void end_reading(void)
{
    tr_log_set(NULL, NULL);
}

/* ---- jobs that wait for one in line ---- */

static int do_nothing(void *unused)
{
    (void)unused;
    return 7;
}

typedef struct inner_call {
    tr_pool *pool;
    double timeout;
    tr_future *inner; /* the test's, afterwards */
    tr_event *all_run;
    counter *run;
    uint32_t count;
} inner_call;

static int submit_and_wait(void *arg)
{
    inner_call *c = arg;

    if (c->run != NULL) {
        count_up(c->run);
        if (count_of(c->run) == c->count)
            EXPECT(tr_event_set(c->all_run) == 0);
        EXPECT(tr_event_wait(c->all_run) == 0);
    }
    EXPECT(tr_pool_submit(&c->inner, c->pool, do_nothing, NULL, NULL) == 0);
    return tr_future_wait(c->inner, c->timeout);
}

CASE(a_job_that_waits_for_one_behind_it_is_told_so)
{
    inner_call c = { .pool = pool_of(1), .timeout = TR_FOREVER };

    begin_reading();
    EXPECT(tr_pool_run(c.pool, submit_and_wait, &c) == TR_EDEADLK);
    await_end(c.inner, 7); /* it runs when the thread is free */
    EXPECT(tr_pool_free(c.pool) == 0);
    end_reading();
    EXPECT(count_of(&deadlocks) == 1);
}

CASE(with_a_time_limit_it_is_late)
{
    inner_call c = { .pool = pool_of(1), .timeout = 0.001 };

    EXPECT(tr_pool_run(c.pool, submit_and_wait, &c) == TR_ETIMEDOUT);
    await_end(c.inner, 7);
    EXPECT(tr_pool_free(c.pool) == 0);
}

CASE(a_job_waits_for_one_that_another_thread_can_run)
{
    inner_call c = { .pool = pool_of(2), .timeout = TR_FOREVER };

    for (int i = 0; i < 5; i++) {
        EXPECT(tr_pool_run(c.pool, submit_and_wait, &c) == 7);
        await_end(c.inner, 7);
    }
    EXPECT(tr_pool_free(c.pool) == 0);
}

enum { TEAM = 3, CIRCLES = 20 };

CASE(of_all_threads_of_a_pool_the_last_that_waits_is_told)
{
    tr_event all_run = { 0 };
    counter run = { 0 };
    tr_pool *pool = pool_of(TEAM);
    inner_call calls[TEAM];
    tr_future *outer[TEAM];
    int told = 0;

    begin_reading();
    for (int i = 0; i < TEAM; i++) {
        calls[i] = (inner_call){
            .pool = pool, .timeout = TR_FOREVER, .all_run = &all_run, .run = &run, .count = TEAM
        };
        EXPECT(tr_pool_submit(&outer[i], pool, submit_and_wait, &calls[i], NULL) == 0);
    }
    for (int i = 0; i < TEAM; i++) {
        int rc = tr_await(outer[i]);

        EXPECT(rc == 7 || rc == TR_EDEADLK);
        told += rc == TR_EDEADLK;
        tr_future_unref(outer[i]);
        await_end(calls[i].inner, 7);
    }
    EXPECT(tr_pool_free(pool) == 0);
    end_reading();
    EXPECT(told == 1 && count_of(&deadlocks) == TEAM);
}

/* ---- circles through several pools, or none that is full ---- */

typedef struct circle {
    tr_pool *a;
    tr_pool *b;
    int inner_rc;
} circle;

static int never_called(void *unused)
{
    (void)unused;
    EXPECT(false);
    return 0;
}

static int run_in_a(void *arg)
{
    circle *c = arg;

    c->inner_rc = tr_pool_run(c->a, never_called, c);
    return 5;
}

static int run_in_b(void *arg)
{
    circle *c = arg;

    return tr_pool_run(c->b, run_in_a, c);
}

CASE(a_circle_through_two_pools_is_told)
{
    circle c = { .a = pool_of(1), .b = pool_of(1) };

    begin_reading();
    for (uint32_t i = 1; i <= CIRCLES; i++) {
        EXPECT(tr_pool_run(c.a, run_in_b, &c) == 5);
        EXPECT(c.inner_rc == TR_EDEADLK && count_of(&deadlocks) == 2 * i);
        EXPECT(tr_pool_run(c.a, do_nothing, NULL) == 7); /* nothing was left in line */
    }
    EXPECT(tr_pool_free(c.a) == 0 && tr_pool_free(c.b) == 0);
    end_reading();
}

static int run_nothing_in_a(void *arg)
{
    circle *c = arg;

    return tr_pool_run(c->a, do_nothing, c);
}

static int run_nothing_in_b(void *arg)
{
    circle *c = arg;

    return tr_pool_run(c->b, run_nothing_in_a, c);
}

CASE(with_a_thread_more_it_is_no_circle)
{
    circle c = { .a = pool_of(2), .b = pool_of(1) };

    for (int i = 0; i < 5; i++)
        EXPECT(tr_pool_run(c.a, run_nothing_in_b, &c) == 7);
    EXPECT(tr_pool_free(c.a) == 0 && tr_pool_free(c.b) == 0);
}

typedef struct pair {
    tr_future *f[2];
    tr_event are_known;
} pair;

static int wait_for_the_other(void *arg)
{
    pair *p = arg;

    EXPECT(tr_event_wait(&p->are_known) == 0);
    return tr_future_wait(p->f[1], TR_FOREVER);
}

static int wait_for_the_first(void *arg)
{
    pair *p = arg;

    EXPECT(tr_event_wait(&p->are_known) == 0);
    return tr_future_wait(p->f[0], TR_FOREVER);
}

CASE(two_jobs_that_wait_for_each_other_are_told)
{
    tr_pool *pool = pool_of(5);
    pair p = { .f = { NULL } };
    int first;
    int second;

    begin_reading();
    EXPECT(tr_pool_submit(&p.f[0], pool, wait_for_the_other, &p, NULL) == 0);
    EXPECT(tr_pool_submit(&p.f[1], pool, wait_for_the_first, &p, NULL) == 0);
    EXPECT(tr_event_set(&p.are_known) == 0);
    first = tr_await(p.f[0]);
    second = tr_await(p.f[1]);
    EXPECT(first == TR_EDEADLK && second == TR_EDEADLK); /* told, and handed on as its result */
    unref_all(p.f, 2);
    EXPECT(tr_pool_free(pool) == 0);
    end_reading();
    EXPECT(count_of(&deadlocks) == 2);
}

CASE(a_job_that_waits_for_its_own_end_is_told)
{
    tr_pool *pool = pool_of(2);
    pair p = { .f = { NULL } };

    begin_reading();
    EXPECT(tr_pool_submit(&p.f[0], pool, wait_for_the_first, &p, NULL) == 0);
    EXPECT(tr_event_set(&p.are_known) == 0);
    await_end(p.f[0], TR_EDEADLK);
    EXPECT(tr_pool_free(pool) == 0);
    end_reading();
    EXPECT(count_of(&deadlocks) == 1);
}

/* ---- who can be helped is not told ---- */

/* The pool is full, but one of its jobs waits for the program's own future. */
typedef struct full {
    tr_pool *pool;
    tr_future *open;
    tr_event begun;
    inner_call call;
} full;

static int wait_for_the_program(void *arg)
{
    full *f = arg;

    EXPECT(tr_event_set(&f->begun) == 0);
    return tr_future_wait(f->open, TR_FOREVER);
}

CASE(a_full_pool_that_somebody_can_set_free_is_no_deadlock)
{
    full f = { .pool = pool_of(2), .open = open_future(1) };
    tr_future *first;
    tr_future *second;

    EXPECT(tr_pool_submit(&first, f.pool, wait_for_the_program, &f, NULL) == 0);
    EXPECT(tr_event_wait(&f.begun) == 0);
    f.call = (inner_call){ .pool = f.pool, .timeout = TR_FOREVER };
    EXPECT(tr_pool_submit(&second, f.pool, submit_and_wait, &f.call, NULL) == 0);
    EXPECT(tr_sleep(0.001) == 0);
    resolve(f.open);
    await_end(first, 0);
    await_end(second, 7);
    await_end(f.call.inner, 7);
    tr_future_unref(f.open);
    EXPECT(tr_pool_free(f.pool) == 0);
}

/* The job waits for a task, which waits for a job that can't begin. */
static int run_in_line(void *pool)
{
    return tr_pool_run(pool, never_called, NULL);
}

static int call_a_task(void *pool)
{
    return tr_call_from_thread(TR_LOOP(1), TR_FOREVER, run_in_line, pool);
}

CASE(a_pool_that_may_wait_for_itself_through_a_task_is_named)
{
    tr_pool *pool = pool_of(1);
    tr_future *f;

    begin_reading();
    EXPECT(tr_pool_submit(&f, pool, call_a_task, pool, NULL) == 0);
    while (count_of(&suspicions) == 0)
        EXPECT(tr_sleep(0.01) == 0);
    EXPECT(!tr_future_is_done(f));
    EXPECT(tr_future_cancel(f) == 1); /* and with it the task, and its job */
    await_end(f, TR_ECANCELED);
    EXPECT(tr_pool_free(pool) == 0);
    end_reading();
    EXPECT(count_of(&suspicions) == 1 && count_of(&deadlocks) == 0);
}

CASES("pool_wait", a_job_that_waits_for_one_behind_it_is_told_so, with_a_time_limit_it_is_late,
      a_job_waits_for_one_that_another_thread_can_run,
      of_all_threads_of_a_pool_the_last_that_waits_is_told, a_circle_through_two_pools_is_told,
      with_a_thread_more_it_is_no_circle, two_jobs_that_wait_for_each_other_are_told,
      a_job_that_waits_for_its_own_end_is_told,
      a_full_pool_that_somebody_can_set_free_is_no_deadlock,
      a_pool_that_may_wait_for_itself_through_a_task_is_named)
