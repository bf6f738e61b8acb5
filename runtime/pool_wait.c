/* Jobs that wait for others, and pools that wait for themselves.
 *
 * A thread whose job waits runs no other. It is lost, for certain, if it waits without a limit for
 * a job that runs on a thread that is lost, or stands in line in a pool of which all threads are
 * lost. Whoever would complete such a circle is told so, and does not wait: of all who could, he is
 * the last. To look at all at once takes all locks; only jobs that wait for jobs do.
 *
 * Where some wait for other things (a task, which may wait for a job; a future of the program's),
 * nothing is certain. If all threads of a pool have waited for long while jobs stand in line, the
 * log names them, once for each wait, and they go on waiting. */
#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/pool.h"

/* How long until a pool that is full of jobs that wait is named. */
#define LONG_NS (UINT64_C(1000) * 1000 * 1000)

#define FOR_EACH_WORKER(worker, pool)                                                              \
    for (tr__worker *worker = first_of(&(pool)->workers); (worker) != NULL;                        \
         (worker) = next_of(&(pool)->workers, worker))

static tr__worker *worker_at(const tr__list *head, tr__list *node)
{
    return node != head ? TR__CONTAINER_OF(node, tr__worker, link) : NULL;
}

static tr__worker *first_of(const tr__list *head)
{
    return worker_at(head, head->next);
}

static tr__worker *next_of(const tr__list *head, const tr__worker *worker)
{
    return worker_at(head, worker->link.next);
}

/* ---- deadlocks: with the locks of all pools ---- */

#define FOR_EACH_POOL(pool, pools)                                                                 \
    for (tr_pool *pool = pool_at(pools, (pools)->next); (pool) != NULL;                            \
         (pool) = pool_at(pools, (pool)->link.next))

static tr_pool *pool_at(const tr__list *head, tr__list *node)
{
    return node != head ? TR__CONTAINER_OF(node, tr_pool, link) : NULL;
}

static bool is_in_line(const tr__job *job)
{
    return tr__list_is_linked(&job->link);
}

/* The thread that runs this job, if its job waits. */
static const tr__worker *waiting_worker_of(const tr__list *pools, const tr__job *job)
{
    FOR_EACH_POOL(pool, pools)
        FOR_EACH_WORKER(worker, pool)
            if (worker->current == job && worker->is_waiting)
                return worker;
    return NULL;
}

static bool stays_lost(const tr__list *pools, const tr__worker *worker)
{
    const tr__worker *other;

    if (is_in_line(worker->waits_for)) /* so its pool is there */
        return worker->waits_in->is_lost;
    other = waiting_worker_of(pools, worker->waits_for);
    return other != NULL && other->is_lost;
}

static bool are_all_lost(tr_pool *pool)
{
    if (pool->waiting < pool->max)
        return false;
    FOR_EACH_WORKER(worker, pool)
        if (!worker->is_lost)
            return false;
    return true;
}

/* Take those for not lost who are not if the others are. false: there was none. */
static bool save_some(const tr__list *pools)
{
    bool has_changed = false;

    FOR_EACH_POOL(pool, pools)
        pool->is_lost = are_all_lost(pool);
    FOR_EACH_POOL(pool, pools)
        FOR_EACH_WORKER(worker, pool)
            if (worker->is_lost && !stays_lost(pools, worker)) {
                worker->is_lost = false;
                has_changed = true;
            }
    return has_changed;
}

static void find_lost(const tr__list *pools)
{
    FOR_EACH_POOL(pool, pools) {
        tr__pool_gather(pool);
        FOR_EACH_WORKER(worker, pool)
            worker->is_lost =
                worker->is_waiting && worker->waits_for_ever && worker->waits_for != NULL;
    }
    while (save_some(pools))
        ;
}

static void name_lost(const tr__list *pools)
{
    char waits[TR__JOB_TEXT_BYTES];
    char other[TR__JOB_TEXT_BYTES];

    FOR_EACH_POOL(pool, pools)
        FOR_EACH_WORKER(worker, pool) {
            if (!worker->is_lost)
                continue;
            tr__job_describe(waits, worker->fn, worker->name);
            tr__job_describe(other, worker->waits_for->fn, worker->waits_for->name);
            tr__log(TR_LOG_ERROR, "deadlock: pool '%s': %s waits for %s, which %s", pool->name,
                    waits, other, is_in_line(worker->waits_for) ? "is in line" : "waits, too");
        }
}

typedef struct search {
    tr__worker *self;
    const tr__wait_of_job *wait;
    bool is_over; /* it must not wait */
} search;

/* With the lock. */
static void leave(tr__worker *self)
{
    self->is_waiting = false;
    self->waits_for = NULL;
    self->portal = NULL;
    self->pool->waiting--;
}

static void look_for_deadlock(tr__list *pools, void *arg)
{
    search *s = arg;

    find_lost(pools);
    /* If his own job runs already, the caller can't leave it alone: it has its arguments from him.
     * But then it waits, or one that it waits for does, and has not looked yet. */
    s->is_over =
        s->self->is_lost && (!s->wait->is_own || tr__pool_unlink(s->wait->in, s->wait->job));
    if (!s->is_over)
        return;
    name_lost(pools);
    leave(s->self);
}

/* ---- waiting ---- */

void tr__worker_wait_begins(tr__worker *self, const tr__wait_of_job *wait)
{
    bool is_cancelled;

    tr__mutex_lock(&self->pool->lock);
    self->is_waiting = true;
    self->waits_for_ever = wait->deadline_ns == UINT64_MAX;
    self->waits_for = wait->job;
    self->waits_in = wait->in;
    self->portal = wait->portal;
    self->portal_name = wait->portal_name;
    self->pool->waiting++;
    /* relaxed: who sets it takes the lock afterwards, and sees the portal. */
    is_cancelled = tr__load_relaxed_u32(&self->job->is_cancelled) != 0;
    tr__pool_unlock(self->pool);
    if (wait->portal != NULL && is_cancelled)
        (void)tr_future_cancel(wait->portal); /* it may have ended */
}

void tr__worker_wait_ends(tr__worker *self)
{
    tr__mutex_lock(&self->pool->lock);
    leave(self);
    tr__pool_unlock(self->pool);
}

static void name_waiting(const tr_pool *pool, const tr__worker *worker)
{
    char waits[TR__JOB_TEXT_BYTES];
    char other[TR__JOB_TEXT_BYTES];
    const char *what = "something else";
    const char *kind = "";

    tr__job_describe(waits, worker->fn, worker->name);
    if (worker->portal != NULL) {
        kind = "task ";
        what = worker->portal_name;
    } else if (worker->waits_in == pool && is_in_line(worker->waits_for)) {
        tr__job_describe(other, worker->waits_for->fn, worker->waits_for->name);
        what = other;
    }
    tr__log(TR_LOG_WARN, "pool '%s': %s waits for %s%s", pool->name, waits, kind, what);
}

/* It has waited for long. true: its pool may wait for itself, and has been named. */
static bool name_pool(tr_pool *pool)
{
    bool is_full;

    tr__mutex_lock(&pool->lock);
    tr__pool_gather(pool);
    is_full = pool->waiting == pool->max && !tr__pool_is_empty(pool);
    if (is_full) {
        tr__log(TR_LOG_WARN,
                "pool '%s': all its %u threads have jobs that wait, and %u stand in line",
                pool->name, (unsigned)pool->max, (unsigned)pool->length);
        FOR_EACH_WORKER(worker, pool)
            name_waiting(pool, worker);
    }
    tr__pool_unlock(pool);
    return is_full;
}

/* It looks again and again, but ever more seldom. */
static bool sleep_and_look(tr__worker *self, const tr__wait_of_job *wait)
{
    uint64_t look_ns = tr__now_ns();

    for (uint64_t gap_ns = LONG_NS;; gap_ns *= 2) {
        look_ns += gap_ns;
        if (look_ns >= wait->deadline_ns)
            return wait->sleep(wait->ctx, wait->deadline_ns);
        if (wait->sleep(wait->ctx, look_ns))
            return true;
        if (name_pool(self->pool))
            return wait->sleep(wait->ctx, wait->deadline_ns);
    }
}

int tr__worker_wait(tr__worker *self, const tr__wait_of_job *wait)
{
    search s = { .self = self, .wait = wait };
    bool has_come;

    if (wait->job != NULL && wait->deadline_ns == UINT64_MAX)
        tr__pools_freeze(look_for_deadlock, &s);
    if (s.is_over)
        return TR_EDEADLK;
    has_come = sleep_and_look(self, wait);
    tr__worker_wait_ends(self);
    return has_come ? 0 : TR_ETIMEDOUT;
}
