/* What the sweeps over a client share: a server that is as plain as can be, so that most of what
 * may fail is the client's; and what must hold of each call, whatever fails.
 *
 * A call ends with the right answer, or with an error that is not a timeout: so nobody waits for
 * what does not come. What has failed is over: the next call has its answer. When all have ended no
 * connection is in use, nor is any call in line. */
#ifndef TR_TESTS_SWEEP_CLIENT_H
#define TR_TESTS_SWEEP_CLIENT_H

#include <troupe/net.h>

#include "support/sweep.h"

typedef struct client_program {
    tr_http_client_config config;
    bool connects;      /* all URLs lead to the server */
    const char *scheme; /* the server is the proxy, by this: "http://u:p@"; NULL: it is none */
    int (*welcome)(tr_io **io); /* what comes before HTTP: a proxy's words, TLS; NULL: nothing */
    /* What is said to a request, its head and its body. One that has "Connection: close" is the
     * last. */
    size_t (*answer)(const char *request, char *out, size_t room);
    void (*talk)(tr_http_client *client);
    tr_tls *(*make_tls)(void); /* what the client trusts, made anew in each run; NULL: nobody */
} client_program;

static const client_program *program;

/* ---- the server ---- */

enum { MOST = 8192, VISITORS = 8 };

typedef struct visitor {
    tr_task *task; /* which has its stack before anything may fail */
    tr_io *io;
    char request[MOST];
    char answer[MOST];
} visitor;

static struct {
    tr_listener *listener;
    tr_mutex accepting; /* only one may */
    char address[64];
    int ready;
    visitor visitors[VISITORS]; /* more there are not at a time */
} server;

/* false: nobody asks any more. */
static bool hear_request(visitor *v)
{
    const char *head, *length;
    ssize_t bytes = tr_read_until(v->io, &head, "\r\n\r\n", sizeof(v->request) - 1);
    size_t body;

    if (bytes <= 0)
        return false;
    memcpy(v->request, head, (size_t)bytes);
    v->request[bytes] = 0;
    length = strstr(v->request, "Content-Length: ");
    body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    MUST((size_t)bytes + body < sizeof(v->request));
    v->request[(size_t)bytes + body] = 0;
    return body == 0 || tr_read_exact(v->io, v->request + bytes, body) == 0;
}

static void serve_visitor(visitor *v)
{
    bool goes_on = program->welcome == NULL || program->welcome(&v->io) == 0;

    while (goes_on && hear_request(v)) {
        size_t bytes = program->answer(v->request, v->answer, sizeof(v->answer));

        goes_on = bytes > 0 && tr_write_all(v->io, v->answer, bytes) == 0 &&
                  strstr(v->answer, "Connection: close") == NULL;
    }
    (void)tr_close(v->io); /* which the client may have closed */
}

static int receive(visitor *v)
{
    int rc = tr_lock(&server.accepting);

    if (rc < 0)
        return rc;
    rc = tr_accept(&v->io, server.listener);
    tr_unlock(&server.accepting);
    return rc;
}

static int serve(void *arg)
{
    visitor *v = arg;
    int rc = 0;

    server.ready++;
    while (rc != TR_ECANCELED) {
        rc = receive(v);
        MUST(rc == 0 || rc == TR_ECANCELED || has_struck());
        if (rc == 0)
            serve_visitor(v);
    }
    return 0;
}

static void begin_server(void)
{
    memset(&server, 0, sizeof(server));
    MUST(tr_listen(&server.listener, "127.0.0.1:0", NULL) == 0);
    (void)snprintf(server.address, sizeof(server.address), "%s",
                   tr_listener_address(server.listener));
    for (int i = 0; i < VISITORS; i++)
        MUST(tr_task_spawn(&server.visitors[i].task, serve, &server.visitors[i]) == 0);
    while (server.ready < VISITORS)
        MUST(tr_yield() == 0);
}

static void end_server(void)
{
    for (int i = 0; i < VISITORS; i++)
        (void)tr_task_cancel(server.visitors[i].task);
    for (int i = 0; i < VISITORS; i++) {
        (void)tr_task_wait(server.visitors[i].task, TR_FOREVER);
        tr_task_unref(server.visitors[i].task);
    }
    MUST(tr_listener_close(server.listener) == 0);
}

/* An answer with this body. */
static inline size_t say(char *out, size_t room, const char *head, const char *body)
{
    return (size_t)snprintf(out, room, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head,
                            strlen(body), body);
}

/* Whether a request begins so: "GET /a ". */
static inline bool asks_for(const char *request, const char *begin)
{
    return strncmp(request, begin, strlen(begin)) == 0;
}

/* ---- calls ---- */

static uint64_t calls, failures;

static void check_error(int rc, bool had_struck)
{
    calls++;
    failures += rc < 0;
    if (rc < 0 && (!has_struck() || had_struck || rc == TR_ETIMEDOUT))
        (void)fprintf(stderr, "call %d gives %d (%s)\n", (int)calls, rc, tr_err_name(rc));
    MUST(rc == 0 || has_struck());
    MUST(rc == 0 || !had_struck);
    MUST(rc != TR_ETIMEDOUT);
    MUST(strcmp(tr_strerror(rc), "an unknown error") != 0);
}

/* An error that is the answer is given as what is expected. */
static inline int fetch(tr_http_reply **reply, tr_http_client *client, const tr_http_call *call,
                        int expected)
{
    bool had_struck = has_struck();
    int rc = tr_http_fetch(reply, client, call);

    MUST((rc == 0) == (*reply != NULL));
    failures += expected < 0 && rc == expected;
    check_error(rc == expected ? 0 : rc, had_struck);
    if (expected < 0)
        MUST(rc < 0);
    return rc;
}

static inline void expect_error(tr_http_client *client, const tr_http_call *call, int expected)
{
    tr_http_reply *reply;

    (void)fetch(&reply, client, call, expected);
}

static inline void expect_text(tr_http_client *client, const tr_http_call *call, const char *text)
{
    tr_http_reply *reply;

    if (fetch(&reply, client, call, 0) < 0)
        return;
    if (strcmp(tr_http_reply_text(reply), text) != 0)
        (void)fprintf(stderr, "%s: %d %s\n", call->url, tr_http_reply_status(reply),
                      tr_http_reply_text(reply));
    MUST(strcmp(tr_http_reply_text(reply), text) == 0);
    tr_http_reply_free(reply);
}

/* ---- the program ---- */

static int make_client(tr_http_client **client, tr_tls *tls)
{
    tr_http_client_config config = program->config;
    char proxy[128] = "";

    config.tls = tls;
    if (program->scheme != NULL)
        (void)snprintf(proxy, sizeof(proxy), "%s%s", program->scheme, server.address);
    config.proxy = proxy;
    config.connect_to = program->connects ? server.address : NULL;
    return tr_http_client_new(client, &config);
}

static void use_client(tr_tls *tls)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    int rc = make_client(&client, tls);

    MUST(rc == 0 || has_struck());
    if (rc < 0)
        return;
    calls = failures = 0;
    program->talk(client);
    MUST(tr_http_client_statistics(client, &stats) == 0);
    MUST(stats.failures <= failures && failures - stats.failures == calls - stats.calls);
    MUST(stats.open == stats.idle && stats.waiting == 0);
    tr_http_client_unref(client);
}

static int root(void *unused)
{
    tr_tls *tls = program->make_tls != NULL ? program->make_tls() : NULL;

    (void)unused;
    begin_server();
    sweep_begins();
    use_client(tls);
    sweep_ends();
    end_server();
    tr_tls_unref(tls);
    return 0;
}

static void run(void *unused)
{
    MUST(tr_run(root, unused, &(tr_config){ .loops = 1, .signals = -1 }) == 0);
}

#endif
