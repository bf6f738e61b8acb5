/* Requests, as llhttp reads them, and what it lets through although RFC 9112 does not: folded
 * headers, a Host that is missing or there twice, framing that may be read in two ways. */
#include <string.h>

#include "base/seam.h"
#include "http/connection.h"
#include "http/host.h"
#include "http/message.h"
#include "http/route.h"

static int refuse(tr_http_request *req, int status, const char *reason)
{
    if (req->refusal == 0) {
        req->refusal = status;
        req->reason = reason;
    }
    return HPE_USER;
}

/* A piece goes on, or begins. false: what stands between is no part of it. */
static bool extend(const tr_http_request *req, tr__span *span, const char *at, size_t bytes)
{
    uint32_t offset = (uint32_t)(at - tr__request_head(req));

    if (span->bytes == 0) {
        *span = (tr__span){ offset, (uint32_t)bytes };
        return true;
    }
    if (span->at + span->bytes != offset)
        return false;
    span->bytes += (uint32_t)bytes;
    return true;
}

/* ---- what llhttp calls ---- */

static int on_target(llhttp_t *parser, const char *at, size_t bytes)
{
    tr_http_request *req = parser->data;

    req->last = TR__PIECE_TARGET;
    (void)extend(req, &req->target, at, bytes); /* a target has no gaps */
    if (req->target.bytes > req->conn->worker->server->config.target_most)
        return refuse(req, 414, "the URL is too long");
    return 0;
}

/* What a header means to the framing, once its value is whole. */
static int note_line(tr_http_request *req, uint32_t number)
{
    const tr__http_line *line = &req->lines[number];
    tr__slice name = { tr__request_head(req) + line->name.at, line->name.bytes };
    tr__known known = tr__header_known(name);

    if (known == TR__KNOWN_NONE)
        return 0;
    if (req->known[known] == 0)
        req->known[known] = (uint8_t)(number + 1);
    else if (known == TR__KNOWN_HOST)
        return refuse(req, 400, "there is more than one Host");
    else if (known == TR__KNOWN_CONTENT_LENGTH)
        return refuse(req, 400, "there is more than one Content-Length");
    else if (known == TR__KNOWN_TRANSFER_ENCODING)
        return refuse(req, 400, "there is more than one Transfer-Encoding");
    return 0;
}

/* What stands in front of a value llhttp has left out, but not what stands behind. */
static void trim(const tr_http_request *req, tr__span *value)
{
    const char *at = tr__request_head(req) + value->at;

    while (value->bytes > 0 && (at[value->bytes - 1] == ' ' || at[value->bytes - 1] == '\t'))
        value->bytes--;
}

/* Whether a value that is empty goes on in a line that is empty, too. */
static bool is_folded(const tr_http_request *req, const tr__http_line *line)
{
    const char *end = rawmemchr(tr__request_head(req) + line->name.at, '\n');

    return end[1] == ' ' || end[1] == '\t';
}

static int end_line(tr_http_request *req)
{
    tr__http_line *line;

    if (req->last != TR__PIECE_VALUE)
        return 0;
    line = &req->lines[req->line_count - 1];
    if (line->name.bytes == 0)
        return refuse(req, 400, "a header has no name");
    if (line->value.bytes == 0 && is_folded(req, line))
        return refuse(req, 400, "a header goes on in another line");
    trim(req, &line->value);
    return note_line(req, req->line_count - 1);
}

static int on_name(llhttp_t *parser, const char *at, size_t bytes)
{
    tr_http_request *req = parser->data;

    if (req->has_head)
        return 0; /* trailers are read, and not kept */
    if (req->last != TR__PIECE_NAME) {
        int rc = end_line(req);

        if (rc != 0)
            return rc;
        if (req->line_count == req->conn->worker->server->config.headers_most)
            return refuse(req, 431, "there are too many headers");
        req->lines[req->line_count++] = (tr__http_line){ { 0, 0 }, { 0, 0 } };
        req->last = TR__PIECE_NAME;
    }
    (void)extend(req, &req->lines[req->line_count - 1].name, at, bytes); /* it has no gaps */
    return 0;
}

/* Whether a value begins below its name. */
static bool is_in_another_line(const tr_http_request *req, const tr__http_line *line)
{
    uint32_t name_end = line->name.at + line->name.bytes;
    uint32_t gap = line->value.at - name_end;

    return gap > 2 && memchr(tr__request_head(req) + name_end, '\n', gap) != NULL;
}

static int on_value(llhttp_t *parser, const char *at, size_t bytes)
{
    tr_http_request *req = parser->data;
    bool goes_on = req->last == TR__PIECE_VALUE;
    tr__span *value;

    if (req->has_head || bytes == 0)
        return 0;
    value = &req->lines[req->line_count - 1].value;
    req->last = TR__PIECE_VALUE;
    if ((!extend(req, value, at, bytes) && goes_on) ||
        (!goes_on && is_in_another_line(req, &req->lines[req->line_count - 1])))
        return refuse(req, 400, "a header goes on in another line");
    return 0;
}

/* A line that has no value is one nevertheless. */
static int on_value_complete(llhttp_t *parser)
{
    tr_http_request *req = parser->data;

    if (!req->has_head)
        req->last = TR__PIECE_VALUE;
    return 0;
}

/* llhttp speaks RTSP and ICE, too, and takes a line that ends with LF alone. */
static bool is_http(const tr_http_request *req)
{
    const char *behind = tr__request_head(req) + req->target.at + req->target.bytes;

    return memcmp(behind, " HTTP/", 6) == 0 && behind[9] == '\r';
}

/* Empty lines in front of a request (RFC 9112, 2.2) end as all lines do, and a single space stands
 * behind the method. */
static bool begins_well(const tr_http_request *req)
{
    const char *head = tr__request_head(req);
    const char *at = head;

    while (at[0] == '\r' && at[1] == '\n')
        at += 2;
    return at[0] != '\r' && at[0] != '\n' &&
           (const char *)rawmemchr(at, ' ') + 1 == head + req->target.at;
}

static int check_framing(tr_http_request *req)
{
    tr__slice coding = tr__request_known(req, TR__KNOWN_TRANSFER_ENCODING);
    tr__slice length = tr__request_known(req, TR__KNOWN_CONTENT_LENGTH);

    if (length.at != NULL && length.bytes == 0)
        return refuse(req, 400, "the Content-Length is empty");
    if (coding.at == NULL)
        return 0;
    if (length.at != NULL)
        return refuse(req, 400, "there are both Content-Length and Transfer-Encoding");
    if (req->parser.http_minor == 0)
        return refuse(req, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (!tr__slice_is_ignoring_case(coding, "chunked"))
        return refuse(req, 501, "no Transfer-Encoding is known but chunked");
    return 0;
}

/* A URL with a host must agree with the header: who comes in between may look at either. */
static bool is_for_host(const tr_http_request *req, tr__slice host)
{
    tr__slice target = tr__request_slice(req, req->target);
    const char *begin;
    size_t bytes;

    if (target.bytes == 0 || target.at[0] == '/' || target.at[0] == '*')
        return true;
    begin = memmem(target.at, target.bytes, "://", 3);
    if (begin == NULL)
        return true; /* its path is refused */
    begin += 3;
    for (bytes = 0; begin + bytes < target.at + target.bytes; bytes++)
        if (begin[bytes] == '/' || begin[bytes] == '?' || begin[bytes] == '#')
            break;
    return bytes == host.bytes && strncasecmp(begin, host.at, bytes) == 0;
}

static int check_host(tr_http_request *req)
{
    tr__slice host = tr__request_known(req, TR__KNOWN_HOST);

    if (host.at == NULL)
        return req->parser.http_minor == 0 ? 0 : refuse(req, 400, "there is no Host");
    if (!tr__host_is_valid(host))
        return refuse(req, 400, "the Host is malformed");
    return is_for_host(req, host) ? 0 : refuse(req, 400, "the URL is another host's");
}

static int check_expectation(tr_http_request *req)
{
    tr__slice expected = tr__request_known(req, TR__KNOWN_EXPECT);

    if (expected.at == NULL || req->parser.http_minor == 0)
        return 0;
    if (!tr__slice_is_ignoring_case(expected, "100-continue"))
        return refuse(req, 417, "nothing can be expected but 100-continue");
    req->wants_continue = true;
    return 0;
}

/* What of the head is kept: a byte behind its last line, which ends its text. */
static void measure(tr_http_request *req)
{
    tr__span last = req->target;

    if (req->line_count > 0) {
        const tr__http_line *line = &req->lines[req->line_count - 1];

        last = line->value.bytes > 0 ? line->value : line->name;
    }
    req->head_bytes = last.at + last.bytes + 1;
}

/* The head's end, and whether its empty line is one of CR and LF. */
static int check_end(tr_http_request *req)
{
    const char *head = tr__request_head(req);
    const char *end = rawmemchr(head + req->head_bytes - 1, '\n');

    if (end[1] != '\r')
        return refuse(req, 400, "a line ends with LF alone");
    if ((size_t)(end + 3 - head) > req->conn->worker->server->config.head_bytes_most)
        return refuse(req, 431, "the headers are too long");
    return 0;
}

static int check_head(tr_http_request *req)
{
    int rc;

    measure(req);
    if (req->parser.method == HTTP_CONNECT)
        return refuse(req, 501, "this is no proxy");
    if (req->parser.http_major != 1 || !is_http(req) || req->parser.http_minor > 1)
        return refuse(req, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (!begins_well(req))
        return refuse(req, 400, "the request line is malformed");
    if ((rc = check_end(req)) != 0 || (rc = check_framing(req)) != 0 || (rc = check_host(req)) != 0)
        return rc;
    return check_expectation(req);
}

static bool has_body(const tr_http_request *req)
{
    return (req->parser.flags & F_CHUNKED) != 0 || req->parser.content_length > 0;
}

static int on_head(llhttp_t *parser)
{
    tr_http_request *req = parser->data;
    int rc = end_line(req);

    if (rc == 0)
        rc = check_head(req);
    if (rc != 0)
        return rc;
    req->has_head = true;
    tr__route_find(req);
    if (req->refusal != 0)
        return HPE_USER;
    if (parser->content_length > req->body_most && (parser->flags & F_CHUNKED) == 0)
        return refuse(req, 413, "the body is too large");
    if (req->wants_continue && !has_body(req))
        req->wants_continue = false;
    return 0;
}

/* Chunks may have extensions, and trailers: up to `bytes` of the request, they must not be much
 * more than what they come with. This is looked at where data begins, at the end, and where what
 * has come ends: so it is the same in whichever pieces it comes. */
static bool is_wrapping_too_long(const tr_http_request *req, uint64_t bytes)
{
    enum { OF_A_BYTE = 16 };

    return (req->parser.flags & F_CHUNKED) != 0 &&
           bytes >
               2 * req->conn->worker->server->config.head_bytes_most + OF_A_BYTE * req->body_bytes;
}

static int refuse_wrapping(tr_http_request *req)
{
    return refuse(req, 413, "the chunks are too large for what they contain");
}

/* Room for more of a body. One that is slow, or short, is not to have much before it has come. */
static bool reserve_body(tr__buffer *body, size_t bytes)
{
    enum { FIRST = 512 };

    if (body->bytes != NULL || bytes > FIRST)
        return tr__buffer_reserve(body, bytes);
    body->bytes = tr__alloc(FIRST);
    body->capacity = body->bytes != NULL ? FIRST : 0;
    return body->bytes != NULL;
}

/* A body that is there whole stays where it is. */
static int on_body(llhttp_t *parser, const char *at, size_t bytes)
{
    tr_http_request *req = parser->data;

    if (is_wrapping_too_long(req, req->parsed_bytes + (uint64_t)(at - req->parsed)))
        return refuse_wrapping(req);
    req->body_bytes += bytes;
    if (req->body_bytes > req->body_most)
        return refuse(req, 413, "the body is too large");
    if (bytes == req->body_bytes && parser->content_length == 0 &&
        (parser->flags & F_CHUNKED) == 0 && !tr__route_streams(req)) {
        req->whole = (tr__slice){ at, bytes };
        return 0;
    }
    if (!reserve_body(&req->body, bytes + 1))
        return refuse(req, 503, "out of memory");
    memcpy(req->body.bytes + req->body.end, at, bytes);
    req->body.end += bytes;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    tr_http_request *req = parser->data;

    req->is_complete = true;
    return HPE_PAUSED; /* what follows is the next request's */
}

static const llhttp_settings_t settings = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* ---- for the connection ---- */

void tr__parse_begin(tr_http_request *req)
{
    llhttp_init(&req->parser, HTTP_REQUEST, &settings);
    req->parser.data = req;
}

/* What the status is for what llhttp itself refuses. */
static tr__parsed refused(tr_http_request *req, llhttp_errno_t error)
{
    if (error == HPE_INVALID_METHOD)
        (void)refuse(req, 501, "the method is not known");
    else if (error == HPE_INVALID_VERSION)
        (void)refuse(req, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    else
        (void)refuse(req, 400, llhttp_get_error_reason(&req->parser));
    return TR__PARSED_REFUSED;
}

/* A head must not be longer than allowed, whether it has ended or not. */
static bool is_head_too_long(const tr_http_request *req, const char *end)
{
    size_t bytes = (size_t)(end - tr__request_head(req));

    return !req->has_head && bytes > req->conn->worker->server->config.head_bytes_most;
}

/* llhttp lets a bare LF end the trailers, after so many of these bytes. */
static bool ends_in_lf_alone(const tr_http_request *req, const char *bytes, size_t used)
{
    char before = used >= 2 ? bytes[used - 2] : req->last_byte;

    return (req->parser.flags & F_CHUNKED) != 0 && before != '\r';
}

tr__parsed tr__parse(tr_http_request *req, const char *bytes, size_t count, size_t *used)
{
    bool had_head = req->has_head;
    llhttp_errno_t error;

    req->parsed = bytes;
    error = llhttp_execute(&req->parser, bytes, count);
    *used = count;
    if (error == HPE_PAUSED)
        *used = (size_t)(llhttp_get_error_pos(&req->parser) - bytes);
    else if (error != HPE_OK)
        return refused(req, error);
    req->parsed_bytes += *used;
    if (is_head_too_long(req, bytes + count)) {
        (void)refuse(req, 431, "the headers are too long");
        return TR__PARSED_REFUSED;
    }
    if (is_wrapping_too_long(req, req->parsed_bytes)) {
        (void)refuse_wrapping(req);
        return TR__PARSED_REFUSED;
    }
    if (error == HPE_PAUSED && ends_in_lf_alone(req, bytes, *used)) {
        (void)refuse(req, 400, "a line ends with LF alone");
        return TR__PARSED_REFUSED;
    }
    if (error == HPE_PAUSED)
        return TR__PARSED_ALL;
    if (count > 0)
        req->last_byte = bytes[count - 1];
    return req->has_head && !had_head ? TR__PARSED_HEAD : TR__PARSED_SOME;
}
