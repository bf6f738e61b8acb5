/* Pools while memory and threads run out, and while sleep ends for no reason. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/runtime.h"
#include "support/jobs.h"

/* An attempt: a pool, what was tried with it, and what came of it. */
typedef struct trial {
    tr_pool *pool;
    int max;
    int rc;
    uint32_t runs;
    uint32_t drops;
    tr_future *f;
    bool has_struck;
} trial;

static void expect_scarcity(int rc)
{
    ck_assert_msg(rc >= 0 || rc == TR_ENOMEM || rc == TR_EAGAIN, "gave %d", rc);
}

static void begin_trial(void *arg)
{
    trial *t = arg;
    int max = t->max;

    *t = (trial){ .max = max };
    t->pool = kit_pool(max);
}

/* Whatever was refused stands in no line, and the pool works. */
static void end_trial(trial *t)
{
    uint32_t runs = 0;

    ck_assert_int_eq(tr_pool_run(t->pool, kit_count_job, &runs), 0);
    ck_assert_uint_eq(kit_pool_length(t->pool), 0);
    kit_pool_free(t->pool);
}

static void for_every_fault(void (*begin)(void *), void (*attempt)(void *),
                            void (*check)(void *, bool))
{
    const kit_faulty steps = { begin, attempt, check };

    for (int lasting = 0; lasting < 2; lasting++)
        for (int loops = 1; loops <= 2; loops++) {
            trial t = { .max = loops };

            kit_start(loops);
            ck_assert_int_gt(kit_for_every_fault_of(&steps, &t, lasting), 0);
            kit_stop();
        }
}

/* ---- making ---- */

static void try_new(void *arg)
{
    trial *t = arg;

    t->rc = tr_pool_new(&t->pool, "kit", 2);
}

static void check_new(void *arg, bool struck)
{
    trial *t = arg;

    ck_assert_int_eq(t->rc, struck ? TR_ENOMEM : 0);
    ck_assert_int_eq(t->pool == NULL, struck);
    ck_assert_int_eq(tr_pool_free(t->pool), 0);
}

START_TEST(pool_is_made_or_there_is_no_memory)
{
    for_every_fault(NULL, try_new, check_new);
}
END_TEST

/* ---- running ---- */

static void try_run(void *arg)
{
    trial *t = arg;

    t->rc = tr_pool_run(t->pool, kit_count_job, &t->runs);
}

static void check_run(void *arg, bool struck)
{
    trial *t = arg;

    ck_assert_msg(t->rc == 0 || (struck && t->rc == TR_EAGAIN), "gave %d", t->rc);
    ck_assert_uint_eq(t->runs, t->rc == 0);
    end_trial(t);
}

START_TEST(thread_runs_a_job_or_there_is_no_thread_for_it)
{
    for_every_fault(begin_trial, try_run, check_run);
}
END_TEST

static int run_as_task(void *arg)
{
    trial *t = arg;

    tr__fault_arm((uint64_t)t->rc, t->max > 1);
    t->rc = tr_pool_run(t->pool, kit_count_job, &t->runs);
    return tr__fault_disarm();
}

START_TEST(task_runs_a_job_or_there_is_no_thread_for_it)
{
    for (int max = 1; max <= 2; max++) {
        int struck = 1;

        kit_start(1);
        for (int n = 1; struck; n++) {
            trial t = { .max = max };

            begin_trial(&t);
            t.rc = n;
            struck = kit_task(0, run_as_task, &t);
            check_run(&t, struck);
        }
        kit_stop();
    }
}
END_TEST

static int run_second(void *arg)
{
    trial *t = arg;

    return tr_pool_run(t->pool, kit_count_job, &t->runs);
}

/* No thread is started until so many were refused. */
enum { REFUSALS = 5 };
static uint32_t refusals;

static int refuse_threads(pthread_t *out, void *(*entry)(void *), void *arg)
{
    if (tr__add_ordered_u32(&refusals, 1) < REFUSALS) /* ordered: a counter */
        return TR_EAGAIN;
    return pthread_create(out, NULL, entry, arg) == 0 ? 0 : TR_EAGAIN;
}

static void *own_alloc(size_t bytes)
{
    return malloc(bytes);
}

static void own_free(void *block)
{
    free(block);
}

static uint64_t own_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail: the clock exists */
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t own_dice(void)
{
    return 1;
}

static const tr__seam without_threads = {
    .alloc = own_alloc,
    .free = own_free,
    .now_ns = own_now_ns,
    .dice = own_dice,
    .thread_start = refuse_threads,
};

/* A pool that has a thread, in a long job: the next job stays in line until there is another. */
START_TEST(job_stays_in_line_until_a_second_thread_can_be_started)
{
    trial t = { .max = 2 };
    kit_hold hold;
    tr_future *first;

    kit_hold_init(&hold);
    refusals = REFUSALS; /* the runtime's own and the first one start */
    tr__seam_set(&without_threads);
    kit_start(1);
    begin_trial(&t);
    ck_assert_int_eq(tr_pool_submit(&first, t.pool, kit_held, &hold, NULL), 0);
    kit_hold_await(&hold, 1);
    tr__store_relaxed_u32(&refusals, 0); /* relaxed: nobody asks just now */
    ck_assert_int_eq(kit_task(0, run_second, &t), 0);
    ck_assert_uint_gt(tr__load_acquire_u32(&refusals), REFUSALS); /* acquire: a counter */
    kit_hold_let_go(&hold, 1);
    ck_assert_int_eq(kit_future_end(first), KIT_HELD);
    end_trial(&t);
    kit_stop();
    tr__seam_set(NULL);
    kit_hold_fini(&hold);
}
END_TEST

static int run_two(void *arg)
{
    trial *t = arg;
    int rc = 0;

    TR_SCOPE(s, &rc) {
        (void)tr_scope_spawn(s, run_second, t);
        (void)tr_scope_spawn(s, run_second, t);
    }
    return rc;
}

START_TEST(pool_without_any_thread_refuses_each_job)
{
    trial t = { .max = 2 };

    kit_start(1);
    begin_trial(&t);
    tr__fault_arm(1, true);
    ck_assert_int_eq(tr_pool_run(t.pool, kit_count_job, &t.runs), TR_EAGAIN);
    ck_assert_int_eq(tr_pool_run(t.pool, kit_count_job, &t.runs), TR_EAGAIN);
    ck_assert(tr__fault_disarm());
    ck_assert_uint_eq(kit_pool_length(t.pool), 0);
    ck_assert_int_eq(kit_task(0, run_two, &t), 0);
    ck_assert_uint_eq(t.runs, 2);
    end_trial(&t);
    kit_stop();
}
END_TEST

/* ---- submitting ---- */

static void try_submit(void *arg)
{
    trial *t = arg;

    t->rc = tr_pool_submit(&t->f, t->pool, kit_count_job, &t->runs, NULL);
}

static void check_submit(void *arg, bool struck)
{
    trial *t = arg;

    expect_scarcity(t->rc);
    if (!struck)
        ck_assert_int_eq(t->rc, 0);
    ck_assert_int_eq(t->f != NULL, t->rc == 0);
    if (t->f != NULL)
        ck_assert_int_eq(kit_future_end(t->f), 0);
    ck_assert_uint_eq(t->runs, t->rc == 0);
    end_trial(t);
}

START_TEST(job_is_submitted_or_refused)
{
    for_every_fault(begin_trial, try_submit, check_submit);
}
END_TEST

static void try_submit_dropping(void *arg)
{
    trial *t = arg;

    t->rc = tr_pool_submit(NULL, t->pool, kit_count_job, &t->drops, kit_count_drop);
}

/* Run and dropped, or dropped. */
static void check_dropping(void *arg, bool struck)
{
    trial *t = arg;

    expect_scarcity(t->rc);
    if (!struck)
        ck_assert_int_eq(t->rc, 0);
    while (tr__load_acquire_u32(&t->drops) < (t->rc == 0 ? 2U : 1U))
        sched_yield();
    end_trial(t);
    ck_assert_uint_eq(t->drops, t->rc == 0 ? 2 : 1);
}

START_TEST(argument_of_a_job_is_dropped_once_whatever_fails)
{
    for_every_fault(begin_trial, try_submit_dropping, check_dropping);
}
END_TEST

/* Faults are armed on the loop itself: it makes calls of its own otherwise. */
static void submit_on_loop(void *arg)
{
    trial *t = arg;

    tr__fault_arm((uint64_t)t->rc, t->max > 1);
    try_submit_dropping(t);
    t->has_struck = tr__fault_disarm();
}

START_TEST(loop_submits_a_job_or_is_refused)
{
    for (int max = 1; max <= 2; max++) {
        trial t = { .has_struck = true };

        kit_start(1);
        for (int n = 1; t.has_struck; n++) {
            t.max = max;
            begin_trial(&t);
            t.rc = n;
            kit_on_loop(0, submit_on_loop, &t);
            check_dropping(&t, t.has_struck);
        }
        kit_stop();
    }
}
END_TEST

/* ---- jobs with a limit ---- */

/* Whatever fails, the permit is back when the job is over, or was refused. */
static tr_semaphore permit = TR_SEMAPHORE_INIT(1);

static void try_run_limited(void *arg)
{
    trial *t = arg;
    const tr_job_options options = { .limit = &permit, .interrupt = true };

    t->rc = tr_pool_run_with(t->pool, kit_count_job, &t->runs, &options);
}

static void check_run_limited(void *arg, bool struck)
{
    ck_assert_uint_eq(tr_semaphore_permits(&permit), 1);
    check_run(arg, struck);
}

START_TEST(permit_is_back_whether_a_job_is_run_or_not)
{
    for_every_fault(begin_trial, try_run_limited, check_run_limited);
}
END_TEST

static void try_submit_limited(void *arg)
{
    trial *t = arg;
    const tr_job_options options = { .limit = &permit, .priority = TR_PRIORITY_HIGH };

    t->rc = tr_pool_submit_with(&t->f, t->pool, kit_count_job, &t->runs, NULL, &options);
}

static void check_submit_limited(void *arg, bool struck)
{
    trial *t = arg;

    if (t->f != NULL)
        ck_assert_int_eq(tr_future_wait(t->f, KIT_PATIENCE_S), 0);
    ck_assert_uint_eq(tr_semaphore_permits(&permit), 1);
    check_submit(t, struck);
}

START_TEST(permit_is_back_whether_a_job_is_submitted_or_refused)
{
    for_every_fault(begin_trial, try_submit_limited, check_submit_limited);
}
END_TEST

/* ---- the portal ---- */

static int count_call(void *runs)
{
    return kit_count_job(runs);
}

static void try_call(void *arg)
{
    trial *t = arg;

    t->rc = tr_call_from_thread(TR_LOOP(0), TR_FOREVER, count_call, &t->runs);
}

static void check_call(void *arg, bool struck)
{
    trial *t = arg;

    ck_assert_msg(t->rc == 0 || (struck && t->rc == TR_ENOMEM), "gave %d", t->rc);
    ck_assert_uint_eq(t->runs, t->rc == 0);
    end_trial(t);
}

START_TEST(task_is_called_or_there_is_no_memory_for_it)
{
    for_every_fault(begin_trial, try_call, check_call);
}
END_TEST

/* ---- many at once, with faults all the time ---- */

enum { JOBS = 300 };

static int run_many(void *arg)
{
    trial *t = arg;
    int done = 0;

    for (int i = 0; i < JOBS; i++) {
        int rc = tr_pool_run(t->pool, kit_count_job, &t->runs);

        expect_scarcity(rc);
        done += rc >= 0;
    }
    return done;
}

START_TEST(jobs_pass_while_every_now_and_then_something_fails)
{
    trial t = { .max = 3 };
    tr_future *f[4];
    int done = 0;

    kit_start_with(&(tr_config){ .loops = 2, .pool_idle_s = 1e-6 });
    begin_trial(&t);
    for (int i = 0; i < 4; i++)
        f[i] = kit_task_begin(i % 2, run_many, &t);
    while (!tr_future_is_done(f[0])) {
        tr__fault_arm(3, false);
        sched_yield();
    }
    (void)tr__fault_disarm();
    for (int i = 0; i < 4; i++) {
        int rc = kit_future_end(f[i]);

        expect_scarcity(rc); /* a task needs a stack, too */
        done += rc > 0 ? rc : 0;
    }
    ck_assert_uint_eq(t.runs, (uint32_t)done);
    end_trial(&t);
    kit_stop();
}
END_TEST

KIT_MAIN("faults/pool", pool_is_made_or_there_is_no_memory,
         thread_runs_a_job_or_there_is_no_thread_for_it,
         task_runs_a_job_or_there_is_no_thread_for_it,
         job_stays_in_line_until_a_second_thread_can_be_started,
         pool_without_any_thread_refuses_each_job, job_is_submitted_or_refused,
         argument_of_a_job_is_dropped_once_whatever_fails,
         permit_is_back_whether_a_job_is_run_or_not,
         permit_is_back_whether_a_job_is_submitted_or_refused,
         task_is_called_or_there_is_no_memory_for_it, loop_submits_a_job_or_is_refused,
         jobs_pass_while_every_now_and_then_something_fails)
