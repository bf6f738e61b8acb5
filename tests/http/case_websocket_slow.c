/* WebSockets whose other side takes too little, or whose handler does: nobody else waits for them,
 * and what they take is bounded. */
#include "http/echoes.h"

enum {
    PIECE = 30000, /* of each message: its first bytes are its number */
    QUEUE = 100000,
    HEADER = 4 /* of its frame */
};

typedef struct hall {
    service s;
    tr_room *room;
    tr_ws *slow; /* of the handler that serves the slow one */
    int end;     /* that it has met; 1: it serves on */
} hall;

static int stay(hall *h, tr_ws *ws)
{
    tr_ws_message m;
    int rc = tr_room_join(h->room, ws);

    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        ;
    return rc;
}

static int be_slow(tr_ws *ws, tr_http_request *req, void *ctx)
{
    hall *h = ctx;

    (void)req;
    h->slow = ws;
    h->end = stay(h, ws);
    h->slow = NULL;
    return h->end;
}

static int be_quick(tr_ws *ws, tr_http_request *req, void *ctx)
{
    (void)req;
    return stay(ctx, ws);
}

static void begin(hall *h, tr_ws_slow slow, double close_within)
{
    const tr_ws_options options = {
        .slow = slow, .queue_most = QUEUE, .close_within = close_within, .ping_every = -1
    };
    /* One loop, the test's: it looks inside. */
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1 });

    *h = (hall){ .end = 1 };
    EXPECT(tr_room_new(&h->room) == 0);
    EXPECT(tr_http_websocket(server, "/slow", be_slow, h, &options) == 0);
    EXPECT(tr_http_websocket(server, "/quick", be_quick, h, &options) == 0);
    begin_service(&h->s, server);
}

static void end(hall *h, int met)
{
    end_service(&h->s);
    EXPECT(h->end == met && tr_room_size(h->room) == 0);
    tr_room_unref(h->room);
}

static tr_ws *enter(const hall *h, const char *path, bool is_uncompressed)
{
    char url[80];
    tr_ws *ws;

    (void)snprintf(url, sizeof(url), "ws://%s%s", h->s.address, path);
    EXPECT(tr_ws_connect(&ws, url, NULL,
                         &(tr_ws_options){ .is_uncompressed = is_uncompressed,
                                           .close_within = TR_FOREVER }) == 0);
    return ws;
}

/* Those that read get each message at once, whatever becomes of the one that does not. */
typedef struct crowd {
    tr_ws *quick[2];
    int sent;
} crowd;

static void open_crowd(crowd *c, const hall *h)
{
    *c = (crowd){ { enter(h, "/quick", true), enter(h, "/quick", false) }, 0 };
    while (tr_room_size(h->room) < 3)
        EXPECT(tr_sleep(0.001) == 0);
}

static void broadcast(crowd *c, const hall *h)
{
    static char data[PIECE];
    tr_ws_message m;

    memcpy(data, &c->sent, sizeof(c->sent));
    EXPECT(tr_room_send(h->room, TR_WS_BINARY, data, sizeof(data)) == 0);
    for (size_t i = 0; i < 2; i++) {
        EXPECT(tr_ws_receive(c->quick[i], &m) == 1 && m.bytes == PIECE);
        EXPECT(memcmp(m.data, &c->sent, sizeof(c->sent)) == 0);
    }
    EXPECT(tr_ws_waiting(h->slow) <= QUEUE + PIECE + HEADER);
    c->sent++;
}

static void close_crowd(const crowd *c)
{
    for (size_t i = 0; i < 2; i++)
        EXPECT(tr_ws_close(c->quick[i], 0, NULL) == 0);
}

/* The number of the next message, pings aside; below 0: it is none, but a goodbye with this code.
 * */
static int hear_number(tr_io *io)
{
    static char data[PIECE];
    unsigned char header[HEADER];
    int number;

    do
        EXPECT(tr_read_exact(io, header, 2) == 0);
    while (header[0] == (FIN | PING));
    EXPECT(tr_read_exact(io, header + 2, 2) == 0);
    if (header[0] == (FIN | CLOSE)) {
        EXPECT(header[1] == 2 || tr_read_exact(io, data, (size_t)header[1] - 2) == 0);
        return -(header[2] << 8 | header[3]);
    }
    EXPECT(header[0] == (FIN | BINARY) && header[1] == 126);
    EXPECT((header[2] << 8 | header[3]) == PIECE);
    EXPECT(tr_read_exact(io, data, sizeof(data)) == 0);
    memcpy(&number, data, sizeof(number));
    return number;
}

CASE(a_slow_client_misses_messages_where_they_are_dropped)
{
    enum { DROPPED = 5 };
    int number = -1;
    int heard = 0;
    crowd c;
    hall h;
    tr_io *io;

    begin(&h, TR_WS_SLOW_DROP, TR_FOREVER);
    io = raw_open(&h.s, "/slow", "");
    open_crowd(&c, &h);
    while (tr_ws_dropped(h.slow) < DROPPED)
        broadcast(&c, &h);
    while (heard < c.sent - DROPPED) {
        int next = hear_number(io);

        EXPECT(next > number && next < c.sent);
        number = next;
        heard++;
    }
    broadcast(&c, &h); /* there is room again */
    EXPECT(hear_number(io) == c.sent - 1 && tr_ws_dropped(h.slow) == DROPPED);
    raw_part(io);
    close_crowd(&c);
    end(&h, 0);
}

CASE(a_slow_client_is_told_so_and_closed)
{
    crowd c;
    hall h;
    tr_io *io;
    int next;
    int heard = 0;

    begin(&h, TR_WS_SLOW_CLOSE, TR_FOREVER);
    io = raw_open(&h.s, "/slow", "");
    open_crowd(&c, &h);
    while (h.end == 1)
        broadcast(&c, &h);
    EXPECT(h.end == TR_EFULL);
    while ((next = hear_number(io)) >= 0)
        EXPECT(next == heard++);
    EXPECT(next == -1008 && heard < c.sent);
    raw_put(io, FIN | CLOSE, "\x03\xf0", 2);
    expect_end(io);
    raw_close(io);
    broadcast(&c, &h);
    close_crowd(&c);
    end(&h, TR_EFULL);
}

CASE(a_slow_client_that_does_not_even_hear_that_it_is_closed_is_left)
{
    crowd c;
    hall h;
    tr_io *io;

    begin(&h, TR_WS_SLOW_CLOSE, 0.02);
    io = raw_open(&h.s, "/slow", "");
    open_crowd(&c, &h);
    while (tr_room_size(h.room) == 3)
        broadcast(&c, &h);
    broadcast(&c, &h);
    close_crowd(&c);
    end(&h, TR_EFULL);
    raw_close(io);
}

/* ---- handlers that send ---- */

enum { MESSAGES = CASES_SIMULATED ? 40 : 400 };

static int send_many(tr_ws *ws, tr_http_request *req, void *ctx)
{
    static char data[PIECE];
    hall *h = ctx;
    tr_ws_message m;

    (void)req;
    h->slow = ws;
    for (int i = 0; i < MESSAGES; i++) {
        memcpy(data, &i, sizeof(i));
        EXPECT(tr_ws_send(ws, TR_WS_BINARY, data, sizeof(data)) == 0);
        EXPECT(tr_ws_waiting(ws) <= QUEUE + PIECE + HEADER);
    }
    h->end = tr_ws_receive(ws, &m);
    return h->end;
}

/* The client takes a message after so many seconds each. */
static void send_to_slow(double each, double ping_every)
{
    const tr_ws_options options = { .queue_most = QUEUE,
                                    .close_within = TR_FOREVER,
                                    .ping_every = ping_every,
                                    .pong_within = ping_every };
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1 });
    hall h = { .end = 1 };
    tr_io *io;

    EXPECT(tr_http_websocket(server, "/many", send_many, &h, &options) == 0);
    begin_service(&h.s, server);
    io = raw_open(&h.s, "/many", "");
    while (h.slow == NULL || tr_ws_waiting(h.slow) < QUEUE / 2)
        EXPECT(tr_sleep(0.001) == 0);
    for (int i = 0; i < MESSAGES; i++) {
        EXPECT(hear_number(io) == i);
        EXPECT(tr_sleep(each) == 0);
    }
    raw_put(io, FIN | CLOSE, "\x03\xe8", 2);
    EXPECT(hear_number(io) == -1000);
    expect_end(io);
    raw_close(io);
    end_service(&h.s);
    EXPECT(h.end == 0);
}

CASE(whoever_sends_waits_for_a_slow_client)
{
    send_to_slow(0, -1);
}

/* It takes a minute until the ping that waits behind all that is heard. Only a simulation has it.
 * */
CASE(a_client_that_is_slow_to_read_lives_on)
{
    if (CASES_SIMULATED)
        send_to_slow(2, 15);
}

/* ---- handlers that do not receive ---- */

static int send_to_the_end(void *arg)
{
    static const char data[PIECE] = "";
    tr_io *io = arg;

    for (int i = 0; i < MESSAGES; i++) {
        unsigned char header[8];
        size_t bytes = raw_header(header, FIN | BINARY, PIECE, true);
        struct iovec parts[2] = { { header, bytes }, { (void *)(uintptr_t)data, PIECE } };
        int rc = tr_writev_all(io, parts, 2);

        if (rc < 0)
            return rc;
    }
    return 0;
}

/* It sends, and does not read what it is sent: then the handler does not receive, either, for it
 * waits to send. */
CASE(a_client_that_only_sends_is_dropped)
{
    tr_task *task;
    echoes e;
    tr_io *io;
    int rc;

    begin_echoes(&e,
                 &(tr_ws_options){ .ping_every = 0.05, .pong_within = 0.05, .queue_most = QUEUE });
    io = raw_open(&e.s, "/echo", "");
    EXPECT(tr_task_spawn(&task, send_to_the_end, io) == 0);
    while (e.end == 1)
        EXPECT(tr_sleep(0.01) == 0);
    rc = tr_task_wait(task, TR_FOREVER);
    EXPECT(rc == 0 || rc == TR_ECONNRESET || rc == TR_EPIPE);
    tr_task_unref(task);
    raw_close(io);
    end_echoes(&e, TR_EPIPE);
}

typedef struct deaf {
    echoes e;
    tr_event go;
} deaf;

static int listen_late(tr_ws *ws, tr_http_request *req, void *ctx)
{
    deaf *d = ctx;
    tr_ws_message m;
    int rc;

    (void)req;
    d->e.ws = ws;
    rc = tr_event_wait(&d->go);
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        ;
    d->e.end = rc;
    return rc;
}

/* Its pongs are not read, either: that is no fault of the client. */
CASE(a_client_is_not_dropped_where_the_handler_does_not_listen)
{
    static const char data[PIECE] = "";
    const double patience = CASES_SIMULATED ? 20 : 0.4;
    const tr_ws_options options = { .ping_every = patience,
                                    .pong_within = patience,
                                    .close_within = TR_FOREVER,
                                    .is_uncompressed = true };
    tr_http_server *server;
    char url[80];
    deaf d = { 0 };
    tr_ws *ws;

    server = new_echoes(&d.e, &options);
    EXPECT(tr_http_websocket(server, "/deaf", listen_late, &d, &options) == 0);
    begin_service(&d.e.s, server);
    (void)snprintf(url, sizeof(url), "ws://%s/deaf", d.e.s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL,
                         &(tr_ws_options){ .is_uncompressed = true,
                                           .close_within = TR_FOREVER,
                                           .ping_every = -1 }) == 0);
    for (int i = 0; i < 12; i++)
        EXPECT(tr_ws_send(ws, TR_WS_BINARY, data, sizeof(data)) == 0);
    while (d.e.ws == NULL || !tr__ws_is_paused(d.e.ws))
        EXPECT(tr_sleep(0.001) == 0);
    EXPECT(tr_sleep(4 * patience) == 0);
    EXPECT(tr_event_set(&d.go) == 0);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end_echoes(&d.e, 0);
}

CASES("websocket_slow", a_slow_client_misses_messages_where_they_are_dropped,
      a_slow_client_is_told_so_and_closed,
      a_slow_client_that_does_not_even_hear_that_it_is_closed_is_left,
      whoever_sends_waits_for_a_slow_client, a_client_that_is_slow_to_read_lives_on,
      a_client_that_only_sends_is_dropped,
      a_client_is_not_dropped_where_the_handler_does_not_listen)
