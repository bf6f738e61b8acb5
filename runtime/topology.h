/* How much this machine, and this process's share of it, can carry. */
#ifndef TR_RUNTIME_TOPOLOGY_H
#define TR_RUNTIME_TOPOLOGY_H

#include <stdint.h>

/* Cores that this process may use: its affinity mask, and at most what the cgroup's CPU quota pays
 * for, rounded up; at least 1. */
int tr__topology_cores(void);
/* What takes its place in a simulation (sim/run.c). */
int tr__sim_cores(void);

/* The quota in a file of cgroup v2 ("max 100000" or "150000 100000"), in cores rounded up; 0: none.
 * For tests. */
int tr__topology_quota(const char *text);

/* How many mappings a process may have (vm.max_map_count). */
uint32_t tr__topology_mappings(void);

#endif
