/* How many loops this process can carry. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---- in a world of our own: its own files about control groups ---- */

static const char own_cgroup[] = "/sys/fs/cgroup/own";

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

static void make_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

/* false: this process may not (it is not root's). */
static bool enter_own_world(const char *groups)
{
    char path[64];

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("own", "/sys/fs/cgroup", "tmpfs", 0, NULL) != 0)
        return false;
    write_text(own_cgroup, groups);
    (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)getpid());
    return mount(own_cgroup, path, "none", MS_BIND, NULL) == 0;
}

/* The least quota of the group and of those above it binds. */
static void live_in_groups(void *arg)
{
    int cores = cores_by_mask();

    (void)arg;
    if (!enter_own_world("12:cpu:/elsewhere\n0::/outer/inner\n"))
        return;
    ck_assert_int_eq(tr__topology_cores(), cores); /* nothing says how much */
    make_folder("/sys/fs/cgroup/outer");
    make_folder("/sys/fs/cgroup/outer/inner");
    write_text("/sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
    ck_assert_int_eq(tr__topology_cores(), cores);
    write_text("/sys/fs/cgroup/outer/inner/cpu.max", "100000 100000\n");
    ck_assert_int_eq(tr__topology_cores(), 1);
    write_text("/sys/fs/cgroup/outer/cpu.max", "900000000 100000\n");
    ck_assert_int_eq(tr__topology_cores(), 1); /* the outer one has more: no matter */
    write_text("/sys/fs/cgroup/outer/inner/cpu.max", "900000000 100000\n");
    ck_assert_int_eq(tr__topology_cores(), cores);
    write_text("/sys/fs/cgroup/outer/cpu.max", "50000 100000\n");
    ck_assert_int_eq(tr__topology_cores(), 1);
    write_text("/sys/fs/cgroup/outer/cpu.max", "");
    write_text("/sys/fs/cgroup/cpu.max", "20000 100000\n");
    ck_assert_int_eq(tr__topology_cores(), 1);
}

START_TEST(cores_respect_the_quota_of_each_group)
{
    char text[256];

    ck_assert_int_eq(kit_in_child(live_in_groups, NULL, text, sizeof(text)), 0);
}
END_TEST

static void live_in_old_groups(void *arg)
{
    int cores = cores_by_mask();

    (void)arg;
    if (!enter_own_world("4:cpu,cpuacct:/\n"))
        return;
    ck_assert_int_eq(tr__topology_cores(), cores);
    make_folder("/sys/fs/cgroup/cpu");
    write_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
    ck_assert_int_eq(tr__topology_cores(), cores); /* half of it says nothing */
    write_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(tr__topology_cores(), 1);
    write_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    ck_assert_int_eq(tr__topology_cores(), cores);
}

START_TEST(cores_respect_the_quota_of_old_groups)
{
    char text[256];

    ck_assert_int_eq(kit_in_child(live_in_old_groups, NULL, text, sizeof(text)), 0);
}
END_TEST

START_TEST(mappings_are_limited_as_the_kernel_says)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    unsigned long most = 65530;

    if (file != NULL) {
        ck_assert_int_eq(fscanf(file, "%lu", &most), 1);
        (void)fclose(file);
    }
    ck_assert_uint_eq(tr__topology_mappings(), most);
}
END_TEST

KIT_MAIN("runtime/topology", mappings_are_limited_as_the_kernel_says, quota_is_rounded_up_to_cores,
         quota_that_is_none_is_0, cores_are_at_least_one_and_no_more_than_the_mask_has,
         cores_respect_the_affinity_mask, cores_respect_the_quota_of_each_group,
         cores_respect_the_quota_of_old_groups)
