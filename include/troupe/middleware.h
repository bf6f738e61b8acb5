/* Middleware of the house, for tr_http_use. The order of use is the order in which it sees a
 * request; for most servers:
 *
 *     tr_http_use(srv, tr_http_log(NULL));
 *     tr_http_use(srv, tr_http_request_id());
 *     tr_http_use(srv, tr_http_compress(NULL));
 *     tr_http_use(srv, tr_http_cors(&(tr_http_cors_options){ .origins = "https://example.org" }));
 *     tr_http_use(srv, tr_http_rate_limit(&(tr_http_rate_options){ .per_second = 10 }));
 *     tr_http_use(api, tr_http_bearer("api", check_token, NULL));
 *
 * Each returns a value; one that could not be made for want of memory, or for a bad option, is
 * refused by tr_http_use. Options may be NULL, and are copied.
 * Threads: any. */
#ifndef TROUPE_MIDDLEWARE_H
#define TROUPE_MIDDLEWARE_H

#include <troupe/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the access log ---- */

typedef enum tr_http_log_format {
    TR_HTTP_LOG_COMBINED, /* as Apache and nginx have it, and the time it took, in seconds */
    TR_HTTP_LOG_JSON      /* one object a line */
} tr_http_log_format;

typedef struct tr_http_log_options {
    tr_http_log_format format;
    /* Where a line goes, without a newline; NULL: to the log of the library, as information, which
     * TROUPE_LOG=info shows. It is called on the loop of the request. */
    void (*write)(void *ctx, const char *line);
    void *ctx;
} tr_http_log_options;

/* A line for each answer. */
TR_API tr_http_middleware tr_http_log(const tr_http_log_options *options);

/* ---- request ids ---- */

/* Each request has an id, which the answer tells in X-Request-Id: the client's own, if it is one (1
 * to 64 letters, digits, '-', '_', '.'), or a new one (a UUID, version 4). */
TR_API tr_http_middleware tr_http_request_id(void);
/* That id; "" where the middleware was not used.
 * Threads: as for a request. */
TR_API const char *tr_http_id(const tr_http_request *req);

/* ---- cross-origin requests (the fetch standard, 3.2) ---- */

typedef struct tr_http_cors_options {
    const char *origins;  /* separated by spaces; default "*": any */
    const char *methods;  /* default "GET, HEAD, POST, PUT, PATCH, DELETE" */
    const char *headers;  /* that may be sent; default: those that are asked for */
    const char *exposed;  /* that may be read; default none */
    bool has_credentials; /* cookies; not with "*" */
    double max_age;       /* seconds that the answer to a preflight is good for; default 600 */
} tr_http_cors_options;

TR_API tr_http_middleware tr_http_cors(const tr_http_cors_options *options);

/* ---- authentication ---- */

/* Is this the user? 1: yes; 0: no, 401 is answered; below 0: an error, as a handler's. It runs in
 * the handler's task: it may await (a hash on a pool, a look-up). */
typedef int (*tr_http_check_password)(tr_http_request *req, const char *user, const char *password,
                                      void *ctx);
typedef int (*tr_http_check_token)(tr_http_request *req, const char *token, void *ctx);

/* Basic authentication (RFC 7617), in UTF-8; and by a bearer token (RFC 6750). ctx stays the
 * caller's, and must live as long as the server. Compare secrets by tr_http_equals. */
TR_API tr_http_middleware tr_http_basic(const char *realm, tr_http_check_password check, void *ctx);
TR_API tr_http_middleware tr_http_bearer(const char *realm, tr_http_check_token check, void *ctx);
/* Who has authenticated: the user of basic authentication, or whom check has named by
 * tr_http_set_user; "" for nobody.
 * Threads: as for a request.
 * Errors:  TR_ENOMEM; TR_EINVAL. */
TR_API const char *tr_http_user(const tr_http_request *req);
TR_API int tr_http_set_user(tr_http_request *req, const char *user);
/* Whether two texts are the same, in a time that does not depend on where they differ. */
TR_API bool tr_http_equals(const char *a, const char *b);

/* ---- rate limits ---- */

typedef struct tr_http_rate_options {
    double per_second;  /* requests; default 10 */
    double burst;       /* at once; default twice as many as a second has, at least 1 */
    size_t clients;     /* that are known at once; default 10,000 */
    const char *header; /* whose value names the client (a proxy's X-Real-IP, an API key); default:
                           its address */
} tr_http_rate_options;

/* Who asks more often is answered with 429, and told when to come again (Retry-After). */
TR_API tr_http_middleware tr_http_rate_limit(const tr_http_rate_options *options);

/* ---- compression ---- */

typedef struct tr_http_compress_options {
    size_t least; /* bytes of a body that are worth it; default 1024 */
    int level;    /* 1 to 9; default 5 */
} tr_http_compress_options;

/* Texts, JSON, XML, SVG and scripts are compressed by gzip, for who accepts it. Large bodies are
 * compressed by the CPU pool; what is written piece by piece goes out compressed, too. */
TR_API tr_http_middleware tr_http_compress(const tr_http_compress_options *options);

#ifdef __cplusplus
}
#endif
#endif
