/* How many loops this process can carry. */
#include <sched.h>

#include "runtime/topology.h"
#include "support/kit.h"

START_TEST(quota_is_rounded_up_to_cores)
{
    ck_assert_int_eq(tr__topology_quota("100000 100000\n"), 1);
    ck_assert_int_eq(tr__topology_quota("150000 100000\n"), 2);
    ck_assert_int_eq(tr__topology_quota("1000 100000"), 1);
    ck_assert_int_eq(tr__topology_quota("400000 100000"), 4);
    ck_assert_int_eq(tr__topology_quota("400001 100000"), 5);
    ck_assert_int_eq(tr__topology_quota("30000\n 10000\n"), 3); /* of cgroup v1, put together */
}
END_TEST

START_TEST(quota_that_is_none_is_0)
{
    ck_assert_int_eq(tr__topology_quota("max 100000\n"), 0);
    ck_assert_int_eq(tr__topology_quota(""), 0);
    ck_assert_int_eq(tr__topology_quota("-1 100000"), 0);
    ck_assert_int_eq(tr__topology_quota("0 100000"), 0);
    ck_assert_int_eq(tr__topology_quota("100000"), 0);
    ck_assert_int_eq(tr__topology_quota("100000 0"), 0);
    ck_assert_int_eq(tr__topology_quota("100000 -5"), 0);
}
END_TEST

static int cores_by_mask(void)
{
    cpu_set_t set;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    return CPU_COUNT(&set);
}

START_TEST(cores_are_at_least_one_and_no_more_than_the_mask_has)
{
    ck_assert_int_ge(tr__topology_cores(), 1);
    ck_assert_int_le(tr__topology_cores(), cores_by_mask());
}
END_TEST

static void stay_on_one_core(void *arg)
{
    cpu_set_t set;
    cpu_set_t one;
    int core = 0;

    (void)arg;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    while (!CPU_ISSET(core, &set))
        core++;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_int_eq(tr__topology_cores(), 1);
    ck_assert_int_eq(tr_start(NULL), 0);
    ck_assert_int_eq(tr_loop_count(), 1);
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

START_TEST(cores_respect_the_affinity_mask)
{
    char text[256];

    ck_assert_int_eq(kit_in_child(stay_on_one_core, NULL, text, sizeof(text)), 0);
}
END_TEST

KIT_MAIN("runtime/topology", quota_is_rounded_up_to_cores, quota_that_is_none_is_0,
         cores_are_at_least_one_and_no_more_than_the_mask_has, cores_respect_the_affinity_mask)
