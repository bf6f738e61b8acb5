/* Whole programs: tasks submitted from anywhere, and a runtime around one task. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/atomic.h"
#include "support/kit.h"

static uint32_t load(const uint32_t *counter)
{
    return tr__load_acquire_u32(counter); /* acquire: a counter */
}

static void count(uint32_t *counter)
{
    (void)tr__add_ordered_u32(counter, 1); /* ordered: a counter */
}

/* ---- tr_submit ---- */

static int where_am_i(void *unused)
{
    (void)unused;
    return tr_loop_current();
}

static int submit_and_await(void *unused)
{
    tr_future *f;

    (void)unused;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_submit(&f, TR_LOOP(i), where_am_i, NULL), 0);
        ck_assert_int_eq(tr_await(f), TR_LOOP(i));
        tr_future_unref(f);
    }
    ck_assert_int_eq(tr_submit(&f, TR_LOOP_ANY, where_am_i, NULL), 0);
    ck_assert_int_eq(tr_await(f), tr_loop_current());
    tr_future_unref(f);
    return 0;
}

static void submit_here(void *out)
{
    ck_assert_int_eq(tr_submit((tr_future **)out, TR_LOOP_ANY, where_am_i, NULL), 0);
}

static int submit_in_handler(tr_self *self, void *out)
{
    (void)self;
    submit_here(out);
    return 0;
}

START_TEST(submit_runs_a_task_on_the_loop_that_was_named_from_everywhere)
{
    kit_start(3);
    for (int i = 0; i < 3; i++) {
        tr_pid puppet = kit_puppet(i);
        tr_future *f;

        ck_assert_int_eq(kit_in_task(i, where_am_i, NULL), TR_LOOP(i));
        ck_assert_int_eq(kit_in_task(i, submit_and_await, NULL), 0);
        kit_on_loop(i, submit_here, &f);
        ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), TR_LOOP(i));
        tr_future_unref(f);
        kit_in_handler(puppet, submit_in_handler, &f);
        ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), TR_LOOP(i));
        tr_future_unref(f);
        ck_assert_int_eq(tr_submit(NULL, TR_LOOP(i), where_am_i, NULL), 0);
    }
    kit_stop();
}
END_TEST

START_TEST(submit_refuses_what_makes_no_sense)
{
    tr_future *f = (tr_future *)&f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), where_am_i, NULL), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
    kit_start(2);
    for (int i = 0; i < 3; i++) {
        static const int bad[] = { TR_LOOP(2), -1, INT32_MAX };

        f = (tr_future *)&f;
        ck_assert_int_eq(tr_submit(&f, bad[i], where_am_i, NULL), TR_EINVAL);
        ck_assert_ptr_null(f);
    }
    f = (tr_future *)&f;
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_ptr_null(f);
    kit_stop();
}
END_TEST

static uint32_t began;
static uint32_t accepted;

static int count_beginning(void *unused)
{
    (void)unused;
    count(&began);
    (void)tr_sleep(TR_FOREVER); /* it is cancelled, sooner or later */
    return 0;
}

typedef struct submitter {
    pthread_t thread;
    int loop;
    tr_future *last;
} submitter;

static void *submit_until_refused(void *arg)
{
    submitter *s = arg;
    tr_future *f;
    int rc;

    while ((rc = tr_submit(&f, s->loop, count_beginning, NULL)) == 0) {
        tr_future_unref(s->last);
        s->last = f;
        if (tr__add_ordered_u32(&accepted, 1) > 20000) /* ordered: a counter */
            break;
    }
    ck_assert(rc == 0 || rc == TR_ESHUTDOWN);
    return NULL;
}

START_TEST(submit_that_was_accepted_runs_also_in_a_shutdown)
{
    for (int i = 0; i < 20; i++) {
        submitter s[] = { { .loop = TR_LOOP(0) }, { .loop = TR_LOOP(1) } };

        kit_start(2);
        began = accepted = 0;
        for (int k = 0; k < 2; k++)
            ck_assert_int_eq(pthread_create(&s[k].thread, NULL, submit_until_refused, &s[k]), 0);
        while (load(&accepted) < 50U * (uint32_t)i)
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int k = 0; k < 2; k++) {
            pthread_join(s[k].thread, NULL);
            /* A thread that was held up within the call came too late, and hears of it. */
            if (tr_future_status(s[k].last) == TR_ESHUTDOWN)
                accepted--;
            tr_future_unref(s[k].last);
        }
        ck_assert_uint_eq(began, accepted);
        kit_expect_balance();
    }
}
END_TEST

/* ---- tr_run ---- */

static int return_it(void *arg)
{
    ck_assert_int_eq(tr_loop_current(), TR_LOOP(0));
    return *(int *)arg;
}

static int run_within(void *arg)
{
    return tr_run(return_it, arg, NULL);
}

START_TEST(run_returns_the_result_again_and_again)
{
    for (int i = 0; i < 12; i++) {
        int result = i % 2 == 0 ? i : TR_EFULL;

        ck_assert_int_eq(tr_run(return_it, &result, &(tr_config){ .loops = 1 + i % 4 }), result);
        ck_assert_int_eq(tr_loop_count(), 0);
    }
    ck_assert_int_eq(tr_run(return_it, &(int){ 3 }, NULL), 3);
    ck_assert_int_eq(tr_run(return_it, &(int){ 3 }, &(tr_config){ .loops = -1 }), TR_EINVAL);
    ck_assert_int_eq(tr_run(NULL, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_loop_count(), 0);
}
END_TEST

START_TEST(run_beside_others_leaves_the_runtime_running)
{
    struct sigaction before;
    struct sigaction after;

    ck_assert_int_eq(sigaction(SIGINT, NULL, &before), 0);
    kit_start(2);
    ck_assert_int_eq(tr_run(return_it, &(int){ 3 }, NULL), 3);
    ck_assert_int_eq(tr_loop_count(), 2);
    ck_assert_int_eq(sigaction(SIGINT, NULL, &after), 0);
    ck_assert(before.sa_handler == after.sa_handler);
    ck_assert_int_eq(kit_in_task(0, run_within, &(int){ 3 }), TR_EWRONGPLACE);
    kit_stop();
}
END_TEST

static void *run_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tr_run(return_it, &i, NULL), i);
    return NULL;
}

START_TEST(run_of_two_threads_at_a_time_is_no_conflict)
{
    pthread_t threads[2];

    kit_start(2);
    for (int k = 0; k < 2; k++)
        ck_assert_int_eq(pthread_create(&threads[k], NULL, run_many, NULL), 0);
    for (int k = 0; k < 2; k++)
        pthread_join(threads[k], NULL);
    kit_stop();
}
END_TEST

KIT_MAIN("run", submit_runs_a_task_on_the_loop_that_was_named_from_everywhere,
         submit_refuses_what_makes_no_sense, submit_that_was_accepted_runs_also_in_a_shutdown,
         run_returns_the_result_again_and_again, run_beside_others_leaves_the_runtime_running,
         run_of_two_threads_at_a_time_is_no_conflict)
