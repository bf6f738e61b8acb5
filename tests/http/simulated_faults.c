/* A server and its clients in a simulated network that delays, cuts, resets and parts, and in a
 * process whose memory and calls fail: each answer is the right one, or is seen to fail; nothing
 * hangs, and nothing is left. */
#include <troupe/check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>
#include <troupe/sim.h>

#include "support/suite.h"

#define MUST(x) ((x) ? (void)0 : must_have(__LINE__, #x))

enum { CLIENTS = 8, QUESTIONS = 5 };

static bool may_fail; /* of this run */

static _Noreturn void must_have(int line, const char *what)
{
    fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", __FILE__, line, what);
    abort();
}

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "hello, %s\n", tr_http_param(req, "name"));
}

static bool has_begun; /* the task had a stack: so it has freed the server at its end */

static int serve(void *server)
{
    has_begun = true;
    return tr_http_serve(server);
}

/* One question; false: it failed, as it may. */
static bool ask(tr_io *io, int client, int number)
{
    char text[128];
    const char *data;
    ssize_t bytes;
    int rc;

    (void)snprintf(text, sizeof(text), "GET /hello/%d-%d HTTP/1.1\r\nHost: x\r\n\r\n", client,
                   number);
    rc = tr_write_all(io, text, strlen(text));
    MUST(rc == 0 || may_fail);
    bytes = rc == 0 ? tr_read_until(io, &data, "\r\n\r\n", 4000) : rc;
    MUST(bytes > 0 || may_fail);
    if (bytes <= 12 || memcmp(data, "HTTP/1.1 200", 12) != 0) {
        MUST(may_fail);
        return false;
    }
    bytes = tr_read_until(io, &data, "\n", 4000);
    MUST(bytes > 0 || may_fail);
    (void)snprintf(text, sizeof(text), "hello, %d-%d\n", client, number);
    MUST(bytes <= 0 || ((size_t)bytes == strlen(text) && memcmp(text, data, (size_t)bytes) == 0));
    return bytes > 0;
}

typedef struct client {
    const char *address;
    int number;
    tr_task *task;
} client;

static int run_client(void *arg)
{
    const client *c = arg;
    tr_io *io;
    int rc = tr_tcp_connect(&io, c->address, NULL);

    MUST(rc == 0 || may_fail);
    for (int i = 0; rc == 0 && i < QUESTIONS; i++)
        if (!ask(io, c->number, i))
            break;
    (void)tr_close(io);
    return 0;
}

static void run_clients(const char *address)
{
    client clients[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client){ address, i, NULL };
        MUST(tr_task_spawn(&clients[i].task, run_client, &clients[i]) == 0 || may_fail);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].task != NULL) {
            (void)tr_task_wait(clients[i].task, TR_FOREVER);
            tr_task_unref(clients[i].task);
        }
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

static int run_all(void *unused)
{
    tr_http_server *server;
    tr_task *task = NULL;
    char address[64];
    int rc = tr_http_server_new(
        &server, &(tr_http_config){ .listen = "127.0.0.1:0", .idle_timeout = 5, .drain = 5 });

    (void)unused;
    has_begun = false;
    MUST(rc == 0 || may_fail);
    if (rc < 0)
        return 0;
    if (tr_http_route(server, "GET", "/hello/:name", hello, NULL) < 0 ||
        tr_task_spawn(&task, serve, server) < 0) {
        MUST(may_fail);
        tr_http_server_free(server);
        return 0;
    }
    if (is_serving(server, task)) {
        (void)snprintf(address, sizeof(address), "%s", tr_http_address(server));
        run_clients(address);
        tr_http_stop(server);
    }
    rc = tr_task_wait(task, TR_FOREVER);
    MUST(rc == 0 || may_fail);
    tr_task_unref(task);
    if (!has_begun)
        tr_http_server_free(server);
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

START_TEST(each_question_has_its_answer_where_threads_are_late)
{
    explore((tr_sim_options){ .late = 0.05, .stall = 0.01 }, false);
}
END_TEST

START_TEST(each_question_has_its_answer_where_the_network_is_slow)
{
    explore((tr_sim_options){ .late = 0.05, .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(connections_that_are_reset_or_parted_harm_nobody_else)
{
    explore((tr_sim_options){ .reset = 0.01, .short_transfer = 0.3, .partition = 0.002 }, true);
}
END_TEST

START_TEST(calls_and_memory_that_fail_leave_nothing_behind)
{
    explore((tr_sim_options){ .fail_memory = 0.01, .fail_call = 0.02 }, true);
}
END_TEST

SUITE_MAIN("http under faults", each_question_has_its_answer_where_threads_are_late,
           each_question_has_its_answer_where_the_network_is_slow,
           connections_that_are_reset_or_parted_harm_nobody_else,
           calls_and_memory_that_fail_leave_nothing_behind)
