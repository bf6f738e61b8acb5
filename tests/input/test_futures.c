/* Bad input to futures, and to tr_submit, tr_run and tr_main. */
#include <math.h>

#include "support/kit.h"

static uint32_t drops;

static void count_drop(void *value)
{
    (void)value;
    drops++;
}

static int return_0(void *unused)
{
    (void)unused;
    return 0;
}

static void do_nothing(void *unused)
{
    (void)unused;
}

static void note(tr_future *f, int status, void *arg)
{
    (void)f;
    (void)status;
    (void)arg;
}

START_TEST(futures_that_are_null_are_refused)
{
    void *value = &drops;

    kit_start(1);
    ck_assert_int_eq(tr_future_new(NULL), TR_EINVAL);
    ck_assert_ptr_null(tr_future_ref(NULL));
    tr_future_unref(NULL);
    ck_assert_int_eq(tr_future_resolve(NULL, &drops, count_drop), TR_EINVAL);
    ck_assert_uint_eq(drops, 1); /* the value was taken all the same */
    ck_assert_int_eq(tr_future_resolve(NULL, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_fail(NULL, TR_EFULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_cancel(NULL), TR_EINVAL);
    ck_assert(!tr_future_is_done(NULL));
    ck_assert_int_eq(tr_future_status(NULL), TR_EINVAL);
    ck_assert_ptr_null(tr_future_peek(NULL));
    ck_assert_int_eq(tr_future_take(NULL, &value), TR_EINVAL);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(tr_future_take(NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_await(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_await_or(NULL, do_nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_wait_for(NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_future_wait(NULL, 1), TR_EINVAL);
    ck_assert_int_eq(tr_future_cancel_wait(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(NULL, TR_LOOP(0), note, NULL), TR_EINVAL);
    kit_stop();
}
END_TEST

START_TEST(futures_refuse_arguments_that_make_no_sense)
{
    tr_future *f;

    kit_start(1);
    ck_assert_int_eq(tr_future_new(&f), 0);
    ck_assert_int_eq(tr_future_fail(f, 0), TR_EINVAL);
    ck_assert_int_eq(tr_future_fail(f, 1), TR_EINVAL);
    ck_assert_int_eq(tr_future_take(f, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_await_or(f, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_wait_for(f, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_future_wait(f, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP(1), note, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_then(f, -1, note, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_await(f), TR_EWRONGPLACE); /* a foreign thread */
    ck_assert_int_eq(tr_await_or(f, do_nothing, NULL), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_wait_for(f, 1), TR_EWRONGPLACE);
    ck_assert(!tr_future_is_done(f));
    tr_future_unref(f);
    kit_stop();
    f = (tr_future *)&f;
    ck_assert_int_eq(tr_future_new(&f), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
}
END_TEST

START_TEST(futures_of_tasks_are_not_anybodys_to_end)
{
    tr_future *f;

    kit_start(1);
    drops = 0;
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), return_0, NULL), 0);
    ck_assert_int_eq(tr_future_resolve(f, &drops, count_drop), TR_EINVAL);
    ck_assert_uint_eq(drops, 1);
    ck_assert_int_eq(tr_future_fail(f, TR_EFULL), TR_EINVAL);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    kit_stop();
}
END_TEST

START_TEST(programs_that_make_no_sense_are_refused)
{
    const tr_config bad = { .loops = -1 };
    char *argv[] = { NULL };
    tr_future *f = (tr_future *)&f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), return_0, NULL), TR_ESHUTDOWN);
    ck_assert_ptr_null(f);
    ck_assert_int_eq(tr_run(NULL, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_run(return_0, NULL, &bad), TR_EINVAL);
    ck_assert_int_eq(tr__run(return_0, NULL, "return_0", &bad, 0), TR_EINVAL);
    ck_assert_int_eq(tr_main(1, argv, NULL, NULL, NULL), 1);
    ck_assert_int_eq(tr_main(-1, NULL, return_0, NULL, &bad), 1);
    kit_start(1);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(1), return_0, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_submit(NULL, -1, return_0, NULL), TR_EINVAL);
    kit_stop();
}
END_TEST

KIT_MAIN("futures", futures_that_are_null_are_refused, futures_refuse_arguments_that_make_no_sense,
         futures_of_tasks_are_not_anybodys_to_end, programs_that_make_no_sense_are_refused)
