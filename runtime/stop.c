/* Stopping the runtime: phase by phase, within one deadline, naming what does not finish. */
#include <math.h>

#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/observer.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"

enum { TEXT_BYTES = 512 };

static const char *phase_name(tr__phase phase)
{
    static const char *const names[] = {
        [TR__PHASE_RUN] = "run",   [TR__PHASE_CEASE] = "cease", [TR__PHASE_HALT] = "halt",
        [TR__PHASE_SEAL] = "seal", [TR__PHASE_DRAIN] = "drain", [TR__PHASE_QUIT] = "quit",
    };

    return names[phase];
}

void tr__runtime_report(tr__loop *loop, tr__phase phase)
{
    tr__gate_lock(&tr__runtime_gate);
    loop->reported = phase;
    tr__runtime.reports++;
    tr__gate_announce(&tr__runtime_gate);
    tr__gate_unlock(&tr__runtime_gate);
}

/* With the gate locked. */
static void enter_phase(tr__phase phase)
{
    tr__runtime.reports = 0;
    /* release: what the loops reported comes before; pairs with the acquire in
     * tr__runtime_phase. */
    tr__store_release_u32(&tr__runtime.phase, (uint32_t)phase);
    tr__fence_full(); /* fence: between the phase and the looks at the sleep flags; see port.h */
    for (int i = 0; i < tr_loop_count(); i++)
        tr__port_ring(&tr__ports[i]);
}

/* Only the loop itself may look at its tasks: it gets a moment to name them. */
#define NAMING_NS (UINT64_C(100) * 1000 * 1000)

/* With the gate locked: whether a loop is still to name its tasks. */
static bool is_naming(void)
{
    for (int i = 0; i < tr_loop_count(); i++)
        if (tr__runtime.loops[i]->is_naming)
            return true;
    return false;
}

/* With the gate locked: let the loops that have not finished name the tasks that are left. */
static void name_tasks(tr__phase phase)
{
    uint64_t deadline_ns = tr__now_ns() + NAMING_NS;

    for (int i = 0; i < tr_loop_count(); i++) {
        tr__loop *loop = tr__runtime.loops[i];

        if (loop->reported != phase && !loop->is_naming)
            loop->is_naming = tr__port_post_run(&tr__ports[i], &loop->naming);
    }
    while (is_naming() && tr__gate_wait(&tr__runtime_gate, deadline_ns))
        ;
}

/* With the gate locked: who has not finished the phase, and what it does instead. */
static void name_unfinished(tr__phase phase)
{
    for (int i = 0; i < tr_loop_count(); i++) {
        const tr__loop *loop = tr__runtime.loops[i];
        char text[TEXT_BYTES];

        if (loop->reported == phase)
            continue;
        tr__upper_layer.describe(loop, text, sizeof(text));
        tr__log(TR_LOG_WARN, "shutdown: loop %d has not finished phase '%s' in time: %s", i,
                phase_name(phase), text);
    }
    if (phase <= TR__PHASE_HALT)
        name_tasks(phase);
}

/* With the gate locked, which it gives back meanwhile: tasks and actors have ended; let all jobs
 * that pools have accepted end, and the pools' threads. false: out of time. */
static bool drain_pools(uint64_t deadline_ns)
{
    bool is_drained;

    tr__gate_unlock(&tr__runtime_gate); /* jobs may ask for figures */
    tr__pools_close();
    is_drained = tr__pools_drain(deadline_ns);
    if (is_drained)
        tr__pools_join();
    else
        tr__pools_name_busy();
    tr__gate_lock(&tr__runtime_gate);
    return is_drained;
}

/* With the gate locked: lead the loops through the phases that are left. 0, or TR_ETIMEDOUT. */
static int lead(uint64_t deadline_ns)
{
    uint32_t loops = (uint32_t)tr_loop_count();

    for (;;) {
        tr__phase phase = tr__runtime_phase();

        while (phase != TR__PHASE_RUN && tr__runtime.reports < loops)
            if (!tr__gate_wait(&tr__runtime_gate, deadline_ns) && tr__runtime.reports < loops) {
                name_unfinished(phase);
                tr__pools_name_busy(); /* what it waits for may be a job */
                return TR_ETIMEDOUT;
            }
        if (phase == TR__PHASE_QUIT)
            return 0;
        if (phase == TR__PHASE_HALT && !drain_pools(deadline_ns))
            return TR_ETIMEDOUT;
        enter_phase((tr__phase)(phase + 1));
    }
}

/* With the gate locked: all loops have quit. */
static void finish(void)
{
    uint32_t loops = (uint32_t)tr_loop_count();

    if (tr__is_debugging())
        tr__upper_observer.stop();
    for (uint32_t i = 0; i < loops; i++)
        tr__thread_join(tr__runtime.loops[i]->thread);
    /* relaxed: nobody can use the loops any more; new users wait for the gate. */
    tr__store_relaxed_u32(&tr__runtime.loop_count, 0);
    tr__runtime_clear(loops);
    tr__runtime_set_state(TR__STATE_STOPPED);
}

static int stop_locked(double grace_seconds)
{
    uint64_t deadline_ns = tr__deadline_ns(tr__now_ns(), grace_seconds);
    int rc;

    if (tr__runtime.is_stopping)
        return TR_EBUSY;
    if (tr__runtime_state() == TR__STATE_RUNNING) {
        if (--tr__runtime.users > 0)
            return 0;
        tr__runtime_set_state(TR__STATE_STOPPING);
    }
    tr__runtime.is_stopping = true;
    rc = lead(deadline_ns);
    if (rc == 0)
        finish();
    tr__runtime.is_stopping = false;
    return rc;
}

int tr_shutdown(double grace_seconds)
{
    int rc;

    if (isnan(grace_seconds))
        return TR_EINVAL;
    /* relaxed: set in a process of one thread. */
    if (tr__load_relaxed_u32(&tr__runtime.forked) != 0)
        return TR_EFORKED;
    if (tr__loop_here() != NULL)
        return TR_EWRONGPLACE;
    if (tr__runtime_state() == TR__STATE_STOPPED)
        return TR_ESHUTDOWN; /* the gate may not be initialized yet */
    tr__gate_lock(&tr__runtime_gate);
    /* STARTING is seen here only while a start that has failed waits for its threads to end. */
    if (tr__runtime_state() == TR__STATE_STOPPED || tr__runtime_state() == TR__STATE_STARTING)
        rc = TR_ESHUTDOWN;
    else
        rc = stop_locked(grace_seconds > 0 ? grace_seconds : tr__runtime.config.shutdown_s);
    tr__gate_unlock(&tr__runtime_gate);
    return rc;
}
