/* Redirects. */
#include "client/redirect.h"

#include <troupe/core.h>

#include "base/log.h"

bool tr__redirect_is(int status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

static bool becomes_get(int status, const char *method)
{
    if (status == 303)
        return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    return (status == 301 || status == 302) && strcmp(method, "POST") == 0;
}

bool tr__redirect_repeats(int status, const char *method)
{
    return !becomes_get(status, method);
}

/* The Location stands in the log only where it is a URL: then it has no line's end in it. */
static int refuse(const tr__url *from, const tr__url *to)
{
    if (to->text != NULL)
        tr__log(TR_LOG_INFO, "http: %.*s leads to %.*s: from https to http nothing is followed",
                (int)from->origin.bytes, from->origin.at, (int)to->origin.bytes, to->origin.at);
    else
        tr__log(TR_LOG_INFO, "http: %.*s leads to what is no URL of http or https",
                (int)from->origin.bytes, from->origin.at);
    return TR_EREDIRECTS;
}

int tr__redirect_read(tr__redirect *out, int status, const char *method, const tr__url *from,
                      tr__slice location)
{
    int rc;

    *out = (tr__redirect){ .becomes_get = becomes_get(status, method) };
    rc = tr__url_join(&out->url, from, location);
    if (rc == TR_EINVAL || (rc == 0 && from->is_secure && !out->url.is_secure)) {
        rc = refuse(from, &out->url);
        tr__url_fini(&out->url);
    }
    if (rc < 0)
        return rc;
    out->url.user = NULL;
    out->url.password = NULL;
    out->leaves_origin = !tr__url_is_same_origin(from, &out->url);
    return 0;
}

bool tr__redirect_drops(const tr__redirect *redirect, tr__known name)
{
    switch (name) {
    case TR__KNOWN_AUTHORIZATION:
    case TR__KNOWN_COOKIE:
    case TR__KNOWN_HOST:
    case TR__KNOWN_PROXY_AUTHORIZATION:
        return redirect->leaves_origin;
    case TR__KNOWN_CONTENT_ENCODING:
    case TR__KNOWN_CONTENT_LANGUAGE:
    case TR__KNOWN_CONTENT_LENGTH:
    case TR__KNOWN_CONTENT_LOCATION:
    case TR__KNOWN_CONTENT_RANGE:
    case TR__KNOWN_CONTENT_TYPE:
    case TR__KNOWN_EXPECT:
    case TR__KNOWN_TRANSFER_ENCODING:
        return redirect->becomes_get;
    default:
        return false;
    }
}
