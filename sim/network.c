/* Sockets in a simulated world: calls of the C library that make, name, connect and end them, which
 * the linker finds before the real ones. In a run, whatever speaks TCP or UDP, and Unix sockets of
 * streams, live in the simulated network (sockets.h), and nothing ever reaches a real one: what
 * can't be simulated fails. Outside of a run, these do what the real ones do. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/seam.h"
#include "sim/kernel.h"
#include "sim/sockets.h"
#include "sim/world.h"

TR_API int socket(int domain, int type, int protocol);
TR_API int bind(int fd, const struct sockaddr *address, socklen_t bytes);
TR_API int listen(int fd, int backlog);
TR_API int connect(int fd, const struct sockaddr *address, socklen_t bytes);
TR_API int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict from_bytes);
TR_API int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict from_bytes,
                   int flags);
TR_API int getsockname(int fd, struct sockaddr *restrict out, socklen_t *restrict bytes);
TR_API int getpeername(int fd, struct sockaddr *restrict out, socklen_t *restrict bytes);
TR_API int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict bytes);
TR_API int setsockopt(int fd, int level, int name, const void *value, socklen_t bytes);
TR_API int shutdown(int fd, int how);
TR_API int close(int fd);

const char tr__sim_has_network = 1;

static const uint64_t FULL_NS = 1000 * 1000; /* between two looks at a backlog */

/* -1, and errno, as the C library has it. */
static int as_call(int result)
{
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

/* The socket, where others may go on first; NULL: it is none of ours. */
static tr__socket *enter(int fd)
{
    tr__socket *s = tr__sim_is_here() ? tr__socket_find(fd) : NULL;

    if (s == NULL)
        return NULL;
    tr__sim_step();
    tr__sim_settle_arrivals();
    return s;
}

static bool may_wait(int fd)
{
    return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

/* A socket of the real network, which was made before the run, must not be used in it. */
static bool is_real(int fd)
{
    int domain = AF_UNIX;
    socklen_t bytes = sizeof(domain);

    return tr__sim_is_here() &&
           tr__kernel_get_option(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 &&
           domain != AF_UNIX;
}

/* ---- beginning ---- */

static bool is_simulated(int domain, int type)
{
    return (domain == AF_UNIX && type == SOCK_STREAM) || domain == AF_INET || domain == AF_INET6;
}

static int make(int domain, int type, int flags, int protocol)
{
    tr__socket *s;
    int fd = -1;
    int rc;

    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != 0 && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
        return -EPROTONOSUPPORT;
    tr__sim_step();
    rc = tr__socket_make(&s, domain, type, flags, &fd);
    return rc < 0 ? rc : fd;
}

int socket(int domain, int type, int protocol)
{
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

    if (tr__sim_is_here() && is_simulated(domain, type & ~flags))
        return as_call(make(domain, type & ~flags, type & flags, protocol));
    if (tr__sim_is_here() && domain != AF_UNIX)
        return as_call(-EAFNOSUPPORT);
    return (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    tr__socket *s = enter(fd);

    if (s != NULL)
        return as_call(tr__socket_bind(s, fd, address, bytes));
    if (is_real(fd))
        return as_call(-EADDRNOTAVAIL);
    return (int)syscall(SYS_bind, fd, address, bytes);
}

int listen(int fd, int backlog)
{
    tr__socket *s = enter(fd);

    if (s != NULL)
        return as_call(tr__socket_listen(s, backlog));
    if (is_real(fd))
        return as_call(-EOPNOTSUPP);
    return (int)syscall(SYS_listen, fd, backlog);
}

/* ---- connecting ---- */

static int wait_until_connected(tr__socket *s, int fd)
{
    struct pollfd itself = { .fd = fd, .events = POLLOUT };
    int error;

    while (s->state == TR__SOCKET_CONNECTS) {
        (void)tr__sim_wait_for_events(&itself, 1, UINT64_MAX);
        if (tr__sim_was_interrupted())
            return -EINTR;
    }
    error = s->error;
    s->error = 0;
    return -error;
}

static int connect_here(tr__socket *s, int fd, const struct sockaddr *address, socklen_t bytes)
{
    int rc;

    if (s->type == SOCK_DGRAM)
        return tr__datagram_connect(s, address, bytes);
    while ((rc = tr__socket_connect(s, fd, address, bytes)) == -EAGAIN && may_wait(fd)) {
        (void)tr__sim_wait_for(TR__SIM_TIME, NULL, tr__sim_clock_ns() + FULL_NS);
        if (tr__sim_was_interrupted())
            return -EINTR;
    }
    if ((rc == -EINPROGRESS || rc == -EALREADY) && may_wait(fd))
        return wait_until_connected(s, fd);
    return rc;
}

int connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
    tr__socket *s = enter(fd);

    if (s != NULL)
        return as_call(connect_here(s, fd, address, bytes));
    if (is_real(fd))
        return as_call(-ENETUNREACH);
    return (int)syscall(SYS_connect, fd, address, bytes);
}

/* ---- accepting ---- */

static int accept_here(tr__socket *s, int fd, struct sockaddr *from, socklen_t *from_bytes,
                       int flags)
{
    struct pollfd itself = { .fd = fd, .events = POLLIN };
    int rc;

    if (tr__fault_strikes(TR__FAULT_CALL))
        return -EMFILE;
    while ((rc = tr__socket_accept(s, fd, flags, from, from_bytes)) == -EAGAIN && may_wait(fd)) {
        (void)tr__sim_wait_for_events(&itself, 1, UINT64_MAX);
        if (tr__sim_was_interrupted())
            return -EINTR;
    }
    return rc;
}

int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict from_bytes, int flags)
{
    struct pollfd itself = { .fd = fd, .events = POLLIN };
    tr__socket *s = enter(fd);

    if (s != NULL)
        return as_call(accept_here(s, fd, from, from_bytes, flags));
    if (is_real(fd))
        return as_call(-EOPNOTSUPP);
    if (tr__sim_is_here() && may_wait(fd) && poll(&itself, 1, -1) < 0)
        return -1; /* EINTR */
    if (tr__sim_is_here() && tr__fault_strikes(TR__FAULT_CALL))
        return as_call(-EMFILE);
    return (int)syscall(SYS_accept4, fd, from, from_bytes, flags);
}

int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict from_bytes)
{
    return accept4(fd, from, from_bytes, 0);
}

/* ---- names ---- */

int getsockname(int fd, struct sockaddr *restrict out, socklen_t *restrict bytes)
{
    tr__socket *s = enter(fd);

    if (s == NULL)
        return (int)syscall(SYS_getsockname, fd, out, bytes);
    tr__socket_name(s, out, bytes);
    return 0;
}

int getpeername(int fd, struct sockaddr *restrict out, socklen_t *restrict bytes)
{
    tr__socket *s = enter(fd);

    return s != NULL ? as_call(tr__socket_peer_name(s, out, bytes))
                     : (int)syscall(SYS_getpeername, fd, out, bytes);
}

/* ---- options ---- */

/* Those that the kernel keeps for the pair. */
static bool is_kernels(const tr__socket *s, int level, int name)
{
    if (level != SOL_SOCKET)
        return s->domain == AF_UNIX;
    return name != SO_REUSEADDR && name != SO_REUSEPORT && name != SO_KEEPALIVE &&
           name != SO_BROADCAST && name != SO_DONTROUTE;
}

static int take_error(tr__socket *s, int fd)
{
    int error = s->error;
    int unused;
    socklen_t bytes = sizeof(unused);

    s->error = 0;
    (void)tr__kernel_get_option(fd, SOL_SOCKET, SO_ERROR, &unused, &bytes); /* of the pair */
    return error;
}

/* What a socket is; false: ask otherwise. */
static bool describe(tr__socket *s, int fd, int name, int *value)
{
    switch (name) {
    case SO_ERROR:
        *value = take_error(s, fd);
        return true;
    case SO_TYPE:
        *value = s->type;
        return true;
    case SO_DOMAIN:
        *value = s->domain;
        return true;
    case SO_PROTOCOL:
        *value = s->domain == AF_UNIX ? 0 : s->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
        return true;
    case SO_ACCEPTCONN:
        *value = s->state == TR__SOCKET_LISTENS;
        return true;
    default:
        return false;
    }
}

static int get_option(tr__socket *s, int fd, int level, int name, void *out, socklen_t *bytes)
{
    int value;

    if (level != SOL_SOCKET || !describe(s, fd, name, &value)) {
        if (is_kernels(s, level, name))
            return tr__kernel_get_option(fd, level, name, out, bytes) < 0 ? -errno : 0;
        if (level == IPPROTO_TCP && name == TCP_INFO)
            return -ENOPROTOOPT;
        value = tr__socket_get_option(s, level, name);
    }
    memcpy(out, &value, *bytes < sizeof(value) ? *bytes : sizeof(value));
    if (*bytes > sizeof(value))
        *bytes = sizeof(value);
    return 0;
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict bytes)
{
    tr__socket *s = enter(fd);

    return s != NULL ? as_call(get_option(s, fd, level, name, value, bytes))
                     : tr__kernel_get_option(fd, level, name, value, bytes);
}

static int set_linger(tr__socket *s, const void *value, socklen_t bytes)
{
    struct linger linger;

    if (bytes < sizeof(linger))
        return -EINVAL;
    memcpy(&linger, value, sizeof(linger));
    s->resets_on_close = linger.l_onoff != 0 && linger.l_linger == 0;
    return 0;
}

/* How much it may receive is what the simulator's end may send. */
static int set_in_kernel(const tr__socket *s, int fd, int name, const void *value, socklen_t bytes)
{
    if (name == SO_RCVBUF && s->end >= 0)
        (void)tr__kernel_set_option(s->end, SOL_SOCKET, SO_SNDBUF, value, bytes);
    return tr__kernel_set_option(fd, SOL_SOCKET, name, value, bytes) < 0 ? -errno : 0;
}

static int set_option(tr__socket *s, int fd, int level, int name, const void *value,
                      socklen_t bytes)
{
    int number = 0;

    if (value == NULL)
        return -EFAULT;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(s, value, bytes);
    if (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_DETACH_FILTER)) {
        s->is_deaf = name == SO_ATTACH_FILTER; /* there is one filter only: it drops who comes */
        return 0;
    }
    if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
        return -EOPNOTSUPP;
    if (level == SOL_SOCKET && is_kernels(s, level, name))
        return set_in_kernel(s, fd, name, value, bytes);
    if (s->domain == AF_UNIX && level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (bytes > sizeof(number))
        return -EOPNOTSUPP; /* of multicast, or sources */
    memcpy(&number, value, bytes);
    return bytes == 0 ? -EINVAL : tr__socket_set_option(s, level, name, number);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
    tr__socket *s = enter(fd);

    return s != NULL ? as_call(set_option(s, fd, level, name, value, bytes))
                     : tr__kernel_set_option(fd, level, name, value, bytes);
}

/* ---- ending ---- */

int shutdown(int fd, int how)
{
    tr__socket *s = enter(fd);

    return s != NULL ? as_call(tr__socket_shutdown(s, fd, how)) : tr__kernel_shutdown(fd, how);
}

int close(int fd)
{
    tr__socket *s = enter(fd);
    int rc = tr__kernel_close(fd);

    if (s != NULL)
        tr__socket_released(s);
    return rc;
}
