/* Routes, groups, middleware: how a request is answered. */
#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/seam.h"
#include "http/connection.h"
#include "http/declare.h"
#include "http/declared.h"
#include "http/percent.h"
#include "runtime/task.h"

#define NS_PER_S 1e9
#define LONG_S   1e9 /* longer than anything lasts */

/* ---- adding ---- */

int tr__route_remember(tr_http_server *srv, const char *what, const char *pattern, int rc)
{
    tr_http_server *root = srv->root;

    if (rc >= 0)
        return rc;
    tr__log(TR_LOG_ERROR, "http: %s \"%s\" was refused: %s", what, pattern, tr_strerror(rc));
    if (root->error == 0)
        root->error = rc;
    return rc;
}

/* The number of a method's name; below 0: llhttp, and so this server, does not know it. */
static int method_of(const char *name)
{
    static const char *const names[] = {
#define NAME(number, name, text) [number] = #text,
        HTTP_METHOD_MAP(NAME)
#undef NAME
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return i == HTTP_CONNECT ? -1 : (int)i;
    return -1;
}

static size_t prefix_bytes(const tr_http_server *group)
{
    size_t bytes = 0;

    for (; group != NULL; group = group->outer)
        bytes += group->prefix != NULL ? strlen(group->prefix) : 0;
    return bytes;
}

/* The pattern behind the prefixes of all groups; NULL: out of memory. */
static char *whole_pattern(const tr_http_server *group, const char *pattern)
{
    size_t bytes = prefix_bytes(group);
    char *whole = tr__alloc(bytes + strlen(pattern) + 1);

    if (whole == NULL)
        return NULL;
    memcpy(whole + bytes, pattern, strlen(pattern) + 1);
    for (; group != NULL; group = group->outer)
        if (group->prefix != NULL) {
            bytes -= strlen(group->prefix);
            memcpy(whole + bytes, group->prefix, strlen(group->prefix));
        }
    return whole;
}

static bool copy_text(const char **text)
{
    if (*text == NULL)
        return true;
    *text = tr__copy_string(*text);
    return *text != NULL;
}

/* false: out of memory; what was copied is freed with the route. */
static bool copy_texts(tr_http_route_options *options)
{
    bool is_copied = copy_text(&options->summary);

    is_copied &= copy_text(&options->tag);
    return is_copied;
}

static void free_route(tr__http_route *route)
{
    if (route == NULL)
        return;
    if (route->drop != NULL)
        route->drop(route->ctx);
    tr__free((void *)(uintptr_t)route->options.summary);
    tr__free((void *)(uintptr_t)route->options.tag);
    tr__free(route->around);
    tr__free(route->pattern);
    tr__free(route);
}

/* Takes ctx on success only. */
static int add_route(tr_http_server *srv, int method, const char *pattern, tr_http_handler fn,
                     void *ctx, void (*drop)(void *ctx), const tr_http_route_options *options)
{
    tr_http_server *root = srv->root;
    tr__http_route *route = tr__alloc_zeroed(sizeof(*route));
    bool is_copied;
    int rc;

    if (route == NULL)
        return TR_ENOMEM;
    route->group = srv;
    route->fn = fn;
    route->ctx = ctx;
    route->options = *options;
    is_copied = copy_texts(&route->options);
    route->pattern = whole_pattern(srv, pattern);
    rc = !is_copied || route->pattern == NULL
             ? TR_ENOMEM
             : tr__router_add(&root->router, route->pattern, (uint32_t)method, &route->destination);
    if (rc < 0) {
        free_route(route);
        return rc;
    }
    route->drop = drop;
    route->next = root->routes;
    root->routes = route;
    return 0;
}

/* Patterns are compiled now: a handler's stack may be too small for that. */
static int check_declarations(const tr_http_route_options *options)
{
    int rc = options->body != NULL ? tr__declared_check(options->body) : 0;

    if (rc == 0 && options->answer != NULL)
        rc = tr__declared_check(options->answer);
    return rc;
}

static int add_checked(tr_http_server *srv, const char *method, const char *pattern,
                       tr_http_handler fn, void *ctx, void (*drop)(void *ctx),
                       const tr_http_route_options *options)
{
    int number = method != NULL ? method_of(method) : -1;
    int rc;

    if (srv == NULL)
        return TR_EINVAL;
    if (srv->root->is_served)
        return TR_EBUSY;
    if (number < 0 || pattern == NULL || fn == NULL)
        return tr__route_remember(srv, "route", pattern != NULL ? pattern : "", TR_EINVAL);
    if (options->streams_body && options->body != NULL) /* it is filled when it is there whole */
        return tr__route_remember(srv, "route", pattern, TR_EINVAL);
    rc = check_declarations(options);
    if (rc < 0)
        return tr__route_remember(srv, "route", pattern, rc);
    return tr__route_remember(srv, "route", pattern,
                              add_route(srv, number, pattern, fn, ctx, drop, options));
}

int tr__route_add_owning(tr_http_server *srv, const char *method, const char *pattern,
                         tr_http_handler fn, void *ctx, void (*drop)(void *ctx),
                         const tr_http_route_options *options)
{
    int rc = add_checked(srv, method, pattern, fn, ctx, drop, options);

    if (rc < 0 && drop != NULL)
        drop(ctx);
    return rc;
}

int tr__http_route_add(tr_http_server *srv, const char *method, const char *pattern,
                       tr_http_handler fn, void *ctx, const tr_http_route_options *options,
                       size_t options_size)
{
    tr_http_route_options all = { 0 };

    if (options_size > sizeof(all))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(&all, options, options_size);
    return add_checked(srv, method, pattern, fn, ctx, NULL, &all);
}

static bool is_prefix(const char *prefix)
{
    size_t bytes = prefix != NULL ? strlen(prefix) : 0;

    return bytes == 0 ? prefix != NULL : prefix[0] == '/' && prefix[bytes - 1] != '/';
}

int tr_http_group(tr_http_server **group, tr_http_server *srv, const char *prefix)
{
    tr_http_server *made;

    if (group == NULL)
        return TR_EINVAL;
    *group = NULL;
    if (srv == NULL)
        return TR_EINVAL;
    if (srv->root->is_served)
        return TR_EBUSY;
    if (!is_prefix(prefix))
        return tr__route_remember(srv, "group", prefix != NULL ? prefix : "", TR_EINVAL);
    made = tr__alloc_zeroed(sizeof(*made));
    if (made != NULL)
        made->prefix = tr__copy_string(prefix);
    if (made == NULL || made->prefix == NULL) {
        tr__free(made);
        return tr__route_remember(srv, "group", prefix, TR_ENOMEM);
    }
    made->root = srv->root;
    made->outer = srv;
    made->next = srv->root->groups;
    srv->root->groups = made;
    *group = made;
    return 0;
}

static void drop_middleware(const tr_http_middleware *middleware)
{
    if (middleware->drop != NULL)
        middleware->drop(middleware->ctx);
}

int tr_http_use(tr_http_server *srv, tr_http_middleware middleware)
{
    tr__http_layer *layer = NULL;
    tr__http_layer **last;
    int rc = middleware.error;

    if (rc == 0 && (srv == NULL || middleware.fn == NULL))
        rc = TR_EINVAL;
    if (rc == 0 && srv->root->is_served)
        rc = TR_EBUSY;
    if (rc == 0) {
        layer = tr__alloc_zeroed(sizeof(*layer));
        rc = layer != NULL ? 0 : TR_ENOMEM;
    }
    if (rc < 0 || layer == NULL) {
        drop_middleware(&middleware);
        return srv == NULL || rc == TR_EBUSY ? rc : tr__route_remember(srv, "middleware", "", rc);
    }
    layer->middleware = middleware;
    for (last = &srv->layers; *last != NULL; last = &(*last)->next)
        ;
    *last = layer;
    return 0;
}

/* ---- what stands around a route ---- */

static size_t count_layers(const tr_http_server *group)
{
    size_t count = 0;

    for (; group != NULL; group = group->outer)
        for (const tr__http_layer *layer = group->layers; layer != NULL; layer = layer->next)
            count++;
    return count;
}

/* The list ends there; of the outermost group first. */
static void list_layers(const tr_http_server *group, const tr_http_middleware **end)
{
    for (; group != NULL; group = group->outer) {
        size_t count = 0;

        for (const tr__http_layer *layer = group->layers; layer != NULL; layer = layer->next)
            count++;
        end -= count;
        for (const tr__http_layer *layer = group->layers; layer != NULL; layer = layer->next)
            *end++ = &layer->middleware;
        end -= count;
    }
}

static bool prepare(tr__http_route *route)
{
    size_t count = count_layers(route->group);

    if (count == 0)
        return true;
    route->around = tr__alloc(count * sizeof(tr_http_middleware *));
    if (route->around == NULL)
        return false;
    route->around_count = count;
    list_layers(route->group, route->around + count);
    return true;
}

bool tr__routes_prepare(tr_http_server *srv)
{
    for (tr__http_route *route = srv->routes; route != NULL; route = route->next)
        if (!prepare(route))
            return false;
    srv->lost.group = srv;
    return prepare(&srv->lost);
}

static void free_layers(tr_http_server *group)
{
    while (group->layers != NULL) {
        tr__http_layer *layer = group->layers;

        group->layers = layer->next;
        drop_middleware(&layer->middleware);
        tr__free(layer);
    }
}

void tr__routes_free(tr_http_server *srv)
{
    tr__router_fini(&srv->router);
    while (srv->routes != NULL) {
        tr__http_route *route = srv->routes;

        srv->routes = route->next;
        free_route(route);
    }
    while (srv->groups != NULL) {
        tr_http_server *group = srv->groups;

        srv->groups = group->next;
        free_layers(group);
        tr__free(group->prefix);
        tr__free(group);
    }
    free_layers(srv);
    tr__free(srv->lost.around);
}

/* ---- finding ---- */

static void refuse(tr_http_request *req, int status, const char *reason)
{
    req->refusal = status;
    req->reason = reason;
}

/* The path of a target: "/path?query", or "http://host/path?query" (RFC 9112, 3.2). */
static tr__slice path_of(tr__slice target)
{
    const char *end = target.at + target.bytes;
    const char *at = target.at;
    const char *stop;

    if (target.bytes > 0 && *at != '/') {
        const char *host = memmem(at, target.bytes, "://", 3);

        if (host == NULL)
            return (tr__slice){ at, 0 };
        host += 3;
        at = memchr(host, '/', (size_t)(end - host));
        if (at == NULL)
            return (tr__slice){ "/", 1 };
    }
    for (stop = at; stop < end && *stop != '?' && *stop != '#'; stop++)
        ;
    return (tr__slice){ at, (size_t)(stop - at) };
}

static const tr__http_route *choose(const tr__match *match, uint32_t method)
{
    const tr__destination *get = NULL;

    for (const tr__destination *d = match->all; d != NULL; d = d->next) {
        if (d->method == method)
            return TR__CONTAINER_OF(d, tr__http_route, destination);
        if (d->method == HTTP_GET)
            get = d;
    }
    return method == HTTP_HEAD && get != NULL ? TR__CONTAINER_OF(get, tr__http_route, destination)
                                              : NULL;
}

void tr__route_find(tr_http_request *req)
{
    const tr_http_server *srv = req->conn->worker->server;
    tr__slice target = tr__request_slice(req, req->target);
    tr__slice path = path_of(target);
    char *copy;
    ssize_t bytes;

    if (memchr(target.at, '#', target.bytes) != NULL) {
        refuse(req, 400, "a URL is asked for without its fragment");
        return;
    }
    req->body_most = srv->config.body_most;
    req->match.all = NULL;
    req->match.param_count = 0;
    if (target.bytes == 1 && target.at[0] == '*' && req->parser.method == HTTP_OPTIONS) {
        req->path = "*";
        return;
    }
    copy = tr__arena_take(&req->arena, path.bytes + 1);
    if (copy == NULL) {
        refuse(req, 503, "out of memory");
        return;
    }
    bytes = tr__path_normalize(path, copy);
    if (bytes < 0) {
        refuse(req, 400, "the path is malformed");
        return;
    }
    copy[bytes] = 0;
    req->path = copy;
    tr__router_find(&srv->router, (tr__slice){ copy, (size_t)bytes }, &req->match);
    req->route = choose(&req->match, req->parser.method);
    if (req->route != NULL && req->route->options.body_most > 0)
        req->body_most = req->route->options.body_most;
}

bool tr__route_streams(const tr_http_request *req)
{
    return req->route != NULL && req->route->options.streams_body;
}

size_t tr__route_stack(const tr_http_request *req)
{
    return req->route != NULL ? req->route->options.stack_bytes : 0;
}

/* ---- answering ---- */

struct tr_http_next {
    tr_http_request *req;
    const tr__http_route *route; /* or the one for what no route answers */
    size_t around;               /* the next that stands around it */
    bool is_called;
};

/* The methods of a path: all of its routes', and those that the server answers itself. */
static void list_methods(const tr_http_request *req, char *text, size_t bytes)
{
    size_t at = 0;
    bool has_get = false;
    bool has_head = false;

    for (const tr__destination *d = req->match.all; d != NULL && at < bytes; d = d->next) {
        if (d->method == HTTP_OPTIONS)
            continue; /* it ends the list in any case */
        at += (size_t)snprintf(text + at, bytes - at, "%s, ",
                               llhttp_method_name((llhttp_method_t)d->method));
        has_get |= d->method == HTTP_GET;
        has_head |= d->method == HTTP_HEAD;
    }
    if (at < bytes)
        (void)snprintf(text + at, bytes - at, "%s%s", has_get && !has_head ? "HEAD, " : "",
                       "OPTIONS");
}

/* What no route answers. */
static int answer_lost(tr_http_request *req, tr_http_response *res)
{
    char methods[512];
    int rc;

    if (req->match.all == NULL && !(req->path[0] == '*' && req->path[1] == 0))
        return tr_http_problem(res, 404, "there is nothing at %s", tr_http_path(req));
    list_methods(req, methods, sizeof(methods));
    rc = tr_http_set_header(res, "Allow", methods);
    if (rc < 0)
        return rc;
    if (req->parser.method == HTTP_OPTIONS)
        return tr_http_status(res, 204);
    return tr_http_problem(res, 405, "there is no %s here, but %s", tr_http_method(req), methods);
}

static int call(tr_http_next *next)
{
    tr_http_request *req = next->req;
    const tr__http_route *route = next->route;

    if (next->around < route->around_count) {
        const tr_http_middleware *middleware = route->around[next->around];
        tr_http_next inner = { .req = req, .route = route, .around = next->around + 1 };

        return middleware->fn(req, &req->res, &inner, middleware->ctx);
    }
    if (req->route == NULL)
        return answer_lost(req, &req->res);
    if (route->options.body != NULL) {
        int rc = tr__declared_fill(req, route->options.body);

        if (rc != 0)
            return rc > 0 ? 0 : rc; /* it has answered what is wrong */
    }
    return route->fn(req, &req->res, route->ctx);
}

int tr_http_next_call(tr_http_next *next)
{
    if (next == NULL)
        return TR_EINVAL;
    if (next->is_called)
        return TR_EALREADY;
    next->is_called = true;
    return call(next);
}

/* ---- errors ---- */

static int status_of(int rc)
{
    switch (rc) {
    case TR_EINVAL:
    case TR_ESYNTAX:
        return 400;
    case TR_EPERM:
    case -EACCES:
        return 403;
    case TR_ENOENT:
        return 404;
    case TR_EALREADY:
    case TR_EEXIST:
    case TR_ECONSTRAINT:
        return 409;
    case TR_ETOOLARGE:
        return 413;
    case TR_EAGAIN:
    case TR_EBUSY:
    case TR_EFULL:
    case TR_ENOMEM:
    case TR_ENOSPC:
    case TR_EOPEN:
    case TR_EIO:
    case TR_ESHUTDOWN:
    case TR_ECANCELED:
        return 503;
    case TR_ECONNREFUSED: /* whom the handler has asked has failed */
    case TR_ECONNRESET:
    case TR_EEND:
    case TR_ENONAME:
    case TR_ERESOLVE:
    case TR_ETLS:
    case TR_ECERTIFICATE:
    case TR_EPROXY:
    case TR_ESTATUS:
    case TR_EREDIRECTS:
        return 502;
    case TR_ETIMEDOUT:
        return 504;
    default:
        return 500;
    }
}

/* What is not there is so for the client, too, who knows of no files and directories. */
static int tell_error(tr_http_request *req, int status, int rc)
{
    if (status == 404)
        return tr_http_problem(&req->res, 404, "there is nothing at %s", req->path);
    return tr_http_problem(&req->res, status, "%s",
                           status == 500 ? "the server has failed" : tr_strerror(rc));
}

/* A handler's error is told to the client in the words of its code only, and to the log where the
 * server is at fault. */
static void answer_error(tr_http_request *req, int rc)
{
    int status = req->refusal != 0 ? req->refusal : status_of(rc);

    if (req->conn->is_broken)
        return; /* the client has gone: nobody is at fault */
    if (status >= 500 && rc != TR_ECANCELED)
        tr__log(TR_LOG_WARN, "http: %s %s: %s (%s)", tr_http_method(req), req->path,
                tr_strerror(rc), tr_err_name(rc));
    if (req->res.stage == TR__ANSWER_OUT)
        return; /* it is cut */
    tr__response_forget_content(&req->res);
    if (tell_error(req, status, rc) < 0)
        (void)tr_http_status(&req->res, status); /* without memory, so without a sentence */
}

static int run(tr_http_request *req, const tr__http_route *route)
{
    tr_http_next outermost = { .req = req, .route = route };
    double limit = route->options.timeout != 0 ? route->options.timeout
                                               : req->conn->worker->server->config.handler_timeout;
    int rc = 0;

    req->due_ns = UINT64_MAX;
    if (limit <= 0)
        return call(&outermost);
    if (limit < LONG_S)
        req->due_ns = tr__now_ns() + (uint64_t)(limit * NS_PER_S);
    TR_DEADLINE(limit, &rc) {
        rc = call(&outermost);
    }
    return rc;
}

void tr__route_settle(tr_http_request *req, int rc)
{
    if (req->is_settled || req->conn->is_detached)
        return;
    req->is_settled = true;
    if (rc == TR_ECANCELED &&
        tr__now_ns() >= req->due_ns) /* middleware asks before the limit ends */
        rc = TR_ETIMEDOUT;
    req->is_lost = rc < 0 || req->failure < 0;
    if (req->is_lost)
        answer_error(req, rc < 0 ? rc : req->failure);
    else if (req->res.stage == TR__ANSWER_NONE)
        (void)tr_http_status(&req->res, 204); /* it can't be refused */
}

void tr__route_answer(tr_http_request *req)
{
    const tr__http_route *route =
        req->route != NULL ? req->route : &req->conn->worker->server->lost;
    int rc = run(req, route);

    tr__route_settle(req, rc);
    tr__response_finish(&req->res, rc < 0 || req->is_lost);
}
