/* A task that waits for a job. */
#ifndef TR_RUNTIME_POOL_STAY_H
#define TR_RUNTIME_POOL_STAY_H

#include "runtime/pool.h"
#include "runtime/task.h"

/* Until it is over, or only until it begins. Its task goes on when nothing refers to it any more:
 * when the worker has told, or the job was taken back; and not before `retry` is off the run
 * queue. */
typedef struct tr__stay {
    tr__wait wait;
    tr__job *job;
    tr_pool *pool;
    tr__runnable retry;
    bool is_retrying; /* retry is in the run queue */
    bool is_told;
    bool is_until_begin;
} tr__stay;

/* What a stay of the running task needs before its job is pushed; then tr__wait_suspend. */
void tr__stay_enter(tr__stay *stay, tr_task *task, tr_pool *pool, tr__job *job,
                    bool is_until_begin);
/* A job's finish, or begin: tell the task. */
void tr__stay_tell(tr__job *job);

#endif
