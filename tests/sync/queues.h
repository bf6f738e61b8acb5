/* Queues of int, and what needs no waiting. */
#ifndef TR_TESTS_QUEUES_H
#define TR_TESTS_QUEUES_H

#include "sync/cases.h"

static inline tr_queue *new_queue(size_t capacity)
{
    tr_queue *q = NULL;

    EXPECT(tr_queue_new(&q, sizeof(int), capacity, NULL) == 0);
    EXPECT(q != NULL);
    return q;
}

static inline void free_queue(tr_queue *q)
{
    EXPECT(tr_queue_free(q) == 0);
}

static inline void put(tr_queue *q, int item)
{
    EXPECT(tr_queue_try_put(q, &item) == 0);
}

static inline int get(tr_queue *q)
{
    int item = -1;

    EXPECT(tr_queue_try_get(q, &item) == 0);
    return item;
}

#endif
