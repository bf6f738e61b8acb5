/* A server and its clients in a simulated network that delays, cuts, resets and parts, and in a
 * process whose memory and calls fail: see simulated.h. */
#include "http/simulated.h"

enum { CLIENTS = 8, QUESTIONS = 5 };

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "hello, %s\n", tr_http_param(req, "name"));
}

/* One question; false: it failed, as it may. */
static bool ask(tr_io *io, int asker, int number)
{
    char text[128];
    const char *data = NULL;
    ssize_t bytes;
    int rc;

    (void)snprintf(text, sizeof(text), "GET /hello/%d-%d HTTP/1.1\r\nHost: x\r\n\r\n", asker,
                   number);
    rc = tr_write_all(io, text, strlen(text));
    MUST(rc == 0 || may_fail);
    bytes = rc < 0 ? rc : tr_read_until(io, &data, "\r\n\r\n", 4000);
    MUST(bytes > 0 || may_fail);
    if (bytes <= 12 || memcmp(data, "HTTP/1.1 200", 12) != 0) {
        MUST(may_fail);
        return false;
    }
    bytes = tr_read_until(io, &data, "\n", 4000);
    MUST(bytes > 0 || may_fail);
    (void)snprintf(text, sizeof(text), "hello, %d-%d\n", asker, number);
    MUST(bytes <= 0 || ((size_t)bytes == strlen(text) && memcmp(text, data, (size_t)bytes) == 0));
    return bytes > 0;
}

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

static int run(void *unused)
{
    tr_http_server *server;
    int rc = tr_http_server_new(
        &server, &(tr_http_config){ .listen = "127.0.0.1:0", .idle_timeout = 5, .drain = 5 });

    (void)unused;
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/hello/:name", hello, NULL);
    MUST(rc == 0 || may_fail);
    if (rc == 0)
        serve_clients(server, CLIENTS, run_client);
    else
        tr_http_server_free(server);
    return 0;
}

START_TEST(each_question_has_its_answer_where_threads_are_late)
{
    explore(run, (tr_sim_options){ .late = 0.05, .stall = 0.01 }, false);
}
END_TEST

START_TEST(each_question_has_its_answer_where_the_network_is_slow)
{
    explore(run, (tr_sim_options){ .late = 0.05, .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(connections_that_are_reset_or_parted_harm_nobody_else)
{
    explore(run, (tr_sim_options){ .reset = 0.01, .short_transfer = 0.3, .partition = 0.002 },
            true);
}
END_TEST

START_TEST(calls_and_memory_that_fail_leave_nothing_behind)
{
    explore(run, (tr_sim_options){ .fail_memory = 0.01, .fail_call = 0.02 }, true);
}
END_TEST

SUITE_MAIN("http under faults", each_question_has_its_answer_where_threads_are_late,
           each_question_has_its_answer_where_the_network_is_slow,
           connections_that_are_reset_or_parted_harm_nobody_else,
           calls_and_memory_that_fail_leave_nothing_behind)
