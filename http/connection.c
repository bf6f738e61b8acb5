/* The life of a connection; what its handlers do with it is in connection_task.c. */
#include "http/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/seam.h"
#include "net/system.h"
#include "runtime/locals.h"
#include "runtime/task.h"

enum {
    OUT_MOST = 12 * 1024, /* that may wait to go out before the next request is handled: then most
                             answers to many that came at once fit into one block */
    TURN_MOST = 64,       /* requests of one connection, until others run */
    LINGER_READS = 16,    /* of what a client sends that is not listened to, at once */
};

static int serve(void *conn);

/* What is to be done next with a connection, where it does not wait for anything. */
typedef enum next {
    NOTHING, /* it waits, its handlers run, or it is gone */
    SEND,    /* what is to go out */
    GO_ON,   /* all that was asked for has been answered */
    ADVANCE  /* understand what has come */
} next;

static void proceed(tr__http_conn *conn, next step);

/* ---- watching ---- */

void tr__conn_watch(tr__http_conn *conn, int events)
{
    if (ev_is_active(&conn->watcher) && (conn->watcher.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(conn->worker->net->ev, &conn->watcher);
    ev_io_set(&conn->watcher, conn->watcher.fd, events);
    ev_io_start(conn->worker->net->ev, &conn->watcher);
}

void tr__conn_unwatch(tr__http_conn *conn)
{
    ev_io_stop(conn->worker->net->ev, &conn->watcher);
}

/* ---- opening and closing ---- */

static void give_back(tr__http_conn *conn, tr__buffer *buffer)
{
    tr__worker_give_block(conn->worker, buffer);
}

/* Whatever is in it. */
static void drop_buffer(tr__http_conn *conn, tr__buffer *buffer)
{
    buffer->begin = 0;
    buffer->end = 0;
    give_back(conn, buffer);
}

static void drop_tail(tr__http_conn *conn)
{
    if (conn->tail.data != NULL && conn->tail.drop != NULL)
        conn->tail.drop(conn->tail.data);
    conn->tail = (tr__tail){ 0 };
}

static void release_request(tr__http_conn *conn)
{
    if (conn->req == NULL)
        return;
    tr__worker_give_request(conn->worker, conn->req);
    conn->req = NULL;
}

void tr__conn_close(tr__http_conn *conn)
{
    tr__http_worker *worker = conn->worker;
    tr__visitor *visitor = conn->visitor;

    tr__conn_unwatch(conn);
    release_request(conn);
    tr__partial_drop(conn);
    drop_tail(conn);
    drop_buffer(conn, &conn->in);
    drop_buffer(conn, &conn->out);
    tr__tls_free(conn->tls);
    tr__free(conn->peer);
    if (!conn->is_detached)
        tr__sys_close(conn->watcher.fd);
    tr__list_remove(&conn->link);
    tr__free(conn);
    tr__worker_closed(worker, visitor);
}

/* ---- sending ---- */

/* The answer is out, and nothing more will be: say so, and read until the client has closed, too.
 * Else what it still sends would let the system reset the connection, and the client might never
 * see the answer. */
static void linger(tr__http_conn *conn)
{
    release_request(conn);
    drop_buffer(conn, &conn->in);
    drop_buffer(conn, &conn->out);
    tr__conn_end(conn);
    if (conn->has_peer_ended) {
        tr__conn_close(conn);
        return;
    }
    conn->state = TR__CONN_LINGERS;
    tr__worker_limit(conn, TR__LIMIT_LINGER);
    tr__conn_watch(conn, EV_READ);
}

void tr__conn_end_idle(tr__http_conn *conn)
{
    conn->is_last = true;
    linger(conn);
}

static next send_out(tr__http_conn *conn)
{
    int rc = tr__conn_send(conn);

    if (rc == 0 && !conn->is_last)
        return GO_ON;
    if (rc == 0) {
        linger(conn);
    } else if (rc == -EAGAIN) {
        if (conn->req == NULL)
            give_back(conn, &conn->in);
        give_back(conn, &conn->out); /* a body may be left that is not in it */
        conn->state = TR__CONN_WRITES;
        tr__worker_limit(conn, TR__LIMIT_WRITE);
        tr__conn_watch(conn, EV_WRITE);
    } else {
        tr__conn_close(conn);
    }
    return NOTHING;
}

/* Answer what is refused before it has come to a handler. Nothing that follows can be understood.
 * */
static void refuse(tr__http_conn *conn)
{
    conn->is_last = true;
    tr__response_refuse(conn->req);
    release_request(conn);
}

/* ---- reading ---- */

/* Whether a client still waits to be told to send the body. Behind the head of an answer, it would
 * stand within its body. */
static bool is_continue_due(const tr_http_request *req)
{
    return req != NULL && req->wants_continue && !req->is_complete && req->body_bytes == 0 &&
           req->res.stage != TR__ANSWER_OUT;
}

bool tr__conn_send_continue(tr__http_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *room;

    if (!is_continue_due(conn->req))
        return true;
    conn->req->wants_continue = false;
    room = tr__conn_room(conn, sizeof(text) - 1);
    if (room == NULL)
        return false;
    memcpy(room, text, sizeof(text) - 1);
    tr__conn_put(conn, sizeof(text) - 1);
    return true;
}

/* Understand what has come so far; begins a request if none has begun. */
static tr__parsed parse(tr__http_conn *conn)
{
    tr_http_request *req = conn->req;
    size_t used;
    tr__parsed parsed;
    const char *begin;

    if (req == NULL) {
        req = tr__worker_take_request(conn->worker);
        if (req == NULL)
            return TR__PARSED_NO_MEMORY;
        conn->req = req;
        req->conn = conn;
        tr__parse_begin(req);
    }
    begin = conn->in.bytes + conn->in.begin + req->total_bytes;
    parsed = tr__parse(req, begin, (size_t)(conn->in.bytes + conn->in.end - begin), &used);
    req->total_bytes += used;
    if (parsed != TR__PARSED_ALL && req->has_head && parsed != TR__PARSED_REFUSED) {
        /* The body was copied: only the head is kept, unless it was copied, too. */
        req->total_bytes = req->moved == NULL ? req->head_bytes : 0;
        conn->in.end = conn->in.begin + req->total_bytes;
    }
    return parsed;
}

/* There was no memory for the task's stack. */
static void on_unborn(tr__waiter *waiter, int status)
{
    tr__http_conn *conn = TR__CONTAINER_OF(waiter, tr__http_conn, unborn);

    (void)tr_future_status(tr_task_future(conn->task)); /* it is looked at: nobody misses it */
    tr_task_unref(conn->task);
    conn->task = NULL;
    conn->req->refusal = 503;
    conn->req->reason = tr_strerror(status);
    refuse(conn);
    proceed(conn, SEND);
}

/* Let the request be handled. */
static void start_handler(tr__http_conn *conn)
{
    const tr_task_options options = { .stack_bytes = tr__route_stack(conn->req) };

    conn->state = TR__CONN_HANDLES;
    tr__worker_unlimit(conn);
    if (tr__task_spawn(&conn->task, serve, conn, "http request", &options, sizeof(options)) < 0) {
        tr__conn_close(conn);
        return;
    }
    conn->unborn.notify = on_unborn;
    (void)tr__future_enlist(tr_task_future(conn->task),
                            &conn->unborn); /* it can't have ended yet */
}

/* Wait for more. What could not go out yet (of a handshake) goes on. */
static void await_bytes(tr__http_conn *conn)
{
    tr__conn_watch(conn, tr__conn_unsent(conn) > 0 ? EV_READ | EV_WRITE : EV_READ);
}

int tr__conn_move_head(tr__http_conn *conn)
{
    tr_http_request *req = conn->req;
    char *copy;

    if (req->moved != NULL)
        return 0;
    copy = tr__arena_take(&req->arena, req->head_bytes);
    if (copy == NULL)
        return TR_ENOMEM;
    memcpy(copy, tr__request_head(req), req->head_bytes);
    req->moved = copy;
    tr__buffer_take(&conn->in, req->total_bytes);
    req->total_bytes = 0;
    return 0;
}

/* Who waits for more of a request, or for the next one, may wait for long: what it does not need
 * meanwhile goes back to the worker. Without memory for that it stays. */
static void hold_little(tr__http_conn *conn)
{
    if (conn->req != NULL && !conn->req->has_head) {
        tr__partial_put_away(conn);
        return;
    }
    if (conn->req != NULL &&
        (conn->req->head_bytes > TR__PARTIAL_MOST || tr__conn_move_head(conn) < 0))
        return;
    give_back(conn, &conn->in);
}

/* What it waits for, at most how long. A handshake has the time of a head, together with the first
 * one. */
static tr__http_limit limit_of(const tr__http_conn *conn)
{
    if (conn->req != NULL)
        return conn->req->has_head ? TR__LIMIT_BODY : TR__LIMIT_HEAD;
    return conn->tls != NULL && !conn->is_handshaken ? TR__LIMIT_HEAD : TR__LIMIT_IDLE;
}

/* A head has its time from the first byte on: more of it makes that no longer. */
static void await_more(tr__http_conn *conn)
{
    tr__http_limit limit = limit_of(conn);

    conn->state = TR__CONN_READS;
    if (limit != TR__LIMIT_HEAD || conn->limit != TR__LIMIT_HEAD)
        tr__worker_limit(conn, limit);
    hold_little(conn);
    await_bytes(conn);
    if (tr__conn_has_pending(conn)) /* it has come already, and only TLS knows */
        ev_feed_event(conn->worker->net->ev, &conn->watcher, EV_READ);
}

/* All that has come was read, and is not enough: it has no more time for that. (Not even if TLS has
 * some bytes of a record: to look at them again and again would be all that the loop does.) */
static void await_still(tr__http_conn *conn)
{
    if (conn->limit == TR__LIMIT_HEAD && limit_of(conn) == TR__LIMIT_IDLE) {
        await_more(conn); /* hands have been shaken */
        return;
    }
    hold_little(conn);
    await_bytes(conn);
}

/* Whether what was understood is for a handler now. */
static bool is_due(const tr__http_conn *conn, tr__parsed parsed)
{
    return parsed == TR__PARSED_ALL || (parsed == TR__PARSED_HEAD && tr__route_streams(conn->req));
}

static next advance(tr__http_conn *conn)
{
    tr__parsed parsed = parse(conn);

    if (is_due(conn, parsed)) {
        start_handler(conn);
        return NOTHING;
    }
    if (parsed == TR__PARSED_REFUSED) {
        refuse(conn);
        return SEND;
    }
    if (parsed == TR__PARSED_NO_MEMORY || !tr__conn_send_continue(conn)) {
        tr__conn_close(conn);
        return NOTHING;
    }
    if (tr__conn_unsent(conn) > 0)
        return SEND;
    await_more(conn);
    return NOTHING;
}

/* While the server drains, who was not told that nothing more is answered may have asked already,
 * and is heard for a while, as others that idle. */
static next go_on(tr__http_conn *conn)
{
    if (conn->req == NULL && tr__buffer_count(&conn->in) > 0)
        return ADVANCE;
    give_back(conn, &conn->out);
    if (conn->has_peer_ended || (conn->worker->is_closing && conn->req == NULL)) {
        conn->is_last = true;
        linger(conn);
    } else {
        await_more(conn);
    }
    return NOTHING;
}

static void proceed(tr__http_conn *conn, next step)
{
    while (step != NOTHING)
        step = step == SEND ? send_out(conn) : step == GO_ON ? go_on(conn) : advance(conn);
}

static void read_more(tr__http_conn *conn)
{
    ssize_t count;

    if ((conn->partial != NULL && !tr__partial_take_up(conn)) ||
        !tr__worker_lend_room(conn->worker, &conn->in)) {
        tr__conn_close(conn);
        return;
    }
    count = tr__conn_receive(conn, conn->in.bytes + conn->in.end, conn->in.capacity - conn->in.end);
    if (count > 0) {
        conn->in.end += (size_t)count;
        proceed(conn, ADVANCE);
        return;
    }
    if (count != -EAGAIN) {
        tr__conn_close(conn); /* who ends within a request has none */
        return;
    }
    await_still(conn);
}

/* A handshake's bytes that could not go out before. */
static bool send_rest(tr__http_conn *conn)
{
    int rc = tr__conn_send(conn);

    if (rc == 0 || rc == -EAGAIN)
        return true;
    tr__conn_close(conn);
    return false;
}

/* ---- the handlers' task ---- */

/* The request was answered: what it has taken of the input is gone. */
static void finish_request(tr__http_conn *conn)
{
    tr__buffer_take(&conn->in, conn->req->total_bytes);
    release_request(conn);
}

/* Whether the next request has come already. */
static bool has_next(tr__http_conn *conn)
{
    tr__parsed parsed;

    if (conn->is_last || conn->is_broken || conn->is_detached || tr__buffer_count(&conn->in) == 0 ||
        tr__conn_unsent(conn) > OUT_MOST || conn->tail.data != NULL)
        return false;
    parsed = parse(conn);
    if (parsed == TR__PARSED_REFUSED)
        refuse(conn);
    if (is_due(conn, parsed))
        return true;
    if (parsed == TR__PARSED_NO_MEMORY || !tr__conn_send_continue(conn))
        conn->is_broken = true;
    return false;
}

static int serve(void *arg)
{
    tr__http_conn *conn = arg;
    int count = 0;

    tr__future_delist(&conn->unborn);
    do {
        tr__route_answer(conn->req);
        finish_request(conn);
        tr__locals_forget(); /* values of one request are none of the next one's */
        if (++count % TURN_MOST == 0)
            (void)tr_yield(); /* one that is cancelled goes on, and ends soon */
    } while (has_next(conn));
    tr_task_unref(conn->task);
    conn->task = NULL;
    if (conn->is_broken || conn->is_detached)
        tr__conn_close(conn);
    else
        proceed(conn, SEND);
    return 0;
}

/* ---- events ---- */

/* A handler runs, and does not listen: has the client gone? */
static void look_for_reset(tr__http_conn *conn)
{
    int rc = tr__sys_peek(conn->watcher.fd);

    if (rc == -EAGAIN) { /* it could be written to, which nobody waits for any more */
        tr__conn_watch(conn, EV_READ);
        return;
    }
    tr__conn_unwatch(conn);
    if (rc < 0) {
        conn->is_broken = true;
        tr__conn_cancel(conn);
    }
}

static void discard(tr__http_conn *conn)
{
    char nowhere[4096];
    ssize_t count = 0;

    for (int i = 0; i < LINGER_READS; i++)
        if ((count = tr__sys_recv(conn->watcher.fd, nowhere, sizeof(nowhere))) <= 0)
            break;
    if (count == 0 || (count < 0 && count != -EAGAIN))
        tr__conn_close(conn);
}

static void on_event(struct ev_loop *ev, ev_io *watcher, int events)
{
    tr__http_conn *conn = TR__CONTAINER_OF(watcher, tr__http_conn, watcher);

    (void)ev;
    switch (conn->state) {
    case TR__CONN_READS:
        if ((events & EV_WRITE) == 0 || send_rest(conn))
            read_more(conn);
        break;
    case TR__CONN_HANDLES:
        if (conn->waiter != NULL)
            tr__conn_end_wait(conn, 0);
        else
            look_for_reset(conn);
        break;
    case TR__CONN_WRITES:
        proceed(conn, SEND);
        break;
    case TR__CONN_LINGERS:
        discard(conn);
        break;
    }
}

bool tr__conn_open(tr__http_worker *worker, int fd, tr__visitor *visitor)
{
    tr__http_conn *conn = tr__alloc_zeroed(sizeof(*conn));

    if (conn == NULL || (worker->server->config.tls != NULL &&
                         tr__tls_new(&conn->tls, worker->server->config.tls, true, NULL) < 0)) {
        tr__free(conn);
        tr__sys_close(fd);
        return false;
    }
    conn->worker = worker;
    conn->visitor = visitor;
    ev_io_init(&conn->watcher, on_event, fd, EV_READ);
    tr__worker_opened(conn);
    await_more(conn);
    return true;
}

static void refuse_late(tr__http_conn *conn)
{
    bool is_known = conn->partial == NULL || tr__partial_take_up(conn);

    if (!is_known || conn->req == NULL) { /* or it has not shaken hands: it would not understand */
        tr__conn_close(conn);
        return;
    }
    conn->req->refusal = 408;
    conn->req->reason = "the request came too slowly";
    refuse(conn);
    proceed(conn, SEND);
}

/* A request that comes too slowly is told so; a client that takes nothing can't be. */
void tr__conn_expire(tr__http_conn *conn, tr__http_limit limit)
{
    if (conn->waiter != NULL) {
        if (limit == TR__LIMIT_BODY) { /* what a handler that gives up answers */
            conn->req->refusal = 408;
            conn->req->reason = "the request came too slowly";
        }
        tr__conn_end_wait(conn, TR_ETIMEDOUT);
    } else if (limit == TR__LIMIT_HEAD || limit == TR__LIMIT_BODY) {
        refuse_late(conn);
    } else if (limit == TR__LIMIT_IDLE) {
        tr__conn_end_idle(conn); /* a request that is on its way must not reset it */
    } else {
        tr__conn_close(conn);
    }
}
