/* Jobs that a test holds. */
#include "support/jobs.h"

#include <sched.h>

#include "base/atomic.h"

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ; /* a signal came */
}

void kit_hold_init(kit_hold *hold)
{
    sem_init(&hold->begun, 0, 0);
    sem_init(&hold->go, 0, 0);
    hold->ended = 0;
    hold->cancelled = 0;
}

void kit_hold_fini(kit_hold *hold)
{
    sem_destroy(&hold->begun);
    sem_destroy(&hold->go);
}

int kit_held(void *arg)
{
    kit_hold *hold = arg;

    sem_post(&hold->begun);
    wait_for(&hold->go);
    if (tr_cancelled())
        (void)tr__add_ordered_u32(&hold->cancelled, 1);
    (void)tr__add_ordered_u32(&hold->ended, 1);
    return KIT_HELD;
}

int kit_await_held(void *hold)
{
    return tr_to_thread(kit_held, hold);
}

void kit_hold_await(kit_hold *hold, int count)
{
    for (int i = 0; i < count; i++)
        wait_for(&hold->begun);
}

void kit_hold_let_go(kit_hold *hold, int count)
{
    for (int i = 0; i < count; i++)
        sem_post(&hold->go);
}

int kit_count_job(void *counter)
{
    return (int)tr__add_ordered_u32(counter, 1);
}

void kit_count_drop(void *counter)
{
    (void)tr__add_ordered_u32(counter, 1);
}

tr_future *kit_task_begin(int loop, tr_task_fn fn, void *arg)
{
    tr_future *f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(loop), fn, arg), 0);
    return f;
}

int kit_future_end(tr_future *f)
{
    int rc = tr_future_wait(f, KIT_PATIENCE_S);

    ck_assert(tr_future_is_done(f));
    tr_future_unref(f);
    return rc;
}

int kit_task(int loop, tr_task_fn fn, void *arg)
{
    return kit_future_end(kit_task_begin(loop, fn, arg));
}

tr_pool *kit_pool(int max)
{
    tr_pool *pool;

    ck_assert_int_eq(tr_pool_new(&pool, "kit", max), 0);
    return pool;
}

void kit_pool_free(tr_pool *pool)
{
    ck_assert_int_eq(tr_pool_free(pool), 0);
}

/* A loop only tries for a while. */
static void lock(tr_pool *pool)
{
    while (!tr__pool_lock_soon(pool))
        sched_yield();
}

uint32_t kit_pool_length(tr_pool *pool)
{
    uint32_t length;

    lock(pool);
    tr__pool_gather(pool);
    length = pool->length;
    tr__pool_unlock(pool);
    return length;
}

uint32_t kit_pool_threads(tr_pool *pool)
{
    uint32_t threads;

    lock(pool);
    threads = pool->threads;
    tr__pool_unlock(pool);
    return threads;
}
