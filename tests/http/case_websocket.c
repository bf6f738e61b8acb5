/* WebSockets: a server and its clients; rooms. */
#include <stdlib.h>
#include <string.h>

#include "http/service.h"

static int echo(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc;

    (void)req;
    (void)ctx;
    while ((rc = tr_ws_receive(ws, &m)) > 0)
        if ((rc = tr_ws_send(ws, m.type, m.data, m.bytes)) < 0)
            break;
    return rc;
}

static int chat(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc = tr_room_join(ctx, ws);

    (void)req;
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        rc = tr_room_send(ctx, m.type, m.data, m.bytes);
    return rc;
}

static int refuse(tr_ws *ws, tr_http_request *req, void *ctx)
{
    (void)ws;
    (void)req;
    (void)ctx;
    return TR_EBUSY;
}

typedef struct hall {
    service s;
    tr_room *room;
} hall;

static void begin(hall *h)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    EXPECT(tr_room_new(&h->room) == 0);
    EXPECT(tr_http_websocket(server, "/echo", echo, NULL,
                             &(tr_ws_options){ .protocols = "talk chat" }) == 0);
    EXPECT(tr_http_websocket(server, "/chat", chat, h->room, NULL) == 0);
    EXPECT(tr_http_websocket(server, "/refuse", refuse, NULL, NULL) == 0);
    begin_service(&h->s, server);
}

static void end(hall *h)
{
    end_service(&h->s);
    EXPECT(tr_room_size(h->room) == 0);
    tr_room_unref(h->room);
}

static tr_ws *open_socket(const hall *h, const char *path, const tr_ws_options *options)
{
    char url[128];
    tr_ws *ws;

    (void)snprintf(url, sizeof(url), "ws://%s%s", h->s.address, path);
    EXPECT(tr_ws_connect(&ws, url, NULL, options) == 0);
    return ws;
}

static void expect_echo(tr_ws *ws, tr_ws_type type, size_t bytes)
{
    char *data = malloc(bytes + 1);
    tr_ws_message m;

    EXPECT(data != NULL);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (char)('a' + i % 26);
    EXPECT(tr_ws_send(ws, type, data, bytes) == 0);
    EXPECT(tr_ws_receive(ws, &m) == 1 && m.type == type && m.bytes == bytes);
    EXPECT(bytes == 0 || memcmp(m.data, data, bytes) == 0);
    free(data);
}

static void echo_all(const tr_ws_options *options)
{
    static const size_t sizes[] = { 0, 1, 125, 126, 127, 128, 65535, 65536, 100000 };
    hall h;
    tr_ws *ws;

    begin(&h);
    ws = open_socket(&h, "/echo", options);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        expect_echo(ws, i % 2 == 0 ? TR_WS_TEXT : TR_WS_BINARY, sizes[i]);
    EXPECT(strcmp(tr_ws_protocol(ws), "chat") == 0);
    EXPECT(tr_ws_close(ws, 0, "done") == 0);
    end(&h);
}

CASE(messages_of_each_size_come_back)
{
    echo_all(&(tr_ws_options){ .protocols = "chat", .is_uncompressed = true });
}

CASE(compressed_messages_of_each_size_come_back)
{
    echo_all(&(tr_ws_options){ .protocols = "chat" });
}

CASE(each_member_of_a_room_gets_each_message_in_order)
{
    enum { MEMBERS = 4, MESSAGES = 5 };
    tr_ws *members[MEMBERS];
    tr_ws_message m;
    hall h;

    begin(&h);
    for (int i = 0; i < MEMBERS; i++)
        members[i] = open_socket(&h, "/chat", NULL);
    while (tr_room_size(h.room) < MEMBERS)
        EXPECT(tr_sleep(0.001) == 0);
    for (int i = 0; i < MESSAGES; i++)
        EXPECT(tr_ws_text(members[0], "message %d", i) == 0);
    for (int i = 0; i < MEMBERS; i++)
        for (int n = 0; n < MESSAGES; n++) {
            char wanted[32];

            (void)snprintf(wanted, sizeof(wanted), "message %d", n);
            EXPECT(tr_ws_receive(members[i], &m) == 1 && strcmp(m.data, wanted) == 0);
        }
    for (int i = 0; i < MEMBERS; i++)
        EXPECT(tr_ws_close(members[i], 0, NULL) == 0);
    end(&h);
}

CASE(a_handler_that_fails_closes_with_1011)
{
    tr_ws_message m;
    hall h;
    tr_ws *ws;

    begin(&h);
    ws = open_socket(&h, "/refuse", NULL);
    EXPECT(tr_ws_receive(ws, &m) == 0);
    EXPECT(tr_ws_close_code(ws) == 1011);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end(&h);
}

CASE(sockets_are_told_when_the_server_stops)
{
    tr_ws_message m;
    hall h;
    tr_ws *ws;

    begin(&h);
    ws = open_socket(&h, "/echo", NULL);
    expect_echo(ws, TR_WS_TEXT, 10);
    tr_http_stop(h.s.server);
    EXPECT(tr_ws_receive(ws, &m) == 0);
    EXPECT(tr_ws_close_code(ws) == 1001);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    EXPECT(tr_task_wait(h.s.task, TR_FOREVER) == 0);
    tr_task_unref(h.s.task);
    tr_room_unref(h.room);
}

CASE(what_is_no_handshake_is_refused)
{
    char text[1024];
    hall h;
    tr_io *io;
    tr_ws *ws;
    char url[128];

    begin(&h);
    io = open_client(&h.s);
    say(io, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 426 &&
           strstr(text, "Sec-WebSocket-Version: 13") != NULL);
    say(io, "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 400);
    say(io, "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Origin: http://elsewhere.example\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 403);
    EXPECT(tr_close(io) == 0);
    (void)snprintf(url, sizeof(url), "ws://%s/nowhere", h.s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL, NULL) == TR_EPROTO && ws == NULL);
    end(&h);
}

CASES("websocket", messages_of_each_size_come_back, compressed_messages_of_each_size_come_back,
      each_member_of_a_room_gets_each_message_in_order, a_handler_that_fails_closes_with_1011,
      sockets_are_told_when_the_server_stops, what_is_no_handshake_is_refused)
