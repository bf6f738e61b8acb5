/* The end of pools: freed by tasks and threads, amid shutdowns, restarts, and forks. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/atomic.h"
#include "runtime/runtime.h"
#include "support/jobs.h"

/* ---- tr_pool_free ---- */

static int free_pool(void *pool)
{
    return tr_pool_free(pool);
}

static void *free_pool_as_thread(void *pool)
{
    return (void *)(intptr_t)tr_pool_free(pool);
}

START_TEST(pool_is_freed_whether_the_runtime_runs_or_not)
{
    uint32_t runs = 0;
    tr_pool *pool = kit_pool(3);
    tr_pool *second;

    kit_pool_free(pool);
    pool = kit_pool(3);
    second = kit_pool(3);
    ck_assert_int_eq(tr_pool_run(pool, kit_count_job, &runs), TR_ESHUTDOWN);
    kit_start(2);
    ck_assert_int_eq(tr_pool_run(pool, kit_count_job, &runs), 0);
    ck_assert_int_eq(kit_task(0, free_pool, pool), 0);
    ck_assert_int_eq(kit_task(1, free_pool, kit_pool(1)), 0);
    ck_assert_int_eq(tr_pool_run(second, kit_count_job, &runs), 1);
    kit_stop();
    kit_pool_free(second);
}
END_TEST

static void free_in_callback(void *pool)
{
    ck_assert_int_eq(tr_pool_free(pool), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_pool_free(NULL), 0);
}

static int free_in_handler(tr_self *self, void *pool)
{
    (void)self;
    free_in_callback(pool);
    return 0;
}

START_TEST(pool_is_not_freed_where_nobody_can_wait)
{
    tr_pool *pool;

    kit_start(1);
    pool = kit_pool(2);
    kit_on_loop(0, free_in_callback, pool);
    kit_in_handler(kit_puppet(0), free_in_handler, pool);
    ck_assert_int_eq(tr_pool_run(pool, free_pool, pool), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_pool_run(pool, free_pool, kit_pool(1)), 0); /* another one it may */
    kit_pool_free(pool);
    kit_stop();
}
END_TEST

typedef struct farewell {
    kit_hold hold;
    tr_pool *pool;
    uint32_t runs;
} farewell;

enum { QUEUED = 100 };

/* One job runs, others wait behind it. */
static void begin_farewell(farewell *f)
{
    f->runs = 0;
    kit_hold_init(&f->hold);
    kit_start(2);
    f->pool = kit_pool(1);
    ck_assert_int_eq(tr_pool_submit(NULL, f->pool, kit_held, &f->hold, NULL), 0);
    kit_hold_await(&f->hold, 1);
    for (int i = 0; i < QUEUED; i++)
        ck_assert_int_eq(tr_pool_submit(NULL, f->pool, kit_count_job, &f->runs, NULL), 0);
}

static void end_farewell(farewell *f)
{
    ck_assert_uint_eq(f->hold.ended, 1);
    ck_assert_uint_eq(f->runs, QUEUED);
    kit_stop();
    kit_hold_fini(&f->hold);
}

static bool close_is_seen(tr_pool *pool)
{
    bool is_closed;

    ck_assert(tr__pool_lock_soon(pool));
    is_closed = pool->is_closed;
    tr__pool_unlock(pool);
    return is_closed;
}

START_TEST(task_that_frees_a_pool_awaits_all_jobs_also_when_cancelled)
{
    uint32_t refused = 0;
    tr_future *task;
    farewell f;

    begin_farewell(&f);
    task = kit_task_begin(0, free_pool, f.pool);
    while (!close_is_seen(f.pool))
        sched_yield();
    ck_assert_int_eq(tr_pool_run(f.pool, kit_count_job, &refused), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_future_cancel(task), 1);
    kit_on_loop(0, NULL, NULL);
    ck_assert(!tr_future_is_done(task));
    kit_hold_let_go(&f.hold, 1);
    ck_assert_int_eq(kit_future_end(task), 0);
    ck_assert_uint_eq(refused, 0);
    end_farewell(&f);
}
END_TEST

START_TEST(thread_that_frees_a_pool_waits_for_all_jobs)
{
    pthread_t thread;
    farewell f;
    void *rc;

    begin_farewell(&f);
    ck_assert_int_eq(pthread_create(&thread, NULL, free_pool_as_thread, f.pool), 0);
    while (!close_is_seen(f.pool))
        sched_yield();
    kit_hold_let_go(&f.hold, 1);
    pthread_join(thread, &rc);
    ck_assert_ptr_null(rc);
    end_farewell(&f);
}
END_TEST

START_TEST(task_that_frees_a_pool_does_not_block_its_loop)
{
    tr_future *task;
    tr_pool *pool;

    kit_start(1);
    pool = kit_pool(1);
    ck_assert(tr__pool_lock_soon(pool));
    task = kit_task_begin(0, free_pool, pool);
    for (int i = 0; i < 10; i++)
        kit_on_loop(0, NULL, NULL);
    ck_assert(!tr_future_is_done(task));
    tr__pool_unlock(pool);
    ck_assert_int_eq(kit_future_end(task), 0);
    kit_stop();
}
END_TEST

/* A foreign thread that has pushed a job just now, and is about to leave the pool. */
static void begin_to_push(tr_pool *pool)
{
    (void)tr__add_ordered_u32(&pool->inside, 1);
}

static void end_to_push(tr_pool *pool)
{
    (void)tr__add_ordered_u32(&pool->inside, (uint32_t)-1);
}

START_TEST(pool_is_not_freed_under_a_thread_that_pushes)
{
    tr_future *task;
    tr_pool *pool;

    kit_start(2);
    pool = kit_pool(1);
    begin_to_push(pool);
    task = kit_task_begin(0, free_pool, pool);
    while (!close_is_seen(pool))
        sched_yield();
    for (int i = 0; i < 10; i++)
        kit_on_loop(i % 2, NULL, NULL);
    ck_assert(!tr_future_is_done(task));
    end_to_push(pool);
    ck_assert_int_eq(kit_future_end(task), 0);
    kit_stop();
}
END_TEST

START_TEST(pool_is_not_freed_under_a_thread_that_pushes_in_vain)
{
    tr_pool *pool = kit_pool(1);
    pthread_t thread;
    void *rc;

    begin_to_push(pool);
    ck_assert_int_eq(pthread_create(&thread, NULL, free_pool_as_thread, pool), 0);
    for (int i = 0; i < 1000; i++)
        sched_yield();
    ck_assert_int_eq(pthread_tryjoin_np(thread, &rc), EBUSY);
    end_to_push(pool);
    pthread_join(thread, &rc);
    ck_assert_ptr_null(rc);
}
END_TEST

/* Each round is another pool, used from all sides up to its end. */
typedef struct short_life {
    tr_pool *pool;
    uint32_t runs;
} short_life;

static int use_pool(void *arg)
{
    short_life *s = arg;

    (void)tr_pool_submit(NULL, s->pool, kit_count_job, &s->runs, NULL);
    return tr_pool_run(s->pool, kit_count_job, &s->runs);
}

START_TEST(pools_are_made_used_and_freed_again_and_again)
{
    kit_start(2);
    for (int i = 0; i < 500; i++) {
        short_life s = { .runs = 0 };
        tr_future *a;
        tr_future *b;

        s.pool = kit_pool(1 + i % 3);
        a = kit_task_begin(0, use_pool, &s);
        b = kit_task_begin(1, use_pool, &s);
        ck_assert_int_ge(use_pool(&s), 0);
        ck_assert_int_ge(kit_future_end(a), 0);
        ck_assert_int_ge(kit_future_end(b), 0);
        if (i % 2 == 0)
            kit_pool_free(s.pool);
        else
            ck_assert_int_eq(kit_task(i / 2 % 2, free_pool, s.pool), 0);
        ck_assert_uint_eq(s.runs, 6);
    }
    kit_stop();
}
END_TEST

/* ---- shutdown ---- */

START_TEST(shutdown_runs_what_was_accepted)
{
    uint32_t runs = 0;
    uint32_t drops = 0;
    tr_pool *pool;

    kit_start(2);
    pool = kit_pool(2);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(tr_pool_submit(NULL, pool, kit_count_job, &runs, kit_count_drop), 0);
        ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, kit_count_job, &drops, NULL), 0);
    }
    kit_stop();
    ck_assert_uint_eq(runs, 2000); /* each ran, and was dropped */
    ck_assert_uint_eq(drops, 1000);
    kit_pool_free(pool);
}
END_TEST

START_TEST(shutdown_that_waits_for_a_job_names_it_and_can_be_repeated)
{
    uint32_t runs = 0;
    kit_hold hold;
    tr_pool *pool;

    kit_hold_init(&hold);
    kit_start(2);
    ck_assert_int_eq(tr_pool_new(&pool, "stuck", 1), 0);
    ck_assert_int_eq(tr_pool_submit(NULL, pool, kit_held, &hold, NULL), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_pool_submit(NULL, pool, kit_count_job, &runs, NULL), 0);
    kit_hold_await(&hold, 1);
    ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("shutdown: pool 'stuck': 1 jobs run, and 3 wait"));
    ck_assert(kit_log_contains("shutdown: pool 'stuck': job kit_held (0x"));
    ck_assert(kit_log_contains("has not returned"));
    ck_assert_int_eq(tr_pool_run(pool, kit_count_job, &runs), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_start(NULL), TR_ESHUTDOWN);
    while (!close_is_seen(pool))
        ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT); /* up to the phase of the pools */
    kit_hold_let_go(&hold, 1);
    kit_stop();
    ck_assert_uint_eq(runs, 3);
    kit_pool_free(pool);
    kit_hold_fini(&hold);
}
END_TEST

static tr_job_fn c_function(const char *name)
{
    void *address = dlsym(RTLD_DEFAULT, name);
    tr_job_fn fn;

    ck_assert_ptr_nonnull(address);
    memcpy(&fn, &address, sizeof(fn)); /* C has no cast from one to the other */
    return fn;
}

static uint32_t running_jobs(tr_pool *pool)
{
    uint32_t running;

    ck_assert(tr__pool_lock_soon(pool));
    running = pool->running;
    tr__pool_unlock(pool);
    return running;
}

/* It waits for a job in the C library, whose functions others may see. */
START_TEST(shutdown_names_jobs_by_their_function_and_no_idle_threads)
{
    kit_hold hold;
    tr_pool *pool;
    sem_t until;

    kit_hold_init(&hold);
    sem_init(&until, 0, 0);
    kit_start_with(&(tr_config){ .loops = 1, .pool_idle_s = TR_FOREVER });
    ck_assert_int_eq(tr_pool_new(&pool, "stuck", 2), 0);
    ck_assert_int_eq(tr_pool_submit(NULL, pool, kit_held, &hold, NULL), 0);
    kit_hold_await(&hold, 1);
    ck_assert_int_eq(tr_pool_submit(NULL, pool, c_function("sem_wait"), &until, NULL), 0);
    while (running_jobs(pool) != 2)
        sched_yield();
    kit_hold_let_go(&hold, 1);
    while (running_jobs(pool) != 1)
        sched_yield();
    ck_assert_uint_eq(kit_pool_threads(pool), 2);
    while (!close_is_seen(pool))
        ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("shutdown: pool 'stuck': 1 jobs run, and 0 wait"));
    ck_assert(
        kit_log_contains("shutdown: pool 'stuck': job c_function(\"sem_wait\") (sem_wait, 0x"));
    ck_assert(!kit_log_contains("shutdown: pool 'stuck': job kit_held"));
    sem_post(&until);
    kit_stop();
    kit_pool_free(pool);
    sem_destroy(&until);
    kit_hold_fini(&hold);
}
END_TEST

START_TEST(shutdown_that_waits_for_a_task_names_its_job)
{
    kit_hold hold;
    tr_future *task;

    kit_hold_init(&hold);
    kit_start(1);
    task = kit_task_begin(0, kit_await_held, &hold);
    kit_hold_await(&hold, 1);
    ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("shutdown: pool 'io': 1 jobs run, and 0 wait"));
    kit_hold_let_go(&hold, 1);
    ck_assert_int_eq(kit_future_end(task), KIT_HELD);
    kit_stop();
    kit_hold_fini(&hold);
}
END_TEST

typedef struct last_will {
    uint32_t *runs;
} last_will;

static int keep_will(tr_self *self, void *state, const void *args)
{
    (void)self;
    *(last_will *)state = *(const last_will *)args;
    return 0;
}

static int ignore_all(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return 0;
}

static void execute_will(tr_self *self, void *state, int reason)
{
    uint32_t *runs = ((last_will *)state)->runs;

    (void)self;
    (void)reason;
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, kit_count_job, runs, NULL), 0);
}

static const tr_actor_class testator = {
    .name = "testator",
    .state_size = sizeof(last_will),
    .args_size = sizeof(last_will),
    .init = keep_will,
    .receive = ignore_all,
    .stop = execute_will,
};

START_TEST(job_that_an_actor_submits_when_it_stops_is_run)
{
    uint32_t runs = 0;
    last_will will = { &runs };
    tr_pid pid;

    kit_start(2);
    ck_assert_int_eq(tr_spawn_with(&pid, &testator, &will, NULL), 0);
    kit_stop();
    ck_assert_uint_eq(runs, 1);
}
END_TEST

static int clean_up_on_a_thread(void *runs)
{
    int rc;

    while (tr_yield() == 0)
        ;
    TR_SHIELD(TR_FOREVER) {
        rc = tr_to_thread(kit_count_job, runs);
    }
    return rc;
}

START_TEST(task_may_clean_up_on_a_thread_amid_a_shutdown)
{
    uint32_t runs = 0;
    tr_future *task;

    kit_start(1);
    task = kit_task_begin(0, clean_up_on_a_thread, &runs);
    kit_stop();
    ck_assert_int_eq(kit_future_end(task), 0);
    ck_assert_uint_eq(runs, 1);
}
END_TEST

/* ---- amid a shutdown ---- */

enum { FLOODERS = 4, ROUNDS = 20 };

typedef struct flood {
    tr_pool *pool;
    uint32_t runs;
    uint32_t drops;
    uint32_t accepted;
    uint32_t is_flowing;
} flood;

static int count_run(void *arg)
{
    (void)tr__add_ordered_u32(&((flood *)arg)->runs, 1);
    return 0;
}

static void count_flood_drop(void *arg)
{
    (void)tr__add_ordered_u32(&((flood *)arg)->drops, 1);
}

static void *flood_until_refused(void *arg)
{
    flood *f = arg;
    uint32_t accepted = 0;
    uint32_t tries = 0;
    int rc;

    do {
        rc = tries++ % 4 == 0 ? tr_pool_run(f->pool, count_run, f)
                              : tr_pool_submit(NULL, f->pool, count_run, f, count_flood_drop);
        accepted += rc == 0;
        if (tries == 50)
            (void)tr__add_ordered_u32(&f->is_flowing, 1);
    } while (rc == 0 || rc == TR_EAGAIN);
    (void)tr__add_ordered_u32(&f->accepted, accepted);
    return (void *)(intptr_t)rc;
}

START_TEST(jobs_amid_a_shutdown_are_refused_or_run)
{
    flood f = { .runs = 0 };

    f.pool = kit_pool(3);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[FLOODERS];
        void *rc;

        f = (flood){ .pool = f.pool };
        kit_start(2);
        for (int i = 0; i < FLOODERS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, flood_until_refused, &f), 0);
        while (tr__load_acquire_u32(&f.is_flowing) < FLOODERS)
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int i = 0; i < FLOODERS; i++) {
            pthread_join(threads[i], &rc);
            ck_assert_int_eq((intptr_t)rc, TR_ESHUTDOWN);
        }
        kit_expect_balance();
        ck_assert_uint_eq(f.runs, f.accepted);
        ck_assert_uint_eq(kit_stats().jobs_run, f.accepted);
    }
    kit_pool_free(f.pool);
}
END_TEST

START_TEST(pool_may_be_freed_amid_a_shutdown)
{
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        uint32_t runs = 0;
        tr_future *task;
        tr_pool *own;
        tr_pool *others;

        kit_start(2);
        own = kit_pool(1);
        others = kit_pool(2);
        for (int n = 0; n < 20; n++) {
            ck_assert_int_eq(tr_pool_submit(NULL, own, kit_count_job, &runs, NULL), 0);
            ck_assert_int_eq(tr_pool_submit(NULL, others, kit_count_job, &runs, NULL), 0);
        }
        ck_assert_int_eq(pthread_create(&thread, NULL, free_pool_as_thread, own), 0);
        task = kit_task_begin(1, free_pool, others);
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        ck_assert_int_eq(kit_future_end(task), 0);
        pthread_join(thread, NULL);
        ck_assert_uint_eq(runs, 40);
        kit_expect_balance();
    }
}
END_TEST

START_TEST(pools_work_again_after_a_restart)
{
    uint32_t runs = 0;
    tr_pool *pool = kit_pool(2);

    for (int i = 0; i < 10; i++) {
        kit_start_with(&(tr_config){ .loops = 1 + i % 3, .pool_max = 1 + i });
        ck_assert_int_eq(tr_pool_run(pool, kit_count_job, &runs), 3 * i);
        ck_assert_int_eq(tr_to_thread(kit_count_job, &runs), 3 * i + 1);
        ck_assert_int_eq(tr_pool_run(TR_POOL_CPU, kit_count_job, &runs), 3 * i + 2);
        ck_assert_uint_eq(kit_stats().jobs_run, 3);
        kit_stop();
    }
    kit_pool_free(pool);
}
END_TEST

/* ---- fork ---- */

static void use_pools_in_child(void *pool)
{
    uint32_t runs = 0;
    uint32_t drops = 0;
    tr_pool *other = pool;
    tr_future *f;

    ck_assert_int_eq(tr_to_thread(kit_count_job, &runs), TR_EFORKED);
    ck_assert_int_eq(tr_pool_submit(&f, pool, kit_count_job, &drops, kit_count_drop), TR_EFORKED);
    ck_assert_ptr_null(f);
    ck_assert_uint_eq(drops, 1);
    ck_assert_int_eq(tr_pool_free(pool), TR_EFORKED);
    ck_assert_int_eq(tr_pool_new(&other, "kit", 1), TR_EFORKED);
    ck_assert_ptr_null(other);
    ck_assert(!tr_cancelled());
    ck_assert_uint_eq(runs, 0);
}

START_TEST(child_of_a_fork_has_no_pools)
{
    kit_hold hold;
    tr_future *f;
    tr_pool *pool;
    char text[256];

    kit_hold_init(&hold);
    kit_start(1);
    pool = kit_pool(2);
    ck_assert_int_eq(tr_pool_submit(&f, pool, kit_held, &hold, NULL), 0);
    kit_hold_await(&hold, 1);
    ck_assert_int_eq(kit_in_child(use_pools_in_child, pool, text, sizeof(text)), 0);
    kit_hold_let_go(&hold, 1);
    ck_assert_int_eq(kit_future_end(f), KIT_HELD);
    kit_pool_free(pool);
    kit_stop();
    kit_hold_fini(&hold);
}
END_TEST

KIT_MAIN("runtime/pool_stop", pool_is_freed_whether_the_runtime_runs_or_not,
         pool_is_not_freed_where_nobody_can_wait,
         task_that_frees_a_pool_awaits_all_jobs_also_when_cancelled,
         thread_that_frees_a_pool_waits_for_all_jobs,
         task_that_frees_a_pool_does_not_block_its_loop,
         pool_is_not_freed_under_a_thread_that_pushes,
         pool_is_not_freed_under_a_thread_that_pushes_in_vain,
         pools_are_made_used_and_freed_again_and_again, shutdown_runs_what_was_accepted,
         shutdown_that_waits_for_a_job_names_it_and_can_be_repeated,
         shutdown_names_jobs_by_their_function_and_no_idle_threads,
         shutdown_that_waits_for_a_task_names_its_job,
         job_that_an_actor_submits_when_it_stops_is_run,
         task_may_clean_up_on_a_thread_amid_a_shutdown, jobs_amid_a_shutdown_are_refused_or_run,
         pool_may_be_freed_amid_a_shutdown, pools_work_again_after_a_restart,
         child_of_a_fork_has_no_pools)
