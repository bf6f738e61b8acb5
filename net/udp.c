/* Datagrams. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <troupe/udp.h>

#include "base/seam.h"
#include "net/address.h"
#include "net/ready.h"
#include "net/system.h"

struct tr_udp {
    tr__ready ready;
    char address[TR__ADDRESS_TEXT];
    uint32_t users; /* tasks that are in a call */
    bool is_closed;
    uint8_t streak; /* calls that did not wait, in a row */
};

static int open_socket(const char *text, const tr_udp_options *options)
{
    char any[TR__ADDRESS_TEXT];
    tr_address address;
    int rc;
    int fd;

    if (text[0] == ':' && strlen(text) <= 6) {
        (void)snprintf(any, sizeof(any), "0.0.0.0%s", text);
        text = any;
    }
    rc = tr_address_parse(&address, text);
    if (rc < 0 || address.tr__storage.ss_family == AF_UNIX)
        return TR_EINVAL;
    fd = tr__sys_socket(address.tr__storage.ss_family, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    if (options->shares_port)
        rc = tr__sys_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && options->broadcasts)
        rc = tr__sys_set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (rc == 0)
        rc = tr__sys_bind(fd, tr__address_of(&address), address.tr__bytes);
    if (rc == 0)
        return fd;
    tr__sys_close(fd);
    return rc;
}

static int open_udp(tr_udp *u, const char *text, const tr_udp_options *options)
{
    int fd = open_socket(text, options);
    int rc = fd < 0 ? fd : tr__address_of_socket(fd, u->address);

    if (rc == 0)
        rc = tr__ready_open(&u->ready, fd);
    if (rc < 0 && fd >= 0)
        tr__sys_close(fd);
    return rc;
}

int tr__udp_open(tr_udp **out, const char *address, const tr_udp_options *options,
                 size_t options_size)
{
    tr_udp_options all = { 0 };
    tr_udp *u;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (address == NULL || options_size > sizeof(all))
        return TR_EINVAL;
    if (tr__loop_here() == NULL)
        return TR_EWRONGPLACE;
    if (options != NULL)
        memcpy(&all, options, options_size);
    u = tr__alloc_zeroed(sizeof(*u));
    if (u == NULL)
        return TR_ENOMEM;
    rc = open_udp(u, address, &all);
    if (rc < 0) {
        tr__free(u);
        return rc;
    }
    *out = u;
    return 0;
}

static bool is_elsewhere(const tr_udp *u)
{
    return u->ready.net != NULL && u->ready.net->loop != tr__loop_here();
}

int tr_udp_connect(tr_udp *u, const tr_address *peer)
{
    if (u == NULL || peer == NULL || peer->tr__bytes == 0)
        return TR_EINVAL;
    if (is_elsewhere(u))
        return TR_EWRONGPLACE;
    if (u->ready.net == NULL)
        return TR_EPIPE;
    return tr__sys_connect(u->ready.fd, tr__address_of(peer), peer->tr__bytes);
}

/* ---- datagrams ---- */

static ssize_t leave(tr_udp *u, ssize_t result)
{
    u->users--;
    if (u->is_closed && u->users == 0)
        tr__free(u);
    return result;
}

static ssize_t send_one(tr_udp *u, const struct msghdr *message)
{
    int rc = tr__ready_take_turns(&u->ready, &u->streak);
    ssize_t sent;

    if (rc < 0)
        return rc;
    while ((sent = tr__sys_sendmsg(u->ready.fd, message)) == -EAGAIN) {
        u->streak = 0;
        rc = tr__ready_await(&u->ready, &u->ready.out, "room for a datagram");
        if (rc < 0)
            return rc;
    }
    return sent < 0 ? sent : 0;
}

int tr_udp_send(tr_udp *u, const tr_address *to, const void *data, size_t bytes)
{
    struct iovec part = { (void *)(uintptr_t)data, bytes };
    struct msghdr message = {
        .msg_name = to != NULL ? (void *)(uintptr_t)&to->tr__storage : NULL,
        .msg_namelen = to != NULL ? to->tr__bytes : 0,
        .msg_iov = &part,
        .msg_iovlen = 1,
    };
    int rc = u == NULL || (data == NULL && bytes > 0) || (to != NULL && to->tr__bytes == 0)
                 ? TR_EINVAL
                 : tr__ready_check(&u->ready);

    if (rc < 0)
        return rc;
    u->users++;
    return (int)leave(u, send_one(u, &message));
}

static ssize_t receive_one(tr_udp *u, struct msghdr *message)
{
    int rc = tr__ready_take_turns(&u->ready, &u->streak);
    ssize_t count;

    if (rc < 0)
        return rc;
    while ((count = tr__sys_recvmsg(u->ready.fd, message)) == -EAGAIN) {
        u->streak = 0;
        rc = tr__ready_await(&u->ready, &u->ready.in, "a datagram");
        if (rc < 0)
            return rc;
    }
    return count >= 0 && (message->msg_flags & MSG_TRUNC) != 0 ? TR_ETOOLARGE : count;
}

ssize_t tr_udp_receive(tr_udp *u, void *buffer, size_t bytes, tr_address *from)
{
    struct iovec part = { buffer, bytes };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    tr_address unused;
    ssize_t count;
    int rc =
        u == NULL || buffer == NULL || bytes > SSIZE_MAX ? TR_EINVAL : tr__ready_check(&u->ready);

    if (from == NULL)
        from = &unused;
    memset(from, 0, sizeof(*from));
    if (rc < 0)
        return rc;
    message.msg_name = &from->tr__storage;
    message.msg_namelen = sizeof(from->tr__storage);
    u->users++;
    count = receive_one(u, &message);
    if (count >= 0 || count == TR_ETOOLARGE)
        from->tr__bytes = message.msg_namelen;
    return leave(u, count);
}

/* ---- the rest ---- */

const char *tr_udp_address(const tr_udp *u)
{
    return u != NULL ? u->address : "";
}

int tr_udp_fd(const tr_udp *u)
{
    return u != NULL ? u->ready.fd : -1;
}

int tr_udp_close(tr_udp *u)
{
    if (u == NULL)
        return 0;
    if (is_elsewhere(u))
        return TR_EWRONGPLACE;
    tr__ready_close(&u->ready);
    u->is_closed = true;
    if (u->users == 0)
        tr__free(u);
    return 0;
}
