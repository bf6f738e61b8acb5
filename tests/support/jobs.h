/* What tests of pools share: jobs that a test holds, tasks that it runs, and looks into pools. */
#ifndef TR_TESTS_JOBS_H
#define TR_TESTS_JOBS_H

#include <semaphore.h>

#include "runtime/pool.h"
#include "support/kit.h"

/* Jobs that say that they have begun, and wait until they are let go. */
typedef struct kit_hold {
    sem_t begun;
    sem_t go;
    uint32_t ended;
    uint32_t cancelled; /* that saw so when they were let go */
} kit_hold;

enum { KIT_HELD = 17 };

void kit_hold_init(kit_hold *hold);
void kit_hold_fini(kit_hold *hold);
/* The job; returns KIT_HELD. */
int kit_held(void *hold);
/* A task that awaits the job, in the pool for input and output. */
int kit_await_held(void *hold);
/* Wait until so many more have begun. */
void kit_hold_await(kit_hold *hold, int count);
void kit_hold_let_go(kit_hold *hold, int count);

/* A job that counts itself, and returns how many there were before. */
int kit_count_job(void *counter);
/* A destructor that does the same. */
void kit_count_drop(void *counter);

/* Run fn(arg) as a task on a loop (from 0), and return its result. */
int kit_task(int loop, tr_task_fn fn, void *arg);
/* Start one, which goes on; kit_future_end waits for its result, and gives it back. */
tr_future *kit_task_begin(int loop, tr_task_fn fn, void *arg);
int kit_future_end(tr_future *f);

tr_pool *kit_pool(int max);
void kit_pool_free(tr_pool *pool);
/* Jobs that nobody has taken; threads. */
uint32_t kit_pool_length(tr_pool *pool);
uint32_t kit_pool_threads(tr_pool *pool);

#endif
