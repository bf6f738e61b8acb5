/* What is attacked: a route for each kind of a request that can be answered. */
#include "hostile/hostile.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <troupe/net.h>
#include <unistd.h>

#define EXPECT(x) ((x) ? (void)0 : die("the server can't be made: %s", #x))
#include "net/certificates.h"

enum { BIG_BYTES = 16 * 1024 * 1024 };

struct order {
    char *name;
    double price;
    int64_t pieces;
};

TR_DECLARE(order, TR_TEXT(order, name, .required = true, .max_length = 80),
           TR_NUMBER(order, price, .required = true), TR_INTEGER(order, pieces));

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

static int drink(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[4096];
    ssize_t count;

    (void)ctx;
    while ((count = tr_http_read(req, piece, sizeof(piece))) > 0)
        ;
    return count < 0 ? (int)count : tr_http_text(res, 200, "drunk");
}

static int take_order(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const struct order *o = tr_http_body_as(req);

    (void)ctx;
    return tr_http_text(res, 200, "%s", o->name);
}

/* The same bytes for all: what a slow reader costs is what the server needs for it. */
static int send_much(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    return tr_http_send_taken(res, 200, NULL, ctx, BIG_BYTES, NULL);
}

static unsigned long warnings; /* of one loop */

/* A log that grows by what clients do would be an attack, too. */
static void count_warning(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)line;
    if (level >= TR_LOG_WARN)
        warnings++;
}

/* How many bytes of the heap are in use, and how many lines the log has. */
static int tell_state(tr_http_request *req, tr_http_response *res, void *ctx)
{
    struct mallinfo2 info;

    (void)req;
    (void)ctx;
    (void)malloc_trim(0); /* so that what is resident is what is in use */
    info = mallinfo2();
    return tr_http_text(res, 200, "%zu %lu", info.uordblks + info.hblkhd, warnings);
}

static int listen_only(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc;

    (void)req;
    (void)ctx;
    while ((rc = tr_ws_receive(ws, &m)) > 0)
        ;
    return rc;
}

struct service {
    const patience *times;
    int told;
};

/* Both are served, until they are told to stop. */
typedef struct servers {
    tr_http_server *plain, *secure;
    int told;
} servers;

static int tell(void *arg)
{
    const servers *s = arg;
    int rc = tr_http_await_ready(s->plain);
    ports p;

    if (rc == 0)
        rc = tr_http_await_ready(s->secure);
    p = (ports){ tr_http_port(s->plain), tr_http_port(s->secure) };
    if (rc == 0 && write(s->told, &p, sizeof(p)) != (ssize_t)sizeof(p))
        rc = TR_EPIPE;
    return rc;
}

static int run_server(void *server)
{
    return tr_http_serve(*(tr_http_server **)server);
}

static void add_routes(tr_http_server *srv, void *big)
{
    tr_http_route(srv, "GET", "/", hello, NULL);
    tr_http_route(srv, "POST", "/", hello, NULL);
    tr_http_route(srv, "GET", "/big", send_much, big);
    tr_http_route(srv, "GET", "/state", tell_state, NULL);
    tr_http_route_with(srv, "POST", "/drink", drink, NULL,
                       &(tr_http_route_options){ .streams_body = true });
    tr_http_route_with(srv, "POST", "/orders", take_order, NULL,
                       &(tr_http_route_options){ .body = &tr_declared_order });
    tr_http_websocket(srv, "/ws", listen_only, NULL, NULL);
}

/* A context with a certificate that nobody has signed: no client looks at it. */
static tr_tls *make_tls(void)
{
    certificates c;
    tr_tls *tls;

    begin_certificates(&c);
    EXPECT(tr_tls_server_new(&tls, &(tr_tls_options){ .certificate = file_of(&c, "good.pem"),
                                                      .key = file_of(&c, "good.key") }) == 0);
    end_certificates(&c);
    return tls;
}

static tr_http_server *make_server(const patience *times, tr_tls *tls, void *big)
{
    tr_http_server *srv;
    tr_http_config config = { .listen = "127.0.0.1:0",
                              .tls = tls,
                              .connections_most = -1,
                              .head_timeout = times->head,
                              .body_timeout = times->body,
                              .write_timeout = times->write,
                              .idle_timeout = 3600,
                              .drain = 20 };

    EXPECT(tr_http_server_new(&srv, &config) == 0);
    add_routes(srv, big);
    return srv;
}

static int serve(void *arg)
{
    const struct service *service = arg;
    void *big = allocate(BIG_BYTES);
    tr_tls *tls = make_tls();
    servers s = { make_server(service->times, NULL, big), make_server(service->times, tls, big),
                  service->told };
    int rc;

    TR_SCOPE(scope, &rc) {
        (void)tr_scope_spawn(scope, tell, &s); /* the scope has their results */
        (void)tr_scope_spawn(scope, run_server, &s.plain);
        (void)tr_scope_spawn(scope, run_server, &s.secure);
    }
    tr_tls_unref(tls);
    free(big);
    return rc;
}

/* As many descriptors as the machine allows. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* with fewer it may do, too */
    }
}

int server_run(const patience *times, int told)
{
    struct service service = { times, told };
    int rc;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* else it would outlive a test that was killed */
    raise_limit();
    tr_log_set(count_warning, NULL);
    rc = tr_run(serve, &service, &(tr_config){ .loops = 1 });
    return rc == 0 || rc == TR_ECANCELED ? 0 : 1; /* it was told to stop */
}
