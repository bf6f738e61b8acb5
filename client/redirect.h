/* What a redirect asks for (RFC 9110, 15.4), by the rules that browsers share (the Fetch standard,
 * 4.4):
 *
 *     301, 302   POST becomes GET
 *     303        all but HEAD becomes GET
 *     307, 308   the same once more, with its body
 *
 * Where a method becomes another, the body is gone, and with it the headers that tell of it. Where
 * the origin (scheme, host, port) is another, so are those that say who asks.
 *
 * From https nobody is led to http: what was asked for in secret would be told to all on the way.
 * Nor can a server say who asks: a user in a Location is none.
 *
 * Threads: any. */
#ifndef TR_CLIENT_REDIRECT_H
#define TR_CLIENT_REDIRECT_H

#include "client/url.h"
#include "http/header_name.h"

typedef struct tr__redirect {
    tr__url url;
    bool becomes_get;
    bool leaves_origin;
} tr__redirect;

/* Whether an answer of this status is followed, if it has a Location. */
bool tr__redirect_is(int status);
/* Whether the next request has the body once more: then it must be at hand. */
bool tr__redirect_repeats(int status, const char *method);

/* Where an answer to a request leads.
 * Ownership: out->url is the caller's; nothing on error.
 * Errors:    TR_EREDIRECTS from https to http, or to nothing that is a URL of either, and the log
 *            says so; TR_ENOMEM. */
int tr__redirect_read(tr__redirect *out, int status, const char *method, const tr__url *from,
                      tr__slice location);
/* Whether the next request goes without a header that the program gave. */
bool tr__redirect_drops(const tr__redirect *redirect, tr__known name);

#endif
