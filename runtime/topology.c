/* Affinity mask and cgroup quota. */
#include "runtime/topology.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

enum { TEXT_BYTES = 4096, MAPPINGS_USUAL = 65530 };

int tr__topology_quota(const char *text)
{
    char *end;
    double quota = strtod(text, &end);
    double period = strtod(end, NULL);

    if (end == text || quota <= 0 || period <= 0)
        return 0;
    return (int)((quota + period - 1) / period);
}

/* The beginning of a small file, as a string; false when it can't be read. */
static bool read_text(const char *path, char *text)
{
    FILE *file = fopen(path, "re");
    size_t got;

    if (file == NULL)
        return false;
    got = fread(text, 1, TEXT_BYTES - 1, file);
    text[got] = '\0';
    (void)fclose(file); /* it was only read */
    return got > 0;
}

/* cgroup v2: the line "0::/path" of /proc/self/cgroup names the group; its limit, and that of each
 * group above it, binds. */
static int unified_quota(void)
{
    char text[TEXT_BYTES];
    char path[TEXT_BYTES + 64];
    char group[TEXT_BYTES];
    int least = 0;
    char *line;

    if (!read_text("/proc/self/cgroup", text) || (line = strstr(text, "0::/")) == NULL)
        return 0;
    (void)snprintf(group, sizeof(group), "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    for (char *slash = group + strlen(group); slash != NULL; slash = strrchr(group, '/')) {
        int quota;

        *slash = '\0';
        (void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
        quota = read_text(path, text) ? tr__topology_quota(text) : 0;
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
    }
    return least;
}

/* cgroup v1, as containers see it. */
static int legacy_quota(void)
{
    char quota[TEXT_BYTES];
    char period[TEXT_BYTES];
    char both[2 * TEXT_BYTES + 1];

    if (!read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota) ||
        !read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period))
        return 0;
    (void)snprintf(both, sizeof(both), "%s %s", quota, period);
    return tr__topology_quota(both);
}

static int affinity_cores(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return CPU_COUNT(&set);
    return 1; /* more than 1024 cores: the mask does not fit; TROUPE_LOOPS says it better */
}

int tr__topology_cores(void)
{
    int cores;
    int quota;

    if (TR__SIM)
        return tr__sim_cores(); /* the same on every machine */
    cores = affinity_cores();
    quota = unified_quota();
    if (quota == 0)
        quota = legacy_quota();
    if (quota > 0 && quota < cores)
        cores = quota;
    return cores > 0 ? cores : 1;
}

uint32_t tr__topology_mappings(void)
{
    char text[TEXT_BYTES];
    unsigned long most = 0;

    if (read_text("/proc/sys/vm/max_map_count", text))
        most = strtoul(text, NULL, 10);
    return most > 0 && most <= UINT32_MAX ? (uint32_t)most : MAPPINGS_USUAL;
}
