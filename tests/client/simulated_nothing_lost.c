/* Nothing is lost: thousands of calls to servers that answer, fail, are late, send elsewhere,
 * close, reset, or are not there. Each ends once, in the way that what it asked for lets it; the
 * client's figures are those that the callers have; and no connection is left in between. */
#include "http/simulated.h"

enum { CALLERS = 16 };

/* What there is to ask for. */
typedef enum kind { GOOD, ECHO, ELSEWHERE, MISSING, LATE, CUT, CLOSED, RESET, REFUSED, KINDS } kind;

static const char *const paths[KINDS] = { "/good", "/echo",   "/elsewhere", "/missing", "/late",
                                          "/cut",  "/closed", "/reset",     "/" };

static struct {
    tr_http_client *client;
    char closed_port[64]; /* where nobody listens */
    char rude_port[64];   /* where each connection is closed after an answer, or before */
    tr_listener *rude;
    int calls_each;
    uint64_t calls, failures;
    uint64_t ends[KINDS][2]; /* by kind: right ones, and failures that faults explain */
} run_now;

/* ---- the server ---- */

static int answer_good(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "good %s", tr_http_query(req, "n"));
}

static int answer_echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_send(res, 200, "text/plain", body, bytes);
}

static int answer_elsewhere(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char text[64];

    (void)ctx;
    (void)snprintf(text, sizeof(text), "/good?n=%s", tr_http_query(req, "n"));
    return tr_http_redirect(res, 302, text);
}

static int answer_late(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_sleep(1000);

    (void)req;
    (void)ctx;
    return rc < 0 ? rc : tr_http_text(res, 200, "late");
}

/* It promises more than it sends. */
static int answer_cut(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", 100);

    (void)req;
    (void)ctx;
    if (rc == 0)
        rc = tr_http_write(res, "some", 4);
    return rc < 0 ? rc : TR_EBUSY;
}

static int build(tr_http_server *server)
{
    int rc = tr_http_route(server, "GET", "/good", answer_good, NULL);

    if (rc == 0)
        rc = tr_http_route(server, "POST", "/echo", answer_echo, NULL);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/elsewhere", answer_elsewhere, NULL);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/late", answer_late, NULL);
    return rc == 0 ? tr_http_route(server, "GET", "/cut", answer_cut, NULL) : rc;
}

/* Answers without a word that it is the last, or closes at once. */
static void be_rude(tr_io *io)
{
    char text[256], answer[128];
    const char *head, *number;
    ssize_t bytes = tr_read_until(io, &head, "\r\n\r\n", sizeof(text) - 1);

    if (bytes <= 0)
        return;
    memcpy(text, head, (size_t)bytes);
    text[bytes] = 0;
    number = strstr(text, "/closed?n=");
    if (number == NULL)
        return;
    number += strlen("/closed?n=");
    (void)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\ngood %.*s",
                   (int)(5 + strcspn(number, " ")), (int)strcspn(number, " "), number);
    (void)tr_write_all(io, answer, strlen(answer)); /* as far as the client is there */
}

static int run_rude(void *unused)
{
    tr_io *io;

    (void)unused;
    for (;;) {
        int rc = tr_accept(&io, run_now.rude);

        if (rc == TR_ECANCELED || rc == TR_EPIPE)
            return 0;
        if (rc < 0) {
            (void)tr_sleep(0.01); /* for want of something */
            continue;
        }
        be_rude(io);
        (void)tr_close(io);
    }
}

/* ---- the callers ---- */

/* Whether a call has ended as one of its kind does where nothing fails. */
static bool is_right(kind k, int rc, tr_http_reply *reply, const char *number)
{
    const char *text = tr_http_reply_text(reply);
    int status = tr_http_reply_status(reply);

    switch (k) {
    case GOOD:
    case ELSEWHERE:
    case CLOSED:
        return rc == 0 && status == 200 && strncmp(text, "good ", 5) == 0 &&
               strcmp(text + 5, number) == 0;
    case ECHO:
        return rc == 0 && status == 200 && strcmp(text, number) == 0;
    case MISSING:
        return rc == 0 && status == 404;
    case LATE:
        return rc == TR_ETIMEDOUT;
    case CUT:
        return rc == TR_EEND;
    case RESET:
        return rc == TR_EEND || rc == TR_ECONNRESET || rc == TR_EPIPE;
    default:
        return rc == TR_ECONNREFUSED;
    }
}

/* How one may end where the network and the process fail: never with a wrong answer. */
static bool is_explained(int rc, tr_http_reply *reply)
{
    int status = tr_http_reply_status(reply);

    return may_fail && (rc < 0 || status == 500 || status == 503);
}

static void account(kind k, int rc, tr_http_reply *reply, const char *number)
{
    bool right = is_right(k, rc, reply, number);

    if (!right && !is_explained(rc, reply))
        fprintf(stderr, "%s %s: %s, %d: %s\n", paths[k], number, tr_strerror(rc),
                tr_http_reply_status(reply), tr_http_reply_text(reply));
    MUST(right || is_explained(rc, reply));
    MUST((rc == 0) == (reply != NULL));
    run_now.ends[k][right ? 0 : 1]++;
    run_now.calls++;
    run_now.failures += rc < 0;
}

static void call_one(const char *address, kind k, int number)
{
    char url[128], text[16];
    tr_http_call call = { .url = url, .timeout = 20 };
    tr_http_reply *reply;
    int rc;

    (void)snprintf(text, sizeof(text), "%d", number);
    (void)snprintf(url, sizeof(url), "http://%s%s?n=%s",
                   k == REFUSED                ? run_now.closed_port
                   : k == CLOSED || k == RESET ? run_now.rude_port
                                               : address,
                   paths[k], text);
    if (k == ECHO) {
        call.body = text;
        call.body_bytes = strlen(text);
    }
    rc = tr_http_fetch(&reply, run_now.client, &call);
    account(k, rc, reply, text);
    tr_http_reply_free(reply);
}

static int run_caller(void *arg)
{
    const client *c = arg;

    for (int i = 0; i < run_now.calls_each; i++)
        call_one(c->address, (kind)(tr_sim_random() % KINDS), c->number * 10000 + i);
    return 0;
}

static void judge(void)
{
    tr_http_client_stats stats;
    uint64_t ended = 0;

    MUST(tr_http_client_statistics(run_now.client, &stats) == 0);
    for (int k = 0; k < KINDS; k++)
        ended += run_now.ends[k][0] + run_now.ends[k][1];
    MUST(ended == run_now.calls);
    MUST(may_fail || run_now.calls == (uint64_t)(CALLERS * run_now.calls_each));
    MUST(may_fail || (stats.calls == run_now.calls && stats.failures == run_now.failures));
    MUST(stats.calls <= run_now.calls && stats.failures <= run_now.failures);
    MUST(run_now.calls - stats.calls == run_now.failures - stats.failures);
    MUST(may_fail || stats.redirects == run_now.ends[ELSEWHERE][0]);
    MUST(stats.open == stats.idle && stats.waiting == 0);
}

static void find_closed_port(void)
{
    tr_listener *listener;

    (void)snprintf(run_now.closed_port, sizeof(run_now.closed_port), "127.0.0.1:1");
    if (tr_listen(&listener, "127.0.0.1:0", NULL) < 0)
        return;
    (void)snprintf(run_now.closed_port, sizeof(run_now.closed_port), "%s",
                   tr_listener_address(listener));
    (void)tr_listener_close(listener);
}

/* Serve, and call. */
static void call_all(tr_http_server *server)
{
    tr_task *rude = NULL;
    int rc = tr_listen(&run_now.rude, "127.0.0.1:0", NULL);

    (void)snprintf(run_now.rude_port, sizeof(run_now.rude_port), "127.0.0.1:1");
    if (rc == 0) {
        (void)snprintf(run_now.rude_port, sizeof(run_now.rude_port), "%s",
                       tr_listener_address(run_now.rude));
        rc = tr_task_spawn(&rude, run_rude, NULL);
    }
    MUST(rc == 0 || may_fail);
    serve_clients(server, CALLERS, run_caller);
    judge();
    if (rude != NULL) {
        (void)tr_task_cancel(rude);
        (void)tr_task_wait(rude, TR_FOREVER);
        tr_task_unref(rude);
    }
    (void)tr_listener_close(run_now.rude);
}

static int run_all(int calls_each)
{
    const tr_http_client_config config = { .connections_each = 5,
                                           .connections_most = 7,
                                           .head_timeout = 5 };
    tr_http_server *server;
    int rc = tr_http_server_new(
        &server, &(tr_http_config){ .listen = "127.0.0.1:0", .idle_timeout = 1000, .drain = 5 });

    memset(&run_now, 0, sizeof(run_now));
    run_now.calls_each = calls_each;
    find_closed_port();
    if (rc == 0)
        rc = build(server);
    if (rc == 0)
        rc = tr_http_client_new(&run_now.client, &config);
    MUST(rc == 0 || may_fail);
    if (rc < 0) {
        tr_http_server_free(server);
        return 0;
    }
    call_all(server);
    tr_http_client_unref(run_now.client);
    return 0;
}

static int run_many(void *unused)
{
    (void)unused;
    return run_all(5024 / CALLERS);
}

static int run_few(void *unused)
{
    (void)unused;
    return run_all(4);
}

/* ---- the cases ---- */

static tr_task_fn many = run_many;

START_TEST(five_thousand_calls_are_each_accounted_for)
{
    may_fail = false;
    tr_log_set(be_quiet, NULL);
    ck_assert_int_eq(tr_sim_explore(run_root, (void *)&many, SEEDS / 20 + 1,
                                    &(tr_sim_options){ .seed = 1, .late = 0.01 }),
                     0);
}
END_TEST

START_TEST(each_call_is_accounted_for_where_threads_are_late)
{
    explore(run_few, (tr_sim_options){ .late = 0.05, .stall = 0.01, .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(each_call_is_accounted_for_where_connections_are_reset_or_parted)
{
    explore(run_few, (tr_sim_options){ .reset = 0.01, .short_transfer = 0.3, .partition = 0.002 },
            true);
}
END_TEST

START_TEST(each_call_is_accounted_for_where_calls_and_memory_fail)
{
    explore(run_few, (tr_sim_options){ .fail_memory = 0.01, .fail_call = 0.02 }, true);
}
END_TEST

SUITE_MAIN("client under faults", five_thousand_calls_are_each_accounted_for,
           each_call_is_accounted_for_where_threads_are_late,
           each_call_is_accounted_for_where_connections_are_reset_or_parted,
           each_call_is_accounted_for_where_calls_and_memory_fail)
