/* What arrives over the simulated network, the earliest first: a heap. tr__sim.arrival_ns says when
 * that is; tr__arrivals_run (world.h) lets all arrive whose time has come. */
#ifndef TR_SIM_ARRIVALS_H
#define TR_SIM_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in whatever arrives; all zero: it is not on its way. */
typedef struct tr__arrival tr__arrival;
struct tr__arrival {
    void (*fn)(tr__arrival *arrival);
    uint64_t at_ns;
    uint64_t number; /* of those of one time, the first sent arrives first */
    size_t place;    /* in the heap, from 1 */
};

/* Let it call fn at that time. It must not be on its way. */
void tr__arrival_plan(tr__arrival *arrival, uint64_t at_ns, void (*fn)(tr__arrival *arrival));
/* It does not arrive after all. */
void tr__arrival_cancel(tr__arrival *arrival);
/* Forget them all. */
void tr__arrivals_end(void);

/* Memory of the simulator's own, zeroed; there is always some, or the run ends. */
void *tr__sim_memory(size_t bytes);

#endif
