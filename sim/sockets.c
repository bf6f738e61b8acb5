/* Who the sockets of the simulated network are. See sockets.h. */
#include "sim/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "sim/kernel.h"
#include "sim/world.h"

enum { INODES = 256 };

tr__network tr__network_now;
static tr__socket *inodes[INODES];

/* ---- finding ---- */

tr__socket *tr__socket_of_inode(ino_t inode)
{
    tr__socket *s = inodes[inode % INODES];

    while (s != NULL && s->inode != inode)
        s = s->next_of_inode;
    return s;
}

tr__socket *tr__socket_find(int fd)
{
    struct stat status;
    int error = errno;

    if (tr__network_now.count == 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode))
        return tr__socket_of_inode(status.st_ino);
    errno = error; /* the real call says what is wrong */
    return NULL;
}

static void forget_inode(tr__socket *s)
{
    tr__socket **link = &inodes[s->inode % INODES];

    while (*link != NULL && *link != s)
        link = &(*link)->next_of_inode;
    if (*link != NULL)
        *link = s->next_of_inode;
}

/* ---- making ---- */

/* All datagrams begin with a header, so that none looks like an end. */
static int make_pair(int type, int flags, int ends[2])
{
    int bytes = TR__BUFFER_BYTES;

    if (socketpair(AF_UNIX, (type == SOCK_STREAM ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0,
                   ends) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) /* neither option fails */
        (void)tr__kernel_set_option(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if ((flags & SOCK_NONBLOCK) != 0)
        (void)fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK);
    if ((flags & SOCK_CLOEXEC) == 0)
        (void)fcntl(ends[0], F_SETFD, 0);
    return 0;
}

/* By the seed: some paths carry little at a time. */
static size_t choose_window(void)
{
    static const size_t windows[] = { 2048, 16384, 65536, 65536 };

    return windows[tr__random_next(&tr__sim.network) % 4];
}

int tr__socket_make(tr__socket **out, int domain, int type, int flags, int *fd)
{
    struct stat status;
    tr__socket *s;
    int ends[2];
    int rc = make_pair(type, flags, ends);

    if (rc < 0)
        return rc;
    (void)fstat(ends[0], &status); /* it is ours */
    s = tr__sim_memory(sizeof(*s));
    s->inode = status.st_ino;
    s->domain = domain;
    s->type = type;
    s->end = ends[1];
    s->pending_fd = -1;
    s->out.window = choose_window();
    if (domain == AF_INET)
        s->local.address[10] = s->local.address[11] = 0xff; /* 0.0.0.0 */
    s->next = tr__network_now.sockets;
    tr__network_now.sockets = s;
    tr__network_now.count++;
    s->next_of_inode = inodes[s->inode % INODES];
    inodes[s->inode % INODES] = s;
    *fd = ends[0];
    *out = s;
    return 0;
}

/* ---- closing ---- */

void tr__socket_close_end(tr__socket *s)
{
    if (s->end < 0)
        return;
    (void)tr__kernel_close(s->end); /* ours */
    s->end = -1;
    s->state = TR__SOCKET_OVER;
    tr__sim.signalled = true;
    tr__arrival_cancel(&s->attempt);
    tr__socket_unbind(s);
    if (s->is_closed)
        forget_inode(s);
}

bool tr__socket_was_closed(const tr__socket *s)
{
    return s->end >= 0 && (tr__kernel_events(s->end, 0) & POLLHUP) != 0;
}

/* ---- options: what is set can be asked for ---- */

int tr__socket_get_option(const tr__socket *s, int level, int name)
{
    for (int i = 0; i < s->option_count; i++)
        if (s->options[i].level == level && s->options[i].name == name)
            return s->options[i].value;
    return 0;
}

int tr__socket_set_option(tr__socket *s, int level, int name, int value)
{
    int i = 0;

    while (i < s->option_count && (s->options[i].level != level || s->options[i].name != name))
        i++;
    if (i == TR__SOCKET_OPTIONS)
        return -ENOBUFS;
    if (i == s->option_count)
        s->option_count++;
    s->options[i] = (tr__socket_option){ level, name, value };
    return 0;
}

/* ---- all of them ---- */

void tr__network_begin(void)
{
    tr__sim.arrival_ns = UINT64_MAX;
}

bool tr__network_sweep(void)
{
    tr__sim.signalled = false;
    for (tr__socket *s = tr__network_now.sockets; s != NULL; s = s->next) {
        if (s->end < 0)
            continue;
        if (!s->is_closed && tr__socket_was_closed(s))
            tr__socket_released(s);
        else
            tr__wire_touch(s);
    }
    return tr__sim.signalled || tr__sim.arrival_ns <= tr__sim.now_ns;
}

void tr__network_end(void)
{
    tr__socket *s;

    while ((s = tr__network_now.sockets) != NULL) {
        tr__network_now.sockets = s->next;
        if (s->pending_fd >= 0)
            (void)tr__kernel_close(s->pending_fd);
        if (s->end >= 0)
            (void)tr__kernel_close(s->end);
        tr__wire_drop(s);
        free(s);
    }
    tr__datagrams_end();
    tr__arrivals_end();
    tr__names_end();
    memset(&tr__network_now, 0, sizeof(tr__network_now));
    memset(inodes, 0, sizeof(inodes));
}
