/* Blocking work: functions that may block, or compute for long, run on threads of a pool, so that
 * no loop waits for them. A job is a plain function on a foreign thread: it may call whatever a
 * foreign thread may, and must not keep pointers into the stack of a task that does not wait for
 * it. */
#ifndef TROUPE_POOL_H
#define TROUPE_POOL_H

#include <troupe/future.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_pool tr_pool;

/* A job: 0 or more is success, below 0 an error. */
typedef int (*tr_job_fn)(void *arg);

TR_API tr_pool *tr__pool_of_class(int pool_class);

/* For what blocks: files, databases, other people's libraries. At most pool_max threads (see
 * tr_config), started as they are needed, ended when they have been idle for pool_idle_s. */
#define TR_POOL_IO (tr__pool_of_class(0))
/* For what computes: at most one thread a core, or pool_cpu_max. */
#define TR_POOL_CPU (tr__pool_of_class(1))
/* For name resolution (getaddrinfo), which a dead name server may hold up for half a minute: at
 * most pool_dns_max threads, so that it never holds up files. */
#define TR_POOL_DNS (tr__pool_of_class(2))

/* Make a pool of at most max threads; max 1 runs its jobs one after the other, in the order of
 * their submission, as a library wants that is not thread-safe. It runs jobs while the runtime
 * does. *out is NULL on error.
 * Ownership: the caller's, until tr_pool_free; it survives a restart of the runtime. name is
 *            copied (31 characters; threads bear the first few).
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL max is below 1 or above 10,000, or a pointer is NULL;
 *            TR_EFORKED. */
TR_API int tr_pool_new(tr_pool **out, const char *name, int max);

/* Free a pool: jobs are refused from now on, and it returns when all that were accepted have ended.
 * A task that is cancelled waits all the same. NULL is allowed.
 * Threads: tasks; foreign threads (blocks), but for the pool's own.
 * Errors:  TR_EWRONGPLACE elsewhere; TR_EINVAL one of troupe's own pools; TR_EFORKED. */
TR_API int tr_pool_free(tr_pool *pool);

/* Jobs in line: those of a higher priority are taken first, but for every 16th time, when it is the
 * turn of the lowest that is there. Those of one priority are taken in the order of submission. */
#define TR_PRIORITY_HIGH 1
#define TR_PRIORITY_LOW  (-1)

struct tr_semaphore;

/* How to run a job; a field that is 0 takes its default.
 *
 * interrupt: when it is cancelled while it runs, its thread is sent a signal (SIGURG), again and
 * again until it returns, so that a call of the kernel that blocks, such as read, fails with EINTR;
 * the job looks at tr_cancelled then. Other jobs never meet the signal. In a program that uses
 * this, it is troupe's.
 *
 * limit: a permit of it is the job's while it stands in line and runs. So jobs of several kinds
 * share a pool, and none takes all of its threads. A job must not wait for another one with the
 * same limit; the semaphore must live until its last job has ended. */
typedef struct tr_job_options {
    const char *name;           /* for people: a shutdown lists jobs that have not returned. It must
                                   live as long as the job, and its future. Default: the name of
                                   its function */
    int priority;               /* TR_PRIORITY_LOW to TR_PRIORITY_HIGH */
    bool interrupt;             /* see above */
    struct tr_semaphore *limit; /* see above; default: none */
} tr_job_options;

TR_API int tr__pool_run(tr_pool *pool, tr_job_fn fn, void *arg, const char *name);
TR_API int tr__pool_run_with(tr_pool *pool, tr_job_fn fn, void *arg, const char *name,
                             const tr_job_options *options, size_t options_size);

/* Run fn(arg) on a pool, and return its result when it has ended: tr_pool_run(pool, fn, arg). arg
 * may be on the caller's stack. When the caller is cancelled, a job that has not started is taken
 * back and never runs; one that runs is waited for (tr_cancelled tells it), and its own result is
 * returned. A job that calls it for its own pool runs fn itself, at once: else a full pool would
 * wait for itself.
 * Threads: tasks (awaits); foreign threads (blocks).
 * Errors:  fn's own; TR_ECANCELED fn was never called; TR_EWRONGPLACE; TR_EINVAL; TR_EAGAIN no
 *          thread could be started, and the pool has none; TR_ESHUTDOWN (also: the pool is being
 *          freed); TR_EDEADLK the caller is a job, and all threads that could run fn wait for jobs,
 *          in a circle (the log names them); TR_EFORKED. */
#define tr_pool_run(pool, fn, ...) tr__pool_run((pool), (fn), (__VA_ARGS__), #fn)

/* The same with options, which may be NULL: tr_pool_run_with(pool, fn, arg, &options). It waits for
 * a permit of options.limit first. An arg with commas in braces needs parentheses around it.
 * Errors: as tr_pool_run; TR_EINVAL also for a priority out of range; TR_EBUSY the job is to be
 *         interrupted, but the program handles SIGURG itself. */
#define tr_pool_run_with(pool, fn, arg, ...)                                                       \
    tr__pool_run_with((pool), (fn), (arg), #fn, (__VA_ARGS__), sizeof(tr_job_options))

/* tr_pool_run on TR_POOL_IO: tr_to_thread(fn, arg). */
#define tr_to_thread(fn, ...) tr__pool_run(TR_POOL_IO, (fn), (__VA_ARGS__), #fn)

TR_API int tr__pool_submit(tr_future **out, tr_pool *pool, tr_job_fn fn, void *arg,
                           void (*drop)(void *arg), const char *name);
TR_API int tr__pool_submit_with(tr_future **out, tr_pool *pool, tr_job_fn fn, void *arg,
                                void (*drop)(void *arg), const char *name,
                                const tr_job_options *options, size_t options_size);

/* Let a pool run fn(arg), and do not wait: tr_pool_submit(&future, pool, fn, arg, drop). The future
 * ends with fn's error, or with its result and arg as its value, and drop(arg) is then its
 * destructor: so more results can be left in arg. out may be NULL: then nobody waits, and an error
 * is logged. *out is NULL on error.
 * A pool takes so many jobs that wait (1,024 for each thread that it may have); beyond that a task
 * awaits its turn, which has come when its job begins, and others are refused.
 * Ownership: takes arg, also on error: drop(arg) runs exactly once, on whatever thread the job or
 *            its future ends, before the future of a job that failed ends. drop may be NULL; an arg
 *            that is NULL is not dropped. *out is the caller's reference.
 * Threads:   any; only a task may have to await.
 * Errors:    TR_EAGAIN the pool is full, or has no thread and could start none; TR_ENOMEM;
 *            TR_EINVAL; TR_ECANCELED the calling task is cancelled; TR_ESHUTDOWN; TR_EFORKED. */
#define tr_pool_submit(out, pool, fn, arg, ...)                                                    \
    tr__pool_submit((out), (pool), (fn), (arg), (__VA_ARGS__), #fn)

/* The same with options, which may be NULL: tr_pool_submit_with(&future, pool, fn, arg, drop,
 * &options). A task awaits a permit of options.limit; others are refused if there is none.
 * Errors: as tr_pool_submit; TR_EAGAIN also for that; TR_EINVAL also for a priority out of range;
 *         TR_EBUSY as tr_pool_run_with. */
#define tr_pool_submit_with(out, pool, fn, arg, drop, ...)                                         \
    tr__pool_submit_with((out), (pool), (fn), (arg), (drop), #fn, (__VA_ARGS__),                   \
                         sizeof(tr_job_options))

/* Whether the job that calls it has been cancelled: then it should end soon. false on a thread that
 * runs no job.
 * Threads: any; cheap. */
TR_API bool tr_cancelled(void);

#ifdef __cplusplus
}
#endif
#endif
