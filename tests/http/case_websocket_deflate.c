/* Compressed messages that are more than they should be, or none: they are refused, in bounded
 * memory. */
#include "http/deflate.h"
#include "http/echoes.h"

enum { MOST = 16 * 1024 }; /* of a message */

static const tr_ws_options options = { .message_most = MOST, .close_within = TR_FOREVER };
static const char deflate[] = "Sec-WebSocket-Extensions: permessage-deflate; "
                              "server_no_context_takeover\r\n";

/* A bomb: fewer bytes than a message may have, and 64 times as many when they are inflated. */
typedef struct bomb {
    tr__buffer data;
    size_t fragment; /* bytes of each */
} bomb;

static void make_bomb(bomb *b, size_t fragment)
{
    size_t bytes = (size_t)64 * MOST;
    char *zeros = calloc(1, bytes);

    *b = (bomb){ .fragment = fragment };
    EXPECT(zeros != NULL && tr__deflate_message((tr__slice){ zeros, bytes }, &b->data) == 0);
    EXPECT(tr__buffer_count(&b->data) < MOST);
    free(zeros);
}

static void throw_bomb(tr_io *io, bomb *b, void (*put)(tr_io *, int, const void *, size_t))
{
    size_t left = tr__buffer_count(&b->data);

    for (size_t at = 0; left > 0; at += b->fragment) {
        size_t bytes = left < b->fragment ? left : b->fragment;

        left -= bytes;
        put(io, (left == 0 ? FIN : 0) | (at == 0 ? RSV1 | BINARY : CONTINUATION),
            b->data.bytes + at, bytes);
    }
    tr__buffer_free(&b->data);
}

static void bomb_server(size_t fragment)
{
    echoes e;
    tr_io *io;
    bomb b;

    make_bomb(&b, fragment);
    begin_echoes(&e, &options);
    io = raw_open(&e.s, "/echo", deflate);
    throw_bomb(io, &b, raw_put);
    raw_expect_goodbye(io, 1009);
    expect_end(io);
    raw_close(io);
    end_echoes(&e, TR_ETOOLARGE);
}

CASE(a_bomb_is_refused)
{
    bomb_server(MOST);
}

CASE(a_bomb_in_small_fragments_is_refused)
{
    bomb_server(13);
}

static void throw_at_client(tr_io *io, void *arg)
{
    raw_shake(io, deflate);
    throw_bomb(io, arg, raw_tell);
    raw_expect_masked_goodbye(io, 1009);
    expect_end(io);
}

CASE(a_client_refuses_bombs)
{
    static const size_t fragments[] = { MOST, 13 };

    for (size_t i = 0; i < 2; i++) {
        bomb b;

        make_bomb(&b, fragments[i]);
        receive_from(throw_at_client, &b, &options, NULL, TR_ETOOLARGE);
    }
}

/* Bytes that are no deflated text, nor by chance. */
static void make_garbage(uint32_t seed, char garbage[40])
{
    for (size_t i = 0; i < 40; i++) {
        seed = seed * 1664525 + 1013904223;
        garbage[i] = (char)(seed >> 24);
    }
}

CASE(garbage_in_the_place_of_deflated_text_is_refused)
{
    for (uint32_t i = 0; i < 10; i++) {
        char garbage[40];
        echoes e;
        tr_io *io;

        make_garbage(i, garbage);
        begin_echoes(&e, &options);
        io = raw_open(&e.s, "/echo", deflate);
        raw_put(io, RSV1 | TEXT, garbage, 10);
        raw_put(io, FIN | CONTINUATION, garbage + 10, sizeof(garbage) - 10);
        raw_expect_goodbye(io, 1007);
        expect_end(io);
        raw_close(io);
        end_echoes(&e, TR_ESYNTAX);
    }
}

CASES("websocket_deflate", a_bomb_is_refused, a_bomb_in_small_fragments_is_refused,
      a_client_refuses_bombs, garbage_in_the_place_of_deflated_text_is_refused)
