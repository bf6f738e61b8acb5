/* Pools of threads, inside.
 *
 * The life of a job, and who may touch it:
 *
 *     made --push--> pushed --gather--> in line --take--> running --> over
 *                                          |
 *                                          +--take back--> its canceller's again
 *
 *     pushed    it stands on the lock-free stack `inlet`; nobody touches it
 *     in line   it stands in the line of its priority; who holds the pool's lock may unlink it.
 *               Whoever takes the lock to find a job gathers the stack into the lines first: so
 *               under the lock a job that is not linked has been taken.
 *     running   one worker's; anybody who has a right to the job may set is_cancelled, and then
 *               take the lock to tell the worker (pool_interrupt.c)
 *     over      is_over is set, and then the job is finished: its task's loop is posted `done`, its
 *               thread is woken, or its future ends. After that no worker touches it.
 *
 * No compare and swap on a state decides whether a job starts or is taken back: the lock does. It
 * is held for moments only, but its holder may be preempted; so a loop only tries to take it, and
 * tries again in its next turn (tr__pool_lock_soon). A state in the job would cost each job a
 * locked instruction more, and spare nobody the lock: the job's memory, a task's stack, can't be
 * left before it is out of the line.
 *
 * Waking. `awake` counts workers that run a job, look for one, or are on their way: woken or being
 * started. Who pushes does nothing more while one is awake and the pool has a keeper, or while all
 * are awake. If none is, it takes the lock and calls the one that fell asleep last, or starts one.
 *
 *     pusher:  push, full fence, read awake           0: call one
 *     worker:  write awake, full fence, read inlet    not empty: stay awake
 *
 * So a job is never left behind while all sleep. But those who are awake may run long jobs: hence a
 * pool with jobs in it has a keeper, a loop that keeps time and calls another worker
 * (pool_keeper.c). One that is called so and leaves jobs in line calls the next, until somebody
 * ends a job, or none is left: so a hundred jobs that block get their threads quickly, and a
 * million small ones need one.
 *
 * Invariants, under the lock: threads = length of `workers` <= max; awake = threads - length of
 * idle; coming + running <= awake; length = jobs in line (more while it gathers); is_ending implies
 * is_closed, and that the inlet is closed; interrupts = workers that are to be interrupted, and
 * while there are any, the pool has a keeper. Outside: if there are jobs that nobody has taken,
 * then a worker is coming or about to look, or the pool has a keeper, or all threads that it may
 * have are awake; and each looks before it sleeps.
 *
 * The memory of a pool that is freed goes only when each loop has passed through a runnable of
 * tr_pool_free's after the last job was over (pool_leave.c). So a loop that has seen a job not over
 * may touch its pool until it returns from what it does; a foreign thread may while it is counted
 * in `inside`. */
#ifndef TR_RUNTIME_POOL_H
#define TR_RUNTIME_POOL_H

#include <pthread.h>
#include <troupe/pool.h>
#include <troupe/runtime.h>

#include "base/list.h"
#include "mailbox/mpsc.h"
#include "runtime/runnable.h"
#include "runtime/thread.h"

#define TR__POOL_NAME_BYTES 32
/* Threads that a pool may have. */
#define TR__POOL_MAX_MOST 10000
/* Jobs of tr_pool_submit that may wait, for each thread that a pool may have. */
#define TR__POOL_BACKLOG 1024

typedef struct tr__job {
    /* What a worker reads before it runs: a cache line. */
    tr__runnable done; /* its link stands on the pool's stack before, in a run queue afterwards */
    tr__list link;     /* in line; zero: not */
    tr_job_fn fn;
    void *arg;
    const char *name;   /* for people, as long as it is not over; NULL */
    uint16_t home;      /* number of the loop that finish or begin posts done to */
    int8_t priority;    /* TR_PRIORITY_LOW to TR_PRIORITY_HIGH */
    bool is_counted;    /* it is one of tr_pool_submit's: admission counts it */
    bool may_interrupt; /* its thread may be sent a signal */
    bool has_begin;
    /* What it writes then. */
    int result;
    uint32_t is_cancelled;
    uint32_t is_over;
    struct tr__stay *stay; /* of the task that waits for it; NULL */
    /* On the worker, after is_over was set: the last that the worker knows of the job. */
    void (*finish)(struct tr__job *job);
    /* On the worker, before it runs, if has_begin. */
    void (*begin)(struct tr__job *job);
} tr__job;

typedef struct tr__worker tr__worker;
struct tr__leave;
struct tr__stay;

struct tr_pool {
    /* Written by who pushes. */
    TR__ALIGNED(TR__CACHE_LINE) tr__inlet inlet;
    uint32_t submitted; /* jobs that admission has counted, ever, modulo 2^32 */
    uint32_t inside;    /* foreign threads that push just now */

    /* Read by who pushes; seldom written. */
    TR__ALIGNED(TR__CACHE_LINE) uint32_t awake;
    uint32_t keeper; /* number of the loop that keeps time; 0: none */
    uint32_t max;
    int nice;            /* so much nicer than the loops its threads are; not below 0 */
    uint32_t interrupts; /* workers that are to be interrupted; changed under the lock */

    /* Under the lock. */
    TR__ALIGNED(TR__CACHE_LINE) pthread_mutex_t lock;
    tr__list line;           /* of the usual priority */
    uint32_t length;         /* of all lines; read by anybody */
    uint32_t taken;          /* jobs, ever, modulo 2^32; read by anybody */
    uint32_t counted_taken;  /* those that admission counts; likewise */
    uint32_t has_priorities; /* 1: a job of another than the usual one has come, ever; set by who
                                pushes it. Not with keeper, which is written for each lone job */
    uint32_t threads;
    uint32_t running;
    uint32_t coming;  /* woken or started, and have not looked yet */
    uint32_t started; /* threads, ever: for their names */
    uint32_t waiting; /* workers whose jobs wait (pool_wait.c) */
    bool is_lost;     /* while a deadlock is looked for: all its threads are */
    bool is_hungry;   /* it was nudged, and no job has ended since */
    bool is_closed;   /* jobs are refused */
    bool is_ending;   /* workers end when they find no job */
    tr__list idle;    /* workers that sleep; the last one fell asleep last */
    tr__list workers;
    struct tr__leave *leave; /* who frees the pool; NULL */
    tr__list high_line;
    tr__list low_line;
    uint32_t passed;            /* jobs that were taken ahead of lower ones, one by one */
    uint64_t interrupt_due_ns;  /* when the next signals are sent; read by the keeper */
    uint64_t interrupt_wait_ns; /* how long before the ones after those */

    /* The keeper's, but for `engage`: who sets keeper posts it there. */
    tr__runnable engage;
    tr__list kept;    /* among the pools that the loop keeps */
    uint32_t seen;    /* what `taken` was */
    bool is_nudged;   /* since `seen` */
    uint64_t seen_ns; /* when; 0: not yet */

    tr__list link; /* among all pools; under their gate */
    bool is_static;
    char name[TR__POOL_NAME_BYTES];
};

struct tr__worker {
    tr__list link;    /* in workers */
    tr__list resting; /* in idle */
    tr_pool *pool;
    const tr__job *job; /* its own: that it runs */
    uint32_t is_called; /* the futex that it sleeps on: 1: it has been woken */
    pthread_t thread;
    bool is_open; /* its own: it can be interrupted */
    /* Under the lock. */
    tr_job_fn fn;            /* of the job that it runs; NULL: none */
    const char *name;        /* likewise */
    const tr__job *current;  /* that it runs, only to compare: it may be over, and gone */
    const tr__job *open_job; /* that it runs, and that may be interrupted: it is not over */
    bool is_interrupted;     /* open_job is to be */
    /* While its job waits. */
    bool is_waiting;
    bool waits_for_ever;      /* without a time limit */
    bool is_lost;             /* while a deadlock is looked for: it would wait for ever */
    const tr__job *waits_for; /* it is there as long; NULL: something else */
    tr_pool *waits_in;        /* the pool of that */
    tr_future *portal;        /* the task that its job has called; NULL */
    const char *portal_name;
};

/* What is known of a job when it is made. */
typedef struct tr__job_terms {
    tr_job_fn fn;
    void *arg;
    void (*drop)(void *arg); /* of tr_pool_submit; NULL */
    const char *name;        /* for people; NULL */
    const void *place;       /* where it was submitted; NULL */
    int8_t priority;
    bool may_interrupt;
    /* Called once when it will not run, or has returned, and before anybody hears of that; NULL. Of
     * tr_pool_submit only. */
    void (*leave)(void *ctx);
    void *leave_ctx;
} tr__job_terms;

/* A job that has these; all else is the caller's to fill in. */
static inline tr__job tr__job_of(const tr__job_terms *terms)
{
    return (tr__job){
        .fn = terms->fn,
        .arg = terms->arg,
        .name = terms->name,
        .priority = terms->priority,
        .may_interrupt = terms->may_interrupt,
    };
}

/* tr_pool_run and tr_pool_submit, whatever the terms. */
int tr__pool_run_job(tr_pool *pool, const tr__job_terms *terms);
int tr__pool_submit_job(tr_future **out, tr_pool *pool, const tr__job_terms *terms);

/* The worker that this thread is; NULL. */
tr__worker *tr__worker_here(void);

/* ---- jobs ---- */

/* Hand a job over.
 * Errors: TR_ESHUTDOWN it is closed; TR_EAGAIN it has no thread and could start none: the job is
 *         the caller's again. */
int tr__pool_push(tr_pool *pool, tr__job *job);
/* The same, for who may be no loop. */
TR__SHARED int tr__pool_push_from_anywhere(tr_pool *pool, tr__job *job);
/* Whether jobs can be handed over here: 0, TR_EINVAL, TR_EFORKED, or TR_ESHUTDOWN. */
int tr__pool_check(const tr_pool *pool, tr_job_fn fn);

typedef enum tr__taking_back {
    TR__TAKEN_BACK, /* it is the caller's, and will not run */
    TR__TAKEN,      /* a worker has it, or it is over */
    TR__NOT_NOW     /* the lock was taken: try again */
} tr__taking_back;

/* Take a job back, on a loop; if it is cancelled, and a worker has it, tell the worker. */
tr__taking_back tr__pool_take_back(tr_pool *pool, tr__job *job);
/* The same for who may be no loop, and knows that the pool is not freed meanwhile. */
tr__taking_back tr__pool_take_back_from_anywhere(tr_pool *pool, tr__job *job);
/* Take a job of tr_pool_submit back if it has not begun, without cancelling it; of who alone may
 * cancel it, and has not. Its future has ended then. false: on a loop, try again. */
bool tr__job_retract(tr_future *f);

/* ---- telling a job that runs (pool_interrupt.c) ---- */

/* With the lock: the worker that has this job, which is cancelled, is to be interrupted, if the job
 * may be. Returns what its job waits for, with a reference, to be cancelled without the lock; NULL:
 * nothing. */
struct tr_future *tr__worker_tell(tr_pool *pool, const tr__job *job);
/* Afterwards, without the lock: see to it that those are interrupted again who miss it. */
void tr__interrupt_watch(tr_pool *pool);
/* On the worker, around the function of a job that may be interrupted; without the lock. */
void tr__interrupt_begin(tr__worker *self);
void tr__interrupt_end(tr__worker *self);
/* On the keeper: interrupt again those that have not noticed. */
void tr__interrupt_again(tr_pool *pool, uint64_t now_ns);

/* ---- jobs that wait (pool_wait.c) ---- */

/* What the job of a worker waits for. */
typedef struct tr__wait_of_job {
    tr_pool *in; /* the pool of a job; NULL: it is something else */
    tr__job *job;
    tr_future *portal; /* a task that the job has called; NULL */
    const char *portal_name;
    bool is_own; /* the job is the caller's alone: if it would never run, it is taken back */
    uint64_t deadline_ns;
    /* Sleep until it has come; false: the deadline has passed. */
    bool (*sleep)(void *ctx, uint64_t deadline_ns);
    void *ctx;
} tr__wait_of_job;

/* On a worker: its job is about to wait; before others can know of a job of its own. */
void tr__worker_wait_begins(tr__worker *self, const tr__wait_of_job *wait);
/* Then: wait.
 * Errors: TR_ETIMEDOUT; TR_EDEADLK it would never come: that is logged. */
int tr__worker_wait(tr__worker *self, const tr__wait_of_job *wait);
/* Or else: it does not wait. */
void tr__worker_wait_ends(tr__worker *self);

/* The job whose future this is, and its pool; NULL: it is no job's. */
tr__job *tr__job_of_future(tr_future *f, tr_pool **pool);

/* ---- the line (pool_line.c) ---- */

/* Lock the pool. A loop only tries for a moment; false: try again later. */
bool tr__pool_lock_soon(tr_pool *pool);
void tr__pool_unlock(tr_pool *pool);

/* Whether there is a job in it that nobody has taken. Any thread; a moment old. */
bool tr__pool_is_empty(const tr_pool *pool);

/* Under the lock: */
/* Move the stack into the line. */
void tr__pool_gather(tr_pool *pool);
/* Take a job out of the line; false: a worker has taken it. */
bool tr__pool_unlink(tr_pool *pool, tr__job *job);
/* The first job in line, off it; NULL. */
tr__job *tr__pool_take(tr_pool *pool);
/* Refuse jobs from now on. */
void tr__pool_refuse(tr_pool *pool);

/* ---- threads (pool_worker.c); under the lock ---- */

/* Wake or start a worker. *woken: it must be woken when the lock is gone, by tr__worker_wake; NULL.
 * Errors: TR_EALREADY there is no job for it; TR_ELIMIT there are as many as there may be;
 *         TR_EAGAIN none could be started. */
int tr__worker_call(tr_pool *pool, tr__worker **woken);
/* Without the lock. NULL is allowed. */
void tr__worker_wake(tr__worker *woken);
/* Refuse jobs, let the workers end when there is none left, and unlock. */
void tr__pool_end(tr_pool *pool);

/* Wait until all threads of all pools have ended that were told to. */
void tr__workers_join(void);
/* Something has come to rest that tr__pools_drain may wait for. */
void tr__pools_announce(void);

/* ---- keeping time (pool_keeper.c) ---- */

/* Let some loop keep time for a pool that is not empty: the caller's, or the one that serves this
 * thread. */
void tr__keeper_engage(tr_pool *pool);

/* For loop.c, of a loop that keeps time for some pools; loop->now_ns is fresh. */
void tr__keeper_look(tr__loop *loop);
/* Whether it should look again very soon: a job was pushed just now. */
bool tr__keeper_is_curious(const tr__loop *loop);
/* When a loop that keeps time for some pools must look again, at the latest. */
uint64_t tr__keeper_due_ns(const tr__loop *loop, uint64_t now_ns);
/* On a loop: forget a pool that is freed. */
void tr__keeper_forget(tr__loop *loop, tr_pool *pool);

/* ---- leaving (pool_leave.c) ---- */

/* The last worker of a pool that is freed has ended, and touches it no more. */
void tr__leave_go_on(struct tr__leave *leave);

/* ---- all pools (pools.c) ---- */

/* A job for people: its name, that of its function if other libraries may see it, and the address.
 */
enum { TR__JOB_TEXT_BYTES = 96 };
void tr__job_describe(char text[TR__JOB_TEXT_BYTES], tr_job_fn fn, const char *name);

/* How long a worker spins for work, and how long it sleeps before it ends. */
extern uint64_t tr__pools_spin_ns;
extern uint64_t tr__pools_idle_ns;

/* The runtime starts: pools accept jobs. */
void tr__pools_open(const tr_config *config);
/* Refuse jobs from now on. */
void tr__pools_close(void);
/* Wait until all that was accepted is over; false: out of time. Loops must still turn. */
bool tr__pools_drain(uint64_t deadline_ns);
/* Name what is not over, in the log. */
void tr__pools_name_busy(void);
/* End all threads; after tr__pools_drain. */
void tr__pools_join(void);
/* Add the figures of jobs that were no task's own; those are in the loops' tallies. */
void tr__pools_add_stats(tr_stats *sum);
/* Call fn(pools, arg) with the list of all pools and all their locks. */
void tr__pools_freeze(void (*fn)(tr__list *pools, void *arg), void *arg);
/* Take a pool off the list of all. */
void tr__pools_remove(tr_pool *pool);

typedef enum tr__job_figure { TR__JOB_SUBMITTED, TR__JOB_RUN, TR__JOB_CANCELLED } tr__job_figure;
/* Count a job that is not a task's own. */
void tr__pools_count(tr__job_figure figure);

#endif
