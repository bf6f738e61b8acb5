/* Clients of WebSockets: servers that refuse the handshake, or shake hands wrongly; clients that
 * are cancelled; arguments that are none. */
#include "http/echoes.h"

static const tr_ws_options patient = { .close_within = TR_FOREVER, .ping_every = -1 };

/* ---- handshakes ---- */

#define SWITCHES "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADES "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPTS  "Sec-WebSocket-Accept: %s\r\n"

/* %s is the right proof. */
static void answer(tr_io *io, void *format)
{
    char accept[TR__ACCEPT_BYTES + 1];
    char text[1024];
    const char *from = format;
    const char *proof = strstr(from, "%s");

    raw_hear_request(io, accept);
    if (proof != NULL)
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(proof - from), from, accept,
                       proof + 2);
    say(io, proof != NULL ? text : from);
}

static void expect_refusal(const char *format, const tr_ws_options *options, int wanted)
{
    raw_server server;
    tr_ws *ws;
    int rc;

    raw_server_begin(&server, answer, (void *)(uintptr_t)format);
    rc = tr_ws_connect(&ws, server.url, NULL, options);
    if (rc != wanted)
        fprintf(stderr, "%s, after: %s\n", tr_strerror(rc), format);
    EXPECT(rc == wanted && ((ws == NULL) == (wanted != 0)));
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    raw_server_end(&server);
}

CASE(answers_that_agree_to_nothing_are_refusals)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\n" UPGRADES ACCEPTS "\r\n",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n",
        "HTTP/1.1 426 Upgrade Required\r\n\r\n",
        SWITCHES ACCEPTS "\r\n",
        SWITCHES UPGRADES "\r\n",
        SWITCHES UPGRADES "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        SWITCHES UPGRADES "Sec-WebSocket-Accept: \r\n\r\n",
        SWITCHES UPGRADES "Sec-WebSocket-Accept: %s=\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Accept: more\r\n\r\n",
        SWITCHES "Upgrade: websocket\r\n" ACCEPTS "\r\n",
        SWITCHES "Connection: Upgrade\r\n" ACCEPTS "\r\n",
        SWITCHES "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPTS "\r\n",
        SWITCHES "Upgrade: websocket\r\nConnection: close\r\n" ACCEPTS "\r\n",
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        expect_refusal(answers[i], &patient, TR_EPROTO);
}

CASE(answers_that_are_no_http_are_refusals)
{
    static const char *const answers[] = {
        "\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.0 101 Switching Protocols\r\n" UPGRADES ACCEPTS "\r\n",
        "HTTP/2 101\r\n" UPGRADES ACCEPTS "\r\n",
        "HTTP/1.1 1012 Restart\r\n" UPGRADES ACCEPTS "\r\n",
        "HTTP/1.1 10\r\n" UPGRADES ACCEPTS "\r\n",
        "HTTP/1.1  101\r\n" UPGRADES ACCEPTS "\r\n",
        SWITCHES UPGRADES ACCEPTS "no header\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS " folded: line\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS ": of no name\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS "Space : before\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS "Bare: newline\nA: b\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        expect_refusal(answers[i], &patient, TR_EPROTO);
}

CASE(what_was_not_asked_for_is_a_refusal)
{
    static const tr_ws_options plain = { .is_uncompressed = true, .close_within = TR_FOREVER };
    static const tr_ws_options talks = { .protocols = "chat talk", .close_within = TR_FOREVER };
    static const char deflate[] =
        SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Extensions: permessage-deflate; "
                                  "server_no_context_takeover\r\n\r\n";
    static const char *const extensions[] = {
        SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Extensions: x-other\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Extensions: permessage-deflate; "
                                  "server_no_context_takeover; client_max_window_bits=9\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Extensions: permessage-deflate; "
                                  "server_no_context_takeover, x-other\r\n\r\n",
        SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Protocol: chat\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
        expect_refusal(extensions[i], &patient, TR_EPROTO);
    expect_refusal(deflate, &plain, TR_EPROTO);
    expect_refusal(SWITCHES UPGRADES ACCEPTS "Sec-WebSocket-Protocol: other\r\n\r\n", &talks,
                   TR_EPROTO);
    expect_refusal(SWITCHES UPGRADES ACCEPTS
                   "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: talk\r\n\r\n",
                   &talks, TR_EPROTO);
}

static void answer_at_length(tr_io *io, void *unused)
{
    char accept[TR__ACCEPT_BYTES + 1];

    (void)unused;
    raw_hear_request(io, accept);
    say(io, SWITCHES UPGRADES);
    while (tr_write_all(io, "X-Longer: and longer and longer and longer\r\n", 44) == 0)
        ;
}

CASE(an_answer_without_end_is_a_refusal)
{
    raw_server server;
    tr_ws *ws;

    raw_server_begin(&server, answer_at_length, NULL);
    EXPECT(tr_ws_connect(&ws, server.url, NULL, NULL) == TR_EPROTO && ws == NULL);
    raw_server_end(&server);
}

CASE(a_server_that_ends_before_its_answer_does_is_told)
{
    expect_refusal("", NULL, TR_EEND);
    expect_refusal("H", NULL, TR_EEND);
    expect_refusal(SWITCHES UPGRADES ACCEPTS, NULL, TR_EEND);
}

static void keep_silent(tr_io *io, void *unused)
{
    char accept[TR__ACCEPT_BYTES + 1];

    (void)unused;
    raw_hear_request(io, accept);
    say(io, SWITCHES);
    expect_end(io);
}

/* Half a minute, which only a simulation has time for; elsewhere the caller is less patient. */
CASE(a_server_that_does_not_answer_is_left)
{
    raw_server server;
    tr_ws *ws;
    int rc = 0;

    raw_server_begin(&server, keep_silent, NULL);
    TR_DEADLINE(CASES_SIMULATED ? 1e6 : 0.05, &rc) {
        rc = tr_ws_connect(&ws, server.url, NULL, NULL);
    }
    EXPECT(rc == TR_ETIMEDOUT && ws == NULL);
    raw_server_end(&server);
}

/* Tokens in any case and company, and frames that come with the answer. */
static void answer_oddly(tr_io *io, void *unused)
{
    char accept[TR__ACCEPT_BYTES + 1];
    char text[512];
    int bytes;

    (void)unused;
    raw_hear_request(io, accept);
    bytes = snprintf(text, sizeof(text),
                     "HTTP/1.1 101\r\nuPgRaDe: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\n"
                     "sec-websocket-accept:%s\r\nSec-WebSocket-Protocol: talk\r\n\r\n"
                     "\x81\x05hello",
                     accept);
    EXPECT(tr_write_all(io, text, (size_t)bytes) == 0);
    raw_tell(io, FIN | CLOSE, "", 0);
    raw_expect_masked(io, FIN | CLOSE, "");
    expect_end(io);
}

CASE(a_message_may_come_with_the_answer)
{
    receive_from(answer_oddly, NULL,
                 &(tr_ws_options){ .protocols = "chat talk", .close_within = TR_FOREVER }, "hello",
                 0);
}

/* ---- cancelled ---- */

typedef struct visitor {
    char url[80];
    int rc;
} visitor;

static int visit(void *arg)
{
    visitor *v = arg;
    tr_ws *ws;

    v->rc = tr_ws_connect(&ws, v->url, NULL, &patient);
    EXPECT((v->rc == 0) == (ws != NULL));
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    return 0;
}

CASE(a_client_may_be_cancelled_while_it_connects)
{
    echoes e;
    visitor v;

    begin_echoes(&e, &patient);
    (void)snprintf(v.url, sizeof(v.url), "ws://%s/echo", e.s.address);
    for (int i = 0; i < 20; i++) {
        tr_task *task;

        v.rc = TR_ECANCELED; /* where it does not begin */
        EXPECT(tr_task_spawn(&task, visit, &v) == 0);
        if (i > 0)
            EXPECT(tr_sleep(i * 0.0001) == 0);
        (void)tr_task_cancel(task); /* it may have ended */
        (void)tr_task_wait(task, TR_FOREVER);
        EXPECT(v.rc == 0 || v.rc == TR_ECANCELED);
        tr_task_unref(task);
    }
    end_service(&e.s);
}

static void tell_late(tr_io *io, void *go)
{
    raw_shake(io, "");
    EXPECT(tr_event_wait(go) == 0);
    raw_tell(io, FIN | TEXT, "at last", 7);
    raw_expect_masked(io, FIN | TEXT, "thanks");
    raw_tell(io, FIN | CLOSE, "", 0);
    raw_expect_masked(io, FIN | CLOSE, "");
}

CASE(a_client_that_was_cancelled_may_receive_again)
{
    tr_event go = { 0 };
    raw_server server;
    tr_ws_message m;
    tr_ws *ws;
    int rc = 0;

    raw_server_begin(&server, tell_late, &go);
    EXPECT(tr_ws_connect(&ws, server.url, NULL, &patient) == 0);
    for (int i = 0; i < 5; i++) {
        TR_DEADLINE(0.001, &rc) {
            rc = tr_ws_receive(ws, &m);
        }
        EXPECT(rc == TR_ETIMEDOUT && m.data == NULL);
    }
    EXPECT(tr_event_set(&go) == 0);
    EXPECT(tr_ws_receive(ws, &m) == 1 && strcmp(m.data, "at last") == 0);
    EXPECT(tr_ws_send(ws, TR_WS_TEXT, "thanks", 6) == 0);
    EXPECT(tr_ws_receive(ws, &m) == 0);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    raw_server_end(&server);
}

enum { PIECE = 60000, QUEUE = 64 * 1024 };

/* Reads nothing before it is told to; then each message is whole. */
static void read_late(tr_io *io, void *go)
{
    static char data[PIECE];
    unsigned char header[8];
    int heard;

    raw_shake(io, "");
    EXPECT(tr_event_wait(go) == 0);
    while ((heard = tr_read_exact(io, header, 8)) == 0 && header[0] == (FIN | BINARY)) {
        EXPECT(header[1] == 0x80 + 126 && (header[2] << 8 | header[3]) == PIECE);
        EXPECT(tr_read_exact(io, data, sizeof(data)) == 0);
        for (size_t i = 0; i < sizeof(data); i++)
            EXPECT(data[i] == (char)header[4 + i % 4]);
    }
    EXPECT(heard == 0 && header[0] == (FIN | CLOSE));
    raw_tell(io, FIN | CLOSE, "", 0);
}

CASE(a_client_that_was_cancelled_while_it_sends_has_sent_nothing)
{
    static const char data[PIECE] = "";
    tr_event go = { 0 };
    raw_server server;
    tr_ws *ws;
    int rc = 0;

    raw_server_begin(&server, read_late, &go);
    EXPECT(tr_ws_connect(&ws, server.url, NULL,
                         &(tr_ws_options){ .close_within = TR_FOREVER,
                                           .ping_every = -1,
                                           .queue_most = QUEUE }) == 0);
    while (rc == 0) {
        TR_DEADLINE(0.01, &rc) {
            rc = tr_ws_send(ws, TR_WS_BINARY, data, sizeof(data));
        }
        EXPECT(tr_ws_waiting(ws) <= QUEUE + PIECE + 14);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(tr_event_set(&go) == 0);
    EXPECT(tr_ws_send(ws, TR_WS_BINARY, data, sizeof(data)) == 0);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    raw_server_end(&server);
}

CASES("websocket_client", answers_that_agree_to_nothing_are_refusals,
      answers_that_are_no_http_are_refusals, what_was_not_asked_for_is_a_refusal,
      an_answer_without_end_is_a_refusal, a_server_that_ends_before_its_answer_does_is_told,
      a_server_that_does_not_answer_is_left, a_message_may_come_with_the_answer,
      a_client_may_be_cancelled_while_it_connects, a_client_that_was_cancelled_may_receive_again,
      a_client_that_was_cancelled_while_it_sends_has_sent_nothing)
