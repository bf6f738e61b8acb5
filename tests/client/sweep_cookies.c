/* A sweep over calls whose answers set cookies: each request has those that it should have. An
 * answer whose cookies can't be kept is an error, and not an answer with some of them. */
#include "client/sweep_client.h"

/* The cookies that came. */
static size_t answer(const char *request, char *out, size_t room)
{
    const char *cookie = strstr(request, "Cookie: ");
    char body[256];

    if (asks_for(request, "GET /login "))
        return say(out, room,
                   "200 OK\r\nSet-Cookie: wide=3; Domain=example.test; Path=/\r\n"
                   "Set-Cookie: id=1; Path=/\r\nSet-Cookie: deep=2; Path=/in",
                   "in");
    if (asks_for(request, "GET /change "))
        return say(out, room, "302 Found\r\nSet-Cookie: id=4; Path=/\r\nLocation: /in/cookies",
                   "changed");
    if (asks_for(request, "GET /logout "))
        return say(out, room,
                   "200 OK\r\nSet-Cookie: id=; Path=/; Max-Age=0\r\nSet-Cookie: deep=; "
                   "Path=/in; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                   "out");
    (void)snprintf(body, sizeof(body), "%.*s", cookie != NULL ? (int)strcspn(cookie + 8, "\r") : 1,
                   cookie != NULL ? cookie + 8 : "-");
    return say(out, room, "200 OK", body);
}

/* With what was kept, if all was: else with anything that a part of it may make. */
static void expect_cookies(tr_http_client *client, const char *url, const char *cookies)
{
    tr_http_reply *reply;
    bool had_struck = has_struck();

    if (fetch(&reply, client, &(tr_http_call){ .url = url }, 0) < 0)
        return;
    MUST(had_struck || strcmp(tr_http_reply_text(reply), cookies) == 0);
    tr_http_reply_free(reply);
}

static void come_and_go(tr_http_client *client)
{
    expect_text(client, &(tr_http_call){ .url = "http://www.example.test/login" }, "in");
    expect_cookies(client, "http://www.example.test/cookies", "wide=3; id=1");
    expect_cookies(client, "http://www.example.test/in/", "deep=2; wide=3; id=1");
    expect_cookies(client, "http://example.test/", "wide=3");
    expect_cookies(client, "http://www.example.test/change", "deep=2; wide=3; id=4");
    expect_text(client, &(tr_http_call){ .url = "http://www.example.test/logout" }, "out");
    expect_cookies(client, "http://www.example.test/in/", "wide=3");
}

static void talk(tr_http_client *client)
{
    come_and_go(client);
    if (!has_struck())
        return;
    /* What was lost is made up for. */
    expect_text(client, &(tr_http_call){ .url = "http://www.example.test/login" }, "in");
    expect_text(client, &(tr_http_call){ .url = "http://www.example.test/in/" },
                "deep=2; wide=3; id=1");
    expect_text(client, &(tr_http_call){ .url = "http://www.example.test/change" },
                "deep=2; wide=3; id=4");
    expect_text(client, &(tr_http_call){ .url = "http://www.example.test/logout" }, "out");
    expect_text(client, &(tr_http_call){ .url = "http://www.example.test/in/" }, "wide=3");
}

START_TEST(whatever_fails_requests_have_their_cookies)
{
    program = &(client_program){
        .config = { .keeps_cookies = true }, .connects = true, .answer = answer, .talk = talk
    };
    sweep(run);
}
END_TEST

SUITE_MAIN("client/sweep_cookies", whatever_fails_requests_have_their_cookies)
