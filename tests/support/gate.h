/* A gate that tasks and handlers wait at: a test knows how many have come, and lets them go on. */
#ifndef TR_TESTS_GATE_H
#define TR_TESTS_GATE_H

#include "support/kit.h"

typedef struct kit_gate {
    tr_future *opened;
    uint32_t arrived;
} kit_gate;

/* While the runtime runs; by a foreign thread or on a loop. */
void kit_gate_init(kit_gate *gate);
/* Also after the runtime has stopped. */
void kit_gate_fini(kit_gate *gate);
/* Await its opening; the result of that await. */
int kit_gate_pass(kit_gate *gate);
/* In a foreign thread: wait until that many stand at it, or have passed. One of them may still be
 * about to suspend itself: kit_settle its loop. */
void kit_gate_await(const kit_gate *gate, uint32_t arrived);
void kit_gate_open(kit_gate *gate);

#endif
