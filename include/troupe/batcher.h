/* Batches: what many want one by one, done for many at once. Rows that are written one by one
 * become one insert; keys that are looked up one by one, one query.
 *
 *     static int look_up(void *const *items, size_t n, void *db) { ... }
 *
 *     tr_batcher_new(&b, &(tr_batcher_options){ .fn = look_up, .ctx = db, .most = 50 });
 *
 *     struct query q = { .key = 7 };               in each of many tasks
 *     int rc = tr_batcher_call(b, &q);             q.row is there
 */
#ifndef TROUPE_BATCHER_H
#define TROUPE_BATCHER_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_batcher tr_batcher;

/* What is done with a batch, in a task: may await. That task has the values (tr_local_set) of
 * whoever began the batch. The items are those of the callers, in the order in which they came, and
 * stay theirs; what is for one caller goes into its item. The result, 0 or more or an error, goes
 * to all of them. */
typedef int (*tr_batch_fn)(void *const *items, size_t n, void *ctx);

/* A field that is 0 takes its default. */
typedef struct tr_batcher_options {
    tr_batch_fn fn;
    void *ctx;      /* handed to fn; the caller's */
    size_t most;    /* items of a batch: then it begins at once; default 100; up to 2^20 */
    double longest; /* seconds that the first item waits for others; default 0.01; below 0: only
                     * until its loop has let run what could */
    int on;         /* TR_LOOP(n), where fn runs; TR_LOOP_ANY: the loop of the first caller, or the
                     * one that serves a foreign thread */
} tr_batcher_options;

TR_API int tr__batcher_new(tr_batcher **out, const tr_batcher_options *options,
                           size_t options_size);

/* Make one: tr_batcher_new(&b, &options). *out is NULL on error.
 * Ownership: the caller's, until tr_batcher_free.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL. */
#define tr_batcher_new(out, ...) tr__batcher_new((out), (__VA_ARGS__), sizeof(tr_batcher_options))

/* Free it. NULL is allowed.
 * Threads: any, but nobody may use it any more.
 * Errors:  TR_EBUSY a batch is collected or runs, and it is not freed: see tr_batcher_join. */
TR_API int tr_batcher_free(tr_batcher *b);

/* Hand in an item, and wait until its batch has been done; returns how. Who is cancelled before the
 * batch has begun takes his item out of it, and it is not done; once it has begun, he waits for its
 * end, has its result, and his next await fails. Batches may run at the same time.
 * Ownership: the item stays the caller's, and is not touched after this has returned: it may stand
 *            on his stack.
 * Threads:   tasks; foreign threads (blocks).
 * Errors:    of fn; TR_ECANCELED; TR_EPIPE it is closed; TR_ENOMEM a batch could not be begun (if
 *            it had been collected: all of it gets that); TR_ESHUTDOWN; TR_EFORKED; TR_EWRONGPLACE;
 *            TR_EINVAL. */
TR_API int tr_batcher_call(tr_batcher *b, void *item);

/* Let the batch that is collected, if there is one, begin now.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_batcher_flush(tr_batcher *b);

/* Let nothing more be handed in; what has been begins now. Closing again does nothing.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_batcher_close(tr_batcher *b);

/* Wait until no batch is collected or runs, at most timeout seconds: then it can be freed.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ETIMEDOUT; TR_ECANCELED; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_batcher_join_for(tr_batcher *b, double timeout);
static inline int tr_batcher_join(tr_batcher *b)
{
    return tr_batcher_join_for(b, TR_FOREVER);
}

#ifdef __cplusplus
}
#endif
#endif
