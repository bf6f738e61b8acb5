/* See forward.h. */
#define _GNU_SOURCE
#include "forward.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "headers.h"
#include "tunnel.h"

enum { PIECE = 16 * 1024 };

struct exchange {
    tr_http_request *req;
    tr_http_response *res;
    struct route *route;
    const char *const *headers;
    const char *upgrade; /* what the connection is to speak then; NULL: HTTP */
    uint64_t tried;
    bool is_begun;  /* some of the request's body has been read: it is not there any more */
    int body_error; /* why it could not be read: its sender's fault */
    struct upstream *upstream;
    int pass;
    tr_http_reply *reply;
};

/* ---- the request ---- */

static ssize_t read_body(void *ctx, void *buffer, size_t room)
{
    struct exchange *x = ctx;
    ssize_t bytes;

    x->is_begun = true;
    bytes = tr_http_read(x->req, buffer, room);
    if (bytes < 0)
        x->body_error = (int)bytes;
    return bytes;
}

/* The URL at the upstream; NULL: out of memory. The server has seen that the target begins with
 * the prefix; one of a proxy's, "http://host/path", is taken from its path on. */
static char *url_of(const struct exchange *x)
{
    const char *target = tr_http_target(x->req), *path = strstr(target, "://");
    char *url;
    size_t room;

    if (*target != '/' && path != NULL)
        target = strchrnul(path + 3, '/');
    if (x->upstream->has_path && strncmp(target, x->route->prefix, strlen(x->route->prefix)) == 0)
        target += strlen(x->route->prefix);
    room = strlen(x->upstream->url) + strlen(target) + 2;
    url = tr_http_alloc(x->req, room);
    if (url != NULL)
        (void)snprintf(url, room, "%s%s%s", x->upstream->url, *target == '/' ? "" : "/", target);
    return url;
}

static int ask(struct exchange *x)
{
    const char *length = tr_http_header(x->req, "Content-Length");
    uint64_t bytes =
        length != NULL ? strtoull(length, NULL, 10) : 0; /* the server has checked it */
    bool has_body = bytes > 0 || tr_http_header(x->req, "Transfer-Encoding") != NULL;
    tr_http_call call = { .method = tr_http_method(x->req),
                          .url = url_of(x),
                          .headers = x->headers,
                          .upgrade = x->upgrade,
                          .source = has_body ? read_body : NULL,
                          .source_ctx = x,
                          .source_bytes = bytes,
                          .streams = true };

    return call.url == NULL ? TR_ENOMEM
                            : tr_http_fetch(&x->reply, x->route->gateway->client, &call);
}

/* ---- which upstream ---- */

static bool is_busy(int status)
{
    return status == 502 || status == 503 || status == 504;
}

/* Whether the upstream is at fault, for its breaker: not where the sender was, or we were. */
static int blame(const struct exchange *x, int rc)
{
    if (rc == 0)
        return is_busy(tr_http_reply_status(x->reply)) ? TR_ESTATUS : 0;
    return x->body_error < 0 || rc == TR_EINVAL || rc == TR_ENOMEM ? 0 : rc;
}

static bool has_not_been_sent(int rc)
{
    return rc == TR_ECONNREFUSED || rc == TR_ENONAME || rc == TR_ERESOLVE;
}

static bool may_be_repeated(const struct exchange *x, int rc)
{
    const char *method = tr_http_method(x->req);

    if (x->is_begun || rc == TR_ECANCELED || blame(x, rc) == 0)
        return false;
    return has_not_been_sent(rc) || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

static void count(struct exchange *x, int rc)
{
    atomic_ulong *figure = &x->upstream->errors;

    if (rc == TR_ECANCELED)
        return;
    if (rc == 0)
        figure = &x->upstream->answers[tr_http_reply_status(x->reply) / 100 % 6];
    atomic_fetch_add_explicit(figure, 1, memory_order_relaxed);
}

static void give_back(struct exchange *x, int rc)
{
    upstream_give_back(x->upstream, x->pass, blame(x, rc));
    tr_http_reply_free(x->reply);
    x->reply = NULL;
}

/* Ask one upstream after the other, until one answers, or what has come must do. TR_EOPEN: there is
 * none to be asked. */
static int ask_some(struct exchange *x)
{
    int rc = TR_EOPEN;

    x->upstream = upstream_take(x->route, &x->tried, &x->pass);
    while (x->upstream != NULL) {
        struct upstream *another;
        int pass;

        rc = ask(x);
        count(x, rc);
        if (!may_be_repeated(x, rc) ||
            (another = upstream_take(x->route, &x->tried, &pass)) == NULL)
            return rc;
        give_back(x, rc);
        x->upstream = another;
        x->pass = pass;
        atomic_fetch_add_explicit(&another->retries, 1, memory_order_relaxed);
    }
    return rc;
}

/* ---- the answer ---- */

/* What the upstream sends goes out at once: it may be a feed of events. *failed is the upstream's
 * fault, and no other's. */
static int pass_body(struct exchange *x, int *failed)
{
    char *piece = malloc(PIECE);
    int rc = piece == NULL ? TR_ENOMEM : tr_http_flush(x->res);
    ssize_t bytes;

    while (rc == 0 && (bytes = tr_http_reply_read(x->reply, piece, PIECE)) != 0) {
        if (bytes < 0)
            rc = *failed = (int)bytes;
        else if ((rc = tr_http_write(x->res, piece, (size_t)bytes)) == 0)
            rc = tr_http_flush(x->res);
    }
    free(piece);
    return rc;
}

/* Below 0: what has gone out is cut, so that the other side notices. */
static int pass_answer(struct exchange *x)
{
    const char *length = tr_http_reply_header(x->reply, "Content-Length");
    int64_t bytes = length != NULL ? (int64_t)strtoull(length, NULL, 10) : -1;
    int rc = headers_take(x->res, x->reply), failed = blame(x, 0);

    if (rc == 0)
        rc = tr_http_begin(x->res, tr_http_reply_status(x->reply),
                           tr_http_reply_header(x->reply, "Content-Type"), bytes);
    if (rc == 0)
        rc = pass_body(x, &failed);
    upstream_give_back(x->upstream, x->pass, failed);
    tr_http_reply_free(x->reply);
    return rc;
}

/* The upstream speaks something else from now on: so do we. That is no request under way, for its
 * breaker; but it is one more that it has to do with. */
static int pass_upgrade(struct exchange *x)
{
    tr_io *server tr_cleanup_io = NULL, *client tr_cleanup_io = NULL;
    double idle_timeout = x->route->gateway->options->idle_timeout;
    int rc = tr_http_reply_take_io(&server, x->reply);

    if (rc == 0)
        rc = headers_take(x->res, x->reply);
    give_back(x, 0);
    if (rc == 0)
        rc = tr_http_upgrade(&client, x->res, x->upgrade);
    if (rc < 0)
        return rc;
    atomic_fetch_add_explicit(&x->upstream->in_flight, 1, memory_order_relaxed);
    rc = tunnel_pass(client, server, idle_timeout);
    atomic_fetch_sub_explicit(&x->upstream->in_flight, 1, memory_order_relaxed);
    return rc == TR_ECANCELED ? rc : 0; /* who was idle, or has gone, is no fault of ours */
}

static int refuse(struct exchange *x, int rc)
{
    char seconds[32];

    if (rc == TR_ECANCELED || x->body_error < 0 || rc == TR_ENOMEM)
        return x->body_error < 0 ? x->body_error : rc;
    if (rc == TR_EINVAL)
        return tr_http_problem(x->res, 400, "this can't be passed on");
    if (rc == TR_EOPEN) {
        (void)snprintf(seconds, sizeof(seconds), "%.0f",
                       x->route->gateway->options->open_for + 0.5);
        rc = tr_http_set_header(x->res, "Retry-After", seconds);
        return rc < 0 ? rc : tr_http_problem(x->res, 503, "no upstream is well");
    }
    return tr_http_problem(x->res, rc == TR_ETIMEDOUT ? 504 : 502, "the upstream: %s",
                           tr_strerror(rc));
}

/* Other protocols are not asked for: so all goes on in HTTP. */
static const char *upgrade_of(tr_http_request *req)
{
    const char *upgrade = tr_http_header(req, "Upgrade");

    return upgrade != NULL && strcmp(tr_http_method(req), "GET") == 0 &&
                   strcasecmp(upgrade, "websocket") == 0
               ? "websocket"
               : NULL;
}

int forward(tr_http_request *req, tr_http_response *res, void *ctx)
{
    struct exchange x = { .req = req, .res = res, .route = ctx, .upgrade = upgrade_of(req) };
    int rc;

    x.headers = headers_to_send(req);
    if (x.headers == NULL)
        return TR_ENOMEM;
    rc = ask_some(&x);
    if (rc == 0)
        return tr_http_reply_status(x.reply) == 101 ? pass_upgrade(&x) : pass_answer(&x);
    if (x.upstream != NULL)
        give_back(&x, rc);
    return refuse(&x, rc);
}
