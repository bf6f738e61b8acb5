/* Exhaustive runs: all interleavings of a small program with at most so many preemptions, one after
 * the other (Musuvathi and Qadeer, PLDI 2007: few preemptions find most bugs); and if asked for,
 * with at most so many stores that become visible later than what the same thread does next.
 *
 * A delayed store waits in its thread's buffer until that thread fences, does a locked instruction
 * or a release store, waits, or ends. So memory must not be freed, nor written without atomics,
 * while a store to it may wait: this is for single protocols, not for whole programs. */
#ifndef TR_SIM_EXHAUST_H
#define TR_SIM_EXHAUST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tr__exhaust_options {
    int preemptions;
    int delays;
} tr__exhaust_options;

/* Run fn(arg) in all ways; returns how many there were. What fails ends the process, after a
 * report. 0: out of memory, or too many decisions in one run. */
uint64_t tr__exhaust(void (*fn)(void *arg), void *arg, const tr__exhaust_options *options);

/* In a run: from now on all goes the usual way, as in the start of a runtime on which the protocol
 * runs; or, again, all ways. */
void tr__exhaust_pause(void);
void tr__exhaust_resume(void);

/* ---- for schedule.c ---- */

/* Whether the present run is one of these. */
extern bool tr__exhausting;
/* Which of so many ways to go: 0 is the usual one. The others cost one preemption (is_preemption),
 * or nothing. */
uint32_t tr__exhaust_decide(uint32_t ways, bool is_preemption);
/* All that any thread has stored becomes visible. */
void tr__sim_drain_all(void);

#endif
