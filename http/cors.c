/* Middleware: requests of pages from other origins (the fetch standard, 3.2). */
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/extension.h"
#include "http/message.h"
#include "http/middleware.h"

enum { MAX_AGE_S = 600 };

static bool is_any(const tr_http_cors_options *options)
{
    return strcmp(options->origins, "*") == 0;
}

static int allow_origin(tr_http_response *res, const tr_http_cors_options *options,
                        const char *origin)
{
    int rc = tr_http_set_header(res, "Access-Control-Allow-Origin", is_any(options) ? "*" : origin);

    if (rc == 0 && options->has_credentials)
        rc = tr_http_set_header(res, "Access-Control-Allow-Credentials", "true");
    return rc;
}

static int answer_preflight(tr_http_request *req, tr_http_response *res,
                            const tr_http_cors_options *options)
{
    const char *asked = tr_http_header(req, "Access-Control-Request-Headers");
    const char *headers = options->headers != NULL ? options->headers : asked;
    char age[24];
    int rc = tr_http_set_header(res, "Access-Control-Allow-Methods", options->methods);

    (void)snprintf(age, sizeof(age), "%.0f", options->max_age);
    if (rc == 0 && headers != NULL)
        rc = tr_http_set_header(res, "Access-Control-Allow-Headers", headers);
    if (rc == 0)
        rc = tr_http_set_header(res, "Access-Control-Max-Age", age);
    return rc < 0 ? rc : tr_http_status(res, 204);
}

/* A page that may not read the answer still gets it: its browser keeps it from the page. */
static int cross_origins(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    const tr_http_cors_options *options = ctx;
    const char *origin = tr_http_header(req, "Origin");
    int rc = 0;

    if (!is_any(options)) /* the answer differs by origin, or is without: caches must know */
        rc = tr_http_add_header(res, "Vary", "Origin");
    if (rc < 0)
        return rc;
    if (origin == NULL ||
        (!is_any(options) &&
         !tr__tokens_have(options->origins, " ", (tr__slice){ origin, strlen(origin) })))
        return tr_http_next_call(next);
    rc = allow_origin(res, options, origin);
    if (rc < 0)
        return rc;
    if (req->parser.method == HTTP_OPTIONS &&
        tr_http_header(req, "Access-Control-Request-Method") != NULL)
        return answer_preflight(req, res, options);
    if (options->exposed != NULL)
        rc = tr_http_set_header(res, "Access-Control-Expose-Headers", options->exposed);
    return rc < 0 ? rc : tr_http_next_call(next);
}

static void fini(void *arg)
{
    tr_http_cors_options *options = arg;

    tr__free((void *)(uintptr_t)options->origins);
    tr__free((void *)(uintptr_t)options->methods);
    tr__free((void *)(uintptr_t)options->headers);
    tr__free((void *)(uintptr_t)options->exposed);
}

tr_http_middleware tr_http_cors(const tr_http_cors_options *options)
{
    tr_http_cors_options all = options != NULL ? *options : (tr_http_cors_options){ 0 };
    tr_http_middleware made;
    bool is_copied;

    if (all.origins == NULL)
        all.origins = "*";
    if (all.methods == NULL)
        all.methods = "GET, HEAD, POST, PUT, PATCH, DELETE";
    if (all.max_age == 0)
        all.max_age = MAX_AGE_S;
    if (!(all.max_age > 0) || (all.has_credentials && is_any(&all)))
        return tr__no_middleware(TR_EINVAL);
    is_copied = tr__copy_option(&all.origins);
    is_copied &= tr__copy_option(&all.methods);
    is_copied &= tr__copy_option(&all.headers);
    is_copied &= tr__copy_option(&all.exposed);
    made = is_copied ? tr__middleware(cross_origins, &all, sizeof(all), fini)
                     : tr__no_middleware(TR_ENOMEM);
    if (made.error != 0)
        fini(&all);
    return made;
}
