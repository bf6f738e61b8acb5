/* Where the sockets of the simulated network are bound, and who is found there. See sockets.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sim/sockets.h"
#include "sim/world.h"

enum { PORTS = 65536, PORT_FIRST = 32768, PORT_LAST = 60999 };

/* How many sockets have each port, of streams and of datagrams. */
static uint32_t taken[2][PORTS];
static bool is_used; /* taken is not all zero */
static uint16_t last_port = PORT_FIRST - 1;
static uint32_t last_name;

static uint32_t *takers(const tr__socket *s)
{
    return &taken[s->type == SOCK_STREAM][s->local.port];
}

void tr__names_end(void)
{
    if (is_used)
        memset(taken, 0, sizeof(taken));
    is_used = false;
    last_port = PORT_FIRST - 1;
    last_name = 0;
}

/* ---- conflicts ---- */

static bool has(const tr__socket *s, int name)
{
    return tr__socket_get_option(s, SOL_SOCKET, name) != 0;
}

static bool is_v6_only(const tr__socket *s)
{
    return s->domain == AF_INET6 && tr__socket_get_option(s, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
}

static bool overlap(const tr__socket *one, const tr__socket *other)
{
    return tr__endpoint_takes(&one->local, is_v6_only(one), &other->local) ||
           tr__endpoint_takes(&other->local, is_v6_only(other), &one->local);
}

static bool share(const tr__socket *one, const tr__socket *other)
{
    if (has(one, SO_REUSEPORT) && has(other, SO_REUSEPORT))
        return true;
    return has(one, SO_REUSEADDR) && has(other, SO_REUSEADDR) &&
           (one->type != SOCK_STREAM ||
            (one->state != TR__SOCKET_LISTENS && other->state != TR__SOCKET_LISTENS));
}

static bool is_taken(const tr__socket *s)
{
    for (const tr__socket *b = tr__network_now.bound; b != NULL; b = b->next_bound)
        if (b != s && b->domain != AF_UNIX && b->type == s->type && overlap(s, b) && !share(s, b))
            return true;
    return false;
}

bool tr__socket_is_crowded(const tr__socket *s)
{
    for (const tr__socket *b = tr__network_now.bound; b != NULL; b = b->next_bound)
        if (b != s && b->domain != AF_UNIX && b->state == TR__SOCKET_LISTENS && overlap(s, b) &&
            !(has(s, SO_REUSEPORT) && has(b, SO_REUSEPORT)))
            return true;
    return false;
}

/* ---- binding ---- */

static void keep_name(tr__socket *s)
{
    s->is_bound = true;
    s->next_bound = tr__network_now.bound;
    tr__network_now.bound = s;
}

static void keep_port(tr__socket *s)
{
    ++*takers(s);
    is_used = true;
    s->has_port = true;
}

void tr__socket_unbind(tr__socket *s)
{
    tr__socket **link = &tr__network_now.bound;

    if (s->has_port)
        --*takers(s);
    s->has_port = false;
    if (!s->is_bound)
        return;
    while (*link != s)
        link = &(*link)->next_bound;
    *link = s->next_bound;
    s->is_bound = false;
}

/* The next port that nobody has. */
static int choose_port(tr__socket *s)
{
    for (int tries = PORT_FIRST; tries <= PORT_LAST; tries++) {
        last_port = last_port == PORT_LAST ? PORT_FIRST : last_port + 1;
        s->local.port = last_port;
        if (*takers(s) == 0)
            return 0;
    }
    s->local.port = 0;
    return -EADDRINUSE;
}

int tr__socket_bind_any(tr__socket *s)
{
    int rc = s->local.port == 0 ? choose_port(s) : 0;

    if (rc < 0 || s->has_port)
        return rc;
    keep_port(s);
    if (s->type == SOCK_DGRAM || s->state == TR__SOCKET_MADE)
        keep_name(s);
    return 0;
}

static int bind_inet(tr__socket *s, const struct sockaddr *address, socklen_t bytes)
{
    tr__endpoint before = s->local;
    tr__endpoint wanted;
    int rc = tr__endpoint_parse(&wanted, s->domain, address, bytes);

    if (rc < 0)
        return rc;
    s->local = wanted;
    if (wanted.port == 0)
        rc = choose_port(s);
    else if (is_taken(s))
        rc = -EADDRINUSE;
    if (rc < 0) {
        s->local = before;
        return rc;
    }
    keep_port(s);
    keep_name(s);
    return 0;
}

/* ---- Unix sockets: those in the file system are bound there, others are the simulation's ---- */

static bool is_abstract(const struct sockaddr_un *name)
{
    return name->sun_path[0] == 0;
}

static int copy_unix_name(tr__unix_name *out, const struct sockaddr *address, socklen_t bytes)
{
    memset(out, 0, sizeof(*out));
    if (address == NULL || bytes < sizeof(sa_family_t) || bytes > sizeof(out->name) ||
        address->sa_family != AF_UNIX)
        return -EINVAL;
    memcpy(&out->name, address, bytes);
    out->bytes = bytes;
    return 0;
}

static tr__socket *find_abstract(const tr__unix_name *name)
{
    for (tr__socket *b = tr__network_now.bound; b != NULL; b = b->next_bound)
        if (b->unix_name.bytes == name->bytes &&
            memcmp(&b->unix_name.name, &name->name, name->bytes) == 0)
            return b;
    return NULL;
}

/* As the kernel calls those that ask for any name. */
static void invent_name(tr__unix_name *name)
{
    (void)snprintf(name->name.sun_path + 1, 6, "%05x", last_name++);
    name->bytes = offsetof(struct sockaddr_un, sun_path) + 6;
}

/* Where the path leads. */
static int look_up_path(tr__unix_name *name)
{
    char path[sizeof(name->name.sun_path) + 1] = "";
    struct stat status;

    memcpy(path, name->name.sun_path, name->bytes - offsetof(struct sockaddr_un, sun_path));
    if (stat(path, &status) < 0)
        return -errno;
    name->device = status.st_dev;
    name->inode = status.st_ino;
    return S_ISSOCK(status.st_mode) ? 0 : -ECONNREFUSED;
}

static int bind_unix(tr__socket *s, int fd, const struct sockaddr *address, socklen_t bytes)
{
    tr__unix_name name;
    int rc = copy_unix_name(&name, address, bytes);

    if (rc < 0)
        return rc;
    if (bytes == sizeof(sa_family_t))
        invent_name(&name);
    if (is_abstract(&name.name)) {
        if (find_abstract(&name) != NULL)
            return -EADDRINUSE;
    } else if (syscall(SYS_bind, fd, address, bytes) < 0) {
        return -errno;
    } else if ((rc = look_up_path(&name)) < 0) {
        return rc;
    }
    s->unix_name = name;
    keep_name(s);
    return 0;
}

int tr__socket_bind(tr__socket *s, int fd, const struct sockaddr *address, socklen_t bytes)
{
    if (s->is_bound || s->has_port || s->state != TR__SOCKET_MADE)
        return -EINVAL;
    return s->domain == AF_UNIX ? bind_unix(s, fd, address, bytes) : bind_inet(s, address, bytes);
}

/* ---- who is found ---- */

/* Those that fit best share what comes, by the seed. */
typedef struct choice {
    tr__socket *socket;
    int fit;
    uint32_t count;
} choice;

static void consider(choice *c, tr__socket *s, int fit)
{
    if (fit < c->fit)
        return;
    c->count = fit > c->fit ? 1 : c->count + 1;
    c->fit = fit;
    if (c->count == 1 || tr__random_next(&tr__sim.network) % c->count == 0)
        c->socket = s;
}

static bool takes(const tr__socket *s, const tr__endpoint *to)
{
    return s->domain != AF_UNIX && tr__endpoint_takes(&s->local, is_v6_only(s), to);
}

tr__socket *tr__socket_listening(const tr__endpoint *to)
{
    choice c = { .fit = 0 };

    for (tr__socket *b = tr__network_now.bound; b != NULL; b = b->next_bound)
        if (b->state == TR__SOCKET_LISTENS && takes(b, to))
            consider(&c, b, tr__endpoint_is_any(&b->local) ? 1 : 2);
    return c.socket;
}

tr__socket *tr__socket_receiving(const tr__endpoint *to, const tr__endpoint *from)
{
    choice c = { .fit = 0 };

    for (tr__socket *b = tr__network_now.bound; b != NULL; b = b->next_bound)
        if (b->type == SOCK_DGRAM && takes(b, to) &&
            (!b->has_peer || tr__endpoint_is_same(&b->peer, from)))
            consider(&c, b, (b->has_peer ? 4 : 0) + (tr__endpoint_is_any(&b->local) ? 1 : 2));
    return c.socket;
}

int tr__socket_listening_unix(tr__socket **out, const struct sockaddr *address, socklen_t bytes)
{
    tr__unix_name name;
    int rc = copy_unix_name(&name, address, bytes);

    *out = NULL;
    if (rc == 0 && !is_abstract(&name.name))
        rc = look_up_path(&name);
    if (rc < 0)
        return rc;
    if (is_abstract(&name.name))
        *out = find_abstract(&name);
    else
        for (tr__socket *b = tr__network_now.bound; b != NULL; b = b->next_bound)
            if (b->unix_name.bytes > 0 && b->unix_name.inode == name.inode &&
                b->unix_name.device == name.device && !is_abstract(&b->unix_name.name))
                *out = b;
    return *out != NULL && (*out)->state == TR__SOCKET_LISTENS ? 0 : -ECONNREFUSED;
}

/* ---- asking for names ---- */

static void format_unix(const tr__socket *s, struct sockaddr *out, socklen_t *bytes)
{
    const sa_family_t family = AF_UNIX;

    if (s == NULL || s->unix_name.bytes == 0)
        tr__address_copy(&family, sizeof(family), out, bytes);
    else
        tr__address_copy(&s->unix_name.name, s->unix_name.bytes, out, bytes);
}

void tr__socket_name(const tr__socket *s, struct sockaddr *out, socklen_t *bytes)
{
    if (s->domain == AF_UNIX)
        format_unix(s, out, bytes);
    else
        tr__endpoint_format(&s->local, s->domain, out, bytes);
}

int tr__socket_peer_name(const tr__socket *s, struct sockaddr *out, socklen_t *bytes)
{
    if (!s->has_peer || (s->type == SOCK_STREAM && s->state != TR__SOCKET_CONNECTED))
        return -ENOTCONN;
    if (s->domain == AF_UNIX)
        format_unix(s->other, out, bytes);
    else
        tr__endpoint_format(&s->peer, s->domain, out, bytes);
    return 0;
}
