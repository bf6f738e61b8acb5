/* For tests of the simulated network: simulating, and sockets as programs use them. */
#ifndef TR_TESTS_SIM_SOCKETS_H
#define TR_TESTS_SIM_SOCKETS_H

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <troupe/check.h>

#include "sim/scenarios.h"
#include "support/suite.h"

static inline void simulate(void (*fn)(void *arg), tr_sim_options options)
{
    if (options.seed == 0)
        options.seed = 1;
    ck_assert_int_eq(tr_sim_run(fn, NULL, &options, NULL), 0);
}

/* The same under many seeds, in this process. */
static inline void simulate_often(void (*fn)(void *arg), tr_sim_options options)
{
    for (options.seed = 1; options.seed <= 50; options.seed++)
        simulate(fn, options);
}

typedef struct sockaddr sockaddr;

static inline struct sockaddr_in at(uint32_t address, uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(address) };
}

enum { LOCALHOST = 0x7f000001, NOWHERE = 0xc0000201 };

static inline uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t bytes = sizeof(name);

    EXPECT(getsockname(fd, (sockaddr *)&name, &bytes) == 0 && bytes >= sizeof(name));
    return ntohs(name.sin_port);
}

static inline int listen_at(uint32_t address, uint16_t port, int backlog)
{
    struct sockaddr_in name = at(address, port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    EXPECT(fd >= 0 && bind(fd, (sockaddr *)&name, sizeof(name)) == 0);
    EXPECT(listen(fd, backlog) == 0);
    return fd;
}

static inline int connect_with(int fd, uint32_t address, uint16_t port)
{
    struct sockaddr_in name = at(address, port);

    return connect(fd, (sockaddr *)&name, sizeof(name));
}

/* Two ends of a connection; they do not wait. */
static inline void connect_pair(int ends[2])
{
    int listening = listen_at(LOCALHOST, 0, 1);

    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(connect_with(ends[0], LOCALHOST, port_of(listening)) == 0);
    ends[1] = accept(listening, NULL, NULL);
    EXPECT(ends[1] >= 0 && close(listening) == 0);
}

static inline void let_none_wait(const int ends[2])
{
    for (int i = 0; i < 2; i++)
        EXPECT(fcntl(ends[i], F_SETFL, O_RDWR | O_NONBLOCK) == 0);
}

static inline void close_both(const int ends[2])
{
    EXPECT(close(ends[0]) == 0 && close(ends[1]) == 0);
}

static inline short events_of(int fd, short events, int timeout)
{
    struct pollfd itself = { .fd = fd, .events = events };

    return poll(&itself, 1, timeout) > 0 ? itself.revents : 0;
}

static inline int error_of(int fd)
{
    int error = -1;
    socklen_t bytes = sizeof(error);

    EXPECT(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 && bytes == sizeof(error));
    return error;
}

static inline void set(int fd, int level, int name)
{
    EXPECT(setsockopt(fd, level, name, &(int){ 1 }, sizeof(int)) == 0);
}

static inline char byte_at(size_t i)
{
    return (char)(i * 31 + i / 251);
}

#endif
