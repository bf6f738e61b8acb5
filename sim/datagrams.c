/* Datagrams of the simulated network: each goes its own way. See sockets.h. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "sim/chance.h"
#include "sim/kernel.h"
#include "sim/sockets.h"
#include "sim/world.h"

enum { BYTES_MOST = 65507, UNDER_WAY_MOST = 1024 * 1024, PARTS_MOST = 1024 };

/* Before each datagram in a socket. */
typedef struct header {
    tr__endpoint from;
    uint32_t error; /* not 0: it is none, but the news that one had no receiver */
} header;

/* One under way, or that news. */
typedef struct datagram datagram;
struct datagram {
    tr__arrival arrival;
    datagram *next; /* of all under way */
    datagram **link;
    tr__socket *sender;
    tr__endpoint to;
    header header;
    size_t bytes;
    char data[];
};

static datagram *under_way;

/* ---- under way ---- */

static datagram *make_datagram(tr__socket *sender, const tr__endpoint *to, size_t bytes)
{
    datagram *d = tr__sim_memory(sizeof(*d) + bytes);

    d->sender = sender;
    d->to = *to;
    d->header.from = sender->local;
    d->bytes = bytes;
    d->next = under_way;
    d->link = &under_way;
    if (under_way != NULL)
        under_way->link = &d->next;
    under_way = d;
    sender->datagram_bytes += bytes;
    return d;
}

static void free_datagram(datagram *d)
{
    *d->link = d->next;
    if (d->next != NULL)
        d->next->link = d->link;
    d->sender->datagram_bytes -= d->bytes;
    free(d);
}

void tr__datagrams_end(void)
{
    datagram *next;

    for (datagram *d = under_way; d != NULL; d = next) {
        next = d->next; /* their senders are gone */
        free(d);
    }
    under_way = NULL;
}

/* ---- arriving ---- */

static void on_refusal(tr__arrival *arrival)
{
    datagram *d = TR__CONTAINER_OF(arrival, datagram, arrival);
    tr__socket *s = d->sender;

    if (s->end >= 0 && s->has_peer && tr__endpoint_is_same(&s->peer, &d->to)) {
        s->error = ECONNREFUSED;
        d->header.error = ++s->errors;
        (void)tr__kernel_send(s->end, &d->header, sizeof(d->header)); /* full: it will be read */
        tr__sim.signalled = true;
    }
    free_datagram(d);
}

/* A receiver that is full loses it. */
static void put(tr__socket *to, const datagram *d)
{
    static char whole[sizeof(header) + BYTES_MOST];

    memcpy(whole, &d->header, sizeof(header));
    memcpy(whole + sizeof(header), d->data, d->bytes);
    (void)tr__kernel_send(to->end, whole, sizeof(header) + d->bytes);
    tr__sim.signalled = true;
    tr__sim_note(TR__SIM_ARRIVED, NULL, d->bytes);
}

static void on_datagram(tr__arrival *arrival)
{
    datagram *d = TR__CONTAINER_OF(arrival, datagram, arrival);
    tr__socket *to = tr__socket_receiving(&d->to, &d->header.from);

    if (to == NULL && !tr__endpoint_is_void(&d->to)) {
        tr__arrival_plan(arrival, tr__sim_peek_ns() + tr__wire_delay(), on_refusal);
        return;
    }
    if (to != NULL)
        put(to, d);
    free_datagram(d);
}

/* ---- sending ---- */

static bool is_lost(const tr__socket *s)
{
    return s->cut_until_ns > tr__sim_peek_ns() ||
           tr__chance(&tr__sim.network, tr__sim.options.drop);
}

/* In order, but for those that the seed lets be overtaken. */
static void plan(tr__socket *s, datagram *d)
{
    uint64_t at_ns = tr__wire_arrival(s);

    if (is_lost(s)) {
        tr__sim_note(TR__SIM_LOST, tr__sim.current, d->bytes);
        free_datagram(d);
        return;
    }
    if (tr__chance(&tr__sim.network, tr__sim.options.reorder))
        at_ns += 10 * tr__wire_delay();
    else if (at_ns < s->out.last_ns)
        at_ns = s->out.last_ns;
    else
        s->out.last_ns = at_ns;
    tr__arrival_plan(&d->arrival, at_ns, on_datagram);
}

static void gather(char *to, const struct msghdr *message)
{
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        if (message->msg_iov[i].iov_len > 0)
            memcpy(to, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        to += message->msg_iov[i].iov_len;
    }
}

static int take_error(tr__socket *s)
{
    int error = s->error;

    s->error = 0;
    return error;
}

/* Where it is to go. */
static int destination(tr__socket *s, const struct msghdr *message, tr__endpoint *to)
{
    int rc = 0;

    if (message->msg_name != NULL)
        rc = tr__endpoint_parse(to, s->domain, message->msg_name, message->msg_namelen);
    else if (s->has_peer)
        *to = s->peer;
    else
        rc = -EDESTADDRREQ;
    if (rc == 0 && to->port == 0)
        rc = -EINVAL;
    if (rc == 0)
        rc = tr__socket_bind_any(s);
    tr__endpoint_settle(to);
    return rc;
}

static size_t bytes_of(const struct msghdr *message)
{
    size_t bytes = 0;

    for (size_t i = 0; i < message->msg_iovlen; i++)
        bytes += message->msg_iov[i].iov_len;
    return bytes;
}

/* Who is bound to every address sends from the one that it sends to: the machine has them all. */
static void send_one(tr__socket *s, const tr__endpoint *to, const struct msghdr *message,
                     size_t bytes)
{
    datagram *d = make_datagram(s, to, bytes);

    gather(d->data, message);
    if (tr__endpoint_is_any(&d->header.from))
        memcpy(d->header.from.address, to->address, sizeof(to->address));
    plan(s, d);
}

ssize_t tr__datagram_send(tr__socket *s, const struct msghdr *message)
{
    tr__endpoint to = { .port = 0 };
    size_t bytes = bytes_of(message);
    int rc;

    if (s->error != 0)
        return -take_error(s);
    if (bytes > BYTES_MOST)
        return -EMSGSIZE;
    rc = destination(s, message, &to);
    if (rc < 0)
        return rc;
    if (s->datagram_bytes + bytes <= UNDER_WAY_MOST)
        send_one(s, &to, message, bytes);
    if (tr__chance(&tr__sim.network, tr__sim.options.duplicate))
        send_one(s, &to, message, bytes);
    return (ssize_t)bytes;
}

/* ---- receiving ---- */

/* -EAGAIN also for news that is old. */
static ssize_t as_error(tr__socket *s, const header *h)
{
    if (s->error == 0 || h->error != s->errors)
        return -EAGAIN;
    return -take_error(s);
}

static ssize_t receive_one(tr__socket *s, int fd, struct msghdr *message, int flags)
{
    static struct iovec parts[PARTS_MOST + 1];
    header h;
    struct msghdr whole = { .msg_iov = parts, .msg_iovlen = message->msg_iovlen + 1 };
    ssize_t count;

    parts[0] = (struct iovec){ &h, sizeof(h) };
    memcpy(parts + 1, message->msg_iov, message->msg_iovlen * sizeof(parts[0]));
    count = syscall(SYS_recvmsg, fd, &whole, flags | MSG_DONTWAIT);
    if (count < (ssize_t)sizeof(h))
        return count < 0 ? -errno : -EAGAIN;
    if (h.error != 0) {
        if ((flags & MSG_PEEK) != 0)
            (void)tr__kernel_receive(fd, &h, sizeof(h)); /* it is told once */
        return as_error(s, &h);
    }
    message->msg_flags = whole.msg_flags;
    message->msg_controllen = 0;
    if (message->msg_name != NULL)
        tr__endpoint_format(&h.from, s->domain, message->msg_name, &message->msg_namelen);
    return count - (ssize_t)sizeof(h);
}

static bool has_more(int fd)
{
    return (tr__kernel_events(fd, POLLIN) & POLLIN) != 0;
}

ssize_t tr__datagram_receive(tr__socket *s, int fd, struct msghdr *message, int flags)
{
    ssize_t count;

    if (message->msg_iovlen > PARTS_MOST)
        return -EMSGSIZE;
    do
        count = receive_one(s, fd, message, flags);
    while (count == -EAGAIN && has_more(fd));
    return count;
}

int tr__datagram_connect(tr__socket *s, const struct sockaddr *address, socklen_t bytes)
{
    tr__endpoint peer;
    int rc;

    if (bytes >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC) {
        s->has_peer = false;
        return 0;
    }
    rc = tr__endpoint_parse(&peer, s->domain, address, bytes);
    if (rc == 0)
        rc = tr__socket_bind_any(s);
    if (rc < 0)
        return rc;
    tr__endpoint_settle(&peer);
    s->peer = peer;
    s->has_peer = true;
    if (tr__endpoint_is_any(&s->local))
        memcpy(s->local.address, peer.address, sizeof(peer.address));
    return 0;
}
