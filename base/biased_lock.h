/* A lock that costs the one who uses it alone no locked instruction: it is biased to the first
 * owner that takes it (a loop, by its number), which then locks and unlocks it with plain stores,
 * until somebody else wants it; from then on it is a mutex for everybody.
 *
 * bias:   NONE ------> owner ------> REVOKED ------> SHARED       under the mutex, each time
 *            \_________________________________________^
 *
 * The owner says that it is inside (`is_inside`), and then looks at the bias again; whoever revokes
 * changes the bias, and then waits until the owner is not inside. Of a store and a later load each,
 * one must see the other's: that takes a fence on both sides, of which the one who revokes does
 * both (tr__membarrier: membarrier(2)), once in the life of a lock. See
 * Dice, Moir, Scherer, "Quickly reacquirable locks", 2003; and Russell, Detlefs, OOPSLA 2006.
 *
 * Where the kernel has no such fence nothing is ever biased.
 *
 * Unlocking does not touch it any more once somebody else can have it: so whoever has it may free
 * it. It is held for a few instructions, and never twice by one thread. One of zeros is valid. */
#ifndef TR_BASE_BIASED_LOCK_H
#define TR_BASE_BIASED_LOCK_H

#include <pthread.h>

#include "base/atomic.h"
#include "base/threads.h"

enum { TR__BIAS_NONE = 0, TR__BIAS_REVOKED = UINT16_MAX + 1, TR__BIAS_SHARED };

typedef struct tr__biased_lock {
    uint32_t bias;      /* an owner, 1 to UINT16_MAX, or one of the above */
    uint32_t is_inside; /* the owner; it alone writes it */
    pthread_mutex_t mutex;
} tr__biased_lock;

/* Locks are biased from now on, if the kernel has the fence. With no other thread of the library's
 * running. */
void tr__biased_locks_begin(void);

/* Out of line: who does not find its own bias. Returns whether it has got the bias, and is inside;
 * otherwise the lock is shared. `owner` 0: a thread that never gets a bias. */
bool tr__biased_settle(tr__biased_lock *lock, uint32_t owner);

/* Enter if the owner (not 0) has the bias already: without a call. */
static TR__ALWAYS_INLINE bool tr__biased_reenter(tr__biased_lock *lock, uint32_t owner)
{
    /* relaxed: only itself has been inside since it got the bias. */
    if (TR__UNLIKELY(tr__load_relaxed_u32(&lock->bias) != owner))
        return false;
    /* relaxed: whoever revokes sees it by tr__membarrier, or its own change is seen below. */
    tr__store_relaxed_u32(&lock->is_inside, 1);
    tr__fence_light();
    if (TR__LIKELY(tr__load_relaxed_u32(&lock->bias) == owner))
        return true;
    /* release: pairs with the acquire in revoke_bias. */
    tr__store_release_u32(&lock->is_inside, 0);
    return false;
}

/* Enter by bias. false: the lock is shared, now and for ever, and the caller does not have it. */
static inline bool tr__biased_enter(tr__biased_lock *lock, uint32_t owner)
{
    if (owner != TR__BIAS_NONE && tr__biased_reenter(lock, owner))
        return true;
    /* acquire: what the owner did inside is visible; pairs with the release in
     * tr__biased_settle. */
    if (TR__LIKELY(tr__load_acquire_u32(&lock->bias) == TR__BIAS_SHARED))
        return false;
    return tr__biased_settle(lock, owner);
}

static inline void tr__biased_leave(tr__biased_lock *lock)
{
    /* release: what was done inside; pairs with the acquire in revoke_bias. */
    tr__store_release_u32(&lock->is_inside, 0);
}

static inline void tr__biased_unlock(tr__biased_lock *lock)
{
    /* relaxed: while the owner is inside it is not shared; and once it is, it remains so. */
    if (tr__load_relaxed_u32(&lock->bias) == TR__BIAS_SHARED)
        tr__mutex_unlock(&lock->mutex);
    else
        tr__biased_leave(lock);
}

#endif
