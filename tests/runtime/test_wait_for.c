/* Awaiting with a time limit. */
#include <math.h>
#include <sched.h>

#include "base/atomic.h"
#include "support/kit.h"

static uint32_t load(const uint32_t *flag)
{
    return tr__load_acquire_u32(flag); /* acquire: a flag */
}

static void set(void *flag)
{
    tr__store_release_u32(flag, 1); /* release: a flag */
}

static void wait_for_flag(const uint32_t *flag)
{
    while (load(flag) == 0)
        sched_yield();
}

static void nothing(void *unused)
{
    (void)unused;
}

/* What is waited for: it cleans up for a while when it is cancelled. */
typedef struct victim {
    tr_future *f;
    uint32_t began;
    uint32_t is_cancelled;
    uint32_t has_ended;
} victim;

static int be_victim(void *arg)
{
    victim *v = arg;

    set(&v->began);
    ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    set(&v->is_cancelled);
    TR_SHIELD(TR_FOREVER) {
        for (int i = 0; i < 50; i++)
            ck_assert_int_eq(tr_yield(), 0);
    }
    set(&v->has_ended);
    return 5;
}

typedef struct attempt {
    victim victim;
    double timeout;
} attempt;

static int wait_for_victim(void *arg)
{
    attempt *a = arg;
    int rc = tr_wait_for(a->victim.f, a->timeout);

    if (rc != TR_EINVAL)
        ck_assert_uint_eq(load(&a->victim.has_ended), 1);
    return rc;
}

static void begin_victim(victim *v, int loop)
{
    *v = (victim){ .f = NULL };
    ck_assert_int_eq(tr_submit(&v->f, TR_LOOP(loop), be_victim, v), 0);
    wait_for_flag(&v->began);
}

START_TEST(wait_for_cancels_what_takes_too_long_and_awaits_its_end)
{
    static const double timeouts[] = { 0.002, 1e-9, 0, -1, -INFINITY };

    kit_start(2);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 4; k++) {
            attempt a = { .timeout = timeouts[i] };

            begin_victim(&a.victim, k / 2);
            ck_assert_int_eq(kit_in_task(k % 2, wait_for_victim, &a), TR_ETIMEDOUT);
            ck_assert_int_eq(tr_future_status(a.victim.f), 5);
            /* Now it has ended: there is no limit to it. */
            ck_assert_int_eq(kit_in_task(k % 2, wait_for_victim, &a), 5);
            tr_future_unref(a.victim.f);
        }
    }
    kit_stop();
}
END_TEST

START_TEST(wait_for_not_a_number_leaves_it_alone)
{
    attempt a = { .timeout = NAN };

    kit_start(2);
    begin_victim(&a.victim, 0);
    ck_assert_int_eq(kit_in_task(0, wait_for_victim, &a), TR_EINVAL);
    ck_assert_int_eq(kit_in_task(1, wait_for_victim, &a), TR_EINVAL);
    ck_assert(!tr_future_is_done(a.victim.f));
    ck_assert_uint_eq(load(&a.victim.is_cancelled), 0);
    ck_assert_int_eq(tr_future_cancel_wait(a.victim.f), 5);
    tr_future_unref(a.victim.f);
    kit_stop();
}
END_TEST

START_TEST(wait_for_cancels_its_victim_with_the_caller)
{
    kit_start(2);
    for (int i = 0; i < 8; i++) {
        attempt a = { .timeout = i % 2 == 0 ? TR_FOREVER : 1e6 };
        tr_future *task;

        begin_victim(&a.victim, i / 4);
        ck_assert_int_eq(tr_submit(&task, TR_LOOP(i / 2 % 2), wait_for_victim, &a), 0);
        ck_assert_int_eq(tr_future_cancel_wait(task), TR_ECANCELED);
        ck_assert_int_eq(tr_future_status(a.victim.f), 5);
        tr_future_unref(task);
        tr_future_unref(a.victim.f);
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

        begin_victim(&a.victim, i / 2);
        ck_assert_int_eq(tr_submit(&task, TR_LOOP(i % 2), wait_for_victim, &a), 0);
        kit_on_loop(i % 2, nothing, NULL);
        (void)tr_future_cancel(a.victim.f);
        ck_assert_int_eq(tr_future_wait(task, KIT_PATIENCE_S), 5);
        tr_future_unref(task);
        tr_future_unref(a.victim.f);
    }
    kit_stop();
}
END_TEST

KIT_MAIN("wait_for", wait_for_cancels_what_takes_too_long_and_awaits_its_end,
         wait_for_not_a_number_leaves_it_alone, wait_for_cancels_its_victim_with_the_caller,
         wait_for_ever_awaits_the_end)
