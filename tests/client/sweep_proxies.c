/* Sweeps over ways to a server that lead by a proxy: in absolute form, and through a tunnel of
 * SOCKS 5. The proxy is the server, too: behind a tunnel it answers itself. */
#include "client/sweep_client.h"

static size_t answer(const char *request, char *out, size_t room)
{
    char body[256];

    (void)snprintf(body, sizeof(body), "%.*s %s", (int)strcspn(request, "\r"), request,
                   strstr(request, "Proxy-Authorization: Basic dTpw\r\n") != NULL ? "by u" : "-");
    return say(out, room, "200 OK", body);
}

/* ---- http ---- */

static void talk_by_http(tr_http_client *client)
{
    expect_text(client, &(tr_http_call){ .url = "http://a.test/x" },
                "GET http://a.test/x HTTP/1.1 by u");
    expect_text(
        client,
        &(tr_http_call){
            .url = "http://b.test:81/y", .body = "b", .body_bytes = 1, .is_idempotent = true },
        "POST http://b.test:81/y HTTP/1.1 by u");
    expect_text(client, &(tr_http_call){ .url = "http://a.test/x" },
                "GET http://a.test/x HTTP/1.1 by u");
}

START_TEST(whatever_fails_a_proxy_leads_to_the_answer_or_an_error)
{
    program = &(client_program){ .scheme = "http://u:p@", .answer = answer, .talk = talk_by_http };
    sweep(run);
}
END_TEST

/* ---- SOCKS 5 ---- */

static bool take(tr_io *io, unsigned char *bytes, size_t count)
{
    return tr_read_exact(io, bytes, count) == 0;
}

/* RFC 1928 and 1929, for "u:p"; below 0: the client has gone, or something has failed. */
static int welcome_by_socks(tr_io **io)
{
    unsigned char b[300];
    size_t bytes;

    if (!take(*io, b, 4) || memcmp(b, "\5\2\0\2", 4) != 0)
        return TR_EEND;
    if (tr_write_all(*io, "\5\2", 2) < 0 || !take(*io, b, 5))
        return TR_EEND;
    MUST(memcmp(b, "\1\1u\1p", 5) == 0);
    if (tr_write_all(*io, "\1\0", 2) < 0 || !take(*io, b, 5))
        return TR_EEND;
    MUST(memcmp(b, "\5\1\0", 3) == 0 && (b[3] == 1 || b[3] == 3));
    bytes = b[3] == 1 ? 3 : b[4]; /* one has been read */
    if (!take(*io, b + 5, bytes + 2))
        return TR_EEND;
    if (b[3] == 3 && memcmp(b + 5, "no.test", 7) == 0)
        return tr_write_all(*io, "\5\5\0\1\0\0\0\0\0\0", 10);
    return tr_write_all(*io, b[3] == 3 ? "\5\0\0\3\1x\0\0" : "\5\0\0\1\0\0\0\0\0\0",
                        b[3] == 3 ? 8 : 10);
}

static void talk_by_socks(tr_http_client *client)
{
    for (int i = 0; i < 2; i++)
        expect_text(client, &(tr_http_call){ .url = "http://a.test/x" }, "GET /x HTTP/1.1 -");
    expect_text(client, &(tr_http_call){ .url = "http://10.1.2.3/y" }, "GET /y HTTP/1.1 -");
    expect_error(client, &(tr_http_call){ .url = "http://no.test/" }, TR_ECONNREFUSED);
}

START_TEST(whatever_fails_socks_leads_to_the_answer_or_an_error)
{
    program = &(client_program){ .scheme = "socks5://u:p@",
                                 .welcome = welcome_by_socks,
                                 .answer = answer,
                                 .talk = talk_by_socks };
    sweep(run);
}
END_TEST

SUITE_MAIN("client/sweep_proxies", whatever_fails_a_proxy_leads_to_the_answer_or_an_error,
           whatever_fails_socks_leads_to_the_answer_or_an_error)
