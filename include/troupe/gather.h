/* Waiting for several futures at once: those of tasks, jobs, requests, or one's own, wherever they
 * live; and doing something for each item of an array.
 *
 *     tr_future *both[] = { tr_task_future(a), tr_task_future(b) };
 *     int rc = tr_gather(both, 2, 0);
 *
 * All functions here are for tasks (and handlers of actors that await). They lend the futures: the
 * caller keeps his references until they return. A future may stand in the array more than once.
 *
 * What is said to be *joined* has been cancelled, and has really ended when the call returns: so
 * what it works on may lie on the caller's stack. Joining can't be interrupted; work that goes on
 * though it is cancelled holds its waiter up.
 *
 * Up to a handful of futures take no memory; more, and those of other loops, do. Where there is
 * none, TR_ENOMEM comes back before anything has been cancelled.
 *
 * Errors of all, if not said otherwise: TR_ECANCELED the caller is cancelled; TR_ENOMEM;
 * TR_ESHUTDOWN a future was made in an earlier run, on a loop that this run does not have;
 * TR_EWRONGPLACE no task runs here; TR_EDEADLK one is the calling task's own; TR_EINVAL, also if
 * one is NULL. Less than 2^31 futures can be waited for. */
#ifndef TROUPE_GATHER_H
#define TROUPE_GATHER_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Wait for all, whatever becomes of them. */
#define TR_GATHER_ALL 1U

/* Await the end of all n futures; none is 0 at once. The first error of one (TR_ECANCELED, too) is
 * returned, and the others are joined. With TR_GATHER_ALL in flags errors don't count: 0 is
 * returned when all have ended, and tr_future_status tells how. If the caller is cancelled before,
 * also before the call, all are joined.
 * Threads: tasks.
 * Errors:  the first one of a future, if several have ended already, of the first in the array;
 *          those above. */
TR_API int tr_gather(tr_future *const *fs, size_t n, unsigned flags);

typedef enum tr_wait_when {
    TR_FIRST_COMPLETED, /* one has ended */
    TR_FIRST_FAILED,    /* one has ended with an error other than TR_ECANCELED, or all have ended */
    TR_ALL_COMPLETED
} tr_wait_when;

/* Await that, at most timeout seconds; 0 or less: only look. Nothing is ever cancelled. Returns how
 * many have ended, as far as is known here: tr_future_is_done tells which. None of none is 0 at
 * once.
 * Threads: tasks.
 * Errors:  TR_ETIMEDOUT (some may have ended); those above; TR_EINVAL also for NaN. */
TR_API int tr_wait(tr_future *const *fs, size_t n, tr_wait_when when, double timeout);

/* Await the first end of n futures, at least one, and join the others. Returns how it has ended,
 * and its place in the array in *winner, which may be NULL; it is -1 if there is none. If the
 * caller is cancelled before, all are joined.
 * Threads: tasks.
 * Errors:  its own; those above. */
TR_API int tr_race(int *winner, tr_future *const *fs, size_t n);

/* The same for the first that ends without an error. If none does, the first error is returned, and
 * *winner is -1. */
TR_API int tr_any(int *winner, tr_future *const *fs, size_t n);

/* Opaque; its place is the loop's. */
typedef struct tr_completions {
    size_t tr__at;
    bool tr__is_past;
    uint64_t tr__opaque[64];
} tr_completions;

TR_API tr_completions *tr__completions_enter(tr_completions *completions, int *rc,
                                             tr_future *const *fs, size_t n);
TR_API bool tr__completions_next(tr_completions *completions);
TR_API void tr__completions_leave(tr_completions *completions);

/* TR_FOREACH_COMPLETED(&rc, i, fs, n) { ... fs[i] ... }: a loop whose body runs for each future as
 * it ends, in that order; those that have ended before come first, as they stand in the array. It
 * declares i, a size_t. break, continue, and return do as in any loop; nothing is cancelled. What
 * has been seen may be given back in the body; the others have to stay until the loop is left.
 * Afterwards rc is 0, or why the loop ended early: TR_ECANCELED, or another error of those above,
 * which come before the first turn. */
#define TR_FOREACH_COMPLETED(rc, i, fs, n)     TR__FOREACH_COMPLETED(__COUNTER__, rc, i, fs, n)
#define TR__FOREACH_COMPLETED(k, rc, i, fs, n) TR__FOREACH_COMPLETED_(k, rc, i, fs, n)
/* The inner loop has one turn; break leaves it before it is past, and so the outer one, too. */
#define TR__FOREACH_COMPLETED_(k, rc, i, fs, n)                                                    \
    for (tr_completions TR__PASTE(tr_c_, k) TR__CLEANUP(tr__completions_leave),                    \
         *TR__PASTE(tr_h_, k) = tr__completions_enter(&TR__PASTE(tr_c_, k), (rc), (fs), (n));      \
         tr__completions_next(TR__PASTE(tr_h_, k));)                                               \
        for (size_t i TR__UNUSED_VARIABLE = TR__PASTE(tr_h_, k)->tr__at;                           \
             !TR__PASTE(tr_h_, k)->tr__is_past; TR__PASTE(tr_h_, k)->tr__is_past = true)

TR_API int tr__map(void *items, size_t n, size_t item_bytes, size_t limit, tr_task_fn fn,
                   const char *name);

/* Call fn(item) for each of n items of an array, each in a task of its own, at most `limit` of them
 * at once (0: all): tr_map(items, n, sizeof(*items), limit, fn). The tasks are children of the
 * caller, as in a TR_SCOPE, and run on his loop; fn puts its results into the item. The first one
 * that fails cancels the others, and no more are started; all that were have ended when it returns.
 * One that ends with TR_ECANCELED has not failed.
 * Threads: tasks.
 * Errors:  the first failure of fn; TR_ECANCELED the caller is cancelled, and so are the children;
 *          TR_ENOMEM a task could not be started, or had no stack; TR_EWRONGPLACE; TR_EINVAL. */
#define tr_map(items, n, item_bytes, limit, fn)                                                    \
    tr__map((items), (n), (item_bytes), (limit), (fn), #fn)

#ifdef __cplusplus
}
#endif
#endif
