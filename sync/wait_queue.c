#include "sync/wait_queue.h"

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/runtime.h"

/* ---- the line, with its lock ---- */

static void append(tr__latch *latch, tr__line *line, tr__queued *waiter)
{
    waiter->latch = latch;
    waiter->line = line;
    waiter->is_waiting = true;
    waiter->next = NULL;
    waiter->previous = line->last;
    if (line->last != NULL)
        line->last->next = waiter;
    else
        line->first = waiter;
    line->last = waiter;
    line->count++;
}

static void take_off(tr__queued *waiter)
{
    tr__line *line = waiter->line;

    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        line->first = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    else
        line->last = waiter->previous;
    line->count--;
    waiter->is_waiting = false;
}

bool tr__claim(tr__queued *waiter)
{
    take_off(waiter);
    return waiter->choice == NULL || tr__choice_claim(waiter->choice);
}

tr__queued *tr__claim_first(tr__line *line)
{
    while (line->first != NULL) {
        tr__queued *first = line->first;

        if (tr__claim(first))
            return first;
    }
    return NULL;
}

void tr__grant_claimed(tr__queued *waiter, int result, tr__wakes *wakes)
{
    waiter->result = result;
    if (waiter->choice != NULL)
        waiter->choice->taken = waiter;
    waiter->next = NULL;
    *wakes->end = waiter;
    wakes->end = &waiter->next;
}

bool tr__grant(tr__queued *waiter, int result, tr__wakes *wakes)
{
    if (!tr__claim(waiter))
        return false;
    tr__grant_claimed(waiter, result, wakes);
    return true;
}

void tr__grant_all(tr__line *line, int result, tr__wakes *wakes)
{
    while (line->first != NULL)
        (void)tr__grant(line->first, result, wakes); /* it may have chosen something else */
}

/* Leave without a grant; false: too late, it was granted. */
static bool leave(tr__queued *waiter)
{
    bool has_waited;

    tr__latch_lock(waiter->latch);
    has_waited = waiter->is_waiting;
    if (has_waited)
        take_off(waiter);
    tr__latch_unlock(waiter->latch);
    return has_waited;
}

/* ---- tasks ---- */

static tr__wait *wait_of(tr__queued *waiter)
{
    return waiter->choice != NULL ? &waiter->choice->wait : &waiter->wait;
}

static uint32_t run_wake(tr__runnable *runnable, tr__loop *loop)
{
    tr__queued *waiter = TR__CONTAINER_OF(runnable, tr__queued, wake);

    (void)loop;
    tr__wait_end(wait_of(waiter), waiter->result);
    return 1;
}

static bool withdraw(tr__wait *wait)
{
    tr__queued *waiter = TR__CONTAINER_OF(wait, tr__queued, wait);

    return leave(waiter);
}

void tr__queued_describe(const tr__queued *waiter, tr__awaited *awaited)
{
    const tr__sought *sought = waiter->sought;

    awaited->what = sought->what;
    awaited->object = (const char *)waiter->line - sought->line_offset;
    awaited->is_guess |= sought->is_guess;
    if (sought->holder != NULL)
        tr__awaited_add(awaited, sought->is_guess ? "may give it" : "has it",
                        (tr__blocker){ sought->holder(waiter), false });
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    tr__queued_describe(TR__CONTAINER_OF(wait, const tr__queued, wait), awaited);
}

static const tr__wait_kind wait_kind = { withdraw, describe };
static const tr__wait_kind shielded_kind = { NULL, describe };

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
        tr__wait_end(wait_of(waiter), waiter->result);
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

/* Stand at the line's end, with the lock. */
static void enter(tr__latch *latch, tr__line *line, tr__queued *waiter)
{
    tr_task *task = tr__task_here();

    waiter->loop = task != NULL ? task->loop : 0;
    waiter->wait.task = task;
    waiter->wait.kind = waiter->is_shielded ? &shielded_kind : &wait_kind;
    waiter->wake.run = run_wake;
    waiter->is_woken = 0;
    waiter->choice = NULL;
    append(latch, line, waiter);
}

void tr__wait_enter(tr__wait_queue *queue, tr__queued *waiter)
{
    enter(&queue->latch, &queue->line, waiter);
}

int tr__wait_entered(tr__queued *waiter, double timeout)
{
    return waiter->loop != 0 ? wait_as_task(waiter, timeout) : wait_as_thread(waiter, timeout);
}

int tr__wait_in_line(tr__latch *latch, tr__line *line, tr__queued *waiter, double timeout)
{
    if (timeout > 0)
        enter(latch, line, waiter);
    tr__latch_unlock(latch);
    return timeout > 0 ? tr__wait_entered(waiter, timeout) : TR_ETIMEDOUT;
}

/* ---- choices ---- */

bool tr__choice_claim(tr__choice *choice)
{
    /* ordered: one only; what is handed over is published by waking it. */
    return tr__cas_ordered_u32(&choice->is_claimed, 0, 1);
}

void tr__stand_in_line(tr__latch *latch, tr__line *line, tr__queued *waiter, tr__choice *choice)
{
    waiter->loop = choice->wait.task->loop;
    waiter->wake.run = run_wake;
    waiter->choice = choice;
    append(latch, line, waiter);
}

void tr__leave_line(tr__queued *waiter)
{
    (void)leave(waiter); /* it may have been claimed in vain, or granted */
}
