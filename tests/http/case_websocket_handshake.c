/* Handshakes of WebSockets as the server takes or refuses them. */
#include "http/raw_socket.h"

static int leave(tr_ws *ws, tr_http_request *req, void *ctx)
{
    (void)ws;
    (void)req;
    (void)ctx;
    return 0;
}

static void begin(service *s)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    EXPECT(tr_http_websocket(server, "/own", leave, NULL, NULL) == 0);
    EXPECT(tr_http_websocket(
               server, "/some", leave, NULL,
               &(tr_ws_options){ .origins = "https://a.example http://b.example:81" }) == 0);
    EXPECT(tr_http_websocket(server, "/any", leave, NULL,
                             &(tr_ws_options){ .origins = "*",
                                               .protocols = "talk chat.v2",
                                               .is_uncompressed = true }) == 0);
    begin_service(s, server);
}

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

/* Ask; the status, and what was answered. */
static int ask(const service *s, const char *request, const char *lines, char answer[1024])
{
    char text[1024];
    tr_io *io = open_client(s);
    int status;

    (void)snprintf(text, sizeof(text), "%s\r\nHost: host.example\r\n%s\r\n", request, lines);
    say(io, text);
    status = hear(io, answer, 1024);
    if (status == 101) {
        raw_expect_goodbye(io, 1000);
        raw_put(io, FIN | CLOSE, "\x03\xe8", 2);
        expect_end(io);
    }
    raw_close(io);
    return status;
}

static void expect_status(const service *s, const char *request, const char *lines, int wanted)
{
    char answer[1024];
    int status = ask(s, request, lines, answer);

    if (status != wanted)
        fprintf(stderr, "%d, not %d: %s %s\n", status, wanted, request, lines);
    EXPECT(status == wanted);
}

CASE(what_is_no_handshake_is_refused)
{
    static const struct {
        const char *lines;
        int status;
    } wrong[] = {
        { VERSION KEY, 426 },
        { "Upgrade: websocket\r\n" VERSION KEY, 426 },
        { "Connection: Upgrade\r\n" VERSION KEY, 426 },
        { "Upgrade: websocket\r\nConnection: keep-alive\r\n" VERSION KEY, 426 },
        { UPGRADE KEY, 426 },
        { UPGRADE KEY "Sec-WebSocket-Version: 8\r\n", 426 },
        { UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n", 426 },
        { UPGRADE VERSION, 400 },
        { UPGRADE VERSION "Sec-WebSocket-Key: \r\n", 400 },
        { UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", 400 },
        { UPGRADE VERSION "Sec-WebSocket-Key: ************************\r\n", 400 },
        { UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==AAAA\r\n", 400 },
        { UPGRADE VERSION KEY "Origin: null\r\n", 403 },
    };
    service s;

    begin(&s);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_status(&s, "GET /own HTTP/1.1", wrong[i].lines, wrong[i].status);
    expect_status(&s, "GET /own HTTP/1.0", UPGRADE VERSION KEY, 426);
    expect_status(&s, "POST /own HTTP/1.1", UPGRADE VERSION KEY "Content-Length: 0\r\n", 405);
    expect_status(&s, "GET /nowhere HTTP/1.1", UPGRADE VERSION KEY, 404);
    end_service(&s);
}

CASE(an_origin_is_welcome_or_not)
{
    static const struct {
        const char *path, *origin;
        int status;
    } origins[] = {
        { "/own", "http://host.example", 101 },    { "/own", "https://HOST.example", 101 },
        { "/own", "http://host.example:81", 403 }, { "/own", "http://host.example.org", 403 },
        { "/own", "host.example", 403 },           { "/some", "https://a.example", 101 },
        { "/some", "http://b.example:81", 101 },   { "/some", "http://a.example", 403 },
        { "/some", "https://a.example.org", 403 }, { "/some", "http://host.example", 403 },
        { "/any", "http://anybody.example", 101 }, { "/any", "null", 101 },
    };
    service s;

    begin(&s);
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        char request[64];
        char lines[256];

        (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1", origins[i].path);
        (void)snprintf(lines, sizeof(lines), UPGRADE VERSION KEY "Origin: %s\r\n",
                       origins[i].origin);
        expect_status(&s, request, lines, origins[i].status);
    }
    expect_status(&s, "GET /some HTTP/1.1", UPGRADE VERSION KEY, 101);
    end_service(&s);
}

/* What the answer says, or does not say, to these lines. */
static void expect_line(const service *s, const char *path, const char *lines, const char *line,
                        bool is_said)
{
    char request[64];
    char all[512];
    char answer[1024];

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1", path);
    (void)snprintf(all, sizeof(all), UPGRADE VERSION KEY "%s", lines);
    EXPECT(ask(s, request, all, answer) == 101);
    EXPECT((strstr(answer, line) != NULL) == is_said);
}

CASE(the_first_protocol_that_is_spoken_is_chosen)
{
    static const char header[] = "Sec-WebSocket-Protocol:";
    service s;

    begin(&s);
    expect_line(&s, "/any", "", header, false);
    expect_line(&s, "/any", "Sec-WebSocket-Protocol: mute\r\n", header, false);
    expect_line(&s, "/own", "Sec-WebSocket-Protocol: talk\r\n", header, false);
    expect_line(&s, "/any", "Sec-WebSocket-Protocol: mute, chat.v2, talk\r\n",
                "Sec-WebSocket-Protocol: chat.v2\r\n", true);
    end_service(&s);
}

CASE(compression_is_agreed_on_where_both_can)
{
    static const char offer[] =
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    static const char header[] = "Sec-WebSocket-Extensions:";
    service s;

    begin(&s);
    expect_line(&s, "/own", "", header, false);
    expect_line(&s, "/own", "Sec-WebSocket-Extensions: x-other\r\n", header, false);
    expect_line(&s, "/any", offer, header, false);
    expect_line(&s, "/own", offer,
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                "client_no_context_takeover\r\n",
                true);
    end_service(&s);
}

CASES("websocket_handshake", what_is_no_handshake_is_refused, an_origin_is_welcome_or_not,
      the_first_protocol_that_is_spoken_is_chosen, compression_is_agreed_on_where_both_can)
