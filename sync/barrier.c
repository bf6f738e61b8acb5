/* A barrier. Whoever comes last lets all go on that stand in the queue, under its lock: so those
 * who come next belong to the next round. */
#include <limits.h>
#include <math.h>

#include <troupe/event.h>

#include "base/atomic.h"
#include "sync/wait_queue.h"

typedef struct barrier {
    uint64_t parties;
    uint32_t is_broken; /* changes under the queue's lock */
    tr__wait_queue queue;
} barrier;

_Static_assert(sizeof(barrier) <= sizeof(tr_barrier), "fits its public place");

static barrier *inside(const tr_barrier *b)
{
    return (barrier *)(uintptr_t)b;
}

bool tr_barrier_is_broken(const tr_barrier *b)
{
    /* relaxed: it may be otherwise already; under the lock it is exact. */
    return b != NULL && tr__load_relaxed_u32(&inside(b)->is_broken) != 0;
}

size_t tr_barrier_waiting(const tr_barrier *b)
{
    size_t count;

    if (b == NULL)
        return 0;
    tr__wait_queue_lock(&inside(b)->queue);
    count = inside(b)->queue.line.count;
    tr__wait_queue_unlock(&inside(b)->queue);
    return count;
}

/* With the lock, which it gives back: all are there. */
static void let_all_go(barrier *b)
{
    tr__wakes wakes;
    int place = 0;

    tr__wakes_init(&wakes);
    while (b->queue.line.first != NULL)
        (void)tr__grant(b->queue.line.first, place++, &wakes); /* nobody chooses here */
    tr__wait_queue_unlock(&b->queue);
    tr__wakes_send(&wakes);
}

static const tr__sought the_others = {
    .what = "the others at a barrier",
    .line_offset = offsetof(barrier, queue.line),
};

int tr_barrier_wait_for(tr_barrier *b, double timeout)
{
    tr__queued waiter = { .sought = &the_others };
    int rc;

    if (b == NULL || isnan(timeout) || b->tr__parties == 0 || b->tr__parties > INT_MAX)
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    tr__wait_queue_lock(&inside(b)->queue);
    if (tr_barrier_is_broken(b)) {
        tr__wait_queue_unlock(&inside(b)->queue);
        return TR_EBROKEN;
    }
    if (inside(b)->queue.line.count + 1 < inside(b)->parties)
        return tr__wait_in(&inside(b)->queue, &waiter, timeout);
    let_all_go(inside(b));
    return (int)inside(b)->parties - 1;
}

static int break_up(tr_barrier *b, bool stays_broken)
{
    tr__wakes wakes;

    if (b == NULL)
        return TR_EINVAL;
    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&inside(b)->queue);
    /* relaxed: it publishes nothing. */
    tr__store_relaxed_u32(&inside(b)->is_broken, stays_broken);
    tr__grant_all(&inside(b)->queue.line, TR_EBROKEN, &wakes);
    tr__wait_queue_unlock(&inside(b)->queue);
    tr__wakes_send(&wakes);
    return 0;
}

int tr_barrier_reset(tr_barrier *b)
{
    return break_up(b, false);
}

int tr_barrier_abort(tr_barrier *b)
{
    return break_up(b, true);
}
