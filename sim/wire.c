/* The wire between two sockets of streams. See sockets.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "sim/chance.h"
#include "sim/kernel.h"
#include "sim/sockets.h"
#include "sim/world.h"

static const uint64_t LATENCY_NS = 1000 * 1000;
static const uint64_t CUT_NS = UINT64_C(30) * 1000 * 1000 * 1000;

static void deliver(tr__socket *s);
static void take(tr__socket *s);

/* ---- time ---- */

uint64_t tr__wire_delay(void)
{
    double latency = tr__sim.options.latency;
    uint64_t most_ns = latency == 0 ? LATENCY_NS : latency < 0 ? 0 : (uint64_t)(latency * 1e9);

    return tr__random_next(&tr__sim.network) % (most_ns + 1);
}

static void cut(tr__socket *s)
{
    uint64_t ns = tr__random_next(&tr__sim.network) % CUT_NS;

    s->cut_until_ns = tr__sim_peek_ns() + ns;
    if (s->other != NULL)
        s->other->cut_until_ns = s->cut_until_ns;
    tr__sim_note(TR__SIM_CUT, tr__sim.current, ns);
}

uint64_t tr__wire_arrival(tr__socket *s)
{
    uint64_t now_ns = tr__sim_peek_ns();

    if (s->domain != AF_UNIX && tr__chance(&tr__sim.network, tr__sim.options.partition))
        cut(s);
    return (now_ns > s->cut_until_ns ? now_ns : s->cut_until_ns) + tr__wire_delay();
}

/* ---- sending ---- */

static void on_arrival(tr__arrival *arrival)
{
    deliver(TR__CONTAINER_OF(arrival, tr__socket, out.arrival));
}

static void append(tr__socket *s, tr__piece *piece)
{
    uint64_t at_ns = tr__wire_arrival(s);

    piece->at_ns = at_ns > s->out.last_ns ? at_ns : s->out.last_ns;
    s->out.last_ns = piece->at_ns;
    s->out.bytes += piece->bytes;
    if (s->out.first == NULL) {
        s->out.first = piece;
        tr__arrival_plan(&s->out.arrival, piece->at_ns, on_arrival);
    } else {
        s->out.last->next = piece;
    }
    s->out.last = piece;
}

void tr__wire_send(tr__socket *s, tr__piece_kind kind)
{
    tr__piece *piece = tr__sim_memory(sizeof(*piece));

    piece->kind = kind;
    if (kind != TR__PIECE_CONNECTED)
        s->out.has_ended = true;
    append(s, piece);
}

static void send_piece(tr__socket *s, const char *data, size_t bytes)
{
    tr__piece *piece = tr__sim_memory(sizeof(*piece) + bytes);

    piece->bytes = bytes;
    memcpy(piece->data, data, bytes);
    append(s, piece);
}

/* Some of it comes later, by the seed. */
static void send_bytes(tr__socket *s, const char *data, size_t bytes)
{
    size_t first = bytes;

    if (bytes > 1 && tr__random_next(&tr__sim.network) % 4 == 0)
        first = 1 + (size_t)(tr__random_next(&tr__sim.network) % (bytes - 1));
    send_piece(s, data, first);
    if (first < bytes)
        send_piece(s, data + first, bytes - first);
}

/* Nothing can pass any more, or nobody is there for whom it would. */
static void close_if_done(tr__socket *s)
{
    if (s->out.has_ended && (s->has_end || s->is_closed))
        tr__socket_close_end(s);
}

/* What the program has written; false: there is nothing more, just now or at all. */
static bool take_some(tr__socket *s)
{
    static char buffer[TR__BUFFER_BYTES];
    ssize_t count = tr__kernel_receive(s->end, buffer, s->out.window - s->out.bytes);

    if (count < 0 && errno == EAGAIN)
        return false;
    tr__sim.signalled = true;
    if (count > 0) {
        send_bytes(s, buffer, (size_t)count);
        return true;
    }
    if (count < 0) {
        s->is_closed = true; /* with something unread in it */
        tr__wire_reset(s, 0);
        return false;
    }
    tr__wire_send(s, TR__PIECE_END);
    close_if_done(s);
    return false;
}

static void take(tr__socket *s)
{
    while (s->end >= 0 && s->state == TR__SOCKET_CONNECTED && !s->out.has_ended &&
           s->out.bytes < s->out.window && take_some(s))
        ;
}

/* ---- arriving ---- */

static void drop_first(tr__socket *s)
{
    tr__piece *piece = s->out.first;

    s->out.first = piece->next;
    if (s->out.first == NULL)
        s->out.last = NULL;
    s->out.bytes -= piece->bytes;
    free(piece);
}

void tr__wire_drop(tr__socket *s)
{
    tr__arrival_cancel(&s->out.arrival);
    s->out.is_blocked = false;
    while (s->out.first != NULL)
        drop_first(s);
}

/* Nobody takes it: who has sent it is told. */
static void refuse(tr__socket *to)
{
    if (to->other->state == TR__SOCKET_OVER || to->has_reset)
        return; /* it is known there */
    to->has_reset = true;
    if (to->out.is_blocked)
        tr__wire_drop(to); /* a reset needs no room, and what has none is lost */
    tr__wire_send(to, TR__PIECE_RESET);
}

/* false: there is no room for all of it. */
static bool hand_over_bytes(tr__socket *to, tr__piece *piece)
{
    while (piece->done < piece->bytes && !to->reads_no_more) {
        ssize_t count = to->end < 0 ? -1
                                    : tr__kernel_send(to->end, piece->data + piece->done,
                                                      piece->bytes - piece->done);

        if (count < 0 && to->end >= 0 && errno == EAGAIN)
            return false;
        if (count < 0) {
            refuse(to);
            tr__socket_close_end(to);
            return true;
        }
        piece->done += (size_t)count;
        tr__sim.signalled = true;
    }
    return true;
}

static void hand_over_end(tr__socket *to)
{
    to->has_end = true;
    if (to->end < 0)
        return;
    (void)tr__kernel_shutdown(to->end, SHUT_WR); /* it is connected */
    tr__sim.signalled = true;
    close_if_done(to);
}

static void hand_over_connection(tr__socket *to)
{
    if (to->state != TR__SOCKET_CONNECTS)
        return;
    to->state = TR__SOCKET_CONNECTED;
    tr__socket_unplug(to);
}

static bool hand_over(tr__socket *to, tr__piece *piece)
{
    switch (piece->kind) {
    case TR__PIECE_BYTES:
        return hand_over_bytes(to, piece);
    case TR__PIECE_CONNECTED:
        hand_over_connection(to);
        return true;
    case TR__PIECE_END:
        hand_over_end(to);
        return true;
    default:
        tr__wire_break(to, ECONNRESET);
        return true;
    }
}

static void deliver(tr__socket *s)
{
    uint64_t now_ns = tr__sim_peek_ns();

    while (s->out.first != NULL && s->out.first->at_ns <= now_ns) {
        tr__piece *piece = s->out.first;

        if (!hand_over(s->other, piece)) {
            s->out.is_blocked = true;
            return;
        }
        tr__sim_note(TR__SIM_ARRIVED, NULL, (uint64_t)piece->kind << 32 | piece->bytes);
        drop_first(s);
    }
    if (s->out.first != NULL)
        tr__arrival_plan(&s->out.arrival, s->out.first->at_ns, on_arrival);
    take(s);
}

void tr__wire_touch(tr__socket *s)
{
    take(s);
    if (s->other == NULL || !s->other->out.is_blocked)
        return;
    s->other->out.is_blocked = false;
    deliver(s->other);
}

/* ---- the end ---- */

void tr__wire_break(tr__socket *s, int error)
{
    if (s->state == TR__SOCKET_OVER)
        return;
    s->error = error;
    tr__wire_drop(s);
    tr__socket_close_end(s);
}

void tr__wire_reset(tr__socket *s, int error)
{
    s->error = error;
    if (s->other != NULL)
        refuse(s);
    tr__socket_close_end(s);
}
