/* Futures, inside. Each future has a home loop: only there do its waiters stand in a list, touched
 * with plain loads and stores. What is shared is one word, `state`, and what it publishes.
 *
 * state, bits:   CLAIMED    somebody is about to end it: status and value are his to write
 *                ENDED      status and value are there; only the value may still be taken
 *                WAITED     the home loop has waiters, and wants to be told from elsewhere
 *                SLEEPERS   foreign threads sleep on the word
 *                HELD       what works on it keeps it alive, and lets go at the end
 *                the rest   the number of references; without any, and not HELD, it is freed
 *
 * Transitions:   -> | CLAIMED            whoever ends it: compare and swap; only one wins. Not
 *                                        needed where only one ever ends it (a task, a job)
 *                -> | ENDED              the same: an add; linearization point of the end
 *                -> | WAITED             the home loop, before the first waiter: compare and swap,
 *                                        fails once ENDED. Not needed if it ends at home
 *                -> | SLEEPERS           a foreign thread, before it sleeps: likewise
 *                -> & ~HELD              the holder, with ENDED or later
 *
 * The add that sets ENDED returns WAITED and SLEEPERS as they are then: so either the one who ends
 * it sees the waiter, or the waiter sees ENDED. On its home loop waiters are told at once (each is
 * only scheduled, never run, within the call): their list is taken before the add, for afterwards
 * the future may be freed. From elsewhere it posts itself home.
 *
 * A task on another loop waits through a proxy (await.c): the proxy stands in the home's list, and
 * belongs to the waiter's loop otherwise, so that a waiter which gives up never waits for the
 * home.
 *
 * Who may touch what:   kind, depot, home      anybody reads
 *                       status, value, drop    the claimer until ENDED, then anybody reads; value
 *                                              goes to who takes it, by an exchange
 *                       waiters                the home loop
 *                       wake                   who ends it elsewhere, once; then the home loop */
#ifndef TR_RUNTIME_FUTURE_H
#define TR_RUNTIME_FUTURE_H

#include <troupe/future.h>

#include "base/atomic.h"
#include "base/list.h"
#include "base/slab.h"
#include "runtime/observer.h"
#include "runtime/runnable.h"
#include "runtime/wait.h"

#define TR__FUTURE_CLAIMED  1U
#define TR__FUTURE_ENDED    2U
#define TR__FUTURE_WAITED   4U
#define TR__FUTURE_SLEEPERS 8U
#define TR__FUTURE_HELD     16U
#define TR__FUTURE_ONE      32U /* reference */

#define TR__FUTURE_SEEN 1U

/* Told on the home loop when the future has ended; it is off the list then. */
typedef struct tr__waiter {
    tr__list link;
    void (*notify)(struct tr__waiter *waiter, int status);
} tr__waiter;

/* What stands behind a future. */
typedef struct tr__future_kind {
    const char *what; /* "a future" */
    /* Ask that it ends soon; it has not ended yet, as far as the caller knows. Any thread. */
    void (*cancel)(tr_future *f);
    /* What it is, for the log, in storage that lasts until the next call; NULL: as `what`. */
    const char *(*describe)(const tr_future *f);
    /* Who is to end it. NULL: nobody is known. */
    tr__blocker (*blocker)(const tr_future *f);
    /* Before its memory goes; NULL. */
    void (*fini)(tr_future *f);
    bool has_block; /* its value is a block of ours, which who takes it frees */
} tr__future_kind;

struct tr_future {
    const tr__future_kind *kind;
    tr__depot *depot;   /* that its block belongs to; NULL: it is the allocator's */
    uint32_t state;     /* see above */
    int status;         /* 0 or more, or an error */
    uint32_t seen;      /* TR__FUTURE_SEEN: somebody has looked at how it ended, and nothing is
                           logged any more; else 0, or in debug mode the place that wants it */
    uint16_t home;      /* number of the loop (from 1) */
    uint8_t size_class; /* of its block in the depot */
    bool ends_at_home;  /* nobody else ends it */
    void *value;
    void (*drop)(void *value);
    tr__list waiters;
    tr__runnable wake;
};

/* Memory for a block that begins with a future: the loop's slab, or the allocator on a foreign
 * thread, and where it is too large for a slab. The future has one reference, and is not
 * HELD; all behind it is undefined. NULL: out of memory. */
tr_future *tr__future_make(const tr__future_kind *kind, uint16_t home, size_t bytes);

/* End it with a status that is 0 or an error, and a value. false: it had ended before; value has
 * been dropped. Any thread that has a reference. */
bool tr__future_end(tr_future *f, int status, void *value, void (*drop)(void *value));

/* The same by the only one who ever ends it: there is nothing to claim. One that was HELD is so no
 * more: without a reference of his own, the caller must not touch it afterwards. */
void tr__future_publish(tr_future *f, int status, void *value, void (*drop)(void *value));

static inline bool tr__future_has_ended(const tr_future *f)
{
    /* acquire: status and value are visible; pairs with the adds that end it. */
    return (tr__load_acquire_u32(&f->state) & TR__FUTURE_ENDED) != 0;
}

/* Take the value of one that has ended; NULL: there is none, or it was taken. */
void *tr__future_take_value(tr_future *f);

/* One that was just made is somebody's, who called from that place, and is to look at how it ends.
 * */
static inline void tr__future_want(tr_future *f, const void *place)
{
    if (tr__is_debugging())
        f->seen = tr__upper_observer.number_place(place);
}

/* Nobody needs to look at it, unless it fails. */
void tr__future_unwant(tr_future *f);

/* The status of one that has ended, for somebody who looks at it. */
int tr__future_look(tr_future *f);

/* For who waits for one, and says so to people. Any thread that has a reference. */
void tr__future_await_describe(const tr_future *f, tr__awaited *awaited);
/* Block until it has ended; false: deadline_ns has passed before (UINT64_MAX: it has none). Foreign
 * threads. */
bool tr__future_sleep(tr_future *f, uint64_t deadline_ns);
/* Block until one has ended that was cancelled, and so ends soon; returns how. */
int tr__future_wait_joined(tr_future *f);

/* On the home loop: stand in its list. false: it has ended already. */
TR__SHARED bool tr__future_enlist(tr_future *f, tr__waiter *waiter);
/* On the home loop: leave the list; nothing happens to one that was told already. */
TR__SHARED void tr__future_delist(tr__waiter *waiter);

#endif
