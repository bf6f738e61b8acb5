/* URLs of http and https in one form, so that a page that is linked to in several ways is one page:
 * scheme and host in small letters, no port that is the scheme's own, no "." and "..", no fragment,
 * no user; what may not stand in a URL is percent-encoded, and what need not be is not.
 * RFC 3986 is libxml2's. */
#ifndef SCRAPER_ADDRESS_H
#define SCRAPER_ADDRESS_H

#include <stdbool.h>

/* The URL that a link on a page means; base NULL: it is absolute. *out is the caller's to free.
 * 0; 1 it is of another kind ("mailto:..."), or nothing; TR_EINVAL it is malformed; TR_ENOMEM. */
int address_join(char **out, const char *base, const char *link);

/* Percent-encoding in one form, in place. */
void address_settle(char *text);

/* Where the path begins; and whether two URLs are of one host, and port. */
const char *address_path(const char *url);
bool address_same_host(const char *a, const char *b);

#endif
