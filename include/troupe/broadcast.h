/* One to many, by value, between tasks of all loops and foreign threads: a broadcast hands every
 * item to each who has subscribed; a watched value is only ever the latest. Who sends never waits:
 * who is too slow misses some, and is told how many. Items own nothing: receivers have copies. */
#ifndef TROUPE_BROADCAST_H
#define TROUPE_BROADCAST_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- broadcast ---- */

typedef struct tr_broadcast tr_broadcast;
typedef struct tr_subscription tr_subscription;

/* Make one that keeps the last `capacity` items for those who are behind. *out is NULL on error.
 * Ownership: the caller's, until tr_broadcast_free.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL item_bytes is not 1 to 64 KiB, or capacity is 0, or both are too
 *            large. */
TR_API int tr_broadcast_new(tr_broadcast **out, size_t item_bytes, size_t capacity);

/* Free it. NULL is allowed.
 * Threads: any, but nobody may use it any more.
 * Errors:  TR_EBUSY somebody has subscribed: it is not freed. */
TR_API int tr_broadcast_free(tr_broadcast *b);

/* Send a copy of the item to all who have subscribed; returns how many those are.
 * Threads: any; never waits.
 * Errors:  TR_EPIPE it is closed; TR_EINVAL. */
TR_API int tr_broadcast_send(tr_broadcast *b, const void *item);

/* Let nothing more be sent: who receives gets what is left, and then TR_EPIPE.
 * Threads: any; never waits.
 * Errors:  TR_EINVAL. */
TR_API int tr_broadcast_close(tr_broadcast *b);

/* Receive all that is sent from now on. *out is NULL on error.
 * Ownership: the caller's, until tr_subscription_free.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL. */
TR_API int tr_broadcast_subscribe(tr_subscription **out, tr_broadcast *b);

/* Receive no more. NULL is allowed.
 * Threads: any, but nobody may use it any more. */
TR_API void tr_subscription_free(tr_subscription *s);

/* Wait for the next item, at most timeout seconds. *missed (which may be NULL) is how many came
 * before it that this subscription was too slow for.
 * Threads: tasks; foreign threads (blocks). One at a time.
 * Errors:  TR_EPIPE it is closed, and all was received; TR_EBUSY somebody else waits; TR_ETIMEDOUT;
 *          TR_ECANCELED; TR_EWRONGPLACE; TR_EINVAL. On error *item is as it was. */
TR_API int tr_subscription_receive_for(tr_subscription *s, void *item, uint64_t *missed,
                                       double timeout);
static inline int tr_subscription_receive(tr_subscription *s, void *item, uint64_t *missed)
{
    return tr_subscription_receive_for(s, item, missed, TR_FOREVER);
}

/* ---- a watched value ---- */

typedef struct tr_watch tr_watch;

/* Make one with a first value, a copy of *item: version 1. *out is NULL on error.
 * Ownership: the caller's, until tr_watch_free.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL item_bytes is not 1 to 64 KiB, or a pointer is NULL. */
TR_API int tr_watch_new(tr_watch **out, size_t item_bytes, const void *item);

/* Free it. NULL is allowed.
 * Threads: any, but nobody may use it any more.
 * Errors:  TR_EBUSY somebody waits: it is not freed. */
TR_API int tr_watch_free(tr_watch *w);

/* Set another value, and let all go on who wait for one.
 * Threads: any; never waits.
 * Errors:  TR_EPIPE it is closed; TR_EINVAL. */
TR_API int tr_watch_set(tr_watch *w, const void *item);

/* Copy the present value; returns 0. *version (which may be NULL) is which one it is.
 * Threads: any; never waits.
 * Errors:  TR_EINVAL. */
TR_API int tr_watch_get(tr_watch *w, void *item, uint64_t *version);

/* Wait until there is another version than *version (0: any), at most timeout seconds, and copy
 * it.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_EPIPE it is closed, and has no other; TR_ETIMEDOUT; TR_ECANCELED; TR_EWRONGPLACE;
 *          TR_EINVAL. On error *item and *version are as they were. */
TR_API int tr_watch_changed_for(tr_watch *w, void *item, uint64_t *version, double timeout);
static inline int tr_watch_changed(tr_watch *w, void *item, uint64_t *version)
{
    return tr_watch_changed_for(w, item, version, TR_FOREVER);
}

/* Let no other value be set: who waits for one goes on with TR_EPIPE.
 * Threads: any; never waits.
 * Errors:  TR_EINVAL. */
TR_API int tr_watch_close(tr_watch *w);

#ifdef __cplusplus
}
#endif
#endif
