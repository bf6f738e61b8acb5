#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(int host, int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl((127U << 24) + (uint32_t)host),
    };
}

static void set_option(int fd, int level, int name)
{
    int yes = 1;

    if (setsockopt(fd, level, name, &yes, sizeof(yes)))
        die("setsockopt: %s", strerror(errno));
}

int connection_begin(int port, int source)
{
    struct sockaddr_in to = loopback(1, port);
    struct sockaddr_in from = loopback(source, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket: %s", strerror(errno));
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    if (source) {
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        if (bind(fd, (struct sockaddr *)&from, sizeof(from)))
            die("bind: %s", strerror(errno));
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    return fd;
}

int connection_open(int port)
{
    int fd = connection_begin(port, 0);
    struct pollfd waits = { .fd = fd, .events = POLLOUT };

    if (poll(&waits, 1, 10000) != 1 || !connection_is_made(fd))
        die("connect: the server does not accept");
    return fd;
}

bool connection_is_made(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof(error);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 && error == 0;
}

void send_all(int fd, const void *data, size_t bytes)
{
    ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);

    if (n != (ssize_t)bytes)
        die("send: %s", n < 0 ? strerror(errno) : "the server takes nothing");
}

long descriptors_raise(long wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        die("getrlimit: %s", strerror(errno));
    if ((long)limit.rlim_cur >= wanted)
        return wanted;
    /* Above the hard limit only root may go; else as far as it. */
    struct rlimit more = { (rlim_t)wanted, (rlim_t)wanted };
    if (more.rlim_max < limit.rlim_max)
        more.rlim_max = limit.rlim_max;
    if (!setrlimit(RLIMIT_NOFILE, &more))
        return wanted;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        die("setrlimit: %s", strerror(errno));
    return (long)limit.rlim_cur;
}

int port_find(void)
{
    struct sockaddr_in at = loopback(1, 0);
    socklen_t bytes = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
        getsockname(fd, (struct sockaddr *)&at, &bytes))
        die("no port: %s", strerror(errno));
    (void)close(fd);
    return ntohs(at.sin_port);
}
