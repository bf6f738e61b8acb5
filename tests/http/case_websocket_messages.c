/* Messages of WebSockets that come in many pieces, or are more than they should be: what is right
 * comes whole, and what is wrong is refused, in bounded memory. Servers and clients alike. */
#include "http/echoes.h"

enum { MOST = 16 * 1024 }; /* of a message */

static const tr_ws_options options = { .message_most = MOST, .close_within = TR_FOREVER };

/* ---- many fragments ---- */

enum { FRAGMENTS = 30 };

/* The i-th fragment's bytes; several are empty. */
static size_t piece_of(int i, char piece[8])
{
    size_t bytes = (size_t)i % 4;

    memset(piece, 'a' + i % 26, bytes);
    piece[bytes] = 0;
    return bytes;
}

static int first_of(int i)
{
    return (i == FRAGMENTS - 1 ? FIN : 0) | (i == 0 ? TEXT : CONTINUATION);
}

static void all_pieces(char *text)
{
    size_t bytes = 0;

    for (int i = 0; i < FRAGMENTS; i++)
        bytes += piece_of(i, text + bytes);
}

CASE(a_server_hears_pings_between_all_fragments)
{
    char whole[FRAGMENTS * 4];
    char piece[8];
    echoes e;
    tr_io *io;

    all_pieces(whole);
    begin_echoes(&e, &options);
    io = raw_open(&e.s, "/echo", "");
    for (int i = 0; i < FRAGMENTS; i++) {
        raw_put(io, FIN | PING, "?", 1);
        raw_put(io, first_of(i), piece, piece_of(i, piece));
        raw_say(io, FIN | PONG, "unasked");
        raw_expect(io, FIN | PONG, "?");
    }
    raw_expect(io, FIN | TEXT, whole);
    raw_part(io);
    end_echoes(&e, 0);
}

static void tell_fragments(tr_io *io, void *unused)
{
    char piece[8];

    (void)unused;
    raw_shake(io, "");
    for (int i = 0; i < FRAGMENTS; i++) {
        raw_tell(io, FIN | PING, "?", 1);
        raw_tell(io, first_of(i), piece, piece_of(i, piece));
        raw_tell(io, FIN | PONG, "unasked", 7);
        raw_expect_masked(io, FIN | PONG, "?");
    }
    raw_tell(io, FIN | CLOSE, "", 0);
    raw_expect_masked(io, FIN | CLOSE, "");
    expect_end(io);
}

CASE(a_client_hears_pings_between_all_fragments)
{
    char whole[FRAGMENTS * 4];

    all_pieces(whole);
    receive_from(tell_fragments, NULL, &options, whole, 0);
}

/* As many as one likes, if they are empty: they take no memory. */
CASE(fragments_of_nothing_take_no_memory)
{
    static const char text[] = "at last";
    echoes e;
    tr_io *io;

    begin_echoes(&e, &options);
    io = raw_open(&e.s, "/echo", "");
    raw_put(io, TEXT, "", 0);
    for (int i = 0; i < 20; i++) {
        char frames[600] = "";

        for (size_t at = 0; at < sizeof(frames); at += 6)
            (void)raw_header((unsigned char *)frames + at, CONTINUATION, 0, true);
        EXPECT(tr_write_all(io, frames, sizeof(frames)) == 0);
    }
    raw_say(io, FIN | PING, "");
    raw_expect(io, FIN | PONG, "");
    EXPECT(e.ws->partial.data.capacity == 0);
    raw_put(io, FIN | CONTINUATION, text, sizeof(text) - 1);
    raw_expect(io, FIN | TEXT, text);
    raw_part(io);
    end_echoes(&e, 0);
}

/* ---- characters ---- */

static const char characters[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";

CASE(each_byte_of_a_text_may_be_a_fragment)
{
    echoes e;
    tr_io *io;

    begin_echoes(&e, &options);
    io = raw_open(&e.s, "/echo", "");
    raw_put(io, TEXT, "", 0);
    for (size_t i = 0; i < sizeof(characters) - 1; i++) {
        raw_put(io, CONTINUATION, characters + i, 1);
        raw_put(io, CONTINUATION, "", 0);
    }
    raw_put(io, FIN | CONTINUATION, "", 0);
    raw_expect(io, FIN | TEXT, characters);
    raw_part(io);
    end_echoes(&e, 0);
}

/* Where the first fragments are a text: one that its last fragment spoils, or leaves cut. */
static const struct {
    const char *first, *last;
} spoilt[] = {
    { "\xe2\x82", "\x28" }, { "abc\xe2", "\x82" },       { "\xf0\x9f\x98", "" },
    { "abc", "\xff" },      { "\xed", "\xa0\x80 more" }, { characters, "\x80" },
};

CASE(a_text_that_its_last_fragment_spoils_is_refused)
{
    for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
        echoes e;
        tr_io *io;

        begin_echoes(&e, &options);
        io = raw_open(&e.s, "/echo", "");
        raw_say(io, TEXT, spoilt[i].first);
        raw_say(io, FIN | CONTINUATION, spoilt[i].last);
        raw_expect_goodbye(io, 1007);
        expect_end(io);
        raw_close(io);
        end_echoes(&e, TR_ESYNTAX);
    }
}

static void tell_spoilt(tr_io *io, void *arg)
{
    const size_t *i = arg;

    raw_shake(io, "");
    raw_tell(io, FIN | TEXT, characters, sizeof(characters) - 1);
    raw_tell(io, TEXT, spoilt[*i].first, strlen(spoilt[*i].first));
    raw_tell(io, FIN | CONTINUATION, spoilt[*i].last, strlen(spoilt[*i].last));
    raw_expect_masked_goodbye(io, 1007);
    expect_end(io);
}

CASE(a_client_refuses_texts_that_are_spoilt)
{
    for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++)
        receive_from(tell_spoilt, &i, &options, characters, TR_ESYNTAX);
}

/* ---- too much ---- */

CASE(a_flood_of_fragments_is_refused_at_the_limit)
{
    static const char data[256] = "";
    size_t most = 0;
    echoes e;
    tr_io *io;

    begin_echoes(&e, &options);
    io = raw_open(&e.s, "/echo", "");
    raw_put(io, BINARY, "", 0);
    for (int i = 0; i < 4 * MOST / (int)sizeof(data); i++) {
        raw_put(io, CONTINUATION, data, sizeof(data));
        if (e.ws != NULL && e.ws->partial.data.capacity > most)
            most = e.ws->partial.data.capacity;
    }
    EXPECT(most <= 2 * MOST);
    raw_expect_goodbye(io, 1009);
    EXPECT(tr_close_write(io) == 0);
    expect_end(io);
    raw_close(io);
    end_echoes(&e, TR_ETOOLARGE);
}

static int flood(void *arg)
{
    enum { EACH = 6, AT_ONCE = 100, TIMES = 200 };
    tr_io *io = arg;
    unsigned char frames[EACH * AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++)
        (void)raw_header(frames + i * EACH, FIN | TEXT, 0, true);
    for (int i = 0; i < TIMES; i++)
        EXPECT(tr_write_all(io, frames, sizeof(frames)) == 0);
    raw_say(io, FIN | TEXT, "how many?");
    return 0;
}

typedef struct counting {
    echoes e;
    tr_event go;
} counting;

/* Receive nothing until it is told to; and then count. */
static int count(tr_ws *ws, tr_http_request *req, void *ctx)
{
    counting *c = ctx;
    tr_ws_message m;
    int rc;

    (void)req;
    c->e.ws = ws;
    rc = tr_event_wait(&c->go);
    for (int i = 0; rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0; i++)
        if (m.bytes > 0)
            rc = tr_ws_text(ws, "%d", i);
    c->e.end = rc;
    return rc;
}

/* Messages that nobody receives stay with the system, and so with who sends them. */
CASE(messages_of_nothing_take_bounded_memory)
{
    counting c = { 0 };
    tr_http_server *server = new_echoes(&c.e, &options);
    tr_task *task;
    tr_io *io;

    EXPECT(tr_http_websocket(server, "/count", count, &c, &options) == 0);
    begin_service(&c.e.s, server);
    io = raw_open(&c.e.s, "/count", "");
    EXPECT(tr_task_spawn(&task, flood, io) == 0);
    while (c.e.ws == NULL || !tr__ws_is_paused(c.e.ws))
        EXPECT(tr_sleep(0.001) == 0);
    EXPECT(c.e.ws->incoming_bytes < 512 * 1024);
    EXPECT(tr_event_set(&c.go) == 0);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    raw_expect(io, FIN | TEXT, "20000");
    raw_part(io);
    end_echoes(&c.e, 0);
}

/* ---- more than one at a time ---- */

/* Its handshake, a message, and the next one but its last byte, in one piece. */
CASE(messages_may_come_with_the_handshake)
{
    static const char hello[] =
        "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        "\x81\x85\0\0\0\0hello\x81\x85\0\0\0\0agai";
    char text[1024];
    echoes e;
    tr_io *io;

    begin_echoes(&e, &options);
    io = open_client(&e.s);
    EXPECT(tr_write_all(io, hello, sizeof(hello) - 1) == 0);
    EXPECT(hear(io, text, sizeof(text)) == 101);
    raw_expect(io, FIN | TEXT, "hello");
    EXPECT(tr_write_all(io, "n", 1) == 0);
    raw_expect(io, FIN | TEXT, "again");
    raw_part(io);
    end_echoes(&e, 0);
}

enum { SENDERS = 4, EACH = 10, LONG = 5000 };

typedef struct sender {
    tr_ws *ws;
    int number;
} sender;

static int send_each(void *arg)
{
    const sender *s = arg;
    char data[LONG];

    memset(data, 'a' + s->number, sizeof(data));
    for (int i = 0; i < EACH; i++) {
        EXPECT(tr_ws_send(s->ws, TR_WS_TEXT, data, sizeof(data)) == 0);
        EXPECT(tr_yield() == 0);
    }
    return 0;
}

/* They wait for each other, for the queue is short. */
CASE(several_tasks_may_send_while_another_receives)
{
    const tr_ws_options narrow = { .queue_most = 100, .close_within = TR_FOREVER };
    sender senders[SENDERS];
    tr_task *tasks[SENDERS];
    int heard[SENDERS] = { 0 };
    tr_ws_message m;
    char url[80];
    echoes e;
    tr_ws *ws;

    begin_echoes(&e, &narrow);
    (void)snprintf(url, sizeof(url), "ws://%s/echo", e.s.address);
    EXPECT(tr_ws_connect(&ws, url, NULL, &narrow) == 0);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (sender){ ws, i };
        EXPECT(tr_task_spawn(&tasks[i], send_each, &senders[i]) == 0);
    }
    for (int i = 0; i < SENDERS * EACH; i++) {
        EXPECT(tr_ws_receive(ws, &m) == 1 && m.bytes == LONG);
        for (size_t at = 1; at < m.bytes; at++)
            EXPECT(m.data[at] == m.data[0]);
        heard[m.data[0] - 'a']++;
    }
    for (int i = 0; i < SENDERS; i++) {
        EXPECT(heard[i] == EACH && tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end_echoes(&e, 0);
}

CASES("websocket_messages", a_server_hears_pings_between_all_fragments,
      a_client_hears_pings_between_all_fragments, fragments_of_nothing_take_no_memory,
      each_byte_of_a_text_may_be_a_fragment, a_text_that_its_last_fragment_spoils_is_refused,
      a_client_refuses_texts_that_are_spoilt, a_flood_of_fragments_is_refused_at_the_limit,
      messages_of_nothing_take_bounded_memory, messages_may_come_with_the_handshake,
      several_tasks_may_send_while_another_receives)
