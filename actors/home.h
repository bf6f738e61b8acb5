/* A loop as actors see it: the tr__loop, and what belongs to the actors that live on it.
 *
 * Threads: the loop's own, but for the ledger, whose figures anybody may read. */
#ifndef TR_ACTORS_HOME_H
#define TR_ACTORS_HOME_H

#include "actors/slot.h"
#include "base/list.h"
#include "runtime/runtime.h"

/* What happened in a handler that the dispatcher must look at when it returns. */
#define TR__ATTENTION_KEPT   1U  /* the message was taken away */
#define TR__ATTENTION_EXIT   2U  /* the actor is to end, with frame.reason */
#define TR__ATTENTION_TURN   4U  /* it handles the next message in another way */
#define TR__ATTENTION_TIMED  8U  /* the message is a repeating timer's */
#define TR__ATTENTION_BURIED 16U /* the message is a dead letter already: TR_EUNHANDLED, and KEPT */
#define TR__ATTENTION_FAILED 32U /* EXIT with a reason of its own below 0 */
#define TR__ATTENTION_UNTOLD 64U /* there was no memory to answer it, nor to say so */

/* One running handler; nested where an init runs within another actor's handler. */
typedef struct tr__frame {
    tr_self *self; /* NULL: a loop callback, or nothing, runs. Other threads may read it */
    tr_msg *msg;   /* lent to it; NULL in init and stop */
    uint32_t index;
    uint32_t attention;
    int reason;
    struct tr__frame *outer; /* the handler around this one */
    tr_task *task;           /* that may not await meanwhile: an init within it, say */
} tr__frame;

/* As tr_stats, written by this loop only. */
typedef struct tr__ledger {
    uint64_t sent, handled, returned, expired;
    uint64_t dead_ended, dead_full, dead_unhandled, dead_shutdown, dead_memory;
    uint64_t late_replies, spawned, ended;
} tr__ledger;

/* The names of actors that live here, in chains by slot. */
typedef struct tr__named {
    struct tr__name **chains; /* NULL: there never was one */
    uint64_t mask, count;
} tr__named;

typedef struct tr__home {
    tr__loop loop; /* first */
    tr__frame frame;
    tr__ledger ledger;
    tr__slot_cache slots;
    size_t alive;         /* actors that live here, those that are to start included */
    size_t lasting;       /* of these, the ones that end last in a shutdown */
    uint32_t next_spread; /* for TR_PLACE_SPREAD */
    tr__runnable halt;    /* ends all, in a shutdown */
    uint32_t high_water;  /* the next length of a mailbox that is worth a warning */
    int ending_reason;    /* for the fiber that ends an actor, as it begins */
    bool fiber_has_begun; /* the fiber that was to begin has */
    tr_self *asker;       /* the slot that the requests of tasks belong to; NULL: none yet */
    tr__named named;
} tr__home;

static TR__ALWAYS_INLINE tr__home *tr__home_from(tr__loop *loop)
{
    return (tr__home *)(void *)loop;
}

/* Of this thread; NULL on a foreign one. */
static TR__ALWAYS_INLINE tr__home *tr__home_here(void)
{
    return tr__home_from(tr__loop_here());
}

/* The home if the caller is a handler of this very actor, else NULL. */
static inline tr__home *tr__home_of_handler(const tr_self *self)
{
    tr__home *home = tr__home_here();

    return home != NULL && self != NULL && home->frame.self == self ? home : NULL;
}

static inline bool tr__lives_here(const tr__home *home, tr_pid pid)
{
    return tr__home_of(pid) == home->loop.number;
}

/* Begin and leave the frame of a function of an actor's; saved is the caller's. A task that runs
 * may not await in between: what is on its stack is not the task's own. */
static TR__ALWAYS_INLINE void tr__frame_enter(tr__home *home, tr_self *self, tr__frame *saved)
{
    *saved = home->frame;
    home->frame = (tr__frame){
        .index = tr__slot_index(self),
        .outer = saved,
        .task = home->loop.task,
    };
    home->loop.task = NULL;
    /* relaxed: for another thread that names what runs; the slot's memory is always there. */
    tr__store_relaxed_ptr(&home->frame.self, self);
}

static TR__ALWAYS_INLINE void tr__frame_leave(tr__home *home, const tr__frame *saved)
{
    home->loop.task = home->frame.task;
    home->frame = *saved;
}

/* Whether an actor ends after all others in a shutdown: an inbox. */
extern const tr_actor_class tr__inbox_class;

/* Stands behind the asker, which is no actor: messages to it are unhandled. */
extern const tr_actor_class tr__asker_class;

static inline bool tr__lasts(const tr_self *self)
{
    return self->cls == &tr__inbox_class || self->cls == &tr__asker_class;
}

/* An actor lives here from now on. */
static inline void tr__home_adopt(tr__home *home, const tr_self *self)
{
    home->alive++;
    home->lasting += tr__lasts(self);
}

/* What few actors need. */
struct tr__more {
    tr_receive_fn receive; /* tr_become; NULL: the class's */
    size_t queued_bytes;   /* counted where the mailbox is limited */
    tr__list timers;       /* tr__timed without a key, by link */
    tr__list keyed;        /* and with one */
    struct tr__requests *requests;
    struct tr__fibered *fibered; /* of an actor that awaits, while its handler runs or waits */
};

/* It, made at first use; NULL: out of memory. */
tr__more *tr__more_of(tr__home *home, tr_self *self);

#endif
