/* Sweeps over requests and answers of every kind: see sweep.h. */
#include "http/sweep.h"

/* ---- declared bodies ---- */

struct item {
    char *name;
    double price;
    char **words;
    size_t words_count;
};

TR_DECLARE(item, TR_TEXT(item, name, .required = true, .max_length = 10, .pattern = "^[a-z]+$"),
           TR_NUMBER(item, price, .required = true, TR_MORE_THAN(0)), TR_TEXTS(item, words));

static int add_item(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_answer(res, 201, &tr_declared_item, tr_http_body_as(req));
}

static int build_items(tr_http_server *server)
{
    return tr_http_route_with(
        server, "POST", "/items", add_item, NULL,
        &(tr_http_route_options){ .body = &tr_declared_item, .answer = &tr_declared_item });
}

static void post(client *c, const char *path, const char *type, const char *body, int status,
                 const char *expected)
{
    char request[2048];

    (void)snprintf(request, sizeof(request),
                   "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                   "\r\n%s",
                   path, type, strlen(body), body);
    ask(c, request, status, expected);
}

static void talk_of_items(client *c)
{
    static const char good[] = "{\"name\":\"apple\",\"price\":1.5,\"words\":[\"a\",\"b\"]}";

    post(c, "/items", "application/json", good, 201, good);
    post(c, "/items", "application/json", "{\"name\":\"Apple\",\"price\":-1}", 422, NULL);
    MUST(strstr(c->body, "/name") != NULL && strstr(c->body, "/price") != NULL);
    post(c, "/items", "application/json", "{\"name\":", 400, NULL);
    post(c, "/items", "text/plain", "a", 415, NULL);
    post(c, "/items", "application/json", good, 201, good);
}

SWEEP(a_declared_body_is_filled_or_refused, { .build = build_items, .talk = talk_of_items })

/* ---- what a handler sees, and says ---- */

static int tell_all(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static const tr_http_cookie_options options = { .max_age = 60 };
    static const char key;
    const char *name, *value;
    int64_t count = 0;
    char *own = tr_http_alloc(req, 3000);
    int rc = own == NULL ? TR_ENOMEM : tr_http_set_value(req, &key, own, NULL);

    (void)ctx;
    if (rc == 0)
        rc = tr_http_query_int(req, "count", &count);
    if (rc == 0)
        rc = tr_http_set_cookie(res, "session", "abc", &options);
    if (rc == 0)
        rc = tr_http_add_header(res, "X-Long", "a value that takes a few bytes");
    if (rc < 0)
        return rc;
    (void)tr_http_header_at(req, 0, &name, &value);
    return tr_http_text(res, 200, "%s %s %s %s %s %d %s %s", tr_http_param(req, "name"),
                        tr_http_path(req), tr_http_query(req, "q"), tr_http_cookie(req, "c"),
                        tr_http_header(req, "X-Twice"), (int)count, name,
                        tr_http_answer_header(res, "X-Long"));
}

static int send_large(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static char large[50000];

    (void)req;
    (void)ctx;
    memset(large, 'x', sizeof(large));
    return tr_http_send(res, 200, "text/plain", large, sizeof(large));
}

static void free_data(void *data)
{
    free(data);
}

static int send_taken(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char *data = malloc(30000);

    (void)req;
    (void)ctx;
    MUST(data != NULL);
    memset(data, 'y', 30000);
    return tr_http_send_taken(res, 200, "text/plain", data, 30000, free_data);
}

static int redirect(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_redirect(res, 0, "/elsewhere");
}

static int build_all(tr_http_server *server)
{
    int rc = tr_http_route(server, "GET", "/all/:name", tell_all, NULL);

    if (rc == 0)
        rc = tr_http_route(server, "GET", "/large", send_large, NULL);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/taken", send_taken, NULL);
    return rc == 0 ? tr_http_route(server, "GET", "/redirect", redirect, NULL) : rc;
}

static void talk_of_all(client *c)
{
    get(c, "/all/a%20b?q=1+2&count=7", "Cookie: c=d\r\nX-Twice: 1\r\nX-Twice: 2\r\n", 200,
        "a b /all/a b 1 2 d 1, 2 7 Host a value that takes a few bytes");
    MUST(says(c, "Set-Cookie: session=abc") && says(c, "X-Long: a value"));
    get(c, "/large", "", 200, NULL);
    MUST(c->bytes == 50000 && c->body[0] == 'x' && c->body[49999] == 'x');
    get(c, "/taken", "", 200, NULL);
    MUST(c->bytes == 30000 && c->body[0] == 'y' && c->body[29999] == 'y');
    ask(c, "HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n", 200, NULL);
    get(c, "/redirect", "", 303, "");
    MUST(says(c, "Location: /elsewhere\r\n"));
    get(c, "/nowhere", "", 404, NULL);
    ask(c, "DELETE /large HTTP/1.1\r\nHost: a\r\n\r\n", 405, NULL);
    MUST(says(c, "Allow: GET, HEAD, OPTIONS\r\n"));
    ask(c, "OPTIONS /large HTTP/1.1\r\nHost: a\r\n\r\n", 204, NULL);
    ask(c, "GET /large HTTP/1.1\r\n\r\n", 400, NULL);
    get(c, "/redirect", "", 303, "");
}

SWEEP(all_that_a_handler_sees_and_says_is_right, { .build = build_all, .talk = talk_of_all })

/* ---- bodies that are streamed ---- */

enum { STREAMED = 100000 };

/* The body comes back, as it comes. */
static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[4096];
    ssize_t count;
    int rc = tr_http_begin(res, 200, "text/plain", (intptr_t)ctx);

    while (rc == 0 && (count = tr_http_read(req, piece, sizeof(piece))) != 0)
        rc = count < 0 ? (int)count : tr_http_write(res, piece, (size_t)count);
    return rc;
}

static int echo_whole(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_send(res, 200, "text/plain", body, bytes);
}

static int build_echo(tr_http_server *server)
{
    const tr_http_route_options streams = { .streams_body = true };
    int rc = tr_http_route_with(server, "POST", "/chunked", echo, (void *)-1, &streams);

    if (rc == 0)
        rc = tr_http_route_with(server, "POST", "/sized", echo, (void *)STREAMED, &streams);
    return rc == 0 ? tr_http_route(server, "POST", "/whole", echo_whole, NULL) : rc;
}

/* A body of STREAMED bytes, each of which tells where it stands. */
static void ask_to_echo(client *c, const char *path, const char *more, bool is_chunked)
{
    static char request[STREAMED + 1024];
    size_t bytes;

    bytes =
        (size_t)snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: a\r\n%s", path, more);
    if (is_chunked)
        bytes +=
            (size_t)sprintf(request + bytes, "Transfer-Encoding: chunked\r\n\r\n%x\r\n", STREAMED);
    else
        bytes += (size_t)sprintf(request + bytes, "Content-Length: %d\r\n\r\n", STREAMED);
    for (int i = 0; i < STREAMED; i++)
        request[bytes++] = (char)('a' + i % 23);
    if (is_chunked)
        bytes += (size_t)sprintf(request + bytes, "\r\n0\r\n\r\n");
    ask_bytes(c, request, bytes, 200, NULL);
    MUST(c->bytes == STREAMED);
    for (int i = 0; i < STREAMED; i++)
        MUST(c->body[i] == (char)('a' + i % 23));
}

static void talk_of_streams(client *c)
{
    ask_to_echo(c, "/chunked", "", false);
    ask_to_echo(c, "/sized", "Expect: 100-continue\r\n", false);
    ask_to_echo(c, "/chunked", "", true);
    ask_to_echo(c, "/whole", "", true);
    ask_to_echo(c, "/whole", "Expect: 100-continue\r\n", false);
}

SWEEP(a_streamed_body_is_whole_or_seen_to_be_cut, { .build = build_echo, .talk = talk_of_streams })

/* ---- events ---- */

static int send_events(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_events(res);

    (void)ctx;
    if (rc == 0)
        rc = tr_http_event_retry(res, 2);
    if (rc == 0)
        rc = tr_http_event(res, "news", "7", "one\ntwo");
    if (rc == 0)
        rc = tr_http_event_idle(res);
    return rc < 0 ? rc : tr_http_event(res, NULL, NULL, tr_http_last_event_id(req));
}

static int build_events(tr_http_server *server)
{
    return tr_http_route(server, "GET", "/events", send_events, NULL);
}

static void talk_of_events(client *c)
{
    for (int i = 0; i < 2; i++) {
        get(c, "/events", "Last-Event-ID: 6\r\n", 200,
            "retry: 2000\n\nevent: news\nid: 7\ndata: one\ndata: two\n\n:\n\ndata: 6\n\n");
        MUST(says(c, "Content-Type: text/event-stream\r\n"));
        MUST(says(c, "Cache-Control: no-store\r\n"));
    }
}

SWEEP(events_come_whole_or_their_stream_is_cut, { .build = build_events, .talk = talk_of_events })

/* ---- pipelining ---- */

enum { BATCH = 5 };

/* Answers come in order, as many as there are. */
static bool has_answered_batch(client *c)
{
    char request[1024];
    size_t bytes = 0;
    int rc = get_connected(c);

    for (int i = 0; i < BATCH; i++)
        bytes +=
            (size_t)snprintf(request + bytes, sizeof(request) - bytes,
                             "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d", i);
    if (rc == 0)
        rc = tr_write_all(c->io, request, bytes);
    for (int i = 0; rc == 0 && i < BATCH; i++) {
        c->bytes = 0;
        rc = hear(c, false);
        MUST(rc < 0 || is_right(c, 200, (char[]){ (char)('0' + i), 0 }) ||
             (has_struck() && is_failure(c)));
        if (rc == 0 && c->status != 200)
            rc = -1;
    }
    if (rc < 0)
        hang_up(c);
    return rc == 0;
}

static void talk_in_batches(client *c)
{
    for (int i = 0; i < 2; i++)
        if (!has_answered_batch(c)) {
            MUST(has_struck());
            MUST(has_answered_batch(c));
        }
}

SWEEP(requests_that_come_at_once_are_answered_in_order,
      { .build = build_echo, .talk = talk_in_batches })

SUITE_MAIN("http/sweep_answers", a_declared_body_is_filled_or_refused,
           all_that_a_handler_sees_and_says_is_right, a_streamed_body_is_whole_or_seen_to_be_cut,
           events_come_whole_or_their_stream_is_cut,
           requests_that_come_at_once_are_answered_in_order)
