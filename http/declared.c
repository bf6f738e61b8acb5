/* Declared bodies, and answers. */
#include "http/declared.h"

#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/declare.h"
#include "http/mime.h"
#include "http/problem_document.h"
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

/* A problem document with the list of what is wrong (RFC 9457, and its member "errors"). */
static int answer_problems(tr_http_response *res, int rc, const tr__problems *problems)
{
    int begun = tr__response_begin(res, tr__problem_status(rc), "application/problem+json");
    tr__json_out out;

    if (begun < 0)
        return begun;
    tr__out_init(&out, NULL, 0);
    tr__problem_write(rc, problems, &out);
    if (!tr__buffer_reserve(&res->body, out.bytes))
        return tr__response_settle(res, TR_ENOMEM);
    tr__out_init(&out, res->body.bytes, res->body.capacity);
    tr__problem_write(rc, problems, &out);
    res->body.end = out.bytes;
    return 0;
}

static int refuse(tr_http_request *req, int rc, const tr__problems *problems)
{
    if (rc != TR_EVALUE && rc != TR_ESYNTAX && rc != TR_ETOOLARGE)
        return rc;
    rc = answer_problems(&req->res, rc, problems);
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
