/* Which route answers a path: a tree of segments.
 *
 *     GET /users/:id   GET /users/me   GET /files/ + *path
 *
 *         (root) --- users --- me          literal children, sorted by their text
 *            |          \--- :             one child for any segment
 *            \------ files --- *           one for all the rest
 *
 * At each segment the literal child is tried first, then `:`, then `*`; where the rest of the path
 * does not fit, the next is tried. Segments are compared after each was decoded, so that an encoded
 * slash never ends one. Names are the routes' own: two routes may call the same segment otherwise.
 *
 * Threads: one while routes are added; then any, for it does not change any more. */
#ifndef TR_HTTP_ROUTER_H
#define TR_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/slice.h"

enum {
    TR__SEGMENTS_MOST = 64, /* of a path: a longer one has no route */
    TR__PARAMS_MOST = 16    /* of a pattern */
};

/* What a router leads to; embed it. */
typedef struct tr__destination {
    struct tr__destination *next; /* others of the same path */
    uint32_t method;              /* a number of llhttp's */
    uint32_t param_count;
    const char *params[TR__PARAMS_MOST]; /* their names, in the pattern's order; the router's */
} tr__destination;

typedef struct tr__router_node tr__router_node;

typedef struct tr__router {
    tr__router_node *root; /* NULL: nothing was added yet */
} tr__router;

void tr__router_fini(tr__router *router);

/* Add a destination for a pattern and a method.
 * Ownership: the destination stays the caller's, and must live as long as the router.
 * Errors:    TR_EINVAL malformed; TR_EALREADY there is one; TR_ENOMEM. */
int tr__router_add(tr__router *router, const char *pattern, uint32_t method,
                   tr__destination *destination);

/* What a path has led to. */
typedef struct tr__match {
    const tr__destination *all; /* of that path, by any method; NULL: there is no such path */
    size_t param_count;
    tr__slice params[TR__PARAMS_MOST]; /* not decoded yet */
} tr__match;

/* Find a path, which begins with '/', has no "." or ".." segments, and is not decoded. */
void tr__router_find(const tr__router *router, tr__slice path, tr__match *match);

#endif
