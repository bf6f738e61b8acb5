/* A loop's door to the outside: its two inlets, and the flag and descriptor by which it is woken.
 * Ports are static, so that a foreign thread that comes too late finds a closed door, not freed
 * memory.
 *
 * Letters (messages and calls of foreign threads) are refused as soon as a shutdown lets actors
 * end. Runnables (tasks that go on, pool jobs that have ended, futures that were resolved) need no
 * memory, and are taken until the loop quits: so nothing that has begun is left hanging.
 *
 * Park and wake. States of `sleep`:
 *
 *     AWAKE ----- owner, before it blocks ----> ASLEEP     compare and swap
 *     ASLEEP ---- owner, when it comes back --> AWAKE      compare and swap
 *     ASLEEP ---- anybody who brings work ----> WAKING     compare and swap
 *     WAKING ---- the same, after signalling -> AWAKE      release store
 *
 * The sleeper sets ASLEEP, then (full fence) looks at every inlet once more, then blocks. Who
 * brings work publishes it, then (full fence) reads `sleep`. So one of the two sees the other:
 * either the sleeper finds the work, or the bringer finds it asleep; without both fences 24 of 3
 * million wake-ups were lost in a trial. Nobody but the bringer leaves WAKING, and only from AWAKE
 * can the owner fall asleep: so a signal in flight never meets a closed descriptor, nor a later
 * sleep. */
#ifndef TR_RUNTIME_PORT_H
#define TR_RUNTIME_PORT_H

#include "base/compiler.h"
#include "mailbox/mpsc.h"
#include "runtime/runnable.h"

#define TR__LOOPS_MAX 1024

enum { TR__AWAKE, TR__ASLEEP, TR__WAKING };

typedef struct tr__port {
    /* Written by foreign threads. */
    TR__ALIGNED(TR__CACHE_LINE) tr__inlet inlet; /* of letters */
    tr__inlet runs;                              /* of runnables */
    uint32_t
        tasks_coming; /* sent from elsewhere, by lanes, too; the loop has not counted them yet */
    /* Written when the loop parks, and by who wakes it. */
    TR__ALIGNED(TR__CACHE_LINE) uint32_t sleep;
    int wake_fd; /* of the owner; written while `sleep` is AWAKE and the inlet closed */
} tr__port;

extern tr__port tr__ports[TR__LOOPS_MAX];

/* Wake a loop whose `sleep` was seen to be ASLEEP. */
void tr__port_wake(tr__port *port);

/* After publishing work and a full fence: wake the loop if it sleeps. */
static inline void tr__port_ring(tr__port *port)
{
    /* relaxed: the caller's full fence orders it after what was published. */
    if (TR__UNLIKELY(tr__load_relaxed_u32(&port->sleep) == TR__ASLEEP))
        tr__port_wake(port);
}

/* Put a letter in, and wake the loop if need be. false: closed; the letter is still the caller's.
 * Threads: any. */
bool tr__port_post(tr__port *port, tr__letter *letter);
/* The same for a runnable, which is to run on the loop. */
bool tr__port_post_run(tr__port *port, tr__runnable *runnable);

/* Owner: AWAKE -> ASLEEP, a full fence; false: a signal is still in flight, do not block. */
bool tr__port_fall_asleep(tr__port *port);
/* Owner: back from sleep, or from the decision to sleep. */
void tr__port_wake_up(tr__port *port);
/* Owner: wait until no signal is in flight; then the descriptor may be closed. */
void tr__port_settle(tr__port *port);

#endif
