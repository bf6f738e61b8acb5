/* Requests that come in pieces: they are understood as if they had come at once, and a connection
 * holds little while it waits for the rest. */
#include "http/pieces.h"

CASE(requests_that_are_cut_anywhere_are_the_same)
{
    char text[2048];
    size_t bytes = join_pieces(text);
    service s;

    begin_pieces(&s);
    FOR_EACH_CUT(cut, bytes)
    {
        tr_io *io = open_client(&s);

        say_piece(&s, io, text, cut);
        EXPECT(tr_write_all(io, text + cut, bytes - cut) == 0);
        for (int i = 0; i < PIECES; i++)
            expect_answer(io, i);
        EXPECT(tr_close(io) == 0);
        await_nobody(&s);
    }
    end_service(&s);
}

CASE(requests_that_come_byte_by_byte_are_the_same)
{
    char text[2048];
    size_t bytes = join_pieces(text);
    service s;
    tr_io *io;

    begin_pieces(&s);
    io = open_client(&s);
    for (size_t i = 0; i < bytes; i++)
        say_piece(&s, io, text + i, 1);
    for (int i = 0; i < PIECES; i++)
        expect_answer(io, i);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* As long as a head may be, so that it outgrows what is put away, and the buffer. */
CASE(a_long_head_that_comes_in_pieces_is_the_same)
{
    enum { LINES = 90, VALUE = 300, PIECE = 1000 };
    static char text[LINES * (VALUE + 20) + 200];
    size_t bytes = (size_t)sprintf(text, "GET /m/a?q=1 HTTP/1.1\r\nHost: a\r\n");
    service s;
    tr_io *io;

    for (int i = 0; i < LINES; i++)
        bytes += (size_t)sprintf(text + bytes, "X-%d: %0*d\r\n", i, VALUE, i);
    bytes += (size_t)sprintf(text + bytes, "X-Word: last\r\n\r\n");
    begin_pieces(&s);
    io = open_client(&s);
    for (size_t at = 0; at < bytes; at += PIECE)
        say_piece(&s, io, text + at, bytes - at < PIECE ? bytes - at : PIECE);
    EXPECT(hear(io, text, sizeof(text)) == 200);
    EXPECT(strcmp(strstr(text, "\r\n\r\n") + 4, "a 1 last ") == 0);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASE(a_head_that_waits_keeps_what_has_come_of_it_alone)
{
    service s;
    tr_io *io;
    tr__http_conn *conn;

    begin_pieces(&s);
    io = open_client(&s);
    say(io, pieces[4].request);
    expect_answer(io, 4);
    say(io, "GET /m/c HTTP/1.1\r\nHos");
    conn = await_conn(&s, TR__LIMIT_HEAD);
    EXPECT(conn->in.bytes == NULL && conn->out.bytes == NULL && conn->req == NULL);
    EXPECT(worker_of(&s)->spare_block_count > 0 && worker_of(&s)->spare_request_count == 1);
    say(io, "t: a\r\n\r\n");
    expect_answer(io, 4);
    say(io, "GET /m/c HTTP/1.1\r\nHos"); /* and so it is closed */
    (void)await_conn(&s, TR__LIMIT_HEAD);
    end_service(&s);
    EXPECT(tr_close(io) == 0);
}

CASE(a_body_that_waits_keeps_no_buffer_for_input)
{
    static const char *const heads[] = {
        "POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Word: two\r\n\r\nhel",
        "POST /sip HTTP/1.1\r\nHost: a\r\nX-Word: four\r\nContent-Length: 5\r\n\r\nhel"
    };
    static const int numbers[] = { 1, 3 };
    service s;
    tr_io *io;

    begin_pieces(&s);
    io = open_client(&s);
    for (int i = 0; i < 2; i++) {
        tr__http_conn *conn;

        say(io, heads[i]);
        conn = await_conn(&s, TR__LIMIT_BODY);
        EXPECT(conn->in.bytes == NULL && conn->out.bytes == NULL && conn->req != NULL);
        say(io, "lo");
        expect_answer(io, numbers[i]);
    }
    say(io, heads[0]); /* and so it is closed */
    (void)await_conn(&s, TR__LIMIT_BODY);
    end_service(&s);
    EXPECT(tr_close(io) == 0);
}

CASE(a_client_that_was_refused_keeps_no_buffer)
{
    service s;
    tr_io *io;
    tr__http_conn *conn;
    char text[1024];

    begin_pieces(&s);
    io = open_client(&s);
    say(io, "GET / HTTP/3.0\r\nHost: a\r\n\r\nand more");
    conn = await_conn(&s, TR__LIMIT_LINGER);
    EXPECT(conn->in.bytes == NULL && conn->out.bytes == NULL && conn->req == NULL);
    EXPECT(hear(io, text, sizeof(text)) == 505);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

enum { LONG = 6000 };

static int answer_long(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "%0*d", LONG, 7);
}

CASE(answers_that_nobody_reads_are_not_piled_up)
{
    enum { QUESTIONS = CASES_SIMULATED ? 100 : 1000, KEPT = 32 * 1024 };
    static const char question[] = "GET / HTTP/1.1\r\nHost:\r\n\r\n";
    static char text[QUESTIONS * sizeof(question) + LONG];
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1, .drain = 0.1 });
    tr__http_conn *conn;
    size_t bytes = 0;
    service s;
    tr_io *io;

    for (int i = 0; i < QUESTIONS; i++)
        bytes += (size_t)sprintf(text + bytes, "%s", question);
    EXPECT(tr_http_route(server, "GET", "/", answer_long, NULL) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    EXPECT(tr_write(io, text, bytes) == 0);
    conn = await_conn(&s, TR__LIMIT_WRITE);
    EXPECT(tr__buffer_count(&conn->out) < KEPT);
    for (int i = 0; i < QUESTIONS; i++)
        EXPECT(hear(io, text, sizeof(text)) == 200);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

#if !CASES_SIMULATED

static void say_in_two_pieces(tr_io *io, const char *text, size_t cut, size_t bytes)
{
    const char *data;
    int rc = tr_write_all(io, text, cut);

    if (rc == 0)
        rc = tr_sleep(0.01);
    if (rc == 0)
        rc = tr_write_all(io, text + cut, bytes - cut);
    if (rc == 0)
        (void)tr_read_until(io, &data, "c - - ", 4096); /* or it is closed */
}

/* Whatever fails while a request comes in two pieces, here or there: it is answered, or the
 * connection closed. */
CASE(what_fails_between_pieces_costs_that_client_only)
{
    char text[2048];
    size_t bytes = join_pieces(text);
    bool was_reached = true;
    service s;

    begin_pieces(&s);
    for (uint64_t n = 1; was_reached; n++) {
        tr_io *io = open_client(&s);

        EXPECT(n < 1000);
        while (worker_of(&s)->connections == 0)
            EXPECT(tr_sleep(0.001) == 0);
        tr__fault_arm(n, false);
        say_in_two_pieces(io, text, 30, bytes);
        was_reached = tr__fault_disarm();
        (void)tr_close(io); /* what had failed before may be told once more */
        await_nobody(&s);
    }
    end_service(&s);
}

#define REAL_ONLY what_fails_between_pieces_costs_that_client_only,
#else
#define REAL_ONLY
#endif

CASES("pieces", REAL_ONLY requests_that_are_cut_anywhere_are_the_same,
      requests_that_come_byte_by_byte_are_the_same, a_long_head_that_comes_in_pieces_is_the_same,
      a_head_that_waits_keeps_what_has_come_of_it_alone,
      a_body_that_waits_keeps_no_buffer_for_input, answers_that_nobody_reads_are_not_piled_up,
      a_client_that_was_refused_keeps_no_buffer)
