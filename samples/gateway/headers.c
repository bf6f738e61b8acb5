/* See headers.h. */
#define _GNU_SOURCE
#include "headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ADDED = 5 };
#define VIA "1.1 gateway"

static bool is_among(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

/* Whether a list, "close, X-Mine", has a name. */
static bool lists(const char *list, const char *name)
{
    size_t bytes = strlen(name);

    while (list != NULL && *list != '\0') {
        size_t item = strcspn(list, ", \t");

        if (item == bytes && strncasecmp(list, name, bytes) == 0)
            return true;
        list += item;
        list += strspn(list, ", \t");
    }
    return false;
}

/* What is between two that talk directly, and no others: also whatever Connection names. */
static bool is_of_hop(const char *name, const char *connection)
{
    static const char *const names[] = { "Connection",
                                         "Keep-Alive",
                                         "Proxy-Connection",
                                         "Proxy-Authenticate",
                                         "Proxy-Authorization",
                                         "TE",
                                         "Trailer",
                                         "Transfer-Encoding",
                                         "Upgrade",
                                         NULL };

    return is_among(name, names) || lists(connection, name);
}

/* ---- to the upstream ---- */

__attribute__((format(printf, 2, 3))) static const char *line(tr_http_request *req,
                                                              const char *format, ...)
{
    va_list args;
    char *text;
    int bytes;

    va_start(args, format);
    bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = bytes < 0 ? NULL : tr_http_alloc(req, (size_t)bytes + 1);
    if (text == NULL)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)bytes + 1, format, args); /* as long as before */
    va_end(args);
    return text;
}

/* What is said by the client itself (Host, Content-Length, Expect), or added to below. */
static bool is_replaced(const char *name)
{
    static const char *const names[] = {
        "Host",      "Content-Length",  "Expect",           "Via",
        "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
        NULL
    };

    return is_among(name, names);
}

/* A header that is a list, with one more at its end. */
static const char *append(tr_http_request *req, const char *name, const char *value)
{
    const char *before = tr_http_header(req, name);

    return before != NULL ? line(req, "%s: %s, %s", name, before, value)
                          : line(req, "%s: %s", name, value);
}

/* "127.0.0.1:40123" without the port; "[::1]:40123" is "::1". */
static const char *address_of(tr_http_request *req)
{
    const char *peer = tr_http_peer(req), *end;

    if (peer == NULL)
        return "unknown";
    if (*peer == '[' && (end = strchr(peer, ']')) != NULL)
        return line(req, "%.*s", (int)(end - peer - 1), peer + 1);
    end = strrchr(peer, ':');
    return end != NULL && *peer != '/' && *peer != '@' ? line(req, "%.*s", (int)(end - peer), peer)
                                                       : "unknown"; /* a Unix socket has none */
}

static bool add_forwarded(tr_http_request *req, const char **lines)
{
    const char *host = tr_http_header(req, "Host"), *address = address_of(req);
    const char *scheme = tr_http_is_secure(req) ? "https" : "http", *forwarded;

    if (host == NULL || strpbrk(host, "\"\\") != NULL)
        host = "unknown";
    if (address == NULL)
        return false;
    forwarded = strchr(address, ':') != NULL
                    ? line(req, "for=\"[%s]\";host=\"%s\";proto=%s", address, host, scheme)
                    : line(req, "for=%s;host=\"%s\";proto=%s", address, host, scheme);
    if (forwarded == NULL)
        return false;
    lines[0] = append(req, "X-Forwarded-For", address);
    lines[1] = append(req, "Forwarded", forwarded);
    lines[2] = append(req, "Via", VIA);
    lines[3] = line(req, "X-Forwarded-Host: %s", host);
    lines[4] = line(req, "X-Forwarded-Proto: %s", scheme);
    for (int i = 0; i < ADDED; i++)
        if (lines[i] == NULL)
            return false;
    return true;
}

const char *const *headers_to_send(tr_http_request *req)
{
    const char *connection = tr_http_header(req, "Connection"), *name, *value;
    const char **lines;
    size_t count = 0, used = 0;

    while (tr_http_header_at(req, count, &name, &value))
        count++;
    lines = tr_http_alloc(req, (count + ADDED + 1) * sizeof(*lines));
    if (lines == NULL || !add_forwarded(req, lines))
        return NULL;
    used = ADDED;
    for (size_t i = 0; i < count && tr_http_header_at(req, i, &name, &value); i++) {
        if (is_of_hop(name, connection) || is_replaced(name))
            continue;
        lines[used] = line(req, "%s: %s", name, value);
        if (lines[used++] == NULL)
            return NULL;
    }
    lines[used] = NULL;
    return lines;
}

/* ---- from the upstream ---- */

int headers_take(tr_http_response *res, tr_http_reply *reply)
{
    /* What our server says itself. */
    static const char *const own[] = { "Content-Length", "Content-Type", "Date", NULL };
    const char *connection = tr_http_reply_header(reply, "Connection"), *name, *value;
    int rc = tr_http_add_header(res, "Via", VIA);

    for (size_t i = 0; rc == 0 && tr_http_reply_header_at(reply, i, &name, &value); i++)
        if (!is_of_hop(name, connection) && !is_among(name, own))
            rc = tr_http_add_header(res, name, value);
    return rc;
}
