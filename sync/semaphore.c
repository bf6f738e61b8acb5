/* A semaphore, fair: who wants many permits is not passed by those behind.
 *
 * word: the number of permits, and AWAITED: somebody waits, or has waited. While it is set, the
 * word changes under the queue's lock only; otherwise by compare and swap. */
#include <math.h>

#include <troupe/sync.h>

#include "base/atomic.h"
#include "sync/wait_queue.h"

#define AWAITED (UINT64_C(1) << 63)
#define MOST    (UINT64_C(1) << 62)

typedef struct semaphore {
    uint64_t word;
    tr__wait_queue queue;
} semaphore;

_Static_assert(sizeof(semaphore) <= sizeof(tr_semaphore), "fits its public place");

static semaphore *inside(tr_semaphore *s)
{
    return (semaphore *)(void *)s;
}

/* Take n if they are there and nobody waits. */
static bool take(semaphore *s, uint64_t n)
{
    for (;;) {
        /* relaxed: the exchange below fails if it has changed. */
        uint64_t word = tr__load_relaxed_u64(&s->word);

        if ((word & AWAITED) != 0 || word < n)
            return false;
        /* ordered: what came before the release is visible; pairs with those in add. */
        if (tr__cas_ordered_u64(&s->word, word, word - n))
            return true;
    }
}

/* Say that somebody waits; false: the word has changed. */
static bool announce(semaphore *s, uint64_t word)
{
    /* ordered: who releases sees it, or came before. */
    return tr__cas_ordered_u64(&s->word, word, word | AWAITED);
}

/* Under the lock: take n if they are there and nobody waits; false: somebody waits from now on. */
static bool take_or_announce(semaphore *s, uint64_t n)
{
    for (;;) {
        /* relaxed: as in take. */
        uint64_t word = tr__load_relaxed_u64(&s->word);

        if ((word & AWAITED) != 0 || (word < n && announce(s, word)))
            return false;
        if (take(s, n))
            return true;
    }
}

/* Under the lock, with AWAITED: let those go on whose permits are there. */
static void serve(semaphore *s, tr__wakes *wakes)
{
    /* relaxed: nobody else changes it now. */
    uint64_t permits = tr__load_relaxed_u64(&s->word) & ~AWAITED;
    tr__queued *first;

    while ((first = s->queue.line.first) != NULL && first->wants <= permits) {
        uint64_t wanted = first->wants;

        if (tr__grant(first, 0, wakes))
            permits -= wanted;
    }
    /* release: pairs with the one in take. */
    tr__store_release_u64(&s->word, first != NULL ? permits | AWAITED : permits);
}

/* One who has left may have stood before others whose permits are there. */
static void serve_others(semaphore *s)
{
    tr__wakes wakes;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&s->queue);
    /* relaxed: it is set and reset under the lock. */
    if ((tr__load_relaxed_u64(&s->word) & AWAITED) != 0)
        serve(s, &wakes);
    tr__wait_queue_unlock(&s->queue);
    tr__wakes_send(&wakes);
}

int tr_semaphore_acquire_many(tr_semaphore *s, uint64_t n, double timeout)
{
    tr__queued waiter = { .wants = n };
    int rc;

    if (s == NULL || isnan(timeout) || n > MOST)
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0 || take(inside(s), n))
        return rc;
    tr__wait_queue_lock(&inside(s)->queue);
    if (take_or_announce(inside(s), n)) {
        tr__wait_queue_unlock(&inside(s)->queue);
        return 0;
    }
    rc = tr__wait_in(&inside(s)->queue, &waiter, timeout);
    if (rc < 0)
        serve_others(inside(s));
    return rc;
}

int tr_semaphore_try_acquire(tr_semaphore *s, uint64_t n)
{
    if (s == NULL || n > MOST)
        return TR_EINVAL;
    return take(inside(s), n) ? 0 : TR_EBUSY;
}

/* Where somebody waits, or has waited. */
static int release_to_waiters(semaphore *s, uint64_t n, bool *done)
{
    tr__wakes wakes;
    uint64_t word;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&s->queue);
    /* relaxed: while AWAITED it changes under the lock only. */
    word = tr__load_relaxed_u64(&s->word);
    *done = (word & AWAITED) != 0;
    if (*done && (word & ~AWAITED) + n <= MOST) {
        /* release: pairs with the one in take. */
        tr__store_release_u64(&s->word, word + n);
        serve(s, &wakes);
    }
    tr__wait_queue_unlock(&s->queue);
    tr__wakes_send(&wakes);
    return *done && (word & ~AWAITED) + n > MOST ? TR_ELIMIT : 0;
}

int tr_semaphore_release_many(tr_semaphore *s, uint64_t n)
{
    if (s == NULL || n > MOST)
        return TR_EINVAL;
    for (;;) {
        /* relaxed: as in take. */
        uint64_t word = tr__load_relaxed_u64(&inside(s)->word);
        bool done;
        int rc;

        if ((word & AWAITED) != 0) {
            rc = release_to_waiters(inside(s), n, &done);
            if (done)
                return rc;
            continue;
        }
        if (word + n > MOST)
            return TR_ELIMIT;
        /* ordered: publishes what came before; pairs with the one in take. */
        if (tr__cas_ordered_u64(&inside(s)->word, word, word + n))
            return 0;
    }
}

uint64_t tr_semaphore_permits(const tr_semaphore *s)
{
    /* relaxed: it may be another one already. */
    return s != NULL ? tr__load_relaxed_u64(&((const semaphore *)(const void *)s)->word) & ~AWAITED
                     : 0;
}
