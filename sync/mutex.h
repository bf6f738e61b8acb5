/* A mutex, inside. */
#ifndef TR_SYNC_MUTEX_H
#define TR_SYNC_MUTEX_H

#include <troupe/sync.h>

#include "base/atomic.h"
#include "sync/wait_queue.h"

typedef struct tr__fair_mutex {
    uint64_t owner; /* tr__who of who has it; 0: nobody */
    uint32_t word;
    tr__wait_queue queue;
} tr__fair_mutex;

static inline tr__fair_mutex *tr__fair_mutex_of(tr_mutex *m)
{
    return (tr__fair_mutex *)(void *)m;
}

/* Whether the caller has it. */
static inline bool tr__fair_mutex_is_mine(const tr__fair_mutex *mutex)
{
    /* relaxed: nobody else ever writes the caller there. */
    return tr__load_relaxed_u64(&mutex->owner) == tr__who();
}

/* Give it back for a while, and have it again, whatever happens: for one who may be cancelled
 * meanwhile. Tasks and foreign threads. */
void tr__fair_mutex_give(tr__fair_mutex *mutex);
void tr__fair_mutex_take_back(tr__fair_mutex *mutex);

#endif
