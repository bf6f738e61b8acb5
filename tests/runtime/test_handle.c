/* Handles of futures and tasks that outlive the runtime they came from. */
#include <pthread.h>
#include <sched.h>

#include "support/actors.h"
#include "support/tasks.h"

static int seven = 7;

static tr_future *made(void)
{
    tr_future *f;

    ck_assert_int_eq(tr_future_new(&f), 0);
    return f;
}

/* ---- of all loops, and many ---- */

enum { KEPT = 10000 };

static uint32_t drops;

static void drop_value(void *value)
{
    ck_assert_ptr_eq(value, &seven);
    kit_count(&drops);
}

static tr_future *kept[KEPT];

static void make_kept(void *first)
{
    for (int i = (int)(intptr_t)first; i < KEPT; i += 2) {
        kept[i] = made();
        if (i % 5 < 3)
            ck_assert_int_eq(tr_future_resolve(kept[i], &seven, drop_value), 0);
    }
}

static void give_back_kept(void *first)
{
    for (int i = (int)(intptr_t)first; i < KEPT; i += 4)
        tr_future_unref(kept[i]);
}

static void *give_back_in_thread(void *first)
{
    give_back_kept(first);
    return NULL;
}

/* A quarter in each of four threads, or on each of four loops. */
static void give_all_back(bool on_loops)
{
    pthread_t threads[4];

    drops = 0;
    for (intptr_t i = 0; i < 4; i++)
        if (on_loops)
            kit_on_loop((int)i, give_back_kept, (void *)i);
        else
            ck_assert_int_eq(pthread_create(&threads[i], NULL, give_back_in_thread, (void *)i), 0);
    for (int i = 0; i < 4 && !on_loops; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(drops, KEPT * 3 / 5);
}

static void make_all(void)
{
    kit_on_loop(0, make_kept, (void *)0);
    kit_on_loop(1, make_kept, (void *)1);
}

START_TEST(handles_may_be_given_back_after_the_runtime_has_stopped)
{
    kit_start(2);
    make_all();
    kit_stop();
    for (int i = 0; i < KEPT; i++) {
        ck_assert_int_eq(tr_future_status(kept[i]), i % 5 < 3 ? 0 : TR_EAGAIN);
        if (i % 5 == 3)
            ck_assert_int_eq(tr_future_resolve(kept[i], NULL, NULL), 0);
    }
    give_all_back(false);
}
END_TEST

START_TEST(handles_may_be_given_back_in_the_next_run)
{
    kit_start(2);
    make_all();
    kit_stop();
    kit_start(4);
    give_all_back(true);
    make_all();
    kit_stop();
    kit_start(4);
    give_all_back(false);
    make_all();
    give_all_back(true); /* in the same run */
    kit_stop();
}
END_TEST

static void *give_back_slowly(void *arg)
{
    uint32_t *count = arg;

    for (int i = 0; i < KEPT; i++) {
        tr_future_unref(kept[i]);
        kit_count(count);
    }
    return NULL;
}

START_TEST(handles_may_be_given_back_while_the_runtime_stops)
{
    for (int round = 0; round < 10; round++) {
        uint32_t count = 0;
        pthread_t thread;

        kit_start(2);
        make_all();
        ck_assert_int_eq(pthread_create(&thread, NULL, give_back_slowly, &count), 0);
        while (kit_counted(&count) < KEPT / 20)
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        ck_assert_int_eq(tr_start(&(tr_config){ .loops = 1 }), 0);
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        pthread_join(thread, NULL);
    }
}
END_TEST

/* ---- of one loop ---- */

typedef struct maker {
    tr_future *open;
    tr_task *task;
} maker;

static void make_on_loop(void *arg)
{
    maker *m = arg;

    m->open = made();
    ck_assert_int_eq(tr_task_spawn(&m->task, kit_give, &seven), 0);
}

static void use_later(void *arg)
{
    maker *m = arg;

    ck_assert_int_eq(tr_future_status(tr_task_future(m->task)), 7);
    ck_assert_int_eq(tr_future_cancel(tr_task_future(m->task)), 0);
    tr_task_unref(m->task);
    ck_assert_int_eq(tr_future_status(m->open), TR_EAGAIN);
    ck_assert_int_eq(tr_future_resolve(m->open, &seven, NULL), 0);
    ck_assert_ptr_eq(tr_future_peek(m->open), &seven);
    tr_future_unref(m->open);
}

static void *use_on_thread(void *m)
{
    use_later(m);
    return NULL;
}

START_TEST(handle_of_a_loop_outlives_a_shutdown_and_a_restart)
{
    for (int i = 0; i < 5; i++) {
        maker m = { .open = NULL };
        pthread_t thread;

        kit_start(3);
        kit_on_loop(2, make_on_loop, &m);
        kit_stop();
        if (i == 0) {
            use_later(&m);
            continue;
        }
        kit_start(i < 4 ? i : 3);
        if (i == 1) {
            ck_assert_int_eq(pthread_create(&thread, NULL, use_on_thread, &m), 0);
            pthread_join(thread, NULL);
        } else if (i == 2) {
            use_later(&m);
        } else {
            kit_on_loop(i - 3, use_later, &m); /* not its home, nor another */
        }
        kit_stop();
    }
}
END_TEST

static int await_it(void *f)
{
    return tr_await(f);
}

START_TEST(handle_of_a_loop_that_is_no_more_cannot_be_awaited)
{
    maker m = { .open = NULL };

    kit_start(3);
    kit_on_loop(2, make_on_loop, &m);
    kit_stop();
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, await_it, tr_task_future(m.task)), 7);
    ck_assert_int_eq(kit_in_task(0, await_it, m.open), TR_ESHUTDOWN);
    kit_stop();
    tr_task_unref(m.task);
    tr_future_unref(m.open);
}
END_TEST

KIT_MAIN("runtime/handle", handles_may_be_given_back_after_the_runtime_has_stopped,
         handles_may_be_given_back_in_the_next_run,
         handles_may_be_given_back_while_the_runtime_stops,
         handle_of_a_loop_outlives_a_shutdown_and_a_restart,
         handle_of_a_loop_that_is_no_more_cannot_be_awaited)
