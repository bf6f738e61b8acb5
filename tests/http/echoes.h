/* A server of WebSockets that echoes, and is looked into. */
#ifndef TR_TESTS_ECHOES_H
#define TR_TESTS_ECHOES_H

#include "http/raw_server.h"
#include "http/ws.h"

typedef struct echoes {
    service s;
    tr_ws *ws; /* of the handler that began last, until it ends */
    int end;   /* what the one that ended last has met */
} echoes;

static inline int echo(tr_ws *ws, tr_http_request *req, void *ctx)
{
    echoes *e = ctx;
    tr_ws_message m;
    int rc = 0;

    (void)req;
    e->ws = ws;
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        rc = tr_ws_send(ws, m.type, m.data, m.bytes);
    e->ws = NULL;
    e->end = rc;
    return rc;
}

/* A server of one loop, the test's, where handlers share what they write. */
static inline tr_http_server *new_echoes(echoes *e, const tr_ws_options *options)
{
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1 });

    *e = (echoes){ .end = 1 };
    EXPECT(tr_http_websocket(server, "/echo", echo, e, options) == 0);
    return server;
}

static inline void begin_echoes(echoes *e, const tr_ws_options *options)
{
    begin_service(&e->s, new_echoes(e, options));
}

static inline void end_echoes(echoes *e, int wanted)
{
    end_service(&e->s);
    if (e->end != wanted)
        fprintf(stderr, "the handler has met %s\n", tr_strerror(e->end));
    EXPECT(e->end == wanted);
}

/* A raw client takes its leave. */
static inline void raw_part(tr_io *io)
{
    raw_say(io, FIN | CLOSE, "");
    raw_expect(io, FIN | CLOSE, "");
    expect_end(io);
    raw_close(io);
}

/* What a client of ours receives, and how it ends, where the server says what it is told. */
static inline void receive_from(void (*speak)(tr_io *io, void *arg), void *arg,
                                const tr_ws_options *options, const char *wanted, int end)
{
    raw_server server;
    tr_ws_message m;
    tr_ws *ws;

    raw_server_begin(&server, speak, arg);
    EXPECT(tr_ws_connect(&ws, server.url, NULL, options) == 0);
    if (wanted != NULL)
        EXPECT(tr_ws_receive(ws, &m) == 1 && strcmp(m.data, wanted) == 0);
    EXPECT(tr_ws_receive(ws, &m) == end && m.data == NULL);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    raw_server_end(&server);
}

#endif
