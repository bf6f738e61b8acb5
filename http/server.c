/* A server: made, served, drained. */
#include "http/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/atomic.h"
#include "base/log.h"
#include "base/seam.h"
#include "http/connection.h"
#include "http/description.h"
#include "net/address.h"
#include "net/system.h"
#include "runtime/task.h"

enum {
    HEAD_BYTES = 32 * 1024,
    HEADERS = 100,
    HEADERS_MOST = 250, /* as many as a request can number */
    TARGET_BYTES = 8 * 1024,
    BODY_BYTES = 1024 * 1024,
    CONNECTIONS = 100 * 1000,
    DESCRIPTORS_LEFT = 64 /* for the rest of the program */
};

/* ---- configuration ---- */

static double seconds_or(double given, double otherwise)
{
    return given == 0 ? otherwise : given;
}

static size_t count_or(size_t given, size_t otherwise)
{
    return given == 0 ? otherwise : given;
}

static long connections_allowed(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > CONNECTIONS + DESCRIPTORS_LEFT)
        return CONNECTIONS;
    return limit.rlim_cur > 2 * DESCRIPTORS_LEFT ? (long)limit.rlim_cur - DESCRIPTORS_LEFT
                                                 : (long)limit.rlim_cur / 2 + 1;
}

static bool is_time(double seconds)
{
    return seconds == seconds;
}

static bool is_valid(const tr_http_config *config)
{
    return is_time(config->head_timeout) && is_time(config->body_timeout) &&
           is_time(config->idle_timeout) && is_time(config->write_timeout) &&
           is_time(config->handler_timeout) && is_time(config->drain) &&
           config->headers_most <= HEADERS_MOST && config->head_bytes_most <= BODY_BYTES &&
           config->loops >= 0;
}

static bool copy_text(const char **text)
{
    if (*text == NULL)
        return true;
    *text = tr__copy_string(*text);
    return *text != NULL;
}

/* false: out of memory; what was copied is freed with the server. */
static bool copy_texts(tr_http_config *config)
{
    bool is_copied = copy_text(&config->listen);

    is_copied &= copy_text(&config->server_name);
    is_copied &= copy_text(&config->title);
    is_copied &= copy_text(&config->version);
    return is_copied;
}

static void fill_defaults(tr_http_config *config)
{
    config->listen = config->listen != NULL ? config->listen : "127.0.0.1:8080";
    config->head_bytes_most = count_or(config->head_bytes_most, HEAD_BYTES);
    config->headers_most = count_or(config->headers_most, HEADERS);
    config->target_most = count_or(config->target_most, TARGET_BYTES);
    config->body_most = count_or(config->body_most, BODY_BYTES);
    if (config->connections_most == 0)
        config->connections_most = connections_allowed();
    config->head_timeout = seconds_or(config->head_timeout, 15);
    config->body_timeout = seconds_or(config->body_timeout, 30);
    config->idle_timeout = seconds_or(config->idle_timeout, 75);
    config->write_timeout = seconds_or(config->write_timeout, 60);
    config->drain = seconds_or(config->drain, 10);
}

int tr__http_server_new(tr_http_server **out, const tr_http_config *config, size_t config_size)
{
    tr_http_config all = { 0 };
    tr_http_server *srv;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (config_size > sizeof(all))
        return TR_EINVAL;
    if (config != NULL)
        memcpy(&all, config, config_size);
    if (!is_valid(&all))
        return TR_EINVAL;
    srv = tr__alloc_zeroed(sizeof(*srv));
    if (srv == NULL)
        return TR_ENOMEM;
    srv->root = srv;
    srv->refs = 1;
    fill_defaults(&all);
    srv->config = all;
    srv->config.tls = tr_tls_ref(all.tls);
    if (!copy_texts(&srv->config)) {
        tr_http_server_free(srv);
        return TR_ENOMEM;
    }
    rc = tr__description_add_routes(srv);
    if (rc < 0) {
        tr_http_server_free(srv);
        return rc;
    }
    *out = srv;
    return 0;
}

void tr_http_server_free(tr_http_server *srv)
{
    if (srv == NULL || srv->root != srv)
        return;
    /* ordered: what others have read of it comes before it is freed; pairs with itself. */
    if (tr__add_ordered_u32(&srv->refs, UINT32_MAX) != 1)
        return;
    tr__routes_free(srv);
    tr_tls_unref(srv->config.tls);
    tr__free((void *)(uintptr_t)srv->config.listen);
    tr__free((void *)(uintptr_t)srv->config.server_name);
    tr__free((void *)(uintptr_t)srv->config.title);
    tr__free((void *)(uintptr_t)srv->config.version);
    tr__visitors_free(srv->visitors);
    tr__free(srv->workers);
    tr__free(srv->description);
    tr__free(srv->address);
    tr__free(srv);
}

/* ---- workers ---- */

/* One more connection; false: there are too many. */
static bool count_connection(tr_http_server *srv)
{
    /* relaxed: a count; nothing is published by it. */
    uint64_t before = tr__add_relaxed_u64(&srv->connections, 1);

    if (srv->config.connections_most < 0 || before < (uint64_t)srv->config.connections_most)
        return true;
    /* relaxed: as above. */
    (void)tr__add_relaxed_u64(&srv->connections, UINT64_MAX);
    return false;
}

static void discount_connection(tr_http_server *srv, tr__visitor *visitor)
{
    /* relaxed: as above. */
    (void)tr__add_relaxed_u64(&srv->connections, UINT64_MAX);
    tr__visitors_leave(srv->visitors, visitor);
}

static void on_accept(tr__acceptor *acceptor, int fd, const tr_address *from)
{
    tr__http_worker *worker = TR__CONTAINER_OF(acceptor, tr__http_worker, acceptor);
    tr_http_server *srv = worker->server;
    tr__visitor *visitor = NULL;

    if (!count_connection(srv)) {
        tr__sys_close(fd);
        return;
    }
    if (srv->visitors != NULL && tr__visitors_enter(srv->visitors, from, &visitor) < 0) {
        tr__sys_close(fd);
        discount_connection(srv, NULL);
        return;
    }
    if (!tr__conn_open(worker, fd, visitor))
        discount_connection(srv, visitor);
}

static void init_worker(tr__http_worker *worker, tr_http_server *srv)
{
    memset(worker, 0, sizeof(*worker));
    worker->server = srv;
    for (int i = 0; i < TR__LIMIT_COUNT; i++)
        tr__list_init(&worker->limited[i]);
    tr__list_init(&worker->handled);
}

static int open_worker(tr__http_worker *worker)
{
    tr_http_server *srv = worker->server;
    const char *address = srv->address != NULL ? srv->address : srv->config.listen;
    int rc = tr__net_here(&worker->net);

    if (rc == 0)
        rc = tr__acceptor_open(&worker->acceptor, address,
                               &(tr_listen_options){ .shares_port = true }, on_accept);
    if (rc == 0 && srv->address == NULL) { /* the first one settles the port */
        srv->address = tr__copy_string(worker->acceptor.address);
        if (srv->address == NULL) {
            tr__acceptor_close(&worker->acceptor);
            rc = TR_ENOMEM;
        }
    }
    return rc;
}

/* ---- draining ---- */

static bool is_gone(tr__http_worker *worker, double seconds)
{
    if (worker->connections == 0)
        return true;
    (void)tr_event_clear(&worker->is_empty); /* of those that had ended before others came */
    return tr_event_wait_for(&worker->is_empty, seconds) == 0;
}

/* Close what no handler works on: it has nothing to say any more. */
static void close_waiting(tr__http_worker *worker)
{
    for (int limit = 0; limit < TR__LIMIT_COUNT; limit++) {
        tr__list *node = worker->limited[limit].next;

        while (node != &worker->limited[limit]) {
            tr__http_conn *conn = TR__CONTAINER_OF(node, tr__http_conn, link);

            node = node->next;
            if (conn->state != TR__CONN_HANDLES)
                tr__conn_close(conn);
        }
    }
}

/* One that waits for its client leaves its list as it is cancelled: no limit counts for it then. */
static void cancel_handlers(tr__http_worker *worker)
{
    for (int limit = -1; limit < TR__LIMIT_COUNT; limit++) {
        tr__list *list = limit < 0 ? &worker->handled : &worker->limited[limit];
        tr__list *node = list->next;

        while (node != list) {
            tr__http_conn *conn = TR__CONTAINER_OF(node, tr__http_conn, link);

            node = node->next;
            tr__conn_cancel(conn);
        }
    }
}

/* What speaks something else is told. */
static void tell_upgraded(tr__http_worker *worker)
{
    for (tr__list *node = worker->handled.next; node != &worker->handled; node = node->next) {
        tr__http_conn *conn = TR__CONTAINER_OF(node, tr__http_conn, link);

        if (conn->on_drain != NULL)
            conn->on_drain(conn);
    }
}

/* Idle connections have half of the time for one more request, which may be on its way. */
static void drain_worker(tr__http_worker *worker)
{
    double drain = worker->server->config.drain;
    double half = drain / 2;
    double lingered = 0;

    worker->is_draining = true;
    worker->is_closing = drain <= 0;
    tr__acceptor_stop(&worker->acceptor);
    tell_upgraded(worker);
    if (drain > 0)
        lingered = tr__acceptor_linger(&worker->acceptor, half);
    tr__acceptor_close(&worker->acceptor);
    if (drain > 0 && !is_gone(worker, half > lingered ? half - lingered : 0)) {
        tr__worker_close_idle(worker);
        if (!is_gone(worker, half))
            tr__log(TR_LOG_WARN, "http: %zu connections did not end within %g s",
                    worker->connections, drain);
    }
    close_waiting(worker);
    cancel_handlers(worker);
    (void)is_gone(worker, TR_FOREVER); /* handlers end when they are cancelled */
    tr__timer_stop(&worker->net->loop->wheel, &worker->timer);
    tr__worker_free_spares(worker);
}

/* ---- serving ---- */

static int make_workers(tr_http_server *srv)
{
    int loops = tr_loop_count();

    srv->worker_count =
        srv->config.loops > 0 && srv->config.loops < loops ? srv->config.loops : loops;
    if (tr__address_is_unix(srv->config.listen))
        srv->worker_count = 1; /* nobody shares such an address */
    srv->workers = tr__alloc((size_t)srv->worker_count * sizeof(*srv->workers));
    if (srv->workers == NULL)
        return TR_ENOMEM;
    for (int i = 0; i < srv->worker_count; i++)
        init_worker(&srv->workers[i], srv);
    if (srv->config.connections_each > 0) {
        srv->visitors = tr__visitors_new(srv->config.connections_each);
        if (srv->visitors == NULL)
            return TR_ENOMEM;
    }
    return tr__routes_prepare(srv) ? tr__description_prepare(srv) : TR_ENOMEM;
}

static void announce(tr_http_server *srv, int rc)
{
    tr_address address;

    srv->ready_rc = rc;
    if (rc == 0 && tr_address_parse(&address, srv->address) == 0)
        srv->port = tr_address_port(&address);
    if (rc == 0)
        tr__log(TR_LOG_INFO, "http: listening on %s", srv->address);
    else if (rc != TR_ECANCELED)
        tr__log(TR_LOG_ERROR, "http: can't listen on %s: %s", srv->config.listen, tr_strerror(rc));
    (void)tr_event_set(&srv->ready); /* it is an event */
}

struct run_worker_args {
    tr__http_worker *worker;
};

/* A task on the worker's loop, as long as the server is served. */
static int run_worker(void *arg)
{
    tr__http_worker *worker = ((struct run_worker_args *)arg)->worker;
    int rc = open_worker(worker);

    worker->rc = rc;
    (void)tr_event_set(&worker->is_open); /* it is an event */
    if (rc < 0)
        return rc;
    (void)tr_event_wait(&worker->server->stop); /* or until it is cancelled, which means the same */
    TR_SHIELD(TR_FOREVER) {                     /* draining has limits of its own */
        drain_worker(worker);
    }
    return 0;
}

/* One after the other, for the first one settles the port. */
static int start_workers(tr_http_server *srv, tr_scope *scope)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < srv->worker_count; i++) {
        tr__http_worker *worker = &srv->workers[i];

        rc = tr_go_on(scope, TR_LOOP(i), run_worker, .worker = worker);
        if (rc >= 0)
            rc = tr_event_wait(&worker->is_open);
        if (rc >= 0)
            rc = worker->rc;
    }
    return rc;
}

static int serve(tr_http_server *srv)
{
    int rc = srv->error;

    srv->is_served = true;
    if (rc == 0)
        rc = make_workers(srv);
    if (rc < 0) {
        announce(srv, rc);
        return rc;
    }
    TR_SCOPE(scope, &rc) {
        int started = start_workers(srv, scope);

        announce(srv, started);
        if (started < 0)
            tr_scope_cancel(scope);
        rc = started;
    }
    return tr_event_is_set(&srv->stop) ? 0 : rc;
}

int tr_http_serve(tr_http_server *srv)
{
    int rc;

    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    if (srv == NULL || srv->root != srv)
        return TR_EINVAL;
    rc = serve(srv);
    if (rc < 0) {
        TR_SHIELD(1) {
            (void)tr_yield(); /* tasks that were started to await that it listens hold it then */
        }
    }
    tr_http_server_free(srv);
    return rc;
}

void tr_http_stop(tr_http_server *srv)
{
    if (srv != NULL)
        (void)tr_event_set(&srv->root->stop); /* it is an event */
}

int tr_http_await_ready(tr_http_server *srv)
{
    int rc;

    if (srv == NULL)
        return TR_EINVAL;
    srv = srv->root;
    /* ordered, although relaxed would do: it is not freed before it serves. */
    (void)tr__add_ordered_u32(&srv->refs, 1);
    rc = tr_event_wait(&srv->ready);
    if (rc >= 0)
        rc = srv->ready_rc;
    tr_http_server_free(srv);
    return rc;
}

/* Before that, address and port are of those who start it. */
static bool is_announced(const tr_http_server *srv)
{
    return srv != NULL && tr_event_is_set(&srv->root->ready) && srv->root->ready_rc == 0;
}

const char *tr_http_address(const tr_http_server *srv)
{
    return is_announced(srv) ? srv->root->address : "";
}

int tr_http_port(const tr_http_server *srv)
{
    return is_announced(srv) ? srv->root->port : 0;
}
