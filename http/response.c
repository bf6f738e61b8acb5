/* Answers: what handlers say. How it goes out is in response_out.c. */
#include "http/response.h"

#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/compress.h"
#include "http/connection.h"

enum {
    KEPT = 16 * 1024, /* of a buffer, for the next answer */
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

void tr__response_free_block(void *data)
{
    tr__free(data);
}

void tr__response_replace_body(tr_http_response *res, void *data, size_t bytes)
{
    drop_body(res);
    res->taken = data;
    res->taken_bytes = bytes;
    res->drop = tr__response_free_block;
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
