/* Jobs: handing them to a pool, taking them back, and waiting for them. */
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/pool_stay.h"

/* ---- pushing ---- */

/* No worker was awake when the job was pushed. 1: one has been called; 0: none need be, or the
 * keeper will see to it. */
static int call_for(tr_pool *pool, tr__job *job)
{
    tr__worker *woken = NULL;
    int rc;

    if (!tr__pool_lock_soon(pool))
        return 0;
    /* relaxed: written under the lock. */
    if (tr__load_relaxed_u32(&pool->awake) == 0)
        rc = tr__worker_call(pool, &woken);
    else
        rc = TR_EALREADY;
    /* It has no thread at all: the job is the caller's again, unless one has come, and gone. */
    if (rc == TR_EAGAIN && !tr__pool_unlink(pool, job))
        rc = TR_EALREADY;
    tr__pool_unlock(pool);
    tr__worker_wake(woken);
    return rc == 0 ? 1 : rc == TR_EAGAIN ? rc : 0;
}

/* What has to be done about a job that may not be seen by a worker soon. */
static TR__NOINLINE int follow_up(tr_pool *pool, tr__job *job, uint32_t awake)
{
    int rc = awake == 0 ? call_for(pool, job) : 0;

    if (rc == 0)
        tr__keeper_engage(pool);
    return rc < 0 ? rc : 0;
}

int tr__pool_push(tr_pool *pool, tr__job *job)
{
    uint32_t awake;

    /* relaxed: as below. */
    if (TR__UNLIKELY(job->priority != 0) && tr__load_relaxed_u32(&pool->has_priorities) == 0)
        tr__store_relaxed_u32(&pool->has_priorities, 1); /* relaxed: the push publishes it */
    if (TR__UNLIKELY(tr__inlet_push_mpsc(&pool->inlet, &job->done.link) == TR__PUSH_CLOSED))
        return TR_ESHUTDOWN;
    /* relaxed: the push was a full fence; see the header. */
    awake = tr__load_relaxed_u32(&pool->awake);
    if (TR__LIKELY(awake == pool->max ||
                   /* relaxed: as above; see pool_keeper.c. */
                   (awake != 0 && tr__load_relaxed_u32(&pool->keeper) != 0)))
        return 0;
    return follow_up(pool, job, awake);
}

/* A foreign thread is counted as long as it may touch the pool. */
static int push_from_outside(tr_pool *pool, tr__job *job)
{
    int rc;

    /* ordered: more than it needs; it comes before the push. */
    (void)tr__add_ordered_u32(&pool->inside, 1);
    rc = tr__pool_push(pool, job);
    /* ordered: all that was done to the pool comes before; pairs with the acquire in pool_leave.c.
     * */
    (void)tr__add_ordered_u32(&pool->inside, (uint32_t)-1);
    return rc;
}

int tr__pool_push_from_anywhere(tr_pool *pool, tr__job *job)
{
    return tr__loop_here() != NULL ? tr__pool_push(pool, job) : push_from_outside(pool, job);
}

tr__taking_back tr__pool_take_back(tr_pool *pool, tr__job *job)
{
    tr_future *waits_for = NULL;
    bool is_ours;
    bool is_last;

    /* acquire: pairs with the release in run (pool_worker.c). The pool of a job that is over may be
     * gone. */
    if (tr__load_acquire_u32(&job->is_over) != 0)
        return TR__TAKEN;
    if (!tr__pool_lock_soon(pool))
        return TR__NOT_NOW;
    is_ours = tr__pool_unlink(pool, job);
    is_last = is_ours && pool->is_closed && pool->running == 0;
    /* relaxed: set by whoever has come here to take it back. */
    if (!is_ours && tr__load_relaxed_u32(&job->is_cancelled) != 0)
        waits_for = tr__worker_tell(pool, job);
    tr__pool_unlock(pool);
    if (is_last)
        tr__pools_announce();
    if (!is_ours)
        tr__interrupt_watch(pool);
    if (waits_for != NULL) {
        (void)tr_future_cancel(waits_for); /* it may have ended */
        tr_future_unref(waits_for);
    }
    return is_ours ? TR__TAKEN_BACK : TR__TAKEN;
}

/* While it is counted, a pool whose job was not over is there: see the header. */
tr__taking_back tr__pool_take_back_from_anywhere(tr_pool *pool, tr__job *job)
{
    tr__taking_back how;

    if (tr__loop_here() != NULL)
        return tr__pool_take_back(pool, job);
    /* ordered: it comes before the look at is_over. */
    (void)tr__add_ordered_u32(&pool->inside, 1);
    how = tr__pool_take_back(pool, job);
    (void)tr__add_ordered_u32(&pool->inside, (uint32_t)-1); /* ordered: as in push_from_outside */
    return how;
}

int tr__pool_check(const tr_pool *pool, tr_job_fn fn)
{
    if (pool == NULL || fn == NULL)
        return TR_EINVAL;
    /* relaxed: set in a process of one thread. */
    if (tr__load_relaxed_u32(&tr__runtime.forked) != 0)
        return TR_EFORKED;
    return tr__loop_here() != NULL ? 0 : tr__runtime_check();
}

static TR__ALWAYS_INLINE int run_from_task(tr_task *task, tr_pool *pool, const tr__job_terms *terms)
{
    TR__ALIGNED(TR__CACHE_LINE) tr__job job = tr__job_of(terms);
    tr__stay stay;
    int rc = tr__task_checkpoint(task);

    if (rc < 0)
        return rc;
    job.finish = tr__stay_tell;
    tr__stay_enter(&stay, task, pool, &job, false);
    rc = tr__pool_push(pool, &job);
    if (rc < 0)
        return rc;
    tr__bump_u64(&tr__loop_here()->tally.jobs_submitted, 1);
    return tr__wait_suspend(&stay.wait);
}

/* ---- a foreign thread that waits ---- */

typedef struct thread_job {
    tr__job job;
    uint32_t is_told;
} thread_job;

static void wake_thread(tr__job *job)
{
    thread_job *waiting = TR__CONTAINER_OF(job, thread_job, job);

    tr__pools_count(TR__JOB_RUN);
    /* release: the result is there; pairs with the acquire in sleep_until_told. */
    tr__store_release_u32(&waiting->is_told, 1);
    tr__futex_wake(&waiting->is_told, 1);
}

static bool sleep_until_told(void *waiting, uint64_t deadline_ns)
{
    thread_job *w = waiting;

    /* acquire: pairs with the release in wake_thread. */
    while (tr__load_acquire_u32(&w->is_told) == 0)
        if (!tr__futex_wait(&w->is_told, 0, deadline_ns))
            return tr__load_acquire_u32(&w->is_told) != 0; /* acquire: as above */
    return true;
}

static int push_waiting(tr_pool *pool, thread_job *waiting)
{
    int rc = push_from_outside(pool, &waiting->job);

    if (rc == 0)
        tr__pools_count(TR__JOB_SUBMITTED);
    return rc;
}

/* The caller is a job of another pool, which may wait for this one. */
static int run_from_job(tr__worker *worker, tr_pool *pool, thread_job *waiting)
{
    const tr__wait_of_job wait = {
        .in = pool,
        .job = &waiting->job,
        .is_own = true,
        .deadline_ns = UINT64_MAX,
        .sleep = sleep_until_told,
        .ctx = waiting,
    };
    int rc;

    tr__worker_wait_begins(worker, &wait);
    rc = push_waiting(pool, waiting);
    if (rc < 0) {
        tr__worker_wait_ends(worker);
        return rc;
    }
    rc = tr__worker_wait(worker, &wait);
    if (rc < 0)
        tr__pools_count(TR__JOB_CANCELLED);
    return rc < 0 ? rc : waiting->job.result;
}

static TR__NOINLINE int run_from_outside(tr_pool *pool, const tr__job_terms *terms)
{
    thread_job waiting = { .job = tr__job_of(terms) };
    tr__worker *worker = tr__worker_here();
    int rc;

    waiting.job.finish = wake_thread;
    if (worker != NULL)
        return run_from_job(worker, pool, &waiting);
    rc = push_waiting(pool, &waiting);
    if (rc < 0)
        return rc;
    (void)sleep_until_told(&waiting, UINT64_MAX); /* without a deadline */
    return waiting.job.result;
}

/* A job that waits for another of its own pool is given it to run: it could wait for ever for a
 * thread. */
static int run_at_once(tr_job_fn fn, void *arg)
{
    int rc = fn(arg);

    tr__pools_count(TR__JOB_SUBMITTED);
    tr__pools_count(TR__JOB_RUN);
    return rc;
}

/* Inline: most jobs have no terms but function and argument. */
static TR__ALWAYS_INLINE int run_job(tr_pool *pool, const tr__job_terms *terms)
{
    const tr__worker *worker = tr__worker_here();
    tr_task *task = tr__task_here();
    int rc = tr__pool_check(pool, terms->fn);

    if (rc < 0)
        return rc;
    if (task != NULL)
        return run_from_task(task, pool, terms);
    if (tr__loop_here() != NULL)
        return TR_EWRONGPLACE;
    return worker != NULL && worker->pool == pool ? run_at_once(terms->fn, terms->arg)
                                                  : run_from_outside(pool, terms);
}

int tr__pool_run_job(tr_pool *pool, const tr__job_terms *terms)
{
    return run_job(pool, terms);
}

int tr__pool_run(tr_pool *pool, tr_job_fn fn, void *arg, const char *name)
{
    return run_job(pool, &(tr__job_terms){ .fn = fn, .arg = arg, .name = name });
}
