/* Loads a room: N clients, of which the first sends, one message after the other, each when all
 * have got the last. Checks that every client gets every message, in order.
 *
 *     room PORT CLIENTS MESSAGES      prints how many deliveries there were */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 64, FRAME_BYTES = MESSAGE_BYTES + 2, ROOM = 4096 };

typedef struct client {
    int fd;
    size_t bytes;
    char in[ROOM];
    long got;
} client;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int connect_to(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((unsigned short)port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("connect");
    return fd;
}

static void shake_hands(client *c, int port)
{
    char request[512];
    int bytes = snprintf(request, sizeof(request),
                         "GET /room HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                         port);
    char *end;

    if (write(c->fd, request, (size_t)bytes) != bytes)
        die("write");
    do {
        ssize_t count = read(c->fd, c->in + c->bytes, sizeof(c->in) - 1 - c->bytes);

        if (count <= 0)
            die("handshake");
        c->bytes += (size_t)count;
        c->in[c->bytes] = 0;
    } while ((end = strstr(c->in, "\r\n\r\n")) == NULL);
    if (strncmp(c->in, "HTTP/1.1 101", 12) != 0)
        die("no WebSocket");
    c->bytes -= (size_t)(end + 4 - c->in);
    memmove(c->in, end + 4, c->bytes);
}

/* A masked text frame, whose mask is 0: so it is as it looks. */
static void send_message(const client *c, long number)
{
    char frame[6 + MESSAGE_BYTES + 1] = { (char)0x81, (char)(0x80 | MESSAGE_BYTES), 0, 0, 0, 0 };

    snprintf(frame + 6, MESSAGE_BYTES + 1, "%064ld", number);
    if (write(c->fd, frame, 6 + MESSAGE_BYTES) != 6 + MESSAGE_BYTES)
        die("write");
}

static long take_messages(client *c)
{
    ssize_t count = read(c->fd, c->in + c->bytes, sizeof(c->in) - c->bytes);
    size_t at = 0;
    long taken = 0;

    if (count <= 0)
        die("read");
    c->bytes += (size_t)count;
    for (; c->bytes - at >= FRAME_BYTES; at += FRAME_BYTES, taken++) {
        char text[MESSAGE_BYTES + 1];

        memcpy(text, c->in + at + 2, MESSAGE_BYTES);
        text[MESSAGE_BYTES] = 0;
        if ((unsigned char)c->in[at] != 0x81 || c->in[at + 1] != MESSAGE_BYTES ||
            strtol(text, NULL, 10) != c->got++) {
            fprintf(stderr, "room: a message is missing, or another came\n");
            exit(1);
        }
    }
    c->bytes -= at;
    memmove(c->in, c->in + at, c->bytes);
    return taken;
}

int main(int argc, char **argv)
{
    int port = argc == 4 ? atoi(argv[1]) : 0;
    int clients = argc == 4 ? atoi(argv[2]) : 0;
    long messages = argc == 4 ? atol(argv[3]) : 0;
    client *all = calloc((size_t)(clients > 0 ? clients : 1), sizeof(*all));
    struct epoll_event events[256];
    int epoll = epoll_create1(0);

    if (clients < 1 || messages < 1 || all == NULL) {
        fprintf(stderr, "usage: room PORT CLIENTS MESSAGES\n");
        return 2;
    }
    for (int i = 0; i < clients; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &all[i] };

        all[i].fd = connect_to(port);
        shake_hands(&all[i], port);
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
    }
    usleep(200 * 1000); /* all have joined */
    printf("begin\n");
    fflush(stdout);
    for (long number = 0; number < messages; number++) {
        send_message(&all[0], number);
        for (long missing = clients; missing > 0;) {
            int count = epoll_wait(epoll, events, 256, 10 * 1000);

            if (count <= 0)
                die("a message did not come within 10 s");
            for (int i = 0; i < count; i++)
                missing -= take_messages(events[i].data.ptr);
        }
    }
    printf("%ld\n", messages * clients);
    return 0;
}
