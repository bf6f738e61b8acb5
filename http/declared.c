/* Declared bodies, and answers. */
#include "http/declared.h"

#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/declare.h"
#include "http/mime.h"
#include "http/response.h"

/* Whether it says that it is JSON: application/json, or something+json. One that says nothing is
 * taken for it. */
static bool is_json(const tr_http_request *req)
{
    tr__slice type = tr__request_known(req, TR__KNOWN_CONTENT_TYPE);
    tr__media_type media;

    if (type.at == NULL)
        return true;
    return tr__media_type_parse(type, &media) &&
           (tr__media_type_is(&media, "application", "json") ||
            (media.subtype.bytes > 5 &&
             tr__slice_is_ignoring_case(tr__slice_tail(media.subtype, media.subtype.bytes - 5),
                                        "+json")));
}

static int status_of(int rc)
{
    return rc == TR_ETOOLARGE ? 413 : rc == TR_ESYNTAX ? 400 : 422;
}

static bool append_problem(tr__buffer *body, const tr_problem *problem)
{
    char place[64];

    (void)snprintf(place, sizeof(place), "\",\"line\":%zu,\"column\":%zu}", problem->line,
                   problem->column);
    return tr__append_text(body, "{\"where\":\"") && tr__append_escaped(body, problem->where) &&
           tr__append_text(body, "\",\"what\":\"") && tr__append_escaped(body, problem->what) &&
           tr__append_text(body, "\",\"kind\":\"") && tr__append_escaped(body, problem->kind) &&
           tr__append_text(body, place);
}

/* A problem document with the list of what is wrong (RFC 9457, and its member "errors"). */
static int answer_problems(tr_http_response *res, int status, const tr__problems *problems)
{
    int rc = tr_http_problem(res, status, "%s", "the body is not as it is declared");
    tr__buffer *body = &res->body;

    if (rc < 0)
        return rc;
    body->end -= strlen("}\n");
    for (size_t i = 0; i < problems->count; i++)
        if (!tr__append_text(body, i == 0 ? ",\"errors\":[" : ",") ||
            !append_problem(body, &problems->list[i]))
            return TR_ENOMEM;
    if (problems->count > 0 && !tr__append_text(body, "]"))
        return TR_ENOMEM;
    return tr__append_text(body, "}\n") ? 0 : TR_ENOMEM;
}

static int refuse(tr_http_request *req, int rc, const tr__problems *problems)
{
    if (rc != TR_EVALUE && rc != TR_ESYNTAX && rc != TR_ETOOLARGE)
        return rc;
    rc = answer_problems(&req->res, status_of(rc), problems);
    return rc < 0 ? rc : 1;
}

int tr__declared_fill(tr_http_request *req, const tr_declaration *declaration)
{
    const tr_json_limits limits = { .bytes = (size_t)req->body_most };
    tr__problems *problems;
    size_t bytes;
    const char *json;
    int rc;

    if (!is_json(req)) {
        rc = tr_http_problem(&req->res, 415, "the body is to be application/json");
        return rc < 0 ? rc : 1;
    }
    problems = tr__arena_take_zeroed(&req->arena, sizeof(*problems));
    req->declared = tr__arena_take_zeroed(&req->arena, declaration->tr__bytes);
    if (problems == NULL || req->declared == NULL)
        return TR_ENOMEM;
    json = tr_http_body(req, &bytes);
    if (bytes == 0 && req->body_bytes > 0)
        return TR_ENOMEM;
    rc =
        tr__declared_parse(declaration, json, bytes, &limits, &req->arena, req->declared, problems);
    if (rc == 0)
        return 0;
    req->declared = NULL;
    return refuse(req, rc, problems);
}

int tr_http_answer(tr_http_response *res, int status, const tr_declaration *declaration,
                   const void *value)
{
    enum { GUESS = 1024 };
    int rc = declaration == NULL || value == NULL
                 ? TR_EINVAL
                 : tr__response_begin(res, status, "application/json");
    ssize_t bytes = 0;

    if (rc < 0)
        return rc;
    if (!tr__buffer_reserve(&res->body, GUESS))
        bytes = TR_ENOMEM;
    else
        bytes = tr_declared_write_as(declaration, value, res->body.bytes, res->body.capacity);
    if (bytes >= 0 && (size_t)bytes >= res->body.capacity) {
        if (!tr__buffer_reserve(&res->body, (size_t)bytes + 1))
            bytes = TR_ENOMEM;
        else
            bytes = tr_declared_write_as(declaration, value, res->body.bytes, res->body.capacity);
    }
    if (bytes >= 0)
        res->body.end = (size_t)bytes;
    return tr__response_settle(res, bytes < 0 ? (int)bytes : 0);
}
