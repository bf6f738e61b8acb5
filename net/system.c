/* System calls, and their failures on demand. */
#include "net/system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/seam.h"

/* Of a call that is to fail, where a test can say so. In a simulation, calls that move bytes fail
 * in sim/ already. */
static bool strikes(void)
{
    return tr__fault_strikes(TR__FAULT_CALL);
}

static bool transfer_strikes(void)
{
    return !TR__SIM && tr__fault_strikes(TR__FAULT_CALL);
}

static ssize_t result(ssize_t returned)
{
    return returned >= 0 ? returned : -errno;
}

/* Of a call that moves bytes, and never waits: that it was interrupted means to try again, and
 * watchers tell when. */
static ssize_t moved(ssize_t returned)
{
    if (returned < 0 && errno == EINTR)
        return -EAGAIN;
    return result(returned);
}

int tr__sys_socket(int family, int type)
{
    if (strikes())
        return -EMFILE;
    return (int)result(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int tr__sys_open_diagnosis(void)
{
    if (strikes())
        return -EMFILE;
    return (int)result(
        socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
}

int tr__sys_socketpair(int ends[2])
{
    if (strikes())
        return -EMFILE;
    return (int)result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
}

int tr__sys_pipe(int ends[2])
{
    if (strikes())
        return -EMFILE;
    return (int)result(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
}

size_t tr__sys_pipe_grow(int fd, size_t bytes)
{
    int now = fcntl(fd, F_SETPIPE_SZ, (int)bytes);

    if (now < 0)
        now = fcntl(fd, F_GETPIPE_SZ);
    return now > 0 ? (size_t)now : PIPE_BUF;
}

int tr__sys_connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
    if (strikes())
        return -ENETUNREACH;
    return (int)result(connect(fd, address, bytes));
}

int tr__sys_socket_error(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof(error);

    if (strikes())
        return -ECONNREFUSED;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0)
        return -errno;
    return -error;
}

int tr__sys_bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    if (strikes())
        return -EADDRINUSE;
    return (int)result(bind(fd, address, bytes));
}

int tr__sys_listen(int fd, int backlog)
{
    if (strikes())
        return -EADDRINUSE;
    return (int)result(listen(fd, backlog));
}

int tr__sys_accept(int fd, struct sockaddr_storage *from, socklen_t *from_bytes)
{
    int accepted;

    if (!TR__SIM && strikes())
        return -EMFILE;
    *from_bytes = sizeof(*from);
    do
        accepted = accept4(fd, (struct sockaddr *)from, from_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (accepted < 0 && errno == EINTR);
    return (int)result(accepted);
}

int tr__sys_shutdown(int fd, int how)
{
    if (strikes())
        return -ENOTCONN;
    return (int)result(shutdown(fd, how));
}

int tr__sys_set_option(int fd, int level, int name, int value)
{
    if (strikes())
        return -ENOMEM;
    return (int)result(setsockopt(fd, level, name, &value, sizeof(value)));
}

int tr__sys_local_name(int fd, struct sockaddr_storage *name, socklen_t *bytes)
{
    if (strikes())
        return -ENOBUFS;
    *bytes = sizeof(*name);
    return (int)result(getsockname(fd, (struct sockaddr *)name, bytes));
}

int tr__sys_peer_name(int fd, struct sockaddr_storage *name, socklen_t *bytes)
{
    if (strikes())
        return -ENOBUFS;
    *bytes = sizeof(*name);
    return (int)result(getpeername(fd, (struct sockaddr *)name, bytes));
}

void tr__sys_attach_filter(int fd, struct sock_filter *program, size_t count)
{
    struct sock_fprog filter = { .len = (unsigned short)count, .filter = program };

    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
                     sizeof(filter)); /* see the header */
}

int tr__sys_set_mode(const char *path, unsigned mode)
{
    if (strikes())
        return -EPERM;
    return (int)result(chmod(path, (mode_t)mode));
}

void tr__sys_unlink(const char *path)
{
    (void)unlink(path); /* see the header */
}

int tr__sys_dup(int fd)
{
    if (strikes())
        return -EMFILE;
    return (int)result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

void tr__sys_close(int fd)
{
    (void)close(fd); /* it is gone whatever the answer: Linux frees it first */
}

int tr__sys_set_nonblocking(int fd)
{
    int flags = strikes() ? -1 : fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

bool tr__sys_is_socket(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

int tr__sys_open_read(const char *path)
{
    if (strikes())
        return -EMFILE;
    return (int)result(open(path, O_RDONLY | O_CLOEXEC));
}

tr__file_id tr__sys_identify(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 ? (tr__file_id){ status.st_dev, status.st_ino }
                                     : (tr__file_id){ 0 };
}

bool tr__sys_is_socket_file(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

bool tr__sys_is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* ---- transfers ---- */

ssize_t tr__sys_recv(int fd, void *buffer, size_t bytes)
{
    if (transfer_strikes())
        return -ECONNRESET;
    return moved(recv(fd, buffer, bytes, 0));
}

int tr__sys_peek(int fd)
{
    char byte;

    if (transfer_strikes())
        return -ECONNRESET;
    return (int)moved(recv(fd, &byte, 1, MSG_PEEK));
}

ssize_t tr__sys_send(int fd, const void *data, size_t bytes)
{
    if (transfer_strikes())
        return -ECONNRESET;
    return moved(send(fd, data, bytes, MSG_NOSIGNAL));
}

ssize_t tr__sys_sendmsg(int fd, const struct msghdr *message)
{
    if (transfer_strikes())
        return -ECONNRESET;
    return moved(sendmsg(fd, message, MSG_NOSIGNAL));
}

ssize_t tr__sys_recvmsg(int fd, struct msghdr *message)
{
    if (transfer_strikes())
        return -ECONNRESET;
    return moved(recvmsg(fd, message, MSG_CMSG_CLOEXEC));
}

ssize_t tr__sys_read(int fd, void *buffer, size_t bytes)
{
    if (transfer_strikes())
        return -EIO;
    return moved(read(fd, buffer, bytes));
}

ssize_t tr__sys_writev(int fd, const struct iovec *parts, int count)
{
    if (transfer_strikes())
        return -EIO;
    return moved(writev(fd, parts, count));
}

ssize_t tr__sys_splice(int from, int64_t *offset, int to, size_t bytes)
{
    if (transfer_strikes())
        return -ECONNRESET;
    return moved(splice(from, offset, to, NULL, bytes, SPLICE_F_NONBLOCK));
}

uint64_t tr__sys_wall_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail: the clock exists, now is ours */
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
