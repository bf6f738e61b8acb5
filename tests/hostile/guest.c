/* A good client: two questions, over connections that are kept for some of them. */
#include "hostile/hostile.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    A_CONNECTION = 8, /* questions */
    PAUSE_MS = 5,
    PATIENCE_S = 120, /* a guard against hangs */
};

static int open_connection(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval most = { .tv_sec = PATIENCE_S };
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)))
        die("socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* The status of the next answer, whose body is put into the text; -1: there is none. */
static int hear(int fd, char *body, size_t room)
{
    char text[4096];
    size_t filled = 0;

    for (;;) {
        ssize_t count = recv(fd, text + filled, sizeof(text) - 1 - filled, 0);
        const char *end;
        const char *length;
        size_t bytes;

        if (count <= 0)
            return -1;
        filled += (size_t)count;
        text[filled] = 0;
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (end == NULL || length == NULL)
            continue;
        bytes = strtoul(length + strlen("Content-Length: "), NULL, 10);
        if (strlen(end + 4) < bytes)
            continue;
        (void)snprintf(body, room, "%s", end + 4);
        return (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
    }
}

int guest_ask(int port, const char *path, char *body, size_t room)
{
    char text[256];
    int fd = open_connection(port);
    int status = -1;
    int bytes = snprintf(text, sizeof(text),
                         "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);

    if (fd < 0)
        return -1;
    if (send(fd, text, (size_t)bytes, MSG_NOSIGNAL) == bytes)
        status = hear(fd, body, room);
    (void)close(fd);
    return status;
}

typedef struct question {
    const char *text;
    const char *answer;
} question;

static const question questions[] = {
    { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "hello" },
    { "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Content-Length: 37\r\n\r\n{\"name\":\"Ann\",\"price\":1.5,\"pieces\":2}",
      "Ann" },
};

static void ask(int fd, const question *q, guest_report *report)
{
    char body[1024];
    double begun = now_s();
    double took;
    ssize_t bytes = (ssize_t)strlen(q->text);
    bool is_right = fd >= 0 && send(fd, q->text, (size_t)bytes, MSG_NOSIGNAL) == bytes &&
                    hear(fd, body, sizeof(body)) == 200 && strcmp(body, q->answer) == 0;

    took = now_s() - begun;
    if (took > report->worst_s)
        report->worst_s = took;
    if (is_right)
        report->right++;
    else
        report->wrong++;
}

static bool is_stopped(int stop)
{
    struct pollfd waits = { .fd = stop, .events = POLLIN };

    return poll(&waits, 1, PAUSE_MS) != 0;
}

void guest_run(int port, int stop, int told)
{
    guest_report report = { 0 };
    int fd = -1;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* as the server */
    for (unsigned i = 0; i == 0 || !is_stopped(stop); i++) {
        if (i % A_CONNECTION == 0) {
            if (fd >= 0)
                (void)close(fd);
            fd = open_connection(port);
        }
        ask(fd, &questions[i % 2], &report);
    }
    if (write(told, &report, sizeof(report)) != (ssize_t)sizeof(report))
        die("a pipe: %s", strerror(errno));
    _exit(0);
}
