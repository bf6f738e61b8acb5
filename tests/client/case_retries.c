/* Calls that are tried again. Delays are short with real threads, and exact in a simulation. */
#include "base/seam.h"
#include "client/echo.h"
#include "client/scripted.h"

#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define BUSY_FOR(seconds)                                                                          \
    "HTTP/1.1 429 Slow down\r\nRetry-After: " seconds "\r\nContent-Length: 4\r\n\r\nwait"
#define FINE "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
#define CUT  "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi\1"

static const tr_retry_policy three = { .attempts = 3, .first_delay = 0.01, .jitter = -1 };

static void expect(const char *const *answers, const tr_http_call *given, int rc, int status,
                   int said)
{
    tr_http_client *client = client_of((tr_http_client_config){ .retry = &three });
    tr_http_client_stats stats;
    tr_http_call call = *given;
    tr_http_reply *reply;
    scripted s;

    scripted_begin(&s, answers);
    call.url = s.url;
    EXPECT(tr_http_fetch(&reply, client, &call) == rc);
    EXPECT(tr_http_reply_status(reply) == status);
    EXPECT(s.said == said);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT((int)stats.retries == said - 1 && stats.calls == 1);
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    scripted_end(&s);
}

CASE(what_may_go_better_is_tried_again)
{
    static const char *const busy[] = { BUSY, BUSY, FINE, NULL };
    static const char *const gone[] = { "\1", CUT, FINE, NULL };
    static const char *const always[] = { BUSY, BUSY, BUSY, FINE, NULL };
    static const char *const never[] = { CUT, CUT, CUT, FINE, NULL };

    expect(busy, &(tr_http_call){ 0 }, 0, 200, 3);
    expect(gone, &(tr_http_call){ 0 }, 0, 200, 3);
    expect(always, &(tr_http_call){ 0 }, 0, 503, 3);
    expect(never, &(tr_http_call){ 0 }, TR_EEND, 0, 3);
}

CASE(only_what_may_be_repeated_is)
{
    static const char *const busy[] = { BUSY, FINE, NULL };
    static const char *const cut[] = { CUT, FINE, NULL };
    static const char *const wrong[] = { "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", FINE,
                                         NULL };
    static const char *const malformed[] = { "HTTP/9\r\n\r\n\1", FINE, NULL };
    tr_http_call post = { .body = "x", .body_bytes = 1 };

    expect(busy, &post, 0, 503, 1);
    expect(cut, &post, TR_EEND, 0, 1);
    post.is_idempotent = true;
    expect(busy, &post, 0, 200, 2);
    expect(cut, &post, 0, 200, 2);
    post.method = "PUT";
    post.is_idempotent = false;
    expect(busy, &post, 0, 200, 2);
    expect(wrong, &post, 0, 500, 1);
    expect(malformed, &post, TR_ESYNTAX, 0, 1);
}

CASE(a_policy_of_the_call_goes_before_that_of_the_client)
{
    static const char *const busy[] = { BUSY, FINE, NULL };
    static const tr_retry_policy once = { .attempts = 1 };

    expect(busy, &(tr_http_call){ .retry = &once }, 0, 503, 1);
}

/* A call takes so many seconds; at most only where nobody else has the machine's cores. */
static void expect_in(const char *const *answers, const tr_http_call *given, int status,
                      double least, double most)
{
    uint64_t began_ns = tr__now_ns();
    double seconds;

    expect(answers, given, 0, status, status >= 400 ? 1 : 2);
    seconds = (double)(tr__now_ns() - began_ns) / 1e9;
    EXPECT(seconds >= least && (!CASES_SIMULATED || seconds < most));
}

CASE(what_the_server_asks_for_is_waited_for)
{
    static const char *const soon[] = { BUSY_FOR("1"), FINE, NULL };
    static const char *const late[] = { BUSY_FOR("3600"), FINE, NULL };

    expect_in(soon, &(tr_http_call){ 0 }, 200, 1, 1.5);
    /* Nobody waits for that long; nor for longer than the call may take. */
    expect_in(late, &(tr_http_call){ 0 }, 429, 0, 0.5);
    expect_in(soon, &(tr_http_call){ .timeout = 0.9 }, 429, 0, 0.5);
}

CASE(a_server_that_comes_late_is_reached)
{
    static const tr_retry_policy many = { .attempts = 50, .first_delay = 0.05, .factor = 1 };
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    tr_http_client_stats stats;
    tr_http_reply *reply;
    tr_listener *listener;
    char url[64];

    EXPECT(tr_listen(&listener, "127.0.0.1:0", NULL) == 0);
    (void)snprintf(url, sizeof(url), "http://%s/", tr_listener_address(listener));
    EXPECT(tr_listener_close(listener) == 0);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url }) == TR_ECONNREFUSED);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url, .retry = &many, .timeout = 0.2 }) < 0);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.retries > 0 && stats.failures == 2);
    tr_http_client_unref(client);
}

CASE(a_bad_policy_is_refused)
{
    static const tr_retry_policy bad = { .factor = 0.5 };
    tr_http_client *client;
    tr_http_reply *reply;

    EXPECT(tr_http_client_new(&client, &(tr_http_client_config){ .retry = &bad }) == TR_EINVAL);
    EXPECT(client == NULL);
    client = client_of((tr_http_client_config){ 0 });
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = "http://127.0.0.1:1/", .retry = &bad }) ==
           TR_EINVAL);
    tr_http_client_unref(client);
}

CASES("retries", what_may_go_better_is_tried_again, only_what_may_be_repeated_is,
      a_policy_of_the_call_goes_before_that_of_the_client, what_the_server_asks_for_is_waited_for,
      a_server_that_comes_late_is_reached, a_bad_policy_is_refused)
