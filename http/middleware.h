/* Middleware, inside. */
#ifndef TR_HTTP_MIDDLEWARE_H
#define TR_HTTP_MIDDLEWARE_H

#include <troupe/middleware.h>

/* One with a copy of its options, at which ctx points; fini is called before the copy is freed, and
 * may be NULL. Without memory it is an error. */
tr_http_middleware tr__middleware(int (*fn)(tr_http_request *req, tr_http_response *res,
                                            tr_http_next *next, void *ctx),
                                  const void *options, size_t bytes, void (*fini)(void *options));
/* One that can't be made. */
static inline tr_http_middleware tr__no_middleware(int error)
{
    return (tr_http_middleware){ .error = error };
}

/* A copy of a text, if there is one. false: out of memory. */
bool tr__copy_option(const char **text);

#endif
