/* URLs of http and https, absolute (RFC 3986), in one form, so that equal ones are mostly equal
 * texts:
 *
 *     text:      https://example.org:8080/a/b?c=d
 *     origin:    ------------------------           without a port that is the scheme's own
 *     authority:         ----------------           as a Host header has it
 *     host:              -----------                in small letters; IPv6 has its brackets
 *     path:                              ----       begins with '/'; "." and ".." are gone
 *     target:                            --------   as a request has it
 *
 * Strict where a mistake would lead to another server, kind where it would not:
 *
 *  - refused: another scheme, or none; a control character, wherever; a host that is no name of
 *    ASCII letters, digits, '-' and '_', with labels of 1 to 63 bytes, nor an address; one that
 *    only looks like an address ("127.1", "0x7f.0.0.1"), for some take it for one; a zone of IPv6;
 *    two '@'; a '%' without two hex digits before the host; a port that is 0 or above 65535.
 *    International names are written by programs as the network has them ("xn--..."): what maps
 *    them is a table of its own that changes each year, and none is linked for it;
 *  - encoded: in a path or a query, each byte that may not stand there, a '%' without two hex
 *    digits included ("100%" is "100%25"); so is '\\', which never is a '/';
 *  - dropped: the fragment.
 *
 * Threads: any. */
#ifndef TR_CLIENT_URL_H
#define TR_CLIENT_URL_H

#include "http/slice.h"

enum { TR__URL_MOST = 64 * 1024 };

/* One block of memory, which text begins: the slices are parts of it. A zeroed one holds nothing.
 */
typedef struct tr__url {
    char *text;
    tr__slice origin, authority, host, path;
    const char *target;
    const char *address; /* "example.org:8080", "[::1]:80": where to connect to */
    const char *name;    /* the host without brackets: whose certificate it must be */
    const char *user;    /* decoded; NULL: the URL says none. Not in text, so that it is not told */
    const char *password; /* NULL: none */
    uint16_t port;
    bool is_secure;
    bool is_numeric; /* the host is an address */
} tr__url;

/* *out is zeroed on error.
 * Ownership: tr__url_fini frees it.
 * Errors:    TR_EINVAL malformed, or above TR__URL_MOST; TR_ENOMEM. */
int tr__url_parse(tr__url *out, tr__slice text);
void tr__url_fini(tr__url *url);

/* What a reference means that stands in an answer of base (RFC 3986, 5.2.2, strict).
 * Ownership, Errors: as tr__url_parse. */
int tr__url_join(tr__url *out, const tr__url *base, tr__slice reference);

/* The URL of a call: one that begins with '/' is appended to base, unless that is NULL; then the
 * query's pairs (name, value, ..., NULL; or NULL), encoded.
 * Ownership, Errors: as tr__url_parse; TR_EINVAL also for a name without a value. */
int tr__url_compose(tr__url *out, const char *base, const char *url, const char *const *query);
/* Whether it is an absolute URL without a query and a fragment, to which paths can be appended.
 * Errors: TR_EINVAL; TR_ENOMEM. */
int tr__url_check_base(const char *base);

static inline bool tr__url_is_same_origin(const tr__url *a, const tr__url *b)
{
    return tr__slice_equals(a->origin, b->origin);
}

#endif
