/* What tasks and threads wait for until it has happened, or until all are there.
 *
 * All that is declared here is a struct of the caller's, and waited for, as in <troupe/sync.h>. */
#ifndef TROUPE_EVENT_H
#define TROUPE_EVENT_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- event ---- */

/* Something that has happened, or has not. */
typedef struct tr_event {
    uint64_t tr__opaque[11];
} tr_event;

/* It has happened: all who wait go on, and so does who waits later.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_event_set(tr_event *e);
/* It has not happened (any more). Those who were let go on stay so.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_event_clear(tr_event *e);
/* false for NULL.
 * Threads: any. */
TR_API bool tr_event_is_set(const tr_event *e);
/* Wait until it has happened. When this has returned 0, whoever has set it does not touch the event
 * any more: it may stand on the caller's stack. (What tr_event_is_set says does not tell so.)
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ECANCELED; TR_ETIMEDOUT; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_event_wait_for(tr_event *e, double timeout);
static inline int tr_event_wait(tr_event *e)
{
    return tr_event_wait_for(e, TR_FOREVER);
}

/* ---- barrier ---- */

/* Where a number of parties wait until all of them are there; then it begins anew. */
typedef struct tr_barrier {
    uint64_t tr__parties;
    uint64_t tr__opaque[12];
} tr_barrier;

/* One for so many parties, 1 to INT_MAX: tr_barrier b = TR_BARRIER_INIT(3). One of zeros is of no
 * use. */
#define TR_BARRIER_INIT(parties)                                                                   \
    {                                                                                              \
        (parties),                                                                                 \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Wait until all are there. Returns the caller's place among them, 0 to parties - 1, in the order
 * in which they came. One that is cancelled or late is not there any more; the others go on
 * waiting.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_EBROKEN it was reset meanwhile, or is broken; TR_ECANCELED; TR_ETIMEDOUT;
 *          TR_EWRONGPLACE; TR_EINVAL, also for a bad number of parties. */
TR_API int tr_barrier_wait_for(tr_barrier *b, double timeout);
static inline int tr_barrier_wait(tr_barrier *b)
{
    return tr_barrier_wait_for(b, TR_FOREVER);
}
/* Begin anew, also if it is broken: those who wait go on with TR_EBROKEN.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_barrier_reset(tr_barrier *b);
/* Break it: those who wait go on with TR_EBROKEN, and so does who waits later, until it is reset.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_barrier_abort(tr_barrier *b);
/* How many wait just now.
 * Threads: any. */
TR_API size_t tr_barrier_waiting(const tr_barrier *b);
/* false for NULL.
 * Threads: any. */
TR_API bool tr_barrier_is_broken(const tr_barrier *b);

/* ---- once ---- */

/* Something that is to be done once, by whoever needs it first. */
typedef struct tr_once {
    uint64_t tr__opaque[12];
} tr_once;

/* Have fn(arg) run, unless it has been: 0 when it has succeeded, here or elsewhere. While another
 * one runs it, wait, for timeout seconds at most; if that fails, the next who waits runs it, with
 * its own fn and arg. Once it is done this costs one load, also for one that is cancelled.
 * Threads: tasks; foreign threads (blocks); handlers and loop callbacks, which do not wait. fn may
 *          do what its caller may.
 * Errors:  what fn returned, to whom it was run for; TR_EDEADLK fn calls for itself; TR_ECANCELED;
 *          TR_ETIMEDOUT; TR_EWRONGPLACE it would have to wait; TR_EINVAL. */
TR_API int tr_once_run_for(tr_once *o, int (*fn)(void *arg), void *arg, double timeout);
static inline int tr_once_run(tr_once *o, int (*fn)(void *arg), void *arg)
{
    return tr_once_run_for(o, fn, arg, TR_FOREVER);
}
/* false for NULL.
 * Threads: any. */
TR_API bool tr_once_is_done(const tr_once *o);

/* ---- wait group ---- */

/* A number of things that are not done yet. */
typedef struct tr_wait_group {
    uint64_t tr__opaque[11];
} tr_wait_group;

/* So many more are to be done; or, below 0, have been. At 0 all who wait go on.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL there would be less than 0 (nothing is changed); TR_ELIMIT more than 2^62. */
TR_API int tr_wait_group_add(tr_wait_group *g, int64_t n);
/* One is done. */
static inline int tr_wait_group_done(tr_wait_group *g)
{
    return tr_wait_group_add(g, -1);
}
/* Wait until all are done. When this has returned 0, those who have said so do not touch the group
 * any more: it may stand on the caller's stack.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ECANCELED; TR_ETIMEDOUT; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_wait_group_wait_for(tr_wait_group *g, double timeout);
static inline int tr_wait_group_wait(tr_wait_group *g)
{
    return tr_wait_group_wait_for(g, TR_FOREVER);
}
/* How many are to be done just now.
 * Threads: any. */
TR_API uint64_t tr_wait_group_count(const tr_wait_group *g);

#ifdef __cplusplus
}
#endif
#endif
