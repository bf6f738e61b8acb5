/* The portal: a thread calls a task on a loop, and waits for its end. */
#include <math.h>

#include "base/threads.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/task.h"

static bool sleep_for_task(void *f, uint64_t deadline_ns)
{
    return tr__future_sleep(f, deadline_ns);
}

/* The caller is a job: if that is cancelled, so is the task. */
static int wait_as_job(tr__worker *worker, tr_future *f, const char *name, uint64_t deadline_ns)
{
    const tr__wait_of_job wait = {
        .portal = f,
        .portal_name = name,
        .deadline_ns = deadline_ns,
        .sleep = sleep_for_task,
        .ctx = f,
    };

    tr__worker_wait_begins(worker, &wait);
    return tr__worker_wait(worker, &wait);
}

static int wait_for_task(tr_future *f, const char *name, double timeout)
{
    tr__worker *worker = tr__worker_here();
    uint64_t deadline_ns =
        timeout < TR_FOREVER ? tr__deadline_ns(tr__now_ns(), timeout) : UINT64_MAX;

    if (worker != NULL)
        return wait_as_job(worker, f, name, deadline_ns);
    return tr__future_sleep(f, deadline_ns) ? 0 : TR_ETIMEDOUT;
}

int tr__call_from_thread(int loop, double timeout, tr_task_fn fn, void *arg, const char *name)
{
    tr_future *f;
    int rc;

    if (isnan(timeout))
        return TR_EINVAL;
    if (tr__loop_here() != NULL)
        return TR_EWRONGPLACE;
    if (tr_cancelled())
        return TR_ECANCELED;
    rc = tr__task_submit(&f, loop, fn, arg, name);
    if (rc < 0)
        return rc;
    rc = wait_for_task(f, name, timeout);
    if (rc == 0) {
        rc = tr__future_look(f);
    } else {
        (void)tr_future_cancel(f); /* it may have ended just now */
        (void)tr__future_wait_joined(f);
    }
    tr_future_unref(f);
    return rc;
}
