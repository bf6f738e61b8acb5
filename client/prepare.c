/* Working a call out: what is sent, and whether it may be sent at all. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "client/basic.h"
#include "client/call.h"
#include "client/fields.h"
#include "http/percent.h"
#include "sync/retry.h"

/* ---- the method ---- */

/* CONNECT makes a tunnel, and is no request of a program's. */
static int choose_method(tr__client_call *call)
{
    const tr_http_call *given = &call->given;

    call->method = given->method != NULL ? given->method : call->has_body ? "POST" : "GET";
    if (!tr__is_token(tr__slice_of(call->method)) || strcmp(call->method, "CONNECT") == 0)
        return TR_EINVAL;
    call->is_head = strcmp(call->method, "HEAD") == 0;
    call->may_repeat =
        (given->is_idempotent || tr__again_may_repeat(call->method)) && given->source == NULL;
    return 0;
}

/* ---- headers ---- */

static int take_headers(tr__client_call *call)
{
    const char *const *headers = call->given.headers;
    size_t count = 0;

    while (headers != NULL && headers[count] != NULL)
        count++;
    call->lines = call->few;
    if (count > TR__CALL_LINES) {
        call->lines = tr__alloc(count * sizeof(call->lines[0]));
        if (call->lines == NULL)
            return TR_ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        if (!tr__client_line_parse(headers[i], &call->lines[i]))
            return TR_EINVAL;
    call->line_count = count;
    return 0;
}

static bool has_line(const tr__client_call *call, const char *name)
{
    return tr__client_lines_have(call->lines, call->line_count, name) ||
           tr__client_lines_have(call->client->lines, call->client->line_count, name);
}

/* A program that says what it takes, or asks for a part, gets what it has asked for. */
static void choose_codings(tr__client_call *call)
{
    call->decodes = !call->client->config.is_uncompressed && !has_line(call, "Accept-Encoding") &&
                    !has_line(call, "Range");
}

static int make_bearer(char **out, const char *token)
{
    size_t bytes = strlen(token) + 8;
    char *text;

    if (token[0] == 0 || !tr__header_value_is_valid(tr__slice_of(token)))
        return TR_EINVAL;
    text = tr__alloc(bytes);
    if (text == NULL)
        return TR_ENOMEM;
    (void)snprintf(text, bytes, "Bearer %s", token); /* it fits */
    *out = text;
    return 0;
}

/* What the call says goes before what stands in its URL. A user with a ':' would be another. */
static int make_authorization(tr__client_call *call)
{
    const tr_http_call *given = &call->given;
    const char *user = given->user != NULL ? given->user : call->url.user;
    const char *password = given->user != NULL ? given->password : call->url.password;

    if ((given->user != NULL && given->bearer != NULL) ||
        (given->password != NULL && given->user == NULL))
        return TR_EINVAL;
    if (given->bearer != NULL)
        return make_bearer(&call->authorization, given->bearer);
    if (user == NULL)
        return 0;
    return tr__basic_make(&call->authorization, user, password != NULL ? password : "");
}

/* ---- the body ---- */

static int write_json(tr__client_call *call)
{
    const tr_http_call *given = &call->given;
    ssize_t bytes = tr_declared_write_as(given->json, given->value, NULL, 0);

    if (bytes < 0)
        return (int)bytes;
    call->made = tr__alloc((size_t)bytes + 1);
    if (call->made == NULL)
        return TR_ENOMEM;
    (void)tr_declared_write_as(given->json, given->value, call->made, (size_t)bytes + 1);
    call->body = call->made;
    call->body_bytes = (size_t)bytes;
    return 0;
}

/* A piece of a form: spaces become '+', and what begins anything else is encoded. */
static size_t append_encoded(char *out, const char *text)
{
    tr__slice rest = tr__slice_of(text);
    size_t bytes = (size_t)tr__percent_encode_query(rest, out, 3 * rest.bytes); /* it fits */
    size_t kept = 0;

    for (size_t i = 0; i < bytes; i++)
        if (out[i] == '%' && out[i + 1] == '2' && out[i + 2] == '0') {
            out[kept++] = '+';
            i += 2;
        } else {
            out[kept++] = out[i];
        }
    return kept;
}

static int write_form(tr__client_call *call)
{
    const char *const *form = call->given.form;
    size_t bytes = 0;
    char *at;

    for (size_t i = 0; form[i] != NULL; i += 2) {
        if (form[i + 1] == NULL)
            return TR_EINVAL;
        bytes += 3 * (strlen(form[i]) + strlen(form[i + 1])) + 2;
    }
    call->made = tr__alloc(bytes + 1);
    if (call->made == NULL)
        return TR_ENOMEM;
    at = call->made;
    for (size_t i = 0; form[i] != NULL; i += 2) {
        if (i > 0)
            *at++ = '&';
        at += append_encoded(at, form[i]);
        *at++ = '=';
        at += append_encoded(at, form[i + 1]);
    }
    call->body = call->made;
    call->body_bytes = (size_t)(at - call->made);
    return 0;
}

static const char *default_type(const tr_http_call *given)
{
    return given->json != NULL   ? "application/json"
           : given->form != NULL ? "application/x-www-form-urlencoded"
                                 : "application/octet-stream";
}

static int take_body(tr__client_call *call)
{
    const tr_http_call *given = &call->given;
    int count = (given->body != NULL) + (given->json != NULL) + (given->form != NULL) +
                (given->source != 0);

    if (count > 1 || (given->body == NULL && given->body_bytes > 0) ||
        (given->json == NULL) != (given->value == NULL) ||
        (given->source == NULL && given->source_bytes > 0))
        return TR_EINVAL;
    call->has_body = count == 1;
    if (!call->has_body)
        return given->type == NULL ? 0 : TR_EINVAL;
    call->type = given->type != NULL ? given->type : default_type(given);
    if (!tr__header_value_is_valid(tr__slice_of(call->type)))
        return TR_EINVAL;
    call->body = given->body;
    call->body_bytes = given->body_bytes;
    return given->json != NULL ? write_json(call) : given->form != NULL ? write_form(call) : 0;
}

/* ---- another protocol ---- */

static int check_upgrade(const tr__client_call *call)
{
    const char *protocol = call->given.upgrade;
    tr__slice text, version;
    size_t slash;

    if (protocol == NULL)
        return 0;
    text = tr__slice_of(protocol);
    slash = tr__slice_index(text, '/');
    version = slash < text.bytes ? tr__slice_tail(text, slash + 1) : (tr__slice){ "1", 1 };
    return tr__is_token(tr__slice_head(text, slash)) && tr__is_token(version) && !call->has_body &&
                   !call->is_head
               ? 0
               : TR_EINVAL;
}

/* ---- all of it ---- */

/* The client's was looked at when it was given. */
static int take_policy(tr__client_call *call)
{
    const tr_retry_policy *given = call->given.retry;
    tr_retry_policy full;
    int rc = 0;

    if (given != NULL)
        rc = tr__retry_read_policy(&full, given, sizeof(*given));
    if (rc == 0)
        tr__again_begin(&call->again, given != NULL ? &full : call->client->config.retry,
                        &call->given);
    return rc;
}

static int take_limits(tr__client_call *call)
{
    const tr_http_client_config *config = &call->client->config;
    tr_http_call *given = &call->given;

    if (isnan(given->timeout))
        return TR_EINVAL;
    given->timeout = given->timeout == 0  ? config->timeout
                     : given->timeout < 0 ? TR_FOREVER
                                          : given->timeout;
    if (given->body_most == 0)
        given->body_most = config->body_most;
    if (given->redirects_most == 0)
        given->redirects_most = config->redirects_most;
    return take_policy(call);
}

int tr__call_prepare(tr__client_call *call)
{
    const tr_http_call *given = &call->given;
    int rc = given->url == NULL ? TR_EINVAL : take_limits(call);

    if (rc == 0)
        rc = tr__url_compose(&call->url, call->client->config.base, given->url, given->query);
    if (rc == 0)
        rc = take_body(call);
    if (rc == 0)
        rc = choose_method(call);
    if (rc == 0)
        rc = check_upgrade(call);
    if (rc == 0)
        rc = take_headers(call);
    if (rc == 0)
        choose_codings(call);
    if (rc == 0)
        rc = make_authorization(call);
    return rc;
}

void tr__call_fini(tr__client_call *call)
{
    tr__url_fini(&call->url);
    if (call->lines != call->few)
        tr__free(call->lines);
    tr__free(call->made);
    tr__free(call->key);
    tr__free(call->authorization);
}
