/* Cookies (RFC 6265, and what its successor adds: SameSite, Partitioned, prefixes of names).
 *
 * What comes is read as servers do: pieces that are no pair are skipped, and quotes around a value
 * are taken away. What goes out is strict: nothing can be put into a line that is not its own.
 *
 * Threads: any. */
#ifndef TR_HTTP_COOKIE_H
#define TR_HTTP_COOKIE_H

#include "http/slice.h"

/* Take the next pair off the value of a Cookie header. false: there is none. */
bool tr__cookie_next(tr__slice *rest, tr__slice *name, tr__slice *value);
/* The first value of this name; names are compared as they are. false: there is none. */
bool tr__cookie_find(tr__slice header, tr__slice name, tr__slice *value);

/* Enough for each Set-Cookie that browsers take: 4096 of name and value, and 1024 of the rest. */
enum { TR__COOKIE_BYTES = 4096 + 1024 };

typedef struct tr__cookie_options {
    const char *path; /* default "/" */
    const char *domain;
    double max_age;        /* seconds; 0: until the browser ends; below 0: it is deleted */
    int64_t expires;       /* seconds since 1970; 0: none is said */
    bool is_script_seen;   /* not HttpOnly */
    bool is_insecure;      /* not Secure, although it came by TLS */
    bool is_partitioned;   /* must be Secure, then */
    const char *same_site; /* "Strict", "Lax" or "None", which must be Secure; default "Lax" */
} tr__cookie_options;

/* The value of a Set-Cookie header, with a 0 behind it; is_secure: the request came by TLS. Its
 * length.
 * Errors: TR_EINVAL the name is no token, a byte of the value may not stand there (RFC 6265,
 *         4.1.1), an option is malformed, or browsers would refuse what they ask for together
 *         (SameSite=None, Partitioned, or the prefixes __Secure- and __Host-, without what they
 *         demand); TR_ETOOLARGE. */
int tr__cookie_format(const char *name, const char *value, const tr__cookie_options *options,
                      bool is_secure, char *text, size_t capacity);

#endif
