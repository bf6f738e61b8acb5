/* Tasks, inside: a fiber, a future with its result, and what it waits for.
 *
 * The life of a task:
 *
 *     made --> waits for its first turn --> runs <--> waits (tr__wait)
 *                                            |
 *                                            +--> ended: stack given back, future ended, scope told
 *
 * A task has a stack only from its first turn to its end: so one that has not begun yet costs its
 * block, and one that begins gets the stack that was used last.
 *
 * How to await something: see wait.h. */
#ifndef TR_RUNTIME_TASK_H
#define TR_RUNTIME_TASK_H

#include <troupe/task.h>

#include "runtime/cancel.h"
#include "runtime/context.h"
#include "runtime/future.h"
#include "runtime/loop.h"
#include "runtime/stack.h"
#include "runtime/wait.h"

/* What stands at the top of a task's stack, just below the stack's record. */
typedef struct tr__fiber {
    tr__cancel root; /* of all that the task is inside of */
    /* The number of its last wait on its loop: as long as it stays the same, no task has moved that
     * has this address. */
    uint32_t suspension;
    TR__ALIGNED(16) tr__context context; /* while the task does not run */
} tr__fiber;

struct tr_task {
    tr_future future; /* first: its handle, its references, its memory */
    tr__runnable runnable;
    tr__stack *stack; /* NULL: not begun, or ended */
    tr_task_fn fn;
    void *arg;
    const char *name;
    tr__wait *wait;        /* NULL: it does not wait, or its wait is over */
    tr__cancel *innermost; /* NULL: as stack */
    tr__list link;         /* in its scope's children, or else in its loop's tasks */
    struct tr__scope *scope;
    struct tr__locals *locals; /* NULL: none (locals.h) */
    tr__runnable cancel;       /* posted by who cancels it from another thread, once */
    uint64_t deadline_ns;      /* inherited from another loop; UINT64_MAX: none */
    uint32_t stack_bytes;      /* 0: the default */
    uint16_t loop;             /* number of the loop that it runs on */
    uint16_t failed_awaits;    /* since it was last suspended */
    uint32_t cancel_posted;    /* 1: `cancel` is in use, for ever */
    uint32_t locks_held;       /* in debug mode */
    bool is_cancelled;         /* before it began */
    bool is_adopted;           /* its loop has counted it */
    bool is_done;              /* its function has returned */
    bool owns_name;
    bool is_actors;      /* it is an actor's: neither a loop's nor a scope's */
    bool is_remote;      /* a child of a scope on another loop, through which it is cancelled */
    bool is_under_actor; /* it is in a scope of such a one, or of one that is: they end with it */
    bool is_starting;    /* somebody waits until it is ready */
};

static inline tr__fiber *tr__fiber_on(tr__stack *stack)
{
    return (tr__fiber *)(void *)stack - 1;
}

static inline tr_task *tr__task_of_future(tr_future *f)
{
    return TR__CONTAINER_OF(f, tr_task, future);
}

/* Where cancelling it begins; NULL: it has not begun, or has ended. */
static inline tr__cancel *tr__task_root(const tr_task *task)
{
    return task->innermost != NULL ? &tr__fiber_on(task->stack)->root : NULL;
}

/* The task that runs on this thread and may await; NULL elsewhere. */
static inline tr_task *tr__task_here(void)
{
    const tr__loop *loop = tr__loop_here();

    return loop != NULL ? loop->task : NULL;
}

/* An await of a task that is cancelled: TR_ECANCELED. */
TR__SHARED int tr__task_refuse_await(tr_task *task) TR__COLD;

/* What every await does first: TR_ECANCELED if the task is cancelled, else 0. */
static inline int tr__task_checkpoint(tr_task *task)
{
    return TR__LIKELY(!task->innermost->is_effective) ? 0 : tr__task_refuse_await(task);
}

/* Suspend the running task until its wait is over; returns the result. A wait that can be withdrawn
 * is for a task that has passed the checkpoint; others may be entered at any time. */
TR__SHARED int tr__wait_suspend(tr__wait *wait);
/* On the task's loop: the wait is over, and the task goes on soon. */
TR__SHARED void tr__wait_end(tr__wait *wait, int result);

/* Let everything else on its loop run once; it can't be interrupted. */
void tr__task_pause(tr_task *task);

/* ---- for who makes and runs them ---- */

/* Await the end of a future; can_withdraw: unless the task is cancelled before. *status is then how
 * it has ended.
 * Errors: TR_ECANCELED; TR_ENOMEM, TR_ESHUTDOWN (it lives on a loop that can't be asked). */
int tr__await_end(tr_future *f, bool can_withdraw, int *status);
/* Await the end of one that was cancelled, by a task that may be cancelled itself; without memory,
 * too. */
void tr__future_join(tr_future *f);

/* As tr_submit; and the waiter is told on that loop when it has ended, also if it never began for
 * want of a stack. It must last until then. On error it is never told. */
int tr__task_submit_watched(tr_future **out, int loop, tr_task_fn fn, void *arg, const char *name,
                            tr__waiter *waiter);

/* A task that is not scheduled yet. It keeps itself alive until its end, and has no reference;
 * behind its block are args_size bytes more, in which the args are copied. home: the loop where it
 * is awaited; loop: where it runs. Any thread. NULL: out of memory. */
tr_task *tr__task_make(tr_task_fn fn, void *arg, const void *args, size_t args_size,
                       const char *name, uint16_t home, uint16_t loop);
/* Free one that will not be started, and has no reference. */
void tr__task_free(tr_task *task);
/* Let it run on its loop. Any thread; it needs no memory. false: the loop has quit. */
bool tr__task_start(tr_task *task);
/* The run function of all but those of actors: one turn. */
uint32_t tr__task_run(tr__runnable *runnable, tr__loop *loop);

/* Before the first turn; false: it never runs, and is freed. After the last: free it. */
bool tr__task_begin(tr_task *task, tr__loop *loop);
void tr__task_finish(tr_task *task, tr__loop *loop);

/* A turn; true: it has ended, and is freed. */
static TR__ALWAYS_INLINE bool tr__task_turn(tr_task *task, tr__loop *loop)
{
    if (TR__UNLIKELY(task->stack == NULL) && !tr__task_begin(task, loop))
        return true;
    loop->task = task;
    tr__context_switch(&loop->context, &tr__fiber_on(task->stack)->context);
    loop->task = NULL;
    if (TR__LIKELY(!task->is_done))
        return false;
    tr__task_finish(task, loop);
    return true;
}
/* Cancel it, on its loop. */
void tr__task_cancel_here(tr_task *task);

/* Actors end: continuations of this loop are called with what is known by now. */
void tr__thens_shut_down(tr__loop *loop);

/* A shutdown begins: cancel all tasks of this loop, but for children of scopes on other loops: they
 * are cancelled with their scope, if nothing shields it. */
void tr__tasks_cease(tr__loop *loop);
/* Name those that are left, in the log. */
void tr__tasks_name(const tr__loop *loop);

#endif
