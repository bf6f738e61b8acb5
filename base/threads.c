/* Real threads: the C library's, and the kernel's futexes. */
#include "base/threads.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/seam.h"

/* ---- threads ---- */

void tr__thread_join(pthread_t thread)
{
    (void)pthread_join(thread, NULL); /* ours, joined once */
}

pthread_t tr__thread_self(void)
{
    return pthread_self();
}

void tr__thread_name(pthread_t thread, const char *name)
{
    (void)pthread_setname_np(thread, name); /* for people only */
}

void tr__thread_yield(void)
{
    (void)sched_yield(); /* never fails on Linux */
}

void tr__thread_be_nice(int by)
{
    /* Linux counts this for each thread. To become nicer is always allowed. */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + by);
}

void tr__thread_stack(const void **low, size_t *bytes)
{
    pthread_attr_t attributes;
    void *at;

    TR_ASSERT(pthread_getattr_np(pthread_self(), &attributes) == 0);
    (void)pthread_attr_getstack(&attributes, &at, bytes); /* it was just filled in */
    (void)pthread_attr_destroy(&attributes);
    *low = at;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){
        .tv_sec = (time_t)(ns / UINT64_C(1000000000)),
        .tv_nsec = (long)(ns % UINT64_C(1000000000)),
    };
}

/* ---- a fence for all ---- */

bool tr__membarrier_prepare(void)
{
    return !tr__fault_strikes(TR__FAULT_CALL) &&
           syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void tr__membarrier(void)
{
    if (tr__fault_strikes(TR__FAULT_CALL))
        (void)sched_yield(); /* the kernel had no memory for it: once more */
    while (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
        if (errno != ENOMEM)
            tr__die("membarrier(2) worked at tr_start, and is forbidden now: locks that two loops "
                    "use need it; allow it in the sandbox, or forbid it before tr_start");
        (void)sched_yield(); /* it never comes back for anything else */
    }
}

/* ---- interrupting ---- */

static void do_nothing(int signo)
{
    (void)signo;
}

/* Two threads that do so at the same time do the same. */
bool tr__interrupts_allow(void)
{
    const struct sigaction ours = { .sa_handler = do_nothing, .sa_flags = SA_ONSTACK };
    struct sigaction now;

    if (sigaction(TR__INTERRUPT_SIGNAL, NULL, &now) != 0)
        return false;
    if ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == do_nothing)
        return true;
    if ((now.sa_flags & SA_SIGINFO) != 0 ||
        (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN))
        return false;
    return sigaction(TR__INTERRUPT_SIGNAL, &ours, NULL) == 0;
}

void tr__interrupt_open(void)
{
    sigset_t set;

    (void)sigemptyset(&set); /* these can't fail: the signal exists */
    (void)sigaddset(&set, TR__INTERRUPT_SIGNAL);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void tr__interrupt_send(pthread_t thread)
{
    (void)pthread_kill(thread, TR__INTERRUPT_SIGNAL); /* it has not ended: the caller knows */
}

void tr__interrupt_settle(void)
{
    (void)sched_yield(); /* any call: signals come when it returns, at the latest */
}

/* ---- conditions ---- */

void tr__condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic); /* these can't fail in glibc */
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

bool tr__condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    const struct timespec until = timespec_of(deadline_ns);

    if (deadline_ns == UINT64_MAX)
        return pthread_cond_wait(condition, mutex) == 0;
    return pthread_cond_timedwait(condition, mutex, &until) != ETIMEDOUT;
}

void tr__condition_announce(pthread_cond_t *condition)
{
    (void)pthread_cond_broadcast(condition);
}

/* ---- sleeping on a word ---- */

/* TSan holds a signal's handler back until the thread calls something that TSan knows, which a bare
 * system call isn't: a sleep without end would be one without signals, so in its builds we look up
 * now and then. */
static uint64_t next_look_ns(uint64_t deadline_ns)
{
#ifdef TR__TSAN
    uint64_t look_ns = tr__now_ns() + UINT64_C(100000000);

    return deadline_ns < look_ns ? deadline_ns : look_ns;
#else
    return deadline_ns;
#endif
}

bool tr__futex_wait(const uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
    uint64_t until_ns = next_look_ns(deadline_ns);
    const struct timespec until = timespec_of(until_ns);

    if (tr__fault_strikes(TR__FAULT_CALL))
        return true; /* a signal came: all that can happen to it */
    /* The variant with a set of bits is the one whose deadline is absolute, on the monotonic
     * clock. */
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
                   until_ns != UINT64_MAX ? &until : NULL, NULL, FUTEX_BITSET_MATCH_ANY) == 0 ||
           errno != ETIMEDOUT || until_ns != deadline_ns;
}

void tr__futex_wake(const uint32_t *word, uint32_t count)
{
    /* How many there were says nothing: they may have been about to sleep. */
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count < INT_MAX ? count : INT_MAX, NULL,
                  NULL, 0);
}

/* ---- event descriptors ---- */

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
    uint64_t one = 1;

    while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void tr__eventfd_clear(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}
