/* Content negotiation (RFC 9110, 12.5): which of what is offered a client likes best.
 *
 * A malformed piece of a list is as if it were not there; a q that is none counts as 0.
 *
 * Threads: any. */
#ifndef TR_HTTP_NEGOTIATE_H
#define TR_HTTP_NEGOTIATE_H

#include "http/slice.h"

/* How much, from 0 (not at all) to 1000, an Accept header likes a media type ("text/html"): the
 * most specific range counts. A header that is not there (at is NULL), or has no range, likes all.
 * */
int tr__accept_quality(tr__slice accept, const char *type);
/* The best of the offers, the first of those that are equal; -1: none will do (406). */
int tr__accept_choose(tr__slice accept, const char *const *offers, int count);

/* The same of an Accept-Encoding, and a coding: "gzip"; "identity", which is welcome unless it is
 * refused. A header that is not there accepts that only: nothing is compressed for it. */
int tr__accept_encoding_quality(tr__slice accept, const char *coding);
int tr__accept_encoding_choose(tr__slice accept, const char *const *offers, int count);

#endif
