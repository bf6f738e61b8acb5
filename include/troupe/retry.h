/* Calls that may fail for a while: again after a delay.
 *
 *     int rc = tr_retry(fetch, &page, &(tr_retry_policy){ .attempts = 3 }); */
#ifndef TROUPE_RETRY_H
#define TROUPE_RETRY_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How often, and when; a field that is 0 takes its default. */
typedef struct tr_retry_policy {
    int attempts;         /* at most, the first one included; default 5; below 0: no limit */
    double first_delay;   /* seconds before the second one; default 0.1 */
    double factor;        /* by which each delay is longer than the one before; default 2 */
    double longest_delay; /* seconds; default 30 */
    /* How much of each delay is left to chance: default 1, any delay between none and all of it, so
     * that those who have failed together do not come back together; below 0: nothing. */
    double jitter;
    /* Whether it may go better the next time; arg is that of the call. NULL: any error may. */
    bool (*is_transient)(int error, void *arg);
} tr_retry_policy;

TR_API int tr__retry(tr_task_fn fn, void *arg, const tr_retry_policy *policy, size_t policy_size);

/* Call fn(arg) in the calling task until it succeeds, at most so many times, with growing delays
 * between: tr_retry(fn, arg, &policy), or NULL for the default. TR_ECANCELED is never retried. To
 * bound all attempts together, stand it in a TR_DEADLINE; a deadline within fn bounds each, and its
 * TR_ETIMEDOUT is retried as any error.
 * Ownership: arg stays the caller's.
 * Threads:   tasks.
 * Errors:    fn's last one; TR_ECANCELED the caller is cancelled, or the deadline around it has
 *            expired; TR_EWRONGPLACE; TR_EINVAL, also for a time that is negative or NaN, a factor
 *            below 1, or a jitter above 1. */
#define tr_retry(fn, arg, ...) tr__retry((fn), (arg), (__VA_ARGS__), sizeof(tr_retry_policy))

#ifdef __cplusplus
}
#endif
#endif
