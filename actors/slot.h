/* An actor's slot: 64 bytes, one cache line, all that a message needs of its receiver.
 *
 * Slots are type-stable: they are never unmapped while the runtime runs, and handed out again with
 * a higher generation, so that a stale pid is recognised. A pid is generation << 32 | index; an
 * actor's generation is odd while it lives, even while the slot is free. A slot whose generation
 * would wrap is retired.
 *
 * Home: home[index] is the number of the loop that the actor lives on, 0 if the slot was never
 * used. Only the actor's home loop touches its slot, with plain loads and stores. Senders read
 * home[] only, a table apart, so that they never touch the slot's line.
 *
 * The life of an actor is told by its run function:
 *
 *     start --init--> plain, or full if it has limits or another behaviour --> end
 *       |                                                                     ^
 *       +---- refused --------------------------------------------------------+
 *
 * tr_stop and the like set `end` and schedule it: so they overtake all messages, and the plain path
 * never asks. */
#ifndef TR_ACTORS_SLOT_H
#define TR_ACTORS_SLOT_H

#include <troupe/actor.h>

#include "base/atomic.h"
#include "mailbox/mailbox.h"
#include "runtime/runnable.h"

typedef struct tr__more tr__more;

/* word: flags below, the number of queued messages above. */
#define TR__SLOT_QUEUED       UINT32_C(1) /* on the run queue, or running */
#define TR__SLOT_LIMITED      UINT32_C(2) /* its mailbox has limits: a push must look at them */
#define TR__SLOT_STARTING     UINT32_C(4) /* its init has not run; state is its tr__start */
#define TR__SLOT_ENDING_SHIFT 3           /* three bits: why it is to end (end.c), 0: it is not */
#define TR__SLOT_ENDING       (UINT32_C(7) << TR__SLOT_ENDING_SHIFT)
#define TR__SLOT_NAMED        UINT32_C(64) /* it has a name, or had one */
#define TR__SLOT_COUNT_SHIFT  8
#define TR__SLOT_COUNT_ONE    (UINT32_C(1) << TR__SLOT_COUNT_SHIFT)
#define TR__SLOT_COUNT_MAX    UINT32_C(16000000)

struct tr_self {
    tr__runnable runnable;
    tr__mailbox mailbox;
    uint32_t generation;
    uint32_t word;
    const tr_actor_class *cls;
    void *state;    /* while it is to start: its tr__start */
    tr__more *more; /* what few actors need; NULL */
};

_Static_assert(sizeof(struct tr_self) == TR__CACHE_LINE, "one line a slot");

static inline uint32_t tr__slot_queued(const tr_self *self)
{
    return self->word >> TR__SLOT_COUNT_SHIFT;
}

/* ---- the table ---- */

/* 67 million slots: 4 GiB of address space, and memory as they are used. Emulators do something for
 * each page of it, also while nothing is there, so tests that run under one have a smaller table
 * (CMakePresets.json). */
#ifndef TR__SLOTS_SHIFT
#define TR__SLOTS_SHIFT 26
#endif
#define TR__SLOTS_MAX (UINT32_C(1) << TR__SLOTS_SHIFT)
#define TR__SLOT_MASK (TR__SLOTS_MAX - 1)

typedef struct tr__table {
    tr_self *slots;
    uint16_t *home;
} tr__table;

extern tr__table tr__slots;

/* Slots for one user (a loop, or all foreign threads together): a magazine of free ones, a full one
 * in reserve, and a block of fresh ones. As with slabs, full magazines flow through a depot. */
typedef struct tr__slot_cache {
    tr_self *top;
    uint32_t count;
    tr_self *spare;
    uint32_t fresh; /* slots [fresh, fresh_end) were never used in this run */
    uint32_t fresh_end;
} tr__slot_cache;

/* Reserve the table. 0, or TR_ENOMEM. */
int tr__table_open(void);
/* Give it back; pids of this run stay stale in all later ones. */
void tr__table_close(void);
/* Indices from 1 to this one, exclusive, may have been used. */
uint32_t tr__table_end(void);

/* A free slot (generation even), its home not set; NULL with *error TR_ENOMEM or TR_ELIMIT. */
tr_self *tr__slot_take(tr__slot_cache *cache, int *error);
/* Give back a slot whose generation has become even. */
void tr__slot_give(tr__slot_cache *cache, tr_self *self);

static inline uint32_t tr__slot_index(const tr_self *self)
{
    return (uint32_t)(self - tr__slots.slots);
}

static inline tr_pid tr__slot_pid(const tr_self *self)
{
    return (tr_pid){ (uint64_t)self->generation << 32 | tr__slot_index(self) };
}

static TR__ALWAYS_INLINE uint32_t tr__pid_index(tr_pid pid)
{
    return (uint32_t)pid.tr__id & TR__SLOT_MASK;
}

/* The number of the loop that a slot's actor lives on; 0: nobody ever did.
 * acquire: pairs with the release in tr__slot_settle: the new home's slot is whole. */
static TR__ALWAYS_INLINE uint32_t tr__home_of(tr_pid pid)
{
    return tr__load_acquire_u16(&tr__slots.home[tr__pid_index(pid)]); /* acquire: see above */
}

/* On the home loop: the actor that a pid names, or NULL. (A generation is odd while the actor
 * lives: so a forged even one never names a free slot.) */
static TR__ALWAYS_INLINE tr_self *tr__slot_of(tr_pid pid)
{
    tr_self *self = &tr__slots.slots[tr__pid_index(pid)];

    /* relaxed: a slot that has moved to another loop may begin a new life there meanwhile; a stale
     * pid does not name that one either. */
    return TR__LIKELY(tr__load_relaxed_u32(&self->generation) == ((uint32_t)(pid.tr__id >> 32) | 1))
               ? self
               : NULL;
}

/* Set the home, then let the actor live: from here on only its home loop touches the slot, whose
 * other fields must be set. */
static inline void tr__slot_settle(tr_self *self, uint32_t home)
{
    /* release: the slot is whole before a sender finds its home; pairs with tr__home_of. */
    tr__store_release_u16(&tr__slots.home[tr__slot_index(self)], (uint16_t)home);
    /* release: whoever sees it alive sees its home, too; pairs with the acquire in the halt's walk
     * (end.c). */
    tr__store_release_u32(&self->generation, self->generation + 1);
}

#endif
