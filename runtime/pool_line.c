/* The line of a pool, and its lock. */
#include "runtime/loop.h"

#include "base/threads.h"
#include "runtime/pool.h"

/* How often a loop tries to take the lock: for a microsecond or so. */
enum { LOCK_TRIES = 50 };

/* Jobs that pass those of a lower priority, until one of these has its turn. */
enum { PASSES_MOST = 16 };

/* ---- the lock ---- */

bool tr__pool_lock_soon(tr_pool *pool)
{
    if (tr__loop_here() == NULL) {
        tr__mutex_lock(&pool->lock);
        return true;
    }
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (tr__mutex_try(&pool->lock))
            return true;
        tr__spin_pause();
    }
    return false;
}

void tr__pool_unlock(tr_pool *pool)
{
    tr__mutex_unlock(&pool->lock);
}

/* ---- the line ---- */

bool tr__pool_is_empty(const tr_pool *pool)
{
    /* acquire: the inlet is read first; pairs with the exchange in gather_from, before which length
     * has been raised. */
    const tr__link *top = tr__load_acquire_ptr(&pool->inlet.top);

    return (top == NULL || top == TR__INLET_CLOSED) &&
           tr__load_relaxed_u32(&pool->length) == 0; /* relaxed: a figure; ordered by the above */
}

static tr__list *line_of(tr_pool *pool, int priority)
{
    return priority == 0 ? &pool->line : priority > 0 ? &pool->high_line : &pool->low_line;
}

/* relaxed: it was set before the push of a job that is to pass others, or to be passed; whoever has
 * gathered that job sees it. */
static bool has_priorities(const tr_pool *pool)
{
    return TR__UNLIKELY(tr__load_relaxed_u32(&pool->has_priorities) != 0);
}

/* Put what was on the stack, the latest first, behind the line. */
static uint32_t append(tr__list *line, tr__link *latest)
{
    tr__list *last = line->prev;
    tr__list *next = line;
    uint32_t count = 0;

    while (latest != NULL && latest != TR__INLET_CLOSED) {
        tr__job *job = TR__CONTAINER_OF(tr__runnable_of(latest), tr__job, done);

        latest = latest->next;
        job->link.next = next;
        next->prev = &job->link;
        next = &job->link;
        count++;
    }
    next->prev = last;
    last->next = next;
    return count;
}

/* The same, behind the line of each one's priority. */
static uint32_t append_by_priority(tr_pool *pool, tr__link *latest)
{
    tr__link *of_priority[3] = { NULL, NULL, NULL };
    tr__link **end[3] = { &of_priority[0], &of_priority[1], &of_priority[2] };
    uint32_t count = 0;

    while (latest != NULL && latest != TR__INLET_CLOSED) {
        int i =
            TR__CONTAINER_OF(tr__runnable_of(latest), tr__job, done)->priority - TR_PRIORITY_LOW;

        *end[i] = latest;
        end[i] = &latest->next;
        latest = latest->next;
    }
    for (int i = 0; i < 3; i++) {
        *end[i] = NULL;
        count += append(line_of(pool, i + TR_PRIORITY_LOW), of_priority[i]);
    }
    return count;
}

static void gather_from(tr_pool *pool, tr__link *instead)
{
    uint32_t length = pool->length;
    tr__link *latest;

    /* relaxed: raised before the exchange, so that nobody finds both the stack and the line empty
     * meanwhile. */
    tr__store_relaxed_u32(&pool->length, length + 1);
    /* ordered: pairs with the push: the jobs are visible. */
    latest = tr__exchange_ordered_ptr(&pool->inlet.top, instead);
    length += has_priorities(pool) ? append_by_priority(pool, latest) : append(&pool->line, latest);
    /* relaxed: a figure. */
    tr__store_relaxed_u32(&pool->length, length);
}

void tr__pool_gather(tr_pool *pool)
{
    if (!tr__inlet_is_empty(&pool->inlet))
        gather_from(pool, NULL);
}

void tr__pool_refuse(tr_pool *pool)
{
    gather_from(pool, TR__INLET_CLOSED);
    pool->is_closed = true;
}

static void count_out(tr_pool *pool, const tr__job *job)
{
    /* relaxed: figures, written under the lock. */
    tr__store_relaxed_u32(&pool->length, pool->length - 1);
    tr__store_relaxed_u32(&pool->taken, pool->taken + 1); /* relaxed: as above */
    if (job->is_counted)
        /* relaxed: as above */
        tr__store_relaxed_u32(&pool->counted_taken, pool->counted_taken + 1);
}

bool tr__pool_unlink(tr_pool *pool, tr__job *job)
{
    tr__pool_gather(pool);
    if (!tr__list_is_linked(&job->link))
        return false;
    tr__list_remove(&job->link);
    count_out(pool, job);
    return true;
}

/* The line whose turn it is: the highest that is not empty, but for every PASSES_MOST-th time, when
 * it is the lowest's: so that nobody waits for ever. If all are empty, any. */
static tr__list *choose_line(tr_pool *pool)
{
    tr__list *highest = NULL;
    tr__list *lowest = &pool->line;

    for (int priority = TR_PRIORITY_HIGH; priority >= TR_PRIORITY_LOW; priority--) {
        tr__list *line = line_of(pool, priority);

        if (!tr__list_is_empty(line)) {
            highest = highest != NULL ? highest : line;
            lowest = line;
        }
    }
    if (highest == NULL || highest == lowest)
        return lowest;
    if (++pool->passed < PASSES_MOST)
        return highest;
    pool->passed = 0;
    return lowest;
}

tr__job *tr__pool_take(tr_pool *pool)
{
    tr__list *line = &pool->line;
    tr__list *node;

    if (tr__list_is_empty(line) || has_priorities(pool)) {
        tr__pool_gather(pool);
        if (has_priorities(pool))
            line = choose_line(pool);
        if (tr__list_is_empty(line)) {
            pool->is_hungry = false;
            return NULL;
        }
    }
    node = tr__list_take_first(line);
    count_out(pool, TR__CONTAINER_OF(node, tr__job, link));
    return TR__CONTAINER_OF(node, tr__job, link);
}
