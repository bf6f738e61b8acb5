/* Bad arguments of the HTTP client: NULL, numbers that are none, and the wrong places. */
#include <math.h>

#include "client/scripted.h"

CASE(a_client_is_made_of_sense_only)
{
    const char *const bad_headers[] = { "no colon", NULL };
    const tr_http_client_config bad[] = {
        { .timeout = NAN },       { .wait_timeout = NAN },  { .connect_timeout = NAN },
        { .write_timeout = NAN }, { .head_timeout = NAN },  { .read_timeout = NAN },
        { .idle_timeout = NAN },  { .user_agent = "a\nb" }, { .headers = bad_headers },
    };
    tr_http_client *client;

    EXPECT(tr_http_client_new(NULL, NULL) == TR_EINVAL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        client = (tr_http_client *)&client;
        EXPECT(tr_http_client_new(&client, &bad[i]) == TR_EINVAL && client == NULL);
    }
    EXPECT(tr__http_client_new(&client, &bad[0], sizeof(bad[0]) + 1) == TR_EINVAL);
    EXPECT(tr_http_client_ref(NULL) == NULL);
    tr_http_client_unref(NULL);
}

CASE(figures_go_somewhere)
{
    tr_http_client *client;
    tr_http_client_stats stats = { .calls = 1 };

    EXPECT(tr_http_client_statistics(NULL, &stats) == TR_EINVAL && stats.calls == 0);
    EXPECT(tr_http_client_new(&client, NULL) == 0);
    EXPECT(tr_http_client_statistics(client, NULL) == TR_EINVAL);
    EXPECT(tr_http_client_statistics(client, &stats) == 0 && stats.calls == 0);
    EXPECT(tr_http_client_ref(client) == client);
    tr_http_client_unref(client);
    tr_http_client_unref(client);
}

CASE(a_call_says_what_it_wants)
{
    static const char *const half[] = { "name", NULL };
    const tr_http_call bad[] = {
        { 0 },
        { .url = "" },
        { .url = "/a" }, /* without a base */
        { .url = "http://a/", .query = half },
        { .url = "http://a/", .form = half },
        { .url = "http://a/", .timeout = NAN },
        { .url = "http://a/", .body_bytes = 1 },
        { .url = "http://a/", .source_bytes = 1 },
        { .url = "http://a/", .type = "text/plain" },
        { .url = "http://a/", .password = "without a user" },
        { .url = "http://a/", .user = "a:b" },
        { .url = "http://a/", .user = "a", .bearer = "b" },
        { .url = "http://a/", .bearer = "" },
        { .url = "http://a/", .value = &half },
    };
    tr_http_reply *reply = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int rc = tr__http_fetch(&reply, NULL, &bad[i], sizeof(bad[i]));

        if (rc != TR_EINVAL)
            fprintf(stderr, "%zu: %s\n", i, tr_strerror(rc));
        EXPECT(rc == TR_EINVAL && reply == NULL);
    }
    EXPECT(tr_http_fetch(&reply, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_http_fetch(NULL, NULL, &bad[1]) == TR_EINVAL);
    EXPECT(tr__http_fetch(&reply, NULL, &bad[1], sizeof(bad[1]) + 1) == TR_EINVAL);
    EXPECT(tr_http_get(NULL, "http://a/") == TR_EINVAL);
    EXPECT(tr_http_get(&reply, NULL) == TR_EINVAL);
    EXPECT(tr_http_post(&reply, NULL, "a/b", "", 0) == TR_EINVAL);
    EXPECT(tr_http_post(NULL, "http://a/", "a/b", "", 0) == TR_EINVAL);
    EXPECT(tr_http_post(&reply, "http://a/", "a/b", NULL, 1) == TR_EINVAL);
}

static void call_where_nobody_awaits(void *unused)
{
    tr_http_reply *reply = NULL;

    (void)unused;
    EXPECT(tr_http_get(&reply, "http://127.0.0.1:1/") == TR_EWRONGPLACE && reply == NULL);
}

CASE(only_tasks_call)
{
    call_elsewhere(call_where_nobody_awaits, NULL);
}

CASE(a_reply_that_is_none_has_nothing)
{
    const char *name = NULL, *value = NULL;
    size_t bytes = 1;
    char byte;

    EXPECT(tr_http_reply_status(NULL) == 0);
    EXPECT(tr_http_reply_url(NULL)[0] == 0);
    EXPECT(tr_http_reply_header(NULL, "a") == NULL);
    EXPECT(!tr_http_reply_header_at(NULL, 0, &name, &value) && name[0] == 0 && value[0] == 0);
    EXPECT(!tr_http_reply_header_at(NULL, 0, NULL, NULL));
    EXPECT(tr_http_reply_body(NULL, &bytes)[0] == 0 && bytes == 0);
    EXPECT(tr_http_reply_check(NULL) == TR_EINVAL);
    EXPECT(tr_http_reply_parse_as(NULL, NULL, &byte) == TR_EINVAL);
    EXPECT(tr_http_reply_parsed(NULL) == NULL);
    EXPECT(tr_http_reply_read(NULL, &byte, 1) == TR_EINVAL);
    tr_http_reply_free(NULL);
}

CASE(a_reply_is_asked_with_sense_only)
{
    static const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL };
    tr_http_reply *reply;
    scripted s;
    char byte;

    scripted_begin(&s, answers);
    EXPECT(tr_http_fetch(&reply, NULL, &(tr_http_call){ .url = s.url, .streams = true }) == 0);
    EXPECT(tr_http_reply_header(reply, NULL) == NULL);
    EXPECT(tr_http_reply_read(reply, NULL, 1) == TR_EINVAL);
    EXPECT(tr_http_reply_read(reply, &byte, 0) == TR_EINVAL);
    EXPECT(tr_http_reply_read(reply, &byte, SIZE_MAX) == TR_EINVAL);
    EXPECT(tr_http_reply_parse_as(reply, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_http_reply_read(reply, &byte, 1) == 1 && byte == 'o');
    tr_http_reply_free(reply);
    scripted_end(&s);
}

CASES("arguments", a_client_is_made_of_sense_only, figures_go_somewhere, a_call_says_what_it_wants,
      only_tasks_call, a_reply_that_is_none_has_nothing, a_reply_is_asked_with_sense_only)
