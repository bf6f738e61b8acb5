/* Timers of a loop: a hierarchical timing wheel (Varghese and Lauck, SOSP 1987), so that a million
 * of them are as cheap as one: starting and stopping take constant time, and each timer is moved at
 * most once a level.
 *
 * Time is cut into ticks of 2^17 ns (131 us). Level 0 has a slot for each of the next 256 ticks,
 * level 1 for each of the next 256 times 256, and so on: most timers are due within 8 s, and are
 * moved once. A timer stands at the level of the highest bit in which its tick differs from now, so
 * every timer of a lower level is due before those of a higher.
 *
 * Invariants: bit s of level l is set in occupied if and only if slots[l][s] is not empty; every
 * timer in the wheel is due after `tick`; those that are due stand in `expired`, in any order
 * within a tick.
 *
 * Threads: the loop's own. */
#ifndef TR_RUNTIME_TIMER_H
#define TR_RUNTIME_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/list.h"

#define TR__TICK_SHIFT   17
#define TR__WHEEL_LEVELS 6
#define TR__WHEEL_BITS   8
#define TR__WHEEL_SLOTS  (1U << TR__WHEEL_BITS)
#define TR__WHEEL_WORDS  (TR__WHEEL_SLOTS / 64)

typedef struct tr__timer tr__timer;
typedef void (*tr__timer_fn)(tr__timer *timer);

/* Embed it; zero is a stopped timer. */
struct tr__timer {
    tr__list link;
    uint64_t due_ns;
    tr__timer_fn fire; /* called once; the timer is stopped then, and may be started or freed */
};

typedef struct tr__wheel {
    uint64_t tick;
    size_t count; /* timers, the expired ones included */
    uint64_t occupied[TR__WHEEL_LEVELS][TR__WHEEL_WORDS];
    tr__list slots[TR__WHEEL_LEVELS][TR__WHEEL_SLOTS];
    tr__list expired;
} tr__wheel;

void tr__wheel_init(tr__wheel *wheel, uint64_t now_ns);

/* Start a stopped timer: it fires at due_ns (tr__now_ns) or up to a tick later, never earlier. */
TR__SHARED void tr__timer_start(tr__wheel *wheel, tr__timer *timer, uint64_t due_ns,
                                tr__timer_fn fire);
/* Stop it; nothing happens to one that is stopped. */
TR__SHARED void tr__timer_stop(tr__wheel *wheel, tr__timer *timer);

static inline bool tr__timer_is_started(const tr__timer *timer)
{
    return tr__list_is_linked(&timer->link);
}

/* Fire what is due, at most `most` timers; returns how many. */
size_t tr__wheel_advance(tr__wheel *wheel, uint64_t now_ns, size_t most);

/* When to call tr__wheel_advance again: a lower bound of the next due time; UINT64_MAX: never. */
uint64_t tr__wheel_next_ns(const tr__wheel *wheel);

#endif
