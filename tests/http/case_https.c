/* HTTP by TLS: the same requests, in whatever pieces; and clients that do not shake hands. */
#include "http/pieces.h"

#include "net/certificates.h"

typedef struct secure {
    service s;
    certificates certificates;
    tr_tls *of_server, *of_client;
} secure;

static void begin_secure(secure *at, double head_timeout)
{
    certificates *c = &at->certificates;
    tr_http_server *server;

    begin_certificates(c);
    make_certificate(c, "server", "server", "IP:127.0.0.1", 30, &c->good);
    EXPECT(tr_tls_server_new(&at->of_server,
                             &(tr_tls_options){ .certificate = file_of(c, "server.pem"),
                                                .key = file_of(c, "server.key") }) == 0);
    EXPECT(tr_tls_client_new(&at->of_client,
                             &(tr_tls_options){ .authorities = file_of(c, "good.pem") }) == 0);
    server = new_server(&(tr_http_config){ .tls = at->of_server,
                                           .loops = 1,
                                           .head_timeout = head_timeout,
                                           .idle_timeout = 1000,
                                           .drain = 0.1 });
    add_pieces(server);
    begin_service(&at->s, server);
}

static void end_secure(secure *at)
{
    end_service(&at->s);
    tr_tls_unref(at->of_server);
    tr_tls_unref(at->of_client);
    end_certificates(&at->certificates);
}

static tr_io *open_secure(const secure *at)
{
    tr_io *io;

    EXPECT(tr_tls_connect(&io, at->s.address, at->of_client, NULL) == 0);
    return io;
}

CASE(requests_by_tls_are_the_same_in_whatever_pieces)
{
    char text[2048];
    size_t bytes = join_pieces(text);
    secure at;
    tr_io *io;

    begin_secure(&at, 0);
    for (size_t most = 1; most <= bytes; most *= CASES_SIMULATED ? 64 : 8) {
        io = open_secure(&at);
        for (size_t i = 0; i < bytes; i += most)
            say_piece(&at.s, io, text + i, bytes - i < most ? bytes - i : most);
        for (int i = 0; i < PIECES; i++)
            expect_answer(io, i);
        EXPECT(tr_close(io) == 0);
        await_nobody(&at.s);
    }
    end_secure(&at);
}

CASE(who_breaks_off_by_tls_harms_nobody)
{
    char text[2048];
    size_t bytes = join_pieces(text);
    secure at;
    tr_io *io;

    begin_secure(&at, 0);
    for (size_t cut = tr__dice() % 256; cut < bytes; cut += 256) {
        io = open_secure(&at);
        EXPECT(tr_write_all(io, text, cut + 1) == 0);
        (void)tr_close(io); /* or it is told what it has not waited for */
        await_nobody(&at.s);
    }
    io = open_secure(&at);
    say(io, pieces[0].request);
    expect_answer(io, 0);
    EXPECT(tr_close(io) == 0);
    end_secure(&at);
}

/* A record of which a part has come can't be understood, however often it is looked at. */
CASE(a_part_of_a_record_keeps_nobody_from_being_served)
{
    secure at;
    tr_io *cut, *io;

    begin_secure(&at, 0);
    cut = open_client(&at.s);
    say(cut, "\x16\x03\x01\x02");
    for (int i = 0; i < 3; i++) {
        io = open_secure(&at);
        say(io, pieces[0].request);
        expect_answer(io, 0);
        EXPECT(tr_close(io) == 0);
    }
    EXPECT(tr_close(cut) == 0);
    end_secure(&at);
}

/* It has the time of a head, not that of a connection between requests. */
CASE(a_handshake_that_stalls_is_given_up)
{
    static const char *const begins[] = { "", "\x16", "\x16\x03\x01\x02",
                                          "GET / HTTP/1.1\r\n\r\n" };
    secure at;

    begin_secure(&at, 0.1);
    for (int i = 0; i < 4; i++) {
        tr_io *io = open_client(&at.s);
        char rest[64];
        ssize_t count;

        say(io, begins[i]);
        while ((count = tr_read(io, rest, sizeof(rest))) > 0)
            ; /* an alert */
        EXPECT(count == 0 || count == TR_ECONNRESET);
        EXPECT(tr_close(io) == 0);
    }
    end_secure(&at);
}

CASE(who_has_shaken_hands_may_idle)
{
    secure at;
    tr_io *io;

    begin_secure(&at, 0);
    io = open_secure(&at);
    EXPECT(await_conn(&at.s, TR__LIMIT_IDLE)->is_handshaken);
    EXPECT(conn_under(&at.s, TR__LIMIT_HEAD) == NULL);
    say(io, pieces[0].request);
    expect_answer(io, 0);
    EXPECT(await_conn(&at.s, TR__LIMIT_IDLE)->in.bytes == NULL);
    EXPECT(tr_close(io) == 0);
    end_secure(&at);
}

CASES("https", requests_by_tls_are_the_same_in_whatever_pieces, who_breaks_off_by_tls_harms_nobody,
      a_part_of_a_record_keeps_nobody_from_being_served, a_handshake_that_stalls_is_given_up,
      who_has_shaken_hands_may_idle)
