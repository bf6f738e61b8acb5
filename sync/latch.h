/* The lock inside of what tasks share: held for a few instructions, and across no call of the
 * user's but a queue's `compare`. It is biased to the loop that uses it first (base/biased_lock.h),
 * so that what one loop uses alone costs no locked instruction. */
#ifndef TR_SYNC_LATCH_H
#define TR_SYNC_LATCH_H

#include "base/biased_lock.h"
#include "runtime/loop.h"

typedef tr__biased_lock tr__latch;

/* true: the caller has it, and nobody else can have it before tr__latch_leave: what it guards may
 * be changed without atomics. false: it does not have it, and the latch is shared from now on. */
static inline bool tr__latch_enter(tr__latch *latch)
{
    const tr__loop *loop = tr__loop_here();

    return tr__biased_enter(latch, loop != NULL ? loop->number : TR__BIAS_NONE);
}

static inline void tr__latch_leave(tr__latch *latch)
{
    tr__biased_leave(latch);
}

/* Have it, whether it is biased or shared. */
static inline void tr__latch_lock(tr__latch *latch)
{
    if (!tr__latch_enter(latch))
        tr__mutex_lock(&latch->mutex);
}

static inline void tr__latch_unlock(tr__latch *latch)
{
    tr__biased_unlock(latch);
}

/* Compare and swap of a word that changes inside only as long as the latch is biased, and by
 * atomics as soon as it is shared; ordered then. */
static inline bool tr__latch_swap_u32(bool is_inside, uint32_t *at, uint32_t expected,
                                      uint32_t wanted)
{
    if (!is_inside)
        /* ordered: what it publishes is the caller's matter. */
        return tr__cas_ordered_u32(at, expected, wanted);
    /* relaxed, both: nobody else has it, and leaving the latch publishes it. */
    if (tr__load_relaxed_u32(at) != expected)
        return false;
    tr__store_relaxed_u32(at, wanted);
    return true;
}

static inline bool tr__latch_swap_u64(bool is_inside, uint64_t *at, uint64_t expected,
                                      uint64_t wanted)
{
    if (!is_inside)
        /* ordered: likewise. */
        return tr__cas_ordered_u64(at, expected, wanted);
    /* relaxed, both: as above. */
    if (tr__load_relaxed_u64(at) != expected)
        return false;
    tr__store_relaxed_u64(at, wanted);
    return true;
}

#endif
