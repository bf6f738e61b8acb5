/* A sweep over calls that do not end with the first answer: redirects, and other attempts. */
#include "client/sweep_client.h"

static int attempts;

/* "POST /echo|authorization|body" */
static size_t echo(const char *request, char *out, size_t room)
{
    const char *authorization = strstr(request, "Authorization: ");
    char body[256];

    (void)snprintf(body, sizeof(body), "%.*s|%.*s|%s", (int)strcspn(request, "?\r\n"), request,
                   authorization != NULL ? (int)strcspn(authorization, "\r") : 1,
                   authorization != NULL ? authorization : "-", strstr(request, "\r\n\r\n") + 4);
    return say(out, room, "200 OK", body);
}

static size_t answer(const char *request, char *out, size_t room)
{
    if (asks_for(request, "GET /near "))
        return say(out, room, "302 Found\r\nLocation: echo?x", "moved");
    if (asks_for(request, "GET /far "))
        return say(out, room, "301 Moved\r\nLocation: http://b.test/echo?x", "");
    if (asks_for(request, "POST /again "))
        return say(out, room, "307 Again\r\nLocation: /echo?x", "moved");
    if (asks_for(request, "POST /other "))
        return say(out, room, "303 See\r\nLocation: http://b.test/echo?x", "moved");
    if (asks_for(request, "GET /round "))
        return say(out, room, "302 Found\r\nLocation: /round", "and round");
    if (asks_for(request, "GET /busy ") && attempts++ % 2 == 0)
        return say(out, room, "503 Busy\r\nRetry-After: 1", "later");
    if (asks_for(request, "GET /rude ") && attempts++ % 2 == 0)
        return 0;
    if (asks_for(request, "GET /last "))
        return say(out, room, "200 OK\r\nConnection: close", "last");
    return echo(request, out, room);
}

static void talk(tr_http_client *client)
{
    attempts = 0;
    expect_text(client, &(tr_http_call){ .url = "http://a.test/near", .user = "u" },
                "GET /echo|Authorization: Basic dTo=|");
    expect_text(client, &(tr_http_call){ .url = "http://a.test/far", .bearer = "t" },
                "GET /echo|-|");
    expect_text(
        client,
        &(tr_http_call){
            .url = "http://a.test/again", .body = "body", .body_bytes = 4, .is_idempotent = true },
        "POST /echo|-|body");
    expect_text(client,
                &(tr_http_call){ .url = "http://a.test/other",
                                 .form = (const char *const[]){ "a", "b", NULL },
                                 .is_idempotent = true },
                "GET /echo|-|");
    expect_error(client, &(tr_http_call){ .url = "http://a.test/round", .redirects_most = 2 },
                 TR_EREDIRECTS);
    expect_text(client, &(tr_http_call){ .url = "http://a.test/last" }, "last");
}

START_TEST(whatever_fails_a_call_is_led_to_its_answer_or_ends)
{
    program = &(client_program){
        .config = { .connections_most = 1 }, .connects = true, .answer = answer, .talk = talk
    };
    sweep(run);
}
END_TEST

/* A fault may use an attempt up. */
static void talk_again(tr_http_client *client)
{
    attempts = 0;
    for (int i = 0; i < 2; i++) {
        attempts = 0;
        expect_text(client, &(tr_http_call){ .url = "http://a.test/busy" },
                    "GET /busy HTTP/1.1|-|");
        attempts = 0;
        expect_text(client, &(tr_http_call){ .url = "http://a.test/rude" },
                    "GET /rude HTTP/1.1|-|");
    }
}

START_TEST(whatever_fails_a_call_is_tried_again_or_ends)
{
    program = &(client_program){ .config = { .retry = &(tr_retry_policy){ .attempts = 4 } },
                                 .connects = true,
                                 .answer = answer,
                                 .talk = talk_again };
    sweep(run);
}
END_TEST

SUITE_MAIN("client/sweep_redirects", whatever_fails_a_call_is_led_to_its_answer_or_ends,
           whatever_fails_a_call_is_tried_again_or_ends)
