/* The pairs of a query, or of a form (application/x-www-form-urlencoded, URL standard, 5.1): names
 * may come repeatedly, in an order that counts. Empty pairs are none; "a" is "a=".
 *
 * Nothing is decoded here: TR__PERCENT_PLUS is how names and values are to be.
 *
 * Threads: any. */
#ifndef TR_HTTP_QUERY_H
#define TR_HTTP_QUERY_H

#include "http/slice.h"

/* Take the next pair off. false: there is none. */
bool tr__query_next(tr__slice *rest, tr__slice *name, tr__slice *value);
/* The value of the i-th pair of this name, which is decoded; the value is not. A pair whose name is
 * malformed has none. false: there is no such. */
bool tr__query_find(tr__slice query, tr__slice name, size_t i, tr__slice *value);
/* Whether there are at most so many pairs, and each is well-formed: it decodes. */
bool tr__query_is_valid(tr__slice query, size_t most);

#endif
