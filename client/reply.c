/* Replies, as programs see them. */
#include "client/reply.h"

#include <limits.h>
#include <string.h>

#include "base/seam.h"
#include "client/exchange.h"

tr__slice tr__reply_known(const tr_http_reply *reply, tr__known known, size_t *count)
{
    tr__slice first = { NULL, 0 };
    size_t found = 0;

    for (size_t i = 0; i < reply->line_count; i++)
        if (reply->lines[i].known == known && found++ == 0)
            first = reply->lines[i].value;
    if (count != NULL)
        *count = found;
    return first;
}

int tr_http_reply_status(const tr_http_reply *reply)
{
    return reply != NULL ? reply->status : 0;
}

const char *tr_http_reply_url(const tr_http_reply *reply)
{
    return reply != NULL ? reply->url : "";
}

/* ---- headers ---- */

bool tr_http_reply_header_at(tr_http_reply *reply, size_t i, const char **name, const char **value)
{
    bool is_there = reply != NULL && i < reply->line_count;

    if (name != NULL)
        *name = is_there ? reply->lines[i].name.at : "";
    if (value != NULL)
        *value = is_there ? reply->lines[i].value.at : "";
    return is_there;
}

static const char *join(tr_http_reply *reply, const char *name, size_t bytes)
{
    tr__slice wanted = tr__slice_of(name);
    tr__reply_joined *joined = tr__alloc(sizeof(*joined) + bytes);
    char *at;

    if (joined == NULL)
        return NULL;
    at = joined->text;
    for (size_t i = 0; i < reply->line_count; i++) {
        const tr__reply_line *line = &reply->lines[i];

        if (!tr__slice_equals_ignoring_case(line->name, wanted))
            continue;
        if (at != joined->text) {
            *at++ = ',';
            *at++ = ' ';
        } else {
            joined->name = line->name.at;
        }
        memcpy(at, line->value.at, line->value.bytes);
        at += line->value.bytes;
    }
    *at = 0;
    joined->next = reply->joined;
    reply->joined = joined;
    return joined->text;
}

const char *tr_http_reply_header(tr_http_reply *reply, const char *name)
{
    tr__slice wanted;
    const char *first = NULL;
    size_t bytes = 0, count = 0;

    if (reply == NULL || name == NULL)
        return NULL;
    wanted = tr__slice_of(name);
    for (size_t i = 0; i < reply->line_count; i++)
        if (tr__slice_equals_ignoring_case(reply->lines[i].name, wanted)) {
            first = count++ == 0 ? reply->lines[i].value.at : first;
            bytes += reply->lines[i].value.bytes + 2;
        }
    if (count < 2)
        return first;
    for (const tr__reply_joined *j = reply->joined; j != NULL; j = j->next)
        if (tr__slice_is_ignoring_case(wanted, j->name))
            return j->text;
    return join(reply, name, bytes);
}

/* ---- the body ---- */

const char *tr_http_reply_body(const tr_http_reply *reply, size_t *bytes)
{
    bool is_there = reply != NULL && reply->body.bytes != NULL;

    if (bytes != NULL)
        *bytes = is_there ? tr__buffer_count(&reply->body) : 0;
    return is_there ? reply->body.bytes + reply->body.begin : "";
}

int tr_http_reply_check(const tr_http_reply *reply)
{
    if (reply == NULL)
        return TR_EINVAL;
    return reply->status >= 400 ? TR_ESTATUS : 0;
}

/* As much as was let come. */
int tr_http_reply_parse_as(tr_http_reply *reply, const tr_declaration *declaration, void *out)
{
    const tr_json_limits limits = { .bytes = SIZE_MAX };
    size_t bytes;
    const char *json = tr_http_reply_body(reply, &bytes);

    if (reply == NULL || declaration == NULL || out == NULL)
        return TR_EINVAL;
    tr_parsed_free(reply->parsed);
    reply->parsed = NULL;
    return tr_declared_parse_as(&reply->parsed, declaration, out, json, bytes, &limits);
}

const tr_parsed *tr_http_reply_parsed(const tr_http_reply *reply)
{
    return reply != NULL ? reply->parsed : NULL;
}

ssize_t tr_http_reply_read(tr_http_reply *reply, void *buffer, size_t bytes)
{
    ssize_t count;
    int rc;

    if (reply == NULL || buffer == NULL || bytes == 0 || bytes > SSIZE_MAX)
        return TR_EINVAL;
    if (!reply->streams)
        return TR_EWRONGPLACE;
    if (reply->conn == NULL)
        return reply->failure;
    rc = reply->conn->io != NULL ? tr__ready_check(&reply->conn->io->ready) : TR_ESHUTDOWN;
    if (rc < 0)
        return rc;
    count = tr__decode_read(reply, buffer, bytes);
    if (count <= 0 && count != TR_ECANCELED) { /* who is cancelled may go on, or free it */
        reply->failure = (int)count;
        tr__conn_done(reply->conn, count == 0);
        reply->conn = NULL;
    }
    return count;
}

/* ---- another protocol ---- */

/* What was read already is read first. */
static bool put_back(tr_io *io, tr__buffer *in)
{
    size_t count = tr__buffer_count(in), kept = tr__buffer_count(&io->in);

    if (count == 0)
        return true;
    if (!tr__buffer_reserve(&io->in, count))
        return false;
    memmove(io->in.bytes + io->in.begin + count, io->in.bytes + io->in.begin, kept);
    memcpy(io->in.bytes + io->in.begin, in->bytes + in->begin, count);
    io->in.end += count;
    return true;
}

int tr_http_reply_take_io(tr_io **out, tr_http_reply *reply)
{
    tr__client_conn *conn;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (reply == NULL)
        return TR_EINVAL;
    conn = reply->conn;
    if (reply->status != 101 || conn == NULL)
        return TR_EWRONGPLACE;
    rc = conn->io != NULL ? tr__ready_check(&conn->io->ready) : TR_ESHUTDOWN;
    if (rc < 0)
        return rc;
    if (!put_back(conn->io, &conn->in))
        return TR_ENOMEM;
    *out = conn->io;
    conn->io = NULL;
    reply->conn = NULL;
    tr__conns_drop(conn);
    return 0;
}

/* ---- the end ---- */

void tr_http_reply_free(tr_http_reply *reply)
{
    if (reply == NULL)
        return;
    if (reply->conn != NULL)
        tr__conn_abandon(reply->conn);
    while (reply->joined != NULL) {
        tr__reply_joined *joined = reply->joined;

        reply->joined = joined->next;
        tr__free(joined);
    }
    tr__decode_end(reply);
    tr_parsed_free(reply->parsed);
    tr__buffer_free(&reply->body);
    tr_http_client_unref(reply->client);
    tr__free(reply);
}
