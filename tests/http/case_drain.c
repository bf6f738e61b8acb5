/* The end of a server under load: whoever could connect is answered, and so is whoever was not told
 * that nothing more will be. */
#include "http/service.h"

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

/* One request a connection, until there is no more server. */
static int ask_until_the_end(void *arg)
{
    const service *s = arg;
    char text[1024];
    tr_io *io;

    while (tr_tcp_connect(&io, s->address, NULL) == 0) {
        say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT(hear(io, text, sizeof(text)) == 200);
        EXPECT(tr_close(io) == 0);
    }
    return 0;
}

CASE(whoever_could_connect_is_answered)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    service s;
    int rc;

    EXPECT(tr_http_route(server, "GET", "/", hello, NULL) == 0);
    begin_service(&s, server);
    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 8; i++)
            EXPECT(tr_scope_spawn_on(scope, TR_LOOP(i % 2), ask_until_the_end, &s) == 0);
        EXPECT(tr_sleep(0.02) == 0);
        end_service(&s);
    }
    EXPECT(rc == 0);
}

/* ---- on one connection ---- */

/* More than the system takes at once. */
enum { LARGE = CASES_SIMULATED ? 1024 * 1024 : 8 * 1024 * 1024 };

/* Of a handler that is held until the server drains. */
typedef struct hold {
    tr_event is_held, go;
} hold;

static int held(tr_http_request *req, tr_http_response *res, void *ctx)
{
    hold *h = ctx;

    (void)req;
    EXPECT(tr_event_set(&h->is_held) == 0 && tr_event_wait(&h->go) == 0);
    return tr_http_text(res, 200, "held");
}

static int large(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static char nothing[LARGE];

    (void)req;
    (void)ctx;
    return tr_http_send_taken(res, 200, "text/plain", nothing, sizeof(nothing), NULL);
}

/* On one loop, so that all connections of a case hear of the end at the same time. */
static void begin(service *s, hold *h)
{
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1 });

    EXPECT(tr_http_route(server, "GET", "/hello", hello, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/held", held, h) == 0);
    EXPECT(tr_http_route(server, "GET", "/large", large, NULL) == 0);
    EXPECT(tr_http_health(server, NULL, NULL) == 0);
    begin_service(s, server);
}

static bool is_told_of_the_end(const char *text)
{
    return strstr(text, "\r\nConnection: close\r\n") != NULL;
}

/* Stop it; it drains when this returns, as one hears who is connected already. */
static void stop_service(service *s)
{
    tr_io *io = open_client(s);
    char text[1024];
    int status = 200;

    say(io, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200);
    tr_http_stop(s->server);
    while (status == 200) {
        say(io, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
        status = hear(io, text, sizeof(text));
    }
    EXPECT(status == 503 && tr_close(io) == 0);
}

static void join_service(service *s)
{
    EXPECT(tr_task_wait(s->task, TR_FOREVER) == 0);
    tr_task_unref(s->task);
}

CASE(requests_that_came_together_are_all_answered)
{
    char text[1024];
    hold h = { 0 };
    service s;
    tr_io *io;

    begin(&s, &h);
    io = open_client(&s);
    say(io, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(tr_event_wait(&h.is_held) == 0);
    stop_service(&s);
    EXPECT(tr_event_set(&h.go) == 0);
    for (int i = 0; i < 3; i++) {
        EXPECT(hear(io, text, sizeof(text)) == 200);
        EXPECT(is_told_of_the_end(text) == (i == 2));
    }
    expect_end(io);
    EXPECT(tr_close(io) == 0);
    join_service(&s);
}

/* The answer to the first request is on its way when the server stops. */
CASE(who_was_not_told_of_the_end_may_ask_once_more)
{
    char text[1024];
    hold h = { 0 };
    service s;
    tr_io *io;
    const char *head;
    char piece[LARGE / 256];

    begin(&s, &h);
    io = open_client(&s);
    say(io, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(tr_read_until(io, &head, "\r\n\r\n", 1024) > 0);
    stop_service(&s);
    for (int i = 0; i < 256; i++)
        EXPECT(tr_read_exact(io, piece, sizeof(piece)) == 0);
    say(io, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200 && is_told_of_the_end(text));
    expect_end(io);
    EXPECT(tr_close(io) == 0);
    join_service(&s);
}

typedef struct asker {
    service service;
    tr_event begun;
} asker;

/* Sixteen requests of it are always under way, until it is told, or hears the end between two
 * answers. */
static int ask_without_pause(void *arg)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    asker *a = arg;
    char text[1024] = "";
    tr_io *io = open_client(&a->service);
    const char *answer;
    ssize_t count;

    for (int i = 0; i < 16; i++)
        say(io, request);
    while (!is_told_of_the_end(text) && (count = tr_peek(io, &answer, 1)) != 0) {
        EXPECT(count > 0);
        EXPECT(hear(io, text, sizeof(text)) == 200);
        EXPECT(tr_event_set(&a->begun) == 0);
        (void)tr_write_all(io, request, strlen(request)); /* or it is over */
    }
    EXPECT(tr_close(io) == 0);
    return 0;
}

CASE(who_never_pauses_does_not_hold_the_end_up)
{
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.2 });
    asker a = { 0 };
    int rc;

    EXPECT(tr_http_route(server, "GET", "/hello", hello, NULL) == 0);
    begin_service(&a.service, server);
    TR_SCOPE(scope, &rc) {
        EXPECT(tr_scope_spawn_on(scope, TR_LOOP(1), ask_without_pause, &a) == 0);
        EXPECT(tr_event_wait(&a.begun) == 0);
        end_service(&a.service);
    }
    EXPECT(rc == 0);
}

/* ---- handlers that wait for their clients ---- */

enum { STUCK = 4 };

typedef struct stuck {
    tr_event has_begun;
    int begun;
    int cancelled;
} stuck;

static void note_begun(stuck *s)
{
    if (++s->begun == STUCK)
        EXPECT(tr_event_set(&s->has_begun) == 0);
}

static int take_all(tr_http_request *req, tr_http_response *res, void *ctx)
{
    stuck *s = ctx;
    char piece[16];
    ssize_t bytes;

    (void)res;
    note_begun(s);
    while ((bytes = tr_http_read(req, piece, sizeof(piece))) > 0)
        continue;
    s->cancelled += bytes == TR_ECANCELED;
    return (int)bytes;
}

static int give_without_end(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static const char piece[4096];
    stuck *s = ctx;
    int rc = tr_http_begin(res, 200, "text/plain", -1);

    (void)req;
    note_begun(s);
    while (rc == 0)
        rc = tr_http_write(res, piece, sizeof(piece));
    s->cancelled += rc == TR_ECANCELED;
    return rc;
}

/* Some send no more, some take no more: each is told by the end of the connection. */
CASE(handlers_that_wait_for_their_clients_are_cancelled_in_the_end)
{
    static const tr_http_route_options streams = { .streams_body = true };
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1, .drain = 0.2 });
    tr_io *clients[STUCK];
    stuck s = { 0 };
    service at;

    EXPECT(tr_http_route_with(server, "POST", "/", take_all, &s, &streams) == 0);
    EXPECT(tr_http_route(server, "GET", "/", give_without_end, &s) == 0);
    begin_service(&at, server);
    for (int i = 0; i < STUCK; i++) {
        clients[i] = open_client(&at);
        say(clients[i], i % 2 == 0 ? "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"
                                   : "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    EXPECT(tr_event_wait(&s.has_begun) == 0);
    end_service(&at);
    EXPECT(s.cancelled == STUCK);
    for (int i = 0; i < STUCK; i++)
        EXPECT(tr_close(clients[i]) == 0);
}

CASES("drain", whoever_could_connect_is_answered, requests_that_came_together_are_all_answered,
      who_was_not_told_of_the_end_may_ask_once_more, who_never_pauses_does_not_hold_the_end_up,
      handlers_that_wait_for_their_clients_are_cancelled_in_the_end)
