/* The Set-Cookie header, as clients read it (RFC 6265, 5.1.1 and 5.2, and what its successor adds:
 * limits, and no life of more than 400 days). Servers send what they like: what can't be understood
 * of a line is left out, or the line is.
 *
 * Threads: any. */
#ifndef TR_CLIENT_SET_COOKIE_H
#define TR_CLIENT_SET_COOKIE_H

#include "http/slice.h"

enum {
    TR__COOKIE_MOST = 4096,           /* bytes of name and value */
    TR__COOKIE_ATTRIBUTE_MOST = 1024, /* of each value beside them */
};
#define TR__COOKIE_AGE_MOST_S ((int64_t)400 * 86400)

typedef struct tr__set_cookie {
    tr__slice name, value;
    tr__slice domain;  /* without a dot before it; empty: none is said */
    tr__slice path;    /* begins with '/'; empty: none is said */
    int64_t expires_s; /* INT64_MAX: with its client; INT64_MIN: it has */
    bool is_secure;
} tr__set_cookie;

/* false: the line is none, or too long, or has no name. */
bool tr__set_cookie_parse(tr__set_cookie *out, tr__slice line, int64_t now_s);

/* A date of whatever look, which has a time, a day, a month and a year somewhere. false: it has
 * not, or there is no such day. */
bool tr__cookie_date_parse(tr__slice text, int64_t *out);

#endif
