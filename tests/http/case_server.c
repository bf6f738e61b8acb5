/* The server: requests and answers, in order; what is refused; its end. */
#include <stdio.h>
#include <stdlib.h>

#include "http/service.h"

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "hello, %s", tr_http_param(req, "name"));
}

static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_send(res, 200, "text/plain", body, bytes);
}

static int relay(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[7];
    ssize_t count = 0;
    int rc = tr_http_begin(res, 200, "text/plain", 20);

    (void)ctx;
    while (rc == 0 && (count = tr_http_read(req, piece, sizeof(piece))) > 0)
        rc = tr_http_write(res, piece, (size_t)count);
    return rc < 0 ? rc : (int)count;
}

static int late(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    EXPECT(tr_sleep(0.05) == 0);
    return tr_http_text(res, 200, "late");
}

static void begin(service *s, const tr_http_config *config)
{
    tr_http_server *server = new_server(config);

    EXPECT(tr_http_route(server, "GET", "/hello/:name", hello, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/echo", echo, NULL) == 0);
    EXPECT(tr_http_route_with(server, "POST", "/relay", relay, NULL,
                              &(tr_http_route_options){ .streams_body = true }) == 0);
    EXPECT(tr_http_route(server, "GET", "/late", late, NULL) == 0);
    begin_service(s, server);
}

CASE(requests_of_one_connection_are_answered_in_order)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ 0 });
    io = open_client(&s);
    say(io, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /hello/b%20c HTTP/1.1\r\nHost: a\r\n\r\n"
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "\r\n\r\nlate") != NULL);
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "hello, b c") != NULL);
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "\r\n\r\nabc") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* Each request is cut in two there. */
CASE(a_request_may_come_in_any_two_pieces)
{
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nX: y\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"
                                  "4\r\nwiki\r\n1;a=b\r\nX\r\n0\r\nT: v\r\n\r\n";
    char text[1024];
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ 0 });
    io = open_client(&s);
    for (size_t cut = 1; cut < sizeof(request) - 1; cut += 3) {
        EXPECT(tr_write_all(io, request, cut) == 0);
        EXPECT(tr_yield() == 0);
        EXPECT(tr_write_all(io, request + cut, sizeof(request) - 1 - cut) == 0);
        EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "\r\n\r\nwikiX") != NULL);
    }
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASE(a_body_is_streamed_both_ways)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ 0 });
    io = open_client(&s);
    say(io,
        "POST /relay HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 100);
    say(io, "0123456789");
    EXPECT(tr_yield() == 0);
    say(io, "0123456789GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "01234567890123456789") != NULL);
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "hello, x") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

static void expect_refusal(const service *s, const char *request, int status)
{
    char text[1024];
    tr_io *io = open_client(s);
    int answered;

    say(io, request);
    answered = hear(io, text, sizeof(text));
    if (answered != status)
        fprintf(stderr, "%d, not %d: %s\n", answered, status, request);
    EXPECT(answered == status);
    EXPECT(strstr(text, "Connection: close\r\n") != NULL);
    expect_end(io);
    EXPECT(tr_close(io) == 0);
}

CASE(what_is_no_request_is_refused_and_closed)
{
    static const struct {
        const char *request;
        int status;
    } refused[] = {
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\nHost: a\n\n", 400 },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
          400 },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          400 },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
          501 },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400 },
        { "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505 },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", 413 },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: luck\r\nContent-Length: 1\r\n\r\nx", 417 },
    };
    service s;

    begin(&s, &(tr_http_config){ 0 });
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_refusal(&s, refused[i].request, refused[i].status);
    end_service(&s);
}

CASE(a_head_that_comes_too_slowly_is_told_so)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ .head_timeout = 0.05 });
    io = open_client(&s);
    say(io, "GET /hel");
    EXPECT(hear(io, text, sizeof(text)) == 408);
    expect_end(io);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASE(who_was_accepted_is_answered_when_the_server_stops)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s, &(tr_http_config){ 0 });
    io = open_client(&s);
    say(io, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(tr_sleep(0.01) == 0);
    tr_http_stop(s.server);
    EXPECT(hear(io, text, sizeof(text)) == 200);
    EXPECT(strstr(text, "Connection: close\r\n") != NULL);
    expect_end(io);
    EXPECT(tr_close(io) == 0);
    EXPECT(tr_task_wait(s.task, TR_FOREVER) == 0);
    tr_task_unref(s.task);
}

/* Nobody has told it that the server listens: it looks. */
static int look_for_the_port(void *server)
{
    while (tr_http_port(server) == 0) {
        EXPECT(tr_http_address(server)[0] == 0 || tr_http_port(server) != 0); /* by now */
        EXPECT(tr_sleep(0.0001) == 0);
    }
    EXPECT(strstr(tr_http_address(server), "127.0.0.1:") != NULL);
    return 0;
}

CASE(the_port_may_be_asked_for_from_any_loop_at_any_time)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    tr_task *task;
    service s;

    EXPECT(tr_http_route(server, "GET", "/late", late, NULL) == 0);
    EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), look_for_the_port, server) == 0);
    begin_service(&s, server);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    end_service(&s);
}

static int await_ready(void *server)
{
    return tr_http_await_ready(server);
}

CASE(who_awaits_a_server_that_fails_at_once_is_told)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    tr_task *task;

    EXPECT(tr_http_route(server, "GET", "no slash", hello, NULL) == TR_EINVAL);
    EXPECT(tr_task_spawn(&task, await_ready, server) == 0); /* it has not begun yet */
    EXPECT(tr_http_serve(server) == TR_EINVAL);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_EINVAL);
    tr_task_unref(task);
}

CASES("server", requests_of_one_connection_are_answered_in_order,
      a_request_may_come_in_any_two_pieces, a_body_is_streamed_both_ways,
      what_is_no_request_is_refused_and_closed, a_head_that_comes_too_slowly_is_told_so,
      who_was_accepted_is_answered_when_the_server_stops,
      the_port_may_be_asked_for_from_any_loop_at_any_time,
      who_awaits_a_server_that_fails_at_once_is_told)
