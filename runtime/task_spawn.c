/* Tasks with a handle: spawning and submitting them, and the calls on a handle. */
#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "runtime/locals.h"
#include "runtime/runtime.h"
#include "runtime/task.h"

#define STACK_BYTES_MIN ((size_t)16 << 10)
#define STACK_BYTES_MAX ((size_t)1 << 30)

/* ---- spawning ---- */

static int read_options(tr_task_options *read, const tr_task_options *options, size_t size)
{
    *read = (tr_task_options){ 0 };
    if (size == 0 || size > sizeof(*read))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(read, options, size);
    if (read->on < 0 || (read->stack_bytes != 0 && (read->stack_bytes < STACK_BYTES_MIN ||
                                                    read->stack_bytes > STACK_BYTES_MAX)))
        return TR_EINVAL;
    return 0;
}

static int rename_task(tr_task *task, const char *name)
{
    char *copy = tr__copy_string(name);
    char *before = task->owns_name ? (char *)(uintptr_t)task->name : NULL;

    if (copy == NULL)
        return TR_ENOMEM;
    /* In this order: a handler of a signal may read the name (overflow.c, observe/). */
    task->name = copy;
    task->owns_name = true;
    if (before != NULL)
        tr__free(before);
    return 0;
}

/* Start it; a reference is the caller's, at that place, if he wants one, and the waiter, unless it
 * is NULL, is told of its end. On error it is freed, and nobody is told. */
static TR__ALWAYS_INLINE int start(tr_task *task, bool is_wanted, tr__waiter *waiter,
                                   const void *place)
{
    task->locals = tr__locals_inherit();
    if (is_wanted) {
        task->future.state += TR__FUTURE_ONE; /* nobody else has it yet */
        tr__future_want(&task->future, place);
    }
    if (waiter != NULL)
        (void)tr__future_enlist(&task->future, waiter); /* it has not begun */
    if (tr__task_start(task))
        return 0;
    if (waiter != NULL)
        tr__future_delist(waiter);
    tr__task_free(task);
    return TR_ESHUTDOWN;
}

int tr__task_spawn(tr_task **out, tr_task_fn fn, void *arg, const char *name,
                   const tr_task_options *options, size_t options_size)
{
    const tr__loop *here = tr__loop_here();
    tr_task_options read;
    tr_task *task;
    int target;
    int rc;

    if (out != NULL)
        *out = NULL;
    rc = fn != NULL ? read_options(&read, options, options_size) : TR_EINVAL;
    if (rc < 0 || here == NULL)
        return rc < 0 ? rc : TR_EWRONGPLACE;
    if (tr__runtime_phase() != TR__PHASE_RUN)
        return TR_ESHUTDOWN;
    target = tr__loop_resolve(read.on);
    if (target < 0)
        return target;
    task = tr__task_make(fn, arg, NULL, 0, name, (uint16_t)here->number, (uint16_t)(target + 1));
    if (task == NULL)
        return TR_ENOMEM;
    task->stack_bytes = (uint32_t)read.stack_bytes;
    rc = read.name != NULL ? rename_task(task, read.name) : 0;
    if (rc < 0) {
        tr__task_free(task);
        return rc;
    }
    rc = start(task, out != NULL, NULL, __builtin_return_address(0));
    if (rc == 0 && out != NULL)
        *out = task;
    return rc;
}

/* The loop (from 0) on which a task may be started from here. */
static int target_of(int loop)
{
    int rc;

    if (tr__loop_here() != NULL)
        rc = tr__runtime_phase() == TR__PHASE_RUN ? 0 : TR_ESHUTDOWN;
    else
        rc = tr__runtime_check();
    return rc == 0 ? tr__loop_resolve(loop) : rc;
}

static int submit(tr_future **out, int loop, tr_task_fn fn, void *arg, const char *name,
                  tr__waiter *waiter, const void *place)
{
    const tr__loop *here = tr__loop_here();
    tr_task *task;
    uint16_t runs, home;
    int target;
    int rc;

    if (out != NULL)
        *out = NULL;
    target = fn != NULL ? target_of(loop) : TR_EINVAL;
    if (target < 0)
        return target;
    runs = (uint16_t)(target + 1);
    /* A waiter is told where the task ends. */
    home = here != NULL && waiter == NULL ? (uint16_t)here->number : runs;
    task = tr__task_make(fn, arg, NULL, 0, name, home, runs);
    if (task == NULL)
        return TR_ENOMEM;
    rc = start(task, out != NULL, waiter, place);
    if (rc == 0 && out != NULL)
        *out = &task->future;
    return rc;
}

int tr__task_submit(tr_future **out, int loop, tr_task_fn fn, void *arg, const char *name)
{
    return submit(out, loop, fn, arg, name, NULL, __builtin_return_address(0));
}

int tr__task_submit_watched(tr_future **out, int loop, tr_task_fn fn, void *arg, const char *name,
                            tr__waiter *waiter)
{
    return submit(out, loop, fn, arg, name, waiter, __builtin_return_address(0));
}

/* ---- handles ---- */

tr_task *tr_task_ref(tr_task *t)
{
    if (t != NULL)
        (void)tr_future_ref(&t->future);
    return t;
}

void tr_task_unref(tr_task *t)
{
    if (t != NULL)
        tr_future_unref(&t->future);
}

void tr_task_detach(tr_task *t)
{
    if (t != NULL)
        tr__future_unwant(&t->future);
    tr_task_unref(t);
}

tr_future *tr_task_future(tr_task *t)
{
    return t != NULL ? &t->future : NULL;
}

int tr_task_wait(tr_task *t, double timeout)
{
    int rc;

    if (t == NULL || isnan(timeout))
        return TR_EINVAL;
    if (tr__loop_here() != NULL)
        return tr_wait_for(&t->future, timeout);
    rc = tr_future_wait(&t->future, timeout);
    if (tr_future_is_done(&t->future))
        return tr_future_status(&t->future);
    (void)tr_future_cancel_wait(&t->future); /* it ran out of time, however it ends now */
    return rc;
}

int tr_task_set_name(tr_task *t, const char *name)
{
    const tr__loop *here = tr__loop_here();
    tr_task *task = t != NULL ? t : tr__task_here();

    if (name == NULL)
        return TR_EINVAL;
    if (task == NULL || here == NULL || here->number != task->loop)
        return TR_EWRONGPLACE;
    return rename_task(task, name);
}

const char *tr_task_name(tr_task *t)
{
    const tr_task *task = t != NULL ? t : tr__task_here();

    return task != NULL ? task->name : "";
}
