/* A gate that tasks and handlers wait at. */
#include "support/gate.h"

#include <sched.h>

#include "support/actors.h"

void kit_gate_init(kit_gate *gate)
{
    ck_assert_int_eq(tr_future_new(&gate->opened), 0);
    gate->arrived = 0;
}

void kit_gate_fini(kit_gate *gate)
{
    tr_future_unref(gate->opened);
}

int kit_gate_pass(kit_gate *gate)
{
    kit_count(&gate->arrived);
    return tr_await(gate->opened);
}

void kit_gate_await(const kit_gate *gate, uint32_t arrived)
{
    while (kit_counted(&gate->arrived) < arrived)
        sched_yield();
}

void kit_gate_open(kit_gate *gate)
{
    ck_assert_int_eq(tr_future_resolve(gate->opened, NULL, NULL), 0);
}
