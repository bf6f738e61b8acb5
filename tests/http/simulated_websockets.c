/* A room of WebSockets and its clients in a simulated network that delays, cuts, resets and parts,
 * and in a process whose memory and calls fail by chance: each message is whole, or its socket is
 * seen to fail. See simulated.h. */
#include "http/simulated.h"

enum { CLIENTS = 6, MESSAGES = 6, LONG = 600, SHORT = 20 };

static tr_room *room;

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

/* ---- clients ---- */

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

/* ---- a run ---- */

static int build(tr_http_server **server)
{
    static const tr_ws_options options = { .ping_every = 5, .pong_within = 5 };
    int rc = tr_http_server_new(server, &(tr_http_config){ .listen = "127.0.0.1:0", .drain = 5 });

    return rc == 0 ? tr_http_websocket(*server, "/chat", chat, NULL, &options) : rc;
}

static int run(void *unused)
{
    tr_http_server *server = NULL;
    int rc = tr_room_new(&room);

    (void)unused;
    if (rc == 0)
        rc = build(&server);
    MUST(rc == 0 || may_fail);
    if (rc == 0)
        serve_clients(server, CLIENTS, run_client);
    else
        tr_http_server_free(server);
    MUST(tr_room_size(room) == 0);
    tr_room_unref(room);
    return 0;
}

START_TEST(each_message_is_sent_where_the_network_is_slow)
{
    explore(run, (tr_sim_options){ .late = 0.05, .stall = 0.01, .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(sockets_that_are_reset_or_parted_harm_nobody_else)
{
    explore(run, (tr_sim_options){ .reset = 0.01, .short_transfer = 0.3, .partition = 0.005 },
            true);
}
END_TEST

START_TEST(calls_and_memory_that_fail_leave_nothing_behind)
{
    explore(run, (tr_sim_options){ .fail_memory = 0.005, .fail_call = 0.01 }, true);
}
END_TEST

START_TEST(what_fails_seldom_fails_in_the_middle)
{
    explore(run, (tr_sim_options){ .fail_memory = 0.001, .fail_call = 0.001, .reset = 0.001 },
            true);
}
END_TEST

SUITE_MAIN("websockets under faults", each_message_is_sent_where_the_network_is_slow,
           sockets_that_are_reset_or_parted_harm_nobody_else,
           calls_and_memory_that_fail_leave_nothing_behind, what_fails_seldom_fails_in_the_middle)
