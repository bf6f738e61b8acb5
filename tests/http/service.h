/* A server for cases, and a client that speaks as it is told. */
#ifndef TR_TESTS_SERVICE_H
#define TR_TESTS_SERVICE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

typedef struct service {
    tr_http_server *server;
    tr_task *task;
    char address[64];
} service;

static int run_server(void *server)
{
    return tr_http_serve(server);
}

static inline tr_http_server *new_server(const tr_http_config *config)
{
    tr_http_config all = *config;
    tr_http_server *server;

    all.listen = "127.0.0.1:0";
    EXPECT(tr__http_server_new(&server, &all, sizeof(all)) == 0);
    return server;
}

/* Serve; the address is known when this returns. */
static inline void begin_service(service *s, tr_http_server *server)
{
    s->server = server;
    EXPECT(tr_task_spawn(&s->task, run_server, server) == 0);
    EXPECT(tr_http_await_ready(server) == 0);
    (void)snprintf(s->address, sizeof(s->address), "%s", tr_http_address(server));
}

static inline void end_service(service *s)
{
    tr_http_stop(s->server);
    EXPECT(tr_task_wait(s->task, TR_FOREVER) == 0);
    tr_task_unref(s->task);
}

static inline tr_io *open_client(const service *s)
{
    tr_io *io;

    EXPECT(tr_tcp_connect(&io, s->address, NULL) == 0);
    return io;
}

static inline void say(tr_io *io, const char *text)
{
    EXPECT(tr_write_all(io, text, strlen(text)) == 0);
}

/* Read the head of an answer, and the body that its length says; the status. The text is the
 * caller's, whole. */
static inline int hear(tr_io *io, char *text, size_t room)
{
    const char *head;
    ssize_t bytes = tr_read_until(io, &head, "\r\n\r\n", room - 1);
    const char *length;
    size_t body = 0;

    if (bytes <= 0)
        fprintf(stderr, "no answer: %zd (%s)\n", bytes, tr_strerror((int)bytes));
    EXPECT(bytes > 0);
    memcpy(text, head, (size_t)bytes);
    text[bytes] = 0;
    length = strstr(text, "Content-Length: ");
    if (length != NULL)
        body = strtoul(length + 16, NULL, 10);
    EXPECT((size_t)bytes + body < room);
    EXPECT(body == 0 || tr_read_exact(io, text + bytes, body) == 0);
    text[(size_t)bytes + body] = 0;
    EXPECT(strncmp(text, "HTTP/1.1 ", 9) == 0);
    return (int)strtol(text + 9, NULL, 10);
}

static inline void expect_end(tr_io *io)
{
    char byte;

    EXPECT(tr_read(io, &byte, 1) == 0);
}

#endif
