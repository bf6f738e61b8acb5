/* Taking a connection over, to speak something else on it (RFC 9110, 7.8). */
#include <string.h>

#include "http/connection.h"
#include "http/extension.h"
#include "http/header_name.h"

/* Whether the client has asked for it, in the way that HTTP wants it. */
static bool is_asked_for(tr_http_request *req, const char *protocol)
{
    const char *upgrade = tr_http_header(req, "Upgrade");
    const char *connection = tr_http_header(req, "Connection");

    return upgrade != NULL && connection != NULL && req->parser.http_minor > 0 &&
           tr__tokens_have(upgrade, ",", (tr__slice){ protocol, strlen(protocol) }) &&
           tr__tokens_have(connection, ",", (tr__slice){ "upgrade", 7 });
}

/* "websocket", "foo/2". */
static bool is_protocol(const char *text)
{
    const char *slash = strchr(text, '/');
    size_t bytes = slash != NULL ? (size_t)(slash - text) : strlen(text);

    return tr__is_token((tr__slice){ text, bytes }) &&
           (slash == NULL || tr__is_token((tr__slice){ slash + 1, strlen(slash + 1) }));
}

static int check(tr_http_response *res, const char *protocol)
{
    tr_http_request *req = tr__request_of(res);

    if (res->stage != TR__ANSWER_NONE || req->conn->is_detached)
        return TR_EALREADY;
    if (req->conn->is_broken)
        return TR_EPIPE;
    if (!is_asked_for(req, protocol))
        return TR_EPROTO;
    if (!req->is_complete)
        return TR_EWRONGPLACE;
    return req->conn->worker->is_draining ? TR_ESHUTDOWN : 0;
}

/* With the headers that were set. */
static bool put_head(tr_http_response *res)
{
    static const char begin[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
    tr__http_conn *conn = tr__request_of(res)->conn;
    size_t lines = tr__buffer_count(&res->lines);
    size_t bytes = sizeof(begin) - 1 + lines + 2;
    char *at = tr__conn_room(conn, bytes);

    if (at == NULL)
        return false;
    memcpy(at, begin, sizeof(begin) - 1);
    at += sizeof(begin) - 1;
    if (lines > 0)
        memcpy(at, res->lines.bytes + res->lines.begin, lines);
    at[lines] = '\r';
    at[lines + 1] = '\n';
    tr__conn_put(conn, bytes);
    return true;
}

int tr_http_upgrade(tr_io **out, tr_http_response *res, const char *protocol)
{
    tr_http_request *req;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (res == NULL || protocol == NULL || !is_protocol(protocol))
        return TR_EINVAL;
    rc = check(res, protocol);
    if (rc == 0)
        rc = tr_http_set_header(res, "Upgrade", protocol);
    if (rc < 0)
        return rc;
    if (!put_head(res))
        return TR_ENOMEM;
    req = tr__request_of(res);
    res->status = 101;
    res->stage = TR__ANSWER_OUT;
    (void)tr_http_peer(req); /* while its descriptor is at hand: it is kept, for the log */
    return tr__conn_detach(req->conn, out);
}
