/* Cookies that a client keeps (RFC 6265, 5.3 and 5.4, and of its successor: prefixes of names,
 * secure cookies that insecure answers leave alone, limits).
 *
 * Cookies of a site stand together: of a name that somebody can have registered, that is, and all
 * names below it ("example.org", "www.example.org"; libpsl knows where that begins). So whatever a
 * cookie's domain, one look finds those that might go with a request.
 *
 *     site "example.org" --> cookies of example.org, .example.org, a.example.org ...
 *
 *     a site has cookies;  of a site <= TR__JAR_SITE_MOST;  in all <= TR__JAR_MOST
 *
 * Where there are too many, those go first that have expired, then what was not set for TLS alone,
 * and of these what was used least lately.
 *
 * A cookie belongs to a domain only if the domain is the host, or above it and not open to
 * registration. SameSite says nothing here: there is no page on whose behalf a call is made; nor
 * does HttpOnly: there are no scripts. A cookie without a name is none.
 *
 * All loops of a client share a jar. Its lock is held for looks at a site's cookies, never for a
 * wait.
 *
 * Threads: any. */
#ifndef TR_CLIENT_JAR_H
#define TR_CLIENT_JAR_H

#include "client/url.h"
#include "net/io.h"

enum { TR__JAR_MOST = 3000, TR__JAR_SITE_MOST = 150 };

typedef struct tr__jar tr__jar;

/* Errors: TR_ENOMEM. */
int tr__jar_new(tr__jar **out);
/* NULL is allowed. */
void tr__jar_free(tr__jar *jar);

/* Take in the value of a Set-Cookie header of an answer to url. What may not be set is left out.
 * Errors: TR_ENOMEM. */
int tr__jar_set(tr__jar *jar, const tr__url *url, tr__slice line, int64_t now_s);
/* Append the value of the Cookie header of a request for url; nothing: there is none.
 * Errors: TR_ENOMEM. */
int tr__jar_get(tr__jar *jar, const tr__url *url, int64_t now_s, tr__buffer *out);

#endif
