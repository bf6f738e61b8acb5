/* Connecting where it is slow, refused, or cancelled; accepting many. */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>
#include <unistd.h>

#include "sync/cases.h"

enum { MANY = 200 };

static int end_of(tr_task *task)
{
    int rc = tr_task_wait(task, TR_FOREVER);

    tr_task_unref(task);
    return rc;
}

/* ---- a queue that is full ---- */

typedef struct calls {
    const char *address;
    const tr_connect_options *options;
    tr_io *streams[MANY];
    int count;
} calls;

/* Connect until nobody answers. */
static int call_until_late(void *arg)
{
    calls *c = arg;
    int rc = 0;

    while (c->count < MANY &&
           (rc = tr_tcp_connect(&c->streams[c->count], c->address, c->options)) == 0)
        c->count++;
    return rc;
}

static void close_calls(calls *c)
{
    for (int i = 0; i < c->count; i++)
        EXPECT(tr_close(c->streams[i]) == 0);
}

/* Nobody accepts: the system leaves the next one without an answer. */
CASE(connecting_obeys_its_timeout_and_can_be_cancelled)
{
    static const tr_connect_options never = { .timeout = -1 };
    static const tr_connect_options soon = { .timeout = 0.05 };
    tr_listener *l;
    tr_task *task;
    calls c = { .options = &soon };
    calls more = { .options = &never };

    EXPECT(tr_listen(&l, "127.0.0.1:0", &(tr_listen_options){ .backlog = 1 }) == 0);
    c.address = more.address = tr_listener_address(l);
    EXPECT(call_until_late(&c) == TR_ETIMEDOUT && c.count > 0 && c.count < MANY);
    EXPECT(c.streams[c.count] == NULL);
    EXPECT(tr_task_spawn(&task, call_until_late, &more) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(task) >= 0);
    EXPECT(end_of(task) == TR_ECANCELED && more.count == 0 && more.streams[0] == NULL);
    close_calls(&c);
    EXPECT(tr_listener_close(l) == 0);
}

/* ---- options ---- */

CASE(one_may_say_where_to_connect_from)
{
    tr_listener *l;
    tr_io *io;

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_tcp_connect(&io, tr_listener_address(l),
                          &(tr_connect_options){
                              .local = "127.0.0.2:0", .keepalive = 30, .delays = true }) == 0);
    EXPECT(strncmp(tr_io_local(io), "127.0.0.2:", 10) == 0);
    EXPECT(tr_close(io) == 0);
    EXPECT(tr_tcp_connect(&io, tr_listener_address(l),
                          &(tr_connect_options){ .local = "nowhere" }) == TR_EINVAL &&
           io == NULL);
    EXPECT(tr_listener_close(l) == 0);
}

/* ---- accepting ---- */

static int raise_flag(void *flag)
{
    *(bool *)flag = true;
    return 0;
}

CASE(accepting_many_lets_others_run)
{
    tr_listener *l;
    bool has_run = false;
    tr_task *task;
    tr_io *io;
    calls c = { 0 };
    int accepted = 0;

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    c.address = tr_listener_address(l);
    while (c.count < MANY)
        EXPECT(tr_tcp_connect(&c.streams[c.count++], c.address, NULL) == 0);
    EXPECT(tr_task_spawn(&task, raise_flag, &has_run) == 0);
    for (; !has_run && accepted < MANY; accepted++)
        EXPECT(tr_accept(&io, l) == 0 && tr_close(io) == 0);
    EXPECT(has_run && end_of(task) == 0);
    close_calls(&c);
    EXPECT(tr_listener_close(l) == 0);
}

static void accept_elsewhere(void *listener)
{
    tr_io *io;

    EXPECT(tr_accept(&io, listener) == TR_EWRONGPLACE && io == NULL);
    EXPECT(tr_listener_close(listener) == TR_EWRONGPLACE);
}

CASE(a_listener_is_refused_elsewhere)
{
    tr_listener *l;

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    for (where there = OTHER_LOOP; there < PLACES; there++)
        in_place(there, accept_elsewhere, l);
    EXPECT(tr_listener_close(l) == 0);
}

CASE(a_socket_that_is_in_use_is_not_replaced)
{
    char address[128];
    tr_listener *first, *second;
    tr_io *io;

    (void)snprintf(address, sizeof(address), "unix:/tmp/troupe_live_%d", (int)getpid());
    EXPECT(tr_listen(&first, address, NULL) == 0);
    EXPECT(tr_listen(&second, address, NULL) == TR_EADDRINUSE && second == NULL);
    EXPECT(tr_tcp_connect(&io, address, NULL) == 0 && tr_close(io) == 0);
    EXPECT(tr_listener_close(first) == 0);
    EXPECT(access(address + 5, F_OK) < 0);
}

/* ---- datagrams ---- */

typedef struct receiver {
    tr_udp *u;
} receiver;

static int receive(void *arg)
{
    char text[8];

    return (int)tr_udp_receive(((receiver *)arg)->u, text, sizeof(text), NULL);
}

CASE(who_receives_is_told_when_the_socket_is_closed)
{
    tr_task *task;
    receiver r;
    char text[8];

    EXPECT(tr_udp_open(&r.u, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_task_spawn(&task, receive, &r) == 0);
    let_others_run();
    EXPECT(tr_udp_receive(r.u, text, sizeof(text), NULL) == TR_EBUSY);
    EXPECT(tr_udp_close(r.u) == 0);
    EXPECT(end_of(task) == TR_EPIPE);
}

CASES("connect", connecting_obeys_its_timeout_and_can_be_cancelled,
      one_may_say_where_to_connect_from, accepting_many_lets_others_run,
      a_listener_is_refused_elsewhere, a_socket_that_is_in_use_is_not_replaced,
      who_receives_is_told_when_the_socket_is_closed)
