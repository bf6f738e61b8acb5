/* What the connections of a loop share: limits of time, buffers, requests, the date.
 *
 * A limit's connections stand in a list by the time when they are due. As all that are in one list
 * may be there equally long, who enters goes to its end: so there is nothing to sort, and one timer
 * for all. */
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "http/connection.h"
#include "http/date.h"
#include "net/system.h"

enum {
    BLOCK_BYTES = 16 * 1024,
    SPARE_BLOCKS = 256, /* that are kept */
    SPARE_REQUESTS = 256
};
#define NS_PER_S 1e9
#define LONG_S   1e9 /* longer than anything lasts */

/* ---- limits ---- */

static double limit_s(const tr_http_config *config, tr__http_limit limit)
{
    static const double LINGER_S = 5;
    const double seconds[TR__LIMIT_COUNT] = {
        [TR__LIMIT_IDLE] = config->idle_timeout, [TR__LIMIT_HEAD] = config->head_timeout,
        [TR__LIMIT_BODY] = config->body_timeout, [TR__LIMIT_WRITE] = config->write_timeout,
        [TR__LIMIT_LINGER] = LINGER_S,
    };

    return seconds[limit];
}

static tr__http_conn *first_of(tr__list *list)
{
    return tr__list_is_empty(list) ? NULL : TR__CONTAINER_OF(list->next, tr__http_conn, link);
}

static void arm(tr__http_worker *worker);

static void on_timer(tr__timer *timer)
{
    tr__http_worker *worker = TR__CONTAINER_OF(timer, tr__http_worker, timer);
    uint64_t now_ns = worker->net->loop->now_ns;

    for (int limit = 0; limit < TR__LIMIT_COUNT; limit++) {
        tr__http_conn *conn;

        while ((conn = first_of(&worker->limited[limit])) != NULL && conn->due_ns <= now_ns)
            tr__conn_expire(conn, (tr__http_limit)limit);
    }
    arm(worker);
}

static void start_timer(tr__http_worker *worker, uint64_t due_ns)
{
    tr__timer_start(&worker->net->loop->wheel, &worker->timer, due_ns, on_timer);
}

static void arm(tr__http_worker *worker)
{
    uint64_t due_ns = UINT64_MAX;

    tr__timer_stop(&worker->net->loop->wheel, &worker->timer);
    for (int limit = 0; limit < TR__LIMIT_COUNT; limit++) {
        const tr__http_conn *conn = first_of(&worker->limited[limit]);

        if (conn != NULL && conn->due_ns < due_ns)
            due_ns = conn->due_ns;
    }
    if (due_ns != UINT64_MAX)
        start_timer(worker, due_ns);
}

/* The timer may ring too early, for one that has gone; never too late. */
void tr__worker_limit(tr__http_conn *conn, tr__http_limit limit)
{
    tr__http_worker *worker = conn->worker;
    double seconds = limit_s(&worker->server->config, limit);

    tr__list_remove(&conn->link);
    conn->limit = limit;
    if (seconds < 0) {
        tr__list_append(&worker->handled, &conn->link);
        return;
    }
    conn->due_ns =
        worker->net->loop->now_ns + (uint64_t)((seconds < LONG_S ? seconds : LONG_S) * NS_PER_S);
    tr__list_append(&worker->limited[limit], &conn->link);
    if (!tr__timer_is_started(&worker->timer)) {
        start_timer(worker, conn->due_ns);
    } else if (conn->due_ns < worker->timer.due_ns) {
        tr__timer_stop(&worker->net->loop->wheel, &worker->timer);
        start_timer(worker, conn->due_ns);
    }
}

void tr__worker_unlimit(tr__http_conn *conn)
{
    conn->limit = TR__LIMIT_COUNT;
    tr__list_remove(&conn->link);
    tr__list_append(&conn->worker->handled, &conn->link);
}

/* ---- connections ---- */

void tr__worker_opened(tr__http_conn *conn)
{
    conn->worker->connections++;
    tr__list_append(&conn->worker->handled, &conn->link);
}

void tr__worker_closed(tr__http_worker *worker, tr__visitor *visitor)
{
    tr__visitors_leave(worker->server->visitors, visitor);
    worker->connections--;
    /* relaxed: a count; nothing is published by it. */
    (void)tr__add_relaxed_u64(&worker->server->connections, UINT64_MAX);
    if (worker->is_draining && worker->connections == 0)
        (void)tr_event_set(&worker->is_empty); /* it is an event */
}

void tr__worker_close_idle(tr__http_worker *worker)
{
    tr__http_conn *conn;

    worker->is_closing = true;
    while ((conn = first_of(&worker->limited[TR__LIMIT_IDLE])) != NULL)
        tr__conn_end_idle(conn);
}

/* ---- buffers ---- */

typedef struct block {
    struct block *next;
} block;

static char *take_block(tr__http_worker *worker)
{
    block *taken = worker->spare_blocks;

    if (taken == NULL)
        return tr__alloc(BLOCK_BYTES);
    worker->spare_blocks = taken->next;
    worker->spare_block_count--;
    return (char *)taken;
}

bool tr__worker_lend(tr__http_worker *worker, tr__buffer *buffer, size_t bytes)
{
    if (buffer->bytes == NULL && bytes <= BLOCK_BYTES) {
        buffer->bytes = take_block(worker);
        if (buffer->bytes == NULL)
            return false;
        buffer->capacity = BLOCK_BYTES;
    }
    return tr__buffer_reserve(buffer, bytes);
}

bool tr__worker_lend_room(tr__http_worker *worker, tr__buffer *buffer)
{
    if (buffer->end < buffer->capacity)
        return true;
    return tr__worker_lend(worker, buffer, buffer->bytes == NULL ? BLOCK_BYTES : BLOCK_BYTES / 4);
}

void tr__worker_give_block(tr__http_worker *worker, tr__buffer *buffer)
{
    if (buffer->bytes == NULL || tr__buffer_count(buffer) > 0)
        return;
    if (buffer->capacity != BLOCK_BYTES || worker->spare_block_count >= SPARE_BLOCKS) {
        tr__buffer_free(buffer);
        return;
    }
    ((block *)(void *)buffer->bytes)->next = worker->spare_blocks;
    worker->spare_blocks = buffer->bytes;
    worker->spare_block_count++;
    *buffer = (tr__buffer){ 0 };
}

/* ---- requests ---- */

tr_http_request *tr__worker_take_request(tr__http_worker *worker)
{
    tr_http_request *req = worker->spare_requests;
    size_t lines = worker->server->config.headers_most;

    if (req != NULL) {
        worker->spare_requests = req->next;
        worker->spare_request_count--;
        return req;
    }
    req = tr__alloc_zeroed(sizeof(*req) + lines * sizeof(req->lines[0]));
    if (req != NULL)
        tr__arena_init(&req->arena);
    return req;
}

static void free_request(tr_http_request *req)
{
    tr__arena_fini(&req->arena);
    tr__buffer_free(&req->res.lines);
    tr__buffer_free(&req->res.body);
    tr__buffer_free(&req->body);
    tr__free(req);
}

void tr__worker_give_request(tr__http_worker *worker, tr_http_request *req)
{
    tr__request_clear(req);
    if (worker->spare_request_count >= SPARE_REQUESTS) {
        free_request(req);
        return;
    }
    req->next = worker->spare_requests;
    worker->spare_requests = req;
    worker->spare_request_count++;
}

void tr__worker_free_spares(tr__http_worker *worker)
{
    while (worker->spare_requests != NULL) {
        tr_http_request *req = worker->spare_requests;

        worker->spare_requests = req->next;
        free_request(req);
    }
    while (worker->spare_blocks != NULL) {
        block *spare = worker->spare_blocks;

        worker->spare_blocks = spare->next;
        tr__free(spare);
    }
}

/* ---- the date ---- */

static void renew_date(tr__http_worker *worker, uint64_t now_ns)
{
    uint64_t wall_ns = tr__sys_wall_ns();
    uint64_t second_ns = (uint64_t)NS_PER_S;
    char text[TR__DATE_BYTES + 1];

    tr__date_format(wall_ns / second_ns, text);
    worker->date_bytes = (size_t)snprintf(worker->date, sizeof(worker->date), "Date: %s\r\n", text);
    worker->date_until_ns = now_ns + second_ns - wall_ns % second_ns;
}

tr__slice tr__worker_date(tr__http_worker *worker)
{
    uint64_t now_ns = worker->net->loop->now_ns;

    if (TR__UNLIKELY(now_ns >= worker->date_until_ns))
        renew_date(worker, now_ns);
    return (tr__slice){ worker->date, worker->date_bytes };
}
