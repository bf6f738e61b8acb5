/* Awaiting with a time limit. */
#include <math.h>
#include <sched.h>

#include "support/actors.h"
#include "support/tasks.h"

typedef struct attempt {
    tr_future *f; /* what is waited for */
    kit_stubborn victim;
    double timeout;
} attempt;

static int wait_for_victim(void *arg)
{
    attempt *a = arg;
    int rc = tr_wait_for(a->f, a->timeout);

    if (rc != TR_EINVAL)
        ck_assert_uint_eq(kit_counted(&a->victim.ended), 1);
    return rc;
}

static void begin_victim(attempt *a, int loop)
{
    a->victim = (kit_stubborn){ .result = 5 };
    ck_assert_int_eq(tr_submit(&a->f, TR_LOOP(loop), kit_hold_out, &a->victim), 0);
    while (kit_counted(&a->victim.begun) == 0)
        sched_yield();
}

START_TEST(wait_for_cancels_what_takes_too_long_and_awaits_its_end)
{
    static const double timeouts[] = { 0.002, 1e-9, 0, -1, -INFINITY };

    kit_start(2);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 4; k++) {
            attempt a = { .timeout = timeouts[i] };

            begin_victim(&a, k / 2);
            ck_assert_int_eq(kit_in_task(k % 2, wait_for_victim, &a), TR_ETIMEDOUT);
            ck_assert_int_eq(tr_future_status(a.f), 5);
            /* Now it has ended: there is no limit to it. */
            ck_assert_int_eq(kit_in_task(k % 2, wait_for_victim, &a), 5);
            tr_future_unref(a.f);
        }
    }
    kit_stop();
}
END_TEST

START_TEST(wait_for_not_a_number_leaves_it_alone)
{
    attempt a = { .timeout = NAN };

    kit_start(2);
    begin_victim(&a, 0);
    ck_assert_int_eq(kit_in_task(0, wait_for_victim, &a), TR_EINVAL);
    ck_assert_int_eq(kit_in_task(1, wait_for_victim, &a), TR_EINVAL);
    ck_assert(!tr_future_is_done(a.f));
    ck_assert_uint_eq(kit_counted(&a.victim.cancelled), 0);
    ck_assert_int_eq(tr_future_cancel_wait(a.f), 5);
    tr_future_unref(a.f);
    kit_stop();
}
END_TEST

START_TEST(wait_for_cancels_its_victim_with_the_caller)
{
    kit_start(2);
    for (int i = 0; i < 8; i++) {
        attempt a = { .timeout = i % 2 == 0 ? TR_FOREVER : 1e6 };
        tr_future *task;

        begin_victim(&a, i / 4);
        ck_assert_int_eq(tr_submit(&task, TR_LOOP(i / 2 % 2), wait_for_victim, &a), 0);
        ck_assert_int_eq(tr_future_cancel_wait(task), TR_ECANCELED);
        ck_assert_int_eq(tr_future_status(a.f), 5);
        tr_future_unref(task);
        tr_future_unref(a.f);
    }
    kit_stop();
}
END_TEST

START_TEST(wait_for_ever_awaits_the_end)
{
    kit_start(2);
    for (int i = 0; i < 4; i++) {
        attempt a = { .timeout = TR_FOREVER };
        tr_future *task;

        begin_victim(&a, i / 2);
        ck_assert_int_eq(tr_submit(&task, TR_LOOP(i % 2), wait_for_victim, &a), 0);
        kit_on_loop(i % 2, NULL, NULL);
        (void)tr_future_cancel(a.f);
        ck_assert_int_eq(tr_future_wait(task, KIT_PATIENCE_S), 5);
        tr_future_unref(task);
        tr_future_unref(a.f);
    }
    kit_stop();
}
END_TEST

KIT_MAIN("wait_for", wait_for_cancels_what_takes_too_long_and_awaits_its_end,
         wait_for_not_a_number_leaves_it_alone, wait_for_cancels_its_victim_with_the_caller,
         wait_for_ever_awaits_the_end)
