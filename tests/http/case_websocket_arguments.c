/* Arguments of WebSockets and rooms that are none, and places where they may not be used. */
#include "http/echoes.h"

static const tr_ws_options patient = { .close_within = TR_FOREVER, .ping_every = -1 };

static int leave(tr_ws *ws, tr_http_request *req, void *ctx)
{
    (void)ws;
    (void)req;
    (void)ctx;
    return 0;
}

CASE(routes_that_can_not_be_are_refused)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    EXPECT(tr_http_websocket(NULL, "/", leave, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_http_websocket(server, NULL, leave, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_http_websocket(server, "/", NULL, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_http_websocket(server, "no/slash", leave, NULL, NULL) == TR_EINVAL);
    EXPECT(tr__http_websocket(server, "/", leave, NULL, &patient, sizeof(patient) + 1) ==
           TR_EINVAL);
    EXPECT(tr__http_websocket(server, "/", leave, NULL, &patient, 1) == 0); /* an older program */
    EXPECT(tr_http_websocket(server, "/", leave, NULL, NULL) == TR_EALREADY);
    tr_http_server_free(server);
}

CASE(addresses_that_are_none_are_refused)
{
    static const char *const urls[] = {
        "",           "127.0.0.1:1",      "http://127.0.0.1:1/", "ws:/127.0.0.1:1/", "ws://",
        "ws:///path", "ws://:80/",        "ws://a:99999/",       "ws://a:port/",     "ws://a/#part",
        "ws://a b/",  "ws://a/\r\nX: y",  "ws://user@a/",        "ws://[::1/",       "WS",
        "ws://a/\t",  "wss://127.0.0.1:", "ws://?query",
    };
    char *endless = malloc(10000);
    tr_ws *ws = (tr_ws *)(uintptr_t)urls;

    EXPECT(tr_ws_connect(NULL, "ws://127.0.0.1:1/", NULL, NULL) == TR_EINVAL);
    EXPECT(tr_ws_connect(&ws, NULL, NULL, NULL) == TR_EINVAL && ws == NULL);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        int rc;

        ws = (tr_ws *)(uintptr_t)urls;
        rc = tr_ws_connect(&ws, urls[i], NULL, NULL);
        if (rc != TR_EINVAL)
            fprintf(stderr, "%s: %s\n", urls[i], tr_strerror(rc));
        EXPECT(rc == TR_EINVAL && ws == NULL);
    }
    EXPECT(endless != NULL);
    memset(endless, 'a', 9999);
    endless[9999] = 0;
    memcpy(endless, "ws://a/", 7);
    EXPECT(tr_ws_connect(&ws, endless, NULL, NULL) == TR_EINVAL);
    memcpy(endless, "ws://aa", 7);
    EXPECT(tr_ws_connect(&ws, endless, NULL, NULL) == TR_EINVAL);
    free(endless);
    EXPECT(tr__ws_connect(&ws, "ws://127.0.0.1:1/", NULL, &patient, sizeof(patient) + 1) ==
           TR_EINVAL);
    EXPECT(tr_ws_connect(&ws, "ws://127.0.0.1:1/", NULL,
                         &(tr_ws_options){ .protocols = "a\r\nX: y" }) == TR_EINVAL);
    EXPECT(tr_ws_connect(&ws, "ws://127.0.0.1:1/", NULL, NULL) == TR_ECONNREFUSED && ws == NULL);
}

static tr_ws *connect_to(const echoes *e)
{
    char url[80];
    tr_ws *ws;

    (void)snprintf(url, sizeof(url), "ws://%s/echo", e->s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL, &patient) == 0);
    return ws;
}

CASE(messages_that_can_not_be_are_refused)
{
    tr_ws_message m;
    echoes e;
    tr_ws *ws;

    begin_echoes(&e, &patient);
    ws = connect_to(&e);
    EXPECT(tr_ws_receive(NULL, &m) == TR_EINVAL);
    EXPECT(tr_ws_receive(ws, NULL) == TR_EINVAL);
    EXPECT(tr_ws_send(NULL, TR_WS_TEXT, "a", 1) == TR_EINVAL);
    EXPECT(tr_ws_send(ws, TR_WS_TEXT, NULL, 1) == TR_EINVAL);
    EXPECT(tr_ws_send(ws, (tr_ws_type)0, "a", 1) == TR_EINVAL);
    EXPECT(tr_ws_send(ws, (tr_ws_type)8, "a", 1) == TR_EINVAL);
    EXPECT(tr_ws_send(ws, TR_WS_TEXT, "\xff", 1) == TR_EINVAL);
    EXPECT(tr_ws_text(NULL, "a") == TR_EINVAL);
    EXPECT(tr_ws_text(ws, NULL) == TR_EINVAL);
    EXPECT(tr_ws_text(ws, "%s", "\xc3") == TR_EINVAL);
    EXPECT(tr_ws_send(ws, TR_WS_BINARY, "\xff", 1) == 0);
    EXPECT(tr_ws_send(ws, TR_WS_TEXT, NULL, 0) == 0);
    EXPECT(tr_ws_text(ws, "%d is a %s", 1, "number") == 0);
    EXPECT(tr_ws_receive(ws, &m) == 1 && m.type == TR_WS_BINARY && m.bytes == 1);
    EXPECT(tr_ws_receive(ws, &m) == 1 && m.type == TR_WS_TEXT && m.bytes == 0 && m.data[0] == 0);
    EXPECT(tr_ws_receive(ws, &m) == 1 && strcmp(m.data, "1 is a number") == 0);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end_echoes(&e, 0);
}

CASE(goodbyes_that_can_not_be_are_refused)
{
    static const int codes[] = { -1, 1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536 + 1000 };
    echoes e;
    tr_ws *ws;

    begin_echoes(&e, &patient);
    ws = connect_to(&e);
    EXPECT(tr_ws_close(NULL, 12345, "\xff") == 0);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        EXPECT(tr_ws_close(ws, codes[i], NULL) == TR_EINVAL);
    EXPECT(tr_ws_close(ws, 0, "\xff") == TR_EINVAL);
    EXPECT(tr_ws_close(ws, 4999,
                       "a reason that is far too long for a frame, which has 125 bytes; so it is "
                       "cut where a character ends: \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
                       "\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac") == 0);
    end_echoes(&e, 0);
}

CASE(sockets_that_are_none_have_nothing_to_tell)
{
    EXPECT(tr_ws_waiting(NULL) == 0 && tr_ws_dropped(NULL) == 0);
    EXPECT(tr_ws_close_code(NULL) == 0 && strcmp(tr_ws_protocol(NULL), "") == 0);
}

static int close_within(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    tr_room *room;

    (void)req;
    (void)ctx;
    EXPECT(tr_room_new(&room) == 0);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    EXPECT(tr_ws_send(ws, TR_WS_TEXT, "", 0) == TR_EPIPE);
    EXPECT(tr_ws_receive(ws, &m) == TR_EPIPE);
    EXPECT(tr_room_join(room, ws) == TR_EPIPE);
    EXPECT(tr_room_leave(room, ws) == TR_EALREADY);
    tr_room_unref(room);
    return 0;
}

CASE(a_handler_may_close_its_socket_more_than_once)
{
    tr_ws_message m;
    echoes e;
    tr_http_server *server = new_echoes(&e, &patient);
    char url[80];
    tr_ws *ws;

    EXPECT(tr_http_websocket(server, "/close", close_within, NULL, &patient) == 0);
    begin_service(&e.s, server);
    (void)snprintf(url, sizeof(url), "ws://%s/close", e.s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL, &patient) == 0);
    EXPECT(tr_ws_receive(ws, &m) == 0 && tr_ws_close_code(ws) == 1000);
    EXPECT(tr_ws_receive(ws, &m) == 0);
    EXPECT(tr_ws_text(ws, "too late") == TR_EPIPE);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end_service(&e.s);
}

/* ---- places ---- */

typedef struct use {
    tr_ws *ws;
    tr_room *room;
} use;

static void use_elsewhere(void *arg)
{
    const use *u = arg;
    tr_ws_message m;
    tr_ws *ws;

    EXPECT(tr_ws_connect(&ws, "ws://127.0.0.1:1/", NULL, NULL) == TR_EWRONGPLACE && ws == NULL);
    EXPECT(tr_ws_receive(u->ws, &m) == TR_EWRONGPLACE);
    EXPECT(tr_ws_send(u->ws, TR_WS_TEXT, "a", 1) == TR_EWRONGPLACE);
    EXPECT(tr_ws_text(u->ws, "a") == TR_EWRONGPLACE);
    EXPECT(tr_ws_close(u->ws, 0, NULL) == TR_EWRONGPLACE);
    EXPECT(tr_room_join(u->room, u->ws) == TR_EWRONGPLACE);
    EXPECT(tr_room_leave(u->room, u->ws) == TR_EWRONGPLACE);
}

static int use_in_job(void *arg)
{
    use_elsewhere(arg);
    return 0;
}

CASE(a_socket_is_used_on_its_loop)
{
    echoes e;
    use u;

    begin_echoes(&e, &patient);
    u.ws = connect_to(&e);
    EXPECT(tr_room_new(&u.room) == 0);
    in_place(OTHER_LOOP, use_elsewhere, &u);
    in_place(THREAD, use_elsewhere, &u);
    EXPECT(tr_to_thread(use_in_job, &u) == 0);
    EXPECT(tr_ws_close(u.ws, 0, NULL) == 0);
    tr_room_unref(u.room);
    end_echoes(&e, 0);
}

static int receive_first(void *ws)
{
    tr_ws_message m;

    return tr_ws_receive(ws, &m);
}

CASE(a_second_receiver_is_refused)
{
    tr_ws_message m;
    tr_task *task;
    echoes e;
    tr_ws *ws;

    begin_echoes(&e, &patient);
    ws = connect_to(&e);
    EXPECT(tr_task_spawn(&task, receive_first, ws) == 0);
    let_others_run();
    EXPECT(tr_ws_receive(ws, &m) == TR_EBUSY && m.data == NULL);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_EPIPE);
    tr_task_unref(task);
    end_echoes(&e, 0);
}

/* ---- rooms ---- */

CASE(rooms_and_messages_that_can_not_be_are_refused)
{
    tr_room *room;

    EXPECT(tr_room_new(NULL) == TR_EINVAL);
    EXPECT(tr_room_new(&room) == 0);
    EXPECT(tr_room_ref(NULL) == NULL);
    tr_room_unref(NULL);
    EXPECT(tr_room_size(NULL) == 0 && tr_room_size(room) == 0);
    EXPECT(tr_room_send(NULL, TR_WS_TEXT, "a", 1) == TR_EINVAL);
    EXPECT(tr_room_send(room, TR_WS_TEXT, NULL, 1) == TR_EINVAL);
    EXPECT(tr_room_send(room, (tr_ws_type)0, "a", 1) == TR_EINVAL);
    EXPECT(tr_room_send(room, (tr_ws_type)3, "a", 1) == TR_EINVAL);
    EXPECT(tr_room_send(room, TR_WS_TEXT, "\xff", 1) == TR_EINVAL);
    EXPECT(tr_room_text(NULL, "a") == TR_EINVAL);
    EXPECT(tr_room_text(room, NULL) == TR_EINVAL);
    EXPECT(tr_room_text(room, "%s", "\xff") == TR_EINVAL);
    tr_room_unref(room);
}

static int join(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_room *room = ctx;
    tr_ws_message m;

    (void)req;
    EXPECT(tr_room_join(NULL, ws) == TR_EINVAL && tr_room_join(room, NULL) == TR_EINVAL);
    EXPECT(tr_room_leave(NULL, ws) == TR_EINVAL && tr_room_leave(room, NULL) == TR_EINVAL);
    EXPECT(tr_room_leave(room, ws) == TR_EALREADY);
    EXPECT(tr_room_join(room, ws) == 0 && tr_room_join(room, ws) == TR_EALREADY);
    EXPECT(tr_room_size(room) == 1);
    EXPECT(tr_room_leave(room, ws) == 0 && tr_room_leave(room, ws) == TR_EALREADY);
    EXPECT(tr_room_size(room) == 0);
    return tr_ws_receive(ws, &m);
}

/* What a room sends is not masked, as a client's frames have to be. */
CASE(sockets_of_servers_join_a_room_once)
{
    tr_http_server *server;
    tr_room *room;
    char url[80];
    echoes e;
    tr_ws *ws;

    EXPECT(tr_room_new(&room) == 0);
    server = new_echoes(&e, &patient);
    EXPECT(tr_http_websocket(server, "/join", join, room, &patient) == 0);
    begin_service(&e.s, server);
    (void)snprintf(url, sizeof(url), "ws://%s/join", e.s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL, &patient) == 0);
    EXPECT(tr_room_join(room, ws) == TR_EINVAL);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end_service(&e.s);
    EXPECT(tr_room_size(room) == 0);
    tr_room_unref(room);
}

CASES("websocket_arguments", routes_that_can_not_be_are_refused,
      addresses_that_are_none_are_refused, messages_that_can_not_be_are_refused,
      goodbyes_that_can_not_be_are_refused, sockets_that_are_none_have_nothing_to_tell,
      a_handler_may_close_its_socket_more_than_once, a_socket_is_used_on_its_loop,
      a_second_receiver_is_refused, rooms_and_messages_that_can_not_be_are_refused,
      sockets_of_servers_join_a_room_once)
