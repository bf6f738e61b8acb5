/* The description of a server's routes (OpenAPI 3.1), and the page that shows and tries it. */
#include "http/description.h"

#include <string.h>

#include "base/seam.h"
#include "http/docs.h"
#include "http/openapi.h"
#include "http/route.h"

static size_t count_routes(const tr_http_server *srv)
{
    size_t count = 0;

    for (const tr__http_route *route = srv->routes; route != NULL; route = route->next)
        count += !route->options.is_hidden;
    return count;
}

/* In the order in which they were added: the list has the last one first. */
static void list_routes(const tr_http_server *srv, tr__api_route *end)
{
    for (const tr__http_route *route = srv->routes; route != NULL; route = route->next)
        if (!route->options.is_hidden)
            *--end = (tr__api_route){
                .method = llhttp_method_name((llhttp_method_t)route->destination.method),
                .pattern = route->pattern,
                .summary = route->options.summary,
                .tag = route->options.tag,
                .request = route->options.body,
                .answer = route->options.answer,
            };
}

static int write_description(tr_http_server *srv, const tr__api *api)
{
    tr__json_out out;
    int rc;

    tr__out_init(&out, NULL, 0);
    rc = tr__openapi_write(api, &out);
    if (rc < 0)
        return rc;
    srv->description = tr__alloc(out.bytes + 1);
    if (srv->description == NULL)
        return TR_ENOMEM;
    srv->description_bytes = out.bytes;
    tr__out_init(&out, srv->description, out.bytes + 1);
    return tr__openapi_write(api, &out);
}

int tr__description_prepare(tr_http_server *srv)
{
    size_t count = count_routes(srv);
    tr__api_route *routes;
    int rc;

    if (srv->config.title == NULL)
        return 0;
    routes = tr__alloc_zeroed((count + 1) * sizeof(*routes));
    if (routes == NULL)
        return TR_ENOMEM;
    list_routes(srv, routes + count);
    rc = write_description(srv,
                           &(tr__api){
                               .title = srv->config.title,
                               .version = srv->config.version != NULL ? srv->config.version : "0",
                               .routes = routes,
                               .route_count = count,
                           });
    tr__free(routes);
    return rc;
}

static int answer_description(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const tr_http_server *srv = ctx;

    (void)req;
    return tr_http_send_taken(res, 200, "application/json", srv->description,
                              srv->description_bytes, NULL);
}

static int answer_asset(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const tr__docs_asset *asset = ctx;
    int rc = tr_http_set_header(res, "Content-Security-Policy", TR__DOCS_POLICY);

    (void)req;
    return rc < 0 ? rc
                  : tr_http_send_taken(res, 200, asset->type, (void *)(uintptr_t)asset->at,
                                       (size_t)(asset->end - asset->at), NULL);
}

int tr__description_add_routes(tr_http_server *srv)
{
    const tr_http_route_options hidden = { .is_hidden = true };
    int rc = 0;

    if (srv->config.title == NULL)
        return 0;
    rc = tr_http_route_with(srv, "GET", "/openapi.json", answer_description, srv, &hidden);
    for (size_t i = 0; rc == 0 && i < TR__DOCS_ASSETS; i++)
        rc = tr_http_route_with(srv, "GET", tr__docs_assets[i].path, answer_asset,
                                (void *)(uintptr_t)&tr__docs_assets[i], &hidden);
    return rc;
}
