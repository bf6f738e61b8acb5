/* Serving streams: a listener on each loop, a task for each connection. */
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <troupe/event.h>
#include <troupe/task.h>

#include "base/atomic.h"
#include "base/log.h"
#include "base/seam.h"
#include "net/io.h"
#include "net/listener.h"
#include "net/system.h"
#include "net/visitors.h"
#include "runtime/future.h"
#include "runtime/task.h"

enum { DESCRIPTORS_LEFT = 64 }; /* for the rest of the program */

typedef struct service {
    tr_serve_options options;
    tr_io_handler fn;
    void *arg;
    const char *address; /* with the port that was settled on */
    char settled[TR__ADDRESS_TEXT];
    uint64_t connections;   /* of all workers: shared */
    tr__visitors *visitors; /* by address, also shared; NULL: they are not limited */
    tr_event stop;
} service;

/* On one loop. */
typedef struct worker {
    service *service;
    tr__acceptor acceptor;
    tr__list clients;
    bool is_stopping;
    tr_event is_open; /* or could not be, as rc says */
    tr_event is_empty;
    int rc;
} worker;

typedef struct client {
    tr__list link;
    worker *worker;
    tr__visitor *visitor; /* whose it is; NULL: they are not limited */
    tr_io *io;
    tr_task *task;
    tr__waiter unborn; /* told if the task ends before it has begun */
} client;

/* ---- clients ---- */

/* An error that is this side's, and nobody else sees. */
static void report(const worker *w, int rc)
{
    switch (rc) {
    case TR_ECANCELED:
    case TR_EPIPE:
    case TR_ECONNRESET:
    case TR_EEND:
    case TR_ETIMEDOUT:
        return;
    default:
        tr__log(TR_LOG_WARN, "net: a connection at %s ended with an error: %s (%s)",
                w->acceptor.address, tr_strerror(rc), tr_err_name(rc));
    }
}

static void forget(client *c)
{
    worker *w = c->worker;

    tr__list_remove(&c->link);
    tr__visitors_leave(w->service->visitors, c->visitor);
    tr__free(c);
    /* relaxed: a count; nothing is published by it. */
    (void)tr__add_relaxed_u64(&w->service->connections, UINT64_MAX);
    if (tr__list_is_empty(&w->clients) && w->is_stopping)
        (void)tr_event_set(&w->is_empty); /* it is an event */
    if (!w->is_stopping)
        tr__acceptor_resume(&w->acceptor);
}

static int run_client(void *arg)
{
    client *c = arg;
    worker *w = c->worker;
    int rc;

    tr__future_delist(&c->unborn);
    rc = w->service->fn(c->io, w->service->arg);
    if (rc < 0)
        report(w, rc);
    (void)tr_close(c->io); /* on its loop; what could not go out is lost with the connection */
    tr_task_unref(c->task);
    forget(c);
    return 0;
}

/* There was no memory for the task's stack. */
static void on_unborn(tr__waiter *waiter, int status)
{
    client *c = TR__CONTAINER_OF(waiter, client, unborn);

    report(c->worker, status);
    (void)tr_future_status(tr_task_future(c->task)); /* it is looked at: nobody misses it */
    tr_task_unref(c->task);
    (void)tr_close(c->io); /* on its loop */
    forget(c);
}

static bool start_client(client *c)
{
    const tr_task_options options = { .stack_bytes = c->worker->service->options.stack_bytes };

    if (tr__task_spawn(&c->task, run_client, c, "connection", &options, sizeof(options)) < 0)
        return false;
    c->unborn.notify = on_unborn;
    (void)tr__future_enlist(tr_task_future(c->task), &c->unborn); /* it can't have ended yet */
    return true;
}

/* ---- accepting ---- */

/* Of all workers together. Whoever is at the limit looks again when a client of its own ends, and
 * every now and then, for those of others. In the end all are let in who have been. */
static bool may_accept(tr__acceptor *acceptor)
{
    const worker *w = TR__CONTAINER_OF(acceptor, worker, acceptor);

    /* relaxed: a count, which may be passed by what other loops accept at this moment. */
    return w->is_stopping ||
           tr__load_relaxed_u64(&w->service->connections) < (uint64_t)w->service->options.most;
}

static bool let_in(const service *s, client *c, int fd, const tr_address *from)
{
    if (s->visitors != NULL && tr__visitors_enter(s->visitors, from, &c->visitor) < 0)
        return false;
    if (tr__io_new(&c->io, fd, true) == 0)
        return true;
    tr__visitors_leave(s->visitors, c->visitor);
    return false;
}

static void on_accept(tr__acceptor *acceptor, int fd, const tr_address *from)
{
    worker *w = TR__CONTAINER_OF(acceptor, worker, acceptor);
    client *c = tr__alloc_zeroed(sizeof(*c));

    if (c == NULL || !let_in(w->service, c, fd, from)) {
        tr__sys_close(fd);
        tr__free(c);
        return;
    }
    c->worker = w;
    tr__list_append(&w->clients, &c->link);
    /* relaxed: as in forget. */
    (void)tr__add_relaxed_u64(&w->service->connections, 1);
    if (!start_client(c)) {
        (void)tr_close(c->io); /* on its loop */
        forget(c);
    }
}

/* ---- a worker ---- */

static int open_worker(worker *w)
{
    service *s = w->service;
    int rc;

    tr__list_init(&w->clients);
    rc = tr__acceptor_open(&w->acceptor, s->address, &s->options.listen, on_accept);
    w->acceptor.may_accept = may_accept;
    if (rc == 0 && s->address != s->settled) { /* the first one settles the port */
        memcpy(s->settled, w->acceptor.address, sizeof(s->settled));
        s->address = s->settled;
    }
    return rc;
}

static void cancel_clients(worker *w)
{
    for (tr__list *node = w->clients.next; node != &w->clients; node = node->next)
        (void)tr_task_cancel(TR__CONTAINER_OF(node, client, link)->task); /* it has one */
}

static void stop_worker(worker *w)
{
    double grace = w->service->options.grace;

    tr__acceptor_stop(&w->acceptor);
    (void)tr__acceptor_linger(&w->acceptor,
                              grace > TR__LISTEN_LINGER_S ? grace : TR__LISTEN_LINGER_S);
    w->is_stopping = true;
    tr__acceptor_close(&w->acceptor);
    if (!tr__list_is_empty(&w->clients) && grace > 0)
        (void)tr_event_wait_for(&w->is_empty, grace); /* then they are cancelled */
    cancel_clients(w);
    while (!tr__list_is_empty(&w->clients))
        (void)tr_event_wait(&w->is_empty); /* shielded; they end when they are cancelled */
}

struct run_worker_args {
    worker *worker;
};

static int run_worker(void *arg)
{
    worker *w = ((struct run_worker_args *)arg)->worker;

    w->rc = open_worker(w);
    (void)tr_event_set(&w->is_open); /* it is an event */
    if (w->rc < 0)
        return w->rc;
    (void)tr_event_wait(&w->service->stop); /* or until it is cancelled, which means the same */
    TR_SHIELD(TR_FOREVER) {
        stop_worker(w);
    }
    return 0;
}

/* ---- serving ---- */

static int start_workers(service *s, worker *workers, int count, tr_scope *scope)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < count; i++) {
        workers[i].service = s;
        rc = tr_go_on(scope, TR_LOOP(i), run_worker, .worker = &workers[i]);
        if (rc >= 0)
            rc = tr_event_wait(&workers[i].is_open);
        if (rc >= 0)
            rc = workers[i].rc;
    }
    return rc;
}

static int serve(service *s, worker *workers, int count)
{
    int rc = 0;

    TR_SCOPE(scope, &rc) {
        int started = start_workers(s, workers, count, scope);

        if (started < 0)
            tr_scope_cancel(scope);
        else if (s->options.on_ready != NULL)
            s->options.on_ready(s->arg, s->settled);
        rc = started;
        if (started == 0)
            rc = tr_event_wait(&s->stop); /* until it is cancelled */
    }
    return rc;
}

static long connections_allowed(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > LONG_MAX)
        return LONG_MAX;
    return limit.rlim_cur > 2 * DESCRIPTORS_LEFT ? (long)limit.rlim_cur - DESCRIPTORS_LEFT
                                                 : (long)limit.rlim_cur / 2 + 1;
}

/* false: they are out of range. */
static bool fill_options(tr_serve_options *options)
{
    if (isnan(options->grace) || options->loops < 0)
        return false;
    options->most = options->most > 0 ? options->most : connections_allowed();
    options->grace = options->grace == 0 ? 10 : options->grace;
    options->listen.shares_port = true;
    return true;
}

int tr__serve(const char *address, tr_io_handler fn, void *arg, const tr_serve_options *options,
              size_t options_size)
{
    service s = { .fn = fn, .arg = arg, .address = address };
    int count = tr_loop_count();
    worker *workers;
    int rc;

    if (address == NULL || fn == NULL || options_size > sizeof(s.options))
        return TR_EINVAL;
    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    if (options != NULL)
        memcpy(&s.options, options, options_size);
    if (!fill_options(&s.options))
        return TR_EINVAL;
    if (s.options.loops > 0 && s.options.loops < count)
        count = s.options.loops;
    if (tr__address_is_unix(address))
        count = 1; /* nobody shares such an address */
    workers = tr__alloc_zeroed((size_t)count * sizeof(*workers));
    if (s.options.most_each > 0)
        s.visitors = tr__visitors_new(s.options.most_each);
    if (workers == NULL || (s.options.most_each > 0 && s.visitors == NULL))
        rc = TR_ENOMEM;
    else
        rc = serve(&s, workers, count);
    tr__visitors_free(s.visitors);
    tr__free(workers);
    return rc;
}
