/* One run, for those who explore many. */
#ifndef TR_SIM_RUN_H
#define TR_SIM_RUN_H

#include <pthread.h>
#include <troupe/sim.h>

bool tr__sim_options_are_valid(const tr_sim_options *options);
/* TROUPE_SEED; false: it is not set, or no seed, which is said. */
bool tr__sim_seed_from_environment(uint64_t *seed);
/* TROUPE_SEEDS, or else the usual number. */
uint64_t tr__sim_seeds_from_environment(uint64_t usual);
uint64_t tr__sim_seed_by_chance(void);

/* Run it with valid options. 0, or TR_ENOMEM. */
int tr__sim_run_seed(void (*fn)(void *arg), void *arg, const tr_sim_options *options,
                     uint64_t seed);

/* What seam.h's thread_start does here. */
int tr__sim_start_thread(pthread_t *out, void *(*entry)(void *), void *arg);

#endif
