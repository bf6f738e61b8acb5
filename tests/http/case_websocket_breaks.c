/* Connections of WebSockets that break off wherever they stand: reset, or without another word. */
#include <sys/socket.h>

#include "http/echoes.h"

static const tr_ws_options patient = { .close_within = TR_FOREVER, .ping_every = -1 };

/* When it is closed, it is reset. */
static void set_resets(tr_io *io)
{
    struct linger at_once = { 1, 0 };

    EXPECT(setsockopt(tr_io_fd(io), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
}

static void await_handler(const echoes *e)
{
    while (e->ws == NULL)
        EXPECT(tr_sleep(0.001) == 0);
}

/* A message, one in two fragments, and a ping within. */
static const char frames[] = "\x81\x84\0\0\0\0here"
                             "\x01\x83\0\0\0\0the"
                             "\x89\x81\0\0\0\0?"
                             "\x80\x83\0\0\0\0re ";

enum { WHOLE = 10 }; /* bytes of the first, whose echo may come too late */

static void break_off_after(size_t bytes, void (*break_off)(tr_io *io), int met)
{
    echoes e;
    tr_io *io;

    begin_echoes(&e, &patient);
    io = raw_open(&e.s, "/echo", "");
    await_handler(&e);
    EXPECT(tr_write_all(io, frames, bytes) == 0);
    EXPECT(tr_sleep(0.001) == 0);
    break_off(io);
    while (e.ws != NULL)
        EXPECT(tr_sleep(0.001) == 0);
    end_service(&e.s);
    EXPECT(e.end == met || (bytes >= WHOLE && e.end == TR_EPIPE));
}

static void reset(tr_io *io)
{
    set_resets(io);
    raw_close(io);
}

CASE(a_client_may_be_reset_after_each_byte)
{
    for (size_t i = 0; i < sizeof(frames); i++)
        break_off_after(i, reset, TR_ECONNRESET);
}

static void end_half(tr_io *io)
{
    char bytes[64];

    EXPECT(tr_close_write(io) == 0);
    while (tr_read(io, bytes, sizeof(bytes)) > 0)
        ;
    raw_close(io);
}

CASE(a_client_may_end_after_each_byte)
{
    for (size_t i = 0; i < sizeof(frames); i++)
        break_off_after(i, end_half, TR_EEND);
}

/* What the server has told before it breaks off; whole says so far the client has heard. */
typedef struct breach {
    size_t bytes;
    bool resets;
} breach;

static void break_off(tr_io *io, void *arg)
{
    static const char cut[] = "\x01\x02he\x80\x05llo";
    const breach *b = arg;

    raw_shake(io, "");
    raw_tell(io, FIN | TEXT, "whole", 5);
    raw_tell(io, FIN | PING, "", 0);
    raw_expect_masked(io, FIN | PONG, "");
    EXPECT(tr_write_all(io, cut, b->bytes) == 0);
    if (b->resets)
        set_resets(io);
}

CASE(a_server_may_break_off_after_each_byte)
{
    for (size_t i = 0; i < 9; i++) {
        breach ends = { .bytes = i };
        breach resets = { .bytes = i, .resets = true };

        receive_from(break_off, &ends, &patient, "whole", TR_EEND);
        receive_from(break_off, &resets, &patient, "whole", TR_ECONNRESET);
    }
}

CASES("websocket_breaks", a_client_may_be_reset_after_each_byte, a_client_may_end_after_each_byte,
      a_server_may_break_off_after_each_byte)
