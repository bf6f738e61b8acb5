/* What the scheduler runs: it knows nothing else. Actors, and later tasks, embed one. */
#ifndef TR_RUNTIME_RUNNABLE_H
#define TR_RUNTIME_RUNNABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

typedef struct tr__loop tr__loop;
typedef struct tr__runnable tr__runnable;

struct tr__runnable {
    tr__runnable *next;
    /* One activation; returns how much work it was: the number of messages handled, say. It is off
     * the run queue when it is called, and puts itself back if it has more to do. */
    uint32_t (*run)(tr__runnable *self, tr__loop *loop);
};

/* A private FIFO. There is no slot for the latest one: it starves the others. */
typedef struct tr__run_queue {
    tr__runnable *first;
    tr__runnable **last;
} tr__run_queue;

static inline void tr__run_queue_init(tr__run_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static TR__ALWAYS_INLINE void tr__run_queue_push_local(tr__run_queue *queue, tr__runnable *runnable)
{
    runnable->next = NULL;
    *queue->last = runnable;
    queue->last = &runnable->next;
}

static TR__ALWAYS_INLINE tr__runnable *tr__run_queue_pop_local(tr__run_queue *queue)
{
    tr__runnable *runnable = queue->first;

    if (runnable == NULL)
        return NULL;
    queue->first = runnable->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    return runnable;
}

#endif
