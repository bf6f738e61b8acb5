/* A semaphore, fair: who wants many permits is not passed by those behind.
 *
 * word: the number of permits, and AWAITED: somebody waits, or has waited. While that is set, or
 * the latch is biased to a loop (sync/latch.h), the word changes with the latch only; otherwise by
 * compare and swap. */
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
static bool take(semaphore *s, uint64_t n, bool is_inside)
{
    for (;;) {
        /* relaxed: the exchange below fails if it has changed. */
        uint64_t word = tr__load_relaxed_u64(&s->word);

        if ((word & AWAITED) != 0 || word < n)
            return false;
        /* ordered: what came before the release is visible; pairs with those in add. */
        if (tr__latch_swap_u64(is_inside, &s->word, word, word - n))
            return true;
    }
}

/* With the latch: take n if they are there and nobody waits; false: somebody waits from now on. */
static bool take_or_announce(semaphore *s, uint64_t n, bool is_inside)
{
    for (;;) {
        /* relaxed: as in take. */
        uint64_t word = tr__load_relaxed_u64(&s->word);

        if ((word & AWAITED) != 0)
            return false;
        /* ordered: who releases sees that somebody waits, or came before. */
        if (word < n && tr__latch_swap_u64(is_inside, &s->word, word, word | AWAITED))
            return false;
        if (take(s, n, is_inside))
            return true;
    }
}

/* With the latch, and AWAITED: let those go on whose permits are there. */
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
    /* relaxed: it is set and reset with the latch. */
    if ((tr__load_relaxed_u64(&s->word) & AWAITED) != 0)
        serve(s, &wakes);
    tr__wait_queue_unlock(&s->queue);
    tr__wakes_send(&wakes);
}

static const tr__sought permits = {
    .what = "permits of a semaphore",
    .line_offset = offsetof(semaphore, queue.line),
};

/* Gives the latch back, if the caller has it by bias. */
static TR__NOINLINE int wait(semaphore *s, uint64_t n, bool is_inside, double timeout)
{
    tr__queued waiter = { .sought = &permits, .wants = n };
    int rc;

    if (!is_inside)
        tr__wait_queue_lock(&s->queue);
    if (take_or_announce(s, n, is_inside)) {
        tr__wait_queue_unlock(&s->queue);
        return 0;
    }
    rc = tr__wait_in(&s->queue, &waiter, timeout);
    if (rc < 0)
        serve_others(s);
    return rc;
}

int tr_semaphore_acquire_many(tr_semaphore *public, uint64_t n, double timeout)
{
    semaphore *s = inside(public);
    bool is_inside;
    int rc;

    if (s == NULL || isnan(timeout) || n > MOST)
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    is_inside = tr__latch_enter(&s->queue.latch);
    if (!take(s, n, is_inside))
        return wait(s, n, is_inside, timeout);
    if (is_inside)
        tr__latch_leave(&s->queue.latch);
    return 0;
}

int tr_semaphore_try_acquire(tr_semaphore *public, uint64_t n)
{
    semaphore *s = inside(public);
    bool is_inside;
    bool is_taken;

    if (s == NULL || n > MOST)
        return TR_EINVAL;
    is_inside = tr__latch_enter(&s->queue.latch);
    is_taken = take(s, n, is_inside);
    if (is_inside)
        tr__latch_leave(&s->queue.latch);
    return is_taken ? 0 : TR_EBUSY;
}

/* Add n where nobody waits; false: somebody waits, or has waited. */
static bool add(semaphore *s, uint64_t n, bool is_inside, int *rc)
{
    for (;;) {
        /* relaxed: as in take. */
        uint64_t word = tr__load_relaxed_u64(&s->word);

        if ((word & AWAITED) != 0)
            return false;
        *rc = word + n > MOST ? TR_ELIMIT : 0;
        /* ordered: publishes what came before; pairs with the one in take. */
        if (*rc < 0 || tr__latch_swap_u64(is_inside, &s->word, word, word + n))
            return true;
    }
}

/* With the latch, where somebody waits, or has waited. */
static int add_and_serve(semaphore *s, uint64_t n, tr__wakes *wakes)
{
    /* relaxed: nobody else changes it now. */
    uint64_t word = tr__load_relaxed_u64(&s->word);

    if ((word & ~AWAITED) + n > MOST)
        return TR_ELIMIT;
    /* release: pairs with the one in take. */
    tr__store_release_u64(&s->word, word + n);
    serve(s, wakes);
    return 0;
}

/* Gives the latch back, if the caller has it by bias. */
static TR__NOINLINE int release_to_waiters(semaphore *s, uint64_t n, bool is_inside)
{
    tr__wakes wakes;
    int rc;

    tr__wakes_init(&wakes);
    if (!is_inside)
        tr__wait_queue_lock(&s->queue);
    if (!add(s, n, false, &rc)) /* while we have the latch nobody begins to wait */
        rc = add_and_serve(s, n, &wakes);
    tr__wait_queue_unlock(&s->queue);
    tr__wakes_send(&wakes);
    return rc;
}

int tr_semaphore_release_many(tr_semaphore *public, uint64_t n)
{
    semaphore *s = inside(public);
    bool is_inside;
    int rc;

    if (s == NULL || n > MOST)
        return TR_EINVAL;
    is_inside = tr__latch_enter(&s->queue.latch);
    if (!add(s, n, is_inside, &rc))
        return release_to_waiters(s, n, is_inside);
    if (is_inside)
        tr__latch_leave(&s->queue.latch);
    return rc;
}

uint64_t tr_semaphore_permits(const tr_semaphore *s)
{
    /* relaxed: it may be another one already. */
    return s != NULL ? tr__load_relaxed_u64(&((const semaphore *)(const void *)s)->word) & ~AWAITED
                     : 0;
}
