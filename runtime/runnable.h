/* What the scheduler runs: it knows nothing else. Actors, and later tasks, embed one. */
#ifndef TR_RUNTIME_RUNNABLE_H
#define TR_RUNTIME_RUNNABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/list.h"

typedef struct tr__loop tr__loop;
typedef struct tr__runnable tr__runnable;

struct tr__runnable {
    tr__link link; /* in a run queue, or on the way there from another thread */
    /* One activation; returns how much work it was: the number of messages handled, say. It is off
     * the run queue when it is called, and puts itself back if it has more to do. */
    uint32_t (*run)(tr__runnable *self, tr__loop *loop);
};

static TR__ALWAYS_INLINE tr__runnable *tr__runnable_of(tr__link *link)
{
    return TR__CONTAINER_OF(link, tr__runnable, link);
}

/* A private FIFO. There is no slot for the latest one: it starves the others. */
typedef struct tr__run_queue {
    tr__link *first;
    tr__link **last;
} tr__run_queue;

static inline void tr__run_queue_init(tr__run_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static TR__ALWAYS_INLINE void tr__run_queue_push_local(tr__run_queue *queue, tr__runnable *runnable)
{
    runnable->link.next = NULL;
    *queue->last = &runnable->link;
    queue->last = &runnable->link.next;
}

static TR__ALWAYS_INLINE tr__runnable *tr__run_queue_pop_local(tr__run_queue *queue)
{
    tr__link *link = queue->first;

    if (link == NULL)
        return NULL;
    queue->first = link->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    return tr__runnable_of(link);
}

#endif
