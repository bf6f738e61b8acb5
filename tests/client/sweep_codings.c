/* A sweep over compressed answers, whole and streamed: what comes out is what went in, or there is
 * an error; one that is broken is never taken for whole. */
#include <zlib.h>

#include "client/sweep_client.h"

enum { BYTES = 40 * 1000 };

static char text[BYTES + 1];
static struct {
    char data[2048];
    size_t bytes;
} gzip, zlib, bare;

static size_t compress_as(int window_bits, char *out, size_t room)
{
    z_stream stream = { 0 };

    MUST(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = (Bytef *)text;
    stream.avail_in = BYTES;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    MUST(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    MUST(deflateEnd(&stream) == Z_OK);
    return room - stream.avail_out;
}

static void compress_all(void)
{
    for (size_t i = 0; i < BYTES; i++)
        text[i] = (char)('a' + i % 23 * i % 7);
    gzip.bytes = compress_as(15 + 16, gzip.data, sizeof(gzip.data));
    zlib.bytes = compress_as(15, zlib.data, sizeof(zlib.data));
    bare.bytes = compress_as(-15, bare.data, sizeof(bare.data));
}

static size_t say_packed(char *out, const char *coding, const char *data, size_t bytes)
{
    int head = snprintf(out, 256, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n%s: %zu\r\n\r\n",
                        coding, "Content-Length", bytes);

    memcpy(out + head, data, bytes);
    return (size_t)head + bytes;
}

/* In chunks of one size. */
static size_t say_chunked(char *out, const char *data, size_t bytes)
{
    enum { CHUNK = 50 };
    size_t end = (size_t)snprintf(
        out, 256,
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");

    for (size_t at = 0, size; at < bytes; at += size) {
        size = bytes - at < CHUNK ? bytes - at : CHUNK;
        end += (size_t)snprintf(out + end, 16, "%zx\r\n", size);
        memcpy(out + end, data + at, size);
        memcpy(out + end + size, "\r\n", 2);
        end += size + 2;
    }
    memcpy(out + end, "0\r\n\r\n", 5);
    return end + 5;
}

static size_t answer(const char *request, char *out, size_t room)
{
    MUST(room >= 2 * sizeof(gzip.data));
    MUST(strstr(request, "Accept-Encoding: gzip, deflate\r\n") != NULL);
    if (asks_for(request, "GET /gzip "))
        return say_packed(out, "gzip", gzip.data, gzip.bytes);
    if (asks_for(request, "GET /chunks "))
        return say_chunked(out, gzip.data, gzip.bytes);
    if (asks_for(request, "GET /zlib "))
        return say_packed(out, "deflate", zlib.data, zlib.bytes);
    if (asks_for(request, "GET /bare "))
        return say_packed(out, "deflate", bare.data, bare.bytes);
    if (asks_for(request, "GET /cut "))
        return say_packed(out, "gzip", gzip.data, gzip.bytes - 1);
    return say_packed(out, "gzip", text, 100);
}

static void read_streamed(tr_http_client *client, const char *url)
{
    static char got[BYTES + 1];
    bool had_struck = has_struck();
    tr_http_reply *reply;
    size_t bytes = 0;
    ssize_t count;

    if (fetch(&reply, client, &(tr_http_call){ .url = url, .streams = true }, 0) < 0)
        return;
    while ((count = tr_http_reply_read(reply, got + bytes, sizeof(got) - bytes)) > 0)
        bytes += (size_t)count;
    MUST(count == 0 || (has_struck() && !had_struck));
    MUST(memcmp(got, text, bytes) == 0 && (count < 0 || bytes == BYTES));
    tr_http_reply_free(reply);
}

static void talk(tr_http_client *client)
{
    expect_text(client, &(tr_http_call){ .url = "http://a.test/gzip" }, text);
    expect_text(client, &(tr_http_call){ .url = "http://a.test/zlib" }, text);
    expect_text(client, &(tr_http_call){ .url = "http://a.test/bare" }, text);
    expect_error(client, &(tr_http_call){ .url = "http://a.test/cut" }, TR_EEND);
    expect_error(client, &(tr_http_call){ .url = "http://a.test/plain" }, TR_ESYNTAX);
    expect_error(client, &(tr_http_call){ .url = "http://a.test/gzip", .body_most = 99 },
                 TR_ETOOLARGE);
    expect_text(client, &(tr_http_call){ .url = "http://a.test/chunks" }, text);
    read_streamed(client, "http://a.test/gzip");
    read_streamed(client, "http://a.test/bare");
    read_streamed(client, "http://a.test/chunks");
}

START_TEST(whatever_fails_what_comes_out_is_what_went_in)
{
    compress_all();
    program = &(client_program){ .connects = true, .answer = answer, .talk = talk };
    sweep(run);
}
END_TEST

SUITE_MAIN("client/sweep_codings", whatever_fails_what_comes_out_is_what_went_in)
