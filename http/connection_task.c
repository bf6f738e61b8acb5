/* What the task of a connection's handlers does with it: sends, receives, waits, takes it over. */
#include <errno.h>
#include <string.h>

#include "http/connection.h"
#include "net/system.h"
#include "net/tls_io.h"
#include "runtime/task.h"

enum { STREAK = 16 }; /* calls of a handler that need not wait, until others run */

/* ---- waiting ---- */

typedef struct conn_wait {
    tr__wait wait;
    tr__http_conn *conn;
} conn_wait;

void tr__conn_end_wait(tr__http_conn *conn, int result)
{
    tr__wait *waiter = conn->waiter;

    conn->waiter = NULL;
    tr__worker_unlimit(conn);
    tr__wait_end(waiter, result);
}

static bool withdraw(tr__wait *wait)
{
    tr__http_conn *conn = TR__CONTAINER_OF(wait, conn_wait, wait)->conn;

    conn->waiter = NULL;
    tr__worker_unlimit(conn);
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    awaited->what = "an HTTP client";
    awaited->object = TR__CONTAINER_OF(wait, conn_wait, wait)->conn;
}

static const tr__wait_kind kind = { withdraw, describe };

static int await(tr__http_conn *conn, int events, tr__http_limit limit)
{
    conn_wait w = { .wait = { .task = tr__task_here(), .kind = &kind }, .conn = conn };
    int rc;

    if (w.wait.task == NULL)
        return TR_EWRONGPLACE;
    rc = tr__task_checkpoint(w.wait.task);
    if (rc < 0)
        return rc;
    if (conn->waiter != NULL)
        return TR_EBUSY;
    conn->waiter = &w.wait;
    tr__worker_limit(conn, limit);
    tr__conn_watch(conn, events);
    return tr__wait_suspend(&w.wait);
}

/* A client may be so fast that its handler never has to wait for it. */
static void let_others_run(tr__http_conn *conn)
{
    if (++conn->streak < STREAK)
        return;
    conn->streak = 0;
    (void)tr_yield(); /* who is cancelled is told when it waits */
}

/* ---- sending ---- */

/* What was to be sent has come to this: the connection may be broken by it. */
static int settle_sending(tr__http_conn *conn, int rc)
{
    if (rc < 0 && rc != TR_ECANCELED && rc != TR_EBUSY && rc != TR_EWRONGPLACE)
        conn->is_broken = true;
    return rc;
}

int tr__conn_flush(tr__http_conn *conn, size_t low)
{
    int rc;

    let_others_run(conn);
    if (conn->is_broken)
        return TR_EPIPE;
    while ((rc = tr__conn_send(conn)) == -EAGAIN && (low == 0 || tr__conn_unsent(conn) > low))
        if ((rc = await(conn, EV_WRITE, TR__LIMIT_WRITE)) < 0)
            break;
    return rc == -EAGAIN ? 0 : settle_sending(conn, rc);
}

int tr__conn_send_file(tr__http_conn *conn, tr__file_pipe *pipe)
{
    int rc = tr__conn_flush(conn, 0);

    while (rc == 0 && pipe->held > 0) {
        rc = tr__file_pipe_empty(pipe, conn->watcher.fd);
        if (rc == -EAGAIN)
            rc = await(conn, EV_WRITE, TR__LIMIT_WRITE);
    }
    return settle_sending(conn, rc);
}

char *tr__conn_room(tr__http_conn *conn, size_t bytes)
{
    if (!tr__worker_lend(conn->worker, &conn->out, bytes))
        return NULL;
    return conn->out.bytes + conn->out.end;
}

void tr__conn_put_tail(tr__http_conn *conn, void *data, size_t bytes, void (*drop)(void *data))
{
    conn->tail = (tr__tail){ .data = data, .bytes = bytes, .drop = drop };
}

/* ---- receiving ---- */

/* Understand what stands in the input buffer. What belongs to the next request stays there. */
static int parse_body(tr__http_conn *conn)
{
    tr_http_request *req = conn->req;
    size_t used;
    tr__parsed parsed =
        tr__parse(req, conn->in.bytes + conn->in.begin, tr__buffer_count(&conn->in), &used);

    tr__buffer_take(&conn->in, used);
    if (parsed != TR__PARSED_REFUSED)
        return 0;
    conn->is_last = true;
    return req->refusal == 413 ? TR_ETOOLARGE : req->refusal == 503 ? TR_ENOMEM : TR_ESYNTAX;
}

/* The client says no more, and yet may hear: what a handler that gives up answers. */
static int end_early(tr_http_request *req)
{
    req->refusal = 400;
    req->reason = "the body has ended too early";
    return TR_EEND;
}

int tr__conn_read_body(tr__http_conn *conn)
{
    int rc = tr__conn_move_head(conn);
    ssize_t count;

    let_others_run(conn);
    if (rc == 0 && !tr__conn_send_continue(conn))
        rc = TR_ENOMEM;
    if (rc == 0 && tr__conn_unsent(conn) > 0)
        rc = tr__conn_flush(conn, 0);
    if (rc < 0)
        return rc;
    for (;;) {
        if (!tr__worker_lend_room(conn->worker, &conn->in))
            return TR_ENOMEM;
        count =
            tr__conn_receive(conn, conn->in.bytes + conn->in.end, conn->in.capacity - conn->in.end);
        if (count != -EAGAIN)
            break;
        tr__worker_give_block(conn->worker, &conn->in); /* it may wait for long */
        if ((rc = await(conn, EV_READ, TR__LIMIT_BODY)) < 0)
            return rc;
    }
    if (count <= 0) {
        conn->is_broken = count < 0;
        conn->is_last = true;
        return count == 0 ? end_early(conn->req) : (int)count;
    }
    conn->in.end += (size_t)count;
    return parse_body(conn);
}

bool tr__conn_has_more(const tr__http_conn *conn)
{
    const tr_http_request *req = conn->req;
    size_t own = req->moved != NULL ? 0 : req->total_bytes;

    return tr__buffer_count(&conn->in) > own || tr__conn_has_pending(conn) ||
           tr__sys_peek(conn->watcher.fd) > 0;
}

/* ---- taking it over ---- */

/* Bytes behind the request are no HTTP: they belong to the stream. */
static bool hand_over_input(tr__http_conn *conn, tr__buffer *in)
{
    size_t own = conn->req->moved != NULL ? 0 : conn->req->total_bytes;
    const char *begin = conn->in.bytes + conn->in.begin + own;
    size_t count = (size_t)(conn->in.bytes + conn->in.end - begin);

    if (count == 0)
        return true;
    if (!tr__buffer_reserve(in, count))
        return false;
    memcpy(in->bytes + in->end, begin, count);
    in->end += count;
    return true;
}

int tr__conn_detach(tr__http_conn *conn, tr_io **out)
{
    int rc = tr__conn_flush(conn, 0);
    tr_io *io = NULL;

    *out = NULL;
    if (rc == 0)
        rc = tr__io_new(&io, conn->watcher.fd, true);
    if (rc < 0 || io == NULL) {
        conn->is_broken = true; /* what was said can't be taken back */
        return rc;
    }
    tr__conn_unwatch(conn);
    conn->is_detached = true;
    if (conn->tls != NULL) {
        tr__io_become_tls(io, conn->tls);
        conn->tls = NULL;
    }
    if (!hand_over_input(conn, &io->in)) {
        (void)tr_close(io); /* on its loop */
        return TR_ENOMEM;
    }
    *out = io;
    return 0;
}

void tr__conn_cancel(tr__http_conn *conn)
{
    if (conn->task != NULL)
        (void)tr_task_cancel(conn->task); /* it runs, or has not begun */
}
