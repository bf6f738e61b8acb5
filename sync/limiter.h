/* A token bucket, inside.
 *
 * What is kept is how many tokens are missing, and since when: so one of zeros is full. Who finds
 * too few has the turn, and sleeps until they are there; the others wait in the queue for the turn.
 * So there is one timer at most, and nobody is passed. */
#ifndef TR_SYNC_LIMITER_H
#define TR_SYNC_LIMITER_H

#include <troupe/limiter.h>

#include "sync/wait_queue.h"

typedef struct tr__limiter {
    double rate; /* tokens a second */
    double burst;
    /* Guarded by the queue's lock. */
    double missing; /* so many, at_ns */
    uint64_t at_ns;
    uint64_t first; /* so many are wanted by who has the turn */
    bool has_turn;  /* somebody has it */
    tr__wait_queue queue;
} tr__limiter;

/* Whether there is such a bucket, and such a number of tokens in it. */
bool tr__limiter_allows(double rate, double burst, uint64_t n);

/* As the public functions, with what tr__limiter_allows. */
int tr__limiter_acquire(tr__limiter *l, uint64_t n, double timeout);
int tr__limiter_try(tr__limiter *l, uint64_t n, double *wait);

/* When it is full again, if nobody takes from it. */
uint64_t tr__limiter_full_ns(tr__limiter *l);

#endif
