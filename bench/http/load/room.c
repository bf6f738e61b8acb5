/* Clients of one room, of which the first sends: the next message, when all have the last one. So
 * each delivery is a write of its own, and a server gains nothing by writing several at once.
 *
 * Each client checks each message, byte by byte: that it is the next one, and whole. Only before
 * all have joined a message may be missed: the first one that a client gets is where it begins. */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PAYLOAD_BYTES 64
#define NUMBER_DIGITS 18
#define EVENTS_MOST   256
#define WARM_S        1.0
#define PATIENCE_S    10.0

struct client {
    int fd;
    bool is_open;   /* the handshake is done */
    bool has_begun; /* it has got a message */
    long next;      /* the one it waits for */
    size_t bytes;   /* that have come, and are no whole frame yet */
    unsigned char buffer[4096];
};

struct crowd {
    struct client *clients;
    int count;
    int opened;
    int begun;
    int ready; /* clients that have the last message */
    long sent; /* messages; the last is sent - 1 */
    int epoll;
    double heard;                         /* when something last came */
    unsigned char payload[PAYLOAD_BYTES]; /* of the last message */
};

static const char handshake[] = "GET /room HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char accepted[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; /* RFC 6455, 1.3 */

static void write_payload(unsigned char *payload, long message)
{
    memset(payload, '.', PAYLOAD_BYTES);
    for (int i = NUMBER_DIGITS - 1; i >= 0; i--, message /= 10)
        payload[i] = (unsigned char)('0' + message % 10);
}

static long read_payload(const unsigned char *payload)
{
    long message = 0;

    for (int i = 0; i < NUMBER_DIGITS; i++)
        message = message * 10 + (payload[i] - '0');
    return message;
}

/* A client's frame: masked, as it must be. */
static void send_frame(int fd, unsigned char opcode, const unsigned char *payload, size_t bytes)
{
    static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    unsigned char frame[6 + 125] = { 0x80 | opcode, (unsigned char)(0x80 | bytes) };

    memcpy(frame + 2, mask, sizeof(mask));
    for (size_t i = 0; i < bytes; i++)
        frame[6 + i] = payload[i] ^ mask[i % 4];
    send_all(fd, frame, 6 + bytes);
}

static void send_next(struct crowd *crowd)
{
    write_payload(crowd->payload, crowd->sent++);
    crowd->ready = 0;
    send_frame(crowd->clients[0].fd, 1, crowd->payload, PAYLOAD_BYTES);
}

static void take_message(struct crowd *crowd, struct client *c, const unsigned char *frame)
{
    unsigned char earlier[PAYLOAD_BYTES];
    const unsigned char *expected = crowd->payload;

    if (frame[0] != 0x81 || frame[1] != PAYLOAD_BYTES)
        die("a client got a frame of another kind");
    if (!c->has_begun) {
        c->has_begun = true;
        crowd->begun++;
        c->next = read_payload(frame + 2);
    }
    if (c->next != crowd->sent - 1) {
        write_payload(earlier, c->next);
        expected = earlier;
    }
    if (c->next >= crowd->sent || memcmp(frame + 2, expected, PAYLOAD_BYTES) != 0)
        die("a client got something else than message %ld", c->next);
    if (++c->next == crowd->sent)
        crowd->ready++;
}

/* Take one frame off what has come: its bytes, or 0: it is not whole. */
static size_t take_frame(struct crowd *crowd, struct client *c, const unsigned char *at,
                         size_t bytes)
{
    size_t whole = bytes < 2 ? 0 : 2U + at[1];

    if (whole == 0 || whole > bytes)
        return 0;
    if (at[1] > 125)
        die("a frame of unexpected length");
    if ((at[0] & 0x0f) == 9)
        send_frame(c->fd, 10, at + 2, at[1]);
    else
        take_message(crowd, c, at);
    return whole;
}

/* The answer to the handshake: its bytes, or 0: it is not whole. */
static size_t take_handshake(struct crowd *crowd, struct client *c)
{
    const char *text = (const char *)c->buffer;
    const char *end;

    c->buffer[c->bytes] = 0;
    end = strstr(text, "\r\n\r\n");
    if (!end)
        return 0;
    if (strncmp(text, "HTTP/1.1 101 ", 13) != 0 || !strstr(text, accepted))
        die("the handshake was refused: %.*s", (int)strcspn(text, "\r"), text);
    c->is_open = true;
    crowd->opened++;
    return (size_t)(end - text) + 4;
}

static void take(struct crowd *crowd, struct client *c)
{
    ssize_t n = recv(c->fd, c->buffer + c->bytes, sizeof(c->buffer) - 1 - c->bytes, 0);
    size_t at = 0;
    size_t taken;

    if (n <= 0)
        die("a client was left: %s", n ? strerror(errno) : "closed");
    c->bytes += (size_t)n;
    if (!c->is_open)
        at = take_handshake(crowd, c);
    while (c->is_open && (taken = take_frame(crowd, c, c->buffer + at, c->bytes - at)))
        at += taken;
    c->bytes -= at;
    memmove(c->buffer, c->buffer + at, c->bytes);
}

/* Wait for what comes, and take it; false: nothing came. */
static bool listen_once(struct crowd *crowd, int wait_ms)
{
    struct epoll_event events[EVENTS_MOST];
    int n = epoll_wait(crowd->epoll, events, EVENTS_MOST, wait_ms);
    double now = clock_now();

    for (int i = 0; i < n; i++)
        take(crowd, events[i].data.ptr);
    if (n > 0)
        crowd->heard = now;
    if (now - crowd->heard > PATIENCE_S)
        die("nothing came for %g s: %d clients open, %d have message %ld", PATIENCE_S,
            crowd->opened, crowd->ready, crowd->sent - 1);
    return n > 0;
}

static void watch(struct crowd *crowd, struct client *c)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

    if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, c->fd, &event))
        die("epoll_ctl: %s", strerror(errno));
}

static void open_all(struct crowd *crowd, int port)
{
    for (int i = 0; i < crowd->count; i++) {
        struct client *c = &crowd->clients[i];

        c->fd = connection_open(port);
        watch(crowd, c);
        send_all(c->fd, handshake, sizeof(handshake) - 1);
    }
    while (crowd->opened < crowd->count)
        (void)listen_once(crowd, 100);
}

/* A server may let a client join after it has answered the handshake: so some may miss the first
 * messages, and nobody waits for them. */
static void join_all(struct crowd *crowd)
{
    send_next(crowd);
    while (crowd->begun < crowd->count)
        if (!listen_once(crowd, 100))
            send_next(crowd);
}

/* Send for so long: how many messages everybody has got. */
static long talk(struct crowd *crowd, double seconds)
{
    double end = clock_now() + seconds;
    long first = crowd->sent;

    while (crowd->ready < crowd->count || crowd->heard < end) {
        if (crowd->ready == crowd->count)
            send_next(crowd);
        (void)listen_once(crowd, 100);
    }
    return crowd->sent - first;
}

int room(int port, pid_t pid, int clients, int seconds)
{
    struct crowd crowd = {
        .clients = allocate((size_t)clients * sizeof(struct client)),
        .count = clients,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .heard = clock_now(),
    };
    struct usage since;
    double own;
    long messages;

    (void)descriptors_raise(clients + 64L);
    open_all(&crowd, port);
    join_all(&crowd);
    (void)talk(&crowd, WARM_S);
    since = usage_now(pid);
    own = cpu_own();
    messages = talk(&crowd, seconds);
    printf("deliveries %ld ", messages * clients);
    usage_print(pid, &since, cpu_own() - own);
    free(crowd.clients); /* the process ends, and with it the connections */
    return 0;
}
