#include "base/biased_lock.h"

#include "base/seam.h"

/* A revocation interrupts every core that runs a thread of the process. A program that makes locks
 * all the time, each for two loops, must not pay that for each: so a revocation costs credit, which
 * locks earn by being made, and without credit a lock begins shared. */
enum { CREDIT_MAX = 4096, REVOCATION = 64 };

/* Between two looks whether the owner has left, which it does within a few instructions. */
#define PAUSE_NS (UINT64_C(20) * 1000)

static bool may_bias;   /* written before the loops start */
static uint32_t credit; /* lost updates do no harm */

void tr__biased_locks_begin(void)
{
    may_bias = tr__membarrier_prepare();
    tr__store_relaxed_u32(&credit, CREDIT_MAX); /* relaxed: as below */
}

static bool earn(void)
{
    /* relaxed: an estimate, which publishes nothing. */
    uint32_t now = tr__load_relaxed_u32(&credit);

    if (now < CREDIT_MAX)
        tr__store_relaxed_u32(&credit, now + 1); /* relaxed: likewise */
    return now >= REVOCATION;
}

static void pay(void)
{
    /* relaxed, both: as in earn. */
    uint32_t now = tr__load_relaxed_u32(&credit);

    tr__store_relaxed_u32(&credit, now > REVOCATION ? now - REVOCATION : 0);
}

/* With the mutex: from the owner to all. */
static void revoke_bias(tr__biased_lock *lock)
{
    /* relaxed: the fence is behind it. */
    tr__store_relaxed_u32(&lock->bias, TR__BIAS_REVOKED);
    tr__membarrier();
    pay();
    /* acquire: what the owner did inside is visible; pairs with the releases in tr__biased_leave
     * and tr__biased_enter. */
    while (tr__load_acquire_u32(&lock->is_inside) != 0)
        /* Asleep, for the owner may have lost its core to us, whose priority may be higher. It does
         * not wake us: it must not touch the lock any more once it has left. */
        (void)tr__futex_wait(&lock->is_inside, 1, tr__now_ns() + PAUSE_NS);
}

bool tr__biased_settle(tr__biased_lock *lock, uint32_t owner)
{
    bool is_biased = false;
    uint32_t bias;

    tr__mutex_lock(&lock->mutex);
    /* relaxed: it changes under the mutex only. */
    bias = tr__load_relaxed_u32(&lock->bias);
    if (bias == TR__BIAS_NONE && owner != 0 && may_bias && earn()) {
        is_biased = true;
        /* relaxed, both: whoever revokes has the mutex after us. */
        tr__store_relaxed_u32(&lock->is_inside, 1);
        tr__store_relaxed_u32(&lock->bias, owner);
    } else if (bias != TR__BIAS_SHARED) {
        if (bias != TR__BIAS_NONE)
            revoke_bias(lock);
        /* release: pairs with the acquire in tr__biased_enter. */
        tr__store_release_u32(&lock->bias, TR__BIAS_SHARED);
    }
    tr__mutex_unlock(&lock->mutex);
    return is_biased;
}
