/* Threads and gates. */
#include "runtime/thread.h"

#include <signal.h>

#include "base/seam.h"
#include "base/threads.h"

#define NS_PER_S 1e9

uint32_t tr__awake;
uint32_t tr__cores = 1;
uint32_t tr__spinners;

/* All signals, but for those that a thread brings on itself (a blocked one would end the process
 * without the program's crash handler), and the profilers'. */
static sigset_t blocked_signals(void)
{
    static const int open[] = {
        SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF
    };
    sigset_t set;

    (void)sigfillset(&set); /* these can't fail: the signals exist */
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        (void)sigdelset(&set, open[i]);
    return set;
}

int tr__thread_new(pthread_t *out, const char *name, void *(*entry)(void *), void *arg)
{
    sigset_t blocked = blocked_signals();
    sigset_t before;
    int rc;

    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before); /* inherited; the set is valid */
    rc = tr__thread_start(out, entry, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        tr__thread_name(*out, name);
    return rc;
}

void tr__gate_init(tr__gate *gate)
{
    (void)pthread_mutex_init(&gate->lock, NULL); /* can't fail on Linux: it allocates nothing */
    tr__condition_init(&gate->changed);
}

void tr__gate_fini(tr__gate *gate)
{
    (void)pthread_cond_destroy(&gate->changed); /* nobody waits for it, nor has the lock */
    (void)pthread_mutex_destroy(&gate->lock);
}

void tr__gate_lock(tr__gate *gate)
{
    tr__mutex_lock(&gate->lock);
}

bool tr__gate_try(tr__gate *gate)
{
    return tr__mutex_try(&gate->lock);
}

void tr__gate_unlock(tr__gate *gate)
{
    tr__mutex_unlock(&gate->lock);
}

void tr__gate_announce(tr__gate *gate)
{
    tr__condition_announce(&gate->changed);
}

bool tr__gate_wait(tr__gate *gate, uint64_t deadline_ns)
{
    return tr__condition_wait(&gate->changed, &gate->lock, deadline_ns);
}

uint64_t tr__deadline_ns(uint64_t now_ns, double seconds)
{
    if (seconds <= 0)
        return now_ns;
    if (seconds >= (double)(UINT64_MAX / 2) / NS_PER_S)
        return UINT64_MAX;
    return now_ns + (uint64_t)(seconds * NS_PER_S);
}

void tr__handover_init(tr__handover *handover)
{
    tr__gate_init(&handover->gate);
    handover->done = false;
    handover->result = 0;
}

void tr__handover_complete(tr__handover *handover, int result)
{
    tr__gate_lock(&handover->gate);
    handover->result = result;
    handover->done = true;
    tr__gate_announce(&handover->gate);
    tr__gate_unlock(&handover->gate);
}

int tr__handover_await(tr__handover *handover)
{
    tr__gate_lock(&handover->gate);
    while (!handover->done)
        (void)tr__gate_wait(&handover->gate, UINT64_MAX); /* without a deadline */
    tr__gate_unlock(&handover->gate);
    tr__gate_fini(&handover->gate);
    return handover->result;
}
