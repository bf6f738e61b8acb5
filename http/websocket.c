/* WebSockets of the server: the handshake (RFC 6455, 4.2), and the handler's life. */
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/base64.h"
#include "http/connection.h"
#include "http/extension.h"
#include "http/ws.h"

typedef struct ws_route {
    tr_ws_handler fn;
    void *ctx;
    tr_ws_options options;
} ws_route;

/* ---- the handshake ---- */

static int refuse(tr_http_response *res, int status, const char *what)
{
    int rc = tr_http_problem(res, status, "%s", what);

    if (rc == 0 && status == 426) {
        rc = tr_http_set_header(res, "Sec-WebSocket-Version", "13");
        if (rc == 0)
            rc = tr_http_set_header(res, "Upgrade", "websocket");
    }
    return rc;
}

/* Whether the origin is the host that was asked: then a page of its own speaks. */
static bool is_own_origin(tr_http_request *req, const char *origin)
{
    const char *host = tr_http_header(req, "Host");
    const char *authority = strstr(origin, "://");

    return host != NULL && authority != NULL && strcasecmp(authority + 3, host) == 0;
}

/* 16 bytes, in base64. */
static bool is_key(const char *key)
{
    char bytes[TR__KEY_BYTES];

    return key != NULL && strlen(key) == TR__KEY_BYTES &&
           tr__base64_decode((tr__slice){ key, TR__KEY_BYTES }, bytes, sizeof(bytes)) == 16;
}

static bool is_origin_welcome(tr_http_request *req, const char *origins)
{
    const char *origin = tr_http_header(req, "Origin");

    if (origin == NULL || (origins != NULL && strcmp(origins, "*") == 0))
        return true;
    if (origins == NULL)
        return is_own_origin(req, origin);
    return tr__tokens_have(origins, " ", (tr__slice){ origin, strlen(origin) });
}

/* A status, and what is wrong; 0: nothing. */
static int check_handshake(tr_http_request *req, const ws_route *route, const char **what)
{
    const char *upgrade = tr_http_header(req, "Upgrade");
    const char *connection = tr_http_header(req, "Connection");
    const char *version = tr_http_header(req, "Sec-WebSocket-Version");
    const char *key = tr_http_header(req, "Sec-WebSocket-Key");

    *what = "a WebSocket is spoken here";
    if (upgrade == NULL || connection == NULL || req->parser.http_minor == 0 ||
        !tr__tokens_have(upgrade, ",", (tr__slice){ "websocket", 9 }) ||
        !tr__tokens_have(connection, ",", (tr__slice){ "upgrade", 7 }))
        return 426;
    *what = "only version 13 is spoken";
    if (version == NULL || strcmp(version, "13") != 0)
        return 426;
    *what = "the key is malformed";
    if (!is_key(key))
        return 400;
    *what = "this origin may not connect";
    if (!is_origin_welcome(req, route->options.origins))
        return 403;
    *what = "the server stops";
    return req->conn->worker->is_draining ? 503 : 0;
}

/* The first of the client's that the server speaks. */
static tr__slice choose_protocol(tr_http_request *req, const char *spoken)
{
    const char *asked = tr_http_header(req, "Sec-WebSocket-Protocol");
    tr__slice token;

    while (spoken != NULL && asked != NULL && tr__next_token(&asked, ",", &token))
        if (tr__tokens_have(spoken, " ", token))
            return token;
    return (tr__slice){ NULL, 0 };
}

static bool append(tr__http_conn *conn, const char *name, tr__slice value)
{
    size_t bytes = strlen(name) + value.bytes + 4;
    char *room = tr__conn_room(conn, bytes + 1);

    if (room == NULL)
        return false;
    (void)snprintf(room, bytes + 1, "%s: %.*s\r\n", name, (int)value.bytes, value.at);
    tr__conn_put(conn, bytes);
    return true;
}

static bool append_text(tr__http_conn *conn, tr__slice text)
{
    char *room;

    if (text.bytes == 0)
        return true;
    room = tr__conn_room(conn, text.bytes);
    if (room == NULL)
        return false;
    if (text.bytes > 0)
        memcpy(room, text.at, text.bytes);
    tr__conn_put(conn, text.bytes);
    return true;
}

/* Headers that middleware has added. */
static bool append_lines(tr__http_conn *conn, const tr__buffer *lines)
{
    size_t bytes = tr__buffer_count(lines);

    return bytes == 0 || append_text(conn, (tr__slice){ lines->bytes + lines->begin, bytes });
}

static bool switch_protocols(tr_http_request *req, tr__slice protocol, bool is_deflating)
{
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\n"
                               "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    static const char deflate[] =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    char accept[TR__ACCEPT_BYTES + 1];
    tr__http_conn *conn = req->conn;

    return tr__ws_accept_key(tr_http_header(req, "Sec-WebSocket-Key"), accept) &&
           append_text(conn, (tr__slice){ head, sizeof(head) - 1 }) &&
           append(conn, "Sec-WebSocket-Accept", (tr__slice){ accept, TR__ACCEPT_BYTES }) &&
           (protocol.at == NULL || append(conn, "Sec-WebSocket-Protocol", protocol)) &&
           (!is_deflating || append(conn, "Sec-WebSocket-Extensions",
                                    (tr__slice){ deflate, sizeof(deflate) - 1 })) &&
           append_lines(conn, &req->res.lines) && append_text(conn, (tr__slice){ "\r\n", 2 });
}

/* ---- the handler ---- */

/* The server stops. */
static void on_drain(tr__http_conn *conn)
{
    tr_ws *ws = conn->upgraded;

    tr__ws_say_goodbye(ws, WSLAY_CODE_GOING_AWAY, "the server stops");
    tr__ws_note_end(ws, TR_ESHUTDOWN);
}

static int speak(tr_ws *ws, tr_http_request *req, const ws_route *route)
{
    int rc;

    req->conn->upgraded = ws;
    req->conn->on_drain = on_drain;
    if (req->conn->worker->is_draining) /* since the handshake was read */
        on_drain(req->conn);
    rc = route->fn(ws, req, route->ctx);
    tr__ws_part(ws, rc < 0 ? WSLAY_CODE_INTERNAL_SERVER_ERROR : WSLAY_CODE_NORMAL_CLOSURE, "");
    req->conn->on_drain = NULL;
    tr__ws_free(ws);
    return rc;
}

/* That the other side has gone is no fault of the handler. */
static int outcome(int rc)
{
    switch (rc) {
    case TR_EEND:
    case TR_ECONNRESET:
    case TR_EPIPE:
    case TR_ETIMEDOUT:
    case TR_ESHUTDOWN:
    case TR_ESYNTAX:
    case TR_ETOOLARGE:
    case TR_EFULL:
        return 0;
    default:
        return rc;
    }
}

static bool note_protocol(tr_ws *ws, tr__slice protocol)
{
    ws->protocol = tr__alloc(protocol.bytes + 1);
    if (ws->protocol == NULL)
        return false;
    memcpy(ws->protocol, protocol.at, protocol.bytes);
    ws->protocol[protocol.bytes] = 0;
    return true;
}

static int upgrade(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const ws_route *route = ctx;
    const char *what;
    int status = check_handshake(req, route, &what);
    tr__slice protocol = choose_protocol(req, route->options.protocols);
    bool is_deflating = !route->options.is_uncompressed &&
                        tr__deflate_is_offered(tr_http_header(req, "Sec-WebSocket-Extensions"));
    tr_io *io;
    tr_ws *ws;
    int rc;

    if (status != 0)
        return refuse(res, status, what);
    if (!switch_protocols(req, protocol, is_deflating))
        return TR_ENOMEM;
    res->status = 101;
    (void)tr_http_peer(req); /* while its descriptor is at hand: it is kept, for the log */
    rc = tr__conn_detach(req->conn, &io);
    if (rc < 0)
        return rc;
    rc = tr__ws_new(&ws, io, false, is_deflating, &route->options);
    if (rc < 0)
        return rc;
    if (protocol.at != NULL && !note_protocol(ws, protocol)) {
        tr__ws_free(ws);
        return TR_ENOMEM;
    }
    return outcome(speak(ws, req, route));
}

/* ---- the route ---- */

static void free_route(void *arg)
{
    ws_route *route = arg;

    tr__free((void *)(uintptr_t)route->options.origins);
    tr__free((void *)(uintptr_t)route->options.protocols);
    tr__free(route);
}

static bool copy_text(const char **text)
{
    if (*text == NULL)
        return true;
    *text = tr__copy_string(*text);
    return *text != NULL;
}

static ws_route *new_route(tr_ws_handler fn, void *ctx, const tr_ws_options *options)
{
    ws_route *route = tr__alloc_zeroed(sizeof(*route));
    bool is_copied;

    if (route == NULL)
        return NULL;
    route->fn = fn;
    route->ctx = ctx;
    route->options = *options;
    tr__ws_fill_options(&route->options);
    is_copied = copy_text(&route->options.origins);
    is_copied &= copy_text(&route->options.protocols);
    if (is_copied)
        return route;
    free_route(route);
    return NULL;
}

int tr__http_websocket(tr_http_server *srv, const char *pattern, tr_ws_handler fn, void *ctx,
                       const tr_ws_options *options, size_t options_size)
{
    tr_ws_options all = { 0 };
    ws_route *route;

    if (srv == NULL || pattern == NULL || fn == NULL || options_size > sizeof(all))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(&all, options, options_size);
    route = new_route(fn, ctx, &all);
    if (route == NULL)
        return TR_ENOMEM;
    return tr__route_add_owning(
        srv, "GET", pattern, upgrade, route, free_route,
        &(tr_http_route_options){ .stack_bytes = all.stack_bytes, .is_hidden = true });
}
