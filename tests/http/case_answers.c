/* Answers: how they are framed, what stands around them, and what handlers return. */
#include "http/service.h"

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

static int begin_empty(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_begin(res, 204, NULL, -1);
}

static int return_it(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)res;
    return *(const int *)ctx;
}

/* Does not want the body. */
static int ignore(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 403, "no");
}

/* Gives the body back as it comes. */
static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[64];
    ssize_t count = 0;
    int rc = tr_http_begin(res, 200, NULL, 10);

    (void)ctx;
    while (rc == 0 && (count = tr_http_read(req, piece, sizeof(piece))) > 0) {
        rc = tr_http_write(res, piece, (size_t)count);
        if (rc == 0)
            rc = tr_http_flush(res);
    }
    return rc < 0 ? rc : (int)count;
}

static void begin(service *s)
{
    static const int nothing = 0, no_entry = TR_ENOENT, invalid = TR_EINVAL;
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.1 });

    EXPECT(tr_http_route(server, "GET", "/", hello, NULL) == 0);
    EXPECT(tr_http_route(server, "OPTIONS", "/", begin_empty, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/empty", begin_empty, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/0", return_it, (void *)&nothing) == 0);
    EXPECT(tr_http_route(server, "GET", "/404", return_it, (void *)&no_entry) == 0);
    EXPECT(tr_http_route(server, "GET", "/400", return_it, (void *)&invalid) == 0);
    EXPECT(tr_http_route_with(server, "POST", "/ignore", ignore, NULL,
                              &(tr_http_route_options){ .streams_body = true }) == 0);
    EXPECT(tr_http_route_with(server, "POST", "/echo", echo, NULL,
                              &(tr_http_route_options){ .streams_body = true }) == 0);
    begin_service(s, server);
}

static int ask(tr_io *io, const char *method, const char *path, char *text, size_t room)
{
    char request[256];

    (void)snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", method, path);
    say(io, request);
    return hear(io, text, room);
}

CASE(handlers_answer_by_what_they_return)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s);
    io = open_client(&s);
    EXPECT(ask(io, "GET", "/0", text, sizeof(text)) == 204);
    EXPECT(strstr(text, "Content-Length") == NULL);
    EXPECT(ask(io, "GET", "/empty", text, sizeof(text)) == 204);
    EXPECT(strstr(text, "Transfer-Encoding") == NULL);
    EXPECT(ask(io, "GET", "/404", text, sizeof(text)) == 404);
    EXPECT(strstr(text, "application/problem+json") != NULL);
    EXPECT(ask(io, "GET", "/400", text, sizeof(text)) == 400);
    EXPECT(ask(io, "GET", "/nowhere", text, sizeof(text)) == 404);
    EXPECT(ask(io, "GET", "/", text, sizeof(text)) == 200);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASE(other_methods_are_told_which_there_are)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s);
    io = open_client(&s);
    EXPECT(ask(io, "DELETE", "/", text, sizeof(text)) == 405);
    EXPECT(strstr(text, "Allow: GET, HEAD, OPTIONS\r\n") != NULL);
    EXPECT(ask(io, "OPTIONS", "/empty", text, sizeof(text)) == 204);
    EXPECT(strstr(text, "Allow: GET, HEAD, OPTIONS\r\n") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* Behind another request, too. */
CASE(a_body_that_nobody_reads_is_not_asked_for)
{
    char text[1024];
    service s;
    tr_io *io;

    begin(&s);
    io = open_client(&s);
    say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            "POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            "Content-Length: 3\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200);
    EXPECT(hear(io, text, sizeof(text)) == 403);
    EXPECT(strstr(text, "Connection: close\r\n") != NULL);
    expect_end(io);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* It would stand within the answer's body. */
CASE(a_client_that_does_not_wait_is_not_told_to_go_on)
{
    char text[1024];
    const char *head;
    service s;
    tr_io *io;

    begin(&s);
    io = open_client(&s);
    say(io, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            "Content-Length: 10\r\n\r\nhello");
    EXPECT(tr_read_until(io, &head, "\r\n\r\n", 1000) > 0);
    EXPECT(strncmp(head, "HTTP/1.1 200 ", 13) == 0);
    EXPECT(tr_read_exact(io, text, 5) == 0 && memcmp(text, "hello", 5) == 0);
    say(io, "world");
    EXPECT(tr_read_exact(io, text, 5) == 0 && memcmp(text, "world", 5) == 0);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* Only HEAD itself is answered without a body; what only begins so is not known. */
CASE(a_method_that_begins_as_HEAD_is_refused_with_a_body)
{
    char text[1024];
    tr_io *io;
    service s;

    begin(&s);
    io = open_client(&s);
    say(io, "HEADS / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 501);
    EXPECT(strstr(text, "\"status\":501") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASES("answers", handlers_answer_by_what_they_return, other_methods_are_told_which_there_are,
      a_body_that_nobody_reads_is_not_asked_for, a_client_that_does_not_wait_is_not_told_to_go_on,
      a_method_that_begins_as_HEAD_is_refused_with_a_body)
