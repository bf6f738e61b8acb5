/* Threads, locks and wake-ups of a simulated world: base/threads.h. */
#include "base/threads.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/seam.h"
#include "sim/exhaust.h"
#include "sim/run.h"
#include "sim/world.h"

/* A thread of the world as a pthread_t, which only we look at. */
static tr_sim_thread *thread_from(pthread_t thread)
{
    return (tr_sim_thread *)(uintptr_t)thread; /* NOLINT(performance-no-int-to-ptr) */
}

static pthread_t handle_of(tr_sim_thread *thread)
{
    return (pthread_t)(uintptr_t)thread;
}

int tr__sim_start_thread(pthread_t *out, void *(*entry)(void *), void *arg)
{
    tr_sim_thread *thread = tr__sim.is_on ? tr__sim_thread_new("thread", entry, arg) : NULL;

    if (thread == NULL)
        return TR_EAGAIN;
    *out = handle_of(thread);
    return 0;
}

void tr__thread_join(pthread_t thread)
{
    (void)tr__sim_thread_end(thread_from(thread)); /* ours return nothing */
}

pthread_t tr__thread_self(void)
{
    return handle_of(tr__sim.current);
}

void tr__thread_name(pthread_t thread, const char *name)
{
    strncpy(thread_from(thread)->name, name, TR__SIM_NAME_BYTES - 1);
}

void tr__thread_yield(void)
{
    if (tr__sim.is_on)
        tr__sim_yield();
}

/* A seed decides who goes on. */
void tr__thread_be_nice(int by)
{
    (void)by;
}

void tr__thread_stack(const void **low, size_t *bytes)
{
    *low = tr__sim.current->stack;
    *bytes = tr__sim.current->stack_bytes;
}

/* ---- interrupting ---- */

bool tr__interrupts_allow(void)
{
    return true;
}

void tr__interrupt_open(void)
{
}

void tr__interrupt_send(pthread_t handle)
{
    tr_sim_thread *thread = thread_from(handle);

    tr__sim_step();
    if (thread->has_ended || (thread->wait != TR__SIM_EVENTS && thread->wait != TR__SIM_TIME))
        return; /* it does not block in a call of the C library's */
    thread->is_interrupted = true;
    tr__sim_make_ready(thread, false);
}

void tr__interrupt_settle(void)
{
    tr__sim_step();
}

/* ---- mutexes ---- */

void tr__mutex_lock(pthread_mutex_t *mutex)
{
    tr__sim_step();
    tr__sim_drain(); /* a locked instruction */
    while (pthread_mutex_trylock(mutex) != 0) {
        TR_ASSERT(tr__sim.is_on);
        (void)tr__sim_wait_for(TR__SIM_MUTEX, mutex, UINT64_MAX); /* without a time limit */
    }
}

bool tr__mutex_try(pthread_mutex_t *mutex)
{
    tr__sim_step();
    tr__sim_drain();
    return pthread_mutex_trylock(mutex) == 0;
}

static void unlock(pthread_mutex_t *mutex)
{
    tr__sim_drain();
    (void)pthread_mutex_unlock(mutex); /* ours */
    tr__sim_wake(TR__SIM_MUTEX, mutex, UINT32_MAX);
}

void tr__mutex_unlock(pthread_mutex_t *mutex)
{
    tr__sim_step(); /* some look at what it guards without it */
    unlock(mutex);
    tr__sim_step();
}

/* ---- a fence for all ---- */

bool tr__membarrier_prepare(void)
{
    return !tr__fault_strikes(TR__FAULT_CALL);
}

void tr__membarrier(void)
{
    tr__sim_step();
    tr__sim_drain_all();
}

/* ---- conditions ---- */

void tr__condition_init(pthread_cond_t *condition)
{
    (void)pthread_cond_init(condition, NULL); /* only its address is used */
}

bool tr__condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    bool in_time;

    unlock(mutex);
    in_time = tr__sim_wait_for(TR__SIM_CONDITION, condition, deadline_ns);
    tr__mutex_lock(mutex);
    return in_time;
}

void tr__condition_announce(pthread_cond_t *condition)
{
    tr__sim_step();
    tr__sim_wake(TR__SIM_CONDITION, condition, UINT32_MAX);
}

/* ---- sleeping on a word ---- */

bool tr__futex_wait(const uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
    tr__sim_step();
    if (tr__fault_strikes(TR__FAULT_CALL) || *word != expected)
        return true;
    return tr__sim_wait_for(TR__SIM_WORD, word, deadline_ns);
}

void tr__futex_wake(const uint32_t *word, uint32_t count)
{
    tr__sim_step();
    tr__sim_drain(); /* the kernel does a full fence, and only then looks who sleeps */
    tr__sim_wake(TR__SIM_WORD, word, count);
}

/* ---- event descriptors: real ones ---- */

int tr__eventfd_new(void)
{
    int fd;

    if (tr__fault_strikes(TR__FAULT_CALL))
        return -EMFILE;
    fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

void tr__eventfd_signal(int fd)
{
    tr__sim_step();
    (void)eventfd_write(fd, 1); /* it never comes near its end */
    tr__sim.signalled = true;
}

void tr__eventfd_clear(int fd)
{
    eventfd_t count;

    (void)eventfd_read(fd, &count); /* EAGAIN: it is clear */
    tr__sim_step();
}

/* ---- threads of the program ---- */

int tr_sim_thread_start(tr_sim_thread **out, const char *name, void *(*fn)(void *arg), void *arg)
{
    if (out == NULL || fn == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (!tr__sim.is_on)
        return TR_EWRONGPLACE;
    *out = tr__sim_thread_new(name != NULL ? name : "thread", fn, arg);
    return *out != NULL ? 0 : TR_ENOMEM;
}

void *tr_sim_thread_join(tr_sim_thread *thread)
{
    return tr__sim_thread_end(thread);
}

void tr_sim_sleep(double seconds)
{
    uint64_t now_ns = tr__sim_clock_ns();

    if (tr__sim.is_on && seconds > 0)
        (void)tr__sim_wait_for(TR__SIM_TIME, NULL, now_ns + (uint64_t)(seconds * 1e9));
}
