/* One thread, epoll, and a state for each connection: it waits for its time (is_due: no), or for an
 * answer. An answer needs a Content-Length, as those to JSON requests have everywhere. */
#define _GNU_SOURCE /* strcasestr, epoll_pwait2 */
#include "exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MOST 2048
#define ANSWER_MOST  16384
#define EVENTS_MOST  256
#define PATIENCE_S   20.0

struct connection {
    struct crew *crew;
    int index; /* in its crew */
    int fd;
    bool is_asking; /* a request is in flight */
    bool is_done;   /* nothing more is to be asked */
    double due;     /* when the request is to be sent, or was */
    size_t bytes;   /* of the answer, that have come */
    char answer[ANSWER_MOST + 1];
};

struct exchange {
    int port;
    int epoll;
    struct connection *connections;
    int count;
    int asking;
    double until;
};

static void open_connection(struct exchange *x, struct connection *c)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

    c->fd = connection_open(x->port);
    if (epoll_ctl(x->epoll, EPOLL_CTL_ADD, c->fd, &event))
        die("epoll_ctl: %s", strerror(errno));
}

void sample_add(struct crew *crew, double seconds)
{
    if (crew->samples == crew->samples_room) {
        crew->samples_room = crew->samples_room ? crew->samples_room * 2 : 65536;
        crew->latencies = realloc(crew->latencies, crew->samples_room * sizeof(float));
        if (!crew->latencies)
            die("out of memory");
    }
    crew->latencies[crew->samples++] = (float)seconds;
}

/* The request is over; the next one is due at once, or an interval after this one was. */
static void end_request(struct exchange *x, struct connection *c, double now)
{
    c->is_asking = false;
    c->bytes = 0;
    x->asking--;
    c->due = c->crew->interval > 0 ? c->due + c->crew->interval : now;
}

static void lose(struct exchange *x, struct connection *c)
{
    c->crew->errors++;
    c->crew->errors_last = 0;
    (void)close(c->fd);
    open_connection(x, c);
    end_request(x, c, clock_now());
}

static void ask(struct exchange *x, struct connection *c, double now)
{
    char request[REQUEST_MOST];
    size_t bytes;

    if (now >= x->until ||
        !(bytes = c->crew->next(c->crew->ctx, c->index, request, REQUEST_MOST))) {
        c->is_done = true;
        return;
    }
    c->is_asking = true;
    x->asking++;
    if (send(c->fd, request, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        lose(x, c);
}

/* Where the body begins, and how long it is: false when the head is not whole. */
static bool read_head(const struct connection *c, size_t *head, size_t *body)
{
    const char *end = strstr(c->answer, "\r\n\r\n");
    const char *length = end ? strcasestr(c->answer, "\r\ncontent-length:") : NULL;

    if (!end)
        return false;
    if (!length || length > end)
        die("an answer has no Content-Length: %.200s", c->answer);
    *head = (size_t)(end - c->answer) + 4;
    *body = strtoul(strchr(length, ':') + 1, NULL, 10);
    if (*head + *body > ANSWER_MOST)
        die("an answer is too long");
    return true;
}

static void take_answer(struct exchange *x, struct connection *c, size_t head)
{
    double now = clock_now();
    struct answer answer = { .status = atoi(c->answer + strlen("HTTP/1.1 ")),
                             .body = c->answer + head };

    sample_add(c->crew, now - c->due);
    if (answer.status < 300)
        c->crew->answers++;
    else {
        c->crew->errors++;
        c->crew->errors_last = answer.status;
    }
    if (c->crew->take)
        c->crew->take(c->crew->ctx, c->index, &answer);
    end_request(x, c, now);
}

static void hear(struct exchange *x, struct connection *c)
{
    size_t head;
    size_t body;
    ssize_t n = recv(c->fd, c->answer + c->bytes, ANSWER_MOST - c->bytes, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || !c->is_asking) {
        if (c->is_asking)
            lose(x, c);
        else
            die("a server ends an idle connection, or speaks unasked");
        return;
    }
    c->bytes += (size_t)n;
    c->answer[c->bytes] = 0;
    if (read_head(c, &head, &body) && c->bytes >= head + body)
        take_answer(x, c, head);
}

/* Send what is due; returns when the next thing is, at most the time until when all is over. */
static double send_due(struct exchange *x)
{
    double now = clock_now();
    double next = now + PATIENCE_S;

    if (now < x->until && next > x->until)
        next = x->until;
    for (int i = 0; i < x->count; i++) {
        struct connection *c = &x->connections[i];

        if (!c->is_asking && !c->is_done && (c->due <= now || now >= x->until))
            ask(x, c, now);
        if (!c->is_asking && !c->is_done && c->due < next)
            next = c->due;
    }
    return next;
}

static bool is_over(const struct exchange *x)
{
    for (int i = 0; i < x->count; i++)
        if (!x->connections[i].is_done)
            return false;
    return true;
}

static void wait_until(struct exchange *x, double next)
{
    struct epoll_event events[EVENTS_MOST];
    double wait = next - clock_now();
    struct timespec time = { 0 };
    int n;

    if (wait > 0) {
        time.tv_sec = (time_t)wait;
        time.tv_nsec = (long)((wait - (double)time.tv_sec) * 1e9);
    }
    n = epoll_pwait2(x->epoll, events, EVENTS_MOST, &time, NULL);
    if (n < 0 && errno != EINTR)
        die("epoll: %s", strerror(errno));
    if (n == 0 && x->asking > 0 && wait >= PATIENCE_S * 0.99)
        die("no answer within %.0f s", PATIENCE_S);
    for (int i = 0; i < n; i++)
        hear(x, events[i].data.ptr);
}

static void begin(struct exchange *x, struct crew *crews, int count)
{
    double now;

    for (int i = 0; i < count; i++)
        x->count += crews[i].connections;
    x->connections = allocate((size_t)x->count * sizeof(struct connection));
    x->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0, at = 0; i < count; i++)
        for (int j = 0; j < crews[i].connections; j++, at++) {
            struct connection *c = &x->connections[at];

            *c = (struct connection){ .crew = &crews[i], .index = j };
            open_connection(x, c);
        }
    now = clock_now();
    for (int i = 0; i < x->count; i++) { /* their times are spread evenly over the interval */
        struct connection *c = &x->connections[i];

        c->due = now + c->crew->interval * c->index / c->crew->connections;
    }
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;

    return x < y ? -1 : x > y;
}

void samples_sort(struct crew *crew)
{
    if (crew->samples)
        qsort(crew->latencies, crew->samples, sizeof(float), compare);
}

void exchange(int port, struct crew *crews, int count, double seconds)
{
    struct exchange x = { .port = port, .until = clock_now() + seconds };

    begin(&x, crews, count);
    for (;;) {
        double next = send_due(&x);

        if (x.asking == 0 && is_over(&x))
            break;
        wait_until(&x, next);
    }
    for (int i = 0; i < x.count; i++)
        (void)close(x.connections[i].fd);
    (void)close(x.epoll);
    free(x.connections);
    for (int i = 0; i < count; i++)
        samples_sort(&crews[i]);
}

double latency_us(const struct crew *crew, double share)
{
    size_t i = (size_t)(share * (double)crew->samples);

    if (!crew->samples)
        return 0;
    return (double)crew->latencies[i < crew->samples ? i : crew->samples - 1] * 1e6;
}
