/* A service that says what came, sends elsewhere, sets cookies, and is busy at times. */
#ifndef TR_TESTS_ECHO_H
#define TR_TESTS_ECHO_H

#include "http/service.h"

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

/* "GET /echo|type|authorization|cookie|body" */
static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_text(res, 200, "%s %s|%s|%s|%s|%.*s", tr_http_method(req), tr_http_path(req),
                        or_dash(tr_http_header(req, "Content-Type")),
                        or_dash(tr_http_header(req, "Authorization")),
                        or_dash(tr_http_header(req, "Cookie")), (int)bytes, body);
}

/* "/to/302?url=..." */
static int bounce(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *location = tr_http_query(req, "url");

    (void)ctx;
    (void)tr_http_set_header(res, "Location", location);
    return tr_http_text(res, (int)strtol(tr_http_param(req, "status"), NULL, 10), "elsewhere");
}

/* Each leads to the one before, until 0. */
static int stairs(tr_http_request *req, tr_http_response *res, void *ctx)
{
    long n = strtol(tr_http_param(req, "n"), NULL, 10);
    char next[32];

    (void)ctx;
    if (n == 0)
        return tr_http_text(res, 200, "down");
    (void)snprintf(next, sizeof(next), "%ld", n - 1);
    (void)tr_http_set_header(res, "Location", next);
    return tr_http_text(res, 302, "on");
}

/* "/set?line=..." */
static int set_cookie(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    (void)tr_http_add_header(res, "Set-Cookie", tr_http_query(req, "line"));
    (void)tr_http_add_header(res, "Set-Cookie", "other=1; Path=/");
    return tr_http_text(res, 200, "set");
}

static void route_echoes(tr_http_server *server)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        EXPECT(tr_http_route(server, methods[i], "/echo", echo, NULL) == 0);
        EXPECT(tr_http_route(server, methods[i], "/to/:status", bounce, NULL) == 0);
    }
    EXPECT(tr_http_route(server, "GET", "/stairs/:n", stairs, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/set", set_cookie, NULL) == 0);
}

static inline void begin_echo(service *s)
{
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.1 });

    route_echoes(server);
    begin_service(s, server);
}

/* "http://127.0.0.1:40123/echo"; one of 16 texts that take turns. */
static inline const char *url_of(const service *s, const char *path)
{
    static _Thread_local char texts[16][256];
    static _Thread_local unsigned next;
    char *text = texts[next++ % 16];

    (void)snprintf(text, sizeof(texts[0]), "http://%s%s", s->address, path);
    return text;
}

/* A client that knows no proxy, whatever the environment says. */
static inline tr_http_client *client_of(tr_http_client_config config)
{
    tr_http_client *client;

    config.proxy = "";
    EXPECT(tr_http_client_new(&client, &config) == 0);
    return client;
}

/* Call, and expect this text. */
static inline void expect_text(tr_http_client *client, const tr_http_call *call, const char *text)
{
    tr_http_reply *reply;
    int rc = tr_http_fetch(&reply, client, call);

    if (rc < 0 || strcmp(tr_http_reply_text(reply), text) != 0)
        fprintf(stderr, "%s, and it is %d %s, not %s\n", call->url, rc,
                rc < 0 ? "" : tr_http_reply_text(reply), text);
    EXPECT(rc == 0);
    EXPECT(strcmp(tr_http_reply_text(reply), text) == 0);
    tr_http_reply_free(reply);
}

#endif
