/* Descriptors and clocks of a simulated world. libev, and the program, call three functions of
 * the C library that wait for descriptors and read clocks: here they have others of the same names,
 * which the dynamic linker finds first. Outside of a run they do what the real ones do. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/seam.h"
#include "sim/world.h"

TR_API int epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout);
TR_API int clock_gettime(clockid_t clock, struct timespec *now);
TR_API int gettimeofday(struct timeval *restrict now, void *restrict zone);

static int real_wait(int epoll_fd, struct epoll_event *events, int most, int timeout)
{
    return (int)syscall(SYS_epoll_pwait, epoll_fd, events, most, timeout, NULL, (size_t)8);
}

/* Whether an epoll has events; it is not asked itself, for that would take them. */
static bool has_events(int epoll_fd)
{
    struct pollfd pollfd = { .fd = epoll_fd, .events = POLLIN };

    return poll(&pollfd, 1, 0) > 0;
}

bool tr__sim_poll(void)
{
    bool found = false;

    tr__sim.signalled = false;
    for (tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next)
        if (!t->has_ended && t->wait == TR__SIM_EVENTS && has_events(t->epoll_fd)) {
            tr__sim_note(TR__SIM_READY, t, 0);
            tr__sim_make_ready(t, false);
            found = true;
        }
    return found;
}

/* Whatever order the kernel gave them, the seed gives them another (Fisher and Yates). */
static void shuffle(struct epoll_event *events, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int other = (int)(tr__random_next(&tr__sim.schedule) % (uint64_t)(i + 1));
        struct epoll_event event = events[i];

        events[i] = events[other];
        events[other] = event;
    }
}

int epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout)
{
    uint64_t until_ns = UINT64_MAX;
    int count;

    if (!tr__sim.is_on)
        return real_wait(epoll_fd, events, most, timeout);
    if (timeout >= 0)
        until_ns = tr__sim_clock_ns() + (uint64_t)timeout * 1000000;
    tr__sim_step();
    while ((count = real_wait(epoll_fd, events, most, 0)) == 0 && timeout != 0) {
        tr__sim.current->epoll_fd = epoll_fd;
        if (!tr__sim_wait_for(TR__SIM_EVENTS, NULL, until_ns))
            timeout = 0; /* look once more */
    }
    shuffle(events, count);
    return count;
}

/* The day on which each run begins. */
static const uint64_t YEAR_2000_S = 946684800;

static uint64_t calendar_ns(void)
{
    return tr__sim_clock_ns() - TR__SIM_EPOCH_NS + YEAR_2000_S * UINT64_C(1000000000);
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    uint64_t ns;

    if (!tr__sim.is_on)
        return (int)syscall(SYS_gettimeofday, now, zone);
    ns = calendar_ns();
    now->tv_sec = (time_t)(ns / UINT64_C(1000000000));
    now->tv_usec = (suseconds_t)(ns % UINT64_C(1000000000) / 1000);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    uint64_t ns;

    if (!tr__sim.is_on || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
        return (int)syscall(SYS_clock_gettime, clock, now);
    ns = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? calendar_ns()
                                                                   : tr__sim_clock_ns();
    now->tv_sec = (time_t)(ns / UINT64_C(1000000000));
    now->tv_nsec = (long)(ns % UINT64_C(1000000000));
    return 0;
}
