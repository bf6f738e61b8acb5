/* Sweeps over WebSockets, of both sides, and rooms: see sweep.h. */
#include "http/sweep.h"

enum { LARGE = 70000, PATIENCE_S = 5 };

/* ---- the server ---- */

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

static tr_room *room;

static int chat(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc = tr_room_join(room, ws);

    (void)req;
    (void)ctx;
    if (rc == 0)
        rc = tr_ws_text(ws, "welcome");
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        rc = tr_room_send(room, m.type, m.data, m.bytes);
    return rc;
}

static int build(tr_http_server *server)
{
    static const tr_ws_options options = { .protocols = "talk chat", .origins = "*" };
    int rc = tr_room_new(&room);

    if (rc == 0)
        rc = tr_http_websocket(server, "/echo", echo, NULL, &options);
    return rc == 0 ? tr_http_websocket(server, "/chat", chat, NULL, NULL) : rc;
}

static void end(void)
{
    MUST(tr_room_size(room) == 0);
    tr_room_unref(room);
    room = NULL;
}

/* ---- a client of the library's ---- */

static int open_socket(const client *c, const char *path, const tr_ws_options *options, tr_ws **ws)
{
    char url[128];
    int rc;

    (void)snprintf(url, sizeof(url), "ws://%s%s", c->address, path);
    rc = tr_ws_connect(ws, url, NULL, options);
    MUST((rc == 0) == (*ws != NULL));
    return rc;
}

/* What comes must be that, and it must come soon. */
static int expect(tr_ws *ws, tr_ws_type type, const char *data, size_t bytes)
{
    tr_ws_message m;
    int rc = 0;

    TR_DEADLINE(PATIENCE_S, &rc) {
        rc = tr_ws_receive(ws, &m);
    }
    if (rc <= 0)
        return rc == 0 ? TR_EEND : rc;
    MUST(m.type == type && m.bytes == bytes && memcmp(m.data, data, bytes) == 0);
    return 0;
}

static int expect_echo(tr_ws *ws, tr_ws_type type, const char *data, size_t bytes)
{
    int rc = tr_ws_send(ws, type, data, bytes);

    return rc == 0 ? expect(ws, type, data, bytes) : rc;
}

static int talk_by(const client *c, const tr_ws_options *options)
{
    static const size_t sizes[] = { 0, 5, 127, 1000, LARGE };
    static char data[LARGE];
    tr_ws *ws;
    int rc = open_socket(c, "/echo", options, &ws);

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)('a' + i % 26 + i / 1000 % 3);
    for (size_t i = 0; rc == 0 && i < sizeof(sizes) / sizeof(sizes[0]); i++)
        rc = expect_echo(ws, i % 2 == 0 ? TR_WS_TEXT : TR_WS_BINARY, data, sizes[i]);
    if (rc == 0 && options->protocols != NULL)
        MUST(strcmp(tr_ws_protocol(ws), "chat") == 0);
    (void)tr_ws_close(ws, 0, "done"); /* as it may have failed */
    return rc;
}

static void talk_whatever_fails(client *c, const tr_ws_options *options)
{
    int rc = talk_by(c, options);

    MUST(rc == 0 || has_struck());
    if (rc < 0)
        rc = talk_by(c, options);
    MUST(rc == 0);
}

static void talk_plainly(client *c)
{
    talk_whatever_fails(c, &(tr_ws_options){ .is_uncompressed = true });
}

static void talk_deflated(client *c)
{
    talk_whatever_fails(c, &(tr_ws_options){ .protocols = "chat" });
}

SWEEP(each_message_comes_whole_or_the_socket_ends,
      { .build = build, .talk = talk_plainly, .end = end })
SWEEP(each_deflated_message_comes_whole_or_the_socket_ends,
      { .build = build, .talk = talk_deflated, .end = end })

/* ---- one that speaks by hand: fragments, pings, a goodbye ---- */

static int hear_frame(tr_io *io, int first, const char *text)
{
    char data[128];
    size_t bytes = strlen(text);
    int rc = tr_read_exact(io, data, bytes + 2);

    if (rc < 0 || (data[0] & 0x7f) == 8)
        return rc < 0 ? rc : TR_EEND; /* goodbye, of a server that has failed */
    MUST((unsigned char)data[0] == first && data[1] == (char)bytes);
    MUST(memcmp(data + 2, text, bytes) == 0);
    return 0;
}

static int talk_by_hand(client *c)
{
    static const char hello[] = "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    /* Masks are of zeros. */
    static const char frames[] = "\x01\x83\0\0\0\0one"
                                 "\x89\x82\0\0\0\0hi"
                                 "\x80\x83\0\0\0\0two";
    static const char goodbye[] = "\x88\x82\0\0\0\0\x03\xe8";
    int rc = try_to_ask(c, hello, sizeof(hello) - 1);

    if (rc == 0 && c->status != 101)
        rc = TR_EEND;
    MUST(rc == 0 || (has_struck() && is_failure(c)) || c->status == 101);
    if (rc == 0)
        rc = tr_write_all(c->io, frames, sizeof(frames) - 1);
    if (rc == 0)
        rc = hear_frame(c->io, 0x8a, "hi");
    if (rc == 0)
        rc = hear_frame(c->io, 0x81, "onetwo");
    if (rc == 0)
        rc = tr_write_all(c->io, goodbye, sizeof(goodbye) - 1);
    if (rc == 0)
        rc = tr_read_exact(c->io, c->body, 4);
    if (rc == 0)
        MUST(memcmp(c->body, "\x88\x02\x03\xe8", 4) == 0);
    hang_up(c);
    return rc;
}

static void talk_in_fragments(client *c)
{
    int rc = talk_by_hand(c);

    MUST(rc == 0 || has_struck());
    MUST(rc == 0 || talk_by_hand(c) == 0);
}

SWEEP(what_comes_in_fragments_is_whole_or_the_socket_ends,
      { .build = build, .talk = talk_in_fragments, .end = end })

/* ---- rooms ---- */

enum { MEMBERS = 3, MESSAGES = 3 };

/* If one gets it, all do that are not closed: a gap would not be seen. */
static int expect_of_all(tr_ws *const *members, const char *text)
{
    int had = 0, waited = 0, ended = 0;

    for (int i = 0; i < MEMBERS; i++) {
        int rc = expect(members[i], TR_WS_TEXT, text, strlen(text));

        had += rc == 0;
        waited += rc == TR_ETIMEDOUT;
        ended += rc < 0 && rc != TR_ETIMEDOUT;
    }
    MUST(had == 0 ? ended > 0 : waited == 0);
    return had == MEMBERS ? 0 : ended > 0 ? TR_EEND : TR_ETIMEDOUT;
}

static int talk_in_room(const client *c)
{
    static char text[300];
    tr_ws *members[MEMBERS] = { NULL };
    int rc = 0;

    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; rc == 0 && i < MEMBERS; i++) {
        rc = open_socket(c, "/chat", &(tr_ws_options){ .is_uncompressed = i == 0 }, &members[i]);
        if (rc == 0)
            rc = expect(members[i], TR_WS_TEXT, "welcome", 7);
    }
    for (int i = 0; rc == 0 && i < MESSAGES; i++) {
        text[0] = (char)('0' + i);
        rc = tr_ws_send(members[i % MEMBERS], TR_WS_TEXT, text, sizeof(text) - 1);
        if (rc == 0)
            rc = expect_of_all(members, text);
    }
    for (int i = 0; i < MEMBERS; i++)
        (void)tr_ws_close(members[i], 0, NULL); /* as it may have failed */
    return rc;
}

static void talk_of_rooms(client *c)
{
    int rc = talk_in_room(c);

    MUST(rc == 0 || has_struck());
    MUST(rc == 0 || talk_in_room(c) == 0);
}

SWEEP(each_member_of_a_room_gets_all_messages_or_is_closed,
      { .build = build, .talk = talk_of_rooms, .end = end, .loops = 2 })

SUITE_MAIN("http/sweep_websocket", each_message_comes_whole_or_the_socket_ends,
           each_deflated_message_comes_whole_or_the_socket_ends,
           what_comes_in_fragments_is_whole_or_the_socket_ends,
           each_member_of_a_room_gets_all_messages_or_is_closed)
