/* Telling a job that runs that it is cancelled: what it waits for is cancelled, too, and if it is
 * one that may be interrupted, its thread is sent a signal, so that a call of the kernel which
 * blocks it fails with EINTR.
 *
 * A signal that comes just before the thread enters such a call is lost: so they are sent again, by
 * the pool's keeper, less and less often, until the job has returned. And none may meet another job
 * of the same thread. Both who sends and who ends the job have the lock:
 *
 *     sender:  lock, open_job is still that job, send, unlock
 *     worker:  the job has returned, lock, forget open_job, unlock, let what was sent come
 *
 * The job is not over before: so its address is not yet another's. */
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/pool.h"

/* Between the first two signals, and between any two at most. */
#define FIRST_WAIT_NS (UINT64_C(1000) * 1000)
#define MOST_WAIT_NS  (UINT64_C(100) * 1000 * 1000)

/* ---- on the worker ---- */

void tr__interrupt_begin(tr__worker *self)
{
    if (!self->is_open)
        tr__interrupt_open();
    self->is_open = true;
}

void tr__interrupt_end(tr__worker *self)
{
    tr_pool *pool = self->pool;
    bool was_interrupted;

    tr__mutex_lock(&pool->lock);
    was_interrupted = self->is_interrupted;
    self->open_job = NULL;
    self->is_interrupted = false;
    if (was_interrupted)
        /* relaxed: the lock publishes it. */
        tr__store_relaxed_u32(&pool->interrupts, pool->interrupts - 1);
    tr__pool_unlock(pool);
    if (was_interrupted)
        tr__interrupt_settle();
}

/* ---- on who cancels ---- */

static void interrupt(tr_pool *pool, tr__worker *worker)
{
    if (worker->is_interrupted)
        return;
    worker->is_interrupted = true;
    tr__store_relaxed_u32(&pool->interrupts, pool->interrupts + 1); /* relaxed: the fence follows */
    pool->interrupt_wait_ns = FIRST_WAIT_NS;
    /* relaxed: a time. */
    tr__store_relaxed_u64(&pool->interrupt_due_ns, tr__now_ns() + FIRST_WAIT_NS);
    tr__interrupt_send(worker->thread);
}

tr_future *tr__worker_tell(tr_pool *pool, const tr__job *job)
{
    tr_future *portal = NULL;

    for (tr__list *node = pool->workers.next; node != &pool->workers; node = node->next) {
        tr__worker *worker = TR__CONTAINER_OF(node, tr__worker, link);

        if (worker->open_job == job)
            interrupt(pool, worker);
        /* One that has ended its last job just now may have had it at the same address. */
        if (worker->current == job && worker->portal != NULL)
            portal = tr_future_ref(worker->portal);
    }
    return portal;
}

void tr__interrupt_watch(tr_pool *pool)
{
    tr__fence_full(); /* fence: between interrupts and keeper; see pool_keeper.c */
    /* relaxed: changed by the caller, or by others who come here, too. */
    if (TR__UNLIKELY(tr__load_relaxed_u32(&pool->interrupts) != 0))
        tr__keeper_engage(pool);
}

/* ---- on the keeper ---- */

void tr__interrupt_again(tr_pool *pool, uint64_t now_ns)
{
    /* relaxed: a time. */
    if (now_ns < tr__load_relaxed_u64(&pool->interrupt_due_ns) || !tr__pool_lock_soon(pool))
        return;
    for (tr__list *node = pool->workers.next; node != &pool->workers; node = node->next) {
        const tr__worker *worker = TR__CONTAINER_OF(node, tr__worker, link);

        if (worker->is_interrupted)
            tr__interrupt_send(worker->thread);
    }
    if (pool->interrupt_wait_ns < MOST_WAIT_NS)
        pool->interrupt_wait_ns *= 2;
    /* relaxed: as above. */
    tr__store_relaxed_u64(&pool->interrupt_due_ns, now_ns + pool->interrupt_wait_ns);
    tr__pool_unlock(pool);
}
