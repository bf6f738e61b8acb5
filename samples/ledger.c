/* ledger: accounts, and transfers between them that are not lost: a service that real clients use.
 *
 *    HTTP (a task for each request)        account/17, account/23 ...: actors, found by name
 *      |                                     what each has, in memory; they end when nobody asks
 *      |  GET /accounts/:id  ---- tr_ask --------> answered without a disk
 *      |
 *      |  POST /transfers ---- tr_db_write ---->  the database's own thread
 *      |       awaits                              both postings and the key, or nothing; what
 *      |                                           comes at the same time shares one fsync
 *      |       <-------- it is on disk -----------
 *      |       tells both actors, and the feed
 *      |
 *      |  GET /events ---- a room of WebSockets, and server-sent events: postings in their order,
 *      |                   from the database, from wherever somebody has left off
 *      |  POST /login ---- scrypt, on the CPU pool, while the loops go on
 *      +  GET /            a page on which balances move
 *
 * What has to hold, and stands in ledger/store.h: the money is always all there; a transfer that
 * was answered 200 is on disk, whole, once, whatever happens then. `GET /audit` looks whether that
 * is so, and so does the start. ledger/drive.py kills it under load, and compares.
 *
 *   Build:   cc -O2 -Iledger ledger.c ledger/[a-z]*.c \
 *               $(pkg-config --cflags --libs troupe-net troupe-db libcrypto)
 *   Run:     ./ledger --accounts 16            then open http://127.0.0.1:8080/
 *            curl --json '{"from":1,"to":2,"cents":500}' -H 'Idempotency-Key: rent-may' \
 *                 http://127.0.0.1:8080/transfers
 *   Prints:  listening on 127.0.0.1:8080
 *
 * In ledger/: store.c is the database, accounts.c the actors, transfers.c the heart; routes.c,
 * login.c, feed.c, metrics.c and page.c are what their names say. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/db.h>
#include <troupe/net.h>

#include "ledger/accounts.h"
#include "ledger/feed.h"
#include "ledger/login.h"
#include "ledger/metrics.h"
#include "ledger/options.h"
#include "ledger/page.h"
#include "ledger/routes.h"
#include "ledger/store.h"

/* One a process: actors may look at it until the runtime has stopped. */
static struct ledger {
    struct options options;
    tr_db *db;
    tr_semaphore work;
    struct accounts accounts;
    struct feed feed;
    struct login login;
    struct metrics *metrics;
    struct routes routes;
    bool is_listening;
    bool is_wrong; /* the books; it has been said */
} ledger;

/* ---- what it says ---- */

static void write_line(void *unused, const char *line)
{
    (void)unused;
    puts(line);
}

/* For who has started it: a person, or a program that reads JSON. That it can't listen is what
 * tr_http_serve returns. */
static int tell(void *srv)
{
    if (tr_http_await_ready(srv) < 0)
        return 0;
    ledger.is_listening = true;
    printf(ledger.options.json ? "{\"listening\":\"%s\"}\n" : "listening on %s\n",
           tr_http_address(srv));
    fflush(stdout);
    return 0;
}

/* What can be done about it; "": nothing but to look. */
static const char *advice(int rc)
{
    switch (rc) {
    case TR_ENOENT:
    case -EISDIR:
    case -EACCES:
    case -EROFS:
    case TR_EOPEN:
        return ". Give a file that may be written, in a folder that is there";
    case TR_ECORRUPT:
        return ". Give another file, or move this one away";
    case TR_EBUSY:
        return ". Another program writes into it: end that";
    case TR_ENOSPC:
        return ". Make room on its disk";
    default:
        return "";
    }
}

static void explain_db(int rc)
{
    fprintf(stderr, "ledger: --db %s: %s; %s%s.\n", ledger.options.db, tr_strerror(rc), tr_db_why(),
            advice(rc));
}

static void explain_listen(int rc)
{
    fprintf(stderr,
            "ledger: --listen %s: %s. Give an address of this machine, and a port that is free, "
            "like 127.0.0.1:8081; or port 0, and it says which.\n",
            ledger.options.listen, tr_strerror(rc));
}

/* ---- beginning ---- */

/* All the money is there, or it does not serve. */
static int check_books(void)
{
    struct audit a;
    int rc = store_audit(ledger.db, &a);

    if (rc == 0 && !a.holds) {
        fprintf(stderr,
                "ledger: --db %s: the books are wrong: %" PRId64 " of %" PRId64 " cents, %" PRId64
                " wrong balances, %" PRId64 " wrong transfers. Somebody else has written into it: "
                "take a copy that is whole.\n",
                ledger.options.db, a.total, a.supply, a.wrong_balances, a.wrong_transfers);
        ledger.is_wrong = true;
        return TR_ECORRUPT;
    }
    return rc;
}

static int prepare_data(void)
{
    const struct options *o = &ledger.options;
    int rc = 0;

    if (o->accounts > 0)
        rc = store_make_demo(ledger.db, o->accounts);
    if (rc >= 0 && o->accounts > 0)
        rc = login_set_first_password(&ledger.login, "demo", "demo");
    if (rc >= 0 && o->user != NULL)
        rc = login_set_password(&ledger.login, o->user, o->password);
    return rc < 0 ? rc : check_books();
}

static int prepare(void)
{
    const struct options *o = &ledger.options;
    int rc = store_open(&ledger.db, o->db, o->group_most);

    if (rc < 0)
        return rc;
    login_init(&ledger.login, ledger.db);
    ledger.work = (tr_semaphore)TR_SEMAPHORE_INIT(WORK_MOST);
    ledger.accounts = (struct accounts){ ledger.db, o->idle, &ledger.work };
    ledger.metrics = metrics_new();
    ledger.routes = (struct routes){ .db = ledger.db,
                                     .accounts = &ledger.accounts,
                                     .feed = &ledger.feed,
                                     .metrics = ledger.metrics,
                                     .patience = o->patience,
                                     .transfers = { ledger.db, &ledger.accounts, &ledger.feed,
                                                    ledger.metrics, o->patience } };
    rc = ledger.metrics == NULL ? TR_ENOMEM : prepare_data();
    return rc < 0 ? rc : feed_init(&ledger.feed, ledger.db);
}

/* ---- serving ---- */

/* The order is that in which a request meets them. */
static void add_middleware(tr_http_server *srv)
{
    const struct options *o = &ledger.options;

    tr_http_use(srv, metrics_middleware(ledger.metrics));
    if (o->log)
        tr_http_use(srv, tr_http_log(&(tr_http_log_options){
                             .format = o->json ? TR_HTTP_LOG_JSON : TR_HTTP_LOG_COMBINED,
                             .write = write_line }));
    tr_http_use(srv, tr_http_request_id());
    tr_http_use(srv, tr_http_compress(NULL));
    if (o->auth)
        tr_http_use(srv, login_middleware(&ledger.login));
}

static int serve(void)
{
    tr_http_server *srv = NULL;
    int rc = tr_http_server_new(
        &srv,
        &(tr_http_config){ .listen = ledger.options.listen, .title = "Ledger", .version = "1.0" });

    if (rc < 0)
        return rc;
    add_middleware(srv);
    routes_add(&ledger.routes, srv);
    login_route(&ledger.login, srv);
    page_add(srv);
    TR_SCOPE(s, NULL) {
        tr_go(s, feed_publish, .feed = &ledger.feed);
        tr_task_spawn(NULL, tell, srv);
        rc = tr_http_serve(srv); /* what could not be added is returned here */
        tr_scope_cancel(s);
    }
    if (rc < 0 && rc != TR_ECANCELED && !ledger.is_listening)
        explain_listen(rc);
    return rc;
}

/* What was begun is done, although nobody may wait for its answer any more. */
static int finish(void)
{
    int rc = 0;

    TR_SHIELD(TR_FOREVER) {
        (void)tr_semaphore_acquire_many(&ledger.work, WORK_MOST, TR_FOREVER); /* nothing cancels */
        rc = tr_db_close(ledger.db);
    }
    return rc;
}

static int app(void *unused)
{
    int rc = prepare(), ended = 0;

    (void)unused;
    if (rc == 0)
        rc = serve();
    else if (rc != TR_ECANCELED && !ledger.is_wrong)
        explain_db(rc);
    if (ledger.db != NULL)
        ended = finish();
    feed_fini(&ledger.feed);
    metrics_free(ledger.metrics);
    return rc < 0 && rc != TR_ECANCELED ? rc : ended;
}

int main(int argc, char **argv)
{
    options_read(&ledger.options, argc, argv);
    setvbuf(stdout, NULL, _IOLBF, 0); /* a line is whole, whoever reads it */
    return tr_main(argc, argv, app, NULL, &(tr_config){ .loops = ledger.options.loops });
}
