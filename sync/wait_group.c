/* A wait group.
 *
 * word: how many are not done yet, and AWAITED: somebody waits, or has waited. While that is set,
 * the word changes under the queue's lock only; otherwise by compare and swap, after which the
 * group is not touched. A wait that succeeds has had the lock: so whoever comes to 0 has left the
 * group, and it may be gone then. */
#include <math.h>

#include <troupe/event.h>

#include "base/atomic.h"
#include "sync/wait_queue.h"

#define AWAITED (UINT64_C(1) << 63)
#define MOST    (INT64_C(1) << 62)

typedef struct wait_group {
    uint64_t word;
    tr__wait_queue queue;
} wait_group;

_Static_assert(sizeof(wait_group) <= sizeof(tr_wait_group), "fits its public place");

static wait_group *inside(const tr_wait_group *g)
{
    return (wait_group *)(uintptr_t)g;
}

/* What the count becomes.
 * Errors: TR_EINVAL; TR_ELIMIT. */
static int64_t added(uint64_t word, int64_t n)
{
    int64_t count = (int64_t)(word & ~AWAITED);

    if (n > MOST - count)
        return TR_ELIMIT;
    return count + n < 0 ? TR_EINVAL : count + n;
}

/* Where somebody waits, or has waited. *done: else that is over. */
static int add_with_waiters(wait_group *g, int64_t n, bool *done)
{
    tr__wakes wakes;
    uint64_t word;
    int64_t count;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&g->queue);
    /* relaxed: while AWAITED it changes under the lock only. */
    word = tr__load_relaxed_u64(&g->word);
    *done = (word & AWAITED) != 0;
    count = added(word, n);
    if (*done && count >= 0)
        /* release: pairs with the acquire in is_zero. */
        tr__store_release_u64(&g->word, count > 0 ? (uint64_t)count | AWAITED : 0);
    if (*done && count == 0)
        tr__grant_all(&g->queue.line, 0, &wakes);
    tr__wait_queue_unlock(&g->queue);
    tr__wakes_send(&wakes);
    return count < 0 ? (int)count : 0;
}

int tr_wait_group_add(tr_wait_group *g, int64_t n)
{
    if (g == NULL || n > MOST || n < -MOST)
        return TR_EINVAL;
    for (;;) {
        /* relaxed: the exchange below fails if it has changed. */
        uint64_t word = tr__load_relaxed_u64(&inside(g)->word);
        int64_t count = added(word, n);
        bool done;
        int rc;

        if ((word & AWAITED) != 0) {
            rc = add_with_waiters(inside(g), n, &done);
            if (done)
                return rc;
            continue;
        }
        if (count < 0)
            return (int)count;
        /* ordered: publishes what was done; pairs with the acquire in is_zero. */
        if (tr__cas_ordered_u64(&inside(g)->word, word, (uint64_t)count))
            return 0;
    }
}

/* Under the lock: whether all are done; else it is known from now on that somebody waits. */
static bool is_zero(wait_group *g)
{
    for (;;) {
        /* acquire: what was done is visible; pairs with those in tr_wait_group_add. */
        uint64_t word = tr__load_acquire_u64(&g->word);

        /* ordered: who adds sees it, or came before. */
        if (word == 0 || (word & AWAITED) != 0 ||
            tr__cas_ordered_u64(&g->word, word, word | AWAITED))
            return word == 0;
    }
}

static const tr__sought a_group = {
    .what = "a wait group",
    .line_offset = offsetof(wait_group, queue.line),
};

int tr_wait_group_wait_for(tr_wait_group *g, double timeout)
{
    tr__queued waiter = { .sought = &a_group };
    int rc;

    if (g == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    tr__wait_queue_lock(&inside(g)->queue);
    if (!is_zero(inside(g)))
        return tr__wait_in(&inside(g)->queue, &waiter, timeout);
    tr__wait_queue_unlock(&inside(g)->queue);
    return 0;
}

uint64_t tr_wait_group_count(const tr_wait_group *g)
{
    /* relaxed: it may be another one already. */
    return g != NULL ? tr__load_relaxed_u64(&inside(g)->word) & ~AWAITED : 0;
}
