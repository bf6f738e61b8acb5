/* See address.h. */
#define _GNU_SOURCE
#include "address.h"

#include <ctype.h>
#include <libxml/uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/core.h>

static bool is_escape(const char *at)
{
    return at[0] == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]);
}

/* Browsers take what people write: spaces around it, and bytes that no URL may have. */
static char *escape(const char *link)
{
    static const char strange[] = "\"<>\\^`{|}";
    size_t bytes;
    char *out, *to;

    while (isspace((unsigned char)*link))
        link++;
    bytes = strlen(link);
    while (bytes > 0 && isspace((unsigned char)link[bytes - 1]))
        bytes--;
    to = out = malloc(3 * bytes + 1);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)link[i];

        if (c <= ' ' || c >= 0x7f || strchr(strange, c) != NULL ||
            (c == '%' && !is_escape(link + i)))
            to += sprintf(to, "%%%02X", c);
        else
            *to++ = (char)c;
    }
    *to = '\0';
    return out;
}

void address_settle(char *text)
{
    char *to = text;

    for (const char *at = text; *at != '\0'; at++) {
        if (is_escape(at)) {
            char hex[3] = { (char)toupper(at[1]), (char)toupper(at[2]), '\0' };
            int c = (int)strtol(hex, NULL, 16);

            if (isalnum(c) || (c != 0 && strchr("-._~", c) != NULL)) {
                *to++ = (char)c;
            } else {
                *to++ = '%';
                *to++ = hex[0];
                *to++ = hex[1];
            }
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

static void make_small(char *text)
{
    for (; *text != '\0'; text++)
        *text = (char)tolower((unsigned char)*text);
}

/* All but the fragment and the user, who is nobody's business but the site's. */
static int compose(char **out, xmlURI *uri)
{
    bool is_secure = strcmp(uri->scheme, "https") == 0;
    const char *path = uri->path != NULL && *uri->path != '\0' ? uri->path : "/";
    char port[16] = "";
    int bytes;

    if (uri->port > 0 && uri->port != (is_secure ? 443 : 80))
        (void)snprintf(port, sizeof(port), ":%d", uri->port);
    bytes =
        asprintf(out, "%s://%s%s%s%s%s", uri->scheme, uri->server, port, path,
                 uri->query_raw != NULL ? "?" : "", uri->query_raw != NULL ? uri->query_raw : "");
    if (bytes < 0) {
        *out = NULL;
        return TR_ENOMEM;
    }
    address_settle(*out);
    return 0;
}

static int settle(char **out, const char *absolute)
{
    xmlURI *uri = xmlParseURIRaw(absolute, 1);
    int rc = TR_EINVAL;

    if (uri != NULL && uri->scheme != NULL) {
        make_small(uri->scheme);
        if (strcmp(uri->scheme, "http") != 0 && strcmp(uri->scheme, "https") != 0) {
            rc = 1;
        } else if (uri->server != NULL && *uri->server != '\0' && uri->port <= 65535) {
            make_small(uri->server);
            if (uri->path != NULL)
                (void)xmlNormalizeURIPath(uri->path); /* in place; fails for NULL only */
            rc = compose(out, uri);
        }
    }
    xmlFreeURI(uri);
    return rc;
}

int address_join(char **out, const char *base, const char *link)
{
    char *text = escape(link);
    xmlChar *absolute = NULL;
    int rc;

    *out = NULL;
    if (text == NULL)
        return TR_ENOMEM;
    if (base != NULL && *text == '\0') {
        free(text);
        return 1;
    }
    absolute = base == NULL ? xmlStrdup((const xmlChar *)text)
                            : xmlBuildURI((const xmlChar *)text, (const xmlChar *)base);
    free(text);
    rc = absolute == NULL ? TR_EINVAL : settle(out, (const char *)absolute);
    xmlFree(absolute);
    return rc;
}

const char *address_path(const char *url)
{
    const char *host = strstr(url, "://");

    return strchr(host != NULL ? host + 3 : url, '/');
}

bool address_same_host(const char *a, const char *b)
{
    size_t bytes = (size_t)(address_path(a) - a);

    return bytes == (size_t)(address_path(b) - b) && memcmp(a, b, bytes) == 0;
}
