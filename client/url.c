/* URLs. */
#include "client/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <troupe/core.h>

#include "base/seam.h"
#include "http/percent.h"

enum { NAME_MOST = 253, LABEL_MOST = 63, PORT_BYTES = sizeof(":65535") };

/* A URL taken apart; nothing is decoded. */
typedef struct parts {
    bool is_secure;
    tr__slice user; /* with its password; at is NULL: none */
    tr__slice host; /* with its brackets */
    tr__slice port;
    tr__slice path;
    tr__slice query; /* at is NULL: none */
} parts;

/* ---- bytes ---- */

static bool has_control(tr__slice text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return true;
    return false;
}

/* Where one of these bytes stands first; the slice's length: nowhere. */
static size_t index_of_any(tr__slice text, const char *set)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (text.at[i] != 0 && strchr(set, text.at[i]) != NULL)
            return i;
    return text.bytes;
}

/* Whether it may stand in a path (3.3), or, with '?', in a query (3.4). */
static bool is_plain(char c, bool is_query)
{
    if (tr__is_alpha(c) || tr__is_digit(c))
        return true;
    return c != 0 && (strchr("-._~!$&'()*+,;=:@/", c) != NULL || (c == '?' && is_query));
}

/* Append, with each byte encoded that may not stand there. */
static char *put_encoded(char *at, tr__slice text, bool is_query)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_triplet = c == '%' && text.bytes - i > 2 && tr__hex_value(text.at[i + 1]) >= 0 &&
                          tr__hex_value(text.at[i + 2]) >= 0;

        if (is_triplet || is_plain((char)c, is_query)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    return at;
}

static char *put(char *at, tr__slice text)
{
    if (text.bytes > 0)
        memcpy(at, text.at, text.bytes);
    return at + text.bytes;
}

/* ---- taking it apart ---- */

static bool is_scheme_byte(char c)
{
    return tr__is_alpha(c) || tr__is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* The length of the scheme that a text begins with; 0: none. */
static size_t scheme_bytes(tr__slice text)
{
    size_t bytes = 0;

    if (text.bytes == 0 || !tr__is_alpha(text.at[0]))
        return 0;
    while (bytes < text.bytes && is_scheme_byte(text.at[bytes]))
        bytes++;
    return bytes < text.bytes && text.at[bytes] == ':' ? bytes : 0;
}

static bool split_scheme(tr__slice *text, parts *p)
{
    size_t bytes = scheme_bytes(*text);
    tr__slice scheme = tr__slice_head(*text, bytes);

    p->is_secure = tr__slice_is_ignoring_case(scheme, "https");
    if (!p->is_secure && !tr__slice_is_ignoring_case(scheme, "http"))
        return false;
    *text = tr__slice_tail(*text, bytes);
    if (!tr__slice_begins(*text, "://"))
        return false;
    *text = tr__slice_tail(*text, 3);
    return true;
}

static bool split_authority(tr__slice authority, parts *p)
{
    size_t at = tr__slice_index(authority, '@');
    size_t host;

    if (at < authority.bytes) {
        p->user = tr__slice_head(authority, at);
        authority = tr__slice_tail(authority, at + 1);
    }
    host = tr__slice_index(authority, ']');
    host = host < authority.bytes ? host + 1 : tr__slice_index(authority, ':');
    p->host = tr__slice_head(authority, host);
    p->port = tr__slice_tail(authority, host);
    return p->port.bytes == 0 || p->port.at[0] == ':';
}

static bool split(tr__slice text, parts *p)
{
    size_t bytes;

    text = tr__slice_head(text, tr__slice_index(text, '#'));
    if (!split_scheme(&text, p))
        return false;
    bytes = index_of_any(text, "/?");
    if (!split_authority(tr__slice_head(text, bytes), p))
        return false;
    text = tr__slice_tail(text, bytes);
    bytes = tr__slice_index(text, '?');
    p->path = tr__slice_head(text, bytes);
    if (bytes < text.bytes)
        p->query = tr__slice_tail(text, bytes + 1);
    return true;
}

/* ---- hosts ---- */

/* Others take what ends in a number for an address, each in its way (the URL standard, 3.5). */
static bool looks_numeric(tr__slice last)
{
    size_t i = 0;

    while (i < last.bytes && tr__is_digit(last.at[i]))
        i++;
    if (i == last.bytes)
        return true;
    if (last.bytes < 2 || last.at[0] != '0' || tr__lower(last.at[1]) != 'x')
        return false;
    for (i = 2; i < last.bytes && tr__hex_value(last.at[i]) >= 0;)
        i++;
    return i == last.bytes;
}

static bool is_label(tr__slice label)
{
    for (size_t i = 0; i < label.bytes; i++)
        if (!tr__is_alpha(label.at[i]) && !tr__is_digit(label.at[i]) && label.at[i] != '-' &&
            label.at[i] != '_')
            return false;
    return label.bytes > 0 && label.bytes <= LABEL_MOST;
}

/* A dot behind the last label says that it is the whole name. */
static bool is_name(tr__slice host)
{
    tr__slice label = { 0 };

    if (host.bytes == 0 || host.bytes > NAME_MOST)
        return false;
    while (tr__slice_split(&host, '.', &label))
        if (!is_label(label))
            return false;
    return !looks_numeric(label);
}

/* Write it in its one form, with brackets and a 0. false: it is neither an address nor a name. */
static bool normalize_host(tr__slice host, char out[NAME_MOST + 1], bool *is_numeric)
{
    char copy[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;
    bool is_ipv6 = host.bytes > 2 && host.at[0] == '[' && host.at[host.bytes - 1] == ']';
    tr__slice inner = is_ipv6 ? (tr__slice){ host.at + 1, host.bytes - 2 } : host;

    if (inner.bytes > 0 && inner.bytes < sizeof(copy))
        memcpy(copy, inner.at, inner.bytes);
    *is_numeric = true;
    if (is_ipv6) {
        if (inet_pton(AF_INET6, copy, &address) != 1)
            return false;
        (void)inet_ntop(AF_INET6, &address, copy, sizeof(copy)); /* it fits */
        (void)snprintf(out, NAME_MOST + 1, "[%s]", copy);
        return true;
    }
    *is_numeric = inet_pton(AF_INET, copy, &address) == 1;
    if (!*is_numeric && !is_name(host))
        return false;
    for (size_t i = 0; i < host.bytes; i++)
        out[i] = tr__lower(host.at[i]);
    out[host.bytes] = 0;
    return true;
}

/* What stands behind the host: nothing, or ':' and perhaps a number. */
static bool read_port(const parts *p, uint16_t *port)
{
    uint64_t value = p->is_secure ? 443 : 80;

    if (p->port.bytes > 1 &&
        (!tr__slice_to_u64(tr__slice_tail(p->port, 1), UINT16_MAX, &value) || value == 0))
        return false;
    *port = (uint16_t)value;
    return true;
}

/* ---- paths ---- */

/* Take the last segment of what stands between begin and at away, with its '/'. */
static char *drop_segment(const char *begin, char *at)
{
    while (at > begin && *--at != '/')
        continue;
    return at;
}

/* Append a path without its dots (5.2.4), encoded. */
static char *put_path(char *at, tr__slice path)
{
    const char *begin = at;
    tr__slice segment;

    if (path.bytes == 0)
        *at++ = '/';
    while (path.bytes > 0) {
        bool is_last;

        path = tr__slice_tail(path, 1); /* the '/' before each */
        segment = tr__slice_head(path, tr__slice_index(path, '/'));
        path = tr__slice_tail(path, segment.bytes);
        is_last = path.bytes == 0;
        if (tr__slice_is(segment, "..")) {
            at = drop_segment(begin, at);
        } else if (!tr__slice_is(segment, ".")) {
            *at++ = '/';
            at = put_encoded(at, segment, false);
            continue;
        }
        if (is_last)
            *at++ = '/';
    }
    return at;
}

/* ---- putting it together ---- */

/* Each byte may become three, and those of the authority stand there three times; an address may be
 * longer in its one form. */
static size_t room_for(tr__slice text)
{
    return 3 * text.bytes + 3 * (INET6_ADDRSTRLEN + PORT_BYTES) + sizeof("https:///");
}

static char *put_port(char *at, uint16_t port)
{
    return at + snprintf(at, PORT_BYTES, ":%u", (unsigned)port);
}

static char *put_authority(tr__url *url, char *at, const parts *p, tr__slice host)
{
    url->authority.at = at;
    url->host = (tr__slice){ at, host.bytes };
    at = put(at, host);
    if (url->port != (p->is_secure ? 443 : 80))
        at = put_port(at, url->port);
    url->authority.bytes = (size_t)(at - url->authority.at);
    url->origin = (tr__slice){ url->text, (size_t)(at - url->text) };
    return at;
}

static char *put_text(tr__url *url, char *at, const parts *p, tr__slice host)
{
    at = put(at, tr__slice_of(p->is_secure ? "https://" : "http://"));
    at = put_authority(url, at, p, host);
    url->target = at;
    at = put_path(at, p->path);
    url->path = (tr__slice){ url->target, (size_t)(at - url->target) };
    if (p->query.at != NULL) {
        *at++ = '?';
        at = put_encoded(at, p->query, true);
    }
    *at++ = 0;
    return at;
}

/* Where to connect to, and whose certificate it must be: those have no dot in the end. */
static char *put_address(tr__url *url, char *at, tr__slice host)
{
    tr__slice name = host;

    url->address = at;
    at = put_port(put(at, host), url->port);
    *at++ = 0;
    if (host.at[0] == '[')
        name = (tr__slice){ host.at + 1, host.bytes - 2 };
    else if (host.at[host.bytes - 1] == '.')
        name.bytes--;
    url->name = at;
    at = put(at, name);
    *at++ = 0;
    return at;
}

/* Append one decoded, and a 0; NULL: malformed, or it has a control character in it. Some take a
 * backslash for the end of the host: so each byte must be one that may stand there (3.2.1). */
static char *put_decoded(char *at, tr__slice text)
{
    ssize_t bytes = tr__percent_decode(text, at, text.bytes, 0);

    for (size_t i = 0; i < text.bytes; i++)
        if (text.at[i] != '%' && !is_plain(text.at[i], false))
            return NULL;
    if (bytes < 0 || has_control((tr__slice){ at, (size_t)bytes }))
        return NULL;
    at[bytes] = 0;
    return at + bytes + 1;
}

/* A user's name with a colon could not be told from one with a password (RFC 7617, 2). */
static bool put_user(tr__url *url, char *at, tr__slice user)
{
    size_t colon = tr__slice_index(user, ':');

    if (user.at == NULL)
        return true;
    url->user = at;
    at = put_decoded(at, tr__slice_head(user, colon));
    if (at == NULL || strchr(url->user, ':') != NULL)
        return false;
    if (colon == user.bytes)
        return true;
    url->password = at;
    return put_decoded(at, tr__slice_tail(user, colon + 1)) != NULL;
}

int tr__url_parse(tr__url *out, tr__slice text)
{
    parts p = { 0 };
    char host[NAME_MOST + 1];
    tr__slice host_text;
    char *at;

    *out = (tr__url){ 0 };
    if (text.bytes > TR__URL_MOST || has_control(text) || !split(text, &p) ||
        !normalize_host(p.host, host, &out->is_numeric) || !read_port(&p, &out->port)) {
        *out = (tr__url){ 0 };
        return TR_EINVAL;
    }
    host_text = tr__slice_of(host);
    out->text = at = tr__alloc(room_for(text));
    if (at == NULL) {
        *out = (tr__url){ 0 };
        return TR_ENOMEM;
    }
    out->is_secure = p.is_secure;
    at = put_text(out, at, &p, host_text);
    at = put_address(out, at, host_text);
    if (put_user(out, at, p.user))
        return 0;
    tr__url_fini(out);
    return TR_EINVAL;
}

void tr__url_fini(tr__url *url)
{
    tr__free(url->text);
    *url = (tr__url){ 0 };
}

/* ---- references ---- */

/* The beginning of base that a reference without a scheme takes over. */
static tr__slice kept_of(const tr__url *base, tr__slice reference)
{
    const char *end = base->text;

    if (tr__slice_begins(reference, "//")) /* the scheme, and its colon */
        end += tr__slice_index(base->origin, '/');
    else if (tr__slice_begins(reference, "/"))
        end = base->target;
    else if (reference.bytes == 0)
        end = base->target + strlen(base->target);
    else if (reference.at[0] == '?')
        end = base->path.at + base->path.bytes;
    else /* all but the last segment of the path */
        for (end = base->path.at + base->path.bytes; end[-1] != '/';)
            end--;
    return (tr__slice){ base->text, (size_t)(end - base->text) };
}

static int parse_joined(tr__url *out, tr__slice kept, tr__slice rest)
{
    char *text = tr__alloc(kept.bytes + rest.bytes + 1);
    int rc;

    if (text == NULL)
        return TR_ENOMEM;
    (void)put(put(text, kept), rest);
    rc = tr__url_parse(out, (tr__slice){ text, kept.bytes + rest.bytes });
    tr__free(text);
    return rc;
}

int tr__url_join(tr__url *out, const tr__url *base, tr__slice reference)
{
    *out = (tr__url){ 0 };
    if (reference.bytes > TR__URL_MOST || has_control(reference))
        return TR_EINVAL;
    reference = tr__slice_head(reference, tr__slice_index(reference, '#'));
    if (scheme_bytes(reference) > 0)
        return tr__url_parse(out, reference);
    return parse_joined(out, kept_of(base, reference), reference);
}

/* ---- calls ---- */

/* How many bytes the pairs need, each with what stands before it; SIZE_MAX: one has no value. */
static size_t query_room(const char *const *query)
{
    size_t bytes = 0;

    for (; query != NULL && query[0] != NULL; query += 2) {
        if (query[1] == NULL)
            return SIZE_MAX;
        bytes += 3 * strlen(query[0]) + 3 * strlen(query[1]) + 2;
    }
    return bytes;
}

static char *put_query(char *at, tr__slice text)
{
    return at + tr__percent_encode_query(text, at, 3 * text.bytes); /* it fits */
}

static char *put_pairs(char *at, const char *text, const char *const *query)
{
    bool has_query = memchr(text, '?', (size_t)(at - text)) != NULL;

    for (; query != NULL && query[0] != NULL; query += 2) {
        if (at[-1] != '?' && at[-1] != '&')
            *at++ = has_query ? '&' : '?';
        has_query = true;
        at = put_query(at, tr__slice_of(query[0]));
        *at++ = '=';
        at = put_query(at, tr__slice_of(query[1]));
    }
    return at;
}

int tr__url_compose(tr__url *out, const char *base, const char *url, const char *const *query)
{
    tr__slice end = tr__slice_of(url);
    tr__slice begin = { 0 };
    size_t room = query_room(query);
    char *text, *at;
    int rc;

    *out = (tr__url){ 0 };
    if (room > TR__URL_MOST * 4 || end.bytes > TR__URL_MOST)
        return TR_EINVAL;
    if (base != NULL && url[0] == '/')
        begin = tr__slice_of(base);
    if (begin.bytes == 0 && room == 0)
        return tr__url_parse(out, end);
    if (begin.bytes > 0 && begin.at[begin.bytes - 1] == '/')
        begin.bytes--; /* one is in the other already */
    end = tr__slice_head(end, tr__slice_index(end, '#'));
    text = tr__alloc(begin.bytes + end.bytes + room + 1);
    if (text == NULL)
        return TR_ENOMEM;
    at = put(put(text, begin), end);
    if (at > text)
        at = put_pairs(at, text, query);
    rc = tr__url_parse(out, (tr__slice){ text, (size_t)(at - text) });
    tr__free(text);
    return rc;
}

int tr__url_check_base(const char *base)
{
    tr__url url;
    int rc = strpbrk(base, "?#") != NULL ? TR_EINVAL : tr__url_parse(&url, tr__slice_of(base));

    if (rc == 0)
        tr__url_fini(&url);
    return rc;
}
