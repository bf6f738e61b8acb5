/* Tasks that are submitted: from everywhere to everywhere, and amid a shutdown. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "runtime/runtime.h"
#include "runtime/task.h"
#include "support/actors.h"
#include "support/futures.h"
#include "support/holder.h"
#include "support/places.h"

enum { MANY = 200 };

typedef struct job {
    tr_future *f;
    int loop;
    int rc;
    int where;
    uint32_t runs;
    bool was_cancelled;
} job;

static int do_job(void *arg)
{
    job *j = arg;

    j->where = tr_loop_current();
    j->was_cancelled = tr_cancel_requested();
    kit_count(&j->runs);
    return 5;
}

static void submit_it(void *arg)
{
    job *j = arg;

    j->rc = tr_submit(&j->f, j->loop, do_job, j);
}

START_TEST(task_is_submitted_from_everywhere_to_everywhere)
{
    kit_start(2);
    for (kit_place place = 0; place < KIT_PLACES; place++)
        for (int loop = 0; loop <= 2; loop++) {
            job j = { .loop = loop };

            kit_in_place(place, submit_it, &j);
            ck_assert_int_eq(j.rc, 0);
            ck_assert_int_eq(tr_future_wait(j.f, KIT_PATIENCE_S), 5);
            ck_assert_uint_eq(j.runs, 1);
            if (loop != TR_LOOP_ANY)
                ck_assert_int_eq(j.where, loop);
            else if (kit_is_on_loop(place))
                ck_assert_int_eq(j.where, TR_LOOP((int)place % 2));
            ck_assert_int_eq(tr_future_resolve(j.f, NULL, NULL), TR_EINVAL); /* it is the task's */
            ck_assert_int_eq(tr_future_cancel(j.f), 0);
            tr_future_unref(j.f);
        }
    kit_stop();
}
END_TEST

START_TEST(submit_refuses_what_makes_no_sense)
{
    tr_future *f = (tr_future *)&f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), do_job, NULL), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
    kit_start(2);
    for (int i = 0; i < 3; i++) {
        static const int bad[] = { TR_LOOP(2), -1, INT32_MAX };

        f = (tr_future *)&f;
        ck_assert_int_eq(tr_submit(&f, bad[i], do_job, NULL), TR_EINVAL);
        ck_assert_ptr_null(f);
    }
    f = (tr_future *)&f;
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_ptr_null(f);
    kit_stop();
}
END_TEST

static void *shut_down(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)tr_shutdown(KIT_PATIENCE_S);
}

START_TEST(task_that_was_accepted_before_a_shutdown_runs_cancelled)
{
    static job jobs[MANY];
    kit_holder holder;
    pthread_t thread;
    void *rc;

    kit_start(2);
    kit_hold(&holder, 0);
    for (int i = 0; i < MANY; i++) {
        jobs[i] = (job){ .loop = TR_LOOP(0) };
        submit_it(&jobs[i]);
        ck_assert_int_eq(jobs[i].rc, 0);
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, shut_down, NULL), 0);
    while (tr__runtime_phase() == TR__PHASE_RUN)
        sched_yield();
    kit_let_go(&holder);
    pthread_join(thread, &rc);
    ck_assert_int_eq((intptr_t)rc, 0);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(tr_future_wait(jobs[i].f, KIT_PATIENCE_S), 5);
        ck_assert_uint_eq(jobs[i].runs, 1);
        ck_assert(jobs[i].was_cancelled);
        tr_future_unref(jobs[i].f);
    }
    kit_expect_balance();
}
END_TEST

/* Threads that submit until they are refused. */
typedef struct flood {
    uint32_t ran;
    uint32_t accepted;
    uint32_t refused_later; /* accepted, and ended with TR_ESHUTDOWN */
    bool waits;             /* for each, before the next; else they pile up */
} flood;

static int count_run(void *arg)
{
    flood *fl = arg;

    kit_count(&fl->ran);
    return fl->waits ? 5 : tr_sleep(TR_FOREVER); /* it is cancelled, sooner or later */
}

static void *submit_until_refused(void *arg)
{
    flood *fl = arg;
    tr_future *last = NULL;
    tr_future *f;
    int rc;

    for (int n = 0; (rc = tr_submit(&f, TR_LOOP(n % 2), count_run, fl)) == 0; n++) {
        tr_future_unref(last);
        last = f;
        kit_count(&fl->accepted);
        if (fl->waits && n % 3 != 0)
            (void)tr_future_wait(f, KIT_PATIENCE_S);
        else if (fl->waits)
            (void)tr_future_cancel_wait(f);
        else if (kit_counted(&fl->accepted) > 20000)
            break;
    }
    ck_assert(rc == 0 || rc == TR_ESHUTDOWN);
    return last;
}

/* A thread that was held up within its last call came too late, and hears of it. */
static void end_flood(flood *fl, pthread_t thread)
{
    void *last;
    int status;

    pthread_join(thread, &last);
    if (last == NULL)
        return; /* the shutdown came before its first call */
    status = tr_future_status(last);
    ck_assert(status == TR_ESHUTDOWN || status == (fl->waits ? 5 : TR_ECANCELED));
    fl->refused_later += status == TR_ESHUTDOWN;
    tr_future_unref(last);
}

START_TEST(tasks_submitted_amid_a_shutdown_end)
{
    for (uint32_t round = 0; round < 50; round++) {
        flood fl = { .waits = round % 2 == 0 };
        pthread_t threads[4];

        kit_start(2);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, submit_until_refused, &fl), 0);
        while (kit_counted(&fl.accepted) < 20 * round + 4)
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int i = 0; i < 4; i++)
            end_flood(&fl, threads[i]);
        ck_assert_uint_eq(fl.ran + fl.refused_later, fl.accepted);
        kit_expect_balance();
    }
}
END_TEST

/* ---- a task that comes when its loop has halted ---- */

typedef struct halted {
    sem_t blocks;
    sem_t goes_on;
} halted;

static void block_loop(tr_future *f, int status, void *arg)
{
    halted *h = arg;

    (void)f;
    ck_assert_int_eq(status, TR_ESHUTDOWN);
    sem_post(&h->blocks);
    while (sem_wait(&h->goes_on) != 0)
        ;
}

static int await_for_long(void *f)
{
    int rc = 0;

    TR_SHIELD(TR_FOREVER) {
        rc = tr_await(f);
    }
    return rc;
}

static void await_reports(uint32_t reports)
{
    for (bool done = false; !done;) {
        tr__gate_lock(&tr__runtime_gate);
        done = tr__runtime.reports == reports;
        tr__gate_unlock(&tr__runtime_gate);
        sched_yield();
    }
}

/* Whoever submits it has found the runtime running, and been slow since. */
START_TEST(task_that_comes_when_its_loop_has_halted_does_not_begin)
{
    pthread_t thread;
    tr_future *f;
    tr_task *late;
    halted h;
    void *rc;

    sem_init(&h.blocks, 0, 0);
    sem_init(&h.goes_on, 0, 0);
    kit_start(2);
    f = kit_future_on(0);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(0), block_loop, &h), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, shut_down, NULL), 0);
    while (sem_wait(&h.blocks) != 0)
        ;
    await_reports(1); /* loop 1 has halted, loop 0 has not */
    late = tr__task_make(await_for_long, f, NULL, 0, "late", 2, 2);
    ck_assert_ptr_nonnull(late);
    late->future.state += TR__FUTURE_ONE;
    ck_assert(tr__task_start(late));
    sem_post(&h.goes_on);
    pthread_join(thread, &rc);
    ck_assert_int_eq((intptr_t)rc, 0);
    ck_assert_int_eq(tr_future_wait(tr_task_future(late), KIT_PATIENCE_S / 10), TR_ESHUTDOWN);
    tr_task_unref(late);
    tr_future_unref(f);
    kit_expect_balance();
    sem_destroy(&h.blocks);
    sem_destroy(&h.goes_on);
}
END_TEST

KIT_MAIN("runtime/submit", task_is_submitted_from_everywhere_to_everywhere,
         submit_refuses_what_makes_no_sense,
         task_that_was_accepted_before_a_shutdown_runs_cancelled,
         tasks_submitted_amid_a_shutdown_end,
         task_that_comes_when_its_loop_has_halted_does_not_begin)
