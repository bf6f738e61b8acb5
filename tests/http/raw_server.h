/* A server of WebSockets that says what it is told, byte for byte, be it allowed or not; to one
 * client. */
#ifndef TR_TESTS_RAW_SERVER_H
#define TR_TESTS_RAW_SERVER_H

#include "http/extension.h"
#include "http/raw_socket.h"

typedef struct raw_server {
    tr_listener *listener;
    void (*speak)(tr_io *io, void *arg); /* the connection is closed when it returns */
    void *arg;
    tr_task *task;
    char url[64];
} raw_server;

static inline int raw_serve(void *server)
{
    raw_server *s = server;
    tr_io *io;

    EXPECT(tr_accept(&io, s->listener) == 0);
    s->speak(io, s->arg);
    EXPECT(tr_close(io) == 0);
    return 0;
}

static inline void raw_server_begin(raw_server *s, void (*speak)(tr_io *io, void *arg), void *arg)
{
    *s = (raw_server){ .speak = speak, .arg = arg };
    EXPECT(tr_listen(&s->listener, "127.0.0.1:0", NULL) == 0);
    (void)snprintf(s->url, sizeof(s->url), "ws://%s/", tr_listener_address(s->listener));
    EXPECT(tr_task_spawn(&s->task, raw_serve, s) == 0);
}

static inline void raw_server_end(raw_server *s)
{
    EXPECT(tr_task_wait(s->task, TR_FOREVER) == 0);
    tr_task_unref(s->task);
    EXPECT(tr_listener_close(s->listener) == 0);
}

/* Read the request, and tell what proves that it was understood. */
static inline void raw_hear_request(tr_io *io, char accept[TR__ACCEPT_BYTES + 1])
{
    static const char name[] = "Sec-WebSocket-Key: ";
    char text[2048];
    const char *head;
    ssize_t bytes = tr_read_until(io, &head, "\r\n\r\n", sizeof(text) - 1);
    const char *key;

    EXPECT(bytes > 0);
    memcpy(text, head, (size_t)bytes);
    text[bytes] = 0;
    key = strstr(text, name);
    EXPECT(key != NULL && tr__ws_accept_key(key + sizeof(name) - 1, accept));
}

/* Shake hands; extra are lines of headers. */
static inline void raw_shake(tr_io *io, const char *extra)
{
    char accept[TR__ACCEPT_BYTES + 1];
    char text[512];

    raw_hear_request(io, accept);
    (void)snprintf(text, sizeof(text),
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                   accept, extra);
    say(io, text);
}

/* Frames of a server are not masked. */
static inline void raw_tell(tr_io *io, int first, const void *data, size_t bytes)
{
    unsigned char header[14];
    struct iovec parts[2] = { { header, raw_header(header, first, bytes, false) },
                              { (void *)(uintptr_t)data, bytes } };

    EXPECT(tr_writev_all(io, parts, bytes > 0 ? 2 : 1) == 0);
}

/* Those of a client are. The next one, at most 125 bytes of it: its first byte, or the error. */
static inline int raw_hear_masked(tr_io *io, char *data, size_t *bytes)
{
    unsigned char header[6];
    int rc = tr_read_exact(io, header, sizeof(header));

    *bytes = 0;
    if (rc < 0)
        return rc;
    EXPECT(header[1] >= 0x80 && header[1] < 0x80 + 126);
    *bytes = header[1] & 0x7f;
    EXPECT(*bytes == 0 || tr_read_exact(io, data, *bytes) == 0);
    for (size_t i = 0; i < *bytes; i++)
        data[i] = (char)(data[i] ^ header[2 + i % 4]);
    data[*bytes] = 0;
    return header[0];
}

static inline void raw_expect_masked(tr_io *io, int first, const char *text)
{
    char data[126];
    size_t bytes;
    int heard = raw_hear_masked(io, data, &bytes);

    EXPECT(heard == first && bytes == strlen(text) && memcmp(data, text, bytes) == 0);
}

/* The client says goodbye, with this code. */
static inline void raw_expect_masked_goodbye(tr_io *io, int code)
{
    char data[126];
    size_t bytes;
    int heard = raw_hear_masked(io, data, &bytes);

    EXPECT(heard == (FIN | CLOSE) && bytes >= 2);
    EXPECT(((unsigned char)data[0] << 8 | (unsigned char)data[1]) == code);
}

#endif
