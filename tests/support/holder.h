/* A loop that is held: it does nothing but what it is told, until it is let go. So a test decides
 * what comes before what between two loops. */
#ifndef TR_TESTS_HOLDER_H
#define TR_TESTS_HOLDER_H

#include <semaphore.h>

#include "support/kit.h"

typedef struct kit_holder {
    tr_future *task;
    sem_t told;
    sem_t done;
    void (*fn)(void *arg);
    void *arg;
} kit_holder;

/* Hold a loop: a task blocks it. */
void kit_hold(kit_holder *holder, int loop);
/* Call fn(arg) there, as a task; what it posts to other loops has been published afterwards. */
void kit_held_do(kit_holder *holder, void (*fn)(void *arg), void *arg);
void kit_let_go(kit_holder *holder);

/* On a loop: fill the lane to another one, so that the next parcel needs memory. */
void kit_fill_lane(int target);

#endif
