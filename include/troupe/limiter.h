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
    uint64_t tr__opaque[14];
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

/* ---- a bucket for each key ---- */

/* Buckets of the same size, one for each user, address, or the like. A key is up to
 * TR_LIMITER_KEY_MAX bytes. It is known from its first use; when as many are known as there may be,
 * one whose bucket is full again is forgotten for a new one, which changes nothing. */
typedef struct tr_keyed_limiter tr_keyed_limiter;

#define TR_LIMITER_KEY_MAX 255

/* One for `keys` keys at most. *out is NULL on error. It takes 16 to 24 bytes for each at once, and
 * some 200 bytes for one that is known.
 * Ownership: the caller's.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL a bad rate or burst, or no keys. */
TR_API int tr_keyed_limiter_new(tr_keyed_limiter **out, double rate, double burst, size_t keys);
/* Nobody may use it any more; NULL is allowed.
 * Threads: any.
 * Errors:  TR_EBUSY somebody waits: nothing is freed. */
TR_API int tr_keyed_limiter_free(tr_keyed_limiter *l);

/* As tr_limiter_acquire_many, with the bucket of the key.
 * Ownership: the key is copied.
 * Threads:   tasks; foreign threads (blocks).
 * Errors:    as tr_limiter_acquire_many; TR_EAGAIN no more keys can be known: no bucket is full;
 *            TR_ENOMEM; TR_EINVAL also for a bad key. */
TR_API int tr_keyed_limiter_acquire_many(tr_keyed_limiter *l, const void *key, size_t key_bytes,
                                         uint64_t n, double timeout);
/* One token; the key is a string. */
TR_API int tr_keyed_limiter_acquire(tr_keyed_limiter *l, const char *key);
TR_API int tr_keyed_limiter_acquire_for(tr_keyed_limiter *l, const char *key, double timeout);
/* As tr_limiter_try_acquire, with the bucket of the key. *wait is 0 but for TR_EBUSY.
 * Threads: any.
 * Errors:  TR_EBUSY; TR_EAGAIN, TR_ENOMEM, TR_EINVAL as above. */
TR_API int tr_keyed_limiter_try_acquire_many(tr_keyed_limiter *l, const void *key, size_t key_bytes,
                                             uint64_t n, double *wait);
TR_API int tr_keyed_limiter_try_acquire(tr_keyed_limiter *l, const char *key, double *wait);
/* How many keys are known just now; 0 for NULL.
 * Threads: any. */
TR_API size_t tr_keyed_limiter_keys(tr_keyed_limiter *l);

#ifdef __cplusplus
}
#endif
#endif
