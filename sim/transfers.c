/* Pipes and sockets in a simulated world. Whoever reads or writes by a call of the C library has
 * another of the same name here, which the linker finds first: it waits in virtual time where the
 * real one would block all, and fails by the seed. Outside of a run, and for files, these do what
 * the real ones do. What the C library calls itself (its streams) goes past them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/seam.h"
#include "sim/kernel.h"
#include "sim/sockets.h"
#include "sim/world.h"

TR_API ssize_t read(int fd, void *buffer, size_t bytes);
TR_API ssize_t write(int fd, const void *buffer, size_t bytes);
TR_API ssize_t readv(int fd, const struct iovec *parts, int count);
TR_API ssize_t writev(int fd, const struct iovec *parts, int count);
TR_API ssize_t recv(int fd, void *buffer, size_t bytes, int flags);
TR_API ssize_t send(int fd, const void *buffer, size_t bytes, int flags);
TR_API ssize_t recvfrom(int fd, void *restrict buffer, size_t bytes, int flags,
                        struct sockaddr *restrict from, socklen_t *restrict from_bytes);
TR_API ssize_t sendto(int fd, const void *buffer, size_t bytes, int flags,
                      const struct sockaddr *to, socklen_t to_bytes);
TR_API ssize_t recvmsg(int fd, struct msghdr *message, int flags);
TR_API ssize_t sendmsg(int fd, const struct msghdr *message, int flags);
TR_API ssize_t sendfile(int to, int from, off_t *offset, size_t bytes);
TR_API ssize_t sendfile64(int to, int from, off_t *offset, size_t bytes);
TR_API ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t bytes,
                      unsigned flags);

const char tr__sim_has_transfers = 1;

/* What a descriptor is, as far as it matters here. */
typedef enum kind {
    A_FILE,     /* or a terminal: it is left alone */
    A_COUNTER,  /* of events, of time: it is read whole */
    A_PIPE,     /* or another stream of bytes without connection */
    A_STREAM,   /* a socket */
    A_DATAGRAM, /* a socket whose messages stay whole */
} kind;

/* One call: which, and what it moves. */
typedef struct transfer {
    int fd;
    kind kind;
    tr__socket *socket; /* of the simulated network; NULL: none */
    bool is_write;
    bool is_message; /* sendmsg, recvmsg; else writev, readv */
    bool may_wait;
    int flags;
    struct msghdr *message; /* whose parts are moved */
} transfer;

static kind kind_of_socket(const transfer *t)
{
    int type;
    socklen_t bytes = sizeof(type);

    if (t->socket != NULL)
        return t->socket->type == SOCK_STREAM ? A_STREAM : A_DATAGRAM;
    return tr__kernel_get_option(t->fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 &&
                   type == SOCK_STREAM
               ? A_STREAM
               : A_DATAGRAM;
}

static void find_kind(transfer *t)
{
    struct stat status;

    t->kind = A_FILE;
    if (!tr__sim_is_here() || fstat(t->fd, &status) < 0)
        return; /* the real call says what is wrong */
    if (S_ISFIFO(status.st_mode)) {
        t->kind = A_PIPE;
    } else if (S_ISSOCK(status.st_mode)) {
        t->socket = tr__network_now.count > 0 ? tr__socket_of_inode(status.st_ino) : NULL;
        t->kind = kind_of_socket(t);
    } else if ((status.st_mode & S_IFMT) == 0) {
        t->kind = A_COUNTER;
    }
}

/* ---- the real calls ---- */

static ssize_t really_transfer(const transfer *t, struct msghdr *message, int flags)
{
    if (t->is_message)
        return syscall(t->is_write ? SYS_sendmsg : SYS_recvmsg, t->fd, message, flags);
    return syscall(t->is_write ? SYS_writev : SYS_readv, t->fd, message->msg_iov,
                   message->msg_iovlen);
}

/* The same, without waiting: as this is the only thread, nobody else meets the flag. */
static ssize_t really_transfer_now(const transfer *t, struct msghdr *message)
{
    int flags;
    ssize_t moved;

    if (t->is_message || !t->may_wait)
        return really_transfer(t, message, t->flags | MSG_DONTWAIT);
    flags = fcntl(t->fd, F_GETFL);
    (void)fcntl(t->fd, F_SETFL, flags | O_NONBLOCK); /* neither fails on an open descriptor */
    moved = really_transfer(t, message, 0);
    (void)fcntl(t->fd, F_SETFL, flags);
    return moved;
}

/* ---- on the simulated network ---- */

static ssize_t as_call(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

/* What has become of a connection is told once; then it has just ended. */
static ssize_t tell_error(tr__socket *s)
{
    int error = s->error;

    s->error = 0;
    return as_call(-error);
}

static bool is_over(const transfer *t, ssize_t moved)
{
    return moved == 0 ? !t->is_write : moved < 0 && (errno == EPIPE || errno == ECONNRESET);
}

/* Where it goes is known, and nothing but bytes can be sent. */
static ssize_t transfer_stream(const transfer *t, const struct msghdr *message)
{
    tr__socket *s = t->socket;
    struct msghdr bytes = { .msg_iov = message->msg_iov, .msg_iovlen = message->msg_iovlen };
    ssize_t moved;

    if (s->state == TR__SOCKET_MADE || s->state == TR__SOCKET_LISTENS)
        return as_call(t->is_write ? -EPIPE : -ENOTCONN);
    if (t->is_write && message->msg_controllen > 0)
        return as_call(-EOPNOTSUPP);
    moved = really_transfer_now(t, &bytes);
    if (is_over(t, moved) && s->error != 0)
        return tell_error(s);
    if (moved > 0 && (t->flags & MSG_PEEK) == 0)
        tr__wire_touch(s);
    return moved;
}

static ssize_t transfer_now(const transfer *t, struct msghdr *message)
{
    ssize_t moved;

    if (t->socket == NULL)
        return really_transfer_now(t, message);
    if (t->kind == A_DATAGRAM)
        return as_call(t->is_write ? tr__datagram_send(t->socket, message)
                                   : tr__datagram_receive(t->socket, t->fd, message, t->flags));
    moved = transfer_stream(t, message);
    if (!t->is_write && t->is_message && moved >= 0) {
        message->msg_namelen = 0;
        message->msg_controllen = 0;
        message->msg_flags = 0;
    }
    return moved;
}

/* ---- failures ---- */

static size_t bytes_of(const struct msghdr *message)
{
    size_t bytes = 0;

    for (size_t i = 0; i < message->msg_iovlen; i++)
        bytes += message->msg_iov[i].iov_len;
    return bytes;
}

static bool is_connected(const transfer *t)
{
    return t->socket == NULL || t->socket->state == TR__SOCKET_CONNECTED;
}

/* The connection is gone, for the other side, too. */
static bool is_reset(const transfer *t)
{
    if (t->kind != A_STREAM || !is_connected(t) || !tr__fault_strikes(TR__FAULT_RESET))
        return false;
    if (t->socket != NULL)
        tr__wire_reset(t->socket, 0);
    else
        (void)tr__kernel_shutdown(t->fd, SHUT_RDWR); /* not connected: nor was it before */
    tr__sim.signalled = true;
    errno = ECONNRESET;
    return true;
}

/* A signal came; or it is not ready after all, as it may be at any time. */
static bool is_refused(const transfer *t)
{
    if (!tr__fault_strikes(TR__FAULT_CALL))
        return false;
    errno = t->may_wait ? EINTR : EAGAIN;
    return true;
}

/* Less than it could: how much of its first part; 0: all. */
static size_t shortened(const transfer *t)
{
    size_t first = 0;

    if (t->kind == A_STREAM || t->kind == A_PIPE)
        first = t->message->msg_iovlen > 0 ? t->message->msg_iov[0].iov_len : 0;
    if (first < 2 || !tr__fault_strikes(TR__FAULT_SHORT))
        return 0;
    return 1 + (size_t)(tr__random_next(&tr__sim.faults) % (first - 1));
}

/* ---- a transfer ---- */

/* Some of it, as soon as any can be moved. */
static ssize_t transfer_some(const transfer *t, struct msghdr *message)
{
    struct pollfd itself = { .fd = t->fd, .events = t->is_write ? POLLOUT : POLLIN };
    ssize_t moved;

    while ((moved = transfer_now(t, message)) < 0 && errno == EAGAIN && t->may_wait) {
        (void)tr__sim_wait_for_events(&itself, 1, UINT64_MAX);
        if (tr__sim_was_interrupted()) {
            errno = EINTR;
            return -1;
        }
    }
    if (moved >= 0)
        tr__sim.signalled = true;
    return moved;
}

/* Let a message begin behind the bytes that have been moved. */
static void advance(struct msghdr *message, size_t moved)
{
    while (message->msg_iovlen > 0 && moved >= message->msg_iov->iov_len) {
        moved -= message->msg_iov->iov_len;
        message->msg_iov++;
        message->msg_iovlen--;
    }
    if (message->msg_iovlen > 0) {
        message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + moved;
        message->msg_iov->iov_len -= moved;
    }
}

/* A call that waits writes all that it was given, and may be told to read as much. */
static ssize_t transfer_all(const transfer *t)
{
    enum { PARTS = 1024 }; /* more are EINVAL in the kernel, too */
    struct iovec parts[PARTS];
    struct msghdr rest;
    size_t wanted = bytes_of(t->message);
    size_t done = 0;
    ssize_t moved = transfer_some(t, t->message);

    if (moved <= 0)
        return moved;
    rest = (struct msghdr){ .msg_iov = parts, .msg_iovlen = t->message->msg_iovlen };
    memcpy(parts, t->message->msg_iov, rest.msg_iovlen * sizeof(parts[0]));
    while (moved > 0 && (done += (size_t)moved) < wanted) {
        advance(&rest, (size_t)moved);
        moved = transfer_some(t, &rest);
    }
    return (ssize_t)done;
}

static bool wants_all(const transfer *t)
{
    if (!t->may_wait || (t->kind != A_STREAM && t->kind != A_PIPE))
        return false;
    return t->is_write || (t->flags & MSG_WAITALL) != 0;
}

/* To the real network, by a socket that was made before the run. */
static bool goes_outside(const transfer *t)
{
    int domain = AF_UNIX;
    socklen_t bytes = sizeof(domain);

    return t->is_write && t->kind == A_DATAGRAM && t->socket == NULL &&
           tr__kernel_get_option(t->fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 &&
           domain != AF_UNIX;
}

static ssize_t transfer_in_simulation(transfer *t)
{
    struct iovec part;
    size_t bytes;

    t->may_wait = (fcntl(t->fd, F_GETFL) & O_NONBLOCK) == 0 && (t->flags & MSG_DONTWAIT) == 0;
    tr__sim_step();
    tr__sim_settle_arrivals();
    if (is_reset(t) || is_refused(t))
        return -1;
    bytes = shortened(t);
    if (bytes > 0) {
        part = (struct iovec){ t->message->msg_iov[0].iov_base, bytes };
        t->message->msg_iov = &part; /* the caller has its own */
        t->message->msg_iovlen = 1;
        return transfer_some(t, t->message);
    }
    return wants_all(t) ? transfer_all(t) : transfer_some(t, t->message);
}

static ssize_t move(transfer t)
{
    find_kind(&t);
    if (goes_outside(&t))
        return as_call(-ENETUNREACH);
    return t.kind == A_FILE ? really_transfer(&t, t.message, t.flags) : transfer_in_simulation(&t);
}

/* ---- as the C library names them ---- */

static ssize_t move_parts(int fd, bool is_write, const struct iovec *parts, size_t count)
{
    struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = count };

    return move((transfer){ .fd = fd, .is_write = is_write, .message = &message });
}

ssize_t read(int fd, void *buffer, size_t bytes)
{
    return move_parts(fd, false, &(struct iovec){ buffer, bytes }, 1);
}

ssize_t write(int fd, const void *buffer, size_t bytes)
{
    return move_parts(fd, true, &(struct iovec){ (void *)buffer, bytes }, 1);
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    return move_parts(fd, false, parts, (size_t)count);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return move_parts(fd, true, parts, (size_t)count);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    struct msghdr copy = *message;
    ssize_t moved =
        move((transfer){ .fd = fd, .is_message = true, .flags = flags, .message = message });

    message->msg_iov = copy.msg_iov;
    message->msg_iovlen = copy.msg_iovlen;
    return moved;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr copy = *message;

    return move((transfer){
        .fd = fd, .is_write = true, .is_message = true, .flags = flags, .message = &copy });
}

ssize_t recvfrom(int fd, void *restrict buffer, size_t bytes, int flags,
                 struct sockaddr *restrict from, socklen_t *restrict from_bytes)
{
    struct iovec part = { buffer, bytes };
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_name = from,
        .msg_namelen = from_bytes != NULL ? *from_bytes : 0,
    };
    ssize_t moved = recvmsg(fd, &message, flags);

    if (moved >= 0 && from_bytes != NULL)
        *from_bytes = message.msg_namelen;
    return moved;
}

ssize_t sendto(int fd, const void *buffer, size_t bytes, int flags, const struct sockaddr *to,
               socklen_t to_bytes)
{
    struct iovec part = { (void *)buffer, bytes };

    return sendmsg(fd,
                   &(struct msghdr){
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_name = (void *)to,
                       .msg_namelen = to_bytes,
                   },
                   flags);
}

ssize_t recv(int fd, void *buffer, size_t bytes, int flags)
{
    return recvfrom(fd, buffer, bytes, flags, NULL, NULL);
}

ssize_t send(int fd, const void *buffer, size_t bytes, int flags)
{
    return sendto(fd, buffer, bytes, flags, NULL, 0);
}

/* ---- from one descriptor to another, without the program ---- */

/* A call that moves bytes by the kernel alone, between a socket of ours and something else. */
typedef struct passage {
    int from;
    off_t *from_offset;
    int to;
    off_t *to_offset;
    size_t bytes;
    unsigned flags;
    bool is_splice;
} passage;

static ssize_t really_pass(const passage *p)
{
    if (p->is_splice)
        return syscall(SYS_splice, p->from, p->from_offset, p->to, p->to_offset, p->bytes,
                       p->flags);
    return syscall(SYS_sendfile, p->to, p->from, p->from_offset, p->bytes);
}

/* As much as can be moved at once: the caller must expect that it is not all. */
static ssize_t pass_now(const passage *p, const transfer *t)
{
    int flags = fcntl(t->fd, F_GETFL);
    ssize_t moved;

    (void)fcntl(t->fd, F_SETFL, flags | O_NONBLOCK); /* neither fails on an open descriptor */
    moved = really_pass(p);
    (void)fcntl(t->fd, F_SETFL, flags);
    if (is_over(t, moved) && t->socket->error != 0)
        return tell_error(t->socket);
    if (moved > 0)
        tr__wire_touch(t->socket);
    return moved;
}

static ssize_t pass_in_simulation(passage *p, transfer *t)
{
    struct pollfd itself = { .fd = t->fd, .events = t->is_write ? POLLOUT : POLLIN };
    ssize_t moved;

    t->may_wait = (fcntl(t->fd, F_GETFL) & O_NONBLOCK) == 0;
    tr__sim_step();
    tr__sim_settle_arrivals();
    if (t->socket->state == TR__SOCKET_MADE || t->socket->state == TR__SOCKET_LISTENS)
        return as_call(-ENOTCONN);
    if (is_reset(t) || is_refused(t))
        return -1;
    if (p->bytes > 1 && tr__fault_strikes(TR__FAULT_SHORT))
        p->bytes = 1 + (size_t)(tr__random_next(&tr__sim.faults) % (p->bytes - 1));
    while ((moved = pass_now(p, t)) < 0 && errno == EAGAIN && t->may_wait) {
        if (tr__kernel_events(t->fd, itself.events) != 0)
            return as_call(-EAGAIN); /* it is not the socket that isn't ready */
        (void)tr__sim_wait_for_events(&itself, 1, UINT64_MAX);
        if (tr__sim_was_interrupted())
            return as_call(-EINTR);
    }
    return moved;
}

/* Between files, pipes, and sockets that the kernel connects. */
static ssize_t pass_beside(const passage *p)
{
    ssize_t moved;

    if (tr__sim_is_here())
        tr__sim_step();
    moved = really_pass(p);
    if (moved > 0 && tr__sim_is_here())
        tr__sim.signalled = true;
    return moved;
}

static ssize_t pass(passage p)
{
    transfer t = { .fd = p.to, .is_write = true };

    find_kind(&t);
    if (t.socket == NULL) {
        t = (transfer){ .fd = p.from };
        find_kind(&t);
    }
    if (t.socket == NULL)
        return pass_beside(&p);
    return t.kind == A_STREAM ? pass_in_simulation(&p, &t) : as_call(-EINVAL);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t bytes)
{
    return pass((passage){ .from = from, .from_offset = offset, .to = to, .bytes = bytes });
}

ssize_t sendfile64(int to, int from, off_t *offset, size_t bytes)
{
    return sendfile(to, from, offset, bytes);
}

ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t bytes,
               unsigned flags)
{
    return pass((passage){ .from = from,
                           .from_offset = from_offset,
                           .to = to,
                           .to_offset = to_offset,
                           .bytes = bytes,
                           .flags = flags,
                           .is_splice = true });
}
