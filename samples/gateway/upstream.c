/* See upstream.h. */
#include "upstream.h"

#include <stdlib.h>
#include <string.h>

/* ---- to begin with ---- */

static void cut_slash(char *text)
{
    size_t bytes = strlen(text);

    if (bytes > 0 && text[bytes - 1] == '/')
        text[bytes - 1] = '\0';
}

/* "http://host:1/" has a path, as for other proxies: the prefix is taken away. */
static void init_upstream(struct upstream *u, char *url, const struct options *o)
{
    u->has_path = strchr(strstr(url, "://") + 3, '/') != NULL;
    cut_slash(url);
    u->url = url;
    u->breaker.failures = (unsigned)o->failures;
    u->breaker.open_for = o->open_for;
}

static int init_route(struct route *route, const struct route_options *of, struct gateway *g)
{
    cut_slash(of->prefix);
    route->prefix = of->prefix;
    route->least = g->options->least;
    route->gateway = g;
    route->upstreams = calloc(of->upstreams_count, sizeof(*route->upstreams));
    if (route->upstreams == NULL)
        return TR_ENOMEM;
    route->count = of->upstreams_count;
    for (size_t i = 0; i < route->count; i++)
        init_upstream(&route->upstreams[i], of->upstreams[i], g->options);
    return 0;
}

int gateway_init(struct gateway *g, const struct options *o)
{
    const tr_http_client_config config = { .proxy = "", /* it is one */
                                           .connect_timeout = o->connect_timeout,
                                           .head_timeout = o->answer_timeout,
                                           .read_timeout = o->idle_timeout,
                                           .write_timeout = o->idle_timeout,
                                           .redirects_most = -1,
                                           .is_uncompressed = true };
    int rc = tr_http_client_new(&g->client, &config);

    g->options = o;
    g->routes = rc == 0 ? calloc(o->routes_count, sizeof(*g->routes)) : NULL;
    if (rc == 0 && g->routes == NULL)
        rc = TR_ENOMEM;
    for (size_t i = 0; rc == 0 && i < o->routes_count; i++) {
        g->count++;
        rc = init_route(&g->routes[i], &o->routes[i], g);
    }
    return rc;
}

void gateway_fini(struct gateway *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->routes[i].upstreams);
    free(g->routes);
    tr_http_client_unref(g->client);
}

/* ---- whose turn it is ---- */

static long in_flight(struct upstream *u)
{
    return atomic_load_explicit(&u->in_flight, memory_order_relaxed);
}

/* The index of the best one that was not tried; below 0: none. Where all have as many requests
 * under way it goes round, too. */
static long find_best(struct route *route, uint64_t tried)
{
    size_t first = atomic_fetch_add_explicit(&route->turn, 1, memory_order_relaxed);
    long best = -1;

    for (size_t i = 0; i < route->count; i++) {
        size_t at = (first + i) % route->count;
        struct upstream *u = &route->upstreams[at];

        if ((tried >> at & 1) != 0 || atomic_load_explicit(&u->is_down, memory_order_relaxed))
            continue;
        if (best < 0 || (route->least && in_flight(u) < in_flight(&route->upstreams[best])))
            best = (long)at;
        if (!route->least)
            break;
    }
    return best;
}

struct upstream *upstream_take(struct route *route, uint64_t *tried, int *pass)
{
    long at;

    while ((at = find_best(route, *tried)) >= 0) {
        struct upstream *u = &route->upstreams[at];

        *tried |= (uint64_t)1 << at;
        *pass = tr_breaker_enter(&u->breaker);
        if (*pass >= 0) {
            atomic_fetch_add_explicit(&u->in_flight, 1, memory_order_relaxed);
            return u;
        }
    }
    return NULL;
}

void upstream_give_back(struct upstream *u, int pass, int rc)
{
    atomic_fetch_sub_explicit(&u->in_flight, 1, memory_order_relaxed);
    (void)tr_breaker_leave(&u->breaker, pass, rc); /* it was given */
}

/* ---- health ---- */

struct check_health_args {
    const struct gateway *gateway;
    struct upstream *upstream;
};

static int check_health(void *arg)
{
    const struct check_health_args *a = arg;
    tr_http_reply *reply tr_cleanup_reply = NULL;
    size_t origin = strcspn(a->upstream->url + strlen("https://"), "/") + strlen("https://");
    char url[2048];
    int rc, status;

    if ((size_t)snprintf(url, sizeof(url), "%.*s%s", (int)origin, a->upstream->url,
                         a->gateway->options->health) >= sizeof(url))
        return TR_EINVAL;
    rc = tr_http_fetch(
        &reply, a->gateway->client,
        &(tr_http_call){ .url = url, .timeout = a->gateway->options->answer_timeout });
    if (rc == TR_ECANCELED)
        return rc;
    status = rc == 0 ? tr_http_reply_status(reply) : 0;
    atomic_store_explicit(&a->upstream->is_down, status < 200 || status >= 400,
                          memory_order_relaxed);
    return 0;
}

int upstreams_watch(void *arg)
{
    const struct gateway *g = arg;
    int rc = 0;

    while (rc == 0) {
        TR_SCOPE(checks, &rc) {
            for (size_t r = 0; r < g->count; r++)
                for (size_t u = 0; u < g->routes[r].count; u++)
                    tr_go(checks, check_health, .gateway = g,
                          .upstream = &g->routes[r].upstreams[u]);
        }
        if (rc == 0)
            rc = tr_sleep(g->options->health_interval);
    }
    return rc;
}
