/* A loop: one thread, one libev loop, one run queue, its timers, and its ways in.
 *
 * A turn: land what has come (lanes from other loops, the inlet), run activations, publish what
 * they sent, look at the clock now and then; poll I/O when 20 us of work have passed. A loop with
 * nothing to do spins for a while, then parks in libev.
 *
 * Ways onto another loop: messages and calls by tr__loop_carry from a loop and tr__port_post from
 * elsewhere; all that is to run there by tr__loop_post.
 *
 * Threads: all fields are the loop's own, but for those under 'shared'. */
#ifndef TR_RUNTIME_LOOP_H
#define TR_RUNTIME_LOOP_H

#include <pthread.h>
#include <troupe/runtime.h>

#include "base/slab.h"
#include "mailbox/spsc.h"
#include "runtime/layer.h"
#include "runtime/context.h"
#include "runtime/port.h"
#include "runtime/runnable.h"
#include "runtime/stack.h"
#include "runtime/timer.h"

struct ev_loop;
typedef struct tr_task tr_task;

/* What a loop may still do: each phase of a shutdown begins when every loop has finished the one
 * before. */
typedef enum tr__phase {
    TR__PHASE_RUN,
    TR__PHASE_CEASE, /* tasks are cancelled, and end; actors still serve them */
    TR__PHASE_HALT,  /* the inlet is closed; everything that lives here ends */
    TR__PHASE_SEAL,  /* nothing leaves this loop any more */
    TR__PHASE_DRAIN, /* all that was sent has landed */
    TR__PHASE_QUIT   /* the thread ends */
} tr__phase;

/* The way to one other loop (or to itself, for calls). */
typedef struct tr__outlet {
    tr__lane *lane; /* made at first use */
    bool is_dirty;  /* it stands in the loop's list of outlets with unpublished parcels */
} tr__outlet;

/* Figures of tr_stats, written by this loop only. */
typedef struct tr__tally {
    uint64_t tasks_spawned, tasks_ended;
    uint64_t jobs_submitted, jobs_run, jobs_cancelled; /* that tasks wait for */
} tr__tally;

typedef struct tr__closer {
    struct tr__closer *next;
    void (*fn)(void *arg);
    void *arg;
} tr__closer;

struct tr__loop {
    /* Hot: every activation. */
    tr__run_queue queue;
    uint32_t number; /* 1 to the number of loops */
    int32_t credit;  /* work left until the next look at the clock */
    uint32_t dirty_count;
    uint32_t budget;      /* messages that an activation handles at most */
    tr__outlet *outlets;  /* one a loop */
    uint16_t *dirty;      /* numbers, minus one, of the dirty outlets */
    uint64_t now_ns;      /* at the last look at the clock; other threads may read it */
    tr_task *task;        /* that runs, and may await now; NULL */
    tr__context context;  /* the loop's own, while a task runs */
    uint32_t suspensions; /* of tasks that wait, so far */
    tr__slab slab;
    tr__stack_pool stacks;

    /* Warm: every turn. */
    uint64_t polled_ns;     /* when I/O was polled last */
    int32_t credit_granted; /* at the last look */
    int32_t credit_then; /* at now_ns: as long as it is the same, no activation has ended since */
    uint32_t loops;
    tr__phase phase;      /* that this loop has entered */
    tr__phase phase_done; /* that it has reported as finished */
    bool starved;         /* a parcel could not land for want of memory */
    bool has_company;     /* something has landed since the loop last spun in vain */
    tr__link *letters;    /* taken from the inlet, not landed yet */
    tr__port *port;

    /* Cold. */
    struct ev_loop *ev;
    struct tr__watchers *watchers;
    tr__list tasks;       /* that live here, but for children of scopes and those of actors */
    tr__list thens;       /* continuations that are to be called here */
    tr__list kept;        /* pools that it keeps time for */
    uint64_t proxies;     /* that are out for tasks and continuations of this loop: see await.c */
    uint64_t tasks_alive; /* all but those of actors, and under them */
    tr__tally tally;
    tr__closer *closers;
    uint64_t spin_ns;   /* 0: never */
    void *signal_stack; /* for the handler of overflows; NULL: none is needed */
    pthread_t thread;
    tr__wheel wheel;

    /* Shared: lanes_in[n] is made by loop n at first use (release), and read here (acquire). */
    TR__ALIGNED(TR__CACHE_LINE) tr__lane **lanes_in;
    tr__phase reported;  /* as finished; under the runtime's gate */
    bool is_naming;      /* `naming` is on its way, or runs; under the gate */
    tr__runnable naming; /* names the tasks that are left */
};

/* The loop of this thread, or NULL. Initial-exec: one instruction; the library must not be loaded
 * so late that static thread-local space has run out. */
TR__SHARED extern TR__THREAD_LOCAL_FAST tr__loop *tr__loop_of_thread;

static TR__ALWAYS_INLINE tr__loop *tr__loop_here(void)
{
    return tr__loop_of_thread;
}

/* Around a function of the user's that must not await: what is on the stack is not only the
 * task's. */
static inline tr_task *tr__await_forbid(tr__loop *loop)
{
    tr_task *task = NULL;

    if (loop != NULL) {
        task = loop->task;
        loop->task = NULL;
    }
    return task;
}

static inline void tr__await_allow(tr__loop *loop, tr_task *task)
{
    if (loop != NULL)
        loop->task = task;
}

/* ---- for the loop itself ---- */

/* Make and free a loop; no thread runs it. loop_bytes of the upper layer are given. */
int tr__loop_new(tr__loop **out, uint32_t number, uint32_t loops, const tr_config *config,
                 tr__depot *depot);
void tr__loop_free(tr__loop *loop);
/* The life of the loop's thread. */
void *tr__loop_main(void *loop);

/* ---- for what runs on it ---- */

/* Let it run, after those that wait already. */
static TR__ALWAYS_INLINE void tr__loop_schedule(tr__loop *loop, tr__runnable *runnable)
{
    tr__run_queue_push_local(&loop->queue, runnable);
}

/* The slow parts of tr__loop_carry. */
int tr__loop_open_lane(tr__loop *loop, uint32_t target);
void tr__loop_publish_outlet(tr__loop *loop, uint32_t target);

/* Let the other loops see all that is staged for them, and wake those that sleep. */
void tr__loop_publish(tr__loop *loop);

/* How many parcels may be staged before they are published within an activation, so that the other
 * side can begin. */
#define TR__PUBLISH_EVERY 64

/* Let a runnable run on loop `number` (from 1), which may be this one. It needs no memory. false:
 * that loop has quit; the runnable is still the caller's.
 * Threads: any. */
TR__SHARED bool tr__loop_post(uint32_t number, tr__runnable *runnable);

/* Send a parcel to loop number target + 1, in order; it is published at the end of the activation.
 * Errors: TR_ENOMEM; TR_ESHUTDOWN this loop is sealed. */
static inline int tr__loop_carry(tr__loop *loop, uint32_t target, const tr__parcel *parcel)
{
    tr__outlet *outlet = &loop->outlets[target];

    if (TR__UNLIKELY(loop->phase >= TR__PHASE_SEAL))
        return TR_ESHUTDOWN;
    if (TR__UNLIKELY(outlet->lane == NULL) && tr__loop_open_lane(loop, target) < 0)
        return TR_ENOMEM;
    if (TR__UNLIKELY(!tr__lane_stage_spsc(outlet->lane, parcel)))
        return TR_ENOMEM;
    if (!outlet->is_dirty) {
        outlet->is_dirty = true;
        loop->dirty[loop->dirty_count++] = (uint16_t)target;
    } else if (TR__UNLIKELY(tr__lane_unpublished(outlet->lane) >= TR__PUBLISH_EVERY)) {
        tr__loop_publish_outlet(loop, target);
    }
    return 0;
}

#endif
