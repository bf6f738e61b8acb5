/* Serving: a task for each connection, limits, and an end without resets. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

typedef struct served {
    char address[64];
    tr_event ready;
    uint32_t count; /* connections; on both loops: read when all have ended */
} served;

static void on_ready(void *arg, const char *address)
{
    served *s = arg;

    (void)snprintf(s->address, sizeof(s->address), "%s", address);
    EXPECT(tr_event_set(&s->ready) == 0);
}

static int echo(tr_io *io, void *arg)
{
    char buffer[64];
    ssize_t count;
    int rc = 0;

    (void)arg;
    while (rc == 0 && (count = tr_read(io, buffer, sizeof(buffer))) > 0)
        rc = tr_write_all(io, buffer, (size_t)count);
    return rc;
}

static int serve(void *arg)
{
    return tr_serve("127.0.0.1:0", echo, arg, &(tr_serve_options){ .on_ready = on_ready });
}

static void start(tr_task **server, tr_task_fn fn, served *s)
{
    EXPECT(tr_task_spawn(server, fn, s) == 0);
    EXPECT(tr_event_wait(&s->ready) == 0);
}

static void stop(tr_task *server)
{
    EXPECT(tr_task_cancel(server) == 1);
    EXPECT(tr_task_wait(server, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(server);
}

static int call(void *arg)
{
    served *s = arg;
    char text[8];
    tr_io *io;
    int rc = tr_tcp_connect(&io, s->address, NULL);

    if (rc < 0)
        return rc;
    for (int i = 0; rc == 0 && i < 3; i++) {
        rc = tr_write_all(io, "message", 7);
        if (rc == 0)
            rc = tr_read_exact(io, text, 7);
    }
    (void)tr_close(io);
    return rc;
}

CASE(each_connection_has_a_task_and_all_are_served)
{
    enum { CLIENTS = 8 };
    served s = { .count = 0 };
    tr_task *server;
    tr_task *clients[CLIENTS];

    start(&server, serve, &s);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT(tr_task_spawn(&clients[i], call, &s) == 0);
    for (int i = 0; i < CLIENTS; i++) {
        EXPECT(tr_task_wait(clients[i], TR_FOREVER) == 0);
        tr_task_unref(clients[i]);
    }
    stop(server);
}

/* Whoever has connected before is served, though the server is about to stop. */
CASE(who_has_connected_is_served_when_serving_ends)
{
    served s = { .count = 0 };
    char text[8];
    tr_task *server;
    tr_io *io;

    start(&server, serve, &s);
    EXPECT(tr_tcp_connect(&io, s.address, NULL) == 0);
    EXPECT(tr_task_cancel(server) == 1);
    EXPECT(tr_write_all(io, "message", 7) == 0);
    EXPECT(tr_read_exact(io, text, 7) == 0);
    EXPECT(tr_close(io) == 0);
    EXPECT(tr_task_wait(server, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(server);
}

static int serve_one_at_a_time(void *arg)
{
    return tr_serve("127.0.0.1:0", echo, arg,
                    &(tr_serve_options){ .on_ready = on_ready, .most = 1 });
}

/* Whichever loop the next one comes to. */
CASE(at_the_limit_the_next_one_is_served_when_another_has_gone)
{
    served s = { .count = 0 };
    tr_task *server;

    start(&server, serve_one_at_a_time, &s);
    for (int i = 0; i < 6; i++)
        EXPECT(call(&s) == 0);
    stop(server);
}

static int serve_two_of_each(void *arg)
{
    return tr_serve("127.0.0.1:0", echo, arg,
                    &(tr_serve_options){ .on_ready = on_ready, .most_each = 2, .loops = 1 });
}

static tr_io *connect_from(const served *s, const char *local)
{
    tr_io *io;

    EXPECT(tr_tcp_connect(&io, s->address, &(tr_connect_options){ .local = local }) == 0);
    return io;
}

static bool is_served(tr_io *io)
{
    char byte;

    return tr_write_all(io, "x", 1) == 0 && tr_read(io, &byte, 1) == 1;
}

CASE(an_address_has_no_more_connections_than_allowed)
{
    served s = { .count = 0 };
    tr_task *server;
    tr_io *first, *second, *next;
    char byte;

    start(&server, serve_two_of_each, &s);
    first = connect_from(&s, "127.0.0.1:0");
    second = connect_from(&s, "127.0.0.1:0");
    EXPECT(is_served(first) && is_served(second));
    next = connect_from(&s, "127.0.0.1:0");
    EXPECT(tr_read(next, &byte, 1) == 0); /* it is closed, and not reset */
    EXPECT(tr_close(next) == 0);
    next = connect_from(&s, "127.0.0.2:0");
    EXPECT(is_served(next) && tr_close(next) == 0);
    EXPECT(tr_close(first) == 0);
    for (bool was_served = false; !was_served;) { /* as soon as the server has noticed */
        next = connect_from(&s, "127.0.0.1:0");
        was_served = is_served(next);
        (void)tr_close(next); /* which is told that it was refused */
    }
    EXPECT(tr_close(second) == 0);
    stop(server);
}

static int serve_impatiently(void *arg)
{
    return tr_serve("127.0.0.1:0", echo, arg,
                    &(tr_serve_options){ .on_ready = on_ready, .grace = 0.05 });
}

CASE(who_does_not_end_in_time_is_cancelled)
{
    served s = { .count = 0 };
    tr_task *server;
    tr_io *io;
    char byte;

    start(&server, serve_impatiently, &s);
    io = connect_from(&s, NULL);
    EXPECT(is_served(io));
    stop(server); /* although the client stays */
    EXPECT(tr_read(io, &byte, 1) == 0 && tr_close(io) == 0);
}

CASE(what_can_t_be_served_is_told)
{
    const tr_serve_options nan_grace = { .grace = NAN };
    const tr_serve_options below_zero = { .loops = -1 };
    tr_listener *l;

    EXPECT(tr_serve(NULL, echo, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_serve("127.0.0.1:0", NULL, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_serve("nowhere", echo, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_serve("127.0.0.1:0", echo, NULL, &nan_grace) == TR_EINVAL);
    EXPECT(tr_serve("127.0.0.1:0", echo, NULL, &below_zero) == TR_EINVAL);
    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_serve(tr_listener_address(l), echo, NULL, NULL) == TR_EADDRINUSE);
    EXPECT(tr_listener_close(l) == 0);
}

CASES("serve", each_connection_has_a_task_and_all_are_served,
      who_has_connected_is_served_when_serving_ends,
      at_the_limit_the_next_one_is_served_when_another_has_gone,
      an_address_has_no_more_connections_than_allowed, who_does_not_end_in_time_is_cancelled,
      what_can_t_be_served_is_told)
