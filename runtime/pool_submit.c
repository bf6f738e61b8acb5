/* Jobs with futures: submitting and cancelling them, and how many may wait. */
#include <stdio.h>

#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/pool_stay.h"

typedef struct future_job {
    tr_future future; /* first: its handle, its references, its memory */
    tr__job job;
    tr_pool *pool;
    void (*drop)(void *arg);
    void (*leave)(void *ctx); /* see tr__job_terms */
    void *leave_ctx;
    tr__runnable retry; /* of who has cancelled it, with a reference */
} future_job;

static void drop_arg(void *arg, void (*drop)(void *arg))
{
    if (arg != NULL && drop != NULL)
        drop(arg);
}

static void leave(const future_job *fj)
{
    if (fj->leave != NULL)
        fj->leave(fj->leave_ctx);
}

/* The end of a job, which the pool has held. */
static void settle(future_job *fj, int result)
{
    void *arg = fj->job.arg;

    leave(fj);
    if (result < 0) {
        drop_arg(arg, fj->drop);
        arg = NULL;
    }
    tr__future_publish(&fj->future, result, arg, fj->drop);
}

static void finish_future(tr__job *job)
{
    tr__pools_count(TR__JOB_RUN);
    settle(TR__CONTAINER_OF(job, future_job, job), job->result);
}

/* On a loop. false: to be tried again. */
static bool cancel_here(future_job *fj)
{
    tr__taking_back how = tr__pool_take_back(fj->pool, &fj->job);

    if (how == TR__TAKEN_BACK) {
        tr__pools_count(TR__JOB_CANCELLED);
        settle(fj, TR_ECANCELED);
    }
    return how != TR__NOT_NOW;
}

static uint32_t run_cancel(tr__runnable *runnable, tr__loop *loop)
{
    future_job *fj = TR__CONTAINER_OF(runnable, future_job, retry);

    if (cancel_here(fj))
        tr_future_unref(&fj->future);
    else
        tr__loop_schedule(loop, &fj->retry);
    return 1;
}

/* A foreign thread leaves the taking back to a loop: it could not know whether the pool is still
 * there. */
static void cancel_future_job(tr_future *f)
{
    future_job *fj = TR__CONTAINER_OF(f, future_job, future);
    const tr__loop *here = tr__loop_here();

    /* ordered: only the first one goes on; retry is his. */
    if (!tr__cas_ordered_u32(&fj->job.is_cancelled, 0, 1) || (here != NULL && cancel_here(fj)))
        return;
    (void)tr_future_ref(f);
    fj->retry.run = run_cancel;
    if (!tr__loop_post(here != NULL ? here->number : f->home, &fj->retry))
        tr_future_unref(f); /* that loop has quit: all jobs are over */
}

static const char *describe_job(const tr_future *f)
{
    static _Thread_local char text[TR__JOB_TEXT_BYTES];
    const tr__job *job = &TR__CONTAINER_OF((tr_future *)(uintptr_t)f, future_job, future)->job;

    tr__job_describe(text, job->fn, job->name);
    return text;
}

static const tr__future_kind job_kind = {
    .what = "a job",
    .cancel = cancel_future_job,
    .describe = describe_job,
};

bool tr__job_retract(tr_future *f)
{
    future_job *fj = TR__CONTAINER_OF(f, future_job, future);
    tr__taking_back how = tr__pool_take_back_from_anywhere(fj->pool, &fj->job);

    if (how == TR__TAKEN_BACK) {
        tr__pools_count(TR__JOB_CANCELLED);
        settle(fj, TR_ECANCELED);
    }
    return how != TR__NOT_NOW;
}

tr__job *tr__job_of_future(tr_future *f, tr_pool **pool)
{
    future_job *fj;

    if (f->kind != &job_kind)
        return NULL;
    fj = TR__CONTAINER_OF(f, future_job, future);
    *pool = fj->pool;
    return &fj->job;
}

static future_job *make(tr_pool *pool, const tr__job_terms *terms)
{
    const tr__loop *here = tr__loop_here();
    uint32_t home = here != NULL ? here->number : tr__runtime_entry() + 1;
    tr_future *f = tr__future_make(&job_kind, (uint16_t)home, sizeof(future_job));
    future_job *fj = f != NULL ? TR__CONTAINER_OF(f, future_job, future) : NULL;

    if (fj == NULL)
        return NULL;
    fj->job = tr__job_of(terms);
    fj->job.finish = finish_future;
    fj->job.is_counted = true;
    fj->pool = pool;
    fj->drop = terms->drop;
    fj->leave = terms->leave;
    fj->leave_ctx = terms->leave_ctx;
    return fj;
}

/* ---- admission ---- */

/* Whether there is room in the pool; it counts as taken in any case. */
static bool admit(tr_pool *pool)
{
    /* ordered: more than a counter needs; it publishes nothing. */
    uint32_t before = tr__add_ordered_u32(&pool->submitted, 1);

    /* relaxed: a figure. Jobs of others that have come and been taken since the add count, too: so
     * fewer than none may be left. */
    uint32_t left = before - tr__load_relaxed_u32(&pool->counted_taken);

    return (int32_t)left < (int32_t)(pool->max * TR__POOL_BACKLOG);
}

static int push_counted(tr_pool *pool, tr__job *job)
{
    int rc = tr__pool_push_from_anywhere(pool, job);

    if (rc == TR_ESHUTDOWN) /* a job that was unlinked has been counted out */
        (void)tr__add_ordered_u32(&pool->submitted, (uint32_t)-1); /* ordered: as in admit */
    if (rc == 0)
        tr__pools_count(TR__JOB_SUBMITTED);
    return rc;
}

/* The pool is full: the job takes its place in line, and its task waits until it begins. */
static int push_and_stay(tr_task *task, tr_pool *pool, future_job *fj)
{
    tr__stay stay;
    int rc;

    tr__stay_enter(&stay, task, pool, &fj->job, true);
    fj->job.begin = tr__stay_tell;
    fj->job.has_begin = true;
    rc = push_counted(pool, &fj->job);
    if (rc < 0)
        return rc;
    rc = tr__wait_suspend(&stay.wait);
    if (rc < 0)
        tr__pools_count(TR__JOB_CANCELLED);
    return rc;
}

static int submit(tr_pool *pool, future_job *fj)
{
    tr_task *task = tr__task_here();

    if (TR__LIKELY(admit(pool)))
        return push_counted(pool, &fj->job);
    if (task != NULL)
        return push_and_stay(task, pool, fj);
    (void)tr__add_ordered_u32(&pool->submitted, (uint32_t)-1); /* ordered: as in admit */
    return TR_EAGAIN;
}

/* On error the job is nobody else's, and gone. */
static int submit_new(tr_future **out, tr_pool *pool, const tr__job_terms *terms)
{
    future_job *fj = make(pool, terms);
    int rc;

    if (fj == NULL)
        return TR_ENOMEM;
    fj->future.state |= TR__FUTURE_HELD; /* by the pool; our reference becomes the caller's */
    if (out != NULL)
        tr__future_want(&fj->future, terms->place);
    rc = submit(pool, fj);
    if (rc < 0) {
        fj->future.state = TR__FUTURE_ONE; /* nobody else has ever had it, or has it still */
        fj->future.seen = TR__FUTURE_SEEN;
    }
    if (rc == 0 && out != NULL)
        *out = &fj->future;
    else
        tr_future_unref(&fj->future);
    return rc;
}

int tr__pool_submit_job(tr_future **out, tr_pool *pool, const tr__job_terms *terms)
{
    tr_task *task = tr__task_here();
    int rc = tr__pool_check(pool, terms->fn);

    if (out != NULL)
        *out = NULL;
    if (rc == 0 && task != NULL)
        rc = tr__task_checkpoint(task);
    if (rc == 0)
        rc = submit_new(out, pool, terms);
    if (rc < 0) {
        if (terms->leave != NULL)
            terms->leave(terms->leave_ctx);
        drop_arg(terms->arg, terms->drop);
    }
    return rc;
}

int tr__pool_submit(tr_future **out, tr_pool *pool, tr_job_fn fn, void *arg,
                    void (*drop)(void *arg), const char *name)
{
    return tr__pool_submit_job(out, pool,
                               &(tr__job_terms){ .fn = fn,
                                                 .arg = arg,
                                                 .drop = drop,
                                                 .name = name,
                                                 .place = __builtin_return_address(0) });
}
