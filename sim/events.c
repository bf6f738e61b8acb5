/* Waiting for descriptors in a simulated world. libev, and the program, call epoll_wait and poll of
 * the C library: here they have others of the same names, which the linker finds first. Outside of
 * a run they do what the real ones do. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/seam.h"
#include "sim/world.h"

TR_API int epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout);
TR_API int poll(struct pollfd *descriptors, nfds_t count, int timeout);

static int real_epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout)
{
    return (int)syscall(SYS_epoll_pwait, epoll_fd, events, most, timeout, NULL, (size_t)8);
}

static int real_poll(struct pollfd *descriptors, nfds_t count, int timeout)
{
    struct timespec until = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };

    return (int)syscall(SYS_ppoll, descriptors, count, timeout < 0 ? NULL : &until, NULL,
                        (size_t)8);
}

/* An epoll is not asked itself, for that would take its events: it is a descriptor, too. */
static bool finds_one_ready(const tr_sim_thread *t)
{
    return !t->has_ended && t->wait == TR__SIM_EVENTS && real_poll(t->watched, t->watches, 0) != 0;
}

bool tr__sim_poll(void)
{
    bool found = false;

    tr__sim.signalled = false;
    for (tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next)
        if (finds_one_ready(t)) {
            tr__sim_note(TR__SIM_READY, t, 0);
            tr__sim_make_ready(t, false);
            found = true;
        }
    return found;
}

bool tr__sim_wait_for_events(struct pollfd *descriptors, nfds_t count, uint64_t until_ns)
{
    tr__sim.current->watched = descriptors;
    tr__sim.current->watches = count;
    return tr__sim_wait_for(TR__SIM_EVENTS, NULL, until_ns);
}

/* As these calls count it, in milliseconds; below 0: for ever. */
static uint64_t end_of(int timeout)
{
    return timeout < 0 ? UINT64_MAX : tr__sim_clock_ns() + (uint64_t)timeout * 1000000;
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

/* A signal came, it seems. */
static bool is_interrupted(int timeout)
{
    if (timeout == 0 || !tr__fault_strikes(TR__FAULT_CALL))
        return false;
    errno = EINTR;
    return true;
}

static bool has_signal(void)
{
    if (!tr__sim_was_interrupted())
        return false;
    errno = EINTR;
    return true;
}

int epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout)
{
    struct pollfd itself = { .fd = epoll_fd, .events = POLLIN };
    uint64_t until_ns;
    int count;

    if (!tr__sim_is_here())
        return real_epoll_wait(epoll_fd, events, most, timeout);
    if (is_interrupted(timeout))
        return -1;
    until_ns = end_of(timeout);
    tr__sim_step();
    tr__sim_settle_arrivals();
    while ((count = real_epoll_wait(epoll_fd, events, most, 0)) == 0 && timeout != 0) {
        if (!tr__sim_wait_for_events(&itself, 1, until_ns))
            timeout = 0; /* look once more */
        if (has_signal())
            return -1;
    }
    shuffle(events, count);
    return count;
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout)
{
    uint64_t until_ns;
    int ready;

    if (!tr__sim_is_here())
        return real_poll(descriptors, count, timeout);
    if (is_interrupted(timeout))
        return -1;
    until_ns = end_of(timeout);
    tr__sim_step();
    tr__sim_settle_arrivals();
    while ((ready = real_poll(descriptors, count, 0)) == 0 && timeout != 0) {
        if (!tr__sim_wait_for_events(descriptors, count, until_ns))
            timeout = 0;
        if (has_signal())
            return -1;
    }
    return ready;
}
