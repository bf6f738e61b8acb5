/* Jobs that tasks wait for, and that are cancelled: taken back as long as they have not begun, and
 * waited for afterwards. */
#include <sched.h>

#include "base/atomic.h"
#include "runtime/runtime.h"
#include "support/jobs.h"

/* A pool of one thread, in which a job is held. */
typedef struct busy {
    tr_pool *pool;
    kit_hold hold;
    tr_future *held;
    uint32_t runs;
} busy;

static void begin_busy(busy *b, int loops)
{
    *b = (busy){ .runs = 0 };
    kit_start(loops);
    kit_hold_init(&b->hold);
    b->pool = kit_pool(1);
    ck_assert_int_eq(tr_pool_submit(&b->held, b->pool, kit_held, &b->hold, NULL), 0);
    kit_hold_await(&b->hold, 1);
}

static void end_busy(busy *b)
{
    kit_hold_let_go(&b->hold, 1);
    ck_assert_int_eq(kit_future_end(b->held), KIT_HELD);
    kit_pool_free(b->pool);
    kit_stop();
    kit_hold_fini(&b->hold);
}

static int run_counted(void *arg)
{
    busy *b = arg;

    return tr_pool_run(b->pool, kit_count_job, &b->runs);
}

/* A task that waits for a job which stands in line. */
static tr_future *begin_queued(busy *b)
{
    tr_future *f = kit_task_begin(0, run_counted, b);

    while (kit_pool_length(b->pool) == 0)
        sched_yield();
    return f;
}

START_TEST(queued_job_is_taken_back_when_its_task_is_cancelled)
{
    tr_future *f;
    busy b;

    begin_busy(&b, 1);
    f = begin_queued(&b);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(kit_future_end(f), TR_ECANCELED);
    ck_assert_uint_eq(kit_pool_length(b.pool), 0);
    ck_assert_uint_eq(kit_stats().jobs_cancelled, 1);
    end_busy(&b);
    ck_assert_uint_eq(b.runs, 0);
}
END_TEST

START_TEST(queued_jobs_are_taken_back_from_anywhere_in_line)
{
    tr_future *f[5];
    busy b;

    begin_busy(&b, 1);
    for (int i = 0; i < 5; i++) {
        f[i] = kit_task_begin(0, run_counted, &b);
        while (kit_pool_length(b.pool) != (uint32_t)i + 1)
            sched_yield();
    }
    for (int i = 0; i < 5; i += 2) {
        ck_assert_int_eq(tr_future_cancel(f[i]), 1);
        ck_assert_int_eq(kit_future_end(f[i]), TR_ECANCELED);
    }
    ck_assert_uint_eq(kit_pool_length(b.pool), 2);
    end_busy(&b);
    ck_assert_uint_eq(b.runs, 2);
    ck_assert_int_eq(kit_future_end(f[1]), 0);
    ck_assert_int_eq(kit_future_end(f[3]), 1);
}
END_TEST

/* Somebody who holds the lock was preempted: the loop goes on, and tries again. */
START_TEST(queued_job_is_taken_back_as_soon_as_the_lock_is_free)
{
    tr_future *f;
    busy b;

    begin_busy(&b, 1);
    f = begin_queued(&b);
    ck_assert(tr__pool_lock_soon(b.pool));
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    for (int i = 0; i < 10; i++)
        kit_on_loop(0, NULL, NULL);
    ck_assert(!tr_future_is_done(f));
    tr__pool_unlock(b.pool);
    ck_assert_int_eq(kit_future_end(f), TR_ECANCELED);
    end_busy(&b);
    ck_assert_uint_eq(b.runs, 0);
}
END_TEST

/* The same, and the job begins and ends before the loop gets the lock. */
static void hold_the_lock(void *pool)
{
    ck_assert_int_eq(pthread_mutex_lock(&((tr_pool *)pool)->lock), 0);
}

static void give_the_lock_back(void *pool)
{
    tr__pool_unlock(pool);
}

START_TEST(job_that_begins_before_it_can_be_taken_back_runs)
{
    for (int i = 0; i < 200; i++) {
        tr_future *f;
        busy b;
        int rc;

        begin_busy(&b, 1);
        f = begin_queued(&b);
        hold_the_lock(b.pool);
        ck_assert_int_eq(tr_future_cancel(f), 1);
        kit_on_loop(0, NULL, NULL);
        kit_hold_let_go(&b.hold, 1);
        give_the_lock_back(b.pool);
        rc = kit_future_end(f);
        ck_assert(rc == 0 || rc == TR_ECANCELED);
        ck_assert_uint_eq(tr__load_acquire_u32(&b.runs), rc == 0);
        ck_assert_int_eq(kit_future_end(b.held), KIT_HELD);
        kit_pool_free(b.pool);
        kit_stop();
        kit_hold_fini(&b.hold);
    }
}
END_TEST

START_TEST(running_job_is_told_and_waited_for)
{
    kit_hold hold;
    tr_future *f;

    kit_hold_init(&hold);
    kit_start(1);
    f = kit_task_begin(0, kit_await_held, &hold);
    kit_hold_await(&hold, 1);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    kit_on_loop(0, NULL, NULL);
    kit_on_loop(0, NULL, NULL);
    ck_assert(!tr_future_is_done(f));
    kit_hold_let_go(&hold, 1);
    ck_assert_int_eq(kit_future_end(f), KIT_HELD); /* its own result */
    ck_assert_uint_eq(hold.cancelled, 1);
    kit_stop();
    kit_hold_fini(&hold);
}
END_TEST

static int poll_until_cancelled(void *begun)
{
    sem_post(begun);
    while (!tr_cancelled())
        sched_yield();
    return 5;
}

static int run_poller(void *begun)
{
    return tr_to_thread(poll_until_cancelled, begun);
}

START_TEST(running_job_may_poll_whether_it_is_cancelled)
{
    tr_future *f;
    sem_t begun;

    sem_init(&begun, 0, 0);
    kit_start(1);
    f = kit_task_begin(0, run_poller, &begun);
    while (sem_wait(&begun) != 0)
        ;
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(kit_future_end(f), 5);
    kit_stop();
    sem_destroy(&begun);
}
END_TEST

static int run_after_cancel(void *runs)
{
    uint32_t before;
    int rc;

    while (tr_yield() == 0)
        ;
    before = tr__load_acquire_u32(runs);
    rc = tr_to_thread(kit_count_job, runs);
    ck_assert_uint_eq(tr__load_acquire_u32(runs), before);
    ck_assert_int_eq(rc, TR_ECANCELED);
    TR_SHIELD(TR_FOREVER) {
        rc = tr_to_thread(kit_count_job, runs);
    }
    return rc;
}

START_TEST(cancelled_task_gives_no_more_jobs_but_under_a_shield)
{
    uint32_t runs = 0;
    tr_future *f;

    kit_start(1);
    f = kit_task_begin(0, run_after_cancel, &runs);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    ck_assert_int_eq(kit_future_end(f), 0);
    ck_assert_uint_eq(runs, 1);
    kit_stop();
}
END_TEST

/* ---- deadlines ---- */

static int run_with_deadline(void *arg)
{
    busy *b = arg;
    int rc = 0;

    TR_DEADLINE(0.005, &rc) {
        rc = tr_pool_run(b->pool, kit_count_job, &b->runs);
    }
    return rc;
}

START_TEST(deadline_takes_a_queued_job_back)
{
    busy b;

    begin_busy(&b, 1);
    ck_assert_int_eq(kit_task(0, run_with_deadline, &b), TR_ETIMEDOUT);
    end_busy(&b);
    ck_assert_uint_eq(b.runs, 0);
}
END_TEST

/* On a slow machine the time may have passed before a thread has begun the job: then another one is
 * given more. */
static int poll_under_deadline(void *begun)
{
    int rc = TR_ETIMEDOUT;

    for (double time_s = 0.005; rc == TR_ETIMEDOUT && time_s < KIT_PATIENCE_S; time_s *= 2)
        TR_DEADLINE(time_s, &rc) {
            rc = tr_to_thread(poll_until_cancelled, begun);
        }
    return rc;
}

START_TEST(deadline_tells_a_running_job_and_its_result_counts)
{
    sem_t begun;

    sem_init(&begun, 0, 0);
    kit_start(1);
    ck_assert_int_eq(kit_task(0, poll_under_deadline, &begun), 5);
    kit_stop();
    sem_destroy(&begun);
}
END_TEST

/* ---- at any moment ---- */

enum { RACES = 3000 };

typedef struct race {
    tr_pool *pool;
    uint32_t runs;
} race;

static int run_race(void *arg)
{
    race *r = arg;

    return tr_pool_run(r->pool, kit_count_job, &r->runs);
}

static void race_with_cancel(int loops, int max)
{
    uint32_t cancelled = 0;
    race r = { .runs = 0 };

    kit_start(loops);
    r.pool = kit_pool(max);
    for (int i = 0; i < RACES; i++) {
        uint32_t before = tr__load_acquire_u32(&r.runs);
        tr_future *f = kit_task_begin(i % loops, run_race, &r);
        int rc;

        for (int spin = i % 100; spin > 0; spin--)
            tr__spin_pause();
        ck_assert_int_ge(tr_future_cancel(f), 0);
        rc = kit_future_end(f);
        ck_assert(rc == TR_ECANCELED || rc == (int)before);
        ck_assert_uint_eq(tr__load_acquire_u32(&r.runs), before + (rc >= 0));
        cancelled += rc == TR_ECANCELED;
    }
    kit_pool_free(r.pool);
    kit_stop();
    ck_assert_uint_eq(kit_stats().jobs_run, RACES - cancelled);
}

START_TEST(job_either_runs_once_or_was_never_called_whenever_it_is_cancelled)
{
    race_with_cancel(1, 1);
    race_with_cancel(2, 4);
}
END_TEST

/* Many tasks at once, cancelled all together by their scope's end. */
enum { TEAM = 500 };

typedef struct member {
    tr_pool *pool;
    uint32_t runs;
    int rc;
} member;

static int run_member(void *arg)
{
    member *m = arg;

    m->rc = tr_pool_run(m->pool, kit_count_job, &m->runs);
    return 0;
}

static int run_team(void *arg)
{
    static member members[TEAM];
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < TEAM; i++) {
            members[i] = (member){ .pool = arg };
            (void)tr_scope_spawn(s, run_member, &members[i]);
        }
        (void)tr_yield();
        (void)tr_scope_cancel(s);
    }
    for (int i = 0; i < TEAM; i++)
        ck_assert_uint_eq(members[i].runs, members[i].rc != TR_ECANCELED);
    return rc;
}

START_TEST(scope_that_is_cancelled_leaves_no_job_in_line)
{
    tr_pool *pool;

    kit_start(1);
    pool = kit_pool(2);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(kit_task(0, run_team, pool), 0);
        ck_assert_uint_eq(kit_pool_length(pool), 0);
    }
    kit_pool_free(pool);
    kit_stop();
}
END_TEST

KIT_MAIN("runtime/pool_cancel", queued_job_is_taken_back_when_its_task_is_cancelled,
         queued_jobs_are_taken_back_from_anywhere_in_line,
         queued_job_is_taken_back_as_soon_as_the_lock_is_free,
         job_that_begins_before_it_can_be_taken_back_runs, running_job_is_told_and_waited_for,
         running_job_may_poll_whether_it_is_cancelled,
         cancelled_task_gives_no_more_jobs_but_under_a_shield, deadline_takes_a_queued_job_back,
         deadline_tells_a_running_job_and_its_result_counts,
         job_either_runs_once_or_was_never_called_whenever_it_is_cancelled,
         scope_that_is_cancelled_leaves_no_job_in_line)
