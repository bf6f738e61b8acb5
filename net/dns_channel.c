/* A channel of c-ares on a loop. */
#include "net/dns_channel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>

#include "base/seam.h"
#include "base/threads.h"
#include "net/address.h"
#include "net/system.h"

/* ---- memory: the library's, where it is to fail or is counted ---- */

/* Elsewhere c-ares stays as it is, for another library in this process may use it, too: what that
 * one has allocated must be freed as it was. */
#if TR__FAULTS
typedef struct block {
    TR__ALIGNED(16) size_t bytes;
} block;

static void *allocate(size_t bytes)
{
    block *made = bytes <= SIZE_MAX - sizeof(*made) ? tr__alloc(sizeof(*made) + bytes) : NULL;

    if (made == NULL)
        return NULL;
    made->bytes = bytes;
    return made + 1;
}

static void release(void *memory)
{
    if (memory != NULL)
        tr__free((block *)memory - 1);
}

static void *reallocate(void *memory, size_t bytes)
{
    size_t before = memory != NULL ? ((block *)memory - 1)->bytes : 0;
    void *made = allocate(bytes);

    if (made == NULL || memory == NULL)
        return made;
    memcpy(made, memory, before < bytes ? before : bytes);
    release(memory);
    return made;
}

static int init_library(void)
{
    return ares_library_init_mem(ARES_LIB_INIT_ALL, allocate, release, reallocate);
}
#else
static int init_library(void)
{
    return ares_library_init(ARES_LIB_INIT_ALL);
}
#endif

/* It counts its callers without a lock, and stays for as long as the process. */
static int prepare_library(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool is_ready;
    int status = ARES_SUCCESS;

    tr__mutex_lock(&lock);
    if (!is_ready)
        status = init_library();
    is_ready = status == ARES_SUCCESS;
    tr__mutex_unlock(&lock);
    return status;
}

/* ---- sockets ---- */

typedef struct dns_socket {
    tr__list link;
    tr__dns_channel *channel;
    ev_io watcher;
} dns_socket;

/* c-ares may close the socket within its call, and others. */
static void on_socket(struct ev_loop *ev, ev_io *watcher, int events)
{
    dns_socket *socket = TR__CONTAINER_OF(watcher, dns_socket, watcher);
    tr__dns_channel *channel = socket->channel;
    int fd = watcher->fd;

    (void)ev;
    ares_process_fd(channel->ares, events & EV_READ ? fd : ARES_SOCKET_BAD,
                    events & EV_WRITE ? fd : ARES_SOCKET_BAD);
    tr__dns_channel_settle(channel);
}

static dns_socket *find_socket(tr__dns_channel *channel, int fd)
{
    for (tr__list *node = channel->sockets.next; node != &channel->sockets; node = node->next) {
        dns_socket *socket = TR__CONTAINER_OF(node, dns_socket, link);

        if (socket->watcher.fd == fd)
            return socket;
    }
    return NULL;
}

static void watch_socket(void *arg, ares_socket_t fd, int reads, int writes)
{
    tr__dns_channel *channel = arg;
    dns_socket *socket = find_socket(channel, fd);
    int events = (reads ? EV_READ : 0) | (writes ? EV_WRITE : 0);

    if (socket == NULL)
        return;
    ev_io_stop(channel->net->ev, &socket->watcher);
    ev_io_set(&socket->watcher, fd, events);
    if (events != 0)
        ev_io_start(channel->net->ev, &socket->watcher);
}

/* What c-ares expects of a system call: -1, and errno. */
static ssize_t as_call(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
    tr__dns_channel *channel = arg;
    dns_socket *made = tr__alloc_zeroed(sizeof(*made));
    int fd;

    (void)protocol; /* what is usual for the type */
    if (made == NULL)
        return (ares_socket_t)as_call(-ENOMEM);
    fd = tr__sys_socket(family, type);
    if (fd < 0) {
        tr__free(made);
        return (ares_socket_t)as_call(fd);
    }
    /* c-ares does so for sockets of its own only. Without it, all is just slower. */
    if (type == SOCK_STREAM)
        (void)tr__sys_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    made->channel = channel;
    ev_io_init(&made->watcher, on_socket, fd, 0);
    tr__list_append(&channel->sockets, &made->link);
    return fd;
}

static int close_socket(ares_socket_t fd, void *arg)
{
    tr__dns_channel *channel = arg;
    dns_socket *socket = find_socket(channel, fd);

    ev_io_stop(channel->net->ev, &socket->watcher);
    tr__list_remove(&socket->link);
    tr__free(socket);
    tr__sys_close(fd);
    return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t bytes,
                          void *arg)
{
    (void)arg;
    return (int)as_call(tr__sys_connect(fd, address, bytes));
}

static ares_ssize_t receive(ares_socket_t fd, void *buffer, size_t bytes, int flags,
                            struct sockaddr *from, ares_socklen_t *from_bytes, void *arg)
{
    struct iovec part = { buffer, bytes };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t count;

    (void)flags; /* none */
    (void)arg;
    if (from != NULL) {
        message.msg_name = from;
        message.msg_namelen = *from_bytes;
    }
    count = tr__sys_recvmsg(fd, &message);
    if (from != NULL && count >= 0)
        *from_bytes = message.msg_namelen;
    return as_call(count);
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int count, void *arg)
{
    /* Sending changes none of it. */
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
                              .msg_iovlen = (size_t)count };

    (void)arg;
    return as_call(tr__sys_sendmsg(fd, &message));
}

static const struct ares_socket_functions functions = { open_socket, close_socket, connect_socket,
                                                        receive, send_parts };

/* ---- time ---- */

static void on_timer(tr__timer *timer)
{
    tr__dns_channel *channel = TR__CONTAINER_OF(timer, tr__dns_channel, timer);

    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    tr__dns_channel_settle(channel);
}

/* c-ares says how long in milliseconds, rounded down: one more, or it would not be time yet. */
void tr__dns_channel_settle(tr__dns_channel *channel)
{
    struct timeval left;

    tr__timer_stop(&channel->net->loop->wheel, &channel->timer);
    if (ares_timeout(channel->ares, NULL, &left) == NULL)
        return;
    tr__timer_start(&channel->net->loop->wheel, &channel->timer,
                    tr__now_ns() + (uint64_t)left.tv_sec * 1000000000 +
                        (uint64_t)left.tv_usec * 1000 + 1000000,
                    on_timer);
}

/* ---- open and close ---- */

static void fill_node(struct ares_addr_port_node *node, const tr_address *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->tr__storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->tr__storage;

    node->family = address->tr__storage.ss_family;
    node->udp_port = tr_address_port(address);
    node->tcp_port = node->udp_port;
    if (node->family == AF_INET)
        node->addr.addr4 = in->sin_addr;
    else
        memcpy(&node->addr.addr6, &in6->sin6_addr, sizeof(node->addr.addr6));
}

static int set_servers(ares_channel ares, const tr__dns_config *config)
{
    struct ares_addr_port_node nodes[TR__DNS_SERVERS] = { { .next = NULL } };

    for (size_t i = 0; i < config->server_count; i++) {
        fill_node(&nodes[i], &config->servers[i]);
        nodes[i].next = i + 1 < config->server_count ? &nodes[i + 1] : NULL;
    }
    return config->server_count > 0 ? ares_set_servers_ports(ares, nodes) : ARES_SUCCESS;
}

/* The hosts file is read by us: c-ares knows one place only. */
static int open_channel(tr__dns_channel *channel, const tr__dns_config *config)
{
    char dns_only[] = "b";
    char path[TR__DNS_PATH];
    struct ares_options options = { .timeout = config->timeout_ms,
                                    .tries = config->tries,
                                    .lookups = dns_only,
                                    .sock_state_cb = watch_socket,
                                    .sock_state_cb_data = channel,
                                    .resolvconf_path = path };
    int status = prepare_library();

    memcpy(path, config->resolv_conf, sizeof(path));
    if (status == ARES_SUCCESS)
        status = ares_init_options(&channel->ares, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                                       ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF);
    return status;
}

int tr__dns_channel_open(tr__dns_channel *channel, tr__net *net, const tr__dns_config *config)
{
    int unused;
    int status;

    channel->net = net;
    tr__list_init(&channel->sockets);
    memset(&channel->system, 0, sizeof(channel->system));
    status = open_channel(channel, config);
    if (status != ARES_SUCCESS)
        return tr__dns_error(status);
    ares_set_socket_functions(channel->ares, &functions, channel);
    status = set_servers(channel->ares, config);
    if (status == ARES_SUCCESS)
        status = ares_save_options(channel->ares, &channel->system, &unused);
    if (status != ARES_SUCCESS)
        tr__dns_channel_close(channel);
    return tr__dns_error(status);
}

void tr__dns_channel_close(tr__dns_channel *channel)
{
    tr__timer_stop(&channel->net->loop->wheel, &channel->timer);
    ares_destroy_options(&channel->system);
    ares_destroy(channel->ares);
}

int tr__dns_error(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
        return TR_ENONAME;
    case ARES_EBADNAME:
        return TR_EINVAL;
    case ARES_ENOMEM:
        return TR_ENOMEM;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return TR_ECANCELED;
    default:
        return TR_ERESOLVE;
    }
}
