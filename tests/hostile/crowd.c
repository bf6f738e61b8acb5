/* The connections of an attack. All of them are opened, some at a time; each sends what the attack
 * says, hears what is answered, and is counted when it has ended. */
#include "hostile/hostile.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    AT_ONCE = 256,  /* that connect at a time: nobody loses a SYN */
    TICK_MS = 100,  /* between two bytes of what trickles */
    SMALL = 4096,   /* a window */
    SEGMENT = 1200, /* as of most networks: else the system keeps megabytes for each that is deaf */
    PIECE = 64 * 1024,
    PATIENCE_S = 240 /* a guard against hangs */
};

typedef struct conn {
    int fd;                /* -1: it has ended */
    bool is_made, is_over; /* connected; has sent all, and done what comes then */
    bool has_heard_all;    /* the server says nothing more, and it goes on */
    const script *text;
    size_t text_most;
    uint64_t sent; /* of the text, and the stream */
    ear ear;
} conn;

typedef struct crowd {
    const attack *attack;
    const patience *times;
    conn *conns;
    long count, begun, made, ended, answered;
    int port, source, epoll, told;
    char *pieces;                     /* the stream, repeated */
    double last_tick_s, deaf_until_s; /* 0: not known yet */
    bool has_told;
    crowd_report report;
} crowd;

/* ---- sockets ---- */

static void set(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof(value)))
        die("setsockopt: %s", strerror(errno));
}

static int begin_connection(const crowd *c)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)c->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in from = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)c->source) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket: %s (ulimit -n)", strerror(errno));
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (c->attack->is_deaf) {
        set(fd, IPPROTO_TCP, TCP_MAXSEG, SEGMENT);
        set(fd, SOL_SOCKET, SO_RCVBUF, SMALL);
    }
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)))
        die("bind: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    return fd;
}

static void leave_by_reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* else it is closed */
}

/* ---- one connection ---- */

static uint64_t all_of(const crowd *c, const conn *k)
{
    return k->text_most + c->attack->stream_most;
}

static bool is_deaf(const crowd *c)
{
    return c->attack->is_deaf && (c->deaf_until_s == 0 || now_s() < c->deaf_until_s);
}

/* Whether what it has to send next is to go as soon as it can. */
static bool is_eager(const crowd *c, const conn *k)
{
    return k->is_made && !k->is_over &&
           (k->sent < k->text_most || !c->attack->trickles || all_of(c, k) == k->sent);
}

static void watch(const crowd *c, conn *k, int how)
{
    bool is_listening = !k->has_heard_all && !(k->is_made && is_deaf(c));
    struct epoll_event event = { .events = is_listening ? EPOLLIN : 0, .data.ptr = k };

    if (!k->is_made || is_eager(c, k))
        event.events |= EPOLLOUT;
    if (epoll_ctl(c->epoll, how, k->fd, &event))
        die("epoll_ctl: %s", strerror(errno));
}

static void end(crowd *c, conn *k, uint32_t *why)
{
    if (why != &c->report.left && k->ear.answers == 0)
        c->report.silent++;
    ++*why;
    (void)close(k->fd);
    k->fd = -1;
    c->ended++;
}

static void begin(crowd *c)
{
    long i = c->begun++;
    conn *k = &c->conns[i];

    k->text = &c->attack->texts[i % c->attack->text_count];
    k->text_most = k->text->count;
    if (c->attack->is_cut)
        k->text_most = (size_t)i % (k->text->count + 1);
    for (int n = 0; n < 8 && k->text->ends[n] > 0; n++)
        c->report.whole += k->text->ends[n] <= k->text_most;
    k->fd = begin_connection(c);
    watch(c, k, EPOLL_CTL_ADD);
}

/* All has been sent. */
static void finish(crowd *c, conn *k)
{
    k->is_over = true;
    switch (c->attack->ending) {
    case WAITS:
    case HOLDS:
        if (k->has_heard_all) {
            end(c, k, &c->report.closed);
            return;
        }
        break;
    case HALF_CLOSES:
        (void)shutdown(k->fd, SHUT_WR); /* or it has ended already, which is seen */
        break;
    case RESETS:
        leave_by_reset(k->fd);
        end(c, k, &c->report.left);
        return;
    case VANISHES:
        end(c, k, &c->report.left);
        return;
    }
    watch(c, k, EPOLL_CTL_MOD);
}

/* Send the next bytes, at most so many. */
static void send_some(crowd *c, conn *k, size_t most)
{
    uint64_t left = all_of(c, k) - k->sent;
    size_t streamed = k->sent - k->text_most;
    const char *at;
    ssize_t count;

    if (k->sent < k->text_most) {
        at = k->text->bytes + k->sent;
        left = k->text_most - k->sent;
    } else {
        at = c->pieces + streamed % c->attack->stream.count;
        left = left < PIECE ? left : PIECE;
    }
    count = left == 0 ? 0 : send(k->fd, at, left < most ? left : most, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN)
        return;
    if (count < 0 && k->has_heard_all) {
        end(c, k, &c->report.reset);
        return;
    }
    if (count < 0) { /* what was answered can still be heard */
        k->is_over = true;
        watch(c, k, EPOLL_CTL_MOD);
        return;
    }
    k->sent += (uint64_t)count;
    c->report.sent += (uint64_t)count;
    if (k->sent == all_of(c, k))
        finish(c, k);
    else if (!is_eager(c, k))
        watch(c, k, EPOLL_CTL_MOD);
}

static void hear(crowd *c, conn *k)
{
    static char data[256 * 1024];
    ssize_t count = recv(k->fd, data, sizeof(data), 0);
    uint32_t answers = k->ear.answers;

    if (count < 0 && errno == EAGAIN)
        return;
    if (count < 0) {
        end(c, k, &c->report.reset);
    } else if (count == 0 && (k->is_over || c->attack->trickles)) {
        end(c, k, &c->report.closed);
    } else if (count == 0) { /* a good client would stop now */
        k->has_heard_all = true;
        watch(c, k, EPOLL_CTL_MOD);
    } else {
        ear_hear(&k->ear, data, (size_t)count, c->report.heard);
        c->answered += answers == 0 && k->ear.answers > 0;
    }
}

static void make(crowd *c, conn *k)
{
    int error = 0;
    socklen_t bytes = sizeof(error);

    if (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0 || error != 0)
        die("connect: %s", strerror(error));
    k->is_made = true;
    c->made++;
    c->report.opened++;
    watch(c, k, EPOLL_CTL_MOD);
}

static void on_event(crowd *c, conn *k, uint32_t events)
{
    if (!k->is_made) {
        make(c, k);
        return;
    }
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 ||
        ((events & EPOLLIN) != 0 && !is_deaf(c) && !k->has_heard_all))
        hear(c, k);
    if (k->fd >= 0 && (events & EPOLLOUT) != 0 && !k->is_over)
        send_some(c, k, PIECE);
}

/* ---- all of them ---- */

static void prepare(crowd *c)
{
    size_t bytes = c->attack->stream.count;

    c->conns = allocate((size_t)c->count * sizeof(conn));
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll < 0)
        die("epoll: %s", strerror(errno));
    c->pieces = allocate(PIECE + bytes);
    for (size_t i = 0; bytes > 0 && i < PIECE + bytes; i++)
        c->pieces[i] = c->attack->stream.bytes[i % bytes];
}

/* The next byte of each that trickles. */
static void tick(crowd *c)
{
    double now = now_s();

    if (!c->attack->trickles || now - c->last_tick_s < TICK_MS / 1e3)
        return;
    c->last_tick_s = now;
    for (long i = 0; i < c->begun; i++) {
        conn *k = &c->conns[i];

        if (k->fd >= 0 && k->is_made && !k->is_over && k->sent >= k->text_most)
            send_some(c, k, 1);
    }
}

/* The server must have given up those that read nothing: now they read what there is. */
static void open_ears(crowd *c)
{
    if (!c->attack->is_deaf || c->made < c->count)
        return;
    if (c->deaf_until_s == 0)
        c->deaf_until_s = now_s() + c->times->write + 1;
    else if (c->deaf_until_s > 0 && now_s() >= c->deaf_until_s) {
        for (long i = 0; i < c->count; i++)
            if (c->conns[i].fd >= 0)
                watch(c, &c->conns[i], EPOLL_CTL_MOD);
        c->deaf_until_s = -1;
    }
}

static void put(const crowd *c, const void *data, size_t bytes)
{
    if (write(c->told, data, bytes) != (ssize_t)bytes)
        die("a pipe: %s", strerror(errno));
}

static void tell_when_held(crowd *c)
{
    if (c->attack->ending != HOLDS || c->has_told || c->answered < c->count)
        return;
    put(c, "h", 1);
    c->has_told = true;
}

static void attack_all(crowd *c)
{
    double begun_s = now_s();

    while (c->ended < c->count) {
        struct epoll_event events[AT_ONCE];
        int n;

        while (c->begun < c->count && c->begun - c->made < AT_ONCE)
            begin(c);
        n = epoll_wait(c->epoll, events, AT_ONCE, TICK_MS);
        for (int i = 0; i < n; i++)
            on_event(c, events[i].data.ptr, events[i].events);
        tick(c);
        open_ears(c);
        tell_when_held(c);
        if (now_s() - begun_s > PATIENCE_S)
            die("%s: %ld of %ld connections have ended, and no more", c->attack->name, c->ended,
                c->count);
    }
}

void crowd_run(const attack *a, long count, int port, int source, const patience *times, int told)
{
    static crowd c; /* its report is large */

    c.attack = a;
    c.times = times;
    c.count = count;
    c.port = port;
    c.source = source;
    c.told = told;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* as the server */
    prepare(&c);
    attack_all(&c);
    put(&c, &c.report, sizeof(c.report));
    _exit(0);
}
