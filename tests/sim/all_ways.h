/* Small programs in all their interleavings (sim/exhaust.h): threads, and tasks on two loops. */
#ifndef TR_TESTS_ALL_WAYS_H
#define TR_TESTS_ALL_WAYS_H

#include <stdio.h>

#include <troupe.h>
#include <troupe/check.h>
#include <troupe/sim.h>

#include "base/assert.h"
#include "sim/exhaust.h"

/* What must hold in each of them. */
#define HOLDS(x) TR_ASSERT(x)

/* A sanitizer makes them slow, and looks for something else than their order: there, they are the
 * ways with a preemption less. So it is on an emulator. */
#if defined(__SANITIZE_ADDRESS__) || defined(KIT_EMULATED)
enum { PREEMPTIONS_SPARED = 1 };
#else
enum { PREEMPTIONS_SPARED = 0 };
#endif

/* All ways of a program, with so many preemptions, and stores that are seen late; how many there
 * were is printed, and must be several. */
static inline void go_all_ways_late(const char *name, void (*fn)(void *arg), int preemptions,
                                    int delays)
{
    const tr__exhaust_options options = {
        preemptions > PREEMPTIONS_SPARED ? preemptions - PREEMPTIONS_SPARED : preemptions, delays
    };
    uint64_t ways = tr__exhaust(fn, NULL, &options);

    printf("%-31s %8llu ways: %d preemptions, %d late stores\n", name, (unsigned long long)ways,
           options.preemptions, delays);
    ck_assert_uint_gt(ways, 10);
}

static inline void go_all_ways(const char *name, void (*fn)(void *arg), int preemptions)
{
    go_all_ways_late(name, fn, preemptions, 0);
}

static inline tr_sim_thread *start(const char *name, void *(*fn)(void *arg), void *arg)
{
    tr_sim_thread *thread;

    HOLDS(tr_sim_thread_start(&thread, name, fn, arg) == 0);
    return thread;
}

/* ---- tasks on two loops ---- */

/* How many have something to do with each other yet: only meanwhile there is more than one way. */
static int parties;

/* In the root task: so many begin, and each says when it is through. */
static inline void all_ways_of(int count)
{
    parties = count;
    tr__exhaust_resume();
}

static inline void is_through(void)
{
    if (--parties == 0)
        tr__exhaust_pause();
}

/* A runtime of two loops, that starts and stops the usual way; the root task is on the first. */
static inline void run_on_two_loops(int (*root)(void *arg))
{
    tr__exhaust_pause();
    HOLDS(tr_run(root, NULL,
                 &(tr_config){ .loops = 2, .signals = -1, .spin_us = -1, .stack_guards = -1 }) ==
          0);
}

/* A task of the second loop. */
static inline tr_task *begin_afar(int (*fn)(void *arg), void *arg)
{
    tr_task *task;

    HOLDS(tr_task_spawn_on(&task, TR_LOOP(1), fn, arg) == 0);
    return task;
}

static inline int end_of(tr_task *task)
{
    int rc = tr_task_wait(task, TR_FOREVER);

    tr_task_unref(task);
    return rc;
}

#endif
