/* How WebSockets live on, and end: pings, goodbyes of either side or both, handlers that end, and
 * servers that stop.
 *
 * Goodbyes are waited for without limit, unless a case is about that limit: so whoever waits in
 * vain hangs, and is seen. */
#include "http/echoes.h"

static const tr_ws_options patient = { .close_within = TR_FOREVER, .ping_every = -1 };

static void await_handler(const echoes *e)
{
    while (e->ws == NULL)
        EXPECT(tr_sleep(0.001) == 0);
}

/* ---- pings ---- */

CASE(a_client_that_does_not_answer_pings_is_dropped)
{
    echoes e;
    tr_io *io;

    begin_echoes(&e, &(tr_ws_options){ .ping_every = 0.02, .pong_within = 0.02 });
    io = raw_open(&e.s, "/echo", "");
    raw_expect(io, FIN | PING, "");
    expect_end(io);
    raw_close(io);
    end_echoes(&e, TR_ETIMEDOUT);
}

static void tell_nothing(tr_io *io, void *unused)
{
    (void)unused;
    raw_shake(io, "");
    raw_expect_masked(io, FIN | PING, "");
    expect_end(io);
}

CASE(a_server_that_does_not_answer_pings_is_left)
{
    receive_from(tell_nothing, NULL, &(tr_ws_options){ .ping_every = 0.02, .pong_within = 0.02 },
                 NULL, TR_ETIMEDOUT);
}

/* The next frame that is no ping. */
static int hear_beside_pings(tr_io *io, char *data)
{
    size_t bytes;
    int heard;

    while ((heard = raw_hear(io, data, &bytes)) == (FIN | PING))
        ;
    return heard;
}

/* It answers, or says a little more of what it has to say: either is a sign of life. */
static void live_on(bool answers)
{
    char data[126];
    echoes e;
    tr_io *io;

    begin_echoes(
        &e, &(tr_ws_options){ .ping_every = 0.01, .pong_within = 1e6, .close_within = TR_FOREVER });
    io = raw_open(&e.s, "/echo", "");
    raw_say(io, TEXT, "still ");
    for (int i = 0; i < 5; i++) {
        raw_expect(io, FIN | PING, "");
        raw_say(io, answers ? FIN | PONG : CONTINUATION, "");
    }
    raw_say(io, FIN | CONTINUATION, "here");
    EXPECT(hear_beside_pings(io, data) == (FIN | TEXT) && strcmp(data, "still here") == 0);
    raw_say(io, FIN | CLOSE, "");
    EXPECT(hear_beside_pings(io, data) == (FIN | CLOSE));
    expect_end(io);
    raw_close(io);
    end_echoes(&e, 0);
}

CASE(a_client_that_answers_pings_lives_on)
{
    live_on(true);
}

CASE(a_client_that_speaks_lives_on)
{
    live_on(false);
}

/* ---- goodbyes ---- */

/* Returns when it is told to. */
typedef struct guest {
    echoes e;
    tr_event go;
    int result;
    int code; /* that the client has closed with */
} guest;

static int stay(tr_ws *ws, tr_http_request *req, void *ctx)
{
    guest *g = ctx;
    int rc;

    (void)req;
    g->e.ws = ws;
    rc = tr_event_wait(&g->go);
    g->code = tr_ws_close_code(ws);
    g->e.ws = NULL;
    g->e.end = rc < 0 ? rc : g->result;
    return g->e.end;
}

/* Sends for as long as it can. */
static int flood(tr_ws *ws, tr_http_request *req, void *ctx)
{
    static const char data[60000] = "";
    guest *g = ctx;
    int rc;

    (void)req;
    g->e.ws = ws;
    while ((rc = tr_ws_send(ws, TR_WS_BINARY, data, sizeof(data))) == 0)
        ;
    g->e.ws = NULL;
    g->e.end = rc;
    return rc;
}

static void begin_guest(guest *g, double drain, const tr_ws_options *options)
{
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1, .drain = drain });

    *g = (guest){ .e.end = 1 };
    EXPECT(tr_http_websocket(server, "/stay", stay, g, options) == 0);
    EXPECT(tr_http_websocket(server, "/flood", flood, g, options) == 0);
    begin_service(&g->e.s, server);
}

/* A handler ends so, and the client hears this code. */
static void end_with(int result, int code)
{
    guest g;
    tr_io *io;

    begin_guest(&g, 0, &patient);
    io = raw_open(&g.e.s, "/stay", "");
    g.result = result;
    EXPECT(tr_event_set(&g.go) == 0);
    raw_expect_goodbye(io, code);
    raw_say(io, FIN | TEXT, "not heard any more");
    raw_say(io, FIN | PING, "nor answered");
    raw_put(io, FIN | CLOSE, "\x03\xe8", 2);
    expect_end(io);
    raw_close(io);
    end_echoes(&g.e, result);
}

CASE(the_end_of_a_handler_is_said_to_the_client)
{
    end_with(0, 1000);
    end_with(7, 1000);
    end_with(TR_EBUSY, 1011);
    end_with(TR_ECANCELED, 1011);
}

CASE(both_sides_may_say_goodbye_at_once)
{
    char data[126];
    size_t bytes;
    guest g;
    tr_io *io;

    begin_guest(&g, 0, &patient);
    io = raw_open(&g.e.s, "/stay", "");
    await_handler(&g.e);
    EXPECT(tr_event_set(&g.go) == 0);
    raw_put(io, FIN | CLOSE, "\x03\xe9", 2);
    EXPECT(raw_hear(io, data, &bytes) == (FIN | CLOSE) && bytes == 2);
    EXPECT(memcmp(data, "\x03\xe8", 2) == 0 || memcmp(data, "\x03\xe9", 2) == 0);
    expect_end(io);
    raw_close(io);
    end_echoes(&g.e, 0);
}

CASE(our_server_and_our_client_may_say_goodbye_at_once)
{
    char url[80];
    guest g;
    tr_ws *ws;

    begin_guest(&g, 0, &patient);
    (void)snprintf(url, sizeof(url), "ws://%s/stay", g.e.s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL, &patient) == 0);
    await_handler(&g.e);
    EXPECT(tr_event_set(&g.go) == 0);
    EXPECT(tr_ws_close(ws, 4000, "so long") == 0);
    end_echoes(&g.e, 0);
    EXPECT(g.code == 0 || g.code == 4000);
}

CASE(a_client_that_never_says_goodbye_is_left)
{
    guest g;
    tr_io *io;

    begin_guest(&g, 0, &(tr_ws_options){ .close_within = 0.02 });
    io = raw_open(&g.e.s, "/stay", "");
    EXPECT(tr_event_set(&g.go) == 0);
    raw_expect_goodbye(io, 1000);
    expect_end(io);
    raw_close(io);
    end_echoes(&g.e, 0);
}

static void never_say_goodbye(tr_io *io, void *unused)
{
    (void)unused;
    raw_shake(io, "");
    raw_tell(io, FIN | TEXT, "hello", 5);
    raw_expect_masked_goodbye(io, 4999);
    expect_end(io);
}

CASE(a_server_that_never_says_goodbye_is_left)
{
    raw_server server;
    tr_ws *ws;

    raw_server_begin(&server, never_say_goodbye, NULL);
    EXPECT(tr_ws_connect(&ws, server.url, NULL, &(tr_ws_options){ .close_within = 0.02 }) == 0);
    EXPECT(tr_ws_close(ws, 4999, "") == 0);
    raw_server_end(&server);
}

/* ---- servers that stop ---- */

CASE(a_handler_that_does_not_listen_is_cancelled_when_the_server_stops)
{
    guest g;
    tr_io *io;

    begin_guest(&g, 0.02, &patient);
    io = raw_open(&g.e.s, "/stay", "");
    await_handler(&g.e);
    tr_http_stop(g.e.s.server);
    raw_expect_goodbye(io, 1001);
    raw_put(io, FIN | CLOSE, "\x03\xe9", 2);
    expect_end(io);
    raw_close(io);
    EXPECT(tr_task_wait(g.e.s.task, TR_FOREVER) == 0);
    tr_task_unref(g.e.s.task);
    EXPECT(g.e.end == TR_ECANCELED);
}

CASE(a_handler_that_waits_to_send_hears_that_the_server_stops)
{
    guest g;
    tr_io *io;

    begin_guest(&g, 1e6, &(tr_ws_options){ .close_within = 0.02, .ping_every = -1 });
    io = raw_open(&g.e.s, "/flood", "");
    await_handler(&g.e);
    while (tr_ws_waiting(g.e.ws) < 512 * 1024)
        EXPECT(tr_sleep(0.001) == 0);
    end_echoes(&g.e, TR_EPIPE);
    raw_close(io);
}

typedef struct comer {
    const echoes *e;
    tr_task *task;
} comer;

static int come(void *arg)
{
    const comer *c = arg;
    tr_ws_message m;
    char url[80];
    tr_ws *ws;
    int rc;

    (void)snprintf(url, sizeof(url), "ws://%s/echo", c->e->s.address);
    rc = tr_ws_connect(&ws, url, NULL, &patient);
    if (rc == 0) {
        rc = tr_ws_text(ws, "I have come");
        EXPECT(rc == 0 || rc == TR_EPIPE);
        while ((rc = tr_ws_receive(ws, &m)) == 1)
            EXPECT(strcmp(m.data, "I have come") == 0);
        EXPECT(rc == 0 && tr_ws_close_code(ws) == 1001);
    }
    if (rc != 0 && rc != TR_EPROTO && rc != TR_ECONNREFUSED)
        fprintf(stderr, "the client has met %s\n", tr_strerror(rc));
    EXPECT(rc == 0 || rc == TR_EPROTO || rc == TR_ECONNREFUSED);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    return 0;
}

CASE(clients_that_come_while_the_server_stops_are_told)
{
    enum { COMERS = 12 };
    comer comers[COMERS];
    echoes e;

    begin_echoes(&e, &patient);
    for (int i = 0; i < COMERS; i++) {
        comers[i].e = &e;
        EXPECT(tr_task_spawn(&comers[i].task, come, &comers[i]) == 0);
        EXPECT(tr_sleep(0.0002) == 0);
    }
    end_service(&e.s);
    for (int i = 0; i < COMERS; i++) {
        EXPECT(tr_task_wait(comers[i].task, TR_FOREVER) == 0);
        tr_task_unref(comers[i].task);
    }
}

CASES("websocket_life", a_client_that_does_not_answer_pings_is_dropped,
      a_server_that_does_not_answer_pings_is_left, a_client_that_answers_pings_lives_on,
      a_client_that_speaks_lives_on, the_end_of_a_handler_is_said_to_the_client,
      both_sides_may_say_goodbye_at_once, our_server_and_our_client_may_say_goodbye_at_once,
      a_client_that_never_says_goodbye_is_left, a_server_that_never_says_goodbye_is_left,
      a_handler_that_does_not_listen_is_cancelled_when_the_server_stops,
      a_handler_that_waits_to_send_hears_that_the_server_stops,
      clients_that_come_while_the_server_stops_are_told)
