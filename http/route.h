/* Routes and what stands around them, inside. */
#ifndef TR_HTTP_ROUTE_H
#define TR_HTTP_ROUTE_H

#include <troupe/http.h>

#include "http/message.h"
#include "http/router.h"

/* A middleware that was used. */
typedef struct tr__http_layer {
    struct tr__http_layer *next;
    tr_http_middleware middleware;
} tr__http_layer;

struct tr__http_route {
    tr__destination destination;
    tr__http_route *next;  /* added before */
    tr_http_server *group; /* where it was added */
    char *pattern;         /* with the prefixes */
    tr_http_handler fn;
    void *ctx;
    void (*drop)(void *ctx); /* when it is freed; NULL: it is the program's */
    tr_http_route_options options;
    /* What stands around it, the outermost first; made when it is served. */
    const tr_http_middleware **around;
    size_t around_count;
};

/* An error of what was added before: the first is returned when it is served. Returns rc. */
int tr__route_remember(tr_http_server *srv, const char *what, const char *pattern, int rc);
/* Add a route with a context of its own, which it takes, also on error. */
int tr__route_add_owning(tr_http_server *srv, const char *method, const char *pattern,
                         tr_http_handler fn, void *ctx, void (*drop)(void *ctx),
                         const tr_http_route_options *options);
/* Where a request's path leads: sets its path, route, match and limits, or refuses it. */
void tr__route_find(tr_http_request *req);
/* Whether its handler reads the body itself. */
bool tr__route_streams(const tr_http_request *req);
/* Bytes of stack of its handler's task; 0: the default. */
size_t tr__route_stack(const tr_http_request *req);
/* Let the request be answered: by the route, within what stands around it; by a problem document
 * for what no route answers, or what a handler's error means. In the handler's task. */
void tr__route_answer(tr_http_request *req);

/* Handlers have ended with that result, as far in as the caller: let there be an answer now, which
 * middleware can look at. */
void tr__route_settle(tr_http_request *req, int rc);
/* Before it is served: what stands around each route. false: out of memory. */
bool tr__routes_prepare(tr_http_server *srv);
void tr__routes_free(tr_http_server *srv);

#endif
