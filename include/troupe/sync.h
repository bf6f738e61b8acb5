/* Locks and the like, between tasks of all loops and foreign threads.
 *
 * All that is declared here is a struct of the caller's; one of zeros is ready for use, needs no
 * clean-up, and takes no memory elsewhere. It must not be moved, copied, or freed while a call that
 * uses it has not returned.
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
    uint64_t tr__opaque[12];
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
    tr_mutex *tr__held; /* NULL: it is not held */
} tr_lock_guard;

TR_API tr_lock_guard tr__lock_enter(tr_mutex *m, int *rc);
TR_API void tr__lock_leave(tr_lock_guard *guard);

/* TR_LOCKED(&rc, &m) { }: its body runs with the mutex, or not at all: rc is what tr_lock returned.
 * It is given back whichever way the block is left. break leaves the block. */
#define TR_LOCKED(rc, m)                                                                           \
    TR__HELD(__COUNTER__, tr_lock_guard, tr__lock_leave, tr__lock_enter((m), (rc)))
#define TR__HELD(n, guard, leave, enter) TR__HELD_(n, guard, leave, enter)
#define TR__HELD_(n, guard, leave, enter)                                                          \
    for (guard TR__PASTE(tr_l_, n) TR__CLEANUP(leave) = enter;                                     \
         TR__PASTE(tr_l_, n).tr__held != NULL; leave(&TR__PASTE(tr_l_, n)))

/* TR_LOCK_HERE(&m, &rc): hold it from here to the end of the enclosing block, if rc is 0. */
#define TR_LOCK_HERE(m, rc)     TR__LOCK_HERE(__COUNTER__, m, rc)
#define TR__LOCK_HERE(n, m, rc) TR__LOCK_HERE_(n, m, rc)
#define TR__LOCK_HERE_(n, m, rc)                                                                   \
    tr_lock_guard TR__PASTE(tr_l_, n) TR__CLEANUP(tr__lock_leave) = tr__lock_enter((m), (rc))

/* ---- condition ---- */

/* Where those wait who look at something that a mutex guards, until it changes. */
typedef struct tr_cond {
    uint64_t tr__opaque[10];
} tr_cond;

/* Give the mutex back, wait until notified, and take it again: the caller has it whatever is
 * returned, also when it is cancelled or late, and then waits for it as long as that takes. Others
 * may have had it meanwhile: look again. All who wait at the same time use the same mutex. With a
 * timeout of 0 or less the mutex is kept.
 * Threads: tasks and foreign threads (blocks) that have the mutex.
 * Errors:  TR_ECANCELED; TR_ETIMEDOUT; TR_EPERM it does not have the mutex; TR_EWRONGPLACE;
 *          TR_EINVAL. */
TR_API int tr_cond_wait_for(tr_cond *c, tr_mutex *m, double timeout);
static inline int tr_cond_wait(tr_cond *c, tr_mutex *m)
{
    return tr_cond_wait_for(c, m, TR_FOREVER);
}
/* Wait until predicate(arg) holds; it is called with the mutex, and may hold at once. timeout is
 * for all of it.
 * Errors: as tr_cond_wait_for; TR_EINVAL also for no predicate. */
TR_API int tr_cond_wait_until(tr_cond *c, tr_mutex *m, bool (*predicate)(void *arg), void *arg,
                              double timeout);
/* Let the n go on who have waited longest, or as many as there are. One who is cancelled from now
 * on has been notified nevertheless: nobody's notification is lost.
 * Threads: any, best with the mutex; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_cond_notify(tr_cond *c, size_t n);
static inline int tr_cond_notify_all(tr_cond *c)
{
    return tr_cond_notify(c, SIZE_MAX);
}

/* ---- readers and writers ---- */

/* Held by many who read, or by one who writes. A reader does not pass a writer who waits: so who
 * reads must not lock it once more, to read or to write, or may wait for itself. */
typedef struct tr_rwlock {
    uint64_t tr__opaque[12];
} tr_rwlock;

/* Wait until the caller may read, for timeout seconds at most.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_ECANCELED; TR_ETIMEDOUT; TR_EDEADLK the caller writes; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_rwlock_read_lock_for(tr_rwlock *l, double timeout);
static inline int tr_rwlock_read_lock(tr_rwlock *l)
{
    return tr_rwlock_read_lock_for(l, TR_FOREVER);
}
/* The same to write. */
TR_API int tr_rwlock_write_lock_for(tr_rwlock *l, double timeout);
static inline int tr_rwlock_write_lock(tr_rwlock *l)
{
    return tr_rwlock_write_lock_for(l, TR_FOREVER);
}
/* Take it if it is free for that, and nobody waits for his turn.
 * Threads: any.
 * Errors:  TR_EBUSY; TR_EDEADLK the caller writes; TR_EINVAL. */
TR_API int tr_rwlock_try_read_lock(tr_rwlock *l);
TR_API int tr_rwlock_try_write_lock(tr_rwlock *l);
/* Give it back, whichever way it was taken.
 * Threads: who has it; never blocks.
 * Errors:  TR_EPERM nobody has it, or another one writes (who reads is not known: one who gives
 *          back what others read is not noticed); TR_EINVAL. */
TR_API int tr_rwlock_unlock(tr_rwlock *l);

typedef struct tr_rwlock_guard {
    tr_rwlock *tr__held; /* NULL: it is not held */
} tr_rwlock_guard;

TR_API tr_rwlock_guard tr__rwlock_enter(tr_rwlock *l, bool to_write, int *rc);
TR_API void tr__rwlock_leave(tr_rwlock_guard *guard);

/* TR_READ_LOCKED(&rc, &l) { }, TR_WRITE_LOCKED(&rc, &l) { }: as TR_LOCKED. */
#define TR_READ_LOCKED(rc, l)                                                                      \
    TR__HELD(__COUNTER__, tr_rwlock_guard, tr__rwlock_leave, tr__rwlock_enter((l), false, (rc)))
#define TR_WRITE_LOCKED(rc, l)                                                                     \
    TR__HELD(__COUNTER__, tr_rwlock_guard, tr__rwlock_leave, tr__rwlock_enter((l), true, (rc)))

/* ---- semaphore ---- */

/* A number of permits. */
typedef struct tr_semaphore {
    uint64_t tr__permits;
    uint64_t tr__opaque[10];
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

#ifdef __cplusplus
}
#endif
#endif
