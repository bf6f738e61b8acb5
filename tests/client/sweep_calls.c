/* A sweep over calls: whichever allocation, system call or transfer fails, each call ends with a
 * right answer or an error, the figures say so, and nothing is left. */
#include <troupe/net.h>

#include "support/sweep.h"

static char large[50000];

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_send(res, 200, "text/plain", body, bytes);
}

static int pieces(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", -1);

    (void)req;
    (void)ctx;
    for (int i = 0; rc == 0 && i < 3; i++) {
        rc = tr_http_write(res, "piece ", 6);
        if (rc == 0)
            rc = tr_http_flush(res);
    }
    return rc;
}

/* Another protocol: a word first, and one back. */
static int speak(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char word[4];
    tr_io *io;
    int rc = tr_http_upgrade(&io, res, "words");

    (void)req;
    (void)ctx;
    if (rc < 0)
        return rc;
    rc = tr_write_all(io, "first", 5);
    if (rc == 0)
        rc = tr_read_exact(io, word, sizeof(word));
    if (rc == 0)
        rc = tr_write_all(io, word, sizeof(word));
    (void)tr_close(io); /* which the client may have closed */
    return rc;
}

static uint64_t calls, failures;

/* Whether it is the right one; one that is not is told by its status, or fails. */
static void judge(int rc, tr_http_reply *reply, const char *expected, size_t bytes)
{
    size_t got = 0;
    const char *body = tr_http_reply_body(reply, &got);

    calls++;
    failures += rc < 0;
    MUST((rc == 0) == (reply != NULL));
    MUST(rc == 0 || has_struck());
    if (rc == 0 && tr_http_reply_status(reply) == 200)
        MUST(got == bytes && memcmp(body, expected, bytes) == 0);
    else if (rc == 0)
        MUST(tr_http_reply_status(reply) >= 500 && has_struck());
    tr_http_reply_free(reply);
}

static ssize_t give_all(void *ctx, void *buffer, size_t room)
{
    size_t *given = ctx;
    size_t count = sizeof(large) - *given < room ? sizeof(large) - *given : room;

    memcpy(buffer, large + *given, count);
    *given += count;
    return (ssize_t)count;
}

static void read_streamed(tr_http_client *client)
{
    const tr_http_call call = { .url = "/pieces", .streams = true };
    char text[64];
    size_t bytes = 0;
    tr_http_reply *reply;
    ssize_t count = tr_http_fetch(&reply, client, &call);

    calls++;
    failures += count < 0;
    MUST(count == 0 || has_struck());
    while (reply != NULL && (count = tr_http_reply_read(reply, text + bytes, 64 - bytes)) > 0)
        bytes += (size_t)count;
    MUST(count == 0 || has_struck());
    if (count == 0 && tr_http_reply_status(reply) == 200)
        MUST(bytes == 18 && memcmp(text, "piece piece piece ", 18) == 0);
    tr_http_reply_free(reply);
}

static void exchange_words(tr_http_reply *reply)
{
    char text[9];
    tr_io *io;
    int rc = tr_http_reply_take_io(&io, reply);

    if (rc == 0)
        rc = tr_write_all(io, "back", 4);
    if (rc == 0)
        rc = tr_read_exact(io, text, sizeof(text));
    MUST(rc == 0 ? memcmp(text, "firstback", sizeof(text)) == 0 : has_struck());
    (void)tr_close(io); /* NULL: it could not be taken */
}

static void change_protocol(tr_http_client *client)
{
    tr_http_reply *reply;
    int rc = tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/speak", .upgrade = "words" });

    calls++;
    failures += rc < 0;
    MUST(rc == 0 || has_struck());
    if (rc == 0 && tr_http_reply_status(reply) == 101)
        exchange_words(reply);
    else if (rc == 0)
        MUST(tr_http_reply_status(reply) >= 500 && has_struck());
    tr_http_reply_free(reply);
}

static void talk(tr_http_client *client)
{
    const char *const headers[] = { "A: 1", "B: 2", "C: 3", "D: 4", "E: 5",
                                    "F: 6", "G: 7", "H: 8", "I: 9", NULL };
    const char *const form[] = { "a", "b c", NULL };
    tr_http_reply *reply;
    size_t given = 0;
    int rc;

    rc = tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/", .headers = headers });
    judge(rc, reply, "hello", 5);
    rc =
        tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/echo", .form = form, .user = "u" });
    judge(rc, reply, "a=b+c", 5);
    rc = tr_http_fetch(&reply, client,
                       &(tr_http_call){ .url = "/echo", .source = give_all, .source_ctx = &given });
    judge(rc, reply, large, sizeof(large));
    rc = tr_http_fetch(
        &reply, client,
        &(tr_http_call){ .url = "/echo", .body = large, .body_bytes = sizeof(large) });
    judge(rc, reply, large, sizeof(large));
    read_streamed(client);
    change_protocol(client);
    rc = tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/", .method = "HEAD" });
    judge(rc, reply, "", 0);
}

static void talk_by(const char *address)
{
    char base[128];
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    int rc;

    (void)snprintf(base, sizeof(base), "http://%s", address);
    rc = tr_http_client_new(&client, &(tr_http_client_config){ .base = base });
    MUST(rc == 0 || has_struck());
    if (rc == 0) {
        calls = failures = 0;
        talk(client);
        MUST(tr_http_client_statistics(client, &stats) == 0);
        MUST(stats.failures <= failures && failures - stats.failures == calls - stats.calls);
        MUST(stats.open == stats.idle && stats.waiting == 0);
        tr_http_client_unref(client);
    }
    rc = tr_http_get(&reply, base); /* by the program's own */
    judge(rc, reply, "hello", 5);
}

static bool has_begun;

static int serve(void *server)
{
    has_begun = true;
    return tr_http_serve(server);
}

static int make(tr_http_server **server)
{
    const tr_http_config config = { .listen = "127.0.0.1:0", .loops = 1, .drain = 1 };
    int rc = tr_http_server_new(server, &config);

    if (rc == 0)
        rc = tr_http_route(*server, "GET", "/", hello, NULL);
    if (rc == 0)
        rc = tr_http_route(*server, "POST", "/echo", echo, NULL);
    if (rc == 0)
        rc = tr_http_route(*server, "GET", "/pieces", pieces, NULL);
    if (rc == 0)
        rc = tr_http_route(*server, "GET", "/speak", speak, NULL);
    if (rc < 0)
        tr_http_server_free(*server);
    return rc;
}

static bool is_serving(tr_http_server *server, tr_task *task)
{
    while (!tr_future_is_done(tr_task_future(task))) {
        if (has_begun)
            return tr_http_await_ready(server) == 0;
        (void)tr_sleep(0.001); /* a failed one is made up for by the next */
    }
    return false;
}

static int root(void *unused)
{
    tr_http_server *server;
    tr_task *task;
    int rc = make(&server);

    (void)unused;
    has_begun = false;
    if (rc < 0)
        return 0;
    rc = tr_task_spawn(&task, serve, server);
    if (rc < 0) {
        tr_http_server_free(server);
        return 0;
    }
    if (is_serving(server, task)) {
        sweep_begins();
        talk_by(tr_http_address(server));
        sweep_ends();
    }
    if (!tr_future_is_done(tr_task_future(task)))
        tr_http_stop(server);
    rc = tr_task_wait(task, TR_FOREVER);
    MUST(rc == 0 || has_struck());
    tr_task_unref(task);
    if (!has_begun)
        tr_http_server_free(server);
    return 0;
}

static void run(void *unused)
{
    int rc = tr_run(root, unused, &(tr_config){ .loops = 1, .signals = -1 });

    MUST(rc == 0 || has_struck());
}

START_TEST(whatever_fails_each_call_ends_with_its_answer_or_an_error)
{
    memset(large, 'l', sizeof(large));
    sweep(run);
}
END_TEST

SUITE_MAIN("sweep_calls", whatever_fails_each_call_ends_with_its_answer_or_an_error)
