/* Simulation: a whole program in one thread, under a seed.
 *
 * Link with troupe-sim (pkg-config troupe-sim; CMake troupe::troupe-sim) in the place of troupe,
 * and call the program, or a part of it, from tr_sim_run or tr_sim_explore. All loops, the threads
 * of the pools, and threads of tr_sim_thread_start then take turns in one thread. A seed decides
 * which of them goes on at each step where they could meet, how late a sleeper notices that it was
 * woken, in which order descriptors are ready, and what fails. Time is virtual: it passes with the
 * steps, and jumps when all wait, so that an hour of timeouts takes milliseconds. The same seed
 * always does the same. With TROUPE_SIM_TRACE set, every event is printed as it comes.
 *
 * Calls of the C library take part that read a clock or sleep by one (clock_gettime, gettimeofday,
 * sleep, usleep, nanosleep), wait for descriptors (epoll_wait, poll), read and write on pipes and
 * sockets, or make, name, connect and end sockets; and so do libev's timers. They wait in virtual
 * time, and fail by the seed.
 *
 * Sockets of TCP and UDP, and Unix sockets of streams, live in a network of the simulation's own,
 * where what is sent takes virtual time. Nothing ever reaches the real one: what is not simulated
 * fails.
 *
 * What does not take part: threads that the program makes itself, which live in real time, and must
 * not call troupe; and other calls that block in the kernel (select, wait, fgets from a pipe that
 * nobody fills): they block everything. Locks of the program's own must not be held across calls of
 * troupe, nor across those above. */
#ifndef TROUPE_SIM_H
#define TROUPE_SIM_H

#include <troupe/inbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero is the usual; a chance is from 0 to 1. */
typedef struct tr_sim_options {
    /* 0: TROUPE_SEED, or else one by chance. tr_sim_explore begins with it. */
    uint64_t seed;
    /* Chance, at each step, that another thread goes on. 0: the seed chooses how great it is; below
     * 0: threads go on until they wait. */
    double preempt;
    /* Chance that a thread that was woken notices up to 2 ms late. */
    double late;
    /* Chance, at each preemption, that the thread stands still for up to 50 ms. */
    double stall;
    /* Chance that a job of a pool takes up to 1 s longer. */
    double slow_job;
    /* Chance that an allocation fails; that a thread can't be started; that another system call
     * fails: EMFILE for want of a descriptor, EINTR where it waits, EAGAIN where it may not. */
    double fail_memory;
    double fail_thread;
    double fail_call;
    /* Chance that a read or write of a pipe or a stream moves less than it could; that it finds its
     * connection reset: ECONNRESET, and the other side finds it closed. */
    double short_transfer;
    double reset;
    /* Exactly the n-th of all calls that may fail does; 0: by the chances above. */
    uint64_t fail_at;
    /* When a run counts as endless: virtual seconds (0: a day), and steps (0: 100 million). */
    double time_limit;
    uint64_t step_limit;
    /* That the program sees; 0: 2. */
    int cores;
    /* Of the simulated network. What is sent takes up to so many seconds, by the seed (0: 1 ms;
     * below 0: none; at most an hour). */
    double latency;
    /* Chance, each time something is sent over TCP or UDP, that the connection, or the socket, is
     * cut off for up to 30 s: streams wait, datagrams are lost. */
    double partition;
    /* Chance that a datagram is lost; that it comes twice; that later ones overtake it. */
    double drop;
    double duplicate;
    double reorder;
    /* How many seeds tr_sim_explore may run in one process, one after the other; 0: one. More are
     * quicker: most of the time of a short run is that of its process. What a run leaves in the
     * program's own variables, the next one finds. */
    int together;
} tr_sim_options;

/* Of a run. */
typedef struct tr_sim_figures {
    uint64_t seed;
    uint64_t trace; /* a hash of all that happened: the same for the same seed */
    uint64_t steps; /* at which another thread could have gone on */
    uint64_t switches;
    uint64_t preemptions; /* of these, where the thread could have gone on itself */
    uint64_t faults;      /* calls that were made to fail */
    double seconds;       /* virtual */
} tr_sim_figures;

/* Run fn(arg) and all that it starts as a simulation; figures may be NULL. Calls of troupe work
 * only in here: in a program that is linked with troupe-sim, tr_start elsewhere is TR_EWRONGPLACE.
 * At its end nothing may be left: no thread, no open descriptor, no future or other handle that was
 * not given back; and the ledger (tr_stats) of the runtime that was stopped last must balance.
 * A run that leaves something behind, whose threads all wait for each other, or that is endless
 * ends the process, after a report on stderr of what waits for what, the seed, and how to run it
 * again.
 * Threads: one at a time in a process.
 * Errors:  TR_EINVAL; TR_EBUSY there is one already; TR_ENOMEM. */
TR_API int tr_sim_run(void (*fn)(void *arg), void *arg, const tr_sim_options *options,
                      tr_sim_figures *figures);

/* Run it under many seeds, each in a process of its own (or see together), on all cores; a line on
 * stderr shows the progress on a terminal. One that fails (exits with another status than 0,
 * crashes, or hangs) is run again with ever fewer preemptions, as long as it fails; then it is
 * reported, with the last that happened, and how to run it again. With TROUPE_SEED set, only that
 * seed is run, in this process, for a debugger. TROUPE_SEEDS is how many seeds are run instead;
 * with both, it is so many from that one on, in this process.
 * Returns how many seeds failed; it stops at the first.
 * Threads: one at a time in a process.
 * Errors:  TR_EINVAL; TR_EBUSY; TR_ENOMEM; of fork. */
TR_API int tr_sim_explore(void (*fn)(void *arg), void *arg, uint64_t seeds,
                          const tr_sim_options *options);

/* Whether this is called within a simulation. */
TR_API bool tr_sim_is_on(void);
/* Virtual seconds since the run began; 0 outside. */
TR_API double tr_sim_now(void);
/* A number that the seed decides, for the program's own choices; 0 outside. */
TR_API uint64_t tr_sim_random(void);

/* ---- foreign threads of a simulation ---- */

typedef struct tr_sim_thread tr_sim_thread;

/* Start one. It must be joined before the run ends; the name is for reports.
 * Ownership: the name is copied; arg stays the caller's.
 * Threads:   any of the simulation's.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_EWRONGPLACE outside of a simulation. */
TR_API int tr_sim_thread_start(tr_sim_thread **out, const char *name, void *(*fn)(void *arg),
                               void *arg);
/* Wait for its end, and return what it returned.
 * Ownership: the thread is gone.
 * Threads:   any of the simulation's; blocks: no loop. */
TR_API void *tr_sim_thread_join(tr_sim_thread *thread);
/* Block the calling thread for virtual seconds: no loop.
 * Threads: any of the simulation's. */
TR_API void tr_sim_sleep(double seconds);

/* ---- expectations ----
 *
 * A probe is an inbox (tr_inbox_new): give its pid to the actors under test. */

TR_API const void *tr__sim_expect(tr_inbox *in, double timeout, tr_type *type, size_t size,
                                  const char *file, int line);

/* The next message of an inbox, which must come within so many virtual seconds, and be of that
 * type: tr_sim_expect(in, timeout, type), a `const struct type *`. What else happens ends the
 * process, after a line that says what came instead, and where it was not expected.
 * Ownership: as tr_inbox_receive lends it: until the inbox is used next.
 * Threads:   any of the simulation's that may receive from the inbox. */
#define tr_sim_expect(in, timeout, type)                                                           \
    ((const struct type *)tr__sim_expect((in), (timeout), &tr_type_##type, sizeof(struct type),    \
                                         __FILE__, __LINE__))

TR_API void tr__sim_expect_nothing(tr_inbox *in, double seconds, const char *file, int line);

/* Nothing must come for so many virtual seconds; else as above. */
#define tr_sim_expect_nothing(in, seconds)                                                         \
    tr__sim_expect_nothing((in), (seconds), __FILE__, __LINE__)

#ifdef __cplusplus
}
#endif
#endif
