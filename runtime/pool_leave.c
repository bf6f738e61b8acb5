/* Freeing a pool.
 *
 *     refuse --> all jobs over, all workers ended --> once through each loop --> free
 *
 * Loops may still refer to the pool when its last job is over: one keeps time for it, one has
 * just pushed, one is about to take a job back that was not over a moment ago. None of them does so
 * for longer than what it runs now; so when a runnable has passed through all of them, they are
 * done. It goes through the inlets, behind whatever came there before. Foreign threads that push
 * are counted in `inside`. */

#include "base/assert.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/task.h"

typedef struct tr__leave {
    tr__runnable hop;
    tr_pool *pool;
    tr__wait wait; /* of the task that frees it */
    uint32_t home; /* its loop; 0: a foreign thread */
    uint32_t at;   /* loops that it has passed */
    uint32_t is_over;
} tr__leave;

static bool has_callers(const tr_pool *pool)
{
    /* acquire: what they did comes before; pairs with the add in push_from_outside (pool.c). */
    return tr__load_acquire_u32(&pool->inside) != 0;
}

static uint32_t run_over(tr__runnable *runnable, tr__loop *loop)
{
    (void)loop;
    tr__wait_end(&TR__CONTAINER_OF(runnable, tr__leave, hop)->wait, 0);
    return 1;
}

static void end_leave(tr__leave *leave)
{
    if (leave->home != 0) {
        leave->hop.run = run_over;
        (void)tr__loop_post(leave->home,
                            &leave->hop); /* its task has not ended, nor has the loop */
        return;
    }
    /* release: pairs with the acquire in await_leave. */
    tr__store_release_u32(&leave->is_over, 1);
    tr__futex_wake(&leave->is_over, 1);
}

void tr__leave_go_on(tr__leave *leave)
{
    while (leave->at < (uint32_t)tr_loop_count())
        if (tr__port_post_run(&tr__ports[leave->at++], &leave->hop))
            return; /* a loop that has quit is passed over */
    end_leave(leave);
}

static uint32_t run_hop(tr__runnable *runnable, tr__loop *loop)
{
    tr__leave *leave = TR__CONTAINER_OF(runnable, tr__leave, hop);

    if (has_callers(leave->pool)) {
        tr__loop_schedule(loop, &leave->hop); /* they are about to go */
        return 1;
    }
    tr__keeper_forget(loop, leave->pool);
    tr__leave_go_on(leave);
    return 1;
}

/* With the lock, which it gives back. */
static void begin_leave(tr__leave *leave)
{
    tr_pool *pool = leave->pool;
    bool is_at_rest;

    tr__pool_refuse(pool);
    is_at_rest = pool->threads == 0 && tr__pool_is_empty(pool);
    if (!is_at_rest)
        pool->leave = leave; /* the last worker goes on */
    leave->hop.run = run_hop;
    tr__pool_end(pool);
    if (is_at_rest)
        tr__leave_go_on(leave);
}

static uint32_t run_begin(tr__runnable *runnable, tr__loop *loop)
{
    tr__leave *leave = TR__CONTAINER_OF(runnable, tr__leave, hop);

    if (tr__pool_lock_soon(leave->pool))
        begin_leave(leave);
    else
        tr__loop_schedule(loop, &leave->hop);
    return 1;
}

static void describe_leave(const tr__wait *wait, tr__awaited *awaited)
{
    (void)wait;
    awaited->what = "the end of a pool";
}

/* It can't be withdrawn: arguments of jobs may be the task's. */
static const tr__wait_kind leave_kind = { NULL, describe_leave };

static void leave_as_task(tr__leave *leave, tr_task *task)
{
    tr__loop *here = tr__loop_here();

    leave->wait.task = task;
    leave->wait.kind = &leave_kind;
    leave->home = here->number;
    leave->hop.run = run_begin;
    tr__loop_schedule(here, &leave->hop);
    (void)tr__wait_suspend(&leave->wait); /* it ends with 0 */
}

static void leave_from_outside(tr__leave *leave)
{
    (void)tr__pool_lock_soon(leave->pool); /* outside of loops it waits */
    begin_leave(leave);
    /* acquire: pairs with the release in end_leave. */
    while (tr__load_acquire_u32(&leave->is_over) == 0)
        (void)tr__futex_wait(&leave->is_over, 0, UINT64_MAX); /* without a deadline */
    while (has_callers(leave->pool))
        tr__thread_yield(); /* there was no loop to wait on */
}

int tr_pool_free(tr_pool *pool)
{
    const tr__worker *worker = tr__worker_here();
    tr_task *task = tr__task_here();
    tr__leave leave = { .pool = pool };

    if (pool == NULL)
        return 0;
    if (pool->is_static)
        return TR_EINVAL;
    /* relaxed: set in a process of one thread. */
    if (tr__load_relaxed_u32(&tr__runtime.forked) != 0)
        return TR_EFORKED;
    if ((tr__loop_here() != NULL && task == NULL) || (worker != NULL && worker->pool == pool))
        return TR_EWRONGPLACE;
    if (task != NULL)
        leave_as_task(&leave, task);
    else
        leave_from_outside(&leave);
    tr__pools_remove(pool);
    (void)pthread_mutex_destroy(&pool->lock); /* nobody has it */
    tr__free_lines(pool);
    return 0;
}
