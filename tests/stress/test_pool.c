/* Tasks, loops and foreign threads hammer one pool: every job ends once, and none is lost. */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "base/random.h"
#include "runtime/runtime.h"
#include "support/jobs.h"

#if defined(__SANITIZE_THREAD__) || KIT_EMULATED
enum { THREADS = 4, TASKS = 40, ACTIONS = 150, ROUNDS = 2 };
#else
enum { THREADS = 6, TASKS = 100, ACTIONS = 300, ROUNDS = 2 };
#endif

typedef struct storm {
    tr_pool *pool;
    uint32_t ran;       /* functions called */
    uint32_t dropped;   /* arguments */
    uint32_t submitted; /* accepted, with an argument to drop */
    uint32_t returned;  /* runs whose result came back */
} storm;

typedef struct member {
    storm *storm;
    uint64_t seed;
} member;

static void count(uint32_t *counter)
{
    (void)tr__add_ordered_u32(counter, 1); /* ordered: a counter */
}

static int run_job(void *arg)
{
    storm *s = arg;

    count(&s->ran);
    if (tr_cancelled())
        return 1;
    sched_yield();
    return 2;
}

static void drop_job(void *arg)
{
    count(&((storm *)arg)->dropped);
}

static void submit(storm *s, bool is_cancelled)
{
    tr_future *f;
    int rc = tr_pool_submit(&f, s->pool, run_job, s, drop_job);

    ck_assert(rc == 0 || rc == TR_EAGAIN || rc == TR_ECANCELED);
    if (is_cancelled && f != NULL)
        (void)tr_future_cancel(f); /* it may have ended */
    tr_future_unref(f);
    count(&s->submitted); /* refused ones are dropped, too */
}

static void run(storm *s)
{
    int rc = tr_pool_run(s->pool, run_job, s);

    ck_assert(rc == 1 || rc == 2 || rc == TR_ECANCELED);
    if (rc > 0)
        count(&s->returned);
}

static void act(storm *s, tr__random *random)
{
    switch (tr__random_next(random) % 4) {
    case 0:
        submit(s, false);
        break;
    case 1:
        submit(s, true);
        break;
    default:
        run(s);
    }
}

static void *be_thread(void *arg)
{
    member *m = arg;
    tr__random random = { m->seed };

    for (int i = 0; i < ACTIONS; i++)
        act(m->storm, &random);
    return NULL;
}

static int be_task(void *arg)
{
    member *m = arg;
    tr__random random = { m->seed };

    for (int i = 0; i < ACTIONS; i++) {
        act(m->storm, &random);
        if (tr__random_next(&random) % 16 == 0)
            (void)tr_yield(); /* it may be cancelled */
    }
    return 0;
}

/* A task that is cancelled while it runs one job after the other. */
static int be_victim(void *arg)
{
    member *m = arg;

    while (tr_pool_run(m->storm->pool, run_job, m->storm) != TR_ECANCELED)
        count(&m->storm->returned);
    return 0;
}

static void storm_over(storm *s, int loops, uint64_t seed)
{
    static member members[THREADS + TASKS];
    static tr_future *tasks[TASKS];
    pthread_t threads[THREADS];
    member victim = { s, 0 };

    for (int i = 0; i < THREADS + TASKS; i++)
        members[i] = (member){ s, seed + (uint64_t)i };
    for (int i = 0; i < TASKS; i++)
        tasks[i] = kit_task_begin(i % loops, be_task, &members[THREADS + i]);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, be_thread, &members[i]), 0);
    for (int i = 0; i < ACTIONS; i++) {
        tr_future *f = kit_task_begin(i % loops, be_victim, &victim);

        for (int n = 0; n < i % 7; n++)
            sched_yield();
        ck_assert_int_eq(tr_future_cancel(f), 1);
        ck_assert_int_eq(kit_future_end(f), 0);
    }
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(kit_future_end(tasks[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void expect_storm(int loops, int max, double idle_s, int spin_us)
{
    for (int round = 0; round < ROUNDS; round++) {
        storm s = { .ran = 0 };
        tr_stats stats;

        kit_start_with(&(tr_config){ .loops = loops, .pool_idle_s = idle_s, .spin_us = spin_us });
        s.pool = kit_pool(max);
        storm_over(&s, loops, (uint64_t)round * 1000);
        kit_pool_free(s.pool);
        stats = kit_stats();
        kit_stop(); /* it compares the figures, too */
        ck_assert_uint_eq(s.dropped, s.submitted);
        ck_assert_uint_eq(stats.jobs_run, s.ran);
        ck_assert_uint_le(s.returned, s.ran);
    }
}

START_TEST(storm_over_one_thread_loses_no_job)
{
    expect_storm(1, 1, 10, 50);
}
END_TEST

START_TEST(storm_over_many_threads_loses_no_job)
{
    expect_storm(2, 8, 10, 50);
}
END_TEST

START_TEST(storm_over_threads_that_come_and_go_loses_no_job)
{
    expect_storm(2, 3, 1e-7, -1);
    expect_storm(3, 50, 1e-4, 5);
}
END_TEST

KIT_MAIN("stress/pool", storm_over_one_thread_loses_no_job, storm_over_many_threads_loses_no_job,
         storm_over_threads_that_come_and_go_loses_no_job)
