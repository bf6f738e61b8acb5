/* Connections of the simulated network: how they begin and end. See sockets.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/compiler.h"
#include "sim/kernel.h"
#include "sim/sockets.h"
#include "sim/world.h"

enum { ATTEMPTS = 7, BACKLOG_MOST = 4096 };
static const uint64_t RETRY_NS = UINT64_C(1000) * 1000 * 1000; /* then twice as long each time */

/* ---- not writable, until it is connected ---- */

static void plug(tr__socket *s, int fd)
{
    static const char zeros[TR__BUFFER_BYTES / 2];
    ssize_t count;

    while ((count = tr__kernel_send(fd, zeros, sizeof(zeros))) > 0)
        s->plug += (size_t)count;
}

void tr__socket_unplug(tr__socket *s)
{
    static char zeros[TR__BUFFER_BYTES];
    ssize_t count = 1;

    while (s->plug > 0 && count > 0) {
        count =
            tr__kernel_receive(s->end, zeros, s->plug < sizeof(zeros) ? s->plug : sizeof(zeros));
        s->plug -= count > 0 ? (size_t)count : s->plug;
    }
    tr__sim.signalled = true;
}

/* ---- listening ---- */

int tr__socket_listen(tr__socket *s, int backlog)
{
    int rc = 0;

    if (s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (s->state == TR__SOCKET_LISTENS)
        rc = 0;
    else if (s->state != TR__SOCKET_MADE || (s->domain == AF_UNIX && !s->is_bound))
        rc = -EINVAL;
    else if (s->domain != AF_UNIX && tr__socket_is_crowded(s))
        rc = -EADDRINUSE;
    else if (s->domain != AF_UNIX)
        rc = tr__socket_bind_any(s);
    if (rc < 0)
        return rc;
    s->state = TR__SOCKET_LISTENS;
    s->backlog = backlog < 0 || backlog > BACKLOG_MOST ? BACKLOG_MOST : backlog;
    return 0;
}

static void append_pending(tr__socket *listening, tr__socket *accepted)
{
    tr__socket **link = &listening->pending;

    while (*link != NULL)
        link = &(*link)->next_pending;
    *link = accepted;
    listening->pending_count++;
    (void)tr__kernel_send(listening->end, "", 1); /* there is room for as many as may wait */
    tr__sim.signalled = true;
}

/* The other end of a connection, with what it has from the listening one. 0, or -errno. */
static int establish(tr__socket *listening, tr__socket *s)
{
    tr__socket *accepted;
    int fd;
    int rc = tr__socket_make(&accepted, listening->domain, SOCK_STREAM, SOCK_CLOEXEC, &fd);

    if (rc < 0)
        return rc;
    accepted->pending_fd = fd;
    accepted->state = TR__SOCKET_CONNECTED;
    accepted->has_peer = true;
    accepted->local = s->peer;
    accepted->peer = s->local;
    accepted->unix_name = listening->unix_name;
    memcpy(accepted->options, listening->options, sizeof(accepted->options));
    accepted->option_count = listening->option_count;
    accepted->other = s;
    s->other = accepted;
    append_pending(listening, accepted);
    return 0;
}

static bool has_room(const tr__socket *listening)
{
    return !listening->is_deaf && listening->pending_count <= listening->backlog;
}

/* ---- connecting ---- */

/* It has failed, or been refused. */
static void on_failure(tr__arrival *arrival)
{
    tr__socket *s = TR__CONTAINER_OF(arrival, tr__socket, attempt);

    tr__sim_note(TR__SIM_ARRIVED, NULL, (uint64_t)TR__PIECE_RESET << 32);
    tr__wire_break(s, s->attempts < ATTEMPTS ? ECONNREFUSED : ETIMEDOUT);
}

static void on_attempt(tr__arrival *arrival);

/* Nobody has answered: ask again. */
static void try_again(tr__socket *s)
{
    uint64_t wait_ns = RETRY_NS << s->attempts++;

    tr__arrival_plan(&s->attempt, tr__sim_peek_ns() + wait_ns,
                     s->attempts < ATTEMPTS ? on_attempt : on_failure);
}

static void on_attempt(tr__arrival *arrival)
{
    tr__socket *s = TR__CONTAINER_OF(arrival, tr__socket, attempt);
    tr__socket *listening = tr__socket_listening(&s->peer);

    if (s->cut_until_ns > tr__sim_peek_ns() || tr__endpoint_is_void(&s->peer))
        try_again(s);
    else if (listening == NULL)
        tr__arrival_plan(&s->attempt, tr__wire_arrival(s), on_failure);
    else if (!has_room(listening) || establish(listening, s) < 0)
        try_again(s);
    else
        tr__wire_send(s->other, TR__PIECE_CONNECTED);
}

/* As there is a name in the file system, or of its kind, it is known at once who listens. */
static int connect_unix(tr__socket *s, const struct sockaddr *address, socklen_t bytes)
{
    tr__socket *listening;
    int rc = tr__socket_listening_unix(&listening, address, bytes);

    if (rc < 0)
        return rc;
    if (!has_room(listening))
        return -EAGAIN;
    rc = establish(listening, s);
    if (rc < 0)
        return rc;
    s->state = TR__SOCKET_CONNECTED;
    s->has_peer = true;
    return 0;
}

static int connect_inet(tr__socket *s, int fd, const struct sockaddr *address, socklen_t bytes)
{
    int rc = tr__endpoint_parse(&s->peer, s->domain, address, bytes);

    if (rc == 0 && s->peer.port == 0)
        rc = -ECONNREFUSED;
    if (rc < 0)
        return rc;
    tr__endpoint_settle(&s->peer);
    s->state = TR__SOCKET_CONNECTS; /* a port of its own is no name to be found by */
    rc = tr__socket_bind_any(s);
    if (rc < 0) {
        s->state = TR__SOCKET_MADE;
        return rc;
    }
    if (tr__endpoint_is_any(&s->local))
        memcpy(s->local.address, s->peer.address, sizeof(s->local.address));
    s->has_peer = true;
    plug(s, fd);
    tr__arrival_plan(&s->attempt, tr__wire_arrival(s), on_attempt);
    return -EINPROGRESS;
}

int tr__socket_connect(tr__socket *s, int fd, const struct sockaddr *address, socklen_t bytes)
{
    switch (s->state) {
    case TR__SOCKET_MADE:
        return s->domain == AF_UNIX ? connect_unix(s, address, bytes)
                                    : connect_inet(s, fd, address, bytes);
    case TR__SOCKET_CONNECTS:
        return -EALREADY;
    case TR__SOCKET_OVER: {
        int error = s->error != 0 ? s->error : EINVAL; /* it can't be used again */

        s->error = 0;
        return -error;
    }
    default:
        return -EISCONN;
    }
}

/* ---- accepting ---- */

static int hand_out(tr__socket *accepted, int flags)
{
    int fd = accepted->pending_fd;

    accepted->pending_fd = -1;
    if ((flags & SOCK_NONBLOCK) != 0)
        (void)fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK); /* neither fails on what is open */
    if ((flags & SOCK_CLOEXEC) == 0)
        (void)fcntl(fd, F_SETFD, 0);
    return fd;
}

static tr__socket *take_pending(tr__socket *s)
{
    tr__socket *accepted = s->pending;

    s->pending = accepted->next_pending;
    accepted->next_pending = NULL;
    s->pending_count--;
    return accepted;
}

int tr__socket_accept(tr__socket *s, int fd, int flags, struct sockaddr *from, socklen_t *bytes)
{
    tr__socket *accepted;
    char byte;

    if (s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (s->state != TR__SOCKET_LISTENS)
        return -EINVAL;
    if (s->pending == NULL || tr__kernel_receive(fd, &byte, 1) < 1)
        return -EAGAIN;
    accepted = take_pending(s);
    if (from != NULL && tr__socket_peer_name(accepted, from, bytes) < 0)
        tr__endpoint_format(&accepted->peer, accepted->domain, from, bytes); /* it is over again */
    return hand_out(accepted, flags);
}

/* ---- ending ---- */

int tr__socket_shutdown(tr__socket *s, int fd, int how)
{
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (s->type != SOCK_STREAM)
        return s->has_peer ? 0 : -ENOTCONN;
    if (s->state == TR__SOCKET_MADE || s->state == TR__SOCKET_LISTENS)
        return -ENOTCONN;
    if (s->state == TR__SOCKET_OVER)
        return s->error != 0 || s->has_reset ? -ENOTCONN : 0;
    if (s->state == TR__SOCKET_CONNECTS)
        return -ENOTCONN;
    if (how != SHUT_WR) {
        s->reads_no_more = true;
        (void)tr__kernel_shutdown(s->end, SHUT_WR); /* whoever reads finds the end */
    }
    if (how != SHUT_RD)
        (void)tr__kernel_shutdown(fd, SHUT_WR);
    tr__sim.signalled = true;
    tr__wire_touch(s);
    return 0;
}

static void reject_pending(tr__socket *s)
{
    while (s->pending != NULL) {
        tr__socket *accepted = take_pending(s);

        accepted->is_closed = true;
        tr__wire_reset(accepted, 0);
        (void)tr__kernel_close(accepted->pending_fd); /* ours */
        accepted->pending_fd = -1;
    }
}

void tr__socket_released(tr__socket *s)
{
    if (!tr__socket_was_closed(s))
        return;
    s->is_closed = true;
    tr__sim.signalled = true;
    if (s->state == TR__SOCKET_CONNECTED) {
        if (s->resets_on_close)
            tr__wire_reset(s, 0);
        else
            tr__wire_touch(s);
        return;
    }
    reject_pending(s);
    if (s->other != NULL)
        tr__wire_reset(s, 0); /* it was just about to be connected */
    tr__socket_close_end(s);
}
