/* Clients that break off anywhere, or do not end: what they have asked for whole is answered, the
 * rest is refused or forgotten, and others are served on. (tests/hostile does the same by
 * thousands.) */
#include <sys/socket.h>

#include "http/pieces.h"
#include "http/raw_socket.h"

enum { BIG = 1024 * 1024 };

static void expect_served(const service *s)
{
    tr_io *io = open_client(s);

    say(io, pieces[0].request);
    expect_answer(io, 0);
    EXPECT(tr_close(io) == 0);
}

/* The next byte that is to be sent, and the end that it waits for, are lost. */
static void close_by_reset(tr_io *io)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };

    EXPECT(setsockopt(tr_io_fd(io), SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    EXPECT(tr_close(io) == 0);
}

/* Read to the end: the status of the first answer; 0: there is none. */
static int hear_rest(tr_io *io)
{
    char text[2048];
    size_t filled = 0;
    ssize_t count;

    while ((count = tr_read(io, text + filled, sizeof(text) - 1 - filled)) > 0)
        filled += (size_t)count;
    EXPECT(count == 0);
    text[filled] = 0;
    EXPECT(filled == 0 || strncmp(text, "HTTP/1.1 ", 9) == 0);
    return filled == 0 ? 0 : atoi(text + 9);
}

/* ---- half closed ---- */

CASE(who_says_no_more_anywhere_is_answered_as_far_as_it_has_asked)
{
    char text[2048];
    size_t bytes = join_pieces(text);
    service s;

    begin_pieces(&s);
    FOR_EACH_CUT(cut, bytes)
    {
        tr_io *io = open_client(&s);
        int rest;

        EXPECT(tr_write_all(io, text, cut) == 0);
        EXPECT(tr_close_write(io) == 0);
        for (int i = 0; i < whole_pieces(cut); i++)
            expect_answer(io, i);
        rest = hear_rest(io);
        /* Only a handler that has read some of it can say why. */
        EXPECT(rest == 0 || (rest == 400 && whole_pieces(cut) == 3));
        EXPECT(tr_close(io) == 0);
    }
    expect_served(&s);
    end_service(&s);
}

static int send_much(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_send_taken(res, 200, NULL, calloc(1, BIG), BIG, free);
}

CASE(who_says_no_more_gets_all_of_a_large_answer)
{
    static char answer[BIG];
    service s;
    const char *head;
    tr_io *io;
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.1 });

    EXPECT(tr_http_route(server, "GET", "/", send_much, NULL) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(tr_close_write(io) == 0);
    EXPECT(tr_read_until(io, &head, "\r\n\r\n", 1024) > 0);
    EXPECT(tr_read_exact(io, answer, BIG) == 0);
    expect_end(io);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* ---- reset ---- */

CASE(who_is_reset_anywhere_is_gone)
{
    char text[2048];
    size_t bytes = join_pieces(text);
    service s;

    begin_pieces(&s);
    FOR_EACH_CUT(cut, bytes)
    {
        tr_io *io = open_client(&s);

        if (cut % 2 == 0)
            say_piece(&s, io, text, cut);
        else
            EXPECT(tr_write_all(io, text, cut) == 0);
        close_by_reset(io);
        await_nobody(&s);
    }
    expect_served(&s);
    end_service(&s);
}

CASE(who_connects_and_goes_costs_nothing)
{
    service s;

    begin_pieces(&s);
    for (int i = 0; i < 50; i++) {
        tr_io *io = open_client(&s);

        if (i % 2 == 0)
            EXPECT(tr_close(io) == 0);
        else
            close_by_reset(io);
    }
    expect_served(&s);
    await_nobody(&s);
    end_service(&s);
}

/* ---- WebSockets ---- */

static int listen_only(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc;

    (void)req;
    (void)ctx;
    while ((rc = tr_ws_receive(ws, &m)) > 0)
        EXPECT(m.bytes == 5 && memcmp(m.data, "hello", 5) == 0);
    return rc;
}

/* A handshake, a message, a ping, and a goodbye. */
static size_t join_frames(char *text)
{
    static const struct {
        int first;
        const char *payload;
    } frames[] = { { FIN | TEXT, "hello" }, { FIN | PING, "?" }, { FIN | CLOSE, "\x03\xe8" } };
    size_t bytes = (size_t)sprintf(
        text, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

    for (int i = 0; i < 3; i++) {
        size_t length = strlen(frames[i].payload);

        bytes += raw_header((unsigned char *)text + bytes, frames[i].first, length, true);
        memcpy(text + bytes, frames[i].payload, length);
        bytes += length;
    }
    return bytes;
}

CASE(a_websocket_may_break_off_anywhere)
{
    char text[1024];
    size_t bytes = join_frames(text);
    service s;
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1, .drain = 0.1 });

    EXPECT(tr_http_route(server, "GET", "/m/:name", mirror, NULL) == 0);
    EXPECT(tr_http_websocket(server, "/ws", listen_only, NULL, NULL) == 0);
    begin_service(&s, server);
    FOR_EACH_CUT(cut, bytes)
    {
        for (int resets = 0; resets < 2; resets++) {
            tr_io *io = open_client(&s);
            char rest[1024];

            EXPECT(tr_write_all(io, text, cut) == 0);
            if (resets) {
                close_by_reset(io);
            } else {
                EXPECT(tr_close_write(io) == 0);
                while (tr_read(io, rest, sizeof(rest)) > 0)
                    ;
                EXPECT(tr_close(io) == 0);
            }
            await_nobody(&s);
        }
    }
    expect_served(&s);
    end_service(&s);
}

/* ---- without an end ---- */

/* Goes on as if nothing had been answered. */
static void expect_refused(const service *s, const char *begin, const char *more, int status)
{
    enum { MOST = 200 * 1024 };
    char text[1024];
    tr_io *io = open_client(s);
    size_t bytes = strlen(more);
    int answered;

    say(io, begin);
    for (size_t sent = 0; sent < MOST; sent += bytes)
        EXPECT(tr_write_all(io, more, bytes) == 0);
    answered = hear(io, text, sizeof(text));
    if (answered != status)
        fprintf(stderr, "%d, not %d: %s%.20s\n", answered, status, begin, more);
    EXPECT(answered == status);
    expect_end(io);
    EXPECT(tr_close(io) == 0);
}

/* A piece that is repeated until it has some thousand bytes, for a write each. */
static const char *many(const char *part)
{
    static char text[4096];
    size_t bytes = strlen(part);
    size_t filled = 0;

    for (; filled + bytes < sizeof(text); filled += bytes)
        memcpy(text + filled, part, bytes);
    text[filled] = 0;
    return text;
}

#define CHUNKED " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

CASE(what_has_no_end_is_refused_although_more_comes)
{
    service s;
    tr_http_server *server =
        new_server(&(tr_http_config){ .loops = 1, .body_most = 5000, .drain = 0.1 });

    EXPECT(tr_http_route(server, "GET", "/m/:name", mirror, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/m", mirror, NULL) == 0);
    EXPECT(tr_http_route_with(server, "POST", "/sip", sip, NULL,
                              &(tr_http_route_options){ .streams_body = true, .body_most = 40 }) ==
           0);
    begin_service(&s, server);
    expect_refused(&s, "GET / HTTP/1.1\r\nHost: a\r\n", many("X: y\r\n"), 431);
    expect_refused(&s, "GET / HTTP/1.1\r\nHost: a\r\nX: ", many("y"), 431);
    expect_refused(&s, "GET / HTTP/1.1\r\nHost: a\r\n", many("y"), 431);
    expect_refused(&s, "GET /", many("y"), 414);
    expect_refused(&s, "", many("\r\n"), 431);
    expect_refused(&s, "", many("\x80"), 501);
    expect_refused(&s, "POST /m" CHUNKED, many("1\r\nx\r\n"), 413);
    expect_refused(&s, "POST /sip" CHUNKED, many("1\r\nx\r\n"), 413);
    expect_refused(&s, "POST /m" CHUNKED "1;", many("x"), 413);
    expect_refused(&s, "POST /sip" CHUNKED "1;", many("x"), 413);
    expect_refused(&s, "POST /m" CHUNKED "0\r\n", many("X: y\r\n"), 413);
    expect_refused(&s, "POST /sip" CHUNKED "0\r\n", many("X: y\r\n"), 413);
    expect_refused(&s, "POST /m" CHUNKED "1", many("0"), 400);
    expect_served(&s);
    end_service(&s);
}

CASES("hostile", who_says_no_more_anywhere_is_answered_as_far_as_it_has_asked,
      who_says_no_more_gets_all_of_a_large_answer, who_is_reset_anywhere_is_gone,
      who_connects_and_goes_costs_nothing, a_websocket_may_break_off_anywhere,
      what_has_no_end_is_refused_although_more_comes)
