/* Proxies: which one a call goes through, and how it is asked.
 *
 *     http://[user:password@]host[:80]     asked for http in absolute form (RFC 9112, 3.2.2); for
 *     https://...[:443]                    https it makes a tunnel (CONNECT, RFC 9110, 9.3.6)
 *     socks5://...[:1080]                  RFC 1928, 1929; it looks names up itself (socks5h is the
 *                                          same)
 *
 * The environment says http_proxy, https_proxy, all_proxy, and no_proxy, in small or capital
 * letters; but HTTP_PROXY does not count where REQUEST_METHOD is set, for there it is what a client
 * of a CGI program has said in a header ("httpoxy"). Its proxies are not asked for this machine
 * itself: localhost, 127.0.0.0/8, and ::1. One that a client is given is asked for all.
 *
 * no_proxy is a list, with commas or blanks between: "*"; names, which stand for all below them,
 * too; addresses; and networks ("10.0.0.0/8"). Each but the last may have a port.
 *
 * By an https proxy no https URL is reached: TLS within TLS is not to be had (TR_EINVAL).
 *
 * Threads: any; what awaits, tasks. */
#ifndef TR_CLIENT_PROXY_H
#define TR_CLIENT_PROXY_H

#include <troupe/io.h>

#include "client/url.h"

typedef enum tr__proxy_kind { TR__PROXY_HTTP, TR__PROXY_HTTPS, TR__PROXY_SOCKS5 } tr__proxy_kind;

typedef struct tr__proxy {
    tr__proxy_kind kind;
    tr__url url;         /* as if it were of http or https; text is NULL: there is none */
    char *authorization; /* what it wants to hear in Proxy-Authorization; NULL: nothing */
} tr__proxy;

/* Zeroed, it has none. */
typedef struct tr__proxies {
    tr__proxy http, https; /* for URLs of these */
    char *except;          /* no_proxy; NULL */
    bool is_environment;
} tr__proxies;

/* What a text says; text NULL: what the environment says; "": none.
 * Ownership: tr__proxies_fini frees it, also on error.
 * Errors:    TR_EINVAL, and the log says which one; TR_ENOMEM. */
int tr__proxies_init(tr__proxies *out, const char *text);
void tr__proxies_fini(tr__proxies *proxies);
/* Which one a call to this URL goes through; NULL: none. */
const tr__proxy *tr__proxies_for(const tr__proxies *proxies, const tr__url *url);

/* Whether a list such as no_proxy has the URL's host. */
bool tr__no_proxy_has(const char *list, const tr__url *url);

/* Whether what is asked of it is a request as any other, but for its absolute form. */
static inline bool tr__proxy_is_asked(const tr__proxy *proxy, const tr__url *url)
{
    return proxy != NULL && proxy->kind != TR__PROXY_SOCKS5 && !url->is_secure;
}

/* Let a connection to the proxy become one to the URL's server.
 * Errors: TR_EPROXY, and the log says what it has said; TR_ECONNREFUSED, -EHOSTUNREACH,
 *         -ENETUNREACH, TR_ETIMEDOUT it could not reach the server; TR_ESYNTAX; TR_EEND; of the
 *         stream. */
int tr__proxy_tunnel(tr_io *io, const tr__proxy *proxy, const tr__url *url);

#endif
