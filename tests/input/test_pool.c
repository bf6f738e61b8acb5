/* Bad input to each function of pool.h, and good input in the wrong place. */

#include "support/jobs.h"

static void *const anything = &(int){ 0 };

START_TEST(pool_classes_that_are_none_are_null)
{
    ck_assert_ptr_null(tr__pool_of_class(-1));
    ck_assert_ptr_null(tr__pool_of_class(3));
    ck_assert_ptr_null(tr__pool_of_class(INT32_MAX));
    ck_assert_ptr_null(tr__pool_of_class(INT32_MIN));
    ck_assert_ptr_nonnull(TR_POOL_IO);
    ck_assert_ptr_nonnull(TR_POOL_CPU);
    ck_assert_ptr_nonnull(TR_POOL_DNS);
    ck_assert_ptr_ne(TR_POOL_IO, TR_POOL_CPU);
    ck_assert_ptr_ne(TR_POOL_IO, TR_POOL_DNS);
}
END_TEST

START_TEST(pools_of_absurd_sizes_are_refused)
{
    static const int sizes[] = { 0, -1, INT32_MIN, 10001, INT32_MAX };
    tr_pool *pool;

    ck_assert_int_eq(tr_pool_new(NULL, "kit", 1), TR_EINVAL);
    pool = anything;
    ck_assert_int_eq(tr_pool_new(&pool, NULL, 1), TR_EINVAL);
    ck_assert_ptr_null(pool);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        pool = anything;
        ck_assert_int_eq(tr_pool_new(&pool, "kit", sizes[i]), TR_EINVAL);
        ck_assert_ptr_null(pool);
    }
    ck_assert_int_eq(tr_pool_new(&pool, "", 10000), 0);
    kit_pool_free(pool);
}
END_TEST

START_TEST(own_pools_of_troupe_are_not_freed)
{
    ck_assert_int_eq(tr_pool_free(NULL), 0);
    ck_assert_int_eq(tr_pool_free(TR_POOL_IO), TR_EINVAL);
    ck_assert_int_eq(tr_pool_free(TR_POOL_CPU), TR_EINVAL);
    kit_start(1);
    ck_assert_int_eq(tr_pool_free(TR_POOL_IO), TR_EINVAL);
    kit_stop();
}
END_TEST

/* With whatever the place is. */
static void call_badly(void *unused)
{
    uint32_t drops = 0;
    tr_future *f = anything;

    (void)unused;
    ck_assert_int_eq(tr_pool_run(NULL, kit_count_job, &drops), TR_EINVAL);
    ck_assert_int_eq(tr_pool_run(TR_POOL_IO, NULL, &drops), TR_EINVAL);
    ck_assert_int_eq(tr_to_thread(NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_pool_submit(&f, NULL, kit_count_job, &drops, kit_count_drop), TR_EINVAL);
    ck_assert_ptr_null(f);
    ck_assert_uint_eq(drops, 1);
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, NULL, &drops, kit_count_drop), TR_EINVAL);
    ck_assert_uint_eq(drops, 2);
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, NULL, &drops, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_pool_submit(NULL, NULL, NULL, NULL, kit_count_drop), TR_EINVAL);
    ck_assert_uint_eq(drops, 2);
    ck_assert(!tr_cancelled());
}

static int call_badly_as_task(void *unused)
{
    call_badly(unused);
    return 0;
}

static int call_badly_in_handler(tr_self *self, void *unused)
{
    (void)self;
    call_badly(unused);
    return 0;
}

START_TEST(jobs_without_pool_or_function_are_refused_everywhere)
{
    call_badly(NULL);
    kit_start(1);
    call_badly(NULL);
    kit_on_loop(0, call_badly, NULL);
    kit_in_handler(kit_puppet(0), call_badly_in_handler, NULL);
    ck_assert_int_eq(kit_task(0, call_badly_as_task, NULL), 0);
    ck_assert_int_eq(tr_to_thread(call_badly_as_task, NULL), 0);
    kit_stop();
    call_badly(NULL);
}
END_TEST

START_TEST(jobs_are_refused_when_no_runtime_runs)
{
    uint32_t drops = 0;
    tr_future *f = anything;

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tr_to_thread(kit_count_job, &drops), TR_ESHUTDOWN);
        ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_CPU, kit_count_job, &drops, kit_count_drop),
                         TR_ESHUTDOWN);
        ck_assert_ptr_null(f);
        ck_assert_uint_eq(drops, (uint32_t)i + 1);
        kit_start(1);
        kit_stop();
    }
}
END_TEST

static void wait_where_nobody_can(void *pool)
{
    uint32_t runs = 0;

    ck_assert_int_eq(tr_pool_run(pool, kit_count_job, &runs), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_to_thread(kit_count_job, &runs), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_pool_free(pool), TR_EWRONGPLACE);
    ck_assert_uint_eq(runs, 0);
}

static int wait_in_handler(tr_self *self, void *pool)
{
    (void)self;
    wait_where_nobody_can(pool);
    return 0;
}

START_TEST(callbacks_and_handlers_can_not_wait_for_pools)
{
    tr_pool *pool;

    kit_start(1);
    pool = kit_pool(1);
    kit_on_loop(0, wait_where_nobody_can, pool);
    kit_in_handler(kit_puppet(0), wait_in_handler, pool);
    kit_pool_free(pool);
    kit_stop();
}
END_TEST

START_TEST(configurations_of_pools_out_of_range_are_refused)
{
    ck_assert_int_eq(tr_start(&(tr_config){ .pool_max = -1 }), TR_EINVAL);
    ck_assert_int_eq(tr_start(&(tr_config){ .pool_max = 10001 }), TR_EINVAL);
    ck_assert_int_eq(tr_start(&(tr_config){ .pool_idle_s = -1 }), TR_EINVAL);
    ck_assert_int_eq(tr_start(&(tr_config){ .pool_idle_s = -TR_FOREVER }), TR_EINVAL);
    ck_assert_int_eq(tr_start(&(tr_config){ .pool_idle_s = __builtin_nan("") }), TR_EINVAL);
}
END_TEST

START_TEST(configurations_of_pools_at_their_bounds_are_taken)
{
    static const double idle_s[] = { TR_FOREVER, 1e300, 1e-300 };
    uint32_t runs = 0;

    for (int i = 0; i < 3; i++) {
        kit_start_with(
            &(tr_config){ .loops = 1, .pool_idle_s = idle_s[i], .pool_max = i == 0 ? 1 : 10000 });
        ck_assert_int_eq(tr_to_thread(kit_count_job, &runs), i);
        kit_stop();
    }
}
END_TEST

KIT_MAIN("input/pool", pool_classes_that_are_none_are_null, pools_of_absurd_sizes_are_refused,
         own_pools_of_troupe_are_not_freed, jobs_without_pool_or_function_are_refused_everywhere,
         jobs_are_refused_when_no_runtime_runs, callbacks_and_handlers_can_not_wait_for_pools,
         configurations_of_pools_out_of_range_are_refused,
         configurations_of_pools_at_their_bounds_are_taken)
