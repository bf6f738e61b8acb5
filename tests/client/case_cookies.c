/* Cookies across calls. */
#include "client/echo.h"

static void set(tr_http_client *client, const service *s, const char *line)
{
    const char *query[] = { "line", line, NULL };

    expect_text(client, &(tr_http_call){ .url = url_of(s, "/set"), .query = query }, "set");
}

CASE(cookies_go_with_the_calls_that_follow)
{
    tr_http_client *client = client_of((tr_http_client_config){ .keeps_cookies = true });
    tr_http_client *forgetful = client_of((tr_http_client_config){ 0 });
    service s;
    tr_http_call call;

    begin_echo(&s);
    call = (tr_http_call){ .url = url_of(&s, "/echo") };
    expect_text(client, &call, "GET /echo|-|-|-|");
    set(client, &s, "a=1; Path=/");
    set(forgetful, &s, "a=1; Path=/");
    expect_text(client, &call, "GET /echo|-|-|a=1; other=1|");
    expect_text(forgetful, &call, "GET /echo|-|-|-|");
    set(client, &s, "a=2; Path=/");
    expect_text(client, &call, "GET /echo|-|-|a=2; other=1|");
    set(client, &s, "a=; Path=/; Max-Age=0");
    expect_text(client, &call, "GET /echo|-|-|other=1|");
    /* What the program says goes before what is kept. */
    call.headers = (const char *const[]){ "Cookie: mine=1", NULL };
    expect_text(client, &call, "GET /echo|-|-|mine=1|");
    tr_http_client_unref(forgetful);
    tr_http_client_unref(client);
    end_service(&s);
}

static int bounce_with_cookie(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    (void)tr_http_add_header(res, "Set-Cookie", "seen=1; Path=/");
    (void)tr_http_set_header(res, "Location", "/echo");
    return tr_http_text(res, 303, "on");
}

CASE(what_a_redirect_sets_goes_on_with_it)
{
    tr_http_client *client = client_of((tr_http_client_config){ .keeps_cookies = true });
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.1 });
    service s;

    route_echoes(server);
    EXPECT(tr_http_route(server, "POST", "/login", bounce_with_cookie, NULL) == 0);
    begin_service(&s, server);
    expect_text(client, &(tr_http_call){ .method = "POST", .url = url_of(&s, "/login") },
                "GET /echo|-|-|seen=1|");
    tr_http_client_unref(client);
    end_service(&s);
}

typedef struct user {
    tr_http_client *client;
    const service *s;
    int number;
} user;

static int use(void *arg)
{
    const user *u = arg;
    char line[64];

    for (int i = 0; i < 5; i++) {
        (void)snprintf(line, sizeof(line), "c%d=%d; Path=/", u->number, i);
        set(u->client, u->s, line);
    }
    return 0;
}

CASE(all_loops_share_their_cookies)
{
    tr_http_client *client = client_of((tr_http_client_config){ .keeps_cookies = true });
    tr_task *tasks[4];
    user users[4];
    tr_http_reply *reply;
    service s;

    begin_echo(&s);
    for (int i = 0; i < 4; i++) {
        users[i] = (user){ client, &s, i };
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i % 2), use, &users[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url_of(&s, "/echo") }) == 0);
    for (int i = 0; i < 4; i++) {
        char pair[16];

        (void)snprintf(pair, sizeof(pair), "c%d=4", i);
        EXPECT(strstr(tr_http_reply_text(reply), pair) != NULL);
    }
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    end_service(&s);
}

CASES("cookies", cookies_go_with_the_calls_that_follow, what_a_redirect_sets_goes_on_with_it,
      all_loops_share_their_cookies)
