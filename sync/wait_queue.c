#include "sync/wait_queue.h"

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/runtime.h"

int tr__may_wait(void)
{
    const tr__loop *loop = tr__loop_here();

    if (loop == NULL)
        return 0;
    return loop->task != NULL ? tr__task_checkpoint(loop->task) : TR_EWRONGPLACE;
}

/* ---- the queue, with its lock ---- */

static void append(tr__wait_queue *queue, tr__queued *waiter)
{
    waiter->queue = queue;
    waiter->is_waiting = true;
    waiter->next = NULL;
    waiter->previous = queue->last;
    if (queue->last != NULL)
        queue->last->next = waiter;
    else
        queue->first = waiter;
    queue->last = waiter;
    queue->count++;
}

static void take_off(tr__queued *waiter)
{
    tr__wait_queue *queue = waiter->queue;

    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        queue->first = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    else
        queue->last = waiter->previous;
    queue->count--;
    waiter->is_waiting = false;
}

void tr__grant(tr__queued *waiter, int result, tr__wakes *wakes)
{
    take_off(waiter);
    waiter->result = result;
    waiter->next = NULL;
    *wakes->end = waiter;
    wakes->end = &waiter->next;
}

void tr__grant_all(tr__wait_queue *queue, int result, tr__wakes *wakes)
{
    while (queue->first != NULL)
        tr__grant(queue->first, result, wakes);
}

/* Leave without a grant; false: too late, it was granted. */
static bool leave(tr__queued *waiter)
{
    bool has_waited;

    tr__wait_queue_lock(waiter->queue);
    has_waited = waiter->is_waiting;
    if (has_waited)
        take_off(waiter);
    tr__wait_queue_unlock(waiter->queue);
    return has_waited;
}

/* ---- tasks ---- */

static uint32_t run_wake(tr__runnable *runnable, tr__loop *loop)
{
    tr__queued *waiter = TR__CONTAINER_OF(runnable, tr__queued, wake);

    (void)loop;
    tr__wait_end(&waiter->wait, waiter->result);
    return 1;
}

static bool withdraw(tr__wait *wait)
{
    tr__queued *waiter = TR__CONTAINER_OF(wait, tr__queued, wait);

    return leave(waiter);
}

static int wait_as_task(tr__queued *waiter, double timeout)
{
    tr_task *task = waiter->wait.task;
    tr__deadline deadline;
    bool has_limit = timeout < TR_FOREVER;
    int rc;

    if (has_limit)
        tr__deadline_begin(&deadline, task, tr__due_ns(timeout), false);
    if (task->innermost->is_effective && !waiter->is_shielded && leave(waiter))
        rc = TR_ECANCELED;
    else
        rc = tr__wait_suspend(&waiter->wait);
    if (has_limit && tr__deadline_end(&deadline) && rc == TR_ECANCELED)
        rc = TR_ETIMEDOUT;
    return rc;
}

/* ---- foreign threads ---- */

static int wait_as_thread(tr__queued *waiter, double timeout)
{
    uint64_t due_ns = tr__due_ns(timeout);

    /* acquire: what was handed over is visible; pairs with the release in wake. */
    while (tr__load_acquire_u32(&waiter->is_woken) == 0)
        if (!tr__futex_wait(&waiter->is_woken, 0, due_ns)) {
            if (leave(waiter))
                return TR_ETIMEDOUT;
            due_ns = UINT64_MAX; /* it has been granted, and is about to be woken */
        }
    return waiter->result;
}

static void wake(tr__queued *waiter)
{
    const tr__loop *here = tr__loop_here();

    if (waiter->loop == 0) {
        /* release: its result, and what was handed over; pairs with the acquire in
         * wait_as_thread. The waiter may be gone as soon as it is set: the kernel takes any
         * address. */
        tr__store_release_u32(&waiter->is_woken, 1);
        tr__futex_wake(&waiter->is_woken, 1);
    } else if (here != NULL && here->number == waiter->loop) {
        tr__wait_end(&waiter->wait, waiter->result);
    } else {
        (void)tr__loop_post(waiter->loop,
                            &waiter->wake); /* its loop does not quit before it ends */
    }
}

/* ---- for both ---- */

void tr__wakes_send(tr__wakes *wakes)
{
    for (tr__queued *next, *waiter = wakes->first; waiter != NULL; waiter = next) {
        next = waiter->next;
        wake(waiter);
    }
}

void tr__wait_enter(tr__wait_queue *queue, tr__queued *waiter)
{
    tr_task *task = tr__task_here();

    waiter->loop = task != NULL ? task->loop : 0;
    waiter->wait = (tr__wait){ .task = task, .withdraw = waiter->is_shielded ? NULL : withdraw };
    waiter->wake.run = run_wake;
    waiter->is_woken = 0;
    append(queue, waiter);
}

int tr__wait_entered(tr__queued *waiter, double timeout)
{
    return waiter->loop != 0 ? wait_as_task(waiter, timeout) : wait_as_thread(waiter, timeout);
}

int tr__wait_in(tr__wait_queue *queue, tr__queued *waiter, double timeout)
{
    if (timeout > 0)
        tr__wait_enter(queue, waiter);
    tr__wait_queue_unlock(queue);
    return timeout > 0 ? tr__wait_entered(waiter, timeout) : TR_ETIMEDOUT;
}
