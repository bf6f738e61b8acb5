/* Calls: from what the program wants to a reply. */
#include "client/call.h"

#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "client/exchange.h"
#include "client/open.h"
#include "runtime/task.h"

#define NS_PER_S 1e9
#define LONG_S   1e9 /* longer than anything lasts */
#define DRAIN_S  1.0

enum { DRAIN_MOST = 16 * 1024 }; /* of a body that nobody wants */

/* ---- one attempt ---- */

/* The answer's body, or the connection that it will be read from. */
static int finish(tr_http_reply *reply, const tr__client_call *call, tr__client_conn *conn)
{
    int rc = 0;

    reply->conn = conn;
    if (reply->status == 101)
        return 0; /* until it is taken */
    reply->streams = call->given.streams;
    if (call->decodes && conn->framing != TR__FRAMING_NONE)
        rc = tr__decode_begin(reply);
    if (rc == 0 && !reply->streams)
        rc = tr__body_read_all(reply, call->given.body_most);
    if (rc == 0 && (!reply->streams || conn->framing == TR__FRAMING_NONE)) {
        reply->conn = NULL;
        tr__conn_done(conn, true);
    } else if (rc < 0) {
        reply->conn = NULL;
        tr__conn_done(conn, false);
    }
    return rc;
}

/* Whether a failure says that the connection, which had been kept alive, was dead before the server
 * could know of the request: as far as can be told. */
static bool is_stale(const tr__client_conn *conn, int rc)
{
    return conn->is_reused && !conn->is_heard &&
           (rc == TR_EPIPE || rc == TR_ECONNRESET || rc == TR_EEND);
}

/* An answer is not the last: what is short is read, so that the connection can go on. */
static void drain(tr_http_reply *reply, tr__client_conn *conn)
{
    char piece[1024];
    size_t total = 0;
    int rc = 0;

    reply->conn = conn;
    TR_DEADLINE(DRAIN_S, &rc) {
        ssize_t count = 1;

        while (total < DRAIN_MOST && count > 0) {
            count = tr__body_read(reply, piece, sizeof(piece));
            total += count > 0 ? (size_t)count : 0;
        }
        rc = count < 0 ? (int)count : 0;
    }
    reply->conn = NULL;
    tr__conn_done(conn, rc == 0);
}

/* The head is there: the reply, or NULL where there is more to do. */
static int follow_up(tr_http_reply **out, tr__client_call *call, tr__client_conn *conn)
{
    int rc = tr__call_judge(call, *out);

    if (rc < 0)
        tr__conn_abandon(conn);
    else if (call->next != TR__CALL_ENDS)
        drain(*out, conn);
    else
        rc = finish(*out, call, conn);
    if (rc < 0 || call->next != TR__CALL_ENDS) {
        tr_http_reply_free(*out);
        *out = NULL;
    }
    return rc;
}

/* Over a connection that is open, which is taken in any case. */
static int exchange(tr_http_reply **out, tr__client_call *call, tr__client_conn *conn, bool *stale)
{
    int rc = tr__request_send(call, conn);

    if (rc >= 0)
        rc = tr__answer_head(out, call, conn);
    if (rc < 0) {
        *stale = is_stale(conn, rc);
        tr__conn_done(conn, false);
        return rc;
    }
    return follow_up(out, call, conn);
}

static int try_once(tr_http_reply **out, tr__client_call *call, unsigned flags, bool *stale)
{
    tr__client_conn *conn;
    int rc = tr__open_choose(call);

    if (!call->may_repeat)
        flags |= TR__CONNS_SURE;
    if (rc == 0)
        rc = tr__conns_take(&conn, call->room, tr__open_key(call), flags);
    if (rc != 0)
        return rc;
    rc = conn->io == NULL ? tr__open_conn(call, conn) : 0;
    if (rc < 0) {
        tr__conns_drop(conn);
        return rc;
    }
    return exchange(out, call, conn, stale);
}

/* One attempt; and where it has met a dead connection, one more over another. */
static int attempt(tr_http_reply **out, tr__client_call *call)
{
    bool stale = false;
    int rc = try_once(out, call, 0, &stale);

    if (rc < 0 && stale && call->may_repeat)
        rc = try_once(out, call, TR__CONNS_FRESH, &stale);
    return rc;
}

/* ---- the call ---- */

/* From the first attempt to the reply. */
static int run(tr_http_reply **out, tr__client_call *call)
{
    for (;;) {
        int rc = attempt(out, call);

        if (rc < 0 ? !tr__call_forgives(call, rc) : *out != NULL)
            return rc;
        rc = tr__call_go_on(call);
        if (rc < 0)
            return rc;
    }
}

static void set_due(tr__client_call *call)
{
    double seconds = call->given.timeout;

    call->due_ns = seconds < LONG_S ? tr__now_ns() + (uint64_t)(seconds * NS_PER_S) : UINT64_MAX;
}

static int run_in_time(tr_http_reply **out, tr__client_call *call)
{
    int rc = 0;

    set_due(call);
    if (call->due_ns == UINT64_MAX)
        return run(out, call);
    TR_DEADLINE(call->given.timeout, &rc) {
        rc = run(out, call);
    }
    return rc;
}

static int fetch(tr_http_reply **out, tr__client_room *room, const tr_http_call *given,
                 size_t given_bytes)
{
    tr_http_client *client = tr_http_client_ref(room->client);
    tr__client_call call;
    int rc;

    memset(&call, 0, sizeof(call));
    call.client = client;
    call.room = room;
    memcpy(&call.given, given, given_bytes);
    tr__bump_u64(&room->tally.calls, 1);
    rc = tr__call_prepare(&call);
    if (rc == 0)
        rc = run_in_time(out, &call);
    tr__call_fini(&call);
    if (rc < 0)
        tr__bump_u64(&room->tally.failures, 1);
    tr_http_client_unref(client);
    return rc;
}

/* ---- the API ---- */

int tr__http_fetch(tr_http_reply **out, tr_http_client *client, const tr_http_call *call,
                   size_t call_size)
{
    tr__client_room *room;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (call == NULL || call_size > sizeof(*call))
        return TR_EINVAL;
    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    rc = tr__client_room_here(&room, client);
    return rc < 0 ? rc : fetch(out, room, call, call_size);
}

int tr_http_get(tr_http_reply **out, const char *url)
{
    return tr_http_fetch(out, NULL, &(tr_http_call){ .url = url });
}

int tr_http_post(tr_http_reply **out, const char *url, const char *type, const void *body,
                 size_t bytes)
{
    return tr_http_fetch(out, NULL,
                         &(tr_http_call){ .method = "POST",
                                          .url = url,
                                          .type = type,
                                          .body = body != NULL || bytes > 0 ? body : "",
                                          .body_bytes = bytes });
}
