/* Answers: what handlers say, and how it goes out. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/seam.h"
#include "http/compress.h"
#include "http/connection.h"
#include "http/cookie.h"
#include "http/header_name.h"
#include "http/response.h"

enum {
    COPIED_MOST = 16 * 1024, /* of a body: a larger one goes out from where it is */
    KEPT = 16 * 1024,        /* of a buffer, for the next answer */
    HIGH = 64 * 1024,        /* that may wait to go out while a handler writes */
    LOW = HIGH / 4,
    NUMBER_BYTES = 24
};

/* ---- what is kept until the end ---- */

static void drop_body(tr_http_response *res)
{
    if (res->taken != NULL && res->drop != NULL)
        res->drop(res->taken);
    res->taken = NULL;
    res->taken_bytes = 0;
    res->body.begin = 0;
    res->body.end = 0;
}

static void shrink(tr__buffer *buffer)
{
    buffer->begin = 0;
    buffer->end = 0;
    if (buffer->capacity > KEPT)
        tr__buffer_free(buffer);
}

void tr__response_clear(tr_http_response *res)
{
    drop_body(res);
    shrink(&res->body);
    shrink(&res->lines);
    res->status = 0;
    res->stage = TR__ANSWER_NONE;
    res->type = NULL;
    res->promised = 0;
    res->is_chunked = false;
    res->written = 0;
    res->compress = NULL;
    tr__encoder_free(res);
}

/* An answer begins, in the place of one that has not gone out. */
int tr__response_begin(tr_http_response *res, int status, const char *type)
{
    if (res == NULL || status < 200 || status > 599)
        return TR_EINVAL;
    if (type != NULL && !tr__header_value_is_valid((tr__slice){ type, strlen(type) }))
        return TR_EINVAL;
    if (res->stage == TR__ANSWER_OUT)
        return TR_EALREADY;
    drop_body(res);
    res->status = status;
    res->stage = TR__ANSWER_WHOLE;
    res->type = type;
    return 0;
}

/* A type that the caller may change afterwards. */
static int copy_type(tr_http_response *res, const char *type)
{
    char *copy;

    if (type == NULL)
        type = "application/octet-stream";
    copy = tr__arena_copy(&tr__request_of(res)->arena, type, strlen(type));
    if (copy == NULL) {
        res->stage = TR__ANSWER_NONE;
        return TR_ENOMEM;
    }
    res->type = copy;
    return 0;
}

static int append_formatted(tr__buffer *body, const char *format, va_list args)
{
    size_t room = body->capacity - body->end;
    va_list again;
    int bytes;

    va_copy(again, args);
    bytes = vsnprintf(room > 0 ? body->bytes + body->end : NULL, room, format, args);
    if (bytes >= 0 && (size_t)bytes >= room) {
        if (!tr__buffer_reserve(body, (size_t)bytes + 1))
            bytes = TR_ENOMEM;
        else
            bytes = vsnprintf(body->bytes + body->end, (size_t)bytes + 1, format, again);
    }
    va_end(again);
    if (bytes < 0)
        return bytes == TR_ENOMEM ? TR_ENOMEM : TR_EINVAL;
    body->end += (size_t)bytes;
    return 0;
}

int tr__response_settle(tr_http_response *res, int rc)
{
    if (rc < 0) {
        drop_body(res);
        res->stage = TR__ANSWER_NONE;
    }
    return rc;
}

int tr_http_text(tr_http_response *res, int status, const char *format, ...)
{
    int rc =
        format == NULL ? TR_EINVAL : tr__response_begin(res, status, "text/plain; charset=utf-8");
    va_list args;

    if (rc < 0)
        return rc;
    va_start(args, format);
    rc = append_formatted(&res->body, format, args);
    va_end(args);
    return tr__response_settle(res, rc);
}

int tr_http_send(tr_http_response *res, int status, const char *type, const void *data,
                 size_t bytes)
{
    int rc = data == NULL && bytes > 0 ? TR_EINVAL : tr__response_begin(res, status, type);

    if (rc < 0)
        return rc;
    rc = copy_type(res, type);
    if (rc == 0 && !tr__buffer_reserve(&res->body, bytes))
        rc = TR_ENOMEM;
    if (rc == 0 && bytes > 0)
        memcpy(res->body.bytes, data, bytes);
    if (rc == 0)
        res->body.end = bytes;
    return tr__response_settle(res, rc);
}

int tr_http_send_taken(tr_http_response *res, int status, const char *type, void *data,
                       size_t bytes, void (*drop)(void *data))
{
    int rc = data == NULL && bytes > 0 ? TR_EINVAL : tr__response_begin(res, status, type);

    if (rc == 0)
        rc = tr__response_settle(res, copy_type(res, type));
    if (rc < 0) {
        if (drop != NULL && data != NULL)
            drop(data);
        return rc;
    }
    res->taken = data;
    res->taken_bytes = bytes;
    res->drop = drop;
    return 0;
}

int tr_http_status(tr_http_response *res, int status)
{
    return tr__response_begin(res, status, NULL);
}

int tr_http_redirect(tr_http_response *res, int status, const char *location)
{
    int rc = location == NULL || (status != 0 && (status < 300 || status > 399))
                 ? TR_EINVAL
                 : tr__response_begin(res, status != 0 ? status : 303, NULL);

    return rc < 0 ? rc : tr__response_settle(res, tr_http_set_header(res, "Location", location));
}

/* ---- problem documents ---- */

/* As a string of JSON. What is no UTF-8 goes out as it is: it came from the program. */
bool tr__append_escaped(tr__buffer *body, const char *text)
{
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;

        if (!tr__buffer_reserve(body, 8))
            return false;
        if (c == '"' || c == '\\')
            body->bytes[body->end++] = '\\';
        if (c < ' ')
            body->end += (size_t)sprintf(body->bytes + body->end, "\\u%04x", c);
        else
            body->bytes[body->end++] = (char)c;
    }
    return true;
}

bool tr__append_text(tr__buffer *body, const char *text)
{
    size_t bytes = strlen(text);

    if (!tr__buffer_reserve(body, bytes))
        return false;
    memcpy(body->bytes + body->end, text, bytes);
    body->end += bytes;
    return true;
}

static int write_problem(tr_http_response *res, int status, const char *detail)
{
    char number[NUMBER_BYTES];
    int rc = tr__response_begin(res, status, "application/problem+json");

    if (rc < 0)
        return rc;
    (void)snprintf(number, sizeof(number), "%d", status);
    if (!tr__append_text(&res->body, "{\"title\":\"") ||
        !tr__append_escaped(&res->body, tr__status_text(status)) ||
        !tr__append_text(&res->body, "\",\"status\":") || !tr__append_text(&res->body, number) ||
        !tr__append_text(&res->body, ",\"detail\":\"") || !tr__append_escaped(&res->body, detail) ||
        !tr__append_text(&res->body, "\"}\n"))
        rc = TR_ENOMEM;
    return tr__response_settle(res, rc);
}

int tr_http_problem(tr_http_response *res, int status, const char *format, ...)
{
    char detail[512];
    va_list args;

    if (format == NULL)
        return TR_EINVAL;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args); /* a sentence: it is cut where it must */
    va_end(args);
    return write_problem(res, status, detail);
}

/* ---- headers ---- */

static bool is_own(tr__slice name)
{
    static const char *const own[] = { "Content-Length", "Transfer-Encoding", "Connection", "Date",
                                       "Content-Type" };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (tr__slice_is_ignoring_case(name, own[i]))
            return true;
    return false;
}

/* The line of a name in what is to go out; NULL. *bytes: of the line. */
static char *find_line(const tr_http_response *res, tr__slice name, size_t *bytes)
{
    const tr__buffer *lines = &res->lines;
    char *at = tr__buffer_count(lines) > 0 ? lines->bytes + lines->begin : NULL;
    char *end = tr__buffer_count(lines) > 0 ? lines->bytes + lines->end : NULL;

    while (at != end) {
        char *next = (char *)memchr(at, '\n', (size_t)(end - at)) + 1; /* each line has one */

        if ((size_t)(next - at) > name.bytes && at[name.bytes] == ':' &&
            strncasecmp(at, name.at, name.bytes) == 0) {
            *bytes = (size_t)(next - at);
            return at;
        }
        at = next;
    }
    return NULL;
}

static void remove_lines(tr_http_response *res, tr__slice name)
{
    size_t bytes;
    char *at;

    while ((at = find_line(res, name, &bytes)) != NULL) {
        char *end = res->lines.bytes + res->lines.end;

        memmove(at, at + bytes, (size_t)(end - at - (ptrdiff_t)bytes));
        res->lines.end -= bytes;
    }
}

void tr__response_forget_content(tr_http_response *res)
{
    static const char *const names[] = { "Content-Encoding",    "Content-Range", "Content-Language",
                                         "Content-Disposition", "ETag",          "Last-Modified" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove_lines(res, (tr__slice){ names[i], strlen(names[i]) });
}

static int check_line(const tr_http_response *res, const char *name, const char *value)
{
    if (res == NULL || name == NULL ||
        !tr__header_name_is_valid((tr__slice){ name, strlen(name) }) ||
        is_own((tr__slice){ name, strlen(name) }))
        return TR_EINVAL;
    if (value != NULL && !tr__header_value_is_valid((tr__slice){ value, strlen(value) }))
        return TR_EINVAL;
    return res->stage == TR__ANSWER_OUT ? TR_EALREADY : 0;
}

static char *put(char *at, const char *data, size_t bytes)
{
    memcpy(at, data, bytes);
    return at + bytes;
}

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

static int append_line(tr_http_response *res, const char *name, const char *value)
{
    size_t name_bytes = strlen(name);
    size_t value_bytes = strlen(value);
    char *at;

    if (!tr__buffer_reserve(&res->lines, name_bytes + value_bytes + 4))
        return TR_ENOMEM;
    at = res->lines.bytes + res->lines.end;
    at = put(at, name, name_bytes);
    at = PUT(at, ": ");
    at = put(at, value, value_bytes);
    (void)PUT(at, "\r\n");
    res->lines.end += name_bytes + value_bytes + 4;
    return 0;
}

int tr_http_set_header(tr_http_response *res, const char *name, const char *value)
{
    int rc = check_line(res, name, value);

    if (rc < 0)
        return rc;
    remove_lines(res, (tr__slice){ name, strlen(name) });
    return value != NULL ? append_line(res, name, value) : 0;
}

int tr_http_add_header(tr_http_response *res, const char *name, const char *value)
{
    int rc = value == NULL ? TR_EINVAL : check_line(res, name, value);

    return rc < 0 ? rc : append_line(res, name, value);
}

tr__slice tr__response_header(const tr_http_response *res, const char *name)
{
    size_t name_bytes = strlen(name);
    size_t bytes;
    const char *line = tr__buffer_count(&res->lines) > 0
                           ? find_line(res, (tr__slice){ name, name_bytes }, &bytes)
                           : NULL;

    if (line == NULL)
        return (tr__slice){ NULL, 0 };
    return (tr__slice){ line + name_bytes + 2, bytes - name_bytes - 4 };
}

const char *tr_http_answer_header(const tr_http_response *res, const char *name)
{
    tr_http_request *req;
    const char *copy;
    tr__slice value;

    if (res == NULL || name == NULL)
        return NULL;
    if (strcasecmp(name, "Content-Type") == 0)
        return res->type;
    value = tr__response_header(res, name);
    if (value.at == NULL)
        return NULL;
    req = tr__request_of((tr_http_response *)(uintptr_t)res);
    copy = tr__arena_copy(&req->arena, value.at, value.bytes);
    return copy != NULL ? copy : tr__request_lose(req, TR_ENOMEM);
}

/* ---- the head, as it goes out ---- */

typedef struct status_line {
    int status;
    const char *text;
} status_line;

static const status_line statuses[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 499, "Client Closed Request" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

const char *tr__status_text(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return status < 300   ? "Success"
           : status < 400 ? "Redirection"
           : status < 500 ? "Client Error"
                          : "Server Error";
}

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

    at = PUT(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, text, strlen(text));
    return PUT(at, "\r\n");
}

/* The longest of what put_head writes, but for texts of any length. */
enum { HEAD_BYTES = 512 };

static char *put_framing(char *at, const tr_http_response *res, int64_t bytes, bool is_last)
{
    const tr_http_request *req = TR__CONTAINER_OF(res, tr_http_request, res);

    if (res->is_chunked) {
        at = PUT(at, "Transfer-Encoding: chunked\r\n");
    } else if (bytes >= 0 && !tr__status_is_bare(res->status)) {
        at = PUT(at, "Content-Length: ");
        at = put_number(at, (uint64_t)bytes);
        at = PUT(at, "\r\n");
    }
    if (is_last)
        at = PUT(at, "Connection: close\r\n");
    else if (req->parser.http_minor == 0)
        at = PUT(at, "Connection: keep-alive\r\n");
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
    at = put(at, date.at, date.bytes);
    if (name != NULL) {
        at = PUT(at, "Server: ");
        at = put(at, name, name_bytes);
        at = PUT(at, "\r\n");
    }
    if (res->type != NULL) {
        at = PUT(at, "Content-Type: ");
        at = put(at, res->type, type_bytes);
        at = PUT(at, "\r\n");
    }
    at = put_framing(at, res, bytes, conn->is_last);
    if (lines > 0)
        at = put(at, res->lines.bytes + res->lines.begin, lines);
    at = PUT(at, "\r\n");
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

static void free_block(void *data)
{
    tr__free(data);
}

void tr__response_replace_body(tr_http_response *res, void *data, size_t bytes)
{
    drop_body(res);
    res->taken = data;
    res->taken_bytes = bytes;
    res->drop = free_block;
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
        tr__conn_put_tail(conn, res->body.bytes, bytes, free_block);
        res->body = (tr__buffer){ 0 };
    }
    return true;
}

/* ---- piece by piece ---- */

int tr_http_begin(tr_http_response *res, int status, const char *type, int64_t bytes)
{
    int rc = bytes < -1 ? TR_EINVAL : tr__response_begin(res, status, type);

    if (rc == 0)
        rc = tr__response_settle(res, copy_type(res, type));
    if (rc < 0)
        return rc;
    res->stage = TR__ANSWER_BEGUN;
    res->promised = bytes;
    return 0;
}

static bool put_begun(tr_http_response *res)
{
    tr_http_request *req = tr__request_of(res);

    tr__encoder_begin(res);
    decide_last(req);
    if (res->encoder != NULL)
        res->promised = -1; /* nobody knows how short it becomes */
    if (res->promised < 0 && tr__status_is_bare(res->status))
        ; /* it ends with its head */
    else if (res->promised < 0 && req->parser.http_minor > 0)
        res->is_chunked = true;
    else if (res->promised < 0)
        req->conn->is_last = true; /* it ends where the connection does */
    res->stage = TR__ANSWER_OUT;
    return put_head(res, res->promised);
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
    at = put(at, data, bytes);
    if (res->is_chunked)
        at = PUT(at, "\r\n");
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

    if (write_problem(res, req->refusal, req->reason) < 0)
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

/* ---- cookies ---- */

int tr__http_set_cookie(tr_http_response *res, const char *name, const char *value,
                        const tr_http_cookie_options *options, size_t options_size)
{
    tr_http_cookie_options all = { 0 };
    tr__cookie_options inside;
    char *text;
    int rc;

    if (res == NULL || name == NULL || value == NULL || options_size > sizeof(all))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(&all, options, options_size);
    inside = (tr__cookie_options){
        .path = all.path,
        .domain = all.domain,
        .max_age = all.max_age,
        .is_script_seen = all.is_script_seen,
        .is_insecure = all.is_insecure,
        .is_partitioned = all.is_partitioned,
        .same_site = all.same_site,
    };
    text = tr__arena_take(&tr__request_of(res)->arena, TR__COOKIE_BYTES); /* too much for a stack */
    if (text == NULL)
        return TR_ENOMEM;
    rc = tr__cookie_format(name, value, &inside, tr_http_is_secure(tr__request_of(res)), text,
                           TR__COOKIE_BYTES);
    return rc < 0 ? rc : tr_http_add_header(res, "Set-Cookie", text);
}
