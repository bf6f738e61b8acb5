/* Percent-encoding, and paths (RFC 3986, 2.1 and 5.2.4; forms as the URL standard has them).
 *
 * Decoding is strict: a '%' without two hex digits is an error, and so is a byte 0, for what is
 * decoded becomes a C string. Nothing is decoded twice.
 *
 * Threads: any. */
#ifndef TR_HTTP_PERCENT_H
#define TR_HTTP_PERCENT_H

#include <sys/types.h>

#include "http/slice.h"

enum {
    TR__PERCENT_PLUS = 1, /* '+' is a space, as in queries and forms */
    TR__PERCENT_NUL = 2   /* a byte 0 is as good as any */
};

/* Decode into out, which may be where the text stands; as many bytes as the text has are enough.
 * How many it has become; no 0 is put behind them.
 * Errors: TR_ESYNTAX; TR_ETOOLARGE out is too small. */
ssize_t tr__percent_decode(tr__slice text, char *out, size_t capacity, unsigned flags);
/* Whether it would decode to this, without doing so. */
bool tr__percent_decodes_to(tr__slice text, tr__slice decoded, unsigned flags);

/* Encode for a segment of a path ('/' becomes %2F), or a name or value of a query. Three times the
 * bytes are enough.
 * Errors: TR_ETOOLARGE. */
ssize_t tr__percent_encode_segment(tr__slice text, char *out, size_t capacity);
ssize_t tr__percent_encode_query(tr__slice text, char *out, size_t capacity);

/* The normal form of a path, which is never longer, and may be made where it stands: what need not
 * be encoded is not (RFC 3986, 6.2.2), hex digits are large, and "." and ".." are gone, whether
 * they were encoded or not. What is still encoded is so for a reason: "%2F" is no '/'.
 *
 * Each segment may then be decoded by itself: none is ".." or ".".
 * Errors: TR_ESYNTAX it does not begin with '/'; leads above the root; a '%' without two hex
 *         digits; a control character, encoded or not; or '\\', '#', '?', unless encoded. */
ssize_t tr__path_normalize(tr__slice path, char *out);
/* Decode a normal form for what looks for files: a path below some folder, whatever it holds.
 * Errors: TR_ESYNTAX a segment holds '/' or '\\', or is empty but for the last; it was not normal;
 *         TR_ETOOLARGE. */
ssize_t tr__path_decode(tr__slice normal, char *out, size_t capacity);

#endif
