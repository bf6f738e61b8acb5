/* Requests, as handlers see them. */
#include "http/connection.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/seam.h"
#include "http/cookie.h"
#include "http/form.h"
#include "http/negotiate.h"
#include "http/percent.h"
#include "http/query.h"
#include "net/address.h"
#include "net/system.h"

enum { KEPT = 16 * 1024 }; /* of a body's buffer, for the next request */

const char *tr__request_head(const tr_http_request *req)
{
    return req->moved != NULL ? req->moved : req->conn->in.bytes + req->conn->in.begin;
}

tr__slice tr__request_known(const tr_http_request *req, tr__known known)
{
    if (req->known[known] == 0)
        return (tr__slice){ NULL, 0 };
    return tr__request_slice(req, req->lines[req->known[known] - 1].value);
}

void *tr__request_lose(tr_http_request *req, int rc)
{
    if (req->failure == 0)
        req->failure = rc;
    return NULL;
}

static void drop_values(tr_http_request *req)
{
    while (req->values != NULL) {
        tr__http_value *value = req->values;

        req->values = value->next; /* the arena has it */
        if (value->drop != NULL && value->value != NULL)
            value->drop(value->value);
    }
}

void tr__request_clear(tr_http_request *req)
{
    tr__response_clear(&req->res);
    tr__form_free(req->form);
    req->form = NULL;
    drop_values(req);
    tr__arena_reset(&req->arena);
    req->body.begin = 0;
    req->body.end = 0;
    if (req->body.capacity > KEPT)
        tr__buffer_free(&req->body);
    req->target = (tr__span){ 0, 0 };
    req->line_count = 0;
    req->last = TR__PIECE_NONE;
    memset(req->known, 0, sizeof(req->known));
    req->has_head = false;
    req->is_complete = false;
    req->wants_continue = false;
    req->is_settled = false;
    req->is_lost = false;
    req->moved = NULL;
    req->total_bytes = 0;
    req->refusal = 0;
    req->reason = NULL;
    req->failure = 0;
    req->path = NULL;
    req->decoded_path = NULL;
    req->route = NULL;
    memset(req->params, 0, sizeof(req->params));
    req->whole = (tr__slice){ NULL, 0 };
    req->body_bytes = 0;
    req->parsed_bytes = 0;
    req->declared = NULL;
}

/* ---- texts of the head ---- */

/* End a text where it stands: what follows it has been understood. */
static const char *text_of(const tr_http_request *req, tr__span span)
{
    char *at = (char *)(uintptr_t)tr__request_head(req) + span.at;

    if (span.bytes == 0)
        return "";
    at[span.bytes] = 0;
    return at;
}

const char *tr_http_method(const tr_http_request *req)
{
    return req != NULL ? llhttp_method_name((llhttp_method_t)req->parser.method) : "";
}

const char *tr_http_target(const tr_http_request *req)
{
    return req != NULL ? text_of(req, req->target) : "";
}

const char *tr_http_pattern(const tr_http_request *req)
{
    return req != NULL && req->route != NULL ? req->route->pattern : "";
}

/* What it means, in the request's memory; NULL: it is malformed, or there is none. */
static const char *decode(const tr_http_request *req, tr__slice text, unsigned flags)
{
    tr_http_request *owner = (tr_http_request *)(uintptr_t)req;
    char *decoded = tr__arena_take(&owner->arena, text.bytes + 1);
    ssize_t bytes;

    if (decoded == NULL)
        return tr__request_lose(owner, TR_ENOMEM);
    bytes = tr__percent_decode(text, decoded, text.bytes, flags);
    if (bytes < 0)
        return NULL;
    decoded[bytes] = 0;
    return decoded;
}

const char *tr_http_path(const tr_http_request *req)
{
    if (req == NULL || req->path == NULL)
        return "";
    if (req->decoded_path == NULL)
        ((tr_http_request *)(uintptr_t)req)->decoded_path =
            decode(req, (tr__slice){ req->path, strlen(req->path) }, 0);
    return req->decoded_path != NULL ? req->decoded_path : "";
}

const char *tr_http_param(const tr_http_request *req, const char *name)
{
    const tr__destination *destination;

    if (req == NULL || req->route == NULL || name == NULL)
        return NULL;
    destination = &req->route->destination;
    for (uint32_t i = 0; i < destination->param_count; i++)
        if (strcmp(destination->params[i], name) == 0) {
            if (req->params[i] == NULL)
                ((tr_http_request *)(uintptr_t)req)->params[i] =
                    decode(req, req->match.params[i], 0);
            return req->params[i];
        }
    return NULL;
}

/* Several of one name, as one. */
static const char *join(tr_http_request *req, const char *name, size_t first)
{
    size_t bytes = 0;
    char *joined;
    char *at;

    for (size_t i = first; i < req->line_count; i++)
        if (tr__slice_is_ignoring_case(tr__request_slice(req, req->lines[i].name), name))
            bytes += req->lines[i].value.bytes + 2;
    joined = at = tr__arena_take(&req->arena, bytes + 1);
    if (joined == NULL)
        return tr__request_lose(req, TR_ENOMEM);
    for (size_t i = first; i < req->line_count; i++) {
        tr__slice value = tr__request_slice(req, req->lines[i].value);

        if (!tr__slice_is_ignoring_case(tr__request_slice(req, req->lines[i].name), name))
            continue;
        if (at != joined) {
            memcpy(at, ", ", 2);
            at += 2;
        }
        memcpy(at, value.at, value.bytes);
        at += value.bytes;
    }
    *at = 0;
    return joined;
}

const char *tr_http_header(tr_http_request *req, const char *name)
{
    size_t count = 0;
    size_t first = 0;

    if (req == NULL || name == NULL)
        return NULL;
    for (size_t i = req->line_count; i-- > 0;)
        if (tr__slice_is_ignoring_case(tr__request_slice(req, req->lines[i].name), name)) {
            first = i;
            count++;
        }
    if (count == 0)
        return NULL;
    return count == 1 ? text_of(req, req->lines[first].value) : join(req, name, first);
}

bool tr_http_header_at(tr_http_request *req, size_t i, const char **name, const char **value)
{
    if (req == NULL || name == NULL || value == NULL || i >= req->line_count)
        return false;
    *value = text_of(req, req->lines[i].value);
    *name = tr__arena_copy(&req->arena, tr__request_head(req) + req->lines[i].name.at,
                           req->lines[i].name.bytes);
    if (*name == NULL)
        (void)tr__request_lose(req, TR_ENOMEM);
    return *name != NULL;
}

/* ---- query, cookies ---- */

tr__slice tr__request_query(const tr_http_request *req)
{
    tr__slice target = tr__request_slice(req, req->target);
    const char *mark = memchr(target.at, '?', target.bytes);
    const char *end = target.at + target.bytes;

    return mark != NULL ? (tr__slice){ mark + 1, (size_t)(end - mark - 1) } : (tr__slice){ end, 0 };
}

const char *tr_http_query_at(tr_http_request *req, const char *name, size_t i)
{
    tr__slice value;

    if (req == NULL || name == NULL ||
        !tr__query_find(tr__request_query(req), (tr__slice){ name, strlen(name) }, i, &value))
        return NULL;
    return decode(req, value, TR__PERCENT_PLUS);
}

const char *tr_http_query(tr_http_request *req, const char *name)
{
    return tr_http_query_at(req, name, 0);
}

const char *tr_http_cookie(tr_http_request *req, const char *name)
{
    const char *header = req != NULL && name != NULL ? tr_http_header(req, "Cookie") : NULL;
    const char *copy;
    tr__slice value;

    if (header == NULL || !tr__cookie_find((tr__slice){ header, strlen(header) },
                                           (tr__slice){ name, strlen(name) }, &value))
        return NULL;
    copy = tr__arena_copy(&req->arena, value.at, value.bytes);
    return copy != NULL ? copy : tr__request_lose(req, TR_ENOMEM);
}

int tr_http_accepts(tr_http_request *req, const char *const *types, int count)
{
    const char *accept;
    int chosen;

    if (req == NULL || types == NULL || count < 1)
        return TR_EINVAL;
    for (int i = 0; i < count; i++)
        if (types[i] == NULL)
            return TR_EINVAL;
    accept = tr_http_header(req, "Accept");
    chosen = tr__accept_choose(tr__slice_of(accept != NULL ? accept : ""), types, count);
    return chosen >= 0 ? chosen : TR_ENOENT;
}

/* ---- numbers ---- */

static int parse_int(const char *text, int64_t *value)
{
    char *end;
    long long number;

    if (text == NULL)
        return TR_ENOENT;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end != 0 ||
        !((text[0] >= '0' && text[0] <= '9') ||
          (text[0] == '-' && text[1] >= '0' && text[1] <= '9')))
        return TR_EINVAL;
    *value = number;
    return 0;
}

int tr_http_param_int(tr_http_request *req, const char *name, int64_t *value)
{
    return value == NULL ? TR_EINVAL : parse_int(tr_http_param(req, name), value);
}

int tr_http_query_int(tr_http_request *req, const char *name, int64_t *value)
{
    return value == NULL ? TR_EINVAL : parse_int(tr_http_query(req, name), value);
}

int tr_http_query_double(tr_http_request *req, const char *name, double *value)
{
    const char *text = value != NULL ? tr_http_query(req, name) : NULL;
    char *end;
    double number;

    if (value == NULL)
        return TR_EINVAL;
    if (text == NULL)
        return TR_ENOENT;
    /* Digits, a point, an exponent: no spaces, hexadecimal numbers, nor words. */
    if (text[0] == 0 || text[strspn(text, "0123456789+-.eE")] != 0)
        return TR_EINVAL;
    number = strtod(text, &end);
    if (*end != 0 || !isfinite(number))
        return TR_EINVAL;
    *value = number;
    return 0;
}

/* ---- the body ---- */

const char *tr_http_body(tr_http_request *req, size_t *bytes)
{
    size_t unused;

    if (bytes == NULL)
        bytes = &unused;
    *bytes = 0;
    if (req == NULL || !req->is_complete)
        return "";
    if (req->whole.at != NULL) {
        /* Ended where it stands only if that is no other request's byte. */
        tr__buffer *in = &req->conn->in;

        if (req->whole.at + req->whole.bytes == in->bytes + in->end && in->end < in->capacity) {
            in->bytes[in->end] = 0;
            *bytes = req->whole.bytes;
            return req->whole.at;
        }
        if (!tr__buffer_reserve(&req->body, req->whole.bytes + 1)) {
            (void)tr__request_lose(req, TR_ENOMEM);
            return "";
        }
        memcpy(req->body.bytes, req->whole.at, req->whole.bytes);
        req->body.end = req->whole.bytes;
        req->whole.at = NULL;
    }
    if (tr__buffer_count(&req->body) == 0)
        return "";
    *bytes = tr__buffer_count(&req->body);
    req->body.bytes[req->body.end] = 0; /* there is room: see on_body */
    return req->body.bytes + req->body.begin;
}

void *tr_http_body_as(tr_http_request *req)
{
    return req != NULL ? req->declared : NULL;
}

ssize_t tr_http_read(tr_http_request *req, void *buffer, size_t bytes)
{
    size_t count;

    if (req == NULL || buffer == NULL || bytes == 0)
        return TR_EINVAL;
    if (!tr__route_streams(req))
        return TR_EWRONGPLACE;
    while ((count = tr__buffer_count(&req->body)) == 0 && !req->is_complete) {
        int rc = tr__conn_read_body(req->conn);

        if (rc < 0)
            return rc;
    }
    if (count > bytes)
        count = bytes;
    if (count > 0)
        memcpy(buffer, req->body.bytes + req->body.begin, count);
    tr__buffer_take(&req->body, count);
    return (ssize_t)count;
}

/* ---- the rest ---- */

const char *tr_http_peer(tr_http_request *req)
{
    char text[TR__ADDRESS_TEXT];
    tr_address address;
    tr__http_conn *conn = req != NULL ? req->conn : NULL;

    if (conn == NULL)
        return "";
    if (conn->peer == NULL &&
        tr__sys_peer_name(conn->watcher.fd, &address.tr__storage, &address.tr__bytes) == 0 &&
        tr_address_format(&address, text, sizeof(text)) > 0)
        conn->peer = tr__copy_string(text);
    return conn->peer != NULL ? conn->peer : "";
}

bool tr_http_is_secure(const tr_http_request *req)
{
    /* Not whether the connection has its engine: a WebSocket's stream has taken that. */
    return req != NULL && req->conn->worker->server->config.tls != NULL;
}

void *tr_http_alloc(tr_http_request *req, size_t bytes)
{
    return req != NULL ? tr__arena_take(&req->arena, bytes) : NULL;
}

int tr_http_set_value(tr_http_request *req, const void *key, void *value, void (*drop)(void *value))
{
    tr__http_value *kept =
        req != NULL && key != NULL ? tr__arena_take(&req->arena, sizeof(*kept)) : NULL;

    if (kept == NULL) {
        if (drop != NULL && value != NULL)
            drop(value);
        return req == NULL || key == NULL ? TR_EINVAL : TR_ENOMEM;
    }
    *kept = (tr__http_value){ .next = req->values, .key = key, .value = value, .drop = drop };
    req->values = kept;
    return 0;
}

void *tr_http_value(const tr_http_request *req, const void *key)
{
    for (const tr__http_value *v = req != NULL ? req->values : NULL; v != NULL; v = v->next)
        if (v->key == key)
            return v->value;
    return NULL;
}
