/* What a WebSocket's other side may send, and may not: frames of a client that is told each byte.
 * */
#include "http/raw_socket.h"

static int echo(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int *end = ctx;
    int rc;

    (void)req;
    while ((rc = tr_ws_receive(ws, &m)) > 0)
        if ((rc = tr_ws_send(ws, m.type, m.data, m.bytes)) < 0)
            break;
    *end = rc;
    return rc;
}

typedef struct echoes {
    service s;
    int end; /* of the handler that ended last */
} echoes;

static void begin(echoes *e, size_t message_most)
{
    /* One loop, for handlers share what they write. */
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1 });

    e->end = 1;
    EXPECT(tr_http_websocket(server, "/echo", echo, &e->end,
                             &(tr_ws_options){ .message_most = message_most }) == 0);
    begin_service(&e->s, server);
}

static void end(echoes *e, int wanted)
{
    end_service(&e->s);
    if (e->end != wanted)
        fprintf(stderr, "the handler has met %s\n", tr_strerror(e->end));
    EXPECT(e->end == wanted);
}

/* ---- what is allowed ---- */

CASE(fragments_are_one_message)
{
    echoes e;
    tr_io *io;

    begin(&e, 0);
    io = raw_open(&e.s, "/echo", "");
    raw_say(io, TEXT, "one ");
    raw_say(io, CONTINUATION, "");
    raw_say(io, CONTINUATION, "two ");
    raw_say(io, FIN | CONTINUATION, "three");
    raw_expect(io, FIN | TEXT, "one two three");
    raw_say(io, BINARY, "");
    raw_say(io, FIN | CONTINUATION, "");
    raw_expect(io, FIN | BINARY, "");
    raw_put(io, FIN | CLOSE, "\x03\xe8", 2);
    raw_expect_goodbye(io, 1000);
    expect_end(io);
    raw_close(io);
    end(&e, 0);
}

CASE(control_frames_may_stand_between_fragments)
{
    echoes e;
    tr_io *io;

    begin(&e, 0);
    io = raw_open(&e.s, "/echo", "");
    raw_say(io, TEXT, "one ");
    raw_say(io, FIN | PING, "still there?");
    raw_expect(io, FIN | PONG, "still there?");
    raw_say(io, FIN | PONG, "nobody has asked");
    raw_say(io, FIN | CONTINUATION, "two");
    raw_expect(io, FIN | TEXT, "one two");
    raw_say(io, FIN | CLOSE, "");
    raw_expect(io, FIN | CLOSE, "");
    expect_end(io);
    raw_close(io);
    end(&e, 0);
}

/* A text of a character of each length, cut at each byte: in fragments, and in what is written at a
 * time. */
CASE(a_character_may_be_cut)
{
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    echoes e;
    tr_io *io;

    begin(&e, 0);
    io = raw_open(&e.s, "/echo", "");
    for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
        raw_put(io, TEXT, text, cut);
        raw_put(io, FIN | CONTINUATION, text + cut, sizeof(text) - 1 - cut);
        raw_expect(io, FIN | TEXT, text);
    }
    for (size_t cut = 1; cut < sizeof(text) + 5; cut++) {
        unsigned char frame[64];
        size_t count = raw_header(frame, FIN | TEXT, sizeof(text) - 1, true);

        memcpy(frame + count, text, sizeof(text) - 1);
        EXPECT(tr_write_all(io, frame, cut) == 0);
        EXPECT(tr_sleep(0.001) == 0);
        EXPECT(tr_write_all(io, frame + cut, count + sizeof(text) - 1 - cut) == 0);
        raw_expect(io, FIN | TEXT, text);
    }
    raw_say(io, FIN | CLOSE, "");
    raw_expect(io, FIN | CLOSE, "");
    raw_close(io);
    end(&e, 0);
}

CASE(each_code_that_may_be_said_is_answered)
{
    static const uint16_t codes[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                      1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999 };
    echoes e;

    begin(&e, 0);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        tr_io *io = raw_open(&e.s, "/echo", "");
        char goodbye[] = { (char)(codes[i] >> 8), (char)codes[i], 'o', 'k' };

        raw_put(io, FIN | CLOSE, goodbye, sizeof(goodbye));
        raw_expect_goodbye(io, codes[i]);
        expect_end(io);
        raw_close(io);
    }
    end(&e, 0);
}

/* ---- what is not ---- */

typedef struct wrong {
    int first;
    const char *data;
    size_t bytes;
    int code; /* that it is closed with */
} wrong;

static void refuse(const wrong *frames, size_t count, int met, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        echoes e;
        tr_io *io;

        begin(&e, most);
        io = raw_open(&e.s, "/echo", "");
        raw_put(io, frames[i].first, frames[i].data, frames[i].bytes);
        raw_expect_goodbye(io, frames[i].code);
        raw_say(io, FIN | TEXT, "too late");
        raw_put(io, FIN | CLOSE, "\x03\xe8", 2);
        EXPECT(tr_close_write(io) == 0);
        expect_end(io);
        raw_close(io);
        end(&e, met);
    }
}

#define REFUSE(frames, met, most) refuse(frames, sizeof(frames) / sizeof((frames)[0]), met, most)

CASE(malformed_frames_are_refused)
{
    static const char long_ping[126] = "";
    static const wrong frames[] = {
        { FIN | RSV1 | TEXT, "x", 1, 1002 },
        { FIN | 0x20 | TEXT, "x", 1, 1002 },
        { FIN | 0x10 | BINARY, "x", 1, 1002 },
        { FIN | RSV1 | PING, "", 0, 1002 },
        { FIN | 3, "x", 1, 1002 },
        { FIN | 7, "x", 1, 1002 },
        { FIN | 11, "", 0, 1002 },
        { FIN | 15, "", 0, 1002 },
        { FIN | CONTINUATION, "x", 1, 1002 },
        { CONTINUATION, "x", 1, 1002 },
        { PING, "x", 1, 1002 },
        { CLOSE, "", 0, 1002 },
        { FIN | PING, long_ping, 126, 1002 },
        { FIN | CLOSE, "\x03", 1, 1002 },
    };

    REFUSE(frames, TR_ESYNTAX, 0);
}

CASE(codes_that_may_not_be_said_are_refused)
{
    static const wrong frames[] = {
        { FIN | CLOSE, "\x00\x00", 2, 1002 }, { FIN | CLOSE, "\x03\xe7", 2, 1002 },
        { FIN | CLOSE, "\x03\xec", 2, 1002 }, { FIN | CLOSE, "\x03\xed", 2, 1002 },
        { FIN | CLOSE, "\x03\xee", 2, 1002 }, { FIN | CLOSE, "\x03\xf7", 2, 1002 },
        { FIN | CLOSE, "\x03\xf8", 2, 1002 }, { FIN | CLOSE, "\x0b\xb7", 2, 1002 },
        { FIN | CLOSE, "\x13\x88", 2, 1002 }, { FIN | CLOSE, "\xff\xff", 2, 1002 },
    };

    REFUSE(frames, TR_ESYNTAX, 0);
}

CASE(texts_that_are_no_utf8_are_refused)
{
    static const wrong frames[] = {
        { FIN | TEXT, "\xff", 1, 1007 },         { FIN | TEXT, "\xc0\x80", 2, 1007 },
        { FIN | TEXT, "\xed\xa0\x80", 3, 1007 }, { FIN | TEXT, "\xf4\x90\x80\x80", 4, 1007 },
        { FIN | TEXT, "abc\xe2\x82", 5, 1007 },  { FIN | CLOSE, "\x03\xe8\xff", 3, 1007 },
    };

    REFUSE(frames, TR_ESYNTAX, 0);
}

CASE(messages_that_are_too_large_are_refused)
{
    static const char data[200] = "";
    static const wrong frames[] = {
        { FIN | BINARY, data, 101, 1009 },
        { BINARY, data, 101, 1009 },
        { FIN | TEXT, data, 200, 1009 },
    };
    echoes e;
    tr_io *io;

    REFUSE(frames, TR_ETOOLARGE, 100);
    begin(&e, 100);
    io = raw_open(&e.s, "/echo", "");
    raw_put(io, FIN | BINARY, data, 100);
    EXPECT(tr_read_exact(io, (char[102]){ 0 }, 102) == 0);
    raw_put(io, BINARY, data, 60);
    raw_put(io, FIN | CONTINUATION, data, 41);
    raw_expect_goodbye(io, 1009);
    raw_close(io);
    end(&e, TR_ETOOLARGE);
}

CASE(a_second_message_may_not_begin_within_one)
{
    echoes e;
    tr_io *io;

    begin(&e, 0);
    io = raw_open(&e.s, "/echo", "");
    raw_say(io, TEXT, "one");
    raw_say(io, FIN | TEXT, "two");
    raw_expect_goodbye(io, 1002);
    raw_close(io);
    end(&e, TR_ESYNTAX);
}

CASE(frames_that_are_not_masked_are_refused)
{
    echoes e;
    tr_io *io;

    begin(&e, 0);
    io = raw_open(&e.s, "/echo", "");
    EXPECT(tr_write_all(io, "\x81\x01x", 3) == 0);
    raw_expect_goodbye(io, 1002);
    raw_close(io);
    end(&e, TR_ESYNTAX);
}

/* 125 in two bytes, 65535 in eight, and a length with the highest bit. */
CASE(lengths_that_are_not_written_as_short_as_can_be_are_refused)
{
    static const wrong heads[] = {
        { 0, "\x82\xfe\x00\x7d", 4, 0 },
        { 0, "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff", 10, 0 },
        { 0, "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10, 0 },
    };

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        echoes e;
        tr_io *io;

        begin(&e, 0);
        io = raw_open(&e.s, "/echo", "");
        EXPECT(tr_write_all(io, heads[i].data, heads[i].bytes) == 0);
        EXPECT(tr_write_all(io, "\0\0\0\0", 4) == 0);
        raw_expect_goodbye(io, 1002);
        raw_close(io);
        end(&e, TR_ESYNTAX);
    }
}

/* ---- compressed ---- */

static const char deflate[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/* "Hello", of RFC 7692, 7.2.3: as one block, in two fragments, as a stored block, as a last one. */
CASE(each_way_to_deflate_is_understood)
{
    static const char one[] = "\xf2\x48\xcd\xc9\xc9\x07\x00";
    static const char stored[] = "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    static const char last[] = "\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    static const char two[] = "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    echoes e;
    tr_io *io;

    begin(&e, 0);
    io = raw_open(&e.s, "/echo", deflate);
    raw_put(io, FIN | RSV1 | TEXT, one, sizeof(one) - 1);
    raw_expect(io, FIN | TEXT, "Hello");
    raw_put(io, RSV1 | TEXT, one, 3);
    raw_say(io, FIN | PING, "");
    raw_expect(io, FIN | PONG, "");
    raw_put(io, FIN | CONTINUATION, one + 3, sizeof(one) - 4);
    raw_expect(io, FIN | TEXT, "Hello");
    raw_put(io, FIN | RSV1 | BINARY, stored, sizeof(stored) - 1);
    raw_expect(io, FIN | BINARY, "Hello");
    raw_put(io, FIN | RSV1 | TEXT, last, sizeof(last) - 1);
    raw_expect(io, FIN | TEXT, "Hello");
    raw_put(io, FIN | RSV1 | TEXT, two, sizeof(two) - 1);
    raw_expect(io, FIN | TEXT, "Hello");
    raw_put(io, FIN | RSV1 | TEXT, "\x00", 1);
    raw_expect(io, FIN | TEXT, "");
    raw_say(io, FIN | TEXT, "plain");
    raw_expect(io, FIN | TEXT, "plain");
    raw_say(io, FIN | CLOSE, "");
    raw_expect(io, FIN | CLOSE, "");
    raw_close(io);
    end(&e, 0);
}

static void refuse_deflated(int first, const char *data, size_t bytes, int code, size_t most)
{
    echoes e;
    tr_io *io;

    begin(&e, most);
    io = raw_open(&e.s, "/echo", deflate);
    raw_put(io, first, data, bytes);
    raw_expect_goodbye(io, code);
    raw_close(io);
    end(&e, code == 1009 ? TR_ETOOLARGE : TR_ESYNTAX);
}

/* A block of a type that there is not; one that is cut; 0xff as a text; too much; the bit where it
 * may not be. */
CASE(what_can_not_be_inflated_is_refused)
{
    refuse_deflated(FIN | RSV1 | TEXT, "\x07\x01\x02", 3, 1007, 0);
    refuse_deflated(FIN | RSV1 | TEXT, "\xf2\x48\xcd", 3, 1007, 0);
    refuse_deflated(FIN | RSV1 | TEXT, "\x00\x01\x00\xfe\xff\xff\x00", 7, 1007, 0);
    refuse_deflated(FIN | RSV1 | TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 1009, 4);
    refuse_deflated(FIN | RSV1 | PING, "", 0, 1002, 0);
}

CASE(a_fragment_that_follows_says_not_whether_it_is_deflated)
{
    echoes e;
    tr_io *io;

    begin(&e, 0);
    io = raw_open(&e.s, "/echo", deflate);
    raw_say(io, TEXT, "one");
    raw_say(io, FIN | RSV1 | CONTINUATION, "two");
    raw_expect_goodbye(io, 1002);
    raw_close(io);
    end(&e, TR_ESYNTAX);
}

CASES("websocket_frames", fragments_are_one_message, control_frames_may_stand_between_fragments,
      a_character_may_be_cut, each_code_that_may_be_said_is_answered, malformed_frames_are_refused,
      codes_that_may_not_be_said_are_refused, texts_that_are_no_utf8_are_refused,
      messages_that_are_too_large_are_refused, a_second_message_may_not_begin_within_one,
      frames_that_are_not_masked_are_refused,
      lengths_that_are_not_written_as_short_as_can_be_are_refused,
      each_way_to_deflate_is_understood, what_can_not_be_inflated_is_refused,
      a_fragment_that_follows_says_not_whether_it_is_deflated)
