/* Jobs with options: a permit of a semaphore is theirs as long as the pool has them. */
#include <string.h>
#include <troupe/sync.h>

#include "base/threads.h"
#include "runtime/pool.h"
#include "runtime/task.h"

/* The terms of a job with options; *limit: what it needs a permit of, NULL. */
static int read_options(tr__job_terms *terms, tr_semaphore **limit, const tr_job_options *options,
                        size_t options_size)
{
    tr_job_options all = { 0 };

    *limit = NULL;
    if (options_size == 0 || options_size > sizeof(all))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(&all, options, options_size);
    if (all.priority < TR_PRIORITY_LOW || all.priority > TR_PRIORITY_HIGH)
        return TR_EINVAL;
    if (all.interrupt && !tr__interrupts_allow())
        return TR_EBUSY;
    if (all.name != NULL)
        terms->name = all.name;
    terms->priority = (int8_t)all.priority;
    terms->may_interrupt = all.interrupt;
    *limit = all.limit;
    return 0;
}

static void give_back(void *limit)
{
    (void)tr_semaphore_release(limit); /* it was taken */
}

int tr__pool_run_with(tr_pool *pool, tr_job_fn fn, void *arg, const char *name,
                      const tr_job_options *options, size_t options_size)
{
    tr__job_terms terms = { .fn = fn, .arg = arg, .name = name };
    tr_semaphore *limit;
    int rc = read_options(&terms, &limit, options, options_size);

    if (rc == 0)
        rc = tr__pool_check(pool, fn);
    if (rc == 0 && limit != NULL)
        rc = tr_semaphore_acquire(limit);
    if (rc < 0)
        return rc;
    rc = tr__pool_run_job(pool, &terms);
    if (limit != NULL)
        give_back(limit);
    return rc;
}

/* A permit; only tasks wait. */
static int take_permit(tr_semaphore *limit)
{
    int rc =
        tr__task_here() != NULL ? tr_semaphore_acquire(limit) : tr_semaphore_try_acquire(limit, 1);

    return rc == TR_EBUSY ? TR_EAGAIN : rc;
}

int tr__pool_submit_with(tr_future **out, tr_pool *pool, tr_job_fn fn, void *arg,
                         void (*drop)(void *arg), const char *name, const tr_job_options *options,
                         size_t options_size)
{
    tr__job_terms terms = {
        .fn = fn, .arg = arg, .drop = drop, .name = name, .place = __builtin_return_address(0)
    };
    tr_semaphore *limit;
    int rc = read_options(&terms, &limit, options, options_size);

    if (out != NULL)
        *out = NULL;
    if (rc == 0)
        rc = tr__pool_check(pool, fn);
    if (rc == 0 && limit != NULL)
        rc = take_permit(limit);
    if (rc < 0) {
        if (arg != NULL && drop != NULL)
            drop(arg);
        return rc;
    }
    if (limit != NULL) {
        terms.leave = give_back;
        terms.leave_ctx = limit;
    }
    return tr__pool_submit_job(out, pool, &terms);
}
