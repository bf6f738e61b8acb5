/* Who answers requests: upstreams, each with a circuit breaker, and which of a route's is next.
 *
 * All loops use them at the same time: what counts is atomic, and each figure stands for itself, so
 * all of it is relaxed. */
#ifndef GATEWAY_UPSTREAM_H
#define GATEWAY_UPSTREAM_H

#include <stdatomic.h>
#include <troupe/net.h>

#include "options.h"

struct upstream {
    const char *url; /* without a slash at its end */
    bool has_path;   /* which takes the place of the route's prefix */
    tr_breaker breaker;
    atomic_bool is_down; /* so says the last health check */
    atomic_long in_flight;
    atomic_ulong answers[6]; /* by the first digit of their status */
    atomic_ulong errors;     /* without an answer */
    atomic_ulong retries;    /* requests that another one had failed before */
};

struct route {
    const char *prefix; /* without a slash at its end: "" is all */
    struct upstream *upstreams;
    size_t count;
    bool least;
    atomic_ulong turn;
    const struct gateway *gateway;
};

struct gateway {
    const struct options *options;
    tr_http_client *client;
    struct route *routes;
    size_t count;
};

/* 0; TR_ENOMEM. In either case gateway_fini. */
int gateway_init(struct gateway *gateway, const struct options *options);
void gateway_fini(struct gateway *gateway);

/* The next upstream that is not among those tried, is not down, and whose breaker gives a pass; it
 * has been tried then. NULL: there is none. Give it back with how it went. */
struct upstream *upstream_take(struct route *route, uint64_t *tried, int *pass);
void upstream_give_back(struct upstream *upstream, int pass, int rc);

/* A task: ask all upstreams for their health, again and again. arg is the gateway. */
int upstreams_watch(void *arg);

#endif
