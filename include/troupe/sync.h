/* Locks and the like, between tasks of all loops and foreign threads.
 *
 * All that is declared here is a struct of the caller's; one of zeros is ready for use, needs no
 * clean-up, and takes no memory elsewhere. It must not be moved, copied, or freed while a call that
 * uses it has not returned. An event may be freed by whoever has waited for it, though.
 *
 * Calls that wait suspend a task, and block a foreign thread; in a handler or a loop callback they
 * are TR_EWRONGPLACE. Each has a form with a time limit (`_for`), where 0 or less is a try. Those
 * who wait are served in the order in which they came. A task that is cancelled while it waits gets
 * TR_ECANCELED, unless it had been served already: then it has what it waited for, and its next
 * await fails. Nobody's turn is lost with it. */
#ifndef TROUPE_SYNC_H
#define TROUPE_SYNC_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- mutex ---- */

/* Held by one at a time: a task, a foreign thread, or a loop, for its handlers and callbacks. */
typedef struct tr_mutex {
    uint64_t tr__opaque[10];
} tr_mutex;

/* Wait until it is the caller's.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ECANCELED; TR_EDEADLK the caller holds it; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_lock(tr_mutex *m);
/* The same, at most timeout seconds.
 * Errors: as tr_lock; TR_ETIMEDOUT; TR_EINVAL also for NaN. */
TR_API int tr_lock_for(tr_mutex *m, double timeout);
/* Take it if it is free.
 * Threads: any.
 * Errors:  TR_EBUSY somebody has it; TR_EDEADLK the caller has it; TR_EINVAL. */
TR_API int tr_try_lock(tr_mutex *m);
/* Give it to whoever waits first, or to nobody.
 * Threads: who has it; never blocks.
 * Errors:  TR_EPERM the caller does not hold it; TR_EINVAL. */
TR_API int tr_unlock(tr_mutex *m);

typedef struct tr_lock_guard {
    tr_mutex *tr__mutex; /* NULL: it is not held */
} tr_lock_guard;

TR_API tr_lock_guard tr__lock_enter(tr_mutex *m, int *rc);
TR_API void tr__lock_leave(tr_lock_guard *guard);

/* TR_LOCKED(&rc, &m) { }: its body runs with the mutex, or not at all: rc is what tr_lock returned.
 * It is given back whichever way the block is left. break leaves the block. */
#define TR_LOCKED(rc, m)     TR__LOCKED(__COUNTER__, rc, m)
#define TR__LOCKED(n, rc, m) TR__LOCKED_(n, rc, m)
#define TR__LOCKED_(n, rc, m)                                                                      \
    for (tr_lock_guard TR__PASTE(tr_l_, n)                                                         \
             TR__CLEANUP(tr__lock_leave) = tr__lock_enter((m), (rc));                              \
         TR__PASTE(tr_l_, n).tr__mutex != NULL; tr__lock_leave(&TR__PASTE(tr_l_, n)))

/* TR_LOCK_HERE(&m, &rc): hold it from here to the end of the enclosing block, if rc is 0. */
#define TR_LOCK_HERE(m, rc)     TR__LOCK_HERE(__COUNTER__, m, rc)
#define TR__LOCK_HERE(n, m, rc) TR__LOCK_HERE_(n, m, rc)
#define TR__LOCK_HERE_(n, m, rc)                                                                   \
    tr_lock_guard TR__PASTE(tr_l_, n) TR__CLEANUP(tr__lock_leave) = tr__lock_enter((m), (rc))

/* ---- semaphore ---- */

/* A number of permits. */
typedef struct tr_semaphore {
    uint64_t tr__permits;
    uint64_t tr__opaque[9];
} tr_semaphore;

/* One with so many permits: tr_semaphore s = TR_SEMAPHORE_INIT(4). */
#define TR_SEMAPHORE_INIT(permits)                                                                 \
    {                                                                                              \
        (permits),                                                                                 \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Wait until there are n permits (0 is none), and take them. One who waits for many is not passed
 * by those behind who want few.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ECANCELED; TR_ETIMEDOUT; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_semaphore_acquire_many(tr_semaphore *s, uint64_t n, double timeout);
static inline int tr_semaphore_acquire(tr_semaphore *s)
{
    return tr_semaphore_acquire_many(s, 1, TR_FOREVER);
}
static inline int tr_semaphore_acquire_for(tr_semaphore *s, double timeout)
{
    return tr_semaphore_acquire_many(s, 1, timeout);
}
/* Take n if they are there, and nobody waits for his turn.
 * Threads: any.
 * Errors:  TR_EBUSY; TR_EINVAL. */
TR_API int tr_semaphore_try_acquire(tr_semaphore *s, uint64_t n);
/* Give n permits back, or add as many: whoever gives them need not have taken them.
 * Threads: any; never blocks.
 * Errors:  TR_ELIMIT there would be more than 2^62; TR_EINVAL. */
TR_API int tr_semaphore_release_many(tr_semaphore *s, uint64_t n);
static inline int tr_semaphore_release(tr_semaphore *s)
{
    return tr_semaphore_release_many(s, 1);
}
/* How many permits there are just now.
 * Threads: any. */
TR_API uint64_t tr_semaphore_permits(const tr_semaphore *s);

/* ---- event ---- */

/* Something that has happened, or has not. */
typedef struct tr_event {
    uint64_t tr__opaque[9];
} tr_event;

/* It has happened: all who wait go on, and so does who waits later.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_event_set(tr_event *e);
/* It has not happened (any more). Those who were let go on stay so.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_event_clear(tr_event *e);
/* Whether it has happened; false for NULL. Only when tr_event_wait has returned does nobody who has
 * set it use it any more.
 * Threads: any; cheap. */
TR_API bool tr_event_is_set(const tr_event *e);
/* Wait until it has happened.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ECANCELED; TR_ETIMEDOUT; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_event_wait_for(tr_event *e, double timeout);
static inline int tr_event_wait(tr_event *e)
{
    return tr_event_wait_for(e, TR_FOREVER);
}

#ifdef __cplusplus
}
#endif
#endif
