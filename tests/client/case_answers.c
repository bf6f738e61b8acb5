/* Answers, good and bad, byte for byte. */
#include "client/scripted.h"

#define OK       "HTTP/1.1 200 OK\r\n"
#define GOOD     OK "Content-Length: 4\r\n\r\ngood"
#define LAST     "\1"
#define CHUNKED  OK "Transfer-Encoding: chunked\r\n\r\n"
#define SIZED(n) OK "Content-Length: " n "\r\n\r\n"

/* What a GET of it comes to. */
static int get(tr_http_client *client, const char *url, int *status, char *text, size_t room)
{
    tr_http_reply *reply;
    int rc = tr_http_fetch(&reply, client, &(tr_http_call){ .url = url });

    EXPECT((rc == 0) == (reply != NULL));
    *status = tr_http_reply_status(reply);
    (void)snprintf(text, room, "%s", tr_http_reply_text(reply));
    tr_http_reply_free(reply);
    return rc;
}

static void expect_all(const char *const *answers, int expected)
{
    tr_http_client *client;
    scripted s;

    EXPECT(tr_http_client_new(&client, &(tr_http_client_config){ .head_bytes_most = 1000 }) == 0);
    scripted_begin(&s, answers);
    for (int i = 0; answers[i] != NULL; i++) {
        char text[64];
        int status;
        int rc = get(client, s.url, &status, text, sizeof(text));

        if (rc != expected)
            fprintf(stderr, "%s: %s\n", answers[i], tr_strerror(rc));
        EXPECT(rc == expected);
        EXPECT(rc < 0 || strcmp(text, "good") == 0 || status == 204 || status == 304);
    }
    scripted_end(&s);
    tr_http_client_unref(client);
}

CASE(bodies_end_as_their_heads_say)
{
    static const char *const answers[] = {
        GOOD,
        OK "content-length:4\r\n\r\ngood",
        CHUNKED "4\r\ngood\r\n0\r\n\r\n",
        CHUNKED "1;a=b\r\ng\r\n3;c\r\nood\r\n00\r\nTrailer: x\r\n\r\n",
        OK "Transfer-Encoding:  Chunked \r\n\r\n4\r\ngood\r\n0\r\n\r\n",
        OK "\r\ngood" LAST,
        "HTTP/1.0 200 OK\r\n\r\ngood" LAST,
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\ngood",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" GOOD,
        "HTTP/1.1 200\r\nContent-Length: 4\r\n\r\ngood",
        "HTTP/1.1 200 \r\nContent-Length: 4\r\n\r\ngood",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
        GOOD,
        NULL,
    };

    expect_all(answers, 0);
}

CASE(what_is_no_answer_is_refused)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "\r\n" GOOD,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 4\n\ngood",
        OK "Content-Length: 4\n\r\ngood",
        OK "Content-Length: 4\r\n\ngood",
        OK "A: b\r\n c\r\nContent-Length: 4\r\n\r\ngood",
        OK "A: b\rc\r\nContent-Length: 4\r\n\r\ngood",
        OK "A : b\r\nContent-Length: 4\r\n\r\ngood",
        OK ": b\r\nContent-Length: 4\r\n\r\ngood",
        OK "A\r\nContent-Length: 4\r\n\r\ngood",
        OK "A: \x01\r\nContent-Length: 4\r\n\r\ngood",
        OK "Content-Length: 4\r\nContent-Length: 4\r\n\r\ngood",
        OK "Content-Length: 4\r\nContent-Length: 5\r\n\r\ngood",
        OK "Content-Length: 4, 4\r\n\r\ngood",
        OK "Content-Length: +4\r\n\r\ngood",
        OK "Content-Length: -4\r\n\r\ngood",
        OK "Content-Length:\r\n\r\ngood",
        OK "Content-Length: 99999999999999999999\r\n\r\ngood",
        OK "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
        OK "Transfer-Encoding: gzip, chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
        CHUNKED "x\r\ngood\r\n0\r\n\r\n",
        CHUNKED "4\ngood\r\n0\r\n\r\n",
        CHUNKED "4\r\ngood\n0\r\n\r\n",
        CHUNKED "4\r\ngoods\r\n0\r\n\r\n",
        CHUNKED "4\r\ngood\r\n0\r\nA: b\n\r\n",
        CHUNKED "4\r\ngood\r\n0\r\nA: b\r\n c\r\n\r\n",
        CHUNKED "fffffffffffffffff\r\ngood\r\n0\r\n\r\n",
        NULL,
    };

    expect_all(answers, TR_ESYNTAX);
}

CASE(what_is_cut_is_no_answer)
{
    static const char *const answers[] = {
        LAST,
        "HTTP/1" LAST,
        OK LAST,
        SIZED("5") "good" LAST,
        CHUNKED "4\r\ngood" LAST,
        CHUNKED "4\r\ngood\r\n" LAST,
        CHUNKED "4\r\ngood\r\n0\r\n" LAST,
        NULL,
    };

    expect_all(answers, TR_EEND);
}

CASE(what_is_too_large_is_not_read)
{
    static char head[3000], chunks[40000], interim[4000];
    const char *const answers[] = { head, chunks, interim, SIZED("67108865"), NULL };

    (void)snprintf(head, sizeof(head), OK "A: %01500d\r\n\r\n", 0);
    (void)snprintf(chunks, sizeof(chunks), CHUNKED "4;%020000d\r\ngood\r\n0\r\n\r\n", 0);
    interim[0] = 0;
    for (int i = 0; i < 50; i++)
        strcat(interim, "HTTP/1.1 102 Processing\r\n\r\n");
    expect_all(answers, TR_ETOOLARGE);
}

/* What follows an answer that nobody has asked for would be taken for the next one. */
CASE(an_answer_that_nobody_asked_for_is_never_heard)
{
    static const char *const answers[] = { GOOD SIZED("4") "evil", GOOD, NULL };
    tr_http_client *client;
    scripted s;
    char text[64];
    int status;

    EXPECT(tr_http_client_new(&client, NULL) == 0);
    scripted_begin(&s, answers);
    EXPECT(get(client, s.url, &status, text, sizeof(text)) == 0 && strcmp(text, "good") == 0);
    EXPECT(get(client, s.url, &status, text, sizeof(text)) == 0 && strcmp(text, "good") == 0);
    EXPECT(s.connections == 2);
    scripted_end(&s);
    tr_http_client_unref(client);
}

/* The server closes a connection that was kept alive just as the next request comes. */
CASE(a_connection_that_has_died_is_replaced_once)
{
    static const char *const answers[] = { GOOD, LAST, GOOD, LAST, LAST, NULL };
    tr_http_client *client;
    tr_http_client_stats stats;
    scripted s;
    char text[64];
    int status;

    EXPECT(tr_http_client_new(&client, NULL) == 0);
    scripted_begin(&s, answers);
    EXPECT(get(client, s.url, &status, text, sizeof(text)) == 0);
    EXPECT(get(client, s.url, &status, text, sizeof(text)) == 0);
    EXPECT(s.connections == 2 && s.said == 3);
    EXPECT(get(client, s.url, &status, text, sizeof(text)) == TR_EEND);
    EXPECT(s.connections == 3 && s.said == 5);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.calls == 3 && stats.failures == 1 && stats.open == 0);
    scripted_end(&s);
    tr_http_client_unref(client);
}

/* The server may have done what it was told, before it died. */
CASE(what_may_not_be_repeated_is_not)
{
    static const char *const answers[] = { GOOD, LAST, GOOD, NULL };
    tr_http_client *client;
    tr_http_reply *reply;
    scripted s;
    char text[64];
    int status;

    EXPECT(tr_http_client_new(&client, NULL) == 0);
    scripted_begin(&s, answers);
    EXPECT(get(client, s.url, &status, text, sizeof(text)) == 0);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = s.url, .body = "a", .body_bytes = 1 }) == TR_EEND);
    EXPECT(s.said == 2);
    scripted_end(&s);
    tr_http_client_unref(client);
}

/* It says no, and does not read the rest. */
CASE(an_answer_that_comes_before_the_body_has_gone_is_heard)
{
    static const char *const answers[] = {
        "\2HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\ngood", GOOD, NULL
    };
    static char body[16 * 1024 * 1024];
    tr_http_client *client;
    tr_http_reply *reply;
    scripted s;
    char text[64];
    int status;

    EXPECT(tr_http_client_new(&client, NULL) == 0);
    scripted_begin(&s, answers);
    EXPECT(tr_http_fetch(
               &reply, client,
               &(tr_http_call){ .url = s.url, .body = body, .body_bytes = sizeof(body) }) == 0);
    EXPECT(tr_http_reply_status(reply) == 413 && strcmp(tr_http_reply_text(reply), "good") == 0);
    tr_http_reply_free(reply);
    EXPECT(get(client, s.url, &status, text, sizeof(text)) == 0);
    EXPECT(s.connections == 2);
    scripted_end(&s);
    tr_http_client_unref(client);
}

CASES("answers", bodies_end_as_their_heads_say, what_is_no_answer_is_refused,
      what_is_cut_is_no_answer, what_is_too_large_is_not_read,
      an_answer_that_nobody_asked_for_is_never_heard, a_connection_that_has_died_is_replaced_once,
      what_may_not_be_repeated_is_not, an_answer_that_comes_before_the_body_has_gone_is_heard)
