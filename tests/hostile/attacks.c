/* The attacks: what is sent, and what may come of it. */
#include "hostile/hostile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEAD    "HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define OF_JSON HEAD "Content-Type: application/json\r\n"
#define LITERAL(s)                                                                                 \
    {                                                                                              \
        (s), sizeof(s) - 1,                                                                        \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

enum {
    GIB = 1024 * 1024 * 1024,
    SHORT_STREAM = 8 * 1024 * 1024,
    TRICKLED = 20, /* bytes of a body, then nothing more */
    DEPTH = 100 * 1000,
    LONG = 900 * 1000, /* a body may have 1 MiB */
    BOMB_BYTES = 64 * 1024 * 1024,
    KIB = 1024
};

/* ---- texts that are made ---- */

static script join(script a, script b)
{
    char *joined = allocate(a.count + b.count + 1);

    memcpy(joined, a.bytes, a.count);
    memcpy(joined + a.count, b.bytes, b.count);
    return (script){ joined, a.count + b.count, { 0 } };
}

static script of(const char *literal)
{
    return (script){ literal, strlen(literal), { 0 } };
}

static script repeat(const char *piece, size_t times)
{
    size_t bytes = strlen(piece);
    char *all = allocate(bytes * times + 1);

    for (size_t i = 0; i < times; i++)
        memcpy(all + i * bytes, piece, bytes);
    return (script){ all, bytes * times, { 0 } };
}

/* An order of that body. */
static script post(script body)
{
    char head[256];

    (void)snprintf(head, sizeof(head), "POST /orders " OF_JSON "Content-Length: %zu\r\n\r\n",
                   body.count);
    return join(of(head), body);
}

static script around(const char *before, script middle, const char *behind)
{
    return post(join(join(of(before), middle), of(behind)));
}

/* A frame of a client, by the book; the mask is of zeros: so the payload goes as it is. */
static script frame(int first, script payload)
{
    int length = payload.count < 126 ? 0 : payload.count <= UINT16_MAX ? 2 : 8;
    char header[14] = { (char)first, (char)(0x80 | (length == 2 ? 126 : 127)) };

    if (length == 0)
        header[1] = (char)(0x80 | payload.count);
    for (int i = 0; i < length; i++)
        header[2 + i] = (char)((uint64_t)payload.count >> 8 * (length - 1 - i));
    return join((script){ header, (size_t)(2 + length + 4), { 0 } }, payload);
}

static script handshake(const char *extra)
{
    return join(of("GET /ws " HEAD "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
                join(of(extra), of("\r\n")));
}

/* Zeros, deflated as a message is. */
static script deflated_zeros(size_t bytes)
{
    static const unsigned char zeros[64 * KIB];
    size_t room = bytes / 500 + KIB;
    unsigned char *out = allocate(room);
    z_stream z = { .next_out = out, .avail_out = (unsigned)room };

    if (deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        die("zlib fails");
    for (size_t done = 0; done < bytes; done += sizeof(zeros)) {
        z.next_in = (unsigned char *)(uintptr_t)zeros;
        z.avail_in = sizeof(zeros);
        if (deflate(&z, done + sizeof(zeros) < bytes ? Z_NO_FLUSH : Z_SYNC_FLUSH) != Z_OK)
            die("zlib fails");
    }
    room -= z.avail_out + 4; /* the end that is left out: RFC 7692, 7.2.1 */
    (void)deflateEnd(&z);    /* which says that it was not finished */
    return (script){ (const char *)out, room, { 0 } };
}

/* Requests behind each other, which all are answered with 200. */
static script exchange(void)
{
    static const char *const requests[] = {
        "GET / " HEAD "\r\n",
        "POST / " HEAD "Content-Length: 5\r\n\r\nhello",
        "POST / " CHUNKED "3\r\nabc\r\n0\r\n\r\n",
        "POST /drink " HEAD "Content-Length: 5\r\n\r\nhello",
        "POST /orders " OF_JSON "Content-Length: 24\r\n\r\n{\"name\":\"Ann\",\"price\":1}",
        "GET / " HEAD "\r\n",
    };
    script all = of("");
    size_t ends[8] = { 0 };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        all = join(all, of(requests[i]));
        ends[i] = all.count;
    }
    memcpy(all.ends, ends, sizeof(ends));
    return all;
}

/* ---- sets of them ---- */

static script json_texts[TEXTS];
static script bomb_texts[2];
static script utf8_texts[6];
static script exchange_texts[1];
static script socket_texts[1];

static int make_json(void)
{
    script *t = json_texts;

    *t++ = post(repeat("[", DEPTH));
    *t++ = post(repeat("{\"name\":", DEPTH));
    *t++ = around("{\"other\":", repeat("[", DEPTH), "}");
    *t++ = around("{\"price\":", repeat("9", LONG), ",\"name\":\"a\"}");
    *t++ = around("{\"price\":1e", repeat("9", LONG), ",\"name\":\"a\"}");
    *t++ = around("{\"price\":1,\"pieces\":", repeat("9", LONG), ",\"name\":\"a\"}");
    *t++ = around("{\"price\":0.", repeat("0", LONG), "1,\"name\":\"\"}");
    *t++ = around("{\"price\":1,\"name\":\"", repeat("a", LONG), "\"}");
    *t++ = around("{\"price\":1,\"name\":\"", repeat("\\u0000", LONG / 6), "\"}");
    *t++ = around("{", repeat("\"x\":0,", LONG / 6), "\"name\":\"a\"}");
    *t++ = around("{", repeat("\"name\":\"a\",", LONG / 11), "\"price\":1}");
    *t++ = post(of("{\"price\":1,\"name\":\"\\ud800\"}"));
    return (int)(t - json_texts);
}

static void make_utf8(void)
{
    static const char wrong[] = "\xff\xc0\x80\xed\xa0\x80";

    utf8_texts[0] = of("GET /\xff\xc0\x80 " HEAD "\r\n");
    utf8_texts[1] = of("GET /%ff%c0%80 " HEAD "\r\n");
    utf8_texts[2] = of("GET / " HEAD "X\xff: y\r\n\r\n");
    utf8_texts[3] = of("GET / " HEAD "X: \xff\xc0\x80\r\nConnection: close\r\n\r\n");
    utf8_texts[4] = around("{\"price\":1,\"name\":\"", of(wrong), "\"}");
    utf8_texts[5] = join(handshake(""), frame(0x81, of(wrong)));
}

static void make_texts(void)
{
    static const char deflates[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    script bomb = deflated_zeros(BOMB_BYTES);

    bomb_texts[0] = join(handshake(deflates), frame(0xc2, bomb));
    bomb_texts[1] = join(join(handshake(deflates), frame(0x42, bomb)), frame(0x80, of("")));
    make_utf8();
    exchange_texts[0] = exchange();
    socket_texts[0] = join(join(handshake(""), frame(0x82, of("hello"))), frame(0x89, of("?")));
    socket_texts[0] = join(socket_texts[0], frame(0x88, of("\x03\xe8")));
}

/* ---- the list ---- */

static const script heads[] = { LITERAL("GET / " HEAD "X: ") };
static const script bodies[] = { LITERAL("POST / " HEAD "Content-Length: 100000\r\n\r\n") };
static const script chunked[] = { LITERAL("POST / " CHUNKED) };
static const script streams[] = { LITERAL("POST /drink " HEAD "Content-Length: 100000\r\n\r\n") };
static const script readers[] = { LITERAL("GET /big " HEAD "Connection: close\r\n\r\n") };
static const script header_lines[] = { LITERAL("GET / " HEAD), LITERAL("POST / " HEAD) };
static const script long_heads[] = { LITERAL("GET /"), LITERAL("GET / " HEAD "X"),
                                     LITERAL("GET / " HEAD "X: "), LITERAL("") };
static const script both_chunked[] = { LITERAL("POST / " CHUNKED),
                                       LITERAL("POST /drink " CHUNKED) };
static const script extensions[] = { LITERAL("POST / " CHUNKED "1;"),
                                     LITERAL("POST /drink " CHUNKED "1;") };
static const script trailers[] = { LITERAL("POST / " CHUNKED "0\r\n"),
                                   LITERAL("POST /drink " CHUNKED "0\r\n") };
static const script nothing[] = { LITERAL("") };
static const script one[] = { LITERAL("GET / " HEAD "\r\n") };

#define TEXTS_OF(set) .texts = (set), .text_count = sizeof(set) / sizeof((set)[0])

static attack attacks[] = {
    { .name = "heads that trickle",
      TEXTS_OF(heads),
      .stream = LITERAL("x"),
      .stream_most = KIB,
      .trickles = true,
      .one_of = 1,
      .may = { 408 },
      .bytes_each = 2 * KIB },
    { .name = "bodies that trickle",
      TEXTS_OF(bodies),
      .stream = LITERAL("x"),
      .stream_most = TRICKLED,
      .trickles = true,
      .one_of = 1,
      .may = { 408 },
      .bytes_each = 8 * KIB },
    { .name = "chunks that trickle",
      TEXTS_OF(chunked),
      .stream = LITERAL("1\r\nx\r\n"),
      .stream_most = TRICKLED,
      .trickles = true,
      .one_of = 1,
      .may = { 408 },
      .bytes_each = 8 * KIB },
    { .name = "streamed bodies that trickle",
      TEXTS_OF(streams),
      .stream = LITERAL("x"),
      .stream_most = TRICKLED,
      .trickles = true,
      .one_of = 1,
      .may = { 408 },
      .bytes_each = 24 * KIB },
    { .name = "readers of 16 MiB that read nothing",
      TEXTS_OF(readers),
      .is_deaf = true,
      .one_of = 1,
      .may = { 200 },
      .may_be_reset = true,
      .bytes_each = 16 * KIB },
    { .name = "pipelined, and nothing is read",
      TEXTS_OF(nothing),
      .stream = LITERAL("GET / " HEAD "\r\n"),
      .stream_most = KIB * KIB,
      .is_deaf = true,
      .ending = HALF_CLOSES,
      .one_of = 20,
      .may = { 200 },
      .may_be_reset = true,
      .bytes_each = 64 * KIB },
    { .name = "headers without end",
      TEXTS_OF(header_lines),
      .stream = LITERAL("X-Header: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"),
      .stream_most = GIB,
      .one_of = 1,
      .most = 4,
      .may = { 431 },
      .may_be_reset = true,
      .bytes_each = 128 * KIB },
    { .name = "a URL, name, value, line without end",
      TEXTS_OF(long_heads),
      .stream = LITERAL("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
      .stream_most = GIB,
      .one_of = 1,
      .most = 8,
      .may = { 431, 414, 501 },
      .may_be_reset = true,
      .bytes_each = 128 * KIB },
    { .name = "chunks without end",
      TEXTS_OF(both_chunked),
      .stream = LITERAL("1\r\nx\r\n"),
      .stream_most = GIB,
      .one_of = 1,
      .most = 4,
      .may = { 413 },
      .may_be_reset = true,
      .bytes_each = 4 * KIB * KIB },
    { .name = "chunk extensions without end",
      TEXTS_OF(extensions),
      .stream = LITERAL("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
      .stream_most = GIB,
      .one_of = 1,
      .most = 4,
      .may = { 413 },
      .may_be_reset = true,
      .bytes_each = 128 * KIB },
    { .name = "trailers without end",
      TEXTS_OF(trailers),
      .stream = LITERAL("X-Trailer: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"),
      .stream_most = GIB,
      .one_of = 1,
      .most = 4,
      .may = { 413 },
      .may_be_reset = true,
      .bytes_each = 128 * KIB },
    { .name = "JSON: deep, long, wrong",
      .texts = json_texts,
      .ending = HALF_CLOSES,
      .one_of = 20,
      .may = { 400, 413, 422 },
      .bytes_each = 5 * KIB * KIB },
    { .name = "zip bombs of 64 MiB",
      TEXTS_OF(bomb_texts),
      .one_of = 20,
      .may = { 101, 1009 },
      .may_be_reset = true,
      .bytes_each = 4 * KIB * KIB },
    { .name = "no UTF-8",
      TEXTS_OF(utf8_texts),
      .ending = HALF_CLOSES,
      .one_of = 10,
      .may = { 200, 400, 404, 101, 1007 },
      .bytes_each = 256 * KIB },
    { .name = "half closed at each byte",
      TEXTS_OF(exchange_texts),
      .is_cut = true,
      .ending = HALF_CLOSES,
      .one_of = 1,
      .may = { 200, 400 },
      .may_be_silent = true,
      .is_counted = true,
      .bytes_each = 64 * KIB },
    { .name = "WebSocket half closed at each byte",
      TEXTS_OF(socket_texts),
      .is_cut = true,
      .ending = HALF_CLOSES,
      .one_of = 1,
      .may = { 101, 1000 },
      .may_be_silent = true,
      .may_be_reset = true,
      .bytes_each = 128 * KIB },
    { .name = "reset at each byte",
      TEXTS_OF(exchange_texts),
      .is_cut = true,
      .ending = RESETS,
      .one_of = 1,
      .may = { 200 },
      .bytes_each = 64 * KIB },
    { .name = "WebSocket reset at each byte",
      TEXTS_OF(socket_texts),
      .is_cut = true,
      .ending = RESETS,
      .one_of = 1,
      .may = { 101, 1000 },
      .bytes_each = 128 * KIB },
    { .name = "connected and closed",
      TEXTS_OF(nothing),
      .ending = VANISHES,
      .one_of = 1,
      .bytes_each = 4 * KIB },
    { .name = "connected and reset",
      TEXTS_OF(nothing),
      .ending = RESETS,
      .one_of = 1,
      .bytes_each = 4 * KIB },
    { .name = "idle, then a drain",
      TEXTS_OF(one),
      .ending = HOLDS,
      .one_of = 1,
      .may = { 200 },
      .bytes_each = 2 * KIB },
};

const attack *attacks_make(bool is_short, int *count)
{
    int json_count = make_json();

    make_texts();
    *count = sizeof(attacks) / sizeof(attacks[0]);
    for (int i = 0; i < *count; i++) {
        attack *a = &attacks[i];

        if (a->texts == json_texts)
            a->text_count = json_count;
        if (is_short && a->stream_most > SHORT_STREAM)
            a->stream_most = SHORT_STREAM;
    }
    return attacks;
}
