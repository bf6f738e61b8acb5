/* Compressed answers. */
#include <zlib.h>

#include "client/echo.h"

enum { LARGE = 300 * 1000 };

static size_t compress_as(int window_bits, const void *data, size_t bytes, char *out, size_t room)
{
    z_stream stream = { 0 };

    EXPECT(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)bytes;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    EXPECT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    EXPECT(deflateEnd(&stream) == Z_OK);
    return room - stream.avail_out;
}

/* "/zeros/gzip", "/zeros/deflate", "/zeros/bare": many; "/zeros/cut": all but the last byte. */
static int zeros(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *how = tr_http_param(req, "how");
    int window_bits = strcmp(how, "deflate") == 0 ? 15 : strcmp(how, "bare") == 0 ? -15 : 15 + 16;
    char *data = calloc(1, LARGE);
    char *packed = malloc(LARGE);
    size_t bytes;
    int rc;

    (void)ctx;
    EXPECT(data != NULL && packed != NULL);
    bytes = compress_as(window_bits, data, LARGE, packed, LARGE);
    (void)tr_http_set_header(res, "Content-Encoding", window_bits > 15 ? "gzip" : "deflate");
    rc = tr_http_send(res, 200, "application/octet-stream", packed,
                      bytes - (strcmp(how, "cut") == 0));
    free(packed);
    free(data);
    return rc;
}

static int unknown(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    (void)tr_http_set_header(res, "Content-Encoding", "rot13");
    (void)tr_http_set_header(res, "X-Asked", or_dash(tr_http_header(req, "Accept-Encoding")));
    return tr_http_text(res, 200, "uryyb");
}

static int text(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char line[4097];

    (void)req;
    (void)ctx;
    memset(line, 'x', sizeof(line));
    line[4096] = 0;
    return tr_http_text(res, 200, "%s", line);
}

static void begin(service *s)
{
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.1 });

    EXPECT(tr_http_route(server, "GET", "/zeros/:how", zeros, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/unknown", unknown, NULL) == 0);
    EXPECT(tr_http_use(server, tr_http_compress(NULL)) == 0);
    EXPECT(tr_http_route(server, "GET", "/text", text, NULL) == 0);
    begin_service(s, server);
}

static bool are_zeros(const char *body, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (body[i] != 0)
            return false;
    return true;
}

CASE(compressed_answers_are_decompressed)
{
    static const char *const paths[] = { "/zeros/gzip", "/zeros/deflate", "/zeros/bare" };
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    tr_http_reply *reply;
    const char *body;
    size_t bytes;
    service s;

    begin(&s);
    for (int i = 0; i < 3; i++) {
        EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url_of(&s, paths[i]) }) == 0);
        body = tr_http_reply_body(reply, &bytes);
        EXPECT(bytes == LARGE && are_zeros(body, bytes));
        tr_http_reply_free(reply);
    }
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url_of(&s, "/text") }) == 0);
    EXPECT(strcmp(tr_http_reply_header(reply, "Content-Encoding"), "gzip") == 0);
    EXPECT(strlen(tr_http_reply_text(reply)) == 4096);
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(who_wants_them_as_they_are_gets_them_so)
{
    tr_http_client *plain = client_of((tr_http_client_config){ .is_uncompressed = true });
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    tr_http_reply *reply;
    size_t bytes;
    service s;

    begin(&s);
    EXPECT(tr_http_fetch(&reply, plain, &(tr_http_call){ .url = url_of(&s, "/text") }) == 0);
    EXPECT(tr_http_reply_header(reply, "Content-Encoding") == NULL);
    EXPECT(strlen(tr_http_reply_text(reply)) == 4096);
    tr_http_reply_free(reply);
    EXPECT(tr_http_fetch(&reply, plain, &(tr_http_call){ .url = url_of(&s, "/unknown") }) == 0);
    EXPECT(strcmp(tr_http_reply_header(reply, "X-Asked"), "-") == 0);
    tr_http_reply_free(reply);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url_of(&s, "/unknown") }) == 0);
    EXPECT(strcmp(tr_http_reply_header(reply, "X-Asked"), "gzip, deflate") == 0);
    EXPECT(strcmp(tr_http_reply_text(reply), "uryyb") == 0);
    tr_http_reply_free(reply);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/text"),
                                          .headers = (const char *const[]){ "Accept-Encoding: gzip",
                                                                            NULL } }) == 0);
    EXPECT(tr_http_reply_body(reply, &bytes)[0] == '\x1f' && bytes < 1000);
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    tr_http_client_unref(plain);
    end_service(&s);
}

CASE(what_unfolds_too_far_is_refused)
{
    tr_http_client *client = client_of((tr_http_client_config){ .body_most = LARGE - 1 });
    tr_http_reply *reply;
    tr_http_client_stats stats;
    service s;

    begin(&s);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url_of(&s, "/zeros/gzip") }) ==
           TR_ETOOLARGE);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/zeros/gzip"), .body_most = LARGE }) ==
           0);
    tr_http_reply_free(reply);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url_of(&s, "/zeros/cut") }) < 0);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/zeros/cut"), .body_most = LARGE }) ==
           TR_EEND);
    EXPECT(reply == NULL);
    EXPECT(tr_http_client_statistics(client, &stats) == 0 && stats.failures == 3);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(a_streamed_body_is_decompressed_as_it_comes)
{
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    tr_http_client_stats stats;
    tr_http_reply *reply;
    char piece[1000];
    size_t total = 0;
    ssize_t count;
    service s;

    begin(&s);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/zeros/gzip"), .streams = true }) ==
           0);
    while ((count = tr_http_reply_read(reply, piece, sizeof(piece))) > 0) {
        EXPECT(are_zeros(piece, (size_t)count));
        total += (size_t)count;
    }
    EXPECT(count == 0 && total == LARGE);
    EXPECT(tr_http_reply_read(reply, piece, sizeof(piece)) == 0);
    tr_http_reply_free(reply);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/zeros/cut"), .streams = true }) == 0);
    while ((count = tr_http_reply_read(reply, piece, sizeof(piece))) > 0)
        ;
    EXPECT(count == TR_EEND);
    tr_http_reply_free(reply);
    /* One that nobody reads to its end. */
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/zeros/gzip"), .streams = true }) ==
           0);
    EXPECT(tr_http_reply_read(reply, piece, 1) == 1);
    tr_http_reply_free(reply);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.calls == 3 && stats.failures == 0);
    tr_http_client_unref(client);
    end_service(&s);
}

CASES("codings", compressed_answers_are_decompressed, who_wants_them_as_they_are_gets_them_so,
      what_unfolds_too_far_is_refused, a_streamed_body_is_decompressed_as_it_comes)
