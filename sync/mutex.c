/* A mutex, fair: it is handed over to whoever waits first. While its latch is biased to a loop (see
 * sync/latch.h), `word` changes with the latch only, and afterwards as drawn:
 *
 * word:   FREE ----- compare and swap --------> HELD      taken
 *         HELD ----- compare and swap --------> FREE      given back
 *         HELD ----- under the latch ----------> AWAITED   before somebody waits
 *         AWAITED -- under the latch ----------> HELD      handed over to the last who waited, or
 *                                                         nobody waits any more
 *
 * Only the holder leaves HELD for FREE, and AWAITED; so a new one can't come between those who
 * wait. It touches nothing after that: whoever has the mutex next may free it. `owner` is written
 * by who has it, and read by others only to be compared with themselves. */
#include <math.h>

#include "sync/held.h"
#include "sync/mutex.h"

enum { FREE, HELD, AWAITED };

_Static_assert(sizeof(tr__fair_mutex) <= sizeof(tr_mutex), "fits its public place");

static void own(tr__fair_mutex *mutex, uint64_t who)
{
    /* relaxed: see tr__fair_mutex_is_mine. */
    tr__store_relaxed_u64(&mutex->owner, who);
}

static bool take_if_free(tr__fair_mutex *mutex, bool is_inside)
{
    /* ordered: who had it before has published what it guards; pairs with the one in give_back. */
    if (!tr__latch_swap_u32(is_inside, &mutex->word, FREE, HELD))
        return false;
    own(mutex, tr__who());
    return true;
}

/* With the latch: take it if it is free; false: its holder knows now that somebody waits. */
static bool take_or_announce(tr__fair_mutex *mutex)
{
    for (;;) {
        if (take_if_free(mutex, false))
            return true;
        /* relaxed: it is set and reset under the latch. ordered: the holder sees it, or has given
         * the mutex back before. */
        if (tr__load_relaxed_u32(&mutex->word) == AWAITED ||
            tr__cas_ordered_u32(&mutex->word, HELD, AWAITED))
            return false;
    }
}

static uint64_t holder(const tr__queued *waiter)
{
    const tr__fair_mutex *mutex = TR__CONTAINER_OF(waiter->line, const tr__fair_mutex, queue.line);

    /* relaxed: it may be another one already. */
    return tr__load_relaxed_u64(&mutex->owner);
}

static const tr__sought a_mutex = {
    .what = "a mutex",
    .line_offset = offsetof(tr__fair_mutex, queue.line),
    .holder = holder,
};

static int wait(tr__fair_mutex *mutex, double timeout, bool is_shielded)
{
    tr__queued waiter = { .sought = &a_mutex, .wants = tr__who(), .is_shielded = is_shielded };

    tr__wait_queue_lock(&mutex->queue);
    if (!take_or_announce(mutex))
        return tr__wait_in(&mutex->queue, &waiter, timeout);
    tr__wait_queue_unlock(&mutex->queue);
    return 0;
}

/* Take it if it is free; otherwise nothing has changed. */
static bool try(tr__fair_mutex *mutex)
{
    bool is_inside = tr__latch_enter(&mutex->queue.latch);
    bool is_taken = take_if_free(mutex, is_inside);

    if (is_inside)
        tr__latch_leave(&mutex->queue.latch);
    return is_taken;
}

/* Where a free mutex is its loop's alone: without a call, so that it needs no frame. false: nothing
 * has changed. */
static TR__ALWAYS_INLINE bool lock_quickly(tr__fair_mutex *mutex)
{
    const tr__loop *loop = tr__loop_here();
    tr_task *task = loop != NULL ? loop->task : NULL;
    bool is_taken;

    if (task == NULL || task->innermost->is_effective || tr__is_debugging() ||
        !tr__biased_reenter(&mutex->queue.latch, loop->number))
        return false;
    is_taken = tr__latch_swap_u32(true, &mutex->word, FREE, HELD);
    if (TR__LIKELY(is_taken))
        own(mutex, (uintptr_t)task);
    tr__latch_leave(&mutex->queue.latch);
    return is_taken;
}

static TR__NOINLINE int lock_slowly(tr__fair_mutex *mutex, double timeout, const void *place)
{
    int rc = tr__may_wait();

    if (rc == 0 && !try(mutex))
        rc = tr__fair_mutex_is_mine(mutex) ? TR_EDEADLK : wait(mutex, timeout, false);
    if (rc == 0)
        tr__held_take(mutex, "mutex", place);
    return rc;
}

static TR__ALWAYS_INLINE int lock(tr__fair_mutex *mutex, double timeout, const void *place)
{
    return TR__LIKELY(lock_quickly(mutex)) ? 0 : lock_slowly(mutex, timeout, place);
}

int tr_lock_for(tr_mutex *m, double timeout)
{
    if (m == NULL || isnan(timeout))
        return TR_EINVAL;
    return lock(tr__fair_mutex_of(m), timeout, __builtin_return_address(0));
}

int tr_lock(tr_mutex *m)
{
    if (m == NULL)
        return TR_EINVAL;
    return lock(tr__fair_mutex_of(m), TR_FOREVER, __builtin_return_address(0));
}

int tr_try_lock(tr_mutex *m)
{
    tr__fair_mutex *mutex = tr__fair_mutex_of(m);

    if (m == NULL)
        return TR_EINVAL;
    if (!try(mutex))
        return tr__fair_mutex_is_mine(mutex) ? TR_EDEADLK : TR_EBUSY;
    tr__held_take(mutex, "mutex", __builtin_return_address(0));
    return 0;
}

void tr__fair_mutex_take_back(tr__fair_mutex *mutex)
{
    if (!try(mutex))
        (void)wait(mutex, TR_FOREVER, true); /* shielded: it succeeds */
}

/* To nobody; false: somebody waits for it. */
static bool give_back(tr__fair_mutex *mutex)
{
    bool is_inside = tr__latch_enter(&mutex->queue.latch);
    /* ordered: publishes what it guards; pairs with the one in take_if_free. */
    bool is_free = tr__latch_swap_u32(is_inside, &mutex->word, HELD, FREE);

    if (is_inside)
        tr__latch_leave(&mutex->queue.latch);
    return is_free;
}

/* To who waits first; false: nobody waits any more, and it is HELD still. */
static TR__NOINLINE bool hand_over(tr__fair_mutex *mutex)
{
    tr__wakes wakes;
    tr__queued *next;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&mutex->queue);
    next = tr__claim_first(&mutex->queue.line);
    if (next != NULL) {
        own(mutex, next->wants);
        tr__grant_claimed(next, 0, &wakes);
    }
    if (mutex->queue.line.first == NULL)
        /* relaxed: who has it next gets it by its wake-up, or by the exchange in give_back. */
        tr__store_relaxed_u32(&mutex->word, HELD);
    tr__wait_queue_unlock(&mutex->queue);
    tr__wakes_send(&wakes);
    return next != NULL;
}

void tr__fair_mutex_give(tr__fair_mutex *mutex)
{
    own(mutex, 0);
    while (!give_back(mutex) && !hand_over(mutex))
        ;
}

static TR__NOINLINE int unlock_slowly(tr__fair_mutex *mutex)
{
    if (!tr__fair_mutex_is_mine(mutex))
        return TR_EPERM;
    tr__held_give(mutex);
    tr__fair_mutex_give(mutex);
    return 0;
}

/* As lock_quickly, where nobody waits. */
static TR__ALWAYS_INLINE bool unlock_quickly(tr__fair_mutex *mutex)
{
    const tr__loop *loop = tr__loop_here();
    bool is_free;

    /* relaxed: see tr__fair_mutex_is_mine. */
    if (loop == NULL || loop->task == NULL ||
        tr__load_relaxed_u64(&mutex->owner) != (uintptr_t)loop->task || tr__is_debugging() ||
        !tr__biased_reenter(&mutex->queue.latch, loop->number))
        return false;
    is_free = tr__latch_swap_u32(true, &mutex->word, HELD, FREE);
    if (TR__LIKELY(is_free))
        own(mutex, 0);
    tr__latch_leave(&mutex->queue.latch);
    return is_free;
}

int tr_unlock(tr_mutex *m)
{
    tr__fair_mutex *mutex = tr__fair_mutex_of(m);

    if (m == NULL)
        return TR_EINVAL;
    return TR__LIKELY(unlock_quickly(mutex)) ? 0 : unlock_slowly(mutex);
}

/* ---- blocks ---- */

tr_lock_guard tr__lock_enter(tr_mutex *m, int *rc)
{
    int result =
        m != NULL ? lock(tr__fair_mutex_of(m), TR_FOREVER, __builtin_return_address(0)) : TR_EINVAL;

    if (rc != NULL)
        *rc = result;
    return (tr_lock_guard){ result == 0 ? m : NULL };
}

void tr__lock_leave(tr_lock_guard *guard)
{
    if (guard->tr__held != NULL)
        (void)tr_unlock(guard->tr__held); /* it is the caller's */
    guard->tr__held = NULL;
}
