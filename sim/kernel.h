/* The kernel's calls themselves: those of the C library are the simulation's (transfers.c,
 * network.c). -1, and errno, where one fails. */
#ifndef TR_SIM_KERNEL_H
#define TR_SIM_KERNEL_H

#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline ssize_t tr__kernel_receive(int fd, void *buffer, size_t bytes)
{
    return syscall(SYS_recvfrom, fd, buffer, bytes, MSG_DONTWAIT, NULL, NULL);
}

static inline ssize_t tr__kernel_send(int fd, const void *data, size_t bytes)
{
    return syscall(SYS_sendto, fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
}

static inline int tr__kernel_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

static inline int tr__kernel_shutdown(int fd, int how)
{
    return (int)syscall(SYS_shutdown, fd, how);
}

/* Which of these events there are now. */
static inline short tr__kernel_events(int fd, short events)
{
    struct pollfd itself = { .fd = fd, .events = events };
    struct timespec at_once = { .tv_sec = 0 };

    return syscall(SYS_ppoll, &itself, (nfds_t)1, &at_once, NULL, (size_t)8) > 0 ? itself.revents
                                                                                 : 0;
}

static inline int tr__kernel_get_option(int fd, int level, int name, void *value, socklen_t *bytes)
{
    return (int)syscall(SYS_getsockopt, fd, level, name, value, bytes);
}

static inline int tr__kernel_set_option(int fd, int level, int name, const void *value,
                                        socklen_t bytes)
{
    return (int)syscall(SYS_setsockopt, fd, level, name, value, bytes);
}

#endif
