/* Connections that are held open: each asks once, and is idle then. What the server's memory has
 * grown by is counted; then each asks once more, to see that it was held.
 *
 * Where a process may not have so many descriptors, several share them. */
#include "load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE     64    /* connections of a process that wait for an answer at a time */
#define EACH_SOURCE 20000 /* connections from one address: there are some 28,000 ports */
#define SPARE       64    /* descriptors for other things */
#define PARTS_MOST  64
#define PATIENCE_MS 10000
#define SETTLE_US   500000

static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
static const char body[] = "Hello, World!";
#define BODY_BYTES (sizeof(body) - 1)

struct connection {
    int fd;                /* -1: it was closed */
    bool is_made;          /* it is connected */
    char tail[BODY_BYTES]; /* of what has come */
};

struct crowd {
    struct connection *connections;
    long count;
    long begun; /* of this pass */
    long ended;
    long answered;
    int port;
    int source; /* the first address to come from */
    int epoll;
};

/* A process that holds some of them, and the pipes to it and from it. */
struct part {
    int orders[2];
    int reports[2];
};

static void await(struct crowd *crowd, struct connection *c, uint32_t events, int how)
{
    struct epoll_event event = { .events = events, .data.ptr = c };

    if (epoll_ctl(crowd->epoll, how, c->fd, &event))
        die("epoll_ctl: %s", strerror(errno));
}

static void lose(struct crowd *crowd, struct connection *c)
{
    (void)close(c->fd);
    c->fd = -1;
    crowd->ended++;
}

static void ask(struct crowd *crowd, struct connection *c)
{
    memset(c->tail, 0, BODY_BYTES);
    if (send(c->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
        lose(crowd, c);
}

static void begin(struct crowd *crowd)
{
    long i = crowd->begun++;
    struct connection *c = &crowd->connections[i];

    if (!c->is_made) {
        c->fd = connection_begin(crowd->port, crowd->source + (int)(i / EACH_SOURCE));
        await(crowd, c, EPOLLOUT, EPOLL_CTL_ADD);
    } else if (c->fd < 0)
        crowd->ended++;
    else
        ask(crowd, c);
}

/* Keep the last bytes of what has come; true: the answer is whole. */
static bool take(struct connection *c, const char *data, size_t bytes)
{
    if (bytes < BODY_BYTES) {
        memmove(c->tail, c->tail + bytes, BODY_BYTES - bytes);
        memcpy(c->tail + BODY_BYTES - bytes, data, bytes);
    } else
        memcpy(c->tail, data + bytes - BODY_BYTES, BODY_BYTES);
    return memcmp(c->tail, body, BODY_BYTES) == 0;
}

static void hear(struct crowd *crowd, struct connection *c)
{
    char data[4096];
    ssize_t n;

    if (!c->is_made) {
        if (!connection_is_made(c->fd))
            die("connection %ld was refused", (long)(c - crowd->connections));
        c->is_made = true;
        await(crowd, c, EPOLLIN, EPOLL_CTL_MOD);
        ask(crowd, c);
        return;
    }
    n = recv(c->fd, data, sizeof(data), 0);
    if (n <= 0)
        lose(crowd, c);
    else if (take(c, data, (size_t)n)) {
        crowd->ended++;
        crowd->answered++;
    }
}

/* Let all ask, some at a time: how many were answered. */
static long pass(struct crowd *crowd)
{
    crowd->begun = crowd->ended = crowd->answered = 0;
    while (crowd->ended < crowd->count) {
        struct epoll_event events[AT_ONCE];
        int n;

        while (crowd->begun < crowd->count && crowd->begun - crowd->ended < AT_ONCE)
            begin(crowd);
        if (crowd->ended == crowd->count)
            break;
        n = epoll_wait(crowd->epoll, events, AT_ONCE, PATIENCE_MS);
        if (n <= 0)
            die("nothing came: %ld of %ld were answered", crowd->answered, crowd->count);
        for (int i = 0; i < n; i++)
            hear(crowd, events[i].data.ptr);
    }
    return crowd->answered;
}

/* ---- parts ---- */

static void put(int fd, long value)
{
    if (write(fd, &value, sizeof(value)) != (ssize_t)sizeof(value))
        die("a pipe: %s", strerror(errno));
}

static long get(int fd)
{
    long value;

    if (read(fd, &value, sizeof(value)) != (ssize_t)sizeof(value))
        die("a part of the load has ended");
    return value;
}

/* Hold a part of the connections: a pass for each order. Ends with the process that began it. */
__attribute__((noreturn)) static void run_part(const struct part *part, int port, int source,
                                               long count)
{
    struct crowd crowd = { .port = port, .source = source, .count = count };

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* else the closed pipe ends it, later */
    crowd.connections = allocate((size_t)count * sizeof(struct connection));
    crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        (void)get(part->orders[0]);
        put(part->reports[1], pass(&crowd));
    }
    (void)get(part->orders[0]); /* never comes: it is killed */
    exit(0);
}

static pid_t begin_part(struct part *part, int port, int source, long count)
{
    pid_t pid;

    if (pipe(part->orders) || pipe(part->reports) || (pid = fork()) < 0)
        die("no process: %s", strerror(errno));
    if (pid == 0)
        run_part(part, port, source, count);
    (void)close(part->orders[0]);
    (void)close(part->reports[1]);
    return pid;
}

/* Let all parts make a pass: how many were answered. */
static long pass_all(const struct part *parts, long count)
{
    long answered = 0;

    for (long i = 0; i < count; i++)
        put(parts[i].orders[1], 1);
    for (long i = 0; i < count; i++)
        answered += get(parts[i].reports[0]);
    return answered;
}

int idle(int port, pid_t pid, long connections)
{
    struct part parts[PARTS_MOST];
    pid_t pids[PARTS_MOST];
    long each = descriptors_raise(connections + SPARE) - SPARE;
    long count = (connections + each - 1) / each;
    int sources = (int)(each / EACH_SOURCE) + 1;
    long before;
    long after;

    if (count > PARTS_MOST)
        die("%ld descriptors are too few", each);
    for (long i = 0; i < count; i++) {
        long share = connections / count + (i < connections % count);

        pids[i] = begin_part(&parts[i], port, 2 + (int)i * sources, share);
    }
    before = memory_now(pid);
    if (pass_all(parts, count) != connections)
        die("not all connections were answered");
    (void)usleep(SETTLE_US); /* what the server does after the last answer is over then */
    after = memory_now(pid);
    printf("connections %ld bytes %ld held %ld\n", connections, after - before,
           pass_all(parts, count));
    for (long i = 0; i < count; i++) {
        (void)kill(pids[i], SIGKILL); /* it is there until it is waited for */
        (void)waitpid(pids[i], NULL, 0);
    }
    return 0;
}
