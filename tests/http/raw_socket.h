/* A client of WebSockets that says what it is told, byte for byte, be it allowed or not. */
#ifndef TR_TESTS_RAW_SOCKET_H
#define TR_TESTS_RAW_SOCKET_H

#include "http/service.h"

enum {
    FIN = 0x80,
    RSV1 = 0x40,
    CONTINUATION = 0,
    TEXT = 1,
    BINARY = 2,
    CLOSE = 8,
    PING = 9,
    PONG = 10
};

/* Shake hands; extra are lines of headers. */
static inline tr_io *raw_open(const service *s, const char *path, const char *extra)
{
    char text[1024];
    tr_io *io = open_client(s);

    (void)snprintf(text, sizeof(text),
                   "GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "%s\r\n",
                   path, extra);
    say(io, text);
    EXPECT(hear(io, text, sizeof(text)) == 101);
    EXPECT(strstr(text, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != NULL);
    return io;
}

/* A frame's header, by the book; the mask is of zeros: so the payload goes as it is. */
static inline size_t raw_header(unsigned char *at, int first, size_t bytes, bool is_masked)
{
    size_t count = 2;
    int shift = bytes < 126 ? -8 : bytes <= UINT16_MAX ? 8 : 56;

    at[0] = (unsigned char)first;
    at[1] = (unsigned char)(bytes < 126 ? bytes : bytes <= UINT16_MAX ? 126 : 127);
    for (; shift >= 0; shift -= 8)
        at[count++] = (unsigned char)((uint64_t)bytes >> shift);
    if (!is_masked)
        return count;
    at[1] |= 0x80;
    memset(at + count, 0, 4);
    return count + 4;
}

static inline void raw_put(tr_io *io, int first, const void *data, size_t bytes)
{
    unsigned char header[14];
    struct iovec parts[2] = { { header, raw_header(header, first, bytes, true) },
                              { (void *)(uintptr_t)data, bytes } };

    EXPECT(tr_writev_all(io, parts, bytes > 0 ? 2 : 1) == 0);
}

static inline void raw_say(tr_io *io, int first, const char *text)
{
    raw_put(io, first, text, strlen(text));
}

/* Read the next frame, at most 125 bytes of it: its first byte, or the error. */
static inline int raw_hear(tr_io *io, char *data, size_t *bytes)
{
    unsigned char header[2];
    int rc = tr_read_exact(io, header, 2);

    *bytes = 0;
    if (rc < 0)
        return rc;
    EXPECT(header[1] < 126);
    EXPECT(header[1] == 0 || tr_read_exact(io, data, header[1]) == 0);
    *bytes = header[1];
    data[*bytes] = 0;
    return header[0];
}

static inline void raw_expect(tr_io *io, int first, const char *text)
{
    char data[126];
    size_t bytes;
    int heard = raw_hear(io, data, &bytes);

    if (heard != first)
        fprintf(stderr, "heard %d: %s\n", heard, data);
    EXPECT(heard == first && bytes == strlen(text) && memcmp(data, text, bytes) == 0);
}

/* It says goodbye, with this code; and then it closes, when it was answered. */
static inline void raw_expect_goodbye(tr_io *io, int code)
{
    char data[126];
    size_t bytes;
    int heard = raw_hear(io, data, &bytes);
    int told = bytes >= 2 ? (unsigned char)data[0] << 8 | (unsigned char)data[1] : 0;

    if (heard != (FIN | CLOSE) || told != code)
        fprintf(stderr, "heard %d, code %d; not %d\n", heard, told, code);
    EXPECT(heard == (FIN | CLOSE) && told == code);
}

static inline void raw_close(tr_io *io)
{
    EXPECT(tr_close(io) == 0);
}

#endif
