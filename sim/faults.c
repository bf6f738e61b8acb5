/* What fails in a simulated world. */
#include "base/seam.h"
#include "sim/chance.h"
#include "sim/world.h"

static double chance_of(tr__fault kind)
{
    const tr_sim_options *options = &tr__sim.options;

    switch (kind) {
    case TR__FAULT_MEMORY:
        return options->fail_memory;
    case TR__FAULT_THREAD:
        return options->fail_thread;
    case TR__FAULT_SHORT:
        return options->short_transfer;
    case TR__FAULT_RESET:
        return options->reset;
    default:
        return options->fail_call;
    }
}

bool tr__fault_strikes(tr__fault kind)
{
    bool strikes;

    if (!tr__sim.is_on)
        return false;
    tr__sim.calls++;
    strikes = tr__sim.options.fail_at != 0 ? tr__sim.calls == tr__sim.options.fail_at
                                           : tr__chance(&tr__sim.faults, chance_of(kind));
    if (strikes) {
        tr__sim.figures.faults++;
        tr__sim_note(TR__SIM_FAILED, tr__sim.current, kind);
    }
    return strikes;
}

bool tr__faults_are_armed(void)
{
    const tr_sim_options *options = &tr__sim.options;

    return options->fail_at != 0 || options->fail_memory > 0 || options->fail_call > 0;
}

static const uint64_t SLOW_NS = UINT64_C(1000) * 1000 * 1000;

void tr__job_begins(void)
{
    uint64_t ns;

    if (!tr__chance(&tr__sim.faults, tr__sim.options.slow_job))
        return;
    ns = tr__random_next(&tr__sim.faults) % SLOW_NS;
    tr__sim_note(TR__SIM_STALLED, tr__sim.current, ns);
    (void)tr__sim_wait_for(TR__SIM_TIME, NULL, tr__sim_clock_ns() + ns);
}
