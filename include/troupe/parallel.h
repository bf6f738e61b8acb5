/* Computing on all cores: a function for each of many items, on the threads of a pool.
 *
 *     static int shade(size_t y, void *arg) { ... row y of the image ...; return 0; }
 *
 *     rc = tr_parallel_for(height, shade, &image);
 *
 * Items are handed out in their order, many at a time in the beginning and few in the end, so that
 * all threads end together; a microsecond for each item is enough to be worth it. They run at the
 * same time: what they share needs locks, or tr_map_reduce. fn runs on foreign threads: it may
 * block, and must not await. (tr_map is for items whose work awaits: it runs tasks, on one loop.)
 *
 * The first error ends it: no more items are begun, and those that have are waited for. So it is
 * when the caller is cancelled; tr_cancelled tells the items that run. It returns when nothing runs
 * any more: arg may be on the caller's stack.
 *
 * A task awaits the end. A foreign thread, and a job, work with the others: so a job of a pool
 * that is full may use its own pool. */
#ifndef TROUPE_PARALLEL_H
#define TROUPE_PARALLEL_H

#include <troupe/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For item i, from 0: 0 or more is success, below 0 an error. */
typedef int (*tr_item_fn)(size_t i, void *arg);

/* How to run it; a field that is 0 takes its default.
 *
 * progress(done, n, arg): called now and then by the caller, in its task or thread, with how many
 * of n items have been done. Below 0 it is an error, which ends all. It is not called when all are
 * done, and must not await. */
typedef struct tr_parallel_options {
    tr_pool *pool;     /* default: TR_POOL_CPU. It must not be freed meanwhile */
    int threads;       /* that work at the same time, at most; as many as the pool may have */
    size_t grain;      /* items that a thread takes at a time, at least; 1. Of tr_map_reduce: items
                          of a group; n / 256 */
    int priority;      /* of the jobs, as in tr_job_options */
    double progress_s; /* seconds between two calls of progress, at least; 0.1 */
    int (*progress)(size_t done, size_t n, void *arg); /* none */
} tr_parallel_options;

TR_API int tr__parallel_for(size_t n, tr_item_fn fn, void *arg, const char *name,
                            const tr_parallel_options *options, size_t options_size);

/* Call fn(i, arg) for each i below n: tr_parallel_for(n, fn, arg).
 * Threads: tasks (awaits); foreign threads, jobs (blocks, and takes part).
 * Errors:  the first one of fn; TR_ECANCELED the caller was cancelled; TR_EWRONGPLACE; TR_ENOMEM;
 *          TR_EAGAIN no thread could be started (a task's call); TR_ESHUTDOWN; TR_EINVAL;
 *          TR_EFORKED. */
#define tr_parallel_for(n, fn, ...)                                                                \
    tr__parallel_for((n), (fn), (__VA_ARGS__), #fn, NULL, sizeof(tr_parallel_options))

/* The same with options, which may be NULL: tr_parallel_for_with(n, fn, arg, &options). An arg with
 * commas in braces needs parentheses around it.
 * Errors: as tr_parallel_for; that of progress. */
#define tr_parallel_for_with(n, fn, arg, ...)                                                      \
    tr__parallel_for((n), (fn), (arg), #fn, (__VA_ARGS__), sizeof(tr_parallel_options))

/* Take item i into what has been gathered. */
typedef int (*tr_map_fn)(size_t i, void *gathered, void *arg);
/* Take what was gathered elsewhere, of later items, into what has been gathered. */
typedef void (*tr_reduce_fn)(void *gathered, const void *other, void *arg);

TR_API int tr__map_reduce(void *result, size_t result_bytes, size_t n, tr_map_fn map,
                          tr_reduce_fn reduce, void *arg, const char *name,
                          const tr_parallel_options *options, size_t options_size);

/* Gather something from all items below n: tr_map_reduce(&sum, sizeof(sum), n, map, reduce, arg).
 * Items are gathered in groups: each begins with a copy of *result, which so must be neutral (0 of
 * a sum, infinity of a minimum), map(i, gathered, arg) takes its items into that, one after the
 * other, and reduce puts groups together, in their order. So reduce must be associative, but
 * nothing else: and where it isn't quite, as with floating-point numbers, the result is the same
 * nevertheless, on however many threads, for the same n and grain. *result changes only on success.
 * It takes memory for 256 results (n / grain).
 * Threads: as tr_parallel_for; reduce runs on one of the threads, when all items are done.
 * Errors:  as tr_parallel_for, of map. */
#define tr_map_reduce(result, result_bytes, n, map, reduce, ...)                                   \
    tr__map_reduce((result), (result_bytes), (n), (map), (reduce), (__VA_ARGS__), #map, NULL,      \
                   sizeof(tr_parallel_options))

/* The same with options, which may be NULL. */
#define tr_map_reduce_with(result, result_bytes, n, map, reduce, arg, ...)                         \
    tr__map_reduce((result), (result_bytes), (n), (map), (reduce), (arg), #map, (__VA_ARGS__),     \
                   sizeof(tr_parallel_options))

#ifdef __cplusplus
}
#endif
#endif
