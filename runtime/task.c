/* Tasks: their turns, their beginning and end, and what they await by themselves. */
#include "runtime/task.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/seam.h"
#include "runtime/locals.h"
#include "runtime/runtime.h"
#include "runtime/scope.h"

/* Awaits that may fail in a row before a task that goes on and on is made to yield. */
enum { FAILED_AWAITS_MOST = 1000 };

/* Where a copy of the arguments stands behind a task: as aligned as malloc's blocks. */
enum { ARGS_AT = (sizeof(tr_task) + 15) / 16 * 16 };

/* ---- turns ---- */

/* What runs on the new stack. It returns never: finish takes the stack away. */
static void task_main(void *arg)
{
    tr_task *task = arg;
    tr__loop *loop = tr__loop_here();
    tr__deadline inherited;

    if (task->deadline_ns != UINT64_MAX)
        tr__deadline_begin(&inherited, task, task->deadline_ns, false);
    if (task->is_cancelled)
        tr__cancel_apply(tr__task_root(task));
    task->future.status = task->fn(task->arg); /* nobody looks before it is published */
    if (task->deadline_ns != UINT64_MAX)
        (void)tr__deadline_end(&inherited); /* who set it says whose it was */
    task->innermost = NULL;
    task->is_done = true;
    tr__context_exit(&tr__fiber_on(task->stack)->context, &loop->context);
}

/* The end of a task: who waits for it hears of its result. */
static void finish(tr_task *task, tr__loop *loop, int result)
{
    struct tr__scope *scope = task->scope;

    if (TR__UNLIKELY(task->locals != NULL)) {
        tr__locals_unref(task->locals);
        task->locals = NULL;
    }
    if (!task->is_actors) {
        tr__list_remove(&task->link);
        loop->tasks_alive -= !task->is_under_actor;
        tr__bump_u64(&loop->tally.tasks_ended, 1);
    }
    if (scope != NULL || task->is_actors)
        task->future.seen = TR__FUTURE_SEEN; /* they deal with a failure */
    if (tr__is_debugging() && task->locks_held != 0)
        tr__upper_observer.miss_unlock(task);
    if (scope == NULL) {
        tr__future_publish(&task->future, result, NULL, NULL);
    } else {
        int for_scope = tr__scope_child_ends(scope, task, result);

        tr__future_publish(&task->future, result, NULL, NULL);
        tr__scope_child_ended(scope, for_scope);
    }
}

/* A task comes to its loop. */
static void adopt(tr_task *task, tr__loop *loop)
{
    if (task->scope == NULL) {
        tr__list_append(&loop->tasks, &task->link);
        task->is_cancelled |= loop->phase != TR__PHASE_RUN && !task->is_remote;
    }
    loop->tasks_alive += !task->is_under_actor;
    tr__bump_u64(&loop->tally.tasks_spawned, 1);
    task->is_adopted = true;
}

/* Before the first turn: it gets its stack. 0, or why it will never run. */
static int begin(tr_task *task, tr__loop *loop)
{
    tr__fiber *fiber;

    if (!task->is_adopted && !task->is_actors) {
        adopt(task, loop);
        /* ordered: as in send; it is counted among those that live. */
        (void)tr__add_ordered_u32(&loop->port->tasks_coming, -1U);
    }
    /* It was accepted just before, and came too late. A parent elsewhere holds the phase up. */
    if (TR__UNLIKELY(loop->phase_done >= TR__PHASE_HALT) &&
        (!task->is_remote || loop->phase > TR__PHASE_HALT))
        return TR_ESHUTDOWN;
    task->stack = task->stack_bytes == 0 ? tr__stack_take(&loop->stacks)
                                         : tr__stack_take_sized(&loop->stacks, task->stack_bytes);
    if (task->stack == NULL)
        return TR_ENOMEM;
    fiber = tr__fiber_on(task->stack);
    tr__cancel_root(&fiber->root, task, task->scope != NULL ? &task->scope->node : NULL);
    tr__context_make(&fiber->context, task->stack->low, fiber, task_main, task);
    return 0;
}

bool tr__task_begin(tr_task *task, tr__loop *loop)
{
    int rc = begin(task, loop);

    if (rc < 0)
        finish(task, loop, rc);
    return rc == 0;
}

void tr__task_finish(tr_task *task, tr__loop *loop)
{
    tr__context_fini(&tr__fiber_on(task->stack)->context);
    tr__stack_give(&loop->stacks, task->stack);
    finish(task, loop, task->future.status);
}

uint32_t tr__task_run(tr__runnable *runnable, tr__loop *loop)
{
    /* It may go on later. */
    (void)tr__task_turn(TR__CONTAINER_OF(runnable, tr_task, runnable), loop);
    return 1;
}

/* ---- waiting ---- */

static TR__ALWAYS_INLINE void suspend(tr_task *task)
{
    tr__loop *loop = tr__loop_here();
    int saved = errno;

    task->failed_awaits = 0;
    tr__context_switch(&tr__fiber_on(task->stack)->context, &loop->context);
    errno = saved; /* others have used it meanwhile */
}

int tr__wait_suspend(tr__wait *wait)
{
    wait->task->wait = wait;
    tr__fiber_on(wait->task->stack)->suspension = ++tr__loop_here()->suspensions;
    suspend(wait->task);
    return wait->result;
}

void tr__wait_end(tr__wait *wait, int result)
{
    tr_task *task = wait->task;

    task->wait = NULL;
    wait->result = result;
    tr__loop_schedule(tr__loop_here(), &task->runnable);
}

void tr__task_pause(tr_task *task)
{
    tr__loop_schedule(tr__loop_here(), &task->runnable);
    suspend(task);
}

int tr__task_refuse_await(tr_task *task)
{
    if (++task->failed_awaits < FAILED_AWAITS_MOST)
        return TR_ECANCELED;
    tr__log(TR_LOG_WARN,
            "task '%s' is cancelled, and has awaited %d times all the same: it should clean up and "
            "return",
            task->name, FAILED_AWAITS_MOST);
    tr__task_pause(task);
    return TR_ECANCELED;
}

int tr_yield(void)
{
    tr_task *task = tr__task_here();
    int rc = task != NULL ? tr__task_checkpoint(task) : TR_EWRONGPLACE;

    if (rc == 0)
        tr__task_pause(task);
    return rc;
}

typedef struct sleeper {
    tr__wait wait;
    tr__timer timer;
} sleeper;

static void on_time(tr__timer *timer)
{
    tr__wait_end(&TR__CONTAINER_OF(timer, sleeper, timer)->wait, 0);
}

static bool withdraw_sleep(tr__wait *wait)
{
    tr__timer_stop(&tr__loop_here()->wheel, &TR__CONTAINER_OF(wait, sleeper, wait)->timer);
    return true;
}

static void describe_sleep(const tr__wait *wait, tr__awaited *awaited)
{
    const tr__timer *timer = &TR__CONTAINER_OF(wait, const sleeper, wait)->timer;

    awaited->what = TR__AWAITED_TIME;
    awaited->until_ns = timer->due_ns;
}

static const tr__wait_kind sleep_kind = { withdraw_sleep, describe_sleep };

int tr_sleep(double seconds)
{
    tr_task *task = tr__task_here();
    sleeper s = { .wait = { .task = task, .kind = &sleep_kind } };
    int rc = task != NULL ? 0 : TR_EWRONGPLACE;

    if (rc == 0 && isnan(seconds))
        rc = TR_EINVAL;
    if (rc == 0)
        rc = tr__task_checkpoint(task);
    if (rc < 0)
        return rc;
    if (seconds <= 0) {
        tr__task_pause(task);
        return 0;
    }
    if (seconds < TR_FOREVER)
        tr__timer_start(&tr__loop_here()->wheel, &s.timer, tr__deadline_ns(tr__now_ns(), seconds),
                        on_time);
    return tr__wait_suspend(&s.wait);
}

bool tr_cancel_requested(void)
{
    const tr_task *task = tr__task_here();

    return task != NULL && task->innermost->is_effective;
}

double tr_deadline_left(void)
{
    const tr_task *task = tr__task_here();

    return task != NULL ? tr__seconds_left(task->innermost->deadline_ns) : TR_FOREVER;
}

/* ---- cancelling ---- */

void tr__task_cancel_here(tr_task *task)
{
    if (task->innermost != NULL)
        tr__cancel_apply(tr__task_root(task));
    else
        task->is_cancelled = true;
}

static uint32_t run_cancel(tr__runnable *runnable, tr__loop *loop)
{
    tr_task *task = TR__CONTAINER_OF(runnable, tr_task, cancel);

    (void)loop;
    tr__task_cancel_here(task);
    tr_task_unref(task);
    return 1;
}

int tr_task_cancel(tr_task *t)
{
    const tr__loop *here = tr__loop_here();

    if (t == NULL)
        return TR_EINVAL;
    if (tr__future_has_ended(&t->future))
        return 0;
    if (here != NULL && here->number == t->loop) {
        tr__task_cancel_here(t);
        return 1;
    }
    /* ordered: only one posts it; the post publishes the rest. */
    if (tr__cas_ordered_u32(&t->cancel_posted, 0, 1)) {
        (void)tr_task_ref(t);
        if (!tr__loop_post(t->loop, &t->cancel))
            tr_task_unref(t); /* its loop has quit: it has ended, or never begins */
    }
    return 1;
}

void tr__tasks_cease(tr__loop *loop)
{
    for (tr__list *node = loop->tasks.next; node != &loop->tasks; node = node->next) {
        tr_task *task = TR__CONTAINER_OF(node, tr_task, link);

        if (!task->is_remote) /* its scope may be shielded */
            tr__task_cancel_here(task);
    }
}

void tr__tasks_name(const tr__loop *loop)
{
    for (const tr__list *node = loop->tasks.next; node != &loop->tasks; node = node->next)
        tr__log(TR_LOG_WARN, "shutdown: task '%s' of loop %u has been cancelled, and has not ended",
                TR__CONTAINER_OF(node, tr_task, link)->name, (unsigned)(loop->number - 1));
}

/* ---- making ---- */

static void cancel_task(tr_future *f)
{
    (void)tr_task_cancel(tr__task_of_future(f)); /* it may have ended meanwhile */
}

static const char *describe_task(const tr_future *f)
{
    static _Thread_local char text[64];

    (void)snprintf(text, sizeof(text), "task '%s'",
                   tr__task_of_future((tr_future *)(uintptr_t)f)->name);
    return text;
}

static void fini_task(tr_future *f)
{
    tr_task *task = tr__task_of_future(f);

    if (task->owns_name)
        tr__free((char *)(uintptr_t)task->name);
    if (task->locals != NULL)
        tr__locals_unref(task->locals); /* it was not started */
}

static tr__blocker blocker_of_task(const tr_future *f)
{
    return (tr__blocker){ (uintptr_t)f, false };
}

static const tr__future_kind task_kind = {
    .what = "a task",
    .cancel = cancel_task,
    .blocker = blocker_of_task,
    .describe = describe_task,
    .fini = fini_task,
};

/* Field by field: the compiler clears a struct of this size with a slow instruction. */
static void fill(tr_task *task, tr_task_fn fn, void *arg, const char *name, uint16_t loop)
{
    task->runnable.run = tr__task_run;
    task->stack = NULL;
    task->fn = fn;
    task->arg = arg;
    task->name = name;
    task->wait = NULL;
    task->innermost = NULL;
    task->scope = NULL;
    task->locals = NULL;
    task->cancel.run = run_cancel;
    task->deadline_ns = UINT64_MAX;
    task->stack_bytes = 0;
    task->loop = loop;
    task->failed_awaits = 0;
    task->cancel_posted = 0;
    task->locks_held = 0;
    task->is_cancelled = false;
    task->is_adopted = false;
    task->is_done = false;
    task->owns_name = false;
    task->is_actors = false;
    task->is_remote = false;
    task->is_under_actor = false;
    task->is_starting = false;
}

tr_task *tr__task_make(tr_task_fn fn, void *arg, const void *args, size_t args_size,
                       const char *name, uint16_t home, uint16_t loop)
{
    tr_future *f = tr__future_make(&task_kind, home, ARGS_AT + args_size);
    tr_task *task = f != NULL ? tr__task_of_future(f) : NULL;

    if (task == NULL)
        return NULL;
    fill(task, fn, arg, name, loop);
    task->future.state = TR__FUTURE_HELD; /* until its end */
    task->future.ends_at_home = loop == home;
    if (args != NULL) {
        task->arg = (char *)task + ARGS_AT;
        memcpy(task->arg, args, args_size);
    }
    return task;
}

void tr__task_free(tr_task *task)
{
    task->future.state = TR__FUTURE_ONE; /* nobody else knows it */
    task->future.seen = TR__FUTURE_SEEN;
    tr_future_unref(&task->future);
}

static bool send(tr_task *task)
{
    uint32_t *coming = &tr__ports[task->loop - 1].tasks_coming;

    /* ordered: a counter; seen by the loop before it finishes a phase that ours has not. */
    (void)tr__add_ordered_u32(coming, 1);
    if (tr__loop_post(task->loop, &task->runnable))
        return true;
    (void)tr__add_ordered_u32(coming, -1U); /* ordered: as above */
    return false;
}

bool tr__task_start(tr_task *task)
{
    tr__loop *here = tr__loop_here();

    if (here == NULL || here->number != task->loop)
        return send(task);
    adopt(task, here);
    tr__loop_schedule(here, &task->runnable);
    return true;
}
