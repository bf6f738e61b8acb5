/* WebSockets over TLS, where what has come and what goes out waits in two places. */
#include "http/echoes.h"
#include "net/certificates.h"

enum { MOST = 100000 };

static const tr_ws_options patient = { .message_most = MOST,
                                       .close_within = TR_FOREVER,
                                       .ping_every = -1 };

typedef struct secure {
    certificates c;
    tr_tls *of_server;
    tr_tls *of_client;
    echoes e;
    tr_event go;
} secure;

/* Receives when it is told to: "how many?" is the last. */
static int count(tr_ws *ws, tr_http_request *req, void *ctx)
{
    secure *s = ctx;
    tr_ws_message m;
    int many = 0;
    int rc;

    EXPECT(tr_http_is_secure(req));
    s->e.ws = ws;
    rc = tr_event_wait(&s->go);
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0) {
        many++;
        if (m.bytes == 9)
            rc = tr_ws_text(ws, "%d", many);
    }
    s->e.end = rc;
    return rc;
}

static void begin(secure *s)
{
    tr_http_server *server;

    *s = (secure){ .e.end = 1 };
    begin_certificates(&s->c);
    make_certificate(&s->c, "leaf", "localhost", "IP:127.0.0.1", 30, &s->c.good);
    EXPECT(tr_tls_server_new(&s->of_server,
                             &(tr_tls_options){ .certificate = file_of(&s->c, "leaf.pem"),
                                                .key = file_of(&s->c, "leaf.key") }) == 0);
    EXPECT(tr_tls_client_new(&s->of_client,
                             &(tr_tls_options){ .authorities = file_of(&s->c, "good.pem") }) == 0);
    server = new_server(&(tr_http_config){ .loops = 1, .tls = s->of_server });
    EXPECT(tr_http_websocket(server, "/echo", echo, &s->e, &patient) == 0);
    EXPECT(tr_http_websocket(server, "/count", count, s, &patient) == 0);
    begin_service(&s->e.s, server);
}

static tr_ws *open_socket(const secure *s, const char *path)
{
    char url[80];
    tr_ws *ws;

    (void)snprintf(url, sizeof(url), "wss://%s%s", s->e.s.address, path);
    EXPECT(tr_ws_connect(&ws, url, s->of_client, &patient) == 0);
    return ws;
}

static void end(secure *s, int met)
{
    end_echoes(&s->e, met);
    tr_tls_unref(s->of_server);
    tr_tls_unref(s->of_client);
    end_certificates(&s->c);
}

CASE(messages_of_each_size_come_back)
{
    static const size_t sizes[] = { 0, 1, 125, 126, 16383, 16384, 16385, 65535, 65536, MOST };
    static char data[MOST];
    tr_ws_message m;
    secure s;
    tr_ws *ws;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * i >> 3);
    begin(&s);
    ws = open_socket(&s, "/echo");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        EXPECT(tr_ws_send(ws, TR_WS_BINARY, data, sizes[i]) == 0);
        EXPECT(tr_ws_receive(ws, &m) == 1 && m.bytes == sizes[i]);
        EXPECT(memcmp(m.data, data, m.bytes) == 0);
    }
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end(&s, 0);
}

/* Reading stops, with something read that was not understood yet, and goes on. */
CASE(what_waits_for_the_handler_is_not_lost)
{
    enum { MESSAGES = 300, BYTES = 3000 };
    static char data[BYTES];
    tr_ws_message m;
    secure s;
    tr_ws *ws;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * i * i >> 5); /* hardly to be compressed */
    begin(&s);
    ws = open_socket(&s, "/count");
    for (int i = 0; i < MESSAGES - 1; i++) /* which wait to go out, if they have to */
        EXPECT(tr_ws_send(ws, TR_WS_BINARY, data, sizeof(data)) == 0);
    EXPECT(tr_ws_text(ws, "how many?") == 0);
    while (s.e.ws == NULL || !tr__ws_is_paused(s.e.ws))
        EXPECT(tr_sleep(0.001) == 0);
    EXPECT(tr_event_set(&s.go) == 0);
    EXPECT(tr_ws_receive(ws, &m) == 1 && strtol(m.data, NULL, 10) == MESSAGES);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end(&s, 0);
}

/* The code is heard, though the server closes. */
CASE(a_message_that_is_too_large_is_refused)
{
    static const char data[MOST + 1] = "";
    tr_ws_message m;
    secure s;
    tr_ws *ws;

    begin(&s);
    ws = open_socket(&s, "/echo");
    EXPECT(tr_ws_send(ws, TR_WS_BINARY, data, sizeof(data)) == 0);
    EXPECT(tr_ws_receive(ws, &m) == 0 && tr_ws_close_code(ws) == 1009);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end(&s, TR_ETOOLARGE);
}

CASE(a_server_that_is_not_trusted_is_left)
{
    char url[80];
    secure s;
    tr_ws *ws;

    begin(&s);
    (void)snprintf(url, sizeof(url), "wss://%s/echo", s.e.s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL, &patient) == TR_ECERTIFICATE && ws == NULL);
    end(&s, 1);
}

CASES("websocket_tls", messages_of_each_size_come_back, what_waits_for_the_handler_is_not_lost,
      a_message_that_is_too_large_is_refused, a_server_that_is_not_trusted_is_left)
