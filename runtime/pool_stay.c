/* How a task waits for a job, and takes it back when it is cancelled. */
#include "runtime/pool_stay.h"

static void leave_stay(tr__stay *stay)
{
    tr__wait_end(&stay->wait, stay->is_until_begin ? 0 : stay->job->result);
}

static uint32_t run_told(tr__runnable *runnable, tr__loop *loop)
{
    tr__stay *stay = TR__CONTAINER_OF(runnable, tr__job, done)->stay;

    if (!stay->is_until_begin)
        tr__bump_u64(&loop->tally.jobs_run, 1);
    if (TR__UNLIKELY(stay->is_retrying))
        stay->is_told = true;
    else
        leave_stay(stay);
    return 1;
}

/* true: taken back. */
static bool try_to_cut(tr__stay *stay, tr__loop *loop)
{
    tr__taking_back how;

    if (!stay->is_until_begin) /* else the job goes on when its task is cancelled */
        /* relaxed: a request; it publishes nothing. */
        tr__store_relaxed_u32(&stay->job->is_cancelled, 1);
    how = tr__pool_take_back(stay->pool, stay->job);
    stay->is_retrying = how == TR__NOT_NOW;
    if (stay->is_retrying)
        tr__loop_schedule(loop, &stay->retry);
    if (how == TR__TAKEN_BACK && !stay->is_until_begin)
        tr__bump_u64(&loop->tally.jobs_cancelled, 1);
    return how == TR__TAKEN_BACK;
}

static uint32_t run_retry(tr__runnable *runnable, tr__loop *loop)
{
    tr__stay *stay = TR__CONTAINER_OF(runnable, tr__stay, retry);

    if (stay->is_told)
        leave_stay(stay);
    else if (try_to_cut(stay, loop))
        tr__wait_end(&stay->wait, TR_ECANCELED);
    return 1;
}

static bool withdraw_stay(tr__wait *wait)
{
    tr__stay *stay = TR__CONTAINER_OF(wait, tr__stay, wait);

    return !stay->is_retrying && try_to_cut(stay, tr__loop_here());
}

static void describe_stay(const tr__wait *wait, tr__awaited *awaited)
{
    const tr__stay *stay = TR__CONTAINER_OF(wait, const tr__stay, wait);

    awaited->what = stay->is_until_begin ? "room in a pool" : "a job";
}

static const tr__wait_kind stay_kind = { withdraw_stay, describe_stay };

void tr__stay_tell(tr__job *job)
{
    /* The loop can't have quit: its task has not ended. */
    (void)tr__loop_post(job->home, &job->done);
}

void tr__stay_enter(tr__stay *stay, tr_task *task, tr_pool *pool, tr__job *job, bool is_until_begin)
{
    stay->wait = (tr__wait){ .task = task, .kind = &stay_kind };
    stay->job = job;
    stay->pool = pool;
    stay->retry.run = run_retry;
    stay->is_retrying = false;
    stay->is_told = false;
    stay->is_until_begin = is_until_begin;
    job->stay = stay;
    job->done.run = run_told;
    job->home = (uint16_t)tr__loop_here()->number;
}
