/* Redirects: followed, counted, refused. */
#include "client/echo.h"

static const char *to(const service *s, int status, const char *there)
{
    static _Thread_local char text[512];

    (void)snprintf(text, sizeof(text), "http://%s/to/%d?url=%s", s->address, status, there);
    return text;
}

CASE(redirects_of_each_kind_are_followed)
{
    static const int statuses[] = { 301, 302, 303, 307, 308 };
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    service s;

    begin_echo(&s);
    for (size_t i = 0; i < 5; i++) {
        bool becomes_get = i < 3;
        tr_http_call call = { .url = to(&s, statuses[i], "/echo") };
        tr_http_reply *reply;

        EXPECT(tr_http_fetch(&reply, client, &call) == 0);
        EXPECT(tr_http_reply_status(reply) == 200);
        EXPECT(strcmp(tr_http_reply_text(reply), "GET /echo|-|-|-|") == 0);
        EXPECT(strcmp(tr_http_reply_url(reply), url_of(&s, "/echo")) == 0);
        tr_http_reply_free(reply);
        call = (tr_http_call){ .url = to(&s, statuses[i], "/echo"),
                               .body = "hello",
                               .body_bytes = 5,
                               .type = "text/plain" };
        expect_text(client, &call,
                    becomes_get ? "GET /echo|-|-|-|" : "POST /echo|text/plain|-|-|hello");
        call.method = "PUT";
        expect_text(client, &call,
                    statuses[i] == 303 ? "GET /echo|-|-|-|" : "PUT /echo|text/plain|-|-|hello");
    }
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(a_connection_serves_a_redirect_and_what_follows)
{
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    tr_http_client_stats stats;
    service s;

    begin_echo(&s);
    expect_text(client, &(tr_http_call){ .url = url_of(&s, "/stairs/10") }, "down");
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.calls == 1 && stats.redirects == 10 && stats.failures == 0);
    EXPECT(stats.connections == 1 && stats.reused == 10);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(redirects_have_a_bound)
{
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    tr_http_reply *reply;
    service s;

    begin_echo(&s);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url_of(&s, "/stairs/11") }) ==
           TR_EREDIRECTS);
    EXPECT(reply == NULL);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/stairs/3"), .redirects_most = 2 }) ==
           TR_EREDIRECTS);
    expect_text(client, &(tr_http_call){ .url = url_of(&s, "/stairs/2"), .redirects_most = 2 },
                "down");
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = url_of(&s, "/stairs/1"), .redirects_most = -1 }) ==
           0);
    EXPECT(tr_http_reply_status(reply) == 302);
    EXPECT(strcmp(tr_http_reply_header(reply, "Location"), "0") == 0);
    EXPECT(strcmp(tr_http_reply_text(reply), "on") == 0);
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(nobody_elsewhere_is_told_who_asks)
{
    static const char *const clients[] = { "Authorization: Custom x", NULL };
    static const char *const calls[] = { "Cookie: a=1", NULL };
    tr_http_client *client = client_of((tr_http_client_config){ .headers = clients });
    service s, other;
    tr_http_call call = { .headers = calls };

    begin_echo(&s);
    begin_echo(&other);
    call.url = to(&s, 302, "/echo");
    expect_text(client, &call, "GET /echo|-|Custom x|a=1|");
    call.bearer = "token";
    expect_text(client, &call, "GET /echo|-|Bearer token|a=1|");
    call.url = to(&s, 302, url_of(&other, "/echo"));
    expect_text(client, &call, "GET /echo|-|-|-|");
    call.bearer = NULL;
    expect_text(client, &call, "GET /echo|-|-|-|");
    /* Nor when it leads back. */
    call.url = to(&s, 302, url_of(&other, "/to/302"));
    expect_text(client, &(tr_http_call){ .url = url_of(&other, "/echo") },
                "GET /echo|-|Custom x|-|");
    tr_http_client_unref(client);
    end_service(&other);
    end_service(&s);
}

CASE(what_leads_nowhere_is_refused)
{
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    tr_http_reply *reply;
    service s;

    begin_echo(&s);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = to(&s, 302, "ftp://a/") }) ==
           TR_EREDIRECTS);
    EXPECT(reply == NULL);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = to(&s, 302, "http://") }) ==
           TR_EREDIRECTS);
    EXPECT(reply == NULL);
    tr_http_client_unref(client);
    end_service(&s);
}

static ssize_t read_five(void *left, void *buffer, size_t room)
{
    size_t *bytes = left;
    size_t count = *bytes < room ? *bytes : room;

    memset(buffer, 'x', count);
    *bytes -= count;
    return (ssize_t)count;
}

CASE(a_body_that_is_gone_is_not_sent_again)
{
    tr_http_client *client = client_of((tr_http_client_config){ 0 });
    size_t left = 5;
    tr_http_call call = { .source = read_five, .source_ctx = &left, .source_bytes = 5 };
    tr_http_reply *reply;
    service s;

    begin_echo(&s);
    call.url = to(&s, 307, "/echo");
    EXPECT(tr_http_fetch(&reply, client, &call) == 0);
    EXPECT(tr_http_reply_status(reply) == 307); /* it is handed on as it is */
    EXPECT(strcmp(tr_http_reply_text(reply), "elsewhere") == 0);
    tr_http_reply_free(reply);
    left = 5;
    call.url = to(&s, 303, "/echo");
    expect_text(client, &call, "GET /echo|-|-|-|");
    tr_http_client_unref(client);
    end_service(&s);
}

CASES("redirects", redirects_of_each_kind_are_followed,
      a_connection_serves_a_redirect_and_what_follows, redirects_have_a_bound,
      nobody_elsewhere_is_told_who_asks, what_leads_nowhere_is_refused,
      a_body_that_is_gone_is_not_sent_again)
