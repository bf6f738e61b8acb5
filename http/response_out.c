/* Answers, as they go out: whole, or piece by piece. */
#include <stdio.h>
#include <string.h>

#include "http/compress.h"
#include "http/connection.h"
#include "http/response.h"

enum {
    COPIED_MOST = 16 * 1024, /* of a body: a larger one goes out from where it is */
    HIGH = 64 * 1024,        /* that may wait to go out while a handler writes */
    LOW = HIGH / 4,
    NUMBER_BYTES = 24
};

/* ---- the head, as it goes out ---- */

static char *put_number(char *at, uint64_t number)
{
    char digits[NUMBER_BYTES];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *put_status(char *at, int status)
{
    const char *text = tr__status_text(status);

    at = TR__PUT(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = tr__put(at, text, strlen(text));
    return TR__PUT(at, "\r\n");
}

/* The longest of what put_head writes, but for texts of any length. */
enum { HEAD_BYTES = 512 };

static char *put_framing(char *at, const tr_http_response *res, int64_t bytes, bool is_last)
{
    const tr_http_request *req = TR__CONTAINER_OF(res, tr_http_request, res);

    if (res->is_chunked) {
        at = TR__PUT(at, "Transfer-Encoding: chunked\r\n");
    } else if (bytes >= 0 && !tr__status_is_bare(res->status)) {
        at = TR__PUT(at, "Content-Length: ");
        at = put_number(at, (uint64_t)bytes);
        at = TR__PUT(at, "\r\n");
    }
    if (is_last)
        at = TR__PUT(at, "Connection: close\r\n");
    else if (req->parser.http_minor == 0)
        at = TR__PUT(at, "Connection: keep-alive\r\n");
    return at;
}

/* bytes: of the body; -1: not known. false: out of memory. */
static bool put_head(tr_http_response *res, int64_t bytes)
{
    tr__http_conn *conn = tr__request_of(res)->conn;
    const char *name = conn->worker->server->config.server_name;
    tr__slice date = tr__worker_date(conn->worker);
    size_t lines = tr__buffer_count(&res->lines);
    size_t type_bytes = res->type != NULL ? strlen(res->type) : 0;
    size_t name_bytes = name != NULL ? strlen(name) : 0;
    char *begin = tr__conn_room(conn, HEAD_BYTES + lines + type_bytes + name_bytes);
    char *at = begin;

    if (begin == NULL)
        return false;
    at = put_status(at, res->status);
    at = tr__put(at, date.at, date.bytes);
    if (name != NULL) {
        at = TR__PUT(at, "Server: ");
        at = tr__put(at, name, name_bytes);
        at = TR__PUT(at, "\r\n");
    }
    if (res->type != NULL) {
        at = TR__PUT(at, "Content-Type: ");
        at = tr__put(at, res->type, type_bytes);
        at = TR__PUT(at, "\r\n");
    }
    at = put_framing(at, res, bytes, conn->is_last);
    if (lines > 0)
        at = tr__put(at, res->lines.bytes + res->lines.begin, lines);
    at = TR__PUT(at, "\r\n");
    tr__conn_put(conn, (size_t)(at - begin));
    return true;
}

/* ---- a whole answer ---- */

/* HEADS has been read as HEAD up to where it was refused. */
static bool is_head_request(const tr_http_request *req)
{
    return req->parser.method == HTTP_HEAD && req->target.bytes > 0;
}

/* Whether nothing goes out behind the head of an answer, whatever was given. */
static bool is_bodiless(const tr_http_response *res)
{
    return is_head_request(TR__CONTAINER_OF(res, tr_http_request, res)) ||
           tr__status_is_bare(res->status);
}

/* Whether the connection may serve another request after this one. A server that drains still
 * answers what has come. */
static void decide_last(tr_http_request *req)
{
    tr__http_conn *conn = req->conn;
    const tr__http_worker *worker = conn->worker;

    if (!llhttp_should_keep_alive(&req->parser) ||
        (worker->is_draining && (worker->is_closing || !tr__conn_has_more(conn))))
        conn->is_last = true;
}

static bool put_body(tr_http_response *res, const char *data, size_t bytes)
{
    tr__http_conn *conn = tr__request_of(res)->conn;
    char *room = tr__conn_room(conn, bytes);

    if (room == NULL)
        return false;
    memcpy(room, data, bytes);
    tr__conn_put(conn, bytes);
    return true;
}

/* Small bodies are copied behind their heads; large ones go out from where they are. */
static bool put_whole(tr_http_response *res)
{
    tr__http_conn *conn = tr__request_of(res)->conn;
    bool is_taken = res->taken != NULL;
    size_t bytes = is_taken ? res->taken_bytes : tr__buffer_count(&res->body);

    res->written = bytes;
    if (!put_head(res, (int64_t)bytes))
        return false;
    if (bytes == 0 || is_bodiless(res))
        return true;
    if (bytes <= COPIED_MOST)
        return put_body(res, is_taken ? res->taken : res->body.bytes, bytes);
    if (is_taken) {
        tr__conn_put_tail(conn, res->taken, bytes, res->drop);
        res->taken = NULL;
    } else {
        tr__conn_put_tail(conn, res->body.bytes, bytes, tr__response_free_block);
        res->body = (tr__buffer){ 0 };
    }
    return true;
}

/* ---- piece by piece ---- */

static bool put_begun(tr_http_response *res)
{
    tr_http_request *req = tr__request_of(res);
    int64_t length;

    tr__encoder_begin(res);
    decide_last(req);
    /* How short it becomes, nobody knows; what was promised of it has to come all the same. */
    length = res->encoder != NULL ? -1 : res->promised;
    if (length < 0 && tr__status_is_bare(res->status))
        ; /* it ends with its head */
    else if (length < 0 && req->parser.http_minor > 0)
        res->is_chunked = true;
    else if (length < 0)
        req->conn->is_last = true; /* it ends where the connection does */
    res->stage = TR__ANSWER_OUT;
    return put_head(res, length);
}

static bool put_piece(tr_http_response *res, const char *data, size_t bytes)
{
    tr__http_conn *conn = tr__request_of(res)->conn;
    char *begin = tr__conn_room(conn, bytes + NUMBER_BYTES);
    char *at = begin;

    if (begin == NULL)
        return false;
    if (res->is_chunked)
        at += sprintf(at, "%zx\r\n", bytes);
    at = tr__put(at, data, bytes);
    if (res->is_chunked)
        at = TR__PUT(at, "\r\n");
    tr__conn_put(conn, (size_t)(at - begin));
    return true;
}

static bool put_data(tr_http_response *res, const char *data, size_t bytes)
{
    if (res->encoder != NULL)
        return tr__encode(res, data, bytes, TR__ENCODE_MORE, put_piece);
    return put_piece(res, data, bytes);
}

int tr__response_count(tr_http_response *res, size_t bytes)
{
    if (res->stage != TR__ANSWER_BEGUN && res->stage != TR__ANSWER_OUT)
        return TR_EWRONGPLACE;
    if (tr__request_of(res)->conn->is_detached)
        return TR_EPIPE;
    if (res->promised >= 0 && bytes > (uint64_t)res->promised - res->written)
        return TR_ETOOLARGE;
    if (tr__request_of(res)->conn->is_broken)
        return TR_EPIPE;
    if (res->stage == TR__ANSWER_BEGUN && !put_begun(res))
        return TR_ENOMEM;
    res->written += bytes;
    return is_bodiless(res) ? 0 : 1;
}

int tr_http_write(tr_http_response *res, const void *data, size_t bytes)
{
    enum { PIECE = 16 * 1024 };
    const char *at = data;
    tr__http_conn *conn;
    int rc;

    if (res == NULL || (data == NULL && bytes > 0))
        return TR_EINVAL;
    rc = tr__response_count(res, bytes);
    if (rc <= 0)
        return rc;
    conn = tr__request_of(res)->conn;
    rc = 0;
    while (rc == 0 && bytes > 0) {
        size_t some = bytes < PIECE ? bytes : PIECE;

        if (!put_data(res, at, some))
            return TR_ENOMEM;
        at += some;
        bytes -= some;
        if (tr__conn_unsent(conn) >= HIGH)
            rc = tr__conn_flush(conn, LOW);
    }
    return rc;
}

bool tr__response_takes_files(tr_http_response *res)
{
    return res->promised >= 0 && res->encoder == NULL && tr__request_of(res)->conn->tls == NULL;
}

int tr__response_put_file(tr_http_response *res, tr__file_pipe *pipe)
{
    int rc = tr__response_count(res, pipe->held);

    return rc > 0 ? tr__conn_send_file(tr__request_of(res)->conn, pipe) : rc;
}

int tr_http_flush(tr_http_response *res)
{
    if (res == NULL)
        return TR_EINVAL;
    if (res->stage != TR__ANSWER_BEGUN && res->stage != TR__ANSWER_OUT)
        return TR_EWRONGPLACE;
    if (tr__request_of(res)->conn->is_detached)
        return TR_EPIPE;
    if (res->stage == TR__ANSWER_BEGUN && !put_begun(res))
        return TR_ENOMEM;
    if (res->encoder != NULL && !is_bodiless(res) &&
        !tr__encode(res, NULL, 0, TR__ENCODE_FLUSH, put_piece))
        return TR_ENOMEM;
    return tr__conn_flush(tr__request_of(res)->conn, 0);
}

/* A piecewise answer ends; one that fails half-way is cut, so that the client notices. */
static bool end_pieces(tr_http_response *res, bool is_lost)
{
    if (res->stage == TR__ANSWER_BEGUN && !put_begun(res))
        return false;
    if (is_lost ||
        (res->promised >= 0 && res->written < (uint64_t)res->promised && !is_bodiless(res)))
        return false;
    if (is_bodiless(res))
        return true;
    if (res->encoder != NULL && !tr__encode(res, NULL, 0, TR__ENCODE_END, put_piece))
        return false;
    return !res->is_chunked || put_body(res, "0\r\n\r\n", 5);
}

/* ---- the end ---- */

void tr__response_finish(tr_http_response *res, bool is_lost)
{
    tr_http_request *req = tr__request_of(res);
    bool is_out;

    if (req->conn->is_detached || req->conn->is_broken)
        return;
    if (res->stage == TR__ANSWER_BEGUN || res->stage == TR__ANSWER_OUT) {
        is_out = end_pieces(res, is_lost);
    } else {
        if (res->stage == TR__ANSWER_NONE) /* without memory for its error */
            (void)tr__response_begin(res, 500, NULL);
        decide_last(req);
        if (!req->is_complete) /* what was not read stands in the way */
            req->conn->is_last = true;
        is_out = put_whole(res);
    }
    if (!req->is_complete)
        req->conn->is_last = true;
    if (!is_out)
        req->conn->is_broken = true;
}

void tr__response_refuse(tr_http_request *req)
{
    tr_http_response *res = &req->res;

    if (tr_http_problem(res, req->refusal, "%s", req->reason) < 0)
        (void)tr_http_status(res, req->refusal); /* without memory, so without a sentence */
    (void)put_whole(res);                        /* or closed without an answer */
}

int tr_http_answer_status(const tr_http_response *res)
{
    return res != NULL ? res->status : 0;
}

uint64_t tr_http_answer_bytes(const tr_http_response *res)
{
    if (res == NULL)
        return 0;
    if (res->stage != TR__ANSWER_WHOLE)
        return res->written;
    return res->taken != NULL ? res->taken_bytes : tr__buffer_count(&res->body);
}
