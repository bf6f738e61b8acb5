/* Threads, the one way in which a thread blocks for another (the gate), and the right to spin. */
#ifndef TR_RUNTIME_THREAD_H
#define TR_RUNTIME_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/* Start a thread of the library's: named, and with signals blocked, so that they reach the
 * program's own threads. 0, or TR_EAGAIN. */
int tr__thread_new(pthread_t *out, const char *name, void *(*entry)(void *), void *arg);

/* A lock and a condition on the monotonic clock. */
typedef struct tr__gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
} tr__gate;

void tr__gate_init(tr__gate *gate);
void tr__gate_fini(tr__gate *gate);
void tr__gate_lock(tr__gate *gate);
/* false: somebody has it. */
bool tr__gate_try(tr__gate *gate);
void tr__gate_unlock(tr__gate *gate);
/* Tell all who wait; with the lock held. */
void tr__gate_announce(tr__gate *gate);
/* Wait for an announcement, with the lock held; false: deadline_ns (tr__now_ns, UINT64_MAX: none)
 * has passed. It may return true without one. */
bool tr__gate_wait(tr__gate *gate, uint64_t deadline_ns);

/* When `seconds` from now will be over: UINT64_MAX for what is too far away; now for 0 and less.
 * NaN must have been refused. */
uint64_t tr__deadline_ns(uint64_t now_ns, double seconds);

/* A result that another thread hands over, once. */
typedef struct tr__handover {
    tr__gate gate;
    bool done;
    int result;
} tr__handover;

void tr__handover_init(tr__handover *handover);
void tr__handover_complete(tr__handover *handover, int result);
/* Wait for the result; ends the handover. */
int tr__handover_await(tr__handover *handover);

/* ---- spinning ---- */

/* Threads of the library's that want a core now: loops that are not parked, workers that do not
 * sleep. */
extern uint32_t tr__awake;
/* Cores that they share. Written while no thread runs. */
extern uint32_t tr__cores;

/* This thread wants a core from now on, or does not. */
static inline void tr__awake_begin(void)
{
    (void)tr__add_ordered_u32(&tr__awake, 1); /* ordered: a figure; it publishes nothing */
}

static inline void tr__awake_end(void)
{
    (void)tr__add_ordered_u32(&tr__awake, -1U); /* ordered: as above */
}

/* Whether there are cores for all who are awake. Where there are not, who spins keeps from its core
 * the very thread that it waits for. */
static inline bool tr__cores_suffice(void)
{
    return tr__load_relaxed_u32(&tr__awake) <= tr__cores; /* relaxed: a guess */
}

/* The right to spin for work: at most one thread of the process has it, since one is enough to be
 * quick, and two would take the core from somebody who works. */
extern uint32_t tr__spinners;

/* false: somebody else has it, or cores are short. */
static inline bool tr__spin_begin(void)
{
    /* relaxed: only a guess, which spares the line a write.
     * ordered: a token; it publishes nothing. */
    return tr__cores_suffice() && tr__load_relaxed_u32(&tr__spinners) == 0 &&
           tr__cas_ordered_u32(&tr__spinners, 0, 1);
}

static inline void tr__spin_end(void)
{
    /* release: gives the token back. */
    tr__store_release_u32(&tr__spinners, 0);
}

#endif
