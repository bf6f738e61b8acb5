/* Whether the process lives, and whether it is ready: what orchestrators ask. */
#include <string.h>

#include "base/seam.h"
#include "http/connection.h"
#include "http/route.h"

typedef struct health {
    tr_http_ready_check check;
    void *ctx;
} health;

static int answer_alive(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "ok\n");
}

/* A server that drains wants no new requests; what the program says comes next. */
static int answer_ready(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const health *h = ctx;
    int rc = req->conn->worker->is_draining ? TR_ESHUTDOWN : 0;

    if (rc == 0 && h->check != NULL)
        rc = h->check(h->ctx);
    if (rc < 0)
        return tr_http_problem(res, 503, "%s", tr_strerror(rc));
    return tr_http_text(res, 200, "ready\n");
}

int tr_http_health(tr_http_server *srv, tr_http_ready_check check, void *ctx)
{
    const tr_http_route_options hidden = { .is_hidden = true };
    health *h;
    int rc;

    if (srv == NULL)
        return TR_EINVAL;
    rc = tr_http_route_with(srv, "GET", "/healthz", answer_alive, NULL, &hidden);
    if (rc < 0)
        return rc;
    h = tr__alloc(sizeof(*h));
    if (h == NULL)
        return tr__route_remember(srv, "route", "/readyz", TR_ENOMEM);
    *h = (health){ check, ctx };
    return tr__route_add_owning(srv, "GET", "/readyz", answer_ready, h, tr__free, &hidden);
}
