/* Sending a request. While the server takes nothing, it is listened to: it may have answered that
 * it does not want the rest; or it sends back what it has got, and takes no more before somebody
 * has taken that. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <troupe/task.h>

#include "base/seam.h"
#include "client/exchange.h"
#include "runtime/task.h"

enum { ANSWERS = 1, PIECE_AT = 16 /* the chunk's size, in front of its data */ };

/* ---- waiting for both ways ---- */

typedef struct both {
    tr__wait wait;
    tr__way_waiter in, out;
    tr__ready *ready;
} both;

static void end_both(both *b, int result)
{
    tr__ready_call_off(&b->ready->in, &b->in);
    tr__ready_call_off(&b->ready->out, &b->out);
    tr__wait_end(&b->wait, result);
}

static void on_in(tr__way_waiter *waiter, int result)
{
    end_both(TR__CONTAINER_OF(waiter, both, in), result < 0 ? result : ANSWERS);
}

static void on_out(tr__way_waiter *waiter, int result)
{
    end_both(TR__CONTAINER_OF(waiter, both, out), result);
}

static bool withdraw(tr__wait *wait)
{
    both *b = TR__CONTAINER_OF(wait, both, wait);

    tr__ready_call_off(&b->ready->in, &b->in);
    tr__ready_call_off(&b->ready->out, &b->out);
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    awaited->what = "room for an HTTP request";
    awaited->object = TR__CONTAINER_OF(wait, both, wait)->ready;
}

static const tr__wait_kind kind = { withdraw, describe };

/* 0: there may be room; ANSWERS: there may be something to read. */
static int await_both(tr_io *io)
{
    both b = { .wait = { .kind = &kind, .task = tr__task_here() },
               .in = { on_in },
               .out = { on_out },
               .ready = &io->ready };
    int rc = tr__ready_check(&io->ready);

    if (rc == 0)
        rc = tr__task_checkpoint(tr__task_here());
    if (rc < 0)
        return rc;
    tr__ready_call(&io->ready, &io->ready.in, &b.in);
    tr__ready_call(&io->ready, &io->ready.out, &b.out);
    return tr__wait_suspend(&b.wait);
}

/* Whether what has come so far is no promise of a good answer: 1xx, or 2xx, which the rest of the
 * request may still belong to. */
static bool is_refusal(const tr__client_conn *conn)
{
    enum { CLASS_AT = 9 }; /* of "HTTP/1.1 200" */
    const char *at = conn->in.bytes + conn->in.begin;

    return tr__buffer_count(&conn->in) > CLASS_AT && at[CLASS_AT] != '1' && at[CLASS_AT] != '2';
}

/* Something may be there to be read, though TLS may need it for itself. ANSWERS: nothing more is to
 * be sent. */
static int look_for_answer(tr__client_conn *conn)
{
    ssize_t count;

    if (tr__buffer_count(&conn->in) > conn->ahead_most)
        return ANSWERS;
    if (!tr__conns_lend(conn->room, &conn->in))
        return TR_ENOMEM;
    count = conn->io->kind->try_read(conn->io, conn->in.bytes + conn->in.end,
                                     conn->in.capacity - conn->in.end);
    if (count == -EAGAIN)
        return 0;
    if (count <= 0)
        return count < 0 ? (int)count : conn->is_heard ? ANSWERS : TR_EEND;
    conn->in.end += (size_t)count;
    conn->is_heard = true;
    return is_refusal(conn) ? ANSWERS : 0;
}

static int await_room(tr__client_conn *conn)
{
    const double seconds = conn->room->client->config.write_timeout;
    int rc = 0;

    conn->io->streak = 0;
    TR_DEADLINE(seconds, &rc) {
        while ((rc = await_both(conn->io)) == ANSWERS && (rc = look_for_answer(conn)) == 0)
            ;
    }
    return rc;
}

/* ---- writing ---- */

static int write_parts(tr__client_conn *conn, struct iovec *parts, int count)
{
    tr_io *io = conn->io;
    int rc = 0;

    while (rc == 0 && count > 0) {
        ssize_t written = io->kind->try_write(io, parts, count);

        if (written == -EAGAIN)
            rc = await_room(conn);
        else if (written < 0)
            rc = (int)written;
        for (; count > 0 && written >= 0 && (size_t)written >= parts->iov_len; parts++, count--)
            written -= (ssize_t)parts->iov_len;
        if (count > 0 && written > 0) {
            parts->iov_base = (char *)parts->iov_base + written;
            parts->iov_len -= (size_t)written;
        }
    }
    while (rc == 0 && (rc = io->kind->try_flush(io)) == -EAGAIN)
        rc = await_room(conn);
    return rc;
}

/* Where the server has closed, or resets, it may have said why before. */
static bool may_have_answered(int rc)
{
    return rc == TR_EPIPE || rc == TR_ECONNRESET;
}

static int send_parts(tr__client_conn *conn, struct iovec *parts, int count)
{
    int rc = tr__io_begin_writing(conn->io);

    if (rc < 0)
        return rc;
    return (int)tr__io_end_writing(conn->io, write_parts(conn, parts, count));
}

/* ---- streamed bodies ---- */

/* A chunk's size goes in front of its data, and what ends it behind. */
static int send_piece(tr__client_conn *conn, char *piece, size_t bytes, bool is_chunked)
{
    struct iovec part = { piece + PIECE_AT, bytes };
    char size[PIECE_AT + 1];
    int digits;

    if (is_chunked) {
        digits = snprintf(size, sizeof(size), "%zx\r\n", bytes);
        part.iov_base = piece + PIECE_AT - digits;
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): data follows */
        memcpy(part.iov_base, size, (size_t)digits);
        piece[PIECE_AT + bytes] = '\r';
        piece[PIECE_AT + bytes + 1] = '\n';
        part.iov_len = (size_t)digits + bytes + 2;
    }
    return send_parts(conn, &part, 1);
}

/* 0 when all is out. A source that ends before what it has promised is in error; what it might have
 * beyond that, it is not asked for. */
static int send_pieces(const tr__client_call *call, tr__client_conn *conn, char *piece, size_t room)
{
    const tr_http_call *given = &call->given;
    bool is_chunked = given->source_bytes == 0;
    uint64_t left = given->source_bytes;
    int rc = 0;

    while (rc == 0 && (is_chunked || left > 0)) {
        size_t most = is_chunked || left > room ? room : (size_t)left;
        ssize_t count = given->source(given->source_ctx, piece + PIECE_AT, most);

        if (count > (ssize_t)most || (count == 0 && !is_chunked))
            return TR_EINVAL;
        if (count < 0)
            return (int)count;
        left -= is_chunked ? 0 : (uint64_t)count;
        rc = send_piece(conn, piece, (size_t)count, is_chunked); /* one without data is the last */
        if (count == 0)
            return rc;
    }
    return rc;
}

static int send_source(const tr__client_call *call, tr__client_conn *conn)
{
    tr__buffer block = { 0 };
    int rc = TR_ENOMEM;

    if (tr__conns_lend(conn->room, &block))
        rc = send_pieces(call, conn, block.bytes, block.capacity - PIECE_AT - 2);
    tr__conns_give_block(conn->room, &block);
    return rc;
}

/* ---- all of it ---- */

static int send_all(tr__client_call *call, tr__client_conn *conn, tr__buffer *head)
{
    struct iovec parts[2];
    int rc = tr__request_write(call, head);

    if (rc < 0)
        return rc;
    parts[0] = (struct iovec){ head->bytes + head->begin, tr__buffer_count(head) };
    parts[1] = (struct iovec){ (void *)(uintptr_t)call->body, call->body_bytes };
    rc = send_parts(conn, parts, call->body_bytes > 0 ? 2 : 1);
    if (rc == 0 && call->given.source != NULL)
        rc = send_source(call, conn);
    return rc;
}

int tr__request_send(tr__client_call *call, tr__client_conn *conn)
{
    tr__buffer head = { 0 };
    int rc;

    conn->ahead_most = call->given.body_most + call->client->config.head_bytes_most;
    rc = tr__conns_lend(conn->room, &head) ? send_all(call, conn, &head) : TR_ENOMEM;

    tr__buffer_take(&head, tr__buffer_count(&head));
    tr__conns_give_block(conn->room, &head);
    conn->is_sent = rc == 0;
    return may_have_answered(rc) ? ANSWERS : rc;
}
