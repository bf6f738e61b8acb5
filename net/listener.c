/* Listening, and accepting by callbacks. */
#include "net/listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <troupe/task.h>

#include "base/log.h"
#include "base/seam.h"
#include "net/system.h"

enum {
    BACKLOG = 4096,
    ACCEPT_MOST = 64,            /* at one time, until others run */
    RETRY_NS = 100 * 1000 * 1000 /* when there are no descriptors */
};
#define LOOK_AGAIN_S 0.05 /* for handshakes that have begun */

/* ---- the socket ---- */

/* Every address: of IPv6, which takes IPv4 with it, where the machine has it. */
static int any_address(tr_address *out, const char *text)
{
    char other[TR__ADDRESS_TEXT];
    int probe;

    if (text[0] != ':' || strlen(text) > 6)
        return tr_address_parse(out, text);
    probe = tr__sys_socket(AF_INET6, SOCK_STREAM);
    if (probe >= 0)
        tr__sys_close(probe);
    (void)snprintf(other, sizeof(other), "%s%s", probe >= 0 ? "[::]" : "0.0.0.0", text);
    return tr_address_parse(out, other);
}

static int set_tcp_options(int fd, int family, const tr_listen_options *options)
{
    int rc = tr__sys_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (rc == 0 && options->shares_port)
        rc = tr__sys_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && family == AF_INET6)
        rc = tr__sys_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (rc == 0 && !options->delays) /* those that are accepted have it from here */
        rc = tr__sys_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return rc;
}

/* Whether a socket in the file system has been left behind: it is there, and nobody listens. */
static bool is_stale(const tr_address *address)
{
    int fd = tr__sys_socket(AF_UNIX, SOCK_STREAM);
    int rc = fd >= 0 ? tr__sys_connect(fd, tr__address_of(address), address->tr__bytes) : fd;

    if (fd >= 0)
        tr__sys_close(fd);
    return rc == -ECONNREFUSED;
}

static int bind_unix(int fd, const tr_address *address, unsigned mode, tr__socket_file *file)
{
    const char *path = file->path;
    int rc = tr__sys_bind(fd, tr__address_of(address), address->tr__bytes);

    if (rc == -EADDRINUSE && path != NULL && tr__sys_is_socket_file(path) && is_stale(address)) {
        tr__sys_unlink(path);
        rc = tr__sys_bind(fd, tr__address_of(address), address->tr__bytes);
    }
    if (rc < 0 || path == NULL)
        return rc;
    file->id = tr__sys_identify(path);
    return mode != 0 ? tr__sys_set_mode(path, mode) : 0;
}

static int bind_and_listen(int fd, const tr_address *address, const tr_listen_options *options,
                           tr__socket_file *file)
{
    int family = address->tr__storage.ss_family;
    int rc;

    if (family == AF_UNIX) {
        rc = bind_unix(fd, address, options->mode, file);
    } else {
        rc = set_tcp_options(fd, family, options);
        if (rc == 0)
            rc = tr__sys_bind(fd, tr__address_of(address), address->tr__bytes);
    }
    if (rc == 0)
        rc = tr__sys_listen(fd, options->backlog > 0 ? options->backlog : BACKLOG);
    return rc;
}

int tr__listen_socket(const char *address, const tr_listen_options *options, tr__socket_file *file)
{
    tr_address parsed;
    int rc = any_address(&parsed, address);
    int fd;

    *file = (tr__socket_file){ 0 };
    if (rc < 0)
        return rc;
    if (tr__address_is_unix(address) && address[5] != '@') {
        file->path = tr__copy_string(address + 5);
        if (file->path == NULL)
            return TR_ENOMEM;
    }
    fd = tr__sys_socket(parsed.tr__storage.ss_family, SOCK_STREAM);
    rc = fd < 0 ? fd : bind_and_listen(fd, &parsed, options, file);
    if (rc == 0)
        return fd;
    tr__listen_end(fd, file);
    return rc;
}

static bool is_ours(const tr__socket_file *file)
{
    tr__file_id there = tr__sys_identify(file->path);

    return file->id.inode != 0 && there.inode == file->id.inode && there.device == file->id.device;
}

void tr__listen_end(int fd, tr__socket_file *file)
{
    if (file->path != NULL && is_ours(file))
        tr__sys_unlink(file->path);
    if (fd >= 0) /* after that: the file's numbers are ours as long as it is open */
        tr__sys_close(fd);
    tr__free(file->path);
    *file = (tr__socket_file){ 0 };
}

void tr__listen_softly(int fd)
{
    enum { FLAGS_AT = 13, SYN = 0x02 };
    static struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };

    tr_address local;

    if (tr__sys_local_name(fd, &local.tr__storage, &local.tr__bytes) == 0 &&
        local.tr__storage.ss_family == AF_UNIX)
        (void)tr__sys_shutdown(fd, SHUT_RD); /* those who have connected are still accepted */
    else
        tr__sys_attach_filter(fd, program, sizeof(program) / sizeof(program[0]));
}

bool tr__accept_is_starved(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOMEM;
}

/* ---- the acceptor ---- */

static void on_retry(tr__timer *timer)
{
    tr__acceptor *acceptor = TR__CONTAINER_OF(timer, tr__acceptor, retry);

    ev_io_start(acceptor->net->ev, &acceptor->watcher);
}

static void wait_for_descriptors(tr__acceptor *acceptor, int rc)
{
    tr__loop *loop = acceptor->net->loop;

    if (!acceptor->is_starved)
        tr__log(TR_LOG_WARN, "net: can't accept at %s just now: %s", acceptor->address,
                tr_strerror(rc));
    acceptor->is_starved = true;
    ev_io_stop(acceptor->net->ev, &acceptor->watcher);
    tr__timer_stop(&loop->wheel, &acceptor->retry);
    tr__timer_start(&loop->wheel, &acceptor->retry, loop->now_ns + RETRY_NS, on_retry);
}

/* Who waits is not accepted now: look again after a while. */
static void rest(tr__acceptor *acceptor)
{
    tr__loop *loop = acceptor->net->loop;

    ev_io_stop(acceptor->net->ev, &acceptor->watcher);
    tr__timer_stop(&loop->wheel, &acceptor->retry);
    tr__timer_start(&loop->wheel, &acceptor->retry, loop->now_ns + RETRY_NS, on_retry);
}

/* false: nobody waits, or nobody can be accepted. Whoever has given up meanwhile is passed over. */
static bool accept_one(tr__acceptor *acceptor)
{
    tr_address from;
    int fd;

    if (acceptor->may_accept != NULL && !acceptor->may_accept(acceptor)) {
        rest(acceptor);
        return false;
    }
    fd = tr__sys_accept(acceptor->watcher.fd, &from.tr__storage, &from.tr__bytes);
    if (fd >= 0) {
        acceptor->is_starved = false;
        acceptor->fn(acceptor, fd, &from);
        return acceptor->net != NULL;
    }
    if (tr__accept_is_starved(fd))
        wait_for_descriptors(acceptor, fd);
    return fd == -ECONNABORTED || fd == -EPROTO;
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    tr__acceptor *acceptor = TR__CONTAINER_OF(watcher, tr__acceptor, watcher);

    (void)ev;
    (void)events;
    for (int i = 0; i < ACCEPT_MOST; i++)
        if (!accept_one(acceptor))
            break;
}

static void stop(tr__acceptor *acceptor)
{
    tr__timer_stop(&acceptor->net->loop->wheel, &acceptor->retry);
    ev_io_stop(acceptor->net->ev, &acceptor->watcher);
    tr__listen_end(acceptor->watcher.fd, &acceptor->file);
    acceptor->net = NULL;
}

static void evict(tr__tenant *tenant)
{
    stop(TR__CONTAINER_OF(tenant, tr__acceptor, tenant));
}

int tr__acceptor_open(tr__acceptor *acceptor, const char *address, const tr_listen_options *options,
                      tr__accept_fn fn)
{
    int rc;
    int fd;

    memset(acceptor, 0, sizeof(*acceptor));
    rc = tr__net_here(&acceptor->net);
    if (rc < 0)
        return rc;
    fd = tr__listen_socket(address, options, &acceptor->file);
    rc = fd < 0 ? fd : tr__address_of_socket(fd, acceptor->address);
    if (rc < 0) {
        tr__listen_end(fd, &acceptor->file);
        acceptor->net = NULL;
        return rc;
    }
    acceptor->fn = fn;
    ev_io_init(&acceptor->watcher, on_readable, fd, EV_READ);
    ev_io_start(acceptor->net->ev, &acceptor->watcher);
    tr__tenant_enter(acceptor->net, &acceptor->tenant, evict);
    return 0;
}

void tr__acceptor_resume(tr__acceptor *acceptor)
{
    if (acceptor->net == NULL)
        return;
    tr__timer_stop(&acceptor->net->loop->wheel, &acceptor->retry);
    ev_io_start(acceptor->net->ev, &acceptor->watcher);
}

void tr__acceptor_stop(tr__acceptor *acceptor)
{
    if (acceptor->net == NULL)
        return;
    tr__listen_softly(acceptor->watcher.fd);
    tr__acceptor_resume(acceptor);
}

double tr__acceptor_linger(tr__acceptor *acceptor, double most_s)
{
    double waited_s = most_s < TR__LISTEN_LINGER_S ? most_s : TR__LISTEN_LINGER_S;

    if (most_s > TR__LISTEN_LINGER_MOST_S)
        most_s = TR__LISTEN_LINGER_MOST_S;
    (void)tr_sleep(waited_s); /* shielded, as below */
    while (waited_s < most_s && acceptor->net != NULL &&
           tr__sys_has_handshakes(acceptor->watcher.fd)) {
        (void)tr_sleep(LOOK_AGAIN_S);
        waited_s += LOOK_AGAIN_S;
    }
    return waited_s;
}

void tr__acceptor_close(tr__acceptor *acceptor)
{
    if (acceptor->net == NULL)
        return;
    while (accept_one(acceptor))
        ;
    if (acceptor->net == NULL)
        return;
    tr__tenant_leave(&acceptor->tenant);
    stop(acceptor);
}
