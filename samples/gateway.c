/* gateway: a reverse proxy, which stands before servers and gives each request to one of them.
 *
 *    client ---> server (http.h) ---> route: the longest prefix ---> upstream: whose turn it is,
 *                   |                                                and whose breaker is closed
 *                   +- forward.c, a task for each request:
 *                      tr_http_read  --- .source --->  tr_http_fetch        the request's body
 *                      tr_http_write <---------------  tr_http_reply_read   the answer's
 *
 * Bodies go through while they come, in both directions, and who is slow holds up the other: so
 * memory does not depend on their size. An upstream that fails again and again gets no requests for
 * a time (tr_breaker), nor one that does not answer to health checks; what may be repeated goes to
 * another one. WebSockets pass, too: where the upstream agrees, both connections become a tunnel.
 *
 *   Build:   cc -O2 gateway.c gateway/[a-z]*.c $(pkg-config --cflags --libs troupe-net)
 *   Run:     ./gateway 127.0.0.1:8080 /hello=http://127.0.0.1:9001,http://127.0.0.1:9002
 *   Prints:  listening on 127.0.0.1:8080
 *
 * In gateway/: forward.c passes on; tunnel.c, WebSockets; upstream.c chooses; headers.c knows which
 * headers go through; metrics.c and options.c are what their names say. */
#include <stdio.h>
#include <stdlib.h>
#include <troupe/net.h>

#include "gateway/forward.h"
#include "gateway/metrics.h"
#include "gateway/options.h"
#include "gateway/upstream.h"

static int tell(void *srv)
{
    int rc = tr_http_await_ready(srv);

    if (rc == 0)
        printf("listening on %s\n", tr_http_address(srv));
    fflush(stdout);
    return rc;
}

/* What can't be added is remembered, and returned by tr_http_serve. */
static void add_route(tr_http_server *srv, struct route *route)
{
    static const char *const methods[] = { "GET",   "HEAD",   "POST",   "PUT",
                                           "PATCH", "DELETE", "OPTIONS" };
    const tr_http_route_options options = { .streams_body = true, .is_hidden = true };
    char below[1024];

    (void)snprintf(below, sizeof(below), "%.1000s/*rest", route->prefix);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        tr_http_route_with(srv, methods[i], below, forward, route, &options);
        if (*route->prefix != '\0')
            tr_http_route_with(srv, methods[i], route->prefix, forward, route, &options);
    }
}

static int serve(struct gateway *g)
{
    tr_http_server *srv = NULL;
    int rc =
        tr_http_server_new(&srv, &(tr_http_config){ .listen = g->options->listen,
                                                    .body_most = SIZE_MAX,
                                                    .body_timeout = g->options->idle_timeout,
                                                    .write_timeout = g->options->idle_timeout });

    if (rc < 0)
        return rc;
    tr_http_use(srv, tr_http_log(NULL)); /* TROUPE_LOG=info shows it */
    tr_http_health(srv, NULL, NULL);
    tr_http_route(srv, "GET", "/metrics", metrics, g);
    for (size_t i = 0; i < g->count; i++)
        add_route(srv, &g->routes[i]);
    tr_task_spawn(NULL, tell, srv);
    return tr_http_serve(srv);
}

static int run(struct gateway *g)
{
    int rc = 0, served = 0;

    TR_SCOPE(around, &rc) {
        if (g->options->health != NULL)
            tr_scope_spawn(around, upstreams_watch, g);
        served = serve(g);
        tr_scope_cancel(around);
    }
    return rc < 0 && rc != TR_ECANCELED ? rc : served;
}

static int app(void *arg)
{
    struct gateway g = { 0 };
    int rc = gateway_init(&g, arg);

    if (rc == 0)
        rc = run(&g);
    gateway_fini(&g);
    return rc == TR_ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    static struct options options; /* for as long as the program: so is what it points to */

    options_read(&options, argc, argv);
    return tr_main(argc, argv, app, &options, NULL);
}
