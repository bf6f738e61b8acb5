/* Calls of the HTTP client to our own server: what is sent, what comes back, and which connections
 * that takes. */
#include "http/service.h"

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    (void)tr_http_set_header(res, "X-Seen", "one");
    (void)tr_http_add_header(res, "X-Seen", "two");
    return tr_http_text(res, 200, "hello, %s", tr_http_param(req, "name"));
}

/* Says what came. */
static int show(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *type = tr_http_header(req, "Content-Type");
    const char *authorization = tr_http_header(req, "Authorization");
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_text(res, 200, "%s %s|%s|%s|%.*s", tr_http_method(req), tr_http_path(req),
                        type != NULL ? type : "-", authorization != NULL ? authorization : "-",
                        (int)bytes, body);
}

static int show_headers(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *a = tr_http_header(req, "X-A");
    const char *agent = tr_http_header(req, "User-Agent");

    (void)ctx;
    return tr_http_text(res, 200, "%s|%s|%s", a != NULL ? a : "-", agent != NULL ? agent : "-",
                        tr_http_query(req, "q"));
}

static int large(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[1000];
    int rc = tr_http_begin(res, 200, NULL, tr_http_query(req, "sized") != NULL ? 1000000 : -1);

    (void)ctx;
    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < 1000 && rc == 0; i++)
        rc = tr_http_write(res, piece, sizeof(piece));
    return rc;
}

static int go_missing(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)res;
    (void)ctx;
    return TR_ENOENT;
}

static void begin(service *s)
{
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.1 });

    EXPECT(tr_http_route(server, "GET", "/hello/:name", hello, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/headers", show_headers, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/show", show, NULL) == 0);
    EXPECT(tr_http_route(server, "PUT", "/show", show, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/show", show, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/large", large, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/fail", go_missing, NULL) == 0);
    begin_service(s, server);
}

static const char *url(const service *s, const char *path)
{
    static _Thread_local char text[256];

    (void)snprintf(text, sizeof(text), "http://%s%s", s->address, path);
    return text;
}

/* A client whose base is the service. */
static tr_http_client *new_client(const service *s, tr_http_client_config config)
{
    tr_http_client *client;

    config.base = url(s, "");
    EXPECT(tr_http_client_new(&client, &config) == 0);
    return client;
}

static void expect_text(tr_http_client *client, const tr_http_call *call, int status,
                        const char *text)
{
    tr_http_reply *reply;
    int rc = tr__http_fetch(&reply, client, call, sizeof(*call));

    if (rc < 0 || tr_http_reply_status(reply) != status ||
        (text != NULL && strcmp(tr_http_reply_text(reply), text) != 0))
        fprintf(stderr, "%s: %s, %d: %s\n", call->url, tr_strerror(rc), tr_http_reply_status(reply),
                tr_http_reply_text(reply));
    EXPECT(rc == 0);
    EXPECT(tr_http_reply_status(reply) == status);
    EXPECT(text == NULL || strcmp(tr_http_reply_text(reply), text) == 0);
    tr_http_reply_free(reply);
}

CASE(one_line_gets_a_page)
{
    tr_http_reply *reply;
    const char *name, *value;
    service s;

    begin(&s);
    EXPECT(tr_http_get(&reply, url(&s, "/hello/you#there")) == 0);
    EXPECT(tr_http_reply_status(reply) == 200);
    EXPECT(tr_http_reply_check(reply) == 0);
    EXPECT(strcmp(tr_http_reply_text(reply), "hello, you") == 0);
    EXPECT(strcmp(tr_http_reply_url(reply), url(&s, "/hello/you")) == 0);
    EXPECT(strcmp(tr_http_reply_header(reply, "content-LENGTH"), "10") == 0);
    EXPECT(strcmp(tr_http_reply_header(reply, "x-seen"), "one, two") == 0);
    EXPECT(tr_http_reply_header(reply, "x-seen") == tr_http_reply_header(reply, "X-Seen"));
    EXPECT(tr_http_reply_header(reply, "X-None") == NULL);
    EXPECT(tr_http_reply_header_at(reply, 0, &name, &value) && name[0] != 0 && value[0] != 0);
    EXPECT(!tr_http_reply_header_at(reply, 100, &name, &value) && name[0] == 0);
    tr_http_reply_free(reply);
    end_service(&s);
}

CASE(bodies_and_their_types_arrive)
{
    tr_http_client *client;
    tr_http_reply *reply;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ 0 });
    EXPECT(tr_http_post(&reply, url(&s, "/show"), "text/plain", "body", 4) == 0);
    EXPECT(strcmp(tr_http_reply_text(reply), "POST /show|text/plain|-|body") == 0);
    tr_http_reply_free(reply);
    expect_text(client, &(tr_http_call){ .url = "/show", .body = "b", .body_bytes = 1 }, 200,
                "POST /show|application/octet-stream|-|b");
    expect_text(client,
                &(tr_http_call){ .method = "PUT",
                                 .url = "/show",
                                 .form = (const char *const[]){ "a", "1 2", "b", "&=+", NULL } },
                200, "PUT /show|application/x-www-form-urlencoded|-|a=1+2&b=%26%3D%2B");
    expect_text(client,
                &(tr_http_call){ .url = "/show", .user = "Aladdin", .password = "open sesame" },
                200, "GET /show|-|Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==|");
    expect_text(client, &(tr_http_call){ .url = "/show", .bearer = "abc" }, 200,
                "GET /show|-|Bearer abc|");
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(headers_of_the_call_take_the_place_of_the_clients)
{
    const char *const ours[] = { "X-A: client", NULL };
    const char *const theirs[] = { "x-a:  call ", NULL };
    const char *const query[] = { "q", "a b", NULL };
    tr_http_client *client;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ .headers = ours, .user_agent = "me/1" });
    expect_text(client, &(tr_http_call){ .url = "/headers", .query = query }, 200,
                "client|me/1|a b");
    expect_text(client, &(tr_http_call){ .url = "/headers?q=1", .headers = theirs }, 200,
                "call|me/1|1");
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(a_connection_is_kept_and_used_again)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ 0 });
    for (int i = 0; i < 5; i++)
        expect_text(client, &(tr_http_call){ .url = "/hello/a" }, 200, "hello, a");
    expect_text(client, &(tr_http_call){ .url = "/fail" }, 404, NULL);
    expect_text(client, &(tr_http_call){ .method = "HEAD", .url = "/hello/a" }, 200, "");
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.calls == 7 && stats.failures == 0);
    EXPECT(stats.connections == 1 && stats.reused == 6);
    EXPECT(stats.open == 1 && stats.idle == 1 && stats.waiting == 0);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(large_bodies_come_whole_or_are_refused)
{
    tr_http_client *client;
    tr_http_reply *reply;
    size_t bytes;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ .body_most = 1000000 });
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_http_fetch(&reply, client,
                             &(tr_http_call){ .url = i == 0 ? "/large?sized=1" : "/large" }) == 0);
        EXPECT(tr_http_reply_body(reply, &bytes)[0] == 'x' && bytes == 1000000);
        tr_http_reply_free(reply);
        EXPECT(tr_http_fetch(&reply, client,
                             &(tr_http_call){ .url = i == 0 ? "/large?sized=1" : "/large",
                                              .body_most = 999999 }) == TR_ETOOLARGE);
        EXPECT(reply == NULL);
    }
    tr_http_client_unref(client);
    end_service(&s);
}

struct run_ask_args {
    tr_http_client *client;
    int *done;
};

static int run_ask(void *arg)
{
    const struct run_ask_args *a = arg;

    expect_text(a->client, &(tr_http_call){ .url = "/hello/b" }, 200, "hello, b");
    ++*a->done;
    return 0;
}

CASE(more_calls_than_connections_wait_in_line)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    int done = 0, rc;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ .connections_each = 3 });
    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 20; i++)
            tr_go(scope, run_ask, .client = client, .done = &done);
    }
    EXPECT(rc == 0 && done == 20);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.connections == 3 && stats.reused == 17 && stats.open == 3 && stats.idle == 3);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(all_loops_share_a_client)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    int done[2] = { 0, 0 }, rc;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ 0 });
    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 6; i++)
            tr_go_on(scope, TR_LOOP(i % 2), run_ask, .client = client, .done = &done[i % 2]);
    }
    EXPECT(rc == 0 && done[0] == 3 && done[1] == 3);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.calls == 6 && stats.open == stats.idle && stats.open >= 2);
    tr_http_client_unref(client);
    end_service(&s);
}

/* What would end a line, or says what is the client's to say, is not sent. */
CASE(what_would_be_more_than_it_says_is_refused)
{
    static const char *const lines[] = { "X: a\r\nY: b",
                                         "X: a\nY: b",
                                         "X",
                                         ": a",
                                         "X : a",
                                         "X\r\nY: b",
                                         "Content-Length: 3",
                                         "transfer-encoding: x",
                                         "Connection: close",
                                         "Expect: 100-continue" };
    static const char *const methods[] = { "GET /x HTTP/1.1\r\nX: y\r\n", "", "G T", "CONNECT" };
    static const char *const urls[] = { "http://h/\r\nX: y", "ftp://h/", "h", "//h/", "http:///" };
    tr_http_reply *reply;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *const headers[] = { lines[i], NULL };

        EXPECT(tr_http_fetch(&reply, NULL,
                             &(tr_http_call){ .url = "http://h/", .headers = headers }) ==
               TR_EINVAL);
        EXPECT(reply == NULL);
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        EXPECT(tr_http_fetch(&reply, NULL,
                             &(tr_http_call){ .url = "http://h/", .method = methods[i] }) ==
               TR_EINVAL);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        EXPECT(tr_http_get(&reply, urls[i]) == TR_EINVAL);
    EXPECT(tr_http_post(&reply, "http://h/", "a\r\nb: c", "", 0) == TR_EINVAL);
    EXPECT(tr_http_fetch(&reply, NULL, &(tr_http_call){ .url = "http://h/", .bearer = "a\nb" }) ==
           TR_EINVAL);
    EXPECT(tr_http_fetch(&reply, NULL,
                         &(tr_http_call){ .url = "http://h/",
                                          .body = "a",
                                          .body_bytes = 1,
                                          .form = (const char *const[]){ NULL } }) == TR_EINVAL);
    EXPECT(tr_http_get(&reply, NULL) == TR_EINVAL);
}

CASE(a_server_that_is_not_there_refuses)
{
    tr_http_reply *reply;
    tr_listener *listener;
    char text[64];

    EXPECT(tr_listen(&listener, "127.0.0.1:0", NULL) == 0);
    (void)snprintf(text, sizeof(text), "http://%s/", tr_listener_address(listener));
    EXPECT(tr_listener_close(listener) == 0);
    EXPECT(tr_http_get(&reply, text) == TR_ECONNREFUSED && reply == NULL);
}

CASES("calls", one_line_gets_a_page, bodies_and_their_types_arrive,
      headers_of_the_call_take_the_place_of_the_clients, a_connection_is_kept_and_used_again,
      large_bodies_come_whole_or_are_refused, more_calls_than_connections_wait_in_line,
      all_loops_share_a_client, what_would_be_more_than_it_says_is_refused,
      a_server_that_is_not_there_refuses)
