/* Entity tags (RFC 9110, 8.8.3), and the lists of them in If-Match and If-None-Match (13.1).
 *
 * Threads: any. */
#ifndef TR_HTTP_ETAG_H
#define TR_HTTP_ETAG_H

#include "http/slice.h"

/* "abc" or W/"abc", with its quotes. */
bool tr__etag_is_valid(tr__slice etag);
/* Whether both are the same and strong; whether they are the same but for that. false, too, if one
 * is no tag. */
bool tr__etag_equals_strongly(tr__slice a, tr__slice b);
bool tr__etag_equals_weakly(tr__slice a, tr__slice b);

/* Whether the condition is met by what there is: etag.at is NULL if there is nothing, etag.bytes 0
 * if it has no tag. A malformed list has the tags before the place where it is. */
bool tr__if_match(tr__slice list, tr__slice etag);      /* else 412 */
bool tr__if_none_match(tr__slice list, tr__slice etag); /* else 304, or 412 */

#endif
