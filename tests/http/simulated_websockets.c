/* A room of WebSockets and its clients in a simulated network that delays, cuts, resets and parts,
 * and in a process whose memory and calls fail by chance: each message is whole, or its socket is
 * seen to fail; nothing hangs, and nothing is left. */
#include <troupe/check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>
#include <troupe/sim.h>

#include "support/suite.h"

#define MUST(x) ((x) ? (void)0 : must_have(__LINE__, #x))

enum { CLIENTS = 6, MESSAGES = 6, LONG = 600, SHORT = 20 };

static bool may_fail; /* of this run */
static tr_room *room;

static _Noreturn void must_have(int line, const char *what)
{
    fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", __FILE__, line, what);
    abort();
}

/* ---- the server ---- */

/* What comes goes to all; and its sender is told when it has. */
static int chat(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc = tr_room_join(room, ws);

    (void)req;
    (void)ctx;
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0) {
        rc = tr_room_send(room, m.type, m.data, m.bytes);
        if (rc == 0)
            rc = tr_ws_text(ws, "sent");
    }
    return rc;
}

static bool has_begun; /* the task had a stack: so it has freed the server at its end */

static int serve(void *server)
{
    has_begun = true;
    return tr_http_serve(server);
}

/* Wait until it serves; false: it could not. */
static bool is_serving(tr_http_server *server, tr_task *task)
{
    while (!tr_future_is_done(tr_task_future(task))) {
        if (tr_http_port(server) != 0)
            return true;
        if (tr_sleep(0.01) < 0)
            return false;
    }
    return false;
}

/* ---- clients ---- */

typedef struct client {
    const char *address;
    int number;
    tr_task *task;
} client;

/* Messages of the room come meanwhile: of one letter each. */
static int await_sent(tr_ws *ws)
{
    tr_ws_message m;
    int rc;

    while ((rc = tr_ws_receive(ws, &m)) > 0) {
        if (strcmp(m.data, "sent") == 0)
            return 1;
        MUST(m.bytes == LONG || m.bytes == SHORT);
        for (size_t i = 1; i < m.bytes; i++)
            MUST(m.data[i] == m.data[0]);
    }
    return rc;
}

static void talk(tr_ws *ws, int number)
{
    char text[LONG];

    memset(text, 'A' + number, sizeof(text));
    for (int i = 0; i < MESSAGES; i++) {
        int rc = tr_ws_send(ws, TR_WS_TEXT, text, i % 2 == 0 ? LONG : SHORT);

        if (rc == 0)
            rc = await_sent(ws);
        MUST(rc == 1 || may_fail);
        if (rc != 1)
            break;
    }
}

static int run_client(void *arg)
{
    const client *c = arg;
    char url[80];
    tr_ws *ws;
    int rc;

    (void)snprintf(url, sizeof(url), "ws://%s/chat", c->address);
    rc = tr_ws_connect(&ws, url, NULL, &(tr_ws_options){ .is_uncompressed = c->number % 2 == 0 });
    MUST(rc == 0 || may_fail);
    MUST((rc == 0) == (ws != NULL));
    if (rc == 0)
        talk(ws, c->number);
    MUST(tr_ws_close(ws, 0, NULL) == 0);
    return 0;
}

static void run_clients(const char *address)
{
    client clients[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client){ address, i, NULL };
        MUST(tr_task_spawn_on(&clients[i].task, TR_LOOP(i % 2), run_client, &clients[i]) == 0 ||
             may_fail);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].task != NULL) {
            (void)tr_task_wait(clients[i].task, TR_FOREVER);
            tr_task_unref(clients[i].task);
        }
}

/* ---- a run ---- */

static int build(tr_http_server **server)
{
    static const tr_ws_options options = { .ping_every = 5, .pong_within = 5 };
    int rc = tr_http_server_new(server, &(tr_http_config){ .listen = "127.0.0.1:0", .drain = 5 });

    return rc == 0 ? tr_http_websocket(*server, "/chat", chat, NULL, &options) : rc;
}

static void serve_clients(tr_http_server *server)
{
    tr_task *task = NULL;
    char address[64];
    int rc = tr_task_spawn(&task, serve, server);

    MUST(rc == 0 || may_fail);
    if (rc == 0 && is_serving(server, task)) {
        (void)snprintf(address, sizeof(address), "%s", tr_http_address(server));
        run_clients(address);
        tr_http_stop(server);
    }
    if (rc == 0)
        rc = tr_task_wait(task, TR_FOREVER);
    MUST(rc == 0 || may_fail);
    tr_task_unref(task);
    if (!has_begun)
        tr_http_server_free(server);
}

static int run_all(void *unused)
{
    tr_http_server *server = NULL;
    int rc = tr_room_new(&room);

    (void)unused;
    has_begun = false;
    if (rc == 0)
        rc = build(&server);
    MUST(rc == 0 || may_fail);
    if (rc == 0)
        serve_clients(server);
    else
        tr_http_server_free(server);
    MUST(tr_room_size(room) == 0);
    tr_room_unref(room);
    return 0;
}

static void run(void *unused)
{
    int rc = tr_run(run_all, unused, &(tr_config){ .loops = 2, .signals = -1 });

    MUST(rc == 0 || may_fail);
}

static void be_quiet(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

static void explore(tr_sim_options options, bool fails)
{
    may_fail = fails;
    tr_log_set(be_quiet, NULL);
    options.seed = 1;
    ck_assert_int_eq(tr_sim_explore(run, NULL, SEEDS, &options), 0);
}

START_TEST(each_message_is_sent_where_the_network_is_slow)
{
    explore((tr_sim_options){ .late = 0.05, .stall = 0.01, .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(sockets_that_are_reset_or_parted_harm_nobody_else)
{
    explore((tr_sim_options){ .reset = 0.01, .short_transfer = 0.3, .partition = 0.005 }, true);
}
END_TEST

START_TEST(calls_and_memory_that_fail_leave_nothing_behind)
{
    explore((tr_sim_options){ .fail_memory = 0.005, .fail_call = 0.01 }, true);
}
END_TEST

START_TEST(what_fails_seldom_fails_in_the_middle)
{
    explore((tr_sim_options){ .fail_memory = 0.001, .fail_call = 0.001, .reset = 0.001 }, true);
}
END_TEST

SUITE_MAIN("websockets under faults", each_message_is_sent_where_the_network_is_slow,
           sockets_that_are_reset_or_parted_harm_nobody_else,
           calls_and_memory_that_fail_leave_nothing_behind, what_fails_seldom_fails_in_the_middle)
