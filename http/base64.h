/* Base64 (RFC 4648, 4), strict: padded, with no bits left over and nothing else between.
 *
 * Threads: any. */
#ifndef TR_HTTP_BASE64_H
#define TR_HTTP_BASE64_H

#include <sys/types.h>

#include "http/slice.h"

/* How much room so many bytes need, encoded; without a 0. */
static inline size_t tr__base64_bytes(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* out has room for tr__base64_bytes of them; no 0 is put behind. How many. */
size_t tr__base64_encode(tr__slice data, char *out);
/* Three bytes for each four are enough; out may be where the text stands. How many.
 * Errors: TR_ESYNTAX; TR_ETOOLARGE out is too small. */
ssize_t tr__base64_decode(tr__slice text, char *out, size_t capacity);

#endif
