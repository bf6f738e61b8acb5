/* Keeping time for pools: no job waits long for those that run, as long as another worker can be
 * had.
 *
 * Workers that are awake take one job after the other, and nobody is woken for each job: that would
 * cost more than small jobs take. But nobody knows how long a job will run. So while a pool has
 * jobs that nobody has taken, one loop looks every now and then, and before it sleeps, whether some
 * have been taken since its last look; if not, it calls one more worker (a nudge). A keeper that
 * sleeps wakes every millisecond. So it does, less and less often, while a job is to be interrupted
 * that has not noticed (pool_interrupt.c).
 *
 * keeper:   0 -> number     by who has pushed a job and called no worker for it: compare and swap
 *           number -> 0     by that loop, when it has found the pool empty, or all its threads
 *                           awake; then (full fence) it looks once more
 *
 * A pusher pushes, then (full fence) reads keeper: so either it sees 0, or the keeper sees its job.
 * All other fields of a keeper are the loop's that keeper names; the change of keeper hands them
 * over. */
#include "base/seam.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"

/* How long a job may lie there, and none be taken, before another worker is called. Calling one
 * takes about as long. */
#define PATIENCE_NS (10 * 1000)
/* How long a keeper sleeps at most. */
#define LOOK_NS (1000 * 1000)

static tr_pool *pool_of(tr__list *node)
{
    return TR__CONTAINER_OF(node, tr_pool, kept);
}

static void keep(tr__loop *loop, tr_pool *pool)
{
    pool->seen_ns = 0;
    pool->is_nudged = false;
    tr__list_append(&loop->kept, &pool->kept);
}

static uint32_t run_engage(tr__runnable *runnable, tr__loop *loop)
{
    keep(loop, TR__CONTAINER_OF(runnable, tr_pool, engage));
    return 1;
}

/* Call a worker; false: it could not be tried. */
static bool nudge(tr_pool *pool)
{
    tr__worker *woken = NULL;

    if (!tr__pool_lock_soon(pool))
        return false;
    pool->is_hungry = true;
    if (pool->coming == 0)
        (void)tr__worker_call(pool, &woken); /* without: again at the next look */
    tr__pool_unlock(pool);
    tr__worker_wake(woken);
    return true;
}

void tr__keeper_engage(tr_pool *pool)
{
    tr__loop *here = tr__loop_here();
    uint32_t number = here != NULL ? here->number : tr__runtime_entry() + 1;

    /* relaxed: the caller's push was a full fence.
     * ordered: what the keeper before has written is visible. */
    if (tr__load_relaxed_u32(&pool->keeper) != 0 || !tr__cas_ordered_u32(&pool->keeper, 0, number))
        return;
    if (here != NULL) {
        keep(here, pool);
        return;
    }
    pool->engage.run = run_engage;
    /* A loop that has quit has seen all pools empty, and closed. */
    (void)tr__port_post_run(&tr__ports[number - 1], &pool->engage);
}

/* Whether jobs may lie there while another worker could be had. A pool whose threads are all awake
 * need not be watched: each looks for jobs before it sleeps. */
static bool lacks_workers(const tr_pool *pool)
{
    /* relaxed: who asks has had a full fence since it pushed, or will ask again. */
    return tr__load_relaxed_u32(&pool->awake) != pool->max && !tr__pool_is_empty(pool);
}

static bool has_interrupts(const tr_pool *pool)
{
    /* relaxed: who adds one engages a keeper afterwards; as above. */
    return TR__UNLIKELY(tr__load_relaxed_u32(&pool->interrupts) != 0);
}

static bool needs_keeper(const tr_pool *pool)
{
    return lacks_workers(pool) || has_interrupts(pool);
}

static void resign(tr_pool *pool)
{
    tr__list_remove(&pool->kept);
    /* release: the next keeper sees what this one has written; pairs with the compare and swap. */
    tr__store_release_u32(&pool->keeper, 0);
    tr__fence_full(); /* fence: between keeper and the last look; see above */
    if (needs_keeper(pool))
        tr__keeper_engage(pool);
}

static void look_at(tr__loop *loop, tr_pool *pool)
{
    /* relaxed: a figure. */
    uint32_t taken = tr__load_relaxed_u32(&pool->taken);
    bool lacks = lacks_workers(pool);
    bool interrupts = has_interrupts(pool);

    if (interrupts)
        tr__interrupt_again(pool, loop->now_ns);
    if (!lacks && !interrupts) {
        resign(pool);
    } else if (!lacks) {
        pool->seen = taken;
        pool->seen_ns = loop->now_ns;
        pool->is_nudged = true; /* there is nothing to be curious about */
    } else if (pool->seen_ns == 0 || taken != pool->seen) {
        pool->seen = taken;
        pool->seen_ns = loop->now_ns;
        pool->is_nudged = false;
    } else if (loop->now_ns - pool->seen_ns >= PATIENCE_NS && nudge(pool)) {
        pool->seen_ns = loop->now_ns;
        pool->is_nudged = true;
    }
}

void tr__keeper_look(tr__loop *loop)
{
    tr__list *node = loop->kept.next;

    while (node != &loop->kept) {
        tr_pool *pool = pool_of(node);

        node = node->next;
        look_at(loop, pool);
    }
}

bool tr__keeper_is_curious(const tr__loop *loop)
{
    for (tr__list *node = loop->kept.next; node != &loop->kept; node = node->next) {
        const tr_pool *pool = pool_of(node);

        if (!pool->is_nudged && (pool->seen_ns == 0 || loop->now_ns - pool->seen_ns <= PATIENCE_NS))
            return true;
    }
    return false;
}

uint64_t tr__keeper_due_ns(const tr__loop *loop, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (tr__list *node = loop->kept.next; node != &loop->kept; node = node->next) {
        const tr_pool *pool = pool_of(node);
        uint64_t its_ns = lacks_workers(pool) || !has_interrupts(pool)
                              ? now_ns + LOOK_NS
                              /* relaxed: a time. */
                              : tr__load_relaxed_u64(&pool->interrupt_due_ns);

        due_ns = its_ns < due_ns ? its_ns : due_ns;
    }
    return due_ns;
}

void tr__keeper_forget(tr__loop *loop, tr_pool *pool)
{
    /* relaxed: a loop knows whether it is the keeper. */
    if (tr__load_relaxed_u32(&pool->keeper) == loop->number)
        tr__list_remove(&pool->kept);
}
