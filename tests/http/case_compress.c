/* Compression of answers: what is compressed, for whom, and what is said of it. */
#include <zlib.h>

#include "http/service.h"

enum { LEAST = 1000, LARGE = 200 * 1024, ROOM = 256 * 1024 };

static char text[LARGE];

static int send_text(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int64_t bytes;
    int rc = tr_http_param_int(req, "bytes", &bytes);

    (void)ctx;
    return rc < 0 ? rc : tr_http_send(res, 200, "text/plain", text, (size_t)bytes);
}

static int send_tagged(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_set_header(res, "ETag", ctx);

    (void)req;
    return rc < 0 ? rc : tr_http_send(res, 200, "application/json", text, 5000);
}

/* In a coding of its own; a type that is compressed already; a part; nothing. */
static int send_as(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *how = ctx;
    int rc = 0;

    (void)req;
    if (strcmp(how, "br") == 0)
        rc = tr_http_set_header(res, "Content-Encoding", "br");
    else if (strcmp(how, "part") == 0)
        rc = tr_http_set_header(res, "Content-Range", "bytes 0-4999/9000");
    if (rc < 0)
        return rc;
    return tr_http_send(res, strcmp(how, "part") == 0 ? 206 : 200,
                        strcmp(how, "image") == 0 ? "image/png" : "text/html", text, 5000);
}

/* One that can't be made shorter. */
static int send_noise(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char noise[2000];
    uint32_t state = 1;

    (void)req;
    (void)ctx;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)((state = state * 1664525 + 1013904223) >> 24);
    return tr_http_send(res, 200, "text/plain", noise, sizeof(noise));
}

static int send_pieces(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", (intptr_t)ctx);

    (void)req;
    for (int i = 0; rc == 0 && i < 50; i++) {
        rc = tr_http_write(res, text + (size_t)i * 100, 100);
        if (rc == 0 && i % 20 == 0)
            rc = tr_http_flush(res);
    }
    return rc;
}

static int send_event(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_events(res);

    (void)req;
    (void)ctx;
    return rc < 0 ? rc : tr_http_event(res, NULL, NULL, "news");
}

static void begin(service *s)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26 + i / 1000 % 5);
    EXPECT(tr_http_use(server, tr_http_compress(&(tr_http_compress_options){ .least = LEAST })) ==
           0);
    EXPECT(tr_http_route(server, "GET", "/text/:bytes", send_text, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/tagged", send_tagged, "\"abc\"") == 0);
    EXPECT(tr_http_route(server, "GET", "/weak", send_tagged, "W/\"abc\"") == 0);
    EXPECT(tr_http_route(server, "GET", "/br", send_as, "br") == 0);
    EXPECT(tr_http_route(server, "GET", "/image", send_as, "image") == 0);
    EXPECT(tr_http_route(server, "GET", "/part", send_as, "part") == 0);
    EXPECT(tr_http_route(server, "GET", "/noise", send_noise, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/pieces", send_pieces, (void *)-1) == 0);
    EXPECT(tr_http_route(server, "GET", "/sized", send_pieces, (void *)5000) == 0);
    EXPECT(tr_http_route(server, "GET", "/short", send_pieces, (void *)9000) == 0);
    EXPECT(tr_http_route(server, "GET", "/events", send_event, NULL) == 0);
    begin_service(s, server);
}

/* ---- a client ---- */

typedef struct answer {
    char head[2048];
    char body[ROOM];
    size_t bytes;
} answer;

static size_t hear_chunk(tr_io *io, char *at, size_t room)
{
    const char *line;
    size_t bytes;

    EXPECT(tr_read_until(io, &line, "\r\n", 32) > 0);
    bytes = strtoul(line, NULL, 16);
    EXPECT(bytes <= room && (bytes == 0 || tr_read_exact(io, at, bytes) == 0));
    EXPECT(tr_read_until(io, &line, "\r\n", 2) == 2);
    return bytes;
}

/* Ask, and hear all: the status. */
static int ask(tr_io *io, const char *method, const char *path, const char *accepted, answer *a)
{
    char request[256];
    const char *head, *length;
    ssize_t bytes;
    size_t count;

    (void)snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n%s%s%s\r\n", method,
                   path, accepted != NULL ? "Accept-Encoding: " : "",
                   accepted != NULL ? accepted : "", accepted != NULL ? "\r\n" : "");
    say(io, request);
    bytes = tr_read_until(io, &head, "\r\n\r\n", sizeof(a->head) - 1);
    EXPECT(bytes > 0);
    memcpy(a->head, head, (size_t)bytes);
    a->head[bytes] = 0;
    a->bytes = 0;
    length = strstr(a->head, "Content-Length: ");
    if (strcmp(method, "HEAD") == 0)
        ;
    else if (strstr(a->head, "Transfer-Encoding: chunked\r\n") != NULL)
        while ((count = hear_chunk(io, a->body + a->bytes, ROOM - a->bytes)) > 0)
            a->bytes += count;
    else if (length != NULL && (a->bytes = strtoul(length + 16, NULL, 10)) > 0)
        EXPECT(a->bytes <= ROOM && tr_read_exact(io, a->body, a->bytes) == 0);
    return (int)strtol(a->head + 9, NULL, 10);
}

static bool says(const answer *a, const char *line)
{
    return strstr(a->head, line) != NULL;
}

static bool is_packed(const answer *a)
{
    EXPECT(says(a, "Vary: Accept-Encoding\r\n")); /* whether it is, or not */
    return says(a, "Content-Encoding: gzip\r\n");
}

static bool is_text(const answer *a, size_t bytes)
{
    return a->bytes == bytes && memcmp(a->body, text, bytes) == 0;
}

/* What it is, unpacked. */
static bool unpacks_to_text(const answer *a, size_t bytes)
{
    unsigned char *plain = malloc(ROOM);
    z_stream stream = { .next_in = (unsigned char *)(uintptr_t)a->body,
                        .avail_in = (unsigned)a->bytes,
                        .next_out = plain,
                        .avail_out = ROOM };
    bool is_same;

    EXPECT(plain != NULL && inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
    EXPECT(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0);
    is_same = ROOM - stream.avail_out == bytes && memcmp(plain, text, bytes) == 0;
    EXPECT(inflateEnd(&stream) == Z_OK);
    free(plain);
    return is_same;
}

typedef struct visit {
    service s;
    tr_io *io;
    answer *a;
} visit;

static void begin_visit(visit *v)
{
    v->a = malloc(sizeof(*v->a));
    EXPECT(v->a != NULL);
    begin(&v->s);
    v->io = open_client(&v->s);
}

static void end_visit(visit *v)
{
    EXPECT(tr_close(v->io) == 0);
    end_service(&v->s);
    free(v->a);
}

/* ---- the cases ---- */

CASE(texts_that_are_worth_it_are_compressed)
{
    static const size_t sizes[] = { LEAST, 5000, 64 * 1024, LARGE };
    char path[32];
    visit v;

    begin_visit(&v);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        (void)snprintf(path, sizeof(path), "/text/%zu", sizes[i]);
        EXPECT(ask(v.io, "GET", path, "gzip", v.a) == 200);
        EXPECT(is_packed(v.a) && unpacks_to_text(v.a, sizes[i]) && v.a->bytes < sizes[i] / 2);
    }
    EXPECT(ask(v.io, "GET", "/text/999", "gzip", v.a) == 200);
    EXPECT(!is_packed(v.a) && is_text(v.a, 999));
    EXPECT(ask(v.io, "GET", "/text/0", "gzip", v.a) == 200 && !is_packed(v.a));
    EXPECT(ask(v.io, "GET", "/noise", "gzip", v.a) == 200);
    EXPECT(!is_packed(v.a) && v.a->bytes == 2000);
    end_visit(&v);
}

CASE(who_does_not_want_it_compressed_gets_it_as_it_is)
{
    static const char *const no[] = { NULL,
                                      "",
                                      "br",
                                      "identity",
                                      "gzip;q=0",
                                      "gzip;q=0.000, br",
                                      "*;q=0, identity",
                                      "identity, gzip;q=0.5",
                                      "gzip;q=x" };
    static const char *const yes[] = { "gzip", "GZIP", "br, gzip;q=0.1", "*",
                                       "deflate, gzip;q=1.0, *;q=0.5" };
    visit v;

    begin_visit(&v);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        EXPECT(ask(v.io, "GET", "/text/5000", no[i], v.a) == 200);
        if (is_packed(v.a))
            fprintf(stderr, "compressed: %s\n", no[i] != NULL ? no[i] : "(nothing)");
        EXPECT(!is_packed(v.a) && is_text(v.a, 5000));
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        EXPECT(ask(v.io, "GET", "/text/5000", yes[i], v.a) == 200);
        if (!is_packed(v.a))
            fprintf(stderr, "not compressed: %s\n", yes[i]);
        EXPECT(is_packed(v.a) && unpacks_to_text(v.a, 5000));
    }
    end_visit(&v);
}

CASE(what_is_compressed_already_or_a_part_is_left_alone)
{
    static const char *const paths[] = { "/br", "/image", "/part" };
    visit v;

    begin_visit(&v);
    for (size_t i = 0; i < 3; i++) {
        EXPECT(ask(v.io, "GET", paths[i], "gzip", v.a) == (i == 2 ? 206 : 200));
        EXPECT(!is_packed(v.a) && is_text(v.a, 5000));
        EXPECT(says(v.a, "Content-Encoding: br\r\n") == (i == 0));
    }
    end_visit(&v);
}

/* Its tag is a weak one: byte by byte, it is another answer. */
CASE(what_is_compressed_has_a_weak_tag)
{
    visit v;

    begin_visit(&v);
    EXPECT(ask(v.io, "GET", "/tagged", "gzip", v.a) == 200 && is_packed(v.a));
    EXPECT(says(v.a, "ETag: W/\"abc\"\r\n"));
    EXPECT(ask(v.io, "GET", "/weak", "gzip", v.a) == 200 && is_packed(v.a));
    EXPECT(says(v.a, "ETag: W/\"abc\"\r\n"));
    EXPECT(ask(v.io, "GET", "/tagged", NULL, v.a) == 200 && !is_packed(v.a));
    EXPECT(says(v.a, "ETag: \"abc\"\r\n"));
    end_visit(&v);
}

/* As it would be with a body. */
CASE(a_head_says_what_is_said_with_the_body)
{
    char length[64];
    visit v;

    begin_visit(&v);
    EXPECT(ask(v.io, "GET", "/text/5000", "gzip", v.a) == 200 && is_packed(v.a));
    (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", v.a->bytes);
    EXPECT(ask(v.io, "HEAD", "/text/5000", "gzip", v.a) == 200 && is_packed(v.a));
    EXPECT(says(v.a, length));
    EXPECT(ask(v.io, "HEAD", "/pieces", "gzip", v.a) == 200 && is_packed(v.a));
    EXPECT(ask(v.io, "HEAD", "/text/5000", NULL, v.a) == 200 && !is_packed(v.a));
    EXPECT(says(v.a, "Content-Length: 5000\r\n"));
    end_visit(&v);
}

/* Nobody knows how short it becomes: what was promised is not said. */
CASE(what_is_written_in_pieces_goes_out_compressed)
{
    visit v;

    begin_visit(&v);
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "/pieces" : "/sized";

        EXPECT(ask(v.io, "GET", path, "gzip", v.a) == 200 && is_packed(v.a));
        EXPECT(unpacks_to_text(v.a, 5000) && !says(v.a, "Content-Length"));
        EXPECT(ask(v.io, "GET", path, NULL, v.a) == 200 && !is_packed(v.a));
        EXPECT(is_text(v.a, 5000) && says(v.a, "Content-Length: 5000\r\n") == (i == 1));
    }
    EXPECT(ask(v.io, "GET", "/events", "gzip", v.a) == 200 && !is_packed(v.a));
    EXPECT(v.a->bytes == 12 && memcmp(v.a->body, "data: news\n\n", 12) == 0);
    end_visit(&v);
}

/* That something is missing can't be told from a length, for none is said: so the last chunk is
 * missing, too. */
CASE(an_answer_that_is_shorter_than_promised_is_cut)
{
    char end[5] = "";
    char piece[512];
    ssize_t count;
    size_t all = 0;
    visit v;

    begin_visit(&v);
    say(v.io, "GET /short HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    while ((count = tr_read(v.io, piece, sizeof(piece))) > 0)
        for (ssize_t i = 0; i < count; i++, all++) {
            memmove(end, end + 1, sizeof(end) - 1);
            end[sizeof(end) - 1] = piece[i];
        }
    EXPECT(all > 100 && memcmp(end, "0\r\n\r\n", sizeof(end)) != 0);
    end_visit(&v);
}

CASE(a_level_that_there_is_not_is_refused)
{
    EXPECT(tr_http_compress(&(tr_http_compress_options){ .level = 10 }).error == TR_EINVAL);
    EXPECT(tr_http_compress(&(tr_http_compress_options){ .level = -1 }).error == TR_EINVAL);
}

CASES("compress", texts_that_are_worth_it_are_compressed,
      who_does_not_want_it_compressed_gets_it_as_it_is,
      what_is_compressed_already_or_a_part_is_left_alone, what_is_compressed_has_a_weak_tag,
      a_head_says_what_is_said_with_the_body, what_is_written_in_pieces_goes_out_compressed,
      an_answer_that_is_shorter_than_promised_is_cut, a_level_that_there_is_not_is_refused)
