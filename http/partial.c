/* Heads that come in part. A client that sends some bytes of one, and then waits, would keep a
 * buffer and a request with room for all lines: some 20 KiB. It keeps what it has sent instead, and
 * where the parser is in it:
 *
 *     | state | line | ... | line | bytes of the head ... |
 *
 * Only heads are put away so: what has been found out of a whole one (its route, its path) is in
 * the request. */
#include <string.h>

#include "base/seam.h"
#include "http/connection.h"

struct tr__partial {
    llhttp_t parser;
    tr__span target;
    tr__http_piece last;
    uint32_t line_count;
    uint8_t known[TR__KNOWN_COUNT];
    uint64_t parsed_bytes;
    size_t bytes;
    tr__http_line lines[];
};

static char *bytes_of(tr__partial *partial)
{
    return (char *)&partial->lines[partial->line_count];
}

static void save(tr__partial *partial, const tr_http_request *req)
{
    partial->parser = req->parser;
    partial->target = req->target;
    partial->last = req->last;
    partial->line_count = req->line_count;
    memcpy(partial->known, req->known, sizeof(req->known));
    partial->parsed_bytes = req->parsed_bytes;
    partial->bytes = req->total_bytes;
    memcpy(partial->lines, req->lines, req->line_count * sizeof(req->lines[0]));
}

static void restore(tr_http_request *req, const tr__partial *partial)
{
    req->parser = partial->parser;
    req->parser.data = req;
    req->target = partial->target;
    req->last = partial->last;
    req->line_count = partial->line_count;
    memcpy(req->known, partial->known, sizeof(req->known));
    req->parsed_bytes = partial->parsed_bytes;
    req->total_bytes = partial->bytes;
    memcpy(req->lines, partial->lines, req->line_count * sizeof(req->lines[0]));
}

void tr__partial_put_away(tr__http_conn *conn)
{
    tr_http_request *req = conn->req;
    size_t bytes = tr__buffer_count(&conn->in); /* all of it is the head's */
    tr__partial *partial;

    if (bytes > TR__PARTIAL_MOST)
        return;
    partial = tr__alloc(sizeof(*partial) + req->line_count * sizeof(req->lines[0]) + bytes);
    if (partial == NULL)
        return;
    save(partial, req);
    memcpy(bytes_of(partial), conn->in.bytes + conn->in.begin, bytes);
    tr__buffer_take(&conn->in, bytes);
    tr__worker_give_block(conn->worker, &conn->in);
    tr__worker_give_request(conn->worker, req);
    conn->req = NULL;
    conn->partial = partial;
}

bool tr__partial_take_up(tr__http_conn *conn)
{
    tr__partial *partial = conn->partial;
    tr_http_request *req = tr__worker_take_request(conn->worker);

    if (req == NULL)
        return false;
    if (!tr__worker_lend(conn->worker, &conn->in, partial->bytes)) {
        tr__worker_give_request(conn->worker, req);
        return false;
    }
    req->conn = conn;
    restore(req, partial);
    memcpy(conn->in.bytes, bytes_of(partial), partial->bytes);
    conn->in.end = partial->bytes;
    conn->req = req;
    tr__partial_drop(conn);
    return true;
}

void tr__partial_drop(tr__http_conn *conn)
{
    tr__free(conn->partial);
    conn->partial = NULL;
}
