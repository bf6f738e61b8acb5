/* Limits of rate, as token buckets: a bucket holds `burst` tokens at most, is filled with `rate` of
 * them a second, and is full at the beginning. Whoever wants to do something takes tokens, and
 * waits until they are there; those who wait are served in the order in which they came. */
#ifndef TROUPE_LIMITER_H
#define TROUPE_LIMITER_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- one bucket ---- */

/* The caller's, as a lock is (<troupe/sync.h>); but one of zeros is of no use. */
typedef struct tr_limiter {
    double tr__rate;
    double tr__burst;
    uint64_t tr__opaque[13];
} tr_limiter;

/* So many tokens a second, above 0, and so many at once, 1 at least:
 * tr_limiter l = TR_LIMITER_INIT(100, 10). */
#define TR_LIMITER_INIT(rate, burst)                                                               \
    {                                                                                              \
        (rate), (burst),                                                                           \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Wait until n tokens are there and nobody waits before, and take them. One who wants many is not
 * passed by those behind who want few. Who is cancelled or late has taken none.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ECANCELED; TR_ETIMEDOUT; TR_EWRONGPLACE; TR_EINVAL, also for n above burst, which are
 *          never there, and for a bad rate or burst. */
TR_API int tr_limiter_acquire_many(tr_limiter *l, uint64_t n, double timeout);
static inline int tr_limiter_acquire(tr_limiter *l)
{
    return tr_limiter_acquire_many(l, 1, TR_FOREVER);
}
static inline int tr_limiter_acquire_for(tr_limiter *l, double timeout)
{
    return tr_limiter_acquire_many(l, 1, timeout);
}
/* Take n tokens if they are there and nobody waits. *wait, unless wait is NULL, is how many seconds
 * it takes at least until they are; 0 when they were taken.
 * Threads: any.
 * Errors:  TR_EBUSY; TR_EINVAL, as above. */
TR_API int tr_limiter_try_acquire(tr_limiter *l, uint64_t n, double *wait);
/* How many tokens there are just now; 0 for NULL, or a bad rate or burst.
 * Threads: any. */
TR_API double tr_limiter_tokens(tr_limiter *l);

#ifdef __cplusplus
}
#endif
#endif
