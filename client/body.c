/* Bodies of answers, and what becomes of the connection behind them. Chunks are llhttp's, and
 * strict: lines around them end with CR LF, none is folded, and all of that is not much more than
 * what it wraps. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <troupe/task.h>

#include "base/seam.h"
#include "client/exchange.h"

#define NS_PER_S 1e9

enum {
    AT_ONCE = 1024 * 1024,  /* of memory, for what has not come yet */
    AT_A_TIME = 256 * 1024, /* that is decompressed until others may run */
    OF_A_BYTE = 16          /* of wrapping */
};

/* ---- chunks ---- */

/* Up to `end`, what stands around data. In trailers llhttp lets more through. */
static bool is_wrapping_fine(tr__client_conn *conn, const char *end)
{
    for (const char *at = conn->scanned; at < end; at++) {
        bool begins = conn->before == '\n';

        if (*at == '\n' ? conn->before != '\r'
                        : begins && (*at == ' ' || *at == '\t' || *at == ':'))
            return false;
        conn->before = *at;
    }
    return true;
}

static int on_body(llhttp_t *parser, const char *at, size_t bytes)
{
    tr__client_conn *conn = parser->data;

    if (!is_wrapping_fine(conn, at))
        return HPE_USER;
    conn->scanned = at + bytes;
    conn->before = 0;
    memcpy(conn->sink, at, bytes);
    conn->sink += bytes;
    conn->body_bytes += bytes;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED; /* what follows is not this answer's */
}

static const llhttp_settings_t settings = { .on_body = on_body,
                                            .on_message_complete = on_complete };

/* Its head was read before; of all that llhttp would like to know, this is left. */
void tr__body_begin_chunks(tr__client_conn *conn)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    llhttp_init(&conn->parser, HTTP_RESPONSE, &settings);
    conn->parser.data = conn;
    (void)llhttp_execute(&conn->parser, head, sizeof(head) - 1); /* it is one */
    conn->framing = TR__FRAMING_CHUNKED;
    conn->wire_bytes = 0;
    conn->body_bytes = 0;
    conn->before = '\n';
}

/* Decode at most so many bytes of what has come: no more than these can come of them. */
static ssize_t decode(tr__client_conn *conn, char *buffer, size_t bytes)
{
    const char *at = conn->in.bytes + conn->in.begin;
    size_t count = tr__buffer_count(&conn->in) < bytes ? tr__buffer_count(&conn->in) : bytes;
    llhttp_errno_t error;

    conn->sink = buffer;
    conn->scanned = at;
    error = llhttp_execute(&conn->parser, at, count);
    if (error == HPE_PAUSED) {
        count = (size_t)(llhttp_get_error_pos(&conn->parser) - at);
        conn->framing = TR__FRAMING_NONE;
    } else if (error != HPE_OK) {
        return TR_ESYNTAX;
    }
    if (!is_wrapping_fine(conn, at + count))
        return TR_ESYNTAX;
    conn->wire_bytes += count;
    if (conn->wire_bytes >
        2 * conn->room->client->config.head_bytes_most + OF_A_BYTE * conn->body_bytes)
        return TR_ETOOLARGE;
    tr__buffer_take(&conn->in, count);
    return conn->sink - buffer;
}

/* 0: the last chunk has come. */
static ssize_t read_chunked(tr__client_conn *conn, char *buffer, size_t bytes)
{
    while (conn->framing == TR__FRAMING_CHUNKED) {
        ssize_t count = tr__buffer_count(&conn->in) > 0 ? 1 : tr__conn_fill(conn);

        if (count <= 0)
            return count == 0 ? TR_EEND : count;
        count = decode(conn, buffer, bytes);
        if (count != 0)
            return count;
    }
    return 0;
}

/* ---- the other ways ---- */

static ssize_t read_raw(tr__client_conn *conn, char *buffer, size_t bytes)
{
    size_t count = tr__buffer_count(&conn->in);

    if (count == 0)
        return tr_read(conn->io, buffer, bytes);
    if (count > bytes)
        count = bytes;
    memcpy(buffer, conn->in.bytes + conn->in.begin, count);
    tr__buffer_take(&conn->in, count);
    return (ssize_t)count;
}

static ssize_t read_length(tr__client_conn *conn, char *buffer, size_t bytes)
{
    ssize_t count = read_raw(conn, buffer, conn->left < bytes ? (size_t)conn->left : bytes);

    if (count <= 0)
        return count == 0 ? TR_EEND : count;
    conn->left -= (uint64_t)count;
    if (conn->left == 0)
        conn->framing = TR__FRAMING_NONE;
    return count;
}

static ssize_t read_to_end(tr__client_conn *conn, char *buffer, size_t bytes)
{
    ssize_t count = read_raw(conn, buffer, bytes);

    if (count == 0)
        conn->framing = TR__FRAMING_NONE;
    return count;
}

static ssize_t read_framed(tr__client_conn *conn, char *buffer, size_t bytes)
{
    switch (conn->framing) {
    case TR__FRAMING_LENGTH:
        return read_length(conn, buffer, bytes);
    case TR__FRAMING_CHUNKED:
        return read_chunked(conn, buffer, bytes);
    case TR__FRAMING_TO_END:
        return read_to_end(conn, buffer, bytes);
    default:
        return 0;
    }
}

/* ---- reading ---- */

static double seconds_left(const tr_http_reply *reply)
{
    uint64_t now_ns;

    if (reply->due_ns == UINT64_MAX)
        return TR_FOREVER;
    now_ns = tr__now_ns();
    return reply->due_ns > now_ns ? (double)(reply->due_ns - now_ns) / NS_PER_S : 0;
}

ssize_t tr__body_read(tr_http_reply *reply, void *buffer, size_t bytes)
{
    const double seconds = fmin(reply->client->config.read_timeout, seconds_left(reply));
    ssize_t count = 0;
    int rc = 0;

    if (reply->conn->framing == TR__FRAMING_NONE)
        return 0;
    TR_DEADLINE(seconds, &rc) {
        count = read_framed(reply->conn, buffer, bytes);
        rc = count < 0 ? (int)count : 0;
    }
    return rc < 0 ? rc : count;
}

/* Room for a piece more, and the 0 behind all. */
static bool reserve(const tr_http_reply *reply, tr__buffer *body)
{
    const tr__client_conn *conn = reply->conn;
    size_t bytes =
        reply->decoder == NULL && conn->framing == TR__FRAMING_LENGTH && conn->left < AT_ONCE
            ? (size_t)conn->left + 1
            : TR__BODY_PIECE;

    if (body->capacity - body->end >= 2)
        return true;
    if (body->bytes != NULL)
        return tr__buffer_reserve(body, bytes > TR__BODY_PIECE ? bytes : TR__BODY_PIECE);
    body->bytes = tr__alloc(bytes);
    body->capacity = body->bytes != NULL ? bytes : 0;
    return body->bytes != NULL;
}

/* Little that has come can become much: others run meanwhile. */
static int let_others_run(const tr_http_reply *reply, size_t before)
{
    const tr__buffer *body = &reply->body;

    return reply->decoder != NULL && before / AT_A_TIME != body->end / AT_A_TIME ? tr_yield() : 0;
}

int tr__body_read_all(tr_http_reply *reply, size_t most)
{
    tr__buffer *body = &reply->body;
    const tr__client_conn *conn = reply->conn;
    ssize_t count = 1;
    int rc = 0;

    if (reply->decoder == NULL && conn->framing == TR__FRAMING_LENGTH && conn->left > most)
        return TR_ETOOLARGE;
    while (rc == 0 && count > 0 && (reply->decoder != NULL || conn->framing != TR__FRAMING_NONE)) {
        if (!reserve(reply, body))
            return TR_ENOMEM;
        count = tr__decode_read(reply, body->bytes + body->end, body->capacity - body->end - 1);
        if (count < 0)
            return (int)count;
        body->end += (size_t)count;
        if (tr__buffer_count(body) > most)
            return TR_ETOOLARGE;
        rc = let_others_run(reply, body->end - (size_t)count);
    }
    if (rc < 0)
        return rc;
    if (body->bytes != NULL)
        body->bytes[body->end] = 0;
    return 0;
}

/* ---- the end ---- */

void tr__conn_done(tr__client_conn *conn, bool is_clean)
{
    if (is_clean && conn->keeps_alive && conn->framing == TR__FRAMING_NONE)
        tr__conns_give(conn);
    else
        tr__conns_drop(conn);
}

void tr__conn_abandon(tr__client_conn *conn)
{
    bool is_at_hand =
        conn->framing == TR__FRAMING_NONE ||
        (conn->framing == TR__FRAMING_LENGTH && conn->left == tr__buffer_count(&conn->in));

    if (is_at_hand && conn->framing == TR__FRAMING_LENGTH) {
        tr__buffer_take(&conn->in, tr__buffer_count(&conn->in));
        conn->framing = TR__FRAMING_NONE;
    }
    tr__conn_done(conn, is_at_hand);
}
