/* See service.h. */
#include "service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "page.h"

/* ---- beginning ---- */

/* All the money is there, or it does not serve. */
static int check_books(struct service *s)
{
    struct audit a;
    int rc = store_audit(s->db, &a);

    if (rc == 0 && !a.holds) {
        fprintf(stderr,
                "ledger: --db %s: the books are wrong: %" PRId64 " of %" PRId64 " cents, %" PRId64
                " wrong balances, %" PRId64 " wrong transfers. Somebody else has written into it: "
                "take a copy that is whole.\n",
                s->options->db, a.total, a.supply, a.wrong_balances, a.wrong_transfers);
        s->is_wrong = true;
        return TR_ECORRUPT;
    }
    return rc;
}

static int prepare_data(struct service *s)
{
    const struct options *o = s->options;
    int rc = 0;

    if (o->accounts > 0)
        rc = store_make_demo(s->db, o->accounts);
    if (rc >= 0 && o->accounts > 0)
        rc = login_set_first_password(&s->login, "demo", "demo");
    if (rc >= 0 && o->user != NULL)
        rc = login_set_password(&s->login, o->user, o->password);
    return rc < 0 ? rc : check_books(s);
}

int service_begin(struct service *s, const struct options *o)
{
    int rc;

    *s = (struct service){ .options = o, .work = TR_SEMAPHORE_INIT(WORK_MOST) };
    rc = store_open(&s->db, o->db, o->group_most);
    if (rc < 0)
        return rc;
    login_init(&s->login, s->db, o->hash_cost);
    s->accounts = (struct accounts){ s->db, o->idle, &s->work };
    s->metrics = metrics_new();
    s->routes =
        (struct routes){ .db = s->db,
                         .accounts = &s->accounts,
                         .feed = &s->feed,
                         .metrics = s->metrics,
                         .patience = o->patience,
                         .transfers = { s->db, &s->accounts, &s->feed, s->metrics, o->patience } };
    rc = s->metrics == NULL ? TR_ENOMEM : prepare_data(s);
    return rc < 0 ? rc : feed_init(&s->feed, s->db);
}

/* ---- serving ---- */

static void write_line(void *unused, const char *line)
{
    (void)unused;
    puts(line);
}

/* The order is that in which a request meets them. */
static void add_middleware(struct service *s, tr_http_server *srv)
{
    const struct options *o = s->options;

    tr_http_use(srv, metrics_middleware(s->metrics));
    if (o->log)
        tr_http_use(srv, tr_http_log(&(tr_http_log_options){
                             .format = o->json ? TR_HTTP_LOG_JSON : TR_HTTP_LOG_COMBINED,
                             .write = write_line }));
    tr_http_use(srv, tr_http_request_id());
    tr_http_use(srv, tr_http_compress(NULL));
    if (o->auth)
        tr_http_use(srv, login_middleware(&s->login));
}

struct tell_address_args {
    struct service *service;
    tr_http_server *srv;
    void (*tell)(const struct options *options, const char *address);
};

/* That it can't listen is what tr_http_serve returns. */
static int tell_address(void *arg)
{
    const struct tell_address_args *a = arg;

    if (tr_http_await_ready(a->srv) == 0) {
        a->service->is_listening = true;
        a->tell(a->service->options, tr_http_address(a->srv));
    }
    return 0;
}

int service_serve(struct service *s,
                  void (*tell)(const struct options *options, const char *address))
{
    tr_http_server *srv = NULL;
    int failed = 0, rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = s->options->listen,
                                                                     .title = "Ledger",
                                                                     .version = "1.0" });

    if (rc < 0)
        return rc;
    add_middleware(s, srv);
    routes_add(&s->routes, srv);
    login_route(&s->login, srv);
    page_add(srv);
    TR_SCOPE(scope, &failed) { /* without one of these it does not serve */
        tr_go(scope, feed_publish, .feed = &s->feed);
        tr_go(scope, tell_address, .service = s, .srv = srv, .tell = tell);
        rc = tr_http_serve(srv); /* what could not be added is returned here */
        tr_scope_cancel(scope);
    }
    return rc < 0 && rc != TR_ECANCELED ? rc : failed;
}

/* ---- ending ---- */

/* Actors that have a permit are at the database, and so are errands of transfers. */
static int close_database(struct service *s)
{
    int rc = 0;

    TR_SHIELD(TR_FOREVER) {
        (void)tr_semaphore_acquire_many(&s->work, WORK_MOST, TR_FOREVER); /* nothing cancels */
        rc = tr_db_close(s->db);
    }
    return rc;
}

int service_end(struct service *s)
{
    int rc = s->db == NULL ? 0 : close_database(s);

    feed_fini(&s->feed);
    metrics_free(s->metrics);
    return rc;
}
