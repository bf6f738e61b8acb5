/* WebSockets: a server that answers, and a client.
 *
 *   Prints:  both speak chat.2
 *            did you say hello?
 *            3 bytes came back as they were
 *            it closes with 4000 */
#include <stdio.h>
#include <troupe/net.h>

static int answer(tr_ws *ws, tr_http_request *req, void *ctx) /* a task for each client */
{
    tr_ws_message m;
    int rc;

    (void)req;
    (void)ctx;
    while ((rc = tr_ws_receive(ws, &m)) > 0 && m.bytes < 100) {
        rc = m.type == TR_WS_TEXT ? tr_ws_text(ws, "did you say %s?", m.data)
                                  : tr_ws_send(ws, m.type, m.data, m.bytes);
        if (rc < 0)
            return rc; /* it is closed with 1011; where this returns 0, with 1000 */
    }
    return rc <= 0 ? rc : tr_ws_close(ws, 4000, "too long for me");
}

static int talk(tr_ws *ws)
{
    char much[200] = { 0 };
    tr_ws_message m;
    int rc;

    printf("both speak %s\n", tr_ws_protocol(ws));
    if ((rc = tr_ws_text(ws, "%s", "hello")) < 0 || (rc = tr_ws_receive(ws, &m)) <= 0)
        return rc;
    printf("%s\n", m.data);
    if ((rc = tr_ws_send(ws, TR_WS_BINARY, "\1\2\3", 3)) < 0 || (rc = tr_ws_receive(ws, &m)) <= 0)
        return rc;
    printf("%zu bytes came back as they were\n", m.bytes);
    if ((rc = tr_ws_send(ws, TR_WS_BINARY, much, sizeof(much))) < 0)
        return rc;
    rc = tr_ws_receive(ws, &m); /* 0: it was closed in good order */
    return rc < 0 ? rc : printf("it closes with %d\n", tr_ws_close_code(ws));
}

static int visit(void *srv)
{
    char url[100];
    tr_ws *ws;
    int rc = tr_http_await_ready(srv), closed;

    if (rc < 0)
        return rc;
    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%d/talk", tr_http_port(srv));
    rc = tr_ws_connect(&ws, url, NULL, &(tr_ws_options){ .protocols = "chat.1 chat.2" });
    if (rc < 0)
        return rc;
    rc = talk(ws);
    closed = tr_ws_close(ws, 0, NULL);
    tr_http_stop(srv);
    return rc < 0 ? rc : closed;
}

static int app(void *arg)
{
    tr_http_server *srv;
    int rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = "127.0.0.1:0" }), served = 0;

    (void)arg;
    if (rc < 0)
        return rc;
    tr_http_websocket(srv, "/talk", answer, NULL, &(tr_ws_options){ .protocols = "chat.2" });
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, visit, srv);
        served = tr_http_serve(srv);
    }
    return rc < 0 ? rc : served;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
