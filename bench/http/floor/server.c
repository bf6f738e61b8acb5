/* The floor of ./dev bench --http: what the system costs. A bare epoll loop that looks for the
 * empty line, parses nothing, and answers the same bytes. No server can be cheaper on sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nDate: Sat, 28 Nov 2026 05:30:00 GMT\r\n"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Content-Length: 13\r\n\r\nHello, World!";

static int listen_at(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((unsigned short)port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0) {
        perror("floor");
        exit(1);
    }
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* One answer for each empty line; all by one write. */
static void answer_all(int fd)
{
    static char in[16384], out[16384 * 8];
    ssize_t count = read(fd, in, sizeof(in));
    size_t bytes = 0;

    if (count == 0 || (count < 0 && errno != EAGAIN)) {
        close(fd);
        return;
    }
    for (char *at = in, *end = in + (count > 0 ? count : 0);
         (at = memmem(at, (size_t)(end - at), "\r\n\r\n", 4)) != NULL; at += 4) {
        memcpy(out + bytes, answer, sizeof(answer) - 1);
        bytes += sizeof(answer) - 1;
    }
    if (bytes > 0 && write(fd, out, bytes) < 0)
        close(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    int epoll = epoll_create1(0);
    int listener = listen_at(argc > 1 ? atoi(argv[1]) : 8080);

    watch(epoll, listener);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);

        for (int i = 0; i < count; i++) {
            int fd;

            if (events[i].data.fd != listener)
                answer_all(events[i].data.fd);
            else
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
                    watch(epoll, fd);
        }
    }
}
