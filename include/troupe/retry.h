/* Calls that may fail for a while: again after a delay, or not at all for a time.
 *
 *     int rc = tr_retry(fetch, &page, &(tr_retry_policy){ .attempts = 3 });
 *
 *     static tr_breaker shop;
 *     int rc = tr_breaker_call(&shop, order, &book); TR_EOPEN: it has failed too often lately */
#ifndef TROUPE_RETRY_H
#define TROUPE_RETRY_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- retrying ---- */

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

/* ---- circuit breakers ---- */

/* Keeps calls from what fails: after some failures in a row it opens, and calls are refused at
 * once; when it has been open for a time, some calls are let through as a trial.
 *
 *     closed ---- so many failures in a row ----> open ---- some seconds ----> half-open
 *        ^                                          ^                            |  |
 *        |                                          +------- a trial fails ------+  |
 *        +------------------------- all trials succeed -----------------------------+
 *
 * A struct of the caller's; one of zeros is ready for use, with defaults, and needs no clean-up.
 * The fields are set before its first use, and it must not be moved. It may be shared between all
 * loops and threads. */
typedef struct tr_breaker {
    unsigned failures; /* in a row; default 5 */
    unsigned trials;   /* default 1 */
    double open_for;   /* seconds; default 30 */
    /* Whether an error says that what is called fails, and not the caller. NULL: any error does.
     * TR_ECANCELED is never asked about: it counts as neither a failure nor a success. */
    bool (*is_failure)(int error);
    uint64_t tr__opaque[11];
} tr_breaker;

/* Call fn(arg), if the breaker allows, and let it know the result, which is returned.
 * Ownership: arg stays the caller's.
 * Threads:   any where fn may be called: it is called here.
 * Errors:    TR_EOPEN fn was not called; fn's own; TR_EINVAL, also for a time that is negative or
 *            NaN. */
TR_API int tr_breaker_call(tr_breaker *b, tr_task_fn fn, void *arg);

/* The same in two steps: a pass, 0 or more, that has to be given back with the result of what was
 * done with it.
 *
 *     int pass = tr_breaker_enter(&b);
 *     if (pass < 0)
 *         return pass;
 *     rc = ...;
 *     tr_breaker_leave(&b, pass, rc);
 *
 * Threads: any; never blocks.
 * Errors:  TR_EOPEN; TR_EINVAL. */
TR_API int tr_breaker_enter(tr_breaker *b);
/* Threads: any; never blocks.
 * Errors:  TR_EINVAL, also if that pass has been given back already and it shows. */
TR_API int tr_breaker_leave(tr_breaker *b, int pass, int result);

enum { TR_BREAKER_CLOSED, TR_BREAKER_OPEN, TR_BREAKER_HALF_OPEN };

/* Which of these it is just now; it is half-open once its time is over.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_breaker_state(tr_breaker *b);

#ifdef __cplusplus
}
#endif
#endif
