/* Which proxy a call goes through. */
#include "client/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe/core.h>

#include "base/log.h"
#include "base/seam.h"
#include "client/basic.h"

/* ---- proxies as texts ---- */

/* Take the scheme off; what has none is http's. false: it is another. */
static bool take_scheme(tr__slice *text, tr__proxy_kind *kind)
{
    static const struct {
        const char *scheme;
        tr__proxy_kind kind;
    } all[] = {
        { "http://", TR__PROXY_HTTP },
        { "https://", TR__PROXY_HTTPS },
        { "socks5://", TR__PROXY_SOCKS5 },
        { "socks5h://", TR__PROXY_SOCKS5 },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        size_t bytes = strlen(all[i].scheme);

        if (text->bytes >= bytes &&
            tr__slice_is_ignoring_case(tr__slice_head(*text, bytes), all[i].scheme)) {
            *text = tr__slice_tail(*text, bytes);
            *kind = all[i].kind;
            return true;
        }
    }
    *kind = TR__PROXY_HTTP;
    for (size_t i = 0; i + 2 < text->bytes; i++)
        if (memcmp(text->at + i, "://", 3) == 0)
            return false;
    return true;
}

static bool has_port(tr__slice authority)
{
    size_t at = tr__slice_index(authority, '@');

    if (at < authority.bytes)
        authority = tr__slice_tail(authority, at + 1);
    at = tr__slice_index(authority, ']');
    if (at < authority.bytes)
        authority = tr__slice_tail(authority, at);
    return tr__slice_index(authority, ':') < authority.bytes;
}

static int parse(tr__proxy *out, tr__slice text)
{
    char url[2048];
    int bytes;
    int rc;

    if (!take_scheme(&text, &out->kind) || text.bytes > sizeof(url) / 2)
        return TR_EINVAL;
    if (text.bytes > 0 && text.at[text.bytes - 1] == '/')
        text.bytes--;
    for (size_t i = 0; i < text.bytes; i++)
        if (strchr("/?#", text.at[i]) != NULL) /* a byte 0 is refused, too */
            return TR_EINVAL;
    bytes = snprintf(url, sizeof(url), "%s://%.*s%s",
                     out->kind == TR__PROXY_HTTPS ? "https" : "http", (int)text.bytes, text.at,
                     out->kind == TR__PROXY_SOCKS5 && !has_port(text) ? ":1080" : "");
    rc = tr__url_parse(&out->url, (tr__slice){ url, (size_t)bytes });
    if (rc < 0 || out->url.user == NULL)
        return rc;
    if (out->kind == TR__PROXY_SOCKS5) /* which has a byte for the length of each */
        return strlen(out->url.user) > 255 ||
                       (out->url.password != NULL && strlen(out->url.password) > 255)
                   ? TR_EINVAL
                   : 0;
    return tr__basic_make(&out->authorization, out->url.user,
                          out->url.password != NULL ? out->url.password : "");
}

static int read_proxy(tr__proxy *out, const char *name, const char *text)
{
    int rc = text != NULL && text[0] != 0 ? parse(out, tr__slice_of(text)) : 0;

    if (rc == TR_EINVAL) /* it may hold a password: it is not told */
        tr__log(TR_LOG_WARN, "http: %s names no proxy that there could be", name);
    return rc;
}

/* ---- the environment ---- */

static const char *variable(const char *small, const char *capital)
{
    const char *text = getenv(small);

    return text != NULL ? text : capital != NULL ? getenv(capital) : NULL;
}

static int read_environment(tr__proxies *out)
{
    const char *all = variable("all_proxy", "ALL_PROXY");
    const char *http =
        variable("http_proxy", getenv("REQUEST_METHOD") == NULL ? "HTTP_PROXY" : NULL);
    const char *https = variable("https_proxy", "HTTPS_PROXY");
    const char *except = variable("no_proxy", "NO_PROXY");
    int rc = read_proxy(&out->http, "http_proxy", http != NULL ? http : all);

    out->is_environment = true;
    if (rc == 0)
        rc = read_proxy(&out->https, "https_proxy", https != NULL ? https : all);
    if (rc == 0 && except != NULL && (out->except = tr__copy_string(except)) == NULL)
        rc = TR_ENOMEM;
    return rc;
}

int tr__proxies_init(tr__proxies *out, const char *text)
{
    int rc;

    *out = (tr__proxies){ 0 };
    if (text == NULL)
        return read_environment(out);
    rc = read_proxy(&out->http, "the configuration", text);
    return rc < 0 ? rc : read_proxy(&out->https, "the configuration", text);
}

static void fini(tr__proxy *proxy)
{
    tr__url_fini(&proxy->url);
    tr__free(proxy->authorization);
}

void tr__proxies_fini(tr__proxies *proxies)
{
    fini(&proxies->http);
    fini(&proxies->https);
    tr__free(proxies->except);
    *proxies = (tr__proxies){ 0 };
}

/* ---- exceptions ---- */

/* An address, and how many bits it has. 0: it is none. */
static unsigned read_address(tr__slice text, unsigned char out[16])
{
    char copy[INET6_ADDRSTRLEN];

    if (text.bytes >= sizeof(copy))
        return 0;
    if (text.bytes > 0)
        memcpy(copy, text.at, text.bytes);
    copy[text.bytes] = 0;
    if (inet_pton(AF_INET, copy, out) == 1)
        return 32;
    return inet_pton(AF_INET6, copy, out) == 1 ? 128 : 0;
}

static bool share_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    return memcmp(a, b, bits / 8) == 0 &&
           (bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0);
}

/* "10.0.0.0/8", or an address alone. */
static bool has_address(tr__slice entry, const tr__url *url)
{
    unsigned char network[16], address[16];
    size_t slash = tr__slice_index(entry, '/');
    unsigned bits = read_address(tr__slice_head(entry, slash), network);
    uint64_t most = bits;

    if (bits == 0 || read_address(tr__slice_of(url->name), address) != bits)
        return false;
    if (slash < entry.bytes && !tr__slice_to_u64(tr__slice_tail(entry, slash + 1), bits, &most))
        return false;
    return share_bits(network, address, (unsigned)most);
}

static bool has_name(tr__slice entry, tr__slice name)
{
    size_t before;

    if (entry.bytes > 0 && entry.at[0] == '*')
        entry = tr__slice_tail(entry, 1);
    if (entry.bytes > 0 && entry.at[0] == '.')
        entry = tr__slice_tail(entry, 1);
    if (entry.bytes == 0 || entry.bytes > name.bytes)
        return false;
    before = name.bytes - entry.bytes;
    return (before == 0 || name.at[before - 1] == '.') &&
           tr__slice_equals_ignoring_case(tr__slice_tail(name, before), entry);
}

/* Take a port off, and the brackets of IPv6. false: it is that of others. */
static bool take_port(tr__slice *entry, const tr__url *url)
{
    size_t bracket = tr__slice_index(*entry, ']');
    size_t from = bracket < entry->bytes ? bracket : 0;
    size_t colon = from + tr__slice_index(tr__slice_tail(*entry, from), ':');
    tr__slice port = tr__slice_tail(*entry, colon < entry->bytes ? colon + 1 : colon);
    uint64_t number = url->port;

    if (from == 0 && tr__slice_index(port, ':') < port.bytes)
        return true; /* IPv6 without brackets */
    if (colon < entry->bytes && !tr__slice_to_u64(port, UINT16_MAX, &number))
        return false;
    *entry = tr__slice_head(*entry, colon);
    if (from > 0 && entry->at[0] == '[')
        *entry = (tr__slice){ entry->at + 1, from - 1 };
    return number == url->port;
}

static bool has_entry(tr__slice entry, const tr__url *url)
{
    if (tr__slice_is(entry, "*"))
        return true;
    if (has_address(entry, url))
        return true;
    if (!take_port(&entry, url))
        return false;
    return url->is_numeric ? has_address(entry, url) : has_name(entry, tr__slice_of(url->name));
}

bool tr__no_proxy_has(const char *list, const tr__url *url)
{
    for (const char *at = list; *at != 0;) {
        size_t bytes = strcspn(at, ", \t");

        if (bytes > 0 && has_entry((tr__slice){ at, bytes }, url))
            return true;
        at += bytes + (at[bytes] != 0);
    }
    return false;
}

const tr__proxy *tr__proxies_for(const tr__proxies *proxies, const tr__url *url)
{
    const tr__proxy *proxy = url->is_secure ? &proxies->https : &proxies->http;

    if (proxy->url.text == NULL)
        return NULL;
    if (proxies->is_environment && tr__no_proxy_has("localhost 127.0.0.0/8 ::1", url))
        return NULL;
    if (proxies->except != NULL && tr__no_proxy_has(proxies->except, url))
        return NULL;
    return proxy;
}
