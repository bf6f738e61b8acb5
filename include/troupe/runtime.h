/* The runtime: its loops, starting and stopping it, and ways onto a loop from elsewhere. */
#ifndef TROUPE_RUNTIME_H
#define TROUPE_RUNTIME_H

#include <troupe/core.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop;

/* Loops are named by small integers: 0 leaves the choice to troupe, TR_LOOP(n) is the n-th, from 0
 * to tr_loop_count() - 1. */
#define TR_LOOP_ANY 0
#define TR_LOOP(n)  ((n) + 1)

/* How the runtime is set up. A field that is 0 takes its default, which the named environment
 * variable may set. */
typedef struct tr_config {
    int loops;          /* TROUPE_LOOPS; default: a loop for each core that this process may use
                            (affinity mask and cgroup quota are respected); at most 1024 */
    int budget_msgs;    /* TROUPE_BUDGET; messages that one activation handles at most; 65536 */
    int spin_us;        /* TROUPE_SPIN_US; how long an idle loop spins before it blocks,
                            microseconds; 50; below 0: never. Ignored (never) where there are
                            more loops than cores, or only one core */
    double shutdown_s;  /* TROUPE_SHUTDOWN_S; the grace that tr_shutdown(0) gives, seconds; 10 */
    int signals;        /* tr_run and tr_main: below 0: SIGINT and SIGTERM do what they did before;
                          default: they cancel the task */
    size_t stack_bytes; /* TROUPE_STACK_BYTES; of a task's stack, 16 KiB to 1 GiB; 64 KiB */
    int stack_guards;   /* TROUPE_STACK_GUARDS; below 0: no page that catches an overflow lies below
                           a stack; default: it does */
    int pool_max;       /* TROUPE_POOL_MAX; threads of TR_POOL_IO at most, up to 10,000; 64 */
    double pool_idle_s; /* TROUPE_POOL_IDLE_S; how long a pool's thread waits for work before it
                           ends, seconds; 10 */
    int debug;          /* TROUPE_DEBUG; above 0: debug mode, which looks for mistakes, and names
                           them in the log; it costs time and memory. See troupe/observe.h */
    int slow_ms;        /* TROUPE_SLOW_MS; in debug mode: a handler, a callback, or a task between
                           two awaits that takes longer is named, milliseconds; 100 */
    int pool_cpu_max;   /* TROUPE_POOL_CPU_MAX; threads of TR_POOL_CPU at most, up to 10,000; a
                           thread for each core that this process may use */
    int pool_dns_max;   /* TROUPE_POOL_DNS_MAX; threads of TR_POOL_DNS at most, up to 10,000; 16 */
    int pool_cpu_nice;  /* TROUPE_POOL_CPU_NICE; so much nicer than the loops (see nice(2)) are the
                           threads of TR_POOL_CPU, and those that its jobs start: who computes
                           keeps no loop waiting; up to 19; below 0: not at all; 10 */
} tr_config;

/* Start the runtime, or count one more user of it if it runs. cfg may be NULL; a running runtime
 * keeps the configuration it has.
 * Threads: foreign threads only.
 * Errors:  TR_EINVAL a field is out of range; TR_ENOMEM; TR_EAGAIN a thread could not be started;
 *          -EMFILE, -ENFILE no descriptors are left (a loop takes two);
 *          TR_EWRONGPLACE called on a loop; TR_ESHUTDOWN a shutdown has begun and not ended;
 *          TR_EFORKED in a child of fork. */
TR_API int tr_start_sized(const tr_config *cfg, size_t cfg_size);
static inline int tr_start(const tr_config *cfg)
{
    return tr_start_sized(cfg, sizeof(tr_config));
}

/* Give back one tr_start. The last one stops the runtime: spawning and sending from outside are
 * refused from now on, actors with messages waiting get one more turn, then every actor is stopped
 * (its stop function runs), loop callbacks already posted are run, and the loops' threads end. What
 * is still queued then becomes dead letters. grace_seconds bounds the whole; 0 or less: the
 * configured grace.
 * Threads: foreign threads only; blocks.
 * Errors:  TR_ETIMEDOUT something did not finish in time: it has been named in the log, and the
 *          runtime is still stopping; call again to wait for it. TR_ESHUTDOWN not started.
 *          TR_EBUSY another thread is in tr_shutdown. TR_EWRONGPLACE called on a loop. TR_EINVAL
 *          NaN. TR_EFORKED. */
TR_API int tr_shutdown(double grace_seconds);

/* How many loops there are; 0 when the runtime is not started.
 * Threads: any. */
TR_API int tr_loop_count(void);

/* The loop that the caller runs on, as TR_LOOP(n); TR_EWRONGPLACE on a foreign thread.
 * Threads: any. */
TR_API int tr_loop_current(void);

/* The libev loop under a loop, for guests: any libev watcher works on it, and so does any library
 * with a libev adapter. Start and stop watchers on that loop only, and stop them before it closes
 * (tr_loop_on_close). A watcher's callback is a loop callback. (libev itself ends the process where
 * it can't get memory for a watcher.)
 * Ownership: the runtime's; valid until the runtime stops.
 * Threads:   only on that loop (TR_LOOP_ANY: the loop of the caller); elsewhere it is NULL.
 * Errors:    NULL. */
TR_API struct ev_loop *tr_loop_ev(int loop);

/* Call fn(arg) on the caller's loop when that loop closes, after its actors have ended. The last
 * one registered is called first.
 * Threads: only on a loop.
 * Errors:  TR_EWRONGPLACE; TR_ENOMEM; TR_EINVAL fn is NULL; TR_ESHUTDOWN the loop is closing
 *          already. */
TR_API int tr_loop_on_close(void (*fn)(void *arg), void *arg);

/* Call fn(arg) on a loop, soon. Calls posted by one thread to one loop run in the order posted.
 * TR_LOOP_ANY: the caller's own loop, or the one that serves this foreign thread.
 * Ownership: arg stays the caller's until fn is called. What was accepted is called, also during a
 *            shutdown.
 * Threads:   any; never blocks.
 * Errors:    TR_ENOMEM; TR_EINVAL no such loop, or fn is NULL; TR_ESHUTDOWN; TR_EFORKED. */
TR_API int tr_post(int loop, void (*fn)(void *arg), void *arg);

/* Call fn(arg, signo) on loop 0 each time the process receives a signal (several may be merged into
 * one call, as POSIX does). fn NULL ends it and restores what the signal did before (for a moment
 * in between it has its default action).
 * Threads: any; blocks a foreign thread until it is in force.
 * Errors:  TR_EINVAL a signal that can't be caught; TR_ENOMEM; TR_ESHUTDOWN; TR_EWRONGPLACE on a
 *          loop other than 0. */
TR_API int tr_on_signal(int signo, void (*fn)(void *arg, int signo), void *arg);

/* The ledger. At rest, sent = handled + returned + expired + late_replies + all dead letters +
 * queued; after a shutdown nothing is queued. */
typedef struct tr_stats {
    uint64_t sent;           /* messages given to tr_send and its kin, answers, timers' messages */
    uint64_t handled;        /* a handler saw it, and knew it */
    uint64_t returned;       /* given back to the sender: tr_try_send_msg, tr_timer_cancel */
    uint64_t expired;        /* requests whose time had passed before they were handled */
    uint64_t dead_ended;     /* the receiver had ended, or ended before it came to it */
    uint64_t dead_full;      /* refused or dropped by a full mailbox */
    uint64_t dead_unhandled; /* the handler answered TR_UNHANDLED */
    uint64_t dead_shutdown;  /* still queued when the runtime stopped */
    uint64_t dead_memory;    /* there was no memory for it */
    uint64_t late_replies;   /* answers that came after the asker had given up, or been answered */
    uint64_t spawned;        /* actors whose init succeeded */
    uint64_t ended;          /* actors that have ended */
    uint64_t tasks_spawned;  /* tasks that were accepted */
    uint64_t tasks_ended;
    uint64_t jobs_submitted; /* jobs that a pool has accepted */
    uint64_t jobs_run;       /* jobs whose function has returned */
    uint64_t jobs_cancelled; /* jobs that were taken back before they began */
} tr_stats;

/* What has happened since tr_start, summed over all loops; also callable after a shutdown, until
 * the next start. Figures of running loops are a moment old.
 * Threads: any.
 * Errors:  TR_EINVAL out is NULL, or its size unknown. */
TR_API int tr_stats_get_sized(tr_stats *out, size_t out_size);
static inline int tr_stats_get(tr_stats *out)
{
    return tr_stats_get_sized(out, sizeof(tr_stats));
}

#ifdef __cplusplus
}
#endif
#endif
