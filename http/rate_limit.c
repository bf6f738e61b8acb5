/* Middleware: so many requests a second of each client. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <troupe/limiter.h>

#include "base/seam.h"
#include "http/message.h"
#include "http/middleware.h"

enum { PER_SECOND = 10, CLIENTS = 10000 };

typedef struct rate {
    tr_keyed_limiter *limiter;
    const char *header; /* NULL: by address */
} rate;

/* Who asks: an address without its port, for each connection has another. at is NULL where that
 * can't be told. */
static tr__slice name_of(tr_http_request *req, const rate *r)
{
    const char *name = r->header != NULL ? tr_http_header(req, r->header) : NULL;
    const char *colon;
    size_t bytes;

    if (name != NULL) {
        bytes = strlen(name);
        return (tr__slice){ name, bytes < TR_LIMITER_KEY_MAX ? bytes : TR_LIMITER_KEY_MAX };
    }
    name = tr_http_peer(req);
    colon = strncmp(name, "unix:", 5) != 0 ? strrchr(name, ':') : NULL;
    if (name[0] == 0)
        return (tr__slice){ NULL, 0 };
    return (tr__slice){ name, colon != NULL ? (size_t)(colon - name) : strlen(name) };
}

static int limit(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    const rate *r = ctx;
    tr__slice name = name_of(req, r);
    double wait = 0;
    char text[24];
    int rc;

    if (name.at == NULL)
        return TR_ENOMEM; /* nobody is let in uncounted */
    rc = tr_keyed_limiter_try_acquire_many(r->limiter, name.at, name.bytes, 1, &wait);
    if (rc == 0)
        return tr_http_next_call(next);
    if (rc != TR_EBUSY && rc != TR_EAGAIN)
        return rc;
    /* Seconds, as Retry-After has them: not too early. With too many clients, nobody knows. */
    (void)snprintf(text, sizeof(text), "%.0f", rc == TR_EBUSY ? ceil(wait) : 1.0);
    rc = tr_http_set_header(res, "Retry-After", text);
    return rc < 0 ? rc : tr_http_problem(res, 429, "try again in %s s", text);
}

static void fini(void *arg)
{
    rate *r = arg;

    (void)tr_keyed_limiter_free(r->limiter); /* nobody waits: limit does not */
    tr__free((void *)(uintptr_t)r->header);
}

tr_http_middleware tr_http_rate_limit(const tr_http_rate_options *options)
{
    tr_http_rate_options all = options != NULL ? *options : (tr_http_rate_options){ 0 };
    rate r = { .header = all.header };
    tr_http_middleware made;
    int rc;

    if (all.per_second == 0)
        all.per_second = PER_SECOND;
    if (all.burst == 0)
        all.burst = fmax(1, 2 * all.per_second);
    if (all.clients == 0)
        all.clients = CLIENTS;
    rc = tr_keyed_limiter_new(&r.limiter, all.per_second, all.burst, all.clients);
    if (rc < 0)
        return tr__no_middleware(rc);
    made = tr__copy_option(&r.header) ? tr__middleware(limit, &r, sizeof(r), fini)
                                      : tr__no_middleware(TR_ENOMEM);
    if (made.error != 0)
        fini(&r);
    return made;
}
