/* Another protocol on the connection: the client asks, the server agrees, and both have the stream
 * then (tr_http_call.upgrade, tr_http_reply_take_io, tr_http_upgrade). */
#include "client/scripted.h"
#include "http/service.h"

/* Says what it hears, until the other side has said all; then that it has. */
static int speak(tr_io *io)
{
    char piece[100];
    ssize_t bytes;
    int rc = tr_write_all(io, "welcome\n", 8);

    while (rc == 0 && (bytes = tr_read(io, piece, sizeof(piece))) != 0)
        rc = bytes < 0 ? (int)bytes : tr_write_all(io, piece, (size_t)bytes);
    return rc < 0 ? rc : tr_write_all(io, "goodbye\n", 8);
}

typedef struct speech {
    int result;
    int ended;
    tr_event has_begun;
} speech;

static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    speech *s = ctx;
    tr_io *io tr_cleanup_io = NULL;
    int rc = tr_http_set_header(res, "X-Mine", tr_http_header(req, "X-Yours"));

    if (rc == 0)
        rc = tr_http_upgrade(&io, res, "echo/2");
    if (rc == 0) {
        EXPECT(tr_event_set(&s->has_begun) == 0);
        rc = s->result = speak(io);
        s->ended++;
    }
    return rc;
}

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

static void begin(service *s, speech *spoken)
{
    const tr_http_route_options streams = { .streams_body = true };
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1, .drain = 0.1 });

    EXPECT(tr_http_route(server, "GET", "/echo", echo, spoken) == 0);
    EXPECT(tr_http_route_with(server, "GET", "/streamed", echo, spoken, &streams) == 0);
    EXPECT(tr_http_route(server, "GET", "/hello", hello, NULL) == 0);
    begin_service(s, server);
}

static tr_http_client *new_client(const service *s)
{
    tr_http_client *client;
    char base[128];

    (void)snprintf(base, sizeof(base), "http://%s", s->address);
    EXPECT(tr_http_client_new(&client, &(tr_http_client_config){ .base = base }) == 0);
    return client;
}

static int ask(tr_http_reply **reply, tr_http_client *client, const char *url)
{
    static const char *const headers[] = { "X-Yours: 17", NULL };

    return tr_http_fetch(reply, client,
                         &(tr_http_call){ .url = url, .upgrade = "echo/2", .headers = headers });
}

static void expect_text(tr_io *io, const char *text)
{
    char heard[64];

    EXPECT(tr_read_exact(io, heard, strlen(text)) == 0);
    EXPECT(memcmp(heard, text, strlen(text)) == 0);
}

static void talk(tr_http_client *client, const char *url)
{
    tr_http_reply *reply;
    tr_io *io, *again = (tr_io *)&io;
    char byte;

    EXPECT(ask(&reply, client, url) == 0);
    EXPECT(tr_http_reply_status(reply) == 101);
    EXPECT(strcmp(tr_http_reply_header(reply, "X-Mine"), "17") == 0);
    EXPECT(strcmp(tr_http_reply_header(reply, "Upgrade"), "echo/2") == 0);
    EXPECT(tr_http_reply_read(reply, &byte, 1) == TR_EWRONGPLACE);
    EXPECT(tr_http_reply_take_io(&io, reply) == 0);
    EXPECT(tr_http_reply_take_io(&again, reply) == TR_EWRONGPLACE && again == NULL);
    tr_http_reply_free(reply); /* the stream stays */
    expect_text(io, "welcome\n");
    EXPECT(tr_write_all(io, "some", 4) == 0);
    expect_text(io, "some");
    EXPECT(tr_close_write(io) == 0);
    expect_text(io, "goodbye\n");
    EXPECT(tr_read(io, &byte, 1) == 0);
    EXPECT(tr_close(io) == 0);
}

CASE(both_sides_speak_as_they_like)
{
    tr_http_client_stats stats;
    speech spoken = { .result = 1 };
    tr_http_client *client;
    tr_http_reply *reply;
    service s;

    begin(&s, &spoken);
    client = new_client(&s);
    talk(client, "/echo");
    talk(client, "/streamed");
    EXPECT(spoken.result == 0);
    EXPECT(ask(&reply, client, "/hello") == 0); /* which does not agree */
    EXPECT(tr_http_reply_status(reply) == 200);
    EXPECT(strcmp(tr_http_reply_text(reply), "hello") == 0);
    tr_http_reply_free(reply);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.connections == 3 && stats.open == 1 && stats.idle == 1);
    EXPECT(ask(&reply, client, "/echo") == 0 && tr_http_reply_status(reply) == 101);
    tr_http_reply_free(reply); /* it is not taken: its server hears the end */
    tr_http_client_unref(client);
    end_service(&s);
    EXPECT(spoken.ended == 3);
}

/* It is told as other handlers are: when `drain` is over, and it still runs. */
CASE(a_server_that_stops_cancels_who_still_speaks)
{
    speech spoken = { .result = 1 };
    tr_http_client *client;
    tr_http_reply *reply;
    tr_io *io;
    char byte;
    service s;

    begin(&s, &spoken);
    client = new_client(&s);
    EXPECT(ask(&reply, client, "/echo") == 0);
    EXPECT(tr_http_reply_take_io(&io, reply) == 0);
    tr_http_reply_free(reply);
    EXPECT(tr_event_wait(&spoken.has_begun) == 0);
    end_service(&s);
    EXPECT(spoken.result == TR_ECANCELED);
    expect_text(io, "welcome\n");
    EXPECT(tr_read(io, &byte, 1) <= 0);
    EXPECT(tr_close(io) == 0);
    tr_http_client_unref(client);
}

/* Together with the request, and with the answer. */
CASE(what_was_said_early_is_heard)
{
    static const char *const answers[] = {
        "HTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: ECHO/2\r\nConnection: Upgrade\r\n\r\nearly",
        NULL
    };
    speech spoken = { .result = 1 };
    scripted script;
    tr_http_reply *reply;
    char text[512];
    service s;
    tr_io *io;

    scripted_begin(&script, answers);
    EXPECT(ask(&reply, NULL, script.url) == 0);
    EXPECT(tr_http_reply_take_io(&io, reply) == 0);
    tr_http_reply_free(reply);
    expect_text(io, "early");
    EXPECT(tr_close(io) == 0);
    scripted_end(&script);

    begin(&s, &spoken);
    io = open_client(&s);
    say(io, "GET /echo HTTP/1.1\r\nHost: a\r\nX-Yours: 1\r\nConnection: keep-alive, Upgrade\r\n"
            "Upgrade: other, echo/2\r\n\r\nearly");
    EXPECT(hear(io, text, sizeof(text)) == 101);
    expect_text(io, "welcome\nearly");
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASE(what_nobody_has_asked_for_is_refused)
{
    static const char *const answers[] = {
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/2\r\n\r\n\1",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n\1",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n\1", NULL
    };
    scripted script;
    tr_http_reply *reply;

    scripted_begin(&script, answers);
    EXPECT(tr_http_get(&reply, script.url) == TR_ESYNTAX && reply == NULL);
    EXPECT(ask(&reply, NULL, script.url) == TR_ESYNTAX && reply == NULL);
    EXPECT(ask(&reply, NULL, script.url) == TR_ESYNTAX && reply == NULL);
    scripted_end(&script);
}

/* ---- bad arguments ---- */

CASE(a_call_asks_for_a_protocol_without_a_body)
{
    const tr_http_call bad[] = {
        { .url = "http://a/", .upgrade = "" },
        { .url = "http://a/", .upgrade = "a b" },
        { .url = "http://a/", .upgrade = "a/" },
        { .url = "http://a/", .upgrade = "a\r\nb: c" },
        { .url = "http://a/", .upgrade = "a", .body = "b", .body_bytes = 1 },
        { .url = "http://a/", .upgrade = "a", .method = "HEAD" },
    };
    tr_http_reply *reply;
    tr_io *io = (tr_io *)&io;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT(tr_http_fetch(&reply, NULL, &bad[i]) == TR_EINVAL && reply == NULL);
    EXPECT(tr_http_reply_take_io(NULL, NULL) == TR_EINVAL);
    EXPECT(tr_http_reply_take_io(&io, NULL) == TR_EINVAL && io == NULL);
}

/* What is wrong leaves the answer as it was. */
static int be_wrong(tr_http_request *req, tr_http_response *res, void *ctx)
{
    tr_io *io = (tr_io *)&io;

    (void)ctx;
    EXPECT(tr_http_upgrade(NULL, res, "echo/2") == TR_EINVAL);
    EXPECT(tr_http_upgrade(&io, NULL, "echo/2") == TR_EINVAL && io == NULL);
    EXPECT(tr_http_upgrade(&io, res, NULL) == TR_EINVAL);
    EXPECT(tr_http_upgrade(&io, res, "") == TR_EINVAL);
    EXPECT(tr_http_upgrade(&io, res, "a b") == TR_EINVAL);
    EXPECT(tr_http_upgrade(&io, res, "a/") == TR_EINVAL);
    EXPECT(tr_http_upgrade(&io, res, "other") == TR_EPROTO && io == NULL);
    if (tr_http_header(req, "Upgrade") == NULL)
        EXPECT(tr_http_upgrade(&io, res, "echo/2") == TR_EPROTO);
    EXPECT(tr_http_text(res, 200, "hello") == 0);
    EXPECT(tr_http_upgrade(&io, res, "echo/2") == TR_EALREADY && io == NULL);
    return 0;
}

/* Who has taken the stream can't answer any more. */
static int be_late(tr_http_request *req, tr_http_response *res, void *ctx)
{
    tr_io *io tr_cleanup_io = NULL, *again = (tr_io *)&io;

    (void)req;
    (void)ctx;
    EXPECT(tr_http_upgrade(&io, res, "echo/2") == 0);
    EXPECT(tr_http_upgrade(&again, res, "echo/2") == TR_EALREADY && again == NULL);
    EXPECT(tr_http_text(res, 200, "hello") == TR_EALREADY);
    EXPECT(tr_http_set_header(res, "A", "b") == TR_EALREADY);
    EXPECT(tr_http_write(res, "hello", 5) == TR_EPIPE);
    EXPECT(tr_http_flush(res) == TR_EPIPE);
    EXPECT(tr_write_all(io, "only this", 9) == 0);
    return TR_EIO; /* is logged, and not answered */
}

CASE(a_handler_takes_what_was_asked_for_once)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    tr_http_client *client;
    tr_http_reply *reply;
    tr_io *io;
    char byte;
    service s;

    EXPECT(tr_http_route(server, "GET", "/wrong", be_wrong, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/late", be_late, NULL) == 0);
    begin_service(&s, server);
    client = new_client(&s);
    EXPECT(ask(&reply, client, "/wrong") == 0 && tr_http_reply_status(reply) == 200);
    EXPECT(tr_http_reply_take_io(&io, reply) == TR_EWRONGPLACE && io == NULL);
    tr_http_reply_free(reply);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/wrong" }) == 0);
    EXPECT(strcmp(tr_http_reply_text(reply), "hello") == 0);
    tr_http_reply_free(reply);
    EXPECT(ask(&reply, client, "/late") == 0 && tr_http_reply_take_io(&io, reply) == 0);
    tr_http_reply_free(reply);
    expect_text(io, "only this");
    EXPECT(tr_read(io, &byte, 1) == 0);
    EXPECT(tr_close(io) == 0);
    tr_http_client_unref(client);
    end_service(&s);
}

CASES("upgrades", both_sides_speak_as_they_like, a_server_that_stops_cancels_who_still_speaks,
      what_was_said_early_is_heard, what_nobody_has_asked_for_is_refused,
      a_call_asks_for_a_protocol_without_a_body, a_handler_takes_what_was_asked_for_once)
