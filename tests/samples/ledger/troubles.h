/* What goes wrong around the ledger, by the seed, for a while. */
#ifndef TR_TESTS_LEDGER_TROUBLES_H
#define TR_TESTS_LEDGER_TROUBLES_H

#include <troupe/sim_disk.h>

#include "samples/ledger/customers.h"

/* One or two that begin now; the weather is told. */
void troubles_begin(tr_sim_disk *disk, weather *weather);
/* All is well again. */
void troubles_end(tr_sim_disk *disk);

/* Hold the database's lock, as another program would, for so many seconds; as far as there is a
 * database. */
void troubles_lock(const char *path, double seconds);

#endif
