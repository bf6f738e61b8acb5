/* The server's limits: of time, of connections, of memory. */
#include "base/seam.h"
#include "http/service.h"

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

static int drink(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[64];
    ssize_t count;

    (void)ctx;
    while ((count = tr_http_read(req, piece, sizeof(piece))) > 0)
        ;
    return count < 0 ? (int)count : tr_http_text(res, 200, "drunk");
}

static int dawdle(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc;

    (void)req;
    (void)res;
    (void)ctx;
    rc = tr_sleep(1000);
    return rc;
}

/* More than any socket takes at once. */
static int flood(tr_http_request *req, tr_http_response *res, void *ctx)
{
    enum { BYTES = 64 * 1024 * 1024 };

    (void)req;
    (void)ctx;
    return tr_http_send_taken(res, 200, NULL, calloc(1, BYTES), BYTES, free);
}

static void begin(service *s, const tr_http_config *config)
{
    tr_http_server *server = new_server(config);
    tr_http_server *group;

    EXPECT(tr_http_group(&group, server, "/compressed") == 0);
    EXPECT(tr_http_use(group, tr_http_compress(NULL)) == 0);
    EXPECT(tr_http_route(group, "GET", "/slow", dawdle, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/", hello, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/", hello, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/slow", dawdle, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/flood", flood, NULL) == 0);
    EXPECT(tr_http_route_with(server, "GET", "/patient", dawdle, NULL,
                              &(tr_http_route_options){ .timeout = 0.01 }) == 0);
    EXPECT(tr_http_route_with(server, "POST", "/drink", drink, NULL,
                              &(tr_http_route_options){ .streams_body = true }) == 0);
    begin_service(s, server);
}

static void end(service *s, tr_io *io)
{
    EXPECT(tr_close(io) == 0);
    end_service(s);
}

/* Ask, and hear the answer, which is the last one. */
static void expect_last(const service *s, const char *request, int status)
{
    char text[2048];
    tr_io *io = open_client(s);
    int answered;

    say(io, request);
    answered = hear(io, text, sizeof(text));
    if (answered != status)
        fprintf(stderr, "%d, not %d: %.200s\n", answered, status, request);
    EXPECT(answered == status);
    expect_end(io);
    EXPECT(tr_close(io) == 0);
}

static void expect_hello(tr_io *io)
{
    char text[1024];

    say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200);
}

/* ---- time ---- */

/* Writes a byte whenever it can, until the server has had enough. */
CASE(a_head_that_trickles_has_no_more_time_than_another)
{
    service s;
    tr_io *io;
    int rc = 0;
    int bytes;

    begin(&s, &(tr_http_config){ .head_timeout = 0.05, .drain = 0.1 });
    io = open_client(&s);
    say(io, "GET / HTTP/1.1\r\nX: ");
    for (bytes = 0; rc == 0 && bytes < 1000; bytes++) {
        rc = tr_write_all(io, "x", 1);
        if (rc == 0)
            rc = tr_sleep(0.01);
    }
    EXPECT(rc == TR_EPIPE || rc == TR_ECONNRESET);
    end(&s, io);
}

CASE(a_body_that_does_not_come_is_told_so)
{
    service s;

    begin(&s, &(tr_http_config){ .body_timeout = 0.02, .drain = 0.1 });
    expect_last(&s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", 408);
    expect_last(&s, "POST /drink HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", 408);
    end_service(&s);
}

CASE(a_connection_that_idles_is_closed)
{
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ .idle_timeout = 0.02, .drain = 0.1 });
    io = open_client(&s);
    expect_end(io);
    end(&s, io);
}

CASE(a_client_that_takes_nothing_is_given_up)
{
    service s;
    tr_io *io;
    char piece[4096];
    ssize_t count;

    begin(&s, &(tr_http_config){ .write_timeout = 0.02, .drain = 0.1 });
    io = open_client(&s);
    say(io, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(tr_sleep(0.5) == 0);
    while ((count = tr_read(io, piece, sizeof(piece))) > 0)
        ;
    EXPECT(count == 0 || count == TR_ECONNRESET);
    end(&s, io);
}

CASE(a_handler_that_takes_too_long_is_cancelled)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ .handler_timeout = 0.02, .drain = 0.1 });
    io = open_client(&s);
    say(io, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 504);
    say(io, "GET /patient HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 504);
    say(io, "GET /compressed/slow HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 504);
    expect_hello(io);
    end(&s, io);
}

/* It is no fault of the server. */
CASE(a_client_that_ends_within_a_body_is_told_so)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ .drain = 0.1 });
    io = open_client(&s);
    say(io, "POST /drink HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT(tr_close_write(io) == 0);
    EXPECT(hear(io, text, sizeof(text)) == 400);
    expect_end(io);
    end(&s, io);
}

/* ---- size ---- */

static void fill(char *text, const char *begin, const char *middle, int times, const char *end)
{
    text += sprintf(text, "%s", begin);
    while (times-- > 0)
        text += sprintf(text, "%s", middle);
    (void)sprintf(text, "%s", end);
}

CASE(what_is_too_large_is_refused)
{
    static char text[65536];
    service s;

    begin(&s, &(tr_http_config){ .head_bytes_most = 1000,
                                 .headers_most = 10,
                                 .target_most = 100,
                                 .body_most = 50,
                                 .drain = 0.1 });
    fill(text, "GET /", "x", 100, " HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_last(&s, text, 414);
    fill(text, "GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", 10, "\r\n");
    expect_last(&s, text, 431);
    fill(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", "y", 1000, "\r\n\r\n");
    expect_last(&s, text, 431);
    fill(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", "y", 1000, ""); /* it never ends */
    expect_last(&s, text, 431);
    fill(text, "", "\r\n", 1000, "");
    expect_last(&s, text, 431);
    expect_last(&s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 51\r\n\r\n", 413);
    expect_last(&s, "POST /drink HTTP/1.1\r\nHost: a\r\nContent-Length: 51\r\n\r\n", 413);
    fill(text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 51,
         "");
    expect_last(&s, text, 413);
    fill(text, "POST /drink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
         "1\r\nx\r\n", 51, "");
    expect_last(&s, text, 413);
    fill(text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x", 20000,
         "");
    expect_last(&s, text, 413);
    fill(text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n",
         5000, "");
    expect_last(&s, text, 413);
    end_service(&s);
}

/* ---- connections ---- */

CASE(more_connections_than_allowed_are_closed)
{
    service s;
    tr_io *first, *second, *third;

    begin(&s, &(tr_http_config){ .connections_most = 2, .drain = 0.1 });
    first = open_client(&s);
    expect_hello(first);
    second = open_client(&s);
    expect_hello(second);
    third = open_client(&s);
    expect_end(third);
    EXPECT(tr_close(third) == 0);
    expect_hello(first);
    EXPECT(tr_close(first) == 0);
    end(&s, second);
}

CASE(an_address_has_no_more_connections_than_allowed)
{
    service s;
    tr_io *first, *second, *third;

    begin(&s, &(tr_http_config){ .connections_each = 2, .drain = 0.1 });
    first = open_client(&s);
    expect_hello(first);
    second = open_client(&s);
    expect_hello(second);
    third = open_client(&s);
    expect_end(third);
    EXPECT(tr_close(third) == 0);
    say(first, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT(hear(first, (char[1024]){ 0 }, 1024) == 200);
    expect_end(first);
    EXPECT(tr_close(first) == 0);
    expect_hello(second);
    end(&s, second);
}

CASES("limits", a_head_that_trickles_has_no_more_time_than_another,
      a_body_that_does_not_come_is_told_so, a_connection_that_idles_is_closed,
      a_client_that_takes_nothing_is_given_up, a_handler_that_takes_too_long_is_cancelled,
      a_client_that_ends_within_a_body_is_told_so, what_is_too_large_is_refused,
      more_connections_than_allowed_are_closed, an_address_has_no_more_connections_than_allowed)
