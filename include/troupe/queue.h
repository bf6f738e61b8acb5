/* Queues: items of one size, by value, between tasks of all loops and foreign threads.
 *
 * A queue holds up to `capacity` items; who puts more waits until somebody has taken one. Those who
 * wait are served in the order in which they came. A task that is cancelled while it waits gets
 * TR_ECANCELED, and nothing has moved; if it had been served already, the call succeeds, and its
 * next await fails.
 *
 * Closing: after tr_queue_close nothing more can be put, and what is there can still be got; then
 * gets fail with TR_EPIPE. tr_queue_close_now drops what is there, and lets everybody go. */
#ifndef TROUPE_QUEUE_H
#define TROUPE_QUEUE_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_queue tr_queue;

/* As capacity: who puts waits until somebody takes it. */
#define TR_RENDEZVOUS ((size_t)0)
/* As capacity: nobody who puts ever waits. */
#define TR_UNBOUNDED ((size_t)-1)

/* Which item is got next. */
typedef enum tr_queue_order {
    TR_QUEUE_FIFO,    /* the oldest */
    TR_QUEUE_LIFO,    /* the latest */
    TR_QUEUE_PRIORITY /* the least by `compare`; among equals the oldest */
} tr_queue_order;

typedef struct tr_queue_options {
    size_t item_bytes; /* of an item: 1 to 64 KiB */
    size_t capacity;
    void (*drop)(void *item); /* of what is left when it is closed or freed; may be NULL */
    tr_queue_order order;
    /* Below 0: a comes before b. Called with the queue's lock: it must not call troupe. */
    int (*compare)(const void *a, const void *b);
} tr_queue_options;

TR_API int tr__queue_new(tr_queue **out, const tr_queue_options *options, size_t options_size);

/* Make a queue: tr_queue_new_with(&q, &options). *out is NULL on error.
 * Ownership: the caller's, until tr_queue_free.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL. */
#define tr_queue_new_with(out, ...) tr__queue_new((out), (__VA_ARGS__), sizeof(tr_queue_options))

/* The same, first in, first out. */
static inline int tr_queue_new(tr_queue **out, size_t item_bytes, size_t capacity,
                               void (*drop)(void *item))
{
    tr_queue_options options = { item_bytes, capacity, drop, TR_QUEUE_FIFO, NULL };

    return tr__queue_new(out, &options, sizeof(options));
}

/* Free it; what is left is dropped. NULL is allowed.
 * Threads: any, but nobody may use it any more.
 * Errors:  TR_EBUSY somebody waits: it is not freed (tr_queue_close_now lets them go). */
TR_API int tr_queue_free(tr_queue *q);

/* Put a copy of the item, and wait until there is room (or, in a rendezvous, somebody takes it), at
 * most timeout seconds.
 * Ownership: what the item owns is the queue's on success, else still the caller's.
 * Threads:   tasks; foreign threads (blocks).
 * Errors:    TR_EPIPE it is closed; TR_ETIMEDOUT; TR_ECANCELED; TR_ENOMEM; TR_EWRONGPLACE;
 *            TR_EINVAL. */
TR_API int tr_queue_put_for(tr_queue *q, const void *item, double timeout);
static inline int tr_queue_put(tr_queue *q, const void *item)
{
    return tr_queue_put_for(q, item, TR_FOREVER);
}
/* Put it if that needs no waiting.
 * Threads: any; never blocks.
 * Errors:  TR_EFULL; TR_EPIPE; TR_ENOMEM; TR_EINVAL. */
TR_API int tr_queue_try_put(tr_queue *q, const void *item);

/* Get the next item, and wait until there is one, at most timeout seconds.
 * Ownership: what it owns is the caller's. On error *item is as it was.
 * Threads:   tasks; foreign threads (blocks).
 * Errors:    TR_EPIPE it is closed, and empty; TR_ETIMEDOUT; TR_ECANCELED; TR_EWRONGPLACE;
 *            TR_EINVAL. */
TR_API int tr_queue_get_for(tr_queue *q, void *item, double timeout);
static inline int tr_queue_get(tr_queue *q, void *item)
{
    return tr_queue_get_for(q, item, TR_FOREVER);
}
/* Get it if there is one.
 * Threads: any; never blocks.
 * Errors:  TR_EAGAIN it is empty; TR_EPIPE it is closed, and empty; TR_EINVAL. */
TR_API int tr_queue_try_get(tr_queue *q, void *item);

/* An item that was got has been dealt with: see tr_queue_join.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL, also if it has been called for each item already. */
TR_API int tr_queue_task_done(tr_queue *q);

/* Wait until tr_queue_task_done has been called for each item that was ever put.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_EPIPE it was closed at once; TR_ETIMEDOUT; TR_ECANCELED; TR_EWRONGPLACE; TR_EINVAL.
 *          */
TR_API int tr_queue_join_for(tr_queue *q, double timeout);
static inline int tr_queue_join(tr_queue *q)
{
    return tr_queue_join_for(q, TR_FOREVER);
}

/* Let nothing more be put; who waits for room, or for an item, goes on with TR_EPIPE. Closing again
 * does nothing.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_queue_close(tr_queue *q);
/* The same, and drop what is there; who joins goes on with TR_EPIPE, too. */
TR_API int tr_queue_close_now(tr_queue *q);

/* How many items there are, and whether it is closed, just now; 0 and true for NULL.
 * Threads: any. */
TR_API size_t tr_queue_count(tr_queue *q);
TR_API bool tr_queue_is_closed(tr_queue *q);

/* A descriptor that is readable while there is an item to get, or it is closed: for a foreign
 * thread's poll or event loop. Do not read it.
 * Ownership: the queue's; it is closed with tr_queue_free.
 * Threads:   any.
 * Errors:    TR_EINVAL; of eventfd. */
TR_API int tr_queue_fd(tr_queue *q);

#ifdef __cplusplus
}
#endif
#endif
