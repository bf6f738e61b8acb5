/* An echo server and its clients, each a thread that blocks, over the simulated network: what comes
 * back is what was sent, once and in order, up to where the connection is seen to fail. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/scenarios.h"

enum { CLIENTS = 3, BYTES = 3000, PORT = 7 };

static int listening;

static char byte_at(size_t i)
{
    return (char)(i * 17 + i / 253);
}

/* The connection is over, for the other side, too. */
static bool is_lost(ssize_t n)
{
    return n < 0 && (errno == ECONNRESET || errno == EPIPE);
}

/* Something else than bytes came: wait until it may go on. */
static bool is_passing(int fd, ssize_t n, short events)
{
    struct pollfd itself = { .fd = fd, .events = events };

    if (n >= 0 || (errno != EINTR && errno != EAGAIN))
        return false;
    (void)poll(&itself, 1, -1); /* EINTR: look again */
    return true;
}

/* false: it is lost. */
static bool write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, data, bytes);

        if (is_lost(n))
            return false;
        EXPECT(n > 0 || is_passing(fd, n, POLLOUT));
        data += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* ---- the server ---- */

static int accept_one(void)
{
    int fd;

    do
        fd = accept(listening, NULL, NULL);
    while (fd < 0 && (errno == EINTR || errno == EMFILE));
    EXPECT(fd >= 0);
    return fd;
}

static void *echo(void *unused)
{
    int fd = accept_one();
    char part[500];
    ssize_t n;

    (void)unused;
    while ((n = read(fd, part, 1 + tr_sim_random() % sizeof(part))) != 0) {
        if (is_lost(n) || (n > 0 && !write_all(fd, part, (size_t)n)))
            break;
        EXPECT(n > 0 || is_passing(fd, n, POLLIN));
    }
    EXPECT(close(fd) == 0);
    return NULL;
}

/* ---- a client: one thread writes, and another reads ---- */

typedef struct client {
    int fd;
    bool has_written;
    size_t got;
} client;

static void *write_to_server(void *arg)
{
    client *c = arg;
    char all[BYTES];

    for (size_t i = 0; i < BYTES; i++)
        all[i] = byte_at(i);
    c->has_written = write_all(c->fd, all, BYTES) && shutdown(c->fd, SHUT_WR) == 0;
    return NULL;
}

/* Up to the end, or to where it fails. false: it has failed. */
static bool read_from_server(client *c)
{
    char part[700];
    ssize_t n;

    while ((n = read(c->fd, part, sizeof(part))) != 0) {
        if (is_lost(n))
            return false;
        EXPECT(n > 0 || is_passing(c->fd, n, POLLIN));
        for (ssize_t i = 0; i < n; i++)
            EXPECT(part[i] == byte_at(c->got + (size_t)i));
        c->got += n > 0 ? (size_t)n : 0;
        EXPECT(c->got <= BYTES);
    }
    return true;
}

/* 0, or why not: it may be lost as soon as it is there, or never come about. */
static int connect_to_server(int fd)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons(PORT),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct pollfd itself = { .fd = fd, .events = POLLOUT };
    int error = 0;
    socklen_t bytes = sizeof(error);

    if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    while (poll(&itself, 1, -1) < 0)
        EXPECT(errno == EINTR);
    EXPECT(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0);
    return error;
}

/* A socket that is connected; -1: it was, and is lost again. */
static int open_connection(void)
{
    for (;;) {
        int fd = socket(AF_INET, SOCK_STREAM | (once_in(2) ? SOCK_NONBLOCK : 0), 0);
        int error = connect_to_server(fd);

        if (error == 0)
            return fd;
        EXPECT(close(fd) == 0);
        EXPECT(error == ETIMEDOUT || (error == ECONNRESET && faults_are_on()));
        if (error == ECONNRESET)
            return -1;
    }
}

static void *talk(void *unused)
{
    client c = { .fd = open_connection() };
    tr_sim_thread *writer;
    bool has_read;

    (void)unused;
    if (c.fd < 0)
        return NULL;
    EXPECT(tr_sim_thread_start(&writer, "writer", write_to_server, &c) == 0);
    has_read = read_from_server(&c);
    EXPECT(tr_sim_thread_join(writer) == NULL);
    EXPECT(c.got == BYTES || faults_are_on());
    EXPECT(c.got < BYTES || !has_read || c.has_written);
    EXPECT(close(c.fd) == 0);
    return NULL;
}

static void start(tr_sim_thread **out, const char *name, void *(*fn)(void *arg))
{
    EXPECT(tr_sim_thread_start(out, name, fn, NULL) == 0);
}

void scenario_network(void *arg)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(PORT) };
    tr_sim_thread *threads[2 * CLIENTS];

    (void)arg;
    listening = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(bind(listening, (struct sockaddr *)&name, sizeof(name)) == 0);
    EXPECT(listen(listening, CLIENTS) == 0);
    for (int i = 0; i < CLIENTS; i++) {
        start(&threads[2 * i], "server", echo);
        start(&threads[2 * i + 1], "client", talk);
    }
    for (int i = 0; i < 2 * CLIENTS; i++)
        EXPECT(tr_sim_thread_join(threads[i]) == NULL);
    EXPECT(close(listening) == 0);
}
