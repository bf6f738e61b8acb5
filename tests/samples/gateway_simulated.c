/* The sample gateway, in a simulation: upstreams that answer, fail, are late, cut their answers,
 * close, or are not there; a network that is well, or resets and parts; and it is stopped while
 * clients ask.
 *
 * Each request gets one answer, of the status that what has happened to it says; the breaker keeps
 * requests from an upstream that fails, for as long as it is to; bodies go through while they come,
 * and who is slow holds up the other side. */
#include "samples/program.h"

enum { CLIENTS = 6, CALLS = 14, NUMBERS = CLIENTS * 1000, FLOOD = 3 << 20, UNDER_WAY = 1 << 20 };

#define GATEWAY "10.1.2.3:8080"

/* ---- upstreams ---- */

static struct {
    bool is_ill;       /* good answers are 503 */
    double lingers;    /* before a good answer */
    int asked;         /* how often, for those */
    int done[NUMBERS]; /* how often, by the number of the request */
    size_t produced;   /* of a body that is streamed */
    size_t consumed;
    size_t most; /* that was between the two */
} now;

static int *done_of(tr_http_request *req)
{
    const char *n = tr_http_query(req, "n");

    MUST(n != NULL && atoi(n) >= 0 && atoi(n) < NUMBERS); /* NOLINT(cert-err34-c): checked here */
    return &now.done[atoi(n)];                            /* NOLINT(cert-err34-c) */
}

static int answer_good(tr_http_request *req, tr_http_response *res, void *name)
{
    int rc;

    now.asked++;
    if (now.is_ill)
        return tr_http_problem(res, 503, "ill");
    if (now.lingers > 0 && (rc = tr_sleep(now.lingers)) < 0)
        return rc;
    ++*done_of(req);
    return tr_http_text(res, 200, "%s: %s", (const char *)name, tr_http_query(req, "n"));
}

/* Back while it comes. */
static int answer_echo(tr_http_request *req, tr_http_response *res, void *unused)
{
    char piece[512];
    ssize_t bytes;
    int rc;

    (void)unused;
    ++*done_of(req);
    rc = tr_http_begin(res, 200, "text/plain", -1);
    while (rc == 0 && (bytes = tr_http_read(req, piece, sizeof(piece))) != 0)
        rc = bytes < 0 ? (int)bytes : tr_http_write(res, piece, (size_t)bytes);
    return rc;
}

static int answer_failing(tr_http_request *req, tr_http_response *res, void *unused)
{
    (void)req, (void)unused;
    return tr_http_problem(res, 500, "as always");
}

static int answer_busy(tr_http_request *req, tr_http_response *res, void *unused)
{
    (void)req, (void)unused;
    return tr_http_problem(res, 503, "busy");
}

static int answer_slow(tr_http_request *req, tr_http_response *res, void *unused)
{
    (void)req, (void)res, (void)unused;
    return tr_sleep(1000);
}

static int answer_cut(tr_http_request *req, tr_http_response *res, void *unused)
{
    int rc = tr_http_begin(res, 200, "text/plain", 100);

    (void)req, (void)unused;
    if (rc == 0)
        rc = tr_http_write(res, "some", 4);
    if (rc == 0)
        rc = tr_http_flush(res);
    return rc < 0 ? rc : TR_EBUSY;
}

/* ---- and bodies that are larger than what may be under way ---- */

static char byte_at(size_t at)
{
    return (char)(at * 7 + at / 251);
}

static size_t produce(char *piece, size_t room)
{
    size_t bytes = FLOOD - now.produced < room ? FLOOD - now.produced : room;

    for (size_t i = 0; i < bytes; i++)
        piece[i] = byte_at(now.produced + i);
    now.produced += bytes;
    if (now.produced - now.consumed > now.most)
        now.most = now.produced - now.consumed;
    return bytes;
}

static void consume(const char *piece, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        MUST(piece[i] == byte_at(now.consumed + i));
    now.consumed += bytes;
}

static int send_flood(tr_http_request *req, tr_http_response *res, void *unused)
{
    char piece[8192];
    size_t bytes;
    int rc = tr_http_begin(res, 200, "text/plain", FLOOD);

    (void)req, (void)unused;
    while (rc == 0 && (bytes = produce(piece, sizeof(piece))) > 0)
        rc = tr_http_write(res, piece, bytes);
    return rc;
}

static int take_flood(tr_http_request *req, tr_http_response *res, void *unused)
{
    char piece[8192];
    ssize_t bytes;

    (void)unused;
    while ((bytes = tr_http_read(req, piece, sizeof(piece))) > 0) {
        consume(piece, (size_t)bytes);
        MUST(tr_sleep(0.01) == 0);
    }
    return bytes < 0 ? (int)bytes : tr_http_text(res, 200, "%zu", now.consumed);
}

/* Until the client has said "bye". */
static int talk(tr_ws *ws, tr_http_request *req, void *unused)
{
    tr_ws_message m;
    int rc;

    (void)req, (void)unused;
    while ((rc = tr_ws_receive(ws, &m)) > 0 && strcmp(m.data, "bye") != 0)
        if ((rc = tr_ws_send(ws, m.type, m.data, m.bytes)) < 0)
            break;
    return rc;
}

/* ---- where they are ---- */

static tr_task *begin_upstream(const char *address, const char *name)
{
    static const tr_http_route_options streams = { .streams_body = true };
    tr_http_server *server;
    tr_task *task;

    MUST(tr_http_server_new(
             &server, &(tr_http_config){ .listen = address, .body_most = SIZE_MAX, .drain = 1 }) ==
         0);
    (void)tr_http_route(server, "GET", "/:route/good", answer_good, (void *)name);
    (void)tr_http_route_with(server, "POST", "/:route/echo", answer_echo, NULL, &streams);
    (void)tr_http_route(server, "GET", "/:route/failing", answer_failing, NULL);
    (void)tr_http_route(server, "GET", "/:route/busy", answer_busy, NULL);
    (void)tr_http_route(server, "GET", "/:route/slow", answer_slow, NULL);
    (void)tr_http_route(server, "GET", "/:route/cut", answer_cut, NULL);
    (void)tr_http_route(server, "GET", "/:route/flood", send_flood, NULL);
    (void)tr_http_route_with(server, "POST", "/:route/flood", take_flood, NULL, &streams);
    (void)tr_http_websocket(server, "/:route/talk", talk, NULL, NULL);
    MUST(tr_task_spawn(&task, serve, server) == 0); /* a route that is wrong ends it */
    MUST(is_serving(server, task));
    return task;
}

/* Reads a request, and closes. */
static int run_rude(void *listener)
{
    tr_io *io;
    int rc;

    while ((rc = tr_accept(&io, listener)) != TR_ECANCELED) {
        const char *head;

        if (rc < 0)
            continue; /* who came is gone again */
        (void)tr_read_until(io, &head, "\r\n\r\n", 4096);
        (void)tr_close(io);
    }
    return rc;
}

static void end_task(tr_task *task)
{
    (void)tr_task_cancel(task);
    (void)tr_task_wait(task, TR_FOREVER); /* it was cancelled */
    tr_task_unref(task);
}

/* ---- what is asked for, and what must come of it ---- */

typedef struct kind {
    const char *method;
    const char *path;
    int status;
} kind;

enum { CUT_SHORT = -1 };

static const kind kinds[] = {
    { "GET", "/both/good", 200 },   { "POST", "/both/echo", 200 },
    { "GET", "/half/good", 200 },   { "POST", "/half/echo", 200 },
    { "GET", "/one/missing", 404 }, { "GET", "/both/failing", 500 },
    { "GET", "/both/busy", 503 },   { "GET", "/one/slow", 504 },
    { "GET", "/both/slow", 504 },   { "GET", "/both/cut", CUT_SHORT },
    { "GET", "/gone/good", 502 },   { "GET", "/none/good", 502 },
    { "POST", "/none/echo", 502 },  { "GET", "/nowhere", 404 },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static tr_http_client *http;
static bool was_answered[NUMBERS];
static bool is_ending; /* the gateway is being stopped: it may be gone */

static int ask(tr_http_reply **reply, const kind *k, int n)
{
    char url[128], text[64];

    (void)snprintf(url, sizeof(url), "http://" GATEWAY "%s?n=%d", k->path, n);
    (void)snprintf(text, sizeof(text), "body %d", n);
    return tr_http_fetch(reply, http,
                         &(tr_http_call){ .method = k->method,
                                          .url = url,
                                          .body = *k->method == 'P' ? text : NULL,
                                          .body_bytes = *k->method == 'P' ? strlen(text) : 0,
                                          .timeout = 120 });
}

/* A success is whole, and of this request, whatever else has failed. */
static bool is_own(const kind *k, tr_http_reply *reply, int n)
{
    const char *text = tr_http_reply_text(reply);
    char own[64];

    if (*k->method == 'P') {
        (void)snprintf(own, sizeof(own), "body %d", n);
        return strcmp(text, own) == 0;
    }
    (void)snprintf(own, sizeof(own), ": %d", n);
    return (*text == 'a' || *text == 'b') && strcmp(text + 1, own) == 0;
}

static bool is_right(const kind *k, int rc, tr_http_reply *reply)
{
    if (k->status == CUT_SHORT)
        return rc == TR_EEND;
    return rc == 0 && tr_http_reply_status(reply) == k->status;
}

static bool is_explained(int rc, int status)
{
    if (is_ending && (rc < 0 || status == 503))
        return true;
    return may_fail && (rc < 0 || status == 408 || (status >= 502 && status <= 504));
}

static void ask_one(const kind *k, int n)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int rc = ask(&reply, k, n), status = tr_http_reply_status(reply);
    bool right = is_right(k, rc, reply);

    if (!right && !is_explained(rc, status))
        (void)fprintf(stderr, "%s %s: %s, %d: %s\n", k->method, k->path, tr_strerror(rc), status,
                      tr_http_reply_text(reply));
    MUST(right || is_explained(rc, status));
    MUST(status != 200 || is_own(k, reply, n));
    was_answered[n] = rc == 0 && status == 200;
}

static int be_client(void *arg)
{
    const client *c = arg;

    for (int i = 0; i < CALLS; i++) {
        if (!is_ending)
            ask_one(&kinds[tr_sim_random() % KINDS], c->number * 1000 + i);
    }
    return 0;
}

/* ---- afterwards ---- */

/* A POST is passed on at most once; what an upstream has done was answered, unless the network is
 * to blame. */
static void check_done(void)
{
    for (int n = 0; n < NUMBERS; n++) {
        MUST(now.done[n] <= 1 || may_fail);
        MUST(now.done[n] > 0 || !was_answered[n]);
        MUST(now.done[n] == 0 || was_answered[n] || may_fail);
    }
}

/* Nothing is left under way. */
static void check_figures(void)
{
    static const kind metrics = { "GET", "/metrics", 200 };
    tr_http_reply *reply tr_cleanup_reply = NULL;
    const char *at;
    int count = 0;

    if (ask(&reply, &metrics, 0) < 0) {
        MUST(may_fail);
        return;
    }
    MUST(tr_http_reply_status(reply) == 200 || may_fail);
    for (at = tr_http_reply_text(reply); (at = strstr(at, "\ngateway_in_flight{")) != NULL; at++) {
        at = strchr(at, '}');
        MUST(at != NULL && strncmp(at, "} 0\n", 4) == 0);
        count++;
    }
    MUST(count > 0 || may_fail);
}

/* ---- a run ---- */

/* The gateway changes its arguments. */
static struct {
    char text[16][80];
    char *at[17];
} arguments;

static void begin_gateway(const char *const *words)
{
    int count = 0;

    for (; words[count] != NULL; count++) {
        MUST(count < 16);
        (void)snprintf(arguments.text[count], sizeof(arguments.text[0]), "%s", words[count]);
        arguments.at[count] = arguments.text[count];
    }
    arguments.at[count] = NULL;
    keep_output();
    begin_program(arguments.at, 0);
    await_listening(program.task);
}

static void end_gateway(void)
{
    cancel_program();
    MUST(await_program() == 0);
    forget_output();
}

/* Upstreams, around fn. */
static int run_with_upstreams(void (*fn)(void))
{
    tr_task *a = begin_upstream("10.0.0.1:80", "a"), *b = begin_upstream("10.0.0.2:80", "b");
    tr_listener *listener;
    tr_task *rude;

    memset(&now, 0, sizeof(now));
    memset(was_answered, 0, sizeof(was_answered));
    is_ending = false;
    MUST(tr_http_client_new(&http, NULL) == 0);
    MUST(tr_listen(&listener, "10.0.0.4:80", NULL) == 0);
    MUST(tr_task_spawn(&rude, run_rude, listener) == 0);
    fn();
    tr_http_client_unref(http);
    end_task(rude);
    end_task(a);
    end_task(b);
    (void)tr_listener_close(listener);
    return 0;
}

static const char *const usual[] = { "gateway",
                                     "--failures",
                                     "1000000",
                                     "--answer-timeout",
                                     "5",
                                     GATEWAY,
                                     "/both=http://10.0.0.1,http://10.0.0.2",
                                     "/one=http://10.0.0.1",
                                     "/half=http://10.0.0.9,http://10.0.0.1",
                                     "/gone=http://10.0.0.4",
                                     "/none=http://10.0.0.9",
                                     NULL };

static void ask_all(void)
{
    begin_gateway(usual);
    run_clients(CLIENTS, be_client, NULL);
    check_done();
    check_figures();
    end_gateway();
}

static int stop_soon(void *unused)
{
    int rc = tr_sleep((double)(tr_sim_random() % 1000) / 1000 * 20);

    (void)unused;
    is_ending = true;
    cancel_program();
    return rc;
}

static void ask_until_it_ends(void)
{
    tr_task *stopper;

    begin_gateway(usual);
    MUST(tr_task_spawn(&stopper, stop_soon, NULL) == 0);
    run_clients(CLIENTS, be_client, NULL);
    MUST(tr_task_wait(stopper, TR_FOREVER) == 0);
    tr_task_unref(stopper);
    check_done();
    end_gateway();
}

/* ---- the breaker ---- */

enum { FAILURES = 3, OPEN_S = 10 };

static const char *const careful[] = { "gateway",    "--failures", "3",
                                       "--open-for", "10",         "--answer-timeout",
                                       "5",          GATEWAY,      "/one=http://10.0.0.1",
                                       NULL };

/* A request for a good answer: its status, and by how much the upstream was asked more often. */
static int ask_good(int *asked)
{
    static const kind good = { "GET", "/one/good", 200 };
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int before = now.asked;

    MUST(ask(&reply, &good, 0) == 0);
    *asked = now.asked - before;
    if (tr_http_reply_status(reply) == 503 && *asked == 0) {
        MUST(strstr(tr_http_reply_text(reply), "no upstream is well") != NULL);
        MUST(tr_http_reply_header(reply, "Retry-After") != NULL);
    }
    return tr_http_reply_status(reply);
}

/* Until its time is over nothing gets through. */
static void check_open(void)
{
    double until = tr_sim_now() + OPEN_S - 1;
    int asked;

    while (tr_sim_now() < until) {
        MUST(ask_good(&asked) == 503 && asked == 0);
        MUST(tr_sleep((double)(tr_sim_random() % 3000) / 1000) == 0);
    }
    while (tr_sim_now() < until + 2)
        MUST(tr_sleep(0.5) == 0);
}

static int statuses[CLIENTS];

static int try_good(void *arg)
{
    int asked;

    statuses[((const client *)arg)->number] = ask_good(&asked);
    return 0;
}

/* Where many come when its time is over, one is let through, and the others are refused. */
static void check_trial(void)
{
    int before = now.asked, good = 0;

    now.lingers = 2;
    run_clients(CLIENTS, try_good, NULL);
    now.lingers = 0;
    for (int i = 0; i < CLIENTS; i++) {
        MUST(statuses[i] == 200 || statuses[i] == 503);
        good += statuses[i] == 200;
    }
    MUST(good == 1 && now.asked == before + 1);
}

static void break_and_close(void)
{
    int asked;

    begin_gateway(careful);
    MUST(ask_good(&asked) == 200 && asked == 1);
    if (tr_sim_random() % 2 == 0)
        now.is_ill = true;
    else
        now.lingers = 100;
    for (int i = 0; i < FAILURES; i++)
        MUST(ask_good(&asked) == (now.is_ill ? 503 : 504) && asked == 1);
    check_open();
    MUST(ask_good(&asked) == (now.is_ill ? 503 : 504) && asked == 1); /* the trial fails */
    check_open();
    now.is_ill = false;
    now.lingers = 0;
    check_trial();
    for (int i = 0; i < FAILURES; i++)
        MUST(ask_good(&asked) == 200 && asked == 1);
    check_figures();
    end_gateway();
}

/* ---- back pressure ---- */

static ssize_t produce_for_call(void *unused, void *buffer, size_t room)
{
    (void)unused;
    return (ssize_t)produce(buffer, room);
}

static void upload_to_slow(void)
{
    tr_http_reply *reply;

    MUST(tr_http_fetch(&reply, http,
                       &(tr_http_call){ .url = "http://" GATEWAY "/one/flood",
                                        .method = "POST",
                                        .source = produce_for_call }) == 0);
    MUST(tr_http_reply_status(reply) == 200 && now.consumed == FLOOD);
    tr_http_reply_free(reply);
}

static void download_slowly(void)
{
    tr_http_reply *reply;
    char piece[8192];
    ssize_t bytes;

    MUST(tr_http_fetch(&reply, http,
                       &(tr_http_call){ .url = "http://" GATEWAY "/one/flood", .streams = true }) ==
         0);
    while ((bytes = tr_http_reply_read(reply, piece, sizeof(piece))) > 0) {
        consume(piece, (size_t)bytes);
        MUST(tr_sleep(0.01) == 0);
    }
    MUST(bytes == 0 && now.consumed == FLOOD);
    tr_http_reply_free(reply);
}

/* How much is under way does not depend on how large a body is. */
static void stream_both_ways(void)
{
    begin_gateway(usual);
    upload_to_slow();
    MUST(now.most < UNDER_WAY);
    now.produced = now.consumed = now.most = 0;
    download_slowly();
    MUST(now.most < UNDER_WAY);
    end_gateway();
}

/* ---- WebSockets ---- */

static bool may_talk(int rc)
{
    MUST(rc >= 0 || may_fail || is_ending);
    return rc >= 0;
}

static int be_talker(void *arg)
{
    const client *c = arg;
    tr_ws_message m;
    char text[64];
    tr_ws *ws;
    int rc = tr_ws_connect(&ws, "ws://" GATEWAY "/both/talk", NULL, NULL);

    for (int i = 0; i < CALLS && may_talk(rc); i++) {
        (void)snprintf(text, sizeof(text), "%d of %d", i, c->number);
        rc = tr_ws_send(ws, TR_WS_TEXT, text, strlen(text));
        if (may_talk(rc))
            rc = tr_ws_receive(ws, &m);
        MUST(rc <= 0 || strcmp(m.data, text) == 0);
        if (rc == 0)
            rc = TR_EEND; /* where it must not end */
        if (rc > 0)
            MUST(tr_sleep((double)(tr_sim_random() % 1000) / 1000) == 0);
    }
    if (rc > 0 && tr_ws_send(ws, TR_WS_TEXT, "bye", 3) == 0 && !is_ending && !may_fail)
        MUST(tr_ws_receive(ws, &m) == 0 && tr_ws_close_code(ws) == 1000);
    (void)tr_ws_close(ws, 0, NULL); /* NULL: there is none */
    return 0;
}

static void talk_all(void)
{
    begin_gateway(usual);
    run_clients(CLIENTS, be_talker, NULL);
    MUST(tr_sleep(200) == 0); /* twice the idle timeout, and more: the tunnels have ended */
    check_figures();
    end_gateway();
}

/* What still talks when the time is over is cut. */
static void talk_until_it_ends(void)
{
    tr_task *stopper;

    begin_gateway(usual);
    MUST(tr_task_spawn(&stopper, stop_soon, NULL) == 0);
    run_clients(CLIENTS, be_talker, NULL);
    MUST(tr_task_wait(stopper, TR_FOREVER) == 0);
    tr_task_unref(stopper);
    end_gateway();
}

/* Nobody says anything: it ends by itself. */
static void fall_silent(void)
{
    static const char *const impatient[] = { "gateway", "--idle-timeout",       "3",
                                             GATEWAY,   "/one=http://10.0.0.1", NULL };
    double start;
    tr_ws_message m;
    tr_ws *ws;

    begin_gateway(impatient);
    MUST(tr_ws_connect(&ws, "ws://" GATEWAY "/one/talk", NULL, NULL) == 0);
    start = tr_sim_now();
    MUST(tr_ws_receive(ws, &m) < 0);
    MUST(tr_sim_now() - start > 2.9 && tr_sim_now() - start < 7);
    (void)tr_ws_close(ws, 0, NULL); /* it has gone */
    end_gateway();
}

/* ---- the tests ---- */

enum { SEEDS_EACH = SEEDS / 3 + 1, SEEDS_FEW = SEEDS / 6 + 1, SEEDS_OF_STREAMS = SEEDS / 20 + 1 };

static void (*chosen)(void);

static int run(void *unused)
{
    (void)unused;
    return run_with_upstreams(chosen);
}

static void try_all(void (*fn)(void), uint64_t seeds, tr_sim_options options, bool fails)
{
    static tr_task_fn root = run;

    chosen = fn;
    may_fail = fails;
    tr_log_set(be_quiet, NULL);
    options.seed = 1;
    ck_assert_int_eq(tr_sim_explore(run_root, &root, seeds, &options), 0);
}

START_TEST(each_request_gets_the_answer_that_it_must)
{
    try_all(ask_all, SEEDS_EACH, (tr_sim_options){ .late = 0.02, .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(where_connections_are_reset_or_parted_none_is_wrong)
{
    try_all(ask_all, SEEDS_EACH,
            (tr_sim_options){ .reset = 0.01, .partition = 0.002, .short_transfer = 0.3 }, true);
}
END_TEST

START_TEST(what_has_begun_is_answered_when_it_is_stopped)
{
    try_all(ask_until_it_ends, SEEDS_EACH, (tr_sim_options){ .late = 0.02 }, false);
}
END_TEST

START_TEST(the_breaker_opens_and_closes_by_the_clock)
{
    try_all(break_and_close, SEEDS_EACH, (tr_sim_options){ .late = 0.02, .short_transfer = 0.3 },
            false);
}
END_TEST

START_TEST(who_is_slow_holds_up_the_other_side)
{
    try_all(stream_both_ways, SEEDS_OF_STREAMS, (tr_sim_options){ 0 }, false);
}
END_TEST

START_TEST(websockets_pass_both_ways)
{
    try_all(talk_all, SEEDS_FEW, (tr_sim_options){ .late = 0.02, .short_transfer = 0.3 }, false);
    try_all(talk_all, SEEDS_FEW,
            (tr_sim_options){ .reset = 0.01, .partition = 0.002, .short_transfer = 0.3 }, true);
}
END_TEST

START_TEST(websockets_end_with_the_gateway_or_where_nobody_speaks)
{
    try_all(talk_until_it_ends, SEEDS_FEW, (tr_sim_options){ .late = 0.02 }, false);
    try_all(fall_silent, SEEDS_FEW, (tr_sim_options){ .late = 0.02 }, false);
}
END_TEST

SUITE_MAIN("samples/gateway", each_request_gets_the_answer_that_it_must,
           where_connections_are_reset_or_parted_none_is_wrong,
           what_has_begun_is_answered_when_it_is_stopped, the_breaker_opens_and_closes_by_the_clock,
           who_is_slow_holds_up_the_other_side, websockets_pass_both_ways,
           websockets_end_with_the_gateway_or_where_nobody_speaks)
