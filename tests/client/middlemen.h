/* Proxies for cases, which really connect: one of HTTP, and one of SOCKS 5. */
#ifndef TR_TESTS_MIDDLEMEN_H
#define TR_TESTS_MIDDLEMEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

typedef struct middleman {
    const char *target;   /* where it connects to, whatever it is asked for; NULL: there */
    const char *password; /* of user "u"; NULL: it lets all in */
    bool is_socks;
    unsigned char reply;   /* of SOCKS, in the place of 0 */
    const char *refusal;   /* of HTTP, in the place of a tunnel; NULL */
    tr_tls *tls;           /* NULL: it is plain */
    int tunnels, requests; /* that it has made */
    char asked[128];       /* for what, the last time */
    tr_listener *listener;
    tr_task *task;
    char address[64];
} middleman;

/* ---- carrying ---- */

typedef struct lane {
    tr_io *from, *to;
} lane;

static inline int carry(void *arg)
{
    lane *l = arg;
    char piece[1024];
    ssize_t count;

    while ((count = tr_read(l->from, piece, sizeof(piece))) > 0)
        if (tr_write_all(l->to, piece, (size_t)count) < 0)
            return 0;
    (void)tr_close_write(l->to); /* who may be gone */
    return 0;
}

static inline void join_ends(tr_io *a, tr_io *b)
{
    lane there = { a, b }, back = { b, a };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, carry, &there) == 0);
    (void)carry(&back);
    (void)tr_task_cancel(task); /* the server has said all */
    (void)tr_task_wait(task, TR_FOREVER);
    tr_task_unref(task);
}

/* Connect, and say so in the client's words. false: it can't be. */
static inline tr_io *connect_on(const middleman *m)
{
    tr_io *io = NULL;

    (void)tr_tcp_connect(&io, m->target != NULL ? m->target : m->asked, NULL);
    return io;
}

/* ---- HTTP ---- */

static inline bool is_let_in(const middleman *m, const char *head)
{
    return m->password == NULL || strstr(head, m->password) != NULL;
}

static inline void say_http(tr_io *io, const char *text)
{
    (void)tr_write_all(io, text, strlen(text));
}

/* One request in absolute form: its head goes on without the origin, and the connection with it. */
static inline void forward(middleman *m, tr_io *io, const char *head)
{
    const char *host = strstr(head, "http://");
    const char *path = host != NULL ? strchr(host + 7, '/') : NULL;
    tr_io *server;

    EXPECT(host != NULL && path != NULL);
    (void)snprintf(m->asked, sizeof(m->asked), "%.*s", (int)(path - host - 7), host + 7);
    server = connect_on(m);
    if (server == NULL) {
        say_http(io, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    m->requests++;
    EXPECT(tr_write_all(server, head, (size_t)(host - head)) == 0);
    EXPECT(tr_write_all(server, path, strlen(path)) == 0);
    join_ends(io, server);
    (void)tr_close(server);
}

static inline void serve_http(middleman *m, tr_io *io)
{
    char text[2048];
    const char *head;
    ssize_t bytes = tr_read_until(io, &head, "\r\n\r\n", sizeof(text) - 1);
    tr_io *server;

    if (bytes <= 0)
        return;
    memcpy(text, head, (size_t)bytes);
    text[bytes] = 0;
    if (!is_let_in(m, text)) {
        say_http(io, "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                     "Content-Length: 0\r\n\r\n");
        return;
    }
    if (strncmp(text, "CONNECT ", 8) != 0) {
        forward(m, io, text);
        return;
    }
    (void)snprintf(m->asked, sizeof(m->asked), "%.*s", (int)strcspn(text + 8, " "), text + 8);
    server = m->refusal == NULL ? connect_on(m) : NULL;
    say_http(io, m->refusal != NULL ? m->refusal
                 : server != NULL   ? "HTTP/1.0 200 Here you are\r\n\r\n"
                                    : "HTTP/1.1 502 Bad Gateway\r\n\r\n");
    if (server != NULL) {
        m->tunnels++;
        join_ends(io, server);
    }
    (void)tr_close(server);
}

/* ---- SOCKS 5 ---- */

static inline bool take(tr_io *io, unsigned char *bytes, size_t count)
{
    return tr_read_exact(io, bytes, count) == 0;
}

/* The greeting, and who it is. */
static inline bool meet(const middleman *m, tr_io *io)
{
    unsigned char b[300];
    unsigned char method = m->password != NULL ? 2 : 0;
    size_t user, password;
    bool is_fine;

    if (!take(io, b, 2) || b[0] != 5 || !take(io, b + 2, b[1]))
        return false;
    if (memchr(b + 2, method, b[1]) == NULL) {
        (void)tr_write_all(io, "\5\xff", 2);
        return false;
    }
    EXPECT(tr_write_all(io, (const unsigned char[]){ 5, method }, 2) == 0);
    if (method == 0)
        return true;
    if (!take(io, b, 2) || !take(io, b + 2, b[1] + 1U))
        return false;
    user = b[1];
    password = b[2 + user];
    EXPECT(user == 1 && b[2] == 'u' && take(io, b, password));
    is_fine = password == strlen(m->password) && memcmp(b, m->password, password) == 0;
    EXPECT(tr_write_all(io, is_fine ? "\1\0" : "\1\1", 2) == 0);
    return is_fine;
}

/* What it asks for becomes m->asked. */
static inline bool hear_target(middleman *m, tr_io *io)
{
    unsigned char b[300];
    size_t bytes;

    if (!take(io, b, 4) || b[0] != 5 || b[1] != 1)
        return false;
    bytes = b[3] == 1 ? 4 : 16;
    if (b[3] == 3) {
        EXPECT(take(io, b, 1));
        bytes = b[0];
        b[3] = 3;
    }
    EXPECT(take(io, b + 4, bytes + 2));
    if (b[3] == 3)
        (void)snprintf(m->asked, sizeof(m->asked), "%.*s:%d", (int)bytes, (char *)b + 4,
                       b[4 + bytes] * 256 + b[5 + bytes]);
    else if (b[3] == 1)
        (void)snprintf(m->asked, sizeof(m->asked), "%d.%d.%d.%d:%d", b[4], b[5], b[6], b[7],
                       b[8] * 256 + b[9]);
    else
        (void)snprintf(m->asked, sizeof(m->asked), "[...%d]:%d", b[19], b[20] * 256 + b[21]);
    return true;
}

static inline void serve_socks(middleman *m, tr_io *io)
{
    unsigned char answer[] = { 5, m->reply, 0, 3, 1, 'x', 0, 0 }; /* from "x:0" */
    tr_io *server = NULL;

    if (!meet(m, io) || !hear_target(m, io))
        return;
    if (m->reply == 0 && (server = connect_on(m)) == NULL)
        answer[1] = 5;
    EXPECT(tr_write_all(io, answer, sizeof(answer)) == 0);
    if (server != NULL) {
        m->tunnels++;
        join_ends(io, server);
    }
    (void)tr_close(server);
}

/* ---- its life ---- */

struct serve_visitor_args {
    middleman *m;
    tr_io *io;
};

static inline int serve_visitor(void *arg)
{
    struct serve_visitor_args *v = arg;
    int rc = v->m->tls != NULL ? tr_tls_wrap_server(&v->io, v->m->tls) : 0;

    if (rc == 0 && v->m->is_socks)
        serve_socks(v->m, v->io);
    else if (rc == 0)
        serve_http(v->m, v->io);
    (void)tr_close(v->io); /* which the client may have closed */
    return 0;
}

/* One after the other would not do: clients keep theirs. */
static inline int serve_visitors(void *arg)
{
    middleman *m = arg;
    int rc = 0;

    TR_SCOPE(s, &rc) {
        tr_io *io;

        while (tr_accept(&io, m->listener) == 0)
            EXPECT(tr_go(s, serve_visitor, .m = m, .io = io) == 0);
    }
    return 0;
}

static inline void begin_middleman(middleman *m)
{
    EXPECT(tr_listen(&m->listener, "127.0.0.1:0", NULL) == 0);
    (void)snprintf(m->address, sizeof(m->address), "%s", tr_listener_address(m->listener));
    EXPECT(tr_task_spawn(&m->task, serve_visitors, m) == 0);
}

static inline void end_middleman(middleman *m)
{
    (void)tr_task_cancel(m->task); /* wherever it is */
    (void)tr_task_wait(m->task, TR_FOREVER);
    tr_task_unref(m->task);
    EXPECT(tr_listener_close(m->listener) == 0);
}

#endif
