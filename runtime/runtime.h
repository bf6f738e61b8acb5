/* The one runtime of the process: its loops, its state, and who waits for what.
 *
 * States:  STOPPED -> STARTING -> RUNNING -> STOPPING -> STOPPED, by the threads that start and
 *          stop it,
 * under the gate. `phase` leads the loops through a shutdown: the stopping thread stores it, the
 * loops follow and report, each when it has finished. */
#ifndef TR_RUNTIME_RUNTIME_H
#define TR_RUNTIME_RUNTIME_H

#include "runtime/loop.h"
#include "runtime/thread.h"

typedef enum tr__state {
    TR__STATE_STOPPED,
    TR__STATE_STARTING,
    TR__STATE_RUNNING,
    TR__STATE_STOPPING
} tr__state;

typedef struct tr__runtime_data {
    /* Read by loops and foreign threads. */
    uint32_t phase;      /* tr__phase */
    uint32_t state;      /* tr__state */
    uint32_t loop_count; /* 0 when stopped */
    uint32_t forked;     /* set in a child of fork */
    uint32_t next_entry; /* serves foreign threads in turn */
    tr__loop **loops;
    /* Under the gate. */
    uint32_t users;   /* calls of tr_start not given back */
    uint32_t reports; /* loops that have finished the present phase */
    bool is_stopping; /* a thread is in tr_shutdown */
    tr_config config;
    tr__depot *depot;
} tr__runtime_data;

extern tr__runtime_data tr__runtime;
extern tr__gate tr__runtime_gate;

static inline tr__phase tr__runtime_phase(void)
{
    /* acquire: pairs with the release in enter_phase (stop.c): what the other loops reported before
     * is visible. */
    return (tr__phase)tr__load_acquire_u32(&tr__runtime.phase);
}

static inline tr__state tr__runtime_state(void)
{
    /* acquire: pairs with the release in set_state (start.c): a running runtime is whole. */
    return (tr__state)tr__load_acquire_u32(&tr__runtime.state);
}

/* A loop has finished a phase. */
void tr__runtime_report(tr__loop *loop, tr__phase phase);

/* Set the state; with the gate locked. */
void tr__runtime_set_state(tr__state state);

/* 0 if a thread may use the runtime; else TR_EFORKED or TR_ESHUTDOWN. */
TR__SHARED int tr__runtime_check(void);

/* The loop (from 0) that serves this foreign thread: always the same, so that order holds. */
uint32_t tr__runtime_entry(void);

/* The loop (from 0) that a public loop number names; TR_EINVAL, or TR_ESHUTDOWN. */
int tr__loop_resolve(int loop);

/* Send a parcel to a loop (from 0) from whichever thread this is; a foreign one's goes through that
 * loop's inlet.
 * Errors: TR_ENOMEM; TR_ESHUTDOWN. */
int tr__runtime_post(uint32_t target, const tr__parcel *parcel);

/* Free all that a start made. No loop's thread runs. */
void tr__runtime_clear(uint32_t loops_made);

#endif
