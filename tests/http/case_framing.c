/* What ends where: requests that somebody might read in another way are refused, and nothing that
 * follows them is answered (RFC 9112, 11.2). */
#include "http/service.h"

static int lengths(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;

    (void)ctx;
    (void)tr_http_body(req, &bytes);
    return tr_http_text(res, 200, "%zu bytes", bytes);
}

typedef struct vector {
    const char *request;
    size_t bytes;
    int status;
} vector;

#define VECTOR(text, status)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }
/* Another request stands behind each, which must not be answered. */
#define HIDDEN              "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(headers, body) "POST / HTTP/1.1\r\nHost: a\r\n" headers "\r\n" body HIDDEN
#define GET(headers)        "GET / HTTP/1.1\r\n" headers "\r\n" HIDDEN
#define CHUNKS(body)        POST("Transfer-Encoding: chunked\r\n", body)

/* All that comes until the end: how many answers, and the status of the first. */
static int hear_all(tr_io *io, int *status)
{
    static char text[16384];
    size_t filled = 0;
    int answers = 0;
    ssize_t count;

    while ((count = tr_read(io, text + filled, sizeof(text) - 1 - filled)) > 0)
        filled += (size_t)count;
    text[filled] = 0;
    *status = filled > 12 ? atoi(text + 9) : 0;
    for (const char *at = text; (at = strstr(at, "\r\nDate: ")) != NULL; at++)
        answers++;
    return count == 0 ? answers : (int)count;
}

static bool is_refused(const service *s, const vector *v)
{
    tr_io *io = open_client(s);
    int status;
    int answers;

    EXPECT(tr_write_all(io, v->request, v->bytes) == 0);
    answers = hear_all(io, &status);
    if (answers != 1 || status != v->status)
        fprintf(stderr, "%d (%d answers), not %d: %s\n", status, answers, v->status, v->request);
    EXPECT(tr_close(io) == 0);
    return answers == 1 && status == v->status;
}

static void begin(service *s)
{
    tr_http_server *server = new_server(&(tr_http_config){
        .drain = 0.1, .head_timeout = 10, .body_timeout = 10, .idle_timeout = 10 });

    EXPECT(tr_http_route(server, "GET", "/", lengths, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/", lengths, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/hidden", lengths, NULL) == 0);
    begin_service(s, server);
}

static void expect_all_refused(const vector *vectors, size_t count)
{
    bool are_refused = true;
    service s;

    begin(&s);
    for (size_t i = 0; i < count; i++)
        are_refused &= is_refused(&s, &vectors[i]);
    EXPECT(are_refused);
    end_service(&s);
}

#define EXPECT_ALL_REFUSED(vectors)                                                                \
    expect_all_refused(vectors, sizeof(vectors) / sizeof((vectors)[0]))

CASE(a_body_has_one_length_which_all_read_alike)
{
    static const vector vectors[] = {
        VECTOR(POST("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 3\r\nContent-Length: 4\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 3, 3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: +3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: -3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 0x3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 3 3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 3a\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 3.0\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: \r\n", "abc"), 400),
        VECTOR(POST("Content-Length:\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 18446744073709551616\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 18446744073709551619\r\n", "abc"), 400),
        VECTOR(POST("Content-Length: 18446744073709551615\r\n", "abc"), 413),
        VECTOR(POST("Content-Length: 1073741824\r\n", "abc"), 413),
        VECTOR(POST("Content-Length: 3\r\n 3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length:\r\n 3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length : 3\r\n", "abc"), 400),
        VECTOR(POST("Content-Length\t: 3\r\n", "abc"), 400),
        VECTOR(POST(" Content-Length: 3\r\n", "abc"), 400),
    };

    EXPECT_ALL_REFUSED(vectors);
}

CASE(only_chunked_is_a_transfer_encoding)
{
    static const vector vectors[] = {
        VECTOR(POST("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("Transfer-Encoding: identity\r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: \r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: chunk\r\n", "0\r\n\r\n"), 501),
        VECTOR(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
               400),
        VECTOR(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
               400),
        VECTOR(POST("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("Transfer-Encoding: chunked\r\n \r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("Transfer-Encoding: \x0b"
                    "chunked\r\n",
                    "0\r\n\r\n"),
               400),
        VECTOR(POST("Transfer-Encoding: chunked\x7f\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
        VECTOR(POST("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
        VECTOR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN, 400),
    };

    EXPECT_ALL_REFUSED(vectors);
}

CASE(chunks_are_what_they_say)
{
    static const vector vectors[] = {
        VECTOR(CHUNKS("x\r\n"), 400),
        VECTOR(CHUNKS("0x3\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("+3\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("-3\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS(" 3\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3 \r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3\rabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3\r\nabc\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3\r\nabcd\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3\r\nabcXX0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3;\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3;a\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3;a\rabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("10000000000000003\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400),
        VECTOR(CHUNKS("3\r\nabc\r\n0\r\n\n"), 400),
        VECTOR(CHUNKS("3\r\nabc\r\n0\r\nX: y\r\n\n"), 400),
        VECTOR(CHUNKS("0\r\nX\r\n\r\n"), 400),
        VECTOR(CHUNKS("0\r\n X: y\r\n\r\n"), 400),
        VECTOR(CHUNKS("0\r\nX : y\r\n\r\n"), 400),
        VECTOR(CHUNKS("0\r\nX: y\n\r\n"), 400),
    };

    EXPECT_ALL_REFUSED(vectors);
}

CASE(lines_end_as_they_must)
{
    static const vector vectors[] = {
        VECTOR("GET / HTTP/1.1\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET / HTTP/1.1\r\nHost: a\n\r\n" HIDDEN, 400),
        VECTOR("GET / HTTP/1.1\r\nHost: a\r\n\n" HIDDEN, 400),
        VECTOR("GET / HTTP/1.1\rHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET / HTTP/1.1\r\nHost: a\r\r\n" HIDDEN, 400),
        VECTOR("GET / HTTP/1.1\r\nHost: a\r\n\r" HIDDEN, 400),
        VECTOR("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET  / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /  HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /\nx HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET / x HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 501),
        VECTOR(GET("Host: a\r\nX: a\rb\r\n"), 400),
        VECTOR(GET("Host: a\r\nX: a\nb\r\n"), 400),
        VECTOR(GET("Host: a\r\nX: a\r\n b\r\n"), 400),
        VECTOR(GET("Host: a\r\nX: a\r\n\tb\r\n"), 400),
        VECTOR(GET("Host: a\r\nX:\r\n b\r\n"), 400),
        VECTOR(GET("Host: a\r\nX:\r\n \r\n"), 400),
        VECTOR(GET("X:\r\n \r\nHost: a\r\n"), 400),
        VECTOR(GET("Host: a\r\nX: a\r\n \r\n"), 400),
        VECTOR(GET("\r\n Host: a\r\n"), 400),
        VECTOR(GET(" Host: a\r\n"), 400),
    };

    EXPECT_ALL_REFUSED(vectors);
}

CASE(names_and_values_are_of_the_bytes_they_may_have)
{
    static const vector vectors[] = {
        VECTOR(GET("Host: a\r\nX: a\0b\r\n"), 400),
        VECTOR(GET("Host: a\r\nX\0: a\r\n"), 400),
        VECTOR(GET("Host: a\r\nX: \x01\r\n"), 400),
        VECTOR(GET("Host: a\r\nX: \x7f\r\n"), 400),
        VECTOR(GET("Host: a\r\nX y: a\r\n"), 400),
        VECTOR(GET("Host: a\r\nX\xc3\xa4: a\r\n"), 400),
        VECTOR(GET("Host: a\r\n: a\r\n"), 400),
        VECTOR(GET(": a\r\nHost: a\r\n"), 400),
        VECTOR(GET("Host: a\r\nX\r\n"), 400),
        VECTOR(GET("Host: a\r\nX(y): a\r\n"), 400),
        VECTOR("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
    };

    EXPECT_ALL_REFUSED(vectors);
}

CASE(a_request_is_for_one_host)
{
    static const vector vectors[] = {
        VECTOR(GET(""), 400),
        VECTOR(GET("Host: a\r\nHost: a\r\n"), 400),
        VECTOR(GET("Host: a\r\nhOST: b\r\n"), 400),
        VECTOR(GET("Host: a, b\r\n"), 400),
        VECTOR(GET("Host: a b\r\n"), 400),
        VECTOR(GET("Host: a@b\r\n"), 400),
        VECTOR(GET("Host: a/b\r\n"), 400),
        VECTOR(GET("Host: a:b\r\n"), 400),
        VECTOR(GET("Host: [::1\r\n"), 400),
        VECTOR("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n" HIDDEN, 400),
        VECTOR("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
    };

    EXPECT_ALL_REFUSED(vectors);
}

CASE(only_http_is_spoken_and_only_one_of_two_versions)
{
    static const vector vectors[] = {
        VECTOR("GET / HTTP/1.2\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET / HTTP/2.0\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET / HTTP/0.9\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET / HTTP/11\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET / HTTP/1.10\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("GET / http/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET / RTSP/1.0\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("OPTIONS * RTSP/1.0\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("SOURCE / ICE/1.0\r\nHost: a\r\n\r\n" HIDDEN, 505),
        VECTOR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        VECTOR("get / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 501),
        VECTOR("FOO / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 501),
        VECTOR("GETS / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 501),
        VECTOR("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" HIDDEN, 501),
        VECTOR(" GET / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 501),
        VECTOR("GET * HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET a HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("GET HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 400),
        VECTOR("\x16\x03\x01\x02", 501),
    };

    EXPECT_ALL_REFUSED(vectors);
}

/* What is unusual, and yet may be: all of it is answered, and so is what follows. */
CASE(what_may_be_is_answered)
{
    static const vector vectors[] = {
        VECTOR(GET("Host: a\r\n"), 200),
        VECTOR(GET("Host:\r\n"), 200),
        VECTOR(GET("host:a\r\n"), 200),
        VECTOR(GET("Host: \t a \t \r\n"), 200),
        VECTOR(GET("Host: a\r\nX:\r\nY: \r\n"), 200),
        VECTOR(GET("Host: a\r\nX: \xc3\xa4\r\n"), 200),
        VECTOR("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 200),
        VECTOR("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 200),
        VECTOR("GET http://A HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 200),
        VECTOR("GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n" HIDDEN, 200),
        VECTOR(POST("Content-Length: 3\r\n", "abc"), 200),
        VECTOR(POST("Content-Length: 003\r\n", "abc"), 200),
        VECTOR(POST("cOnTeNt-LeNgTh:3 \r\n", "abc"), 200),
        VECTOR(POST("Content-Length: 0\r\n", ""), 200),
        VECTOR(CHUNKS("3\r\nabc\r\n0\r\n\r\n"), 200),
        VECTOR(CHUNKS("003\r\nabc\r\n000\r\n\r\n"), 200),
        VECTOR(CHUNKS("3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"), 200),
        VECTOR(POST("transfer-encoding: Chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), 200),
        VECTOR(POST("Transfer-Encoding: chunked \r\n", "3\r\nabc\r\n0\r\n\r\n"), 200),
    };
    service s;

    begin(&s);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        tr_io *io = open_client(&s);
        char text[1024];
        int status;

        EXPECT(tr_write_all(io, vectors[i].request, vectors[i].bytes) == 0);
        status = hear(io, text, sizeof(text));
        if (status != 200)
            fprintf(stderr, "%d: %s\n", status, vectors[i].request);
        EXPECT(status == 200);
        EXPECT(strstr(text, strstr(vectors[i].request, "abc") != NULL ? "3 bytes" : "0 bytes") !=
               NULL);
        EXPECT(hear(io, text, sizeof(text)) == 200);
        EXPECT(tr_close(io) == 0);
    }
    end_service(&s);
}

CASES("framing", a_body_has_one_length_which_all_read_alike, only_chunked_is_a_transfer_encoding,
      chunks_are_what_they_say, lines_end_as_they_must,
      names_and_values_are_of_the_bytes_they_may_have, a_request_is_for_one_host,
      only_http_is_spoken_and_only_one_of_two_versions, what_may_be_is_answered)
