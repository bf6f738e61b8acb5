/* A mutex, inside. */
#ifndef TR_SYNC_MUTEX_H
#define TR_SYNC_MUTEX_H

#include <troupe/sync.h>

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

/* Have it, whatever happens: for one who has given it back for a while, and may be cancelled. Tasks
 * and foreign threads. */
void tr__fair_mutex_take_back(tr__fair_mutex *mutex);

#endif
